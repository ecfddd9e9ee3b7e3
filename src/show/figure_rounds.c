// How DAgger mends the shift, round by round: distance to the expert's states and to the
// demonstrations, states far from anything demonstrated, and the error of the actions on the
// policy's own and on the expert's states; BC and the expert as lines across, with their intervals.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "show/figure.h"

enum { WIDTH = 960, PANEL_WIDTH = 380, PANEL_HEIGHT = 210, LEFT = 76, GAP = 100, TOP = 118 };
enum { ENERGY, DISTANCE, FAR, ERROR, N_PANELS };

static const struct {
    const char *name, *title, *axis;
} panels[N_PANELS] = {
    {"energy", "Energy distance to the expert's states", "Standard deviations"},
    {"distance", "Distance to the nearest demonstrated state", "Standard deviations"},
    {"far", "States farther away than 95 % of the expert's", "Share of states (%)"},
    {"error", "Squared error of the action (hollow, thin: on the expert's states)",
     "Squared error"},
};

typedef struct rounds {
    const udy_shift *shift;
    const udy_shift_policy *expert, *bc;
    const udy_shift_policy **shown;  // [n_shown] DAgger's, by round
    int *number;                     // [n_shown]
    int n_shown;
    udy__axis y[N_PANELS];
    double least[N_PANELS];  // of the values above 0
    bool is_log[N_PANELS];   // logarithmic axes; the energy distance's is so beyond its null only
    double linear;           // its null
} rounds;

static udy_shift_value value_of(const udy_shift_policy *p, int which) {
    const udy_measure *energy = &p->joint.energy;
    switch (which) {
        case ENERGY: return (udy_shift_value){energy->value, {energy->ci[0], energy->ci[1]}};
        case DISTANCE: return p->distance;
        case FAR: return (udy_shift_value){100 * p->far, {NAN, NAN}};
        default: return p->error_own;
    }
}

static bool has_interval(udy_shift_value v) {
    return isfinite(v.value) && isfinite(v.ci[0]) && isfinite(v.ci[1]);
}

static int find_policies(rounds *r, udy_error *err) {
    int n = r->shift->n;
    r->shown = udy_alloc((size_t)n * sizeof(udy_shift_policy *));
    r->number = udy_alloc((size_t)n * sizeof *r->number);
    if (!r->shown || !r->number)
        return udy_error_set(err, UDY_ENOMEM, "figure rounds: out of memory");
    r->expert = &r->shift->policies[0];
    for (int i = 1; i < n; i++) {
        const udy_shift_policy *p = &r->shift->policies[i];
        int round;
        udy__row_kind kind = udy__kind_of_name(p->name, &round);
        if (kind == UDY__ROW_BC && !r->bc) r->bc = p;
        if (kind != UDY__ROW_ROUND) continue;
        int at = r->n_shown++;
        for (; at > 0 && r->number[at - 1] > round; at--) {
            r->number[at] = r->number[at - 1];
            r->shown[at] = r->shown[at - 1];
        }
        r->number[at] = round;
        r->shown[at] = p;
    }
    if (r->n_shown == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure rounds: none of the shift's %d policies is a DAgger round "
                             "(named dagger-0, dagger-1, ...)",
                             n);
    return UDY_OK;
}

static void see_value(rounds *r, int which, double value) {
    udy__axis_see(&r->y[which], value);
    if (value > 0) r->least[which] = fmin(r->least[which], value);
}

static void see(rounds *r) {
    for (int k = 0; k < N_PANELS; k++) {
        r->y[k] = udy__axis_empty();
        r->least[k] = INFINITY;
    }
    for (int i = -2; i < r->n_shown; i++) {
        const udy_shift_policy *p = i == -2 ? r->expert : i == -1 ? r->bc : r->shown[i];
        if (!p) continue;
        for (int k = 0; k < N_PANELS; k++) {
            udy_shift_value v = value_of(p, k);
            see_value(r, k, v.value);
            if (!has_interval(v)) continue;
            udy__axis_see(&r->y[k], v.ci[1]);
            if (k == ENERGY) udy__axis_see(&r->y[k], v.ci[0]);
        }
        see_value(r, ERROR, p->error_expert.value);
    }
    double null = r->expert->joint.energy.null[1];
    udy__axis_see(&r->y[ENERGY], null);
    r->linear = null > 0 && isfinite(null) ? null : r->y[ENERGY].hi / 100;
    for (int k = 0; k < N_PANELS; k++) {
        r->is_log[k] = k != FAR && isfinite(r->least[k]) && r->y[k].hi > 8 * r->least[k];
        if (k == ENERGY) r->is_log[k] = r->linear > 0 && r->y[k].hi > 20 * r->linear;
        if (r->is_log[k]) continue;
        udy__axis_see(&r->y[k], 0);
        udy__axis_round(&r->y[k], 4);
    }
    // Below 0 lies noise of the size of the null, whatever a wide interval says.
    if (r->is_log[ENERGY]) r->y[ENERGY].lo = -2 * r->linear;
}

