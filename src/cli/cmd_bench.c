// cmd_bench.c: `understudy bench`: how fast each part is, as a share of what this machine can do.
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "cli.h"

typedef struct bench_args {
    cli_common common;
    bool quick;
} bench_args;

static void print_figures(const udy_bench_figure *figures, int n) {
    for (int i = 0; i < n; i++) {
        const udy_bench_figure *f = &figures[i];
        char share[64] = "", seconds[48] = "";
        if (f->limit_name)
            snprintf(share, sizeof share, "%5.1f %% of %s", 100 * f->value / f->limit,
                     f->limit_name);
        if (!isnan(f->seconds))
            snprintf(seconds, sizeof seconds, ", %.4f s for 50,000 pairs", f->seconds);
        printf("%-18s %10.1f %-8s %-28s %s%s\n", f->name, f->value, f->unit, share, f->what,
               seconds);
    }
}

static udy_json *figures_json(const udy_bench_figure *figures, int n, int threads) {
    udy_json *root = udy_json_object(), *all = udy_json_object(), *versions = udy_json_object();
    udy_json_put_string(versions, "understudy", UDY_VERSION);
    udy_json_put_string(versions, "mujoco", udy_sim_version());
    udy_json_put_string(versions, "onednn", udy_nn_version());
    udy_json_put_string(versions, "vector_instructions", udy_nn_isa());
    udy_json_put(root, "versions", versions);
    udy_json_put_int(root, "threads", threads);
    for (int i = 0; i < n; i++) {
        const udy_bench_figure *f = &figures[i];
        udy_json *o = udy_json_object();
        udy_json_put_number(o, "value", f->value);
        udy_json_put_string(o, "unit", f->unit);
        if (f->limit_name) {
            udy_json_put_number(o, "limit", f->limit);
            udy_json_put_string(o, "limit_name", f->limit_name);
            udy_json_put_number(o, "share", f->value / f->limit);
        }
        if (!isnan(f->seconds)) udy_json_put_number(o, "seconds_50000_pairs", f->seconds);
        udy_json_put_string(o, "what", f->what);
        udy_json_put(all, f->name, o);
    }
    udy_json_put(root, "figures", all);
    return root;
}

static int run(void *p) {
    const bench_args *args = p;
    udy_error err = {0};
    udy_policy *policy = NULL;
    udy_task *task = NULL;
    udy_bench_figure figures[UDY_BENCH_FIGURES_MAX];
    int n = 0, threads = cli_threads(&args->common), code = CLI_DONE;
    if (cli_load_policy(&policy, args->common.data, "ant-v5", NULL, &err)) code = cli_fail(&err);
    if (code == CLI_DONE)
        code = cli_make_task(&task, &args->common, udy_policy_task(policy),
                             udy_policy_contact_obs(policy));
    if (code == CLI_DONE &&
        udy_bench_run(figures, &n, task, policy, threads, args->quick ? 0.1 : 1.0,
                      cli_progress_begin(args->common.quiet), &err))
        code = cli_fail(&err);
    cli_progress_end();
    if (code == CLI_DONE && args->common.json)
        code = cli_print_json(figures_json(figures, n, threads));
    else if (code == CLI_DONE)
        print_figures(figures, n);
    udy_task_destroy(task);
    udy_policy_destroy(policy);
    return code;
}

static const cli_option options[] = {
    {"quick", NULL, CLI_OPTION_FLAG, offsetof(bench_args, quick), 0, 0,
     "a tenth of the time, rougher figures"},
    {0},
};

const cli_command cli_bench = {
    .name = "bench",
    .summary = "speed of each part, as a share of this machine's limits",
    .operands = "",
    .common = CLI_THREADS | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(bench_args),
    .about =
        "First measures what the machine can do: fused multiply-adds by the widest vectors of this\n"
        "CPU, and a plain loop of the physics. Then says what behavioural cloning, labels and\n"
        "rollouts reach of it. Run it on an idle machine.",
    .example = "  understudy bench --json",
    .run = run,
};
