// Where in time a policy leaves the expert: windows of control steps, falls and the way to them, and
// what it has lost up to each horizon.
#include <math.h>
#include <string.h>

#include "study/shift.h"

// Falls are rarer than steps: they are counted in windows so many times as wide as the curves'.
enum { HAZARD_WINDOWS = 10 };

//------------------------------------------ Windows -----------------------------------------------

// Room for one window of every episode.
typedef struct window_room {
    double *error, *distance, *rows;  // [n] of each episode that lasts into it
    double *height, *speed;           // [n * window]
} window_room;

static void window_room_free(window_room *r) {
    udy_free(r->error);
    udy_free(r->height);
    *r = (window_room){0};
}

static int window_room_make(window_room *r, size_t n, size_t window, udy_error *err) {
    r->error = udy_alloc(3 * n * sizeof *r->error);
    r->height = udy_alloc(2 * n * window * sizeof *r->height);
    if (!r->error || !r->height) {
        window_room_free(r);
        return udy__shift_no_memory(err);
    }
    r->distance = r->error + n;
    r->rows = r->distance + n;
    r->speed = r->height + n * window;
    return UDY_OK;
}

static void quantiles(const double *x, size_t n, double out[3]) {
    static const double at[3] = {0.1, 0.5, 0.9};
    for (int i = 0; i < 3; i++) out[i] = udy_quantile(x, n, at[i]);
}

static void fill_window(const udy__shift *s, const udy__shift_set *set, window_room *r,
                        udy_shift_window *w) {
    size_t rows = 0;
    w->n = 0;
    for (int e = 0; e < set->n; e++) {
        const udy_episode *episode = &set->episodes[e];
        int end = episode->length < w->end ? episode->length : w->end;
        if (end <= w->first) continue;
        r->error[w->n] = r->distance[w->n] = 0;
        r->rows[w->n] = end - w->first;
        for (int t = w->first; t < end; t++, rows++) {
            r->error[w->n] += set->error[set->start[e] + (size_t)t];
            r->distance[w->n] += set->distance[set->start[e] + (size_t)t];
            r->height[rows] = udy__shift_height(episode, t);
            r->speed[rows] = (double)episode->x_velocity[t];
        }
        w->n++;
    }
    w->error = udy__shift_mean(s, r->error, r->rows, w->n);
    w->distance = udy__shift_mean(s, r->distance, r->rows, w->n);
    quantiles(r->height, rows, w->height);
    quantiles(r->speed, rows, w->speed);
}

int udy__shift_by_time(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                       udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/time", 0);
    udy_time_divergence d;
    int status = udy_divergence_by_time(&d, &s->reference.sample, &set->sample, &s->standard,
                                        s->config->window, &s->config->divergence, &rng, s->pool,
                                        "by time", progress, err);
    if (status) return status;
    out->p_anywhere = d.p_anywhere;
    out->windows = udy_alloc((size_t)d.n * sizeof *out->windows);
    window_room room = {0};
    size_t width = (size_t)(d.windows[0].end - d.windows[0].first);
    status = out->windows ? window_room_make(&room, (size_t)set->n, width, err)
                          : udy__shift_no_memory(err);
    // Windows that none of its episodes reaches have nothing to tell.
    for (int i = 0; i < d.n && !status && d.windows[i].n[1] > 0; i++) {
        udy_shift_window *w = &out->windows[out->n_windows++];
        *w = (udy_shift_window){
            .first = d.windows[i].first, .end = d.windows[i].end, .energy = d.windows[i]};
        fill_window(s, set, &room, w);
    }
    window_room_free(&room);
    udy_time_divergence_free(&d);
    return status;
}

//------------------------------------------ Falls -------------------------------------------------

// Mean over falls of the step t before the last (t = 0: the last).
static void fill_before(const udy__shift_set *set, udy_shift_before *b) {
    for (int e = 0; e < set->n; e++) {
        const udy_episode *episode = &set->episodes[e];
        int t = episode->length - 1 + b->t;
        if (!udy__shift_fell(episode) || t < 0) continue;
        b->n++;
        b->height += udy__shift_height(episode, t);
        b->speed += (double)episode->x_velocity[t];
        b->error += set->error[set->start[e] + (size_t)t];
        b->distance += set->distance[set->start[e] + (size_t)t];
    }
    if (b->n == 0) return;
    b->height /= b->n;
    b->speed /= b->n;
    b->error /= b->n;
    b->distance /= b->n;
}

// The last second.
static int before_falls(const udy__shift *s, const udy__shift_set *set, udy_shift_policy *out,
                        udy_error *err) {
    if (out->falls == 0) return UDY_OK;
    double steps = fmin(fmax(ceil(1 / s->info->dt - 1e-9), 2), 1000);
    int most = (int)steps;
    out->before = udy_alloc((size_t)most * sizeof *out->before);
    if (!out->before) return udy__shift_no_memory(err);
    for (int i = 0; i < most; i++) {
        udy_shift_before b = {.t = i + 1 - most};
        fill_before(set, &b);
        if (b.n > 0) out->before[out->n_before++] = b;
    }
    return UDY_OK;
}

int udy__shift_falls(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                     udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject, (void)progress;
    uint8_t *fell = udy_alloc((size_t)set->n);
    if (!fell) return udy__shift_no_memory(err);
    for (int e = 0; e < set->n; e++) fell[e] = udy__shift_fell(&set->episodes[e]);
    double level = s->config->divergence.level;
    int window =
        s->config->window < 100000 ? s->config->window * HAZARD_WINDOWS : s->config->window;
    int status =
        udy_survival(&out->survival, &out->n_survival, out->lengths, fell, set->n, level, err);
    if (!status)
        status = udy_hazard(&out->hazard, &out->n_hazard, out->lengths, fell, set->n, window, level,
                            err);
    udy_free(fell);
    return status ? status : before_falls(s, set, out, err);
}

//------------------------------------------ Cost --------------------------------------------------

// Return of each episode up to each horizon, times sign: [n, n_T]; NULL: no memory.
static double *returns_upto(const udy__shift *s, const udy__shift_set *set, double sign) {
    int n_T = s->out->n_T;
    double *table = udy_alloc((size_t)set->n * (size_t)n_T * sizeof *table);
    for (int e = 0; table && e < set->n; e++) {
        const udy_episode *episode = &set->episodes[e];
        double sum = 0;
        int t = 0;
        for (int i = 0; i < n_T; i++) {
            for (; t < episode->length && t < s->out->T[i]; t++) sum += (double)episode->reward[t];
            table[(size_t)e * (size_t)n_T + (size_t)i] = sign * sum;
        }
    }
    return table;
}

int udy__shift_cost(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                    udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject, (void)progress;
    const udy_shift *shift = s->out;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/cost", 0);
    double *own = returns_upto(s, set, -1), *reference = returns_upto(s, &s->reference, -1);
    out->cost = udy_alloc((size_t)shift->n_T * sizeof *out->cost);
    int status = own && reference && out->cost ? UDY_OK : udy__shift_no_memory(err);
    if (!status)
        status = udy_exponent_fit(&out->exponent, out->cost, shift->T, shift->n_T, own, set->n,
                                  reference, s->reference.n, s->config->divergence.resamples,
                                  s->config->divergence.level, &rng, err);
    udy_free(own);
    udy_free(reference);
    return status;
}
