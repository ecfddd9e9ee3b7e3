// Energy distance and maximum mean discrepancy of two samples in all dimensions at once. The sums
// over pairs of rows are made once for each pair of episodes; shuffling and resampling episodes then
// only adds up other entries of that small matrix.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

enum { LANES = 8, MEDIAN_ROWS = 1024, EPISODES_A_REGION = 16 };

//------------------------------------------ Pairs of episodes -------------------------------------

// Mean over pairs within one side.
static double within(const udy__pairs *p, const int *a, int n, bool all_pairs) {
    double sum = 0, weight = 0, own = 0, own_weight = 0;
    for (int i = 0; i < n; i++) {
        const double *row = p->mean + (size_t)a[i] * (size_t)p->n;
        double w = p->weight[a[i]];
        for (int j = 0; j < i; j++) {
            double both = a[i] == a[j] ? 0 : w * p->weight[a[j]];
            sum += both * row[a[j]];
            weight += both;
        }
        own += w * w * row[a[i]];
        own_weight += w * w;
    }
    if (all_pairs) return (2 * sum + own) / (2 * weight + own_weight);
    return weight > 0 ? sum / weight : own / own_weight;
}

double udy__pairs_energy(const udy__pairs *p, const int *a, int n_a, const int *b, int n_b,
                         bool all_pairs) {
    double sum = 0, weight = 0;
    for (int i = 0; i < n_a; i++) {
        const double *row = p->mean + (size_t)a[i] * (size_t)p->n;
        double w = p->weight[a[i]];
        for (int j = 0; j < n_b; j++) {
            double both = w * p->weight[b[j]];
            sum += both * row[b[j]];
            weight += both;
        }
    }
    return 2 * sum / weight - within(p, a, n_a, all_pairs) - within(p, b, n_b, all_pairs);
}

//------------------------------------------ Distances ---------------------------------------------

// Standardised rows, twice: as they are, and in blocks of LANES with a dimension's lanes together.
typedef struct cloud {
    const udy__picked *picked;
    int dims;
    size_t n_blocks;
    double *z;                  // [n_rows, dims]
    double *blocks;             // [n_blocks, dims, LANES]
    double gamma;               // of the kernel: exp(-gamma |x-y|^2)
    double *distance, *kernel;  // [n, n]: means over the rows of two episodes
    double *square;             // [threads, LANES n_blocks]
    int first;                  // episode of task 0
} cloud;

static void cloud_free(cloud *c) {
    udy_free(c->z);
    udy_free(c->blocks);
    udy_free(c->distance);
    udy_free(c->kernel);
    udy_free(c->square);
}

static int cloud_make(cloud *c, const udy__picked *picked, const udy_standard *standard,
                      int threads, udy_error *err) {
    size_t rows = (size_t)picked->n_rows, dims = (size_t)picked->dims, n = (size_t)picked->n;
    *c = (cloud){.picked = picked, .dims = picked->dims, .n_blocks = (rows + LANES - 1) / LANES};
    c->z = udy_alloc(rows * dims * sizeof *c->z);
    c->blocks = udy_alloc(c->n_blocks * dims * LANES * sizeof *c->blocks);
    c->distance = udy_alloc(n * n * sizeof *c->distance);
    c->kernel = udy_alloc(n * n * sizeof *c->kernel);
    c->square = udy_alloc((size_t)threads * c->n_blocks * LANES * sizeof *c->square);
    if (!c->z || !c->blocks || !c->distance || !c->kernel || !c->square) {
        cloud_free(c);
        return udy_error_set(err, UDY_ENOMEM,
                             "no memory to compare %zu rows of %zu episodes: take fewer of each "
                             "episode",
                             rows, n);
    }
    for (size_t r = 0; r < rows; r++) {
        double *z = c->z + r * dims;
        udy__standardise(standard, picked->row[r], z);
        double *lane = c->blocks + r / LANES * dims * LANES + r % LANES;
        for (size_t k = 0; k < dims; k++) lane[k * LANES] = z[k];
    }
    return UDY_OK;
}

