// Distance to the demonstrations, falls over time, the exponent of compounding and the map of states:
// against scikit-learn's, SciPy's, lifelines' and NumPy's numbers (tests/data/divergence-golden.h),
// brute force, known answers and degenerate inputs.
#include "test_divergence_common.h"

#include "../data/divergence-golden.h"

//------------------------------------------ Nearest -----------------------------------------------

static void nearest_rows_equal_scikit_learns(void **state) {
    (void)state;
    const int ld[] = {300, 200}, lq[] = {12};
    made demos, query;
    make_sample(&demos, "demos", 21, ld, 2, (recipe){.dims = 6, .phi = 0.9, .scale = 1});
    make_sample(&query, "query", 22, lq, 1,
                (recipe){.dims = 6, .phi = 0.9, .shift = 1, .scale = 2});
    udy_neighbours *nb;
    assert_int_equal(udy_neighbours_create(&nb, &demos.sample, NULL, NULL), 0);
    double d[12];
    uint32_t index[12];
    assert_int_equal(udy_neighbours_query(nb, query.data, 12, d, index, NULL, "", NULL, NULL), 0);
    assert_all_near(d, golden_nearest, 12, 1e-13, "distance");
    for (int i = 0; i < 12; i++) assert_int_equal(index[i], (int)golden_nearest_row[i]);
    udy_neighbours_destroy(nb);
    unmake(&demos);
    unmake(&query);
}

// Distances and rows of every query, the slow way.
static void assert_exact(const udy_sample *reference, const udy_standard *s, const float *rows,
                         int n, const double *d, const uint32_t *index) {
    for (int i = 0; i < n; i++) {
        double best = INFINITY;
        uint32_t at = 0, r = 0;
        for (int e = 0; e < reference->n; e++) {
            for (int t = 0; t < reference->episodes[e].length; t++, r++) {
                const float *y = reference->episodes[e].data + (size_t)t * (size_t)s->dims;
                const float *x = rows + (size_t)i * (size_t)s->dims;
                double sum = 0;
                for (int k = 0; k < s->dims; k++) {
                    double z = (x[k] - s->mean[k]) / s->std[k] - (y[k] - s->mean[k]) / s->std[k];
                    sum += z * z;
                }
                if (sum < best) {
                    best = sum;
                    at = r;
                }
            }
        }
        assert_true(d[i] == sqrt(best));
        assert_int_equal(index[i], at);
    }
}

static void nearest_rows_are_exact_also_among_duplicates_and_far_away(void **state) {
    (void)state;
    enum { DIMS = 27, N = 90 };
    udy_rng rng;
    udy_rng_init(&rng, 5);
    made demos, query;
    const int ld[] = {1500, 700, 3, 999};
    make_from(&demos, "demos", &rng, ld, 4, (recipe){.dims = DIMS, .phi = 0.99, .scale = 1});
    make_equal(&query, "query", &rng, N, 1, (recipe){.dims = DIMS, .phi = 0.9, .scale = 1});
    // Copies of demonstrated rows, a hair beside them, duplicates in the reference, and rows so far
    // away that float32 cannot tell which is nearest, or overflows.
    const float *of = demos.data;
    for (int i = 0; i < 30; i++) {
        float *x = query.data + i * DIMS;
        memcpy(x, of + (size_t)(97 * i) * DIMS, DIMS * sizeof *x);
        if (i % 3 == 1) x[i % DIMS] += 1e-6f;
        if (i % 3 == 2) x[i % DIMS] *= 1e5f;
        if (i % 5 == 0) x[3] = 1e12f;
        if (i % 7 == 0) x[4] = -3e38f;
    }
    memcpy(demos.data + 2000 * DIMS, of + 97 * DIMS, DIMS * sizeof *of);
    memcpy(demos.data + 50 * DIMS, of + 97 * DIMS, DIMS * sizeof *of);
    udy_standard standard;
    assert_int_equal(udy_standard_fit(&standard, (const udy_sample *[]){&demos.sample}, 1, NULL),
                     0);
    udy_neighbours *nb;
    assert_int_equal(udy_neighbours_create(&nb, &demos.sample, &standard, NULL), 0);
    double d[N], again[N];
    uint32_t index[N];
    udy_pool *pool;
    assert_int_equal(udy_pool_create(&pool, 3, NULL), 0);
    assert_int_equal(udy_neighbours_query(nb, query.data, N, d, index, pool, "", NULL, NULL), 0);
    assert_exact(&demos.sample, &standard, query.data, N, d, index);
    assert_true(d[3] == 0 && d[0] > 1e6);
    assert_int_equal(index[3], 3 * 97);
    assert_int_equal(udy_neighbours_query(nb, query.data, N, again, NULL, NULL, "", NULL, NULL), 0);
    assert_memory_equal(d, again, sizeof d);
    udy_pool_destroy(pool);
    udy_neighbours_destroy(nb);
    udy_standard_free(&standard);
    unmake(&demos);
    unmake(&query);
}

