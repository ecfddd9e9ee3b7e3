// Training an expert in a run folder: the loop around the algorithm's core, which knows nothing of
// files. Steps go on to the next stop; at a stop the training is reported, evaluated where that is
// due, and saved where that is. Stops are multiples of environment steps alone, so that what is
// written depends on settings and seed and not on the clock.
//
// What a kill leaves is put back to the last checkpoint: all of the loop's own state follows from
// the checkpoint's step and curve.csv.
#include "expert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"
#include "record.h"

enum { REPORT_STEPS = 500 };  // every second or two of Ant
#define SLICE_S 0.2           // between calls of progress

typedef struct training {
    const udy_expert_config *config;
    udy_run *run;
    const char *path;
    const udy_progress *progress;
    udy_task *task;
    udy_pool *pool;
    udy_batch *envs, *evaluators;
    udy_sac *sac;
    udy_logger *log;  // but for lines of log.jsonl, which say more
    char sac_dir[UDY_PATH_MAX];
    int64_t steps;  // done; a multiple of n_envs
    int n, n_max;   // evaluations done, and in all
    udy_curve_point *curve;
    udy__clock clock;
    double start_s, seconds_before;  // of this process's work; taken by those before it
    double saved_s;                  // when the last checkpoint was written
    double advance_s;                // spent in the core since the last report
    double steps_per_s;              // of the last slice, to size the next
    int64_t reported_steps, reported_updates;
    double updates_per_s, return_mean;  // as last reported
    bool again;                         // the folder has been worked in before
    bool stop;                          // asked for by progress
} training;

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for the training of an expert");
}

static double seconds_so_far(const training *t) {
    return t->seconds_before + udy_clock_s() - t->start_s;
}

// The first multiple of n_envs at or after a step: where the core stops when it is sent there.
static int64_t stop_at(const training *t, int64_t steps) {
    int64_t n = t->config->sac.n_envs;
    return (steps + n - 1) / n * n;
}

// Steps of evaluation i, 0-based; the last is at the end.
static int64_t evaluation_at(const training *t, int i) {
    const udy_sac_config *sac = &t->config->sac;
    int64_t steps = sac->from_steps + ((int64_t)i + 1) * sac->eval_interval;
    return stop_at(t, steps < sac->steps ? steps : sac->steps);
}

//------------------------------------------ Progress ----------------------------------------------

static int tell(training *t, const char *doing) {
    char note[160], now[48] = "", best[64] = "";
    if (isfinite(t->return_mean)) snprintf(now, sizeof now, ", return %.0f", t->return_mean);
    if (t->n)
        snprintf(best, sizeof best, ", evaluated %.0f (best %.0f)", t->curve[t->n - 1].mean,
                 udy_curve_best(t->curve, t->n)->mean);
    snprintf(note, sizeof note, "%.0f updates/s%s%s%s", t->updates_per_s, now, best, doing);
    int64_t total = stop_at(t, t->config->sac.steps);
    if (udy_progress_advance(t->progress, "training", t->steps, total, "steps", note))
        t->stop = true;
    return t->stop;
}

// Evaluations in between are part of the training's own line.
static int tell_evaluating(void *ctx, const char *stage, int64_t done, int64_t total,
                           const char *unit, const char *note) {
    (void)stage, (void)done, (void)total, (void)unit, (void)note;
    return tell(ctx, ", evaluating");
}

//------------------------------------------ Reports -----------------------------------------------

typedef struct scalar {
    const char *tag, *name;  // TensorBoard's, the log's
    double value;
} scalar;

// NaN: nothing to say yet.
static int put_scalars(training *t, const scalar *scalars, size_t n, int64_t step, udy_json *fields,
                       udy_error *err) {
    int status = UDY_OK;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scalars[i].value)) continue;
        const udy_scalar told = {scalars[i].tag, scalars[i].value};
        udy_json_put_number(fields, scalars[i].name, scalars[i].value);
        if (!status) status = udy_logger_scalars(t->log, step, &told, 1, err);
    }
    return status;
}

