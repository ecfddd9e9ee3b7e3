// Policy files (understudy.policy/1): read with every shape, number and word checked, and written so
// that reading gives the same policy. policy.c has what a policy does.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "learn/policy.h"

static const char policy_format[] = "understudy.policy/1";

//------------------------------------------ Reading -----------------------------------------------

// What a file says, as it may stand in a message.
typedef struct shown {
    char text[UDY__SHOW_MAX];
} shown;

static const char *show(shown *out, const char *text) {
    return text ? udy__text_show(out->text, text, strlen(text)) : "(absent)";
}

static int read_activation(const udy_safetensors *file, const char *key, const char *fallback,
                           udy_activation *out, udy_error *err) {
    const char *text = udy_safetensors_metadata(file, key);
    int found = udy_activation_find(text ? text : fallback);
    shown s;
    if (found < 0)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: metadata '%s' is '%s', not an activation "
                             "that is known",
                             udy_safetensors_path(file), key, show(&s, text));
    *out = (udy_activation)found;
    return UDY_OK;
}

// The sizes of the chain net.0, net.2, ... from the weights' shapes; every bias and link checked.
static int read_shapes(const udy_safetensors *file, udy_mlp_config *config, udy_error *err) {
    const char *path = udy_safetensors_path(file);
    for (int l = 0;; l++) {
        char name[32];
        snprintf(name, sizeof name, "net.%d.weight", 2 * l);
        if (!udy_safetensors_find(file, name)) {
            if (l > 0) return UDY_OK;
            return udy_error_set(err, UDY_EFORMAT,
                                 "%s: no tensor 'net.0.weight': not a policy file", path);
        }
        if (l == UDY_MLP_LAYERS_MAX)
            return udy_error_set(err, UDY_EUNSUPPORTED, "%s: more than %d layers", path,
                                 UDY_MLP_LAYERS_MAX);
        const udy_tensor *weight, *bias;
        int status = udy_safetensors_require(
            file, name, UDY_F32, 2, (int64_t[]){-1, l ? config->dims[l] : -1}, &weight, err);
        if (status) return status;
        const int64_t widest = 1 << 16;
        if (weight->shape[0] < 1 || weight->shape[0] > widest || weight->shape[1] < 1 ||
            weight->shape[1] > widest)
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "%s: tensor '%s' has shape [%lld, %lld]; "
                                 "1 to %lld are supported",
                                 path, name, (long long)weight->shape[0],
                                 (long long)weight->shape[1], (long long)widest);
        config->n_layers = l + 1;
        config->dims[l] = (int)weight->shape[1];
        config->dims[l + 1] = (int)weight->shape[0];
        snprintf(name, sizeof name, "net.%d.bias", 2 * l);
        status = udy_safetensors_require(file, name, UDY_F32, 1, (int64_t[]){weight->shape[0]},
                                         &bias, err);
        if (status) return status;
    }
}

static int read_params(const udy_safetensors *file, udy_mlp *mlp, udy_error *err) {
    for (int i = 0; i < udy_mlp_param_count(mlp); i++) {
        udy_param param = udy_mlp_param(mlp, i);
        const udy_tensor *tensor = udy_safetensors_find(file, param.name);
        size_t n = (size_t)param.rows * (size_t)param.cols;
        memcpy(param.data, tensor->data, n * sizeof(float));
        for (size_t k = 0; k < n; k++)
            if (!isfinite(param.data[k]))
                return udy_error_set(err, UDY_ENONFINITE, "%s: tensor '%s' holds %g at element %zu",
                                     udy_safetensors_path(file), param.name, (double)param.data[k],
                                     k);
    }
    udy_mlp_sync(mlp);
    return UDY_OK;
}

