// cmd_demos_import.c: `understudy demos import`: what other software recorded, or a person did, as a
// dataset.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct import_args {
    cli_common common;
    const char *out, *task, *format, *expert;
    int episodes;
    udy_recording_source source;
} import_args;

// As it is asked for in the task's own form, with or without contact forces?
static bool has_dimensions(const import_args *args, const char *id, bool contact_obs, int obs_dim) {
    udy_task_config config;
    udy_task *task;
    if (udy_task_config_default(&config, id, NULL)) return false;
    config.contact_obs = contact_obs;
    if (cli_find_models(&config, args->common.data, NULL) ||
        udy_task_create(&task, id, &config, NULL))
        return false;
    bool has = udy_task_info_of(task)->obs_dim == obs_dim;
    udy_task_destroy(task);
    return has;
}

static bool sets_contact_obs(const cli_common *common) {
    for (int i = 0; i < common->n_set; i++)
        if (!strncmp(common->set[i], "contact_obs=", strlen("contact_obs="))) return true;
    return false;
}

// The task that the user named, or else the one that the recording names, in the form that it has.
static int choose_task(udy_task **out, const import_args *args, const udy_recording_facts *facts) {
    udy_task_config config;
    if (args->task) return cli_make_task(out, &args->common, args->task, false);
    if (!*facts->env)
        return cli_usage(
            "the recording does not say what it was recorded on: name the task with --task ID; '%s "
            "tasks' lists them",
            cli_program);
    if (udy_task_config_default(&config, facts->env, NULL))
        return cli_usage(
            "it was recorded on %s, which is no task here; if it fits one, name that with --task ID; "
            "'%s tasks' lists them",
            facts->env, cli_program);
    bool contact_obs = !sets_contact_obs(&args->common) &&
                       !has_dimensions(args, facts->env, false, facts->obs_dim) &&
                       has_dimensions(args, facts->env, true, facts->obs_dim);
    return cli_make_task(out, &args->common, facts->env, contact_obs);
}

// What a person should know of what came in.
static void say_notes(const udy_import_report *r, const char *task) {
    const udy_recording_facts *f = &r->facts;
    if (r->other_version) cli_note("recorded on %s, taken as %s", f->env, task);
    if (*f->env_options)
        cli_note("recorded with options that may differ from the task's here: %s", f->env_options);
    if (!f->has_rewards) cli_note("no rewards: they are 0");
    if (r->empty) cli_note("%d episodes without a step are left out", r->empty);
    if (r->beyond_bounds)
        cli_note(
            "%llu numbers in actions lie outside %s's bounds: a policy with a tanh output cannot "
            "learn them",
            (unsigned long long)r->beyond_bounds, task);
}

static int print_json(const import_args *args, const udy_import_report *r,
                      const udy_task_info *info) {
    const udy_recording_facts *f = &r->facts;
    udy_json *root = udy_json_object();
    udy_json_put_string(root, "path", args->out);
    udy_json_put_string(root, "task", info->id);
    udy_json_put_int(root, "obs_dim", info->obs_dim);
    udy_json_put_int(root, "act_dim", info->act_dim);
    udy_json_put_int(root, "episodes", r->n_episodes);
    udy_json_put_int(root, "rows", (int64_t)r->n_steps);
    udy_json_put_number(root, "mean_return", r->mean_return);
    udy_json_put_int(root, "terminated", r->terminated);
    udy_json_put_int(root, "cut_short", r->cut_short);
    udy_json_put_int(root, "beyond_bounds", (int64_t)r->beyond_bounds);
    udy_json_put_string(root, "format", f->format);
    udy_json_put_string(root, "name", f->name);
    udy_json_put_string(root, "recorded_on", f->env);
    udy_json_put_string(root, "recorded_with", f->env_options);
    udy_json_put_string(root, "recorded_by", f->made_by);
    udy_json_put_string(root, "recorded_type", f->obs_type);
    udy_json_put_bool(root, "header", f->has_header);
    udy_json_put_bool(root, "rewards", f->has_rewards);
    udy_json_put_bool(root, "labels", f->has_labels);
    return cli_print_json(root);
}

static int print_report(const import_args *args, const udy_import_report *r,
                        const udy_task_info *info) {
    const udy_recording_facts *f = &r->facts;
    printf("%s: %d episodes, %llu steps of %s", args->out, r->n_episodes,
           (unsigned long long)r->n_steps, info->id);
    if (f->has_rewards) printf(", mean return %.1f", r->mean_return);
    printf("\n  from   %s%s%s%s%s\n", f->format, *f->name ? " " : "", f->name,
           *f->made_by ? ", " : "", f->made_by);
    if (!strcmp(f->format, "CSV"))
        printf("  header %s\n",
               f->has_header ? "the first line names the columns" : "none: every line is a step");
    printf("  ends   %d by the task, %d by a limit, %d not said (taken as a limit)\n",
           r->terminated, r->n_episodes - r->terminated - r->cut_short, r->cut_short);
    printf("  kept   as float32%s%s%s%s\n",
           !strcmp(f->obs_type, "float64") ? " (it was float64)" : "",
           f->has_last_observation ? ", without the observation after an episode's last step" : "",
           f->has_labels ? ", with the expert's actions as labels" : "", "");
    return CLI_DONE;
}

