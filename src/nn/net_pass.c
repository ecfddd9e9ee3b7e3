// Passes of normalised networks over batches: forward and backward, shard by shard, in phases (see
// net.h). Per hidden layer z = W h, y = gamma (z - mean) / sqrt(variance + eps) + beta,
// h = activation(y).
//
//   forward, BATCH   phase 0: moments of the input; phase k: normalise what phase k - 1 left, layer
//                    k - 1, its moments; the last one ends with the output layer
//   backward, BATCH  phase 0: output layer, sums of the topmost hidden layer's gradient; phase k:
//                    that gradient through its normalisation, one layer down, the next sums
//   otherwise        one phase each
#include <math.h>
#include <string.h>

#include "nn/net.h"

//------------------------------------------ Create ------------------------------------------------

static size_t rounded(size_t n) {
    return (n + 15) & ~(size_t)15;
}

static float *take(float *base, size_t *at, size_t n) {
    float *p = base ? base + *at : NULL;
    *at += rounded(n);
    return p;
}

static bool batch_norm(const udy_net_config *c) {
    return c->norm == UDY_NORM_BATCH;
}

static size_t lay_out(udy__pass *p, bool backward, float *base) {
    const udy_net_config *c = &p->config;
    size_t at = 0, rows = (size_t)p->max_rows, shards = (size_t)udy__shard_count(p->max_rows);
    size_t in = (size_t)c->mlp.dims[0];
    if (batch_norm(c)) p->x = take(base, &at, rows * in);
    p->weight = take(base, &at, shards);
    for (int k = 0; k <= p->n_hidden; k++) {
        size_t n = (size_t)c->mlp.dims[k];
        if (!batch_norm(c)) continue;
        p->partial[k] = take(base, &at, shards * 2 * n);
        p->mean[k] = take(base, &at, n);
        p->inv[k] = take(base, &at, n);
        p->scale[k] = take(base, &at, n);
        p->shift[k] = take(base, &at, n);
    }
    for (int l = 0; l < p->n_hidden; l++) {
        size_t n = (size_t)c->mlp.dims[l + 1];
        bool reads = udy__activation_reads_z(c->mlp.hidden);
        p->h[l] = take(base, &at, rows * n);
        if (c->norm != UDY_NORM_NONE) p->z[l] = take(base, &at, rows * n);
        if (reads) p->y[l] = take(base, &at, rows * n);
        if (c->norm == UDY_NORM_LAYER) p->inv_rows[l] = take(base, &at, rows);
        if (!backward) continue;
        p->d[l] = take(base, &at, rows * n);
        if (c->norm == UDY_NORM_NONE) continue;
        p->back[l] = take(base, &at, shards * 2 * n);
        p->a[l] = take(base, &at, n);
        p->b[l] = take(base, &at, n);
        p->c[l] = take(base, &at, n);
        p->d_gamma[l] = take(base, &at, n);
        p->d_beta[l] = take(base, &at, n);
    }
    p->out = take(base, &at, rows * (size_t)c->mlp.dims[c->mlp.n_layers]);
    return at;
}

static size_t lay_out_bf16(udy__pass *p, bool backward, uint16_t *base) {
    const udy_net_config *c = &p->config;
    size_t at = 0, rows = (size_t)p->max_rows;
    for (int l = 1; l <= p->n_hidden; l++) {
        if (!udy__net_is_bf16(c, l)) continue;
        p->hb[l - 1] = base ? base + at : NULL;
        at += rows * rounded((size_t)c->mlp.dims[l]);
        if (!backward) continue;
        p->db[l] = base ? base + at : NULL;
        at += rows * rounded((size_t)c->mlp.dims[l + 1]);
    }
    return at;
}

