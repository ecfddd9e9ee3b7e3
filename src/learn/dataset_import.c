// Datasets from what other software recorded: episodes come from io's readers one by one, are checked
// against the task, and go into shards of a new dataset, which appears whole or not at all.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/recording.h"
#include "learn/dataset.h"
#include "understudy/learn.h"

enum { EPISODES_A_SHARD = 256 };
#define SHARD_BYTES ((size_t)16 << 20)  // of observations, before a shard is written

typedef struct import {
    const udy_import_config *config;
    const udy_task *task;
    const udy_task_info *info;
    const udy_progress *progress;
    udy_import_report *report;
    udy__recording *recording;
    udy_dataset *dataset;
    udy__rows rows;  // of the episodes below
    udy_episode episodes[EPISODES_A_SHARD];
    size_t first_row[EPISODES_A_SHARD];
    int n;
    double return_sum;
    double last_told_s;
} import;

//------------------------------------------ Does it fit the task? ---------------------------------

// "Ant" of "Ant-v5".
static size_t stem(const char *id) {
    const char *version = strrchr(id, '-');
    return version && version[1] == 'v' ? (size_t)(version - id) : strlen(id);
}

// The task's other form, with or without contact forces, if it has that one's dimensions.
static bool other_form_fits(const import *m, int obs_dim, int act_dim, bool *contact_obs) {
    udy_task_config config = *udy_task_config_of(m->task);
    udy_task *other;
    config.contact_obs = *contact_obs = !config.contact_obs;
    if (udy_task_create(&other, m->info->id, &config, NULL)) return false;
    const udy_task_info *info = udy_task_info_of(other);
    bool fits = info->obs_dim == obs_dim && info->act_dim == act_dim;
    udy_task_destroy(other);
    return fits;
}

static int check_fit(import *m, udy_error *err) {
    const udy_recording_facts *f = &m->recording->facts;
    const char *id = m->info->id, *path = m->recording->path;
    bool contact_obs;
    if (*f->env && (stem(f->env) != stem(id) || memcmp(f->env, id, stem(id))))
        return udy_error_set(err, UDY_EMISMATCH, "%s was recorded on %s, and the task is %s", path,
                             f->env, id);
    m->report->other_version = *f->env && strcmp(f->env, id);
    if (f->obs_dim == m->info->obs_dim && f->act_dim == m->info->act_dim) return UDY_OK;
    udy_error_set(err, UDY_EMISMATCH,
                  "%s has %d observations and %d actions a step, and %s has %d and %d", path,
                  f->obs_dim, f->act_dim, id, m->info->obs_dim, m->info->act_dim);
    if (err && other_form_fits(m, f->obs_dim, f->act_dim, &contact_obs)) {
        size_t n = strlen(err->message);
        snprintf(err->message + n, sizeof err->message - n,
                 " (contact forces %s): with --set contact_obs=%s it has as many",
                 contact_obs ? "left out" : "in", contact_obs ? "true" : "false");
    }
    return UDY_EMISMATCH;
}

//------------------------------------------ The folder --------------------------------------------

// The dataset is made in "<out>.importing", locked while it is: what a kill left there is removed by
// the next import.
typedef struct staging {
    char out[UDY_PATH_MAX], path[UDY_PATH_MAX];
    int lock;  // descriptor of the folder
} staging;

static int clear_folder(const char *path, udy_error *err) {
    char **names, file[UDY_PATH_MAX];
    size_t n;
    int status = udy_dir_list(&names, &n, path, "", err);
    if (status) return status;
    for (size_t i = 0; !status && i < n; i++) {
        status = udy_path_format(file, err, "%s/%s", path, names[i]);
        if (!status) status = udy_file_remove(file, err);
    }
    udy_free(names);
    return status;
}

static int check_free(const char *out, udy_error *err) {
    char **names;
    size_t n;
    if (udy_file_exists(out) && !udy_dir_exists(out))
        return udy_error_set(err, UDY_EEXIST, "%s: is a file; a dataset is a folder", out);
    if (!udy_dir_exists(out)) return UDY_OK;
    int status = udy_dir_list(&names, &n, out, "", err);
    if (status) return status;
    udy_free(names);
    return n ? udy_error_set(err, UDY_EEXIST, "%s: exists and is not empty; name another folder",
                             out)
             : UDY_OK;
}

