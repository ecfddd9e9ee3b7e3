// cmd_expert.c: `understudy expert list`: what the files of experts, the shipped or others, say of their
// return and of how they were made, and what they are.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

typedef struct list_args {
    cli_common common;
} list_args;

// A shipped expert: its name, its file's metadata, and the policy that it holds.
typedef struct expert {
    char name[256], path[UDY_PATH_MAX];
    const udy_safetensors *file;
    const udy_policy *policy;
} expert;

static const char *said(const expert *x, const char *key) {
    return udy_safetensors_metadata(x->file, key);
}

// A number that the metadata holds as text; NaN where it does not.
static double number_of(const expert *x, const char *key) {
    const char *text = said(x, key);
    char *end;
    double value = text ? strtod(text, &end) : NAN;
    return text && end != text && !*end ? value : NAN;
}

static double file_bytes(const expert *x) {
    struct stat st;
    return stat(x->path, &st) ? NAN : (double)st.st_size;
}

// Weights that act: the mean's network, without a Gaussian head.
static size_t parameters_of(const expert *x) {
    const udy_mlp *mlp = udy_policy_mlp(x->policy);
    size_t n = 0;
    for (int i = 0; i < udy_mlp_param_count(mlp); i++) {
        udy_param p = udy_mlp_param(mlp, i);
        n += (size_t)p.rows * (size_t)p.cols;
    }
    return n;
}

//------------------------------------------ Text --------------------------------------------------

// "  label    value" for a key, where the file has it.
static void print_line(const expert *x, const char *label, const char *key) {
    if (!said(x, key)) return;
    printf("  %-9s", label);
    cli_put_text(said(x, key));
    printf("\n");
}

static void print_return(const expert *x) {
    double mean = number_of(x, "return_mean"), low = number_of(x, "return_ci95_low"),
           high = number_of(x, "return_ci95_high"), n = number_of(x, "test_episodes"),
           falls = number_of(x, "falls"), speed = number_of(x, "speed_m_per_s");
    if (isnan(mean)) {  // a file that says it in words, or not at all
        printf("  %-9s", "return");
        cli_put_text(said(x, "return") ? said(x, "return") : "not measured");
        printf("\n");
        return;
    }
    printf("  %-9s%.1f mean", "return", mean);
    if (!isnan(low) && !isnan(high)) printf(", 95 %% interval [%.1f, %.1f]", low, high);
    if (!isnan(n)) printf(", %.0f episodes", n);
    if (said(x, "test_seed")) {
        printf(" from seed ");
        cli_put_text(said(x, "test_seed"));
    }
    printf("\n");
    double median = number_of(x, "return_median"), iqm = number_of(x, "return_iqm");
    if (!isnan(median) && !isnan(iqm))
        printf("  %-9s%.1f median, %.1f interquartile mean\n", "", median, iqm);
    if (!isnan(falls) && !isnan(n)) {
        double too_low = number_of(x, "too_low"), too_high = number_of(x, "too_high");
        printf("  %-9s%.0f of %.0f", "falls", falls, n);
        if (!isnan(too_low) && !isnan(too_high))
            printf(" (%.0f too low, %.0f too high)", too_low, too_high);
        printf("\n");
    }
    if (!isnan(speed)) printf("  %-9s%.2f m/s\n", "speed", speed);
}

static void print_training(const expert *x) {
    static const char *const keys[][2] = {
        {"preset", "preset "}, {"seed", "seed "}, {"steps", ""}, {"updates", ""}};
    static const char *const units[] = {"", "", " steps", " updates"};
    bool any = false;
    for (int i = 0; i < 4; i++) {
        const char *value = said(x, keys[i][0]);
        if (!value) continue;
        if (any)
            printf(", ");
        else
            printf("  %-9s", "training");
        any = true;
        printf("%s", keys[i][1]);
        cli_put_text(value);
        printf("%s", units[i]);
    }
    if (any) printf("\n");
}

