// Settings: a value checked against its row of the table and stored; keys; equality. The text comes
// from settings_yaml.c and goes out through settings_print.c.
#include "base/settings_internal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

//------------------------------------------ Faults ------------------------------------------------

// The value as it stood, for a message: 'text', [a, b] or "a mapping".
static const char *show(char out[UDY__SHOW_MAX + 2], const udy__value *value) {
    if (value->kind == UDY__VALUE_MAPPING) return "a mapping";
    udy__text text = {0};
    if (value->kind == UDY__VALUE_SCALAR) {
        udy__text_add(&text, value->text, value->length);
    } else {
        int kept = value->n < UDY_INTS_MAX ? value->n : UDY_INTS_MAX;
        udy__text_puts(&text, "[");
        for (int i = 0; i < kept; i++) {
            if (i > 0) udy__text_puts(&text, ", ");
            udy__text_puts(&text, value->items[i]);
        }
        udy__text_puts(&text, value->n > kept ? ", ...]" : "]");
    }
    char *all = udy__text_take(&text);
    udy__text_show(out, all ? all : "?", all ? strlen(all) : 1);
    udy_free(all);
    return out;
}

static int wrong(udy_error *err, const udy_field *field, const udy__value *value, const char *why) {
    char shown[UDY__SHOW_MAX + 2];
    const char *text = show(shown, value);
    bool quote = value->kind == UDY__VALUE_SCALAR && !value->plain;
    return udy_error_set(err, UDY_EINVAL, quote ? "%s = \"%s\": %s" : "%s = %s: %s", field->key,
                         text, why);
}

static int out_of_range(udy_error *err, const udy_field *field, const udy__value *value) {
    char low[UDY__NUMBER_MAX], high[UDY__NUMBER_MAX];
    udy__double_print(low, field->min);
    udy__double_print(high, field->max);
    udy__text why = {0};
    udy__text_printf(&why, "must be between %s and %s", low, high);
    char *text = udy__text_take(&why);
    int code = wrong(err, field, value, text ? text : "out of range");
    udy_free(text);
    return code;
}

static bool in_range(const udy_field *field, double v) {
    return field->min == field->max || (v >= field->min && v <= field->max);
}

//------------------------------------------ Numbers -----------------------------------------------

// Whole numbers may be written as 1e6: what counts is that the value is whole and exact.
static bool whole_from_double(const char *text, double *out) {
    return udy__double_parse(out, text) && *out == floor(*out) && fabs(*out) <= 9007199254740992.0;
}

static bool only_digits(const char *text) {
    if (*text == '+' || *text == '-') text++;
    if (!*text) return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text)) return false;
    }
    return true;
}

// Returns NULL and stores, or says what is wrong; "" is out of range.
static const char *read_int(const udy_field *field, const char *text, int *out) {
    double d;
    if (!udy__double_parse(&d, text) || d != floor(d)) return "must be a whole number";
    if (!in_range(field, d)) return "";
    if (d < INT_MIN || d > INT_MAX) return "does not fit a 32-bit whole number";
    *out = (int)d;
    return NULL;
}

static const char *read_u64(const udy_field *field, const char *text, uint64_t *out) {
    const char *const what = "must be a whole number that is not negative";
    uint64_t v;
    double d;
    if (only_digits(text)) {
        if (*text == '-') return what;
        errno = 0;
        v = strtoull(text, NULL, 10);
        if (errno == ERANGE) return "does not fit a 64-bit whole number";
    } else {
        if (!whole_from_double(text, &d) || d < 0) return what;
        v = (uint64_t)d;
    }
    if (!in_range(field, (double)v)) return "";
    *out = v;
    return NULL;
}

static const char *read_double(const udy_field *field, const char *text, double *out) {
    double d;
    if (!strcasecmp(text, ".inf") || !strcasecmp(text, "+.inf")) {
        d = INFINITY;
    } else if (!strcasecmp(text, "-.inf")) {
        d = -INFINITY;
    } else if (!udy__double_parse(&d, text)) {
        return "must be a number";
    } else if (!isfinite(d)) {
        return "is too large for a number";
    }
    if (!in_range(field, d)) return "";
    *out = d;
    return NULL;
}

static int fault(udy_error *err, const udy_field *field, const udy__value *value, const char *why) {
    if (!why) return UDY_OK;
    return *why ? wrong(err, field, value, why) : out_of_range(err, field, value);
}

//------------------------------------------ Assigning ---------------------------------------------

