// Datasets: append-only safetensors shards with a manifest, read by memory map. Between rollouts,
// which append whole episodes, and training, which draws rows in any order.
#include "learn/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char dataset_format[] = "understudy.dataset/1";

// The columns, in the order in which they are written.
enum {
    OBSERVATION,
    ACTION,
    BEHAVIOUR,
    REWARD,
    TERMINATED,
    TRUNCATED,
    EPISODE,
    ROUND,
    LABELLER,
    N_COLUMNS
};
static const struct {
    const char *name;
    udy_dtype dtype;
} columns[N_COLUMNS] = {
    {"observation", UDY_F32}, {"action", UDY_F32},    {"behaviour", UDY_F32},
    {"reward", UDY_F32},      {"terminated", UDY_U8}, {"truncated", UDY_U8},
    {"episode", UDY_I32},     {"round", UDY_I32},     {"labeller", UDY_U8},
};

typedef struct shard {
    char file[32];
    udy_safetensors *map;
    const void *column[N_COLUMNS];
    uint64_t first_row, n_rows;
} shard;

struct udy_dataset {
    char path[UDY_PATH_MAX], task[64], made_by[1200], source[96];
    bool contact_obs;
    int obs_dim, act_dim;
    shard *shards;  // the good ones
    int n_shards, shard_capacity, n_bad;
    int n_listed, list_capacity;  // shards in the manifest, good and bad
    char (*listed)[32];
    udy_dataset_episode *episodes;
    int *episode_shard;
    int n_episodes, episode_capacity;
    uint64_t n_rows, n_labels;
};

// Width in elements of one row of a column.
static int column_width(const udy_dataset *d, int column) {
    if (column == OBSERVATION) return d->obs_dim;
    return column == ACTION || column == BEHAVIOUR ? d->act_dim : 1;
}

static int out_of_memory(const udy_dataset *d, udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "%s: no memory for the dataset", d->path);
}

// Room for one more element of an array that doubles. Returns the array, moved or not; NULL: full.
static void *grown(void *array, int n, int *capacity, size_t size) {
    if (n < *capacity) return array;
    int wanted = *capacity ? 2 * *capacity : 16;
    void *moved = udy_alloc((size_t)wanted * size);
    if (!moved) return NULL;
    if (n) memcpy(moved, array, (size_t)n * size);
    udy_free(array);
    *capacity = wanted;
    return moved;
}

//------------------------------------------ Manifest ----------------------------------------------

static int write_manifest(const udy_dataset *d, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/manifest.json", d->path);
    if (status) return status;
    udy_json *root = udy_json_object(), *list = udy_json_array();
    udy_json_put_string(root, "format", dataset_format);
    udy_json_put_string(root, "task", d->task);
    udy_json_put_bool(root, "contact_obs", d->contact_obs);
    udy_json_put_int(root, "obs_dim", d->obs_dim);
    udy_json_put_int(root, "act_dim", d->act_dim);
    udy_json_put_string(root, "made_by", d->made_by);
    if (d->source[0]) udy_json_put_string(root, "source", d->source);
    for (int i = 0; i < d->n_listed; i++) udy_json_append_string(list, d->listed[i]);
    udy_json_put(root, "shards", list);
    return udy_json_save(root, path, err);
}

// A shard's name comes from a file: it may only name a file of this folder, and stands in messages.
static bool shard_name_is_safe(const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return n > 0 && n < sizeof((shard *)0)->file && name[0] != '.' && !strchr(name, '/');
}

