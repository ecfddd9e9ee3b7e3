// Figures, table and sparkline from made-up results: what is drawn is the data that was given, the
// files are whole or absent, and what comes from outside stays text.
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show/figure.h"
#include "understudy/io.h"
#include "understudy/show.h"

#include <cmocka.h>

//------------------------------------------ Made-up results ---------------------------------------

#define MAX_EPISODES 200
#define MAX_ROWS 40
static double returns_of[MAX_ROWS][MAX_EPISODES];
static udy_result_row rows[MAX_ROWS];

static udy_result_row *add_row(udy_results *r, udy_rng *rng, const char *name, const char *label,
                               int n, double mean, double sd, int falls, uint64_t labels) {
    udy_result_row *row = &rows[r->n_rows];
    *row = (udy_result_row){.n = n, .returns = returns_of[r->n_rows++], .labels = labels};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->label, sizeof row->label, "%s", label);
    for (int i = 0; i < n; i++)
        row->returns[i] = (i < falls ? 0.2 : 1) * mean + sd * udy_rng_normal(rng);
    row->mean = udy_mean(row->returns, (size_t)n);
    row->std = udy_std(row->returns, (size_t)n);
    row->iqm = udy_iqm(row->returns, (size_t)n);
    udy_bootstrap_mean_ci(row->returns, (size_t)n, 0.95, 200, rng, &row->ci95[0], &row->ci95[1]);
    row->falls = falls;
    row->too_low = falls / 2;
    row->too_high = falls - falls / 2;
    row->speed_mean = mean / 1200;
    row->seconds = labels ? 3.25 + (double)labels / 1000 : 0;
    return row;
}

// As an experiment leaves them: round 0 is trained on the demonstrations alone.
static udy_results make_results(int rounds, int n, double scale, double shift) {
    udy_results r = {.rows = rows};
    udy_rng rng;
    udy_rng_init(&rng, 11);
    add_row(&r, &rng, "random", "Random", n, -60 * scale + shift, 30 * scale, 0, 0);
    add_row(&r, &rng, "bc", "BC (50 episodes)", n, 3000 * scale + shift, 300 * scale, n / 3, 49231);
    for (int i = 0; i <= rounds; i++) {
        char name[32], label[48];
        snprintf(name, sizeof name, "dagger-%d", i);
        snprintf(label, sizeof label, "DAgger round %d", i);
        add_row(&r, &rng, name, label, n, (4700 - 3200 * exp(-i / 2.0)) * scale + shift,
                200 * scale, i == 0 ? n / 4 : 0, 9800 + 9300 * (uint64_t)i);
    }
    udy_result_row *best = &rows[r.n_rows++];
    *best = rows[2 + rounds];
    snprintf(best->name, sizeof best->name, "dagger-best");
    snprintf(best->label, sizeof best->label, "DAgger best (round %d)", rounds);
    r.dagger_best = rounds;
    add_row(&r, &rng, "expert", "Expert", n, 4800 * scale + shift, 90 * scale, 0, 0);
    r.expert_mean = rows[r.n_rows - 1].mean;
    for (int i = 0; i < r.n_rows; i++) rows[i].share = rows[i].mean / r.expert_mean;
    return r;
}

#define EPOCHS 60
static double train_loss[EPOCHS], val_loss[EPOCHS];

static void make_losses(void) {
    for (int i = 0; i < EPOCHS; i++) {
        train_loss[i] = 0.002 + 0.08 * exp(-i / 9.0);
        val_loss[i] = 0.004 + 0.08 * exp(-i / 8.0) + 0.00002 * i;
    }
}

//------------------------------------------ Files -------------------------------------------------

static char folder[UDY_PATH_MAX];
static char path_before[8192];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "%s/show-XXXXXX", UDY_TEST_TMP);
    assert_non_null(mkdtemp(folder));
}

