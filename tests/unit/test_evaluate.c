// Evaluation: the seeds, sums and counts that a person would write down by hand, the same on any
// number of threads, and the members that readers of the JSON rely on.
#include <math.h>

#include "test_learn_common.h"
#include "understudy/study.h"

static udy_task *task;  // episodes of at most 100 steps
static udy_policy *expert;

static udy_evaluation evaluated(const udy_policy *policy, const udy_task *of, int episodes,
                                uint64_t seed, int n_threads) {
    udy_evaluation e;
    udy_batch *batch = make_batch(of, n_threads);
    CHECK(udy_evaluate(&e, policy, of, batch, episodes, seed, "evaluate", NULL, err));
    udy_batch_destroy(batch);
    return e;
}

static udy_task *task_between(double low, double high, int limit) {
    udy_task *of;
    udy_task_config config;
    CHECK(udy_task_config_default(&config, "Ant-v5", err));
    config.healthy_z_range[0] = low;
    config.healthy_z_range[1] = high;
    config.max_episode_steps = limit;
    CHECK(udy_task_create(&of, "Ant-v5", &config, err));
    return of;
}

static void episode_i_resets_with_seed_plus_i(void **state) {
    (void)state;
    enum { N = 5 };
    udy_evaluation all = evaluated(expert, task, N, 1000, 2);
    assert_int_equal(all.n, N);
    for (int i = 0; i < N; i++) {
        udy_evaluation one = evaluated(expert, task, 1, 1000 + (uint64_t)i, 1);
        assert_true(one.returns[0] == all.returns[i]);
        assert_int_equal(one.lengths[0], all.lengths[i]);
        assert_true(one.speeds[0] == all.speeds[i]);
        assert_true(one.mean == one.returns[0] && one.std == 0);
        assert_true(one.ci95[0] == one.mean && one.ci95[1] == one.mean);
        udy_evaluation_free(&one);
    }
    assert_true(all.returns[0] != all.returns[1]);
    udy_evaluation_free(&all);
    udy_evaluation_free(&all);  // twice is fine
    udy_evaluation_free(NULL);
}

static void the_summary_is_of_these_episodes(void **state) {
    (void)state;
    enum { N = 12 };
    udy_evaluation e = evaluated(expert, task, N, 7, 2);
    double sum = 0, speed = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < N; i++) {
        sum += e.returns[i];
        speed += e.speeds[i];
        low = fmin(low, e.returns[i]);
        high = fmax(high, e.returns[i]);
        assert_int_equal(e.lengths[i], 100);
        assert_int_equal(e.ends[i], UDY_END_LIMIT);
    }
    assert_true(fabs(e.mean - sum / N) < 1e-9 * fabs(sum));
    assert_true(fabs(e.speed_mean - speed / N) < 1e-9);
    assert_true(fabs(e.length_mean - 100) < 1e-9);
    assert_true(low < e.ci95[0] && e.ci95[0] < e.mean && e.mean < e.ci95[1] && e.ci95[1] < high);
    assert_true(e.iqm > low && e.iqm < high && e.median > low && e.median < high && e.std > 0);
    assert_int_equal(e.falls + e.too_low + e.too_high, 0);
    assert_true(e.seconds > 0 && fabs(e.steps_per_s - 1200 / e.seconds) < 1e-6 * e.steps_per_s);
    udy_evaluation_free(&e);
}

static void the_same_numbers_at_any_number_of_threads(void **state) {
    (void)state;
    udy_evaluation a = evaluated(expert, task, 9, 3, 1), b = evaluated(expert, task, 9, 3, 2);
    udy_json *x = udy_evaluation_json(&a, false), *y = udy_evaluation_json(&b, false);
    char *p = udy_json_print(x, true), *q = udy_json_print(y, true);
    assert_string_equal(p, q);
    udy_free(p);
    udy_free(q);
    udy_json_free(x);
    udy_json_free(y);
    udy_evaluation_free(&a);
    udy_evaluation_free(&b);
}

