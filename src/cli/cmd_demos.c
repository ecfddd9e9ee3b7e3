// cmd_demos.c: `understudy demos collect` and `demos info`: an expert's episodes as a dataset.
#include <stdio.h>
#include <string.h>

#include "cli.h"

//------------------------------------------ collect -----------------------------------------------

typedef struct collect_args {
    cli_common common;
    const char *task, *expert, *out;
    int episodes;
    bool resume;
} collect_args;

static void print_resume(const collect_args *args) {
    const cli_common *common = &args->common;
    fprintf(stderr, "to go on: %s demos collect --expert %s --episodes %d --seed %llu --out %s",
            cli_quote(cli_program), cli_quote(args->expert), args->episodes,
            (unsigned long long)common->seed, cli_quote(args->out));
    if (args->task) fprintf(stderr, " --task %s", cli_quote(args->task));
    if (common->data) fprintf(stderr, " --data %s", cli_quote(common->data));
    for (int i = 0; i < common->n_set; i++) fprintf(stderr, " --set %s", cli_quote(common->set[i]));
    fprintf(stderr, " --resume\n");
}

// The dataset to collect into: a new folder, or with --resume the one left by an interruption.
static int open_dataset(udy_dataset **out, const collect_args *args, const udy_task *task,
                        udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    if (!args->resume) {
        char made_by[512];
        snprintf(made_by, sizeof made_by, "demos collect: %d episodes of %s from seed %llu",
                 args->episodes, args->expert, (unsigned long long)args->common.seed);
        int status = udy_dataset_create(out, args->out, task, made_by, err);
        if (status == UDY_EEXIST)
            udy_error_set(err, status,
                          "%s exists and is not empty; name another folder, or go on "
                          "with an interrupted collection by --resume",
                          args->out);
        return status;
    }
    int status = cli_open_dataset(out, args->out, &args->common, err);
    if (status) return status;
    udy_dataset_info data = udy_dataset_info_of(*out);
    if (strcmp(data.task, info->id) != 0 || data.obs_dim != info->obs_dim)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s holds %s with %d observations; this is %s with %d", args->out,
                             data.task, data.obs_dim, info->id, info->obs_dim);
    return UDY_OK;
}

static int collect(const collect_args *args, const udy_policy *expert, const udy_task *task) {
    udy_error err = {0};
    udy_batch *batch = NULL;
    udy_dataset *dataset = NULL;
    int code = CLI_DONE;
    // The check comes before the folder is made, so that a mismatch leaves nothing behind.
    if (udy_policy_check(expert, task, &err) || cli_make_batch(&batch, &args->common, task, &err) ||
        open_dataset(&dataset, args, task, &err) ||
        udy_dataset_collect(dataset, batch, task, expert, args->episodes, args->common.seed,
                            "collect", cli_progress_begin(args->common.quiet), &err))
        code = cli_fail(&err);
    cli_progress_end();
    if (code == CLI_INTERRUPTED) print_resume(args);
    if (code == CLI_DONE) {
        udy_dataset_info info = udy_dataset_info_of(dataset);
        double sum = 0;
        for (int i = 0; i < info.n_episodes; i++) sum += udy_dataset_episode_at(dataset, i).ret;
        if (args->common.json) {
            udy_json *root = udy_json_object();
            udy_json_put_string(root, "path", args->out);
            udy_json_put_int(root, "episodes", info.n_episodes);
            udy_json_put_int(root, "rows", (int64_t)info.n_rows);
            udy_json_put_number(root, "mean_return", sum / info.n_episodes);
            code = cli_print_json(root);
        } else {
            printf("%s: %d episodes, %llu steps, mean return %.1f\n", args->out, info.n_episodes,
                   (unsigned long long)info.n_rows, sum / info.n_episodes);
        }
    }
    udy_dataset_close(dataset);
    udy_batch_destroy(batch);
    return code;
}

static int run_collect(void *p) {
    collect_args *args = p;
    if (!args->expert || !args->out)
        return cli_usage(
            "'demos collect' wants --expert NAME and --out DIR; '%s demos collect "
            "--help' shows an example",
            cli_program);
    if (!args->episodes) args->episodes = 50;
    udy_error err = {0};
    udy_policy *expert = NULL;
    udy_task *task = NULL;
    int code = CLI_DONE;
    if (cli_load_policy(&expert, args->common.data, args->expert, NULL, &err))
        code = cli_fail(&err);
    if (code == CLI_DONE) {
        const char *id = args->task ? args->task : udy_policy_task(expert);
        code = cli_make_task(&task, &args->common, *id ? id : "Ant-v5",
                             udy_policy_contact_obs(expert));
    }
    if (code == CLI_DONE) code = collect(args, expert, task);
    udy_task_destroy(task);
    udy_policy_destroy(expert);
    return code;
}

