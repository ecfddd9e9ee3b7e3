// Learning curves of one training or several: evaluation return by environment step and by
// wall-clock, and below them the share of episodes that the task ended early, too low and too high
// apart. Drawn when a training ends, and for comparing trainings.
#include <math.h>
#include <string.h>

#include "show/figure.h"

enum { RUNS_MAX = 64 };

typedef struct run {
    const char *name;
    udy_curve_point *curve;  // [n]
    int n;
    int number;  // of its name among the names: runs of one name are seeds of one training
    bool first;  // of its name
} run;

typedef struct learning {
    run *runs;  // [n]
    int n;
    bool other_falls;  // some episodes ended for another reason than height
    udy__axis steps, minutes, returns, share;
} learning;

// Okabe & Ito's, the darkest first; more runs differ by their dashes.
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000"};
enum { N_COLOURS = sizeof colours / sizeof *colours };
static const char *const dashes[] = {"1", "(8,4)", "(2,4)", "(12,4,2,4)"};
enum { N_DASHES = sizeof dashes / sizeof *dashes };

static const char *colour_of(const run *r) {
    return colours[r->number % N_COLOURS];
}

static double percent(int count, int n) {
    return n > 0 ? 100.0 * count / n : NAN;
}

static void see(learning *l) {
    l->steps = l->minutes = l->returns = l->share = udy__axis_empty();
    udy__axis_see(&l->steps, 0);
    udy__axis_see(&l->minutes, 0);
    udy__axis_see(&l->share, 0);
    udy__axis_see(&l->share, 10);
    for (int r = 0; r < l->n; r++)
        for (int i = 0; i < l->runs[r].n; i++) {
            const udy_curve_point *p = &l->runs[r].curve[i];
            double spread = l->n == 1 ? p->std : 0;
            udy__axis_see(&l->steps, (double)p->steps);
            udy__axis_see(&l->minutes, p->seconds / 60);
            udy__axis_see(&l->returns, p->mean - spread);
            udy__axis_see(&l->returns, p->mean + spread);
            udy__axis_see(&l->share, percent(p->falls, p->n));
            l->other_falls = l->other_falls || p->falls > p->too_low + p->too_high;
        }
    udy__axis_round(&l->steps, 5);
    udy__axis_round(&l->minutes, 5);
    udy__axis_round(&l->returns, 6);
    udy__axis_round(&l->share, 4);
    l->share.hi = fmin(l->share.hi, 104);
}

static void write_csv(udy__text *csv, const learning *l) {
    udy__script_add(csv,
                    "number,run,steps,updates,minutes,mean,median,std,below,above,episodes,"
                    "too_low,too_high,early,too_low_percent,too_high_percent,other_percent,"
                    "early_percent,speed_m_per_s\n");
    for (int r = 0; r < l->n; r++)
        for (int i = 0; i < l->runs[r].n; i++) {
            const udy_curve_point *p = &l->runs[r].curve[i];
            udy__script_add(csv, "%d,", r + 1);
            udy__script_add_csv(csv, l->runs[r].name);
            udy__script_add(csv, ",%lld,%lld", (long long)p->steps, (long long)p->updates);
            const double values[] = {p->seconds / 60, p->mean,          p->median,
                                     p->std,          p->mean - p->std, p->mean + p->std};
            for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
                udy__script_add(csv, ",");
                udy__script_add_exact(csv, values[k]);
            }
            const int counts[] = {p->too_low, p->too_high, p->falls - p->too_low - p->too_high,
                                  p->falls};
            udy__script_add(csv, ",%d,%d,%d,%d", p->n, p->too_low, p->too_high, p->falls);
            for (int k = 0; k < 4; k++) {
                udy__script_add(csv, ",");
                udy__script_add_exact(csv, percent(counts[k], p->n));
            }
            udy__script_add(csv, ",");
            udy__script_add_exact(csv, p->speed);
            udy__script_add(csv, "\n");
        }
}

//------------------------------------------ Panels ------------------------------------------------

// One line of a panel: run r's column over x. title NULL: none.
static void add_line(udy__text *script, const learning *l, int r, const char *x, const char *y,
                     const char *colour, const char *dash, const char *title) {
    bool few = l->runs[r].n <= 30;  // a single point has no line
    udy__script_add(script,
                    "'learning.csv' using (column('number') == %d ? column('%s') : NaN):'%s' \\\n"
                    "      with %s linecolor rgb '%s' linewidth 2 dashtype %s ",
                    r + 1, x, y, few ? "linespoints pointtype 7 pointsize 0.5 * dot" : "lines",
                    colour, dash);
    if (!title) {
        udy__script_add(script, "notitle");
        return;
    }
    udy__script_add(script, "title ");
    udy__script_add_quoted(script, title);
}

static void add_returns(udy__text *script, const learning *l, const char *x, bool titled) {
    udy__script_add(script, "  plot ");
    if (l->n == 1)
        udy__script_add(script,
                        "'learning.csv' using '%s':'below':'above' with filledcurves \\\n"
                        "      fillstyle transparent solid 0.15 noborder linecolor rgb '%s' %s, "
                        "\\\n    ",
                        x, colours[0],
                        titled ? "title 'standard deviation over episodes'" : "notitle");
    for (int r = 0; r < l->n; r++) {
        if (r) udy__script_add(script, ", \\\n    ");
        const char *name = l->n == 1 ? "mean of an evaluation" : l->runs[r].name;
        const run *one = &l->runs[r];
        add_line(script, l, r, x, "mean", colour_of(one),
                 dashes[one->number / N_COLOURS % N_DASHES], titled && one->first ? name : NULL);
    }
    udy__script_add(script, "\n");
}

