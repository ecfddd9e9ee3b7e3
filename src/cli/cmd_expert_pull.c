// cmd_expert_pull.c: `understudy expert pull`: an expert from a model hub, by way of the cache that
// Python's huggingface_hub shares, made a policy file here: one of ours as it is, one of
// Stable-Baselines3 as `understudy import` does it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define SHOWN_MAX 8
#define POLICY_BYTES_MAX ((size_t)1 << 30)
#define STATISTICS "vec_normalize.pkl"  // what rl-baselines3-zoo calls them

typedef struct pull_args {
    cli_common common;
    const char *out, *task, *revision, *vecnormalize;
    bool force;
} pull_args;

// One pull under way.
typedef struct pull {
    const pull_args *args;
    udy_hub_config config;
    udy_hub_ref ref;
    udy_hub_file file, statistics;
    bool has_statistics;
    char statistics_file[1024];  // its name in the repository
    char out[UDY_PATH_MAX];
    char origin[1600];  // hf://OWNER/REPO@COMMIT/FILE
} pull;

//------------------------------------------ Request -----------------------------------------------

// What would stop the file from being written is found before anything is fetched.
static int check_out(pull *p) {
    const char *slash = strrchr(p->ref.repo, '/');
    char folder[UDY_PATH_MAX];
    udy_error err = {0};
    int status = p->args->out ? udy_path_format(p->out, &err, "%s", p->args->out)
                              : udy_path_format(p->out, &err, "%s.safetensors", slash + 1);
    if (!status && udy_dir_exists(p->out))
        return cli_fail_text("%s is a folder; -o is the file to write", p->out);
    if (!status) status = cli_check_output(p->out, p->args->force, &err);
    slash = strrchr(p->out, '/');
    if (!status)
        status = udy_path_format(folder, &err, "%.*s", slash ? (int)(slash - p->out) : 0, p->out);
    if (status) return cli_fail(&err);
    if (*folder && !udy_dir_exists(folder))
        return cli_fail_text("%s: no such folder, so %s cannot be written", folder, p->out);
    return CLI_DONE;
}

static int read_request(pull *p) {
    const pull_args *args = p->args;
    const char *name = args->common.operand[0];
    udy_error err = {0};
    if (udy_hub_ref_parse(&p->ref, name, &err)) return cli_usage("%s", err.message);
    if (args->revision) {
        if (strcmp(p->ref.revision, "main") && strcmp(p->ref.revision, args->revision))
            return cli_usage("%s names another revision than --revision %s", name, args->revision);
        if (strlen(args->revision) >= sizeof p->ref.revision)
            return cli_usage("--revision: expected a branch, a tag or a commit");
        strcpy(p->ref.revision, args->revision);
    }
    if (args->task) {
        udy_task_config config;
        if (udy_task_config_default(&config, args->task, &err))
            return cli_usage("--task: %s", err.message);
    }
    if (cli_hub_config(&p->config, &err)) return cli_fail(&err);
    return check_out(p);
}

//------------------------------------------ Choosing ----------------------------------------------

static bool is_policy(const char *name) {
    return cli_has_suffix(name, ".safetensors");
}

// rl-baselines3-zoo puts its curves beside the model, as a zip too.
static bool is_model(const char *name) {
    return cli_has_suffix(name, ".zip") && !cli_has_suffix(name, "train_eval_metrics.zip");
}

static bool is_pickle(const char *name) {
    return cli_has_suffix(name, ".pt") || cli_has_suffix(name, ".pth") ||
           cli_has_suffix(name, ".pkl") || cli_has_suffix(name, ".cleanrl_model") ||
           cli_has_suffix(name, ".bin");
}

// "a, b, c and 4 more" of the names that pass (NULL: all).
static void join(char *out, size_t size, const udy_hub_listing *list, bool (*pass)(const char *)) {
    size_t n = 0;
    int shown = 0, more = 0;
    out[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        if (pass && !pass(list->name[i])) continue;
        if (shown == SHOWN_MAX || n + strlen(list->name[i]) + 24 > size)
            more++;
        else if (++shown)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", list->name[i]);
    }
    if (more) snprintf(out + n, size - n, " and %d more", more);
}

static bool is_either(const char *name) {
    return is_policy(name) || is_model(name);
}

