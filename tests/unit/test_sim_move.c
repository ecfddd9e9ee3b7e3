// test_sim_move.c: simulations that step, reset or rest as the caller says: what Gymnasium's other
// autoreset modes are made of.
#include "test_sim_common.h"

enum { N = 4, STEPS = 120, O = 27, A = 8 };

static const double UNTOUCHED = 12345.0;

static udy_task *short_lived_ant(void) {
    udy_task_config config = ant_config();
    udy_task *task = NULL;
    config.max_episode_steps = 30;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    return task;
}

static void draw(udy_rng *rng, double action[N][A]) {
    for (int i = 0; i < N; ++i) random_actions(rng, 1, action[i], A);
}

static void fill(uint8_t moves[N], udy_move move) {
    memset(moves, (int)move, N);
}

// Step all, then reset those that ended: the same as udy_batch_step, which does both at once.
static void moves_put_together_an_autoreset(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    udy_batch *at_once = NULL, *by_moves = NULL;
    CHECK(udy_batch_create(&at_once, task, N, 1, err));
    CHECK(udy_batch_create(&by_moves, task, N, 2, err));
    static double obs[N][O], other[N][O], final_obs[N][O], last[N][O], action[N][A];
    static udy_step steps[N], other_steps[N], unused[N];
    const uint64_t seeds[N] = {5, 1, 4, UINT64_MAX};
    uint8_t moves[N];
    udy_rng rng;
    udy_rng_init(&rng, 3);
    CHECK(udy_batch_reset(at_once, seeds, obs[0], err));
    fill(moves, UDY_MOVE_RESEED);
    CHECK(udy_batch_move(by_moves, moves, seeds, NULL, other[0], NULL, err));
    assert_memory_equal(obs, other, sizeof obs);
    int n_ends = 0;
    uint64_t before = udy_alloc_count();
    for (int t = 0; t < STEPS; ++t) {
        draw(&rng, action);
        CHECK(udy_batch_step(at_once, action[0], obs[0], steps, final_obs[0], err));
        fill(moves, UDY_MOVE_STEP);
        CHECK(udy_batch_move(by_moves, moves, NULL, action[0], other[0], other_steps, err));
        memcpy(last, other, sizeof last);
        for (int i = 0; i < N; ++i) {
            assert_true(same_step(&steps[i], &other_steps[i]));
            bool ended = steps[i].terminated || steps[i].truncated;
            moves[i] = ended ? UDY_MOVE_RESET : UDY_MOVE_NONE;
            n_ends += ended;
            if (ended) assert_memory_equal(final_obs[i], last[i], sizeof last[i]);
        }
        CHECK(udy_batch_move(by_moves, moves, NULL, NULL, other[0], unused, err));
        assert_memory_equal(obs, other, sizeof obs);
    }
    assert_true(udy_alloc_count() == before);
    assert_true(n_ends > N);
    udy_batch_destroy(at_once);
    udy_batch_destroy(by_moves);
    udy_task_destroy(task);
}

// Simulations that rest for some moves are none the worse for it.
static void resting_changes_nothing(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    udy_batch *all = NULL, *by_turns = NULL;
    CHECK(udy_batch_create(&all, task, N, 1, err));
    CHECK(udy_batch_create(&by_turns, task, N, 2, err));
    static double obs[N][O], other[N][O], action[N][A];
    static udy_step steps[N], other_steps[N];
    const uint64_t seeds[N] = {0, 1, 2, 3};
    uint8_t moves[N];
    udy_rng rng;
    udy_rng_init(&rng, 8);
    CHECK(udy_batch_reset(all, seeds, obs[0], err));
    CHECK(udy_batch_reset(by_turns, seeds, other[0], err));
    for (int t = 0; t < 25; ++t) {
        draw(&rng, action);
        fill(moves, UDY_MOVE_STEP);
        CHECK(udy_batch_move(all, moves, NULL, action[0], obs[0], steps, err));
        for (int turn = 0; turn < N; ++turn) {
            double rest = other[(turn + 1) % N][0] = UNTOUCHED;
            fill(moves, UDY_MOVE_NONE);
            moves[turn] = UDY_MOVE_STEP;
            CHECK(udy_batch_move(by_turns, moves, NULL, action[0], other[0], other_steps, err));
            assert_true(other[(turn + 1) % N][0] == rest);
            assert_true(same_step(&steps[turn], &other_steps[turn]));
            assert_memory_equal(obs[turn], other[turn], sizeof obs[turn]);
        }
    }
    udy_batch_destroy(all);
    udy_batch_destroy(by_turns);
    udy_task_destroy(task);
}

static void a_first_reset_needs_a_seed_and_is_said_by_index(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    udy_batch *batch = NULL;
    CHECK(udy_batch_create(&batch, task, N, 1, err));
    static double obs[N][O], action[N][A];
    static udy_step steps[N];
    const uint64_t seeds[N] = {7, 7, 7, 7};
    uint8_t moves[N] = {UDY_MOVE_RESEED, UDY_MOVE_RESEED, UDY_MOVE_RESET, UDY_MOVE_NONE};
    udy_error error = {0};
    assert_int_equal(udy_batch_move(batch, moves, seeds, NULL, obs[0], NULL, &error), UDY_EINVAL);
    assert_non_null(strstr(error.message, "simulation 2"));
    assert_non_null(strstr(error.message, "needs a seed"));
    assert_memory_equal(obs[0], obs[1], sizeof obs[0]);  // these did start
    fill(moves, UDY_MOVE_STEP);
    assert_int_equal(udy_batch_move(batch, moves, NULL, action[0], obs[0], steps, &error),
                     UDY_EINVAL);
    assert_non_null(strstr(error.message, "simulation 2"));
    assert_non_null(strstr(error.message, "reset"));
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

// A step past an episode's end goes on from there, as Gymnasium's own simulations do.
static void a_step_leaves_an_ended_episode_at_its_end(void **state) {
    (void)state;
    udy_task *task = short_lived_ant();
    udy_batch *batch = NULL;
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    double obs[O], action[A] = {0};
    udy_step step;
    uint64_t seed = 4;
    uint8_t move = UDY_MOVE_RESEED;
    CHECK(udy_batch_move(batch, &move, &seed, NULL, obs, NULL, err));
    move = UDY_MOVE_STEP;
    for (int t = 1; t <= 35; ++t) {
        CHECK(udy_batch_move(batch, &move, NULL, action, obs, &step, err));
        assert_int_equal(step.truncated, t >= 30);
        assert_int_equal(step.end, t >= 30 ? UDY_END_LIMIT : UDY_END_NONE);
    }
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_put_together_an_autoreset),
        cmocka_unit_test(resting_changes_nothing),
        cmocka_unit_test(a_first_reset_needs_a_seed_and_is_said_by_index),
        cmocka_unit_test(a_step_leaves_an_ended_episode_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
