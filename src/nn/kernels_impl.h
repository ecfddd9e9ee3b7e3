// The loops of kernels.h, written once. kernels_v4.c, kernels_v3.c and kernels_base.c each define
// UDY__WIDTH (floats in a vector), UDY__ISA and UDY__KERNELS and include this; CMakeLists.txt gives
// each of them its instruction set, and lets it contract a * b + c into one operation.
#include "nn/kernels.h"
#include "nn/kernels_math.h"

// Vectors of floats at any address, a GNU extension that Clang has as well.
#define UDY__VECTOR(n) __attribute__((vector_size(4 * (n)), aligned(4), may_alias))
typedef float vec UDY__VECTOR(UDY__WIDTH);
#if UDY__WIDTH >= 8
typedef float vec8 UDY__VECTOR(8);
typedef vec8 column;  // the columns of a narrow product
#else
typedef vec column;
#endif
#define LOAD(type, p) (*(const type *)(p))
#define STORE(type, p, x) (*(type *)(p) = (x))

//------------------------------------------ bfloat16 ----------------------------------------------

typedef uint32_t uvec UDY__VECTOR(UDY__WIDTH);
typedef uint16_t hvec __attribute__((vector_size(2 * UDY__WIDTH), aligned(2), may_alias));

// To the nearest, ties to even. A NaN stays one: its high bits say so unless its payload is in the
// low ones alone, which arithmetic does not make.
static void to_bf16(const float *restrict from, int ld_from, int rows, int n, uint16_t *restrict to,
                    int ld_to) {
    for (int r = 0; r < rows; r++, from += ld_from, to += ld_to) {
        int j = 0;
        for (; j + UDY__WIDTH <= n; j += UDY__WIDTH) {
            uvec bits = LOAD(uvec, from + j);
            bits = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
            STORE(hvec, to + j, __builtin_convertvector(bits, hvec));
        }
        for (; j < n; j++) {
            uint32_t bits;
            memcpy(&bits, from + j, sizeof bits);
            to[j] = (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
        }
    }
}

//------------------------------------------ Activations -------------------------------------------

#define ACTIVATION(constant, name, reads_z, value, gradient)                                \
    static void activate_##name(float *restrict ph, float *restrict pz,                     \
                                const float *restrict bias, int rows, int n) {              \
        for (int r = 0; r < rows; r++, ph += n) {                                           \
            for (int j = 0; j < n; j++) {                                                   \
                float z = ph[j] + bias[j];                                                  \
                if (reads_z) pz[(size_t)r * (size_t)n + (size_t)j] = z;                     \
                ph[j] = (value);                                                            \
            }                                                                               \
        }                                                                                   \
    }                                                                                       \
    static void derive_##name(float *restrict pd, const float *restrict pz,                 \
                              const float *restrict ph, size_t n) {                         \
        for (size_t i = 0; i < n; i++) {                                                    \
            float d = pd[i], h = ph[i], z = (reads_z) ? pz[i] : 0.0f;                       \
            (void)h, (void)z;                                                               \
            pd[i] = (gradient);                                                             \
        }                                                                                   \
    }                                                                                       \
    static void activate_map_##name(                                                        \
        const float *restrict pz, const float *restrict scale, const float *restrict shift, \
        int rows, int n, float *restrict ph, float *restrict py, uint16_t *restrict pb) {   \
        for (size_t r = 0; r < (size_t)rows; r++, pz += n, ph += n) {                       \
            for (int j = 0; j < n; j++) {                                                   \
                float z = pz[j] * scale[j] + shift[j];                                      \
                if (reads_z) py[r * (size_t)n + (size_t)j] = z;                             \
                ph[j] = (value);                                                            \
            }                                                                               \
            if (pb) to_bf16(ph, 0, 1, n, pb + r * (size_t)n, 0);                            \
        }                                                                                   \
    }
#include "nn/activations.def"
#undef ACTIVATION

//------------------------------------------ Loss and sums -----------------------------------------

static double mse(const float *restrict y, const float *restrict target, float *restrict d,
                  size_t n, float scale) {
    double lanes[8] = {0}, tail = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            float e = y[i + k] - target[i + k];
            d[i + k] = scale * e;
            lanes[k] += (double)e * (double)e;
        }
    }
    for (; i < n; i++) {
        float e = y[i] - target[i];
        d[i] = scale * e;
        tail += (double)e * (double)e;
    }
    for (size_t k = 0; k < 8; k++) tail += lanes[k];
    return tail;
}

static float poison(const float *x, size_t n) {
    vec lanes = {0};
    size_t i = 0;
    for (; i + UDY__WIDTH <= n; i += UDY__WIDTH) lanes += LOAD(vec, x + i) * 0.0f;
    float sum = 0;
    for (; i < n; i++) sum += x[i] * 0.0f;
    for (size_t k = 0; k < UDY__WIDTH; k++) sum += lanes[k];
    return sum;
}

