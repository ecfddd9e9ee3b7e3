// Normalised networks whose products take bfloat16 factors (src/nn/product_bf16.c): the products,
// what they cost in precision, their rounded copies of the weights, the bits over threads. Skipped
// where the CPU has no such instructions, but for the refusal.
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
    .momentum = 0.99,
    .bf16 = true,
};
enum { B = 192, LIVE = 96, IN = 13, OUT = 33, MAX_THREADS = 3 };

static void skip_where_unsupported(void) {
    if (udy__bf16_supported()) return;
    print_message("this CPU has no bfloat16 instructions\n");
    skip();
}

static float *normals(size_t n, double std, uint64_t seed) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(std * udy_rng_normal(&rng));
    return x;
}

static void a_cpu_without_the_instructions_refuses(void **state) {
    (void)state;
    udy_net *net;
    udy_error err = {0};
    int status = udy_net_create(&net, &critic, &err);
    if (udy__bf16_supported()) {
        assert_int_equal(status, 0);
        udy_net_destroy(net);
    } else {
        assert_int_equal(status, UDY_EUNSUPPORTED);
        assert_non_null(strstr(err.message, "float32"));
    }
}

static double as_double(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void products_equal_sums_in_double(void **state) {
    (void)state;
    skip_where_unsupported();
    const udy__bf16_shape shapes[] = {
        {false, 32, 96, 70, 70, 96, 96},      {false, 32, 33, 64, 64, 40, 33},
        {false, 32, 256, 256, 256, 256, 256}, {true, 64, 70, 192, 96, 70, 70},
        {true, 33, 64, 96, 33, 64, 64},       {true, 5, 17, 32, 69, 17, 17},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        udy__bf16_shape s = shapes[i];
        size_t n_a = (size_t)(s.transpose_a ? s.K : s.M) * (size_t)s.lda;
        size_t n_b = (size_t)s.K * (size_t)s.ldb, n_c = (size_t)s.M * (size_t)s.ldc;
        float *a32 = normals(n_a, 1, 2 * i), *b32 = normals(n_b, 1, 2 * i + 1);
        float *C = normals(n_c + 1, 0, 0);
        uint16_t *a = test_malloc(n_a * sizeof *a), *b = test_malloc(n_b * sizeof *b);
        udy__kernels_best()->to_bf16(a32, 0, 1, (int)n_a, a, 0);
        udy__kernels_best()->to_bf16(b32, 0, 1, (int)n_b, b, 0);
        udy__bf16 *product;
        assert_int_equal(udy__bf16_create(&product, &s, NULL), 0);
        C[n_c] = 7;
        udy__bf16_run(product, a, b, C);
        assert_true(C[n_c] == 7.0f);
        for (int m = 0; m < s.M; m++) {
            for (int n = 0; n < s.N; n++) {
                double want = 0, got = (double)C[m * s.ldc + n];
                for (int k = 0; k < s.K; k++)
                    want += as_double(a[s.transpose_a ? k * s.lda + m : m * s.lda + k]) *
                            as_double(b[k * s.ldb + n]);
                if (!(fabs(got - want) < 1e-4))
                    fail_msg("product %zu at (%d, %d): %.9g, expected %.9g", i, m, n, got, want);
            }
        }
        udy__bf16_destroy(product);
        test_free(a32), test_free(b32), test_free(C), test_free(a), test_free(b);
    }
}

// Tasks of one product, each with factors of its own, as the tiles of a layer are.
typedef struct crowd {
    udy__bf16 *product;
    udy__bf16_shape shape;
    const uint16_t *a, *b;
    float *C;
} crowd;

static void product_task(void *ctx, int task, int thread) {
    (void)thread;
    crowd *c = ctx;
    size_t n = (size_t)c->shape.M * (size_t)c->shape.ldc;
    udy__bf16_run(c->product, c->a + 64 * task, c->b + 32 * task, c->C + (size_t)task * n);
}

static void a_product_may_run_on_several_threads_at_once(void **state) {
    (void)state;
    skip_where_unsupported();
    enum { TASKS = 24, ROUNDS = 400, N_A = 256 * 512 + 64 * TASKS };
    const udy__bf16_shape shapes[] = {{true, 64, 256, 512, 256, 256, 256},
                                      {false, 32, 256, 256, 256, 256, 256},
                                      {false, 32, 101, 256, 256, 104, 101}};
    float *x = normals(N_A, 1, 1);
    uint16_t *a = test_malloc(N_A * sizeof *a);
    udy__kernels_best()->to_bf16(x, 0, 1, N_A, a, 0);
    udy_pool *one, *many;
    assert_int_equal(udy_pool_create(&one, 1, NULL), 0);
    assert_int_equal(udy_pool_create(&many, MAX_THREADS, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        crowd c = {.shape = shapes[i], .a = a, .b = a};
        size_t n = (size_t)(shapes[i].M * shapes[i].ldc) * TASKS;
        float *want = normals(n, 0, 0);
        c.C = normals(n, 0, 0);
        assert_int_equal(udy__bf16_create(&c.product, &shapes[i], NULL), 0);
        udy_pool_run(one, TASKS, product_task, &c);
        memcpy(want, c.C, n * sizeof *want);
        for (int round = 0; round < ROUNDS; round++) {
            udy_pool_run(many, TASKS, product_task, &c);
            if (memcmp(want, c.C, n * sizeof *want) != 0)
                fail_msg("product %zu is another with %d threads, in round %d", i, MAX_THREADS,
                         round);
        }
        udy__bf16_destroy(c.product);
        test_free(want), test_free(c.C);
    }
    udy_pool_destroy(one), udy_pool_destroy(many);
    test_free(x), test_free(a);
}

//------------------------------------------ Networks ----------------------------------------------

typedef struct trainer {
    udy_net *net, *target;
    udy__pass *pass;
    udy_adam *adam;
    udy__adam_coefficients coefficients;
    udy_pool *pool;
    int phase;
    float *X, *R, *dY, *scratch;
} trainer;

static udy_net *create(const udy_net_config *config, uint64_t seed) {
    udy_net *net;
    udy_rng rng;
    udy_rng_init(&rng, seed);
    assert_int_equal(udy_net_create(&net, config, NULL), 0);
    udy_net_init(net, &rng);
    return net;
}

static trainer trainer_create(const udy_net_config *config, int n_threads, size_t back) {
    trainer t = {.net = create(config, 3), .target = create(config, 4)};
    udy_adam_config adam = udy_adam_config_default();
    assert_int_equal(udy_pool_create(&t.pool, n_threads, NULL), 0);
    assert_int_equal(udy__pass_create(&t.pass, t.net, B, LIVE, (int)back, UDY__FOR_BACKWARD, NULL),
                     0);
    assert_int_equal(udy_adam_create(&t.adam, udy__net_param_count(t.net), &adam, NULL), 0);
    t.scratch = normals(udy__net_tile_scratch(t.net) * MAX_THREADS, 0, 0);
    t.X = normals(B * IN, 1.5, 40);
    t.R = normals(B * OUT, 1, 41);
    t.dY = normals(B * OUT, 0, 0);
    return t;
}

static void trainer_destroy(trainer *t) {
    udy_net_destroy(t->net), udy_net_destroy(t->target);
    udy__pass_destroy(t->pass);
    udy_adam_destroy(t->adam);
    udy_pool_destroy(t->pool);
    test_free(t->scratch), test_free(t->X), test_free(t->R), test_free(t->dY);
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
    udy__net_update_tile(t->net, t->pass, tile, t->dY, t->adam, &t->coefficients, t->target, 0.1f,
                         t->scratch + (size_t)thread * udy__net_tile_scratch(t->net));
}

// Forward and backward of L = sum(R * Y) over the live rows.
static void run(trainer *t, udy__pass_mode mode, int back) {
    udy__pass_begin(t->pass, t->net, mode, t->X, B);
    t->pass->B_live = LIVE;
    t->pass->B_back = back;
    for (t->phase = 0; t->phase < udy__pass_phases(t->pass); t->phase++) {
        udy_pool_run(t->pool, udy__shard_count(B), forward_task, t);
        udy__pass_merge(t->pass, t->phase);
    }
    memcpy(t->dY, t->R, B * OUT * sizeof *t->dY);
    for (t->phase = 0; t->phase < udy__pass_back_phases(t->pass); t->phase++) {
        udy_pool_run(t->pool, udy__shard_count(back), backward_task, t);
        udy__pass_back_merge(t->pass, t->phase);
    }
}

static void update(trainer *t) {
    t->coefficients = udy__adam_begin(t->adam);
    udy_pool_run(t->pool, udy__net_tile_count(t->net), tile_task, t);
}

// What a float32 network of the same weights has, to bfloat16's 8 bits.
static void assert_near(const char *what, const float *got, const float *want, size_t n) {
    double dot = 0, gg = 0, ww = 0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)got[i] * (double)want[i];
        gg += (double)got[i] * (double)got[i];
        ww += (double)want[i] * (double)want[i];
    }
    double cosine = dot / sqrt(gg * ww), length = sqrt(gg / ww);
    if (!(cosine > 0.995 && cosine < 1 - 1e-9 && fabs(length - 1) < 0.02))
        fail_msg("%s: cosine %.7f, length %.5f of float32's", what, cosine, length);
}

