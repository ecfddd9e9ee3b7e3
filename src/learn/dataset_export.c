// Datasets for other software: Minari's folders, CSV, NumPy's .npz. Reads a dataset's map, and hands
// episodes to io's writers.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/csv.h"
#include "io/minari.h"
#include "io/npz_write.h"
#include "io/output.h"
#include "learn/dataset.h"
#include "learn/env_spec.h"
#include "understudy/learn.h"

enum { AT_ONCE = 64 };  // episodes that are played again together

typedef struct export {
    const udy_dataset *dataset;
    udy_dataset_info info;
    const udy_task *task;
    udy_batch *batch;  // NULL: nothing is played again
    const udy_export_config *config;
    const udy_progress *progress;
    udy_export_report *report;
    bool labels_differ;  // anywhere from what was executed
    // Minari: the observations of the episode at hand and one more, and what was found after the last
    // steps of the episodes at hand.
    float *obs, *last;  // [obs_rows, O], [AT_ONCE, O]
    size_t obs_rows;
    bool found[AT_ONCE];
}
export;

static bool labels_differ(const udy_dataset *d, const udy_dataset_info *info) {
    for (int i = 0; i < info->n_episodes; i++) {
        const float *labels;
        udy_episode e = udy__dataset_view(d, i, &labels);
        if (memcmp(labels, e.action, (size_t)e.length * (size_t)info->act_dim * sizeof(float)))
            return true;
    }
    return false;
}

static int tell(const export *x, int done, udy_error *err) {
    if (!udy_progress_advance(x->progress, "export", done, x->info.n_episodes, "episodes", "") ||
        done == x->info.n_episodes)
        return UDY_OK;
    return udy_error_set(err, UDY_EINTERRUPTED, "export: interrupted");
}

//------------------------------------------ Minari ------------------------------------------------

static int make_room(export *x, size_t rows, udy_error *err) {
    size_t O = (size_t)x->info.obs_dim;
    if (!x->last) x->last = udy_alloc(AT_ONCE * O * sizeof(float));
    if (rows > x->obs_rows) {
        udy_free(x->obs);
        x->obs_rows = 0;
        x->obs = udy_alloc(rows * O * sizeof(float));
        if (x->obs) x->obs_rows = rows;
    }
    if (x->last && x->obs) return UDY_OK;
    return udy_error_set(err, UDY_ENOMEM, "no memory to export an episode of %zu steps", rows - 1);
}

static int put_episode(export *x, udy__minari_writer *w, int i, udy_error *err) {
    const float *labels;
    udy_episode e = udy__dataset_view(x->dataset, i, &labels);
    size_t O = (size_t)x->info.obs_dim, T = (size_t)e.length;
    bool found = x->found[i % AT_ONCE];
    uint64_t seed = 0;
    int status = make_room(x, T + 1, err);
    if (status) return status;
    memcpy(x->obs, e.obs, T * O * sizeof(float));
    memcpy(x->obs + T * O, found ? x->last + (size_t)(i % AT_ONCE) * O : e.obs + (T - 1) * O,
           O * sizeof(float));
    udy__minari_episode episode = {.n = T,
                                   .obs = x->obs,
                                   .action = e.action,
                                   .label = x->labels_differ ? labels : NULL,
                                   .reward = e.reward,
                                   .terminated = e.end == UDY_END_UNHEALTHY,
                                   .truncated = e.end == UDY_END_LIMIT,
                                   .has_seed = found && udy__dataset_seed(x->dataset, &seed),
                                   .last_is_true = found};
    episode.seed = seed + (uint64_t)i;
    x->report->replayed += found;
    return udy__minari_append(w, &episode, err);
}

static int put_episodes(export *x, udy__minari_writer *w, udy_error *err) {
    int status = make_room(x, 2, err);
    bool again = x->batch != NULL;
    for (int i = 0; !status && i < x->info.n_episodes; i++) {
        int left = x->info.n_episodes - i, n = left < AT_ONCE ? left : AT_ONCE;
        if (i % AT_ONCE == 0) {
            memset(x->found, 0, sizeof x->found);
            status = tell(x, i, err);
            if (!status && again)
                status = udy__dataset_again(x->dataset, x->batch, i, n, x->last, x->found, err);
            // Where the first differs the task has other options: so will the rest.
            again = again && x->found[0];
        }
        if (!status) status = put_episode(x, w, i, err);
    }
    return status;
}

// "ant/understudy-v0" of "Ant-v5".
static void default_id(char out[128], const char *task) {
    const char *version = strrchr(task, '-');
    int n = version ? (int)(version - task) : (int)strlen(task);
    snprintf(out, 128, "%.*s/understudy-v0", n, task);
    for (int i = 0; i < n; i++) out[i] = (char)tolower((unsigned char)out[i]);
}

