// Benchmarks: what each part does on this machine, as a share of what the machine can do. The limits
// are measured first, in the same process, so that a figure never outlives its machine.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "understudy/study.h"

enum { PAIRS = 50000, REPEATS = 5 };

typedef struct bench {
    const udy_task *task;
    const udy_policy *policy;
    const udy_progress *progress;
    udy_pool *pool;
    udy_batch *batch;
    double seconds_s;
    udy_bench_figure *figures;
    int n;
    float *obs, *labels;                          // pairs to train on: [PAIRS, O], [PAIRS, A]
    double peak_gflops, physics, physics_random;  // limits; random: with random torques
} bench;

static const char peak_name[] = "peak", physics_name[] = "physics_all_cores",
                  sac_limit_name[] = "sac_limit";

static udy_bench_figure *add(bench *b, const char *name, double value, const char *unit,
                             double limit, const char *limit_name, const char *what) {
    udy_bench_figure *f = &b->figures[b->n++];
    *f = (udy_bench_figure){
        .value = value, .unit = unit, .limit = limit, .limit_name = limit_name, .seconds = NAN};
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->what, sizeof f->what, "%s", what);
    return f;
}

static int tell(const bench *b, const char *stage) {
    return udy_progress_advance(b->progress, "bench", b->n, UDY_BENCH_FIGURES_MAX, "figures", stage)
               ? UDY_EINTERRUPTED
               : UDY_OK;
}

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for the benchmark");
}

static double weights_of(const udy_mlp_config *net) {
    double weights = 0;
    for (int l = 0; l < net->n_layers; l++) weights += (double)net->dims[l] * net->dims[l + 1];
    return weights;
}

//------------------------------------------ Limits ------------------------------------------------

static int measure_limits(bench *b, udy_error *err) {
    char what[96];
    int threads = udy_pool_threads(b->pool);
    b->peak_gflops = udy_nn_peak_flops(b->pool, b->seconds_s) * 1e-9;
    snprintf(what, sizeof what, "fp32 fused multiply-adds, %s, %d threads", udy_nn_isa(), threads);
    add(b, peak_name, b->peak_gflops, "GFLOP/s", NAN, NULL, what);
    double raw;
    int status = udy_sim_raw_rate(b->task, b->seconds_s, &raw, err);
    if (status) return status;
    b->physics_random = raw * threads;
    add(b, "physics_random", raw, "steps/s", NAN, NULL,
        "plain loop of the physics, one core, random torques");
    return UDY_OK;
}

//------------------------------------------ Rollouts ----------------------------------------------

// Whole episodes with the policy in the loop, and the plain loop through the very same states.
static int measure_rollouts(bench *b, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(b->task);
    const int threads = udy_pool_threads(b->pool), n = 8 * threads;
    udy_rollout_job *jobs = udy_alloc((size_t)n * sizeof *jobs);
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    udy_sim_track *tracks = udy_alloc((size_t)n * sizeof *tracks);
    double best = 0, one_core = 0, steps = 0;
    int status = jobs && episodes && tracks ? UDY_OK : out_of_memory(err);
    for (int i = 0; !status && i < n; i++)
        jobs[i] = (udy_rollout_job){.policy = b->policy, .seed = (uint64_t)i, .record = true};
    // In turns, so that a machine that slows down slows both.
    for (int r = 0; !status && r < REPEATS; r++) {
        double start = udy_clock_s(), rate = 0;
        status = udy_rollout(b->batch, b->task, jobs, n, episodes, "bench", NULL, err);
        if (status) break;
        steps = 0;
        for (int i = 0; i < n; i++) {
            steps += episodes[i].length;
            tracks[i] = (udy_sim_track){(uint64_t)i, episodes[i].length, episodes[i].action};
        }
        best = fmax(best, steps / (udy_clock_s() - start));
        status = udy_sim_replay_rate(b->task, tracks, n < 4 ? n : 4, &rate, err);
        one_core = fmax(one_core, rate);
        udy_episodes_free(episodes, n);
    }
    udy_free(jobs);
    udy_free(episodes);
    udy_free(tracks);
    if (status) return status;
    char what[96];
    b->physics = one_core * threads;
    add(b, "physics_one_core", one_core, "steps/s", NAN, NULL,
        "plain loop through the rollouts' states, one core");
    snprintf(what, sizeof what, "the same times %d threads", threads);
    add(b, physics_name, b->physics, "steps/s", NAN, NULL, what);
    snprintf(what, sizeof what, "%d whole episodes of %s, policy and recording included", n,
             info->id);
    add(b, "rollouts", best, "steps/s", b->physics, physics_name, what);
    return UDY_OK;
}

