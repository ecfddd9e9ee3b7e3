// cmd_shift.c: `understudy shift`: why a clone fails, measured on a run's policies or on any that a
// user names, with its figures.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct shift_args {
    cli_common common;
    const char *run, *expert, *demos, *out;
    cli_list policies;
    int episodes;
    bool force;
    unsigned loggers;
} shift_args;

// Settings of a measurement without a run folder: --set KEY and --set env.KEY.
typedef struct own_settings {
    udy_shift_config shift;
    udy_task_config env;
} own_settings;

//------------------------------------------ The table ---------------------------------------------

static void print_p(double p) {
    if (p < 0.001)
        printf("  <0.001");
    else
        printf(" %7.3f", p);
}

static void print_states(const udy_shift *shift) {
    printf("%s%-34s %9s %7s %9s %7s %9s %7s %6s%s\n", cli_style("1"), "states", "return", "falls",
           "distance", "far", "energy", "p", "AUC", cli_style_end());
    for (int k = 0; k < shift->n; k++) {
        const udy_shift_policy *p = &shift->policies[k];
        printf("%-34.34s %9.0f %3d/%-3d %9.3f %5.1f %% %9.4f", p->label, p->mean, p->falls, p->n,
               p->distance.value, 100 * p->far, p->joint.energy.value);
        print_p(p->joint.energy.p);
        if (p->has_classifier) printf(" %6.3f", p->classifier.auc.value);
        printf("\n");
    }
}

static void print_errors(const udy_shift *shift) {
    printf("\n%s%-34s %11s %11s %7s  %s%s\n", cli_style("1"), "action error, squared", "own states",
           "expert's", "ratio", "cost ~ T^k", cli_style_end());
    for (int k = 0; k < shift->n; k++) {
        const udy_shift_policy *p = &shift->policies[k];
        double own = p->error_own.value, held = p->error_expert.value;
        printf("%-34.34s %11.5f %11.5f", p->label, own, held);
        if (held > 0)
            printf(" %7.2f", own / held);
        else
            printf(" %7s", "-");
        if (!p->brief && p->exponent.status == UDY_FIT_NONE)
            printf("  none");
        else if (!p->brief)
            printf("  %.2f", p->exponent.k);
        if (!p->brief && p->exponent.has_ci)
            printf(" [%.2f, %.2f]", p->exponent.ci[0], p->exponent.ci[1]);
        else if (!p->brief && p->exponent.status != UDY_FIT_NONE)
            printf(" (no interval)");
        printf("\n");
    }
}

static void print_report(const udy_shift *shift) {
    printf("%s%s%s: %d episodes a policy, expert %s, %llu rows demonstrated\n\n", cli_style("1"),
           shift->task, cli_style_end(), shift->config.episodes, shift->expert,
           (unsigned long long)shift->demo_rows);
    print_states(shift);
    print_errors(shift);
    printf(
        "\nDistance: to the nearest demonstrated state, standard deviations. Far: states farther\n"
        "than all but 5 %% of the expert's on other seeds. Energy: distance of the distributions,\n"
        "p: the chance of one as large from the expert itself. AUC: how well a classifier tells\n"
        "them apart, 0.5 to 1. Ratio: how many times the error grows on the policy's own states.\n\n");
}

//------------------------------------------ JSON --------------------------------------------------

static void put_value(udy_json *o, const char *name, const udy_shift_value *x) {
    udy_json *value = udy_json_object();
    udy_json_put_number(value, "value", x->value);
    udy_json_put_numbers(value, "ci95", x->ci, 2);
    udy_json_put(o, name, value);
}

