// Reading PyTorch's tensor archives: names, shapes and places from data.pkl, numbers from the
// storages, each read when its tensor is asked for: a model's critics and optimizer cost nothing.
#include "io/torch_file.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/archive.h"
#include "io/pickle.h"

#define TENSORS_MAX 4096

struct udy__torch_file {
    char *name;
    udy__archive *archive;
    size_t n_bytes;              // of the archive
    char prefix[UDY__SHOW_MAX];  // of its entries, with the slash: "archive/"
    size_t n;
    udy__torch_tensor *tensors;  // [n]
};

static const char *const allowed[] = {"collections OrderedDict",
                                      "builtins dict",
                                      "torch._utils _rebuild_tensor_v2",
                                      "torch._utils _rebuild_parameter",
                                      "torch FloatStorage",
                                      "torch DoubleStorage",
                                      "torch HalfStorage",
                                      "torch BFloat16Storage",
                                      "torch LongStorage",
                                      "torch IntStorage",
                                      "torch ShortStorage",
                                      "torch CharStorage",
                                      "torch ByteStorage",
                                      "torch BoolStorage",
                                      NULL};

//------------------------------------------ The pickle --------------------------------------------

static bool sizes_of(const udy__pickle_value *v, int64_t *out, int *n) {
    if (!v || v->kind != UDY__PICKLE_TUPLE || v->n > UDY_TENSOR_NDIM_MAX) return false;
    *n = (int)v->n;
    for (size_t i = 0; i < v->n; i++)
        if (!udy__pickle_int(v->item[i], &out[i]) || out[i] < 0 || out[i] > INT_MAX) return false;
    return true;
}

// ('storage', torch.FloatStorage, '0', 'cpu', 1728)
static bool storage_of(udy__torch_tensor *t, const udy__pickle_value *v) {
    const udy__pickle_value *id = v && v->kind == UDY__PICKLE_PERSISTENT ? v->args : NULL;
    const udy__pickle_value *type = udy__pickle_at(id, 1);
    if (!udy__pickle_is_text(udy__pickle_at(id, 0), "storage") || !type ||
        type->kind != UDY__PICKLE_GLOBAL)
        return false;
    const char *name = strchr(type->text.p, ' ') + 1;
    size_t n = strlen(name), k = strlen("Storage");
    if (n <= k || n - k >= sizeof t->dtype || strcmp(name + n - k, "Storage")) return false;
    memcpy(t->dtype, name, n - k);
    t->dtype[n - k] = '\0';
    return udy__pickle_text(udy__pickle_at(id, 2), t->storage, sizeof t->storage) &&
           t->storage[0] && !t->storage[strspn(t->storage, "0123456789")] &&
           udy__pickle_int(udy__pickle_at(id, 4), &t->storage_n) && t->storage_n >= 0;
}

static bool tensor_of(udy__torch_tensor *t, const udy__pickle_value *v) {
    const char *class = udy__pickle_class(v);
    if (class && v->kind == UDY__PICKLE_OBJECT &&
        !strcmp(class, "torch._utils _rebuild_parameter")) {
        v = udy__pickle_at(v->args, 0);
        class = udy__pickle_class(v);
    }
    if (!class || v->kind != UDY__PICKLE_OBJECT || strcmp(class, "torch._utils _rebuild_tensor_v2"))
        return false;
    int n_strides;
    return storage_of(t, udy__pickle_at(v->args, 0)) &&
           udy__pickle_int(udy__pickle_at(v->args, 1), &t->offset) && t->offset >= 0 &&
           sizes_of(udy__pickle_at(v->args, 2), t->shape, &t->ndim) &&
           sizes_of(udy__pickle_at(v->args, 3), t->stride, &n_strides) && n_strides == t->ndim;
}

