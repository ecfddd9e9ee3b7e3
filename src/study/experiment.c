// The experiment: demonstrations, behavioural cloning, DAgger, evaluation, in a run folder. Each
// stage is kept as it ends, in a record of its own under checkpoints/; a run that was stopped finds
// its records and goes on. results.c turns what the stages leave into results.json.
#include "experiment.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate.h"
#include "learn/config.h"
#include "record.h"

#define RECORD_MAX ((size_t)256 << 20)

typedef struct experiment {
    const udy_experiment_config *config;
    udy_run *run;
    const char *path;
    const udy_progress *progress;
    udy_task *task;
    udy_batch *batch;
    udy_pool *pool;
    udy_policy *expert;
    udy_dataset *demos;
    udy_dagger *dagger;
    double demo_seconds, bc_seconds;
    udy__elapsed elapsed;
    char bc_path[UDY_PATH_MAX];
    udy__outcome outcome;
} experiment;

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for the experiment");
}

//------------------------------------------ Records -----------------------------------------------

static int record_read(const experiment *x, const char *name, udy_json **out, udy_error *err) {
    return udy__record_read(x->path, name, RECORD_MAX, out, err);
}

static int record_write(const experiment *x, const char *name, udy_json *record, udy_error *err) {
    return udy__record_write(x->path, name, record, err);
}

//------------------------------------------ Demonstrations ----------------------------------------

static int open_demos(experiment *x, udy_error *err) {
    char path[UDY_PATH_MAX], manifest[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/data/demos", x->path);
    if (!status) status = udy_path_format(manifest, err, "%s/manifest.json", path);
    if (status) return status;
    if (udy_file_exists(manifest)) return udy_dataset_open(&x->demos, path, x->progress, err);
    return udy_dataset_create(&x->demos, path, x->task, udy_policy_name(x->expert), err);
}

static int collect_demos(experiment *x, udy_error *err) {
    udy_json *record;
    int status = record_read(x, "demos", &record, err);
    if (!status) status = open_demos(x, err);
    if (status) {
        udy_json_free(record);
        return status;
    }
    const bool ended = record;
    x->demo_seconds = udy_json_number(record, "seconds", NAN);
    udy_json_free(record);
    double start = udy_clock_s();
    status = udy_dataset_collect(x->demos, x->batch, x->task, x->expert, x->config->demo_episodes,
                                 udy_seed_range(x->config->seed, UDY_SEEDS_DEMOS), "demonstrations",
                                 x->progress, err);
    if (status || ended) return status;
    x->demo_seconds = udy_clock_s() - start;
    udy_dataset_info info = udy_dataset_info_of(x->demos);
    double sum = 0;
    for (int i = 0; i < info.n_episodes; i++) sum += udy_dataset_episode_at(x->demos, i).ret;
    udy_progress_message(x->progress,
                         "demonstrations: %d episodes of the expert, %llu pairs, mean "
                         "return %.0f",
                         info.n_episodes, (unsigned long long)info.n_rows, sum / info.n_episodes);
    record = udy_json_object();
    udy_json_put_number(record, "seconds", x->demo_seconds);
    return record_write(x, "demos", record, err);
}

//------------------------------------------ Behavioural cloning -----------------------------------

static int bc_take_record(experiment *x, const udy_json *record, udy_error *err) {
    const udy_json *train = udy_json_get(record, "train_loss"),
                   *val = udy_json_get(record, "val_loss");
    size_t n = train ? udy_json_size(train) : 0;
    double best = udy_json_number(record, "best_epoch", -1),
           updates = udy_json_number(record, "updates", -1);
    if (n == 0 || !val || udy_json_size(val) != n || !(best >= 0 && best < (double)n) ||
        !(updates >= 0 && updates <= 0x1p53))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s/checkpoints/bc.json is damaged: remove it, and cloning is done "
                             "again with the same bits",
                             x->path);
    x->outcome.curve = udy_alloc(n * sizeof *x->outcome.curve);
    if (!x->outcome.curve) return out_of_memory(err);
    x->outcome.n_epochs = (int)n;
    const udy_json *t = udy_json_at(train, 0), *v = udy_json_at(val, 0);
    for (size_t i = 0; i < n; i++, t = udy_json_next(t), v = udy_json_next(v))
        x->outcome.curve[i] = (udy_bc_epoch){udy_json_value(t, NAN), udy_json_value(v, NAN)};
    x->outcome.best_epoch = (int)best;
    x->outcome.bc_updates = (int64_t)updates;
    x->bc_seconds = udy_json_number(record, "seconds", NAN);
    return UDY_OK;
}