// Products for shards of 32 rows, and, for gradients, of all rows of a batch.
static int create_products(udy__pass *p, const udy_net *net, bool backward, udy_error *err) {
    const udy_net_config *c = &p->config;
    const int rows = UDY__SHARD_ROWS, tile = UDY__TILE_ROWS;
    int status = UDY_OK;
    for (int l = 1; !status && l <= p->n_hidden; l++) {
        int in = c->mlp.dims[l], out = c->mlp.dims[l + 1], last = out % tile;
        if (!udy__net_is_bf16(c, l)) continue;
        const udy__bf16_shape up = {false, rows, out, in, in, net->mlp->ldt[l], out};
        const udy__bf16_shape down = {false, rows, in, out, out, in, in};
        status = udy__bf16_create(&p->up[l], &up, err);
        if (!status) status = udy__bf16_create(&p->down[l], &down, err);
        // The output layer's gradient has the live rows only; see udy__pass_create's live_rows.
        int K = l == p->n_hidden ? p->live_rows : p->back_rows;
        const udy__bf16_shape whole = {true, tile, in, K, out, in, in};
        const udy__bf16_shape part = {true, last, in, K, out, in, in};
        if (!status && backward && out >= tile)
            status = udy__bf16_create(&p->tile[l][0], &whole, err);
        if (!status && backward && last) status = udy__bf16_create(&p->tile[l][1], &part, err);
    }
    return status;
}

int udy__pass_create(udy__pass **out, const udy_net *net, int max_rows, int live_rows,
                     int back_rows, udy__pass_use use, udy_error *err) {
    *out = NULL;
    if (net->config.bf16 && (max_rows % UDY__SHARD_ROWS || live_rows % UDY__SHARD_ROWS))
        return udy_error_set(err, UDY_EINVAL,
                             "bfloat16 products for %d rows: expected a multiple "
                             "of %d",
                             max_rows, UDY__SHARD_ROWS);
    udy__pass *p = udy_alloc(sizeof *p);
    if (p) {
        p->config = net->config;
        p->n_hidden = net->n_hidden;
        p->max_rows = udy__shard_count(max_rows) * UDY__SHARD_ROWS;
        p->live_rows = live_rows;
        p->back_rows = back_rows;
        size_t n = lay_out(p, use == UDY__FOR_BACKWARD, NULL);
        p->block = udy_alloc(n * sizeof(float));
    }
    if (!p || !p->block) {
        udy__pass_destroy(p);
        return udy_error_set(err, UDY_ENOMEM, "no memory for batches of %d rows", max_rows);
    }
    lay_out(p, use == UDY__FOR_BACKWARD, p->block);
    size_t n = lay_out_bf16(p, use == UDY__FOR_BACKWARD, NULL);
    int status = UDY_OK;
    if (n) {
        p->bf16_block = udy_alloc(n * sizeof *p->bf16_block);
        if (!p->bf16_block) status = udy_error_set(err, UDY_ENOMEM, "no memory for batches");
        if (!status) lay_out_bf16(p, use == UDY__FOR_BACKWARD, p->bf16_block);
        if (!status) status = create_products(p, net, use == UDY__FOR_BACKWARD, err);
    }
    if (status)
        udy__pass_destroy(p);
    else
        *out = p;
    return status;
}

void udy__pass_destroy(udy__pass *pass) {
    if (!pass) return;
    for (int l = 0; l < UDY_MLP_LAYERS_MAX; l++) {
        udy__bf16_destroy(pass->up[l]);
        udy__bf16_destroy(pass->down[l]);
        udy__bf16_destroy(pass->tile[l][0]);
        udy__bf16_destroy(pass->tile[l][1]);
    }
    udy_free(pass->bf16_block);
    udy_free(pass->block);
    udy_free(pass);
}

//------------------------------------------ Statistics --------------------------------------------

static const float *gamma_of(const udy_net *net, int l) {
    return net->gamma + net->gamma_at[l];
}

static const float *beta_of(const udy_net *net, int l) {
    return net->mlp->params + net->mlp->bias_at[l];
}

// From mean and variance (which becomes inv) of input (k = 0) or hidden layer k - 1: the map
// y = z scale + shift.
static void derive_map(udy__pass *p, int k) {
    const float eps = (float)p->config.eps;
    const float *gamma = k ? gamma_of(p->net, k - 1) : NULL;
    const float *beta = k ? beta_of(p->net, k - 1) : NULL;
    float *mean = p->mean[k], *inv = p->inv[k], *scale = p->scale[k], *shift = p->shift[k];
    for (int j = 0; j < p->config.mlp.dims[k]; j++) inv[j] = 1.0f / sqrtf(inv[j] + eps);
    for (int j = 0; j < p->config.mlp.dims[k]; j++) {
        scale[j] = gamma ? gamma[j] * inv[j] : inv[j];
        shift[j] = (beta ? beta[j] : 0.0f) - mean[j] * scale[j];
    }
}

