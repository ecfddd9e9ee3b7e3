// The settings of a sweep: one table made of the tables of its parts, and the list of experts.
#include <ctype.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"
#include "sweep.h"

const char *const udy_sweep_methods[UDY_SWEEP_METHODS] = {"bc", "dagger"};
const char *const udy_sweep_trainings[UDY_SWEEP_TRAININGS] = {"tutorial", "converged"};

#define AT(field) offsetof(udy_sweep_config, field)
#define TEXT(field) UDY_FIELD_TEXT, AT(field), sizeof((udy_sweep_config *)0)->field, 0, 0, NULL
static const udy_field own_fields[] = {
    {"task", TEXT(task), "task id"},
    {"experts", TEXT(experts),
     "policy files or shipped experts, with commas; NAME:stochastic acts by samples"},
    {"seed", UDY_FIELD_U64, AT(seed), 0, 0, 4294967295.0, NULL, "of the first repetition"},
    {"seeds", UDY_FIELD_INT, AT(seeds), 0, 1, 1000, NULL, "repetitions: seed, seed + 1, ..."},
    {"demos", UDY_FIELD_INTS, AT(demos), 0, 1, 10000, NULL,
     "demonstration episodes of the grid, ascending"},
    {"eval_episodes", UDY_FIELD_INT, AT(eval_episodes), 0, 1, 10000, NULL,
     "episodes that each policy is evaluated on"},
    {"val_episodes", UDY_FIELD_INT, AT(val_episodes), 0, 1, 10000, NULL,
     "expert episodes of the validation loss, which nothing is trained on"},
    {"test_episodes", UDY_FIELD_INT, AT(test_episodes), 0, 1, 10000, NULL,
     "expert episodes on whose states the action error is measured"},
    {"target", UDY_FIELD_F64, AT(target), 0, 0.01, 10, NULL,
     "share of the expert's return whose cost in labels is asked for"},
    {0},
};
static const udy_field converged_fields[] = {
    {"max_updates", UDY_FIELD_INT, AT(max_updates), 0, 1, 1e8, NULL,
     "updates of Adam in all, at most (but bc.epochs are always done)"},
    {"patience", UDY_FIELD_INT, AT(patience), 0, 1, 1e8, NULL,
     "stop after so many updates without a better validation loss"},
    {"check_every", UDY_FIELD_INT, AT(check_every), 0, 1, 1e6, NULL,
     "updates between two looks at the validation loss"},
    {0},
};
static const udy_field dagger_fields[] = {
    {"demo_share", UDY_FIELD_F64, AT(demo_share), 0, 0, 1, NULL,
     "share of the labels that are demonstrations; the learner collects the rest"},
    {"rounds", UDY_FIELD_INT, AT(rounds), 0, 1, 1000, NULL, "rounds of collecting and retraining"},
    {"min_updates", UDY_FIELD_INT, AT(min_updates), 0, 0, 1e8, NULL,
     "a round's learner is trained for bc.epochs, and for so many updates at least"},
    {0},
};
#undef TEXT

// Cloning's own settings, without those that decide about a validation loss: the sweep's does.
enum { BC_FIELDS_MAX = 24 };
static udy_field bc_fields[BC_FIELDS_MAX + 1];

static const udy__fields_part parts[] = {
    {"", own_fields, 0},           {"env.", udy_task_config_fields, AT(task_config)},
    {"bc.", bc_fields, AT(bc)},    {"converged.", converged_fields, 0},
    {"dagger.", dagger_fields, 0},
};
#undef AT

static udy__fields fields;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void put_together(void) {
    int n = 0;
    for (const udy_field *f = udy_bc_config_fields; f->key && n < BC_FIELDS_MAX; f++)
        if (strcmp(f->key, "val_fraction") && strcmp(f->key, "patience")) bc_fields[n++] = *f;
    udy__fields_join(&fields, parts, (int)(sizeof parts / sizeof parts[0]));
}

const udy_field *udy_sweep_fields(void) {
    pthread_once(&once, put_together);
    return fields.fields;
}

void udy_sweep_config_default(udy_sweep_config *config) {
    *config = (udy_sweep_config){.task = "Ant-v5",
                                 .experts = "ant-v5, ant-v5:stochastic, ant-v5-medium",
                                 .seeds = 3,
                                 .demos = {6, {1, 2, 5, 10, 25, 50}},
                                 .eval_episodes = 10,
                                 .val_episodes = 5,
                                 .test_episodes = 5,
                                 .target = 0.9,
                                 .bc = udy_bc_config_default(),
                                 .max_updates = 25000,
                                 .patience = 2000,
                                 .check_every = 250,
                                 .demo_share = 0.2,
                                 .rounds = 4,
                                 .min_updates = 1500};
    config->bc.val_fraction = 0;
    // The id is in the table of tasks, so this cannot fail.
    if (udy_task_config_default(&config->task_config, config->task, NULL)) config->task[0] = '\0';
}

//------------------------------------------ Experts -----------------------------------------------

static int take_one(const char *text, size_t n, udy_sweep_expert *out, udy_error *err) {
    static const char suffix[] = ":stochastic";
    const size_t k = sizeof suffix - 1;
    while (n && isspace((unsigned char)*text)) text++, n--;
    while (n && isspace((unsigned char)text[n - 1])) n--;
    *out = (udy_sweep_expert){.stochastic = n > k && !memcmp(text + n - k, suffix, k)};
    if (out->stochastic) n -= k;
    if (n == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "experts: an empty name; expected a list such as \"ant-v5, "
                             "ant-v5:stochastic\"");
    if (n >= sizeof out->name)
        return udy_error_set(err, UDY_EINVAL, "experts: a name of %zu characters; at most %zu", n,
                             sizeof out->name - 1);
    memcpy(out->name, text, n);
    const char *colon = strchr(out->name, ':');
    if (colon && !strchr(colon, '/'))
        return udy_error_set(err, UDY_EINVAL,
                             "experts: '%s' ends in '%s'; only ':stochastic' is known", out->name,
                             colon);
    return UDY_OK;
}

int udy_sweep_experts(const char *list, udy_sweep_expert *out, int *n, udy_error *err) {
    *n = 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        if (*n == UDY_SWEEP_EXPERTS_MAX)
            return udy_error_set(err, UDY_EINVAL, "experts: more than %d", UDY_SWEEP_EXPERTS_MAX);
        int status = take_one(at, length, &out[*n], err);
        if (status) return status;
        for (int i = 0; i < *n; i++)
            if (out[i].stochastic == out[*n].stochastic && !strcmp(out[i].name, out[*n].name))
                return udy_error_set(err, UDY_EINVAL, "experts: '%s%s' stands there twice",
                                     out[i].name, out[i].stochastic ? ":stochastic" : "");
        ++*n;
        at += length;
        if (!*at) return UDY_OK;
    }
}
