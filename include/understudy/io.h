// io.h: files: safetensors, atomic writes, the run folder. Sees base only.
#ifndef UNDERSTUDY_IO_H_
#define UNDERSTUDY_IO_H_

#include "understudy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

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

// Scalars as a TensorBoard event file (TFRecord framing, masked CRC-32C, protocol buffer Event
// messages), which `tensorboard --logdir` reads as it grows.
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
// Append {"time": ..., "event": event, ...members of fields} to log.jsonl; takes ownership of
// fields. Nullable: fields
int udy_run_log(udy_run *run, const char *event, udy_json *fields, udy_error *err);
// A name for a new run folder: "runs/<prefix>-<UTC date>-<time>[-k]", one that does not exist.
int udy_run_new_path(char out[UDY_PATH_MAX], const char *prefix, udy_error *err) UDY_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_IO_H_
