// Torso height and forward speed along the episodes: for each policy a pair of panels with median
// and 10-90 % of the rows of the episodes still going, the expert's behind it in every one.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

enum { COLUMNS_MAX = 4, PANEL_HEIGHT = 150, GROUP_HEIGHT = 2 * PANEL_HEIGHT + 116, TOP = 92 };

typedef struct traces {
    const udy_shift *shift;
    const udy__cast *cast;
    int n_panels, columns, rows;
    udy__axis time, axes[2];  // height, speed
} traces;

static const char *const panels[2] = {"height", "speed"};

static const double *quantiles_of(const udy_shift_window *w, int which) {
    return which == 0 ? w->height : w->speed;
}

// A window in the middle of its steps.
static double time_of(const udy_shift *shift, const udy_shift_window *w) {
    return 0.5 * (w->first + w->end) * shift->dt;
}

static int windows_of(const udy_shift_policy *p) {
    return p->windows ? p->n_windows : 0;
}

static void see(traces *t) {
    t->time = t->axes[0] = t->axes[1] = udy__axis_empty();
    udy__axis_see(&t->time, 0);
    for (int i = 0; i < t->cast->n; i++) {
        const udy_shift_policy *p = t->cast->looks[i].policy;
        for (int w = 0; w < windows_of(p); w++) {
            if (p->windows[w].n < 1) continue;
            udy__axis_see(&t->time, p->windows[w].end * t->shift->dt);
            for (int q = 0; q < 2; q++)
                for (int k = 0; k < 3; k++)
                    udy__axis_see(&t->axes[q], quantiles_of(&p->windows[w], q)[k]);
        }
    }
    double end = t->time.hi;
    udy__axis_round(&t->time, t->columns > 2 ? 4 : 6);
    if (end > 0) t->time.hi = end;  // no room after the last step
    for (int q = 0; q < 2; q++) udy__axis_round_tight(&t->axes[q], 5);
}

static void write_data(udy__page *page, const traces *t) {
    for (int q = 0; q < 2; q++)
        for (int i = 0; i < t->cast->n; i++) {
            const udy_shift_policy *p = t->cast->looks[i].policy;
            for (int w = 0; w < windows_of(p); w++) {
                const udy_shift_window *o = &p->windows[w];
                if (o->n < 1) continue;
                const double *v = quantiles_of(o, q);
                const double values[] = {time_of(t->shift, o), o->n, v[0], v[1], v[2]};
                udy__page_row_of(page, t->cast, i, panels[q], values, 5);
            }
        }
}

static bool has_rows(const udy_shift_policy *p, int which) {
    for (int w = 0; w < windows_of(p); w++) {
        const double *v = quantiles_of(&p->windows[w], which);
        if (p->windows[w].n >= 1 && isfinite(v[0]) && isfinite(v[1]) && isfinite(v[2])) return true;
    }
    return false;
}

static void add_policy(udy__page *page, const traces *t, int i, int which) {
    const udy__look *look = &t->cast->looks[i];
    if (!has_rows(look->policy, which)) return;
    bool few = windows_of(look->policy) <= 12;
    udy__panel_band(page, i + 1, panels[which], "time_s", "q10", "q90", -INFINITY, look->colour,
                    0.22);
    udy__panel_curve(page, i + 1, panels[which], "time_s", "median", look, 2, few);
}

// The pair of panels number `at`, of policy i; 0, the expert, is behind.
static void add_pair(udy__page *page, const traces *t, int at, int i) {
    const udy__look *look = &t->cast->looks[i];
    const udy_shift_policy *p = look->policy;
    int column = at % t->columns, row = at / t->columns;
    double width = (985.0 - 66) / t->columns;
    double left = 66 + column * width, top = TOP + row * GROUP_HEIGHT;
    for (int q = 0; q < 2; q++, top += PANEL_HEIGHT + 14) {
        udy__panel_begin(page, (udy__box){left, top, left + width - 16, top + PANEL_HEIGHT}, "");
        if (q == 0) {
            char label[UDY__LABEL_SIZE], falls[64];
            udy__label_shorten(label, look->label, t->columns > 3 ? 28 : UDY__LABEL_CHARS);
            udy__panel_text(page, label, "graph 0.5,1 center offset 0,1.7", look->colour);
            snprintf(falls, sizeof falls, "ended early: %d of %d episodes", p->falls, p->n);
            udy__panel_text(page, falls, "graph 0.5,1 center offset 0,0.6", "#666666");
        }
        (q == 0 ? udy__script_add_bare_axis : udy__script_add_axis)(&page->script, "x", &t->time);
        (column > 0 ? udy__script_add_bare_axis : udy__script_add_axis)(&page->script, "y",
                                                                        &t->axes[q]);
        udy__panel_axes(page, q == 1 ? "Time (s)" : "",
                        column > 0 ? ""
                        : q == 0   ? "Torso height (m)"
                                   : "Forward speed (m/s)");
        add_policy(page, t, 0, q);
        if (i > 0) add_policy(page, t, i, q);
        if (!page->n_elements) {
            udy__panel_text(page, "no episode", "graph 0.5,0.5 center", "#666666");
            udy__panel_blank(page);
        }
        udy__panel_end(page);
    }
}

int udy_figure_traces(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "traces", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    traces t = {.shift = shift, .cast = &cast, .n_panels = cast.n > 1 ? cast.n - 1 : 1};
    t.rows = (t.n_panels + COLUMNS_MAX - 1) / COLUMNS_MAX;
    t.columns = (t.n_panels + t.rows - 1) / t.rows;
    see(&t);
    char title[160], note[200], left_out[64];
    udy__cast_note(left_out, &cast);
    snprintf(title, sizeof title, "Height and speed along the episodes%s", left_out);
    snprintf(note, sizeof note,
             "Medians, and bands from 10 to 90 %% of the states, of the episodes still going; "
             "blue, solid: %s",
             cast.looks[0].label);
    udy__page page;
    udy__page_begin(&page, "traces", "time_s,episodes,q10,median,q90,policy,label", title, note,
                    1000, TOP + t.rows * GROUP_HEIGHT - 50);
    write_data(&page, &t);
    for (int at = 0; at < t.n_panels; at++) add_pair(&page, &t, at, cast.n > 1 ? at + 1 : 0);
    return udy__page_draw(&page, dir, err);
}
