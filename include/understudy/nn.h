// nn.h: networks: multilayer perceptrons forward and backward, losses, Adam. float32.
// The only room that sees oneDNN. Every sum has an order fixed by the shapes alone, so results are
// the same bits at any number of threads on machines with the same vector instructions.
//
// A program that installs signal handlers gives them a stack of their own (sigaltstack, SA_ONSTACK)
// or takes signals in a thread by sigwait: oneDNN's products use the stack register for data, and a
// signal frame pushed meanwhile would land in their workspace. The library's own threads block
// signals; the caller's thread takes part in the work too.
#ifndef UNDERSTUDY_NN_H_
#define UNDERSTUDY_NN_H_

#include "understudy/base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define UDY_MLP_LAYERS_MAX 8
#define UDY_NN_ACTIONS_MAX 64  // of a Gaussian head

// Rows in an activation's table; udy_activation_name gives PyTorch's lower-case names.
typedef enum {
    UDY_IDENTITY,
    UDY_RELU,
    UDY_TANH,
    UDY_SIGMOID,
    UDY_ELU,
    UDY_SILU,
    UDY_GELU,
    UDY_LEAKY_RELU,
    UDY_SOFTPLUS,
    UDY_ACTIVATION_COUNT
} udy_activation;
const char *udy_activation_name(udy_activation a);
int udy_activation_find(const char *name);  // negative: unknown

typedef enum {
    UDY_INIT_PYTORCH,  // nn.Linear's: U(+-1/sqrt(fan_in)) for weight and bias
    UDY_INIT_HE_UNIFORM,
    UDY_INIT_HE_NORMAL,  // He et al. 2015, gain sqrt(2), bias 0
    UDY_INIT_XAVIER_UNIFORM,
    UDY_INIT_XAVIER_NORMAL,  // Glorot & Bengio 2010, gain 1, bias 0
    UDY_INIT_ORTHOGONAL,     // Saxe et al. 2014, gain 1, bias 0
    UDY_INIT_ZERO,
    UDY_INIT_COUNT
} udy_init;
const char *udy_init_name(udy_init init);
int udy_init_find(const char *name);

typedef struct udy_mlp_config {
    int n_layers;                      // linear layers, 1..UDY_MLP_LAYERS_MAX
    int dims[UDY_MLP_LAYERS_MAX + 1];  // input, hidden..., output
    udy_activation hidden, output;
    udy_init init;
} udy_mlp_config;

// A multilayer perceptron: its parameters (one aligned block, PyTorch's layout: weight [out, in],
// bias [out]) and a transposed copy that products and single-row inference read.
typedef struct udy_mlp udy_mlp;

int udy_mlp_create(udy_mlp **out, const udy_mlp_config *config, udy_error *err) UDY_MUST_CHECK;
void udy_mlp_destroy(udy_mlp *mlp);  // NULL is legal
const udy_mlp_config *udy_mlp_config_of(const udy_mlp *mlp);
void udy_mlp_init(udy_mlp *mlp, udy_rng *rng);  // draw the parameters by config.init

// The tensor table: layer l has "net.<2l>.weight" and "net.<2l>.bias" as nn.Sequential names them.
typedef struct udy_param {
    char name[32];
    int rows, cols;  // weight [out, in]; bias [out, 1]
    float *data;     // into the parameter block
} udy_param;
int udy_mlp_param_count(const udy_mlp *mlp);
udy_param udy_mlp_param(const udy_mlp *mlp, int i);
float *udy_mlp_params(udy_mlp *mlp, size_t *n);  // the whole block
void udy_mlp_sync(udy_mlp *mlp);  // after writing parameters by hand: refresh the transposed copy
int udy_mlp_copy(udy_mlp *to, const udy_mlp *from);  // same shape; else UDY_EINVAL

// y [out] = net(x [in]) for one row; the caller's thread only, no allocation. The same bits whatever
// other rows are computed beside it. Reentrant: scratch [udy_mlp_scratch_size floats] is the caller's.
size_t udy_mlp_scratch_size(const udy_mlp *mlp);
void udy_mlp_forward_row(const udy_mlp *mlp, const float *x, float *y, float *scratch);

// Workspace for batches of up to max_batch rows of one shape of network.
typedef struct udy_mlp_workspace udy_mlp_workspace;
int udy_mlp_workspace_create(udy_mlp_workspace **out, const udy_mlp *mlp, int max_batch,
                             udy_error *err) UDY_MUST_CHECK;
void udy_mlp_workspace_destroy(udy_mlp_workspace *ws);

// Y [B, out] = net(X [B, in]), keeping what backward needs in ws. Allocates nothing.
// The returned pointer is ws's, valid until the next forward. B above max_batch: NULL.
const float *udy_mlp_forward(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool,
                             const float *X, int B);
// Gradients of a loss given dY = dL/dY [B, out] (overwritten), after forward of the same X, B.
//   grads  the size and layout of the parameter block, out (not accumulated)
//   dX     [B, in] out. Nullable
void udy_mlp_backward(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool, const float *X,
                      int B, float *dY, float *grads, float *dX);

// Forward for any number of rows (cut into fixed blocks): Y [n, out] from X [n, in].
void udy_mlp_predict(const udy_mlp *mlp, udy_mlp_workspace *ws, udy_pool *pool, const float *X,
                     size_t n, float *Y);

//------------------------------------------ Normalised networks -----------------------------------

