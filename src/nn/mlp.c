// A multilayer perceptron: shapes, the parameter block and its tensor table, the transposed copy,
// one row's forward. Batches are in batch.c, initialisation in init.c.
#include <stdio.h>
#include <string.h>

#include "nn/nn_internal.h"

static const struct {
    const char *name;
    bool reads_z;
} activations[UDY_ACTIVATION_COUNT] = {
#define ACTIVATION(constant, name, reads_z, value, gradient) [constant] = {#name, reads_z},
#include "nn/activations.def"
#undef ACTIVATION
};

const char *udy_activation_name(udy_activation a) {
    return (unsigned)a < UDY_ACTIVATION_COUNT ? activations[a].name : "unknown";
}

int udy_activation_find(const char *name) {
    for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
        if (name && strcmp(name, activations[a].name) == 0) return a;
    }
    return UDY_ENOENT;
}

bool udy__activation_reads_z(udy_activation a) {
    return activations[a].reads_z;
}

size_t udy__size_max(size_t a, size_t b) {
    return a > b ? a : b;
}

static int check_config(const udy_mlp_config *c, udy_error *err) {
    if (c->n_layers < 1 || c->n_layers > UDY_MLP_LAYERS_MAX)
        return udy_error_set(err, UDY_EINVAL, "a network of %d layers: expected 1 to %d",
                             c->n_layers, UDY_MLP_LAYERS_MAX);
    for (int i = 0; i <= c->n_layers; i++) {
        if (c->dims[i] < 1 || c->dims[i] > 1 << 16)
            return udy_error_set(err, UDY_EINVAL,
                                 "a network whose dimension %d is %d: expected 1 to %d", i,
                                 c->dims[i], 1 << 16);
    }
    if ((unsigned)c->hidden >= UDY_ACTIVATION_COUNT || (unsigned)c->output >= UDY_ACTIVATION_COUNT)
        return udy_error_set(err, UDY_EINVAL,
                             "activations %d and %d of a network: expected 0 to %d", (int)c->hidden,
                             (int)c->output, UDY_ACTIVATION_COUNT - 1);
    if ((unsigned)c->init >= UDY_INIT_COUNT)
        return udy_error_set(err, UDY_EINVAL, "initialisation %d of a network: expected 0 to %d",
                             (int)c->init, UDY_INIT_COUNT - 1);
    return UDY_OK;
}

// Narrow outputs get whole vectors of 8 or 16; others whole vectors of 8.
static int padded(int out) {
    return (out + 7) & ~7;
}

int udy_mlp_create(udy_mlp **out, const udy_mlp_config *config, udy_error *err) {
    *out = NULL;
    int status = check_config(config, err);
    if (status) return status;
    udy_mlp *mlp = udy_alloc(sizeof *mlp);
    if (!mlp) return udy_error_set(err, UDY_ENOMEM, "no memory for a network");
    mlp->config = *config;
    for (int l = 0; l < config->n_layers; l++) {
        size_t n_in = (size_t)config->dims[l], n_out = (size_t)config->dims[l + 1];
        mlp->ldt[l] = padded(config->dims[l + 1]);
        mlp->weight_at[l] = mlp->n_params;
        mlp->bias_at[l] = mlp->n_params + n_in * n_out;
        mlp->n_params += n_in * n_out + n_out;
        mlp->transposed_at[l] = mlp->n_transposed;
        mlp->n_transposed += (n_in * (size_t)mlp->ldt[l] + 15) & ~(size_t)15;
    }
    mlp->params = udy_alloc(mlp->n_params * sizeof(float));
    mlp->transposed = udy_alloc(mlp->n_transposed * sizeof(float));
    if (!mlp->params || !mlp->transposed) {
        size_t n_params = mlp->n_params;
        udy_mlp_destroy(mlp);
        return udy_error_set(err, UDY_ENOMEM, "no memory for a network of %zu parameters",
                             n_params);
    }
    *out = mlp;
    return UDY_OK;
}

void udy_mlp_destroy(udy_mlp *mlp) {
    if (!mlp) return;
    udy_free(mlp->params);
    udy_free(mlp->transposed);
    udy_free(mlp);
}

