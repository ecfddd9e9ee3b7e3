// A policy's episodes and what each of their rows says: how far it is from anything demonstrated, and
// how far the policy's action there is from the expert's.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/dataset.h"
#include "study/shift.h"

// Of the demonstrations at most so many rows are searched, drawn evenly from all their episodes: a
// gait's cycle is well covered by then, and the search is the longest part of a measurement.
enum { DEMO_ROWS = 25000 };

int udy__shift_no_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM,
                         "no memory to measure a shift: take fewer episodes or policies");
}

bool udy__shift_fell(const udy_episode *e) {
    return e->end != UDY_END_NONE && e->end != UDY_END_LIMIT;
}

double udy__shift_height(const udy_episode *e, int t) {
    double height = e->height[t];
    return isfinite(height) ? height : 0;
}

//------------------------------------------ Rollouts ----------------------------------------------

void udy__shift_set_free(udy__shift_set *set) {
    udy_episodes_free(set->episodes, set->n);
    udy_free(set->episodes);
    udy_free(set->rows);
    udy_free(set->start);
    udy_free(set->distance);
    udy_free(set->error);
    *set = (udy__shift_set){0};
}

// Rows of a rollout that has been made.
static int describe(udy__shift_set *set, const char *name, int dims, udy_error *err) {
    for (int e = 0; e < set->n; e++) {
        set->rows[e] = (udy_rows){set->episodes[e].obs, set->episodes[e].length};
        set->start[e + 1] = set->start[e] + (size_t)set->episodes[e].length;
    }
    set->sample = (udy_sample){.name = name, .dims = dims, .n = set->n, .episodes = set->rows};
    set->distance = udy_alloc(set->start[set->n] * sizeof *set->distance);
    set->error = udy_alloc(set->start[set->n] * sizeof *set->error);
    return set->distance && set->error ? UDY_OK : udy__shift_no_memory(err);
}

int udy__shift_roll(const udy__shift *s, const udy_policy *policy, int offset, bool physics,
                    const char *name, udy__shift_set *out, udy_error *err) {
    char stage[64];
    snprintf(stage, sizeof stage, "%s: episodes", name);
    size_t n = (size_t)s->config->episodes;
    *out = (udy__shift_set){.n = (int)n,
                            .episodes = udy_alloc(n * sizeof *out->episodes),
                            .rows = udy_alloc(n * sizeof *out->rows),
                            .start = udy_alloc((n + 1) * sizeof *out->start)};
    udy_rollout_job *jobs = udy_alloc(n * sizeof *jobs);
    int status =
        jobs && out->episodes && out->rows && out->start ? UDY_OK : udy__shift_no_memory(err);
    for (size_t i = 0; i < n && !status; i++)
        jobs[i] = (udy_rollout_job){.policy = policy,
                                    .seed = s->first_seed + (uint64_t)offset + i,
                                    .record = true,
                                    .record_physics = physics};
    if (!status)
        status =
            udy_rollout(s->batch, s->task, jobs, (int)n, out->episodes, stage, s->progress, err);
    udy_free(jobs);
    if (!status) status = describe(out, name, s->info->obs_dim, err);
    if (status) udy__shift_set_free(out);
    return status;
}

//------------------------------------------ Demonstrations ----------------------------------------

// Episodes thinned to DEMO_ROWS rows, copied.
typedef struct thinned {
    udy_rows *rows;
    float *data;
    udy_sample sample;
} thinned;

static void thinned_free(thinned *t) {
    udy_free(t->rows);
    udy_free(t->data);
}

static int thin_copy(thinned *t, const udy__picked *picked, udy_error *err) {
    size_t dims = (size_t)picked->dims;
    t->rows = udy_alloc((size_t)picked->n * sizeof *t->rows);
    t->data = udy_alloc((size_t)picked->n_rows * dims * sizeof *t->data);
    if (!t->rows || !t->data) return udy__shift_no_memory(err);
    for (int r = 0; r < picked->n_rows; r++)
        memcpy(t->data + (size_t)r * dims, picked->row[r], dims * sizeof *t->data);
    for (int e = 0; e < picked->n; e++)
        t->rows[e] = (udy_rows){t->data + (size_t)picked->start[e] * dims,
                                picked->start[e + 1] - picked->start[e]};
    t->sample.episodes = t->rows;
    return UDY_OK;
}

