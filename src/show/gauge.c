// The gauge of videos: how far is what a policy meets from anything it was shown? Distances are
// study's; here is the scale that makes them 0 to 1, which comes from the demonstrations themselves.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/video.h"
#include "study/divergence.h"

enum {
    ROWS = 25000,       // of the demonstrations, to be near to
    LEFT_OUT = 16,      // episodes held against all others for the scale
    LEFT_OUT_ROWS = 64  // rows of each of them
};
#define FULL 2.0  // times the 95 % quantile

struct udy_gauge {
    int dims;
    udy_standard standard;
    udy_neighbours *neighbours;
    udy_pool *pool;
    double full_at;
};

typedef struct episodes {
    udy_sample sample;
    udy_rows *rows;  // [sample.n], in the dataset's map
} episodes;

static int no_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a video's gauge");
}

//------------------------------------------ Demonstrations ----------------------------------------

static int view(episodes *out, const udy_dataset *demos, const udy_task *task, udy_error *err) {
    udy_dataset_info info = udy_dataset_info_of(demos);
    const udy_task_info *wanted = udy_task_info_of(task);
    int n = info.n_episodes < UDY_SAMPLE_EPISODES_MAX ? info.n_episodes : UDY_SAMPLE_EPISODES_MAX;
    if (strcmp(info.task, wanted->id) != 0 || info.obs_dim != wanted->obs_dim)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s holds %s with %d observations; this is %s with %d", info.path,
                             info.task, info.obs_dim, wanted->id, wanted->obs_dim);
    if (n < 2)
        return udy_error_set(
            err, UDY_EINVAL,
            "%s holds %d episode%s; a gauge measures by how far demonstrations are "
            "from each other: expected 2 or more",
            info.path, n, n == 1 ? "" : "s");
    out->rows = udy_alloc((size_t)n * sizeof *out->rows);
    if (!out->rows) return no_memory(err);
    for (int e = 0; e < n; e++) {
        udy_dataset_episode episode = udy_dataset_episode_at(demos, e);
        out->rows[e] = (udy_rows){udy_dataset_obs(demos, episode.first_row), episode.length};
    }
    out->sample = (udy_sample){
        .name = "the demonstrations", .dims = info.obs_dim, .n = n, .episodes = out->rows};
    return UDY_OK;
}

// Rows that were picked, copied: a sample of its own. rows, data: to be freed.
static int copy_picked(const udy__picked *picked, udy_sample *out, udy_rows **rows, float **data,
                       udy_error *err) {
    size_t dims = (size_t)picked->dims;
    *rows = udy_alloc((size_t)picked->n * sizeof **rows);
    *data = udy_alloc((size_t)picked->n_rows * dims * sizeof **data);
    if (!*rows || !*data) return no_memory(err);
    for (int r = 0; r < picked->n_rows; r++)
        memcpy(*data + (size_t)r * dims, picked->row[r], dims * sizeof **data);
    for (int e = 0; e < picked->n; e++)
        (*rows)[e] = (udy_rows){*data + (size_t)picked->start[e] * dims,
                                picked->start[e + 1] - picked->start[e]};
    *out = (udy_sample){
        .name = "the demonstrations", .dims = picked->dims, .n = picked->n, .episodes = *rows};
    return UDY_OK;
}

// To be near to all episodes but `without` (-1: all of them).
static int make_neighbours(udy_neighbours **out, const udy_gauge *g, const udy_sample *demos,
                           int without, udy_error *err) {
    *out = NULL;
    uint32_t *use = udy_alloc((size_t)demos->n * sizeof *use);
    if (!use) return no_memory(err);
    int n = 0;
    for (int e = 0; e < demos->n; e++)
        if (e != without) use[n++] = (uint32_t)e;
    udy__picked picked = {0};
    udy_rows *rows = NULL;
    float *data = NULL;
    udy_sample sample;
    int status = udy__pick_some(&picked, demos, use, n, ROWS / n > 0 ? ROWS / n : 1, 0, err);
    if (!status) status = copy_picked(&picked, &sample, &rows, &data, err);
    if (!status) status = udy_neighbours_create(out, &sample, &g->standard, err);
    udy__picked_free(&picked);
    udy_free(rows);
    udy_free(data);
    udy_free(use);
    return status;
}

//------------------------------------------ Scale -------------------------------------------------

