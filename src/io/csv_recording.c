// A person's own recordings as text: rows of numbers from one CSV file, or from several, one an
// episode. One format of recording.c; csv.c reads the text, table.c makes the episodes.
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "io/csv.h"
#include "io/table.h"

typedef struct csv_table {
    udy__table table;   // first, so that one pointer is both
    char **paths;       // [n_paths], one block with their texts
    int n_paths, path;  // path: the one that is open
    udy__csv *csv;
    char **names;  // [n_columns] of the header, one block; NULL: none
    udy__csv_record record;
    bool pending;  // the record at hand was read to see whether it is a header, and is none
} csv_table;

static bool is_no_number_word(const char *cell) {
    const char *word = *cell == '-' || *cell == '+' ? cell + 1 : cell;
    return !strcasecmp(word, "nan") || !strcasecmp(word, "inf") || !strcasecmp(word, "infinity");
}

// Does the record name columns? A cell that is neither empty nor a number says so.
static bool is_header(const udy__csv_record *r) {
    double value;
    for (int i = 0; i < r->n_cells; i++)
        if (*r->cells[i] && !udy__double_parse(&value, r->cells[i]) &&
            !is_no_number_word(r->cells[i]) && strcasecmp(r->cells[i], "true") &&
            strcasecmp(r->cells[i], "false"))
            return true;
    return false;
}

// Texts copied into one block: pointers, then the texts.
static char **copy_texts(const char *const *texts, int n) {
    size_t size = (size_t)n * sizeof(char *);
    for (int i = 0; i < n; i++) size += strlen(texts[i]) + 1;
    char **block = udy_alloc(size + 1);
    if (!block) return NULL;
    char *at = (char *)(block + n);
    for (int i = 0; i < n; i++) {
        block[i] = at;
        size_t length = strlen(texts[i]) + 1;
        memcpy(at, texts[i], length);
        at += length;
    }
    return block;
}

//------------------------------------------ Cells -------------------------------------------------

static int bad_cell(const csv_table *t, int column, const char *expected, udy_error *err) {
    char shown[UDY__SHOW_MAX], named[UDY__SHOW_MAX] = "";
    const char *cell = t->record.cells[column];
    udy__text_show(shown, cell, strlen(cell));
    if (t->names) udy__text_show(named, t->names[column], strlen(t->names[column]));
    return udy_error_set(err, is_no_number_word(cell) ? UDY_ENONFINITE : UDY_EFORMAT,
                         "%s: line %llu, column %d%s%s%s: '%s', expected %s", t->paths[t->path],
                         (unsigned long long)t->record.line, column, *named ? " (" : "", named,
                         *named ? ")" : "", shown, expected);
}

static int number_in(const csv_table *t, int column, double *value, udy_error *err) {
    const char *cell = t->record.cells[column];
    if (udy__double_parse(value, cell) && fabs(*value) <= (double)FLT_MAX) return UDY_OK;
    if (!strcasecmp(cell, "true") || !strcasecmp(cell, "false")) {
        *value = tolower((unsigned char)cell[0]) == 't';
        return UDY_OK;
    }
    return bad_cell(t, column,
                    strchr(cell, ',')         ? "a number with a decimal point, not a comma"
                    : is_no_number_word(cell) ? "a finite number"
                    : *cell == '\0'           ? "a number, not nothing"
                                              : "a number that a float32 can hold",
                    err);
}

//------------------------------------------ Records -----------------------------------------------

static int check_width(const csv_table *t, udy_error *err) {
    if (t->record.n_cells == t->table.n_columns) return UDY_OK;
    return udy_error_set(err, UDY_EFORMAT, "%s: line %llu has %d cells, the first line %s%d",
                         t->paths[t->path], (unsigned long long)t->record.line, t->record.n_cells,
                         t->path ? "of the first file " : "", t->table.n_columns);
}

