// test_sim_state.c: a saved simulation, put back anywhere, goes on with the same bits as the one
// that was never stopped; what cannot be one is refused.
#include <stdlib.h>

#include "test_sim_common.h"

enum { N = 4, T = 400, SAVES = 3, O_MAX = 105, A_MAX = 8 };

// A task whose episodes end by its rule and by its limit within T steps.
typedef struct trial {
    const char *id;
    bool contact_obs, always_limit;  // always_limit: the task knows no other ending here
    double size;                     // of the random actions, as a share of the bounds
    int max_episode_steps;
} trial;

static const trial trials[] = {
    {"Ant-v5", false, false, 1, 90},
    {"Ant-v5", true, false, 1, 90},
    {"Hopper-v5", false, false, 1, 20},
    {"HalfCheetah-v5", false, true, 1, 150},
    {"Walker2d-v5", false, false, 1, 20},
    {"InvertedPendulum-v5", false, false, 0.5, 15},
    {"InvertedDoublePendulum-v5", false, false, 0.5, 8},
};

// What a batch did from step `first` on, row i being simulation i of the uninterrupted one.
typedef struct history {
    int n_obs, n_act;
    double action[T][N][A_MAX];
    double obs[T][N][O_MAX], final_obs[T][N][O_MAX];
    udy_step steps[T][N];
} history;

static udy_task *make_task(const trial *t) {
    udy_task_config config;
    udy_task *task = NULL;
    CHECK(udy_task_config_default(&config, t->id, err));
    config.contact_obs = t->contact_obs;
    config.max_episode_steps = t->max_episode_steps;
    CHECK(udy_task_create(&task, t->id, &config, err));
    return task;
}

// Step t of batch, whose simulation place[i] is row i of h; the batch may hold others.
static void step_into(udy_batch *batch, const int *place, const history *actions, history *h,
                      int t) {
    enum { ROOM = 2 * N };
    static double action[ROOM * A_MAX], obs[ROOM * O_MAX], final_obs[ROOM * O_MAX];
    static udy_step steps[ROOM];
    size_t n_obs = (size_t)actions->n_obs, n_act = (size_t)actions->n_act;
    memset(action, 0, sizeof action);
    memset(final_obs, 0, sizeof final_obs);
    for (int i = 0; i < N; ++i) {
        memcpy(action + (size_t)place[i] * n_act, actions->action[t][i], n_act * sizeof *action);
    }
    CHECK(udy_batch_step(batch, action, obs, steps, final_obs, err));
    for (int i = 0; i < N; ++i) {
        size_t at = (size_t)place[i];
        memcpy(h->obs[t][i], obs + at * n_obs, n_obs * sizeof *obs);
        memcpy(h->final_obs[t][i], final_obs + at * n_obs, n_obs * sizeof *obs);
        h->steps[t][i] = steps[at];
    }
}

static void assert_same_from(const history *a, const history *b, int first, const char *id) {
    for (int t = first; t < T; ++t) {
        for (int i = 0; i < N; ++i) {
            if (memcmp(a->obs[t][i], b->obs[t][i], sizeof a->obs[t][i]) != 0 ||
                memcmp(a->final_obs[t][i], b->final_obs[t][i], sizeof a->obs[t][i]) != 0 ||
                !same_step(&a->steps[t][i], &b->steps[t][i])) {
                fail_msg("%s: saved before step %d, simulation %d differs at step %d", id, first, i,
                         t);
            }
        }
    }
}

static udy_batch *reset_batch(const udy_task *task, int n_sims, int n_threads, uint64_t seed) {
    static double obs[2 * N * O_MAX];
    uint64_t seeds[2 * N];
    udy_batch *batch = NULL;
    for (int i = 0; i < n_sims; ++i) seeds[i] = seed + (uint64_t)i;
    CHECK(udy_batch_create(&batch, task, n_sims, n_threads, err));
    CHECK(udy_batch_reset(batch, seeds, obs, err));
    return batch;
}

static history *draw_actions(const udy_task *task, const trial *t) {
    const udy_task_info *info = udy_task_info_of(task);
    history *h = test_calloc(1, sizeof *h);
    udy_rng rng;
    udy_rng_init(&rng, 77);
    h->n_obs = info->obs_dim;
    h->n_act = info->act_dim;
    for (int k = 0; k < T; ++k) {
        for (int i = 0; i < N; ++i) {
            random_actions(&rng, t->size * info->act_high[0], h->action[k][i], h->n_act);
        }
    }
    return h;
}

