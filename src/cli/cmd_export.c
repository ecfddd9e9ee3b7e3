// cmd_export.c: `understudy export`: a policy as ONNX, as C without dependencies, or as NumPy's .npz.
// Where its weights are rounded it says, and writes into the C, what that costs.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct export_args {
    cli_common common;
    const char *format, *out, *quantize, *name, *episodes;
    bool force;
} export_args;

typedef enum { FORMAT_ONNX, FORMAT_C, FORMAT_NPZ, FORMATS } format;
static const char *const formats[] = {"onnx", "c", "npz"};
static const char *const suffixes[] = {".onnx", ".c", ".npz"};

enum { EPISODES = 20, EXTRA_MAX = 8, NOTES_MAX = 2000 };

// One export under way.
typedef struct job {
    const export_args *args;
    format format;
    udy_weights weights;
    int episodes;
    char name[64], header[UDY_PATH_MAX];  // of C
    udy_policy *policy;
    udy_plain_policy plain;
    udy_text_pair extra[EXTRA_MAX];
    size_t n_extra;
    bool measured;
    udy_rounding rounding;
    char notes[NOTES_MAX];
} job;

//------------------------------------------ Request -----------------------------------------------

static int read_format(job *j) {
    const export_args *args = j->args;
    j->format = FORMATS;
    for (int i = 0; i < FORMATS; i++)
        if (args->format ? !strcmp(args->format, formats[i])
                         : cli_has_suffix(args->out, suffixes[i]))
            j->format = (format)i;
    if (j->format != FORMATS) return CLI_DONE;
    if (!args->format)
        return cli_usage(
            "-o %s does not say the format: expected .onnx, .c or .npz at its end, or "
            "--format onnx, c or npz",
            cli_quote(args->out));
    const char *near = udy_nearest(args->format, formats, FORMATS);
    if (near) return cli_usage("--format '%s': did you mean %s?", args->format, near);
    return cli_usage(
        "--format '%s': expected onnx, c or npz (PyTorch loads the policy file itself)",
        args->format);
}

static int read_weights(job *j) {
    const char *text = j->args->quantize;
    j->weights = UDY_WEIGHTS_F32;
    if (!text) return CLI_DONE;
    if (j->format != FORMAT_C)
        return cli_usage("--quantize is for --format c; %s holds float32", formats[j->format]);
    j->weights = UDY_WEIGHTS_COUNT;
    for (int i = UDY_WEIGHTS_INT8; i < UDY_WEIGHTS_COUNT; i++)
        if (!strcmp(text, udy_weights_name((udy_weights)i))) j->weights = (udy_weights)i;
    if (j->weights != UDY_WEIGHTS_COUNT) return CLI_DONE;
    return cli_usage("--quantize '%s': expected int8 or fp16 (float32 without it)", text);
}

static int read_episodes(job *j) {
    const char *text = j->args->episodes;
    j->episodes = EPISODES;
    if (!j->args->quantize && (text || j->args->common.has_seed))
        return cli_usage("--%s is for measuring what --quantize costs: give that too",
                         text ? "episodes" : "seed");
    if (!text) return CLI_DONE;
    char *end;
    long n = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n > 100000)
        return cli_usage("--episodes '%s': expected a whole number from 0 to 100000", text);
    j->episodes = (int)n;
    return CLI_DONE;
}

// The output's own name made an identifier: "bc-best.c" gives "bc_best".
static void name_of_output(char *out, size_t size, const char *path) {
    const char *slash = strrchr(path, '/'), *p = slash ? slash + 1 : path;
    size_t n = 0, end = strlen(p) > 2 ? strlen(p) - 2 : strlen(p);
    if (!isalpha((unsigned char)*p)) n = (size_t)snprintf(out, size, "policy_");
    for (size_t i = 0; i < end && n + 17 < size; i++)
        out[n++] = isalnum((unsigned char)p[i]) && (unsigned char)p[i] < 0x80 ? p[i] : '_';
    out[n] = '\0';
}

