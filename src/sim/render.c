// render.c: pictures of states: a model dressed for the camera, a scene, an OpenGL context (gl.c) and
// MuJoCo's own renderer. Each renderer has all four to itself, so that many draw at once.
#include "sim/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/gl.h"

struct udy_renderer {
    const udy_task *task;
    int width, height;
    mjModel *model;  // task's, dressed
    mjData *data;
    double *velocity;  // [nv] from one state to the next
    udy__gl *gl;
    mjvScene scene;
    mjvOption option;
    mjvCamera camera;
    mjrContext context;
    udy__lens lens;
    bool has_scene, has_context;
};

// MuJoCo's words for what an OpenGL driver refused, as ours.
static int gl_failed(udy_error *err, const udy_renderer *r, const char *what, const char *words) {
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "%s: %s %dx%d pixels with OpenGL through %s failed: %.300s",
                         r->task->row->id, what, r->width, r->height,
                         r->gl ? udy__gl_kind(r->gl) : "nothing", words);
}

//------------------------------------------ Life --------------------------------------------------

static void make_model(void *arg) {
    udy_renderer *r = arg;
    r->model = mj_copyModel(NULL, r->task->model);
    if (r->model) r->data = mj_makeData(r->model);
    if (!r->data) return;
    udy__dress(r->model, r->width, r->height);
    r->lens = udy__lens_for(r->task, r->model, r->data, (double)r->width / r->height);
    mjv_defaultScene(&r->scene);
    mjv_makeScene(r->model, &r->scene, 2 * (int)r->model->ngeom + 64);
    r->has_scene = true;
    mjv_defaultOption(&r->option);
    mjv_defaultCamera(&r->camera);
    r->camera.azimuth = r->lens.azimuth;
    r->camera.elevation = r->lens.elevation;
    r->camera.distance = r->lens.distance;
    r->scene.flags[mjRND_SKYBOX] = r->scene.flags[mjRND_HAZE] = r->scene.flags[mjRND_REFLECTION] =
        0;
    r->scene.flags[mjRND_FOG] = 1;
}

static void make_context(void *arg) {
    udy_renderer *r = arg;
    mjr_makeContext(r->model, &r->context, mjFONTSCALE_100);
    r->has_context = true;
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
}

static int start_drawing(udy_renderer *r, udy_error *err) {
    char why[512] = "";
    int status = udy__gl_open(&r->gl, err);
    if (status == UDY_OK) status = udy__gl_enter(r->gl, err);
    if (status != UDY_OK) return status;
    mjr_defaultContext(&r->context);
    bool made = udy__faults_trap(make_context, r, why, sizeof why);
    if (!made || r->context.currentBuffer != mjFB_OFFSCREEN)
        status = gl_failed(err, r, "drawing", made ? "no buffer to draw into" : why);
    udy__gl_leave(r->gl);
    return status;
}

int udy_renderer_create(udy_renderer **out, const udy_task *task, int width, int height,
                        udy_error *err) {
    *out = NULL;
    if (width < UDY_RENDER_SIZE_MIN || width > UDY_RENDER_SIZE_MAX ||
        height < UDY_RENDER_SIZE_MIN || height > UDY_RENDER_SIZE_MAX)
        return udy_error_set(err, UDY_EINVAL,
                             "a picture of %dx%d pixels; expected %d to %d each way", width, height,
                             UDY_RENDER_SIZE_MIN, UDY_RENDER_SIZE_MAX);
    udy_renderer *r = udy_alloc(sizeof *r);
    if (!r) return udy_error_set(err, UDY_ENOMEM, "no memory for a renderer");
    *r = (udy_renderer){.task = task, .width = width, .height = height};
    char why[512] = "";
    int status = UDY_OK;
    r->velocity = udy_alloc((size_t)(task->info.nv > 0 ? task->info.nv : 1) * sizeof *r->velocity);
    if (!udy__faults_trap(make_model, r, why, sizeof why))
        status = udy__faults_error(err, task, why);
    else if (!r->has_scene || !r->velocity)
        status = udy_error_set(err, UDY_ENOMEM, "no memory for a renderer");
    if (status == UDY_OK) status = start_drawing(r, err);
    if (status != UDY_OK) {
        udy_renderer_destroy(r);
        return status;
    }
    *out = r;
    return UDY_OK;
}

static void free_context(void *arg) {
    udy_renderer *r = arg;
    mjr_freeContext(&r->context);
}