// A line of the log and TensorBoard's scalars: what the last episodes and updates showed.
static int report(training *t, udy_error *err) {
    const udy_sac_status s = udy_sac_status_take(t->sac);
    const int64_t steps = s.steps - t->reported_steps, updates = s.updates - t->reported_updates;
    t->updates_per_s = t->advance_s > 0 ? (double)updates / t->advance_s : 0;
    t->return_mean = s.return_mean;
    const scalar scalars[] = {
        {"episodes/return", "return", s.return_mean},
        {"episodes/length", "length", s.length_mean},
        {"episodes/too_low", "too_low", s.too_low},
        {"episodes/too_high", "too_high", s.too_high},
        {"learning/critic_loss", "critic_loss", s.critic_loss},
        {"learning/actor_loss", "actor_loss", s.actor_loss},
        {"learning/q_mean", "q_mean", s.q_mean},
        {"learning/temperature", "temperature", s.temperature},
        {"learning/entropy", "entropy", s.entropy},
        {"learning/reward_scale", "reward_scale", s.reward_scale},
        {"learning/learning_rate", "learning_rate", s.learning_rate},
        {"speed/steps_per_s", "steps_per_s", t->advance_s > 0 ? (double)steps / t->advance_s : NAN},
        {"speed/updates_per_s", "updates_per_s", t->advance_s > 0 ? t->updates_per_s : NAN},
    };
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "steps", s.steps);
    udy_json_put_int(fields, "updates", s.updates);
    udy_json_put_int(fields, "episodes", s.episodes);
    udy_json_put_number(fields, "seconds", seconds_so_far(t));
    int status = put_scalars(t, scalars, sizeof scalars / sizeof *scalars, s.steps, fields, err);
    t->reported_steps = s.steps;
    t->reported_updates = s.updates;
    t->advance_s = 0;
    if (!status) return udy_run_log(t->run, "train", fields, err);
    udy_json_free(fields);
    return status;
}

//------------------------------------------ Evaluation --------------------------------------------

static udy_curve_point point_of(const training *t, const udy_evaluation *e) {
    return (udy_curve_point){.steps = t->steps,
                             .updates = t->reported_updates,
                             .seconds = seconds_so_far(t),
                             .mean = e->mean,
                             .median = e->median,
                             .std = e->std,
                             .n = e->n,
                             .falls = e->falls,
                             .too_low = e->too_low,
                             .too_high = e->too_high,
                             .speed = e->speed_mean};
}

// Policies first, the curve last: an evaluation counts once the curve has it.
static int keep_policies(training *t, const udy_policy *policy, udy_error *err) {
    const udy_curve_point *point = &t->curve[t->n];
    char name[UDY__STEP_NAME_MAX], from[UDY_PATH_MAX], to[UDY_PATH_MAX];
    udy__expert_step_name(name, point->steps);
    int status = udy__expert_save_policy(policy, t->config, point, t->path, name, err);
    if (!status) status = udy__expert_policy_path(from, t->path, name, err);
    if (!status) status = udy__expert_policy_path(to, t->path, "last", err);
    if (!status) status = udy__file_copy(from, to, err);
    if (status || udy_curve_best(t->curve, t->n + 1) != point) return status;
    status = udy__expert_policy_path(to, t->path, "best", err);
    return status ? status : udy__file_copy(from, to, err);
}

static int report_evaluation(training *t, const udy_curve_point *p, udy_error *err) {
    const scalar scalars[] = {
        {"evaluation/mean", "mean", p->mean},
        {"evaluation/median", "median", p->median},
        {"evaluation/std", "std", p->std},
        {"evaluation/too_low", "too_low", p->too_low},
        {"evaluation/too_high", "too_high", p->too_high},
        {"evaluation/speed", "speed_mean", p->speed},
    };
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "steps", p->steps);
    udy_json_put_int(fields, "updates", p->updates);
    udy_json_put_int(fields, "episodes", p->n);
    udy_json_put_int(fields, "falls", p->falls);
    udy_json_put_number(fields, "seconds", p->seconds);
    int status = put_scalars(t, scalars, sizeof scalars / sizeof *scalars, p->steps, fields, err);
    if (!status) return udy_run_log(t->run, "evaluation", fields, err);
    udy_json_free(fields);
    return status;
}

