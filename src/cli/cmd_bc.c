// cmd_bc.c: `understudy bc`: behavioural cloning of a dataset into a policy file.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct bc_args {
    cli_common common;
    const char *out, *loss_csv, *figures, *log_dir;
    bool force, resume;
    unsigned loggers;
} bc_args;

// The files that a training writes, beside one another.
typedef struct bc_files {
    char best[UDY_PATH_MAX], last[UDY_PATH_MAX], checkpoint[UDY_PATH_MAX], log[UDY_PATH_MAX];
} bc_files;

static int name_files(bc_files *files, const bc_args *args, udy_error *err) {
    static const char suffix[] = ".safetensors";
    const char *out = args->out;
    size_t n = strlen(out), k = sizeof suffix - 1;
    if (n <= k || strcmp(out + n - k, suffix) != 0)
        return udy_error_set(err, UDY_EINVAL, "--out '%s': expected a file name that ends in %s",
                             out, suffix);
    int status = udy_path_format(files->best, err, "%s", out);
    if (!status)
        status = udy_path_format(files->last, err, "%.*s-last%s", (int)(n - k), out, suffix);
    if (!status) status = udy_path_format(files->checkpoint, err, "%s.checkpoint", out);
    if (!status)
        status = args->log_dir ? udy_path_format(files->log, err, "%s", args->log_dir)
                               : udy_path_format(files->log, err, "%.*s-log", (int)(n - k), out);
    return status;
}

// What is there already is kept unless asked otherwise; --resume wants the checkpoint.
static int check_files(const bc_files *files, const bc_args *args, udy_error *err) {
    bool checkpoint = udy_file_exists(files->checkpoint);
    if (args->resume && !checkpoint)
        return udy_error_set(err, UDY_ENOENT,
                             "%s: no checkpoint to go on from; leave out --resume to "
                             "train from the start",
                             files->checkpoint);
    int status = cli_check_output(files->best, args->force || args->resume, err);
    if (!status) status = cli_check_output(files->last, args->force || args->resume, err);
    if (!status && checkpoint && !args->resume) {
        if (args->force) return udy_file_remove(files->checkpoint, err);
        return udy_error_set(err, UDY_EEXIST,
                             "%s: a training was interrupted here; --resume goes on "
                             "with it, --force starts over",
                             files->checkpoint);
    }
    return status;
}

// --preset is an experiment's; its "bc." part is taken. --set takes bc's keys, "bc." in front or not.
static int read_settings(const bc_args *args, udy_bc_config *config) {
    udy_error err = {0};
    *config = udy_bc_config_default();
    if (args->common.preset) {
        udy_experiment_config *preset = udy_alloc(sizeof *preset);
        char path[UDY_PATH_MAX];
        if (!preset) return cli_fail_text("out of memory");
        udy_experiment_config_default(preset);
        int status = cli_find_preset(path, args->common.data, args->common.preset, &err);
        if (!status) status = udy_settings_load(preset, udy_experiment_fields(), path, &err);
        *config = preset->bc;
        udy_free(preset);
        if (status) return cli_fail(&err);
    }
    cli_common common = args->common;
    for (int i = 0; i < common.n_set; i++)
        if (strncmp(common.set[i], "bc.", 3) == 0) common.set[i] += 3;
    return cli_apply_set(&common, config, udy_bc_config_fields);
}

static void split_curve(const udy_bc *bc, double *train, double *val) {
    for (int i = 0; i < udy_bc_epochs(bc); i++) {
        train[i] = udy_bc_curve(bc)[i].train_loss;
        val[i] = udy_bc_curve(bc)[i].val_loss;
    }
}

static int write_csv(const char *path, const double *train, const double *val, int n,
                     udy_error *err) {
    size_t size = 64 + (size_t)n * 80, used = 0;
    char *text = udy_alloc(size);
    if (!text) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    used += (size_t)snprintf(text, size, "epoch,train_loss,val_loss\n");
    for (int i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, size - used, "%d,%.17g,", i + 1, train[i]);
        if (!isnan(val[i])) used += (size_t)snprintf(text + used, size - used, "%.17g", val[i]);
        used += (size_t)snprintf(text + used, size - used, "\n");
    }
    int status = udy_file_write(path, text, used, err);
    udy_free(text);
    return status;
}

