// D4RL's flat HDF5 files: observations, actions, rewards, terminals, timeouts, one row a step, all
// episodes end to end. An episode ends at a terminal or a timeout; files that lack timeouts but have
// next_observations, where those are not the next row's; and with the file. One format of recording.c.
#include <stdio.h>
#include <string.h>

#include "io/hdf5.h"
#include "io/recording.h"

enum { WINDOW = 4096 };  // rows whose ends are looked at together

typedef struct d4rl {
    udy__recording recording;  // first, so that one pointer is both
    udy__h5 *file;
    char path[UDY_PATH_MAX];
    uint64_t n_rows, next;   // next: the first row of the next episode
    bool timeouts, follows;  // has it timeouts? does next_observations tell?
    // The window [from, from + n) that has been looked at.
    uint64_t from, n;
    unsigned char ends[WINDOW];  // 1: terminal, 2: timeout, 4: not followed by the next row
    float *obs, *followers;      // [WINDOW + 1, O], [WINDOW, O], where next_observations tells
} d4rl;

bool udy__d4rl_is(const char *path) {
    udy__h5 *file;
    udy__h5_info info = {0};
    if (udy_dir_exists(path) || !udy__h5_is(path) || udy__h5_open(&file, path, NULL)) return false;
    // Where it cannot be looked at it is there: opening it again says what is wrong.
    bool is = udy__h5_look(file, "observations", &info, NULL) || info.kind != UDY__H5_ABSENT;
    udy__h5_close(file);
    return is;
}

// The array of that name: [N, width], width -1: any. *there is false where it is absent and need not
// be there.
static int look_at(d4rl *d, const char *name, int width, bool required, bool *there,
                   udy__h5_info *info, udy_error *err) {
    int status = udy__h5_look(d->file, name, info, err);
    *there = !status && info->kind != UDY__H5_ABSENT;
    if (status || (!*there && !required)) return status;
    if (info->kind == UDY__H5_GROUP)
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: '%s' is a group (%s): a dictionary space, and Understudy takes one "
            "vector",
            d->path, name, info->members);
    if (!*there || info->kind != UDY__H5_ARRAY || !info->numeric || info->ndim < 1 ||
        info->ndim > 2)
        return udy_error_set(err, *there ? UDY_EUNSUPPORTED : UDY_EFORMAT,
                             "%s: %s '%s' (numbers, one row a step)%s%s", d->path,
                             *there ? "not as expected:" : "no array", name, *there ? ": " : "",
                             *there ? info->type : "");
    if (info->ndim == 1) info->shape[1] = 1;
    if (info->shape[1] < 1 || info->shape[1] > 1 << 16 || (width >= 0 && info->shape[1] != width))
        return udy_error_set(err, UDY_EFORMAT, "%s: '%s' has %lld numbers a row", d->path, name,
                             (long long)info->shape[1]);
    if (d->n_rows == 0) d->n_rows = (uint64_t)info->shape[0];
    if ((uint64_t)info->shape[0] != d->n_rows)
        return udy_error_set(err, UDY_EFORMAT, "%s: '%s' has %lld rows, but 'observations' %llu",
                             d->path, name, (long long)info->shape[0],
                             (unsigned long long)d->n_rows);
    return UDY_OK;
}

static int look_around(d4rl *d, udy_error *err) {
    udy_recording_facts *f = &d->recording.facts;
    udy__h5_info info;
    bool there;
    int status = look_at(d, "observations", -1, true, &there, &info, err);
    if (status) return status;
    f->obs_dim = (int)info.shape[1];
    snprintf(f->obs_type, sizeof f->obs_type, "%s", info.type);
    if (d->n_rows == 0) return udy_error_set(err, UDY_EFORMAT, "%s: no steps", d->path);
    status = look_at(d, "actions", -1, true, &there, &info, err);
    if (status) return status;
    if (info.ndim == 1 && strncmp(info.type, "float", 5))
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: actions are %s, one a step: a discrete space, and Understudy takes "
            "continuous vectors",
            d->path, info.type);
    f->act_dim = (int)info.shape[1];
    f->n_steps = (int64_t)d->n_rows;
    status = look_at(d, "rewards", 1, true, &there, &info, err);
    if (!status) status = look_at(d, "terminals", 1, true, &there, &info, err);
    if (!status) status = look_at(d, "timeouts", 1, false, &d->timeouts, &info, err);
    if (!status && !d->timeouts)
        status = look_at(d, "next_observations", f->obs_dim, false, &d->follows, &info, err);
    if (!status && d->follows) {
        size_t O = (size_t)f->obs_dim;
        d->obs = udy_alloc((WINDOW + 1) * O * sizeof(float));
        d->followers = udy_alloc(WINDOW * O * sizeof(float));
        if (!d->obs || !d->followers)
            return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", d->path);
    }
    return status;
}

