// A normalised network as the papers write it: double precision, plain loops, libm. What src/nn's
// net.c, net_pass.c and net_update.c are compared against. Header-only, for the tests.
#ifndef UDY_TESTS_REFERENCE_NET_H_
#define UDY_TESTS_REFERENCE_NET_H_

#include "nn/net.h"
#include "reference_mlp.h"

#define REF_LAYERS (UDY_MLP_LAYERS_MAX + 1)

// A network on parameters p laid out as Adam's block (the mlp's, then gamma), and room for B rows.
typedef struct ref_net {
    udy_net_config config;
    bool of_batch;  // statistics of the rows, not the running ones
    int B_back;     // rows from here on count as constants in the statistics
    bool frozen;    // and are not computed again: for differences
    int B, last, n_hidden;
    size_t n_params, n_stats;
    double *p, *grads, *stats;
    double *h[REF_LAYERS], *z[REF_LAYERS], *xhat[REF_LAYERS], *y[REF_LAYERS], *d[REF_LAYERS];
    double *mean[REF_LAYERS], *variance[REF_LAYERS];  // of the batch's columns
} ref_net;

static inline double *ref_doubles(const float *x, size_t n) {
    double *y = calloc(n + 1, sizeof *y);
    for (size_t i = 0; x && i < n; i++) y[i] = (double)x[i];
    return y;
}

// The parameters as they are now.
static inline void ref_net_read(ref_net *r, udy_net *net) {
    size_t n_mlp, n_gamma;
    const float *mlp = udy_mlp_params(udy_net_mlp(net), &n_mlp), *gamma;
    const float *stats = udy_net_stats(net, &r->n_stats);
    gamma = udy_net_gamma(net, &n_gamma);
    free(r->p), free(r->stats);
    r->n_params = n_mlp + n_gamma;
    r->p = calloc(r->n_params, sizeof(double));
    for (size_t i = 0; i < r->n_params; i++)
        r->p[i] = (double)(i < n_mlp ? mlp[i] : gamma[i - n_mlp]);
    r->stats = ref_doubles(stats, r->n_stats);
}

static inline ref_net ref_net_create(udy_net *net, bool of_batch, int B) {
    ref_net r = {.config = *udy_net_config_of(net), .of_batch = of_batch, .B = B, .B_back = B};
    ref_net_read(&r, net);
    r.last = r.config.mlp.n_layers;
    r.n_hidden = r.last - 1;
    r.grads = ref_doubles(NULL, r.n_params);
    for (int l = 0; l <= r.last; l++) {
        size_t width = (size_t)r.config.mlp.dims[l], n = (size_t)B * width;
        r.h[l] = ref_doubles(NULL, n);
        r.z[l] = ref_doubles(NULL, n);
        r.xhat[l] = ref_doubles(NULL, n);
        r.y[l] = ref_doubles(NULL, n);
        r.d[l] = ref_doubles(NULL, n);
        r.mean[l] = ref_doubles(NULL, width);
        r.variance[l] = ref_doubles(NULL, width);
    }
    return r;
}

static inline void ref_net_destroy(ref_net *r) {
    free(r->p), free(r->grads), free(r->stats);
    for (int l = 0; l <= r->last; l++) {
        free(r->h[l]), free(r->z[l]), free(r->xhat[l]), free(r->y[l]), free(r->d[l]);
        free(r->mean[l]), free(r->variance[l]);
    }
}

// Where layer l's weights, biases (beta) and gamma are in p; k-th block of statistics.
static inline size_t ref_weight_at(const ref_net *r, int l) {
    size_t at = 0;
    for (int i = 0; i < l; i++)
        at += (size_t)(r->config.mlp.dims[i] + 1) * (size_t)r->config.mlp.dims[i + 1];
    return at;
}
static inline size_t ref_bias_at(const ref_net *r, int l) {
    return ref_weight_at(r, l) + (size_t)r->config.mlp.dims[l] * (size_t)r->config.mlp.dims[l + 1];
}
static inline size_t ref_gamma_at(const ref_net *r, int l) {
    size_t at = ref_weight_at(r, r->last);
    for (int i = 0; i < l; i++) at += (size_t)r->config.mlp.dims[i + 1];
    return at;
}
static inline size_t ref_stats_at(const ref_net *r, int k) {
    size_t at = 0;
    for (int i = 0; i < k; i++) at += (size_t)r->config.mlp.dims[i];
    return at;
}