static int save_policy(const udy_bc *bc, bool best, const char *path, const bc_args *args,
                       udy_error *err) {
    char made_by[512], seed[24], epoch[16], loss[64];
    int index = best && udy_bc_best_epoch(bc) >= 0 ? udy_bc_best_epoch(bc) : udy_bc_epochs(bc) - 1;
    const udy_bc_epoch *record = &udy_bc_curve(bc)[index];
    snprintf(made_by, sizeof made_by, "understudy bc %s", args->common.operand[0]);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)args->common.seed);
    snprintf(epoch, sizeof epoch, "%d", index + 1);
    snprintf(loss, sizeof loss, "%.9g",
             isnan(record->val_loss) ? record->train_loss : record->val_loss);
    const udy_text_pair extra[] = {{"made_by", made_by},
                                   {"seed", seed},
                                   {"epoch", epoch},
                                   {isnan(record->val_loss) ? "train_loss" : "val_loss", loss},
                                   {"understudy", UDY_VERSION}};
    udy_policy *policy = NULL;
    int status = udy_bc_policy(bc, best, &policy, err);
    if (!status) status = udy_policy_save(policy, path, extra, sizeof extra / sizeof extra[0], err);
    udy_policy_destroy(policy);
    return status;
}

static int print_json(const udy_bc *bc, const bc_files *files, const double *train,
                      const double *val) {
    size_t n = (size_t)udy_bc_epochs(bc);
    udy_json *root = udy_json_object();
    udy_json_put_int(root, "epochs", udy_bc_epochs(bc));
    udy_json_put_int(root, "best_epoch", udy_bc_best_epoch(bc) + 1);
    udy_json_put_int(root, "updates", udy_bc_updates(bc));
    udy_json_put_numbers(root, "train_loss", train, n);
    udy_json_put_numbers(root, "val_loss", val, n);
    udy_json_put_string(root, "best", files->best);
    udy_json_put_string(root, "last", files->last);
    return cli_print_json(root);
}

static int print_report(const udy_bc *bc, const bc_files *files, const bc_args *args,
                        const double *train, const double *val) {
    int n = udy_bc_epochs(bc), columns = cli_columns(STDOUT_FILENO);
    char *curve = udy_loss_sparkline(
        train, val, n, columns >= 50 && columns < 80 ? columns - 2 : 72, 8, !cli_utf8());
    if (curve) printf("%s%s", curve, *curve && curve[strlen(curve) - 1] == '\n' ? "" : "\n");
    udy_free(curve);
    printf("%d epochs, %lld updates; best epoch %d\n", n, (long long)udy_bc_updates(bc),
           udy_bc_best_epoch(bc) + 1);
    printf("  best policy  %s\n  last policy  %s\n", files->best, files->last);
    if (args->loss_csv) printf("  loss curve   %s\n", args->loss_csv);
    if (args->figures) printf("  figure       %s/loss.png, .svg\n", args->figures);
    if (args->loggers) printf("  log          %s\n", files->log);
    return CLI_DONE;
}

// Save what a finished training made; the checkpoint goes last, so that a kill loses nothing.
static int keep(const udy_bc *bc, const bc_files *files, const bc_args *args) {
    udy_error err = {0};
    size_t n = (size_t)udy_bc_epochs(bc);
    double *train = udy_alloc((n + 1) * sizeof *train), *val = udy_alloc((n + 1) * sizeof *val);
    int code = CLI_DONE;
    if (!train || !val) {
        code = cli_fail_text("out of memory");
    } else {
        split_curve(bc, train, val);
        if (save_policy(bc, true, files->best, args, &err) ||
            save_policy(bc, false, files->last, args, &err) ||
            (args->loss_csv && write_csv(args->loss_csv, train, val, (int)n, &err)) ||
            udy_file_remove(files->checkpoint, &err))
            code = cli_fail(&err);
    }
    bool drawn = true;
    if (code == CLI_DONE && args->figures &&
        (udy_dir_make(args->figures, &err) ||
         udy_figure_loss(args->figures, "Behavioural cloning: loss", train, val, (int)n,
                         udy_bc_best_epoch(bc) + 1, &err))) {
        cli_note("no figure: %s", err.message);
        drawn = false;
    }
    if (code == CLI_DONE && args->figures && drawn &&
        udy_logger_figures(files->log, args->loggers, args->figures, &err))
        cli_note("the figure was not logged: %s", err.message);
    if (code == CLI_DONE) {
        bc_args shown = *args;
        if (!drawn) shown.figures = NULL;
        code = args->common.json ? print_json(bc, files, train, val)
                                 : print_report(bc, files, &shown, train, val);
    }
    udy_free(train);
    udy_free(val);
    return code;
}

