// Writing scripts and data: formatted text in the C locale, CSV fields, gnuplot's strings. Every
// figure and the table are written with these.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

void udy__script_add(udy__text *text, const char *format, ...) {
    void *before = udy__locale_enter();
    va_list args;
    va_start(args, format);
    udy__text_vprintf(text, format, args);
    va_end(args);
    udy__locale_leave(before);
}

void udy__format(char *out, size_t size, const char *format, ...) {
    void *before = udy__locale_enter();
    va_list args;
    va_start(args, format);
    vsnprintf(out, size, format, args);
    va_end(args);
    udy__locale_leave(before);
}

void udy__script_add_exact(udy__text *text, double value) {
    if (!isfinite(value)) return;
    char number[UDY__NUMBER_MAX];
    udy__double_print(number, value);
    udy__text_puts(text, number);
}

void udy__script_add_csv(udy__text *text, const char *s) {
    bool quoted = strpbrk(s, ",\"") != NULL;
    udy__text_puts(text, quoted ? "\"" : "");
    for (; *s; s++) {
        if (*s == '"') udy__text_puts(text, "\"");
        bool control = (unsigned char)*s < 0x20 || *s == 0x7F;  // a line stays a record
        udy__text_add(text, control ? " " : s, 1);
    }
    udy__text_puts(text, quoted ? "\"" : "");
}

void udy__script_add_quoted(udy__text *text, const char *s) {
    size_t n = strlen(s);
    udy__text_puts(text, "'");
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = udy__utf8_decode(s + i, n - i, &c);
        if (length == 0)
            udy__text_puts(text, "?");
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            udy__text_puts(text, " ");
        else if (c == '\'' || c == '`')
            udy__text_puts(text, "\xE2\x80\x99");  // U+2019: no quote inside the quotes
        else
            udy__text_add(text, s + i, length);
        i += length ? length : 1;
    }
    udy__text_puts(text, "'");
}
