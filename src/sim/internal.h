// internal.h: what the files of this room share: the row of facts that a task is, the compiled
// task, one simulation. tasks.c holds the rows, parts.c the functions rows are made of, model.c
// compiles a row and its options into a udy_task, env.c steps one simulation, batch.c many.
#ifndef UNDERSTUDY_SRC_SIM_INTERNAL_H_
#define UNDERSTUDY_SRC_SIM_INTERNAL_H_

#include <mujoco/mjbatch.h>
#include <mujoco/mujoco.h>

#include "understudy/sim.h"

//------------------------------------------ Facts of a task ---------------------------------------

// What a reward term is computed from, once the physics has moved.
typedef struct udy__outcome {
    const udy_task *task;
    const mjData *d;
    const double *action;  // [A]
    double x_velocity;     // m/s
    bool healthy;
} udy__outcome;

// A reward term. reward = (sum of gains) - (sum of costs), each summed in the row's order, as
// Gymnasium's tasks do; a cost is reported with its sign turned.
typedef struct udy__term {
    const char *name;  // Gymnasium's info key
    double (*value)(const udy__outcome *outcome);
    bool is_cost;
} udy__term;

// A piece of the observation vector.
typedef struct udy__obs_part {
    int (*size)(const udy_task *task);
    void (*write)(const udy_task *task, const mjData *d, double *out);
    void (*describe)(const udy_task *task, int i, char name[64], char unit[16]);
} udy__obs_part;

// Draw the noise added to one initial velocity.
typedef double (*udy__noise_fn)(udy_rng *rng, double scale);

#define UDY__OBS_PARTS_MAX 6

typedef struct udy__row {
    const char *id;
    const char *xml_file;
    const char *const *lacks;  // options that this task does not have, NULL-terminated
    udy_task_config defaults;
    double reward_threshold;     // NaN: none
    int n_root_qpos;             // leading qpos, left out by exclude_current_positions
    int n_qpos_min, n_site_min;  // what the row's functions index in the model
    int height_qpos;             // qpos that is the height of the torso, m
    udy__noise_fn velocity_noise;
    double healthy_angle_range[2];  // rad; for udy__health_upright and udy__health_balanced
    double healthy_state_range[2];  // of qpos from n_root_qpos + 1 on and qvel; {0, 0}: any
    double (*x_position)(const udy_task *task, const mjData *d);  // its rate is x_velocity
    double (*height)(const udy_task *task, const mjData *d);      // m, torso_z; NULL: none
    udy_end (*health)(const udy_task *task, const mjData *d);     // UDY_END_NONE: healthy
    const udy__obs_part *obs_parts[UDY__OBS_PARTS_MAX];           // NULL-terminated unless full
    udy__term terms[UDY_TERMS_MAX];                               // name NULL ends
} udy__row;

extern const udy__row udy__rows[];
extern const size_t udy__row_count;

struct udy_task {
    const udy__row *row;
    udy_task_config config;
    udy_task_info info;
    mjModel *model;
};

//------------------------------------------ Parts -------------------------------------------------

extern const udy__obs_part udy__obs_qpos, udy__obs_qvel, udy__obs_qvel_clipped, udy__obs_cfrc_ext;
extern const udy__obs_part udy__obs_root, udy__obs_sin, udy__obs_cos, udy__obs_root_force;

double udy__x_of_main_body(const udy_task *task, const mjData *d);
double udy__x_of_root_joint(const udy_task *task, const mjData *d);
double udy__height_of_torso(const udy_task *task, const mjData *d);
double udy__height_of_site(const udy_task *task, const mjData *d);
double udy__noise_normal(udy_rng *rng, double scale);
double udy__noise_uniform(udy_rng *rng, double scale);
udy_end udy__health_z_range(const udy_task *task, const mjData *d);
udy_end udy__health_upright(const udy_task *task, const mjData *d);
udy_end udy__health_balanced(const udy_task *task, const mjData *d);
udy_end udy__health_site_above_1(const udy_task *task, const mjData *d);
udy_end udy__health_always(const udy_task *task, const mjData *d);
double udy__term_forward(const udy__outcome *outcome);
double udy__term_survive(const udy__outcome *outcome);
double udy__term_ctrl(const udy__outcome *outcome);
double udy__term_contact(const udy__outcome *outcome);
double udy__term_off_upright(const udy__outcome *outcome);
double udy__term_swing(const udy__outcome *outcome);

// sum over i of clip(x[i], low, high)^2, added up in the order of numpy.sum on a contiguous array.
double udy__sum_squares(const double *x, size_t n, double low, double high);

//------------------------------------------ MuJoCo's faults ---------------------------------------

// Take over MuJoCo's log for the process, once: no log file in the current folder, nothing printed,
// no exit. Every entry to this room that reaches MuJoCo comes after it.
void udy__faults_install(void);

// Run fn(arg); an error that MuJoCo raises meanwhile on this thread ends it and is written to
// message. Returns false if one did. For set-up: simulations are guarded by their mjBatch.
bool udy__faults_trap(void (*fn)(void *), void *arg, char *message, size_t message_size);

// UDY_EPHYSICS with MuJoCo's words, on one line. Nullable: err
int udy__faults_error(udy_error *err, const udy_task *task, const char *words);

// The first warning counted in d, in MuJoCo's words; NULL if there is none.
const char *udy__faults_warning(const mjData *d);

//------------------------------------------ One simulation ----------------------------------------

struct udy_env {
    const udy_task *task;
    mjBatch
        *guard;  // the one simulation that udy_env_* run on, errors trapped; NULL in a batch step
    const double *guard_qpos, *guard_qvel;  // in guard's state row
    udy_rng rng;    // used by batch steps only: an episode function brings its own
    double x;       // m, where the last reset or step left x_position
    int n_elapsed;  // control steps since the reset
    bool is_ready;  // reset, and nothing has failed since
};

// What these do runs inside mjb_apply on m and d: an error of MuJoCo's leaves by longjmp, and
// is_ready is then false. Others return as udy_env_reset and udy_env_step; obs is Nullable in begin.
int udy__env_begin(udy_env *env, const mjModel *m, mjData *d, udy_rng *rng, double *obs,
                   udy_error *err);
int udy__env_advance(udy_env *env, const mjModel *m, mjData *d, const double *action, double *obs,
                     udy_step *out, udy_error *err);

// A simulation with a guard of its own.
int udy__env_open(udy_env *env, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
void udy__env_close(udy_env *env);

// mjb_makeBatch with MuJoCo's errors as ours.
int udy__batch_make(mjBatch **out, const udy_task *task, int n_sims, int n_threads, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_SIM_INTERNAL_H_
