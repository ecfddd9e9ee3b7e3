// batch.c: many simulations of a task on all cores, through MuJoCo's mjBatch: N stepped at once
// into the caller's buffers, or whole episodes without a barrier between their steps. Saves and
// restores the former for checkpoints.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sim/internal.h"

struct udy_batch {
    const udy_task *task;
    int n_sims, n_threads;
    // The threads, and the simulations stepped together: rows 0..n_sims-1. It has at least
    // n_threads rows, as an mjBatch uses no more threads than it has rows.
    mjBatch *team;
    int *ids;       // [rows] 0, 1, 2, ...: a call selects the first few
    udy_env *sims;  // [n_sims] stepped together
    udy_env *solo;  // [n_threads] for episodes, with a guard each

    // The failure with the lowest index in the call under way.
    pthread_mutex_t mutex;
    int first_failed;  // INT_MAX: none
    udy_error first_error;
};

#define NO_FAILURE 0x7fffffff

static void note_failure(udy_batch *batch, int index, int status, const udy_error *err) {
    pthread_mutex_lock(&batch->mutex);
    if (index < batch->first_failed) {
        batch->first_failed = index;
        batch->first_error = *err;
        batch->first_error.code = status;
        if (err->message[0] == '\0') {
            snprintf(batch->first_error.message, sizeof batch->first_error.message, "%s",
                     udy_status_message(status));
        }
    }
    pthread_mutex_unlock(&batch->mutex);
}

static int report_failure(udy_batch *batch, const char *what, udy_error *err) {
    if (batch->first_failed == NO_FAILURE) return UDY_OK;
    if (err != NULL) *err = batch->first_error;
    return udy_error_wrap(err, batch->first_error.code, "%s %d", what, batch->first_failed);
}

//------------------------------------------ Life --------------------------------------------------

typedef struct make_call {
    const udy_task *task;
    int n_sims;
    mjBatchConfig config;
    mjBatch *batch;
    char *why;
    int why_size;
} make_call;

static void make_body(void *arg) {
    make_call *c = arg;
    c->batch = mjb_makeBatch(c->task->model, c->n_sims, &c->config, c->why, c->why_size);
}

int udy__batch_make(mjBatch **out, const udy_task *task, int n_sims, int n_threads,
                    udy_error *err) {
    char why[512] = "";
    make_call c = {.task = task, .n_sims = n_sims, .why = why, .why_size = (int)sizeof why};
    mjb_defaultConfig(&c.config);
    c.config.nthread = n_threads;
    // A simulation's mjData may hold what its state row does not (sleep, for one): keep it apart.
    c.config.persistent = 1;
    if (!udy__faults_trap(make_body, &c, why, sizeof why)) c.batch = NULL;
    *out = c.batch;
    if (c.batch != NULL) return UDY_OK;
    udy__faults_error(err, task, why);
    return udy_error_wrap(err, UDY_EPHYSICS, "%d simulations cannot be made", n_sims);
}

int udy_batch_create(udy_batch **out, const udy_task *task, int n_sims, int n_threads,
                     udy_error *err) {
    *out = NULL;
    if (n_sims < 1 || n_threads < 0) {
        return udy_error_set(
            err, UDY_EINVAL,
            "%s: %d simulations on %d threads; expected at least 1 simulation, and "
            "0 threads (one per core) or more",
            task->row->id, n_sims, n_threads);
    }
    udy_batch *batch = udy_alloc(sizeof *batch);
    if (batch == NULL) return udy_error_set(err, UDY_ENOMEM, "no memory for a batch");
    pthread_mutex_init(&batch->mutex, NULL);
    batch->task = task;
    batch->n_sims = n_sims;
    batch->n_threads = n_threads > 0 ? n_threads : udy_cpu_count();
    int n_rows = n_sims > batch->n_threads ? n_sims : batch->n_threads;
    batch->ids = udy_alloc((size_t)n_rows * sizeof *batch->ids);
    batch->sims = udy_alloc((size_t)n_sims * sizeof *batch->sims);
    batch->solo = udy_alloc((size_t)batch->n_threads * sizeof *batch->solo);
    int status = UDY_OK;
    if (batch->ids == NULL || batch->sims == NULL || batch->solo == NULL) {
        status = udy_error_set(err, UDY_ENOMEM, "no memory for %d simulations", n_sims);
    }
    if (status == UDY_OK) {
        status = udy__batch_make(&batch->team, task, n_rows, batch->n_threads, err);
    }
    for (int i = 0; status == UDY_OK && i < n_rows; ++i) batch->ids[i] = i;
    for (int i = 0; status == UDY_OK && i < n_sims; ++i) batch->sims[i].task = task;
    for (int i = 0; status == UDY_OK && i < batch->n_threads; ++i) {
        status = udy__env_open(&batch->solo[i], task, err);
    }
    if (status != UDY_OK) {
        udy_batch_destroy(batch);
        return status;
    }
    *out = batch;
    return UDY_OK;
}

