// test_shift_made_up.h: a measured shift made of formulas and a seed, shaped as a real one is: an
// expert that runs, a clone that drifts away from it and falls, rounds of DAgger in between.
#ifndef UNDERSTUDY_TESTS_TEST_SHIFT_MADE_UP_H_
#define UNDERSTUDY_TESTS_TEST_SHIFT_MADE_UP_H_

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "understudy/study.h"

// Everything that a made-up shift points to, freed together.
typedef struct made_up {
    udy_shift shift;
    void *blocks[1024];
    int n_blocks;
    udy_rng rng;
} made_up;

static void *made_up_alloc(made_up *m, size_t n, size_t size) {
    void *p = udy_alloc(n * size);
    if (!p || m->n_blocks == 1024) abort();
    return m->blocks[m->n_blocks++] = p;
}

static inline void made_up_free(made_up *m) {
    while (m->n_blocks) udy_free(m->blocks[--m->n_blocks]);
    m->shift = (udy_shift){0};
}

static inline double made_up_noise(made_up *m, double scale) {
    return scale * udy_rng_normal(&m->rng);
}

static inline udy_shift_value made_up_value(made_up *m, double value, double spread) {
    double width = value * spread * (0.7 + 0.6 * udy_rng_double(&m->rng));
    return (udy_shift_value){value, {value - width, value + 1.2 * width}};
}

static inline udy_measure made_up_measure(made_up *m, double value, double null) {
    udy_shift_value v = made_up_value(m, value, 0.3);
    return (udy_measure){.value = v.value,
                         .ci = {v.ci[0], v.ci[1]},
                         .has_ci = true,
                         .null = {0.5 * null, null},
                         .p = value > null ? 0.001 : 0.4};
}

// How far a policy of badness b (0: the expert) is from the expert at t of its steps.
static inline double made_up_drift(double b, double t) {
    return b * (1 - exp(-t / 60)) * (1 + 0.5 * t / 1000);
}

static inline void made_up_windows(made_up *m, udy_shift_policy *p, double b) {
    int window = m->shift.config.window;
    p->n_windows = 1000 / window;
    p->windows = made_up_alloc(m, (size_t)p->n_windows, sizeof *p->windows);
    p->p_anywhere = b > 0 ? 0.001 : 0.62;
    for (int w = 0; w < p->n_windows; w++) {
        udy_shift_window *o = &p->windows[w];
        int n = 0;
        for (int e = 0; e < p->n; e++) n += p->lengths[e] > w * window;
        double d = made_up_drift(b, w * window + 0.5 * window);
        *o = (udy_shift_window){.first = w * window, .end = (w + 1) * window, .n = n};
        if (n == 0) {  // nobody is left
            p->n_windows = w;
            break;
        }
        o->energy = (udy_time_window){.first = o->first, .end = o->end, .n = {n, p->n}};
        o->energy.known = n >= 2;
        if (o->energy.known)
            o->energy.energy = made_up_measure(m, 0.8 * d + made_up_noise(m, 0.02), 0.09);
        o->error = made_up_value(m, b > 0 ? 0.004 + 0.05 * d * d : 0, 0.4);
        o->distance = made_up_value(m, 1.1 + 1.5 * d + made_up_noise(m, 0.04), 0.08);
        for (int k = 0; k < 3; k++) {
            double rise = 1 - exp(-(w * window + 5.0) / 40);
            o->height[k] = 0.68 + (k - 1) * (0.09 + 0.07 * d) - 0.06 * d + made_up_noise(m, 0.006);
            o->speed[k] =
                (5.2 - 1.9 * d) * rise + (k - 1) * (0.6 + 0.5 * d) + made_up_noise(m, 0.06);
        }
    }
}

static inline void made_up_density(made_up *m, double *out, const double range[2], double mean,
                                   double sd) {
    double sum = 0, x = range[0], step = (range[1] - range[0]) / UDY_SHIFT_BINS;
    for (int i = 0; i < UDY_SHIFT_BINS; i++, x += step) {
        double z = (x + step / 2 - mean) / sd;
        out[i] = exp(-z * z / 2) * (1 + made_up_noise(m, 0.04));
        sum += out[i];
    }
    for (int i = 0; i < UDY_SHIFT_BINS; i++) out[i] /= sum;
}

static inline void made_up_map(made_up *m, udy_shift_policy *p, double b) {
    int bins = m->shift.config.map_bins, n = 12000;
    p->map = made_up_alloc(m, (size_t)(bins * bins), sizeof *p->map);
    for (int i = 0; i < n; i++) {
        // A gait is a ring; a policy that is lost leaves it towards one side.
        double phase = 6.2831853 * udy_rng_double(&m->rng);
        double lost = b * udy_rng_double(&m->rng);
        double x = (3 - lost) * cos(phase) + 4 * lost + made_up_noise(m, 0.35 + 0.8 * lost);
        double y = 2 * sin(phase) - 3 * lost * lost + made_up_noise(m, 0.35 + 0.8 * lost);
        int column = (int)((x - m->shift.map_range[0][0]) /
                           (m->shift.map_range[0][1] - m->shift.map_range[0][0]) * bins);
        int row = (int)((y - m->shift.map_range[1][0]) /
                        (m->shift.map_range[1][1] - m->shift.map_range[1][0]) * bins);
        if (column >= 0 && column < bins && row >= 0 && row < bins)
            p->map[row * bins + column] += 1.0 / n;
    }
}

