// A multilayer perceptron as a textbook writes it: double precision, plain loops, libm. What
// src/nn is compared against. Header-only, for the tests.
#ifndef UDY_TESTS_REFERENCE_MLP_H_
#define UDY_TESTS_REFERENCE_MLP_H_

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "understudy/nn.h"

static inline double ref_sigmoid(double z) {
    return 1 / (1 + exp(-z));
}
static inline double ref_cdf(double z) {
    return 0.5 * (1 + erf(z / sqrt(2)));
}

static inline double ref_value(udy_activation a, double z) {
    switch (a) {
        case UDY_RELU: return z > 0 ? z : 0;
        case UDY_TANH: return tanh(z);
        case UDY_SIGMOID: return ref_sigmoid(z);
        case UDY_ELU: return z > 0 ? z : expm1(z);
        case UDY_SILU: return z * ref_sigmoid(z);
        case UDY_GELU: return z * ref_cdf(z);
        case UDY_LEAKY_RELU: return z > 0 ? z : 0.01 * z;
        case UDY_SOFTPLUS: return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
        default: return z;
    }
}

static inline double ref_slope(udy_activation a, double z) {
    double s = ref_sigmoid(z);
    switch (a) {
        case UDY_RELU: return z > 0 ? 1 : 0;
        case UDY_TANH: return 1 - tanh(z) * tanh(z);
        case UDY_SIGMOID: return s * (1 - s);
        case UDY_ELU: return z > 0 ? 1 : exp(z);
        case UDY_SILU: return s + z * s * (1 - s);
        case UDY_GELU: return ref_cdf(z) + z * exp(-z * z / 2) / sqrt(2 * acos(-1.0));
        case UDY_LEAKY_RELU: return z > 0 ? 1 : 0.01;
        case UDY_SOFTPLUS: return s;
        default: return 1;
    }
}

// A network on parameters p laid out as udy_mlp_params, and room for B rows.
typedef struct ref_mlp {
    udy_mlp_config config;
    int B;
    size_t n_params;
    double *p, *grads;
    double *h[UDY_MLP_LAYERS_MAX + 1], *z[UDY_MLP_LAYERS_MAX + 1], *d[UDY_MLP_LAYERS_MAX + 1];
} ref_mlp;

static inline ref_mlp ref_create(udy_mlp *mlp, int B) {
    ref_mlp r = {.config = *udy_mlp_config_of(mlp), .B = B};
    const float *p = udy_mlp_params(mlp, &r.n_params);
    r.p = malloc(r.n_params * sizeof(double));
    r.grads = malloc(r.n_params * sizeof(double));
    for (size_t i = 0; i < r.n_params; i++) r.p[i] = p[i];
    for (int l = 0; l <= r.config.n_layers; l++) {
        size_t n = (size_t)B * (size_t)r.config.dims[l];
        r.h[l] = calloc(n, sizeof(double));
        r.z[l] = calloc(n, sizeof(double));
        r.d[l] = calloc(n, sizeof(double));
    }
    return r;
}

static inline void ref_destroy(ref_mlp *r) {
    free(r->p), free(r->grads);
    for (int l = 0; l <= r->config.n_layers; l++) free(r->h[l]), free(r->z[l]), free(r->d[l]);
}

static inline udy_activation ref_activation(const ref_mlp *r, int l) {
    return l + 1 < r->config.n_layers ? r->config.hidden : r->config.output;
}

// Y [B, out], from X [B, in] in double.
static inline const double *ref_forward(ref_mlp *r, const double *X) {
    const int *dims = r->config.dims;
    memcpy(r->h[0], X, (size_t)r->B * (size_t)dims[0] * sizeof *X);
    const double *W = r->p;
    for (int l = 0; l < r->config.n_layers; l++) {
        size_t in = (size_t)dims[l], out = (size_t)dims[l + 1];
        const double *b = W + in * out;
        for (size_t r0 = 0; r0 < (size_t)r->B; r0++) {
            for (size_t o = 0; o < out; o++) {
                double z = b[o];
                for (size_t i = 0; i < in; i++) z += W[o * in + i] * r->h[l][r0 * in + i];
                r->z[l + 1][r0 * out + o] = z;
                r->h[l + 1][r0 * out + o] = ref_value(ref_activation(r, l), z);
            }
        }
        W = b + out;
    }
    return r->h[r->config.n_layers];
}

// grads, and dL/dX in d[0], from dY [B, out], after ref_forward.
static inline void ref_backward(ref_mlp *r, const double *dY) {
    const int *dims = r->config.dims;
    int last = r->config.n_layers;
    memcpy(r->d[last], dY, (size_t)r->B * (size_t)dims[last] * sizeof *dY);
    memset(r->grads, 0, r->n_params * sizeof *r->grads);
    size_t at = r->n_params;
    for (int l = last - 1; l >= 0; l--) {
        size_t in = (size_t)dims[l], out = (size_t)dims[l + 1];
        at -= in * out + out;
        const double *W = r->p + at;
        double *dW = r->grads + at, *db = dW + in * out;
        memset(r->d[l], 0, (size_t)r->B * in * sizeof(double));
        for (size_t r0 = 0; r0 < (size_t)r->B; r0++) {
            for (size_t o = 0; o < out; o++) {
                double d = r->d[l + 1][r0 * out + o] *
                           ref_slope(ref_activation(r, l), r->z[l + 1][r0 * out + o]);
                db[o] += d;
                for (size_t i = 0; i < in; i++) {
                    dW[o * in + i] += d * r->h[l][r0 * in + i];
                    r->d[l][r0 * in + i] += d * W[o * in + i];
                }
            }
        }
    }
}

#endif  // UDY_TESTS_REFERENCE_MLP_H_