void udy_batch_destroy(udy_batch *batch) {
    if (batch == NULL) return;
    for (int i = 0; batch->solo != NULL && i < batch->n_threads; ++i) {
        udy__env_close(&batch->solo[i]);
    }
    mjb_deleteBatch(batch->team);
    udy_free(batch->solo);
    udy_free(batch->sims);
    udy_free(batch->ids);
    pthread_mutex_destroy(&batch->mutex);
    udy_free(batch);
}

int udy_batch_sims(const udy_batch *batch) {
    return batch->n_sims;
}

int udy_batch_threads(const udy_batch *batch) {
    return batch->n_threads;
}

//------------------------------------------ Steps -------------------------------------------------

typedef struct step_call {
    udy_batch *batch;
    const uint8_t *moves;
    const uint64_t *seeds;
    const double *action;
    double *obs, *final_obs;
    udy_step *steps;
} step_call;

// Run body on every simulation; MuJoCo's errors join the failures that body noted.
static int run_all(step_call *c, mjfBatchFunc body, udy_error *err) {
    udy_batch *batch = c->batch;
    batch->first_failed = NO_FAILURE;
    if (mjb_apply(batch->team, batch->ids, batch->n_sims, body, c, 1) > 0) {
        const int *failed = mjb_status(batch->team);
        for (int i = 0; i < batch->n_sims; ++i) {
            if (!failed[i]) continue;
            udy_error e;
            int status = udy__faults_error(&e, batch->task, mjb_error(batch->team, i));
            note_failure(batch, i, status, &e);
        }
    }
    return report_failure(batch, "simulation", err);
}

static void reset_body(const mjModel *m, mjData *d, int sim, void *arg) {
    step_call *c = arg;
    udy_env *env = &c->batch->sims[sim];
    double *obs = c->obs + (size_t)sim * (size_t)env->task->info.obs_dim;
    udy_error err = {0};
    udy_rng_init(&env->rng, c->seeds[sim]);
    int status = udy__env_begin(env, m, d, &env->rng, obs, &err);
    if (status != UDY_OK) note_failure(c->batch, sim, status, &err);
}

int udy_batch_reset(udy_batch *batch, const uint64_t *seeds, double *obs, udy_error *err) {
    step_call c = {.batch = batch, .seeds = seeds, .obs = obs};
    return run_all(&c, reset_body, err);
}

static void step_body(const mjModel *m, mjData *d, int sim, void *arg) {
    step_call *c = arg;
    udy_env *env = &c->batch->sims[sim];
    const udy_task_info *info = &env->task->info;
    size_t n_obs = (size_t)info->obs_dim;
    double *obs = c->obs + (size_t)sim * n_obs;
    udy_step *step = &c->steps[sim];
    udy_error err = {0};
    int status = udy__env_advance(env, m, d, c->action + (size_t)sim * (size_t)info->act_dim, obs,
                                  step, &err);
    if (status == UDY_OK && (step->terminated || step->truncated)) {
        if (c->final_obs != NULL) {
            memcpy(c->final_obs + (size_t)sim * n_obs, obs, n_obs * sizeof *obs);
        }
        status = udy__env_begin(env, m, d, &env->rng, obs, &err);
    }
    if (status != UDY_OK) note_failure(c->batch, sim, status, &err);
}

int udy_batch_step(udy_batch *batch, const double *action, double *obs, udy_step *steps,
                   double *final_obs, udy_error *err) {
    step_call c = {
        .batch = batch, .action = action, .obs = obs, .steps = steps, .final_obs = final_obs};
    return run_all(&c, step_body, err);
}

static int begin_again(const step_call *c, const mjModel *m, mjData *d, int sim, double *obs,
                       udy_error *err) {
    udy_env *env = &c->batch->sims[sim];
    if (c->moves[sim] == UDY_MOVE_RESEED) udy_rng_init(&env->rng, c->seeds[sim]);
    // An increment is odd: this generator has not been seeded yet.
    if (env->rng.inc_lo == 0) {
        return udy_error_set(err, UDY_EINVAL, "%s: its first reset needs a seed",
                             env->task->row->id);
    }
    return udy__env_begin(env, m, d, &env->rng, obs, err);
}

