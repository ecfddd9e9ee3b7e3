// cmd_expert_keep.c: `understudy expert keep`: an expert to ship out of a training's run folder: one
// of its evaluations' policies, tested once on fresh seeds, with how it was made in its metadata.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct keep_args {
    cli_common common;
    const char *out, *near, *commit;
    int step, episodes;  // 0: not given
    bool force;
} keep_args;

//------------------------------------------ Request -----------------------------------------------

static int read_return(double *out, const char *text) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end && isfinite(*out)) return CLI_DONE;
    return cli_usage("--near '%s': expected a return, such as 4000", text);
}

static int read_request(const keep_args *args, udy_expert_keep_config *keep) {
    *keep = udy_expert_keep_config_default();
    if (!args->out) return cli_usage("say where the expert is to go: --out FILE.safetensors");
    if (args->near && args->step)
        return cli_usage("--near and --step both choose the evaluation: give one of them");
    if (args->episodes) keep->episodes = args->episodes;
    keep->has_seed = args->common.has_seed;
    keep->seed = args->common.seed;
    keep->commit = args->commit;
    if (args->step) {
        keep->which = UDY_KEEP_STEP;
        keep->step = args->step;
    }
    if (!args->near) return CLI_DONE;
    keep->which = UDY_KEEP_NEAR;
    return read_return(&keep->near, args->near);
}

// What would stop the file from being written is found before the test, not after it.
static int check_out(const keep_args *args) {
    udy_error err = {0};
    char folder[UDY_PATH_MAX];
    const char *slash = strrchr(args->out, '/');
    if (udy_dir_exists(args->out))
        return cli_fail_text("%s is a folder; --out is the file to write", args->out);
    if (cli_check_output(args->out, args->force, &err) ||
        udy_path_format(folder, &err, "%.*s", slash ? (int)(slash - args->out) : 0, args->out))
        return cli_fail(&err);
    if (*folder && !udy_dir_exists(folder))
        return cli_fail_text("%s: no such folder, so %s cannot be written", folder, args->out);
    return CLI_DONE;
}

//------------------------------------------ Results -----------------------------------------------

// "chosen" and "test" as results.json has them.
static udy_json *kept_json(const keep_args *args, const udy_expert_config *config,
                           const udy_expert_kept *kept) {
    udy_json *root = udy_json_object(), *chosen = udy_curve_point_json(&kept->point),
             *test = udy_evaluation_json(&kept->test, true);
    udy_json_put_string(root, "file", args->out);
    udy_json_put_string(root, "run", args->common.operand[0]);
    udy_json_put_string(root, "task", config->task);
    udy_json_put_string(root, "preset", config->preset);
    udy_json_put_int(root, "seed", (int64_t)config->seed);
    udy_json_put_int(root, "evaluations", kept->n_evaluations);
    udy_json_put_string(chosen, "chosen_as", kept->chosen_as);
    udy_json_put_number(chosen, "seconds", kept->point.seconds);
    cli_json_put_u64(chosen, "first_seed", udy_seed_range(config->seed, UDY_SEEDS_SELECT));
    cli_json_put_u64(test, "first_seed", kept->test_seed);
    udy_json_put(root, "chosen", chosen);
    udy_json_put(root, "test", test);
    return root;
}

static int report(const keep_args *args, const udy_expert_config *config,
                  const udy_expert_kept *kept) {
    udy_json *root = kept_json(args, config, kept);
    if (args->common.json) return cli_print_json(root);
    cli_print_chosen(root);
    printf("Kept in %s\n", args->out);
    udy_json_free(root);
    return CLI_DONE;
}

//------------------------------------------ Work --------------------------------------------------

static int keep(const keep_args *args, const udy_expert_keep_config *request,
                udy_expert_config *config) {
    const char *run = args->common.operand[0];
    udy_error err = {0};
    udy_expert_kept kept = {0};
    udy_expert_config_default(config);
    if (cli_run_settings(run, config, udy_expert_fields(), &err) ||
        cli_find_models(&config->task_config, args->common.data, &err))
        return cli_fail(&err);
    int status = udy_expert_keep(&kept, run, config, request, args->out, cli_threads(&args->common),
                                 cli_progress_begin(args->common.quiet), &err);
    cli_progress_end();
    int code = status ? cli_fail(&err) : report(args, config, &kept);
    udy_expert_kept_free(&kept);
    return code;
}

static int run(void *p) {
    const keep_args *args = p;
    udy_expert_keep_config request;
    int code = read_request(args, &request);
    if (code == CLI_DONE) code = check_out(args);
    if (code != CLI_DONE) return code;
    udy_expert_config *config = udy_alloc(sizeof *config);
    if (!config) return cli_fail_text("out of memory");
    code = keep(args, &request, config);
    udy_free(config);
    return code;
}

#define OFFSET(member) offsetof(keep_args, member)
static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "safetensors file to write"},
    {"near", "RETURN", CLI_OPTION_TEXT, OFFSET(near), 0, 0,
     "the evaluation with the mean nearest to this (default: the best)"},
    {"step", "N", CLI_OPTION_INT, OFFSET(step), 1, INT32_MAX, "the evaluation at this step"},
    {"episodes", "N", CLI_OPTION_INT, OFFSET(episodes), 1, 1 << 20,
     "episodes of the test (default 100)"},
    {"seed", "S", CLI_OPTION_U64, OFFSET(common.seed), 0, 0,
     "first seed of the test (default: where the run's own test starts)"},
    {"commit", "TEXT", CLI_OPTION_TEXT, OFFSET(commit), 0, 0,
     "a note for the metadata: the version of the sources that trained it"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing file"},
    {0},
};
#undef OFFSET

const cli_command cli_expert_keep = {
    .name = "expert keep",
    .summary = "make an expert to ship of a training's policy, tested on fresh seeds",
    .operands = "RUN",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_THREADS | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(keep_args),
    .about =
        "RUN is a run folder of `understudy expert train`, which may be unfinished or at work; it is\n"
        "only read. The policy of one evaluation is tested once, on seeds that neither trained nor\n"
        "chose it, and written with the command, seed, steps, versions, machine, wall-clock, test\n"
        "and learning curve up to it in its metadata, which `understudy expert list` shows.",
    .example =
        "  understudy expert keep runs/mine --out experts/ant-v5.safetensors\n"
        "  understudy expert keep runs/mine --near 4000 --out experts/ant-v5-medium.safetensors",
    .run = run,
};
