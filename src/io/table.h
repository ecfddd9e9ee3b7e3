// table.h: episodes in rows of a table, whatever it lies in: which columns are what, and where an
// episode ends. csv_recording.c and arrays.c give the rows.
#ifndef UNDERSTUDY_IO_TABLE_H_
#define UNDERSTUDY_IO_TABLE_H_

#include "io/recording.h"

// Columns as numbers, in the order in which they were asked for.
typedef struct udy__columns {
    int n;
    int *at;
} udy__columns;

// "0:27,x,30" into numbers of columns. names [n_columns]; NULL: the table names none. what: whose
// columns, for messages.
int udy__columns_parse(udy__columns *out, const char *list, const char *const *names, int n_columns,
                       const char *what, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy__columns_free(udy__columns *columns);

// What one row says besides its numbers.
typedef struct udy__table_row {
    bool breaks;       // a break comes before it: a blank line, another file
    uint64_t key;      // of the episode column: another one, another episode
    char place[64];    // "line 12", "row 7"
    const char *path;  // the file it is in
} udy__table_row;

// A table's rows, in order.
typedef struct udy__table {
    int n_columns;
    const char *const *names;  // NULL: none
    const char *path;
    // The numbers of columns wanted[n] in the next row: finite as float32. key_column -1: none.
    // 1: a row, 0: the end, or an error that names the place.
    int (*next)(struct udy__table *table, const int *wanted, int n, int key_column, double *values,
                udy__table_row *row, udy_error *err);
    void (*close)(struct udy__table *table);  // frees it
} udy__table;

// A recording that reads a table; takes ownership of it, whatever is returned. facts: format,
// has_header, n_steps and obs_type are the caller's to say. Columns are the source's.
int udy__table_open(udy__recording **out, udy__table *table, const udy_recording_source *source,
                    const udy_recording_facts *facts, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_TABLE_H_
