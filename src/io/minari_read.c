// Minari's datasets, as minari 0.4 and 0.5 write them: a group an episode in main_data.hdf5, with T+1
// observations and T of everything else; what the dataset is of in metadata.json beside it (0.4: in
// attributes of the file). One format of recording.c.
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/hdf5.h"
#include "io/io_internal.h"
#include "io/minari.h"
#include "io/recording.h"

typedef struct minari {
    udy__recording recording;  // first, so that one pointer is both
    udy__h5 *file;
    char path[UDY_PATH_MAX];
    int64_t next;
    float *flags;  // terminations or truncations of the episode at hand
    size_t flags_capacity;
} minari;

#define METADATA_BYTES_MAX ((size_t)16 << 20)

//------------------------------------------ Where it lies -----------------------------------------

// The folder that has main_data.hdf5 or metadata.json: path itself, or data/ in it.
static bool find_folder(char out[UDY_PATH_MAX], const char *path) {
    static const char *const folders[] = {"data/", ""}, *const files[] = {"main_data.hdf5",
                                                                          "metadata.json"};
    char file[UDY_PATH_MAX];
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 2; i++)
            if (!udy_path_format(file, NULL, "%s/%s%s", path, folders[i], files[k]) &&
                udy_file_exists(file))
                return !udy_path_format(out, NULL, "%s/%s", path, folders[i]);
    return false;
}

bool udy__minari_is(const char *path) {
    char folder[UDY_PATH_MAX];
    if (udy_dir_exists(path)) return find_folder(folder, path);
    if (!udy__h5_is(path)) return false;
    udy__h5 *file;
    udy__h5_info info = {0};
    if (udy__h5_open(&file, path, NULL)) return true;  // opening it again says what is wrong
    bool is = !udy__h5_look(file, "observations", &info, NULL) && info.kind == UDY__H5_ABSENT;
    udy__h5_close(file);
    return is;
}

//------------------------------------------ What it says of itself --------------------------------

static bool id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

int udy__minari_check_id(const char *id, udy_error *err) {
    size_t n = strlen(id);
    bool good = n > 0 && n < 120 && id[0] != '/' && id[n - 1] != '/' && !strstr(id, "//");
    for (size_t i = 0; good && i < n; i++) good = id_character(id[i]) || id[i] == '/';
    const char *version = strrchr(id, '-'), *slash = strrchr(id, '/'),
               *name = slash ? slash + 1 : id;
    good = good && version && version > name && version[1] == 'v' && version[2] &&
           strspn(version + 2, "0123456789") == strlen(version + 2) && (!slash || slash - id >= 2);
    if (good) return UDY_OK;
    char shown[UDY__SHOW_MAX];
    return udy_error_set(err, UDY_EINVAL,
                         "'%s' is no name of a Minari dataset: it wants to be NAMESPACE/NAME-vN of "
                         "letters, digits, '-' and '_', as in ant/mine-v0",
                         udy__text_show(shown, id, n));
}

static void copy_text(char *out, size_t size, const char *text) {
    snprintf(out, size, "%s", text);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

// A space that is no vector of numbers is refused by its name; which is "observation" or "action".
static int check_space(const minari *m, const char *text, const char *which, udy_error *err) {
    if (!text) return UDY_OK;  // the arrays speak for themselves
    char *copy = udy_strdup(text);
    udy_json *space = NULL;
    if (!copy) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its spaces", m->path);
    int status = udy__python_json(&space, copy, strlen(copy), m->path, err);
    udy_free(copy);
    if (status) return status;
    char type[32], shown[UDY__SHOW_MAX];
    copy_text(type, sizeof type, udy_json_string(space, "type", "?"));
    copy_text(shown, sizeof shown, udy_json_string(space, "dtype", ""));
    size_t ndim = udy_json_size(udy_json_get(space, "shape"));
    udy_json_free(space);
    if (!strcmp(type, "Dict") || !strcmp(type, "Tuple"))
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: the %s space is a %s, and Understudy takes one vector: record it "
                             "with gymnasium.wrappers.FlattenObservation",
                             m->path, which, type);
    if (strcmp(type, "Box"))
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: the %s space is %s, and Understudy takes continuous vectors (Box)", m->path, which,
            type);
    if (ndim > 1)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: an %s is an %s of %zu dimensions (%s), and Understudy takes one "
                             "vector",
                             m->path, which, !strcmp(shown, "uint8") ? "image" : "array", ndim,
                             shown);
    return UDY_OK;
}