// All simulations saved before step `at`.
typedef struct save {
    int at;
    size_t size;
    unsigned char *bytes;  // [N, size]
} save;

static void take(udy_batch *batch, save *s) {
    s->size = udy_batch_state_size(batch);
    s->bytes = test_malloc(N * s->size);
    for (int i = 0; i < N; ++i) {
        CHECK(udy_batch_state_get(batch, i, s->bytes + (size_t)i * s->size, err));
    }
}

static void put_back(udy_batch *batch, const int *place, const save *s) {
    for (int i = 0; i < N; ++i) {
        CHECK(udy_batch_state_set(batch, place[i], s->bytes + (size_t)i * s->size, err));
    }
}

static void go_on(udy_batch *batch, const int *place, const save *s, const history *whole,
                  const char *id) {
    history *h = test_calloc(1, sizeof *h);
    put_back(batch, place, s);
    for (int t = s->at; t < T; ++t) step_into(batch, place, whole, h, t);
    assert_same_from(whole, h, s->at, id);
    test_free(h);
}

static void assert_endings_of_both_kinds(const history *h, int first, bool always_limit) {
    int n_limits = 0, n_terminated = 0;
    for (int t = first; t < T; ++t) {
        for (int i = 0; i < N; ++i) {
            n_limits += h->steps[t][i].end == UDY_END_LIMIT;
            n_terminated += h->steps[t][i].terminated;
        }
    }
    assert_true(n_limits > 0);
    assert_true(always_limit || n_terminated > 0);
}

static const int in_order[N] = {0, 1, 2, 3}, elsewhere[N] = {6, 0, 3, 1};

static void run_trial(const trial *t) {
    udy_task *task = make_task(t);
    history *whole = draw_actions(task, t);
    save saves[SAVES];
    udy_rng rng;
    udy_rng_init(&rng, 5);
    // One random moment in each third of the first half.
    for (int k = 0; k < SAVES; ++k) {
        saves[k].at = (int)((uint64_t)(k * T / 6) + udy_rng_below(&rng, T / 6));
    }
    udy_batch *batch = reset_batch(task, N, 2, 100);
    for (int k = 0, now = 0; k <= SAVES; ++k) {
        int until = k < SAVES ? saves[k].at : T;
        for (; now < until; ++now) step_into(batch, in_order, whole, whole, now);
        if (k < SAVES) take(batch, &saves[k]);
    }
    udy_batch_destroy(batch);
    assert_endings_of_both_kinds(whole, saves[SAVES - 1].at, t->always_limit);

    for (int k = 0; k < SAVES; ++k) {
        udy_batch *fresh = NULL;
        CHECK(udy_batch_create(&fresh, task, N, 1 + 2 * (k % 2), err));
        go_on(fresh, in_order, &saves[k], whole, t->id);
        udy_batch_destroy(fresh);
    }
    // In the middle of other episodes, among other simulations, twice.
    udy_batch *used = reset_batch(task, 2 * N - 1, 3, 9);
    for (int k = SAVES; k-- > 0;) go_on(used, elsewhere, &saves[k], whole, t->id);
    udy_batch_destroy(used);

    for (int k = 0; k < SAVES; ++k) test_free(saves[k].bytes);
    test_free(whole);
    udy_task_destroy(task);
}

static void a_saved_simulation_goes_on_with_the_same_bits_anywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; ++i) run_trial(&trials[i]);
}

// So that no address, and nothing left in memory, is among them.
static void the_bytes_depend_on_the_simulation_alone(void **state) {
    (void)state;
    udy_task *task = make_task(&trials[0]);
    history *actions = draw_actions(task, &trials[0]), *h = test_calloc(1, sizeof *h);
    udy_batch *a = reset_batch(task, N, 1, 3), *b = reset_batch(task, N, 2, 3);
    save of_a = {0}, of_b = {0}, again = {0};
    for (int t = 0; t < 120; ++t) {
        step_into(a, in_order, actions, h, t);
        step_into(b, in_order, actions, h, t);
    }
    take(a, &of_a);
    take(b, &of_b);
    assert_int_equal(of_a.size, of_b.size);
    assert_memory_equal(of_a.bytes, of_b.bytes, N * of_a.size);
    udy_batch *fresh = reset_batch(task, N, 2, 50);
    put_back(fresh, in_order, &of_a);
    take(fresh, &again);
    assert_memory_equal(of_a.bytes, again.bytes, N * of_a.size);
    assert_memory_not_equal(of_a.bytes, of_a.bytes + of_a.size, of_a.size);
    test_free(of_a.bytes);
    test_free(of_b.bytes);
    test_free(again.bytes);
    test_free(actions);
    test_free(h);
    udy_batch_destroy(a);
    udy_batch_destroy(b);
    udy_batch_destroy(fresh);
    udy_task_destroy(task);
}

