// export.h: what the writers of policies share (onnx.c, npz.c, c_source*.c): the activations that they
// can write, a policy's facts as metadata, and the action as it ought to come out.
#ifndef UNDERSTUDY_IO_EXPORT_H_
#define UNDERSTUDY_IO_EXPORT_H_

#include "understudy/io.h"

//------------------------------------------ Activations -------------------------------------------

// One node of ONNX. Operands: 0 is the activation's input z, k > 0 the k-th step's result, k < 0 the
// activation's constant number -k - 1.
typedef struct udy__onnx_step {
    const char *op;  // NULL ends them
    int n_in, in[2];
    float alpha;  // an attribute of that name; 0: none
} udy__onnx_step;

#define UDY__ONNX_STEPS_MAX 5
#define UDY__ONNX_CONSTANTS_MAX 3

// An activation as each format says it. To add one that nn has: a row in export.c.
typedef struct udy__activation {
    const char *name;
    double (*value)(double z);
    const char *c;  // a float expression of the float z; NULL: nothing to be done
    bool c_math;    // it calls <math.h>
    float constant[UDY__ONNX_CONSTANTS_MAX];
    udy__onnx_step step[UDY__ONNX_STEPS_MAX + 1];
} udy__activation;

const udy__activation *udy__activation_of(const char *name);  // NULL: unknown

//------------------------------------------ Actions -----------------------------------------------

// What becomes of the last layer's output. From a checked policy.
typedef struct udy__ending {
    bool scale;  // action = mid + half * output
    bool clip;   // then into [low, high]
    float mid[UDY_PLAIN_ACTIONS_MAX], half[UDY_PLAIN_ACTIONS_MAX];
    float low[UDY_PLAIN_ACTIONS_MAX], high[UDY_PLAIN_ACTIONS_MAX];  // infinite: no bound
} udy__ending;
void udy__ending_of(udy__ending *out, const udy_plain_policy *policy);

// Observations [O] as the first layer sees them, in float32. They may be one array.
void udy__plain_see(const udy_plain_policy *policy, const float *obs, float *seen);
int udy__plain_widest(const udy_plain_policy *policy);  // of all layers' inputs and outputs
// The action [A] for obs [O], in float64 throughout. scratch [2 * udy__plain_widest], the caller's.
void udy__plain_act(const udy_plain_policy *policy, const float *obs, double *action,
                    double *scratch);

//------------------------------------------ Facts -------------------------------------------------

#define UDY__FACT_MAX (UDY_PLAIN_ACTIONS_MAX * 32)

// A policy's facts in the words of a policy file's metadata, then extra's that these lack.
typedef struct udy__facts {
    char obs_dim[16], act_dim[16], low[UDY__FACT_MAX], high[UDY__FACT_MAX];
    char log_std_min[32], log_std_max[32];
    char *obs_low, *obs_high;  // in the block, after the pairs
    size_t n;
    udy_text_pair pairs[];
} udy__facts;
// with_head: those of a head for log-std too. Free with udy_free.
int udy__facts_of(udy__facts **out, const udy_plain_policy *policy, bool with_head,
                  const udy_text_pair *extra, size_t n_extra, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_EXPORT_H_
