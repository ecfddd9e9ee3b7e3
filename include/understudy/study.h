// study.h: what went wrong and where: statistics, evaluation, the whole experiment.
// Sees base, nn, sim, io, learn.
#ifndef UNDERSTUDY_STUDY_H_
#define UNDERSTUDY_STUDY_H_

#include "understudy/learn.h"

#ifdef __cplusplus
extern "C" {
#endif

//------------------------------------------ Statistics --------------------------------------------

double udy_mean(const double *x, size_t n);  // NaN where n is 0; all of these
double udy_std(const double *x, size_t n);   // sample standard deviation (n - 1); 0 where n is 1
double udy_quantile(const double *x, size_t n, double q);  // linear interpolation, NumPy's default
// Interquartile mean: the mean of the middle half, with fractional weights at its edges so that
// exactly n/2 observations count (Agarwal et al. 2021, arXiv:2108.13264; scipy.stats.trim_mean
// truncates instead: differs where n is not a multiple of 4).
double udy_iqm(const double *x, size_t n);
// Percentile bootstrap interval of the mean (Efron 1979), n_resamples draws from rng.
void udy_bootstrap_mean_ci(const double *x, size_t n, double level, int n_resamples, udy_rng *rng,
                           double *lo, double *hi);

//------------------------------------------ Evaluation --------------------------------------------

typedef struct udy_evaluation {
    int n;            // episodes
    double *returns;  // [n]
    int *lengths;     // [n]
    double *speeds;   // [n] m/s
    uint8_t *ends;    // [n] udy_end
    double mean, std, iqm, median, ci95[2];
    int falls, too_low, too_high;  // falls: episodes ended by the task
    double speed_mean;             // m/s, over episodes
    double length_mean;
    double steps_per_s;  // control steps of wall-clock
    double seconds;
} udy_evaluation;

// Episode i resets with seed + i. n_threads is batch's. The interval's bootstrap draws from a
// stream of seed. Free with udy_evaluation_free.
int udy_evaluate(udy_evaluation *out, const udy_policy *policy, const udy_task *task,
                 udy_batch *batch, int episodes, uint64_t seed, const char *stage,
                 const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// The same with every action sampled (udy_policy_sample); UDY_EINVAL for a policy without a head.
int udy_evaluate_stochastic(udy_evaluation *out, const udy_policy *policy, const udy_task *task,
                            udy_batch *batch, int episodes, uint64_t seed, const char *stage,
                            const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
void udy_evaluation_free(udy_evaluation *e);
// design.md's object: returns, mean, std, iqm, ci95, lengths, falls, too_low, too_high,
// speed_mean, steps_per_s, ...; timing false leaves out what differs from run to run.
udy_json *udy_evaluation_json(const udy_evaluation *e, bool timing);

//------------------------------------------ Training an expert ------------------------------------

// A training of an expert from reward alone, in a run folder.
typedef struct udy_expert_config {
    char task[64];
    // Notes for the policies' metadata, which decide nothing: the preset that the settings started
    // from, and the command that repeats the run. May be "".
    char preset[64], command[1024];
    uint64_t seed;              // below 2^32
    double checkpoint_minutes;  // wall-clock between checkpoints; 0: at every report
    udy_task_config task_config;
    udy_sac_config sac;
} udy_expert_config;
// "task", "env.contact_obs", "sac.gamma", ... Safe from any thread.
const udy_field *udy_expert_fields(void);
// SAC as published, on Ant-v5.
void udy_expert_config_default(udy_expert_config *config);

// A point of the learning curve: an evaluation on the selection seeds.
typedef struct udy_curve_point {
    int64_t steps, updates;
    // Wall-clock spent in udy_expert_train up to the end of this evaluation, over all the processes
    // that worked on the run: evaluations and checkpoints are in it, pauses and what a kill lost are
    // not.
    double seconds;
    double mean, median, std;         // of the episodes' returns
    int n, falls, too_low, too_high;  // episodes; those ended by the task, and why
    double speed;                     // m/s, mean over episodes
} udy_curve_point;

// Train (or go on) in the run folder: log.jsonl, curve.csv, TensorBoard events (events/),
// checkpoints/, policies/best.safetensors and policies/last.safetensors, results.json. A policy of
// every evaluation is kept under policies/, so that the best can be re-tested. Evaluations are made
// every config->sac.eval_interval steps and at the end. Selection: the evaluation with the highest
// mean on the selection seeds (the earlier of equals); it is evaluated once more, on
// config->sac.test_episodes fresh seeds, and that figure is the one reported.
// UDY_EINTERRUPTED: saved; call again to go on, with the same bits, as after a kill at any moment:
// what was written since the last checkpoint is cut off and done again. A finished run is left as it
// is. UDY_ENONFINITE: training diverged; the last good checkpoint is kept. UDY_EMISMATCH: the folder
// holds a training with other settings. Numbers that differ from run to run (seconds, rates) go
// under "timing".
int udy_expert_train(udy_run *run, const udy_expert_config *config, int n_threads,
                     const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// The learning curve of a run folder, also of one at work; free with udy_free. UDY_ENOENT where no
// evaluation has been made yet.
int udy_expert_curve(udy_curve_point **out, int *n, const char *run_path, udy_error *err)
    UDY_MUST_CHECK;
// Returns whose first reaching is reported: 1000, 3000, 5000, 7000, 8000.
enum { UDY_MILESTONES = 5 };
extern const double udy_milestones[UDY_MILESTONES];
// The first point whose mean is at least `mean`; the one with the highest mean. NULL: none.
const udy_curve_point *udy_curve_reached(const udy_curve_point *curve, int n, double mean);
const udy_curve_point *udy_curve_best(const udy_curve_point *curve, int n);

//------------------------------------------ The experiment ----------------------------------------

typedef struct udy_experiment_config {
    char task[64];      // task id
    char expert[1024];  // policy file, or the name of a shipped expert
    uint64_t seed;      // below 2^32
    int demo_episodes;  // for behavioural cloning
    int eval_episodes;  // for each row of the table
    udy_task_config task_config;
    udy_bc_config bc;
    udy_dagger_config dagger;
    udy_bc_config dagger_bc;  // the training inside a DAgger round
} udy_experiment_config;
// "task", "env.contact_obs", "bc.epochs", "dagger.rounds", "dagger.bc.epochs", ...: the tables of the
// parts under their prefixes. Put together at the first call; safe from any thread.
const udy_field *udy_experiment_fields(void);
void udy_experiment_config_default(udy_experiment_config *config);

// A row of the table.
typedef struct udy_result_row {
    char name[32];   // "random", "bc", "dagger-3", "dagger-best", "expert"
    char label[48];  // "DAgger round 3"
    int n;
    double mean, std, iqm, ci95[2], share;  // share: of the expert's mean
    int falls, too_low, too_high;
    double speed_mean, length_mean;
    uint64_t labels;  // expert labels used to make it
    double seconds;   // to make it: collecting, labelling, training (not evaluating)
    double *returns;  // [n]
} udy_result_row;

typedef struct udy_results {
    int n_rows;
    udy_result_row *rows;
    // Loss curve of behavioural cloning.
    int n_epochs, best_epoch;       // best_epoch: 1-based
    double *train_loss, *val_loss;  // [n_epochs]; NaN: no validation
    int dagger_best;                // round
    double seconds_total;
    double expert_mean;
    bool expert_provisional;
} udy_results;

// Run every stage in the run folder (made by udy_run_create, or opened to go on): demonstrations,
// BC, DAgger, evaluation; each is kept as it ends. Writes results.json, results.csv, policies/,
// data/. expert_path: the expert's file (config->expert may be a name: the caller resolves it).
int udy_experiment_run(udy_run *run, const udy_experiment_config *config, const char *expert_path,
                       int n_threads, const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// Read a finished run's results.json.
int udy_results_load(udy_results *out, const char *run_path, udy_error *err) UDY_MUST_CHECK;
void udy_results_free(udy_results *r);

//------------------------------------------ Benchmarks --------------------------------------------

// A measured figure and the limit of this machine that it is held against.
typedef struct udy_bench_figure {
    char name[40];  // "bc_batch256"
    char what[96];  // "behavioural cloning, batch 256, Adam and shuffled rows included"
    double value;
    const char *unit;        // "GFLOP/s", "steps/s", "us", "MB"
    double limit;            // in the same unit; NaN: none
    const char *limit_name;  // name of the figure that is the limit; NULL: none
    double seconds;          // BC: of an epoch over 50,000 pairs; else NaN
} udy_bench_figure;

#define UDY_BENCH_FIGURES_MAX 32

// Measure the machine's limits, then training, rollouts, labels and memory, each for about seconds_s
// (best of several repeats). policy: the one in the loop. Writes up to UDY_BENCH_FIGURES_MAX.
int udy_bench_run(udy_bench_figure *figures, int *n_figures, const udy_task *task,
                  const udy_policy *policy, int n_threads, double seconds_s,
                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_STUDY_H_