static void saving_and_restoring_disturb_nobody_and_allocate_nothing(void **state) {
    (void)state;
    udy_task *task = make_task(&trials[0]);
    history *whole = draw_actions(task, &trials[0]), *h = test_calloc(1, sizeof *h);
    udy_batch *batch = reset_batch(task, N, 2, 100);
    unsigned char *bytes = test_malloc(udy_batch_state_size(batch));
    for (int t = 0; t < T; ++t) step_into(batch, in_order, whole, whole, t);
    udy_batch_destroy(batch);

    batch = reset_batch(task, N, 2, 100);
    uint64_t before = udy_alloc_count();
    for (int t = 0; t < T; ++t) {
        CHECK(udy_batch_state_get(batch, t % N, bytes, err));
        if (t % 3 == 0) CHECK(udy_batch_state_set(batch, t % N, bytes, err));
        step_into(batch, in_order, whole, h, t);
    }
    assert_true(udy_alloc_count() == before);
    assert_same_from(whole, h, 0, trials[0].id);
    udy_batch_destroy(batch);
    test_free(bytes);
    test_free(whole);
    test_free(h);
    udy_task_destroy(task);
}

//------------------------------------------ Readiness ---------------------------------------------

static void a_simulation_that_was_never_reset_stays_so(void **state) {
    (void)state;
    udy_task *task = make_task(&trials[0]);
    udy_batch *fresh = NULL, *running = reset_batch(task, 1, 1, 1);
    double action[A_MAX] = {0}, obs[O_MAX];
    udy_step step;
    udy_error e = {0};
    CHECK(udy_batch_create(&fresh, task, 1, 1, err));
    unsigned char *bytes = test_malloc(udy_batch_state_size(fresh));
    CHECK(udy_batch_state_get(fresh, 0, bytes, err));
    CHECK(udy_batch_state_set(running, 0, bytes, err));
    assert_int_equal(udy_batch_step(running, action, obs, &step, NULL, &e), UDY_EINVAL);
    assert_non_null(strstr(e.message, "reset"));
    test_free(bytes);
    udy_batch_destroy(fresh);
    udy_batch_destroy(running);
    udy_task_destroy(task);
}

