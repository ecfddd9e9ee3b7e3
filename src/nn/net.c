// Normalised networks: parameters, running statistics, folding into a plain network. Their passes
// over batches are in net_pass.c, their updates in net_update.c.
#include <math.h>
#include <string.h>

#include "nn/net.h"

const char *const udy_norm_names[] = {"none", "batch", "layer", NULL};
_Static_assert(sizeof udy_norm_names / sizeof *udy_norm_names == UDY_NORM_COUNT + 1,
               "a name for each normalisation");

static int check_config(const udy_net_config *c, udy_error *err) {
    if ((unsigned)c->norm >= UDY_NORM_COUNT)
        return udy_error_set(err, UDY_EINVAL, "normalisation %d of a network: expected 0 to %d",
                             (int)c->norm, UDY_NORM_COUNT - 1);
    if (c->norm != UDY_NORM_NONE && !(c->eps > 0 && c->eps < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "a normalisation's eps is %g: expected above 0, "
                             "below 1",
                             c->eps);
    if (c->bf16 && !udy__bf16_supported())
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "bfloat16 products: this CPU has no instructions for them "
                             "(AVX512_BF16); use float32");
    if (c->norm == UDY_NORM_BATCH && !(c->momentum >= 0 && c->momentum < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "BatchNorm's momentum is %g: expected 0 or more, "
                             "below 1",
                             c->momentum);
    if ((unsigned)c->mlp.output < UDY_ACTIVATION_COUNT && udy__activation_reads_z(c->mlp.output))
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "output activation %s of a network that may be normalised: its "
                             "gradient needs the pre-activation, which is not kept",
                             udy_activation_name(c->mlp.output));
    // How many layers there may be is udy_mlp_create's to say; dims has no more.
    for (int l = 0; c->unit_weights && l < c->mlp.n_layers && l < UDY_MLP_LAYERS_MAX; l++) {
        if (c->mlp.dims[l] > UDY__TILE_COLS)
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "unit weights for a layer of %d inputs: at most %d",
                                 c->mlp.dims[l], UDY__TILE_COLS);
    }
    return UDY_OK;
}

int udy_net_create(udy_net **out, const udy_net_config *config, udy_error *err) {
    *out = NULL;
    int status = check_config(config, err);
    if (status) return status;
    udy_net *net = udy_alloc(sizeof *net);
    if (!net) return udy_error_set(err, UDY_ENOMEM, "no memory for a network");
    net->config = *config;
    status = udy_mlp_create(&net->mlp, &config->mlp, err);
    net->n_hidden = status ? 0 : config->mlp.n_layers - 1;
    for (int l = 0; l < net->n_hidden; l++) {
        net->gamma_at[l] = net->n_gamma;
        net->n_gamma += (size_t)config->mlp.dims[l + 1];
    }
    net->n_stats = net->n_gamma + (size_t)config->mlp.dims[0];
    if (config->norm == UDY_NORM_NONE) net->n_gamma = 0;
    if (config->norm != UDY_NORM_BATCH) net->n_stats = 0;
    if (!status && net->n_gamma) net->gamma = udy_alloc(net->n_gamma * sizeof(float));
    if (!status && net->n_stats) net->stats = udy_alloc(2 * net->n_stats * sizeof(float));
    if (!status && config->bf16) {
        net->Wb = udy_alloc(net->mlp->n_params * sizeof *net->Wb);
        net->Wtb = udy_alloc(net->mlp->n_transposed * sizeof *net->Wtb);
        if (!net->Wb || !net->Wtb)
            status = udy_error_set(err, UDY_ENOMEM, "no memory for a network");
    }
    if (!status && ((net->n_gamma && !net->gamma) || (net->n_stats && !net->stats)))
        status = udy_error_set(err, UDY_ENOMEM, "no memory for a network");
    if (status)
        udy_net_destroy(net);
    else
        *out = net;
    return status;
}

void udy_net_destroy(udy_net *net) {
    if (!net) return;
    udy_mlp_destroy(net->mlp);
    udy_free(net->gamma);
    udy_free(net->stats);
    udy_free(net->Wb);
    udy_free(net->Wtb);
    udy_free(net);
}

