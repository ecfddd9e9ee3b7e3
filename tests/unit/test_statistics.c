// Statistics against NumPy's and scipy's numbers (tests/data/statistics-numpy.h, written by
// make_statistics.py), against their definitions, and the bootstrap interval against what it
// promises: that it holds the true mean about as often as it says.
#include "understudy/study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N_QS 11
typedef struct statistics_case {
    const char *name;
    const double *x;
    size_t n;
    double mean, std, iqm, quantiles[N_QS];
} statistics_case;
typedef struct statistics_bootstrap {
    const double *x;
    size_t n;
    uint64_t seed;
    int n_resamples;
    double lo, hi;
} statistics_bootstrap;
#include "../data/statistics-numpy.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double largest(const double *x, size_t n) {
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

static void assert_near(double got, double want, double tolerance, const char *what,
                        const char *which) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s of %s: %.17g, expected %.17g within %g", what, which, got, want, tolerance);
}

static void mean_is_the_exact_mean_rounded_even_where_terms_cancel(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT(statistics_cases); c++) {
        const statistics_case *k = &statistics_cases[c];
        assert_near(udy_mean(k->x, k->n), k->mean, 4e-16 * fabs(k->mean), "mean", k->name);
    }
}

static void std_and_quantiles_and_iqm_equal_numpys_and_scipys(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT(statistics_cases); c++) {
        const statistics_case *k = &statistics_cases[c];
        double scale = largest(k->x, k->n);
        // The spread of a sample far from 0 is known to the rounding of its mean.
        assert_near(udy_std(k->x, k->n), k->std, 1e-12 * k->std + 1e-16 * scale, "std", k->name);
        assert_near(udy_iqm(k->x, k->n), k->iqm, 4e-16 * fabs(k->iqm), "IQM", k->name);
        for (size_t i = 0; i < N_QS; i++) {
            double got = udy_quantile(k->x, k->n, statistics_qs[i]);
            assert_near(got, k->quantiles[i], 0, "quantile", k->name);
        }
    }
}

static void bootstrap_interval_equals_numpys_draw_for_draw(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT(statistics_bootstraps); c++) {
        const statistics_bootstrap *k = &statistics_bootstraps[c];
        udy_rng rng;
        udy_rng_init(&rng, k->seed);
        double lo, hi;
        udy_bootstrap_mean_ci(k->x, k->n, 0.95, k->n_resamples, &rng, &lo, &hi);
        assert_near(lo, k->lo, 1e-12 * fabs(k->lo), "interval's lower end", "bootstrap");
        assert_near(hi, k->hi, 1e-12 * fabs(k->hi), "interval's upper end", "bootstrap");
    }
}

static void empty_samples_give_nan(void **state) {
    (void)state;
    double x = 1, lo = 0, hi = 0;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    assert_true(isnan(udy_mean(&x, 0)));
    assert_true(isnan(udy_std(&x, 0)));
    assert_true(isnan(udy_quantile(&x, 0, 0.5)));
    assert_true(isnan(udy_iqm(&x, 0)));
    udy_bootstrap_mean_ci(&x, 0, 0.95, 100, &rng, &lo, &hi);
    assert_true(isnan(lo) && isnan(hi));
    assert_true(isnan(udy_mean(NULL, 0)) && isnan(udy_iqm(NULL, 0)));
}

static void senseless_levels_quantiles_and_counts_give_nan(void **state) {
    (void)state;
    const double x[] = {1, 2, 3};
    assert_true(isnan(udy_quantile(x, 3, -0.01)));
    assert_true(isnan(udy_quantile(x, 3, 1.01)));
    assert_true(isnan(udy_quantile(x, 3, NAN)));
    const double levels[] = {0, 1, -1, 2, NAN};
    for (size_t i = 0; i < COUNT(levels); i++) {
        udy_rng rng;
        udy_rng_init(&rng, 1);
        double lo = 0, hi = 0;
        udy_bootstrap_mean_ci(x, 3, levels[i], 100, &rng, &lo, &hi);
        assert_true(isnan(lo) && isnan(hi));
        udy_bootstrap_mean_ci(x, 3, 0.95, (int)i - 5, &rng, &lo, &hi);
        assert_true(isnan(lo) && isnan(hi));
    }
}

