// What every writer of policies needs: is the policy one that can be written, which activations are
// there, what are its facts, and what is its action. See export.h.
#include "io/export.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

//------------------------------------------ Activations -------------------------------------------

static double value_identity(double z) {
    return z;
}
static double value_relu(double z) {
    return z < 0 ? 0 : z;
}
static double value_sigmoid(double z) {
    return 1 / (1 + exp(-z));
}
static double value_elu(double z) {
    return z > 0 ? z : expm1(z);
}
static double value_silu(double z) {
    return z / (1 + exp(-z));
}
static double value_gelu(double z) {
    return 0.5 * z * (1 + erf(z * 0.70710678118654752));
}
static double value_leaky_relu(double z) {
    return z < 0 ? 0.01 * z : z;
}
static double value_softplus(double z) {
    return (z < 0 ? 0 : z) + log1p(exp(-fabs(z)));
}

// In the C text comparisons are turned so that a NaN comes out as a NaN.
static const udy__activation activations[] = {
    {.name = "identity", .value = value_identity},
    {.name = "relu",
     .value = value_relu,
     .c = "z < 0.0f ? 0.0f : z",
     .step = {{.op = "Relu", .n_in = 1}}},
    {.name = "tanh",
     .value = tanh,
     .c = "tanhf(z)",
     .c_math = true,
     .step = {{.op = "Tanh", .n_in = 1}}},
    {.name = "sigmoid",
     .value = value_sigmoid,
     .c = "1.0f / (1.0f + expf(-z))",
     .c_math = true,
     .step = {{.op = "Sigmoid", .n_in = 1}}},
    {.name = "elu",
     .value = value_elu,
     .c = "z > 0.0f ? z : expm1f(z)",
     .c_math = true,
     .step = {{.op = "Elu", .n_in = 1, .alpha = 1}}},
    {.name = "silu",
     .value = value_silu,
     .c = "z / (1.0f + expf(-z))",
     .c_math = true,
     .step = {{.op = "Sigmoid", .n_in = 1}, {.op = "Mul", .n_in = 2, .in = {0, 1}}}},
    {.name = "gelu",  // the operator of that name is younger than our opset
     .value = value_gelu,
     .c = "0.5f * z * (1.0f + erff(z * 0.707106781f))",
     .c_math = true,
     .constant = {0.707106781f, 1, 0.5f},
     .step = {{.op = "Mul", .n_in = 2, .in = {0, -1}},
              {.op = "Erf", .n_in = 1, .in = {1}},
              {.op = "Add", .n_in = 2, .in = {2, -2}},
              {.op = "Mul", .n_in = 2, .in = {0, 3}},
              {.op = "Mul", .n_in = 2, .in = {4, -3}}}},
    {.name = "leaky_relu",
     .value = value_leaky_relu,
     .c = "z < 0.0f ? 0.01f * z : z",
     .step = {{.op = "LeakyRelu", .n_in = 1, .alpha = 0.01f}}},
    {.name = "softplus",
     .value = value_softplus,
     .c = "(z < 0.0f ? 0.0f : z) + log1pf(expf(-fabsf(z)))",
     .c_math = true,
     .step = {{.op = "Softplus", .n_in = 1}}},
};

const udy__activation *udy__activation_of(const char *name) {
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++)
        if (!strcmp(activations[i].name, name)) return &activations[i];
    return NULL;
}

//------------------------------------------ Checks ------------------------------------------------

static int check_word(const char *word, size_t size, const char *which, const char *what,
                      udy_error *err) {
    bool ended = memchr(word, '\0', size) != NULL;
    if (ended && udy__activation_of(word)) return UDY_OK;
    char shown[UDY__SHOW_MAX];
    return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %s '%s' is not one that can be exported", what,
                         which, udy__text_show(shown, word, strnlen(word, size)));
}

static int check_layer(const udy_plain_policy *p, int l, const char *what, udy_error *err) {
    const udy_plain_layer *layer = &p->layer[l];
    int in = l ? p->layer[l - 1].out : p->obs_dim;
    if (layer->in != in || layer->out < 1 || layer->out > 1 << 16 || layer->in > 1 << 16)
        return udy_error_set(
            err, UDY_EINVAL,
            "%s: layer %d maps %d numbers to %d, expected from %d to at most 65536", what, l,
            layer->in, layer->out, in);
    if (!layer->weight || !layer->bias)
        return udy_error_set(err, UDY_EINVAL, "%s: layer %d has no weight or no bias", what, l);
    const size_t rows = (size_t)layer->out, n = rows * (size_t)layer->in;
    for (size_t i = 0; i < n + rows; i++) {
        float x = i < n ? layer->weight[i] : layer->bias[i - n];
        if (!isfinite(x))
            return udy_error_set(err, UDY_ENONFINITE, "%s: layer %d's %s holds %g at element %zu",
                                 what, l, i < n ? "weight" : "bias", (double)x, i < n ? i : i - n);
    }
    return UDY_OK;
}