static inline void made_up_curves(made_up *m, udy_shift_policy *p, double b) {
    udy_shift *s = &m->shift;
    uint8_t *fell = made_up_alloc(m, (size_t)p->n, 1);
    for (int e = 0; e < p->n; e++) fell[e] = p->lengths[e] < 1000;
    udy_error err;
    udy_survival_point *survival;
    udy_hazard_window *hazard;
    if (udy_survival(&survival, &p->n_survival, p->lengths, fell, p->n, 0.95, &err)) abort();
    if (udy_hazard(&hazard, &p->n_hazard, p->lengths, fell, p->n, 100, 0.95, &err)) abort();
    m->blocks[m->n_blocks++] = p->survival = survival;
    m->blocks[m->n_blocks++] = p->hazard = hazard;
    p->cost = made_up_alloc(m, (size_t)s->n_T, sizeof *p->cost);
    double k = 1 + 0.8 * b, c = b * 0.002;
    for (int i = 0; i < s->n_T; i++) p->cost[i] = c * pow(s->T[i], k) * exp(made_up_noise(m, 0.06));
    if (b > 0) {
        p->exponent = (udy_exponent){UDY_FIT_FULL, k, c, {k - 0.15, k + 0.2}, true, 0.99, 0, ""};
    } else {
        for (int i = 0; i < s->n_T; i++) p->cost[i] = made_up_noise(m, 3);
        snprintf(p->exponent.words, sizeof p->exponent.words, "the cost is not positive");
    }
    p->n_push = s->config.n_push_speeds;
    for (int i = 0; i < p->n_push; i++) {
        int n = s->config.push_episodes, back = (int)(n * exp(-(0.1 + b) * (i + 0.2)) + 0.5);
        p->push[i] = (udy_shift_push){.speed = s->config.push_speeds[i],
                                      .n = n,
                                      .back = back,
                                      .fell = (n - back) / 2,
                                      .median_steps = back ? 8 + 6 * i + 10 * b : 0};
        double share = (double)back / n;
        p->push[i].back_ci[0] = fmax(0, share - 0.18);
        p->push[i].back_ci[1] = fmin(1, share + 0.18);
    }
    p->n_before = p->falls ? 20 : 0;
    p->before = p->n_before ? made_up_alloc(m, 20, sizeof *p->before) : NULL;
    for (int i = 0; i < p->n_before; i++)
        p->before[i] = (udy_shift_before){.t = i - 19,
                                          .n = p->falls,
                                          .height = 0.65 - 0.0009 * i * i + made_up_noise(m, 0.01),
                                          .speed = 3.5 - 0.005 * i * i + made_up_noise(m, 0.1),
                                          .error = 0.03 * exp(i / 8.0),
                                          .distance = 2 * exp(i / 16.0)};
}

static inline void made_up_policy(made_up *m, const char *name, const char *label, double b,
                                  bool brief, int labels) {
    udy_shift *s = &m->shift;
    udy_shift_policy *p = &s->policies[s->n++];
    *p = (udy_shift_policy){.brief = brief, .n = s->config.episodes};
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->label, sizeof p->label, "%s", label);
    p->has_labels = labels > 0;
    p->labels = (uint64_t)labels;
    p->returns = made_up_alloc(m, (size_t)p->n, sizeof *p->returns);
    p->lengths = made_up_alloc(m, (size_t)p->n, sizeof *p->lengths);
    p->ends = made_up_alloc(m, (size_t)p->n, 1);
    for (int e = 0; e < p->n; e++) {
        bool falls = udy_rng_double(&m->rng) < b * 0.6;
        p->lengths[e] = falls ? 60 + (int)(800 * udy_rng_double(&m->rng)) : 1000;
        p->returns[e] = p->lengths[e] * (7.2 - 4 * b) + made_up_noise(m, 200);
        p->ends[e] = falls ? UDY_END_TOO_LOW : UDY_END_LIMIT;
        p->falls += falls;
    }
    p->too_low = p->falls;
    p->mean = udy_mean(p->returns, (size_t)p->n);
    p->std = udy_std(p->returns, (size_t)p->n);
    p->ci95[0] = p->mean - 0.5 * p->std;
    p->ci95[1] = p->mean + 0.5 * p->std;
    p->joint.energy = made_up_measure(m, 0.7 * b + 0.004, 0.02);
    p->distance = made_up_value(m, 1.15 + 1.7 * b, 0.06);
    p->distance_q95 = 2 + 3 * b;
    p->far = 0.05 + 0.6 * b;
    p->error_expert = made_up_value(m, b > 0 ? 0.003 + 0.003 * b : 0, 0.2);
    p->error_own = made_up_value(m, b > 0 ? 0.004 + 0.08 * b * b : 0, 0.3);
    if (brief) return;
    p->columns = made_up_alloc(m, (size_t)s->n_columns, sizeof *p->columns);
    for (int c = 0; c < s->n_columns; c++) {
        double d = (0.02 + b * fabs(made_up_noise(m, 0.5))) * s->column_std[c];
        p->columns[c].wasserstein = made_up_measure(m, d, 0.05 * s->column_std[c]);
        p->columns[c].jensen_shannon = made_up_measure(m, fmin(1, 0.05 + 0.4 * b), 0.08);
    }
    made_up_windows(m, p, b);
    p->height_density = made_up_alloc(m, UDY_SHIFT_BINS, sizeof(double));
    p->speed_density = made_up_alloc(m, UDY_SHIFT_BINS, sizeof(double));
    made_up_density(m, p->height_density, s->height_range, 0.68 - 0.07 * b, 0.08 + 0.06 * b);
    made_up_density(m, p->speed_density, s->speed_range, 5.2 - 2 * b, 0.5 + 0.9 * b);
    made_up_map(m, p, b);
    made_up_curves(m, p, b);
}