static int refuse_choice(const pull *p, const udy_hub_listing *list, bool any) {
    char names[600];
    if (any) {
        join(names, sizeof names, list, is_either);
        return cli_fail_text(
            "%s has more than one policy; name one of them, as in hf://%s/FILE: %s", p->ref.repo,
            p->ref.repo, names);
    }
    join(names, sizeof names, list, is_pickle);
    if (*names)
        return cli_fail_text(
            "%s has no .zip of Stable-Baselines3 and no .safetensors; a pickle could run any code, "
            "and is not read: %s",
            p->ref.repo, names);
    join(names, sizeof names, list, NULL);
    return cli_fail_text("%s has no .zip of Stable-Baselines3 and no .safetensors; it has: %s",
                         p->ref.repo, *names ? names : "nothing");
}

// The one policy of ours, else the one model of Stable-Baselines3.
static int choose_from(pull *p, const udy_hub_listing *list) {
    size_t n_policies = 0, n_models = 0;
    const char *policy = NULL, *model = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const char *name = list->name[i];
        if (is_policy(name)) policy = n_policies++ ? policy : name;
        if (is_model(name)) model = n_models++ ? model : name;
    }
    const char *chosen = n_policies == 1 ? policy : !n_policies && n_models == 1 ? model : NULL;
    if (!chosen) return refuse_choice(p, list, n_policies + n_models > 0);
    if (n_policies && n_models)
        cli_note("%s is taken; %s of Stable-Baselines3 is there too%s", chosen, model,
                 n_models > 1 ? ", among others" : "");
    snprintf(p->ref.file, sizeof p->ref.file, "%s", chosen);
    return CLI_DONE;
}

static int choose(pull *p) {
    udy_hub_listing list;
    udy_error err = {0};
    if (*p->ref.file) {
        if (is_policy(p->ref.file) || cli_has_suffix(p->ref.file, ".zip")) return CLI_DONE;
        return cli_usage(
            "%s: expected a .zip of Stable-Baselines3 or a .safetensors of understudy%s",
            p->ref.file,
            is_pickle(p->ref.file) ? "; a pickle could run any code, and is not read" : "");
    }
    const udy_progress *progress = cli_progress_begin(p->args->common.quiet);
    int status = udy_hub_list(&list, &p->config, &p->ref, progress, &err);
    cli_progress_end();
    if (status) return cli_fail(&err);
    int code = choose_from(p, &list);
    udy_hub_listing_free(&list);
    return code;
}

// A policy of ours is kept as it is: nothing can be asked of it but its task.
static int check_kind(const pull *p) {
    const char *statistics = p->args->vecnormalize;
    if (!is_policy(p->ref.file)) return CLI_DONE;
    bool asked = statistics && strcmp(statistics, "none") != 0;
    if (!asked && !p->args->common.n_set) return CLI_DONE;
    return cli_usage("%s is for models of Stable-Baselines3; %s is a policy of ours",
                     asked ? "--vecnormalize" : "--set", p->ref.file);
}

//------------------------------------------ Fetching ----------------------------------------------

// "no file 'x'": what there is instead, where the hub says.
static void say_what_there_is(const pull *p, udy_error *err) {
    udy_hub_listing list;
    char names[400];
    udy_error ignored = {0};
    if (udy_hub_list(&list, &p->config, &p->ref, NULL, &ignored)) return;
    const char *near = udy_nearest(p->ref.file, (const char *const *)list.name, list.n);
    join(names, sizeof names, &list, is_either);
    if (!near && !*names) join(names, sizeof names, &list, NULL);
    size_t n = strlen(err->message);
    if (near)
        snprintf(err->message + n, sizeof err->message - n, "; did you mean '%s'?", near);
    else
        snprintf(err->message + n, sizeof err->message - n, "; there are: %s", names);
    udy_hub_listing_free(&list);
}

static int interrupted(const pull *p, const udy_error *err) {
    const pull_args *args = p->args;
    const struct {
        const char *name, *value;
    } given[] = {{"-o", args->out},
                 {"--task", args->task},
                 {"--revision", args->revision},
                 {"--vecnormalize", args->vecnormalize},
                 {"--data", args->common.data}};
    char words[2048] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof given / sizeof *given && n < sizeof words; i++)
        if (given[i].value)
            n += (size_t)snprintf(words + n, sizeof words - n, " %s %s", given[i].name,
                                  cli_quote(given[i].value));
    for (int i = 0; i < args->common.n_set && n < sizeof words; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, " --set %s",
                              cli_quote(args->common.set[i]));
    cli_note("%s", err->message);
    cli_note("to go on: %s expert pull %s%s%s%s", cli_quote(cli_program),
             cli_quote(args->common.operand[0]), words, args->force ? " --force" : "",
             args->common.json ? " --json" : "");
    return CLI_INTERRUPTED;
}