static int evaluate(training *t, udy_error *err) {
    const udy_progress inner = {.on_advance = tell_evaluating, .ctx = t};
    const udy_sac_config *sac = &t->config->sac;
    udy_policy *policy;
    udy_evaluation e;
    int status = udy_sac_policy(t->sac, &policy, err);
    if (status) return status;
    status =
        udy_evaluate(&e, policy, t->task, t->evaluators, sac->eval_episodes,
                     udy_seed_range(t->config->seed, UDY_SEEDS_SELECT), "evaluation", &inner, err);
    if (!status) {
        udy_curve_point *point = &t->curve[t->n];
        *point = point_of(t, &e);
        status = keep_policies(t, policy, err);
        if (!status) status = report_evaluation(t, point, err);
        if (!status) status = udy__curve_write(t->curve, t->n + 1, t->path, err);
        if (!status) {
            t->n++;
            udy_progress_message(t->progress,
                                 "step %lld, %.0f s: return %.0f (median %.0f, sd %.0f) over %d "
                                 "episodes, %d ended early (%d too low, %d too high), %.2f m/s",
                                 (long long)point->steps, point->seconds, point->mean,
                                 point->median, point->std, point->n, point->falls, point->too_low,
                                 point->too_high, point->speed);
        }
    }
    udy_evaluation_free(&e);
    udy_policy_destroy(policy);
    return status;
}

//------------------------------------------ Checkpoints -------------------------------------------

static int save(training *t, udy_error *err) {
    double start = udy_clock_s();
    int status = udy_dir_make(t->sac_dir, err);
    if (!status)
        status = udy__clock_note(&t->clock, t->steps, seconds_so_far(t), false, t->path, err);
    if (!status) status = udy_sac_save(t->sac, t->sac_dir, err);
    double seconds = udy_clock_s() - start;
    if (!status)
        status = udy__clock_note(&t->clock, t->steps, seconds_so_far(t), true, t->path, err);
    if (status) return status;
    t->saved_s = udy_clock_s();
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "steps", t->steps);
    udy_json_put_number(fields, "seconds", seconds);
    udy_json_put_int(fields, "folder_bytes", udy__dir_bytes(t->sac_dir));
    return udy_run_log(t->run, "checkpoint", fields, err);
}

static int save_if_due(training *t, udy_error *err) {
    bool due = udy_clock_s() - t->saved_s >= 60 * t->config->checkpoint_minutes;
    return due ? save(t, err) : UDY_OK;
}

static int save_and_stop(training *t, udy_error *err) {
    int status = save(t, err);
    if (status) return status;
    return udy_error_set(err, UDY_EINTERRUPTED, "interrupted at step %lld; the training is saved",
                         (long long)t->steps);
}

//------------------------------------------ The loop ----------------------------------------------

// The core cannot go on, nor another process from here: say what is left. Nothing is saved over the last good checkpoint.
static int core_failed(training *t, int status, udy_error *err) {
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "after_steps", t->steps);
    udy_json_put_string(fields, "error", err ? err->message : udy_status_message(status));
    (void)udy_run_log(t->run, "failed", fields, NULL);  // the failure is the news
    if (!err) return status;
    char what[sizeof err->message];
    memcpy(what, err->message, sizeof what);
    if (!t->clock.saved || !t->clock.n)
        return udy_error_set(err, status, "%.300s; no checkpoint had been written yet", what);
    return udy_error_set(err, status,
                         "%.300s; the last good checkpoint, of step %.0f, is kept in %s (going on "
                         "from it comes to the same: begin another run with other settings), and "
                         "policies/ has the policies of all evaluations",
                         what, t->clock.steps[t->clock.n - 1], t->sac_dir);
}

// On to the next stop, telling progress a few times a second.
static int go_on(training *t, udy_error *err) {
    int64_t report_at = stop_at(t, (t->steps / REPORT_STEPS + 1) * REPORT_STEPS);
    int64_t target = evaluation_at(t, t->n);
    if (report_at < target) target = report_at;
    while (t->steps < target) {
        double start = udy_clock_s();
        int64_t slice = t->steps + 1 + (int64_t)(t->steps_per_s * SLICE_S);
        if (slice > target) slice = target;
        int status = udy_sac_advance(t->sac, slice, err);
        if (status) return core_failed(t, status, err);
        int64_t before = t->steps;
        t->steps = stop_at(t, slice);
        double seconds = udy_clock_s() - start;
        t->advance_s += seconds;
        t->steps_per_s = (double)(t->steps - before) / fmax(seconds, 1e-6);
        (void)tell(t, "");
    }
    return report(t, err);
}