static inline void ref_column_moments(ref_net *r, int k, const double *z) {
    size_t n = (size_t)r->config.mlp.dims[k], B = (size_t)r->B;
    for (size_t j = 0; j < n; j++) {
        double mean = 0, m2 = 0;
        for (size_t i = 0; i < B; i++) mean += z[i * n + j] / r->B;
        for (size_t i = 0; i < B; i++) m2 += (z[i * n + j] - mean) * (z[i * n + j] - mean);
        r->mean[k][j] = mean;
        r->variance[k][j] = m2 / r->B;
    }
}

// xhat of block k (0: the input, k: hidden layer k - 1) from its z.
static inline void ref_normalise(ref_net *r, int k, const double *z) {
    size_t n = (size_t)r->config.mlp.dims[k], B = (size_t)r->B;
    const double eps = r->config.eps;
    if (r->config.norm == UDY_NORM_BATCH) ref_column_moments(r, k, z);
    for (size_t i = 0; i < B; i++) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < n; j++) mean += z[i * n + j] / (double)n;
        for (size_t j = 0; j < n; j++)
            variance += (z[i * n + j] - mean) * (z[i * n + j] - mean) / (double)n;
        for (size_t j = 0; j < n; j++) {
            size_t at = ref_stats_at(r, k) + j;
            if (r->config.norm == UDY_NORM_BATCH) {
                mean = r->of_batch ? r->mean[k][j] : r->stats[at];
                variance = r->of_batch ? r->variance[k][j] : r->stats[r->n_stats / 2 + at];
            }
            bool any =
                r->config.norm == UDY_NORM_BATCH || (r->config.norm == UDY_NORM_LAYER && k > 0);
            r->xhat[k][i * n + j] =
                any ? (z[i * n + j] - mean) / sqrt(variance + eps) : z[i * n + j];
        }
    }
}

// Y [B, out], from X [B, in] in double.
static inline const double *ref_net_forward(ref_net *r, const double *X) {
    const int *dims = r->config.mlp.dims;
    size_t B = (size_t)r->B;
    memcpy(r->z[0], X, B * (size_t)dims[0] * sizeof *X);
    ref_normalise(r, 0, X);
    memcpy(r->h[0], r->xhat[0], B * (size_t)dims[0] * sizeof *X);
    for (int l = 0; l < r->last; l++) {
        size_t in = (size_t)dims[l], out = (size_t)dims[l + 1];
        const double *W = r->p + ref_weight_at(r, l), *beta = r->p + ref_bias_at(r, l);
        const double *gamma = r->p + ref_gamma_at(r, l);
        bool hidden = l < r->n_hidden;
        bool scaled = hidden && r->config.norm != UDY_NORM_NONE;
        for (size_t i = 0; i < B * out; i++) {
            double z = 0;
            for (size_t j = 0; j < in; j++) z += W[i % out * in + j] * r->h[l][i / out * in + j];
            if (!r->frozen || !hidden || i < (size_t)r->B_back * out) r->z[l + 1][i] = z;
        }
        if (hidden) ref_normalise(r, l + 1, r->z[l + 1]);
        const double *from = hidden ? r->xhat[l + 1] : r->z[l + 1];
        for (size_t i = 0; i < B * out; i++) {
            double y = (scaled ? gamma[i % out] : 1) * from[i] + beta[i % out];
            r->y[l + 1][i] = y;
            r->h[l + 1][i] = ref_value(hidden ? r->config.mlp.hidden : r->config.mlp.output, y);
        }
    }
    return r->h[r->last];
}