// Normalisation of a layer's pre-activations, before its activation.
typedef enum {
    UDY_NORM_NONE,
    UDY_NORM_BATCH,  // Ioffe & Szegedy 2015, arXiv:1502.03167, over the rows of a batch
    UDY_NORM_LAYER,  // Ba, Kiros & Hinton 2016, arXiv:1607.06450, over the units of a row
    UDY_NORM_COUNT
} udy_norm;
extern const char *const udy_norm_names[];  // "none", "batch", "layer", NULL

// A multilayer perceptron whose hidden layers are [linear, normalisation, activation]. With
// normalisation a layer's bias is added after it (beta), next to a scale (gamma), and the linear map
// has none; UDY_NORM_BATCH also normalises the input, without scale and shift.
typedef struct udy_net_config {
    udy_mlp_config mlp;
    udy_norm norm;
    bool unit_weights;  // each unit's incoming weights are kept at norm 1, the output's too
    double eps;         // added to variances; 1e-3
    double momentum;    // share of the running statistics kept by a batch; 0.99
    // Products of all layers but the first and narrow ones (16 units) take bfloat16 factors, with
    // float32 sums; batches must be multiples of 32 rows. UDY_EUNSUPPORTED where the CPU cannot.
    bool bf16;
} udy_net_config;

typedef struct udy_net udy_net;
int udy_net_create(udy_net **out, const udy_net_config *config, udy_error *err) UDY_MUST_CHECK;
void udy_net_destroy(udy_net *net);                  // NULL is legal
void udy_net_init(udy_net *net, udy_rng *rng);       // draw; scales 1, shifts 0, statistics (0, 1)
int udy_net_copy(udy_net *to, const udy_net *from);  // same config; else UDY_EINVAL
const udy_net_config *udy_net_config_of(const udy_net *net);

// The blocks that make a network: weights and biases (the mlp's block), scales gamma of hidden
// layers in turn, running means and variances (input first, where it is normalised).
udy_mlp *udy_net_mlp(
    udy_net *net);  // its weights and biases as a plain network: after writing, sync
float *udy_net_gamma(udy_net *net, size_t *n);  // NULL, 0 without normalisation
float *udy_net_stats(udy_net *net, size_t *n);  // means, then variances; NULL, 0 unless BATCH

// The same function as a plain network, running statistics folded into weights and biases.
// UDY_EUNSUPPORTED with UDY_NORM_LAYER, which no plain network can be.
//   out  a network of net's mlp config, written
int udy_net_fold(const udy_net *net, udy_mlp *out, udy_error *err) UDY_MUST_CHECK;

// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019: decoupled decay).
typedef struct udy_adam_config {
    double learning_rate, beta1, beta2, eps;
    double weight_decay;  // > 0: AdamW, weights and biases alike as torch.optim.AdamW
} udy_adam_config;
udy_adam_config udy_adam_config_default(void);  // 1e-3, 0.9, 0.999, 1e-8, 0

typedef struct udy_adam udy_adam;
int udy_adam_create(udy_adam **out, size_t n_params, const udy_adam_config *config, udy_error *err)
    UDY_MUST_CHECK;
void udy_adam_destroy(udy_adam *adam);
void udy_adam_step(udy_adam *adam, udy_pool *pool, float *params, const float *grads);
void udy_adam_set_learning_rate(udy_adam *adam, double learning_rate);
// State, for checkpoints: first and second moments [n_params], step counter.
float *udy_adam_m(udy_adam *adam);
float *udy_adam_v(udy_adam *adam);
int64_t *udy_adam_t(udy_adam *adam);

// Supervised regression, fused: one step of minibatch MSE with Adam, at the speed of the machine.
//   loss = mean over B rows and `out` columns of (net(x) - y)^2, as torch.nn.functional.mse_loss
typedef struct udy_regression udy_regression;
int udy_regression_create(udy_regression **out, udy_mlp *mlp, udy_adam *adam, int max_batch,
                          udy_pool *pool, udy_error *err) UDY_MUST_CHECK;
void udy_regression_destroy(udy_regression *r);
// A row source: rows `index[0..B)` of a table, which may live in several memory-mapped pieces.
// fill copies row index[i] into x [in] and y [out]; called from any thread. Must not fail.
typedef struct udy_row_source {
    void (*fill)(void *ctx, const uint32_t *index, int n, float *x, float *y);
    void *ctx;
} udy_row_source;
// One update on rows index[0..B). Returns 0, or UDY_ENONFINITE when the loss is NaN or Inf: then
// the parameters and Adam's state are as before the call. loss out: the minibatch's, before the step.
int udy_regression_step(udy_regression *r, const udy_row_source *rows, const uint32_t *index, int B,
                        double *loss) UDY_MUST_CHECK;
// Mean loss over n rows, no update.
int udy_regression_evaluate(udy_regression *r, const udy_row_source *rows, const uint32_t *index,
                            size_t n, double *loss) UDY_MUST_CHECK;
// Necessary floating-point operations of one row's update: 2 * (3 * weights - first layer's).
double udy_mlp_train_flop(const udy_mlp_config *config);

// "AVX-512", "AVX2", "SSE2": the vector instructions in use; oneDNN's version "2.6.3".
const char *udy_nn_isa(void);
const char *udy_nn_version(void);
// Peak of fused multiply-adds by the widest vectors of this CPU on n_threads threads at once, FLOP/s.
double udy_nn_peak_flops(udy_pool *pool, double seconds_s);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_NN_H_
