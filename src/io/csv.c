// Comma-separated values as RFC 4180 has them, and as programs write them: see csv.h. Bounded: a
// record of more than a mebibyte is an error, whatever the file.
#include "io/csv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/io_internal.h"

enum { BLOCK = 1 << 16, RECORD_MAX = 1 << 20, CELLS_MAX = 1 << 16 };

struct udy__csv {
    char path[UDY_PATH_MAX];
    int fd;
    uint64_t size, offset;  // of the file; of what has been read into block
    size_t n, at;           // bytes in block; the next of them
    uint64_t line;
    char separator;  // ' ': runs of blanks
    size_t used;     // of text
    int n_cells;
    const char *cells[CELLS_MAX];
    char block[BLOCK], text[RECORD_MAX];
};

// The next byte; -1 at the end, -2 where reading failed.
static int peek(udy__csv *c, udy_error *err) {
    if (c->at < c->n) return (unsigned char)c->block[c->at];
    uint64_t left = c->size - c->offset;
    if (!left) return -1;
    c->n = left < BLOCK ? (size_t)left : BLOCK;
    c->at = 0;
    if (udy__file_read_at(c->fd, c->block, c->n, c->offset, c->path, err)) {
        c->n = 0;
        return -2;
    }
    c->offset += c->n;
    return (unsigned char)c->block[0];
}

static bool is_end(int b) {
    return b < 0 || b == '\n' || b == '\r';
}

// Pass the end of a line: "\n", "\r\n" or "\r".
static void pass_end(udy__csv *c, udy_error *err) {
    int b = peek(c, err);
    if (b < 0) return;
    c->at++;
    c->line++;
    if (b == '\r' && peek(c, err) == '\n') c->at++;
}

//------------------------------------------ Open --------------------------------------------------

// The separator, by the first line of the first block that holds a record.
static char guess_separator(const char *p, size_t n) {
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[3] = {0}, best = 0;
    bool quoted = false, blank = true, blanks_inside = false;
    for (size_t i = 0; i < n; i++) {
        if (blank && p[i] == '#') {
            while (i < n && p[i] != '\n' && p[i] != '\r') i++;
            continue;
        }
        if (!quoted && (p[i] == '\n' || p[i] == '\r')) {
            if (!blank) break;
            continue;
        }
        if (p[i] == '"') quoted = !quoted;
        for (int k = 0; !quoted && k < 3; k++) counts[k] += p[i] == candidates[k];
        if (p[i] == ' ' && !blank && !quoted) blanks_inside = true;
        if (p[i] != ' ') blank = false;
    }
    for (size_t k = 1; k < 3; k++)
        if (counts[k] > counts[best]) best = k;
    if (counts[best]) return candidates[best];
    return blanks_inside ? ' ' : ',';
}

int udy__csv_open(udy__csv **out, const char *path, udy_error *err) {
    *out = NULL;
    udy__csv *c = udy_alloc(sizeof *c);
    if (!c) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    c->fd = -1;
    c->line = 1;
    int status = udy_path_format(c->path, err, "%s", path);
    if (!status) status = udy__file_open(&c->fd, &c->size, path, err);
    if (!status && peek(c, err) == -2) status = UDY_EIO;
    if (!status && c->n >= 2 &&
        (!memcmp(c->block, "\xff\xfe", 2) || !memcmp(c->block, "\xfe\xff", 2)))
        status =
            udy_error_set(err, UDY_EUNSUPPORTED, "%s: UTF-16; save it as UTF-8 or ASCII", path);
    if (status) {
        udy__csv_close(c);
        return status;
    }
    if (c->n >= 3 && !memcmp(c->block, "\xef\xbb\xbf", 3)) c->at = 3;
    c->separator = guess_separator(c->block + c->at, c->n - c->at);
    *out = c;
    return UDY_OK;
}

void udy__csv_close(udy__csv *c) {
    if (!c) return;
    if (c->fd >= 0) close(c->fd);
    udy_free(c);
}

//------------------------------------------ Records -----------------------------------------------

static int broken(const udy__csv *c, const char *what, udy_error *err) {
    return udy_error_set(err, UDY_EFORMAT, "%s: line %llu: %s", c->path,
                         (unsigned long long)c->line, what);
}

static int too_long(const udy__csv *c, udy_error *err) {
    return broken(c, "a record of more than 1048576 bytes", err);
}

