// Can a classifier tell the states of two policies apart? A small network of ours is trained on some
// episodes of each, and judged on the others; how often chance would do as well is asked by shuffling
// those others, whole.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

enum { UPDATES_A_LOOK = 16 };
static const double clamp = 10;  // of a standardised value

udy_classifier_config udy_classifier_config_default(void) {
    return (udy_classifier_config){.hidden = {2, {64, 64}},
                                   .rows_per_episode = 250,
                                   .updates = 1000,
                                   .batch_size = 128,
                                   .learning_rate = 1e-3,
                                   .weight_decay = 1e-4,
                                   .train_share = 0.5,
                                   .permutations = 999,
                                   .resamples = 999,
                                   .level = 0.95};
}

//------------------------------------------ Episodes dealt out ------------------------------------

// Of each sample: the episodes to learn from, then those to be judged on.
typedef struct deal {
    const udy_sample *sample[2];
    uint32_t *order[2];
    int n_train[2], n_test[2];
    udy__picked train[2], test[2];
    udy_standard fitted;
    const udy_standard *standard;
} deal;

static void deal_free(deal *d) {
    for (int s = 0; s < 2; s++) {
        udy__picked_free(&d->train[s]);
        udy__picked_free(&d->test[s]);
        udy_free(d->order[s]);
    }
    udy_standard_free(&d->fitted);
}

static int deal_sample(deal *d, int s, const udy_classifier_config *config, uint64_t seed,
                       udy_error *err) {
    const udy_sample *sample = d->sample[s];
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "divergence/split", (uint64_t)s);
    d->order[s] = udy_alloc((size_t)sample->n * sizeof *d->order[s]);
    if (!d->order[s]) return udy_error_set(err, UDY_ENOMEM, "no memory to split episodes");
    udy_rng_permutation(&rng, d->order[s], (uint32_t)sample->n);
    int n = (int)lround(config->train_share * sample->n);
    n = n < 1 ? 1 : n >= sample->n ? sample->n - 1 : n;
    d->n_train[s] = n;
    d->n_test[s] = sample->n - n;
    int each = config->rows_per_episode;
    uint64_t train_seed = udy_rng_u64(&rng), test_seed = udy_rng_u64(&rng);
    int status = udy__pick_some(&d->train[s], sample, d->order[s], n, each, train_seed, err);
    if (!status)
        status = udy__pick_some(&d->test[s], sample, d->order[s] + n, sample->n - n, each,
                                test_seed, err);
    return status;
}

// Fitted to the training episodes alone, so that the judged ones stay unseen.
static int fit_standard(deal *d, udy_error *err) {
    udy_sample part[2] = {*d->sample[0], *d->sample[1]};
    size_t n = (size_t)d->n_train[0] + (size_t)d->n_train[1];
    udy_rows *rows = udy_alloc(n * sizeof *rows);
    if (!rows) return udy_error_set(err, UDY_ENOMEM, "no memory to split episodes");
    udy_rows *to = rows;
    for (int s = 0; s < 2; s++) {
        part[s].episodes = to;
        part[s].n = d->n_train[s];
        for (int i = 0; i < d->n_train[s]; i++) *to++ = d->sample[s]->episodes[d->order[s][i]];
    }
    int status = udy_standard_fit(&d->fitted, (const udy_sample *[]){&part[0], &part[1]}, 2, err);
    udy_free(rows);
    d->standard = &d->fitted;
    return status;
}

static void input_of(const udy_standard *standard, const float *row, float *x) {
    for (int k = 0; k < standard->dims; k++) {
        double z = (row[k] - standard->mean[k]) / standard->std[k];
        x[k] = (float)fmin(fmax(z, -clamp), clamp);
    }
}

//------------------------------------------ Training ----------------------------------------------

typedef struct classifier {
    udy_mlp *mlp;
    udy_mlp_workspace *ws;
    udy_adam *adam;
    float *x, *dy, *grads;  // [batch, dims], [batch], [n_params]
    double *upto[2];        // running sums of the training episodes' weights
    size_t n_params;
} classifier;

static void classifier_free(classifier *c) {
    udy_adam_destroy(c->adam);
    udy_mlp_workspace_destroy(c->ws);
    udy_mlp_destroy(c->mlp);
    udy_free(c->x);
    udy_free(c->dy);
    udy_free(c->grads);
    udy_free(c->upto[0]);
    udy_free(c->upto[1]);
}