static int read_bound(const udy_safetensors *file, udy_log_std_bound *out, udy_error *err) {
    const char *text = udy_safetensors_metadata(file, "log_std_bound");
    *out = UDY_LOG_STD_CLAMP;
    if (!text) return UDY_OK;
    for (int i = 0; udy__log_std_bound_names[i]; i++)
        if (!strcmp(text, udy__log_std_bound_names[i])) {
            *out = (udy_log_std_bound)i;
            return UDY_OK;
        }
    shown s;
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "%s: metadata 'log_std_bound' is '%s', expected 'clamp' or 'squash'",
                         udy_safetensors_path(file), show(&s, text));
}

// What would be a caller's mistake is the file's.
static int as_the_files(int status, udy_error *err) {
    if (status != UDY_EINVAL) return status;
    if (err) err->code = UDY_EFORMAT;
    return UDY_EFORMAT;
}

// A Gaussian policy's head, if there is one: both of its tensors, and how log-std is bounded.
static int read_head(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    if (!udy_safetensors_find(file, "log_std.weight") &&
        !udy_safetensors_find(file, "log_std.bias"))
        return UDY_OK;
    const udy_mlp_config *config = udy_mlp_config_of(policy->mlp);
    const int64_t A = policy->act_dim, H = config->dims[config->n_layers - 1];
    const udy_tensor *weight, *bias;
    int status = udy_safetensors_require(file, "log_std.weight", UDY_F32, 2, (int64_t[]){A, H},
                                         &weight, err);
    if (!status)
        status =
            udy_safetensors_require(file, "log_std.bias", UDY_F32, 1, (int64_t[]){A}, &bias, err);
    udy_log_std_bound bound;
    if (!status) status = read_bound(file, &bound, err);
    if (status) return status;
    double range[2] = {UDY__LOG_STD_MIN, UDY__LOG_STD_MAX};
    const char *low = udy_safetensors_metadata(file, "log_std_min");
    const char *high = udy_safetensors_metadata(file, "log_std_max");
    shown s, t;
    if ((low || high) &&
        !(low && high && udy__double_parse(&range[0], low) && udy__double_parse(&range[1], high)))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: metadata 'log_std_min' is '%s' and 'log_std_max' '%s', expected "
                             "two numbers",
                             policy->name, show(&s, low), show(&t, high));
    return as_the_files(udy__head_init(policy, weight->data, bias->data, bound, range, err), err);
}

// Nothing may hide in a policy file: layers past a gap, or tensors that we would silently ignore.
static int refuse_strangers(const udy_safetensors *file, const udy_mlp *mlp, udy_error *err) {
    for (size_t i = 0; i < udy_safetensors_count(file); i++) {
        shown s;
        const char *name = udy_safetensors_at(file, i)->name;
        bool known = !strcmp(name, "log_std.weight") || !strcmp(name, "log_std.bias");
        for (int k = 0; k < udy_mlp_param_count(mlp) && !known; k++)
            known = !strcmp(name, udy_mlp_param(mlp, k).name);
        if (!known)
            return udy_error_set(err, UDY_EFORMAT,
                                 "%s: tensor '%s' has no place in a network of %d "
                                 "layers",
                                 udy_safetensors_path(file), show(&s, name),
                                 udy_mlp_config_of(mlp)->n_layers);
    }
    return UDY_OK;
}

// Keys that udy_policy_save writes from the policy itself.
static bool is_own_key(const char *key) {
    static const char *const own[] = {"format",      "task",        "activation",    "output",
                                      "obs_dim",     "act_dim",     "contact_obs",   "action_low",
                                      "action_high", "action_clip", "log_std_bound", "log_std_min",
                                      "log_std_max", "obs_low",     "obs_high"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!strcmp(own[i], key)) return true;
    return false;
}

static int read_metadata(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    size_t n = udy_safetensors_metadata_count(file);
    policy->metadata = udy_alloc((n + 1) * sizeof *policy->metadata);
    if (!policy->metadata) return udy__policy_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        udy_text_pair from = udy_safetensors_metadata_at(file, i);
        policy->metadata[i] = (udy__pair){udy_strdup(from.key), udy_strdup(from.value)};
        policy->n_metadata = i + 1;
        if (!policy->metadata[i].key || !policy->metadata[i].value)
            return udy__policy_no_memory(err);
    }
    return UDY_OK;
}

