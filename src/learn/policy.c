// Policies: a network with what it was made for, read from and written to policy files
// (understudy.policy/1). Sits between files and everything that acts: rollouts, labels, evaluation.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "understudy/learn.h"

static const char policy_format[] = "understudy.policy/1";

typedef struct pair {
    char *key, *value;
} pair;

struct udy_policy {
    udy_mlp *mlp;  // NULL: uniformly random
    int obs_dim, act_dim;
    double low[UDY_ACT_DIM_MAX], high[UDY_ACT_DIM_MAX];
    char *name, *task;
    bool contact_obs;
    pair *metadata;  // what the file said besides
    size_t n_metadata;
};

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a policy");
}

static udy_policy *policy_new(const char *name, const char *task) {
    udy_policy *policy = udy_alloc(sizeof *policy);
    if (!policy) return NULL;
    policy->name = udy_strdup(name);
    policy->task = udy_strdup(task);
    if (!policy->name || !policy->task) {
        udy_policy_destroy(policy);
        return NULL;
    }
    return policy;
}

void udy_policy_destroy(udy_policy *policy) {
    if (!policy) return;
    udy_mlp_destroy(policy->mlp);
    for (size_t i = 0; i < policy->n_metadata; i++) {
        udy_free(policy->metadata[i].key);
        udy_free(policy->metadata[i].value);
    }
    udy_free(policy->metadata);
    udy_free(policy->name);
    udy_free(policy->task);
    udy_free(policy);
}

static void take_task_facts(udy_policy *policy, const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    policy->obs_dim = info->obs_dim;
    policy->act_dim = info->act_dim;
    policy->contact_obs = udy_task_config_of(task)->contact_obs;
    memcpy(policy->low, info->act_low, sizeof policy->low);
    memcpy(policy->high, info->act_high, sizeof policy->high);
}

int udy_policy_random(udy_policy **out, const udy_task *task, udy_error *err) {
    *out = policy_new("random", udy_task_info_of(task)->id);
    if (!*out) return out_of_memory(err);
    take_task_facts(*out, task);
    return UDY_OK;
}

int udy_policy_from_mlp(udy_policy **out, const udy_mlp *mlp, const udy_task *task,
                        udy_error *err) {
    const udy_mlp_config *config = udy_mlp_config_of(mlp);
    const udy_task_info *info = udy_task_info_of(task);
    *out = NULL;
    if (config->dims[0] != info->obs_dim || config->dims[config->n_layers] != info->act_dim)
        return udy_error_set(err, UDY_EMISMATCH, "the network maps %d to %d numbers, %s %d to %d",
                             config->dims[0], config->dims[config->n_layers], info->id,
                             info->obs_dim, info->act_dim);
    udy_policy *policy = policy_new("mlp", info->id);
    if (!policy) return out_of_memory(err);
    take_task_facts(policy, task);
    int status = udy_mlp_create(&policy->mlp, config, err);
    if (!status) status = udy_mlp_copy(policy->mlp, mlp);
    if (status) {
        udy_policy_destroy(policy);
        return status;
    }
    *out = policy;
    return UDY_OK;
}

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

// A Gaussian policy's head is not used, but one of another shape speaks of a damaged file.
static int check_log_std(const udy_safetensors *file, const udy_mlp_config *config,
                         udy_error *err) {
    const int64_t actions = config->dims[config->n_layers],
                  hidden = config->dims[config->n_layers - 1];
    const udy_tensor *unused;
    int status = UDY_OK;
    if (udy_safetensors_find(file, "log_std.weight"))
        status = udy_safetensors_require(file, "log_std.weight", UDY_F32, 2,
                                         (int64_t[]){actions, hidden}, &unused, err);
    if (!status && udy_safetensors_find(file, "log_std.bias"))
        status = udy_safetensors_require(file, "log_std.bias", UDY_F32, 1, (int64_t[]){actions},
                                         &unused, err);
    return status;
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
    static const char *const own[] = {"format",      "task",       "activation",
                                      "output",      "obs_dim",    "act_dim",
                                      "contact_obs", "action_low", "action_high"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!strcmp(own[i], key)) return true;
    return false;
}

