// sweep.h: what the files of a sweep share. sweep.c runs the grid in its folder, sweep_cell.c works
// one cell of it, sweep_train.c trains, sweep_points.c takes seeds together, sweep_results.c writes
// and reads, sweep_settings.c has the settings.
#ifndef UNDERSTUDY_SRC_STUDY_SWEEP_H_
#define UNDERSTUDY_SRC_STUDY_SWEEP_H_

#include <stdatomic.h>

#include "learn/policy.h"
#include "record.h"
#include "understudy/study.h"

//------------------------------------------ The grid ----------------------------------------------

typedef struct udy__sweep_expert {
    char name[256], label[64];
    bool stochastic;
    udy_policy *policy;
    udy_dataset **demos;  // [seeds]: demonstrations, validation and test episodes in turn
    udy_evaluation of;    // on the evaluation seeds of all repetitions
} udy__sweep_expert;

// A place in the grid that is worked in one go: both trainings of a method on the same rows.
typedef struct udy__sweep_job {
    int expert, seed, demos, method;  // seed: 0 for the first
    int64_t planned;                  // updates, at most
} udy__sweep_job;

typedef struct udy__sweep {
    const udy_sweep_config *config;
    const char *path;
    const udy_progress *progress;
    udy_task *task;
    const udy_task_info *info;
    udy_mlp_config network;
    udy__scale scale;  // labels are learnt as the network gives them, before its actions are scaled
    int n_experts;
    udy__sweep_expert experts[UDY_SWEEP_EXPERTS_MAX];
    int n_jobs;
    udy__sweep_job *jobs;
    int n_threads;
    udy__elapsed elapsed;
} udy__sweep;

// What a thread works with: its own simulation, its own products.
typedef struct udy__sweep_desk {
    udy_pool *pool;
    udy_batch *batch;
    const atomic_bool *stop;
    udy_progress progress;   // for rollouts: asks to stop where stop says so
    atomic_llong n_updates;  // of the job under way
} udy__sweep_desk;

//------------------------------------------ Training ----------------------------------------------

// Rows to learn from, in memory: a job's are at most a few megabytes.
typedef struct udy__sweep_rows {
    float *x, *y;  // [n, O], [n, A]
    uint32_t n, capacity;
} udy__sweep_rows;

typedef struct udy__sweep_plan {
    uint64_t seed, stream;
    int64_t min_updates;
    bool converge;
} udy__sweep_plan;

typedef struct udy__sweep_weights {
    udy_policy *policy;  // NULL: not asked for
    int64_t updates;
    double train_loss, val_loss;
} udy__sweep_weights;

// Train as udy_bc_train does without a validation share, to the bit: out[UDY_SWEEP_TUTORIAL] has the
// weights after the epochs. With converge the same training goes on; out[UDY_SWEEP_CONVERGED] has
// those of the lowest validation loss from there on. Free with udy__sweep_weights_free.
int udy__sweep_train(const udy__sweep *sweep, udy__sweep_desk *desk, const udy__sweep_rows *train,
                     const udy__sweep_rows *val, const udy__sweep_plan *plan,
                     udy__sweep_weights out[UDY_SWEEP_TRAININGS], udy_error *err) UDY_MUST_CHECK;
void udy__sweep_weights_free(udy__sweep_weights weights[UDY_SWEEP_TRAININGS]);

//------------------------------------------ Cells -------------------------------------------------

// The record of a job, made: labels, rounds, and for each training what its evaluation gave.
// NULL only with a status.
int udy__sweep_work(const udy__sweep *sweep, const udy__sweep_job *job, udy__sweep_desk *desk,
                    udy_json **record, udy_error *err) UDY_MUST_CHECK;
// "DAgger, 10 demonstrations, ant-v5, seed 0"
void udy__sweep_job_name(const udy__sweep *sweep, const udy__sweep_job *job, char out[192]);
// Episodes and their updates that a job is planned to take at most.
int64_t udy__sweep_planned(const udy_sweep_config *config, const udy_dataset *demos, int n_demos,
                           int method);
// The expert's labels of the first n episodes.
uint64_t udy__sweep_labels(const udy_dataset *demos, int n);

//------------------------------------------ Results -----------------------------------------------

// One policy of a cell, as its record has it.
typedef struct udy__sweep_cell {
    const udy__sweep_job *job;
    int training;
    double labels, updates, train_loss, val_loss, seconds;
    udy_evaluation of;
    int n_test;
    double *error_own;                  // [of.n] squared error, summed over an episode's states
    double *error_expert, *test_steps;  // [n_test] the same on the expert's; their lengths
} udy__sweep_cell;

// UDY_EFORMAT, without a message, where the record is damaged or another's. out
// [UDY_SWEEP_TRAININGS]: free each with udy__sweep_cell_free, also after a failure.
int udy__sweep_cells_read(const udy__sweep *sweep, const udy__sweep_job *job,
                          const udy_json *record, udy__sweep_cell *out, udy_error *err)
    UDY_MUST_CHECK;
void udy__sweep_cell_free(udy__sweep_cell *cell);
// Arrays of equal length n as episodes' outcomes; UDY_EFORMAT where one is missing or absurd.
int udy__sweep_evaluation_read(udy_evaluation *out, const udy_json *o, int n, uint64_t seed,
                               udy_error *err) UDY_MUST_CHECK;
udy_json *udy__sweep_evaluation_json(const udy_episode *episodes, int n);

// Points and needs of the cells of all jobs [n_jobs * UDY_SWEEP_TRAININGS], in the order of jobs,
// into out (whose experts, demos and target are set): free with udy_sweep_free.
int udy__sweep_points(udy_sweep *out, const udy__sweep_cell *cells, int n_cells, uint64_t seed,
                      udy_error *err) UDY_MUST_CHECK;
// sweep.json, sweep.csv, points.csv.
int udy__sweep_write(const udy__sweep *sweep, const udy_sweep *found, const udy__sweep_cell *cells,
                     int n_cells, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_STUDY_SWEEP_H_