// Numbers separated by spaces, exactly n of them. Actions are float32: so are their bounds.
static bool parse_bounds(const char *text, int n, double *out) {
    for (int i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(text, &end);
        if (end == text || !isfinite((float)out[i])) return false;
        text = end;
    }
    return text[strspn(text, " ")] == '\0';
}

static int read_bounds(udy_policy *policy, const udy_safetensors *file, udy_activation output,
                       udy_error *err) {
    for (int i = 0; i < policy->act_dim; i++) {
        policy->low[i] = -1;
        policy->high[i] = 1;
    }
    const char *low = udy_safetensors_metadata(file, "action_low");
    const char *high = udy_safetensors_metadata(file, "action_high");
    policy->bounded = low || high || output == UDY_TANH;  // [-1, 1] is what tanh gives
    if (!low && !high) return UDY_OK;
    void *locale = udy__locale_enter();
    bool ok = low && high && parse_bounds(low, policy->act_dim, policy->low) &&
              parse_bounds(high, policy->act_dim, policy->high);
    udy__locale_leave(locale);
    for (int i = 0; ok && i < policy->act_dim; i++) ok = policy->low[i] < policy->high[i];
    if (ok) return UDY_OK;
    shown s, t;
    return udy_error_set(err, UDY_EFORMAT,
                         "%s: action_low '%s' and action_high '%s' are not %d "
                         "bounds each, low below high",
                         policy->name, show(&s, low), show(&t, high), policy->act_dim);
}

// A word that is "true" or "false"; absent is false.
static int read_flag(const udy_safetensors *file, const char *key, bool *out, udy_error *err) {
    const char *text = udy_safetensors_metadata(file, key);
    shown s;
    *out = text && !strcmp(text, "true");
    if (!text || *out || !strcmp(text, "false")) return UDY_OK;
    return udy_error_set(err, UDY_EFORMAT, "%s: metadata '%s' is '%s', expected 'true' or 'false'",
                         udy_safetensors_path(file), key, show(&s, text));
}

static int read_clip(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    int status = read_flag(file, "action_clip", &policy->clip, err);
    if (status || !policy->clip || policy->bounded) return status;
    return udy_error_set(err, UDY_EFORMAT,
                         "%s: metadata 'action_clip' is 'true', but there are no action_low and "
                         "action_high to clip to",
                         policy->name);
}

static int read_obs_clip(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    const char *low = udy_safetensors_metadata(file, "obs_low");
    const char *high = udy_safetensors_metadata(file, "obs_high");
    if (!low && !high) return UDY_OK;
    size_t O = (size_t)policy->obs_dim;
    double *ends = udy_alloc(2 * O * sizeof *ends);
    if (!ends) return udy__policy_no_memory(err);
    void *locale = udy__locale_enter();
    bool ok = low && high && parse_bounds(low, policy->obs_dim, ends) &&
              parse_bounds(high, policy->obs_dim, ends + O);
    udy__locale_leave(locale);
    shown s, t;
    int status = ok ? udy__policy_clip_obs(policy, ends, ends + O, err)
                    : udy_error_set(err, UDY_EFORMAT,
                                    "%s: obs_low '%s' and obs_high '%s' are not %zu numbers each",
                                    policy->name, show(&s, low), show(&t, high), O);
    udy_free(ends);
    return as_the_files(status, err);
}

