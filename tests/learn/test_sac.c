// Soft actor-critic: what it refuses, what its loop does with simulations, replay and time limits,
// the same bits at any number of threads, and that it learns.
#include "test_sac_common.h"

//------------------------------------------ Create ------------------------------------------------

static udy_task *pendulum;

// Creating a training with these settings fails so.
static void expect_refused(const udy_sac_config *c, int status, const char *says) {
    udy_batch *batch;
    udy_pool *pool = make_pool(1);
    udy_sac *sac = (udy_sac *)pool;  // not NULL
    CHECK(udy_batch_create(&batch, pendulum, 3, 1, err));
    EXPECT_ERROR(status, udy_sac_create(&sac, c, pendulum, batch, pool, 1, err), says);
    assert_null(sac);
    udy_pool_destroy(pool);
    udy_batch_destroy(batch);
}

// The same, each field by itself just out of its range.
static void expect_field_refused(const udy_field *f) {
    for (int end = 0; end < 3; end++) {
        udy_sac_config c = small_config(PLAIN);
        char *at = (char *)&c + f->offset;
        double bound = end ? f->max : f->min;
        if (f->type == UDY_FIELD_INT) {
            if (end == 2) continue;
            *(int *)at = (int)bound + (end ? 1 : -1);
        } else if (f->type == UDY_FIELD_F64) {
            *(double *)at = end == 2 ? NAN : nextafter(bound, end ? INFINITY : -INFINITY);
        } else if (f->type == UDY_FIELD_CHOICE) {
            int n = 0;
            while (f->choices[n]) n++;
            *(int *)at = end ? n : -1;
        } else if (f->type == UDY_FIELD_INTS) {
            if (end == 0) *(udy_ints *)at = (udy_ints){1, {0}};
            if (end == 1) *(udy_ints *)at = (udy_ints){2, {8, (int)f->max + 1}};
            if (end == 2) *(udy_ints *)at = (udy_ints){.n = UDY_INTS_MAX + 1};
        } else if (f->type == UDY_FIELD_PAIR) {
            ((double *)at)[0] = end == 2 ? NAN : end ? 0 : -1e3;
            ((double *)at)[1] = end == 1 ? 1e3 : 0;
        } else {
            continue;
        }
        expect_refused(&c, UDY_EINVAL, f->key);
    }
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    int n = 0;
    for (const udy_field *f = udy_sac_config_fields; f->key; f++, n++) expect_field_refused(f);
    assert_true(n >= 30);
}

static void settings_that_do_not_fit_together_are_refused(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        udy_sac_config c = small_config(XQC);
        int status = UDY_EINVAL;
        const char *says = "";
        switch (i) {
            case 0: c.batch_size = 100, says = "multiple of 32"; break;
            case 1:
                c.actor_norm = UDY_NORM_LAYER, status = UDY_EUNSUPPORTED, says = "LayerNorm";
                break;
            case 2: c.n_envs = 4, status = UDY_EMISMATCH, says = "sac.n_envs is 4"; break;
            case 3: c.n_envs = 4096, c.replay_size = 8000, says = "too small"; break;
            case 4: c.log_std_range[0] = 2, says = "sac.log_std_range"; break;
            case 5: c.actor_hidden.n = 0, says = "layers"; break;
            case 6: c.critic_hidden.n = 8, says = "layers"; break;
            case 7: c.value_final = UDY_VALUE_SCALAR, says = "sac.value_final"; break;
            case 8:
                c.learning_rate_final = 0, c.learning_rate_decay = UDY_DECAY_INVERSE;
                says = "sac.learning_rate_final";
                break;
            // A unit's weights are made a unit vector within one tile.
            default: c.critic_hidden.v[0] = 513, status = UDY_EUNSUPPORTED, says = "513"; break;
        }
        for (int l = 0; i == 6 && l < 8; l++) c.critic_hidden.v[l] = 8;
        expect_refused(&c, status, says);
    }
}

//------------------------------------------ The loop ----------------------------------------------