static udy_json *policy_json(const udy_shift_policy *p) {
    udy_json *o = udy_json_object();
    udy_json_put_string(o, "name", p->name);
    udy_json_put_string(o, "label", p->label);
    udy_json_put_number(o, "mean", p->mean);
    udy_json_put_numbers(o, "ci95", p->ci95, 2);
    udy_json_put_int(o, "episodes", p->n);
    udy_json_put_int(o, "falls", p->falls);
    put_value(o, "distance", &p->distance);
    udy_json_put_number(o, "far", p->far);
    udy_json_put_number(o, "energy", p->joint.energy.value);
    udy_json_put_number(o, "energy_p", p->joint.energy.p);
    put_value(o, "error_own", &p->error_own);
    put_value(o, "error_expert", &p->error_expert);
    if (p->error_expert.value > 0)
        udy_json_put_number(o, "error_ratio", p->error_own.value / p->error_expert.value);
    if (p->has_classifier) {
        udy_json_put_number(o, "auc", p->classifier.auc.value);
        udy_json_put_number(o, "auc_p", p->classifier.auc.p);
    }
    if (!p->brief && p->exponent.status != UDY_FIT_NONE) {
        udy_json_put_number(o, "exponent", p->exponent.k);
        if (p->exponent.has_ci) udy_json_put_numbers(o, "exponent_ci95", p->exponent.ci, 2);
    }
    if (!p->brief && p->exponent.words[0])
        udy_json_put_string(o, "exponent_words", p->exponent.words);
    return o;
}

static int print_json(const udy_shift *shift, const char *out) {
    udy_json *root = udy_json_object(), *policies = udy_json_array();
    udy_json_put_string(root, "out", out);
    udy_json_put_string(root, "task", shift->task);
    udy_json_put_string(root, "expert", shift->expert);
    cli_json_put_u64(root, "seed", shift->config.seed);
    udy_json_put_number(root, "distance_q95", shift->distance_q95);
    for (int k = 0; k < shift->n; k++) udy_json_append(policies, policy_json(&shift->policies[k]));
    udy_json_put(root, "policies", policies);
    return cli_print_json(root);
}

static int show(const shift_args *args, const char *out, const udy_shift *shift,
                const udy_results *results) {
    static const cli_file_note files[] = {
        {"measurements", "shift.json"}, {"figures", "figures"},    {"log", "log.jsonl"},
        {"log as CSV", "scalars.csv"},  {"TensorBoard", "events"},
    };
    udy_error drawing = {0}, untold = {0};
    cli_draw_shift(out, shift, results, &drawing);
    if (!udy_shift_log(shift, out, args->loggers, &untold))
        cli_log_figures(out, args->loggers, &untold);
    int code = CLI_DONE;
    if (args->common.json) {
        code = print_json(shift, out);
    } else {
        print_report(shift);
        cli_print_files(out, files, (int)(sizeof files / sizeof files[0]));
    }
    if (drawing.code) cli_note("not every figure was drawn: %s", drawing.message);
    if (untold.code) cli_note("not everything was logged: %s", untold.message);
    return code;
}

//------------------------------------------ A run -------------------------------------------------

static int run_settings(const shift_args *args, udy_experiment_config *experiment,
                        udy_shift_config *config, char expert[UDY_PATH_MAX]) {
    udy_error err = {0};
    udy_experiment_config_default(experiment);
    *config = udy_shift_config_default();
    if (cli_run_settings(args->run, experiment, udy_experiment_fields(), &err) ||
        cli_find_models(&experiment->task_config, args->common.data, &err) ||
        cli_find_policy(expert, args->common.data, experiment->expert, &err))
        return cli_fail(&err);
    config->seed = experiment->seed;
    if (args->episodes) config->episodes = args->episodes;
    int code = cli_apply_seed(&args->common, config, udy_shift_fields());
    return code == CLI_DONE ? cli_apply_set(&args->common, config, udy_shift_fields()) : code;
}

static int shift_of_run(const shift_args *args) {
    udy_error err = {0};
    char expert[UDY_PATH_MAX];
    udy_shift_config config;
    udy_shift shift = {0};
    udy_results results = {0};
    udy_experiment_config *experiment = udy_alloc(sizeof *experiment);
    if (!experiment) return cli_fail_text("out of memory");
    int code = run_settings(args, experiment, &config, expert);
    if (code == CLI_DONE &&
        (udy_shift_run(&shift, args->run, experiment, expert, &config, cli_threads(&args->common),
                       cli_progress_begin(args->common.quiet), &err) ||
         udy_results_load(&results, args->run, &err)))
        code = cli_fail(&err);
    cli_progress_end();
    if (code == CLI_DONE) code = show(args, args->run, &shift, &results);
    udy_results_free(&results);
    udy_shift_free(&shift);
    udy_free(experiment);
    return code;
}

