// cmd_dagger.c: `understudy dagger`: DAgger from an expert, in a run folder of its own.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct dagger_args {
    cli_common common;
    const char *task, *expert, *demos, *out, *resume;
    unsigned loggers;
} dagger_args;

// What run.yaml holds: all that a resumption needs.
typedef struct dagger_settings {
    char task[64], expert[1024], demos[1024];
    uint64_t seed;
    udy_dagger_config dagger;
    udy_bc_config bc;
    udy_task_config task_config;
} dagger_settings;

#define FIELD(member) offsetof(dagger_settings, member)
static const udy_field own_fields[] = {
    {"task", UDY_FIELD_TEXT, FIELD(task), 64, 0, 0, NULL, "the task"},
    {"expert", UDY_FIELD_TEXT, FIELD(expert), 1024, 0, 0, NULL,
     "a shipped expert or a policy file"},
    {"demos", UDY_FIELD_TEXT, FIELD(demos), 1024, 0, 0, NULL,
     "dataset of its demonstrations; empty: they are collected"},
    {"seed", UDY_FIELD_U64, FIELD(seed), 0, 0, 4294967295.0, NULL, "where all randomness starts"},
    {0},
};

static udy_field *make_table(void) {
    const cli_fields_part parts[] = {{"", own_fields, 0},
                                     {"", udy_dagger_config_fields, FIELD(dagger)},
                                     {"bc.", udy_bc_config_fields, FIELD(bc)},
                                     {"", udy_task_config_fields, FIELD(task_config)}};
    return cli_fields_join(parts, 4);
}

// Everything open at once.
typedef struct dagger_work {
    dagger_settings settings;
    udy_policy *expert;
    udy_task *task;
    udy_batch *batch;
    udy_pool *pool;
    udy_dataset *demos;
    udy_run *run;
    udy_course *course;
    udy_dagger *dagger;
} dagger_work;

static void close_work(dagger_work *w) {
    udy_dagger_close(w->dagger);
    udy_run_close(w->run);
    udy_dataset_close(w->demos);
    udy_batch_destroy(w->batch);
    udy_pool_destroy(w->pool);
    udy_task_destroy(w->task);
    udy_policy_destroy(w->expert);
    udy_free(w);
}

//------------------------------------------ Settings ----------------------------------------------

// The defaults, or a preset's settings as far as they are DAgger's.
static int start_settings(const dagger_args *args, dagger_settings *s, udy_error *err) {
    udy_experiment_config *e = udy_alloc(sizeof *e);
    char path[UDY_PATH_MAX];
    int status = UDY_OK;
    if (!e) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    udy_experiment_config_default(e);
    if (args->common.preset) {
        status = cli_find_preset(path, args->common.data, args->common.preset, err);
        if (!status) status = udy_settings_load(e, udy_experiment_fields(), path, err);
    }
    *s = (dagger_settings){
        .seed = e->seed, .dagger = e->dagger, .bc = e->dagger_bc, .task_config = e->task_config};
    memcpy(s->task, e->task, sizeof s->task);
    memcpy(s->expert, e->expert, sizeof s->expert);
    udy_free(e);
    return status;
}

static int take_text(char *to, size_t size, const char *value, const char *option) {
    if (!value) return CLI_DONE;
    if (strlen(value) >= size)
        return cli_usage("--%s: longer than %zu characters", option, size - 1);
    memcpy(to, value, strlen(value) + 1);
    return CLI_DONE;
}

// What options say on top of s. The expert's observation form counts unless a preset or --set says.
static int apply_options(const dagger_args *args, dagger_settings *s, const udy_field *table) {
    udy_error err = {0};
    char task[64];
    memcpy(task, s->task, sizeof task);
    int code = take_text(s->task, sizeof s->task, args->task, "task");
    if (code == CLI_DONE) code = take_text(s->expert, sizeof s->expert, args->expert, "expert");
    if (code == CLI_DONE) code = take_text(s->demos, sizeof s->demos, args->demos, "demos");
    if (code != CLI_DONE) return code;
    if (strcmp(task, s->task) != 0 && udy_task_config_default(&s->task_config, s->task, &err))
        return cli_usage("%s", err.message);
    code = cli_apply_seed(&args->common, s, table);
    if (code == CLI_DONE) code = cli_apply_set(&args->common, s, table);
    if (code == CLI_DONE && (cli_settle_policy(s->expert, sizeof s->expert, &err) ||
                             cli_settle_path(s->demos, sizeof s->demos, &err)))
        code = cli_fail(&err);
    return code;
}

