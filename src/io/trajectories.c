// .npz files of whole trajectories: imitation's older ones (obs, acts, terminal, indices, and rews
// where it has them), which hold one observation more than actions each, and arrays by D4RL's names
// (observations, actions, rewards, terminals, timeouts), as our own export writes them. Entries that
// hold pickles (imitation's infos) are never looked at. One format of recording.c.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/archive.h"
#include "io/io_internal.h"
#include "io/npy.h"
#include "io/recording.h"

#define ENTRY_BYTES_MAX ((size_t)4 << 30)

enum { OBS, ACTION, REWARD, TERMINAL, TIMEOUT, INDICES, LABEL, N_ARRAYS };
// The names that the two kinds of file have for them.
static const char *const names[2][N_ARRAYS] = {
    {"obs", "acts", "rews", "terminal", NULL, "indices", NULL},
    {"observations", "actions", "rewards", "terminals", "timeouts", "episode_ends",
     "expert_actions"},
};

typedef struct array {
    udy_tensor view;
    char *data;     // NULL: absent
    char name[48];  // of the entry: for messages
    uint64_t rows;
    size_t width;
} array;

typedef struct trajectories {
    udy__recording recording;  // first, so that one pointer is both
    char path[UDY_PATH_MAX];
    bool imitation;  // else D4RL's names
    array arrays[N_ARRAYS];
    uint64_t n_steps, next;  // next: the first step of the next episode
    uint64_t n_episodes, episode;
} trajectories;

bool udy__trajectories_is(const char *path) {
    int fd;
    uint64_t n_bytes;
    char start[4];
    if (udy__file_open(&fd, &n_bytes, path, NULL)) return false;
    bool is = !udy__file_read_at(fd, start, sizeof start, 0, path, NULL) &&
              !memcmp(start, "PK\x03\x04", sizeof start);
    close(fd);
    return is;
}

//------------------------------------------ Arrays ------------------------------------------------

static double element(const array *a, uint64_t i) {
    const void *p = a->view.data;
    switch (a->view.dtype) {
        case UDY_F64: return ((const double *)p)[i];
        case UDY_F32: return (double)((const float *)p)[i];
        case UDY_I64: return (double)((const int64_t *)p)[i];
        case UDY_I32: return (double)((const int32_t *)p)[i];
        default: return (double)((const unsigned char *)p)[i];
    }
}

static void copy_rows(const array *a, uint64_t first, size_t n, float *out) {
    for (size_t i = 0; i < n * a->width; i++) out[i] = (float)element(a, first * a->width + i);
}

static int load(trajectories *t, udy__archive *zip, int which, bool required, udy_error *err) {
    array *a = &t->arrays[which];
    const char *name = names[!t->imitation][which];
    size_t n_bytes;
    if (!name) return UDY_OK;
    char entry[32], label[UDY_PATH_MAX + 48];
    snprintf(entry, sizeof entry, "%s.npy", name);
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(label, sizeof label, "%s: %s", t->path, entry);
    // An archive that is mostly one byte repeated would make a small file fill the memory.
    uint64_t whole = udy__archive_bytes(zip);
    size_t most = whole < ENTRY_BYTES_MAX / 64 ? 64 * (size_t)whole + 65536 : ENTRY_BYTES_MAX;
    int status = udy__archive_read(zip, entry, most, &a->data, &n_bytes, err);
    if (status == UDY_ENOENT && !required) return UDY_OK;
    if (!status) status = udy__npy_parse(&a->view, a->data, n_bytes, label, err);
    if (status) return status;
    a->view.name = a->name;
    if (a->view.dtype == UDY_OTHER || a->view.ndim < 1 || a->view.ndim > 2)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: expected a plain array of numbers, one row a step", label);
    a->rows = (uint64_t)a->view.shape[0];
    a->width = a->view.ndim == 2 ? (size_t)a->view.shape[1] : 1;
    if (a->width == 0 || a->width > 1 << 16)
        return udy_error_set(err, UDY_EFORMAT, "%s: %zu columns", label, a->width);
    return UDY_OK;
}

