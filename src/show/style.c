// How the figures look: axes with readable ticks, the head of a gnuplot script, the two formats,
// and what each row of the results is. Every figure is written with these.
#include "show/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//------------------------------------------ Axes --------------------------------------------------

udy__axis udy__axis_empty(void) {
    return (udy__axis){.lo = INFINITY, .hi = -INFINITY, .step = 1};
}

void udy__axis_see(udy__axis *axis, double value) {
    if (!isfinite(value)) return;
    axis->lo = fmin(axis->lo, value);
    axis->hi = fmax(axis->hi, value);
}

static double nice_step(double raw) {
    const double steps[] = {1, 2, 2.5, 5, 10};
    double power = pow(10, floor(log10(raw)));
    for (int i = 0; i < 5; i++)
        if (steps[i] * power >= raw * (1 - 1e-9)) return steps[i] * power;
    return 10 * power;
}

static void axis_round(udy__axis *axis, int n_ticks, bool zero) {
    if (!(axis->lo <= axis->hi)) *axis = (udy__axis){.lo = 0, .hi = 1};
    if (axis->lo == axis->hi) {
        double room = fmax(0.1 * fabs(axis->lo), 1e-6);
        axis->lo -= room;
        axis->hi += room;
    }
    double room = 0.05 * (axis->hi - axis->lo);
    bool from_zero = zero && axis->lo >= 0 && axis->lo < 0.6 * axis->hi;
    axis->lo = from_zero ? 0 : axis->lo - room;
    axis->hi += room;
    axis->step = nice_step((axis->hi - axis->lo) / n_ticks);
}

void udy__axis_round(udy__axis *axis, int n_ticks) {
    axis_round(axis, n_ticks, true);
}

void udy__axis_round_tight(udy__axis *axis, int n_ticks) {
    axis_round(axis, n_ticks, false);
}

// The digits of a tick: enough to tell neighbours apart, none that come from binary.
static void format_tick(char out[32], double value) {
    double a = fabs(value);
    if (a >= 1e6)
        udy__format(out, 32, "%.6gM", value / 1e6);
    else if (a >= 1e3)
        udy__format(out, 32, "%.6gk", value / 1e3);
    else
        udy__format(out, 32, "%.6g", value);
}

void udy__format_short(char out[32], double value) {
    double a = fabs(value);
    if (a >= 999500)
        udy__format(out, 32, "%.3gM", value / 1e6);
    else if (a >= 999.5)
        udy__format(out, 32, "%.3gk", value / 1e3);
    else
        udy__format(out, 32, "%.3g", value);
}

// Ticks at whole multiples of step inside [lo, hi].
static void add_ticks(udy__text *script, const char *which, double lo, double hi, double step,
                      bool labelled) {
    udy__script_add(script, "set %stics (", which);
    double first = ceil(lo / step - 1e-9), last = floor(hi / step + 1e-9);
    for (int i = 0; i < 64 && first + i <= last; i++) {
        double value = (first + i) * step;
        char label[32];
        format_tick(label, value == 0 ? 0 : value);  // no "-0"
        udy__script_add(script, "%s'%s' %.12g", i ? ", " : "", labelled ? label : "", value);
    }
    udy__script_add(script, ")\n");
}

void udy__script_add_axis(udy__text *script, const char *which, const udy__axis *axis) {
    udy__script_add(script, "set %srange [%.12g:%.12g]\n", which, axis->lo, axis->hi);
    add_ticks(script, which, axis->lo, axis->hi, axis->step, true);
}

void udy__script_add_bare_axis(udy__text *script, const char *which, const udy__axis *axis) {
    udy__script_add(script, "set %srange [%.12g:%.12g]\n", which, axis->lo, axis->hi);
    add_ticks(script, which, axis->lo, axis->hi, axis->step, false);
}

void udy__script_add_log_axis(udy__text *script, const char *which, double lo, double hi) {
    double room = pow(hi / lo, 0.06) * 1.02;
    lo /= room;
    hi *= room;
    udy__script_add(script, "set logscale %s 10\nset %srange [%.6g:%.6g]\n", which, which, lo, hi);
    double decades = log10(hi / lo);
    if (decades < 0.7) {  // too narrow for 1, 2, 5 to give three ticks
        add_ticks(script, which, lo, hi, nice_step((hi - lo) / 6), true);
        return;
    }
    static const int mantissas[] = {1, 2, 5};
    int n_mantissas = decades < 2.5 ? 3 : 1, stride = 1 + (int)(decades / 9), count = 0;
    udy__script_add(script, "set %stics (", which);
    for (int power = (int)floor(log10(lo)); power <= (int)ceil(log10(hi)); power += stride)
        for (int m = 0; m < n_mantissas; m++) {
            double value = mantissas[m] * pow(10, power);
            if (value >= lo && value <= hi)
                udy__script_add(script, "%s'%g' %.6g", count++ ? ", " : "", value, value);
        }
    udy__script_add(script, ")\n");
}

void udy__script_add_wide_axis(udy__text *script, const char *which, double lo, double hi,
                               double linear) {
    udy__script_add(script,
                    "set nonlinear %s via asinh(%s/%.9g) inverse %.9g*sinh(%s)\n"
                    "set %srange [%.9g:%.9g]\nset %stics ('0' 0",
                    which, which, linear, linear, which, which, lo, hi, which);
    double decades = log10(fmax(hi, -lo) / linear);
    static const int mantissas[] = {1, 2, 5};
    for (int power = (int)floor(log10(linear)); power < 300; power++) {
        if (pow(10, power) > fmax(hi, -lo)) break;
        for (int m = 0; m < (decades < 1.7 ? 3 : 1); m++)
            for (int sign = -1; sign <= 1; sign += 2) {
                double value = sign * mantissas[m] * pow(10, power);
                if (value < lo || value > hi || fabs(value) < linear) continue;
                udy__script_add(script, ", '%g' %.6g", value, value);
            }
    }
    udy__script_add(script, ")\n");
}

