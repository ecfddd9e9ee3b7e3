// test_sac_common.h: small trainings of soft actor-critic, and what two of them have in common.
#ifndef UNDERSTUDY_TESTS_LEARN_TEST_SAC_COMMON_H_
#define UNDERSTUDY_TESTS_LEARN_TEST_SAC_COMMON_H_

#include <math.h>

#include "../unit/test_learn_common.h"

#include "learn/replay_internal.h"
#include "learn/sac.h"

// The ways in which an update differs most.
typedef enum { PLAIN, XQC, LAYERED, HISTOGRAM, VARIANTS } variant;

// As published, but small: 3 simulations, an update every other step.
static inline udy_sac_config small_config(variant v) {
    udy_sac_config c = udy_sac_config_default();
    c.steps = 2000;
    c.n_envs = 3;
    c.random_steps = 60;
    c.updates_per_step = 0.5;
    c.replay_size = 1000;
    c.batch_size = 64;
    c.actor_hidden = (udy_ints){2, {32, 16}};
    c.critic_hidden = (udy_ints){2, {48, 32}};
    if (v == XQC || v == HISTOGRAM) {
        c.actor_norm = c.critic_norm = UDY_NORM_BATCH;
        c.actor_unit_weights = c.critic_unit_weights = true;
        c.value = UDY_VALUE_CATEGORICAL;
        c.reward_scaling = true;
        c.policy_delay = 3;
        c.temperature = 0.01;
        c.learning_rate_final = 3e-5;
        c.gamma_final = 0.995;
        c.policy_average = 0.1;
    }
    if (v == HISTOGRAM) {
        c.value = UDY_VALUE_HISTOGRAM;
        c.joint_gradient = false;
        c.bf16 = udy__bf16_supported();
        if (!c.bf16) print_message("float32 in place of bfloat16, which this CPU has not\n");
    }
    if (v == LAYERED) {
        c.critic_norm = UDY_NORM_LAYER;
        c.n_step = 3;
        c.log_std_bound = UDY_LOG_STD_SQUASH;
    }
    return c;
}

static inline udy_task *task_of(const char *id, int max_episode_steps) {
    udy_task *made;
    udy_task_config config;
    CHECK(udy_task_config_default(&config, id, err));
    if (max_episode_steps) config.max_episode_steps = max_episode_steps;
    CHECK(udy_task_create(&made, id, &config, err));
    return made;
}

typedef struct training {
    udy_batch *batch;
    udy_pool *pool;
    udy_sac *sac;
} training;

static inline training open_training(const udy_sac_config *c, const udy_task *task, uint64_t seed,
                                     int threads) {
    training t;
    CHECK(udy_batch_create(&t.batch, task, c->n_envs, threads, err));
    t.pool = make_pool(threads);
    CHECK(udy_sac_create(&t.sac, c, task, t.batch, t.pool, seed, err));
    return t;
}

static inline void close_training(training *t) {
    udy_sac_destroy(t->sac);
    udy_pool_destroy(t->pool);
    udy_batch_destroy(t->batch);
}

static inline void advance(training *t, int64_t steps) {
    CHECK(udy_sac_advance(t->sac, steps, err));
}

//------------------------------------------ Comparing ---------------------------------------------

#define SAME(what, a, b, n_bytes)                               \
    do {                                                        \
        if (memcmp(a, b, n_bytes)) fail_msg("%s differ", what); \
    } while (0)

static inline void expect_same_net(const char *what, udy_net *a, udy_net *b) {
    size_t n;
    const float *x = udy_mlp_params(udy_net_mlp(a), &n);
    SAME(what, x, udy_mlp_params(udy_net_mlp(b), NULL), n * sizeof *x);
    x = udy_net_gamma(a, &n);
    if (n) SAME(what, x, udy_net_gamma(b, NULL), n * sizeof *x);
    x = udy_net_stats(a, &n);
    if (n) SAME(what, x, udy_net_stats(b, NULL), n * sizeof *x);
}

static inline void expect_same_adam(const char *what, udy_adam *a, udy_adam *b, size_t n) {
    assert_int_equal(*udy_adam_t(a), *udy_adam_t(b));
    SAME(what, udy_adam_m(a), udy_adam_m(b), n * sizeof(float));
    SAME(what, udy_adam_v(a), udy_adam_v(b), n * sizeof(float));
}

// Rows as they are drawn: a row's seal is there once it was saved.
static inline void expect_same_replay(const udy__replay *a, const udy__replay *b) {
    assert_int_equal(udy__replay_count(a), udy__replay_count(b));
    for (int i = 0; i < udy__replay_size(a); i++) {
        const float *x = udy__replay_row(a, (uint32_t)i), *y = udy__replay_row(b, (uint32_t)i);
        uint32_t p, q;
        SAME("replays", x, y, a->flags_at * sizeof *x);
        memcpy(&p, x + a->flags_at, sizeof p);
        memcpy(&q, y + a->flags_at, sizeof q);
        assert_int_equal(p & UDY__REPLAY_FLAGS, q & UDY__REPLAY_FLAGS);
    }
}

static inline void expect_same_simulations(udy_batch *a, udy_batch *b) {
    size_t n = udy_batch_state_size(a);
    char *x = udy_alloc(2 * n);
    assert_non_null(x);
    for (int i = 0; i < udy_batch_sims(a); i++) {
        CHECK(udy_batch_state_get(a, i, x, err));
        CHECK(udy_batch_state_get(b, i, x + n, err));
        SAME("simulations", x, x + n, n);
    }
    udy_free(x);
}

// Everything that decides what comes next, to the bit.
static inline void expect_same_trainings(const training *a, const training *b) {
    udy_sac *x = a->sac, *y = b->sac;
    size_t N = (size_t)x->N, O = (size_t)x->O;
    SAME("counters", &x->numbers, &y->numbers, sizeof x->numbers);
    SAME("sums of the status", &x->sums, &y->sums, sizeof x->sums);
    SAME("generators", &x->act_rng, &y->act_rng, sizeof x->act_rng);
    SAME("generators", &x->draw_rng, &y->draw_rng, sizeof x->draw_rng);
    SAME("generators", &x->noise_rng, &y->noise_rng, sizeof x->noise_rng);
    SAME("observations", x->obs, y->obs, N * O * sizeof *x->obs);
    SAME("observations", x->obs32, y->obs32, N * O * sizeof *x->obs32);
    SAME("returns", x->ret, y->ret, N * sizeof *x->ret);
    SAME("lengths", x->length, y->length, N * sizeof *x->length);
    SAME("discounted returns", x->running, y->running, N * sizeof *x->running);
    expect_same_net("actors", x->actor, y->actor);
    if (x->average) expect_same_net("averages", x->average, y->average);
    expect_same_adam("actors' moments", x->actor_adam, y->actor_adam,
                     udy__net_param_count(x->actor));
    for (int i = 0; i < 2; i++) {
        expect_same_net("critics", x->critic[i], y->critic[i]);
        expect_same_net("targets", x->target[i], y->target[i]);
        expect_same_adam("critics' moments", x->critic_adam[i], y->critic_adam[i],
                         udy__net_param_count(x->critic[i]));
    }
    expect_same_replay(x->replay, y->replay);
    expect_same_simulations(a->batch, b->batch);
}

#endif  // UNDERSTUDY_TESTS_LEARN_TEST_SAC_COMMON_H_
