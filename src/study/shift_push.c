// Perturb and recover: the expert's own states with a push added, the same for every policy; how
// often, and how fast, does each come back to where demonstrations are?
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/shift.h"

enum {
    SETTLED_FROM = 50,  // control steps: pushes come once the expert has found its gait
    BEFORE_FALL = 20,   // and not when it is falling by itself
    STREAK = 20,        // steps near the demonstrations that count as back
};

//------------------------------------------ Snapshots ---------------------------------------------

// A state and a direction for each push, from the reference.
static void draw_snapshots(udy__shift *s, udy_rng *rng) {
    const udy__shift_set *set = &s->reference;
    size_t nq = (size_t)s->info->nq, nv = (size_t)s->info->nv;
    for (size_t i = 0; i < (size_t)s->config->push_episodes; i++) {
        const udy_episode *e = &set->episodes[udy_rng_below(rng, (uint64_t)set->n)];
        int first = e->length > SETTLED_FROM ? SETTLED_FROM : 0, end = e->length;
        if (udy__shift_fell(e) && end - BEFORE_FALL > first) end -= BEFORE_FALL;
        size_t t = (size_t)first + (size_t)udy_rng_below(rng, (uint64_t)(end - first));
        double angle = udy_rng_uniform(rng, 0, 6.283185307179586);
        memcpy(s->push_qpos + i * nq, e->qpos + t * nq, nq * sizeof *e->qpos);
        memcpy(s->push_qvel + i * nv, e->qvel + t * nv, nv * sizeof *e->qvel);
        // A quaternion among the positions: the main body is free, and its velocity comes first in
        // qvel, along x and y. Else the robot lives on a rail, and can be pushed along it alone.
        bool is_free = nq > nv && nv >= 2;
        s->push_way[2 * i] = is_free ? cos(angle) : cos(angle) < 0 ? -1 : 1;
        s->push_way[2 * i + 1] = is_free ? sin(angle) : 0;
    }
}

int udy__shift_snapshots(udy__shift *s, udy_error *err) {
    size_t n = (size_t)s->config->push_episodes;
    if (n == 0) return UDY_OK;
    s->push_qpos = udy_alloc(n * (size_t)s->info->nq * sizeof *s->push_qpos);
    s->push_qvel = udy_alloc(n * (size_t)s->info->nv * sizeof *s->push_qvel);
    s->push_way = udy_alloc(n * 2 * sizeof *s->push_way);
    if (!s->push_qpos || !s->push_qvel || !s->push_way) return udy__shift_no_memory(err);
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/push", 0);
    draw_snapshots(s, &rng);
    return UDY_OK;
}

//------------------------------------------ After a push ------------------------------------------

// Pushes of one size.
typedef struct pushes {
    const udy__shift *s;
    const udy_policy *policy;
    double speed;   // m/s
    int most;       // control steps
    float *obs;     // [n, most, O]
    int *length;    // [n] control steps made
    uint8_t *fell;  // [n]
    double *desks;  // [n, desk_size]: of one episode under way
    size_t desk_size;
} pushes;

static void pushes_free(pushes *p) {
    udy_free(p->obs);
    udy_free(p->length);
    udy_free(p->fell);
    udy_free(p->desks);
}

static int pushes_make(pushes *p, udy_error *err) {
    const udy_task_info *info = p->s->info;
    size_t n = (size_t)p->s->config->push_episodes, O = (size_t)info->obs_dim;
    size_t A = (size_t)info->act_dim;
    // qvel, observation, control; then action and the policy's scratch, float32.
    p->desk_size = (size_t)info->nv + O + A + (A + udy_policy_scratch_size(p->policy) + 1) / 2 + 1;
    p->obs = udy_alloc(n * (size_t)p->most * O * sizeof *p->obs);
    p->length = udy_alloc(n * sizeof *p->length);
    p->fell = udy_alloc(n);
    p->desks = udy_alloc(n * p->desk_size * sizeof *p->desks);
    return p->obs && p->length && p->fell && p->desks ? UDY_OK : udy__shift_no_memory(err);
}

