// One dimension at a time: Wasserstein-1 and Jensen-Shannon distances, of plain samples and of
// episodes. A column's rows are sorted once; each shuffle of episodes is then one walk over them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

static const double log2_of_e = 1.4426950408889634074;

//------------------------------------------ Weighted values ---------------------------------------

// A value with its share of the sample p or of the sample q.
typedef struct atom {
    double x, p, q;
    uint32_t at;  // where it was, so that equal values keep their order
} atom;

static int compare_atoms(const void *left, const void *right) {
    const atom *a = left, *b = right;
    if (a->x != b->x) return a->x < b->x ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static int check_values(const char *name, const double *x, const double *w, size_t n,
                        double *weight, udy_error *err) {
    if (n == 0 || !x) return udy_error_set(err, UDY_EINVAL, "%s has no values", name);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return udy_error_set(err, UDY_ENONFINITE, "%s[%zu] is %g: expected a finite number",
                                 name, i, x[i]);
        if (w && !(w[i] >= 0 && isfinite(w[i])))
            return udy_error_set(err, UDY_EINVAL,
                                 "the weight of %s[%zu] is %g: expected 0 or a positive number",
                                 name, i, w[i]);
        sum += w ? w[i] : 1;
    }
    if (!(sum > 0 && isfinite(sum)))
        return udy_error_set(err, UDY_EINVAL, "the weights of %s sum to %g: expected more than 0",
                             name, sum);
    *weight = sum;
    return UDY_OK;
}

// Both samples in one ascending list; free with udy_free.
static int sorted_atoms(atom **out, const double *x, const double *wx, size_t n, const double *y,
                        const double *wy, size_t m, udy_error *err) {
    *out = NULL;
    double weight_x = 0, weight_y = 0;
    int status = check_values("x", x, wx, n, &weight_x, err);
    if (!status) status = check_values("y", y, wy, m, &weight_y, err);
    if (status) return status;
    if (n > UINT32_MAX - m)
        return udy_error_set(err, UDY_EINVAL, "%zu and %zu values: at most %u together", n, m,
                             UINT32_MAX);
    atom *atoms = udy_alloc((n + m) * sizeof *atoms);
    if (!atoms) return udy_error_set(err, UDY_ENOMEM, "no memory for %zu values", n + m);
    for (size_t i = 0; i < n; i++)
        atoms[i] = (atom){.x = x[i], .p = (wx ? wx[i] : 1) / weight_x, .at = (uint32_t)i};
    for (size_t i = 0; i < m; i++)
        atoms[n + i] = (atom){.x = y[i], .q = (wy ? wy[i] : 1) / weight_y, .at = (uint32_t)(n + i)};
    qsort(atoms, n + m, sizeof *atoms, compare_atoms);
    *out = atoms;
    return UDY_OK;
}

int udy_wasserstein1(const double *x, const double *wx, size_t n, const double *y, const double *wy,
                     size_t m, double *out, udy_error *err) {
    *out = 0;
    atom *atoms;
    int status = sorted_atoms(&atoms, x, wx, n, y, wy, m, err);
    if (status) return status;
    double difference = 0, area = 0;  // F_x - F_y so far
    for (size_t i = 0; i + 1 < n + m; i++) {
        difference += atoms[i].p - atoms[i].q;
        area += fabs(difference) * (atoms[i + 1].x - atoms[i].x);
    }
    udy_free(atoms);
    if (!isfinite(area))
        return udy_error_set(err, UDY_ENONFINITE,
                             "values so far apart that their distance is beyond double's range");
    *out = area;
    return UDY_OK;
}

//------------------------------------------ Histograms --------------------------------------------

// Cuts a walk over ascending values into bins of equal shares of the mixture.
typedef struct cutter {
    int n_bins, next;  // the bin under way ends when next / n_bins of the mixture is reached
    double share;      // of the mixture so far
} cutter;

// After the last of equal values: is the bin full?
static bool bin_is_full(cutter *c, double share) {
    c->share += share;
    // Sums of shares are off by rounding: a full bin must not wait for one more value.
    double filled = c->share * c->n_bins + 1e-9;
    if (filled < c->next) return false;
    c->next = (int)filled + 1;
    return true;
}