static int fetch(pull *p) {
    udy_error err = {0};
    int status = udy_hub_fetch(&p->file, &p->config, &p->ref,
                               cli_progress_begin(p->args->common.quiet), &err);
    cli_progress_end();
    if (status == UDY_EINTERRUPTED) return interrupted(p, &err);
    if (status == UDY_ENOENT && strstr(err.message, "has no file")) say_what_there_is(p, &err);
    if (status) return cli_fail(&err);
    snprintf(p->origin, sizeof p->origin, "hf://%s@%s/%s", p->ref.repo, p->file.commit,
             p->ref.file);
    return CLI_DONE;
}

// VecNormalize's statistics: those that were named; else those that lie beside the model, for a
// policy that was trained on normalised observations is none without them.
static int fetch_statistics(pull *p) {
    const char *named = p->args->vecnormalize, *slash = strrchr(p->ref.file, '/');
    udy_error err = {0};
    if (named && !strcmp(named, "none")) return CLI_DONE;
    udy_hub_ref ref = p->ref;
    snprintf(ref.revision, sizeof ref.revision, "%s", p->file.commit);  // of the same moment
    int n = named ? snprintf(ref.file, sizeof ref.file, "%s", named)
                  : snprintf(ref.file, sizeof ref.file, "%.*s" STATISTICS,
                             slash ? (int)(slash + 1 - p->ref.file) : 0, p->ref.file);
    if (n >= (int)sizeof ref.file) return cli_usage("--vecnormalize: a name too long for a file");
    int status = udy_hub_fetch(&p->statistics, &p->config, &ref,
                               cli_progress_begin(p->args->common.quiet), &err);
    cli_progress_end();
    if (status == UDY_EINTERRUPTED) return interrupted(p, &err);
    if (!named && status == UDY_ENOENT) return CLI_DONE;
    if (status && !named)
        return cli_fail_text(
            "whether %s has %s, which would belong to the model, cannot be told: %s; --vecnormalize "
            "none does without",
            p->ref.repo, ref.file, err.message);
    if (status) return cli_fail(&err);
    if (!named)
        cli_note(
            "%s lies beside the model, so its statistics are folded in (--vecnormalize none: "
            "leave them out)",
            ref.file);
    p->has_statistics = true;
    snprintf(p->statistics_file, sizeof p->statistics_file, "%s", ref.file);
    return CLI_DONE;
}

//------------------------------------------ Results -----------------------------------------------

static udy_json *source_json(const pull *p) {
    udy_json *source = udy_json_object();
    udy_json_put_string(source, "repo", p->ref.repo);
    udy_json_put_string(source, "revision", p->ref.revision);
    udy_json_put_string(source, "commit", p->file.commit);
    udy_json_put_string(source, "file", p->ref.file);
    udy_json_put_string(source, "hash", *p->file.hash ? p->file.hash : NULL);
    udy_json_put_int(source, "bytes", (int64_t)p->file.n_bytes);
    udy_json_put_int(source, "transferred",
                     (int64_t)(p->file.n_transferred + p->statistics.n_transferred));
    udy_json_put_string(source, "cached", p->file.path);
    udy_json_put_string(source, "vecnormalize", p->has_statistics ? p->statistics_file : NULL);
    return source;
}

static void print_policy(const pull *p, const udy_policy *policy, udy_json *root) {
    const udy_mlp_config *config = udy_mlp_config_of(udy_policy_mlp(policy));
    int obs_dim = config->dims[0], act_dim = config->dims[config->n_layers];
    const char *task = udy_policy_task(policy);
    if (!root) {
        printf("%s%s%s: ", cli_style("1"), p->out, cli_style_end());
        cli_put_text(*task ? task : "task unknown");
        printf(", %d observations to %d actions\n", obs_dim, act_dim);
        return;
    }
    udy_json_put_string(root, "file", p->out);
    udy_json_put_string(root, "task", task);
    udy_json_put_int(root, "obs_dim", obs_dim);
    udy_json_put_int(root, "act_dim", act_dim);
    udy_json_put_bool(root, "contact_obs", udy_policy_contact_obs(policy));
}

