// When the states of a policy leave the expert's: along the episode, the energy distance to the
// expert's states, the distance to the nearest demonstration, and the error of the actions against
// what the expert would have done there, beside the same error on the expert's states.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

enum { LEFT = 76, RIGHT = 880, PANEL_HEIGHT = 170, PANEL_GAP = 44 };
enum { ENERGY, DISTANCE, ERROR, N_PANELS };

static const struct {
    const char *name, *title, *axis;
} panels[N_PANELS] = {
    {"energy",
     "Energy distance to the expert's states (shaded: 95 % of random halves of the expert's)",
     "Standard deviations"},
    {"distance",
     "Distance to the nearest demonstrated state (dotted: 95 % of the expert's are below)",
     "Standard deviations"},
    {"error",
     "Squared error of the action on the policy's own states (thin, level: on the expert's states)",
     "Squared error"},
};

typedef struct divergence {
    const udy_shift *shift;
    const udy__cast *cast;
    udy__axis time, y[N_PANELS];
    double least[N_PANELS];  // of the values above 0
    bool is_log[N_PANELS];   // logarithmic axes; the energy distance's is so beyond its null only
    double linear;           // its null's size
} divergence;

// A value of a window with its interval; false where it is not known.
static bool value_of(const udy_shift_window *w, int which, udy_shift_value *out) {
    if (which == ENERGY) {
        const udy_measure *m = &w->energy.energy;
        *out = (udy_shift_value){m->value, {m->ci[0], m->ci[1]}};
        return w->energy.known && isfinite(m->value);
    }
    *out = which == DISTANCE ? w->distance : w->error;
    return w->n >= 1 && isfinite(out->value);
}

static int windows_of(const udy_shift_policy *p) {
    return p->windows ? p->n_windows : 0;
}

// How many windows of a policy a panel has; those with an interval.
static int count_known(const divergence *d, int i, int which, int *n_intervals) {
    const udy_shift_policy *p = d->cast->looks[i].policy;
    int n = 0;
    *n_intervals = 0;
    for (int w = 0; w < windows_of(p); w++) {
        udy_shift_value v;
        if (!value_of(&p->windows[w], which, &v)) continue;
        if (which != ENERGY && d->is_log[which] && !(v.value > 0)) continue;
        n++;
        *n_intervals += isfinite(v.ci[0]) && isfinite(v.ci[1]);
    }
    return n;
}

static void see_policy(divergence *d, const udy_shift_policy *p) {
    for (int w = 0; w < windows_of(p); w++)
        for (int k = 0; k < N_PANELS; k++) {
            udy_shift_value v;
            if (!value_of(&p->windows[w], k, &v)) continue;
            udy__axis_see(&d->time, p->windows[w].end * d->shift->dt);
            udy__axis_see(&d->y[k], v.value);
            if (v.value > 0) d->least[k] = fmin(d->least[k], v.value);
        }
    double held_out = p->error_expert.value;
    udy__axis_see(&d->y[ERROR], held_out);
    if (held_out > 0) d->least[ERROR] = fmin(d->least[ERROR], held_out);
}

// Intervals of the last few episodes still going may be as wide as all the rest: values have the
// panel, and half as much again is left to intervals.
static void see_intervals(divergence *d, const udy_shift_policy *p) {
    for (int w = 0; w < windows_of(p); w++)
        for (int k = 0; k < N_PANELS; k++) {
            udy_shift_value v;
            if (!value_of(&p->windows[w], k, &v)) continue;
            double room = 0.25 * (d->y[k].hi - d->y[k].lo);
            for (int end = 0; end < 2; end++)
                if (v.ci[end] >= d->y[k].lo - room && v.ci[end] <= d->y[k].hi + room)
                    udy__axis_see(&d->y[k], v.ci[end]);
        }
}