static int read_name(job *j) {
    const export_args *args = j->args;
    udy_error err = {0};
    if (j->format != FORMAT_C)
        return args->name ? cli_usage("--name is for --format c: it is what identifiers start with")
                          : CLI_DONE;
    if (!cli_has_suffix(args->out, ".c"))
        return cli_usage("-o %s: expected a name that ends in .c (the header is written beside it)",
                         cli_quote(args->out));
    name_of_output(j->name, sizeof j->name, args->out);
    const char *name = args->name ? args->name : j->name;
    if (udy_c_name_check(name, &err)) return cli_usage("--name %s", err.message);
    if (args->name) snprintf(j->name, sizeof j->name, "%s", args->name);
    if (udy_path_format(j->header, &err, "%.*s.h", (int)(strlen(args->out) - 2), args->out))
        return cli_fail(&err);
    return CLI_DONE;
}

// What would stop the file from being written is found before the work, not after it.
static int check_out(const job *j) {
    const char *out = j->args->out, *slash = strrchr(out, '/');
    udy_error err = {0};
    char folder[UDY_PATH_MAX];
    if (udy_dir_exists(out)) return cli_fail_text("%s is a folder; -o is the file to write", out);
    if (cli_check_output(out, j->args->force, &err) ||
        (j->header[0] && cli_check_output(j->header, j->args->force, &err)) ||
        udy_path_format(folder, &err, "%.*s", slash ? (int)(slash - out) : 0, out))
        return cli_fail(&err);
    if (*folder && !udy_dir_exists(folder))
        return cli_fail_text("%s: no such folder, so %s cannot be written", folder, out);
    return CLI_DONE;
}

static int read_request(job *j) {
    if (!j->args->out)
        return cli_usage("'export' wants -o FILE; '%s export --help' shows an example",
                         cli_program);
    int code = read_format(j);
    if (code == CLI_DONE) code = read_weights(j);
    if (code == CLI_DONE) code = read_episodes(j);
    if (code == CLI_DONE) code = read_name(j);
    return code == CLI_DONE ? check_out(j) : code;
}

//------------------------------------------ The policy --------------------------------------------

static int load(job *j) {
    const char *name = j->args->common.operand[0];
    udy_error err = {0};
    if (!strcmp(name, "random"))
        return cli_fail_text("the random policy has no weights to export; name a policy file");
    if (cli_load_policy(&j->policy, j->args->common.data, name, NULL, &err) ||
        udy_policy_plain(&j->plain, j->policy, &err))
        return cli_fail(&err);
    static const char *const keys[] = {"made_by", "return", "understudy"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *value = udy_policy_metadata(j->policy, keys[i]);
        if (value) j->extra[j->n_extra++] = (udy_text_pair){keys[i], value};
    }
    if (j->plain.log_std_weight && j->format != FORMAT_NPZ)
        cli_note("%s can also sample its actions; exported is the deterministic one, the mean",
                 name);
    return CLI_DONE;
}

//------------------------------------------ What rounding costs -----------------------------------

// The policy's own task; NULL, and said, where its episodes cannot be run here.
static udy_task *task_of(const job *j) {
    const char *id = udy_policy_task(j->policy);
    udy_error err = {0};
    udy_task_config config;
    udy_task *task = NULL;
    if (!*id) {
        cli_note("the policy does not say its task, so no episodes are run");
        return NULL;
    }
    if (!udy_task_config_default(&config, id, &err)) {
        config.contact_obs = udy_policy_contact_obs(j->policy);
        if (!cli_find_models(&config, j->args->common.data, &err) &&
            !udy_task_create(&task, id, &config, &err) && !udy_policy_check(j->policy, task, &err))
            return task;
    }
    cli_note("no episodes are run: %s", err.message);
    udy_task_destroy(task);
    return NULL;
}

