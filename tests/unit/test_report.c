// The report (src/show/report*.c): one page that needs nothing else, with this run's numbers in its
// sentences whichever way they came out, from made-up runs whose numbers are known.
//
//     test_report --write FOLDER    make a run with everything in it, for tests/web
#include "test_report_sample.h"

#include "show/report.h"

static sample s;
static int n_figures;

// The figures are drawn once; the page does not look into them.
static int make_sample(void **state) {
    if (make_root(state)) return -1;
    sample_make(&s);
    n_figures = sample_draw(&s, at_root("drawn"));
    return 0;
}
static void lend_figures(const char *run) {
    char from[1200], to[1200];
    snprintf(from, sizeof from, "%s/drawn/figures", root);
    snprintf(to, sizeof to, "%s/figures", run);
    CHECK(udy_dir_make(run, err));
    assert_int_equal(symlink(from, to), 0);
}

static int remove_sample(void **state) {
    sample_free(&s);
    return remove_root(state);
}

// Was three.js there when the page was built?
static bool has_replay(void) {
    return udy_file_exists(WEB_DIR "/replay.js");
}

// A fresh run folder below root; its report as text. The caller's to free.
static char *report_of(const char *run, bool with_shift) {
    char path[1200], *html;
    size_t n;
    sample_write(&s, run);
    CHECK(sample_report(&s, run, with_shift, err));
    snprintf(path, sizeof path, "%s/report.html", run);
    CHECK(udy_file_read(&html, &n, path, (size_t)64 << 20, err));
    assert_true(n < 15000000);
    return html;
}

static void expect(const char *html, const char *part) {
    if (!strstr(html, part)) fail_msg("'%s' is not in the report", part);
}
static void expect_not(const char *html, const char *part) {
    const char *at = strstr(html, part);
    if (at) fail_msg("'%s' is in the report: %.80s", part, at);
}

static int count(const char *html, const char *part) {
    int n = 0;
    for (const char *c = strstr(html, part); c; c = strstr(c + 1, part)) n++;
    return n;
}

//------------------------------------------ Letters -----------------------------------------------

static void text_is_escaped_and_numbers_are_readable(void **state) {
    (void)state;
    udy__text t = {0};
    udy__html_add(&t, "a<b>&\"'\x01\xFFz");
    udy__html_say(&t, " %d %% of %s", 50, "<i>");
    char *text = udy__text_take(&t);
    assert_string_equal(text, "a&lt;b&gt;&amp;&quot;&#39; \xEF\xBF\xBDz 50&#160;% of &lt;i&gt;");
    udy_free(text);
    static const char *const words[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        t = (udy__text){0};
        udy__base64_add(&t, words[i][0], strlen(words[i][0]));
        text = udy__text_take(&t);
        assert_string_equal(text, words[i][1]);
        udy_free(text);
    }
    assert_string_equal(NUMBER(1234567.8, 0), "1,234,568");
    assert_string_equal(NUMBER(-1234.5, 1), "-1,234.5");
    assert_string_equal(NUMBER(-0.001, 1), "0.0");
    assert_string_equal(NUMBER(0.0123456, -1), "0.0123");
    assert_string_equal(NUMBER(4321.0, -1), "4,321");
    assert_string_equal(NUMBER(0, -1), "0");
    assert_string_equal(NUMBER(NAN, 2), "unknown");
    assert_string_equal(P_VALUE(0.0004),
                        "p\xC2\xA0<\xC2\xA0"
                        "0.001");
    assert_string_equal(P_VALUE(0.012),
                        "p\xC2\xA0=\xC2\xA0"
                        "0.012");
    assert_string_equal(P_VALUE(0.62),
                        "p\xC2\xA0=\xC2\xA0"
                        "0.62");
}