static void the_loop_allocates_nothing(void **state) {
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        udy_sac_config c = small_config((variant)v);
        training t = open_training(&c, pendulum, 3, 2);
        advance(&t, 200);
        uint64_t before = udy_alloc_count();
        advance(&t, 1400);  // the ring wraps
        udy_sac_status status = udy_sac_status_take(t.sac);
        assert_int_equal(udy_alloc_count(), before);
        assert_true(status.updates > 600 && status.episodes > 20);
        close_training(&t);
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        udy_sac_config c = small_config((variant)v);
        training one = open_training(&c, pendulum, 7, 1);
        advance(&one, 600);
        for (int threads = 2; threads <= 3; threads++) {
            training more = open_training(&c, pendulum, 7, threads);
            advance(&more, 600);
            expect_same_trainings(&one, &more);
            close_training(&more);
        }
        training other = open_training(&c, pendulum, 8, 1);
        assert_memory_not_equal(one.sac->obs, other.sac->obs, sizeof(double) * 4);
        close_training(&other);
        close_training(&one);
    }
}

// 500 steps in one go, or step by step: where a caller looks in does not matter.
static void advancing_in_small_pieces_gives_the_same_bits(void **state) {
    (void)state;
    udy_sac_config c = small_config(XQC);
    training a = open_training(&c, pendulum, 2, 1), b = open_training(&c, pendulum, 2, 1);
    advance(&a, 501);
    for (int steps = 1; steps <= 501; steps++) advance(&b, steps);
    expect_same_trainings(&a, &b);
    close_training(&a);
    close_training(&b);
}

static void updates_keep_to_their_ratio(void **state) {
    (void)state;
    static const double ratios[] = {0.25, 1, 2.5};
    for (int i = 0; i < 3; i++) {
        udy_sac_config c = small_config(PLAIN);
        c.updates_per_step = ratios[i];
        training t = open_training(&c, pendulum, 2, 1);
        advance(&t, c.random_steps);
        assert_int_equal(udy_sac_status_take(t.sac).updates, 0);
        advance(&t, c.random_steps + 200);
        udy_sac_status status = udy_sac_status_take(t.sac);
        assert_int_equal(status.steps, 261);  // whole steps of 3 simulations
        assert_int_equal(status.updates, (int64_t)floor(201 * ratios[i]));
        close_training(&t);
    }
}

// Step the training's simulations once more, by the actions that the replay says were taken.
static void what_the_replay_holds_is_what_happened(void **state) {
    (void)state;
    enum { N = 3, STEPS = 200 };
    udy_task *task = task_of("Hopper-v5", 25);
    const udy_task_info *info = udy_task_info_of(task);
    udy_sac_config c = small_config(PLAIN);
    training t = open_training(&c, task, 11, 1);
    advance(&t, N * STEPS);
    const udy__replay *r = t.sac->replay;
    udy_batch *batch;
    double obs[2][N * 11], final[N * 11], action[N * 3];
    udy_step steps[N];
    uint64_t seeds[N];
    int limits = 0, falls = 0;
    assert_int_equal(info->obs_dim, 11);
    CHECK(udy_batch_create(&batch, task, N, 1, err));
    for (int i = 0; i < N; i++) seeds[i] = udy_seed_range(11, UDY_SEEDS_TRAIN) + (uint64_t)i;
    CHECK(udy_batch_reset(batch, seeds, obs[0], err));
    for (int k = 0; k < STEPS; k++) {
        const double *before = obs[k % 2], *after = obs[(k + 1) % 2];
        for (int i = 0; i < N; i++) {
            const float *row = udy__replay_row(r, (uint32_t)(k * N + i));
            for (int j = 0; j < 3; j++) action[i * 3 + j] = (double)row[11 + j];  // bounds: -1, 1
        }
        CHECK(udy_batch_step(batch, action, obs[(k + 1) % 2], steps, final, err));
        for (int i = 0; i < N; i++) {
            const float *row = udy__replay_row(r, (uint32_t)(k * N + i));
            bool ended = steps[i].terminated || steps[i].truncated;
            const double *next = ended ? final + i * 11 : after + i * 11;
            uint32_t flags;
            memcpy(&flags, row + r->flags_at, sizeof flags);
            assert_int_equal(flags, steps[i].terminated + 2 * steps[i].truncated);
            assert_true(row[r->reward_at] == (float)steps[i].reward);
            for (int j = 0; j < 11; j++) {
                assert_true(row[j] == (float)before[i * 11 + j]);
                assert_true(row[r->next_at + (size_t)j] == (float)next[j]);
            }
            falls += steps[i].terminated;
            limits += steps[i].truncated && !steps[i].terminated;
        }
    }
    assert_true(limits > 5 && falls > 5);
    udy_batch_destroy(batch);
    close_training(&t);
    udy_task_destroy(task);
}

