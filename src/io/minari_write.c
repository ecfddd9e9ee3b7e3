// Writing a dataset as Minari 0.5 has it: see minari.h. learn gives the episodes.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "io/hdf5.h"
#include "io/minari.h"

// The oldest of 0.5, whose files every later one reads.
static const char minari_version[] = "0.5.0";

struct udy__minari_writer {
    udy__minari_facts facts;    // texts are the caller's
    char folder[UDY_PATH_MAX];  // <root>/<id>/data
    udy__h5_writer *file;
    int64_t n_episodes, n_steps;
    unsigned char *flags;  // [flags_capacity] zero but for an episode's last
    double *rewards;
    size_t capacity;
};

//------------------------------------------ Metadata ----------------------------------------------

static void add_numbers(udy__text *text, const double *values, int n, const char *fallback) {
    char number[UDY__NUMBER_MAX];
    udy__text_puts(text, "[");
    for (int i = 0; i < n; i++) {
        if (values && isfinite(values[i])) udy__double_print(number, values[i]);
        udy__text_printf(text, "%s%s", i ? ", " : "",
                         values && isfinite(values[i]) ? number : fallback);
    }
    udy__text_puts(text, "]");
}

// A Box of float32, as Minari's serialize_space writes it; Python's JSON knows Infinity.
static char *box(int n, const double *low, const double *high) {
    udy__text text = {0};
    udy__text_printf(&text,
                     "{\"type\": \"Box\", \"dtype\": \"float32\", \"shape\": [%d], \"low\": ", n);
    add_numbers(&text, low, n, "-Infinity");
    udy__text_puts(&text, ", \"high\": ");
    add_numbers(&text, high, n, "Infinity");
    udy__text_puts(&text, "}");
    return udy__text_take(&text);
}

static int write_metadata(const udy__minari_writer *w, udy_error *err) {
    const udy__minari_facts *f = &w->facts;
    char path[UDY_PATH_MAX];
    struct stat st;
    char *obs = box(f->obs_dim, NULL, NULL), *act = box(f->act_dim, f->act_low, f->act_high);
    udy_json *root = udy_json_object();
    int status = udy_path_format(path, err, "%s/main_data.hdf5", w->folder);
    double size = !status && stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
    if (!status) status = udy_path_format(path, err, "%s/metadata.json", w->folder);
    if (!obs || !act) status = udy_error_set(err, UDY_ENOMEM, "%s: no memory for metadata", path);
    if (!status) {
        udy_json_put_string(root, "dataset_id", f->id);
        udy_json_put_string(root, "minari_version", minari_version);
        udy_json_put_string(root, "data_format", "hdf5");
        udy_json_put_int(root, "total_episodes", w->n_episodes);
        udy_json_put_int(root, "total_steps", w->n_steps);
        udy_json_put_number(root, "dataset_size", round(size * 10) / 10);
        udy_json_put_string(root, "observation_space", obs);
        udy_json_put_string(root, "action_space", act);
        udy_json_put_string(root, "env_spec", f->env_spec);
        udy_json_put_string(root, "algorithm_name", f->made_by);
        udy_json_put_string(root, "description", f->description);
        udy_json_put_string(root, "last_observation", f->last_observation);
        udy_json_put_string(root, "exported_by", "understudy " UDY_VERSION);
        status = udy_json_save(root, path, err);
    } else {
        udy_json_free(root);
    }
    udy_free(obs);
    udy_free(act);
    return status;
}

// Minari lists the folders above a dataset as namespaces by this file.
static int mark_namespaces(const char *root, const char *id, udy_error *err) {
    char path[UDY_PATH_MAX];
    for (const char *slash = strchr(id, '/'); slash; slash = strchr(slash + 1, '/')) {
        int status = udy_path_format(path, err, "%s/%.*s/namespace_metadata.json", root,
                                     (int)(slash - id), id);
        if (!status && !udy_file_exists(path)) status = udy_file_write(path, "{}", 2, err);
        if (status) return status;
    }
    return UDY_OK;
}

//------------------------------------------ Episodes ----------------------------------------------

// The folder alone may be what is left of an export that failed.
static int check_free(const char *folder, udy_error *err) {
    static const char *const files[] = {"main_data.hdf5", "metadata.json"};
    char path[UDY_PATH_MAX];
    int status = UDY_OK;
    for (int i = 0; !status && i < 2; i++) {
        status = udy_path_format(path, err, "%s/%s", folder, files[i]);
        if (!status && udy_file_exists(path))
            status = udy_error_set(err, UDY_EEXIST, "%s exists; --force writes over it", folder);
    }
    return status;
}

