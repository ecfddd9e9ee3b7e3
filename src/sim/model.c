// model.c: from a row of tasks.c and its options to a compiled task: finds and loads the MJCF
// model, checks that the facts fit it, derives dimensions.
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/internal.h"

#define FIELD(key, kind, low, high, text)                                 \
    {                                                                     \
#key, UDY_FIELD_##kind, offsetof(udy_task_config, key),           \
            sizeof(((udy_task_config *)NULL)->key), low, high, NULL, text \
    }

const udy_field udy_task_config_fields[] = {
    FIELD(model_dir, TEXT, 0, 0, "folder of the MJCF models; empty: the one that came along"),
    FIELD(xml_file, TEXT, 0, 0, "model file; empty: the task's own; with a '/': a path"),
    FIELD(frame_skip, INT, 1, 1000000, "physics steps a control step"),
    FIELD(forward_reward_weight, F64, 0, 0, "reward per m/s forward"),
    FIELD(ctrl_cost_weight, F64, 0, 0, "cost per squared action"),
    FIELD(contact_cost_weight, F64, 0, 0, "cost per squared (clipped) contact force, 1/N^2"),
    FIELD(healthy_reward, F64, 0, 0, "reward a step while healthy"),
    FIELD(main_body, INT, 0, INT_MAX, "body id whose x-velocity is rewarded"),
    FIELD(terminate_when_unhealthy, BOOL, 0, 0, "end the episode when unhealthy"),
    FIELD(healthy_z_range, PAIR, 0, 0, "healthy height of the torso, m"),
    FIELD(contact_force_range, PAIR, 0, 0, "contact forces are clipped to this, N"),
    FIELD(reset_noise_scale, F64, 0, 1e6, "size of the noise on the initial state"),
    FIELD(exclude_current_positions, BOOL, 0, 0, "leave the position out of the observation"),
    FIELD(contact_obs, BOOL, 0, 0, "contact forces in the observation"),
    FIELD(max_episode_steps, INT, 0, INT_MAX, "time limit in control steps; 0: none"),
    {0},
};

size_t udy_task_count(void) {
    return udy__row_count;
}

const char *udy_task_id(size_t i) {
    return i < udy__row_count ? udy__rows[i].id : NULL;
}

const udy_task_info *udy_task_info_of(const udy_task *task) {
    return &task->info;
}

const udy_task_config *udy_task_config_of(const udy_task *task) {
    return &task->config;
}

const char *udy_sim_version(void) {
    return mj_versionString();
}

static int find_row(const udy__row **out, const char *id, udy_error *err) {
    enum { N_NAMES = 64 };
    const char *names[N_NAMES];
    size_t n = 0;
    for (size_t i = 0; i < udy__row_count; ++i) {
        if (id != NULL && strcmp(udy__rows[i].id, id) == 0) {
            *out = &udy__rows[i];
            return UDY_OK;
        }
        if (n < N_NAMES) names[n++] = udy__rows[i].id;
    }
    if (id == NULL) return udy_error_set(err, UDY_EINVAL, "a task needs an id, such as \"Ant-v5\"");
    const char *nearest = udy_nearest(id, names, n);
    return udy_error_set(err, UDY_ENOENT, "no task \"%.100s\"; %s \"%s\"%s", id,
                         nearest ? "did you mean" : "there is", nearest ? nearest : names[0],
                         nearest ? "?"
                         : n > 1 ? " and others"
                                 : "");
}

int udy_task_config_default(udy_task_config *config, const char *id, udy_error *err) {
    const udy__row *row;
    int status = find_row(&row, id, err);
    if (status == UDY_OK) *config = row->defaults;
    return status;
}

//------------------------------------------ Options -----------------------------------------------

static const udy_field *field_of(const char *key) {
    const udy_field *field = udy_task_config_fields;
    while (field->key != NULL && strcmp(field->key, key) != 0) ++field;
    return field;
}

// An option that the task does not have must be left as it is.
static int check_lacking(const udy__row *row, const udy_task_config *config, udy_error *err) {
    for (size_t i = 0; row->lacks != NULL && row->lacks[i] != NULL; ++i) {
        udy_field table[2] = {*field_of(row->lacks[i])};
        if (!udy_settings_equal(config, &row->defaults, table)) {
            return udy_error_set(err, UDY_EINVAL, "%s has no option %s: leave it out", row->id,
                                 row->lacks[i]);
        }
    }
    return UDY_OK;
}

// Ranges come low end first; only an end of healthy_z_range may be infinite.
static int check_range(const char *id, const char *key, const double range[2], udy_error *err) {
    if (range[0] <= range[1]) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL, "%s: %s is [%g, %g]; expected [low, high], low <= high",
                         id, key, range[0], range[1]);
}

