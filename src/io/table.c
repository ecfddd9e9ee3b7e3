// Episodes out of a table's rows: columns chosen by name or number, episodes cut where a column's value
// changes, where the table has a break, and where a step says that it ended. See table.h.
#include "io/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

//------------------------------------------ Columns -----------------------------------------------

// The whole of text as a column's number; -1 where it is none.
static long number_of(const char *text, size_t n) {
    if (n == 0 || n > 6 || strspn(text, "0123456789") < n) return -1;
    return strtol(text, NULL, 10);
}

static int find_name(const char *item, size_t n, const char *const *names, int n_columns,
                     bool *twice) {
    int at = -1;
    for (int i = 0; names && i < n_columns; i++) {
        if (strlen(names[i]) != n || memcmp(names[i], item, n)) continue;
        *twice = at >= 0;
        if (at < 0) at = i;
    }
    return at;
}

static int no_column(const char *item, size_t n, const char *const *names, int n_columns,
                     const char *what, const char *path, udy_error *err) {
    char shown[UDY__SHOW_MAX], word[UDY__SHOW_MAX], near[UDY__SHOW_MAX];
    udy__text_show(shown, item, n);
    if (!names)
        return udy_error_set(
            err, UDY_EINVAL,
            "%s: no column '%s' (%s): the table names none, they are counted from 0 "
            "to %d",
            path, shown, what, n_columns - 1);
    snprintf(word, sizeof word, "%s", shown);
    const char *best = udy_nearest(word, names, (size_t)n_columns);
    if (best) udy__text_show(near, best, strlen(best));
    return udy_error_set(err, UDY_EINVAL,
                         "%s: no column '%s' (%s)%s%s%s; there are %d, from 0 to %d", path, shown,
                         what, best ? "; did you mean '" : "", best ? near : "", best ? "'?" : "",
                         n_columns, n_columns - 1);
}

static int add_column(udy__columns *out, int column, int n_columns, const char *what,
                      const char *path, udy_error *err) {
    if (column >= n_columns)
        return udy_error_set(err, UDY_EINVAL, "%s: no column %d (%s): there are %d, from 0 to %d",
                             path, column, what, n_columns, n_columns - 1);
    for (int i = 0; i < out->n; i++)
        if (out->at[i] == column)
            return udy_error_set(err, UDY_EINVAL, "%s: column %d twice (%s)", path, column, what);
    out->at[out->n++] = column;
    return UDY_OK;
}

// "4", "0:27", ":27", "30:" or a name.
static int add_item(udy__columns *out, const char *item, size_t n, const char *const *names,
                    int n_columns, const char *what, const char *path, udy_error *err) {
    bool twice = false;
    int named = find_name(item, n, names, n_columns, &twice), status = UDY_OK;
    char shown[UDY__SHOW_MAX];
    if (twice)
        return udy_error_set(err, UDY_EINVAL, "%s: two columns are named '%s' (%s): use its number",
                             path, udy__text_show(shown, item, n), what);
    if (named >= 0) return add_column(out, named, n_columns, what, path, err);
    const char *colon = memchr(item, ':', n);
    size_t left = colon ? (size_t)(colon - item) : n, right = colon ? n - left - 1 : 0;
    long from = colon && left == 0 ? 0 : number_of(item, left);
    long to = !colon ? from + 1 : right == 0 ? n_columns : number_of(colon + 1, right);
    if (from < 0 || to < 0 || (colon && n == 1))
        return no_column(item, n, names, n_columns, what, path, err);
    if (from >= to)
        return udy_error_set(
            err, UDY_EINVAL,
            "%s: '%s' (%s) holds no column: a range goes up, and its end is not in it", path,
            udy__text_show(shown, item, n), what);
    for (long k = from; !status && k < to; k++)
        status = add_column(out, (int)k, n_columns, what, path, err);
    return status;
}

int udy__columns_parse(udy__columns *out, const char *list, const char *const *names, int n_columns,
                       const char *what, const char *path, udy_error *err) {
    *out = (udy__columns){.at = udy_alloc((size_t)n_columns * sizeof(int))};
    if (!out->at) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its columns", path);
    int status = UDY_OK;
    for (const char *item = list; !status;) {
        while (*item == ' ') item++;
        bool quoted = *item == '"';
        if (quoted) item++;
        size_t n = strcspn(item, quoted ? "\"" : ","), taken = n + (quoted && item[n] == '"');
        while (!quoted && n && item[n - 1] == ' ') n--;
        if (n == 0)
            status = udy_error_set(err, UDY_EINVAL, "%s: '%s' (%s) names no column somewhere", path,
                                   list, what);
        if (!status) status = add_item(out, item, n, names, n_columns, what, path, err);
        item += taken;
        while (*item == ' ') item++;
        if (!*item) break;
        if (*item != ',' && !status)
            status = udy_error_set(err, UDY_EINVAL, "%s: '%s' (%s): a comma is missing", path, list,
                                   what);
        item++;
    }
    if (status) udy__columns_free(out);
    return status;
}

void udy__columns_free(udy__columns *columns) {
    udy_free(columns->at);
    *columns = (udy__columns){0};
}

//------------------------------------------ Episodes ----------------------------------------------

enum { REWARD, TERMINATED, TRUNCATED, N_EXTRA };

typedef struct table_recording {
    udy__recording recording;  // first, so that one pointer is both
    udy__table *table;
    int *wanted;  // observations', actions', then the extra columns that there are
    int n_wanted;
    int extra[N_EXTRA];  // their place in wanted; -1: none
    int key_column;
    double *values;  // [n_wanted] of the row at hand
    udy__table_row row;
    bool pending;  // the row at hand begins the next episode
} table_recording;

