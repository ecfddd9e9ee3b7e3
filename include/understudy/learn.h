// learn.h: the algorithms as the papers write them: policies, rollouts, datasets, behavioural
// cloning, DAgger. Sees base, nn, sim, io.
#ifndef UNDERSTUDY_LEARN_H_
#define UNDERSTUDY_LEARN_H_

#include "understudy/base.h"
#include "understudy/io.h"
#include "understudy/nn.h"
#include "understudy/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

//------------------------------------------ Policies ----------------------------------------------

// What turns an observation into an action: a network with its task, or uniformly random.
// Immutable once made; shared by any number of threads.
typedef struct udy_policy udy_policy;

// Read a policy file (format understudy.policy/1): tensors net.<2l>.weight/bias, activations in the
// metadata. log_std.* (a Gaussian policy's head) is accepted and not used: actions are the mean's.
// Errors name file, tensor, expected and found.
int udy_policy_load(udy_policy **out, const char *path, udy_error *err) UDY_MUST_CHECK;
// Write one, atomically. extra: metadata besides the format's own (how it was made, its return).
int udy_policy_save(const udy_policy *policy, const char *path, const udy_text_pair *extra,
                    size_t n_extra, udy_error *err) UDY_MUST_CHECK;
// A policy around a copy of mlp, for the task's id and observation form.
int udy_policy_from_mlp(udy_policy **out, const udy_mlp *mlp, const udy_task *task, udy_error *err)
    UDY_MUST_CHECK;