void udy_renderer_destroy(udy_renderer *r) {
    char why[64];
    if (!r) return;
    if (r->has_context && udy__gl_enter(r->gl, NULL) == UDY_OK) {
        udy__faults_trap(free_context, r, why, sizeof why);
        udy__gl_leave(r->gl);
    }
    udy__gl_close(r->gl);
    if (r->has_scene) mjv_freeScene(&r->scene);
    if (r->data) mj_deleteData(r->data);
    if (r->model) mj_deleteModel(r->model);
    udy_free(r->velocity);
    udy_free(r);
}

const char *udy_renderer_kind(const udy_renderer *r) {
    return udy__gl_kind(r->gl);
}

//------------------------------------------ Drawing -----------------------------------------------

typedef struct draw_call {
    udy_renderer *r;
    const udy_view *view;
    uint8_t *rgb;
} draw_call;

// The state on the way from one to the next, along the joints' own coordinates.
static void place(void *arg) {
    draw_call *c = arg;
    udy_renderer *r = c->r;
    const mjModel *m = r->model;
    memcpy(r->data->qpos, c->view->qpos, (size_t)m->nq * sizeof(double));
    if (c->view->next && c->view->fraction > 0) {
        mj_differentiatePos(m, r->velocity, 1, c->view->qpos, c->view->next);
        mj_integratePos(m, r->data->qpos, r->velocity, c->view->fraction);
    }
    mj_kinematics(m, r->data);
    mj_comPos(m, r->data);
    mj_camlight(m, r->data);
    if (c->view->look_at)
        memcpy(r->camera.lookat, c->view->look_at, sizeof r->camera.lookat);
    else
        udy__look_at(r->task, &r->lens, r->data, r->camera.lookat);
    mjv_updateScene(m, r->data, &r->option, NULL, &r->camera, mjCAT_STATIC | mjCAT_DYNAMIC,
                    &r->scene);
    udy__set_stage(&r->scene, r->camera.lookat);
}

static void flip_rows(uint8_t *rgb, int width, int height) {
    size_t row = (size_t)width * 3;
    uint8_t kept[512];
    for (int y = 0; y < height / 2; y++) {
        uint8_t *a = rgb + (size_t)y * row, *b = rgb + (size_t)(height - 1 - y) * row;
        for (size_t i = 0; i < row; i += sizeof kept) {
            size_t n = row - i < sizeof kept ? row - i : sizeof kept;
            memcpy(kept, a + i, n);
            memcpy(a + i, b + i, n);
            memcpy(b + i, kept, n);
        }
    }
}

static void draw(void *arg) {
    draw_call *c = arg;
    udy_renderer *r = c->r;
    mjrRect whole = {0, 0, r->width, r->height};
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
    mjr_render(whole, &r->scene, &r->context);
    mjr_readPixels(c->rgb, NULL, whole, &r->context);
}

static int check_numbers(const udy_renderer *r, const char *what, const double *x, int n,
                         udy_error *err) {
    for (int i = 0; x && i < n; i++)
        if (!isfinite(x[i]))
            return udy_error_set(err, UDY_ENONFINITE, "%s: %s[%d] is %g; expected a finite number",
                                 r->task->row->id, what, i, x[i]);
    return UDY_OK;
}

static int check_view(const udy_renderer *r, const udy_view *view, udy_error *err) {
    int nq = r->task->info.nq;
    if (!view->qpos || !(view->fraction >= 0 && view->fraction <= 1))
        return udy_error_set(err, UDY_EINVAL, "%s: a view needs qpos, and a fraction from 0 to 1",
                             r->task->row->id);
    int status = check_numbers(r, "qpos", view->qpos, nq, err);
    if (status == UDY_OK) status = check_numbers(r, "the next qpos", view->next, nq, err);
    if (status == UDY_OK) status = check_numbers(r, "look_at", view->look_at, 3, err);
    return status;
}

int udy_renderer_draw(udy_renderer *r, const udy_view *view, uint8_t *rgb, udy_error *err) {
    char why[512] = "";
    draw_call call = {r, view, rgb};
    int status = check_view(r, view, err);
    if (status != UDY_OK) return status;
    if (!udy__faults_trap(place, &call, why, sizeof why))
        return udy__faults_error(err, r->task, why);
    status = udy__gl_enter(r->gl, err);
    if (status != UDY_OK) return status;
    if (!udy__faults_trap(draw, &call, why, sizeof why)) status = gl_failed(err, r, "drawing", why);
    udy__gl_leave(r->gl);
    if (status == UDY_OK) flip_rows(rgb, r->width, r->height);
    return status;
}
