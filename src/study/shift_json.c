// A shift as JSON and back: the fields of its structs, each walked once for both.
#include <limits.h>
#include <math.h>
#include <string.h>

#include "learn/config.h"
#include "study/json_walk.h"
#include "study/shift.h"

static const char format[] = "understudy.shift/1";

//------------------------------------------ Measures ----------------------------------------------

static void walk_measure(udy__walk *w, const char *name, udy_measure *m) {
    udy__walk in = udy__walk_into(w, name);
    udy__walk_number(&in, "value", &m->value);
    udy__walk_numbers(&in, "ci", m->ci, 2);
    udy__walk_bool(&in, "has_ci", &m->has_ci);
    udy__walk_numbers(&in, "null", m->null, 2);
    udy__walk_number(&in, "p", &m->p);
    udy__walk_out(w, name, &in);
}

static void walk_value(udy__walk *w, const char *name, udy_shift_value *x) {
    udy__walk in = udy__walk_into(w, name);
    udy__walk_number(&in, "value", &x->value);
    udy__walk_numbers(&in, "ci", x->ci, 2);
    udy__walk_out(w, name, &in);
}

static void walk_pair(udy__walk *w, const char *name, int x[2]) {
    double both[2] = {x[0], x[1]};
    udy__walk_numbers(w, name, both, 2);
    for (int i = 0; i < 2 && w->reading && !udy__walk_stopped(w); i++) {
        if (!(both[i] >= 0 && both[i] <= INT_MAX))
            w->fault = name;
        else
            x[i] = (int)both[i];
    }
}

static void walk_joint(udy__walk *w, udy_joint *j) {
    udy__walk in = udy__walk_into(w, "joint");
    walk_measure(&in, "energy", &j->energy);
    walk_measure(&in, "mmd", &j->mmd);
    udy__walk_number(&in, "energy_all_pairs", &j->energy_all_pairs);
    udy__walk_number(&in, "mmd_all_pairs", &j->mmd_all_pairs);
    udy__walk_number(&in, "bandwidth", &j->bandwidth);
    udy__walk_number(&in, "least_p", &j->least_p);
    walk_pair(&in, "rows", j->rows);
    udy__walk_out(w, "joint", &in);
}

static void walk_classifier(udy__walk *w, udy_classifier_test *c) {
    udy__walk in = udy__walk_into(w, "classifier");
    walk_measure(&in, "auc", &c->auc);
    udy__walk_number(&in, "accuracy", &c->accuracy);
    walk_pair(&in, "n_train", c->n_train);
    walk_pair(&in, "n_test", c->n_test);
    udy__walk_number(&in, "train_loss", &c->train_loss);
    udy__walk_number(&in, "least_p", &c->least_p);
    udy__walk_out(w, "classifier", &in);
}

static void walk_column(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_column *c = item;
    walk_measure(w, "wasserstein", &c->wasserstein);
    walk_measure(w, "jensen_shannon", &c->jensen_shannon);
}

static void walk_window(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_shift_window *x = item;
    udy__walk_count(w, "first", &x->first);
    udy__walk_count(w, "end", &x->end);
    udy__walk_count(w, "n", &x->n);
    udy__walk_bool(w, "known", &x->energy.known);
    walk_pair(w, "episodes", x->energy.n);
    walk_measure(w, "energy", &x->energy.energy);
    walk_value(w, "error", &x->error);
    walk_value(w, "distance", &x->distance);
    udy__walk_numbers(w, "height", x->height, 3);
    udy__walk_numbers(w, "speed", x->speed, 3);
    x->energy.first = x->first;
    x->energy.end = x->end;
}

static void walk_survival(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_survival_point *x = item;
    udy__walk_count(w, "t", &x->t);
    udy__walk_count(w, "at_risk", &x->at_risk);
    udy__walk_count(w, "falls", &x->falls);
    udy__walk_count(w, "censored", &x->censored);
    udy__walk_number(w, "hazard", &x->hazard);
    udy__walk_number(w, "survival", &x->survival);
    udy__walk_numbers(w, "ci", x->ci, 2);
    udy__walk_number(w, "greenwood", &x->greenwood);
}