static int train(training *t, udy_error *err) {
    int status = UDY_OK;
    while (!status && t->n < t->n_max) {
        if (t->stop) return save_and_stop(t, err);
        if (t->steps >= evaluation_at(t, t->n)) {
            status = evaluate(t, err);
            if (status == UDY_EINTERRUPTED) return save_and_stop(t, err);
            if (status == UDY_EPHYSICS) return core_failed(t, status, err);
        } else {
            status = go_on(t, err);
        }
        if (!status && t->n < t->n_max && t->steps < evaluation_at(t, t->n))
            status = save_if_due(t, err);
    }
    return status ? status : save(t, err);
}

//------------------------------------------ The end -----------------------------------------------

static int test_best(training *t, udy_evaluation *e, const udy_curve_point *best, udy_error *err) {
    char name[UDY__STEP_NAME_MAX], path[UDY_PATH_MAX];
    udy_policy *policy = NULL;
    udy__expert_step_name(name, best->steps);
    int status = udy__expert_policy_path(path, t->path, name, err);
    if (!status) status = udy_policy_load(&policy, path, err);
    if (!status)
        status = udy_evaluate(e, policy, t->task, t->evaluators, t->config->sac.test_episodes,
                              udy_seed_range(t->config->seed, UDY_SEEDS_EVALUATE), "test",
                              t->progress, err);
    udy_policy_destroy(policy);
    return status;
}

static unsigned loggers_of(const training *t) {
    return udy_run_loggers(t->run) & ~(unsigned)UDY_LOG_JSONL;
}

// Settings, and at the end what came out of them: what runs are compared by. test: NULL before it.
static int log_summary(const training *t, const udy_evaluation *test, udy_error *err) {
    udy_scalar scalars[5] = {{NULL, 0}};
    int n = 0;
    if (test) {
        const udy_curve_point *best = udy_curve_best(t->curve, t->n);
        scalars[n++] = (udy_scalar){"outcome/return", test->mean};
        scalars[n++] = (udy_scalar){"outcome/falls", test->falls};
        scalars[n++] = (udy_scalar){"outcome/speed", test->speed_mean};
        scalars[n++] = (udy_scalar){"outcome/return_selection", best->mean};
        scalars[n++] = (udy_scalar){"outcome/steps", (double)best->steps};
    }
    return udy_logger_summary(t->path, "summary", loggers_of(t), t->config, udy_expert_fields(),
                              scalars, n, seconds_so_far(t), err);
}

static int finish(training *t, udy_error *err) {
    const udy_curve_point *best = udy_curve_best(t->curve, t->n);
    udy_evaluation e = {0};
    int status = test_best(t, &e, best, err);
    udy__expert_outcome o = {.config = t->config,
                             .curve = t->curve,
                             .n = t->n,
                             .chosen = best,
                             .test = &e,
                             .n_threads = udy_pool_threads(t->pool),
                             .seconds_total = seconds_so_far(t)};
    if (!status) status = udy__expert_save_best(&o, t->path, err);
    if (!status) status = log_summary(t, &e, err);
    if (!status) status = udy__expert_results_write(&o, t->path, err);
    if (!status) {
        udy_json *fields = udy_json_object();
        udy_json_put_int(fields, "chosen_steps", best->steps);
        udy_json_put_number(fields, "mean", e.mean);
        status = udy_run_log(t->run, "finished", fields, err);
    }
    udy_evaluation_free(&e);
    return status;
}

//------------------------------------------ Beginning and going on --------------------------------

static int make_folders(const training *t, udy_error *err) {
    static const char *const names[] = {"checkpoints", "policies"};
    return udy__run_folders(t->path, names, 2, err);
}

// A folder where another training has begun must not lend this one its checkpoint.
static int refuse_another(training *t, udy_error *err) {
    char path[UDY_PATH_MAX], hash[20], own[48];
    udy__expert_settings_hash(hash, t->config);
    if (!hash[0]) return out_of_memory(err);
    snprintf(own, sizeof own, "%s seed %llu", hash, (unsigned long long)t->config->seed);
    int status = udy_path_format(path, err, "%s/checkpoints/expert.json", t->path);
    if (status) return status;
    t->again = udy_file_exists(path);
    return udy__record_claim(t->path, "expert", (size_t)1 << 20, own, "other settings", err);
}