//------------------------------------------ Ends --------------------------------------------------

static int mark(d4rl *d, const char *name, unsigned char bit, udy_error *err) {
    float flags[WINDOW];
    int status = udy__h5_read(d->file, name, d->from, d->n, 1, flags, err);
    for (uint64_t i = 0; !status && i < d->n; i++)
        if (flags[i] != 0) d->ends[i] |= bit;
    return status;
}

static int mark_breaks(d4rl *d, udy_error *err) {
    size_t O = (size_t)d->recording.facts.obs_dim;
    uint64_t more = d->from + d->n < d->n_rows ? d->n + 1 : d->n;
    int status = udy__h5_read(d->file, "observations", d->from, more, O, d->obs, err);
    if (!status)
        status = udy__h5_read(d->file, "next_observations", d->from, d->n, O, d->followers, err);
    for (uint64_t i = 0; !status && i + 1 < more; i++)
        if (memcmp(d->followers + i * O, d->obs + (i + 1) * O, O * sizeof(float))) d->ends[i] |= 4;
    return status;
}

// Look at the rows from `from` on.
static int look_ahead(d4rl *d, uint64_t from, udy_error *err) {
    d->from = from;
    d->n = d->n_rows - from < WINDOW ? d->n_rows - from : WINDOW;
    memset(d->ends, 0, sizeof d->ends);
    int status = mark(d, "terminals", 1, err);
    if (!status && d->timeouts) status = mark(d, "timeouts", 2, err);
    if (!status && d->follows) status = mark_breaks(d, err);
    return status;
}

// The row past the episode that starts at d->next, and how it ends.
static int find_end(d4rl *d, const udy__rows *rows, uint64_t *end, udy__ending *ending,
                    udy_error *err) {
    for (uint64_t row = d->next; row < d->n_rows; row++) {
        if (d->n == 0 || row < d->from || row >= d->from + d->n) {
            int status = udy__rows_check_length(rows, row - d->next, d->path, err);
            if (!status) status = look_ahead(d, row, err);
            if (status) return status;
        }
        unsigned char why = d->ends[row - d->from];
        if (!why) continue;
        *end = row + 1;
        ending->terminated = (why & 1) != 0;
        ending->truncated = !ending->terminated;
        return UDY_OK;
    }
    *end = d->n_rows;
    ending->cut_short = true;
    return UDY_OK;
}

static int next(udy__recording *recording, udy__rows *rows, udy__ending *ending, udy_error *err) {
    d4rl *d = (d4rl *)recording;
    uint64_t end;
    if (d->next >= d->n_rows) return 0;
    *ending = (udy__ending){0};
    int status = find_end(d, rows, &end, ending, err);
    size_t n = status ? 0 : (size_t)(end - d->next), O = (size_t)rows->obs_dim,
           A = (size_t)rows->act_dim, at = rows->n;
    if (!status) status = udy__rows_check_length(rows, n, d->path, err);
    if (!status) status = udy__rows_reserve(rows, n, d->path, err);
    if (!status)
        status = udy__h5_read(d->file, "observations", d->next, n, O, rows->obs + at * O, err);
    if (!status)
        status = udy__h5_read(d->file, "actions", d->next, n, A, rows->action + at * A, err);
    if (!status) status = udy__h5_read(d->file, "rewards", d->next, n, 1, rows->reward + at, err);
    if (status) return status;
    memcpy(rows->label + at * A, rows->action + at * A, n * A * sizeof(float));
    snprintf(ending->place, sizeof ending->place, "rows %llu to %llu", (unsigned long long)d->next,
             (unsigned long long)(end - 1));
    rows->n += n;
    d->next = end;
    return 1;
}

//------------------------------------------ Open --------------------------------------------------

static void close_d4rl(udy__recording *recording) {
    d4rl *d = (d4rl *)recording;
    udy__h5_close(d->file);
    udy_free(d->obs);
    udy_free(d->followers);
    udy_free(d);
}

int udy__d4rl_open(udy__recording **out, const udy_recording_source *source, udy_error *err) {
    *out = NULL;
    if (!source->n_paths) return udy_error_set(err, UDY_EINVAL, "D4RL's format wants a file");
    d4rl *d = udy_alloc(sizeof *d);
    if (!d) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", source->paths[0]);
    d->recording = (udy__recording){.path = d->path, .next = next, .close = close_d4rl};
    d->recording.facts =
        (udy_recording_facts){.format = "D4RL", .n_episodes = -1, .has_rewards = true};
    int status = udy_path_format(d->path, err, "%s", source->paths[0]);
    if (!status) status = udy__h5_open(&d->file, d->path, err);
    if (!status) status = look_around(d, err);
    if (status)
        close_d4rl(&d->recording);
    else
        *out = &d->recording;
    return status;
}
