// The loops of src/nn/kernels_norm.h, in every set of vector instructions that this CPU runs, each
// against its definition in double precision; gradients against central differences.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "reference_net.h"

// Neither whole vectors nor whole groups of them.
static const int widths[] = {1, 5, 8, 16, 33, 64, 70, 130, 257};
#define N_WIDTHS (sizeof widths / sizeof *widths)
#define EACH_SET(k) for (int set_ = 0; ((k) = udy__kernels_at(set_)) != NULL; set_++)

static udy_rng rng;

static float *normals(size_t n, double mean, double std) {
    float *x = test_malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(mean + std * udy_rng_normal(&rng));
    return x;
}

static void expect(const udy__kernels *k, const char *what, size_t at, double got, double want,
                   double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s, %s[%zu] is %.9g, expected %.9g to %.2g", k->isa, what, at, got, want,
                 tolerance);
}

// Mean and sum of squared deviations of column j.
static void moments_of(const float *z, size_t rows, size_t n, size_t j, double *mean, double *m2) {
    *mean = *m2 = 0;
    for (size_t r = 0; r < rows; r++) *mean += (double)z[r * n + j] / (double)rows;
    for (size_t r = 0; r < rows; r++) *m2 += pow((double)z[r * n + j] - *mean, 2);
}

static void column_moments_equal_two_passes_in_double(void **state) {
    (void)state;
    const udy__kernels *k;
    const int rows_of[] = {1, 2, 13, 32};
    // Spread 1 about 3, and about 1000: sums of squares would lose the second.
    const double centres[] = {3, 1000};
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS * 8; w++) {
            size_t n = (size_t)widths[w / 8], rows = (size_t)rows_of[w % 4];
            double centre = centres[w / 4 % 2];
            float *z = normals(rows * n, centre, 1), *out = normals(2 * n + 2, 7, 0);
            k->column_moments(z, (int)rows, (int)n, out, out + n + 1);
            assert_true(out[n] == 7.0f && out[2 * n + 1] == 7.0f);
            for (size_t j = 0; j < n; j++) {
                double mean, m2;
                moments_of(z, rows, n, j, &mean, &m2);
                expect(k, "mean", j, (double)out[j], mean, 5e-7 * (centre + 1));
                expect(k, "m2", j, (double)out[n + 1 + j], m2, 1e-5 * (m2 + 1));
            }
            test_free(z), test_free(out);
        }
    }
}

// Shards of 32 rows and a ragged last one; their means lie apart.
static void merged_moments_equal_those_of_all_rows(void **state) {
    (void)state;
    const udy__kernels *k;
    const int rows_of[] = {1, 32, 45, 96, 512};
    const double centres[] = {0.5, 1000};
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS * 10; w++) {
            size_t n = (size_t)widths[w / 10], rows = (size_t)rows_of[w % 5];
            double centre = centres[w / 5 % 2];
            int shards = udy__shard_count((int)rows);
            float *z = normals(rows * n, centre, 1),
                  *partial = normals((size_t)shards * 2 * n, 0, 0);
            float *weight = normals((size_t)shards, 0, 0), *out = normals(2 * n, 0, 0);
            for (size_t i = 0; i < rows * n; i++) z[i] += (float)(i / n / 32);
            for (int s = 0; s < shards; s++) {
                int size = udy__shard_size((int)rows, s);
                float *part = partial + (size_t)s * 2 * n;
                k->column_moments(z + (size_t)s * 32 * n, size, (int)n, part, part + n);
                weight[s] = (float)size / (float)rows;
            }
            k->merge_moments(partial, weight, shards, (int)rows, (int)n, out, out + n);
            for (size_t j = 0; j < n; j++) {
                double mean, m2;
                moments_of(z, rows, n, j, &mean, &m2);
                double variance = m2 / (double)rows;
                expect(k, "merged mean", j, (double)out[j], mean, 5e-7 * (centre + 16));
                // A shard's mean is rounded, to 6e-8 of itself, before it is compared with the others.
                expect(k, "merged variance", j, (double)out[n + j], variance,
                       1e-5 * (variance + 0.1) + 2e-7 * centre * sqrt(variance));
            }
            test_free(z), test_free(partial), test_free(weight), test_free(out);
        }
    }
}