static int read_metadata(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    size_t n = udy_safetensors_metadata_count(file);
    policy->metadata = udy_alloc((n + 1) * sizeof *policy->metadata);
    if (!policy->metadata) return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        udy_text_pair from = udy_safetensors_metadata_at(file, i);
        policy->metadata[i] = (pair){udy_strdup(from.key), udy_strdup(from.value)};
        policy->n_metadata = i + 1;
        if (!policy->metadata[i].key || !policy->metadata[i].value) return out_of_memory(err);
    }
    return UDY_OK;
}

// Numbers separated by spaces, exactly n of them, low below high.
static bool parse_bounds(const char *text, int n, double *out) {
    for (int i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(text, &end);
        if (end == text || !isfinite(out[i])) return false;
        text = end;
    }
    return text[strspn(text, " ")] == '\0';
}

static int read_bounds(udy_policy *policy, const udy_safetensors *file, udy_error *err) {
    for (int i = 0; i < policy->act_dim; i++) {
        policy->low[i] = -1;
        policy->high[i] = 1;
    }
    const char *low = udy_safetensors_metadata(file, "action_low");
    const char *high = udy_safetensors_metadata(file, "action_high");
    if (!low && !high) return UDY_OK;  // what tanh gives
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
    if (!status) status = check_log_std(file, &config, err);
    if (status) return status;
    if (config.dims[config.n_layers] > UDY_ACT_DIM_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %d actions; at most %d are supported",
                             path, config.dims[config.n_layers], UDY_ACT_DIM_MAX);
    const char *contact = udy_safetensors_metadata(file, "contact_obs");
    if (contact && strcmp(contact, "true") && strcmp(contact, "false"))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: metadata 'contact_obs' is '%s', expected 'true' or "
                             "'false'",
                             path, show(&s, contact));
    const char *task = udy_safetensors_metadata(file, "task");
    udy_policy *policy = policy_new(path, task ? task : "");
    if (!policy) return out_of_memory(err);
    policy->contact_obs = contact && !strcmp(contact, "true");
    policy->obs_dim = config.dims[0];
    policy->act_dim = config.dims[config.n_layers];
    status = udy_mlp_create(&policy->mlp, &config, err);
    if (!status) status = refuse_strangers(file, policy->mlp, err);
    if (!status) status = read_params(file, policy->mlp, err);
    if (!status) status = read_bounds(policy, file, err);
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

int udy_policy_save(const udy_policy *policy, const char *path, const udy_text_pair *extra,
                    size_t n_extra, udy_error *err) {
    if (!policy->mlp)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: the random policy has no weights to save",
                             path);
    const udy_mlp_config *config = udy_mlp_config_of(policy->mlp);
    char obs_dim[16], act_dim[16], low[UDY_ACT_DIM_MAX * UDY__NUMBER_MAX],
        high[UDY_ACT_DIM_MAX * UDY__NUMBER_MAX];
    snprintf(obs_dim, sizeof obs_dim, "%d", policy->obs_dim);
    snprintf(act_dim, sizeof act_dim, "%d", policy->act_dim);
    print_bounds(low, sizeof low, policy->low, policy->act_dim);
    print_bounds(high, sizeof high, policy->high, policy->act_dim);
    const udy_text_pair own[] = {
        {"format", policy_format},
        {"task", policy->task},
        {"activation", udy_activation_name(config->hidden)},
        {"output", udy_activation_name(config->output)},
        {"obs_dim", obs_dim},
        {"act_dim", act_dim},
        {"contact_obs", policy->contact_obs ? "true" : "false"},
        {"action_low", low},
        {"action_high", high},
    };
    const size_t n_own = sizeof own / sizeof own[0];
    udy_text_pair *metadata = udy_alloc((n_own + n_extra) * sizeof *metadata);
    if (!metadata) return out_of_memory(err);
    size_t n_metadata = 0;
    for (size_t i = 0; i < n_own; i++) metadata[n_metadata++] = own[i];
    for (size_t i = 0; i < n_extra; i++)
        if (!is_own_key(extra[i].key)) metadata[n_metadata++] = extra[i];
    udy_tensor tensors[2 * UDY_MLP_LAYERS_MAX];
    udy_param params[2 * UDY_MLP_LAYERS_MAX];
    int n = udy_mlp_param_count(policy->mlp);
    for (int i = 0; i < n; i++) {
        params[i] = udy_mlp_param(policy->mlp, i);
        bool bias = params[i].cols == 1 && strstr(params[i].name, "bias");
        tensors[i] = (udy_tensor){
            .name = params[i].name,
            .dtype = UDY_F32,
            .ndim = bias ? 1 : 2,
            .shape = {params[i].rows, params[i].cols},
            .data = params[i].data,
            .n_bytes = sizeof(float) * (size_t)params[i].rows * (size_t)params[i].cols};
    }
    int status = udy_safetensors_write(path, tensors, (size_t)n, metadata, n_metadata, err);
    udy_free(metadata);
    return status;
}