// Without episode `without` (-1: all).
static int thin(thinned *t, const udy_sample *sample, int without, uint64_t seed, udy_error *err) {
    *t = (thinned){.sample = *sample};
    uint32_t *use = udy_alloc((size_t)sample->n * sizeof *use);
    if (!use) return udy__shift_no_memory(err);
    int n = 0;
    for (int e = 0; e < sample->n; e++)
        if (e != without) use[n++] = (uint32_t)e;
    int each = DEMO_ROWS / n > 0 ? DEMO_ROWS / n : 1;
    udy__picked picked = {0};
    int status = udy__pick_some(&picked, sample, use, n, each, seed, err);
    udy_free(use);
    if (status) return status;
    t->sample.n = n;
    status = thin_copy(t, &picked, err);
    udy__picked_free(&picked);
    return status;
}

static int make_neighbours(const udy__shift *s, const udy_sample *sample, int without,
                           udy_neighbours **out, udy_error *err) {
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/demonstrations", 0);
    thinned t;
    int status = thin(&t, sample, without, udy_rng_u64(&rng), err);
    if (!status) status = udy_neighbours_create(out, &t.sample, &s->standard, err);
    thinned_free(&t);
    return status;
}

// The demonstrations' episodes, in the map; rows to be freed.
static int view_demos(const udy__shift *s, udy_sample *out, udy_rows **rows, udy_error *err) {
    udy_dataset_info info = udy_dataset_info_of(s->demos);
    int n = info.n_episodes;
    *rows = NULL;
    if (n < 1)
        return udy_error_set(err, UDY_EINVAL,
                             "%s holds no episode: there is nothing to measure a distance to",
                             info.path);
    if (n > UDY_SAMPLE_EPISODES_MAX) {
        udy_progress_message(s->progress, "%s: the first %d of %d episodes are looked at",
                             info.path, UDY_SAMPLE_EPISODES_MAX, n);
        n = UDY_SAMPLE_EPISODES_MAX;
    }
    *rows = udy_alloc((size_t)n * sizeof **rows);
    if (!*rows) return udy__shift_no_memory(err);
    for (int e = 0; e < n; e++) {
        udy_dataset_episode episode = udy_dataset_episode_at(s->demos, e);
        (*rows)[e] = (udy_rows){udy_dataset_obs(s->demos, episode.first_row), episode.length};
    }
    *out = (udy_sample){
        .name = "the demonstrations", .dims = s->info->obs_dim, .n = n, .episodes = *rows};
    return UDY_OK;
}

//------------------------------------------ Distances ---------------------------------------------

int udy__shift_distances(const udy__shift *s, udy__shift_set *set, const udy_progress *progress,
                         udy_error *err) {
    int status = UDY_OK;
    for (int e = 0; e < set->n && !status; e++)
        status =
            udy_neighbours_query(s->neighbours, set->episodes[e].obs,
                                 (size_t)set->episodes[e].length, set->distance + set->start[e],
                                 NULL, s->pool, "distance to the demonstrations", progress, err);
    return status;
}

// One row of every stretch of so many, drawn at random (a fixed stride could march in step with a
// gait), stands for the others of its stretch.
enum { STRETCH = 4 };

int udy__shift_distances_in_brief(const udy__shift *s, udy__shift_set *set,
                                  const udy_progress *progress, udy_error *err) {
    size_t O = (size_t)s->info->obs_dim, most = set->start[set->n] / STRETCH + (size_t)set->n;
    float *rows = udy_alloc(most * O * sizeof *rows);
    double *distance = udy_alloc(most * sizeof *distance);
    int status = rows && distance ? UDY_OK : udy__shift_no_memory(err);
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/brief", 0);
    size_t n = 0;
    for (int e = 0; e < set->n && !status; e++) {
        const udy_episode *episode = &set->episodes[e];
        for (int t = 0; t < episode->length; t += STRETCH, n++) {
            int left = episode->length - t < STRETCH ? episode->length - t : STRETCH;
            size_t at = (size_t)t + (size_t)udy_rng_below(&rng, (uint64_t)left);
            memcpy(rows + n * O, episode->obs + at * O, O * sizeof *rows);
        }
    }
    if (!status)
        status = udy_neighbours_query(s->neighbours, rows, n, distance, NULL, s->pool,
                                      "distance to the demonstrations", progress, err);
    const double *next = distance;
    for (int e = 0; e < set->n && !status; e++) {
        for (int t = 0; t < set->episodes[e].length; t++) {
            set->distance[set->start[e] + (size_t)t] = *next;
            if (t % STRETCH == STRETCH - 1 || t + 1 == set->episodes[e].length) next++;
        }
    }
    udy_free(rows);
    udy_free(distance);
    return status;
}