static void write_notes(job *j) {
    const udy_rounding *r = &j->rounding;
    const udy_evaluation *a = &r->evaluation[0], *b = &r->evaluation[1];
    const char *kind = udy_weights_name(j->weights);
    char *at = j->notes;
    size_t room = sizeof j->notes;
    int n =
        snprintf(at, room,
                 "What %s weights cost, beside float32; in brackets 95 %% intervals:\n"
                 "  action  off by %.3g on average [%.3g, %.3g], at most %.3g\n"
                 "          over %lld %s\n",
                 kind, r->error, r->error_ci[0], r->error_ci[1], r->error_max, (long long)r->rows,
                 a->n ? "states of the float32 policy" : "observations drawn from N(0, 1)");
    if (n < 0 || (size_t)n >= room || !a->n) return;
    at += n;
    room -= (size_t)n;
    snprintf(at, room,
             "  return  %.1f [%.1f, %.1f] before, %.1f [%.1f, %.1f] after\n"
             "          a change of %.1f [%.1f, %.1f]\n"
             "  falls   %d before, %d after; %d episodes of %s each, from seed %llu\n",
             a->mean, a->ci95[0], a->ci95[1], b->mean, b->ci95[0], b->ci95[1], r->change,
             r->change_ci[0], r->change_ci[1], a->falls, b->falls, a->n, j->plain.task,
             (unsigned long long)j->args->common.seed);
}

static int measure(job *j, const udy_plain_policy *rounded, udy_error *err) {
    const export_args *args = j->args;
    udy_task *task = j->episodes ? task_of(j) : NULL;
    udy_policy *copy = NULL;
    udy_batch *batch = NULL;
    udy_pool *pool = NULL;
    int status = udy_policy_from_plain(&copy, rounded, "rounded", err);
    if (!status) status = udy_pool_create(&pool, cli_threads(&args->common), err);
    if (!status && task) status = cli_make_batch(&batch, &args->common, task, err);
    if (!status)
        status = udy_rounding_measure(&j->rounding, j->policy, copy, task, batch, pool,
                                      task ? j->episodes : 0, args->common.seed,
                                      cli_progress_begin(args->common.quiet), err);
    cli_progress_end();
    j->measured = !status;
    if (!status) write_notes(j);
    udy_batch_destroy(batch);
    udy_pool_destroy(pool);
    udy_policy_destroy(copy);
    udy_task_destroy(task);
    return status;
}

//------------------------------------------ Writing -----------------------------------------------

static int write_files(const job *j, udy_error *err) {
    const char *out = j->args->out;
    if (j->format == FORMAT_ONNX) return udy_onnx_write(out, &j->plain, j->extra, j->n_extra, err);
    if (j->format == FORMAT_NPZ) return udy_npz_write(out, &j->plain, j->extra, j->n_extra, err);
    const udy_c_config config = {.name = j->name,
                                 .weights = j->weights,
                                 .notes = j->notes,
                                 .extra = j->extra,
                                 .n_extra = j->n_extra};
    return udy_c_write(out, &j->plain, &config, err);
}

static int export_policy(job *j) {
    udy_error err = {0};
    int status = UDY_OK;
    if (j->weights != UDY_WEIGHTS_F32) {
        udy_plain_policy rounded;
        status = udy_plain_round(&rounded, &j->plain, j->weights, &err);
        if (!status) status = measure(j, &rounded, &err);
        udy_free(rounded.block);
    }
    if (!status) status = write_files(j, &err);
    return status ? cli_fail(&err) : CLI_DONE;
}

static void print_text(const job *j) {
    const export_args *args = j->args;
    const udy_plain_policy *p = &j->plain;
    printf("%s%s%s%s%s: ", cli_style("1"), args->out, *j->header ? ", " : "", j->header,
           cli_style_end());
    cli_put_text(p->task);
    printf("%s%d observations to %d actions, %s, %zu bytes of weights\n", *p->task ? ", " : "",
           p->obs_dim, p->act_dim, udy_weights_name(j->weights), udy_weights_bytes(p, j->weights));
    fputs(j->notes, stdout);
    if (j->format != FORMAT_C) return;
    char macro[80];
    snprintf(macro, sizeof macro, "%s", j->name);
    for (char *c = macro; *c; c++) *c = (char)toupper((unsigned char)*c);
    printf("Its self-test: cc -D%s_SELF_TEST %s -o self-test -lm && ./self-test\n", macro,
           cli_quote(args->out));
}