static void a_program_cannot_end_its_element_nor_data_theirs(void **state) {
    (void)state;
    udy__text t = {0};
    udy__html_add_script(&t, "a='</SCRIPT>';b='<!--';c=1<2");
    char *text = udy__text_take(&t);
    assert_string_equal(text, "<script>\na='<\\/SCRIPT>';b='<\\!--';c=1<2\n</script>\n");
    udy_free(text);
    udy_json *o = udy_json_object();
    udy_json_put_string(o, "a&b", "</script><!--");
    t = (udy__text){0};
    CHECK(udy__html_add_json(&t, o, err));
    text = udy__text_take(&t);
    assert_string_equal(text, "{\"a\\u0026b\": \"\\u003c/script\\u003e\\u003c!--\"}");
    udy_free(text);
}

static void a_template_is_filled_once_and_lacks_nothing(void **state) {
    (void)state;
    const udy__slot slots[] = {{"a", "{{b}}"}, {"b", "2"}};
    udy__text t = {0};
    CHECK(udy__html_fill(&t, "t.html", "x{{a}}y{{b}}z", slots, 2, err));
    char *text = udy__text_take(&t);
    assert_string_equal(text, "x{{b}}y2z");
    udy_free(text);
    EXPECT_ERROR(UDY_EFORMAT, udy__html_fill(&t, "t.html", "{{no}}", slots, 2, err), "t.html",
                 "no");
    EXPECT_ERROR(UDY_EFORMAT, udy__html_fill(&t, "t.html", "{{a", slots, 2, err), "t.html");
    udy__text_drop(&t);
}

//------------------------------------------ The page ----------------------------------------------

static void a_report_is_one_file_with_everything_in_it(void **state) {
    (void)state;
    const char *run = at_root("whole");
    sample_film(run, "side-by-side.mp4");
    lend_figures(run);
    char *html = report_of(run, true);
    assert_int_equal(count(html, "src=\"data:image/"), n_figures);
    assert_int_equal(count(html, "<img alt=\""), n_figures);
    assert_int_equal(count(html, "<img alt=\"\""), 0);
    assert_int_equal(count(html, "data-base64=\"video-"), 1);
    expect(html, "Side by side (video/side-by-side.mp4");
    expect(html, has_replay() ? "id=\"replay-data\"" : "could not fetch three.js");
    expect(html, "default-src 'none'");
    static const char *const outside[] = {"src=\"http", "href=\"http", "src=\"//",
                                          "url(http",   "@import",     "<link rel=\"stylesheet\""};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) expect_not(html, outside[i]);
    if (has_replay()) expect_not(html, "class=\"missing\"");
    // How it was made.
    expect(html, "<dd>12345</dd>");
    expect(html, "MuJoCo 4.0.0, oneDNN 2.6.3");
    expect(html, "2 threads, x86-64-v4");
    expect(html, "demo_episodes: 50");
    *strstr(html, "<script") = '\0';  // from here on it is programs and data
    expect_not(html, "{{");
    expect_not(html, "unknown");
    udy_free(html);
}

static void sentences_hold_this_runs_numbers(void **state) {
    (void)state;
    char *html = report_of(at_root("numbers"), true);
    expect(html, "An expert that returns 7,000 was imitated");
    expect(html, "from 50 episodes, reaches 65&#160;% of that, and 8 of 20 episodes end early");
    expect(html, "from 10 episodes it reaches 12&#160;%");
    expect(html, "reaches 86&#160;% in its best round");
    // No figures were drawn for this run, so the sentences under them are not there either.
    expect_not(html, "<figure aria");
    udy_free(html);
    lend_figures(at_root("numbers2"));
    html = report_of(at_root("numbers2"), true);
    expect(html, "least in epoch 97");
    // 0.87 of 7000: BC's 4550 is passed in round 5 (0.67), with 9800 + 5 * 4000 labels.
    expect(html, "DAgger is past that in round 5, with 29,800");
    expect(html, "DAgger round 5 has as much from 29,800, 61&#160;% of them");
    expect(html, "90&#160;% of the expert (6,300) is reached by neither");
    expect(html, "8 of 20 episodes cut short (body too low in 0, too high in 8)");
    expect(html, "The two hold 48&#160;% of their variance");
    char words[200];
    const udy_shift_policy *p = sample_policy(&s, "bc");
    snprintf(words, sizeof words, "BC from 50 episodes ends early in %d of 20 episodes", p->falls);
    expect(html, words);
    snprintf(words, sizeof words, "BC from 50 episodes in %d, BC from 10 episodes in %d",
             p->push[3].back, sample_policy(&s, "dagger-0")->push[3].back);
    expect(html, words);
    expect(html, "BC from 50 episodes: k = 1.44 (95&#160;% interval 1.29 to 1.64)");
    udy_free(html);
}

