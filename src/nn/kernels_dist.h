// Distributions: the tanh-Gaussian of a policy, the categorical of a value. Included by
// kernels_impl.h, once for each set of vector instructions.
#ifndef UDY_NN_KERNELS_DIST_H_
#define UDY_NN_KERNELS_DIST_H_

//------------------------------------------ tanh-Gaussian -----------------------------------------

// log(1 - tanh(u)^2) without cancellation: 2 (log 2 - u - softplus(-2u)).
UDY__INLINE float log_tanh_slope(float u) {
    return 2.0f * (0.693147181f - u - udy__softplus(-2.0f * u));
}

UDY__INLINE float bounded_log_std(float raw, const udy__gaussian *g) {
    float clamped = udy__clamp(raw, g->low, g->high);
    float squashed = g->low + 0.5f * (g->high - g->low) * (udy__tanh(raw) + 1.0f);
    return g->squash ? squashed : clamped;
}

UDY__INLINE float log_std_slope(float raw, const udy__gaussian *g) {
    float t = udy__tanh(raw);
    float squashed = 0.5f * (g->high - g->low) * (1.0f - t * t);
    float clamped = raw < g->low || raw > g->high ? 0.0f : 1.0f;
    return g->squash ? squashed : clamped;
}

static void gaussian_sample(const udy__gaussian *g, const float *head, const float *eps, int rows,
                            float *action, int ld, float *log_prob) {
    const int A = g->n;
    float term[UDY__GAUSSIAN_MAX];
    for (int r = 0; r < rows; r++, head += 2 * A, eps += A, action += ld) {
        for (int k = 0; k < A; k++) {
            float log_std = bounded_log_std(head[A + k], g);
            float u = head[k] + udy__exp(log_std) * eps[k];
            action[k] = udy__tanh(u);
            term[k] = -0.5f * eps[k] * eps[k] - log_std - 0.918938533f - log_tanh_slope(u);
        }
        float sum = 0;
        for (int k = 0; k < A; k++) sum += term[k];
        log_prob[r] = sum;
    }
}

static void gaussian_gradient(const udy__gaussian *g, const float *head, const float *eps,
                              const float *dq, int ld, float alpha, float scale, int rows,
                              float *d) {
    const int A = g->n;
    for (int r = 0; r < rows; r++, head += 2 * A, eps += A, dq += ld, d += 2 * A) {
        for (int k = 0; k < A; k++) {
            float noise = udy__exp(bounded_log_std(head[A + k], g)) * eps[k];
            float a = udy__tanh(head[k] + noise);
            // d/du of alpha log pi - Q: the squashing's term of log pi is -log(1 - tanh(u)^2).
            float du = alpha * 2.0f * a - dq[k] * (1.0f - a * a);
            d[k] = scale * du;
            d[A + k] = scale * (du * noise - alpha) * log_std_slope(head[A + k], g);
        }
    }
}

//------------------------------------------ Categorical value -------------------------------------

// p [n] = softmax(logits), max first; returns log of the sum of exponentials.
static float softmax(const float *logits, int n, float *p) {
    const size_t N = (size_t)n;
    float lanes[UDY__WIDTH], top = logits[0];
    for (size_t k = 0; k < UDY__WIDTH; k++) lanes[k] = top;
    size_t j = 0;
    for (; j + UDY__WIDTH <= N; j += UDY__WIDTH) {
        for (size_t k = 0; k < UDY__WIDTH; k++)
            lanes[k] = logits[j + k] > lanes[k] ? logits[j + k] : lanes[k];
    }
    for (; j < N; j++) top = logits[j] > top ? logits[j] : top;
    for (size_t k = 0; k < UDY__WIDTH; k++) top = lanes[k] > top ? lanes[k] : top;
    for (j = 0; j < N; j++) p[j] = udy__exp(logits[j] - top);
    float sum = sum_of(p, N), inv = 1.0f / sum;
    for (j = 0; j < N; j++) p[j] *= inv;
    return top + logf(sum);
}

static float categorical_mean(const float *p, const float *atoms, int n) {
    return dot_of(p, atoms, (size_t)n);
}

// Atom i of the projection collects max(0, 1 - |T z_j - z_i| / spacing) p_j, T z clamped to the
// support (Bellemare et al. 2017, eq. 7).
static void categorical_project(const float *p, const float *atoms, int n, float shift, float scale,
                                float *m) {
    const float low = atoms[0], high = atoms[n - 1];
    const float per_atom = (float)(n - 1) / (high - low);
    memset(m, 0, (size_t)n * sizeof *m);
    for (int j = 0; j < n; j++) {
        float at = (udy__clamp(shift + scale * atoms[j], low, high) - low) * per_atom;
        int below = at > 0.0f ? (int)at : 0;  // a NaN goes to 0
        below = below > n - 2 ? n - 2 : below;
        float above = at - (float)below;
        m[below] += p[j] * (1.0f - above);
        m[below + 1] += p[j] * above;
    }
}

// The Gaussian (y, sigma) as a histogram over the atoms' cells, its mass within the support made 1
// (HL-Gauss: Imani & White 2018; Farebrother et al. 2024, arXiv:2403.03950, eq. 3.3).
static void gaussian_histogram(float y, float sigma, const float *atoms, int n, float *m) {
    const size_t N = (size_t)n;
    const float half = 0.5f * (atoms[1] - atoms[0]), inv = 0.707106781f / sigma;
    float below = udy__clamp(y, atoms[0], atoms[n - 1]);
    y = y != y ? y : below;
    for (size_t j = 0; j < N; j++)
        m[j] = udy__erf((atoms[j] + half - y) * inv) - udy__erf((atoms[j] - half - y) * inv);
    float factor = 1.0f / sum_of(m, N);
    for (size_t j = 0; j < N; j++) m[j] *= factor;
}

static float cross_entropy(const float *logits, const float *m, int n, float scale, float *d) {
    float log_sum = softmax(logits, n, d);
    for (int j = 0; j < n; j++) d[j] = scale * (d[j] - m[j]);
    return log_sum * sum_of(m, (size_t)n) - dot_of(m, logits, (size_t)n);
}

static float categorical_mean_gradient(const float *logits, const float *atoms, int n, float *d) {
    softmax(logits, n, d);
    float mean = dot_of(d, atoms, (size_t)n);
    for (int j = 0; j < n; j++) d[j] *= atoms[j] - mean;
    return mean;
}

#endif  // UDY_NN_KERNELS_DIST_H_
