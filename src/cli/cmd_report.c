// cmd_report.c: `understudy report`: one self-contained HTML file about a run folder.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct report_args {
    cli_common common;
    const char *out;
} report_args;

typedef struct material {
    udy_experiment_config config;
    udy_results results;
    udy_shift shift;
    bool has_shift;
    udy_task *task;
    char web[UDY_PATH_MAX], path[UDY_PATH_MAX];
} material;

// The shift, where it was measured; a run without is told in the report.
static int load_shift(material *m, const char *run, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/shift.json", run);
    if (status || !udy_file_exists(path)) return status;
    status = udy_shift_load(&m->shift, path, err);
    m->has_shift = !status;
    return status;
}

static int gather(material *m, const report_args *args, udy_error *err) {
    const char *run = args->common.operand[0];
    udy_experiment_config_default(&m->config);
    int status = cli_run_settings(run, &m->config, udy_experiment_fields(), err);
    if (!status) status = udy_results_load(&m->results, run, err);
    if (!status) status = load_shift(m, run, err);
    if (!status) status = cli_find_models(&m->config.task_config, args->common.data, err);
    if (!status) status = udy_task_create(&m->task, m->config.task, &m->config.task_config, err);
    if (!status) status = cli_find_report(m->web, args->common.data, err);
    if (!status)
        status = args->out ? udy_path_format(m->path, err, "%s", args->out)
                           : udy_path_format(m->path, err, "%s/report.html", run);
    return status;
}

static int tell(const report_args *args, const material *m, uint64_t n_bytes) {
    if (args->common.json) {
        udy_json *root = udy_json_object();
        udy_json_put_string(root, "out", m->path);
        udy_json_put_int(root, "bytes", (int64_t)n_bytes);
        udy_json_put_bool(root, "shift", m->has_shift);
        return cli_print_json(root);
    }
    printf("%s: %.1f MB\n", m->path, (double)n_bytes / 1e6);
    if (!m->has_shift)
        cli_note("no shift.json in %s, so there is no replay: '%s shift --run %s' makes it",
                 args->common.operand[0], cli_program, cli_quote(args->common.operand[0]));
    return CLI_DONE;
}

static int run(void *p) {
    const report_args *args = p;
    const char *folder = args->common.operand[0];
    udy_error err = {0};
    material *m = udy_alloc(sizeof *m);
    if (!m) return cli_fail_text("out of memory");
    uint64_t n_bytes = 0;
    int status = gather(m, args, &err);
    if (!status) {
        const udy_report_config config = {.web_dir = m->web, .path = m->path};
        status = udy_report_write(folder, &config, m->task, &m->results,
                                  m->has_shift ? &m->shift : NULL, &n_bytes, &err);
    }
    int code = status ? cli_fail(&err) : tell(args, m, n_bytes);
    udy_results_free(&m->results);
    if (m->has_shift) udy_shift_free(&m->shift);
    udy_task_destroy(m->task);
    udy_free(m);
    return code;
}

static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, offsetof(report_args, out), 0, 0,
     "the page to write (default: RUN/report.html); also -o FILE"},
    {0},
};

const cli_command cli_report = {
    .name = "report",
    .summary = "one HTML file about a run: results, figures, videos, a replay in 3-D",
    .operands = "RUN",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(report_args),
    .about =
        "RUN is the folder of an experiment. The file needs nothing beside it and no network: it\n"
        "holds the table, what lies under figures/ and video/, the tutorial's claims held against\n"
        "this run, and, where 'understudy shift --run RUN' has measured one, the replay. What is\n"
        "missing is said and left out. An older report of the run is written over.",
    .example =
        "  understudy report runs/ant-v5-20260131-120000\n"
        "  understudy report runs/mine -o mine.html",
    .run = run,
};
