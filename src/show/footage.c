// Footage: episodes played again for the camera, every state kept, and a little of what came after
// they ended. The pictures are video.c's.
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "show/video.h"

typedef struct recording {
    udy_footage *footage;
    const udy_policy *const *policies;
    const udy_task_info *info;
    uint64_t seed;
    int max_steps, after_steps, n;
    const udy_progress *progress;
    pthread_t starter;  // progress is told from its thread
    atomic_llong steps_done;
    atomic_bool stop;
} recording;

void udy_footage_config_default(udy_footage_config *config) {
    *config = (udy_footage_config){.after_s = 1};
}

void udy_footage_free(udy_footage *footage) {
    if (!footage) return;
    udy_free(footage->qpos);
    udy_free(footage->obs);
    udy_free(footage->speed);
    udy_free(footage->so_far);
    *footage = (udy_footage){0};
}

static int footage_open(udy_footage *f, const recording *r, const udy_policy *policy,
                        udy_error *err) {
    size_t T = (size_t)r->max_steps + (size_t)r->after_steps + 1;
    snprintf(f->label, sizeof f->label, "%s", udy_policy_name(policy));
    f->seed = r->seed;
    f->qpos = udy_alloc(T * (size_t)r->info->nq * sizeof *f->qpos);
    f->obs = udy_alloc(T * (size_t)r->info->obs_dim * sizeof *f->obs);
    f->speed = udy_alloc(T * sizeof *f->speed);
    f->so_far = udy_alloc(T * sizeof *f->so_far);
    if (f->qpos && f->obs && f->speed && f->so_far) return UDY_OK;
    return udy_error_set(err, UDY_ENOMEM, "no memory to film %d steps", r->max_steps);
}

static bool asked_to_stop(recording *r) {
    long long done = atomic_fetch_add(&r->steps_done, 1);
    if (r->progress && pthread_equal(pthread_self(), r->starter) && done % 64 == 0 &&
        udy_progress_advance(r->progress, "play", done, (int64_t)r->n * r->max_steps, "steps", ""))
        atomic_store(&r->stop, true);
    return atomic_load(&r->stop);
}

// Keep the state that the simulation is in, as the next.
static void keep(udy_footage *f, const recording *r, const udy_env *env, const double *obs,
                 const udy_step *step) {
    size_t t = (size_t)f->n_states++, O = (size_t)r->info->obs_dim;
    bool over = f->end != UDY_END_NONE;
    udy_env_state(env, f->qpos + t * (size_t)r->info->nq, NULL);
    for (size_t k = 0; k < O; k++) f->obs[t * O + k] = (float)obs[k];
    f->speed[t] = step->x_velocity;
    if (!over) f->ret += step->reward;
    f->so_far[t] = f->ret;
    if (!over) f->n_episode = f->n_states;
    if (!over) f->end = (udy_end)step->end;
}

typedef struct hands {
    double *obs, *ctrl;
    float *action, *scratch;
    udy_rng chance;  // the random policy's, as udy_rollout seeds it
} hands;

static int play(udy_env *env, recording *r, const udy_policy *policy, udy_footage *f, hands *h,
                udy_error *err) {
    udy_rng rng;
    udy_step step = {0};
    udy_rng_init(&rng, r->seed);
    udy_rng_init_stream(&h->chance, r->seed, "policy/random", 0);
    int status = udy_env_reset(env, &rng, h->obs, err);
    if (status) return status;
    keep(f, r, env, h->obs, &step);
    for (int t = 0, after = 0; t < r->max_steps + r->after_steps; t++) {
        bool fell = f->end != UDY_END_NONE && f->end != UDY_END_LIMIT;
        if (f->end == UDY_END_LIMIT || (fell && after++ == r->after_steps)) break;
        if (!fell && t >= r->max_steps) break;
        if (asked_to_stop(r)) return udy_error_set(err, UDY_EINTERRUPTED, "play: interrupted");
        udy_policy_act(policy, h->obs, h->action, h->scratch, &h->chance);
        for (int k = 0; k < r->info->act_dim; k++) h->ctrl[k] = (double)h->action[k];
        status = udy_env_step(env, h->ctrl, h->obs, &step, err);
        // What comes after the end is no longer the task's; the physics may well give up on it.
        if (status && fell) return UDY_OK;
        if (status)
            return udy_error_wrap(err, status, "seed %llu, step %d", (unsigned long long)r->seed,
                                  t);
        keep(f, r, env, h->obs, &step);
    }
    return UDY_OK;
}

static int play_job(udy_env *env, int job, void *ctx, udy_error *err) {
    recording *r = ctx;
    const udy_policy *policy = r->policies[job];
    udy_footage *f = &r->footage[job];
    size_t O = (size_t)r->info->obs_dim, A = (size_t)r->info->act_dim;
    int status = footage_open(f, r, policy, err);
    if (status) return status;
    hands h;
    h.obs =
        udy_alloc((O + A) * sizeof(double) + (A + udy_policy_scratch_size(policy)) * sizeof(float));
    if (!h.obs) return udy_error_set(err, UDY_ENOMEM, "no memory for an episode");
    h.ctrl = h.obs + O;
    h.action = (float *)(h.ctrl + A);
    h.scratch = h.action + A;
    status = play(env, r, policy, f, &h, err);
    udy_free(h.obs);
    return status;
}

