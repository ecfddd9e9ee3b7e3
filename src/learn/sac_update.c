// Updates of soft actor-critic: what happens to networks and temperature given a batch from the
// replay. Haarnoja et al. 2018, arXiv:1812.05905, algorithm 1.
//
// Work is cut into regions of tasks over shards of rows, passes (a network on a batch) and tiles of
// weights, all fixed by shapes, so the bits are the same at any number of threads:
//
//   gather    rows, a' ~ pi(s'), log pi(a'|s')
//   forward   both critics and both targets, phase by phase
//   target    the target distribution or value of each row
//   backward  losses and gradients of both critics, phase by phase
//   tiles     Adam, unit norms, target average
//   and, every policy_delay updates: actor forward; both critics' judgement of pi(s) and its gradient
//   with respect to the action; actor backward; tiles; temperature
#include <math.h>
#include <string.h>

#include "learn/sac.h"

//------------------------------------------ Create ------------------------------------------------

static float *take(float *base, size_t *at, size_t n) {
    float *p = base ? base + *at : NULL;
    *at += (n + 15) & ~(size_t)15;
    return p;
}

static size_t lay_out(udy_sac *s, float *base) {
    size_t at = 0, B = (size_t)s->B, O = (size_t)s->O, A = (size_t)s->A, K = (size_t)s->K;
    s->X = take(base, &at, 2 * B * (O + A));
    s->XP = take(base, &at, B * (O + A));
    s->S = take(base, &at, B * O);
    s->S2 = take(base, &at, B * O);
    s->reward = take(base, &at, B);
    s->discount = take(base, &at, B);
    s->next_noise = take(base, &at, B * A);
    s->noise = take(base, &at, B * A);
    s->next_log_prob = take(base, &at, B);
    s->log_prob = take(base, &at, B);
    s->atoms = take(base, &at, K);
    s->y = take(base, &at, B * K);
    for (int i = 0; i < 2; i++) {
        s->dY[i] = take(base, &at, 2 * B * K);
        s->dX[i] = take(base, &at, B * (O + A));
    }
    s->d_head = take(base, &at, B * 2 * A);
    s->scratch = take(base, &at, s->scratch_size * (size_t)udy_pool_threads(s->pool));
    return at;
}

static int create_passes(udy_sac *s, udy_error *err) {
    int rows = s->joint ? 2 * s->B : s->B, status = UDY_OK;
    int back = s->config.joint_gradient ? rows : s->B;
    for (int i = 0; !status && i < 2; i++) {
        status =
            udy__pass_create(&s->online[i], s->critic[i], rows, s->B, back, UDY__FOR_BACKWARD, err);
        if (!status)
            status = udy__pass_create(&s->targets[i], s->target[i], rows, rows, rows,
                                      UDY__FOR_FORWARD, err);
        if (!status)
            status = udy__pass_create(&s->judged[i], s->critic[i], s->B, s->B, s->B,
                                      UDY__FOR_FORWARD, err);
    }
    if (!status)
        status =
            udy__pass_create(&s->next_actor, s->actor, s->B, s->B, s->B, UDY__FOR_FORWARD, err);
    if (!status)
        status =
            udy__pass_create(&s->actor_pass, s->actor, s->B, s->B, s->B, UDY__FOR_BACKWARD, err);
    return status;
}

int udy__sac_update_create(udy_sac *s, udy_error *err) {
    int status = create_passes(s, err);
    if (status) return status;
    size_t shards = (size_t)udy__shard_count(s->B);
    s->scratch_size =
        udy__size_max(udy__net_tile_scratch(s->actor), udy__net_tile_scratch(s->critic[0]));
    s->scratch_size = udy__size_max(s->scratch_size, udy__pass_input_scratch(s->critic[0]));
    s->scratch_size = udy__size_max(s->scratch_size, 2 * (size_t)s->K);
    s->scratch_size = (s->scratch_size + 15) & ~(size_t)15;
    size_t n = lay_out(s, NULL);
    s->block = udy_alloc(n * sizeof(float));
    s->index = udy_alloc((size_t)s->B * sizeof *s->index);
    s->losses = udy_alloc(5 * shards * sizeof(double));
    if (!s->block || !s->index || !s->losses)
        return udy_error_set(err, UDY_ENOMEM, "no memory for updates of %d rows", s->B);
    lay_out(s, s->block);
    s->q_sums = s->losses + 2 * shards;
    s->actor_sums = s->q_sums + shards;
    s->log_prob_sums = s->actor_sums + shards;
    if (s->K > 1)  // 0.75 bins wide, as Farebrother et al. recommend
        s->sigma = (float)(0.75 * 2 * s->config.value_max / (s->K - 1));
    for (int k = 0; k < s->K && s->K > 1; k++)
        s->atoms[k] = (float)(s->config.value_max * (2.0 * k / (s->K - 1) - 1));
    return UDY_OK;
}

