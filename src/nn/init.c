// Initial parameters, by name. A row of the table: a name, and how a layer's weight and bias are
// drawn. Draws go through the parameters in the tensor table's order.
#include <math.h>
#include <string.h>

#include "nn/nn_internal.h"

// Weight W [out, in] and bias b [out], which holds zeros.
typedef void (*draw_fn)(float *W, float *b, int out, int in, udy_rng *rng);

static void fill_uniform(float *p, size_t n, double bound, udy_rng *rng) {
    for (size_t i = 0; i < n; i++) p[i] = (float)udy_rng_uniform(rng, -bound, bound);
}

static void fill_normal(float *p, size_t n, double std, udy_rng *rng) {
    for (size_t i = 0; i < n; i++) p[i] = (float)(std * udy_rng_normal(rng));
}

static size_t size_of(int out, int in) {
    return (size_t)out * (size_t)in;
}

// kaiming_uniform(a = sqrt(5)), which is U(+-1 / sqrt(fan_in)), for both.
static void draw_pytorch(float *W, float *b, int out, int in, udy_rng *rng) {
    double bound = 1.0 / sqrt(in);
    fill_uniform(W, size_of(out, in), bound, rng);
    fill_uniform(b, (size_t)out, bound, rng);
}

static void draw_he_uniform(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b;
    fill_uniform(W, size_of(out, in), sqrt(6.0 / in), rng);
}

static void draw_he_normal(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b;
    fill_normal(W, size_of(out, in), sqrt(2.0 / in), rng);
}

static void draw_xavier_uniform(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b;
    fill_uniform(W, size_of(out, in), sqrt(6.0 / ((double)in + out)), rng);
}

static void draw_xavier_normal(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b;
    fill_normal(W, size_of(out, in), sqrt(2.0 / ((double)in + out)), rng);
}

// Vector i of n, each of `length` numbers `stride` apart.
typedef struct vectors {
    float *data;
    size_t n, length, next, stride;
} vectors;

static double dot(const vectors *v, size_t i, size_t j) {
    const float *a = v->data + i * v->next, *b = v->data + j * v->next;
    double sum = 0;
    for (size_t k = 0; k < v->length; k++) sum += (double)a[k * v->stride] * b[k * v->stride];
    return sum;
}

// The shorter dimension's vectors made orthonormal by Gram-Schmidt, twice over for float32; as QR
// with a positive diagonal, the distribution is uniform over orthogonal matrices.
static void draw_orthogonal(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b;
    size_t n_out = (size_t)out, n_in = (size_t)in;
    fill_normal(W, size_of(out, in), 1.0, rng);
    vectors v =
        n_out <= n_in ? (vectors){W, n_out, n_in, n_in, 1} : (vectors){W, n_in, n_out, 1, n_in};
    for (size_t i = 0; i < v.n; i++) {
        float *a = v.data + i * v.next;
        for (int pass = 0; pass < 2; pass++) {
            for (size_t j = 0; j < i; j++) {
                const float *q = v.data + j * v.next;
                double along = dot(&v, i, j);
                for (size_t k = 0; k < v.length; k++)
                    a[k * v.stride] = (float)(a[k * v.stride] - along * q[k * v.stride]);
            }
            double norm = sqrt(dot(&v, i, i));
            for (size_t k = 0; k < v.length; k++) a[k * v.stride] = (float)(a[k * v.stride] / norm);
        }
    }
}

static void draw_zero(float *W, float *b, int out, int in, udy_rng *rng) {
    (void)b, (void)rng;
    memset(W, 0, size_of(out, in) * sizeof *W);
}

static const struct {
    const char *name;
    draw_fn draw;
} inits[UDY_INIT_COUNT] = {
    [UDY_INIT_PYTORCH] = {"pytorch", draw_pytorch},
    [UDY_INIT_HE_UNIFORM] = {"he_uniform", draw_he_uniform},
    [UDY_INIT_HE_NORMAL] = {"he_normal", draw_he_normal},
    [UDY_INIT_XAVIER_UNIFORM] = {"xavier_uniform", draw_xavier_uniform},
    [UDY_INIT_XAVIER_NORMAL] = {"xavier_normal", draw_xavier_normal},
    [UDY_INIT_ORTHOGONAL] = {"orthogonal", draw_orthogonal},
    [UDY_INIT_ZERO] = {"zero", draw_zero},
};

const char *udy_init_name(udy_init init) {
    return (unsigned)init < UDY_INIT_COUNT ? inits[init].name : "unknown";
}

int udy_init_find(const char *name) {
    for (int i = 0; i < UDY_INIT_COUNT; i++) {
        if (name && strcmp(name, inits[i].name) == 0) return i;
    }
    return UDY_ENOENT;
}

void udy_mlp_init(udy_mlp *mlp, udy_rng *rng) {
    for (int l = 0; l < mlp->config.n_layers; l++) {
        int in = mlp->config.dims[l], out = mlp->config.dims[l + 1];
        float *b = mlp->params + mlp->bias_at[l];
        memset(b, 0, (size_t)out * sizeof *b);
        inits[mlp->config.init].draw(mlp->params + mlp->weight_at[l], b, out, in, rng);
    }
    udy_mlp_sync(mlp);
}
