// Results of an experiment: results.json, results.csv, and reading them back. Everything that may
// differ between two runs of the same settings and seed stands under "timing", nothing else does.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate.h"
#include "experiment.h"

static const char results_format[] = "understudy.results/1";

//------------------------------------------ Writing -----------------------------------------------

static double expert_mean(const udy__outcome *o) {
    return o->entries[o->n_entries - 1].of.mean;
}

udy_json *udy__versions_json(void) {
    udy_json *v = udy_json_object();
    udy_json_put_string(v, "understudy", UDY_VERSION);
    udy_json_put_string(v, "mujoco", udy_sim_version());
    udy_json_put_string(v, "onednn", udy_nn_version());
    udy_json_put_string(v, "vector_instructions", udy_nn_isa());
    return v;
}

static udy_json *expert_json(const udy_policy *expert) {
    udy_json *e = udy_json_object();
    const char *keys[] = {"made_by", "return"};
    const char *slash = strrchr(udy_policy_name(expert), '/');
    udy_json_put_string(e, "file", slash ? slash + 1 : udy_policy_name(expert));
    for (int i = 0; i < 2; i++)
        if (udy_policy_metadata(expert, keys[i]))
            udy_json_put_string(e, keys[i], udy_policy_metadata(expert, keys[i]));
    return e;
}

static udy_json *rows_json(const udy__outcome *o) {
    udy_json *rows = udy_json_array();
    for (int i = 0; i < o->n_entries; i++) {
        const udy__entry *entry = &o->entries[i];
        udy_json *row = udy_evaluation_json(&entry->of, false);
        udy_json_put_string(row, "name", entry->name);
        udy_json_put_string(row, "label", entry->label);
        udy_json_put_number(row, "share", entry->of.mean / expert_mean(o));
        udy_json_put_int(row, "labels", (int64_t)entry->labels);
        udy_json_append(rows, row);
    }
    return rows;
}

static udy_json *bc_json(const udy__outcome *o) {
    udy_json *bc = udy_json_object(), *train = udy_json_array(), *val = udy_json_array();
    for (int i = 0; i < o->n_epochs; i++) {
        udy_json_append_number(train, o->curve[i].train_loss);
        udy_json_append_number(val, o->curve[i].val_loss);
    }
    udy_json_put_int(bc, "updates", o->bc_updates);
    udy_json_put_int(bc, "best_epoch", o->best_epoch + 1);
    udy_json_put(bc, "train_loss", train);
    udy_json_put(bc, "val_loss", val);
    return bc;
}

static udy_json *dagger_json(const udy__outcome *o) {
    udy_json *dagger = udy_json_object(), *rounds = udy_json_array();
    udy_json_put_int(dagger, "best_round", udy_dagger_best(o->dagger));
    for (int i = 0; i < udy_dagger_rounds_done(o->dagger); i++) {
        const udy_dagger_round *r = udy_dagger_round_at(o->dagger, i);
        udy_json *round = udy_json_object();
        udy_json_put_int(round, "round", r->round);
        udy_json_put_number(round, "beta", r->beta);
        udy_json_put_number(round, "train_loss", r->train_loss);
        udy_json_put_int(round, "updates", r->updates);
        udy_json_put_int(round, "labels", (int64_t)r->labels);
        udy_json_put_number(round, "collect_return", r->collect_return);
        udy_json_append(rounds, round);
    }
    udy_json_put(dagger, "rounds", rounds);
    return dagger;
}

static udy_json *timing_json(const udy__outcome *o) {
    udy_json *timing = udy_json_object(), *rows = udy_json_object();
    char now[21];
    udy_clock_utc(now);
    for (int i = 0; i < o->n_entries; i++)
        udy_json_put_number(rows, o->entries[i].name, o->entries[i].seconds);
    udy_json_put_string(timing, "finished", now);
    udy_json_put_int(timing, "threads", o->n_threads);
    udy_json_put_number(timing, "seconds_total", o->seconds_total);
    udy_json_put(timing, "seconds_to_make", rows);
    return timing;
}

static int write_json(const udy__outcome *o, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/results.json", run_path);
    if (status) return status;
    udy_json *root = udy_json_object();
    udy_json_put_string(root, "format", results_format);
    udy_json_put_string(root, "task", o->config->task);
    udy_json_put_int(root, "seed", (int64_t)o->config->seed);
    udy_json_put(root, "versions", udy__versions_json());
    udy_json_put(root, "expert", expert_json(o->expert));
    udy_json_put(root, "rows", rows_json(o));
    udy_json_put(root, "bc", bc_json(o));
    udy_json_put(root, "dagger", dagger_json(o));
    udy_json_put(root, "timing", timing_json(o));
    return udy_json_save(root, path, err);
}

static int write_csv(const udy__outcome *o, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/results.csv", run_path);
    size_t size = ((size_t)o->n_entries + 1) * 512, used = 0;
    char *text = status ? NULL : udy_alloc(size);
    if (!status && !text) status = udy_error_set(err, UDY_ENOMEM, "%s: no memory", path);
    if (status) return status;
    used +=
        (size_t)snprintf(text, size,
                         "policy,episodes,mean,ci95_low,ci95_high,std,iqm,share_of_expert,falls,"
                         "too_low,too_high,speed_m_per_s,length,expert_labels,seconds_to_make\n");
    for (int i = 0; i < o->n_entries; i++) {
        const udy__entry *e = &o->entries[i];
        used += (size_t)snprintf(
            text + used, size - used,
            "%s,%d,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%d,%d,%d,%.17g,%.17g,%llu,%.3f\n", e->name,
            e->of.n, e->of.mean, e->of.ci95[0], e->of.ci95[1], e->of.std, e->of.iqm,
            e->of.mean / expert_mean(o), e->of.falls, e->of.too_low, e->of.too_high,
            e->of.speed_mean, e->of.length_mean, (unsigned long long)e->labels, e->seconds);
    }
    status = udy_file_write(path, text, used, err);
    udy_free(text);
    return status;
}

