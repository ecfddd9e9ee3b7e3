// Normalised networks (src/nn/net.c, net_update.c): how they start, fold, keep statistics, take a
// step of Adam, are copied, and what is refused. Their gradients are tests/grad/test_grad_net.c's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../grad/reference_net.h"

static const udy_net_config critic = {
    .mlp = {.n_layers = 4,
            .dims = {13, 96, 70, 64, 33},
            .hidden = UDY_RELU,
            .init = UDY_INIT_ORTHOGONAL},
    .norm = UDY_NORM_BATCH,
    .unit_weights = true,
    .eps = 1e-3,
    .momentum = 0.9,
};

static udy_net *create(const udy_net_config *config, uint64_t seed) {
    udy_net *net;
    udy_rng rng;
    udy_rng_init(&rng, seed);
    assert_int_equal(udy_net_create(&net, config, NULL), 0);
    udy_net_init(net, &rng);
    return net;
}

// Everything away from where it starts.
static void nudge(udy_net *net, uint64_t seed) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    size_t n;
    float *p = udy_mlp_params(udy_net_mlp(net), &n);
    for (size_t i = 0; i < n; i++) p[i] += (float)(0.05 * udy_rng_normal(&rng));
    udy__net_sync(net);
    p = udy_net_gamma(net, &n);
    for (size_t i = 0; i < n; i++) p[i] += (float)(0.3 * udy_rng_normal(&rng));
    p = udy_net_stats(net, &n);
    for (size_t i = 0; i < n / 2; i++) p[i] = (float)udy_rng_normal(&rng);
    for (size_t i = n / 2; i < n; i++) p[i] = (float)udy_rng_uniform(&rng, 0.2, 4);
}

static float *normals(size_t n, double mean, double std, uint64_t seed) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(mean + std * udy_rng_normal(&rng));
    return x;
}

// |got - want| <= tolerance for all of n.
static void assert_close(const char *what, const float *got, const double *want, size_t n,
                         double tolerance) {
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= tolerance))
            fail_msg("%s[%zu] is %.9g, expected %.9g to %.2g", what, i, (double)got[i], want[i],
                     tolerance);
    }
}

static void assert_unit_norms(udy_net *net) {
    for (int i = 0; i < udy_mlp_param_count(udy_net_mlp(net)); i += 2) {
        udy_param w = udy_mlp_param(udy_net_mlp(net), i);
        for (int r = 0; r < w.rows; r++) {
            double square = 0;
            for (int c = 0; c < w.cols; c++) square += pow((double)w.data[r * w.cols + c], 2);
            if (!(fabs(square - 1) < 1e-6))
                fail_msg("unit %d of %s has norm %.9g", r, w.name, sqrt(square));
        }
    }
}

static void a_network_starts_with_scales_1_shifts_0_and_unit_norms(void **state) {
    (void)state;
    udy_net_config drawn = critic;
    drawn.mlp.init = UDY_INIT_PYTORCH;  // which draws biases too
    udy_net *net = create(&drawn, 1), *again = create(&drawn, 1), *other = create(&drawn, 2);
    size_t n;
    const float *gamma = udy_net_gamma(net, &n);
    assert_int_equal(n, 96 + 70 + 64);
    for (size_t i = 0; i < n; i++) assert_true(gamma[i] == 1.0f);
    const float *stats = udy_net_stats(net, &n);
    assert_int_equal(n, 2 * (13 + 96 + 70 + 64));
    for (size_t i = 0; i < n; i++) assert_true(stats[i] == (i < n / 2 ? 0.0f : 1.0f));
    for (int l = 0; l < 3; l++) {
        udy_param b = udy_mlp_param(udy_net_mlp(net), 2 * l + 1);
        for (int i = 0; i < b.rows; i++) assert_true(b.data[i] == 0.0f);
    }
    assert_unit_norms(net);
    size_t n_params;
    const float *p = udy_mlp_params(udy_net_mlp(net), &n_params);
    assert_memory_equal(p, udy_mlp_params(udy_net_mlp(again), NULL), n_params * sizeof *p);
    assert_memory_not_equal(p, udy_mlp_params(udy_net_mlp(other), NULL), n_params * sizeof *p);
    const udy_net_config *config = udy_net_config_of(net);
    assert_true(config->norm == critic.norm && config->eps == critic.eps);
    assert_memory_equal(config->mlp.dims, critic.mlp.dims, sizeof critic.mlp.dims);
    udy_net_destroy(net), udy_net_destroy(again), udy_net_destroy(other);
}

