// The results table and the loss curve as text: every number where it belongs, nothing wider than
// asked for, least important columns given up first.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "understudy/show.h"

#include <cmocka.h>

static udy_result_row ant_rows[] = {
    {.name = "random",
     .label = "Random",
     .n = 20,
     .mean = -71.48,
     .std = 38,
     .iqm = -75.9,
     .ci95 = {-87.3, -55.2},
     .share = -0.0148,
     .speed_mean = -0.052},
    {.name = "bc",
     .label = "BC (50 episodes)",
     .n = 20,
     .mean = 2515.3,
     .std = 1385,
     .iqm = 2928.9,
     .ci95 = {1885.8, 3064.6},
     .share = 0.532,
     .falls = 6,
     .too_low = 2,
     .too_high = 4,
     .speed_mean = 2.75,
     .labels = 49231,
     .seconds = 14.24},
    {.name = "dagger-0",
     .label = "DAgger round 0 (BC, 10 episodes)",
     .n = 20,
     .mean = 1344.4,
     .std = 400,
     .iqm = 1521.2,
     .ci95 = {1141, 1519},
     .share = 0.284,
     .falls = 5,
     .too_low = 1,
     .too_high = 4,
     .speed_mean = 1.25,
     .labels = 9800,
     .seconds = 4.1},
    {.name = "dagger-10",
     .label = "DAgger round 10",
     .n = 20,
     .mean = 4600.6,
     .std = 90,
     .iqm = 4604.1,
     .ci95 = {4496.2, 4707.4},
     .share = 0.9725,
     .speed_mean = 3.87,
     .labels = 1234567,
     .seconds = 1067.1},
    {.name = "expert",
     .label = "Expert",
     .n = 20,
     .mean = 4731.2,
     .std = 250,
     .iqm = 4795.3,
     .ci95 = {4599, 4828},
     .share = 1,
     .falls = 1,
     .too_high = 1,
     .speed_mean = 4.0},
};
enum { N_ANT_ROWS = sizeof ant_rows / sizeof *ant_rows };
static const udy_results ant = {.rows = ant_rows, .n_rows = N_ANT_ROWS, .expert_mean = 4731.2};

static void assert_says(const char *text, const char *words) {
    if (!strstr(text, words)) fail_msg("\"%s\" is not in:\n%s", words, text);
}

static size_t widest_line(const char *text) {
    size_t widest = 0;
    while (*text) {
        size_t n = strcspn(text, "\n"), characters = 0;
        for (size_t i = 0; i < n; i++) characters += (text[i] & 0xC0) != 0x80;
        widest = characters > widest ? characters : widest;
        text += n + (text[n] == '\n');
    }
    return widest;
}

