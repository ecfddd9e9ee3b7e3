// cmd_expert.c: `understudy expert list`: the shipped experts, from their files' metadata.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct list_args {
    cli_common common;
} list_args;

static const char *metadata(const udy_safetensors *file, const char *key, const char *fallback) {
    const char *value = udy_safetensors_metadata(file, key);
    return value ? value : fallback;
}

static void print_expert(const char *name, const udy_safetensors *file) {
    bool provisional = strcmp(metadata(file, "provisional", ""), "true") == 0;
    printf("%s%s%s%s\n", cli_style("1"), name, cli_style_end(),
           provisional ? "  provisional: until the project has trained its own" : "");
    printf("  task     %s, %s observations, contact forces %s\n", metadata(file, "task", "unknown"),
           metadata(file, "obs_dim", "?"),
           strcmp(metadata(file, "contact_obs", "false"), "true") == 0 ? "in" : "left out");
    printf("  return   %s\n", metadata(file, "return", "not measured"));
    printf("  made by  %s\n", metadata(file, "made_by", "unknown"));
    printf("  file     %s\n", udy_safetensors_path(file));
}

static udy_json *expert_json(const char *name, const udy_safetensors *file) {
    udy_json *entry = udy_json_object();
    udy_json_put_string(entry, "name", name);
    udy_json_put_string(entry, "file", udy_safetensors_path(file));
    udy_json_put_bool(entry, "provisional", strcmp(metadata(file, "provisional", ""), "true") == 0);
    for (size_t i = 0; i < udy_safetensors_metadata_count(file); i++) {
        udy_text_pair pair = udy_safetensors_metadata_at(file, i);
        if (strcmp(pair.key, "provisional") != 0) udy_json_put_string(entry, pair.key, pair.value);
    }
    return entry;
}

static int list(const list_args *args, const char *dir, char **names, size_t n) {
    static const char suffix[] = ".safetensors";
    udy_json *root = args->common.json ? udy_json_array() : NULL;
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        udy_error err = {0};
        char path[UDY_PATH_MAX], name[256];
        udy_safetensors *file = NULL;
        if (udy_path_format(path, &err, "%s/%s", dir, names[i]) ||
            udy_safetensors_open(&file, path, &err)) {
            cli_fail(&err);
            bad++;
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(strlen(names[i]) - sizeof suffix + 1), names[i]);
        if (root)
            udy_json_append(root, expert_json(name, file));
        else
            print_expert(name, file);
        udy_safetensors_close(file);
    }
    int code = root ? cli_print_json(root) : CLI_DONE;
    return bad ? CLI_FAILED : code;
}

static int run(void *p) {
    const list_args *args = p;
    udy_error err = {0};
    char dir[UDY_PATH_MAX];
    char **names = NULL;
    size_t n = 0;
    if (cli_find_experts(dir, args->common.data, &err) ||
        udy_dir_list(&names, &n, dir, ".safetensors", &err))
        return cli_fail(&err);
    int code = list(args, dir, names, n);
    udy_free(names);
    return code;
}

const cli_command cli_expert_list = {
    .name = "expert list",
    .summary = "the shipped experts: task, measured return, how each was made",
    .operands = "",
    .common = CLI_DATA | CLI_JSON | CLI_QUIET,
    .args_size = sizeof(list_args),
    .example = "  understudy expert list",
    .run = run,
};
