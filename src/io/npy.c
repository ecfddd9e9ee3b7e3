// NumPy's array format (numpy.lib.format): a magic, a version, a Python literal that says dtype, order
// and shape, then the numbers. Behind .npy files and the entries of .npz. The literal is read by a
// reader of its own that knows three keys and nothing else of Python.
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/io_internal.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define ALIGNMENT 64
// What NumPy itself takes from a file that it does not trust.
#define HEADER_BYTES_MAX 10000

//------------------------------------------ Writing -----------------------------------------------

static const struct {
    udy_dtype dtype;
    const char *descr, *name;
} descrs[] = {{UDY_F64, "<f8", "float64"}, {UDY_F32, "<f4", "float32"}, {UDY_I64, "<i8", "int64"},
              {UDY_I32, "<i4", "int32"},   {UDY_U8, "|u1", "uint8"},    {UDY_BOOL, "|b1", "bool"}};

const char *udy__npy_dtype_name(udy_dtype dtype) {
    for (size_t i = 0; i < sizeof descrs / sizeof descrs[0]; i++)
        if (descrs[i].dtype == dtype) return descrs[i].name;
    return "other";
}

static size_t finish_header(char out[UDY__NPY_HEADER_MAX], const char *descr, const char *shape) {
    char dict[UDY__NPY_HEADER_MAX];
    int n = snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                     descr, shape);
    if (n < 0 || (size_t)n >= sizeof dict) return 0;
    // Magic, version and length, the dictionary, blanks, a line's end.
    size_t used = MAGIC_BYTES + 4, total = used + (size_t)n + 1;
    total = (total + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (total > UDY__NPY_HEADER_MAX) return 0;
    memset(out, ' ', total);
    memcpy(out, MAGIC "\x01\x00", MAGIC_BYTES + 2);
    out[8] = (char)((total - used) & 0xff);
    out[9] = (char)((total - used) >> 8);
    memcpy(out + used, dict, (size_t)n);
    out[total - 1] = '\n';
    return total;
}

size_t udy__npy_header(char out[UDY__NPY_HEADER_MAX], const udy_tensor *tensor) {
    const char *descr = NULL;
    for (size_t i = 0; i < sizeof descrs / sizeof descrs[0]; i++)
        if (descrs[i].dtype == tensor->dtype) descr = descrs[i].descr;
    if (!descr || tensor->ndim < 0 || tensor->ndim > UDY_TENSOR_NDIM_MAX) return 0;
    char shape[UDY_TENSOR_NDIM_MAX * 24 + 1] = "";
    size_t used = 0;
    for (int i = 0; i < tensor->ndim; i++) {
        if (tensor->shape[i] < 0) return 0;
        // One dimension has a comma too: (3,) is a tuple, (3) is a number.
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld%s", i ? ", " : "",
                                 (long long)tensor->shape[i], tensor->ndim == 1 ? "," : "");
    }
    return finish_header(out, descr, shape);
}

size_t udy__npy_header_text(char out[UDY__NPY_HEADER_MAX], size_t n_characters) {
    char descr[32];
    snprintf(descr, sizeof descr, "<U%zu", n_characters);
    return finish_header(out, descr, "");
}

//------------------------------------------ The literal -------------------------------------------

typedef struct reader {
    const char *at, *end;
    const char *name;  // for messages
    udy_error *err;
} reader;

// What a header says.
typedef struct facts {
    char descr[32];
    bool fortran;
    int ndim;
    int64_t shape[UDY_TENSOR_NDIM_MAX];
    bool has_descr, has_order, has_shape;
} facts;

static int bad_header(reader *r, const char *what) {
    char shown[UDY__SHOW_MAX];
    size_t left = (size_t)(r->end - r->at);
    return udy_error_set(r->err, UDY_EFORMAT, "%s: NumPy header: %s at '%s'", r->name, what,
                         udy__text_show(shown, r->at, left < 24 ? left : 24));
}

static void skip_blanks(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n')) r->at++;
}

// The next character, blanks before it passed over, if it is c.
static bool take(reader *r, char c) {
    skip_blanks(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word) {
    skip_blanks(r);
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n)) return false;
    r->at += n;
    return true;
}

// 'text' or "text", without escapes, which no header has.
static int read_string(reader *r, char *out, size_t size) {
    skip_blanks(r);
    char quote = r->at < r->end ? *r->at : '\0';
    if (quote != '\'' && quote != '"') return bad_header(r, "a string is expected");
    const char *first = r->at + 1, *last = first;
    while (last < r->end && *last != quote && *last != '\\' && (unsigned char)*last >= 0x20) last++;
    if (last == r->end || *last != quote) return bad_header(r, "a string without an end");
    if ((size_t)(last - first) >= size) return bad_header(r, "a string too long");
    memcpy(out, first, (size_t)(last - first));
    out[last - first] = '\0';
    r->at = last + 1;
    return UDY_OK;
}