int udy__results_write(const udy__outcome *o, const char *run_path, udy_error *err) {
    int status = write_csv(o, run_path, err);
    return status ? status : write_json(o, run_path, err);
}

//------------------------------------------ Reading -----------------------------------------------

static double *read_numbers(const udy_json *list, size_t n) {
    double *out = udy_alloc(n * sizeof *out);
    const udy_json *v = udy_json_at(list, 0);
    for (size_t i = 0; out && i < n; i++, v = udy_json_next(v)) out[i] = udy_json_value(v, NAN);
    return out;
}

static int read_row(udy_result_row *row, const udy_json *o, const udy_json *seconds) {
    const udy_json *returns = udy_json_get(o, "returns"), *ci = udy_json_get(o, "ci95");
    snprintf(row->name, sizeof row->name, "%s", udy_json_string(o, "name", ""));
    snprintf(row->label, sizeof row->label, "%s", udy_json_string(o, "label", ""));
    row->n = returns ? (int)udy_json_size(returns) : 0;
    if (row->n == 0 || !row->name[0]) return UDY_EFORMAT;
    row->returns = read_numbers(returns, (size_t)row->n);
    if (!row->returns) return UDY_ENOMEM;
    row->mean = udy_json_number(o, "mean", NAN);
    row->std = udy_json_number(o, "std", NAN);
    row->iqm = udy_json_number(o, "iqm", NAN);
    row->ci95[0] = udy_json_value(udy_json_at(ci, 0), NAN);
    row->ci95[1] = udy_json_value(udy_json_at(ci, 1), NAN);
    row->share = udy_json_number(o, "share", NAN);
    row->falls = (int)udy_json_number(o, "falls", 0);
    row->too_low = (int)udy_json_number(o, "too_low", 0);
    row->too_high = (int)udy_json_number(o, "too_high", 0);
    row->speed_mean = udy_json_number(o, "speed_mean", NAN);
    row->length_mean = udy_json_number(o, "length_mean", NAN);
    row->labels = (uint64_t)udy_json_number(o, "labels", 0);
    row->seconds = udy_json_number(seconds, row->name, NAN);
    return UDY_OK;
}

static int read_rows(udy_results *r, const udy_json *root) {
    const udy_json *rows = udy_json_get(root, "rows");
    const udy_json *seconds = udy_json_get(udy_json_get(root, "timing"), "seconds_to_make");
    size_t n = rows ? udy_json_size(rows) : 0;
    if (n == 0) return UDY_EFORMAT;
    r->rows = udy_alloc(n * sizeof *r->rows);
    if (!r->rows) return UDY_ENOMEM;
    const udy_json *row = udy_json_at(rows, 0);
    for (size_t i = 0; i < n; i++, row = udy_json_next(row)) {
        r->n_rows++;
        int status = read_row(&r->rows[i], row, seconds);
        if (status) return status;
        if (!strcmp(r->rows[i].name, "expert")) r->expert_mean = r->rows[i].mean;
    }
    return UDY_OK;
}

static int read_curve(udy_results *r, const udy_json *bc) {
    const udy_json *train = udy_json_get(bc, "train_loss"), *val = udy_json_get(bc, "val_loss");
    size_t n = train ? udy_json_size(train) : 0;
    if (n == 0 || !val || udy_json_size(val) != n) return UDY_EFORMAT;
    r->n_epochs = (int)n;
    r->best_epoch = (int)udy_json_number(bc, "best_epoch", 0);
    r->train_loss = read_numbers(train, n);
    r->val_loss = read_numbers(val, n);
    return r->train_loss && r->val_loss ? UDY_OK : UDY_ENOMEM;
}

int udy_results_load(udy_results *out, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_json *root;
    *out = (udy_results){.expert_mean = NAN};
    int status = udy_path_format(path, err, "%s/results.json", run_path);
    if (!status) status = udy_json_load(&root, path, (size_t)256 << 20, err);
    if (status) return status;
    if (strcmp(udy_json_string(root, "format", ""), results_format)) status = UDY_EFORMAT;
    if (!status) status = read_rows(out, root);
    if (!status) status = read_curve(out, udy_json_get(root, "bc"));
    out->dagger_best = (int)udy_json_number(udy_json_get(root, "dagger"), "best_round", 0);
    out->seconds_total = udy_json_number(udy_json_get(root, "timing"), "seconds_total", NAN);
    udy_json_free(root);
    if (!status) return UDY_OK;
    udy_results_free(out);
    return udy_error_set(err, status,
                         status == UDY_ENOMEM ? "%s: no memory"
                                              : "%s: not an experiment's "
                                                "results (format %s)",
                         path, results_format);
}

void udy_results_free(udy_results *r) {
    if (!r) return;
    for (int i = 0; r->rows && i < r->n_rows; i++) udy_free(r->rows[i].returns);
    udy_free(r->rows);
    udy_free(r->train_loss);
    udy_free(r->val_loss);
    *r = (udy_results){0};
}
