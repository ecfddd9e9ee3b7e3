// Behavioural cloning: regression of the expert's actions by minibatch MSE and Adam (Pomerleau
// 1988). Reads a dataset, drives nn's fused step, gives a policy; DAgger calls it every round.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "learn/config.h"
#include "learn/dataset.h"
#include "learn/policy.h"

static const double checkpoint_interval_s = 5;

static const char *const activation_names[] = {"identity", "relu", "tanh",       "sigmoid",  "elu",
                                               "silu",     "gelu", "leaky_relu", "softplus", NULL};
static const char *const init_names[] = {
    "pytorch",       "he_uniform", "he_normal", "xavier_uniform",
    "xavier_normal", "orthogonal", "zero",      NULL};

_Static_assert(sizeof activation_names / sizeof *activation_names == UDY_ACTIVATION_COUNT + 1,
               "a name for each activation");
_Static_assert(sizeof init_names / sizeof *init_names == UDY_INIT_COUNT + 1,
               "a name for each init");

#define AT(field) offsetof(udy_bc_config, field)
const udy_field udy_bc_config_fields[] = {
    {"hidden", UDY_FIELD_INTS, AT(hidden), 0, 1, 16384, NULL, "widths of the hidden layers"},
    {"activation", UDY_FIELD_CHOICE, AT(activation), 0, 0, 0, activation_names,
     "of the hidden layers"},
    {"output", UDY_FIELD_CHOICE, AT(output), 0, 0, 0, activation_names, "of the output layer"},
    {"init", UDY_FIELD_CHOICE, AT(init), 0, 0, 0, init_names, "initial weights"},
    {"epochs", UDY_FIELD_INT, AT(epochs), 0, 1, 1e6, NULL, "passes over the data, at most"},
    {"batch_size", UDY_FIELD_INT, AT(batch_size), 0, 1, 1 << 20, NULL, "rows a minibatch"},
    {"learning_rate", UDY_FIELD_F64, AT(learning_rate), 0, 1e-12, 10, NULL, "Adam's"},
    {"weight_decay", UDY_FIELD_F64, AT(weight_decay), 0, 0, 10, NULL, "above 0: AdamW"},
    {"val_fraction", UDY_FIELD_F64, AT(val_fraction), 0, 0, 0.9, NULL,
     "share of the episodes held out for the validation loss"},
    {"patience", UDY_FIELD_INT, AT(patience), 0, 0, 1e6, NULL,
     "stop after so many epochs without a better validation loss; 0: never"},
    {0},
};
#undef AT

udy_bc_config udy_bc_config_default(void) {
    return (udy_bc_config){.hidden = {2, {256, 256}},
                           .activation = UDY_RELU,
                           .output = UDY_TANH,
                           .init = UDY_INIT_PYTORCH,
                           .epochs = 100,
                           .batch_size = 256,
                           .learning_rate = 1e-3,
                           .val_fraction = 0.1};
}

struct udy_bc {
    udy_bc_config config;
    const udy_task *task;
    udy_pool *pool;
    uint64_t seed, stream;
    udy_mlp *mlp;
    udy_adam *adam;
    udy_regression *regression;
    float *best;  // parameters of the best epoch
    size_t n_params;
    udy_bc_epoch *curve;          // [config.epochs]
    int epochs_done, best_epoch;  // best_epoch: index, -1 none
    // Where in the epoch under way, for checkpoints.
    uint32_t next_row;
    double loss_sum;
    bool finished;
    // Of the training under way.
    uint32_t *train, *order, *val;  // rows of the dataset; order: this epoch's
    uint32_t n_train, n_val;
    uint64_t data_hash;
    const udy_dataset *data;
    udy__scale scale;  // of the policy's actions: the network learns labels before it
};

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a training");
}

