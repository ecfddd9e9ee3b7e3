// Results of a sweep: the cells' records read back, sweep.json and the two tables written,
// sweep.json read. What may differ between two runs of the same settings stands under "timing",
// nothing else does.
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "evaluate.h"
#include "sweep.h"

static const char sweep_format[] = "understudy.sweep/1";

//------------------------------------------ Records -----------------------------------------------

udy_json *udy__sweep_evaluation_json(const udy_episode *episodes, int n) {
    udy_json *o = udy_json_object(), *returns = udy_json_array(), *lengths = udy_json_array();
    udy_json *speeds = udy_json_array(), *ends = udy_json_array();
    for (int i = 0; i < n; i++) {
        udy_json_append_number(returns, episodes[i].ret);
        udy_json_append_number(lengths, episodes[i].length);
        udy_json_append_number(speeds, episodes[i].speed);
        udy_json_append_number(ends, episodes[i].end);
    }
    udy_json_put(o, "returns", returns);
    udy_json_put(o, "lengths", lengths);
    udy_json_put(o, "speeds", speeds);
    udy_json_put(o, "ends", ends);
    return o;
}

// n finite numbers, or UDY_EFORMAT.
static int read_list(const udy_json *o, const char *name, double *out, int n) {
    const udy_json *list = udy_json_get(o, name);
    if (!udy_json_is_array(list) || udy_json_size(list) != (size_t)n) return UDY_EFORMAT;
    const udy_json *v = udy_json_at(list, 0);
    for (int i = 0; i < n; i++, v = udy_json_next(v)) {
        out[i] = udy_json_value(v, NAN);
        if (!isfinite(out[i])) return UDY_EFORMAT;
    }
    return UDY_OK;
}

int udy__sweep_evaluation_read(udy_evaluation *out, const udy_json *o, int n, uint64_t seed,
                               udy_error *err) {
    double *room = udy_alloc(4 * (size_t)n * sizeof *room);
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    int status =
        room && episodes ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for an evaluation");
    double *ret = room, *length = room + n, *speed = room + 2 * n, *end = room + 3 * n;
    if (!status) status = read_list(o, "returns", ret, n);
    if (!status) status = read_list(o, "lengths", length, n);
    if (!status) status = read_list(o, "speeds", speed, n);
    if (!status) status = read_list(o, "ends", end, n);
    for (int i = 0; !status && i < n; i++) {
        if (!(length[i] >= 1 && length[i] <= INT_MAX && end[i] >= 0 && end[i] <= UDY_END_UNHEALTHY))
            status = UDY_EFORMAT;
        else
            episodes[i] = (udy_episode){
                .ret = ret[i], .length = (int)length[i], .speed = speed[i], .end = (udy_end)end[i]};
    }
    if (!status) status = udy__evaluation_of(out, episodes, n, seed, err);
    udy_free(room);
    udy_free(episodes);
    return status;
}

static int read_cell(const udy__sweep *sweep, const udy_json *o, udy__sweep_cell *out,
                     udy_error *err) {
    const udy_sweep_config *config = sweep->config;
    int n = config->eval_episodes;
    uint64_t seed = config->seed + (uint64_t)out->job->seed;
    int status = udy__sweep_evaluation_read(&out->of, udy_json_get(o, "evaluation"), n,
                                            udy_seed_range(seed, UDY_SEEDS_EVALUATE), err);
    if (status) return status;
    out->n_test = config->test_episodes;
    out->updates = udy_json_number(o, "updates", NAN);
    out->train_loss = udy_json_number(o, "train_loss", NAN);
    out->val_loss = udy_json_number(o, "val_loss", NAN);
    if (!isfinite(out->updates + out->train_loss + out->val_loss)) return UDY_EFORMAT;
    out->error_own = udy_alloc((size_t)n * sizeof(double));
    out->error_expert = udy_alloc((size_t)out->n_test * sizeof(double));
    out->test_steps = udy_alloc((size_t)out->n_test * sizeof(double));
    if (!out->error_own || !out->error_expert || !out->test_steps)
        return udy_error_set(err, UDY_ENOMEM, "no memory for a cell of the sweep");
    status = read_list(o, "error_own", out->error_own, n);
    if (!status) status = read_list(o, "error_expert", out->error_expert, out->n_test);
    if (!status) status = read_list(o, "expert_lengths", out->test_steps, out->n_test);
    return status;
}

