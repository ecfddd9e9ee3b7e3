// Passes of normalised networks over batches (src/nn/net_pass.c) and their gradients: against
// central differences of a plain double-precision network, and against its backward pass on larger
// shapes; rows that only lend their statistics; gradients down to the input.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "reference_net.h"

static double largest(const double *x, size_t n) {
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

// got [n] equals want to `tolerance` of want's largest value, or of `floor` where that is more.
static void assert_close(const char *what, const float *got, const double *want, size_t n,
                         double floor, double tolerance) {
    double scale = fmax(largest(want, n), floor);
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s[%zu] is %.9g, expected %.9g to %.2g", what, i, (double)got[i], want[i],
                     tolerance * scale);
    }
}

// A way to run a network: its normalisation, and whose statistics.
typedef struct way {
    const char *name;
    udy_norm norm;
    udy__pass_mode mode;
} way;
static const way ways[] = {
    {"none", UDY_NORM_NONE, UDY__PASS_BATCH},
    {"batch, fixed", UDY_NORM_BATCH, UDY__PASS_FIXED},
    {"batch", UDY_NORM_BATCH, UDY__PASS_BATCH},
    {"layer", UDY_NORM_LAYER, UDY__PASS_BATCH},
};
#define N_WAYS (sizeof ways / sizeof *ways)

// One network, one batch; L = sum(R * Y) over the live rows.
typedef struct check {
    udy_net *net;
    udy__pass *pass;
    ref_net ref;
    size_t B, live, back, in, out;
    float *X, *dY, *dX, *grads;
    double *X64, *R64;
} check;

// Everything that training moves is moved away from where it starts.
static void nudge(udy_net *net, udy_rng *rng) {
    size_t n;
    float *p = udy_mlp_params(udy_net_mlp(net), &n);
    for (size_t i = 0; i < n; i++) p[i] += (float)(0.1 * udy_rng_normal(rng));
    udy_mlp_sync(udy_net_mlp(net));
    p = udy_net_gamma(net, &n);
    for (size_t i = 0; i < n; i++) p[i] += (float)(0.3 * udy_rng_normal(rng));
    p = udy_net_stats(net, &n);
    for (size_t i = 0; i < n / 2; i++) p[i] = (float)(0.5 * udy_rng_normal(rng));
    for (size_t i = n / 2; i < n; i++) p[i] = (float)udy_rng_uniform(rng, 0.3, 3);
}

static void run_forward(udy__pass *pass) {
    for (int phase = 0; phase < udy__pass_phases(pass); phase++) {
        for (int s = 0; s < udy__shard_count(pass->B); s++) udy__pass_forward(pass, phase, s);
        udy__pass_merge(pass, phase);
    }
}

static void run_backward(udy__pass *pass, float *dY, float *dX) {
    for (int phase = 0; phase < udy__pass_back_phases(pass); phase++) {
        for (int s = udy__shard_count(pass->B_back) - 1; s >= 0; s--)
            udy__pass_backward(pass, phase, s, dY, dX);
        udy__pass_back_merge(pass, phase);
    }
}

// Rows from `live` on have no gradient at the output, rows from `back` on none at all.
static check check_create(const udy_mlp_config *mlp, const way *w, bool unit, size_t B, size_t live,
                          size_t back, uint64_t seed) {
    check c = {.B = B, .live = live, .back = back, .in = (size_t)mlp->dims[0]};
    c.out = (size_t)mlp->dims[mlp->n_layers];
    const udy_net_config config = {
        .mlp = *mlp, .norm = w->norm, .unit_weights = unit, .eps = 1e-3, .momentum = 0.99};
    udy_rng rng;
    udy_rng_init(&rng, seed);
    assert_int_equal(udy_net_create(&c.net, &config, NULL), 0);
    udy_net_init(c.net, &rng);
    nudge(c.net, &rng);
    c.X = test_malloc(B * c.in * sizeof(float));
    c.dX = test_malloc(B * c.in * sizeof(float));
    c.dY = test_malloc(B * c.out * sizeof(float));
    c.R64 = test_malloc(B * c.out * sizeof(double));
    // Columns of the input are as far apart as a robot's heights and speeds.
    for (size_t i = 0; i < B * c.in; i++)
        c.X[i] = (float)((double)(i % c.in % 3) + (0.5 + (double)(i % 2)) * udy_rng_normal(&rng));
    for (size_t i = 0; i < B * c.out; i++) {
        bool is_live = i < live * c.out;
        c.dY[i] = is_live ? (float)udy_rng_normal(&rng) : NAN;  // dead rows must not be read
        c.R64[i] = is_live ? (double)c.dY[i] : 0;
    }
    c.X64 = ref_doubles(c.X, B * c.in);
    c.ref = ref_net_create(c.net, w->mode == UDY__PASS_BATCH, (int)B);
    c.ref.B_back = (int)back;
    assert_int_equal(udy__net_param_count(c.net), c.ref.n_params);
    c.grads = test_malloc(c.ref.n_params * sizeof(float));
    for (size_t i = 0; i < c.ref.n_params; i++) c.grads[i] = NAN;
    assert_int_equal(
        udy__pass_create(&c.pass, c.net, (int)B, (int)live, (int)back, UDY__FOR_BACKWARD, NULL), 0);
    udy__pass_begin(c.pass, c.net, w->mode, c.X, (int)B);
    c.pass->B_live = (int)live;
    c.pass->B_back = (int)back;
    run_forward(c.pass);
    run_backward(c.pass, c.dY, c.dX);
    udy__net_gradient(c.net, c.pass, c.dY, c.grads);
    return c;
}

