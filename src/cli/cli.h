// cli.h: what the commands share: option tables, where data lies, progress, interruption, errors.
// The only room that prints, exits or reads the environment. Results go to stdout; progress, notes
// and errors to stderr.
#ifndef UNDERSTUDY_SRC_CLI_CLI_H_
#define UNDERSTUDY_SRC_CLI_CLI_H_

#include "understudy/understudy.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

//------------------------------------------ Options -----------------------------------------------

// Options that many commands take; a command's row says which.
enum {
    CLI_JSON = 1 << 0,
    CLI_QUIET = 1 << 1,
    CLI_SEED = 1 << 2,
    CLI_THREADS = 1 << 3,
    CLI_SET = 1 << 4,
    CLI_PRESET = 1 << 5,
    CLI_DATA = 1 << 6,    // --data: where presets, experts and models lie
    CLI_LOGGER = 1 << 7,  // --logger: see cli_loggers
};

#define CLI_SET_MAX 64
#define CLI_LIST_MAX 64
#define CLI_OPERANDS_MAX 32

// First member of every command's arguments.
typedef struct cli_common {
    bool json, quiet, help;
    bool has_seed;
    uint64_t seed;
    int threads;  // 0: one per core
    const char *preset, *data, *logger;
    const char *set[CLI_SET_MAX];
    int n_set;
    const char *operand[CLI_OPERANDS_MAX];
    int n_operands;
} cli_common;

// Values of an option that may be given again.
typedef struct cli_list {
    const char *item[CLI_LIST_MAX];
    int n;
} cli_list;

typedef enum {
    CLI_OPTION_FLAG,  // bool; takes no value
    CLI_OPTION_TEXT,  // const char *
    CLI_OPTION_INT,   // int in [min, max]
    CLI_OPTION_U64,   // uint64_t
    CLI_OPTION_LIST,  // --set: may be given again
    CLI_OPTION_MANY,  // cli_list: may be given again
} cli_option_type;

typedef struct cli_option {
    const char *name;   // without "--"; NULL ends a table
    const char *value;  // the value's name in help: "DIR"; NULL for a flag
    cli_option_type type;
    size_t offset;  // in the command's arguments
    int min, max;   // INT
    const char *help;
} cli_option;

typedef struct cli_command {
    const char *name;      // "demos collect"
    const char *summary;   // one line
    const char *operands;  // "POLICY"; "" for none
    int min_operands, max_operands;
    int common;  // CLI_JSON | ...
    const cli_option *options;
    size_t args_size;     // of the arguments' struct, which starts with a cli_common
    const char *about;    // paragraphs for --help
    const char *example;  // lines for --help
    // Keys that --set takes, for --help. Nullable: the command has no --set, or describes it in about
    const udy_field *set_fields;
    const udy_field *(*set_fields_of)(void);  // the same, where the table is made at run time
    int (*run)(void *args);                   // returns an exit code
} cli_command;

// Every option that the command takes: its own, then the common ones; returns their number.
#define CLI_OPTIONS_MAX 48
int cli_options_of(const cli_command *command, const cli_option *out[CLI_OPTIONS_MAX]);

const cli_command *cli_command_at(int i);  // i in [0, cli_command_count())
int cli_command_count(void);

// Fill args from argv[first..argc). Returns CLI_DONE or CLI_USAGE (said on stderr).
int cli_parse(const cli_command *command, int argc, char **argv, int first, void *args);
void cli_help_command(const cli_command *command);
void cli_help_all(void);
// What shells and the build ask, not people: words that may come at the end of a line that is being
// typed (complete.c); the manual's pages, written into the folder words[0] (manual.c).
int cli_complete(int n, char **words);
int cli_manual(int n, char **words);

// A table of fields joined from parts, their keys prefixed and offsets moved; free with udy_free.
typedef struct cli_fields_part {
    const char *prefix;  // "bc."; "" for none
    const udy_field *fields;
    size_t offset;  // of the part's struct in the whole
} cli_fields_part;
udy_field *cli_fields_join(const cli_fields_part *parts, int n);
// Apply every --set of common. Returns CLI_DONE or CLI_USAGE (said).
int cli_apply_set(const cli_common *common, void *settings, const udy_field *table);
// One setting as --set takes it: "[256, 256]"; free with udy_free.
char *cli_setting_value(const void *settings, const udy_field *field);
int cli_apply_seed(const cli_common *common, void *settings, const udy_field *table);  // --seed