static void outputs_and_gradients_are_near_those_of_float32(void **state) {
    (void)state;
    skip_where_unsupported();
    for (int i = 0; i < 2 * UDY_NORM_COUNT + 2; i++) {
        // The last two: rows beyond the live ones count as constants.
        int back = i < 2 * UDY_NORM_COUNT ? B : LIVE;
        udy_net_config config = critic, exact;
        config.norm = i < 2 * UDY_NORM_COUNT ? (udy_norm)(i / 2) : UDY_NORM_BATCH;
        config.mlp.hidden = i % 2 ? UDY_SILU : UDY_RELU;
        exact = config, exact.bf16 = false;
        trainer a = trainer_create(&config, 2, (size_t)back);
        trainer b = trainer_create(&exact, 2, (size_t)back);
        size_t n = udy__net_param_count(a.net);
        float *got = normals(n, 0, 0), *want = normals(n, 0, 0);
        for (int mode = 1; mode >= 0; mode--) {
            run(&a, (udy__pass_mode)mode, back);
            run(&b, (udy__pass_mode)mode, back);
            assert_near("outputs", a.pass->out, b.pass->out, B * OUT);
            udy__net_gradient(a.net, a.pass, a.dY, got);
            udy__net_gradient(b.net, b.pass, b.dY, want);
            for (int p = 0; p < udy_mlp_param_count(udy_net_mlp(a.net)); p += 2) {
                udy_param W = udy_mlp_param(udy_net_mlp(a.net), p);
                size_t at = (size_t)(W.data - udy_mlp_params(udy_net_mlp(a.net), NULL));
                assert_near(W.name, got + at, want + at, (size_t)W.rows * (size_t)W.cols);
            }
        }
        test_free(got), test_free(want);
        trainer_destroy(&a), trainer_destroy(&b);
    }
}

