// The two loops in which nearly all the time of distances goes: from one row to blocks of rows, laid
// out so that each lane of a vector has a row of its own. No sum is split and no product contracted
// into its addition, so every set of vector instructions gives the same bits.
#include <math.h>
#include <stdatomic.h>

#include "divergence.h"

#define UDY__VECTOR(bytes) __attribute__((vector_size(bytes), may_alias))
typedef double doubles UDY__VECTOR(64);
typedef float floats UDY__VECTOR(64);
typedef int32_t masks UDY__VECTOR(64);

#define UDY__NAME(f) f##_base
#define UDY__TARGET
#include "divergence_loops.h"

#if defined(__x86_64__)
#define UDY__NAME(f) f##_v3
#define UDY__TARGET __attribute__((target("avx2")))
#include "divergence_loops.h"
#define UDY__NAME(f) f##_v4
#define UDY__TARGET __attribute__((target("avx512f,prefer-vector-width=512")))
#include "divergence_loops.h"

// 0: any CPU, 1: AVX2, 2: AVX-512.
static int widest(void) {
    static atomic_int known = -1;  // threads that come here first at once find the same answer
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer < 0) {
        __builtin_cpu_init();
        answer = __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx2") ? 1 : 0;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer;
}
#endif

void udy__square_distances(const double *x, const double *blocks, int dims, size_t n_blocks,
                           double *out) {
#if defined(__x86_64__)
    int cpu = widest();
    if (cpu == 2) {
        square_distances_v4(x, blocks, dims, n_blocks, out);
        return;
    }
    if (cpu == 1) {
        square_distances_v3(x, blocks, dims, n_blocks, out);
        return;
    }
#endif
    square_distances_base(x, blocks, dims, n_blocks, out);
}

float udy__square_distances_f32(const float *x, const float *blocks, int dims, size_t n_blocks,
                                float *out) {
#if defined(__x86_64__)
    int cpu = widest();
    if (cpu == 2) return square_distances_f32_v4(x, blocks, dims, n_blocks, out);
    if (cpu == 1) return square_distances_f32_v3(x, blocks, dims, n_blocks, out);
#endif
    return square_distances_f32_base(x, blocks, dims, n_blocks, out);
}