static int network_of(const udy_bc_config *config, const udy_task_info *info, udy_mlp_config *out,
                      udy_error *err) {
    int status = udy__config_check(config, udy_bc_config_fields, "bc.", err);
    if (status) return status;
    if (config->patience > 0 && !(config->val_fraction > 0))
        return udy_error_set(err, UDY_EINVAL,
                             "bc.patience is %d, but without bc.val_fraction there is no "
                             "validation loss to wait for",
                             config->patience);
    if (config->hidden.n + 1 > UDY_MLP_LAYERS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%d hidden layers: at most %d", config->hidden.n,
                             UDY_MLP_LAYERS_MAX - 1);
    *out = (udy_mlp_config){.n_layers = config->hidden.n + 1,
                            .hidden = (udy_activation)config->activation,
                            .output = (udy_activation)config->output,
                            .init = (udy_init)config->init};
    out->dims[0] = info->obs_dim;
    for (int i = 0; i < config->hidden.n; i++) out->dims[i + 1] = config->hidden.v[i];
    out->dims[out->n_layers] = info->act_dim;
    return UDY_OK;
}

int udy_bc_create(udy_bc **out, const udy_bc_config *config, const udy_task *task, udy_pool *pool,
                  uint64_t seed, uint64_t stream, udy_error *err) {
    *out = NULL;
    udy_mlp_config network;
    const udy_task_info *info = udy_task_info_of(task);
    udy__scale scale;
    int status = network_of(config, info, &network, err);
    if (!status)
        status = udy__scale_of(&scale, network.output, info->act_low, info->act_high, info->act_dim,
                               info->id, err);
    if (status) return status;
    udy_bc *bc = udy_alloc(sizeof *bc);
    if (!bc) return out_of_memory(err);
    *bc = (udy_bc){.config = *config,
                   .task = task,
                   .pool = pool,
                   .seed = seed,
                   .stream = stream,
                   .scale = scale,
                   .best_epoch = -1};
    udy_adam_config adam = udy_adam_config_default();
    adam.learning_rate = config->learning_rate;
    adam.weight_decay = config->weight_decay;
    status = udy_mlp_create(&bc->mlp, &network, err);
    if (!status) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "bc/init", stream);
        udy_mlp_init(bc->mlp, &rng);
        udy_mlp_params(bc->mlp, &bc->n_params);
        status = udy_adam_create(&bc->adam, bc->n_params, &adam, err);
    }
    if (!status)
        status = udy_regression_create(&bc->regression, bc->mlp, bc->adam, config->batch_size, pool,
                                       err);
    if (!status) {
        bc->best = udy_alloc(bc->n_params * sizeof(float));
        bc->curve = udy_alloc((size_t)config->epochs * sizeof *bc->curve);
        if (!bc->best || !bc->curve) status = out_of_memory(err);
    }
    if (status)
        udy_bc_destroy(bc);
    else
        *out = bc;
    return status;
}

static void drop_rows(udy_bc *bc) {
    udy_free(bc->train);
    udy_free(bc->order);
    udy_free(bc->val);
    bc->train = bc->order = bc->val = NULL;
}

void udy_bc_destroy(udy_bc *bc) {
    if (!bc) return;
    drop_rows(bc);
    udy_regression_destroy(bc->regression);
    udy_adam_destroy(bc->adam);
    udy_mlp_destroy(bc->mlp);
    udy_free(bc->best);
    udy_free(bc->curve);
    udy_free(bc);
}

int udy_bc_warm_start(udy_bc *bc, const udy_policy *policy, udy_error *err) {
    int status = udy_policy_check(policy, bc->task, err);
    if (status) return status;
    const udy_mlp *from = udy_policy_mlp(policy);
    if (!from || udy_mlp_copy(bc->mlp, from))
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: its network has another shape than the one "
                             "being trained",
                             udy_policy_name(policy));
    return UDY_OK;
}

//------------------------------------------ Rows --------------------------------------------------

// Tells one dataset from another of as many rows: the size, return, first and last label of each
// episode, which does not read all of it.
static uint64_t hash_of_data(const udy_dataset *dataset, const udy_dataset_info *info) {
    size_t label = (size_t)info->act_dim * sizeof(float);
    uint64_t hash = 0;
    for (int i = 0; i < info->n_episodes; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(dataset, i);
        uint64_t last = e.first_row + (uint64_t)e.length - 1;
        const uint64_t parts[] = {hash, e.first_row, udy_hash(&e.ret, sizeof e.ret),
                                  udy_hash(udy_dataset_action(dataset, e.first_row), label),
                                  udy_hash(udy_dataset_action(dataset, last), label)};
        hash = udy_hash(parts, sizeof parts);
    }
    return hash;
}

