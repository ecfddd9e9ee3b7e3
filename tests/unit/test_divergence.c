// Distances between samples, in one dimension and in all: against SciPy's, scikit-learn's and NumPy's
// numbers (tests/data/divergence-golden.h, written by make_divergence.py), known answers, degenerate
// samples, and the same bits at any number of threads. Levels and power: test_divergence_null.c.
#include "test_divergence_common.h"

#include "../data/divergence-golden.h"

static const recipe plain = {.dims = 4, .phi = 0.8, .scale = 1};

static udy_divergence_config all_rows(void) {
    udy_divergence_config c = udy_divergence_config_default();
    c.rows_per_episode = 0;
    return c;
}

// make_divergence.py's samples of `joint`.
static void make_joint(made *a, made *b) {
    const int la[] = {7, 5, 9}, lb[] = {6, 8, 4, 3};
    make_sample(a, "expert", 11, la, 3, plain);
    make_sample(b, "learner", 12, lb, 4,
                (recipe){.dims = 4, .phi = 0.8, .shift = 0.4, .scale = 1.5});
}

//------------------------------------------ One dimension -----------------------------------------

// make_divergence.py's x, y and weights of `one_dimension`.
typedef struct pair {
    double x[40], y[25], wx[40], wy[25];
} pair;

static pair make_pair(void) {
    pair p;
    udy_rng rng;
    udy_rng_init(&rng, 20260301);
    for (int i = 0; i < 40; i++) p.x[i] = udy_rng_normal(&rng);
    for (int i = 0; i < 25; i++) p.y[i] = 0.5 + 2 * udy_rng_normal(&rng);
    for (int i = 0; i < 40; i++) p.wx[i] = udy_rng_double(&rng);
    for (int i = 0; i < 25; i++) p.wy[i] = udy_rng_double(&rng);
    return p;
}

static void wasserstein_equals_scipys_also_weighted_and_of_unequal_sizes(void **state) {
    (void)state;
    pair p = make_pair();
    double got[5], moved[40];
    for (int i = 0; i < 40; i++) moved[i] = p.x[i] + 3;
    const double few[] = {0, 0, 1, 1}, many[] = {0, 1, 1, 1, 1, 1};
    assert_int_equal(udy_wasserstein1(p.x, NULL, 40, p.y, NULL, 25, &got[0], NULL), 0);
    assert_int_equal(udy_wasserstein1(p.x, p.wx, 40, p.y, p.wy, 25, &got[1], NULL), 0);
    assert_int_equal(udy_wasserstein1(p.x, NULL, 40, p.y, p.wy, 25, &got[2], NULL), 0);
    assert_int_equal(udy_wasserstein1(p.x, NULL, 40, moved, NULL, 40, &got[3], NULL), 0);
    assert_int_equal(udy_wasserstein1(few, NULL, 4, many, NULL, 6, &got[4], NULL), 0);
    assert_all_near(got, golden_w1, 5, 1e-13, "Wasserstein-1");
}

static void wasserstein_of_single_and_constant_values_is_their_distance(void **state) {
    (void)state;
    const double one[] = {2}, same[] = {5, 5, 5};
    double d = -1;
    assert_int_equal(udy_wasserstein1(one, NULL, 1, same, NULL, 3, &d, NULL), 0);
    assert_near(d, 3, 1e-15, "distance", 0);
    assert_int_equal(udy_wasserstein1(same, NULL, 3, same, NULL, 2, &d, NULL), 0);
    assert_true(d == 0);
}

static void bins_hold_equal_shares_of_the_mixture_and_equal_numpys(void **state) {
    (void)state;
    pair p = make_pair();
    double edges[9], mass_p[8], mass_q[8], other[5];
    int n_made = 0;
    assert_int_equal(udy_bin_edges(p.x, p.wx, 40, p.y, p.wy, 25, 8, edges, &n_made, NULL), 0);
    assert_int_equal(n_made, 8);
    assert_all_near(edges, golden_edges, 9, 0, "edge");
    assert_int_equal(udy_histogram(p.x, p.wx, 40, edges, 8, mass_p, NULL), 0);
    assert_int_equal(udy_histogram(p.y, p.wy, 25, edges, 8, mass_q, NULL), 0);
    assert_all_near(mass_p, golden_p, 8, 1e-13, "share of x");
    assert_all_near(mass_q, golden_q, 8, 1e-13, "share of y");
    // Values outside count in the whole, but in no bin.
    double steps[6];
    for (int i = 0; i < 6; i++) steps[i] = -1 + 0.4 * i;
    assert_int_equal(udy_histogram(p.x, NULL, 40, steps, 5, other, NULL), 0);
    assert_all_near(other, golden_histogram, 5, 1e-13, "share between -1 and 1");
}