static int read_policy(udy_policy **out, const udy_safetensors *file, udy_error *err) {
    const char *path = udy_safetensors_path(file);
    const char *format = udy_safetensors_metadata(file, "format");
    shown s;
    if (!format || strcmp(format, policy_format))
        return udy_error_set(err, UDY_EFORMAT, "%s: metadata 'format' is '%s', expected '%s'", path,
                             show(&s, format), policy_format);
    udy_mlp_config config = {.init = UDY_INIT_ZERO};
    int status = read_activation(file, "activation", "relu", &config.hidden, err);
    if (!status) status = read_activation(file, "output", "identity", &config.output, err);
    if (!status) status = read_shapes(file, &config, err);
    if (status) return status;
    if (config.dims[config.n_layers] > UDY_ACT_DIM_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %d actions; at most %d are supported",
                             path, config.dims[config.n_layers], UDY_ACT_DIM_MAX);
    bool contact_obs;
    status = read_flag(file, "contact_obs", &contact_obs, err);
    if (status) return status;
    const char *task = udy_safetensors_metadata(file, "task");
    udy_policy *policy = udy__policy_new(path, task ? task : "");
    if (!policy) return udy__policy_no_memory(err);
    policy->contact_obs = contact_obs;
    policy->obs_dim = config.dims[0];
    policy->act_dim = config.dims[config.n_layers];
    status = udy_mlp_create(&policy->mlp, &config, err);
    if (!status) status = refuse_strangers(file, policy->mlp, err);
    if (!status) status = read_params(file, policy->mlp, err);
    if (!status) status = read_bounds(policy, file, config.output, err);
    if (!status) status = udy__policy_scale(policy, err);
    if (!status) status = read_clip(policy, file, err);
    if (!status) status = read_obs_clip(policy, file, err);
    if (!status) status = read_head(policy, file, err);
    if (!status) status = read_metadata(policy, file, err);
    if (status)
        udy_policy_destroy(policy);
    else
        *out = policy;
    return status;
}

int udy_policy_load(udy_policy **out, const char *path, udy_error *err) {
    *out = NULL;
    udy_safetensors *file;
    int status = udy_safetensors_open(&file, path, err);
    if (status) return status;
    status = read_policy(out, file, err);
    udy_safetensors_close(file);
    return status;
}

//------------------------------------------ Writing -----------------------------------------------

static void print_bounds(char *text, size_t size, const double *bounds, int n) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < n && used < size; i++) {
        char number[UDY__NUMBER_MAX];
        udy__double_print(number, bounds[i]);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", number);
    }
}

// What a file says: the format's own keys, then the caller's, then what the policy's file said
// besides. Values of the own keys that are numbers are printed here.
typedef struct sayings {
    char obs_dim[16], act_dim[16];
    char low[UDY_ACT_DIM_MAX * UDY__NUMBER_MAX], high[UDY_ACT_DIM_MAX * UDY__NUMBER_MAX];
    char log_std_min[UDY__NUMBER_MAX], log_std_max[UDY__NUMBER_MAX];
    char *obs_low, *obs_high;  // in the block, after the pairs
    size_t n;
    udy_text_pair pairs[];
} sayings;

static void say(sayings *s, const char *key, const char *value) {
    s->pairs[s->n++] = (udy_text_pair){key, value};
}

static size_t obs_text_size(const udy_policy *policy) {
    return policy->obs_low ? (size_t)policy->obs_dim * UDY__NUMBER_MAX : 0;
}