//------------------------------------------ Passes ------------------------------------------------

// One network at work: a pass, its target's average, Adam; regions are run by the pool.
typedef struct trainer {
    udy_net *net, *target;
    udy__pass *pass;
    udy_adam *adam;
    udy__adam_coefficients coefficients;
    udy_pool *pool;
    int phase;
    float *dY, *scratch;
    size_t scratch_size;
    float tau;
} trainer;

static trainer trainer_create(const udy_net_config *config, int B, int live, int n_threads) {
    trainer t = {.net = create(config, 3), .target = create(config, 4), .tau = 0.1f};
    const udy_adam_config adam = {.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    assert_int_equal(udy_pool_create(&t.pool, n_threads, NULL), 0);
    assert_int_equal(udy__pass_create(&t.pass, t.net, B, live, B, UDY__FOR_BACKWARD, NULL), 0);
    assert_int_equal(udy_adam_create(&t.adam, udy__net_param_count(t.net), &adam, NULL), 0);
    t.scratch_size = udy__net_tile_scratch(t.net);
    t.scratch = test_malloc(t.scratch_size * (size_t)n_threads * sizeof *t.scratch);
    return t;
}

static void trainer_destroy(trainer *t) {
    udy_net_destroy(t->net), udy_net_destroy(t->target);
    udy__pass_destroy(t->pass);
    udy_adam_destroy(t->adam);
    udy_pool_destroy(t->pool);
    test_free(t->scratch);
}

static void forward_task(void *ctx, int shard, int thread) {
    (void)thread;
    trainer *t = ctx;
    udy__pass_forward(t->pass, t->phase, shard);
}

static void backward_task(void *ctx, int shard, int thread) {
    (void)thread;
    trainer *t = ctx;
    udy__pass_backward(t->pass, t->phase, shard, t->dY, NULL);
}

static void tile_task(void *ctx, int tile, int thread) {
    trainer *t = ctx;
    udy__net_update_tile(t->net, t->pass, tile, t->dY, t->adam, &t->coefficients, t->target, t->tau,
                         t->scratch + (size_t)thread * t->scratch_size);
}

static void forward(trainer *t, udy__pass_mode mode, const float *X, int B) {
    udy__pass_begin(t->pass, t->net, mode, X, B);
    for (t->phase = 0; t->phase < udy__pass_phases(t->pass); t->phase++) {
        udy_pool_run(t->pool, udy__shard_count(B), forward_task, t);
        udy__pass_merge(t->pass, t->phase);
    }
}

static void backward(trainer *t, float *dY, int live) {
    t->pass->B_live = live;
    t->dY = dY;
    for (t->phase = 0; t->phase < udy__pass_back_phases(t->pass); t->phase++) {
        udy_pool_run(t->pool, udy__shard_count(t->pass->B), backward_task, t);
        udy__pass_back_merge(t->pass, t->phase);
    }
}

static void update(trainer *t) {
    t->coefficients = udy__adam_begin(t->adam);
    udy_pool_run(t->pool, udy__net_tile_count(t->net), tile_task, t);
}

static void a_folded_network_equals_the_pass_with_running_statistics(void **state) {
    (void)state;
    enum { B = 45, IN = 13, OUT = 33 };
    for (int norm = 0; norm < UDY_NORM_COUNT; norm++) {
        udy_net_config config = critic;
        config.norm = (udy_norm)norm;
        trainer t = trainer_create(&config, B, B, 1);
        nudge(t.net, 5);
        udy_mlp *plain;
        udy_error err;
        assert_int_equal(udy_mlp_create(&plain, &config.mlp, NULL), 0);
        int status = udy_net_fold(t.net, plain, &err);
        if (norm == UDY_NORM_LAYER) {
            assert_int_equal(status, UDY_EUNSUPPORTED);
        } else {
            assert_int_equal(status, 0);
            float *X = normals(B * IN, 0.5, 1.5, 6), y[OUT];
            float *scratch = test_malloc(udy_mlp_scratch_size(plain) * sizeof *scratch);
            forward(&t, UDY__PASS_FIXED, X, B);
            double largest = 0;
            for (int r = 0; r < B; r++) {
                udy_mlp_forward_row(plain, X + r * IN, y, scratch);
                double want[OUT];
                for (int j = 0; j < OUT; j++) want[j] = (double)t.pass->out[r * OUT + j];
                for (int j = 0; j < OUT; j++) largest = fmax(largest, fabs(want[j]));
                assert_close("folded", y, want, OUT, 2e-5);
            }
            assert_true(largest > 0.5 && largest < 50);
            test_free(X), test_free(scratch);
        }
        udy_mlp_destroy(plain);
        trainer_destroy(&t);
    }
}

static void folding_into_another_shape_is_refused(void **state) {
    (void)state;
    udy_net *net = create(&critic, 1);
    udy_mlp_config shape = critic.mlp;
    shape.dims[2]++;
    udy_mlp *plain;
    udy_error err;
    assert_int_equal(udy_mlp_create(&plain, &shape, NULL), 0);
    assert_int_equal(udy_net_fold(net, plain, &err), UDY_EMISMATCH);
    udy_mlp_destroy(plain);
    udy_net_destroy(net);
}

// running = momentum running + (1 - momentum) batch's, with the variance over B, not B - 1.
static void running_statistics_follow_their_definition(void **state) {
    (void)state;
    enum { B = 70, IN = 13 };
    trainer t = trainer_create(&critic, B, B, 1);
    nudge(t.net, 8);
    size_t n;
    float *stats = udy_net_stats(t.net, &n);
    double *want = ref_doubles(stats, n);
    for (uint64_t batch = 0; batch < 3; batch++) {
        float *X = normals(B * IN, 2, 0.5 + (double)batch, 9 + batch);
        double *X64 = ref_doubles(X, B * IN);
        ref_net ref = ref_net_create(t.net, true, B);
        ref_net_forward(&ref, X64);
        for (size_t at = 0, k = 0; k <= 3; at += (size_t)critic.mlp.dims[k++]) {
            for (size_t j = 0; j < (size_t)critic.mlp.dims[k]; j++) {
                double *mean = &want[at + j], *variance = &want[n / 2 + at + j];
                *mean = 0.9 * *mean + 0.1 * ref.mean[k][j];
                *variance = 0.9 * *variance + 0.1 * ref.variance[k][j];
            }
        }
        forward(&t, UDY__PASS_BATCH, X, B);
        udy__pass_update_stats(t.pass, t.net);
        ref_net_destroy(&ref);
        test_free(X), free(X64);
    }
    assert_close("running statistics", stats, want, n, 1e-5);
    free(want);
    trainer_destroy(&t);
}

//------------------------------------------ Updates -----------------------------------------------

// A plain update beside the tiles': the whole gradient, udy_adam_step, rows divided by their norm,
// the target's average.
typedef struct plain {
    float *block, *grads;
    double *target;
    size_t n_params;
    udy_adam *adam;
} plain;

static void read_block(udy_net *net, float *block) {
    size_t n, n_gamma;
    const float *p = udy_mlp_params(udy_net_mlp(net), &n), *gamma = udy_net_gamma(net, &n_gamma);
    memcpy(block, p, n * sizeof *p);
    if (n_gamma) memcpy(block + n, gamma, n_gamma * sizeof *gamma);
}

static void plain_update(plain *s, const trainer *t) {
    udy__net_gradient(t->net, t->pass, t->dY, s->grads);
    udy_adam_step(s->adam, t->pool, s->block, s->grads);
    float *W = s->block;
    const udy_mlp_config *mlp = &udy_net_config_of(t->net)->mlp;
    for (int l = 0; l < mlp->n_layers; l++) {
        int in = mlp->dims[l], out = mlp->dims[l + 1];
        for (int i = 0; i < out && udy_net_config_of(t->net)->unit_weights; i++) {
            double square = 0;
            for (int j = 0; j < in; j++) square += (double)W[i * in + j] * (double)W[i * in + j];
            for (int j = 0; j < in; j++)
                W[i * in + j] = (float)((double)W[i * in + j] / sqrt(square));
        }
        W += (in + 1) * out;
    }
    for (size_t i = 0; i < s->n_params; i++)
        s->target[i] += (double)t->tau * ((double)s->block[i] - s->target[i]);
}

// The transposed copy is what the weights say it is.
static void assert_in_step(udy_net *net) {
    udy_mlp *mlp = udy_net_mlp(net);
    float *kept = test_malloc(mlp->n_transposed * sizeof *kept);
    memcpy(kept, mlp->transposed, mlp->n_transposed * sizeof *kept);
    udy_mlp_sync(mlp);
    assert_memory_equal(kept, mlp->transposed, mlp->n_transposed * sizeof *kept);
    test_free(kept);
}

static void check_updates(const udy_net_config *config) {
    enum { B = 96, LIVE = 64, IN = 13, OUT = 33, STEPS = 5 };
    trainer t = trainer_create(config, B, LIVE, 2);
    plain s = {.n_params = udy__net_param_count(t.net)};
    s.block = test_malloc(s.n_params * sizeof(float));
    s.grads = test_malloc(s.n_params * sizeof(float));
    float *now = test_malloc(s.n_params * sizeof(float));
    read_block(t.target, s.block);
    s.target = ref_doubles(s.block, s.n_params);
    read_block(t.net, s.block);
    assert_int_equal(udy_adam_create(&s.adam, s.n_params, &t.adam->config, NULL), 0);
    double moved = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        float *X = normals(B * IN, 1, 2, 20 + step), *dY = normals(B * OUT, 0, 1, 30 + step);
        forward(&t, UDY__PASS_BATCH, X, B);
        backward(&t, dY, LIVE);
        plain_update(&s, &t);
        update(&t);
        double *want = ref_doubles(s.block, s.n_params);
        read_block(t.net, now);
        assert_close("parameters", now, want, s.n_params, 2e-6);
        if (config->unit_weights) assert_unit_norms(t.net);
        free(want);
        read_block(t.target, now);
        assert_close("target", now, s.target, s.n_params, 2e-6);
        for (size_t i = 0; i < s.n_params; i++) moved += fabs((double)s.grads[i]) > 0;
        // Adam's sign-like steps would make much of the last bits: from here on the same ones.
        read_block(t.net, s.block);
        test_free(X), test_free(dY);
    }
    assert_true(moved > 0.9 * STEPS * (double)s.n_params);
    assert_memory_equal(udy_adam_m(s.adam), udy_adam_m(t.adam), s.n_params * sizeof(float));
    assert_memory_equal(udy_adam_v(s.adam), udy_adam_v(t.adam), s.n_params * sizeof(float));
    assert_in_step(t.net);
    assert_in_step(t.target);
    test_free(s.block), test_free(s.grads), test_free(now), free(s.target);
    udy_adam_destroy(s.adam);
    trainer_destroy(&t);
}

