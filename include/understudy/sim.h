// sim.h: tasks (observation, reward, ending) on MuJoCo, one simulation or batches of them.
// The only room that sees MuJoCo. Semantics and numbers are Gymnasium 1.4.0's, bit for bit.
#ifndef UNDERSTUDY_SIM_H_
#define UNDERSTUDY_SIM_H_

#include "understudy/base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define UDY_TERMS_MAX 8     // reward terms a task reports
#define UDY_ACT_DIM_MAX 64  // torques a task takes

// Constructor options of Gymnasium's v5 tasks, by Gymnasium's names and defaults (of the task; get
// them with udy_task_config_default). An option that a task does not have is an error when changed.
typedef struct udy_task_config {
    char model_dir[1024];  // folder of the MJCF models; "": udy_models_dir's
    char xml_file[1024];   // "": the task's own; a path with '/' is taken as it is
    int frame_skip;
    double forward_reward_weight;
    double ctrl_cost_weight;
    double contact_cost_weight;
    double healthy_reward;
    int main_body;  // body id whose x-velocity is rewarded
    bool terminate_when_unhealthy;
    double healthy_z_range[2];      // m
    double contact_force_range[2];  // N, clipped to
    double reset_noise_scale;
    bool exclude_current_positions;  // exclude_current_positions_from_observation
    bool contact_obs;       // include_cfrc_ext_in_observation; false here, true in Gymnasium
    int max_episode_steps;  // time limit; 0: none
} udy_task_config;

extern const udy_field udy_task_config_fields[];  // keys as above, without prefix

// A task: its model and its facts. Immutable once made; shared by any number of threads.
typedef struct udy_task udy_task;

typedef struct udy_task_info {
    const char *id;  // "Ant-v5"
    int obs_dim, act_dim, nq, nv;
    int n_terms;                            // reward terms
    const char *term_names[UDY_TERMS_MAX];  // "reward_forward", ... as Gymnasium's info keys
    double act_low[UDY_ACT_DIM_MAX], act_high[UDY_ACT_DIM_MAX];  // [A]
    double dt;                                                   // s a control step
    int max_episode_steps;
    double reward_threshold;  // NaN where Gymnasium states none
} udy_task_info;

// Folder of the models that come with the library, out [size]: an installation's, found from where
// MuJoCo's library lies, so that it can be moved; else the build's. false: there is none, or size is
// too small.
bool udy_models_dir(char *out, size_t size);

size_t udy_task_count(void);
const char *udy_task_id(size_t i);  // NULL past the end
// UDY_ENOENT for an unknown id, with the nearest one in the message.
int udy_task_config_default(udy_task_config *config, const char *id, udy_error *err) UDY_MUST_CHECK;
// Compile the model and derive the facts. config Nullable: defaults.
int udy_task_create(udy_task **out, const char *id, const udy_task_config *config, udy_error *err)
    UDY_MUST_CHECK;
void udy_task_destroy(udy_task *task);  // NULL is legal; after every batch made from it
const udy_task_info *udy_task_info_of(const udy_task *task);
const udy_task_config *udy_task_config_of(const udy_task *task);
// Name and unit of observation i: "torso z", "m". false past the end.
bool udy_task_obs_name(const udy_task *task, int i, char name[64], char unit[16]);
// The facts as an object: id, sizes, bounds of the actions, reward_terms, observation (name and unit of
// each). The caller's.
udy_json *udy_task_json(const udy_task *task);

// Why an episode ended.
typedef enum {
    UDY_END_NONE = 0,
    UDY_END_LIMIT,      // time limit: truncated
    UDY_END_TOO_LOW,    // terminated: healthy_z_range's lower end
    UDY_END_TOO_HIGH,   // terminated: its upper end
    UDY_END_UNHEALTHY,  // terminated for another reason (a state that is not finite)
} udy_end;

// What one control step gave.
typedef struct udy_step {
    double reward;
    double terms[UDY_TERMS_MAX];  // [n_terms], in the order of term_names
    double x_velocity;            // m/s of main_body, Gymnasium's info
    double torso_z;               // m, the height that the ending is about; NaN where it has none
    uint8_t terminated;           // the task ended it
    uint8_t truncated;            // the time limit ended it
    uint8_t end;                  // a udy_end
} udy_step;

// One simulation, as a function run by udy_batch_episodes sees it.
typedef struct udy_env udy_env;

// Start an episode as Gymnasium's reset does, drawing from rng (Gymnasium: reset(seed) then draws
// from default_rng(seed); later resets go on with the same generator).
//   obs  [O] f64 out   Nullable
// Returns 0, or UDY_EPHYSICS.
int udy_env_reset(udy_env *env, udy_rng *rng, double *obs, udy_error *err) UDY_MUST_CHECK;
// One control step (frame_skip physics steps).
//   action  [A] f64, not clipped (MuJoCo clamps to ctrlrange; control cost takes it as given)
//   obs     [O] f64 out
// Differs from Gymnasium given f32 actions: control cost is summed in f64 here.
// Returns 0, UDY_ENONFINITE (action), or UDY_EPHYSICS (MuJoCo error, or a warning that reset the state).
int udy_env_step(udy_env *env, const double *action, double *obs, udy_step *out, udy_error *err)
    UDY_MUST_CHECK;