// Where the reference stands for the demonstrations, each of its episodes is held against the others.
static int distances_among(const udy__shift *s, udy__shift_set *set, udy_error *err) {
    int status = UDY_OK;
    for (int e = 0; e < set->n && !status; e++) {
        udy_neighbours *others = NULL;
        status = make_neighbours(s, &set->sample, e, &others, err);
        if (!status)
            status =
                udy_neighbours_query(others, set->episodes[e].obs, (size_t)set->episodes[e].length,
                                     set->distance + set->start[e], NULL, s->pool,
                                     "distance to the demonstrations", s->progress, err);
        udy_neighbours_destroy(others);
        if (!status && udy_progress_advance(s->progress, "reference: distances", e + 1, set->n,
                                            "episodes", ""))
            status = udy_error_set(err, UDY_EINTERRUPTED, "reference: distances: interrupted");
    }
    return status;
}

//------------------------------------------ Action errors -----------------------------------------

// Actions of any policy at recorded observations.
static int act(const udy__shift *s, const udy_policy *policy, const float *obs, size_t n,
               udy_rng *rng, float *actions, udy_error *err) {
    if (udy_policy_mlp(policy)) return udy_policy_label(policy, s->pool, obs, n, actions, err);
    size_t O = (size_t)s->info->obs_dim, A = (size_t)s->info->act_dim;
    double *row =
        udy_alloc(O * sizeof *row + (udy_policy_scratch_size(policy) + 1) * sizeof(float));
    if (!row) return udy__shift_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < O; k++) row[k] = obs[i * O + k];
        udy_policy_act(policy, row, actions + i * A, (float *)(row + O), rng);
    }
    udy_free(row);
    return UDY_OK;
}

// Mean over actions of their difference squared, in half-ranges.
static double squared_error(const udy__shift *s, const float *a, const float *b) {
    double sum = 0;
    for (int k = 0; k < s->info->act_dim; k++) {
        double d = ((double)a[k] - (double)b[k]) / s->half_range[k];
        sum += d * d;
    }
    return sum / s->info->act_dim;
}

static int longest(const udy__shift_set *set) {
    int length = 0;
    for (int e = 0; e < set->n; e++)
        if (set->episodes[e].length > length) length = set->episodes[e].length;
    return length;
}

int udy__shift_own_errors(const udy__shift *s, const udy_policy *policy, udy__shift_set *set,
                          udy_error *err) {
    size_t A = (size_t)s->info->act_dim, T = (size_t)longest(set);
    float *both = udy_alloc(2 * T * A * sizeof *both);
    if (!both) return udy__shift_no_memory(err);
    int status = UDY_OK;
    for (int e = 0; e < set->n && !status; e++) {
        const udy_episode *episode = &set->episodes[e];
        size_t n = (size_t)episode->length;
        const float *own = episode->action;
        status = udy_policy_label(s->expert, s->pool, episode->obs, n, both, err);
        // In a batch as the expert's, so that equal policies are equal to the bit.
        if (!status && udy_policy_mlp(policy)) {
            status = udy_policy_label(policy, s->pool, episode->obs, n, both + T * A, err);
            own = both + T * A;
        }
        for (size_t t = 0; t < n && !status; t++)
            set->error[set->start[e] + t] = squared_error(s, own + t * A, both + t * A);
    }
    udy_free(both);
    return status;
}

int udy__shift_reference_errors(const udy__shift *s, const udy_policy *policy, double *sum,
                                udy_error *err) {
    const udy__shift_set *set = &s->reference;
    size_t A = (size_t)s->info->act_dim;
    float *own = udy_alloc((size_t)longest(set) * A * sizeof *own);
    if (!own) return udy__shift_no_memory(err);
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/random", 0);
    int status = UDY_OK;
    for (int e = 0; e < set->n && !status; e++) {
        size_t n = (size_t)set->episodes[e].length;
        status = act(s, policy, set->episodes[e].obs, n, &rng, own, err);
        sum[e] = 0;
        for (size_t t = 0; t < n && !status; t++)
            sum[e] += squared_error(s, own + t * A, s->expert_action + (set->start[e] + t) * A);
    }
    udy_free(own);
    return status;
}

static int label_reference(udy__shift *s, udy_error *err) {
    const udy__shift_set *set = &s->reference;
    size_t A = (size_t)s->info->act_dim;
    s->expert_action = udy_alloc(set->start[set->n] * A * sizeof *s->expert_action);
    if (!s->expert_action) return udy__shift_no_memory(err);
    int status = UDY_OK;
    for (int e = 0; e < set->n && !status; e++)
        status = udy_policy_label(s->expert, s->pool, set->episodes[e].obs,
                                  (size_t)set->episodes[e].length,
                                  s->expert_action + set->start[e] * A, err);
    return status;
}

//------------------------------------------ Columns -----------------------------------------------