//------------------------------------------ Claims ------------------------------------------------

// The verdict that stands above a claim: the text of the last one before it.
static void expect_verdict(const char *html, const char *claim, const char *verdict) {
    const char *at = strstr(html, claim), *last = NULL;
    if (!at) fail_msg("no claim '%s'", claim);
    for (const char *c = strstr(html, "class=\"verdict"); c && c < at;
         c = strstr(c + 1, "class=\"verdict"))
        last = c;
    assert_non_null(last);
    last = strchr(last, '>') + 1;
    if (strncmp(last, verdict, strlen(verdict)) != 0)
        fail_msg("'%s': %.40s, expected %s", claim, last, verdict);
}

static const char bc_claim[] = "Behavioural cloning from 50 episodes";
static const char dagger_claim[] = "DAgger gets 70-90";
static const char shift_claim[] = "its own mistakes lead it";
static const char training_claim[] = "not too little training";
static const char square_claim[] = "as the square of the horizon";
static const char line_claim[] = "only as the horizon";
static const char mended_claim[] = "DAgger mends it";
static const char labels_claim[] = "fewer labels";

static void set_share(const char *name, double share, double half) {
    udy_result_row *row = sample_find(&s, name);
    row->share = share;
    row->mean = share * SAMPLE_EXPERT;
    row->ci95[0] = (share - half) * SAMPLE_EXPERT;
    row->ci95[1] = (share + half) * SAMPLE_EXPERT;
}