// Distances of some of an episode's rows to all other episodes, appended.
static int leave_out(const udy_gauge *g, const udy_sample *demos, int episode, double *distance,
                     size_t *n, udy_error *err) {
    udy_neighbours *others = NULL;
    udy__picked picked = {0};
    udy_rows *rows = NULL;
    float *data = NULL;
    udy_sample some;
    const uint32_t only[1] = {(uint32_t)episode};
    int status = udy__pick_some(&picked, demos, only, 1, LEFT_OUT_ROWS, 1, err);
    if (!status) status = copy_picked(&picked, &some, &rows, &data, err);
    if (!status) status = make_neighbours(&others, g, demos, episode, err);
    if (!status)
        status = udy_neighbours_query(others, data, (size_t)picked.n_rows, distance + *n, NULL,
                                      g->pool, "gauge", NULL, err);
    *n += status ? 0 : (size_t)picked.n_rows;
    udy_neighbours_destroy(others);
    udy__picked_free(&picked);
    udy_free(rows);
    udy_free(data);
    return status;
}

static int find_scale(udy_gauge *g, const udy_sample *demos, const udy_progress *progress,
                      udy_error *err) {
    int n_out = demos->n < LEFT_OUT ? demos->n : LEFT_OUT, status = UDY_OK;
    size_t n = 0;
    double *distance = udy_alloc((size_t)n_out * LEFT_OUT_ROWS * sizeof *distance);
    if (!distance) return no_memory(err);
    for (int i = 0; !status && i < n_out; i++) {
        int episode = (int)((int64_t)i * demos->n / n_out);
        status = leave_out(g, demos, episode, distance, &n, err);
        if (!status && udy_progress_advance(progress, "gauge", i + 1, n_out, "episodes", ""))
            status = udy_error_set(err, UDY_EINTERRUPTED, "gauge: interrupted");
    }
    if (!status) g->full_at = FULL * udy_quantile(distance, n, 0.95);
    udy_free(distance);
    return status;
}

//------------------------------------------ Life --------------------------------------------------

int udy_gauge_create(udy_gauge **out, const udy_dataset *demos, const udy_task *task, int n_threads,
                     const udy_progress *progress, udy_error *err) {
    *out = NULL;
    episodes all = {0};
    udy_gauge *g = udy_alloc(sizeof *g);
    if (!g) return no_memory(err);
    int status = view(&all, demos, task, err);
    const udy_sample *samples[1] = {&all.sample};
    g->dims = all.sample.dims;
    if (!status) status = udy_pool_create(&g->pool, n_threads, err);
    if (!status) status = udy_standard_fit(&g->standard, samples, 1, err);
    if (!status) status = find_scale(g, &all.sample, progress, err);
    if (!status) status = make_neighbours(&g->neighbours, g, &all.sample, -1, err);
    udy_free(all.rows);
    if (status) {
        udy_gauge_destroy(g);
        return status;
    }
    *out = g;
    return UDY_OK;
}

void udy_gauge_destroy(udy_gauge *g) {
    if (!g) return;
    udy_neighbours_destroy(g->neighbours);
    udy_standard_free(&g->standard);
    udy_pool_destroy(g->pool);
    udy_free(g);
}

double udy_gauge_full_at(const udy_gauge *g) {
    return g->full_at;
}

//------------------------------------------ Reading -----------------------------------------------

static bool is_finite(const float *row, int n) {
    for (int k = 0; k < n; k++)
        if (!isfinite(row[k])) return false;
    return true;
}

int udy_gauge_read(udy_gauge *g, const udy_footage *footage, double *values,
                   const udy_progress *progress, udy_error *err) {
    size_t T = (size_t)(footage->n_states > 0 ? footage->n_states : 0), O = (size_t)g->dims;
    // A state that flew off has no distance; zeros stand in its place meanwhile.
    float *rows = udy_alloc((T + 1) * O * sizeof *rows);
    if (!rows) return no_memory(err);
    for (size_t t = 0; t < T; t++)
        if (is_finite(footage->obs + t * O, g->dims))
            memcpy(rows + t * O, footage->obs + t * O, O * sizeof *rows);
    int status =
        udy_neighbours_query(g->neighbours, rows, T, values, NULL, g->pool, "gauge", progress, err);
    udy_free(rows);
    for (size_t t = 0; !status && t < T; t++) {
        // Demonstrations that are all alike have no spread: then anything else is far.
        double share = g->full_at > 0 ? values[t] / g->full_at : values[t] > 0;
        values[t] = is_finite(footage->obs + t * O, g->dims) ? fmin(1, share) : (double)NAN;
    }
    return status;
}

int udy_gauge_show(udy_gauge *g, udy_footage *footage, int n, double **values,
                   const udy_progress *progress, udy_error *err) {
    int status = UDY_OK;
    for (int i = 0; !status && i < n; i++) {
        values[i] = udy_alloc((size_t)footage[i].n_states * sizeof *values[i]);
        status = values[i] ? udy_gauge_read(g, &footage[i], values[i], progress, err)
                           : udy_error_set(err, UDY_ENOMEM, "no memory for a video's gauge");
        footage[i].gauge = values[i];
    }
    return status;
}