// The environment's id, and what differs from the id's defaults.
static int read_env_spec(minari *m, const char *text, udy_error *err) {
    udy_recording_facts *f = &m->recording.facts;
    char *copy = text ? udy_strdup(text) : NULL;
    udy_json *spec = NULL;
    if (!copy) return UDY_OK;
    int status = udy__python_json(&spec, copy, strlen(copy), m->path, err);
    udy_free(copy);
    if (status) return status;
    copy_text(f->env, sizeof f->env, udy_json_string(spec, "id", ""));
    const udy_json *options = udy_json_get(spec, "kwargs"),
                   *wrappers = udy_json_get(spec, "additional_wrappers");
    if (udy_json_is_object(options) && udy_json_size(options)) {
        char *shown = udy_json_print(options, false);
        copy_text(f->env_options, sizeof f->env_options, shown ? shown : "");
        udy_free(shown);
    }
    for (const udy_json *w = udy_json_is_array(wrappers) ? udy_json_at(wrappers, 0) : NULL; w;
         w = udy_json_next(w)) {
        char name[64];
        size_t at = strlen(f->env_options);
        copy_text(name, sizeof name, udy_json_string(w, "name", "a wrapper"));
        snprintf(f->env_options + at, sizeof f->env_options - at, "%s%s", at ? ", " : "", name);
    }
    udy_json_free(spec);
    return UDY_OK;
}

static void read_maker(udy_recording_facts *f, const udy_json *metadata) {
    const udy_json *authors = udy_json_get(metadata, "author");
    copy_text(f->name, sizeof f->name, udy_json_string(metadata, "dataset_id", ""));
    copy_text(f->made_by, sizeof f->made_by, udy_json_string(metadata, "algorithm_name", ""));
    const char *author = udy_json_text(authors, "");
    if (udy_json_is_array(authors)) author = udy_json_text(udy_json_at(authors, 0), "");
    size_t at = strlen(f->made_by);
    if (*author) {
        char shown[96];
        copy_text(shown, sizeof shown, author);
        snprintf(f->made_by + at, sizeof f->made_by - at, "%sby %s", at ? " " : "", shown);
    }
}

static int read_metadata(minari *m, const udy_json *metadata, udy_error *err) {
    const char *format = udy_json_string(metadata, "data_format", "hdf5");
    udy_recording_facts *f = &m->recording.facts;
    if (strcmp(format, "hdf5")) {
        char shown[UDY__SHOW_MAX];
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: this Minari dataset is stored as '%s', and only hdf5 is read: in "
            "Python, create_dataset_from_buffers(..., data_format='hdf5') stores it "
            "so",
            m->path, udy__text_show(shown, format, strlen(format)));
    }
    read_maker(f, metadata);
    double episodes = udy_json_number(metadata, "total_episodes", -1),
           steps = udy_json_number(metadata, "total_steps", -1);
    if (episodes >= 0 && episodes <= 1e12) f->n_episodes = (int64_t)episodes;
    if (steps >= 0 && steps <= 1e15) f->n_steps = (int64_t)steps;
    int status = read_env_spec(m, udy_json_string(metadata, "env_spec", NULL), err);
    if (!status)
        status = check_space(m, udy_json_string(metadata, "observation_space", NULL), "observation",
                             err);
    if (!status)
        status = check_space(m, udy_json_string(metadata, "action_space", NULL), "action", err);
    return status;
}

// metadata.json in the data's folder; *found is false where there is none.
static int load_metadata(minari *m, const char *folder, bool *found, udy_error *err) {
    char path[UDY_PATH_MAX], *text;
    size_t n;
    udy_json *metadata;
    int status = udy_path_format(path, err, "%smetadata.json", folder);
    *found = !status && udy_file_exists(path);
    if (!*found) return status;
    status = udy_file_read(&text, &n, path, METADATA_BYTES_MAX, err);
    if (status) return status;
    status = udy__python_json(&metadata, text, n, path, err);
    udy_free(text);
    if (status) return status;
    status = read_metadata(m, metadata, err);
    udy_json_free(metadata);
    return status;
}