static int read_number(reader *r, int64_t *out) {
    skip_blanks(r);
    const char *first = r->at;
    int64_t value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *r->at - '0', &value)) {
            r->at = first;
            return bad_header(r, "a size too large");
        }
    }
    if (r->at == first) return bad_header(r, "a size is expected");
    if (r->at < r->end && *r->at == 'L') r->at++;  // Python 2's long
    *out = value;
    return UDY_OK;
}

static int read_shape(reader *r, facts *f) {
    f->ndim = 0;
    if (!take(r, '(')) return bad_header(r, "a tuple is expected");
    while (!take(r, ')')) {
        if (f->ndim == UDY_TENSOR_NDIM_MAX) return bad_header(r, "more than 8 dimensions");
        int code = read_number(r, &f->shape[f->ndim++]);
        if (code) return code;
        bool comma = take(r, ',');
        if (!comma && f->ndim == 1) return bad_header(r, "a comma is expected");  // (3) is no tuple
        if (comma) continue;
        if (!take(r, ')')) return bad_header(r, "a tuple without an end");
        break;
    }
    f->has_shape = true;
    return UDY_OK;
}

static int read_order(reader *r, facts *f) {
    f->fortran = take_word(r, "True");
    f->has_order = f->fortran || take_word(r, "False");
    return f->has_order ? UDY_OK : bad_header(r, "True or False is expected");
}

static int read_descr(reader *r, facts *f) {
    skip_blanks(r);
    // A list is the fields of a structure.
    if (r->at < r->end && (*r->at == '[' || *r->at == '(' || *r->at == '{'))
        return udy_error_set(r->err, UDY_EUNSUPPORTED,
                             "%s: an array of structures, expected plain numbers", r->name);
    f->has_descr = true;
    return read_string(r, f->descr, sizeof f->descr);
}

static int read_pair(reader *r, facts *f) {
    char key[24];
    const char *start = r->at;
    int code = read_string(r, key, sizeof key);
    if (code) return code;
    if (!take(r, ':')) return bad_header(r, "a colon is expected");
    if (!strcmp(key, "descr") && !f->has_descr) return read_descr(r, f);
    if (!strcmp(key, "fortran_order") && !f->has_order) return read_order(r, f);
    if (!strcmp(key, "shape") && !f->has_shape) return read_shape(r, f);
    r->at = start;
    return bad_header(r, "a key other than descr, fortran_order and shape, once each,");
}

static int read_literal(reader *r, facts *f) {
    if (!take(r, '{')) return bad_header(r, "a dictionary is expected");
    while (!take(r, '}')) {
        int code = read_pair(r, f);
        if (code) return code;
        if (take(r, ',')) continue;
        if (!take(r, '}')) return bad_header(r, "a dictionary without an end");
        break;
    }
    skip_blanks(r);
    if (r->at != r->end) return bad_header(r, "more after the dictionary");
    if (!f->has_descr || !f->has_order || !f->has_shape)
        return udy_error_set(r->err, UDY_EFORMAT,
                             "%s: NumPy header without all of descr, fortran_order and shape",
                             r->name);
    return UDY_OK;
}

//------------------------------------------ Reading -----------------------------------------------

// Where the literal lies: after a length of two bytes in version 1, of four later on.
static int find_literal(reader *r, const unsigned char *data, size_t n_bytes, size_t *at) {
    size_t head = MAGIC_BYTES + 4;
    if (n_bytes < head || memcmp(data, MAGIC, MAGIC_BYTES))
        return udy_error_set(r->err, UDY_EFORMAT, "%s: not a NumPy array (no '\\x93NUMPY')",
                             r->name);
    int major = data[MAGIC_BYTES];
    if (major < 1 || major > 3 || data[MAGIC_BYTES + 1] != 0)
        return udy_error_set(r->err, UDY_EUNSUPPORTED,
                             "%s: NumPy format version %d.%d, expected 1.0 to 3.0", r->name, major,
                             data[MAGIC_BYTES + 1]);
    size_t length = (size_t)data[8] | (size_t)data[9] << 8;
    if (major > 1 && n_bytes >= head + 2) length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (major > 1) head += 2;
    if (n_bytes < head || length > n_bytes - head)
        return udy_error_set(r->err, UDY_EFORMAT,
                             "%s: ends within its NumPy header of %zu bytes, after %zu", r->name,
                             length, n_bytes);
    if (length > HEADER_BYTES_MAX)
        return udy_error_set(r->err, UDY_EFORMAT,
                             "%s: a NumPy header of %zu bytes, expected at most %d", r->name,
                             length, HEADER_BYTES_MAX);
    r->at = (const char *)data + head;
    r->end = r->at + length;
    *at = head + length;
    return UDY_OK;
}