void udy__sac_update_destroy(udy_sac *s) {
    for (int i = 0; i < 2; i++) {
        udy__pass_destroy(s->online[i]);
        udy__pass_destroy(s->targets[i]);
        udy__pass_destroy(s->judged[i]);
    }
    udy__pass_destroy(s->next_actor);
    udy__pass_destroy(s->actor_pass);
    udy_free(s->block);
    udy_free(s->index);
    udy_free(s->losses);
}

//------------------------------------------ Regions -----------------------------------------------

// A region's tasks flush denormals (see nn_internal.h).
static void run(udy_sac *s, int n_tasks, udy_task_fn fn) {
    udy_pool_run(s->pool, n_tasks, fn, s);
}

static float *scratch_of(udy_sac *s, int thread) {
    return s->scratch + (size_t)thread * s->scratch_size;
}

static void forward_task(void *ctx, int task, int thread) {
    (void)thread;
    udy_sac *s = ctx;
    int shards = udy__shard_count(s->passes[0]->B);
    unsigned saved = udy__flush_begin();
    udy__pass_forward(s->passes[task / shards], s->phase, task % shards);
    udy__flush_end(saved);
}

// Passes of the same rows, side by side, through all of their phases.
static void forward(udy_sac *s, udy__pass **passes, int n) {
    s->passes = passes;
    s->n_passes = n;
    for (s->phase = 0; s->phase < udy__pass_phases(passes[0]); s->phase++) {
        run(s, n * udy__shard_count(passes[0]->B), forward_task);
        for (int i = 0; i < n; i++) udy__pass_merge(passes[i], s->phase);
    }
}

//------------------------------------------ Critics -----------------------------------------------

static void gather_task(void *ctx, int shard, int thread) {
    (void)thread;
    udy_sac *s = ctx;
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(s->B, shard), ld = s->O + s->A;
    size_t at = (size_t)row, O = (size_t)s->O;
    float *x = s->X + at * (size_t)ld, *x2 = s->X + (at + (size_t)s->B) * (size_t)ld;
    const udy__replay_rows rows = {.obs = x,
                                   .ld_obs = ld,
                                   .action = x + s->O,
                                   .ld_act = ld,
                                   .next_obs = x2,
                                   .ld_next = ld,
                                   .reward = s->reward + row,
                                   .discount = s->discount + row};
    unsigned saved = udy__flush_begin();
    udy__replay_gather(s->replay, s->index + row, n, s->config.n_step, udy__sac_gamma(s), &rows);
    for (int i = 0; i < n; i++) {
        memcpy(s->S + (at + (size_t)i) * O, x + i * ld, O * sizeof(float));
        memcpy(s->S2 + (at + (size_t)i) * O, x2 + i * ld, O * sizeof(float));
    }
    udy__pass_forward(s->next_actor, 0, shard);
    udy__kernels_best()->gaussian_sample(&s->head, s->next_actor->out + at * 2 * (size_t)s->A,
                                         s->next_noise + at * (size_t)s->A, n, x2 + s->O, ld,
                                         s->next_log_prob + row);
    udy__flush_end(saved);
}

// Row r of a pass's output.
static float *out_row(const udy__pass *pass, int r, int width) {
    return pass->out + (size_t)r * (size_t)width;
}