// Hold out whole episodes: rows of one episode are too alike for an honest validation loss.
static int split_rows(udy_bc *bc, const udy_dataset *dataset, udy_error *err) {
    udy_dataset_info info = udy_dataset_info_of(dataset);
    if (info.n_rows == 0)
        return udy_error_set(err, UDY_EINVAL, "%s: holds no rows to train on", info.path);
    if (info.n_rows > UINT32_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %llu rows; at most %lu", info.path,
                             (unsigned long long)info.n_rows, (unsigned long)UINT32_MAX);
    uint32_t E = (uint32_t)info.n_episodes;
    uint32_t n_held = (uint32_t)lround(bc->config.val_fraction * E);
    if (bc->config.val_fraction > 0 && n_held == 0) n_held = 1;
    if (n_held >= E) n_held = E - 1;
    size_t bytes = info.n_rows * sizeof(uint32_t);
    uint32_t *shuffled = udy_alloc(E * sizeof(uint32_t));
    bool *held = udy_alloc(E * sizeof(bool));
    bc->train = udy_alloc(bytes);
    bc->order = udy_alloc(bytes);
    bc->val = udy_alloc(bytes);
    bc->n_train = bc->n_val = 0;
    bc->data_hash = hash_of_data(dataset, &info);
    bc->data_hash = udy__scale_hash(&bc->scale, bc->data_hash, info.act_dim);
    int status =
        shuffled && held && bc->train && bc->order && bc->val ? UDY_OK : out_of_memory(err);
    if (!status) {
        udy_rng rng;
        udy_rng_init_stream(&rng, bc->seed, "bc/holdout", bc->stream);
        udy_rng_permutation(&rng, shuffled, E);
        for (uint32_t i = 0; i < n_held; i++) held[shuffled[i]] = true;
        for (uint32_t i = 0; i < E; i++) {
            udy_dataset_episode e = udy_dataset_episode_at(dataset, (int)i);
            for (int t = 0; t < e.length; t++) {
                uint32_t row = (uint32_t)e.first_row + (uint32_t)t;
                if (held[i])
                    bc->val[bc->n_val++] = row;
                else
                    bc->train[bc->n_train++] = row;
            }
        }
    }
    udy_free(shuffled);
    udy_free(held);
    return status;
}

// Rows as the network learns them: a tanh output's labels are mapped from the action bounds to
// [-1, 1], where the policy's actions are mapped back from.
static void fill_rows(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const udy_bc *bc = ctx;
    udy__dataset_fill((void *)(uintptr_t)bc->data, index, n, x, y);
    udy__unscale_actions(&bc->scale, y, (size_t)n, udy_task_info_of(bc->task)->act_dim);
}

// The epoch's order depends on seed, stream and epoch alone: nothing to save for a resume.
static void shuffle_epoch(udy_bc *bc) {
    udy_rng rng;
    udy_rng_init_stream(&rng, bc->seed, "bc/order", bc->stream << 32 | (uint64_t)bc->epochs_done);
    udy_rng_permutation(&rng, bc->order, bc->n_train);
    for (uint32_t i = 0; i < bc->n_train; i++) bc->order[i] = bc->train[bc->order[i]];
}

//------------------------------------------ Checkpoints -------------------------------------------

enum { CURVE = 4 };  // after params, best, m, v

static int describe_state(udy_bc *bc, udy_tensor out[CURVE + 1]) {
    const char *const names[CURVE] = {"params", "best", "adam.m", "adam.v"};
    size_t n;
    float *data[CURVE] = {udy_mlp_params(bc->mlp, &n), bc->best, udy_adam_m(bc->adam),
                          udy_adam_v(bc->adam)};
    for (int i = 0; i < CURVE; i++)
        out[i] = (udy_tensor){.name = names[i],
                              .dtype = UDY_F32,
                              .ndim = 1,
                              .shape = {(int64_t)bc->n_params},
                              .data = data[i],
                              .n_bytes = bc->n_params * sizeof(float)};
    out[CURVE] = (udy_tensor){.name = "curve",
                              .dtype = UDY_F64,
                              .ndim = 2,
                              .shape = {bc->epochs_done, 2},
                              .data = bc->curve,
                              .n_bytes = (size_t)bc->epochs_done * sizeof *bc->curve};
    return CURVE + 1;
}

