// scene.c: a task's robot as shapes, and where its bodies are in a state: what a page in a browser
// needs to draw it. MuJoCo's own pictures are render.c's.
#include <math.h>
#include <string.h>

#include "sim/internal.h"

#define SHOWN_GROUPS 3  // MuJoCo's viewer shows geoms of groups 0 to 2

//------------------------------------------ Shapes ------------------------------------------------

static bool is_shown(const mjModel *m, int g) {
    return m->geom_group[g] < SHOWN_GROUPS && m->geom_rgba[4 * g + 3] > 0;
}

// As MuJoCo colours them: the material's, unless the geom has a colour of its own.
static void colour_of(const mjModel *m, int g, float rgba[4]) {
    static const float unset[4] = {0.5F, 0.5F, 0.5F, 1};
    int mat = m->geom_matid[g];
    const float *own = m->geom_rgba + 4 * g;
    bool from_material = mat >= 0 && memcmp(own, unset, sizeof unset) == 0;
    memcpy(rgba, from_material ? m->mat_rgba + 4 * mat : own, 4 * sizeof *rgba);
}

static udy_geom_type type_of(int type) {
    switch (type) {
        case mjGEOM_PLANE: return UDY_GEOM_PLANE;
        case mjGEOM_SPHERE: return UDY_GEOM_SPHERE;
        case mjGEOM_CAPSULE: return UDY_GEOM_CAPSULE;
        case mjGEOM_ELLIPSOID: return UDY_GEOM_ELLIPSOID;
        case mjGEOM_CYLINDER: return UDY_GEOM_CYLINDER;
        default: return UDY_GEOM_BOX;
    }
}

static void read_geom(udy_geom *out, const mjModel *m, int g) {
    *out = (udy_geom){.type = type_of(m->geom_type[g]), .body = m->geom_bodyid[g]};
    memcpy(out->pos, m->geom_pos + 3 * g, sizeof out->pos);
    memcpy(out->quat, m->geom_quat + 4 * g, sizeof out->quat);
    colour_of(m, g, out->rgba);
    if (out->type == UDY_GEOM_PLANE) return;
    memcpy(out->size, m->geom_size + 3 * g, sizeof out->size);
    if (out->type != UDY_GEOM_BOX || m->geom_type[g] == mjGEOM_BOX) return;
    // Anything else: the box around it, whose middle need not be the geom's.
    double middle[3];
    mju_rotVecQuat(middle, m->geom_aabb + 6 * g, out->quat);
    mju_addTo3(out->pos, middle);
    memcpy(out->size, m->geom_aabb + 6 * g + 3, sizeof out->size);
}

int udy_scene_create(udy_scene *out, const udy_task *task, udy_error *err) {
    const mjModel *m = task->model;
    int body = task->config.main_body;
    *out = (udy_scene){.n_bodies = (int)m->nbody,
                       .main_body = body > 0 && body < m->nbody ? body : m->nbody > 1};
    out->geoms = udy_alloc(((size_t)m->ngeom + 1) * sizeof *out->geoms);
    if (!out->geoms)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for %d shapes", task->row->id,
                             (int)m->ngeom);
    for (int g = 0; g < m->ngeom; g++)
        if (is_shown(m, g)) read_geom(&out->geoms[out->n_geoms++], m, g);
    return UDY_OK;
}

void udy_scene_free(udy_scene *scene) {
    if (!scene) return;
    udy_free(scene->geoms);
    *scene = (udy_scene){0};
}

//------------------------------------------ Places ------------------------------------------------

typedef struct poses_call {
    const mjModel *model;
    const float *qpos;
    int T;
    float *pos, *quat;
    bool done;
} poses_call;

static void place(void *arg) {
    poses_call *c = arg;
    const mjModel *m = c->model;
    size_t nq = (size_t)m->nq, nbody = (size_t)m->nbody;
    mjData *d = mj_makeData(m);
    if (!d) return;
    for (size_t t = 0; t < (size_t)c->T; t++) {
        for (size_t i = 0; i < nq; i++) d->qpos[i] = (double)c->qpos[t * nq + i];
        mj_kinematics(m, d);  // normalises quaternions
        for (size_t i = 0; i < 3 * nbody; i++) c->pos[t * 3 * nbody + i] = (float)d->xpos[i];
        for (size_t i = 0; i < 4 * nbody; i++) c->quat[t * 4 * nbody + i] = (float)d->xquat[i];
    }
    mj_deleteData(d);
    c->done = true;
}

int udy_scene_poses(const udy_task *task, const float *qpos, int T, float *pos, float *quat,
                    udy_error *err) {
    char why[512] = "";
    int nq = task->info.nq;
    if (T < 0) return udy_error_set(err, UDY_EINVAL, "%s: places of %d states", task->row->id, T);
    for (size_t i = 0; i < (size_t)T * (size_t)nq; i++)
        if (!isfinite(qpos[i]))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s: qpos[%zu] of state %zu is %g; expected a finite number",
                                 task->row->id, i % (size_t)nq, i / (size_t)nq, (double)qpos[i]);
    poses_call call = {.model = task->model, .qpos = qpos, .T = T, .pos = pos, .quat = quat};
    if (!udy__faults_trap(place, &call, why, sizeof why)) return udy__faults_error(err, task, why);
    if (!call.done)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for places", task->row->id);
    return UDY_OK;
}
