// What the pictures of states are drawn from: shares of rows in bins of height, of speed, of distance
// and of each observation, and in the cells of a map, on ranges that all policies share.
#include <math.h>
#include <string.h>

#include "study/shift.h"

void udy__shift_cloud_free(udy__shift_cloud *cloud) {
    udy_free(cloud->height);
    udy_free(cloud->distance);
    *cloud = (udy__shift_cloud){0};
}

int udy__shift_keep_cloud(const udy__shift *s, const udy__shift_set *set, udy__shift_cloud *cloud,
                          udy_error *err) {
    size_t n = set->start[set->n];
    double *block = udy_alloc(4 * n * sizeof *block);
    if (!block) return udy__shift_no_memory(err);
    cloud->n = n;
    cloud->height = block;
    cloud->speed = block + n;
    cloud->place = block + 2 * n;
    for (int e = 0; e < set->n; e++) {
        const udy_episode *episode = &set->episodes[e];
        size_t r = set->start[e];
        udy_pca_project(&s->pca, episode->obs, (size_t)episode->length, cloud->place + 2 * r);
        for (int t = 0; t < episode->length; t++, r++) {
            cloud->height[r] = udy__shift_height(episode, t);
            cloud->speed[r] = (double)episode->x_velocity[t];
        }
    }
    return UDY_OK;
}

int udy__shift_keep_distances(const udy__shift_set *set, udy__shift_cloud *cloud, udy_error *err) {
    cloud->n_distances = set->start[set->n];
    cloud->distance = udy_alloc(cloud->n_distances * sizeof *cloud->distance);
    if (!cloud->distance) return udy__shift_no_memory(err);
    memcpy(cloud->distance, set->distance, cloud->n_distances * sizeof *cloud->distance);
    return UDY_OK;
}

//------------------------------------------ Ranges ------------------------------------------------

// One row in a thousand at either end may lie outside: a single leap would leave the rest no room.
static const double edge = 0.001;

// Widen range to hold all but the edges of x [n, stride].
static void widen(const double *x, size_t n, size_t stride, double range[2], double *scratch) {
    for (size_t i = 0; i < n; i++) scratch[i] = x[i * stride];
    range[0] = fmin(range[0], udy_quantile(scratch, n, edge));
    range[1] = fmax(range[1], udy_quantile(scratch, n, 1 - edge));
}

// A margin, and some width where all values are one.
static void settle(double range[2]) {
    double margin = 0.02 * (range[1] - range[0]);
    double least = 1e-6 * fmax(fabs(range[0]), fabs(range[1]));
    if (!(margin > least)) margin = fmax(least, 0.5);
    range[0] -= margin;
    range[1] += margin;
}

static int find_ranges(udy__shift *s, udy_error *err) {
    udy_shift *out = s->out;
    double *ranges[] = {out->height_range, out->speed_range, out->map_range[0], out->map_range[1]};
    size_t most = 0;
    for (int k = 0; k < out->n; k++)
        most = s->clouds[k].n_distances > most ? s->clouds[k].n_distances : most;
    double *scratch = udy_alloc(most * sizeof *scratch);
    if (!scratch) return udy__shift_no_memory(err);
    for (int i = 0; i < 4; i++) ranges[i][0] = INFINITY, ranges[i][1] = -INFINITY;
    out->distance_range[0] = out->distance_range[1] = 0;
    for (int k = 0; k < out->n; k++) {
        const udy__shift_cloud *c = &s->clouds[k];
        widen(c->distance, c->n_distances, 1, out->distance_range, scratch);
        if (c->n == 0) continue;
        widen(c->height, c->n, 1, ranges[0], scratch);
        widen(c->speed, c->n, 1, ranges[1], scratch);
        widen(c->place, c->n, 2, ranges[2], scratch);
        widen(c->place + 1, c->n, 2, ranges[3], scratch);
    }
    for (int i = 0; i < 4; i++) settle(ranges[i]);
    settle(out->distance_range);
    out->distance_range[0] = 0;
    udy_free(scratch);
    return UDY_OK;
}

//------------------------------------------ Bins --------------------------------------------------

// What lies outside counts in the nearest bin.
static size_t bin_of(double x, const double range[2], int n) {
    double at = floor((x - range[0]) / (range[1] - range[0]) * n);
    return (size_t)fmin(fmax(at, 0), n - 1);
}

