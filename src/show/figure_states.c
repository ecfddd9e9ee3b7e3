// Which torso heights and forward speeds each policy visits, and how far that is from the expert:
// distributions above, their Wasserstein distances to the expert's below, beside what two halves of
// the expert's own episodes differ by.
#include <math.h>
#include <stdio.h>

#include "show/figure.h"

// The two columns of the figure, which are the first two of a shift's columns.
typedef struct quantity {
    const char *panel, *distances;  // names in the data
    const char *axis, *distance_axis;
    double range[2];
    const double *(*density)(const udy_shift_policy *);
} quantity;

enum { HEIGHT, SPEED, N_QUANTITIES };

static const double *height_density(const udy_shift_policy *p) {
    return p->height_density;
}

static const double *speed_density(const udy_shift_policy *p) {
    return p->speed_density;
}

static void describe(quantity q[N_QUANTITIES], const udy_shift *shift) {
    q[HEIGHT] = (quantity){.panel = "height",
                           .distances = "height distance",
                           .axis = "Torso height (m)",
                           .distance_axis = "Wasserstein distance to the expert's heights (m)",
                           .range = {shift->height_range[0], shift->height_range[1]},
                           .density = height_density};
    q[SPEED] = (quantity){.panel = "speed",
                          .distances = "speed distance",
                          .axis = "Forward speed (m/s)",
                          .distance_axis = "Wasserstein distance to the expert's speeds (m/s)",
                          .range = {shift->speed_range[0], shift->speed_range[1]},
                          .density = speed_density};
}

// Has the policy a distribution to draw?
static bool has_density(const quantity *q, const udy_shift_policy *p) {
    const double *density = q->density(p);
    for (int b = 0; density && b < UDY_SHIFT_BINS; b++)
        if (isfinite(density[b])) return true;
    return false;
}

static bool range_is_fit(const quantity *q) {
    return isfinite(q->range[0]) && isfinite(q->range[1]) && q->range[0] < q->range[1];
}

static const udy_measure *distance_of(const udy_shift *shift, const udy_shift_policy *p,
                                      int which) {
    return p->columns && which < shift->n_columns ? &p->columns[which].wasserstein : NULL;
}

static void write_data(udy__page *page, const udy_shift *shift, const udy__cast *cast,
                       const quantity q[N_QUANTITIES]) {
    for (int k = 0; k < N_QUANTITIES; k++)
        for (int i = 0; i < cast->n; i++) {
            const udy_shift_policy *p = cast->looks[i].policy;
            const double *density = q[k].density(p);
            double width = (q[k].range[1] - q[k].range[0]) / UDY_SHIFT_BINS;
            for (int b = 0; density && b < UDY_SHIFT_BINS; b++) {
                const double x = q[k].range[0] + (b + 0.5) * width;
                const double values[] = {x, 100 * density[b], NAN, NAN, NAN, NAN, NAN, NAN};
                udy__page_row_of(page, cast, i, q[k].panel, values, 8);
            }
            const udy_measure *d = distance_of(shift, p, k);
            if (!d) continue;
            const double values[] = {NAN,      NAN,      cast->n - i, d->value,
                                     d->ci[0], d->ci[1], d->null[1],  d->p};
            udy__page_row_of(page, cast, i, q[k].distances, values, 8);
        }
}

//------------------------------------------ Panels ------------------------------------------------

typedef struct layout {
    double left[N_QUANTITIES], width;
    double top, middle, below;  // of the densities; where they end; where the distances begin
    int row;                    // pixels of a policy's row
    int height;
    bool root;  // densities on a square-root scale
} layout;

static double peak_of(const quantity *q, const udy_shift_policy *p) {
    const double *density = q->density(p);
    double peak = 0;
    for (int b = 0; density && b < UDY_SHIFT_BINS; b++)
        if (isfinite(density[b])) peak = fmax(peak, density[b]);
    return peak;
}

// Does somebody who lies still, all in one bin, dwarf the expert's distribution?
static bool needs_root(const udy__cast *cast, const quantity q[N_QUANTITIES]) {
    for (int k = 0; k < N_QUANTITIES; k++)
        for (int i = 1; i < cast->n; i++)
            if (peak_of(&q[k], cast->looks[i].policy) > 3 * peak_of(&q[k], cast->looks[0].policy))
                return true;
    return false;
}

static layout lay_out(const udy__cast *cast) {
    layout l = {.top = 66, .row = cast->n > 6 ? 20 : 26};
    double names = 14 + 44 + 7 * cast->n_chars;  // the legend's column
    l.left[HEIGHT] = fmax(names + 58, 190);
    l.width = (980 - l.left[HEIGHT] - 40) / 2;
    l.left[SPEED] = l.left[HEIGHT] + l.width + 40;
    l.middle = l.top + fmax(230, cast->n * UDY__LEGEND_ROW);
    l.below = l.middle + 74;
    l.height = (int)(l.below + l.row * (cast->n + 0.6) + 54);
    return l;
}