static udy_json *bc_record(const udy_bc *bc, double seconds) {
    udy_json *record = udy_json_object(), *train = udy_json_array(), *val = udy_json_array();
    for (int i = 0; i < udy_bc_epochs(bc); i++) {
        udy_json_append_number(train, udy_bc_curve(bc)[i].train_loss);
        udy_json_append_number(val, udy_bc_curve(bc)[i].val_loss);
    }
    udy_json_put(record, "train_loss", train);
    udy_json_put(record, "val_loss", val);
    udy_json_put_int(record, "best_epoch", udy_bc_best_epoch(bc));
    udy_json_put_int(record, "updates", udy_bc_updates(bc));
    udy_json_put_number(record, "seconds", seconds);
    return record;
}

static int bc_save_policies(const experiment *x, const udy_bc *bc, udy_error *err) {
    static const char *const which[] = {"last", "best"};
    char labels[24];
    snprintf(labels, sizeof labels, "%llu",
             (unsigned long long)udy_dataset_info_of(x->demos).n_labels);
    const udy_text_pair made[] = {{"made_by", "behavioural cloning"}, {"expert_labels", labels}};
    for (int i = 0; i < 2; i++) {
        char path[UDY_PATH_MAX];
        udy_policy *policy = NULL;
        int status = udy_path_format(path, err, "%s/policies/bc-%s.safetensors", x->path, which[i]);
        if (!status) status = udy_bc_policy(bc, i == 1, &policy, err);
        if (!status) status = udy_policy_save(policy, path, made, 2, err);
        udy_policy_destroy(policy);
        if (status) return status;
    }
    return UDY_OK;
}

static int bc_train(experiment *x, const char *checkpoint, udy_error *err) {
    udy_bc *bc;
    udy_course *course = NULL;
    double start = udy_clock_s();
    int status = udy_bc_create(&bc, &x->config->bc, x->task, x->pool, x->config->seed, 0, err);
    if (!status)
        status = udy_course_open(&course, x->path, udy_run_loggers(x->run), x->progress, err);
    if (!status) status = udy_course_follow_bc(course, bc, err);
    if (!status)
        status = udy_bc_train(bc, x->demos, "behavioural cloning", checkpoint,
                              udy_course_progress(course), err);
    if (!status) status = bc_save_policies(x, bc, err);
    if (!status) {
        udy_json *record = bc_record(bc, udy_clock_s() - start);
        status = bc_take_record(x, record, err);
        if (status)
            udy_json_free(record);
        else
            status = record_write(x, "bc", record, err);
    }
    if (!status) {
        const udy_bc_epoch *last = &udy_bc_curve(bc)[udy_bc_epochs(bc) - 1];
        udy_progress_message(x->progress,
                             "behavioural cloning: %d epochs, %lld updates, loss %.5f, "
                             "validation %.5f",
                             udy_bc_epochs(bc), (long long)udy_bc_updates(bc), last->train_loss,
                             last->val_loss);
    }
    status = udy_course_close(course, status, err);
    udy_bc_destroy(bc);
    return status;
}

