// The loops of src/nn beside the products, in every set of vector instructions that this CPU runs:
// each against libm or a plain loop. A user's machine may run a set that ours would not choose.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/kernels.h"

static double value(int activation, double z) {
    double s = 1 / (1 + exp(-z));
    switch (activation) {
        case UDY_RELU: return z > 0 ? z : 0;
        case UDY_TANH: return tanh(z);
        case UDY_SIGMOID: return s;
        case UDY_ELU: return z > 0 ? z : expm1(z);
        case UDY_SILU: return z * s;
        case UDY_GELU: return 0.5 * z * erfc(-z / sqrt(2));
        case UDY_LEAKY_RELU: return z > 0 ? z : 0.01 * z;
        case UDY_SOFTPLUS: return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
        default: return z;
    }
}

// Within 1e-6 of libm, relative, where the value is computed without cancellation; gelu's
// 1 + erf(z) cancels below 0, as PyTorch's does, so there the error is relative to |z|.
static double allowed(int activation, double z, double want) {
    if (activation == UDY_GELU && z < 0) return 2e-7 * -z + 1e-35;
    return 1e-6 * fabs(want) + 1e-35;
}

enum { N = 4096 };
static float in[N], z_kept[N], out[N], zeros[N];

static void check_activation(const udy__kernels *k, int a, double low, double high) {
    for (int i = 0; i < N; i++) in[i] = (float)(low + (high - low) * i / (N - 1));
    memcpy(out, in, sizeof in);
    k->activate[a](out, z_kept, zeros, 1, N);
    for (int i = 0; i < N; i++) {
        double z = (double)in[i], want = value(a, z);
        if (!(fabs((double)out[i] - want) <= allowed(a, z, want)))
            fail_msg("%s, %s(%.9g) is %.9g, expected %.9g", k->isa,
                     udy_activation_name((udy_activation)a), z, (double)out[i], want);
    }
}

static void activations_equal_libm_to_a_millionth(void **state) {
    (void)state;
    const udy__kernels *k;
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
            check_activation(k, a, -1e-4, 1e-4);
            check_activation(k, a, -1, 1);
            check_activation(k, a, -12, 12);
            check_activation(k, a, -80, 80);
        }
    }
}

static void activations_saturate_at_infinity_and_pass_nan_on(void **state) {
    (void)state;
    const udy__kernels *k;
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
            float x[40];
            for (int j = 0; j < 40; j++) x[j] = j % 4 == 0 ? NAN : j % 4 == 1 ? 3e38f : -1e3f;
            k->activate[a](x, z_kept, zeros, 1, 40);
            for (int j = 0; j < 40; j++) {
                if (j % 4 == 0)
                    assert_true(isnan(x[j]));
                else
                    assert_true(isfinite(x[j]));
            }
            bool bounded = a == UDY_TANH || a == UDY_SIGMOID;
            assert_true(bounded ? x[1] == 1.0f : x[1] == 3e38f);
            double floor = value(a, -1e3);
            assert_true(fabs((double)x[2] - floor) < 1e-30 + 1e-6 * fabs(floor));
        }
    }
}

// dL/dz for dL/dh = 1 against central differences of libm's values.
static void slopes_equal_central_differences(void **state) {
    (void)state;
    const udy__kernels *k;
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        for (int a = 0; a < UDY_ACTIVATION_COUNT; a++) {
            static float d[N];
            for (int j = 0; j < N; j++) in[j] = -10.0f + 20.0f * ((float)j + 0.5f) / N, d[j] = 1;
            memcpy(out, in, sizeof in);
            k->activate[a](out, z_kept, zeros, 1, N);
            k->derive[a](d, z_kept, out, N);
            for (int j = 0; j < N; j++) {
                double z = (double)in[j], e = 1e-5;
                double want = (value(a, z + e) - value(a, z - e)) / (2 * e);
                if (!(fabs((double)d[j] - want) <= 2e-6))
                    fail_msg("%s, slope of %s at %.9g is %.9g, expected %.9g", k->isa,
                             udy_activation_name((udy_activation)a), z, (double)d[j], want);
            }
        }
    }
}

static float *filled(udy_rng *rng, size_t n) {
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)udy_rng_normal(rng);
    return x;
}

static void transposes_are_exact_and_stay_inside(void **state) {
    (void)state;
    const int shapes[][2] = {{1, 1},   {8, 8},   {16, 8},  {7, 9},
                             {24, 40}, {33, 65}, {64, 27}, {3, 50}};
    const udy__kernels *k;
    udy_rng rng;
    udy_rng_init(&rng, 0);
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            size_t rows = (size_t)shapes[s][0], cols = (size_t)shapes[s][1], ld = rows + 5;
            float *from = filled(&rng, rows * (cols + 3)), *to = filled(&rng, cols * ld);
            for (size_t c = 0; c < cols * ld; c++) to[c] = 7.5f;
            k->transpose(from, (int)cols + 3, (int)rows, (int)cols, to, (int)ld);
            for (size_t c = 0; c < cols; c++) {
                for (size_t r = 0; r < ld; r++)
                    assert_true(to[c * ld + r] == (r < rows ? from[r * (cols + 3) + c] : 7.5f));
            }
            test_free(from), test_free(to);
        }
    }
}

