// Divergence by time step: the energy distance between the episodes of two policies in each window of
// steps, all windows under the same shuffles, so that one can also ask of all of them at once.
#include <math.h>
#include <string.h>

#include "divergence.h"

void udy_time_divergence_free(udy_time_divergence *d) {
    if (!d) return;
    udy_free(d->windows);
    *d = (udy_time_divergence){0};
}

typedef struct timeline {
    const udy_sample *sample[2];
    const udy_standard *standard;
    int n, n_a, n_windows, window, each;  // episodes of both, of a
    int length;                           // of the longest
    double *mean;                         // [n_windows, n, n]
    double *weight;                       // [n_windows, n]: rows in the window; 0: has ended before
    double *z;                            // [threads, n, each, dims]
} timeline;

static const udy_rows *episode_of(const timeline *t, int e) {
    return e < t->n_a ? &t->sample[0]->episodes[e] : &t->sample[1]->episodes[e - t->n_a];
}

static int rows_in(const timeline *t, int window, int e) {
    int left = episode_of(t, e)->length - window * t->window;
    return left <= 0 ? 0 : left < t->window ? left : t->window;
}

static int taken(const timeline *t, int rows) {
    return rows < t->each ? rows : t->each;
}

static double mean_distance(const double *x, int n, const double *y, int m, int dims) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
            const double *u = x + (size_t)i * (size_t)dims, *v = y + (size_t)j * (size_t)dims;
            double square = 0;
            for (int k = 0; k < dims; k++) square += (u[k] - v[k]) * (u[k] - v[k]);
            sum += sqrt(square);
        }
    }
    return sum / ((double)n * m);
}

// Means of distances between all pairs of episodes in one window.
static void window_task(void *ctx, int window, int thread) {
    timeline *t = ctx;
    int dims = t->sample[0]->dims;
    size_t n = (size_t)t->n, stride = (size_t)t->each * (size_t)dims;
    double *z = t->z + (size_t)thread * n * stride;
    double *mean = t->mean + (size_t)window * n * n, *weight = t->weight + (size_t)window * n;
    for (int e = 0; e < t->n; e++) {
        int rows = rows_in(t, window, e), take = taken(t, rows);
        weight[e] = rows;
        for (int j = 0; j < take; j++) {
            int r = window * t->window + (int)((2 * (int64_t)j + 1) * rows / (2 * take));
            udy__standardise(t->standard, episode_of(t, e)->data + (size_t)r * (size_t)dims,
                             z + (size_t)e * stride + (size_t)j * (size_t)dims);
        }
        for (int f = 0; f <= e && take > 0; f++) {
            int others = taken(t, (int)weight[f]);
            if (others == 0) continue;
            double d =
                mean_distance(z + (size_t)e * stride, take, z + (size_t)f * stride, others, dims);
            mean[(size_t)e * n + (size_t)f] = mean[(size_t)f * n + (size_t)e] = d;
        }
    }
}

// The present of list [n] into to; returns how many.
static int present(const double *weight, const int *list, int n, int *to) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (weight[list[i]] > 0) to[kept++] = list[i];
    }
    return kept;
}

static bool all_one(const int *list, int n) {
    for (int i = 1; i < n; i++) {
        if (list[i] != list[0]) return false;
    }
    return true;
}

static int count_present(const timeline *t, int window, int from, int to) {
    int n = 0;
    for (int e = from; e < to; e++) n += rows_in(t, window, e) > 0;
    return n;
}

static void arrange(const void *ctx, const int *list, bool shuffled, double *values,
                    double *scratch) {
    const timeline *t = ctx;
    int *kept = (int *)scratch;
    for (int w = 0; w < t->n_windows; w++) {
        const double *weight = t->weight + (size_t)w * (size_t)t->n;
        udy__pairs pairs = {t->n, t->mean + (size_t)w * (size_t)t->n * (size_t)t->n, weight};
        int n_a = present(weight, list, t->n_a, kept);
        int n = n_a + present(weight, list + t->n_a, t->n - t->n_a, kept + n_a);
        // Shuffled, those present are dealt out anew, as many to each side as there were.
        if (shuffled) n_a = count_present(t, w, 0, t->n_a);
        values[w] = NAN;
        if (all_one(kept, n_a) || all_one(kept + n_a, n - n_a)) continue;
        values[w] = udy__pairs_energy(&pairs, kept, n_a, kept + n_a, n - n_a, false);
    }
}

//------------------------------------------ Anywhere ----------------------------------------------

// The largest distance over the windows of one arrangement, each in units of its window's null.
static double largest_of(const udy__reps *reps, const udy_time_window *windows,
                         const double *spread, int which) {
    double largest = -INFINITY;
    for (int w = 0; w < reps->n_values; w++) {
        double v = reps->values[(size_t)which * (size_t)reps->n_values + (size_t)w];
        if (windows[w].known && spread[w] > 0 && !isnan(v)) largest = fmax(largest, v / spread[w]);
    }
    return largest;
}

