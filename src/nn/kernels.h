// Loops beside the matrix products: activations, loss, Adam, transposes, narrow products, one row.
// They are written once, in kernels_impl.h, and compiled for each set of vector instructions; the
// widest that this CPU has is chosen at run time. All loops have an order fixed by their arguments.
#ifndef UDY_NN_KERNELS_H_
#define UDY_NN_KERNELS_H_

#include "understudy/nn.h"

// Outputs that count as narrow: their transposed weights are padded to 8 or 16 columns.
#define UDY__NARROW_MAX 16

// One step of Adam, in the numbers that a parameter's update needs.
typedef struct udy__adam_coefficients {
    float decay;  // 1 - learning_rate * weight_decay
    float one_minus_beta1;
    float beta2, one_minus_beta2;
    float inv_sqrt_correction2;  // 1 / sqrt(1 - beta2^t)
    float step;                  // learning_rate / (1 - beta1^t)
    float eps;
} udy__adam_coefficients;

typedef struct udy__kernels {
    const char *isa;  // "AVX-512", "AVX2", "SSE2", "generic"

    // h [rows, n] = activation(h + bias [n]); z [rows, n] = h + bias where the activation reads it.
    void (*activate[UDY_ACTIVATION_COUNT])(float *h, float *z, const float *bias, int rows, int n);
    // d [n] = dL/dz from dL/dh, in place.
    void (*derive[UDY_ACTIVATION_COUNT])(float *d, const float *z, const float *h, size_t n);

    // d [n] = scale * (y - target); returns sum of (y - target)^2.
    double (*mse)(const float *y, const float *target, float *d, size_t n, float scale);
    // Sum of x * 0: 0, or NaN where x holds a NaN or an infinity.
    float (*poison)(const float *x, size_t n);
    // out [n] = column sums of d [rows, n], leading dimension ld.
    void (*column_sums)(const float *d, int rows, int n, int ld, float *out);

    // Adam on a block [rows, cols] of p, m, v (leading dimension ld) with its gradient g (ldg).
    void (*adam)(float *p, float *m, float *v, int ld, const float *g, int ldg, int rows, int cols,
                 const udy__adam_coefficients *c);
    // to [cols, rows] = from [rows, cols] transposed.
    void (*transpose)(const float *from, int ld_from, int rows, int cols, float *to, int ld_to);

    // C [M, N] = A [M, K] B [K, ldb] for N <= ldb, ldb 8 or 16; C is contiguous.
    void (*product_narrow)(const float *A, const float *B, float *C, int M, int N, int K, int ldb);
    // y [ldw] = x [K] W [K, ldw]; ldw a multiple of 8.
    void (*product_row)(const float *x, const float *W, float *y, int K, int ldw);

    // n rounds of independent fused multiply-adds on registers; returns a value to keep.
    float (*multiply_add)(long n);
    double multiply_add_flop;  // operations of one round
} udy__kernels;

// The kernels in use, and the i-th set that this CPU can run (0: the widest; NULL: no more).
const udy__kernels *udy__kernels_best(void);
const udy__kernels *udy__kernels_at(int i);

// One a file; NULL where it was not compiled for this kind of machine.
const udy__kernels *udy__kernels_v4(void);
const udy__kernels *udy__kernels_v3(void);
const udy__kernels *udy__kernels_base(void);

#endif  // UDY_NN_KERNELS_H_