static void check_destroy(check *c) {
    test_free(c->X), test_free(c->dX), test_free(c->dY), test_free(c->grads), test_free(c->R64);
    free(c->X64);
    ref_net_destroy(&c->ref);
    udy__pass_destroy(c->pass);
    udy_net_destroy(c->net);
}

// Every tensor apart, so that a small one cannot hide behind a large one.
static void assert_gradients_close(const char *name, const check *c, const double *want,
                                   double tolerance) {
    // What a normalisation above takes away again has no gradient but rounding.
    double floor = 0.01 * largest(want, c->ref.n_params);
    size_t at = 0;
    char what[80];
    for (int i = 0; i < udy_mlp_param_count(udy_net_mlp(c->net)); i++) {
        udy_param param = udy_mlp_param(udy_net_mlp(c->net), i);
        size_t n = (size_t)param.rows * (size_t)param.cols;
        snprintf(what, sizeof what, "%s: gradient of %s", name, param.name);
        assert_close(what, c->grads + at, want + at, n, floor, tolerance);
        at += n;
    }
    for (int l = 0; at < c->ref.n_params; l++) {
        size_t n = (size_t)c->ref.config.mlp.dims[l + 1];
        snprintf(what, sizeof what, "%s: gradient of gamma %d", name, l);
        assert_close(what, c->grads + at, want + at, n, floor, tolerance);
        at += n;
    }
    assert_int_equal(at, c->ref.n_params);
}

//------------------------------------------ Small: central differences ----------------------------

static double ref_loss(check *c) {
    const double *Y = ref_net_forward(&c->ref, c->X64);
    double loss = 0;
    for (size_t i = 0; i < c->B * c->out; i++) loss += c->R64[i] * Y[i];
    return loss;
}

// d(loss)/d(*x) by central differences.
static double slope_at(check *c, double *x) {
    const double step = 1e-6;  // small: a kink of ReLU inside it would spoil the difference
    double kept = *x;
    *x = kept + step;
    double up = ref_loss(c);
    *x = kept - step;
    double down = ref_loss(c);
    *x = kept;
    return (up - down) / (2 * step);
}

static void check_by_differences(const udy_mlp_config *mlp, const way *w, size_t B, size_t live,
                                 size_t back, uint64_t seed) {
    check c = check_create(mlp, w, seed % 2, B, live, back, seed);
    ref_net_forward(&c.ref, c.X64);
    c.ref.frozen = true;
    double *want = test_malloc(c.ref.n_params * sizeof *want);
    for (size_t i = 0; i < c.ref.n_params; i++) want[i] = slope_at(&c, &c.ref.p[i]);
    assert_true(largest(want, c.ref.n_params) > 1e-4);
    assert_gradients_close(w->name, &c, want, 5e-5);
    // The plain network's own backward pass, which larger shapes are held against.
    ref_net_forward(&c.ref, c.X64);
    ref_net_backward(&c.ref, c.R64, true);
    double scale = largest(want, c.ref.n_params);
    for (size_t i = 0; i < c.ref.n_params; i++)
        assert_true(fabs(c.ref.grads[i] - want[i]) < 1e-6 * scale);
    for (size_t i = 0; i < back * c.in; i++)
        assert_true(fabs(c.ref.d[0][i] - slope_at(&c, &c.X64[i])) < 1e-6 * scale);
    bool of_batch = w->norm == UDY_NORM_BATCH && w->mode == UDY__PASS_BATCH;
    ref_net_forward(&c.ref, c.X64);
    ref_net_backward(&c.ref, c.R64, !of_batch);
    assert_close("dX", c.dX, c.ref.d[0], back * c.in, 1e-3, 5e-5);
    test_free(want);
    check_destroy(&c);
}

