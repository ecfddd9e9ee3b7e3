// What the tests promise: two sets of episodes of one policy are called different no more often than
// the level says, however alike the rows of an episode are, and a real difference is found. Over many
// draws; that ignoring episodes would fail is shown too.
#include "test_divergence_common.h"

enum { DRAWS = 250 };

// Rows that hardly change within an episode: of 40 rows some three are worth counting.
static const recipe slow = {.dims = 3, .phi = 0.95, .scale = 1};
static const recipe shifted = {.dims = 3, .phi = 0.95, .scale = 1, .shift = 1};
enum { LENGTH = 40, EPISODES = 8 };

// Of n draws at a level, as many rejections as a binomial exceeds once in some 700 times (3 standard
// deviations) are still the level's.
static int allowed(int n, double level) {
    return (int)(n * level + 3 * sqrt(n * level * (1 - level)));
}

static udy_divergence_config quick(void) {
    udy_divergence_config c = udy_divergence_config_default();
    c.permutations = 99;
    c.resamples = 0;
    c.rows_per_episode = 10;
    c.n_bins = 8;
    return c;
}

typedef struct rejections {
    int energy, mmd, wasserstein, jensen_shannon;
} rejections;

// How often each test's p is at most 5 %, b being made by the recipe. With a standard of a third
// sample, of both, or (naively) with every row an episode of its own.
typedef enum { OF_THIRD, OF_BOTH, OF_ROWS } manner;

static rejections count(manner how, recipe of_b, int n_a, int n_b, int draws, uint64_t seed) {
    rejections r = {0};
    udy_divergence_config config = quick();
    for (int i = 0; i < draws; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "test/divergence", (uint64_t)i);
        made a, b, third;
        make_equal(&a, "expert", &rng, LENGTH, n_a, slow);
        make_equal(&b, "other", &rng, LENGTH, n_b, of_b);
        make_equal(&third, "demonstrations", &rng, LENGTH, EPISODES, slow);
        udy_standard standard;
        assert_int_equal(
            udy_standard_fit(&standard, (const udy_sample *[]){&third.sample}, 1, NULL), 0);
        udy_sample x = a.sample, y = b.sample;
        udy_rows rows[2][EPISODES_MAX];
        if (how == OF_ROWS) {
            // Every fourth row on its own: still 10 an episode, as the block test looks at.
            x.n = n_a * LENGTH / 4;
            y.n = n_b * LENGTH / 4;
            assert_true(x.n <= EPISODES_MAX && y.n <= EPISODES_MAX);
            for (int e = 0; e < x.n; e++) rows[0][e] = (udy_rows){a.data + 12 * e, 1};
            for (int e = 0; e < y.n; e++) rows[1][e] = (udy_rows){b.data + 12 * e, 1};
            x.episodes = rows[0];
            y.episodes = rows[1];
        }
        udy_joint j;
        udy_column c[3];
        int status = udy_joint_divergence(&j, &x, &y, how == OF_BOTH ? NULL : &standard, &config,
                                          &rng, NULL, "", NULL, NULL);
        status |= udy_column_divergence(c, &x, &y, &config, &rng, NULL, "", NULL, NULL);
        assert_int_equal(status, 0);
        r.energy += j.energy.p <= 0.05;
        r.mmd += j.mmd.p <= 0.05;
        r.wasserstein += c[0].wasserstein.p <= 0.05;
        r.jensen_shannon += c[0].jensen_shannon.p <= 0.05;
        udy_standard_free(&standard);
        unmake(&a);
        unmake(&b);
        unmake(&third);
    }
    print_message("of %d draws at 5 %%: energy %d, MMD %d, Wasserstein %d, Jensen-Shannon %d\n",
                  draws, r.energy, r.mmd, r.wasserstein, r.jensen_shannon);
    return r;
}