// The largest that the expert differs by from itself in a window, as 95 % of shuffles say; 0:
// unknown.
static double null_size(const divergence *d) {
    const udy_shift_policy *p = d->cast->looks[0].policy;
    double size = 0;
    for (int w = 0; w < windows_of(p); w++) {
        udy_shift_value v;
        double null = p->windows[w].energy.energy.null[1];
        if (value_of(&p->windows[w], ENERGY, &v) && isfinite(null)) size = fmax(size, null);
    }
    return size;
}

static void choose_scales(divergence *d) {
    for (int k = 0; k < N_PANELS; k++)
        d->is_log[k] = isfinite(d->least[k]) && d->y[k].hi > 8 * d->least[k];
    d->linear = null_size(d);
    if (!(d->linear > 0)) d->linear = d->y[ENERGY].hi / 100;
    d->is_log[ENERGY] = d->linear > 0 && d->y[ENERGY].hi > 20 * d->linear;
}

static void see(divergence *d) {
    d->time = udy__axis_empty();
    for (int k = 0; k < N_PANELS; k++) {
        d->y[k] = udy__axis_empty();
        d->least[k] = INFINITY;
    }
    udy__axis_see(&d->time, 0);
    udy__axis_see(&d->y[DISTANCE], d->shift->distance_q95);
    for (int i = 0; i < d->cast->n; i++) see_policy(d, d->cast->looks[i].policy);
    choose_scales(d);
    for (int k = 0; k < N_PANELS; k++)
        if (!d->is_log[k]) udy__axis_see(&d->y[k], 0);
    for (int i = 0; i < d->cast->n; i++) see_intervals(d, d->cast->looks[i].policy);
    double end = d->time.hi;
    udy__axis_round(&d->time, 10);
    if (end > 0) d->time.hi = end;
    for (int k = 0; k < N_PANELS; k++)
        if (!d->is_log[k]) udy__axis_round(&d->y[k], 4);
    // Below 0 lies noise of the size of the null, whatever a wide interval says.
    if (d->is_log[ENERGY]) d->y[ENERGY].lo = -2 * d->linear;
}

static void write_data(udy__page *page, const divergence *d) {
    for (int k = 0; k < N_PANELS; k++)
        for (int i = 0; i < d->cast->n; i++) {
            const udy_shift_policy *p = d->cast->looks[i].policy;
            for (int w = 0; w < windows_of(p); w++) {
                const udy_shift_window *o = &p->windows[w];
                udy_shift_value v;
                if (!value_of(o, k, &v)) continue;
                const udy_measure *m = &o->energy.energy;
                double middle = 0.5 * (o->first + o->end) * d->shift->dt;
                const double values[] = {middle,
                                         o->n,
                                         v.value,
                                         v.ci[0],
                                         v.ci[1],
                                         k == ENERGY ? m->null[1] : NAN,
                                         k == ENERGY ? m->p : NAN};
                udy__page_row_of(page, d->cast, i, panels[k].name, values, 7);
            }
        }
    for (int i = 0; i < d->cast->n; i++) {
        udy_shift_value v = d->cast->looks[i].policy->error_expert;
        const double values[] = {NAN, NAN, v.value, v.ci[0], v.ci[1], NAN, NAN};
        udy__page_row_of(page, d->cast, i, "error on expert states", values, 7);
    }
}

//------------------------------------------ Panels ------------------------------------------------

static void add_level(udy__page *page, double level, const char *colour, const char *dash,
                      double width) {
    udy__script_add(&page->script,
                    "  set arrow from graph 0,first %.12g to graph 1,first %.12g nohead back "
                    "linecolor rgb '%s' linewidth %g dashtype %s\n",
                    level, level, colour, width, dash);
}