void udy__pass_begin(udy__pass *p, const udy_net *net, udy__pass_mode mode, const float *X, int B) {
    p->net = net;
    p->mode = batch_norm(&p->config) ? mode : UDY__PASS_FIXED;
    p->X = X;
    p->B = B;
    p->B_live = B;
    p->B_back = B;
    p->out_from = 0;
    p->out_to = B;
    if (!batch_norm(&p->config)) return;
    if (p->mode == UDY__PASS_BATCH) {
        for (int s = 0; s < udy__shard_count(B); s++)
            p->weight[s] = (float)udy__shard_size(B, s) / (float)B;
        return;
    }
    size_t at = 0;
    for (int k = 0; k <= p->n_hidden; k++) {
        size_t n = (size_t)p->config.mlp.dims[k];
        memcpy(p->mean[k], net->stats + at, n * sizeof(float));
        memcpy(p->inv[k], net->stats + net->n_stats + at, n * sizeof(float));
        derive_map(p, k);
        at += n;
    }
}

void udy__pass_update_stats(const udy__pass *p, udy_net *net) {
    const float keep = (float)net->config.momentum;
    float *mean = net->stats, *variance = net->stats + net->n_stats;
    for (int k = 0; k <= p->n_hidden; k++) {
        int n = p->config.mlp.dims[k];
        for (int j = 0; j < n; j++) {
            float inv = p->inv[k][j];
            float batch = 1.0f / (inv * inv) - (float)p->config.eps;
            mean[j] = keep * mean[j] + (1.0f - keep) * p->mean[k][j];
            variance[j] = keep * variance[j] + (1.0f - keep) * (batch > 0.0f ? batch : 0.0f);
        }
        mean += n;
        variance += n;
    }
}

//------------------------------------------ Forward -----------------------------------------------

int udy__pass_phases(const udy__pass *p) {
    return p->mode == UDY__PASS_BATCH ? p->n_hidden + 2 : 1;
}

static uint16_t *rounded_rows(uint16_t *block, int row, int width) {
    return block + (size_t)row * (size_t)width;
}

static float *rows_of(float *block, int row, int width) {
    return block ? block + (size_t)row * (size_t)width : NULL;
}

static void linear(const udy__layer *layer, const float *in, int n, float *out) {
    if (layer->out <= UDY__NARROW_MAX)
        udy__kernels_best()->product_narrow(in, layer->Wt, out, n, layer->out, layer->in,
                                            layer->ldt);
    else
        udy__product_nn(n, layer->out, layer->in, in, layer->in, layer->Wt, layer->ldt, out,
                        layer->out);
}

// h of hidden layer l from its z, for the rows of a shard.
static void normalise_hidden(udy__pass *p, int l, int row, int n) {
    const udy__kernels *kernels = udy__kernels_best();
    int width = p->config.mlp.dims[l + 1];
    udy_activation act = p->config.mlp.hidden;
    float *z = rows_of(p->z[l], row, width), *h = rows_of(p->h[l], row, width);
    float *y = rows_of(p->y[l], row, width);
    uint16_t *hb = p->hb[l] ? rounded_rows(p->hb[l], row, width) : NULL;
    if (p->config.norm == UDY_NORM_BATCH) {
        kernels->activate_map[act](z, p->scale[l + 1], p->shift[l + 1], n, width, h, y, hb);
    } else if (p->config.norm == UDY_NORM_LAYER) {
        kernels->layer_norm(z, n, width, (float)p->config.eps, p->inv_rows[l] + row);
        kernels->activate_map[act](z, gamma_of(p->net, l), beta_of(p->net, l), n, width, h, y, hb);
    } else {
        kernels->activate[act](h, y, beta_of(p->net, l), n, width);
        if (hb) kernels->to_bf16(h, 0, 1, n * width, hb, 0);
    }
}

static const float *input_rows(const udy__pass *p, int row) {
    return (p->x ? p->x : p->X) + (size_t)row * (size_t)p->config.mlp.dims[0];
}

