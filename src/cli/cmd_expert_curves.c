// cmd_expert_curves.c: `understudy expert curves`: the learning curves of several trainings in one
// figure, and when each first reached a return: what an ablation is published with.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct curves_args {
    cli_common common;
    const char *out;
} curves_args;

// A run as it was named, with its curve.
typedef struct named_run {
    char name[96], path[UDY_PATH_MAX];
} named_run;

//------------------------------------------ Milestones --------------------------------------------

void cli_format_seconds(char out[24], double s) {
    long long whole = s >= 0 && s < 1e12 ? llround(s) : 0;
    if (!(s >= 0 && s < 1e12))
        snprintf(out, 24, "?");
    else if (s < 59.95)
        snprintf(out, 24, "%.1f s", s);
    else if (whole < 3600)
        snprintf(out, 24, "%lld:%02lld", whole / 60, whole % 60);
    else
        snprintf(out, 24, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

enum { QUANTITIES = 3 };
static const char *const quantities[QUANTITIES] = {"environment steps", "updates", "wall-clock"};

static void print_cell(const udy_curve_point *p, int quantity) {
    char cell[24] = "-";
    if (p && quantity == 2)
        cli_format_seconds(cell, p->seconds);
    else if (p)
        snprintf(cell, sizeof cell, "%lld", (long long)(quantity ? p->updates : p->steps));
    printf(" %10s", cell);
}

static void print_row(const cli_curve *curve, const char *label, int width, int quantity) {
    printf("  %-*s", width, label);
    for (int m = 0; m < UDY_MILESTONES; m++)
        print_cell(udy_curve_reached(curve->points, curve->n, udy_milestones[m]), quantity);
    printf("\n");
}

// One run: a row a quantity. Several: a block a quantity, a row a run.
void cli_print_milestones(const cli_curve *curves, int n) {
    int width = 17;
    for (int i = 0; n > 1 && i < n; i++)
        if ((int)strlen(curves[i].name) > width) width = (int)strlen(curves[i].name);
    printf("%sFirst evaluation with a mean return of at least%s\n  %*s", cli_style("1"),
           cli_style_end(), width, "");
    for (int m = 0; m < UDY_MILESTONES; m++) printf(" %10.0f", udy_milestones[m]);
    printf("\n");
    for (int q = 0; q < QUANTITIES; q++) {
        if (n > 1) printf("  %s\n", quantities[q]);
        for (int i = 0; i < n; i++)
            print_row(&curves[i], n > 1 ? curves[i].name : quantities[q], width, q);
    }
}

udy_json *cli_milestones_json(const cli_curve *curve) {
    udy_json *reached = udy_json_object();
    for (int m = 0; m < UDY_MILESTONES; m++) {
        const udy_curve_point *p = udy_curve_reached(curve->points, curve->n, udy_milestones[m]);
        char name[16];
        snprintf(name, sizeof name, "%.0f", udy_milestones[m]);
        if (!p) {
            udy_json_put_number(reached, name, NAN);  // null: not reached
            continue;
        }
        udy_json *at = udy_json_object();
        udy_json_put_int(at, "steps", p->steps);
        udy_json_put_int(at, "updates", p->updates);
        udy_json_put_number(at, "seconds", p->seconds);
        udy_json_put(reached, name, at);
    }
    return reached;
}

//------------------------------------------ Runs --------------------------------------------------

// "NAME=RUN", or a folder, which is then named by its last part.
static void name_run(named_run *run, const char *operand) {
    const char *equals = strchr(operand, '=');
    if (udy_dir_exists(operand)) equals = NULL;
    snprintf(run->path, sizeof run->path, "%s", equals ? equals + 1 : operand);
    if (equals) {
        snprintf(run->name, sizeof run->name, "%.*s", (int)(equals - operand), operand);
        return;
    }
    size_t end = strlen(run->path);
    while (end > 1 && run->path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && run->path[start - 1] != '/') start--;
    snprintf(run->name, sizeof run->name, "%.*s", (int)(end - start), run->path + start);
}

static int read_runs(const curves_args *args, named_run *runs, cli_curve *curves) {
    for (int i = 0; i < args->common.n_operands; i++) {
        udy_error err = {0};
        name_run(&runs[i], args->common.operand[i]);
        curves[i].name = runs[i].name;
        if (!udy_dir_exists(runs[i].path)) return cli_fail_text("%s: no such run", runs[i].path);
        if (udy_expert_curve(&curves[i].points, &curves[i].n, runs[i].path, &err))
            return cli_fail(&err);
    }
    return CLI_DONE;
}

static int draw(const curves_args *args, const named_run *runs) {
    udy_learning_run drawn[CLI_OPERANDS_MAX];
    udy_error err = {0};
    for (int i = 0; i < args->common.n_operands; i++)
        drawn[i] = (udy_learning_run){runs[i].name, runs[i].path};
    if (udy_dir_make(args->out, &err) ||
        udy_figure_learning(args->out, drawn, args->common.n_operands, &err))
        return cli_fail(&err);
    return CLI_DONE;
}

//------------------------------------------ Results -----------------------------------------------

static udy_json *run_json(const named_run *run, const cli_curve *curve) {
    const udy_curve_point *best = udy_curve_best(curve->points, curve->n),
                          *last = &curve->points[curve->n - 1];
    udy_json *o = udy_json_object();
    udy_json_put_string(o, "name", run->name);
    udy_json_put_string(o, "run", run->path);
    udy_json_put_int(o, "evaluations", curve->n);
    udy_json_put_int(o, "steps", last->steps);
    udy_json_put_int(o, "updates", last->updates);
    udy_json_put_number(o, "seconds", last->seconds);
    udy_json_put_number(o, "best_mean", best->mean);
    udy_json_put_int(o, "best_steps", best->steps);
    udy_json_put_number(o, "last_mean", last->mean);
    udy_json_put(o, "reached", cli_milestones_json(curve));
    return o;
}

static int print_json(const curves_args *args, const named_run *runs, const cli_curve *curves) {
    udy_json *root = udy_json_object(), *list = udy_json_array();
    for (int i = 0; i < args->common.n_operands; i++)
        udy_json_append(list, run_json(&runs[i], &curves[i]));
    udy_json_put(root, "runs", list);
    if (args->out) udy_json_put_string(root, "figures", args->out);
    return cli_print_json(root);
}

static void print_text(const curves_args *args, const cli_curve *curves) {
    int n = args->common.n_operands, width = 17;
    static const cli_file_note files[] = {
        {"figure", "learning.png"}, {"figure", "learning.svg"}, {"data", "learning.csv"}};
    cli_print_milestones(curves, n);
    for (int i = 0; i < n; i++)
        if ((int)strlen(curves[i].name) > width) width = (int)strlen(curves[i].name);
    printf("%sBest evaluation%s\n", cli_style("1"), cli_style_end());
    for (int i = 0; i < n; i++) {
        const udy_curve_point *best = udy_curve_best(curves[i].points, curves[i].n);
        printf("  %-*s %10.0f at step %lld; %d of %d episodes ended early\n", width, curves[i].name,
               best->mean, (long long)best->steps, best->falls, best->n);
    }
    if (args->out) cli_print_files(args->out, files, 3);
}

static int run(void *p) {
    const curves_args *args = p;
    int n = args->common.n_operands;
    named_run *runs = udy_alloc((size_t)n * sizeof *runs);
    cli_curve *curves = udy_alloc((size_t)n * sizeof *curves);
    int code = runs && curves ? read_runs(args, runs, curves) : cli_fail_text("out of memory");
    if (code == CLI_DONE && args->out) code = draw(args, runs);
    if (code == CLI_DONE && args->common.json)
        code = print_json(args, runs, curves);
    else if (code == CLI_DONE)
        print_text(args, curves);
    for (int i = 0; curves && i < n; i++) udy_free(curves[i].points);
    udy_free(curves);
    udy_free(runs);
    return code;
}

static const cli_option options[] = {
    {"out", "DIR", CLI_OPTION_TEXT, offsetof(curves_args, out), 0, 0,
     "draw the curves into this folder: learning.png, .svg, .csv, .gp"},
    {0},
};

const cli_command cli_expert_curves = {
    .name = "expert curves",
    .summary = "learning curves of trainings side by side, and when each reached a return",
    .operands = "RUN [RUN...]",
    .min_operands = 1,
    .max_operands = CLI_OPERANDS_MAX,
    .common = CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(curves_args),
    .about =
        "Reads the run folders of `understudy expert train`, also of trainings at work. A run is\n"
        "named by its folder, or as NAME=RUN; runs of one name, seeds of one training say, have one\n"
        "colour in the figure. Wall-clock counts evaluations and checkpoints.",
    .example = "  understudy expert curves sac=runs/a better=runs/b --out figures",
    .run = run,
};
