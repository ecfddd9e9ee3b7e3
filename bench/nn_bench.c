// How fast a fused training step is, alone: GFLOP/s of necessary work and its share of this CPU's
// peak, for batches of 64, 256 and 1024 on one thread and on all. Prints one line a setting.
//
//   nn_bench [INPUT HIDDEN OUTPUT]      27 256 8 unless told; two hidden layers
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "understudy/nn.h"

#define ROWS 50000
#define REPEATS 400

typedef struct table {
    float *x, *y;
    int in, out;
} table;

static void fill(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const table *t = ctx;
    for (int i = 0; i < n; i++) {
        memcpy(x + i * t->in, t->x + (size_t)index[i] * (size_t)t->in, (size_t)t->in * sizeof *x);
        memcpy(y + i * t->out, t->y + (size_t)index[i] * (size_t)t->out,
               (size_t)t->out * sizeof *y);
    }
}

static void fail(const udy_error *err) {
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void measure(udy_pool *pool, double peak, const udy_mlp_config *config, table *t,
                    const uint32_t *order, int batch) {
    udy_error err;
    udy_mlp *mlp;
    udy_adam *adam;
    udy_regression *r;
    udy_adam_config ac = udy_adam_config_default();
    udy_rng rng;
    udy_rng_init(&rng, 1);
    if (udy_mlp_create(&mlp, config, &err)) fail(&err);
    udy_mlp_init(mlp, &rng);
    size_t n_params;
    udy_mlp_params(mlp, &n_params);
    if (udy_adam_create(&adam, n_params, &ac, &err)) fail(&err);
    if (udy_regression_create(&r, mlp, adam, batch, pool, &err)) fail(&err);
    udy_row_source rows = {fill, t};
    int steps = 2048 / batch, at = 0;
    double best = 1e9, loss = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = udy_clock_s();
        for (int s = 0; s < steps; s++, at = at + 2 * batch <= ROWS ? at + batch : 0) {
            if (udy_regression_step(r, &rows, order + at, batch, &loss)) exit(1);
        }
        double taken = (udy_clock_s() - start) / steps;
        if (taken < best) best = taken;
    }
    double flops = udy_mlp_train_flop(config) * batch / best;
    printf(
        "batch %5d  threads %2d  %8.1f us a step  %7.1f GFLOP/s  %5.1f %% of peak  "
        "%.3f s for 50,000 rows  (loss %.4f)\n",
        batch, udy_pool_threads(pool), best * 1e6, flops * 1e-9, 100 * flops / peak,
        best * 50000 / batch, loss);
    udy_regression_destroy(r);
    udy_adam_destroy(adam);
    udy_mlp_destroy(mlp);
}

int main(int argc, char **argv) {
    int in = 27, hidden = 256, out = 8;
    if (argc == 4) in = atoi(argv[1]), hidden = atoi(argv[2]), out = atoi(argv[3]);
    udy_mlp_config config = {.n_layers = 3, .dims = {in, hidden, hidden, out}, .hidden = UDY_RELU};
    table t = {.in = in, .out = out};
    t.x = udy_alloc((size_t)ROWS * (size_t)in * sizeof(float));
    t.y = udy_alloc((size_t)ROWS * (size_t)out * sizeof(float));
    uint32_t *order = udy_alloc(ROWS * sizeof *order);
    if (!t.x || !t.y || !order) return 1;
    udy_rng rng;
    udy_rng_init(&rng, 0);
    for (size_t i = 0; i < (size_t)ROWS * (size_t)in; i++) t.x[i] = (float)udy_rng_normal(&rng);
    for (size_t i = 0; i < (size_t)ROWS * (size_t)out; i++) t.y[i] = (float)udy_rng_normal(&rng);
    udy_rng_permutation(&rng, order, ROWS);
    for (int threads = 1; threads <= udy_cpu_count(); threads *= 2) {
        udy_error err;
        udy_pool *pool;
        if (udy_pool_create(&pool, threads, &err)) fail(&err);
        double peak = udy_nn_peak_flops(pool, 0.3);
        printf("%s, oneDNN %s, %d threads: peak %.1f GFLOP/s\n", udy_nn_isa(), udy_nn_version(),
               threads, peak * 1e-9);
        const int batches[] = {64, 256, 1024};
        for (int i = 0; i < 3; i++) measure(pool, peak, &config, &t, order, batches[i]);
        udy_pool_destroy(pool);
    }
    udy_free(t.x), udy_free(t.y), udy_free(order);
    return 0;
}