//------------------------------------------ Any policies ------------------------------------------

typedef struct cast {
    udy_task *task;
    udy_policy *expert, *policies[CLI_LIST_MAX];
    udy_dataset *demos;
    udy_shift_subject subjects[CLI_LIST_MAX];
    char names[CLI_LIST_MAX][32];
    int n;
    char expert_name[UDY_PATH_MAX], out[UDY_PATH_MAX];
    udy_shift_config config;
} cast;

static void cast_free(cast *c) {
    udy_dataset_close(c->demos);
    for (int i = 0; i < c->n; i++) udy_policy_destroy(c->policies[i]);
    udy_policy_destroy(c->expert);
    udy_task_destroy(c->task);
    udy_free(c);
}

// A name of its own for policy i: its file's, with a number where that is taken.
static void name_policy(cast *c, int i, const char *path) {
    char base[32];
    udy_policy_short_name(base, sizeof base - 3, path);
    snprintf(c->names[i], sizeof c->names[i], "%s", base);
    for (int number = 2, k = -1; k < i; k++) {
        const char *other = k < 0 ? "expert" : c->names[k];
        if (strcmp(other, c->names[i]) != 0) continue;
        snprintf(c->names[i], sizeof c->names[i], "%s-%d", base, number++);
        k = -2;  // look through them again
    }
}

static int make_task(const shift_args *args, cast *c) {
    udy_error err = {0};
    const cli_fields_part parts[] = {
        {"", udy_shift_fields(), offsetof(own_settings, shift)},
        {"env.", udy_task_config_fields, offsetof(own_settings, env)},
    };
    const char *id = udy_policy_task(c->expert);
    own_settings settings = {.shift = udy_shift_config_default()};
    if (udy_task_config_default(&settings.env, *id ? id : "Ant-v5", &err)) return cli_fail(&err);
    settings.env.contact_obs = udy_policy_contact_obs(c->expert);
    if (args->episodes) settings.shift.episodes = args->episodes;
    udy_field *table = cli_fields_join(parts, 2);
    if (!table) return cli_fail_text("out of memory");
    int code = cli_apply_seed(&args->common, &settings, table);
    if (code == CLI_DONE) code = cli_apply_set(&args->common, &settings, table);
    udy_free(table);
    if (code != CLI_DONE) return code;
    c->config = settings.shift;
    if (cli_find_models(&settings.env, args->common.data, &err)) return cli_fail(&err);
    if (udy_task_create(&c->task, *id ? id : "Ant-v5", &settings.env, &err))
        return err.code == UDY_EINVAL && args->common.n_set ? cli_usage("%s", err.message)
                                                            : cli_fail(&err);
    return CLI_DONE;
}

static int load(const shift_args *args, cast *c) {
    udy_error err = {0};
    if (cli_load_policy(&c->expert, args->common.data, args->expert, NULL, &err))
        return cli_fail(&err);
    udy_policy_short_name(c->expert_name, sizeof c->expert_name, args->expert);
    int code = make_task(args, c);
    for (int i = 0; i < args->policies.n && code == CLI_DONE; i++) {
        const char *name = args->policies.item[i];
        if (cli_load_policy(&c->policies[i], args->common.data, name, c->task, &err))
            return cli_fail(&err);
        c->n = i + 1;
        name_policy(c, i, name);
        c->subjects[i] = (udy_shift_subject){
            .name = c->names[i], .label = c->names[i], .policy = c->policies[i]};
    }
    if (code == CLI_DONE && args->demos &&
        cli_open_dataset(&c->demos, args->demos, &args->common, &err))
        return cli_fail(&err);
    return code;
}

// Where the results go; what is there already is kept unless asked otherwise.
static int settle_out(const shift_args *args, cast *c, char file[UDY_PATH_MAX]) {
    udy_error err = {0};
    int status = args->out ? udy_path_format(c->out, &err, "%s", args->out)
                           : udy_run_new_path(c->out, "shift", &err);
    if (!status) status = udy_path_format(file, &err, "%s/shift.json", c->out);
    if (!status) status = cli_check_output(file, args->force, &err);
    return status ? cli_fail(&err) : CLI_DONE;
}

