// io.h: files: safetensors, atomic writes, the model hub, the run folder. Sees base only.
#ifndef UNDERSTUDY_IO_H_
#define UNDERSTUDY_IO_H_

#include "understudy/base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

//------------------------------------------ safetensors -------------------------------------------

typedef enum { UDY_F64, UDY_F32, UDY_I64, UDY_I32, UDY_U8, UDY_BOOL, UDY_OTHER } udy_dtype;

size_t udy_dtype_size(udy_dtype dtype);       // bytes an element; 0 for UDY_OTHER
const char *udy_dtype_name(udy_dtype dtype);  // "F32"

#define UDY_TENSOR_NDIM_MAX 8

// A named array, row-major. `data` belongs to whoever made the view.
typedef struct udy_tensor {
    const char *name;
    udy_dtype dtype;
    int ndim;  // 0: a scalar
    int64_t shape[UDY_TENSOR_NDIM_MAX];
    const void *data;
    size_t n_bytes;
} udy_tensor;

typedef struct udy_text_pair {
    const char *key, *value;
} udy_text_pair;

// A safetensors file, mapped read-only. Everything in the header is checked at open: length, JSON,
// dtypes, shapes against byte ranges, overlaps, holes, ranges past the end; a hostile file makes
// open fail and never more. Header at most 100 MB, as the reference implementation. A tensor's data
// is always aligned to its element size. While one is open, its file may be replaced or removed, but
// not truncated in place: that takes mapped pages away (SIGBUS).
typedef struct udy_safetensors udy_safetensors;

