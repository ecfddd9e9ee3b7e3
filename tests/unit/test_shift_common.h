// test_shift_common.h: small measurements for the tests of the shift, and the policies they look at.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_SHIFT_COMMON_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_SHIFT_COMMON_H_

#include <math.h>

#include "test_learn_common.h"
#include "understudy/study.h"

// Every part, little of each.
static inline udy_shift_config quick(void) {
    udy_shift_config c = udy_shift_config_default();
    c.episodes = 6;
    c.window = 20;
    c.map_bins = 8;
    c.push_episodes = 4;
    c.push_steps = 40;
    c.n_push_speeds = 1;
    c.divergence.permutations = c.divergence.resamples = 99;
    c.divergence.rows_per_episode = 40;
    c.classifier.permutations = c.classifier.resamples = 99;
    c.classifier.updates = 60;
    c.classifier.hidden = (udy_ints){1, {16}};
    return c;
}

static inline udy_shift measured(const udy_task *task, const udy_policy *expert,
                                 const udy_dataset *demos, const char *name,
                                 const udy_policy *policy, const udy_shift_config *config,
                                 int n_threads) {
    udy_shift s;
    udy_shift_subject subject = {.name = name, .label = name, .policy = policy};
    CHECK(udy_shift_measure(&s, task, expert, "the expert", demos, &subject, 1, config, n_threads,
                            NULL, err));
    return s;
}

// The expert with one joint that gets no torque.
static inline udy_policy *broken_expert(int joint) {
    udy_policy *policy = load_expert();
    udy_mlp *mlp = (udy_mlp *)udy_policy_mlp(policy);  // nobody else has it yet
    int n = udy_mlp_param_count(mlp);
    udy_param weight = udy_mlp_param(mlp, n - 2), bias = udy_mlp_param(mlp, n - 1);
    for (int k = 0; k < weight.cols; k++) weight.data[joint * weight.cols + k] = 0;
    bias.data[joint] = 0;
    udy_mlp_sync(mlp);
    return policy;
}

static inline udy_dataset *collected(const udy_task *task, const udy_policy *policy,
                                     const char *name, int episodes, uint64_t seed) {
    udy_dataset *demos;
    udy_batch *batch = make_batch(task, 2);
    CHECK(udy_dataset_create(&demos, at_root(name), task, "test", err));
    CHECK(udy_dataset_collect(demos, batch, task, policy, episodes, seed, "demos", NULL, err));
    udy_batch_destroy(batch);
    return demos;
}

// A small network with random weights, as a policy for any task.
static inline udy_policy *any_policy(const udy_task *task, uint64_t seed) {
    const udy_task_info *info = udy_task_info_of(task);
    udy_mlp_config config = {.n_layers = 2,
                             .dims = {info->obs_dim, 16, info->act_dim},
                             .hidden = UDY_TANH,
                             .output = UDY_TANH,
                             .init = UDY_INIT_PYTORCH};
    udy_mlp *mlp;
    udy_policy *policy;
    udy_rng rng;
    udy_rng_init(&rng, seed);
    CHECK(udy_mlp_create(&mlp, &config, err));
    udy_mlp_init(mlp, &rng);
    CHECK(udy_policy_from_mlp(&policy, mlp, task, err));
    udy_mlp_destroy(mlp);
    return policy;
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_SHIFT_COMMON_H_
