// Rollouts: whole episodes of policies on all threads, without a barrier between steps. Each job is
// one episode; the policy is evaluated on the thread that steps the simulation. A dataset is
// collected by rolling out and appending.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"
#include "learn/dataset.h"
#include "learn/policy.h"

uint64_t udy_seed_range(uint64_t run_seed, udy_seed_purpose purpose) {
    return (run_seed * 64 + (uint64_t)purpose) << 20;
}

typedef struct rollout {
    const udy_rollout_job *jobs;
    udy_episode *episodes;
    int n_jobs, max_steps, obs_dim, act_dim, n_terms, nq, nv;
    const udy_progress *progress;
    const char *stage;
    pthread_t starter;  // progress is told from the thread that called udy_rollout
    double last_told;
    atomic_int episodes_done;
    atomic_llong steps_done;
    atomic_bool stop;
} rollout;

// Buffers of one running episode.
typedef struct desk {
    double *obs;     // [O]
    double *ctrl;    // [A]
    float *action;   // [A]
    float *scratch;  // of either policy
    udy_rng mixture, chance, noise;
} desk;

static bool asked_to_stop(rollout *r) {
    if (r->progress && pthread_equal(pthread_self(), r->starter)) {
        double now = udy_clock_s();
        if (now - r->last_told > 0.05) {
            r->last_told = now;
            char note[48];
            snprintf(note, sizeof note, "%lld steps", atomic_load(&r->steps_done));
            if (udy_progress_advance(r->progress, r->stage, atomic_load(&r->episodes_done),
                                     r->n_jobs, "episodes", note))
                atomic_store(&r->stop, true);
        }
    }
    return atomic_load_explicit(&r->stop, memory_order_relaxed);
}

static int desk_open(desk *d, const rollout *r, const udy_rollout_job *job, udy_error *err) {
    size_t scratch = udy_policy_scratch_size(job->policy);
    if (job->expert && udy_policy_scratch_size(job->expert) > scratch)
        scratch = udy_policy_scratch_size(job->expert);
    size_t O = (size_t)r->obs_dim, A = (size_t)r->act_dim;
    double *block = udy_alloc((O + A) * sizeof(double) + (A + scratch) * sizeof(float));
    if (!block) return udy_error_set(err, UDY_ENOMEM, "no memory for an episode");
    d->obs = block;
    d->ctrl = block + O;
    d->action = (float *)(block + O + A);
    d->scratch = d->action + A;
    udy_rng_init_stream(&d->chance, job->seed, "policy/random", 0);
    udy_rng_init_stream(&d->noise, job->seed, "policy/gaussian", 0);
    udy_rng_init_stream(&d->mixture, job->seed, "dagger/mixture", 0);
    return UDY_OK;
}

static int episode_open(udy_episode *e, const rollout *r, const udy_rollout_job *job,
                        udy_error *err) {
    *e = (udy_episode){.seed = job->seed};
    if (!job->record) return UDY_OK;
    size_t T = (size_t)r->max_steps;
    e->obs = udy_alloc(T * (size_t)r->obs_dim * sizeof(float));
    e->action = udy_alloc(T * (size_t)r->act_dim * sizeof(float));
    e->reward = udy_alloc(T * sizeof(float));
    bool whole = e->obs && e->action && e->reward;
    if (job->record_physics) {
        e->qpos = udy_alloc(T * (size_t)r->nq * sizeof(double));
        e->qvel = udy_alloc(T * (size_t)r->nv * sizeof(double));
        e->height = udy_alloc(T * sizeof(float));
        e->x_velocity = udy_alloc(T * sizeof(float));
        whole = whole && e->qpos && e->qvel && e->height && e->x_velocity;
    }
    if (whole) return UDY_OK;
    udy_episodes_free(e, 1);
    return udy_error_set(err, UDY_ENOMEM, "no memory to record an episode of %d steps",
                         r->max_steps);
}