static const char *const made_up_columns[29] = {
    "torso height",         "forward speed",        "torso z",
    "torso quaternion w",   "torso quaternion x",   "torso quaternion y",
    "torso quaternion z",   "hip 1 angle",          "ankle 1 angle",
    "hip 2 angle",          "ankle 2 angle",        "hip 3 angle",
    "ankle 3 angle",        "hip 4 angle",          "ankle 4 angle",
    "torso velocity x",     "torso velocity y",     "torso velocity z",
    "torso angular vel. x", "torso angular vel. y", "torso angular vel. z",
    "hip 1 velocity",       "ankle 1 velocity",     "hip 2 velocity",
    "ankle 2 velocity",     "hip 3 velocity",       "ankle 3 velocity",
    "hip 4 velocity",       "ankle 4 velocity"};

// The expert alone; policies are added with made_up_policy.
static inline void made_up_begin(made_up *m, int most) {
    static const double horizons[] = {25, 50, 100, 200, 400, 700, 1000};
    *m = (made_up){0};
    udy_rng_init(&m->rng, 5);
    udy_shift *s = &m->shift;
    *s = (udy_shift){.dt = 0.05, .obs_dim = 27, .nq = 15, .n_columns = 29, .n_T = 7};
    snprintf(s->task, sizeof s->task, "Ant-v5");
    snprintf(s->expert, sizeof s->expert, "Expert");
    s->config = (udy_shift_config){.episodes = 20,
                                   .window = 10,
                                   .map_bins = 48,
                                   .push_episodes = 20,
                                   .push_speeds = {0.5, 1, 2, 4},
                                   .n_push_speeds = 4,
                                   .push_steps = 200};
    s->column_name = made_up_alloc(m, 29, sizeof *s->column_name);
    s->column_unit = made_up_alloc(m, 29, sizeof *s->column_unit);
    s->column_std = made_up_alloc(m, 29, sizeof *s->column_std);
    for (int c = 0; c < 29; c++) {
        snprintf(s->column_name[c], 64, "%s", made_up_columns[c]);
        snprintf(s->column_unit[c], 16, "%s", c == 0 ? "m" : c == 1 ? "m/s" : "rad");
        s->column_std[c] = c == 0 ? 0.08 : 0.5 + 0.1 * c;
    }
    s->T = made_up_alloc(m, 7, sizeof *s->T);
    memcpy(s->T, horizons, sizeof horizons);
    s->demo_rows = 49231;
    s->distance_q95 = 2.1;
    s->height_range[0] = 0.2;
    s->height_range[1] = 1.05;
    s->speed_range[0] = -1;
    s->speed_range[1] = 8;
    s->map_range[0][0] = s->map_range[1][0] = -8;
    s->map_range[0][1] = s->map_range[1][1] = 10;
    s->map_share[0] = 0.31;
    s->map_share[1] = 0.17;
    s->policies = made_up_alloc(m, (size_t)most, sizeof *s->policies);
    made_up_policy(m, "expert", "Expert, other seeds", 0, false, 0);
}

// As an experiment's run is measured.
static inline void made_up_run(made_up *m) {
    made_up_begin(m, 16);
    made_up_policy(m, "bc", "BC (50 episodes)", 0.55, false, 49231);
    for (int i = 0; i <= 10; i++) {
        char name[32], label[48];
        snprintf(name, sizeof name, "dagger-%d", i);
        snprintf(label, sizeof label, "DAgger round %d", i);
        made_up_policy(m, name, label, 0.05 + 0.95 * exp(-i / 2.0), i != 0 && i != 7 && i != 10,
                       9800 + 9300 * i);
    }
}

#endif  // UNDERSTUDY_TESTS_TEST_SHIFT_MADE_UP_H_
