// A sweep's training: minibatch regression as udy_bc_train does it, with the same streams and so
// the same weights, but with three things of its own: the validation loss is that of other episodes
// (a share of one demonstration cannot be held out), looked at every so many updates (a small set's
// epoch is four of them), and the weights after the tutorial's epochs and the converged ones come
// from one training, which costs half of two.
#include <math.h>
#include <string.h>

#include "sweep.h"

typedef struct trainer {
    const udy_sweep_config *config;
    const udy__sweep_plan *plan;
    udy__sweep_desk *desk;
    const udy__sweep_rows *train, *val;
    udy_mlp *mlp;
    udy_adam *adam;
    udy_regression *regression;
    uint32_t *order, *val_order;  // this epoch's rows; 0, 1, 2, ...
    float *best;                  // weights of the lowest validation loss
    size_t n_params;
    int64_t updates, best_updates;
    double best_val, best_train;
    double loss_sum, epoch_loss;  // of the epoch under way; the last whole one's mean
} trainer;

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a training");
}

static void fill(const udy__sweep_rows *rows, size_t O, size_t A, const uint32_t *index, int n,
                 float *x, float *y) {
    for (size_t i = 0; i < (size_t)n; i++) {
        memcpy(x + i * O, rows->x + index[i] * O, O * sizeof(float));
        memcpy(y + i * A, rows->y + index[i] * A, A * sizeof(float));
    }
}

static void fill_train(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const trainer *t = ctx;
    const udy_mlp_config *c = udy_mlp_config_of(t->mlp);
    fill(t->train, (size_t)c->dims[0], (size_t)c->dims[c->n_layers], index, n, x, y);
}

static void fill_val(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const trainer *t = ctx;
    const udy_mlp_config *c = udy_mlp_config_of(t->mlp);
    fill(t->val, (size_t)c->dims[0], (size_t)c->dims[c->n_layers], index, n, x, y);
}

static int nonfinite(const trainer *t, const char *what, udy_error *err) {
    return udy_error_set(err, UDY_ENONFINITE,
                         "%s is not finite after %lld updates. A lower bc.learning_rate may help",
                         what, (long long)t->updates);
}

static int validate(trainer *t, double *loss, udy_error *err) {
    udy_row_source rows = {fill_val, t};
    int status = udy_regression_evaluate(t->regression, &rows, t->val_order, t->val->n, loss);
    return status ? nonfinite(t, "the validation loss", err) : UDY_OK;
}

// Look whether the validation loss is the lowest so far.
static int check(trainer *t, udy_error *err) {
    double loss;
    int status = validate(t, &loss, err);
    if (status || (t->best_updates && !(loss < t->best_val))) return status;
    size_t n;
    memcpy(t->best, udy_mlp_params(t->mlp, &n), t->n_params * sizeof(float));
    t->best_val = loss;
    t->best_train = t->epoch_loss;
    t->best_updates = t->updates;
    return UDY_OK;
}

static bool has_converged(const trainer *t) {
    return t->updates >= t->config->max_updates ||
           t->updates - t->best_updates >= t->config->patience;
}

// The network as it is, or with other weights, as a policy.
static int keep(const trainer *t, const udy__sweep *sweep, const float *weights,
                udy_policy **policy, udy_error *err) {
    if (!weights) return udy_policy_from_mlp(policy, t->mlp, sweep->task, err);
    udy_mlp *copy;
    size_t n;
    int status = udy_mlp_create(&copy, &sweep->network, err);
    if (status) return status;
    memcpy(udy_mlp_params(copy, &n), weights, t->n_params * sizeof(float));
    udy_mlp_sync(copy);
    status = udy_policy_from_mlp(policy, copy, sweep->task, err);
    udy_mlp_destroy(copy);
    return status;
}

static int64_t updates_per_epoch(const trainer *t) {
    return (t->train->n + (int64_t)t->config->bc.batch_size - 1) / t->config->bc.batch_size;
}

