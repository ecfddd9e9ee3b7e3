// A task as Gymnasium's registry writes it down: see env_spec.h. Behind the export of datasets.
#include "learn/env_spec.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

// Our names of options, where Gymnasium's are longer.
static const struct {
    const char *ours, *gymnasium;
} long_names[] = {
    {"exclude_current_positions", "exclude_current_positions_from_observation"},
    {"contact_obs", "include_cfrc_ext_in_observation"},
};
// Settings that are no options of a task's class.
static const char *const not_options[] = {"model_dir", "max_episode_steps", "contact_obs"};

static const char *name_of(const char *ours) {
    for (size_t i = 0; i < sizeof long_names / sizeof *long_names; i++)
        if (!strcmp(long_names[i].ours, ours)) return long_names[i].gymnasium;
    return ours;
}

// "HalfCheetah-v5" lies in half_cheetah_v5:HalfCheetahEnv.
static void add_entry_point(udy__text *text, const char *id) {
    const char *version = strrchr(id, '-');
    size_t n = version ? (size_t)(version - id) : strlen(id);
    udy__text_puts(text, "gymnasium.envs.mujoco.");
    for (size_t i = 0; i < n; i++) {
        char c = (char)tolower((unsigned char)id[i]);
        if (i && isupper((unsigned char)id[i])) udy__text_add(text, "_", 1);
        udy__text_add(text, &c, 1);
    }
    udy__text_printf(text, "_%s:%.*sEnv", version ? version + 1 : "", (int)n, id);
}

// Python's JSON knows Infinity.
static void add_number(udy__text *text, double value) {
    char number[UDY__NUMBER_MAX];
    udy__double_print(number, value);
    udy__text_puts(text, isfinite(value) ? number
                         : isnan(value)  ? "NaN"
                         : value > 0     ? "Infinity"
                                         : "-Infinity");
}

// Adds the option if it differs from the defaults; *n counts.
static void add_option(udy__text *text, const udy_field *f, const void *config,
                       const void *defaults, int *n) {
    const void *value = (const char *)config + f->offset,
               *other = (const char *)defaults + f->offset;
    size_t size = f->type == UDY_FIELD_TEXT   ? f->size
                  : f->type == UDY_FIELD_PAIR ? 2 * sizeof(double)
                  : f->type == UDY_FIELD_F64  ? sizeof(double)
                  : f->type == UDY_FIELD_BOOL ? sizeof(bool)
                                              : sizeof(int);
    bool same = f->type == UDY_FIELD_TEXT ? !strcmp(value, other) : !memcmp(value, other, size);
    if (same) return;
    udy__text_printf(text, "%s\"%s\": ", (*n)++ ? ", " : "", name_of(f->key));
    const double *numbers = value;
    if (f->type == UDY_FIELD_TEXT) {
        udy__text_puts(text, "\"");
        for (const char *c = value; *c; c++) {
            if (*c == '"' || *c == '\\') udy__text_add(text, "\\", 1);
            if ((unsigned char)*c >= 0x20) udy__text_add(text, c, 1);
        }
        udy__text_puts(text, "\"");
    } else if (f->type == UDY_FIELD_PAIR) {
        udy__text_puts(text, "[");
        add_number(text, numbers[0]);
        udy__text_puts(text, ", ");
        add_number(text, numbers[1]);
        udy__text_puts(text, "]");
    } else if (f->type == UDY_FIELD_BOOL) {
        udy__text_puts(text, *(const bool *)value ? "true" : "false");
    } else {
        add_number(text, f->type == UDY_FIELD_F64 ? numbers[0] : (double)*(const int *)value);
    }
}

// Has the task contact forces to show or leave out? Then its other form can be made.
static bool has_contact_forces(const udy_task *task) {
    udy_task_config config = *udy_task_config_of(task);
    udy_task *other;
    config.contact_obs = !config.contact_obs;
    if (udy_task_create(&other, udy_task_info_of(task)->id, &config, NULL)) return false;
    udy_task_destroy(other);
    return true;
}

static bool is_option(const char *key) {
    for (size_t i = 0; i < sizeof not_options / sizeof *not_options; i++)
        if (!strcmp(key, not_options[i])) return false;
    return true;
}

static void add_options(udy__text *text, const udy_task *task) {
    const udy_task_config *config = udy_task_config_of(task);
    udy_task_config defaults;
    int n = 0;
    if (udy_task_config_default(&defaults, udy_task_info_of(task)->id, NULL)) return;
    for (const udy_field *f = udy_task_config_fields; f->key; f++)
        if (is_option(f->key)) add_option(text, f, config, &defaults, &n);
    // Gymnasium's default is to have them, ours not to.
    if (has_contact_forces(task) && !config->contact_obs)
        udy__text_printf(text, "%s\"%s\": false", n ? ", " : "", name_of("contact_obs"));
}

char *udy__env_spec(const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    udy__text text = {0};
    udy__text_printf(&text, "{\"id\": \"%s\", \"entry_point\": \"", info->id);
    add_entry_point(&text, info->id);
    udy__text_puts(&text, "\", \"reward_threshold\": ");
    if (isnan(info->reward_threshold))
        udy__text_puts(&text, "null");
    else
        add_number(&text, info->reward_threshold);
    udy__text_puts(&text, ", \"nondeterministic\": false, \"max_episode_steps\": ");
    if (info->max_episode_steps > 0)
        udy__text_printf(&text, "%d", info->max_episode_steps);
    else
        udy__text_puts(&text, "null");
    udy__text_puts(&text,
                   ", \"order_enforce\": true, \"disable_env_checker\": false, \"kwargs\": {");
    add_options(&text, task);
    udy__text_puts(&text, "}, \"additional_wrappers\": [], \"vector_entry_point\": null}");
    return udy__text_take(&text);
}