static void narrow_and_single_row_products_equal_plain_loops(void **state) {
    (void)state;
    const udy__kernels *k;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        for (int n = 1; n <= UDY__NARROW_MAX; n++) {
            enum { M = 21, K = 77 };
            int ld = n <= 8 ? 8 : 16;
            float *A = filled(&rng, M * K), *B = filled(&rng, (size_t)(K * ld));
            float *C = filled(&rng, (size_t)(M * n)), row[16];
            k->product_narrow(A, B, C, M, n, K, ld);
            for (int m = 0; m < M; m++) {
                k->product_row(A + m * K, B, row, K, ld);
                for (int j = 0; j < n; j++) {
                    double want = 0;
                    for (int q = 0; q < K; q++) want += (double)A[m * K + q] * B[q * ld + j];
                    assert_true(fabs(C[m * n + j] - want) < 1e-4);
                    assert_true(fabs(row[j] - want) < 1e-4);
                }
            }
            test_free(A), test_free(B), test_free(C);
        }
    }
}

static void sums_losses_and_adam_equal_plain_loops(void **state) {
    (void)state;
    enum { ROWS = 300, COLS = 139, LD = 150 };
    const udy__kernels *k;
    udy_rng rng;
    udy_rng_init(&rng, 2);
    float *d = filled(&rng, ROWS * LD), *y = filled(&rng, COLS), *sums = filled(&rng, COLS);
    for (int i = 0; (k = udy__kernels_at(i)) != NULL; i++) {
        k->column_sums(d, ROWS, COLS, LD, sums);
        for (int c = 0; c < COLS; c++) {
            double want = 0;
            for (int r = 0; r < ROWS; r++) want += (double)d[r * LD + c];
            assert_true(fabs(sums[c] - want) < 1e-4);
        }
        float e[COLS];
        double want = 0, got = k->mse(d, y, e, COLS, 0.25f);
        for (int c = 0; c < COLS; c++) {
            float diff = d[c] - y[c];
            want += (double)diff * (double)diff;
            assert_true(e[c] == 0.25f * diff);
        }
        assert_true(fabs(got - want) < 1e-9 * want);

        assert_true(k->poison(d, ROWS * LD) == 0.0f);
        for (size_t at = 0; at < 45; at += 11) {
            float kept = d[at];
            d[at] = at % 2 ? NAN : -INFINITY;
            assert_true(isnan(k->poison(d, 45)));
            d[at] = kept;
        }

        const udy__adam_coefficients c = {.decay = 0.999f,
                                          .one_minus_beta1 = 0.1f,
                                          .beta2 = 0.99f,
                                          .one_minus_beta2 = 0.01f,
                                          .inv_sqrt_correction2 = 10.0f,
                                          .step = 0.01f,
                                          .eps = 1e-8f};
        float p[6 * 50], m[6 * 50] = {0}, v[6 * 50] = {0};
        memcpy(p, d, sizeof p);
        k->adam(p, m, v, 50, d + 1000, LD, 6, 43, &c);
        for (int r = 0; r < 6; r++) {
            for (int j = 0; j < 50; j++) {
                float g = d[1000 + r * LD + j], before = d[r * 50 + j], after = p[r * 50 + j];
                double step = 0.01 * 0.1 * g / (10 * sqrt(0.01 * (double)g * g) + 1e-8);
                double expected = j < 43 ? 0.999 * before - step : (double)before;
                assert_true(fabs(after - expected) < 1e-6);
                assert_true(j < 43 || (m[r * 50 + j] == 0 && v[r * 50 + j] == 0));
            }
        }
    }
    test_free(d), test_free(y), test_free(sums);
}

static void the_widest_set_is_the_one_in_use(void **state) {
    (void)state;
    assert_ptr_equal(udy__kernels_best(), udy__kernels_at(0));
    assert_string_equal(udy_nn_isa(), udy__kernels_at(0)->isa);
    int n = 0;
    while (udy__kernels_at(n)) n++;
    assert_in_range(n, 1, 3);
    udy_pool *pool;
    assert_int_equal(udy_pool_create(&pool, 1, NULL), 0);
    double peak = udy_nn_peak_flops(pool, 0.05);
    assert_true(peak > 1e9 && peak < 1e13);
    udy_pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_equal_libm_to_a_millionth),
        cmocka_unit_test(activations_saturate_at_infinity_and_pass_nan_on),
        cmocka_unit_test(slopes_equal_central_differences),
        cmocka_unit_test(transposes_are_exact_and_stay_inside),
        cmocka_unit_test(narrow_and_single_row_products_equal_plain_loops),
        cmocka_unit_test(sums_losses_and_adam_equal_plain_loops),
        cmocka_unit_test(the_widest_set_is_the_one_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