int udy__sweep_cells_read(const udy__sweep *sweep, const udy__sweep_job *job,
                          const udy_json *record, udy__sweep_cell *out, udy_error *err) {
    memset(out, 0, sizeof *out * UDY_SWEEP_TRAININGS);
    double labels = udy_json_number(record, "labels", NAN);
    if (!(labels >= 1) || udy_json_number(record, "demos", 0) != job->demos ||
        strcmp(udy_json_string(record, "method", ""), udy_sweep_methods[job->method]))
        return UDY_EFORMAT;
    int status = UDY_OK;
    for (int t = 0; !status && t < UDY_SWEEP_TRAININGS; t++) {
        out[t].job = job;
        out[t].training = t;
        out[t].labels = labels;
        out[t].seconds = udy_json_number(record, "seconds", 0);
        status = read_cell(sweep, udy_json_get(record, udy_sweep_trainings[t]), &out[t], err);
    }
    return status;
}

void udy__sweep_cell_free(udy__sweep_cell *cell) {
    udy_evaluation_free(&cell->of);
    udy_free(cell->error_own);
    udy_free(cell->error_expert);
    udy_free(cell->test_steps);
    cell->error_own = cell->error_expert = cell->test_steps = NULL;
}

//------------------------------------------ sweep.json --------------------------------------------

static void put_value(udy_json *o, const char *name, const udy_sweep_value *v) {
    udy_json *value = udy_json_object();
    udy_json_put_number(value, "value", v->value);
    udy_json_put_numbers(value, "ci95", v->ci, 2);
    udy_json_put(o, name, value);
}

static udy_json *experts_json(const udy_sweep *found) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < found->n_experts; i++) {
        const udy_sweep_teacher *e = &found->experts[i];
        udy_json *o = udy_json_object();
        udy_json_put_string(o, "name", e->name);
        udy_json_put_string(o, "label", e->label);
        udy_json_put_bool(o, "stochastic", e->stochastic);
        udy_json_put_int(o, "episodes", e->n);
        udy_json_put_number(o, "mean", e->mean);
        udy_json_put_number(o, "std", e->std);
        udy_json_put_numbers(o, "ci95", e->ci, 2);
        udy_json_put_int(o, "falls", e->falls);
        udy_json_append(list, o);
    }
    return list;
}

// What a point or a need is about.
static udy_json *place_json(const udy_sweep *found, int expert, int method, int training) {
    udy_json *o = udy_json_object();
    udy_json_put_string(o, "expert", found->experts[expert].label);
    udy_json_put_string(o, "method", udy_sweep_methods[method]);
    udy_json_put_string(o, "training", udy_sweep_trainings[training]);
    return o;
}

static udy_json *points_json(const udy_sweep *found) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < found->n_points; i++) {
        const udy_sweep_point *p = &found->points[i];
        udy_json *o = place_json(found, p->expert, p->method, p->training);
        udy_json_put_int(o, "demos", p->demos);
        udy_json_put_int(o, "episodes", p->n);
        udy_json_put_number(o, "labels", p->labels);
        udy_json_put_number(o, "updates", p->updates);
        udy_json_put_number(o, "train_loss", p->train_loss);
        udy_json_put_number(o, "val_loss", p->val_loss);
        put_value(o, "return", &p->ret);
        put_value(o, "share", &p->share);
        put_value(o, "error_own", &p->error_own);
        put_value(o, "error_expert", &p->error_expert);
        udy_json_put_int(o, "falls", p->falls);
        udy_json_put_int(o, "too_low", p->too_low);
        udy_json_put_int(o, "too_high", p->too_high);
        udy_json_append(list, o);
    }
    return list;
}

