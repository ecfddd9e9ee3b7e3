// sb3.h: what the readers of Stable-Baselines3's models share: sb3.c puts the policy together from
// tensors, sb3_data.c reads what the model says of itself, sb3_normalize.c folds normalisation in.
#ifndef UNDERSTUDY_IO_SB3_H_
#define UNDERSTUDY_IO_SB3_H_

#include "understudy/io.h"

// Which network a policy class has.
typedef enum {
    UDY__SB3_ACTOR_CRITIC,  // mlp_extractor, action_net
    UDY__SB3_SAC,           // actor.latent_pi, actor.mu, actor.log_std
    UDY__SB3_TD3,           // actor.mu
} udy__sb3_kind;

// The JSON entry `data`, as far as the policy depends on it.
typedef struct udy__sb3_data {
    udy__sb3_kind kind;
    char algorithm[16];
    char activation[16];  // PyTorch's lower-case name
    bool gsde;
    bool squashed;     // the output goes through tanh
    double clip_mean;  // SAC with gSDE: the mean is clipped to it; 0: it is not
    int obs_dim, act_dim;
    double low[UDY_PLAIN_ACTIONS_MAX], high[UDY_PLAIN_ACTIONS_MAX];
    bool saw_normalized;
} udy__sb3_data;

// name: of the model's file, for messages.
int udy__sb3_data_read(udy__sb3_data *out, const udy_json *root, const char *name, udy_error *err)
    UDY_MUST_CHECK;

// VecNormalize's statistics into the first layer (and a head on the observation), in double: its
// weight [out, in] and bias are written. What it clips observations to, in their own units, goes to
// low and high [in]; clips: does it? Facts say what was done.
typedef struct udy__sb3_layer {
    int in, out;
    float *weight, *bias;
} udy__sb3_layer;
int udy__sb3_normalize(const udy__sb3_layer *layers, int n_layers, double *low, double *high,
                       bool *clips, udy_sb3_facts *facts, const char *path, udy_error *err)
    UDY_MUST_CHECK;

// A Box of one dimension of a pickle's root or member; what: "observation space". Its bounds go to
// low and high [max] where they are wanted (NULL: not).
struct udy__pickle_value;
int udy__sb3_box(const struct udy__pickle_value *space, int *n, double *low, double *high, int max,
                 const char *name, const char *what, udy_error *err) UDY_MUST_CHECK;

// Names that spaces of Gymnasium and Gym take in a pickle, their random generators among them.
#define UDY__SB3_SPACES                                                                       \
    "gymnasium.spaces.*", "gym.spaces.*", "gym.utils.seeding *", "gymnasium.utils.seeding *", \
        "numpy.random *", "numpy.random.*", "collections OrderedDict"

#endif  // UNDERSTUDY_IO_SB3_H_
