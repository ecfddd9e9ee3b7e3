// Reading safetensors: the header checked whole before anything of it is used, the data mapped.
// A file from outside can make open fail and never more.
//
// The header is read, not mapped, so that open is safe even from a file that shrinks under it. The
// data stays mapped until close: whoever truncates a file in place meanwhile takes its pages away
// (SIGBUS). Files written here are only ever replaced by rename, which leaves a map whole.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "io/io_internal.h"

// Tensors that do not lie at a multiple of their element's size are copied to where they do; a file
// that would have more than this copied is refused.
#define COPY_BYTES_MAX ((uint64_t)1 << 30)
#define ALIGNMENT 64

typedef struct entry {
    udy_tensor tensor;  // first, so that a pointer to it is a pointer to the entry
    const udy__dtype_row *row;
    uint64_t begin, end;  // in the data
} entry;

struct udy_safetensors {
    char *path;
    void *map;  // the whole file
    size_t map_bytes;
    void *copies;  // of misaligned tensors
    size_t n;
    entry *entries;         // [n], by offset
    const entry **by_name;  // [n]
    size_t n_metadata;
    udy_text_pair *metadata;  // [n_metadata]
    char *strings;            // names, keys and values
    size_t strings_used;
};

// While opening.
typedef struct opening {
    udy_safetensors *file;
    int fd;
    uint64_t file_bytes, header_bytes, data_bytes;
    udy_error *err;
} opening;

#define FAULT(o, ...) udy_error_set((o)->err, UDY_EFORMAT, __VA_ARGS__)

//------------------------------------------ Header ------------------------------------------------

static int read_header(opening *o, char **header) {
    const char *path = o->file->path;
    unsigned char length[8];
    if (o->file_bytes < sizeof length) {
        return FAULT(o, "%s: %" PRIu64 " bytes, too short for a safetensors file", path,
                     o->file_bytes);
    }
    int code = udy__file_read_at(o->fd, length, sizeof length, 0, path, o->err);
    if (code) return code;
    for (int i = 7; i >= 0; i--) o->header_bytes = o->header_bytes << 8 | length[i];
    uint64_t rest = o->file_bytes - sizeof length;
    if (o->header_bytes > UDY__HEADER_BYTES_MAX) {
        return FAULT(o,
                     "%s: not a safetensors file: its header would be %" PRIu64
                     " bytes, expected at most 100000000",
                     path, o->header_bytes);
    }
    if (o->header_bytes > rest) {
        return FAULT(o,
                     "%s: cut short: its header is %" PRIu64 " bytes, but only %" PRIu64 " follow",
                     path, o->header_bytes, rest);
    }
    o->data_bytes = rest - o->header_bytes;
    *header = udy_alloc((size_t)o->header_bytes + 1);
    if (!*header) return udy_error_set(o->err, UDY_ENOMEM, "%s: out of memory", path);
    return udy__file_read_at(o->fd, *header, (size_t)o->header_bytes, sizeof length, path, o->err);
}

// A JSON number as a count; false where it is not a whole number from 0 to 2^53.
static bool read_count(const udy_json *v, uint64_t *out) {
    double d = udy_json_value(v, -1.0);
    if (!(d >= 0.0 && d <= UDY__EXACT_MAX) || d != floor(d)) return false;
    *out = (uint64_t)d;
    return true;
}

static char *keep(udy_safetensors *file, const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = file->strings + file->strings_used;
    memcpy(copy, s, n);
    file->strings_used += n;
    return copy;
}

// What messages call a tensor: its name may be anything.
static const char *show(char out[UDY__SHOW_MAX], const char *name) {
    return udy__text_show(out, name, strlen(name));
}