static void gradient_moments_equal_sums_in_double(void **state) {
    (void)state;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS * 2; w++) {
            size_t n = (size_t)widths[w / 2], rows = w % 2 ? 32 : 13;
            float *d = normals(rows * n, 0, 1), *z = normals(rows * n, 10, 1);
            float *mean = normals(n, 10, 0.1), *out = normals(2 * n + 1, 7, 0);
            k->gradient_moments(d, z, mean, (int)rows, (int)n, out, out + n);
            assert_true(out[2 * n] == 7.0f);
            for (size_t j = 0; j < n; j++) {
                double sum = 0, product = 0;
                for (size_t r = 0; r < rows; r++) {
                    sum += (double)d[r * n + j];
                    product += (double)d[r * n + j] * ((double)z[r * n + j] - (double)mean[j]);
                }
                expect(k, "sum of d", j, (double)out[j], sum, 1e-5);
                expect(k, "sum of d (z - mean)", j, (double)out[n + j], product, 2e-5);
            }
            test_free(d), test_free(z), test_free(mean), test_free(out);
        }
    }
}

static void maps_of_columns_equal_plain_loops(void **state) {
    (void)state;
    enum { ROWS = 9 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS; w++) {
            size_t n = (size_t)widths[w], ld = n + 3, all = ROWS * n;
            float *z = normals(ROWS * ld, 0, 1), *d = normals(all, 0, 1), *out = normals(all, 0, 0);
            float *a = normals(n, 0, 1), *b = normals(n, 0, 1), *c = normals(n, 0, 1);
            float *kept = normals(all, 0, 0);
            k->scale_columns(z, a, ROWS, (int)n, out);
            for (size_t i = 0; i < all; i++) assert_true(out[i] == z[i] * a[i % n]);
            memcpy(out, z, all * sizeof *out);
            k->scale_columns(out, a, ROWS, (int)n, out);
            for (size_t i = 0; i < all; i++) assert_true(out[i] == z[i] * a[i % n]);
            k->affine_columns(z, (int)ld, a, b, ROWS, (int)n, out);
            for (size_t i = 0; i < all; i++) {
                size_t j = i % n;
                expect(k, "affine", i, (double)out[i],
                       (double)z[i / n * ld + j] * (double)a[j] + (double)b[j], 2e-6);
            }
            memcpy(kept, d, all * sizeof *d);
            k->combine_columns(d, z, a, b, c, ROWS, (int)n);
            for (size_t i = 0; i < all; i++) {
                size_t j = i % n;
                expect(k, "combined", i, (double)d[i],
                       (double)a[j] * (double)kept[i] + (double)b[j] * (double)z[i] + (double)c[j],
                       4e-6);
            }
            for (size_t i = 0; i < all; i++) d[i] = NAN;  // must not be read
            k->combine_zero(d, z, b, c, ROWS, (int)n);
            for (size_t i = 0; i < all; i++)
                expect(k, "combined with zero", i, (double)d[i],
                       (double)b[i % n] * (double)z[i] + (double)c[i % n], 2e-6);
            test_free(z), test_free(d), test_free(out), test_free(a), test_free(b), test_free(c);
            test_free(kept);
        }
    }
}

