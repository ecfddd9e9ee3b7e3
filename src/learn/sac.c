// Soft actor-critic: networks, simulations and the loop that alternates control steps and updates.
// What an update does is in sac_update.c, checkpoints are in sac_checkpoint.c.
#include "learn/sac.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a training");
}

//------------------------------------------ Create ------------------------------------------------

static int check_config(const udy_sac_config *c, const udy_task_info *info, udy_error *err) {
    int status = udy__config_check(c, udy_sac_config_fields, "sac.", err);
    if (status) return status;
    if (c->batch_size % UDY__SHARD_ROWS)
        return udy_error_set(err, UDY_EINVAL, "sac.batch_size is %d: expected a multiple of %d",
                             c->batch_size, UDY__SHARD_ROWS);
    if (c->actor_norm == UDY_NORM_LAYER)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "sac.actor_norm is layer: a policy is deployed as a plain network, "
                             "which LayerNorm cannot be folded into; use none or batch");
    if (c->actor_hidden.n < 1 || c->critic_hidden.n < 1 ||
        c->actor_hidden.n >= UDY_MLP_LAYERS_MAX || c->critic_hidden.n >= UDY_MLP_LAYERS_MAX)
        return udy_error_set(err, UDY_EINVAL,
                             "sac.actor_hidden and sac.critic_hidden have %d and %d layers: "
                             "expected 1 to %d",
                             c->actor_hidden.n, c->critic_hidden.n, UDY_MLP_LAYERS_MAX - 1);
    if (c->replay_size < c->n_envs * (c->n_step + 1))
        return udy_error_set(err, UDY_EINVAL,
                             "sac.replay_size is %d, too small for %d simulations and %d-step "
                             "returns",
                             c->replay_size, c->n_envs, c->n_step);
    if (c->value_final != UDY_VALUE_COUNT &&
        (c->value == UDY_VALUE_SCALAR) != (c->value_final == UDY_VALUE_SCALAR))
        return udy_error_set(err, UDY_EINVAL,
                             "sac.value and sac.value_final: a scalar value cannot become one over "
                             "bins, nor the other way round: the critics' outputs differ");
    if (c->from_steps >= c->steps)
        return udy_error_set(
            err, UDY_EINVAL,
            "sac.steps is %d, and the training that this one goes on from has done "
            "%d: give a larger one, as they are counted from its beginning",
            c->steps, c->from_steps);
    if (c->learning_rate_decay == UDY_DECAY_INVERSE && c->learning_rate_final == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "sac.learning_rate_final is 0, which has no inverse: give a positive "
                             "one or sac.learning_rate_decay=linear");
    if (!(c->log_std_range[0] < c->log_std_range[1]) || !(c->log_std_range[0] >= -50) ||
        !(c->log_std_range[1] <= 20))
        return udy_error_set(err, UDY_EINVAL,
                             "sac.log_std_range is [%g, %g]: expected a range within [-50, 20]",
                             c->log_std_range[0], c->log_std_range[1]);
    for (int k = 0; k < info->act_dim; k++) {
        if (!isfinite(info->act_low[k]) || !isfinite(info->act_high[k]))
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "%s: action %d is unbounded, and soft actor-critic's is a tanh",
                                 info->id, k);
    }
    return UDY_OK;
}

static udy_net_config network(const udy_ints *hidden, int in, int out, int norm, bool unit) {
    udy_net_config c = {.mlp = {.n_layers = hidden->n + 1,
                                .hidden = UDY_RELU,
                                .output = UDY_IDENTITY,
                                .init = unit ? UDY_INIT_ORTHOGONAL : UDY_INIT_PYTORCH},
                        .norm = (udy_norm)norm,
                        .unit_weights = unit,
                        .eps = 1e-3,
                        .momentum = 0.99};
    c.mlp.dims[0] = in;
    for (int l = 0; l < hidden->n; l++) c.mlp.dims[l + 1] = hidden->v[l];
    c.mlp.dims[c.mlp.n_layers] = out;
    return c;
}

static int create_net(udy_net **net, udy_adam **adam, const udy_net_config *c, const udy_sac *s,
                      const char *stream, uint64_t index, udy_error *err) {
    int status = udy_net_create(net, c, err);
    if (status) return status;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->seed, stream, index);
    udy_net_init(*net, &rng);
    udy_adam_config a = udy_adam_config_default();
    a.learning_rate = s->config.learning_rate;
    a.beta1 = s->config.beta1;
    return adam ? udy_adam_create(adam, udy__net_param_count(*net), &a, err) : UDY_OK;
}