static int choose_action(desk *d, udy_episode *e, const udy_rollout_job *job, int act_dim,
                         udy_error *err) {
    int status = UDY_OK;
    if (job->expert && job->beta > 0 && udy_rng_double(&d->mixture) < job->beta) {
        udy_policy_act(job->expert, d->obs, d->action, d->scratch, &d->chance);
        e->expert_steps++;
    } else if (job->stochastic) {
        status = udy_policy_sample(job->policy, d->obs, d->action, d->scratch, &d->noise, err);
    } else {
        udy_policy_act(job->policy, d->obs, d->action, d->scratch, &d->chance);
    }
    for (int k = 0; k < act_dim; k++) d->ctrl[k] = (double)d->action[k];
    return status;
}

// What a step starts from.
static void record_before(udy_episode *e, const rollout *r, const desk *d, const udy_env *env) {
    float *obs = e->obs + (size_t)e->length * (size_t)r->obs_dim;
    for (int k = 0; k < r->obs_dim; k++) obs[k] = (float)d->obs[k];
    memcpy(e->action + (size_t)e->length * (size_t)r->act_dim, d->action,
           (size_t)r->act_dim * sizeof(float));
    if (!e->qpos) return;
    udy_env_state(env, e->qpos + (size_t)e->length * (size_t)r->nq,
                  e->qvel + (size_t)e->length * (size_t)r->nv);
}

// What it gave.
static void record_after(udy_episode *e, const udy_step *step) {
    e->reward[e->length] = (float)step->reward;
    if (!e->qpos) return;
    e->height[e->length] = (float)step->torso_z;
    e->x_velocity[e->length] = (float)step->x_velocity;
}

static int run_episode(udy_env *env, rollout *r, const udy_rollout_job *job, udy_episode *e,
                       desk *d, udy_error *err) {
    udy_rng rng;
    udy_rng_init(&rng, job->seed);
    int status = udy_env_reset(env, &rng, d->obs, err);
    udy_step step = {0};
    while (!status && !step.terminated && !step.truncated && e->length < r->max_steps) {
        if (e->length % 64 == 0 && asked_to_stop(r))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted", r->stage);
        status = choose_action(d, e, job, r->act_dim, err);
        if (status) break;
        if (job->record) record_before(e, r, d, env);
        status = udy_env_step(env, d->ctrl, d->obs, &step, err);
        if (status) break;
        if (job->record) record_after(e, &step);
        e->ret += step.reward;
        e->speed += step.x_velocity;
        for (int k = 0; k < r->n_terms; k++) e->terms[k] += step.terms[k];
        e->length++;
        if (e->length % 64 == 0)
            atomic_fetch_add_explicit(&r->steps_done, 64, memory_order_relaxed);
    }
    if (status)
        return udy_error_wrap(err, status, "%s: seed %llu, step %d", r->stage,
                              (unsigned long long)job->seed, e->length);
    e->end = (udy_end)step.end;
    if (e->length) e->speed /= e->length;
    return UDY_OK;
}

static int run_job(udy_env *env, int index, void *ctx, udy_error *err) {
    rollout *r = ctx;
    const udy_rollout_job *job = &r->jobs[index];
    udy_episode *e = &r->episodes[index];
    if (asked_to_stop(r)) return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted", r->stage);
    desk d = {0};
    int status = desk_open(&d, r, job, err);
    if (!status) status = episode_open(e, r, job, err);
    if (!status) status = run_episode(env, r, job, e, &d, err);
    udy_free(d.obs);
    atomic_fetch_add(&r->steps_done, e->length % 64);  // the rest; run_episode counts by 64
    atomic_fetch_add(&r->episodes_done, 1);
    return status;
}

