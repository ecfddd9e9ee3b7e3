// env.c: one simulation: reset, control step, reward, ending. Runs between a batch (batch.c), which
// brings threads and memory, and the facts of a task (tasks.c).
#include <math.h>
#include <string.h>

#include "sim/internal.h"

static void write_obs(const udy_task *task, const mjData *d, double *obs) {
    for (int p = 0; p < UDY__OBS_PARTS_MAX && task->row->obs_parts[p]; ++p) {
        task->row->obs_parts[p]->write(task, d, obs);
        obs += task->row->obs_parts[p]->size(task);
    }
}

// A warning means that MuJoCo put the state back to its default, or left forces out: what it goes
// on with is not the episode's physics.
static int check_warnings(const udy_env *env, const mjData *d, udy_error *err) {
    const char *text = udy__faults_warning(d);
    if (text == NULL) return UDY_OK;
    return udy_error_set(err, UDY_EPHYSICS,
                         "%s: at control step %d MuJoCo warned: %.300s The episode cannot go on: "
                         "reset the simulation",
                         env->task->row->id, env->n_elapsed + 1, text);
}

// Everything is computed anew from qpos and qvel: an episode starts now.
static int start(udy_env *env, const mjModel *m, mjData *d, double *obs, udy_error *err) {
    mj_forward(m, d);
    env->n_elapsed = 0;
    int status = check_warnings(env, d, err);
    if (status != UDY_OK) return status;
    env->x = env->task->row->x_position(env->task, d);
    if (obs != NULL) write_obs(env->task, d, obs);
    env->is_ready = true;
    return UDY_OK;
}

int udy__env_begin(udy_env *env, const mjModel *m, mjData *d, udy_rng *rng, double *obs,
                   udy_error *err) {
    double scale = env->task->config.reset_noise_scale;
    env->is_ready = false;
    mj_resetData(m, d);
    for (mjtSize i = 0; i < m->nq; ++i) d->qpos[i] += udy_rng_uniform(rng, -scale, scale);
    for (mjtSize i = 0; i < m->nv; ++i) d->qvel[i] += env->task->row->velocity_noise(rng, scale);
    return start(env, m, d, obs, err);
}

static int check_action(const udy_env *env, const double *action, udy_error *err) {
    const udy_task_info *info = &env->task->info;
    if (!env->is_ready) {
        return udy_error_set(err, UDY_EINVAL, "%s: a simulation must be reset before it is stepped",
                             info->id);
    }
    for (int a = 0; a < info->act_dim; ++a) {
        if (!isfinite(action[a])) {
            return udy_error_set(
                err, UDY_ENONFINITE,
                "%s: at control step %d action[%d] is %g; expected a finite number", info->id,
                env->n_elapsed + 1, a, action[a]);
        }
    }
    return UDY_OK;
}

// reward = (gains) - (costs), each summed first, in the row's order: Gymnasium's rounding.
static void write_reward(const udy__outcome *outcome, udy_step *out) {
    const udy__term *terms = outcome->task->row->terms;
    double gains = 0, costs = 0;
    bool has_gain = false, has_cost = false;
    for (int i = 0; i < outcome->task->info.n_terms; ++i) {
        double value = terms[i].value(outcome);
        if (terms[i].is_cost) {
            costs = has_cost ? costs + value : value;
            has_cost = true;
            out->terms[i] = -value;
        } else {
            gains = has_gain ? gains + value : value;
            has_gain = true;
            out->terms[i] = value;
        }
    }
    out->reward = has_cost ? gains - costs : gains;
}

static void write_ending(const udy_env *env, udy_end health, udy_step *out) {
    int limit = env->task->config.max_episode_steps;
    out->terminated = health != UDY_END_NONE && env->task->config.terminate_when_unhealthy;
    out->truncated = limit > 0 && env->n_elapsed >= limit;
    out->end = (uint8_t)(out->terminated ? health : out->truncated ? UDY_END_LIMIT : UDY_END_NONE);
}

int udy__env_advance(udy_env *env, const mjModel *m, mjData *d, const double *action, double *obs,
                     udy_step *out, udy_error *err) {
    const udy_task *task = env->task;
    int status = check_action(env, action, err);
    if (status != UDY_OK) return status;
    env->is_ready = false;

    memset(d->warning, 0, sizeof d->warning);
    memcpy(d->ctrl, action, (size_t)task->info.act_dim * sizeof *action);
    for (int k = 0; k < task->config.frame_skip; ++k) mj_step(m, d);
    mj_rnePostConstraint(m, d);  // contact forces, which mj_step leaves out
    status = check_warnings(env, d, err);
    if (status != UDY_OK) return status;

    double x = task->row->x_position(task, d);
    udy_end health = task->row->health(task, d);
    udy__outcome outcome = {.task = task,
                            .d = d,
                            .action = action,
                            .x_velocity = (x - env->x) / task->info.dt,
                            .healthy = health == UDY_END_NONE};
    env->x = x;
    env->n_elapsed++;
    double height = task->row->height != NULL ? task->row->height(task, d) : (double)NAN;
    *out = (udy_step){.x_velocity = outcome.x_velocity, .torso_z = height};
    write_reward(&outcome, out);
    write_ending(env, health, out);
    write_obs(task, d, obs);
    env->is_ready = true;
    return UDY_OK;
}

