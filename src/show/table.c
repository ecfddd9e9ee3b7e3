// The table of results as text, in plain ASCII: what `experiment` ends with.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

#define CELL 48
#define GAP 2
#define LONG_NAME 22  // "DAgger best (round 10)" is not

typedef struct format {
    const udy_results *results;
    int decimals;      // of returns
    bool short_names;  // without what stands in brackets after a long one
    bool fall_detail;  // "3/20 (2, 1)" rather than "3/20": too low, too high
} format;

// 1234567.8 as "1,234,568"; "-" for what is not known.
static void format_number(char out[CELL], double value, int decimals) {
    if (!isfinite(value)) {
        snprintf(out, CELL, "-");
        return;
    }
    char digits[CELL];
    if (fabs(value) >= 1e15) {  // no column is that wide
        udy__format(out, CELL, "%.3g", value);
        return;
    }
    udy__format(digits, sizeof digits, "%.*f", decimals, value);
    if (strspn(digits, "-0.") == strlen(digits) && digits[0] == '-')
        memmove(digits, digits + 1, strlen(digits));  // "-0" is 0
    size_t n = strcspn(digits, "."), at = 0;
    for (size_t i = 0; digits[i]; i++) {
        out[at++] = digits[i];
        if (i + 1 < n && (n - i - 1) % 3 == 0 && digits[i] != '-') out[at++] = ',';
    }
    out[at] = '\0';
}

// Where no policy was made, what it took to make it is no number.
static bool was_made(const udy_result_row *row) {
    return row->labels > 0 || row->seconds > 0;
}

static void cell_policy(char out[CELL], const format *f, const udy_result_row *row) {
    char label[64];
    udy__format(label, sizeof label, "%s", udy__row_label(row));
    char *bracket = strstr(label, " (");
    if (f->short_names && bracket && strlen(label) > LONG_NAME) *bracket = '\0';
    snprintf(out, CELL, "%.40s", label);
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';  // plain ASCII: columns stay aligned on any terminal
}
static void cell_mean(char out[CELL], const format *f, const udy_result_row *row) {
    format_number(out, row->mean, f->decimals);
}
static void cell_interval(char out[CELL], const format *f, const udy_result_row *row) {
    char lo[CELL], hi[CELL];
    format_number(lo, row->ci95[0], f->decimals);
    format_number(hi, row->ci95[1], f->decimals);
    if (!isfinite(row->ci95[0]) || !isfinite(row->ci95[1]))
        snprintf(out, CELL, "-");
    else
        snprintf(out, CELL, "%.22s to %.21s", lo, hi);
}
static void cell_iqm(char out[CELL], const format *f, const udy_result_row *row) {
    format_number(out, row->iqm, f->decimals);
}
static void cell_share(char out[CELL], const format *f, const udy_result_row *row) {
    // A share of a negative return would grow as the policy gets worse.
    format_number(out, f->results->expert_mean > 0 ? 100 * row->share : NAN, 1);
}
static void cell_falls(char out[CELL], const format *f, const udy_result_row *row) {
    char detail[CELL] = "";
    if (f->fall_detail && row->too_low + row->too_high > 0)
        snprintf(detail, sizeof detail, " (%d, %d)", row->too_low, row->too_high);
    snprintf(out, CELL, "%d/%d%.24s", row->falls, row->n, detail);
}
static void cell_speed(char out[CELL], const format *f, const udy_result_row *row) {
    (void)f;
    format_number(out, row->speed_mean, 2);
}
static void cell_labels(char out[CELL], const format *f, const udy_result_row *row) {
    (void)f;
    format_number(out, was_made(row) ? (double)row->labels : NAN, 0);
}
static void cell_seconds(char out[CELL], const format *f, const udy_result_row *row) {
    (void)f;
    format_number(out, was_made(row) ? row->seconds : NAN, row->seconds < 100 ? 1 : 0);
}

// A row a column. drop: the order in which columns give way on a narrow terminal; 0: never.
static const struct column {
    const char *head[2];
    bool left;
    int drop;
    void (*cell)(char out[CELL], const format *f, const udy_result_row *row);
} columns_of_table[] = {
    {{"", "Policy"}, true, 0, cell_policy},          {{"Mean", "return"}, false, 0, cell_mean},
    {{"95 %", "interval"}, false, 6, cell_interval}, {{"", "IQM"}, false, 3, cell_iqm},
    {{"% of", "expert"}, false, 7, cell_share},      {{"", "Falls"}, true, 5, cell_falls},
    {{"Speed", "m/s"}, false, 2, cell_speed},        {{"Expert", "labels"}, false, 4, cell_labels},
    {{"Time", "s"}, false, 1, cell_seconds},
};
enum { N_COLUMNS = sizeof columns_of_table / sizeof *columns_of_table };

