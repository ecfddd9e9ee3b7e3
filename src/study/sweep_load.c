// sweep.json read back, for figures and tables. The file may come from anywhere: what does not fit
// is UDY_EFORMAT, never more.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sweep.h"

static udy_sweep_value value_of(const udy_json *o, const char *name) {
    const udy_json *v = udy_json_get(o, name), *ci = udy_json_get(v, "ci95");
    return (udy_sweep_value){
        udy_json_number(v, "value", NAN),
        {udy_json_value(udy_json_at(ci, 0), NAN), udy_json_value(udy_json_at(ci, 1), NAN)}};
}

// A whole number in [least, most]; -1 for anything else.
static int count_of(const udy_json *o, const char *name, double least, double most) {
    double v = udy_json_number(o, name, -1);
    return v >= least && v <= most && v == floor(v) ? (int)v : -1;
}

static int find(const char *word, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (!strcmp(word, names[i])) return i;
    return -1;
}

static bool read_place(const udy_sweep *s, const udy_json *o, int place[3]) {
    const char *expert = udy_json_string(o, "expert", "");
    place[0] = -1;
    for (int i = 0; i < s->n_experts; i++)
        if (!strcmp(expert, s->experts[i].label)) place[0] = i;
    place[1] = find(udy_json_string(o, "method", ""), udy_sweep_methods, UDY_SWEEP_METHODS);
    place[2] = find(udy_json_string(o, "training", ""), udy_sweep_trainings, UDY_SWEEP_TRAININGS);
    return place[0] >= 0 && place[1] >= 0 && place[2] >= 0;
}

static int read_experts(udy_sweep *s, const udy_json *list) {
    size_t n = udy_json_is_array(list) ? udy_json_size(list) : 0;
    if (n < 1 || n > UDY_SWEEP_EXPERTS_MAX) return UDY_EFORMAT;
    for (const udy_json *o = udy_json_at(list, 0); o; o = udy_json_next(o)) {
        udy_sweep_teacher *e = &s->experts[s->n_experts++];
        const udy_json *ci = udy_json_get(o, "ci95");
        snprintf(e->name, sizeof e->name, "%s", udy_json_string(o, "name", ""));
        snprintf(e->label, sizeof e->label, "%s", udy_json_string(o, "label", ""));
        e->stochastic = udy_json_bool(o, "stochastic", false);
        e->n = count_of(o, "episodes", 1, 1e9);
        e->falls = count_of(o, "falls", 0, 1e9);
        e->mean = udy_json_number(o, "mean", NAN);
        e->std = udy_json_number(o, "std", NAN);
        for (size_t i = 0; i < 2; i++) e->ci[i] = udy_json_value(udy_json_at(ci, i), NAN);
        if (!e->label[0] || e->n < 0 || e->falls < 0 || !isfinite(e->mean)) return UDY_EFORMAT;
    }
    return UDY_OK;
}

static int read_points(udy_sweep *s, const udy_json *list) {
    size_t n = udy_json_is_array(list) ? udy_json_size(list) : 0;
    if (n < 1 || n > 1 << 20) return UDY_EFORMAT;
    s->points = udy_alloc(n * sizeof *s->points);
    if (!s->points) return UDY_ENOMEM;
    for (const udy_json *o = udy_json_at(list, 0); o; o = udy_json_next(o)) {
        int place[3];
        if (!read_place(s, o, place)) return UDY_EFORMAT;
        udy_sweep_point *p = &s->points[s->n_points++];
        *p = (udy_sweep_point){
            .expert = place[0],
            .method = place[1],
            .training = place[2],
            .demos = count_of(o, "demos", 1, 1e6),
            .n = count_of(o, "episodes", 1, 1e9),
            .labels = udy_json_number(o, "labels", NAN),
            .updates = udy_json_number(o, "updates", NAN),
            .train_loss = udy_json_number(o, "train_loss", NAN),
            .val_loss = udy_json_number(o, "val_loss", NAN),
            .ret = value_of(o, "return"),
            .share = value_of(o, "share"),
            .error_own = value_of(o, "error_own"),
            .error_expert = value_of(o, "error_expert"),
            .falls = count_of(o, "falls", 0, 1e9),
            .too_low = count_of(o, "too_low", 0, 1e9),
            .too_high = count_of(o, "too_high", 0, 1e9),
        };
        if (p->demos < 0 || p->n < 0 || p->falls < 0 || !(p->labels > 0) || !isfinite(p->labels) ||
            !isfinite(p->ret.value))
            return UDY_EFORMAT;
    }
    return UDY_OK;
}

