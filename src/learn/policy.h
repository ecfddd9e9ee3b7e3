// policy.h: what the files of policies share: policy.c makes and uses them, policy_gaussian.c
// samples from a head, policy_file.c reads and writes, policy_plain.c is the way to other software.
// bc.c shares the scaling.
#ifndef UNDERSTUDY_SRC_LEARN_POLICY_H_
#define UNDERSTUDY_SRC_LEARN_POLICY_H_

#include "understudy/learn.h"

// From a network's output in [-1, 1] to the action bounds and back. on is false where the output is
// the action already (bounds of exactly [-1, 1], or no tanh): then nothing may touch its bits.
typedef struct udy__scale {
    bool on;
    double mid[UDY_ACT_DIM_MAX], half[UDY_ACT_DIM_MAX];
} udy__scale;
// UDY_EUNSUPPORTED where a tanh has no bounds to be scaled to. what: for messages.
int udy__scale_of(udy__scale *out, udy_activation output, const double *low, const double *high,
                  int A, const char *what, udy_error *err) UDY_MUST_CHECK;
void udy__scale_actions(const udy__scale *scale, float *action, size_t n, int A);    // [n, A]
void udy__unscale_actions(const udy__scale *scale, float *action, size_t n, int A);  // its inverse
uint64_t udy__scale_hash(const udy__scale *scale, uint64_t hash, int A);  // hash itself where off
// Rows x [n, width] kept within low and high [width].
void udy__clip_rows(const double *low, const double *high, float *x, size_t n, int width);

// A Gaussian head, beside the network whose output is the mean. Both come from one forward: joint
// is the network with the head's rows [A, H] below the mean's in its last layer, and no activation
// on that. So it also keeps the head's numbers.
typedef struct udy__head {
    udy_mlp *joint;  // NULL: deterministic
    udy_log_std_bound bound;
    double range[2];
} udy__head;

typedef struct udy__pair {
    char *key, *value;
} udy__pair;

struct udy_policy {
    udy_mlp *mlp;  // NULL: uniformly random
    udy__head head;
    int obs_dim, act_dim;
    bool bounded;  // are low and high known?
    double low[UDY_ACT_DIM_MAX], high[UDY_ACT_DIM_MAX];
    udy__scale scale;
    bool clip;                   // the action is the scaled output, kept within the bounds
    double *obs_low, *obs_high;  // [O]: observations are kept within these. NULL: as they are
    char *name, *task;
    bool contact_obs;
    udy__pair *metadata;  // what the file said besides
    size_t n_metadata;
};

udy_policy *udy__policy_new(const char *name, const char *task);  // NULL: out of memory
int udy__policy_no_memory(udy_error *err);
// How a policy that has its network and bounds scales its output.
int udy__policy_scale(udy_policy *policy, udy_error *err) UDY_MUST_CHECK;
// From the network's output, or a sample in its place, to actions [n, A]: scaled, then clipped.
void udy__policy_finish(const udy_policy *policy, float *actions, size_t n);
// Keep observations within low and high [O], copied. UDY_EINVAL where one is not below the other.
int udy__policy_clip_obs(udy_policy *policy, const double *low, const double *high, udy_error *err)
    UDY_MUST_CHECK;
// The observation as the network takes it, put at the end of scratch [udy_policy_scratch_size].
const float *udy__policy_input(const udy_policy *policy, const double *obs, float *scratch);

extern const char *const udy__log_std_bound_names[];  // metadata's words; NULL-terminated
#define UDY__LOG_STD_MIN (-20.0)                      // where a file says nothing
#define UDY__LOG_STD_MAX 2.0
// Give a policy that has its network a head: weight [A, H], bias [A].
int udy__head_init(udy_policy *policy, const float *weight, const float *bias,
                   udy_log_std_bound bound, const double range[2], udy_error *err) UDY_MUST_CHECK;
// UDY_EINVAL where there is no head.
int udy__head_check(const udy_policy *policy, udy_error *err) UDY_MUST_CHECK;
// A policy's head, in place.
void udy__head_tensors(const udy_policy *policy, const float **weight, const float **bias);

#endif  // UNDERSTUDY_SRC_LEARN_POLICY_H_