static void an_update_is_adam_then_unit_norms_then_the_targets_average(void **state) {
    (void)state;
    for (int i = 0; i < 2 * UDY_NORM_COUNT; i++) {
        udy_net_config config = critic;
        config.mlp.hidden = UDY_SILU;  // no unit is dead
        config.norm = (udy_norm)(i / 2);
        config.unit_weights = i % 2;
        check_updates(&config);
    }
}

static void without_a_target_an_update_leaves_it_alone(void **state) {
    (void)state;
    enum { B = 32 };
    trainer t = trainer_create(&critic, B, B, 1);
    udy_net *target = t.target, *twin = create(&critic, 4);
    float *X = normals(B * 13, 0, 1, 1), *dY = normals(B * 33, 0, 1, 2);
    size_t n;
    const float *p = udy_mlp_params(udy_net_mlp(target), &n);
    forward(&t, UDY__PASS_BATCH, X, B);
    backward(&t, dY, B);
    t.target = NULL;
    update(&t);
    assert_memory_equal(p, udy_mlp_params(udy_net_mlp(twin), NULL), n * sizeof *p);
    assert_unit_norms(t.net);
    t.target = target;
    test_free(X), test_free(dY);
    udy_net_destroy(twin);
    trainer_destroy(&t);
}

// Everything that a training writes, in one number.
static uint64_t trained(const udy_net_config *config, int n_threads) {
    enum { B = 180, LIVE = 96, IN = 13, OUT = 33 };
    trainer t = trainer_create(config, B, LIVE, n_threads);
    float *X = normals(B * IN, 1, 2, 40), *R = normals(B * OUT, 0, 1, 41);
    float *dY = normals(B * OUT, 0, 0, 0);
    uint64_t allocations = udy_alloc_count();
    for (int step = 0; step < 6; step++) {
        memcpy(dY, R, LIVE * OUT * sizeof *dY);
        forward(&t, UDY__PASS_BATCH, X, B);
        backward(&t, dY, LIVE);
        if (config->norm == UDY_NORM_BATCH) udy__pass_update_stats(t.pass, t.net);
        update(&t);
    }
    assert_int_equal(udy_alloc_count(), allocations);  // no memory is taken in the loop
    size_t n, n_params = udy__net_param_count(t.net);
    float *block = test_malloc(n_params * sizeof *block);
    read_block(t.net, block);
    for (size_t i = 0; i < n_params; i++) assert_true(isfinite(block[i]));
    uint64_t hash = udy_hash(block, n_params * sizeof *block);
    read_block(t.target, block);
    hash = hash * 31 + udy_hash(block, n_params * sizeof *block);
    const float *stats = udy_net_stats(t.net, &n);
    hash = hash * 31 + udy_hash(stats, n * sizeof *stats);
    hash = hash * 31 + udy_hash(udy_adam_v(t.adam), n_params * sizeof(float));
    test_free(X), test_free(R), test_free(dY), test_free(block);
    trainer_destroy(&t);
    return hash;
}