// Actions fill their bounds: the pendulum's are [-3, 3], of which the replay has thirds.
static void random_steps_are_uniform_in_the_actions_bounds(void **state) {
    (void)state;
    udy_sac_config c = small_config(PLAIN);
    c.random_steps = 900;
    training t = open_training(&c, pendulum, 4, 1);
    int counts[10] = {0};
    advance(&t, 900);
    for (uint32_t i = 0; i < 900; i++) {
        float a = udy__replay_row(t.sac->replay, i)[4];
        assert_true(a >= -1 && a < 1);
        counts[(int)((a + 1) * 5)]++;
    }
    for (int i = 0; i < 10; i++) assert_in_range(counts[i], 60, 120);  // 90: 3 sigma is 27
    double largest = 0;
    for (int i = 0; i < t.sac->N; i++) largest = fmax(largest, fabs(t.sac->action[i]));
    double ratio = t.sac->action[0] / (double)t.sac->action32[0];
    assert_true(fabs(ratio - 3) < 1e-6 && largest <= 3);
    close_training(&t);
}

//------------------------------------------ Targets -----------------------------------------------

// A target of a row by the definition: r + gamma^m (1 - terminated) (min Q' - alpha log pi).
static void expect_targets(const udy_sac *s, int *limits, int *falls, int *both) {
    const udy__replay *r = s->replay;
    double alpha = s->config.temperature;
    for (int i = 0; i < s->B; i++) {
        const float *row = udy__replay_row(r, s->index[i]);
        uint32_t flags;
        memcpy(&flags, row + r->flags_at, sizeof flags);
        bool terminated = flags & UDY__REPLAY_TERMINATED, truncated = flags & UDY__REPLAY_TRUNCATED;
        double reward = (double)row[r->reward_at];
        double q = fmin((double)s->targets[0]->out[i], (double)s->targets[1]->out[i]);
        double soft = q - alpha * (double)s->next_log_prob[i];
        double want = reward + (terminated ? 0 : s->config.gamma * soft);
        assert_true(fabs((double)s->y[i] - want) <= 1e-5 * (1 + fabs(want)));
        assert_true(fabs(soft) > 1e-6);  // so that a wrong bootstrap shows
        *limits += truncated && !terminated;
        *falls += terminated && !truncated;
        *both += terminated && truncated;
    }
}

static void time_limits_bootstrap_and_terminations_do_not(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 6);
    udy_sac_config c = small_config(PLAIN);
    c.temperature = 0.5;
    c.temperature_learning_rate = 0;
    training t = open_training(&c, task, 5, 1);
    advance(&t, 400);
    int limits = 0, falls = 0, both = 0;
    for (int k = 0; k < 30; k++) {
        CHECK(udy__sac_update(t.sac, err));
        expect_targets(t.sac, &limits, &falls, &both);
    }
    print_message("%d time limits, %d falls, %d both\n", limits, falls, both);
    assert_true(limits > 50 && falls > 50 && both > 0);
    close_training(&t);
    udy_task_destroy(task);
}

// Stable-Baselines3's loss -log alpha (log pi + target entropy), rows' mean, of the last batch.
static double temperature_loss(const udy_sac *s, double log_alpha) {
    double sum = 0;
    for (int i = 0; i < s->B; i++)
        sum -= log_alpha * ((double)s->log_prob[i] + s->A * s->config.target_entropy_per_action);
    return sum / s->B;
}

