// Structs as JSON objects and back: one walk over a struct's fields both writes and reads them, so that
// what is written is what is read.
#include "study/json_walk.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//------------------------------------------ Members ----------------------------------------------

bool udy__walk_stopped(const udy__walk *w) {
    return w->fault || w->no_memory;
}

static const udy_json *member(udy__walk *w, const char *name) {
    const udy_json *v = udy__walk_stopped(w) ? NULL : udy_json_get(w->from, name);
    if (!v && !w->fault) w->fault = name;
    return v;
}

void udy__walk_number(udy__walk *w, const char *name, double *x) {
    if (!w->reading) {
        udy_json_put_number(w->to, name, *x);
    } else {
        *x = udy_json_value(member(w, name), NAN);
        if (!isfinite(*x) && !w->fault) w->fault = name;
    }
}

void udy__walk_int(udy__walk *w, const char *name, int *x) {
    double value = *x;
    udy__walk_number(w, name, &value);
    if (!w->reading) return;
    if (!(value >= INT_MIN && value <= INT_MAX && value == floor(value))) {
        if (!w->fault) w->fault = name;
        return;
    }
    *x = (int)value;
}

void udy__walk_count(udy__walk *w, const char *name, int *x) {
    udy__walk_int(w, name, x);
    if (w->reading && *x < 0 && !w->fault) w->fault = name;
}

void udy__walk_u64(udy__walk *w, const char *name, uint64_t *x) {
    if (!w->reading) {
        // Beyond what a JSON number holds: its digits.
        char digits[24];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)*x);
        if (*x <= UINT64_C(1) << 53)
            udy_json_put_number(w->to, name, (double)*x);
        else
            udy_json_put_string(w->to, name, digits);
        return;
    }
    const udy_json *v = member(w, name);
    const char *text = udy_json_text(v, NULL);
    double value = udy_json_value(v, -1);
    if (text && text[0] >= '0' && text[0] <= '9')
        *x = strtoull(text, NULL, 10);
    else if (value >= 0 && value <= 0x1p53)
        *x = (uint64_t)value;
    else if (!w->fault)
        w->fault = name;
}

void udy__walk_i64(udy__walk *w, const char *name, int64_t *x) {
    uint64_t value = (uint64_t)*x;
    udy__walk_u64(w, name, &value);
    if (w->reading) *x = (int64_t)value;
}

void udy__walk_bool(udy__walk *w, const char *name, bool *x) {
    if (!w->reading) {
        udy_json_put_bool(w->to, name, *x);
        return;
    }
    // What is no truth value gives the fallback, whichever that is.
    bool value = udy_json_bool(w->from, name, false);
    if (member(w, name) && value != udy_json_bool(w->from, name, true)) w->fault = name;
    if (!udy__walk_stopped(w)) *x = value;
}

void udy__walk_text(udy__walk *w, const char *name, char *x, size_t size) {
    if (!w->reading) {
        udy_json_put_string(w->to, name, x);
        return;
    }
    const char *text = udy_json_text(member(w, name), NULL);
    if (text && strlen(text) < size)
        memcpy(x, text, strlen(text) + 1);
    else if (!w->fault)
        w->fault = name;
}

// An array of exactly n numbers, in place.
void udy__walk_numbers(udy__walk *w, const char *name, double *x, size_t n) {
    if (!w->reading) {
        udy_json_put_numbers(w->to, name, x, n);
        return;
    }
    const udy_json *v = member(w, name);
    if (v && (!udy_json_is_array(v) || udy_json_size(v) != n)) w->fault = name;
    if (udy__walk_stopped(w)) return;
    v = udy_json_at(v, 0);
    for (size_t i = 0; i < n; i++, v = udy_json_next(v)) {
        x[i] = udy_json_value(v, NAN);
        if (!isfinite(x[i])) w->fault = name;
    }
}

void *udy__walk_room(udy__walk *w, size_t n, size_t size) {
    if (udy__walk_stopped(w) || n == 0) return NULL;
    void *room = udy_alloc(n * size);
    if (!room) w->no_memory = true;
    return room;
}

// The same, allocated on reading.
void udy__walk_new_numbers(udy__walk *w, const char *name, double **x, size_t n) {
    if (w->reading) {
        // Before there is room for it, the file must hold as many.
        const udy_json *v = member(w, name);
        if (v && udy_json_size(v) != n) w->fault = name;
        *x = udy__walk_room(w, n, sizeof **x);
        if (!*x) return;
    }
    udy__walk_numbers(w, name, *x, n);
}