static int assign_list(char *p, const udy_field *field, const udy__value *value, udy_error *err) {
    bool pair = field->type == UDY_FIELD_PAIR;
    if (value->kind != UDY__VALUE_LIST) {
        return wrong(err, field, value,
                     pair ? "must be a list of two numbers such as [0.2, 1.0]"
                          : "must be a list of whole numbers such as [256, 256]");
    }
    if (pair && value->n != 2) return wrong(err, field, value, "must be a list of two numbers");
    if (value->n > UDY_INTS_MAX) return wrong(err, field, value, "has more than 8 items");
    udy_ints ints = {.n = value->n};
    double numbers[2];
    for (int i = 0; i < value->n; i++) {
        const char *why = pair ? read_double(field, value->items[i], &numbers[i])
                               : read_int(field, value->items[i], &ints.v[i]);
        int code = fault(err, field, value, why);
        if (code) return code;
    }
    if (pair) {
        memcpy(p, numbers, sizeof numbers);
    } else {
        memcpy(p, &ints, sizeof ints);
    }
    return UDY_OK;
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++) {
        if (!strcasecmp(text, *words)) return true;
    }
    return false;
}

static const char *assign_bool(char *p, const char *text) {
    static const char *const yes[] = {"true", "yes", "on", NULL};
    static const char *const no[] = {"false", "no", "off", NULL};
    bool v = is_one_of(text, yes);
    if (!v && !is_one_of(text, no)) return "must be true or false";
    memcpy(p, &v, sizeof v);
    return NULL;
}

static int assign_choice(char *p, const udy_field *field, const udy__value *value, udy_error *err) {
    size_t n = 0;
    for (; field->choices[n]; n++) {
        if (!strcmp(field->choices[n], value->text)) {
            int index = (int)n;
            memcpy(p, &index, sizeof index);
            return UDY_OK;
        }
    }
    udy__text why = {0};
    udy__text_puts(&why, "must be one of ");
    for (size_t i = 0; i < n; i++) {
        udy__text_printf(&why, i ? ", %s" : "%s", field->choices[i]);
    }
    const char *nearest = udy_nearest(value->text, field->choices, n);
    if (nearest) udy__text_printf(&why, "; did you mean '%s'?", nearest);
    char *text = udy__text_take(&why);
    int code = wrong(err, field, value, text ? text : "is none of the choices");
    udy_free(text);
    return code;
}

static int assign_text(char *p, const udy_field *field, const udy__value *value, udy_error *err) {
    if (value->plain && is_one_of(value->text, (const char *const[]){"null", "~", NULL})) {
        return wrong(err, field, value, "has no value; write \"\" for an empty text");
    }
    if (value->length >= field->size) {
        udy__text why = {0};
        udy__text_printf(&why, "is longer than %zu bytes", field->size - 1);
        char *text = udy__text_take(&why);
        int code = wrong(err, field, value, text ? text : "is too long");
        udy_free(text);
        return code;
    }
    // The whole array, so that equal settings are equal bytes.
    memset(p, 0, field->size);
    memcpy(p, value->text, value->length);
    return UDY_OK;
}

int udy__settings_assign(void *settings, const udy_field *field, const udy__value *value,
                         udy_error *err) {
    char *p = (char *)settings + field->offset;
    if (field->type == UDY_FIELD_INTS || field->type == UDY_FIELD_PAIR) {
        return assign_list(p, field, value, err);
    }
    if (value->kind != UDY__VALUE_SCALAR) return wrong(err, field, value, "must be a single value");
    if (strlen(value->text) != value->length) {
        return wrong(err, field, value, "holds a NUL character");
    }
    bool is_text = field->type == UDY_FIELD_TEXT;
    if (value->plain && value->length == 0) {
        return udy_error_set(err, UDY_EINVAL, "%s has no value%s", field->key,
                             is_text ? "; write \"\" for an empty text" : "");
    }
    if (is_text) return assign_text(p, field, value, err);
    if (field->type == UDY_FIELD_CHOICE) return assign_choice(p, field, value, err);
    if (!value->plain) {
        return wrong(err, field, value,
                     field->type == UDY_FIELD_BOOL ? "must be true or false, without quotes"
                                                   : "must be a number, without quotes");
    }
    const char *why = "has an unknown type";
    int i;
    uint64_t u;
    double d;
    switch (field->type) {
        case UDY_FIELD_INT:
            why = read_int(field, value->text, &i);
            if (!why) memcpy(p, &i, sizeof i);
            break;
        case UDY_FIELD_U64:
            why = read_u64(field, value->text, &u);
            if (!why) memcpy(p, &u, sizeof u);
            break;
        case UDY_FIELD_F64:
            why = read_double(field, value->text, &d);
            if (!why) memcpy(p, &d, sizeof d);
            break;
        case UDY_FIELD_BOOL: why = assign_bool(p, value->text); break;
        default: break;
    }
    return fault(err, field, value, why);
}