// What Adam was given is read from its first moment, which the first step makes a tenth of it.
static void the_temperatures_gradient_equals_central_differences(void **state) {
    (void)state;
    const double h = 1e-3;
    udy_sac_config c = small_config(PLAIN);
    c.target_entropy_per_action = -0.7;
    training t = open_training(&c, pendulum, 6, 1);
    advance(&t, 60);
    double before = t.sac->numbers.log_alpha;
    CHECK(udy__sac_update(t.sac, err));
    assert_int_equal(t.sac->numbers.actor_updates, 1);
    double want =
        (temperature_loss(t.sac, before + h) - temperature_loss(t.sac, before - h)) / (2 * h);
    double got = t.sac->numbers.log_alpha_m / 0.1;
    if (!(fabs(got - want) <= 1e-6 * fabs(want))) fail_msg("%g, expected %g", got, want);
    assert_true(fabs(want) > 0.1 && (t.sac->numbers.log_alpha - before) * want < 0);
    close_training(&t);
}

// Rows of a replay in time, simulation by simulation: discounted returns, and finished episodes.
typedef struct ended_episode {
    int at, length;  // at: the row that ended it
    double ret;
} ended_episode;

static int64_t follow(const udy_sac *s, double *mean, double *std, double *largest,
                      ended_episode *episodes) {
    const udy__replay *r = s->replay;
    int64_t n = udy__replay_count(r), n_episodes = 0;
    double sum = 0, squares = 0, running[8] = {0};
    ended_episode now[8] = {0};
    *largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *row = udy__replay_row(r, (uint32_t)i);
        double reward = (double)row[r->reward_at], *g = &running[i % s->N];
        ended_episode *e = &now[i % s->N];
        uint32_t flags;
        memcpy(&flags, row + r->flags_at, sizeof flags);
        *g = reward + s->config.gamma * *g;
        e->ret += reward;
        e->length++;
        sum += *g;
        squares += *g * *g;
        *largest = fmax(*largest, fabs(*g));
        if (!flags) continue;
        e->at = (int)i;
        episodes[n_episodes++] = *e;
        *e = (ended_episode){0};
        *g = 0;
    }
    *mean = sum / (double)n;
    *std = sqrt(squares / (double)n - *mean * *mean);
    return n_episodes;
}

static void rewards_are_scaled_by_the_returns_spread(void **state) {
    (void)state;
    static const double return_max[] = {1e6, 0.1};
    udy_task *task = task_of("Hopper-v5", 0);
    for (int i = 0; i < 2; i++) {
        udy_sac_config c = small_config(XQC);
        c.return_max = return_max[i];
        c.gamma_final = c.gamma;  // as follow has it
        training t = open_training(&c, task, 9, 1);
        assert_true(udy_sac_status_take(t.sac).reward_scale == 1);
        advance(&t, 900);
        double mean, std, largest;
        static ended_episode episodes[1000];
        follow(t.sac, &mean, &std, &largest, episodes);
        double want = i ? largest / 0.1 : std, got = udy_sac_status_take(t.sac).reward_scale;
        if (!(fabs(got - want) <= 1e-5 * want)) fail_msg("%g, expected %g", got, want);
        close_training(&t);
    }
    udy_task_destroy(task);
}

//------------------------------------------ Schedules ---------------------------------------------

// A training and one with settings of its own, at a step of a run of 600 updates.
static bool same_at(const udy_sac_config *a, const udy_sac_config *b, const udy_task *task,
                    int64_t steps) {
    training x = open_training(a, task, 4, 1), y = open_training(b, task, 4, 1);
    advance(&x, steps);
    advance(&y, steps);
    assert_true(x.sac->numbers.updates == (steps - 60) / 2);
    size_t n;
    const float *p = udy_mlp_params(udy_net_mlp(x.sac->critic[0]), &n);
    bool same = !memcmp(p, udy_mlp_params(udy_net_mlp(y.sac->critic[0]), NULL), n * sizeof *p);
    close_training(&x);
    close_training(&y);
    return same;
}