static void assert_holds_level(rejections r, int draws) {
    int most = allowed(draws, 0.05);
    assert_in_range(r.energy, 0, most);
    assert_in_range(r.mmd, 0, most);
    assert_in_range(r.wasserstein, 0, most);
    assert_in_range(r.jensen_shannon, 0, most);
}

static void one_policy_against_itself_is_called_different_no_more_often_than_the_level_says(
    void **state) {
    (void)state;
    rejections r = count(OF_THIRD, slow, EPISODES, EPISODES, DRAWS, 1);
    assert_holds_level(r, DRAWS);
    // Nor never: a test that never rejects holds every level.
    assert_true(r.energy + r.mmd > 0 && r.wasserstein + r.jensen_shannon > 0);
}

static void so_it_is_standardised_by_both_and_with_unequal_numbers_of_episodes(void **state) {
    (void)state;
    assert_holds_level(count(OF_BOTH, slow, 5, 11, DRAWS, 2), DRAWS);
}

static void a_real_shift_is_found(void **state) {
    (void)state;
    rejections r = count(OF_THIRD, shifted, EPISODES, EPISODES, 60, 3);
    assert_in_range(r.energy, 54, 60);
    assert_in_range(r.mmd, 54, 60);
    assert_in_range(r.wasserstein, 24, 60);  // one of the three dimensions alone
}

static void shuffling_rows_instead_would_call_one_policy_different_from_itself(void **state) {
    (void)state;
    rejections r = count(OF_ROWS, slow, EPISODES, EPISODES, 40, 4);
    assert_in_range(r.energy, 20, 40);
    assert_in_range(r.wasserstein, 12, 40);
}

static void unbiased_distances_average_zero_without_a_difference(void **state) {
    (void)state;
    udy_divergence_config config = quick();
    config.permutations = 0;
    double energy[DRAWS], mmd[DRAWS], biased = 0;
    for (int i = 0; i < DRAWS; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, 5, "test/divergence", (uint64_t)i);
        made a, b;
        make_equal(&a, "a", &rng, LENGTH, 5, slow);
        make_equal(&b, "b", &rng, LENGTH, 9, slow);
        udy_joint j;
        assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                              "", NULL, NULL),
                         0);
        energy[i] = j.energy.value;
        mmd[i] = j.mmd.value;
        biased += j.energy_all_pairs / DRAWS;
        unmake(&a);
        unmake(&b);
    }
    double error = udy_std(energy, DRAWS) / sqrt(DRAWS);
    assert_near(udy_mean(energy, DRAWS), 0, 3.5 * error, "mean energy distance", 0);
    assert_near(udy_mean(mmd, DRAWS), 0, 3.5 * udy_std(mmd, DRAWS) / sqrt(DRAWS), "mean MMD", 0);
    assert_true(biased > 20 * error);
}

static void intervals_hold_the_true_energy_distance_about_as_often_as_they_say(void **state) {
    (void)state;
    // Independent rows in one dimension, N(0,1) against N(1,1): the truth is known.
    double zero = 0, one = 1, pi = 3.14159265358979323846;
    uint8_t moves = 0;
    udy_standard none = {1, &zero, &one, &moves};
    double truth = 2 * (sqrt(4 / pi) * exp(-0.25) + erf(0.5)) - 2 * sqrt(4 / pi);
    udy_divergence_config config = quick();
    config.permutations = 0;
    config.resamples = 199;
    int held = 0;
    for (int i = 0; i < DRAWS; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, 6, "test/divergence", (uint64_t)i);
        made a, b;
        make_equal(&a, "a", &rng, 10, 20, (recipe){.dims = 1, .scale = 1, .phi = 0.9});
        make_equal(&b, "b", &rng, 10, 20, (recipe){.dims = 1, .scale = 1, .phi = 0.9, .shift = 1});
        udy_joint j;
        assert_int_equal(udy_joint_divergence(&j, &a.sample, &b.sample, &none, &config, &rng, NULL,
                                              "", NULL, NULL),
                         0);
        assert_true(j.energy.has_ci);
        held += j.energy.ci[0] <= truth && truth <= j.energy.ci[1];
        unmake(&a);
        unmake(&b);
    }
    print_message("95 %% intervals hold the truth in %d of %d draws\n", held, DRAWS);
    assert_in_range(held, DRAWS * 87 / 100, DRAWS * 99 / 100);
}