static void gradients_down_to_the_input_are_near_those_of_float32(void **state) {
    (void)state;
    skip_where_unsupported();
    udy_net_config exact = critic;
    exact.bf16 = false;
    float *dX[2];
    for (int i = 0; i < 2; i++) {
        trainer t = trainer_create(i ? &exact : &critic, 1, B);
        float *scratch = normals(udy__pass_input_scratch(t.net), 0, 0);
        dX[i] = normals(B * IN, 0, 0);
        udy__pass_begin(t.pass, t.net, UDY__PASS_FIXED, t.X, B);
        for (int s = 0; s < udy__shard_count(B); s++) {
            udy__pass_forward(t.pass, 0, s);
            udy__pass_input_gradient(t.pass, s, t.R, dX[i], scratch);
        }
        test_free(scratch);
        trainer_destroy(&t);
    }
    assert_near("dX", dX[0], dX[1], B * IN);
    test_free(dX[0]), test_free(dX[1]);
}

static void rounded(const float *x, size_t n, uint16_t *to) {
    udy__kernels_best()->to_bf16(x, 0, 1, (int)n, to, 0);
}

// The rounded copies that the next pass reads are those of the weights as the update left them.
static void rounded_weights_follow_updates_and_copies(void **state) {
    (void)state;
    skip_where_unsupported();
    trainer t = trainer_create(&critic, 1, B);
    udy_mlp *mlp = udy_net_mlp(t.net), *target = udy_net_mlp(t.target);
    uint16_t *want = test_malloc(mlp->n_transposed * sizeof *want);
    for (int step = 0; step < 3; step++) {
        if (step == 2) assert_int_equal(udy_net_copy(t.target, t.net), 0);
        if (step < 2) {
            run(&t, UDY__PASS_BATCH, B);
            update(&t);
        }
        for (int l = 1; l < critic.mlp.n_layers; l++) {
            size_t in = (size_t)critic.mlp.dims[l], out = (size_t)critic.mlp.dims[l + 1];
            rounded(mlp->params + mlp->weight_at[l], in * out, want);
            assert_memory_equal(want, t.net->Wb + mlp->weight_at[l], in * out * sizeof *want);
            size_t n = in * (size_t)mlp->ldt[l], at = mlp->transposed_at[l];
            rounded(mlp->transposed + at, n, want);
            assert_memory_equal(want, t.net->Wtb + at, n * sizeof *want);
            rounded(target->transposed + at, n, want);
            assert_memory_equal(want, t.target->Wtb + at, n * sizeof *want);
        }
    }
    test_free(want);
    trainer_destroy(&t);
}

