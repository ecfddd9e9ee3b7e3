// Normalisation and what keeps weights in shape, row by row and column by column. Included by
// kernels_impl.h, once for each set of vector instructions.
#ifndef UDY_NN_KERNELS_NORM_H_
#define UDY_NN_KERNELS_NORM_H_

// Loops over columns in whole vectors, then one by one: BODY sees j and reads through L, writes
// through S.
#define COLUMNS(n, BODY)                                         \
    do {                                                         \
        size_t j = 0, n_ = (size_t)(n);                          \
        for (; j + UDY__WIDTH <= n_; j += UDY__WIDTH) BODY(vec); \
        for (; j < n_; j++) BODY(float);                         \
    } while (0)

// Groups of columns for sums over rows: 4 vectors side by side while there are as many, so that one
// sum need not wait for the other; then one, then single columns. BODY sees j, K vectors and their
// type.
#define GROUPS(n, BODY)                                                     \
    do {                                                                    \
        size_t j = 0, n_ = (size_t)(n);                                     \
        for (; j + 4 * UDY__WIDTH <= n_; j += 4 * UDY__WIDTH) BODY(vec, 4); \
        for (; j + UDY__WIDTH <= n_; j += UDY__WIDTH) BODY(vec, 1);         \
        for (; j < n_; j++) BODY(float, 1);                                 \
    } while (0)
#define OF(type, p, k) LOAD(type, (p) + j + (k) * (sizeof(type) / 4))
#define TO(type, p, k, x) STORE(type, (p) + j + (k) * (sizeof(type) / 4), x)

// Mean and sum of squared deviations of each column: two passes over rows that are in the cache.
static void column_moments(const float *z, int rows, int n, float *mean, float *m2) {
    const size_t N = (size_t)n, end = (size_t)rows * N;
    const float share = 1.0f / (float)rows;
#define BODY(type, K)                                                      \
    {                                                                      \
        type sum[K], squares[K];                                           \
        for (size_t k = 0; k < (K); k++) sum[k] = squares[k] = (type){0};  \
        for (size_t r = 0; r < end; r += N) {                              \
            for (size_t k = 0; k < (K); k++) sum[k] += OF(type, z + r, k); \
        }                                                                  \
        for (size_t k = 0; k < (K); k++) sum[k] *= share;                  \
        for (size_t r = 0; r < end; r += N) {                              \
            for (size_t k = 0; k < (K); k++) {                             \
                type d = OF(type, z + r, k) - sum[k];                      \
                squares[k] += d * d;                                       \
            }                                                              \
        }                                                                  \
        for (size_t k = 0; k < (K); k++) TO(type, mean, k, sum[k]);        \
        for (size_t k = 0; k < (K); k++) TO(type, m2, k, squares[k]);      \
    }
    GROUPS(n, BODY);
#undef BODY
}

// Moments of all rows from those of shards (Chan, Golub & LeVeque 1983): the shards' [mean, m2] pairs
// lie one after another, each of n + n numbers; counts in weight (share of the rows).
static void merge_moments(const float *partial, const float *weight, int shards, int rows, int n,
                          float *mean, float *variance) {
    const size_t N = (size_t)n, S = (size_t)shards;
    const float share = 1.0f / (float)rows;
#define BODY(type)                                                \
    {                                                             \
        type m = {0}, v = {0}, between = {0};                     \
        for (size_t s = 0; s < S; s++) {                          \
            m += LOAD(type, partial + 2 * s * N + j) * weight[s]; \
            v += LOAD(type, partial + (2 * s + 1) * N + j);       \
        }                                                         \
        for (size_t s = 0; s < S; s++) {                          \
            type d = LOAD(type, partial + 2 * s * N + j) - m;     \
            between += d * d * weight[s];                         \
        }                                                         \
        STORE(type, mean + j, m);                                 \
        STORE(type, variance + j, v * share + between);           \
    }
    COLUMNS(n, BODY);
#undef BODY
}

// Column sums of d and of d (z - mean): what a normalisation's gradient needs to know of all rows.
static void gradient_moments(const float *d, const float *z, const float *mean, int rows, int n,
                             float *sum, float *product) {
    const size_t N = (size_t)n, end = (size_t)rows * N;
#define BODY(type, K)                                                \
    {                                                                \
        type s[K], p[K], m[K];                                       \
        for (size_t k = 0; k < (K); k++) s[k] = p[k] = (type){0};    \
        for (size_t k = 0; k < (K); k++) m[k] = OF(type, mean, k);   \
        for (size_t r = 0; r < end; r += N) {                        \
            for (size_t k = 0; k < (K); k++) {                       \
                type x = OF(type, d + r, k);                         \
                s[k] += x;                                           \
                p[k] += x * (OF(type, z + r, k) - m[k]);             \
            }                                                        \
        }                                                            \
        for (size_t k = 0; k < (K); k++) TO(type, sum, k, s[k]);     \
        for (size_t k = 0; k < (K); k++) TO(type, product, k, p[k]); \
    }
    GROUPS(n, BODY);
#undef BODY
}

