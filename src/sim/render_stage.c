// render_stage.c: what makes a task's model a picture: a floor that never ends, tiles of a metre, soft
// light, a shadow that keeps up, and a camera that follows. The models were made for physics: their
// floors end after 40 m (an expert is there in 5 s), and their one light leaves the robot behind.
#include "sim/render.h"

#include <math.h>
#include <string.h>

#define FLOOR_HALF 40.0  // m; beyond it lies fog
#define TILE_REPEAT 2.0  // m after which the tiles repeat: one light, one dark
#define MSAA 4
#define SHADOW_PIXELS 1024
#define SHADOW_HALF 2.5  // m around the robot in which shadows fall
#define RAD (3.14159265358979323846 / 180)

static const float haze[4] = {0.80F, 0.86F, 0.92F, 1};
static const uint8_t tiles[2][3] = {{206, 214, 222}, {158, 172, 187}};
static const float white[4] = {1, 1, 1, 1};

//------------------------------------------ Dress -------------------------------------------------

static void paint_tiles(mjModel *m, int tex) {
    int channels = m->tex_nchannel[tex], w = m->tex_width[tex], h = m->tex_height[tex];
    mjtByte *p = m->tex_data + m->tex_adr[tex];
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, p += channels)
            for (int k = 0; k < channels && k < 3; k++) p[k] = tiles[(2 * x < w) == (2 * y < h)][k];
}

// A floor of tiles, where its texture is a picture of its own.
static void dress_floor(mjModel *m, int g) {
    int mat = m->geom_matid[g],
        tex = mat >= 0 ? m->mat_texid[mat * mjNTEXROLE + mjTEXROLE_RGB] : -1;
    m->geom_size[3 * g] = m->geom_size[3 * g + 1] = FLOOR_HALF;
    m->geom_size[3 * g + 2] = FLOOR_HALF;  // the spacing of its mesh
    if (mat >= 0) {
        m->mat_reflectance[mat] = 0;
        m->mat_specular[mat] = 0;
    }
    if (tex < 0 || m->tex_type[tex] != mjTEXTURE_2D) return;
    m->mat_texuniform[mat] = 1;
    m->mat_texrepeat[2 * mat] = m->mat_texrepeat[2 * mat + 1] = (float)(2 / TILE_REPEAT);
    paint_tiles(m, tex);
    memcpy(m->geom_rgba + 4 * g, white, sizeof white);
    memcpy(m->mat_rgba + 4 * mat, white, sizeof white);
}

static void dress_lights(mjModel *m) {
    for (mjtSize i = 0; i < m->nlight; i++) {
        mjtNum *dir = m->light_dir + 3 * i;
        if (m->light_type[i] != mjLIGHT_DIRECTIONAL) continue;
        // From over the camera's shoulder: the robot's sides get shape, its shadow shows its height.
        dir[0] = 0.25;
        dir[1] = 0.35;
        dir[2] = -1;
        mju_normalize3(dir);
        for (int k = 0; k < 3; k++) {
            m->light_diffuse[3 * i + k] = 0.50F;
            m->light_ambient[3 * i + k] = 0;
            m->light_specular[3 * i + k] = 0.15F;
        }
    }
    // A model without a light is lit from the camera alone.
    float share = m->nlight > 0 ? 0.18F : 0.55F;
    for (int k = 0; k < 3; k++) {
        m->vis.headlight.ambient[k] = 0.46F;
        m->vis.headlight.diffuse[k] = share;
        m->vis.headlight.specular[k] = 0;
    }
    m->vis.headlight.active = 1;
}

