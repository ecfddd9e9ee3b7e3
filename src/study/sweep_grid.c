// The jobs of a sweep, shared out to threads: each works a whole job alone, dear ones first, so
// that no long one is left at the end with the other cores idle. The caller's thread works none: it
// tells how far they are, twice a second, and passes a wish to stop on. A job leaves a record or
// nothing.
#include "sweep_grid.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOTE_MAX = 320 };

typedef struct crew crew;

typedef struct worker {
    pthread_t thread;
    crew *crew;
    udy__sweep_desk desk;
    int job;  // under way; -1: none
} worker;

struct crew {
    udy__sweep *x;
    udy_run *run;
    const int *order;  // [n_wanted] jobs without a record
    int n_wanted;
    worker *workers;
    int n_workers;
    atomic_int next;
    atomic_bool stop;
    // What follows is the mutex's.
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int n_alive;
    int n_done, n_told;       // of order's jobs
    char (*notes)[NOTE_MAX];  // [n_wanted] of those done, in the order in which they ended
    int64_t planned_done;     // updates planned for the jobs that are done
    int status;               // the first failure's
    udy_error error;
};

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for the sweep");
}

static int record_path(const udy__sweep *x, const udy__sweep_job *job, char out[UDY_PATH_MAX],
                       udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/cell-expert%d-%s-%04d-seed%d.json", x->path,
                           job->expert, udy_sweep_methods[job->method], job->demos, job->seed);
}

//------------------------------------------ A thread ----------------------------------------------

static double mean_return(const udy_json *record, int training) {
    const udy_json *o =
        udy_json_get(udy_json_get(record, udy_sweep_trainings[training]), "evaluation");
    const udy_json *list = udy_json_get(o, "returns");
    double sum = 0;
    for (const udy_json *v = udy_json_at(list, 0); v; v = udy_json_next(v))
        sum += udy_json_value(v, NAN);
    return sum / (double)udy_json_size(list);
}

static void describe(const udy__sweep *x, const udy__sweep_job *job, const udy_json *record,
                     char out[NOTE_MAX]) {
    char name[192];
    udy__sweep_job_name(x, job, name);
    snprintf(out, NOTE_MAX, "%s: mean return %.0f after %d epochs, %.0f converged (%.0f s)", name,
             mean_return(record, UDY_SWEEP_TUTORIAL), x->config->bc.epochs,
             mean_return(record, UDY_SWEEP_CONVERGED), udy_json_number(record, "seconds", NAN));
}

static int work_one(worker *w, const udy__sweep_job *job, char note[NOTE_MAX], udy_error *err) {
    const udy__sweep *x = w->crew->x;
    char path[UDY_PATH_MAX];
    udy_json *record = NULL;
    int status = record_path(x, job, path, err);
    if (!status) status = udy__sweep_work(x, job, &w->desk, &record, err);
    if (status) return status;
    describe(x, job, record, note);
    return udy_json_save(record, path, err);
}

