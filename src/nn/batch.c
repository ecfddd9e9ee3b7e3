// Forward and backward of batches, from shards and tiles (see nn_internal.h).
//
//   forward   Z = X Wt, H = activation(Z + b)                 a shard of rows at a time
//   backward  dZ = dH activation'(Z), dX^T = Wt dZ^T          the same shards
//             dW = dZ^T X, db = column sums of dZ             a tile of weights, all rows at once
#include <string.h>

#include "nn/nn_internal.h"

int udy__shard_count(int B) {
    return (B + UDY__SHARD_ROWS - 1) / UDY__SHARD_ROWS;
}

int udy__shard_size(int B, int shard) {
    int left = B - shard * UDY__SHARD_ROWS;
    return left < UDY__SHARD_ROWS ? left : UDY__SHARD_ROWS;
}

//------------------------------------------ Workspace ---------------------------------------------

// Tiles of one layer into tiles (or only counted, where tiles is NULL).
static int cut_layer(int layer, int in, int out, udy__tile *tiles) {
    const int rows = UDY__TILE_ROWS;
    // A layer of few units makes one short, wide tile: halved, two threads share it.
    const int cols = out <= UDY__NARROW_MAX ? UDY__TILE_COLS / 4 : UDY__TILE_COLS;
    int n = 0;
    for (int r = 0; r < out; r += rows) {
        for (int c = 0; c < in; c += cols, n++) {
            if (tiles)
                tiles[n] = (udy__tile){.layer = layer,
                                       .row = r,
                                       .n_rows = out - r < rows ? out - r : rows,
                                       .col = c,
                                       .n_cols = in - c < cols ? in - c : cols};
        }
    }
    return n;
}

static int cut_tiles(const udy_mlp_config *c, udy__tile *tiles) {
    int n = 0;
    for (int l = 0; l < c->n_layers; l++)
        n += cut_layer(l, c->dims[l], c->dims[l + 1], tiles ? tiles + n : NULL);
    return n;
}

static udy_activation activation_of(const udy_mlp_config *c, int l) {
    return l + 1 < c->n_layers ? c->hidden : c->output;
}

// Lay the buffers out in one block; with base NULL, only count the floats.
static size_t lay_out(udy_mlp_workspace *ws, float *base) {
    size_t at = 0;
    for (int l = 0; l < ws->config.n_layers; l++) {
        size_t n = (size_t)ws->capacity * (size_t)ws->config.dims[l + 1];
        n = (n + 15) & ~(size_t)15;
        ws->h[l] = base ? base + at : NULL;
        at += n;
        if (udy__activation_reads_z(activation_of(&ws->config, l))) {
            ws->z[l] = base ? base + at : NULL;
            at += n;
        }
        if (l + 1 < ws->config.n_layers) {
            ws->dz[l] = base ? base + at : NULL;
            at += n;
        }
    }
    return at;
}

int udy_mlp_workspace_create(udy_mlp_workspace **out, const udy_mlp *mlp, int max_batch,
                             udy_error *err) {
    *out = NULL;
    if (max_batch < 1 || max_batch > 1 << 24)
        return udy_error_set(err, UDY_EINVAL, "a batch of %d rows: expected 1 to %d", max_batch,
                             1 << 24);
    udy_mlp_workspace *ws = udy_alloc(sizeof *ws);
    if (!ws) return udy_error_set(err, UDY_ENOMEM, "no memory for a workspace");
    ws->config = mlp->config;
    ws->max_batch = max_batch;
    ws->capacity = udy__shard_count(max_batch) * UDY__SHARD_ROWS;
    ws->n_tiles = cut_tiles(&ws->config, NULL);
    ws->tiles = udy_alloc(sizeof *ws->tiles * (size_t)ws->n_tiles);
    size_t n = lay_out(ws, NULL);
    ws->block = udy_alloc(n * sizeof(float));
    ws->scratch =
        udy_alloc((size_t)udy__shard_count(max_batch) * udy__backward_scratch(mlp) * sizeof(float));
    if (!ws->tiles || !ws->block || !ws->scratch) {
        udy_mlp_workspace_destroy(ws);
        return udy_error_set(err, UDY_ENOMEM,
                             "no memory for batches of %d rows (%zu bytes of activations)",
                             max_batch, n * sizeof(float));
    }
    cut_tiles(&ws->config, ws->tiles);
    lay_out(ws, ws->block);
    *out = ws;
    return UDY_OK;
}

