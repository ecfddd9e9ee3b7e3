// A team of threads for short, frequent parallel regions: a training step is some 500 us long, so
// workers wait by spinning for a while before they sleep, and a region costs about a microsecond.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "understudy/base.h"

// The tasks a thread starts with; `next` is also taken from by threads that are through.
typedef struct share {
    _Alignas(64) atomic_int next;
    int end;
} share;

typedef struct worker {
    pthread_t thread;
    udy_pool *pool;
    int index;
} worker;

struct udy_pool {
    int n_threads;
    int spin_limit;   // turns before a waiting thread offers its core to others
    int yield_limit;  // offers before a worker sleeps
    share *shares;    // [n_threads]
    worker *workers;  // [n_threads - 1]: thread 0 is the caller
    udy_task_fn fn;
    void *ctx;
    _Alignas(64) atomic_uint generation;  // counts regions
    _Alignas(64) atomic_int busy;         // workers that have not finished the region
    _Alignas(64) atomic_int sleepers;
    atomic_bool quit;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

int udy_cpu_count(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

static void work(udy_pool *pool, int thread) {
    for (int k = 0; k < pool->n_threads; k++) {
        share *s = &pool->shares[(thread + k) % pool->n_threads];
        while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
            int task = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (task >= s->end) break;
            pool->fn(pool->ctx, task, thread);
        }
    }
}

// Wait until the generation differs from `seen`: spin, then sleep.
static unsigned wait_for_work(udy_pool *pool, unsigned seen) {
    for (int i = 0; i < pool->spin_limit + pool->yield_limit; i++) {
        unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen) return now;
        if (i < pool->spin_limit)
            relax();
        else
            sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    unsigned now;
    while ((now = atomic_load(&pool->generation)) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void *worker_main(void *arg) {
    worker *self = arg;
    udy_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_work(pool, seen);
        if (atomic_load_explicit(&pool->quit, memory_order_acquire)) return NULL;
        work(pool, self->index);
        atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_release);
    }
}

static void open_region(udy_pool *pool) {
    // Sequentially consistent, so that either a worker going to sleep sees the new generation or
    // we see it among the sleepers.
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

void udy_pool_run(udy_pool *pool, int n_tasks, udy_task_fn fn, void *ctx) {
    if (n_tasks <= 0) return;
    if (pool->n_threads == 1 || n_tasks == 1) {
        for (int task = 0; task < n_tasks; task++) fn(ctx, task, 0);
        return;
    }
    pool->fn = fn;
    pool->ctx = ctx;
    for (int t = 0; t < pool->n_threads; t++) {
        atomic_store_explicit(&pool->shares[t].next, (int)((int64_t)n_tasks * t / pool->n_threads),
                              memory_order_relaxed);
        pool->shares[t].end = (int)((int64_t)n_tasks * (t + 1) / pool->n_threads);
    }
    atomic_store_explicit(&pool->busy, pool->n_threads - 1, memory_order_relaxed);
    open_region(pool);
    work(pool, 0);
    for (int i = 0; atomic_load_explicit(&pool->busy, memory_order_acquire) > 0; i++) {
        if (i < pool->spin_limit)
            relax();
        else
            sched_yield();
    }
}

int udy_pool_create(udy_pool **out, int n_threads, udy_error *err) {
    *out = NULL;
    if (n_threads < 0 || n_threads > 4096)
        return udy_error_set(err, UDY_EINVAL, "%d threads: must be between 0 (all cores) and 4096",
                             n_threads);
    int cores = udy_cpu_count();
    if (n_threads == 0) n_threads = cores;
    udy_pool *pool = udy_alloc(sizeof *pool);
    share *shares = udy_alloc(sizeof *shares * (size_t)n_threads);
    worker *workers = udy_alloc(sizeof *workers * (size_t)n_threads);
    if (!pool || !shares || !workers) {
        udy_free(pool);
        udy_free(shares);
        udy_free(workers);
        return udy_error_set(err, UDY_ENOMEM, "no memory for a team of %d threads", n_threads);
    }
    pool->shares = shares;
    pool->workers = workers;
    pool->n_threads = 1;
    // Some 30 us of spinning, then some 0.2 ms of offering the core to whoever else wants it: where
    // the machine is busy, spinning on would starve the very thread that is waited for.
    pool->spin_limit = n_threads > cores ? 0 : 2000;
    pool->yield_limit = 500;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    // Signals go to the threads that the program made, not to ours.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (int t = 1; t < n_threads && !failed; t++) {
        workers[t - 1] = (worker){.pool = pool, .index = t};
        failed = pthread_create(&workers[t - 1].thread, NULL, worker_main, &workers[t - 1]);
        if (!failed) pool->n_threads = t + 1;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        udy_pool_destroy(pool);
        return udy_error_set_errno(err, failed, "cannot start %d threads", n_threads);
    }
    *out = pool;
    return UDY_OK;
}

void udy_pool_destroy(udy_pool *pool) {
    if (!pool) return;
    atomic_store_explicit(&pool->quit, true, memory_order_release);
    open_region(pool);
    for (int t = 1; t < pool->n_threads; t++) pthread_join(pool->workers[t - 1].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    udy_free(pool->shares);
    udy_free(pool->workers);
    udy_free(pool);
}

int udy_pool_threads(const udy_pool *pool) {
    return pool->n_threads;
}