//------------------------------------------ Saying things -----------------------------------------

// Colour (an SGR code such as "1") where stdout is a terminal that wants it, else "".
const char *cli_style(const char *sgr);
const char *cli_style_end(void);

// "error: ..." on stderr; control characters are made visible. Each returns the exit code to use.
int cli_fail(const udy_error *err);
int cli_fail_text(const char *format, ...) UDY_PRINTF(1, 2);
int cli_usage(const char *format, ...) UDY_PRINTF(1, 2);
void cli_note(const char *format, ...) UDY_PRINTF(1, 2);
void cli_say_line(const char *text);  // on stderr, as it is
void cli_put_text(const char *text);  // on stdout, what a file says, without what steers a terminal
// Print a tree to stdout and free it; CLI_FAILED where memory ran out.
int cli_print_json(udy_json *root);

// Seeds may exceed what JSON numbers hold exactly; those are written as strings of their digits.
void cli_json_put_u64(udy_json *object, const char *name, uint64_t value);

// The program as it was called, for commands to repeat.
extern const char *cli_program;
// word, quoted for a shell where it needs it; one of a few static buffers.
const char *cli_quote(const char *word);

//------------------------------------------ Progress and interruption -----------------------------

// Callbacks for the library: bars on a terminal, plain lines elsewhere, no bars with quiet.
// One at a time in a process.
const udy_progress *cli_progress_begin(bool quiet);
void cli_progress_end(void);  // leave the terminal's line
int cli_columns(int fd);      // the terminal's width; 0 where it is none
bool cli_utf8(void);          // does the locale say UTF-8?

void cli_signals_install(void);
bool cli_interrupted(void);

//------------------------------------------ Data, tasks, policies ---------------------------------

// Find presets, experts and models: --data, then UNDERSTUDY_DATA, then beside the program. An
// experiment's presets lie in presets/, those of an expert's training in presets/expert/.
int cli_find_preset(char out[UDY_PATH_MAX], const char *data, const char *name, udy_error *err)
    UDY_MUST_CHECK;
int cli_find_expert_preset(char out[UDY_PATH_MAX], const char *data, const char *name,
                           udy_error *err) UDY_MUST_CHECK;
int cli_find_sweep_preset(char out[UDY_PATH_MAX], const char *data, const char *name,
                          udy_error *err) UDY_MUST_CHECK;  // presets/sweep/
// name: a file's path or a shipped expert's name.
int cli_find_policy(char out[UDY_PATH_MAX], const char *data, const char *name, udy_error *err)
    UDY_MUST_CHECK;
// A folder of data: "presets", "experts", "models", "report".
int cli_find_data(char out[UDY_PATH_MAX], const char *data, const char *part, udy_error *err)
    UDY_MUST_CHECK;
int cli_find_experts(char dir[UDY_PATH_MAX], const char *data, udy_error *err) UDY_MUST_CHECK;
int cli_find_report(char dir[UDY_PATH_MAX], const char *data, udy_error *err) UDY_MUST_CHECK;
// Fill an empty config->model_dir where the library would not find the models by itself.
int cli_find_models(udy_task_config *config, const char *data, udy_error *err) UDY_MUST_CHECK;

// Load the policy that a user named. "random" needs task.
// Nullable: task (then "random" is an error)
int cli_load_policy(udy_policy **out, const char *data, const char *name, const udy_task *task,
                    udy_error *err) UDY_MUST_CHECK;

// A task for a policy or dataset: id, observation form, --set, models.
// Returns an exit code, what is wrong said.
int cli_make_task(udy_task **out, const cli_common *common, const char *id, bool contact_obs);
// Simulations for whole episodes on common's threads (a note where there are more than cores).
int cli_make_batch(udy_batch **out, const cli_common *common, const udy_task *task, udy_error *err)
    UDY_MUST_CHECK;
int cli_threads(const cli_common *common);
// Open a dataset; shards that had to be left out are said even with --quiet.
int cli_open_dataset(udy_dataset **out, const char *path, const cli_common *common, udy_error *err)
    UDY_MUST_CHECK;
