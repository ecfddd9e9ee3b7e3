// Updates of normalised networks, a tile of weights at a time: gradient over all rows of a pass,
// Adam, the norm of units, the transposed copy, the target's moving average, all while in the cache.
#include <string.h>

#include "nn/net.h"

// Tiles are cut like those of fused regression: 64 units each, all of their inputs.
static int tiles_of(int out) {
    return (out + UDY__TILE_ROWS - 1) / UDY__TILE_ROWS;
}

static udy__tile tile_at(const udy_net *net, int index) {
    for (int l = 0;; l++) {
        int out = net->config.mlp.dims[l + 1], n = tiles_of(out);
        if (index < n) {
            int row = index * UDY__TILE_ROWS, left = out - row;
            return (udy__tile){.layer = l,
                               .row = row,
                               .n_rows = left < UDY__TILE_ROWS ? left : UDY__TILE_ROWS,
                               .n_cols = net->config.mlp.dims[l]};
        }
        index -= n;
    }
}

int udy__net_tile_count(const udy_net *net) {
    int n = 0;
    for (int l = 0; l <= net->n_hidden; l++) n += tiles_of(net->config.mlp.dims[l + 1]);
    return n;
}

size_t udy__net_param_count(const udy_net *net) {
    return net->mlp->n_params + net->n_gamma;
}

size_t udy__net_tile_scratch(const udy_net *net) {
    size_t widest = 0;
    for (int l = 0; l <= net->n_hidden; l++)
        widest = udy__size_max(widest, (size_t)net->config.mlp.dims[l]);
    return (widest + 2) * UDY__TILE_ROWS;
}

// dW [n_rows, n_cols], db [n_rows] of a tile. A normalised layer's db is its beta's, which the
// backward pass has already summed.
static void gradient_of(const udy_net *net, const udy__pass *pass, const udy__tile *tile,
                        const float *dY, float *dW, float *db) {
    int l = tile->layer, out = net->config.mlp.dims[l + 1], in = tile->n_cols;
    bool hidden = l < net->n_hidden;
    const float *d = (hidden ? pass->d[l] : dY) + tile->row;
    const float *x = l ? pass->h[l - 1] : pass->x ? pass->x : pass->X;
    int rows = hidden && pass->mode == UDY__PASS_BATCH ? pass->B_back : pass->B_live;
    udy__bf16 *product = pass->tile[l][tile->n_rows < UDY__TILE_ROWS];
    if (product)
        udy__bf16_run(product, pass->db[l] + tile->row, pass->hb[l - 1], dW);
    else
        udy__product_tn(tile->n_rows, in, rows, d, out, x, in, dW, in);
    if (hidden && net->n_gamma)
        memcpy(db, pass->d_beta[l] + tile->row, (size_t)tile->n_rows * sizeof *db);
    else
        udy__kernels_best()->column_sums(d, rows, tile->n_rows, out, db);
}

static void step(udy_adam *adam, size_t at, float *p, const float *g, int n,
                 const udy__adam_coefficients *c) {
    udy__kernels_best()->adam(p, adam->m + at, adam->v + at, 0, g, 0, 1, n, c);
}

void udy__net_update_tile(udy_net *net, const udy__pass *pass, int index, const float *dY,
                          udy_adam *adam, const udy__adam_coefficients *coefficients,
                          udy_net *target, float tau, float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    const udy__tile tile = tile_at(net, index);
    udy_mlp *mlp = net->mlp;
    int l = tile.layer, in = tile.n_cols, ldt = mlp->ldt[l];
    float *dW = scratch, *db = dW + (size_t)tile.n_rows * (size_t)in;
    gradient_of(net, pass, &tile, dY, dW, db);
    for (int i = 0; i < tile.n_rows; i += 16) {  // update and copy while in the L1 cache
        int n = tile.n_rows - i < 16 ? tile.n_rows - i : 16, row = tile.row + i;
        size_t at = mlp->weight_at[l] + (size_t)row * (size_t)in;
        size_t at_t = mlp->transposed_at[l] + (size_t)row;
        float *W = mlp->params + at;
        kernels->adam(W, adam->m + at, adam->v + at, in, dW + (size_t)i * (size_t)in, in, n, in,
                      coefficients);
        if (net->config.unit_weights) kernels->unit_rows(W, in, n, in);
        kernels->transpose(W, in, n, in, mlp->transposed + at_t, ldt);
        if (net->Wb) {
            kernels->to_bf16(W, 0, 1, n * in, net->Wb + at, 0);
            kernels->to_bf16(mlp->transposed + at_t, ldt, in, n, net->Wtb + at_t, ldt);
        }
        if (!target) continue;
        float *T = target->mlp->params + at;
        kernels->blend(T, W, in, n, in, tau);
        kernels->transpose(T, in, n, in, target->mlp->transposed + at_t, ldt);
        if (target->Wtb)
            kernels->to_bf16(target->mlp->transposed + at_t, ldt, in, n, target->Wtb + at_t, ldt);
    }
    size_t at = mlp->bias_at[l] + (size_t)tile.row;
    step(adam, at, mlp->params + at, db, tile.n_rows, coefficients);
    if (target) kernels->blend(target->mlp->params + at, mlp->params + at, 0, 1, tile.n_rows, tau);
    if (l == net->n_hidden || !net->n_gamma) return;
    size_t g = net->gamma_at[l] + (size_t)tile.row;
    step(adam, mlp->n_params + g, net->gamma + g, pass->d_gamma[l] + tile.row, tile.n_rows,
         coefficients);
    if (target) kernels->blend(target->gamma + g, net->gamma + g, 0, 1, tile.n_rows, tau);
}

void udy__net_gradient(const udy_net *net, const udy__pass *pass, const float *dY, float *grads) {
    for (int i = 0; i < udy__net_tile_count(net); i++) {
        const udy__tile tile = tile_at(net, i);
        int l = tile.layer;
        gradient_of(net, pass, &tile, dY,
                    grads + net->mlp->weight_at[l] + (size_t)tile.row * (size_t)tile.n_cols,
                    grads + net->mlp->bias_at[l] + tile.row);
        if (l < net->n_hidden && net->n_gamma)
            memcpy(grads + net->mlp->n_params + net->gamma_at[l] + tile.row,
                   pass->d_gamma[l] + tile.row, (size_t)tile.n_rows * sizeof *grads);
    }
}