static void shares_are_judged_whichever_way_they_come_out(void **state) {
    (void)state;
    static const struct {
        double bc, half;
        const char *verdict;
    } cases[] = {{0.65, 0.03, "confirmed"},
                 {0.93, 0.03, "corrected: it is more"},
                 {0.31, 0.03, "corrected: it is less"},
                 {0.82, 0.06, "not decided"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_share("bc", cases[i].bc, cases[i].half);
        char *html = report_of(at_root("shares"), false);
        expect_verdict(html, bc_claim, cases[i].verdict);
        expect_verdict(html, dagger_claim, "confirmed");
        expect_verdict(html, labels_claim,
                       cases[i].bc > 0.89 ? "corrected: not in this run" : "confirmed");
        udy_free(html);
    }
    set_share("bc", 0.65, 0.03);
    // What the clone of fewer episodes has already is no merit of DAgger.
    set_share("dagger-0", 0.7, 0.03);
    char *html = report_of(at_root("shares"), false);
    expect_verdict(html, labels_claim, "not decided");
    expect(html, "BC from 10 episodes has the return of BC from 50 episodes");
    udy_free(html);
    sample_results(&s);
    // What was not lost cannot be a share.
    s.results.expert_mean = -5;
    html = report_of(at_root("negative"), false);
    expect_verdict(html, bc_claim, "not measured here");
    s.results.expert_mean = SAMPLE_EXPERT;
    udy_free(html);
}

static void exponents_are_judged_by_their_intervals(void **state) {
    (void)state;
    udy_exponent *few = &sample_policy(&s, "dagger-0")->exponent, kept = *few;
    udy_exponent *best = &sample_policy(&s, "dagger-7")->exponent, kept_best = *best;
    *few = (udy_exponent){UDY_FIT_FULL, 1.9, 1, {1.7, 2.1}, true, 0.99, 0, ""};
    *best = (udy_exponent){UDY_FIT_FULL, 1.05, 1, {0.9, 1.2}, true, 0.99, 0, ""};
    char *html = report_of(at_root("exponents"), true);
    expect_verdict(html, square_claim, "confirmed");
    expect_verdict(html, line_claim, "confirmed");
    udy_free(html);
    few->ci[1] = 1.95;
    *best = (udy_exponent){UDY_FIT_FULL, 1.5, 1, {1.3, 1.7}, true, 0.99, 0, ""};
    html = report_of(at_root("exponents"), true);
    expect_verdict(html, square_claim, "corrected: it grows more slowly");
    expect_verdict(html, line_claim, "corrected: it grows faster");
    udy_free(html);
    *few = (udy_exponent){.status = UDY_FIT_NONE, .words = "the cost is not positive"};
    html = report_of(at_root("exponents"), true);
    expect_verdict(html, square_claim, "cannot be told");
    expect(html, "no power law fits its cost: the cost is not positive.");
    udy_free(html);
    *few = kept;
    *best = kept_best;
}

static void set_error(udy_shift_policy *p, double own, double expert) {
    p->error_own = (udy_shift_value){own, {0.9 * own, 1.1 * own}};
    p->error_expert = (udy_shift_value){expert, {0.9 * expert, 1.1 * expert}};
}

static void the_shift_is_judged_by_states_and_errors(void **state) {
    (void)state;
    udy_shift_policy *few = sample_policy(&s, "dagger-0"), *best = sample_policy(&s, "dagger-7");
    udy_shift_policy kept[2] = {*few, *best};
    few->joint.energy.p = 0.001;
    set_error(few, 0.4, 0.02);
    set_error(best, 0.03, 0.015);
    char *html = report_of(at_root("why"), true);
    expect_verdict(html, shift_claim, "confirmed");
    expect_verdict(html, mended_claim, "confirmed");
    expect(html, "20 times as much. That difference is the distribution shift.");
    expect_verdict(html, training_claim, "confirmed");
    udy_free(html);

    few->joint.energy.p = 0.4;
    html = report_of(at_root("why"), true);
    expect_verdict(html, shift_claim, "in part");
    udy_free(html);

    set_error(few, 0.02, 0.02);
    set_error(sample_policy(&s, "bc"), 0.01, 0.01);
    set_error(best, 0.019, 0.02);
    html = report_of(at_root("why"), true);
    expect_verdict(html, shift_claim, "corrected: no shift is to be seen");
    expect_verdict(html, mended_claim, "not decided");
    expect(html, "little shift is to be seen in this run");
    udy_free(html);

    set_error(best, 0.2, 0.02);
    html = report_of(at_root("why"), true);
    expect_verdict(html, mended_claim, "corrected: it does not");
    udy_free(html);
    *few = kept[0];
    *best = kept[1];
}

static void a_loss_that_still_falls_is_told(void **state) {
    (void)state;
    for (int e = 90; e < SAMPLE_EPOCHS; e++) s.val[e] *= 0.97;
    char *html = report_of(at_root("falling"), false);
    expect_verdict(html, training_claim, "not decided");
    expect(html, "some of the gap may be too little training");
    udy_free(html);
    for (int e = 0; e < SAMPLE_EPOCHS; e++) s.val[e] = NAN;
    html = report_of(at_root("falling"), false);
    expect_verdict(html, training_claim, "not measured here");
    udy_free(html);
    sample_results(&s);
}

//------------------------------------------ What is missing ---------------------------------------

static void what_a_run_lacks_is_said_and_left_out(void **state) {
    (void)state;
    char *html = report_of(at_root("bare"), false);
    expect(html, "No episodes to replay: this run has no shift.json");
    expect(html, "The shift was not measured in this run");
    expect(html, "This run has no videos");
    expect_not(html, "id=\"replay-data\"");
    expect_verdict(html, shift_claim, "not measured here");
    expect_verdict(html, square_claim, "not measured here");
    expect_verdict(html, mended_claim, "not measured here");
    udy_free(html);
    // Nobody fell, nobody was pushed.
    for (int i = 0; i < s.made.shift.n; i++) {
        s.made.shift.policies[i].falls = s.made.shift.policies[i].n_before = 0;
        s.made.shift.policies[i].n_push = 0;
    }
    lend_figures(at_root("calm"));
    html = report_of(at_root("calm"), true);
    expect(html, "Nobody fell, so there is no last second to show.");
    expect(html, "This run measured no pushes.");
    udy_free(html);
    sample_free(&s);
    sample_make(&s);
}

static void a_shift_of_unknown_policies_is_told_too(void **state) {
    (void)state;
    made_up kept = s.made;
    made_up_begin(&s.made, 3);
    made_up_policy(&s.made, "mine", "My policy", 0.4, false, 0);
    s.results.n_rows = 1;  // random alone
    lend_figures(at_root("other"));
    char *html = report_of(at_root("other"), true);
    expect(html, "My policy is farthest in");
    expect_verdict(html, bc_claim, "not measured here");
    expect(html, "No episodes to replay");
    udy_free(html);
    made_up_free(&s.made);
    s.made = kept;
    sample_results(&s);
}

static void figures_that_are_not_there_are_named(void **state) {
    (void)state;
    const char *run = at_root("few");
    char path[1200];
    snprintf(path, sizeof path, "%s/figures", run);
    CHECK(udy_dir_make(path, err));
    snprintf(path, sizeof path, "%s/figures/sweep-of-mine.svg", run);
    put_file(path, "<svg viewBox=\"0 0 30 20\"></svg>", 31);
    char *html = report_of(run, true);
    expect(html, "Figures that this run does not have: loss, returns, dagger, labels, map, states");
    expect(html,
           "alt=\"sweep-of-mine\" width=\"30\" height=\"20\" src=\"data:image/svg+xml;base64,PHN2");
    udy_free(html);
}

static void a_picture_is_shown_whatever_its_format_or_named_where_it_is_too_large(void **state) {
    (void)state;
    const char *run = at_root("pictures");
    char path[1200];
    snprintf(path, sizeof path, "%s/figures", run);
    CHECK(udy_dir_make(path, err));
    snprintf(path, sizeof path, "%s/figures/Mine_2.png", run);
    put_file(path, "png", 3);
    // Larger than a page may be: its PNG takes its place, and alone it is named.
    static const char *const files[] = {"map.svg", "alone.svg"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/figures/%s", run, files[i]);
        put_file(path, "", 0);
        assert_int_equal(truncate(path, 20 << 20), 0);
    }
    snprintf(path, sizeof path, "%s/figures/map.png", run);
    put_file(path, "map", 3);
    char *html = report_of(run, true);
    expect(html, "src=\"data:image/png;base64,bWFw\"");
    expect(html, "alt=\"Mine_2\" src=\"data:image/png;base64,cG5n\"");
    expect(html, "figures/alone.svg (21.0 MB) is too large to be put in here");
    udy_free(html);
}

static void a_film_too_large_is_named_and_left_out(void **state) {
    (void)state;
    const char *run = at_root("large");
    char path[1200];
    sample_film(run, "b-small.mp4");
    snprintf(path, sizeof path, "%s/video/a-large.mp4", run);
    put_file(path, "", 0);
    assert_int_equal(truncate(path, 13 << 20), 0);
    snprintf(path, sizeof path, "%s/video/huge.mp4", run);
    put_file(path, "", 0);
    assert_int_equal(truncate(path, (off_t)2 << 30), 0);
    char *html = report_of(run, true);
    expect(html, "video/a-large.mp4 (13.6 MB) is too large");
    expect(html, "video/huge.mp4 (2,147.5 MB) is too large");
    expect(html, "B small (video/b-small.mp4");
    assert_int_equal(count(html, "data-base64=\"video-"), 1);
    udy_free(html);
}

//------------------------------------------ Strangers' names --------------------------------------

static void names_of_a_run_cannot_become_markup(void **state) {
    (void)state;
    const char *run = at_root("hostile");
    sample_film(run, "a'\"><img src=x onerror=alert(1)>.mp4");
    udy_result_row *row = sample_find(&s, "bc");
    snprintf(row->label, sizeof row->label, "%s", HOSTILE);
    udy_shift *shift = &s.made.shift;
    snprintf(shift->column_name[0], 64, "<b>height</b>");
    double *farthest = &sample_policy(&s, "bc")->columns[0].wasserstein.value, was = *farthest;
    *farthest = 100;
    udy_shift_policy kept = *sample_policy(&s, "dagger-10");
    udy_shift_policy *p = sample_policy(&s, "dagger-10");
    snprintf(p->name, sizeof p->name, "mine");
    snprintf(p->label, sizeof p->label, "%.47s", HOSTILE);
    snprintf(s.settings.expert, sizeof s.settings.expert, "%s", HOSTILE);
    lend_figures(run);
    char *html = report_of(run, true);
    expect_not(html, "window.pwned=1</script>");
    expect_not(html, "<img src=x");
    expect_not(html, "<b>height");
    expect(html, "&lt;b&gt;height&lt;/b&gt;");
    if (has_replay()) expect(html, "\\u003c/script\\u003e\\u003cscript\\u003e");
    udy_free(html);
    *p = kept;
    *farthest = was;
    udy_experiment_config_default(&s.settings);
    s.settings.seed = 12345;
    snprintf(shift->column_name[0], 64, "torso height");
    sample_results(&s);
}

//------------------------------------------ The replay --------------------------------------------

static uint8_t *from_base64(const char *text, size_t *n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *out = udy_alloc(strlen(text) + 4);
    uint32_t bits = 0;
    int held = 0;
    *n = 0;
    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        assert_non_null(digit);
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[(*n)++] = (uint8_t)(bits >> held);
    }
    return out;
}