// Layer l on the rows of a shard: z of a hidden layer (h where nothing normalises), or the output.
static void run_layer(udy__pass *p, int l, int row, int n) {
    udy__layer layer = udy__mlp_layer(p->net->mlp, l);
    const float *in = l ? rows_of(p->h[l - 1], row, layer.in) : input_rows(p, row);
    float *out = rows_of(l == p->n_hidden ? p->out : p->z[l] ? p->z[l] : p->h[l], row, layer.out);
    if (p->up[l])
        udy__bf16_run(p->up[l], rounded_rows(p->hb[l - 1], row, layer.in),
                      p->net->Wtb + p->net->mlp->transposed_at[l], out);
    else
        linear(&layer, in, n, out);
    if (l == p->n_hidden)
        udy__kernels_best()->activate[p->config.mlp.output](out, NULL, layer.b, n, layer.out);
}

static void normalise_input(udy__pass *p, int row, int n) {
    int in = p->config.mlp.dims[0];
    udy__kernels_best()->affine_columns(p->X + (size_t)row * (size_t)in, in, p->scale[0],
                                        p->shift[0], n, in, rows_of(p->x, row, in));
}

void udy__pass_forward(udy__pass *p, int phase, int shard) {
    const udy__kernels *kernels = udy__kernels_best();
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(p->B, shard), in = p->config.mlp.dims[0];
    if (p->mode == UDY__PASS_FIXED) {
        if (p->x) normalise_input(p, row, n);
        for (int l = 0; l < p->n_hidden; l++) {
            run_layer(p, l, row, n);
            normalise_hidden(p, l, row, n);
        }
        run_layer(p, p->n_hidden, row, n);
        return;
    }
    bool last = phase == p->n_hidden + 1;
    if (last && (row < p->out_from || row >= p->out_to)) return;
    const float *z = p->X + (size_t)row * (size_t)in;
    int width = in;
    if (phase > 0) {
        if (phase == 1)
            normalise_input(p, row, n);
        else
            normalise_hidden(p, phase - 2, row, n);
        run_layer(p, phase - 1, row, n);
        if (last) return;
        width = p->config.mlp.dims[phase];
        z = rows_of(p->z[phase - 1], row, width);
    }
    float *partial = p->partial[phase] + (size_t)shard * 2 * (size_t)width;
    kernels->column_moments(z, n, width, partial, partial + width);
}

void udy__pass_merge(udy__pass *p, int phase) {
    if (p->mode == UDY__PASS_FIXED || phase > p->n_hidden) return;
    udy__kernels_best()->merge_moments(p->partial[phase], p->weight, udy__shard_count(p->B), p->B,
                                       p->config.mlp.dims[phase], p->mean[phase], p->inv[phase]);
    derive_map(p, phase);
}

//------------------------------------------ Backward ----------------------------------------------

int udy__pass_back_phases(const udy__pass *p) {
    return p->mode == UDY__PASS_BATCH ? p->n_hidden + 1 : 1;
}

// dX [n, in] of layer l from its d [n, out], rounded into db where that takes bfloat16.
static void product_down(const udy__pass *p, int l, const float *d, int n, uint16_t *db,
                         float *dX) {
    udy__layer layer = udy__mlp_layer(p->net->mlp, l);
    if (p->down[l]) {
        udy__kernels_best()->to_bf16(d, 0, 1, n * layer.out, db, 0);
        udy__bf16_run(p->down[l], db, p->net->Wb + p->net->mlp->weight_at[l], dX);
    } else {
        udy__product_nn(n, layer.in, layer.out, d, layer.out, layer.W, layer.in, dX, layer.in);
    }
}

// dL/dy of hidden layer l from dL/dz of the layer above, and its sums; rows without a gradient from
// above: zero, and not written.
static void down_to(udy__pass *p, int l, int shard, const float *above, bool live) {
    const udy__kernels *kernels = udy__kernels_best();
    udy__layer up = udy__mlp_layer(p->net->mlp, l + 1);
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(p->B, shard), width = up.in;
    float *d = rows_of(p->d[l], row, width);
    if (live) {
        uint16_t *db = p->db[l + 1] ? rounded_rows(p->db[l + 1], row, up.out) : NULL;
        product_down(p, l + 1, above, n, db, d);
        kernels->derive[p->config.mlp.hidden](d, rows_of(p->y[l], row, width),
                                              rows_of(p->h[l], row, width),
                                              (size_t)n * (size_t)width);
    }
    if (!p->back[l]) return;
    float *sums = p->back[l] + (size_t)shard * 2 * (size_t)width;
    if (!live)
        memset(sums, 0, 2 * (size_t)width * sizeof *sums);
    else  // LAYER: z holds the normalised values, whose mean is no matter here
        kernels->gradient_moments(d, rows_of(p->z[l], row, width),
                                  p->config.norm == UDY_NORM_BATCH ? p->mean[l + 1] : p->c[l], n,
                                  width, sums, sums + width);
}