static int classifier_make(classifier *c, const deal *d, const udy_classifier_config *config,
                           uint64_t seed, udy_error *err) {
    *c = (classifier){0};
    int dims = d->sample[0]->dims;
    udy_mlp_config network = {.n_layers = config->hidden.n + 1,
                              .hidden = UDY_RELU,
                              .output = UDY_IDENTITY,
                              .init = UDY_INIT_PYTORCH};
    network.dims[0] = dims;
    for (int i = 0; i < config->hidden.n; i++) network.dims[i + 1] = config->hidden.v[i];
    network.dims[network.n_layers] = 1;
    int status = udy_mlp_create(&c->mlp, &network, err);
    if (!status) status = udy_mlp_workspace_create(&c->ws, c->mlp, config->batch_size, err);
    if (status) return status;
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "divergence/weights", 0);
    udy_mlp_init(c->mlp, &rng);
    udy_mlp_params(c->mlp, &c->n_params);
    udy_adam_config adam = udy_adam_config_default();
    adam.learning_rate = config->learning_rate;
    adam.weight_decay = config->weight_decay;
    status = udy_adam_create(&c->adam, c->n_params, &adam, err);
    if (status) return status;
    size_t batch = (size_t)config->batch_size;
    c->x = udy_alloc(batch * (size_t)dims * sizeof *c->x);
    c->dy = udy_alloc(batch * sizeof *c->dy);
    c->grads = udy_alloc(c->n_params * sizeof *c->grads);
    for (int s = 0; s < 2; s++) {
        c->upto[s] = udy_alloc((size_t)d->n_train[s] * sizeof(double));
        double sum = 0;
        for (int e = 0; e < d->n_train[s] && c->upto[s]; e++)
            c->upto[s][e] = sum += d->train[s].weight[e];
    }
    if (c->x && c->dy && c->grads && c->upto[0] && c->upto[1]) return UDY_OK;
    return udy_error_set(err, UDY_ENOMEM, "no memory for a classifier of %zu parameters",
                         c->n_params);
}

// A training row of sample s, each row of its episodes as likely as any other.
static const float *draw_row(const classifier *c, const udy__picked *p, int s, udy_rng *rng) {
    const double *upto = c->upto[s];
    double at = udy_rng_double(rng) * upto[p->n - 1];
    int low = 0, high = p->n - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (upto[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    int rows = p->start[low + 1] - p->start[low];
    return p->row[p->start[low] + (int)udy_rng_below(rng, (uint64_t)rows)];
}

// Mean cross-entropy of logits y [B], the first half a's (label 0), the second b's (1), and its
// gradient.
static double cross_entropy(const float *y, int B, float *dy) {
    double sum = 0;
    for (int i = 0; i < B; i++) {
        double label = i >= B / 2, logit = y[i], e = exp(-fabs(logit));
        double sigmoid = logit >= 0 ? 1 / (1 + e) : e / (1 + e);
        sum += fmax(logit, 0) - logit * label + log1p(e);
        dy[i] = (float)((sigmoid - label) / B);
    }
    return sum / B;
}

static int train(classifier *c, const deal *d, const udy_classifier_config *config, uint64_t seed,
                 udy_pool *pool, const char *stage, const udy_progress *progress, double *loss,
                 udy_error *err) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "divergence/batches", 0);
    int B = config->batch_size, dims = d->sample[0]->dims;
    int tail = config->updates - (config->updates + 9) / 10;  // updates before the last tenth
    float *params = udy_mlp_params(c->mlp, &c->n_params);
    double next_s = udy_clock_s() + 0.25;
    *loss = 0;
    for (int u = 0; u < config->updates; u++) {
        for (int i = 0; i < B; i++) {
            int s = i >= B / 2;
            const float *row = draw_row(c, &d->train[s], s, &rng);
            input_of(d->standard, row, c->x + (size_t)i * (size_t)dims);
        }
        const float *y = udy_mlp_forward(c->mlp, c->ws, pool, c->x, B);
        double now = cross_entropy(y, B, c->dy);
        if (!isfinite(now))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s: the classifier's loss is %g after %d updates: lower its "
                                 "learning rate of %g",
                                 stage, now, u, config->learning_rate);
        udy_mlp_backward(c->mlp, c->ws, pool, c->x, B, c->dy, c->grads, NULL);
        udy_adam_step(c->adam, pool, params, c->grads);
        udy_mlp_sync(c->mlp);
        if (u >= tail) *loss += now / (config->updates - tail);
        if (u % UPDATES_A_LOOK || udy_clock_s() < next_s) continue;
        next_s = udy_clock_s() + 0.25;
        if (udy_progress_advance(progress, stage, u, config->updates, "updates", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted after %d of %d updates",
                                 stage, u, config->updates);
    }
    return UDY_OK;
}