static bool has_entry(const udy__archive *zip, const char *entry) {
    for (size_t i = 0; i < udy__archive_count(zip); i++)
        if (!strcmp(udy__archive_entry(zip, i), entry)) return true;
    return false;
}

static int load_all(trajectories *t, udy_error *err) {
    static const bool required[2][N_ARRAYS] = {
        {[OBS] = true, [ACTION] = true, [TERMINAL] = true, [INDICES] = true},
        {[OBS] = true, [ACTION] = true, [TERMINAL] = true},
    };
    udy__archive *zip;
    int status = udy__archive_open(&zip, t->path, err);
    if (status) return status;
    t->imitation = has_entry(zip, "obs.npy");
    if (!t->imitation && !has_entry(zip, "observations.npy"))
        status = udy_error_set(err, UDY_EFORMAT,
                               "%s: neither imitation's arrays (obs, acts, terminal, indices) nor "
                               "D4RL's (observations, actions, terminals, ...) are in it",
                               t->path);
    for (int i = 0; !status && i < N_ARRAYS; i++)
        status = load(t, zip, i, required[!t->imitation][i], err);
    udy__archive_close(zip);
    return status;
}

static int expect_rows(const trajectories *t, int which, uint64_t rows, size_t width,
                       udy_error *err) {
    const array *a = &t->arrays[which];
    if (!a->data || (a->rows == rows && (!width || a->width == width))) return UDY_OK;
    return udy_error_set(err, UDY_EFORMAT, "%s: '%s' has %llu rows of %zu, expected %llu of %zu",
                         t->path, a->name, (unsigned long long)a->rows, a->width,
                         (unsigned long long)rows, width ? width : a->width);
}

static int check_shapes(trajectories *t, udy_error *err) {
    const array *a = t->arrays;
    udy_recording_facts *f = &t->recording.facts;
    t->n_steps = a[ACTION].rows;
    t->n_episodes = t->imitation ? a[INDICES].rows + 1 : 0;
    if (t->n_steps == 0) return udy_error_set(err, UDY_EFORMAT, "%s: no steps", t->path);
    int status = expect_rows(t, OBS, t->n_steps + t->n_episodes, 0, err);
    if (!status) status = expect_rows(t, REWARD, t->n_steps, 1, err);
    if (!status)
        status = expect_rows(t, TERMINAL, t->imitation ? t->n_episodes : t->n_steps, 1, err);
    if (!status) status = expect_rows(t, TIMEOUT, t->n_steps, 1, err);
    if (!status) status = expect_rows(t, LABEL, t->n_steps, a[ACTION].width, err);
    if (status) return status;
    if (a[ACTION].view.ndim == 1 && a[ACTION].view.dtype != UDY_F32 &&
        a[ACTION].view.dtype != UDY_F64)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: actions are whole numbers, one a step: a discrete space, and "
                             "Understudy takes continuous vectors",
                             t->path);
    f->obs_dim = (int)a[OBS].width;
    f->act_dim = (int)a[ACTION].width;
    f->n_steps = (int64_t)t->n_steps;
    f->n_episodes = t->imitation ? (int64_t)t->n_episodes : -1;
    f->format = t->imitation ? "imitation's .npz" : ".npz";
    f->has_rewards = a[REWARD].data != NULL;
    f->has_last_observation = t->imitation;
    f->has_labels = a[LABEL].data != NULL;
    snprintf(f->obs_type, sizeof f->obs_type, "%s", udy__npy_dtype_name(a[OBS].view.dtype));
    return UDY_OK;
}

//------------------------------------------ Episodes ----------------------------------------------

