// The figures of a shift, from a made-up one that is shaped as a real one is: the data beside them
// are the numbers given, the drawings are whole, and say what they show.
#include "test_figures_shift_common.h"

static void every_figure_of_a_run_is_four_whole_files(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    char dir[1024];
    for (int f = 0; f < N_FIGURES; f++) expect_drawn(dir, f, &m.shift);
    made_up_free(&m);
}

static void drawings_name_what_they_show(void **state) {
    (void)state;
    need_gnuplot();
    static const struct {
        const char *figure, *texts[8];
    } expected[] = {
        {"states",
         {"BC (50 episodes)", "DAgger round 10", "Torso height (m)", "Forward speed (m/s)",
          "Wasserstein distance to the expert\xE2\x80\x99s speeds (m/s)"}},
        {"traces", {"Expert, other seeds", "ended early: ", "Time (s)"}},
        {"map",
         {"Component 1", "Component 2", "(31 and 17 % of the variance)", "% outside",
          "Share of states in a cell (%)"}},
        {"divergence", {"Energy distance", "Time (s)", "Standard deviations", "DAgger round 7"}},
        {"dimensions", {"torso height", "ankle 4 velocity", "(standard deviations)"}},
        {"rounds", {"DAgger, by round", "BC (50 episodes)", "DAgger round", "Share of states (%)"}},
        {"compounding",
         {"BC (50 episodes): exponent 1.44 (1.29 to 1.64)", "slope 1", "slope 2",
          "Expert, other seeds: no power law", "Horizon T (control steps)"}},
        {"falls", {"Still going", "Early ends (1/s)", "Height (m)", "Time before the end (s)"}},
        {"pushes", {"Push (m/s)", "Came back", "20 pushes of each size, 10 s to come back"}},
    };
    made_up m;
    made_up_run(&m);
    for (size_t e = 0; e < sizeof expected / sizeof *expected; e++) {
        char dir[1024];
        udy_error err = {0};
        if (draw(dir, figure_called(expected[e].figure), &m.shift, &err))
            fail_msg("%s", err.message);
        char *svg = slurp(dir, expected[e].figure, "svg", NULL);
        for (int i = 0; i < 8 && expected[e].texts[i]; i++)
            if (!strstr(svg, expected[e].texts[i]))
                fail_msg("%s does not say \"%s\"", expected[e].figure, expected[e].texts[i]);
        // Rounds measured in brief are drawn where all rounds are.
        assert_null(strstr(svg, "DAgger round 3"));
        udy_free(svg);
    }
    made_up_free(&m);
}

//------------------------------------------ Data --------------------------------------------------

enum { FIELDS_MAX = 16 };

// A table of data, cut into its fields.
typedef struct table {
    char *text;
    char *names[FIELDS_MAX];
    char *(*rows)[FIELDS_MAX];
    int n_fields, n;
} table;

// Cuts a line in place; a quoted field loses its quotes, and has none inside.
static int cut(char *line, char *fields[FIELDS_MAX]) {
    int n = 0;
    while (line) {
        assert_true(n < FIELDS_MAX);
        bool quoted = *line == '"';
        fields[n++] = line += quoted;
        if (quoted) {
            line = strchr(line, '"');
            assert_non_null(line);
            *line++ = '\0';
        }
        line = strchr(line, ',');
        if (line) *line++ = '\0';
    }
    return n;
}

static table read_table(const char *dir, const char *name) {
    table t = {.text = slurp(dir, name, "csv", NULL)};
    char *rest = t.text;
    t.n_fields = cut(strsep(&rest, "\n"), t.names);
    int most = 0;
    for (char *c = rest; *c; c++) most += *c == '\n';
    t.rows = udy_alloc((size_t)(most + 1) * sizeof *t.rows);
    while (*rest) assert_int_equal(cut(strsep(&rest, "\n"), t.rows[t.n++]), t.n_fields);
    return t;
}

static void free_table(table *t) {
    udy_free(t->rows);
    udy_free(t->text);
}

static const char *field(const table *t, int row, const char *name) {
    for (int k = 0; k < t->n_fields; k++)
        if (!strcmp(t->names[k], name)) return t->rows[row][k];
    fail_msg("no column is called %s", name);
    return NULL;
}

// The k-th row of a policy for a panel; -1: there are no more.
static int find(const table *t, const char *policy, const char *panel, int k) {
    for (int row = 0; row < t->n; row++)
        if (!strcmp(field(t, row, "policy"), policy) && !strcmp(field(t, row, "panel"), panel) &&
            k-- == 0)
            return row;
    return -1;
}