static int bin_distances(const udy__shift *s, const udy__shift_cloud *c, udy_shift_policy *p,
                         udy_error *err) {
    p->distance_density = udy_alloc(UDY_SHIFT_BINS * sizeof *p->distance_density);
    if (!p->distance_density) return udy__shift_no_memory(err);
    for (size_t i = 0; i < c->n_distances; i++)
        p->distance_density[bin_of(c->distance[i], s->out->distance_range, UDY_SHIFT_BINS)] += 1;
    for (int i = 0; i < UDY_SHIFT_BINS; i++) p->distance_density[i] /= (double)c->n_distances;
    return UDY_OK;
}

static int bin_policy(const udy__shift *s, const udy__shift_cloud *c, udy_shift_policy *p,
                      udy_error *err) {
    const udy_shift *out = s->out;
    size_t side = (size_t)s->config->map_bins;
    p->height_density = udy_alloc(UDY_SHIFT_BINS * sizeof *p->height_density);
    p->speed_density = udy_alloc(UDY_SHIFT_BINS * sizeof *p->speed_density);
    p->map = udy_alloc(side * side * sizeof *p->map);
    if (!p->height_density || !p->speed_density || !p->map) return udy__shift_no_memory(err);
    for (size_t i = 0; i < c->n; i++) {
        size_t column = bin_of(c->place[2 * i], out->map_range[0], (int)side);
        size_t row = bin_of(c->place[2 * i + 1], out->map_range[1], (int)side);
        p->height_density[bin_of(c->height[i], out->height_range, UDY_SHIFT_BINS)] += 1;
        p->speed_density[bin_of(c->speed[i], out->speed_range, UDY_SHIFT_BINS)] += 1;
        p->map[row * side + column] += 1;
    }
    double n = (double)c->n;
    for (int i = 0; i < UDY_SHIFT_BINS; i++) {
        p->height_density[i] /= n;
        p->speed_density[i] /= n;
    }
    for (size_t i = 0; i < side * side; i++) p->map[i] /= n;
    return UDY_OK;
}

int udy__shift_bin(udy__shift *s, udy_error *err) {
    int status = find_ranges(s, err);
    for (int k = 0; k < s->out->n && !status; k++) {
        status = bin_distances(s, &s->clouds[k], &s->out->policies[k], err);
        if (!status && s->clouds[k].n > 0)
            status = bin_policy(s, &s->clouds[k], &s->out->policies[k], err);
    }
    return status;
}

//------------------------------------------ Observations ------------------------------------------

// A clone that goes astray leaves the demonstrations by several standard deviations, in some
// dimensions by tens: those rows are in the last bin.
static const double reach = 6;

int udy__shift_obs_range(udy__shift *s, udy_error *err) {
    int dims = s->out->obs_dim;
    double *range = udy_alloc(2 * (size_t)dims * sizeof *range);
    if (!range) return udy__shift_no_memory(err);
    for (int i = 0; i < dims; i++) {
        range[2 * i] = s->standard.mean[i] - reach * s->standard.std[i];
        range[2 * i + 1] = s->standard.mean[i] + reach * s->standard.std[i];
    }
    s->out->obs_range = range;
    return UDY_OK;
}

int udy__shift_bin_obs(const udy__shift *s, const udy__shift_set *set, udy_shift_policy *p,
                       udy_error *err) {
    size_t dims = (size_t)s->out->obs_dim, n = set->start[set->n];
    p->obs_density = udy_alloc(dims * UDY_SHIFT_BINS * sizeof *p->obs_density);
    if (!p->obs_density) return udy__shift_no_memory(err);
    for (int e = 0; e < set->n; e++) {
        const float *row = set->episodes[e].obs;
        for (int t = 0; t < set->episodes[e].length; t++, row += dims)
            for (size_t i = 0; i < dims; i++)
                p->obs_density[i * UDY_SHIFT_BINS +
                               bin_of((double)row[i], s->out->obs_range + 2 * i, UDY_SHIFT_BINS)] +=
                    1;
    }
    for (size_t i = 0; i < dims * UDY_SHIFT_BINS; i++) p->obs_density[i] /= (float)n;
    return UDY_OK;
}