// Step by step, 16 simulations, one barrier a control step: what a training loop meets.
static int measure_batch_steps(bench *b, udy_error *err) {
    enum { N = 16, STEPS = 400 };
    const udy_task_info *info = udy_task_info_of(b->task);
    size_t O = (size_t)info->obs_dim, A = (size_t)info->act_dim;
    udy_batch *batch;
    int status = udy_batch_create(&batch, b->task, N, udy_pool_threads(b->pool), err);
    if (status) return status;
    size_t floats = A + udy_policy_scratch_size(b->policy);
    double *block = udy_alloc((2 * N * O + N * A) * sizeof(double) + N * sizeof(udy_step) +
                              floats * sizeof(float));
    if (!block) status = out_of_memory(err);
    if (!status) {
        double *obs = block, *final_obs = obs + N * O, *action = final_obs + N * O;
        udy_step *steps = (udy_step *)(action + N * A);
        float *act = (float *)(steps + N), *scratch = act + A;
        uint64_t seeds[N];
        for (int i = 0; i < N; i++) seeds[i] = (uint64_t)i;
        status = udy_batch_reset(batch, seeds, obs, err);
        double start = udy_clock_s();
        for (int t = 0; !status && t < STEPS; t++) {
            for (size_t i = 0; i < N; i++) {
                udy_policy_act(b->policy, obs + i * O, act, scratch, NULL);
                for (size_t k = 0; k < A; k++) action[i * A + k] = (double)act[k];
            }
            status = udy_batch_step(batch, action, obs, steps, final_obs, err);
        }
        add(b, "batch_steps", N * STEPS / (udy_clock_s() - start), "steps/s", b->physics,
            physics_name, "16 simulations in step, policy included, a barrier a step");
    }
    udy_free(block);
    udy_batch_destroy(batch);
    return status;
}

//------------------------------------------ Training ----------------------------------------------

// Pairs with the shape of the task's: a normal observation and what the policy answers to it.
static int make_pairs(bench *b, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(b->task);
    b->obs = udy_alloc((size_t)PAIRS * (size_t)info->obs_dim * sizeof(float));
    b->labels = udy_alloc((size_t)PAIRS * (size_t)info->act_dim * sizeof(float));
    if (!b->obs || !b->labels) return out_of_memory(err);
    udy_rng rng;
    udy_rng_init_stream(&rng, 0, "bench/pairs", 0);
    for (size_t i = 0; i < (size_t)PAIRS * (size_t)info->obs_dim; i++)
        b->obs[i] = (float)udy_rng_normal(&rng);
    double best = INFINITY;
    for (int r = 0; r < REPEATS; r++) {
        double start = udy_clock_s();
        int status = udy_policy_label(b->policy, b->pool, b->obs, PAIRS, b->labels, err);
        if (status) return status;
        best = fmin(best, udy_clock_s() - start);
    }
    const udy_mlp_config *net = udy_mlp_config_of(udy_policy_mlp(b->policy));
    add(b, "labels", 2 * weights_of(net) * PAIRS / best * 1e-9, "GFLOP/s", b->peak_gflops,
        peak_name, "the expert's labels for 50,000 states, in batches")
        ->seconds = best;
    return UDY_OK;
}

static void fill_pairs(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const bench *b = ctx;
    const udy_task_info *info = udy_task_info_of(b->task);
    size_t O = (size_t)info->obs_dim, A = (size_t)info->act_dim;
    for (int i = 0; i < n; i++) {
        memcpy(x + (size_t)i * O, b->obs + index[i] * O, O * sizeof(float));
        memcpy(y + (size_t)i * A, b->labels + index[i] * A, A * sizeof(float));
    }
}

