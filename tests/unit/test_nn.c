// Networks: names, shapes and bad ones, the tensor table, initialisations by what they promise,
// single-row, batch and block forward against each other.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/nn.h"

static udy_mlp *make(const udy_mlp_config *config, uint64_t seed) {
    udy_mlp *mlp;
    udy_rng rng;
    udy_rng_init(&rng, seed);
    assert_int_equal(udy_mlp_create(&mlp, config, NULL), 0);
    udy_mlp_init(mlp, &rng);
    return mlp;
}

static udy_pool *make_pool(int n_threads) {
    udy_pool *pool;
    assert_int_equal(udy_pool_create(&pool, n_threads, NULL), 0);
    return pool;
}

static float *randoms(uint64_t seed, size_t n) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)udy_rng_normal(&rng);
    return x;
}

static const udy_mlp_config ANT = {.n_layers = 3, .dims = {27, 256, 256, 8}, .hidden = UDY_RELU};

static void names_find_their_constants(void **state) {
    (void)state;
    for (int a = 0; a < UDY_ACTIVATION_COUNT; a++)
        assert_int_equal(udy_activation_find(udy_activation_name((udy_activation)a)), a);
    for (int i = 0; i < UDY_INIT_COUNT; i++)
        assert_int_equal(udy_init_find(udy_init_name((udy_init)i)), i);
    assert_int_equal(udy_activation_find("leaky_relu"), UDY_LEAKY_RELU);
    assert_int_equal(udy_init_find("xavier_uniform"), UDY_INIT_XAVIER_UNIFORM);
    assert_true(udy_activation_find("swoosh") < 0 && udy_activation_find(NULL) < 0);
    assert_true(udy_init_find("") < 0 && udy_init_find(NULL) < 0);
    assert_true(udy_nn_version()[0] >= '1' && strchr(udy_nn_version(), '.') != NULL);
}