// dL/dz of hidden layer l from dL/dy.
static void through_norm(udy__pass *p, int l, int shard, bool live) {
    const udy__kernels *kernels = udy__kernels_best();
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(p->B, shard);
    int width = p->config.mlp.dims[l + 1];
    float *d = rows_of(p->d[l], row, width), *z = rows_of(p->z[l], row, width);
    if (p->config.norm == UDY_NORM_BATCH && p->mode == UDY__PASS_FIXED)
        kernels->scale_columns(d, p->scale[l + 1], n, width, d);
    else if (p->config.norm == UDY_NORM_BATCH && live)
        kernels->combine_columns(d, z, p->a[l], p->b[l], p->c[l], n, width);
    else if (p->config.norm == UDY_NORM_BATCH)
        kernels->combine_zero(d, z, p->b[l], p->c[l], n, width);
    else if (p->config.norm == UDY_NORM_LAYER)
        kernels->layer_norm_gradient(d, z, gamma_of(p->net, l), p->inv_rows[l] + row, n, width);
}

// dL/dX of a shard from dL/dz of the first layer.
static void input_gradient_rows(const udy__pass *p, int shard, const float *d, float *dX) {
    udy__layer first = udy__mlp_layer(p->net->mlp, 0);
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(p->B, shard);
    float *below = rows_of(dX, row, first.in);
    if (!below) return;
    udy__product_nn(n, first.in, first.out, d, first.out, first.W, first.in, below, first.in);
    if (p->config.norm == UDY_NORM_BATCH && p->mode == UDY__PASS_FIXED)
        udy__kernels_best()->scale_columns(below, p->scale[0], n, first.in, below);
}

// Where rows do not meet, those without a gradient at the output have none anywhere.
static void no_gradient(const udy__pass *p, int shard, float *dX) {
    size_t n = (size_t)udy__shard_size(p->B, shard), in = (size_t)p->config.mlp.dims[0];
    for (int l = 0; l < p->n_hidden; l++) {
        size_t width = (size_t)p->config.mlp.dims[l + 1];
        if (p->back[l])
            memset(p->back[l] + (size_t)shard * 2 * width, 0, 2 * width * sizeof(float));
        // The product over all rows reads them.
        if (p->db[l])
            memset(p->db[l] + (size_t)shard * UDY__SHARD_ROWS * width, 0,
                   n * width * sizeof(uint16_t));
    }
    if (dX) memset(rows_of(dX, shard * UDY__SHARD_ROWS, (int)in), 0, n * in * sizeof *dX);
}

void udy__pass_backward(udy__pass *p, int phase, int shard, float *dY, float *dX) {
    int row = shard * UDY__SHARD_ROWS, out = p->config.mlp.dims[p->config.mlp.n_layers];
    int n = udy__shard_size(p->B, shard), top = p->n_hidden - 1;
    bool live = row < p->B_live;
    float *d = rows_of(dY, row, out);
    if (phase == 0 && live)
        udy__kernels_best()->derive[p->config.mlp.output](d, NULL, rows_of(p->out, row, out),
                                                          (size_t)n * (size_t)out);
    if (p->mode == UDY__PASS_BATCH && top >= 0) {
        if (phase == 0) {
            down_to(p, top, shard, d, live);
            return;
        }
        int l = p->n_hidden - phase;
        through_norm(p, l, shard, live || l < top);
        if (l > 0)
            down_to(p, l - 1, shard, rows_of(p->d[l], row, p->config.mlp.dims[l + 1]), true);
        else
            input_gradient_rows(p, shard, rows_of(p->d[0], row, p->config.mlp.dims[1]), dX);
        return;
    }
    if (!live) {
        no_gradient(p, shard, dX);
        return;
    }
    for (int l = top; l >= 0; l--) {
        down_to(p, l, shard, d, true);
        through_norm(p, l, shard, true);
        d = rows_of(p->d[l], row, p->config.mlp.dims[l + 1]);
    }
    input_gradient_rows(p, shard, d, dX);
}

