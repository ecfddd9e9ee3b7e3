// flat_learn.c: behavioural cloning and DAgger: the library's own trainings on datasets in folders,
// which Python fills from arrays.
#include <string.h>

#include "flat.h"

static int no_memory(const char *what) {
    return udy_error_set(&udypy_last, UDY_ENOMEM, "no memory for %s", what);
}

static int pool_create(udy_pool **out, int64_t threads) {
    *out = NULL;
    if (threads < 0 || threads > 1 << 16)
        return udy_error_set(&udypy_last, UDY_EINVAL,
                             "%lld threads; expected 0 (one per core) or more", (long long)threads);
    return udy_pool_create(out, (int)threads, &udypy_last);
}

//------------------------------------------ Datasets ----------------------------------------------

// Views of rows that lie one after the other; udy_dataset_append only reads them.
static udy_episode *episodes_of(const udy_task_info *info, const float *obs, const float *behaviour,
                                const float *reward, const int64_t *lengths, const uint8_t *ends,
                                int64_t n) {
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    for (int64_t i = 0; episodes && i < n; i++) {
        episodes[i] = (udy_episode){.length = (int)lengths[i],
                                    .end = (udy_end)ends[i],
                                    .obs = (float *)(uintptr_t)obs,
                                    .action = (float *)(uintptr_t)behaviour,
                                    .reward = (float *)(uintptr_t)reward};
        obs += lengths[i] * info->obs_dim;
        behaviour += lengths[i] * info->act_dim;
        reward += lengths[i];
    }
    return episodes;
}

static int open_or_create(udy_dataset **out, const char *path, const udy_task *task,
                          const char *made_by) {
    char manifest[UDY_PATH_MAX];
    int status = udy_path_format(manifest, &udypy_last, "%s/manifest.json", path);
    if (status) return status;
    if (udy_file_exists(manifest)) return udy_dataset_open(out, path, NULL, &udypy_last);
    return udy_dataset_create(out, path, task, made_by, &udypy_last);
}

// Every episode in one shard of the dataset at path, which is made where there is none.
int udypy_dataset_append(const char *path, const void *task, const char *made_by, const float *obs,
                         const float *labels, const float *behaviour, const float *reward,
                         const int64_t *lengths, const uint8_t *ends, int64_t n_episodes,
                         int64_t round) {
    if (n_episodes < 1 || n_episodes > 1 << 30)
        return udy_error_set(&udypy_last, UDY_EINVAL, "%lld episodes; at least 1",
                             (long long)n_episodes);
    udy_dataset *dataset = NULL;
    udy_episode *episodes =
        episodes_of(udy_task_info_of(task), obs, behaviour, reward, lengths, ends, n_episodes);
    int status = episodes ? open_or_create(&dataset, path, task, made_by) : no_memory("episodes");
    if (!status)
        status =
            udy_dataset_append(dataset, episodes, (int)n_episodes, labels, (int)round, &udypy_last);
    udy_dataset_close(dataset);
    udy_free(episodes);
    return status;
}

//------------------------------------------ Behavioural cloning -----------------------------------

typedef struct cloning {
    udy_bc *bc;
    udy_pool *pool;
} cloning;

int udypy_bc_create(void **out, const void *task, const char *settings, uint64_t seed,
                    uint64_t stream, int64_t threads) {
    udy_bc_config config = udy_bc_config_default();
    *out = NULL;
    int status = udypy_settings(&config, udy_bc_config_fields, settings);
    if (status) return status;
    cloning *c = udy_alloc(sizeof *c);
    if (!c) return no_memory("a training");
    status = pool_create(&c->pool, threads);
    if (!status) status = udy_bc_create(&c->bc, &config, task, c->pool, seed, stream, &udypy_last);
    if (status)
        udypy_bc_destroy(c);
    else
        *out = c;
    return status;
}

void udypy_bc_destroy(void *bc) {
    cloning *c = bc;
    if (!c) return;
    udy_bc_destroy(c->bc);
    udy_pool_destroy(c->pool);
    udy_free(c);
}

int udypy_bc_warm_start(void *bc, const void *policy) {
    return udy_bc_warm_start(((cloning *)bc)->bc, policy, &udypy_last);
}

int udypy_bc_train(void *bc, const char *dataset, const char *stage, const char *checkpoint,
                   udypy_progress progress) {
    udy_dataset *data;
    int status = udy_dataset_open(&data, dataset, NULL, &udypy_last);
    if (status) return status;
    udy_progress told = udypy_progress_of(&progress);
    status = udy_bc_train(((cloning *)bc)->bc, data, stage, checkpoint, &told, &udypy_last);
    udy_dataset_close(data);
    return status;
}

