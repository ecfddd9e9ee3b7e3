// The distributions of src/nn/kernels_dist.h, in every set of vector instructions that this CPU
// runs: values against formulas in double precision that are written another way, gradients against
// central differences of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "reference_net.h"

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

//------------------------------------------ tanh-Gaussian -----------------------------------------

static const udy__gaussian heads[] = {
    {.n = 1, .squash = false, .low = -20, .high = 2},
    {.n = 3, .squash = false, .low = -1, .high = 0.5f},
    {.n = 8, .squash = true, .low = -10, .high = 2},
    {.n = 17, .squash = true, .low = -5, .high = 2},
    {.n = UDY__GAUSSIAN_MAX, .squash = false, .low = -10, .high = 2},
};
#define N_HEADS (sizeof heads / sizeof *heads)

static double log_std_of(const udy__gaussian *g, double raw) {
    double low = (double)g->low, high = (double)g->high;
    if (g->squash) return low + (high - low) / (1 + exp(-2 * raw));
    return fmin(fmax(raw, low), high);
}

// log of the density of tanh(u), u ~ N(mean, std): that of u less log(1 - tanh(u)^2) = -2 log cosh u.
static double log_prob_of(double u, double mean, double log_std) {
    double e = (u - mean) / exp(log_std);
    double log_cosh = fabs(u) + log1p(exp(-2 * fabs(u))) - log(2);
    return -0.5 * e * e - log_std - 0.5 * log(2 * acos(-1.0)) + 2 * log_cosh;
}

// Heads [rows, 2n] of all kinds: usual ones, log standard deviations beyond both bounds, means so
// far out that tanh is 1 to all digits.
static float *head_values(const udy__gaussian *g, size_t rows) {
    size_t n = (size_t)g->n;
    float *head = normals(rows * 2 * n, 0, 1);
    for (size_t i = 0; i < rows * 2 * n; i++) {
        bool raw = i % (2 * n) >= n;
        size_t row = i / (2 * n);
        if (row % 4 == 1 && raw) head[i] = g->low - 1.5f + (float)(i % 2) * (g->high - g->low + 3);
        if (row % 4 == 2 && !raw) head[i] *= 15;
        if (row % 4 == 3 && !raw) head[i] = i % 2 ? 80.0f : -80.0f;
    }
    return head;
}

static void samples_have_the_density_that_is_claimed(void **state) {
    (void)state;
    enum { ROWS = 24 };
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t h = 0; h < N_HEADS; h++) {
            const udy__gaussian *g = &heads[h];
            size_t n = (size_t)g->n, ld = n + 5;
            float *head = head_values(g, ROWS), *eps = normals(ROWS * n, 0, 1);
            float *action = normals(ROWS * ld, 7, 0), log_prob[ROWS];
            k->gaussian_sample(g, head, eps, ROWS, action, (int)ld, log_prob);
            for (size_t r = 0; r < ROWS; r++) {
                double sum = 0, size = 0;
                for (size_t j = 0; j < n; j++) {
                    double mean = (double)head[r * 2 * n + j];
                    double log_std = log_std_of(g, (double)head[r * 2 * n + n + j]);
                    double noise = exp(log_std) * (double)eps[r * n + j], u = mean + noise;
                    double term = log_prob_of(u, mean, log_std);
                    sum += term;
                    size += 1 + fabs(mean) + fabs(noise) + fabs(term);
                    expect(k, "action", r * ld + j, (double)action[r * ld + j], tanh(u),
                           1e-6 + 4e-7 * (fabs(mean) + fabs(noise)) / (cosh(u) * cosh(u)));
                }
                for (size_t j = n; j < ld; j++) assert_true(action[r * ld + j] == 7.0f);
                expect(k, "log_prob", r, (double)log_prob[r], sum, 2e-6 * size);
            }
            test_free(head), test_free(eps), test_free(action);
        }
    }
}

// Against the density itself, not its formula: the mass of actions in an interval.
static void densities_integrate_to_1(void **state) {
    (void)state;
    const udy__kernels *k;
    const udy__gaussian g = {.n = 1, .squash = false, .low = -5, .high = 2};
    const float head[] = {0.3f, -0.4f};
    EACH_SET(k) {
        double mass = 0, before = -1;
        for (int i = -8000; i <= 8000; i++) {
            float eps = (float)i / 1000.0f, action, log_prob;
            k->gaussian_sample(&g, head, &eps, 1, &action, 1, &log_prob);
            mass += exp((double)log_prob) * ((double)action - before);
            before = (double)action;
        }
        expect(k, "mass", 0, mass, 1, 2e-3);
    }
}

