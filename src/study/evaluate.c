// Evaluation: episodes of a policy on seeds of their own, and what can be said of them.
#include <math.h>
#include <string.h>

#include "evaluate.h"

enum { BOOTSTRAP_RESAMPLES = 10000 };

void udy_evaluation_free(udy_evaluation *e) {
    if (!e) return;
    udy_free(e->returns);
    udy_free(e->lengths);
    udy_free(e->speeds);
    udy_free(e->ends);
    *e = (udy_evaluation){0};
}

static int make_room(udy_evaluation *e, int n, udy_error *err) {
    size_t count = (size_t)n;
    *e = (udy_evaluation){.n = n,
                          .returns = udy_alloc(count * sizeof *e->returns),
                          .lengths = udy_alloc(count * sizeof *e->lengths),
                          .speeds = udy_alloc(count * sizeof *e->speeds),
                          .ends = udy_alloc(count * sizeof *e->ends)};
    if (e->returns && e->lengths && e->speeds && e->ends) return UDY_OK;
    udy_evaluation_free(e);
    return udy_error_set(err, UDY_ENOMEM, "no memory to evaluate %d episodes", n);
}

int udy__evaluation_of(udy_evaluation *e, const udy_episode *episodes, int n, uint64_t seed,
                       udy_error *err) {
    int status = make_room(e, n, err);
    if (status) return status;
    for (int i = 0; i < n; i++) {
        e->returns[i] = episodes[i].ret;
        e->lengths[i] = episodes[i].length;
        e->speeds[i] = episodes[i].speed;
        e->ends[i] = (uint8_t)episodes[i].end;
        e->length_mean += (double)episodes[i].length / n;
        e->too_low += episodes[i].end == UDY_END_TOO_LOW;
        e->too_high += episodes[i].end == UDY_END_TOO_HIGH;
        e->falls += episodes[i].end != UDY_END_NONE && episodes[i].end != UDY_END_LIMIT;
    }
    size_t count = (size_t)n;
    e->mean = udy_mean(e->returns, count);
    e->std = udy_std(e->returns, count);
    e->iqm = udy_iqm(e->returns, count);
    e->median = udy_quantile(e->returns, count, 0.5);
    e->speed_mean = udy_mean(e->speeds, count);
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "evaluate/bootstrap", 0);
    udy_bootstrap_mean_ci(e->returns, count, 0.95, BOOTSTRAP_RESAMPLES, &rng, &e->ci95[0],
                          &e->ci95[1]);
    return UDY_OK;
}

// like: what every job has in common, policy and manner.
static int evaluate(udy_evaluation *out, const udy_rollout_job *like, const udy_task *task,
                    udy_batch *batch, int episodes, uint64_t seed, const char *stage,
                    const udy_progress *progress, udy_error *err) {
    *out = (udy_evaluation){0};
    if (episodes < 1)
        return udy_error_set(err, UDY_EINVAL, "%s: %d episodes: at least 1", stage, episodes);
    udy_rollout_job *jobs = udy_alloc((size_t)episodes * sizeof *jobs);
    udy_episode *done = udy_alloc((size_t)episodes * sizeof *done);
    int status = jobs && done ? UDY_OK
                              : udy_error_set(err, UDY_ENOMEM, "no memory to evaluate %d episodes",
                                              episodes);
    double start = udy_clock_s();
    for (int i = 0; !status && i < episodes; i++) {
        jobs[i] = *like;
        jobs[i].seed = seed + (uint64_t)i;
    }
    if (!status) status = udy_rollout(batch, task, jobs, episodes, done, stage, progress, err);
    double seconds = udy_clock_s() - start;  // of the episodes, without the bootstrap
    if (!status) status = udy__evaluation_of(out, done, episodes, seed, err);
    if (!status) {
        out->seconds = seconds;
        out->steps_per_s = out->length_mean * episodes / seconds;
    }
    udy_free(jobs);
    udy_free(done);
    return status;
}

int udy_evaluate(udy_evaluation *out, const udy_policy *policy, const udy_task *task,
                 udy_batch *batch, int episodes, uint64_t seed, const char *stage,
                 const udy_progress *progress, udy_error *err) {
    return evaluate(out, &(udy_rollout_job){.policy = policy}, task, batch, episodes, seed, stage,
                    progress, err);
}

int udy_evaluate_stochastic(udy_evaluation *out, const udy_policy *policy, const udy_task *task,
                            udy_batch *batch, int episodes, uint64_t seed, const char *stage,
                            const udy_progress *progress, udy_error *err) {
    return evaluate(out, &(udy_rollout_job){.policy = policy, .stochastic = true}, task, batch,
                    episodes, seed, stage, progress, err);
}

udy_json *udy_evaluation_json(const udy_evaluation *e, bool timing) {
    udy_json *o = udy_json_object(), *lengths = udy_json_array(), *ends = udy_json_array();
    static const char *const end_names[] = {"none", "limit", "too_low", "too_high", "unhealthy"};
    for (int i = 0; i < e->n; i++) {
        udy_json_append_number(lengths, e->lengths[i]);
        udy_json_append_string(ends, end_names[e->ends[i]]);
    }
    udy_json_put_int(o, "episodes", e->n);
    udy_json_put_number(o, "mean", e->mean);
    udy_json_put_number(o, "std", e->std);
    udy_json_put_number(o, "iqm", e->iqm);
    udy_json_put_number(o, "median", e->median);
    udy_json_put_numbers(o, "ci95", e->ci95, 2);
    udy_json_put_int(o, "falls", e->falls);
    udy_json_put_int(o, "too_low", e->too_low);
    udy_json_put_int(o, "too_high", e->too_high);
    udy_json_put_number(o, "speed_mean", e->speed_mean);
    udy_json_put_number(o, "length_mean", e->length_mean);
    udy_json_put_numbers(o, "returns", e->returns, (size_t)e->n);
    udy_json_put(o, "lengths", lengths);
    udy_json_put_numbers(o, "speeds", e->speeds, (size_t)e->n);
    udy_json_put(o, "ends", ends);
    if (timing) {
        udy_json_put_number(o, "steps_per_s", e->steps_per_s);
        udy_json_put_number(o, "seconds", e->seconds);
    }
    return o;
}
