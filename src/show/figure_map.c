// A map of the states: where on the first two principal components of the expert's states each
// policy spends its time. In every panel a line around the cells that hold 95 % of the expert's,
// and how much of the policy's time is spent outside it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "show/figure.h"

enum { COLUMNS_MAX = 4, TOP = 92, BOTTOM = 56, LEFT = 66, RIGHT = 100, GAP = 14, BINS_MAX = 512 };
#define EXPERT_SHARE 0.95

typedef struct map {
    const udy_shift *shift;
    const udy__cast *cast;
    int bins, columns, rows;
    uint8_t
        *inside;  // [bins, bins] 1: among the cells that hold EXPERT_SHARE of the expert's states
    bool outlined;
    udy__axis x, y;
    double least, most;  // shares of a cell, %
} map;

static double cell_at(const map *m, int axis, double i) {
    const double *range = m->shift->map_range[axis];
    return range[0] + (range[1] - range[0]) * i / m->bins;
}

// A cell of the expert's; the line is drawn by its density with the neighbours', for a line without
// a speck at every cell that happens to be full or empty.
typedef struct cell {
    double share, smooth;
    int at;
} cell;

static int compare_falling(const void *a, const void *b) {
    const cell *x = a, *y = b;
    if (x->smooth != y->smooth) return x->smooth < y->smooth ? 1 : -1;
    return x->at - y->at;
}

static double smooth_at(const double *shares, int bins, int row, int column) {
    double sum = 0;
    for (int y = -1; y <= 1; y++)
        for (int x = -1; x <= 1; x++) {
            int r = row + y, c = column + x;
            if (r < 0 || r >= bins || c < 0 || c >= bins) continue;
            double share = shares[r * bins + c];
            if (share > 0 && isfinite(share)) sum += share * (2 - abs(y)) * (2 - abs(x));
        }
    return sum;
}

// The densest cells of the expert's until they hold enough.
static int find_outline(map *m, udy_error *err) {
    const double *expert = m->cast->looks[0].policy->map;
    int n = m->bins * m->bins;
    m->inside = udy_alloc((size_t)n);
    cell *cells = udy_alloc((size_t)n * sizeof *cells);
    if (!m->inside || !cells) {
        udy_free(cells);
        return udy_error_set(err, UDY_ENOMEM, "figure map: out of memory");
    }
    double sum = 0, held = 0;
    for (int c = 0; expert && c < n; c++) {
        cells[c] = (cell){.share = expert[c] > 0 && isfinite(expert[c]) ? expert[c] : 0,
                          .smooth = smooth_at(expert, m->bins, c / m->bins, c % m->bins),
                          .at = c};
        sum += cells[c].share;
    }
    qsort(cells, (size_t)n, sizeof *cells, compare_falling);
    for (int c = 0; c < n && held < EXPERT_SHARE * sum; c++) {
        held += cells[c].share;
        m->inside[cells[c].at] = 1;
    }
    m->outlined = sum > 0;
    udy_free(cells);
    return UDY_OK;
}

static double outside(const map *m, const double *shares) {
    double sum = 0, out = 0;
    for (int c = 0; c < m->bins * m->bins; c++) {
        double share = isfinite(shares[c]) ? shares[c] : 0;
        sum += share;
        out += m->inside[c] ? 0 : share;
    }
    return sum > 0 ? out / sum : NAN;
}

//------------------------------------------ Data --------------------------------------------------

// Is the cell inside the outline? Beyond the map nothing is.
static bool is_inside(const map *m, int row, int column) {
    return row >= 0 && row < m->bins && column >= 0 && column < m->bins &&
           m->inside[row * m->bins + column];
}

// An edge of a cell as a vector from x, y.
static void add_edge(udy__page *page, const map *m, int row, int column, bool upright) {
    const udy_shift_policy *expert = m->cast->looks[0].policy;
    double x = cell_at(m, 0, column), y = cell_at(m, 1, row);
    const double values[] = {x, y, NAN, upright ? 0 : cell_at(m, 0, column + 1) - x,
                             upright ? cell_at(m, 1, row + 1) - y : 0};
    const char *const texts[] = {expert->name, expert->label};
    udy__page_row(page, 0, "outline", values, 5, texts, 2);
}

