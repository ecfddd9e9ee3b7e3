// study.h: what went wrong and where: statistics, evaluation, the whole experiment.
// Sees base, nn, sim, io, learn.
#ifndef UNDERSTUDY_STUDY_H_
#define UNDERSTUDY_STUDY_H_

#include "understudy/learn.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

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
// The object that every results file holds: mean, std, iqm, median, ci95, falls, too_low, too_high,
// speed_mean, length_mean, and by episode returns, lengths, speeds and ends; with timing also
// steps_per_s and seconds, which differ from run to run. The caller's.
udy_json *udy_evaluation_json(const udy_evaluation *e, bool timing);

//------------------------------------------ The course of a training ------------------------------

// Tells loggers how a training goes while it goes on. It is given to the training as its progress,
// and passes on to `outer` (Nullable) what it hears and what it is asked. A logger that fails stops
// the training as an interruption does: saved, to go on where it was.
typedef struct udy_course udy_course;
int udy_course_open(udy_course **out, const char *dir, unsigned loggers, const udy_progress *outer,
                    udy_error *err) UDY_MUST_CHECK;
const udy_progress *udy_course_progress(const udy_course *course);
// Follow behavioural cloning: part "bc", a step an epoch (1 is the first). Told from the beginning in
// each process that works on it, as its checkpoint has the whole curve.
int udy_course_follow_bc(udy_course *course, const udy_bc *bc, udy_error *err) UDY_MUST_CHECK;
// Follow DAgger: part "dagger", a step a round, and part "dagger-training", a step an epoch, rounds one
// after the other: the first epoch of round r is step r x bc->epochs + 1.
int udy_course_follow_dagger(udy_course *course, const udy_dagger *dagger,
                             const udy_dagger_config *config, const udy_bc_config *bc,
                             udy_error *err) UDY_MUST_CHECK;
int udy_course_rounds(udy_course *course, udy_error *err)  // tell those that ended since
    UDY_MUST_CHECK;
