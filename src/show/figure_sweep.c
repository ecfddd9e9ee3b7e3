// The figures of a sweep, a panel an expert: return against demonstrations, share of the expert's
// return against labels with what the target costs, and the action error on the policy's own states
// beside that on the expert's. Drawn when a sweep ends.
#include <math.h>
#include <string.h>

#include "show/figure.h"

enum { LINES = 4, PANELS_MAX = UDY_SWEEP_EXPERTS_MAX * UDY_SWEEP_TRAININGS };

// A line of a panel: its look, its place beside the others so that intervals do not cover each
// other (a factor on a logarithmic axis), and its name.
typedef struct look {
    const char *colour, *dash;
    int point;
    double shift;
    char title[64];
} look;

typedef struct figure {
    const udy_sweep *sweep;
    const char *name, *title, *x, *xlabel, *ylabel;
    look lines[LINES];
    int n_rows;  // of panels; columns are experts
    udy__axis y;
    double y_lo, y_hi;  // on a logarithmic axis
    bool log_y, target;
    int n_points[PANELS_MAX][LINES], n_needs[PANELS_MAX];  // that can be drawn
    udy__text csv, script;
} figure;

static int panel_of(const figure *f, int row, int expert) {
    return row * f->sweep->n_experts + expert;
}

//------------------------------------------ Data --------------------------------------------------

static void begin_csv(figure *f) {
    udy__script_add(&f->csv,
                    "kind,panel,line,method,training,demos,labels,value,low,high,expert\n");
}

static void add_row(figure *f, const char *kind, int panel, int line, int expert, int method,
                    int training, int demos, double labels, const udy_sweep_value *v) {
    udy__script_add(&f->csv, "%s,%d,%d,%s,%s,%d", kind, panel, line, udy_sweep_methods[method],
                    udy_sweep_trainings[training], demos);
    const double values[] = {labels, v->value, v->ci[0], v->ci[1]};
    for (int i = 0; i < 4; i++) {
        udy__script_add(&f->csv, ",");
        udy__script_add_exact(&f->csv, values[i]);
    }
    udy__script_add(&f->csv,
                    ",");  // the label last: gnuplot loses count where quotes stand in quotes
    udy__script_add_csv(&f->csv, f->sweep->experts[expert].label);
    udy__script_add(&f->csv, "\n");
}

// A point of a line, and what the axis must hold.
static void add_point(figure *f, const udy_sweep_point *p, int panel, int line,
                      const udy_sweep_value *v) {
    add_row(f, "point", panel, line, p->expert, p->method, p->training, p->demos, p->labels, v);
    const double values[] = {v->value, v->ci[0], v->ci[1]};
    for (int i = 0; i < 3; i++) {
        udy__axis_see(&f->y, values[i]);
        if (!isfinite(values[i]) || values[i] <= 0) continue;
        f->y_lo = fmin(f->y_lo, values[i]);
        f->y_hi = fmax(f->y_hi, values[i]);
    }
    if (isfinite(v->value) && (!f->log_y || v->value > 0)) f->n_points[panel][line]++;
}

static udy_sweep_value percent(udy_sweep_value v) {
    return (udy_sweep_value){100 * v.value, {100 * v.ci[0], 100 * v.ci[1]}};
}

//------------------------------------------ Panels ------------------------------------------------

typedef struct frame {
    int width, height;
    double left, right, panel;  // shares of the image's width
    double bottom, top, gap;    // of its height
} frame;

static frame frame_of(const figure *f) {
    int n = f->sweep->n_experts;
    frame g = {.width = n == 1 ? 600 : 110 + 330 * n, .height = f->n_rows == 1 ? 470 : 780};
    g.left = 90.0 / g.width;
    g.right = 20.0 / g.width;
    g.panel = (1 - g.left - g.right + 62.0 / g.width) / n;
    g.bottom = (n == 1 ? 134.0 : 118.0) / g.height;
    g.top = 74.0 / g.height;
    g.gap = 64.0 / g.height;
    return g;
}