int udy__minari_create(udy__minari_writer **out, const char *root, const udy__minari_facts *facts,
                       bool force, udy_error *err) {
    *out = NULL;
    char path[UDY_PATH_MAX];
    int status = udy__minari_check_id(facts->id, err);
    if (status) return status;
    udy__minari_writer *w = udy_alloc(sizeof *w);
    if (!w) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to write there", root);
    w->facts = *facts;
    status = udy_path_format(w->folder, err, "%s/%s/data", root, facts->id);
    if (!status && !force) status = check_free(w->folder, err);
    if (!status) status = udy_dir_make(w->folder, err);
    if (!status) udy_dir_sweep(w->folder);
    if (!status) status = mark_namespaces(root, facts->id, err);
    if (!status) status = udy_path_format(path, err, "%s/main_data.hdf5", w->folder);
    if (!status) status = udy__h5_create(&w->file, path, err);
    if (status)
        udy__minari_discard(w);
    else
        *out = w;
    return status;
}

static int make_room(udy__minari_writer *w, size_t n, udy_error *err) {
    if (n <= w->capacity) return UDY_OK;
    udy_free(w->flags);
    udy_free(w->rewards);
    w->capacity = 0;
    w->flags = udy_alloc(n);
    w->rewards = udy_alloc(n * sizeof *w->rewards);
    if (!w->flags || !w->rewards)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for an episode", w->folder);
    w->capacity = n;
    return UDY_OK;
}

static int put_flag(udy__minari_writer *w, const char *name, const udy__minari_episode *e,
                    bool last, udy_error *err) {
    if (e->n) w->flags[e->n - 1] = last;
    int status = udy__h5_put_array(w->file, name, UDY_BOOL, e->n, 0, w->flags, err);
    if (e->n) w->flags[e->n - 1] = 0;
    return status;
}

static int put_arrays(udy__minari_writer *w, const udy__minari_episode *e, udy_error *err) {
    uint64_t O = (uint64_t)w->facts.obs_dim, A = (uint64_t)w->facts.act_dim;
    char name[96];
    int at = snprintf(name, sizeof name, "episode_%lld", (long long)w->n_episodes);
    char *end = name + at;
    size_t room = sizeof name - (size_t)at;
    for (uint64_t t = 0; t < e->n; t++) w->rewards[t] = (double)e->reward[t];
    snprintf(end, room, "/observations");
    int status = udy__h5_put_array(w->file, name, UDY_F32, e->n + 1, O, e->obs, err);
    snprintf(end, room, "/actions");
    if (!status) status = udy__h5_put_array(w->file, name, UDY_F32, e->n, A, e->action, err);
    snprintf(end, room, "/rewards");
    if (!status) status = udy__h5_put_array(w->file, name, UDY_F64, e->n, 0, w->rewards, err);
    snprintf(end, room, "/terminations");
    if (!status) status = put_flag(w, name, e, e->terminated, err);
    snprintf(end, room, "/truncations");
    if (!status) status = put_flag(w, name, e, e->truncated, err);
    snprintf(end, room, "/infos");
    if (!status) status = udy__h5_put_group(w->file, name, err);
    snprintf(end, room, "/infos/expert_action");
    if (!status && e->label)
        status = udy__h5_put_array(w->file, name, UDY_F32, e->n, A, e->label, err);
    return status;
}

int udy__minari_append(udy__minari_writer *w, const udy__minari_episode *e, udy_error *err) {
    char name[32];
    snprintf(name, sizeof name, "episode_%lld", (long long)w->n_episodes);
    int status = make_room(w, (size_t)e->n, err);
    if (!status) status = udy__h5_put_group(w->file, name, err);
    if (!status) status = udy__h5_put_int(w->file, name, "id", w->n_episodes, err);
    if (!status) status = udy__h5_put_int(w->file, name, "total_steps", (int64_t)e->n, err);
    if (!status && e->has_seed && e->seed <= INT64_MAX)
        status = udy__h5_put_int(w->file, name, "seed", (int64_t)e->seed, err);
    if (!status)
        status = udy__h5_put_text(w->file, name, "last_observation",
                                  e->last_is_true ? "true" : "repeated", err);
    if (!status) status = put_arrays(w, e, err);
    if (status) return status;
    w->n_episodes++;
    w->n_steps += (int64_t)e->n;
    return UDY_OK;
}

int udy__minari_finish(udy__minari_writer *w, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy__h5_flush(w->file, err);
    // Without its metadata an old dataset is none, while its data are replaced.
    if (!status) status = udy_path_format(path, err, "%s/metadata.json", w->folder);
    if (!status) status = udy_file_remove(path, err);
    if (!status) {
        udy__h5_writer *file = w->file;
        w->file = NULL;
        status = udy__h5_finish(file, err);
    }
    if (!status) status = write_metadata(w, err);
    udy__minari_discard(w);
    return status;
}

void udy__minari_discard(udy__minari_writer *w) {
    if (!w) return;
    udy__h5_discard(w->file);
    udy_free(w->flags);
    udy_free(w->rewards);
    udy_free(w);
}