void udy__dress(mjModel *m, int width, int height) {
    double extent = m->stat.extent > 0 ? m->stat.extent : 1;
    for (mjtSize g = 0; g < m->ngeom; g++)
        if (m->geom_type[g] == mjGEOM_PLANE) dress_floor(m, (int)g);
    dress_lights(m);
    m->vis.global.offwidth = width;
    m->vis.global.offheight = height;
    m->vis.global.fovy = 45;
    m->vis.quality.offsamples = MSAA;
    m->vis.quality.shadowsize = SHADOW_PIXELS;
    m->vis.map.shadowclip = (float)(SHADOW_HALF / extent);
    m->vis.map.znear = (float)(0.05 / extent);
    m->vis.map.zfar = (float)(3 * FLOOR_HALF / extent);
    m->vis.map.fogstart = (float)(0.25 * FLOOR_HALF / extent);
    m->vis.map.fogend = (float)(0.9 * FLOOR_HALF / extent);
    memcpy(m->vis.rgba.fog, haze, sizeof haze);
}

//------------------------------------------ Camera ------------------------------------------------

static int body_of(const udy_task *task) {
    int body = task->config.main_body;
    return body > 0 && body < task->model->nbody ? body : task->model->nbody > 1;
}

// The robot's box, without what is part of the world.
static bool bounds(const mjModel *m, const mjData *d, double low[3], double high[3]) {
    bool any = false;
    for (mjtSize g = 0; g < m->ngeom; g++) {
        if (m->geom_bodyid[g] == 0 || m->geom_type[g] == mjGEOM_PLANE) continue;
        for (int k = 0; k < 3; k++) {
            double at = d->geom_xpos[3 * g + k], r = m->geom_rbound[g];
            low[k] = any ? fmin(low[k], at - r) : at - r;
            high[k] = any ? fmax(high[k], at + r) : at + r;
        }
        any = true;
    }
    return any;
}

udy__lens udy__lens_for(const udy_task *task, const mjModel *m, mjData *d, double aspect) {
    udy__lens lens = {.azimuth = 100, .elevation = -20, .distance = 4};
    double low[3], high[3];
    mj_resetData(m, d);
    mj_kinematics(m, d);
    if (!bounds(m, d, low, high)) return lens;
    double broad = hypot(high[0] - low[0], high[1] - low[1]) / 2;
    // A little below the middle: legs reach down. The same for every shape of picture, so that a
    // camera's path is.
    lens.rise = (high[2] + low[2]) / 2 - d->xpos[3 * body_of(task) + 2] - 0.1 * broad;
    // Room to move in, and for captions above and below; and what comes nearer looks larger.
    double across = 1.45 * broad / aspect, up = 1.3 * (high[2] - low[2]) / 2;
    lens.distance = fmax(across, up) / tan(0.5 * (double)m->vis.global.fovy * RAD);
    return lens;
}

void udy__look_at(const udy_task *task, const udy__lens *lens, const mjData *d, double point[3]) {
    memcpy(point, d->xpos + 3 * body_of(task), 3 * sizeof *point);
    point[2] += lens->rise;
}

//------------------------------------------ Stage -------------------------------------------------

// A wall that faces the camera, all fog: the sky.
static void add_backdrop(mjvScene *scene) {
    if (scene->ngeom >= scene->maxgeom) return;
    const mjvGLCamera *cam = &scene->camera[0];
    mjvGeom *wall = &scene->geoms[scene->ngeom++];
    const double size[3] = {4 * FLOOR_HALF, 4 * FLOOR_HALF, 1};
    double at[3], z[3], x[3], y[3], mat[9];
    for (int k = 0; k < 3; k++) {
        z[k] = -(double)cam->forward[k];
        y[k] = (double)cam->up[k];
        at[k] = (double)(scene->camera[0].pos[k] + scene->camera[1].pos[k]) / 2 -
                1.5 * FLOOR_HALF * z[k];
    }
    mju_cross(x, y, z);
    for (int k = 0; k < 3; k++) {
        mat[3 * k] = x[k];
        mat[3 * k + 1] = y[k];
        mat[3 * k + 2] = z[k];
    }
    mjv_initGeom(wall, mjGEOM_PLANE, size, at, mat, haze);
    wall->category = mjCAT_DECOR;  // casts no shadow
}

