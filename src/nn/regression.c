// Supervised regression: minibatch MSE with Adam, fused into two parallel regions a step.
//
//   1  a shard of rows: copy them in, forward, loss, backward to the first layer
//      then, on one thread: the loss, summed in the shards' order, must be finite
//   2  a tile of weights: its gradient over all rows, Adam, the transposed copy
#include <math.h>
#include <string.h>

#include "nn/nn_internal.h"

struct udy_regression {
    udy_mlp *mlp;
    udy_adam *adam;
    udy_pool *pool;
    udy_mlp_workspace *ws;
    float *x, *y, *dY;  // [capacity, in], [capacity, out] twice
    double *losses;     // [shards] sums of squares
    float *scratch;     // [threads, scratch_size]: of backward; of a tile: its dW, then its db
    size_t scratch_size;
    udy__tile *tiles;  // the workspace's, in the order of work
    // The step under way.
    const udy_row_source *rows;
    const uint32_t *index;
    int B;
    float scale;  // of dL/dY; 0: no backward
    udy__adam_coefficients coefficients;
};

//------------------------------------------ Create ------------------------------------------------

static double tile_cost(const udy__tile *tile) {
    return (double)tile->n_rows * (double)tile->n_cols;
}

// Order the tiles so that the pool's contiguous shares cost about the same, dear ones first: each
// tile in turn, by falling cost, goes to the share with room that has least so far. The order
// decides who computes what when, never what comes out.
static int balance_tiles(udy_regression *r) {
    int n = r->ws->n_tiles, n_shares = udy_pool_threads(r->pool);
    udy__tile *sorted = udy_alloc(sizeof *sorted * (size_t)n);
    double *load = udy_alloc(sizeof *load * (size_t)n_shares);
    int *fill = udy_alloc(sizeof *fill * (size_t)n_shares);
    if (!sorted || !load || !fill) {
        udy_free(sorted), udy_free(load), udy_free(fill);
        return UDY_ENOMEM;
    }
    for (int i = 0; i < n; i++) {  // insertion sort, stable
        int k = i;
        for (; k > 0 && tile_cost(&sorted[k - 1]) < tile_cost(&r->ws->tiles[i]); k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = r->ws->tiles[i];
    }
    for (int i = 0; i < n; i++) {
        int best = -1, start = 0;
        for (int s = 0; s < n_shares; s++) {
            int first = (int)((int64_t)n * s / n_shares);
            int end = (int)((int64_t)n * (s + 1) / n_shares);
            if (first + fill[s] < end && (best < 0 || load[s] < load[best]))
                best = s, start = first;
        }
        r->tiles[start + fill[best]++] = sorted[i];
        load[best] += tile_cost(&sorted[i]);
    }
    udy_free(sorted), udy_free(load), udy_free(fill);
    return UDY_OK;
}

static int allocate(udy_regression *r, int max_batch) {
    const udy_mlp_config *c = &r->mlp->config;
    if (udy_mlp_workspace_create(&r->ws, r->mlp, max_batch, NULL)) return UDY_ENOMEM;
    size_t n = (size_t)r->ws->capacity, in = (size_t)c->dims[0], out = (size_t)c->dims[c->n_layers];
    r->scratch_size = udy__backward_scratch(r->mlp);
    for (int i = 0; i < r->ws->n_tiles; i++) {
        const udy__tile *t = &r->ws->tiles[i];
        size_t size = (size_t)t->n_rows * (size_t)t->n_cols + (size_t)t->n_rows;
        r->scratch_size = udy__size_max(r->scratch_size, (size + 15) & ~(size_t)15);
    }
    r->x = udy_alloc(n * in * sizeof(float));
    r->y = udy_alloc(n * out * sizeof(float));
    r->dY = udy_alloc(n * out * sizeof(float));
    r->losses = udy_alloc((size_t)udy__shard_count(r->ws->capacity) * sizeof(double));
    r->scratch = udy_alloc(r->scratch_size * (size_t)udy_pool_threads(r->pool) * sizeof(float));
    r->tiles = udy_alloc((size_t)r->ws->n_tiles * sizeof *r->tiles);
    if (!r->x || !r->y || !r->dY || !r->losses || !r->scratch || !r->tiles) return UDY_ENOMEM;
    return balance_tiles(r);
}

int udy_regression_create(udy_regression **out, udy_mlp *mlp, udy_adam *adam, int max_batch,
                          udy_pool *pool, udy_error *err) {
    *out = NULL;
    if (adam->n_params != mlp->n_params)
        return udy_error_set(err, UDY_EMISMATCH,
                             "Adam for %zu parameters, given a network of %zu: create it with the "
                             "network's count",
                             adam->n_params, mlp->n_params);
    if (max_batch < 1 || max_batch > 1 << 24)
        return udy_error_set(err, UDY_EINVAL, "a batch of %d rows: expected 1 to %d", max_batch,
                             1 << 24);
    udy_regression *r = udy_alloc(sizeof *r);
    if (!r) return udy_error_set(err, UDY_ENOMEM, "no memory for regression");
    r->mlp = mlp;
    r->adam = adam;
    r->pool = pool;
    if (allocate(r, max_batch)) {
        udy_regression_destroy(r);
        return udy_error_set(err, UDY_ENOMEM, "no memory for regression on batches of %d rows",
                             max_batch);
    }
    *out = r;
    return UDY_OK;
}

void udy_regression_destroy(udy_regression *r) {
    if (!r) return;
    udy_mlp_workspace_destroy(r->ws);
    udy_free(r->x);
    udy_free(r->y);
    udy_free(r->dY);
    udy_free(r->losses);
    udy_free(r->scratch);
    udy_free(r->tiles);
    udy_free(r);
}

//------------------------------------------ Tasks -------------------------------------------------

static void shard_task(void *ctx, int task, int thread) {
    udy_regression *r = ctx;
    float *scratch = r->scratch + (size_t)thread * r->scratch_size;
    const udy__kernels *kernels = udy__kernels_best();
    const udy_mlp_config *c = &r->mlp->config;
    int row = task * UDY__SHARD_ROWS, n = udy__shard_size(r->B, task);
    size_t in = (size_t)c->dims[0], out = (size_t)c->dims[c->n_layers], at = (size_t)row;
    float *x = r->x + at * in, *y = r->y + at * out, *dY = r->dY + at * out;
    unsigned saved = udy__flush_begin();
    r->rows->fill(r->rows->ctx, r->index + row, n, x, y);
    udy__shard_forward(r->mlp, r->ws, x, row, n);
    const float *h = r->ws->h[c->n_layers - 1] + at * out;
    // An infinity in x can hide behind a unit that is off and still spoil the gradient.
    r->losses[task] = kernels->mse(h, y, dY, (size_t)n * out, r->scale) +
                      (double)kernels->poison(x, (size_t)n * in);
    if (r->scale != 0) udy__shard_backward(r->mlp, r->ws, row, n, dY, NULL, scratch);
    udy__flush_end(saved);
}

static void tile_task(void *ctx, int task, int thread) {
    udy_regression *r = ctx;
    const udy__kernels *kernels = udy__kernels_best();
    const udy__tile *tile = &r->tiles[task];
    udy__layer layer = udy__mlp_layer(r->mlp, tile->layer);
    float *dW = r->scratch + (size_t)thread * r->scratch_size;
    float *db = dW + (size_t)tile->n_rows * (size_t)tile->n_cols;
    unsigned saved = udy__flush_begin();
    udy__tile_gradient(r->mlp, r->ws, tile, r->x, r->dY, r->B, dW, tile->n_cols, db);
    float *Wt = r->mlp->transposed + r->mlp->transposed_at[tile->layer];
    for (int i = 0; i < tile->n_rows; i += 16) {  // update and copy while in the L1 cache
        int n = tile->n_rows - i < 16 ? tile->n_rows - i : 16, row = tile->row + i;
        size_t at = r->mlp->weight_at[tile->layer] + (size_t)row * (size_t)layer.in + tile->col;
        float *W = r->mlp->params + at;
        kernels->adam(W, r->adam->m + at, r->adam->v + at, layer.in,
                      dW + (size_t)i * (size_t)tile->n_cols, tile->n_cols, n, tile->n_cols,
                      &r->coefficients);
        kernels->transpose(W, layer.in, n, tile->n_cols,
                           Wt + (size_t)tile->col * (size_t)layer.ldt + row, layer.ldt);
    }
    if (tile->col == 0) {
        size_t at = r->mlp->bias_at[tile->layer] + (size_t)tile->row;
        kernels->adam(r->mlp->params + at, r->adam->m + at, r->adam->v + at, 0, db, 0, 1,
                      tile->n_rows, &r->coefficients);
    }
    udy__flush_end(saved);
}

//------------------------------------------ Steps -------------------------------------------------

// Sum of squares over rows index[0..B), with gradients of the rows where scale is not 0.
static double run_shards(udy_regression *r, const udy_row_source *rows, const uint32_t *index,
                         int B, float scale) {
    r->rows = rows;
    r->index = index;
    r->B = B;
    r->scale = scale;
    udy_pool_run(r->pool, udy__shard_count(B), shard_task, r);
    double sum = 0;
    for (int s = 0; s < udy__shard_count(B); s++) sum += r->losses[s];
    return sum;
}

static int check_loss(double loss) {
    return isfinite((float)loss) ? UDY_OK : UDY_ENONFINITE;  // float: as the gradients are
}

int udy_regression_step(udy_regression *r, const udy_row_source *rows, const uint32_t *index, int B,
                        double *loss) {
    if (B < 1 || B > r->ws->max_batch) return UDY_EINVAL;
    double n = (double)B * r->mlp->config.dims[r->mlp->config.n_layers];
    double mean = run_shards(r, rows, index, B, (float)(2.0 / n)) / n;
    if (loss) *loss = mean;
    int status = check_loss(mean);
    if (status) return status;
    r->coefficients = udy__adam_begin(r->adam);
    udy_pool_run(r->pool, r->ws->n_tiles, tile_task, r);
    return UDY_OK;
}

int udy_regression_evaluate(udy_regression *r, const udy_row_source *rows, const uint32_t *index,
                            size_t n, double *loss) {
    if (n == 0) return UDY_EINVAL;
    size_t capacity = (size_t)r->ws->capacity;
    double sum = 0;
    for (size_t at = 0; at < n; at += capacity) {
        int B = (int)(n - at < capacity ? n - at : capacity);
        sum += run_shards(r, rows, index + at, B, 0.0f);
    }
    double mean = sum / ((double)n * r->mlp->config.dims[r->mlp->config.n_layers]);
    if (loss) *loss = mean;
    return check_loss(mean);
}
