// The settings of an expert's training: one table made of the tables of its parts.
#include <pthread.h>
#include <stddef.h>

#include "settings.h"

#define AT(field) offsetof(udy_expert_config, field)
#define TEXT(field) UDY_FIELD_TEXT, AT(field), sizeof((udy_expert_config *)0)->field, 0, 0, NULL
static const udy_field own_fields[] = {
    {"task", TEXT(task), "task id"},
    {"preset", TEXT(preset), "a note: the preset that the settings started from"},
    {"command", TEXT(command), "a note: the command that repeats the run"},
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