static void a_row_of_nan_has_no_neighbour_and_one_row_is_a_reference(void **state) {
    (void)state;
    const float row[] = {1, 2}, bad[] = {1, 2, 3, NAN};
    const udy_rows rows = {row, 1};
    udy_sample one = {"one", 2, 1, &rows};
    udy_neighbours *nb;
    assert_int_equal(udy_neighbours_create(&nb, &one, NULL, NULL), 0);
    double d[2];
    uint32_t index[2];
    udy_error err = {0};
    assert_int_equal(udy_neighbours_query(nb, bad, 2, d, NULL, NULL, "", NULL, &err),
                     UDY_ENONFINITE);
    assert_says(&err, "column 1 of row 1 is nan");
    assert_int_equal(udy_neighbours_query(nb, bad, 1, d, index, NULL, "", NULL, NULL), 0);
    assert_true(d[0] == 0 && index[0] == 0);
    assert_int_equal(udy_neighbours_query(nb, bad, 0, d, NULL, NULL, "", NULL, NULL), 0);
    udy_neighbours_destroy(nb);
    udy_neighbours_destroy(NULL);
}

//------------------------------------------ Falls -------------------------------------------------

static const int lengths[] = {3, 5, 5, 8, 12, 12, 20, 20, 20, 20};
static const uint8_t fell[] = {1, 1, 0, 1, 1, 1, 0, 0, 1, 0};

static void survival_equals_scipys_and_lifelines(void **state) {
    (void)state;
    udy_survival_point *p;
    int n;
    assert_int_equal(udy_survival(&p, &n, lengths, fell, COUNT(lengths), 0.95, NULL), 0);
    const int t[] = {0, 3, 5, 8, 12, 20};
    assert_int_equal(n, 6);
    assert_true(p[0].survival == 1 && p[0].at_risk == 10 && p[0].ci[0] == 1);
    for (int i = 0; i < 5; i++) {
        const udy_survival_point *q = &p[i + 1];
        assert_int_equal(q->t, t[i + 1]);
        assert_int_equal(q->at_risk, (int)golden_at_risk[i]);
        assert_int_equal(q->falls, (int)golden_falls[i]);
        assert_near(q->hazard, golden_falls[i] / golden_at_risk[i], 1e-15, "hazard", i);
        assert_near(q->survival, golden_survival[i], 1e-14, "survival", i);
        assert_near(q->ci[0], golden_survival_lo[i], 1e-13, "lower end", i);
        assert_near(q->ci[1], golden_survival_hi[i], 1e-13, "upper end", i);
        assert_near(q->greenwood, golden_greenwood[i], 1e-14, "Greenwood", i);
    }
    assert_int_equal(p[2].censored, 1);
    assert_int_equal(p[5].censored, 3);
    udy_free(p);
}

static void without_falls_survival_is_one_and_its_lower_bound_the_binomials(void **state) {
    (void)state;
    const int limit[] = {1000, 1000, 1000, 1000};
    const uint8_t none[4] = {0};
    udy_survival_point *p;
    int n;
    assert_int_equal(udy_survival(&p, &n, limit, none, 4, 0.95, NULL), 0);
    assert_true(n == 2 && p[1].survival == 1 && p[1].falls == 0 && p[1].censored == 4);
    assert_near(p[1].ci[0], golden_no_fall[0], 1e-14, "lower end", 0);
    assert_true(p[1].ci[1] == 1 && p[1].greenwood == 0);
    udy_free(p);
}

