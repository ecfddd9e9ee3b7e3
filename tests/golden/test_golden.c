// test_golden.c: replays trajectories recorded from Gymnasium 1.4.0 on MuJoCo 4.0.0 and asks for
// the same bits: states, observations, rewards and their terms, endings, the next reset. A small
// part lives in tests/data (cut by cut_golden.py); the whole is used where it is present.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "understudy/io.h"
#include "understudy/sim.h"

typedef struct recording {
    const udy_task *task;
    int seed, n_steps;
    const double *action;  // [T, A] of the file
    // What this library makes of them.
    double *obs, *qpos, *qvel;  // [T + 1, .]
    udy_step *steps;            // [T]
    double *next_obs;           // [O] after one more reset
} recording;

static const double *tensor(const udy_safetensors *file, int seed, const char *name, int64_t *rows,
                            int64_t columns) {
    char full[96];
    snprintf(full, sizeof full, "seed%d.%s", seed, name);
    udy_error err = {0};
    const udy_tensor *t;
    int64_t shape[2] = {*rows, columns};
    int ndim = columns > 0 ? 2 : 1;
    if (udy_safetensors_require(file, full, UDY_F64, ndim, shape, &t, &err) != UDY_OK) {
        fail_msg("%s", err.message);
    }
    *rows = t->shape[0];
    return t->data;
}

static bool has_tensor(const udy_safetensors *file, int seed, const char *name) {
    char full[96];
    snprintf(full, sizeof full, "seed%d.%s", seed, name);
    return udy_safetensors_find(file, full) != NULL;
}

// Runs on a thread of the batch: records, and leaves the judging to the test.
static int replay(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)job;
    recording *r = ctx;
    const udy_task_info *info = udy_task_info_of(r->task);
    udy_rng rng;
    udy_rng_init(&rng, (uint64_t)r->seed);
    int status = udy_env_reset(env, &rng, r->obs, err);
    udy_env_state(env, r->qpos, r->qvel);
    for (int t = 0; t < r->n_steps && status == UDY_OK; ++t) {
        status = udy_env_step(env, r->action + t * info->act_dim, r->obs + (t + 1) * info->obs_dim,
                              &r->steps[t], err);
        udy_env_state(env, r->qpos + (t + 1) * info->nq, r->qvel + (t + 1) * info->nv);
    }
    if (status == UDY_OK) status = udy_env_reset(env, &rng, r->next_obs, err);
    return status;
}

static void assert_same_bits(const double *expected, const double *found, int64_t n_rows,
                             int n_columns, const char *what, int seed) {
    for (int64_t i = 0; i < n_rows * n_columns; ++i) {
        if (memcmp(&expected[i], &found[i], sizeof *found) != 0) {
            fail_msg("seed %d: %s[%d, %d] is %.17g; Gymnasium has %.17g", seed, what,
                     (int)(i / n_columns), (int)(i % n_columns), found[i], expected[i]);
        }
    }
}

static void compare(const udy_safetensors *file, const recording *r) {
    const udy_task_info *info = udy_task_info_of(r->task);
    int64_t n = r->n_steps, n_states = n + 1, n_obs = info->obs_dim;
    int seed = r->seed;
    assert_same_bits(tensor(file, seed, "qpos", &n_states, info->nq), r->qpos, n_states, info->nq,
                     "qpos", seed);
    assert_same_bits(tensor(file, seed, "qvel", &n_states, info->nv), r->qvel, n_states, info->nv,
                     "qvel", seed);
    assert_same_bits(tensor(file, seed, "obs", &n_states, n_obs), r->obs, n_states, info->obs_dim,
                     "obs", seed);
    assert_same_bits(tensor(file, seed, "obs_after_next_reset", &n_obs, 0), r->next_obs, 1,
                     info->obs_dim, "obs_after_next_reset", seed);
    const double *reward = tensor(file, seed, "reward", &n, 0);
    const double *terminated = tensor(file, seed, "terminated", &n, 0);
    const double *x_velocity = NULL;  // Gymnasium's pendulums report none
    if (has_tensor(file, seed, "info.x_velocity")) {
        x_velocity = tensor(file, seed, "info.x_velocity", &n, 0);
    }
    for (int t = 0; t < r->n_steps; ++t) {
        assert_same_bits(&reward[t], &r->steps[t].reward, 1, 1, "reward", seed);
        if (x_velocity != NULL) {
            assert_same_bits(&x_velocity[t], &r->steps[t].x_velocity, 1, 1, "x_velocity", seed);
        }
        assert_int_equal(terminated[t] != 0, r->steps[t].terminated);
        assert_int_equal(r->steps[t].end != UDY_END_NONE, r->steps[t].terminated);
        assert_int_equal(r->steps[t].truncated, 0);
    }
    for (int k = 0; k < info->n_terms; ++k) {
        char name[64];
        snprintf(name, sizeof name, "info.%s", info->term_names[k]);
        const double *term = tensor(file, seed, name, &n, 0);
        for (int t = 0; t < r->n_steps; ++t) {
            assert_same_bits(&term[t], &r->steps[t].terms[k], 1, 1, name, seed);
        }
    }
}