static int begin_cell(udy__csv *c, udy_error *err) {
    if (c->n_cells == CELLS_MAX) return broken(c, "more than 65536 cells", err);
    if (c->used + 2 >= RECORD_MAX) return too_long(c, err);  // empty cells end with a byte too
    c->cells[c->n_cells++] = c->text + c->used;
    return UDY_OK;
}

static int add(udy__csv *c, int byte, udy_error *err) {
    if (byte == 0) return broken(c, "a zero byte: this is no text file", err);
    if (c->used + 2 >= RECORD_MAX) return too_long(c, err);
    c->text[c->used++] = (char)byte;
    return UDY_OK;
}

// A cell in quotes, from its first quote on.
static int read_quoted(udy__csv *c, udy_error *err) {
    uint64_t from = c->line;
    c->at++;
    for (;;) {
        int b = peek(c, err), status = UDY_OK;
        if (b == -2) return UDY_EIO;
        if (b == -1) {
            c->line = from;
            return broken(c, "a quote that is never closed", err);
        }
        c->at++;
        if (b == '\n') c->line++;
        if (b == '"') {
            if (peek(c, err) != '"') return UDY_OK;
            c->at++;
        }
        status = add(c, b, err);
        if (status) return status;
    }
}

static bool is_blank(int b) {
    return b == ' ' || b == '\t';
}

// One cell, up to its separator or the line's end. Blanks about it are no part of it.
static int read_cell(udy__csv *c, udy_error *err) {
    int status = begin_cell(c, err), b;
    size_t start = c->used;
    while ((b = peek(c, err)) != c->separator && is_blank(b)) c->at++;
    if (!status && b == '"') {
        status = read_quoted(c, err);
        while (!status && (b = peek(c, err)) != c->separator && is_blank(b)) c->at++;
        b = peek(c, err);
        if (!status && !is_end(b) && b != c->separator && !(c->separator == ' ' && is_blank(b)))
            status = broken(c, "text after a closing quote", err);
    } else {
        while (!status && !is_end(b = peek(c, err)) && b != c->separator &&
               !(c->separator == ' ' && is_blank(b))) {
            status = add(c, b, err);
            c->at++;
        }
        while (c->used > start && is_blank(c->text[c->used - 1])) c->used--;
    }
    if (!status && b == -2) return UDY_EIO;
    if (!status) c->text[c->used++] = '\0';
    return status;
}

static int pass_blanks(udy__csv *c, udy_error *err) {
    int b;
    while (is_blank(b = peek(c, err))) c->at++;
    return b;
}

// Cells of a line that is not blank.
static int read_cells(udy__csv *c, udy_error *err) {
    c->n_cells = 0;
    c->used = 0;
    for (;;) {
        int status = read_cell(c, err);
        if (status) return status;
        int b = c->separator == ' ' ? pass_blanks(c, err) : peek(c, err);
        if (b == -2) return UDY_EIO;
        if (is_end(b)) break;
        if (c->separator != ' ') c->at++;
    }
    return UDY_OK;
}

// Is the line at hand blank? It is looked at without being taken, for its first cell may be empty.
static bool at_blank_line(udy__csv *c, udy_error *err) {
    if (c->separator == '\t') return is_end(peek(c, err));
    return is_end(pass_blanks(c, err));
}

int udy__csv_next(udy__csv *c, udy__csv_record *out, udy_error *err) {
    *out = (udy__csv_record){0};
    for (;;) {
        int b = peek(c, err);
        if (b == -2) return UDY_EIO;
        if (b == -1) return 0;
        if (b == '#') {
            while (!is_end(peek(c, err))) c->at++;
            pass_end(c, err);
        } else if (at_blank_line(c, err)) {
            out->after_blank = true;
            pass_end(c, err);
        } else {
            break;
        }
    }
    out->line = c->line;
    int status = read_cells(c, err);
    if (status) return status;
    pass_end(c, err);
    out->n_cells = c->n_cells;
    out->cells = c->cells;
    return 1;
}

void udy__csv_quote(char *out, size_t size, const char *text) {
    if (!strpbrk(text, ",\"\r\n") && *text != ' ') {
        snprintf(out, size, "%s", text);
        return;
    }
    size_t n = 0;
    out[n++] = '"';
    for (; *text && n + 4 < size; text++) {
        if (*text == '"') out[n++] = '"';
        out[n++] = *text;
    }
    out[n++] = '"';
    out[n] = '\0';
}