static void the_table_holds_every_number_of_every_row(void **state) {
    (void)state;
    char *table = udy_results_table(&ant, 0);
    const char *const lines[] = {
        "Policy                            return        interval    IQM "
        " expert  Falls          m/s     labels      s\n",
        "\nRandom                               -71      -87 to -55    -76 "
        "   -1.5  0/20         -0.05          -      -\n",
        "\nBC (50 episodes)                   2,515  1,886 to 3,065  2,929 "
        "   53.2  6/20 (2, 4)   2.75     49,231   14.2\n",
        "\nDAgger round 0 (BC, 10 episodes)   1,344  1,141 to 1,519  1,521 "
        "   28.4  5/20 (1, 4)   1.25      9,800    4.1\n",
        "\nDAgger round 10                    4,601  4,496 to 4,707  4,604 "
        "   97.2  0/20          3.87  1,234,567  1,067\n",
        "\nExpert                             4,731  4,599 to 4,828  4,795 "
        "  100.0  1/20 (0, 1)   4.00          -      -\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_says(table, lines[i]);
    udy_free(table);
}

static void footnotes_explain_what_is_shown(void **state) {
    (void)state;
    char *table = udy_results_table(&ant, 100);
    assert_says(table, "95 % interval: of the mean, by bootstrap");
    assert_says(table, "IQM: interquartile mean");
    assert_says(table, "too low, too high");
    udy_free(table);
    table = udy_results_table(&ant, 60);
    assert_null(strstr(table, "IQM"));  // no column, no note
    udy_free(table);
}

static void no_line_is_wider_than_the_terminal(void **state) {
    (void)state;
    for (int columns = 18; columns <= 130; columns++) {
        char *table = udy_results_table(&ant, columns);
        assert_non_null(table);
        if (widest_line(table) > (size_t)columns) fail_msg("at %d columns:\n%s", columns, table);
        for (const char *c = table; *c; c++) assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
        assert_says(table, "4,601");  // the mean is there to the last
        udy_free(table);
    }
}

static void a_narrow_terminal_loses_the_least_important_columns_first(void **state) {
    (void)state;
    // From the first to go to the last: a header is never shown while a more important one is not.
    const char *const order[] = {"Time", "Speed", "IQM", "labels", "Falls", "interval", "expert\n"};
    int shown_before = 7;
    for (int columns = 110; columns >= 24; columns--) {
        char *table = udy_results_table(&ant, columns), head[400];
        snprintf(head, sizeof head, "%.*s", (int)(strstr(table, "---") - table), table);
        int shown = 0;
        for (int i = 6; i >= 0; i--) {
            const char *word = i == 6 ? "% of" : order[i];
            bool present = strstr(head, word) != NULL;
            assert_true(present == (i >= 7 - shown - 1) || !present);
            if (present) assert_int_equal(++shown, 7 - i);
        }
        assert_true(shown <= shown_before);
        shown_before = shown;
        udy_free(table);
    }
    assert_int_equal(shown_before, 0);
    char *table = udy_results_table(&ant, 100);
    assert_says(table, "Time");  // all of them at 100
    udy_free(table);
}

static void what_is_not_known_is_a_dash(void **state) {
    (void)state;
    udy_result_row row = {.name = "bc",
                          .label = "B\xc3\xa9\n",
                          .n = 1,
                          .mean = NAN,
                          .iqm = INFINITY,
                          .ci95 = {NAN, 1},
                          .share = 2,
                          .speed_mean = NAN};
    udy_results r = {.rows = &row, .n_rows = 1, .expert_mean = -4};
    char *table = udy_results_table(&r, 0);
    assert_says(table, "\nB???         -         -    -       -  0/1        -       -     -\n");
    assert_null(strstr(table, "nan"));
    assert_null(strstr(table, "inf"));
    udy_free(table);
    r.n_rows = 0;
    table = udy_results_table(&r, 80);
    assert_says(table, "Policy");
    udy_free(table);
    assert_null(udy_results_table(NULL, 80));
}

static void small_returns_get_decimals_and_large_ones_separators(void **state) {
    (void)state;
    udy_result_row row = {.name = "x",
                          .label = "x",
                          .n = 3,
                          .mean = -4.256,
                          .iqm = -0.001,
                          .ci95 = {-5, -3.5},
                          .share = 1};
    udy_results r = {.rows = &row, .n_rows = 1, .expert_mean = 1};
    char *table = udy_results_table(&r, 0);
    assert_says(table, "-4.26");
    assert_says(table, "-5.00 to -3.50");
    assert_says(table, " 0.00 ");  // not -0.00
    udy_free(table);
    row.mean = -1234567.8;
    row.iqm = 1e300;
    row.ci95[0] = -1e6;
    row.ci95[1] = -999;
    table = udy_results_table(&r, 0);
    assert_says(table, "-1,234,568");
    assert_says(table, "-1,000,000 to -999");
    assert_says(table, "1e+300");
    udy_free(table);
}

//------------------------------------------ Sparkline ---------------------------------------------

static int count_lines(const char *text) {
    int n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

// Row r of the chart, after its axis; ended.
static void row_of(char out[512], const char *chart, int r) {
    while (r-- > 0) chart = strchr(chart, '\n') + 1;
    const char *bar = strchr(chart, '|');
    snprintf(out, 512, "%.*s", (int)strcspn(bar + 1, "\n"), bar + 1);
}

static void the_curve_has_the_size_asked_for(void **state) {
    (void)state;
    double loss[300];
    for (int i = 0; i < 300; i++) loss[i] = pow(10, -i / 100.0);
    for (int width = 24; width <= 120; width += 7)
        for (int height = 4; height <= 20; height += 3)
            for (int ascii = 0; ascii < 2; ascii++) {
                char *chart = udy_loss_sparkline(loss, NULL, 300, width, height, ascii);
                assert_int_equal(count_lines(chart), height);
                assert_int_equal(widest_line(chart), width);
                assert_true(udy__utf8_valid(chart));
                for (const char *c = chart; ascii && *c; c++) assert_true((*c & 0x80) == 0);
                udy_free(chart);
            }
}

static void the_curve_falls_from_the_top_left_to_the_bottom_right_on_a_log_scale(void **state) {
    (void)state;
    double loss[401];
    for (int i = 0; i <= 400; i++) loss[i] = pow(10, 1 - i / 100.0);  // a line on a log scale
    char *chart = udy_loss_sparkline(loss, NULL, 401, 60, 12, true);
    char row[512];
    for (int r = 0; r < 10; r++) {
        row_of(row, chart, r);
        const char *first = strchr(row, '*'), *last = strrchr(row, '*');
        assert_non_null(first);
        double middle = ((double)(first - row) + (double)(last - row)) / 2;
        assert_true(fabs(middle - r * 49 / 9.0) < 2.5);
        assert_int_equal(strspn(first, "*"), last - first + 1);  // without a gap
    }
    assert_says(chart, "      10 |*");
    assert_says(chart, "   0.001 |");
    assert_says(chart, "epoch 1");
    assert_says(chart, " 401\n");
    udy_free(chart);
}

static void training_and_validation_are_told_apart(void **state) {
    (void)state;
    double train[50], val[50];
    for (int i = 0; i < 50; i++) {
        train[i] = 0.01;
        val[i] = 1;
    }
    char row[512];
    char *chart = udy_loss_sparkline(train, val, 50, 60, 8, true);
    row_of(row, chart, 0);
    assert_int_equal(strspn(row, "o"), 50);
    row_of(row, chart, 5);
    assert_int_equal(strspn(row, "*"), 50);
    assert_says(chart, "* training, o validation");
    udy_free(chart);
    chart = udy_loss_sparkline(train, val, 50, 72, 8, false);
    row_of(row, chart, 5);
    assert_says(row, "\u28c0\u28c0\u28c0\u28c0");  // a line along the lowest dots
    row_of(row, chart, 0);
    assert_null(strstr(row, "\u2809"));  // dots with gaps, never two side by side
    assert_says(chart, "training (line), validation (dots)");
    udy_free(chart);
}

static void odd_curves_are_drawn_or_said_not_to_be(void **state) {
    (void)state;
    const double none[3] = {NAN, 0, -INFINITY}, gaps[5] = {1, NAN, 0.1, INFINITY, 0.01},
                 one[1] = {2};
    for (int i = 0; i < 3; i++) {
        char *chart = udy_loss_sparkline(i == 2 ? NULL : none, i == 1 ? none : NULL, i == 2 ? 0 : 3,
                                         60, 8, false);
        assert_string_equal(chart, "(no finite, positive loss to draw)\n");
        udy_free(chart);
    }
    char *chart = udy_loss_sparkline(gaps, none, 3, -5, -5, true);
    assert_non_null(strchr(chart, '*'));
    udy_free(chart);
    chart = udy_loss_sparkline(none, gaps, 3, 60, 8, false);
    assert_says(chart, "validation");
    assert_null(strstr(chart, "training"));
    udy_free(chart);
    chart = udy_loss_sparkline(gaps, NULL, 5, 40, 6, true);
    char row[512];
    row_of(row, chart, 0);
    assert_int_equal(row[0], '*');
    row_of(row, chart, 3);
    assert_int_equal(row[strlen(row) - 1], '*');
    udy_free(chart);
    chart = udy_loss_sparkline(one, NULL, 1, 100000, 100000, false);
    assert_int_equal(count_lines(chart), 1000);
    udy_free(chart);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_holds_every_number_of_every_row),
        cmocka_unit_test(footnotes_explain_what_is_shown),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(a_narrow_terminal_loses_the_least_important_columns_first),
        cmocka_unit_test(what_is_not_known_is_a_dash),
        cmocka_unit_test(small_returns_get_decimals_and_large_ones_separators),
        cmocka_unit_test(the_curve_has_the_size_asked_for),
        cmocka_unit_test(the_curve_falls_from_the_top_left_to_the_bottom_right_on_a_log_scale),
        cmocka_unit_test(training_and_validation_are_told_apart),
        cmocka_unit_test(odd_curves_are_drawn_or_said_not_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
