// What the values of a pickle mean: texts, numbers, members of objects, NumPy's arrays. Between the
// tree that pickle.c makes and the readers of models. Everything here takes any value: a file may
// put anything anywhere.
#include <limits.h>
#include <math.h>
#include <string.h>

#include "io/pickle.h"

typedef udy__pickle_value value;

bool udy__pickle_is_text(const value *v, const char *text) {
    size_t n = strlen(text);
    return v && v->kind == UDY__PICKLE_TEXT && v->text.n == n && !memcmp(v->text.p, text, n);
}

bool udy__pickle_text(const value *v, char *out, size_t size) {
    if (!v || v->kind != UDY__PICKLE_TEXT || v->text.n >= size ||
        (v->text.n && memchr(v->text.p, 0, v->text.n)))
        return false;
    if (v->text.n) memcpy(out, v->text.p, v->text.n);
    out[v->text.n] = '\0';
    return true;
}

const char *udy__pickle_class(const value *v) {
    if (!v) return NULL;
    if (v->kind == UDY__PICKLE_GLOBAL) return v->text.p;
    if (v->kind != UDY__PICKLE_OBJECT) return NULL;
    // How protocols 0 and 1 make objects: a helper that takes the class.
    const char *name = v->callable->text.p;
    if (!strcmp(name, "copy_reg _reconstructor") || !strcmp(name, "copyreg _reconstructor")) {
        const value *class = udy__pickle_at(v->args, 0);
        return class && class->kind == UDY__PICKLE_GLOBAL ? class->text.p : NULL;
    }
    return name;
}

static const value *find(const value *v, const char *key) {
    for (size_t i = v->n & ~(size_t)1; i >= 2; i -= 2)
        if (udy__pickle_is_text(v->item[i - 2], key)) return v->item[i - 1];
    return NULL;
}

const value *udy__pickle_get(const value *v, const char *key) {
    if (!v) return NULL;
    if (v->kind == UDY__PICKLE_DICT) return find(v, key);
    if (v->kind != UDY__PICKLE_OBJECT) return NULL;
    const value *found =
        v->state && v->state->kind == UDY__PICKLE_DICT ? find(v->state, key) : NULL;
    return found ? found : find(v, key);
}

const value *udy__pickle_at(const value *v, size_t i) {
    if (!v || (v->kind != UDY__PICKLE_TUPLE && v->kind != UDY__PICKLE_LIST)) return NULL;
    return i < v->n ? v->item[i] : NULL;
}

bool udy__pickle_int(const value *v, int64_t *out) {
    if (!v || v->kind != UDY__PICKLE_INT) return false;
    *out = v->integer;
    return true;
}

bool udy__pickle_truth(const value *v, bool fallback) {
    double number;
    if (!v) return fallback;
    if (v->kind == UDY__PICKLE_BOOL) return v->truth;
    if (v->kind == UDY__PICKLE_NONE) return false;
    return udy__pickle_number(v, &number) ? number != 0 : fallback;
}

//------------------------------------------ NumPy -------------------------------------------------

static bool is_function(const value *v, const char *module_old, const char *module,
                        const char *name) {
    const char *class = v && v->kind == UDY__PICKLE_OBJECT ? udy__pickle_class(v) : NULL;
    const char *space = class ? strrchr(class, ' ') : NULL;
    if (!space || strcmp(space + 1, name)) return false;
    size_t n = (size_t)(space - class);
    return (n == strlen(module) && !strncmp(class, module, n)) ||
           (n == strlen(module_old) && !strncmp(class, module_old, n));
}

// dtype('f8', False, True) with the state (3, '<', ...): "f8". Big-endian numbers are nobody's.
static bool dtype_of(const value *v, char out[8]) {
    const char *class = udy__pickle_class(v);
    if (!class || strcmp(class, "numpy dtype") || v->kind != UDY__PICKLE_OBJECT) return false;
    if (!udy__pickle_text(udy__pickle_at(v->args, 0), out, 8)) return false;
    const value *order = udy__pickle_at(v->state, 1);
    return !order || udy__pickle_is_text(order, "<") || udy__pickle_is_text(order, "|") ||
           udy__pickle_is_text(order, "=");
}