// Episode i against itself and all later ones.
static void episode_task(void *ctx, int task, int thread) {
    const cloud *c = ctx;
    const udy__picked *p = c->picked;
    int i = c->first + task, n = p->n;
    double *square = c->square + (size_t)thread * c->n_blocks * LANES;
    size_t from = (size_t)p->start[i] / LANES;  // the block that episode i begins in
    double *distance = c->distance + (size_t)i * (size_t)n;
    double *kernel = c->kernel + (size_t)i * (size_t)n;
    for (int r = p->start[i]; r < p->start[i + 1]; r++) {
        udy__square_distances(c->z + (size_t)r * (size_t)c->dims,
                              c->blocks + from * (size_t)c->dims * LANES, c->dims,
                              c->n_blocks - from, square + from * LANES);
        for (int j = i; j < n; j++) {
            double d = 0, k = 0;
            for (int s = p->start[j]; s < p->start[j + 1]; s++) {
                d += sqrt(square[s]);
                k += exp(-c->gamma * square[s]);
            }
            distance[j] += d;
            kernel[j] += k;
        }
    }
    int rows = p->start[i + 1] - p->start[i];
    for (int j = i; j < n; j++) {
        double pairs = (double)rows * (p->start[j + 1] - p->start[j]);
        size_t mirror = (size_t)j * (size_t)n + (size_t)i;
        c->distance[mirror] = distance[j] /= pairs;
        c->kernel[mirror] = kernel[j] /= pairs;
    }
}