static int import(const import_args *args, const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    udy_import_config config = {
        .source = args->source, .episodes = args->episodes, .expert = args->expert};
    udy_import_report report;
    udy_error err = {0};
    int code = CLI_DONE;
    if (udy_dataset_import(args->out, &config, task, cli_progress_begin(args->common.quiet),
                           &report, &err))
        code = err.code == UDY_EINVAL ? cli_usage("%s", err.message) : cli_fail(&err);
    cli_progress_end();
    if (code == CLI_INTERRUPTED) fprintf(stderr, "interrupted: nothing is left of the import\n");
    if (code != CLI_DONE) return code;
    say_notes(&report, info->id);
    return args->common.json ? print_json(args, &report, info) : print_report(args, &report, info);
}

static int run(void *p) {
    import_args *args = p;
    udy_recording_facts facts;
    udy_error err = {0};
    udy_task *task = NULL;
    bool pair = args->source.obs_path || args->source.act_path;
    if (!args->out || (!args->common.n_operands && !pair))
        return cli_usage(
            "'demos import' wants a recording and --out DIR; '%s demos import --help' "
            "shows examples",
            cli_program);
    args->source.paths = args->common.operand;
    args->source.n_paths = args->common.n_operands;
    args->source.format = args->format;
    if (udy_recording_look(&facts, &args->source, &err))
        return err.code == UDY_EINVAL ? cli_usage("%s", err.message) : cli_fail(&err);
    int code = choose_task(&task, args, &facts);
    if (code == CLI_DONE) code = import(args, task);
    udy_task_destroy(task);
    return code;
}

#define OFFSET(member) offsetof(import_args, member)
static const cli_option options[] = {
    {"out", "DIR", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "folder of the new dataset"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "what it is of (default: what the recording names)"},
    {"episodes", "N", CLI_OPTION_INT, OFFSET(episodes), 1, 1 << 30, "the first N episodes only"},
    {"expert", "NAME", CLI_OPTION_TEXT, OFFSET(expert), 0, 0, "who acted, for the record"},
    {"format", "minari|d4rl|npz|npy|csv", CLI_OPTION_TEXT, OFFSET(format), 0, 0,
     "minari, d4rl, npz, npy or csv (default: by what is in the file)"},
    {"obs-columns", "LIST", CLI_OPTION_TEXT, OFFSET(source.obs_columns), 0, 0,
     "tables: the observations: names, numbers from 0, ranges: 0:27 or x,y,4:8"},
    {"act-columns", "LIST", CLI_OPTION_TEXT, OFFSET(source.act_columns), 0, 0,
     "tables: the actions"},
    {"reward-column", "COLUMN", CLI_OPTION_TEXT, OFFSET(source.reward_column), 0, 0,
     "tables: the reward (default: none, 0)"},
    {"episode-column", "COLUMN", CLI_OPTION_TEXT, OFFSET(source.episode_column), 0, 0,
     "tables: another value in it, another episode"},
    {"terminated-column", "COLUMN", CLI_OPTION_TEXT, OFFSET(source.terminated_column), 0, 0,
     "tables: not 0 (or true) at a step at which the task ended the episode"},
    {"truncated-column", "COLUMN", CLI_OPTION_TEXT, OFFSET(source.truncated_column), 0, 0,
     "tables: not 0 (or true) at an episode's last step otherwise"},
    {"obs", "FILE", CLI_OPTION_TEXT, OFFSET(source.obs_path), 0, 0,
     "a pair of .npy files: observations [N, O]"},
    {"act", "FILE", CLI_OPTION_TEXT, OFFSET(source.act_path), 0, 0, "and actions [N, A]"},
    {"reward", "FILE", CLI_OPTION_TEXT, OFFSET(source.reward_path), 0, 0, "and rewards [N]"},
    {"episode-ends", "FILE", CLI_OPTION_TEXT, OFFSET(source.episode_ends_path), 0, 0,
     ".npy: the row after each episode's last, or a flag a row (default: one episode)"},
    {0},
};

const cli_command cli_demos_import = {
    .name = "demos import",
    .summary = "make a dataset of what other software or a person recorded",
    .operands = "RECORDING...",
    .max_operands = CLI_OPERANDS_MAX,
    .common = CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(import_args),
    .about =
        "Takes Minari's datasets (HDF5), D4RL's HDF5 files, imitation's older .npz trajectories,\n"
        "CSV files (several are one episode each; else a blank line or --episode-column parts them)\n"
        "and NumPy arrays. Numbers become float32. An interrupted import leaves nothing.",
    .example =
        "  understudy demos import datasets/mujoco/ant/expert-v0 --out demos\n"
        "  understudy demos import hopper_expert-v2.hdf5 --task Hopper-v5 --out demos\n"
        "  understudy demos import log.csv --task Ant-v5 --obs-columns 1:28 --act-columns 28:36 \\\n"
        "      --episode-column run --out demos\n"
        "  understudy demos import --obs obs.npy --act act.npy --task Ant-v5 --out demos",
    .set_fields = udy_task_config_fields,
    .run = run,
};
