// Checkpoints of soft actor-critic: one safetensors file with all that is small (networks, optimisers,
// generators, simulations, counters), and the replay's segments beside it. The file is renamed into
// place after the segments that it counts on are on disk, and segments are removed after it, so a
// kill at any moment leaves a checkpoint that loads.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"
#include "learn/sac.h"

static const char format[] = "understudy.sac/1";
static const char file_name[] = "state.safetensors";

// A piece of the state: where it lies in memory, and its name in the file. One table saves and loads.
typedef struct slot {
    char name[40];
    udy_dtype dtype;
    void *data;
    size_t count;
} slot;

enum { SLOTS_MAX = 80 };

typedef struct slots {
    slot at[SLOTS_MAX];
    int n;
} slots;

static void put(slots *t, const char *name, udy_dtype dtype, void *data, size_t count) {
    if (!count) return;
    slot *s = &t->at[t->n++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->dtype = dtype;
    s->data = data;
    s->count = count;
}

static void put_net(slots *t, const char *prefix, udy_net *net, udy_adam *adam) {
    char name[40];
    size_t n;
    float *data = udy_mlp_params(udy_net_mlp(net), &n);
    snprintf(name, sizeof name, "%s.params", prefix);
    put(t, name, UDY_F32, data, n);
    data = udy_net_gamma(net, &n);
    snprintf(name, sizeof name, "%s.gamma", prefix);
    put(t, name, UDY_F32, data, n);
    data = udy_net_stats(net, &n);
    snprintf(name, sizeof name, "%s.stats", prefix);
    put(t, name, UDY_F32, data, n);
    if (!adam) return;
    n = udy__net_param_count(net);
    snprintf(name, sizeof name, "%s.adam_m", prefix);
    put(t, name, UDY_F32, udy_adam_m(adam), n);
    snprintf(name, sizeof name, "%s.adam_v", prefix);
    put(t, name, UDY_F32, udy_adam_v(adam), n);
}

_Static_assert(sizeof(udy_rng) == 40, "a generator is five words of 64 bits");
_Static_assert(sizeof(udy__sac_numbers) % 8 == 0, "numbers are words of 64 bits");

// Wider elements first, as the format wants them. states: the simulations' bytes.
static void list_slots(slots *t, udy_sac *s, int64_t adam_t[3], uint8_t *states) {
    size_t N = (size_t)s->N, O = (size_t)s->O;
    t->n = 0;
    put(t, "numbers", UDY_I64, &s->numbers, sizeof s->numbers / 8);
    put(t, "rng.act", UDY_I64, &s->act_rng, 5);
    put(t, "rng.draw", UDY_I64, &s->draw_rng, 5);
    put(t, "rng.noise", UDY_I64, &s->noise_rng, 5);
    put(t, "adam_t", UDY_I64, adam_t, 3);
    put(t, "obs", UDY_F64, s->obs, N * O);
    put(t, "return", UDY_F64, s->ret, N);
    put(t, "length", UDY_F64, s->length, N);
    put(t, "running", UDY_F64, s->running, N);
    put(t, "sums", UDY_I64, &s->sums, sizeof s->sums / 8);
    put_net(t, "actor", s->actor, s->actor_adam);
    if (s->average) put_net(t, "average", s->average, NULL);
    for (int i = 0; i < 2; i++) {
        put_net(t, i ? "critic1" : "critic0", s->critic[i], s->critic_adam[i]);
        put_net(t, i ? "target1" : "target0", s->target[i], NULL);
    }
    put(t, "simulations", UDY_U8, states, N * udy_batch_state_size(s->batch));
}

// Of all that decides what follows.
static int fingerprint(const udy_sac *s, char print[24], udy_error *err) {
    char *own = udy_settings_facts(&s->config, udy_sac_config_fields);
    char *task = udy__config_print_task(s->task);
    const bool whole = own && task;
    if (whole) {
        const uint64_t parts[] = {s->seed, udy_hash(own, strlen(own)),
                                  udy_hash(task, strlen(task))};
        snprintf(print, 24, "%016llx", (unsigned long long)udy_hash(parts, sizeof parts));
    }
    udy_free(own);
    udy_free(task);
    return whole ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for a checkpoint");
}

static int64_t *adam_steps(udy_sac *s, int i) {
    return udy_adam_t(i == 2 ? s->actor_adam : s->critic_adam[i]);
}

static int get_simulations(udy_sac *s, uint8_t *states, udy_error *err) {
    size_t state_size = udy_batch_state_size(s->batch);
    int status = UDY_OK;
    for (int i = 0; !status && i < s->N; i++)
        status = udy_batch_state_get(s->batch, i, states + (size_t)i * state_size, err);
    return status;
}

int udy_sac_save(udy_sac *s, const char *dir, udy_error *err) {
    char path[UDY_PATH_MAX], print[24];
    int status = udy_path_format(path, err, "%s/%s", dir, file_name);
    if (!status) status = fingerprint(s, print, err);
    if (status) return status;
    slots *t = udy_alloc(sizeof *t);
    udy_tensor *tensors = udy_alloc(SLOTS_MAX * sizeof *tensors);
    uint8_t *states = udy_alloc((size_t)s->N * udy_batch_state_size(s->batch));
    int64_t adam_t[3];
    if (!t || !tensors || !states) status = udy_error_set(err, UDY_ENOMEM, "no memory to save");
    if (!status) status = get_simulations(s, states, err);
    if (!status) status = udy__replay_save(s->replay, dir, err);
    if (!status) {
        for (int i = 0; i < 3; i++) adam_t[i] = *adam_steps(s, i);
        list_slots(t, s, adam_t, states);
        for (int i = 0; i < t->n; i++) {
            const slot *from = &t->at[i];
            tensors[i] = (udy_tensor){.name = from->name,
                                      .dtype = from->dtype,
                                      .ndim = 1,
                                      .shape = {(int64_t)from->count},
                                      .data = from->data,
                                      .n_bytes = from->count * udy_dtype_size(from->dtype)};
        }
        const udy_text_pair metadata[] = {{"format", format},
                                          {"task", udy_task_info_of(s->task)->id},
                                          {"settings", print},
                                          {"isa", udy_nn_isa()},
                                          {"mujoco", udy_sim_version()}};
        status = udy_safetensors_write(path, tensors, (size_t)t->n, metadata,
                                       sizeof metadata / sizeof *metadata, err);
    }
    if (!status) status = udy__replay_trim(s->replay, dir, err);
    udy_free(t);
    udy_free(tensors);
    udy_free(states);
    return status;
}

// other: of the training that s goes on from, whose settings and seed may be others.
static int check_file(const udy_sac *s, const udy_safetensors *file, bool other, udy_error *err) {
    char print[24];
    const char *path = udy_safetensors_path(file);
    const char *found = udy_safetensors_metadata(file, "format");
    if (!found || strcmp(found, format))
        return udy_error_set(err, UDY_EFORMAT, "%s is not a checkpoint of a training (%s)", path,
                             format);
    found = udy_safetensors_metadata(file, "task");
    if (!found || strcmp(found, udy_task_info_of(s->task)->id))
        return udy_error_set(err, UDY_EMISMATCH, "%s is of another task than %s", path,
                             udy_task_info_of(s->task)->id);
    if (other) return UDY_OK;
    int status = fingerprint(s, print, err);
    found = udy_safetensors_metadata(file, "settings");
    if (!status && (!found || strcmp(found, print)))
        status = udy_error_set(err, UDY_EMISMATCH,
                               "%s was made with other settings or another seed: go on with those "
                               "it was made with",
                               path);
    return status;
}

// What decides the bits besides settings and seed.
static void note_move(udy_sac *s, const udy_safetensors *file) {
    const char *isa = udy_safetensors_metadata(file, "isa");
    const char *mujoco = udy_safetensors_metadata(file, "mujoco");
    s->moved[0] = '\0';
    if (isa && mujoco && (strcmp(isa, udy_nn_isa()) || strcmp(mujoco, udy_sim_version())))
        snprintf(s->moved, sizeof s->moved, "%.60s and MuJoCo %.20s; here: %.60s and MuJoCo %.20s",
                 isa, mujoco, udy_nn_isa(), udy_sim_version());
}

const char *udy_sac_moved(const udy_sac *s) {
    return s->moved;
}

// One that stands still would be asked for ever.
static bool is_generator(const udy_rng *rng) {
    return rng->inc_lo % 2 == 1 && rng->has_uint32 <= 1;
}

// Counters that some training can have reached? They come from a file, and are used as an index and
// to count by.
static bool are_counters(const udy_sac *s, const udy__sac_numbers *n, const int64_t adam_t[3]) {
    const int64_t counts[] = {n->steps,  n->updates, n->episodes, n->actor_updates,
                              adam_t[0], adam_t[1],  adam_t[2]};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] < 0 || counts[i] > INT64_MAX / 2) return false;
    }
    return n->steps % s->N == 0 && n->update_credit >= 0 && n->update_credit < 1 &&
           isfinite(n->log_alpha);
}