static void put_rounding(udy_json *root, const job *j) {
    udy_json *o = udy_json_object();
    const udy_rounding *r = &j->rounding;
    static const char *const names[] = {"float32", "rounded"};
    udy_json_put_number(o, "error_mean", r->error);
    udy_json_put_numbers(o, "error_ci95", r->error_ci, 2);
    udy_json_put_number(o, "error_max", r->error_max);
    udy_json_put_int(o, "rows", r->rows);
    udy_json_put_int(o, "episodes", r->evaluation[0].n);
    cli_json_put_u64(o, "seed", j->args->common.seed);
    if (r->evaluation[0].n) {
        udy_json_put_number(o, "return_change", r->change);
        udy_json_put_numbers(o, "return_change_ci95", r->change_ci, 2);
        for (int i = 0; i < 2; i++)
            udy_json_put(o, names[i], udy_evaluation_json(&r->evaluation[i], false));
    }
    udy_json_put(root, "rounding", o);
}

static int print_json(const job *j) {
    const udy_plain_policy *p = &j->plain;
    udy_json *root = udy_json_object(), *files = udy_json_array();
    udy_json_append_string(files, j->args->out);
    if (*j->header) udy_json_append_string(files, j->header);
    udy_json_put_string(root, "policy", j->args->common.operand[0]);
    udy_json_put_string(root, "task", p->task);
    udy_json_put_string(root, "format", formats[j->format]);
    udy_json_put(root, "files", files);
    udy_json_put_int(root, "obs_dim", p->obs_dim);
    udy_json_put_int(root, "act_dim", p->act_dim);
    udy_json_put_string(root, "weights", udy_weights_name(j->weights));
    udy_json_put_int(root, "weight_bytes", (int64_t)udy_weights_bytes(p, j->weights));
    udy_json_put_bool(root, "head_left_out", p->log_std_weight && j->format != FORMAT_NPZ);
    if (*j->name) udy_json_put_string(root, "name", j->name);
    if (j->measured) put_rounding(root, j);
    return cli_print_json(root);
}

static int run(void *p) {
    job *j = udy_alloc(sizeof *j);
    if (!j) return cli_fail_text("out of memory");
    j->args = p;
    int code = read_request(j);
    if (code == CLI_DONE) code = load(j);
    if (code == CLI_DONE) code = export_policy(j);
    if (code == CLI_DONE && j->args->common.json) code = print_json(j);
    if (code == CLI_DONE && !j->args->common.json) print_text(j);
    udy_rounding_free(&j->rounding);
    udy_free(j->plain.block);
    udy_policy_destroy(j->policy);
    udy_free(j);
    return code;
}

#define OFFSET(member) offsetof(export_args, member)
static const cli_option options[] = {
    {"format", "onnx|c|npz", CLI_OPTION_TEXT, OFFSET(format), 0, 0,
     "onnx, c or npz (default: what FILE ends in)"},
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "the file to write; of C the source, with its header beside it; also -o FILE"},
    {"quantize", "int8|fp16", CLI_OPTION_TEXT, OFFSET(quantize), 0, 0,
     "weights of the C in int8 or fp16 (default: float32)"},
    {"episodes", "N", CLI_OPTION_TEXT, OFFSET(episodes), 0, 0,
     "episodes that measure what --quantize costs (default 20; 0: none)"},
    {"name", "IDENT", CLI_OPTION_TEXT, OFFSET(name), 0, 0,
     "what identifiers of the C start with (default: FILE's name)"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over existing files"},
    {0},
};

const cli_command cli_export = {
    .name = "export",
    .summary = "a policy for other software: ONNX, C without dependencies, NumPy",
    .operands = "POLICY",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_SEED | CLI_THREADS | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(export_args),
    .about =
        "POLICY is a file or the name of a shipped expert. Exported is its deterministic action, in\n"
        "the task's units: scaled to the action bounds, and clipped to them where the policy does so.\n"
        "onnx  input \"obs\" [batch, O], output \"action\" [batch, A], float32\n"
        "c     C99, constant arrays, no allocation; <NAME>_SELF_TEST defined makes it test itself\n"
        "npz   the policy file's tensors under their names, and its metadata as JSON\n"
        "--quantize rounds the weights and measures the cost: the same episodes with and without.\n"
        "PyTorch, JAX and NumPy also read the policy file itself: it is safetensors.",
    .example =
        "  understudy export ant-v5 -o ant.onnx\n"
        "  understudy export runs/mine/policies/bc.safetensors --format c -o bc.c --quantize int8",
    .run = run,
};
