// cmd_expert_train.c: `understudy expert train`: an expert from reward alone, in a run folder that
// a kill does not spoil.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct train_args {
    cli_common common;
    const char *task, *out, *resume, *from;
    unsigned loggers;
} train_args;

//------------------------------------------ Settings ----------------------------------------------

// "presets/mine.yaml" is "mine".
static void preset_name(char out[64], const char *preset) {
    const char *slash = strrchr(preset, '/');
    preset = slash ? slash + 1 : preset;
    size_t n = strlen(preset);
    if (n > 5 && strcmp(preset + n - 5, ".yaml") == 0) n -= 5;
    memset(out, 0, 64);
    snprintf(out, 64, "%.*s", (int)n, preset);
}

// Defaults of a task.
static int start_from(udy_expert_config *config, const char *task, udy_error *err) {
    char id[sizeof config->task] = "";
    snprintf(id, sizeof id, "%s", task);
    udy_expert_config_default(config);
    memcpy(config->task, id, sizeof id);
    return udy_task_config_default(&config->task_config, id, err);
}

static int load_preset(const train_args *args, udy_expert_config *config, udy_error *err) {
    char path[UDY_PATH_MAX];
    const char *preset = args->common.preset;
    udy_expert_config_default(config);
    int status = cli_find_expert_preset(path, args->common.data, preset, err);
    // Once for the task: its own defaults lie under whatever the preset says.
    if (!status) status = udy_settings_load(config, udy_expert_fields(), path, err);
    if (!status) status = start_from(config, config->task, err);
    if (!status) status = udy_settings_load(config, udy_expert_fields(), path, err);
    if (!status) preset_name(config->preset, preset);
    return status;
}

// --seed and --set over config.
static int apply_options(const train_args *args, udy_expert_config *config) {
    char task[sizeof config->task];
    memcpy(task, config->task, sizeof task);
    int code = cli_apply_seed(&args->common, config, udy_expert_fields());
    if (code == CLI_DONE) code = cli_apply_set(&args->common, config, udy_expert_fields());
    if (code == CLI_DONE && strcmp(task, config->task) != 0)
        return cli_usage("say the task with --task %s: its own defaults belong to it",
                         config->task);
    return code;
}

// The command that repeats the run: what differs from its start is said. option, value: what it
// started from.
static void compose_command(udy_expert_config *config, const udy_expert_config *start,
                            const char *option, const char *value) {
    static const char *const notes[] = {"task", "preset",       "command",
                                        "from", "from_command", "checkpoint_minutes",
                                        "seed", "env.model_dir"};
    char text[sizeof config->command];
    const int most = (int)sizeof text - 5;  // with room for " ..."
    int n =
        snprintf(text, sizeof text, "understudy expert train --%s %s", option, cli_quote(value));
    if (n < most && !config->from[0])  // else that of the training it goes on from
        n += snprintf(text + n, sizeof text - (size_t)n, " --seed %llu",
                      (unsigned long long)config->seed);
    if (n > most) n = most;
    for (const udy_field *f = udy_expert_fields(); f->key; f++) {
        const udy_field one[2] = {*f, {0}};
        bool note = false;
        for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
            note = note || strcmp(f->key, notes[i]) == 0;
        if (note || udy_settings_equal(config, start, one)) continue;
        char *set = cli_setting_value(config, f), assignment[512];
        snprintf(assignment, sizeof assignment, "%s=%s", f->key, set ? set : "?");
        udy_free(set);
        int wrote = snprintf(text + n, sizeof text - (size_t)n, " --set %s", cli_quote(assignment));
        if (n + wrote > most) {
            strcpy(text + n, " ...");
            break;
        }
        n += wrote;
    }
    memset(config->command, 0, sizeof config->command);
    snprintf(config->command, sizeof config->command, "%s", text);
}