// Does path end with suffix, behind a name that is not empty?
bool cli_has_suffix(const char *path, const char *suffix);
// Refuse to write over path unless force; the message says how.
int cli_check_output(const char *path, bool force, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Run folders -------------------------------------------

// Read RUN/run.yaml into settings.
int cli_run_settings(const char *run, void *settings, const udy_field *table, udy_error *err)
    UDY_MUST_CHECK;
// A resumed run keeps its settings: CLI_USAGE, naming the first key, where asked differs from found.
int cli_refuse_conflict(const char *run, const void *found, const void *asked,
                        const udy_field *table);
// What is there becomes an absolute path, so that a run can go on from any folder.
int cli_settle_path(char *text, size_t size, udy_error *err) UDY_MUST_CHECK;
// The same of a policy, as cli_find_policy takes it: a name stays, also where a folder (a run's, say) is
// named so.
int cli_settle_policy(char *text, size_t size, udy_error *err) UDY_MUST_CHECK;
// "to go on: understudy COMMAND --resume RUN ..." on stderr.
void cli_say_resume(const char *command, const char *run, const cli_common *common);
// A command's run folder to open or make: resume, else out, else a fresh one under runs/, named
// after the preset (a name, or the path of a file).
int cli_open_run(udy_run **run, const char *resume, const char *out, const char *preset,
                 const void *settings, const udy_field *table, udy_error *err) UDY_MUST_CHECK;
// Who is told of the command's course: --logger, else standard (UDY_LOG_TENSORBOARD | ...). Returns
// CLI_DONE or CLI_USAGE (said).
int cli_loggers(const cli_common *common, unsigned standard, unsigned *out);
// OUT/figures as images for TensorBoard. first: as cli_draw_results'.
void cli_log_figures(const char *out, unsigned loggers, udy_error *first);
int cli_print_results(const char *run);  // RUN/results.json as it is; an exit code
// Lines of RUN/parts that exist, with what they are: "  table   runs/x/results.csv".
typedef struct cli_file_note {
    const char *what, *path;  // path: below the run folder
} cli_file_note;
void cli_print_files(const char *run, const cli_file_note *notes, int n);

// Figures of an experiment's table, and of a shift (results: Nullable), into OUT/figures. first: the
// first reason why one is missing; code 0: none is.
void cli_draw_results(const char *out, const udy_results *results, udy_error *first);
void cli_draw_shift(const char *out, const udy_shift *shift, const udy_results *results,
                    udy_error *first);

//------------------------------------------ Experts from outside ----------------------------------

// What `understudy import` and `understudy expert pull` do with a file of Stable-Baselines3
// (cmd_import.c): read it and write a policy file of ours. Returns an exit code, what is wrong said.
typedef struct cli_import_request {
    const char *model;         // the .zip
    const char *vecnormalize;  // Nullable: VecNormalize's statistics to fold in
    const char *task;          // Nullable: what the file says
    const char *out;           // the safetensors file; whether it may be written is checked here
    const char *origin;  // Nullable: where model is from, for messages and made_by: "hf://..."
    bool force;
} cli_import_request;
// results: what the policy is (file, task, algorithm, sizes, ...) is put into it, and nothing is
// printed; NULL: printed as text.
int cli_import_policy(const cli_common *common, const cli_import_request *request,
                      udy_json *results);

// The hub as the environment has it: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE, proxies, ...
// (docs/hub.md).
int cli_hub_config(udy_hub_config *out, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Commands ----------------------------------------------

// The steps, updates and time at which each run's evaluation first reached 1000, 3000, ... as text.
typedef struct cli_curve {
    const char *name;
    udy_curve_point *points;  // [n]
    int n;
} cli_curve;
void cli_print_milestones(const cli_curve *curves, int n);
// What became the expert, from an object with "chosen" and "test" as results.json has them.
void cli_print_chosen(const udy_json *root);
udy_json *cli_milestones_json(const cli_curve *curve);
// "12.3 s", "47:05", "1:02:33".
void cli_format_seconds(char out[24], double s);

extern const cli_command cli_experiment, cli_expert_train, cli_expert_list, cli_expert_evaluate,
    cli_expert_curves, cli_expert_keep, cli_expert_pull, cli_demos_collect, cli_demos_info,
    cli_demos_import, cli_demos_export, cli_bc, cli_dagger, cli_evaluate, cli_replay, cli_shift,
    cli_sweep, cli_render, cli_report, cli_tasks, cli_bench, cli_export, cli_import;

#endif  // UNDERSTUDY_SRC_CLI_CLI_H_