static int list_shard(udy_dataset *d, const char *name, udy_error *err) {
    void *listed = grown(d->listed, d->n_listed, &d->list_capacity, sizeof *d->listed);
    if (!listed) return out_of_memory(d, err);
    d->listed = listed;
    snprintf(d->listed[d->n_listed++], sizeof *d->listed, "%s", name);
    return UDY_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

// A shard listed twice would count its rows twice.
static int refuse_twins(const udy_dataset *d, const char *path, udy_error *err) {
    size_t n = (size_t)d->n_listed;
    if (n < 2) return UDY_OK;
    char(*sorted)[32] = udy_alloc(n * sizeof *sorted);
    if (!sorted) return out_of_memory(d, err);
    memcpy(sorted, d->listed, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_names);
    int status = UDY_OK;
    for (size_t i = 1; !status && i < n; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            status = udy_error_set(err, UDY_EFORMAT, "%s: lists '%s' twice", path, sorted[i]);
    udy_free(sorted);
    return status;
}

static int read_list(udy_dataset *d, const udy_json *list, const char *path, udy_error *err) {
    if (!udy_json_is_array(list))
        return udy_error_set(err, UDY_EFORMAT, "%s: 'shards' is not a list of names", path);
    int status = UDY_OK;
    char shown[UDY__SHOW_MAX];
    for (const udy_json *v = udy_json_at(list, 0); !status && v; v = udy_json_next(v)) {
        const char *name = udy_json_text(v, "");
        status = shard_name_is_safe(name)
                     ? list_shard(d, name, err)
                     : udy_error_set(err, UDY_EFORMAT, "%s: '%s' is no shard's name", path,
                                     udy__text_show(shown, name, strlen(name)));
    }
    return status ? status : refuse_twins(d, path, err);
}

static int read_manifest(udy_dataset *d, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_json *root;
    int status = udy_path_format(path, err, "%s/manifest.json", d->path);
    if (!status) status = udy_json_load(&root, path, (size_t)64 << 20, err);
    if (status == UDY_ENOENT)
        return udy_error_set(err, status, "%s: not a dataset (no manifest.json)", d->path);
    if (status) return status;
    char shown[UDY__SHOW_MAX];
    const char *format = udy_json_string(root, "format", "(absent)");
    double obs_dim = udy_json_number(root, "obs_dim", 0),
           act_dim = udy_json_number(root, "act_dim", 0);
    if (strcmp(format, dataset_format))
        status = udy_error_set(err, UDY_EFORMAT, "%s: format is '%s', expected '%s'", path,
                               udy__text_show(shown, format, strlen(format)), dataset_format);
    else if (!(obs_dim >= 1 && obs_dim <= 1 << 20 && act_dim >= 1 && act_dim <= UDY_ACT_DIM_MAX))
        status = udy_error_set(err, UDY_EFORMAT,
                               "%s: %g observations and %g actions: at least 1, at "
                               "most %d actions",
                               path, obs_dim, act_dim, UDY_ACT_DIM_MAX);
    d->obs_dim = status ? 0 : (int)obs_dim;
    d->act_dim = status ? 0 : (int)act_dim;
    d->contact_obs = udy_json_bool(root, "contact_obs", false);
    snprintf(d->task, sizeof d->task, "%s", udy_json_string(root, "task", ""));
    snprintf(d->made_by, sizeof d->made_by, "%s", udy_json_string(root, "made_by", ""));
    snprintf(d->source, sizeof d->source, "%s", udy_json_string(root, "source", ""));
    if (!status) status = read_list(d, udy_json_get(root, "shards"), path, err);
    udy_json_free(root);
    return status;
}

//------------------------------------------ Shards ------------------------------------------------

static int add_episode(udy_dataset *d, const shard *s, uint64_t row, udy_error *err) {
    int capacity = d->episode_capacity;
    void *episodes = grown(d->episodes, d->n_episodes, &capacity, sizeof *d->episodes);
    if (!episodes) return out_of_memory(d, err);
    d->episodes = episodes;
    void *shards = grown(d->episode_shard, d->n_episodes, &d->episode_capacity, sizeof(int));
    if (!shards) return out_of_memory(d, err);
    d->episode_shard = shards;
    d->episode_shard[d->n_episodes] = d->n_shards;
    d->episodes[d->n_episodes++] = (udy_dataset_episode){
        .first_row = s->first_row + row, .round = ((const int32_t *)s->column[ROUND])[row]};
    return UDY_OK;
}

// Find the episodes of a shard: runs of rows with one episode number.
static int index_shard(udy_dataset *d, const shard *s, udy_error *err) {
    const int32_t *number = s->column[EPISODE];
    const float *reward = s->column[REWARD];
    const uint8_t *terminated = s->column[TERMINATED], *truncated = s->column[TRUNCATED];
    for (uint64_t row = 0; row < s->n_rows; row++) {
        if (row == 0 || number[row] != number[row - 1]) {
            int status = add_episode(d, s, row, err);
            if (status) return status;
        }
        udy_dataset_episode *e = &d->episodes[d->n_episodes - 1];
        e->length++;
        e->ret += (double)reward[row];
        e->terminated |= terminated[row] != 0;
        e->truncated |= truncated[row] != 0;
    }
    return UDY_OK;
}

static int map_shard(const udy_dataset *d, const char *name, shard *s, udy_error *err) {
    char path[UDY_PATH_MAX];
    *s = (shard){.first_row = d->n_rows};
    snprintf(s->file, sizeof s->file, "%s", name);
    int status = udy_path_format(path, err, "%s/%s", d->path, name);
    if (!status) status = udy_safetensors_open(&s->map, path, err);
    for (int c = 0; !status && c < N_COLUMNS; c++) {
        const udy_tensor *tensor;
        int width = column_width(d, c);
        int64_t shape[2] = {c == OBSERVATION ? -1 : (int64_t)s->n_rows, width};
        bool matrix = c <= BEHAVIOUR;
        status = udy_safetensors_require(s->map, columns[c].name, columns[c].dtype, matrix ? 2 : 1,
                                         shape, &tensor, err);
        if (status) break;
        s->column[c] = tensor->data;
        s->n_rows = (uint64_t)tensor->shape[0];
    }
    if (!status && s->n_rows == 0)
        status = udy_error_set(err, UDY_EFORMAT, "%s: a shard without rows", path);
    if (status) udy_safetensors_close(s->map);
    return status;
}

static int adopt_shard(udy_dataset *d, const shard *s, udy_error *err) {
    void *shards = grown(d->shards, d->n_shards, &d->shard_capacity, sizeof *d->shards);
    if (!shards) return out_of_memory(d, err);
    d->shards = shards;
    int n_episodes = d->n_episodes, status = index_shard(d, s, err);
    if (status) {
        d->n_episodes = n_episodes;
        return status;
    }
    const uint8_t *labeller = s->column[LABELLER];
    for (uint64_t row = 0; row < s->n_rows; row++)
        d->n_labels += labeller[row] == UDY_LABELLER_EXPERT;
    d->shards[d->n_shards++] = *s;
    d->n_rows += s->n_rows;
    return UDY_OK;
}

static void forget_shards(udy_dataset *d) {
    for (int i = 0; i < d->n_shards; i++) udy_safetensors_close(d->shards[i].map);
    d->n_shards = d->n_bad = d->n_episodes = 0;
    d->n_rows = d->n_labels = 0;
}

static int map_all(udy_dataset *d, const udy_progress *progress, udy_error *err) {
    forget_shards(d);
    for (int i = 0; i < d->n_listed; i++) {
        shard s;
        udy_error why = {0};
        int status = map_shard(d, d->listed[i], &s, &why);
        if (status == UDY_ENOMEM) return udy_error_set(err, status, "%s", why.message);
        if (status) {
            d->n_bad++;
            udy_progress_message(progress, "%s: shard skipped, the rest is used: %s", d->path,
                                 why.message);
            continue;
        }
        status = adopt_shard(d, &s, err);
        if (status) {
            udy_safetensors_close(s.map);
            return status;
        }
    }
    return UDY_OK;
}

//------------------------------------------ Open and close ----------------------------------------

static int dataset_new(udy_dataset **out, const char *path, udy_error *err) {
    *out = udy_alloc(sizeof **out);
    if (!*out) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for the dataset", path);
    return udy_path_format((*out)->path, err, "%s", path);
}

static int refuse_occupied(const char *path, udy_error *err) {
    char **names;
    size_t n;
    if (udy_file_exists(path) && !udy_dir_exists(path))
        return udy_error_set(err, UDY_EEXIST, "%s: is a file; a dataset is a folder", path);
    if (!udy_dir_exists(path)) return UDY_OK;
    int status = udy_dir_list(&names, &n, path, "", err);
    if (status) return status;
    udy_free(names);
    if (n)
        return udy_error_set(err, UDY_EEXIST, "%s: exists and is not empty; name another folder",
                             path);
    return UDY_OK;
}

int udy_dataset_create(udy_dataset **out, const char *path, const udy_task *task,
                       const char *made_by, udy_error *err) {
    *out = NULL;
    udy_dataset *d;
    int status = refuse_occupied(path, err);
    if (status) return status;
    status = dataset_new(&d, path, err);
    if (!status) {
        const udy_task_info *info = udy_task_info_of(task);
        snprintf(d->task, sizeof d->task, "%s", info->id);
        snprintf(d->made_by, sizeof d->made_by, "%s", made_by ? made_by : "");
        d->obs_dim = info->obs_dim;
        d->act_dim = info->act_dim;
        d->contact_obs = udy_task_config_of(task)->contact_obs;
        status = udy_dir_make(path, err);
    }
    if (!status) status = write_manifest(d, err);
    if (status)
        udy_dataset_close(d);
    else
        *out = d;
    return status;
}

int udy_dataset_open(udy_dataset **out, const char *path, const udy_progress *progress,
                     udy_error *err) {
    *out = NULL;
    udy_dataset *d;
    int status = dataset_new(&d, path, err);
    if (!status) status = read_manifest(d, err);
    if (!status) status = map_all(d, progress, err);
    if (status)
        udy_dataset_close(d);
    else
        *out = d;
    return status;
}

void udy_dataset_close(udy_dataset *d) {
    if (!d) return;
    forget_shards(d);
    udy_free(d->shards);
    udy_free(d->listed);
    udy_free(d->episodes);
    udy_free(d->episode_shard);
    udy_free(d);
}

//------------------------------------------ Append ------------------------------------------------

// Lay out the columns of whole episodes in one block; returns the block, columns in out.
static void *gather_columns(const udy_dataset *d, const udy_episode *episodes, int n,
                            const float *labels, int round, uint64_t rows, void *out[N_COLUMNS]) {
    size_t n_bytes = 0, offset[N_COLUMNS];
    for (int c = 0; c < N_COLUMNS; c++) {
        offset[c] = n_bytes;
        n_bytes += rows * (size_t)column_width(d, c) * udy_dtype_size(columns[c].dtype);
        n_bytes = (n_bytes + 63) / 64 * 64;
    }
    char *block = udy_alloc(n_bytes);
    if (!block) return NULL;
    for (int c = 0; c < N_COLUMNS; c++) out[c] = block + offset[c];
    float *reward = out[REWARD];
    uint8_t *terminated = out[TERMINATED], *truncated = out[TRUNCATED];
    int32_t *number = out[EPISODE], *round_of = out[ROUND];
    size_t O = (size_t)d->obs_dim, A = (size_t)d->act_dim, row = 0;
    for (int i = 0; i < n; i++) {
        const udy_episode *e = &episodes[i];
        size_t T = (size_t)e->length;
        if (T == 0) continue;
        memcpy((float *)out[OBSERVATION] + row * O, e->obs, T * O * sizeof(float));
        memcpy((float *)out[BEHAVIOUR] + row * A, e->action, T * A * sizeof(float));
        memcpy((float *)out[ACTION] + row * A, labels ? labels + row * A : e->action,
               T * A * sizeof(float));
        memcpy(reward + row, e->reward, T * sizeof(float));
        for (size_t t = 0; t < T; t++) {
            number[row + t] = d->n_episodes + i;
            round_of[row + t] = round;
        }
        terminated[row + T - 1] = e->end != UDY_END_NONE && e->end != UDY_END_LIMIT;
        truncated[row + T - 1] = e->end == UDY_END_LIMIT;
        row += T;
    }
    return block;  // labeller is zero: the expert
}

static int write_shard(const udy_dataset *d, const char *name, uint64_t rows,
                       void *const data[N_COLUMNS], udy_error *err) {
    udy_tensor tensors[N_COLUMNS];
    for (int c = 0; c < N_COLUMNS; c++) {
        int width = column_width(d, c);
        tensors[c] =
            (udy_tensor){.name = columns[c].name,
                         .dtype = columns[c].dtype,
                         .ndim = c <= BEHAVIOUR ? 2 : 1,
                         .shape = {(int64_t)rows, width},
                         .data = data[c],
                         .n_bytes = rows * (size_t)width * udy_dtype_size(columns[c].dtype)};
    }
    const udy_text_pair metadata[] = {{"format", dataset_format}, {"task", d->task}};
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/%s", d->path, name);
    return status ? status : udy_safetensors_write(path, tensors, N_COLUMNS, metadata, 2, err);
}

// A name that no listed shard has, even where someone took a damaged one off the list by hand.
static void name_shard(const udy_dataset *d, char name[32]) {
    bool taken = true;
    for (int number = d->n_listed; taken; number++) {
        snprintf(name, 32, "shard-%05d.safetensors", number);
        taken = false;
        for (int i = 0; i < d->n_listed && !taken; i++) taken = !strcmp(d->listed[i], name);
    }
}

int udy_dataset_append(udy_dataset *d, const udy_episode *episodes, int n, const float *labels,
                       int round, udy_error *err) {
    uint64_t rows = 0;
    for (int i = 0; i < n; i++) {
        if (!episodes[i].obs || !episodes[i].action || !episodes[i].reward)
            return udy_error_set(err, UDY_EINVAL, "%s: episode %d was not recorded", d->path, i);
        rows += (uint64_t)episodes[i].length;
    }
    if (rows == 0) return udy_error_set(err, UDY_EINVAL, "%s: no rows to append", d->path);
    char name[32];
    name_shard(d, name);
    void *data[N_COLUMNS];
    void *block = gather_columns(d, episodes, n, labels, round, rows, data);
    if (!block) return out_of_memory(d, err);
    int status = write_shard(d, name, rows, data, err);
    udy_free(block);
    if (!status) status = list_shard(d, name, err);
    if (status) return status;
    status = write_manifest(d, err);
    shard s;
    if (!status) status = map_shard(d, name, &s, err);
    if (status) {
        d->n_listed--;
        return status;
    }
    status = adopt_shard(d, &s, err);
    if (status) {  // no memory to index it: it is on the disk, and counts when the folder is opened
        udy_safetensors_close(s.map);
        d->n_listed--;
    }
    return status;
}

int udy_dataset_truncate(udy_dataset *d, int n_shards, udy_error *err) {
    if (n_shards < 0 || n_shards > d->n_listed)
        return udy_error_set(err, UDY_EINVAL, "%s: cannot keep %d of %d shards", d->path, n_shards,
                             d->n_listed);
    if (n_shards == d->n_listed) return UDY_OK;
    int before = d->n_listed;
    d->n_listed = n_shards;
    int status = write_manifest(d, err);  // first, so that a crash leaves files but no lies
    if (status) {
        d->n_listed = before;
        return status;
    }
    for (int i = n_shards; !status && i < before; i++) {
        char path[UDY_PATH_MAX];
        status = udy_path_format(path, err, "%s/%s", d->path, d->listed[i]);
        if (!status) status = udy_file_remove(path, err);
    }
    int mapped = map_all(d, NULL, status ? NULL : err);
    return status ? status : mapped;
}

//------------------------------------------ Reading -----------------------------------------------

udy_dataset_info udy_dataset_info_of(const udy_dataset *d) {
    return (udy_dataset_info){.path = d->path,
                              .task = d->task,
                              .contact_obs = d->contact_obs,
                              .obs_dim = d->obs_dim,
                              .act_dim = d->act_dim,
                              .n_shards = d->n_shards,
                              .n_shards_bad = d->n_bad,
                              .n_rows = d->n_rows,
                              .n_episodes = d->n_episodes,
                              .n_labels = d->n_labels};
}

int udy__dataset_fits(const udy_dataset *d, const udy_task *task, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    bool contact = udy_task_config_of(task)->contact_obs;
    if (!strcmp(d->task, info->id) && d->contact_obs == contact && d->obs_dim == info->obs_dim &&
        d->act_dim == info->act_dim)
        return UDY_OK;
    char shown[UDY__SHOW_MAX];
    return udy_error_set(err, UDY_EMISMATCH,
                         "%s holds %s with %d observations (contact forces: %s) and "
                         "%d actions; expected %s with %d (%s) and %d",
                         d->path, udy__text_show(shown, d->task, strlen(d->task)), d->obs_dim,
                         d->contact_obs ? "yes" : "no", d->act_dim, info->id, info->obs_dim,
                         contact ? "yes" : "no", info->act_dim);
}

udy_dataset_episode udy_dataset_episode_at(const udy_dataset *d, int i) {
    return d->episodes[i];
}

static const shard *shard_of(const udy_dataset *d, uint64_t row) {
    int low = 0, high = d->n_shards - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (d->shards[middle].first_row <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return &d->shards[low];
}

static const float *row_of(const shard *s, int column, uint64_t row, int width) {
    return (const float *)s->column[column] + (row - s->first_row) * (uint64_t)width;
}

int udy__dataset_source(udy_dataset *d, const char *source, udy_error *err) {
    if (!strcmp(d->source, source)) return UDY_OK;
    if (d->source[0] || d->n_listed)
        return udy_error_set(
            err, UDY_EMISMATCH,
            "%s: holds episodes of another policy, seed or task options: go on with "
            "the same, or name another folder",
            d->path);
    snprintf(d->source, sizeof d->source, "%s", source);
    return write_manifest(d, err);
}

const char *udy__dataset_source_of(const udy_dataset *d) {
    return d->source;
}

const char *udy__dataset_made_by(const udy_dataset *d) {
    return d->made_by;
}

const float *udy_dataset_obs(const udy_dataset *d, uint64_t r) {
    return row_of(shard_of(d, r), OBSERVATION, r, d->obs_dim);
}

const float *udy_dataset_action(const udy_dataset *d, uint64_t r) {
    return row_of(shard_of(d, r), ACTION, r, d->act_dim);
}

udy_episode udy__dataset_view(const udy_dataset *d, int i, const float **labels) {
    const udy_dataset_episode *e = &d->episodes[i];
    const shard *s = &d->shards[d->episode_shard[i]];
    if (labels) *labels = row_of(s, ACTION, e->first_row, d->act_dim);
    // The map is read-only; udy_dataset_append, the only reader of a view, writes to none of it.
    return (udy_episode){
        .length = e->length,
        .ret = e->ret,
        .end = e->terminated  ? UDY_END_UNHEALTHY
               : e->truncated ? UDY_END_LIMIT
                              : UDY_END_NONE,
        .obs = (float *)(uintptr_t)row_of(s, OBSERVATION, e->first_row, d->obs_dim),
        .action = (float *)(uintptr_t)row_of(s, BEHAVIOUR, e->first_row, d->act_dim),
        .reward = (float *)(uintptr_t)row_of(s, REWARD, e->first_row, 1),
    };
}

void udy__dataset_fill(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const udy_dataset *d = ctx;
    size_t O = (size_t)d->obs_dim, A = (size_t)d->act_dim;
    for (int i = 0; i < n; i++) {
        const shard *s = shard_of(d, index[i]);
        memcpy(x + (size_t)i * O, row_of(s, OBSERVATION, index[i], d->obs_dim), O * sizeof(float));
        memcpy(y + (size_t)i * A, row_of(s, ACTION, index[i], d->act_dim), A * sizeof(float));
    }
}

int udy_dataset_check(const udy_dataset *d, udy_error *err) {
    static const int numeric[] = {OBSERVATION, ACTION, BEHAVIOUR, REWARD};
    for (int i = 0; i < d->n_shards; i++)
        for (int k = 0; k < 4; k++) {
            const shard *s = &d->shards[i];
            int width = column_width(d, numeric[k]);
            const float *v = s->column[numeric[k]];
            for (uint64_t j = 0; j < s->n_rows * (uint64_t)width; j++)
                if (!isfinite(v[j]))
                    return udy_error_set(err, UDY_ENONFINITE,
                                         "%s/%s: column '%s', row %llu, element "
                                         "%d is %g",
                                         d->path, s->file, columns[numeric[k]].name,
                                         (unsigned long long)(j / (uint64_t)width),
                                         (int)(j % (uint64_t)width), (double)v[j]);
        }
    return UDY_OK;
}