// The curve of a training that had ended, told anew: whoever is told now may not have been then.
static int tell_curve(const experiment *x, udy_error *err) {
    udy_logger *log;
    int status = udy_logger_open(&log, x->path, "bc", udy_run_loggers(x->run), 0, err);
    for (int i = 0; i < x->outcome.n_epochs && !status; i++) {
        const udy_scalar scalars[] = {{"loss/train", x->outcome.curve[i].train_loss},
                                      {"loss/validation", x->outcome.curve[i].val_loss}};
        status = udy_logger_scalars(log, i + 1, scalars, 2, err);
    }
    udy_logger_close(log);
    return status;
}

static int clone_behaviour(experiment *x, udy_error *err) {
    char checkpoint[UDY_PATH_MAX];
    udy_json *record;
    int status = udy_path_format(checkpoint, err, "%s/checkpoints/bc.safetensors", x->path);
    // The policy of the table: the epoch with the best validation loss, where there is one.
    if (!status)
        status = udy_path_format(x->bc_path, err, "%s/policies/bc-best.safetensors", x->path);
    if (!status) status = record_read(x, "bc", &record, err);
    if (status) return status;
    if (record) {
        status = bc_take_record(x, record, err);
        udy_json_free(record);
        if (!status) status = tell_curve(x, err);
    } else {
        status = bc_train(x, checkpoint, err);
    }
    return status ? status : udy_file_remove(checkpoint, err);
}

//------------------------------------------ DAgger ------------------------------------------------

static int all_rounds(experiment *x, udy_course *course, udy_error *err) {
    int status = udy_dagger_open(&x->dagger, &x->config->dagger, &x->config->dagger_bc, x->task,
                                 x->batch, x->pool, x->expert, x->demos, x->config->seed, x->path,
                                 udy_course_progress(course), err);
    if (!status)
        status = udy_course_follow_dagger(course, x->dagger, &x->config->dagger,
                                          &x->config->dagger_bc, err);
    while (!status) {
        int more = udy_dagger_step(x->dagger, err);
        if (more <= 0) {
            status = more;
            break;
        }
        const udy_dagger_round *r =
            udy_dagger_round_at(x->dagger, udy_dagger_rounds_done(x->dagger) - 1);
        udy_progress_message(x->progress,
                             "DAgger round %d/%d: mean return %.0f over %d episodes, %llu "
                             "labels, loss %.5f",
                             r->round, x->config->dagger.rounds, r->select_mean, r->n_select,
                             (unsigned long long)r->labels, r->train_loss);
        status = udy_course_rounds(course, err);
        if (!status) status = udy__elapsed_keep(&x->elapsed, x->path, err);
    }
    return status;
}

static int aggregate(experiment *x, udy_error *err) {
    udy_course *course;
    int status = udy_course_open(&course, x->path, udy_run_loggers(x->run), x->progress, err);
    if (status) return status;
    status = all_rounds(x, course, err);
    // From here on the rounds are only read: DAgger's progress, the course's, is not called again.
    return udy_course_close(course, status, err);
}

//------------------------------------------ Evaluation --------------------------------------------

static udy__entry *next_entry(experiment *x, const char *name, const char *label, uint64_t labels,
                              double seconds) {
    udy__entry *entry = &x->outcome.entries[x->outcome.n_entries++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->label, sizeof entry->label, "%s", label);
    entry->labels = labels;
    entry->seconds = seconds;
    return entry;
}

