// How the cost of imitation grows with the horizon: what a policy loses against the expert up to
// step T, on logarithmic axes, with the fitted power law of each; slopes 1 and 2, which theory
// promises to DAgger and warns cloning of, beside them.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

enum { WIDTH = 860, LEFT = 84, RIGHT = 836, PANEL_HEIGHT = 380 };

typedef struct compounding {
    const udy_shift *shift;
    const udy__cast *cast;
    double T_lo, T_hi, lo, hi;
} compounding;

// The cost of policy i at horizon t, where logarithmic axes can show it.
static bool cost_of(const compounding *c, int i, int t, double *cost) {
    const double *costs = c->cast->looks[i].policy->cost;
    *cost = costs ? costs[t] : NAN;
    return *cost > 0 && isfinite(*cost) && c->shift->T[t] > 0;
}

static bool is_fitted(const udy_exponent *e) {
    return e->status != UDY_FIT_NONE && isfinite(e->k) && e->c > 0 && isfinite(e->c);
}

static double fit_at(const udy_exponent *e, double T) {
    return e->c * pow(T, e->k);
}

static int see(compounding *c, udy_error *err) {
    c->T_lo = c->lo = INFINITY;
    c->T_hi = c->hi = 0;
    int n_costs = 0;
    for (int i = 0; i < c->cast->n; i++)
        for (int t = 0; c->shift->T && t < c->shift->n_T; t++) {
            double cost;
            if (!cost_of(c, i, t, &cost)) continue;
            n_costs++;
            c->T_lo = fmin(c->T_lo, c->shift->T[t]);
            c->T_hi = fmax(c->T_hi, c->shift->T[t]);
            c->lo = fmin(c->lo, cost);
            c->hi = fmax(c->hi, cost);
        }
    if (n_costs == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure compounding: none of the %d policies loses anything against "
                             "the expert at any of the %d horizons",
                             c->cast->n, c->shift->n_T);
    c->lo = fmax(c->lo, c->hi * 1e-6);  // a cost of nearly nothing is left out of sight
    return UDY_OK;
}

static void write_data(udy__page *page, const compounding *c) {
    for (int i = 0; i < c->cast->n; i++) {
        const udy_shift_policy *p = c->cast->looks[i].policy;
        const udy_exponent *e = &p->exponent;
        for (int t = 0; p->cost && t < c->shift->n_T; t++) {
            double T = c->shift->T[t];
            bool used = is_fitted(e) && t >= e->first;
            const double values[] = {T, T * c->shift->dt, p->cost[t], used ? fit_at(e, T) : NAN};
            udy__page_row_of(page, c->cast, i, "cost", values, 4);
        }
    }
}

static void describe_fit(char out[UDY__LEGEND_TEXT], const udy__look *look) {
    const udy_exponent *e = &look->policy->exponent;
    if (!is_fitted(e))
        udy__format(out, UDY__LEGEND_TEXT, "%s: no power law", look->label);
    else if (e->has_ci)
        udy__format(out, UDY__LEGEND_TEXT, "%s: exponent %.2f (%.2f to %.2f)", look->label, e->k,
                    e->ci[0], e->ci[1]);
    else
        udy__format(out, UDY__LEGEND_TEXT, "%s: exponent %.2f (no interval)", look->label, e->k);
}

// What the slopes 1 and 2 look like: two lines from one place at the upper left, which costs that
// grow leave free.
static void add_slopes(udy__page *page, const compounding *c) {
    const double reach = 3, end = c->T_lo * reach, from = c->hi / (reach * reach);
    for (int k = 1; k <= 2; k++) {
        double top = from * pow(reach, k);
        udy__script_add(&page->script,
                        "  set arrow from %.9g,%.9g to %.9g,%.9g nohead back "
                        "linecolor rgb '#8A8A8A' linewidth 1\n",
                        c->T_lo, from, end, top);
        char words[32], place[96];
        snprintf(words, sizeof words, "slope %d", k);
        udy__format(place, sizeof place, "%.9g,%.9g left offset 0.5,0", end, top);
        udy__panel_text(page, words, place, "#666666");
    }
}

static void add_policies(udy__page *page, const compounding *c) {
    for (int i = 0; i < c->cast->n; i++) {
        const udy__look *look = &c->cast->looks[i];
        const udy_exponent *e = &look->policy->exponent;
        int n_shown = 0, n_fit = 0;
        double cost;
        for (int t = 0; c->shift->T && t < c->shift->n_T; t++) {
            n_shown += cost_of(c, i, t, &cost);
            n_fit += look->policy->cost && is_fitted(e) && t >= e->first;
        }
        if (n_fit >= 2) udy__panel_curve(page, i + 1, "cost", "T", "fit", look, 1.5, false);
        if (n_shown == 0) continue;
        udy__panel_element(page);
        udy__script_add(&page->script,
                        "using (of(%d, 'cost') && column('cost') > 0 ? column('T') : NaN):'cost' "
                        "\\\n      with points linecolor rgb '%s' linewidth 1.5 pointtype %d "
                        "pointsize %g * dot notitle",
                        i + 1, look->colour, look->point, 1.2 * look->size);
    }
}

int udy_figure_compounding(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "compounding", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    compounding c = {.shift = shift, .cast = &cast};
    rc = see(&c, err);
    if (rc != UDY_OK) return rc;
    char title[200], left_out[64], texts[UDY__CAST_MAX][UDY__LEGEND_TEXT];
    udy__cast_note(left_out, &cast);
    snprintf(title, sizeof title, "What imitation costs, by the length of the episode%s", left_out);
    for (int i = 0; i < cast.n; i++) describe_fit(texts[i], &cast.looks[i]);
    int rows = udy__legend_rows(cast.n, cast.n_chars + 30, RIGHT - LEFT);
    double top = 66 + UDY__LEGEND_ROW * rows;
    udy__page page;
    udy__page_begin(&page, "compounding", "T,seconds,cost,fit,policy,label", title,
                    "Markers: measured; lines: the power law fitted, its exponent with a 95 % "
                    "interval over episodes",
                    WIDTH, (int)(top + PANEL_HEIGHT + 54));
    write_data(&page, &c);
    udy__panel_begin(&page, (udy__box){LEFT, top, RIGHT, top + PANEL_HEIGHT}, "");
    udy__page_legend(&page, &cast, LEFT, 66, RIGHT - LEFT, UDY__SAMPLE_LINE | UDY__SAMPLE_POINT,
                     (const char(*)[UDY__LEGEND_TEXT])texts);
    bool one = c.T_lo == c.T_hi;  // a range of its own
    udy__script_add_log_axis(&page.script, "x", one ? c.T_lo / 2 : c.T_lo,
                             one ? c.T_hi * 2 : c.T_hi);
    udy__script_add_log_axis(&page.script, "y", fmin(c.lo, c.hi / 15), c.hi);
    udy__panel_axes(&page, "Horizon T (control steps)", "Return lost against the expert up to T");
    add_slopes(&page, &c);
    add_policies(&page, &c);
    udy__panel_end(&page);
    return udy__page_draw(&page, dir, err);
}