static void the_replay_shows_the_simulations_own_poses(void **state) {
    if (!has_replay()) {
        print_message("three.js could not be fetched at set-up: no replay to look at\n");
        skip();
    }
    (void)state;
    char *html = report_of(at_root("replay"), true);
    const char *from = strstr(html, "id=\"replay-data\">"), *to;
    assert_non_null(from);
    from = strchr(from, '>') + 1;
    to = strstr(from, "</script>");
    udy_json *data;
    CHECK(udy_json_parse(&data, from, (size_t)(to - from), "replay", err));
    const udy_json *robots = udy_json_get(data, "robots");
    assert_int_equal(udy_json_size(robots), 5);
    int n_bodies = (int)udy_json_number(data, "n_bodies", 0), seen = 0;
    assert_int_equal(n_bodies, 14);
    assert_int_equal(udy_json_size(udy_json_get(data, "geoms")), 14);
    for (size_t i = 0; i < udy_json_size(robots); i++) {
        const udy_json *robot = udy_json_at(robots, i);
        const udy_shift_track *track =
            &sample_policy(&s, udy_json_string(robot, "name", ""))->track;
        size_t n, T = (size_t)udy_json_number(robot, "steps", 0), m = T * (size_t)n_bodies;
        assert_int_equal(T, track->length);
        float *pos = udy_alloc(m * 12), *quat = udy_alloc(m * 16);
        CHECK(udy_scene_poses(s.task, track->qpos, (int)T, pos, quat, err));
        uint8_t *got = from_base64(udy_json_string(robot, "pos", ""), &n);
        assert_int_equal(n, m * 12);
        assert_memory_equal(got, pos, n);
        udy_free(got);
        got = from_base64(udy_json_string(robot, "quat", ""), &n);
        assert_int_equal(n, m * 8);
        for (size_t k = 0; k < 4 * m; k++)
            assert_true(fabs(((int16_t *)(void *)got)[k] / 32767.0 - (double)quat[k]) < 2e-5);
        udy_free(got);
        bool ended = udy_json_bool(robot, "ended", false);
        assert_int_equal(ended, track->end == UDY_END_TOO_LOW);
        if (ended) assert_non_null(strstr(udy_json_string(robot, "end_text", ""), "body too low"));
        seen += ended;
        udy_free(pos);
        udy_free(quat);
    }
    assert_int_equal(seen, 1);
    udy_json_free(data);
    udy_free(html);
}

