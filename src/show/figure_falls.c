// When policies fall, and how: the share of episodes still standing by time (Kaplan and Meier), the
// falls per second of standing, and what height, speed, action error and distance to the
// demonstrations do over the last second before a fall.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

enum { WIDTH = 1000, LEFT = 72, MIDDLE = 430, RIGHT_LEFT = 530, SMALL = 190, SMALL_GAP = 74 };
enum { ROW_HEIGHT = 190, ROW_GAP = 50 };

typedef struct falls {
    const udy_shift *shift;
    const udy__cast *cast;
    udy__axis time, hazard, before, y[4];
    double least_error;
    bool log_error;
    int n_falls, too_low, too_high;
} falls;

static const struct {
    const char *panel, *title, *axis;
} quantities[4] = {{"height before", "Torso height", "Height (m)"},
                   {"speed before", "Forward speed", "Speed (m/s)"},
                   {"error before", "Squared action error", "Squared error"},
                   {"distance before", "Distance to demonstrations", "Standard deviations"}};
enum { ERROR = 2 };

static double quantity_of(const udy_shift_before *b, int q) {
    const double values[4] = {b->height, b->speed, b->error, b->distance};
    return values[q];
}

static int n_before_of(const udy_shift_policy *p) {
    return p->before ? p->n_before : 0;
}

static void see(falls *f) {
    f->time = f->hazard = f->before = udy__axis_empty();
    f->least_error = INFINITY;
    for (int q = 0; q < 4; q++) f->y[q] = udy__axis_empty();
    udy__axis_see(&f->time, 0);
    udy__axis_see(&f->hazard, 0);
    udy__axis_see(&f->before, 0);
    double dt = f->shift->dt;
    for (int i = 0; i < f->cast->n; i++) {
        const udy_shift_policy *p = f->cast->looks[i].policy;
        f->n_falls += p->falls;
        f->too_low += p->too_low;
        f->too_high += p->too_high;
        for (int k = 0; p->survival && k < p->n_survival; k++)
            udy__axis_see(&f->time, p->survival[k].t * dt);
        for (int k = 0; p->hazard && k < p->n_hazard; k++)
            if (p->hazard[k].steps > 0) udy__axis_see(&f->hazard, p->hazard[k].hazard / dt);
        for (int k = 0; k < n_before_of(p); k++) {
            udy__axis_see(&f->before, p->before[k].t * dt);
            for (int q = 0; q < 4; q++) udy__axis_see(&f->y[q], quantity_of(&p->before[k], q));
            double error = p->before[k].error;
            if (error > 0) f->least_error = fmin(f->least_error, error);
        }
    }
    double end = f->time.hi, start = f->before.lo;
    udy__axis_round(&f->time, 6);
    if (end > 0) f->time.hi = end;
    if (f->hazard.hi > 0) f->hazard.hi *= 1.2;  // some room for intervals, which are wide
    udy__axis_round(&f->hazard, 4);
    udy__axis_round(&f->before, 5);
    f->before.lo = start < 0 ? start : -1;
    f->before.hi = 0;
    f->log_error = isfinite(f->least_error) && f->y[ERROR].hi > 8 * f->least_error;
    udy__axis_see(&f->y[ERROR], 0);
    for (int q = 0; q < 4; q++)
        q == 0 ? udy__axis_round_tight(&f->y[q], 4) : udy__axis_round(&f->y[q], 4);
}

//------------------------------------------ Data --------------------------------------------------

// Columns: time_s, value, lo, hi, episodes, falls.
static void write_survival(udy__page *page, const falls *f, int i) {
    const udy_shift_policy *p = f->cast->looks[i].policy;
    // As measured; then the corners of the stairs, which gnuplot cannot fill between by itself.
    for (int corners = 0; corners < 2; corners++)
        for (int k = 0; p->survival && k < p->n_survival; k++)
            for (int corner = corners && k > 0 ? 1 : 0; corner >= 0; corner--) {
                const udy_survival_point *s = &p->survival[k], *from = corner ? s - 1 : s;
                const double values[] = {s->t * f->shift->dt, 100 * from->survival,
                                         100 * from->ci[0],   100 * from->ci[1],
                                         s->at_risk,          s->falls};
                udy__page_row_of(page, f->cast, i, corners ? "stairs" : "standing", values, 6);
            }
}

static void write_hazard(udy__page *page, const falls *f, int i) {
    const udy_shift_policy *p = f->cast->looks[i].policy;
    double dt = f->shift->dt;
    for (int k = 0; p->hazard && k < p->n_hazard; k++) {
        const udy_hazard_window *h = &p->hazard[k];
        if (h->steps <= 0) continue;
        const double values[] = {0.5 * (h->first + h->end) * dt,
                                 h->hazard / dt,
                                 h->ci[0] / dt,
                                 h->ci[1] / dt,
                                 h->at_risk,
                                 h->falls};
        udy__page_row_of(page, f->cast, i, "hazard", values, 6);
    }
}

static void write_before(udy__page *page, const falls *f, int i, int q) {
    const udy_shift_policy *p = f->cast->looks[i].policy;
    for (int k = 0; k < n_before_of(p); k++) {
        const udy_shift_before *b = &p->before[k];
        const double values[] = {b->t * f->shift->dt, quantity_of(b, q), NAN, NAN, b->n, p->falls};
        udy__page_row_of(page, f->cast, i, quantities[q].panel, values, 6);
    }
}