int udy_rollout(udy_batch *batch, const udy_task *task, const udy_rollout_job *jobs, int n,
                udy_episode *episodes, const char *stage, const udy_progress *progress,
                udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    if (n < 1) return udy_error_set(err, UDY_EINVAL, "%s: %d episodes: at least 1", stage, n);
    if (info->max_episode_steps < 1)
        return udy_error_set(err, UDY_EINVAL,
                             "%s: %s has no time limit, so an episode may never end: "
                             "set max_episode_steps",
                             stage, info->id);
    for (int i = 0; i < n; i++) {
        int status = udy_policy_check(jobs[i].policy, task, err);
        if (!status && jobs[i].expert) status = udy_policy_check(jobs[i].expert, task, err);
        if (!status && jobs[i].stochastic) status = udy__head_check(jobs[i].policy, err);
        if (status) return status;
    }
    memset(episodes, 0, sizeof *episodes * (size_t)n);
    rollout r = {.jobs = jobs,
                 .episodes = episodes,
                 .n_jobs = n,
                 .max_steps = info->max_episode_steps,
                 .obs_dim = info->obs_dim,
                 .act_dim = info->act_dim,
                 .n_terms = info->n_terms,
                 .nq = info->nq,
                 .nv = info->nv,
                 .progress = progress,
                 .stage = stage,
                 .starter = pthread_self(),
                 .last_told = udy_clock_s()};
    int status = udy_batch_episodes(batch, n, run_job, &r, err);
    if (status) {
        udy_episodes_free(episodes, n);
        return status;
    }
    char note[48];
    snprintf(note, sizeof note, "%lld steps", atomic_load(&r.steps_done));
    udy_progress_advance(progress, stage, n, n, "episodes", note);
    return UDY_OK;
}

void udy_episodes_free(udy_episode *episodes, int n) {
    for (int i = 0; episodes && i < n; i++) {
        udy_free(episodes[i].obs);
        udy_free(episodes[i].action);
        udy_free(episodes[i].reward);
        udy_free(episodes[i].qpos);
        udy_free(episodes[i].qvel);
        udy_free(episodes[i].height);
        udy_free(episodes[i].x_velocity);
        episodes[i].obs = episodes[i].action = episodes[i].reward = NULL;
        episodes[i].qpos = episodes[i].qvel = NULL;
        episodes[i].height = episodes[i].x_velocity = NULL;
    }
}

//------------------------------------------ Collecting --------------------------------------------

// Tells one collection from another: the policy's weights, the seed, the task's options.
static int note_source(udy_dataset *d, const udy_task *task, const udy_policy *policy,
                       uint64_t seed, udy_error *err) {
    char *options = udy__config_print_task(task);
    if (!options) return udy_error_set(err, UDY_ENOMEM, "no memory for a collection");
    char source[96];
    snprintf(source, sizeof source, "policy %016llx task %016llx seed %llu",
             (unsigned long long)udy_policy_hash(policy),
             (unsigned long long)udy_hash(options, strlen(options)), (unsigned long long)seed);
    udy_free(options);
    return udy__dataset_source(d, source, err);
}

int udy_dataset_collect(udy_dataset *d, udy_batch *batch, const udy_task *task,
                        const udy_policy *policy, int episodes, uint64_t seed, const char *stage,
                        const udy_progress *progress, udy_error *err) {
    enum { AT_ONCE = 64 };  // episodes a shard: some 10 MB for Ant
    udy_rollout_job jobs[AT_ONCE];
    udy_episode done[AT_ONCE];
    udy_dataset_info info = udy_dataset_info_of(d);
    int status = udy__dataset_fits(d, task, err);
    if (status) return status;
    if (episodes < 1)
        return udy_error_set(err, UDY_EINVAL, "%s: %d episodes: at least 1", stage, episodes);
    if (info.n_shards_bad)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: %d of its shards are damaged, so which episodes are "
                             "missing is not known: collect into another folder",
                             info.path, info.n_shards_bad);
    udy_dir_sweep(info.path);
    status = note_source(d, task, policy, seed, err);
    if (status) return status;
    for (int have = info.n_episodes, n; have < episodes; have += n) {
        n = episodes - have < AT_ONCE ? episodes - have : AT_ONCE;
        for (int i = 0; i < n; i++)
            jobs[i] = (udy_rollout_job){
                .policy = policy, .record = true, .seed = seed + (uint64_t)(have + i)};
        status = udy_rollout(batch, task, jobs, n, done, stage, progress, err);
        if (status) return status;
        status = udy_dataset_append(d, done, n, NULL, 0, err);
        udy_episodes_free(done, n);
        if (status) return status;
    }
    return UDY_OK;
}
