// base.h: what every room stands on: status codes, errors, memory, random numbers, threads, time,
// configuration trees. Knows no other room; the only room that sees cJSON and libyaml.
#ifndef UNDERSTUDY_BASE_H_
#define UNDERSTUDY_BASE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
// What the public headers declare is all that the shared library exports.
#pragma GCC visibility push(default)

#define UDY_VERSION "0.1.0"

#if defined(__GNUC__)
#define UDY_MUST_CHECK __attribute__((warn_unused_result))
#define UDY_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define UDY_MUST_CHECK
#define UDY_PRINTF(format_index, first)
#endif

//------------------------------------------ Status ------------------------------------------------

// Every status the library returns: name, number, message. 0 is success.
#define UDY_STATUS_MAP(X)                               \
    X(EINVAL, -1, "invalid argument")                   \
    X(ENOMEM, -2, "out of memory")                      \
    X(EIO, -3, "input or output failed")                \
    X(ENOENT, -4, "no such file or name")               \
    X(EEXIST, -5, "already exists")                     \
    X(EFORMAT, -6, "malformed file")                    \
    X(EMISMATCH, -7, "things that do not fit together") \
    X(ENONFINITE, -8, "a number is NaN or infinite")    \
    X(ENOSPC, -9, "no space left")                      \
    X(EPERM, -10, "permission denied")                  \
    X(EINTERRUPTED, -11, "interrupted")                 \
    X(EPHYSICS, -12, "the simulation failed")           \
    X(EUNSUPPORTED, -13, "not supported")

typedef enum {
    UDY_OK = 0,
#define UDY_STATUS_ENUM(name, number, message) UDY_##name = number,
    UDY_STATUS_MAP(UDY_STATUS_ENUM)
#undef UDY_STATUS_ENUM
} udy_status;

// Name ("UDY_EIO") and message of a status; never NULL.
const char *udy_status_name(int status);
const char *udy_status_message(int status);

// What went wrong, in words a user can act on: names the file, the thing, expected and found.
typedef struct udy_error {
    int code;           // a udy_status; 0: no error
    char message[640];  // always terminated
} udy_error;

// Write code and message into err and return code, so that callers can `return udy_error_set(...)`.
// Nullable: err
int udy_error_set(udy_error *err, int code, const char *format, ...) UDY_PRINTF(3, 4);

// The same, from errno: maps ENOSPC, EACCES, EROFS, ENOENT, ... to a status and appends strerror.
// Nullable: err
int udy_error_set_errno(udy_error *err, int errno_value, const char *format, ...) UDY_PRINTF(3, 4);

// Put "prefix: " in front of err's message; returns err's code. Nullable: err (returns code)
int udy_error_wrap(udy_error *err, int code, const char *format, ...) UDY_PRINTF(3, 4);

//------------------------------------------ Memory ------------------------------------------------

// Zeroed memory aligned to 64 bytes; NULL when out of memory or n_bytes is 0. Free with udy_free.
void *udy_alloc(size_t n_bytes);
void udy_free(void *p);           // NULL is legal
char *udy_strdup(const char *s);  // Free with udy_free. Nullable: s (returns NULL)

// Calls of udy_alloc and udy_strdup so far in this process: a loop that promises to allocate
// nothing can be shown to keep its word.
uint64_t udy_alloc_count(void);

// FNV-1a, 64 bits: tells one set of settings or weights from another. Not for adversaries.
uint64_t udy_hash(const void *data, size_t n_bytes);

//------------------------------------------ Time --------------------------------------------------

double udy_clock_s(void);          // monotonic seconds, for durations
void udy_clock_utc(char out[21]);  // now, "2026-01-31T23:59:59Z"

//------------------------------------------ Random numbers ----------------------------------------

// NumPy's Generator(PCG64): 128-bit LCG with XSL-RR output, O'Neill 2014. Plain data: copying it
// forks it, writing it to a checkpoint and back resumes it exactly.
typedef struct udy_rng {
    uint64_t state_hi, state_lo;
    uint64_t inc_hi, inc_lo;
    uint32_t has_uint32;  // NumPy keeps the upper half of a 64-bit draw for the next 32-bit draw
    uint32_t uinteger;
} udy_rng;

