// cmd_experiment.c: `understudy experiment`: everything, from an expert to a results table, in one
// run folder that a kill does not spoil.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct experiment_args {
    cli_common common;
    const char *out, *resume;
    bool no_report;
    unsigned loggers;
} experiment_args;

// Control steps of the video: ten seconds of the ant.
enum { VIDEO_STEPS = 200 };

static const char default_preset[] = "ant-v5";

//------------------------------------------ Settings ----------------------------------------------

static int load_preset(const experiment_args *args, const char *name, udy_experiment_config *config,
                       udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_experiment_config_default(config);
    int status = cli_find_preset(path, args->common.data, name, err);
    if (!status) status = udy_settings_load(config, udy_experiment_fields(), path, err);
    return status;
}

static int apply_options(const experiment_args *args, udy_experiment_config *config) {
    udy_error err = {0};
    int code = cli_apply_seed(&args->common, config, udy_experiment_fields());
    if (code == CLI_DONE) code = cli_apply_set(&args->common, config, udy_experiment_fields());
    if (code == CLI_DONE && cli_settle_policy(config->expert, sizeof config->expert, &err))
        code = cli_fail(&err);
    return code;
}

static int new_settings(const experiment_args *args, udy_experiment_config *config) {
    udy_error err = {0};
    const char *preset = args->common.preset ? args->common.preset : default_preset;
    if (load_preset(args, preset, config, &err))
        return err.code == UDY_ENOENT ? cli_usage("%s", err.message) : cli_fail(&err);
    return apply_options(args, config);
}

// The run's own settings; options given again must agree with them.
static int resumed_settings(const experiment_args *args, udy_experiment_config *config) {
    udy_error err = {0};
    udy_experiment_config *asked = udy_alloc(sizeof *asked);
    if (!asked) return cli_fail_text("out of memory");
    int code = CLI_DONE;
    udy_experiment_config_default(config);
    if (cli_run_settings(args->resume, config, udy_experiment_fields(), &err))
        code = cli_fail(&err);
    *asked = *config;
    if (code == CLI_DONE && args->common.preset) {
        if (load_preset(args, args->common.preset, asked, &err)) code = cli_fail(&err);
        if (!args->common.has_seed) asked->seed = config->seed;
    }
    if (code == CLI_DONE) code = apply_options(args, asked);
    if (code == CLI_DONE)
        code = cli_refuse_conflict(args->resume, config, asked, udy_experiment_fields());
    udy_free(asked);
    return code;
}

//------------------------------------------ Results -----------------------------------------------

static void print_report(const char *run, const udy_results *r) {
    static const cli_file_note files[] = {
        {"report", "report.html"},
        {"results", "results.json"},
        {"table", "results.csv"},
        {"policies", "policies"},
        {"loss curve", "figures/loss.png"},
        {"DAgger progress", "figures/dagger.png"},
        {"returns", "figures/returns.png"},
        {"why it breaks", "shift.json"},
        {"video", "video/side-by-side.mp4"},
        {"datasets", "data"},
        {"settings", "run.yaml"},
        {"log", "log.jsonl"},
        {"log as CSV", "scalars.csv"},
        {"TensorBoard", "events"},
    };
    int columns = cli_columns(STDOUT_FILENO);
    int width = columns >= 50 && columns < 80 ? columns - 2 : 72;
    char *curve =
        udy_loss_sparkline(r->train_loss, r->val_loss, r->n_epochs, width, 8, !cli_utf8());
    char *table = udy_results_table(r, columns);
    printf("%sLoss of behavioural cloning%s\n%s\n%sResults%s\n%s\n", cli_style("1"),
           cli_style_end(), curve ? curve : "", cli_style("1"), cli_style_end(),
           table ? table : "");
    udy_free(curve);
    udy_free(table);
    printf("%.1f s in all. Everything is in %s:\n", r->seconds_total, run);
    cli_print_files(run, files, (int)(sizeof files / sizeof files[0]));
}

//------------------------------------------ Why ---------------------------------------------------