// The bounds of the table hold for configs that no table was asked about, too.
static int check_numbers(const udy__row *row, const udy_task_config *config, udy_error *err) {
    for (const udy_field *f = udy_task_config_fields; f->key != NULL; ++f) {
        const char *at = (const char *)config + f->offset;
        double v = 0;
        if (f->type == UDY_FIELD_INT) v = *(const int *)(const void *)at;
        if (f->type == UDY_FIELD_F64) v = *(const double *)(const void *)at;
        if (!isfinite(v)) {
            return udy_error_set(err, UDY_EINVAL, "%s: %s is %g; expected a finite number", row->id,
                                 f->key, v);
        }
        if (f->min != f->max && (v < f->min || v > f->max)) {
            return udy_error_set(err, UDY_EINVAL, "%s: %s is %g; expected %g to %g", row->id,
                                 f->key, v, f->min, f->max);
        }
    }
    int status = check_range(row->id, "healthy_z_range", config->healthy_z_range, err);
    if (status != UDY_OK) return status;
    return check_range(row->id, "contact_force_range", config->contact_force_range, err);
}

//------------------------------------------ Model -------------------------------------------------

static bool is_folder(const char *path, char *out, size_t size) {
    return access(path, R_OK | X_OK) == 0 && (size_t)snprintf(out, size, "%s", path) < size;
}

// However the rest is linked, MuJoCo's library is a file of its own: lib/understudy, or below lib/ one
// folder deeper, in the prefix that has share/understudy.
bool udy_models_dir(char *out, size_t size) {
    static const char *const ups[] = {"../..", "../../.."};
    char path[PATH_MAX], whole[PATH_MAX];
    Dl_info mujoco;
    if (dladdr((void *)(uintptr_t)&mj_versionString, &mujoco) && mujoco.dli_fname) {
        const char *slash = strrchr(mujoco.dli_fname, '/');
        int length = slash ? (int)(slash - mujoco.dli_fname) : 0;
        for (size_t i = 0; slash && i < sizeof ups / sizeof ups[0]; ++i) {
            int n = snprintf(path, sizeof path, "%.*s/%s/share/understudy/models", length,
                             mujoco.dli_fname, ups[i]);
            // MuJoCo takes ".." out of a path by its letters, which is wrong behind a link such as
            // Debian's /lib: it gets none.
            if (n < (int)sizeof path && realpath(path, whole)) return is_folder(whole, out, size);
        }
    }
    return is_folder(UDY_BUILD_SHARE_DIR "/models", out, size);
}

static int load_model(udy_task *task, udy_error *err) {
    const char *file = task->config.xml_file[0] ? task->config.xml_file : task->row->xml_file;
    char path[2100], dir[sizeof task->config.model_dir], why[256] = "";
    bool found = true;
    if (strchr(file, '/') != NULL) {
        snprintf(path, sizeof path, "%s", file);
    } else {
        snprintf(dir, sizeof dir, "%s", task->config.model_dir);
        if (dir[0] == '\0') found = udy_models_dir(dir, sizeof dir);
        snprintf(path, sizeof path, "%s/%s", dir, file);
    }
    if (!found || access(path, R_OK) != 0) {
        return udy_error_set(err, UDY_ENOENT,
                             "%s: no readable model file %.300s; set xml_file to a path, or "
                             "model_dir to the folder that holds it",
                             task->row->id, path);
    }
    task->model = mj_loadXML(path, NULL, why, sizeof why);
    if (task->model != NULL) return UDY_OK;
    for (char *c = why; *c; ++c) {
        if (*c == '\n') *c = ' ';
    }
    return udy_error_set(err, UDY_EFORMAT, "%s: MuJoCo cannot use %.200s: %s", task->row->id, path,
                         why);
}

// Do the facts of the row fit the model, which may be anybody's?
static int check_model(const udy_task *task, udy_error *err) {
    const mjModel *m = task->model;
    int nq = (int)m->nq, nu = (int)m->nu, nbody = (int)m->nbody;
    const char *id = task->row->id;
    if (nq < task->row->n_qpos_min) {
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: the model has %d position coordinates, expected at least %d, in "
                             "the order of the task's own model %s",
                             id, nq, task->row->n_qpos_min, task->row->xml_file);
    }
    if (m->nsite < task->row->n_site_min) {
        return udy_error_set(err, UDY_EMISMATCH, "%s: the model has %d sites, expected at least %d",
                             id, (int)m->nsite, task->row->n_site_min);
    }
    if (nu < 1 || nu > UDY_ACT_DIM_MAX) {
        return udy_error_set(err, UDY_EMISMATCH, "%s: the model has %d actuators, expected 1 to %d",
                             id, nu, UDY_ACT_DIM_MAX);
    }
    if (task->config.main_body >= nbody) {
        return udy_error_set(err, UDY_EINVAL,
                             "%s: main_body is %d, but the model's bodies are 0 to %d", id,
                             task->config.main_body, nbody - 1);
    }
    return UDY_OK;
}