static int new_settings(const dagger_args *args, dagger_work *w, const udy_field *table) {
    udy_error err = {0};
    if (start_settings(args, &w->settings, &err)) return cli_fail(&err);
    int code = apply_options(args, &w->settings, table);
    if (code != CLI_DONE) return code;
    if (cli_load_policy(&w->expert, args->common.data, w->settings.expert, NULL, &err))
        return cli_fail(&err);
    if (!args->common.preset) {
        w->settings.task_config.contact_obs = udy_policy_contact_obs(w->expert);
        code = cli_apply_set(&args->common, &w->settings, table);
    }
    return code;
}

static int resumed_settings(const dagger_args *args, dagger_work *w, const udy_field *table) {
    udy_error err = {0};
    if (start_settings(args, &w->settings, &err)) return cli_fail(&err);
    dagger_settings asked = w->settings;
    if (cli_run_settings(args->resume, &w->settings, table, &err)) return cli_fail(&err);
    if (!args->common.preset) {
        asked = w->settings;
    } else {  // what a preset does not say
        memcpy(asked.demos, w->settings.demos, sizeof asked.demos);
        if (!args->common.has_seed) asked.seed = w->settings.seed;
    }
    int code = apply_options(args, &asked, table);
    if (code == CLI_DONE) code = cli_refuse_conflict(args->resume, &w->settings, &asked, table);
    if (code == CLI_DONE &&
        cli_load_policy(&w->expert, args->common.data, w->settings.expert, NULL, &err))
        code = cli_fail(&err);
    return code;
}

//------------------------------------------ Work --------------------------------------------------

static int open_run(const dagger_args *args, dagger_work *w, const udy_field *table,
                    udy_error *err) {
    if (args->resume) return udy_run_open(&w->run, args->resume, err);
    char *yaml = udy_settings_print(&w->settings, table);
    if (!yaml) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    int status = udy_run_create(&w->run, args->out, yaml, err);
    udy_free(yaml);
    return status;
}

// Task, threads, data, run folder: the folder last, so that a mistake leaves none behind.
static int open_all(const dagger_args *args, dagger_work *w, const udy_field *table,
                    udy_error *err) {
    udy_task_config config = w->settings.task_config;
    int status = cli_find_models(&config, args->common.data, err);
    if (!status) status = udy_task_create(&w->task, w->settings.task, &config, err);
    if (!status) status = udy_policy_check(w->expert, w->task, err);
    if (!status && w->settings.demos[0])
        status = cli_open_dataset(&w->demos, w->settings.demos, &args->common, err);
    if (!status) status = cli_make_batch(&w->batch, &args->common, w->task, err);
    if (!status) status = udy_pool_create(&w->pool, cli_threads(&args->common), err);
    if (!status) status = open_run(args, w, table, err);
    if (status) return status;
    udy_run_set_loggers(w->run, args->loggers);
    status = udy_course_open(&w->course, udy_run_path(w->run), args->loggers,
                             cli_progress_begin(args->common.quiet), err);
    if (!status)
        status = udy_dagger_open(&w->dagger, &w->settings.dagger, &w->settings.bc, w->task,
                                 w->batch, w->pool, w->expert, w->demos, w->settings.seed,
                                 udy_run_path(w->run), udy_course_progress(w->course), err);
    if (!status)
        status = udy_course_follow_dagger(w->course, w->dagger, &w->settings.dagger,
                                          &w->settings.bc, err);
    return status;
}

// Settings, and at the end what came out of them: what runs are compared by.
static int log_summary(const dagger_work *w, const udy_field *table, bool ended, udy_error *err) {
    double seconds = 0;
    for (int i = 0; i < udy_dagger_rounds_done(w->dagger); i++)
        seconds += udy_dagger_round_at(w->dagger, i)->seconds;
    udy_scalar outcome[3] = {{NULL, 0}};
    int n = 0;
    if (ended) {
        const udy_dagger_round *best = udy_dagger_round_at(w->dagger, udy_dagger_best(w->dagger));
        outcome[n++] = (udy_scalar){"outcome/return", best->select_mean};
        outcome[n++] = (udy_scalar){"outcome/round", best->round};
        outcome[n++] = (udy_scalar){"outcome/labels", (double)best->labels};
    }
    return udy_logger_summary(udy_run_path(w->run), "summary", udy_run_loggers(w->run),
                              &w->settings, table, outcome, n, seconds, err);
}

static void print_round(const udy_dagger_round *r) {
    printf("%5d  %5.2f  %11.6f  %9llu  %14.1f  %10.1f  %8.1f\n", r->round, r->beta, r->train_loss,
           (unsigned long long)r->labels, r->collect_return, r->select_mean, r->seconds);
    fflush(stdout);
}

