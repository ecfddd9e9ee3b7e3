// settings_internal.h: what settings.c, settings_yaml.c and settings_print.c share.
#ifndef UNDERSTUDY_BASE_SETTINGS_INTERNAL_H_
#define UNDERSTUDY_BASE_SETTINGS_INTERNAL_H_

#include "understudy/base.h"

#define UDY__KEY_MAX 160       // of a dotted key, in characters
#define UDY__LIST_TEXT_MAX 64  // of one number in a list

typedef enum { UDY__VALUE_SCALAR, UDY__VALUE_LIST, UDY__VALUE_MAPPING } udy__value_kind;

// One value as YAML gives it, before its field's type is known.
typedef struct udy__value {
    udy__value_kind kind;
    const char *text;  // SCALAR
    size_t length;
    bool plain;  // SCALAR: written without quotes
    int n;       // LIST: number of items; the first UDY_INTS_MAX are kept
    char items[UDY_INTS_MAX][UDY__LIST_TEXT_MAX];
} udy__value;

// Check a value against a field and store it. On error the settings are as they were.
int udy__settings_assign(void *settings, const udy_field *field, const udy__value *value,
                         udy_error *err);

// The field of this key, or NULL.
const udy_field *udy__settings_find(const udy_field *table, const char *key);
// Is key the first part of some field's key ("bc" of "bc.epochs")?
bool udy__settings_is_group(const udy_field *table, const char *key);
// "unknown key 'bc.epoch'; did you mean 'bc.epochs'?"
int udy__settings_unknown(const udy_field *table, const char *key, udy_error *err);

// One value in YAML's flow syntax for a field, from text.
int udy__settings_assign_text(void *settings, const udy_field *field, const char *text,
                              udy_error *err);

#endif  // UNDERSTUDY_BASE_SETTINGS_INTERNAL_H_
