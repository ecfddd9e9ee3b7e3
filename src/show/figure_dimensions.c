// Which dimensions of the state a policy shifts: for every column of the observation (height and
// speed first, then from the most shifted on) each policy's Wasserstein distance to the expert, in
// standard deviations of the demonstrations, beside what the expert differs by from itself.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "show/figure.h"

enum { ROWS_MAX = 48, N_FIRST = 2, ROW_HEIGHT = 17, WIDTH = 900 };

typedef struct row {
    int column;
    double most;  // of the policies' distances
} row;

typedef struct dimensions {
    const udy_shift *shift;
    const udy__cast *cast;
    row *rows;  // [n_known] in the order of the figure
    int n_known, n;
    double least, most;  // of the axis; what is less is drawn at its lower end
} dimensions;

// The distance of policy i in a column, in standard deviations; false where there is none.
static bool measure_of(const dimensions *d, int i, int column, udy_measure *out) {
    const udy_shift_policy *p = d->cast->looks[i].policy;
    double std = d->shift->column_std[column];
    if (!p->columns || !(std > 0) || !isfinite(std)) return false;
    *out = p->columns[column].wasserstein;
    out->value /= std;
    for (int k = 0; k < 2; k++) {
        out->ci[k] /= std;
        out->null[k] /= std;
    }
    return isfinite(out->value);
}

static int compare_rows(const void *a, const void *b) {
    const row *x = a, *y = b;
    bool x_first = x->column < N_FIRST, y_first = y->column < N_FIRST;
    if (x_first != y_first) return x_first ? -1 : 1;
    if (!x_first && x->most != y->most) return x->most > y->most ? -1 : 1;
    return x->column - y->column;
}

static int choose_rows(dimensions *d, udy_error *err) {
    if (d->shift->n_columns < 1 || !d->shift->column_std || !d->shift->column_name)
        return udy_error_set(err, UDY_EINVAL, "figure dimensions: the shift has no columns");
    d->rows = udy_alloc((size_t)d->shift->n_columns * sizeof *d->rows);
    if (!d->rows) return udy_error_set(err, UDY_ENOMEM, "figure dimensions: out of memory");
    for (int c = 0; c < d->shift->n_columns; c++) {
        row r = {.column = c, .most = -INFINITY};
        for (int i = 0; i < d->cast->n; i++) {
            udy_measure m;
            if (measure_of(d, i, c, &m)) r.most = fmax(r.most, m.value);
        }
        if (isfinite(r.most)) d->rows[d->n_known++] = r;
    }
    if (d->n_known == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure dimensions: in none of the %d columns is a distance known",
                             d->shift->n_columns);
    qsort(d->rows, (size_t)d->n_known, sizeof *d->rows, compare_rows);
    d->n = d->n_known < ROWS_MAX ? d->n_known : ROWS_MAX;
    return UDY_OK;
}

// From the least distance drawn, but for what would stretch the axis beyond three and a half
// decades.
static void see(dimensions *d) {
    d->least = INFINITY;
    d->most = 0;
    for (int r = 0; r < d->n; r++)
        for (int i = 0; i < d->cast->n; i++) {
            udy_measure m;
            if (!measure_of(d, i, d->rows[r].column, &m)) continue;
            if (m.value > 0) d->least = fmin(d->least, m.value);
            d->most = fmax(d->most, m.value);
            if (i == 0 && m.null[1] > 0 && isfinite(m.null[1])) d->most = fmax(d->most, m.null[1]);
        }
    if (!(d->most > 0)) d->most = 1;  // nothing differs
    d->least = fmax(fmin(d->least, d->most / 10), d->most / 3000);
}

// Rows from below, as they are drawn; those that are not have none.
static void write_data(udy__page *page, const dimensions *d) {
    for (int i = 0; i < d->cast->n; i++)
        for (int r = 0; r < d->n_known; r++) {
            int c = d->rows[r].column;
            const udy_shift_policy *p = d->cast->looks[i].policy;
            udy_measure m;
            if (!measure_of(d, i, c, &m)) continue;
            const double values[] = {
                r < d->n ? (double)(d->n - r) : NAN, m.value, m.ci[0], m.ci[1], m.null[1], m.p,
                p->columns[c].wasserstein.value};
            const char *const texts[] = {p->name, p->label, d->shift->column_name[c],
                                         d->shift->column_unit ? d->shift->column_unit[c] : ""};
            udy__page_row(page, i + 1, "column", values, 7, texts, 4);
        }
}

//------------------------------------------ Panel -------------------------------------------------

