// test_sim_common.h: what the tests of src/sim share: small models, and one recorded episode.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_SIM_COMMON_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_SIM_COMMON_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/sim.h"

#define CHECK(call)                                              \
    do {                                                         \
        udy_error check_err = {0};                               \
        udy_error *err = &check_err;                             \
        if ((call) != UDY_OK) fail_msg("%s", check_err.message); \
    } while (0)

enum { DRIVE_STEPS = 200, DRIVE_OBS = 27, DRIVE_ACT = 8 };

// One episode of a 27-8 task with random actions of a size, recorded until it ends or fails.
typedef struct drive {
    uint64_t seed;
    int n_steps;
    double size;
    int n_done, status;
    udy_error err;
    double obs[DRIVE_STEPS + 1][DRIVE_OBS];
    udy_step steps[DRIVE_STEPS];
} drive;

static inline void random_actions(udy_rng *rng, double size, double *action, int n) {
    for (int a = 0; a < n; ++a) action[a] = udy_rng_uniform(rng, -size, size);
}

// A udy_episode_fn: job i drives the i-th of an array.
static inline int run_drive(udy_env *env, int job, void *ctx, udy_error *err) {
    drive *r = (drive *)ctx + job;
    double action[DRIVE_ACT];
    udy_rng rng, action_rng;
    udy_rng_init(&rng, r->seed);
    udy_rng_init(&action_rng, r->seed + 1000);
    r->n_done = 0;
    r->status = udy_env_reset(env, &rng, r->obs[0], &r->err);
    while (r->status == UDY_OK && r->n_done < r->n_steps) {
        random_actions(&action_rng, r->size, action, DRIVE_ACT);
        udy_step *step = &r->steps[r->n_done];
        r->status = udy_env_step(env, action, r->obs[r->n_done + 1], step, &r->err);
        if (r->status != UDY_OK) break;
        ++r->n_done;
        if (step->terminated || step->truncated) break;
    }
    *err = r->err;
    return r->status;
}

// Bit for bit: udy_step has padding that means nothing.
static inline bool same_step(const udy_step *a, const udy_step *b) {
    return memcmp(&a->reward, &b->reward, sizeof a->reward) == 0 &&
           memcmp(a->terms, b->terms, sizeof a->terms) == 0 &&
           memcmp(&a->x_velocity, &b->x_velocity, sizeof a->x_velocity) == 0 &&
           memcmp(&a->torso_z, &b->torso_z, sizeof a->torso_z) == 0 &&
           a->terminated == b->terminated && a->truncated == b->truncated && a->end == b->end;
}

static inline bool same_drive(const drive *a, const drive *b) {
    if (a->n_done != b->n_done || a->status != b->status) return false;
    for (int t = 0; t < a->n_done; ++t) {
        if (!same_step(&a->steps[t], &b->steps[t])) return false;
    }
    return memcmp(a->obs, b->obs, (size_t)(a->n_done + 1) * sizeof a->obs[0]) == 0;
}

static inline udy_task *make_ant(void) {
    udy_task *task = NULL;
    CHECK(udy_task_create(&task, "Ant-v5", NULL, err));
    return task;
}

static inline udy_task_config ant_config(void) {
    udy_task_config config;
    CHECK(udy_task_config_default(&config, "Ant-v5", err));
    return config;
}

// Write a model and point a config at it.
static inline udy_task_config config_of_model(const char *name, const char *xml) {
    udy_task_config config = ant_config();
    snprintf(config.xml_file, sizeof config.xml_file, "%s/%s.xml", UDY_TEST_TMP, name);
    FILE *file = fopen(config.xml_file, "w");
    assert_non_null(file);
    assert_true(fputs(xml, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return config;
}

// A ball on a free joint and a hinge that a motor of the given gear turns.
#define SPINNER(size, gear)                                                               \
    "<mujoco>" size                                                                       \
    "<worldbody><geom type='plane' size='5 5 1'/>"                                        \
    "<body name='ball' pos='0 0 0.5'><freejoint/><geom size='0.1'/>"                      \
    "<body name='arm' pos='0 0 0.3'><joint name='spin' axis='0 1 0'/>"                    \
    "<geom type='capsule' size='0.02' fromto='0 0 0 0.1 0 0'/></body></body></worldbody>" \
    "<actuator><motor joint='spin' gear='" gear                                           \
    "' ctrlrange='-1 1' ctrllimited='true'/>"                                             \
    "</actuator></mujoco>"

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_SIM_COMMON_H_
