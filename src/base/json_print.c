// JSON text from a tree. Not cJSON's printer: that keeps a double only to a relative 2e-16, and
// these files are compared and resumed from bit by bit.
#include <math.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/text.h"

static void print_string(udy__text *out, const char *s) {
    size_t n = strlen(s);
    udy__text_puts(out, "\"");
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = udy__utf8_decode(s + i, n - i, &c);
        if (length == 0) {
            udy__text_puts(out, "\xEF\xBF\xBD");  // U+FFFD for a byte that is not UTF-8
            i++;
            continue;
        }
        switch (c) {
            case '"': udy__text_puts(out, "\\\""); break;
            case '\\': udy__text_puts(out, "\\\\"); break;
            case '\n': udy__text_puts(out, "\\n"); break;
            case '\r': udy__text_puts(out, "\\r"); break;
            case '\t': udy__text_puts(out, "\\t"); break;
            default:
                if (c < 0x20 || c == 0x7F) {
                    udy__text_printf(out, "\\u%04x", (unsigned)c);
                } else {
                    udy__text_add(out, s + i, length);
                }
        }
        i += length;
    }
    udy__text_puts(out, "\"");
}

static void print_number(udy__text *out, double value) {
    char number[UDY__NUMBER_MAX];
    if (!isfinite(value)) {
        udy__text_puts(out, "null");
        return;
    }
    udy__double_print(number, value);
    udy__text_puts(out, number);
}

static bool is_nest(const cJSON *v) {
    return cJSON_IsArray(v) || cJSON_IsObject(v);
}

static void new_line(udy__text *out, int depth) {
    udy__text_printf(out, "\n%*s", 2 * depth, "");
}

static bool print_value(udy__text *out, const cJSON *v, bool pretty, int depth);

// Members of an array or object. An array of plain values stays on one line: a list of returns
// reads better across than down.
static bool print_members(udy__text *out, const cJSON *v, bool pretty, int depth) {
    bool object = cJSON_IsObject(v);
    bool lines = pretty && v->child && object;
    for (const cJSON *m = v->child; m && pretty && !lines; m = m->next) lines = is_nest(m);
    udy__text_puts(out, object ? "{" : "[");
    for (const cJSON *m = v->child; m; m = m->next) {
        if (m != v->child) udy__text_puts(out, lines ? "," : ", ");
        if (lines) new_line(out, depth + 1);
        if (object) {
            print_string(out, m->string ? m->string : "");
            udy__text_puts(out, ": ");
        }
        if (!print_value(out, m, pretty, depth + 1)) return false;
    }
    if (lines) new_line(out, depth);
    udy__text_puts(out, object ? "}" : "]");
    return true;
}

static bool print_value(udy__text *out, const cJSON *v, bool pretty, int depth) {
    if ((v->type & UDY__JSON_LOST) || depth >= UDY__JSON_DEPTH_MAX) return false;
    if (is_nest(v)) return print_members(out, v, pretty, depth);
    if (cJSON_IsNumber(v)) {
        print_number(out, v->valuedouble);
    } else if (cJSON_IsString(v)) {
        print_string(out, v->valuestring);
    } else {
        udy__text_puts(out, cJSON_IsTrue(v) ? "true" : cJSON_IsFalse(v) ? "false" : "null");
    }
    return true;
}

char *udy_json_print(const udy_json *root, bool pretty) {
    udy__text out = {0};
    if (!root || !print_value(&out, (const cJSON *)root, pretty, 0)) {
        udy__text_drop(&out);
        return NULL;
    }
    if (pretty) udy__text_puts(&out, "\n");
    return udy__text_take(&out);
}