void udy__script_add_count_axis(udy__text *script, const char *which, int from, int to,
                                int max_ticks, udy__tick_label fn, const void *ctx) {
    static const int steps[] = {1, 2, 5};
    int step = 1;
    for (int i = 0; (to - from) / step + 1 > max_ticks && i < 27; i++) {
        step = steps[(i + 1) % 3];
        for (int tens = (i + 1) / 3; tens > 0; tens--) step *= 10;
    }
    udy__script_add(script, "set %stics (", which);
    int count = 0;
    for (int i = from; i <= to; i++) {
        // The first, then round numbers: 1, 10, 20, ...
        if (i % step != 0 && !(i == from && step > i)) continue;
        char label[32];
        if (fn)
            fn(label, i, ctx);
        else
            udy__format(label, sizeof label, "%d", i);
        udy__script_add(script, "%s'%s' %d", count++ ? ", " : "", label, i);
    }
    udy__script_add(script, ")\n");
}

//------------------------------------------ Scripts -----------------------------------------------

void udy__script_begin(udy__text *script, const char *name, const char *title) {
    udy__script_add(script,
                    "# Draws %s.svg and %s.png from %s.csv: run `gnuplot %s.gp` in this folder.\n"
                    "reset\n"
                    "set encoding utf8\n"
                    "set datafile separator ','\n"
                    "set datafile columnheaders\n"
                    "set border 3 linecolor rgb '#666666' linewidth 1\n"
                    "set tics nomirror out scale 0.5 textcolor rgb '" UDY__COLOUR_INK
                    "'\n"
                    "set grid ytics linetype 1 linecolor rgb '#E4E4E4' linewidth 0.8\n",
                    name, name, name, name);
    udy__script_add(script, "set title ");
    udy__script_add_quoted(script, title);
    udy__script_add(script, " textcolor rgb '" UDY__COLOUR_INK "'\n");
}

void udy__script_begin_image(udy__text *script, const char *name, int width, int height,
                             double xtics_px) {
    udy__script_add(script,
                    "\ndo for [format in 'svg png'] {\n"
                    "  if (format eq 'svg') {\n"
                    "    set terminal svg noenhanced size %d,%d font 'sans-serif,14' \\\n"
                    "      background rgb 'white'\n"
                    "    set title font ',16'\n    set xtics font ',%g'\n    dot = 0.8\n"
                    "    small = ',12'\n"
                    "  } else {  # twice the pixels; points of 4/3 pixels\n"
                    "    set terminal pngcairo noenhanced size %d,%d font 'sans-serif,10.5' \\\n"
                    "      fontscale 2 linewidth 2 pointscale 2 dashlength 1.5 \\\n"
                    "      background rgb 'white'\n"
                    "    set title font ',12'\n    set xtics font ',%g'\n    dot = 1.25\n"
                    "    small = ',9'\n"
                    "  }\n"
                    "  set output '%s.'.format\n",
                    width, height, xtics_px, 2 * width, 2 * height, 0.75 * xtics_px, name);
}

void udy__script_begin_plot(udy__text *script, const char *name, int width, int height,
                            double xtics_px) {
    udy__script_begin_image(script, name, width, height, xtics_px);
    udy__script_add(script, "  plot ");
}

void udy__script_end_plot(udy__text *script) {
    udy__script_add(script, "\n  set output\n}\n");
}

//------------------------------------------ Rows --------------------------------------------------

udy__row_kind udy__kind_of_name(const char *name, int *round) {
    *round = 0;
    if (!strcmp(name, "random")) return UDY__ROW_RANDOM;
    if (!strcmp(name, "bc")) return UDY__ROW_BC;
    if (!strcmp(name, "expert")) return UDY__ROW_EXPERT;
    if (!strcmp(name, "dagger-best")) return UDY__ROW_BEST;
    const char prefix[] = "dagger-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return UDY__ROW_OTHER;
    const char *digits = name + sizeof prefix - 1;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 7 || digits[n]) return UDY__ROW_OTHER;
    *round = atoi(digits);
    return UDY__ROW_ROUND;
}

udy__row_kind udy__row_kind_of(const udy_result_row *row, int *round) {
    return udy__kind_of_name(row->name, round);
}

const udy_result_row *udy__find_row(const udy_results *results, udy__row_kind kind) {
    int round;
    for (int i = 0; i < results->n_rows; i++)
        if (udy__row_kind_of(&results->rows[i], &round) == kind) return &results->rows[i];
    return NULL;
}

int udy__best_round(const udy_results *results) {
    if (!udy__find_row(results, UDY__ROW_BEST)) return -1;
    for (int i = 0; i < results->n_rows; i++) {
        int round;
        const udy_result_row *row = &results->rows[i];
        if (udy__row_kind_of(row, &round) == UDY__ROW_ROUND && round == results->dagger_best &&
            isfinite(row->mean))
            return round;
    }
    return -1;
}

const char *udy__row_label(const udy_result_row *row) {
    return row->label[0] ? row->label : row->name;
}