static void derive_info(udy_task *task) {
    const mjModel *m = task->model;
    const udy__row *row = task->row;
    udy_task_info *info = &task->info;
    *info = (udy_task_info){.id = row->id,
                            .act_dim = (int)m->nu,
                            .nq = (int)m->nq,
                            .nv = (int)m->nv,
                            .dt = m->opt.timestep * task->config.frame_skip,
                            .max_episode_steps = task->config.max_episode_steps,
                            .reward_threshold = row->reward_threshold};
    for (int p = 0; p < UDY__OBS_PARTS_MAX && row->obs_parts[p]; ++p) {
        info->obs_dim += row->obs_parts[p]->size(task);
    }
    while (info->n_terms < UDY_TERMS_MAX && row->terms[info->n_terms].name != NULL) {
        info->term_names[info->n_terms] = row->terms[info->n_terms].name;
        ++info->n_terms;
    }
    // Gymnasium's Box is float32: a bound of 0.4 is the nearest float to it.
    for (int a = 0; a < info->act_dim; ++a) {
        info->act_low[a] = (double)(float)m->actuator_ctrlrange[2 * a];
        info->act_high[a] = (double)(float)m->actuator_ctrlrange[2 * a + 1];
    }
}

int udy_task_create(udy_task **out, const char *id, const udy_task_config *config, udy_error *err) {
    *out = NULL;
    udy__faults_install();
    const udy__row *row;
    int status = find_row(&row, id, err);
    if (status != UDY_OK) return status;
    udy_task *task = udy_alloc(sizeof *task);
    if (task == NULL) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for the task", id);
    task->row = row;
    task->config = config != NULL ? *config : row->defaults;

    status = check_lacking(row, &task->config, err);
    if (status == UDY_OK) status = check_numbers(row, &task->config, err);
    if (status == UDY_OK) status = load_model(task, err);
    if (status == UDY_OK) status = check_model(task, err);
    if (status != UDY_OK) {
        udy_task_destroy(task);
        return status;
    }
    derive_info(task);
    *out = task;
    return UDY_OK;
}

void udy_task_destroy(udy_task *task) {
    if (task == NULL) return;
    if (task->model != NULL) mj_deleteModel(task->model);
    udy_free(task);
}

bool udy_task_obs_name(const udy_task *task, int i, char name[64], char unit[16]) {
    if (i < 0) return false;
    for (int p = 0; p < UDY__OBS_PARTS_MAX && task->row->obs_parts[p]; ++p) {
        int size = task->row->obs_parts[p]->size(task);
        if (i < size) {
            task->row->obs_parts[p]->describe(task, i, name, unit);
            return true;
        }
        i -= size;
    }
    return false;
}

udy_json *udy_task_json(const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    udy_json *root = udy_json_object();
    udy_json_put_string(root, "id", info->id);
    udy_json_put_int(root, "obs_dim", info->obs_dim);
    udy_json_put_int(root, "act_dim", info->act_dim);
    udy_json_put_int(root, "nq", info->nq);
    udy_json_put_int(root, "nv", info->nv);
    udy_json_put_number(root, "dt", info->dt);
    udy_json_put_int(root, "max_episode_steps", info->max_episode_steps);
    udy_json_put_number(root, "reward_threshold", info->reward_threshold);
    udy_json_put_numbers(root, "act_low", info->act_low, (size_t)info->act_dim);
    udy_json_put_numbers(root, "act_high", info->act_high, (size_t)info->act_dim);
    udy_json *terms = udy_json_array();
    for (int i = 0; i < info->n_terms; i++) udy_json_append_string(terms, info->term_names[i]);
    udy_json_put(root, "reward_terms", terms);
    udy_json *observation = udy_json_array();
    char name[64], unit[16];
    for (int i = 0; udy_task_obs_name(task, i, name, unit); i++) {
        udy_json *entry = udy_json_object();
        udy_json_put_string(entry, "name", name);
        udy_json_put_string(entry, "unit", unit);
        udy_json_append(observation, entry);
    }
    udy_json_put(root, "observation", observation);
    return root;
}