// Cells with something in them, then the outline: an edge wherever inside meets outside.
static void write_data(udy__page *page, const map *m) {
    for (int i = 0; i < m->cast->n; i++) {
        const double *shares = m->cast->looks[i].policy->map;
        for (int c = 0; shares && c < m->bins * m->bins; c++) {
            if (!(shares[c] > 0) || !isfinite(shares[c])) continue;
            const double values[] = {cell_at(m, 0, c % m->bins + 0.5),
                                     cell_at(m, 1, c / m->bins + 0.5), 100 * shares[c], NAN, NAN};
            udy__page_row_of(page, m->cast, i, "cell", values, 5);
        }
    }
    for (int row = 0; m->outlined && row <= m->bins; row++)
        for (int column = 0; column <= m->bins; column++) {
            bool here = is_inside(m, row, column);
            if (here != is_inside(m, row, column - 1)) add_edge(page, m, row, column, true);
            if (here != is_inside(m, row - 1, column)) add_edge(page, m, row, column, false);
        }
}

//------------------------------------------ Panels ------------------------------------------------

static void see(map *m) {
    m->least = INFINITY;
    m->most = 0;
    m->x = m->y = udy__axis_empty();  // of the cells with something in them: the map may be wider
    for (int i = 0; i < m->cast->n; i++) {
        const double *shares = m->cast->looks[i].policy->map;
        for (int c = 0; shares && c < m->bins * m->bins; c++) {
            if (!(shares[c] > 0) || !isfinite(shares[c])) continue;
            m->least = fmin(m->least, 100 * shares[c]);
            m->most = fmax(m->most, 100 * shares[c]);
            for (int edge = 0; edge < 2; edge++) {
                udy__axis_see(&m->x, cell_at(m, 0, c % m->bins + edge));
                udy__axis_see(&m->y, cell_at(m, 1, c / m->bins + edge));
            }
        }
    }
    udy__axis_round_tight(&m->x, 7);
    udy__axis_round_tight(&m->y, 7);
}

// Light yellow to navy: lightness falls all the way, so that it holds in greyscale and for the
// colour-blind (ColorBrewer's YlGnBu).
static const char palette[] =
    "  set palette defined (0 '#E9EFA9', 1 '#C7E9B4', 2 '#7FCDBB', 3 '#41B6C4', 4 '#1D91C0', \\\n"
    "    5 '#225EA8', 6 '#253494', 7 '#081D58')\n";

static void set_colours(udy__page *page, const map *m, double bottom) {
    double W = page->width, H = page->height;
    udy__text *script = &page->script;
    udy__text_puts(script, palette);
    // At least two decades, so that the ticks read well.
    udy__script_add_log_axis(script, "cb", fmin(m->least, m->most / 100), m->most);
    udy__script_add(script,
                    "  set colorbox vertical user origin screen %.6g,%.6g size screen %.6g,%.6g "
                    "noborder\n  set cbtics font small scale 0.5\n",
                    (W - RIGHT + 16) / W, 1 - bottom / H, 14 / W, (bottom - TOP) / H);
    char place[96];
    udy__format(place, sizeof place, "screen %.6g,%.6g center rotate by 90", (W - 14) / W,
                1 - (bottom + TOP) / 2 / H);
    udy__panel_text(page, "Share of states in a cell (%)", place, UDY__COLOUR_INK);
}

// A little larger than they are: no seams between neighbours.
static void add_cells(udy__page *page, const map *m, int i) {
    double width = cell_at(m, 0, 1) - cell_at(m, 0, 0);
    double height = cell_at(m, 1, 1) - cell_at(m, 1, 0);
    udy__panel_element(page);
    udy__script_add(&page->script,
                    "using (of(%d, 'cell') ? column('x') : NaN):'y':(%.9g):(%.9g):'percent' \\\n"
                    "      with boxxyerror fillstyle solid noborder linecolor palette notitle",
                    i + 1, 0.52 * width, 0.52 * height);
}

