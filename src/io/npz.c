// Policies as NumPy's .npz: a zip of .npy files, as numpy.savez writes it. Arrays have the names that
// the tensors of a policy file have; what such a file says besides is one string of JSON.
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/archive.h"
#include "io/export.h"
#include "io/npy.h"

#define PARTS_MAX (2 * UDY_PLAIN_LAYERS_MAX + 3)
#define ENTRY_MAX 40

typedef struct npz {
    const char *path;
    char entry[PARTS_MAX][ENTRY_MAX];
    udy__archive_part part[PARTS_MAX];  // their data are ours
    size_t n;
} npz;

// A part of a header and so many bytes; the caller writes those from the place returned.
// Nullable result: out of memory
static char *add_part(npz *z, const char *name, const char *header, size_t n_header,
                      size_t n_bytes) {
    char *data = udy_alloc(n_header + n_bytes);
    if (!data) return NULL;
    memcpy(data, header, n_header);
    snprintf(z->entry[z->n], ENTRY_MAX, "%s.npy", name);
    z->part[z->n] = (udy__archive_part){z->entry[z->n], data, n_header + n_bytes};
    z->n++;
    return data + n_header;
}

static bool add_array(npz *z, const char *name, const float *data, int rows, int cols) {
    const udy_tensor t = {.dtype = UDY_F32, .ndim = cols ? 2 : 1, .shape = {rows, cols}};
    const size_t n_bytes = sizeof(float) * (size_t)rows * (size_t)(cols ? cols : 1);
    char header[UDY__NPY_HEADER_MAX];
    char *at = add_part(z, name, header, udy__npy_header(header, &t), n_bytes);
    if (at) memcpy(at, data, n_bytes);
    return at != NULL;
}

static bool add_arrays(npz *z, const udy_plain_policy *policy) {
    char name[ENTRY_MAX - 4];
    for (int l = 0; l < policy->n_layers; l++) {
        const udy_plain_layer *layer = &policy->layer[l];
        snprintf(name, sizeof name, "net.%d.weight", 2 * l);
        if (!add_array(z, name, layer->weight, layer->out, layer->in)) return false;
        snprintf(name, sizeof name, "net.%d.bias", 2 * l);
        if (!add_array(z, name, layer->bias, layer->out, 0)) return false;
    }
    if (!policy->log_std_weight) return true;
    const int A = policy->act_dim, H = policy->layer[policy->n_layers - 1].in;
    return add_array(z, "log_std.weight", policy->log_std_weight, A, H) &&
           add_array(z, "log_std.bias", policy->log_std_bias, A, 0);
}

// A string of NumPy's is 4 bytes a character.
static int add_string(npz *z, const char *name, const char *text, udy_error *err) {
    const size_t bytes = strlen(text);
    size_t n = 0;
    for (size_t i = 0, step; i < bytes; i += step, n++) {
        step = udy__utf8_decode(text + i, bytes - i, NULL);
        if (!step) return udy_error_set(err, UDY_EINVAL, "%s: metadata that is not UTF-8", z->path);
    }
    char header[UDY__NPY_HEADER_MAX];
    char *at = add_part(z, name, header, udy__npy_header_text(header, n), 4 * n);
    if (!at) return udy_error_set(err, UDY_ENOMEM, "%s: no memory", z->path);
    for (size_t i = 0; i < bytes; at += 4) {
        uint32_t c;
        i += udy__utf8_decode(text + i, bytes - i, &c);
        memcpy(at, &c, 4);
    }
    return UDY_OK;
}

static int add_metadata(npz *z, const udy_plain_policy *policy, const udy_text_pair *extra,
                        size_t n_extra, udy_error *err) {
    udy__facts *facts;
    int code = udy__facts_of(&facts, policy, true, extra, n_extra, err);
    if (code) return code;
    udy_json *root = udy_json_object();
    for (size_t i = 0; i < facts->n; i++)
        udy_json_put_string(root, facts->pairs[i].key, facts->pairs[i].value);
    char *text = root ? udy_json_print(root, false) : NULL;
    code = text ? add_string(z, "metadata", text, err)
                : udy_error_set(err, UDY_ENOMEM, "%s: no memory", z->path);
    udy_free(text);
    udy_json_free(root);
    udy_free(facts);
    return code;
}

int udy_npz_write(const char *path, const udy_plain_policy *policy, const udy_text_pair *extra,
                  size_t n_extra, udy_error *err) {
    int code = udy_plain_check(policy, path, err);
    if (code) return code;
    npz z = {.path = path};
    if (!add_arrays(&z, policy)) code = udy_error_set(err, UDY_ENOMEM, "%s: no memory", path);
    if (!code) code = add_metadata(&z, policy, extra, n_extra, err);
    if (!code) code = udy__archive_write(path, z.part, z.n, err);
    for (size_t i = 0; i < z.n; i++) udy_free((void *)(uintptr_t)z.part[i].data);
    return code;
}
