// Gradients of src/nn: against central differences of a plain double-precision network, so that
// rounding to float32 hides no mistake; against its backward pass on larger shapes; the gradient
// of the loss; Adam and AdamW against their definitions in double.
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "reference_mlp.h"

static udy_pool *pool;

static double largest(const double *x, size_t n) {
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

// got [n] equals want to `tolerance` of want's largest value.
static void assert_close(const char *what, const float *got, const double *want, size_t n,
                         double tolerance) {
    double scale = largest(want, n) + 1e-6;
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s[%zu] is %.9g, expected %.9g to %.2g", what, i, (double)got[i], want[i],
                     tolerance * scale);
    }
}

static float *random_floats(udy_rng *rng, size_t n, double std) {
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(std * udy_rng_normal(rng));
    return x;
}

static double *doubles(const float *x, size_t n) {
    double *y = test_malloc(n * sizeof *y);
    for (size_t i = 0; i < n; i++) y[i] = x[i];
    return y;
}

// One network, one batch: the library's forward and backward, and the reference beside it.
typedef struct check {
    udy_mlp *mlp;
    udy_mlp_workspace *ws;
    ref_mlp ref;
    int B;
    size_t n_in, n_out, n_params;
    float *X, *R, *grads, *dX;  // L = sum(R * Y), so dL/dY = R
    double *X64, *R64;
    const float *Y;
} check;

static check check_create(const udy_mlp_config *config, int B, uint64_t seed) {
    check c = {.B = B};
    udy_rng rng;
    udy_rng_init(&rng, seed);
    assert_int_equal(udy_mlp_create(&c.mlp, config, NULL), 0);
    udy_mlp_init(c.mlp, &rng);
    float *p = udy_mlp_params(c.mlp, &c.n_params);
    for (size_t i = 0; i < c.n_params; i++) p[i] += (float)(0.2 * udy_rng_normal(&rng));
    udy_mlp_sync(c.mlp);
    assert_int_equal(udy_mlp_workspace_create(&c.ws, c.mlp, B, NULL), 0);
    c.n_in = (size_t)B * (size_t)config->dims[0];
    c.n_out = (size_t)B * (size_t)config->dims[config->n_layers];
    c.X = random_floats(&rng, c.n_in, 1.0);
    c.R = random_floats(&rng, c.n_out, 1.0);
    c.X64 = doubles(c.X, c.n_in);
    c.R64 = doubles(c.R, c.n_out);
    c.grads = test_malloc(c.n_params * sizeof(float));
    c.dX = test_malloc(c.n_in * sizeof(float));
    c.ref = ref_create(c.mlp, B);
    c.Y = udy_mlp_forward(c.mlp, c.ws, pool, c.X, B);
    assert_non_null(c.Y);
    float *dY = test_malloc(c.n_out * sizeof *dY);
    memcpy(dY, c.R, c.n_out * sizeof *dY);
    udy_mlp_backward(c.mlp, c.ws, pool, c.X, B, dY, c.grads, c.dX);
    test_free(dY);
    return c;
}

static void check_destroy(check *c) {
    test_free(c->X), test_free(c->R), test_free(c->X64), test_free(c->R64);
    test_free(c->grads), test_free(c->dX);
    ref_destroy(&c->ref);
    udy_mlp_workspace_destroy(c->ws);
    udy_mlp_destroy(c->mlp);
}

static double ref_loss(check *c) {
    const double *Y = ref_forward(&c->ref, c->X64);
    double loss = 0;
    for (size_t i = 0; i < c->n_out; i++) loss += c->R64[i] * Y[i];
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

// Every weight, bias and input.
static void check_by_differences(const udy_mlp_config *config, int B, uint64_t seed) {
    check c = check_create(config, B, seed);
    double *want = test_malloc((c.n_params + c.n_in) * sizeof *want);
    for (size_t i = 0; i < c.n_params; i++) want[i] = slope_at(&c, &c.ref.p[i]);
    for (size_t i = 0; i < c.n_in; i++) want[c.n_params + i] = slope_at(&c, &c.X64[i]);
    assert_true(largest(want, c.n_params) > 1e-4);
    size_t at = 0;
    for (int i = 0; i < udy_mlp_param_count(c.mlp); i++) {
        udy_param param = udy_mlp_param(c.mlp, i);
        size_t n = (size_t)param.rows * (size_t)param.cols;
        assert_close(param.name, c.grads + at, want + at, n, 2e-5);
        at += n;
    }
    assert_int_equal(at, c.n_params);
    assert_close("dX", c.dX, want + c.n_params, c.n_in, 2e-5);
    test_free(want);
    check_destroy(&c);
}

static void gradients_equal_central_differences_for_every_activation(void **state) {
    (void)state;
    for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
        for (int b = 0; b < UDY_ACTIVATION_COUNT; b++) {
            udy_mlp_config config = {.n_layers = 3,
                                     .dims = {5, 9, 7, 3},
                                     .hidden = (udy_activation)a,
                                     .output = (udy_activation)b};
            check_by_differences(&config, 12, (uint64_t)(100 + a * 16 + b));
        }
    }
}