// Soft Bellman target of row r from the target critic with the lower value: eq. 5-6 there, with the
// distribution in place of the value where it is categorical.
static double target_of_row(udy_sac *s, int r, float alpha, float reward_factor, float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    int at = s->joint ? s->B + r : r;
    float shift = s->reward[r] * reward_factor - s->discount[r] * alpha * s->next_log_prob[r];
    const float *next[2] = {out_row(s->targets[0], at, s->K), out_row(s->targets[1], at, s->K)};
    float *y = s->y + (size_t)r * (size_t)s->K;
    if (s->K == 1) {
        y[0] = shift + s->discount[r] * (next[1][0] < next[0][0] ? next[1][0] : next[0][0]);
        return (double)y[0];
    }
    float *p[2] = {scratch, scratch + s->K}, mean[2];
    for (int i = 0; i < 2; i++) {
        kernels->softmax(next[i], s->K, p[i]);
        mean[i] = kernels->categorical_mean(p[i], s->atoms, s->K);
    }
    int lower = mean[1] < mean[0];
    float value = shift + s->discount[r] * mean[lower];
    if (s->target_value == UDY_VALUE_HISTOGRAM)
        kernels->gaussian_histogram(value, s->sigma, s->atoms, s->K, y);
    else
        kernels->categorical_project(p[lower], s->atoms, s->K, shift, s->discount[r], y);
    return (double)value;
}

static void target_task(void *ctx, int shard, int thread) {
    udy_sac *s = ctx;
    float alpha = (float)exp(s->numbers.log_alpha);
    float factor = (float)(1 / udy__sac_reward_scale(s));
    double sum = 0;
    unsigned saved = udy__flush_begin();
    for (int i = 0; i < udy__shard_size(s->B, shard); i++)
        sum += target_of_row(s, shard * UDY__SHARD_ROWS + i, alpha, factor, scratch_of(s, thread));
    udy__flush_end(saved);
    s->q_sums[shard] = sum;
}

// The loss of a critic on a shard, its gradient at the output.
static double critic_loss(udy_sac *s, int i, int shard) {
    const float scale = 1.0f / (float)s->B;
    double sum = 0;
    for (int k = 0; k < udy__shard_size(s->B, shard); k++) {
        int r = shard * UDY__SHARD_ROWS + k;
        const float *out = out_row(s->online[i], r, s->K), *y = s->y + (size_t)r * (size_t)s->K;
        float *d = s->dY[i] + (size_t)r * (size_t)s->K;
        if (s->K > 1) {
            sum += (double)udy__kernels_best()->cross_entropy(out, y, s->K, scale, d);
        } else {  // 1/2 (Q - y)^2
            float e = out[0] - y[0];
            d[0] = scale * e;
            sum += 0.5 * (double)e * (double)e;
        }
    }
    return sum;
}

static void backward_task(void *ctx, int task, int thread) {
    (void)thread;
    udy_sac *s = ctx;
    int shards = udy__shard_count(s->online[0]->B_back), i = task / shards, shard = task % shards;
    unsigned saved = udy__flush_begin();
    if (s->phase == 0 && shard < udy__shard_count(s->B))
        s->losses[i * udy__shard_count(s->B) + shard] = critic_loss(s, i, shard);
    udy__pass_backward(s->online[i], s->phase, shard, s->dY[i], NULL);
    udy__flush_end(saved);
}

static void critic_tile_task(void *ctx, int task, int thread) {
    udy_sac *s = ctx;
    int tiles = udy__net_tile_count(s->critic[0]), i = task / tiles;
    unsigned saved = udy__flush_begin();
    udy__net_update_tile(s->critic[i], s->online[i], task % tiles, s->dY[i], s->critic_adam[i],
                         &s->critic_step[i], s->target[i], (float)s->config.target_average,
                         scratch_of(s, thread));
    udy__flush_end(saved);
}

static void draw_normals(udy_rng *rng, float *x, int n) {
    for (int i = 0; i < n; i++) x[i] = (float)udy_rng_normal(rng);
}

static double sum_of(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum;
}

// Where it went wrong, and what to try.
static int diverged(const udy_sac *s, const char *what, double value, udy_error *err) {
    return udy_error_set(
        err, UDY_ENONFINITE,
        "%s is %g at environment step %lld, update %lld: the training has diverged "
        "(a smaller sac.learning_rate or another seed may help)",
        what, value, (long long)s->numbers.steps, (long long)s->numbers.updates);
}