int udy__shift_columns(const udy__shift *s, const udy__shift_set *set, udy_rows **rows,
                       float **data, udy_error *err) {
    size_t O = (size_t)s->info->obs_dim, dims = O + 2;
    *rows = udy_alloc((size_t)set->n * sizeof **rows);
    *data = udy_alloc(set->start[set->n] * dims * sizeof **data);
    if (!*rows || !*data) return udy__shift_no_memory(err);
    for (int e = 0; e < set->n; e++) {
        const udy_episode *episode = &set->episodes[e];
        float *row = *data + set->start[e] * dims;
        (*rows)[e] = (udy_rows){row, episode->length};
        for (int t = 0; t < episode->length; t++, row += dims) {
            row[0] = (float)udy__shift_height(episode, t);
            row[1] = episode->x_velocity[t];
            memcpy(row + 2, episode->obs + (size_t)t * O, O * sizeof *row);
        }
    }
    return UDY_OK;
}

// Spread of each column: of the observations the standard's, of height and speed the reference's.
static int column_spread(udy__shift *s, udy_error *err) {
    if (!isfinite(s->reference.episodes[0].height[0])) {
        snprintf(s->out->column_name[0], 64, "torso height (none)");
        s->out->column_unit[0][0] = '\0';
    }
    udy_sample sample = {.name = "the reference",
                         .dims = s->info->obs_dim + 2,
                         .n = s->reference.n,
                         .episodes = s->columns};
    udy_standard fitted;
    int status = udy_standard_fit(&fitted, (const udy_sample *[]){&sample}, 1, err);
    if (status) return status;
    for (int k = 0; k < s->out->n_columns; k++)
        s->out->column_std[k] = k < 2 ? fitted.std[k] : s->standard.std[k - 2];
    udy_standard_free(&fitted);
    return UDY_OK;
}

//------------------------------------------ Means -------------------------------------------------

udy_shift_value udy__shift_mean(const udy__shift *s, const double *sum, const double *weight,
                                int n) {
    double all = 0, rows = 0, level = s->config->divergence.level;
    int present = 0, R = s->config->divergence.resamples, kept = 0;
    for (int e = 0; e < n; e++) {
        all += sum[e];
        rows += weight[e];
        present += weight[e] > 0;
    }
    double mean = rows > 0 ? all / rows : 0;
    udy_shift_value value = {mean, {mean, mean}};
    if (present < 3) return value;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/resample", 0);
    for (int r = 0; r < R; r++) {
        double a = 0, b = 0;
        for (int i = 0; i < n; i++) {
            size_t e = (size_t)udy_rng_below(&rng, (uint64_t)n);
            a += sum[e];
            b += weight[e];
        }
        if (b > 0) s->resamples[kept++] = a / b;
    }
    if (kept == 0) return value;
    value.ci[0] = udy_quantile(s->resamples, (size_t)kept, (1 - level) / 2);
    value.ci[1] = udy_quantile(s->resamples, (size_t)kept, (1 + level) / 2);
    return value;
}

//------------------------------------------ All of it ---------------------------------------------

static int prepare(udy__shift *s, const udy_sample *demos, const udy__shift_set *null_set,
                   udy_error *err) {
    // Without demonstrations the two sets of the expert's are looked at alike: a standard of one
    // of them would set it apart.
    const udy_sample *both[] = {demos ? demos : &s->reference.sample, &null_set->sample};
    int status = udy_standard_fit(&s->standard, both, demos ? 1 : 2, err);
    if (!status) status = udy_pca_fit(&s->pca, both[0], &s->standard, err);
    if (!status) status = make_neighbours(s, both[0], -1, &s->neighbours, err);
    if (!status)
        status = demos ? udy__shift_distances(s, &s->reference, s->progress, err)
                       : distances_among(s, &s->reference, err);
    if (status) return status;
    s->out->demo_rows = udy__sample_rows(both[0]);
    s->out->distance_q95 =
        udy_quantile(s->reference.distance, s->reference.start[s->reference.n], 0.95);
    memcpy(s->out->map_share, s->pca.share, sizeof s->out->map_share);
    status = label_reference(s, err);
    if (!status) status = udy__shift_columns(s, &s->reference, &s->columns, &s->columns_data, err);
    return status ? status : column_spread(s, err);
}

int udy__shift_prepare(udy__shift *s, const udy__shift_set *null_set, udy_error *err) {
    udy_sample demos;
    udy_rows *rows = NULL;
    int status = s->demos ? view_demos(s, &demos, &rows, err) : UDY_OK;
    if (!status) status = prepare(s, s->demos ? &demos : NULL, null_set, err);
    udy_free(rows);
    return status;
}
