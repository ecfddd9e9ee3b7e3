// Statistics of a handful of episode returns: mean, spread, quantiles, the interquartile mean and
// its bootstrap interval. Evaluation and the table of results stand on these; nothing here draws
// from anywhere but the generator it is given, so equal inputs give equal bits.
#include "understudy/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Neumaier's compensated sum: the error stays near one rounding whatever n and whatever the order
// of magnitudes, so returns of 1e9 beside rewards of 1e-9 keep their digits.
typedef struct stable_sum {
    double sum, lost;
} stable_sum;

static void stable_sum_add(stable_sum *s, double x) {
    double t = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}

// An infinite sum makes the correction inf - inf: then the sum alone says what is known.
static double stable_sum_value(const stable_sum *s) {
    return isfinite(s->sum) ? s->sum + s->lost : s->sum;
}

double udy_mean(const double *x, size_t n) {
    if (n == 0) return NAN;
    stable_sum s = {0};
    for (size_t i = 0; i < n; i++) stable_sum_add(&s, x[i]);
    return stable_sum_value(&s) / (double)n;
}

double udy_std(const double *x, size_t n) {
    if (n == 0) return NAN;
    double mean = udy_mean(x, n);
    if (n == 1) return isfinite(mean) ? 0 : NAN;
    stable_sum s = {0};
    for (size_t i = 0; i < n; i++) stable_sum_add(&s, (x[i] - mean) * (x[i] - mean));
    return sqrt(stable_sum_value(&s) / (double)(n - 1));
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// x in ascending order; NULL where an element is NaN (NaN has no place in an order) or memory is out.
static double *sorted_copy(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i])) return NULL;
    double *copy = n ? udy_alloc(n * sizeof *copy) : NULL;
    if (!copy) return NULL;
    memcpy(copy, x, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, compare_doubles);
    return copy;
}

// NumPy's method "linear", with its interpolation from the nearer end so that the last bits agree.
static double sorted_quantile(const double *sorted, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    double t = at - (double)below;
    double a = sorted[below], b = sorted[below + 1];
    if (t == 0 || a == b) return a;  // also keeps 0 * infinity out
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

double udy_quantile(const double *x, size_t n, double q) {
    if (n == 0 || !(q >= 0 && q <= 1)) return NAN;
    double *sorted = sorted_copy(x, n);
    if (!sorted) return NAN;
    double value = sorted_quantile(sorted, n, q);
    udy_free(sorted);
    return value;
}

double udy_iqm(const double *x, size_t n) {
    double *sorted = sorted_copy(x, n);
    if (!sorted) return NAN;
    // In quarters of an observation, so that the weights are whole numbers and exact: element i
    // covers [4i, 4i+4) and the middle half is [n, 3n).
    stable_sum s = {0};
    for (size_t i = n / 4; i < n && 4 * i < 3 * n; i++) {
        size_t from = 4 * i > n ? 4 * i : n;
        size_t to = 4 * i + 4 < 3 * n ? 4 * i + 4 : 3 * n;
        stable_sum_add(&s, (double)(to - from) * sorted[i]);
    }
    udy_free(sorted);
    return stable_sum_value(&s) / (double)(2 * n);
}

void udy_bootstrap_mean_ci(const double *x, size_t n, double level, int n_resamples, udy_rng *rng,
                           double *lo, double *hi) {
    *lo = *hi = NAN;
    if (n == 0 || n_resamples < 1 || !(level > 0 && level < 1)) return;
    double *means = udy_alloc((size_t)n_resamples * sizeof *means);
    if (!means) return;
    for (int r = 0; r < n_resamples; r++) {
        stable_sum s = {0};
        for (size_t i = 0; i < n; i++) stable_sum_add(&s, x[udy_rng_below(rng, n)]);
        means[r] = stable_sum_value(&s) / (double)n;
    }
    // A NaN that some resamples missed must not pass for an interval.
    if (!isnan(udy_mean(x, n))) {
        qsort(means, (size_t)n_resamples, sizeof *means, compare_doubles);
        *lo = sorted_quantile(means, (size_t)n_resamples, (1 - level) / 2);
        *hi = sorted_quantile(means, (size_t)n_resamples, (1 + level) / 2);
    }
    udy_free(means);
}