static int read_shape(opening *o, udy_tensor *t, const udy_json *shape) {
    char name[UDY__SHOW_MAX];
    if (!udy_json_is_array(shape)) {
        return FAULT(o, "%s: tensor '%s': no shape, expected a list of sizes", o->file->path,
                     show(name, t->name));
    }
    for (const udy_json *v = udy_json_at(shape, 0); v; v = udy_json_next(v)) {
        uint64_t size;
        if (t->ndim == UDY_TENSOR_NDIM_MAX) {
            return udy_error_set(o->err, UDY_EUNSUPPORTED,
                                 "%s: tensor '%s' has more than %d dimensions", o->file->path,
                                 show(name, t->name), UDY_TENSOR_NDIM_MAX);
        }
        if (!read_count(v, &size)) {
            return FAULT(o, "%s: tensor '%s': dimension %d of its shape is not a size",
                         o->file->path, show(name, t->name), t->ndim);
        }
        t->shape[t->ndim++] = (int64_t)size;
    }
    return UDY_OK;
}

static int read_offsets(opening *o, entry *e, const udy_json *offsets) {
    char name[UDY__SHOW_MAX], shape[UDY__SHAPE_TEXT_MAX];
    const char *path = o->file->path;
    show(name, e->tensor.name);
    if (!udy_json_is_array(offsets) || udy_json_size(offsets) != 2 ||
        !read_count(udy_json_at(offsets, 0), &e->begin) ||
        !read_count(udy_json_at(offsets, 1), &e->end) || e->begin > e->end) {
        return FAULT(o, "%s: tensor '%s': data_offsets are not [begin, end]", path, name);
    }
    udy__shape_text(shape, e->tensor.shape, e->tensor.ndim);
    uint64_t expected;
    if (!udy__shape_bytes(&expected, e->tensor.shape, e->tensor.ndim, e->row->bits)) {
        return FAULT(o, "%s: tensor '%s': %s %s is no whole number of bytes that fits 64 bits",
                     path, name, e->row->name, shape);
    }
    if (e->end - e->begin != expected) {
        return FAULT(
            o, "%s: tensor '%s': %s %s takes %" PRIu64 " bytes, but data_offsets give it %" PRIu64,
            path, name, e->row->name, shape, expected, e->end - e->begin);
    }
    if (e->end > o->data_bytes) {
        return FAULT(o,
                     "%s: cut short: tensor '%s' ends at byte %" PRIu64
                     " of the data, which has %" PRIu64,
                     path, name, e->end, o->data_bytes);
    }
    e->tensor.n_bytes = (size_t)expected;
    return UDY_OK;
}

static int read_entry(opening *o, entry *e, const udy_json *member) {
    char name[UDY__SHOW_MAX], shown[UDY__SHOW_MAX];
    const udy_json *values[3] = {NULL};
    static const char *const keys[3] = {"dtype", "shape", "data_offsets"};
    e->tensor.name = keep(o->file, udy_json_name(member));
    show(name, e->tensor.name);
    if (!udy_json_is_object(member)) {
        return FAULT(o, "%s: tensor '%s': expected an object with dtype, shape and data_offsets",
                     o->file->path, name);
    }
    // Other members are passed over, as the reference implementation does.
    for (const udy_json *v = udy_json_at(member, 0); v; v = udy_json_next(v)) {
        for (int k = 0; k < 3; k++) {
            if (strcmp(udy_json_name(v), keys[k])) continue;
            if (values[k]) {
                return FAULT(o, "%s: tensor '%s': %s is given twice", o->file->path, name, keys[k]);
            }
            values[k] = v;
        }
    }
    const char *dtype = udy_json_text(values[0], NULL);
    e->row = udy__dtype_by_name(dtype);
    if (!e->row) {
        return FAULT(o, "%s: tensor '%s': %s%s", o->file->path, name,
                     dtype ? "unknown dtype " : "no dtype", dtype ? show(shown, dtype) : "");
    }
    e->tensor.dtype = e->row->dtype;
    int code = read_shape(o, &e->tensor, values[1]);
    return code ? code : read_offsets(o, e, values[2]);
}