// Physics state: qpos [nq], qvel [nv] f64 out. Nullable: either
void udy_env_state(const udy_env *env, double *qpos, double *qvel);
// Put the simulation into a state (Gymnasium's set_state: then mj_forward); step counter to 0. All
// else is reset first, so that the state alone decides what follows. Returns 0, UDY_ENONFINITE, or
// UDY_EPHYSICS.
int udy_env_set_state(udy_env *env, const double *qpos, const double *qvel, double *obs,
                      udy_error *err) UDY_MUST_CHECK;

// N simulations of a task on all cores, through MuJoCo's mjBatch.
typedef struct udy_batch udy_batch;

// n_threads 0: one per core. Results do not depend on it.
int udy_batch_create(udy_batch **out, const udy_task *task, int n_sims, int n_threads,
                     udy_error *err) UDY_MUST_CHECK;
void udy_batch_destroy(udy_batch *batch);  // NULL is legal
int udy_batch_sims(const udy_batch *batch);
int udy_batch_threads(const udy_batch *batch);

// Reset every simulation; simulation i is seeded with seeds[i] and keeps its generator, which goes
// on from reset to reset as Gymnasium's.
//   seeds [N]      obs [N, O] f64 out, row-major
int udy_batch_reset(udy_batch *batch, const uint64_t *seeds, double *obs, udy_error *err)
    UDY_MUST_CHECK;
// Step every simulation; one whose episode ends is reset at once.
//   action     [N, A] f64
//   obs        [N, O] f64 out: the state after the step, or after the reset where one happened
//   steps      [N] out: reward, terms, terminated, truncated, end
//   final_obs  [N, O] f64 out: rows whose episode ended hold its true last observation, other rows
//              are left alone. Nullable only if you never bootstrap: then it is lost.
// Allocates nothing. Returns 0, or the first failure by index (the others have stepped).
int udy_batch_step(udy_batch *batch, const double *action, double *obs, udy_step *steps,
                   double *final_obs, udy_error *err) UDY_MUST_CHECK;

// For callers who decide themselves when episodes start: what udy_batch_move does with a simulation.
typedef enum {
    UDY_MOVE_NONE,    // nothing; its rows are left alone
    UDY_MOVE_STEP,    // a control step; where that ends the episode, it stays at its end
    UDY_MOVE_RESET,   // an episode starts, its generator going on (Gymnasium: reset without a seed)
    UDY_MOVE_RESEED,  // an episode starts, with a new seed
} udy_move;
//   moves   [N] a udy_move each
//   seeds   [N] read for UDY_MOVE_RESEED. Nullable where there is none
//   action  [N, A] f64, read for UDY_MOVE_STEP. Nullable where there is none
//   obs     [N, O] f64 out
//   steps   [N] out for UDY_MOVE_STEP. Nullable where there is none
// Allocates nothing. Returns as udy_batch_step does; UDY_EINVAL: a simulation that never was seeded.
int udy_batch_move(udy_batch *batch, const uint8_t *moves, const uint64_t *seeds,
                   const double *action, double *obs, udy_step *steps, udy_error *err)
    UDY_MUST_CHECK;

// Everything that decides what simulation i does next (physics, warm start, step counter, generator,
// what derived quantities carry over), as bytes, for checkpoints: put back into a batch of the same
// task, the simulation goes on with the same bits. Allocate nothing; equal simulations give equal
// bytes, whatever the batch.
//   state  [udy_batch_state_size] bytes, at any address
// set returns UDY_EMISMATCH (of another task or model) or UDY_EFORMAT (no such state, or damaged),
// and then changes nothing. Both return UDY_EINVAL (no simulation i; a model with the sleep flag,
// flexes or plugins, which carry over more than MuJoCo lets one save).
size_t udy_batch_state_size(const udy_batch *batch);  // of one simulation
int udy_batch_state_get(udy_batch *batch, int i, void *state, udy_error *err) UDY_MUST_CHECK;
int udy_batch_state_set(udy_batch *batch, int i, const void *state, udy_error *err) UDY_MUST_CHECK;

// Run fn once for each of n_jobs jobs, as many at a time as there are threads: whole episodes
// without a barrier between steps. fn gets a simulation of its thread in an unspecified state: it
// must reset (or set the state) first; then its result depends on nothing but what it is given.
// fn returns 0 or a negative status with err filled; the first failing job (by index) is reported.
// n_jobs may exceed the number of simulations given at create. A job is never started after
// another failed or fn returned UDY_EINTERRUPTED.
typedef int (*udy_episode_fn)(udy_env *env, int job, void *ctx, udy_error *err);
int udy_batch_episodes(udy_batch *batch, int n_jobs, udy_episode_fn fn, void *ctx, udy_error *err)
    UDY_MUST_CHECK;