// Everybody stops after_steps after the first fall.
static void cut_at_fall(udy_footage *footage, int n, int after_steps) {
    int last = 0;
    for (int i = 0; i < n; i++) {
        const udy_footage *f = &footage[i];
        bool fell = f->end != UDY_END_NONE && f->end != UDY_END_LIMIT;
        if (fell && (last == 0 || f->n_episode + after_steps < last))
            last = f->n_episode + after_steps;
    }
    for (int i = 0; last && i < n; i++) {
        udy_footage *f = &footage[i];
        if (f->n_states <= last) continue;
        f->n_states = last;
        if (f->n_episode <= last) continue;
        f->n_episode = last;
        f->end = UDY_END_NONE;
        f->ret = f->so_far[last - 1];
    }
}

static int check(const udy_policy *const *policies, int n, const udy_task *task, int *max_steps,
                 udy_error *err) {
    int limit = udy_task_info_of(task)->max_episode_steps;
    if (n < 1 || n > UDY_VIDEO_PANELS_MAX)
        return udy_error_set(err, UDY_EINVAL, "a film of %d policies; expected 1 to %d", n,
                             UDY_VIDEO_PANELS_MAX);
    if (*max_steps < 0 || (*max_steps == 0 && limit < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "%s: %d steps to film, and %d the task's limit: say how many",
                             udy_task_info_of(task)->id, *max_steps, limit);
    if (*max_steps == 0 || (limit > 0 && *max_steps > limit)) *max_steps = limit;
    for (int i = 0; i < n; i++) {
        int status = udy_policy_check(policies[i], task, err);
        if (status) return status;
    }
    return UDY_OK;
}

int udy_footage_record(udy_footage *out, const udy_policy *const *policies, int n,
                       const udy_task *task, udy_batch *batch, uint64_t seed,
                       const udy_footage_config *config, const udy_progress *progress,
                       udy_error *err) {
    for (int i = 0; i < n; i++) out[i] = (udy_footage){0};
    const udy_task_info *info = udy_task_info_of(task);
    recording r = {.footage = out,
                   .policies = policies,
                   .info = info,
                   .seed = seed,
                   .n = n,
                   .max_steps = config->max_steps,
                   .progress = progress,
                   .starter = pthread_self()};
    int status = check(policies, n, task, &r.max_steps, err);
    if (status) return status;
    if (!(config->after_s >= 0 && config->after_s <= 3600))
        return udy_error_set(err, UDY_EINVAL, "%g s after a fall; expected 0 to 3600",
                             config->after_s);
    r.after_steps = (int)lround(config->after_s / info->dt);
    status = udy_batch_episodes(batch, n, play_job, &r, err);
    if (status) return status;
    if (config->until_fall) cut_at_fall(out, n, r.after_steps);
    return UDY_OK;
}

//------------------------------------------ Looking for a fall ------------------------------------

enum { AT_ONCE = 8 };  // seeds

// The first of seeds first .. first + count - 1 with a fall; -1: none, or a failure.
static int search(const udy_policy *const *policies, int n, const udy_task *task, udy_batch *batch,
                  uint64_t first, int count, int max_steps, int *found, udy_error *err) {
    udy_rollout_job jobs[AT_ONCE * UDY_VIDEO_PANELS_MAX] = {0};
    udy_episode episodes[AT_ONCE * UDY_VIDEO_PANELS_MAX] = {0};
    for (int i = 0; i < count * n; i++)
        jobs[i] = (udy_rollout_job){.policy = policies[i % n], .seed = first + (uint64_t)(i / n)};
    *found = -1;
    int status = udy_rollout(batch, task, jobs, count * n, episodes, "search", NULL, err);
    for (int i = 0; !status && *found < 0 && i < count * n; i++)
        if (episodes[i].end != UDY_END_NONE && episodes[i].end != UDY_END_LIMIT &&
            episodes[i].length <= max_steps)
            *found = i / n;
    return status;
}

int udy_footage_find_fall(uint64_t *seed, const udy_policy *const *policies, int n,
                          const udy_task *task, udy_batch *batch, uint64_t first, int tries,
                          int max_steps, const udy_progress *progress, udy_error *err) {
    int status = check(policies, n, task, &max_steps, err), found = -1;
    for (int done = 0; !status && done < tries; done += AT_ONCE) {
        int count = tries - done < AT_ONCE ? tries - done : AT_ONCE;
        if (udy_progress_advance(progress, "search a fall", done, tries, "seeds", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "search: interrupted");
        status =
            search(policies, n, task, batch, first + (uint64_t)done, count, max_steps, &found, err);
        *seed = first + (uint64_t)(done + (found > 0 ? found : 0));
        if (found >= 0) {
            udy_progress_advance(progress, "search a fall", tries, tries, "seeds", "");
            return status;
        }
    }
    if (status) return status;
    return udy_error_set(err, UDY_ENOENT,
                         "nobody falls within %d steps with any of the seeds %llu to %llu; try "
                         "more of them, or a policy that falls",
                         max_steps, (unsigned long long)first,
                         (unsigned long long)(first + (uint64_t)(tries > 0 ? tries - 1 : 0)));
}
