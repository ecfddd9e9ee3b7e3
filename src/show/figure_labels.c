// What labels buy: return against the expert labels that a policy was trained on, BC and DAgger's
// rounds on one axis, with the expert's level and 90 % of it, and how many labels each needed for
// that.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

enum { WIDTH = 860, LEFT = 84, RIGHT = 836, TOP = 132, PANEL_HEIGHT = 360 };
#define ENOUGH 0.9  // of the expert's mean

// What the figure tells apart; DAgger's best round on fresh episodes is a point of its own, around
// and so drawn before that of its round.
enum { BC, BEST, DAGGER, N_KINDS };

static const struct {
    const char *panel, *name, *colour, *dash;
    int point;
    double size;
} kinds[N_KINDS] = {
    {"bc", "BC", UDY__COLOUR_BC, "(8,4)", 9, 1.4},
    {"best", "DAgger's best round, on fresh episodes", UDY__COLOUR_DAGGER, "1", 6, 2.2},
    {"dagger", "DAgger, by round", UDY__COLOUR_DAGGER, "1", 13, 1.3},
};

typedef struct labels {
    const udy_results *results;
    const udy_result_row *expert;  // Nullable
    int n[N_KINDS], n_intervals[N_KINDS];
    udy__axis x, y;
} labels;

static bool has_interval(const udy_result_row *row) {
    return isfinite(row->ci95[0]) && isfinite(row->ci95[1]);
}

// The kind of a row that is drawn, or -1. Clones of other numbers of episodes are called bc-10 or
// alike.
static int kind_of(const udy_result_row *row) {
    if (row->labels == 0 || !isfinite(row->mean)) return -1;
    int round;
    switch (udy__row_kind_of(row, &round)) {
        case UDY__ROW_BC: return BC;
        case UDY__ROW_ROUND: return DAGGER;
        case UDY__ROW_BEST: return BEST;
        case UDY__ROW_OTHER: return strncmp(row->name, "bc-", 3) == 0 ? BC : -1;
        default: return -1;
    }
}

static void see(labels *l) {
    l->x = l->y = udy__axis_empty();
    udy__axis_see(&l->x, 0);
    udy__axis_see(&l->y, 0);
    l->expert = udy__find_row(l->results, UDY__ROW_EXPERT);
    if (l->expert && !isfinite(l->expert->mean)) l->expert = NULL;
    if (l->expert) udy__axis_see(&l->y, l->expert->mean);
    for (int i = 0; i < l->results->n_rows; i++) {
        const udy_result_row *row = &l->results->rows[i];
        int kind = kind_of(row);
        if (kind < 0) continue;
        l->n[kind]++;
        l->n_intervals[kind] += has_interval(row);
        udy__axis_see(&l->x, (double)row->labels);
        udy__axis_see(&l->y, row->mean);
        udy__axis_see(&l->y, row->ci95[0]);
        udy__axis_see(&l->y, row->ci95[1]);
    }
    udy__axis_round(&l->x, 8);
    udy__axis_round(&l->y, 6);
}

// The row of a kind that comes after `last` by labels (NULL: the first), so that curves run
// forwards.
static const udy_result_row *next_by_labels(const udy_results *results, int kind,
                                            const udy_result_row *last) {
    const udy_result_row *next = NULL;
    for (int i = 0; i < results->n_rows; i++) {
        const udy_result_row *row = &results->rows[i];
        if (kind_of(row) != kind) continue;
        bool after =
            !last || row->labels > last->labels || (row->labels == last->labels && row > last);
        if (after && (!next || row->labels < next->labels)) next = row;
    }
    return next;
}

static void write_data(udy__page *page, const labels *l) {
    for (int k = 0; k < N_KINDS; k++)
        for (const udy_result_row *row = NULL; (row = next_by_labels(l->results, k, row));) {
            int round;
            bool is_round = udy__row_kind_of(row, &round) == UDY__ROW_ROUND;
            const double values[] = {(double)row->labels,
                                     row->mean,
                                     row->ci95[0],
                                     row->ci95[1],
                                     row->share,
                                     row->n,
                                     is_round ? (double)round : (double)NAN};
            const char *const texts[] = {row->name, row->label};
            udy__page_row(page, k + 1, kinds[k].panel, values, 7, texts, 2);
        }
    if (!l->expert) return;
    const udy_result_row *e = l->expert;
    const double values[] = {NAN, e->mean, e->ci95[0], e->ci95[1], e->share, e->n, NAN};
    const char *const texts[] = {e->name, e->label};
    udy__page_row(page, N_KINDS + 1, "expert", values, 7, texts, 2);
}