void udy_mlp_workspace_destroy(udy_mlp_workspace *ws) {
    if (!ws) return;
    udy_free(ws->tiles);
    udy_free(ws->block);
    udy_free(ws->scratch);
    udy_free(ws);
}

//------------------------------------------ Shards ------------------------------------------------

static float *row_of(float *block, int row, int width) {
    return block ? block + (size_t)row * (size_t)width : NULL;
}

void udy__shard_forward(const udy_mlp *mlp, udy_mlp_workspace *ws, const float *X, int row, int n) {
    const udy__kernels *kernels = udy__kernels_best();
    const float *in = X;
    for (int l = 0; l < mlp->config.n_layers; l++) {
        udy__layer layer = udy__mlp_layer(mlp, l);
        float *h = row_of(ws->h[l], row, layer.out), *z = row_of(ws->z[l], row, layer.out);
        if (layer.out <= UDY__NARROW_MAX)
            kernels->product_narrow(in, layer.Wt, h, n, layer.out, layer.in, layer.ldt);
        else
            udy__product_nn(n, layer.out, layer.in, in, layer.in, layer.Wt, layer.ldt, h,
                            layer.out);
        kernels->activate[layer.activation](h, z, layer.b, n, layer.out);
        in = h;
    }
}

size_t udy__backward_scratch(const udy_mlp *mlp) {
    size_t widest = 0;
    for (int l = 0; l <= mlp->config.n_layers; l++)
        widest = udy__size_max(widest, (size_t)mlp->config.dims[l]);
    return 2 * widest * UDY__SHARD_ROWS;
}

// dX = d W for d [n, out]. Through Wt and two small transposes, although W lies ready: then nobody
// but the thread that updates a row of W ever reads it in training. Cache lines that others have
// read must be taken back before they are written, one by one, which costs Adam more than this.
static void product_through_transposed(const udy__layer *layer, int n, const float *d, float *dX,
                                       float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    const int ld = UDY__SHARD_ROWS;
    float *dt = scratch, *dXt = scratch + (size_t)layer->out * UDY__SHARD_ROWS;
    kernels->transpose(d, layer->out, n, layer->out, dt, ld);
    udy__product_nn(layer->in, n, layer->out, layer->Wt, layer->ldt, dt, ld, dXt, ld);
    kernels->transpose(dXt, ld, layer->in, n, dX, layer->in);
}

void udy__shard_backward(const udy_mlp *mlp, udy_mlp_workspace *ws, int row, int n, float *dY,
                         float *dX, float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    float *d = dY;
    for (int l = mlp->config.n_layers - 1; l >= 0; l--) {
        udy__layer layer = udy__mlp_layer(mlp, l);
        kernels->derive[layer.activation](d, row_of(ws->z[l], row, layer.out),
                                          row_of(ws->h[l], row, layer.out),
                                          (size_t)n * (size_t)layer.out);
        float *below = l > 0 ? row_of(ws->dz[l - 1], row, layer.in) : dX;
        if (below) product_through_transposed(&layer, n, d, below, scratch);
        d = below;
    }
}

//------------------------------------------ Tiles -------------------------------------------------

void udy__tile_gradient(const udy_mlp *mlp, const udy_mlp_workspace *ws, const udy__tile *tile,
                        const float *X, const float *dY, int B, float *dW, int ld, float *db) {
    int l = tile->layer, in = mlp->config.dims[l], out = mlp->config.dims[l + 1];
    const float *d = (l + 1 < mlp->config.n_layers ? ws->dz[l] : dY) + tile->row;
    const float *x = (l > 0 ? ws->h[l - 1] : X) + tile->col;
    udy__product_tn(tile->n_rows, tile->n_cols, B, d, out, x, in, dW, ld);
    if (tile->col == 0) udy__kernels_best()->column_sums(d, B, tile->n_rows, out, db);
}