// Everything is looked up before anything is copied: a file that does not fit changes nothing.
static int find_slots(const slots *t, const udy_safetensors *file, const udy_tensor **found,
                      udy_error *err) {
    int status = UDY_OK;
    for (int i = 0; !status && i < t->n; i++)
        status = udy_safetensors_require(file, t->at[i].name, t->at[i].dtype, 1,
                                         (int64_t[]){(int64_t)t->at[i].count}, &found[i], err);
    return status;
}

static const void *found_at(const slots *t, const udy_tensor **found, const char *name) {
    for (int i = 0; i < t->n; i++) {
        if (!strcmp(t->at[i].name, name)) return found[i]->data;
    }
    return NULL;
}

static int set_simulations(udy_sac *s, const uint8_t *states, udy_error *err) {
    size_t state_size = udy_batch_state_size(s->batch);
    int status = UDY_OK;
    for (int i = 0; !status && i < s->N; i++)
        status = udy_batch_state_set(s->batch, i, states + (size_t)i * state_size, err);
    return status;
}

// Is it the end of the training that s goes on from?
static int check_counts(const udy_sac *s, const udy__sac_numbers *n, const char *path,
                        udy_error *err) {
    const udy_sac_config *c = &s->config;
    if (n->steps == c->from_steps && n->updates == c->from_updates) return UDY_OK;
    return udy_error_set(err, UDY_EMISMATCH,
                         "%s is of step %lld and update %lld; sac.from_steps and sac.from_updates "
                         "are %d and %d",
                         path, (long long)n->steps, (long long)n->updates, c->from_steps,
                         c->from_updates);
}

