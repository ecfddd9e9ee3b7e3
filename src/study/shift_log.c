// A measured shift as loggers have it: a step a policy. From shift.json's struct alone, so that it can
// be told again without measuring.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "study/shift.h"

static int tell_scalars(udy_logger *log, const udy_shift_policy *p, int step, udy_error *err) {
    const udy_scalar scalars[] = {
        {"shift/return", p->mean},
        {"shift/falls", p->falls},
        {"shift/distance", p->distance.value},
        {"shift/far", p->far},
        {"shift/energy", p->joint.energy.value},
        {"shift/error_own", p->error_own.value},
        {"shift/error_expert", p->error_expert.value},
        {"shift/auc", p->has_classifier ? p->classifier.auc.value : NAN},
        {"shift/labels", p->has_labels ? (double)p->labels : NAN},
    };
    return udy_logger_scalars(log, step, scalars, (int)(sizeof scalars / sizeof *scalars), err);
}

//------------------------------------------ Histograms --------------------------------------------

static double rows_of(const udy_shift_policy *p) {
    double n = 0;
    for (int i = 0; i < p->n; i++) n += p->lengths[i];
    return n;
}

// Shares of rows in bins of equal width become counts again.
static int tell_bins(udy_tb *tb, const char *tag, int step, const double range[2],
                     const double *share, double rows, udy_error *err) {
    double edges[UDY_SHIFT_BINS + 1], counts[UDY_SHIFT_BINS];
    for (int i = 0; i <= UDY_SHIFT_BINS; i++)
        edges[i] = range[0] + (range[1] - range[0]) * i / UDY_SHIFT_BINS;
    for (int i = 0; i < UDY_SHIFT_BINS; i++) counts[i] = round(share[i] * rows);
    return udy_tb_histogram(tb, tag, step, edges, counts, UDY_SHIFT_BINS, err);
}

static int tell_obs(udy_tb *tb, const udy_shift *s, const udy_shift_policy *p, int step,
                    udy_error *err) {
    int status = UDY_OK;
    for (int i = 0; i < s->obs_dim && !status; i++) {
        double share[UDY_SHIFT_BINS];
        char tag[128];
        for (int b = 0; b < UDY_SHIFT_BINS; b++)
            share[b] = (double)p->obs_density[i * UDY_SHIFT_BINS + b];
        snprintf(tag, sizeof tag, "observation/%03d %s", i, s->column_name[i + 2]);
        status = tell_bins(tb, tag, step, s->obs_range + 2 * i, share, rows_of(p), err);
    }
    return status;
}

static int tell_histograms(udy_tb *tb, const udy_shift *s, const udy_shift_policy *p, int step,
                           udy_error *err) {
    double rows = rows_of(p);
    int status = UDY_OK;
    if (p->height_density)
        status =
            tell_bins(tb, "states/height", step, s->height_range, p->height_density, rows, err);
    if (!status && p->speed_density)
        status = tell_bins(tb, "states/speed", step, s->speed_range, p->speed_density, rows, err);
    if (!status && p->distance_density)
        status = tell_bins(tb, "states/distance", step, s->distance_range, p->distance_density,
                           rows, err);
    return status || !p->obs_density ? status : tell_obs(tb, s, p, step, err);
}

//------------------------------------------ Which step is who -------------------------------------

static int tell_steps(udy_tb *tb, const udy_shift *s, udy_error *err) {
    udy__text t = {0};
    udy__text_printf(&t, "%s, expert %s\n\n", s->task, s->expert);
    udy__text_puts(&t,
                   "| step | policy | episodes | return | falls | distance |\n"
                   "|--:|---|--:|--:|--:|--:|\n");
    for (int k = 0; k < s->n; k++) {
        const udy_shift_policy *p = &s->policies[k];
        udy__text_printf(&t, "| %d | %s | %d | %.1f | %d | %.3f |\n", k, p->label, p->n, p->mean,
                         p->falls, p->distance.value);
    }
    int status = t.failed ? udy__shift_no_memory(err) : udy_tb_text(tb, "steps", 0, t.p, err);
    udy__text_drop(&t);
    return status;
}

int udy_shift_log(const udy_shift *shift, const char *dir, unsigned loggers, udy_error *err) {
    udy_logger *log;
    if (!loggers) return UDY_OK;
    int status = udy_logger_open(&log, dir, "shift", loggers, 0, err);
    if (status) return status;
    udy_tb *tb = udy_logger_tb(log);
    if (tb) status = tell_steps(tb, shift, err);
    for (int k = 0; k < shift->n && !status; k++) {
        status = tell_scalars(log, &shift->policies[k], k, err);
        if (!status && tb) status = tell_histograms(tb, shift, &shift->policies[k], k, err);
    }
    udy_logger_close(log);
    return status;
}
