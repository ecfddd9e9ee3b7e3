// The figure of learning curves, from made-up curves: the data beside it are the numbers given, one
// run and many are drawn without a complaint of gnuplot's, and names stay text.
#include <math.h>

#include "test_io_common.h"
#include "understudy/show.h"

enum { POINTS = 12 };

static const char header[] =
    "steps,updates,seconds,mean,median,std,episodes,falls,too_low,too_high,speed_m_per_s\n";

static double mean_at(int run, int i) {
    return 7000.5 * (1 - exp(-(i + 1) / (3.0 + run))) - 100;
}

// A run folder with a curve in it; falls: of ten episodes.
static void make_run(const char *name, int run, int n, int falls) {
    char text[4096], path[1100];
    udy_error err = {0};
    int used = sprintf(text, "%s", header);
    for (int i = 0; i < n; i++)
        used += sprintf(text + used, "%d,%d,%d,%.17g,%.17g,500,10,%d,1,1,2.5\n", 1000 * (i + 1),
                        500 * (i + 1), 90 * (i + 1), mean_at(run, i), mean_at(run, i), falls);
    if (udy_dir_make(at_root(name), &err)) fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s/curve.csv", at_root(name));
    put_file(path, text, (size_t)used);
}

static void need_gnuplot(void) {
    if (system("command -v gnuplot >/dev/null") == 0) return;
    print_message("skipped: gnuplot is not installed (Debian: gnuplot-nox)\n");
    skip();
}

// gnuplot runs the script that lies beside the figure and has nothing to say about it.
static void expect_clean_script(const char *dir) {
    char command[1300], line[256];
    snprintf(command, sizeof command, "cd '%s' && LC_ALL=C.UTF-8 gnuplot learning.gp 2>&1", dir);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out)) fail_msg("gnuplot says: %s", line);
    assert_int_equal(pclose(out), 0);
}

static char *slurp(const char *path) {
    char *text;
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&text, &n, path, 1 << 24, &err)) fail_msg("%s", err.message);
    return text;
}

static void draw(const char *dir, const udy_learning_run *runs, int n) {
    udy_error err = {0};
    if (udy_figure_learning(dir, runs, n, &err)) fail_msg("%s", err.message);
    assert_int_equal(count_entries(dir), 4);
}

static void one_run_is_drawn_with_its_spread(void **state) {
    (void)state;
    need_gnuplot();
    char path[1024], dir[1024];
    make_run("one", 0, POINTS, 2);
    snprintf(path, sizeof path, "%s", at_root("one"));
    snprintf(dir, sizeof dir, "%s", at_root("one-figure"));
    const udy_learning_run run = {"a name", path};
    draw(dir, &run, 1);
    expect_clean_script(dir);
    char *svg = slurp(at_root("one-figure/learning.svg"));
    static const char *const texts[] = {"Learning: a name",
                                        "Environment steps",
                                        "too high",
                                        "too low",
                                        "standard deviation over episodes",
                                        "Wall-clock (minutes)"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strstr(svg, texts[i])) fail_msg("the figure does not say \"%s\"", texts[i]);
    assert_null(strstr(svg, ">other<"));  // every early end has its reason
    udy_free(svg);
}

