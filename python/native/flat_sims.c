// flat_sims.c: simulations: stepped together for Gymnasium's interface, or whole episodes.
#include <string.h>

#include "flat.h"

static int no_memory(int64_t n, const char *what) {
    return udy_error_set(&udypy_last, UDY_ENOMEM, "no memory for %lld %s", (long long)n, what);
}

int udypy_sims_create(void **out, const void *task, int64_t n, int64_t threads) {
    *out = NULL;
    if (n < 1 || n > 1 << 20 || threads < 0 || threads > 1 << 16)
        return udy_error_set(&udypy_last, UDY_EINVAL,
                             "%lld simulations on %lld threads; expected 1 to %d simulations, and "
                             "0 threads (one per core) or more",
                             (long long)n, (long long)threads, 1 << 20);
    udypy_sims *sims = udy_alloc(sizeof *sims);
    if (!sims) return no_memory(n, "simulations");
    sims->task = task;
    sims->steps = udy_alloc((size_t)n * sizeof *sims->steps);
    int status = sims->steps ? UDY_OK : no_memory(n, "simulations");
    if (!status) status = udy_batch_create(&sims->batch, task, (int)n, (int)threads, &udypy_last);
    if (status)
        udypy_sims_destroy(sims);
    else
        *out = sims;
    return status;
}

void udypy_sims_destroy(void *sims) {
    udypy_sims *s = sims;
    if (!s) return;
    udy_batch_destroy(s->batch);
    udy_free(s->steps);
    udy_free(s);
}

int udypy_sims_move(void *sims, const uint8_t *moves, const uint64_t *seeds, const double *action,
                    double *obs, double *reward, double *terms, double *x_velocity, double *torso_z,
                    uint8_t *ends) {
    udypy_sims *s = sims;
    size_t n = (size_t)udy_batch_sims(s->batch),
           n_terms = (size_t)udy_task_info_of(s->task)->n_terms;
    memset(s->steps, 0, n * sizeof *s->steps);
    int status = udy_batch_move(s->batch, moves, seeds, action, obs, s->steps, &udypy_last);
    if (status) return status;
    for (size_t i = 0; i < n; i++) {
        const udy_step *step = &s->steps[i];
        reward[i] = step->reward;
        memcpy(terms + i * n_terms, step->terms, n_terms * sizeof *terms);
        x_velocity[i] = step->x_velocity;
        torso_z[i] = step->torso_z;
        ends[3 * i] = step->terminated;
        ends[3 * i + 1] = step->truncated;
        ends[3 * i + 2] = step->end;
    }
    return UDY_OK;
}

//------------------------------------------ Whole episodes ----------------------------------------

typedef struct recording {
    const udy_task_info *info;
    int n;
    udy_episode *episodes;  // [n]
} recording;

static int check_episodes(int64_t episodes) {
    if (episodes >= 1 && episodes <= 1 << 20) return UDY_OK;
    return udy_error_set(&udypy_last, UDY_EINVAL, "%lld episodes; expected 1 to %d",
                         (long long)episodes, 1 << 20);
}

int udypy_rollout(void **out, void *sims, const void *policy, const void *expert, double beta,
                  int64_t episodes, uint64_t seed, int sampled, int physics, const char *stage,
                  udypy_progress progress) {
    udypy_sims *s = sims;
    *out = NULL;
    int status = check_episodes(episodes);
    if (status) return status;
    udy_rollout_job *jobs = udy_alloc((size_t)episodes * sizeof *jobs);
    recording *r = udy_alloc(sizeof *r);
    if (r) {
        r->info = udy_task_info_of(s->task);
        r->episodes = udy_alloc((size_t)episodes * sizeof *r->episodes);
    }
    if (!jobs || !r || !r->episodes) status = no_memory(episodes, "episodes");
    for (int64_t i = 0; !status && i < episodes; i++)
        jobs[i] = (udy_rollout_job){.policy = policy,
                                    .expert = expert,
                                    .beta = beta,
                                    .seed = seed + (uint64_t)i,
                                    .record = true,
                                    .record_physics = physics != 0,
                                    .stochastic = sampled != 0};
    udy_progress told = udypy_progress_of(&progress);
    if (!status)
        status = udy_rollout(s->batch, s->task, jobs, (int)episodes, r->episodes, stage, &told,
                             &udypy_last);
    if (!status) {
        r->n = (int)episodes;
        *out = r;
    } else {
        udypy_episodes_destroy(r);
    }
    udy_free(jobs);
    return status;
}