//------------------------------------------ Failures ----------------------------------------------

static void a_failure_leaves_the_old_report(void **state) {
    (void)state;
    const char *run = at_root("kept");
    udy_report_config config = {.web_dir = at_root("nowhere")};
    char path[1200];
    sample_write(&s, run);
    snprintf(path, sizeof path, "%s/report.html", run);
    put_file(path, "old", 3);
    EXPECT_ERROR(UDY_ENOENT, udy_report_write(run, &config, s.task, &s.results, NULL, NULL, err),
                 "nowhere");
    expect_file(path, "old");
    config.web_dir = WEB_DIR;
    s.made.shift.nq = 9;
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_report_write(run, &config, s.task, &s.results, &s.made.shift, NULL, err),
                 "9 positions", "15");
    s.made.shift.nq = 15;
    sample_policy(&s, "bc")->track.qpos[20] = NAN;
    if (has_replay())
        EXPECT_ERROR(UDY_ENONFINITE,
                     udy_report_write(run, &config, s.task, &s.results, &s.made.shift, NULL, err),
                     "qpos[5] of state 1");
    sample_policy(&s, "bc")->track.qpos[20] = 0;
    const udy_results none = {0};
    EXPECT_ERROR(UDY_EINVAL, udy_report_write(run, &config, s.task, &none, NULL, NULL, err),
                 "results");
    expect_file(path, "old");
    config.path = at_root("no/such/folder.html");
    EXPECT_ERROR(UDY_ENOENT, udy_report_write(run, &config, s.task, &s.results, NULL, NULL, err),
                 "no/such");
}