static bool is_finite(udy_net *net) {
    size_t n_params, n_gamma, n_stats;
    const float *params = udy_mlp_params(udy_net_mlp(net), &n_params);
    const float *gamma = udy_net_gamma(net, &n_gamma), *stats = udy_net_stats(net, &n_stats);
    const udy__kernels *kernels = udy__kernels_best();
    return isfinite(kernels->poison(params, n_params) + kernels->poison(gamma, n_gamma) +
                    kernels->poison(stats, n_stats));
}

int udy__sac_check_weights(const udy_sac *s, udy_error *err) {
    if (!is_finite(s->actor)) return diverged(s, "a weight of the actor", NAN, err);
    for (int i = 0; i < 2; i++) {
        if (!is_finite(s->critic[i]) || !is_finite(s->target[i]))
            return diverged(s, "a weight of a critic", NAN, err);
    }
    return UDY_OK;
}

// Share of all its own updates that are done.
static double progress(const udy_sac *s) {
    double done = (double)(s->numbers.updates - s->config.from_updates) / (double)s->own_updates;
    return done < 1 ? done : 1;
}

// How far a change has come that begins after a share `hold` of all updates and ends with them.
static double change(const udy_sac *s, double hold) {
    return hold < 1 ? fmax(0, (progress(s) - hold) / (1 - hold)) : 0;
}

double udy__sac_learning_rate(const udy_sac *s) {
    const udy_sac_config *c = &s->config;
    double from = c->learning_rate, to = c->learning_rate_final;
    if (to < 0) return from;
    if (c->learning_rate_decay == UDY_DECAY_INVERSE)
        return 1 / (1 / from + (1 / to - 1 / from) * progress(s));
    return from + (to - from) * progress(s);
}

double udy__sac_gamma(const udy_sac *s) {
    const udy_sac_config *c = &s->config;
    double changed = change(s, c->gamma_hold);
    if (c->gamma_final < 0 || c->gamma_final == c->gamma || changed == 0) return c->gamma;
    double from = 1 / (1 - c->gamma), to = 1 / (1 - c->gamma_final);
    return 1 - 1 / (from + (to - from) * changed);
}

double udy__sac_target_entropy(const udy_sac *s) {
    const udy_sac_config *c = &s->config;
    double from = c->target_entropy_per_action, to = c->target_entropy_final;
    return s->A * (to < 1 ? from + (to - from) * change(s, c->target_entropy_hold) : from);
}

static int target_value(const udy_sac *s) {
    const udy_sac_config *c = &s->config;
    bool late = c->value_final != UDY_VALUE_COUNT && progress(s) >= c->value_hold;
    return late ? c->value_final : c->value;
}

static void begin_critic_passes(udy_sac *s) {
    int rows = s->joint ? 2 * s->B : s->B;
    const float *next = s->joint ? s->X : s->X + (size_t)s->B * (size_t)(s->O + s->A);
    for (int i = 0; i < 2; i++) {
        udy__pass_begin(s->online[i], s->critic[i], UDY__PASS_BATCH, s->X, rows);
        s->online[i]->B_live = s->B;
        s->online[i]->out_to = s->B;
        s->online[i]->B_back = s->config.joint_gradient ? rows : s->B;
        // Apart from the batch's own statistics, a target goes by its critic's running ones.
        size_t n;
        const float *stats = udy_net_stats(s->critic[i], &n);
        if (!s->joint && n) memcpy(udy_net_stats(s->target[i], NULL), stats, n * sizeof *stats);
        udy__pass_begin(s->targets[i], s->target[i], s->joint ? UDY__PASS_BATCH : UDY__PASS_FIXED,
                        next, rows);
        s->targets[i]->out_from = rows - s->B;
    }
}

static void critics_forward(udy_sac *s) {
    if (s->joint || s->config.critic_norm != UDY_NORM_BATCH) {
        udy__pass *all[4] = {s->online[0], s->targets[0], s->online[1], s->targets[1]};
        forward(s, all, 4);
    } else {  // phases differ
        forward(s, s->online, 2);
        forward(s, s->targets, 2);
    }
}