// Kinds that NumPy has, and bytes an element; 0: none of them.
static unsigned plain_bytes(char kind, int64_t count) {
    switch (kind) {
        case 'b': return count == 1 ? 1 : 0;
        case 'i':
        case 'u': return count == 1 || count == 2 || count == 4 || count == 8 ? (unsigned)count : 0;
        case 'f':
            return count == 2 || count == 4 || count == 8 || count == 16 ? (unsigned)count : 0;
        case 'c': return count == 8 || count == 16 ? (unsigned)count : 0;
        case 'S': return count >= 1 && count <= 1 << 24 ? (unsigned)count : 0;
        case 'U': return count >= 1 && count <= 1 << 24 ? (unsigned)count * 4 : 0;
        default: return 0;
    }
}

static int read_dtype(reader *r, const facts *f, udy_dtype *dtype, unsigned *bytes) {
    const char *d = f->descr;
    char shown[UDY__SHOW_MAX];
    udy__text_show(shown, d, strlen(d));
    if (d[0] == '>')
        return udy_error_set(r->err, UDY_EUNSUPPORTED,
                             "%s: dtype '%s' has its bytes in big-endian order, expected "
                             "little-endian: save it with array.astype('<' + array.dtype.str[1:])",
                             r->name, shown);
    if (d[0] && (d[1] == 'O' || d[1] == 'V' || d[1] == 'M' || d[1] == 'm'))
        return udy_error_set(r->err, UDY_EUNSUPPORTED, "%s: dtype '%s' is %s, expected numbers",
                             r->name, shown,
                             d[1] == 'O'   ? "of Python objects, which only a pickle can hold"
                             : d[1] == 'V' ? "of raw structures"
                                           : "of dates");
    int64_t count = 0;
    size_t n = d[0] && d[1] ? strspn(d + 2, "0123456789") : 0;
    for (size_t i = 0; n < 10 && i < n; i++) count = count * 10 + (d[2 + i] - '0');
    *bytes = n > 0 && d[2 + n] == '\0' ? plain_bytes(d[1], count) : 0;
    // '|': the order of bytes does not matter.
    bool orderless = *bytes == 1 || d[1] == 'S';
    if (*bytes == 0 || !(d[0] == '<' || d[0] == '=' || (d[0] == '|' && orderless)))
        return udy_error_set(r->err, UDY_EUNSUPPORTED, "%s: dtype '%s' is not known", r->name,
                             shown);
    *dtype = UDY_OTHER;
    for (size_t i = 0; i < sizeof descrs / sizeof descrs[0]; i++)
        if (!strcmp(descrs[i].descr + 1, d + 1)) *dtype = descrs[i].dtype;
    return UDY_OK;
}

int udy__npy_parse_header(udy_tensor *out, size_t *at, const void *data, size_t n_bytes,
                          const char *name, udy_error *err) {
    *out = (udy_tensor){.name = name};
    *at = 0;
    reader r = {.name = name, .err = err};
    facts f = {0};
    unsigned bytes = 0;
    int code = find_literal(&r, data, n_bytes, at);
    if (!code) code = read_literal(&r, &f);
    if (!code) code = read_dtype(&r, &f, &out->dtype, &bytes);
    if (code) return code;
    if (f.fortran && f.ndim > 1)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: columns first (Fortran order), expected rows first: save it with "
                             "numpy.ascontiguousarray",
                             name);
    uint64_t total;
    if (!udy__shape_bytes(&total, f.shape, f.ndim, bytes * 8)) {
        char shape[UDY__SHAPE_TEXT_MAX];
        return udy_error_set(err, UDY_EFORMAT, "%s: an array of shape %s is too large", name,
                             udy__shape_text(shape, f.shape, f.ndim));
    }
    // NumPy pads so that numbers lie aligned; what is not cannot be looked at in place.
    size_t unit = out->dtype == UDY_OTHER ? 1 : bytes;
    if (*at % unit != 0)
        return udy_error_set(err, UDY_EFORMAT, "%s: its data begin at byte %zu, unaligned", name,
                             *at);
    out->ndim = f.ndim;
    memcpy(out->shape, f.shape, sizeof out->shape);
    out->n_bytes = (size_t)total;
    return UDY_OK;
}

int udy__npy_parse(udy_tensor *out, const void *data, size_t n_bytes, const char *name,
                   udy_error *err) {
    size_t at;
    int code = udy__npy_parse_header(out, &at, data, n_bytes, name, err);
    if (code) return code;
    if (out->n_bytes != n_bytes - at) {
        char shape[UDY__SHAPE_TEXT_MAX];
        return udy_error_set(err, UDY_EFORMAT, "%s: %zu bytes of data, but shape %s needs %zu",
                             name, n_bytes - at, udy__shape_text(shape, out->shape, out->ndim),
                             out->n_bytes);
    }
    out->data = (const char *)data + at;
    return UDY_OK;
}