static int create_networks(udy_sac *s, udy_error *err) {
    const udy_sac_config *c = &s->config;
    const udy_net_config actor =
        network(&c->actor_hidden, s->O, 2 * s->A, c->actor_norm, c->actor_unit_weights);
    udy_net_config critic =
        network(&c->critic_hidden, s->O + s->A, s->K, c->critic_norm, c->critic_unit_weights);
    critic.bf16 = c->bf16;
    int status = create_net(&s->actor, &s->actor_adam, &actor, s, "sac/actor", 0, err);
    if (!status && c->policy_average < 1)
        status = create_net(&s->average, NULL, &actor, s, "sac/actor", 0, err);
    for (int i = 0; !status && i < 2; i++) {
        status = create_net(&s->critic[i], &s->critic_adam[i], &critic, s, "sac/critic",
                            (uint64_t)i, err);
        if (!status)
            status = create_net(&s->target[i], NULL, &critic, s, "sac/critic", (uint64_t)i, err);
    }
    if (!status) status = udy_mlp_create(&s->acting, &actor.mlp, err);
    if (!status) status = udy__sac_refresh_acting(s, err);
    return status;
}

static int create_simulations(udy_sac *s, udy_error *err) {
    size_t N = (size_t)s->N, O = (size_t)s->O, A = (size_t)s->A;
    size_t scratch = udy_mlp_scratch_size(s->acting) + 3 * A + 1;
    double *d = udy_alloc((2 * N * O + N * A + 3 * N) * sizeof *d);
    float *f = udy_alloc((3 * N * O + N * A + scratch) * sizeof *f);
    s->obs = d;
    s->obs32 = f;
    s->steps = udy_alloc(N * sizeof *s->steps);
    s->transitions = udy_alloc(N * sizeof *s->transitions);
    uint64_t *seeds = udy_alloc(N * sizeof *seeds);
    int status = d && f && s->steps && s->transitions && seeds ? UDY_OK : out_of_memory(err);
    if (!status) {
        s->final_obs = d + N * O;
        s->action = d + 2 * N * O;
        s->ret = s->action + N * A;
        s->length = s->ret + N;
        s->running = s->length + N;
        s->next32 = f + N * O;
        s->final32 = f + 2 * N * O;
        s->action32 = f + 3 * N * O;
        s->act_scratch = s->action32 + N * A;
        for (size_t i = 0; i < N; i++) seeds[i] = udy_seed_range(s->seed, UDY_SEEDS_TRAIN) + i;
        status = udy_batch_reset(s->batch, seeds, s->obs, err);
        for (size_t i = 0; !status && i < N * O; i++) s->obs32[i] = (float)s->obs[i];
    }
    udy_free(seeds);
    return status;
}

int udy_sac_create(udy_sac **out, const udy_sac_config *config, const udy_task *task,
                   udy_batch *batch, udy_pool *pool, uint64_t seed, udy_error *err) {
    *out = NULL;
    const udy_task_info *info = udy_task_info_of(task);
    int status = check_config(config, info, err);
    if (status) return status;
    if (udy_batch_sims(batch) != config->n_envs)
        return udy_error_set(err, UDY_EMISMATCH, "sac.n_envs is %d, the batch has %d simulations",
                             config->n_envs, udy_batch_sims(batch));
    udy_sac *s = udy_alloc(sizeof *s);
    if (!s) return out_of_memory(err);
    s->config = *config;
    s->task = task, s->batch = batch, s->pool = pool, s->seed = seed;
    s->O = info->obs_dim, s->A = info->act_dim, s->N = config->n_envs, s->B = config->batch_size;
    s->K = config->value == UDY_VALUE_SCALAR ? 1 : config->bins;
    s->joint = config->critic_norm == UDY_NORM_BATCH && config->joint_batch;
    s->head = (udy__gaussian){.n = s->A,
                              .squash = config->log_std_bound == UDY_LOG_STD_SQUASH,
                              .low = (float)config->log_std_range[0],
                              .high = (float)config->log_std_range[1]};
    double before = fmax(config->random_steps, config->from_steps);
    double learning = (double)config->steps - before;
    s->own_updates = (int64_t)fmax(1, learning * config->updates_per_step);
    s->numbers.log_alpha = log(config->temperature);
    udy_rng_init_stream(&s->act_rng, seed, "sac/act", 0);
    udy_rng_init_stream(&s->draw_rng, seed, "sac/draw", 0);
    udy_rng_init_stream(&s->noise_rng, seed, "sac/noise", 0);
    status = create_networks(s, err);
    if (!status)
        status = udy__replay_create(&s->replay, config->replay_size, s->O, s->A, s->N, err);
    if (!status) status = udy__sac_update_create(s, err);
    if (!status) status = create_simulations(s, err);
    if (status)
        udy_sac_destroy(s);
    else
        *out = s;
    return status;
}

