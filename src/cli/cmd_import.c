// cmd_import.c: `understudy import`: a model of Stable-Baselines3 as a policy file of ours, checked
// against the task that it is for. `understudy expert pull` comes here too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct import_args {
    cli_common common;
    const char *out, *vecnormalize, *task;
    bool force;
} import_args;

// One import under way.
typedef struct job {
    const cli_common *common;
    const cli_import_request *request;
    const char *name;  // of the model, for messages
    udy_plain_policy plain;
    udy_sb3_facts facts;
    udy_task *task;
    udy_policy *policy;
} job;

//------------------------------------------ Task --------------------------------------------------

// The task in the observation form whose size the model has; *fits: is there one? Settings of the
// user's come on top. An exit code where it cannot be told.
static int try_task(job *j, const char *id, bool contact_obs, udy_task **out, bool *fits,
                    udy_error *err) {
    udy_task_config config;
    *out = NULL;
    *fits = false;
    int status = udy_task_config_default(&config, id, err);
    config.contact_obs = contact_obs;
    if (!status && cli_apply_set(j->common, &config, udy_task_config_fields) != CLI_DONE)
        return CLI_USAGE;  // said
    if (!status) status = cli_find_models(&config, j->common->data, err);
    if (!status) status = udy_task_create(out, id, &config, err);
    if (status) return CLI_FAILED;
    const udy_task_info *info = udy_task_info_of(*out);
    *fits = info->obs_dim == j->plain.obs_dim && info->act_dim == j->plain.act_dim;
    return CLI_DONE;
}

// Both observation forms, where the task has two. sizes: "" where one fits, else what they take, as
// text for messages: "27 or 105".
static int find_form(job *j, const char *id, udy_task **out, char sizes[48]) {
    udy_error err = {0};
    bool fits;
    int code = try_task(j, id, false, out, &fits, &err);
    if (code != CLI_DONE || fits) return code == CLI_FAILED ? cli_fail(&err) : code;
    const udy_task_info *info = udy_task_info_of(*out);
    snprintf(sizes, 48, "%d", info->obs_dim);
    udy_task *other;
    if (try_task(j, id, true, &other, &fits, &err) == CLI_DONE) {
        int n = udy_task_info_of(other)->obs_dim;
        if (n != info->obs_dim) snprintf(sizes, 48, "%d or %d", info->obs_dim, n);
    }
    if (!fits) {
        udy_task_destroy(other);
        return CLI_DONE;  // the first form stands for both
    }
    udy_task_destroy(*out);
    *out = other;
    sizes[0] = '\0';
    return CLI_DONE;
}

static int find_task(job *j) {
    const char *id = j->request->task;
    char sizes[48] = "";
    int code = find_form(j, id, &j->task, sizes);
    if (code != CLI_DONE) return code;
    const udy_task_info *info = udy_task_info_of(j->task);
    if (!*sizes) return CLI_DONE;
    return cli_fail_text(
        "%s takes %d observations and gives %d actions, %s has %s and %d: it was trained on another "
        "task, or another form of it (--set; '%s tasks' lists them)",
        j->name, j->plain.obs_dim, j->plain.act_dim, info->id, sizes, info->act_dim, cli_program);
}

// The model does not say what it was trained on: the one task whose sizes it has.
static int guess_task(job *j) {
    char found[256] = "";
    int n = 0;
    for (size_t i = 0; udy_task_id(i); i++) {
        udy_task *task;
        udy_error err = {0};
        bool fits = false;
        for (int contact = 0; contact < 2 && !fits; contact++) {
            int code = try_task(j, udy_task_id(i), contact, &task, &fits, &err);
            if (code == CLI_USAGE) return code;
            if (code == CLI_FAILED && !contact)
                return cli_fail(&err);  // contacts may be unknown to it
            if (code == CLI_DONE && fits && !n) j->task = task;
            if (!fits || n) udy_task_destroy(task);
        }
        size_t at = strlen(found);
        if (fits) snprintf(found + at, sizeof found - at, "%s%s", n++ ? ", " : "", udy_task_id(i));
    }
    if (n == 1) {
        cli_note("%s does not say its task; %d observations and %d action%s are %s's alone",
                 j->name, j->plain.obs_dim, j->plain.act_dim, j->plain.act_dim == 1 ? "" : "s",
                 found);
        return CLI_DONE;
    }
    return cli_usage(
        "%s does not say its task; %d observations and %d actions fit %s: say --task ID", j->name,
        j->plain.obs_dim, j->plain.act_dim, n ? found : "none that is known");
}