static void training_gives_the_same_bits_with_1_2_and_3_threads(void **state) {
    (void)state;
    uint64_t before = 0;
    for (int norm = 0; norm < UDY_NORM_COUNT; norm++) {
        udy_net_config config = critic;
        config.norm = (udy_norm)norm;
        uint64_t one = trained(&config, 1);
        assert_true(one == trained(&config, 2));
        assert_true(one == trained(&config, 3));
        assert_true(one != before);
        before = one;
    }
}

//------------------------------------------ Copies, refusals --------------------------------------

static void a_copy_is_the_same_function_and_stays_apart(void **state) {
    (void)state;
    enum { B = 32, OUT = 33 };
    for (int norm = 0; norm < UDY_NORM_COUNT; norm++) {
        udy_net_config config = critic;
        config.norm = (udy_norm)norm;
        trainer a = trainer_create(&config, B, B, 1), b = trainer_create(&config, B, B, 1);
        nudge(a.net, 50);
        float *X = normals(B * 13, 0, 1, 51);
        assert_int_equal(udy_net_copy(b.net, a.net), 0);
        for (int mode = 0; mode < 2; mode++) {
            forward(&a, (udy__pass_mode)mode, X, B);
            forward(&b, (udy__pass_mode)mode, X, B);
            assert_memory_equal(a.pass->out, b.pass->out, B * OUT * sizeof(float));
        }
        nudge(a.net, 52);
        forward(&a, UDY__PASS_FIXED, X, B);
        forward(&b, UDY__PASS_FIXED, X, B);
        assert_memory_not_equal(a.pass->out, b.pass->out, B * OUT * sizeof(float));
        test_free(X);
        trainer_destroy(&a), trainer_destroy(&b);
    }
}

