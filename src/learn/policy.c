// Policies: a network with what it was made for, and what turns its output into actions. Sits
// between policy files (policy_file.c) and everything that acts: rollouts, labels, evaluation.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "learn/policy.h"

int udy__policy_no_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a policy");
}

udy_policy *udy__policy_new(const char *name, const char *task) {
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
    udy_mlp_destroy(policy->head.joint);
    for (size_t i = 0; i < policy->n_metadata; i++) {
        udy_free(policy->metadata[i].key);
        udy_free(policy->metadata[i].value);
    }
    udy_free(policy->metadata);
    udy_free(policy->obs_low);
    udy_free(policy->name);
    udy_free(policy->task);
    udy_free(policy);
}

static void take_task_facts(udy_policy *policy, const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    policy->obs_dim = info->obs_dim;
    policy->act_dim = info->act_dim;
    policy->contact_obs = udy_task_config_of(task)->contact_obs;
    policy->bounded = true;
    memcpy(policy->low, info->act_low, sizeof policy->low);
    memcpy(policy->high, info->act_high, sizeof policy->high);
}

int udy__policy_scale(udy_policy *policy, udy_error *err) {
    return udy__scale_of(&policy->scale, udy_mlp_config_of(policy->mlp)->output, policy->low,
                         policy->high, policy->act_dim, policy->name, err);
}

int udy_policy_random(udy_policy **out, const udy_task *task, udy_error *err) {
    *out = udy__policy_new("random", udy_task_info_of(task)->id);
    if (!*out) return udy__policy_no_memory(err);
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
    udy_policy *policy = udy__policy_new("mlp", info->id);
    if (!policy) return udy__policy_no_memory(err);
    take_task_facts(policy, task);
    int status = udy_mlp_create(&policy->mlp, config, err);
    if (!status) status = udy_mlp_copy(policy->mlp, mlp);
    if (!status) status = udy__policy_scale(policy, err);
    if (status) {
        udy_policy_destroy(policy);
        return status;
    }
    *out = policy;
    return UDY_OK;
}

int udy_policy_from_gaussian(udy_policy **out, const udy_mlp *mlp, const float *weight,
                             const float *bias, udy_log_std_bound bound, const double range[2],
                             const udy_task *task, udy_error *err) {
    int status = udy_policy_from_mlp(out, mlp, task, err);
    if (status) return status;
    status = udy__head_init(*out, weight, bias, bound, range, err);
    if (status) {
        udy_policy_destroy(*out);
        *out = NULL;
    }
    return status;
}

//------------------------------------------ Scaling -----------------------------------------------

int udy__scale_of(udy__scale *out, udy_activation output, const double *low, const double *high,
                  int A, const char *what, udy_error *err) {
    *out = (udy__scale){0};
    if (output != UDY_TANH) return UDY_OK;
    for (int k = 0; k < A; k++) {
        // MuJoCo gives [0, 0] for a motor without limits.
        if (!(low[k] < high[k]))
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "%s: action %d has no bounds ([%g, %g]) for a tanh output to be "
                                 "scaled to; use output identity",
                                 what, k, low[k], high[k]);
        out->mid[k] = 0.5 * (low[k] + high[k]);
        out->half[k] = 0.5 * (high[k] - low[k]);
        out->on |= low[k] != -1 || high[k] != 1;
    }
    return UDY_OK;
}

void udy__scale_actions(const udy__scale *scale, float *action, size_t n, int A) {
    for (size_t i = 0; scale->on && i < n; i++)
        for (int k = 0; k < A; k++) {
            float *a = &action[i * (size_t)A + (size_t)k];
            *a = (float)(scale->mid[k] + scale->half[k] * (double)*a);
        }
}

void udy__unscale_actions(const udy__scale *scale, float *action, size_t n, int A) {
    for (size_t i = 0; scale->on && i < n; i++)
        for (int k = 0; k < A; k++) {
            float *a = &action[i * (size_t)A + (size_t)k];
            *a = (float)(((double)*a - scale->mid[k]) / scale->half[k]);
        }
}

