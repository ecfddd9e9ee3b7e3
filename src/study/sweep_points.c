// From the cells of a sweep to its points: seeds taken together, with intervals that draw seeds
// and, within each, episodes; and the labels that a share of the expert's return costs.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

enum { RESAMPLES = 2000 };
static const double level = 0.95;

// What one seed gave: episodes with a numerator each, and a denominator (NULL: 1).
typedef struct group {
    const double *num, *den;
    int n;
} group;

typedef struct sums {
    double num, den;
} sums;

static void add_all(sums *s, const group *g) {
    for (int i = 0; i < g->n; i++) {
        s->num += g->num[i];
        s->den += g->den ? g->den[i] : 1;
    }
}

static void add_drawn(sums *s, const group *g, udy_rng *rng) {
    for (int i = 0; i < g->n; i++) {
        uint64_t k = udy_rng_below(rng, (uint64_t)g->n);
        s->num += g->num[k];
        s->den += g->den ? g->den[k] : 1;
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The interval's ends among n values, infinities allowed: an end is one of the values.
static void interval(double *values, int n, double ci[2]) {
    qsort(values, (size_t)n, sizeof *values, compare);
    ci[0] = values[lround((1 - level) / 2 * (n - 1))];
    ci[1] = values[lround((1 + level) / 2 * (n - 1))];
}

static udy_sweep_value value_of(const group *groups, int n_groups, udy_rng *rng, double *drawn) {
    sums all = {0};
    for (int g = 0; g < n_groups; g++) add_all(&all, &groups[g]);
    udy_sweep_value v = {.value = all.num / all.den};
    for (int r = 0; r < RESAMPLES; r++) {
        sums s = {0};
        for (int g = 0; g < n_groups; g++)
            add_drawn(&s, &groups[udy_rng_below(rng, (uint64_t)n_groups)], rng);
        drawn[r] = s.num / s.den;
    }
    interval(drawn, RESAMPLES, v.ci);
    return v;
}

//------------------------------------------ Points ------------------------------------------------

typedef struct points {
    const udy__sweep_cell *cells;
    int n_demos, n_seeds;
    uint64_t seed;
    double *drawn;    // [RESAMPLES]
    double *lengths;  // of the evaluation episodes of one point, seed by seed
    group *groups;    // [seeds]
} points;

// Cells are in the order of jobs: by expert, method, demonstrations and seed, two trainings each.
static const udy__sweep_cell *cell_at(const points *p, int expert, int method, int training, int d,
                                      int seed) {
    int job = ((expert * UDY_SWEEP_METHODS + method) * p->n_demos + d) * p->n_seeds + seed;
    return &p->cells[job * UDY_SWEEP_TRAININGS + training];
}

static void fill_counts(udy_sweep_point *point, const udy__sweep_cell *c, int n_seeds) {
    point->n += c->of.n;
    point->falls += c->of.falls;
    point->too_low += c->of.too_low;
    point->too_high += c->of.too_high;
    point->labels += c->labels / n_seeds;
    point->updates += c->updates / n_seeds;
    point->train_loss += c->train_loss / n_seeds;
    point->val_loss += c->val_loss / n_seeds;
}

static void fill_values(const points *p, udy_sweep_point *point, const udy_sweep_teacher *expert,
                        const udy__sweep_cell *const *cells, uint64_t index) {
    udy_rng rng;
    udy_rng_init_stream(&rng, p->seed, "sweep/points", index);
    group *g = p->groups;
    for (int s = 0; s < p->n_seeds; s++)
        g[s] = (group){.num = cells[s]->of.returns, .n = cells[s]->of.n};
    point->ret = value_of(g, p->n_seeds, &rng, p->drawn);
    point->share = (udy_sweep_value){NAN, {NAN, NAN}};
    if (expert->mean > 0)
        point->share =
            (udy_sweep_value){point->ret.value / expert->mean,
                              {point->ret.ci[0] / expert->mean, point->ret.ci[1] / expert->mean}};
    double *lengths = p->lengths;
    for (int s = 0; s < p->n_seeds; s++) {
        const udy_evaluation *of = &cells[s]->of;
        g[s] = (group){.num = cells[s]->error_own, .den = lengths, .n = of->n};
        for (int i = 0; i < of->n; i++) *lengths++ = of->lengths[i];
    }
    point->error_own = value_of(g, p->n_seeds, &rng, p->drawn);
    for (int s = 0; s < p->n_seeds; s++)
        g[s] = (group){
            .num = cells[s]->error_expert, .den = cells[s]->test_steps, .n = cells[s]->n_test};
    point->error_expert = value_of(g, p->n_seeds, &rng, p->drawn);
}

//------------------------------------------ Labels needed -----------------------------------------

// Where the line through the points first reaches target; labels ascend.
static double reach(const double *labels, const double *share, int n, double target) {
    if (share[0] >= target) return labels[0];
    for (int i = 1; i < n; i++)
        if (share[i] >= target && share[i - 1] < target)
            return labels[i - 1] * pow(labels[i] / labels[i - 1],
                                       (target - share[i - 1]) / (share[i] - share[i - 1]));
    return INFINITY;
}

// Seeds are drawn once for the whole line: a repetition's demonstrations are the same all along it.
static void fill_need(const points *p, udy_sweep_need *need, const udy_sweep *out,
                      const udy_sweep_point *line, uint64_t index) {
    enum { MAX = UDY_INTS_MAX };
    double labels[MAX], share[MAX], mean = out->experts[need->expert].mean;
    udy_rng rng;
    need->labels = need->ci[0] = need->ci[1] = NAN;
    if (!(mean > 0)) return;
    for (int d = 0; d < p->n_demos; d++) {
        labels[d] = line[d].labels;
        share[d] = line[d].share.value;
    }
    need->labels = reach(labels, share, p->n_demos, out->target);
    need->at_most = share[0] >= out->target;
    udy_rng_init_stream(&rng, p->seed, "sweep/needs", index);
    int *seeds = udy_alloc((size_t)p->n_seeds * sizeof *seeds);
    if (!seeds) return;
    for (int r = 0; r < RESAMPLES; r++) {
        for (int s = 0; s < p->n_seeds; s++)
            seeds[s] = (int)udy_rng_below(&rng, (uint64_t)p->n_seeds);
        for (int d = 0; d < p->n_demos; d++) {
            sums sum = {0};
            for (int s = 0; s < p->n_seeds; s++) {
                const udy__sweep_cell *c =
                    cell_at(p, need->expert, need->method, need->training, d, seeds[s]);
                add_drawn(&sum, &(group){.num = c->of.returns, .n = c->of.n}, &rng);
            }
            share[d] = sum.num / sum.den / mean;
        }
        p->drawn[r] = reach(labels, share, p->n_demos, out->target);
    }
    interval(p->drawn, RESAMPLES, need->ci);
    udy_free(seeds);
}

//------------------------------------------ All of it ---------------------------------------------

static void fill_line(points *p, udy_sweep *out, int expert, int method, int training,
                      const udy__sweep_cell **cells) {
    udy_sweep_point *line = &out->points[out->n_points];
    for (int d = 0; d < p->n_demos; d++) {
        udy_sweep_point *point = &out->points[out->n_points];
        *point = (udy_sweep_point){
            .expert = expert, .method = method, .training = training, .demos = out->demos.v[d]};
        for (int s = 0; s < p->n_seeds; s++) {
            cells[s] = cell_at(p, expert, method, training, d, s);
            fill_counts(point, cells[s], p->n_seeds);
        }
        fill_values(p, point, &out->experts[expert], cells, (uint64_t)out->n_points);
        out->n_points++;
    }
    udy_sweep_need *need = &out->needs[out->n_needs];
    *need = (udy_sweep_need){.expert = expert, .method = method, .training = training};
    fill_need(p, need, out, line, (uint64_t)out->n_needs);
    out->n_needs++;
}

int udy__sweep_points(udy_sweep *out, const udy__sweep_cell *cells, int n_cells, uint64_t seed,
                      udy_error *err) {
    points p = {.cells = cells, .n_demos = out->demos.n, .n_seeds = out->seeds, .seed = seed};
    size_t n_needs = (size_t)out->n_experts * UDY_SWEEP_METHODS * UDY_SWEEP_TRAININGS;
    size_t n_seeds = (size_t)p.n_seeds, n_episodes = 0;
    for (int i = 0; i < n_cells; i++)
        if ((size_t)cells[i].of.n > n_episodes) n_episodes = (size_t)cells[i].of.n;
    p.drawn = udy_alloc(RESAMPLES * sizeof *p.drawn);
    p.lengths = udy_alloc(n_seeds * n_episodes * sizeof *p.lengths);
    p.groups = udy_alloc(n_seeds * sizeof *p.groups);
    const udy__sweep_cell **line = udy_alloc(n_seeds * sizeof *line);
    out->points = udy_alloc(n_needs * (size_t)p.n_demos * sizeof *out->points);
    out->needs = udy_alloc(n_needs * sizeof *out->needs);
    out->n_points = out->n_needs = 0;
    int status = p.drawn && p.lengths && p.groups && line && out->points && out->needs
                     ? UDY_OK
                     : udy_error_set(err, UDY_ENOMEM, "no memory for the points of the sweep");
    for (int e = 0; !status && e < out->n_experts; e++)
        for (int m = 0; m < UDY_SWEEP_METHODS; m++)
            for (int t = 0; t < UDY_SWEEP_TRAININGS; t++) fill_line(&p, out, e, m, t, line);
    udy_free(p.drawn);
    udy_free(p.lengths);
    udy_free(p.groups);
    udy_free(line);
    return status;
}

const udy_sweep_point *udy_sweep_point_at(const udy_sweep *sweep, int expert, int method,
                                          int training, int demos) {
    for (int i = 0; i < sweep->n_points; i++) {
        const udy_sweep_point *p = &sweep->points[i];
        if (p->expert == expert && p->method == method && p->training == training &&
            p->demos == demos)
            return p;
    }
    return NULL;
}