static int new_settings(const train_args *args, udy_expert_config *config) {
    udy_error err = {0};
    const char *preset = args->common.preset, *task = args->task;
    if (!preset && !task)
        return cli_usage("say what to train: --preset NAME, or --task ID for plain SAC on a task");
    int status = preset ? load_preset(args, config, &err) : start_from(config, task, &err);
    if (status) return err.code == UDY_ENOENT ? cli_usage("%s", err.message) : cli_fail(&err);
    if (preset && task && strcmp(task, config->task) != 0)
        return cli_usage("--preset %s is for %s, not for --task %s", preset, config->task, task);
    udy_expert_config *start = udy_alloc(sizeof *start);
    if (!start) return cli_fail_text("out of memory");
    *start = *config;
    int code = apply_options(args, config);
    if (code == CLI_DONE && (config->from[0] || config->sac.from_steps || config->sac.from_updates))
        code = cli_usage(
            "these settings are of a training that went on from another one%s%s, so that "
            "one is needed first; then --from RUN says where it is",
            config->from_command[0] ? ", of " : "", config->from_command);
    if (code == CLI_DONE)
        compose_command(config, start, preset ? "preset" : "task", preset ? preset : config->task);
    udy_free(start);
    return code;
}

static bool same_origin(const udy_expert_config *a, const udy_expert_config *b) {
    return !strcmp(a->from, b->from) && !strcmp(a->from_command, b->from_command) &&
           a->sac.from_steps == b->sac.from_steps && a->sac.from_updates == b->sac.from_updates;
}

// Those of a run that has ended, as they were then, and what --set makes of them.
static int continued_settings(const train_args *args, udy_expert_config *config) {
    char run[sizeof config->from] = "";
    udy_error err = {0};
    if (args->common.preset || args->task || args->common.has_seed)
        return cli_usage(
            "--from goes on with a run's own task, settings and seed, but for what --set "
            "says: leave out --preset, --task and --seed");
    snprintf(run, sizeof run, "%s", args->from);
    udy_expert_config_default(config);
    int status = cli_run_settings(args->from, config, udy_expert_fields(), &err);
    if (!status) status = cli_settle_path(run, sizeof run, &err);
    if (!status) status = udy_expert_config_from(config, run, &err);
    if (status) return cli_fail(&err);
    udy_expert_config *start = udy_alloc(sizeof *start);
    if (!start) return cli_fail_text("out of memory");
    *start = *config;
    int code = apply_options(args, config);
    if (code == CLI_DONE && !same_origin(config, start))
        code = cli_usage(
            "from, from_command, sac.from_steps and sac.from_updates are what --from "
            "says, not --set");
    if (code == CLI_DONE && config->sac.replay_size > start->sac.replay_size)
        code = cli_usage("sac.replay_size=%d: there is no more to take over than the %d of %s",
                         config->sac.replay_size, start->sac.replay_size, args->from);
    if (code == CLI_DONE) compose_command(config, start, "from", args->from);
    udy_free(start);
    return code;
}

// The run's own settings; options given again must agree with them.
static int resumed_settings(const train_args *args, udy_expert_config *config) {
    udy_error err = {0};
    udy_expert_config *asked = udy_alloc(sizeof *asked);
    if (!asked) return cli_fail_text("out of memory");
    int code = CLI_DONE;
    udy_expert_config_default(config);
    if (cli_run_settings(args->resume, config, udy_expert_fields(), &err)) code = cli_fail(&err);
    *asked = *config;
    if (code == CLI_DONE && args->common.preset) {
        if (load_preset(args, asked, &err)) code = cli_fail(&err);
        asked->seed = config->seed;
    }
    if (code == CLI_DONE && args->task && strcmp(args->task, config->task) != 0)
        code =
            cli_usage("%s trains on %s, not on --task %s", args->resume, config->task, args->task);
    if (code == CLI_DONE) code = apply_options(args, asked);
    memcpy(asked->command, config->command, sizeof asked->command);
    if (code == CLI_DONE)
        code = cli_refuse_conflict(args->resume, config, asked, udy_expert_fields());
    udy_free(asked);
    return code;
}

//------------------------------------------ Results -----------------------------------------------

static int integer(const udy_json *object, const char *name) {
    return (int)udy_json_number(object, name, 0);
}

