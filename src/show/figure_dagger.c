// DAgger's progress: mean return by round with 95 % intervals, against BC, the expert and a random
// policy as lines across the figure; the labels asked for on the upper axis.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

typedef struct rounds {
    int first, last, n_shown, n_intervals;
} rounds;

static rounds rounds_of(const udy_results *results) {
    rounds r = {0};
    for (int i = 0; i < results->n_rows; i++) {
        int round;
        if (udy__row_kind_of(&results->rows[i], &round) != UDY__ROW_ROUND) continue;
        if (!isfinite(results->rows[i].mean)) continue;
        r.first = r.n_shown == 0 || round < r.first ? round : r.first;
        r.last = r.n_shown == 0 || round > r.last ? round : r.last;
        r.n_shown++;
        const double *ci95 = results->rows[i].ci95;
        r.n_intervals += isfinite(ci95[0]) && isfinite(ci95[1]);
    }
    return r;
}

static void write_csv(udy__text *csv, const udy_results *results) {
    int best = udy__best_round(results);
    udy__script_add(csv,
                    "policy,round,best,episodes,mean,ci95_lo,ci95_hi,std,iqm,"
                    "share_of_expert,falls,expert_labels,seconds,label\n");
    for (int i = 0; i < results->n_rows; i++) {
        const udy_result_row *row = &results->rows[i];
        int round;
        bool is_round = udy__row_kind_of(row, &round) == UDY__ROW_ROUND;
        udy__script_add_csv(csv, is_round ? "dagger" : row->name);
        if (is_round)
            udy__script_add(csv, ",%d,%d,%d", round, round == best, row->n);
        else
            udy__script_add(csv, ",,0,%d", row->n);
        const double values[] = {row->mean, row->ci95[0], row->ci95[1],
                                 row->std,  row->iqm,     row->share};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            udy__script_add(csv, ",");
            udy__script_add_exact(csv, values[k]);
        }
        udy__script_add(csv, ",%d,%llu,", row->falls, (unsigned long long)row->labels);
        udy__script_add_exact(csv, row->seconds);
        udy__script_add(csv, ",");
        udy__script_add_csv(csv, row->label);
        udy__script_add(csv, "\n");
    }
}

static void label_of_round(char out[32], int round, const void *ctx) {
    const udy_results *results = ctx;
    out[0] = '\0';
    for (int i = 0; i < results->n_rows; i++) {
        int r;
        if (udy__row_kind_of(&results->rows[i], &r) == UDY__ROW_ROUND && r == round)
            udy__format_short(out, (double)results->rows[i].labels);
    }
}

static udy__axis y_axis_of(const udy_results *results) {
    udy__axis axis = udy__axis_empty();
    for (int i = 0; i < results->n_rows; i++) {
        int round;
        if (udy__row_kind_of(&results->rows[i], &round) == UDY__ROW_OTHER) continue;
        udy__axis_see(&axis, results->rows[i].mean);
        udy__axis_see(&axis, results->rows[i].ci95[0]);
        udy__axis_see(&axis, results->rows[i].ci95[1]);
    }
    udy__axis_round(&axis, 6);
    return axis;
}

static void write_axes(udy__text *script, const udy_results *results, const rounds *r) {
    udy__axis y = y_axis_of(results);
    // Long names make the legend three rows high instead of two.
    const udy_result_row *bc = udy__find_row(results, UDY__ROW_BC);
    udy__script_add(script, "set bmargin %g\n", bc && strlen(bc->label) > 10 ? 7.4 : 6.2);
    udy__script_add(script,
                    "set xlabel 'DAgger round' offset 0,0.2\n"
                    "set ylabel 'Return per episode'\n"
                    "set xrange [%g:%g]\n",
                    r->first - 0.5, r->last + 0.5);
    udy__script_add_count_axis(script, "x", r->first, r->last, 20, NULL, NULL);
    udy__script_add_axis(script, "y", &y);
    udy__script_add(script,
                    "set border 7\nset x2label 'Expert labels used' offset 0,-0.4\n"
                    "set x2range [%g:%g]\n",
                    r->first - 0.5, r->last + 0.5);
    udy__script_add_count_axis(script, "x2", r->first, r->last, 12, label_of_round, results);
    const udy_result_row *expert = udy__find_row(results, UDY__ROW_EXPERT);
    if (!expert || !(expert->mean > 0) || !isfinite(expert->mean))
        return;  // no share of nothing, nor of a loss
    double percent = 100 / expert->mean;
    udy__axis y2 = {.lo = y.lo * percent, .hi = y.hi * percent};
    udy__axis seen = y2;
    udy__axis_round(&seen, 6);
    y2.step = seen.step;
    udy__script_add(script, "set border 15\nset y2label '%% of the expert' rotate by -90\n");
    udy__script_add_axis(script, "y2", &y2);
}

// A line across the figure and, behind it, its interval: each one row of the data.
static void add_band(udy__text *script, const udy_result_row *row, const char *colour) {
    if (isfinite(row->mean) && isfinite(row->ci95[0]) && isfinite(row->ci95[1]))
        udy__script_add(script,
                        "'dagger.csv' \\\n      using (strcol('policy') eq '%s' ? middle : NaN)"
                        ":'mean':(from):(to):'ci95_lo':'ci95_hi' \\\n"
                        "      with boxxyerror fillstyle transparent solid 0.13 noborder \\\n"
                        "      linecolor rgb '%s' notitle, \\\n    ",
                        row->name, colour);
}