static void gradients_equal_central_differences_for_every_activation_and_norm(void **state) {
    (void)state;
    for (size_t w = 0; w < N_WAYS; w++) {
        for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
            const udy_mlp_config mlp = {
                .n_layers = 3, .dims = {4, 7, 6, 3}, .hidden = (udy_activation)a};
            check_by_differences(&mlp, &ways[w], 37, 37, 37, 100 * w + (uint64_t)a);
        }
    }
}

static void gradients_equal_central_differences_for_odd_shapes(void **state) {
    (void)state;
    const udy_mlp_config shapes[] = {
        {.n_layers = 1, .dims = {3, 2}},
        {.n_layers = 1, .dims = {3, 18}, .output = UDY_TANH},
        {.n_layers = 2, .dims = {2, 17, 1}, .hidden = UDY_SILU, .output = UDY_SIGMOID},
        {.n_layers = 5, .dims = {3, 4, 5, 6, 5, 19}, .hidden = UDY_TANH},
    };
    for (size_t w = 0; w < N_WAYS; w++) {
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            check_by_differences(&shapes[i], &ways[w], 70, 70, 70, 500 + 10 * w + i);
            check_by_differences(&shapes[i], &ways[w], 70, 32, 70, 600 + 10 * w + i);
            check_by_differences(&shapes[i], &ways[w], 70, 32, 32, 700 + 10 * w + i);
            check_by_differences(&shapes[i], &ways[w], 70, 32, 64, 800 + 10 * w + i);
        }
    }
}

//------------------------------------------ Large: the plain network ------------------------------

// Neither rows nor widths are multiples of a shard, a tile or a vector, but for some. Smooth ones in
// the larger shapes: among 200,000 ReLUs one is within rounding of its kink.
static const struct {
    udy_mlp_config mlp;
    size_t B, live;
    bool unit;
} cases[] = {
    {{.n_layers = 3, .dims = {5, 33, 5, 3}, .hidden = UDY_LEAKY_RELU}, 32, 32, false},
    {{.n_layers = 3, .dims = {5, 5, 64, 17}, .hidden = UDY_SILU}, 32, 32, true},
    {{.n_layers = 3, .dims = {11, 64, 33, 20}, .hidden = UDY_RELU}, 45, 45, true},
    {{.n_layers = 2, .dims = {33, 130, 9}, .hidden = UDY_GELU}, 45, 32, false},
    {{.n_layers = 4, .dims = {6, 130, 64, 33, 1}, .hidden = UDY_TANH}, 96, 96, false},
    {{.n_layers = 3, .dims = {130, 64, 130, 8}, .hidden = UDY_ELU}, 96, 64, true},
    {{.n_layers = 4, .dims = {35, 130, 130, 130, 101}, .hidden = UDY_SILU}, 512, 256, true},
    {{.n_layers = 3, .dims = {27, 256, 256, 16}, .hidden = UDY_SOFTPLUS}, 512, 512, false},
};
#define N_CASES (sizeof cases / sizeof *cases)

static void outputs_equal_the_plain_network(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES * N_WAYS; i++) {
        const way *w = &ways[i % N_WAYS];
        size_t k = i / N_WAYS;
        check c =
            check_create(&cases[k].mlp, w, cases[k].unit, cases[k].B, cases[k].live, cases[k].B, i);
        assert_close(w->name, c.pass->out, ref_net_forward(&c.ref, c.X64), c.B * c.out, 0.1, 1e-5);
        for (int l = 0;
             w->norm == UDY_NORM_BATCH && w->mode == UDY__PASS_BATCH && l <= c.ref.n_hidden; l++)
            assert_close("batch mean", c.pass->mean[l], c.ref.mean[l],
                         (size_t)c.ref.config.mlp.dims[l], 1, 1e-5);
        check_destroy(&c);
    }
}

// With rows that have no gradient of their own (live < B): through batch statistics they get one,
// unless they count as constants (back < B).
static void check_gradients(size_t k, const way *w, size_t back, uint64_t seed) {
    check c = check_create(&cases[k].mlp, w, cases[k].unit, cases[k].B, cases[k].live, back, seed);
    bool of_batch = w->norm == UDY_NORM_BATCH && w->mode == UDY__PASS_BATCH;
    ref_net_forward(&c.ref, c.X64);
    ref_net_backward(&c.ref, c.R64, !of_batch);
    assert_gradients_close(w->name, &c, c.ref.grads, 5e-5);
    assert_close("dX", c.dX, c.ref.d[0], back * c.in, 1e-3, 5e-5);
    double lent = largest(c.ref.d[0] + c.live * c.in, (c.B - c.live) * c.in);
    assert_true(c.live == c.B || (lent > 0) == (of_batch && back > c.live));
    check_destroy(&c);
}