void udypy_episodes_destroy(void *episodes) {
    recording *r = episodes;
    if (!r) return;
    if (r->n) udy_episodes_free(r->episodes, r->n);
    udy_free(r->episodes);
    udy_free(r);
}

void udypy_episodes_facts(const void *episodes, int64_t *lengths, double *returns, double *speeds,
                          uint8_t *ends) {
    const recording *r = episodes;
    for (int i = 0; i < r->n; i++) {
        lengths[i] = r->episodes[i].length;
        returns[i] = r->episodes[i].ret;
        speeds[i] = r->episodes[i].speed;
        ends[i] = (uint8_t)r->episodes[i].end;
    }
}

static void *put(void *to, const void *from, size_t n_bytes) {
    memcpy(to, from, n_bytes);
    return (char *)to + n_bytes;
}

void udypy_episodes_rows(const void *episodes, float *obs, float *action, float *reward) {
    const recording *r = episodes;
    for (int i = 0; i < r->n; i++) {
        const udy_episode *e = &r->episodes[i];
        size_t T = (size_t)e->length;
        obs = put(obs, e->obs, T * (size_t)r->info->obs_dim * sizeof *obs);
        action = put(action, e->action, T * (size_t)r->info->act_dim * sizeof *action);
        reward = put(reward, e->reward, T * sizeof *reward);
    }
}

void udypy_episodes_physics(const void *episodes, double *qpos, double *qvel, float *height,
                            float *x_velocity) {
    const recording *r = episodes;
    for (int i = 0; i < r->n; i++) {
        const udy_episode *e = &r->episodes[i];
        size_t T = (size_t)e->length;
        qpos = put(qpos, e->qpos, T * (size_t)r->info->nq * sizeof *qpos);
        qvel = put(qvel, e->qvel, T * (size_t)r->info->nv * sizeof *qvel);
        height = put(height, e->height, T * sizeof *height);
        x_velocity = put(x_velocity, e->x_velocity, T * sizeof *x_velocity);
    }
}

int udypy_evaluate(char **out, void *sims, const void *policy, int64_t episodes, uint64_t seed,
                   int sampled, udypy_progress progress) {
    udypy_sims *s = sims;
    udy_evaluation e = {0};
    *out = NULL;
    int status = check_episodes(episodes);
    if (status) return status;
    udy_progress told = udypy_progress_of(&progress);
    status = (sampled ? udy_evaluate_stochastic : udy_evaluate)(
        &e, policy, s->task, s->batch, (int)episodes, seed, "evaluate", &told, &udypy_last);
    if (status) return status;
    udy_json *o = udy_evaluation_json(&e, true);
    *out = udy_json_print(o, false);
    udy_json_free(o);
    udy_evaluation_free(&e);
    return *out ? UDY_OK : no_memory(episodes, "episodes");
}

// As udy_evaluate has them of the same returns and seed.
int udypy_statistics(const double *returns, int64_t n, uint64_t seed, double *out) {
    int status = check_episodes(n);
    if (status) return status;
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "evaluate/bootstrap", 0);
    out[0] = udy_mean(returns, (size_t)n);
    out[1] = udy_std(returns, (size_t)n);
    out[2] = udy_iqm(returns, (size_t)n);
    udy_bootstrap_mean_ci(returns, (size_t)n, 0.95, 10000, &rng, &out[3], &out[4]);
    return UDY_OK;
}
