// test_sim_batch.c: many simulations: autoreset, the same bits at any number of threads, episodes
// as jobs, failures by index, no allocation.
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "test_sim_common.h"

enum { N = 6, STEPS = 150, O = 27, A = 8 };

// A batch stepped with random actions, everything recorded.
typedef struct history {
    double obs[STEPS + 1][N][O], final_obs[STEPS][N][O];
    udy_step steps[STEPS][N];
    uint64_t n_allocs;
} history;

static const double UNTOUCHED = 12345.0;

static history *record(const udy_task *task, int n_threads) {
    udy_batch *batch = NULL;
    history *h = test_calloc(1, sizeof *h);
    uint64_t seeds[N];
    udy_rng action_rng[N];
    double action[N][A];
    for (int i = 0; i < N; ++i) {
        seeds[i] = (uint64_t)i;
        udy_rng_init(&action_rng[i], seeds[i] + 1000);
    }
    CHECK(udy_batch_create(&batch, task, N, n_threads, err));
    assert_int_equal(udy_batch_sims(batch), N);
    assert_int_equal(udy_batch_threads(batch), n_threads);
    CHECK(udy_batch_reset(batch, seeds, &h->obs[0][0][0], err));
    uint64_t before = udy_alloc_count();
    for (int t = 0; t < STEPS; ++t) {
        for (int i = 0; i < N; ++i) random_actions(&action_rng[i], 1, action[i], A);
        for (int i = 0; i < N; ++i) {
            for (int o = 0; o < O; ++o) h->final_obs[t][i][o] = UNTOUCHED;
        }
        CHECK(udy_batch_step(batch, action[0], &h->obs[t + 1][0][0], h->steps[t],
                             &h->final_obs[t][0][0], err));
    }
    h->n_allocs = udy_alloc_count() - before;
    udy_batch_destroy(batch);
    return h;
}

static bool same_history(const history *a, const history *b) {
    for (int t = 0; t < STEPS; ++t) {
        for (int i = 0; i < N; ++i) {
            if (!same_step(&a->steps[t][i], &b->steps[t][i])) return false;
        }
    }
    return memcmp(a->obs, b->obs, sizeof a->obs) == 0 &&
           memcmp(a->final_obs, b->final_obs, sizeof a->final_obs) == 0;
}

// Ends often, by falls and by the limit.
static udy_task *short_lived_ant(void) {
    udy_task_config config = ant_config();
    udy_task *task = NULL;
    config.max_episode_steps = 40;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    return task;
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    history *one = record(task, 1), *two = record(task, 2), *many = record(task, 9);
    assert_true(same_history(one, two));
    assert_true(same_history(one, many));
    test_free(one);
    test_free(two);
    test_free(many);
    udy_task_destroy(task);
}

static void stepping_allocates_nothing(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    history *h = record(task, 2);
    assert_true(h->n_allocs == 0);
    test_free(h);
    udy_task_destroy(task);
}

// What single simulations make of the same seeds and actions, resets included.
typedef struct single {
    const history *batch;
    int n_ends, n_limits, n_wrong;
} single;

static int follow(udy_env *env, int i, void *ctx, udy_error *err) {
    single *s = (single *)ctx + i;
    const history *h = s->batch;
    double action[A], obs[O];
    udy_step step;
    udy_rng rng, action_rng;
    udy_rng_init(&rng, (uint64_t)i);
    udy_rng_init(&action_rng, (uint64_t)i + 1000);
    int status = udy_env_reset(env, &rng, obs, err);
    for (int t = 0; t < STEPS && status == UDY_OK; ++t) {
        s->n_wrong += memcmp(obs, h->obs[t][i], sizeof obs) != 0;
        random_actions(&action_rng, 1, action, A);
        status = udy_env_step(env, action, obs, &step, err);
        if (status != UDY_OK) break;
        s->n_wrong += !same_step(&step, &h->steps[t][i]);
        if (step.terminated || step.truncated) {
            ++s->n_ends;
            s->n_limits += step.end == UDY_END_LIMIT;
            s->n_wrong += memcmp(obs, h->final_obs[t][i], sizeof obs) != 0;
            status = udy_env_reset(env, &rng, obs, err);
        } else {
            for (int o = 0; o < O; ++o) s->n_wrong += h->final_obs[t][i][o] != UNTOUCHED;
        }
    }
    return status;
}