static void jensen_shannon_equals_scipys(void **state) {
    (void)state;
    const double p[] = {1, 2, 3, 0}, q[] = {5, 0, 1, 0}, left[] = {1, 0}, right[] = {0, 1};
    double got[3];
    assert_int_equal(udy_jensen_shannon(golden_p, golden_q, 8, &got[0], NULL), 0);
    assert_int_equal(udy_jensen_shannon(p, q, 4, &got[1], NULL), 0);
    assert_int_equal(udy_jensen_shannon(left, right, 2, &got[2], NULL), 0);
    assert_all_near(got, golden_js, 3, 1e-13, "Jensen-Shannon");
    assert_int_equal(udy_jensen_shannon(p, p, 4, &got[0], NULL), 0);
    assert_true(got[0] == 0);
}

static void ties_are_never_parted_and_a_constant_is_one_bin(void **state) {
    (void)state;
    const double x[] = {0, 0, 0, 0, 0, 0, 1, 2}, y[] = {0, 3}, same[] = {7, 7, 7};
    double edges[5], mass[4];
    int n_made;
    assert_int_equal(udy_bin_edges(x, NULL, 8, y, NULL, 2, 4, edges, &n_made, NULL), 0);
    // Zeros are 5/8 of the mixture: two bins' worth in one.
    assert_int_equal(n_made, 3);
    assert_true(edges[0] == 0 && edges[1] == 1 && edges[2] == 3 && edges[3] == 3);
    assert_int_equal(udy_histogram(y, NULL, 2, edges, n_made, mass, NULL), 0);
    assert_true(mass[0] == 0.5 && mass[1] == 0 && mass[2] == 0.5);
    assert_int_equal(udy_bin_edges(same, NULL, 3, same, NULL, 1, 4, edges, &n_made, NULL), 0);
    assert_int_equal(n_made, 1);
    assert_int_equal(udy_histogram(same, NULL, 3, edges, n_made, mass, NULL), 0);
    assert_true(mass[0] == 1);
}

static void senseless_values_are_refused_and_named(void **state) {
    (void)state;
    const double x[] = {1, 2, NAN}, y[] = {1, INFINITY}, w[] = {1, -1}, none[] = {0, 0};
    const double ok[] = {1, 2}, falling[] = {0, 2, 1};
    double d, mass[2], edges[3];
    int n_made;
    udy_error err = {0};
    assert_int_equal(udy_wasserstein1(x, NULL, 3, ok, NULL, 2, &d, &err), UDY_ENONFINITE);
    assert_says(&err, "x[2] is nan");
    assert_int_equal(udy_wasserstein1(ok, NULL, 2, y, NULL, 2, &d, &err), UDY_ENONFINITE);
    assert_says(&err, "y[1] is inf");
    assert_int_equal(udy_wasserstein1(ok, w, 2, ok, NULL, 2, &d, &err), UDY_EINVAL);
    assert_says(&err, "weight of x[1] is -1");
    assert_int_equal(udy_wasserstein1(ok, none, 2, ok, NULL, 2, &d, &err), UDY_EINVAL);
    assert_int_equal(udy_wasserstein1(ok, NULL, 0, ok, NULL, 2, &d, &err), UDY_EINVAL);
    assert_int_equal(udy_bin_edges(ok, NULL, 2, ok, NULL, 2, 0, edges, &n_made, &err), UDY_EINVAL);
    assert_int_equal(udy_histogram(ok, NULL, 2, falling, 2, mass, &err), UDY_EINVAL);
    assert_int_equal(udy_jensen_shannon(none, ok, 2, &d, &err), UDY_EINVAL);
    assert_int_equal(udy_jensen_shannon(w, ok, 2, &d, &err), UDY_EINVAL);
    assert_says(&err, "bin 1");
}