// Actions uniform in the action bounds, as Gymnasium's action_space.sample() is distributed.
int udy_policy_random(udy_policy **out, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
void udy_policy_destroy(udy_policy *policy);  // NULL is legal

// Does it fit the task (id, observation form and size, action size)? UDY_EMISMATCH names both.
int udy_policy_check(const udy_policy *policy, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
const udy_mlp *udy_policy_mlp(const udy_policy *policy);  // NULL: random
const char *udy_policy_name(const udy_policy *policy);    // the file's path, or "random", or "mlp"
const char *udy_policy_task(const udy_policy *policy);    // task id, "" where unknown
const char *udy_policy_metadata(const udy_policy *policy, const char *key);  // NULL: absent
bool udy_policy_contact_obs(const udy_policy *policy);
// Tells one network from another: shape, activations, weights. 0: random.
uint64_t udy_policy_hash(const udy_policy *policy);

// One action [A] f32 out for an observation [O] f64, on the caller's thread.
//   scratch  udy_policy_scratch_size floats, the caller's
//   rng      the random policy draws from it; others leave it alone. Nullable for those
void udy_policy_act(const udy_policy *policy, const double *obs, float *action, float *scratch,
                    udy_rng *rng);
size_t udy_policy_scratch_size(const udy_policy *policy);
// Actions for n observations, in batches on all threads: actions [n, A] from obs [n, O].
// UDY_EINVAL for the random policy.
int udy_policy_label(const udy_policy *policy, udy_pool *pool, const float *obs, size_t n,
                     float *actions, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Rollouts ----------------------------------------------

// One episode. Arrays are NULL where the rollout did not record.
typedef struct udy_episode {
    uint64_t seed;
    int length;    // control steps T
    double ret;    // sum of rewards, undiscounted
    double speed;  // mean x_velocity, m/s
    udy_end end;
    double terms[UDY_TERMS_MAX];  // sum of each reward term
    int expert_steps;             // steps at which the expert acted (beta > 0)
    float *obs;                   // [T, O] before each step
    float *action;                // [T, A] what was executed
    float *reward;                // [T]
} udy_episode;

typedef struct udy_rollout_job {
    const udy_policy *policy;
    // DAgger's mixture (Ross et al. 2011, algorithm 3.1): at each step the expert acts with
    // probability beta. Nullable: expert (then beta is 0)
    const udy_policy *expert;
    double beta;
    uint64_t seed;  // the episode's reset(seed); also seeds the random policy and the mixture
    bool record;
} udy_rollout_job;

// Run n jobs, each a whole episode, on all threads of batch. episodes [n] out: initialise to zero
// once; recorded arrays are the episode's, free with udy_episodes_free. stage: for progress.
int udy_rollout(udy_batch *batch, const udy_task *task, const udy_rollout_job *jobs, int n,
                udy_episode *episodes, const char *stage, const udy_progress *progress,
                udy_error *err) UDY_MUST_CHECK;
void udy_episodes_free(udy_episode *episodes, int n);  // frees what they recorded

//------------------------------------------ Datasets ----------------------------------------------

// A folder of append-only safetensors shards (understudy.dataset/1) with manifest.json. Columns:
//   observation [n, O] f32     action [n, A] f32: the label       behaviour [n, A] f32: executed
//   reward [n] f32   terminated, truncated [n] u8   episode, round [n] i32
//   labeller [n] u8: who gave `action` (udy_labeller)
// A shard is written whole, by rename, then the manifest: a crash loses at most the shard under way.
// Shards are mapped, not read: a dataset larger than memory trains.
typedef struct udy_dataset udy_dataset;

typedef enum { UDY_LABELLER_EXPERT = 0 } udy_labeller;

// Make a new folder for task's shape. UDY_EEXIST where path exists and is not an empty folder.
int udy_dataset_create(udy_dataset **out, const char *path, const udy_task *task,
                       const char *made_by, udy_error *err) UDY_MUST_CHECK;
// Open for reading and appending. A shard that is missing, cut short or malformed is skipped, with
// a message to progress, and the rest used.
int udy_dataset_open(udy_dataset **out, const char *path, const udy_progress *progress,
                     udy_error *err) UDY_MUST_CHECK;
void udy_dataset_close(udy_dataset *dataset);  // NULL is legal

// Append whole episodes (recorded) as one shard. labels [sum of lengths, A]; NULL: the actions.
int udy_dataset_append(udy_dataset *dataset, const udy_episode *episodes, int n,
                       const float *labels, int round, udy_error *err) UDY_MUST_CHECK;
// Roll `policy` out until the dataset holds `episodes` episodes and append them, some at a time:
// what is there already is kept, so a killed collection goes on. Episode i resets with seed + i.
int udy_dataset_collect(udy_dataset *dataset, udy_batch *batch, const udy_task *task,
                        const udy_policy *policy, int episodes, uint64_t seed, const char *stage,
                        const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
// Forget every shard after the first n (a stage that is done again after a kill).
int udy_dataset_truncate(udy_dataset *dataset, int n_shards, udy_error *err) UDY_MUST_CHECK;

typedef struct udy_dataset_info {
    const char *path, *task;  // task: its id
    bool contact_obs;
    int obs_dim, act_dim;
    int n_shards, n_shards_bad;
    uint64_t n_rows;
    int n_episodes;
    uint64_t n_labels;  // rows labelled by the expert
} udy_dataset_info;
udy_dataset_info udy_dataset_info_of(const udy_dataset *dataset);
// One episode of the dataset, by its order in the folder.
typedef struct udy_dataset_episode {
    uint64_t first_row;
    int length, round;
    double ret;
    bool terminated, truncated;
} udy_dataset_episode;
udy_dataset_episode udy_dataset_episode_at(const udy_dataset *dataset, int i);
// Row r's observation [O] and label [A], in the map. Rows are numbered through all good shards.
const float *udy_dataset_obs(const udy_dataset *dataset, uint64_t r);
const float *udy_dataset_action(const udy_dataset *dataset, uint64_t r);
// Look for NaN and infinities; UDY_ENONFINITE names shard, column and row.
int udy_dataset_check(const udy_dataset *dataset, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Behavioural cloning -----------------------------------

// Pomerleau 1988; as the tutorial: MSE regression of the expert's actions, Adam.
typedef struct udy_bc_config {
    udy_ints hidden;               // hidden layer widths, [256, 256]
    int activation, output, init;  // udy_activation, udy_activation, udy_init
    int epochs;                    // at most
    int batch_size;
    double learning_rate, weight_decay;
    double val_fraction;  // share of episodes held out for the validation loss; 0: none
    int patience;         // stop after so many epochs without a better validation loss; 0: never
} udy_bc_config;
extern const udy_field udy_bc_config_fields[];
udy_bc_config udy_bc_config_default(void);  // the tutorial's

// A training: network, Adam, order of minibatches, loss curve. Checkpoints resume it to the bit.
typedef struct udy_bc udy_bc;

// seed: initial weights, order and held-out episodes come from its streams "bc/...", index
// `stream` (so that each DAgger round draws its own). Task: for shapes and the policy's metadata.
int udy_bc_create(udy_bc **out, const udy_bc_config *config, const udy_task *task, udy_pool *pool,
                  uint64_t seed, uint64_t stream, udy_error *err) UDY_MUST_CHECK;
void udy_bc_destroy(udy_bc *bc);  // NULL is legal
// Start from these weights instead of fresh ones (DAgger's warm start).
int udy_bc_warm_start(udy_bc *bc, const udy_policy *policy, udy_error *err) UDY_MUST_CHECK;
// Train until config.epochs or patience ends it. stage: for progress. checkpoint_path (Nullable):
// written every few seconds and on interruption, read back first where it exists; remove it when
// the result is saved. Returns UDY_EINTERRUPTED when progress asked to stop (checkpoint saved), UDY_ENONFINITE on
// NaN in data or loss (err names epoch, batch and the file with the state before it).
int udy_bc_train(udy_bc *bc, const udy_dataset *dataset, const char *stage,
                 const char *checkpoint_path, const udy_progress *progress, udy_error *err)
    UDY_MUST_CHECK;

typedef struct udy_bc_epoch {
    double train_loss;  // mean over the epoch's minibatches, each before its update
    double val_loss;    // on the held-out episodes, after the epoch; NaN: none held out
} udy_bc_epoch;
int udy_bc_epochs(const udy_bc *bc);                 // done so far
const udy_bc_epoch *udy_bc_curve(const udy_bc *bc);  // [udy_bc_epochs]
int udy_bc_best_epoch(const udy_bc *bc);             // lowest validation loss, else the last
int64_t udy_bc_updates(const udy_bc *bc);            // Adam steps taken
// The last weights, or those of the best epoch, as a policy.
int udy_bc_policy(const udy_bc *bc, bool best, udy_policy **out, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ DAgger ------------------------------------------------

// Ross, Gordon & Bagnell 2011, arXiv:1011.0686, algorithm 3.1.
typedef enum { UDY_BETA_CONSTANT, UDY_BETA_LINEAR, UDY_BETA_EXPONENTIAL, UDY_BETA_COUNT } udy_beta;

typedef struct udy_dagger_config {
    int initial_episodes;  // of the expert, before the first round
    int rounds;
    int episodes_per_round;  // of the learner (or the mixture), labelled by the expert
    int beta_schedule;       // a udy_beta
    double beta;          // constant: beta_i = beta; linear: max(0, beta (1 - (i-1)/beta_rounds));
                          // exponential: beta^(i-1) (beta_1 = 1), as the paper's p^(i-1)
    int beta_rounds;      // linear: rounds until 0
    bool warm_start;      // go on from the last round's weights; false: from scratch
    int select_episodes;  // evaluation episodes that choose the best round
} udy_dagger_config;
extern const udy_field udy_dagger_config_fields[];
udy_dagger_config udy_dagger_config_default(void);                   // the tutorial's
double udy_dagger_beta(const udy_dagger_config *config, int round);  // round 1..rounds

// One round's record. Round 0 is the policy cloned from the initial demonstrations; round i's was
// trained after the mixture of round i-1's policy and the expert was rolled out and labelled.
typedef struct udy_dagger_round {
    int round;              // 0..rounds
    double beta;            // of the rollouts that this round added; 1 for round 0
    double train_loss;      // the last epoch's, of the policy trained this round
    uint64_t labels;        // expert labels it was trained on, the demonstrations' among them
    int64_t updates;        // Adam steps of this round's training
    double collect_return;  // mean return of the episodes that this round added
    udy_episode *select;    // [n_select] selection episodes of this round's policy, not recorded
    int n_select;
    double select_mean;  // their mean return
    double seconds;      // wall-clock to make the policy: collect, label, train
} udy_dagger_round;

// A round as an object: its numbers, without the selection episodes. The caller's to free.
udy_json *udy_dagger_round_json(const udy_dagger_round *round);

typedef struct udy_dagger udy_dagger;

// State lives in folder dir: data/dagger (dataset), policies/dagger-NN.safetensors, checkpoints/;
// opening it again goes on where it was left, with the same bits, whatever killed it.
//   demos  the expert's demonstrations: the first initial_episodes are copied in. NULL: collected
// Seeds: round r collects with reset seeds from its own range of the run's seed, selection episodes
// from another; no two overlap and none is an evaluation's (udy_seed_range).
int udy_dagger_open(udy_dagger **out, const udy_dagger_config *config, const udy_bc_config *bc,
                    const udy_task *task, udy_batch *batch, udy_pool *pool,
                    const udy_policy *expert, const udy_dataset *demos, uint64_t seed,
                    const char *dir, const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
void udy_dagger_close(udy_dagger *dagger);  // NULL is legal
// One round: collect with the last policy (the mixture), label in one batch, append, train on all
// data, evaluate on the selection seeds, save. Returns 1 if a round was done, 0 when all are, or
// an error.
int udy_dagger_step(udy_dagger *dagger, udy_error *err) UDY_MUST_CHECK;
int udy_dagger_rounds_done(const udy_dagger *dagger);  // records: rounds 0..n-1
const udy_dagger_round *udy_dagger_round_at(const udy_dagger *dagger, int i);
int udy_dagger_best(const udy_dagger *dagger);  // the round with the highest select_mean
int udy_dagger_policy_path(const udy_dagger *dagger, int i, char out[UDY_PATH_MAX], udy_error *err)
    UDY_MUST_CHECK;

// First reset seed of a purpose: every purpose of a run has 2^20 seeds of its own, laid out so that
// a Gymnasium user can repeat any episode: (seed * 64 + purpose) * 2^20.
typedef enum {
    UDY_SEEDS_DEMOS = 0,     // demonstrations
    UDY_SEEDS_DAGGER = 1,    // episodes that DAgger collects
    UDY_SEEDS_SELECT = 2,    // episodes that choose the best round
    UDY_SEEDS_EVALUATE = 3,  // episodes of the results table
} udy_seed_purpose;
uint64_t udy_seed_range(uint64_t run_seed, udy_seed_purpose purpose);

#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_LEARN_H_
