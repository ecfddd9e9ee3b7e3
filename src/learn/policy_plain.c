// Policies to and from the form that other software's files are read into and written from
// (udy_plain_policy, io.h): between the readers and writers of io and the policies that act.
#include <string.h>

#include "base/text.h"
#include "learn/policy.h"

_Static_assert(UDY_PLAIN_LAYERS_MAX == UDY_MLP_LAYERS_MAX, "a layer for each layer");
_Static_assert(UDY_PLAIN_ACTIONS_MAX == UDY_ACT_DIM_MAX, "an action for each action");

//------------------------------------------ From plain --------------------------------------------

static int activation_of(udy_activation *out, const char *name, const char *what, udy_error *err) {
    int found = udy_activation_find(name);
    if (found < 0)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: activation '%s' is not one that is known",
                             what, name);
    *out = (udy_activation)found;
    return UDY_OK;
}

static int take_network(udy_policy *policy, const udy_plain_policy *plain, udy_error *err) {
    udy_mlp_config config = {.n_layers = plain->n_layers, .init = UDY_INIT_ZERO};
    int status = activation_of(&config.hidden, plain->activation, policy->name, err);
    if (!status) status = activation_of(&config.output, plain->output, policy->name, err);
    if (status) return status;
    config.dims[0] = plain->obs_dim;
    for (int l = 0; l < plain->n_layers; l++) config.dims[l + 1] = plain->layer[l].out;
    status = udy_mlp_create(&policy->mlp, &config, err);
    if (status) return status;
    for (int l = 0; l < plain->n_layers; l++) {
        const udy_plain_layer *layer = &plain->layer[l];
        size_t rows = (size_t)layer->out;
        memcpy(udy_mlp_param(policy->mlp, 2 * l).data, layer->weight,
               rows * (size_t)layer->in * sizeof(float));
        memcpy(udy_mlp_param(policy->mlp, 2 * l + 1).data, layer->bias, rows * sizeof(float));
    }
    udy_mlp_sync(policy->mlp);
    return UDY_OK;
}

static void take_facts(udy_policy *policy, const udy_plain_policy *plain) {
    policy->obs_dim = plain->obs_dim;
    policy->act_dim = plain->act_dim;
    policy->contact_obs = plain->contact_obs;
    policy->bounded = plain->bounded;
    policy->clip = plain->clip;
    for (int k = 0; k < plain->act_dim; k++) {
        policy->low[k] = plain->bounded ? plain->low[k] : -1;
        policy->high[k] = plain->bounded ? plain->high[k] : 1;
    }
}

static int take_head(udy_policy *policy, const udy_plain_policy *plain, udy_error *err) {
    if (!plain->log_std_weight) return UDY_OK;
    for (int i = 0; udy__log_std_bound_names[i]; i++)
        if (!strcmp(plain->log_std_bound, udy__log_std_bound_names[i]))
            return udy__head_init(policy, plain->log_std_weight, plain->log_std_bias,
                                  (udy_log_std_bound)i, plain->log_std_range, err);
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "%s: log_std is bounded by '%s', expected 'clamp' or 'squash'",
                         policy->name, plain->log_std_bound);
}

int udy_policy_from_plain(udy_policy **out, const udy_plain_policy *plain, const char *name,
                          udy_error *err) {
    *out = NULL;
    int status = udy_plain_check(plain, name, err);
    if (status) return status;
    udy_policy *policy = udy__policy_new(name, plain->task);
    if (!policy) return udy__policy_no_memory(err);
    take_facts(policy, plain);
    status = take_network(policy, plain, err);
    if (!status) status = udy__policy_scale(policy, err);
    if (!status && plain->obs_low)
        status = udy__policy_clip_obs(policy, plain->obs_low, plain->obs_high, err);
    if (!status) status = take_head(policy, plain, err);
    if (status)
        udy_policy_destroy(policy);
    else
        *out = policy;
    return status;
}

//------------------------------------------ To plain ----------------------------------------------

// Names in the plain form have a fixed place; ours all fit.
static int give_word(char *out, size_t size, const char *word, const char *what, udy_error *err) {
    size_t n = strlen(word);
    char shown[UDY__SHOW_MAX];
    if (n >= size)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: '%s' is longer than %zu characters", what,
                             udy__text_show(shown, word, n), size - 1);
    memcpy(out, word, n + 1);
    return UDY_OK;
}

static void give_layers(udy_plain_policy *out, const udy_mlp *mlp) {
    for (int l = 0; l < out->n_layers; l++) {
        udy_param weight = udy_mlp_param(mlp, 2 * l);
        out->layer[l] = (udy_plain_layer){.in = weight.cols,
                                          .out = weight.rows,
                                          .weight = weight.data,
                                          .bias = udy_mlp_param(mlp, 2 * l + 1).data};
    }
}

int udy_policy_plain(udy_plain_policy *out, const udy_policy *policy, udy_error *err) {
    *out = (udy_plain_policy){0};
    if (!policy->mlp)
        return udy_error_set(err, UDY_EUNSUPPORTED, "the random policy has no weights");
    const udy_mlp_config *config = udy_mlp_config_of(policy->mlp);
    udy_plain_policy p = {.n_layers = config->n_layers,
                          .obs_dim = policy->obs_dim,
                          .act_dim = policy->act_dim,
                          .obs_low = policy->obs_low,
                          .obs_high = policy->obs_high,
                          .bounded = policy->bounded,
                          .clip = policy->clip,
                          .contact_obs = policy->contact_obs};
    give_layers(&p, policy->mlp);
    memcpy(p.low, policy->low, sizeof p.low);
    memcpy(p.high, policy->high, sizeof p.high);
    int status = give_word(p.activation, sizeof p.activation, udy_activation_name(config->hidden),
                           policy->name, err);
    if (!status)
        status = give_word(p.output, sizeof p.output, udy_activation_name(config->output),
                           policy->name, err);
    if (!status) status = give_word(p.task, sizeof p.task, policy->task, policy->name, err);
    const udy__head *head = &policy->head;
    if (!status && head->joint) {
        udy__head_tensors(policy, &p.log_std_weight, &p.log_std_bias);
        memcpy(p.log_std_range, head->range, sizeof p.log_std_range);
        status = give_word(p.log_std_bound, sizeof p.log_std_bound,
                           udy__log_std_bound_names[head->bound], policy->name, err);
    }
    if (!status) *out = p;
    return status;
}
