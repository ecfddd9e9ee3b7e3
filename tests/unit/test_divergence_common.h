// Samples of correlated episodes for the tests of divergence: the same numbers, to the bit, as
// make_divergence.py's `episodes`.
#ifndef UDY_TEST_DIVERGENCE_COMMON_H_
#define UDY_TEST_DIVERGENCE_COMMON_H_

#include "understudy/study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum { EPISODES_MAX = 128 };
typedef struct made {
    udy_sample sample;
    udy_rows rows[EPISODES_MAX];
    float *data;
} made;

// Autoregressive rows: each is phi times the last plus fresh noise, of variance 1 if the start is.
typedef struct recipe {
    int dims;
    double phi, shift, scale;
} recipe;

static inline void make_from(made *m, const char *name, udy_rng *rng, const int *lengths, int n,
                             recipe r) {
    size_t total = 0;
    assert_true(n <= EPISODES_MAX && r.dims <= 256);
    for (int e = 0; e < n; e++) total += (size_t)lengths[e];
    m->data = udy_alloc(total * (size_t)r.dims * sizeof(float));
    assert_non_null(m->data);
    float *to = m->data;
    for (int e = 0; e < n; e++) {
        double x[256];
        m->rows[e] = (udy_rows){to, lengths[e]};
        for (int k = 0; k < r.dims; k++) x[k] = udy_rng_normal(rng);
        for (int t = 0; t < lengths[e]; t++) {
            for (int k = 0; k < r.dims; k++, to++) {
                x[k] = r.phi * x[k] + sqrt(1 - r.phi * r.phi) * udy_rng_normal(rng);
                *to = (float)(r.shift + r.scale * x[k]);
            }
        }
    }
    m->sample = (udy_sample){name, r.dims, n, m->rows};
}

static inline void make_sample(made *m, const char *name, uint64_t seed, const int *lengths, int n,
                               recipe r) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    make_from(m, name, &rng, lengths, n, r);
}

// n episodes of one length.
static inline void make_equal(made *m, const char *name, udy_rng *rng, int length, int n,
                              recipe r) {
    int lengths[EPISODES_MAX];
    for (int e = 0; e < n; e++) lengths[e] = length;
    make_from(m, name, rng, lengths, n, r);
}

static inline void unmake(made *m) {
    udy_free(m->data);
}

static inline void assert_near(double got, double want, double tolerance, const char *what, int i) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s [%d]: %.17g, expected %.17g within %g", what, i, got, want, tolerance);
}

static inline void assert_all_near(const double *got, const double *want, int n, double relative,
                                   const char *what) {
    for (int i = 0; i < n; i++) assert_near(got[i], want[i], relative * fabs(want[i]), what, i);
}

static inline void assert_says(const udy_error *err, const char *words) {
    if (!strstr(err->message, words)) fail_msg("\"%s\" does not say \"%s\"", err->message, words);
}

#endif  // UDY_TEST_DIVERGENCE_COMMON_H_
