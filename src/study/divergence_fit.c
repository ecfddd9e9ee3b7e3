// How fast does the cost of imitation grow with the horizon? The exponent of a power law through the
// costs, with an interval from resampling whole episodes.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "divergence.h"

enum { LEAST_HORIZONS = 3, LEAST_EPISODES = 3 };

typedef struct line {
    double slope, intercept, r2;
} line;

// Least squares of y on x [n], n >= 2, not all x equal.
static line fit_line(const double *x, const double *y, int n) {
    double mx = udy_mean(x, (size_t)n), my = udy_mean(y, (size_t)n), xx = 0, xy = 0, yy = 0;
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    // Where all y are equal but for rounding, a level line explains all there is.
    bool level = yy <= 1e-24 * n * (1 + my * my);
    line l = {.slope = xy / xx, .r2 = level ? 1 : xy * xy / (xx * yy)};
    l.intercept = my - l.slope * mx;
    return l;
}

typedef struct problem {
    const double *T, *value, *baseline;
    int n_T, n, n_baseline;
    double *log_T, *cost, *log_cost;  // [n_T]
} problem;

// Mean of table [n, n_T] over the rows that draw chooses; to [n_T] += sign times it.
static void add_mean(const double *table, int n, int n_T, double sign, udy_rng *rng, double *to) {
    for (int i = 0; i < n; i++) {
        size_t row = rng ? (size_t)udy_rng_below(rng, (uint64_t)n) : (size_t)i;
        for (int t = 0; t < n_T; t++) to[t] += sign * table[row * (size_t)n_T + (size_t)t] / n;
    }
}

// The costs of all episodes, or of a resample.
static void find_cost(problem *p, udy_rng *rng) {
    memset(p->cost, 0, (size_t)p->n_T * sizeof *p->cost);
    add_mean(p->value, p->n, p->n_T, 1, rng, p->cost);
    if (p->n_baseline > 0) add_mean(p->baseline, p->n_baseline, p->n_T, -1, rng, p->cost);
}

// The horizon from which on every cost is positive.
static int first_positive(const problem *p) {
    int first = p->n_T;
    while (first > 0 && p->cost[first - 1] > 0) first--;
    return first;
}

static line fit_from(problem *p, int first) {
    for (int t = first; t < p->n_T; t++) p->log_cost[t] = log(p->cost[t]);
    return fit_line(p->log_T + first, p->log_cost + first, p->n_T - first);
}

static void find_interval(udy_exponent *out, problem *p, int resamples, double level, udy_rng *rng,
                          double *slopes) {
    size_t used = strlen(out->words);
    char *words = out->words + used;
    size_t room = sizeof out->words - used;
    const char *join = used ? "; " : "";
    if (resamples == 0) return;
    if (p->n < LEAST_EPISODES || (p->n_baseline > 0 && p->n_baseline < LEAST_EPISODES)) {
        snprintf(words, room, "%sno interval: it takes at least %d episodes", join, LEAST_EPISODES);
        return;
    }
    int kept = 0;
    for (int r = 0; r < resamples; r++) {
        find_cost(p, rng);
        if (first_positive(p) <= out->first) slopes[kept++] = fit_from(p, out->first).slope;
    }
    if (kept < level * resamples) {
        snprintf(words, room, "%sno interval: in %d of %d resamples a cost is not positive", join,
                 resamples - kept, resamples);
        return;
    }
    out->has_ci = true;
    out->ci[0] = udy_quantile(slopes, (size_t)kept, (1 - level) / 2);
    out->ci[1] = udy_quantile(slopes, (size_t)kept, (1 + level) / 2);
}

static void fit(udy_exponent *out, problem *p, double *cost) {
    find_cost(p, NULL);
    if (cost) memcpy(cost, p->cost, (size_t)p->n_T * sizeof *cost);
    int first = first_positive(p), left = p->n_T - first;
    if (p->n_T < LEAST_HORIZONS) {
        snprintf(out->words, sizeof out->words,
                 "not fitted: %d horizons, and a power law takes at least %d", p->n_T,
                 LEAST_HORIZONS);
        return;
    }
    if (left < LEAST_HORIZONS) {
        snprintf(out->words, sizeof out->words,
                 "not fitted: the cost at T = %g is %.4g, and a power law passes through positive "
                 "costs only",
                 p->T[first - 1], p->cost[first - 1]);
        return;
    }
    out->status = first > 0 ? UDY_FIT_PARTIAL : UDY_FIT_FULL;
    if (first > 0)
        snprintf(out->words, sizeof out->words,
                 "fitted from T = %g on: at T = %g the cost is %.4g, not positive", p->T[first],
                 p->T[first - 1], p->cost[first - 1]);
    line l = fit_from(p, first);
    out->first = first;
    out->k = out->ci[0] = out->ci[1] = l.slope;
    out->c = exp(l.intercept);
    out->r2 = l.r2;
}

static int check_table(const char *name, const double *table, int n, int n_T, udy_error *err) {
    for (int i = 0; i < n * n_T; i++) {
        if (!isfinite(table[i]))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s of episode %d at horizon %d is %g: expected a finite number",
                                 name, i / n_T, i % n_T, table[i]);
    }
    return UDY_OK;
}

static int check(const problem *p, int resamples, double level, udy_error *err) {
    if (p->n_T < 1 || p->n < 1 || p->n_baseline < 0 || p->n_T > 1 << 20 ||
        p->n > INT32_MAX / p->n_T || p->n_baseline > INT32_MAX / p->n_T)
        return udy_error_set(err, UDY_EINVAL,
                             "%d horizons, %d episodes, %d of the baseline: expected at least 1, 1 "
                             "and 0",
                             p->n_T, p->n, p->n_baseline);
    for (int t = 0; t < p->n_T; t++) {
        double before = t > 0 ? p->T[t - 1] : 0;
        if (!(p->T[t] > before && isfinite(p->T[t])))
            return udy_error_set(err, UDY_EINVAL,
                                 "horizon %d is %g after %g: expected positive, ascending numbers",
                                 t, p->T[t], before);
    }
    int status = udy__reps_check(0, 0, resamples, level, err);
    if (!status) status = check_table("the value", p->value, p->n, p->n_T, err);
    if (!status && p->n_baseline > 0)
        status = check_table("the baseline", p->baseline, p->n_baseline, p->n_T, err);
    return status;
}

int udy_exponent_fit(udy_exponent *out, double *cost, const double *T, int n_T, const double *value,
                     int n, const double *baseline, int n_baseline, int resamples, double level,
                     udy_rng *rng, udy_error *err) {
    *out = (udy_exponent){.status = UDY_FIT_NONE};
    problem p = {.T = T,
                 .value = value,
                 .baseline = baseline,
                 .n_T = n_T,
                 .n = n,
                 .n_baseline = baseline ? n_baseline : 0};
    int status = check(&p, resamples, level, err);
    if (status) return status;
    udy_rng own;
    udy_rng_init_stream(&own, udy_rng_u64(rng), "divergence/exponent", 0);
    double *block = udy_alloc((3 * (size_t)n_T + (size_t)resamples) * sizeof *block);
    if (!block) return udy_error_set(err, UDY_ENOMEM, "no memory for %d resamples", resamples);
    p.log_T = block;
    p.cost = block + n_T;
    p.log_cost = p.cost + n_T;
    for (int t = 0; t < n_T; t++) p.log_T[t] = log(T[t]);
    fit(out, &p, cost);
    if (out->status != UDY_FIT_NONE)
        find_interval(out, &p, resamples, level, &own, p.log_cost + n_T);
    udy_free(block);
    return UDY_OK;
}
