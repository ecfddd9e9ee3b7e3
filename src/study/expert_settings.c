// The settings of an expert's training: one table made of the tables of its parts.
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "expert.h"
#include "settings.h"

#define AT(field) offsetof(udy_expert_config, field)
#define TEXT(field) UDY_FIELD_TEXT, AT(field), sizeof((udy_expert_config *)0)->field, 0, 0, NULL
static const udy_field own_fields[] = {
    {"task", TEXT(task), "task id"},
    {"preset", TEXT(preset), "a note: the preset that the settings started from"},
    {"command", TEXT(command), "a note: the command that repeats the run"},
    {"from", TEXT(from), "the run folder that this training goes on from; empty: from nothing"},
    {"from_command", TEXT(from_command), "a note: the command that repeats that run"},
    {"seed", UDY_FIELD_U64, AT(seed), 0, 0, 4294967295.0, NULL, "of everything that is drawn"},
    {"checkpoint_minutes", UDY_FIELD_F64, AT(checkpoint_minutes), 0, 0, 1e6, NULL,
     "wall-clock between checkpoints; 0: at every report"},
    {0},
};

static const udy__fields_part parts[] = {
    {"", own_fields, 0},
    {"env.", udy_task_config_fields, AT(task_config)},
    {"sac.", udy_sac_config_fields, AT(sac)},
};
#undef TEXT
#undef AT

static udy__fields fields;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void put_together(void) {
    udy__fields_join(&fields, parts, (int)(sizeof parts / sizeof parts[0]));
}

const udy_field *udy_expert_fields(void) {
    pthread_once(&once, put_together);
    return fields.fields;
}

void udy_expert_config_default(udy_expert_config *config) {
    *config = (udy_expert_config){
        .task = "Ant-v5", .checkpoint_minutes = 5, .sac = udy_sac_config_default()};
    // The id is in the table of tasks, so this cannot fail.
    if (udy_task_config_default(&config->task_config, config->task, NULL)) config->task[0] = '\0';
}

//------------------------------------------ Going on from another ---------------------------------

// What falls or grows has done so.
static void settle(udy_sac_config *c) {
    const udy_sac_config start = udy_sac_config_default();
    if (c->gamma_final >= 0) c->gamma = c->gamma_final;
    if (c->learning_rate_final >= 0) c->learning_rate = c->learning_rate_final;
    if (c->target_entropy_final < 1) c->target_entropy_per_action = c->target_entropy_final;
    if (c->value_final != UDY_VALUE_COUNT) c->value = c->value_final;
    c->gamma_final = start.gamma_final;
    c->gamma_hold = start.gamma_hold;
    c->learning_rate_final = start.learning_rate_final;
    c->learning_rate_decay = start.learning_rate_decay;
    c->target_entropy_final = start.target_entropy_final;
    c->target_entropy_hold = start.target_entropy_hold;
    c->value_final = start.value_final;
    c->value_hold = start.value_hold;
}

int udy_expert_config_from(udy_expert_config *config, const char *run_path, udy_error *err) {
    char dir[UDY_PATH_MAX];
    udy_curve_point *curve;
    int n;
    if (!udy__expert_finished(config, run_path))
        return udy_error_set(
            err, UDY_EINVAL,
            "%s has not come to its end with the settings of its run.yaml, so there "
            "is nothing to go on from: let it finish (--resume) first",
            run_path);
    int status = udy__expert_sac_dir(dir, run_path, err);
    if (!status && !udy_dir_exists(dir))
        return udy_error_set(err, UDY_ENOENT, "%s: no such folder, so there is no going on from it",
                             dir);
    if (strlen(run_path) >= sizeof config->from)
        return udy_error_set(err, UDY_EINVAL, "%s: the path is longer than %zu characters",
                             run_path, sizeof config->from - 1);
    if (!status) status = udy_expert_curve(&curve, &n, run_path, err);
    if (status) return status;
    settle(&config->sac);
    config->sac.from_steps = (int)curve[n - 1].steps;
    config->sac.from_updates = (int)curve[n - 1].updates;
    udy_free(curve);
    memset(config->from, 0, sizeof config->from);
    memcpy(config->from, run_path, strlen(run_path));
    memcpy(config->from_command, config->command, sizeof config->from_command);
    memset(config->command, 0, sizeof config->command);
    return UDY_OK;
}
