// Videos: footage drawn on all threads and encoded in order. Pictures are made in batches; while one
// batch is drawn, one of the tasks encodes the batch before, so that no thread waits for another's
// kind of work, and the file's bytes do not depend on how many there are.
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "show/video.h"

#define BATCH_BYTES ((size_t)96 << 20)  // of pictures, in each of two batches

typedef struct studio {
    const udy_task *task;
    const udy_footage *footage;
    int n, columns, rows;
    udy_video_config config;
    int width, height;  // of the whole
    double fps, dt;
    int64_t n_frames;
    double **look_at;  // [n][T, 3]
    udy__overlay *overlay;
    udy__mp4 *mp4;

    int n_threads;
    udy_renderer **renderers;  // [n_threads], made by the thread that draws with them
    uint8_t **panels;          // [n_threads] one picture of a panel

    uint8_t *batch[2];                // [per_batch, height, width, 3]
    int per_batch;                    // frames
    int64_t drawing, encoding;        // first frame of the batch under way, and of the one before
    int n_drawing, n_encoding, side;  // side: which of the two is drawn into

    atomic_bool failed;
    pthread_mutex_t mutex;
    udy_error error;  // the first to be noticed
} studio;

void udy_video_config_default(udy_video_config *config) {
    *config = (udy_video_config){.width = 640, .height = 480, .crf = 23};
}

static void fail(studio *s, const udy_error *err) {
    pthread_mutex_lock(&s->mutex);
    if (!atomic_exchange(&s->failed, true)) s->error = *err;
    pthread_mutex_unlock(&s->mutex);
}

//------------------------------------------ One picture -------------------------------------------

// Where frame k is in footage f: on the way from one state to the next, by `fraction` of it.
static int state_at(const studio *s, const udy_footage *f, int64_t k, double *fraction) {
    // A hair more, so that a frame due exactly at a state shows that state.
    double at = (double)k / s->fps / s->dt + 1e-6;
    int t = (int)floor(at);
    *fraction = at - t > 2e-6 ? at - t : 0;
    if (t < f->n_states - 1) return t;
    *fraction = 0;
    return f->n_states - 1;
}

static void caption_of(const studio *s, const udy_footage *f, int t, int64_t k,
                       udy__caption *caption) {
    bool over = t >= f->n_episode - 1;
    int clock = over ? f->n_episode - 1 : t;
    *caption = (udy__caption){.label = f->label,
                              .time_s = clock * s->dt,
                              .speed = f->speed[t],
                              .ret = f->so_far[t],
                              .has_gauge = f->gauge != NULL,
                              .gauge = f->gauge ? f->gauge[t] : 0,
                              .end = over ? f->end : UDY_END_NONE};
    // It stands still where others go on.
    caption->is_still = (double)k / s->fps > (f->n_states - 1) * s->dt + 0.5 * s->dt;
}

static int draw_panel(studio *s, udy_renderer *renderer, int panel, int64_t k, uint8_t *rgb,
                      udy_error *err) {
    const udy_footage *f = &s->footage[panel];
    size_t nq = (size_t)udy_task_info_of(s->task)->nq;
    double fraction, look_at[3];
    int t = state_at(s, f, k, &fraction), next = t + 1 < f->n_states ? t + 1 : t;
    for (int i = 0; i < 3; i++)
        look_at[i] = s->look_at[panel][3 * t + i] * (1 - fraction) +
                     s->look_at[panel][3 * next + i] * fraction;
    udy_view view = {.qpos = f->qpos + (size_t)t * nq,
                     .next = f->qpos + (size_t)next * nq,
                     .fraction = fraction,
                     .look_at = look_at};
    int status = udy_renderer_draw(renderer, &view, rgb, err);
    if (status) return status;
    udy__image image = {rgb, s->config.width, s->config.height};
    udy__caption caption;
    caption_of(s, f, t, k, &caption);
    udy__overlay_draw(s->overlay, &image, &caption);
    // A line between neighbours.
    if (panel % s->columns) udy__fill(&image, 0, 0, 2, image.height, (udy__colour){16, 24, 36}, 1);
    return UDY_OK;
}

static void put_panel(const studio *s, int panel, const uint8_t *rgb, uint8_t *frame) {
    size_t row = (size_t)s->config.width * 3, whole = (size_t)s->width * 3;
    uint8_t *at = frame + (size_t)(panel / s->columns) * (size_t)s->config.height * whole +
                  (size_t)(panel % s->columns) * row;
    for (int y = 0; y < s->config.height; y++)
        memcpy(at + (size_t)y * whole, rgb + (size_t)y * row, row);
}

