// Text helpers behind json.c, settings*.c and io: see text.h.
#include "base/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//------------------------------------------ Buffers -----------------------------------------------

static bool reserve(udy__text *text, size_t n) {
    if (text->failed) return false;
    if (n < text->capacity - text->n) return true;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->n <= n && capacity < SIZE_MAX / 2) capacity *= 2;
    char *p = capacity - text->n > n ? udy_alloc(capacity) : NULL;
    if (!p) {
        udy__text_drop(text);
        text->failed = true;
        return false;
    }
    if (text->n) memcpy(p, text->p, text->n);
    udy_free(text->p);
    text->p = p;
    text->capacity = capacity;
    return true;
}

void udy__text_add(udy__text *text, const char *s, size_t n) {
    if (!reserve(text, n)) return;
    if (n) memcpy(text->p + text->n, s, n);
    text->n += n;
    text->p[text->n] = '\0';
}

void udy__text_puts(udy__text *text, const char *s) {
    udy__text_add(text, s, strlen(s));
}

void udy__text_vprintf(udy__text *text, const char *format, va_list args) {
    va_list again;
    size_t room = text->capacity - text->n;
    va_copy(again, args);
    int n = vsnprintf(room ? text->p + text->n : NULL, room, format, args);
    if (n > 0 && (size_t)n >= room && reserve(text, (size_t)n))
        vsnprintf(text->p + text->n, (size_t)n + 1, format, again);
    if (n > 0 && !text->failed) text->n += (size_t)n;
    va_end(again);
}

void udy__text_printf(udy__text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    udy__text_vprintf(text, format, args);
    va_end(args);
}

char *udy__text_take(udy__text *text) {
    udy__text_add(text, "", 0);  // so that an empty text is "" and not NULL
    char *p = text->p;
    *text = (udy__text){0};
    return p;
}

void udy__text_drop(udy__text *text) {
    udy_free(text->p);
    *text = (udy__text){0};
}

//------------------------------------------ Numbers -----------------------------------------------

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

void *udy__locale_enter(void) {
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? (void *)uselocale(c_locale) : NULL;
}

void udy__locale_leave(void *before) {
    if (before) uselocale((locale_t)before);
}

void udy__double_print(char out[UDY__NUMBER_MAX], double value) {
    void *before = udy__locale_enter();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, UDY__NUMBER_MAX, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (memcmp(&back, &value, sizeof value) == 0) break;
    }
    udy__locale_leave(before);
}

bool udy__double_parse(double *out, const char *text) {
    // strtod takes hexadecimal, "nan", "inf" and leading blanks as well: decimal characters only.
    bool digit = false;
    for (const char *c = text; *c; c++) {
        if (!strchr("0123456789+-.eE", *c)) return false;
        digit |= isdigit((unsigned char)*c) != 0;
    }
    if (!digit) return false;
    void *before = udy__locale_enter();
    char *end;
    *out = strtod(text, &end);
    udy__locale_leave(before);
    return *end == '\0' && end != text;
}

//------------------------------------------ UTF-8 -------------------------------------------------

size_t udy__utf8_decode(const char *s, size_t n, uint32_t *code_point) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (n == 0) return 0;
    unsigned char first = (unsigned char)s[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xC2 ? 0
                    : first < 0xE0 ? 2
                    : first < 0xF0 ? 3
                    : first < 0xF5 ? 4
                                   : 0;
    if (length == 0 || length > n) return 0;
    uint32_t c = length == 1 ? first : first & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)s[i];
        if ((next & 0xC0) != 0x80) return 0;
        c = c << 6 | (next & 0x3Fu);
    }
    // Longer than needed, past Unicode's end, or half of a surrogate pair.
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
    if (code_point) *code_point = c;
    return length;
}

bool udy__utf8_valid(const char *s) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        size_t length = udy__utf8_decode(s + i, n - i, NULL);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

const char *udy__text_show(char out[UDY__SHOW_MAX], const char *s, size_t n) {
    const size_t room = UDY__SHOW_MAX - 4;  // "..." and '\0'
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = udy__utf8_decode(s + i, n - i, &c);
        bool plain = length > 0 && c >= 0x20 && !(c >= 0x7F && c < 0xA0);
        size_t shown = plain ? length : 1;
        if (used + shown > room) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (plain) {
            memcpy(out + used, s + i, length);
        } else {
            out[used] = '?';
        }
        used += shown;
        i += length ? length : 1;
    }
    out[used] = '\0';
    return out;
}
