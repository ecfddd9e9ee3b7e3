// runs.c: what commands with a run folder share: settings read back, conflicts refused, how to go on,
// where each file is.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_run_settings(const char *run, void *settings, const udy_field *table, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/run.yaml", run);
    if (status) return status;
    if (!udy_dir_exists(run)) return udy_error_set(err, UDY_ENOENT, "%s: no such run folder", run);
    if (!udy_file_exists(path))
        return udy_error_set(err, UDY_ENOENT, "%s is not a run folder: it holds no run.yaml", run);
    return udy_settings_load(settings, table, path, err);
}

int cli_refuse_conflict(const char *run, const void *found, const void *asked,
                        const udy_field *table) {
    for (const udy_field *f = table; f->key; f++) {
        const udy_field one[2] = {*f, {0}};
        if (udy_settings_equal(found, asked, one)) continue;
        char *had = cli_setting_value(found, f), *wanted = cli_setting_value(asked, f);
        cli_usage(
            "%s was made with %s=%s, now %s=%s is asked: a resumed run keeps its settings; "
            "leave it out, or start another run with --out",
            run, f->key, had ? had : "?", f->key, wanted ? wanted : "?");
        udy_free(had);
        udy_free(wanted);
        return CLI_USAGE;
    }
    return CLI_DONE;
}

int cli_settle_path(char *text, size_t size, udy_error *err) {
    char whole[PATH_MAX];
    if (!*text || !realpath(text, whole)) return UDY_OK;
    if (strlen(whole) >= size)
        return udy_error_set(err, UDY_EINVAL, "%s: the path is longer than %zu characters", whole,
                             size - 1);
    memcpy(text, whole, strlen(whole) + 1);
    return UDY_OK;
}

int cli_settle_policy(char *text, size_t size, udy_error *err) {
    bool is_path =
        strchr(text, '/') || cli_has_suffix(text, ".safetensors") || udy_file_exists(text);
    return is_path ? cli_settle_path(text, size, err) : UDY_OK;
}

void cli_say_resume(const char *command, const char *run, const cli_common *common) {
    fprintf(stderr, "to go on: %s %s --resume %s", cli_quote(cli_program), command, cli_quote(run));
    if (common->threads) fprintf(stderr, " --threads %d", common->threads);
    if (common->data) fprintf(stderr, " --data %s", cli_quote(common->data));
    if (common->logger) fprintf(stderr, " --logger %s", cli_quote(common->logger));
    if (common->json) fprintf(stderr, " --json");
    fprintf(stderr, "\n");
}

int cli_open_run(udy_run **run, const char *resume, const char *out, const char *preset,
                 const void *settings, const udy_field *table, udy_error *err) {
    char path[UDY_PATH_MAX], prefix[64];
    if (resume) return udy_run_open(run, resume, err);
    const char *slash = strrchr(preset, '/');
    preset = slash ? slash + 1 : preset;
    snprintf(prefix, sizeof prefix, "%.*s", (int)strcspn(preset, "."), preset);
    int status = out ? udy_path_format(path, err, "%s", out) : udy_run_new_path(path, prefix, err);
    char *yaml = status ? NULL : udy_settings_print(settings, table);
    if (!status && !yaml) status = udy_error_set(err, UDY_ENOMEM, "out of memory");
    if (!status) status = udy_run_create(run, path, yaml, err);
    udy_free(yaml);
    return status;
}

int cli_loggers(const cli_common *common, unsigned standard, unsigned *out) {
    udy_error err = {0};
    *out = standard;
    if (!common->logger || !udy_loggers_parse(out, common->logger, &err)) return CLI_DONE;
    return cli_usage("--logger: %s", err.message);
}

void cli_log_figures(const char *out, unsigned loggers, udy_error *first) {
    char dir[UDY_PATH_MAX];
    udy_error err = {0};
    int status = udy_path_format(dir, &err, "%s/figures", out);
    if (!status) status = udy_logger_figures(out, loggers, dir, &err);
    if (status && !first->code) *first = err;
}

int cli_print_results(const char *run) {
    char path[UDY_PATH_MAX], *text = NULL;
    size_t n = 0;
    udy_error err = {0};
    if (udy_path_format(path, &err, "%s/results.json", run) ||
        udy_file_read(&text, &n, path, (size_t)64 << 20, &err))
        return cli_fail(&err);
    fwrite(text, 1, n, stdout);
    if (n && text[n - 1] != '\n') putchar('\n');
    udy_free(text);
    return CLI_DONE;
}

void cli_print_files(const char *run, const cli_file_note *notes, int n) {
    for (int i = 0; i < n; i++) {
        char path[UDY_PATH_MAX];
        if (udy_path_format(path, NULL, "%s/%s", run, notes[i].path)) continue;
        if (udy_file_exists(path) || udy_dir_exists(path))
            printf("  %-16s %s\n", notes[i].what, path);
    }
}