static void *worker_main(void *arg) {
    worker *w = arg;
    crew *c = w->crew;
    for (;;) {
        int at = atomic_fetch_add(&c->next, 1);
        if (at >= c->n_wanted || atomic_load(&c->stop)) break;
        const udy__sweep_job *job = &c->x->jobs[c->order[at]];
        char note[NOTE_MAX];
        udy_error err = {0};
        pthread_mutex_lock(&c->mutex);
        w->job = c->order[at];
        pthread_mutex_unlock(&c->mutex);
        int status = work_one(w, job, note, &err);
        pthread_mutex_lock(&c->mutex);
        w->job = -1;
        atomic_store(&w->desk.n_updates, 0);
        if (!status) {
            memcpy(c->notes[c->n_done++], note, sizeof note);
            c->planned_done += job->planned;
        } else if (!c->status || c->status == UDY_EINTERRUPTED) {
            c->status = status;
            c->error = err;
        }
        pthread_cond_signal(&c->wake);
        pthread_mutex_unlock(&c->mutex);
        if (status) atomic_store(&c->stop, true);
    }
    pthread_mutex_lock(&c->mutex);
    c->n_alive--;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

// Rollouts ask their progress whether to stop.
static int should_stop(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                       const char *note) {
    (void)stage, (void)done, (void)total, (void)unit, (void)note;
    const udy__sweep_desk *desk = ctx;
    return atomic_load_explicit(desk->stop, memory_order_relaxed);
}

static int open_desk(const crew *c, udy__sweep_desk *desk, udy_error *err) {
    desk->stop = &c->stop;
    desk->progress = (udy_progress){.on_advance = should_stop, .ctx = desk};
    int status = udy_pool_create(&desk->pool, 1, err);
    return status ? status : udy_batch_create(&desk->batch, c->x->task, 1, 1, err);
}

//------------------------------------------ The caller's thread -----------------------------------

// Tell how far the crew is, by the updates that were planned: seconds would differ from job to job.
static void tell(crew *c, int64_t done, int64_t total, int n_done) {
    char note[64];
    snprintf(note, sizeof note, "%d/%d cells", n_done * UDY_SWEEP_TRAININGS,
             c->x->n_jobs * UDY_SWEEP_TRAININGS);
    if (udy_progress_advance(c->x->progress, "sweep", done, total, "updates planned", note))
        atomic_store(&c->stop, true);
}

// What ended since the last time: a line each, in the log too.
static int tell_finished(crew *c, int until, udy_error *err) {
    for (; c->n_told < until; c->n_told++) {
        udy_progress_message(c->x->progress, "%s", c->notes[c->n_told]);
        udy_json *fields = udy_json_object();
        udy_json_put_string(fields, "cell", c->notes[c->n_told]);
        int status = udy_run_log(c->run, "cell", fields, err);
        if (!status) status = udy__elapsed_keep(&c->x->elapsed, c->x->path, err);
        if (status) return status;
    }
    return UDY_OK;
}

static int64_t updates_under_way(const crew *c) {
    int64_t sum = 0;
    for (int i = 0; i < c->n_workers; i++) {
        if (c->workers[i].job < 0) continue;
        int64_t n = atomic_load(&c->workers[i].desk.n_updates);
        int64_t planned = c->x->jobs[c->workers[i].job].planned;
        sum += n < planned ? n : planned - 1;  // evaluations are still to come
    }
    return sum;
}

// Until every thread has ended.
static int watch(crew *c, int64_t total, int64_t before, int n_before, udy_error *err) {
    int status = UDY_OK, alive = 1;
    while (alive > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 500000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&c->mutex);
        if (c->n_alive > 0) pthread_cond_timedwait(&c->wake, &c->mutex, &until);
        alive = c->n_alive;
        int n_done = c->n_done;
        int64_t done = before + c->planned_done + updates_under_way(c);
        pthread_mutex_unlock(&c->mutex);
        if (!status) status = tell_finished(c, n_done, err);
        if (status) atomic_store(&c->stop, true);
        tell(c, done, total, n_before + n_done);
    }
    return status;
}

static int start_worker(crew *c, worker *w, udy_error *err) {
    *w = (worker){.crew = c, .job = -1};
    int status = open_desk(c, &w->desk, err);
    if (status) return status;
    pthread_mutex_lock(&c->mutex);
    c->n_alive++;
    pthread_mutex_unlock(&c->mutex);
    int failed = pthread_create(&w->thread, NULL, worker_main, w);
    if (!failed) return UDY_OK;
    pthread_mutex_lock(&c->mutex);
    c->n_alive--;
    pthread_mutex_unlock(&c->mutex);
    return udy_error_set_errno(err, failed, "cannot start a thread of the sweep");
}

