// Element types and shapes of the safetensors format.
#include <stdio.h>
#include <string.h>

#include "io/io_internal.h"

// Every type that safetensors 0.8.0 knows.
static const udy__dtype_row rows[] = {
    {"F64", UDY_F64, 64},
    {"F32", UDY_F32, 32},
    {"I64", UDY_I64, 64},
    {"I32", UDY_I32, 32},
    {"U8", UDY_U8, 8},
    {"BOOL", UDY_BOOL, 8},
    {"F4", UDY_OTHER, 4},
    {"F6_E2M3", UDY_OTHER, 6},
    {"F6_E3M2", UDY_OTHER, 6},
    {"F8_E5M2", UDY_OTHER, 8},
    {"F8_E4M3", UDY_OTHER, 8},
    {"F8_E8M0", UDY_OTHER, 8},
    {"F8_E4M3FNUZ", UDY_OTHER, 8},
    {"F8_E5M2FNUZ", UDY_OTHER, 8},
    {"I8", UDY_OTHER, 8},
    {"I16", UDY_OTHER, 16},
    {"U16", UDY_OTHER, 16},
    {"F16", UDY_OTHER, 16},
    {"BF16", UDY_OTHER, 16},
    {"U32", UDY_OTHER, 32},
    {"U64", UDY_OTHER, 64},
    {"C64", UDY_OTHER, 64},
};

static const udy__dtype_row *row_of(udy_dtype dtype) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].dtype == dtype && dtype != UDY_OTHER) return &rows[i];
    }
    return NULL;
}

size_t udy_dtype_size(udy_dtype dtype) {
    const udy__dtype_row *row = row_of(dtype);
    return row ? row->bits / 8 : 0;
}

const char *udy_dtype_name(udy_dtype dtype) {
    const udy__dtype_row *row = row_of(dtype);
    return row ? row->name : "OTHER";
}

const udy__dtype_row *udy__dtype_by_name(const char *name) {
    for (size_t i = 0; name && i < sizeof rows / sizeof rows[0]; i++) {
        if (!strcmp(rows[i].name, name)) return &rows[i];
    }
    return NULL;
}

bool udy__shape_bytes(uint64_t *out, const int64_t *shape, int ndim, unsigned bits) {
    // An empty array is 0 bytes however large its other dimensions are.
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) return false;
    }
    *out = 0;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 0) return true;
    }
    uint64_t n_bits = bits;
    for (int i = 0; i < ndim; i++) {
        if (__builtin_mul_overflow(n_bits, (uint64_t)shape[i], &n_bits)) return false;
    }
    *out = n_bits / 8;
    return n_bits % 8 == 0;
}

const char *udy__shape_text(char out[UDY__SHAPE_TEXT_MAX], const int64_t *shape, int ndim) {
    size_t used = 0;
    out[used++] = '[';
    for (int i = 0; i < ndim && used + 24 < UDY__SHAPE_TEXT_MAX; i++) {
        const char *comma = i ? ", " : "";
        used +=
            (size_t)(shape[i] < 0 ? snprintf(out + used, 24, "%s*", comma)
                                  : snprintf(out + used, 24, "%s%lld", comma, (long long)shape[i]));
    }
    out[used++] = ']';
    out[used] = '\0';
    return out;
}
