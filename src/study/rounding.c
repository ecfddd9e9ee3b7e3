// What rounding a policy's weights costs: in actions, on the states that the policy visits, and in
// return, when the rounded one is let loose. A small error of the action can cost a lot, or nothing:
// so both are measured.
#include <math.h>
#include <string.h>

#include "study/evaluate.h"

enum { RESAMPLES = 10000, DRAWN_ROWS = 4096 };

void udy_rounding_free(udy_rounding *r) {
    if (!r) return;
    for (int i = 0; i < 2; i++) udy_evaluation_free(&r->evaluation[i]);
    *r = (udy_rounding){0};
}

static int no_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory to compare a policy with its rounded copy");
}

static void interval(double out[2], const double *x, size_t n, uint64_t seed, const char *name) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, name, 0);
    udy_bootstrap_mean_ci(x, n, 0.95, RESAMPLES, &rng, &out[0], &out[1]);
}

// Mean |a - b| of n actions [n, A]; *most is raised to the largest.
static double difference(const float *a, const float *b, size_t n, int A, double *most) {
    double sum = 0;
    for (size_t i = 0; i < n * (size_t)A; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        sum += d;
        *most = fmax(*most, d);
    }
    return n ? sum / ((double)n * A) : 0;
}

typedef struct pair {
    const udy_policy *policy[2];
    udy_pool *pool;
    int O, A;
} pair;

// Error over rows [n, O], one at a time in unit[n] where it is given; else their mean in unit[0].
static int compare(const pair *p, const float *obs, size_t n, bool each, double *unit, double *most,
                   udy_error *err) {
    float *actions = udy_alloc(2 * n * (size_t)p->A * sizeof *actions);
    if (!actions) return no_memory(err);
    float *other = actions + n * (size_t)p->A;
    int code = udy_policy_label(p->policy[0], p->pool, obs, n, actions, err);
    if (!code) code = udy_policy_label(p->policy[1], p->pool, obs, n, other, err);
    for (size_t i = 0; !code && each && i < n; i++)
        unit[i] = difference(actions + i * (size_t)p->A, other + i * (size_t)p->A, 1, p->A, most);
    if (!code && !each) unit[0] = difference(actions, other, n, p->A, most);
    udy_free(actions);
    return code;
}

static int compare_drawn(udy_rounding *out, const pair *p, uint64_t seed, udy_error *err) {
    const size_t n = (size_t)DRAWN_ROWS * (size_t)p->O;
    float *obs = udy_alloc(n * sizeof *obs);
    double *unit = udy_alloc(DRAWN_ROWS * sizeof *unit);
    int code = obs && unit ? UDY_OK : no_memory(err);
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "rounding/observations", 0);
    for (size_t i = 0; !code && i < n; i++) obs[i] = (float)udy_rng_normal(&rng);
    if (!code) code = compare(p, obs, DRAWN_ROWS, true, unit, &out->error_max, err);
    if (!code) {
        out->rows = DRAWN_ROWS;
        out->error = udy_mean(unit, DRAWN_ROWS);
        interval(out->error_ci, unit, DRAWN_ROWS, seed, "rounding/error");
    }
    udy_free(unit);
    udy_free(obs);
    return code;
}

// error: the mean over all rows, so that long episodes count as they last; its interval from the
// episodes' means, each weighted by its length.
static int compare_visited(udy_rounding *out, const pair *p, const udy_episode *episodes, int n,
                           uint64_t seed, udy_error *err) {
    double *unit = udy_alloc((size_t)n * sizeof *unit);
    if (!unit) return no_memory(err);
    int code = UDY_OK;
    for (int i = 0; i < n; i++) out->rows += episodes[i].length;
    for (int i = 0; i < n && !code; i++) {
        const size_t length = (size_t)episodes[i].length;
        if (length)
            code = compare(p, episodes[i].obs, length, false, &unit[i], &out->error_max, err);
        unit[i] *= (double)length * n / (double)out->rows;
    }
    if (!code) {
        out->error = udy_mean(unit, (size_t)n);
        interval(out->error_ci, unit, (size_t)n, seed, "rounding/error");
    }
    udy_free(unit);
    return code;
}

static int compare_returns(udy_rounding *out, int n, uint64_t seed, udy_error *err) {
    double *unit = udy_alloc((size_t)n * sizeof *unit);
    if (!unit) return no_memory(err);
    for (int i = 0; i < n; i++)
        unit[i] = out->evaluation[1].returns[i] - out->evaluation[0].returns[i];
    out->change = udy_mean(unit, (size_t)n);
    interval(out->change_ci, unit, (size_t)n, seed, "rounding/change");
    udy_free(unit);
    return UDY_OK;
}

static int measure_episodes(udy_rounding *out, const pair *p, const udy_task *task,
                            udy_batch *batch, int n, uint64_t seed, const udy_progress *progress,
                            udy_error *err) {
    udy_rollout_job *jobs = udy_alloc((size_t)n * sizeof *jobs);
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    int code = jobs && episodes ? UDY_OK : no_memory(err);
    static const char *const stages[] = {"evaluate", "evaluate rounded"};
    for (int k = 0; k < 2 && !code; k++) {
        for (int i = 0; i < n; i++)
            jobs[i] = (udy_rollout_job){
                .policy = p->policy[k], .seed = seed + (uint64_t)i, .record = k == 0};
        code = udy_rollout(batch, task, jobs, n, episodes, stages[k], progress, err);
        if (!code) code = udy__evaluation_of(&out->evaluation[k], episodes, n, seed, err);
        if (!code && k == 0) code = compare_visited(out, p, episodes, n, seed, err);
        if (episodes) udy_episodes_free(episodes, n);
        if (episodes) memset(episodes, 0, (size_t)n * sizeof *episodes);
    }
    if (!code) code = compare_returns(out, n, seed, err);
    udy_free(episodes);
    udy_free(jobs);
    return code;
}

int udy_rounding_measure(udy_rounding *out, const udy_policy *original, const udy_policy *rounded,
                         const udy_task *task, udy_batch *batch, udy_pool *pool, int episodes,
                         uint64_t seed, const udy_progress *progress, udy_error *err) {
    *out = (udy_rounding){0};
    const udy_mlp *mlp = udy_policy_mlp(original), *other = udy_policy_mlp(rounded);
    if (!mlp || !other)
        return udy_error_set(err, UDY_EINVAL, "the random policy has no weights to round");
    const udy_mlp_config *c = udy_mlp_config_of(mlp), *d = udy_mlp_config_of(other);
    pair p = {{original, rounded}, pool, c->dims[0], c->dims[c->n_layers]};
    if (d->dims[0] != p.O || d->dims[d->n_layers] != p.A)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s maps %d numbers to %d, its rounded copy %d to %d",
                             udy_policy_name(original), p.O, p.A, d->dims[0], d->dims[d->n_layers]);
    int code;
    if (episodes > 0)
        code = measure_episodes(out, &p, task, batch, episodes, seed, progress, err);
    else
        code = compare_drawn(out, &p, seed, err);
    if (code) udy_rounding_free(out);
    return code;
}
