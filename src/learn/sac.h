// Soft actor-critic from the inside: what sac.c (experience), sac_update.c (learning) and
// sac_checkpoint.c (state on disk) share.
#ifndef UDY_LEARN_SAC_H_
#define UDY_LEARN_SAC_H_

#include "learn/replay.h"
#include "nn/net.h"

enum { UDY__SAC_RECENT = 20 };  // episodes that the status speaks of

// The spread of the discounted return, running: G <- gamma G + r per simulation. Rewards are divided
// by max(standard deviation of G, largest |G| / return_max) (SimbaV2, Lee et al. 2025,
// arXiv:2502.15280, section 4.3).
typedef struct udy__return_spread {
    double count, mean, m2;  // Welford's
    double largest;
} udy__return_spread;

// Everything that a checkpoint holds besides networks, replay and simulations, as plain numbers.
typedef struct udy__sac_numbers {
    int64_t steps, updates, episodes, actor_updates;
    double update_credit;  // updates that steps have earned and not yet had
    double log_alpha, log_alpha_m, log_alpha_v;
    udy__return_spread spread;
    double recent_return[UDY__SAC_RECENT], recent_length[UDY__SAC_RECENT];
    int64_t recent_end[UDY__SAC_RECENT];
} udy__sac_numbers;

// Sums since the last status.
typedef struct udy__sac_sums {
    double critic_loss, q, actor_loss, log_prob;
    int64_t n_critic, n_actor;
} udy__sac_sums;

struct udy_sac {
    udy_sac_config config;
    const udy_task *task;
    udy_batch *batch;
    udy_pool *pool;
    uint64_t seed;
    int O, A, N, B;
    int K;             // columns of a critic's output: bins, or 1
    int target_value;  // a udy_value: of this update's targets
    bool joint;        // critics see (s, a) and (s', a') in one batch
    udy__gaussian head;
    int64_t own_updates;  // in all, after those of the training that it goes on from
    udy__sac_numbers numbers;
    char moved[200];  // see udy_sac_moved
    udy__sac_sums sums;

    udy_net *actor, *critic[2], *target[2];
    udy_net *average;  // of the actor's weights: what is deployed. NULL: the actor itself
    udy_adam *actor_adam, *critic_adam[2];
    udy_mlp *acting;  // the actor, folded: what simulations are driven by
    udy__replay *replay;
    udy_rng act_rng, draw_rng, noise_rng;

    // Simulations: [N, O], [N, A], [N]
    double *obs, *final_obs, *action;
    float *obs32, *next32, *final32, *action32, *act_scratch;
    udy_step *steps;
    udy__transition *transitions;
    double *ret, *length, *running;  // [N] of the episodes under way; running: discounted

    // An update.
    udy__pass *next_actor, *online[2], *targets[2], *actor_pass, *judged[2];
    uint32_t *index;                              // [B]
    float *X;                                     // [2B, O + A]: (s, a), then (s', a')
    float *S, *S2;                                // [B, O]
    float *XP;                                    // [B, O + A]: (s, pi(s))
    float *reward;                                // [B] unscaled, summed over n steps
    float *discount;                              // [B]
    float *next_noise;                            // [B, A]
    float *noise;                                 // [B, A]
    float *next_log_prob, *log_prob;              // [B]
    float *atoms;                                 // [K]
    float sigma;                                  // of a histogram's Gaussian
    float *y;                                     // [B, K]: the target distribution, or value
    float *dY[2];                                 // [2B, K]
    float *dX[2];                                 // [B, O + A]
    float *d_head;                                // [B, 2A]
    double *losses;                               // [2, shards]
    double *q_sums, *actor_sums, *log_prob_sums;  // [shards]
    float *scratch;                               // [threads, scratch_size]
    size_t scratch_size;
    float *block;
    // The region under way.
    udy__pass **passes;
    int n_passes, phase;
    udy__adam_coefficients critic_step[2], actor_step;
};

// One update of the critics and, when it is due, of actor and temperature.
int udy__sac_update(udy_sac *sac, udy_error *err) UDY_MUST_CHECK;
// Is every weight a number? A unit whose weights are NaN is silent behind its ReLU, and losses do not
// show it.
int udy__sac_check_weights(const udy_sac *sac, udy_error *err) UDY_MUST_CHECK;
int udy__sac_update_create(udy_sac *sac, udy_error *err) UDY_MUST_CHECK;
void udy__sac_update_destroy(udy_sac *sac);
// The actor as it is into the network that simulations are driven by.
int udy__sac_refresh_acting(udy_sac *sac, udy_error *err) UDY_MUST_CHECK;
double udy__sac_gamma(const udy_sac *sac);
double udy__sac_learning_rate(const udy_sac *sac);
double udy__sac_target_entropy(const udy_sac *sac);
double udy__sac_reward_scale(const udy_sac *sac);

#endif  // UDY_LEARN_SAC_H_