static void a_final_value_takes_over_after_its_hold(void **state) {
    (void)state;
    udy_task *task = task_of("Hopper-v5", 0);
    udy_sac_config histogram = small_config(HISTOGRAM), late = histogram, at_once = histogram;
    histogram.steps = late.steps = at_once.steps = 1260;
    late.value_final = at_once.value_final = UDY_VALUE_CATEGORICAL;
    late.value_hold = 0.5;
    udy_sac_config categorical = histogram;
    categorical.value = UDY_VALUE_CATEGORICAL;
    assert_true(same_at(&histogram, &late, task, 660));   // 300 updates of 600
    assert_false(same_at(&histogram, &late, task, 666));  // and three more
    assert_true(same_at(&categorical, &at_once, task, 360));
    assert_false(same_at(&histogram, &categorical, task, 360));
    udy_task_destroy(task);
}

// What a schedule says at 0, 300, 450, 600 and 700 updates of 600.
static void assert_schedule(const udy_sac_config *c, const udy_task *task,
                            double (*schedule)(const udy_sac *), const double wanted[5],
                            double tolerance) {
    static const int64_t updates[] = {0, 300, 450, 600, 700};
    training t = open_training(c, task, 4, 1);
    for (int i = 0; i < 5; i++) {
        t.sac->numbers.updates = updates[i];
        assert_true(fabs(schedule(t.sac) - wanted[i]) <= tolerance);
    }
    close_training(&t);
}

static void gamma_changes_after_its_hold_and_reaches_its_end(void **state) {
    (void)state;
    udy_task *task = task_of("Hopper-v5", 0);
    udy_sac_config c = small_config(XQC), constant = c;
    c.steps = constant.steps = 1260;
    c.gamma_hold = 0.5;
    constant.gamma_final = -1;
    assert_true(same_at(&constant, &c, task, 660));
    assert_false(same_at(&constant, &c, task, 672));
    const double wanted[] = {0.99, 0.99, 1 - 1 / 150.0, 0.995, 0.995};
    assert_schedule(&c, task, udy__sac_gamma, wanted, 9e-13);
    udy_task_destroy(task);
}

static void the_entropy_aimed_at_changes_after_its_hold_and_reaches_its_end(void **state) {
    (void)state;
    udy_task *task = task_of("Hopper-v5", 0);  // three actions
    udy_sac_config c = small_config(XQC), constant = c;
    c.steps = constant.steps = 1260;
    c.target_entropy_final = -2;
    c.target_entropy_hold = 0.5;
    assert_true(same_at(&constant, &c, task, 660));
    assert_false(same_at(&constant, &c, task, 690));
    const double wanted[] = {-3, -3, -4.5, -6, -6}, unchanged[] = {-3, -3, -3, -3, -3};
    assert_schedule(&c, task, udy__sac_target_entropy, wanted, 9e-13);
    assert_schedule(&constant, task, udy__sac_target_entropy, unchanged, 0);
    udy_task_destroy(task);
}