// Points of curve.csv into the curve; that they stand where this training evaluates is checked, as
// the number of them says which evaluation is next.
static int read_curve(training *t, udy_error *err) {
    udy_curve_point *found;
    udy_error why = {0};
    int n, status = udy_expert_curve(&found, &n, t->path, &why);
    if (status == UDY_ENOENT) return UDY_OK;
    if (status) return udy_error_set(err, status, "%s", why.message);
    for (int i = 0; !status && i < n; i++)
        if (i >= t->n_max || found[i].steps != evaluation_at(t, i))
            status = udy_error_set(err, UDY_EFORMAT,
                                   "%s/curve.csv: line %d is an evaluation at step %lld, expected "
                                   "one at %lld: it is not as the training left it",
                                   t->path, i + 2, (long long)found[i].steps,
                                   (long long)(i < t->n_max ? evaluation_at(t, i) : 0));
    if (!status) {
        memcpy(t->curve, found, (size_t)n * sizeof *found);
        t->n = n;
    }
    udy_free(found);
    return status;
}

static int create_core(training *t, udy_error *err) {
    const udy_sac_config *sac = &t->config->sac;
    int status = UDY_OK;
    udy_sac_destroy(t->sac);
    t->sac = NULL;
    if (!t->envs)
        status = udy_batch_create(&t->envs, t->task, sac->n_envs, udy_pool_threads(t->pool), err);
    if (!status)
        status = udy_sac_create(&t->sac, sac, t->task, t->envs, t->pool, t->config->seed, err);
    return status;
}

static void note_position(training *t) {
    const udy_sac_status s = udy_sac_status_take(t->sac);
    t->steps = t->reported_steps = s.steps;
    t->reported_updates = s.updates;
    t->return_mean = s.return_mean;
    if (udy_sac_moved(t->sac)[0])
        udy_progress_message(t->progress,
                             "the checkpoint was written with %s: from here on this is another "
                             "training of the same kind",
                             udy_sac_moved(t->sac));
}

// Load the last checkpoint, where there is one.
static int load(training *t, udy_error *err) {
    udy_error why = {0};
    int status = udy_sac_load(t->sac, t->sac_dir, &why);
    if (status == UDY_ENOENT && !t->clock.saved) {  // a kill came before the first was whole
        status = udy__expert_clear_checkpoint(t->path, err);
        return status ? status : create_core(t, err);
    }
    if (status) return udy_error_set(err, status, "%s", why.message);
    note_position(t);
    return UDY_OK;
}

// The end of the training that this one goes on from.
static int load_other(training *t, udy_error *err) {
    char dir[UDY_PATH_MAX];
    int status = udy__expert_sac_dir(dir, t->config->from, err);
    if (!status) status = udy_sac_load_from(t->sac, dir, err);
    if (status == UDY_EMISMATCH || status == UDY_EFORMAT)
        return udy_error_wrap(err, status,
                              "going on from %s, whose task, networks and number of simulations "
                              "this training must have",
                              t->config->from);
    return status ? udy_error_wrap(err, status, "going on from %s", t->config->from) : UDY_OK;
}

// That, and its wall-clock.
static int take_over(training *t, udy_error *err) {
    udy_curve_point *curve = NULL;
    int n, status = load_other(t, err);
    if (!status) status = udy_expert_curve(&curve, &n, t->config->from, err);
    if (status) return status;
    note_position(t);
    status = udy__clock_note(&t->clock, t->steps, curve[n - 1].seconds, false, t->path, err);
    udy_free(curve);
    return status;
}

static int note_beginning(training *t, udy_error *err) {
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "at_steps", t->steps);
    udy_json_put_number(fields, "seconds", t->seconds_before);
    udy_json_put(fields, "machine", udy__machine_json(udy_pool_threads(t->pool)));
    return udy_run_log(t->run, t->again ? "resumed" : "begun", fields, err);
}

// The core as the last checkpoint left it, or new, and the folder put back to it.
static int begin(training *t, udy_error *err) {
    int status = create_core(t, err);
    if (!status && (t->clock.saved || udy_dir_exists(t->sac_dir))) status = load(t, err);
    const bool another = !status && t->steps < t->config->sac.from_steps;
    if (another) status = take_over(t, err);
    if (status) return status;
    while (t->n && t->curve[t->n - 1].steps > t->steps) t->n--;
    // Of the evaluations up to here only that of this very step may be still to come.
    if (t->n < t->n_max && t->steps > evaluation_at(t, t->n))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s/curve.csv: has %d evaluations, but the checkpoint is of step "
                             "%lld: it is not as the training left it",
                             t->path, t->n, (long long)t->steps);
    t->seconds_before = udy__clock_cut(&t->clock, t->steps);
    status = udy__expert_cut_back(t->path, t->steps, t->curve, t->n, err);
    if (!status)
        status =
            udy_logger_open(&t->log, t->path, "", loggers_of(t), t->again ? t->steps + 1 : -1, err);
    if (!status) status = log_summary(t, NULL, err);
    if (!status) status = note_beginning(t, err);
    t->saved_s = udy_clock_s();
    if (!status && another) status = save(t, err);  // from here on the other run may go
    return status;
}

