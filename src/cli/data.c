// data.c: where presets, experts and models lie, and from names that a user typed to things:
// policies, tasks, batches.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

//------------------------------------------ Folders -----------------------------------------------

// The folder of the running program, without a trailing slash.
static bool program_dir(char out[UDY_PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", out, UDY_PATH_MAX - 1);
    if (n <= 0) return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash) return false;
    *slash = '\0';
    return true;
}

// The i-th place where `part` may lie; false past the last.
static bool candidate(char out[UDY_PATH_MAX], int i, const char *data, const char *part) {
    const char *environment = getenv("UNDERSTUDY_DATA");
    char program[UDY_PATH_MAX];
    // Where a user says where to look, nowhere else is looked.
    if (!data && environment && *environment) data = environment;
    if (data) return i == 0 && !udy_path_format(out, NULL, "%s/%s", data, part);
    if (!program_dir(program)) return false;
    switch (i) {
        case 0: return !udy_path_format(out, NULL, "%s/../share/understudy/%s", program, part);
        case 1: return !udy_path_format(out, NULL, "%s/share/understudy/%s", program, part);
        default: return false;
    }
}

int cli_find_data(char out[UDY_PATH_MAX], const char *data, const char *part, udy_error *err) {
    char looked[400] = "";
    for (int i = 0; candidate(out, i, data, part); i++) {
        if (udy_dir_exists(out)) return UDY_OK;
        size_t at = strlen(looked);
        snprintf(looked + at, sizeof looked - at, "%s%s", i ? ", " : "", out);
    }
    return udy_error_set(err, UDY_ENOENT,
                         "no folder of %s (looked for %s); say where with --data DIR or "
                         "UNDERSTUDY_DATA",
                         part, looked);
}

int cli_find_experts(char dir[UDY_PATH_MAX], const char *data, udy_error *err) {
    return cli_find_data(dir, data, "experts", err);
}

int cli_find_report(char dir[UDY_PATH_MAX], const char *data, udy_error *err) {
    return cli_find_data(dir, data, "report", err);
}

int cli_find_models(udy_task_config *config, const char *data, udy_error *err) {
    char found[UDY_PATH_MAX], library[UDY_PATH_MAX], own[PATH_MAX], theirs[PATH_MAX];
    if (config->model_dir[0]) return UDY_OK;
    int status = cli_find_data(found, data, "models", err);
    if (status) return status;
    // Those that the library finds by itself stay unnamed, which keeps paths out of results.
    if (udy_models_dir(library, sizeof library) && realpath(found, own) &&
        realpath(library, theirs) && strcmp(own, theirs) == 0)
        return UDY_OK;
    if (strlen(found) >= sizeof config->model_dir)
        return udy_error_set(err, UDY_EINVAL, "%s: the path is too long for a model folder", found);
    snprintf(config->model_dir, sizeof config->model_dir, "%.*s", (int)sizeof config->model_dir - 1,
             found);
    return UDY_OK;
}

//------------------------------------------ Names -------------------------------------------------