static int set_up(void **state) {
    (void)state;
    const char *path = getenv("PATH");
    snprintf(path_before, sizeof path_before, "%s", path ? path : "");
    make_losses();
    make_folder();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    setenv("PATH", path_before, 1);
    char command[UDY_PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

// Files in the folder, hidden ones too.
static int count_files(const char *dir) {
    DIR *d = opendir(dir);
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

static char *slurp(const char *name, size_t *n_bytes) {
    char path[UDY_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = NULL;
    size_t n = 0;
    udy_error err = {0};
    if (udy_file_read(&text, &n, path, 1 << 26, &err) != UDY_OK) fail_msg("%s", err.message);
    if (n_bytes) *n_bytes = n;
    return text;
}

static void spit(const char *dir, const char *name, const char *text, mode_t mode) {
    char path[UDY_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static bool on_path(const char *program) {
    char copy[sizeof path_before], *rest = copy, *dir;
    snprintf(copy, sizeof copy, "%s", path_before);
    while ((dir = strsep(&rest, ":"))) {
        char path[sizeof path_before + 32];
        snprintf(path, sizeof path, "%s/%s", dir, program);
        if (access(path, X_OK) == 0) return true;
    }
    return false;
}

static void need_gnuplot(void) {
    if (on_path("gnuplot")) return;
    print_message("skipped: gnuplot is not installed (Debian: gnuplot-nox)\n");
    skip();
}

static void assert_drawn(int rc, const udy_error *err) {
    if (rc != UDY_OK) fail_msg("%s: %s", udy_status_name(rc), err->message);
}

static void draw_all(const udy_results *r) {
    udy_error err = {0};
    assert_drawn(udy_figure_loss(folder, "Loss", train_loss, val_loss, EPOCHS, 41, &err), &err);
    assert_drawn(udy_figure_dagger(folder, r, &err), &err);
    assert_drawn(udy_figure_returns(folder, r, &err), &err);
}

// Run a figure's script as a reader would, and fail where gnuplot has something to say about it.
// (In a locale without UTF-8 it says that it cannot convert its degree sign, whatever the script.)
static void assert_script_is_clean(const char *name) {
    char command[UDY_PATH_MAX + 64], line[256];
    snprintf(command, sizeof command, "cd '%s' && LC_ALL=C.UTF-8 gnuplot '%s.gp' 2>&1", folder,
             name);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out))
        if (strstr(line, ".gp\"")) fail_msg("gnuplot says of %s.gp: %s", name, line);
    assert_int_equal(pclose(out), 0);
}

// Elements open and close in order, attributes are quoted, no bare & or <: what XML asks for.
static void assert_well_formed(const char *svg) {
    char open[64][32];
    int depth = 0;
    for (const char *c = svg; *c; c++) {
        if (*c == '&') {
            size_t n = strcspn(c, "; <");
            if (c[n] != ';' || n < 2 || n > 8) fail_msg("a bare & at: %.40s", c);
        }
        if (*c != '<') continue;
        const char *end = !strncmp(c, "<!--", 4) ? strstr(c, "-->") : c;
        if (end == c)
            for (char quote = 0; *end && (quote || *end != '>'); end++) {
                if (!quote && (*end == '"' || *end == '\''))
                    quote = *end;
                else if (quote == *end)
                    quote = 0;
                if (end > c && *end == '<') fail_msg("a < inside a tag at: %.40s", c);
            }
        if (!end || !*end) fail_msg("a tag without an end: %.40s", c);
        bool closes = c[1] == '/', empty = end[-1] == '/' || c[1] == '?' || c[1] == '!';
        const char *name = c + 1 + closes;
        size_t n = strcspn(name, " \t\r\n/>");
        if (closes) {
            if (depth == 0 || strncmp(open[depth - 1], name, n) || open[depth - 1][n])
                fail_msg("</%.*s> closes nothing", (int)n, name);
            depth--;
        } else if (!empty) {
            assert_true(depth < 64 && n < 32);
            snprintf(open[depth++], 32, "%.*s", (int)n, name);
        }
        c = !strncmp(c, "<!--", 4) ? end + 2 : end;
    }
    assert_int_equal(depth, 0);
    assert_non_null(strstr(svg, "<svg"));
    // Strict renderers refuse a whole drawing for one marker scaled to nothing.
    assert_null(strstr(svg, "scale(0.00)"));
}

//------------------------------------------ Figures -----------------------------------------------

static void every_figure_is_four_files_and_nothing_else_is_left(void **state) {
    (void)state;
    need_gnuplot();
    udy_results r = make_results(10, 20, 1, 0);
    draw_all(&r);
    assert_int_equal(count_files(folder), 12);
    const char *const names[] = {"loss", "dagger", "returns"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        size_t n;
        snprintf(name, sizeof name, "%s.png", names[i]);
        char *png = slurp(name, &n);
        assert_true(n > 20000);
        assert_memory_equal(png, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x06\x40", 20);  // 1600 wide
        assert_memory_equal(png + n - 8, "IEND\xAE\x42\x60\x82", 8);
        udy_free(png);
        snprintf(name, sizeof name, "%s.svg", names[i]);
        char *svg = slurp(name, &n);
        assert_true(n > 8000);
        assert_well_formed(svg);
        udy_free(svg);
    }
}

static void the_drawing_names_what_it_shows(void **state) {
    (void)state;
    need_gnuplot();
    udy_results r = make_results(10, 20, 1, 0);
    draw_all(&r);
    static const struct {
        const char *file, *texts[10];
    } expected[] = {
        {"loss.svg",
         {"Loss", "training", "validation", "best epoch: 41 (0.00534)", "Epoch", "0.05"}},
        {"dagger.svg",
         {"Expert", "BC (50 episodes), 49.2k labels", "Random", "DAgger, by round", "best round",
          "best round, on fresh episodes", "% of the expert", "Expert labels used",
          "Mean return over 20 episodes, with 95 % intervals", "4k"}},
        {"returns.svg",
         {"Random", "BC (50", "round 0", "round 5", "DAgger best", "(round 10)", "Expert",
          "falls 6/20", "mean, 95 % interval", "one episode"}},
    };
    for (size_t f = 0; f < sizeof expected / sizeof *expected; f++) {
        char *svg = slurp(expected[f].file, NULL);
        for (int i = 0; i < 10 && expected[f].texts[i]; i++)
            if (!strstr(svg, expected[f].texts[i]))
                fail_msg("%s does not say \"%s\"", expected[f].file, expected[f].texts[i]);
        if (f == 2) assert_null(strstr(svg, "round 3"));  // the first, middle, best and last rounds
        udy_free(svg);
    }
}

// The next field of a line of CSV without quotes; ends the line at its end.
static char *next_field(char **line) {
    return strsep(line, ",\n");
}

static void the_data_beside_a_figure_are_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    udy_results r = make_results(3, 7, 1, 0);
    r.rows[1].ci95[0] = NAN;
    val_loss[5] = NAN;
    draw_all(&r);
    char *csv = slurp("loss.csv", NULL), *rest = csv;
    assert_string_equal(strsep(&rest, "\n"), "epoch,train_loss,val_loss,best");
    for (int i = 0; i < EPOCHS; i++) {
        char *line = strsep(&rest, "\n");
        assert_int_equal(atoi(next_field(&line)), i + 1);
        assert_true(strtod(next_field(&line), NULL) == train_loss[i]);
        const char *val = next_field(&line);
        assert_true(i == 5 ? !*val : strtod(val, NULL) == val_loss[i]);
        assert_int_equal(atoi(next_field(&line)), i + 1 == 41);
    }
    assert_string_equal(rest, "");
    udy_free(csv);
    csv = rest = slurp("dagger.csv", NULL);
    strsep(&rest, "\n");
    for (int i = 0; i < r.n_rows; i++) {
        char *line = strsep(&rest, "\n");
        const udy_result_row *row = &r.rows[i];
        bool is_round = !strncmp(row->name, "dagger-", 7) && strcmp(row->name, "dagger-best") != 0;
        assert_string_equal(next_field(&line), is_round ? "dagger" : row->name);
        const char *round = next_field(&line);
        assert_string_equal(round, is_round ? row->name + 7 : "");
        assert_int_equal(atoi(next_field(&line)), is_round && row->name[7] == '3');
        assert_int_equal(atoi(next_field(&line)), 7);
        assert_true(strtod(next_field(&line), NULL) == row->mean);
        const char *lo = next_field(&line);
        assert_true(i == 1 ? !*lo : strtod(lo, NULL) == row->ci95[0]);
        assert_true(strtod(next_field(&line), NULL) == row->ci95[1]);
    }
    udy_free(csv);
    csv = rest = slurp("returns.csv", NULL);
    assert_string_equal(strsep(&rest, "\n"), "position,policy,episode,return,label");
    for (int i = 0; i < r.n_rows; i++)
        for (int e = 0; e < 7; e++) {
            char *line = strsep(&rest, "\n");
            const char *position = next_field(&line);
            // The best round's own row chose it; its fresh episodes are drawn instead.
            assert_true(!*position == !strcmp(r.rows[i].name, "dagger-3"));
            assert_string_equal(next_field(&line), r.rows[i].name);
            assert_int_equal(atoi(next_field(&line)), e);
            assert_true(strtod(next_field(&line), NULL) == r.rows[i].returns[e]);
            assert_string_equal(next_field(&line), r.rows[i].label);
        }
    udy_free(csv);
}

static void a_reader_runs_the_script_again_and_gets_the_same_drawing(void **state) {
    (void)state;
    need_gnuplot();
    udy_results r = make_results(4, 20, 1, 0);
    draw_all(&r);
    const char *const names[] = {"loss", "dagger", "returns"};
    for (int i = 0; i < 3; i++) {
        char file[64], path[UDY_PATH_MAX + 64];
        size_t n_before, n_after;
        snprintf(file, sizeof file, "%s.gp", names[i]);
        char *script = slurp(file, NULL);
        assert_null(strstr(script, UDY_TEST_TMP));  // no path of where it was drawn
        udy_free(script);
        snprintf(file, sizeof file, "%s.svg", names[i]);
        char *before = slurp(file, &n_before);
        snprintf(path, sizeof path, "%s/%s", folder, file);
        assert_int_equal(unlink(path), 0);
        assert_script_is_clean(names[i]);
        char *after = slurp(file, &n_after);
        assert_int_equal(n_before, n_after);
        assert_memory_equal(before, after, n_before);
        udy_free(before);
        udy_free(after);
    }
}

static void odd_results_are_drawn_without_a_complaint(void **state) {
    (void)state;
    need_gnuplot();
    static const struct {
        int rounds, n;
        double scale, shift;
    } cases[] = {{0, 20, 1, 0}, {1, 1, 1, 0}, {2, 5, 0.001, -9}, {30, 40, 1e6, 0}, {3, 3, 0, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        udy_results r = make_results(cases[c].rounds, cases[c].n, cases[c].scale, cases[c].shift);
        r.rows[2].ci95[0] = r.rows[2].ci95[1] = NAN;
        if (c == 2) r.rows[1].mean = r.rows[1].returns[0] = NAN;
        if (c == 3) r.rows[r.n_rows - 1].returns[3] = INFINITY;
        draw_all(&r);
        assert_script_is_clean("dagger");
        assert_script_is_clean("returns");
        char *svg = slurp("dagger.svg", NULL);
        assert_well_formed(svg);
        // No share of a negative or missing return.
        assert_true(!strstr(svg, "of the expert") == !(r.expert_mean > 0));
        udy_free(svg);
    }
    udy_results only_dagger = make_results(2, 4, 1, 0);
    only_dagger.rows += 2;
    only_dagger.n_rows = 3;
    draw_all(&only_dagger);
    const double flat[3] = {0.5, 0.5, 0.5}, gaps[4] = {NAN, 1e-9, 0, 1e6},
                 none[4] = {NAN, NAN, 0, -1};
    udy_error err = {0};
    assert_drawn(udy_figure_loss(folder, NULL, flat, NULL, 3, 0, &err), &err);
    assert_script_is_clean("loss");
    assert_drawn(udy_figure_loss(folder, "One", flat, flat, 1, 1, &err), &err);
    assert_script_is_clean("loss");
    assert_drawn(udy_figure_loss(folder, "Gaps", gaps, none, 4, 1, &err), &err);
    assert_script_is_clean("loss");
    assert_drawn(udy_figure_loss(folder, "Only validation", none, gaps, 4, 99, &err), &err);
    assert_script_is_clean("loss");
}

static void titles_and_labels_from_outside_stay_text(void **state) {
    (void)state;
    need_gnuplot();
    char title[2 * UDY_PATH_MAX];
    snprintf(
        title, sizeof title,
        "a `touch %s/pwned` b' ; system('touch %s/pwned') # \" <i>&amp; \\n \n @x {y}_1 \xff \xc0"
        "\xaf \xe2\x9c\x93",
        folder, folder);
    udy_results r = make_results(2, 5, 1, 0);
    snprintf(r.rows[1].label, sizeof r.rows[1].label, "'.system('touch pwned').'`touch pwned`");
    snprintf(r.rows[3].label, sizeof r.rows[3].label, "a, \"b\"\n<c> & `d` \x1b[31m\xff");
    udy_error err = {0};
    assert_drawn(udy_figure_loss(folder, title, train_loss, NULL, EPOCHS, 0, &err), &err);
    assert_drawn(udy_figure_dagger(folder, &r, &err), &err);
    assert_drawn(udy_figure_returns(folder, &r, &err), &err);
    assert_int_equal(count_files(folder), 12);
    const char *const names[] = {"loss.svg", "dagger.svg", "returns.svg"};
    for (int i = 0; i < 3; i++) {
        char *svg = slurp(names[i], NULL);
        assert_well_formed(svg);
        assert_true(udy__utf8_valid(svg));
        if (i == 0) assert_non_null(strstr(svg, "\xe2\x9c\x93"));
        udy_free(svg);
    }
}

static void a_locale_with_decimal_commas_changes_nothing(void **state) {
    (void)state;
    need_gnuplot();
    udy_results r = make_results(2, 5, 0.0015, 0);
    draw_all(&r);
    char *script = slurp("dagger.gp", NULL), *csv = slurp("returns.csv", NULL);
    char *table = udy_results_table(&r, 0);
    const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    bool set = false;
    for (int i = 0; i < 4 && !set; i++) set = setlocale(LC_ALL, locales[i]) != NULL;
    if (set) draw_all(&r);
    char *script_after = slurp("dagger.gp", NULL), *csv_after = slurp("returns.csv", NULL);
    char *table_after = udy_results_table(&r, 0);
    setlocale(LC_ALL, "C");
    assert_string_equal(script, script_after);
    assert_string_equal(csv, csv_after);
    assert_string_equal(table, table_after);
    char *const all[] = {script, csv, table, script_after, csv_after, table_after};
    for (int i = 0; i < 6; i++) udy_free(all[i]);
    if (!set) {
        print_message("skipped: no locale with decimal commas is installed\n");
        skip();
    }
}

//------------------------------------------ Failures ----------------------------------------------

static void without_gnuplot_the_error_names_the_package_and_nothing_is_left(void **state) {
    (void)state;
    udy_results r = make_results(2, 5, 1, 0);
    udy_error err = {0};
    setenv("PATH", folder, 1);
    assert_int_equal(udy_figure_dagger(folder, &r, &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "gnuplot-nox"));
    assert_non_null(strstr(err.message, "dagger"));
    assert_int_equal(udy_figure_returns(folder, &r, &err), UDY_ENOENT);
    assert_int_equal(udy_figure_loss(folder, "L", train_loss, NULL, 5, 0, &err), UDY_ENOENT);
    assert_int_equal(udy_figure_loss(folder, "L", train_loss, NULL, 5, 0, NULL), UDY_ENOENT);
    assert_int_equal(count_files(folder), 0);
}

// A program called gnuplot that does what the script says, in a folder put first on PATH.
static void fake_gnuplot(char bin[UDY_PATH_MAX], const char *script) {
    snprintf(bin, UDY_PATH_MAX, "%s/show-bin-XXXXXX", UDY_TEST_TMP);
    assert_non_null(mkdtemp(bin));
    spit(bin, "gnuplot", script, 0755);
    char path[sizeof path_before + UDY_PATH_MAX + 2];
    snprintf(path, sizeof path, "%s:%s", bin, path_before);
    setenv("PATH", path, 1);
}

static void remove_fake(const char *bin) {
    char path[UDY_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/gnuplot", bin);
    unlink(path);
    rmdir(bin);
    setenv("PATH", path_before, 1);
}

static void a_failing_gnuplot_is_quoted_and_leaves_the_earlier_figure_alone(void **state) {
    (void)state;
    char bin[UDY_PATH_MAX];
    udy_results r = make_results(2, 5, 1, 0);
    udy_error err = {0};
    spit(folder, "dagger.svg", "the earlier one", 0644);
    fake_gnuplot(
        bin, "#!/bin/sh\necho half > dagger.svg\nprintf 'line 7:\\n   ^\\nno good' >&2\nexit 3\n");
    int rc = udy_figure_dagger(folder, &r, &err);
    remove_fake(bin);
    assert_int_equal(rc, UDY_EIO);
    assert_non_null(strstr(err.message, "line 7: ^ no good"));
    assert_non_null(strstr(err.message, "exit code 3"));
    assert_int_equal(count_files(folder), 1);
    char *svg = slurp("dagger.svg", NULL);
    assert_string_equal(svg, "the earlier one");
    udy_free(svg);
}

static void a_drawing_cut_short_is_an_error_and_leaves_nothing(void **state) {
    (void)state;
    char bin[UDY_PATH_MAX];
    udy_error err = {0};
    fake_gnuplot(bin, "#!/bin/sh\necho '<svg><g>' > loss.svg\necho > loss.png\n");
    int rc = udy_figure_loss(folder, "L", train_loss, NULL, 5, 0, &err);
    remove_fake(bin);
    assert_int_equal(rc, UDY_EIO);
    assert_non_null(strstr(err.message, "loss.svg"));
    assert_int_equal(count_files(folder), 0);
}

static void a_hanging_gnuplot_is_stopped_with_all_it_started(void **state) {
    (void)state;
    char bin[UDY_PATH_MAX];
    udy_error err = {0};
    fake_gnuplot(bin, "#!/bin/sh\necho waiting >&2\n(sleep 2; touch survived) &\nsleep 100\n");
    double from_s = udy_clock_s();
    int rc = udy__gnuplot_run(folder, "x.gp", 0.3, &err);
    double took_s = udy_clock_s() - from_s;
    remove_fake(bin);
    assert_int_equal(rc, UDY_EIO);
    assert_non_null(strstr(err.message, "waiting"));
    assert_true(took_s >= 0.3 && took_s < 60);
    sleep(3);
    assert_int_equal(count_files(folder), 0);
}

static void a_folder_that_cannot_be_written_is_named(void **state) {
    (void)state;
    udy_results r = make_results(2, 5, 1, 0);
    udy_error err = {0};
    char dir[UDY_PATH_MAX + 32];
    spit(folder, "file", "in the way", 0644);
    snprintf(dir, sizeof dir, "%s/file/figures", folder);
    assert_true(udy_figure_dagger(dir, &r, &err) < 0);
    assert_non_null(strstr(err.message, "/file"));
    assert_int_equal(count_files(folder), 1);
    if (geteuid() == 0) return;  // root writes anywhere
    snprintf(dir, sizeof dir, "%s/locked", folder);
    assert_int_equal(mkdir(dir, 0555), 0);
    assert_int_equal(udy_figure_dagger(dir, &r, &err), UDY_EPERM);
    assert_non_null(strstr(err.message, "/locked"));
    assert_int_equal(count_files(dir), 0);
}

static void nothing_to_draw_is_an_error_that_says_so(void **state) {
    (void)state;
    udy_results r = make_results(2, 5, 1, 0), none = {0}, no_rounds = r;
    udy_error err = {0};
    no_rounds.n_rows = 2;
    const double nans[2] = {NAN, -1};
    assert_int_equal(udy_figure_dagger(folder, &none, &err), UDY_EINVAL);
    assert_int_equal(udy_figure_dagger(folder, &no_rounds, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "none of the 2 rows"));
    assert_int_equal(udy_figure_returns(folder, &none, &err), UDY_EINVAL);
    assert_int_equal(udy_figure_loss(folder, "L", train_loss, NULL, 0, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_figure_loss(folder, "L", NULL, NULL, 3, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_figure_loss(folder, "L", nans, NULL, 2, 0, &err), UDY_ENONFINITE);
    assert_int_equal(udy_figure_loss(NULL, "L", nans, NULL, 2, 0, &err), UDY_EINVAL);
    assert_int_equal(count_files(folder), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_figure_is_four_files_and_nothing_else_is_left),
        TEST(the_drawing_names_what_it_shows),
        TEST(the_data_beside_a_figure_are_the_numbers_given),
        TEST(a_reader_runs_the_script_again_and_gets_the_same_drawing),
        TEST(odd_results_are_drawn_without_a_complaint),
        TEST(titles_and_labels_from_outside_stay_text),
        TEST(a_locale_with_decimal_commas_changes_nothing),
        TEST(without_gnuplot_the_error_names_the_package_and_nothing_is_left),
        TEST(a_failing_gnuplot_is_quoted_and_leaves_the_earlier_figure_alone),
        TEST(a_drawing_cut_short_is_an_error_and_leaves_nothing),
        TEST(a_hanging_gnuplot_is_stopped_with_all_it_started),
        TEST(a_folder_that_cannot_be_written_is_named),
        TEST(nothing_to_draw_is_an_error_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