//------------------------------------------ Columns -----------------------------------------------

static void columns_agree_with_the_functions_of_one_dimension(void **state) {
    (void)state;
    made a, b;
    make_joint(&a, &b);
    udy_divergence_config config = all_rows();
    config.n_bins = 6;
    config.permutations = config.resamples = 49;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_column columns[4];
    assert_int_equal(udy_column_divergence(columns, &a.sample, &b.sample, &config, &rng, NULL,
                                           "columns", NULL, NULL),
                     0);
    for (int k = 0; k < 4; k++) {
        double x[21], y[21], edges[7], p[6], q[6], js;
        int n_made;
        for (int i = 0; i < 21; i++) {
            x[i] = a.data[4 * i + k];
            y[i] = b.data[4 * i + k];
        }
        assert_int_equal(udy_bin_edges(x, NULL, 21, y, NULL, 21, 6, edges, &n_made, NULL), 0);
        assert_int_equal(udy_histogram(x, NULL, 21, edges, n_made, p, NULL), 0);
        assert_int_equal(udy_histogram(y, NULL, 21, edges, n_made, q, NULL), 0);
        assert_int_equal(udy_jensen_shannon(p, q, n_made, &js, NULL), 0);
        assert_near(columns[k].jensen_shannon.value, js, 1e-12, "Jensen-Shannon", k);
        assert_near(columns[k].wasserstein.value, golden_column_w1[k], 1e-13, "Wasserstein", k);
        const udy_measure *m = &columns[k].wasserstein;
        assert_true(m->has_ci && m->ci[0] <= m->ci[1] && m->null[0] <= m->null[1]);
        assert_true(m->p > 0 && m->p <= 1);
    }
    unmake(&a);
    unmake(&b);
}

static void constant_columns_and_single_rows_give_zero_distance_and_p_one(void **state) {
    (void)state;
    const float one[] = {3, 1}, other[] = {3, 2};
    const udy_rows rows[2] = {{one, 1}, {other, 1}};
    udy_sample a = {"a", 2, 1, &rows[0]}, b = {"b", 2, 1, &rows[1]};
    udy_divergence_config config = all_rows();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_column c[2];
    assert_int_equal(udy_column_divergence(c, &a, &b, &config, &rng, NULL, "", NULL, NULL), 0);
    assert_true(c[0].wasserstein.value == 0 && c[0].jensen_shannon.value == 0);
    assert_true(c[0].wasserstein.p == 1 && !c[0].wasserstein.has_ci);
    // One episode against one: the distance is plain, but nothing can be shown.
    assert_true(c[1].wasserstein.value == 1 && c[1].jensen_shannon.value == 1);
    assert_true(c[1].wasserstein.p == 1 && c[1].wasserstein.ci[0] == 1);
}

//------------------------------------------ Joint -------------------------------------------------

static void energy_and_mmd_equal_scipys_and_scikit_learns(void **state) {
    (void)state;
    made a, b;
    make_joint(&a, &b);
    udy_standard standard;
    assert_int_equal(udy_standard_fit(&standard, (const udy_sample *[]){&a.sample}, 1, NULL), 0);
    assert_all_near(standard.mean, golden_mean, 4, 1e-13, "mean");
    assert_all_near(standard.std, golden_std, 4, 1e-13, "std");
    udy_divergence_config config = all_rows();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_joint j;
    assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, &standard, &config, &rng, NULL,
                                          "joint", NULL, NULL),
                     0);
    assert_near(j.energy.value, golden_energy[0], 1e-12, "energy", 0);
    assert_near(j.energy_all_pairs, golden_energy[1], 1e-12, "energy, all pairs", 0);
    assert_near(j.mmd.value, golden_mmd[0], 1e-12, "MMD", 0);
    assert_near(j.mmd_all_pairs, golden_mmd[1], 1e-12, "MMD, all pairs", 0);
    assert_near(j.bandwidth, golden_mmd[2], 1e-12, "bandwidth", 0);
    assert_int_equal(j.rows[0], 21);
    assert_int_equal(j.rows[1], 21);
    udy_standard_free(&standard);
    unmake(&a);
    unmake(&b);
}

