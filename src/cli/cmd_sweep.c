// cmd_sweep.c: `understudy sweep`: shift or undertraining? Demonstrations, training, experts and
// seeds in one grid, in a run folder that a kill does not spoil.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct sweep_args {
    cli_common common;
    const char *out, *resume;
    unsigned loggers;
} sweep_args;

static const char default_preset[] = "ant-v5";

// The experts' files, in the order of the list.
typedef struct expert_files {
    char path[UDY_SWEEP_EXPERTS_MAX][UDY_PATH_MAX];
    const char *list[UDY_SWEEP_EXPERTS_MAX];
} expert_files;

//------------------------------------------ Settings ----------------------------------------------

static int load_preset(const sweep_args *args, const char *name, udy_sweep_config *config,
                       udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_sweep_config_default(config);
    int status = cli_find_sweep_preset(path, args->common.data, name, err);
    if (!status) status = udy_settings_load(config, udy_sweep_fields(), path, err);
    return status;
}

// Files in the list of experts get absolute paths, so that a run can go on from any folder.
static int settle_experts(udy_sweep_config *config, udy_error *err) {
    udy_sweep_expert list[UDY_SWEEP_EXPERTS_MAX];
    char text[sizeof config->experts] = "";
    int n;
    int status = udy_sweep_experts(config->experts, list, &n, err);
    for (int i = 0; !status && i < n; i++) {
        status = cli_settle_policy(list[i].name, sizeof list[i].name, err);
        size_t at = strlen(text);
        int wrote = snprintf(text + at, sizeof text - at, "%s%s%s", i ? ", " : "", list[i].name,
                             list[i].stochastic ? ":stochastic" : "");
        if (!status && (wrote < 0 || (size_t)wrote >= sizeof text - at))
            status = udy_error_set(err, UDY_EINVAL,
                                   "experts: with whole paths the list is longer than %zu "
                                   "characters; call from nearer, or give fewer",
                                   sizeof text - 1);
    }
    if (!status) memcpy(config->experts, text, sizeof text);
    return status;
}

static int apply_options(const sweep_args *args, udy_sweep_config *config) {
    udy_error err = {0};
    int code = cli_apply_seed(&args->common, config, udy_sweep_fields());
    if (code == CLI_DONE) code = cli_apply_set(&args->common, config, udy_sweep_fields());
    if (code == CLI_DONE && settle_experts(config, &err)) code = cli_usage("%s", err.message);
    return code;
}

static int new_settings(const sweep_args *args, udy_sweep_config *config) {
    udy_error err = {0};
    const char *preset = args->common.preset ? args->common.preset : default_preset;
    if (load_preset(args, preset, config, &err))
        return err.code == UDY_ENOENT ? cli_usage("%s", err.message) : cli_fail(&err);
    return apply_options(args, config);
}

// The run's own settings; options given again must agree with them.
static int resumed_settings(const sweep_args *args, udy_sweep_config *config) {
    udy_error err = {0};
    udy_sweep_config *asked = udy_alloc(sizeof *asked);
    if (!asked) return cli_fail_text("out of memory");
    int code = CLI_DONE;
    udy_sweep_config_default(config);
    if (cli_run_settings(args->resume, config, udy_sweep_fields(), &err)) code = cli_fail(&err);
    *asked = *config;
    if (code == CLI_DONE && args->common.preset) {
        if (load_preset(args, args->common.preset, asked, &err)) code = cli_fail(&err);
        if (!args->common.has_seed) asked->seed = config->seed;
    }
    if (code == CLI_DONE) code = apply_options(args, asked);
    if (code == CLI_DONE)
        code = cli_refuse_conflict(args->resume, config, asked, udy_sweep_fields());
    udy_free(asked);
    return code;
}

//------------------------------------------ Results -----------------------------------------------