// Sums over shards in their order; for BATCH the coefficients of
//   dz = gamma inv (dy - mean(dy) - xhat mean(dy xhat)).
static void merge_layer(udy__pass *p, int l) {
    int width = p->config.mlp.dims[l + 1], shards = udy__shard_count(p->B_back);
    float *sum = p->d_beta[l], *product = p->d_gamma[l];
    memset(sum, 0, (size_t)width * sizeof *sum);
    memset(product, 0, (size_t)width * sizeof *product);
    for (int s = 0; s < shards; s++) {
        const float *part = p->back[l] + (size_t)s * 2 * (size_t)width;
        for (int j = 0; j < width; j++) sum[j] += part[j];
        for (int j = 0; j < width; j++) product[j] += part[width + j];
    }
    if (p->config.norm != UDY_NORM_BATCH) return;
    const float share = 1.0f / (float)p->B;
    const float *mean = p->mean[l + 1], *inv = p->inv[l + 1], *scale = p->scale[l + 1];
    for (int j = 0; j < width; j++) {
        p->a[l][j] = scale[j];
        p->b[l][j] = -scale[j] * inv[j] * inv[j] * product[j] * share;
        p->c[l][j] = -scale[j] * sum[j] * share - p->b[l][j] * mean[j];
    }
    for (int j = 0; j < width; j++) product[j] *= inv[j];
}

void udy__pass_back_merge(udy__pass *p, int phase) {
    if (p->config.norm == UDY_NORM_NONE) return;
    if (p->mode == UDY__PASS_BATCH) {
        if (phase < p->n_hidden) merge_layer(p, p->n_hidden - 1 - phase);
        return;
    }
    for (int l = 0; l < p->n_hidden; l++) merge_layer(p, l);
}

//------------------------------------------ Down to the input -------------------------------------

size_t udy__pass_input_scratch(const udy_net *net) {
    size_t widest = 0;
    for (int l = 0; l <= net->n_hidden + 1; l++)  // the output's gradient is rounded there too
        widest = udy__size_max(widest, (size_t)net->config.mlp.dims[l]);
    return 3 * rounded(widest * UDY__SHARD_ROWS);
}

void udy__pass_input_gradient(const udy__pass *p, int shard, float *dY, float *dX, float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    int row = shard * UDY__SHARD_ROWS, n = udy__shard_size(p->B, shard);
    size_t part = udy__pass_input_scratch(p->net) / 3;
    int out = p->config.mlp.dims[p->config.mlp.n_layers];
    float *d = rows_of(dY, row, out);
    kernels->derive[p->config.mlp.output](d, NULL, rows_of(p->out, row, out),
                                          (size_t)n * (size_t)out);
    for (int l = p->n_hidden; l >= 0; l--) {
        udy__layer layer = udy__mlp_layer(p->net->mlp, l);
        float *below = l ? scratch + (size_t)(l % 2) * part : rows_of(dX, row, layer.in);
        product_down(p, l, d, n, (uint16_t *)(void *)(scratch + 2 * part), below);
        if (l > 0) {
            int k = l - 1;
            kernels->derive[p->config.mlp.hidden](below, rows_of(p->y[k], row, layer.in),
                                                  rows_of(p->h[k], row, layer.in),
                                                  (size_t)n * (size_t)layer.in);
            if (p->config.norm == UDY_NORM_BATCH)
                kernels->scale_columns(below, p->scale[l], n, layer.in, below);
            else if (p->config.norm == UDY_NORM_LAYER)
                kernels->layer_norm_gradient(below, rows_of(p->z[k], row, layer.in),
                                             gamma_of(p->net, k), p->inv_rows[k] + row, n,
                                             layer.in);
        } else if (p->config.norm == UDY_NORM_BATCH) {
            kernels->scale_columns(below, p->scale[0], n, layer.in, below);
        }
        d = below;
    }
}
