// Normalised networks from the inside: passes over batches in phases, for training loops that put
// several networks' work into one parallel region (src/learn's soft actor-critic).
//
// A pass is cut into shards of UDY__SHARD_ROWS rows and into phases. Every shard must be through
// with a phase, and udy__pass_merge called, before any shard starts the next. Only batch statistics
// make more than one phase necessary. All is fixed by shapes, so the bits are the same whatever
// threads run the shards.
#ifndef UDY_NN_NET_H_
#define UDY_NN_NET_H_

#include "nn/nn_internal.h"

#define UDY__HIDDEN_MAX (UDY_MLP_LAYERS_MAX - 1)

struct udy_net {
    udy_net_config config;
    udy_mlp *mlp;  // weights; biases, or the shift beta where a layer is normalised
    int n_hidden;
    float *gamma;  // [n_gamma]: scales of hidden layers in turn
    size_t n_gamma, gamma_at[UDY__HIDDEN_MAX];
    // With bf16: weights and their transposed copy, rounded; laid out as the mlp's blocks.
    uint16_t *Wb, *Wtb;
    float *stats;    // [2 n_stats]: running means, then variances
    size_t n_stats;  // input, then hidden layers
};

typedef enum {
    UDY__PASS_FIXED,  // running statistics, constants for gradients
    UDY__PASS_BATCH,  // BatchNorm by the statistics of the pass's rows
} udy__pass_mode;

// The activations of one network on one batch, and what its gradient needs.
typedef struct udy__pass {
    udy_net_config config;
    int n_hidden, max_rows, live_rows, back_rows;
    float *block;
    float *x;  // [rows, in] the normalised input (BATCH only; else the caller's is read)
    float *z[UDY__HIDDEN_MAX], *y[UDY__HIDDEN_MAX];  // pre-activation; normalised, where kept
    float *h[UDY__HIDDEN_MAX], *d[UDY__HIDDEN_MAX];  // value; gradient
    float *out;                                      // [rows, out]
    // With bf16, for the layers that use it: rounded h below and gradient, [rows, width]; products.
    uint16_t *bf16_block, *hb[UDY__HIDDEN_MAX], *db[UDY_MLP_LAYERS_MAX];
    udy__bf16 *up[UDY_MLP_LAYERS_MAX], *down[UDY_MLP_LAYERS_MAX];
    udy__bf16 *tile[UDY_MLP_LAYERS_MAX][2];  // gradient of a whole tile, and of a last, smaller one
    float *inv_rows[UDY__HIDDEN_MAX];        // LAYER: [rows]
    float *partial[UDY__HIDDEN_MAX + 1];     // [shards, 2, width]: 0 is the input's
    float *back[UDY__HIDDEN_MAX];            // [shards, 2, width]: gradient's sums
    // Of the statistics in use: mean, 1 / sqrt(variance + eps), y = z scale + shift; and of the
    // gradient d = a d + b z + c. Index 0 is the input's.
    float *mean[UDY__HIDDEN_MAX + 1], *inv[UDY__HIDDEN_MAX + 1];
    float *scale[UDY__HIDDEN_MAX + 1], *shift[UDY__HIDDEN_MAX + 1];
    float *a[UDY__HIDDEN_MAX], *b[UDY__HIDDEN_MAX], *c[UDY__HIDDEN_MAX];
    float *d_gamma[UDY__HIDDEN_MAX], *d_beta[UDY__HIDDEN_MAX];
    float *weight;  // [shards]
    // The pass under way.
    const udy_net *net;
    udy__pass_mode mode;
    const float *X;
    int B;
    int B_live;            // rows from here on have no gradient of their own at the output
    int out_from, out_to;  // rows whose output is wanted; the others serve the statistics only
    int B_back;  // rows from here on count as constants in the statistics: no backward at all
} udy__pass;

// What differs between a pass that is differentiated and one that is not.
typedef enum {
    UDY__FOR_FORWARD,   // out only
    UDY__FOR_BACKWARD,  // and gradients
} udy__pass_use;

// live_rows, back_rows: what B_live and B_back will be.
int udy__pass_create(udy__pass **out, const udy_net *net, int max_rows, int live_rows,
                     int back_rows, udy__pass_use use, udy_error *err) UDY_MUST_CHECK;
void udy__pass_destroy(udy__pass *pass);  // NULL is legal

// After the weights of a network were written by hand: refresh what is derived from them.
void udy__net_sync(udy_net *net);
// Does layer l take bfloat16 factors?
bool udy__net_is_bf16(const udy_net_config *config, int l);

// Set a pass up for B rows of X [B, in]. With UDY__PASS_FIXED the running statistics are turned into
// scales and shifts here, so this comes after they changed.
void udy__pass_begin(udy__pass *pass, const udy_net *net, udy__pass_mode mode, const float *X,
                     int B);
int udy__pass_phases(const udy__pass *pass);  // of forward
void udy__pass_forward(udy__pass *pass, int phase, int shard);
void udy__pass_merge(udy__pass *pass, int phase);  // after each phase; cheap, one thread
// Move the running statistics towards the batch's; after the last phase.
void udy__pass_update_stats(const udy__pass *pass, udy_net *net);

// Backward of the same rows, given dY [B, out] (overwritten). B_live: rows [B_live, B) of dY are
// zero and not read; a multiple of UDY__SHARD_ROWS, or B.
//   dX  [B, in] out; in mode BATCH with respect to the normalised input. Nullable
int udy__pass_back_phases(const udy__pass *pass);
void udy__pass_backward(udy__pass *pass, int phase, int shard, float *dY, float *dX);
void udy__pass_back_merge(udy__pass *pass, int phase);

// Gradient of a pass in mode FIXED down to its input only: dX [B, in] for one shard, all at once.
//   scratch  [udy__pass_input_scratch]
void udy__pass_input_gradient(const udy__pass *pass, int shard, float *dY, float *dX,
                              float *scratch);
size_t udy__pass_input_scratch(const udy_net *net);

// Adam's block: the mlp's parameters, then gamma.
size_t udy__net_param_count(const udy_net *net);
int udy__net_tile_count(const udy_net *net);
size_t udy__net_tile_scratch(const udy_net *net);
// One tile of weights: gradient over all rows, Adam, unit norm, transposed copy, and the target's
// average (target Nullable, tau: share of the new weights). Tile 0 of a layer also has its gamma.
//   scratch  [udy__net_tile_scratch]
void udy__net_update_tile(udy_net *net, const udy__pass *pass, int tile, const float *dY,
                          udy_adam *adam, const udy__adam_coefficients *coefficients,
                          udy_net *target, float tau, float *scratch);
// The whole gradient, by the same tiles: grads [udy__net_param_count]. For checks.
void udy__net_gradient(const udy_net *net, const udy__pass *pass, const float *dY, float *grads);

#endif  // UDY_NN_NET_H_