udy__walk udy__walk_into(udy__walk *w, const char *name) {
    udy__walk inner = {.reading = w->reading, .fault = w->fault, .no_memory = w->no_memory};
    if (w->reading)
        inner.from = member(w, name);
    else
        inner.to = udy_json_object();
    inner.fault = w->fault;
    return inner;
}

void udy__walk_out(udy__walk *w, const char *name, udy__walk *inner) {
    if (!w->reading) udy_json_put(w->to, name, inner->to);
    if (!w->fault) w->fault = inner->fault;
    w->no_memory = w->no_memory || inner->no_memory;
}

void *udy__walk_list(udy__walk *w, const char *name, void *items, int *n, size_t size, int most,
                     udy__walk_fn each, const void *whole) {
    udy_json *array = w->reading ? NULL : udy_json_array();
    const udy_json *v = w->reading ? member(w, name) : NULL;
    if (w->reading) {
        size_t found = v ? udy_json_size(v) : 0;
        if (v && (!udy_json_is_array(v) || found > (size_t)most)) w->fault = name;
        items = udy__walk_room(w, found, size);
        if (udy__walk_stopped(w)) return NULL;
        *n = (int)found;
        v = udy_json_at(v, 0);
    }
    for (int i = 0; i < *n && !udy__walk_stopped(w); i++, v = udy_json_next(v)) {
        udy__walk inner = {
            .reading = w->reading, .from = v, .to = w->reading ? NULL : udy_json_object()};
        each(&inner, (char *)items + (size_t)i * size, whole);
        if (!w->reading) udy_json_append(array, inner.to);
        if (inner.fault && !w->fault) w->fault = inner.fault;
        w->no_memory = w->no_memory || inner.no_memory;
    }
    if (!w->reading) udy_json_put(w->to, name, array);
    return items;
}

//------------------------------------------ Base64 ------------------------------------------------

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_floats(udy__walk *w, const char *name, const float *x, size_t n) {
    size_t bytes = n * sizeof *x;
    char *text = udy_alloc((bytes + 2) / 3 * 4 + 1);
    uint8_t *raw = udy_alloc(bytes + 2);
    if (text && raw) {
        for (size_t i = 0; i < n; i++) {
            uint32_t u;
            memcpy(&u, &x[i], sizeof u);
            for (size_t k = 0; k < 4; k++) raw[4 * i + k] = (uint8_t)(u >> (8 * k));
        }
        char *to = text;
        for (size_t i = 0; i < bytes; i += 3, to += 4) {
            uint32_t u = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
            for (int k = 0; k < 4; k++) to[k] = digits64[u >> (18 - 6 * k) & 63];
            if (bytes - i < 3) to[3] = '=';
            if (bytes - i < 2) to[2] = '=';
        }
        udy_json_put_string(w->to, name, text);
    } else {
        w->no_memory = true;
    }
    udy_free(text);
    udy_free(raw);
}

// The bytes that a text of base64 holds, `bytes` of them; false where it does not.
static bool get_bytes(const char *text, uint8_t *raw, size_t bytes) {
    size_t length = (bytes + 2) / 3 * 4, padding = (3 - bytes % 3) % 3;
    if (strlen(text) != length) return false;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t u = 0;
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k >= length - padding;
            const char *at = pad ? NULL : strchr(digits64, text[i + k]);
            if (pad ? text[i + k] != '=' : !at) return false;
            u = u << 6 | (pad ? 0 : (uint32_t)(at - digits64));
        }
        for (size_t k = 0; k < 3 && i / 4 * 3 + k < bytes; k++)
            raw[i / 4 * 3 + k] = (uint8_t)(u >> (16 - 8 * k));
    }
    return true;
}

static void get_floats(udy__walk *w, const char *name, float **x, size_t n) {
    const char *text = udy_json_text(member(w, name), NULL);
    size_t bytes = n * sizeof **x;
    if ((!text || strlen(text) != (bytes + 2) / 3 * 4) && !w->fault) w->fault = name;
    if (udy__walk_stopped(w)) return;
    *x = udy__walk_room(w, n, sizeof **x);
    uint8_t *raw = udy__walk_room(w, bytes, 1);
    if (*x && raw && !get_bytes(text, raw, bytes)) w->fault = name;
    for (size_t i = 0; i < n && !udy__walk_stopped(w); i++) {
        uint32_t u = 0;
        for (size_t k = 0; k < 4; k++) u |= (uint32_t)raw[4 * i + k] << (8 * k);
        memcpy(&(*x)[i], &u, sizeof u);
        if (!isfinite((*x)[i])) w->fault = name;
    }
    udy_free(raw);
}

void udy__walk_floats(udy__walk *w, const char *name, float **x, size_t n) {
    if (w->reading)
        get_floats(w, name, x, n);
    else
        put_floats(w, name, *x, n);
}
