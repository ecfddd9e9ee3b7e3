// The replay: transitions in a ring, in memory, with an append-only copy on disk for checkpoints.
// Written by the training loop, drawn from by its updates.
#ifndef UDY_LEARN_REPLAY_H_
#define UDY_LEARN_REPLAY_H_

#include "understudy/learn.h"

// One transition, of one simulation.
typedef struct udy__transition {
    const float *obs, *action, *next_obs;  // [O], [A], [O]; next_obs: the true one, never a reset's
    float reward;                          // unscaled
    bool terminated;                       // really ended: no bootstrap
    bool truncated;                        // cut by the time limit: bootstraps
} udy__transition;

typedef struct udy__replay udy__replay;

// capacity is rounded down to whole steps of n_envs simulations.
int udy__replay_create(udy__replay **out, int capacity, int obs_dim, int act_dim, int n_envs,
                       udy_error *err) UDY_MUST_CHECK;
void udy__replay_destroy(udy__replay *replay);  // NULL is legal

// Append one control step: a transition of each simulation, n_envs rows in order. Allocates nothing.
void udy__replay_append(udy__replay *replay, const udy__transition *step);
int64_t udy__replay_count(const udy__replay *replay);  // rows ever appended
int udy__replay_size(const udy__replay *replay);       // rows held: min(count, capacity)

// Draw a row that has an n_step future (or an end before it): uniform over those held. Rows are
// positions in the ring, valid until the next append.
uint32_t udy__replay_draw(const udy__replay *replay, int n_step, udy_rng *rng);

// Gather n drawn rows:
//   obs, next_obs  [n, O], leading dimensions ld_obs, ld_next
//   action         [n, A], leading dimension ld_act
//   reward         [n]  sum over k < m of gamma^k r_{t+k}, m <= n_step steps to the end or n_step
//   discount       [n]  gamma^m, 0 where the episode terminated
// next_obs is that after m steps. Called from any thread, between appends.
typedef struct udy__replay_rows {
    float *obs, *action, *next_obs, *reward, *discount;
    int ld_obs, ld_act, ld_next;
} udy__replay_rows;
void udy__replay_gather(const udy__replay *replay, const uint32_t *rows, int n, int n_step,
                        double gamma, const udy__replay_rows *out);

// Bring folder dir up to date: rows not yet in it are appended to segment files (fixed numbers of
// rows, fsync), and segments that no longer hold a row of the ring of the checkpoint before this one
// are removed only by udy__replay_trim, once the checkpoint that needs no more of them is in place.
int udy__replay_save(udy__replay *replay, const char *dir, udy_error *err) UDY_MUST_CHECK;
int udy__replay_trim(udy__replay *replay, const char *dir, udy_error *err) UDY_MUST_CHECK;
// Read the ring as it was when `count` rows had been appended; what the segments hold beyond is cut
// off by the next save. UDY_EFORMAT names the segment that is missing, short, damaged or of another
// shape; a failure leaves the ring empty.
int udy__replay_load(udy__replay *replay, const char *dir, int64_t count, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UDY_LEARN_REPLAY_H_