static int export_minari(export *x, const char *out, udy_error *err) {
    const udy_task_info *info = udy_task_info_of(x->task);
    udy_export_report *r = x->report;
    udy__minari_writer *w;
    if (x->config->id)
        snprintf(r->id, sizeof r->id, "%s", x->config->id);
    else
        default_id(r->id, info->id);
    char *spec = udy__env_spec(x->task);
    if (!spec) return udy_error_set(err, UDY_ENOMEM, "no memory for an export");
    udy__minari_facts facts = {
        .id = x->config->id ? x->config->id : r->id,
        .env_spec = spec,
        .made_by = udy__dataset_made_by(x->dataset),
        .description =
            "Exported from a dataset of Understudy: float32; actions are those executed, "
            "and infos/expert_action the expert's where they differ.",
        .last_observation =
            "Each episode's attribute last_observation is 'true' where the episode "
            "was simulated again and came out alike, and 'repeated' where the "
            "observation after the last step is not known and is a copy of the one "
            "before it.",
        .obs_dim = info->obs_dim,
        .act_dim = info->act_dim,
        .act_low = info->act_low,
        .act_high = info->act_high};
    int status = udy_path_format(r->path, err, "%s/%s", out, facts.id);
    if (!status) status = udy__minari_create(&w, out, &facts, x->config->force, err);
    if (!status) {
        status = put_episodes(x, w, err);
        if (status)
            udy__minari_discard(w);
        else
            status = udy__minari_finish(w, err);
    }
    udy_free(spec);
    udy_free(x->obs);
    udy_free(x->last);
    return status ? status : tell(x, x->info.n_episodes, err);
}

//------------------------------------------ CSV ---------------------------------------------------

static void add_header(const export *x, udy__output *out) {
    char name[64], unit[16], whole[96], cell[208];
    udy__output_add(out, "episode,round,step", strlen("episode,round,step"));
    for (int i = 0; i < x->info.obs_dim; i++) {
        if (!udy_task_obs_name(x->task, i, name, unit)) snprintf(name, sizeof name, "obs %d", i);
        snprintf(whole, sizeof whole, *unit ? "%s [%s]" : "%s", name, unit);
        udy__csv_quote(cell, sizeof cell, whole);
        udy__output_add(out, ",", 1);
        udy__output_add(out, cell, strlen(cell));
    }
    for (int k = 0; k < (x->labels_differ ? 2 : 1); k++)
        for (int i = 0; i < x->info.act_dim; i++) {
            int n = snprintf(cell, sizeof cell, ",%s %d", k ? "executed" : "action", i);
            udy__output_add(out, cell, (size_t)n);
        }
    static const char last[] = ",reward,terminated,truncated\n";
    udy__output_add(out, last, sizeof last - 1);
}

// ",%.9g" reads back to the same float32.
static void add_floats(udy__output *out, const float *v, int n) {
    char cell[40];
    for (int i = 0; i < n; i++)
        udy__output_add(out, cell, (size_t)snprintf(cell, sizeof cell, ",%.9g", (double)v[i]));
}

static void add_episode(const export *x, udy__output *out, int i) {
    const float *labels;
    udy_episode e = udy__dataset_view(x->dataset, i, &labels);
    int round = udy_dataset_episode_at(x->dataset, i).round, O = x->info.obs_dim,
        A = x->info.act_dim;
    char cell[80];
    for (int t = 0; t < e.length; t++) {
        bool last = t == e.length - 1;
        udy__output_add(out, cell, (size_t)snprintf(cell, sizeof cell, "%d,%d,%d", i, round, t));
        add_floats(out, e.obs + (size_t)t * (size_t)O, O);
        add_floats(out, labels + (size_t)t * (size_t)A, A);
        if (x->labels_differ) add_floats(out, e.action + (size_t)t * (size_t)A, A);
        add_floats(out, e.reward + t, 1);
        udy__output_add(
            out, cell,
            (size_t)snprintf(cell, sizeof cell, ",%d,%d\n", last && e.end == UDY_END_UNHEALTHY,
                             last && e.end == UDY_END_LIMIT));
    }
}

static int export_csv(export *x, const char *path, udy_error *err) {
    udy__output *out;
    int status = udy__output_begin(&out, path, err);
    if (status) return status;
    void *locale = udy__locale_enter();
    add_header(x, out);
    for (int i = 0; !status && i < x->info.n_episodes; i++) {
        add_episode(x, out, i);
        status = tell(x, i + 1, err);
    }
    udy__locale_leave(locale);
    if (!status) return udy__output_finish(out, err);
    udy__output_discard(out);
    return status;
}

