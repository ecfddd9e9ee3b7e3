// A finished sweep as loggers have it: each line of the grid (expert, method, training) is a part, a
// step a number of demonstrations; and each point a session, so that TensorBoard's HParams tab holds
// them side by side.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "understudy/study.h"

// A point's place in the grid.
typedef struct place {
    char expert[64], method[16], training[16];
    int demos;
} place;

#define FIELD(member) offsetof(place, member)
static const udy_field place_fields[] = {
    {"expert", UDY_FIELD_TEXT, FIELD(expert), 64, 0, 0, NULL, "who demonstrates and labels"},
    {"method", UDY_FIELD_TEXT, FIELD(method), 16, 0, 0, NULL, "bc or dagger"},
    {"training", UDY_FIELD_TEXT, FIELD(training), 16, 0, 0, NULL,
     "tutorial: a fixed number of epochs; converged: until the validation loss stopped to fall"},
    {"demos", UDY_FIELD_INT, FIELD(demos), 0, 1, 1e6, NULL, "episodes' worth of labels"},
    {0},
};
#undef FIELD

// "ant-v5, sampled" is "ant-v5-sampled": parts are folders.
static void slug(char out[64], const char *text) {
    size_t n = 0;
    for (; *text && n < 63; text++) {
        bool keep = isalnum((unsigned char)*text) || *text == '_';
        if (keep)
            out[n++] = (char)tolower((unsigned char)*text);
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-') n--;
    out[n] = '\0';
}

// A part's name of its own for each expert: files of one name may lie in many folders.
static void name_expert(char out[64], const udy_sweep *sweep, int expert) {
    char other[64];
    int same = 0;
    slug(out, sweep->experts[expert].label);
    if (!*out) snprintf(out, 64, "expert");
    out[40] = '\0';
    for (int e = 0; e < expert; e++) {
        slug(other, sweep->experts[e].label);
        other[40] = '\0';
        same += !strcmp(out, other);
    }
    if (same) snprintf(out + strlen(out), 64 - strlen(out), "-%d", same + 1);
}

enum { OUTCOMES = 9 };

static void outcome_of(const udy_sweep_point *p, udy_scalar out[OUTCOMES]) {
    const udy_scalar scalars[OUTCOMES] = {
        {"outcome/return", p->ret.value},
        {"outcome/share", p->share.value},
        {"outcome/falls", p->falls},
        {"outcome/labels", p->labels},
        {"outcome/updates", p->updates},
        {"outcome/loss_train", p->train_loss},
        {"outcome/loss_validation", p->val_loss},
        {"outcome/error_own", p->error_own.value},
        {"outcome/error_expert", p->error_expert.value},
    };
    memcpy(out, scalars, sizeof scalars);
}

// The points of a line, and each point's session below it.
static int tell_line(const udy_sweep *sweep, int expert, int method, int training, const char *dir,
                     unsigned loggers, udy_error *err) {
    char name[64], part[96];
    place at = {.demos = 0};
    udy_logger *log;
    udy_scalar outcome[OUTCOMES];
    name_expert(name, sweep, expert);
    snprintf(at.expert, sizeof at.expert, "%s", sweep->experts[expert].label);
    snprintf(at.method, sizeof at.method, "%s", udy_sweep_methods[method]);
    snprintf(at.training, sizeof at.training, "%s", udy_sweep_trainings[training]);
    snprintf(part, sizeof part, "%s/%s-%s", name, at.method, at.training);
    int status = udy_logger_open(&log, dir, part, loggers, 0, err);
    for (int i = 0; i < sweep->demos.n && !status; i++) {
        const udy_sweep_point *p =
            udy_sweep_point_at(sweep, expert, method, training, sweep->demos.v[i]);
        if (!p) continue;
        outcome_of(p, outcome);
        status = udy_logger_scalars(log, p->demos, outcome, OUTCOMES, err);
        at.demos = p->demos;
        snprintf(part, sizeof part, "%s/%s-%s/demos-%d", name, at.method, at.training, p->demos);
        if (!status)
            status = udy_logger_summary(dir, part, loggers & UDY_LOG_TENSORBOARD, &at, place_fields,
                                        outcome, OUTCOMES, 0, err);
    }
    udy_logger_close(log);
    return status;
}

int udy_sweep_log(const udy_sweep *sweep, const char *dir, unsigned loggers, udy_error *err) {
    int status = UDY_OK;
    if (!loggers) return UDY_OK;
    for (int e = 0; e < sweep->n_experts; e++)
        for (int m = 0; m < UDY_SWEEP_METHODS; m++)
            for (int t = 0; t < UDY_SWEEP_TRAININGS && !status; t++)
                status = tell_line(sweep, e, m, t, dir, loggers, err);
    return status;
}
