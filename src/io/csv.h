// csv.h: tables of text: commas, semicolons, tabs or blanks, quotes, any line ends, read a record at a
// time. csv_recording.c makes episodes of them.
#ifndef UNDERSTUDY_IO_CSV_H_
#define UNDERSTUDY_IO_CSV_H_

#include "understudy/io.h"

typedef struct udy__csv udy__csv;

typedef struct udy__csv_record {
    uint64_t line;     // where it begins, counted from 1
    bool after_blank;  // is a blank line between it and the record before?
    int n_cells;
    const char *const *cells;  // until the next record is read; without quotes
} udy__csv_record;

// The separator is the commonest of , ; and tab in the first line, or blanks where it has none of
// them. A byte order mark is passed over, and lines that start with '#'.
int udy__csv_open(udy__csv **out, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy__csv_close(udy__csv *csv);  // NULL is legal
// 1: a record, 0: the end, or an error that names the line.
int udy__csv_next(udy__csv *csv, udy__csv_record *out, udy_error *err) UDY_MUST_CHECK;

// One cell as it is written, in quotes where it needs them, at most size - 1 bytes.
void udy__csv_quote(char *out, size_t size, const char *text);

#endif  // UNDERSTUDY_IO_CSV_H_