static void the_data_beside_it_are_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    char paths[2][1024], dir[1024];
    make_run("left", 0, POINTS, 3);
    make_run("right", 1, 1, 2);
    snprintf(paths[0], sizeof paths[0], "%s", at_root("left"));
    snprintf(paths[1], sizeof paths[1], "%s", at_root("right"));
    snprintf(dir, sizeof dir, "%s", at_root("two-figure"));
    const udy_learning_run runs[] = {{"left", paths[0]}, {"right, \"quoted\"", paths[1]}};
    draw(dir, runs, 2);
    expect_clean_script(dir);
    char *csv = slurp(at_root("two-figure/learning.csv")), *rest = csv;
    assert_non_null(strstr(strsep(&rest, "\n"), "number,run,steps,updates,minutes,mean,"));
    for (int i = 0; i < POINTS + 1; i++) {
        char *line = strsep(&rest, "\n");
        int run = i == POINTS, k = run ? 0 : i, number, steps, updates, from = 0;
        double minutes, mean;
        assert_int_equal(
            sscanf(line, run ? "%d,\"right, \"\"quoted\"\"\",%n" : "%d,left,%n", &number, &from),
            1);
        assert_int_equal(number, run + 1);
        assert_int_equal(sscanf(line + from, "%d,%d,%lf,%lf", &steps, &updates, &minutes, &mean),
                         4);
        assert_int_equal(steps, 1000 * (k + 1));
        assert_int_equal(updates, 500 * (k + 1));
        assert_true(minutes == 1.5 * (k + 1));
        assert_true(mean == mean_at(run, k));
        // Three of ten ended early in the left run, one of them neither too low nor too high.
        assert_non_null(strstr(line, run ? ",10,1,1,2,10,10,0,20," : ",10,1,1,3,10,10,10,30,"));
    }
    assert_string_equal(rest, "");
    udy_free(csv);
    char *svg = slurp(at_root("two-figure/learning.svg"));
    assert_non_null(strstr(svg, ">other<"));
    assert_non_null(strstr(svg, "Learning curves"));
    assert_null(strstr(svg, "standard deviation"));
    udy_free(svg);
}

static void runs_of_one_name_share_a_colour_and_a_legend(void **state) {
    (void)state;
    need_gnuplot();
    char path[1024], dir[1024];
    make_run("seed", 2, POINTS, 0);
    snprintf(path, sizeof path, "%s", at_root("seed"));
    snprintf(dir, sizeof dir, "%s", at_root("named-figure"));
    const udy_learning_run runs[] = {{"shared", path}, {"other", path}, {"shared", path}};
    draw(dir, runs, 3);
    expect_clean_script(dir);
    char *script = slurp(at_root("named-figure/learning.gp"));
    const char *title = strstr(script, "'shared'");
    assert_non_null(title);
    assert_null(strstr(title + 1, "'shared'"));
    assert_non_null(strstr(script, "'other'"));
    assert_non_null(strstr(script, "#D55E00"));  // the second name's
    assert_null(strstr(script, "#009E73"));      // a third's
    udy_free(script);
}

static void many_runs_and_names_from_outside_are_drawn(void **state) {
    (void)state;
    need_gnuplot();
    enum { RUNS = 30 };
    char path[1024], dir[1024], hostile[2048];
    make_run("many", 2, POINTS, 0);
    snprintf(path, sizeof path, "%s", at_root("many"));
    snprintf(dir, sizeof dir, "%s", at_root("many-figure"));
    snprintf(hostile, sizeof hostile,
             "`touch %s/pwned` '; system('touch %s/pwned') # %%s @x {y}_1 <i>", root, root);
    udy_learning_run runs[RUNS];
    for (int i = 0; i < RUNS; i++) runs[i] = (udy_learning_run){i % 2 ? "many" : hostile, path};
    draw(dir, runs, RUNS);
    expect_clean_script(dir);
    assert_int_equal(access(at_root("pwned"), F_OK), -1);
    draw(dir, runs, 1);  // over the one before
    assert_int_equal(access(at_root("pwned"), F_OK), -1);
}

static void a_run_without_a_curve_is_named_and_nothing_is_drawn(void **state) {
    (void)state;
    udy_error err = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("absent"));
    const udy_learning_run run = {"absent", path};
    assert_int_equal(udy_figure_learning(at_root("no-figure"), &run, 1, &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "absent/curve.csv"));
    assert_int_equal(udy_figure_learning(at_root("no-figure"), &run, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_figure_learning(NULL, &run, 1, &err), UDY_EINVAL);
    assert_int_equal(access(at_root("no-figure"), F_OK), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_run_is_drawn_with_its_spread),
        cmocka_unit_test(the_data_beside_it_are_the_numbers_given),
        cmocka_unit_test(runs_of_one_name_share_a_colour_and_a_legend),
        cmocka_unit_test(many_runs_and_names_from_outside_are_drawn),
        cmocka_unit_test(a_run_without_a_curve_is_named_and_nothing_is_drawn),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