static void say_own(sayings *s, const udy_policy *policy) {
    const udy_mlp_config *config = udy_mlp_config_of(policy->mlp);
    snprintf(s->obs_dim, sizeof s->obs_dim, "%d", policy->obs_dim);
    snprintf(s->act_dim, sizeof s->act_dim, "%d", policy->act_dim);
    print_bounds(s->low, sizeof s->low, policy->low, policy->act_dim);
    print_bounds(s->high, sizeof s->high, policy->high, policy->act_dim);
    say(s, "format", policy_format);
    say(s, "task", policy->task);
    say(s, "activation", udy_activation_name(config->hidden));
    say(s, "output", udy_activation_name(config->output));
    say(s, "obs_dim", s->obs_dim);
    say(s, "act_dim", s->act_dim);
    say(s, "contact_obs", policy->contact_obs ? "true" : "false");
    if (policy->bounded) {
        say(s, "action_low", s->low);
        say(s, "action_high", s->high);
    }
    if (policy->clip) say(s, "action_clip", "true");
    if (policy->obs_low) {
        const size_t size = obs_text_size(policy);
        print_bounds(s->obs_low, size, policy->obs_low, policy->obs_dim);
        print_bounds(s->obs_high, size, policy->obs_high, policy->obs_dim);
        say(s, "obs_low", s->obs_low);
        say(s, "obs_high", s->obs_high);
    }
    const udy__head *g = &policy->head;
    if (!g->joint) return;
    udy__double_print(s->log_std_min, g->range[0]);
    udy__double_print(s->log_std_max, g->range[1]);
    say(s, "log_std_bound", udy__log_std_bound_names[g->bound]);
    say(s, "log_std_min", s->log_std_min);
    say(s, "log_std_max", s->log_std_max);
}

static bool is_among(const udy_text_pair *pairs, size_t n, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(pairs[i].key, key)) return true;
    return false;
}

static sayings *collect_sayings(const udy_policy *policy, const udy_text_pair *extra,
                                size_t n_extra) {
    const size_t room = 24 + n_extra + policy->n_metadata;
    const size_t pairs = room * sizeof(udy_text_pair);
    sayings *s = udy_alloc(sizeof *s + pairs + 2 * obs_text_size(policy));
    if (!s) return NULL;
    s->obs_low = (char *)(s + 1) + pairs;
    s->obs_high = s->obs_low + obs_text_size(policy);
    say_own(s, policy);
    for (size_t i = 0; i < n_extra; i++)
        if (!is_own_key(extra[i].key)) say(s, extra[i].key, extra[i].value);
    for (size_t i = 0; i < policy->n_metadata; i++) {
        const udy__pair *kept = &policy->metadata[i];
        if (!is_own_key(kept->key) && !is_among(extra, n_extra, kept->key))
            say(s, kept->key, kept->value);
    }
    return s;
}

static udy_tensor tensor_of(const char *name, const float *data, int rows, int cols) {
    return (udy_tensor){.name = name,
                        .dtype = UDY_F32,
                        .ndim = cols ? 2 : 1,  // 0: a bias
                        .shape = {rows, cols},
                        .data = data,
                        .n_bytes = sizeof(float) * (size_t)rows * (size_t)(cols ? cols : 1)};
}

int udy_policy_save(const udy_policy *policy, const char *path, const udy_text_pair *extra,
                    size_t n_extra, udy_error *err) {
    if (!policy->mlp)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: the random policy has no weights to save",
                             path);
    sayings *s = collect_sayings(policy, extra, n_extra);
    if (!s) return udy__policy_no_memory(err);
    const udy_mlp_config *config = udy_mlp_config_of(policy->mlp);
    udy_tensor tensors[2 * UDY_MLP_LAYERS_MAX + 2];
    udy_param params[2 * UDY_MLP_LAYERS_MAX];
    size_t n = (size_t)udy_mlp_param_count(policy->mlp);
    for (size_t i = 0; i < n; i++) {
        params[i] = udy_mlp_param(policy->mlp, (int)i);
        tensors[i] = tensor_of(params[i].name, params[i].data, params[i].rows,
                               i % 2 ? 0 : params[i].cols);  // weight, bias, weight, ...
    }
    if (udy_policy_gaussian(policy)) {
        const float *weight, *bias;
        udy__head_tensors(policy, &weight, &bias);
        tensors[n++] = tensor_of("log_std.weight", weight, policy->act_dim,
                                 config->dims[config->n_layers - 1]);
        tensors[n++] = tensor_of("log_std.bias", bias, policy->act_dim, 0);
    }
    int status = udy_safetensors_write(path, tensors, n, s->pairs, s->n, err);
    udy_free(s);
    return status;
}
