// The numbers and texts of a pickle, and the memory that its values lie in. See pickle_reader.h.
#include "io/pickle_reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BLOCK_BYTES ((size_t)1 << 16)

//------------------------------------------ Failing -----------------------------------------------

int udy__pickle_fault(reader *r, int status, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return udy_error_set(r->err, status, "%s: pickle, byte %zu: %s", r->name,
                         (size_t)(r->at - r->start), what);
}

int udy__pickle_no_memory(reader *r) {
    return udy_error_set(r->err, UDY_ENOMEM, "%s: out of memory", r->name);
}

//------------------------------------------ Memory ------------------------------------------------

void *udy__pickle_take(reader *r, size_t n) {
    n = (n + 15) & ~(size_t)15;
    block *b = r->pickle->blocks;
    if (!b || b->size - b->used < n) {
        // Small pickles, of which a model has a few, take small blocks.
        size_t size = (size_t)(r->end - r->start) * 16 + 1024;
        if (size > BLOCK_BYTES) size = BLOCK_BYTES;
        if (size < n) size = n;
        b = udy_alloc(sizeof *b + size);
        if (!b) return NULL;
        b->size = size;
        b->next = r->pickle->blocks;
        r->pickle->blocks = b;
    }
    void *p = b->bytes + b->used;
    b->used += n;
    return p;
}

bool udy__pickle_grow(void **array, size_t n, size_t *capacity, size_t size) {
    if (n < *capacity) return true;
    size_t larger = *capacity ? 2 * *capacity : 32;
    void *p = udy_alloc(larger * size);
    if (!p) return false;
    if (n) memcpy(p, *array, n * size);
    udy_free(*array);
    *array = p;
    *capacity = larger;
    return true;
}

int udy__pickle_push(reader *r, value *v) {
    if (!v) return udy__pickle_no_memory(r);
    void *stack = r->stack;
    if (!udy__pickle_grow(&stack, r->n, &r->capacity, sizeof *r->stack))
        return udy__pickle_no_memory(r);
    r->stack = stack;
    r->stack[r->n++] = v;
    return UDY_OK;
}

value *udy__pickle_make(reader *r, udy__pickle_kind kind) {
    value *v = udy__pickle_take(r, sizeof *v);
    if (!v) return NULL;
    *v = (value){.kind = kind};
    return v;
}

int udy__pickle_push_text(reader *r, udy__pickle_kind kind, const char *p, size_t n) {
    value *v = udy__pickle_make(r, kind);
    if (v) {
        v->text.p = p;
        v->text.n = n;
    }
    return udy__pickle_push(r, v);
}

static int push_int(reader *r, int64_t integer) {
    value *v = udy__pickle_make(r, UDY__PICKLE_INT);
    if (v) v->integer = integer;
    return udy__pickle_push(r, v);
}

//------------------------------------------ Reading bytes -----------------------------------------

static int read_bytes(reader *r, size_t n, const unsigned char **out) {
    *out = r->at;
    if (n > (size_t)(r->end - r->at))
        return FAULT(r, "%zu bytes expected, %zu are left", n, (size_t)(r->end - r->at));
    r->at += n;
    return UDY_OK;
}

int udy__pickle_read_number(reader *r, int width, uint64_t *out) {
    const unsigned char *p;
    int status = read_bytes(r, (size_t)width, &p);
    *out = 0;
    for (int i = width - 1; !status && i >= 0; i--) *out = *out << 8 | p[i];
    return status;
}

int udy__pickle_read_line(reader *r, const char **p, size_t *n) {
    *p = (const char *)r->at;
    *n = 0;
    const unsigned char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!end) return FAULT(r, "a line without an end");
    *n = (size_t)(end - r->at);
    r->at = end + 1;
    return UDY_OK;
}

int udy__pickle_read_short_line(reader *r, char out[64]) {
    const char *p;
    size_t n;
    int status = udy__pickle_read_line(r, &p, &n);
    if (status) return status;
    if (n == 0 || n >= 64 || memchr(p, 0, n)) return FAULT(r, "a line that is no number");
    memcpy(out, p, n);
    out[n] = '\0';
    return UDY_OK;
}

//------------------------------------------ Constants ---------------------------------------------

int udy__pickle_op_constant(reader *r, const opcode *op) {
    value *v = udy__pickle_make(r, op->kind);
    if (v) v->truth = op->width != 0;
    return udy__pickle_push(r, v);
}

// Little-endian, of 1, 2 or 4 bytes; the widest has a sign.
int udy__pickle_op_integer(reader *r, const opcode *op) {
    uint64_t v;
    int status = udy__pickle_read_number(r, op->width, &v);
    if (status) return status;
    return push_int(r, op->width == 4 ? (int32_t)(uint32_t)v : (int64_t)v);
}

int udy__pickle_op_long(reader *r, const opcode *op) {
    uint64_t n;
    const unsigned char *p;
    int status = udy__pickle_read_number(r, op->width, &n);
    if (!status) status = read_bytes(r, (size_t)n, &p);
    if (status) return status;
    if (n > 8) return udy__pickle_push(r, udy__pickle_make(r, UDY__PICKLE_LONG));
    uint64_t v = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = (size_t)n; i-- > 0;) v = v << 8 | p[i];
    return push_int(r, (int64_t)v);
}