// Blocks of 256 rows, so that rounding does not grow with the batch; 4 vectors of columns at once.
static void column_sums(const float *d, int rows, int n, int ld, float *out) {
    memset(out, 0, (size_t)n * sizeof *out);
    for (int r0 = 0; r0 < rows; r0 += 256) {
        int r1 = r0 + 256 < rows ? r0 + 256 : rows, j = 0;
        for (; j + 4 * UDY__WIDTH <= n; j += 4 * UDY__WIDTH) {
            vec s[4] = {{0}};
            for (int r = r0; r < r1; r++) {
                const float *p = d + (size_t)r * (size_t)ld + j;
                for (int k = 0; k < 4; k++) s[k] += LOAD(vec, p + k * UDY__WIDTH);
            }
            for (int k = 0; k < 4; k++) {
                float *o = out + j + k * UDY__WIDTH;
                STORE(vec, o, LOAD(vec, o) + s[k]);
            }
        }
        for (; j < n; j++) {
            float s = 0;
            for (int r = r0; r < r1; r++) s += d[(size_t)r * (size_t)ld + (size_t)j];
            out[j] += s;
        }
    }
}

//------------------------------------------ Adam --------------------------------------------------

// The operations in torch.optim.Adam's order: lerp, addcmul, sqrt, divide, add eps, addcdiv.
static void adam(float *restrict p, float *restrict m, float *restrict v, int ld,
                 const float *restrict g, int ldg, int rows, int cols,
                 const udy__adam_coefficients *coefficients) {
    const udy__adam_coefficients c = *coefficients;
    for (int r = 0; r < rows; r++, p += ld, m += ld, v += ld, g += ldg) {
        for (int j = 0; j < cols; j++) {
            float gj = g[j];
            float mj = m[j] + (gj - m[j]) * c.one_minus_beta1;
            float vj = c.beta2 * v[j] + c.one_minus_beta2 * gj * gj;
            m[j] = mj;
            v[j] = vj;
            p[j] = p[j] * c.decay - c.step * mj / (sqrtf(vj) * c.inv_sqrt_correction2 + c.eps);
        }
    }
}

//------------------------------------------ Transpose ---------------------------------------------

#if UDY__WIDTH >= 8
#define SHUFFLE __builtin_shufflevector