void udy__set_stage(mjvScene *scene, const double look_at[3]) {
    for (int g = 0; g < scene->ngeom; g++) {
        mjvGeom *geom = &scene->geoms[g];
        if (geom->type != mjGEOM_PLANE) continue;
        geom->category = mjCAT_DECOR;  // casts no shadow, which would be speckles on itself
        // In whole repeats of its tiles, the floor comes along and nobody sees.
        for (int k = 0; k < 2; k++)
            geom->pos[k] +=
                (float)(TILE_REPEAT * round((look_at[k] - (double)geom->pos[k]) / TILE_REPEAT));
    }
    for (int i = 0; i < scene->nlight; i++) {
        mjvLight *light = &scene->lights[i];
        if (light->type != mjLIGHT_DIRECTIONAL || light->headlight) continue;
        for (int k = 0; k < 3; k++)
            light->pos[k] = (float)look_at[k] - 2 * (float)SHADOW_HALF * light->dir[k];
    }
    add_backdrop(scene);
}

//------------------------------------------ Following ---------------------------------------------

#define PATH_SIGMA_S 0.22         // s, of the average along the floor
#define PATH_SIGMA_HEIGHT_S 0.45  // s, up and down: a trot is not to shake the picture

typedef struct path_call {
    const udy_task *task;
    const double *qpos;
    int T;
    double *raw;  // [T, 3]
    bool done;
} path_call;

static void see_places(void *arg) {
    path_call *c = arg;
    mjModel *m = mj_copyModel(NULL, c->task->model);
    mjData *d = m ? mj_makeData(m) : NULL;
    if (d) {
        udy__lens lens = udy__lens_for(c->task, m, d, 1);
        for (int t = 0; t < c->T; t++) {
            memcpy(d->qpos, c->qpos + (size_t)t * (size_t)m->nq, (size_t)m->nq * sizeof *c->qpos);
            mj_kinematics(m, d);
            udy__look_at(c->task, &lens, d, c->raw + 3 * t);
        }
        c->done = true;
    }
    if (d) mj_deleteData(d);
    if (m) mj_deleteModel(m);
}

// A Gaussian average of column k around state t, cut off at three sigma and at the ends.
static double smooth(const double *raw, int T, int t, int k, double sigma) {
    int reach = (int)ceil(3 * sigma);
    double sum = 0, weights = 0;
    for (int i = t - reach; i <= t + reach; i++) {
        if (i < 0 || i >= T) continue;
        double w = sigma > 0 ? exp(-0.5 * (i - t) * (i - t) / (sigma * sigma)) : 1;
        sum += w * raw[3 * i + k];
        weights += w;
    }
    return sum / weights;
}

int udy_camera_path(const udy_task *task, const double *qpos, int T, double *look_at,
                    udy_error *err) {
    char why[512] = "";
    size_t n = (size_t)(T > 0 ? T : 0) * (size_t)task->info.nq;
    if (T < 1) return udy_error_set(err, UDY_EINVAL, "%s: a path of %d states", task->row->id, T);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(qpos[i]))
            return udy_error_set(
                err, UDY_ENONFINITE, "%s: qpos[%zu] of state %zu is %g; expected a finite number",
                task->row->id, i % (size_t)task->info.nq, i / (size_t)task->info.nq, qpos[i]);
    path_call call = {.task = task, .qpos = qpos, .T = T};
    call.raw = udy_alloc((size_t)T * 3 * sizeof *call.raw);
    int status = UDY_OK;
    if (!call.raw)
        status = udy_error_set(err, UDY_ENOMEM, "no memory for a path of %d states", T);
    else if (!udy__faults_trap(see_places, &call, why, sizeof why))
        status = udy__faults_error(err, task, why);
    else if (!call.done)
        status = udy_error_set(err, UDY_ENOMEM, "no memory for a path of %d states", T);
    for (int t = 0; status == UDY_OK && t < T; t++)
        for (int k = 0; k < 3; k++)
            look_at[3 * t + k] = smooth(
                call.raw, T, t, k, (k == 2 ? PATH_SIGMA_HEIGHT_S : PATH_SIGMA_S) / task->info.dt);
    udy_free(call.raw);
    return status;
}
