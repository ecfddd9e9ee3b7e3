// The figures and the table of a sweep, from made-up numbers: the data beside a figure are those
// given, gnuplot has nothing to complain of, labels stay text, and what was not reached is said.
#include <math.h>

#include "test_io_common.h"
#include "understudy/show.h"

static udy_sweep_point points[UDY_SWEEP_EXPERTS_MAX * 4 * UDY_INTS_MAX];
static udy_sweep_need needs[UDY_SWEEP_EXPERTS_MAX * 4];

static udy_sweep_value about(double value, double spread) {
    return (udy_sweep_value){value, {value - spread, value + spread}};
}

// Shares that rise with the demonstrations: DAgger sooner than BC, converged sooner than the
// tutorial.
static udy_sweep make_sweep(int n_experts, int n_demos) {
    static const int demos[] = {1, 2, 5, 10, 25, 50};
    udy_sweep s = {.seeds = 3,
                   .eval_episodes = 10,
                   .epochs = 100,
                   .target = 0.9,
                   .points = points,
                   .needs = needs,
                   .n_experts = n_experts,
                   .seconds = 1200};
    snprintf(s.task, sizeof s.task, "Ant-v5");
    s.demos.n = n_demos;
    memcpy(s.demos.v, demos, sizeof(int) * (size_t)n_demos);
    for (int e = 0; e < n_experts; e++) {
        udy_sweep_teacher *t = &s.experts[e];
        *t = (udy_sweep_teacher){.n = 30, .mean = 7000.0 / (1 + e), .std = 100};
        t->ci[0] = t->mean - 50, t->ci[1] = t->mean + 50;
        snprintf(t->label, sizeof t->label, "expert %c", 'a' + e);
        for (int m = 0; m < 2; m++)
            for (int k = 0; k < 2; k++) {
                for (int d = 0; d < n_demos; d++) {
                    double share = 1 - exp(-demos[d] / (30.0 - 12 * m - 8 * k)) * 0.95;
                    points[s.n_points++] =
                        (udy_sweep_point){.expert = e,
                                          .method = m,
                                          .training = k,
                                          .demos = demos[d],
                                          .n = 30,
                                          .labels = 1000.0 * demos[d],
                                          .updates = 390.0 * demos[d],
                                          .ret = about(share * t->mean, 200),
                                          .share = about(share, 0.03),
                                          .error_own = about(0.3 * (1 - 0.9 * share), 0.01),
                                          .error_expert = about(0.03 / demos[d], 0.001)};
                }
                needs[s.n_needs++] = (udy_sweep_need){e, m, k, 12000, {9000, INFINITY}, false};
            }
    }
    return s;
}

static void need_gnuplot(void) {
    if (system("command -v gnuplot >/dev/null") == 0) return;
    print_message("skipped: gnuplot is not installed (Debian: gnuplot-nox)\n");
    skip();
}

static char *slurp(const char *path) {
    char *text;
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&text, &n, path, 1 << 24, &err)) fail_msg("%s", err.message);
    return text;
}

static void expect_clean_script(const char *dir, const char *name) {
    char command[1300], line[256];
    snprintf(command, sizeof command, "cd '%s' && LC_ALL=C.UTF-8 gnuplot %s.gp 2>&1", dir, name);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out)) fail_msg("%s: gnuplot says: %s", name, line);
    assert_int_equal(pclose(out), 0);
}

static const char *const names[] = {"sweep-returns", "sweep-labels", "sweep-gap"};

static void draw(const char *dir, const udy_sweep *s) {
    udy_error err = {0};
    if (udy_figure_sweep(dir, s, &err)) fail_msg("%s", err.message);
    assert_int_equal(count_entries(dir), 12);
    for (int i = 0; i < 3; i++) expect_clean_script(dir, names[i]);
}

static void expect_texts(const char *dir, const char *name, const char *const *texts, int n) {
    char path[1200];
    snprintf(path, sizeof path, "%s/%s.svg", dir, name);
    char *svg = slurp(path);
    for (int i = 0; i < n; i++)
        if (!strstr(svg, texts[i])) fail_msg("%s does not say \"%s\"", name, texts[i]);
    udy_free(svg);
}

static void three_experts_are_three_panels_that_say_what_they_show(void **state) {
    (void)state;
    need_gnuplot();
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root("three"));
    udy_sweep s = make_sweep(3, 6);
    draw(dir, &s);
    static const char *const returns[] = {"expert a",          "expert b",
                                          "expert c",          "BC, 100 epochs",
                                          "DAgger, converged", "Demonstration episodes",
                                          "Return per episode"};
    static const char *const labels[] = {"90 % of the expert", "first reached", "Expert labels"};
    static const char *const gap[] = {"BC, own states", "DAgger, expert", "expert c: converged",
                                      "expert a: tutorial", "Squared action error"};
    expect_texts(dir, names[0], returns, 7);
    expect_texts(dir, names[1], labels, 3);
    expect_texts(dir, names[2], gap, 5);
}