static void gradients_equal_central_differences_for_odd_shapes(void **state) {
    (void)state;
    const struct {
        udy_mlp_config config;
        int B;
    } cases[] = {
        {{.n_layers = 1, .dims = {1, 1}}, 1},
        {{.n_layers = 1, .dims = {4, 19}, .output = UDY_TANH}, 35},
        {{.n_layers = 2, .dims = {3, 17, 16}, .hidden = UDY_SILU}, 33},
        {{.n_layers = 3, .dims = {2, 13, 1, 9}, .hidden = UDY_ELU}, 31},
        {{.n_layers = 4, .dims = {7, 8, 18, 5, 2}, .hidden = UDY_GELU}, 65},
        {{.n_layers = 8, .dims = {3, 4, 5, 6, 7, 6, 5, 4, 3}, .hidden = UDY_TANH}, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_by_differences(&cases[i].config, cases[i].B, i);
}

static void forward_and_backward_agree_with_the_plain_network(void **state) {
    (void)state;
    const struct {
        udy_mlp_config config;
        int B;
    } cases[] = {
        {{.n_layers = 3, .dims = {27, 256, 256, 8}, .hidden = UDY_RELU}, 100},
        {{.n_layers = 3, .dims = {105, 130, 65, 8}, .hidden = UDY_TANH, .output = UDY_TANH}, 37},
        {{.n_layers = 2, .dims = {600, 70, 33}, .hidden = UDY_GELU}, 64},
        {{.n_layers = 3, .dims = {17, 64, 64, 12}, .hidden = UDY_LEAKY_RELU}, 257},
        {{.n_layers = 3, .dims = {11, 48, 48, 1}, .hidden = UDY_SOFTPLUS}, 300},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check c = check_create(&cases[i].config, cases[i].B, 40 + i);
        assert_close("Y", c.Y, ref_forward(&c.ref, c.X64), c.n_out, 3e-6);
        ref_backward(&c.ref, c.R64);
        assert_close("grads", c.grads, c.ref.grads, c.n_params, 5e-6);
        assert_close("dX", c.dX, c.ref.d[0], c.n_in, 5e-6);
        check_destroy(&c);
    }
}

//------------------------------------------ The loss ----------------------------------------------

typedef struct table {
    const float *x, *y;
    size_t in, out;
} table;

static void fill(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const table *t = ctx;
    for (int i = 0; i < n; i++) {
        memcpy(x + (size_t)i * t->in, t->x + index[i] * t->in, t->in * sizeof *x);
        memcpy(y + (size_t)i * t->out, t->y + index[i] * t->out, t->out * sizeof *y);
    }
}

// Adam's first moment after one step from zero is (1 - beta1) times the gradient: with a learning
// rate of 0 the step shows the gradient and changes nothing.
static void a_regression_step_has_the_loss_and_gradient_of_mean_squared_error(void **state) {
    (void)state;
    enum { B = 45, IN = 6, OUT = 3 };
    udy_mlp_config config = {.n_layers = 2, .dims = {IN, 20, OUT}, .hidden = UDY_TANH};
    udy_adam_config adam_config = udy_adam_config_default();
    adam_config.learning_rate = 0;
    check c = check_create(&config, B, 7);
    udy_adam *adam;
    udy_regression *regression;
    assert_int_equal(udy_adam_create(&adam, c.n_params, &adam_config, NULL), 0);
    assert_int_equal(udy_regression_create(&regression, c.mlp, adam, B, pool, NULL), 0);
    table t = {c.X, c.R, IN, OUT};
    udy_row_source rows = {fill, &t};
    uint32_t index[B];
    for (uint32_t i = 0; i < B; i++) index[i] = B - 1 - i;
    double loss;
    assert_int_equal(udy_regression_step(regression, &rows, index, B, &loss), 0);

    const double *Y = ref_forward(&c.ref, c.X64);
    double dY[B * OUT], want = 0;
    for (int i = 0; i < B * OUT; i++) {
        double e = Y[i] - c.R64[i];
        want += e * e / (B * OUT);
        dY[i] = 2 * e / (B * OUT);
    }
    assert_true(fabs(loss - want) < 1e-6 * want);
    ref_backward(&c.ref, dY);
    const float *m = udy_adam_m(adam);
    for (size_t i = 0; i < c.n_params; i++) c.grads[i] = m[i] / (1.0f - 0.9f);
    assert_close("gradient of the loss", c.grads, c.ref.grads, c.n_params, 5e-6);
    const float *p = udy_mlp_params(c.mlp, NULL);
    for (size_t i = 0; i < c.n_params; i++) assert_true((double)p[i] == c.ref.p[i]);
    udy_regression_destroy(regression);
    udy_adam_destroy(adam);
    check_destroy(&c);
}

//------------------------------------------ Adam --------------------------------------------------

static void adam_follows_its_definition(double weight_decay) {
    enum { N = 10007, STEPS = 50 };
    udy_adam_config c = udy_adam_config_default();
    c.weight_decay = weight_decay;
    udy_rng rng;
    udy_rng_init(&rng, 3);
    float *p = random_floats(&rng, N, 1.0), *g = random_floats(&rng, N, 0);
    double *want = doubles(p, N), *m = doubles(g, N), *v = doubles(g, N);
    udy_adam *adam;
    assert_int_equal(udy_adam_create(&adam, N, &c, NULL), 0);
    for (int t = 1; t <= STEPS; t++) {
        if (t == 30) udy_adam_set_learning_rate(adam, c.learning_rate = 3e-4);
        for (int i = 0; i < N; i++) {
            // The first 100 never get a gradient; sizes span eight decades.
            g[i] = i < 100 ? 0 : (float)(udy_rng_normal(&rng) * pow(10, i % 8 - 6));
            m[i] = c.beta1 * m[i] + (1 - c.beta1) * (double)g[i];
            v[i] = c.beta2 * v[i] + (1 - c.beta2) * (double)g[i] * (double)g[i];
            want[i] -= c.learning_rate * c.weight_decay * want[i];
            want[i] -= c.learning_rate * (m[i] / (1 - pow(c.beta1, t))) /
                       (sqrt(v[i] / (1 - pow(c.beta2, t))) + c.eps);
        }
        udy_adam_step(adam, pool, p, g);
    }
    assert_int_equal(*udy_adam_t(adam), STEPS);
    assert_close("parameters", p, want, N, 1e-6);
    for (int i = 0; i < N; i++) {
        assert_true(fabs(udy_adam_m(adam)[i] - m[i]) <=
                    1e-5 * fabs(m[i]) + 1e-7 * pow(10, i % 8 - 6));
        assert_true(fabs(udy_adam_v(adam)[i] - v[i]) <= 1e-5 * v[i]);
    }
    udy_adam_destroy(adam);
    test_free(p), test_free(g), test_free(want), test_free(m), test_free(v);
}

static void adam_follows_its_definition_for_50_steps(void **state) {
    (void)state;
    adam_follows_its_definition(0);
}

static void adamw_decays_weights_apart_from_the_gradient(void **state) {
    (void)state;
    adam_follows_its_definition(0.05);
}

static int set_up(void **state) {
    (void)state;
    return udy_pool_create(&pool, 2, NULL);
}

static int tear_down(void **state) {
    (void)state;
    udy_pool_destroy(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_equal_central_differences_for_every_activation),
        cmocka_unit_test(gradients_equal_central_differences_for_odd_shapes),
        cmocka_unit_test(forward_and_backward_agree_with_the_plain_network),
        cmocka_unit_test(a_regression_step_has_the_loss_and_gradient_of_mean_squared_error),
        cmocka_unit_test(adam_follows_its_definition_for_50_steps),
        cmocka_unit_test(adamw_decays_weights_apart_from_the_gradient),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