static void print_resume(const bc_args *args) {
    const cli_common *common = &args->common;
    fprintf(stderr, "to go on: %s bc %s --out %s --seed %llu", cli_quote(cli_program),
            cli_quote(common->operand[0]), cli_quote(args->out), (unsigned long long)common->seed);
    if (common->preset) fprintf(stderr, " --preset %s", cli_quote(common->preset));
    for (int i = 0; i < common->n_set; i++) fprintf(stderr, " --set %s", cli_quote(common->set[i]));
    if (common->data) fprintf(stderr, " --data %s", cli_quote(common->data));
    if (args->loss_csv) fprintf(stderr, " --loss-csv %s", cli_quote(args->loss_csv));
    if (args->figures) fprintf(stderr, " --figures %s", cli_quote(args->figures));
    if (common->logger) fprintf(stderr, " --logger %s", cli_quote(common->logger));
    if (args->log_dir) fprintf(stderr, " --log-dir %s", cli_quote(args->log_dir));
    fprintf(stderr, " --resume\n");
}

// What came out follows from these.
typedef struct bc_settings {
    uint64_t seed;
    char dataset[UDY_PATH_MAX];
    udy_bc_config bc;
} bc_settings;

static const udy_field own_fields[] = {
    {"seed", UDY_FIELD_U64, offsetof(bc_settings, seed), 0, 0, 0, NULL,
     "where all randomness starts"},
    {"dataset", UDY_FIELD_TEXT, offsetof(bc_settings, dataset), UDY_PATH_MAX, 0, 0, NULL,
     "what was cloned"},
    {0},
};

// What the settings are, and what came of them: of the epoch whose policy is kept.
static int log_summary(const bc_args *args, const bc_files *files, const udy_bc_config *config,
                       const udy_bc *bc, double seconds, udy_error *err) {
    udy_scalar outcome[3] = {{NULL, 0}};
    int best = udy_bc_best_epoch(bc), n = 0;
    if (udy_bc_epochs(bc) > 0) {
        const udy_bc_epoch *epoch = &udy_bc_curve(bc)[best >= 0 ? best : udy_bc_epochs(bc) - 1];
        outcome[n++] = (udy_scalar){"outcome/loss_train", epoch->train_loss};
        outcome[n++] = (udy_scalar){"outcome/loss_validation", epoch->val_loss};
        outcome[n++] = (udy_scalar){"outcome/epoch", best + 1};
    }
    const cli_fields_part parts[] = {{"", own_fields, 0},
                                     {"bc.", udy_bc_config_fields, offsetof(bc_settings, bc)}};
    bc_settings *settings = udy_alloc(sizeof *settings);
    udy_field *table = cli_fields_join(parts, 2);
    int status = settings && table ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "out of memory");
    if (!status) {
        settings->seed = args->common.seed;
        settings->bc = *config;
        snprintf(settings->dataset, sizeof settings->dataset, "%s", args->common.operand[0]);
        status = udy_logger_summary(files->log, "summary", args->loggers, settings, table, outcome,
                                    n, seconds, err);
    }
    udy_free(table);
    udy_free(settings);
    return status;
}

// What became of a training beside its result.
typedef struct bc_told {
    bool stopped;     // it is saved, and can go on
    udy_error fault;  // what could not be told of a training that came to its end
} bc_told;

static int train_told(const bc_args *args, const bc_files *files, const udy_bc_config *config,
                      const udy_dataset *dataset, udy_bc *bc, bc_told *told, udy_error *err) {
    udy_course *course;
    double start = udy_clock_s();
    int status = udy_course_open(&course, files->log, args->loggers,
                                 cli_progress_begin(args->common.quiet), err);
    if (status) return status;
    status = udy_course_follow_bc(course, bc, err);
    if (!status)
        status =
            udy_bc_train(bc, dataset, "bc", files->checkpoint, udy_course_progress(course), err);
    told->stopped = status == UDY_EINTERRUPTED;
    if (status) return udy_course_close(course, status, err);
    // A log that fails at the end does not cost the policy.
    if (!udy_course_close(course, UDY_OK, &told->fault))
        (void)!log_summary(args, files, config, bc, udy_clock_s() - start, &told->fault);
    return UDY_OK;
}