// p of the largest (Westfall & Young 1993).
static int test_anywhere(const udy__reps *reps, udy_time_divergence *d, udy_error *err) {
    int P = reps->permutations;
    d->p_anywhere = 1;
    if (P == 0) return UDY_OK;
    double *spread = udy_alloc((size_t)d->n * sizeof *spread);
    if (!spread) return udy_error_set(err, UDY_ENOMEM, "no memory for %d windows", d->n);
    // The spread is taken over the arrangement observed and the shuffled ones alike, so that none of
    // them is set apart.
    for (int w = 0; w < d->n; w++) {
        double sum = 0;
        for (int r = 0; r <= P; r++) {
            double v = reps->values[(size_t)r * (size_t)d->n + (size_t)w];
            if (!isnan(v)) sum += v * v;
        }
        spread[w] = sqrt(sum / (P + 1));
    }
    double observed = largest_of(reps, d->windows, spread, 0);
    int above = 0;
    for (int r = 1; r <= P; r++)
        above += largest_of(reps, d->windows, spread, r) >= observed - 1e-9 * fabs(observed);
    if (observed > -INFINITY) d->p_anywhere = (1.0 + above) / (1.0 + P);
    udy_free(spread);
    return UDY_OK;
}

//------------------------------------------ All of it ---------------------------------------------

static int timeline_make(timeline *t, int threads, udy_error *err) {
    size_t n = (size_t)t->n, windows = (size_t)t->n_windows;
    size_t rows = (size_t)threads * n * (size_t)t->each;
    t->mean = udy_alloc(windows * n * n * sizeof *t->mean);
    t->weight = udy_alloc(windows * n * sizeof *t->weight);
    t->z = udy_alloc(rows * (size_t)t->sample[0]->dims * sizeof *t->z);
    if (t->mean && t->weight && t->z) return UDY_OK;
    return udy_error_set(err, UDY_ENOMEM,
                         "no memory to compare %zu episodes in %zu windows of %d steps: take "
                         "wider windows",
                         n, windows, t->window);
}

static int measure(udy_time_divergence *out, timeline *t, const udy_divergence_config *config,
                   uint64_t seed, udy_pool *pool, const char *stage, const udy_progress *progress,
                   udy_error *err) {
    udy__reps reps = {.n_a = t->n_a,
                      .n_b = t->n - t->n_a,
                      .permutations = config->permutations,
                      .resamples = config->resamples,
                      .level = config->level,
                      .seed = seed,
                      .n_values = t->n_windows,
                      .n_scratch = (size_t)t->n,
                      .arrange = arrange,
                      .ctx = t};
    int status = udy__reps_run(&reps, pool, stage, progress, err);
    for (int w = 0; w < t->n_windows && !status; w++) {
        udy_time_window *d = &out->windows[w];
        int left = t->length - w * t->window;
        *d = (udy_time_window){.first = w * t->window, .end = w * t->window};
        d->end += left < t->window ? left : t->window;
        d->n[0] = count_present(t, w, 0, t->n_a);
        d->n[1] = count_present(t, w, t->n_a, t->n);
        d->known = d->n[0] >= 2 && d->n[1] >= 2;
        d->energy.p = 1;
        const double *mean = t->mean + (size_t)w * (size_t)t->n * (size_t)t->n;
        double largest = 0;
        for (int i = 0; i < t->n * t->n; i++) largest = fmax(largest, mean[i]);
        if (d->known)
            status =
                udy__reps_measure(&reps, w, 1e-12 * largest, d->n[0], d->n[1], &d->energy, err);
    }
    if (!status) status = test_anywhere(&reps, out, err);
    udy__reps_free(&reps);
    return status;
}

static int check(const udy_sample *a, const udy_sample *b, const udy_standard *standard, int window,
                 const udy_divergence_config *config, udy_error *err) {
    int status = udy__reps_check(config->rows_per_episode, config->permutations, config->resamples,
                                 config->level, err);
    if (!status && window < 1)
        status = udy_error_set(err, UDY_EINVAL, "windows of %d steps: expected at least 1", window);
    if (!status) status = udy__samples_check(a, b, err);
    if (!status) status = udy__standard_check(standard, a, err);
    return status;
}

static int longest(const udy_sample *s) {
    int length = 0;
    for (int e = 0; e < s->n; e++)
        length = s->episodes[e].length > length ? s->episodes[e].length : length;
    return length;
}

int udy_divergence_by_time(udy_time_divergence *out, const udy_sample *a, const udy_sample *b,
                           const udy_standard *standard, int window,
                           const udy_divergence_config *config, udy_rng *rng, udy_pool *pool,
                           const char *stage, const udy_progress *progress, udy_error *err) {
    *out = (udy_time_divergence){0};
    int status = check(a, b, standard, window, config, err);
    if (status) return status;
    udy_standard fitted = {0};
    if (!standard) {
        status = udy_standard_fit(&fitted, (const udy_sample *[]){a, b}, 2, err);
        if (status) return status;
    }
    int length = longest(a) > longest(b) ? longest(a) : longest(b);
    if (window > length) window = length;
    int each = config->rows_per_episode;
    timeline t = {.sample = {a, b},
                  .standard = standard ? standard : &fitted,
                  .n = a->n + b->n,
                  .n_a = a->n,
                  .n_windows = (length - 1) / window + 1,
                  .window = window,
                  .length = length,
                  .each = each > 0 && each < window ? each : window};
    out->n = t.n_windows;
    out->windows = udy_alloc((size_t)out->n * sizeof *out->windows);
    if (!out->windows) status = udy_error_set(err, UDY_ENOMEM, "no memory for %d windows", out->n);
    if (!status) status = timeline_make(&t, udy__threads(pool), err);
    if (!status) {
        udy__run(pool, t.n_windows, window_task, &t);
        status = measure(out, &t, config, udy_rng_u64(rng), pool, stage, progress, err);
    }
    udy_free(t.mean);
    udy_free(t.weight);
    udy_free(t.z);
    udy_standard_free(&fitted);
    if (status) udy_time_divergence_free(out);
    return status;
}
