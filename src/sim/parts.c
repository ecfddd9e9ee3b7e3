// parts.c: what rows of tasks.c are made of: pieces of the observation, reward terms, rules of
// ending, start noise. Each is Gymnasium 1.4.0's arithmetic, operation for operation.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/internal.h"

//------------------------------------------ Sums --------------------------------------------------

static inline double squared(double x, double low, double high) {
    double y = x < low ? low : x > high ? high : x;  // a NaN stays one, as in numpy.clip
    return y * y;
}

// numpy.sum's order: below 8 one by one; to 128 eight running sums; above that halves, the first
// cut down to a multiple of 8.
double udy__sum_squares(const double *x, size_t n, double low, double high) {
    if (n < 8) {
        double sum = 0;
        for (size_t i = 0; i < n; ++i) sum += squared(x[i], low, high);
        return sum;
    }
    if (n > 128) {
        size_t half = n / 2;
        half -= half % 8;
        return udy__sum_squares(x, half, low, high) +
               udy__sum_squares(x + half, n - half, low, high);
    }
    double r[8];
    for (size_t k = 0; k < 8; ++k) r[k] = squared(x[k], low, high);
    size_t i = 8;
    for (; i < n - n % 8; i += 8) {
        for (size_t k = 0; k < 8; ++k) r[k] += squared(x[i + k], low, high);
    }
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += squared(x[i], low, high);
    return sum;
}

//------------------------------------------ Observation -------------------------------------------

static const char *name_of(const mjModel *m, mjtObj type, int id, char buffer[32]) {
    const char *name = mj_id2name(m, type, id);
    if (name != NULL && name[0] != '\0') return name;
    snprintf(buffer, 32, "%s %d", type == mjOBJ_BODY ? "body" : "joint", id);
    return buffer;
}

// The joint that owns an address, given each joint's first one (ascending).
static int joint_at(const mjModel *m, const int *first, int address) {
    int j = 0;
    while (j + 1 < m->njnt && first[j + 1] <= address) ++j;
    return j;
}

static int qpos_skipped(const udy_task *task) {
    return task->config.exclude_current_positions ? task->row->n_root_qpos : 0;
}

static int qpos_size(const udy_task *task) {
    return (int)task->model->nq - qpos_skipped(task);
}

static void qpos_write(const udy_task *task, const mjData *d, double *out) {
    memcpy(out, d->qpos + qpos_skipped(task), (size_t)qpos_size(task) * sizeof *out);
}

static void qpos_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    static const char *const parts[] = {"x", "y", "z", "quat w", "quat x", "quat y", "quat z"};
    const mjModel *m = task->model;
    int address = i + qpos_skipped(task);
    int j = joint_at(m, m->jnt_qposadr, address);
    int k = address - m->jnt_qposadr[j];
    char buffer[32];
    if (m->jnt_type[j] == mjJNT_FREE || m->jnt_type[j] == mjJNT_BALL) {
        if (m->jnt_type[j] == mjJNT_BALL) k += 3;
        const char *body = name_of(m, mjOBJ_BODY, m->jnt_bodyid[j], buffer);
        snprintf(name, 64, "%s %s", body, parts[k]);
        snprintf(unit, 16, "%s", k < 3 ? "m" : "1");
    } else {
        const char *what = m->jnt_type[j] == mjJNT_SLIDE ? "position" : "angle";
        snprintf(name, 64, "%s %s", name_of(m, mjOBJ_JOINT, j, buffer), what);
        snprintf(unit, 16, "%s", m->jnt_type[j] == mjJNT_SLIDE ? "m" : "rad");
    }
}

static int qvel_size(const udy_task *task) {
    return (int)task->model->nv;
}

static void qvel_write(const udy_task *task, const mjData *d, double *out) {
    memcpy(out, d->qvel, (size_t)qvel_size(task) * sizeof *out);
}

// Gymnasium's Hopper and Walker2d show velocities clipped to +-10.
static void qvel_write_clipped(const udy_task *task, const mjData *d, double *out) {
    for (int i = 0; i < qvel_size(task); ++i) {
        double v = d->qvel[i];
        out[i] = v < -10 ? -10 : v > 10 ? 10 : v;
    }
}

static void qvel_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    static const char *const parts[] = {"vx", "vy", "vz", "wx", "wy", "wz"};
    const mjModel *m = task->model;
    int j = joint_at(m, m->jnt_dofadr, i);
    int k = i - m->jnt_dofadr[j];
    char buffer[32];
    bool is_linear = m->jnt_type[j] == mjJNT_SLIDE || (m->jnt_type[j] == mjJNT_FREE && k < 3);
    if (m->jnt_type[j] == mjJNT_FREE || m->jnt_type[j] == mjJNT_BALL) {
        if (m->jnt_type[j] == mjJNT_BALL) k += 3;
        const char *body = name_of(m, mjOBJ_BODY, m->jnt_bodyid[j], buffer);
        snprintf(name, 64, "%s %s", body, parts[k]);
    } else {
        snprintf(name, 64, "%s velocity", name_of(m, mjOBJ_JOINT, j, buffer));
    }
    snprintf(unit, 16, "%s", is_linear ? "m/s" : "rad/s");
}

