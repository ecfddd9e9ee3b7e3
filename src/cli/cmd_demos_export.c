// cmd_demos_export.c: `understudy demos export`: a dataset as other software reads it.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct export_args {
    cli_common common;
    const char *format, *out, *id;
    bool force;
} export_args;

static const char *const formats[] = {"minari", "csv", "npz"};

static int read_format(const export_args *args, int *format) {
    *format = UDY_EXPORT_COUNT;
    for (int i = 0; args->format && i < UDY_EXPORT_COUNT; i++)
        if (!strcmp(args->format, formats[i])) *format = i;
    if (!args->format) {
        if (cli_has_suffix(args->out, ".csv")) *format = UDY_EXPORT_CSV;
        if (cli_has_suffix(args->out, ".npz")) *format = UDY_EXPORT_NPZ;
    }
    if (*format != UDY_EXPORT_COUNT) return CLI_DONE;
    const char *near = args->format ? udy_nearest(args->format, formats, UDY_EXPORT_COUNT) : NULL;
    if (near) return cli_usage("no format '%s'; did you mean '%s'?", args->format, near);
    if (args->format)
        return cli_usage("no format '%s'; there are minari, csv and npz", args->format);
    return cli_usage("-o %s does not say the format: --format minari, csv or npz does",
                     cli_quote(args->out));
}

static int print_report(const export_args *args, int format, const udy_export_report *r) {
    if (args->common.json) {
        udy_json *root = udy_json_object();
        udy_json_put_string(root, "format", formats[format]);
        udy_json_put_string(root, "path", r->path);
        if (*r->id) udy_json_put_string(root, "id", r->id);
        udy_json_put_int(root, "episodes", r->n_episodes);
        udy_json_put_int(root, "rows", (int64_t)r->n_steps);
        if (format == UDY_EXPORT_MINARI) udy_json_put_int(root, "last_observations", r->replayed);
        return cli_print_json(root);
    }
    printf("%s: %d episodes, %llu steps\n", r->path, r->n_episodes, (unsigned long long)r->n_steps);
    if (format != UDY_EXPORT_MINARI) return CLI_DONE;
    printf("  last observations  %d true (simulated again, all else came out alike)%s\n",
           r->replayed, r->replayed == r->n_episodes ? "" : ", the others repeat the one before");
    printf("  to load it         MINARI_DATASETS_PATH=%s, then minari.load_dataset(\"%s\")\n",
           cli_quote(args->out), r->id);
    return CLI_DONE;
}

static int export(const export_args *args, int format, const udy_dataset *dataset,
                  const udy_task *task) {
    udy_export_config config = {.format = format, .id = args->id, .force = args->force};
    udy_export_report report;
    udy_batch *batch = NULL;
    udy_error err = {0};
    int code = CLI_DONE;
    if ((format == UDY_EXPORT_MINARI && cli_make_batch(&batch, &args->common, task, &err)) ||
        udy_dataset_export(dataset, args->out, &config, task, batch,
                           cli_progress_begin(args->common.quiet), &report, &err))
        code = err.code == UDY_EINVAL ? cli_usage("%s", err.message) : cli_fail(&err);
    cli_progress_end();
    udy_batch_destroy(batch);
    return code == CLI_DONE ? print_report(args, format, &report) : code;
}

static int run(void *p) {
    const export_args *args = p;
    udy_dataset *dataset = NULL;
    udy_task *task = NULL;
    udy_error err = {0};
    int format;
    if (!args->out)
        return cli_usage(
            "'demos export' wants -o and where to; '%s demos export --help' shows "
            "examples",
            cli_program);
    int code = read_format(args, &format);
    if (code != CLI_DONE) return code;
    if (args->id && format != UDY_EXPORT_MINARI)
        return cli_usage("--id is Minari's name of a dataset: it goes with --format minari");
    if (cli_open_dataset(&dataset, args->common.operand[0], &args->common, &err))
        return cli_fail(&err);
    udy_dataset_info info = udy_dataset_info_of(dataset);
    code = cli_make_task(&task, &args->common, info.task, info.contact_obs);
    if (code == CLI_DONE) code = export(args, format, dataset, task);
    udy_task_destroy(task);
    udy_dataset_close(dataset);
    return code;
}

#define OFFSET(member) offsetof(export_args, member)
static const cli_option options[] = {
    {"format", "minari|csv|npz", CLI_OPTION_TEXT, OFFSET(format), 0, 0,
     "minari, csv or npz (default: by the end of -o)"},
    {"out", "OUT", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "minari: the folder of datasets, as in MINARI_DATASETS_PATH; else the file (also -o)"},
    {"id", "NAME", CLI_OPTION_TEXT, OFFSET(id), 0, 0,
     "minari: the dataset's name there (default: ant/understudy-v0 of Ant-v5, and so on)"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing one"},
    {0},
};

const cli_command cli_demos_export = {
    .name = "demos export",
    .summary = "write a dataset as Minari, CSV or NumPy read it",
    .operands = "DATASET",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_SET | CLI_DATA | CLI_THREADS | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(export_args),
    .about =
        "Minari keeps the observation after an episode's last step, and datasets here do not: where\n"
        "`demos collect` made them, the episodes are simulated again to find it; collected with --set,\n"
        "they want the same --set here. Else it is a copy of the one before, and marked so.",
    .example =
        "  understudy demos export demos --format minari -o ~/.minari/datasets --id ant/mine-v0\n"
        "  understudy demos export demos -o demos.csv",
    .set_fields = udy_task_config_fields,
    .run = run,
};