static void the_learning_rate_decays_to_its_end(void **state) {
    (void)state;
    udy_task *task = task_of("Hopper-v5", 0);
    udy_sac_config c = small_config(XQC);
    c.steps = 1260;
    c.learning_rate = 1e-3;
    c.learning_rate_final = 1e-4;
    const double linear[] = {1e-3, 5.5e-4, 3.25e-4, 1e-4, 1e-4},
                 inverse[] = {1e-3, 1 / 5500.0, 1 / 7750.0, 1e-4, 1e-4},
                 constant[] = {1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
    assert_schedule(&c, task, udy__sac_learning_rate, linear, 1e-15);
    c.learning_rate_decay = UDY_DECAY_INVERSE;
    assert_schedule(&c, task, udy__sac_learning_rate, inverse, 1e-15);
    c.learning_rate_final = -1;
    assert_schedule(&c, task, udy__sac_learning_rate, constant, 0);
    udy_task_destroy(task);
}

//------------------------------------------ Looking at it -----------------------------------------

static void the_status_tells_what_was_done(void **state) {
    (void)state;
    udy_task *task = task_of("Hopper-v5", 40);
    udy_sac_config c = small_config(PLAIN);
    c.learning_rate = 4e-4;
    c.learning_rate_final = 2e-4;
    c.steps = 1260;  // 600 updates
    training t = open_training(&c, task, 9, 1);
    udy_sac_status s = udy_sac_status_take(t.sac);
    assert_true(s.steps == 0 && s.updates == 0 && s.episodes == 0);
    assert_true(isnan(s.return_mean) && isnan(s.length_mean) && isnan(s.critic_loss));
    assert_true(s.temperature == 1 && s.learning_rate == 4e-4);
    advance(&t, 660);
    s = udy_sac_status_take(t.sac);
    static ended_episode episodes[1000];
    double mean, std, largest, ret = 0, length = 0;
    int64_t n = follow(t.sac, &mean, &std, &largest, episodes);
    assert_true(s.steps == 660 && s.updates == 300 && s.episodes == n && n > 20);
    for (int64_t i = n - 20; i < n; i++) {
        ret += episodes[i].ret / 20;
        length += episodes[i].length / 20.0;
    }
    assert_true(fabs(s.return_mean - ret) < 1e-4 * fabs(ret));
    assert_true(fabs(s.length_mean - length) < 1e-9 * length);
    assert_true(s.too_low + s.too_high <= 20 && s.too_high == 0);
    assert_true(fabs(s.learning_rate - 3e-4) < 1e-12);
    assert_true(s.critic_loss > 0 && s.entropy > 0 && s.entropy <= 3 * log(2) + 1e-6);
    assert_true(isfinite(s.q_mean) && isfinite(s.actor_loss));
    assert_true(s.temperature < 1 && s.temperature > 0.8);  // there is more entropy than -3
    assert_true(s.reward_scale == 1);
    s = udy_sac_status_take(t.sac);  // means start afresh
    assert_true(s.updates == 300 && s.episodes == n && !isnan(s.return_mean));
    assert_true(isnan(s.critic_loss) && isnan(s.q_mean) && isnan(s.actor_loss) && isnan(s.entropy));
    close_training(&t);
    udy_task_destroy(task);
}

// Both as a plain network acts and as the network that it was folded from does, with its running
// statistics.
static void expect_policy_acts_as(const udy_policy *policy, udy_sac *s, const udy_mlp *plain,
                                  udy_net *net) {
    enum { ROWS = 32, O = 4 };
    const double half = 3;  // the pendulum's actions are [-3, 3]
    float x[ROWS * O], head[2], *scratch = udy_alloc(1 << 16), a, b, log_prob;
    udy__pass *pass = s->next_actor;
    udy_rng rng, noise, again;
    udy_rng_init(&rng, 3);
    udy_rng_init(&noise, 4);
    again = noise;
    assert_true(scratch && udy_policy_scratch_size(policy) <= (1 << 14));
    for (int i = 0; i < ROWS * O; i++) x[i] = (float)udy_rng_normal(&rng);
    udy__pass_begin(pass, net, UDY__PASS_FIXED, x, ROWS);
    udy__pass_forward(pass, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        double obs[O];
        for (int k = 0; k < O; k++) obs[k] = (double)x[i * O + k];
        udy_mlp_forward_row(plain, x + i * O, head, scratch);
        assert_true(fabsf(head[0] - pass->out[2 * i]) < 1e-4f * (1 + fabsf(head[0])));
        assert_true(fabsf(head[1] - pass->out[2 * i + 1]) < 1e-4f * (1 + fabsf(head[1])));
        udy_policy_act(policy, obs, &a, scratch, NULL);
        assert_true(fabs((double)a - half * tanh((double)head[0])) < 1e-6 * half);
        CHECK(udy_policy_sample(policy, obs, &a, scratch, &noise, err));
        float eps = (float)udy_rng_normal(&again);
        udy__kernels_best()->gaussian_sample(&s->head, head, &eps, 1, &b, 1, &log_prob);
        assert_true(fabs((double)a - half * (double)b) < 1e-6 * half);
    }
    udy_free(scratch);
}

static void the_policy_is_the_network_that_acts(void **state) {
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        udy_sac_config c = small_config((variant)v);
        c.policy_average = 1;
        training t = open_training(&c, pendulum, 6, 1);
        udy_policy *before, *after;
        CHECK(udy_sac_policy(t.sac, &before, err));
        advance(&t, 600);
        CHECK(udy_sac_policy(t.sac, &after, err));
        assert_true(!same_weights(before, after) && udy_policy_gaussian(after));
        CHECK(udy_policy_check(after, pendulum, err));
        expect_policy_acts_as(after, t.sac, t.sac->acting, t.sac->actor);
        udy_policy_destroy(before);
        udy_policy_destroy(after);
        close_training(&t);
    }
}