static void move_body(const mjModel *m, mjData *d, int sim, void *arg) {
    step_call *c = arg;
    udy_env *env = &c->batch->sims[sim];
    const udy_task_info *info = &env->task->info;
    double *obs = c->obs + (size_t)sim * (size_t)info->obs_dim;
    udy_error err = {0};
    int status = UDY_OK;
    if (c->moves[sim] == UDY_MOVE_STEP) {
        const double *action = c->action + (size_t)sim * (size_t)info->act_dim;
        status = udy__env_advance(env, m, d, action, obs, &c->steps[sim], &err);
    } else if (c->moves[sim] != UDY_MOVE_NONE) {
        status = begin_again(c, m, d, sim, obs, &err);
    }
    if (status != UDY_OK) note_failure(c->batch, sim, status, &err);
}

int udy_batch_move(udy_batch *batch, const uint8_t *moves, const uint64_t *seeds,
                   const double *action, double *obs, udy_step *steps, udy_error *err) {
    step_call c = {.batch = batch,
                   .moves = moves,
                   .seeds = seeds,
                   .action = action,
                   .obs = obs,
                   .steps = steps};
    return run_all(&c, move_body, err);
}

//------------------------------------------ Saved states ------------------------------------------

// A saved simulation: this, then the row of mjSTATE_INTEGRATION, which holds all that mj_step reads
// of an mjData (see check_carried). Plain numbers, no padding: equal simulations give equal bytes.
typedef struct state_head {
    char magic[8];
    char task[32];
    int32_t nq, nv, n_row, n_elapsed;
    uint64_t check;  // see check_sum
    udy_rng rng;
    double x;
    uint64_t is_ready;
} state_head;

_Static_assert(sizeof(state_head) == 8 + 32 + 16 + 8 + 40 + 16, "padding would be saved");
static const char STATE_MAGIC[8] = "udysim/1";

size_t udy_batch_state_size(const udy_batch *batch) {
    return sizeof(state_head) + (size_t)mjb_nstate(batch->team) * sizeof(mjtNum);
}

static mjtNum *row_of(udy_batch *batch, int i) {
    return mjb_state(batch->team) + (size_t)i * (size_t)mjb_nstate(batch->team);
}

// What a row leaves out: which trees sleep and where they lie, contact forces of flexes, plugins.
static int check_carried(const udy_batch *batch, int i, udy_error *err) {
    const mjModel *m = batch->task->model;
    const char *id = batch->task->row->id;
    const char *what = m->opt.enableflags & mjENBL_SLEEP ? "the sleep flag"
                       : m->nflex > 0                    ? "a flex"
                       : m->nplugin > 0                  ? "a plugin"
                                                         : NULL;
    if (what != NULL) {
        return udy_error_set(err, UDY_EINVAL,
                             "%s: a simulation whose model has %s cannot be saved and put back; "
                             "use a model without it",
                             id, what);
    }
    if (i >= 0 && i < batch->n_sims) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL, "%s: simulation %d; expected 0 to %d", id, i,
                         batch->n_sims - 1);
}

// Of the head, with check as 0, and the row: tells damage, not malice.
static uint64_t check_sum(const state_head *head, const void *row) {
    state_head h = *head;
    h.check = 0;
    uint64_t parts[2] = {udy_hash(&h, sizeof h), udy_hash(row, (size_t)h.n_row * sizeof(mjtNum))};
    return udy_hash(parts, sizeof parts);
}

int udy_batch_state_get(udy_batch *batch, int i, void *state, udy_error *err) {
    int status = check_carried(batch, i, err);
    if (status != UDY_OK) return status;
    const udy_env *env = &batch->sims[i];
    state_head head = {.nq = env->task->info.nq,
                       .nv = env->task->info.nv,
                       .n_row = mjb_nstate(batch->team),
                       .n_elapsed = env->n_elapsed,
                       .rng = env->rng,
                       .x = env->x,
                       .is_ready = env->is_ready};
    memcpy(head.magic, STATE_MAGIC, sizeof head.magic);
    snprintf(head.task, sizeof head.task, "%s", env->task->row->id);
    head.check = check_sum(&head, row_of(batch, i));
    memcpy(state, &head, sizeof head);
    memcpy((char *)state + sizeof head, row_of(batch, i), (size_t)head.n_row * sizeof(mjtNum));
    return UDY_OK;
}