static void when_all_fall_survival_ends_at_zero_with_finite_ends(void **state) {
    (void)state;
    const int early[] = {3, 3, 7}, one[] = {3};
    const uint8_t all[] = {1, 1, 1};
    udy_survival_point *p;
    int n;
    assert_int_equal(udy_survival(&p, &n, early, all, 3, 0.95, NULL), 0);
    assert_int_equal(n, 3);
    assert_near(p[1].survival, 1.0 / 3, 1e-15, "survival", 1);
    assert_true(p[2].survival == 0 && p[2].ci[0] == 0 && p[2].ci[1] == p[1].ci[1]);
    udy_free(p);
    assert_int_equal(udy_survival(&p, &n, one, all, 1, 0.95, NULL), 0);
    assert_true(n == 2 && p[1].survival == 0 && p[1].ci[0] == 0 && p[1].ci[1] == 1);
    udy_free(p);
}

static void hazard_counts_falls_by_steps_made_with_wilsons_interval(void **state) {
    (void)state;
    udy_hazard_window *w;
    int n;
    assert_int_equal(udy_hazard(&w, &n, lengths, fell, COUNT(lengths), 6, 0.9, NULL), 0);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++) {
        const double *g = golden_hazard + 4 * i;
        assert_int_equal(w[i].first, 6 * i);
        assert_int_equal(w[i].end, i < 3 ? 6 * i + 6 : 20);
        assert_true((double)w[i].steps == g[0] && w[i].falls == g[1]);
        assert_near(w[i].hazard, g[1] / g[0], 1e-15, "hazard", i);
        assert_near(w[i].ci[0], g[2], 1e-13, "lower end", i);
        assert_near(w[i].ci[1], g[3], 1e-13, "upper end", i);
    }
    assert_int_equal(w[0].at_risk, 10);
    assert_int_equal(w[3].at_risk, 4);
    udy_free(w);
    const int two[] = {1, 1};
    const uint8_t both[] = {1, 1};
    assert_int_equal(udy_hazard(&w, &n, two, both, 2, 1000, 0.95, NULL), 0);
    assert_true(n == 1 && w[0].hazard == 1 && w[0].ci[1] == 1 && w[0].ci[0] > 0);
    udy_free(w);
}

// A constant hazard h: S(t) = (1 - h)^t.
static void survival_of_a_constant_hazard_is_geometric(void **state) {
    (void)state;
    enum { N = 4000, LIMIT = 200 };
    static int length[N];
    static uint8_t fall[N];
    udy_rng rng;
    udy_rng_init(&rng, 8);
    for (int i = 0; i < N; i++) {
        length[i] = 1;
        while (!(fall[i] = udy_rng_double(&rng) < 0.01) && length[i] < LIMIT) length[i]++;
    }
    udy_survival_point *p;
    udy_hazard_window *w;
    int n, outside = 0, windows;
    assert_int_equal(udy_survival(&p, &n, length, fall, N, 0.95, NULL), 0);
    for (int i = 1; i < n; i++) {
        double truth = pow(0.99, p[i].t);
        assert_near(p[i].survival, truth, 5 * p[i].greenwood + 2e-3, "survival", p[i].t);
        outside += truth < p[i].ci[0] || truth > p[i].ci[1];
    }
    assert_in_range(outside, 0, n / 4);  // points of one curve go together
    assert_int_equal(udy_hazard(&w, &windows, length, fall, N, 50, 0.95, NULL), 0);
    assert_int_equal(windows, 4);
    for (int i = 0; i < 4; i++) assert_near(w[i].hazard, 0.01, 0.001, "hazard", i);
    udy_free(p);
    udy_free(w);
}

static void senseless_episodes_are_refused(void **state) {
    (void)state;
    const int zero[] = {5, 0};
    const uint8_t ok[] = {1, 0}, odd[] = {1, 2};
    udy_survival_point *p;
    udy_hazard_window *w;
    int n;
    udy_error err = {0};
    assert_int_equal(udy_survival(&p, &n, zero, ok, 2, 0.95, &err), UDY_EINVAL);
    assert_says(&err, "episode 1: 0 steps");
    assert_null(p);
    assert_int_equal(udy_survival(&p, &n, lengths, odd, 2, 0.95, &err), UDY_EINVAL);
    assert_int_equal(udy_survival(&p, &n, lengths, fell, 0, 0.95, &err), UDY_EINVAL);
    assert_int_equal(udy_survival(&p, &n, lengths, fell, 2, 1.5, &err), UDY_EINVAL);
    assert_int_equal(udy_hazard(&w, &n, lengths, fell, 2, 0, 0.95, &err), UDY_EINVAL);
}