void udy_sac_destroy(udy_sac *s) {
    if (!s) return;
    udy__sac_update_destroy(s);
    udy__replay_destroy(s->replay);
    udy_net_destroy(s->actor);
    udy_net_destroy(s->average);
    udy_adam_destroy(s->actor_adam);
    for (int i = 0; i < 2; i++) {
        udy_net_destroy(s->critic[i]);
        udy_net_destroy(s->target[i]);
        udy_adam_destroy(s->critic_adam[i]);
    }
    udy_mlp_destroy(s->acting);
    udy_free(s->obs);
    udy_free(s->obs32);
    udy_free(s->steps);
    udy_free(s->transitions);
    udy_free(s);
}

//------------------------------------------ Acting ------------------------------------------------

int udy__sac_refresh_acting(udy_sac *s, udy_error *err) {
    return udy_net_fold(s->actor, s->acting, err);
}

// Actions in (-1, 1) for every simulation, and what they are in the task's bounds.
static void choose_actions(udy_sac *s) {
    const udy_task_info *info = udy_task_info_of(s->task);
    float *head = s->act_scratch + udy_mlp_scratch_size(s->acting), *noise = head + 2 * s->A;
    bool random = s->numbers.steps < s->config.random_steps;
    for (int i = 0; i < s->N; i++) {
        float *a = s->action32 + (size_t)i * (size_t)s->A, unused;
        for (int k = 0; k < s->A; k++)
            noise[k] =
                (float)(random ? udy_rng_uniform(&s->act_rng, -1, 1) : udy_rng_normal(&s->act_rng));
        if (random) {
            memcpy(a, noise, (size_t)s->A * sizeof *a);
        } else {
            udy_mlp_forward_row(s->acting, s->obs32 + (size_t)i * (size_t)s->O, head,
                                s->act_scratch);
            udy__kernels_best()->gaussian_sample(&s->head, head, noise, 1, a, s->A, &unused);
        }
        for (int k = 0; k < s->A; k++) {
            double half = 0.5 * (info->act_high[k] - info->act_low[k]);
            s->action[(size_t)i * (size_t)s->A + (size_t)k] =
                info->act_low[k] + half * ((double)a[k] + 1);
        }
    }
}

static void note_return(udy_sac *s, int i, const udy_step *step) {
    udy__return_spread *spread = &s->numbers.spread;
    s->running[i] = udy__sac_gamma(s) * s->running[i] + step->reward;
    double g = s->running[i], d = g - spread->mean;
    spread->count++;
    spread->mean += d / spread->count;
    spread->m2 += d * (g - spread->mean);
    spread->largest = fmax(spread->largest, fabs(g));
    s->ret[i] += step->reward;
    s->length[i]++;
    if (!step->terminated && !step->truncated) return;
    int64_t slot = s->numbers.episodes++ % UDY__SAC_RECENT;
    s->numbers.recent_return[slot] = s->ret[i];
    s->numbers.recent_length[slot] = s->length[i];
    s->numbers.recent_end[slot] = step->end;
    s->ret[i] = s->length[i] = s->running[i] = 0;
}

double udy__sac_reward_scale(const udy_sac *s) {
    const udy__return_spread *spread = &s->numbers.spread;
    if (!s->config.reward_scaling || spread->count < 2) return 1;
    double std = sqrt(spread->m2 / spread->count);
    return fmax(fmax(std, spread->largest / s->config.return_max), 1e-6);
}

// One control step of every simulation into the replay.
static int collect(udy_sac *s, udy_error *err) {
    size_t N = (size_t)s->N, O = (size_t)s->O, A = (size_t)s->A;
    choose_actions(s);
    int status = udy_batch_step(s->batch, s->action, s->obs, s->steps, s->final_obs, err);
    if (status) return status;
    for (size_t i = 0; i < N * O; i++) s->next32[i] = (float)s->obs[i];
    for (size_t i = 0; i < N; i++) {
        const udy_step *step = &s->steps[i];
        bool ended = step->terminated || step->truncated;
        float *final = s->final32 + i * O;
        for (size_t k = 0; ended && k < O; k++) final[k] = (float)s->final_obs[i * O + k];
        s->transitions[i] = (udy__transition){.obs = s->obs32 + i * O,
                                              .action = s->action32 + i * A,
                                              .next_obs = ended ? final : s->next32 + i * O,
                                              .reward = (float)step->reward,
                                              .terminated = step->terminated != 0,
                                              .truncated = step->truncated != 0};
        note_return(s, (int)i, step);
    }
    udy__replay_append(s->replay, s->transitions);
    memcpy(s->obs32, s->next32, N * O * sizeof(float));
    s->numbers.steps += s->N;
    return UDY_OK;
}

