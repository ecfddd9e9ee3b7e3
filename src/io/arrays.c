// A person's own recordings as NumPy arrays: one 2-D .npy whose columns are chosen as a CSV file's, or
// a pair of observations and actions, with rewards and ends of episodes beside them. Read row by row,
// so that they may be larger than memory. One format of recording.c; table.c makes the episodes.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/io_internal.h"
#include "io/npy.h"
#include "io/table.h"

enum { HEAD_MAX = 1 << 14, BLOCK = 1 << 18, FILES_MAX = 3 };

// One array, its rows read in order. ndim 1 counts as one column.
typedef struct npy_file {
    const char *path;
    int fd;
    udy_dtype dtype;
    uint64_t n_rows, at;  // at: byte of the first row
    size_t width, row_bytes;
    uint64_t first, held;  // rows in block
    char *block;
    size_t block_rows;
} npy_file;

typedef struct array_table {
    udy__table table;           // first, so that one pointer is both
    npy_file files[FILES_MAX];  // their columns stand beside one another
    int n_files;
    uint64_t n_rows, next;
    double *row;     // [n_columns]
    uint64_t *ends;  // rows past each episode's last, going up; NULL: not said
    size_t n_ends, next_end;
    char columns[3][48];  // of a pair: what table.c is asked for
} array_table;

bool udy__npy_is(const char *path) {
    int fd;
    uint64_t n_bytes;
    char start[6];
    if (udy__file_open(&fd, &n_bytes, path, NULL)) return false;
    bool is = !udy__file_read_at(fd, start, sizeof start, 0, path, NULL) &&
              !memcmp(start, "\x93NUMPY", sizeof start);
    close(fd);
    return is;
}

//------------------------------------------ One file ----------------------------------------------

static int check_array(npy_file *f, const udy_tensor *t, uint64_t n_bytes, udy_error *err) {
    char shape[UDY__SHAPE_TEXT_MAX];
    udy__shape_text(shape, t->shape, t->ndim);
    if (t->dtype == UDY_OTHER)
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: expected numbers of type float64, float32, int64, int32, uint8 or "
            "bool: save it with array.astype('float64')",
            f->path);
    if (t->ndim < 1 || t->ndim > 2)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: shape %s, expected one row a step",
                             f->path, shape);
    f->n_rows = (uint64_t)t->shape[0];
    f->width = t->ndim == 2 ? (size_t)t->shape[1] : 1;
    if (f->n_rows == 0 || f->width == 0 || f->width > 1 << 16)
        return udy_error_set(err, UDY_EFORMAT, "%s: shape %s, expected at least one row and column",
                             f->path, shape);
    if (t->n_bytes != n_bytes - f->at)
        return udy_error_set(err, UDY_EFORMAT, "%s: %llu bytes of data, but shape %s needs %zu",
                             f->path, (unsigned long long)(n_bytes - f->at), shape, t->n_bytes);
    return UDY_OK;
}

static int open_file(npy_file *f, const char *path, udy_error *err) {
    *f = (npy_file){.path = path, .fd = -1};
    char head[HEAD_MAX];
    uint64_t n_bytes;
    udy_tensor tensor;
    size_t at;
    int status = udy__file_open(&f->fd, &n_bytes, path, err);
    if (status) return status;
    size_t n = n_bytes < HEAD_MAX ? (size_t)n_bytes : HEAD_MAX;
    status = udy__file_read_at(f->fd, head, n, 0, path, err);
    if (!status) status = udy__npy_parse_header(&tensor, &at, head, n, path, err);
    if (status) return status;
    f->at = at;
    f->dtype = tensor.dtype;
    status = check_array(f, &tensor, n_bytes, err);
    if (status) return status;
    f->row_bytes = f->width * udy_dtype_size(f->dtype);
    f->block_rows = f->row_bytes < BLOCK ? BLOCK / f->row_bytes : 1;
    f->block = udy_alloc(f->block_rows * f->row_bytes);
    return f->block ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
}