// UDY_EFORMAT, without a message, where the record is damaged: the caller evaluates anew.
static int evaluation_take(udy_evaluation *e, const udy_json *record, int n_episodes, uint64_t seed,
                           udy_error *err) {
    const udy_json *returns = udy_json_get(record, "returns"),
                   *lengths = udy_json_get(record, "lengths");
    const udy_json *speeds = udy_json_get(record, "speeds"),
                   *ends = udy_json_get(record, "end_codes");
    size_t n = returns ? udy_json_size(returns) : 0;
    if (n != (size_t)n_episodes || !lengths || !speeds || !ends || udy_json_size(lengths) != n ||
        udy_json_size(speeds) != n || udy_json_size(ends) != n)
        return UDY_EFORMAT;
    udy_episode *episodes = udy_alloc(n * sizeof *episodes);
    if (!episodes) return out_of_memory(err);
    const udy_json *r = udy_json_at(returns, 0), *l = udy_json_at(lengths, 0);
    const udy_json *s = udy_json_at(speeds, 0), *c = udy_json_at(ends, 0);
    bool sound = true;
    for (size_t i = 0; i < n; i++) {
        double length = udy_json_value(l, -1), end = udy_json_value(c, -1);
        sound = sound && length >= 0 && length <= INT_MAX && end >= 0 && end <= UDY_END_UNHEALTHY;
        episodes[i] = (udy_episode){.ret = udy_json_value(r, NAN),
                                    .speed = udy_json_value(s, NAN),
                                    .length = sound ? (int)length : 0,
                                    .end = sound ? (udy_end)end : UDY_END_NONE};
        r = udy_json_next(r), l = udy_json_next(l), s = udy_json_next(s), c = udy_json_next(c);
    }
    int status = sound ? udy__evaluation_of(e, episodes, (int)n, seed, err) : UDY_EFORMAT;
    udy_free(episodes);
    return status;
}

static udy_json *evaluation_record(const udy_evaluation *e) {
    udy_json *record = udy_evaluation_json(e, true), *codes = udy_json_array();
    for (int i = 0; i < e->n; i++) udy_json_append_number(codes, e->ends[i]);
    udy_json_put(record, "end_codes", codes);
    return record;
}

// Evaluate a policy on the table's seeds, or take it from the record of a run that was stopped.
static int evaluate_entry(experiment *x, udy__entry *entry, const udy_policy *policy,
                          udy_error *err) {
    char stage[48], record_name[48];
    uint64_t seed = udy_seed_range(x->config->seed, UDY_SEEDS_EVALUATE);
    udy_json *record;
    snprintf(record_name, sizeof record_name, "evaluate-%s", entry->name);
    snprintf(stage, sizeof stage, "evaluate %s", entry->name);
    int status = record_read(x, record_name, &record, err);
    if (status) return status;
    if (record) {
        status = evaluation_take(&entry->of, record, x->config->eval_episodes, seed, err);
        udy_json_free(record);
        if (status != UDY_EFORMAT) return status;
    }
    status = udy_evaluate(&entry->of, policy, x->task, x->batch, x->config->eval_episodes, seed,
                          stage, x->progress, err);
    return status ? status : record_write(x, record_name, evaluation_record(&entry->of), err);
}

static int evaluate_file(experiment *x, udy__entry *entry, const char *path, udy_error *err) {
    udy_policy *policy;
    int status = udy_policy_load(&policy, path, err);
    if (!status) status = evaluate_entry(x, entry, policy, err);
    udy_policy_destroy(policy);
    return status;
}

// The rounds' rows stand on their selection episodes; the best round is evaluated anew.
static int dagger_entries(experiment *x, udy_error *err) {
    const udy_dagger *d = x->dagger;
    udy_dataset_info demos = udy_dataset_info_of(x->demos);
    double seconds = x->demo_seconds * x->config->dagger.initial_episodes / demos.n_episodes;
    double best_seconds = 0;
    int status = UDY_OK, best = udy_dagger_best(d);
    for (int i = 0; !status && i < udy_dagger_rounds_done(d); i++) {
        const udy_dagger_round *r = udy_dagger_round_at(d, i);
        char name[32], label[48];
        snprintf(name, sizeof name, "dagger-%d", i);
        snprintf(label, sizeof label, i ? "DAgger round %d" : "DAgger round %d (BC, %d episodes)",
                 i, x->config->dagger.initial_episodes);
        seconds += r->seconds;
        if (i == best) best_seconds = seconds;
        udy__entry *entry = next_entry(x, name, label, r->labels, seconds);
        status = udy__evaluation_of(&entry->of, r->select, r->n_select,
                                    udy_seed_range(x->config->seed, UDY_SEEDS_SELECT), err);
    }
    if (status) return status;
    char path[UDY_PATH_MAX], label[48];
    snprintf(label, sizeof label, "DAgger best (round %d)", best);
    udy__entry *entry =
        next_entry(x, "dagger-best", label, udy_dagger_round_at(d, best)->labels, best_seconds);
    status = udy_dagger_policy_path(d, best, path, err);
    return status ? status : evaluate_file(x, entry, path, err);
}