static void gradients_equal_the_plain_network(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES * N_WAYS; i++)
        check_gradients(i / N_WAYS, &ways[i % N_WAYS], cases[i / N_WAYS].B, i);
}

static void rows_beyond_b_back_count_as_constants(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES * N_WAYS; i++) {
        const size_t k = i / N_WAYS, live = cases[k].live;
        if (live < cases[k].B) check_gradients(k, &ways[i % N_WAYS], live, i);
    }
}

// A pass is made once and runs on batches of any size up to its largest, in either mode, in turn.
static void a_pass_keeps_nothing_of_the_batch_before(void **state) {
    (void)state;
    const udy_mlp_config mlp = {.n_layers = 3, .dims = {9, 40, 33, 20}, .hidden = UDY_SILU};
    for (size_t w = 0; w < N_WAYS; w++) {
        check big = check_create(&mlp, &ways[w], true, 96, 96, 96, 3);
        check fresh = check_create(&mlp, &ways[w], true, 45, 32, 45, 3);
        const udy__pass_mode other =
            ways[w].mode == UDY__PASS_BATCH ? UDY__PASS_FIXED : UDY__PASS_BATCH;
        udy__pass_begin(big.pass, big.net, other, big.X, 70);
        run_forward(big.pass);
        memset(big.dY, 0, big.B * big.out * sizeof *big.dY);
        run_backward(big.pass, big.dY, NULL);

        udy__pass_begin(big.pass, fresh.net, ways[w].mode, fresh.X, 45);
        big.pass->B_live = 32;
        run_forward(big.pass);
        assert_memory_equal(big.pass->out, fresh.pass->out, fresh.B * fresh.out * sizeof(float));
        for (size_t i = 0; i < 32 * fresh.out; i++) big.dY[i] = (float)fresh.R64[i];
        run_backward(big.pass, big.dY, big.dX);
        udy__net_gradient(fresh.net, big.pass, big.dY, big.grads);
        assert_memory_equal(big.grads, fresh.grads, fresh.ref.n_params * sizeof(float));
        assert_memory_equal(big.dX, fresh.dX, fresh.B * fresh.in * sizeof(float));
        check_destroy(&big);
        check_destroy(&fresh);
    }
}

//------------------------------------------ Down to the input -------------------------------------

// With the running statistics rows do not meet: one shard is enough for its rows' gradient.
static void input_gradients_equal_the_plain_network_shard_by_shard(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES * N_WAYS; i++) {
        way w = ways[i % N_WAYS];
        size_t k = i / N_WAYS;
        w.mode = UDY__PASS_FIXED;
        check c =
            check_create(&cases[k].mlp, &w, cases[k].unit, cases[k].B, cases[k].B, cases[k].B, i);
        udy__pass *pass;  // one that is never differentiated by parameters
        assert_int_equal(
            udy__pass_create(&pass, c.net, (int)c.B, (int)c.B, (int)c.B, UDY__FOR_FORWARD, NULL),
            0);
        udy__pass_begin(pass, c.net, UDY__PASS_FIXED, c.X, (int)c.B);
        float *scratch = test_malloc(udy__pass_input_scratch(c.net) * sizeof *scratch);
        float *dX = test_malloc(c.B * c.in * sizeof *dX);
        for (size_t j = 0; j < c.B * c.out; j++) c.dY[j] = (float)c.R64[j];
        for (int s = udy__shard_count((int)c.B) - 1; s >= 0; s--) {
            udy__pass_forward(pass, 0, s);
            udy__pass_input_gradient(pass, s, c.dY, dX, scratch);
        }
        ref_net_forward(&c.ref, c.X64);
        ref_net_backward(&c.ref, c.R64, true);
        assert_true(largest(c.ref.d[0], c.B * c.in) > 1e-3);
        assert_close(w.name, dX, c.ref.d[0], c.B * c.in, 1e-3, 5e-5);
        assert_close("dX of backward", c.dX, c.ref.d[0], c.B * c.in, 1e-3, 5e-5);
        test_free(scratch), test_free(dX);
        udy__pass_destroy(pass);
        check_destroy(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_equal_central_differences_for_every_activation_and_norm),
        cmocka_unit_test(gradients_equal_central_differences_for_odd_shapes),
        cmocka_unit_test(outputs_equal_the_plain_network),
        cmocka_unit_test(gradients_equal_the_plain_network),
        cmocka_unit_test(rows_beyond_b_back_count_as_constants),
        cmocka_unit_test(a_pass_keeps_nothing_of_the_batch_before),
        cmocka_unit_test(input_gradients_equal_the_plain_network_shard_by_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