int udy__pickle_op_float(reader *r, const opcode *op) {
    const unsigned char *p;
    int status = read_bytes(r, op->width, &p);
    if (status) return status;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];  // big-endian, as nothing else here
    value *v = udy__pickle_make(r, UDY__PICKLE_FLOAT);
    if (v) memcpy(&v->real, &bits, sizeof bits);
    return udy__pickle_push(r, v);
}

int udy__pickle_op_counted(reader *r, const opcode *op) {
    uint64_t n;
    const unsigned char *p = NULL;
    int status = udy__pickle_read_number(r, op->width, &n);
    if (!status && n > SIZE_MAX) status = FAULT(r, "%llu bytes", (unsigned long long)n);
    if (!status) status = read_bytes(r, (size_t)n, &p);
    return status ? status : udy__pickle_push_text(r, op->kind, (const char *)p, (size_t)n);
}

//------------------------------------------ Constants as text (protocol 0) ------------------------

// Digits beyond 64 characters: an integer that nobody here wants, as long as it is one.
static int push_long_line(reader *r, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!memchr("-0123456789L", p[i], 12)) return FAULT(r, "a line that is no integer");
    return udy__pickle_push(r, udy__pickle_make(r, UDY__PICKLE_LONG));
}

int udy__pickle_op_int_line(reader *r, const opcode *op) {
    char line[64], *end;
    const char *p;
    size_t n;
    (void)op;
    int status = udy__pickle_read_line(r, &p, &n);
    if (status) return status;
    if (n >= sizeof line) return push_long_line(r, p, n);
    memcpy(line, p, n);
    line[n] = '\0';
    if (!strcmp(line, "01") || !strcmp(line, "00")) {
        value *v = udy__pickle_make(r, UDY__PICKLE_BOOL);
        if (v) v->truth = line[1] == '1';
        return udy__pickle_push(r, v);
    }
    errno = 0;
    long long v = strtoll(line, &end, 10);
    if (end == line || strlen(line) != n || (*end && strcmp(end, "L")))
        return FAULT(r, "a line that is no integer");
    return errno ? udy__pickle_push(r, udy__pickle_make(r, UDY__PICKLE_LONG)) : push_int(r, v);
}

int udy__pickle_op_float_line(reader *r, const opcode *op) {
    char line[64];
    double real = 0;
    (void)op;
    int status = udy__pickle_read_short_line(r, line);
    if (status) return status;
    if (!strcmp(line, "inf") || !strcmp(line, "-inf"))
        real = line[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (!strcmp(line, "nan"))
        real = (double)NAN;
    else if (!udy__double_parse(&real, line))
        return FAULT(r, "a line that is no number");
    value *v = udy__pickle_make(r, UDY__PICKLE_FLOAT);
    if (v) v->real = real;
    return udy__pickle_push(r, v);
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

// The digits of an escape: \xhh, \uhhhh, \Uhhhhhhhh.
static bool read_hex(const char *p, size_t left, size_t digits, uint32_t *out) {
    *out = 0;
    if (left < digits) return false;
    for (size_t i = 0; i < digits; i++) {
        if (!memchr("0123456789abcdefABCDEF", p[i], 22)) return false;
        uint32_t v = p[i] <= '9' ? (uint32_t)(p[i] - '0') : (uint32_t)((p[i] | 32) - 'a' + 10);
        *out = *out << 4 | v;
    }
    return *out <= 0x10FFFF;
}

// Python's escapes undone. unicode: a line of protocol 0's UNICODE, Latin-1 with \u and \U alone;
// else a STRING without its quotes.
static int push_unescaped(reader *r, const char *p, size_t n, bool unicode) {
    char *out = udy__pickle_take(r, 2 * n + 1);
    if (!out) return udy__pickle_no_memory(r);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        uint32_t code = c;
        if (c == '\\' && i + 1 < n) {
            char e = p[i + 1];
            size_t digits = e == 'u' && unicode ? 4 : e == 'U' && unicode ? 8 : 0;
            if (e == 'x' && !unicode) digits = 2;
            const char *simple = strchr("\\'\"nrt", e);
            if (digits) {
                if (!read_hex(p + i + 2, n - i - 2, digits, &code))
                    return FAULT(r, "an escape that is none");
                i += 1 + digits;
            } else if (!unicode && e && simple) {
                code = (unsigned char)"\\'\"\n\r\t"[simple - "\\'\"nrt"];
                i++;
            }
        }
        // Bytes stay bytes; Latin-1 becomes UTF-8, at most two bytes for one.
        if (unicode)
            used += put_utf8(out + used, code);
        else
            out[used++] = (char)code;
    }
    return udy__pickle_push_text(r, UDY__PICKLE_TEXT, out, used);
}

int udy__pickle_op_text_line(reader *r, const opcode *op) {
    const char *p;
    size_t n;
    int status = udy__pickle_read_line(r, &p, &n);
    if (status || op->code == 'V') return status ? status : push_unescaped(r, p, n, true);
    if (n < 2 || p[0] != p[n - 1] || (p[0] != '\'' && p[0] != '"'))
        return FAULT(r, "a string without quotes");
    return push_unescaped(r, p + 1, n - 2, false);
}