// The same from the file's own attributes, where 0.4 kept them.
static int load_attributes(minari *m, udy_error *err) {
    static const char *const texts[] = {"dataset_id", "algorithm_name",    "author",
                                        "env_spec",   "observation_space", "action_space",
                                        "data_format"},
                             *const numbers[] = {"total_episodes", "total_steps"};
    udy_json *metadata = udy_json_object();
    int status = UDY_OK;
    for (size_t i = 0; !status && i < sizeof texts / sizeof *texts; i++) {
        char *text = NULL;
        bool found = false;
        status = udy__h5_attribute_text(m->file, "", texts[i], &text, &found, err);
        if (!status && found) udy_json_put_string(metadata, texts[i], text);
        udy_free(text);
    }
    for (size_t i = 0; !status && i < sizeof numbers / sizeof *numbers; i++) {
        int64_t value = 0;
        bool found = false;
        status = udy__h5_attribute_int(m->file, "", numbers[i], &value, &found, err);
        if (!status && found) udy_json_put_number(metadata, numbers[i], (double)value);
    }
    if (!status) status = read_metadata(m, metadata, err);
    udy_json_free(metadata);
    return status;
}

//------------------------------------------ Episodes ----------------------------------------------

// Look at an array of an episode: a vector of numbers a step, width of them (-1: any).
static int look_at_part(minari *m, int64_t episode, const char *part, udy__h5_info *info, int width,
                        udy_error *err) {
    char name[96];
    snprintf(name, sizeof name, "episode_%lld/%s", (long long)episode, part);
    int status = udy__h5_look(m->file, name, info, err);
    if (status) return status;
    if (info->kind == UDY__H5_GROUP)
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: '%s' is a group (%s): a dictionary or tuple space, and Understudy "
            "takes one vector: record it with gymnasium.wrappers.FlattenObservation",
            m->path, name, info->members);
    if (info->kind != UDY__H5_ARRAY)
        return udy_error_set(err, UDY_EFORMAT, "%s: no array '%s'", m->path, name);
    if (!info->numeric)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: '%s' is %s, expected numbers", m->path,
                             name, info->type);
    if (info->ndim < 1 || info->ndim > 2)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: '%s' has %d dimensions, expected one vector a step", m->path,
                             name, info->ndim);
    if (info->ndim == 1) info->shape[1] = 1;
    if (info->shape[1] < 1 || info->shape[1] > 1 << 16)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: '%s' has %lld numbers a step", m->path,
                             name, (long long)info->shape[1]);
    if (width >= 0 && info->shape[1] != width)
        return udy_error_set(err, UDY_EFORMAT, "%s: '%s' has %lld numbers a step, expected %d",
                             m->path, name, (long long)info->shape[1], width);
    return UDY_OK;
}

static int wrong_length(const minari *m, int64_t episode, const char *part, int64_t found,
                        int64_t steps, udy_error *err) {
    return udy_error_set(
        err, UDY_EFORMAT, "%s: episode_%lld has %lld rows of %s, and %lld actions: expected %s",
        m->path, (long long)episode, (long long)found, part, (long long)steps,
        !strcmp(part, "observations") ? "one more (the last one is after the end)" : "as many");
}

static int read_part(minari *m, int64_t episode, const char *part, uint64_t n, int width,
                     float *out, udy_error *err) {
    char name[96];
    snprintf(name, sizeof name, "episode_%lld/%s", (long long)episode, part);
    return n ? udy__h5_read(m->file, name, 0, n, (size_t)width, out, err) : UDY_OK;
}