// status: the training's. Where a logger failed and that stopped the training, or nothing else went
// wrong, the logger's error is what is returned. NULL is legal.
int udy_course_close(udy_course *course, int status, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ What rounding costs -----------------------------------

// A policy beside its copy with rounded weights (udy_plain_round): index 0 the one, 1 the other.
typedef struct udy_rounding {
    udy_evaluation evaluation[2];  // on the same seeds; n 0: not made
    // Return of the rounded one less the other's, in pairs of a seed; with its 95 % interval.
    double change, change_ci[2];
    // |action difference|, mean over rows and actions, in the action's unit: on the states that the
    // original visits, an episode a unit of the interval; without episodes on observations drawn
    // from N(0, 1), a row a unit.
    double error, error_ci[2], error_max;
    int64_t rows;
} udy_rounding;
// task, batch: Nullable, and unused, where episodes is 0. Episode i resets with seed + i. Free with
// udy_rounding_free.
int udy_rounding_measure(udy_rounding *out, const udy_policy *original, const udy_policy *rounded,
                         const udy_task *task, udy_batch *batch, udy_pool *pool, int episodes,
                         uint64_t seed, const udy_progress *progress, udy_error *err)
    UDY_MUST_CHECK;
void udy_rounding_free(udy_rounding *r);

//------------------------------------------ Training an expert ------------------------------------

// A training of an expert from reward alone, in a run folder.
typedef struct udy_expert_config {
    char task[64];
    // Notes for the policies' metadata, which decide nothing: the preset that the settings started
    // from, and the command that repeats the run. May be "".
    char preset[64], command[1024];
    // The run folder that the training goes on from, and the command that repeats that one; "": from
    // nothing. A place and a note: sac.from_steps and sac.from_updates decide.
    char from[1024], from_command[1024];
    uint64_t seed;              // below 2^32
    double checkpoint_minutes;  // wall-clock between checkpoints; 0: at every report
    udy_task_config task_config;
    udy_sac_config sac;
} udy_expert_config;
// "task", "env.contact_obs", "sac.gamma", ... Safe from any thread.
const udy_field *udy_expert_fields(void);
// SAC as published, on Ant-v5.
void udy_expert_config_default(udy_expert_config *config);
// Settings of a training that goes on from the end of another: those of its run folder, as they were
// at its last update (what falls or grows stays there), under its seed. config->sac.steps, which
// counts from the first training's beginning, is still what it was: give a larger one. config: the
// run's own settings at first. UDY_EINVAL: the run has not ended; UDY_ENOENT: it has no checkpoint.
int udy_expert_config_from(udy_expert_config *config, const char *run_path, udy_error *err)
    UDY_MUST_CHECK;

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

// Could a training begin with these settings? It takes what one takes (memory for the replay, and to
// load the one that it goes on from), and touches no file. UDY_EINVAL: they make no sense, alone or
// together; else as udy_sac_create and udy_sac_load_from.
int udy_expert_check(const udy_expert_config *config, udy_error *err) UDY_MUST_CHECK;
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
// The one whose mean is nearest, the earlier of equals; NULL: no points.
const udy_curve_point *udy_curve_nearest(const udy_curve_point *curve, int n, double mean);
// A point as an object, as results.json has it: without its seconds, which differ from run to run.
udy_json *udy_curve_point_json(const udy_curve_point *point);

// Which evaluation of a training gives its policy.
typedef enum {
    UDY_KEEP_BEST,  // the highest mean on the selection seeds
    UDY_KEEP_NEAR,  // the mean nearest to a return, the earlier of equals: an imperfect expert
    UDY_KEEP_STEP,  // that of a step
} udy_keep;

typedef struct udy_expert_keep_config {
    udy_keep which;
    double near;   // UDY_KEEP_NEAR: the return
    int64_t step;  // UDY_KEEP_STEP
    int episodes;  // of the test; at most 2^20
    // Where the test's seeds start; without, where the training's own test has them. None of them may
    // be a selection seed, or one that training began with.
    bool has_seed;
    uint64_t seed;
    const char *commit;  // a note for the metadata: the sources' version. Nullable
} udy_expert_keep_config;
udy_expert_keep_config udy_expert_keep_config_default(void);  // the best, 100 episodes

typedef struct udy_expert_kept {
    udy_curve_point point;  // the evaluation whose policy was kept
    int n_evaluations;      // among how many
    char chosen_as[96];     // "the best of 48 evaluations by mean"
    uint64_t test_seed;     // the first
    udy_evaluation test;
} udy_expert_kept;

// Make an expert of its own from a run folder of udy_expert_train, also of one that is unfinished or
// at work: take an evaluation's kept policy, test it once on seeds that neither trained nor chose it,
// and write it to path (over what is there) with how it was made, the test and the learning curve up
// to it in its metadata. Reads the folder only. config: the run's own settings.
// UDY_ENOENT: no evaluation yet, none at that step, or its policy is gone. UDY_EMISMATCH: the policy
// is not of this training. Free with udy_expert_kept_free.
int udy_expert_keep(udy_expert_kept *out, const char *run_path, const udy_expert_config *config,
                    const udy_expert_keep_config *keep, const char *path, int n_threads,
                    const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
void udy_expert_kept_free(udy_expert_kept *kept);

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
} udy_results;

// Run every stage in the run folder (made by udy_run_create, or opened to go on): demonstrations,
// BC, DAgger, evaluation; each is kept as it ends. Writes results.json, results.csv, policies/,
// data/. expert_path: the expert's file (config->expert may be a name: the caller resolves it).
int udy_experiment_run(udy_run *run, const udy_experiment_config *config, const char *expert_path,
                       int n_threads, const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// Read a finished run's results.json.
int udy_results_load(udy_results *out, const char *run_path, udy_error *err) UDY_MUST_CHECK;
void udy_results_free(udy_results *r);

//------------------------------------------ Divergence --------------------------------------------

// How far apart are the states of two sets of episodes, in which dimensions, when, and is it more
// than two sets of the same policy would be? The rows of an episode resemble each other, so that a
// thousand rows say much less than a thousand episodes would: here the episode is the unit
// everywhere. Tests shuffle whole episodes between the two sets, intervals draw whole episodes with
// replacement, the classifier is tested on episodes that it was not trained on.
//
// Randomness comes from the caller's rng alone (each call takes a few draws, whatever its sizes);
// results are the same bits at any number of threads. Numbers out are finite: what cannot be known
// is told by a flag or in words. A NaN or an infinity in a sample is UDY_ENONFINITE, naming the
// sample, column, episode and row. Each function allocates. pool may be NULL (the caller's thread
// alone), and so may progress; where it asks to stop the answer is UDY_EINTERRUPTED.

// The rows of one episode, in time order; they stay the caller's, and may lie in a map: of a rollout
// {e.obs, e.length}, of a dataset {udy_dataset_obs(d, e.first_row), e.length}.
typedef struct udy_rows {
    const float *data;  // [length, dims]
    int length;         // >= 1
} udy_rows;

// Episodes of one policy.
typedef struct udy_sample {
    const char *name;  // "expert": for messages
    int dims;          // 1..UDY_SAMPLE_DIMS_MAX
    int n;             // episodes, 1..UDY_SAMPLE_EPISODES_MAX
    const udy_rows *episodes;
} udy_sample;
#define UDY_SAMPLE_DIMS_MAX 512
#define UDY_SAMPLE_EPISODES_MAX 4096

// Standardisation: z = (x - mean) / std, so that each dimension counts alike in a distance.
// A dimension that is constant in the samples (its spread is below float32's resolution at its
// largest value) is divided by 1: where another policy moves it, it counts in its own unit.
typedef struct udy_standard {
    int dims;
    double *mean, *std;  // [dims]; std over rows, n in the denominator, as scikit-learn's scaler
    uint8_t *constant;   // [dims]; 1: std is 1 because the dimension never moved
} udy_standard;
// Over all rows of all the samples given. A test whose standard was fitted to one of its two samples
// is not quite blind to which is which, and finds a difference more often than its level says (7 % for
// 5 %, with 5 slow episodes each). Fit to a third sample (the demonstrations), or to both.
int udy_standard_fit(udy_standard *out, const udy_sample *const *samples, int n_samples,
                     udy_error *err) UDY_MUST_CHECK;
void udy_standard_free(udy_standard *standard);

//---- One dimension

// Wasserstein-1 distance of two weighted samples: the area between their distribution functions, in
// x's unit (scipy.stats.wasserstein_distance). Exact; any sizes.
//   x [n], y [m]    in any order
//   wx [n], wy [m]  weights, not negative, of positive sum; scaled to sum 1. Nullable: all equal
// UDY_EINVAL: n or m is 0, weights. UDY_ENONFINITE: names the element.
int udy_wasserstein1(const double *x, const double *wx, size_t n, const double *y, const double *wy,
                     size_t m, double *out, udy_error *err) UDY_MUST_CHECK;

// Bins common to two samples, each holding (but for ties) an equal share of their mixture (P + Q)/2
// whatever their sizes, so that outliers cost no resolution and no two samples share empty bins.
// Equal values are never parted: with many, bins are fewer. As NumPy's, bins are half-open but for
// the last: [e0, e1), [e1, e2), ..., [e(n-1), en]; e0 and en are the least and the largest value.
//   n_bins     wanted, 1..UDY_BINS_MAX
//   edges      [n_bins + 1] out
//   n_made     bins made, 1..n_bins
#define UDY_BINS_MAX 1024
int udy_bin_edges(const double *x, const double *wx, size_t n, const double *y, const double *wy,
                  size_t m, int n_bins, double *edges, int *n_made, udy_error *err) UDY_MUST_CHECK;
// mass [n_bins] = share of the weight in each bin; what lies outside counts in no bin, but in the
// whole. Nullable: w
int udy_histogram(const double *x, const double *w, size_t n, const double *edges, int n_bins,
                  double *mass, udy_error *err) UDY_MUST_CHECK;
// Jensen-Shannon distance of two histograms p, q [n], scaled to sum 1: the square root of the
// divergence in bits (base 2), 0 (equal) to 1 (no bin shared); scipy.spatial.distance.jensenshannon.
// Source: Lin 1991; Endres & Schindelin 2003 (the root is a metric).
int udy_jensen_shannon(const double *p, const double *q, int n, double *out, udy_error *err)
    UDY_MUST_CHECK;

//---- Two samples

typedef struct udy_divergence_config {
    // Of each episode at most so many rows are used, one drawn at random from each of as many equal
    // stretches of it (a fixed stride could march in step with a gait), and stand for the rest: an
    // episode counts by its length. 0: every row.
    int rows_per_episode;
    int permutations;  // shuffles of episodes between the samples; 0: no test
    int resamples;     // bootstrap draws of episodes; 0: no intervals
    double level;      // of the intervals and of null[1], 0.95
    int n_bins;        // of the histograms, as udy_bin_edges
    double bandwidth;  // of the kernel; 0: the median heuristic
} udy_divergence_config;
udy_divergence_config udy_divergence_config_default(void);  // 100, 999, 999, 0.95, 32, 0

// A measured distance with its interval and its null.
typedef struct udy_measure {
    double value;
    // Percentile bootstrap over episodes (Efron 1979); from 20 episodes a 95 % interval holds the
    // truth some nine times in ten. A distance that cannot be negative lies above 0 in every
    // resample: near no difference hold `value` against null, not its interval against 0.
    double ci[2];
    bool
        has_ci;  // resamples > 0, and both samples have at least 3 episodes; else ci is value twice
    // The same distance between random halves of all episodes together (sizes as the samples'): its
    // median and its `level` quantile. 0, 0 without permutations.
    double null[2];
    // (1 + shuffles with at least this distance) / (1 + shuffles); Phipson & Smyth 2010. Exact: when
    // both samples come from one policy, p <= a happens with probability at most a. 1 without
    // permutations.
    double p;
} udy_measure;

// The smallest p that shuffling n_a and n_b episodes can give, about: with 2 against 2 episodes and a
// distance that does not mind which sample is which (symmetric) 1/3, so that nothing can be shown at
// 5 %; with 4 against 4, 1/35.
double udy_permutation_least_p(int n_a, int n_b, int permutations, bool symmetric);

// One dimension of two samples, on its own.
typedef struct udy_column {
    udy_measure wasserstein;  // in the dimension's unit; divide by a udy_standard's std to compare
    udy_measure jensen_shannon;  // 0..1, over udy_bin_edges' bins (made anew for each shuffle)
} udy_column;
// Every dimension: out [dims]. Unused: bandwidth. p-values are each dimension's own: of many, some
// are small by chance.
int udy_column_divergence(udy_column *out, const udy_sample *a, const udy_sample *b,
                          const udy_divergence_config *config, udy_rng *rng, udy_pool *pool,
                          const char *stage, const udy_progress *progress, udy_error *err)
    UDY_MUST_CHECK;

// All dimensions together, standardised.
typedef struct udy_joint {
    // Energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| (Szekely & Rizzo 2013, eq. 2; its square root is
    // scipy.stats.energy_distance), in standard deviations. X and X' are rows of different episodes:
    // pairs within an episode, close because they are neighbours in time, would pass for agreement.
    // So it is unbiased, and may fall below 0 where there is no difference. Where a sample is one
    // episode there are no other pairs, and it takes those.
    udy_measure energy;
    // Squared maximum mean discrepancy, E k(X,X') + E k(Y,Y') - 2 E k(X,Y), k = exp(-|x-y|^2 / (2
    // bandwidth^2)), pairs as above (Gretton et al. 2012, eq. 3, with episodes in the place of rows).
    udy_measure mmd;
    // The same with all pairs, a row with itself among them: never negative, biased upwards (the
    // V-statistics that other libraries give; Gretton's eq. 5).
    double energy_all_pairs, mmd_all_pairs;
    double
        bandwidth;  // used: the median distance between rows of both samples (at most 1,024, evenly
                    // taken); if that is 0, the mean; if that is 0 too, 1
    double least_p;  // udy_permutation_least_p
    int rows[2];     // used, of a and b
} udy_joint;
// standard: Nullable: fitted to both samples. Cost: 100 rows of 40 episodes are 8 million pairs; the
// sums over pairs of episodes are made once, and shuffled.
int udy_joint_divergence(udy_joint *out, const udy_sample *a, const udy_sample *b,
                         const udy_standard *standard, const udy_divergence_config *config,
                         udy_rng *rng, udy_pool *pool, const char *stage,
                         const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

//---- Classifier two-sample test

typedef struct udy_classifier_config {
    udy_ints hidden;       // [64, 64], ReLU
    int rows_per_episode;  // as udy_divergence_config; 250
    int updates;           // minibatches of Adam; 1000
    int batch_size;        // half of each sample; 128
    double learning_rate, weight_decay;
    double train_share;  // of each sample's episodes; the rest test. 0.5
    int permutations, resamples;
    double level;
} udy_classifier_config;
udy_classifier_config udy_classifier_config_default(void);

typedef struct udy_classifier_test {
    // Area under the ROC curve over rows of the held-out episodes: the probability that a row of b
    // looks more like b's than a row of a does. 0.5: they cannot be told apart; 1: always.
    udy_measure auc;
    double accuracy;            // at even odds, each sample counting half
    int n_train[2], n_test[2];  // episodes of a and b
    double train_loss;          // mean cross-entropy of the last tenth of the updates, nats
    double least_p;
} udy_classifier_test;
// A multilayer perceptron is trained to tell rows of a from rows of b by cross-entropy, and tested on
// episodes that it has not seen (Lopez-Paz & Oquab 2017, arXiv:1610.06545). We differ: AUC in the
// place of accuracy (needs no threshold, and samples may differ in size), and the null is that of
// shuffling the held-out episodes, not of independent rows, which would claim far too much.
//   standard  Nullable: fitted to the training episodes. Standardised values are clamped to +-10.
// UDY_EINVAL: fewer than 2 episodes in a sample. UDY_ENONFINITE: the training diverged.
int udy_classifier_two_sample(udy_classifier_test *out, const udy_sample *a, const udy_sample *b,
                              const udy_standard *standard, const udy_classifier_config *config,
                              udy_rng *rng, udy_pool *pool, const char *stage,
                              const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

//---- Distance to the demonstrations

// The distance from a row to the nearest of a reference sample's rows, Euclidean, standardised: how
// far from anything demonstrated? Exact: float32 vectors only choose which rows are looked at in
// float64.
typedef struct udy_neighbours udy_neighbours;
// Copies what it needs. standard: Nullable: fitted to the reference.
int udy_neighbours_create(udy_neighbours **out, const udy_sample *reference,
                          const udy_standard *standard, udy_error *err) UDY_MUST_CHECK;
void udy_neighbours_destroy(udy_neighbours *neighbours);  // NULL is legal
// distance [n] (in standard deviations) and index [n] (the row of the reference, counted through its
// episodes; the first of equals; Nullable) of rows [n, dims].
// Reentrant with pools of their own. A row of NaN or infinity: UDY_ENONFINITE names row and column.
int udy_neighbours_query(const udy_neighbours *neighbours, const float *rows, size_t n,
                         double *distance, uint32_t *index, udy_pool *pool, const char *stage,
                         const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

//---- By time step

typedef struct udy_time_window {
    int first, end;      // control steps first..end-1
    int n[2];            // episodes of a and b that last into it
    bool known;          // both have at least 2; else the rest is 0 (p: 1)
    udy_measure energy;  // as udy_joint's, over the rows in the window
} udy_time_window;
typedef struct udy_time_divergence {
    int n;
    udy_time_window *windows;  // [n]
    // Of the largest distance over all windows, each in units of its null's spread, against the same
    // under shuffling: is there a difference anywhere? Of many windows some have a small p by chance.
    double p_anywhere;
} udy_time_divergence;
// Energy distance in each window of so many control steps. Episodes that have ended are left out of
// later windows: there it compares those of each policy that still stand. In each window the episodes
// present are shuffled, by one order for all windows. rows_per_episode is that of a window, evenly
// spaced; 0: all. Memory: 8 bytes for each window and pair of episodes. Free with
// udy_time_divergence_free.
int udy_divergence_by_time(udy_time_divergence *out, const udy_sample *a, const udy_sample *b,
                           const udy_standard *standard, int window,
                           const udy_divergence_config *config, udy_rng *rng, udy_pool *pool,
                           const char *stage, const udy_progress *progress, udy_error *err)
    UDY_MUST_CHECK;
void udy_time_divergence_free(udy_time_divergence *d);

// Share of episodes not fallen after t control steps (Kaplan & Meier 1958). An episode that a time
// limit ended is censored: it is at risk up to its length, and then leaves without a fall.
typedef struct udy_survival_point {
    int t;
    int at_risk;          // episodes that lasted t steps, before those that end at t
    int falls, censored;  // at t
    double hazard;        // falls / at_risk
    double survival;
    // Greenwood's interval on the scale of log(-log S) (Kalbfleisch & Prentice 1980), which stays in
    // 0..1; scipy.stats.ecdf(...).sf.confidence_interval(method="log-log"). Where S is 1, and its
    // variance 0, the exact binomial bound of no fall among at_risk; where S is 0, the upper end of
    // the point before.
    double ci[2];
    double greenwood;  // standard error of S by Greenwood's formula
} udy_survival_point;
// out [n_points] at t = 0 and at every length that occurs, ascending; free with udy_free.
//   lengths [n], fell [n]: 1 where the task ended the episode
int udy_survival(udy_survival_point **out, int *n_points, const int *lengths, const uint8_t *fell,
                 int n, double level, udy_error *err) UDY_MUST_CHECK;

// Falls in a window of control steps, per step survived in it.
typedef struct udy_hazard_window {
    int first, end;  // steps first+1..end: an episode of length L that falls does so at step L
    int at_risk;     // episodes longer than first
    int falls;
    int64_t steps;  // made in the window, all episodes together
    double hazard;  // falls / steps; 0 where steps is 0
    double ci[2];   // Wilson's score interval (Wilson 1927); 0, 1 where steps is 0
} udy_hazard_window;
// out [n_windows] up to the longest episode; free with udy_free.
int udy_hazard(udy_hazard_window **out, int *n_windows, const int *lengths, const uint8_t *fell,
               int n, int window, double level, udy_error *err) UDY_MUST_CHECK;

//---- The exponent of compounding

typedef enum {
    UDY_FIT_NONE,     // no power law through these costs: words say why; the numbers are 0
    UDY_FIT_PARTIAL,  // through the horizons from some T on; words say which were left out
    UDY_FIT_FULL,
} udy_fit_status;

typedef struct udy_exponent {
    udy_fit_status status;
    double k, c;      // cost = c T^k
    double ci[2];     // of k: percentile bootstrap over episodes
    bool has_ci;      // else ci is k twice, and words say why
    double r2;        // of the regression of log cost on log T; 1 where all costs are equal
    int first;        // horizons first..n_T-1 were used
    char words[200];  // "" where there is nothing to say
} udy_exponent;

// Fit cost(T) ~ c T^k by least squares of log cost on log T, each horizon counting alike (Ross &
// Bagnell 2010: k is at most 2 for behavioural cloning; Ross et al. 2011: about 1 for DAgger).
//   T         [n_T] horizons, positive, ascending
//   value     [n, n_T] of each episode (what was lost, or won, up to T)
//   baseline  [n_baseline, n_T], or NULL, 0
//   cost      [n_T] out: mean of value less mean of baseline. Nullable
// A power law cannot pass through a cost of 0 or less: then only the horizons above the last such one
// are used, if at least 3 are left. Each resample draws episodes of both with replacement; where more
// than 1 - level of the resamples have such a cost there is no interval.
int udy_exponent_fit(udy_exponent *out, double *cost, const double *T, int n_T, const double *value,
                     int n, const double *baseline, int n_baseline, int resamples, double level,
                     udy_rng *rng, udy_error *err) UDY_MUST_CHECK;

//---- A map of states

// Principal components of a standardised sample (Pearson 1901), as sklearn.decomposition.PCA: the
// eigenvectors of the covariance (n - 1) by Jacobi's rotations. The sign of a component is such that
// its element of largest absolute value (the first of equals) is positive.
#define UDY_PCA_COMPONENTS 2
typedef struct udy_pca {
    int dims;
    double *centre, *std;                    // [dims]: z = (x - centre) / std
    double *components[UDY_PCA_COMPONENTS];  // [dims] each, of length 1; 0 where dims is less
    double *variance;                        // [dims], descending: all of them
    double share[UDY_PCA_COMPONENTS];        // of the whole variance; 0 where there is none
} udy_pca;
// standard: Nullable: fitted to the sample. Free with udy_pca_free.
int udy_pca_fit(udy_pca *out, const udy_sample *sample, const udy_standard *standard,
                udy_error *err) UDY_MUST_CHECK;
void udy_pca_free(udy_pca *pca);
// out [n, UDY_PCA_COMPONENTS] of rows [n, dims].
void udy_pca_project(const udy_pca *pca, const float *rows, size_t n, double *out);

//------------------------------------------ Shift -------------------------------------------------

// Why a clone fails, measured: each policy drives episodes of its own, and what it meets there is held
// against what the expert meets. The expert on other seeds is always the first subject: the null that
// every figure shows. All policies start from the same seeds, but for the reference, which starts from
// others.

// A policy under study.
typedef struct udy_shift_subject {
    const char *name;   // "bc", "dagger-3": in files; "expert" is the null's
    const char *label;  // "DAgger round 3": in figures and sentences
    const udy_policy *policy;
    bool brief;  // returns, joint distance, distance to the demonstrations and action error only
    bool has_labels;
    uint64_t labels;  // expert labels used to make it
} udy_shift_subject;

#define UDY_SHIFT_SUBJECTS_MAX 64

typedef struct udy_shift_config {
    uint64_t seed;          // of episodes (from udy_seed_range on), tests and intervals; below 2^32
    int episodes;           // of each policy, 3..1000; 20
    int window;             // control steps, of the curves by time; 10
    int map_bins;           // cells a side of the map of states; 48
    int push_episodes;      // pushes of each size; 20. 0: no pushes
    double push_speeds[4];  // m/s given to the main body, in a random horizontal direction
    int n_push_speeds;      // 1..4; 0.5, 1, 2, 4
    int push_steps;         // control steps that a policy has to come back; 200
    udy_divergence_config divergence;
    udy_classifier_config classifier;
} udy_shift_config;
// "episodes", "window", "divergence.permutations", "classifier.updates", ...
const udy_field *udy_shift_fields(void);
udy_shift_config udy_shift_config_default(void);

// A number with its percentile bootstrap interval over episodes.
typedef struct udy_shift_value {
    double value, ci[2];
} udy_shift_value;

// A window of control steps first..end-1, over the episodes that last into it.
typedef struct udy_shift_window {
    int first, end, n;           // n: episodes
    udy_time_window energy;      // against the reference
    udy_shift_value error;       // squared action error against the expert's label, own states
    udy_shift_value distance;    // to the nearest demonstration, standard deviations
    double height[3], speed[3];  // 10 %, 50 % and 90 % quantile over rows, m and m/s
} udy_shift_window;

// How it comes back from pushes of one size. The pushed states are the reference's own, the same for
// every policy. Back: the distance to the demonstrations stays below the reference's 95 % quantile for
// 20 control steps.
typedef struct udy_shift_push {
    double speed;         // m/s
    int n, back, fell;    // episodes; what is left did neither in time
    double back_ci[2];    // of back / n, Wilson's
    double median_steps;  // to come back, over those that did; 0: none did
} udy_shift_push;

// A control step on the way to a fall, mean over falls; t = 0 is the step of the fall.
typedef struct udy_shift_before {
    int t, n;  // t: -19..0 and the like; n: falls that have it
    double height, speed, error, distance;
} udy_shift_before;

// One episode, for traces and for the replay.
typedef struct udy_shift_track {
    uint64_t seed;
    int length;  // T
    udy_end end;
    double ret;
    float *qpos;                                        // [T, nq] before each step
    float *height, *speed, *distance, *error, *reward;  // [T]
} udy_shift_track;

typedef struct udy_shift_policy {
    char name[32], label[48];
    bool brief, has_labels;
    uint64_t labels;
    int n;                      // episodes
    double *returns;            // [n]
    int *lengths;               // [n]
    uint8_t *ends;              // [n] udy_end
    double mean, std, ci95[2];  // of the returns
    int falls, too_low, too_high;
    double speed_mean;
    udy_joint joint;           // against the reference
    udy_shift_value distance;  // of its states to the nearest demonstration, mean
    double distance_q95;
    double far;                 // share of its states farther than the reference's 95 % quantile
    double *distance_density;   // [UDY_SHIFT_BINS] share of rows a bin; NULL as udy_shift.obs_range
    udy_shift_value error_own;  // squared action error against the expert's labels: its own states
    udy_shift_value error_expert;  // and the reference's: the difference is the shift
    // Not where brief:
    udy_column *columns;  // [n_columns]
    bool has_classifier;
    udy_classifier_test classifier;
    int n_windows;
    udy_shift_window *windows;
    double p_anywhere;                       // of the energy distance by time
    double *height_density, *speed_density;  // [UDY_SHIFT_BINS] share of rows a bin
    double *map;         // [map_bins, map_bins] share of rows a cell; row: second component
    float *obs_density;  // [obs_dim, UDY_SHIFT_BINS] share of rows; NULL as udy_shift.obs_range
    int n_survival, n_hazard;
    udy_survival_point *survival;
    udy_hazard_window *hazard;
    double *cost;  // [n_T] J(reference) - J(it) up to each horizon
    udy_exponent exponent;
    int n_push;
    udy_shift_push push[4];
    int n_before;
    udy_shift_before *before;  // ascending t; none where nothing fell
    udy_shift_track track;     // the first seed's episode, the same seed for all
} udy_shift_policy;

#define UDY_SHIFT_BINS 60

typedef struct udy_shift {
    char task[64], expert[256];  // expert: its label
    double dt;                   // s, of a control step
    int obs_dim, nq;
    int n_columns;            // torso height, forward speed, then every observation
    char (*column_name)[64];  // [n_columns]
    char (*column_unit)[16];
    double *column_std;  // [n_columns] of the demonstrations (the first two: of the reference)
    udy_shift_config config;
    uint64_t demo_rows;                      // of the demonstrations
    double distance_q95;                     // of the reference to the demonstrations
    double height_range[2], speed_range[2];  // of the densities' bins (outliers: in the last)
    // Of the observations' bins [obs_dim, 2], 6 standard deviations to either side of the
    // demonstrations' mean, and of the distances'. NULL: of a file that was made before there were these
    double *obs_range, distance_range[2];
    double map_range[2][2];  // of the map, first and second component
    double map_share[2];     // of the variance
    int n_T;
    double *T;  // [n_T] horizons, control steps
    int n;
    udy_shift_policy *policies;  // [n]; [0]: the expert on other seeds
} udy_shift;

// Measure. demos: what the clones were shown, or NULL: the reference's episodes take its place, and
// distances of the reference to itself leave its own episode out. Free with udy_shift_free.
// Distances are to at most 25,000 rows of the demonstrations, drawn evenly; of a brief subject one
// state of every four is looked at. A task without a height has a column of zeros in its place.
// UDY_EINVAL: no subjects, too many, names that repeat. UDY_EINTERRUPTED where progress asks to stop.
int udy_shift_measure(udy_shift *out, const udy_task *task, const udy_policy *expert,
                      const char *expert_label, const udy_dataset *demos,
                      const udy_shift_subject *subjects, int n_subjects,
                      const udy_shift_config *config, int n_threads, const udy_progress *progress,
                      udy_error *err) UDY_MUST_CHECK;
void udy_shift_free(udy_shift *shift);
// shift.json and back. Tracks are in it as base64 of little-endian f32 (design: a replay needs them,
// nobody reads them); everything else as numbers.
int udy_shift_save(const udy_shift *shift, const char *path, udy_error *err) UDY_MUST_CHECK;
int udy_shift_load(udy_shift *out, const char *path, udy_error *err) UDY_MUST_CHECK;
// Tell loggers of it, part "shift" below folder dir, anew: a step a policy in the order of policies (0:
// the expert on other seeds), scalars, and for TensorBoard the distributions of height, speed,
// distance to the demonstrations and every observation as histograms.
int udy_shift_log(const udy_shift *shift, const char *dir, unsigned loggers, udy_error *err)
    UDY_MUST_CHECK;
// Measure an experiment's run folder (subjects: BC, DAgger's round 0, best and last in full, the other
// rounds brief, from 60 on every second, third, ... alone; demonstrations: BC's), and leave shift.json
// in it. Done already with the same settings: loaded.
int udy_shift_run(udy_shift *out, const char *run_path, const udy_experiment_config *experiment,
                  const char *expert_path, const udy_shift_config *config, int n_threads,
                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Sweep -------------------------------------------------

// Shift or undertraining? A grid: demonstrations x expert x seeds, behavioural cloning beside
// DAgger at equal labels, each with the weights after a fixed number of epochs (the tutorial's) and
// with those where the loss on other episodes of the expert had stopped to fall. What training on
// mends was undertraining; what it leaves is not.

enum { UDY_SWEEP_BC, UDY_SWEEP_DAGGER, UDY_SWEEP_METHODS };
enum { UDY_SWEEP_TUTORIAL, UDY_SWEEP_CONVERGED, UDY_SWEEP_TRAININGS };
extern const char *const udy_sweep_methods[UDY_SWEEP_METHODS];      // "bc", "dagger"
extern const char *const udy_sweep_trainings[UDY_SWEEP_TRAININGS];  // "tutorial", "converged"

typedef struct udy_sweep_config {
    char task[64];
    char experts[1024];  // see udy_sweep_experts
    uint64_t seed;       // below 2^32, as are the others: run r of `seeds` is of seed + r
    int seeds;
    udy_ints demos;     // episodes of the expert, ascending
    int eval_episodes;  // of each cell
    // Episodes of the expert that nothing is trained on and that are no labels of any cell: the loss
    // on the first decides what has converged (DAgger's: on as many rows, mixed as those it trains
    // on are, from the expert and from its learners), on the others the action error is measured.
    int val_episodes, test_episodes;
    double target;  // share of the expert's return whose cost in labels is asked for; 0.9
    udy_task_config task_config;
    udy_bc_config bc;  // but val_fraction and patience, which are not used
    // Converged: after the tutorial's epochs the training goes on until the validation loss, looked at
    // every check_every updates of Adam, was not better for `patience` updates, or max_updates are
    // done in all; the weights where it was lowest from the epochs' end on.
    int max_updates, patience, check_every;
    // DAgger: this share of the labels are demonstrations, the rest is collected by the learner in
    // rounds. A round's learner is trained for the tutorial's epochs, and min_updates at least.
    double demo_share;
    int rounds, min_updates;
} udy_sweep_config;
// "task", "experts", "demos", "bc.epochs", "converged.patience", "dagger.rounds", ...
const udy_field *udy_sweep_fields(void);
void udy_sweep_config_default(udy_sweep_config *config);

// An expert of the grid: "ant-v5" or "ant-v5:stochastic", the same demonstrating and labelling by
// samples of its Gaussian.
typedef struct udy_sweep_expert {
    char name[256];  // policy file, or the name of a shipped expert
    bool stochastic;
} udy_sweep_expert;
#define UDY_SWEEP_EXPERTS_MAX 8
// Take a list apart: "ant-v5, ant-v5:stochastic, ant-v5-medium". out [UDY_SWEEP_EXPERTS_MAX].
int udy_sweep_experts(const char *list, udy_sweep_expert *out, int *n, udy_error *err)
    UDY_MUST_CHECK;

// Run the grid in the run folder: a cell a thread, each trained and evaluated on that thread alone.
// expert_paths: the files of the experts, in the list's order. Writes sweep.json, sweep.csv (a row
// a cell) and points.csv (a row a point: seeds together). Each cell's record is kept as it ends:
// called again, what is done is not done again, and the numbers are those of a run that never
// stopped.
int udy_sweep_run(udy_run *run, const udy_sweep_config *config, const char *const *expert_paths,
                  int n_threads, const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

// A number with its 95 % percentile bootstrap interval: seeds drawn with replacement, and within
// each its episodes. With three seeds that differ as much as a seed's episodes do it holds the
// truth some eight times in ten, with ten seeds nine.
typedef struct udy_sweep_value {
    double value, ci[2];
} udy_sweep_value;

// Seeds together.
typedef struct udy_sweep_point {
    int expert, method, training, demos;
    int n;           // episodes, of all seeds
    double labels;   // expert labels, mean over seeds
    double updates;  // of Adam, up to these weights, mean over seeds
    double train_loss, val_loss;
    udy_sweep_value ret, share;  // share: of the expert's mean return, which is taken as exact; NaN
                                 // where that is not positive
    // Squared difference to the expert's deterministic action, mean over action components and
    // states: on states that the policy visits, and on the expert's own (test episodes). The
    // difference of the two is the shift.
    udy_sweep_value error_own, error_expert;
    int falls, too_low, too_high;
} udy_sweep_point;

// Labels needed for the target: where the line through the points, straight in the logarithm of the
// labels, first reaches it.
typedef struct udy_sweep_need {
    int expert, method, training;
    double labels, ci[2];  // INFINITY: not reached with the most that were tried
    bool at_most;          // reached with the fewest that were tried already
} udy_sweep_need;

typedef struct udy_sweep_teacher {
    char name[256], label[64];  // label: "ant-v5, sampled"
    bool stochastic;
    int n, falls;  // episodes: the cells' seeds
    double mean, std, ci[2];
} udy_sweep_teacher;

typedef struct udy_sweep {
    char task[64];
    int seeds, eval_episodes, epochs;
    double target;
    udy_ints demos;
    int n_experts;
    udy_sweep_teacher experts[UDY_SWEEP_EXPERTS_MAX];
    int n_points;  // by expert, method, training, demonstrations
    udy_sweep_point *points;
    int n_needs;  // by expert, method, training
    udy_sweep_need *needs;
    double seconds, cell_seconds;  // wall-clock; the cells' own times added up
} udy_sweep;
// Read a finished sweep's sweep.json.
int udy_sweep_load(udy_sweep *out, const char *run_path, udy_error *err) UDY_MUST_CHECK;
void udy_sweep_free(udy_sweep *sweep);
// Tell loggers of it, below folder dir, anew: part EXPERT/METHOD-TRAINING, a step a number of
// demonstrations; and for TensorBoard's HParams tab each point as a session below that.
int udy_sweep_log(const udy_sweep *sweep, const char *dir, unsigned loggers, udy_error *err)
    UDY_MUST_CHECK;
// The point of a place in the grid; NULL: none.
const udy_sweep_point *udy_sweep_point_at(const udy_sweep *sweep, int expert, int method,
                                          int training, int demos);

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

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_STUDY_H_
