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

// How a policy's head [2n] (means, then raw log standard deviations) makes a tanh-Gaussian.
#define UDY__GAUSSIAN_MAX UDY_NN_ACTIONS_MAX
typedef struct udy__gaussian {
    int n;
    bool squash;      // log_std = low + (high - low) (tanh(raw) + 1) / 2; else raw clamped
    float low, high;  // of log_std
} udy__gaussian;

typedef struct udy__kernels {
    const char *isa;  // "AVX-512", "AVX2", "SSE2", "generic"

    // h [rows, n] = activation(h + bias [n]); z [rows, n] = h + bias where the activation reads it.
    void (*activate[UDY_ACTIVATION_COUNT])(float *h, float *z, const float *bias, int rows, int n);
    // d [n] = dL/dz from dL/dh, in place.
    void (*derive[UDY_ACTIVATION_COUNT])(float *d, const float *z, const float *h, size_t n);
    // h [rows, n] = activation(y), y = z scale + shift, a column each; y is kept where the
    // activation reads it, and h rounded to bfloat16 in hb. Nullable: y (else), hb
    void (*activate_map[UDY_ACTIVATION_COUNT])(const float *z, const float *scale,
                                               const float *shift, int rows, int n, float *h,
                                               float *y, uint16_t *hb);

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

    // Normalisation (kernels_norm.h).
    // mean, m2 [n]: of the columns of z [rows, n]; m2: sum of squared deviations.
    void (*column_moments)(const float *z, int rows, int n, float *mean, float *m2);
    // The same of all rows from shards' [mean, m2] pairs; weight [shards]: share of the rows.
    void (*merge_moments)(const float *partial, const float *weight, int shards, int rows, int n,
                          float *mean, float *variance);
    // Column sums of d and of d (z - mean).
    void (*gradient_moments)(const float *d, const float *z, const float *mean, int rows, int n,
                             float *sum, float *product);
    void (*scale_columns)(const float *z, const float *scale, int rows, int n, float *out);
    void (*affine_columns)(const float *z, int ldz, const float *scale, const float *shift,
                           int rows, int n, float *out);
    void (*combine_columns)(float *d, const float *z, const float *a, const float *b,
                            const float *c, int rows, int n);
    void (*combine_zero)(float *d, const float *z, const float *b, const float *c, int rows, int n);
    void (*layer_norm)(float *z, int rows, int n, float eps, float *inv);
    void (*layer_norm_gradient)(float *d, const float *xhat, const float *gamma, const float *inv,
                                int rows, int n);
    void (*unit_rows)(float *W, int ld, int rows, int n);
    void (*blend)(float *to, const float *from, int ld, int rows, int n, float share);

    // to [rows, n] = from rounded to the nearest bfloat16, ties to even; leading dimensions apart.
    void (*to_bf16)(const float *from, int ld_from, int rows, int n, uint16_t *to, int ld_to);

    // Distributions (kernels_dist.h).
    // action [rows, n] (leading dimension ld) = tanh(mean + std eps), log_prob [rows] its log density.
    void (*gaussian_sample)(const udy__gaussian *g, const float *head, const float *eps, int rows,
                            float *action, int ld, float *log_prob);
    // d [rows, 2n] = scale d(alpha log_prob - Q)/dhead, given dq [rows, n] = dQ/daction.
    void (*gaussian_gradient)(const udy__gaussian *g, const float *head, const float *eps,
                              const float *dq, int ld, float alpha, float scale, int rows,
                              float *d);
    float (*softmax)(const float *logits, int n, float *p);
    float (*categorical_mean)(const float *p, const float *atoms, int n);
    // m [n]: the distribution p on shift + scale atoms, projected onto the atoms.
    void (*categorical_project)(const float *p, const float *atoms, int n, float shift, float scale,
                                float *m);
    // m [n]: a Gaussian about y, clamped to the atoms' range, as a histogram over them.
    void (*gaussian_histogram)(float y, float sigma, const float *atoms, int n, float *m);
    // -sum m log softmax(logits); d [n] = scale dL/dlogits.
    float (*cross_entropy)(const float *logits, const float *m, int n, float scale, float *d);
    // The mean; d [n] = its gradient with respect to the logits.
    float (*categorical_mean_gradient)(const float *logits, const float *atoms, int n, float *d);

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