static void a_copy_between_other_networks_is_refused_and_writes_nothing(void **state) {
    (void)state;
    udy_net_config configs[] = {critic, critic, critic, critic, critic};
    configs[1].norm = UDY_NORM_LAYER;
    configs[2].norm = UDY_NORM_NONE;
    configs[3].mlp.dims[0]++;
    configs[4].mlp.n_layers--;
    for (size_t i = 0; i < 25; i++) {
        if (i % 5 == i / 5) continue;
        udy_net *to = create(&configs[i / 5], 1), *from = create(&configs[i % 5], 2);
        size_t n = udy__net_param_count(to);
        float *before = test_malloc(n * sizeof *before), *after = test_malloc(n * sizeof *after);
        read_block(to, before);
        assert_int_equal(udy_net_copy(to, from), UDY_EINVAL);
        read_block(to, after);
        assert_memory_equal(before, after, n * sizeof *before);
        test_free(before), test_free(after);
        udy_net_destroy(to), udy_net_destroy(from);
    }
}

static void refused(const udy_net_config *config, int status, const char *said) {
    udy_net *net = (udy_net *)(void *)&net;
    udy_error err;
    assert_int_equal(udy_net_create(&net, config, &err), status);
    assert_null(net);
    if (!strstr(err.message, said)) fail_msg("\"%s\" does not say \"%s\"", err.message, said);
    assert_int_equal(udy_net_create(&net, config, NULL), status);
}