static void walk_hazard(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_hazard_window *x = item;
    udy__walk_count(w, "first", &x->first);
    udy__walk_count(w, "end", &x->end);
    udy__walk_count(w, "at_risk", &x->at_risk);
    udy__walk_count(w, "falls", &x->falls);
    udy__walk_i64(w, "steps", &x->steps);
    udy__walk_number(w, "hazard", &x->hazard);
    udy__walk_numbers(w, "ci", x->ci, 2);
}

static void walk_exponent(udy__walk *w, udy_exponent *x) {
    udy__walk in = udy__walk_into(w, "exponent");
    int status = (int)x->status;
    udy__walk_count(&in, "status", &status);
    if (status > UDY_FIT_FULL && !in.fault) in.fault = "status";
    if (in.reading && !in.fault) x->status = (udy_fit_status)status;
    udy__walk_number(&in, "k", &x->k);
    udy__walk_number(&in, "c", &x->c);
    udy__walk_numbers(&in, "ci", x->ci, 2);
    udy__walk_bool(&in, "has_ci", &x->has_ci);
    udy__walk_number(&in, "r2", &x->r2);
    udy__walk_count(&in, "first", &x->first);
    udy__walk_text(&in, "words", x->words, sizeof x->words);
    udy__walk_out(w, "exponent", &in);
}

static void walk_push(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_shift_push *x = item;
    udy__walk_number(w, "speed", &x->speed);
    udy__walk_count(w, "n", &x->n);
    udy__walk_count(w, "back", &x->back);
    udy__walk_count(w, "fell", &x->fell);
    udy__walk_numbers(w, "back_ci", x->back_ci, 2);
    udy__walk_number(w, "median_steps", &x->median_steps);
}

static void walk_before(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    udy_shift_before *x = item;
    udy__walk_int(w, "t", &x->t);
    udy__walk_count(w, "n", &x->n);
    udy__walk_number(w, "height", &x->height);
    udy__walk_number(w, "speed", &x->speed);
    udy__walk_number(w, "error", &x->error);
    udy__walk_number(w, "distance", &x->distance);
}

static void walk_track(udy__walk *w, udy_shift_track *t, int nq) {
    udy__walk in = udy__walk_into(w, "track");
    int end = (int)t->end;
    udy__walk_u64(&in, "seed", &t->seed);
    udy__walk_count(&in, "length", &t->length);
    udy__walk_count(&in, "end", &end);
    if (end > UDY_END_UNHEALTHY && !in.fault) in.fault = "end";
    if (in.reading && !in.fault) t->end = (udy_end)end;
    udy__walk_number(&in, "return", &t->ret);
    size_t T = (size_t)t->length;
    udy__walk_floats(&in, "qpos", &t->qpos, T * (size_t)nq);
    udy__walk_floats(&in, "height", &t->height, T);
    udy__walk_floats(&in, "speed", &t->speed, T);
    udy__walk_floats(&in, "distance", &t->distance, T);
    udy__walk_floats(&in, "error", &t->error, T);
    udy__walk_floats(&in, "reward", &t->reward, T);
    udy__walk_out(w, "track", &in);
}

//------------------------------------------ A policy ----------------------------------------------

// Lengths and ends of episodes, as numbers.
static void walk_episodes(udy__walk *w, udy_shift_policy *p) {
    size_t n = (size_t)p->n;
    udy__walk_new_numbers(w, "returns", &p->returns, n);
    double *numbers = udy__walk_room(w, n, sizeof *numbers);
    for (size_t i = 0; i < n && !w->reading && numbers; i++) numbers[i] = p->lengths[i];
    if (numbers) udy__walk_numbers(w, "lengths", numbers, n);
    if (w->reading) p->lengths = udy__walk_room(w, n, sizeof *p->lengths);
    for (size_t i = 0; i < n && w->reading && !udy__walk_stopped(w); i++) {
        if (numbers[i] >= 0 && numbers[i] <= INT_MAX)
            p->lengths[i] = (int)numbers[i];
        else
            w->fault = "lengths";
    }
    for (size_t i = 0; i < n && !w->reading && numbers; i++) numbers[i] = p->ends[i];
    if (numbers) udy__walk_numbers(w, "ends", numbers, n);
    if (w->reading) p->ends = udy__walk_room(w, n, sizeof *p->ends);
    for (size_t i = 0; i < n && w->reading && !udy__walk_stopped(w); i++) {
        if (numbers[i] >= 0 && numbers[i] <= UDY_END_UNHEALTHY)
            p->ends[i] = (uint8_t)numbers[i];
        else
            w->fault = "ends";
    }
    udy_free(numbers);
}

