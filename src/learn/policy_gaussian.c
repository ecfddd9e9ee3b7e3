// Gaussian policies: actions drawn from tanh(mean + std * N(0, 1)), the distribution that SAC trains
// (Haarnoja et al. 2018, arXiv:1812.05905, appendix C). policy.c has the deterministic use.
#include <math.h>
#include <string.h>

#include "learn/policy.h"

const char *const udy__log_std_bound_names[] = {"clamp", "squash", NULL};
_Static_assert(sizeof udy__log_std_bound_names / sizeof *udy__log_std_bound_names ==
                   UDY_LOG_STD_COUNT + 1,
               "a name for each bound");

// exp(100) times a normal draw is still a number.
static const double widest_log_std = 100;

static int check_head(const udy_policy *policy, udy_log_std_bound bound, const double range[2],
                      udy_error *err) {
    udy_activation output = udy_mlp_config_of(policy->mlp)->output;
    if (output != UDY_TANH && output != UDY_IDENTITY)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: a log_std head beside an output of %s; a Gaussian's output is "
                             "tanh or identity",
                             policy->name, udy_activation_name(output));
    if ((unsigned)bound >= UDY_LOG_STD_COUNT)
        return udy_error_set(err, UDY_EINVAL, "%s: log_std_bound %d; there are %d", policy->name,
                             (int)bound, UDY_LOG_STD_COUNT);
    // Not negated: a NaN is in no range.
    if (range[0] >= -widest_log_std && range[0] < range[1] && range[1] <= widest_log_std)
        return UDY_OK;
    return udy_error_set(err, UDY_EINVAL,
                         "%s: log_std in [%g, %g]; expected low end first, within [-%g, %g]",
                         policy->name, range[0], range[1], widest_log_std, widest_log_std);
}

static int check_finite(const udy_policy *policy, const char *what, const float *data, size_t n,
                        udy_error *err) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(data[i]))
            return udy_error_set(err, UDY_ENONFINITE, "%s: tensor '%s' holds %g at element %zu",
                                 policy->name, what, (double)data[i], i);
    return UDY_OK;
}

static udy_param last_weight(const udy_mlp *mlp) {
    return udy_mlp_param(mlp, udy_mlp_param_count(mlp) - 2);
}
static udy_param last_bias(const udy_mlp *mlp) {
    return udy_mlp_param(mlp, udy_mlp_param_count(mlp) - 1);
}

// The head's rows follow the mean's.
static float *head_weight(const udy_policy *policy) {
    udy_param p = last_weight(policy->head.joint);
    return p.data + (size_t)policy->act_dim * (size_t)p.cols;
}
static float *head_bias(const udy_policy *policy) {
    return last_bias(policy->head.joint).data + policy->act_dim;
}

void udy__head_tensors(const udy_policy *policy, const float **weight, const float **bias) {
    *weight = head_weight(policy);
    *bias = head_bias(policy);
}

// Layers below the last are the network's; the last has the mean's rows, then the head's.
static void fill_joint(udy_policy *policy, const float *weight, const float *bias) {
    udy_mlp *joint = policy->head.joint;
    for (int i = 0; i < udy_mlp_param_count(policy->mlp); i++) {
        udy_param from = udy_mlp_param(policy->mlp, i);
        memcpy(udy_mlp_param(joint, i).data, from.data,
               (size_t)from.rows * (size_t)from.cols * sizeof(float));
    }
    size_t A = (size_t)policy->act_dim, H = (size_t)last_weight(joint).cols;
    memcpy(head_weight(policy), weight, A * H * sizeof(float));
    memcpy(head_bias(policy), bias, A * sizeof(float));
    udy_mlp_sync(joint);
}

int udy__head_init(udy_policy *policy, const float *weight, const float *bias,
                   udy_log_std_bound bound, const double range[2], udy_error *err) {
    udy_mlp_config config = *udy_mlp_config_of(policy->mlp);
    size_t A = (size_t)policy->act_dim, H = (size_t)config.dims[config.n_layers - 1];
    int status = check_head(policy, bound, range, err);
    if (!status) status = check_finite(policy, "log_std.weight", weight, A * H, err);
    if (!status) status = check_finite(policy, "log_std.bias", bias, A, err);
    if (status) return status;
    config.dims[config.n_layers] = 2 * policy->act_dim;
    config.output = UDY_IDENTITY;
    status = udy_mlp_create(&policy->head.joint, &config, err);
    if (status) return status;
    policy->head.bound = bound;
    policy->head.range[0] = range[0];
    policy->head.range[1] = range[1];
    fill_joint(policy, weight, bias);
    return UDY_OK;
}

static double bounded_log_std(const udy__head *g, double z) {
    double low = g->range[0], high = g->range[1];
    if (g->bound == UDY_LOG_STD_SQUASH) return low + 0.5 * (high - low) * (tanh(z) + 1);
    return fmin(fmax(z, low), high);
}

int udy__head_check(const udy_policy *policy, udy_error *err) {
    if (policy->head.joint) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL,
                         "policy %s has no Gaussian head (log_std.weight, log_std.bias) to sample "
                         "from: it can only act as it is",
                         policy->name);
}

int udy_policy_sample(const udy_policy *policy, const double *obs, float *action, float *scratch,
                      udy_rng *rng, udy_error *err) {
    const udy__head *g = &policy->head;
    int status = udy__head_check(policy, err);
    if (status) return status;
    float heads[2 * UDY_ACT_DIM_MAX];
    udy_mlp_forward_row(g->joint, udy__policy_input(policy, obs, scratch), heads, scratch);
    bool squashed = udy_mlp_config_of(policy->mlp)->output == UDY_TANH;
    for (int k = 0; k < policy->act_dim; k++) {
        double log_std = bounded_log_std(g, (double)heads[policy->act_dim + k]);
        double u = (double)heads[k] + exp(log_std) * udy_rng_normal(rng);
        action[k] = (float)(squashed ? tanh(u) : u);
    }
    udy__policy_finish(policy, action, 1);
    return UDY_OK;
}