static int read_tensors(udy__torch_file *f, const udy__pickle_value *root, udy_error *err) {
    const char *class = udy__pickle_class(root);
    bool ordered =
        root->kind == UDY__PICKLE_OBJECT && class && !strcmp(class, "collections OrderedDict");
    if ((!ordered && root->kind != UDY__PICKLE_DICT) || root->n % 2)
        return udy_error_set(err, UDY_EFORMAT, "%s: not a dict of tensors", f->name);
    size_t n = root->n / 2;
    if (n > TENSORS_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %zu tensors; at most %d are supported",
                             f->name, n, TENSORS_MAX);
    f->tensors = udy_alloc((n + 1) * sizeof *f->tensors);
    if (!f->tensors) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", f->name);
    for (size_t i = 0; i < n; i++) {
        udy__torch_tensor *t = &f->tensors[i];
        const udy__pickle_value *key = root->item[2 * i];
        char shown[UDY__SHOW_MAX];
        if (!udy__pickle_text(key, t->name, sizeof t->name))
            return udy_error_set(err, UDY_EFORMAT, "%s: tensor %zu has no name of up to %zu bytes",
                                 f->name, i, sizeof t->name - 1);
        if (!tensor_of(t, root->item[2 * i + 1]))
            return udy_error_set(err, UDY_EFORMAT, "%s: '%s' is not a tensor of PyTorch's", f->name,
                                 udy__text_show(shown, t->name, strlen(t->name)));
        if (udy__torch_find(f, t->name))
            return udy_error_set(err, UDY_EFORMAT, "%s: two tensors are called '%s'", f->name,
                                 udy__text_show(shown, t->name, strlen(t->name)));
        f->n = i + 1;
    }
    return UDY_OK;
}

//------------------------------------------ The archive -------------------------------------------

// The pickle's entry: the one that ends in /data.pkl, whatever the file was called when it was made.
static int find_prefix(udy__torch_file *f, udy_error *err) {
    static const char suffix[] = "/data.pkl";
    const size_t k = sizeof suffix - 1;
    for (size_t i = 0; i < udy__archive_count(f->archive); i++) {
        const char *entry = udy__archive_entry(f->archive, i);
        size_t n = strlen(entry);
        if (n < k || strcmp(entry + n - k, suffix) || memchr(entry, '/', n - k)) continue;
        char shown[UDY__SHOW_MAX];
        udy__text_show(shown, entry, n);
        if (strcmp(shown, entry)) continue;  // too long, or not fit to be shown
        memcpy(f->prefix, entry, n - k + 1);
        return UDY_OK;
    }
    return udy_error_set(err, UDY_EFORMAT, "%s: a zip archive without PyTorch's data.pkl", f->name);
}

static int read_entry(udy__torch_file *f, const char *what, size_t max_bytes, char **data,
                      size_t *n, udy_error *err) {
    char entry[sizeof f->prefix + 64];
    snprintf(entry, sizeof entry, "%s%s", f->prefix, what);
    return udy__archive_read(f->archive, entry, max_bytes, data, n, err);
}

static int check_byte_order(udy__torch_file *f, udy_error *err) {
    char *text;
    size_t n;
    udy_error absent = {0};
    int status = read_entry(f, "byteorder", 16, &text, &n, &absent);
    if (status == UDY_ENOENT) return UDY_OK;  // before PyTorch 2.1
    if (status) return udy_error_set(err, status, "%s", absent.message);
    if (strcmp(text, "little"))
        status = udy_error_set(err, UDY_EUNSUPPORTED,
                               "%s: written on a big-endian machine; little-endian is supported",
                               f->name);
    udy_free(text);
    return status;
}

static int open_archive(udy__torch_file *f, const void *data, udy_error *err) {
    char *text = NULL;
    size_t n = 0;
    int status = udy__archive_open_memory(&f->archive, data, f->n_bytes, f->name, err);
    if (!status) status = find_prefix(f, err);
    if (!status) status = check_byte_order(f, err);
    if (!status) status = read_entry(f, "data.pkl", f->n_bytes, &text, &n, err);
    udy__pickle *pickle = NULL;
    if (!status) status = udy__pickle_read(&pickle, text, n, f->name, allowed, err);
    if (!status) status = read_tensors(f, udy__pickle_root(pickle), err);
    udy__pickle_free(pickle);
    udy_free(text);
    return status;
}

int udy__torch_open(udy__torch_file **out, const void *data, size_t n_bytes, const char *name,
                    udy_error *err) {
    *out = NULL;
    // A pickle of the magic number 0x1950a86a20f9469cfc6c, or a tar archive before that.
    static const unsigned char legacy[] = {0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46};
    if (n_bytes >= sizeof legacy && !memcmp(data, legacy, sizeof legacy))
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: in the format of PyTorch before 1.6, which is not read; load the "
                             "model with a newer PyTorch and save it again",
                             name);
    udy__torch_file *f = udy_alloc(sizeof *f);
    if (!f || !(f->name = udy_strdup(name))) {
        udy_free(f);
        return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", name);
    }
    f->n_bytes = n_bytes;
    int status = open_archive(f, data, err);
    if (status)
        udy__torch_close(f);
    else
        *out = f;
    return status;
}