static void a_batch_equals_single_simulations_and_loses_no_last_observation(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    udy_batch *batch = NULL;
    history *h = record(task, 2);
    single s[N] = {0};
    for (int i = 0; i < N; ++i) s[i].batch = h;
    CHECK(udy_batch_create(&batch, task, 1, 2, err));
    CHECK(udy_batch_episodes(batch, N, follow, s, err));
    int n_ends = 0, n_limits = 0;
    for (int i = 0; i < N; ++i) {
        assert_int_equal(s[i].n_wrong, 0);
        n_ends += s[i].n_ends;
        n_limits += s[i].n_limits;
    }
    assert_true(n_limits > 0 && n_ends > n_limits);  // both ways of ending were met
    udy_batch_destroy(batch);
    test_free(h);
    udy_task_destroy(task);
}

//------------------------------------------ Episodes ----------------------------------------------

enum { JOBS = 11 };

static drive *record_jobs(const udy_task *task, int n_sims, int n_threads, bool backwards) {
    udy_batch *batch = NULL;
    drive *jobs = test_calloc(JOBS, sizeof *jobs);
    for (int i = 0; i < JOBS; ++i) {
        jobs[i].seed = (uint64_t)(backwards ? JOBS - 1 - i : i);
        jobs[i].n_steps = 60;
        jobs[i].size = 1;
    }
    CHECK(udy_batch_create(&batch, task, n_sims, n_threads, err));
    CHECK(udy_batch_episodes(batch, JOBS, run_drive, jobs, err));
    udy_batch_destroy(batch);
    return jobs;
}

static void a_job_depends_on_nothing_but_what_it_is_given(void **state) {
    (void)state;
    udy_task *task = make_ant();
    drive *a = record_jobs(task, 1, 1, false);
    drive *b = record_jobs(task, 4, 2, false);
    drive *c = record_jobs(task, 2, 5, true);  // other order, other neighbours
    for (int i = 0; i < JOBS; ++i) {
        assert_true(a[i].n_done > 0);
        assert_true(same_drive(&a[i], &b[i]));
        assert_true(same_drive(&a[i], &c[JOBS - 1 - i]));
        assert_true(i == 0 || !same_drive(&a[i], &a[i - 1]));
    }
    test_free(a);
    test_free(b);
    test_free(c);
    udy_task_destroy(task);
}

static void episodes_leave_the_stepped_simulations_alone(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_batch *batch = NULL;
    drive *jobs = test_calloc(3, sizeof *jobs);
    double obs[2][2][O], action[2][A] = {{0.3}, {-0.4}};
    udy_step steps[2];
    const uint64_t seeds[2] = {5, 6};
    for (int i = 0; i < 3; ++i) jobs[i].n_steps = 20, jobs[i].size = 1;
    CHECK(udy_batch_create(&batch, task, 2, 2, err));
    for (int k = 0; k < 2; ++k) {
        CHECK(udy_batch_reset(batch, seeds, obs[k][0], err));
        CHECK(udy_batch_step(batch, action[0], obs[k][0], steps, NULL, err));
        if (k == 1) CHECK(udy_batch_episodes(batch, 3, run_drive, jobs, err));
        CHECK(udy_batch_step(batch, action[0], obs[k][0], steps, NULL, err));
    }
    assert_memory_equal(obs[0], obs[1], sizeof obs[0]);
    udy_batch_destroy(batch);
    test_free(jobs);
    udy_task_destroy(task);
}

typedef struct tally {
    atomic_int n_started;
    int fail_from, status;
} tally;

static int count_or_fail(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)env;
    tally *t = ctx;
    atomic_fetch_add(&t->n_started, 1);
    if (job < t->fail_from) return UDY_OK;
    return udy_error_set(err, t->status, "job %d says so", job);
}

static void the_first_failing_job_is_reported_and_stops_the_others(void **state) {
    (void)state;
    udy_task *task = make_ant();
    for (int n_threads = 1; n_threads <= 3; ++n_threads) {
        static const int statuses[] = {UDY_ENONFINITE, UDY_EINTERRUPTED};
        udy_batch *batch = NULL;
        CHECK(udy_batch_create(&batch, task, 1, n_threads, err));
        for (int k = 0; k < 2; ++k) {
            tally t = {.fail_from = 7, .status = statuses[k]};
            udy_error e = {0};
            assert_int_equal(udy_batch_episodes(batch, 100000, count_or_fail, &t, &e), statuses[k]);
            assert_int_equal(e.code, statuses[k]);
            assert_non_null(strstr(e.message, "job 7 says so"));
            int n = atomic_load(&t.n_started);
            assert_true(n >= 8);
            if (n_threads == 1) assert_int_equal(n, 8);
            assert_true(n < 100000);
        }
        tally all = {.fail_from = 1000};
        CHECK(udy_batch_episodes(batch, 100, count_or_fail, &all, err));
        assert_int_equal(atomic_load(&all.n_started), 100);
        CHECK(udy_batch_episodes(batch, 0, count_or_fail, &all, err));
        udy_batch_destroy(batch);
    }
    udy_task_destroy(task);
}