static void add_densities(udy__page *page, const layout *l, const udy__cast *cast,
                          const quantity *q, bool first) {
    udy__text *script = &page->script;
    double left = l->left[!first];
    udy__panel_begin(page, (udy__box){left, l->top, left + l->width, l->middle}, "");
    if (first) udy__page_legend(page, cast, 14, l->top + 12, 1, UDY__SAMPLE_LINE, NULL);
    udy__axis x = udy__axis_empty(), y = udy__axis_empty();
    udy__axis_see(&y, 0);
    for (int i = 0; i < cast->n; i++) {
        const double *density = q->density(cast->looks[i].policy);
        for (int b = 0; density && b < UDY_SHIFT_BINS; b++) udy__axis_see(&y, 100 * density[b]);
    }
    udy__axis_round(&y, 4);
    if (range_is_fit(q)) {
        udy__axis_see(&x, q->range[0]);
        udy__axis_see(&x, q->range[1]);
    }
    udy__axis_round(&x, 6);
    if (range_is_fit(q)) {
        x.lo = q->range[0];
        x.hi = q->range[1];
    }
    udy__script_add_axis(script, "x", &x);
    udy__script_add(script, l->root ? "  set nonlinear y via sqrt(y) inverse y*y\n" : "");
    udy__script_add_axis(script, "y", &y);
    udy__panel_axes(page, q->axis,
                    !first    ? ""
                    : l->root ? "% of states a bin (root scale)"
                              : "% of states a bin");
    // The expert's last, as a surface under its line: what the others are held against.
    for (int i = 0; i < cast->n; i++) {
        if (!has_density(q, cast->looks[i].policy) || !range_is_fit(q)) continue;
        if (cast->looks[i].kind == UDY__ROW_EXPERT) {
            udy__panel_element(page);
            udy__script_add(script,
                            "using (of(%d, '%s') ? column('x') : NaN):'percent' with filledcurves "
                            "y1=0 \\\n      fillstyle transparent solid 0.2 noborder "
                            "linecolor rgb '%s' notitle",
                            i + 1, q->panel, cast->looks[i].colour);
        }
        udy__panel_curve(page, i + 1, q->panel, "x", "percent", &cast->looks[i], 2, false);
    }
    if (!page->n_elements) {
        udy__panel_text(page, "not measured", "graph 0.5,0.5 center", "#666666");
        udy__panel_blank(page);
    }
    udy__panel_end(page);
}

// Names beside the rows, in the policies' order from above.
static void add_names(udy__page *page, const udy__cast *cast) {
    for (int i = 0; i < cast->n; i++) {
        char place[64];
        udy__format(place, sizeof place, "graph -0.02,first %d right", cast->n - i);
        udy__panel_text(page, cast->looks[i].label, place, UDY__COLOUR_INK);
    }
}

// A row a policy: value, interval. Behind them what the expert differs by from itself.
static void add_distances(udy__page *page, const udy_shift *shift, const layout *l,
                          const udy__cast *cast, const quantity *q, int which) {
    udy__text *script = &page->script;
    double below = l->below + l->row * (cast->n + 0.6);
    udy__panel_begin(page, (udy__box){l->left[which], l->below, l->left[which] + l->width, below},
                     "");
    udy__axis x = udy__axis_empty();
    udy__axis_see(&x, 0);
    for (int i = 0; i < cast->n; i++) {
        const udy_measure *d = distance_of(shift, cast->looks[i].policy, which);
        if (!d) continue;
        udy__axis_see(&x, d->value);
        udy__axis_see(&x, d->ci[1]);
        if (i == 0) udy__axis_see(&x, d->null[1]);
    }
    udy__axis_round(&x, 5);
    udy__script_add_axis(script, "x", &x);
    udy__script_add(script, "  set yrange [0.4:%g]\n  unset ytics\n  set grid xtics noytics\n",
                    cast->n + 0.6);
    udy__panel_axes(page, q->distance_axis, "");
    if (which == HEIGHT) add_names(page, cast);
    const udy_measure *null = distance_of(shift, cast->looks[0].policy, which);
    if (null && null->null[1] > 0 && isfinite(null->null[1]))
        udy__script_add(script,
                        "  set object rectangle from 0,graph 0 to %.12g,graph 1 behind "
                        "fillstyle solid 0.5 noborder fillcolor rgb '" UDY__COLOUR_NULL "'\n",
                        null->null[1]);
    for (int i = 0; i < cast->n; i++) {
        const udy_measure *d = distance_of(shift, cast->looks[i].policy, which);
        if (!d || !isfinite(d->value)) continue;
        const udy__look *look = &cast->looks[i];
        for (int bars = isfinite(d->ci[0]) && isfinite(d->ci[1]); bars >= 0; bars--) {
            udy__panel_element(page);
            udy__script_add(script,
                            "using (of(%d, '%s') ? column('value') : NaN):'row'%s \\\n"
                            "      with %s linecolor rgb '%s' linewidth 1.5 pointtype %d "
                            "pointsize %g * dot notitle",
                            i + 1, q->distances, bars ? ":'lo':'hi'" : "",
                            bars ? "xerrorbars" : "points", look->colour, look->point, look->size);
        }
    }
    if (!page->n_elements) udy__panel_blank(page);
    udy__panel_end(page);
}

int udy_figure_states(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "states", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    quantity q[N_QUANTITIES];
    describe(q, shift);
    layout l = lay_out(&cast);
    l.root = needs_root(&cast, q);
    char title[160], left_out[64];
    udy__cast_note(left_out, &cast);
    snprintf(title, sizeof title, "Heights and speeds that each policy meets%s", left_out);
    udy__page page;
    udy__page_begin(&page, "states", "x,percent,row,value,lo,hi,null,p,policy,label", title,
                    "Below: markers with 95 % intervals over episodes; "
                    "shaded: 95 % of random halves of the expert's own episodes",
                    1000, l.height);
    write_data(&page, shift, &cast, q);
    for (int k = 0; k < N_QUANTITIES; k++) {
        add_densities(&page, &l, &cast, &q[k], k == 0);
        add_distances(&page, shift, &l, &cast, &q[k], k);
    }
    return udy__page_draw(&page, dir, err);
}