static void print_size(const expert *x) {
    const udy_mlp_config *config = udy_mlp_config_of(udy_policy_mlp(x->policy));
    printf("  %-9s", "size");
    for (int i = 0; i <= config->n_layers; i++) printf("%s%d", i ? "-" : "", config->dims[i]);
    printf(", %zu parameters, %.0f kB%s\n", parameters_of(x), file_bytes(x) / 1000,
           udy_policy_gaussian(x->policy) ? "; can be sampled (--stochastic)" : "");
}

static void print_expert(const expert *x) {
    printf("%s%s%s\n", cli_style("1"), x->name, cli_style_end());
    printf("  %-9s", "task");
    cli_put_text(said(x, "task") ? said(x, "task") : "unknown");
    printf(", %d observations, contact forces %s\n",
           udy_mlp_config_of(udy_policy_mlp(x->policy))->dims[0],
           udy_policy_contact_obs(x->policy) ? "in" : "left out");
    print_return(x);
    print_line(x, "made by", "made_by");
    print_line(x, "chosen", "chosen_as");
    print_training(x);
    print_line(x, "commit", "commit");
    print_line(x, "versions", "versions");
    print_line(x, "machine", "machine");
    print_line(x, "took", "wall_clock");
    print_size(x);
    printf("  %-9s%s\n", "file", x->path);
}

//------------------------------------------ JSON --------------------------------------------------

// NaN: null.
static udy_json *test_json(const expert *x) {
    udy_json *test = udy_json_object();
    const double ci95[2] = {number_of(x, "return_ci95_low"), number_of(x, "return_ci95_high")};
    udy_json_put_number(test, "mean", number_of(x, "return_mean"));
    udy_json_put_numbers(test, "ci95", ci95, 2);
    udy_json_put_number(test, "std", number_of(x, "return_std"));
    udy_json_put_number(test, "median", number_of(x, "return_median"));
    udy_json_put_number(test, "iqm", number_of(x, "return_iqm"));
    udy_json_put_number(test, "episodes", number_of(x, "test_episodes"));
    if (said(x, "test_seed")) udy_json_put_string(test, "first_seed", said(x, "test_seed"));
    udy_json_put_number(test, "falls", number_of(x, "falls"));
    udy_json_put_number(test, "too_low", number_of(x, "too_low"));
    udy_json_put_number(test, "too_high", number_of(x, "too_high"));
    udy_json_put_number(test, "speed_mean", number_of(x, "speed_m_per_s"));
    return test;
}

// Numbers of the training, null where the file does not say them, and its curve.
static udy_json *training_json(const expert *x) {
    udy_json *training = udy_json_object(), *curve = udy_json_array();
    udy_json_put_number(training, "steps", number_of(x, "steps"));
    udy_json_put_number(training, "updates", number_of(x, "updates"));
    udy_json_put_number(training, "seconds", number_of(x, "wall_clock_s"));
    long long steps;
    double mean;
    int used = 0;
    for (const char *at = said(x, "curve");
         at && sscanf(at, "%lld:%lf%n", &steps, &mean, &used) == 2; at += used) {
        udy_json *point = udy_json_object();
        udy_json_put_int(point, "steps", steps);
        udy_json_put_number(point, "mean", mean);
        udy_json_append(curve, point);
    }
    udy_json_put(training, "curve", curve);
    return training;
}

static udy_json *size_json(const expert *x) {
    const udy_mlp_config *config = udy_mlp_config_of(udy_policy_mlp(x->policy));
    udy_json *size = udy_json_object(), *layers = udy_json_array();
    for (int i = 0; i <= config->n_layers; i++) udy_json_append_number(layers, config->dims[i]);
    udy_json_put(size, "layers", layers);
    udy_json_put_int(size, "parameters", (int64_t)parameters_of(x));
    udy_json_put_number(size, "bytes", file_bytes(x));
    return size;
}

