// Arrays as NumPy's .npz: see npz_write.h. For the export of datasets.
#include "io/npz_write.h"

#include <stdio.h>
#include <string.h>

#include "io/archive.h"
#include "io/npy.h"

enum { ARRAYS_MAX = 16 };

struct udy__npz {
    size_t n;
    udy__archive_part parts[ARRAYS_MAX];
    char entries[ARRAYS_MAX][64];
    char *blocks[ARRAYS_MAX];
};

static uint64_t bytes_of(const udy_tensor *t) {
    uint64_t n = udy_dtype_size(t->dtype);
    for (int i = 0; i < t->ndim; i++) n *= (uint64_t)t->shape[i];
    return n;
}

int udy__npz_begin(udy__npz **out, const udy_tensor *arrays, size_t n, void **data,
                   udy_error *err) {
    *out = NULL;
    if (n > ARRAYS_MAX) return udy_error_set(err, UDY_EINVAL, "%zu arrays for a .npz", n);
    udy__npz *z = udy_alloc(sizeof *z);
    if (!z) return udy_error_set(err, UDY_ENOMEM, "no memory for a .npz");
    for (size_t i = 0; i < n; i++) {
        char header[UDY__NPY_HEADER_MAX];
        size_t head = udy__npy_header(header, &arrays[i]),
               size = head + (size_t)bytes_of(&arrays[i]);
        z->blocks[i] = head ? udy_alloc(size) : NULL;
        if (!z->blocks[i]) {
            udy__npz_free(z);
            return udy_error_set(err, UDY_ENOMEM, "no memory for '%s', %zu bytes", arrays[i].name,
                                 size);
        }
        memcpy(z->blocks[i], header, head);
        data[i] = z->blocks[i] + head;
        snprintf(z->entries[i], sizeof z->entries[i], "%s.npy", arrays[i].name);
        z->parts[i] = (udy__archive_part){z->entries[i], z->blocks[i], size};
        z->n++;
    }
    *out = z;
    return UDY_OK;
}

int udy__npz_write(const udy__npz *npz, const char *path, udy_error *err) {
    return udy__archive_write(path, npz->parts, npz->n, err);
}

void udy__npz_free(udy__npz *npz) {
    if (!npz) return;
    for (size_t i = 0; i < ARRAYS_MAX; i++) udy_free(npz->blocks[i]);
    udy_free(npz);
}