static void an_averaged_policy_is_deployed_but_does_not_act(void **state) {
    (void)state;
    udy_sac_config c = small_config(XQC), plain = c;
    assert_true(c.policy_average < 1);
    plain.policy_average = 1;
    training t = open_training(&c, pendulum, 6, 1), u = open_training(&plain, pendulum, 6, 1);
    advance(&t, 600);
    advance(&u, 600);
    expect_same_net("actors", t.sac->actor, u.sac->actor);
    expect_same_replay(t.sac->replay, u.sac->replay);
    udy_policy *averaged, *last;
    udy_mlp *folded;
    CHECK(udy_sac_policy(t.sac, &averaged, err));
    CHECK(udy_sac_policy(u.sac, &last, err));
    assert_false(same_weights(averaged, last));
    CHECK(udy_mlp_create(&folded, udy_mlp_config_of(t.sac->acting), err));
    CHECK(udy_net_fold(t.sac->average, folded, err));
    expect_policy_acts_as(averaged, t.sac, folded, t.sac->average);
    udy_mlp_destroy(folded);
    udy_policy_destroy(averaged);
    udy_policy_destroy(last);
    close_training(&t);
    close_training(&u);
}

//------------------------------------------ Divergence --------------------------------------------

static void expect_divergence(training *t, const char *what) {
    udy_error err = {0};
    int status = udy_sac_advance(t->sac, 5000, &err);
    char at[80];
    assert_int_equal(status, UDY_ENONFINITE);
    snprintf(at, sizeof at, "environment step %lld, update %lld", (long long)t->sac->numbers.steps,
             (long long)t->sac->numbers.updates);
    if (!strstr(err.message, what) || !strstr(err.message, at))
        fail_msg("'%s' or '%s' is not in '%s'", what, at, err.message);
}

static void divergence_is_an_error_that_says_where(void **state) {
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        for (int poison = 0; poison < 4; poison++) {
            udy_sac_config c = small_config((variant)v);
            training t = open_training(&c, pendulum, 6, 2);
            advance(&t, 90);
            udy_net *net = poison == 0   ? t.sac->critic[1]
                           : poison == 1 ? t.sac->target[0]
                                         : t.sac->actor;
            udy_param p = udy_mlp_param(udy_net_mlp(net), 2);
            p.data[3] = NAN;
            udy_mlp_sync(udy_net_mlp(net));
            // What acts is made after the actor's update: the simulation is the first to meet it.
            if (poison == 3) CHECK(udy__sac_refresh_acting(t.sac, err));
            expect_divergence(&t, "diverged");
            close_training(&t);
        }
    }
    // Numbers, but beyond all reason.
    udy_sac_config c = small_config(PLAIN);
    training t = open_training(&c, pendulum, 6, 1);
    advance(&t, 90);
    for (int i = 0; i < 2; i++) udy_mlp_param(udy_net_mlp(t.sac->target[i]), 5).data[0] = 3e7f;
    expect_divergence(&t, "the critics' target value is 2.");
    close_training(&t);
}

//------------------------------------------ Learning ----------------------------------------------