//------------------------------------------ Classifier --------------------------------------------

static udy_classifier_config quick_classifier(void) {
    udy_classifier_config c = udy_classifier_config_default();
    c.hidden = (udy_ints){1, {16}};
    c.updates = 60;
    c.batch_size = 32;
    c.learning_rate = 0.01;
    c.permutations = 99;
    c.resamples = 99;
    return c;
}

static int classifier_rejections(recipe of_b, int draws, uint64_t seed, double *mean_auc) {
    int rejected = 0;
    udy_classifier_config config = quick_classifier();
    *mean_auc = 0;
    for (int i = 0; i < draws; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "test/classifier", (uint64_t)i);
        made a, b;
        make_equal(&a, "a", &rng, LENGTH, 12, slow);
        make_equal(&b, "b", &rng, LENGTH, 12, of_b);
        udy_classifier_test t;
        assert_int_equal(udy_classifier_two_sample(&t, &a.sample, &b.sample, NULL, &config, &rng,
                                                   NULL, "", NULL, NULL),
                         0);
        assert_int_equal(t.n_train[0], 6);
        assert_int_equal(t.n_test[1], 6);
        assert_true(t.auc.has_ci && t.auc.ci[0] <= t.auc.value && t.auc.value <= t.auc.ci[1]);
        rejected += t.auc.p <= 0.05;
        *mean_auc += t.auc.value / draws;
        unmake(&a);
        unmake(&b);
    }
    print_message("classifier: %d of %d draws at 5 %%, mean AUC %.3f\n", rejected, draws,
                  *mean_auc);
    return rejected;
}

static void the_classifier_holds_its_level_and_finds_a_shift(void **state) {
    (void)state;
    double auc;
    assert_in_range(classifier_rejections(slow, 120, 7, &auc), 0, allowed(120, 0.05));
    assert_near(auc, 0.5, 0.03, "mean AUC without a difference", 0);
    recipe far = slow;
    far.shift = 1.5;
    assert_in_range(classifier_rejections(far, 20, 8, &auc), 18, 20);
    assert_true(auc > 0.85);
}

// Two normals a distance d apart: the best classifier's AUC is Phi(d / sqrt 2).
static void the_classifiers_auc_is_the_known_one(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 12);
    made a, b;
    make_equal(&a, "a", &rng, 100, 20, (recipe){.dims = 2, .scale = 1});
    make_equal(&b, "b", &rng, 100, 20, (recipe){.dims = 2, .scale = 1, .shift = 1});
    udy_classifier_config config = udy_classifier_config_default();
    config.updates = 400;
    udy_classifier_test t;
    assert_int_equal(udy_classifier_two_sample(&t, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                               "", NULL, NULL),
                     0);
    // d = sqrt 2: AUC = Phi(1), accuracy Phi(d / 2).
    assert_near(t.auc.value, 0.841344746, 0.02, "AUC", 0);
    assert_near(t.accuracy, 0.760249939, 0.025, "accuracy", 0);
    assert_true(t.auc.p == 0.001);
    unmake(&a);
    unmake(&b);
}