static void a_nan_among_the_values_is_never_hidden(void **state) {
    (void)state;
    double x[] = {5, 4, NAN, 1, 2, 3, 9, 8};
    assert_true(isnan(udy_mean(x, 8)));
    assert_true(isnan(udy_std(x, 8)));
    assert_true(isnan(udy_quantile(x, 8, 0)));
    assert_true(isnan(udy_iqm(x, 8)));
    udy_rng rng;
    udy_rng_init(&rng, 3);
    double lo = 0, hi = 0;
    udy_bootstrap_mean_ci(x, 8, 0.95, 1, &rng, &lo, &hi);
    assert_true(isnan(lo) && isnan(hi));
}

static void infinities_stay_infinities(void **state) {
    (void)state;
    const double x[] = {1, INFINITY, 2, 3};
    assert_true(isinf(udy_mean(x, 4)));
    assert_true(udy_quantile(x, 4, 1) == INFINITY);
    assert_true(udy_quantile(x, 4, 0) == 1);
    assert_true(udy_iqm(x, 4) == 2.5);  // the outlier is outside the middle half
}

static void a_single_value_is_its_own_mean_quantiles_and_interval(void **state) {
    (void)state;
    const double x[] = {-12.5};
    udy_rng rng;
    udy_rng_init(&rng, 9);
    double lo, hi;
    udy_bootstrap_mean_ci(x, 1, 0.95, 100, &rng, &lo, &hi);
    assert_true(udy_mean(x, 1) == -12.5 && udy_iqm(x, 1) == -12.5);
    assert_true(udy_quantile(x, 1, 0.3) == -12.5);
    assert_true(udy_std(x, 1) == 0);
    assert_true(lo == -12.5 && hi == -12.5);
}

static void iqm_of_small_samples_weighs_the_edges_by_halves_and_quarters(void **state) {
    (void)state;
    const double two[] = {10, 20}, three[] = {9, 0, 3}, five[] = {1, 2, 3, 4, 1000};
    assert_near(udy_iqm(two, 2), 15, 0, "IQM", "two");
    // [0.75, 2.25] of 0, 3, 9: a quarter of 0, all of 3, a quarter of 9.
    assert_near(udy_iqm(three, 3), (0.25 * 0 + 3 + 0.25 * 9) / 1.5, 1e-15, "IQM", "three");
    // [1.25, 3.75]: three quarters of 2, all of 3, three quarters of 4.
    assert_near(udy_iqm(five, 5), 3, 1e-15, "IQM", "five");
}

static void order_does_not_matter_and_units_carry_through(void **state) {
    (void)state;
    enum { N = 50 };
    double x[N], y[N], z[N];
    uint32_t order[N];
    udy_rng rng;
    udy_rng_init(&rng, 77);
    udy_rng_permutation(&rng, order, N);
    for (int i = 0; i < N; i++) x[i] = 100 + 30 * udy_rng_normal(&rng);
    for (int i = 0; i < N; i++) {
        y[i] = x[order[i]];
        z[i] = 3 - 2 * x[i];
    }
    const double before = x[7];
    assert_true(udy_iqm(x, N) == udy_iqm(y, N));
    assert_true(udy_quantile(x, N, 0.3) == udy_quantile(y, N, 0.3));
    assert_near(udy_mean(y, N), udy_mean(x, N), 1e-13, "mean", "shuffled");
    assert_near(udy_mean(z, N), 3 - 2 * udy_mean(x, N), 1e-12, "mean", "scaled");
    assert_near(udy_iqm(z, N), 3 - 2 * udy_iqm(x, N), 1e-12, "IQM", "scaled");
    assert_near(udy_std(z, N), 2 * udy_std(x, N), 1e-12, "std", "scaled");
    assert_near(udy_quantile(z, N, 0.2), 3 - 2 * udy_quantile(x, N, 0.8), 1e-12, "q", "scaled");
    assert_true(x[7] == before);  // the caller's array is left alone
}