// The mean's and the variance's way: dL/dz_i = inv (g_i - mean(g) - xhat_i mean(g xhat)) over the n
// numbers, `step` apart, that share both; inv alone where they are constants.
static inline void ref_norm_backward(double *g, const double *xhat, size_t n, size_t step,
                                     double inv, bool constants) {
    double mean = 0, along = 0;
    for (size_t i = 0; i < n && !constants; i++) {
        mean += g[i * step] / (double)n;
        along += g[i * step] * xhat[i * step] / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        g[i * step] = inv * (g[i * step] - mean - xhat[i * step] * along);
}

// dL/dz of block k, in place, from dL/dxhat.
static inline void ref_block_backward(ref_net *r, int k) {
    size_t n = (size_t)r->config.mlp.dims[k], B = (size_t)r->B;
    const double eps = r->config.eps;
    if (r->config.norm == UDY_NORM_BATCH) {
        const double *running = r->stats + r->n_stats / 2 + ref_stats_at(r, k);
        for (size_t j = 0; j < n; j++) {
            double variance = r->of_batch ? r->variance[k][j] : running[j];
            ref_norm_backward(r->d[k] + j, r->xhat[k] + j, B, n, 1 / sqrt(variance + eps),
                              !r->of_batch);
        }
        size_t back = (size_t)r->B_back;
        memset(r->d[k] + back * n, 0, (B - back) * n * sizeof(double));
    } else if (r->config.norm == UDY_NORM_LAYER && k > 0) {
        for (size_t i = 0; i < B; i++) {
            double mean = 0, variance = 0;
            const double *z = r->z[k] + i * n;
            for (size_t j = 0; j < n; j++) mean += z[j] / (double)n;
            for (size_t j = 0; j < n; j++) variance += (z[j] - mean) * (z[j] - mean) / (double)n;
            ref_norm_backward(r->d[k] + i * n, r->xhat[k] + i * n, n, 1, 1 / sqrt(variance + eps),
                              false);
        }
    }
}

// grads, and dL/dX in d[0], from dY [B, out], after ref_net_forward. With `at_input` false d[0] is
// with respect to the normalised input.
static inline void ref_net_backward(ref_net *r, const double *dY, bool at_input) {
    const int *dims = r->config.mlp.dims;
    size_t B = (size_t)r->B;
    memcpy(r->d[r->last], dY, B * (size_t)dims[r->last] * sizeof *dY);
    memset(r->grads, 0, r->n_params * sizeof *r->grads);
    for (int l = r->last - 1; l >= 0; l--) {
        size_t in = (size_t)dims[l], out = (size_t)dims[l + 1];
        bool hidden = l < r->n_hidden, scaled = hidden && r->config.norm != UDY_NORM_NONE;
        double *d = r->d[l + 1];
        for (size_t i = 0; i < B * out; i++) {
            d[i] *= ref_slope(hidden ? r->config.mlp.hidden : r->config.mlp.output, r->y[l + 1][i]);
            r->grads[ref_bias_at(r, l) + i % out] += d[i];
            if (!scaled) continue;
            size_t gamma_at = ref_gamma_at(r, l) + i % out;
            r->grads[gamma_at] += d[i] * r->xhat[l + 1][i];
            d[i] *= r->p[gamma_at];
        }
        if (hidden) ref_block_backward(r, l + 1);
        const double *W = r->p + ref_weight_at(r, l);
        double *dW = r->grads + ref_weight_at(r, l);
        memset(r->d[l], 0, B * in * sizeof(double));
        for (size_t i = 0; i < B * out; i++) {
            for (size_t j = 0; j < in; j++) {
                dW[i % out * in + j] += d[i] * r->h[l][i / out * in + j];
                r->d[l][i / out * in + j] += d[i] * W[i % out * in + j];
            }
        }
    }
    if (at_input) ref_block_backward(r, 0);
}

#endif  // UDY_TESTS_REFERENCE_NET_H_