static int sum_pairs(cloud *c, udy_pool *pool, const char *stage, const udy_progress *progress,
                     udy_error *err) {
    double next_s = udy_clock_s() + 0.25;
    for (int e = 0; e < c->picked->n; e += EPISODES_A_REGION) {
        int left = c->picked->n - e;
        c->first = e;
        udy__run(pool, left < EPISODES_A_REGION ? left : EPISODES_A_REGION, episode_task, c);
        if (udy_clock_s() < next_s) continue;
        next_s = udy_clock_s() + 0.25;
        if (udy_progress_advance(progress, stage, e, c->picked->n, "episodes", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted at episode %d of %d",
                                 stage, e, c->picked->n);
    }
    return UDY_OK;
}

// The median heuristic (Gretton et al. 2012, section 8).
static int median_distance(const cloud *c, double *out, udy_error *err) {
    size_t rows = (size_t)c->picked->n_rows, dims = (size_t)c->dims;
    size_t n = rows < MEDIAN_ROWS ? rows : MEDIAN_ROWS, n_pairs = n * (n - 1) / 2, at = 0;
    *out = 1;
    if (n_pairs == 0) return UDY_OK;
    double *d = udy_alloc(n_pairs * sizeof *d);
    if (!d) return udy_error_set(err, UDY_ENOMEM, "no memory for %zu distances", n_pairs);
    for (size_t i = 1; i < n; i++) {
        const double *x = c->z + i * rows / n * dims;
        for (size_t j = 0; j < i; j++) {
            const double *y = c->z + j * rows / n * dims;
            double sum = 0;
            for (size_t k = 0; k < dims; k++) sum += (x[k] - y[k]) * (x[k] - y[k]);
            d[at++] = sqrt(sum);
        }
    }
    double median = udy_quantile(d, n_pairs, 0.5), mean = udy_mean(d, n_pairs);
    udy_free(d);
    *out = median > 0 ? median : mean > 0 ? mean : 1;
    return UDY_OK;
}

//------------------------------------------ The test ----------------------------------------------

typedef struct matrices {
    udy__pairs distance, kernel;
    int n_a, n_b;
} matrices;

static void arrange(const void *ctx, const int *list, bool shuffled, double *values,
                    double *scratch) {
    (void)shuffled, (void)scratch;
    const matrices *m = ctx;
    values[0] = udy__pairs_energy(&m->distance, list, m->n_a, list + m->n_a, m->n_b, false);
    values[1] = -udy__pairs_energy(&m->kernel, list, m->n_a, list + m->n_a, m->n_b, false);
}

static int all_pairs(udy_joint *out, const matrices *m, udy_error *err) {
    int n = m->n_a + m->n_b;
    int *list = udy_alloc((size_t)n * sizeof *list);
    if (!list) return udy_error_set(err, UDY_ENOMEM, "no memory for %d episodes", n);
    for (int i = 0; i < n; i++) list[i] = i;
    const int *b = list + m->n_a;
    out->energy_all_pairs = udy__pairs_energy(&m->distance, list, m->n_a, b, m->n_b, true);
    out->mmd_all_pairs = -udy__pairs_energy(&m->kernel, list, m->n_a, b, m->n_b, true);
    udy_free(list);
    return UDY_OK;
}

static int test(udy_joint *out, cloud *c, const udy_divergence_config *config, uint64_t seed,
                udy_pool *pool, const char *stage, const udy_progress *progress, udy_error *err) {
    const udy__picked *p = c->picked;
    out->bandwidth = config->bandwidth;
    int status = config->bandwidth > 0 ? UDY_OK : median_distance(c, &out->bandwidth, err);
    if (status) return status;
    c->gamma = 0.5 / (out->bandwidth * out->bandwidth);
    status = sum_pairs(c, pool, stage, progress, err);
    if (status) return status;
    matrices m = {.distance = {p->n, c->distance, p->weight},
                  .kernel = {p->n, c->kernel, p->weight},
                  .n_a = p->n_a,
                  .n_b = p->n - p->n_a};
    double largest = 0;
    for (size_t i = 0; i < (size_t)p->n * (size_t)p->n; i++)
        largest = fmax(largest, c->distance[i]);
    udy__reps reps = {.n_a = m.n_a,
                      .n_b = m.n_b,
                      .permutations = config->permutations,
                      .resamples = config->resamples,
                      .level = config->level,
                      .seed = seed,
                      .n_values = 2,
                      .arrange = arrange,
                      .ctx = &m};
    status = udy__reps_run(&reps, pool, stage, progress, err);
    if (!status)
        status = udy__reps_measure(&reps, 0, 1e-12 * largest, m.n_a, m.n_b, &out->energy, err);
    if (!status) status = udy__reps_measure(&reps, 1, 1e-12, m.n_a, m.n_b, &out->mmd, err);
    udy__reps_free(&reps);
    if (!status) status = all_pairs(out, &m, err);
    out->least_p = udy_permutation_least_p(m.n_a, m.n_b, config->permutations, true);
    out->rows[0] = p->start[p->n_a];
    out->rows[1] = p->n_rows - out->rows[0];
    return status;
}

static int check(const udy_sample *a, const udy_sample *b, const udy_standard *standard,
                 const udy_divergence_config *config, udy_error *err) {
    int status = udy__reps_check(config->rows_per_episode, config->permutations, config->resamples,
                                 config->level, err);
    if (!status && !(config->bandwidth >= 0 && config->bandwidth < INFINITY))
        status = udy_error_set(err, UDY_EINVAL,
                               "a bandwidth of %g: expected a positive number, or 0 for the median",
                               config->bandwidth);
    if (!status) status = udy__samples_check(a, b, err);
    if (!status) status = udy__standard_check(standard, a, err);
    return status;
}

int udy_joint_divergence(udy_joint *out, const udy_sample *a, const udy_sample *b,
                         const udy_standard *standard, const udy_divergence_config *config,
                         udy_rng *rng, udy_pool *pool, const char *stage,
                         const udy_progress *progress, udy_error *err) {
    *out = (udy_joint){0};
    int status = check(a, b, standard, config, err);
    if (status) return status;
    udy_standard fitted = {0};
    if (!standard) {
        status = udy_standard_fit(&fitted, (const udy_sample *[]){a, b}, 2, err);
        if (status) return status;
        standard = &fitted;
    }
    uint64_t seed = udy_rng_u64(rng);
    udy__picked picked;
    status = udy__pick(&picked, a, b, config->rows_per_episode, seed, err);
    if (!status) {
        cloud c;
        status = cloud_make(&c, &picked, standard, udy__threads(pool), err);
        if (!status) {
            status = test(out, &c, config, seed, pool, stage, progress, err);
            cloud_free(&c);
        }
        udy__picked_free(&picked);
    }
    udy_standard_free(&fitted);
    return status;
}
