// The course of a training, told to loggers: it stands between a training and whoever watches it, and
// at every word of progress looks for epochs that have ended since. So the training knows nothing of
// loggers, and they get each epoch as it ends.
#include <math.h>
#include <string.h>

#include "understudy/study.h"

struct udy_course {
    char dir[UDY_PATH_MAX];
    unsigned loggers;
    const udy_progress *outer;
    udy_progress progress;
    const udy_bc *bc;
    const udy_dagger *dagger;
    int epochs_per_round;
    udy_logger *epochs, *rounds;
    int round, told_epochs, told_rounds;
    udy_error fault;  // code 0: no logger has failed
};

//------------------------------------------ Epochs ------------------------------------------------

static void tell_epochs(udy_course *c) {
    const udy_bc *bc = c->dagger ? udy_dagger_training(c->dagger) : c->bc;
    if (!bc || !c->epochs) return;
    int round = c->dagger ? udy_dagger_rounds_done(c->dagger) : 0;
    if (round != c->round) c->told_epochs = 0;
    c->round = round;
    for (; c->told_epochs < udy_bc_epochs(bc); c->told_epochs++) {
        const udy_bc_epoch *epoch = &udy_bc_curve(bc)[c->told_epochs];
        const udy_scalar scalars[] = {{"loss/train", epoch->train_loss},
                                      {"loss/validation", epoch->val_loss}};
        int64_t step = (int64_t)round * c->epochs_per_round + c->told_epochs + 1;
        // Also after a fault: a training that was at its end is over, and whoever runs it may have
        // nobody tell of it again. What a stopped training told is told anew when it goes on.
        udy_error err = {0};
        if (udy_logger_scalars(c->epochs, step, scalars, 2, &err) && !c->fault.code) c->fault = err;
    }
}

static int on_advance(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                      const char *note) {
    udy_course *c = ctx;
    tell_epochs(c);
    int answer = udy_progress_advance(c->outer, stage, done, total, unit, note);
    return c->fault.code ? 1 : answer;
}

static void on_message(void *ctx, const char *message) {
    const udy_course *c = ctx;
    udy_progress_message(c->outer, "%s", message);
}

//------------------------------------------ Rounds ------------------------------------------------

// Selection returns in bins of equal width.
static int tell_returns(udy_course *c, const udy_dagger_round *r, udy_error *err) {
    enum { BINS = 20 };
    double low = INFINITY, high = -INFINITY, edges[BINS + 1], counts[BINS] = {0};
    udy_tb *tb = udy_logger_tb(c->rounds);
    if (!tb || r->n_select < 1) return UDY_OK;
    for (int i = 0; i < r->n_select; i++) {
        low = fmin(low, r->select[i].ret);
        high = fmax(high, r->select[i].ret);
    }
    if (!isfinite(low) || !isfinite(high)) return UDY_OK;
    double width = (high - low) / BINS;
    if (!(width > 0)) width = 1.0 / BINS, low -= 0.5;
    for (int i = 0; i <= BINS; i++) edges[i] = low + width * i;
    for (int i = 0; i < r->n_select; i++)
        counts[(int)fmin(fmax((r->select[i].ret - low) / width, 0), BINS - 1)] += 1;
    return udy_tb_histogram(tb, "evaluation/returns", r->round, edges, counts, BINS, err);
}

static int tell_round(udy_course *c, const udy_dagger_round *r, udy_error *err) {
    int falls = 0;
    for (int i = 0; i < r->n_select; i++)
        falls += r->select[i].end != UDY_END_NONE && r->select[i].end != UDY_END_LIMIT;
    const udy_scalar scalars[] = {
        {"evaluation/mean", r->select_mean},
        {"evaluation/falls", falls},
        {"collection/return", r->collect_return},
        {"collection/beta", r->beta},
        {"collection/labels", (double)r->labels},
        {"loss/train", r->train_loss},
        {"speed/seconds", r->seconds},
    };
    int status = udy_logger_scalars(c->rounds, r->round, scalars,
                                    (int)(sizeof scalars / sizeof *scalars), err);
    return status ? status : tell_returns(c, r, err);
}

int udy_course_rounds(udy_course *c, udy_error *err) {
    int status = UDY_OK;
    for (; c->dagger && !status && c->told_rounds < udy_dagger_rounds_done(c->dagger);) {
        status = tell_round(c, udy_dagger_round_at(c->dagger, c->told_rounds), err);
        if (!status) c->told_rounds++;
    }
    return status;
}

//------------------------------------------ Open and close ----------------------------------------

int udy_course_open(udy_course **out, const char *dir, unsigned loggers, const udy_progress *outer,
                    udy_error *err) {
    *out = NULL;
    udy_course *c = udy_alloc(sizeof *c);
    if (!c) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to log a training", dir);
    c->loggers = loggers;
    c->outer = outer;
    c->progress = (udy_progress){.on_advance = on_advance, .on_message = on_message, .ctx = c};
    int status = udy_path_format(c->dir, err, "%s", dir);
    if (status)
        udy_free(c);
    else
        *out = c;
    return status;
}

const udy_progress *udy_course_progress(const udy_course *course) {
    return &course->progress;
}

int udy_course_follow_bc(udy_course *c, const udy_bc *bc, udy_error *err) {
    c->bc = bc;
    c->told_epochs = 0;
    return udy_logger_open(&c->epochs, c->dir, "bc", c->loggers, 0, err);
}

int udy_course_follow_dagger(udy_course *c, const udy_dagger *dagger,
                             const udy_dagger_config *config, const udy_bc_config *bc,
                             udy_error *err) {
    int done = udy_dagger_rounds_done(dagger);
    c->dagger = dagger;
    c->round = -1;
    c->epochs_per_round = bc->epochs;
    int status = udy_logger_open(&c->rounds, c->dir, "dagger", c->loggers, 0, err);
    // A round's epochs are known while it trains alone: those of the rounds that ended stay.
    int64_t from = done ? (int64_t)done * bc->epochs + 1 : 0;
    if (!status && done <= config->rounds)
        status = udy_logger_open(&c->epochs, c->dir, "dagger-training", c->loggers, from, err);
    return status ? status : udy_course_rounds(c, err);
}

int udy_course_close(udy_course *c, int status, udy_error *err) {
    if (!c) return status;
    if (c->fault.code && (!status || status == UDY_EINTERRUPTED))
        status = udy_error_set(err, c->fault.code, "%s%s", c->fault.message,
                               status ? "; the training stopped at that, and is saved" : "");
    udy_logger_close(c->epochs);
    udy_logger_close(c->rounds);
    udy_free(c);
    return status;
}