// What a checkpoint must agree in with the training that takes it up.
enum { PRINT_MAX = 128 };
static void fingerprint(const udy_bc *bc, char out[PRINT_MAX]) {
    char *settings = udy_settings_facts(&bc->config, udy_bc_config_fields);
    uint64_t hash = settings ? udy_hash(settings, strlen(settings)) : 0;
    udy_free(settings);
    snprintf(out, PRINT_MAX, "%016llx %llu %llu %u %u %016llx", (unsigned long long)hash,
             (unsigned long long)bc->seed, (unsigned long long)bc->stream, bc->n_train, bc->n_val,
             (unsigned long long)bc->data_hash);
}

static int save_state(udy_bc *bc, const char *path, const char *batch, udy_error *err) {
    udy_tensor tensors[CURVE + 1];
    int n = describe_state(bc, tensors);
    char print[PRINT_MAX], best[16], next[16], sum[UDY__NUMBER_MAX], t[24];
    fingerprint(bc, print);
    snprintf(best, sizeof best, "%d", bc->best_epoch);
    snprintf(next, sizeof next, "%u", bc->next_row);
    udy__double_print(sum, bc->loss_sum);
    snprintf(t, sizeof t, "%lld", (long long)*udy_adam_t(bc->adam));
    const udy_text_pair metadata[] = {
        {"format", "understudy.training/1"},
        {"training", print},
        {"best_epoch", best},
        {"next_row", next},
        {"loss_sum", sum},
        {"adam_t", t},
        {"batch_rows", batch ? batch : ""},
    };
    return udy_safetensors_write(path, tensors, (size_t)n, metadata,
                                 sizeof metadata / sizeof metadata[0], err);
}

// best_epoch, next_row, loss_sum, adam_t. All but the sum are whole.
static int read_counters(const udy_safetensors *file, double value[4], udy_error *err) {
    static const char *const keys[] = {"best_epoch", "next_row", "loss_sum", "adam_t"};
    for (int i = 0; i < 4; i++) {
        const char *text = udy_safetensors_metadata(file, keys[i]);
        if (!text || !udy__double_parse(&value[i], text) || !isfinite(value[i]) ||
            (i != 2 && value[i] != floor(value[i])))
            return udy_error_set(err, UDY_EFORMAT, "%s: metadata '%s' is not a number that fits",
                                 udy_safetensors_path(file), keys[i]);
    }
    return UDY_OK;
}

static int restore(udy_bc *bc, const udy_safetensors *file, udy_error *err) {
    char print[PRINT_MAX];
    fingerprint(bc, print);
    const char *found = udy_safetensors_metadata(file, "training");
    if (!found || strcmp(found, print))
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: a checkpoint of another training (other settings, "
                             "seed or data); remove it to start anew",
                             udy_safetensors_path(file));
    double value[4];
    int status = read_counters(file, value, err);
    if (status) return status;
    udy_tensor own[CURVE + 1];
    const udy_tensor *read[CURVE + 1];
    describe_state(bc, own);
    own[CURVE].shape[0] = -1;
    for (int i = 0; i <= CURVE; i++) {
        status = udy_safetensors_require(file, own[i].name, own[i].dtype, own[i].ndim, own[i].shape,
                                         &read[i], err);
        if (status) return status;
    }
    int64_t epochs = read[CURVE]->shape[0];
    if (epochs > bc->config.epochs || value[0] >= (double)epochs || value[0] < -1 || value[1] < 0 ||
        value[1] > bc->n_train || value[3] < 0 || value[3] > 0x1p53)
        return udy_error_set(err, UDY_EFORMAT, "%s: counters out of range",
                             udy_safetensors_path(file));
    for (int i = 0; i < CURVE; i++)
        memcpy((void *)(uintptr_t)own[i].data, read[i]->data, own[i].n_bytes);
    if (epochs) memcpy(bc->curve, read[CURVE]->data, (size_t)epochs * sizeof *bc->curve);
    udy_mlp_sync(bc->mlp);
    bc->epochs_done = (int)epochs;
    bc->best_epoch = (int)value[0];
    bc->next_row = (uint32_t)value[1];
    bc->loss_sum = value[2];
    *udy_adam_t(bc->adam) = (int64_t)value[3];
    return UDY_OK;
}