//------------------------------------------ Use ---------------------------------------------------

int udy_policy_check(const udy_policy *policy, const udy_task *task, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    bool contact = udy_task_config_of(task)->contact_obs;
    shown s;
    if (policy->task[0] && strcmp(policy->task, info->id))
        return udy_error_set(err, UDY_EMISMATCH, "policy %s is for task %s, not %s", policy->name,
                             show(&s, policy->task), info->id);
    if (policy->contact_obs != contact && policy->mlp)
        return udy_error_set(err, UDY_EMISMATCH,
                             "policy %s takes observations %s contact forces, "
                             "task %s gives them %s (--set contact_obs=%s)",
                             policy->name, policy->contact_obs ? "with" : "without", info->id,
                             contact ? "with" : "without", policy->contact_obs ? "true" : "false");
    if (policy->obs_dim != info->obs_dim || policy->act_dim != info->act_dim)
        return udy_error_set(err, UDY_EMISMATCH,
                             "policy %s maps %d observations to %d actions, task "
                             "%s has %d and %d",
                             policy->name, policy->obs_dim, policy->act_dim, info->id,
                             info->obs_dim, info->act_dim);
    return UDY_OK;
}

size_t udy_policy_scratch_size(const udy_policy *policy) {
    return policy->mlp ? udy_mlp_scratch_size(policy->mlp) + (size_t)policy->obs_dim : 1;
}

void udy_policy_act(const udy_policy *policy, const double *obs, float *action, float *scratch,
                    udy_rng *rng) {
    if (!policy->mlp) {
        for (int i = 0; i < policy->act_dim; i++)
            action[i] = (float)udy_rng_uniform(rng, policy->low[i], policy->high[i]);
        return;
    }
    float *x = scratch + udy_mlp_scratch_size(policy->mlp);
    for (int i = 0; i < policy->obs_dim; i++) x[i] = (float)obs[i];
    udy_mlp_forward_row(policy->mlp, x, action, scratch);
}

int udy_policy_label(const udy_policy *policy, udy_pool *pool, const float *obs, size_t n,
                     float *actions, udy_error *err) {
    if (!policy->mlp)
        return udy_error_set(err, UDY_EINVAL, "the random policy cannot label observations");
    udy_mlp_workspace *ws;
    int status = udy_mlp_workspace_create(&ws, policy->mlp, 4096, err);
    if (status) return status;
    udy_mlp_predict(policy->mlp, ws, pool, obs, n, actions);
    udy_mlp_workspace_destroy(ws);
    return UDY_OK;
}

const udy_mlp *udy_policy_mlp(const udy_policy *policy) {
    return policy->mlp;
}
const char *udy_policy_name(const udy_policy *policy) {
    return policy->name;
}
const char *udy_policy_task(const udy_policy *policy) {
    return policy->task;
}
bool udy_policy_contact_obs(const udy_policy *policy) {
    return policy->contact_obs;
}

const char *udy_policy_metadata(const udy_policy *policy, const char *key) {
    for (size_t i = 0; i < policy->n_metadata; i++)
        if (!strcmp(policy->metadata[i].key, key)) return policy->metadata[i].value;
    return NULL;
}

uint64_t udy_policy_hash(const udy_policy *policy) {
    if (!policy->mlp) return 0;
    const udy_mlp_config *c = udy_mlp_config_of(policy->mlp);
    size_t n;
    const float *params = udy_mlp_params(policy->mlp, &n);
    uint64_t parts[UDY_MLP_LAYERS_MAX + 4] = {udy_hash(params, n * sizeof *params), c->hidden,
                                              c->output};
    for (int i = 0; i <= c->n_layers; i++) parts[3 + i] = (uint64_t)c->dims[i];
    return udy_hash(parts, sizeof parts);
}