static double labels_of(const udy_json *number, bool known) {
    return known ? udy_json_value(number, INFINITY) : NAN;
}

static int read_needs(udy_sweep *s, const udy_json *list) {
    size_t n = udy_json_is_array(list) ? udy_json_size(list) : 0;
    if (n > 1 << 16) return UDY_EFORMAT;
    s->needs = n ? udy_alloc(n * sizeof *s->needs) : NULL;
    if (n && !s->needs) return UDY_ENOMEM;
    for (const udy_json *o = udy_json_at(list, 0); o; o = udy_json_next(o)) {
        int place[3];
        if (!read_place(s, o, place)) return UDY_EFORMAT;
        const udy_json *ci = udy_json_get(o, "ci95");
        bool known = udy_json_bool(o, "known", false);
        s->needs[s->n_needs++] = (udy_sweep_need){
            .expert = place[0],
            .method = place[1],
            .training = place[2],
            .labels = labels_of(udy_json_get(o, "labels"), known),
            .ci = {labels_of(udy_json_at(ci, 0), known), labels_of(udy_json_at(ci, 1), known)},
            .at_most = udy_json_bool(o, "at_most", false),
        };
    }
    return UDY_OK;
}

static int read_head(udy_sweep *s, const udy_json *root) {
    const udy_json *demos = udy_json_get(root, "demos");
    size_t n = udy_json_is_array(demos) ? udy_json_size(demos) : 0;
    snprintf(s->task, sizeof s->task, "%s", udy_json_string(root, "task", ""));
    s->seeds = count_of(root, "seeds", 1, 1e6);
    s->eval_episodes = count_of(root, "eval_episodes", 1, 1e6);
    s->epochs = count_of(root, "epochs", 1, 1e9);
    s->target = udy_json_number(root, "target", NAN);
    if (n < 1 || n > UDY_INTS_MAX || s->seeds < 0 || s->eval_episodes < 0 || s->epochs < 0 ||
        !isfinite(s->target))
        return UDY_EFORMAT;
    for (size_t i = 0; i < n; i++) {
        double v = udy_json_value(udy_json_at(demos, i), 0);
        if (!(v >= 1 && v <= 1e6)) return UDY_EFORMAT;
        s->demos.v[s->demos.n++] = (int)v;
    }
    const udy_json *timing = udy_json_get(root, "timing");
    s->seconds = udy_json_number(timing, "seconds_total", NAN);
    s->cell_seconds = udy_json_number(timing, "seconds_of_cells", NAN);
    return UDY_OK;
}

int udy_sweep_load(udy_sweep *out, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_json *root;
    *out = (udy_sweep){0};
    int status = udy_path_format(path, err, "%s/sweep.json", run_path);
    if (!status) status = udy_json_load(&root, path, (size_t)256 << 20, err);
    if (status) return status;
    if (strcmp(udy_json_string(root, "format", ""), "understudy.sweep/1")) status = UDY_EFORMAT;
    if (!status) status = read_head(out, root);
    if (!status) status = read_experts(out, udy_json_get(root, "experts"));
    if (!status) status = read_points(out, udy_json_get(root, "points"));
    if (!status) status = read_needs(out, udy_json_get(root, "needs"));
    udy_json_free(root);
    if (!status) return UDY_OK;
    udy_sweep_free(out);
    return udy_error_set(err, status,
                         status == UDY_ENOMEM
                             ? "%s: no memory"
                             : "%s: not a sweep's results (format understudy.sweep/1)",
                         path);
}

void udy_sweep_free(udy_sweep *sweep) {
    if (!sweep) return;
    udy_free(sweep->points);
    udy_free(sweep->needs);
    *sweep = (udy_sweep){0};
}
