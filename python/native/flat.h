// flat.h: the library as Python sees it: functions on numbers, strings, arrays and handles, and no
// struct. Between the public headers, which this is compiled with and so cannot misread, and ctypes in
// src/understudy/_native.py, which learns these signatures from udypy_signatures when it is loaded: each
// is written once, here.
//
// int is 0 or a udy_status; udypy_error has the words. char * is the caller's to udypy_free. Arrays are
// C-contiguous; the caller sees to their sizes. What may be NULL is named ..._or_null.
#ifndef UNDERSTUDY_PYTHON_NATIVE_FLAT_H_
#define UNDERSTUDY_PYTHON_NATIVE_FLAT_H_

#include "understudy/study.h"

#pragma GCC visibility push(default)

// Progress: returns nonzero to stop.
#define UDYPY_CALLBACK(X) \
    X(int, progress,      \
      (const char *stage, int64_t done, int64_t total, const char *unit, const char *note))

#define UDYPY_FUNCTIONS(X)                                                                           \
    X(const char *, version, (void))                                                                 \
    X(const char *, mujoco, (void))                                                                  \
    X(const char *, error, (void))                                                                   \
    X(const char *, status_name, (int status))                                                       \
    X(const char *, end_name, (int64_t end))                                                         \
    X(void, free, (void *text))                                                                      \
    X(int, seed_range, (uint64_t seed, const char *purpose, uint64_t *first))                        \
    /* Tasks. settings: a "key=value" a line. */                                                     \
    X(const char *, task_id, (int64_t i))                                                            \
    X(int, task_create, (void **out, const char *id, const char *settings))                          \
    X(void, task_destroy, (void *task_or_null))                                                      \
    X(char *, task_facts, (const void *task))                                                        \
    /* Policies and generators. obs [n, O], action [n, A]. */                                        \
    X(int, rng_create, (void **out, uint64_t seed, const char *stream))                              \
    X(void, rng_destroy, (void *rng_or_null))                                                        \
    X(int, policy_load, (void **out, const char *path))                                              \
    X(int, policy_random, (void **out, const void *task))                                            \
    X(void, policy_destroy, (void *policy_or_null))                                                  \
    X(int, policy_save, (const void *policy, const char *path, const char *metadata))                \
    X(char *, policy_facts, (const void *policy))                                                    \
    X(int, policy_check, (const void *policy, const void *task))                                     \
    X(int, policy_act,                                                                               \
      (const void *policy, const double *obs, int64_t n, int sampled, void *rng_or_null,             \
       float *action))                                                                               \
    /* Simulations. seeds [N]; moves [N] of udy_move; terms [N, n_terms]; ends [N, 3]: terminated, \
       truncated, udy_end. */ \
    X(int, sims_create, (void **out, const void *task, int64_t n, int64_t threads))                  \
    X(void, sims_destroy, (void *sims_or_null))                                                      \
    X(int, sims_move,                                                                                \
      (void *sims, const uint8_t *moves, const uint64_t *seeds_or_null,                              \
       const double *action_or_null, double *obs, double *reward, double *terms,                     \
       double *x_velocity, double *torso_z, uint8_t *ends))                                          \
    /* Whole episodes. */                                                                            \
    X(int, rollout,                                                                                  \
      (void **out, void *sims, const void *policy, const void *expert_or_null, double beta,          \
       int64_t episodes, uint64_t seed, int sampled, int physics, const char *stage,                 \
       udypy_progress progress))                                                                     \
    X(void, episodes_destroy, (void *episodes_or_null))                                              \
    X(void, episodes_facts,                                                                          \
      (const void *episodes, int64_t *lengths, double *returns, double *speeds, uint8_t *ends))      \
    X(void, episodes_rows, (const void *episodes, float *obs, float *action, float *reward))         \
    X(void, episodes_physics,                                                                        \
      (const void *episodes, double *qpos, double *qvel, float *height, float *x_velocity))          \
    X(int, evaluate,                                                                                 \
      (char **out, void *sims, const void *policy, int64_t episodes, uint64_t seed, int sampled,     \
       udypy_progress progress))                                                                     \
    /* out [5]: mean, standard deviation, interquartile mean, 95 % interval. */                      \
    X(int, statistics, (const double *returns, int64_t n, uint64_t seed, double *out))               \
    /* Behavioural cloning. */                                                                       \
    X(int, dataset_append,                                                                           \
      (const char *path, const void *task, const char *made_by, const float *obs,                    \
       const float *labels, const float *behaviour, const float *reward, const int64_t *lengths,     \
       const uint8_t *ends, int64_t n_episodes, int64_t round))                                      \
    X(int, bc_create,                                                                                \
      (void **out, const void *task, const char *settings, uint64_t seed, uint64_t stream,           \
       int64_t threads))                                                                             \
    X(void, bc_destroy, (void *bc_or_null))                                                          \
    X(int, bc_warm_start, (void *bc, const void *policy))                                            \
    X(int, bc_train,                                                                                 \
      (void *bc, const char *dataset, const char *stage, const char *checkpoint_or_null,             \
       udypy_progress progress))                                                                     \
    X(int64_t, bc_epochs, (const void *bc))                                                          \
    X(int64_t, bc_updates, (const void *bc))                                                         \
    X(int64_t, bc_best_epoch, (const void *bc))                                                      \
    X(void, bc_curve, (const void *bc, double *train_loss, double *val_loss))                        \
    X(int, bc_policy, (void **out, const void *bc, int best))                                        \
    /* DAgger. */                                                                                    \
    X(int, dagger_open,                                                                              \
      (void **out, void *sims, const void *expert, const char *settings, const char *bc_settings,    \
       const char *demos_or_null, uint64_t seed, const char *dir, int64_t threads,                   \
       udypy_progress progress))                                                                     \
    X(void, dagger_close, (void *dagger_or_null))                                                    \
    X(int, dagger_step, (void *dagger))                                                              \
    X(int64_t, dagger_rounds, (const void *dagger))                                                  \
    X(int64_t, dagger_best, (const void *dagger))                                                    \
    X(char *, dagger_round, (const void *dagger, int64_t round))                                     \
    X(int, dagger_policy, (void **out, const void *dagger, int64_t round))

#define UDYPY_DECLARE_TYPE(type, name, arguments) typedef type(*udypy_##name) arguments;
UDYPY_CALLBACK(UDYPY_DECLARE_TYPE)
#define UDYPY_DECLARE(type, name, arguments) type udypy_##name arguments;
UDYPY_FUNCTIONS(UDYPY_DECLARE)

// "int rollout (void **out, ...)", the callback's first; NULL-terminated.
extern const char *const udypy_signatures[];

#pragma GCC visibility pop

//------------------------------------------ Shared by the files -----------------------------------

// What went wrong last on this thread.
extern _Thread_local udy_error udypy_last;

// Simulations and the task that they are of.
typedef struct udypy_sims {
    const udy_task *task;
    udy_batch *batch;
    udy_step *steps;  // [N]
} udypy_sims;

// Calls fn, a udypy_progress given by address as the context.
udy_progress udypy_progress_of(udypy_progress *fn);
// Lines of "key=value" over settings.
int udypy_settings(void *settings, const udy_field *table, const char *lines) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_PYTHON_NATIVE_FLAT_H_