static int begin(staging *s, const char *out, udy_error *err) {
    s->lock = -1;
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/') n--;
    int status = udy_path_format(s->out, err, "%.*s", (int)n, out);
    if (!status && !*s->out) status = udy_error_set(err, UDY_EINVAL, "no folder to import into");
    if (!status) status = udy_path_format(s->path, err, "%s.importing", s->out);
    if (!status) status = check_free(s->out, err);
    if (!status) status = udy_dir_make(s->path, err);
    if (status) return status;
    s->lock = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock < 0) return udy_error_set_errno(err, errno, "%s: cannot open it", s->path);
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
        int fault = errno;
        close(s->lock);
        s->lock = -1;
        if (fault == EWOULDBLOCK)
            return udy_error_set(err, UDY_EEXIST, "%s: another import into it is under way",
                                 s->out);
        return udy_error_set_errno(err, fault, "%s: cannot lock it", s->path);
    }
    return clear_folder(s->path, err);
}

// Nothing is left of an import that failed.
static void abandon(staging *s) {
    if (s->lock < 0) return;
    if (!clear_folder(s->path, NULL)) rmdir(s->path);
    close(s->lock);
    s->lock = -1;
}

static int put_in_place(staging *s, udy_error *err) {
    if (rename(s->path, s->out) != 0)
        return udy_error_set_errno(err, errno, "%s: cannot put the dataset there", s->out);
    char folder[UDY_PATH_MAX];
    const char *slash = strrchr(s->out, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - s->out) + 1 : 1,
             slash ? s->out : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);  // best effort: some file systems cannot
        close(fd);
    }
    close(s->lock);
    s->lock = -1;
    return UDY_OK;
}

//------------------------------------------ Episodes ----------------------------------------------

static int check_numbers(const import *m, const float *v, size_t n, int width, const char *what,
                         const udy__ending *ending, udy_error *err) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return udy_error_set(err, UDY_ENONFINITE, "%s: %s: %s %d of step %zu is %g",
                                 m->recording->path, ending->place, what, (int)(i % (size_t)width),
                                 i / (size_t)width, (double)v[i]);
    return UDY_OK;
}

static int check_episode(import *m, size_t at, const udy__ending *ending, udy_error *err) {
    const udy__rows *r = &m->rows;
    size_t n = r->n - at, O = (size_t)r->obs_dim, A = (size_t)r->act_dim;
    int status = check_numbers(m, r->obs + at * O, n * O, r->obs_dim, "observation", ending, err);
    if (!status)
        status = check_numbers(m, r->action + at * A, n * A, r->act_dim, "action", ending, err);
    if (!status)
        status = check_numbers(m, r->label + at * A, n * A, r->act_dim, "label", ending, err);
    if (!status) status = check_numbers(m, r->reward + at, n, 1, "reward", ending, err);
    for (size_t i = at * A; !status && i < r->n * A; i++) {
        size_t k = i % A;
        m->report->beyond_bounds +=
            r->label[i] < (float)m->info->act_low[k] || r->label[i] > (float)m->info->act_high[k];
    }
    return status;
}

static int write_shard(import *m, udy_error *err) {
    udy__rows *r = &m->rows;
    size_t O = (size_t)r->obs_dim, A = (size_t)r->act_dim;
    if (m->n == 0) return UDY_OK;
    for (int i = 0; i < m->n; i++) {  // the buffers have grown since, and moved
        udy_episode *e = &m->episodes[i];
        e->obs = r->obs + m->first_row[i] * O;
        e->action = r->action + m->first_row[i] * A;
        e->reward = r->reward + m->first_row[i];
    }
    int status = udy_dataset_append(m->dataset, m->episodes, m->n, r->label, 0, err);
    m->n = 0;
    r->n = 0;
    return status;
}

// By episodes where their number is known or nothing is, else by steps.
static int tell(import *m, bool last, udy_error *err) {
    const udy_recording_facts *f = &m->recording->facts;
    const udy_import_report *r = m->report;
    double now = udy_clock_s();
    if (!last && now - m->last_told_s < 0.05) return UDY_OK;
    m->last_told_s = now;
    char note[48];
    int64_t wanted = m->config->episodes, n = f->n_episodes, steps = (int64_t)r->n_steps;
    int stop;
    if (wanted > 0 || n >= 0 || f->n_steps < 0) {
        int64_t total = last ? r->n_episodes : wanted > 0 && (n < 0 || wanted < n) ? wanted : n;
        snprintf(note, sizeof note, "%lld steps", (long long)steps);
        stop = udy_progress_advance(m->progress, "import", r->n_episodes, total > 0 ? total : 0,
                                    "episodes", note);
    } else {
        snprintf(note, sizeof note, "%d episodes", r->n_episodes);
        stop = udy_progress_advance(m->progress, "import", steps, last ? steps : f->n_steps,
                                    "steps", note);
    }
    return stop && !last ? udy_error_set(err, UDY_EINTERRUPTED, "import: interrupted") : UDY_OK;
}

