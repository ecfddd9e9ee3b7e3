// The figures of a shift with something missing from it, with numbers that are not, or with names
// that gnuplot could take for more than names: a figure, or a refusal in words; never a broken
// script.
#include "test_figures_shift_common.h"

// Drawn, or refused in words with nothing left behind.
static bool expect_sane(int f, const udy_shift *shift, const char *what) {
    char dir[1024];
    udy_error err = {0};
    int rc = draw(dir, f, shift, &err);
    if (rc == UDY_OK) {
        expect_figure(dir, figures[f].name);
        return true;
    }
    if (rc != UDY_EINVAL || strlen(err.message) < 20 || !strstr(err.message, figures[f].name))
        fail_msg("%s with %s: %s: %s", figures[f].name, what, udy_status_name(rc), err.message);
    assert_int_equal(access(dir, F_OK), -1);
    return false;
}

static void nothing_to_draw_is_said_in_words(void **state) {
    (void)state;
    udy_error err = {0};
    made_up m;
    made_up_begin(&m, 1);
    udy_shift empty = {.dt = 0.05}, still = m.shift;
    still.dt = 0;
    for (int f = 0; f < N_FIGURES; f++) {
        assert_int_equal(figures[f].draw(NULL, &m.shift, &err), UDY_EINVAL);
        assert_non_null(strstr(err.message, figures[f].name));
        assert_int_equal(figures[f].draw(at_root("none"), NULL, &err), UDY_EINVAL);
        assert_int_equal(figures[f].draw(at_root("none"), &empty, &err), UDY_EINVAL);
        assert_int_equal(figures[f].draw(at_root("none"), &still, &err), UDY_EINVAL);
        assert_non_null(strstr(err.message, figures[f].name));
    }
    assert_int_equal(access(at_root("none"), F_OK), -1);
    made_up_free(&m);
}

static void an_expert_alone_is_drawn_or_refused_in_words(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_begin(&m, 1);
    for (int f = 0; f < N_FIGURES; f++) {
        bool drawn = expect_sane(f, &m.shift, "one policy");
        assert_true(drawn || !strcmp(figures[f].name, "rounds"));
    }
    made_up_free(&m);
}

// What was not measured: arrays that are not there, and counts of 0.
static void a_shift_with_nothing_in_it_is_drawn_or_refused_in_words(void **state) {
    (void)state;
    need_gnuplot();
    udy_shift_policy policies[2] = {{.name = "expert"}, {.name = "dagger-0"}};
    udy_shift s = {.dt = 0.05, .n = 2, .policies = policies};
    int n_drawn = 0;
    for (int f = 0; f < N_FIGURES; f++) n_drawn += expect_sane(f, &s, "nothing measured");
    assert_true(n_drawn >= 1);
    for (int i = 0; i < 2; i++) {  // counts without their arrays
        policies[i].n_windows = policies[i].n_survival = policies[i].n_hazard = 7;
        policies[i].n_before = policies[i].n_push = 3;
    }
    s.n_columns = s.n_T = 4;
    s.config.map_bins = 8;
    for (int f = 0; f < N_FIGURES; f++) (void)expect_sane(f, &s, "counts without arrays");
}

// Two windows, one horizon, no falls, distances of 0, no spread, no intervals, numbers that are
// not.
static void thin_and_broken_numbers_are_drawn_or_refused_in_words(void **state) {
    (void)state;
    need_gnuplot();
    for (int kind = 0; kind < 4; kind++) {
        made_up m;
        made_up_run(&m);
        double bad = kind == 2 ? NAN : kind == 3 ? INFINITY : 0;
        for (int i = 0; i < m.shift.n; i++) {
            udy_shift_policy *p = &m.shift.policies[i];
            if (kind == 0) {  // thin
                p->n_windows = p->n_windows < 2 ? p->n_windows : 2;
                p->n_push = p->n_push > 0;
                p->n_before = p->n_before > 0;
                p->n_survival = p->n_survival > 0;
                p->n_hazard = p->n_hazard > 0;
                continue;
            }
            p->joint.energy = (udy_measure){.value = bad, .ci = {bad, bad}, .null = {bad, bad}};
            p->distance = p->error_own = p->error_expert = (udy_shift_value){bad, {bad, bad}};
            p->far = bad;
            if (p->brief) continue;
            for (int c = 0; c < m.shift.n_columns; c++) p->columns[c].wasserstein = p->joint.energy;
            for (int w = 0; w < p->n_windows; w++) {
                udy_shift_window *o = &p->windows[w];
                o->energy.energy = p->joint.energy;
                o->error = o->distance = p->distance;
                for (int k = 0; k < 3; k++) o->height[k] = o->speed[k] = bad;
            }
            for (int b = 0; b < UDY_SHIFT_BINS; b++) p->height_density[b] = bad;
            for (int c = 0; c < 48 * 48; c++) p->map[c] = bad;
            for (int k = 0; k < m.shift.n_T; k++) p->cost[k] = bad;
            for (int k = 0; k < p->n_push; k++)
                p->push[k].median_steps = p->push[k].back_ci[0] = bad;
            for (int k = 0; k < p->n_before; k++)
                p->before[k] = (udy_shift_before){p->before[k].t, 3, bad, bad, bad, bad};
        }
        if (kind == 0) m.shift.n_T = 1;
        if (kind == 1) m.shift.height_range[1] = m.shift.height_range[0];
        for (int f = 0; f < N_FIGURES; f++) (void)expect_sane(f, &m.shift, "broken numbers");
        made_up_free(&m);
    }
}