int64_t udypy_bc_epochs(const void *bc) {
    return udy_bc_epochs(((const cloning *)bc)->bc);
}
int64_t udypy_bc_updates(const void *bc) {
    return udy_bc_updates(((const cloning *)bc)->bc);
}
int64_t udypy_bc_best_epoch(const void *bc) {
    return udy_bc_best_epoch(((const cloning *)bc)->bc);
}

void udypy_bc_curve(const void *bc, double *train_loss, double *val_loss) {
    const udy_bc *b = ((const cloning *)bc)->bc;
    for (int i = 0; i < udy_bc_epochs(b); i++) {
        train_loss[i] = udy_bc_curve(b)[i].train_loss;
        val_loss[i] = udy_bc_curve(b)[i].val_loss;
    }
}

int udypy_bc_policy(void **out, const void *bc, int best) {
    udy_policy *policy = NULL;
    int status = udy_bc_policy(((const cloning *)bc)->bc, best != 0, &policy, &udypy_last);
    *out = policy;
    return status;
}

//------------------------------------------ DAgger ------------------------------------------------

typedef struct teaching {
    udy_dagger *dagger;
    udy_pool *pool;
    udy_dataset *demos;
    udypy_progress progress;
    udy_progress told;
} teaching;

static int dagger_settings(udy_dagger_config *config, const char *settings, udy_bc_config *bc,
                           const char *bc_settings) {
    *config = udy_dagger_config_default();
    *bc = udy_bc_config_default();
    bc->val_fraction = 0;  // as the command: the tutorial's rounds train on all data
    int status = udypy_settings(config, udy_dagger_config_fields, settings);
    return status ? status : udypy_settings(bc, udy_bc_config_fields, bc_settings);
}

int udypy_dagger_open(void **out, void *sims, const void *expert, const char *settings,
                      const char *bc_settings, const char *demos, uint64_t seed, const char *dir,
                      int64_t threads, udypy_progress progress) {
    udypy_sims *s = sims;
    udy_dagger_config config;
    udy_bc_config bc;
    *out = NULL;
    int status = dagger_settings(&config, settings, &bc, bc_settings);
    if (status) return status;
    teaching *t = udy_alloc(sizeof *t);
    if (!t) return no_memory("DAgger");
    t->progress = progress;
    t->told = udypy_progress_of(&t->progress);
    status = pool_create(&t->pool, threads);
    if (!status && demos) status = udy_dataset_open(&t->demos, demos, NULL, &udypy_last);
    if (!status)
        status = udy_dagger_open(&t->dagger, &config, &bc, s->task, s->batch, t->pool, expert,
                                 t->demos, seed, dir, &t->told, &udypy_last);
    if (status)
        udypy_dagger_close(t);
    else
        *out = t;
    return status;
}

void udypy_dagger_close(void *dagger) {
    teaching *t = dagger;
    if (!t) return;
    udy_dagger_close(t->dagger);
    udy_dataset_close(t->demos);
    udy_pool_destroy(t->pool);
    udy_free(t);
}

int udypy_dagger_step(void *dagger) {
    return udy_dagger_step(((teaching *)dagger)->dagger, &udypy_last);
}
int64_t udypy_dagger_rounds(const void *dagger) {
    return udy_dagger_rounds_done(((const teaching *)dagger)->dagger);
}
int64_t udypy_dagger_best(const void *dagger) {
    return udy_dagger_best(((const teaching *)dagger)->dagger);
}

char *udypy_dagger_round(const void *dagger, int64_t round) {
    const udy_dagger_round *r = udy_dagger_round_at(((const teaching *)dagger)->dagger, (int)round);
    udy_json *o = udy_dagger_round_json(r), *returns = udy_json_array();
    for (int i = 0; i < r->n_select; i++) udy_json_append_number(returns, r->select[i].ret);
    udy_json_put(o, "select_returns", returns);
    char *text = udy_json_print(o, false);
    udy_json_free(o);
    if (!text) no_memory("a round's record");
    return text;
}

int udypy_dagger_policy(void **out, const void *dagger, int64_t round) {
    char path[UDY_PATH_MAX];
    udy_policy *policy = NULL;
    *out = NULL;
    int status =
        udy_dagger_policy_path(((const teaching *)dagger)->dagger, (int)round, path, &udypy_last);
    if (!status) status = udy_policy_load(&policy, path, &udypy_last);
    *out = policy;
    return status;
}