// "BC: 90 % of the expert with 49.2k labels".
static void describe(char out[UDY__LEGEND_TEXT], const labels *l, int kind) {
    snprintf(out, UDY__LEGEND_TEXT, "%s", kinds[kind].name);
    if (kind == BEST || !l->expert || !(l->expert->mean > 0)) return;
    char words[32];
    const udy_result_row *row = NULL, *most = NULL;
    while ((row = next_by_labels(l->results, kind, row)) && row->mean < ENOUGH * l->expert->mean)
        most = row;
    udy__format_short(words, (double)(row ? row->labels : most->labels));
    snprintf(out, UDY__LEGEND_TEXT,
             row ? "%s: 90 %% of the expert with %s labels"
                 : "%s: less than 90 %% of the expert with %s labels",
             kinds[kind].name, words);
}

static void add_legend(udy__page *page, const labels *l) {
    udy__cast cast = {0};
    char texts[N_KINDS][UDY__LEGEND_TEXT];
    static const int order[N_KINDS] = {BC, DAGGER, BEST};
    for (int i = 0; i < N_KINDS; i++) {
        int k = order[i];
        if (l->n[k] == 0) continue;
        udy__look *look = &cast.looks[cast.n];
        snprintf(look->colour, sizeof look->colour, "%s", kinds[k].colour);
        look->dash = kinds[k].dash;
        look->point = kinds[k].point;
        look->size = kinds[k].size;
        describe(texts[cast.n++], l, k);
    }
    udy__page_legend(page, &cast, LEFT, 66, RIGHT - LEFT, UDY__SAMPLE_POINT,
                     (const char(*)[UDY__LEGEND_TEXT])texts);
}

static void add_level(udy__page *page, const labels *l, double level, const char *dash,
                      const char *words) {
    udy__script_add(&page->script,
                    "  set arrow from graph 0,first %.12g to graph 1,first %.12g nohead back "
                    "linecolor rgb '" UDY__COLOUR_EXPERT "' linewidth 1.8 dashtype %s\n",
                    level, level, dash);
    char place[96];
    udy__format(place, sizeof place, "%.12g,%.12g left offset 0.5,0.5", l->x.lo, level);
    udy__panel_text(page, words, place, UDY__COLOUR_EXPERT);
}

static void add_expert(udy__page *page, const labels *l) {
    if (!l->expert) return;
    add_level(page, l, l->expert->mean, "1", udy__row_label(l->expert));
    if (l->expert->mean > 0) add_level(page, l, ENOUGH * l->expert->mean, "(3,4)", "90 %");
}

int udy_figure_labels(const char *dir, const udy_results *results, udy_error *err) {
    if (!dir || !results)
        return udy_error_set(err, UDY_EINVAL, "figure labels: no folder or no results given");
    labels l = {.results = results};
    see(&l);
    if (l.n[BC] + l.n[DAGGER] + l.n[BEST] == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure labels: none of the %d rows of the results is a clone or a "
                             "DAgger round that used labels",
                             results->n_rows);
    udy__page page;
    udy__page_begin(&page, "labels",
                    "labels,mean,ci95_lo,ci95_hi,share,episodes,round,policy,label",
                    "What labels buy", "Mean return per episode, with 95 % intervals", WIDTH,
                    TOP + PANEL_HEIGHT + 54);
    write_data(&page, &l);
    udy__panel_begin(&page, (udy__box){LEFT, TOP, RIGHT, TOP + PANEL_HEIGHT}, "");
    add_legend(&page, &l);
    udy__script_add_axis(&page.script, "x", &l.x);
    udy__script_add_axis(&page.script, "y", &l.y);
    udy__panel_axes(&page, "Expert labels used", "Return per episode");
    add_expert(&page, &l);
    for (int k = 0; k < N_KINDS; k++) {
        if (l.n[k] == 0) continue;
        udy__look look = {.dash = kinds[k].dash, .point = kinds[k].point, .size = kinds[k].size};
        snprintf(look.colour, sizeof look.colour, "%s", kinds[k].colour);
        if (l.n[k] > 1)
            udy__panel_curve(&page, k + 1, kinds[k].panel, "labels", "mean", &look, 2, false);
        const char *lo = l.n_intervals[k] ? "ci95_lo" : NULL;
        udy__panel_marks(&page, k + 1, kinds[k].panel, "labels", "mean", lo, lo ? "ci95_hi" : NULL,
                         &look);
    }
    udy__panel_end(&page);
    return udy__page_draw(&page, dir, err);
}