// As float32, which actions and what networks see are. A NaN stays one: it must not pass for a bound.
void udy__clip_rows(const double *low, const double *high, float *x, size_t n, int width) {
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < width; k++) {
            float *a = &x[i * (size_t)width + (size_t)k];
            if (*a < (float)low[k]) *a = (float)low[k];
            if (*a > (float)high[k]) *a = (float)high[k];
        }
}

uint64_t udy__scale_hash(const udy__scale *scale, uint64_t hash, int A) {
    if (!scale->on) return hash;
    size_t bytes = (size_t)A * sizeof(double);
    const uint64_t parts[] = {hash, udy_hash(scale->mid, bytes), udy_hash(scale->half, bytes)};
    return udy_hash(parts, sizeof parts);
}

int udy__policy_clip_obs(udy_policy *policy, const double *low, const double *high,
                         udy_error *err) {
    size_t O = (size_t)policy->obs_dim;
    for (size_t i = 0; i < O; i++)
        if (!(low[i] < high[i]) || !isfinite((float)low[i]) || !isfinite((float)high[i]))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: observation %zu is to be clipped to [%g, %g]; expected two "
                                 "numbers, the low end first",
                                 policy->name, i, low[i], high[i]);
    policy->obs_low = udy_alloc(2 * O * sizeof(double));
    if (!policy->obs_low) return udy__policy_no_memory(err);
    policy->obs_high = policy->obs_low + O;
    memcpy(policy->obs_low, low, O * sizeof(double));
    memcpy(policy->obs_high, high, O * sizeof(double));
    return UDY_OK;
}

//------------------------------------------ Use ---------------------------------------------------

static int check_bounds(const udy_policy *policy, const udy_task_info *info, udy_error *err) {
    for (int k = 0; policy->bounded && k < policy->act_dim; k++)
        // As float32, which actions are: 0.4 in a file is a task's 0.4000000059604645.
        if ((float)policy->low[k] != (float)info->act_low[k] ||
            (float)policy->high[k] != (float)info->act_high[k])
            return udy_error_set(err, UDY_EMISMATCH,
                                 "policy %s gives action %d in [%g, %g], task %s takes it in "
                                 "[%g, %g]",
                                 policy->name, k, policy->low[k], policy->high[k], info->id,
                                 info->act_low[k], info->act_high[k]);
    return UDY_OK;
}

int udy_policy_check(const udy_policy *policy, const udy_task *task, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    bool contact = udy_task_config_of(task)->contact_obs;
    char shown[UDY__SHOW_MAX];
    if (policy->task[0] && strcmp(policy->task, info->id))
        return udy_error_set(err, UDY_EMISMATCH, "policy %s is for task %s, not %s", policy->name,
                             udy__text_show(shown, policy->task, strlen(policy->task)), info->id);
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
    return check_bounds(policy, info, err);
}

// Of the larger network; the observation in float32 comes after it.
static size_t network_scratch(const udy_policy *policy) {
    size_t n = udy_mlp_scratch_size(policy->mlp), joint = 0;
    if (policy->head.joint) joint = udy_mlp_scratch_size(policy->head.joint);
    return joint > n ? joint : n;
}

size_t udy_policy_scratch_size(const udy_policy *policy) {
    return policy->mlp ? network_scratch(policy) + (size_t)policy->obs_dim : 1;
}

const float *udy__policy_input(const udy_policy *policy, const double *obs, float *scratch) {
    float *x = scratch + network_scratch(policy);
    for (int i = 0; i < policy->obs_dim; i++) x[i] = (float)obs[i];
    if (policy->obs_low) udy__clip_rows(policy->obs_low, policy->obs_high, x, 1, policy->obs_dim);
    return x;
}

enum { LABEL_BLOCK = 4096 };