static void equal_seeds_give_equal_bits_and_other_seeds_do_not(void **state) {
    (void)state;
    const statistics_case *k = &statistics_cases[9];
    double ends[3][2];
    const uint64_t seeds[3] = {42, 42, 43};
    for (int i = 0; i < 3; i++) {
        udy_rng rng;
        udy_rng_init(&rng, seeds[i]);
        udy_bootstrap_mean_ci(k->x, k->n, 0.95, 500, &rng, &ends[i][0], &ends[i][1]);
    }
    assert_memory_equal(ends[0], ends[1], sizeof ends[0]);
    assert_true(memcmp(ends[0], ends[2], sizeof ends[0]) != 0);
}

static void a_higher_level_gives_a_wider_interval_around_the_mean(void **state) {
    (void)state;
    const statistics_case *k = &statistics_cases[12];
    double last_lo = INFINITY, last_hi = -INFINITY;
    const double levels[] = {0.5, 0.8, 0.95, 0.99};
    for (size_t i = 0; i < COUNT(levels); i++) {
        udy_rng rng;
        udy_rng_init(&rng, 6);
        double lo, hi;
        udy_bootstrap_mean_ci(k->x, k->n, levels[i], 4000, &rng, &lo, &hi);
        assert_true(lo < last_lo && hi > last_hi);
        assert_true(lo < k->mean && k->mean < hi);
        last_lo = lo;
        last_hi = hi;
    }
    // About as wide as the normal approximation says, n being 100.
    double wanted = 2 * 2.5758 * k->std / sqrt((double)k->n);
    assert_near(last_hi - last_lo, wanted, 0.15 * wanted, "width", "99 % interval");
}

// 400 samples of 40: the share of intervals that hold the true mean has a standard error of 1.1
// points, and the percentile bootstrap falls short of its level by about one at this n.
static void the_95_percent_interval_holds_the_true_mean_in_90_to_98_percent(void **state) {
    (void)state;
    enum { TRIALS = 400, N = 40 };
    int held = 0, below = 0;
    udy_rng data;
    udy_rng_init(&data, 2026);
    for (int t = 0; t < TRIALS; t++) {
        double x[N];
        for (int i = 0; i < N; i++) x[i] = 3000 + 500 * udy_rng_normal(&data);
        udy_rng rng;
        udy_rng_init_stream(&rng, 2026, "test/bootstrap", (uint64_t)t);
        double lo, hi;
        udy_bootstrap_mean_ci(x, N, 0.95, 1000, &rng, &lo, &hi);
        held += lo <= 3000 && 3000 <= hi;
        below += hi < 3000;
    }
    assert_in_range(held, TRIALS * 90 / 100, TRIALS * 98 / 100);
    assert_in_range(below, 1, TRIALS - held - 1);  // it misses on both sides
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_is_the_exact_mean_rounded_even_where_terms_cancel),
        cmocka_unit_test(std_and_quantiles_and_iqm_equal_numpys_and_scipys),
        cmocka_unit_test(bootstrap_interval_equals_numpys_draw_for_draw),
        cmocka_unit_test(empty_samples_give_nan),
        cmocka_unit_test(senseless_levels_quantiles_and_counts_give_nan),
        cmocka_unit_test(a_nan_among_the_values_is_never_hidden),
        cmocka_unit_test(infinities_stay_infinities),
        cmocka_unit_test(a_single_value_is_its_own_mean_quantiles_and_interval),
        cmocka_unit_test(iqm_of_small_samples_weighs_the_edges_by_halves_and_quarters),
        cmocka_unit_test(order_does_not_matter_and_units_carry_through),
        cmocka_unit_test(equal_seeds_give_equal_bits_and_other_seeds_do_not),
        cmocka_unit_test(a_higher_level_gives_a_wider_interval_around_the_mean),
        cmocka_unit_test(the_95_percent_interval_holds_the_true_mean_in_90_to_98_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
