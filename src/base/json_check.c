// JSON's grammar (RFC 8259), checked before cJSON builds a tree: cJSON takes "01", "1." and control
// characters, cuts strings at \u0000, says little of where an error is, and spends memory as it
// goes. After this check a text is well formed and its tree's size is bounded.
#include <math.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/text.h"

#define NUMBER_CHARS_MAX 60  // cJSON cuts a number at 63

typedef struct checker {
    const char *s;
    size_t n, i;
    size_t n_values;
} checker;

static const char *check_value(checker *c, int depth);

static int peek(const checker *c) {
    return c->i < c->n ? (unsigned char)c->s[c->i] : -1;
}

static void skip_blanks(checker *c) {
    while (c->i < c->n && strchr(" \t\r\n", c->s[c->i]) && c->s[c->i]) c->i++;
}

static bool digits(checker *c) {
    size_t before = c->i;
    while (peek(c) >= '0' && peek(c) <= '9') c->i++;
    return c->i > before;
}

static const char *check_number(checker *c) {
    size_t before = c->i;
    if (peek(c) == '-') c->i++;
    if (peek(c) == '0') {
        c->i++;
        if (peek(c) >= '0' && peek(c) <= '9') return "a number may not start with 0";
    } else if (!digits(c)) {
        return "expected a digit";
    }
    if (peek(c) == '.') {
        c->i++;
        if (!digits(c)) return "expected a digit after the decimal point";
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->i++;
        if (peek(c) == '+' || peek(c) == '-') c->i++;
        if (!digits(c)) return "expected a digit in the exponent";
    }
    char number[NUMBER_CHARS_MAX + 1];
    size_t length = c->i - before;
    if (length > NUMBER_CHARS_MAX) return "a number of more than 60 characters";
    memcpy(number, c->s + before, length);
    number[length] = '\0';
    double value;
    bool finite = udy__double_parse(&value, number) && isfinite(value);
    return finite ? NULL : "a number too large for a double";
}

// The four digits of a \u escape; -1 where they are not hexadecimal.
static int hex4(checker *c) {
    int value = 0;
    for (int k = 0; k < 4; k++) {
        int d = peek(c);
        int digit = d >= '0' && d <= '9'   ? d - '0'
                    : d >= 'a' && d <= 'f' ? d - 'a' + 10
                    : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
        c->i++;
    }
    return value;
}

static const char *check_escape(checker *c) {
    c->i++;
    int e = peek(c);
    if (e > 0 && strchr("\"\\/bfnrt", e)) {
        c->i++;
        return NULL;
    }
    if (e != 'u') return "unknown escape in a string";
    c->i++;
    int unit = hex4(c);
    if (unit < 0) return "expected four hexadecimal digits after \\u";
    if (unit == 0) return "a NUL character in a string";
    if (unit >= 0xDC00 && unit <= 0xDFFF) return "half of a surrogate pair in a string";
    if (unit < 0xD800 || unit > 0xDBFF) return NULL;
    if (c->n - c->i < 2 || c->s[c->i] != '\\' || c->s[c->i + 1] != 'u') {
        return "half of a surrogate pair in a string";
    }
    c->i += 2;
    unit = hex4(c);
    return unit < 0xDC00 || unit > 0xDFFF ? "half of a surrogate pair in a string" : NULL;
}

static const char *check_string(checker *c) {
    c->i++;
    while (c->i < c->n && c->s[c->i] != '"') {
        if (c->s[c->i] == '\\') {
            const char *fault = check_escape(c);
            if (fault) return fault;
            continue;
        }
        if ((unsigned char)c->s[c->i] < 0x20) return "a control character in a string";
        size_t length = udy__utf8_decode(c->s + c->i, c->n - c->i, NULL);
        if (length == 0) return "malformed UTF-8 in a string";
        c->i += length;
    }
    if (c->i >= c->n) return "the text ends in a string";
    c->i++;
    return NULL;
}

static const char *check_word(checker *c) {
    static const char *const words[] = {"true", "false", "null"};
    for (int k = 0; k < 3; k++) {
        size_t length = strlen(words[k]);
        if (c->n - c->i >= length && memcmp(c->s + c->i, words[k], length) == 0) {
            c->i += length;
            return NULL;
        }
    }
    return c->i >= c->n ? "the text ends where a value is expected" : "expected a value";
}

// An array, or an object where close is '}'.
static const char *check_members(checker *c, char close, int depth) {
    c->i++;
    skip_blanks(c);
    if (peek(c) == close) {
        c->i++;
        return NULL;
    }
    for (;;) {
        const char *fault = NULL;
        if (close == '}') {
            skip_blanks(c);
            if (peek(c) != '"') return "expected a name in quotes";
            fault = check_string(c);
            if (fault) return fault;
            skip_blanks(c);
            if (peek(c) != ':') return "expected ':' after a name";
            c->i++;
        }
        fault = check_value(c, depth + 1);
        if (fault) return fault;
        skip_blanks(c);
        int next = peek(c);
        bool object = close == '}';
        if (next < 0) return object ? "the text ends in an object" : "the text ends in an array";
        if (next != close && next != ',')
            return object ? "expected ',' or '}'" : "expected ',' or ']'";
        c->i++;
        if (next == close) return NULL;
    }
}

static const char *check_value(checker *c, int depth) {
    if (depth > UDY__JSON_DEPTH_MAX) return "nested too deeply (more than 64 levels)";
    if (++c->n_values > UDY__JSON_VALUES_MAX) return "too many values (more than 1048576)";
    skip_blanks(c);
    int first = peek(c);
    if (first == '{') return check_members(c, '}', depth);
    if (first == '[') return check_members(c, ']', depth);
    if (first == '"') return check_string(c);
    if (first == '-' || (first >= '0' && first <= '9')) return check_number(c);
    return check_word(c);
}

const char *udy__json_check(const char *text, size_t n_bytes, size_t *at) {
    checker c = {.s = text, .n = n_bytes};
    *at = 0;
    if (n_bytes > UDY__JSON_BYTES_MAX) return "more than 128 MiB of text";
    const char *fault = check_value(&c, 1);
    if (!fault) {
        skip_blanks(&c);
        if (c.i < c.n) fault = "more text after the value";
    }
    *at = c.i;
    return fault;
}
