// JSON trees: cJSON behind an opaque name. Building, reading, parsing; json_check.c guards the
// parser, json_print.c writes.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/text.h"

// udy_json is never defined: every pointer to it is a cJSON's.
static cJSON *in(udy_json *v) {
    return (cJSON *)v;
}
static const cJSON *in_const(const udy_json *v) {
    return (const cJSON *)v;
}
static udy_json *out_of(cJSON *v) {
    return (udy_json *)v;
}
static const udy_json *out_of_const(const cJSON *v) {
    return (const udy_json *)v;
}

//------------------------------------------ Building ----------------------------------------------

udy_json *udy_json_object(void) {
    return out_of(cJSON_CreateObject());
}
udy_json *udy_json_array(void) {
    return out_of(cJSON_CreateArray());
}
void udy_json_free(udy_json *root) {
    cJSON_Delete(in(root));
}

void udy_json_put(udy_json *object, const char *name, udy_json *child) {
    cJSON *parent = in(object);
    bool fits = cJSON_IsObject(parent) && name && child;
    if (fits) cJSON_DeleteItemFromObjectCaseSensitive(parent, name);
    if (fits && cJSON_AddItemToObject(parent, name, in(child))) return;
    cJSON_Delete(in(child));
    if (parent) parent->type |= UDY__JSON_LOST;
}

void udy_json_append(udy_json *array, udy_json *child) {
    cJSON *parent = in(array);
    if (cJSON_IsArray(parent) && child && cJSON_AddItemToArray(parent, in(child))) return;
    cJSON_Delete(in(child));
    if (parent) parent->type |= UDY__JSON_LOST;
}

// JSON has no NaN and no infinities.
static udy_json *number(double value) {
    return out_of(isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static udy_json *string(const char *value) {
    return out_of(value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void udy_json_put_number(udy_json *object, const char *name, double value) {
    udy_json_put(object, name, number(value));
}

void udy_json_put_int(udy_json *object, const char *name, int64_t value) {
    const int64_t exact = (int64_t)1 << 53;
    if (value >= -exact && value <= exact) {
        udy_json_put(object, name, number((double)value));
        return;
    }
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    udy_json_put(object, name, string(digits));
}

void udy_json_put_bool(udy_json *object, const char *name, bool value) {
    udy_json_put(object, name, out_of(cJSON_CreateBool(value)));
}

void udy_json_put_string(udy_json *object, const char *name, const char *value) {
    udy_json_put(object, name, string(value));
}

void udy_json_put_numbers(udy_json *object, const char *name, const double *values, size_t n) {
    udy_json *array = udy_json_array();
    for (size_t i = 0; i < n; i++) udy_json_append_number(array, values[i]);
    udy_json_put(object, name, array);
}

void udy_json_append_number(udy_json *array, double value) {
    udy_json_append(array, number(value));
}

void udy_json_append_string(udy_json *array, const char *value) {
    udy_json_append(array, string(value));
}

//------------------------------------------ Reading -----------------------------------------------

static bool is_nest(const cJSON *v) {
    return cJSON_IsArray(v) || cJSON_IsObject(v);
}

const udy_json *udy_json_get(const udy_json *object, const char *name) {
    const cJSON *parent = in_const(object);
    if (!cJSON_IsObject(parent) || !name) return NULL;
    return out_of_const(cJSON_GetObjectItemCaseSensitive(parent, name));
}

double udy_json_number(const udy_json *object, const char *name, double fallback) {
    return udy_json_value(udy_json_get(object, name), fallback);
}

bool udy_json_bool(const udy_json *object, const char *name, bool fallback) {
    const cJSON *v = in_const(udy_json_get(object, name));
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

const char *udy_json_string(const udy_json *object, const char *name, const char *fallback) {
    return udy_json_text(udy_json_get(object, name), fallback);
}

size_t udy_json_size(const udy_json *array_or_object) {
    const cJSON *v = in_const(array_or_object);
    return is_nest(v) ? (size_t)cJSON_GetArraySize(v) : 0;
}

const udy_json *udy_json_at(const udy_json *array_or_object, size_t i) {
    const cJSON *v = in_const(array_or_object);
    const cJSON *child = is_nest(v) ? v->child : NULL;
    for (; child && i > 0; i--) child = child->next;
    return out_of_const(child);
}

const udy_json *udy_json_next(const udy_json *member) {
    return member ? out_of_const(in_const(member)->next) : NULL;
}

const char *udy_json_name(const udy_json *member) {
    return member ? in_const(member)->string : NULL;
}

const char *udy_json_name_at(const udy_json *object, size_t i) {
    return udy_json_name(udy_json_at(object, i));
}

double udy_json_value(const udy_json *v, double fallback) {
    return udy_json_is_number(v) ? in_const(v)->valuedouble : fallback;
}

const char *udy_json_text(const udy_json *v, const char *fallback) {
    return udy_json_is_string(v) ? in_const(v)->valuestring : fallback;
}

bool udy_json_is_number(const udy_json *v) {
    return cJSON_IsNumber(in_const(v));
}
bool udy_json_is_string(const udy_json *v) {
    return cJSON_IsString(in_const(v));
}
bool udy_json_is_array(const udy_json *v) {
    return cJSON_IsArray(in_const(v));
}
bool udy_json_is_object(const udy_json *v) {
    return cJSON_IsObject(in_const(v));
}

//------------------------------------------ Parsing -----------------------------------------------

static int parse_fault(udy_error *err, const char *name, const char *text, size_t n_bytes,
                       size_t at, const char *what) {
    size_t line = 1, line_start = 0;
    if (at > n_bytes) at = n_bytes;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return udy_error_set(err, UDY_EFORMAT, "%s:%zu:%zu: %s", name, line, at - line_start + 1, what);
}

int udy_json_parse(udy_json **out, const char *text, size_t n_bytes, const char *name,
                   udy_error *err) {
    *out = NULL;
    if (!name) name = "JSON";
    if (!text) return udy_error_set(err, UDY_EINVAL, "%s: no text to parse", name);
    size_t at;
    const char *fault = udy__json_check(text, n_bytes, &at);
    if (fault) return parse_fault(err, name, text, n_bytes, at, fault);
    void *before = udy__locale_enter();
    cJSON *root = cJSON_ParseWithLengthOpts(text, n_bytes, NULL, 0);
    udy__locale_leave(before);
    // Its grammar has been checked: all that is left to fail is memory.
    if (!root) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory for its values", name);
    *out = out_of(root);
    return UDY_OK;
}