static int by_key(const void *a, const void *b) {
    const udy_text_pair *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static int read_metadata(opening *o, const udy_json *metadata) {
    udy_safetensors *file = o->file;
    char shown[UDY__SHOW_MAX];
    for (const udy_json *v = udy_json_at(metadata, 0); v; v = udy_json_next(v)) {
        const char *text = udy_json_text(v, NULL);
        if (!text) {
            return FAULT(o, "%s: metadata '%s' is not a string", file->path,
                         show(shown, udy_json_name(v)));
        }
        udy_text_pair *pair = &file->metadata[file->n_metadata++];
        pair->key = keep(file, udy_json_name(v));
        pair->value = keep(file, text);
    }
    qsort(file->metadata, file->n_metadata, sizeof file->metadata[0], by_key);
    for (size_t i = 1; i < file->n_metadata; i++) {
        if (!strcmp(file->metadata[i - 1].key, file->metadata[i].key)) {
            return FAULT(o, "%s: metadata '%s' is given twice", file->path,
                         show(shown, file->metadata[i].key));
        }
    }
    return UDY_OK;
}

//------------------------------------------ Layout ------------------------------------------------

static int by_offset(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->tensor.name, y->tensor.name);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const entry *const *)a)->tensor.name, (*(const entry *const *)b)->tensor.name);
}

// The tensors tile the data: no overlap, no hole, nothing behind the last.
static int check_layout(opening *o) {
    udy_safetensors *file = o->file;
    char name[UDY__SHOW_MAX], last[UDY__SHOW_MAX];
    qsort(file->entries, file->n, sizeof file->entries[0], by_offset);
    uint64_t end = 0;
    for (size_t i = 0; i < file->n; i++) {
        const entry *e = &file->entries[i];
        file->by_name[i] = e;
        show(name, e->tensor.name);
        if (e->begin < end) {
            return FAULT(o,
                         "%s: tensor '%s' starts at byte %" PRIu64
                         ", inside tensor '%s', which ends at %" PRIu64,
                         file->path, name, e->begin, show(last, file->entries[i - 1].tensor.name),
                         end);
        }
        if (e->begin > end) {
            return FAULT(o,
                         "%s: tensor '%s' starts at byte %" PRIu64 ", expected %" PRIu64
                         ": the format allows no holes",
                         file->path, name, e->begin, end);
        }
        end = e->end;
    }
    if (end != o->data_bytes) {
        return FAULT(o, "%s: %" PRIu64 " bytes of data, expected %" PRIu64 " as its tensors say",
                     file->path, o->data_bytes, end);
    }
    qsort(file->by_name, file->n, sizeof file->by_name[0], by_name);
    for (size_t i = 1; i < file->n; i++) {
        const char *this_name = file->by_name[i]->tensor.name;
        if (!strcmp(file->by_name[i - 1]->tensor.name, this_name)) {
            return FAULT(o, "%s: tensor '%s' is given twice", file->path, show(name, this_name));
        }
    }
    return UDY_OK;
}

// Space for everything the header names, in a few blocks.
static int make_room(opening *o, const udy_json *header) {
    udy_safetensors *file = o->file;
    size_t n_entries = 0, n_pairs = 0, n_text = 0;
    for (const udy_json *m = udy_json_at(header, 0); m; m = udy_json_next(m)) {
        n_entries++;
        n_text += strlen(udy_json_name(m)) + 1;
        if (strcmp(udy_json_name(m), "__metadata__")) continue;
        for (const udy_json *v = udy_json_at(m, 0); v && udy_json_is_object(m);
             v = udy_json_next(v)) {
            n_pairs++;
            n_text += strlen(udy_json_name(v)) + 1 + strlen(udy_json_text(v, "")) + 1;
        }
    }
    file->entries = udy_alloc((n_entries + 1) * sizeof file->entries[0]);
    file->by_name = udy_alloc((n_entries + 1) * sizeof file->by_name[0]);
    file->metadata = udy_alloc((n_pairs + 1) * sizeof file->metadata[0]);
    file->strings = udy_alloc(n_text + 1);
    bool all = file->entries && file->by_name && file->metadata && file->strings;
    return all ? UDY_OK : udy_error_set(o->err, UDY_ENOMEM, "%s: out of memory", file->path);
}