static void add_margins(figure *f, const frame *g, int row, int expert) {
    double height = (1 - g->bottom - g->top - (f->n_rows - 1) * g->gap) / f->n_rows;
    double left = g->left + expert * g->panel;
    double bottom = g->bottom + (f->n_rows - 1 - row) * (height + g->gap);
    udy__script_add(&f->script,
                    "\n  set lmargin at screen %.4f\n  set rmargin at screen %.4f\n"
                    "  set bmargin at screen %.4f\n  set tmargin at screen %.4f\n",
                    left, left + g->panel - 62.0 / g->width, bottom, bottom + height);
}

// 1k, 2k, 5k, ... over the labels that were used.
static void add_label_axis(figure *f) {
    const udy_sweep *s = f->sweep;
    double lo = INFINITY, hi = 0;
    int count = 0;
    for (int i = 0; i < s->n_points; i++) {
        lo = fmin(lo, s->points[i].labels);
        hi = fmax(hi, s->points[i].labels);
    }
    lo /= 1.4, hi *= 1.4;
    udy__script_add(&f->script, "  set logscale x 10\n  set xrange [%.6g:%.6g]\n  set xtics (", lo,
                    hi);
    for (double power = pow(10, floor(log10(lo))); power <= hi; power *= 10)
        for (int m = 1; m <= 5; m += m == 1 ? 1 : 3) {
            char label[32];
            if (m * power < lo || m * power > hi) continue;
            udy__format_short(label, m * power);
            udy__script_add(&f->script, "%s'%s' %.6g", count++ ? ", " : "", label, m * power);
        }
    udy__script_add(&f->script, ")\n");
}

static void add_demo_axis(figure *f) {
    const udy_ints *demos = &f->sweep->demos;
    udy__script_add(&f->script, "  set logscale x 10\n  set xrange [%g:%g]\n  set xtics (",
                    demos->v[0] / 1.25, demos->v[demos->n - 1] * 1.25);
    for (int i = 0; i < demos->n; i++)
        udy__script_add(&f->script, "%s'%d' %d", i ? ", " : "", demos->v[i], demos->v[i]);
    udy__script_add(&f->script, ")\n");
}

static void add_y_axis(figure *f) {
    udy__script_add(&f->script, "  ");
    if (f->log_y)
        udy__script_add_log_axis(&f->script, "y", f->y_lo,
                                 f->y_hi > f->y_lo ? f->y_hi : 2 * f->y_lo);
    else
        udy__script_add_axis(&f->script, "y", &f->y);
}

static void add_comma(figure *f, bool *any) {
    if (*any) udy__script_add(&f->script, ", \\\n    ");
    *any = true;
}

// One line of a panel: its points joined, then each with its interval; and its row of the key.
static void add_line(figure *f, int panel, int k, bool titled, bool *any) {
    const look *l = &f->lines[k];
    char x[256];
    udy__format(x, sizeof x,
                "(strcol('kind') eq 'point' && column('panel') == %d && column('line') == %d ? "
                "column('%s') * %g : NaN)",
                panel, k, f->x, l->shift);
    if (f->n_points[panel][k]) {
        add_comma(f, any);
        udy__script_add(
            &f->script,
            "'%s.csv' using %s:'value' \\\n      with lines linecolor rgb '%s' linewidth "
            "1.8 dashtype %s notitle, \\\n    '%s.csv' using %s:'value':'low':'high' "
            "\\\n      with yerrorbars linecolor rgb '%s' linewidth 1.2 pointtype %d "
            "pointsize 0.9 * dot notitle",
            f->name, x, l->colour, l->dash, f->name, x, l->colour, l->point);
    }
    if (!titled) return;
    add_comma(f, any);
    udy__script_add(&f->script,
                    "NaN with linespoints linecolor rgb '%s' linewidth 1.8 dashtype %s "
                    "pointtype %d pointsize 0.9 * dot title ",
                    l->colour, l->dash, l->point);
    udy__script_add_quoted(&f->script, l->title);
}

static void add_level(figure *f, double level, const char *dash, const char *title, bool *any) {
    add_comma(f, any);
    udy__script_add(&f->script,
                    "%.12g with lines linecolor rgb '" UDY__COLOUR_EXPERT
                    "' linewidth 1.5 dashtype %s ",
                    level, dash);
    if (title)
        udy__script_add(&f->script, "title '%s'", title);
    else
        udy__script_add(&f->script, "notitle");
}