static void falls_are_told_apart_by_their_end(void **state) {
    (void)state;
    udy_policy *chance;
    udy_task *low_roof = task_between(0.2, 0.8, 200), *high_floor = task_between(0.5, 3, 200);
    CHECK(udy_policy_random(&chance, task, err));
    udy_evaluation high = evaluated(chance, low_roof, 20, 0, 2),
                   low = evaluated(chance, high_floor, 20, 0, 2);
    assert_true(high.too_high > 5);
    assert_int_equal(high.too_low, 0);
    assert_true(low.too_low > 5);
    assert_int_equal(low.too_high, 0);
    const udy_evaluation *both[] = {&high, &low};
    for (int k = 0; k < 2; k++) {
        int falls = 0;
        for (int i = 0; i < 20; i++) {
            falls += both[k]->ends[i] != UDY_END_LIMIT;
            assert_true((both[k]->ends[i] == UDY_END_LIMIT) == (both[k]->lengths[i] == 200));
        }
        assert_int_equal(both[k]->falls, falls);
        assert_int_equal(both[k]->falls, both[k]->too_low + both[k]->too_high);
    }
    udy_evaluation_free(&high);
    udy_evaluation_free(&low);
    udy_policy_destroy(chance);
    udy_task_destroy(low_roof);
    udy_task_destroy(high_floor);
}

static void the_json_has_what_readers_rely_on(void **state) {
    (void)state;
    static const char *const numbers[] = {"episodes",   "mean",       "std",     "iqm",
                                          "median",     "falls",      "too_low", "too_high",
                                          "speed_mean", "length_mean"};
    static const char *const lists[] = {"returns", "lengths", "speeds", "ends"};
    udy_evaluation e = evaluated(expert, task, 3, 0, 2);
    udy_json *with = udy_evaluation_json(&e, true), *without = udy_evaluation_json(&e, false);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!udy_json_is_number(udy_json_get(without, numbers[i]))) fail_msg("no %s", numbers[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_true(udy_json_is_array(udy_json_get(without, lists[i])));
        assert_int_equal(udy_json_size(udy_json_get(without, lists[i])), 3);
    }
    assert_int_equal(udy_json_size(udy_json_get(without, "ci95")), 2);
    assert_true(udy_json_value(udy_json_at(udy_json_get(with, "returns"), 2), NAN) == e.returns[2]);
    assert_string_equal(udy_json_text(udy_json_at(udy_json_get(with, "ends"), 0), ""), "limit");
    assert_true(udy_json_number(with, "steps_per_s", 0) > 0);
    assert_null(udy_json_get(without, "steps_per_s"));
    assert_null(udy_json_get(without, "seconds"));
    udy_json_free(with);
    udy_json_free(without);
    udy_evaluation_free(&e);
}

static void a_random_ant_earns_about_nothing_and_the_expert_thousands(void **state) {
    (void)state;
    udy_task *full = make_task(1000, false);
    udy_policy *chance;
    CHECK(udy_policy_random(&chance, full, err));
    udy_evaluation random = evaluated(chance, full, 20, 0, 2),
                   good = evaluated(expert, full, 4, 0, 2);
    assert_true(random.mean > -400 && random.mean < 100);
    assert_true(random.falls > 10);
    assert_true(good.mean > 3000 && good.mean < 9000);
    assert_true(good.speed_mean > 4 && good.speed_mean < 9);
    udy_evaluation_free(&random);
    udy_evaluation_free(&good);
    udy_policy_destroy(chance);
    udy_task_destroy(full);
}

static void zero_episodes_and_a_stop_are_errors_that_leave_nothing(void **state) {
    (void)state;
    udy_batch *batch = make_batch(task, 1);
    udy_evaluation e;
    EXPECT_ERROR(UDY_EINVAL, udy_evaluate(&e, expert, task, batch, 0, 0, "stage", NULL, err),
                 "stage", "0 episodes");
    EXPECT_ERROR(UDY_EINVAL, udy_evaluate(&e, expert, task, batch, -1, 0, "stage", NULL, err),
                 "-1 episodes");
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(UDY_EINTERRUPTED,
                 udy_evaluate(&e, expert, task, batch, 200, 0, "stage", &progress, err), "stage");
    assert_null(e.returns);
    assert_int_equal(e.n, 0);
    udy_batch_destroy(batch);
}

static int set_up(void **state) {
    task = make_task(100, false);
    expert = load_expert();
    return make_root(state);
}

static int tear_down(void **state) {
    udy_policy_destroy(expert);
    udy_task_destroy(task);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(episode_i_resets_with_seed_plus_i),
        cmocka_unit_test(the_summary_is_of_these_episodes),
        cmocka_unit_test(the_same_numbers_at_any_number_of_threads),
        cmocka_unit_test(falls_are_told_apart_by_their_end),
        cmocka_unit_test(the_json_has_what_readers_rely_on),
        cmocka_unit_test(a_random_ant_earns_about_nothing_and_the_expert_thousands),
        cmocka_unit_test(zero_episodes_and_a_stop_are_errors_that_leave_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