static void add_names(udy__page *page, const dimensions *d) {
    udy__script_add(&page->script, "  set ytics scale 0 (");
    for (int r = 0; r < d->n; r++) udy__script_add(&page->script, "%s'' %d", r ? ", " : "", r + 1);
    udy__script_add(&page->script, ")\n  set yrange [0.3:%g]\n", d->n + 0.7);
    for (int r = 0; r < d->n; r++) {
        char name[UDY__LABEL_SIZE], place[64];
        udy__label_shorten(name, d->shift->column_name[d->rows[r].column], UDY__LABEL_CHARS);
        udy__format(place, sizeof place, "graph -0.012,first %d right", d->n - r);
        udy__panel_text(page, name, place, UDY__COLOUR_INK);
    }
}

static bool has_null(const dimensions *d) {
    for (int r = 0; r < d->n; r++) {
        udy_measure m;
        if (measure_of(d, 0, d->rows[r].column, &m) && m.null[1] > d->least) return true;
    }
    return false;
}

static void add_elements(udy__page *page, const dimensions *d) {
    if (has_null(d)) {
        udy__panel_element(page);
        udy__script_add(
            &page->script,
            "using (of(1, 'column') && column('null_sd') > least ? least : NaN):'row':\\\n"
            "      (least / 10):'null_sd':(column('row') - 0.5):(column('row') + 0.5) \\\n"
            "      with boxxyerror fillstyle solid 0.45 noborder linecolor rgb '" UDY__COLOUR_NULL
            "' notitle");
    }
    for (int i = 0; i < d->cast->n; i++) {
        bool any = false;
        udy_measure m;
        for (int r = 0; r < d->n; r++) any = any || measure_of(d, i, d->rows[r].column, &m);
        if (!any) continue;
        const udy__look *look = &d->cast->looks[i];
        udy__panel_element(page);
        udy__script_add(
            &page->script,
            "using (of(%d, 'column') ? at_least(column('distance_sd')) : NaN):'row' \\\n"
            "      with points linecolor rgb '%s' linewidth 1.5 pointtype %d "
            "pointsize %g * dot notitle",
            i + 1, look->colour, look->point, 0.9 * look->size);
    }
}

static void draw(udy__page *page, const dimensions *d, double left, double top, double bottom) {
    udy__script_add(&page->script,
                    "  # The axis is logarithmic: what is less than its lower end is drawn there.\n"
                    "  least = %.9g\n  at_least(v) = v < least ? least : v\n",
                    d->least);
    udy__panel_begin(page, (udy__box){left, top, WIDTH - 24, bottom}, "");
    udy__page_legend(page, d->cast, 30, 66, WIDTH - 60, UDY__SAMPLE_POINT, NULL);
    udy__script_add_log_axis(&page->script, "x", d->least, d->most);
    udy__panel_axes(page, "Wasserstein distance to the expert (standard deviations)", "");
    add_names(page, d);
    udy__script_add(&page->script, "  set grid xtics ytics\n");
    add_elements(page, d);
    udy__panel_end(page);
}

int udy_figure_dimensions(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "dimensions", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    dimensions d = {.shift = shift, .cast = &cast};
    rc = choose_rows(&d, err);
    if (rc == UDY_OK) {
        see(&d);
        char title[200], left_out[64], some[64] = "";
        udy__cast_note(left_out, &cast);
        if (d.n < d.n_known)
            snprintf(some, sizeof some, ": the %d most shifted of %d", d.n, d.n_known);
        snprintf(title, sizeof title, "Which parts of the state shift%s%s", some, left_out);
        int chars = 0;
        for (int r = 0; r < d.n; r++) {
            char name[UDY__LABEL_SIZE];
            int n =
                udy__label_shorten(name, shift->column_name[d.rows[r].column], UDY__LABEL_CHARS);
            chars = n > chars ? n : chars;
        }
        double top = 66 + UDY__LEGEND_ROW * udy__legend_rows(cast.n, cast.n_chars, WIDTH - 60);
        double bottom = top + ROW_HEIGHT * (d.n + 0.4);
        udy__page page;
        udy__page_begin(
            &page, "dimensions",
            "row,distance_sd,lo_sd,hi_sd,null_sd,p,distance,policy,label,column,unit", title,
            "Height and speed, then by the largest distance; shaded: 95 % of random halves "
            "of the expert's own episodes",
            WIDTH, (int)(bottom + 54));
        write_data(&page, &d);
        draw(&page, &d, 24 + 7.2 * chars, top, bottom);
        rc = udy__page_draw(&page, dir, err);
    }
    udy_free(d.rows);
    return rc;
}