//------------------------------------------ Data --------------------------------------------------

static void write_row(udy__page *page, int number, const char *panel, double round,
                      const udy_shift_policy *p, udy_shift_value v, double p_value) {
    const double values[] = {round,
                             v.value,
                             v.ci[0],
                             v.ci[1],
                             p_value,
                             (double)p->n,
                             p->has_labels ? (double)p->labels : NAN};
    const char *const texts[] = {p->name, p->label};
    udy__page_row(page, number, panel, values, 7, texts, 2);
}

// Number 1: the expert, 2: BC, 3: DAgger's rounds. The rows of a curve lie together, or gnuplot
// draws no line through them.
static void write_data(udy__page *page, const rounds *r) {
    for (int k = 0; k <= N_PANELS; k++)
        for (int i = -2; i < r->n_shown; i++) {
            const udy_shift_policy *p = i == -2 ? r->expert : i == -1 ? r->bc : r->shown[i];
            if (!p) continue;
            int number = i == -2 ? 1 : i == -1 ? 2 : 3;
            double round = i < 0 ? (double)NAN : (double)r->number[i];
            if (k < N_PANELS)
                write_row(page, number, panels[k].name, round, p, value_of(p, k),
                          k == ENERGY ? p->joint.energy.p : NAN);
            else
                write_row(page, number, "error on expert states", round, p, p->error_expert, NAN);
        }
}

//------------------------------------------ Panels ------------------------------------------------

// A policy without a round: a line across, its interval behind it.
static void add_level(udy__page *page, const rounds *r, const udy_shift_policy *p, int which,
                      const char *colour, const char *dash) {
    udy_shift_value v = value_of(p, which);
    bool log_axis = which != ENERGY && r->is_log[which];
    if (!isfinite(v.value) || (log_axis && !(v.value > 0))) return;
    double floor = log_axis ? r->least[which] / 2 : r->y[which].lo;
    if (has_interval(v) && v.ci[1] > v.ci[0])
        udy__script_add(&page->script,
                        "  set object rectangle from graph 0,first %.12g to graph 1,first %.12g "
                        "behind fillstyle transparent solid 0.15 noborder fillcolor rgb '%s'\n",
                        fmax(v.ci[0], floor), fmax(v.ci[1], floor), colour);
    udy__script_add(&page->script,
                    "  set arrow from graph 0,first %.12g to graph 1,first %.12g nohead back "
                    "linecolor rgb '%s' linewidth 2 dashtype %s\n",
                    v.value, v.value, colour, dash);
    if (which != ERROR || !isfinite(p->error_expert.value) ||
        (log_axis && !(p->error_expert.value > 0)))
        return;
    udy__script_add(&page->script,
                    "  set arrow from graph 0,first %.12g to graph 1,first %.12g nohead back "
                    "linecolor rgb '%s' linewidth 0.8 dashtype %s\n",
                    p->error_expert.value, p->error_expert.value, colour, dash);
}

// Does a panel have rounds to draw; with intervals? own: else the error on the expert's states.
static void count_rounds(const rounds *r, int which, bool own, int *n_values, int *n_intervals) {
    *n_values = *n_intervals = 0;
    for (int i = 0; i < r->n_shown; i++) {
        udy_shift_value v = own ? value_of(r->shown[i], which) : r->shown[i]->error_expert;
        bool drawn = isfinite(v.value) && (v.value > 0 || which == ENERGY || !r->is_log[which]);
        *n_values += drawn;
        *n_intervals += drawn && has_interval(v);
    }
}

static void add_rounds(udy__page *page, const rounds *r, int which, bool own) {
    int n_values, n_intervals;
    count_rounds(r, which, own, &n_values, &n_intervals);
    if (n_values == 0) return;
    udy__look look = {.dash = own ? "1" : "(3,3)", .point = own ? 13 : 12, .size = own ? 1.2 : 1.4};
    snprintf(look.colour, sizeof look.colour, "%s", UDY__COLOUR_DAGGER);
    const char *panel = own ? panels[which].name : "error on expert states";
    udy__panel_curve(page, 3, panel, "round", "value", &look, 1.8, true);
    if (n_intervals) udy__panel_marks(page, 3, panel, "round", "value", "lo", "hi", &look);
}