// Seed as numpy.random.default_rng(seed), and so as Gymnasium's reset(seed=seed), to the bit.
void udy_rng_init(udy_rng *rng, uint64_t seed);

// One named stream of a run's seed: SeedSequence(seed, spawn_key=(fnv1a32(name), index lo, hi)).
// Streams of different names or indices are independent; nothing else is drawn from the seed.
void udy_rng_init_stream(udy_rng *rng, uint64_t seed, const char *name, uint64_t index);

uint64_t udy_rng_u64(udy_rng *rng);
uint32_t udy_rng_u32(udy_rng *rng);                             // NumPy's buffered halves
double udy_rng_double(udy_rng *rng);                            // [0, 1), Generator.random()
double udy_rng_uniform(udy_rng *rng, double low, double high);  // Generator.uniform(low, high)
double udy_rng_normal(udy_rng *rng);               // Generator.standard_normal(), ziggurat
uint64_t udy_rng_below(udy_rng *rng, uint64_t n);  // Generator.integers(n), Lemire; n >= 1

// Fill order[n] with a uniformly drawn permutation of 0..n-1 (Fisher-Yates).
void udy_rng_permutation(udy_rng *rng, uint32_t *order, uint32_t n);

//------------------------------------------ Threads -----------------------------------------------

// A fixed team of threads, the caller's among them. Work is cut into tasks whose boundaries never
// depend on the number of threads; that is what makes results the same bits at any number.
typedef struct udy_pool udy_pool;

typedef void (*udy_task_fn)(void *ctx, int task, int thread);

// n_threads >= 1, the caller's included; 0: one per core that this process may run on.
// More than the cores is allowed (waiting then yields).
int udy_pool_create(udy_pool **out, int n_threads, udy_error *err) UDY_MUST_CHECK;
void udy_pool_destroy(udy_pool *pool);  // NULL is legal

// Run fn(ctx, task, thread) for task 0..n_tasks-1 and return when all are done. Thread t starts
// with the t-th contiguous share, so that a task meets warm caches from call to call, and takes
// from others when it is through. Allocates nothing. Not reentrant; one caller at a time.
void udy_pool_run(udy_pool *pool, int n_tasks, udy_task_fn fn, void *ctx);

int udy_pool_threads(const udy_pool *pool);
int udy_cpu_count(void);  // cores that this process may run on

//------------------------------------------ Progress ----------------------------------------------

// What long work tells whoever watches. The library prints nothing: `cli` draws bars from this.
typedef struct udy_progress {
    // A stage begins, advances, ends: done of total units ("steps", "epochs", "episodes").
    // note: a short text such as "loss 0.0123"; may be "".
    // Returns nonzero to ask the work to stop soon: it saves what it has and returns
    // UDY_EINTERRUPTED. Called from the thread that started the work, a few times a second at most
    // per unit of work. Nullable: on_advance (never stops)
    int (*on_advance)(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                      const char *note);
    // A line to keep, such as a warning. Nullable: on_message
    void (*on_message)(void *ctx, const char *message);
    void *ctx;
} udy_progress;

// Call the callbacks if there are any; udy_progress_advance returns their answer (0: go on).
// Nullable: progress
int udy_progress_advance(const udy_progress *progress, const char *stage, int64_t done,
                         int64_t total, const char *unit, const char *note);
void udy_progress_message(const udy_progress *progress, const char *format, ...) UDY_PRINTF(2, 3);

//------------------------------------------ JSON --------------------------------------------------

// A JSON value (cJSON behind it). A tree is freed by its root; put_* take ownership of children.
typedef struct udy_json udy_json;