// Every exponent, and all that may be cut off, about ties.
static void bfloat16_is_the_nearest_ties_to_even(void **state) {
    (void)state;
    enum { N = 65536, LD = 33, LD_TO = 40 };
    const uint32_t low[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    const udy__kernels *k;
    float *from = normals(N, 0, 0);
    uint16_t *to = test_malloc(N * sizeof *to), sub[4 * LD_TO];
    EACH_SET(k) {
        for (uint32_t i = 0; i < N * 6; i++) {
            uint32_t bits = i % N << 16 | low[i / N];
            memcpy(from + i % N, &bits, 4);
            if (i % N < N - 1) continue;
            k->to_bf16(from, 0, 1, N, to, 0);
            for (uint32_t high = 0; high < N; high++) {
                uint32_t cut = low[i / N];
                bool up = cut > 0x8000 || (cut == 0x8000 && high % 2);
                bool nan = (high & 0x7fff) > 0x7f80;
                uint32_t want = nan ? high : high + up;  // from the largest number to infinity
                bool hidden_nan = (high & 0x7fff) == 0x7f80 && cut;  // arithmetic makes none
                bool is_nan = (to[high] & 0x7fff) > 0x7f80;
                if (nan && (high & 0x7fff) < 0x7fff)
                    assert_true(is_nan);
                else if (!nan && !hidden_nan)
                    assert_int_equal(to[high], want);
            }
        }
        for (size_t i = 0; i < 4 * LD_TO; i++) sub[i] = 0x1234;
        for (uint32_t i = 0; i < 4 * LD; i++) from[i] = (float)i;
        k->to_bf16(from, LD, 4, LD - 2, sub, LD_TO);
        for (uint32_t i = 0; i < 4 * LD_TO; i++) {
            uint16_t exact = to[0];
            k->to_bf16(from + i / LD_TO * LD + (i % LD_TO < LD - 2 ? i % LD_TO : 0), 0, 1, 1,
                       &exact, 0);
            assert_int_equal(sub[i], i % LD_TO < LD - 2 ? exact : 0x1234);
        }
    }
    test_free(from), test_free(to);
}

// One pass for what scale, shift and activation are in three.
static void activations_of_mapped_columns_equal_libm(void **state) {
    (void)state;
    enum { ROWS = 5 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_WIDTHS * UDY_ACTIVATION_COUNT; i++) {
            size_t n = (size_t)widths[i / UDY_ACTIVATION_COUNT], all = ROWS * n;
            udy_activation a = (udy_activation)(i % UDY_ACTIVATION_COUNT);
            bool reads = udy__activation_reads_z(a);
            float *z = normals(all, 0, 2), *scale = normals(n, 1, 0.5), *shift = normals(n, 0, 1);
            float *h = normals(all + 1, 7, 0), *y = normals(all + 1, 7, 0);
            uint16_t *hb = test_malloc((all + 1) * sizeof *hb), one;
            hb[all] = 0x1234;
            k->activate_map[a](z, scale, shift, ROWS, (int)n, h, reads ? y : NULL, NULL);
            k->activate_map[a](z, scale, shift, ROWS, (int)n, h, reads ? y : NULL, hb);
            assert_true(h[all] == 7.0f && y[all] == 7.0f && hb[all] == 0x1234);
            for (size_t j = 0; j < all; j++) {
                double want = (double)z[j] * (double)scale[j % n] + (double)shift[j % n];
                if (reads) expect(k, "y", j, (double)y[j], want, 2e-6);
                expect(k, udy_activation_name(a), j, (double)h[j], ref_value(a, want), 4e-6);
                k->to_bf16(h + j, 0, 1, 1, &one, 0);
                assert_int_equal(hb[j], one);
            }
            test_free(z), test_free(scale), test_free(shift), test_free(h), test_free(y);
            test_free(hb);
        }
    }
}

static double square_sum(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static void unit_rows_have_norm_1_and_rows_of_zeros_stay(void **state) {
    (void)state;
    enum { ROWS = 7, ZERO = 4 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS; w++) {
            size_t n = (size_t)widths[w], ld = n + 2;
            float *W = normals(ROWS * ld, 0, 3), *before = normals(ROWS * ld, 0, 0);
            for (size_t j = 0; j < n; j++) W[ZERO * ld + j] = 0;
            memcpy(before, W, ROWS * ld * sizeof *W);
            k->unit_rows(W, (int)ld, ROWS, (int)n);
            for (size_t i = 0; i < ROWS * ld; i++) {
                double norm = sqrt(square_sum(before + i / ld * ld, n));
                double want = i % ld < n && norm > 0 ? (double)before[i] / norm : (double)before[i];
                expect(k, "unit row", i, (double)W[i], want, i % ld < n ? 3e-7 : 0);
            }
            for (size_t r = 0; r < ROWS; r++)
                expect(k, "norm", r, sqrt(square_sum(W + r * ld, n)), r == ZERO ? 0 : 1, 5e-7);
            test_free(W), test_free(before);
        }
    }
}

static void blend_moves_by_its_share_and_stays_inside(void **state) {
    (void)state;
    enum { ROWS = 5 };
    const udy__kernels *k;
    const float shares[] = {0, 0.005f, 0.5f, 1};
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS * 4; w++) {
            size_t n = (size_t)widths[w / 4], ld = n + 2;
            double share = (double)shares[w % 4];
            float *to = normals(ROWS * ld, 0, 1), *from = normals(ROWS * ld, 0, 1);
            float *before = normals(ROWS * ld, 0, 0);
            memcpy(before, to, ROWS * ld * sizeof *to);
            k->blend(to, from, (int)ld, ROWS, (int)n, shares[w % 4]);
            for (size_t i = 0; i < ROWS * ld; i++) {
                double old = (double)before[i], new = (double)from[i];
                expect(k, "blend", i, (double)to[i],
                       i % ld < n ? (1 - share) * old + share * new : old,
                       i % ld < n ? 1e-6 * (fabs(old) + fabs(new)) : 0);
            }
            test_free(to), test_free(from), test_free(before);
        }
    }
}