static void bad_configurations_are_errors_that_name_the_value(void **state) {
    (void)state;
    const struct {
        udy_mlp_config config;
        const char *says;
    } cases[] = {
        {{.n_layers = 0, .dims = {3}}, "0 layers"},
        {{.n_layers = 9, .dims = {3}}, "9 layers"},
        {{.n_layers = 2, .dims = {3, 0, 2}}, "dimension 1 is 0"},
        {{.n_layers = 1, .dims = {-4, 2}}, "dimension 0 is -4"},
        {{.n_layers = 1, .dims = {4, 1 << 20}}, "1048576"},
        {{.n_layers = 1, .dims = {4, 2}, .hidden = (udy_activation)77}, "77"},
        {{.n_layers = 1, .dims = {4, 2}, .init = UDY_INIT_COUNT}, "initialisation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        udy_mlp *mlp = (udy_mlp *)&mlp;
        udy_error err = {0};
        assert_int_equal(udy_mlp_create(&mlp, &cases[i].config, &err), UDY_EINVAL);
        assert_null(mlp);
        if (!strstr(err.message, cases[i].says)) fail_msg("case %zu says: %s", i, err.message);
    }
    udy_mlp *mlp = make(&ANT, 0);
    udy_mlp_workspace *ws;
    udy_error err = {0};
    assert_int_equal(udy_mlp_workspace_create(&ws, mlp, 0, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "0 rows"));
    udy_adam *adam;
    udy_adam_config c = udy_adam_config_default();
    c.beta2 = 1;
    assert_int_equal(udy_adam_create(&adam, 10, &c, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "beta2"));
    c = udy_adam_config_default();
    c.learning_rate = NAN;
    assert_int_equal(udy_adam_create(&adam, 10, &c, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "learning_rate"));
    udy_mlp_destroy(mlp);
    udy_mlp_destroy(NULL);
    udy_mlp_workspace_destroy(NULL);
    udy_adam_destroy(NULL);
    udy_regression_destroy(NULL);
}

static void the_tensor_table_covers_the_block_under_pytorch_names(void **state) {
    (void)state;
    udy_mlp *mlp = make(&ANT, 0);
    size_t n;
    float *block = udy_mlp_params(mlp, &n), *at = block;
    assert_int_equal(n, 75016);
    const char *names[] = {"net.0.weight", "net.0.bias",   "net.2.weight",
                           "net.2.bias",   "net.4.weight", "net.4.bias"};
    assert_int_equal(udy_mlp_param_count(mlp), 6);
    for (int i = 0; i < 6; i++) {
        udy_param p = udy_mlp_param(mlp, i);
        assert_string_equal(p.name, names[i]);
        assert_ptr_equal(p.data, at);
        assert_int_equal(p.rows, ANT.dims[i / 2 + 1]);
        assert_int_equal(p.cols, i % 2 ? 1 : ANT.dims[i / 2]);
        at += (size_t)p.rows * (size_t)p.cols;
    }
    assert_ptr_equal(at, block + n);
    assert_true(udy_mlp_train_flop(&ANT) == 433152.0);
    udy_mlp_destroy(mlp);
}

//------------------------------------------ Initialisation ----------------------------------------

static void check_moments(const char *name, const float *w, size_t n, double bound, double std) {
    double sum = 0, squares = 0, top = 0;
    for (size_t i = 0; i < n; i++) {
        sum += w[i];
        squares += (double)w[i] * w[i];
        top = fmax(top, fabs(w[i]));
    }
    double root_n = sqrt((double)n), found = sqrt(squares / (double)n);
    if (fabs(sum / (double)n) > 5 * std / root_n) fail_msg("%s: mean %g", name, sum / (double)n);
    if (fabs(found - std) > 5 * std / root_n)
        fail_msg("%s: standard deviation %g, expected %g", name, found, std);
    if (bound > 0 && !(top <= bound && top > 0.99 * bound))
        fail_msg("%s: largest %g, expected a little below %g", name, top, bound);
    if (bound <= 0 && top < 3 * std) fail_msg("%s: largest %g for a normal", name, top);
}

static void initialisations_have_their_bounds_and_variances(void **state) {
    (void)state;
    const double in = 200, out = 120;
    const struct {
        udy_init init;
        double bound, std;
    } rows[] = {
        {UDY_INIT_PYTORCH, 1 / sqrt(in), 1 / sqrt(3 * in)},
        {UDY_INIT_HE_UNIFORM, sqrt(6 / in), sqrt(2 / in)},
        {UDY_INIT_HE_NORMAL, 0, sqrt(2 / in)},
        {UDY_INIT_XAVIER_UNIFORM, sqrt(6 / (in + out)), sqrt(2 / (in + out))},
        {UDY_INIT_XAVIER_NORMAL, 0, sqrt(2 / (in + out))},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        udy_mlp_config config = {.n_layers = 1, .dims = {200, 120}, .init = rows[i].init};
        udy_mlp *mlp = make(&config, i);
        udy_param w = udy_mlp_param(mlp, 0), b = udy_mlp_param(mlp, 1);
        check_moments(udy_init_name(rows[i].init), w.data, 200 * 120, rows[i].bound, rows[i].std);
        double top = 0;
        for (int k = 0; k < 120; k++) top = fmax(top, fabs(b.data[k]));
        if (rows[i].init == UDY_INIT_PYTORCH)
            assert_true(top > 0.9 * rows[i].bound && top <= rows[i].bound);
        else
            assert_true(top == 0);
        udy_mlp_destroy(mlp);
    }
}

static void orthogonal_weights_are_orthonormal_whichever_side_is_longer(void **state) {
    (void)state;
    const int shapes[][2] = {{30, 50}, {50, 30}, {40, 40}, {8, 1}};
    for (int s = 0; s < 4; s++) {
        int in = shapes[s][0], out = shapes[s][1], n = in < out ? in : out;
        udy_mlp_config config = {.n_layers = 1, .dims = {in, out}, .init = UDY_INIT_ORTHOGONAL};
        udy_mlp *mlp = make(&config, 9);
        const float *W = udy_mlp_param(mlp, 0).data;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double dot = 0;
                for (int k = 0; k < (out <= in ? in : out); k++)
                    dot += out <= in ? (double)W[i * in + k] * W[j * in + k]
                                     : (double)W[k * in + i] * W[k * in + j];
                assert_true(fabs(dot - (i == j)) < 1e-6);
            }
        }
        udy_mlp_destroy(mlp);
    }
}

static void initialisation_repeats_with_its_generator_and_zero_is_zero(void **state) {
    (void)state;
    udy_mlp_config config = ANT;
    udy_mlp *a = make(&config, 5), *b = make(&config, 5), *c = make(&config, 6);
    size_t n;
    const float *pa = udy_mlp_params(a, &n), *pb = udy_mlp_params(b, NULL);
    assert_memory_equal(pa, pb, n * sizeof(float));
    assert_true(memcmp(pa, udy_mlp_params(c, NULL), n * sizeof(float)) != 0);
    config.init = UDY_INIT_ZERO;
    udy_mlp *zero = make(&config, 5);
    for (size_t i = 0; i < n; i++) assert_true(udy_mlp_params(zero, NULL)[i] == 0.0f);
    udy_mlp_destroy(a), udy_mlp_destroy(b), udy_mlp_destroy(c), udy_mlp_destroy(zero);
}

//------------------------------------------ Forward -----------------------------------------------