// out [rows, n] = z scale.
static void scale_columns(const float *z, const float *scale, int rows, int n, float *out) {
    for (int r = 0; r < rows; r++, z += n, out += n) {
        for (int j = 0; j < n; j++) out[j] = z[j] * scale[j];
    }
}

// out [rows, n] = z scale + shift, both of leading dimensions of their own.
static void affine_columns(const float *z, int ldz, const float *scale, const float *shift,
                           int rows, int n, float *out) {
    for (int r = 0; r < rows; r++, z += ldz, out += n) {
        for (int j = 0; j < n; j++) out[j] = z[j] * scale[j] + shift[j];
    }
}

// d [rows, n] = a d + b z + c, coefficients a column each: BatchNorm's gradient in one pass.
static void combine_columns(float *restrict d, const float *restrict z, const float *restrict a,
                            const float *restrict b, const float *restrict c, int rows, int n) {
    for (int r = 0; r < rows; r++, d += n, z += n) {
        for (int j = 0; j < n; j++) d[j] = a[j] * d[j] + b[j] * z[j] + c[j];
    }
}

// The same where d is zero before.
static void combine_zero(float *restrict d, const float *restrict z, const float *restrict b,
                         const float *restrict c, int rows, int n) {
    for (int r = 0; r < rows; r++, d += n, z += n) {
        for (int j = 0; j < n; j++) d[j] = b[j] * z[j] + c[j];
    }
}

UDY__INLINE float sum_of(const float *x, size_t n) {
    vec lanes = {0};
    size_t j = 0;
    for (; j + UDY__WIDTH <= n; j += UDY__WIDTH) lanes += LOAD(vec, x + j);
    float sum = 0;
    for (; j < n; j++) sum += x[j];
    for (size_t k = 0; k < UDY__WIDTH; k++) sum += lanes[k];
    return sum;
}

UDY__INLINE float dot_of(const float *x, const float *y, size_t n) {
    vec lanes = {0};
    size_t j = 0;
    for (; j + UDY__WIDTH <= n; j += UDY__WIDTH) lanes += LOAD(vec, x + j) * LOAD(vec, y + j);
    float sum = 0;
    for (; j < n; j++) sum += x[j] * y[j];
    for (size_t k = 0; k < UDY__WIDTH; k++) sum += lanes[k];
    return sum;
}

// z [rows, n] becomes (z - mean) / sqrt(variance + eps) of its row; inv [rows] the factor.
static void layer_norm(float *z, int rows, int n, float eps, float *inv) {
    const size_t N = (size_t)n;
    for (size_t r = 0; r < (size_t)rows; r++, z += N) {
        float mean = sum_of(z, N) / (float)n;
        for (size_t j = 0; j < N; j++) z[j] -= mean;
        inv[r] = 1.0f / sqrtf(dot_of(z, z, N) / (float)n + eps);
        for (size_t j = 0; j < N; j++) z[j] *= inv[r];
    }
}

// d [rows, n] = dL/dz from dL/dy for y = gamma xhat + beta.
static void layer_norm_gradient(float *d, const float *xhat, const float *gamma, const float *inv,
                                int rows, int n) {
    const size_t N = (size_t)n;
    for (size_t r = 0; r < (size_t)rows; r++, d += N, xhat += N) {
        for (size_t j = 0; j < N; j++) d[j] *= gamma[j];
        float mean = sum_of(d, N) / (float)n, along = dot_of(d, xhat, N) / (float)n;
        for (size_t j = 0; j < N; j++) d[j] = inv[r] * (d[j] - mean - xhat[j] * along);
    }
}

// Each row of W [rows, n] to Euclidean norm 1; a row of zeros stays.
static void unit_rows(float *W, int ld, int rows, int n) {
    for (int r = 0; r < rows; r++, W += ld) {
        float square = dot_of(W, W, (size_t)n);
        float factor = square > 0.0f ? 1.0f / sqrtf(square) : 1.0f;
        for (int j = 0; j < n; j++) W[j] *= factor;
    }
}

// to [rows, n] += share (from - to).
static void blend(float *restrict to, const float *restrict from, int ld, int rows, int n,
                  float share) {
    for (int r = 0; r < rows; r++, to += ld, from += ld) {
        for (int j = 0; j < n; j++) to[j] += share * (from[j] - to[j]);
    }
}

#undef COLUMNS
#undef GROUPS
#undef OF
#undef TO
#endif  // UDY_NN_KERNELS_NORM_H_