// A policy of ours: checked, and copied as it is.
static int keep_policy(const pull *p, udy_json *root) {
    const char *asked = p->args->task;
    udy_policy *policy = NULL;
    udy_error err = {0};
    char *bytes = NULL;
    size_t n = 0;
    int status = udy_policy_load(&policy, p->file.path, &err);
    if (!status && asked && strcmp(udy_policy_task(policy), asked))
        status =
            udy_error_set(&err, UDY_EMISMATCH, "%s is of %s, not of %s", p->origin,
                          *udy_policy_task(policy) ? udy_policy_task(policy) : "no task", asked);
    if (!status) status = udy_file_read(&bytes, &n, p->file.path, POLICY_BYTES_MAX, &err);
    if (!status) status = udy_file_write(p->out, bytes, n, &err);
    if (!status) print_policy(p, policy, root);
    udy_free(bytes);
    udy_policy_destroy(policy);
    return status ? cli_fail(&err) : CLI_DONE;
}

static int import_model(pull *p, udy_json *root) {
    int code = fetch_statistics(p);
    if (code != CLI_DONE) return code;
    const cli_import_request request = {
        .model = p->file.path,
        .vecnormalize = p->has_statistics ? p->statistics.path : NULL,
        .task = p->args->task,
        .out = p->out,
        .origin = p->origin,
        .force = p->args->force,
    };
    return cli_import_policy(&p->args->common, &request, root);
}

static int settle(pull *p) {
    udy_json *root = p->args->common.json ? udy_json_object() : NULL;
    int code = is_policy(p->ref.file) ? keep_policy(p, root) : import_model(p, root);
    if (code == CLI_DONE && root) {
        udy_json_put(root, "source", source_json(p));
        return cli_print_json(root);
    }
    udy_json_free(root);
    if (code != CLI_DONE) return code;
    printf("from %s, %.1f kB%s\n", p->origin, (double)p->file.n_bytes / 1000,
           p->file.n_transferred ? "" : " that were in the cache");
    return CLI_DONE;
}

static int run(void *args) {
    pull *p = udy_alloc(sizeof *p);
    if (!p) return cli_fail_text("out of memory");
    p->args = args;
    int code = read_request(p);
    if (code == CLI_DONE) code = choose(p);
    if (code == CLI_DONE) code = check_kind(p);
    if (code == CLI_DONE) code = fetch(p);
    if (code == CLI_DONE) code = settle(p);
    udy_free(p);
    return code;
}

#define OFFSET(member) offsetof(pull_args, member)
static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "safetensors file to write (default: REPO.safetensors); also -o FILE"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "the task it is for (default: what the file says)"},
    {"revision", "REV", CLI_OPTION_TEXT, OFFSET(revision), 0, 0,
     "branch, tag or commit, as @REV in the name (default: main)"},
    {"vecnormalize", "FILE", CLI_OPTION_TEXT, OFFSET(vecnormalize), 0, 0,
     "VecNormalize's statistics in the repository (default: " STATISTICS
     " beside the model, if there); none: without"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing file"},
    {0},
};
#undef OFFSET

const cli_command cli_expert_pull = {
    .name = "expert pull",
    .summary = "an expert from a model hub: a .zip of Stable-Baselines3, or a policy file",
    .operands = "hf://OWNER/REPO[@REVISION][/FILE]",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(pull_args),
    .about =
        "Without FILE the repository's one policy is taken. What is fetched goes through the cache of\n"
        "Python's huggingface_hub (HF_HOME, HF_HUB_CACHE), is checked against the hash that the hub\n"
        "announces, and is gone on with where a download was broken off. HF_TOKEN opens what is\n"
        "private, HF_ENDPOINT names another hub, HF_HUB_OFFLINE=1 asks the cache alone.",
    .example =
        "  understudy expert pull hf://farama-minari/Ant-v5-SAC-medium --task Ant-v5 -o medium.safetensors\n"
        "  understudy evaluate medium.safetensors --episodes 10",
    .set_fields = udy_task_config_fields,
    .run = run,
};