static void in_one_dimension_energy_is_scipys_squared(void **state) {
    (void)state;
    made a, b;
    make_joint(&a, &b);
    // The first column alone, unstandardised.
    float x[21], y[21];
    for (int i = 0; i < 21; i++) {
        x[i] = a.data[4 * i];
        y[i] = b.data[4 * i];
    }
    const udy_rows rows[2] = {{x, 21}, {y, 21}};
    double zero = 0, one = 1;
    uint8_t moves = 0;
    udy_standard none = {1, &zero, &one, &moves};
    udy_sample first = {"first", 1, 1, &rows[0]}, second = {"second", 1, 1, &rows[1]};
    udy_divergence_config config = all_rows();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_joint j;
    assert_int_equal(
        udy_joint_divergence(&j, &first, &second, &none, &config, &rng, NULL, "", NULL, NULL), 0);
    assert_near(j.energy_all_pairs, golden_energy_1d[0], 1e-12, "energy", 0);
    assert_true(j.energy.p == 1 && j.least_p == 1);
    unmake(&a);
    unmake(&b);
}

// E|Z| of Z ~ N(mean, std^2).
static double folded_mean(double mean, double std) {
    const double pi = 3.14159265358979323846;
    return std * sqrt(2 / pi) * exp(-mean * mean / (2 * std * std)) +
           mean * erf(mean / (std * sqrt(2)));
}

static void normal_samples_give_the_known_distances(void **state) {
    (void)state;
    made a, b;
    udy_rng rng;
    udy_rng_init(&rng, 77);
    // Independent rows: 60 episodes of 60. The standard error of the energy distance is some 0.025.
    make_equal(&a, "a", &rng, 60, 60, (recipe){.dims = 1, .scale = 1});
    make_equal(&b, "b", &rng, 60, 60, (recipe){.dims = 1, .scale = 1, .shift = 1});
    double zero = 0, one = 1;
    uint8_t moves = 0;
    udy_standard none = {1, &zero, &one, &moves};
    udy_divergence_config config = all_rows();
    config.bandwidth = 1;
    udy_joint j;
    udy_column c;
    assert_int_equal(
        udy_joint_divergence(&j, &a.sample, &b.sample, &none, &config, &rng, NULL, "", NULL, NULL),
        0);
    double energy = 2 * folded_mean(1, sqrt(2)) - 2 * folded_mean(0, sqrt(2));
    // E exp(-d^2/2) for d ~ N(m, 2) is exp(-m^2 / 6) / sqrt 3.
    double mmd = 2 / sqrt(3) * (1 - exp(-1.0 / 6));
    assert_near(j.energy.value, energy, 0.075, "energy", 0);
    assert_near(j.mmd.value, mmd, 0.03, "MMD", 0);
    assert_true(j.energy.ci[0] < j.energy.value && j.energy.value < j.energy.ci[1]);
    assert_true(j.mmd.ci[0] < j.mmd.value && j.mmd.value < j.mmd.ci[1]);
    assert_true(j.energy.p == 0.001 && j.mmd.p == 0.001);
    assert_int_equal(
        udy_column_divergence(&c, &a.sample, &b.sample, &config, &rng, NULL, "", NULL, NULL), 0);
    assert_near(c.wasserstein.value, 1, 0.075, "Wasserstein", 0);
    // The divergence of N(0,1) and N(1,1) in bits, integrated numerically.
    double bits = 0;
    for (double x = -8; x < 9; x += 1e-3) {
        double p = exp(-x * x / 2), q = exp(-(x - 1) * (x - 1) / 2), m = (p + q) / 2;
        bits += 0.5 * (p * log2(p / m) + q * log2(q / m)) * 1e-3 / 2.5066282746310002;
    }
    assert_near(c.jensen_shannon.value, sqrt(bits), 0.02, "Jensen-Shannon", 0);
    unmake(&a);
    unmake(&b);
}