//------------------------------------------ Failures ----------------------------------------------

static void one_failing_simulation_is_named_and_the_others_step(void **state) {
    (void)state;
    udy_task_config config = config_of_model("unstable-batch", SPINNER("", "1e14"));
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    config.terminate_when_unhealthy = false;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    int n_obs = udy_task_info_of(task)->obs_dim;
    assert_int_equal(n_obs, 6 + 7);
    CHECK(udy_batch_create(&batch, task, 3, 2, err));
    double obs[3 * 13], before[3 * 13];
    const double bad[3] = {0, 1, NAN}, good[3] = {0};
    const uint64_t seeds[3] = {1, 2, 3};
    udy_step steps[3];
    udy_error e = {0};
    assert_int_equal(udy_batch_step(batch, good, obs, steps, NULL, &e), UDY_EINVAL);
    assert_non_null(strstr(e.message, "reset"));
    CHECK(udy_batch_reset(batch, seeds, obs, err));
    memcpy(before, obs, sizeof obs);
    assert_int_equal(udy_batch_step(batch, bad, obs, steps, NULL, &e), UDY_EPHYSICS);
    assert_non_null(strstr(e.message, "simulation 1"));
    assert_memory_not_equal(obs, before, 13 * sizeof *obs);        // 0 stepped
    assert_memory_equal(obs + 26, before + 26, 13 * sizeof *obs);  // 2 was refused
    assert_int_equal(udy_batch_step(batch, good, obs, steps, NULL, &e), UDY_EINVAL);
    assert_non_null(strstr(e.message, "simulation 1"));
    CHECK(udy_batch_reset(batch, seeds, obs, err));
    assert_memory_equal(obs, before, sizeof obs);
    CHECK(udy_batch_step(batch, good, obs, steps, NULL, err));
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

static void an_error_raised_by_mujoco_in_a_batch_is_a_status(void **state) {
    (void)state;
    udy_task_config config = config_of_model("cramped-batch", SPINNER("<size memory='1K'/>", "1"));
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    udy_error e = {0};
    double obs[2 * 13];
    const uint64_t seeds[2] = {1, 2};
    // Memory for a fall, but not for the contact with the floor.
    config.terminate_when_unhealthy = false;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    CHECK(udy_batch_create(&batch, task, 2, 2, err));
    CHECK(udy_batch_reset(batch, seeds, obs, err));
    const double action[2] = {0};
    udy_step steps[2];
    int status = UDY_OK, n_steps = 0;
    while (status == UDY_OK && n_steps < 100) {
        status = udy_batch_step(batch, action, obs, steps, NULL, &e);
        ++n_steps;
    }
    assert_int_equal(status, UDY_EPHYSICS);
    assert_true(n_steps > 1);
    assert_non_null(strstr(e.message, "simulation "));
    assert_non_null(strstr(e.message, "out of memory"));
    assert_null(strchr(e.message, '\n'));
    assert_int_equal(udy_batch_step(batch, action, obs, steps, NULL, &e), UDY_EINVAL);
    CHECK(udy_batch_reset(batch, seeds, obs, err));
    CHECK(udy_batch_step(batch, action, obs, steps, NULL, err));
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

static void senseless_sizes_are_refused(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_batch *batch = NULL;
    udy_error e = {0};
    assert_int_equal(udy_batch_create(&batch, task, 0, 1, &e), UDY_EINVAL);
    assert_int_equal(udy_batch_create(&batch, task, 1, -1, &e), UDY_EINVAL);
    assert_null(batch);
    CHECK(udy_batch_create(&batch, task, 1, 0, err));
    assert_int_equal(udy_batch_threads(batch), udy_cpu_count());
    assert_int_equal(udy_batch_episodes(batch, -1, run_drive, NULL, &e), UDY_EINVAL);
    udy_batch_destroy(batch);
    udy_batch_destroy(NULL);
    udy_task_destroy(task);
    udy_task_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(stepping_allocates_nothing),
        cmocka_unit_test(a_batch_equals_single_simulations_and_loses_no_last_observation),
        cmocka_unit_test(a_job_depends_on_nothing_but_what_it_is_given),
        cmocka_unit_test(episodes_leave_the_stepped_simulations_alone),
        cmocka_unit_test(the_first_failing_job_is_reported_and_stops_the_others),
        cmocka_unit_test(one_failing_simulation_is_named_and_the_others_step),
        cmocka_unit_test(an_error_raised_by_mujoco_in_a_batch_is_a_status),
        cmocka_unit_test(senseless_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