static int run_crew(crew *c, int64_t total, int64_t before, int n_before, udy_error *err) {
    // Signals go to the threads that the program made, not to ours.
    sigset_t all, was;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int n = c->x->n_threads < c->n_wanted ? c->x->n_threads : c->n_wanted, status = UDY_OK;
    int n_started = 0;
    for (int i = 0; !status && i < n; i++) {
        status = start_worker(c, &c->workers[i], err);
        if (!status) n_started++;
        c->n_workers = i + 1;
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (status) atomic_store(&c->stop, true);
    int told = watch(c, total, before, n_before, status ? NULL : err);
    for (int i = 0; i < n_started; i++) pthread_join(c->workers[i].thread, NULL);
    for (int i = 0; i < c->n_workers; i++) {
        udy_batch_destroy(c->workers[i].desk.batch);
        udy_pool_destroy(c->workers[i].desk.pool);
    }
    if (status || told) return status ? status : told;
    if (c->status) {
        if (err) *err = c->error;
        return c->status;
    }
    if (c->n_done < c->n_wanted)
        return udy_error_set(err, UDY_EINTERRUPTED, "the sweep was interrupted");
    return UDY_OK;
}

static int do_jobs(udy__sweep *x, udy_run *run, const int *order, int n_wanted, int64_t total,
                   int64_t before, udy_error *err) {
    crew c = {.x = x, .run = run, .order = order, .n_wanted = n_wanted};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&c.mutex, NULL);
    pthread_cond_init(&c.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_init(&c.next, 0);
    atomic_init(&c.stop, false);
    c.workers = udy_alloc((size_t)x->n_threads * sizeof *c.workers);
    c.notes = udy_alloc((size_t)n_wanted * sizeof *c.notes);
    int status = c.workers && c.notes ? run_crew(&c, total, before, x->n_jobs - n_wanted, err)
                                      : out_of_memory(err);
    if (status == UDY_EINTERRUPTED) (void)udy__elapsed_keep(&x->elapsed, x->path, NULL);
    udy_free(c.workers);
    udy_free(c.notes);
    pthread_cond_destroy(&c.wake);
    pthread_mutex_destroy(&c.mutex);
    return status;
}

//------------------------------------------ The grid ----------------------------------------------

static int lay_out(udy__sweep *x, udy_error *err) {
    const udy_sweep_config *c = x->config;
    size_t n = (size_t)x->n_experts * UDY_SWEEP_METHODS * (size_t)c->demos.n * (size_t)c->seeds;
    x->jobs = udy_alloc(n * sizeof *x->jobs);
    if (!x->jobs) return out_of_memory(err);
    for (int e = 0; e < x->n_experts; e++)
        for (int m = 0; m < UDY_SWEEP_METHODS; m++)
            for (int d = 0; d < c->demos.n; d++)
                for (int s = 0; s < c->seeds; s++)
                    x->jobs[x->n_jobs++] = (udy__sweep_job){
                        .expert = e,
                        .seed = s,
                        .demos = c->demos.v[d],
                        .method = m,
                        .planned = udy__sweep_planned(c, x->experts[e].demos[s], c->demos.v[d], m)};
    return UDY_OK;
}

// The job's record, taken into its cells; *found false where there is none, or none that is whole.
static int take_record(const udy__sweep *x, const udy__sweep_job *job, udy__sweep_cell *cells,
                       bool *found, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_json *record;
    udy_error why = {0};
    *found = false;
    int status = record_path(x, job, path, err);
    if (status || !udy_file_exists(path)) return status;
    status = udy_json_load(&record, path, (size_t)64 << 20, &why);
    if (!status) {
        status = udy__sweep_cells_read(x, job, record, cells, &why);
        udy_json_free(record);
        if (status)
            for (int t = 0; t < UDY_SWEEP_TRAININGS; t++) udy__sweep_cell_free(&cells[t]);
    }
    *found = !status;
    if (!status) return UDY_OK;
    if (status != UDY_EFORMAT) return udy_error_set(err, status, "%s", why.message);
    udy_progress_message(x->progress, "%s: damaged, its cells are made again", path);
    return UDY_OK;
}

// Dear jobs first; of equals, the one that stands first.
static void sort_by_cost(int *order, int n, const udy__sweep_job *jobs) {
    for (int i = 1; i < n; i++) {
        int job = order[i], k = i;
        for (; k > 0 && jobs[order[k - 1]].planned < jobs[job].planned; k--)
            order[k] = order[k - 1];
        order[k] = job;
    }
}

int udy__sweep_grid(udy__sweep *x, udy_run *run, udy__sweep_cell **cells, udy_error *err) {
    int status = lay_out(x, err);
    if (status) return status;
    size_t n = (size_t)x->n_jobs;
    *cells = udy_alloc(n * UDY_SWEEP_TRAININGS * sizeof **cells);
    int *order = udy_alloc(n * sizeof *order), n_wanted = 0;
    int64_t total = 0, before = 0;
    if (!*cells || !order) status = out_of_memory(err);
    for (int i = 0; !status && i < x->n_jobs; i++) {
        bool found;
        status = take_record(x, &x->jobs[i], *cells + i * UDY_SWEEP_TRAININGS, &found, err);
        total += x->jobs[i].planned;
        if (found)
            before += x->jobs[i].planned;
        else
            order[n_wanted++] = i;
    }
    if (!status) sort_by_cost(order, n_wanted, x->jobs);
    if (!status && n_wanted) status = do_jobs(x, run, order, n_wanted, total, before, err);
    // From the records, as a resumed sweep would have them.
    for (int k = 0; !status && k < n_wanted; k++) {
        int i = order[k];
        bool found;
        status = take_record(x, &x->jobs[i], *cells + i * UDY_SWEEP_TRAININGS, &found, err);
        if (!status && !found)
            status = udy_error_set(err, UDY_EIO, "%s: the record of a cell is gone", x->path);
    }
    udy_free(order);
    return status;
}