//------------------------------------------ Guarded -----------------------------------------------

// An episode function may hold memory or locks, so that an error of MuJoCo's must come back to it
// as a status: its simulation runs in an mjBatch of its own, which traps errors.

typedef struct call {
    udy_env *env;
    udy_rng *rng;
    const double *action, *qpos, *qvel;
    double *obs;
    udy_step *out;
    udy_error *err;
    int status;
} call;

static int run_guarded(call *c, mjfBatchFunc body) {
    c->status = UDY_OK;
    if (mjb_apply(c->env->guard, NULL, 0, body, c, 1) == 0) return c->status;
    c->env->is_ready = false;
    return udy__faults_error(c->err, c->env->task, mjb_error(c->env->guard, 0));
}

static void reset_body(const mjModel *m, mjData *d, int sim, void *arg) {
    (void)sim;
    call *c = arg;
    c->status = udy__env_begin(c->env, m, d, c->rng, c->obs, c->err);
}

int udy_env_reset(udy_env *env, udy_rng *rng, double *obs, udy_error *err) {
    call c = {.env = env, .rng = rng, .obs = obs, .err = err};
    return run_guarded(&c, reset_body);
}

static void step_body(const mjModel *m, mjData *d, int sim, void *arg) {
    (void)sim;
    call *c = arg;
    c->status = udy__env_advance(c->env, m, d, c->action, c->obs, c->out, c->err);
}

int udy_env_step(udy_env *env, const double *action, double *obs, udy_step *out, udy_error *err) {
    call c = {.env = env, .action = action, .obs = obs, .out = out, .err = err};
    return run_guarded(&c, step_body);
}

// The solver's warm start and contact forces are cleared, so that the state alone decides.
static void set_state_body(const mjModel *m, mjData *d, int sim, void *arg) {
    (void)sim;
    call *c = arg;
    c->env->is_ready = false;
    mj_resetData(m, d);
    memcpy(d->qpos, c->qpos, (size_t)m->nq * sizeof *c->qpos);
    memcpy(d->qvel, c->qvel, (size_t)m->nv * sizeof *c->qvel);
    c->status = start(c->env, m, d, c->obs, c->err);
}

static int check_state(const udy_env *env, const char *what, const double *x, int n,
                       udy_error *err) {
    for (int i = 0; i < n; ++i) {
        if (!isfinite(x[i])) {
            return udy_error_set(err, UDY_ENONFINITE, "%s: %s[%d] is %g; expected a finite number",
                                 env->task->row->id, what, i, x[i]);
        }
    }
    return UDY_OK;
}

int udy_env_set_state(udy_env *env, const double *qpos, const double *qvel, double *obs,
                      udy_error *err) {
    int status = check_state(env, "qpos", qpos, env->task->info.nq, err);
    if (status == UDY_OK) status = check_state(env, "qvel", qvel, env->task->info.nv, err);
    if (status != UDY_OK) return status;
    call c = {.env = env, .qpos = qpos, .qvel = qvel, .obs = obs, .err = err};
    return run_guarded(&c, set_state_body);
}

void udy_env_state(const udy_env *env, double *qpos, double *qvel) {
    const udy_task_info *info = &env->task->info;
    if (qpos != NULL) memcpy(qpos, env->guard_qpos, (size_t)info->nq * sizeof *qpos);
    if (qvel != NULL) memcpy(qvel, env->guard_qvel, (size_t)info->nv * sizeof *qvel);
}

int udy__env_open(udy_env *env, const udy_task *task, udy_error *err) {
    *env = (udy_env){.task = task};
    int status = udy__batch_make(&env->guard, task, 1, 1, err);
    if (status != UDY_OK) return status;
    env->guard_qpos = mjb_stateComponent(env->guard, mjSTATE_QPOS, NULL);
    env->guard_qvel = mjb_stateComponent(env->guard, mjSTATE_QVEL, NULL);
    return UDY_OK;
}

void udy__env_close(udy_env *env) {
    mjb_deleteBatch(env->guard);
    *env = (udy_env){0};
}
