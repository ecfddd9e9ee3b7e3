// Shuffles and resamples of whole episodes: the null distribution and the interval of any statistic
// of two sets of episodes. Each arrangement has a random stream of its own, so threads may evaluate
// them in any order.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

enum { REPS_A_REGION = 64 };  // between two looks at progress

udy_divergence_config udy_divergence_config_default(void) {
    return (udy_divergence_config){.rows_per_episode = 100,
                                   .permutations = 999,
                                   .resamples = 999,
                                   .level = 0.95,
                                   .n_bins = 32};
}

int udy__reps_check(int rows_per_episode, int permutations, int resamples, double level,
                    udy_error *err) {
    const int most = 1000000;
    if (rows_per_episode < 0)
        return udy_error_set(err, UDY_EINVAL,
                             "%d rows an episode: expected a positive number, or 0 for all",
                             rows_per_episode);
    if (permutations < 0 || permutations > most)
        return udy_error_set(err, UDY_EINVAL, "%d permutations: expected 0 to %d", permutations,
                             most);
    if (resamples < 0 || resamples > most)
        return udy_error_set(err, UDY_EINVAL, "%d resamples: expected 0 to %d", resamples, most);
    if (!(level > 0 && level < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "a level of %g: expected a share between 0 and 1, such as 0.95",
                             level);
    return UDY_OK;
}

double udy_permutation_least_p(int n_a, int n_b, int permutations, bool symmetric) {
    if (permutations < 1) return 1;
    double ways = 1;  // C(n_a + n_b, n_a), or too many to matter
    for (int i = 1; i <= n_a && ways < 1e12; i++) ways *= (double)(n_b + i) / i;
    double least = (symmetric && n_a == n_b ? 2.0 : 1.0) / ways;
    least = fmin(least, 1);
    return fmax(least, 1.0 / (1.0 + permutations));
}

//------------------------------------------ Threads -----------------------------------------------

void udy__run(udy_pool *pool, int n_tasks, udy_task_fn fn, void *ctx) {
    if (pool) {
        udy_pool_run(pool, n_tasks, fn, ctx);
    } else {
        for (int task = 0; task < n_tasks; task++) fn(ctx, task, 0);
    }
}

int udy__threads(const udy_pool *pool) {
    return pool ? udy_pool_threads(pool) : 1;
}

//------------------------------------------ Arrangements ------------------------------------------

typedef struct region {
    udy__reps *reps;
    int first;         // arrangement that task 0 evaluates
    int n_list;        // ints of a list
    uint32_t *orders;  // [threads, n_list]
    int *lists;        // [threads, n_list]
    double *scratch;   // [threads, n_scratch]
} region;

static void shuffle(const udy__reps *reps, int which, uint32_t *order, int *list) {
    int n = reps->n_a + reps->n_b;
    udy_rng rng;
    udy_rng_init_stream(&rng, reps->seed, "divergence/shuffle", (uint64_t)which);
    udy_rng_permutation(&rng, order, (uint32_t)n);
    for (int i = 0; i < n; i++) list[i] = (int)order[i];
}

// n draws of from..from+n-1. With one episode only there are no pairs of different ones: such a draw
// says nothing, and is made again.
static void draw(udy_rng *rng, int from, int n, int *list) {
    for (;;) {
        bool different = n == 1;
        for (int i = 0; i < n; i++) {
            list[i] = from + (int)udy_rng_below(rng, (uint64_t)n);
            different = different || list[i] != list[0];
        }
        if (different) return;
    }
}

static void resample(const udy__reps *reps, int which, int *list) {
    udy_rng rng;
    udy_rng_init_stream(&rng, reps->seed, "divergence/resample", (uint64_t)which);
    draw(&rng, 0, reps->n_a, list);
    draw(&rng, reps->n_a, reps->n_b, list + reps->n_a);
}

static void arrangement_task(void *ctx, int task, int thread) {
    region *g = ctx;
    udy__reps *reps = g->reps;
    int which = g->first + task, n = reps->n_a + reps->n_b;
    int *list = g->lists + (size_t)thread * (size_t)g->n_list;
    if (which == 0) {
        for (int i = 0; i < n; i++) list[i] = i;
    } else if (which <= reps->permutations) {
        shuffle(reps, which, g->orders + (size_t)thread * (size_t)g->n_list, list);
    } else {
        resample(reps, which - reps->permutations, list);
    }
    reps->arrange(reps->ctx, list, which <= reps->permutations,
                  reps->values + (size_t)which * (size_t)reps->n_values,
                  g->scratch + (size_t)thread * reps->n_scratch);
}

static int evaluate_all(region *g, udy_pool *pool, const char *stage, const udy_progress *progress,
                        udy_error *err) {
    int n = 1 + g->reps->permutations + g->reps->resamples;
    double next_s = udy_clock_s() + 0.25;
    for (int at = 0; at < n; at += REPS_A_REGION) {
        g->first = at;
        udy__run(pool, n - at < REPS_A_REGION ? n - at : REPS_A_REGION, arrangement_task, g);
        if (udy_clock_s() < next_s) continue;
        next_s = udy_clock_s() + 0.25;
        if (udy_progress_advance(progress, stage, at, n, "shuffles", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted after %d of %d shuffles",
                                 stage, at, n);
    }
    return UDY_OK;
}

int udy__reps_run(udy__reps *reps, udy_pool *pool, const char *stage, const udy_progress *progress,
                  udy_error *err) {
    size_t n = 1 + (size_t)reps->permutations + (size_t)reps->resamples;
    size_t threads = (size_t)udy__threads(pool);
    size_t n_list = ((size_t)reps->n_a + (size_t)reps->n_b + 15) & ~(size_t)15;
    reps->n_scratch = (reps->n_scratch + 8) & ~(size_t)7;
    region g = {.reps = reps,
                .n_list = (int)n_list,
                .orders = udy_alloc(threads * n_list * sizeof *g.orders),
                .lists = udy_alloc(threads * n_list * sizeof *g.lists),
                .scratch = udy_alloc(threads * reps->n_scratch * sizeof *g.scratch)};
    reps->values = udy_alloc(n * (size_t)reps->n_values * sizeof *reps->values);
    int status;
    if (g.orders && g.lists && g.scratch && reps->values)
        status = evaluate_all(&g, pool, stage, progress, err);
    else
        status = udy_error_set(err, UDY_ENOMEM, "no memory for %zu shuffles of %d values", n,
                               reps->n_values);
    udy_free(g.orders);
    udy_free(g.lists);
    udy_free(g.scratch);
    return status;
}

void udy__reps_free(udy__reps *reps) {
    udy_free(reps->values);
    reps->values = NULL;
}

//------------------------------------------ Measures ----------------------------------------------

// Values k of n arrangements from `first` on into to, those that there are; returns how many.
static int gather(const udy__reps *reps, int k, int first, int n, double *to) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        double v = reps->values[(size_t)(first + i) * (size_t)reps->n_values + (size_t)k];
        if (!isnan(v)) to[kept++] = v;
    }
    return kept;
}

