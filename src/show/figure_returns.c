// What each policy's episodes returned: every episode a dot, the quartiles a box, the mean with its
// 95 % interval. Shows what a mean hides: a policy that mostly runs and sometimes falls.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

// More DAgger rounds than this, and only the first, the middle and the last are drawn, beside the best.
#define MAX_ROUNDS 6
#define MAX_DRAWN 12

typedef struct selection {
    int n;
    const udy_result_row *rows[MAX_DRAWN];
} selection;

static bool has_returns(const udy_result_row *row) {
    for (int i = 0; row->returns && i < row->n; i++)
        if (isfinite(row->returns[i])) return true;
    return false;
}

static void select_row(selection *s, const udy_result_row *row) {
    if (row && s->n < MAX_DRAWN && has_returns(row)) s->rows[s->n++] = row;
}

// The i-th DAgger round of the results (from 0), in their order; counts them where i is negative.
static const udy_result_row *round_at(const udy_results *results, int i, int *count) {
    *count = 0;
    for (int k = 0; k < results->n_rows; k++) {
        int round;
        if (udy__row_kind_of(&results->rows[k], &round) != UDY__ROW_ROUND) continue;
        if ((*count)++ == i) return &results->rows[k];
    }
    return NULL;
}

// The best round is shown by its fresh episodes, not by those that chose it.
static selection select_rows(const udy_results *results) {
    selection s = {0};
    int n_rounds, ignored, best = udy__best_round(results);
    (void)round_at(results, -1, &n_rounds);
    select_row(&s, udy__find_row(results, UDY__ROW_RANDOM));
    select_row(&s, udy__find_row(results, UDY__ROW_BC));
    for (int i = 0; i < n_rounds; i++) {
        int round;
        const udy_result_row *row = round_at(results, i, &ignored);
        (void)udy__row_kind_of(row, &round);
        bool shown = n_rounds <= MAX_ROUNDS || i == 0 || i == n_rounds / 2 || i == n_rounds - 1;
        if (shown && round != best) select_row(&s, row);
    }
    select_row(&s, udy__find_row(results, UDY__ROW_BEST));
    select_row(&s, udy__find_row(results, UDY__ROW_EXPERT));
    return s;
}

// Place on the x axis from 1; 0: not drawn.
static int position_of(const selection *s, const udy_result_row *row) {
    for (int i = 0; i < s->n; i++)
        if (s->rows[i] == row) return i + 1;
    return 0;
}

static void write_csv(udy__text *csv, const udy_results *results, const selection *s) {
    udy__script_add(csv, "position,policy,episode,return,label\n");
    for (int i = 0; i < results->n_rows; i++) {
        const udy_result_row *row = &results->rows[i];
        int position = position_of(s, row);
        for (int e = 0; row->returns && e < row->n; e++) {
            if (position) udy__script_add(csv, "%d", position);
            udy__script_add(csv, ",");
            udy__script_add_csv(csv, row->name);
            udy__script_add(csv, ",%d,", e);
            udy__script_add_exact(csv, row->returns[e]);
            udy__script_add(csv, ",");
            udy__script_add_csv(csv, row->label);
            udy__script_add(csv, "\n");
        }
    }
}

// A label over lines of about 11 characters, broken at spaces, then the falls.
// Returns the number of lines.
static int add_tick(udy__text *script, const selection *s, int i) {
    const udy_result_row *row = s->rows[i];
    char words[64], falls[48];
    udy__format(words, sizeof words, "%s", udy__row_label(row));
    udy__script_add(script, i ? ", \\\n  " : "");
    int n_lines = 2;
    char line[96] = "", *rest = words, *word;
    while ((word = strtok_r(rest, " ", &rest))) {
        if (line[0] && strlen(line) + strlen(word) + 1 > 11) {
            udy__script_add_quoted(script, line);
            udy__script_add(script, ".\"\\n\".");
            line[0] = '\0';
            n_lines++;
        }
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "%s%s", used ? " " : "", word);
    }
    udy__script_add_quoted(script, line);
    snprintf(falls, sizeof falls, "falls %d/%d", row->falls, row->n);
    udy__script_add(script, ".\"\\n\".'%s' %d", falls, i + 1);
    return n_lines;
}

// Finite returns only: one that is not has no place in a picture (the table shows it).
static void add_summary(udy__text *script, const udy_result_row *row, int position) {
    double *x = udy_alloc((size_t)row->n * sizeof *x);
    if (!x) {
        udy__text_drop(script);
        script->failed = true;
        return;
    }
    size_t n = 0;
    for (int i = 0; i < row->n; i++)
        if (isfinite(row->returns[i])) x[n++] = row->returns[i];
    udy__script_add(script, "%d,%s", position, row->name);
    const double values[] = {udy_quantile(x, n, 0.25),
                             udy_quantile(x, n, 0.5),
                             udy_quantile(x, n, 0.75),
                             udy_mean(x, n),
                             row->ci95[0],
                             row->ci95[1]};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        udy__script_add(script, ",");
        if (isfinite(values[k])) udy__script_add(script, "%.10g", values[k]);
    }
    udy__script_add(script, "\n");
    udy_free(x);
}