static int train(const bc_args *args, const bc_files *files, const udy_bc_config *config,
                 const udy_dataset *dataset, const udy_task *task) {
    udy_error err = {0};
    udy_pool *pool = NULL;
    udy_bc *bc = NULL;
    bc_told told = {0};
    int code = CLI_DONE;
    if (udy_pool_create(&pool, cli_threads(&args->common), &err) ||
        udy_bc_create(&bc, config, task, pool, args->common.seed, 0, &err) ||
        train_told(args, files, config, dataset, bc, &told, &err))
        code = cli_fail(&err);
    cli_progress_end();
    if (told.stopped) print_resume(args);
    if (code == CLI_DONE) code = keep(bc, files, args);
    if (code == CLI_DONE && told.fault.code) code = cli_fail(&told.fault);
    udy_bc_destroy(bc);
    udy_pool_destroy(pool);
    return code;
}

static int run(void *p) {
    bc_args *args = p;
    bc_files files;
    udy_bc_config config;
    udy_error err = {0};
    if (!args->out) return cli_usage("'bc' wants --out FILE.safetensors for the policy");
    if (name_files(&files, args, &err)) return cli_usage("%s", err.message);
    // A file in, a file out: nothing is told where nobody asks.
    unsigned standard = args->log_dir ? UDY_LOG_DEFAULT : 0;
    if (cli_loggers(&args->common, standard, &args->loggers) != CLI_DONE) return CLI_USAGE;
    int code = read_settings(args, &config);
    if (code != CLI_DONE) return code;
    if (check_files(&files, args, &err)) return cli_fail(&err);
    udy_dataset *dataset = NULL;
    udy_task *task = NULL;
    if (cli_open_dataset(&dataset, args->common.operand[0], &args->common, &err))
        return cli_fail(&err);
    udy_dataset_info info = udy_dataset_info_of(dataset);
    cli_common plain = args->common;
    plain.n_set = 0;  // --set is the training's here; the task is the dataset's
    code = cli_make_task(&task, &plain, info.task, info.contact_obs);
    if (code == CLI_DONE) code = train(args, &files, &config, dataset, task);
    udy_task_destroy(task);
    udy_dataset_close(dataset);
    return code;
}

#define OFFSET(member) offsetof(bc_args, member)
static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0,
     "policy file to write (.safetensors): the best epoch's; FILE-last holds the last's"},
    {"loss-csv", "FILE", CLI_OPTION_TEXT, OFFSET(loss_csv), 0, 0, "also write the loss curve"},
    {"figures", "DIR", CLI_OPTION_TEXT, OFFSET(figures), 0, 0,
     "also draw the loss curve (gnuplot)"},
    {"log-dir", "DIR", CLI_OPTION_TEXT, OFFSET(log_dir), 0, 0,
     "folder for what --logger says (default: FILE-log); alone it means tensorboard,jsonl"},
    {"resume", NULL, CLI_OPTION_FLAG, OFFSET(resume), 0, 0, "go on with an interrupted training"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over existing files"},
    {0},
};

const cli_command cli_bc = {
    .name = "bc",
    .summary = "train a policy on a dataset by behavioural cloning",
    .operands = "DATASET",
    .min_operands = 1,
    .max_operands = 1,
    .common = CLI_PRESET | CLI_SET | CLI_SEED | CLI_THREADS | CLI_DATA | CLI_LOGGER | CLI_JSON |
              CLI_QUIET,
    .options = options,
    .args_size = sizeof(bc_args),
    .about =
        "Minibatch regression of the expert's actions (MSE, Adam). From an experiment's preset it\n"
        "takes the 'bc.' settings. A checkpoint beside the output makes an interruption harmless.",
    .example = "  understudy bc demos --out bc.safetensors --seed 0 --set epochs=50",
    .set_fields = udy_bc_config_fields,
    .run = run,
};