//------------------------------------------ Batches -----------------------------------------------

static uint8_t *frame_in(const studio *s, int side, int i) {
    return s->batch[side] + (size_t)i * (size_t)s->width * (size_t)s->height * 3;
}

static void encode_batch(studio *s) {
    udy_error err = {0};
    for (int i = 0; i < s->n_encoding && !atomic_load(&s->failed); i++)
        if (udy__mp4_frame(s->mp4, frame_in(s, !s->side, i), &err)) fail(s, &err);
}

// Task 0 encodes what was drawn before; each of the others draws a panel of a frame.
static void run_task(void *ctx, int task, int thread) {
    studio *s = ctx;
    udy_error err = {0};
    if (atomic_load(&s->failed)) return;
    if (task == 0) {
        encode_batch(s);
        return;
    }
    int i = (task - 1) / s->n, panel = (task - 1) % s->n, status = UDY_OK;
    if (!s->renderers[thread])
        status = udy_renderer_create(&s->renderers[thread], s->task, s->config.width,
                                     s->config.height, &err);
    if (!status)
        status =
            draw_panel(s, s->renderers[thread], panel, s->drawing + i, s->panels[thread], &err);
    if (status)
        fail(s, &err);
    else
        put_panel(s, panel, s->panels[thread], frame_in(s, s->side, i));
}