static void add_line(udy__text *script, const udy_result_row *row, const char *colour,
                     const char *dash, double width) {
    if (!isfinite(row->mean)) return;
    char title[128], labels[32];
    udy__format_short(labels, (double)row->labels);
    snprintf(title, sizeof title, row->labels ? "%s, %s labels" : "%s", udy__row_label(row),
             labels);
    udy__script_add(script,
                    "'dagger.csv' \\\n      using (strcol('policy') eq '%s' ? from : NaN)"
                    ":'mean':(to - from):(0) \\\n      with vectors nohead linecolor rgb '%s' "
                    "linewidth %g dashtype %s title ",
                    row->name, colour, width, dash);
    udy__script_add_quoted(script, title);
    udy__script_add(script, ", \\\n    ");
}

static void write_plot(udy__text *script, const udy_results *results, const rounds *r) {
    const udy_result_row *expert = udy__find_row(results, UDY__ROW_EXPERT);
    const udy_result_row *bc = udy__find_row(results, UDY__ROW_BC);
    const udy_result_row *random = udy__find_row(results, UDY__ROW_RANDOM);
    udy__script_begin_plot(script, "dagger", 800, 520, 14);
    if (expert) add_band(script, expert, UDY__COLOUR_EXPERT);
    if (bc) add_band(script, bc, UDY__COLOUR_BC);
    if (expert) add_line(script, expert, UDY__COLOUR_EXPERT, "1", 2);
    if (bc) add_line(script, bc, UDY__COLOUR_BC, "(8,4)", 2);
    if (random) add_line(script, random, UDY__COLOUR_RANDOM, "(2,4)", 1.5);
    // Bars apart from points: a point without an interval still counts.
    if (r->n_intervals)
        udy__script_add(
            script,
            "'dagger.csv' \\\n"
            "      using 'round':'mean':'ci95_lo':'ci95_hi' with yerrorbars \\\n"
            "      linecolor rgb '%s' linewidth 1.5 pointtype 7 pointsize 0.9 * dot \\\n"
            "      notitle, \\\n    ",
            UDY__COLOUR_DAGGER);
    udy__script_add(script,
                    "'dagger.csv' using 'round':'mean' with linespoints \\\n"
                    "      linecolor rgb '%s' linewidth 2 pointtype 7 pointsize 0.9 * dot \\\n"
                    "      title 'DAgger, by round'",
                    UDY__COLOUR_DAGGER);
    if (udy__best_round(results) >= 0)
        udy__script_add(script,
                        ", \\\n    'dagger.csv' \\\n"
                        "      using (column('best') == 1 ? column('round') : NaN):'mean' \\\n"
                        "      with points linecolor rgb '%s' linewidth 1.5 \\\n"
                        "      pointtype 6 pointsize 2 * dot title 'best round', \\\n    "
                        "'dagger.csv' using (strcol('policy') eq 'dagger-best' ? %d.2 : NaN)"
                        ":'mean':'ci95_lo':'ci95_hi' \\\n      with yerrorbars "
                        "linecolor rgb '%s' linewidth 1.5 pointtype 12 pointsize 1.4 * dot \\\n"
                        "      title 'best round, on fresh episodes'",
                        UDY__COLOUR_DAGGER, udy__best_round(results), UDY__COLOUR_DAGGER);
    udy__script_end_plot(script);
}

// The episodes behind each mean, where all rows agree.
static void write_title(char out[96], const udy_results *results) {
    int n = results->n_rows ? results->rows[0].n : 0;
    for (int i = 0; i < results->n_rows; i++) n = results->rows[i].n == n ? n : 0;
    if (n > 0)
        snprintf(out, 96, "Mean return over %d episode%s, with 95 %% intervals", n,
                 n > 1 ? "s" : "");
    else
        snprintf(out, 96, "Mean return, with 95 %% intervals");
}

int udy_figure_dagger(const char *dir, const udy_results *results, udy_error *err) {
    if (!dir || !results)
        return udy_error_set(err, UDY_EINVAL, "figure dagger: no folder or no results given");
    rounds r = rounds_of(results);
    if (r.n_shown == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure dagger: none of the %d rows of the results is a DAgger round "
                             "with a finite mean return",
                             results->n_rows);
    udy__text csv = {0}, script = {0};
    write_csv(&csv, results);
    char title[96];
    write_title(title, results);
    udy__script_begin(&script, "dagger", title);
    udy__script_add(&script,
                    "set key at screen 0.52, screen 0.02 center bottom horizontal Left \\\n"
                    "  reverse maxrows 2 samplen 3\n"
                    "set errorbars 0.6\nfrom = %g\nto = %g\nmiddle = %g\n",
                    r.first - 0.5, r.last + 0.5, (r.first + r.last) / 2.0);
    write_axes(&script, results, &r);
    write_plot(&script, results, &r);
    int rc = udy__figure_draw(dir, "dagger", &csv, &script, err);
    udy__text_drop(&csv);
    udy__text_drop(&script);
    return rc;
}