static void a_simulation_that_failed_can_be_put_back(void **state) {
    (void)state;
    // Runs out of memory once the ball touches the floor, in the middle of a step.
    udy_task_config config = config_of_model("cramped-state", SPINNER("<size memory='1K'/>", "1"));
    udy_task *task = NULL;
    config.terminate_when_unhealthy = false;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    udy_batch *batch = reset_batch(task, 1, 1, 1);
    unsigned char *bytes = test_malloc(udy_batch_state_size(batch));
    double obs[2][13];
    const double action[1] = {0.3};
    udy_step step;
    CHECK(udy_batch_step(batch, action, obs[0], &step, NULL, err));
    CHECK(udy_batch_state_get(batch, 0, bytes, err));
    CHECK(udy_batch_step(batch, action, obs[0], &step, NULL, err));
    int status = UDY_OK;
    for (int t = 0; t < 100 && status == UDY_OK; ++t) {
        status = udy_batch_step(batch, action, obs[1], &step, NULL, NULL);
    }
    assert_int_equal(status, UDY_EPHYSICS);
    CHECK(udy_batch_state_set(batch, 0, bytes, err));
    CHECK(udy_batch_step(batch, action, obs[1], &step, NULL, err));
    assert_memory_equal(obs[0], obs[1], sizeof obs[0]);
    test_free(bytes);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

//------------------------------------------ Refusals ----------------------------------------------

static void assert_refused(udy_batch *batch, int i, const void *bytes, int status,
                           const char *words) {
    udy_error err = {0};
    assert_int_equal(udy_batch_state_set(batch, i, bytes, &err), status);
    assert_int_equal(err.code, status);
    if (strstr(err.message, words) == NULL) fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void bytes_of_another_task_or_model_are_refused(void **state) {
    (void)state;
    udy_task *ant = make_task(&trials[0]), *spinner = NULL, *walker = NULL, *cheetah = NULL;
    udy_task_config config = config_of_model("spinner-state", SPINNER("", "1"));
    CHECK(udy_task_create(&spinner, "Ant-v5", &config, err));
    CHECK(udy_task_create(&walker, "Walker2d-v5", NULL, err));
    CHECK(udy_task_create(&cheetah, "HalfCheetah-v5", NULL, err));
    udy_batch *of_ant = reset_batch(ant, 1, 1, 1), *of_spinner = reset_batch(spinner, 1, 1, 1),
              *of_walker = reset_batch(walker, 1, 1, 1),
              *of_cheetah = reset_batch(cheetah, 1, 1, 1);
    unsigned char *bytes = test_calloc(1, udy_batch_state_size(of_ant));
    // Of the same sizes:
    assert_int_equal(udy_batch_state_size(of_walker), udy_batch_state_size(of_cheetah));
    CHECK(udy_batch_state_get(of_cheetah, 0, bytes, err));
    assert_refused(of_walker, 0, bytes, UDY_EMISMATCH, "of HalfCheetah-v5; expected Walker2d-v5");
    // Of the same task:
    CHECK(udy_batch_state_get(of_spinner, 0, bytes, err));
    assert_refused(of_ant, 0, bytes, UDY_EMISMATCH, "expected 15, 14 and ");
    test_free(bytes);
    udy_batch_destroy(of_ant);
    udy_batch_destroy(of_spinner);
    udy_batch_destroy(of_walker);
    udy_batch_destroy(of_cheetah);
    udy_task_destroy(ant);
    udy_task_destroy(spinner);
    udy_task_destroy(walker);
    udy_task_destroy(cheetah);
}

static void damaged_bytes_are_refused_and_change_nothing(void **state) {
    (void)state;
    udy_task *task = make_task(&trials[0]);
    udy_batch *batch = reset_batch(task, 2, 1, 1);
    size_t size = udy_batch_state_size(batch);
    unsigned char *good = test_malloc(size), *bad = test_malloc(size), *now = test_malloc(size);
    CHECK(udy_batch_state_get(batch, 0, good, err));
    for (size_t at = 0; at < size; ++at) {
        memcpy(bad, good, size);
        bad[at] ^= 0x10;
        udy_error e = {0};
        int status = udy_batch_state_set(batch, 0, bad, &e);
        if (status != UDY_EFORMAT && status != UDY_EMISMATCH) fail_msg("byte %zu", at);
        assert_true(strlen(e.message) > 0);
    }
    CHECK(udy_batch_state_get(batch, 0, now, err));
    assert_memory_equal(good, now, size);
    bad[0] = 'x';
    assert_refused(batch, 0, bad, UDY_EFORMAT, "do not begin with");
    assert_refused(batch, 2, good, UDY_EINVAL, "simulation 2; expected 0 to 1");
    assert_refused(batch, -1, good, UDY_EINVAL, "simulation -1");
    assert_int_equal(udy_batch_state_get(batch, 2, now, NULL), UDY_EINVAL);
    test_free(good);
    test_free(bad);
    test_free(now);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

// MuJoCo's state leaves out which trees sleep.
static void a_model_that_sleeps_is_refused_rather_than_restored_wrongly(void **state) {
    (void)state;
    udy_task_config config =
        config_of_model("sleepy", SPINNER("<option><flag sleep='enable'/></option>", "1"));
    udy_task *task = NULL;
    udy_error e = {0};
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    udy_batch *batch = reset_batch(task, 1, 1, 1);
    unsigned char *bytes = test_calloc(1, udy_batch_state_size(batch));
    assert_int_equal(udy_batch_state_get(batch, 0, bytes, &e), UDY_EINVAL);
    assert_non_null(strstr(e.message, "the sleep flag"));
    assert_refused(batch, 0, bytes, UDY_EINVAL, "the sleep flag");
    test_free(bytes);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_simulation_goes_on_with_the_same_bits_anywhere),
        cmocka_unit_test(the_bytes_depend_on_the_simulation_alone),
        cmocka_unit_test(saving_and_restoring_disturb_nobody_and_allocate_nothing),
        cmocka_unit_test(a_simulation_that_was_never_reset_stays_so),
        cmocka_unit_test(a_simulation_that_failed_can_be_put_back),
        cmocka_unit_test(bytes_of_another_task_or_model_are_refused),
        cmocka_unit_test(damaged_bytes_are_refused_and_change_nothing),
        cmocka_unit_test(a_model_that_sleeps_is_refused_rather_than_restored_wrongly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