//------------------------------------------ Public ------------------------------------------------

typedef struct batch_run {
    const udy_mlp *mlp;
    udy_mlp_workspace *ws;
    const float *X;
    int B;
    float *dY, *dX, *grads, *Y;
} batch_run;

static void forward_task(void *ctx, int task, int thread) {
    (void)thread;
    const batch_run *run = ctx;
    int row = task * UDY__SHARD_ROWS, n = udy__shard_size(run->B, task);
    size_t in = (size_t)run->mlp->config.dims[0];
    unsigned saved = udy__flush_begin();
    udy__shard_forward(run->mlp, run->ws, run->X + (size_t)row * in, row, n);
    udy__flush_end(saved);
    if (run->Y) {
        int last = run->mlp->config.n_layers - 1, width = run->mlp->config.dims[last + 1];
        memcpy(row_of(run->Y, row, width), row_of(run->ws->h[last], row, width),
               (size_t)n * (size_t)width * sizeof(float));
    }
}

static void backward_task(void *ctx, int task, int thread) {
    (void)thread;
    const batch_run *run = ctx;
    const udy_mlp_config *c = &run->mlp->config;
    int row = task * UDY__SHARD_ROWS;
    unsigned saved = udy__flush_begin();
    udy__shard_backward(run->mlp, run->ws, row, udy__shard_size(run->B, task),
                        row_of(run->dY, row, c->dims[c->n_layers]),
                        row_of(run->dX, row, c->dims[0]),
                        run->ws->scratch + (size_t)task * udy__backward_scratch(run->mlp));
    udy__flush_end(saved);
}

static void tile_task(void *ctx, int task, int thread) {
    (void)thread;
    const batch_run *run = ctx;
    const udy_mlp *mlp = run->mlp;
    const udy__tile *tile = &run->ws->tiles[task];
    int l = tile->layer, in = mlp->config.dims[l];
    float *dW = run->grads + mlp->weight_at[l] + (size_t)tile->row * (size_t)in + tile->col;
    unsigned saved = udy__flush_begin();
    udy__tile_gradient(mlp, run->ws, tile, run->X, run->dY, run->B, dW, in,
                       run->grads + mlp->bias_at[l] + tile->row);
    udy__flush_end(saved);
}

const float *udy_mlp_forward(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool,
                             const float *X, int B) {
    if (B < 1 || B > ws->max_batch) return NULL;
    batch_run run = {.mlp = mlp, .ws = ws, .X = X, .B = B};
    udy_pool_run(pool, udy__shard_count(B), forward_task, &run);
    return ws->h[mlp->config.n_layers - 1];
}

void udy_mlp_backward(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool, const float *X,
                      int B, float *dY, float *grads, float *dX) {
    if (B < 1 || B > ws->max_batch) return;
    batch_run run = {.mlp = mlp, .ws = ws, .X = X, .B = B, .dY = dY, .dX = dX, .grads = grads};
    udy_pool_run(pool, udy__shard_count(B), backward_task, &run);
    udy_pool_run(pool, ws->n_tiles, tile_task, &run);
}

// Blocks are shards of the workspace's capacity, so that their bounds depend on n alone.
void udy_mlp_predict(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool, const float *X,
                     size_t n, float *Y) {
    size_t in = (size_t)mlp->config.dims[0], out = (size_t)mlp->config.dims[mlp->config.n_layers];
    size_t capacity = (size_t)ws->capacity;
    for (size_t at = 0; at < n; at += capacity) {
        int B = (int)(n - at < capacity ? n - at : capacity);
        batch_run run = {.mlp = mlp, .ws = ws, .X = X + at * in, .B = B, .Y = Y + at * out};
        udy_pool_run(pool, udy__shard_count(B), forward_task, &run);
    }
}