// Whole shuffled epochs over the pairs; the fastest counts.
static int time_epochs(bench *b, udy_regression *regression, int batch, double *seconds,
                       udy_error *err) {
    uint32_t *order = udy_alloc(PAIRS * sizeof *order);
    if (!order) return out_of_memory(err);
    udy_row_source rows = {fill_pairs, b};
    udy_rng rng;
    udy_rng_init_stream(&rng, 0, "bench/order", 0);
    *seconds = INFINITY;
    int status = UDY_OK;
    double begin = udy_clock_s();
    for (int epoch = 0; !status && (epoch < 3 || udy_clock_s() - begin < b->seconds_s); epoch++) {
        double start = udy_clock_s(), loss;
        udy_rng_permutation(&rng, order, PAIRS);
        for (int at = 0; !status && at < PAIRS; at += batch)
            status = udy_regression_step(regression, &rows, order + at,
                                         PAIRS - at < batch ? PAIRS - at : batch, &loss);
        *seconds = fmin(*seconds, udy_clock_s() - start);
    }
    udy_free(order);
    return status ? udy_error_set(err, status, "the benchmark's loss is not finite") : UDY_OK;
}

static int measure_training(bench *b, int batch, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(b->task);
    udy_mlp_config net = {.n_layers = 3,
                          .dims = {info->obs_dim, 256, 256, info->act_dim},
                          .hidden = UDY_RELU,
                          .output = UDY_TANH,
                          .init = UDY_INIT_PYTORCH};
    udy_adam_config adam_config = udy_adam_config_default();
    udy_mlp *mlp = NULL;
    udy_adam *adam = NULL;
    udy_regression *regression = NULL;
    size_t n_params;
    double seconds = 0;
    int status = udy_mlp_create(&mlp, &net, err);
    if (!status) {
        udy_rng rng;
        udy_rng_init_stream(&rng, 0, "bench/init", 0);
        udy_mlp_init(mlp, &rng);
        udy_mlp_params(mlp, &n_params);
        status = udy_adam_create(&adam, n_params, &adam_config, err);
    }
    if (!status) status = udy_regression_create(&regression, mlp, adam, batch, b->pool, err);
    if (!status) status = time_epochs(b, regression, batch, &seconds, err);
    if (!status) {
        char name[40], what[96];
        snprintf(name, sizeof name, "bc_batch%d", batch);
        snprintf(what, sizeof what,
                 "behavioural cloning %d-256-256-%d, batch %d, Adam and shuffling included",
                 info->obs_dim, info->act_dim, batch);
        add(b, name, udy_mlp_train_flop(&net) * PAIRS / seconds * 1e-9, "GFLOP/s", b->peak_gflops,
            peak_name, what)
            ->seconds = seconds;
    }
    udy_regression_destroy(regression);
    udy_adam_destroy(adam);
    udy_mlp_destroy(mlp);
    return status;
}

//------------------------------------------ Reinforcement learning --------------------------------

// Necessary operations of one update of plain SAC: next actions and targets forward; both critics'
// losses; the actor's, through both critics down to the action.
static double sac_flop(const udy_sac_config *c, int O, int A) {
    udy_mlp_config actor = {.n_layers = c->actor_hidden.n + 1, .dims = {O}};
    udy_mlp_config critic = {.n_layers = c->critic_hidden.n + 1, .dims = {O + A}};
    for (int l = 0; l < c->actor_hidden.n; l++) actor.dims[l + 1] = c->actor_hidden.v[l];
    for (int l = 0; l < c->critic_hidden.n; l++) critic.dims[l + 1] = c->critic_hidden.v[l];
    actor.dims[actor.n_layers] = 2 * A;
    critic.dims[critic.n_layers] = 1;
    double a = 2 * weights_of(&actor), q = 2 * weights_of(&critic);
    return c->batch_size *
           (a + 2 * q + 2 * udy_mlp_train_flop(&critic) + 4 * q + udy_mlp_train_flop(&actor));
}