static int update_critics(udy_sac *s, udy_error *err) {
    for (int i = 0; i < s->B; i++)
        s->index[i] = udy__replay_draw(s->replay, s->config.n_step, &s->draw_rng);
    draw_normals(&s->noise_rng, s->next_noise, s->B * s->A);
    udy__pass_begin(s->next_actor, s->actor, UDY__PASS_FIXED, s->S2, s->B);
    begin_critic_passes(s);
    int shards = udy__shard_count(s->B);
    s->target_value = target_value(s);
    run(s, shards, gather_task);
    critics_forward(s);
    run(s, shards, target_task);
    double q = sum_of(s->q_sums, shards) / s->B;
    if (!isfinite(q) || fabs(q) > 1e7) return diverged(s, "the critics' target value", q, err);
    for (s->phase = 0; s->phase < udy__pass_back_phases(s->online[0]); s->phase++) {
        run(s, 2 * udy__shard_count(s->online[0]->B_back), backward_task);
        for (int i = 0; i < 2; i++) udy__pass_back_merge(s->online[i], s->phase);
    }
    double loss = sum_of(s->losses, 2 * shards) / (2 * s->B);
    if (!isfinite(loss)) return diverged(s, "the critics' loss", loss, err);
    for (int i = 0; i < 2; i++) {
        udy_adam_set_learning_rate(s->critic_adam[i], udy__sac_learning_rate(s));
        s->critic_step[i] = udy__adam_begin(s->critic_adam[i]);
        if (s->config.critic_norm == UDY_NORM_BATCH)
            udy__pass_update_stats(s->online[i], s->critic[i]);
    }
    run(s, 2 * udy__net_tile_count(s->critic[0]), critic_tile_task);
    s->sums.critic_loss += loss;
    s->sums.q += q;
    s->sums.n_critic++;
    return UDY_OK;
}

//------------------------------------------ Actor -------------------------------------------------

// Gradient of critic i's value of row r at its output, where it is the lower one; else zeros.
static float judge_row(udy_sac *s, int i, int r) {
    const float *out = out_row(s->judged[i], r, s->K);
    float *d = s->dY[i] + (size_t)r * (size_t)s->K;
    if (s->K > 1) return udy__kernels_best()->categorical_mean_gradient(out, s->atoms, s->K, d);
    d[0] = 1;
    return out[0];
}

// pi(s), both critics' values of it, and the loss alpha log pi - min Q with its gradient at the head.
static void judge_task(void *ctx, int shard, int thread) {
    udy_sac *s = ctx;
    const udy__kernels *kernels = udy__kernels_best();
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(s->B, shard), ld = s->O + s->A;
    size_t at = (size_t)row, A = (size_t)s->A, O = (size_t)s->O;
    float *x = s->XP + at * (size_t)ld, alpha = (float)exp(s->numbers.log_alpha);
    const float *head = s->actor_pass->out + at * 2 * A, *eps = s->noise + at * A;
    unsigned saved = udy__flush_begin();
    for (int i = 0; i < n; i++) memcpy(x + i * ld, s->S + (at + (size_t)i) * O, O * sizeof(float));
    kernels->gaussian_sample(&s->head, head, eps, n, x + s->O, ld, s->log_prob + row);
    for (int i = 0; i < 2; i++) udy__pass_forward(s->judged[i], 0, shard);
    double loss = 0, log_probs = 0;
    for (int r = row; r < row + n; r++) {
        float q[2] = {judge_row(s, 0, r), judge_row(s, 1, r)};
        int lower = q[1] < q[0];
        memset(s->dY[!lower] + (size_t)r * (size_t)s->K, 0, (size_t)s->K * sizeof(float));
        loss += (double)(alpha * s->log_prob[r] - q[lower]);
        log_probs += (double)s->log_prob[r];
    }
    for (int i = 0; i < 2; i++)
        udy__pass_input_gradient(s->judged[i], shard, s->dY[i], s->dX[i], scratch_of(s, thread));
    float *dq = s->dX[0] + at * (size_t)ld + s->O;
    const float *other = s->dX[1] + at * (size_t)ld + s->O;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < s->A; k++) dq[i * ld + k] += other[i * ld + k];
    }
    kernels->gaussian_gradient(&s->head, head, eps, dq, ld, alpha, 1.0f / (float)s->B, n,
                               s->d_head + at * 2 * A);
    udy__flush_end(saved);
    s->actor_sums[shard] = loss;
    s->log_prob_sums[shard] = log_probs;
}