static int measure(const shift_args *args, cast *c, const char *file, udy_shift *shift) {
    udy_error err = {0};
    int status = udy_shift_measure(shift, c->task, c->expert, c->expert_name, c->demos, c->subjects,
                                   c->n, &c->config, cli_threads(&args->common),
                                   cli_progress_begin(args->common.quiet), &err);
    cli_progress_end();
    if (!status) status = udy_dir_make(c->out, &err);
    if (!status) status = udy_shift_save(shift, file, &err);
    return status ? cli_fail(&err) : CLI_DONE;
}

static int shift_of_policies(const shift_args *args) {
    char file[UDY_PATH_MAX];
    udy_shift shift = {0};
    cast *c = udy_alloc(sizeof *c);
    if (!c) return cli_fail_text("out of memory");
    int code = load(args, c);
    if (code == CLI_DONE) code = settle_out(args, c, file);
    if (code == CLI_DONE) code = measure(args, c, file, &shift);
    if (code == CLI_DONE) code = show(args, c->out, &shift, NULL);
    udy_shift_free(&shift);
    cast_free(c);
    return code;
}

static int run(void *p) {
    shift_args *args = p;
    if (cli_loggers(&args->common, UDY_LOG_TENSORBOARD, &args->loggers) != CLI_DONE)
        return CLI_USAGE;
    if (args->run && (args->expert || args->policies.n || args->demos || args->out))
        return cli_usage(
            "--run takes expert, policies and demonstrations from the run's folder and writes to "
            "it: leave out --expert, --policy, --demos and --out");
    if (args->run) return shift_of_run(args);
    if (!args->expert || args->policies.n == 0)
        return cli_usage(
            "'shift' wants --run RUN, or --expert E and --policy P; '%s shift --help' shows an "
            "example",
            cli_program);
    if (args->policies.n > UDY_SHIFT_SUBJECTS_MAX)
        return cli_usage("%d policies: at most %d", args->policies.n, UDY_SHIFT_SUBJECTS_MAX);
    return shift_of_policies(args);
}

#define OFFSET(member) offsetof(shift_args, member)
static const cli_option options[] = {
    {"run", "RUN", CLI_OPTION_TEXT, OFFSET(run), 0, 0,
     "an experiment's run folder: its expert, policies and demonstrations"},
    {"expert", "E", CLI_OPTION_TEXT, OFFSET(expert), 0, 0,
     "a policy file or a shipped expert: what states and actions are held against"},
    {"policy", "P", CLI_OPTION_MANY, OFFSET(policies), 0, 0,
     "a policy to measure: a file, a shipped expert, or 'random'; may be given again"},
    {"demos", "D", CLI_OPTION_TEXT, OFFSET(demos), 0, 0,
     "the dataset that they were shown (default: episodes of the expert)"},
    {"episodes", "N", CLI_OPTION_INT, OFFSET(episodes), 3, 1000,
     "episodes of each policy (default 20)"},
    {"out", "DIR", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "folder for the results (default: a fresh one under runs/)"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over results in --out"},
    {0},
};

const cli_command cli_shift = {
    .name = "shift",
    .summary = "why a clone fails: its states and errors, held against the expert's",
    .operands = "",
    .common = CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(shift_args),
    .about =
        "Each policy drives episodes of its own from the same seeds. Its states are held against\n"
        "those of the expert on other seeds: distances between the distributions, distance to the\n"
        "demonstrations, a classifier; then its actions against the expert's on its own and on the\n"
        "expert's states, its falls, its cost by horizon, and how it comes back from pushes. The\n"
        "expert against itself is the first row: what chance alone would show.\n"
        "Of a run, BC, DAgger's first, best and last rounds are measured in full, the rest in "
        "brief.\n"
        "Without a run, --set takes options of the task as well: --set env.KEY=VALUE.\n"
        "Without --logger, tensorboard is told: scalars, histograms of states, the figures.",
    .example =
        "  understudy shift --run runs/ant-v5-20260131-120000\n"
        "  understudy shift --expert ant-v5 --policy mine.safetensors --policy random \\\n"
        "      --demos data/demos --out runs/why",
    .set_fields_of = udy_shift_fields,
    .run = run,
};