// The share that is asked for, and where each line first reaches it.
static void add_target(figure *f, int panel, bool titled, bool *any) {
    char title[64];
    udy__format(title, sizeof title, "%.0f %% of the expert", 100 * f->sweep->target);
    add_level(f, 100 * f->sweep->target, "(2,4)", titled ? title : NULL, any);
    if (!f->n_needs[panel]) return;
    udy__script_add(
        &f->script,
        ", \\\n    '%s.csv' using (strcol('kind') eq 'need' && column('panel') == %d ? "
        "column('labels') : NaN):'value' \\\n      with points linecolor rgb '" UDY__COLOUR_INK
        "' linewidth 1.5 pointtype 4 pointsize 1.5 * dot %s",
        f->name, panel, titled ? "title 'first reached'" : "notitle");
}

static void add_panel(figure *f, const frame *g, int row, int expert) {
    const udy_sweep_teacher *t = &f->sweep->experts[expert];
    int panel = panel_of(f, row, expert);
    char title[160];
    add_margins(f, g, row, expert);
    udy__format(title, sizeof title, "%s%s", t->label,
                f->n_rows == 1              ? ""
                : row == UDY_SWEEP_TUTORIAL ? ": tutorial"
                                            : ": converged");
    udy__script_add(&f->script, "  set title ");
    udy__script_add_quoted(&f->script, title);
    udy__script_add(&f->script, " offset 0,-0.6 textcolor rgb '" UDY__COLOUR_INK "'\n");
    udy__script_add(&f->script, "  set xlabel '%s'\n  set ylabel '%s'\n",
                    row == f->n_rows - 1 ? f->xlabel : "", expert == 0 ? f->ylabel : "");
    if (f->target)
        add_label_axis(f);
    else
        add_demo_axis(f);
    add_y_axis(f);
    bool first = panel == 0, any = false;
    udy__script_add(&f->script, "  plot ");
    if (f->target) add_target(f, panel, first, &any);
    for (int k = 0; k < LINES; k++) add_line(f, panel, k, first, &any);
    if (!f->target && !f->log_y)
        add_level(f, t->mean, "1", first ? "expert" : NULL,
                  &any);  // last, so that the key pairs up
    if (!any) udy__script_add(&f->script, "NaN notitle");
    udy__script_add(&f->script, "\n");
}

static int draw(figure *f, const char *dir, udy_error *err) {
    frame g = frame_of(f);
    if (!f->log_y) udy__axis_round(&f->y, 6);
    udy__script_begin(&f->script, f->name, "");
    udy__script_add(&f->script,
                    "unset title\nset errorbars 0.5\n"
                    "set key at screen 0.5, screen 0.01 center bottom vertical Left "
                    "\\\n  reverse maxrows %d samplen 3\n",
                    f->sweep->n_experts == 1 ? 3 : 2);
    udy__script_begin_image(&f->script, f->name, g.width, g.height, 13);
    udy__script_add(&f->script,
                    "  set title font (format eq 'svg' ? ',14' : ',10.5')\n"
                    "  set multiplot title ");
    udy__script_add_quoted(&f->script, f->title);
    udy__script_add(&f->script, " font ',%s' textcolor rgb '" UDY__COLOUR_INK "'\n", "15");
    for (int row = 0; row < f->n_rows; row++)
        for (int e = 0; e < f->sweep->n_experts; e++) add_panel(f, &g, row, e);
    udy__script_add(&f->script, "  unset multiplot\n");
    udy__script_end_plot(&f->script);
    int rc = udy__figure_draw(dir, f->name, &f->csv, &f->script, err);
    udy__text_drop(&f->csv);
    udy__text_drop(&f->script);
    return rc;
}

//------------------------------------------ The three ---------------------------------------------

static figure begin(const udy_sweep *s, const char *name) {
    figure f = {.sweep = s,
                .name = name,
                .n_rows = 1,
                .x = "demos",
                .y = udy__axis_empty(),
                .y_lo = INFINITY,
                .y_hi = 0};
    begin_csv(&f);
    return f;
}

// A line a method and training: colour tells the method, dashes the shorter training.
static void methods_as_lines(figure *f) {
    for (int k = 0; k < LINES; k++) {
        int method = k / UDY_SWEEP_TRAININGS, training = k % UDY_SWEEP_TRAININGS;
        bool converged = training == UDY_SWEEP_CONVERGED;
        f->lines[k] =
            (look){.colour = method == UDY_SWEEP_BC ? UDY__COLOUR_BC : UDY__COLOUR_DAGGER,
                   .dash = converged ? "1" : "(6,4)",
                   .point = (method == UDY_SWEEP_BC ? 6 : 8) + converged,  // hollow, then filled
                   .shift = 0.94 + 0.04 * k};
        udy__sweep_line_name(f->lines[k].title, f->sweep, method, training);
    }
}