void udy__torch_close(udy__torch_file *f) {
    if (!f) return;
    udy__archive_close(f->archive);
    udy_free(f->tensors);
    udy_free(f->name);
    udy_free(f);
}

size_t udy__torch_count(const udy__torch_file *f) {
    return f->n;
}
const udy__torch_tensor *udy__torch_at(const udy__torch_file *f, size_t i) {
    return &f->tensors[i];
}
const udy__torch_tensor *udy__torch_find(const udy__torch_file *f, const char *name) {
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->tensors[i].name, name)) return &f->tensors[i];
    return NULL;
}

//------------------------------------------ Numbers -----------------------------------------------

// Each size is below 2^31, so that products of two fit; SIZE_MAX where the whole does not.
size_t udy__torch_elements(const udy__torch_tensor *t) {
    size_t n = 1;
    for (int i = 0; i < t->ndim; i++) {
        size_t size = (size_t)t->shape[i];
        if (size && n > SIZE_MAX / size) return SIZE_MAX;
        n *= size;
    }
    return n;
}

static size_t element_size(const udy__torch_tensor *t) {
    return !strcmp(t->dtype, "Float") ? 4 : !strcmp(t->dtype, "Double") ? 8 : 0;
}

int udy__torch_check(udy__torch_file *f, const udy__torch_tensor *t, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    udy__text_show(shown, t->name, strlen(t->name));
    size_t size = element_size(t), n = udy__torch_elements(t);
    if (!size)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: tensor '%s' holds numbers of type %s; Float and Double are read",
                             f->name, shown, t->dtype);
    // Where its last element lies. Each product is below 2^62, and stops once it is outside.
    uint64_t last = (uint64_t)t->offset;
    for (int i = 0; i < t->ndim && n && last < (uint64_t)t->storage_n; i++)
        last += (uint64_t)(t->shape[i] - 1) * (uint64_t)t->stride[i];
    if ((uint64_t)t->storage_n > f->n_bytes * 256 / size || n > (size_t)t->storage_n ||
        (n && last >= (uint64_t)t->storage_n))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: tensor '%s' takes %zu numbers, the last at %llu of a storage of "
                             "%lld",
                             f->name, shown, n, (unsigned long long)last, (long long)t->storage_n);
    return UDY_OK;
}

static double number_at(const unsigned char *p, size_t size) {
    float single;
    double number;
    if (size == 8) {
        memcpy(&number, p, sizeof number);
        return number;
    }
    memcpy(&single, p, sizeof single);
    return (double)single;
}

static int take_numbers(const udy__torch_file *f, const udy__torch_tensor *t, const char *storage,
                        float *out, udy_error *err) {
    size_t size = element_size(t), n = udy__torch_elements(t);
    int64_t index[UDY_TENSOR_NDIM_MAX] = {0};
    uint64_t at = (uint64_t)t->offset;
    for (size_t k = 0; k < n; k++) {
        double number = number_at((const unsigned char *)storage + at * size, size);
        out[k] = (float)number;
        if (!isfinite(out[k])) {
            char shown[UDY__SHOW_MAX];
            return udy_error_set(err, UDY_ENONFINITE, "%s: tensor '%s' holds %g at element %zu",
                                 f->name, udy__text_show(shown, t->name, strlen(t->name)), number,
                                 k);
        }
        for (int d = t->ndim - 1; d >= 0; d--) {  // the next in row-major order
            at += (uint64_t)t->stride[d];
            if (++index[d] < t->shape[d]) break;
            at -= (uint64_t)t->stride[d] * (uint64_t)t->shape[d];
            index[d] = 0;
        }
    }
    return UDY_OK;
}

int udy__torch_read(udy__torch_file *f, const udy__torch_tensor *t, float *out, udy_error *err) {
    int status = udy__torch_check(f, t, err);
    if (status) return status;
    char entry[64], *storage;
    size_t n, expected = (size_t)t->storage_n * element_size(t);
    snprintf(entry, sizeof entry, "data/%s", t->storage);
    status = read_entry(f, entry, expected, &storage, &n, err);
    if (status) return status;
    if (n != expected)
        status = udy_error_set(err, UDY_EFORMAT, "%s: storage '%s' is %zu bytes, expected %zu",
                               f->name, t->storage, n, expected);
    else
        status = take_numbers(f, t, storage, out, err);
    udy_free(storage);
    return status;
}