static int push_job(udy_env *env, int job, void *ctx, udy_error *err) {
    pushes *p = ctx;
    const udy__shift *s = p->s;
    size_t i = (size_t)job, O = (size_t)s->info->obs_dim, A = (size_t)s->info->act_dim;
    size_t nq = (size_t)s->info->nq, nv = (size_t)s->info->nv;
    double *qvel = p->desks + i * p->desk_size, *obs = qvel + nv, *control = obs + O;
    float *action = (float *)(control + A), *scratch = action + A;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/push/random", i);
    memcpy(qvel, s->push_qvel + i * nv, nv * sizeof *qvel);
    for (size_t k = 0; k < 2 && k < nv; k++) qvel[k] += p->speed * s->push_way[2 * i + k];
    int status = udy_env_set_state(env, s->push_qpos + i * nq, qvel, obs, err);
    udy_step step = {0};
    int t = 0;
    for (; t < p->most && !status && !step.terminated && !step.truncated; t++) {
        float *row = p->obs + (i * (size_t)p->most + (size_t)t) * O;
        for (size_t k = 0; k < O; k++) row[k] = (float)obs[k];
        udy_policy_act(p->policy, obs, action, scratch, &rng);
        for (size_t k = 0; k < A; k++) control[k] = (double)action[k];
        status = udy_env_step(env, control, obs, &step, err);
    }
    p->length[i] = t;
    // Where the simulation itself broke down, nothing stands any more.
    p->fell[i] = step.terminated || status == UDY_EPHYSICS;
    if (status == UDY_EPHYSICS) return UDY_OK;
    return status ? udy_error_wrap(err, status, "push %d of %g m/s, step %d", job, p->speed, t)
                  : UDY_OK;
}

// The first of STREAK steps in a row within reach of the demonstrations; -1: none.
static int back_at(const double *distance, int n, double reach) {
    int streak = 0;
    for (int t = 0; t < n; t++) {
        streak = distance[t] <= reach ? streak + 1 : 0;
        if (streak == STREAK) return t + 1 - STREAK;
    }
    return -1;
}

static int judge(const pushes *p, udy_shift_push *out, const udy_progress *progress,
                 udy_error *err) {
    const udy__shift *s = p->s;
    size_t n = (size_t)s->config->push_episodes, O = (size_t)s->info->obs_dim;
    double *distance = udy_alloc((size_t)p->most * sizeof *distance);
    double *steps = udy_alloc(n * sizeof *steps);
    int status = distance && steps ? UDY_OK : udy__shift_no_memory(err);
    *out = (udy_shift_push){.speed = p->speed, .n = (int)n};
    for (size_t i = 0; i < n && !status; i++) {
        status = udy_neighbours_query(s->neighbours, p->obs + i * (size_t)p->most * O,
                                      (size_t)p->length[i], distance, NULL, s->pool, "pushes",
                                      progress, err);
        int at = status ? -1 : back_at(distance, p->length[i], s->out->distance_q95);
        if (at >= 0)
            steps[out->back++] = at;
        else
            out->fell += p->fell[i];
    }
    if (!status) udy__wilson(out->back, out->n, s->config->divergence.level, out->back_ci);
    if (!status && out->back > 0) out->median_steps = udy_quantile(steps, (size_t)out->back, 0.5);
    udy_free(distance);
    udy_free(steps);
    return status;
}

int udy__shift_pushes(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                      udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)set;
    if (s->config->push_episodes == 0) return UDY_OK;
    pushes p = {.s = s, .policy = subject->policy, .most = s->config->push_steps};
    int status = pushes_make(&p, err);
    for (int i = 0; i < s->config->n_push_speeds && !status; i++) {
        p.speed = s->config->push_speeds[i];
        status = udy_batch_episodes(s->batch, s->config->push_episodes, push_job, &p, err);
        if (!status) status = judge(&p, &out->push[out->n_push++], progress, err);
        if (!status &&
            udy_progress_advance(progress, "pushes", i + 1, s->config->n_push_speeds, "sizes", ""))
            status = udy_error_set(err, UDY_EINTERRUPTED, "pushes: interrupted");
    }
    pushes_free(&p);
    return status;
}