// Plain SAC as published, one environment step for each update, as many simulations as threads.
static int measure_sac(bench *b, udy_error *err) {
    enum { WARM_UP = 2000, CHUNK = 256 };
    const udy_task_info *info = udy_task_info_of(b->task);
    udy_sac_config config = udy_sac_config_default();
    config.n_envs = udy_pool_threads(b->pool);
    config.random_steps = WARM_UP;
    config.replay_size = 100000;
    udy_batch *batch = NULL;
    udy_sac *sac = NULL;
    double best = 0, begin = udy_clock_s();
    int status = udy_batch_create(&batch, b->task, config.n_envs, config.n_envs, err);
    if (!status) status = udy_sac_create(&sac, &config, b->task, batch, b->pool, 0, err);
    if (!status) status = udy_sac_advance(sac, WARM_UP, err);
    for (int r = 1; !status && (r <= REPEATS || udy_clock_s() - begin < b->seconds_s); r++) {
        int64_t before = udy_sac_status_take(sac).updates;
        double start = udy_clock_s();
        status = udy_sac_advance(sac, WARM_UP + (int64_t)r * CHUNK, err);
        best = fmax(best,
                    (double)(udy_sac_status_take(sac).updates - before) / (udy_clock_s() - start));
    }
    udy_sac_destroy(sac);
    udy_batch_destroy(batch);
    if (status) return status;
    char what[96];
    double limit = 1 / (sac_flop(&config, info->obs_dim, info->act_dim) / (b->peak_gflops * 1e9) +
                        1 / b->physics_random);
    add(b, sac_limit_name, limit, "updates/s", NAN, NULL,
        "limit of the next: its necessary operations at the peak, then a control step");
    snprintf(what, sizeof what, "soft actor-critic %d-256-256-%d, batch %d, a control step each",
             info->obs_dim, info->act_dim, config.batch_size);
    add(b, "sac_updates", best, "updates/s", limit, sac_limit_name, what);
    return UDY_OK;
}

//------------------------------------------ One row, memory ---------------------------------------

static int measure_row(bench *b, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(b->task);
    double obs[512] = {0}, best = INFINITY;
    float action[UDY_ACT_DIM_MAX],
        *scratch = udy_alloc(udy_policy_scratch_size(b->policy) * sizeof(float));
    if (!scratch) return out_of_memory(err);
    for (int r = 0; info->obs_dim <= 512 && r < 20; r++) {
        double start = udy_clock_s();
        for (int i = 0; i < 1000; i++) {
            obs[0] = i * 1e-3;
            udy_policy_act(b->policy, obs, action, scratch, NULL);
        }
        best = fmin(best, (udy_clock_s() - start) * 1e3);
    }
    udy_free(scratch);
    if (isfinite(best))
        add(b, "policy_row", best, "us", NAN, NULL, "one action for one observation, one thread");
    return UDY_OK;
}

static int measure_memory(bench *b, udy_error *err) {
    (void)err;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    add(b, "memory", (double)usage.ru_maxrss / 1024, "MB", NAN, NULL,
        "largest resident set of this benchmark");
    return UDY_OK;
}

static int measure_batch64(bench *b, udy_error *err) {
    return measure_training(b, 64, err);
}
static int measure_batch256(bench *b, udy_error *err) {
    return measure_training(b, 256, err);
}
static int measure_batch1024(bench *b, udy_error *err) {
    return measure_training(b, 1024, err);
}

int udy_bench_run(udy_bench_figure *figures, int *n_figures, const udy_task *task,
                  const udy_policy *policy, int n_threads, double seconds_s,
                  const udy_progress *progress, udy_error *err) {
    static const struct {
        int (*measure)(bench *, udy_error *);
        const char *what;
    } parts[] = {
        {measure_limits, "limits"},
        {measure_rollouts, "rollouts"},
        {measure_batch_steps, "batch steps"},
        {make_pairs, "labels"},
        {measure_batch64, "training"},
        {measure_batch256, "training"},
        {measure_batch1024, "training"},
        {measure_sac, "soft actor-critic"},
        {measure_row, "one row"},
        {measure_memory, "memory"},
    };
    bench b = {.task = task,
               .policy = policy,
               .progress = progress,
               .seconds_s = seconds_s,
               .figures = figures};
    *n_figures = 0;
    if (!udy_policy_mlp(policy))
        return udy_error_set(err, UDY_EINVAL, "the benchmark needs a network's policy");
    int status = udy_policy_check(policy, task, err);
    if (!status) status = udy_pool_create(&b.pool, n_threads, err);
    if (!status)
        status = udy_batch_create(&b.batch, task, udy_pool_threads(b.pool),
                                  udy_pool_threads(b.pool), err);
    for (size_t i = 0; !status && i < sizeof parts / sizeof parts[0]; i++) {
        if (tell(&b, parts[i].what))
            status = udy_error_set(err, UDY_EINTERRUPTED, "bench: interrupted");
        else
            status = parts[i].measure(&b, err);
    }
    udy_free(b.obs);
    udy_free(b.labels);
    udy_batch_destroy(b.batch);
    udy_pool_destroy(b.pool);
    *n_figures = b.n;
    return status;
}