static void nobody_falling_is_a_figure_that_says_so(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_begin(&m, 2);
    made_up_policy(&m, "dagger-4", "DAgger round 4", 0.0001, false, 100);
    assert_int_equal(m.shift.policies[1].falls, 0);
    char dir[1024];
    expect_drawn(dir, figure_called("falls"), &m.shift);
    char *svg = slurp(dir, "falls", "svg", NULL);
    assert_non_null(strstr(svg, "No episode ended early"));
    assert_non_null(strstr(svg, "no early end"));
    udy_free(svg);
    made_up_free(&m);
}

static void many_policies_with_hostile_names_are_drawn(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    char hostile[48], name[32], dir[1024];
    made_up_begin(&m, 20);
    static const char *const odd[] = {"a_b^c @d {e} \"f\" 'g' %d %s \\n \xC3\xA4",
                                      "`touch pwned` '; system('touch pwned') #",
                                      "<b>&amp; \xFF\xFE broken, and a comma, \"quoted\"",
                                      "a label as long as a label can be, to its end"};
    for (int i = 0; i < 13; i++) {
        snprintf(hostile, sizeof hostile, "%s", odd[i % 4]);
        snprintf(name, sizeof name, i % 3 ? "dagger-%d" : "\"x,%d", i);
        made_up_policy(&m, name, hostile, 0.1 + 0.06 * i, false, 100 * i);
    }
    snprintf(m.shift.column_name[3], 64, "%s", odd[1]);
    snprintf(m.shift.column_name[4], 64, "%s", odd[2]);
    for (int f = 0; f < N_FIGURES; f++) {
        expect_drawn(dir, f, &m.shift);
        char path[1100];
        snprintf(path, sizeof path, "%s/pwned", dir);
        assert_int_equal(access(path, F_OK), -1);
        if (!strcmp(figures[f].name, "rounds")) continue;
        char *svg = slurp(dir, figures[f].name, "svg", NULL);
        assert_non_null(strstr(svg, "(the first 12 of 14 policies)"));
        udy_free(svg);
    }
    made_up_free(&m);
}

static void long_labels_keep_both_ends(void **state) {
    (void)state;
    char out[UDY__LABEL_SIZE];
    assert_int_equal(udy__label_shorten(out, "BC", 30), 2);
    assert_string_equal(out, "BC");
    assert_int_equal(udy__label_shorten(out, "runs/first/policies/best.safetensors", 30), 30);
    assert_string_equal(out, "runs/first/poli\xE2\x80\xA6st.safetensors");
    // Characters are counted, not bytes; none is cut.
    char long_name[200] = "";
    for (int i = 0; i < 40; i++) strcat(long_name, i % 2 ? "\xC3\xA4" : "\xE2\x82\xAC");
    assert_int_equal(udy__label_shorten(out, long_name, 30), 30);
    assert_true(udy__utf8_valid(out));
    long_name[0] = '\0';
    assert_int_equal(udy__label_shorten(out, long_name, 30), 0);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_draw_is_said_in_words),
        cmocka_unit_test(an_expert_alone_is_drawn_or_refused_in_words),
        cmocka_unit_test(a_shift_with_nothing_in_it_is_drawn_or_refused_in_words),
        cmocka_unit_test(thin_and_broken_numbers_are_drawn_or_refused_in_words),
        cmocka_unit_test(nobody_falling_is_a_figure_that_says_so),
        cmocka_unit_test(many_policies_with_hostile_names_are_drawn),
        cmocka_unit_test(long_labels_keep_both_ends),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