//------------------------------------------ Notes -------------------------------------------------

static void say_notes(const job *j) {
    const udy_sb3_facts *f = &j->facts;
    if (f->saw_normalized && !j->request->vecnormalize)
        cli_note(
            "%s was trained on normalised observations: give --vecnormalize FILE, what "
            "VecNormalize.save wrote (often vecnormalize.pkl), or it will do badly",
            j->name);
    if (f->norm_obs_off)
        cli_note("%s: norm_obs is off, so that there was nothing to fold in",
                 j->request->vecnormalize);
    if (j->plain.obs_low)
        cli_note(
            "observations are clipped at %g standard deviations, as Stable-Baselines3 does: obs_low "
            "and obs_high in the policy's metadata. Software that reads the file's tensors alone "
            "must do that itself (docs/import.md)",
            f->clip_obs);
    if (f->gsde && (!strcmp(f->algorithm, "SAC") || !strcmp(f->algorithm, "TQC")))
        cli_note("explored by gSDE: its deterministic action is kept, there is no head to sample");
}

//------------------------------------------ Result ------------------------------------------------

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int save(job *j, udy_error *err) {
    const cli_import_request *r = j->request;
    const udy_sb3_facts *f = &j->facts;
    char made_by[1700], software[64];
    const char *origin = r->origin ? r->origin : base_of(r->model);
    snprintf(made_by, sizeof made_by, "understudy import %s (%s of Stable-Baselines3%s%s)", origin,
             f->algorithm, *f->version ? " " : "", f->version);
    snprintf(software, sizeof software, "Stable-Baselines3%s%s", *f->version ? " " : "",
             f->version);
    udy_text_pair extra[10] = {{"made_by", made_by},         {"source", origin},
                               {"source_sha256", f->sha256}, {"source_software", software},
                               {"algorithm", f->algorithm},  {"understudy", UDY_VERSION}};
    size_t n = 6;
    if (f->normalized) {
        extra[n++] = (udy_text_pair){"source_vecnormalize", base_of(r->vecnormalize)};
        extra[n++] = (udy_text_pair){"source_vecnormalize_sha256", f->vecnormalize_sha256};
    }
    return udy_policy_save(j->policy, r->out, extra, n, err);
}

static void put_results(udy_json *root, const job *j) {
    const udy_plain_policy *p = &j->plain;
    udy_json *layers = udy_json_array();
    udy_json_put_string(root, "file", j->request->out);
    udy_json_put_string(root, "task", p->task);
    udy_json_put_string(root, "algorithm", j->facts.algorithm);
    udy_json_put_string(root, "stable_baselines3", j->facts.version);
    udy_json_put_string(root, "sha256", j->facts.sha256);
    udy_json_put_int(root, "obs_dim", p->obs_dim);
    udy_json_put_int(root, "act_dim", p->act_dim);
    for (int l = 0; l + 1 < p->n_layers; l++) udy_json_append_number(layers, p->layer[l].out);
    udy_json_put(root, "hidden", layers);
    udy_json_put_string(root, "activation", p->activation);
    udy_json_put_string(root, "output", p->output);
    udy_json_put_bool(root, "clipped", p->clip);
    udy_json_put_bool(root, "contact_obs", p->contact_obs);
    udy_json_put_bool(root, "gaussian", p->log_std_weight != NULL);
    udy_json_put_bool(root, "normalized", j->facts.normalized);
    udy_json_put_bool(root, "wants_vecnormalize",
                      j->facts.saw_normalized && !j->request->vecnormalize);
    udy_json_put_bool(root, "clips_observations", p->obs_low != NULL);
}