static int read_members(opening *o, const udy_json *header) {
    udy_safetensors *file = o->file;
    if (!udy_json_is_object(header)) {
        return FAULT(o, "%s: its header is not a JSON object", file->path);
    }
    int code = make_room(o, header);
    bool has_metadata = false;
    for (const udy_json *m = udy_json_at(header, 0); m && !code; m = udy_json_next(m)) {
        if (strcmp(udy_json_name(m), "__metadata__")) {
            code = read_entry(o, &file->entries[file->n++], m);
        } else if (has_metadata || !udy_json_is_object(m)) {
            code = FAULT(o, "%s: __metadata__ is %s", file->path,
                         has_metadata ? "given twice" : "not an object of strings");
        } else {
            has_metadata = true;
            code = read_metadata(o, m);
        }
    }
    return code ? code : check_layout(o);
}

static int parse_header(opening *o) {
    char *text = NULL;
    udy_json *header = NULL;
    int code = read_header(o, &text);
    if (!code) {
        code = udy_json_parse(&header, text, (size_t)o->header_bytes, "header", o->err);
        if (code) udy_error_wrap(o->err, code, "%s", o->file->path);
    }
    udy_free(text);
    if (!code) code = read_members(o, header);
    udy_json_free(header);
    return code;
}

//------------------------------------------ Data --------------------------------------------------

static uint64_t element_bytes(const entry *e) {
    return e->row->bits < 8 ? 1 : e->row->bits / 8;
}

// Where in the file a tensor's data lies.
static uint64_t place(const opening *o, const entry *e) {
    return 8 + o->header_bytes + e->begin;
}

static bool is_aligned(const opening *o, const entry *e) {
    return place(o, e) % element_bytes(e) == 0;
}