// A smooth Q of the action, whose gradient the kernel is given.
static double q_of(double a, size_t j) {
    return sin(1.7 * a + (double)j) + 0.5 * a * a;
}
static double q_slope(double a, size_t j) {
    return 1.7 * cos(1.7 * a + (double)j) + a;
}

// alpha log pi - Q of one row's component j as a function of the head: mean and raw.
static double policy_loss(const udy__gaussian *g, double mean, double raw, double eps, double alpha,
                          size_t j) {
    double log_std = log_std_of(g, raw), u = mean + exp(log_std) * eps;
    return alpha * log_prob_of(u, mean, log_std) - q_of(tanh(u), j);
}

static void the_policy_gradient_equals_central_differences(void **state) {
    (void)state;
    enum { ROWS = 24 };
    const double alphas[] = {0, 0.2, 1}, scale = 1.0 / 256, step = 1e-5;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_HEADS * 3; i++) {
            const udy__gaussian *g = &heads[i / 3];
            double alpha = alphas[i % 3];
            size_t n = (size_t)g->n, ld = n + 3;
            float *head = head_values(g, ROWS), *eps = normals(ROWS * n, 0, 1);
            float *action = normals(ROWS * ld, 0, 0), log_prob[ROWS],
                  *dq = normals(ROWS * ld, 0, 1);
            float *d = normals(ROWS * 2 * n + 1, 7, 0);
            k->gaussian_sample(g, head, eps, ROWS, action, (int)ld, log_prob);
            for (size_t j = 0; j < ROWS * ld; j++)
                if (j % ld < n) dq[j] = (float)q_slope((double)action[j], j % ld);
            k->gaussian_gradient(g, head, eps, dq, (int)ld, (float)alpha, (float)scale, ROWS, d);
            assert_true(d[ROWS * 2 * n] == 7.0f);
            for (size_t r = 0; r < ROWS * n; r++) {
                size_t j = r % n, at = r / n * 2 * n + j;
                double m = (double)head[at], raw = (double)head[at + n], e = (double)eps[r];
                double std = exp(log_std_of(g, raw));
                // A step that moves u by as much whatever the standard deviation is.
                double small = step / fmax(1, std * fabs(e));
                double by_mean = (policy_loss(g, m + step, raw, e, alpha, j) -
                                  policy_loss(g, m - step, raw, e, alpha, j)) /
                                 (2 * step);
                double by_raw = (policy_loss(g, m, raw + small, e, alpha, j) -
                                 policy_loss(g, m, raw - small, e, alpha, j)) /
                                (2 * small);
                expect(k, "gradient of the mean", at, (double)d[at] / scale, by_mean, 2e-5);
                double tolerance = 2e-5 * (1 + std * fabs(e)) * (g->squash ? 6 : 1);
                expect(k, "gradient of the raw log std", at + n, (double)d[at + n] / scale, by_raw,
                       tolerance);
                if (!g->squash && (raw < (double)g->low || raw > (double)g->high))
                    assert_true(d[at + n] == 0.0f);
            }
            test_free(head), test_free(eps), test_free(action), test_free(dq), test_free(d);
        }
    }
}

//------------------------------------------ Categorical values ------------------------------------

static const int sizes[] = {2, 5, 16, 51, 64, 101, 130};
#define N_SIZES (sizeof sizes / sizeof *sizes)
#define N_MAX 130

static void plain_softmax(const double *logits, size_t n, double *p) {
    double top = logits[0], sum = 0;
    for (size_t j = 0; j < n; j++) top = fmax(top, logits[j]);
    for (size_t j = 0; j < n; j++) sum += p[j] = exp(logits[j] - top);
    for (size_t j = 0; j < n; j++) p[j] /= sum;
}

static double plain_log_sum(const double *logits, size_t n) {
    double top = logits[0], sum = 0;
    for (size_t j = 0; j < n; j++) top = fmax(top, logits[j]);
    for (size_t j = 0; j < n; j++) sum += exp(logits[j] - top);
    return top + log(sum);
}

static void plain_atoms(float *atoms, size_t n, double low, double high) {
    for (size_t j = 0; j < n; j++)
        atoms[j] = (float)(low + (high - low) * (double)j / (double)(n - 1));
}

