// What the parts of a shift's measurement share: the episodes of a policy with what each of their
// rows says, and the reference and demonstrations that they are held against.
#ifndef UDY_STUDY_SHIFT_H_
#define UDY_STUDY_SHIFT_H_

#include "divergence.h"

//------------------------------------------ Episodes ----------------------------------------------

// Episodes of one policy. A row is a control step: the observation before it, what it gave after.
typedef struct udy__shift_set {
    int n;
    udy_episode *episodes;  // [n], recorded
    udy_rows *rows;         // [n], their observations
    udy_sample sample;      // of rows
    size_t *start;          // [n + 1]: episode e has rows start[e]..start[e + 1]-1 below
    double *distance;       // [start[n]] to the nearest demonstration
    double *error;          // [start[n]] squared action error against the expert's label
} udy__shift_set;
void udy__shift_set_free(udy__shift_set *set);

// What the pictures are binned from once every policy's range is known; but for the distances NULL
// where brief.
typedef struct udy__shift_cloud {
    size_t n;
    double *height, *speed;  // [n]
    double *place;           // [n, 2] on the map
    size_t n_distances;
    double *distance;  // [n_distances]
} udy__shift_cloud;

// A measurement under way.
typedef struct udy__shift {
    const udy_task *task;
    const udy_task_info *info;
    const udy_policy *expert;
    const udy_dataset *demos;  // Nullable
    const udy_shift_config *config;
    const udy_progress *progress;
    udy_batch *batch;
    udy_pool *pool;
    udy_shift *out;
    uint64_t first_seed;

    udy__shift_set reference;
    float *expert_action;  // [rows of the reference, A]
    udy_rows *columns;     // [n] of the reference: height, speed, observation
    float *columns_data;
    udy_standard standard;
    udy_pca pca;
    udy_neighbours *neighbours;
    double *half_range;  // [A] of the actions
    double *resamples;   // [config.divergence.resamples], for intervals

    double *push_qpos, *push_qvel;  // [push_episodes, nq], [push_episodes, nv]
    double *push_way;               // [push_episodes, 2] direction, of length 1

    udy__shift_cloud *clouds;  // [out->n]
} udy__shift;

int udy__shift_no_memory(udy_error *err);

// Did the task end the episode?
bool udy__shift_fell(const udy_episode *e);
// Height after step t, 0 where the task has none.
double udy__shift_height(const udy_episode *e, int t);

//------------------------------------------ Rows --------------------------------------------------

// Roll policy out from first_seed + offset on. name: of the sample, which keeps it.
int udy__shift_roll(const udy__shift *s, const udy_policy *policy, int offset, bool physics,
                    const char *name, udy__shift_set *out, udy_error *err) UDY_MUST_CHECK;
// Fit standard and map, gather the demonstrations; the reference's distances and the expert's
// actions on it. null_set: the expert's other episodes.
int udy__shift_prepare(udy__shift *s, const udy__shift_set *null_set, udy_error *err)
    UDY_MUST_CHECK;
// Fill set->distance, set->error.
int udy__shift_distances(const udy__shift *s, udy__shift_set *set, const udy_progress *progress,
                         udy_error *err) UDY_MUST_CHECK;
// The same, where every row is not needed: one row stands for a few.
int udy__shift_distances_in_brief(const udy__shift *s, udy__shift_set *set,
                                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
int udy__shift_own_errors(const udy__shift *s, const udy_policy *policy, udy__shift_set *set,
                          udy_error *err) UDY_MUST_CHECK;
// sum [n] = summed error of policy on the rows of each of the reference's episodes.
int udy__shift_reference_errors(const udy__shift *s, const udy_policy *policy, double *sum,
                                udy_error *err) UDY_MUST_CHECK;
// Rows of height, speed and observation: rows [n], and their data to be freed.
int udy__shift_columns(const udy__shift *s, const udy__shift_set *set, udy_rows **rows,
                       float **data, udy_error *err) UDY_MUST_CHECK;

// Mean of rows, given each episode's sum and number of them, with its bootstrap over episodes. 0
// where there is no row.
udy_shift_value udy__shift_mean(const udy__shift *s, const double *sum, const double *weight,
                                int n);

//------------------------------------------ Parts of a policy -------------------------------------

// Each fills its part of out for one policy.
typedef int (*udy__shift_part)(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                               udy_shift_policy *out, const udy_progress *progress, udy_error *err);
int udy__shift_by_time(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                       udy_shift_policy *out, const udy_progress *progress, udy_error *err);
int udy__shift_falls(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                     udy_shift_policy *out, const udy_progress *progress, udy_error *err);
int udy__shift_cost(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                    udy_shift_policy *out, const udy_progress *progress, udy_error *err);
int udy__shift_pushes(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                      udy_shift_policy *out, const udy_progress *progress, udy_error *err);

// The pushed states, from the reference.
int udy__shift_snapshots(udy__shift *s, udy_error *err) UDY_MUST_CHECK;

// Keep what the pictures need of a policy's rows; then bin all.
int udy__shift_keep_cloud(const udy__shift *s, const udy__shift_set *set, udy__shift_cloud *cloud,
                          udy_error *err) UDY_MUST_CHECK;
int udy__shift_keep_distances(const udy__shift_set *set, udy__shift_cloud *cloud, udy_error *err)
    UDY_MUST_CHECK;
int udy__shift_bin(udy__shift *s, udy_error *err) UDY_MUST_CHECK;
// Observations have ranges of their own, which the demonstrations say: they are binned at once.
int udy__shift_obs_range(udy__shift *s, udy_error *err) UDY_MUST_CHECK;
int udy__shift_bin_obs(const udy__shift *s, const udy__shift_set *set, udy_shift_policy *p,
                       udy_error *err) UDY_MUST_CHECK;
void udy__shift_cloud_free(udy__shift_cloud *cloud);

// What a policy's figures hold; zeroes it.
void udy__shift_policy_free(udy_shift_policy *p);

#endif  // UDY_STUDY_SHIFT_H_
