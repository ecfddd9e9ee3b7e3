// Recorded episodes of other software: which format a path is in, and the buffers that episodes are
// read into. The formats are minari_read.c, d4rl.c, trajectories.c, arrays.c, csv_recording.c.
#include "io/recording.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool (*is)(const char *path);  // NULL: what nothing else is
    int (*open)(udy__recording **out, const udy_recording_source *source, udy_error *err);
} formats[] = {
    {"minari", udy__minari_is, udy__minari_open},
    {"d4rl", udy__d4rl_is, udy__d4rl_open},
    {"npz", udy__trajectories_is, udy__trajectories_open},
    {"npy", udy__npy_is, udy__arrays_open},
    {"csv", NULL, udy__csv_recording_open},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

// Folders of other formats, known by a file in them: how to get one that is read here.
static const struct {
    const char *file, *message;
} strangers[] = {
    {"dataset_info.json",
     "is a dataset of Hugging Face's `datasets` (imitation's newer files are), which is not read: in "
     "Python, imitation.data.serialize.load(path) gives its trajectories; save their obs, acts, "
     "terminal and indices with numpy.savez (docs/data.md shows how)"},
    {"dataset_dict.json", "is a dictionary of Hugging Face's datasets, which is not read"},
    {"manifest.json", "is a dataset of Understudy's own: commands take it as it is"},
};

static int find_format(const udy_recording_source *s, udy_error *err) {
    const char *path = s->n_paths ? s->paths[0] : NULL;
    if (s->format) {
        const char *names[N_FORMATS];
        for (int i = 0; i < N_FORMATS; i++)
            if (!strcmp(names[i] = formats[i].name, s->format)) return i;
        const char *near = udy_nearest(s->format, names, N_FORMATS);
        return udy_error_set(
            err, UDY_EINVAL, "no format '%s'%s%s%s; there are minari, d4rl, npz, npy and csv",
            s->format, near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (!path) return 3;  // a pair of .npy files
    for (int i = 0; i < N_FORMATS; i++)
        if (!formats[i].is || formats[i].is(path)) {
            if (formats[i].is || !udy_dir_exists(path)) return i;
        }
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        char inside[UDY_PATH_MAX];
        if (!udy_path_format(inside, NULL, "%s/%s", path, strangers[i].file) &&
            udy_file_exists(inside))
            return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %s", path, strangers[i].message);
    }
    return udy_error_set(err, UDY_EFORMAT,
                         "%s: a folder with no Minari dataset in it (data/main_data.hdf5)", path);
}

static int check_source(const udy_recording_source *s, udy_error *err) {
    bool pair = s->obs_path || s->act_path;
    if (pair && (!s->obs_path || !s->act_path))
        return udy_error_set(err, UDY_EINVAL,
                             "observations and actions come as a pair of .npy files: %s is missing",
                             s->obs_path ? "the actions'" : "the observations'");
    if (pair == (s->n_paths > 0))
        return udy_error_set(err, UDY_EINVAL, "%s",
                             pair ? "a pair of .npy files stands alone: no other file beside it"
                                  : "no file to import");
    return UDY_OK;
}

// What a format would not hear of is refused: columns are tables', the files beside them NumPy's.
static int check_options(const udy_recording_source *s, int format, udy_error *err) {
    bool pair = s->obs_path != NULL, arrays = formats[format].open == udy__arrays_open,
         table = arrays || formats[format].open == udy__csv_recording_open;
    const struct {
        const char *given, *name;
        bool heard;
    } options[] = {
        {s->obs_columns, "obs-columns", table && !pair},
        {s->act_columns, "act-columns", table && !pair},
        {s->reward_column, "reward-column", table && !pair},
        {s->episode_column, "episode-column", table},
        {s->terminated_column, "terminated-column", table},
        {s->truncated_column, "truncated-column", table},
        {s->reward_path, "reward", pair},
        {s->episode_ends_path, "episode-ends", arrays},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given && !options[i].heard)
            return udy_error_set(err, UDY_EINVAL, "--%s does not go with %s: leave it out",
                                 options[i].name,
                                 pair ? "a pair of .npy files (--obs, --act)" : s->paths[0]);
    return UDY_OK;
}

int udy__recording_open(udy__recording **out, const udy_recording_source *source, udy_error *err) {
    *out = NULL;
    int status = check_source(source, err);
    int format = status ? status : find_format(source, err);
    if (format < 0) return format;
    if (source->n_paths > 1 && formats[format].is)
        return udy_error_set(
            err, UDY_EINVAL,
            "%d files: only CSV comes as several (one an episode); import others one "
            "by one",
            source->n_paths);
    status = check_options(source, format, err);
    return status ? status : formats[format].open(out, source, err);
}

void udy__recording_close(udy__recording *recording) {
    if (recording) recording->close(recording);
}

int udy_recording_look(udy_recording_facts *out, const udy_recording_source *source,
                       udy_error *err) {
    udy__recording *recording;
    int status = udy__recording_open(&recording, source, err);
    if (status) return status;
    *out = recording->facts;
    udy__recording_close(recording);
    return UDY_OK;
}

//------------------------------------------ Rows --------------------------------------------------

int udy__rows_check_length(const udy__rows *rows, uint64_t steps, const char *name,
                           udy_error *err) {
    uint64_t most = UDY__EPISODE_BYTES_MAX / ((size_t)rows->obs_dim * sizeof(float));
    if (steps <= most) return UDY_OK;
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "%s: an episode of %llu steps or more, which must fit in memory: at most "
                         "%llu; say where episodes end",
                         name, (unsigned long long)steps, (unsigned long long)most);
}

static bool grow(float **array, size_t used, size_t capacity, size_t width) {
    float *moved = udy_alloc(capacity * width * sizeof(float));
    if (!moved) return false;
    if (used) memcpy(moved, *array, used * width * sizeof(float));
    udy_free(*array);
    *array = moved;
    return true;
}

int udy__rows_reserve(udy__rows *rows, size_t n, const char *name, udy_error *err) {
    if (n <= rows->capacity - rows->n) return UDY_OK;
    size_t wanted = rows->n + n, O = (size_t)rows->obs_dim, A = (size_t)rows->act_dim;
    if (wanted < rows->capacity + rows->capacity / 2) wanted = rows->capacity + rows->capacity / 2;
    if (wanted < 256) wanted = 256;
    if (!grow(&rows->obs, rows->n, wanted, O) || !grow(&rows->action, rows->n, wanted, A) ||
        !grow(&rows->label, rows->n, wanted, A) || !grow(&rows->reward, rows->n, wanted, 1)) {
        rows->capacity = rows->n;  // what the smallest of the four still holds
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for %zu steps", name, wanted);
    }
    rows->capacity = wanted;
    return UDY_OK;
}

void udy__rows_free(udy__rows *rows) {
    udy_free(rows->obs);
    udy_free(rows->action);
    udy_free(rows->label);
    udy_free(rows->reward);
    *rows = (udy__rows){.obs_dim = rows->obs_dim, .act_dim = rows->act_dim};
}