// Of the policy as it is, deterministic, over 10 episodes of a purpose's seeds.
static double mean_return(const training *t, udy_seed_purpose purpose) {
    enum { EPISODES = 10 };
    udy_rollout_job jobs[EPISODES];
    udy_episode episodes[EPISODES] = {0};
    udy_policy *policy;
    double sum = 0;
    CHECK(udy_sac_policy(t->sac, &policy, err));
    for (int i = 0; i < EPISODES; i++)
        jobs[i] =
            (udy_rollout_job){.policy = policy, .seed = udy_seed_range(1, purpose) + (uint64_t)i};
    CHECK(udy_rollout(t->batch, pendulum, jobs, EPISODES, episodes, "evaluate", NULL, err));
    for (int i = 0; i < EPISODES; i++) sum += episodes[i].ret;
    udy_episodes_free(episodes, EPISODES);
    udy_policy_destroy(policy);
    return sum / EPISODES;
}

// From scratch: an episode is 1000 steps at most, a reward of 1 for each; chance holds some 5 of
// them and a lazy policy 30. A policy that balances on some seeds must balance on fresh ones.
static void expect_balance(variant v) {
    udy_sac_config c = small_config(v);
    c.steps = 24000;
    c.n_envs = 1;
    c.random_steps = 1000;
    c.updates_per_step = 1;
    c.replay_size = 24000;
    c.policy_delay = 1;
    c.learning_rate = 1e-3;
    c.learning_rate_final = 1e-4;
    c.temperature_learning_rate = 1e-3;
    c.target_average = 0.02;
    c.actor_hidden = c.critic_hidden = (udy_ints){2, {64, 64}};
    training t = open_training(&c, pendulum, 1, 1);
    double start_s = udy_clock_s(), fresh = 0;
    advance(&t, c.random_steps);
    assert_true(mean_return(&t, UDY_SEEDS_SELECT) < 200);
    int64_t steps = c.random_steps;
    while (fresh < 950 && steps < c.steps) {
        advance(&t, steps += 1000);
        double mean = mean_return(&t, UDY_SEEDS_SELECT);
        print_message("%lld steps: %.0f\n", (long long)steps, mean);
        if (mean >= 950) fresh = mean_return(&t, UDY_SEEDS_EVALUATE);
    }
    print_message("%.0f on fresh seeds after %.1f s\n", fresh, udy_clock_s() - start_s);
    assert_true(fresh >= 950);
    close_training(&t);
}

static void sac_as_published_learns_to_balance_a_pendulum(void **state) {
    (void)state;
    expect_balance(PLAIN);
}

static void normalised_categorical_sac_learns_to_balance_a_pendulum(void **state) {
    (void)state;
    expect_balance(XQC);
}

//------------------------------------------ Main --------------------------------------------------

static int set_up(void **state) {
    (void)state;
    pendulum = task_of("InvertedPendulum-v5", 0);
    return make_root(state);
}

static int tear_down(void **state) {
    udy_task_destroy(pendulum);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(settings_that_do_not_fit_together_are_refused),
        cmocka_unit_test(the_loop_allocates_nothing),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(advancing_in_small_pieces_gives_the_same_bits),
        cmocka_unit_test(updates_keep_to_their_ratio),
        cmocka_unit_test(what_the_replay_holds_is_what_happened),
        cmocka_unit_test(random_steps_are_uniform_in_the_actions_bounds),
        cmocka_unit_test(time_limits_bootstrap_and_terminations_do_not),
        cmocka_unit_test(the_temperatures_gradient_equals_central_differences),
        cmocka_unit_test(rewards_are_scaled_by_the_returns_spread),
        cmocka_unit_test(a_final_value_takes_over_after_its_hold),
        cmocka_unit_test(gamma_changes_after_its_hold_and_reaches_its_end),
        cmocka_unit_test(the_entropy_aimed_at_changes_after_its_hold_and_reaches_its_end),
        cmocka_unit_test(the_learning_rate_decays_to_its_end),
        cmocka_unit_test(the_status_tells_what_was_done),
        cmocka_unit_test(the_policy_is_the_network_that_acts),
        cmocka_unit_test(an_averaged_policy_is_deployed_but_does_not_act),
        cmocka_unit_test(divergence_is_an_error_that_says_where),
        cmocka_unit_test(sac_as_published_learns_to_balance_a_pendulum),
        cmocka_unit_test(normalised_categorical_sac_learns_to_balance_a_pendulum),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