// For tests/web: everything at once, and a policy with a name that would like to be a program.
static int write_run(const char *run) {
    sample_make(&s);
    sample_write(&s, run);
    sample_film(run, "side-by-side.mp4");
    udy_shift_policy *p = sample_policy(&s, "dagger-10");
    snprintf(p->name, sizeof p->name, "mine");
    snprintf(p->label, sizeof p->label, "%.47s", HOSTILE);
    sample_draw(&s, run);
    CHECK(sample_report(&s, run, true, err));
    sample_free(&s);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_run(argv[2]);
    if (system("command -v gnuplot >/dev/null") != 0) {
        printf("skipped: gnuplot is not installed (Debian: gnuplot-nox)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_numbers_are_readable),
        cmocka_unit_test(a_program_cannot_end_its_element_nor_data_theirs),
        cmocka_unit_test(a_template_is_filled_once_and_lacks_nothing),
        cmocka_unit_test(a_report_is_one_file_with_everything_in_it),
        cmocka_unit_test(sentences_hold_this_runs_numbers),
        cmocka_unit_test(shares_are_judged_whichever_way_they_come_out),
        cmocka_unit_test(exponents_are_judged_by_their_intervals),
        cmocka_unit_test(the_shift_is_judged_by_states_and_errors),
        cmocka_unit_test(a_loss_that_still_falls_is_told),
        cmocka_unit_test(what_a_run_lacks_is_said_and_left_out),
        cmocka_unit_test(a_shift_of_unknown_policies_is_told_too),
        cmocka_unit_test(figures_that_are_not_there_are_named),
        cmocka_unit_test(a_picture_is_shown_whatever_its_format_or_named_where_it_is_too_large),
        cmocka_unit_test(a_film_too_large_is_named_and_left_out),
        cmocka_unit_test(names_of_a_run_cannot_become_markup),
        cmocka_unit_test(the_replay_shows_the_simulations_own_poses),
        cmocka_unit_test(a_failure_leaves_the_old_report),
    };
    return cmocka_run_group_tests_name("report", tests, make_sample, remove_sample);
}