static void record_and_compare(const udy_safetensors *file, const udy_task *task, udy_batch *batch,
                               int seed) {
    const udy_task_info *info = udy_task_info_of(task);
    udy_error err = {0};
    int64_t n_steps = -1;
    recording r = {.task = task, .seed = seed};
    r.action = tensor(file, seed, "action", &n_steps, info->act_dim);
    r.n_steps = (int)n_steps;
    size_t n_states = (size_t)n_steps + 1;
    r.obs = udy_alloc(n_states * (size_t)info->obs_dim * sizeof *r.obs);
    r.qpos = udy_alloc(n_states * (size_t)info->nq * sizeof *r.qpos);
    r.qvel = udy_alloc(n_states * (size_t)info->nv * sizeof *r.qvel);
    r.steps = udy_alloc((size_t)n_steps * sizeof *r.steps);
    r.next_obs = udy_alloc((size_t)info->obs_dim * sizeof *r.next_obs);
    if (udy_batch_episodes(batch, 1, replay, &r, &err) != UDY_OK) fail_msg("%s", err.message);
    compare(file, &r);
    udy_free(r.obs);
    udy_free(r.qpos);
    udy_free(r.qvel);
    udy_free(r.steps);
    udy_free(r.next_obs);
}

static void replay_file(const char *path, const char *id, bool contact_obs, int n_seeds_expected) {
    if (access(path, R_OK) != 0) {
        print_message("SKIPPED: %s is not here\n", path);
        skip();
    }
    udy_error err = {0};
    udy_safetensors *file;
    if (udy_safetensors_open(&file, path, &err) != UDY_OK) fail_msg("%s", err.message);
    udy_task_config config;
    udy_task *task;
    udy_batch *batch;
    assert_int_equal(udy_task_config_default(&config, id, &err), UDY_OK);
    config.contact_obs = contact_obs;
    if (udy_task_create(&task, id, &config, &err) != UDY_OK) fail_msg("%s", err.message);
    assert_int_equal(udy_batch_create(&batch, task, 1, 2, &err), UDY_OK);
    int n_seeds = 0;
    for (; has_tensor(file, n_seeds, "action"); ++n_seeds) {
        record_and_compare(file, task, batch, n_seeds);
    }
    assert_int_equal(n_seeds, n_seeds_expected);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    udy_safetensors_close(file);
}

#define DATA UDY_SOURCE_DIR "/tests/data/golden-"
#define SHARED UDY_SHARED_DIR "/golden/"

static void ant_27_equals_gymnasium_bit_for_bit(void **state) {
    (void)state;
    replay_file(DATA "ant-27.safetensors", "Ant-v5", false, 2);
}

static void ant_105_with_contact_forces_equals_gymnasium_bit_for_bit(void **state) {
    (void)state;
    replay_file(DATA "ant-105.safetensors", "Ant-v5", true, 2);
}

static void all_of_ant_27_equals_gymnasium_bit_for_bit(void **state) {
    (void)state;
    replay_file(SHARED "ant-27.safetensors", "Ant-v5", false, 6);
}

static void all_of_ant_105_equals_gymnasium_bit_for_bit(void **state) {
    (void)state;
    replay_file(SHARED "ant-105.safetensors", "Ant-v5", true, 6);
}

static void other_rows_of_the_table_equal_gymnasium_bit_for_bit(void **state) {
    (void)state;
    replay_file(SHARED "halfcheetah.safetensors", "HalfCheetah-v5", false, 6);
    replay_file(SHARED "hopper.safetensors", "Hopper-v5", false, 6);
    replay_file(SHARED "walker2d.safetensors", "Walker2d-v5", false, 6);
    replay_file(SHARED "inverted-pendulum.safetensors", "InvertedPendulum-v5", false, 6);
    replay_file(SHARED "inverted-double-pendulum.safetensors", "InvertedDoublePendulum-v5", false,
                6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ant_27_equals_gymnasium_bit_for_bit),
        cmocka_unit_test(ant_105_with_contact_forces_equals_gymnasium_bit_for_bit),
        cmocka_unit_test(all_of_ant_27_equals_gymnasium_bit_for_bit),
        cmocka_unit_test(all_of_ant_105_equals_gymnasium_bit_for_bit),
        cmocka_unit_test(other_rows_of_the_table_equal_gymnasium_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
