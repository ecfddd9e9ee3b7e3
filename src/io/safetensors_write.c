// Writing safetensors: what any reader of the format takes, aligned so that ours maps it.
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "io/io_internal.h"

//------------------------------------------ Checks ------------------------------------------------

static int check_tensor(const char *path, const udy_tensor *t, udy_error *err) {
    char name[UDY__SHOW_MAX], shape[UDY__SHAPE_TEXT_MAX];
    if (!t->name || !strcmp(t->name, "__metadata__") || !udy__utf8_valid(t->name)) {
        return udy_error_set(err, UDY_EINVAL,
                             "%s: a tensor needs a name, in UTF-8, other than "
                             "__metadata__",
                             path);
    }
    udy__text_show(name, t->name, strlen(t->name));
    size_t size = udy_dtype_size(t->dtype);
    if (size == 0) {
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: tensor '%s' has a dtype that is not "
                             "written",
                             path, name);
    }
    if (t->ndim < 0 || t->ndim > UDY_TENSOR_NDIM_MAX) {
        return udy_error_set(err, UDY_EINVAL, "%s: tensor '%s' has %d dimensions, expected 0 to %d",
                             path, name, t->ndim, UDY_TENSOR_NDIM_MAX);
    }
    uint64_t expected;
    udy__shape_text(shape, t->shape, t->ndim);
    if (!udy__shape_bytes(&expected, t->shape, t->ndim, (unsigned)size * 8)) {
        return udy_error_set(err, UDY_EINVAL, "%s: tensor '%s': %s is no shape", path, name, shape);
    }
    if (expected != t->n_bytes || (!t->data && t->n_bytes > 0)) {
        return udy_error_set(err, UDY_EINVAL,
                             "%s: tensor '%s': %s %s takes %" PRIu64 " bytes, found %zu%s", path,
                             name, udy_dtype_name(t->dtype), shape, expected, t->n_bytes,
                             t->data ? "" : " and no data");
    }
    return UDY_OK;
}

static int check_all(const char *path, const udy_tensor *tensors, size_t n_tensors,
                     const udy_text_pair *metadata, size_t n_metadata, udy_error *err) {
    if (!path || (n_tensors > 0 && !tensors) || (n_metadata > 0 && !metadata)) {
        return udy_error_set(err, UDY_EINVAL, "%s: nothing given to write", path ? path : "?");
    }
    for (size_t i = 0; i < n_tensors; i++) {
        int code = check_tensor(path, &tensors[i], err);
        if (code) return code;
    }
    for (size_t i = 0; i < n_metadata; i++) {
        const udy_text_pair *m = &metadata[i];
        bool text = m->key && m->value && udy__utf8_valid(m->key) && udy__utf8_valid(m->value);
        if (!text) {
            return udy_error_set(err, UDY_EINVAL, "%s: metadata needs a key and a value in UTF-8",
                                 path);
        }
    }
    return UDY_OK;
}

//------------------------------------------ Header ------------------------------------------------

static int given_twice(const char *path, const char *what, const char *name, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    udy__text_show(shown, name, strlen(name));
    return udy_error_set(err, UDY_EINVAL, "%s: %s '%s' is given twice", path, what, shown);
}

static int put_metadata(udy_json *header, const char *path, const udy_text_pair *metadata, size_t n,
                        udy_error *err) {
    if (n == 0) return UDY_OK;
    udy_json *object = udy_json_object();
    int code = UDY_OK;
    for (size_t i = 0; i < n && !code; i++) {
        if (udy_json_get(object, metadata[i].key)) {
            code = given_twice(path, "metadata", metadata[i].key, err);
        }
        udy_json_put_string(object, metadata[i].key, metadata[i].value);
    }
    udy_json_put(header, "__metadata__", object);
    return code;
}

static void put_tensor(udy_json *header, const udy_tensor *t, uint64_t offset) {
    udy_json *object = udy_json_object(), *shape = udy_json_array(), *offsets = udy_json_array();
    for (int d = 0; d < t->ndim; d++) udy_json_append_number(shape, (double)t->shape[d]);
    udy_json_append_number(offsets, (double)offset);
    udy_json_append_number(offsets, (double)(offset + t->n_bytes));
    udy_json_put_string(object, "dtype", udy_dtype_name(t->dtype));
    udy_json_put(object, "shape", shape);
    udy_json_put(object, "data_offsets", offsets);
    udy_json_put(header, t->name, object);
}

// The header's text, and in parts[1..n_tensors] the tensors in the order in which they lie: wide
// elements first, else as given, so that every tensor starts at a multiple of its element's size
// with no hole, which the format forbids.
static int make_header(char **out, udy__part *parts, const char *path, const udy_tensor *tensors,
                       size_t n_tensors, const udy_text_pair *metadata, size_t n_metadata,
                       udy_error *err) {
    udy_json *header = udy_json_object();
    int code = put_metadata(header, path, metadata, n_metadata, err);
    uint64_t offset = 0;
    size_t k = 1;
    for (size_t size = 8; size > 0 && !code; size /= 2) {
        for (size_t i = 0; i < n_tensors && !code; i++) {
            const udy_tensor *t = &tensors[i];
            if (udy_dtype_size(t->dtype) != size) continue;
            if (udy_json_get(header, t->name)) code = given_twice(path, "tensor", t->name, err);
            put_tensor(header, t, offset);
            parts[k++] = (udy__part){.data = t->data, .n_bytes = t->n_bytes};
            offset += t->n_bytes;
        }
    }
    *out = code ? NULL : udy_json_print(header, false);
    udy_json_free(header);
    if (!code && !*out) code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    return code;
}

// Length, text and spaces up to a multiple of 8 bytes, in one block.
static int pad_header(char **out, size_t *n_bytes, const char *text, const char *path,
                      udy_error *err) {
    size_t n = strlen(text), padded = (n + 7) / 8 * 8;
    if (padded > UDY__HEADER_BYTES_MAX) {
        return udy_error_set(err, UDY_EINVAL,
                             "%s: names and metadata of %zu bytes, expected at "
                             "most 100000000",
                             path, padded);
    }
    char *block = udy_alloc(8 + padded);
    if (!block) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    for (int i = 0; i < 8; i++) block[i] = (char)(unsigned char)((uint64_t)padded >> (8 * i));
    memcpy(block + 8, text, n);
    memset(block + 8 + n, ' ', padded - n);
    *out = block;
    *n_bytes = 8 + padded;
    return UDY_OK;
}

int udy_safetensors_write(const char *path, const udy_tensor *tensors, size_t n_tensors,
                          const udy_text_pair *metadata, size_t n_metadata, udy_error *err) {
    int code = check_all(path, tensors, n_tensors, metadata, n_metadata, err);
    if (code) return code;
    char *text = NULL, *block = NULL;
    size_t n_block = 0;
    udy__part *parts = udy_alloc((n_tensors + 1) * sizeof *parts);
    if (!parts) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    code = make_header(&text, parts, path, tensors, n_tensors, metadata, n_metadata, err);
    if (!code) code = pad_header(&block, &n_block, text, path, err);
    if (!code) {
        parts[0] = (udy__part){.data = block, .n_bytes = n_block};
        code = udy__file_write_parts(path, parts, n_tensors + 1, err);
    }
    udy_free(block);
    udy_free(text);
    udy_free(parts);
    return code;
}