udy_json *udy_json_object(void);
udy_json *udy_json_array(void);
void udy_json_free(udy_json *root);  // NULL is legal
// Members of an object; names are copied, a member of the same name is replaced. NaN and infinities
// are written as null, integers beyond 2^53 as strings of their digits. A NULL child (out of memory)
// marks the tree as incomplete: printing it gives NULL.
void udy_json_put(udy_json *object, const char *name, udy_json *child);
void udy_json_put_number(udy_json *object, const char *name, double value);
void udy_json_put_int(udy_json *object, const char *name, int64_t value);
void udy_json_put_bool(udy_json *object, const char *name, bool value);
void udy_json_put_string(udy_json *object, const char *name, const char *value);
void udy_json_put_numbers(udy_json *object, const char *name, const double *values, size_t n);
void udy_json_append(udy_json *array, udy_json *child);
void udy_json_append_number(udy_json *array, double value);
void udy_json_append_string(udy_json *array, const char *value);
// Reading. Getters return the fallback where the member is absent or of another type.
const udy_json *udy_json_get(const udy_json *object, const char *name);  // NULL where absent
double udy_json_number(const udy_json *object, const char *name, double fallback);
bool udy_json_bool(const udy_json *object, const char *name, bool fallback);
const char *udy_json_string(const udy_json *object, const char *name, const char *fallback);
size_t udy_json_size(const udy_json *array_or_object);
const udy_json *udy_json_at(const udy_json *array_or_object, size_t i);  // NULL past the end
const char *udy_json_name_at(const udy_json *object, size_t i);          // member's name
// Walking a long array or object: from udy_json_at(v, 0), the next of its members; NULL at the end.
const udy_json *udy_json_next(const udy_json *member);
const char *udy_json_name(const udy_json *member);  // NULL in an array
double udy_json_value(const udy_json *number, double fallback);
bool udy_json_is_number(const udy_json *v);
bool udy_json_is_string(const udy_json *v);
bool udy_json_is_array(const udy_json *v);
bool udy_json_is_object(const udy_json *v);
const char *udy_json_text(const udy_json *string, const char *fallback);
// Text of a tree; free with udy_free. pretty: indented, else one line.
char *udy_json_print(const udy_json *root, bool pretty);
// Parse n_bytes of text (depth and size bounded); name is the file's, for the message.
int udy_json_parse(udy_json **out, const char *text, size_t n_bytes, const char *name,
                   udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Settings ----------------------------------------------

// Settings are plain structs described by a table: a row a key. From the table come reading YAML,
// `--set key=value`, the resolved YAML written to a run folder, range checks, help, and errors
// that suggest the nearest key.
typedef enum {
    UDY_FIELD_INT,     // int
    UDY_FIELD_U64,     // uint64_t
    UDY_FIELD_F64,     // double
    UDY_FIELD_BOOL,    // bool
    UDY_FIELD_CHOICE,  // int: index into choices
    UDY_FIELD_TEXT,    // char[size]
    UDY_FIELD_INTS,    // udy_ints: [256, 256]
    UDY_FIELD_PAIR,    // double[2]: [0.2, 1.0]
} udy_field_type;

#define UDY_INTS_MAX 8
typedef struct udy_ints {
    int n;
    int v[UDY_INTS_MAX];
} udy_ints;

typedef struct udy_field {
    const char *key;  // dotted: "bc.learning_rate"; NULL ends a table
    udy_field_type type;
    size_t offset;               // offsetof in the settings struct
    size_t size;                 // TEXT: the array's size
    double min, max;             // numbers: allowed range, both ends included (min == max: any)
    const char *const *choices;  // CHOICE: NULL-terminated names
    const char *help;            // one line, with the unit
} udy_field;

// Read a YAML file (nested mappings become dotted keys) into settings. Unknown keys, wrong types
// and values out of range are errors that name the file, the line, the key and the nearest key.
int udy_settings_load(void *settings, const udy_field *table, const char *path, udy_error *err)
    UDY_MUST_CHECK;
// Apply one "key=value" (value in YAML's flow syntax: 3, 1e-3, true, [256, 256]).
int udy_settings_set(void *settings, const udy_field *table, const char *assignment, udy_error *err)
    UDY_MUST_CHECK;
// All settings as YAML (numbers that read back to the same bits); free with udy_free.
char *udy_settings_print(const void *settings, const udy_field *table);
// The same without the help beside them: what tells one set of settings from another.
char *udy_settings_facts(const void *settings, const udy_field *table);
// Equal in every field of the table?
bool udy_settings_equal(const void *a, const void *b, const udy_field *table);

// The name of names[n] nearest to word (Damerau-Levenshtein distance at most 1 + length / 3), or
// NULL. NULL entries are passed over.
const char *udy_nearest(const char *word, const char *const *names, size_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_BASE_H_
