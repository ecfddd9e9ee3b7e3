// Settings as YAML: nested by the parts of their keys, in the table's order, each with its help.
// What is printed here loads back to equal settings, to the bit.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/settings_internal.h"
#include "base/text.h"

static void print_number(udy__text *out, double value) {
    char number[UDY__NUMBER_MAX];
    if (isnan(value)) {
        udy__text_puts(out, ".nan");
    } else if (isinf(value)) {
        udy__text_puts(out, value > 0 ? ".inf" : "-.inf");
    } else {
        udy__double_print(number, value);
        // YAML 1.1 readers, PyYAML among them, take 1e-05 for a text and 1.0e-05 for a number.
        char *e = strchr(number, 'e');
        if (e && !strchr(number, '.')) {
            udy__text_add(out, number, (size_t)(e - number));
            udy__text_puts(out, ".0");
            udy__text_puts(out, e);
        } else {
            udy__text_puts(out, number);
        }
    }
}

static bool is_raw(uint32_t c) {
    // Line breaks and characters that YAML does not count as printable are escaped.
    if (c < 0xA0) return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    return c != 0x2028 && c != 0x2029 && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF;
}

static void print_text(udy__text *out, const char *s, size_t n) {
    udy__text_puts(out, "\"");
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = udy__utf8_decode(s + i, n - i, &c);
        if (length == 0) {
            udy__text_puts(out, "\\uFFFD");
        } else if (is_raw(c)) {
            udy__text_add(out, s + i, length);
        } else if (c == '"' || c == '\\') {
            udy__text_printf(out, "\\%c", (int)c);
        } else {
            udy__text_printf(out, "\\u%04X", (unsigned)c);
        }
        i += length ? length : 1;
    }
    udy__text_puts(out, "\"");
}

static void print_choice(udy__text *out, const udy_field *field, int index) {
    int n = 0;
    while (field->choices[n]) n++;
    const char *name = index >= 0 && index < n ? field->choices[index] : "?";
    // A word is plain unless YAML would read something else from it.
    static const char *const special[] = {"true", "false", "yes", "no", "on",
                                          "off",  "null",  "y",   "n",  NULL};
    bool plain = isalpha((unsigned char)name[0]) != 0;
    for (const char *c = name; *c && plain; c++) {
        plain = isalnum((unsigned char)*c) || *c == '_' || *c == '-';
    }
    for (int i = 0; special[i] && plain; i++) plain = strcasecmp(name, special[i]) != 0;
    if (plain) {
        udy__text_puts(out, name);
    } else {
        print_text(out, name, strlen(name));
    }
}

static void print_value(udy__text *out, const udy_field *field, const void *p) {
    switch (field->type) {
        case UDY_FIELD_INT: udy__text_printf(out, "%d", *(const int *)p); break;
        case UDY_FIELD_U64: udy__text_printf(out, "%" PRIu64, *(const uint64_t *)p); break;
        case UDY_FIELD_F64: print_number(out, *(const double *)p); break;
        case UDY_FIELD_BOOL: udy__text_puts(out, *(const bool *)p ? "true" : "false"); break;
        case UDY_FIELD_CHOICE: print_choice(out, field, *(const int *)p); break;
        case UDY_FIELD_TEXT: print_text(out, p, strnlen(p, field->size)); break;
        case UDY_FIELD_INTS: {
            const udy_ints *ints = p;
            udy__text_puts(out, "[");
            for (int i = 0; i < ints->n && i < UDY_INTS_MAX; i++) {
                udy__text_printf(out, i ? ", %d" : "%d", ints->v[i]);
            }
            udy__text_puts(out, "]");
            break;
        }
        case UDY_FIELD_PAIR: {
            const double *pair = p;
            udy__text_puts(out, "[");
            print_number(out, pair[0]);
            udy__text_puts(out, ", ");
            print_number(out, pair[1]);
            udy__text_puts(out, "]");
            break;
        }
    }
}

// Is there an earlier field with the same first n characters, so that the group stands already?
static bool printed_before(const udy_field *table, const udy_field *field, size_t n) {
    for (const udy_field *f = table; f < field; f++) {
        if (!strncmp(f->key, field->key, n)) return true;
    }
    return false;
}

// All fields whose keys start with prefix[0..n): values, and groups where they first appear.
static void print_group(udy__text *out, const void *settings, const udy_field *table,
                        const char *prefix, size_t n, int depth, bool help) {
    for (const udy_field *f = table; f->key; f++) {
        if (strncmp(f->key, prefix, n)) continue;
        const char *part = f->key + n;
        const char *dot = strchr(part, '.');
        if (!dot) {
            udy__text_printf(out, "%*s%s: ", 2 * depth, "", part);
            print_value(out, f, (const char *)settings + f->offset);
            if (help && f->help && *f->help) udy__text_printf(out, "  # %s", f->help);
            udy__text_puts(out, "\n");
            continue;
        }
        size_t n_group = (size_t)(dot + 1 - f->key);
        if (printed_before(table, f, n_group)) continue;
        udy__text_printf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - part), part);
        print_group(out, settings, table, f->key, n_group, depth + 1, help);
    }
}

static char *print_all(const void *settings, const udy_field *table, bool help) {
    udy__text out = {0};
    if (!settings || !table) return NULL;
    if (!table[0].key) udy__text_puts(&out, "{}\n");
    print_group(&out, settings, table, "", 0, 0, help);
    return udy__text_take(&out);
}

char *udy_settings_print(const void *settings, const udy_field *table) {
    return print_all(settings, table, true);
}

char *udy_settings_facts(const void *settings, const udy_field *table) {
    return print_all(settings, table, false);
}