static void write_head(udy__text *script, const selection *s) {
    udy__axis y = udy__axis_empty();
    int most = 0, n_lines = 0;
    for (int i = 0; i < s->n; i++) {
        most = s->rows[i]->n > most ? s->rows[i]->n : most;
        for (int e = 0; e < s->rows[i]->n; e++) udy__axis_see(&y, s->rows[i]->returns[e]);
        udy__axis_see(&y, s->rows[i]->ci95[0]);
        udy__axis_see(&y, s->rows[i]->ci95[1]);
    }
    udy__axis_round(&y, 6);
    udy__script_begin(script, "returns", "Return of every evaluation episode");
    udy__script_add(script,
                    "set ylabel 'Return per episode'\n"
                    "set key at screen 0.53, screen 0.02 center bottom horizontal Left \\\n"
                    "  reverse samplen 2\n"
                    "set errorbars 1.2\nset xrange [0.4:%g]\n",
                    s->n + 0.6);
    udy__script_add_axis(script, "y", &y);
    udy__script_add(script, "set xtics scale 0 (");
    for (int i = 0; i < s->n; i++) {
        int lines = add_tick(script, s, i);
        n_lines = lines > n_lines ? lines : n_lines;
    }
    // gnuplot leaves room for one line of labels only.
    udy__script_add(script,
                    ")\nset bmargin %g\n"
                    "colour(p) = p eq 'expert' ? 0x0072B2 : p eq 'bc' ? 0xD55E00 : \\\n"
                    "  p eq 'random' ? 0x7F7F7F : 0x7A1F7A\n"
                    "faint(p) = 0xD0000000 + colour(p)\n"
                    "bright(p) = 0x%d0000000 + colour(p)\n"
                    "# Steps of the golden ratio spread the dots evenly, and always alike.\n"
                    "fraction(v) = v - floor(v)\n"
                    "beside(x, episode) = x + 0.5 * (fraction(0.5 + episode * 0.6180339887) "
                    "- 0.5)\n"
                    "$summary << END\nposition,policy,q1,median,q3,mean,ci95_lo,ci95_hi\n",
                    3.2 + n_lines * 0.9, most > 60 ? 9 : 5);
    for (int i = 0; i < s->n; i++) add_summary(script, s->rows[i], i + 1);
    udy__script_add(script, "END\n");
}

static const char boxes_and_dots[] =
    "$summary \\\n"
    "      using 'position':'median':(column('position') - 0.34):(column('position') + 0.34):\\\n"
    "        'q1':'q3':(faint(strcol('policy'))) with boxxyerror fillstyle solid noborder \\\n"
    "      linecolor rgb variable notitle, \\\n"
    "    'returns.csv' \\\n"
    "      using (beside(column('position'), column('episode'))):'return':\\\n"
    "        (bright(strcol('policy'))) with points pointtype 7 pointsize 0.7 * dot \\\n"
    "      linecolor rgb variable notitle, \\\n"
    "    $summary \\\n"
    "      using 'position':'median':(column('position') - 0.34):(column('position') + 0.34):\\\n"
    "        'q1':'q3':(colour(strcol('policy'))) with boxxyerror fillstyle empty \\\n"
    "      linecolor rgb variable linewidth 1 notitle, \\\n"
    "    $summary \\\n"
    "      using (column('position') - 0.34):'median':(0.68):(0):(colour(strcol('policy'))) \\\n"
    "      with vectors nohead linecolor rgb variable linewidth 2.5 notitle, \\\n";
static const char bars[] =
    "    $summary using 'position':'mean':'ci95_lo':'ci95_hi' with yerrorbars \\\n"
    "      linecolor rgb 'black' linewidth 1.5 pointtype 7 pointsize 0.5 * dot notitle, \\\n";
static const char means_and_key[] =
    "    $summary using 'position':'mean' with points \\\n"
    "      linecolor rgb 'white' pointtype 13 pointsize 1.6 * dot notitle, \\\n"
    "    $summary using 'position':'mean' with points \\\n"
    "      linecolor rgb 'black' linewidth 1.5 pointtype 12 pointsize 1.2 * dot \\\n"
    "      title 'mean, 95 % interval', \\\n"
    "    NaN with boxes fillstyle solid border linecolor rgb '#555555' \\\n"
    "      fillcolor rgb '#E6E6E6' title 'quartiles, median', \\\n"
    "    NaN with points pointtype 7 pointsize 0.7 * dot linecolor rgb '#777777' \\\n"
    "      title 'one episode'";

int udy_figure_returns(const char *dir, const udy_results *results, udy_error *err) {
    if (!dir || !results)
        return udy_error_set(err, UDY_EINVAL, "figure returns: no folder or no results given");
    selection s = select_rows(results);
    if (s.n == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure returns: none of the %d rows of the results has a finite "
                             "episode return",
                             results->n_rows);
    udy__text csv = {0}, script = {0};
    write_csv(&csv, results, &s);
    write_head(&script, &s);
    udy__script_begin_plot(&script, "returns", 800, 520, 12);
    udy__text_puts(&script, boxes_and_dots);
    bool any_interval = false;  // gnuplot complains where there is nothing to draw
    for (int i = 0; i < s.n; i++)
        any_interval |= isfinite(s.rows[i]->ci95[0]) && isfinite(s.rows[i]->ci95[1]);
    if (any_interval) udy__text_puts(&script, bars);
    udy__text_puts(&script, means_and_key);
    udy__script_end_plot(&script);
    int rc = udy__figure_draw(dir, "returns", &csv, &script, err);
    udy__text_drop(&csv);
    udy__text_drop(&script);
    return rc;
}