// One run: each reason in its colour. Several: a run's colour, its line telling the reason.
static void add_share(udy__text *script, const learning *l, const char *x, bool titled) {
    static const struct {
        const char *column, *title, *colour, *dash;
    } reasons[] = {{"too_high_percent", "too high", UDY__COLOUR_EXPERT, "1"},
                   {"too_low_percent", "too low", UDY__COLOUR_BC, "(5,3)"},
                   {"other_percent", "other", UDY__COLOUR_RANDOM, "(2,3)"}};
    bool any = false;
    udy__script_add(script, "  plot ");
    for (int r = 0; r < l->n; r++)
        for (int k = 0; k < 2 + l->other_falls; k++) {
            if (any) udy__script_add(script, ", \\\n    ");
            any = true;
            add_line(script, l, r, x, reasons[k].column,
                     l->n == 1 ? reasons[k].colour : colour_of(&l->runs[r]), reasons[k].dash,
                     titled && r == 0 ? reasons[k].title : NULL);
        }
    udy__script_add(script, "\n");
}

// The left and right edge of a column of panels, as shares of the image.
static const double edges[2][2] = {{0.085, 0.49}, {0.575, 0.98}};

static void add_column(udy__text *script, const learning *l, int column) {
    const char *x = column == 0 ? "steps" : "minutes";
    udy__script_add(script,
                    "  set lmargin at screen %g\n  set rmargin at screen %g\n"
                    "  set tmargin at screen 0.92\n  set bmargin at screen 0.46\n"
                    "  unset xlabel\n"
                    "  set key inside %s vertical Left reverse samplen 2\n",
                    edges[column][0], edges[column][1], l->n == 1 ? "right bottom" : "left top");
    udy__script_add_axis(script, "x", column == 0 ? &l->steps : &l->minutes);
    udy__script_add(script, "  set ylabel '%s'\n", column == 0 ? "Return per episode" : "");
    udy__script_add_axis(script, "y", &l->returns);
    add_returns(script, l, x, column == 0);
    udy__script_add(
        script,
        "  set tmargin at screen 0.36\n  set bmargin at screen 0.12\n"
        "  set key at screen 0.085, screen 0.4 left top horizontal Left reverse samplen 3\n"
        "  set xlabel '%s' offset 0,0.2\n  set ylabel '%s'\n",
        column == 0 ? "Environment steps" : "Wall-clock (minutes)",
        column == 0 ? "Ended early (%)" : "");
    udy__script_add_axis(script, "y", &l->share);
    add_share(script, l, x, column == 0);
}

static void write_script(udy__text *script, const learning *l) {
    udy__script_begin(script, "learning", "");
    udy__script_add(script, "unset title\n");
    udy__script_begin_image(script, "learning", 1000, 620, 13);
    udy__script_add(script, "  set multiplot title ");
    char title[160];
    udy__format(title, sizeof title, l->n == 1 ? "Learning: %.120s" : "Learning curves%.0s",
                l->runs[0].name);
    udy__script_add_quoted(script, title);
    udy__script_add(script, " font ',15' textcolor rgb '" UDY__COLOUR_INK "'\n");
    for (int column = 0; column < 2; column++) add_column(script, l, column);
    udy__script_add(script, "  unset multiplot\n");
    udy__script_end_plot(script);
}

//------------------------------------------ All of it ---------------------------------------------

static void number_names(learning *l) {
    int names = 0;
    for (int r = 0; r < l->n; r++) {
        int same = 0;
        while (strcmp(l->runs[same].name, l->runs[r].name) != 0) same++;
        l->runs[r].first = same == r;
        l->runs[r].number = same == r ? names++ : l->runs[same].number;
    }
}

static int read_runs(learning *l, const udy_learning_run *runs, int n_runs, udy_error *err) {
    l->runs = udy_alloc((size_t)n_runs * sizeof *l->runs);
    if (!l->runs) return udy_error_set(err, UDY_ENOMEM, "figure learning: out of memory");
    for (l->n = 0; l->n < n_runs; l->n++) {
        run *r = &l->runs[l->n];
        r->name = runs[l->n].name;
        int status = udy_expert_curve(&r->curve, &r->n, runs[l->n].path, err);
        if (status) return status;
    }
    number_names(l);
    return UDY_OK;
}

int udy_figure_learning(const char *dir, const udy_learning_run *runs, int n_runs, udy_error *err) {
    if (!dir || !runs || n_runs < 1 || n_runs > RUNS_MAX)
        return udy_error_set(err, UDY_EINVAL, "figure learning: %d runs, expected 1 to %d, %s",
                             n_runs, RUNS_MAX, dir ? "and a folder" : "and no folder given");
    learning l = {0};
    int status = read_runs(&l, runs, n_runs, err);
    if (!status) {
        udy__text csv = {0}, script = {0};
        see(&l);
        write_csv(&csv, &l);
        write_script(&script, &l);
        status = udy__figure_draw(dir, "learning", &csv, &script, err);
        udy__text_drop(&csv);
        udy__text_drop(&script);
    }
    for (int r = 0; r < l.n; r++) udy_free(l.runs[r].curve);
    udy_free(l.runs);
    return status;
}