// What kept a part of the ending from being made; "": nothing.
typedef struct reasons {
    char shift[512], video[512], report[512];
    udy_error log;
} reasons;

static int measure(const experiment_args *args, const udy_experiment_config *config,
                   const char *expert, const char *run, const udy_results *results,
                   const udy_progress *progress, udy_shift *shift, reasons *why) {
    udy_error err = {0};
    udy_shift_config settings = udy_shift_config_default();
    settings.seed = config->seed;
    int status = udy_shift_run(shift, run, config, expert, &settings, cli_threads(&args->common),
                               progress, &err);
    if (!status) cli_draw_shift(run, shift, results, &err);
    snprintf(why->shift, sizeof why->shift, "%s", err.message);
    // What cannot be told costs the telling alone: it is said in the end.
    if (!status && udy_shift_log(shift, run, args->loggers, &why->log)) return UDY_OK;
    return status;
}

static void report(const experiment_args *args, const udy_experiment_config *config,
                   const char *run, const udy_results *results, const udy_shift *shift,
                   char why[512]) {
    char web[UDY_PATH_MAX];
    udy_error err = {0};
    udy_task *task = NULL;
    const udy_report_config page = {.web_dir = web};
    int status = cli_find_report(web, args->common.data, &err);
    if (!status) status = udy_task_create(&task, config->task, &config->task_config, &err);
    if (!status) status = udy_report_write(run, &page, task, results, shift, NULL, &err);
    snprintf(why, 512, "%s", status ? err.message : "");
    udy_task_destroy(task);
}

// The shift, its figures, the video and the report: what keeps one of them from being made is said,
// and the rest goes on. UDY_EINTERRUPTED: the user wants to stop.
static int explain(const experiment_args *args, const udy_experiment_config *config,
                   const char *expert, const char *run, const udy_results *results, reasons *why) {
    udy_error err = {0};
    udy_shift shift = {0};
    const udy_progress *progress = cli_progress_begin(args->common.quiet);
    int status = measure(args, config, expert, run, results, progress, &shift, why);
    const bool has_shift = !status;
    if (status != UDY_EINTERRUPTED) {
        status = udy_video_of_run(run, config, results, expert, VIDEO_STEPS,
                                  cli_threads(&args->common), progress, &err);
        snprintf(why->video, sizeof why->video, "%s", err.message);
    }
    cli_progress_end();
    if (status != UDY_EINTERRUPTED)
        report(args, config, run, results, has_shift ? &shift : NULL, why->report);
    udy_shift_free(&shift);
    return status == UDY_EINTERRUPTED ? status : UDY_OK;
}

static int stopped(const experiment_args *args, const char *run) {
    cli_say_resume("experiment", run, &args->common);
    return CLI_INTERRUPTED;
}

static int show(const experiment_args *args, const udy_experiment_config *config,
                const char *expert, const char *run) {
    udy_results results = {0};
    udy_error err = {0}, drawing = {0};
    reasons why = {0};
    if (udy_results_load(&results, run, &err)) return cli_fail(&err);
    cli_draw_results(run, &results, &drawing);
    int code = CLI_DONE;
    if (!args->no_report && explain(args, config, expert, run, &results, &why))
        code = stopped(args, run);
    if (code == CLI_DONE) cli_log_figures(run, args->loggers, &why.log);
    if (code == CLI_DONE && args->common.json)
        code = cli_print_results(run);
    else if (code == CLI_DONE)
        print_report(run, &results);
    udy_results_free(&results);
    if (drawing.code) cli_note("no figures: %s", drawing.message);
    if (code == CLI_DONE && why.shift[0]) cli_note("distribution shift: %s", why.shift);
    if (code == CLI_DONE && why.video[0]) cli_note("no video: %s", why.video);
    if (code == CLI_DONE && why.report[0]) cli_note("no report: %s", why.report);
    if (code == CLI_DONE && why.log.code)
        cli_note("not everything was logged: %s", why.log.message);
    return code;
}

//------------------------------------------ Work --------------------------------------------------