int udy__reps_measure(const udy__reps *reps, int k, double tolerance, int n_a, int n_b,
                      udy_measure *out, udy_error *err) {
    int P = reps->permutations, R = reps->resamples;
    double value = reps->values[k];
    *out = (udy_measure){.value = value, .ci = {value, value}, .p = 1};
    size_t most = (size_t)(P > R ? P : R);
    if (most == 0) return UDY_OK;
    double *v = udy_alloc(most * sizeof *v);
    if (!v) return udy_error_set(err, UDY_ENOMEM, "no memory for %zu values", most);
    int n = gather(reps, k, 1, P, v);
    if (n > 0) {
        int above = 0;
        for (int i = 0; i < n; i++) above += v[i] >= value - tolerance;
        out->p = (1.0 + above) / (1.0 + n);
        out->null[0] = udy_quantile(v, (size_t)n, 0.5);
        out->null[1] = udy_quantile(v, (size_t)n, reps->level);
    }
    n = gather(reps, k, 1 + P, R, v);
    if (n_a >= 3 && n_b >= 3 && n > 0 && n >= reps->level * R) {
        out->has_ci = true;
        out->ci[0] = udy_quantile(v, (size_t)n, (1 - reps->level) / 2);
        out->ci[1] = udy_quantile(v, (size_t)n, (1 + reps->level) / 2);
    }
    udy_free(v);
    return UDY_OK;
}