// What lies behind the curves.
static void add_background(udy__page *page, const divergence *d, int which) {
    if (which == ENERGY && null_size(d) > 0) {
        udy__panel_element(page);
        udy__script_add(
            &page->script,
            "using (of(1, 'energy') ? column('time_s') : NaN):(%.12g):'null' \\\n"
            "      with filledcurves fillstyle solid 0.45 noborder linecolor rgb '" UDY__COLOUR_NULL
            "' notitle",
            d->y[ENERGY].lo);
    }
    if (which == DISTANCE && isfinite(d->shift->distance_q95))
        add_level(page, d->shift->distance_q95, UDY__COLOUR_INK, "(2,3)", 1);
    for (int i = 0; which == ERROR && i < d->cast->n; i++) {
        double level = d->cast->looks[i].policy->error_expert.value;
        if (isfinite(level) && (level > 0 || !d->is_log[ERROR]))
            add_level(page, level, d->cast->looks[i].colour, d->cast->looks[i].dash, 1);
    }
}

// Where a logarithmic axis starts, or below.
static double lowest_of(const divergence *d, int which) {
    return which == ENERGY ? d->y[ENERGY].lo : d->least[which] / 2;
}

static void add_curves(udy__page *page, const divergence *d, int which) {
    for (int bands = 1; bands >= 0; bands--)
        for (int i = 0; i < d->cast->n; i++) {
            int n_intervals, n = count_known(d, i, which, &n_intervals);
            const udy__look *look = &d->cast->looks[i];
            if (n == 0 || (bands && n_intervals == 0)) continue;
            if (bands)
                udy__panel_band(page, i + 1, panels[which].name, "time_s", "lo", "hi",
                                d->is_log[which] ? lowest_of(d, which) : -INFINITY, look->colour,
                                0.15);
            else
                udy__panel_curve(page, i + 1, panels[which].name, "time_s", "value", look, 1.8,
                                 n <= 12);
        }
}

static void add_panel(udy__page *page, const divergence *d, int which, double top) {
    udy__panel_begin(page, (udy__box){LEFT, top, RIGHT, top + PANEL_HEIGHT}, panels[which].title);
    if (which == ENERGY)
        udy__page_legend(page, d->cast, LEFT, 66, RIGHT - LEFT, UDY__SAMPLE_LINE, NULL);
    bool last = which == N_PANELS - 1;
    (last ? udy__script_add_axis : udy__script_add_bare_axis)(&page->script, "x", &d->time);
    if (!d->is_log[which])
        udy__script_add_axis(&page->script, "y", &d->y[which]);
    else if (which == ENERGY)
        udy__script_add_wide_axis(&page->script, "y", d->y[ENERGY].lo, 1.3 * d->y[ENERGY].hi,
                                  d->linear);
    else
        udy__script_add_log_axis(&page->script, "y", d->least[which], d->y[which].hi);
    udy__panel_axes(page, last ? "Time (s)" : "", panels[which].axis);
    int before = page->n_elements;
    add_background(page, d, which);
    add_curves(page, d, which);
    if (page->n_elements == before) {
        udy__panel_text(page, "not known for any policy", "graph 0.5,0.5 center", "#666666");
        udy__panel_blank(page);
    }
    udy__panel_end(page);
}

int udy_figure_divergence(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "divergence", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    divergence d = {.shift = shift, .cast = &cast};
    see(&d);
    char title[200], left_out[64];
    udy__cast_note(left_out, &cast);
    snprintf(title, sizeof title, "When the policies leave what the expert showed%s", left_out);
    int rows = udy__legend_rows(cast.n, cast.n_chars, RIGHT - LEFT);
    double top = 66 + rows * UDY__LEGEND_ROW + 24;
    udy__page page;
    udy__page_begin(&page, "divergence", "time_s,episodes,value,lo,hi,null,p,policy,label", title,
                    "Means over the episodes still going, bands: 95 % intervals over episodes", 900,
                    (int)(top + N_PANELS * (PANEL_HEIGHT + PANEL_GAP) + 10));
    write_data(&page, &d);
    for (int k = 0; k < N_PANELS; k++, top += PANEL_HEIGHT + PANEL_GAP)
        add_panel(&page, &d, k, top);
    return udy__page_draw(&page, dir, err);
}
