// What the files of src/nn share: the shapes of a network, its workspace, and the two halves of a
// training step from which everything public is built:
//
//   shards  fixed blocks of rows: forward, loss, backward to the first layer, hot in the caches
//   tiles   fixed blocks of a layer's weights: gradient over the whole batch, bias gradient, Adam
//
// Neither depends on the number of threads, and no gradient is summed over shards: the reduction
// over rows is one product's inner dimension. So the bits are the same whatever runs the tasks.
#ifndef UDY_NN_INTERNAL_H_
#define UDY_NN_INTERNAL_H_

#include "nn/kernels.h"

#define UDY__SHARD_ROWS 32  // rows of a shard: activations of 256 units stay in the L2 cache
// Outputs and inputs of a tile, at most. Tiles are as wide as the layer where they can be: what one
// thread writes is then contiguous, and prefetching does not tug at a neighbour's cache lines.
#define UDY__TILE_ROWS 64
#define UDY__TILE_COLS 512

struct udy_mlp {
    udy_mlp_config config;
    size_t n_params, n_transposed;
    float *params;      // weight 0, bias 0, weight 1, ...: contiguous
    float *transposed;  // per layer [in, ldt]
    size_t weight_at[UDY_MLP_LAYERS_MAX], bias_at[UDY_MLP_LAYERS_MAX];
    size_t transposed_at[UDY_MLP_LAYERS_MAX];
    int ldt[UDY_MLP_LAYERS_MAX];  // outputs rounded up to 8 (narrow: 8 or 16), zero-padded
};

// Layer l of an mlp, as the tasks read it.
typedef struct udy__layer {
    int in, out, ldt;
    udy_activation activation;
    const float *W, *b, *Wt;  // [out, in], [out], [in, ldt]
} udy__layer;

udy__layer udy__mlp_layer(const udy_mlp *mlp, int l);
bool udy__activation_reads_z(udy_activation a);

// Weights [row, row + n_rows) x [col, col + n_cols) of a layer; col 0 also has the rows' biases.
typedef struct udy__tile {
    int layer, row, n_rows, col, n_cols;
} udy__tile;

struct udy_mlp_workspace {
    udy_mlp_config config;
    int capacity;  // rows: max_batch rounded up to whole shards
    int max_batch;
    float *block;
    float *h[UDY_MLP_LAYERS_MAX];   // [capacity, out] values
    float *z[UDY_MLP_LAYERS_MAX];   // [capacity, out] pre-activations; NULL where not read
    float *dz[UDY_MLP_LAYERS_MAX];  // [capacity, out] dL/dz; the last layer's is the caller's dY
    float *scratch;                 // [shards, udy__backward_scratch]
    udy__tile *tiles;
    int n_tiles;
};

size_t udy__size_max(size_t a, size_t b);
int udy__shard_count(int B);
int udy__shard_size(int B, int shard);

// Forward of rows [row, row + n): X is the first of these rows.
void udy__shard_forward(const udy_mlp *mlp, udy_mlp_workspace *ws, const float *X, int row, int n);
// Backward of the same rows: dY and dX (nullable) are the first of these rows.
//   scratch  [udy__backward_scratch(mlp)]
void udy__shard_backward(const udy_mlp *mlp, udy_mlp_workspace *ws, int row, int n, float *dY,
                         float *dX, float *scratch);
size_t udy__backward_scratch(const udy_mlp *mlp);
// dW [n_rows, n_cols] (leading dimension ld) and, where col is 0, db [n_rows] over B rows.
void udy__tile_gradient(const udy_mlp *mlp, const udy_mlp_workspace *ws, const udy__tile *tile,
                        const float *X, const float *dY, int B, float *dW, int ld, float *db);

// Adam's state; t is incremented by udy__adam_begin, which returns the step's coefficients.
struct udy_adam {
    udy_adam_config config;
    size_t n_params;
    float *m, *v;
    int64_t t;
};
udy__adam_coefficients udy__adam_begin(udy_adam *adam);

// Row-major products through oneDNN on this thread alone (product.c is all that knows oneDNN).
//   nn: C [M, N] = A [M, K] B [K, N]        tn: C [M, N] = A^T B for A [K, M], B [K, N]
void udy__product_nn(int M, int N, int K, const float *A, int lda, const float *B, int ldb,
                     float *C, int ldc);
void udy__product_tn(int M, int N, int K, const float *A, int lda, const float *B, int ldb,
                     float *C, int ldc);

// A product of one shape with bfloat16 factors (product_bf16.c): C [M, N] f32 = A B, or A^T B for
// A [K, M] where transpose_a. Any thread may run it, several at once.
typedef struct udy__bf16 udy__bf16;
typedef struct udy__bf16_shape {
    bool transpose_a;
    int M, N, K, lda, ldb, ldc;
} udy__bf16_shape;
bool udy__bf16_supported(void);
int udy__bf16_create(udy__bf16 **out, const udy__bf16_shape *shape, udy_error *err) UDY_MUST_CHECK;
void udy__bf16_destroy(udy__bf16 *product);  // NULL is legal
void udy__bf16_run(udy__bf16 *product, const uint16_t *A, const uint16_t *B, float *C);

// Numbers below 1e-38 (moments of dead units decay there) cost a hundred cycles each on some
// CPUs: every task of this room flushes them to zero, and puts the thread's mode back at its end.
unsigned udy__flush_begin(void);
void udy__flush_end(unsigned saved);

#endif  // UDY_NN_INTERNAL_H_