// JSON has no infinity: labels that were not enough are null, and `reached` says why.
static udy_json *needs_json(const udy_sweep *found) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < found->n_needs; i++) {
        const udy_sweep_need *n = &found->needs[i];
        udy_json *o = place_json(found, n->expert, n->method, n->training);
        udy_json_put_bool(o, "known", !isnan(n->labels));
        udy_json_put_bool(o, "reached", isfinite(n->labels));
        udy_json_put_bool(o, "at_most", n->at_most);
        udy_json_put_number(o, "labels", n->labels);
        udy_json_put_numbers(o, "ci95", n->ci, 2);
        udy_json_append(list, o);
    }
    return list;
}

static udy_json *cells_json(const udy_sweep *found, const udy__sweep_cell *cells, int n_cells,
                            uint64_t seed) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < n_cells; i++) {
        const udy__sweep_cell *c = &cells[i];
        udy_json *o = place_json(found, c->job->expert, c->job->method, c->training);
        udy_json_put_int(o, "demos", c->job->demos);
        udy_json_put_int(o, "seed", (int64_t)seed + c->job->seed);
        udy_json_put_number(o, "labels", c->labels);
        udy_json_put_number(o, "updates", c->updates);
        udy_json_put_number(o, "train_loss", c->train_loss);
        udy_json_put_number(o, "val_loss", c->val_loss);
        udy_json_put_number(o, "mean", c->of.mean);
        udy_json_put_numbers(o, "ci95", c->of.ci95, 2);
        udy_json_put_int(o, "falls", c->of.falls);
        udy_json_put_numbers(o, "returns", c->of.returns, (size_t)c->of.n);
        udy_json_append(list, o);
    }
    return list;
}

static udy_json *timing_json(const udy__sweep *sweep, const udy_sweep *found) {
    udy_json *timing = udy_json_object();
    char now[21];
    udy_clock_utc(now);
    udy_json_put_string(timing, "finished", now);
    udy_json_put_int(timing, "threads", sweep->n_threads);
    udy_json_put_number(timing, "seconds_total", found->seconds);
    udy_json_put_number(timing, "seconds_of_cells", found->cell_seconds);
    return timing;
}

static int write_json(const udy__sweep *sweep, const udy_sweep *found, const udy__sweep_cell *cells,
                      int n_cells, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/sweep.json", sweep->path);
    if (status) return status;
    udy_json *root = udy_json_object(), *demos = udy_json_array();
    for (int i = 0; i < found->demos.n; i++) udy_json_append_number(demos, found->demos.v[i]);
    udy_json_put_string(root, "format", sweep_format);
    udy_json_put_string(root, "task", found->task);
    udy_json_put_int(root, "seed", (int64_t)sweep->config->seed);
    udy_json_put_int(root, "seeds", found->seeds);
    udy_json_put_int(root, "eval_episodes", found->eval_episodes);
    udy_json_put_int(root, "epochs", found->epochs);
    udy_json_put_number(root, "target", found->target);
    udy_json_put(root, "demos", demos);
    udy_json_put(root, "versions", udy__versions_json());
    udy_json_put(root, "experts", experts_json(found));
    udy_json_put(root, "points", points_json(found));
    udy_json_put(root, "needs", needs_json(found));
    udy_json_put(root, "cells", cells_json(found, cells, n_cells, sweep->config->seed));
    udy_json_put(root, "timing", timing_json(sweep, found));
    return udy_json_save(root, path, err);
}

//------------------------------------------ Tables ------------------------------------------------

static void add_number(udy__text *csv, double value) {
    char number[UDY__NUMBER_MAX];
    udy__text_puts(csv, ",");
    if (!isfinite(value)) return;
    udy__double_print(number, value);
    udy__text_puts(csv, number);
}

static void add_numbers(udy__text *csv, const double *values, size_t n) {
    for (size_t i = 0; i < n; i++) add_number(csv, values[i]);
}