const udy_mlp_config *udy_mlp_config_of(const udy_mlp *mlp) {
    return &mlp->config;
}

udy__layer udy__mlp_layer(const udy_mlp *mlp, int l) {
    return (udy__layer){
        .in = mlp->config.dims[l],
        .out = mlp->config.dims[l + 1],
        .ldt = mlp->ldt[l],
        .activation = l + 1 < mlp->config.n_layers ? mlp->config.hidden : mlp->config.output,
        .W = mlp->params + mlp->weight_at[l],
        .b = mlp->params + mlp->bias_at[l],
        .Wt = mlp->transposed + mlp->transposed_at[l],
    };
}

int udy_mlp_param_count(const udy_mlp *mlp) {
    return 2 * mlp->config.n_layers;
}

udy_param udy_mlp_param(const udy_mlp *mlp, int i) {
    udy_param p = {.rows = mlp->config.dims[i / 2 + 1], .cols = 1};
    bool bias = i % 2;
    snprintf(p.name, sizeof p.name, "net.%d.%s", i / 2 * 2, bias ? "bias" : "weight");
    if (!bias) p.cols = mlp->config.dims[i / 2];
    p.data = mlp->params + (bias ? mlp->bias_at[i / 2] : mlp->weight_at[i / 2]);
    return p;
}

float *udy_mlp_params(udy_mlp *mlp, size_t *n) {
    if (n) *n = mlp->n_params;
    return mlp->params;
}

void udy_mlp_sync(udy_mlp *mlp) {
    const udy__kernels *kernels = udy__kernels_best();
    for (int l = 0; l < mlp->config.n_layers; l++) {
        udy__layer layer = udy__mlp_layer(mlp, l);
        kernels->transpose(layer.W, layer.in, layer.out, layer.in,
                           mlp->transposed + mlp->transposed_at[l], layer.ldt);
    }
}

int udy_mlp_copy(udy_mlp *to, const udy_mlp *from) {
    if (to->config.n_layers != from->config.n_layers) return UDY_EINVAL;
    for (int i = 0; i <= to->config.n_layers; i++) {
        if (to->config.dims[i] != from->config.dims[i]) return UDY_EINVAL;
    }
    memcpy(to->params, from->params, to->n_params * sizeof(float));
    memcpy(to->transposed, from->transposed, to->n_transposed * sizeof(float));
    return UDY_OK;
}

//------------------------------------------ One row -----------------------------------------------

static size_t widest(const udy_mlp *mlp) {
    size_t n = 0;
    for (int l = 0; l < mlp->config.n_layers; l++) n = udy__size_max(n, (size_t)mlp->ldt[l]);
    return n;
}

// Two values, read and written in turn, and a pre-activation.
size_t udy_mlp_scratch_size(const udy_mlp *mlp) {
    return 3 * widest(mlp);
}

void udy_mlp_forward_row(const udy_mlp *mlp, const float *x, float *y, float *scratch) {
    const udy__kernels *kernels = udy__kernels_best();
    size_t n = widest(mlp);
    const float *in = x;
    unsigned saved = udy__flush_begin();
    for (int l = 0; l < mlp->config.n_layers; l++) {
        udy__layer layer = udy__mlp_layer(mlp, l);
        float *h = scratch + (size_t)(l % 2) * n;
        kernels->product_row(in, layer.Wt, h, layer.in, layer.ldt);
        kernels->activate[layer.activation](h, scratch + 2 * n, layer.b, 1, layer.out);
        in = h;
    }
    udy__flush_end(saved);
    memcpy(y, in, (size_t)mlp->config.dims[mlp->config.n_layers] * sizeof *y);
}

//------------------------------------------ Work counted ------------------------------------------

double udy_mlp_train_flop(const udy_mlp_config *config) {
    double weights = 0;
    for (int l = 0; l < config->n_layers; l++)
        weights += (double)config->dims[l] * config->dims[l + 1];
    // Forward, gradient of weights, gradient of inputs; the first layer's input needs none.
    return 2 * (3 * weights - (double)config->dims[0] * config->dims[1]);
}