// terminations or truncations: true at the last step at most.
static int read_flag(minari *m, int64_t episode, const char *part, int64_t steps, bool *at_end,
                     udy_error *err) {
    udy__h5_info info;
    *at_end = false;
    int status = look_at_part(m, episode, part, &info, 1, err);
    if (!status && info.shape[0] != steps)
        status = wrong_length(m, episode, part, info.shape[0], steps, err);
    if (!status && (size_t)steps > m->flags_capacity) {
        udy_free(m->flags);
        m->flags_capacity = 0;
        m->flags = udy_alloc((size_t)steps * sizeof(float));
        if (!m->flags)
            return udy_error_set(err, UDY_ENOMEM, "%s: no memory for an episode", m->path);
        m->flags_capacity = (size_t)steps;
    }
    if (!status) status = read_part(m, episode, part, (uint64_t)steps, 1, m->flags, err);
    for (int64_t t = 0; !status && t < steps; t++) {
        if (m->flags[t] == 0) continue;
        if (t < steps - 1)
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "%s: episode_%lld goes on after step %lld, where %s is true: "
                                 "recordings that go on past an end are not taken",
                                 m->path, (long long)episode, (long long)t, part);
        *at_end = true;
    }
    return status;
}

// Are they an expert's action for each step? Minari's collector keeps one more, from the reset on: the
// i-th is of the i-th observation, in both.
static bool are_labels(const udy__h5_info *info, int64_t steps, int64_t width) {
    return info->kind == UDY__H5_ARRAY && info->numeric && info->ndim == 2 &&
           info->shape[1] == width && (info->shape[0] == steps || info->shape[0] == steps + 1);
}

// The expert's actions beside those executed. The first episode has them: all do.
static int read_labels(minari *m, int64_t episode, int64_t steps, float *out, udy_error *err) {
    char name[96];
    udy__h5_info info;
    snprintf(name, sizeof name, "episode_%lld/infos/expert_action", (long long)episode);
    int status = udy__h5_look(m->file, name, &info, err);
    int A = m->recording.facts.act_dim;
    if (status) return status;
    if (!are_labels(&info, steps, A))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: '%s' is no array of %lld rows of %d, as episode_0's is", m->path,
                             name, (long long)steps, A);
    return read_part(m, episode, "infos/expert_action", (uint64_t)steps, A, out, err);
}

static int read_episode(minari *m, int64_t i, udy__rows *rows, udy__ending *ending,
                        udy_error *err) {
    udy__h5_info obs, act, reward;
    size_t O = (size_t)rows->obs_dim, A = (size_t)rows->act_dim;
    int status = look_at_part(m, i, "actions", &act, rows->act_dim, err);
    if (!status) status = look_at_part(m, i, "observations", &obs, rows->obs_dim, err);
    if (!status) status = look_at_part(m, i, "rewards", &reward, 1, err);
    if (status) return status;
    int64_t T = act.shape[0];
    // Some writers keep no last observation: nothing of the demonstrations is missing then.
    if (obs.shape[0] != T + 1 && obs.shape[0] != T)
        return wrong_length(m, i, "observations", obs.shape[0], T, err);
    if (reward.shape[0] != T) return wrong_length(m, i, "rewards", reward.shape[0], T, err);
    status = udy__rows_check_length(rows, (uint64_t)T, m->path, err);
    if (!status) status = read_flag(m, i, "terminations", T, &ending->terminated, err);
    if (!status) status = read_flag(m, i, "truncations", T, &ending->truncated, err);
    if (!status) status = udy__rows_reserve(rows, (size_t)T, m->path, err);
    if (status) return status;
    size_t at = rows->n;
    status = read_part(m, i, "observations", (uint64_t)T, (int)O, rows->obs + at * O, err);
    if (!status)
        status = read_part(m, i, "actions", (uint64_t)T, (int)A, rows->action + at * A, err);
    if (!status) status = read_part(m, i, "rewards", (uint64_t)T, 1, rows->reward + at, err);
    if (status) return status;
    if (T) memcpy(rows->label + at * A, rows->action + at * A, (size_t)T * A * sizeof(float));
    if (m->recording.facts.has_labels) status = read_labels(m, i, T, rows->label + at * A, err);
    ending->cut_short = !ending->terminated && !ending->truncated;
    rows->n += (size_t)T;
    return status;
}