void cli_print_chosen(const udy_json *root) {
    const udy_json *chosen = udy_json_get(root, "chosen"), *test = udy_json_get(root, "test");
    const udy_json *ci = udy_json_get(test, "ci95");
    printf("%sChosen%s   step %.0f: mean %.0f on the %d selection episodes\n", cli_style("1"),
           cli_style_end(), udy_json_number(chosen, "steps", NAN),
           udy_json_number(chosen, "mean", NAN), integer(chosen, "episodes"));
    const char *chosen_as = udy_json_string(chosen, "chosen_as", "");
    if (*chosen_as) printf("         %s\n", chosen_as);
    printf(
        "%sTested%s   once, on %d fresh seeds: return %.0f, 95 %% interval %.0f to %.0f, "
        "median %.0f\n",
        cli_style("1"), cli_style_end(), integer(test, "episodes"),
        udy_json_number(test, "mean", NAN), udy_json_value(udy_json_at(ci, 0), NAN),
        udy_json_value(udy_json_at(ci, 1), NAN), udy_json_number(test, "median", NAN));
    printf("         %d of %d episodes ended early (%d too low, %d too high), %.2f m/s\n\n",
           integer(test, "falls"), integer(test, "episodes"), integer(test, "too_low"),
           integer(test, "too_high"), udy_json_number(test, "speed_mean", NAN));
}

static void print_report(const char *run, const udy_json *root, const cli_curve *curve) {
    static const cli_file_note files[] = {
        {"expert", "policies/best.safetensors"},
        {"last policy", "policies/last.safetensors"},
        {"results", "results.json"},
        {"curve", "curve.csv"},
        {"figure", "figures/learning.png"},
        {"TensorBoard", "events"},
        {"settings", "run.yaml"},
        {"log", "log.jsonl"},
        {"log as CSV", "scalars.csv"},
    };
    const udy_curve_point *last = &curve->points[curve->n - 1];
    const udy_json *timing = udy_json_get(root, "timing"),
                   *machine = udy_json_get(timing, "machine");
    char total[24];
    cli_format_seconds(total, udy_json_number(timing, "seconds_total", NAN));
    printf("%s%s%s from reward alone: %lld steps, %lld updates, %s in all (%d threads, %s)\n\n",
           cli_style("1"), udy_json_string(root, "task", "?"), cli_style_end(),
           (long long)last->steps, (long long)last->updates, total, integer(machine, "threads"),
           udy_json_string(machine, "cpu", "?"));
    cli_print_milestones(curve, 1);
    printf("\n");
    cli_print_chosen(root);
    printf("Everything is in %s:\n", run);
    cli_print_files(run, files, (int)(sizeof files / sizeof files[0]));
}

// A missing gnuplot costs the picture, not the training.
static void draw(const char *run, const char *name) {
    char dir[UDY_PATH_MAX];
    udy_error err = {0};
    const udy_learning_run drawn = {name, run};
    if (udy_path_format(dir, &err, "%s/figures", run) || udy_dir_make(dir, &err) ||
        udy_figure_learning(dir, &drawn, 1, &err))
        cli_note("no figure: %s", err.message);
}

static int show(const char *run, const udy_expert_config *config, unsigned loggers, bool json) {
    char path[UDY_PATH_MAX];
    udy_error err = {0}, untold = {0};
    udy_json *root = NULL;
    cli_curve curve = {.name = config->preset[0] ? config->preset : config->task};
    if (udy_path_format(path, &err, "%s/results.json", run) ||
        udy_json_load(&root, path, (size_t)256 << 20, &err) ||
        udy_expert_curve(&curve.points, &curve.n, run, &err)) {
        udy_json_free(root);
        return cli_fail(&err);
    }
    draw(run, curve.name);
    cli_log_figures(run, loggers, &untold);
    if (untold.code) cli_note("not everything was logged: %s", untold.message);
    int code = CLI_DONE;
    if (json)
        code = cli_print_results(run);
    else
        print_report(run, root, &curve);
    udy_free(curve.points);
    udy_json_free(root);
    return code;
}

//------------------------------------------ Work --------------------------------------------------

// Whatever can be wrong with the settings is found before a folder is made.
static int check(const udy_expert_config *config) {
    udy_error err = {0};
    if (!udy_expert_check(config, &err)) return CLI_DONE;
    return err.code == UDY_EINVAL ? cli_usage("%s", err.message) : cli_fail(&err);
}