// "no expert 'x'": the nearest of the names in dir, or all of them.
static int unknown_name(const char *kind, const char *name, const char *dir, const char *suffix,
                        udy_error *err) {
    char **names = NULL;
    size_t n = 0;
    int status = udy_dir_list(&names, &n, dir, suffix, err);
    if (status) return status;
    char list[320] = "";
    for (size_t i = 0; i < n; i++) {
        names[i][strlen(names[i]) - strlen(suffix)] = '\0';
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = n ? udy_nearest(name, (const char *const *)names, n) : NULL;
    if (near)
        udy_error_set(err, UDY_ENOENT, "no %s '%s'; did you mean '%s'?", kind, name, near);
    else
        udy_error_set(err, UDY_ENOENT, "no %s '%s' and no such file; there are: %s", kind, name,
                      n ? list : "none");
    udy_free(names);
    return UDY_ENOENT;
}

static int find_preset(char out[UDY_PATH_MAX], const char *data, const char *folder,
                       const char *name, udy_error *err) {
    if (strchr(name, '/') || cli_has_suffix(name, ".yaml") || cli_has_suffix(name, ".yml"))
        return udy_path_format(out, err, "%s", name);
    char dir[UDY_PATH_MAX];
    int status = cli_find_data(dir, data, folder, err);
    if (!status) status = udy_path_format(out, err, "%s/%s.yaml", dir, name);
    if (status) return status;
    return udy_file_exists(out) ? UDY_OK : unknown_name("preset", name, dir, ".yaml", err);
}

int cli_find_preset(char out[UDY_PATH_MAX], const char *data, const char *name, udy_error *err) {
    return find_preset(out, data, "presets", name, err);
}

int cli_find_expert_preset(char out[UDY_PATH_MAX], const char *data, const char *name,
                           udy_error *err) {
    return find_preset(out, data, "presets/expert", name, err);
}

int cli_find_sweep_preset(char out[UDY_PATH_MAX], const char *data, const char *name,
                          udy_error *err) {
    return find_preset(out, data, "presets/sweep", name, err);
}

int cli_find_policy(char out[UDY_PATH_MAX], const char *data, const char *name, udy_error *err) {
    // A path is taken as it is, and a file here of that very name goes before a shipped expert.
    if (strchr(name, '/') || cli_has_suffix(name, ".safetensors") || udy_file_exists(name))
        return udy_path_format(out, err, "%s", name);
    char dir[UDY_PATH_MAX];
    int status = cli_find_experts(dir, data, err);
    if (!status) status = udy_path_format(out, err, "%s/%s.safetensors", dir, name);
    if (!status && udy_file_exists(out)) return UDY_OK;
    return status ? status : unknown_name("policy or expert", name, dir, ".safetensors", err);
}

int cli_load_policy(udy_policy **out, const char *data, const char *name, const udy_task *task,
                    udy_error *err) {
    if (strcmp(name, "random") == 0) {
        if (task) return udy_policy_random(out, task, err);
        return udy_error_set(err, UDY_EINVAL, "'random' has no labels to give; name an expert");
    }
    char path[UDY_PATH_MAX];
    int status = cli_find_policy(path, data, name, err);
    return status ? status : udy_policy_load(out, path, err);
}

//------------------------------------------ Tasks -------------------------------------------------

int cli_threads(const cli_common *common) {
    int cores = udy_cpu_count();
    static bool said;
    if (common->threads > cores && !said) {
        said = true;
        cli_note("%d threads on %d core%s: allowed, but they will take turns", common->threads,
                 cores, cores == 1 ? "" : "s");
    }
    return common->threads ? common->threads : cores;
}

int cli_make_task(udy_task **out, const cli_common *common, const char *id, bool contact_obs) {
    udy_task_config config;
    udy_error err = {0};
    if (udy_task_config_default(&config, id, &err)) return cli_usage("%s", err.message);
    config.contact_obs = contact_obs;
    int code = cli_apply_set(common, &config, udy_task_config_fields);
    if (code != CLI_DONE) return code;
    if (cli_find_models(&config, common->data, &err)) return cli_fail(&err);
    if (udy_task_create(out, id, &config, &err))
        return err.code == UDY_EINVAL && common->n_set ? cli_usage("%s", err.message)
                                                       : cli_fail(&err);
    return CLI_DONE;
}

int cli_make_batch(udy_batch **out, const cli_common *common, const udy_task *task,
                   udy_error *err) {
    int threads = cli_threads(common);
    return udy_batch_create(out, task, threads, threads, err);
}

int cli_open_dataset(udy_dataset **out, const char *path, const cli_common *common,
                     udy_error *err) {
    int status = udy_dataset_open(out, path, cli_progress_begin(common->quiet), err);
    if (status) return status;
    udy_dataset_info info = udy_dataset_info_of(*out);
    if (info.n_shards_bad)
        cli_note("%s: %d damaged shard%s left out, %d used", path, info.n_shards_bad,
                 info.n_shards_bad == 1 ? "" : "s", info.n_shards);
    return UDY_OK;
}

bool cli_has_suffix(const char *path, const char *suffix) {
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && strcmp(path + n - k, suffix) == 0;
}

int cli_check_output(const char *path, bool force, udy_error *err) {
    if (force || !udy_file_exists(path)) return UDY_OK;
    return udy_error_set(err, UDY_EEXIST, "%s exists; --force writes over it", path);
}