// InvertedDoublePendulum's: the root's position as it is, of the other joints sine and cosine, and
// the force of the root's limit.
static int root_size(const udy_task *task) {
    return task->row->n_root_qpos;
}

static int angles_size(const udy_task *task) {
    return (int)task->model->nq - task->row->n_root_qpos;
}

static void root_write(const udy_task *task, const mjData *d, double *out) {
    memcpy(out, d->qpos, (size_t)root_size(task) * sizeof *out);
}

static void sin_write(const udy_task *task, const mjData *d, double *out) {
    const double *angle = d->qpos + task->row->n_root_qpos;
    for (int i = 0; i < angles_size(task); ++i) out[i] = sin(angle[i]);
}

static void cos_write(const udy_task *task, const mjData *d, double *out) {
    const double *angle = d->qpos + task->row->n_root_qpos;
    for (int i = 0; i < angles_size(task); ++i) out[i] = cos(angle[i]);
}

static void root_force_write(const udy_task *task, const mjData *d, double *out) {
    for (int i = 0; i < root_size(task); ++i) {
        double f = d->qfrc_constraint[i];
        out[i] = f < -10 ? -10 : f > 10 ? 10 : f;
    }
}

static void angle_describe(const udy_task *task, int i, const char *what, char name[64],
                           char unit[16]) {
    const mjModel *m = task->model;
    char buffer[32];
    int j = joint_at(m, m->jnt_qposadr, i + task->row->n_root_qpos);
    snprintf(name, 64, "%s %s", name_of(m, mjOBJ_JOINT, j, buffer), what);
    snprintf(unit, 16, "1");
}

static void sin_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    angle_describe(task, i, "sine", name, unit);
}

static void cos_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    angle_describe(task, i, "cosine", name, unit);
}

static void root_force_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    const mjModel *m = task->model;
    char buffer[32];
    int j = joint_at(m, m->jnt_dofadr, i);
    snprintf(name, 64, "%s constraint force", name_of(m, mjOBJ_JOINT, j, buffer));
    snprintf(unit, 16, "N");
}

// Forces on every body but the world, clipped.
static int cfrc_size(const udy_task *task) {
    return task->config.contact_obs ? 6 * ((int)task->model->nbody - 1) : 0;
}

static void cfrc_write(const udy_task *task, const mjData *d, double *out) {
    double low = task->config.contact_force_range[0], high = task->config.contact_force_range[1];
    const double *forces = d->cfrc_ext + 6;
    for (int i = 0; i < cfrc_size(task); ++i) {
        out[i] = forces[i] < low ? low : forces[i] > high ? high : forces[i];
    }
}

static void cfrc_describe(const udy_task *task, int i, char name[64], char unit[16]) {
    static const char *const parts[] = {"torque x", "torque y", "torque z",
                                        "force x",  "force y",  "force z"};
    char buffer[32];
    const char *body = name_of(task->model, mjOBJ_BODY, 1 + i / 6, buffer);
    snprintf(name, 64, "%s contact %s", body, parts[i % 6]);
    snprintf(unit, 16, "%s", i % 6 < 3 ? "N m" : "N");
}

const udy__obs_part udy__obs_qpos = {qpos_size, qpos_write, qpos_describe};
const udy__obs_part udy__obs_qvel = {qvel_size, qvel_write, qvel_describe};
const udy__obs_part udy__obs_qvel_clipped = {qvel_size, qvel_write_clipped, qvel_describe};
const udy__obs_part udy__obs_cfrc_ext = {cfrc_size, cfrc_write, cfrc_describe};
const udy__obs_part udy__obs_root = {root_size, root_write, qpos_describe};
const udy__obs_part udy__obs_sin = {angles_size, sin_write, sin_describe};
const udy__obs_part udy__obs_cos = {angles_size, cos_write, cos_describe};
const udy__obs_part udy__obs_root_force = {root_size, root_force_write, root_force_describe};

//------------------------------------------ Start, speed, ending ----------------------------------

double udy__noise_normal(udy_rng *rng, double scale) {
    return scale * udy_rng_normal(rng);
}

double udy__noise_uniform(udy_rng *rng, double scale) {
    return udy_rng_uniform(rng, -scale, scale);
}

// xpos is where the last mj_step computed it: before its integration, as Gymnasium reads it.
double udy__x_of_main_body(const udy_task *task, const mjData *d) {
    return d->xpos[3 * task->config.main_body];
}

double udy__x_of_root_joint(const udy_task *task, const mjData *d) {
    (void)task;
    return d->qpos[0];
}