// Three names, the same in all panels.
static void add_legend(udy__page *page, const rounds *r) {
    udy__cast cast = {.n = r->bc ? 3 : 2};
    const udy_shift_policy *policies[3] = {r->shown[0], r->expert, r->bc};
    static const char *const colours[3] = {UDY__COLOUR_DAGGER, UDY__COLOUR_EXPERT, UDY__COLOUR_BC};
    static const char *const dashes[3] = {"1", "(14,3)", "(8,4)"};
    for (int i = 0; i < cast.n; i++) {
        udy__look *look = &cast.looks[i];
        look->policy = policies[i];
        const char *label = policies[i]->label[0] ? policies[i]->label : policies[i]->name;
        look->n_chars =
            udy__label_shorten(look->label, i == 0 ? "DAgger, by round" : label, UDY__LABEL_CHARS);
        cast.n_chars = look->n_chars > cast.n_chars ? look->n_chars : cast.n_chars;
        snprintf(look->colour, sizeof look->colour, "%s", colours[i]);
        look->dash = dashes[i];
        look->point = i == 0 ? 13 : 0;
        look->size = i == 0 ? 1.2 : 0;
    }
    udy__page_legend(page, &cast, LEFT, 66, WIDTH - 2 * LEFT, UDY__SAMPLE_LINE | UDY__SAMPLE_POINT,
                     NULL);
}

static void add_panel(udy__page *page, const rounds *r, int which) {
    udy__text *script = &page->script;
    double left = LEFT + which % 2 * (PANEL_WIDTH + GAP);
    double top = TOP + which / 2 * (PANEL_HEIGHT + 84);
    udy__panel_begin(page, (udy__box){left, top, left + PANEL_WIDTH, top + PANEL_HEIGHT},
                     panels[which].title);
    if (which == 0) add_legend(page, r);
    int first = r->number[0], last = r->number[r->n_shown - 1];
    udy__script_add(script, "  set xrange [%g:%g]\n", first - 0.5, last + 0.5);
    udy__script_add_count_axis(script, "x", first, last, 12, NULL, NULL);
    if (!r->is_log[which])
        udy__script_add_axis(script, "y", &r->y[which]);
    else if (which == ENERGY)
        udy__script_add_wide_axis(script, "y", r->y[which].lo, 1.3 * r->y[which].hi, r->linear);
    else
        udy__script_add_log_axis(script, "y", r->least[which], r->y[which].hi);
    udy__panel_axes(page, "DAgger round", panels[which].axis);
    double null = r->expert->joint.energy.null[1];
    if (which == ENERGY && null > 0 && isfinite(null))
        udy__script_add(script,
                        "  set object rectangle from graph 0,graph 0 to graph 1,first %.12g behind "
                        "fillstyle solid 0.45 noborder fillcolor rgb '" UDY__COLOUR_NULL "'\n",
                        null);
    add_level(page, r, r->expert, which, UDY__COLOUR_EXPERT, "(14,3)");
    if (r->bc) add_level(page, r, r->bc, which, UDY__COLOUR_BC, "(8,4)");
    add_rounds(page, r, which, true);
    if (which == ERROR) add_rounds(page, r, which, false);
    if (!page->n_elements) udy__panel_blank(page);
    udy__panel_end(page);
}

static int draw(const rounds *r, const char *dir, udy_error *err) {
    udy__page page;
    udy__page_begin(&page, "rounds", "round,value,lo,hi,p,episodes,labels,policy,label",
                    "How far from the expert DAgger's rounds are",
                    "Intervals: 95 % over episodes; shaded grey: 95 % of random halves of the "
                    "expert's own episodes",
                    WIDTH, TOP + 2 * PANEL_HEIGHT + 84 + 54);
    write_data(&page, r);
    for (int k = 0; k < N_PANELS; k++) add_panel(&page, r, k);
    return udy__page_draw(&page, dir, err);
}

int udy_figure_rounds(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;  // checks what is given
    int rc = udy__cast_make(&cast, "rounds", dir, shift, true, err);
    if (rc != UDY_OK) return rc;
    rounds r = {.shift = shift};
    rc = find_policies(&r, err);
    if (rc == UDY_OK) {
        see(&r);
        rc = draw(&r, dir, err);
    }
    udy_free(r.shown);
    udy_free(r.number);
    return rc;
}