// The one column that a list names; -1 where there is no list.
static int find_one(const table_recording *t, const char *list, const char *what, int *column,
                    udy_error *err) {
    *column = -1;
    if (!list) return UDY_OK;
    udy__columns one;
    int status = udy__columns_parse(&one, list, t->table->names, t->table->n_columns, what,
                                    t->table->path, err);
    if (status) return status;
    if (one.n == 1)
        *column = one.at[0];
    else
        status = udy_error_set(err, UDY_EINVAL, "%s: '%s' (%s) is %d columns, expected one",
                               t->table->path, list, what, one.n);
    udy__columns_free(&one);
    return status;
}

static int add_many(table_recording *t, const char *list, const char *what, int *n,
                    udy_error *err) {
    udy__columns columns;
    if (!list)
        return udy_error_set(err, UDY_EINVAL,
                             "%s: which of its %d columns are the %s? Say it with %s 0:27 or names",
                             t->table->path, t->table->n_columns,
                             n == &t->recording.facts.obs_dim ? "observations" : "actions", what);
    int status = udy__columns_parse(&columns, list, t->table->names, t->table->n_columns, what,
                                    t->table->path, err);
    if (status) return status;
    for (int i = 0; i < columns.n; i++) t->wanted[t->n_wanted++] = columns.at[i];
    *n = columns.n;
    udy__columns_free(&columns);
    return UDY_OK;
}

static int choose_columns(table_recording *t, const udy_recording_source *s, udy_error *err) {
    const char *const lists[N_EXTRA] = {s->reward_column, s->terminated_column,
                                        s->truncated_column};
    static const char *const names[N_EXTRA] = {"--reward-column", "--terminated-column",
                                               "--truncated-column"};
    udy_recording_facts *f = &t->recording.facts;
    int status = add_many(t, s->obs_columns, "--obs-columns", &f->obs_dim, err);
    if (!status) status = add_many(t, s->act_columns, "--act-columns", &f->act_dim, err);
    for (int i = 0; !status && i < N_EXTRA; i++) {
        int column;
        status = find_one(t, lists[i], names[i], &column, err);
        t->extra[i] = status || column < 0 ? -1 : t->n_wanted;
        if (t->extra[i] >= 0) t->wanted[t->n_wanted++] = column;
    }
    if (!status) status = find_one(t, s->episode_column, "--episode-column", &t->key_column, err);
    f->has_rewards = !status && t->extra[REWARD] >= 0;
    return status;
}

static int take_row(table_recording *t, udy_error *err) {
    return t->table->next(t->table, t->wanted, t->n_wanted, t->key_column, t->values, &t->row, err);
}

static bool flagged(const table_recording *t, int which) {
    return t->extra[which] >= 0 && t->values[t->extra[which]] != 0;
}

static int keep_row(table_recording *t, udy__rows *rows, udy_error *err) {
    int status = udy__rows_reserve(rows, 1, t->table->path, err);
    if (status) return status;
    size_t O = (size_t)rows->obs_dim, A = (size_t)rows->act_dim, at = rows->n++;
    for (size_t i = 0; i < O; i++) rows->obs[at * O + i] = (float)t->values[i];
    for (size_t i = 0; i < A; i++)
        rows->action[at * A + i] = rows->label[at * A + i] = (float)t->values[O + i];
    rows->reward[at] = t->extra[REWARD] >= 0 ? (float)t->values[t->extra[REWARD]] : 0.0f;
    return UDY_OK;
}

static int next(udy__recording *recording, udy__rows *rows, udy__ending *ending, udy_error *err) {
    table_recording *t = (table_recording *)recording;
    int more = t->pending ? 1 : take_row(t, err);
    if (more <= 0) return more;
    t->pending = false;
    *ending = (udy__ending){0};
    snprintf(ending->place, sizeof ending->place, "the episode from %s on", t->row.place);
    for (uint64_t n = 1;; n++) {
        uint64_t key = t->row.key;
        int status = keep_row(t, rows, err);
        if (!status && n % 65536 == 0)
            status = udy__rows_check_length(rows, n, t->table->path, err);
        if (status) return status;
        ending->terminated = flagged(t, TERMINATED);
        ending->truncated = !ending->terminated && flagged(t, TRUNCATED);
        if (ending->terminated || ending->truncated) return 1;
        more = take_row(t, err);
        if (more < 0) return more;
        t->pending = more > 0 && (t->row.breaks || t->row.key != key);
        if (more == 0 || t->pending) break;
    }
    ending->cut_short = true;
    return 1;
}

static void close_table(udy__recording *recording) {
    table_recording *t = (table_recording *)recording;
    t->table->close(t->table);
    udy_free(t->wanted);
    udy_free(t->values);
    udy_free(t);
}

int udy__table_open(udy__recording **out, udy__table *table, const udy_recording_source *source,
                    const udy_recording_facts *facts, udy_error *err) {
    *out = NULL;
    table_recording *t = udy_alloc(sizeof *t);
    if (!t) {
        table->close(table);
        return udy_error_set(err, UDY_ENOMEM, "no memory to read a table");
    }
    t->recording =
        (udy__recording){.facts = *facts, .path = table->path, .next = next, .close = close_table};
    t->table = table;
    // every column at most once among observations and once among actions, and the extra ones
    size_t room = 2 * (size_t)table->n_columns + N_EXTRA;
    t->wanted = udy_alloc(room * sizeof *t->wanted);
    t->values = udy_alloc(room * sizeof *t->values);
    int status = t->wanted && t->values
                     ? choose_columns(t, source, err)
                     : udy_error_set(err, UDY_ENOMEM, "%s: no memory for its columns", table->path);
    if (status)
        close_table(&t->recording);
    else
        *out = &t->recording;
    return status;
}