static void close_file(npy_file *f) {
    if (f->fd >= 0) close(f->fd);
    udy_free(f->block);
}

static double element(const npy_file *f, const char *row, size_t i) {
    switch (f->dtype) {
        case UDY_F64: {
            double v;
            memcpy(&v, row + i * sizeof v, sizeof v);
            return v;
        }
        case UDY_F32: {
            float v;
            memcpy(&v, row + i * sizeof v, sizeof v);
            return (double)v;
        }
        case UDY_I64: {
            int64_t v;
            memcpy(&v, row + i * sizeof v, sizeof v);
            return (double)v;
        }
        case UDY_I32: {
            int32_t v;
            memcpy(&v, row + i * sizeof v, sizeof v);
            return (double)v;
        }
        default: return (double)(unsigned char)row[i];
    }
}

static int read_row(npy_file *f, uint64_t row, double *out, udy_error *err) {
    if (row < f->first || row >= f->first + f->held) {
        f->first = row;
        f->held = f->n_rows - row < f->block_rows ? f->n_rows - row : f->block_rows;
        int status = udy__file_read_at(f->fd, f->block, f->held * f->row_bytes,
                                       f->at + row * f->row_bytes, f->path, err);
        if (status) {
            f->held = 0;
            return status;
        }
    }
    const char *from = f->block + (row - f->first) * f->row_bytes;
    for (size_t i = 0; i < f->width; i++) out[i] = element(f, from, i);
    return UDY_OK;
}

//------------------------------------------ Ends of episodes --------------------------------------

// An array of row numbers past each episode's end, or of one flag a row that says it is the last.
static int read_ends(array_table *t, const char *path, udy_error *err) {
    npy_file f;
    int status = open_file(&f, path, err);
    if (!status && f.width != 1)
        status = udy_error_set(err, UDY_EFORMAT, "%s: %zu columns, expected one", path, f.width);
    bool flags = !status && (f.dtype == UDY_BOOL || f.dtype == UDY_U8) && f.n_rows == t->n_rows;
    if (!status && f.n_rows > t->n_rows)
        status = udy_error_set(err, UDY_EMISMATCH, "%s: %llu ends of episodes for %llu steps", path,
                               (unsigned long long)f.n_rows, (unsigned long long)t->n_rows);
    if (!status) {
        t->ends = udy_alloc(f.n_rows * sizeof *t->ends);
        if (!t->ends) status = udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    }
    for (uint64_t i = 0; !status && i < f.n_rows; i++) {
        double value;
        status = read_row(&f, i, &value, err);
        if (status || (flags && value == 0)) continue;
        if (flags) value = (double)(i + 1);
        double before = t->n_ends ? (double)t->ends[t->n_ends - 1] : 0;
        if (!(value > before && value <= (double)t->n_rows && value == floor(value)))
            status = udy_error_set(
                err, UDY_EFORMAT,
                "%s: element %llu is %g, expected the number of the row after an "
                "episode's last: above %g, at most %llu",
                path, (unsigned long long)i, value, before, (unsigned long long)t->n_rows);
        else
            t->ends[t->n_ends++] = (uint64_t)value;
    }
    close_file(&f);
    return status;
}

//------------------------------------------ The table ---------------------------------------------

static int bad_number(const array_table *t, int column, udy_error *err) {
    const npy_file *f = t->files;
    int k = column;
    while (k >= (int)f->width) k -= (int)(f++)->width;
    return udy_error_set(err, UDY_ENONFINITE,
                         "%s: row %llu, column %d is %g, expected a finite number", f->path,
                         (unsigned long long)t->next, k, t->row[column]);
}