void udy_net_init(udy_net *net, udy_rng *rng) {
    udy_mlp_init(net->mlp, rng);
    for (size_t i = 0; i < net->n_gamma; i++) net->gamma[i] = 1.0f;
    for (size_t i = 0; i < net->n_stats; i++) {
        net->stats[i] = 0.0f;
        net->stats[net->n_stats + i] = 1.0f;
    }
    for (int l = 0; l < net->config.mlp.n_layers; l++) {
        int in = net->config.mlp.dims[l], out = net->config.mlp.dims[l + 1];
        // A normalised layer's bias is its shift beta, which starts at 0.
        if (net->n_gamma && l < net->n_hidden)
            memset(net->mlp->params + net->mlp->bias_at[l], 0, (size_t)out * sizeof(float));
        if (net->config.unit_weights)
            udy__kernels_best()->unit_rows(net->mlp->params + net->mlp->weight_at[l], in, out, in);
    }
    udy__net_sync(net);
}

bool udy__net_is_bf16(const udy_net_config *c, int l) {
    return c->bf16 && l > 0 && c->mlp.dims[l + 1] > UDY__NARROW_MAX;
}

void udy__net_sync(udy_net *net) {
    udy_mlp_sync(net->mlp);
    if (!net->config.bf16) return;
    const udy__kernels *kernels = udy__kernels_best();
    kernels->to_bf16(net->mlp->params, 0, 1, (int)net->mlp->n_params, net->Wb, 0);
    kernels->to_bf16(net->mlp->transposed, 0, 1, (int)net->mlp->n_transposed, net->Wtb, 0);
}

int udy_net_copy(udy_net *to, const udy_net *from) {
    if (to->n_gamma != from->n_gamma || to->n_stats != from->n_stats) return UDY_EINVAL;
    int status = udy_mlp_copy(to->mlp, from->mlp);
    if (status) return status;
    udy__net_sync(to);
    if (to->n_gamma) memcpy(to->gamma, from->gamma, to->n_gamma * sizeof(float));
    if (to->n_stats) memcpy(to->stats, from->stats, 2 * to->n_stats * sizeof(float));
    return UDY_OK;
}

const udy_net_config *udy_net_config_of(const udy_net *net) {
    return &net->config;
}

udy_mlp *udy_net_mlp(udy_net *net) {
    return net->mlp;
}

float *udy_net_gamma(udy_net *net, size_t *n) {
    if (n) *n = net->n_gamma;
    return net->gamma;
}

float *udy_net_stats(udy_net *net, size_t *n) {
    if (n) *n = 2 * net->n_stats;
    return net->stats;
}

//------------------------------------------ Folding -----------------------------------------------

// y = gamma (W x - mean) / sqrt(variance + eps) + beta is a linear map of x; the input's own
// normalisation goes into the first layer, whose inputs it scales and shifts. Sums in double.
int udy_net_fold(const udy_net *net, udy_mlp *out, udy_error *err) {
    if (net->config.norm == UDY_NORM_LAYER)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "LayerNorm depends on the input and cannot be folded into weights");
    if (udy_mlp_copy(out, net->mlp))
        return udy_error_set(err, UDY_EMISMATCH, "folding into a network of another shape");
    if (net->config.norm == UDY_NORM_NONE) return UDY_OK;
    const double eps = net->config.eps;
    const float *mean = net->stats, *variance = net->stats + net->n_stats;
    size_t at = (size_t)net->config.mlp.dims[0];
    for (int l = 0; l < net->config.mlp.n_layers; l++) {
        udy__layer layer = udy__mlp_layer(net->mlp, l);
        float *W = out->params + out->weight_at[l], *b = out->params + out->bias_at[l];
        for (int i = 0; i < layer.out; i++, W += layer.in) {
            double factor = 1, shift = (double)b[i];
            if (l < net->n_hidden) {
                factor = (double)net->gamma[net->gamma_at[l] + (size_t)i] /
                         sqrt((double)variance[at + (size_t)i] + eps);
                shift -= factor * (double)mean[at + (size_t)i];
            }
            for (int j = 0; j < layer.in; j++) {
                double w = factor * (double)W[j];
                if (l == 0) {
                    w /= sqrt((double)variance[j] + eps);
                    shift -= w * (double)mean[j];
                }
                W[j] = (float)w;
            }
            b[i] = (float)shift;
        }
        if (l < net->n_hidden) at += (size_t)layer.out;
    }
    udy_mlp_sync(out);
    return UDY_OK;
}