// b [8] = the 8 x 8 block at `from`, transposed.
UDY__INLINE void transpose_8x8(const float *from, size_t ld_from, vec8 *b) {
    vec8 a[8];
    for (size_t i = 0; i < 8; i++) a[i] = LOAD(vec8, from + i * ld_from);
    for (int i = 0; i < 8; i += 2) {
        b[i] = SHUFFLE(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        b[i + 1] = SHUFFLE(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = SHUFFLE(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 1] = SHUFFLE(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        a[i + 2] = SHUFFLE(b[i + 1], b[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 3] = SHUFFLE(b[i + 1], b[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 4; i++) {
        b[i] = SHUFFLE(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        b[i + 4] = SHUFFLE(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

// 16 rows, 8 columns: 8 whole lines of `to`.
UDY__INLINE void transpose_16x8(const float *from, size_t ld_from, float *to, size_t ld_to) {
    vec8 low[8], high[8];
    transpose_8x8(from, ld_from, low);
    transpose_8x8(from + 8 * ld_from, ld_from, high);
    for (size_t i = 0; i < 8; i++, to += ld_to) {
        STORE(vec8, to, low[i]);
        STORE(vec8, to + 8, high[i]);
    }
}
#else
UDY__INLINE void transpose_16x8(const float *from, size_t ld_from, float *to, size_t ld_to) {
    for (size_t c = 0; c < 8; c++) {
        for (size_t r = 0; r < 16; r++) to[c * ld_to + r] = from[r * ld_from + c];
    }
}
#endif

static void transpose(const float *from, int ld_from, int rows, int cols, float *to, int ld_to) {
    size_t lf = (size_t)ld_from, lt = (size_t)ld_to, R = (size_t)rows, C = (size_t)cols;
    size_t r16 = R & ~(size_t)15, c8 = C & ~(size_t)7;
    for (size_t r = 0; r < r16; r += 16) {
        for (size_t c = 0; c < c8; c += 8)
            transpose_16x8(from + r * lf + c, lf, to + c * lt + r, lt);
    }
    for (size_t c = 0; c < C; c++) {
        for (size_t r = c < c8 ? r16 : 0; r < R; r++) to[c * lt + r] = from[r * lf + c];
    }
}

//------------------------------------------ Products ----------------------------------------------

// Rows [m, m + n_rows) and one vector of columns: an accumulator a row, all in registers.
#define NARROW_ROWS(n_rows)                                                                \
    for (; m + (n_rows) <= M; m += (n_rows)) {                                             \
        column s[n_rows] = {{0}};                                                          \
        for (size_t k = 0; k < depth; k++) {                                               \
            column b = LOAD(column, B + k * stride + j);                                   \
            for (int i = 0; i < (n_rows); i++) s[i] += b * A[(size_t)(m + i) * depth + k]; \
        }                                                                                  \
        for (int i = 0; i < (n_rows); i++)                                                 \
            memcpy(C + (size_t)(m + i) * (size_t)N + j, &s[i], n * sizeof *C);             \
    }

static void product_narrow(const float *A, const float *B, float *C, int M, int N, int K, int ldb) {
    size_t depth = (size_t)K, stride = (size_t)ldb, width = sizeof(column) / sizeof *C;
    for (size_t j = 0; j < (size_t)N; j += width) {
        size_t n = (size_t)N - j < width ? (size_t)N - j : width;
        int m = 0;
        NARROW_ROWS(8)
        NARROW_ROWS(1)
    }
}

// Columns [j, j + n * width) of a single-row product.
#define ROW_COLUMNS(type, n)                                                                \
    for (; j + (n) * (sizeof(type) / 4) <= width; j += (n) * (sizeof(type) / 4)) {          \
        type s[n] = {{0}};                                                                  \
        for (size_t k = 0; k < depth; k++) {                                                \
            const float *w = W + k * width + j;                                             \
            for (size_t i = 0; i < (n); i++)                                                \
                s[i] += LOAD(type, w + i * (sizeof(type) / 4)) * x[k];                      \
        }                                                                                   \
        for (size_t i = 0; i < (n); i++) STORE(type, y + j + i * (sizeof(type) / 4), s[i]); \
    }

static void product_row(const float *x, const float *W, float *y, int K, int ldw) {
    size_t depth = (size_t)K, width = (size_t)ldw, j = 0;
    ROW_COLUMNS(vec, 8)
    ROW_COLUMNS(vec, 4)
    ROW_COLUMNS(column, 1)
}

#include "nn/kernels_norm.h"
// Needs the sums above.
#include "nn/kernels_dist.h"

//------------------------------------------ Peak --------------------------------------------------

#define CHAINS 12  // latency times units in flight, within the 16 registers of AVX2

static float multiply_add(long n) {
    vec a[CHAINS], x, y;
    for (int k = 0; k < UDY__WIDTH; k++) x[k] = 0.999f, y[k] = 1e-4f;
    for (int i = 0; i < CHAINS; i++) a[i] = y * (float)i;
    for (long k = 0; k < n; k++) {
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;
    }
    for (int i = 1; i < CHAINS; i++) a[0] += a[i];
    return a[0][0];
}

//------------------------------------------ The set -----------------------------------------------

const udy__kernels *UDY__KERNELS(void) {
    static const udy__kernels set = {
        .isa = UDY__ISA,
#define ACTIVATION(constant, name, reads_z, value, gradient) [constant] = activate_##name,
        .activate =
            {
#include "nn/activations.def"
            },
#undef ACTIVATION
#define ACTIVATION(constant, name, reads_z, value, gradient) [constant] = derive_##name,
        .derive =
            {
#include "nn/activations.def"
            },
#undef ACTIVATION
#define ACTIVATION(constant, name, reads_z, value, gradient) [constant] = activate_map_##name,
        .activate_map =
            {
#include "nn/activations.def"
            },
#undef ACTIVATION
        .mse = mse,
        .poison = poison,
        .column_sums = column_sums,
        .adam = adam,
        .transpose = transpose,
        .product_narrow = product_narrow,
        .product_row = product_row,
        .column_moments = column_moments,
        .merge_moments = merge_moments,
        .gradient_moments = gradient_moments,
        .scale_columns = scale_columns,
        .affine_columns = affine_columns,
        .combine_columns = combine_columns,
        .combine_zero = combine_zero,
        .layer_norm = layer_norm,
        .layer_norm_gradient = layer_norm_gradient,
        .unit_rows = unit_rows,
        .blend = blend,
        .to_bf16 = to_bf16,
        .gaussian_sample = gaussian_sample,
        .gaussian_gradient = gaussian_gradient,
        .softmax = softmax,
        .categorical_mean = categorical_mean,
        .categorical_project = categorical_project,
        .gaussian_histogram = gaussian_histogram,
        .cross_entropy = cross_entropy,
        .categorical_mean_gradient = categorical_mean_gradient,
        .multiply_add = multiply_add,
        .multiply_add_flop = 2.0 * CHAINS * UDY__WIDTH,
    };
    return &set;
}