static int load_state(udy_bc *bc, const char *path, udy_error *err) {
    if (!path || !udy_file_exists(path)) return UDY_OK;
    udy_safetensors *file;
    int status = udy_safetensors_open(&file, path, err);
    if (status) return status;
    status = restore(bc, file, err);
    udy_safetensors_close(file);
    return status;
}

//------------------------------------------ Training ----------------------------------------------

static bool is_over(const udy_bc *bc) {
    if (bc->epochs_done >= bc->config.epochs) return true;
    return bc->config.patience > 0 && bc->n_val > 0 && bc->best_epoch >= 0 &&
           bc->epochs_done - 1 - bc->best_epoch >= bc->config.patience;
}

static int tell(const udy_bc *bc, const char *stage, const udy_progress *progress) {
    int64_t per_epoch =
        (bc->n_train + (uint32_t)bc->config.batch_size - 1) / (uint32_t)bc->config.batch_size;
    int64_t done = bc->epochs_done * per_epoch + bc->next_row / (uint32_t)bc->config.batch_size;
    char note[96] = "";
    if (bc->epochs_done) {
        const udy_bc_epoch *last = &bc->curve[bc->epochs_done - 1];
        int used = snprintf(note, sizeof note, "epoch %d/%d, loss %.5f", bc->epochs_done,
                            bc->config.epochs, last->train_loss);
        if (bc->n_val)
            snprintf(note + used, sizeof note - (size_t)used, ", val %.5f", last->val_loss);
    }
    return udy_progress_advance(progress, stage, done, per_epoch * bc->config.epochs, "updates",
                                note);
}

// What a training tells and where it saves itself.
typedef struct session {
    const char *stage, *checkpoint_path;
    const udy_progress *progress;
    double last_told, last_saved;
} session;

static int interrupted(udy_bc *bc, const session *at, udy_error *err) {
    const char *path = at->checkpoint_path;
    int status = path ? save_state(bc, path, NULL, err) : UDY_OK;
    if (status) return status;
    return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted in epoch %d%s%s", at->stage,
                         bc->epochs_done + 1, path ? ", saved in " : "", path ? path : "");
}

// A number that is not finite: say where, and keep the state to look at. n: rows of the minibatch
// under way, which has not changed the state; 0: the epoch had ended.
static int report_nonfinite(udy_bc *bc, const session *at, const char *what, uint32_t n,
                            udy_error *err) {
    char kept[UDY_PATH_MAX + 64] = "";
    if (at->checkpoint_path) {
        char path[UDY_PATH_MAX];
        char *rows = udy_alloc((size_t)n * 12 + 1);
        size_t used = 0;
        for (uint32_t i = 0; rows && i < n; i++)
            used += (size_t)snprintf(rows + used, 12, "%s%u", i ? " " : "",
                                     bc->order[bc->next_row + i]);
        int status = udy_path_format(path, err, "%s.nonfinite", at->checkpoint_path);
        if (!status) status = save_state(bc, path, rows, err);
        udy_free(rows);
        if (!status)
            snprintf(kept, sizeof kept, "; the state %s is in %s", n ? "before it" : "then", path);
    }
    char where[96];
    if (n)
        snprintf(where, sizeof where, "in epoch %d, update %lld (rows %u to %u of the epoch)",
                 bc->epochs_done + 1, (long long)udy_bc_updates(bc) + 1, bc->next_row,
                 bc->next_row + n - 1);
    else
        snprintf(where, sizeof where, "after epoch %d, update %lld", bc->epochs_done + 1,
                 (long long)udy_bc_updates(bc));
    return udy_error_set(err, UDY_ENONFINITE,
                         "%s: %s is not finite %s%s. A lower bc.learning_rate may "
                         "help",
                         at->stage, what, where, kept);
}

// Between updates: tell, save, stop where asked to.
static int attend(udy_bc *bc, session *at, udy_error *err) {
    double now = udy_clock_s();
    if (now - at->last_told < 0.05) return UDY_OK;
    at->last_told = now;
    if (tell(bc, at->stage, at->progress)) return interrupted(bc, at, err);
    if (!at->checkpoint_path || now - at->last_saved < checkpoint_interval_s) return UDY_OK;
    at->last_saved = now;
    return save_state(bc, at->checkpoint_path, NULL, err);
}