static int evaluate_all(experiment *x, udy_error *err) {
    udy_policy *random;
    char label[48];
    int status = udy_policy_random(&random, x->task, err);
    if (status) return status;
    status = evaluate_entry(x, next_entry(x, "random", "Random", 0, 0), random, err);
    udy_policy_destroy(random);
    snprintf(label, sizeof label, "BC (%d episodes)", x->config->demo_episodes);
    if (!status)
        status = evaluate_file(x,
                               next_entry(x, "bc", label, udy_dataset_info_of(x->demos).n_labels,
                                          x->demo_seconds + x->bc_seconds),
                               x->bc_path, err);
    if (!status) status = dagger_entries(x, err);
    if (!status)
        status = evaluate_entry(x, next_entry(x, "expert", "Expert", 0, 0), x->expert, err);
    return status;
}

//------------------------------------------ Loggers -----------------------------------------------

static const udy_evaluation *evaluation_named(const experiment *x, const char *name) {
    for (int i = 0; i < x->outcome.n_entries; i++)
        if (!strcmp(x->outcome.entries[i].name, name)) return &x->outcome.entries[i].of;
    return NULL;
}

static double mean_named(const experiment *x, const char *name) {
    const udy_evaluation *e = evaluation_named(x, name);
    return e ? e->mean : NAN;
}

// Settings, and at the end what came out of them: what runs are compared by.
static int log_summary(const experiment *x, bool ended, udy_error *err) {
    const udy__outcome *o = &x->outcome;
    const udy_evaluation *best = evaluation_named(x, "dagger-best");
    const udy_bc_epoch *epoch = o->curve ? &o->curve[o->best_epoch >= 0 ? o->best_epoch : 0] : NULL;
    const udy_scalar scalars[] = {
        {"outcome/return", mean_named(x, "dagger-best")},
        {"outcome/falls", best ? (double)best->falls : NAN},
        {"outcome/return_bc", mean_named(x, "bc")},
        {"outcome/return_expert", mean_named(x, "expert")},
        {"outcome/return_random", mean_named(x, "random")},
        {"outcome/loss_bc", !epoch                      ? NAN
                            : isfinite(epoch->val_loss) ? epoch->val_loss
                                                        : epoch->train_loss},
    };
    return udy_logger_summary(
        x->path, "summary", udy_run_loggers(x->run), x->config, udy_experiment_fields(), scalars,
        ended ? (int)(sizeof scalars / sizeof *scalars) : 0, udy__elapsed_s(&x->elapsed), err);
}

//------------------------------------------ All of it ---------------------------------------------

static int run_stages(experiment *x, udy_error *err) {
    static int (*const stages[])(experiment *, udy_error *) = {collect_demos, clone_behaviour,
                                                               aggregate, evaluate_all};
    static const char *const names[] = {"demos", "bc", "dagger", "evaluate"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        double start = udy_clock_s();
        int status = stages[i](x, err);
        if (status == UDY_EINTERRUPTED)
            (void)udy__elapsed_keep(&x->elapsed, x->path, NULL);  // the interruption is the news
        if (status) return status;
        udy_json *fields = udy_json_object();
        udy_json_put_string(fields, "stage", names[i]);
        udy_json_put_number(fields, "seconds", udy_clock_s() - start);
        status = udy_run_log(x->run, "stage", fields, err);
        if (!status) status = udy__elapsed_keep(&x->elapsed, x->path, err);
        if (status) return status;
    }
    return UDY_OK;
}

