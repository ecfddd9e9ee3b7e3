// flat.c: what needs no simulation: signatures, errors, settings, tasks, policies.
#include "flat.h"

#include <string.h>

_Thread_local udy_error udypy_last;

#define SIGNATURE(type, name, arguments) #type " " #name " " #arguments,
const char *const udypy_signatures[] = {UDYPY_CALLBACK(SIGNATURE) UDYPY_FUNCTIONS(SIGNATURE) NULL};

static int no_memory(void) {
    return udy_error_set(&udypy_last, UDY_ENOMEM, "no memory");
}

const char *udypy_version(void) {
    return UDY_VERSION;
}
const char *udypy_mujoco(void) {
    return udy_sim_version();
}
const char *udypy_error(void) {
    return udypy_last.message;
}
const char *udypy_status_name(int status) {
    return udy_status_name(status);
}
void udypy_free(void *text) {
    udy_free(text);
}

const char *udypy_end_name(int64_t end) {
    static const char *const names[] = {"none", "limit", "too_low", "too_high", "unhealthy"};
    _Static_assert(sizeof names / sizeof *names == UDY_END_UNHEALTHY + 1, "a name for each end");
    return end >= 0 && end <= UDY_END_UNHEALTHY ? names[end] : NULL;
}

int udypy_seed_range(uint64_t seed, const char *purpose, uint64_t *first) {
    static const char *const names[] = {"demos", "dagger", "select", "evaluate", "train", "shift"};
    _Static_assert(sizeof names / sizeof *names == UDY_SEEDS_SHIFT + 1, "a name for each purpose");
    for (int i = 0; i <= UDY_SEEDS_SHIFT; i++) {
        if (strcmp(purpose, names[i]) != 0) continue;
        *first = udy_seed_range(seed, (udy_seed_purpose)i);
        return UDY_OK;
    }
    return udy_error_set(&udypy_last, UDY_ENOENT, "'%.64s' is no purpose that has seeds", purpose);
}

//------------------------------------------ Settings ----------------------------------------------

int udypy_settings(void *settings, const udy_field *table, const char *lines) {
    char *text = udy_strdup(lines), *rest = NULL;
    if (!text) return no_memory();
    int status = UDY_OK;
    for (char *line = strtok_r(text, "\n", &rest); !status && line;
         line = strtok_r(NULL, "\n", &rest))
        status = udy_settings_set(settings, table, line, &udypy_last);
    udy_free(text);
    return status;
}

static int tell(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                const char *note) {
    return (*(udypy_progress *)ctx)(stage, done, total, unit, note);
}

udy_progress udypy_progress_of(udypy_progress *fn) {
    return (udy_progress){.on_advance = tell, .ctx = fn};
}

//------------------------------------------ Tasks -------------------------------------------------

const char *udypy_task_id(int64_t i) {
    return i < 0 ? NULL : udy_task_id((size_t)i);
}

int udypy_task_create(void **out, const char *id, const char *settings) {
    udy_task_config config;
    udy_task *task = NULL;
    *out = NULL;
    int status = udy_task_config_default(&config, id, &udypy_last);
    if (!status) status = udypy_settings(&config, udy_task_config_fields, settings);
    if (!status) status = udy_task_create(&task, id, &config, &udypy_last);
    *out = task;
    return status;
}

void udypy_task_destroy(void *task) {
    udy_task_destroy(task);
}

char *udypy_task_facts(const void *task) {
    udy_json *o = udy_task_json(task);
    udy_json_put_bool(o, "contact_obs", udy_task_config_of(task)->contact_obs);
    char *text = udy_json_print(o, false);
    udy_json_free(o);
    if (!text) no_memory();
    return text;
}

//------------------------------------------ Policies ----------------------------------------------

int udypy_rng_create(void **out, uint64_t seed, const char *stream) {
    udy_rng *rng = udy_alloc(sizeof *rng);
    *out = rng;
    if (!rng) return no_memory();
    udy_rng_init_stream(rng, seed, stream, 0);
    return UDY_OK;
}
void udypy_rng_destroy(void *rng) {
    udy_free(rng);
}

int udypy_policy_load(void **out, const char *path) {
    udy_policy *policy = NULL;
    int status = udy_policy_load(&policy, path, &udypy_last);
    *out = policy;
    return status;
}

int udypy_policy_random(void **out, const void *task) {
    udy_policy *policy = NULL;
    int status = udy_policy_random(&policy, task, &udypy_last);
    *out = policy;
    return status;
}

void udypy_policy_destroy(void *policy) {
    udy_policy_destroy(policy);
}

// metadata: a JSON object of strings.
int udypy_policy_save(const void *policy, const char *path, const char *metadata) {
    udy_json *root = NULL;
    int status = udy_json_parse(&root, metadata, strlen(metadata), "metadata", &udypy_last);
    size_t n = status ? 0 : udy_json_size(root), i = 0;
    udy_text_pair *pairs = udy_alloc((n + 1) * sizeof *pairs);
    if (!status && !pairs) status = no_memory();
    for (const udy_json *v = status ? NULL : udy_json_at(root, 0); v; v = udy_json_next(v))
        pairs[i++] = (udy_text_pair){udy_json_name(v), udy_json_text(v, "")};
    if (!status) status = udy_policy_save(policy, path, pairs, n, &udypy_last);
    udy_free(pairs);
    udy_json_free(root);
    return status;
}

char *udypy_policy_facts(const void *policy) {
    udy_plain_policy plain;
    if (udy_policy_plain(&plain, policy, &udypy_last)) return NULL;
    udy_json *o = udy_json_object(), *hidden = udy_json_array();
    udy_json_put_string(o, "task", udy_policy_task(policy));
    udy_json_put_bool(o, "contact_obs", udy_policy_contact_obs(policy));
    udy_json_put_bool(o, "gaussian", udy_policy_gaussian(policy));
    for (int l = 0; l + 1 < plain.n_layers; l++) udy_json_append_number(hidden, plain.layer[l].out);
    udy_json_put(o, "hidden", hidden);
    udy_json_put_int(o, "obs_dim", plain.obs_dim);
    udy_json_put_int(o, "act_dim", plain.act_dim);
    udy_json_put_string(o, "activation", plain.activation);
    udy_json_put_string(o, "output", plain.output);
    char *text = udy_json_print(o, false);
    udy_json_free(o);
    if (!text) no_memory();
    return text;
}

int udypy_policy_check(const void *policy, const void *task) {
    return udy_policy_check(policy, task, &udypy_last);
}

int udypy_policy_act(const void *policy, const double *obs, int64_t n, int sampled, void *rng,
                     float *action) {
    udy_plain_policy plain;
    int status = udy_policy_plain(&plain, policy, &udypy_last);
    if (status) return status;
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof *scratch);
    if (!scratch) return no_memory();
    for (int64_t i = 0; !status && i < n; i++) {
        const double *row = obs + (size_t)i * (size_t)plain.obs_dim;
        float *out = action + (size_t)i * (size_t)plain.act_dim;
        if (sampled)
            status = udy_policy_sample(policy, row, out, scratch, rng, &udypy_last);
        else
            udy_policy_act(policy, row, out, scratch, rng);
    }
    udy_free(scratch);
    return status;
}
