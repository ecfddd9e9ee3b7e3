// Episodes of a dataset, played again: a collection notes its first seed, so that an episode can be
// simulated once more with the actions it recorded. For what a dataset does not keep: the observation
// after the last step. Only where every recorded number comes out alike is the answer given.
#include <string.h>

#include "learn/dataset.h"
#include "understudy/learn.h"

typedef struct again {
    const udy_dataset *dataset;
    int first, obs_dim, act_dim;
    uint64_t seed;  // of episode 0
    float *last;    // [n, O]
    bool *found;    // [n]
} again;

bool udy__dataset_seed(const udy_dataset *dataset, uint64_t *seed) {
    const char *source = udy__dataset_source_of(dataset), *at = strstr(source, " seed ");
    if (!at || udy_dataset_info_of(dataset).n_shards_bad) return false;
    *seed = 0;
    for (at += strlen(" seed "); *at >= '0' && *at <= '9'; at++)
        *seed = *seed * 10 + (uint64_t)(*at - '0');
    return *at == '\0';
}

static bool same(const double *obs, const float *recorded, int n) {
    for (int k = 0; k < n; k++)
        if ((float)obs[k] != recorded[k]) return false;
    return true;
}

// Play the episode; false where it differs from what was recorded, or fails.
static bool play(udy_env *env, const again *a, const udy_episode *e, uint64_t seed, double *obs) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    udy_step step = {0};
    double ctrl[UDY_ACT_DIM_MAX];
    if (udy_env_reset(env, &rng, obs, NULL)) return false;
    for (int t = 0; t < e->length; t++) {
        if (step.terminated || step.truncated ||
            !same(obs, e->obs + (size_t)t * (size_t)a->obs_dim, a->obs_dim))
            return false;
        for (int k = 0; k < a->act_dim; k++)
            ctrl[k] = (double)e->action[(size_t)t * (size_t)a->act_dim + (size_t)k];
        if (udy_env_step(env, ctrl, obs, &step, NULL) || (float)step.reward != e->reward[t])
            return false;
    }
    return step.terminated == (e->end == UDY_END_UNHEALTHY) &&
           (step.terminated || step.truncated == (e->end == UDY_END_LIMIT));
}

static int play_job(udy_env *env, int job, void *ctx, udy_error *err) {
    again *a = ctx;
    udy_episode e = udy__dataset_view(a->dataset, a->first + job, NULL);
    double *obs = udy_alloc((size_t)a->obs_dim * sizeof *obs);
    if (!obs) return udy_error_set(err, UDY_ENOMEM, "no memory to play an episode again");
    a->found[job] = play(env, a, &e, a->seed + (uint64_t)(a->first + job), obs);
    float *last = a->last + (size_t)job * (size_t)a->obs_dim;
    for (int k = 0; k < a->obs_dim; k++) last[k] = (float)obs[k];
    udy_free(obs);
    return UDY_OK;
}

int udy__dataset_again(const udy_dataset *dataset, udy_batch *batch, int first, int n, float *last,
                       bool *found, udy_error *err) {
    udy_dataset_info info = udy_dataset_info_of(dataset);
    again a = {.dataset = dataset,
               .first = first,
               .obs_dim = info.obs_dim,
               .act_dim = info.act_dim,
               .last = last,
               .found = found};
    memset(found, 0, (size_t)n * sizeof *found);
    if (!udy__dataset_seed(dataset, &a.seed)) return UDY_OK;
    return udy_batch_episodes(batch, n, play_job, &a, err);
}