typedef struct layout {
    int width[N_COLUMNS];  // 0: dropped
    int total;
} layout;

static layout measure(const format *f) {
    layout l = {.total = -GAP};
    for (int c = 0; c < N_COLUMNS; c++) {
        const struct column *column = &columns_of_table[c];
        size_t width = strlen(column->head[0]);
        width = strlen(column->head[1]) > width ? strlen(column->head[1]) : width;
        for (int i = 0; i < f->results->n_rows; i++) {
            char cell[CELL];
            column->cell(cell, f, &f->results->rows[i]);
            width = strlen(cell) > width ? strlen(cell) : width;
        }
        l.width[c] = (int)width;
        l.total += (int)width + GAP;
    }
    return l;
}

// Columns give way one by one; long names and the details of the falls before any of them.
static layout fit(format *f, int columns) {
    layout l = measure(f);
    if (columns <= 0 || l.total <= columns) return l;
    f->short_names = true;
    l = measure(f);
    if (l.total > columns) {
        f->fall_detail = false;
        l = measure(f);
    }
    for (int drop = 1; l.total > columns && drop < N_COLUMNS; drop++)
        for (int c = 0; c < N_COLUMNS; c++)
            if (columns_of_table[c].drop == drop) {
                l.total -= l.width[c] + GAP;
                l.width[c] = 0;
            }
    // Names are cut only where nothing else is left to give.
    if (l.total > columns && l.width[0] - (l.total - columns) >= 8) {
        l.width[0] -= l.total - columns;
        l.total = columns;
    }
    return l;
}

static bool any_detail(const format *f) {
    for (int i = 0; f->fall_detail && i < f->results->n_rows; i++)
        if (f->results->rows[i].too_low + f->results->rows[i].too_high > 0) return true;
    return false;
}

static void end_line(udy__text *text) {
    while (text->n && text->p[text->n - 1] == ' ') text->p[--text->n] = '\0';
    udy__script_add(text, "\n");
}

static void add_cell(udy__text *text, const layout *l, int c, const char *cell) {
    if (l->width[c] == 0) return;
    udy__script_add(text, columns_of_table[c].left ? "%s%-*.*s" : "%s%*.*s", c ? "  " : "",
                    l->width[c], l->width[c], cell);
}

// Words wrapped to the width, continuation lines not indented.
static void add_note(udy__text *text, int width, const char *words) {
    int at = 0;
    while (*words) {
        int n = (int)strcspn(words, " ");
        if (at > 0 && at + 1 + n > width) {
            udy__script_add(text, "\n");
            at = 0;
        }
        udy__script_add(text, "%s%.*s", at ? " " : "", n, words);
        at += n + (at ? 1 : 0);
        words += n;
        words += strspn(words, " ");
    }
    udy__script_add(text, "\n");
}

// Returns of thousands need no decimals; returns of a few need two.
static int decimals_for(const udy_results *results) {
    double largest = 0;
    for (int i = 0; i < results->n_rows; i++)
        if (isfinite(results->rows[i].mean)) largest = fmax(largest, fabs(results->rows[i].mean));
    return largest >= 100 ? 0 : largest >= 10 ? 1 : 2;
}

char *udy_results_table(const udy_results *results, int columns) {
    if (!results || results->n_rows < 0 || (results->n_rows > 0 && !results->rows)) return NULL;
    format f = {.results = results, .decimals = decimals_for(results), .fall_detail = true};
    layout l = fit(&f, columns);
    udy__text text = {0};
    for (int h = 0; h < 2; h++) {
        for (int c = 0; c < N_COLUMNS; c++) add_cell(&text, &l, c, columns_of_table[c].head[h]);
        end_line(&text);
    }
    for (int i = 0; i < l.total; i++) udy__script_add(&text, "-");
    udy__script_add(&text, "\n");
    for (int i = 0; i < results->n_rows; i++) {
        for (int c = 0; c < N_COLUMNS; c++) {
            char cell[CELL];
            columns_of_table[c].cell(cell, &f, &results->rows[i]);
            add_cell(&text, &l, c, cell);
        }
        end_line(&text);
    }
    udy__script_add(&text, "\n");
    int width = columns > 0 && columns < 100 ? columns : 100;
    char note[320] = "";
    if (l.width[2]) strcat(note, "95 % interval: of the mean, by bootstrap over episodes. ");
    if (l.width[3])
        strcat(note, "IQM: interquartile mean, the mean of the middle half of the episodes. ");
    if (any_detail(&f)) strcat(note, "Falls in brackets: with the body too low, too high. ");
    if (l.width[8]) strcat(note, "Time: to collect, label and train, not to evaluate.");
    if (note[0]) add_note(&text, width, note);
    return udy__text_take(&text);
}