// A label may hold a comma: it is always quoted. It comes from a file's name.
static void add_place(udy__text *csv, const char *label, int method, int training, int demos) {
    udy__text_puts(csv, "\"");
    for (; *label; label++) {
        if (*label == '"') udy__text_puts(csv, "\"");
        udy__text_add(csv, (unsigned char)*label < 0x20 ? " " : label, 1);
    }
    udy__text_printf(csv, "\",%s,%s,%d", udy_sweep_methods[method], udy_sweep_trainings[training],
                     demos);
}

static double sum_of(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum;
}

static void add_cell(udy__text *csv, const udy_sweep *found, const udy__sweep_cell *c,
                     uint64_t seed) {
    const udy_sweep_teacher *expert = &found->experts[c->job->expert];
    add_place(csv, expert->label, c->job->method, c->training, c->job->demos);
    udy__text_printf(csv, ",%llu", (unsigned long long)seed + (unsigned long long)c->job->seed);
    const double values[] = {
        c->labels,
        c->updates,
        c->train_loss,
        c->val_loss,
        c->of.mean,
        c->of.ci95[0],
        c->of.ci95[1],
        c->of.std,
        expert->mean > 0 ? c->of.mean / expert->mean : NAN,
        c->of.n,
        c->of.falls,
        c->of.too_low,
        c->of.too_high,
        c->of.length_mean,
        sum_of(c->error_own, c->of.n) / (c->of.length_mean * c->of.n),
        sum_of(c->error_expert, c->n_test) / sum_of(c->test_steps, c->n_test),
    };
    add_numbers(csv, values, sizeof values / sizeof *values);
    udy__text_puts(csv, "\n");
}

static void add_point(udy__text *csv, const udy_sweep *found, const udy_sweep_point *p) {
    add_place(csv, found->experts[p->expert].label, p->method, p->training, p->demos);
    const double values[] = {
        p->labels,
        p->updates,
        p->train_loss,
        p->val_loss,
        p->ret.value,
        p->ret.ci[0],
        p->ret.ci[1],
        p->share.value,
        p->share.ci[0],
        p->share.ci[1],
        p->n,
        p->falls,
        p->too_low,
        p->too_high,
        p->error_own.value,
        p->error_own.ci[0],
        p->error_own.ci[1],
        p->error_expert.value,
        p->error_expert.ci[0],
        p->error_expert.ci[1],
    };
    add_numbers(csv, values, sizeof values / sizeof *values);
    udy__text_puts(csv, "\n");
}

static int write_table(const udy__sweep *sweep, const char *name, udy__text *csv, udy_error *err) {
    char path[UDY_PATH_MAX];
    size_t n = csv->n;
    char *text = udy__text_take(csv);
    int status = udy_path_format(path, err, "%s/%s", sweep->path, name);
    if (!status && !text) status = udy_error_set(err, UDY_ENOMEM, "%s: no memory", path);
    if (!status) status = udy_file_write(path, text, n, err);
    udy_free(text);
    return status;
}

int udy__sweep_write(const udy__sweep *sweep, const udy_sweep *found, const udy__sweep_cell *cells,
                     int n_cells, udy_error *err) {
    udy__text csv = {0};
    udy__text_puts(&csv,
                   "expert,method,training,demos,seed,labels,updates,train_loss,val_loss,mean,"
                   "ci95_low,ci95_high,std,share_of_expert,episodes,falls,too_low,too_high,length,"
                   "error_own,error_expert\n");
    for (int i = 0; i < n_cells; i++) add_cell(&csv, found, &cells[i], sweep->config->seed);
    int status = write_table(sweep, "sweep.csv", &csv, err);
    csv = (udy__text){0};
    udy__text_puts(&csv,
                   "expert,method,training,demos,labels,updates,train_loss,val_loss,return,"
                   "return_low,return_high,share,share_low,share_high,episodes,falls,too_low,"
                   "too_high,error_own,error_own_low,error_own_high,error_expert,"
                   "error_expert_low,error_expert_high\n");
    for (int i = 0; i < found->n_points; i++) add_point(&csv, found, &found->points[i]);
    if (!status)
        status = write_table(sweep, "points.csv", &csv, err);
    else
        udy__text_drop(&csv);
    return status ? status : write_json(sweep, found, cells, n_cells, err);
}