static udy_json *expert_json(const expert *x) {
    udy_json *entry = udy_json_object(), *metadata = udy_json_object();
    static const char *const keys[] = {"task",      "return", "made_by",  "preset",  "seed",
                                       "chosen_as", "commit", "versions", "machine", "wall_clock"};
    udy_json_put_string(entry, "name", x->name);
    udy_json_put_string(entry, "file", x->path);
    udy_json_put_bool(entry, "gaussian", udy_policy_gaussian(x->policy));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (said(x, keys[i])) udy_json_put_string(entry, keys[i], said(x, keys[i]));
    udy_json_put(entry, "test", test_json(x));
    udy_json_put(entry, "training", training_json(x));
    udy_json_put(entry, "size", size_json(x));
    for (size_t i = 0; i < udy_safetensors_metadata_count(x->file); i++) {
        udy_text_pair pair = udy_safetensors_metadata_at(x->file, i);
        udy_json_put_string(metadata, pair.key, pair.value);
    }
    udy_json_put(entry, "metadata", metadata);
    return entry;
}

//------------------------------------------ Command -----------------------------------------------

// Tell of the expert at x->path, on stdout or in root (Nullable).
static int tell(expert *x, udy_json *root) {
    udy_error err = {0};
    udy_safetensors *file = NULL;
    udy_policy *policy = NULL;
    int code = CLI_DONE;
    if (udy_safetensors_open(&file, x->path, &err) || udy_policy_load(&policy, x->path, &err)) {
        code = cli_fail(&err);
    } else {
        udy_policy_short_name(x->name, sizeof x->name, x->path);
        x->file = file;
        x->policy = policy;
        if (root)
            udy_json_append(root, expert_json(x));
        else
            print_expert(x);
    }
    udy_policy_destroy(policy);
    udy_safetensors_close(file);
    return code;
}

static int tell_named(const cli_common *common, udy_json *root) {
    int code = CLI_DONE;
    for (int i = 0; i < common->n_operands; i++) {
        udy_error err = {0};
        expert x = {0};
        if (cli_find_policy(x.path, common->data, common->operand[i], &err))
            code = cli_fail(&err);
        else if (tell(&x, root) != CLI_DONE)
            code = CLI_FAILED;  // the rest is told still
    }
    return code;
}

static int tell_shipped(const cli_common *common, udy_json *root) {
    udy_error err = {0};
    char dir[UDY_PATH_MAX];
    char **names = NULL;
    size_t n = 0;
    if (cli_find_experts(dir, common->data, &err) ||
        udy_dir_list(&names, &n, dir, ".safetensors", &err))
        return cli_fail(&err);
    int code = CLI_DONE;
    for (size_t i = 0; i < n; i++) {
        expert x = {0};
        if (udy_path_format(x.path, &err, "%s/%s", dir, names[i]))
            code = cli_fail(&err);
        else if (tell(&x, root) != CLI_DONE)
            code = CLI_FAILED;
    }
    udy_free(names);
    return code;
}

static int run(void *p) {
    const cli_common *common = &((const list_args *)p)->common;
    udy_json *root = common->json ? udy_json_array() : NULL;
    int code = common->n_operands ? tell_named(common, root) : tell_shipped(common, root);
    if (root && cli_print_json(root) != CLI_DONE) code = CLI_FAILED;
    return code;
}

const cli_command cli_expert_list = {
    .name = "expert list",
    .summary = "what policies' files say: task, measured return, how each was made, size",
    .operands = "[EXPERT...]",
    .max_operands = CLI_OPERANDS_MAX,
    .common = CLI_DATA | CLI_JSON | CLI_QUIET,
    .args_size = sizeof(list_args),
    .about = "Without names: the experts that are shipped. --json has all of a file's metadata.",
    .example =
        "  understudy expert list\n"
        "  understudy expert list mine.safetensors --json",
    .run = run,
};