// Open the next file and look at its first record; 0 where there are no more files.
static int open_next(csv_table *t, udy_error *err) {
    udy__csv_close(t->csv);
    t->csv = NULL;
    if (t->path + 1 >= t->n_paths) return 0;
    t->path++;
    int status = udy__csv_open(&t->csv, t->paths[t->path], err);
    if (status) return status;
    int more = udy__csv_next(t->csv, &t->record, err);
    if (more < 0) return more;
    if (more == 0) return udy_error_set(err, UDY_EFORMAT, "%s: no lines in it", t->paths[t->path]);
    bool header = is_header(&t->record);
    if (t->path == 0) {
        t->table.n_columns = t->record.n_cells;
        t->names = header ? copy_texts(t->record.cells, t->record.n_cells) : NULL;
        if (header && !t->names)
            return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its header", t->paths[0]);
        t->table.names = (const char *const *)t->names;
    }
    status = check_width(t, err);
    if (!status && header && !t->names)  // a broken number, or a header: either way no step to drop
        status = udy_error_set(err, UDY_EMISMATCH,
                               "%s: its first line names columns, or holds no numbers; that of %s "
                               "does neither",
                               t->paths[t->path], t->paths[0]);
    for (int i = 0; !status && header && t->names && i < t->record.n_cells; i++)
        if (strcmp(t->names[i], t->record.cells[i]))
            status =
                udy_error_set(err, UDY_EMISMATCH, "%s: column %d is named otherwise than in %s",
                              t->paths[t->path], i, t->paths[0]);
    t->pending = !header;
    return status ? status : 1;
}

static int next_record(csv_table *t, bool *breaks, udy_error *err) {
    for (;;) {
        if (t->pending) {
            t->pending = false;
            return 1;
        }
        int more = t->csv ? udy__csv_next(t->csv, &t->record, err) : 0;
        if (more > 0 && t->record.after_blank) *breaks = true;
        if (more) return more;
        more = open_next(t, err);
        if (more <= 0) return more;
        *breaks = true;
    }
}

static int next_row(udy__table *table, const int *wanted, int n, int key_column, double *values,
                    udy__table_row *row, udy_error *err) {
    csv_table *t = (csv_table *)table;
    *row = (udy__table_row){0};
    int more = next_record(t, &row->breaks, err);
    if (more <= 0) return more;
    int status = check_width(t, err);
    for (int i = 0; !status && i < n; i++) status = number_in(t, wanted[i], &values[i], err);
    if (status) return status;
    if (key_column >= 0)
        row->key = udy_hash(t->record.cells[key_column], strlen(t->record.cells[key_column]));
    row->path = t->paths[t->path];
    snprintf(row->place, sizeof row->place, "line %llu", (unsigned long long)t->record.line);
    return 1;
}

static void close_csv(udy__table *table) {
    csv_table *t = (csv_table *)table;
    udy__csv_close(t->csv);
    udy_free(t->names);
    udy_free(t->paths);
    udy_free(t);
}

int udy__csv_recording_open(udy__recording **out, const udy_recording_source *source,
                            udy_error *err) {
    *out = NULL;
    if (!source->n_paths) return udy_error_set(err, UDY_EINVAL, "CSV wants a file");
    csv_table *t = udy_alloc(sizeof *t);
    char **paths = copy_texts(source->paths, source->n_paths);
    if (!t || !paths) {
        udy_free(t);
        udy_free(paths);
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", source->paths[0]);
    }
    *t = (csv_table){.table = {.path = paths[0], .next = next_row, .close = close_csv},
                     .paths = paths,
                     .n_paths = source->n_paths,
                     .path = -1};
    int status = open_next(t, err);
    if (status < 0) {
        close_csv(&t->table);
        return status;
    }
    udy_recording_facts facts = {.format = "CSV",
                                 .n_episodes = -1,
                                 .n_steps = -1,
                                 .obs_type = "text",
                                 .has_header = t->names != NULL};
    return udy__table_open(out, &t->table, source, &facts, err);
}