// What can still fail, the simulations put back where it does: as they were, in before.
static int restore_outside(udy_sac *s, const char *dir, int64_t steps, const uint8_t *states,
                           uint8_t *before, udy_error *err) {
    int status = get_simulations(s, before, err);
    if (status) return status;
    status = set_simulations(s, states, err);
    if (!status) status = udy__replay_load(s->replay, dir, steps, err);
    if (status && set_simulations(s, before, NULL))
        return udy_error_wrap(err, status, "and the simulations are lost");
    return status;
}

static int restore(udy_sac *s, const slots *t, const udy_tensor **found, const int64_t adam_t[3],
                   udy_error *err) {
    for (int i = 0; i < t->n; i++) memcpy(t->at[i].data, found[i]->data, found[i]->n_bytes);
    for (int i = 0; i < 3; i++) *adam_steps(s, i) = adam_t[i];
    udy__net_sync(s->actor);
    if (s->average) udy__net_sync(s->average);
    for (int i = 0; i < 2; i++) {
        udy__net_sync(s->critic[i]);
        udy__net_sync(s->target[i]);
    }
    for (size_t i = 0; i < (size_t)s->N * (size_t)s->O; i++) s->obs32[i] = (float)s->obs[i];
    return udy__sac_refresh_acting(s, err);
}

static int load_file(udy_sac *s, const char *dir, const udy_safetensors *file, bool other, slots *t,
                     uint8_t *states, uint8_t *before, udy_error *err) {
    const udy_tensor *found[SLOTS_MAX];
    udy__sac_numbers numbers;
    udy_rng rng[3];
    int64_t adam_t[3];
    list_slots(t, s, adam_t, states);
    int status = check_file(s, file, other, err);
    if (!status) status = find_slots(t, file, found, err);
    if (status) return status;
    memcpy(&numbers, found_at(t, found, "numbers"), sizeof numbers);
    memcpy(adam_t, found_at(t, found, "adam_t"), sizeof adam_t);
    memcpy(&rng[0], found_at(t, found, "rng.act"), sizeof *rng);
    memcpy(&rng[1], found_at(t, found, "rng.draw"), sizeof *rng);
    memcpy(&rng[2], found_at(t, found, "rng.noise"), sizeof *rng);
    if (!are_counters(s, &numbers, adam_t) || !is_generator(&rng[0]) || !is_generator(&rng[1]) ||
        !is_generator(&rng[2]))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s is damaged: its counters or generators are those of no training",
                             udy_safetensors_path(file));
    if (other) status = check_counts(s, &numbers, udy_safetensors_path(file), err);
    if (status) return status;
    const uint8_t *simulations = found_at(t, found, "simulations");
    status = restore_outside(s, dir, numbers.steps, simulations, before, err);
    if (status) return status;
    note_move(s, file);
    return restore(s, t, found, adam_t, err);
}

static int load(udy_sac *s, const char *dir, bool other, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_safetensors *file;
    if (s->numbers.steps)
        return udy_error_set(err, UDY_EINVAL,
                             "loading %s into a training that has already done %lld steps: load "
                             "into a fresh one",
                             dir, (long long)s->numbers.steps);
    int status = udy_path_format(path, err, "%s/%s", dir, file_name);
    if (!status) status = udy_safetensors_open(&file, path, err);
    if (status) return status;
    size_t n_bytes = (size_t)s->N * udy_batch_state_size(s->batch);
    slots *t = udy_alloc(sizeof *t);
    uint8_t *states = udy_alloc(n_bytes), *before = udy_alloc(n_bytes);
    if (!t || !states || !before)
        status = udy_error_set(err, UDY_ENOMEM, "no memory to load");
    else
        status = load_file(s, dir, file, other, t, states, before, err);
    udy_safetensors_close(file);
    udy_free(t);
    udy_free(states);
    udy_free(before);
    return status;
}

int udy_sac_load(udy_sac *s, const char *dir, udy_error *err) {
    return load(s, dir, false, err);
}

int udy_sac_load_from(udy_sac *s, const char *dir, udy_error *err) {
    return load(s, dir, true, err);
}
