// rate.c: how fast the bare physics runs here: the limit that `bench` holds rollouts against.
#include "sim/internal.h"

typedef struct rate_call {
    const udy_task *task;
    double seconds_s;
    double steps_per_s;
    const char *warning;
} rate_call;

// Falling over changes the number of contacts and with it the cost of a step: as in episodes, a
// robot that the task's rule ends starts again.
static void rate_body(const mjModel *m, mjData *d, int sim, void *arg) {
    (void)sim;
    rate_call *c = arg;
    const udy_task *task = c->task;
    const udy_task_info *info = &task->info;
    udy_rng rng;
    udy_rng_init(&rng, 0);
    mj_resetData(m, d);
    double begin = udy_clock_s(), elapsed = 0;
    long n_steps = 0;
    do {
        for (int block = 0; block < 16; ++block, ++n_steps) {
            for (int a = 0; a < info->act_dim; ++a) {
                d->ctrl[a] = udy_rng_uniform(&rng, info->act_low[a], info->act_high[a]);
            }
            for (int k = 0; k < task->config.frame_skip; ++k) mj_step(m, d);
            mj_rnePostConstraint(m, d);
            if (task->row->health(task, d) != UDY_END_NONE) mj_resetData(m, d);
        }
        elapsed = udy_clock_s() - begin;
    } while (elapsed < c->seconds_s);
    c->warning = udy__faults_warning(d);
    c->steps_per_s = (double)n_steps / elapsed;
}

typedef struct replay_call {
    const udy_task *task;
    const udy_sim_track *tracks;
    int n;
    double seconds_s;
    long n_steps;
    int status;
    udy_error *err;
} replay_call;

static void replay_body(const mjModel *m, mjData *d, int sim, void *arg) {
    (void)sim;
    replay_call *c = arg;
    udy_env env = {.task = c->task};
    int act_dim = c->task->info.act_dim;
    for (int i = 0; i < c->n && c->status == UDY_OK; ++i) {
        const udy_sim_track *track = &c->tracks[i];
        udy_rng rng;
        udy_rng_init(&rng, track->seed);
        c->status = udy__env_begin(&env, m, d, &rng, NULL, c->err);
        double begin = udy_clock_s();
        for (int t = 0; t < track->length; ++t) {
            for (int a = 0; a < act_dim; ++a) d->ctrl[a] = (double)track->action[t * act_dim + a];
            for (int k = 0; k < c->task->config.frame_skip; ++k) mj_step(m, d);
            mj_rnePostConstraint(m, d);
        }
        c->seconds_s += udy_clock_s() - begin;
        c->n_steps += track->length;
    }
}

int udy_sim_replay_rate(const udy_task *task, const udy_sim_track *tracks, int n,
                        double *steps_per_s, udy_error *err) {
    mjBatch *one;
    int status = udy__batch_make(&one, task, 1, 1, err);
    if (status != UDY_OK) return status;
    replay_call c = {.task = task, .tracks = tracks, .n = n, .err = err};
    if (mjb_apply(one, NULL, 0, replay_body, &c, 0) > 0)
        c.status = udy__faults_error(err, task, mjb_error(one, 0));
    mjb_deleteBatch(one);
    if (c.status == UDY_OK) *steps_per_s = (double)c.n_steps / c.seconds_s;
    return c.status;
}

int udy_sim_raw_rate(const udy_task *task, double seconds_s, double *steps_per_s, udy_error *err) {
    mjBatch *one;
    int status = udy__batch_make(&one, task, 1, 1, err);
    if (status != UDY_OK) return status;
    rate_call c = {.task = task, .seconds_s = seconds_s};
    if (mjb_apply(one, NULL, 0, rate_body, &c, 0) > 0) {
        status = udy__faults_error(err, task, mjb_error(one, 0));
    } else if (c.warning != NULL) {
        status = udy__faults_error(err, task, c.warning);
    }
    mjb_deleteBatch(one);
    if (status == UDY_OK) *steps_per_s = c.steps_per_s;
    return status;
}