static int check_head(const udy_batch *batch, const state_head *head, const void *row,
                      udy_error *err) {
    const udy_task_info *info = &batch->task->info;
    int n_row = mjb_nstate(batch->team);
    if (memcmp(head->magic, STATE_MAGIC, sizeof head->magic) != 0) {
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: these bytes are no saved simulation, or another version's: they "
                             "do not begin with \"%.8s\"",
                             info->id, STATE_MAGIC);
    }
    if (strncmp(head->task, info->id, sizeof head->task) != 0) {
        return udy_error_set(err, UDY_EMISMATCH, "the saved simulation is of %.32s; expected %s",
                             head->task, info->id);
    }
    if (head->nq != info->nq || head->nv != info->nv || head->n_row != n_row) {
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: the saved simulation has nq %d, nv %d and %d numbers of state; "
                             "expected %d, %d and %d: it was made with another model",
                             info->id, head->nq, head->nv, head->n_row, info->nq, info->nv, n_row);
    }
    if (head->check != check_sum(head, row) || head->n_elapsed < 0 || head->is_ready > 1) {
        return udy_error_set(err, UDY_EFORMAT, "%s: the saved simulation is damaged", info->id);
    }
    return UDY_OK;
}

// A row may be given to an mjData that an error left in the middle of a step.
static void restore_body(const mjModel *m, mjData *d, int sim, void *arg) {
    udy_batch *batch = arg;
    mj_resetData(m, d);
    mj_setState(m, d, row_of(batch, sim), mjSTATE_INTEGRATION);
}

int udy_batch_state_set(udy_batch *batch, int i, const void *state, udy_error *err) {
    int status = check_carried(batch, i, err);
    if (status != UDY_OK) return status;
    const char *row = (const char *)state + sizeof(state_head);
    state_head head;
    memcpy(&head, state, sizeof head);
    status = check_head(batch, &head, row, err);
    if (status != UDY_OK) return status;

    udy_env *env = &batch->sims[i];
    env->is_ready = false;
    memcpy(row_of(batch, i), row, (size_t)head.n_row * sizeof(mjtNum));
    if (mjb_apply(batch->team, &i, 1, restore_body, batch, 1) > 0) {
        return udy__faults_error(err, batch->task, mjb_error(batch->team, i));
    }
    env->rng = head.rng;
    env->x = head.x;
    env->n_elapsed = head.n_elapsed;
    env->is_ready = head.is_ready != 0;
    return UDY_OK;
}

//------------------------------------------ Episodes ----------------------------------------------

typedef struct episodes_call {
    udy_batch *batch;
    int n_jobs;
    udy_episode_fn fn;
    void *ctx;
    atomic_int next_job;
    atomic_bool stop;
} episodes_call;

// One per thread: takes the next job until there is none. Jobs start in order, and one that has
// started runs to its end, so that the lowest failing index does not depend on the threads.
static void episodes_body(const mjModel *m, mjData *d, int row, void *arg) {
    (void)m, (void)d;
    episodes_call *c = arg;
    udy_env *env = &c->batch->solo[row];
    while (!atomic_load(&c->stop)) {
        int job = atomic_fetch_add(&c->next_job, 1);
        if (job >= c->n_jobs) return;
        udy_error err = {0};
        env->is_ready = false;
        int status = c->fn(env, job, c->ctx, &err);
        if (status != UDY_OK) {
            atomic_store(&c->stop, true);
            note_failure(c->batch, job, status, &err);
        }
    }
}

int udy_batch_episodes(udy_batch *batch, int n_jobs, udy_episode_fn fn, void *ctx, udy_error *err) {
    if (n_jobs < 0) return udy_error_set(err, UDY_EINVAL, "%d jobs; expected 0 or more", n_jobs);
    episodes_call c = {.batch = batch, .n_jobs = n_jobs, .fn = fn, .ctx = ctx};
    atomic_init(&c.next_job, 0);
    atomic_init(&c.stop, false);
    batch->first_failed = NO_FAILURE;
    // Each udy_env traps its own errors: nothing is left that could be raised in these rows.
    mjb_apply(batch->team, batch->ids, batch->n_threads, episodes_body, &c, 0);
    return report_failure(batch, "episode", err);
}