double udy__height_of_torso(const udy_task *task, const mjData *d) {
    return d->qpos[task->row->height_qpos];
}

// Like xpos: where the last mj_step computed it.
double udy__height_of_site(const udy_task *task, const mjData *d) {
    (void)task;
    return d->site_xpos[2];
}

static bool is_state_finite(const mjModel *m, const mjData *d) {
    for (mjtSize i = 0; i < m->nq; ++i) {
        if (!isfinite(d->qpos[i])) return false;
    }
    for (mjtSize i = 0; i < m->nv; ++i) {
        if (!isfinite(d->qvel[i])) return false;
    }
    return true;
}

udy_end udy__health_z_range(const udy_task *task, const mjData *d) {
    double z = d->qpos[task->row->height_qpos];
    if (!is_state_finite(task->model, d)) return UDY_END_UNHEALTHY;
    if (z < task->config.healthy_z_range[0]) return UDY_END_TOO_LOW;
    if (z > task->config.healthy_z_range[1]) return UDY_END_TOO_HIGH;
    return UDY_END_NONE;
}

static bool is_inside(const double *x, mjtSize n, const double range[2]) {
    for (mjtSize i = 0; i < n; ++i) {
        if (!(range[0] < x[i] && x[i] < range[1])) return false;
    }
    return true;
}

// Hopper's and Walker2d's: ends of ranges are outside, and a NaN is inside none.
udy_end udy__health_upright(const udy_task *task, const mjData *d) {
    const udy__row *row = task->row;
    const double *z = d->qpos + row->height_qpos, *states = row->healthy_state_range;
    int skipped = row->n_root_qpos + 1;
    if (z[0] <= task->config.healthy_z_range[0]) return UDY_END_TOO_LOW;
    if (z[0] >= task->config.healthy_z_range[1]) return UDY_END_TOO_HIGH;
    if (!is_inside(z, 1, task->config.healthy_z_range) ||
        !is_inside(z + 1, 1, row->healthy_angle_range)) {
        return UDY_END_UNHEALTHY;
    }
    if (states[0] < states[1] &&
        !(is_inside(d->qpos + skipped, task->model->nq - skipped, states) &&
          is_inside(d->qvel, task->model->nv, states))) {
        return UDY_END_UNHEALTHY;
    }
    return UDY_END_NONE;
}

// Ends of the range are inside.
udy_end udy__health_balanced(const udy_task *task, const mjData *d) {
    const double *range = task->row->healthy_angle_range;
    double angle = d->qpos[task->row->n_root_qpos];
    if (!is_state_finite(task->model, d)) return UDY_END_UNHEALTHY;
    return angle < range[0] || angle > range[1] ? UDY_END_UNHEALTHY : UDY_END_NONE;
}

udy_end udy__health_site_above_1(const udy_task *task, const mjData *d) {
    return udy__height_of_site(task, d) <= 1 ? UDY_END_TOO_LOW : UDY_END_NONE;
}

udy_end udy__health_always(const udy_task *task, const mjData *d) {
    (void)task, (void)d;
    return UDY_END_NONE;
}

//------------------------------------------ Reward ------------------------------------------------

double udy__term_forward(const udy__outcome *outcome) {
    return outcome->x_velocity * outcome->task->config.forward_reward_weight;
}

double udy__term_survive(const udy__outcome *outcome) {
    return outcome->healthy ? outcome->task->config.healthy_reward : 0;
}

double udy__term_ctrl(const udy__outcome *outcome) {
    const udy_task *task = outcome->task;
    return task->config.ctrl_cost_weight *
           udy__sum_squares(outcome->action, (size_t)task->info.act_dim, -INFINITY, INFINITY);
}

// Over all bodies, the world's row among them, as Gymnasium sums it.
double udy__term_contact(const udy__outcome *outcome) {
    const udy_task *task = outcome->task;
    return task->config.contact_cost_weight * udy__sum_squares(outcome->d->cfrc_ext,
                                                               6 * (size_t)task->model->nbody,
                                                               task->config.contact_force_range[0],
                                                               task->config.contact_force_range[1]);
}

// Python's x**2 of one number is the C library's pow, which may differ from x * x in the last bit;
// a constant exponent would be compiled to the latter.
static double power_2(double x) {
    volatile double two = 2;
    return pow(x, two);
}

// InvertedDoublePendulum's distance_penalty: of the tip from 2 m above the middle of the rail.
double udy__term_off_upright(const udy__outcome *outcome) {
    const double *tip = outcome->d->site_xpos;
    return -(0.01 * power_2(tip[0]) + power_2(tip[2] - 2));
}

// Its velocity_penalty, of both hinges.
double udy__term_swing(const udy__outcome *outcome) {
    const double *v = outcome->d->qvel + 1;
    return -(1e-3 * power_2(v[0]) + 5e-3 * power_2(v[1]));
}