static int write_markdown(const char *run, const udy_sweep *sweep, udy_error *err) {
    char path[UDY_PATH_MAX];
    char *text = udy_sweep_table(sweep, true);
    int status = udy_path_format(path, err, "%s/table.md", run);
    if (!status && !text) status = udy_error_set(err, UDY_ENOMEM, "out of memory");
    if (!status) status = udy_file_write(path, text, strlen(text), err);
    udy_free(text);
    return status;
}

static void print_report(const char *run, const udy_sweep *sweep) {
    static const cli_file_note files[] = {
        {"results", "sweep.json"},
        {"cells", "sweep.csv"},
        {"seeds together", "points.csv"},
        {"table", "table.md"},
        {"returns", "figures/sweep-returns.png"},
        {"labels", "figures/sweep-labels.png"},
        {"action errors", "figures/sweep-gap.png"},
        {"demonstrations", "data"},
        {"settings", "run.yaml"},
        {"log", "log.jsonl"},
        {"log as CSV", "scalars.csv"},
        {"TensorBoard", "events"},
    };
    char *table = udy_sweep_table(sweep, false), time[24];
    printf("%s\n", table ? table : "");
    udy_free(table);
    cli_format_seconds(time, sweep->seconds);
    printf("%s in all. Everything is in %s:\n", time, run);
    cli_print_files(run, files, (int)(sizeof files / sizeof files[0]));
}

static int print_json(const char *run) {
    char path[UDY_PATH_MAX];
    udy_json *root;
    udy_error err = {0};
    if (udy_path_format(path, &err, "%s/sweep.json", run) ||
        udy_json_load(&root, path, (size_t)256 << 20, &err))
        return cli_fail(&err);
    return cli_print_json(root);
}

static int show(const char *run, unsigned loggers, bool json) {
    udy_sweep sweep;
    udy_error err = {0}, drawing = {0}, untold = {0};
    char dir[UDY_PATH_MAX];
    if (udy_sweep_load(&sweep, run, &err)) return cli_fail(&err);
    int code = write_markdown(run, &sweep, &err) ? cli_fail(&err) : CLI_DONE;
    // A missing gnuplot costs the pictures, not the sweep.
    if (!udy_path_format(dir, &drawing, "%s/figures", run) && !udy_dir_make(dir, &drawing) &&
        udy_figure_sweep(dir, &sweep, &drawing))
        cli_note("no figures: %s", drawing.message);
    if (!udy_sweep_log(&sweep, run, loggers, &untold)) cli_log_figures(run, loggers, &untold);
    if (untold.code) cli_note("not everything was logged: %s", untold.message);
    if (code == CLI_DONE && json)
        code = print_json(run);
    else if (code == CLI_DONE)
        print_report(run, &sweep);
    udy_sweep_free(&sweep);
    return code;
}

//------------------------------------------ Work --------------------------------------------------

// Whatever can be wrong is found before a folder is made: the experts load and fit their task.
static int find_experts(const sweep_args *args, const udy_sweep_config *config,
                        expert_files *files) {
    udy_error err = {0};
    udy_sweep_expert list[UDY_SWEEP_EXPERTS_MAX];
    udy_task *task = NULL;
    int n = 0, status = udy_sweep_experts(config->experts, list, &n, &err);
    if (!status) status = udy_task_create(&task, config->task, &config->task_config, &err);
    for (int i = 0; !status && i < n; i++) {
        udy_policy *expert = NULL;
        files->list[i] = files->path[i];
        status = cli_find_policy(files->path[i], args->common.data, list[i].name, &err);
        if (!status) status = udy_policy_load(&expert, files->path[i], &err);
        if (!status) status = udy_policy_check(expert, task, &err);
        if (!status && list[i].stochastic && !udy_policy_gaussian(expert))
            status = udy_error_set(&err, UDY_EINVAL,
                                   "%s has no head to sample from: name it without ':stochastic'",
                                   list[i].name);
        udy_policy_destroy(expert);
    }
    udy_task_destroy(task);
    return status ? cli_fail(&err) : CLI_DONE;
}