// "4.0.0": the MuJoCo that runs.
const char *udy_sim_version(void);

// Control steps a second of the bare physics: a plain loop on one core of frame_skip mj_step and
// one mj_rnePostConstraint with random controls, for about seconds_s. The limit for `bench`.
int udy_sim_raw_rate(const udy_task *task, double seconds_s, double *steps_per_s, udy_error *err)
    UDY_MUST_CHECK;

// An episode that was run before: its reset's seed and what was executed.
typedef struct udy_sim_track {
    uint64_t seed;
    int length;           // T
    const float *action;  // [T, A]
} udy_sim_track;

// The same plain loop through the states of n recorded episodes: the limit for rollouts that visit
// them (a galloping ant costs less than a flailing one). Resets are not timed.
int udy_sim_replay_rate(const udy_task *task, const udy_sim_track *tracks, int n,
                        double *steps_per_s, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Rendering ---------------------------------------------

// Pictures of a task's states, drawn by MuJoCo without a window or a display server: OpenGL through
// EGL (with Mesa's software driver where there is no GPU), else through OSMesa, whichever the machine
// has. A renderer belongs to one thread at a time; any number may draw at once, each on its own.
typedef struct udy_renderer udy_renderer;

#define UDY_RENDER_SIZE_MIN 16
#define UDY_RENDER_SIZE_MAX 4096

// width, height: of the picture in pixels. task must outlive it.
// UDY_EINVAL (a size out of range), or UDY_EUNSUPPORTED where there is neither EGL nor OSMesa: the
// message says what was tried and which packages to install.
int udy_renderer_create(udy_renderer **out, const udy_task *task, int width, int height,
                        udy_error *err) UDY_MUST_CHECK;
void udy_renderer_destroy(udy_renderer *renderer);  // NULL is legal
// "EGL" or "OSMesa": what it draws with.
const char *udy_renderer_kind(const udy_renderer *renderer);

// What to draw. Velocities do not show.
typedef struct udy_view {
    const double *qpos;     // [nq]
    const double *next;     // [nq] Nullable: a later state, to draw one on the way to it
    double fraction;        // how far on that way, 0 to 1
    const double *look_at;  // [3] m, the point in the middle. Nullable: the robot's own
} udy_view;

// Draw into rgb [height, width, 3], rows from the top. The same view gives the same pixels on every
// renderer of its size on a machine. An OpenGL context that the thread had through EGL is its own
// again afterwards. Returns 0, UDY_EINVAL, UDY_ENONFINITE, UDY_EUNSUPPORTED (OpenGL failed), or
// UDY_EPHYSICS.
int udy_renderer_draw(udy_renderer *renderer, const udy_view *view, uint8_t *rgb, udy_error *err)
    UDY_MUST_CHECK;

// Where a camera that follows the robot smoothly looks: for T states dt apart, the robot's place
// averaged over about half a second before and after, so that it does not shake with every step.
//   qpos  [T, nq]     look_at  [T, 3] m out
int udy_camera_path(const udy_task *task, const double *qpos, int T, double *look_at,
                    udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Scene -------------------------------------------------

// What a task's robot is made of and where its parts are, for others to draw.
typedef enum {
    UDY_GEOM_PLANE,
    UDY_GEOM_SPHERE,
    UDY_GEOM_CAPSULE,
    UDY_GEOM_ELLIPSOID,
    UDY_GEOM_CYLINDER,
    UDY_GEOM_BOX
} udy_geom_type;

typedef struct udy_geom {
    udy_geom_type type;  // a mesh is the box around it
    int body;            // that it is fixed to; 0: the world
    // m: radius; capsule and cylinder: radius, half length along z; ellipsoid and box: half axes;
    // plane: 0, it never ends
    double size[3];
    double pos[3], quat[4];  // m and (w, x, y, z), in the body's frame
    float rgba[4];
} udy_geom;

typedef struct udy_scene {
    int n_bodies;   // the world's among them
    int main_body;  // the one that the task is about
    int n_geoms;    // those that MuJoCo shows by default
    udy_geom *geoms;
} udy_scene;
// Free with udy_scene_free.
int udy_scene_create(udy_scene *out, const udy_task *task, udy_error *err) UDY_MUST_CHECK;
void udy_scene_free(udy_scene *scene);
// Where the bodies are in T states.
//   qpos  [T, nq]
//   pos   [T, n_bodies, 3] m out     quat  [T, n_bodies, 4] out: w, x, y, z, of length 1
// UDY_ENONFINITE names the state.
int udy_scene_poses(const udy_task *task, const float *qpos, int T, float *pos, float *quat,
                    udy_error *err) UDY_MUST_CHECK;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_SIM_H_
