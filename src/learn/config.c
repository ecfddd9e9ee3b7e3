// Ranges of settings structs, from the tables that reading them uses too. Called by whatever takes
// such a struct, before anything is allocated or written.
#include "learn/config.h"

static int check_number(const udy_field *field, double value, const char *prefix, udy_error *err) {
    // Not negated: a NaN is in no range.
    if (field->min == field->max || (value >= field->min && value <= field->max)) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL, "%s%s is %g; %g to %g are allowed", prefix, field->key,
                         value, field->min, field->max);
}

static int check_choice(const udy_field *field, int value, const char *prefix, udy_error *err) {
    int n = 0;
    while (field->choices[n]) n++;
    if (value >= 0 && value < n) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL, "%s%s is choice %d; there are %d", prefix, field->key,
                         value, n);
}

static int check_ints(const udy_field *field, const udy_ints *list, const char *prefix,
                      udy_error *err) {
    if (list->n < 0 || list->n > UDY_INTS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%s%s has %d elements; at most %d are allowed",
                             prefix, field->key, list->n, UDY_INTS_MAX);
    int status = UDY_OK;
    for (int i = 0; !status && i < list->n; i++)
        status = check_number(field, list->v[i], prefix, err);
    return status;
}

static int check_field(const void *at, const udy_field *field, const char *prefix, udy_error *err) {
    switch (field->type) {
        case UDY_FIELD_INT: return check_number(field, *(const int *)at, prefix, err);
        case UDY_FIELD_U64: return check_number(field, (double)*(const uint64_t *)at, prefix, err);
        case UDY_FIELD_F64: return check_number(field, *(const double *)at, prefix, err);
        case UDY_FIELD_CHOICE: return check_choice(field, *(const int *)at, prefix, err);
        case UDY_FIELD_INTS: return check_ints(field, at, prefix, err);
        case UDY_FIELD_BOOL:
        case UDY_FIELD_TEXT:
        case UDY_FIELD_PAIR: break;  // no numbers that these tables bound
    }
    return UDY_OK;
}

int udy__config_check(const void *config, const udy_field *table, const char *prefix,
                      udy_error *err) {
    int status = UDY_OK;
    for (const udy_field *f = table; !status && f->key; f++)
        status = check_field((const char *)config + f->offset, f, prefix, err);
    return status;
}

char *udy__config_print_task(const udy_task *task) {
    udy_task_config facts = *udy_task_config_of(task);
    facts.model_dir[0] = '\0';  // a place, which may differ from day to day
    return udy_settings_facts(&facts, udy_task_config_fields);
}
