// show.h: figures through gnuplot, SVG and PNG with their data beside them; videos through FFmpeg's
// libraries. Sees all rooms but cli.
#ifndef UNDERSTUDY_SHOW_H_
#define UNDERSTUDY_SHOW_H_

#include "understudy/study.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

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
// folder), runs of one name in one colour, the spread over episodes as a band where there is one run;
// the share of episodes that ended early below.
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

//------------------------------------------ Figures of a shift ------------------------------------

// All from a measured shift; subjects that are brief are drawn only where it says so. As above: SVG,
// PNG, CSV and script each.
// states.*: distributions of torso height and forward speed, the reference's null beside them.
int udy_figure_states(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// traces.*: height and speed over time: median and 10-90 % of the episodes still going.
int udy_figure_traces(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// map.*: states on the first two principal components of the expert's, density of each policy.
int udy_figure_map(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// divergence.*: by time step: energy distance, distance to the demonstrations, action error.
int udy_figure_divergence(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// dimensions.*: every column's Wasserstein distance in standard deviations, each policy and the null.
int udy_figure_dimensions(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// rounds.*: distance, far states and action error on own and on the expert's states, BC and DAgger by
// round (brief ones too).
int udy_figure_rounds(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// compounding.*: cost against horizon on logarithmic axes with the fitted exponents and slopes 1 and 2.
int udy_figure_compounding(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// falls.*: share still standing by time with intervals; the last second before a fall.
int udy_figure_falls(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// pushes.*: share that comes back from a push, by its size, with intervals; how long it takes.
int udy_figure_pushes(const char *dir, const udy_shift *shift, udy_error *err) UDY_MUST_CHECK;
// labels.*: return against expert labels used, BC and DAgger's rounds, the expert's level and 90 % of it.
int udy_figure_labels(const char *dir, const udy_results *results, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Sweeps ------------------------------------------------

// sweep-returns.*: return against demonstrations; sweep-labels.*: share of the expert's return against
// labels, and where it reaches the target; sweep-gap.*: action error on the policy's own states beside
// that on the expert's. A panel an expert.
int udy_figure_sweep(const char *dir, const udy_sweep *sweep, udy_error *err) UDY_MUST_CHECK;
// Share of the expert's return by demonstrations, and labels needed for the target, as text for a
// terminal or as a Markdown table; free with udy_free.
char *udy_sweep_table(const udy_sweep *sweep, bool markdown);

//------------------------------------------ Report ------------------------------------------------

typedef struct udy_report_config {
    const char *web_dir;  // share/understudy/report: page, style and the bundled replay
    const char *path;     // out; NULL: <run>/report.html
} udy_report_config;
// One self-contained HTML file about an experiment's run folder: settings, versions and machine, the
// table, every figure that is under figures/, the videos under video/, text with the run's numbers,
// and the replay of shift.json's episodes in 3-D. What is not there is said and left out. Written whole
// or not at all. n_bytes: Nullable.
int udy_report_write(const char *run_path, const udy_report_config *config, const udy_task *task,
                     const udy_results *results, const udy_shift *shift, uint64_t *n_bytes,
                     udy_error *err) UDY_MUST_CHECK;

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
    // [T] how far out of distribution, 0 to 1 (udy_gauge), NaN: unknown. The caller's, and freed by
    // the caller. Nullable: no gauge is drawn
    const double *gauge;
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

// For footage's gauge: the distance from a state to the nearest demonstrated one (udy_neighbours,
// standardised by the demonstrations); 1 is twice the distance that 95 % of the demonstrated states
// stay within of those of other episodes.
typedef struct udy_gauge udy_gauge;
// Copies what it needs: at most some 25,000 states, drawn from all episodes; which ones depends on the
// dataset alone. UDY_EINVAL: fewer than two episodes, which have no distance from each other to
// measure by. UDY_EMISMATCH: not of task's observations.
int udy_gauge_create(udy_gauge **out, const udy_dataset *demos, const udy_task *task, int n_threads,
                     const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
void udy_gauge_destroy(udy_gauge *gauge);          // NULL is legal
double udy_gauge_full_at(const udy_gauge *gauge);  // the distance that is 1, standard deviations
// values [T] of footage's states: 0 to 1; NaN where a state is not finite. One call at a time.
int udy_gauge_read(udy_gauge *gauge, const udy_footage *footage, double *values,
                   const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// The same for n footages, each of which then shows it: values[i] is made here and the caller's to
// free with udy_free, also after a failure.
int udy_gauge_show(udy_gauge *gauge, udy_footage *footage, int n, double **values,
                   const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

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
// video/side-by-side.mp4 of an experiment's run folder: expert, clone and DAgger's best, `steps` control
// steps (0: the task's limit) from the first seed of its shift, with the gauge where there are two
// demonstrations. One that is there already is left alone.
int udy_video_of_run(const char *run_path, const udy_experiment_config *config,
                     const udy_results *results, const char *expert_path, int steps, int n_threads,
                     const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_SHOW_H_
