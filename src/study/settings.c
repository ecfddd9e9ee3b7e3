// Settings made of parts: one table of the tables of the parts, under their prefixes. Here also the
// experiment's.
#include "settings.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const udy_field *udy__fields_join(udy__fields *out, const udy__fields_part *parts, int n_parts) {
    int n = 0;
    for (int p = 0; p < n_parts; p++)
        for (const udy_field *f = parts[p].table; f->key && n < UDY__FIELDS_MAX; f++, n++) {
            snprintf(out->keys[n], sizeof out->keys[n], "%s%s", parts[p].prefix, f->key);
            out->fields[n] = *f;
            out->fields[n].key = out->keys[n];
            out->fields[n].offset += parts[p].offset;
        }
    out->fields[n] = (udy_field){0};
    return out->fields;
}

//------------------------------------------ The experiment's --------------------------------------

#define AT(field) offsetof(udy_experiment_config, field)
static const udy_field own_fields[] = {
    {"task", UDY_FIELD_TEXT, AT(task), sizeof((udy_experiment_config *)0)->task, 0, 0, NULL,
     "task id"},
    {"expert", UDY_FIELD_TEXT, AT(expert), sizeof((udy_experiment_config *)0)->expert, 0, 0, NULL,
     "policy file, or the name of a shipped expert"},
    {"seed", UDY_FIELD_U64, AT(seed), 0, 0, 4294967295.0, NULL, "of everything that is drawn"},
    {"demo_episodes", UDY_FIELD_INT, AT(demo_episodes), 0, 1, 1e6, NULL,
     "expert episodes for behavioural cloning"},
    {"eval_episodes", UDY_FIELD_INT, AT(eval_episodes), 0, 1, 1e6, NULL,
     "episodes that each policy of the table is evaluated on"},
    {0},
};

// Where each part's table goes. The order is the order of the printed settings.
static const udy__fields_part parts[] = {
    {"", own_fields, 0},
    {"env.", udy_task_config_fields, AT(task_config)},
    {"bc.", udy_bc_config_fields, AT(bc)},
    {"dagger.", udy_dagger_config_fields, AT(dagger)},
    {"dagger.bc.", udy_bc_config_fields, AT(dagger_bc)},
};
#undef AT

static udy__fields fields;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void put_together(void) {
    udy__fields_join(&fields, parts, (int)(sizeof parts / sizeof parts[0]));
}

const udy_field *udy_experiment_fields(void) {
    pthread_once(&once, put_together);
    return fields.fields;
}

void udy_experiment_config_default(udy_experiment_config *config) {
    *config = (udy_experiment_config){.task = "Ant-v5",
                                      .expert = "ant-v5",
                                      .demo_episodes = 50,
                                      .eval_episodes = 20,
                                      .bc = udy_bc_config_default(),
                                      .dagger = udy_dagger_config_default(),
                                      .dagger_bc = udy_bc_config_default()};
    config->dagger_bc.val_fraction = 0;  // the tutorial's rounds train on all data
    // The id is in the table of tasks, so this cannot fail.
    if (udy_task_config_default(&config->task_config, config->task, NULL)) config->task[0] = '\0';
}