//------------------------------------------ The exponent ------------------------------------------

static const double T[] = {50, 100, 200, 400, 1000};
enum { N_T = 5 };

static void the_exponent_equals_numpys_fit(void **state) {
    (void)state;
    double value[6 * N_T], base[4 * N_T], spread[6], cost[N_T];
    udy_rng rng;
    udy_rng_init(&rng, 31);
    for (int i = 0; i < 6; i++) spread[i] = 1 + 0.3 * udy_rng_normal(&rng);
    for (int i = 0; i < 6 * N_T; i++)
        value[i] = 3e-3 * pow(T[i % N_T], 1.7) * spread[i / N_T] + udy_rng_normal(&rng);
    for (int i = 0; i < 4 * N_T; i++) base[i] = udy_rng_normal(&rng);
    udy_exponent e;
    assert_int_equal(udy_exponent_fit(&e, cost, T, N_T, value, 6, base, 4, 999, 0.95, &rng, NULL),
                     0);
    assert_all_near(cost, golden_cost, N_T, 1e-13, "cost");
    assert_int_equal(e.status, UDY_FIT_FULL);
    assert_near(e.k, golden_exponent[0], 1e-12, "k", 0);
    assert_near(e.c, golden_exponent[1], 1e-13, "c", 0);
    assert_near(e.r2, golden_exponent[2], 1e-12, "r2", 0);
    assert_true(e.has_ci && e.ci[0] < e.k && e.k < e.ci[1] && e.words[0] == '\0');
}

static void the_interval_holds_the_true_exponent_about_as_often_as_it_says(void **state) {
    (void)state;
    enum { TRIALS = 300, N = 25 };
    int held = 0;
    udy_rng rng;
    udy_rng_init(&rng, 32);
    for (int trial = 0; trial < TRIALS; trial++) {
        // Each episode errs once, at a time of its own, and pays from then on: cost grows as T^2.
        double value[N * N_T];
        for (int i = 0; i < N; i++) {
            double at = 1000 * udy_rng_double(&rng);
            double often = 1 + 0.2 * udy_rng_normal(&rng);
            for (int t = 0; t < N_T; t++)
                value[i * N_T + t] = often * T[t] * T[t] * (1 + 0.3 * sin(at + t));
        }
        udy_exponent e;
        assert_int_equal(
            udy_exponent_fit(&e, NULL, T, N_T, value, N, NULL, 0, 199, 0.95, &rng, NULL), 0);
        assert_true(e.has_ci);
        held += e.ci[0] <= 2 && 2 <= e.ci[1];
    }
    assert_in_range(held, TRIALS * 86 / 100, TRIALS * 99 / 100);
}

static void costs_that_are_not_positive_are_answered_in_words(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 33);
    udy_exponent e;
    const double none[] = {0, 0, 0, 0, 0}, late[] = {1, 2, 4, 8, -3}, early[] = {-1, 2, 4, 8, 20};
    assert_int_equal(udy_exponent_fit(&e, NULL, T, N_T, none, 1, NULL, 0, 99, 0.95, &rng, NULL), 0);
    assert_true(e.status == UDY_FIT_NONE && e.k == 0 && e.c == 0 && e.r2 == 0 && !e.has_ci);
    assert_non_null(strstr(e.words, "the cost at T = 1000 is 0"));
    assert_int_equal(udy_exponent_fit(&e, NULL, T, N_T, late, 1, NULL, 0, 99, 0.95, &rng, NULL), 0);
    assert_true(e.status == UDY_FIT_NONE);
    assert_non_null(strstr(e.words, "the cost at T = 1000 is -3"));
    assert_int_equal(udy_exponent_fit(&e, NULL, T, N_T, early, 1, NULL, 0, 99, 0.95, &rng, NULL),
                     0);
    assert_true(e.status == UDY_FIT_PARTIAL && e.first == 1 && e.k > 0.9 && e.k < 1.1);
    assert_non_null(strstr(e.words, "fitted from T = 100 on: at T = 50 the cost is -1"));
    assert_non_null(strstr(e.words, "no interval: it takes at least 3 episodes"));
    assert_true(!e.has_ci && e.ci[0] == e.k && e.ci[1] == e.k);
    assert_int_equal(udy_exponent_fit(&e, NULL, T, 2, early + 1, 1, NULL, 0, 0, 0.95, &rng, NULL),
                     0);
    assert_true(e.status == UDY_FIT_NONE);
    assert_non_null(strstr(e.words, "2 horizons"));
    // The mean is positive, but most resamples miss the one episode that makes it so.
    double rare[4 * N_T];
    for (int i = 0; i < 4 * N_T; i++) rare[i] = i < N_T ? 100 * T[i] : -10;
    assert_int_equal(udy_exponent_fit(&e, NULL, T, N_T, rare, 4, NULL, 0, 199, 0.95, &rng, NULL),
                     0);
    assert_true(e.status == UDY_FIT_FULL && !e.has_ci);
    assert_non_null(strstr(e.words, "of 199 resamples a cost is not positive"));
}

