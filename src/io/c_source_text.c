// Text of exported C: templates, constants, comments. See c_source.h.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/c_source.h"

#define COLUMNS 96

void udy__c_put(udy__c *c, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "$");
        udy__text_add(&c->text, text, n);
        text += n;
        if (!*text) break;
        udy__text_puts(&c->text, text[1] == 'N' ? c->upper : text[1] == 'f' ? c->file : c->name);
        text += 2;
    }
}

void udy__c_number(char out[24], float x) {
    if (isinf(x)) x = x < 0 ? -3.402823466e+38f : 3.402823466e+38f;  // of bounds: none
    snprintf(out, 24, "%.9g", (double)x);
    // 1 is an int, and 1f is nothing at all.
    if (!strpbrk(out, ".e")) strcat(out, ".0");
    strcat(out, "f");
}

// Numbers in lines; *column is where the last one ended.
static void put_number(udy__c *c, const char *number, size_t i, size_t *column) {
    size_t n = strlen(number) + 2;
    bool fits = i > 0 && *column + n <= COLUMNS;
    udy__text_puts(&c->text, i == 0 ? "\n    " : fits ? ", " : ",\n    ");
    udy__text_puts(&c->text, number);
    *column = fits ? *column + n : n + 2;
}

static void begin_array(udy__c *c, const char *type, const char *what, size_t n) {
    udy__text_printf(&c->text, "static const %s %s_%s[%zu] = {", type, c->name, what, n);
}

void udy__c_floats(udy__c *c, const char *what, const float *x, size_t n) {
    size_t column = 0;
    begin_array(c, "float", what, n);
    for (size_t i = 0; i < n; i++) {
        char number[24];
        udy__c_number(number, x[i]);
        put_number(c, number, i, &column);
    }
    udy__text_puts(&c->text, "\n};\n");
}

void udy__c_whole(udy__c *c, const char *type, const char *what, const int32_t *x, size_t n) {
    size_t column = 0;
    begin_array(c, type, what, n);
    for (size_t i = 0; i < n; i++) {
        char number[24];
        snprintf(number, sizeof number, "%ld", (long)x[i]);
        put_number(c, number, i, &column);
    }
    udy__text_puts(&c->text, "\n};\n");
}

// Bytes until the next place to break a line of at most room.
static size_t line_length(const char *text, size_t room) {
    size_t n = strcspn(text, "\n");
    if (n <= room) return n;
    size_t cut = room;
    while (cut > 0 && text[cut] != ' ') cut--;
    if (cut > 0) return cut;
    cut = room;
    while (cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80) cut--;  // not within a character
    return cut;
}

void udy__c_comment(udy__c *c, const char *text) {
    const bool listed = !strncmp(text, "  ", 2);  // its later lines are indented, as its value is
    for (bool first = true; *text; first = false) {
        const char *lead = first || !listed ? " * " : " *                ";
        size_t n = line_length(text, COLUMNS - strlen(lead));
        udy__text_puts(&c->text, n ? lead : " *");
        char before = ' ';
        for (size_t i = 0; i < n; i++) {
            char now = text[i];
            // Neither an end nor a beginning, nor a line spliced to the next, nor a trigraph.
            if ((unsigned char)now < 0x20 || now == 0x7f || now == '\\') now = '?';
            bool marks = (now == '/' && before == '*') || (now == '*' && before == '/') ||
                         (now == '?' && before == '?');
            if (marks) udy__text_puts(&c->text, " ");
            udy__text_add(&c->text, &now, 1);
            before = now;
        }
        udy__text_puts(&c->text, "\n");
        text += n;
        if (*text == ' ' || *text == '\n') text++;
    }
}