static void expect_number(const table *t, int row, const char *name, double value) {
    assert_true(row >= 0 && row < t->n);
    const char *text = field(t, row, name);
    if (!isfinite(value)) {
        assert_string_equal(text, "");
    } else if (!*text || strtod(text, NULL) != value) {
        fail_msg("row %d: %s is \"%s\", expected %.17g", row + 2, name, text, value);
    }
}

static void expect_near(double value, double expected) {
    if (!(fabs(value - expected) < 1e-9)) fail_msg("%.17g, expected %.17g", value, expected);
}

static table draw_table(const char *name, const udy_shift *shift) {
    char dir[1024];
    udy_error err = {0};
    if (draw(dir, figure_called(name), shift, &err)) fail_msg("%s", err.message);
    return read_table(dir, name);
}

static const udy_shift_policy *policy_called(const udy_shift *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->policies[i].name, name)) return &s->policies[i];
    fail_msg("no policy is called %s", name);
    return NULL;
}

static void states_and_dimensions_hold_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    const udy_shift *s = &m.shift;
    const udy_shift_policy *bc = policy_called(s, "bc");
    table t = draw_table("states", s);
    double width = (s->speed_range[1] - s->speed_range[0]) / UDY_SHIFT_BINS;
    for (int b = 0; b < UDY_SHIFT_BINS; b++) {
        expect_number(&t, find(&t, "bc", "height", b), "percent", 100 * bc->height_density[b]);
        expect_number(&t, find(&t, "bc", "speed", b), "x", s->speed_range[0] + (b + 0.5) * width);
    }
    assert_int_equal(find(&t, "bc", "speed", UDY_SHIFT_BINS), -1);
    int row = find(&t, "bc", "speed distance", 0);
    expect_number(&t, row, "value", bc->columns[1].wasserstein.value);
    expect_number(&t, row, "lo", bc->columns[1].wasserstein.ci[0]);
    expect_number(&t, row, "null", bc->columns[1].wasserstein.null[1]);
    expect_number(&t, row, "p", bc->columns[1].wasserstein.p);
    assert_int_equal(find(&t, "dagger-3", "height", 0), -1);  // brief
    free_table(&t);

    t = draw_table("dimensions", s);
    assert_int_equal(t.n, 5 * s->n_columns);
    double above = INFINITY;
    for (int k = 0; k < s->n_columns; k++) {
        row = find(&t, "dagger-10", "column", k);
        int column = 0;
        while (strcmp(s->column_name[column], field(&t, row, "column")) != 0) column++;
        assert_true(k < 2 ? column == k : column >= 2);  // height and speed come first
        const udy_measure *d = &policy_called(s, "dagger-10")->columns[column].wasserstein;
        expect_number(&t, row, "row", s->n_columns - k);
        expect_number(&t, row, "distance", d->value);
        expect_number(&t, row, "distance_sd", d->value / s->column_std[column]);
        expect_number(&t, row, "null_sd", d->null[1] / s->column_std[column]);
        assert_string_equal(field(&t, row, "unit"), s->column_unit[column]);
        double most = 0;  // the rest by the largest distance of any policy
        for (int i = 0; i < s->n; i++)
            if (!s->policies[i].brief)
                most = fmax(
                    most, s->policies[i].columns[column].wasserstein.value / s->column_std[column]);
        assert_true(k < 2 || most <= above);
        above = k < 2 ? INFINITY : most;
    }
    free_table(&t);
    made_up_free(&m);
}

static void curves_by_time_hold_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    m.shift.policies[1].windows[4].energy.known = false;
    const udy_shift_policy *bc = policy_called(&m.shift, "bc");
    table traces = draw_table("traces", &m.shift), t = draw_table("divergence", &m.shift);
    for (int w = 0; w < bc->n_windows; w++) {
        const udy_shift_window *o = &bc->windows[w];
        int row = find(&traces, "bc", "height", w);
        expect_number(&traces, row, "time_s", 0.5 * (o->first + o->end) * 0.05);
        expect_number(&traces, row, "episodes", o->n);
        expect_number(&traces, row, "q10", o->height[0]);
        expect_number(&traces, row, "median", o->height[1]);
        expect_number(&traces, find(&traces, "bc", "speed", w), "q90", o->speed[2]);
        row = find(&t, "bc", "distance", w);
        expect_number(&t, row, "value", o->distance.value);
        expect_number(&t, row, "hi", o->distance.ci[1]);
        row = find(&t, "bc", "error", w);
        expect_number(&t, row, "value", o->error.value);
        expect_number(&t, row, "lo", o->error.ci[0]);
        if (w == 4) continue;
        row = find(&t, "bc", "energy", w - (w > 4));
        expect_number(&t, row, "value", o->energy.energy.value);
        expect_number(&t, row, "null", o->energy.energy.null[1]);
        expect_number(&t, row, "p", o->energy.energy.p);
    }
    assert_int_equal(find(&t, "bc", "energy", bc->n_windows - 1), -1);  // one is not known
    expect_number(&t, find(&t, "bc", "error on expert states", 0), "value", bc->error_expert.value);
    free_table(&traces);
    free_table(&t);
    made_up_free(&m);
}