static int line_of(int method, int training) {
    return method * UDY_SWEEP_TRAININGS + training;
}

static int draw_returns(const char *dir, const udy_sweep *s, udy_error *err) {
    figure f = begin(s, "sweep-returns");
    f.title = "Return against demonstrations, at equal labels";
    f.xlabel = "Demonstration episodes";
    f.ylabel = "Return per episode";
    methods_as_lines(&f);
    for (int i = 0; i < s->n_points; i++) {
        const udy_sweep_point *p = &s->points[i];
        add_point(&f, p, p->expert, line_of(p->method, p->training), &p->ret);
    }
    for (int e = 0; e < s->n_experts; e++) udy__axis_see(&f.y, s->experts[e].mean);
    return draw(&f, dir, err);
}

static int draw_labels(const char *dir, const udy_sweep *s, udy_error *err) {
    figure f = begin(s, "sweep-labels");
    f.title = "What labels cost";
    f.x = "labels";
    f.xlabel = "Expert labels";
    f.ylabel = "Return (% of the expert)";
    f.target = true;
    methods_as_lines(&f);
    for (int i = 0; i < s->n_points; i++) {
        const udy_sweep_point *p = &s->points[i];
        const udy_sweep_value share = percent(p->share);
        add_point(&f, p, p->expert, line_of(p->method, p->training), &share);
    }
    for (int i = 0; i < s->n_needs; i++) {
        const udy_sweep_need *n = &s->needs[i];
        if (!isfinite(n->labels)) continue;
        const udy_sweep_value at = {100 * s->target, {NAN, NAN}};
        int k = line_of(n->method, n->training);
        add_row(&f, "need", n->expert, k, n->expert, n->method, n->training, 0,
                n->labels * f.lines[k].shift, &at);
        f.n_needs[n->expert]++;
    }
    udy__axis_see(&f.y, 100 * s->target);
    udy__axis_see(&f.y, 0);
    return draw(&f, dir, err);
}

static int draw_gap(const char *dir, const udy_sweep *s, udy_error *err) {
    static const char *const titles[LINES] = {"BC, own states", "BC, expert’s states",
                                              "DAgger, own states", "DAgger, expert’s states"};
    figure f = begin(s, "sweep-gap");
    f.title = "Action error on own and on the expert’s states";
    f.xlabel = "Demonstration episodes";
    f.ylabel = "Squared action error";
    f.log_y = true;
    f.n_rows = UDY_SWEEP_TRAININGS;
    for (int k = 0; k < LINES; k++) {
        f.lines[k] = (look){.colour = k < 2 ? UDY__COLOUR_BC : UDY__COLOUR_DAGGER,
                            .dash = k % 2 ? "(6,4)" : "1",
                            .point = (k < 2 ? 7 : 9) - k % 2,
                            .shift = 0.94 + 0.04 * k};
        udy__format(f.lines[k].title, sizeof f.lines[k].title, "%s", titles[k]);
    }
    // A line's points stand together: a row of another would break it.
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < s->n_points; i++) {
            const udy_sweep_point *p = &s->points[i];
            add_point(&f, p, panel_of(&f, p->training, p->expert), 2 * p->method + k,
                      k ? &p->error_expert : &p->error_own);
        }
    if (!(f.y_lo <= f.y_hi)) {  // no error at all: nothing that a logarithm could show
        f.y_lo = 1e-6;
        f.y_hi = 1;
    }
    return draw(&f, dir, err);
}

int udy_figure_sweep(const char *dir, const udy_sweep *sweep, udy_error *err) {
    if (!dir || !sweep || sweep->n_points < 1 || sweep->n_experts < 1 || sweep->demos.n < 1)
        return udy_error_set(err, UDY_EINVAL, "figures of the sweep: no folder or no points given");
    int status = draw_returns(dir, sweep, err);
    if (!status) status = draw_labels(dir, sweep, err);
    return status ? status : draw_gap(dir, sweep, err);
}