static void a_flat_cost_has_exponent_zero_and_one_that_explains_all(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 34);
    double flat[4 * N_T];
    for (int i = 0; i < 4 * N_T; i++) flat[i] = 0.1;
    udy_exponent e;
    assert_int_equal(udy_exponent_fit(&e, NULL, T, N_T, flat, 4, NULL, 0, 99, 0.95, &rng, NULL), 0);
    assert_near(e.k, 0, 1e-14, "k", 0);
    assert_near(e.c, 0.1, 1e-14, "c", 0);
    assert_true(e.r2 == 1 && e.has_ci);
}

static void senseless_horizons_and_values_are_refused(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 35);
    udy_exponent e;
    udy_error err = {0};
    const double bad_T[] = {1, 3, 2}, zero_T[] = {0, 1, 2}, ok[] = {1, 2, 3}, nan[] = {1, NAN, 3};
    const double *horizons[] = {bad_T, zero_T, nan};
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            udy_exponent_fit(&e, NULL, horizons[i], 3, ok, 1, NULL, 0, 9, 0.95, &rng, &err),
            UDY_EINVAL);
    assert_int_equal(udy_exponent_fit(&e, NULL, ok, 3, nan, 1, NULL, 0, 9, 0.95, &rng, &err),
                     UDY_ENONFINITE);
    assert_says(&err, "episode 0 at horizon 1 is nan");
    assert_int_equal(udy_exponent_fit(&e, NULL, ok, 3, ok, 1, nan, 1, 9, 0.95, &rng, &err),
                     UDY_ENONFINITE);
    assert_says(&err, "baseline");
    assert_int_equal(udy_exponent_fit(&e, NULL, ok, 3, ok, 0, NULL, 0, 9, 0.95, &rng, &err),
                     UDY_EINVAL);
    assert_int_equal(udy_exponent_fit(&e, NULL, ok, 3, ok, 1, NULL, 0, -1, 0.95, &rng, &err),
                     UDY_EINVAL);
}

//------------------------------------------ The map -----------------------------------------------

static void components_equal_scikit_learns(void **state) {
    (void)state;
    const int l[] = {60, 40};
    made m;
    make_sample(&m, "expert", 41, l, 2, (recipe){.dims = 9, .phi = 0.7, .shift = 2, .scale = 3});
    for (int r = 0; r < 100; r++) {
        double x[9];
        for (int k = 0; k < 9; k++) x[k] = m.data[9 * r + k] + (k ? 0.8 * x[k - 1] : 0);
        for (int k = 0; k < 9; k++) m.data[9 * r + k] = (float)x[k];
    }
    for (int i = 0; i < 27; i++) assert_true(m.data[i] == golden_pca_rows[i]);
    udy_pca pca;
    assert_int_equal(udy_pca_fit(&pca, &m.sample, NULL, NULL), 0);
    for (int c = 0; c < 2; c++)
        for (int k = 0; k < 9; k++)
            assert_near(pca.components[c][k], golden_components[9 * c + k], 1e-12, "component", k);
    assert_all_near(pca.variance, golden_variance, 9, 1e-12, "variance");
    assert_all_near(pca.share, golden_share, 2, 1e-12, "share");
    const int rows[] = {0, 50, 99};
    for (int i = 0; i < 3; i++) {
        double at[2];
        udy_pca_project(&pca, m.data + 9 * rows[i], 1, at);
        assert_near(at[0], golden_projected[2 * i], 1e-12, "first coordinate", i);
        assert_near(at[1], golden_projected[2 * i + 1], 1e-12, "second coordinate", i);
    }
    udy_pca_free(&pca);
    unmake(&m);
}