static void walk_in_full(udy__walk *w, udy_shift_policy *p, const udy_shift *shift) {
    int most = 1 << 24, n_columns = shift->n_columns;
    size_t side = (size_t)shift->config.map_bins;
    p->columns = udy__walk_list(w, "columns", p->columns, &n_columns, sizeof *p->columns,
                                shift->n_columns, walk_column, shift);
    if (w->reading && n_columns != shift->n_columns && !w->fault) w->fault = "columns";
    udy__walk_bool(w, "has_classifier", &p->has_classifier);
    if (p->has_classifier) walk_classifier(w, &p->classifier);
    p->windows = udy__walk_list(w, "windows", p->windows, &p->n_windows, sizeof *p->windows, most,
                                walk_window, shift);
    udy__walk_number(w, "p_anywhere", &p->p_anywhere);
    udy__walk_new_numbers(w, "height_density", &p->height_density, UDY_SHIFT_BINS);
    udy__walk_new_numbers(w, "speed_density", &p->speed_density, UDY_SHIFT_BINS);
    udy__walk_new_numbers(w, "map", &p->map, side * side);
    if (shift->obs_range)
        udy__walk_floats(w, "obs_density", &p->obs_density,
                         (size_t)shift->obs_dim * UDY_SHIFT_BINS);
    p->survival = udy__walk_list(w, "survival", p->survival, &p->n_survival, sizeof *p->survival,
                                 most, walk_survival, shift);
    p->hazard = udy__walk_list(w, "hazard", p->hazard, &p->n_hazard, sizeof *p->hazard, most,
                               walk_hazard, shift);
    udy__walk_new_numbers(w, "cost", &p->cost, (size_t)shift->n_T);
    walk_exponent(w, &p->exponent);
    void *push = udy__walk_list(w, "pushes", w->reading ? NULL : p->push, &p->n_push,
                                sizeof *p->push, 4, walk_push, shift);
    if (w->reading && push) memcpy(p->push, push, (size_t)p->n_push * sizeof *p->push);
    if (w->reading) udy_free(push);
    p->before = udy__walk_list(w, "before_falls", p->before, &p->n_before, sizeof *p->before, most,
                               walk_before, shift);
    walk_track(w, &p->track, shift->nq);
}

static void walk_policy(udy__walk *w, void *item, const void *whole) {
    const udy_shift *shift = whole;
    udy_shift_policy *p = item;
    udy__walk_text(w, "name", p->name, sizeof p->name);
    udy__walk_text(w, "label", p->label, sizeof p->label);
    udy__walk_bool(w, "brief", &p->brief);
    udy__walk_bool(w, "has_labels", &p->has_labels);
    udy__walk_u64(w, "labels", &p->labels);
    udy__walk_count(w, "episodes", &p->n);
    if (w->reading && p->n < 1 && !w->fault) w->fault = "episodes";
    walk_episodes(w, p);
    udy__walk_number(w, "mean", &p->mean);
    udy__walk_number(w, "std", &p->std);
    udy__walk_numbers(w, "ci95", p->ci95, 2);
    udy__walk_count(w, "falls", &p->falls);
    udy__walk_count(w, "too_low", &p->too_low);
    udy__walk_count(w, "too_high", &p->too_high);
    udy__walk_number(w, "speed_mean", &p->speed_mean);
    walk_joint(w, &p->joint);
    walk_value(w, "distance", &p->distance);
    udy__walk_number(w, "distance_q95", &p->distance_q95);
    udy__walk_number(w, "far", &p->far);
    if (shift->obs_range)
        udy__walk_new_numbers(w, "distance_density", &p->distance_density, UDY_SHIFT_BINS);
    walk_value(w, "error_own", &p->error_own);
    walk_value(w, "error_expert", &p->error_expert);
    if (!p->brief && !udy__walk_stopped(w)) walk_in_full(w, p, shift);
}

