// progress.c: what the library's progress callbacks become: one bar with rate and time left on a
// terminal, a plain line every few seconds elsewhere, nothing with --quiet.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define REDRAW_S 0.1
#define PLAIN_S 5.0
#define BAR_CELLS_MAX 24

static struct {
    bool quiet, terminal, colour, utf8;
    char stage[64];
    double started_s, drawn_s;
    int64_t first, done, total;  // first: where the stage was when first heard of (resumed work)
    bool line_open;              // a bar stands on the terminal's line
    bool finished;
    udy_progress callbacks;
} bar;

int cli_columns(int fd) {
    if (!isatty(fd)) return 0;
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

bool cli_utf8(void) {
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return false;
}

static void duration(char out[24], double s) {
    if (!(s >= 0) || s > 1e8)
        snprintf(out, 24, "?");
    else if (s < 10)
        snprintf(out, 24, "%.1f s", s);
    else if (s < 60)
        snprintf(out, 24, "%.0f s", s);
    else if (s < 3600)
        snprintf(out, 24, "%d:%02d min", (int)s / 60, (int)s % 60);
    else
        snprintf(out, 24, "%d:%02d h", (int)s / 3600, (int)s / 60 % 60);
}

// "45/100 epochs, 12.3/s, 4.5 s left, loss 0.0123", or the time it took once finished.
static void describe(char *out, size_t size, const char *unit, const char *note) {
    double elapsed = udy_clock_s() - bar.started_s;
    double rate = elapsed > 0 ? (double)(bar.done - bar.first) / elapsed : 0;
    char amount[64], speed[40] = "", time[24], left[40] = "";
    if (bar.total > 0)
        snprintf(amount, sizeof amount, "%lld/%lld %s", (long long)bar.done, (long long)bar.total,
                 unit);
    else
        snprintf(amount, sizeof amount, "%lld %s", (long long)bar.done, unit);
    if (rate > 0)
        snprintf(speed, sizeof speed,
                 rate < 10    ? ", %.2f/s"
                 : rate < 100 ? ", %.1f/s"
                              : ", %.0f/s",
                 rate);
    if (bar.finished) {
        duration(time, elapsed);
        snprintf(left, sizeof left, ", %s", time);
    } else if (bar.total > 0 && rate > 0) {
        duration(time, (double)(bar.total - bar.done) / rate);
        snprintf(left, sizeof left, ", %s left", time);
    }
    snprintf(out, size, "%s%s%s%s%s", amount, speed, left, *note ? ", " : "", note);
}

static void draw_terminal(const char *text) {
    int columns = cli_columns(STDERR_FILENO);
    int width = columns / 8 < BAR_CELLS_MAX ? columns / 8 : BAR_CELLS_MAX;  // the words matter more
    char cells[BAR_CELLS_MAX * 3 + 1] = "";
    double share = bar.total > 0 ? (double)bar.done / (double)bar.total : 0;
    int full = share >= 1 ? width : (int)(share * width);
    for (int i = 0; i < width; i++) {
        if (bar.utf8)
            strcat(cells, i < full ? "\xe2\x94\x81" : "\xe2\x94\x84");
        else
            strcat(cells, i < full ? "#" : "-");
    }
    int room = columns - 1 - 22 - width - 2;
    if (room < 8) {  // too narrow for a bar
        fprintf(stderr, "\r\033[K%.*s", columns > 1 ? columns - 1 : 1, text);
    } else {
        fprintf(stderr, "\r\033[K%-22.22s %s%s%s %.*s", bar.stage, bar.colour ? "\033[36m" : "",
                cells, bar.colour ? "\033[0m" : "", room, text);
    }
    if (bar.finished) fputc('\n', stderr);
    bar.line_open = !bar.finished;
    fflush(stderr);
}

static void close_line(void) {
    if (bar.line_open) fputc('\n', stderr);
    bar.line_open = false;
}

static int on_advance(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                      const char *note) {
    (void)ctx;
    if (bar.quiet) return cli_interrupted();
    double now = udy_clock_s();
    if (strncmp(stage, bar.stage, sizeof bar.stage - 1) != 0 || done < bar.done) {
        close_line();
        snprintf(bar.stage, sizeof bar.stage, "%s", stage);
        bar.started_s = now;
        bar.drawn_s = bar.terminal ? 0 : now;
        bar.first = done;
        bar.finished = false;
    }
    if (bar.finished) return cli_interrupted();
    bar.done = done;
    bar.total = total;
    bar.finished = total > 0 && done >= total;
    double every = bar.terminal ? REDRAW_S : PLAIN_S;
    if (bar.finished || now - bar.drawn_s >= every) {
        char text[256];
        describe(text, sizeof text, unit ? unit : "", note ? note : "");
        if (bar.terminal)
            draw_terminal(text);
        else
            fprintf(stderr, "%s: %s\n", bar.stage, text);
        bar.drawn_s = now;
    }
    return cli_interrupted();
}

static void on_message(void *ctx, const char *message) {
    (void)ctx;
    if (bar.quiet) return;
    cli_say_line(message);
}

const udy_progress *cli_progress_begin(bool quiet) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    memset(&bar, 0, sizeof bar);
    bar.quiet = quiet;
    // A terminal that cannot move its cursor gets plain lines.
    bar.terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    bar.colour = bar.terminal && !(no_color && *no_color);
    bar.utf8 = cli_utf8();
    bar.callbacks = (udy_progress){.on_advance = on_advance, .on_message = on_message};
    return &bar.callbacks;
}

void cli_progress_end(void) {
    close_line();
}