// Whatever can be wrong is found before a folder is made: the expert loads and fits its task.
static int check_expert(const experiment_args *args, const udy_experiment_config *config,
                        char path[UDY_PATH_MAX]) {
    udy_error err = {0};
    udy_policy *expert = NULL;
    udy_task *task = NULL;
    int status = cli_find_policy(path, args->common.data, config->expert, &err);
    if (!status) status = udy_policy_load(&expert, path, &err);
    if (!status) status = udy_task_create(&task, config->task, &config->task_config, &err);
    if (!status) status = udy_policy_check(expert, task, &err);
    udy_task_destroy(task);
    udy_policy_destroy(expert);
    return status ? cli_fail(&err) : CLI_DONE;
}

static int experiment(const experiment_args *args, udy_experiment_config *config) {
    udy_error err = {0};
    char expert[UDY_PATH_MAX];
    const udy_experiment_config settings = *config;  // as run.yaml has them, without places
    if (cli_find_models(&config->task_config, args->common.data, &err)) return cli_fail(&err);
    int code = check_expert(args, config, expert);
    if (code != CLI_DONE) return code;
    udy_run *run = NULL;
    if (cli_open_run(&run, args->resume, args->out,
                     args->common.preset ? args->common.preset : default_preset, &settings,
                     udy_experiment_fields(), &err))
        return cli_fail(&err);
    udy_run_set_loggers(run, args->loggers);
    char path[UDY_PATH_MAX];
    snprintf(path, sizeof path, "%s", udy_run_path(run));
    if (!args->common.quiet) fprintf(stderr, "run folder: %s\n", path);
    int status = udy_experiment_run(run, config, expert, cli_threads(&args->common),
                                    cli_progress_begin(args->common.quiet), &err);
    cli_progress_end();
    udy_run_close(run);
    if (status == UDY_EINTERRUPTED) return stopped(args, path);
    if (status) {
        cli_fail(&err);
        cli_say_resume("experiment", path, &args->common);
        return CLI_FAILED;
    }
    return show(args, config, expert, path);
}

static int run(void *p) {
    experiment_args *args = p;
    if (args->out && args->resume)
        return cli_usage("--out starts a new run and --resume goes on with one: give one of them");
    if (cli_loggers(&args->common, UDY_LOG_DEFAULT, &args->loggers) != CLI_DONE) return CLI_USAGE;
    udy_experiment_config *config = udy_alloc(sizeof *config);
    if (!config) return cli_fail_text("out of memory");
    int code = args->resume ? resumed_settings(args, config) : new_settings(args, config);
    if (code == CLI_DONE) code = experiment(args, config);
    udy_free(config);
    return code;
}

#define OFFSET(member) offsetof(experiment_args, member)
static const cli_option options[] = {
    {"out", "RUN", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "folder of the new run (default: a fresh one under runs/)"},
    {"resume", "RUN", CLI_OPTION_TEXT, OFFSET(resume), 0, 0,
     "go on with an interrupted run; its settings are kept"},
    {"no-report", NULL, CLI_OPTION_FLAG, OFFSET(no_report), 0, 0,
     "end with the table: no distribution shift, video or report"},
    {0},
};

const cli_command cli_experiment = {
    .name = "experiment",
    .summary = "everything, from an expert to a results table, figures and a report",
    .operands = "",
    .common = CLI_PRESET | CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON |
              CLI_QUIET,
    .options = options,
    .args_size = sizeof(experiment_args),
    .about =
        "Collects demonstrations, clones them, runs DAgger, evaluates everything beside the expert\n"
        "and a random policy; then measures why the clone fails, films it, and writes\n"
        "report.html. Without --preset it is ant-v5's. Each stage is kept as it ends; an\n"
        "interrupted run goes on by --resume and ends with the same numbers. Without --logger,\n"
        "tensorboard and jsonl are told: 'tensorboard --logdir RUN/events', RUN/log.jsonl.",
    .example =
        "  understudy experiment --preset ant-v5 --seed 1 --set dagger.rounds=5\n"
        "  understudy experiment --resume runs/ant-v5-20260131-120000",
    .set_fields_of = udy_experiment_fields,
    .run = run,
};