// Observations are the caller's: those that are to be clipped are copied, a block at a time.
static int label_clipped(const udy_policy *policy, udy_mlp_workspace *ws, udy_pool *pool,
                         const float *obs, size_t n, float *actions, udy_error *err) {
    size_t O = (size_t)policy->obs_dim, A = (size_t)policy->act_dim;
    float *block = udy_alloc((n < LABEL_BLOCK ? n : LABEL_BLOCK) * O * sizeof *block);
    if (!block && n) return udy__policy_no_memory(err);
    for (size_t at = 0; at < n; at += LABEL_BLOCK) {
        size_t rows = n - at < LABEL_BLOCK ? n - at : LABEL_BLOCK;
        memcpy(block, obs + at * O, rows * O * sizeof *block);
        udy__clip_rows(policy->obs_low, policy->obs_high, block, rows, policy->obs_dim);
        udy_mlp_predict(policy->mlp, ws, pool, block, rows, actions + at * A);
    }
    udy_free(block);
    return UDY_OK;
}

void udy__policy_finish(const udy_policy *policy, float *actions, size_t n) {
    udy__scale_actions(&policy->scale, actions, n, policy->act_dim);
    if (policy->clip) udy__clip_rows(policy->low, policy->high, actions, n, policy->act_dim);
}

void udy_policy_act(const udy_policy *policy, const double *obs, float *action, float *scratch,
                    udy_rng *rng) {
    if (!policy->mlp) {
        for (int i = 0; i < policy->act_dim; i++)
            action[i] = (float)udy_rng_uniform(rng, policy->low[i], policy->high[i]);
        return;
    }
    udy_mlp_forward_row(policy->mlp, udy__policy_input(policy, obs, scratch), action, scratch);
    udy__policy_finish(policy, action, 1);
}

int udy_policy_label(const udy_policy *policy, udy_pool *pool, const float *obs, size_t n,
                     float *actions, udy_error *err) {
    if (!policy->mlp)
        return udy_error_set(err, UDY_EINVAL, "the random policy cannot label observations");
    udy_mlp_workspace *ws;
    int status = udy_mlp_workspace_create(&ws, policy->mlp, LABEL_BLOCK, err);
    if (status) return status;
    if (policy->obs_low)
        status = label_clipped(policy, ws, pool, obs, n, actions, err);
    else
        udy_mlp_predict(policy->mlp, ws, pool, obs, n, actions);
    udy_mlp_workspace_destroy(ws);
    if (!status) udy__policy_finish(policy, actions, n);
    return status;
}

const udy_mlp *udy_policy_mlp(const udy_policy *policy) {
    return policy->mlp;
}
const char *udy_policy_name(const udy_policy *policy) {
    return policy->name;
}
void udy_policy_short_name(char *out, size_t size, const char *path) {
    static const char suffix[] = ".safetensors";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), k = sizeof suffix - 1;
    if (n > k && !strcmp(base + n - k, suffix)) n -= k;
    snprintf(out, size, "%.*s", (int)(n < size - 1 ? n : size - 1), base);
}
const char *udy_policy_task(const udy_policy *policy) {
    return policy->task;
}
bool udy_policy_contact_obs(const udy_policy *policy) {
    return policy->contact_obs;
}
bool udy_policy_gaussian(const udy_policy *policy) {
    return policy->head.joint != NULL;
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
    uint64_t hash = udy_hash(parts, sizeof parts);
    hash = udy__scale_hash(&policy->scale, hash, policy->act_dim);
    // Each of these changes nothing where it is off: hashes of other policies stay what they were.
    size_t O = (size_t)policy->obs_dim * sizeof(double),
           A = (size_t)policy->act_dim * sizeof(double);
    const uint64_t clipped[] = {hash, udy_hash(policy->low, A), udy_hash(policy->high, A)};
    if (policy->clip) hash = udy_hash(clipped, sizeof clipped);
    if (!policy->obs_low) return hash;
    const uint64_t seen[] = {hash, udy_hash(policy->obs_low, O), udy_hash(policy->obs_high, O), 1};
    return udy_hash(seen, sizeof seen);
}