//------------------------------------------ Judgement ---------------------------------------------

// The scores of the held-out episodes of both samples, a's first.
typedef struct verdict {
    int n, n_a;
    int *start;      // [n + 1]
    float *score;    // ascending within an episode
    double *weight;  // [n]
    double *ahead;   // [n, n]: share of pairs of rows in which episode j's scores above i's
} verdict;

static void verdict_free(verdict *v) {
    udy_free(v->start);
    udy_free(v->score);
    udy_free(v->weight);
    udy_free(v->ahead);
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int score(const classifier *c, const deal *d, verdict *v, udy_pool *pool, udy_error *err) {
    size_t dims = (size_t)d->sample[0]->dims;
    size_t n_rows = (size_t)d->test[0].n_rows + (size_t)d->test[1].n_rows;
    *v = (verdict){.n_a = d->n_test[0], .n = d->n_test[0] + d->n_test[1]};
    size_t n = (size_t)v->n;
    v->start = udy_alloc((n + 1) * sizeof *v->start);
    v->score = udy_alloc(n_rows * sizeof *v->score);
    v->weight = udy_alloc(n * sizeof *v->weight);
    v->ahead = udy_alloc(n * n * sizeof *v->ahead);
    float *x = udy_alloc(n_rows * dims * sizeof *x);
    if (!v->start || !v->score || !v->weight || !v->ahead || !x) {
        udy_free(x);
        return udy_error_set(err, UDY_ENOMEM, "no memory to score %zu rows", n_rows);
    }
    size_t r = 0;
    int e = 0;
    for (int s = 0; s < 2; s++) {
        const udy__picked *p = &d->test[s];
        for (int i = 0; i < p->n_rows; i++, r++) input_of(d->standard, p->row[i], x + r * dims);
        for (int i = 0; i < p->n; i++, e++) {
            v->weight[e] = p->weight[i];
            v->start[e + 1] = v->start[e] + p->start[i + 1] - p->start[i];
        }
    }
    udy_mlp_predict(c->mlp, c->ws, pool, x, n_rows, v->score);
    udy_free(x);
    for (e = 0; e < v->n; e++)
        qsort(v->score + v->start[e], (size_t)(v->start[e + 1] - v->start[e]), sizeof *v->score,
              compare_floats);
    return UDY_OK;
}

// Share of pairs (x of i, y of j) with x < y, equals counting half: Mann & Whitney's U.
static double share_ahead(const verdict *v, int i, int j) {
    const float *x = v->score + v->start[i], *y = v->score + v->start[j];
    int n = v->start[i + 1] - v->start[i], m = v->start[j + 1] - v->start[j], below = 0, upto = 0;
    double twice = 0;
    for (int k = 0; k < m; k++) {
        while (below < n && x[below] < y[k]) below++;
        while (upto < n && x[upto] <= y[k]) upto++;
        twice += (double)below + upto;
    }
    return twice / (2.0 * n * m);
}

static void compare_task(void *ctx, int i, int thread) {
    (void)thread;
    verdict *v = ctx;
    for (int j = 0; j < v->n; j++)
        v->ahead[(size_t)i * (size_t)v->n + (size_t)j] = share_ahead(v, i, j);
}

static void arrange(const void *ctx, const int *list, bool shuffled, double *values,
                    double *scratch) {
    (void)shuffled, (void)scratch;
    const verdict *v = ctx;
    double sum = 0, weight = 0;
    for (int i = 0; i < v->n_a; i++) {
        const double *row = v->ahead + (size_t)list[i] * (size_t)v->n;
        for (int j = v->n_a; j < v->n; j++) {
            double both = v->weight[list[i]] * v->weight[list[j]];
            sum += both * row[list[j]];
            weight += both;
        }
    }
    values[0] = sum / weight;
}

// Share of rows on the right side of even odds, each sample counting half.
static double accuracy(const verdict *v) {
    double right[2] = {0, 0}, all[2] = {0, 0};
    for (int e = 0; e < v->n; e++) {
        int s = e >= v->n_a, n = v->start[e + 1] - v->start[e], hits = 0;
        for (int r = v->start[e]; r < v->start[e + 1]; r++) hits += (v->score[r] > 0) == (s == 1);
        right[s] += v->weight[e] * hits / n;
        all[s] += v->weight[e];
    }
    return 0.5 * (right[0] / all[0] + right[1] / all[1]);
}

static int judge(udy_classifier_test *out, const classifier *c, const deal *d,
                 const udy_classifier_config *config, uint64_t seed, udy_pool *pool,
                 const char *stage, const udy_progress *progress, udy_error *err) {
    verdict v;
    int status = score(c, d, &v, pool, err);
    if (!status) {
        udy__run(pool, v.n, compare_task, &v);
        udy__reps reps = {.n_a = v.n_a,
                          .n_b = v.n - v.n_a,
                          .permutations = config->permutations,
                          .resamples = config->resamples,
                          .level = config->level,
                          .seed = seed,
                          .n_values = 1,
                          .arrange = arrange,
                          .ctx = &v};
        status = udy__reps_run(&reps, pool, stage, progress, err);
        if (!status)
            status = udy__reps_measure(&reps, 0, 1e-12, reps.n_a, reps.n_b, &out->auc, err);
        udy__reps_free(&reps);
        out->accuracy = accuracy(&v);
        out->least_p = udy_permutation_least_p(v.n_a, v.n - v.n_a, config->permutations, false);
    }
    verdict_free(&v);
    return status;
}

//------------------------------------------ All of it ---------------------------------------------

static int check_config(const udy_classifier_config *c, udy_error *err) {
    if (c->hidden.n < 1 || c->hidden.n > UDY_MLP_LAYERS_MAX - 1)
        return udy_error_set(err, UDY_EINVAL, "a classifier of %d hidden layers: expected 1 to %d",
                             c->hidden.n, UDY_MLP_LAYERS_MAX - 1);
    if (c->updates < 1)
        return udy_error_set(err, UDY_EINVAL, "%d updates: expected at least 1", c->updates);
    if (c->batch_size < 2 || c->batch_size % 2 || c->batch_size > 1 << 20)
        return udy_error_set(err, UDY_EINVAL,
                             "batches of %d rows: expected an even number, half of each sample",
                             c->batch_size);
    if (!(c->learning_rate > 0 && c->learning_rate <= 10 && c->weight_decay >= 0 &&
          c->weight_decay <= 10))
        return udy_error_set(err, UDY_EINVAL, "a learning rate of %g and a weight decay of %g",
                             c->learning_rate, c->weight_decay);
    if (!(c->train_share > 0 && c->train_share < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "a training share of %g: expected a share between 0 and 1",
                             c->train_share);
    return udy__reps_check(c->rows_per_episode, c->permutations, c->resamples, c->level, err);
}

static int check(const udy_sample *a, const udy_sample *b, const udy_standard *standard,
                 const udy_classifier_config *config, udy_error *err) {
    int status = check_config(config, err);
    if (!status) status = udy__samples_check(a, b, err);
    if (!status) status = udy__standard_check(standard, a, err);
    if (!status && (a->n < 2 || b->n < 2))
        status = udy_error_set(err, UDY_EINVAL,
                               "%s has %d episodes and %s has %d: a classifier needs at least 2 of "
                               "each, to learn from one and be tested on the other",
                               a->name ? a->name : "the first sample", a->n,
                               b->name ? b->name : "the second", b->n);
    return status;
}

static int learn_and_judge(udy_classifier_test *out, const deal *d,
                           const udy_classifier_config *config, uint64_t seed, udy_pool *pool,
                           const char *stage, const udy_progress *progress, udy_error *err) {
    classifier c;
    int status = classifier_make(&c, d, config, seed, err);
    if (!status) status = train(&c, d, config, seed, pool, stage, progress, &out->train_loss, err);
    if (!status) status = judge(out, &c, d, config, seed, pool, stage, progress, err);
    classifier_free(&c);
    return status;
}

int udy_classifier_two_sample(udy_classifier_test *out, const udy_sample *a, const udy_sample *b,
                              const udy_standard *standard, const udy_classifier_config *config,
                              udy_rng *rng, udy_pool *pool, const char *stage,
                              const udy_progress *progress, udy_error *err) {
    *out = (udy_classifier_test){0};
    int status = check(a, b, standard, config, err);
    udy_pool *own = NULL;  // the network wants one
    if (!status && !pool) status = udy_pool_create(&own, 1, err);
    if (status) return status;
    uint64_t seed = udy_rng_u64(rng);
    deal d = {.sample = {a, b}, .standard = standard};
    for (int s = 0; s < 2 && !status; s++) status = deal_sample(&d, s, config, seed, err);
    if (!status && !standard) status = fit_standard(&d, err);
    if (!status)
        status = learn_and_judge(out, &d, config, seed, pool ? pool : own, stage, progress, err);
    for (int s = 0; s < 2; s++) {
        out->n_train[s] = d.n_train[s];
        out->n_test[s] = d.n_test[s];
    }
    deal_free(&d);
    udy_pool_destroy(own);
    return status;
}