static void actor_backward_task(void *ctx, int shard, int thread) {
    (void)thread;
    udy_sac *s = ctx;
    unsigned saved = udy__flush_begin();
    udy__pass_backward(s->actor_pass, s->phase, shard, s->d_head, NULL);
    udy__flush_end(saved);
}

static void actor_tile_task(void *ctx, int tile, int thread) {
    udy_sac *s = ctx;
    unsigned saved = udy__flush_begin();
    udy__net_update_tile(s->actor, s->actor_pass, tile, s->d_head, s->actor_adam, &s->actor_step,
                         s->average, (float)s->config.policy_average, scratch_of(s, thread));
    udy__flush_end(saved);
}

// Adam on log alpha for the loss -log alpha (mean log pi + target entropy), as Stable-Baselines3; the
// paper's eq. 18 has alpha in place of log alpha, whose steps shrink as alpha does.
static void update_temperature(udy_sac *s, double mean_log_prob) {
    udy__sac_numbers *n = &s->numbers;
    const double b1 = 0.9, b2 = 0.999, t = (double)n->actor_updates;
    double g = -(mean_log_prob + udy__sac_target_entropy(s));
    n->log_alpha_m = b1 * n->log_alpha_m + (1 - b1) * g;
    n->log_alpha_v = b2 * n->log_alpha_v + (1 - b2) * g * g;
    double m = n->log_alpha_m / (1 - pow(b1, t)), v = n->log_alpha_v / (1 - pow(b2, t));
    n->log_alpha -= s->config.temperature_learning_rate * m / (sqrt(v) + 1e-8);
}

static void average_stats(udy_sac *s) {
    size_t n;
    float *to = udy_net_stats(s->average, &n);
    udy__kernels_best()->blend(to, udy_net_stats(s->actor, NULL), 0, 1, (int)n,
                               (float)s->config.policy_average);
}

static int update_actor(udy_sac *s, udy_error *err) {
    int shards = udy__shard_count(s->B);
    draw_normals(&s->noise_rng, s->noise, s->B * s->A);
    udy__pass_begin(s->actor_pass, s->actor, UDY__PASS_BATCH, s->S, s->B);
    forward(s, &s->actor_pass, 1);
    for (int i = 0; i < 2; i++)
        udy__pass_begin(s->judged[i], s->critic[i], UDY__PASS_FIXED, s->XP, s->B);
    run(s, shards, judge_task);
    double loss = sum_of(s->actor_sums, shards) / s->B;
    double log_prob = sum_of(s->log_prob_sums, shards) / s->B;
    if (!isfinite(loss)) return diverged(s, "the actor's loss", loss, err);
    for (s->phase = 0; s->phase < udy__pass_back_phases(s->actor_pass); s->phase++) {
        run(s, shards, actor_backward_task);
        udy__pass_back_merge(s->actor_pass, s->phase);
    }
    udy_adam_set_learning_rate(s->actor_adam, udy__sac_learning_rate(s));
    s->actor_step = udy__adam_begin(s->actor_adam);
    if (s->config.actor_norm == UDY_NORM_BATCH) {
        udy__pass_update_stats(s->actor_pass, s->actor);
        if (s->average) average_stats(s);
    }
    run(s, udy__net_tile_count(s->actor), actor_tile_task);
    s->numbers.actor_updates++;
    update_temperature(s, log_prob);
    s->sums.actor_loss += loss;
    s->sums.log_prob += log_prob;
    s->sums.n_actor++;
    return udy__sac_refresh_acting(s, err);
}

int udy__sac_update(udy_sac *s, udy_error *err) {
    int status = update_critics(s, err);
    if (status) return status;
    s->numbers.updates++;
    if (s->numbers.updates % s->config.policy_delay) return UDY_OK;
    return update_actor(s, err);
}