static int next_row(udy__table *table, const int *wanted, int n, int key_column, double *values,
                    udy__table_row *row, udy_error *err) {
    array_table *t = (array_table *)table;
    *row = (udy__table_row){.path = table->path};
    if (t->next == t->n_rows) return 0;
    int status = UDY_OK;
    size_t at = 0;
    for (int i = 0; !status && i < t->n_files; i++) {
        status = read_row(&t->files[i], t->next, t->row + at, err);
        at += t->files[i].width;
    }
    for (int i = 0; !status && i < n; i++) {
        values[i] = t->row[wanted[i]];
        if (!(fabs(values[i]) <= (double)FLT_MAX)) status = bad_number(t, wanted[i], err);
    }
    if (status) return status;
    if (key_column >= 0) row->key = udy_hash(&t->row[key_column], sizeof t->row[key_column]);
    if (t->next_end < t->n_ends && t->ends[t->next_end] == t->next) {
        row->breaks = true;
        t->next_end++;
    }
    snprintf(row->place, sizeof row->place, "row %llu", (unsigned long long)t->next);
    t->next++;
    return 1;
}

static void close_arrays(udy__table *table) {
    array_table *t = (array_table *)table;
    for (int i = 0; i < t->n_files; i++) close_file(&t->files[i]);
    udy_free(t->row);
    udy_free(t->ends);
    udy_free(t);
}

static int add_file(array_table *t, const char *path, udy_error *err) {
    npy_file *f = &t->files[t->n_files++];
    int status = open_file(f, path, err);
    if (status) return status;
    if (t->n_files == 1) t->n_rows = f->n_rows;
    t->table.n_columns += (int)f->width;
    if (f->n_rows == t->n_rows) return UDY_OK;
    return udy_error_set(err, UDY_EMISMATCH, "%s has %llu rows, but %s %llu", path,
                         (unsigned long long)f->n_rows, t->files[0].path,
                         (unsigned long long)t->n_rows);
}

// A pair stands as one table: columns of observations, of actions, of the reward.
static int add_pair(array_table *t, udy_recording_source *s, udy_error *err) {
    int status = add_file(t, s->obs_path, err);
    if (!status) status = add_file(t, s->act_path, err);
    if (!status && s->reward_path) status = add_file(t, s->reward_path, err);
    if (status) return status;
    size_t O = t->files[0].width, A = t->files[1].width;
    if (s->reward_path && t->files[2].width != 1)
        return udy_error_set(err, UDY_EFORMAT, "%s: %zu columns, expected one reward a step",
                             s->reward_path, t->files[2].width);
    snprintf(t->columns[0], sizeof t->columns[0], "0:%zu", O);
    snprintf(t->columns[1], sizeof t->columns[1], "%zu:%zu", O, O + A);
    snprintf(t->columns[2], sizeof t->columns[2], "%zu", O + A);
    s->obs_columns = t->columns[0];
    s->act_columns = t->columns[1];
    s->reward_column = s->reward_path ? t->columns[2] : NULL;
    return UDY_OK;
}

int udy__arrays_open(udy__recording **out, const udy_recording_source *source, udy_error *err) {
    *out = NULL;
    udy_recording_source s = *source;
    const char *path = s.obs_path ? s.obs_path : s.n_paths ? s.paths[0] : "";
    array_table *t = udy_alloc(sizeof *t);
    if (!t) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    t->table = (udy__table){.path = path, .next = next_row, .close = close_arrays};
    int status = s.obs_path ? add_pair(t, &s, err) : add_file(t, path, err);
    if (!status && s.episode_ends_path) status = read_ends(t, s.episode_ends_path, err);
    if (!status) {
        t->row = udy_alloc((size_t)t->table.n_columns * sizeof *t->row);
        if (!t->row) status = udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    }
    if (status) {
        close_arrays(&t->table);
        return status;
    }
    udy_recording_facts facts = {
        .format = "NumPy", .n_episodes = -1, .n_steps = (int64_t)t->n_rows};
    snprintf(facts.obs_type, sizeof facts.obs_type, "%s", udy__npy_dtype_name(t->files[0].dtype));
    return udy__table_open(out, &t->table, &s, &facts, err);
}