static void picked_rows_stand_for_the_rest(void **state) {
    (void)state;
    made a, b;
    const int la[] = {900, 1000, 40, 1000, 700, 800}, lb[] = {1000, 300, 1000, 650, 1000};
    make_sample(&a, "a", 5, la, 6, plain);
    make_sample(&b, "b", 6, lb, 5, (recipe){.dims = 4, .phi = 0.8, .shift = 0.5, .scale = 1});
    udy_divergence_config config = all_rows();
    config.permutations = config.resamples = 0;
    udy_rng rng;
    udy_rng_init(&rng, 3);
    udy_joint whole, part;
    assert_int_equal(udy_joint_divergence(&whole, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                          "", NULL, NULL),
                     0);
    config.rows_per_episode = 150;
    assert_int_equal(udy_joint_divergence(&part, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                          "", NULL, NULL),
                     0);
    assert_int_equal(whole.rows[0], 4440);
    assert_int_equal(part.rows[0], 5 * 150 + 40);
    assert_near(part.energy.value, whole.energy.value, 0.1 * whole.energy.value, "energy", 0);
    assert_near(part.mmd.value, whole.mmd.value, 0.1 * whole.mmd.value, "MMD", 0);
    assert_true(whole.energy.p == 1 && whole.energy.null[1] == 0 && !whole.energy.has_ci);
    unmake(&a);
    unmake(&b);
}

static void a_constant_dimension_counts_in_its_own_unit(void **state) {
    (void)state;
    const float still[] = {5, 0, 5, 1, 5, 2, 5, 3}, moved[] = {8, 0, 8, 1, 8, 2, 8, 3};
    const udy_rows rows = {still, 4};
    udy_sample a = {"a", 2, 1, &rows};
    udy_standard standard;
    assert_int_equal(udy_standard_fit(&standard, (const udy_sample *[]){&a}, 1, NULL), 0);
    assert_true(standard.constant[0] && !standard.constant[1]);
    assert_true(standard.std[0] == 1 && standard.mean[0] == 5);
    udy_neighbours *nb;
    assert_int_equal(udy_neighbours_create(&nb, &a, &standard, NULL), 0);
    double d[4];
    assert_int_equal(udy_neighbours_query(nb, moved, 4, d, NULL, NULL, "", NULL, NULL), 0);
    for (int i = 0; i < 4; i++) assert_true(d[i] == 3);
    udy_neighbours_destroy(nb);
    // Nothing moves at all: all distances are 0, and the bandwidth has to be something.
    const udy_rows same[2] = {{still, 1}, {still, 1}};
    udy_sample c = {"c", 2, 2, same};
    udy_divergence_config config = all_rows();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_joint j;
    assert_int_equal(udy_joint_divergence(&j, &c, &c, NULL, &config, &rng, NULL, "", NULL, NULL),
                     0);
    assert_true(j.energy.value == 0 && j.mmd.value == 0 && j.bandwidth == 1);
    assert_true(j.energy.p == 1 && j.mmd.p == 1);
    udy_standard_free(&standard);
}

static void nan_is_refused_naming_sample_column_episode_and_row(void **state) {
    (void)state;
    made a, b;
    make_joint(&a, &b);
    b.data[4 * (6 + 5) + 2] = NAN;  // episode 1, row 5, column 2
    udy_divergence_config config = all_rows();
    udy_classifier_config classifier = udy_classifier_config_default();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    const char *words = "learner: column 2 is nan at row 5 of episode 1";
    udy_error err = {0};
    udy_joint j;
    udy_column c[4];
    udy_classifier_test t;
    udy_time_divergence d;
    udy_neighbours *nb;
    udy_pca pca;
    udy_standard s;
    const udy_sample *x = &a.sample, *y = &b.sample;
    assert_int_equal(udy_joint_divergence(&j, x, y, NULL, &config, &rng, NULL, "", NULL, &err),
                     UDY_ENONFINITE);
    assert_says(&err, words);
    assert_int_equal(udy_column_divergence(c, x, y, &config, &rng, NULL, "", NULL, &err),
                     UDY_ENONFINITE);
    assert_says(&err, words);
    assert_int_equal(
        udy_classifier_two_sample(&t, x, y, NULL, &classifier, &rng, NULL, "", NULL, &err),
        UDY_ENONFINITE);
    assert_says(&err, words);
    assert_int_equal(udy_divergence_by_time(&d, x, y, NULL, 2, &config, &rng, NULL, "", NULL, &err),
                     UDY_ENONFINITE);
    assert_says(&err, words);
    assert_int_equal(udy_neighbours_create(&nb, y, NULL, &err), UDY_ENONFINITE);
    assert_int_equal(udy_pca_fit(&pca, y, NULL, &err), UDY_ENONFINITE);
    assert_int_equal(udy_standard_fit(&s, &y, 1, &err), UDY_ENONFINITE);
    assert_says(&err, words);
    unmake(&a);
    unmake(&b);
}

