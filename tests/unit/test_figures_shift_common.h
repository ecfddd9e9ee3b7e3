// test_figures_shift_common.h: the figures of a shift, drawn into folders of their own and looked
// at: whole files, well-formed, and gnuplot has nothing to say.
#ifndef UNDERSTUDY_TESTS_TEST_FIGURES_SHIFT_COMMON_H_
#define UNDERSTUDY_TESTS_TEST_FIGURES_SHIFT_COMMON_H_

#include <math.h>

#include "show/figure.h"
#include "test_io_common.h"
#include "test_shift_made_up.h"
#include "understudy/show.h"

typedef int (*figure_fn)(const char *dir, const udy_shift *shift, udy_error *err);

static const struct {
    const char *name;
    figure_fn draw;
} figures[] = {{"states", udy_figure_states},
               {"traces", udy_figure_traces},
               {"map", udy_figure_map},
               {"divergence", udy_figure_divergence},
               {"dimensions", udy_figure_dimensions},
               {"rounds", udy_figure_rounds},
               {"compounding", udy_figure_compounding},
               {"falls", udy_figure_falls},
               {"pushes", udy_figure_pushes}};
enum { N_FIGURES = sizeof figures / sizeof *figures };

static inline void need_gnuplot(void) {
    if (system("command -v gnuplot >/dev/null") == 0) return;
    print_message("skipped: gnuplot is not installed (Debian: gnuplot-nox)\n");
    skip();
}

static inline char *slurp(const char *dir, const char *name, const char *suffix, size_t *n_bytes) {
    char path[1200], *text = NULL;
    size_t n = 0;
    udy_error err = {0};
    snprintf(path, sizeof path, "%s/%s.%s", dir, name, suffix);
    if (udy_file_read(&text, &n, path, 1 << 26, &err)) fail_msg("%s", err.message);
    if (n_bytes) *n_bytes = n;
    return text;
}

//------------------------------------------ Drawings ----------------------------------------------

// Elements close in the order in which they opened, and text has no bare <, > or &.
static inline void expect_well_formed(const char *svg) {
    const char *open[64];
    int depth = 0;
    assert_true(strstr(svg, "<svg") != NULL);
    for (const char *c = svg; *c; c++) {
        if (*c == '&' && (strcspn(c, ";") > 8 || strcspn(c, ";") < 2)) fail_msg("bare & %.40s", c);
        if (*c != '<') continue;
        const char *end = strncmp(c, "<!--", 4) ? strchr(c, '>') : strstr(c, "-->");
        if (!end) fail_msg("a tag without an end: %.40s", c);
        if (c[1] == '/') {
            size_t n = (size_t)(end - c) - 2;
            if (depth == 0 || strncmp(open[--depth], c + 2, n) ||
                !strchr(" \t\r\n>/", open[depth][n]))
                fail_msg("%.40s closes nothing", c);
        } else if (c[1] != '?' && c[1] != '!' && end[-1] != '/') {
            assert_true(depth < 64);
            open[depth++] = c + 1;
        }
        c = end;
    }
    assert_int_equal(depth, 0);
}

// Whole files, and gnuplot runs the script beside them without a word.
static inline void expect_figure(const char *dir, const char *name) {
    size_t n;
    char *png = slurp(dir, name, "png", &n), command[1300], line[256];
    assert_true(n > 10000);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    assert_memory_equal(png + n - 8, "IEND\xAE\x42\x60\x82", 8);
    udy_free(png);
    char *svg = slurp(dir, name, "svg", NULL);
    expect_well_formed(svg);
    udy_free(svg);
    snprintf(command, sizeof command, "cd '%s' && LC_ALL=C.UTF-8 gnuplot %s.gp 2>&1", dir, name);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out)) fail_msg("gnuplot says of %s.gp: %s", name, line);
    assert_int_equal(pclose(out), 0);
}

// Draw a figure into a folder of its own, and leave its path in dir.
static inline int draw(char dir[1024], int f, const udy_shift *shift, udy_error *err) {
    static int count;
    char name[64];
    snprintf(name, sizeof name, "%s-%d", figures[f].name, count++);
    snprintf(dir, 1024, "%s", at_root(name));
    return figures[f].draw(dir, shift, err);
}

static inline void expect_drawn(char dir[1024], int f, const udy_shift *shift) {
    udy_error err = {0};
    int rc = draw(dir, f, shift, &err);
    if (rc) fail_msg("%s: %s: %s", figures[f].name, udy_status_name(rc), err.message);
    assert_int_equal(count_entries(dir), 4);
    expect_figure(dir, figures[f].name);
}

static inline int figure_called(const char *name) {
    for (int f = 0; f < N_FIGURES; f++)
        if (!strcmp(figures[f].name, name)) return f;
    fail_msg("no figure is called %s", name);
    return -1;
}

#endif  // UNDERSTUDY_TESTS_TEST_FIGURES_SHIFT_COMMON_H_