// Flat and steep ones, and ones that exp alone would overflow or underflow on.
static void softmax_and_its_log_sum_equal_double(void **state) {
    (void)state;
    const double spreads[] = {0, 1, 30}, centres[] = {0, 500, -500};
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES * 9; i++) {
            size_t n = (size_t)sizes[i / 9];
            float *logits = normals(n, centres[i % 3], spreads[i / 3 % 3]);
            float *p = normals(n + 1, 7, 0);
            double *x = ref_doubles(logits, n), want[N_MAX], sum = 0;
            double log_sum = (double)k->softmax(logits, (int)n, p);
            assert_true(p[n] == 7.0f);
            plain_softmax(x, n, want);
            for (size_t j = 0; j < n; j++) {
                expect(k, "softmax", j, (double)p[j], want[j],
                       (2e-6 - 2e-7 * log(want[j])) * want[j] + 1e-30);
                sum += (double)p[j];
            }
            expect(k, "mass", 0, sum, 1, 1e-6);
            expect(k, "log of the sum", 0, log_sum, plain_log_sum(x, n),
                   2e-6 + 2e-7 * fabs(log_sum));
            test_free(logits), test_free(p), free(x);
        }
    }
}

static void a_nan_among_logits_comes_out(void **state) {
    (void)state;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t at = 0; at < 101; at += 20) {
            float *logits = normals(101, 0, 1), p[101], m[101] = {1};
            logits[at] = NAN;
            k->softmax(logits, 101, p);
            assert_true(isnan(p[at]) && isnan(p[(at + 50) % 101]));
            assert_true(isnan(k->cross_entropy(logits, m, 101, 1, p)));
            test_free(logits);
        }
    }
}

static float *distribution(size_t n, double spread) {
    float *logits = normals(n, 0, spread);
    double *x = ref_doubles(logits, n), p[N_MAX];
    plain_softmax(x, n, p);
    for (size_t j = 0; j < n; j++) logits[j] = (float)p[j];
    free(x);
    return logits;
}

static void the_mean_is_the_sum_over_atoms(void **state) {
    (void)state;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES; i++) {
            size_t n = (size_t)sizes[i];
            float *p = distribution(n, 2), atoms[N_MAX];
            plain_atoms(atoms, n, -5, 5);
            double want = 0;
            for (size_t j = 0; j < n; j++) want += (double)p[j] * (double)atoms[j];
            expect(k, "mean", n, (double)k->categorical_mean(p, atoms, (int)n), want, 2e-6);
            test_free(p);
        }
    }
}

// Bellemare, Dabney & Munos 2017, eq. 7, atom by atom.
static void textbook_projection(const float *p, const float *atoms, size_t n, double shift,
                                double scale, double *m) {
    double low = (double)atoms[0], high = (double)atoms[n - 1],
           gap = (high - low) / (double)(n - 1);
    for (size_t i = 0; i < n; i++) {
        m[i] = 0;
        for (size_t j = 0; j < n; j++) {
            double z = fmin(fmax(shift + scale * (double)atoms[j], low), high);
            double share = 1 - fabs(z - (low + gap * (double)i)) / gap;
            m[i] += fmin(fmax(share, 0), 1) * (double)p[j];
        }
    }
}

static const struct {
    float shift, scale;
} moves[] = {
    {0, 1},        {0.37f, 0.9f}, {-0.49f, 0.9f}, {1.3f, 0},      {-0.5f, 0.5f},
    {2.5f, 0.99f}, {-3, 0.995f},  {100, 0.99f},   {-1e6f, 0.99f}, {0, 5},
};
// The ends of the support: places among the atoms are round numbers, and are not.
static const double supports[][2] = {{-5, 5}, {-3.3, 3.1}, {-7.7, 7.9}, {-5.1, 6.3}};
#define N_SUPPORTS (sizeof supports / sizeof *supports)
#define N_MOVES (sizeof moves / sizeof *moves)