//------------------------------------------ All of it ---------------------------------------------

// The settings, by their table.
static void walk_config(udy__walk *w, udy_shift_config *config) {
    udy__walk in = udy__walk_into(w, "config");
    for (const udy_field *f = udy_shift_fields(); f->key; f++) {
        void *at = (char *)config + f->offset;
        udy_ints *list = at;
        double values[UDY_INTS_MAX] = {0};
        switch (f->type) {
            case UDY_FIELD_INT: udy__walk_int(&in, f->key, at); break;
            case UDY_FIELD_U64: udy__walk_u64(&in, f->key, at); break;
            case UDY_FIELD_F64: udy__walk_number(&in, f->key, at); break;
            case UDY_FIELD_INTS:
                if (in.reading) list->n = (int)udy_json_size(udy_json_get(in.from, f->key));
                if (list->n > UDY_INTS_MAX) list->n = 0;  // then the sizes differ: a fault
                for (int i = 0; i < list->n && !in.reading; i++) values[i] = list->v[i];
                udy__walk_numbers(&in, f->key, values, (size_t)list->n);
                for (int i = 0; i < list->n && in.reading; i++)
                    list->v[i] = values[i] >= 0 && values[i] <= INT_MAX ? (int)values[i] : -1;
                break;
            case UDY_FIELD_BOOL:
            case UDY_FIELD_CHOICE:
            case UDY_FIELD_TEXT:
            case UDY_FIELD_PAIR: break;  // none in this table
        }
    }
    if (in.reading && !udy__walk_stopped(&in) &&
        udy__config_check(config, udy_shift_fields(), "", NULL))
        in.fault = "config";
    udy__walk_out(w, "config", &in);
}

typedef struct column_note {
    char name[64], unit[16];
    double std;
} column_note;

static void walk_column_note(udy__walk *w, void *item, const void *whole) {
    (void)whole;
    column_note *c = item;
    udy__walk_text(w, "name", c->name, sizeof c->name);
    udy__walk_text(w, "unit", c->unit, sizeof c->unit);
    udy__walk_number(w, "std", &c->std);
}

static void walk_column_notes(udy__walk *w, udy_shift *shift) {
    size_t n = (size_t)shift->obs_dim + 2;
    int count = (int)n;
    column_note *notes = w->reading ? NULL : udy__walk_room(w, n, sizeof *notes);
    for (size_t i = 0; i < n && notes; i++) {
        memcpy(notes[i].name, shift->column_name[i], sizeof notes[i].name);
        memcpy(notes[i].unit, shift->column_unit[i], sizeof notes[i].unit);
        notes[i].std = shift->column_std[i];
    }
    if (w->reading || notes)
        notes = udy__walk_list(w, "columns", notes, &count, sizeof *notes, UDY_SAMPLE_DIMS_MAX,
                               walk_column_note, NULL);
    if (w->reading && count != (int)n && !w->fault) w->fault = "columns";
    if (w->reading) {
        shift->column_name = udy__walk_room(w, n, sizeof *shift->column_name);
        shift->column_unit = udy__walk_room(w, n, sizeof *shift->column_unit);
        shift->column_std = udy__walk_room(w, n, sizeof *shift->column_std);
        shift->n_columns = (int)n;
    }
    for (size_t i = 0; i < n && w->reading && !udy__walk_stopped(w); i++) {
        memcpy(shift->column_name[i], notes[i].name, sizeof notes[i].name);
        memcpy(shift->column_unit[i], notes[i].unit, sizeof notes[i].unit);
        shift->column_std[i] = notes[i].std;
    }
    udy_free(notes);
}