static void map_holds_the_shares_and_outlines_the_experts(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    const udy_shift_policy *bc = policy_called(&m.shift, "bc");
    table t = draw_table("map", &m.shift);
    int bins = m.shift.config.map_bins, k = 0;
    double cell = (m.shift.map_range[0][1] - m.shift.map_range[0][0]) / bins;
    for (int c = 0; c < bins * bins; c++) {
        if (bc->map[c] == 0) continue;
        int row = find(&t, "bc", "cell", k++);
        expect_number(&t, row, "percent", 100 * bc->map[c]);
        expect_near(strtod(field(&t, row, "x"), NULL),
                    m.shift.map_range[0][0] + (c % bins + 0.5) * cell);
        expect_near(strtod(field(&t, row, "y"), NULL),
                    m.shift.map_range[1][0] + (c / bins + 0.5) * cell);
    }
    assert_int_equal(find(&t, "bc", "cell", k), -1);
    // The outline is closed: as many edges start to the right of a cell as to its left, and each is
    // one cell long.
    int n_edges = 0;
    for (int row; (row = find(&t, "expert", "outline", n_edges)) >= 0; n_edges++) {
        double dx = strtod(field(&t, row, "dx"), NULL), dy = strtod(field(&t, row, "dy"), NULL);
        assert_true((dx == 0) != (dy == 0));
        expect_near(dx + dy, cell);
    }
    assert_true(n_edges >= 8 && n_edges % 2 == 0);
    free_table(&t);
    made_up_free(&m);
}

static void rounds_compounding_and_pushes_hold_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    const udy_shift *s = &m.shift;
    table t = draw_table("rounds", s);
    for (int i = 0; i < s->n; i++) {
        const udy_shift_policy *p = &s->policies[i];
        int row = find(&t, p->name, "energy", 0);
        expect_number(&t, row, "round", i < 2 ? (double)NAN : i - 2.0);
        expect_number(&t, row, "value", p->joint.energy.value);
        expect_number(&t, row, "p", p->joint.energy.p);
        expect_number(&t, row, "labels", p->has_labels ? (double)p->labels : (double)NAN);
        expect_number(&t, find(&t, p->name, "distance", 0), "hi", p->distance.ci[1]);
        expect_number(&t, find(&t, p->name, "far", 0), "value", 100 * p->far);
        expect_number(&t, find(&t, p->name, "error", 0), "value", p->error_own.value);
        expect_number(&t, find(&t, p->name, "error on expert states", 0), "lo",
                      p->error_expert.ci[0]);
    }
    free_table(&t);
    t = draw_table("compounding", s);
    const udy_shift_policy *bc = policy_called(s, "bc");
    for (int k = 0; k < s->n_T; k++) {
        int row = find(&t, "bc", "cost", k);
        expect_number(&t, row, "T", s->T[k]);
        expect_number(&t, row, "cost", bc->cost[k]);
        expect_number(&t, row, "fit", bc->exponent.c * pow(s->T[k], bc->exponent.k));
        expect_number(&t, find(&t, "expert", "cost", k), "fit", NAN);  // no power law
    }
    free_table(&t);
    t = draw_table("pushes", s);
    for (int k = 0; k < 4; k++) {
        const udy_shift_push *p = &bc->push[k];
        int row = find(&t, "bc", "back", k);
        expect_number(&t, row, "push_m_per_s", p->speed);
        expect_number(&t, row, "value", 100.0 * p->back / p->n);
        expect_number(&t, row, "lo", 100 * p->back_ci[0]);
        expect_number(&t, find(&t, "bc", "fell", k), "value", 100.0 * p->fell / p->n);
        expect_number(&t, find(&t, "bc", "seconds", k), "value", p->median_steps * s->dt);
    }
    free_table(&t);
    made_up_free(&m);
}

