// recording.h: episodes that other software recorded, read one after the other whatever their format.
// A format is a row of recording.c's table: how it knows its files, and how it opens them. learn turns
// what comes out into a dataset.
#ifndef UNDERSTUDY_IO_RECORDING_H_
#define UNDERSTUDY_IO_RECORDING_H_

#include "understudy/io.h"

// Steps that episodes are read into, one episode after the other; growing, and emptied by its user.
typedef struct udy__rows {
    int obs_dim, act_dim;
    size_t n, capacity;
    float *obs, *action, *label, *reward;  // [n, O], [n, A], [n, A], [n]
} udy__rows;

// Room for n more steps. label is filled with action's unless the format has labels of its own.
int udy__rows_reserve(udy__rows *rows, size_t n, const char *name, udy_error *err) UDY_MUST_CHECK;
void udy__rows_free(udy__rows *rows);
#define UDY__EPISODE_BYTES_MAX ((size_t)512 << 20)  // of one episode's observations
// Refuse an episode too long to hold; steps: so far, or in all.
int udy__rows_check_length(const udy__rows *rows, uint64_t steps, const char *name, udy_error *err)
    UDY_MUST_CHECK;

// How one episode ended, as far as its file says.
typedef struct udy__ending {
    bool terminated, truncated;
    bool cut_short;  // neither was said: the recording stopped
    char place[96];  // "episode_3", "lines 12 to 80": for messages
} udy__ending;

typedef struct udy__recording udy__recording;

struct udy__recording {
    udy_recording_facts facts;
    const char *path;  // for messages
    // Append the next episode's steps to rows (obs_dim and act_dim are the facts'). 1: one was
    // appended, 0: there are no more, or an error.
    int (*next)(udy__recording *recording, udy__rows *rows, udy__ending *ending, udy_error *err);
    void (*close)(udy__recording *recording);  // frees it
};

int udy__recording_open(udy__recording **out, const udy_recording_source *source, udy_error *err)
    UDY_MUST_CHECK;
void udy__recording_close(udy__recording *recording);  // NULL is legal

// The formats. is: by what the path holds, not by its name.
bool udy__minari_is(const char *path);
int udy__minari_open(udy__recording **out, const udy_recording_source *source, udy_error *err);
bool udy__d4rl_is(const char *path);
int udy__d4rl_open(udy__recording **out, const udy_recording_source *source, udy_error *err);
bool udy__trajectories_is(const char *path);  // .npz
int udy__trajectories_open(udy__recording **out, const udy_recording_source *source,
                           udy_error *err);
bool udy__npy_is(const char *path);
int udy__arrays_open(udy__recording **out, const udy_recording_source *source, udy_error *err);
int udy__csv_recording_open(udy__recording **out, const udy_recording_source *source,
                            udy_error *err);

#endif  // UNDERSTUDY_IO_RECORDING_H_
