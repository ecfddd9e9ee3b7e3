// say.c: how the command line speaks: errors and notes on stderr, one line each, with whatever came
// from a file made harmless to a terminal; colour only where it is wanted.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const char *cli_style(const char *sgr) {
    static char codes[4][16];  // a few at once in one printf
    static int next;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (!isatty(STDOUT_FILENO) || !term || !*term || strcmp(term, "dumb") == 0) return "";
    if (no_color && *no_color) return "";
    char *code = codes[next++ % 4];
    snprintf(code, sizeof codes[0], "\033[%sm", sgr);
    return code;
}

const char *cli_style_end(void) {
    return cli_style("0");
}

// Bytes of the control character that text starts with, C1's in UTF-8 among them; 0: it is none.
static size_t control(const char *text) {
    const unsigned char first = (unsigned char)text[0];
    if (first < 0x20 || first == 0x7f) return 1;
    const unsigned char second = (unsigned char)text[1];
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

void cli_put_text(const char *text) {
    for (size_t n; *text; text += n ? n : 1) {
        n = control(text);
        putchar(n ? '?' : *text);
    }
}

// Names in errors may come from a hostile file: no control character reaches the terminal.
static void say(const char *kind, const char *format, va_list list) {
    char text[2048];
    vsnprintf(text, sizeof text, format, list);
    for (char *c = text; *c; c++) memset(c, ' ', control(c));
    cli_progress_end();
    fflush(stdout);
    fprintf(stderr, "%s%s\n", kind, text);
}

static void say_text(const char *kind, const char *format, ...) UDY_PRINTF(2, 3);
static void say_text(const char *kind, const char *format, ...) {
    va_list list;
    va_start(list, format);
    say(kind, format, list);
    va_end(list);
}

void cli_say_line(const char *text) {
    say_text("", "%s", text);
}

int cli_fail_text(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say("error: ", format, list);
    va_end(list);
    return CLI_FAILED;
}

int cli_fail(const udy_error *err) {
    if (err->code == UDY_EINTERRUPTED) return CLI_INTERRUPTED;
    const char *text = err->message[0] ? err->message : udy_status_message(err->code);
    return cli_fail_text("%s", text);
}

int cli_usage(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say("error: ", format, list);
    va_end(list);
    return CLI_USAGE;
}

void cli_note(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say("note: ", format, list);
    va_end(list);
}

int cli_print_json(udy_json *root) {
    char *text = root ? udy_json_print(root, true) : NULL;
    udy_json_free(root);
    if (!text) return cli_fail_text("out of memory");
    size_t n = strlen(text);
    fputs(text, stdout);
    if (!n || text[n - 1] != '\n') putchar('\n');
    udy_free(text);
    return CLI_DONE;
}

void cli_json_put_u64(udy_json *object, const char *name, uint64_t value) {
    char digits[24];
    if (value <= UINT64_C(1) << 53) {
        udy_json_put_int(object, name, (int64_t)value);
        return;
    }
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    udy_json_put_string(object, name, digits);
}

const char *cli_quote(const char *word) {
    static char buffers[4][UDY_PATH_MAX * 2];
    static int next;
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%";
    if (*word && word[strspn(word, plain)] == '\0') return word;
    char *out = buffers[next++ % 4], *end = out + sizeof buffers[0] - 6;
    char *o = out;
    *o++ = '\'';
    for (; *word && o < end; word++) {
        if (*word == '\'') {
            memcpy(o, "'\\''", 4);
            o += 4;
        } else {
            *o++ = *word;
        }
    }
    *o++ = '\'';
    *o = '\0';
    return out;
}