// One epoch; with `until_converged` it ends early, where that is so.
static int run_epoch(trainer *t, int epoch, bool until_converged, bool *over, udy_error *err) {
    const uint32_t B = (uint32_t)t->config->bc.batch_size;
    udy_row_source rows = {fill_train, t};
    udy_rng rng;
    udy_rng_init_stream(&rng, t->plan->seed, "bc/order", t->plan->stream << 32 | (uint64_t)epoch);
    udy_rng_permutation(&rng, t->order, t->train->n);
    t->loss_sum = 0;
    for (uint32_t at = 0, n; at < t->train->n && !*over; at += n) {
        n = t->train->n - at < B ? t->train->n - at : B;
        double loss;
        if (atomic_load_explicit(t->desk->stop, memory_order_relaxed))
            return udy_error_set(err, UDY_EINTERRUPTED, "interrupted");
        if (udy_regression_step(t->regression, &rows, t->order + at, (int)n, &loss))
            return nonfinite(t, "the loss", err);
        t->loss_sum += loss * n;
        t->updates++;
        atomic_fetch_add_explicit(&t->desk->n_updates, 1, memory_order_relaxed);
        if (!until_converged) continue;
        int status = UDY_OK;
        if (t->updates % t->config->check_every == 0 || t->updates == t->config->max_updates)
            status = check(t, err);
        if (status) return status;
        *over = has_converged(t);
    }
    if (!*over) t->epoch_loss = t->loss_sum / t->train->n;
    return UDY_OK;
}

static int run(trainer *t, const udy__sweep *sweep, udy__sweep_weights *out, udy_error *err) {
    int64_t epochs = t->config->bc.epochs, per_epoch = updates_per_epoch(t);
    int64_t wanted = (t->plan->min_updates + per_epoch - 1) / per_epoch;
    if (wanted > epochs) epochs = wanted;
    int status = UDY_OK;
    bool over = false;
    for (int e = 0; !status && e < epochs; e++) status = run_epoch(t, e, false, &over, err);
    udy__sweep_weights *fixed = &out[UDY_SWEEP_TUTORIAL], *best = &out[UDY_SWEEP_CONVERGED];
    if (!status) status = validate(t, &fixed->val_loss, err);
    if (!status) status = keep(t, sweep, NULL, &fixed->policy, err);
    fixed->updates = t->updates;
    fixed->train_loss = t->epoch_loss;
    if (status || !t->plan->converge) return status;
    // The first look: what is converged is trained no less than the tutorial's.
    status = check(t, err);
    over = !status && has_converged(t);
    for (int e = (int)epochs; !status && !over; e++) status = run_epoch(t, e, true, &over, err);
    if (!status) status = keep(t, sweep, t->best, &best->policy, err);
    best->updates = t->best_updates;
    best->train_loss = t->best_train;
    best->val_loss = t->best_val;
    return status;
}

static int prepare(trainer *t, const udy__sweep *sweep, udy_error *err) {
    udy_adam_config adam = udy_adam_config_default();
    adam.learning_rate = t->config->bc.learning_rate;
    adam.weight_decay = t->config->bc.weight_decay;
    int status = udy_mlp_create(&t->mlp, &sweep->network, err);
    if (status) return status;
    udy_rng rng;
    udy_rng_init_stream(&rng, t->plan->seed, "bc/init", t->plan->stream);
    udy_mlp_init(t->mlp, &rng);
    udy_mlp_params(t->mlp, &t->n_params);
    status = udy_adam_create(&t->adam, t->n_params, &adam, err);
    if (!status)
        status = udy_regression_create(&t->regression, t->mlp, t->adam, t->config->bc.batch_size,
                                       t->desk->pool, err);
    t->best = udy_alloc(t->n_params * sizeof(float));
    t->order = udy_alloc(t->train->n * sizeof(uint32_t));
    t->val_order = udy_alloc(t->val->n * sizeof(uint32_t));
    if (!status && (!t->best || !t->order || !t->val_order)) status = out_of_memory(err);
    for (uint32_t i = 0; !status && i < t->val->n; i++) t->val_order[i] = i;
    return status;
}

int udy__sweep_train(const udy__sweep *sweep, udy__sweep_desk *desk, const udy__sweep_rows *train,
                     const udy__sweep_rows *val, const udy__sweep_plan *plan,
                     udy__sweep_weights out[UDY_SWEEP_TRAININGS], udy_error *err) {
    trainer t = {.config = sweep->config,
                 .plan = plan,
                 .desk = desk,
                 .train = train,
                 .val = val,
                 .epoch_loss = NAN};
    memset(out, 0, sizeof *out * UDY_SWEEP_TRAININGS);
    int status = prepare(&t, sweep, err);
    if (!status) status = run(&t, sweep, out, err);
    if (status) udy__sweep_weights_free(out);
    udy_regression_destroy(t.regression);
    udy_adam_destroy(t.adam);
    udy_mlp_destroy(t.mlp);
    udy_free(t.best);
    udy_free(t.order);
    udy_free(t.val_order);
    return status;
}

void udy__sweep_weights_free(udy__sweep_weights weights[UDY_SWEEP_TRAININGS]) {
    for (int i = 0; i < UDY_SWEEP_TRAININGS; i++) {
        udy_policy_destroy(weights[i].policy);
        weights[i].policy = NULL;
    }
}