static void projections_equal_the_textbook_and_keep_mass_and_mean(void **state) {
    (void)state;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES * N_MOVES * N_SUPPORTS; i++) {
            size_t n = (size_t)sizes[i / N_SUPPORTS / N_MOVES], w = i / N_SUPPORTS % N_MOVES;
            const double *support = supports[i % N_SUPPORTS];
            float *p = distribution(n, 2), atoms[N_MAX], *m = normals(n + 2, 7, 0);
            double want[N_MAX], mass = 0, mean = 0, before = 0;
            plain_atoms(atoms, n, support[0], support[1]);
            k->categorical_project(p, atoms, (int)n, moves[w].shift, moves[w].scale, m + 1);
            assert_true(m[0] == 7.0f && m[n + 1] == 7.0f);
            textbook_projection(p, atoms, n, (double)moves[w].shift, (double)moves[w].scale, want);
            for (size_t j = 0; j < n; j++) {
                // An atom's place among n is known to n roundings.
                expect(k, "projection", j, (double)m[j + 1], want[j], 3e-7 * (double)n + 2e-6);
                assert_true(m[j + 1] >= -1e-5f);
                mass += (double)m[j + 1];
                mean += (double)m[j + 1] * (double)atoms[j];
                before += (double)p[j] * (double)atoms[j];
            }
            expect(k, "mass", i, mass, 1, 3e-6);
            double shift = (double)moves[w].shift, scale = (double)moves[w].scale;
            if (shift + scale * support[0] >= support[0] &&
                shift + scale * support[1] <= support[1])
                expect(k, "mean", i, mean, shift + scale * before, 1e-5);
            if (fabs((double)moves[w].shift) >= 100)  // all of it at one end
                expect(k, "end", i, (double)(moves[w].shift > 0 ? m[n] : m[1]), 1, 1e-4);
            test_free(p), test_free(m);
        }
    }
}

static void a_projection_of_nan_or_infinity_stays_inside(void **state) {
    (void)state;
    enum { N = 101 };
    const udy__kernels *k;
    const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f};
    EACH_SET(k) {
        for (size_t i = 0; i < 15; i++) {
            float *p = distribution(N, 1), atoms[N], *m = normals(N + 64, 7, 0), shift = 0.1f;
            float scale = 0.99f;
            plain_atoms(atoms, N, -5, 5);
            if (i / 5 == 0) shift = bad[i % 5];
            if (i / 5 == 1) scale = bad[i % 5];
            if (i / 5 == 2) p[i] = bad[i % 5];
            k->categorical_project(p, atoms, N, shift, scale, m + 32);
            double sum = 0;
            for (size_t j = 0; j < N; j++) sum += (double)m[32 + j];
            for (size_t j = 0; j < 32; j++) assert_true(m[j] == 7.0f && m[N + 32 + j] == 7.0f);
            if (isnan(bad[i % 5])) assert_true(isnan(sum));  // and is not hidden
            test_free(p), test_free(m);
        }
    }
}

// Each atom's bin has the mass of a Gaussian about y between its edges, of what lies in all of them.
static void histograms_have_the_masses_of_a_gaussian(void **state) {
    (void)state;
    const double ys[] = {0, 0.031, -2.6, 4.99, 5, -5, 7, -1e6};
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES * 8 * 2; i++) {
            size_t n = (size_t)sizes[i / 16];
            float atoms[N_MAX], *m = normals(n + 1, 7, 0);
            double gap = 10 / (double)(n - 1), sigma = gap * (i / 8 % 2 ? 0.75 : 2), want[N_MAX];
            double y = fmin(fmax(ys[i % 8], -5), 5), all = 0;
            plain_atoms(atoms, n, -5, 5);
            k->gaussian_histogram((float)ys[i % 8], (float)sigma, atoms, (int)n, m);
            assert_true(m[n] == 7.0f);
            for (size_t j = 0; j < n; j++) {
                double low = (double)atoms[j] - gap / 2 - y, high = low + gap;
                want[j] = 0.5 * (erf(high / sigma / sqrt(2)) - erf(low / sigma / sqrt(2)));
                all += want[j];
            }
            for (size_t j = 0; j < n; j++) {
                expect(k, "histogram", j, (double)m[j], want[j] / all, 3e-6);
                assert_true(m[j] > -1e-6f);
            }
            test_free(m);
        }
        float atoms[51], m[51];
        plain_atoms(atoms, 51, -5, 5);
        k->gaussian_histogram(NAN, 0.1f, atoms, 51, m);
        assert_true(isnan(m[0]) && isnan(m[50]));
    }
}

static double plain_cross_entropy(const double *logits, const float *m, size_t n) {
    double log_sum = plain_log_sum(logits, n), sum = 0;
    for (size_t j = 0; j < n; j++) sum -= (double)m[j] * (logits[j] - log_sum);
    return sum;
}

