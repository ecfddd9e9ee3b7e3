// Which vector instructions are used, and what they can do at best.
#include <stdatomic.h>

#include "nn/kernels.h"

static bool cpu_runs(int i) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
    return i == 0 ? v4 : i == 1 ? v3 : true;
#else
    return i == 2;
#endif
}

const udy__kernels *udy__kernels_at(int i) {
    const udy__kernels *all[3] = {udy__kernels_v4(), udy__kernels_v3(), udy__kernels_base()};
    for (int k = 0; k < 3; k++) {
        if (all[k] && cpu_runs(k) && i-- == 0) return all[k];
    }
    return NULL;
}

const udy__kernels *udy__kernels_best(void) {
    // Threads that come here first at once find the same answer, and write it twice.
    static _Atomic(const udy__kernels *) best;
    const udy__kernels *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (!k) {
        k = udy__kernels_at(0);
        atomic_store_explicit(&best, k, memory_order_relaxed);
    }
    return k;
}

const char *udy_nn_isa(void) {
    return udy__kernels_best()->isa;
}

typedef struct peak_run {
    const udy__kernels *kernels;
    long rounds;
} peak_run;

static void peak_task(void *ctx, int task, int thread) {
    (void)task, (void)thread;
    const peak_run *run = ctx;
    volatile float keep = run->kernels->multiply_add(run->rounds);
    (void)keep;
}

// Best of many short runs on all threads at once, for each set: a CPU may reach its peak with the
// narrower vectors as well, or better, where wide ones lower its clock.
double udy_nn_peak_flops(udy_pool *pool, double seconds_s) {
    double best = 0, repeat_s = 2e-3, end = udy_clock_s() + seconds_s;
    int n_threads = udy_pool_threads(pool), n_sets = 0;
    peak_run runs[3];
    while (n_sets < 3 && (runs[n_sets].kernels = udy__kernels_at(n_sets)) != NULL) {
        runs[n_sets].rounds = 1000;
        n_sets++;
    }
    for (int repeat = 0; best == 0 || udy_clock_s() < end; repeat++) {
        peak_run *run = &runs[repeat % n_sets];
        double start = udy_clock_s();
        udy_pool_run(pool, n_threads, peak_task, run);
        double taken = udy_clock_s() - start;
        double flop = (double)run->rounds * run->kernels->multiply_add_flop * n_threads;
        if (taken >= repeat_s / 4 && flop / taken > best) best = flop / taken;
        if (taken < repeat_s / 2) run->rounds *= 2;
    }
    return best;
}