static void samples_and_settings_that_make_no_sense_are_refused(void **state) {
    (void)state;
    made a, b;
    make_joint(&a, &b);
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_joint j;
    udy_error err = {0};
    udy_divergence_config config = all_rows();
    udy_sample narrow = b.sample, none = b.sample, empty = b.sample;
    udy_rows nothing = {b.data, 0};
    narrow.dims = 3;
    none.n = 0;
    empty.n = 1;
    empty.episodes = &nothing;
    const udy_sample *bad[] = {&narrow, &none, &empty};
    const int status[] = {UDY_EMISMATCH, UDY_EINVAL, UDY_EINVAL};
    for (int i = 0; i < COUNT(bad); i++)
        assert_int_equal(
            udy_joint_divergence(&j, &a.sample, bad[i], NULL, &config, &rng, NULL, "", NULL, &err),
            status[i]);
    udy_divergence_config wrong[6];
    for (int i = 0; i < COUNT(wrong); i++) wrong[i] = config;
    wrong[0].level = 1;
    wrong[1].level = NAN;
    wrong[2].permutations = -1;
    wrong[3].resamples = -1;
    wrong[4].bandwidth = NAN;
    wrong[5].rows_per_episode = -1;
    for (int i = 0; i < COUNT(wrong); i++)
        assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, NULL, &wrong[i], &rng, NULL,
                                              "", NULL, &err),
                         UDY_EINVAL);
    udy_standard standard;
    assert_int_equal(udy_standard_fit(&standard, (const udy_sample *[]){&a.sample}, 1, NULL), 0);
    standard.dims = 3;
    assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, &standard, &config, &rng, NULL,
                                          "", NULL, &err),
                     UDY_EMISMATCH);
    standard.dims = 4;
    udy_standard_free(&standard);
    unmake(&a);
    unmake(&b);
}

//------------------------------------------ Threads and interruption ------------------------------

static bool same_measure(const udy_measure *one, const udy_measure *two) {
    return one->value == two->value && one->p == two->p && one->has_ci == two->has_ci &&
           !memcmp(one->ci, two->ci, sizeof one->ci) &&
           !memcmp(one->null, two->null, sizeof one->null);
}