static void cross_entropy_and_its_gradient_equal_the_definition(void **state) {
    (void)state;
    const double spreads[] = {0.1, 2, 20}, centres[] = {0, 100}, scale = 1.0 / 256, step = 1e-5;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES * 6; i++) {
            size_t n = (size_t)sizes[i / 6];
            float *logits = normals(n, centres[i % 2], spreads[i / 2 % 3]);
            float *m = distribution(n, 2), *d = normals(n + 1, 7, 0);
            double *x = ref_doubles(logits, n);
            double loss = (double)k->cross_entropy(logits, m, (int)n, (float)scale, d);
            assert_true(d[n] == 7.0f);
            expect(k, "cross-entropy", i, loss, plain_cross_entropy(x, m, n),
                   2e-6 * (20 + centres[i % 2] + fabs(loss)));
            for (size_t j = 0; j < n; j++) {
                double kept = x[j];
                x[j] = kept + step;
                double up = plain_cross_entropy(x, m, n);
                x[j] = kept - step;
                double down = plain_cross_entropy(x, m, n);
                x[j] = kept;
                expect(k, "cross-entropy's gradient", j, (double)d[j] / scale,
                       (up - down) / (2 * step), 3e-6);
            }
            test_free(logits), test_free(m), test_free(d), free(x);
        }
    }
}

static double plain_mean(const double *logits, const float *atoms, size_t n) {
    double p[N_MAX], sum = 0;
    plain_softmax(logits, n, p);
    for (size_t j = 0; j < n; j++) sum += p[j] * (double)atoms[j];
    return sum;
}

// And of two critics the lower one: what the soft actor-critic takes of both.
static void the_gradient_of_the_lower_mean_equals_central_differences(void **state) {
    (void)state;
    const double step = 1e-5;
    const udy__kernels *k;
    EACH_SET(k) {
        for (size_t i = 0; i < N_SIZES; i++) {
            size_t n = (size_t)sizes[i];
            float *logits[2] = {normals(n, 0, 2), normals(n, 1, 2)}, atoms[N_MAX], mean[2];
            float *d[2] = {normals(n + 1, 7, 0), normals(n + 1, 7, 0)};
            double *x[2] = {ref_doubles(logits[0], n), ref_doubles(logits[1], n)};
            plain_atoms(atoms, n, -5, 5);
            for (int c = 0; c < 2; c++) {
                mean[c] = k->categorical_mean_gradient(logits[c], atoms, (int)n, d[c]);
                assert_true(d[c][n] == 7.0f);
                expect(k, "mean of logits", i, (double)mean[c], plain_mean(x[c], atoms, n), 4e-6);
            }
            int lower = mean[1] < mean[0];
            for (size_t j = 0; j < 2 * n; j++) {
                double *at = &x[j / n][j % n], kept = *at;
                *at = kept + step;
                double up = fmin(plain_mean(x[0], atoms, n), plain_mean(x[1], atoms, n));
                *at = kept - step;
                double down = fmin(plain_mean(x[0], atoms, n), plain_mean(x[1], atoms, n));
                *at = kept;
                double got = (int)(j / n) == lower ? (double)d[lower][j % n] : 0;
                expect(k, "gradient of the lower mean", j, got, (up - down) / (2 * step), 6e-6);
            }
            for (int c = 0; c < 2; c++) test_free(logits[c]), test_free(d[c]), free(x[c]);
        }
    }
}

static int set_up(void **state) {
    (void)state;
    udy_rng_init(&rng, 17);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(samples_have_the_density_that_is_claimed, set_up),
        cmocka_unit_test_setup(densities_integrate_to_1, set_up),
        cmocka_unit_test_setup(the_policy_gradient_equals_central_differences, set_up),
        cmocka_unit_test_setup(softmax_and_its_log_sum_equal_double, set_up),
        cmocka_unit_test_setup(a_nan_among_logits_comes_out, set_up),
        cmocka_unit_test_setup(the_mean_is_the_sum_over_atoms, set_up),
        cmocka_unit_test_setup(projections_equal_the_textbook_and_keep_mass_and_mean, set_up),
        cmocka_unit_test_setup(a_projection_of_nan_or_infinity_stays_inside, set_up),
        cmocka_unit_test_setup(histograms_have_the_masses_of_a_gaussian, set_up),
        cmocka_unit_test_setup(cross_entropy_and_its_gradient_equal_the_definition, set_up),
        cmocka_unit_test_setup(the_gradient_of_the_lower_mean_equals_central_differences, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