//------------------------------------------ Keys --------------------------------------------------

const udy_field *udy__settings_find(const udy_field *table, const char *key) {
    for (const udy_field *f = table; f->key; f++) {
        if (!strcmp(f->key, key)) return f;
    }
    return NULL;
}

bool udy__settings_is_group(const udy_field *table, const char *key) {
    size_t n = strlen(key);
    for (const udy_field *f = table; f->key; f++) {
        if (!strncmp(f->key, key, n) && f->key[n] == '.') return true;
    }
    return false;
}

// "epochs" for "bc.epochs": the only key that ends so.
static const char *by_last_part(const udy_field *table, const char *key) {
    const char *dot = strrchr(key, '.');
    const char *last = dot ? dot + 1 : key;
    const char *found = NULL;
    for (const udy_field *f = table; f->key; f++) {
        const char *d = strrchr(f->key, '.');
        if (!d || strcmp(d + 1, last)) continue;
        if (found) return NULL;
        found = f->key;
    }
    return found;
}

int udy__settings_unknown(const udy_field *table, const char *key, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    udy__text_show(shown, key, strlen(key));
    size_t n = 0;
    while (table[n].key) n++;
    const char **names = n ? udy_alloc(n * sizeof *names) : NULL;
    for (size_t i = 0; names && i < n; i++) names[i] = table[i].key;
    const char *nearest = by_last_part(table, key);
    if (!nearest && names) nearest = udy_nearest(key, names, n);
    udy_free(names);
    return nearest ? udy_error_set(err, UDY_EINVAL, "unknown key '%s'; did you mean '%s'?", shown,
                                   nearest)
                   : udy_error_set(err, UDY_EINVAL, "unknown key '%s'", shown);
}

//------------------------------------------ `key=value` -------------------------------------------

int udy_settings_set(void *settings, const udy_field *table, const char *assignment,
                     udy_error *err) {
    const char *equals = assignment ? strchr(assignment, '=') : NULL;
    char shown[UDY__SHOW_MAX];
    if (!equals) {
        udy__text_show(shown, assignment ? assignment : "", assignment ? strlen(assignment) : 0);
        return udy_error_set(err, UDY_EINVAL, "'%s': expected key=value", shown);
    }
    const char *from = assignment, *to = equals;
    while (from < to && isspace((unsigned char)*from)) from++;
    while (to > from && isspace((unsigned char)to[-1])) to--;
    size_t n = (size_t)(to - from);
    if (n == 0 || n >= UDY__KEY_MAX) {
        udy__text_show(shown, from, n);
        return udy_error_set(err, UDY_EINVAL, n ? "unknown key '%s'" : "expected a key before '='",
                             shown);
    }
    char key[UDY__KEY_MAX];
    memcpy(key, from, n);
    key[n] = '\0';
    const udy_field *field = udy__settings_find(table, key);
    if (!field && udy__settings_is_group(table, key)) {
        udy__text_show(shown, key, n);
        return udy_error_set(err, UDY_EINVAL, "'%s' is a group of settings: name one of them",
                             shown);
    }
    if (!field) return udy__settings_unknown(table, key, err);
    return udy__settings_assign_text(settings, field, equals + 1, err);
}

//------------------------------------------ Equality ----------------------------------------------

static bool field_equal(const udy_field *field, const char *a, const char *b) {
    switch (field->type) {
        case UDY_FIELD_INT:
        case UDY_FIELD_CHOICE: return !memcmp(a, b, sizeof(int));
        case UDY_FIELD_U64: return !memcmp(a, b, sizeof(uint64_t));
        case UDY_FIELD_F64: return !memcmp(a, b, sizeof(double));
        case UDY_FIELD_BOOL: return !memcmp(a, b, sizeof(bool));
        case UDY_FIELD_TEXT: return !strncmp(a, b, field->size);
        case UDY_FIELD_PAIR: return !memcmp(a, b, 2 * sizeof(double));
        case UDY_FIELD_INTS: {
            const udy_ints *x = (const udy_ints *)(const void *)a;
            const udy_ints *y = (const udy_ints *)(const void *)b;
            bool sane = x->n >= 0 && x->n <= UDY_INTS_MAX;
            return sane && x->n == y->n && !memcmp(x->v, y->v, (size_t)x->n * sizeof x->v[0]);
        }
    }
    return false;
}

bool udy_settings_equal(const void *a, const void *b, const udy_field *table) {
    for (const udy_field *f = table; f->key; f++) {
        if (!field_equal(f, (const char *)a + f->offset, (const char *)b + f->offset)) return false;
    }
    return true;
}