int udy_bin_edges(const double *x, const double *wx, size_t n, const double *y, const double *wy,
                  size_t m, int n_bins, double *edges, int *n_made, udy_error *err) {
    *n_made = 0;
    if (n_bins < 1 || n_bins > UDY_BINS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%d bins: expected 1 to %d", n_bins, UDY_BINS_MAX);
    atom *atoms;
    int status = sorted_atoms(&atoms, x, wx, n, y, wy, m, err);
    if (status) return status;
    size_t last = n + m - 1;
    cutter c = {.n_bins = n_bins, .next = 1};
    double share = 0;
    int made = 0;
    edges[0] = atoms[0].x;
    for (size_t i = 0; i < last; i++) {
        share += 0.5 * (atoms[i].p + atoms[i].q);
        if (atoms[i].x == atoms[i + 1].x) continue;
        if (bin_is_full(&c, share) && made + 1 < n_bins) edges[++made] = atoms[i + 1].x;
        share = 0;
    }
    edges[++made] = atoms[last].x;
    udy_free(atoms);
    *n_made = made;
    return UDY_OK;
}

int udy_histogram(const double *x, const double *w, size_t n, const double *edges, int n_bins,
                  double *mass, udy_error *err) {
    double weight = 0;
    int status = check_values("x", x, w, n, &weight, err);
    if (status) return status;
    if (n_bins < 1 || n_bins > UDY_BINS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%d bins: expected 1 to %d", n_bins, UDY_BINS_MAX);
    for (int i = 0; i < n_bins; i++) {
        if (!(edges[i] <= edges[i + 1]) || !isfinite(edges[i]) || !isfinite(edges[i + 1]))
            return udy_error_set(err, UDY_EINVAL,
                                 "bin %d from %g to %g: edges must be finite and ascend", i,
                                 edges[i], edges[i + 1]);
        mass[i] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (x[i] < edges[0] || x[i] > edges[n_bins]) continue;
        int low = 0, high = n_bins;  // the last edge at or below x[i] is in low..high-1
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (edges[middle] <= x[i])
                low = middle;
            else
                high = middle;
        }
        mass[low] += (w ? w[i] : 1) / weight;
    }
    return UDY_OK;
}

// A bin's part of the divergence in nats, twice: p log(p/m) + q log(q/m), m = (p + q)/2.
static double bin_divergence(double p, double q) {
    double m = 0.5 * (p + q);
    return (p > 0 ? p * log(p / m) : 0) + (q > 0 ? q * log(q / m) : 0);
}

static double distance_of(double twice_nats) {
    double bits = 0.5 * twice_nats * log2_of_e;
    return bits <= 0 ? 0 : bits >= 1 ? 1 : sqrt(bits);
}

int udy_jensen_shannon(const double *p, const double *q, int n, double *out, udy_error *err) {
    *out = 0;
    double sum_p = 0, sum_q = 0;
    for (int i = 0; i < n; i++) {
        if (!(p[i] >= 0 && q[i] >= 0 && isfinite(p[i]) && isfinite(q[i])))
            return udy_error_set(err, UDY_EINVAL,
                                 "bin %d holds %g and %g: expected shares of 0 or more", i, p[i],
                                 q[i]);
        sum_p += p[i];
        sum_q += q[i];
    }
    if (!(sum_p > 0 && sum_q > 0 && isfinite(sum_p) && isfinite(sum_q)))
        return udy_error_set(err, UDY_EINVAL,
                             "histograms of %d bins that sum to %g and %g: expected more than 0", n,
                             sum_p, sum_q);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += bin_divergence(p[i] / sum_p, q[i] / sum_q);
    *out = distance_of(sum);
    return UDY_OK;
}

//------------------------------------------ Columns of two samples --------------------------------

// Every column's values ascending, with the episode that each is of.
typedef struct columns {
    const udy__picked *picked;
    double *x;          // [dims, n_rows]
    uint16_t *episode;  // [dims, n_rows]
    atom *scratch;      // [threads, n_rows]
    int n_bins;
} columns;

static void columns_free(columns *c) {
    udy_free(c->x);
    udy_free(c->episode);
    udy_free(c->scratch);
}

static void sort_task(void *ctx, int k, int thread) {
    columns *c = ctx;
    const udy__picked *p = c->picked;
    size_t n = (size_t)p->n_rows;
    atom *atoms = c->scratch + (size_t)thread * n;
    for (int e = 0; e < p->n; e++) {
        // p carries the episode through the sort.
        for (int r = p->start[e]; r < p->start[e + 1]; r++)
            atoms[r] = (atom){.x = p->row[r][k], .p = e, .at = (uint32_t)r};
    }
    qsort(atoms, n, sizeof *atoms, compare_atoms);
    for (size_t i = 0; i < n; i++) {
        c->x[(size_t)k * n + i] = atoms[i].x;
        c->episode[(size_t)k * n + i] = (uint16_t)atoms[i].p;
    }
}

_Static_assert(2 * UDY_SAMPLE_EPISODES_MAX <= UINT16_MAX, "an episode's number fits");

static int columns_make(columns *c, const udy__picked *picked, int n_bins, udy_pool *pool,
                        udy_error *err) {
    size_t rows = (size_t)picked->n_rows, dims = (size_t)picked->dims;
    *c = (columns){.picked = picked,
                   .n_bins = n_bins,
                   .x = udy_alloc(rows * dims * sizeof(double)),
                   .episode = udy_alloc(rows * dims * sizeof(uint16_t)),
                   .scratch = udy_alloc((size_t)udy__threads(pool) * rows * sizeof(atom))};
    if (!c->x || !c->episode || !c->scratch) {
        columns_free(c);
        return udy_error_set(err, UDY_ENOMEM, "no memory to sort %zu rows of %zu columns", rows,
                             dims);
    }
    udy__run(pool, picked->dims, sort_task, c);
    return UDY_OK;
}

// Both distances of one column, given what a row of each episode adds to either side: a walk as
// those of udy_wasserstein1 and udy_bin_edges, in one.
static void walk(const columns *c, int k, const double *p, const double *q, double *wasserstein,
                 double *jensen_shannon) {
    size_t n = (size_t)c->picked->n_rows;
    const double *x = c->x + (size_t)k * n;
    const uint16_t *episode = c->episode + (size_t)k * n;
    cutter cut = {.n_bins = c->n_bins, .next = 1};
    double difference = 0, area = 0, divergence = 0, share = 0, in_p = 0, in_q = 0;
    for (size_t i = 0; i < n; i++) {
        double add_p = p[episode[i]], add_q = q[episode[i]];
        in_p += add_p;
        in_q += add_q;
        difference += add_p - add_q;
        share += 0.5 * (add_p + add_q);
        if (i + 1 == n || x[i] == x[i + 1]) continue;
        area += fabs(difference) * (x[i + 1] - x[i]);
        if (bin_is_full(&cut, share)) {
            divergence += bin_divergence(in_p, in_q);
            in_p = in_q = 0;
        }
        share = 0;
    }
    *wasserstein = area;
    *jensen_shannon = distance_of(divergence + bin_divergence(in_p, in_q));
}

static void arrange(const void *ctx, const int *list, bool shuffled, double *values,
                    double *scratch) {
    (void)shuffled;
    const columns *c = ctx;
    const udy__picked *picked = c->picked;
    double *side[2] = {scratch, scratch + picked->n};
    double sum[2] = {0, 0};
    memset(scratch, 0, 2 * (size_t)picked->n * sizeof *scratch);
    for (int i = 0; i < picked->n; i++) {
        int of = i >= picked->n_a, e = list[i];
        side[of][e] += picked->weight[e] / (picked->start[e + 1] - picked->start[e]);
        sum[of] += picked->weight[e];
    }
    for (int e = 0; e < picked->n; e++) {
        side[0][e] /= sum[0];
        side[1][e] /= sum[1];
    }
    for (int k = 0; k < picked->dims; k++)
        walk(c, k, side[0], side[1], &values[2 * k], &values[2 * k + 1]);
}

static int measure(udy_column *out, const columns *c, const udy_divergence_config *config,
                   uint64_t seed, udy_pool *pool, const char *stage, const udy_progress *progress,
                   udy_error *err) {
    const udy__picked *p = c->picked;
    udy__reps reps = {.n_a = p->n_a,
                      .n_b = p->n - p->n_a,
                      .permutations = config->permutations,
                      .resamples = config->resamples,
                      .level = config->level,
                      .seed = seed,
                      .n_values = 2 * p->dims,
                      .n_scratch = 2 * (size_t)p->n,
                      .arrange = arrange,
                      .ctx = c};
    int status = udy__reps_run(&reps, pool, stage, progress, err);
    for (int k = 0; k < p->dims && !status; k++) {
        const double *x = c->x + (size_t)k * (size_t)p->n_rows;
        double range = x[p->n_rows - 1] - x[0];
        status = udy__reps_measure(&reps, 2 * k, 1e-12 * range, reps.n_a, reps.n_b,
                                   &out[k].wasserstein, err);
        if (!status)
            status = udy__reps_measure(&reps, 2 * k + 1, 1e-9, reps.n_a, reps.n_b,
                                       &out[k].jensen_shannon, err);
    }
    udy__reps_free(&reps);
    return status;
}

int udy_column_divergence(udy_column *out, const udy_sample *a, const udy_sample *b,
                          const udy_divergence_config *config, udy_rng *rng, udy_pool *pool,
                          const char *stage, const udy_progress *progress, udy_error *err) {
    int status = udy__reps_check(config->rows_per_episode, config->permutations, config->resamples,
                                 config->level, err);
    if (!status && (config->n_bins < 1 || config->n_bins > UDY_BINS_MAX))
        status = udy_error_set(err, UDY_EINVAL, "%d bins: expected 1 to %d", config->n_bins,
                               UDY_BINS_MAX);
    if (!status) status = udy__samples_check(a, b, err);
    if (status) return status;
    uint64_t seed = udy_rng_u64(rng);
    udy__picked picked;
    status = udy__pick(&picked, a, b, config->rows_per_episode, seed, err);
    if (status) return status;
    columns c;
    status = columns_make(&c, &picked, config->n_bins, pool, err);
    if (!status) {
        status = measure(out, &c, config, seed, pool, stage, progress, err);
        columns_free(&c);
    }
    udy__picked_free(&picked);
    return status;
}