static int next(udy__recording *recording, udy__rows *rows, udy__ending *ending, udy_error *err) {
    minari *m = (minari *)recording;
    if (m->next >= recording->facts.n_episodes) return 0;
    *ending = (udy__ending){0};
    snprintf(ending->place, sizeof ending->place, "episode_%lld", (long long)m->next);
    int status = read_episode(m, m->next, rows, ending, err);
    m->next++;
    return status ? status : 1;
}

//------------------------------------------ Open --------------------------------------------------

static void close_minari(udy__recording *recording) {
    minari *m = (minari *)recording;
    udy__h5_close(m->file);
    udy_free(m->flags);
    udy_free(m);
}

// What the first episode and the group of all say: shapes, and how many there are.
static int measure(minari *m, udy_error *err) {
    udy_recording_facts *f = &m->recording.facts;
    udy__h5_info root, obs, act, labels;
    int status = udy__h5_look(m->file, "", &root, err);
    if (status) return status;
    if (f->n_episodes < 0) f->n_episodes = root.n_members;
    if (f->n_episodes > root.n_members)
        return udy_error_set(err, UDY_EFORMAT, "%s: %lld episodes, but its metadata say %lld",
                             m->path, (long long)root.n_members, (long long)f->n_episodes);
    if (f->n_episodes == 0)
        return udy_error_set(err, UDY_EFORMAT, "%s: no episodes (it has: %s)", m->path,
                             *root.members ? root.members : "nothing");
    status = udy__h5_look(m->file, "episode_0", &obs, err);
    if (!status && obs.kind != UDY__H5_GROUP)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: neither Minari's groups (episode_0, ...) nor D4RL's arrays "
                             "(observations, actions, ...) are in it; it has: %s",
                             m->path, root.members);
    if (!status) status = look_at_part(m, 0, "observations", &obs, -1, err);
    if (!status) status = look_at_part(m, 0, "actions", &act, -1, err);
    if (!status) status = udy__h5_look(m->file, "episode_0/infos/expert_action", &labels, err);
    if (status) return status;
    if (act.ndim == 1 && strncmp(act.type, "float", 5))
        return udy_error_set(
            err, UDY_EUNSUPPORTED,
            "%s: actions are %s, one a step: a discrete space, and Understudy takes "
            "continuous vectors (Box)",
            m->path, act.type);
    f->obs_dim = (int)obs.shape[1];
    f->act_dim = (int)act.shape[1];
    f->has_last_observation = obs.shape[0] == act.shape[0] + 1;
    f->has_labels = are_labels(&labels, act.shape[0], act.shape[1]);
    snprintf(f->obs_type, sizeof f->obs_type, "%s", obs.type);
    return UDY_OK;
}

static int find_parts(minari *m, const char *path, char folder[UDY_PATH_MAX], udy_error *err) {
    if (udy_dir_exists(path)) {
        if (!find_folder(folder, path))
            return udy_error_set(err, UDY_ENOENT, "%s: no Minari dataset (data/main_data.hdf5)",
                                 path);
        return udy_path_format(m->path, err, "%smain_data.hdf5", folder);
    }
    const char *slash = strrchr(path, '/');
    int status = udy_path_format(folder, err, "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    return status ? status : udy_path_format(m->path, err, "%s", path);
}

int udy__minari_open(udy__recording **out, const udy_recording_source *source, udy_error *err) {
    char folder[UDY_PATH_MAX];
    bool found = false;
    *out = NULL;
    if (!source->n_paths)
        return udy_error_set(err, UDY_EINVAL, "Minari's format wants a folder or file");
    minari *m = udy_alloc(sizeof *m);
    if (!m) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", source->paths[0]);
    m->recording = (udy__recording){.path = m->path, .next = next, .close = close_minari};
    m->recording.facts = (udy_recording_facts){
        .format = "Minari", .n_episodes = -1, .n_steps = -1, .has_rewards = true};
    int status = find_parts(m, source->paths[0], folder, err);
    if (!status) status = load_metadata(m, folder, &found, err);
    if (!status) status = udy__h5_open(&m->file, m->path, err);
    if (!status && !found) status = load_attributes(m, err);
    if (!status) status = measure(m, err);
    if (status)
        close_minari(&m->recording);
    else
        *out = &m->recording;
    return status;
}