int udy_safetensors_open(udy_safetensors **out, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy_safetensors_close(udy_safetensors *file);  // NULL is legal

size_t udy_safetensors_count(const udy_safetensors *file);
const udy_tensor *udy_safetensors_at(const udy_safetensors *file, size_t i);  // sorted by offset
const udy_tensor *udy_safetensors_find(const udy_safetensors *file,
                                       const char *name);  // NULL: absent
// Find, and check dtype and shape; -1 in shape matches any size. Errors name file, tensor,
// expected and found. out_tensor points into the file.
int udy_safetensors_require(const udy_safetensors *file, const char *name, udy_dtype dtype,
                            int ndim, const int64_t *shape, const udy_tensor **out_tensor,
                            udy_error *err) UDY_MUST_CHECK;
size_t udy_safetensors_metadata_count(const udy_safetensors *file);
udy_text_pair udy_safetensors_metadata_at(const udy_safetensors *file, size_t i);
const char *udy_safetensors_metadata(const udy_safetensors *file, const char *key);  // NULL: absent
const char *udy_safetensors_path(const udy_safetensors *file);

// Write tensors and metadata atomically (see udy_file_write). In the order given, wider elements
// first: the format allows no holes, and so every tensor lies aligned to its element size.
int udy_safetensors_write(const char *path, const udy_tensor *tensors, size_t n_tensors,
                          const udy_text_pair *metadata, size_t n_metadata, udy_error *err)
    UDY_MUST_CHECK;

//------------------------------------------ TensorBoard -------------------------------------------

// A TensorBoard event file (TFRecord framing, masked CRC-32C, protocol buffer Event messages), which
// `tensorboard --logdir` reads as it grows.
typedef struct udy_tb udy_tb;

// A new file events.out.tfevents.<time>.<pid>... in dir (made if absent). A resumed run opens
// another one in the same folder; purge_step >= 0: TensorBoard drops what earlier files have from
// that step on (a SessionLog START event).
int udy_tb_open(udy_tb **out, const char *dir, int64_t purge_step, udy_error *err) UDY_MUST_CHECK;
void udy_tb_close(udy_tb *tb);  // NULL is legal
#define UDY_TB_TAG_MAX 512
// One value at a step; written at once, whole records only. tag: UTF-8, 1 to UDY_TB_TAG_MAX bytes.
// A tag's steps go up: TensorBoard's data server takes one that does not for a restart, and drops
// what it has of the tag from there on. The format holds a float32; NaN and infinities are written
// as they are. A full disk is UDY_ENOSPC and leaves the file as it was: later values may still be
// written. Allocates nothing.
int udy_tb_scalar(udy_tb *tb, const char *tag, int64_t step, double value, udy_error *err)
    UDY_MUST_CHECK;
// What follows is written at once and whole like a scalar, with tags as a scalar's, but allocates.
//
// Counts of values in bins, for the Histograms and the Distributions tab: counts [n] between edges
// [n + 1], which go up. Empty bins at either end are left out. UDY_EINVAL: n, a count below 0.
#define UDY_TB_BINS_MAX 10000
int udy_tb_histogram(udy_tb *tb, const char *tag, int64_t step, const double *edges,
                     const double *counts, int n, udy_error *err) UDY_MUST_CHECK;
// A PNG file's bytes.
int udy_tb_image(udy_tb *tb, const char *tag, int64_t step, const void *png, size_t n_bytes,
                 udy_error *err) UDY_MUST_CHECK;
// UTF-8, shown as Markdown.
int udy_tb_text(udy_tb *tb, const char *tag, int64_t step, const char *markdown, udy_error *err)
    UDY_MUST_CHECK;
// For the HParams tab: the settings of this folder's run, once, and that it ended. Its metrics are
// the last values of the scalars in the same folder and in those below. Times: seconds since 1970.
typedef enum { UDY_TB_NUMBER, UDY_TB_BOOL, UDY_TB_TEXT } udy_tb_hparam_type;
typedef struct udy_tb_hparam {
    const char *name;
    udy_tb_hparam_type type;
    double number;     // of a bool: 0 or 1
    const char *text;  // of a text
} udy_tb_hparam;
int udy_tb_hparams(udy_tb *tb, const udy_tb_hparam *hparams, size_t n, double start_s,
                   udy_error *err) UDY_MUST_CHECK;
int udy_tb_session_end(udy_tb *tb, bool success, double end_s, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Loggers -----------------------------------------------

// Who is told of a run's course, beside its results. Numbers of a run do not depend on them.
enum {
    UDY_LOG_TENSORBOARD = 1 << 0,  // DIR/events/
    UDY_LOG_CSV = 1 << 1,          // DIR/scalars.csv: time,part,step,tag,value
    UDY_LOG_JSONL = 1 << 2,        // DIR/log.jsonl: what happened, an object a line
    UDY_LOG_DEFAULT = UDY_LOG_TENSORBOARD | UDY_LOG_JSONL,
};
// "tensorboard,jsonl"; "none". UDY_EINVAL suggests the nearest name.
int udy_loggers_parse(unsigned *out, const char *list, udy_error *err) UDY_MUST_CHECK;

// One part of a run's course ("bc", "dagger"), whose steps go up: in TensorBoard a run of its own,
// DIR/events/PART ("": DIR/events).
typedef struct udy_logger udy_logger;
typedef struct udy_scalar {
    const char *tag;
    double value;  // NaN: nothing to say
} udy_scalar;

//   part       lower-case letters, digits, '-', '_', and '/' between them
//   loggers    UDY_LOG_CSV | ...; 0: nobody is told
//   from_step  what earlier processes told of this part from that step on is taken back, to be told
//              again; 0: all of it; -1: none
int udy_logger_open(udy_logger **out, const char *dir, const char *part, unsigned loggers,
                    int64_t from_step, udy_error *err) UDY_MUST_CHECK;
void udy_logger_close(udy_logger *logger);  // NULL is legal
// The scalars of a step. Allocates nothing. An error names the file that could not be written, and
// leaves whole lines and records.
int udy_logger_scalars(udy_logger *logger, int64_t step, const udy_scalar *scalars, int n,
                       udy_error *err) UDY_MUST_CHECK;
udy_tb *udy_logger_tb(udy_logger *logger);  // for more than scalars; NULL: not asked for

// A part told anew ("summary"): the settings as text and as hyperparameters, what came out of them (n
// 0: the run goes on), and how long it has worked so far. Settings named model_dir, from, command
// and from_command, places and notes, are no hyperparameters.
int udy_logger_summary(const char *dir, const char *part, unsigned loggers, const void *settings,
                       const udy_field *table, const udy_scalar *outcome, int n, double seconds,
                       udy_error *err) UDY_MUST_CHECK;
// Part "figures", told anew: every PNG of a folder as an image. Fine where there is none.
int udy_logger_figures(const char *dir, unsigned loggers, const char *figures_dir, udy_error *err)
    UDY_MUST_CHECK;

//------------------------------------------ Policies of other software ----------------------------

// A policy as other software writes and reads it: linear layers, and what becomes of their output.
// Readers of foreign files make one (udy_sb3_read), writers take one (udy_onnx_write, ...); learn
// turns it into a udy_policy and back.
#define UDY_PLAIN_LAYERS_MAX 8
#define UDY_PLAIN_ACTIONS_MAX 64

typedef struct udy_plain_layer {
    int in, out;
    const float *weight;  // [out, in], as PyTorch's nn.Linear
    const float *bias;    // [out]
} udy_plain_layer;

typedef struct udy_plain_policy {
    int n_layers, obs_dim, act_dim;
    udy_plain_layer layer[UDY_PLAIN_LAYERS_MAX];
    // PyTorch's lower-case names, as policy files have them: after each hidden layer, after the last.
    char activation[16], output[16];
    // What an observation is clipped to before the first layer, [O] each. NULL: it is not
    const double *obs_low, *obs_high;
    // The action is mid + half-range * output where output is tanh, else the output, then clipped to
    // the bounds where clip says so.
    bool bounded;  // are low and high known?
    double low[UDY_PLAIN_ACTIONS_MAX], high[UDY_PLAIN_ACTIONS_MAX];
    bool clip;
    // A head for log standard deviations on the last hidden layer (see learn.h). NULL: none
    const float *log_std_weight, *log_std_bias;  // [A, H], [A]
    char log_std_bound[16];                      // "clamp", "squash"
    double log_std_range[2];
    char task[64];     // Gymnasium's id; "" where unknown
    bool contact_obs;  // contact forces in the observation
    void *block;       // what the arrays lie in, where they are the struct's own; udy_free
} udy_plain_policy;

// What a model of Stable-Baselines3 says of itself, and what was done to it.
typedef struct udy_sb3_facts {
    char algorithm[16];  // "SAC", "TD3", "DDPG", "TQC", "PPO", "A2C", "TRPO"
    char version[32];    // of the Stable-Baselines3 that wrote it; "" where it does not say
    char sha256[65], vecnormalize_sha256[65];  // of the files; "" where there is none
    bool gsde;                                 // explored by state-dependent noise (gSDE)
    bool saw_normalized;  // its last observation was a normalised one: it wants VecNormalize's file
    bool normalized;      // VecNormalize's mean and variance are folded into the first layer
    bool norm_obs_off;    // VecNormalize says norm_obs=False: there was nothing to fold
    double clip_obs;  // where normalized: standard deviations that obs_low and obs_high stand for
} udy_sb3_facts;

// Read the deterministic policy of a model that Stable-Baselines3 saved (.zip; versions 1.x and 2.x),
// with the log-std head of SAC and TQC. Pickles in it are read as data: nothing is executed. out's arrays
// lie in its block (udy_free); its task is left "".
//   vecnormalize  the statistics of VecNormalize.save. Nullable
// UDY_EUNSUPPORTED: another kind of model, such as one for images, named.
int udy_sb3_read(udy_plain_policy *out, udy_sb3_facts *facts, const char *path,
                 const char *vecnormalize, udy_error *err) UDY_MUST_CHECK;

// What writers of policies need to know of one before they start: sizes that link up, an activation
// and an output that they can write, finite weights, bounds where they are used. what: for messages.
int udy_plain_check(const udy_plain_policy *policy, const char *what, udy_error *err)
    UDY_MUST_CHECK;

// An ONNX model: input "obs" [batch, O], output "action" [batch, A], float32, the batch of any size;
// opset 13. The deterministic action: a head for log-std is left out.
//   extra  metadata_props beside the policy's own facts: how it was made, its return
int udy_onnx_write(const char *path, const udy_plain_policy *policy, const udy_text_pair *extra,
                   size_t n_extra, udy_error *err) UDY_MUST_CHECK;
// NumPy's .npz: arrays named as the tensors of a policy file, and "metadata", a string of JSON.
int udy_npz_write(const char *path, const udy_plain_policy *policy, const udy_text_pair *extra,
                  size_t n_extra, udy_error *err) UDY_MUST_CHECK;

// How exported C holds its weights. Biases, sums and activations are float32 always.
typedef enum {
    UDY_WEIGHTS_F32,
    // w = scale * q, q in [-127, 127]: a scale for each output, and in the first layer for each
    // observation too.
    UDY_WEIGHTS_INT8,
    UDY_WEIGHTS_FP16,  // IEEE 754 binary16
    UDY_WEIGHTS_COUNT
} udy_weights;
const char *udy_weights_name(udy_weights weights);  // "float32", "int8", "fp16"
// What they take, biases and scales too.
size_t udy_weights_bytes(const udy_plain_policy *policy, udy_weights weights);
// The policy that exported C with such weights computes: each one rounded, and widened again to
// float32. out has arrays of its own (out->block; udy_free). UDY_EUNSUPPORTED: a weight is beyond
// fp16's range.
int udy_plain_round(udy_plain_policy *out, const udy_plain_policy *policy, udy_weights weights,
                    udy_error *err) UDY_MUST_CHECK;

typedef struct udy_c_config {
    const char *name;  // what its identifiers start with: <name>_act, <NAME>_OBS_DIM, ...
    udy_weights weights;
    const char *notes;  // lines for the header's comment, such as what rounding costs. Nullable
    const udy_text_pair *extra;  // lines "key: value" there: how it was made, its return
    size_t n_extra;
} udy_c_config;
// The deterministic action as C99 without dependencies: a source and a header beside it, whose path
// is the source's with .h in the place of .c. With <NAME>_SELF_TEST defined the source checks itself
// against embedded observations and actions. path ends in ".c".
int udy_c_write(const char *path, const udy_plain_policy *policy, const udy_c_config *config,
                udy_error *err) UDY_MUST_CHECK;
// Is it a C identifier that may start others? UDY_EINVAL says why not.
int udy_c_name_check(const char *name, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Recordings of other software --------------------------

// Where recorded episodes lie, and, for tables, which of their columns are what. Columns are named, or
// counted from 0, or given as ranges without their end: "0:27", "x,y,4:8".
typedef struct udy_recording_source {
    const char *const
        *paths;          // a Minari folder or file; a D4RL file; .npz; .npy; CSV files, one an
    int n_paths;         // episode where there are several
    const char *format;  // "minari", "d4rl", "npz", "npy", "csv"; Nullable: by what is in it
    const char *obs_columns, *act_columns;             // CSV; a 2-D .npy
    const char *reward_column, *episode_column;        // Nullable
    const char *terminated_column, *truncated_column;  // Nullable
    const char *obs_path, *act_path;                   // a pair of .npy files, and no paths
    const char *reward_path, *episode_ends_path;       // Nullable
} udy_recording_source;

// What a recording says of itself.
typedef struct udy_recording_facts {
    const char *format;     // "Minari", "D4RL", ...
    char name[128];         // what its maker called it; "" where it says nothing
    char env[64];           // Gymnasium's id of where it was recorded; "" where it says nothing
    char env_options[256];  // options and wrappers that differ from the id's defaults; ""
    char made_by[256];      // algorithm and author; ""
    char obs_type[32];      // "float64"
    int obs_dim, act_dim;
    int64_t n_episodes;  // -1: not known before the end
    int64_t n_steps;     // -1: not known
    bool has_header;     // CSV: the first line names columns
    bool has_rewards;
    bool has_last_observation;  // after the last step of each episode
    bool has_labels;            // an expert's actions beside those that were executed
} udy_recording_facts;

// Read what a recording says of itself. Errors name file, place, expected and found.
int udy_recording_look(udy_recording_facts *out, const udy_recording_source *source, udy_error *err)
    UDY_MUST_CHECK;

//------------------------------------------ Files -------------------------------------------------

// Write a whole file so that a reader, a crash or a full disk sees the old one or the new one:
// temporary file beside it, fsync, rename, fsync of the folder. Removes the temporary on failure.
int udy_file_write(const char *path, const void *data, size_t n_bytes, udy_error *err)
    UDY_MUST_CHECK;
// Append one line ('\n' added) to a file, made if absent, in one write.
int udy_file_append_line(const char *path, const char *line, udy_error *err) UDY_MUST_CHECK;
// Whole file into memory, '\0' after the end; free with udy_free. Refuses above max_bytes.
int udy_file_read(char **out, size_t *n_bytes, const char *path, size_t max_bytes, udy_error *err)
    UDY_MUST_CHECK;
// A JSON file as a tree (udy_json_free), and back, indented, atomically. udy_json_save takes
// ownership of root, whatever it returns; NULL, or a tree that memory ran out on, is UDY_ENOMEM.
int udy_json_load(udy_json **out, const char *path, size_t max_bytes, udy_error *err)
    UDY_MUST_CHECK;
int udy_json_save(udy_json *root, const char *path, udy_error *err) UDY_MUST_CHECK;
bool udy_file_exists(const char *path);
bool udy_dir_exists(const char *path);
// Make a folder and its parents; fine where it exists. Errors name the path that failed.
int udy_dir_make(const char *path, udy_error *err) UDY_MUST_CHECK;
// Remove what killed processes left half-written under a folder: udy_file_write's temporaries whose
// process is gone. Best effort; udy_run_open does it.
void udy_dir_sweep(const char *path);
// Names (not paths) in a folder that end with suffix, sorted; free with udy_free (one block).
int udy_dir_list(char ***out_names, size_t *n, const char *path, const char *suffix, udy_error *err)
    UDY_MUST_CHECK;
int udy_file_remove(const char *path, udy_error *err) UDY_MUST_CHECK;  // absent is fine

#define UDY_PATH_MAX 4096
// out = printf-style path; UDY_EINVAL where it does not fit.
int udy_path_format(char out[UDY_PATH_MAX], udy_error *err, const char *format, ...)
    UDY_MUST_CHECK UDY_PRINTF(3, 4);

//------------------------------------------ Model hub ---------------------------------------------

// Files of model repositories of a hub that speaks as huggingface.co does, by way of the cache that
// Python's huggingface_hub keeps: what either has fetched the other finds.
typedef struct udy_hub_config {
    char endpoint[512];        // "https://huggingface.co"; http:// for a loopback host alone
    char token[512];           // sent to the endpoint's scheme, host and port alone; "": none
    char cache[UDY_PATH_MAX];  // the folder that holds models--OWNER--REPO; must be given
    bool offline;              // the cache alone, no connection
    char user_agent[128];
    char proxy[512], no_proxy[1024];  // for https, as libcurl takes them; "": none
    char ca_file[UDY_PATH_MAX];       // PEM certificates to trust; "": the system's
    int lookup_timeout_s;             // to connect, and for an answer about a file
    int download_timeout_s;  // a download that is slower than 256 bytes/s for so long is broken off
    int retries;             // attempts after one that brought nothing new
    double retry_wait_s;     // before the first of them; doubled each time, 8 s at most
    uint64_t max_bytes;      // a larger file is refused
} udy_hub_config;

// huggingface.co, 10 s and 10 s, 5 retries, 1 s, 2 GiB.
udy_hub_config udy_hub_config_default(void);

// Where a file lies: hf://OWNER/REPO[@REVISION][/FILE].
typedef struct udy_hub_ref {
    char repo[128];      // "OWNER/REPO"
    char revision[256];  // a branch, a tag, a commit; "main" where none is said
    char file[1024];     // "" where none is said
} udy_hub_ref;

// Read and check such a name; a revision with a slash has it as %2F, but for refs/pr/N. Names that
// could leave the cache's folders (.., empty parts, control characters) are refused, here and in
// every call below.
int udy_hub_ref_parse(udy_hub_ref *out, const char *text, udy_error *err) UDY_MUST_CHECK;

typedef struct udy_hub_file {
    char path[UDY_PATH_MAX];  // in the cache: models--OWNER--REPO/snapshots/<commit>/<file>
    char commit[41];
    char hash[65];     // SHA-256 (64 digits), or git's SHA-1 of it (40); "": not known, offline
    uint64_t n_bytes;  // the file's size
    uint64_t n_transferred;  // bytes that came over the network for it now; 0: it was in the cache
} udy_hub_file;

// A file of a repository, from the cache if what lies there is what the hub has, else by download
// into it. The content is checked against the hash and size that the hub announces, every time;
// nothing that differs stays. A download that was broken off (UDY_EINTERRUPTED, UDY_EIO, UDY_ENOSPC)
// is gone on with by the next call. Where the hub cannot be reached, the cache's copy serves, with a
// message. TLS certificates are always verified. UDY_ENOENT: the hub, or offline the cache, knows
// that there is no such repository, revision or file. UDY_EPERM: not with this token. UDY_EFORMAT: an
// answer that no hub gives, or content that is not what was announced. Nullable: progress
int udy_hub_fetch(udy_hub_file *out, const udy_hub_config *config, const udy_hub_ref *ref,
                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

typedef struct udy_hub_listing {
    char commit[41];
    size_t n;
    char **name;  // [n], sorted
} udy_hub_listing;

// Names of a repository's files at ref's revision; offline, of those in the cache. Nullable: progress
int udy_hub_list(udy_hub_listing *out, const udy_hub_config *config, const udy_hub_ref *ref,
                 const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
void udy_hub_listing_free(udy_hub_listing *listing);

//------------------------------------------ Run folder --------------------------------------------

// A folder that holds a run: run.yaml, log.jsonl, results.json, checkpoints/, policies/, data/,
// figures/. One process at a time: a lock file (flock) guards it.
typedef struct udy_run udy_run;

// Make a new run folder; UDY_EEXIST where path exists and is not an empty folder.
// settings_yaml: the resolved settings, written as run.yaml.
int udy_run_create(udy_run **out, const char *path, const char *settings_yaml, udy_error *err)
    UDY_MUST_CHECK;
// Open an existing one to go on with it or to read it.
int udy_run_open(udy_run **out, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy_run_close(udy_run *run);  // NULL is legal
const char *udy_run_path(const udy_run *run);
// Who is told of this run's course (UDY_LOG_DEFAULT where nothing is set). Without UDY_LOG_JSONL
// udy_run_log writes nothing.
void udy_run_set_loggers(udy_run *run, unsigned loggers);
unsigned udy_run_loggers(const udy_run *run);
// Append {"time": ..., "event": event, ...members of fields} to log.jsonl; takes ownership of
// fields. Nullable: fields
int udy_run_log(udy_run *run, const char *event, udy_json *fields, udy_error *err);
// A name for a new run folder: "runs/<prefix>-<UTC date>-<time>[-k]", one that does not exist.
int udy_run_new_path(char out[UDY_PATH_MAX], const char *prefix, udy_error *err) UDY_MUST_CHECK;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_IO_H_