static int check_bounds(const udy_plain_policy *p, const char *what, udy_error *err) {
    const bool scales = !strcmp(p->output, "tanh");
    if (!p->bounded && (scales || p->clip))
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: no action bounds to %s the output to; make the policy with "
                             "action_low and action_high in its metadata",
                             what, scales ? "scale" : "clip");
    for (int k = 0; p->bounded && k < p->act_dim; k++) {
        bool finite = isfinite(p->low[k]) && isfinite(p->high[k]);
        if (isnan(p->low[k]) || isnan(p->high[k]) ||
            ((scales || p->clip) && !(p->low[k] < p->high[k])) || (scales && !finite))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: action %d is bounded by [%g, %g], expected the low end first"
                                 "%s",
                                 what, k, p->low[k], p->high[k], scales ? ", both finite" : "");
    }
    return UDY_OK;
}

int udy_plain_check(const udy_plain_policy *policy, const char *what, udy_error *err) {
    if (!policy) return udy_error_set(err, UDY_EINVAL, "%s: no policy given", what);
    if (policy->n_layers < 1 || policy->n_layers > UDY_PLAIN_LAYERS_MAX || policy->obs_dim < 1 ||
        policy->act_dim < 1 || policy->act_dim > UDY_PLAIN_ACTIONS_MAX ||
        policy->layer[policy->n_layers - 1].out != policy->act_dim)
        return udy_error_set(err, UDY_EINVAL,
                             "%s: %d layers from %d observations to %d actions, expected 1 to %d "
                             "layers, the last one's size the actions', at most %d",
                             what, policy->n_layers, policy->obs_dim, policy->act_dim,
                             UDY_PLAIN_LAYERS_MAX, UDY_PLAIN_ACTIONS_MAX);
    for (int l = 0; l < policy->n_layers; l++) {
        int code = check_layer(policy, l, what, err);
        if (code) return code;
    }
    for (int i = 0; policy->obs_low && policy->obs_high && i < policy->obs_dim; i++) {
        const double low = policy->obs_low[i], high = policy->obs_high[i];
        if (!(low < high) || !isfinite((float)low) || !isfinite((float)high))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: observation %d is to be clipped to [%g, %g], expected two "
                                 "numbers, the low end first",
                                 what, i, low, high);
    }
    if (!policy->obs_low != !policy->obs_high)
        return udy_error_set(err, UDY_EINVAL, "%s: observations are clipped at one end only", what);
    if (!policy->log_std_weight != !policy->log_std_bias)
        return udy_error_set(err, UDY_EINVAL, "%s: half a head: weight or bias of log_std missing",
                             what);
    int code = check_word(policy->activation, sizeof policy->activation, "activation", what, err);
    if (!code) code = check_word(policy->output, sizeof policy->output, "output", what, err);
    return code ? code : check_bounds(policy, what, err);
}

//------------------------------------------ Actions -----------------------------------------------

void udy__ending_of(udy__ending *out, const udy_plain_policy *policy) {
    *out = (udy__ending){.clip = policy->clip};
    for (int k = 0; k < policy->act_dim && policy->bounded; k++) {
        const double low = policy->low[k], high = policy->high[k];
        out->low[k] = (float)low;
        out->high[k] = (float)high;
        if (strcmp(policy->output, "tanh") != 0) continue;
        out->mid[k] = (float)(0.5 * (low + high));
        out->half[k] = (float)(0.5 * (high - low));
        out->scale |= low != -1 || high != 1;  // else the output is the action, to the bit
    }
}

void udy__plain_see(const udy_plain_policy *policy, const float *obs, float *seen) {
    for (int i = 0; i < policy->obs_dim; i++) {
        float x = obs[i];
        if (policy->obs_low && x < (float)policy->obs_low[i]) x = (float)policy->obs_low[i];
        if (policy->obs_low && x > (float)policy->obs_high[i]) x = (float)policy->obs_high[i];
        seen[i] = x;
    }
}

int udy__plain_widest(const udy_plain_policy *policy) {
    int widest = policy->obs_dim;
    for (int l = 0; l < policy->n_layers; l++)
        if (policy->layer[l].out > widest) widest = policy->layer[l].out;
    return widest;
}