int udy_sac_advance(udy_sac *s, int64_t steps, udy_error *err) {
    if (s->numbers.steps < s->config.from_steps)
        return udy_error_set(err, UDY_EINVAL,
                             "sac.from_steps is %d, but no training has been loaded to go on from",
                             s->config.from_steps);
    while (s->numbers.steps < steps) {
        int status = collect(s, err);
        // Simulations refuse the actions of an actor that is not finite: that it is is the news.
        if (status == UDY_ENONFINITE && udy__sac_check_weights(s, err)) return status;
        if (status) return status;
        if (s->numbers.steps <= s->config.random_steps) continue;
        s->numbers.update_credit += s->N * s->config.updates_per_step;
        while (s->numbers.update_credit >= 1) {
            status = udy__sac_update(s, err);
            if (status) return status;
            s->numbers.update_credit -= 1;
        }
    }
    return udy__sac_check_weights(s, err);
}

//------------------------------------------ Looking at it -----------------------------------------

udy_sac_status udy_sac_status_take(udy_sac *s) {
    const udy__sac_numbers *n = &s->numbers;
    const udy__sac_sums *sums = &s->sums;
    double ret = 0, length = 0;
    int recent = n->episodes < UDY__SAC_RECENT ? (int)n->episodes : UDY__SAC_RECENT;
    udy_sac_status out = {.steps = n->steps,
                          .updates = n->updates,
                          .episodes = n->episodes,
                          .critic_loss = sums->critic_loss / (double)sums->n_critic,
                          .q_mean = sums->q / (double)sums->n_critic,
                          .actor_loss = sums->actor_loss / (double)sums->n_actor,
                          .entropy = -sums->log_prob / (double)sums->n_actor,
                          .temperature = exp(n->log_alpha),
                          .reward_scale = udy__sac_reward_scale(s),
                          .learning_rate = udy__sac_learning_rate(s)};
    for (int i = 0; i < recent; i++) {
        ret += n->recent_return[i];
        length += n->recent_length[i];
        out.too_low += n->recent_end[i] == UDY_END_TOO_LOW;
        out.too_high += n->recent_end[i] == UDY_END_TOO_HIGH;
    }
    out.return_mean = ret / recent;
    out.length_mean = length / recent;
    s->sums = (udy__sac_sums){0};
    return out;
}

// The actor's output layer has means in its first A rows, raw log standard deviations below.
int udy_sac_policy(const udy_sac *s, udy_policy **out, udy_error *err) {
    *out = NULL;
    udy_mlp_config c = *udy_mlp_config_of(s->acting);
    c.dims[c.n_layers] = s->A;
    c.output = UDY_TANH;
    udy_mlp *mean = NULL, *whole = NULL;
    int status = udy_mlp_create(&whole, udy_mlp_config_of(s->acting), err);
    if (!status) status = udy_net_fold(s->average ? s->average : s->actor, whole, err);
    if (!status) status = udy_mlp_create(&mean, &c, err);
    if (status) {
        udy_mlp_destroy(whole);
        return status;
    }
    size_t H = (size_t)c.dims[c.n_layers - 1], A = (size_t)s->A;
    for (int i = 0; i < udy_mlp_param_count(mean); i++) {
        udy_param to = udy_mlp_param(mean, i), from = udy_mlp_param(whole, i);
        memcpy(to.data, from.data, (size_t)to.rows * (size_t)to.cols * sizeof(float));
    }
    udy_mlp_sync(mean);
    int last = udy_mlp_param_count(whole) - 2;
    status = udy_policy_from_gaussian(
        out, mean, udy_mlp_param(whole, last).data + A * H, udy_mlp_param(whole, last + 1).data + A,
        (udy_log_std_bound)s->config.log_std_bound, s->config.log_std_range, s->task, err);
    udy_mlp_destroy(whole);
    udy_mlp_destroy(mean);
    return status;
}