//------------------------------------------ LayerNorm ---------------------------------------------

static void layer_norm_row(const double *z, size_t n, double eps, double *xhat, double *inv) {
    double mean = 0, variance = 0;
    for (size_t j = 0; j < n; j++) mean += z[j] / (double)n;
    for (size_t j = 0; j < n; j++) variance += (z[j] - mean) * (z[j] - mean) / (double)n;
    *inv = 1 / sqrt(variance + eps);
    for (size_t j = 0; j < n; j++) xhat[j] = (z[j] - mean) * *inv;
}

static void layer_norm_equals_its_definition(void **state) {
    (void)state;
    enum { ROWS = 6 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS; w++) {
            size_t n = (size_t)widths[w];
            float *z = normals(ROWS * n, 20, 1), inv[ROWS];
            double *z64 = ref_doubles(z, ROWS * n), xhat[257], want;
            k->layer_norm(z, ROWS, (int)n, 1e-3f, inv);
            for (size_t r = 0; r < ROWS; r++) {
                layer_norm_row(z64 + r * n, n, 1e-3, xhat, &want);
                expect(k, "layer norm's factor", r, (double)inv[r], want, 2e-6 * want);
                // Of one unit nothing is left but the mean's rounding.
                for (size_t j = 0; j < n; j++)
                    expect(k, "layer norm", r * n + j, (double)z[r * n + j], xhat[j],
                           6e-6 * (1 + want));
            }
            test_free(z), free(z64);
        }
    }
}

// sum_j c_j gamma_j xhat_j(z): its gradient with respect to z for dL/dy = c.
static double layer_norm_loss(const double *z, const float *c, const float *gamma, size_t n) {
    double xhat[257], inv, sum = 0;
    layer_norm_row(z, n, 1e-3, xhat, &inv);
    for (size_t j = 0; j < n; j++) sum += (double)c[j] * (double)gamma[j] * xhat[j];
    return sum;
}

static void layer_norm_gradient_equals_central_differences(void **state) {
    (void)state;
    enum { ROWS = 3 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t w = 0; w < N_WIDTHS; w++) {
            size_t n = (size_t)widths[w];
            float *z = normals(ROWS * n, 2, 1), *c = normals(ROWS * n, 0, 1), inv[ROWS];
            float *gamma = normals(n, 1, 0.3), *d = normals(ROWS * n, 0, 0);
            double *z64 = ref_doubles(z, ROWS * n);
            memcpy(d, c, ROWS * n * sizeof *d);
            k->layer_norm(z, ROWS, (int)n, 1e-3f, inv);
            k->layer_norm_gradient(d, z, gamma, inv, ROWS, (int)n);
            for (size_t i = 0; i < ROWS * n; i++) {
                double *row = z64 + i / n * n, kept = z64[i], step = 1e-5;
                const float *c_row = c + i / n * n;
                z64[i] = kept + step;
                double up = layer_norm_loss(row, c_row, gamma, n);
                z64[i] = kept - step;
                double down = layer_norm_loss(row, c_row, gamma, n);
                z64[i] = kept;
                expect(k, "layer norm's gradient", i, (double)d[i], (up - down) / (2 * step), 2e-5);
            }
            test_free(z), test_free(c), test_free(gamma), test_free(d), free(z64);
        }
    }
}

static int set_up(void **state) {
    (void)state;
    udy_rng_init(&rng, 11);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(column_moments_equal_two_passes_in_double, set_up),
        cmocka_unit_test_setup(merged_moments_equal_those_of_all_rows, set_up),
        cmocka_unit_test_setup(gradient_moments_equal_sums_in_double, set_up),
        cmocka_unit_test_setup(maps_of_columns_equal_plain_loops, set_up),
        cmocka_unit_test_setup(bfloat16_is_the_nearest_ties_to_even, set_up),
        cmocka_unit_test_setup(activations_of_mapped_columns_equal_libm, set_up),
        cmocka_unit_test_setup(unit_rows_have_norm_1_and_rows_of_zeros_stay, set_up),
        cmocka_unit_test_setup(blend_moves_by_its_share_and_stays_inside, set_up),
        cmocka_unit_test_setup(layer_norm_equals_its_definition, set_up),
        cmocka_unit_test_setup(layer_norm_gradient_equals_central_differences, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
