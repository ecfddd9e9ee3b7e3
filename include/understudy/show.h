// show.h: figures through gnuplot, SVG and PNG with their data beside them; videos through FFmpeg's
// libraries. Sees all rooms but cli.
#ifndef UNDERSTUDY_SHOW_H_
#define UNDERSTUDY_SHOW_H_

#include "understudy/study.h"

#ifdef __cplusplus
extern "C" {
#endif

// Each writes <dir>/<name>.svg, .png, .csv (the data) and .gp (the gnuplot script that drew it,
// which a reader can run again). Colours (Okabe & Ito's colour-blind-safe palette where the
// tutorial's allow): expert blue, BC red, DAgger purple, random grey.
// UDY_ENOENT with the package to install where gnuplot is absent; UDY_EIO with gnuplot's own words.

// loss.*: training (and validation) loss by epoch, log scale. best_epoch 1-based, 0: not marked.
int udy_figure_loss(const char *dir, const char *title, const double *train, const double *val,
                    int n_epochs, int best_epoch, udy_error *err) UDY_MUST_CHECK;
// dagger.*: return by round with 95 % intervals; BC and the expert as lines with bands.
int udy_figure_dagger(const char *dir, const udy_results *results, udy_error *err) UDY_MUST_CHECK;
// returns.*: distribution of episode returns of each policy: every episode a dot, box, mean.
int udy_figure_returns(const char *dir, const udy_results *results, udy_error *err) UDY_MUST_CHECK;

// learning.*: evaluation return by environment step and by wall-clock, one line a run (a name and its
// folder), the spread over episodes as a band where there is one run; the share of episodes that
// ended early below.
typedef struct udy_learning_run {
    const char *name, *path;
} udy_learning_run;
int udy_figure_learning(const char *dir, const udy_learning_run *runs, int n_runs, udy_error *err)
    UDY_MUST_CHECK;

// The table as text, for a terminal of `columns` (0: no limit); free with udy_free.
char *udy_results_table(const udy_results *results, int columns);
// The loss curve as text (braille or ASCII), width x height characters; free with udy_free.
char *udy_loss_sparkline(const double *train, const double *val, int n_epochs, int width,
                         int height, bool ascii);

//------------------------------------------ Videos ------------------------------------------------

// What a policy did in one episode, as it is filmed. The T states are a control step apart; the first
// is the reset's.
typedef struct udy_footage {
    char label[128];  // what the panel says; the policy's name until the caller changes it
    uint64_t seed;
    int n_states;   // T
    int n_episode;  // states up to the episode's end, that one included; then what came after it
    udy_end end;    // UDY_END_NONE: it was still going
    double ret;
    double *qpos;    // [T, nq]
    float *obs;      // [T, O] what the policy saw: for a gauge
    double *speed;   // [T] m/s over the step that led here; 0 at first
    double *so_far;  // [T] return so far; stays as it is once the episode has ended
    const double
        *gauge;  // [T] how far out of distribution, 0 to 1, NaN: unknown. The caller's, and
                 // freed by the caller. Nullable: no gauge is drawn
} udy_footage;

typedef struct udy_footage_config {
    int max_steps;    // of an episode; 0: the task's limit
    double after_s;   // how long to go on after an episode that the task ended, the policy acting
    bool until_fall;  // everybody stops after_s after the first fall
} udy_footage_config;
void udy_footage_config_default(udy_footage_config *config);  // 0, 1 s, false

// One episode of each of n policies, all from reset(seed), on batch's threads: the episodes that
// udy_rollout gives. out [n]: free each with udy_footage_free, also after a failure.
int udy_footage_record(udy_footage *out, const udy_policy *const *policies, int n,
                       const udy_task *task, udy_batch *batch, uint64_t seed,
                       const udy_footage_config *config, const udy_progress *progress,
                       udy_error *err) UDY_MUST_CHECK;
void udy_footage_free(udy_footage *footage);  // what record allocated; zeroes it
// The first of the seeds first, first + 1, ... (at most tries) with which any of the policies falls:
// the task ends its episode within max_steps (0: the task's limit). UDY_ENOENT where there is none.
int udy_footage_find_fall(uint64_t *seed, const udy_policy *const *policies, int n,
                          const udy_task *task, udy_batch *batch, uint64_t first, int tries,
                          int max_steps, const udy_progress *progress, udy_error *err)
    UDY_MUST_CHECK;

typedef struct udy_video_config {
    int width, height;  // of a panel, pixels; even
    double fps;         // frames a second; 0: one a control step, which is real time
    int crf;            // quality, 0 (lossless) to 51; less is better and larger
} udy_video_config;
void udy_video_config_default(udy_video_config *config);  // 640x480, 0, 23
#define UDY_VIDEO_PANELS_MAX 12

typedef struct udy_video_info {
    int width, height;  // of the whole
    int64_t frames, n_bytes;
    double seconds;  // of playback
} udy_video_info;

// Film n episodes side by side, in real time: an MP4 with H.264 at path, a panel an episode (up to
// three in a row), each with label, time, speed, return, gauge, and how it ended; one whose footage
// is used up stays on its last picture. Pictures are drawn by n_threads renderers (0: one a core);
// the file's bytes do not depend on how many. It is written whole or not at all. info: Nullable.
// UDY_EUNSUPPORTED: nothing to draw or encode with; the message names the packages to install.
int udy_video_write(const char *path, const udy_task *task, const udy_footage *footage, int n,
                    const udy_video_config *config, int n_threads, udy_video_info *info,
                    const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_SHOW_H_