#define OFFSET(member) offsetof(collect_args, member)
static const cli_option collect_options[] = {
    {"expert", "NAME", CLI_OPTION_TEXT, OFFSET(expert), 0, 0,
     "who acts: a shipped expert or a policy file"},
    {"episodes", "N", CLI_OPTION_INT, OFFSET(episodes), 1, 1000000, "episodes (default 50)"},
    {"out", "DIR", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "folder of the new dataset"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0, "the task (default: the expert's own)"},
    {"resume", NULL, CLI_OPTION_FLAG, OFFSET(resume), 0, 0,
     "go on with an interrupted collection (same seed and settings)"},
    {0},
};

const cli_command cli_demos_collect = {
    .name = "demos collect",
    .summary = "record episodes of an expert as a dataset",
    .operands = "",
    .common = CLI_SEED | CLI_THREADS | CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = collect_options,
    .args_size = sizeof(collect_args),
    .about = "Episode i resets with seed S + i. Whole shards are kept as they end.",
    .example = "  understudy demos collect --task Ant-v5 --expert ant-v5 --episodes 50 --out demos",
    .set_fields = udy_task_config_fields,
    .run = run_collect,
};

//------------------------------------------ info --------------------------------------------------

typedef struct info_args {
    cli_common common;
} info_args;

// Returns and lengths of all episodes.
typedef struct summary {
    double mean, min, max, length;
    int terminated, rounds;
} summary;

static summary summarise(const udy_dataset *dataset, int n) {
    summary s = {0};
    for (int i = 0; i < n; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(dataset, i);
        s.mean += e.ret / n;
        s.length += (double)e.length / n;
        if (i == 0 || e.ret < s.min) s.min = e.ret;
        if (i == 0 || e.ret > s.max) s.max = e.ret;
        s.terminated += e.terminated;
        if (e.round > s.rounds) s.rounds = e.round;
    }
    return s;
}

static int info_json(const udy_dataset *dataset, const udy_dataset_info *info) {
    udy_json *root = udy_json_object();
    udy_json_put_string(root, "path", info->path);
    udy_json_put_string(root, "task", info->task);
    udy_json_put_bool(root, "contact_obs", info->contact_obs);
    udy_json_put_int(root, "obs_dim", info->obs_dim);
    udy_json_put_int(root, "act_dim", info->act_dim);
    udy_json_put_int(root, "shards", info->n_shards);
    udy_json_put_int(root, "shards_skipped", info->n_shards_bad);
    udy_json_put_int(root, "rows", (int64_t)info->n_rows);
    udy_json_put_int(root, "labels", (int64_t)info->n_labels);
    udy_json *episodes = udy_json_array();
    for (int i = 0; i < info->n_episodes; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(dataset, i);
        udy_json *entry = udy_json_object();
        udy_json_put_int(entry, "length", e.length);
        udy_json_put_int(entry, "round", e.round);
        udy_json_put_number(entry, "return", e.ret);
        udy_json_put_bool(entry, "terminated", e.terminated);
        udy_json_put_bool(entry, "truncated", e.truncated);
        udy_json_append(episodes, entry);
    }
    udy_json_put(root, "episodes", episodes);
    return cli_print_json(root);
}

static int run_info(void *p) {
    const info_args *args = p;
    udy_error err = {0};
    udy_dataset *dataset = NULL;
    if (cli_open_dataset(&dataset, args->common.operand[0], &args->common, &err))
        return cli_fail(&err);
    udy_dataset_info info = udy_dataset_info_of(dataset);
    int code = CLI_DONE;
    if (udy_dataset_check(dataset, &err)) code = cli_fail(&err);
    if (args->common.json) {
        int printed = info_json(dataset, &info);
        if (code == CLI_DONE) code = printed;
    } else {
        summary s = summarise(dataset, info.n_episodes);
        printf("%s%s%s\n", cli_style("1"), info.path, cli_style_end());
        printf("  task       %s, %d observations, %d actions, contact forces %s\n", info.task,
               info.obs_dim, info.act_dim, info.contact_obs ? "in" : "left out");
        printf("  rows       %llu, %llu labelled by the expert\n", (unsigned long long)info.n_rows,
               (unsigned long long)info.n_labels);
        printf("  episodes   %d (%d ended by the task), mean length %.1f, rounds 0 to %d\n",
               info.n_episodes, s.terminated, s.length, s.rounds);
        printf("  return     %.1f mean, %.1f to %.1f\n", s.mean, s.min, s.max);
        printf("  shards     %d%s\n", info.n_shards,
               info.n_shards_bad ? " (damaged ones are left out)" : "");
    }
    udy_dataset_close(dataset);
    return code;
}

const cli_command cli_demos_info = {
    .name = "demos info",
    .summary = "what a dataset holds",
    .operands = "DATASET",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_JSON | CLI_QUIET,
    .args_size = sizeof(info_args),
    .example = "  understudy demos info demos --json",
    .run = run_info,
};