static int keep_episode(import *m, size_t at, const udy__ending *ending, udy_error *err) {
    udy_import_report *r = m->report;
    size_t n = m->rows.n - at;
    if (n == 0) {
        r->empty++;
        return UDY_OK;
    }
    int status = check_episode(m, at, ending, err);
    if (status) return status;
    if (n > INT32_MAX || r->n_episodes == INT32_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: %s: too many steps or episodes",
                             m->recording->path, ending->place);
    m->first_row[m->n] = at;
    m->episodes[m->n++] = (udy_episode){
        .length = (int)n, .end = ending->terminated ? UDY_END_UNHEALTHY : UDY_END_LIMIT};
    for (size_t i = at; i < m->rows.n; i++) m->return_sum += (double)m->rows.reward[i];
    r->n_episodes++;
    r->n_steps += n;
    r->terminated += ending->terminated;
    r->cut_short += ending->cut_short;
    if (m->n < EPISODES_A_SHARD &&
        m->rows.n * (size_t)m->rows.obs_dim * sizeof(float) < SHARD_BYTES)
        return UDY_OK;
    return write_shard(m, err);
}

static int read_episodes(import *m, udy_error *err) {
    int wanted = m->config->episodes, status = UDY_OK, more = 1;
    while (!status && (wanted == 0 || m->report->n_episodes < wanted)) {
        size_t at = m->rows.n;
        udy__ending ending;
        more = m->recording->next(m->recording, &m->rows, &ending, err);
        if (more <= 0) break;
        status = keep_episode(m, at, &ending, err);
        if (!status) status = tell(m, false, err);
    }
    if (!status && more < 0) status = more;
    if (!status) status = write_shard(m, err);
    if (!status && m->report->n_episodes == 0)
        status =
            udy_error_set(err, UDY_EFORMAT, "%s: no episodes with steps in it", m->recording->path);
    if (status) return status;
    m->report->mean_return = m->return_sum / m->report->n_episodes;
    return tell(m, true, err);
}

//------------------------------------------ Import ------------------------------------------------

// Who made it, as the dataset's manifest keeps it.
static void describe(const import *m, char out[640]) {
    const udy_recording_facts *f = &m->recording->facts;
    const char *slash = strrchr(m->recording->path, '/');
    snprintf(out, 640, "demos import: %s %s%s%s%s%s%s", f->format,
             *f->name ? f->name
             : slash  ? slash + 1
                      : m->recording->path,
             *f->made_by ? ", made by " : "", f->made_by, m->config->expert ? ", expert: " : "",
             m->config->expert ? m->config->expert : "", *f->env_options ? ", with options" : "");
}

static int run(import *m, staging *s, const char *out, udy_error *err) {
    char made_by[640];
    int status = check_fit(m, err);
    if (!status) status = begin(s, out, err);
    if (status) return status;
    describe(m, made_by);
    status = udy_dataset_create(&m->dataset, s->path, m->task, made_by, err);
    if (!status) status = read_episodes(m, err);
    udy_dataset_close(m->dataset);
    return status ? status : put_in_place(s, err);
}

int udy_dataset_import(const char *out, const udy_import_config *config, const udy_task *task,
                       const udy_progress *progress, udy_import_report *report, udy_error *err) {
    *report = (udy_import_report){0};
    if (config->episodes < 0)
        return udy_error_set(err, UDY_EINVAL, "import: %d episodes", config->episodes);
    import *m = udy_alloc(sizeof *m);
    if (!m) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for an import", out);
    *m = (import){.config = config,
                  .task = task,
                  .info = udy_task_info_of(task),
                  .progress = progress,
                  .report = report};
    staging s = {.lock = -1};
    int status = udy__recording_open(&m->recording, &config->source, err);
    if (!status) {
        report->facts = m->recording->facts;
        m->rows = (udy__rows){.obs_dim = report->facts.obs_dim, .act_dim = report->facts.act_dim};
        status = run(m, &s, out, err);
    }
    abandon(&s);
    udy__rows_free(&m->rows);
    udy__recording_close(m->recording);
    udy_free(m);
    return status;
}