void udy__plain_act(const udy_plain_policy *policy, const float *obs, double *action,
                    double *scratch) {
    double *x = scratch, *y = scratch + udy__plain_widest(policy);
    float *seen = (float *)(void *)y;  // y has no use yet
    udy__plain_see(policy, obs, seen);
    for (int i = 0; i < policy->obs_dim; i++) x[i] = seen[i];
    for (int l = 0; l < policy->n_layers; l++) {
        const udy_plain_layer *layer = &policy->layer[l];
        const bool last = l == policy->n_layers - 1;
        const udy__activation *f = udy__activation_of(last ? policy->output : policy->activation);
        for (int o = 0; o < layer->out; o++) {
            const float *row = layer->weight + (size_t)o * (size_t)layer->in;
            double sum = layer->bias[o];
            for (int i = 0; i < layer->in; i++) sum += row[i] * x[i];
            y[o] = f->value(sum);
        }
        double *swap = x;
        x = y;
        y = swap;
    }
    const bool scale = strcmp(policy->output, "tanh") == 0;
    for (int k = 0; k < policy->act_dim; k++) {
        const double low = policy->low[k], high = policy->high[k];
        double a = scale ? 0.5 * (low + high) + 0.5 * (high - low) * x[k] : x[k];
        if (policy->clip) a = a < low ? low : a > high ? high : a;
        action[k] = a;
    }
}

//------------------------------------------ Facts -------------------------------------------------

static void print_bounds(char *text, size_t size, const double *bounds, int n) {
    size_t used = 0;
    for (int k = 0; k < n && used < size; k++) {
        char number[UDY__NUMBER_MAX];
        udy__double_print(number, bounds[k]);
        used += (size_t)snprintf(text + used, size - used, "%s%s", k ? " " : "", number);
    }
}

static void say(udy__facts *facts, const char *key, const char *value) {
    for (size_t i = 0; i < facts->n; i++)
        if (!strcmp(facts->pairs[i].key, key)) return;  // the policy itself knows better
    facts->pairs[facts->n++] = (udy_text_pair){key, value};
}

static void say_head(udy__facts *facts, const udy_plain_policy *policy) {
    udy__double_print(facts->log_std_min, policy->log_std_range[0]);
    udy__double_print(facts->log_std_max, policy->log_std_range[1]);
    say(facts, "log_std_bound", policy->log_std_bound);
    say(facts, "log_std_min", facts->log_std_min);
    say(facts, "log_std_max", facts->log_std_max);
}

int udy__facts_of(udy__facts **out, const udy_plain_policy *policy, bool with_head,
                  const udy_text_pair *extra, size_t n_extra, udy_error *err) {
    udy__facts *facts;
    const size_t pairs = (16 + n_extra) * sizeof facts->pairs[0];
    const size_t ends = policy->obs_low ? (size_t)policy->obs_dim * UDY__NUMBER_MAX : 0;
    *out = facts = udy_alloc(sizeof *facts + pairs + 2 * ends);
    if (!facts) return udy_error_set(err, UDY_ENOMEM, "no memory for a policy's metadata");
    snprintf(facts->obs_dim, sizeof facts->obs_dim, "%d", policy->obs_dim);
    snprintf(facts->act_dim, sizeof facts->act_dim, "%d", policy->act_dim);
    say(facts, "task", policy->task);
    say(facts, "activation", policy->activation);
    say(facts, "output", policy->output);
    say(facts, "obs_dim", facts->obs_dim);
    say(facts, "act_dim", facts->act_dim);
    say(facts, "contact_obs", policy->contact_obs ? "true" : "false");
    if (policy->bounded) {
        print_bounds(facts->low, sizeof facts->low, policy->low, policy->act_dim);
        print_bounds(facts->high, sizeof facts->high, policy->high, policy->act_dim);
        say(facts, "action_low", facts->low);
        say(facts, "action_high", facts->high);
        say(facts, "action_clip", policy->clip ? "true" : "false");
    }
    if (policy->obs_low) {
        facts->obs_low = (char *)(facts->pairs + 16 + n_extra);
        facts->obs_high = facts->obs_low + ends;
        print_bounds(facts->obs_low, ends, policy->obs_low, policy->obs_dim);
        print_bounds(facts->obs_high, ends, policy->obs_high, policy->obs_dim);
        say(facts, "obs_low", facts->obs_low);
        say(facts, "obs_high", facts->obs_high);
    }
    if (with_head && policy->log_std_weight) say_head(facts, policy);
    for (size_t i = 0; i < n_extra; i++) say(facts, extra[i].key, extra[i].value);
    // Readers give up on a whole file over one such string.
    for (size_t i = 0; i < facts->n; i++) {
        const udy_text_pair pair = facts->pairs[i];
        if (udy__utf8_valid(pair.key) && udy__utf8_valid(pair.value)) continue;
        char key[UDY__SHOW_MAX];
        udy_free(facts);
        *out = NULL;
        return udy_error_set(err, UDY_EINVAL, "metadata '%s' is not UTF-8",
                             udy__text_show(key, pair.key, strlen(pair.key)));
    }
    return UDY_OK;
}