static void one_row_equals_its_place_in_a_batch(void **state) {
    (void)state;
    const udy_mlp_config configs[] = {
        ANT,
        {.n_layers = 3, .dims = {105, 70, 33, 11}, .hidden = UDY_GELU, .output = UDY_TANH},
        {.n_layers = 1, .dims = {3, 2}},
        {.n_layers = 4, .dims = {5, 300, 9, 12, 1}, .hidden = UDY_SILU, .output = UDY_SOFTPLUS},
    };
    udy_pool *pool = make_pool(2);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        enum { B = 75 };
        udy_mlp *mlp = make(&configs[i], i);
        udy_mlp_workspace *ws;
        assert_int_equal(udy_mlp_workspace_create(&ws, mlp, B, NULL), 0);
        int in = configs[i].dims[0], out = configs[i].dims[configs[i].n_layers];
        float *X = randoms(i, (size_t)(B * in));
        const float *Y = udy_mlp_forward(mlp, ws, pool, X, B);
        size_t n_scratch = udy_mlp_scratch_size(mlp);
        float *scratch = test_malloc(n_scratch * sizeof *scratch), y[16], again[16];
        for (int r = 0; r < B; r++) {
            for (size_t k = 0; k < n_scratch; k++) scratch[k] = NAN;
            udy_mlp_forward_row(mlp, X + r * in, y, scratch);
            udy_mlp_forward_row(mlp, X + r * in, again, scratch);
            assert_memory_equal(y, again, (size_t)out * sizeof *y);
            for (int o = 0; o < out; o++)
                assert_true(fabsf(y[o] - Y[r * out + o]) < 1e-5f * (1 + fabsf(y[o])));
        }
        test_free(X), test_free(scratch);
        udy_mlp_workspace_destroy(ws);
        udy_mlp_destroy(mlp);
    }
    udy_pool_destroy(pool);
}

static void prediction_of_many_rows_has_the_same_bits_in_any_workspace_at_any_threads(
    void **state) {
    (void)state;
    enum { ROWS = 203 };
    udy_mlp *mlp = make(&ANT, 1);
    float *X = randoms(2, ROWS * 27), *first = NULL;
    const int threads[] = {1, 2, 3}, batches[] = {1, 32, 100, 1000};
    for (int t = 0; t < 3; t++) {
        udy_pool *pool = make_pool(threads[t]);
        for (int b = 0; b < 4; b++) {
            udy_mlp_workspace *ws;
            assert_int_equal(udy_mlp_workspace_create(&ws, mlp, batches[b], NULL), 0);
            float *Y = randoms(3, ROWS * 8);
            udy_mlp_predict(mlp, ws, pool, X, ROWS, Y);
            if (!first) first = Y;
            assert_memory_equal(Y, first, ROWS * 8 * sizeof *Y);
            if (Y != first) test_free(Y);
            udy_mlp_workspace_destroy(ws);
        }
        udy_pool_destroy(pool);
    }
    float scratch[1024], y[8];
    assert_true(udy_mlp_scratch_size(mlp) <= 1024);
    for (int r = 0; r < ROWS; r++) {
        udy_mlp_forward_row(mlp, X + r * 27, y, scratch);
        for (int o = 0; o < 8; o++) assert_true(fabsf(y[o] - first[r * 8 + o]) < 1e-5f);
    }
    test_free(X), test_free(first);
    udy_mlp_destroy(mlp);
}

static void a_batch_above_the_workspace_is_refused(void **state) {
    (void)state;
    udy_mlp *mlp = make(&ANT, 1);
    udy_mlp_workspace *ws;
    udy_pool *pool = make_pool(1);
    float *X = randoms(2, 11 * 27);
    assert_int_equal(udy_mlp_workspace_create(&ws, mlp, 10, NULL), 0);
    assert_non_null(udy_mlp_forward(mlp, ws, pool, X, 10));
    assert_null(udy_mlp_forward(mlp, ws, pool, X, 11));
    assert_null(udy_mlp_forward(mlp, ws, pool, X, 0));
    test_free(X);
    udy_pool_destroy(pool);
    udy_mlp_workspace_destroy(ws);
    udy_mlp_destroy(mlp);
}

static void a_copy_computes_the_same_and_another_shape_is_refused(void **state) {
    (void)state;
    udy_mlp_config other = ANT;
    other.dims[2] = 255;
    udy_mlp *a = make(&ANT, 1), *b = make(&ANT, 2), *c = make(&other, 3);
    float *x = randoms(4, 27), scratch[1024], ya[8], yb[8];
    udy_mlp_forward_row(a, x, ya, scratch);
    udy_mlp_forward_row(b, x, yb, scratch);
    assert_true(memcmp(ya, yb, sizeof ya) != 0);
    assert_int_equal(udy_mlp_copy(b, a), 0);
    udy_mlp_forward_row(b, x, yb, scratch);
    assert_memory_equal(ya, yb, sizeof ya);
    assert_int_equal(udy_mlp_copy(c, a), UDY_EINVAL);
    test_free(x);
    udy_mlp_destroy(a), udy_mlp_destroy(b), udy_mlp_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_constants),
        cmocka_unit_test(bad_configurations_are_errors_that_name_the_value),
        cmocka_unit_test(the_tensor_table_covers_the_block_under_pytorch_names),
        cmocka_unit_test(initialisations_have_their_bounds_and_variances),
        cmocka_unit_test(orthogonal_weights_are_orthonormal_whichever_side_is_longer),
        cmocka_unit_test(initialisation_repeats_with_its_generator_and_zero_is_zero),
        cmocka_unit_test(one_row_equals_its_place_in_a_batch),
        cmocka_unit_test(prediction_of_many_rows_has_the_same_bits_in_any_workspace_at_any_threads),
        cmocka_unit_test(a_batch_above_the_workspace_is_refused),
        cmocka_unit_test(a_copy_computes_the_same_and_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
