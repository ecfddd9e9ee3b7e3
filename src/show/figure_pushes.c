// Perturb and recover: of the pushes of each size, the share after which a policy comes back to
// where demonstrations are, the share after which it falls, and how long coming back takes.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

enum { WIDTH = 1000, LEFT = 72, PANEL_WIDTH = 256, PANEL_HEIGHT = 250, GAP = 72 };
enum { BACK, FELL, SECONDS, N_PANELS };

static const struct {
    const char *name, *title, *axis;
} panels[N_PANELS] = {{"back", "Came back", "Pushes (%)"},
                      {"fell", "Fell", "Pushes (%)"},
                      {"seconds", "Median time to come back", "Seconds"}};

typedef struct pushes {
    const udy_shift *shift;
    const udy__cast *cast;
    int n_sizes;
    double sizes[UDY__CAST_MAX * 4];  // m/s, ascending
    udy__axis seconds;
} pushes;

static int n_of(const udy_shift_policy *p) {
    return p->n_push < 0 ? 0 : p->n_push > 4 ? 4 : p->n_push;
}

// The place of a size on the axis, from 1. Sizes are often powers of two: evenly spaced they read
// best.
static int place_of(const pushes *f, double size) {
    for (int k = 0; k < f->n_sizes; k++)
        if (f->sizes[k] == size) return k + 1;
    return 0;
}

static void see(pushes *f) {
    f->seconds = udy__axis_empty();
    udy__axis_see(&f->seconds, 0);
    for (int i = 0; i < f->cast->n; i++) {
        const udy_shift_policy *p = f->cast->looks[i].policy;
        for (int k = 0; k < n_of(p); k++) {
            double size = p->push[k].speed;
            if (p->push[k].n < 1 || !isfinite(size)) continue;
            if (p->push[k].back > 0)
                udy__axis_see(&f->seconds, p->push[k].median_steps * f->shift->dt);
            if (place_of(f, size)) continue;
            int at = f->n_sizes++;
            for (; at > 0 && f->sizes[at - 1] > size; at--) f->sizes[at] = f->sizes[at - 1];
            f->sizes[at] = size;
        }
    }
    udy__axis_round(&f->seconds, 5);
}

// A panel's value for pushes of one size.
static double value_of(const pushes *f, const udy_shift_push *p, int which) {
    if (which == SECONDS) return p->back > 0 ? p->median_steps * f->shift->dt : NAN;
    return 100.0 * (which == BACK ? p->back : p->fell) / p->n;
}

// Policies stand beside each other at a size.
static double beside(const pushes *f, int i) {
    return (i - 0.5 * (f->cast->n - 1)) * fmin(0.12, 0.6 / f->cast->n);
}

static void write_data(udy__page *page, const pushes *f) {
    for (int which = 0; which < N_PANELS; which++)
        for (int i = 0; i < f->cast->n; i++) {
            const udy_shift_policy *p = f->cast->looks[i].policy;
            for (int at = 0; at < f->n_sizes; at++)
                for (int k = 0; k < n_of(p); k++) {
                    const udy_shift_push *push = &p->push[k];
                    if (push->n < 1 || push->speed != f->sizes[at]) continue;
                    bool ci = which == BACK;
                    const double values[] = {push->speed,
                                             at + 1 + beside(f, i),
                                             value_of(f, push, which),
                                             ci ? 100 * push->back_ci[0] : NAN,
                                             ci ? 100 * push->back_ci[1] : NAN,
                                             push->n,
                                             push->back,
                                             push->fell};
                    udy__page_row_of(page, f->cast, i, panels[which].name, values, 8);
                }
        }
}

static void add_policy(udy__page *page, const pushes *f, int which, int i) {
    const udy__look *look = &f->cast->looks[i];
    int n = 0, n_intervals = 0;
    for (int k = 0; k < n_of(look->policy); k++) {
        const udy_shift_push *p = &look->policy->push[k];
        if (!place_of(f, p->speed) || p->n < 1 || !isfinite(value_of(f, p, which))) continue;
        n++;
        n_intervals += which == BACK && isfinite(p->back_ci[0]) && isfinite(p->back_ci[1]);
    }
    if (n == 0) return;
    udy__panel_curve(page, i + 1, panels[which].name, "place", "value", look, 1.5, false);
    const char *lo = n_intervals ? "lo" : NULL, *hi = n_intervals ? "hi" : NULL;
    udy__panel_marks(page, i + 1, panels[which].name, "place", "value", lo, hi, look);
}

static void add_panel(udy__page *page, const pushes *f, int which, double top) {
    udy__text *script = &page->script;
    double left = LEFT + which * (PANEL_WIDTH + GAP);
    udy__panel_begin(page, (udy__box){left, top, left + PANEL_WIDTH, top + PANEL_HEIGHT},
                     panels[which].title);
    if (which == 0)
        udy__page_legend(page, f->cast, LEFT, 66, WIDTH - LEFT - 20,
                         UDY__SAMPLE_LINE | UDY__SAMPLE_POINT, NULL);
    udy__script_add(script, "  set xrange [0.5:%g]\n  set xtics (", f->n_sizes + 0.5);
    for (int k = 0; k < f->n_sizes; k++)
        udy__script_add(script, "%s'%.4g' %d", k ? ", " : "", f->sizes[k], k + 1);
    udy__script_add(script, ")\n");
    udy__axis percent = {.lo = 0, .hi = 104, .step = 25};
    udy__script_add_axis(script, "y", which == SECONDS ? &f->seconds : &percent);
    udy__panel_axes(page, "Push (m/s)", panels[which].axis);
    for (int i = 0; i < f->cast->n; i++) add_policy(page, f, which, i);
    if (!page->n_elements) {
        udy__panel_text(page, "nobody came back", "graph 0.5,0.5 center", "#666666");
        udy__panel_blank(page);
    }
    udy__panel_end(page);
}

int udy_figure_pushes(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "pushes", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    pushes f = {.shift = shift, .cast = &cast};
    see(&f);
    if (f.n_sizes == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure pushes: none of the %d policies was pushed (push_episodes is "
                             "%d)",
                             cast.n, shift->config.push_episodes);
    char title[200], left_out[64], note[200];
    udy__cast_note(left_out, &cast);
    snprintf(title, sizeof title, "Who comes back from a push%s", left_out);
    udy__format(
        note, sizeof note,
        "A sudden sideways speed of the body, on the expert's states; %d pushes of each size, "
        "%.3g s to come back. Bars: 95 %% intervals",
        shift->config.push_episodes, shift->config.push_steps * shift->dt);
    int rows = udy__legend_rows(cast.n, cast.n_chars, WIDTH - LEFT - 20);
    double top = 66 + rows * UDY__LEGEND_ROW + 24;
    udy__page page;
    udy__page_begin(&page, "pushes", "push_m_per_s,place,value,lo,hi,pushes,back,fell,policy,label",
                    title, note, WIDTH, (int)(top + PANEL_HEIGHT + 54));
    write_data(&page, &f);
    for (int k = 0; k < N_PANELS; k++) add_panel(&page, &f, k, top);
    return udy__page_draw(&page, dir, err);
}