//------------------------------------------ NumPy -------------------------------------------------

// D4RL's names, and what it has none for.
enum { OBS, ACTION, REWARD, TERMINAL, TIMEOUT, ENDS, LABEL, N_ARRAYS };

static void fill(const export *x, void *const data[N_ARRAYS]) {
    size_t O = (size_t)x->info.obs_dim, A = (size_t)x->info.act_dim, row = 0;
    for (int i = 0; i < x->info.n_episodes; i++) {
        const float *labels;
        udy_episode e = udy__dataset_view(x->dataset, i, &labels);
        size_t T = (size_t)e.length;
        memcpy((float *)data[OBS] + row * O, e.obs, T * O * sizeof(float));
        memcpy((float *)data[ACTION] + row * A, e.action, T * A * sizeof(float));
        memcpy((float *)data[REWARD] + row, e.reward, T * sizeof(float));
        if (data[LABEL]) memcpy((float *)data[LABEL] + row * A, labels, T * A * sizeof(float));
        row += T;
        ((uint8_t *)data[TERMINAL])[row - 1] = e.end == UDY_END_UNHEALTHY;
        ((uint8_t *)data[TIMEOUT])[row - 1] = e.end == UDY_END_LIMIT;
        ((int64_t *)data[ENDS])[i] = (int64_t)row;
    }
}

static int export_npz(export *x, const char *path, udy_error *err) {
    int64_t n = (int64_t)x->info.n_rows, O = x->info.obs_dim, A = x->info.act_dim;
    udy_tensor arrays[N_ARRAYS] = {
        [OBS] = {.name = "observations", .dtype = UDY_F32, .ndim = 2, .shape = {n, O}},
        [ACTION] = {.name = "actions", .dtype = UDY_F32, .ndim = 2, .shape = {n, A}},
        [REWARD] = {.name = "rewards", .dtype = UDY_F32, .ndim = 1, .shape = {n}},
        [TERMINAL] = {.name = "terminals", .dtype = UDY_BOOL, .ndim = 1, .shape = {n}},
        [TIMEOUT] = {.name = "timeouts", .dtype = UDY_BOOL, .ndim = 1, .shape = {n}},
        [ENDS] = {.name = "episode_ends",
                  .dtype = UDY_I64,
                  .ndim = 1,
                  .shape = {x->info.n_episodes}},
        [LABEL] = {.name = "expert_actions", .dtype = UDY_F32, .ndim = 2, .shape = {n, A}},
    };
    void *data[N_ARRAYS] = {0};
    udy__npz *npz;
    int n_arrays = x->labels_differ ? N_ARRAYS : LABEL;
    int status = udy__npz_begin(&npz, arrays, (size_t)n_arrays, data, err);
    if (status) return udy_error_wrap(err, status, "%s", path);
    fill(x, data);
    status = udy__npz_write(npz, path, err);
    udy__npz_free(npz);
    return status ? status : tell(x, x->info.n_episodes, err);
}

//------------------------------------------ Export ------------------------------------------------

int udy_dataset_export(const udy_dataset *dataset, const char *out, const udy_export_config *config,
                       const udy_task *task, udy_batch *batch, const udy_progress *progress,
                       udy_export_report *report, udy_error *err) {
    *report = (udy_export_report){0};
    export x = {.dataset = dataset,
                .info = udy_dataset_info_of(dataset),
                .task = task,
                .batch = batch,
                .config = config,
                .progress = progress,
                .report = report};
    int status = udy__dataset_fits(dataset, task, err);
    if (status) return status;
    if (x.info.n_episodes == 0)
        return udy_error_set(err, UDY_EINVAL, "%s: no episodes to export", x.info.path);
    if (config->format != UDY_EXPORT_MINARI && !config->force && udy_file_exists(out))
        return udy_error_set(err, UDY_EEXIST, "%s exists; --force writes over it", out);
    x.labels_differ = labels_differ(dataset, &x.info);
    report->n_episodes = x.info.n_episodes;
    report->n_steps = x.info.n_rows;
    switch ((udy_export_format)config->format) {
        case UDY_EXPORT_MINARI: return export_minari(&x, out, err);
        case UDY_EXPORT_CSV: status = export_csv(&x, out, err); break;
        case UDY_EXPORT_NPZ: status = export_npz(&x, out, err); break;
        default: return udy_error_set(err, UDY_EINVAL, "no export format %d", config->format);
    }
    return status ? status : udy_path_format(report->path, err, "%s", out);
}
