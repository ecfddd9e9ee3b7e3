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
#pragma GCC visibility push(default)

//------------------------------------------ Policies ----------------------------------------------

// What turns an observation into an action: a network with its task, or uniformly random.
// Immutable once made; shared by any number of threads.
typedef struct udy_policy udy_policy;

// A deterministic policy's action is the network's output: where the output activation is tanh,
// scaled to the action bounds, mid + half-range * tanh(.); any other output is the action itself.
// Where the file says so (policies that Stable-Baselines3's PPO made), it is then clipped to them.
// Likewise an observation may be clipped first, to obs_low and obs_high of the file.
// A Gaussian policy (SAC's) has a second head besides, log_std = bound(W h + b) on the last hidden
// layer h, and can also be sampled: a = tanh(mean + exp(log_std) * N(0, 1)), scaled likewise, where
// `mean` is the output layer before its activation. Deterministic use leaves the head alone.

// How the head's numbers z become log-std in [min, max].
typedef enum {
    UDY_LOG_STD_CLAMP,   // min(max(z, min), max), as Stable-Baselines3
    UDY_LOG_STD_SQUASH,  // min + (max - min) / 2 * (tanh z + 1), as CleanRL
    UDY_LOG_STD_COUNT
} udy_log_std_bound;

// Read a policy file (format understudy.policy/1): tensors net.<2l>.weight/bias, activations in the
// metadata. A Gaussian policy's has log_std.weight [A, H] and log_std.bias [A] besides, with
// metadata log_std_bound ("clamp", "squash"), log_std_min and log_std_max; a clamp to [-20, 2]
// where it says nothing. Action bounds are action_low and action_high; [-1, 1] where a tanh policy
// says nothing. action_clip "true": actions are clipped to the bounds. obs_low and obs_high, O
// numbers each: what observations are clipped to. Errors name file, tensor, expected and found.
int udy_policy_load(udy_policy **out, const char *path, udy_error *err) UDY_MUST_CHECK;
// Write one, atomically: weights, head, and all that the file said it was loaded from. extra:
// metadata to add or to put in the place of the file's (how it was made, its return); the format's
// own keys are the policy's to say.
int udy_policy_save(const udy_policy *policy, const char *path, const udy_text_pair *extra,
                    size_t n_extra, udy_error *err) UDY_MUST_CHECK;
// A policy around a copy of mlp, for the task's id, observation form and action bounds.
int udy_policy_from_mlp(udy_policy **out, const udy_mlp *mlp, const udy_task *task, udy_error *err)
    UDY_MUST_CHECK;
// The same with a Gaussian head. mlp's output is tanh or identity; else UDY_EUNSUPPORTED.
//   weight [A, H], bias [A]   copied
//   range                     of log_std, low end first
int udy_policy_from_gaussian(udy_policy **out, const udy_mlp *mlp, const float *weight,
                             const float *bias, udy_log_std_bound bound, const double range[2],
                             const udy_task *task, udy_error *err) UDY_MUST_CHECK;
// A policy with the weights, bounds and head of one of other software, copied. name: what messages
// and udy_policy_name call it. UDY_EINVAL, UDY_EUNSUPPORTED, UDY_ENONFINITE: what is wrong with it.
int udy_policy_from_plain(udy_policy **out, const udy_plain_policy *plain, const char *name,
                          udy_error *err) UDY_MUST_CHECK;
// The way back: a view into policy, good while it lives; there is no block to free.
// UDY_EUNSUPPORTED: the random policy has no weights.
int udy_policy_plain(udy_plain_policy *out, const udy_policy *policy, udy_error *err)
    UDY_MUST_CHECK;