static void equal_seeds_give_equal_bits_at_any_number_of_threads(void **state) {
    (void)state;
    made a, b;
    udy_rng rng;
    udy_rng_init(&rng, 9);
    make_equal(&a, "a", &rng, 70, 7, plain);
    make_equal(&b, "b", &rng, 70, 9, plain);
    udy_divergence_config config = udy_divergence_config_default();
    config.rows_per_episode = 20;
    udy_classifier_config classifier = udy_classifier_config_default();
    classifier.updates = 40;
    static udy_joint joint[3];
    static udy_column columns[3][4];
    static udy_classifier_test test[3];
    udy_time_divergence time[3];
    const int threads[] = {0, 1, 3};
    for (int i = 0; i < 3; i++) {
        udy_pool *pool = NULL;
        if (threads[i]) assert_int_equal(udy_pool_create(&pool, threads[i], NULL), 0);
        udy_rng same;
        udy_rng_init(&same, 4);
        const udy_sample *x = &a.sample, *y = &b.sample;
        int status =
            udy_joint_divergence(&joint[i], x, y, NULL, &config, &same, pool, "", NULL, NULL);
        status |= udy_column_divergence(columns[i], x, y, &config, &same, pool, "", NULL, NULL);
        status |= udy_classifier_two_sample(&test[i], x, y, NULL, &classifier, &same, pool, "",
                                            NULL, NULL);
        status |=
            udy_divergence_by_time(&time[i], x, y, NULL, 5, &config, &same, pool, "", NULL, NULL);
        assert_int_equal(status, 0);
        udy_pool_destroy(pool);
    }
    for (int i = 1; i < 3; i++) {
        assert_true(same_measure(&joint[0].energy, &joint[i].energy));
        assert_true(same_measure(&joint[0].mmd, &joint[i].mmd));
        assert_true(joint[0].energy_all_pairs == joint[i].energy_all_pairs);
        for (int k = 0; k < 4; k++) {
            assert_true(same_measure(&columns[0][k].wasserstein, &columns[i][k].wasserstein));
            assert_true(same_measure(&columns[0][k].jensen_shannon, &columns[i][k].jensen_shannon));
        }
        assert_true(same_measure(&test[0].auc, &test[i].auc));
        assert_true(test[0].train_loss == test[i].train_loss);
        assert_int_equal(time[0].n, time[i].n);
        for (int w = 0; w < time[0].n; w++)
            assert_true(same_measure(&time[0].windows[w].energy, &time[i].windows[w].energy));
        assert_true(time[0].p_anywhere == time[i].p_anywhere);
    }
    for (int i = 0; i < 3; i++) udy_time_divergence_free(&time[i]);
    unmake(&a);
    unmake(&b);
}

static int stop(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                const char *note) {
    (void)stage, (void)done, (void)total, (void)unit, (void)note;
    ++*(int *)ctx;
    return 1;
}

static void long_work_tells_its_progress_and_stops_when_asked(void **state) {
    (void)state;
    made a, b;
    udy_rng rng;
    udy_rng_init(&rng, 9);
    make_equal(&a, "a", &rng, 100, 60, plain);
    make_equal(&b, "b", &rng, 100, 60, plain);
    int asked = 0;
    udy_progress progress = {.on_advance = stop, .ctx = &asked};
    udy_divergence_config config = all_rows();
    config.permutations = 1000000;
    udy_joint j;
    udy_error err = {0};
    assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                          "energy", &progress, &err),
                     UDY_EINTERRUPTED);
    assert_int_equal(asked, 1);
    assert_says(&err, "energy: interrupted");
    udy_classifier_config classifier = udy_classifier_config_default();
    classifier.updates = 10000000;
    udy_classifier_test t;
    assert_int_equal(udy_classifier_two_sample(&t, &a.sample, &b.sample, NULL, &classifier, &rng,
                                               NULL, "classifier", &progress, &err),
                     UDY_EINTERRUPTED);
    assert_int_equal(asked, 2);
    unmake(&a);
    unmake(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wasserstein_equals_scipys_also_weighted_and_of_unequal_sizes),
        cmocka_unit_test(wasserstein_of_single_and_constant_values_is_their_distance),
        cmocka_unit_test(bins_hold_equal_shares_of_the_mixture_and_equal_numpys),
        cmocka_unit_test(jensen_shannon_equals_scipys),
        cmocka_unit_test(ties_are_never_parted_and_a_constant_is_one_bin),
        cmocka_unit_test(senseless_values_are_refused_and_named),
        cmocka_unit_test(columns_agree_with_the_functions_of_one_dimension),
        cmocka_unit_test(constant_columns_and_single_rows_give_zero_distance_and_p_one),
        cmocka_unit_test(energy_and_mmd_equal_scipys_and_scikit_learns),
        cmocka_unit_test(in_one_dimension_energy_is_scipys_squared),
        cmocka_unit_test(normal_samples_give_the_known_distances),
        cmocka_unit_test(picked_rows_stand_for_the_rest),
        cmocka_unit_test(a_constant_dimension_counts_in_its_own_unit),
        cmocka_unit_test(nan_is_refused_naming_sample_column_episode_and_row),
        cmocka_unit_test(samples_and_settings_that_make_no_sense_are_refused),
        cmocka_unit_test(equal_seeds_give_equal_bits_at_any_number_of_threads),
        cmocka_unit_test(long_work_tells_its_progress_and_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
