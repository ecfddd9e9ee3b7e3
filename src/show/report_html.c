// HTML for the report: everything that comes from a run (labels, settings, JSON) is escaped here, so
// that no name in a file can become markup or a program.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "show/report.h"

//------------------------------------------ Text --------------------------------------------------

static const char *entity(uint32_t c) {
    switch (c) {
        case '&': return "&amp;";
        case '<': return "&lt;";
        case '>': return "&gt;";
        case '"': return "&quot;";
        case '\'': return "&#39;";
        default: return c < 0x20 && c != '\n' && c != '\t' ? " " : c == 0x7F ? " " : NULL;
    }
}

void udy__html_add(udy__text *html, const char *s) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = udy__utf8_decode(s + i, n - i, &c);
        const char *other = length ? entity(c) : "\xEF\xBF\xBD";  // U+FFFD
        if (other)
            udy__text_puts(html, other);
        else
            udy__text_add(html, s + i, length);
        i += length ? length : 1;
    }
}

// A number and its "%" stay on one line.
static void keep_percent(udy__text *html, const char *sentence) {
    for (const char *c = strstr(sentence, " %"); c; c = strstr(sentence, " %")) {
        char piece[1024];
        snprintf(piece, sizeof piece, "%.*s", (int)(c - sentence), sentence);
        udy__html_add(html, piece);
        udy__text_puts(html, "&#160;%");
        sentence = c + 2;
    }
    udy__html_add(html, sentence);
}

void udy__html_say(udy__text *html, const char *format, ...) {
    char sentence[1024];
    void *before = udy__locale_enter();
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    udy__locale_leave(before);
    keep_percent(html, sentence);
}

void udy__base64_add(udy__text *text, const void *data, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    char piece[4 * 1024];
    size_t used = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (left > 2 ? p[i + 2] : 0);
        piece[used++] = digits[bits >> 18];
        piece[used++] = digits[bits >> 12 & 63];
        piece[used++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        piece[used++] = left > 2 ? digits[bits & 63] : '=';
        if (used == sizeof piece) {
            udy__text_add(text, piece, used);
            used = 0;
        }
    }
    udy__text_add(text, piece, used);
}

//------------------------------------------ Scripts -----------------------------------------------

// In a string of JSON these may always be escapes, and outside of strings they do not occur.
int udy__html_add_json(udy__text *html, udy_json *root, udy_error *err) {
    char *text = root ? udy_json_print(root, false) : NULL;
    udy_json_free(root);
    if (!text) return udy_error_set(err, UDY_ENOMEM, "no memory for the report's data");
    const char *rest = text;
    for (size_t n = strcspn(rest, "<>&"); rest[n]; n = strcspn(rest, "<>&")) {
        udy__text_add(html, rest, n);
        udy__script_add(html, "\\u%04x", (unsigned)rest[n]);
        rest += n + 1;
    }
    udy__text_puts(html, rest);
    udy_free(text);
    return UDY_OK;
}

// "</script" and "<!--" occur in strings and comments only, where the backslash changes nothing.
void udy__html_add_script(udy__text *html, const char *js) {
    udy__text_puts(html, "<script>\n");
    for (const char *c = strchr(js, '<'); c; c = strchr(js, '<')) {
        udy__text_add(html, js, (size_t)(c - js) + 1);
        if (strncasecmp(c, "</script", 8) == 0 || strncmp(c, "<!--", 4) == 0)
            udy__text_puts(html, "\\");
        js = c + 1;
    }
    udy__text_puts(html, js);
    udy__text_puts(html, "\n</script>\n");
}

//------------------------------------------ Templates ---------------------------------------------

int udy__html_fill(udy__text *html, const char *path, const char *text, const udy__slot *slots,
                   int n_slots, udy_error *err) {
    for (const char *open = strstr(text, "{{"); open; open = strstr(text, "{{")) {
        const char *close = strstr(open, "}}");
        size_t n = close ? (size_t)(close - open) - 2 : strcspn(open + 2, "\n");
        int found = -1;
        for (int i = 0; i < n_slots; i++)
            if (close && strlen(slots[i].name) == n && !strncmp(slots[i].name, open + 2, n))
                found = i;
        if (found < 0)
            return udy_error_set(err, UDY_EFORMAT, "%s: there is nothing to fill {{%.*s}} with",
                                 path, n < 40 ? (int)n : 40, open + 2);
        udy__text_add(html, text, (size_t)(open - text));
        udy__text_puts(html, slots[found].value);
        text = close + 2;
    }
    udy__text_puts(html, text);
    return UDY_OK;
}

void udy__section(udy__report *r, const char *id, const char *title) {
    udy__script_add(&r->body, "<h2 id=\"%s\">", id);
    udy__html_add(&r->body, title);
    udy__text_puts(&r->body, "</h2>\n");
    udy__script_add(&r->contents, "<li><a href=\"#%s\">", id);
    udy__html_add(&r->contents, title);
    udy__text_puts(&r->contents, "</a></li>\n");
}

void udy__paragraph_begin(udy__text *html) {
    udy__text_puts(html, "<p>");
}
void udy__paragraph_end(udy__text *html) {
    udy__text_puts(html, "</p>\n");
}

//------------------------------------------ Numbers -----------------------------------------------

static void group_thousands(char out[UDY__WORD], const char *digits) {
    size_t n = strcspn(digits, "."), at = 0;
    for (size_t i = 0; digits[i] && at + 2 < UDY__WORD; i++) {
        out[at++] = digits[i];
        if (i + 1 < n && (n - i - 1) % 3 == 0 && digits[i] != '-') out[at++] = ',';
    }
    out[at] = '\0';
}

const char *udy__number(char out[UDY__WORD], double value, int decimals) {
    char digits[UDY__WORD];
    if (!isfinite(value)) {
        snprintf(out, UDY__WORD, "unknown");
    } else if (fabs(value) >= 1e12) {
        udy__format(out, UDY__WORD, "%.2e", value);
    } else {
        if (decimals < 0) {
            double size = fabs(value) > 0 ? floor(log10(fabs(value))) : 0;
            decimals = size > 1 ? 0 : (int)fmin(2 - size, 9);
            if (value == 0) decimals = 0;
        }
        udy__format(digits, sizeof digits, "%.*f", decimals, value);
        bool is_zero = strspn(digits, "-0.") == strlen(digits);
        group_thousands(out, is_zero && digits[0] == '-' ? digits + 1 : digits);
    }
    return out;
}

const char *udy__p_value(char out[UDY__WORD], double p) {
    if (p < 0.001)
        snprintf(out, UDY__WORD,
                 "p\xC2\xA0<\xC2\xA0"
                 "0.001");
    else
        udy__format(out, UDY__WORD, "p\xC2\xA0=\xC2\xA0%.*f", p < 0.1 ? 3 : 2, p);
    return out;
}

const char *udy__change(char out[UDY__WORD], double gone) {
    udy__format(out, UDY__WORD, "%s by %.1f\xC2\xA0%%", gone >= 0 ? "fell" : "rose",
                fabs(100 * gone));
    return out;
}
