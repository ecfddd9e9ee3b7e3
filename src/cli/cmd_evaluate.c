// cmd_evaluate.c: `understudy evaluate` and `expert evaluate`: returns over seeded episodes.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct evaluate_args {
    cli_common common;
    const char *task;
    int episodes;
    bool stochastic;
} evaluate_args;

static void print_report(const udy_evaluation *e, const char *name, const udy_task *task,
                         const evaluate_args *args) {
    int otherwise = e->falls - e->too_low - e->too_high;
    printf("%s%s%s on %s, %d episodes from seed %llu%s\n", cli_style("1"), name, cli_style_end(),
           udy_task_info_of(task)->id, e->n, (unsigned long long)args->common.seed,
           args->stochastic ? ", actions sampled" : "");
    printf("  return   %.1f mean, 95 %% interval [%.1f, %.1f], sd %.1f\n", e->mean, e->ci95[0],
           e->ci95[1], e->std);
    printf("           %.1f median, %.1f interquartile mean\n", e->median, e->iqm);
    printf("  falls    %d of %d (%d too low, %d too high", e->falls, e->n, e->too_low, e->too_high);
    if (otherwise) printf(", %d unhealthy otherwise", otherwise);
    printf(")\n");
    printf("  length   %.1f steps\n", e->length_mean);
    printf("  speed    %.2f m/s\n", e->speed_mean);
    printf("  time     %.2f s, %.0f control steps/s\n", e->seconds, e->steps_per_s);
}

// A missing head is said in the words of the command.
static int check_manner(const evaluate_args *args, const udy_policy *policy, const char *name,
                        udy_error *err) {
    if (!args->stochastic || udy_policy_gaussian(policy)) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL,
                         "%s has no Gaussian head (log_std.weight, log_std.bias) to sample actions "
                         "from; evaluate it without --stochastic",
                         name);
}

static int evaluate(const evaluate_args *args, const char *name, const udy_policy *policy,
                    const udy_task *task) {
    udy_error err = {0};
    udy_batch *batch = NULL;
    udy_evaluation e = {0};
    int episodes = args->episodes ? args->episodes : 20;
    int code = CLI_DONE;
    if (check_manner(args, policy, name, &err) || udy_policy_check(policy, task, &err) ||
        cli_make_batch(&batch, &args->common, task, &err) ||
        (args->stochastic ? udy_evaluate_stochastic : udy_evaluate)(
            &e, policy, task, batch, episodes, args->common.seed, "evaluate",
            cli_progress_begin(args->common.quiet), &err))
        code = cli_fail(&err);
    cli_progress_end();
    if (code == CLI_DONE && args->common.json) {
        udy_json *root = udy_evaluation_json(&e, true);
        udy_json_put_string(root, "policy", name);
        udy_json_put_string(root, "task", udy_task_info_of(task)->id);
        cli_json_put_u64(root, "seed", args->common.seed);
        udy_json_put_bool(root, "stochastic", args->stochastic);
        code = cli_print_json(root);
    } else if (code == CLI_DONE) {
        print_report(&e, name, task, args);
    }
    udy_evaluation_free(&e);
    udy_batch_destroy(batch);
    return code;
}

static int run(void *p) {
    const evaluate_args *args = p;
    const char *name = args->common.operand[0];
    udy_error err = {0};
    udy_policy *policy = NULL;
    udy_task *task = NULL;
    int code = CLI_DONE;
    // A file says for which task and observation form it is; random is for whatever is asked.
    if (strcmp(name, "random") != 0 &&
        cli_load_policy(&policy, args->common.data, name, NULL, &err))
        code = cli_fail(&err);
    if (code == CLI_DONE) {
        const char *id = args->task ? args->task : policy ? udy_policy_task(policy) : "";
        code = cli_make_task(&task, &args->common, *id ? id : "Ant-v5",
                             policy && udy_policy_contact_obs(policy));
    }
    if (code == CLI_DONE && !policy && udy_policy_random(&policy, task, &err))
        code = cli_fail(&err);
    if (code == CLI_DONE) code = evaluate(args, name, policy, task);
    udy_task_destroy(task);
    udy_policy_destroy(policy);
    return code;
}

#define OFFSET(member) offsetof(evaluate_args, member)
static const cli_option options[] = {
    {"episodes", "N", CLI_OPTION_INT, OFFSET(episodes), 1, 1000000, "episodes (default 20)"},
    {"stochastic", NULL, CLI_OPTION_FLAG, OFFSET(stochastic), 0, 0,
     "sample the actions of a Gaussian policy"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "the task (default: the policy's own; Ant-v5 for random)"},
    {0},
};

#define ABOUT                                                                                       \
    "Episode i resets with seed S + i, as a Gymnasium user would write it. The task and the form\n" \
    "of the observation are the policy's own, unless --task or --set say otherwise.\n"              \
    "Actions are the policy's mean; with --stochastic they are drawn from its Gaussian, each\n"     \
    "episode from a stream of its own seed."
#define COMMON (CLI_SEED | CLI_THREADS | CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET)

const cli_command cli_evaluate = {
    .name = "evaluate",
    .summary = "returns of a policy, with confidence intervals, falls, speed",
    .operands = "POLICY",
    .min_operands = 1,
    .max_operands = 1,
    .common = COMMON,
    .options = options,
    .args_size = sizeof(evaluate_args),
    .about = "POLICY is a file, the name of a shipped expert, or 'random'.\n" ABOUT,
    .example =
        "  understudy evaluate runs/mine/policies/bc.safetensors --episodes 100 --seed 0 --json",
    .set_fields = udy_task_config_fields,
    .run = run,
};

const cli_command cli_expert_evaluate = {
    .name = "expert evaluate",
    .summary = "returns of an expert, as 'evaluate' measures them",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .common = COMMON,
    .options = options,
    .args_size = sizeof(evaluate_args),
    .about = "NAME is a shipped expert ('understudy expert list') or a policy file.\n" ABOUT,
    .example = "  understudy expert evaluate ant-v5 --episodes 20 --seed 0",
    .set_fields = udy_task_config_fields,
    .run = run,
};
