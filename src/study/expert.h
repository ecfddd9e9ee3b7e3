// expert.h: what the files of an expert's training share.
#ifndef UNDERSTUDY_SRC_STUDY_EXPERT_H_
#define UNDERSTUDY_SRC_STUDY_EXPERT_H_

#include "understudy/study.h"

//------------------------------------------ Curve (expert_curve.c) --------------------------------

// Write RUN/curve.csv, whole. What it lists has happened: an evaluation counts once it is here.
int udy__curve_write(const udy_curve_point *curve, int n, const char *run_path, udy_error *err)
    UDY_MUST_CHECK;

//------------------------------------------ Folder (expert_folder.c) ------------------------------

enum { UDY__STEP_NAME_MAX = 40 };
// "step-000100000": the name of an evaluation's policy, without its suffix.
void udy__expert_step_name(char out[UDY__STEP_NAME_MAX], int64_t steps);
int udy__expert_policy_path(char out[UDY_PATH_MAX], const char *run_path, const char *name,
                            udy_error *err) UDY_MUST_CHECK;
int udy__file_copy(const char *from, const char *to, udy_error *err) UDY_MUST_CHECK;

// Put the folder back to where step `steps` was reached and n points of the curve were made: later
// lines of log.jsonl and later policies go; best and last are those of the points that stay.
int udy__expert_cut_back(const char *run_path, int64_t steps, const udy_curve_point *curve, int n,
                         udy_error *err) UDY_MUST_CHECK;

// The training's checkpoint folder; emptied by the second.
int udy__expert_sac_dir(char out[UDY_PATH_MAX], const char *run_path, udy_error *err)
    UDY_MUST_CHECK;
int udy__expert_clear_checkpoint(const char *run_path, udy_error *err) UDY_MUST_CHECK;
// Bytes of the files in a folder; best effort, for the log.
int64_t udy__dir_bytes(const char *path);

// The wall-clock at each checkpoint. It is written before the checkpoint, so that whichever one a
// kill leaves has its time, and again after it, with its cost and `saved`.
typedef struct udy__clock {
    bool saved;         // a checkpoint was completed at some time
    int n;              // entries
    double *steps, *s;  // [n] environment steps, seconds by then
} udy__clock;
int udy__clock_load(udy__clock *clock, const char *run_path, udy_error *err) UDY_MUST_CHECK;
// Forget what is after `steps`; the seconds of what stays last, 0 where nothing does.
double udy__clock_cut(udy__clock *clock, int64_t steps);
// Add an entry (or change that of this step) and write the file.
int udy__clock_note(udy__clock *clock, int64_t steps, double seconds, bool saved,
                    const char *run_path, udy_error *err) UDY_MUST_CHECK;
void udy__clock_free(udy__clock *clock);

//------------------------------------------ Results (expert_results.c) ----------------------------

// Hash of the settings that numbers follow from, the seed left out; "" where memory ran out.
void udy__expert_settings_hash(char out[20], const udy_expert_config *config);

// Write an evaluation's policy to RUN/policies/<name>.safetensors with how it was made.
int udy__expert_save_policy(const udy_policy *policy, const udy_expert_config *config,
                            const udy_curve_point *point, const char *run_path, const char *name,
                            udy_error *err) UDY_MUST_CHECK;

// Write a tested policy to path: what its file said, the test from this seed on, and extra.
int udy__expert_save_tested(const udy_policy *policy, const udy_evaluation *test, uint64_t seed,
                            const udy_text_pair *extra, size_t n_extra, const char *path,
                            udy_error *err) UDY_MUST_CHECK;

typedef struct udy__expert_outcome {
    const udy_expert_config *config;
    const udy_curve_point *curve;  // [n]
    int n;
    const udy_curve_point *chosen;
    const udy_evaluation *test;  // of the chosen policy, on fresh seeds
    int n_threads;
    double seconds_total;
} udy__expert_outcome;

// The chosen evaluation's policy becomes policies/best.safetensors, with the test in its metadata.
int udy__expert_save_best(const udy__expert_outcome *o, const char *run_path, udy_error *err)
    UDY_MUST_CHECK;
// What the training runs on: cpu, cores, threads.
udy_json *udy__machine_json(int n_threads);
// results.json; whatever differs from run to run is under "timing".
int udy__expert_results_write(const udy__expert_outcome *o, const char *run_path, udy_error *err)
    UDY_MUST_CHECK;
// Is there a results.json of this training, whole?
bool udy__expert_finished(const udy_expert_config *config, const char *run_path);

#endif  // UNDERSTUDY_SRC_STUDY_EXPERT_H_