// Actions uniform in the action bounds, as Gymnasium's action_space.sample() is distributed.
int udy_policy_random(udy_policy **out, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
void udy_policy_destroy(udy_policy *policy);  // NULL is legal

// Does it fit the task (id, observation form and size, action size and bounds)? UDY_EMISMATCH names
// both. Bounds are compared as float32; a policy that does not scale and states none fits any.
int udy_policy_check(const udy_policy *policy, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
const udy_mlp *udy_policy_mlp(const udy_policy *policy);  // NULL: random
const char *udy_policy_name(const udy_policy *policy);    // the file's path, or "random", or "mlp"
// What a person calls a policy's file: "runs/x/policies/bc-best.safetensors" gives "bc-best". Cut to
// size.
void udy_policy_short_name(char *out, size_t size, const char *path);
const char *udy_policy_task(const udy_policy *policy);  // task id, "" where unknown
const char *udy_policy_metadata(const udy_policy *policy, const char *key);  // NULL: absent
bool udy_policy_contact_obs(const udy_policy *policy);
bool udy_policy_gaussian(const udy_policy *policy);  // has it a head to sample with?
// Tells one deterministic policy from another: shape, activations, weights, scaling. 0: random.
uint64_t udy_policy_hash(const udy_policy *policy);

// One action [A] f32 out for an observation [O] f64, on the caller's thread.
//   scratch  udy_policy_scratch_size floats, the caller's
//   rng      the random policy draws from it; others leave it alone. Nullable for those
void udy_policy_act(const udy_policy *policy, const double *obs, float *action, float *scratch,
                    udy_rng *rng);
// The same with the action drawn from the policy's Gaussian: A draws of udy_rng_normal from rng.
// UDY_EINVAL without a head (err says so; nothing is drawn or written).
int udy_policy_sample(const udy_policy *policy, const double *obs, float *action, float *scratch,
                      udy_rng *rng, udy_error *err) UDY_MUST_CHECK;
size_t udy_policy_scratch_size(const udy_policy *policy);  // for either
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
    // With record_physics: the state before each step, and what the step gave.
    double *qpos, *qvel;         // [T, nq], [T, nv]
    float *height, *x_velocity;  // [T] m (NaN where the task has no height), m/s
} udy_episode;

typedef struct udy_rollout_job {
    const udy_policy *policy;
    // DAgger's mixture (Ross et al. 2011, algorithm 3.1): at each step the expert acts with
    // probability beta. Nullable: expert (then beta is 0)
    const udy_policy *expert;
    double beta;
    uint64_t seed;  // the episode's reset(seed); also seeds random policy, mixture and samples
    bool record;
    bool record_physics;  // with record: qpos, qvel, height, x_velocity too
    // policy acts by udy_policy_sample, with noise from a stream of seed; UDY_EINVAL where it has
    // no head. The expert of a mixture stays deterministic, as its labels are.
    bool stochastic;
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

//------------------------------------------ Datasets in and out -----------------------------------

typedef struct udy_import_config {
    udy_recording_source source;  // io.h
    int episodes;                 // the first so many; 0: all
    const char *expert;           // who acted, for the record. Nullable
} udy_import_config;

typedef struct udy_import_report {
    udy_recording_facts facts;
    int n_episodes;
    uint64_t n_steps;
    double mean_return;
    int terminated, cut_short;  // episodes; cut short: the recording says nothing of how they ended
    int empty;                  // episodes without a step, left out
    uint64_t beyond_bounds;     // numbers in actions outside the task's bounds
    bool other_version;         // recorded on another version of the task: "Ant-v4" for "Ant-v5"
} udy_import_report;

// Make a dataset of what other software recorded: whole or not at all, in a new folder. Numbers
// become float32; an observation after an episode's last step is left out; an episode whose end is
// not said is marked truncated. Reads a bounded part at a time.
//   out     a folder that does not exist, or an empty one; made beside it and renamed into place
//   task    what it is of: dimensions must be its own, and where the recording names an environment,
//           that must be the task or another version of it. UDY_EMISMATCH names both
// Returns UDY_EINTERRUPTED when progress asked to stop (nothing is left), UDY_ENONFINITE (err names
// the place), UDY_EUNSUPPORTED (spaces that are no vectors), UDY_EFORMAT, ...
int udy_dataset_import(const char *out, const udy_import_config *config, const udy_task *task,
                       const udy_progress *progress, udy_import_report *report, udy_error *err)
    UDY_MUST_CHECK;

typedef enum {
    UDY_EXPORT_MINARI,
    UDY_EXPORT_CSV,
    UDY_EXPORT_NPZ,
    UDY_EXPORT_COUNT
} udy_export_format;

typedef struct udy_export_config {
    int format;  // a udy_export_format
    const char
        *id;     // Minari's name for it, "ant/mine-v0". Nullable: the task's, "ant/understudy-v0"
    bool force;  // in the place of one that is there
} udy_export_config;

typedef struct udy_export_report {
    char path[UDY_PATH_MAX];  // the file or folder that was made
    char id[128];             // Minari's name for it; "" for other formats
    int n_episodes;
    uint64_t n_steps;
    int replayed;  // Minari: episodes whose last observation was found by playing them again
} udy_export_report;

// Write a dataset as other software reads it.
//   out    Minari: the folder of datasets (MINARI_DATASETS_PATH), it goes to out/id; else the file
//   batch  Minari keeps an observation after the last step, which ours does not: where the dataset
//          was collected here, its episodes are played again to get it, and it is the true one if all
//          that was recorded comes out alike. Else the last one is repeated, and marked so. Nullable:
//          all are repeated
// Minari's actions, like .npz's, are those that were executed; labels that differ stand beside them.
int udy_dataset_export(const udy_dataset *dataset, const char *out, const udy_export_config *config,
                       const udy_task *task, udy_batch *batch, const udy_progress *progress,
                       udy_export_report *report, udy_error *err) UDY_MUST_CHECK;

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
// The training of round udy_dagger_rounds_done, for progress callbacks to look at; NULL: none is
// under way.
const udy_bc *udy_dagger_training(const udy_dagger *dagger);

//------------------------------------------ Soft actor-critic -------------------------------------

// Haarnoja et al. 2018, arXiv:1812.05905 (SAC with automatic temperature), and what makes its critic
// better, each a setting: normalised networks (CrossQ, Bhatt et al. 2024, arXiv:1902.05605; LayerNorm,
// Ba et al. 2016), weights of unit norm and a categorical value (XQC, Palenicek et al. 2025; C51's
// projection, Bellemare et al. 2017, arXiv:1707.06887), rewards scaled by the return's spread.
typedef enum {
    UDY_VALUE_SCALAR,
    UDY_VALUE_CATEGORICAL,  // a distribution, its Bellman image projected onto the bins
    UDY_VALUE_HISTOGRAM,  // the same bins, the target a narrow Gaussian about the value (HL-Gauss)
    UDY_VALUE_COUNT
} udy_value;

typedef enum {
    UDY_DECAY_LINEAR,
    UDY_DECAY_INVERSE  // its inverse is linear: fast at first
} udy_decay;

typedef struct udy_sac_config {
    // Experience.
    int steps;  // environment steps in all
    // What of them, and of updates, another training had done that this one goes on from
    // (udy_sac_load_from); schedules and their shares are of the updates after that. 0: from nothing
    int from_steps, from_updates;
    int n_envs;               // simulations that step together
    int random_steps;         // uniformly random actions before the policy's, no updates
    double updates_per_step;  // update-to-data ratio
    int replay_size;          // transitions kept
    int batch_size;
    int n_step;  // rewards before bootstrapping
    // At the first and last update; 1 / (1 - gamma) is linear between, from the share gamma_hold of all
    // updates on. A negative final: gamma throughout
    double gamma, gamma_final, gamma_hold;
    bool reward_scaling;  // divide rewards by the spread of the running discounted return
    double return_max;    // with reward_scaling: and so that the largest is at most this
    // Networks: widths of hidden layers, normalisation (udy_norm).
    udy_ints actor_hidden, critic_hidden;
    int actor_norm, critic_norm;
    bool actor_unit_weights, critic_unit_weights;  // units' incoming weights projected to norm 1
    bool joint_batch;     // BatchNorm's statistics over rows (s, a) and (s', a') together (CrossQ)
    bool joint_gradient;  // and gradients through those of (s', a') (as CrossQ); false: constants
    bool bf16;            // the critics' wide products with bfloat16 factors (udy_net_config)
    int value;            // a udy_value
    // Another kind of target for the same bins, from the share value_hold of all updates on.
    // UDY_VALUE_COUNT: value throughout
    int value_final;
    double value_hold;
    int bins;  // categorical: atoms, evenly spaced on [-value_max, value_max]
    double value_max;
    int log_std_bound;  // a udy_log_std_bound
    double log_std_range[2];
    // Learning.
    // Critics' and actor's, over all updates. A negative final: learning_rate throughout
    double learning_rate, learning_rate_final;
    int learning_rate_decay;  // a udy_decay
    double beta1;             // Adam's, of critic and actor
    double target_average;    // tau: share of the new weights a step
    double policy_average;    // the same for the policy that is deployed; 1: none
    int policy_delay;         // critic updates for one of actor and temperature
    double temperature;       // alpha at the start
    double temperature_learning_rate;
    // Times A; -1 is the paper's. Linear from the share target_entropy_hold of all updates on. A final of
    // 1, which no entropy on (-1, 1) reaches: target_entropy_per_action throughout
    double target_entropy_per_action, target_entropy_final, target_entropy_hold;
    // Evaluation and selection (udy_expert_train).
    int eval_interval;  // environment steps
    int eval_episodes;  // on the selection seeds
    int test_episodes;  // of the chosen policy, once, on fresh seeds
} udy_sac_config;
extern const udy_field udy_sac_config_fields[];
udy_sac_config udy_sac_config_default(void);  // SAC as published

// A training: simulations, replay, networks, optimisers, generators, counters.
typedef struct udy_sac udy_sac;

// batch: for the training's own simulations, config->n_envs of them, made by udy_batch_create for
// this task; the training resets it. pool: for updates. Both the caller's, kept until destroy.
int udy_sac_create(udy_sac **out, const udy_sac_config *config, const udy_task *task,
                   udy_batch *batch, udy_pool *pool, uint64_t seed, udy_error *err) UDY_MUST_CHECK;
void udy_sac_destroy(udy_sac *sac);  // NULL is legal

// What a training has done, and what its last updates showed.
typedef struct udy_sac_status {
    int64_t steps;    // environment steps
    int64_t updates;  // of the critics
    int64_t episodes;
    double return_mean, length_mean;         // of the last 20 episodes that ended; NaN: none yet
    int too_low, too_high;                   // of those 20
    double critic_loss, actor_loss, q_mean;  // means over the updates since the last status
    double temperature, entropy;             // entropy: of the policy, the same means
    double reward_scale;                     // what rewards are divided by
    double learning_rate;
} udy_sac_status;
// Read the status; means start afresh.
udy_sac_status udy_sac_status_take(udy_sac *sac);

// Go on for some control steps of every simulation, with their updates, until at least `steps`
// environment steps are done in all. Allocates nothing itself; oneDNN's float32 products do. Returns
// UDY_ENONFINITE when a loss, a value or a weight is NaN or beyond bounds (err says which, at which
// step and update), UDY_EPHYSICS.
int udy_sac_advance(udy_sac *sac, int64_t steps, udy_error *err) UDY_MUST_CHECK;

// The policy as it is: a plain network, normalisation folded into its weights, with its log-std
// head. Deterministic use: tanh of the mean.
int udy_sac_policy(const udy_sac *sac, udy_policy **out, udy_error *err) UDY_MUST_CHECK;

// Write everything into folder dir, so that udy_sac_load goes on with the same bits: a small file,
// renamed into place last, and the replay's rows since the last save, appended. dir is this
// training's alone. Load into a fresh training (one that has done no step) made with the same config,
// task and seed.
int udy_sac_save(udy_sac *sac, const char *dir, udy_error *err) UDY_MUST_CHECK;
int udy_sac_load(udy_sac *sac, const char *dir, udy_error *err) UDY_MUST_CHECK;
// Begin where another training ended, of config->from_steps and from_updates: load its checkpoint,
// with its networks, optimisers, temperature, replay, simulations and generators, under this
// training's own config, which may differ in all that changes none of their shapes. UDY_EMISMATCH:
// another task, shape or count; UDY_EFORMAT: a part is not there. Save into a folder of its own.
int udy_sac_load_from(udy_sac *sac, const char *dir, udy_error *err) UDY_MUST_CHECK;
// "", or where the checkpoint that was loaded was written with other vector instructions or another
// MuJoCo, both: from there on the bits are not those of the training that stayed. The sac's own text.
const char *udy_sac_moved(const udy_sac *sac);

// First reset seed of a purpose: every purpose of a run has 2^20 seeds of its own, laid out so that
// a Gymnasium user can repeat any episode: (seed * 64 + purpose) * 2^20.
typedef enum {
    UDY_SEEDS_DEMOS = 0,     // demonstrations
    UDY_SEEDS_DAGGER = 1,    // episodes that DAgger collects
    UDY_SEEDS_SELECT = 2,    // episodes that choose the best round
    UDY_SEEDS_EVALUATE = 3,  // episodes of the results table
    UDY_SEEDS_TRAIN = 4,     // episodes that reinforcement learning collects
    UDY_SEEDS_SHIFT = 5,     // episodes that the shift is measured on
} udy_seed_purpose;
uint64_t udy_seed_range(uint64_t run_seed, udy_seed_purpose purpose);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_LEARN_H_