static int film(studio *s, udy_pool *pool, const udy_progress *progress, udy_error *err) {
    while (s->drawing < s->n_frames || s->n_encoding > 0) {
        int64_t left = s->n_frames - s->drawing;
        s->n_drawing = (int)(left < s->per_batch ? left : s->per_batch);
        if (udy_progress_advance(progress, "render", s->drawing, s->n_frames, "frames", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "video: interrupted");
        udy_pool_run(pool, 1 + s->n_drawing * s->n, run_task, s);
        if (atomic_load(&s->failed)) {
            if (err) *err = s->error;
            return s->error.code;
        }
        s->drawing += s->n_drawing;
        s->n_encoding = s->n_drawing;
        s->side = !s->side;
    }
    return UDY_OK;
}

//------------------------------------------ Setting up --------------------------------------------

static int check(const char *path, const udy_footage *footage, int n, const udy_video_config *c,
                 udy_error *err) {
    if (n < 1 || n > UDY_VIDEO_PANELS_MAX)
        return udy_error_set(err, UDY_EINVAL, "a video of %d panels; expected 1 to %d", n,
                             UDY_VIDEO_PANELS_MAX);
    for (int i = 0; i < n; i++)
        if (footage[i].n_states < 1 || !footage[i].qpos)
            return udy_error_set(err, UDY_EINVAL, "panel %d of the video has no footage", i);
    if (c->width % 2 || c->height % 2 || c->width < UDY_RENDER_SIZE_MIN ||
        c->height < UDY_RENDER_SIZE_MIN || c->width > UDY_RENDER_SIZE_MAX ||
        c->height > UDY_RENDER_SIZE_MAX)
        return udy_error_set(err, UDY_EINVAL,
                             "panels of %dx%d pixels; expected even numbers from %d to %d",
                             c->width, c->height, UDY_RENDER_SIZE_MIN, UDY_RENDER_SIZE_MAX);
    if (c->crf < 0 || c->crf > 51)
        return udy_error_set(err, UDY_EINVAL, "crf %d; expected 0 to 51", c->crf);
    // Minutes of drawing are not to end in a path that cannot be written.
    char folder[UDY_PATH_MAX];
    int status = udy_path_format(folder, err, "%s", path);
    if (status) return status;
    char *slash = strrchr(folder, '/');
    if (slash) *(slash == folder ? slash + 1 : slash) = '\0';
    const char *where = slash ? folder : ".";
    if (!*path || udy_dir_exists(path))
        return udy_error_set(err, UDY_EEXIST, "%s: expected the path of a file", path);
    if (!udy_dir_exists(where))
        return udy_error_set(err, UDY_ENOENT, "%s: no folder %s to write the video into", path,
                             where);
    if (access(where, W_OK) != 0)
        return udy_error_set(err, UDY_EPERM, "%s: its folder cannot be written into", path);
    return UDY_OK;
}

static int find_paths(studio *s, udy_error *err) {
    int status = UDY_OK;
    s->look_at = udy_alloc((size_t)s->n * sizeof *s->look_at);
    if (!s->look_at) return udy_error_set(err, UDY_ENOMEM, "no memory for a video");
    for (int i = 0; !status && i < s->n; i++) {
        int T = s->footage[i].n_states;
        s->look_at[i] = udy_alloc((size_t)T * 3 * sizeof **s->look_at);
        status = s->look_at[i] ? udy_camera_path(s->task, s->footage[i].qpos, T, s->look_at[i], err)
                               : udy_error_set(err, UDY_ENOMEM, "no memory for a video");
    }
    return status;
}

static void lay_out(studio *s) {
    double longest = 0;
    s->columns = s->n <= 3 ? s->n : s->n == 4 ? 2 : s->n <= 9 ? 3 : 4;
    s->rows = (s->n + s->columns - 1) / s->columns;
    s->width = s->columns * s->config.width;
    s->height = s->rows * s->config.height;
    s->dt = udy_task_info_of(s->task)->dt;
    s->fps = s->config.fps > 0 ? s->config.fps : 1 / s->dt;
    for (int i = 0; i < s->n; i++) longest = fmax(longest, (s->footage[i].n_states - 1) * s->dt);
    s->n_frames = (int64_t)floor(longest * s->fps + 1e-6) + 1;
    size_t frame = (size_t)s->width * (size_t)s->height * 3;
    int64_t fit = (int64_t)(BATCH_BYTES / frame);
    s->per_batch = (int)(fit < 1 ? 1 : fit < 4 * s->n_threads ? fit : 4 * s->n_threads);
}

static int open_studio(studio *s, udy_error *err) {
    size_t frame = (size_t)s->width * (size_t)s->height * 3;
    size_t panel = (size_t)s->config.width * (size_t)s->config.height * 3;
    size_t threads = (size_t)s->n_threads;
    s->renderers = udy_alloc(threads * sizeof *s->renderers);
    s->panels = udy_alloc(threads * sizeof *s->panels);
    bool ok = s->renderers && s->panels;
    for (int i = 0; ok && i < s->n_threads; i++) ok = (s->panels[i] = udy_alloc(panel)) != NULL;
    // Zeroed: places without a panel are black.
    for (int i = 0; ok && i < 2; i++)
        ok = (s->batch[i] = udy_alloc((size_t)s->per_batch * frame)) != NULL;
    if (!ok) return udy_error_set(err, UDY_ENOMEM, "no memory for %d pictures", 2 * s->per_batch);
    int status = find_paths(s, err);
    if (!status) status = udy__overlay_create(&s->overlay, s->config.width, s->config.height, err);
    if (!status)
        status =
            udy__mp4_open(&s->mp4, s->width, s->height, s->fps, s->config.crf, s->n_frames, err);
    return status;
}

static void close_studio(studio *s) {
    for (int i = 0; s->renderers && i < s->n_threads; i++) udy_renderer_destroy(s->renderers[i]);
    for (int i = 0; s->panels && i < s->n_threads; i++) udy_free(s->panels[i]);
    for (int i = 0; s->look_at && i < s->n; i++) udy_free(s->look_at[i]);
    for (int i = 0; i < 2; i++) udy_free(s->batch[i]);
    udy_free(s->renderers);
    udy_free(s->panels);
    udy_free(s->look_at);
    udy__overlay_destroy(s->overlay);
    udy__mp4_close(s->mp4);
    pthread_mutex_destroy(&s->mutex);
}

int udy_video_write(const char *path, const udy_task *task, const udy_footage *footage, int n,
                    const udy_video_config *config, int n_threads, udy_video_info *info,
                    const udy_progress *progress, udy_error *err) {
    int status = check(path, footage, n, config, err);
    if (status) return status;
    udy_pool *pool = NULL;
    status = udy_pool_create(&pool, n_threads, err);
    if (status) return status;
    studio s = {.task = task,
                .footage = footage,
                .n = n,
                .config = *config,
                .n_threads = udy_pool_threads(pool)};
    int64_t n_bytes = 0;
    pthread_mutex_init(&s.mutex, NULL);
    atomic_init(&s.failed, false);
    lay_out(&s);
    status = open_studio(&s, err);
    if (!status) status = film(&s, pool, progress, err);
    if (!status) status = udy__mp4_write(s.mp4, path, &n_bytes, err);
    if (!status) udy_progress_advance(progress, "render", s.n_frames, s.n_frames, "frames", "");
    if (!status && info)
        *info = (udy_video_info){.width = s.width,
                                 .height = s.height,
                                 .frames = s.n_frames,
                                 .n_bytes = n_bytes,
                                 .seconds = (double)s.n_frames / s.fps};
    close_studio(&s);
    udy_pool_destroy(pool);
    return status;
}