static int all_rounds(dagger_work *w, bool json, udy_error *err) {
    int shown = 0, status = 1;
    if (!json)
        printf("%s%5s  %5s  %11s  %9s  %14s  %10s  %8s%s\n", cli_style("1"), "round", "beta",
               "loss", "labels", "collect return", "return", "seconds", cli_style_end());
    while (status > 0) {
        for (; shown < udy_dagger_rounds_done(w->dagger); shown++) {
            cli_progress_end();
            if (!json) print_round(udy_dagger_round_at(w->dagger, shown));
        }
        fflush(stdout);
        status = udy_dagger_step(w->dagger, err);
        int told = status > 0 ? udy_course_rounds(w->course, err) : UDY_OK;
        if (told) return told;
    }
    return status;
}

static int print_json(const dagger_work *w, const char *best) {
    udy_json *root = udy_json_object(), *rounds = udy_json_array();
    udy_json_put_string(root, "run", udy_run_path(w->run));
    udy_json_put_int(root, "best_round", udy_dagger_best(w->dagger));
    udy_json_put_string(root, "best_policy", best);
    for (int i = 0; i < udy_dagger_rounds_done(w->dagger); i++) {
        udy_json_append(rounds, udy_dagger_round_json(udy_dagger_round_at(w->dagger, i)));
    }
    udy_json_put(root, "rounds", rounds);
    return cli_print_json(root);
}

static int dagger(const dagger_args *args, dagger_work *w, const udy_field *table) {
    udy_error err = {0};
    char best[UDY_PATH_MAX];
    const char *run = args->resume ? args->resume : args->out;
    int status = open_all(args, w, table, &err);
    if (!status) status = log_summary(w, table, false, &err);
    if (!status) status = all_rounds(w, args->common.json, &err);
    if (!status) status = log_summary(w, table, true, &err);
    bool stopped = status == UDY_EINTERRUPTED;
    status = udy_course_close(w->course, status, &err);
    cli_progress_end();
    if (!status) status = udy_dagger_policy_path(w->dagger, udy_dagger_best(w->dagger), best, &err);
    if (stopped) cli_say_resume("dagger", run, &args->common);
    if (status) return cli_fail(&err);
    if (args->common.json) return print_json(w, best);
    printf("\nbest: round %d, chosen by %d selection episodes\n  best policy      %s\n",
           udy_dagger_best(w->dagger), w->settings.dagger.select_episodes, best);
    static const cli_file_note files[] = {{"all rounds", "policies"},    {"dataset", "data/dagger"},
                                          {"settings", "run.yaml"},      {"log", "log.jsonl"},
                                          {"log as CSV", "scalars.csv"}, {"TensorBoard", "events"}};
    cli_print_files(run, files, (int)(sizeof files / sizeof files[0]));
    return CLI_DONE;
}

static int run(void *p) {
    dagger_args *args = p;
    if (!args->out == !args->resume)
        return cli_usage("'dagger' wants either --out DIR for a new run or --resume DIR to go on");
    if (!args->resume && !args->expert && !args->common.preset)
        return cli_usage("'dagger' wants --expert NAME; '%s expert list' shows the shipped ones",
                         cli_program);
    if (cli_loggers(&args->common, UDY_LOG_DEFAULT, &args->loggers) != CLI_DONE) return CLI_USAGE;
    udy_field *table = make_table();
    dagger_work *w = udy_alloc(sizeof *w);
    if (!table || !w) return cli_fail_text("out of memory");
    int code = args->resume ? resumed_settings(args, w, table) : new_settings(args, w, table);
    if (code == CLI_DONE) code = dagger(args, w, table);
    close_work(w);
    udy_free(table);
    return code;
}

#define OFFSET(member) offsetof(dagger_args, member)
static const cli_option options[] = {
    {"expert", "NAME", CLI_OPTION_TEXT, OFFSET(expert), 0, 0,
     "who labels: a shipped expert or a policy file"},
    {"demos", "DIR", CLI_OPTION_TEXT, OFFSET(demos), 0, 0,
     "dataset of its demonstrations (default: they are collected)"},
    {"out", "DIR", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "folder of the new run"},
    {"resume", "DIR", CLI_OPTION_TEXT, OFFSET(resume), 0, 0, "go on with an interrupted run"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0, "the task (default Ant-v5)"},
    {0},
};

const cli_command cli_dagger = {
    .name = "dagger",
    .summary = "train a policy by DAgger from an expert",
    .operands = "",
    .common = CLI_PRESET | CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON |
              CLI_QUIET,
    .options = options,
    .args_size = sizeof(dagger_args),
    .about =
        "Each round rolls the learner out, has the expert label every state it visits, adds that\n"
        "to the dataset and trains on all of it. --set takes the keys below, a training's as\n"
        "bc.KEY ('understudy bc --help') and a task's ('understudy tasks Ant-v5'). Without\n"
        "--logger, tensorboard and jsonl are told.",
    .example =
        "  understudy dagger --expert ant-v5 --out runs/dagger --set rounds=5 --set bc.epochs=20",
    .set_fields = udy_dagger_config_fields,
    .run = run,
};