// The step past the episode at t->next, and how it ends.
static int find_end(trajectories *t, uint64_t *end, udy__ending *ending, udy_error *err) {
    const array *a = t->arrays;
    if (a[INDICES].data) {
        double value =
            t->episode < a[INDICES].rows ? element(&a[INDICES], t->episode) : (double)t->n_steps;
        if (!(value >= (double)t->next && value <= (double)t->n_steps))
            return udy_error_set(err, UDY_EFORMAT, "%s: %s[%llu] is %g, expected %llu to %llu",
                                 t->path, a[INDICES].name, (unsigned long long)t->episode, value,
                                 (unsigned long long)t->next, (unsigned long long)t->n_steps);
        *end = (uint64_t)value;
    }
    if (t->imitation) {
        // Not terminal is a limit, or that the recording stopped: the format cannot tell.
        ending->terminated = element(&a[TERMINAL], t->episode) != 0;
        ending->cut_short = !ending->terminated;
        return UDY_OK;
    }
    if (a[INDICES].data) {
        if (*end == t->next) return UDY_OK;
        ending->terminated = element(&a[TERMINAL], *end - 1) != 0;
        ending->truncated =
            !ending->terminated && a[TIMEOUT].data && element(&a[TIMEOUT], *end - 1) != 0;
        ending->cut_short = !ending->terminated && !ending->truncated;
        return UDY_OK;
    }
    for (*end = t->next; *end < t->n_steps;) {
        ending->terminated = element(&a[TERMINAL], *end) != 0;
        ending->truncated =
            !ending->terminated && a[TIMEOUT].data && element(&a[TIMEOUT], *end) != 0;
        ++*end;
        if (ending->terminated || ending->truncated) return UDY_OK;
    }
    ending->cut_short = true;
    return UDY_OK;
}

static int next(udy__recording *recording, udy__rows *rows, udy__ending *ending, udy_error *err) {
    trajectories *t = (trajectories *)recording;
    const array *a = t->arrays;
    if (t->imitation ? t->episode >= t->n_episodes : t->next >= t->n_steps) return 0;
    *ending = (udy__ending){0};
    uint64_t end = t->next;
    int status = find_end(t, &end, ending, err);
    size_t n = status ? 0 : (size_t)(end - t->next), at = rows->n;
    if (!status) status = udy__rows_check_length(rows, n, t->path, err);
    if (!status) status = udy__rows_reserve(rows, n, t->path, err);
    if (status) return status;
    size_t O = (size_t)rows->obs_dim, A = (size_t)rows->act_dim;
    // Each trajectory before this one has an observation after its last step.
    copy_rows(&a[OBS], t->next + (t->imitation ? t->episode : 0), n, rows->obs + at * O);
    copy_rows(&a[ACTION], t->next, n, rows->action + at * A);
    copy_rows(&a[a[LABEL].data ? LABEL : ACTION], t->next, n, rows->label + at * A);
    if (a[REWARD].data)
        copy_rows(&a[REWARD], t->next, n, rows->reward + at);
    else
        memset(rows->reward + at, 0, n * sizeof(float));
    snprintf(ending->place, sizeof ending->place, "trajectory %llu (from step %llu on)",
             (unsigned long long)t->episode, (unsigned long long)t->next);
    rows->n += n;
    t->next = end;
    t->episode++;
    return 1;
}

//------------------------------------------ Open --------------------------------------------------

static void close_trajectories(udy__recording *recording) {
    trajectories *t = (trajectories *)recording;
    for (int i = 0; i < N_ARRAYS; i++) udy_free(t->arrays[i].data);
    udy_free(t);
}

int udy__trajectories_open(udy__recording **out, const udy_recording_source *source,
                           udy_error *err) {
    *out = NULL;
    if (!source->n_paths) return udy_error_set(err, UDY_EINVAL, ".npz wants a file");
    trajectories *t = udy_alloc(sizeof *t);
    if (!t) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", source->paths[0]);
    t->recording = (udy__recording){.path = t->path, .next = next, .close = close_trajectories};
    int status = udy_path_format(t->path, err, "%s", source->paths[0]);
    if (!status) status = load_all(t, err);
    if (!status) status = check_shapes(t, err);
    if (status)
        close_trajectories(&t->recording);
    else
        *out = &t->recording;
    return status;
}