// The task, and whether the settings make sense on it.
static int create_task(training *t, udy_error *err) {
    const udy_expert_config *config = t->config;
    int status = udy__config_check(config, udy_expert_fields(), "", err);
    if (!status) status = udy_task_create(&t->task, config->task, &config->task_config, err);
    if (!status && udy_task_info_of(t->task)->max_episode_steps < 1)
        status = udy_error_set(err, UDY_EINVAL,
                               "%s has no time limit, so an evaluation may never end: set "
                               "env.max_episode_steps",
                               config->task);
    if (!status && config->sac.eval_interval < config->sac.n_envs)
        status = udy_error_set(err, UDY_EINVAL,
                               "sac.eval_interval = %d is less than one step of each of %d "
                               "simulations (sac.n_envs)",
                               config->sac.eval_interval, config->sac.n_envs);
    return status;
}

static int prepare(training *t, int n_threads, udy_error *err) {
    const udy_expert_config *config = t->config;
    int status = create_task(t, err);
    if (!status) status = make_folders(t, err);
    if (!status) status = refuse_another(t, err);
    if (!status) status = udy_pool_create(&t->pool, n_threads, err);
    if (!status)
        status = udy_batch_create(&t->evaluators, t->task, udy_pool_threads(t->pool),
                                  udy_pool_threads(t->pool), err);
    if (!status) status = udy__expert_sac_dir(t->sac_dir, t->path, err);
    if (status) return status;
    int64_t interval = config->sac.eval_interval,
            steps = config->sac.steps - config->sac.from_steps;
    t->n_max = (int)((steps + interval - 1) / interval);
    // The end may round to the same step as the evaluation before it.
    if (t->n_max > 1 && evaluation_at(t, t->n_max - 2) == evaluation_at(t, t->n_max - 1))
        t->n_max--;
    t->curve = udy_alloc(((size_t)t->n_max + 1) * sizeof *t->curve);
    return t->curve ? UDY_OK : out_of_memory(err);
}

static void tidy_up(training *t) {
    udy_logger_close(t->log);
    udy_sac_destroy(t->sac);
    udy_batch_destroy(t->envs);
    udy_batch_destroy(t->evaluators);
    udy_pool_destroy(t->pool);
    udy_task_destroy(t->task);
    udy__clock_free(&t->clock);
    udy_free(t->curve);
}

int udy_expert_check(const udy_expert_config *config, udy_error *err) {
    training t = {.config = config};
    int status = create_task(&t, err);
    if (!status) status = udy_pool_create(&t.pool, 1, err);
    if (!status) status = create_core(&t, err);
    if (!status && config->sac.from_steps) status = load_other(&t, err);
    tidy_up(&t);
    return status;
}

int udy_expert_train(udy_run *run, const udy_expert_config *config, int n_threads,
                     const udy_progress *progress, udy_error *err) {
    training t = {.config = config,
                  .run = run,
                  .path = udy_run_path(run),
                  .progress = progress,
                  .return_mean = NAN,
                  .start_s = udy_clock_s()};
    int status = prepare(&t, n_threads, err);
    bool finished = !status && udy__expert_finished(config, t.path);
    if (!status && !finished) status = udy__clock_load(&t.clock, t.path, err);
    if (!status && !finished) status = read_curve(&t, err);
    if (!status && !finished && t.n < t.n_max) {
        status = begin(&t, err);
        if (!status) status = train(&t, err);
    } else if (!status && !finished) {
        // Killed after the last evaluation: only the test is missing.
        t.seconds_before = fmax(udy__clock_cut(&t.clock, INT64_MAX), t.curve[t.n - 1].seconds);
    }
    if (!status && !finished) status = finish(&t, err);
    tidy_up(&t);
    return status;
}