// Bytes an element; 0: not a number.
static size_t type_size(const char *type) {
    static const char *const types[] = {"f4", "f8", "i1", "i2", "i4", "i8",
                                        "u1", "u2", "u4", "u8", "b1"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i], type)) return (size_t)(type[1] - '0');
    return 0;
}

static double number_at(const char *type, const unsigned char *p) {
    uint64_t bits = 0;
    size_t n = type_size(type);
    for (size_t i = n; i-- > 0;) bits = bits << 8 | p[i];
    if (type[0] == 'f' && n == 8) {
        double v;
        memcpy(&v, &bits, sizeof v);
        return v;
    }
    if (type[0] == 'f') {
        uint32_t half = (uint32_t)bits;
        float v;
        memcpy(&v, &half, sizeof v);
        return (double)v;
    }
    if (type[0] == 'i' && p[n - 1] & 0x80)
        return -(double)(~bits << (64 - 8 * n) >> (64 - 8 * n)) - 1;
    return (double)bits;
}

bool udy__pickle_number(const value *v, double *out) {
    char type[8];
    if (!v) return false;
    switch (v->kind) {
        case UDY__PICKLE_BOOL: *out = v->truth; return true;
        case UDY__PICKLE_INT: *out = (double)v->integer; return true;
        case UDY__PICKLE_FLOAT: *out = v->real; return true;
        case UDY__PICKLE_OBJECT: break;
        default: return false;
    }
    if (!is_function(v, "numpy.core.multiarray", "numpy._core.multiarray", "scalar")) return false;
    const value *bytes = udy__pickle_at(v->args, 1);
    if (!dtype_of(udy__pickle_at(v->args, 0), type) || !type_size(type) || !bytes ||
        bytes->kind != UDY__PICKLE_BYTES || bytes->text.n != type_size(type))
        return false;
    *out = number_at(type, (const unsigned char *)bytes->text.p);
    return true;
}

static bool shape_of(udy__pickle_array *out, const value *shape) {
    if (!shape || shape->kind != UDY__PICKLE_TUPLE || shape->n > UDY_TENSOR_NDIM_MAX) return false;
    out->ndim = (int)shape->n;
    out->n = 1;
    for (size_t i = 0; i < shape->n; i++) {
        int64_t size;
        if (!udy__pickle_int(shape->item[i], &size) || size < 0 || size > INT_MAX) return false;
        out->shape[i] = size;
        if (size && out->n > SIZE_MAX / 16 / (size_t)size) return false;
        out->n *= (size_t)size;
    }
    return true;
}

bool udy__pickle_array_of(udy__pickle_array *out, const value *v) {
    *out = (udy__pickle_array){0};
    const value *bytes, *dtype, *shape;
    bool fortran = false;
    if (is_function(v, "numpy.core.numeric", "numpy._core.numeric", "_frombuffer")) {
        bytes = udy__pickle_at(v->args, 0);  // protocol 5
        dtype = udy__pickle_at(v->args, 1);
        shape = udy__pickle_at(v->args, 2);
        fortran = udy__pickle_is_text(udy__pickle_at(v->args, 3), "F");
    } else if (is_function(v, "numpy.core.multiarray", "numpy._core.multiarray", "_reconstruct")) {
        shape = udy__pickle_at(v->state, 1);  // after a version
        dtype = udy__pickle_at(v->state, 2);
        fortran = udy__pickle_truth(udy__pickle_at(v->state, 3), false);
        bytes = udy__pickle_at(v->state, 4);
    } else {
        return false;
    }
    if (!bytes || bytes->kind != UDY__PICKLE_BYTES || !dtype_of(dtype, out->type) ||
        !shape_of(out, shape) || (fortran && out->ndim > 1))
        return false;
    size_t size = type_size(out->type);
    if (size && out->n * size != bytes->text.n) return false;
    out->data = (const unsigned char *)bytes->text.p;
    return true;
}

bool udy__pickle_array_at(const udy__pickle_array *array, size_t i, double *out) {
    size_t size = type_size(array->type);
    if (!size || i >= array->n) return false;
    *out = number_at(array->type, array->data + i * size);
    return true;
}