// What every number of the run follows from.
static char *fingerprint(const experiment *x) {
    udy_experiment_config *settings = udy_alloc(sizeof *settings);
    if (!settings) return NULL;
    *settings = *x->config;
    settings->task_config.model_dir[0] = '\0';  // a place, which may differ from day to day
    settings->expert[0] = '\0';                 // another: the weights stand below
    char *text = udy_settings_facts(settings, udy_experiment_fields());
    udy_free(settings);
    char *print = text ? udy_alloc(40) : NULL;
    if (print)
        snprintf(print, 40, "%016llx %016llx", (unsigned long long)udy_hash(text, strlen(text)),
                 (unsigned long long)udy_policy_hash(x->expert));
    udy_free(text);
    return print;
}

// A folder where another experiment has begun must not lend this one its records.
static int refuse_another(const experiment *x, udy_error *err) {
    char *own = fingerprint(x);
    int status = own ? udy__record_claim(x->path, "experiment", RECORD_MAX, own,
                                         "other settings or another expert", err)
                     : out_of_memory(err);
    udy_free(own);
    return status;
}

static int make_folders(const experiment *x, udy_error *err) {
    static const char *const names[] = {"checkpoints", "policies", "data"};
    return udy__run_folders(x->path, names, 3, err);
}

static int prepare(experiment *x, const char *expert_path, int n_threads, udy_error *err) {
    int status = udy__config_check(x->config, udy_experiment_fields(), "", err);
    if (!status && x->config->demo_episodes < x->config->dagger.initial_episodes)
        status = udy_error_set(err, UDY_EINVAL,
                               "demo_episodes = %d, but DAgger starts from %d of them "
                               "(dagger.initial_episodes)",
                               x->config->demo_episodes, x->config->dagger.initial_episodes);
    if (!status) status = udy_task_create(&x->task, x->config->task, &x->config->task_config, err);
    if (!status) status = udy_policy_load(&x->expert, expert_path, err);
    if (!status) status = udy_policy_check(x->expert, x->task, err);
    if (!status) status = udy_pool_create(&x->pool, n_threads, err);
    if (!status)
        status = udy_batch_create(&x->batch, x->task, udy_pool_threads(x->pool),
                                  udy_pool_threads(x->pool), err);
    if (!status) status = make_folders(x, err);
    if (!status) status = refuse_another(x, err);
    if (!status) status = udy__elapsed_recall(&x->elapsed, x->path, RECORD_MAX, err);
    if (status) return status;
    size_t n_entries = (size_t)x->config->dagger.rounds + 5;
    x->outcome.entries = udy_alloc(n_entries * sizeof *x->outcome.entries);
    return x->outcome.entries ? UDY_OK : out_of_memory(err);
}

static void tidy_up(experiment *x) {
    for (int i = 0; x->outcome.entries && i < x->outcome.n_entries; i++)
        udy_evaluation_free(&x->outcome.entries[i].of);
    udy_free(x->outcome.entries);
    udy_free(x->outcome.curve);
    udy_dagger_close(x->dagger);
    udy_dataset_close(x->demos);
    udy_policy_destroy(x->expert);
    udy_batch_destroy(x->batch);
    udy_pool_destroy(x->pool);
    udy_task_destroy(x->task);
}

int udy_experiment_run(udy_run *run, const udy_experiment_config *config, const char *expert_path,
                       int n_threads, const udy_progress *progress, udy_error *err) {
    experiment x = {.config = config,
                    .run = run,
                    .path = udy_run_path(run),
                    .progress = progress,
                    .elapsed = {.start_s = udy_clock_s()}};
    int status = prepare(&x, expert_path, n_threads, err);
    if (!status) status = log_summary(&x, false, err);
    if (!status) status = run_stages(&x, err);
    if (!status) status = log_summary(&x, true, err);
    if (!status) {
        x.outcome.config = config;
        x.outcome.expert = x.expert;
        x.outcome.dagger = x.dagger;
        x.outcome.n_threads = udy_pool_threads(x.pool);
        x.outcome.seconds_total = udy__elapsed_s(&x.elapsed);
        status = udy__results_write(&x.outcome, x.path, err);
    }
    tidy_up(&x);
    return status;
}