static void a_classifier_needs_two_episodes_of_each(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 13);
    made a, b;
    make_equal(&a, "expert", &rng, 5, 1, slow);
    make_equal(&b, "learner", &rng, 3, 2, shifted);
    udy_classifier_config config = quick_classifier();
    udy_classifier_test t;
    udy_error err = {0};
    assert_int_equal(udy_classifier_two_sample(&t, &a.sample, &b.sample, NULL, &config, &rng, NULL,
                                               "", NULL, &err),
                     UDY_EINVAL);
    assert_says(&err, "expert has 1 episodes and learner has 2");
    // Two of three steps each will do, though they can show nothing.
    assert_int_equal(udy_classifier_two_sample(&t, &b.sample, &b.sample, NULL, &config, &rng, NULL,
                                               "", NULL, NULL),
                     0);
    assert_true(t.least_p == 0.5 && t.auc.p >= 0.4 && !t.auc.has_ci);
    config.batch_size = 33;
    assert_int_equal(udy_classifier_two_sample(&t, &b.sample, &b.sample, NULL, &config, &rng, NULL,
                                               "", NULL, &err),
                     UDY_EINVAL);
    assert_says(&err, "batches of 33 rows");
    unmake(&a);
    unmake(&b);
}

static void least_p_is_what_the_number_of_episodes_allows(void **state) {
    (void)state;
    assert_near(udy_permutation_least_p(2, 2, 999, true), 1.0 / 3, 1e-15, "least p", 0);
    assert_near(udy_permutation_least_p(2, 2, 999, false), 1.0 / 6, 1e-15, "least p", 1);
    assert_near(udy_permutation_least_p(4, 4, 999, true), 1.0 / 35, 1e-15, "least p", 2);
    assert_near(udy_permutation_least_p(1, 4, 999, true), 1.0 / 5, 1e-15, "least p", 3);
    assert_near(udy_permutation_least_p(1, 1, 999, true), 1, 0, "least p", 4);
    assert_near(udy_permutation_least_p(4000, 4000, 999, true), 1e-3, 1e-18, "least p", 5);
    assert_near(udy_permutation_least_p(20, 20, 0, true), 1, 0, "least p", 6);
}

//------------------------------------------ By time step ------------------------------------------

// b's rows are a's kind up to step 20, and then drift off.
static void drift(made *b) {
    for (int e = 0; e < b->sample.n; e++) {
        float *x = b->data + (size_t)e * LENGTH * 3;
        for (int t = 20; t < LENGTH; t++)
            for (int k = 0; k < 3; k++) x[3 * t + k] += 0.2f * (float)(t - 20);
    }
}

static void divergence_by_time_shows_when_it_begins(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 21);
    made a, b;
    make_equal(&a, "a", &rng, LENGTH, 12, slow);
    make_equal(&b, "b", &rng, LENGTH, 12, slow);
    drift(&b);
    udy_divergence_config config = udy_divergence_config_default();
    udy_time_divergence d;
    assert_int_equal(udy_divergence_by_time(&d, &a.sample, &b.sample, NULL, 5, &config, &rng, NULL,
                                            "", NULL, NULL),
                     0);
    assert_int_equal(d.n, 8);
    for (int w = 0; w < d.n; w++) {
        assert_int_equal(d.windows[w].first, 5 * w);
        assert_int_equal(d.windows[w].end, 5 * w + 5);
        assert_true(d.windows[w].known && d.windows[w].n[0] == 12 && d.windows[w].n[1] == 12);
    }
    assert_true(d.windows[7].energy.p == 0.001 && d.windows[6].energy.p == 0.001);
    assert_true(d.windows[7].energy.value > d.windows[5].energy.value);
    assert_true(d.windows[7].energy.ci[0] > d.windows[7].energy.null[1]);
    assert_true(d.windows[0].energy.p > 0.01);
    assert_true(d.p_anywhere <= 0.002);
    udy_time_divergence_free(&d);
    unmake(&a);
    unmake(&b);
}