// The format does not promise aligned data (a header of odd length, an F64 after three U8): such
// tensors are read into memory of their own.
static int copy_misaligned(opening *o) {
    udy_safetensors *file = o->file;
    uint64_t total = 0;
    for (size_t i = 0; i < file->n; i++) {
        const entry *e = &file->entries[i];
        if (!is_aligned(o, e)) total += (e->tensor.n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    if (total == 0) return UDY_OK;
    if (total > COPY_BYTES_MAX) {
        return udy_error_set(o->err, UDY_EUNSUPPORTED,
                             "%s: %" PRIu64
                             " bytes of its data are not aligned to their element "
                             "size, too many to copy; pad its header to a multiple of 8 bytes",
                             file->path, total);
    }
    char *p = file->copies = udy_alloc((size_t)total);
    if (!p) return udy_error_set(o->err, UDY_ENOMEM, "%s: out of memory", file->path);
    for (size_t i = 0; i < file->n; i++) {
        entry *e = &file->entries[i];
        if (is_aligned(o, e)) continue;
        int code = udy__file_read_at(o->fd, p, e->tensor.n_bytes, place(o, e), file->path, o->err);
        if (code) return code;
        e->tensor.data = p;
        p += (e->tensor.n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return UDY_OK;
}

static int map_data(opening *o) {
    static const _Alignas(ALIGNMENT) char nothing[ALIGNMENT];
    udy_safetensors *file = o->file;
    if (o->data_bytes > 0) {
        void *map = mmap(NULL, (size_t)o->file_bytes, PROT_READ, MAP_SHARED, o->fd, 0);
        if (map == MAP_FAILED) {
            return udy_error_set_errno(o->err, errno, "%s: cannot map it", file->path);
        }
        file->map = map;
        file->map_bytes = (size_t)o->file_bytes;
    }
    for (size_t i = 0; i < file->n; i++) {
        entry *e = &file->entries[i];
        bool empty = e->tensor.n_bytes == 0;
        e->tensor.data = empty ? nothing : (const char *)file->map + place(o, e);
    }
    return copy_misaligned(o);
}

//------------------------------------------ Handle ------------------------------------------------

int udy_safetensors_open(udy_safetensors **out, const char *path, udy_error *err) {
    *out = NULL;
    opening o = {.err = err};
    int code = udy__file_open(&o.fd, &o.file_bytes, path, err);
    if (code) return code;
    udy_safetensors *file = o.file = udy_alloc(sizeof *file);
    if (file) file->path = udy_strdup(path);
    if (!file || !file->path) code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    if (!code) code = parse_header(&o);
    if (!code) code = map_data(&o);
    close(o.fd);
    if (code) {
        udy_safetensors_close(file);
        return code;
    }
    *out = file;
    return UDY_OK;
}

void udy_safetensors_close(udy_safetensors *file) {
    if (!file) return;
    if (file->map) munmap(file->map, file->map_bytes);
    udy_free(file->copies);
    udy_free(file->entries);
    udy_free(file->by_name);
    udy_free(file->metadata);
    udy_free(file->strings);
    udy_free(file->path);
    udy_free(file);
}

size_t udy_safetensors_count(const udy_safetensors *file) {
    return file->n;
}
const char *udy_safetensors_path(const udy_safetensors *file) {
    return file->path;
}
size_t udy_safetensors_metadata_count(const udy_safetensors *file) {
    return file->n_metadata;
}

const udy_tensor *udy_safetensors_at(const udy_safetensors *file, size_t i) {
    return i < file->n ? &file->entries[i].tensor : NULL;
}

const udy_tensor *udy_safetensors_find(const udy_safetensors *file, const char *name) {
    const entry wanted = {.tensor = {.name = name}};
    const entry *key = &wanted;
    if (!name || file->n == 0) return NULL;
    const entry *const *hit = bsearch(&key, file->by_name, file->n, sizeof key, by_name);
    return hit ? &(*hit)->tensor : NULL;
}

udy_text_pair udy_safetensors_metadata_at(const udy_safetensors *file, size_t i) {
    return i < file->n_metadata ? file->metadata[i] : (udy_text_pair){NULL, NULL};
}

const char *udy_safetensors_metadata(const udy_safetensors *file, const char *key) {
    const udy_text_pair wanted = {.key = key};
    if (!key || file->n_metadata == 0) return NULL;
    const udy_text_pair *hit =
        bsearch(&wanted, file->metadata, file->n_metadata, sizeof wanted, by_key);
    return hit ? hit->value : NULL;
}

static int absent(const udy_safetensors *file, const char *name, udy_error *err) {
    char wanted[UDY__SHOW_MAX], other[UDY__SHOW_MAX];
    show(wanted, name);
    const size_t n = file->n < 1024 ? file->n : 1024;
    const char **names = n ? udy_alloc(n * sizeof *names) : NULL;
    for (size_t i = 0; names && i < n; i++) names[i] = file->entries[i].tensor.name;
    const char *nearest = names ? udy_nearest(name, names, n) : NULL;
    udy_free(names);
    if (nearest) {
        return udy_error_set(err, UDY_EMISMATCH, "%s: no tensor '%s'; did you mean '%s'?",
                             file->path, wanted, show(other, nearest));
    }
    return udy_error_set(err, UDY_EMISMATCH, "%s: no tensor '%s' among its %zu", file->path, wanted,
                         file->n);
}

int udy_safetensors_require(const udy_safetensors *file, const char *name, udy_dtype dtype,
                            int ndim, const int64_t *shape, const udy_tensor **out_tensor,
                            udy_error *err) {
    if (out_tensor) *out_tensor = NULL;
    if (!name || ndim < 0 || ndim > UDY_TENSOR_NDIM_MAX || (ndim > 0 && !shape)) {
        return udy_error_set(err, UDY_EINVAL, "%s: no name or no shape to look for", file->path);
    }
    const udy_tensor *t = udy_safetensors_find(file, name);
    if (!t) return absent(file, name, err);
    bool same = t->dtype == dtype && t->ndim == ndim;
    for (int i = 0; i < ndim && same; i++) same = shape[i] == -1 || shape[i] == t->shape[i];
    if (!same) {
        char shown[UDY__SHOW_MAX], want[UDY__SHAPE_TEXT_MAX], have[UDY__SHAPE_TEXT_MAX];
        const entry *e = (const entry *)(const void *)t;
        return udy_error_set(err, UDY_EMISMATCH, "%s: tensor '%s': expected %s %s, found %s %s",
                             file->path, show(shown, name), udy_dtype_name(dtype),
                             udy__shape_text(want, shape, ndim), e->row->name,
                             udy__shape_text(have, t->shape, t->ndim));
    }
    if (out_tensor) *out_tensor = t;
    return UDY_OK;
}