static void add_panel(udy__page *page, const map *m, int i, double size) {
    const udy_shift_policy *p = m->cast->looks[i].policy;
    int column = i % m->columns, row = i / m->columns;
    double left = LEFT + column * (size + GAP), top = TOP + row * (size + 46);
    udy__panel_begin(page, (udy__box){left, top, left + size, top + size}, "");
    double share = p->map ? outside(m, p->map) : NAN;
    char label[UDY__LABEL_SIZE];
    udy__label_shorten(label, m->cast->looks[i].label, m->columns > 3 ? 27 : UDY__LABEL_CHARS);
    udy__panel_text(page, label, "graph 0.5,1 center offset 0,1.7", UDY__COLOUR_INK);
    if (m->outlined && isfinite(share)) {
        char words[48];
        udy__format(words, sizeof words, "%.*f %% outside", share < 0.0995 ? 1 : 0, 100 * share);
        udy__panel_text(page, words, "graph 0.5,1 center offset 0,0.6", "#666666");
    }
    bool lowest = i + m->columns >= m->cast->n;
    (lowest ? udy__script_add_axis : udy__script_add_bare_axis)(&page->script, "x", &m->x);
    (column ? udy__script_add_bare_axis : udy__script_add_axis)(&page->script, "y", &m->y);
    udy__panel_axes(page, lowest ? "Component 1" : "", column ? "" : "Component 2");
    udy__script_add(&page->script, "  set border 15\n  set grid noxtics noytics\n");
    if (i == 0)
        set_colours(page, m, TOP + m->rows * (size + 46) - 46);
    else
        udy__script_add(&page->script, "  unset colorbox\n  set logscale cb 10\n");
    if (isfinite(share))
        add_cells(page, m, i);
    else
        udy__panel_text(page, "no states", "graph 0.5,0.5 center", "#666666");
    if (m->outlined) {
        udy__panel_element(page);
        udy__text_puts(&page->script,
                       "using (of(0, 'outline') ? column('x') : NaN):'y':'dx':'dy' \\\n"
                       "      with vectors nohead linecolor rgb 'black' linewidth 1 notitle");
    }
    if (!page->n_elements) udy__panel_blank(page);
    udy__panel_end(page);
}

static int check(const map *m, udy_error *err) {
    if (m->bins < 1 || m->bins > BINS_MAX)
        return udy_error_set(err, UDY_EINVAL, "figure map: %d cells a side, expected 1 to %d",
                             m->bins, BINS_MAX);
    for (int k = 0; k < 2; k++) {
        const double *range = m->shift->map_range[k];
        if (!isfinite(range[0]) || !isfinite(range[1]) || range[0] >= range[1])
            return udy_error_set(err, UDY_EINVAL,
                                 "figure map: component %d ranges from %g to %g: there is no map "
                                 "where the expert's states do not vary",
                                 k + 1, range[0], range[1]);
    }
    return UDY_OK;
}

int udy_figure_map(const char *dir, const udy_shift *shift, udy_error *err) {
    udy__cast cast;
    int rc = udy__cast_make(&cast, "map", dir, shift, false, err);
    if (rc != UDY_OK) return rc;
    map m = {.shift = shift, .cast = &cast, .bins = shift->config.map_bins};
    rc = check(&m, err);
    if (rc == UDY_OK) rc = find_outline(&m, err);
    if (rc == UDY_OK) {
        see(&m);
        if (!(m.most > 0))
            rc = udy_error_set(err, UDY_EINVAL,
                               "figure map: no state of the %d policies lies on the map", cast.n);
    }
    if (rc == UDY_OK) {
        m.rows = (cast.n + COLUMNS_MAX - 1) / COLUMNS_MAX;
        m.columns = (cast.n + m.rows - 1) / m.rows;
        double size = fmin(260, (1000.0 - LEFT - RIGHT + GAP) / m.columns - GAP);
        char title[200], note[240], left_out[64];
        udy__cast_note(left_out, &cast);
        snprintf(title, sizeof title, "Where the policies are, on a map of the expert's states%s",
                 left_out);
        udy__format(
            note, sizeof note,
            "Inside the black line: the cells that hold 95 %% of the expert's states. Axes: the "
            "first principal components (%.2g and %.2g %% of the variance)",
            100 * shift->map_share[0], 100 * shift->map_share[1]);
        udy__page page;
        udy__page_begin(&page, "map", "x,y,percent,dx,dy,policy,label", title, note,
                        (int)(LEFT + m.columns * (size + GAP) - GAP + RIGHT),
                        (int)(TOP + m.rows * (size + 46) - 46 + BOTTOM));
        write_data(&page, &m);
        for (int i = 0; i < cast.n; i++) add_panel(&page, &m, i, size);
        rc = udy__page_draw(&page, dir, err);
    }
    udy_free(m.inside);
    return rc;
}
