// What a picture costs, beside a plain loop of mjr_render and mjr_readPixels on the same states:
// processor time of all threads for one picture of 640x480, and wall-clock. Mesa's software driver
// spreads a single picture over the cores, so the first is what a core is held against. Rounds are
// interleaved and the best of each is taken. Then whole videos: pictures, captions and encoding.
//
//   render_bench [ROUNDS [PICTURES]]     5 rounds of 20 pictures unless told; videos have 60 frames
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim/gl.h"
#include "sim/render.h"
#include "understudy/show.h"

enum { W = 640, H = 480, STATES = 60 };

typedef struct cost {
    double cpu_s, wall_s;
} cost;

static void fail(const udy_error *err) {
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static cost now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (cost){(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                      1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
                  udy_clock_s()};
}

static void keep_best(cost *best, cost from, int pictures) {
    cost to = now();
    double cpu = (to.cpu_s - from.cpu_s) / pictures, wall = (to.wall_s - from.wall_s) / pictures;
    if (best->cpu_s == 0 || cpu < best->cpu_s) best->cpu_s = cpu;
    if (best->wall_s == 0 || wall < best->wall_s) best->wall_s = wall;
}

//------------------------------------------ The plain loop ----------------------------------------

typedef struct plain {
    mjModel *m;
    mjData *d;
    udy__gl *gl;
    mjvScene scene;
    mjvOption option;
    mjvCamera camera;
    mjrContext context;
} plain;

// dressed: with the floor, lights and shadow that a video has, else as the model comes.
static void plain_open(plain *p, const udy_task *task, bool dressed) {
    udy_error err;
    memset(p, 0, sizeof *p);
    p->m = mj_copyModel(NULL, task->model);
    p->d = mj_makeData(p->m);
    if (dressed) udy__dress(p->m, W, H);
    p->m->vis.global.offwidth = W;
    p->m->vis.global.offheight = H;
    if (udy__gl_open(&p->gl, &err) || udy__gl_enter(p->gl, &err)) fail(&err);
    mjv_defaultScene(&p->scene);
    mjv_makeScene(p->m, &p->scene, 1000);
    mjv_defaultOption(&p->option);
    mjv_defaultCamera(&p->camera);
    p->camera.type = mjCAMERA_TRACKING;
    p->camera.trackbodyid = 1;
    p->camera.distance = 4;
    p->camera.azimuth = 100;
    p->camera.elevation = -20;
    mjr_defaultContext(&p->context);
    mjr_makeContext(p->m, &p->context, mjFONTSCALE_100);
    mjr_setBuffer(mjFB_OFFSCREEN, &p->context);
    udy__gl_leave(p->gl);
}

static void plain_close(plain *p) {
    if (udy__gl_enter(p->gl, NULL) == UDY_OK) {
        mjr_freeContext(&p->context);
        udy__gl_leave(p->gl);
    }
    udy__gl_close(p->gl);
    mjv_freeScene(&p->scene);
    mj_deleteData(p->d);
    mj_deleteModel(p->m);
}

static void plain_draw(plain *p, const double *qpos, int n, uint8_t *rgb) {
    mjrRect whole = {0, 0, W, H};
    udy_error err;
    if (udy__gl_enter(p->gl, &err)) fail(&err);
    for (int t = 0; t < n; t++) {
        memcpy(p->d->qpos, qpos + (size_t)t * (size_t)p->m->nq, (size_t)p->m->nq * sizeof *qpos);
        mj_forward(p->m, p->d);
        mjv_updateScene(p->m, p->d, &p->option, NULL, &p->camera, mjCAT_ALL, &p->scene);
        mjr_render(whole, &p->scene, &p->context);
        mjr_readPixels(rgb, NULL, whole, &p->context);
    }
    udy__gl_leave(p->gl);
}

//------------------------------------------ Ours --------------------------------------------------

static void ours_draw(udy_renderer *renderer, const double *qpos, int nq, int n, uint8_t *rgb) {
    udy_error err;
    for (int t = 0; t < n; t++) {
        udy_view view = {.qpos = qpos + (size_t)t * (size_t)nq};
        if (udy_renderer_draw(renderer, &view, rgb, &err)) fail(&err);
    }
}

// Two panels side by side.
static void film(cost *best, const udy_task *task, const udy_footage *footage, int n_threads) {
    udy_video_config config;
    udy_error err;
    char path[64];
    snprintf(path, sizeof path, "/tmp/render_bench-%d.mp4", (int)getpid());
    udy_video_config_default(&config);
    cost from = now();
    if (udy_video_write(path, task, footage, 2, &config, n_threads, NULL, NULL, &err)) fail(&err);
    keep_best(best, from, 2 * STATES);
    unlink(path);
}

static void tell(const char *what, cost c, cost against) {
    printf("%-58s %7.1f ms %7.1f ms %6.2f\n", what, 1e3 * c.cpu_s, 1e3 * c.wall_s,
           c.cpu_s / against.cpu_s);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5, n = argc > 2 ? atoi(argv[2]) : 20;
    udy_error err;
    udy_task *task;
    udy_batch *batch;
    udy_policy *policy;
    udy_renderer *renderer;
    udy_footage footage[2];
    static uint8_t rgb[W * H * 3];
    if (rounds < 1 || n < 1 || n > STATES) {
        fprintf(stderr, "render_bench [ROUNDS [PICTURES]]: at least 1 round, 1 to %d pictures\n",
                STATES);
        return 2;
    }
    if (udy_task_create(&task, "Ant-v5", NULL, &err) ||
        udy_batch_create(&batch, task, 1, 1, &err) || udy_policy_random(&policy, task, &err))
        fail(&err);
    const udy_policy *both[2] = {policy, policy};
    // Falls or not, the policies go on: both panels have STATES states.
    udy_footage_config config = {.max_steps = STATES - 1, .after_s = 60};
    if (udy_footage_record(footage, both, 2, task, batch, 0, &config, NULL, &err) ||
        udy_renderer_create(&renderer, task, W, H, &err))
        fail(&err);
    int nq = udy_task_info_of(task)->nq, cores = udy_cpu_count();
    plain as_it_comes, dressed;
    plain_open(&as_it_comes, task, false);
    plain_open(&dressed, task, true);
    cost loop = {0}, same = {0}, ours = {0}, one = {0}, two = {0};
    for (int r = 0; r <= rounds; r++) {
        if (r == 1) loop = same = ours = (cost){0};  // the first warms up
        cost from = now();
        plain_draw(&as_it_comes, footage[0].qpos, n, rgb);
        keep_best(&loop, from, n);
        from = now();
        plain_draw(&dressed, footage[0].qpos, n, rgb);
        keep_best(&same, from, n);
        from = now();
        ours_draw(renderer, footage[0].qpos, nq, n, rgb);
        keep_best(&ours, from, n);
    }
    for (int i = 0; i < 2; i++) footage[i].n_states = STATES;
    for (int r = 0; r < rounds && r < 2; r++) {
        film(&one, task, footage, 1);
        film(&two, task, footage, 0);
    }
    printf("%dx%d, best of %d rounds of %d pictures, %s\n", W, H, rounds, n,
           udy_renderer_kind(renderer));
    printf("%-58s %10s %10s %6s\n", "a picture", "processor", "wall", "ratio");
    tell("plain mjr_render + mjr_readPixels, model as it comes", loop, loop);
    tell("the same loop with a video's floor, light and shadow", same, loop);
    tell("udy_renderer_draw", ours, loop);
    tell("a panel of a video with captions and H.264, one thread", one, loop);
    char what[80];
    snprintf(what, sizeof what, "a panel of a video with captions and H.264, %d threads", cores);
    tell(what, two, loop);
    plain_close(&as_it_comes);
    plain_close(&dressed);
    udy_renderer_destroy(renderer);
    for (int i = 0; i < 2; i++) udy_footage_free(&footage[i]);
    udy_policy_destroy(policy);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    return 0;
}