// The last update's step is followed by no loss that would show it went astray.
static bool weights_are_finite(const udy_bc *bc) {
    size_t n;
    const float *params = udy_mlp_params(bc->mlp, &n);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(params[i])) return false;
    return true;
}

// Close an epoch whose rows are all done.
static int end_epoch(udy_bc *bc, const udy_row_source *rows, const session *at, udy_error *err) {
    udy_bc_epoch *epoch = &bc->curve[bc->epochs_done];
    epoch->train_loss = bc->loss_sum / bc->n_train;
    epoch->val_loss = NAN;
    if (bc->n_val &&
        udy_regression_evaluate(bc->regression, rows, bc->val, bc->n_val, &epoch->val_loss))
        return report_nonfinite(bc, at, "the validation loss", 0, err);
    if (!weights_are_finite(bc)) return report_nonfinite(bc, at, "a weight", 0, err);
    bool better = bc->n_val == 0 || bc->best_epoch < 0 ||
                  epoch->val_loss < bc->curve[bc->best_epoch].val_loss;
    if (better) {
        size_t n;
        memcpy(bc->best, udy_mlp_params(bc->mlp, &n), bc->n_params * sizeof(float));
        bc->best_epoch = bc->epochs_done;
    }
    bc->epochs_done++;
    bc->next_row = 0;
    bc->loss_sum = 0;
    return UDY_OK;
}

// The rest of the epoch under way.
static int run_epoch(udy_bc *bc, const udy_row_source *rows, session *at, udy_error *err) {
    const uint32_t B = (uint32_t)bc->config.batch_size;
    shuffle_epoch(bc);
    while (bc->next_row < bc->n_train) {
        uint32_t n = bc->n_train - bc->next_row < B ? bc->n_train - bc->next_row : B;
        double loss;
        if (udy_regression_step(bc->regression, rows, bc->order + bc->next_row, (int)n, &loss))
            return report_nonfinite(bc, at, "the loss", n, err);
        bc->loss_sum += loss * n;
        bc->next_row += n;
        int status = attend(bc, at, err);
        if (status) return status;
    }
    return end_epoch(bc, rows, at, err);
}

int udy_bc_train(udy_bc *bc, const udy_dataset *dataset, const char *stage,
                 const char *checkpoint_path, const udy_progress *progress, udy_error *err) {
    if (bc->finished) return udy_error_set(err, UDY_EINVAL, "%s: this training has ended", stage);
    int status = udy__dataset_fits(dataset, bc->task, err);
    if (!status) status = udy_dataset_check(dataset, err);
    if (!status) status = split_rows(bc, dataset, err);
    if (!status) status = load_state(bc, checkpoint_path, err);
    udy_row_source rows = {fill_rows, bc};
    bc->data = dataset;
    session at = {stage, checkpoint_path, progress, 0, udy_clock_s()};
    while (!status && !is_over(bc)) status = run_epoch(bc, &rows, &at, err);
    drop_rows(bc);
    if (status) return status;
    bc->finished = true;
    tell(bc, stage, progress);
    // The finished training is in memory only now; whoever called keeps what it made, then removes
    // the checkpoint, so that a kill in between loses nothing.
    return UDY_OK;
}

//------------------------------------------ Results -----------------------------------------------

int udy_bc_epochs(const udy_bc *bc) {
    return bc->epochs_done;
}
const udy_bc_epoch *udy_bc_curve(const udy_bc *bc) {
    return bc->curve;
}
int udy_bc_best_epoch(const udy_bc *bc) {
    return bc->best_epoch;
}
int64_t udy_bc_updates(const udy_bc *bc) {
    return *udy_adam_t(bc->adam);
}

int udy_bc_policy(const udy_bc *bc, bool best, udy_policy **out, udy_error *err) {
    if (!best || bc->best_epoch < 0) return udy_policy_from_mlp(out, bc->mlp, bc->task, err);
    udy_mlp *copy;
    int status = udy_mlp_create(&copy, udy_mlp_config_of(bc->mlp), err);
    if (status) return status;
    size_t n;
    memcpy(udy_mlp_params(copy, &n), bc->best, bc->n_params * sizeof(float));
    udy_mlp_sync(copy);
    status = udy_policy_from_mlp(out, copy, bc->task, err);
    udy_mlp_destroy(copy);
    return status;
}