static void print_results(const job *j) {
    const udy_plain_policy *p = &j->plain;
    printf("%s%s%s: %s of Stable-Baselines3%s%s for %s\n", cli_style("1"), j->request->out,
           cli_style_end(), j->facts.algorithm, *j->facts.version ? " " : "", j->facts.version,
           p->task);
    printf("  %d observations%s, %d", p->obs_dim, p->contact_obs ? " (contact forces in)" : "",
           p->obs_dim);
    for (int l = 0; l < p->n_layers; l++) printf("-%d", p->layer[l].out);
    printf(", %s, output %s\n", p->activation,
           !strcmp(p->output, "tanh") ? "tanh, scaled to the action bounds"
           : p->clip                  ? "clipped to the action bounds"
                                      : "as it is");
    if (j->facts.normalized)
        printf("  normalisation folded in, observations %s\n",
               p->obs_low ? "clipped" : "not clipped");
    printf("  to see what it is worth: %s evaluate %s\n", cli_quote(cli_program),
           cli_quote(j->request->out));
}

//------------------------------------------ The import --------------------------------------------

static int read_model(job *j, udy_error *err) {
    const cli_import_request *r = j->request;
    int status = cli_check_output(r->out, r->force, err);
    if (!status) status = udy_sb3_read(&j->plain, &j->facts, r->model, r->vecnormalize, err);
    if (status && r->origin) return udy_error_wrap(err, status, "%.200s", r->origin);
    return status;
}

static int make_policy(job *j, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(j->task);
    snprintf(j->plain.task, sizeof j->plain.task, "%s", info->id);
    j->plain.contact_obs = udy_task_config_of(j->task)->contact_obs;
    int status = udy_policy_from_plain(&j->policy, &j->plain, j->name, err);
    if (!status) status = udy_policy_check(j->policy, j->task, err);
    return status ? status : save(j, err);
}

int cli_import_policy(const cli_common *common, const cli_import_request *request,
                      udy_json *results) {
    job *j = udy_alloc(sizeof *j);
    udy_error err = {0};
    if (!j) return cli_fail_text("out of memory");
    j->common = common;
    j->request = request;
    j->name = request->origin ? request->origin : request->model;
    int code = read_model(j, &err) ? cli_fail(&err) : CLI_DONE;
    if (code == CLI_DONE) code = request->task ? find_task(j) : guess_task(j);
    if (code == CLI_DONE && make_policy(j, &err)) code = cli_fail(&err);
    if (code == CLI_DONE) {
        say_notes(j);
        if (results)
            put_results(results, j);
        else
            print_results(j);
    }
    udy_policy_destroy(j->policy);
    udy_task_destroy(j->task);
    udy_free(j->plain.block);
    udy_free(j);
    return code;
}

static int run(void *p) {
    const import_args *args = p;
    if (!args->out)
        return cli_usage("'import' wants -o FILE.safetensors; '%s import --help' shows an example",
                         cli_program);
    const cli_import_request request = {.model = args->common.operand[0],
                                        .vecnormalize = args->vecnormalize,
                                        .task = args->task,
                                        .out = args->out,
                                        .force = args->force};
    udy_json *root = args->common.json ? udy_json_object() : NULL;
    int code = cli_import_policy(&args->common, &request, root);
    if (code == CLI_DONE && root) return cli_print_json(root);
    udy_json_free(root);
    return code;
}

#define OFFSET(member) offsetof(import_args, member)
static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "the policy file to write, .safetensors; also -o FILE"},
    {"vecnormalize", "FILE", CLI_OPTION_TEXT, OFFSET(vecnormalize), 0, 0,
     "what VecNormalize.save wrote: its mean and variance go into the first layer"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "the task (default: the one whose sizes the model has, if there is one alone)"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing file"},
    {0},
};

const cli_command cli_import = {
    .name = "import",
    .summary = "make a policy file of a model that Stable-Baselines3 saved",
    .operands = "MODEL.zip",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_SET | CLI_DATA | CLI_JSON,
    .options = options,
    .args_size = sizeof(import_args),
    .about =
        "Reads SAC, TD3, DDPG, PPO and A2C of Stable-Baselines3 1.x and 2.x and TQC of sb3-contrib, with\n"
        "MlpPolicy of any size. What is kept is the deterministic action, and SAC's and TQC's log-std\n"
        "head. Neither Python nor PyTorch is needed, and nothing in the file is executed.\n"
        "The policy drives evaluate, demos, bc, dagger, shift and render like any other.",
    .example =
        "  understudy import sac-ant.zip -o expert.safetensors --task Ant-v5\n"
        "  understudy import ppo-ant.zip --vecnormalize vecnormalize.pkl -o expert.safetensors",
    .set_fields = udy_task_config_fields,
    .run = run,
};