// Jacobi's answer at 128 dimensions, against what makes it one: variances along the components, none
// between them, unit length, and the trace.
static void components_of_128_dimensions_diagonalise_the_covariance(void **state) {
    (void)state;
    enum { D = 128, N = 400 };
    udy_rng rng;
    udy_rng_init(&rng, 44);
    made m;
    make_equal(&m, "m", &rng, N, 1, (recipe){.dims = D, .scale = 1});
    for (int r = 0; r < N; r++)
        for (int k = 1; k < D; k++) m.data[D * r + k] += 0.9f * m.data[D * r + k - 1];
    udy_pca pca;
    assert_int_equal(udy_pca_fit(&pca, &m.sample, NULL, NULL), 0);
    static double at[N][2];
    udy_pca_project(&pca, m.data, N, &at[0][0]);
    double mean[2] = {0}, cov[3] = {0}, unit = 0, trace = 0;
    for (int r = 0; r < N; r++) {
        mean[0] += at[r][0] / N;
        mean[1] += at[r][1] / N;
        cov[0] += at[r][0] * at[r][0] / (N - 1);
        cov[1] += at[r][1] * at[r][1] / (N - 1);
        cov[2] += at[r][0] * at[r][1] / (N - 1);
    }
    for (int k = 0; k < D; k++) {
        unit += pca.components[0][k] * pca.components[0][k];
        trace += pca.variance[k];
        if (k) assert_true(pca.variance[k] <= pca.variance[k - 1]);
    }
    assert_near(mean[0], 0, 1e-12, "mean", 0);
    assert_near(cov[0], pca.variance[0], 1e-11, "variance", 0);
    assert_near(cov[1], pca.variance[1], 1e-11, "variance", 1);
    assert_near(cov[2], 0, 1e-11, "covariance", 0);
    assert_near(unit, 1, 1e-13, "length", 0);
    assert_near(trace, D * (double)N / (N - 1), 1e-10, "trace", 0);
    udy_pca_free(&pca);
    unmake(&m);
}

static void one_row_one_dimension_and_constants_have_a_map_too(void **state) {
    (void)state;
    const float row[] = {1, 2, 3};
    const udy_rows one = {row, 1}, column = {row, 3};
    udy_sample single = {"single", 3, 1, &one}, narrow = {"narrow", 1, 1, &column};
    udy_pca pca;
    double at[2];
    assert_int_equal(udy_pca_fit(&pca, &single, NULL, NULL), 0);
    assert_true(pca.share[0] == 0 && pca.variance[0] == 0);
    udy_pca_project(&pca, row, 1, at);
    assert_true(at[0] == 0 && at[1] == 0);
    udy_pca_free(&pca);
    assert_int_equal(udy_pca_fit(&pca, &narrow, NULL, NULL), 0);
    assert_true(pca.components[0][0] == 1 && pca.components[1][0] == 0 && pca.share[0] == 1);
    udy_pca_project(&pca, row, 1, at);
    assert_true(at[0] < 0 && at[1] == 0);
    udy_pca_free(&pca);
    udy_pca_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_rows_equal_scikit_learns),
        cmocka_unit_test(nearest_rows_are_exact_also_among_duplicates_and_far_away),
        cmocka_unit_test(a_row_of_nan_has_no_neighbour_and_one_row_is_a_reference),
        cmocka_unit_test(survival_equals_scipys_and_lifelines),
        cmocka_unit_test(without_falls_survival_is_one_and_its_lower_bound_the_binomials),
        cmocka_unit_test(when_all_fall_survival_ends_at_zero_with_finite_ends),
        cmocka_unit_test(hazard_counts_falls_by_steps_made_with_wilsons_interval),
        cmocka_unit_test(survival_of_a_constant_hazard_is_geometric),
        cmocka_unit_test(senseless_episodes_are_refused),
        cmocka_unit_test(the_exponent_equals_numpys_fit),
        cmocka_unit_test(the_interval_holds_the_true_exponent_about_as_often_as_it_says),
        cmocka_unit_test(costs_that_are_not_positive_are_answered_in_words),
        cmocka_unit_test(a_flat_cost_has_exponent_zero_and_one_that_explains_all),
        cmocka_unit_test(senseless_horizons_and_values_are_refused),
        cmocka_unit_test(components_equal_scikit_learns),
        cmocka_unit_test(components_of_128_dimensions_diagonalise_the_covariance),
        cmocka_unit_test(one_row_one_dimension_and_constants_have_a_map_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
