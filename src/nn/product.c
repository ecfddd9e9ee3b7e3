// Matrix products: the one place that knows oneDNN, and OpenMP, which Debian's oneDNN runs on.
// Work is divided by udy_pool, so each product runs on the calling thread alone.
#include <dnnl.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "nn/nn_internal.h"

// OpenMP's thread count is a setting of each thread: one for the product, then what it was, so
// that a host program's own OpenMP regions are left alone. Both calls are a load and a store.
static void product(char trans_a, int M, int N, int K, const float *A, int lda, const float *B,
                    int ldb, float *C, int ldc) {
    int before = omp_get_max_threads();
    if (before != 1) omp_set_num_threads(1);
    // Dimensions never contradict each other here, which leaves memory to run out in: what C held is
    // not mistaken for the product, and whoever looks for NaN finds it.
    if (dnnl_sgemm(trans_a, 'N', M, N, K, 1.0f, A, lda, B, ldb, 0.0f, C, ldc) != dnnl_success)
        C[0] = NAN;
    if (before != 1) omp_set_num_threads(before);
}

void udy__product_nn(int M, int N, int K, const float *A, int lda, const float *B, int ldb,
                     float *C, int ldc) {
    product('N', M, N, K, A, lda, B, ldb, C, ldc);
}

void udy__product_tn(int M, int N, int K, const float *A, int lda, const float *B, int ldb,
                     float *C, int ldc) {
    product('T', M, N, K, A, lda, B, ldb, C, ldc);
}

#if defined(__x86_64__)
#define FLUSH_TO_ZERO 0x8000u
#define DENORMALS_ARE_ZERO 0x0040u

unsigned udy__flush_begin(void) {
    unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return saved;
}

void udy__flush_end(unsigned saved) {
    _mm_setcsr(saved);
}
#else
unsigned udy__flush_begin(void) {
    return 0;
}

void udy__flush_end(unsigned saved) {
    (void)saved;
}
#endif

const char *udy_nn_version(void) {
    static _Thread_local char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}