static uint64_t trained(int n_threads, int back) {
    trainer t = trainer_create(&critic, n_threads, (size_t)back);
    uint64_t allocations = udy_alloc_count();
    for (int step = 0; step < 6; step++) {
        run(&t, UDY__PASS_BATCH, back);
        udy__pass_update_stats(t.pass, t.net);
        update(&t);
    }
    assert_int_equal(udy_alloc_count(), allocations);
    size_t n;
    const float *p = udy_mlp_params(udy_net_mlp(t.net), &n);
    for (size_t i = 0; i < n; i++) assert_true(isfinite(p[i]));
    uint64_t hash = udy_hash(p, n * sizeof *p);
    p = udy_mlp_params(udy_net_mlp(t.target), &n);
    hash = hash * 31 + udy_hash(p, n * sizeof *p);
    p = udy_net_stats(t.net, &n);
    hash = hash * 31 + udy_hash(p, n * sizeof *p);
    trainer_destroy(&t);
    return hash;
}

static void training_gives_the_same_bits_with_1_2_and_3_threads(void **state) {
    (void)state;
    skip_where_unsupported();
    for (int i = 0; i < 2; i++) {
        int back = i ? LIVE : B;
        uint64_t one = trained(1, back);
        assert_true(one == trained(2, back));
        assert_true(one == trained(MAX_THREADS, back));
    }
}

static void rows_that_are_no_whole_shards_are_refused(void **state) {
    (void)state;
    skip_where_unsupported();
    const int rows[][2] = {{45, 45}, {96, 45}, {33, 32}};
    udy_net *net = create(&critic, 1);
    for (size_t i = 0; i < 3; i++) {
        udy__pass *pass;
        udy_error err;
        assert_int_equal(udy__pass_create(&pass, net, rows[i][0], rows[i][1], rows[i][0],
                                          UDY__FOR_BACKWARD, &err),
                         UDY_EINVAL);
        assert_null(pass);
    }
    udy_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpu_without_the_instructions_refuses),
        cmocka_unit_test(products_equal_sums_in_double),
        cmocka_unit_test(a_product_may_run_on_several_threads_at_once),
        cmocka_unit_test(outputs_and_gradients_are_near_those_of_float32),
        cmocka_unit_test(gradients_down_to_the_input_are_near_those_of_float32),
        cmocka_unit_test(rounded_weights_follow_updates_and_copies),
        cmocka_unit_test(training_gives_the_same_bits_with_1_2_and_3_threads),
        cmocka_unit_test(rows_that_are_no_whole_shards_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