static void what_cannot_be_is_refused_with_the_value_in_the_message(void **state) {
    (void)state;
    const double eps[] = {0, -1e-3, 1, NAN, INFINITY}, momentum[] = {-0.1, 1, NAN};
    udy_net_config c = critic;
    for (size_t i = 0; i < sizeof eps / sizeof *eps; i++) {
        c.norm = i % 2 ? UDY_NORM_BATCH : UDY_NORM_LAYER;
        c.eps = eps[i];
        refused(&c, UDY_EINVAL, "eps");
    }
    c = critic;
    for (size_t i = 0; i < sizeof momentum / sizeof *momentum; i++) {
        c.momentum = momentum[i];
        refused(&c, UDY_EINVAL, "momentum");
    }
    c = critic, c.norm = UDY_NORM_COUNT;
    refused(&c, UDY_EINVAL, "normalisation 3");
    c.norm = (udy_norm)-1;
    refused(&c, UDY_EINVAL, "normalisation -1");
    c = critic, c.mlp.n_layers = 0;
    refused(&c, UDY_EINVAL, "0 layers");
    c.mlp.n_layers = 1000;  // nor may dims be read beyond its end
    refused(&c, UDY_EINVAL, "1000 layers");
    c = critic, c.mlp.dims[1] = 0;
    refused(&c, UDY_EINVAL, "dimension 1 is 0");
    c = critic, c.mlp.hidden = UDY_ACTIVATION_COUNT;
    refused(&c, UDY_EINVAL, "activations");
    c = critic, c.mlp.output = UDY_SILU;
    refused(&c, UDY_EUNSUPPORTED, "silu");
    c = critic, c.mlp.dims[2] = 513;
    refused(&c, UDY_EUNSUPPORTED, "513");
}

static void what_does_not_apply_is_not_looked_at(void **state) {
    (void)state;
    udy_net_config c = critic;
    c.norm = UDY_NORM_NONE, c.eps = -1, c.momentum = 7;
    udy_net *net = create(&c, 1);
    size_t n = 1;
    assert_null(udy_net_gamma(net, &n));
    assert_int_equal(n, 0);
    n = 1;
    assert_null(udy_net_stats(net, &n));
    assert_int_equal(n, 0);
    udy_net_destroy(net);
    c = critic, c.norm = UDY_NORM_LAYER, c.momentum = 7;
    net = create(&c, 1);
    assert_null(udy_net_stats(net, NULL));
    assert_non_null(udy_net_gamma(net, NULL));
    udy_net_destroy(net);
    c = critic, c.mlp.dims[2] = 512;
    udy_net_destroy(create(&c, 1));
    c = critic, c.unit_weights = false, c.mlp.dims[2] = 600;
    udy_net_destroy(create(&c, 1));
    udy_net_destroy(NULL);
    udy__pass_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_starts_with_scales_1_shifts_0_and_unit_norms),
        cmocka_unit_test(a_folded_network_equals_the_pass_with_running_statistics),
        cmocka_unit_test(folding_into_another_shape_is_refused),
        cmocka_unit_test(running_statistics_follow_their_definition),
        cmocka_unit_test(an_update_is_adam_then_unit_norms_then_the_targets_average),
        cmocka_unit_test(without_a_target_an_update_leaves_it_alone),
        cmocka_unit_test(training_gives_the_same_bits_with_1_2_and_3_threads),
        cmocka_unit_test(a_copy_is_the_same_function_and_stays_apart),
        cmocka_unit_test(a_copy_between_other_networks_is_refused_and_writes_nothing),
        cmocka_unit_test(what_cannot_be_is_refused_with_the_value_in_the_message),
        cmocka_unit_test(what_does_not_apply_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