static void over_all_windows_one_policy_is_called_different_as_often_as_the_level_says(
    void **state) {
    (void)state;
    udy_divergence_config config = quick();
    int anywhere = 0, in_one = 0;
    for (int i = 0; i < DRAWS; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, 22, "test/time", (uint64_t)i);
        made a, b;
        recipe fast = slow;
        fast.phi = 0.5;
        // Some fall early, by chance alike in both.
        int lengths[2][EPISODES];
        for (int e = 0; e < 2 * EPISODES; e++)
            lengths[e / EPISODES][e % EPISODES] = 20 + (int)udy_rng_below(&rng, 21);
        make_from(&a, "a", &rng, lengths[0], EPISODES, fast);
        make_from(&b, "b", &rng, lengths[1], EPISODES, fast);
        udy_time_divergence d;
        assert_int_equal(udy_divergence_by_time(&d, &a.sample, &b.sample, NULL, 4, &config, &rng,
                                                NULL, "", NULL, NULL),
                         0);
        anywhere += d.p_anywhere <= 0.05;
        bool one = false;
        for (int w = 0; w < d.n; w++) one = one || d.windows[w].energy.p <= 0.05;
        in_one += one;
        udy_time_divergence_free(&d);
        unmake(&a);
        unmake(&b);
    }
    print_message("of %d draws at 5 %%: %d anywhere; in %d some window alone says so\n", DRAWS,
                  anywhere, in_one);
    assert_in_range(anywhere, 0, allowed(DRAWS, 0.05));
    assert_in_range(in_one, DRAWS / 6, DRAWS);  // what p_anywhere is for
}

static void windows_that_hardly_anyone_reaches_are_said_to_be_unknown(void **state) {
    (void)state;
    const int la[] = {10, 10, 10}, lb[] = {10, 3, 2};
    made a, b;
    make_sample(&a, "a", 1, la, 3, slow);
    make_sample(&b, "b", 2, lb, 3, slow);
    udy_divergence_config config = quick();
    config.resamples = 99;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy_time_divergence d;
    assert_int_equal(udy_divergence_by_time(&d, &a.sample, &b.sample, NULL, 3, &config, &rng, NULL,
                                            "", NULL, NULL),
                     0);
    assert_int_equal(d.n, 4);
    assert_int_equal(d.windows[3].end, 10);
    assert_true(d.windows[0].known && d.windows[0].n[1] == 3 && d.windows[0].energy.has_ci);
    assert_true(!d.windows[1].known && d.windows[1].n[1] == 1);
    assert_true(d.windows[1].energy.value == 0 && d.windows[1].energy.p == 1);
    udy_time_divergence_free(&d);
    // A policy that falls at step 3 against one of a single episode: nothing is known, nothing fails.
    udy_sample one = a.sample, fallen = b.sample;
    one.n = 1;
    fallen.episodes++;
    fallen.n = 2;
    assert_int_equal(udy_divergence_by_time(&d, &one, &fallen, NULL, 1000000, &config, &rng, NULL,
                                            "", NULL, NULL),
                     0);
    assert_true(d.n == 1 && !d.windows[0].known && d.p_anywhere == 1);
    udy_time_divergence_free(&d);
    unmake(&a);
    unmake(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            one_policy_against_itself_is_called_different_no_more_often_than_the_level_says),
        cmocka_unit_test(so_it_is_standardised_by_both_and_with_unequal_numbers_of_episodes),
        cmocka_unit_test(a_real_shift_is_found),
        cmocka_unit_test(shuffling_rows_instead_would_call_one_policy_different_from_itself),
        cmocka_unit_test(unbiased_distances_average_zero_without_a_difference),
        cmocka_unit_test(intervals_hold_the_true_energy_distance_about_as_often_as_they_say),
        cmocka_unit_test(the_classifier_holds_its_level_and_finds_a_shift),
        cmocka_unit_test(the_classifiers_auc_is_the_known_one),
        cmocka_unit_test(a_classifier_needs_two_episodes_of_each),
        cmocka_unit_test(least_p_is_what_the_number_of_episodes_allows),
        cmocka_unit_test(divergence_by_time_shows_when_it_begins),
        cmocka_unit_test(
            over_all_windows_one_policy_is_called_different_as_often_as_the_level_says),
        cmocka_unit_test(windows_that_hardly_anyone_reaches_are_said_to_be_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