static void write_data(udy__page *page, const falls *f) {
    for (int i = 0; i < f->cast->n; i++) write_survival(page, f, i);
    for (int i = 0; i < f->cast->n; i++) write_hazard(page, f, i);
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < f->cast->n; i++) write_before(page, f, i, q);
}

//------------------------------------------ Panels ------------------------------------------------

static void add_survival(udy__page *page, const falls *f, double top, int rows) {
    udy__panel_begin(page, (udy__box){LEFT, top, MIDDLE, top + ROW_HEIGHT}, "Still going");
    udy__page_legend(page, f->cast, LEFT, top - 40 - UDY__LEGEND_ROW * (rows - 1),
                     WIDTH - LEFT - 20, UDY__SAMPLE_LINE, NULL);
    udy__axis y = {.lo = 0, .hi = 104, .step = 25};
    udy__script_add_bare_axis(&page->script, "x", &f->time);
    udy__script_add_axis(&page->script, "y", &y);
    udy__panel_axes(page, "", "Episodes (%)");
    for (int bands = 1; bands >= 0; bands--)
        for (int i = 0; i < f->cast->n; i++) {
            const udy__look *look = &f->cast->looks[i];
            const udy_shift_policy *p = look->policy;
            if (!p->survival || p->n_survival < 1) continue;
            if (bands)
                udy__panel_band(page, i + 1, "stairs", "time_s", "lo", "hi", -INFINITY,
                                look->colour, 0.12);
            else
                udy__panel_curve(page, i + 1, "stairs", "time_s", "value", look, 2, false);
        }
    if (!page->n_elements) udy__panel_blank(page);
    udy__panel_end(page);
}

static void add_hazard(udy__page *page, const falls *f, double top) {
    udy__panel_begin(page, (udy__box){LEFT, top, MIDDLE, top + ROW_HEIGHT},
                     "Early ends per second");
    udy__script_add_axis(&page->script, "x", &f->time);
    udy__script_add_axis(&page->script, "y", &f->hazard);
    udy__panel_axes(page, "Time (s)", "Early ends (1/s)");
    for (int i = 0; i < f->cast->n; i++) {
        const udy_shift_policy *p = f->cast->looks[i].policy;
        int n = 0;
        for (int k = 0; p->hazard && k < p->n_hazard; k++)
            n += p->hazard[k].steps > 0 && isfinite(p->hazard[k].hazard);
        if (n)
            udy__panel_curve(page, i + 1, "hazard", "time_s", "value", &f->cast->looks[i], 1.5,
                             n <= 25);
    }
    if (!page->n_elements) udy__panel_blank(page);
    udy__panel_end(page);
}

// A quantity over the last second; mean over falls.
static void add_before(udy__page *page, const falls *f, int q, double top) {
    double left = RIGHT_LEFT + q % 2 * (SMALL + SMALL_GAP);
    udy__panel_begin(page, (udy__box){left, top, left + SMALL, top + ROW_HEIGHT},
                     quantities[q].title);
    (q < 2 ? udy__script_add_bare_axis : udy__script_add_axis)(&page->script, "x", &f->before);
    if (q == ERROR && f->log_error)
        udy__script_add_log_axis(&page->script, "y", f->least_error, f->y[q].hi);
    else
        udy__script_add_axis(&page->script, "y", &f->y[q]);
    udy__panel_axes(page, q >= 2 ? "Time before the end (s)" : "", quantities[q].axis);
    for (int i = 0; i < f->cast->n; i++) {
        const udy_shift_policy *p = f->cast->looks[i].policy;
        int n = 0;
        for (int k = 0; k < n_before_of(p); k++) {
            double value = quantity_of(&p->before[k], q);
            n += isfinite(value) && (value > 0 || !(q == ERROR && f->log_error));
        }
        if (n)
            udy__panel_curve(page, i + 1, quantities[q].panel, "time_s", "value",
                             &f->cast->looks[i], 2, n <= 3);
    }
    if (!page->n_elements) {
        udy__panel_text(page, "no early end", "graph 0.5,0.5 center", "#666666");
        udy__panel_blank(page);
    }
    udy__panel_end(page);
}

int udy_figure_falls(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "falls", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    falls f = {.shift = shift, .cast = &cast};
    see(&f);
    char title[200], note[200], left_out[64];
    udy__cast_note(left_out, &cast);
    if (f.n_falls)
        snprintf(title, sizeof title, "When episodes end early, and the last second before%s",
                 left_out);
    else
        snprintf(title, sizeof title, "No episode ended early%s", left_out);
    snprintf(
        note, sizeof note,
        "Ended by the task: %d too low, %d too high, %d otherwise. Bands: 95 %% intervals over "
        "episodes; right: means over early ends",
        f.too_low, f.too_high, f.n_falls - f.too_low - f.too_high);
    int rows = udy__legend_rows(cast.n, cast.n_chars, WIDTH - LEFT - 20);
    double top = 66 + 40 + UDY__LEGEND_ROW * (rows - 1);
    udy__page page;
    udy__page_begin(&page, "falls", "time_s,value,lo,hi,episodes,falls,policy,label", title, note,
                    WIDTH, (int)(top + 2 * ROW_HEIGHT + ROW_GAP + 54));
    write_data(&page, &f);
    add_survival(&page, &f, top, rows);
    add_hazard(&page, &f, top + ROW_HEIGHT + ROW_GAP);
    for (int q = 0; q < 4; q++) add_before(&page, &f, q, top + q / 2 * (ROW_HEIGHT + ROW_GAP));
    return udy__page_draw(&page, dir, err);
}