// Not in the first files of this format.
static void walk_bins(udy__walk *w, udy_shift *shift) {
    bool has = w->reading ? udy_json_get(w->from, "obs_range") != NULL : shift->obs_range != NULL;
    if (!has) return;
    udy__walk_new_numbers(w, "obs_range", &shift->obs_range, 2 * (size_t)shift->obs_dim);
    udy__walk_numbers(w, "distance_range", shift->distance_range, 2);
}

static void walk_horizons(udy__walk *w, udy_shift *shift) {
    if (w->reading) shift->n_T = (int)(udy_json_size(udy_json_get(w->from, "horizons")) & 0xffff);
    udy__walk_new_numbers(w, "horizons", &shift->T, (size_t)shift->n_T);
}

static void walk_shift(udy__walk *w, udy_shift *shift) {
    char name[sizeof format] = "";
    memcpy(name, format, sizeof name);
    udy__walk_text(w, "format", name, sizeof name);
    if (w->reading && !w->fault && strcmp(name, format)) w->fault = "format";
    udy__walk_text(w, "task", shift->task, sizeof shift->task);
    udy__walk_text(w, "expert", shift->expert, sizeof shift->expert);
    udy__walk_number(w, "dt", &shift->dt);
    udy__walk_count(w, "obs_dim", &shift->obs_dim);
    udy__walk_count(w, "nq", &shift->nq);
    if (w->reading && !w->fault &&
        (shift->obs_dim < 1 || shift->obs_dim > UDY_SAMPLE_DIMS_MAX - 2 || shift->nq > 100000))
        w->fault = "obs_dim";
    if (!udy__walk_stopped(w)) walk_column_notes(w, shift);
    walk_config(w, &shift->config);
    udy__walk_u64(w, "demo_rows", &shift->demo_rows);
    udy__walk_number(w, "distance_q95", &shift->distance_q95);
    udy__walk_numbers(w, "height_range", shift->height_range, 2);
    udy__walk_numbers(w, "speed_range", shift->speed_range, 2);
    udy__walk_numbers(w, "map_range_1", shift->map_range[0], 2);
    udy__walk_numbers(w, "map_range_2", shift->map_range[1], 2);
    udy__walk_numbers(w, "map_share", shift->map_share, 2);
    walk_horizons(w, shift);
    if (udy__walk_stopped(w)) return;
    walk_bins(w, shift);
    shift->policies =
        udy__walk_list(w, "policies", shift->policies, &shift->n, sizeof *shift->policies,
                       UDY_SHIFT_SUBJECTS_MAX + 1, walk_policy, shift);
    if (w->reading && shift->n < 2 && !w->fault) w->fault = "policies";
}

int udy_shift_save(const udy_shift *shift, const char *path, udy_error *err) {
    udy__walk w = {.to = udy_json_object()};
    udy_shift copy = *shift;  // a walk's struct is not const, as reading fills it
    walk_shift(&w, &copy);
    if (!w.no_memory) return udy_json_save(w.to, path, err);
    udy_json_free(w.to);
    return udy_error_set(err, UDY_ENOMEM, "%s: no memory to write a shift", path);
}

int udy_shift_load(udy_shift *out, const char *path, udy_error *err) {
    udy_json *root;
    *out = (udy_shift){.config = udy_shift_config_default()};
    int status = udy_json_load(&root, path, (size_t)256 << 20, err);
    if (status) return status;
    udy__walk w = {.reading = true, .from = root};
    walk_shift(&w, out);
    if (w.no_memory)
        status = udy_error_set(err, UDY_ENOMEM, "%s: no memory to read a shift", path);
    else if (w.fault)
        status = udy_error_set(err, UDY_EFORMAT,
                               "%s: not a measured shift (%s): '%s' is missing or not as it "
                               "should be; measure it again",
                               path, format, w.fault);
    udy_json_free(root);
    if (status) udy_shift_free(out);
    return status;
}