static int train(const train_args *args, udy_expert_config *config) {
    udy_error err = {0};
    const udy_expert_config settings = *config;  // as run.yaml has them, without places
    const char *name = args->common.preset ? args->common.preset : config->task;
    if (cli_find_models(&config->task_config, args->common.data, &err)) return cli_fail(&err);
    int code = args->resume ? CLI_DONE : check(config);
    if (code != CLI_DONE) return code;
    udy_run *run = NULL;
    if (cli_open_run(&run, args->resume, args->out, name, &settings, udy_expert_fields(), &err))
        return cli_fail(&err);
    udy_run_set_loggers(run, args->loggers);
    char path[UDY_PATH_MAX];
    snprintf(path, sizeof path, "%s", udy_run_path(run));
    if (!args->common.quiet) fprintf(stderr, "run folder: %s\n", path);
    int status = udy_expert_train(run, config, cli_threads(&args->common),
                                  cli_progress_begin(args->common.quiet), &err);
    cli_progress_end();
    udy_run_close(run);
    if (!status) return show(path, config, args->loggers, args->common.json);
    if (status != UDY_EINTERRUPTED) cli_fail(&err);
    // What came to nothing comes to nothing again.
    if (status != UDY_ENONFINITE && status != UDY_EPHYSICS)
        cli_say_resume("expert train", path, &args->common);
    return status == UDY_EINTERRUPTED ? CLI_INTERRUPTED : CLI_FAILED;
}

static int run(void *p) {
    train_args *args = p;
    if (args->out && args->resume)
        return cli_usage("--out starts a new run and --resume goes on with one: give one of them");
    if (args->from && args->resume)
        return cli_usage(
            "--from starts a new run where another ended, --resume goes on with one that "
            "has not: give one of them");
    if (cli_loggers(&args->common, UDY_LOG_DEFAULT, &args->loggers) != CLI_DONE) return CLI_USAGE;
    udy_expert_config *config = udy_alloc(sizeof *config);
    if (!config) return cli_fail_text("out of memory");
    int code = args->resume ? resumed_settings(args, config)
               : args->from ? continued_settings(args, config)
                            : new_settings(args, config);
    if (code == CLI_DONE) code = train(args, config);
    udy_free(config);
    return code;
}

#define OFFSET(member) offsetof(train_args, member)
static const cli_option options[] = {
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "train on this task, without a preset: SAC as published"},
    {"out", "RUN", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "folder of the new run (default: a fresh one under runs/)"},
    {"resume", "RUN", CLI_OPTION_TEXT, OFFSET(resume), 0, 0,
     "go on with an interrupted or killed run; its settings are kept"},
    {"from", "RUN", CLI_OPTION_TEXT, OFFSET(from), 0, 0,
     "a new run that goes on where a finished one ended, with other settings"},
    {0},
};
#undef OFFSET

const cli_command cli_expert_train = {
    .name = "expert train",
    .summary = "an expert from reward alone (soft actor-critic), resumable at any moment",
    .operands = "",
    .common = CLI_PRESET | CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON |
              CLI_QUIET,
    .options = options,
    .args_size = sizeof(train_args),
    .about =
        "Presets lie in presets/expert/. Every evaluation's policy is kept; the best of them is\n"
        "tested once more, on fresh seeds, and that figure is the one reported. Checkpoints are\n"
        "written at an interval and on Ctrl-C; --resume goes on from the last one, also after a\n"
        "kill, and ends with the same numbers. Without --logger, tensorboard and jsonl are told;\n"
        "curve.csv is written whoever is told.\n\n"
        "--from RUN takes over all of a finished training: networks, optimisers, replay, simulations,\n"
        "generators, temperature. It starts from RUN's settings as they were at its end (what fell or\n"
        "grew stays there), so --set sac.steps=N, counted from RUN's beginning, must say how far it\n"
        "goes; a learning_rate_final, a gamma_final or a share that is set is of the new part.",
    .example =
        "  understudy expert train --preset ant-v5-sac --seed 1\n"
        "  understudy expert train --resume runs/ant-v5-sac-20260131-120000\n"
        "  understudy expert train --task Hopper-v5 --set sac.steps=300000\n"
        "  understudy expert train --from runs/ant-v5-20260131-120000 --set sac.steps=9600000",
    .set_fields_of = udy_expert_fields,
    .run = run,
};