static void falls_hold_the_numbers_given(void **state) {
    (void)state;
    need_gnuplot();
    made_up m;
    made_up_run(&m);
    const udy_shift_policy *p = policy_called(&m.shift, "dagger-0");
    assert_true(p->falls > 0);
    table t = draw_table("falls", &m.shift);
    for (int k = 0; k < p->n_survival; k++) {
        int row = find(&t, "dagger-0", "standing", k);
        expect_number(&t, row, "time_s", p->survival[k].t * 0.05);
        expect_number(&t, row, "value", 100 * p->survival[k].survival);
        expect_number(&t, row, "lo", 100 * p->survival[k].ci[0]);
        expect_number(&t, row, "episodes", p->survival[k].at_risk);
    }
    assert_int_equal(find(&t, "dagger-0", "standing", p->n_survival), -1);
    for (int k = 0; k < p->n_hazard; k++) {
        int row = find(&t, "dagger-0", "hazard", k);
        expect_number(&t, row, "value", p->hazard[k].hazard / 0.05);
        expect_number(&t, row, "falls", p->hazard[k].falls);
    }
    for (int k = 0; k < p->n_before; k++) {
        int row = find(&t, "dagger-0", "height before", k);
        expect_number(&t, row, "time_s", p->before[k].t * 0.05);
        expect_number(&t, row, "value", p->before[k].height);
        expect_number(&t, find(&t, "dagger-0", "speed before", k), "value", p->before[k].speed);
        expect_number(&t, find(&t, "dagger-0", "error before", k), "value", p->before[k].error);
        expect_number(&t, find(&t, "dagger-0", "distance before", k), "value",
                      p->before[k].distance);
    }
    assert_int_equal(find(&t, "expert", "height before", 0), -1);  // it never fell
    free_table(&t);
    made_up_free(&m);
}

//------------------------------------------ Labels ------------------------------------------------

static void add_result(udy_results *r, const char *name, double mean, uint64_t labels) {
    udy_result_row *row = &r->rows[r->n_rows++];
    *row = (udy_result_row){.n = 20, .mean = mean, .labels = labels, .share = mean / 5000};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->label, sizeof row->label, "%s", name);
    row->ci95[0] = mean - 200;
    row->ci95[1] = mean + 150;
}

static void labels_hold_the_numbers_and_say_what_was_enough(void **state) {
    (void)state;
    need_gnuplot();
    udy_result_row rows[12];
    udy_results r = {.rows = rows};
    udy_error err = {0};
    add_result(&r, "random", -50, 0);
    add_result(&r, "bc", 4400, 49000);
    add_result(&r, "dagger-1", 4600, 20000);  // in no order
    add_result(&r, "dagger-0", 1500, 10000);
    add_result(&r, "dagger-2", 4300, 30000);
    add_result(&r, "dagger-best", 4550, 20000);
    add_result(&r, "expert", 5000, 0);
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root("labels"));
    if (udy_figure_labels(dir, &r, &err)) fail_msg("%s", err.message);
    assert_int_equal(count_entries(dir), 4);
    expect_figure(dir, "labels");
    table t = read_table(dir, "labels");
    assert_int_equal(t.n, 6);
    for (int round = 0; round < 3; round++) {
        char name[32];
        snprintf(name, sizeof name, "dagger-%d", round);
        int row = find(&t, name, "dagger", 0);
        assert_true(round == 0 || row > find(&t, "dagger-0", "dagger", 0));  // by labels
        expect_number(&t, row, "labels", 10000 * (round + 1));
        expect_number(&t, row, "mean", round == 0 ? 1500 : round == 1 ? 4600 : 4300);
        expect_number(&t, row, "round", round);
    }
    expect_number(&t, find(&t, "bc", "bc", 0), "ci95_lo", 4200);
    expect_number(&t, find(&t, "expert", "expert", 0), "labels", NAN);
    free_table(&t);
    char *svg = slurp(dir, "labels", "svg", NULL);
    assert_non_null(strstr(svg, "BC: less than 90 % of the expert with 49k labels"));
    assert_non_null(strstr(svg, "DAgger, by round: 90 % of the expert with 20k labels"));
    udy_free(svg);
    // Without an expert, an interval, or a positive level there is nothing to say of 90 %.
    r.n_rows = 2;
    rows[1].ci95[0] = rows[1].ci95[1] = NAN;
    if (udy_figure_labels(dir, &r, &err)) fail_msg("%s", err.message);
    expect_figure(dir, "labels");
    rows[1].mean = -4400;
    add_result(&r, "expert", -3000, 0);
    if (udy_figure_labels(dir, &r, &err)) fail_msg("%s", err.message);
    expect_figure(dir, "labels");
    r.n_rows = 1;
    assert_int_equal(udy_figure_labels(at_root("none"), &r, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "labels"));
    assert_int_equal(udy_figure_labels(NULL, &r, &err), UDY_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_of_a_run_is_four_whole_files),
        cmocka_unit_test(drawings_name_what_they_show),
        cmocka_unit_test(states_and_dimensions_hold_the_numbers_given),
        cmocka_unit_test(curves_by_time_hold_the_numbers_given),
        cmocka_unit_test(map_holds_the_shares_and_outlines_the_experts),
        cmocka_unit_test(rounds_compounding_and_pushes_hold_the_numbers_given),
        cmocka_unit_test(falls_hold_the_numbers_given),
        cmocka_unit_test(labels_hold_the_numbers_and_say_what_was_enough),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