static void the_data_beside_a_figure_are_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    char dir[1024], path[1200], line[256];
    snprintf(dir, sizeof dir, "%s", at_root("data"));
    udy_sweep s = make_sweep(2, 4);
    draw(dir, &s);
    snprintf(path, sizeof path, "%s/sweep-returns.csv", dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    for (int i = 0; i < s.n_points; i++) {
        const udy_sweep_point *p = &points[i];
        int panel, k, demos;
        double labels, value, low, high;
        assert_non_null(fgets(line, sizeof line, f));
        const char *tail = strstr(line, udy_sweep_trainings[p->training]);
        assert_non_null(tail);
        tail += strlen(udy_sweep_trainings[p->training]);
        char label[64];
        assert_int_equal(sscanf(line, "point,%d,%d,", &panel, &k), 2);
        assert_int_equal(sscanf(tail, ",%d,%lf,%lf,%lf,%lf,%63[^\n]", &demos, &labels, &value, &low,
                                &high, label),
                         6);
        assert_string_equal(label, s.experts[p->expert].label);
        assert_int_equal(panel, p->expert);
        assert_int_equal(k, 2 * p->method + p->training);
        assert_int_equal(demos, p->demos);
        assert_true(labels == p->labels && value == p->ret.value && low == p->ret.ci[0] &&
                    high == p->ret.ci[1]);
    }
    assert_null(fgets(line, sizeof line, f));
    fclose(f);
}

static void one_expert_and_one_demonstration_are_drawn(void **state) {
    (void)state;
    need_gnuplot();
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root("one"));
    udy_sweep s = make_sweep(1, 1);
    draw(dir, &s);
    s = make_sweep(UDY_SWEEP_EXPERTS_MAX, 2);  // and as many experts as there may be
    draw(dir, &s);
}

static void what_is_not_known_leaves_a_figure_all_the_same(void **state) {
    (void)state;
    need_gnuplot();
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root("nothing"));
    udy_sweep s = make_sweep(1, 3);
    s.experts[0].mean = -5;  // then no share is defined
    for (int i = 0; i < s.n_points; i++) {
        points[i].share = (udy_sweep_value){NAN, {NAN, NAN}};
        points[i].error_own = points[i].error_expert = (udy_sweep_value){0, {0, 0}};
    }
    for (int i = 0; i < s.n_needs; i++) needs[i].labels = needs[i].ci[0] = needs[i].ci[1] = NAN;
    draw(dir, &s);
    udy_error err = {0};
    s.n_points = 0;
    assert_int_equal(udy_figure_sweep(dir, &s, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "points"));
}

static void a_label_cannot_become_a_command_or_a_column(void **state) {
    (void)state;
    need_gnuplot();
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root("hostile"));
    udy_sweep s = make_sweep(1, 3);
    snprintf(s.experts[0].label, sizeof s.experts[0].label, "a'`touch owned`\"|,\n$(touch owned)");
    draw(dir, &s);
    char path[1200];
    snprintf(path, sizeof path, "%s/owned", dir);
    assert_false(udy_file_exists(path));
    char *table = udy_sweep_table(&s, true);
    const char *row = strstr(table, "| a'");
    assert_non_null(row);
    int bars = 0;
    for (; *row != '\n'; row++) bars += *row == '|';
    assert_int_equal(bars, 3 + 3 + 1);
    udy_free(table);
}

//------------------------------------------ The table ---------------------------------------------

static void the_table_says_what_was_reached_and_what_was_not(void **state) {
    (void)state;
    udy_sweep s = make_sweep(2, 6);
    needs[0].labels = INFINITY;
    needs[1] = (udy_sweep_need){0, 0, 1, 1000, {1000, 1000}, true};
    needs[2].ci[1] = 20000;
    points[0].share.value = 0.512;
    points[1].share = about(-0.001, 0.002);
    for (int markdown = 0; markdown < 2; markdown++) {
        char *table = udy_sweep_table(&s, markdown);
        assert_non_null(table);
        static const char *const texts[] = {"BC, 100 epochs",
                                            "DAgger, converged",
                                            "51 %",
                                            "Labels for 90 %",
                                            "not reached",
                                            "at most 1k",
                                            "12k (9k to 20k)",
                                            "12k (9k to more than tried)",
                                            "expert b",
                                            "bootstrap"};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (!strstr(table, texts[i])) fail_msg("'%s' is not in:\n%s", texts[i], table);
        assert_true(!markdown == !strstr(table, "took 20.0 minutes"));
        assert_null(strstr(table, "-0 %"));
        assert_true(!strstr(table, "nan") && !strstr(table, "inf"));
        udy_free(table);
    }
    assert_null(udy_sweep_table(NULL, false));
}

static void lines_of_the_plain_table_fit_a_terminal(void **state) {
    (void)state;
    udy_sweep s = make_sweep(3, 6);
    char *table = udy_sweep_table(&s, false);
    for (const char *at = table; *at; at += strcspn(at, "\n") + 1) {
        if (strstr(at, "Labels in brackets") == at) break;  // a note may be wrapped by the terminal
        assert_true(strcspn(at, "\n") <= 100);
    }
    udy_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_experts_are_three_panels_that_say_what_they_show),
        cmocka_unit_test(the_data_beside_a_figure_are_the_numbers_given),
        cmocka_unit_test(one_expert_and_one_demonstration_are_drawn),
        cmocka_unit_test(what_is_not_known_leaves_a_figure_all_the_same),
        cmocka_unit_test(a_label_cannot_become_a_command_or_a_column),
        cmocka_unit_test(the_table_says_what_was_reached_and_what_was_not),
        cmocka_unit_test(lines_of_the_plain_table_fit_a_terminal),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