static int sweep_in(const sweep_args *args, udy_sweep_config *config, expert_files *files) {
    udy_error err = {0};
    const udy_sweep_config settings = *config;  // as run.yaml has them, without places
    if (cli_find_models(&config->task_config, args->common.data, &err)) return cli_fail(&err);
    int code = find_experts(args, config, files);
    if (code != CLI_DONE) return code;
    char prefix[128], path[UDY_PATH_MAX];
    const char *preset = args->common.preset ? args->common.preset : default_preset;
    const char *slash = strrchr(preset, '/');
    snprintf(prefix, sizeof prefix, "sweep-%s", slash ? slash + 1 : preset);
    udy_run *run = NULL;
    if (cli_open_run(&run, args->resume, args->out, prefix, &settings, udy_sweep_fields(), &err))
        return cli_fail(&err);
    udy_run_set_loggers(run, args->loggers);
    snprintf(path, sizeof path, "%s", udy_run_path(run));
    if (!args->common.quiet) fprintf(stderr, "run folder: %s\n", path);
    int status = udy_sweep_run(run, config, files->list, cli_threads(&args->common),
                               cli_progress_begin(args->common.quiet), &err);
    cli_progress_end();
    udy_run_close(run);
    if (status == UDY_EINTERRUPTED) {
        cli_say_resume("sweep", path, &args->common);
        return CLI_INTERRUPTED;
    }
    if (status) {
        cli_fail(&err);
        cli_say_resume("sweep", path, &args->common);
        return CLI_FAILED;
    }
    return show(path, args->loggers, args->common.json);
}

static int run(void *p) {
    sweep_args *args = p;
    if (args->out && args->resume)
        return cli_usage("--out starts a new run and --resume goes on with one: give one of them");
    if (cli_loggers(&args->common, UDY_LOG_DEFAULT, &args->loggers) != CLI_DONE) return CLI_USAGE;
    udy_sweep_config *config = udy_alloc(sizeof *config);
    expert_files *files = udy_alloc(sizeof *files);
    int code = config && files ? CLI_DONE : cli_fail_text("out of memory");
    if (code == CLI_DONE)
        code = args->resume ? resumed_settings(args, config) : new_settings(args, config);
    if (code == CLI_DONE) code = sweep_in(args, config, files);
    udy_free(config);
    udy_free(files);
    return code;
}

#define OFFSET(member) offsetof(sweep_args, member)
static const cli_option options[] = {
    {"out", "RUN", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "folder of the new run (default: a fresh one under runs/)"},
    {"resume", "RUN", CLI_OPTION_TEXT, OFFSET(resume), 0, 0,
     "go on with an interrupted run; its settings are kept"},
    {0},
};

const cli_command cli_sweep = {
    .name = "sweep",
    .summary = "shift or undertraining? demonstrations x training x experts x seeds",
    .operands = "",
    .common = CLI_PRESET | CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON |
              CLI_QUIET,
    .options = options,
    .args_size = sizeof(sweep_args),
    .about =
        "Behavioural cloning beside DAgger at equal labels, each after the tutorial's epochs and\n"
        "where the validation loss has stopped to fall; return, falls, and the action error on the\n"
        "policy's own states and on the expert's. A cell a thread. Without --preset it is ant-v5's.\n"
        "What is done is kept; an interrupted sweep goes on by --resume and ends with the same\n"
        "numbers. Without --logger, tensorboard and jsonl are told; sweep.csv and points.csv are\n"
        "written whoever is told.",
    .example =
        "  understudy sweep --preset ant-v5\n"
        "  understudy sweep --set experts=ant-v5-medium --set demos=[2,10] --set seeds=1\n"
        "  understudy sweep --resume runs/sweep-ant-v5-20260131-120000",
    .set_fields_of = udy_sweep_fields,
    .run = run,
};
