// `understudy report` as a person meets it: a page about a run folder, before and after its shift was
// measured, and what is said when something is wrong.
#include "program.h"

#include <stdbool.h>
#include <sys/stat.h>

#define SMALL                                                                                  \
    "--set demo_episodes=2 --set eval_episodes=2 --set bc.epochs=3 --set bc.val_fraction=0.5 " \
    "--set dagger.initial_episodes=1 --set dagger.rounds=1 --set dagger.episodes_per_round=1 " \
    "--set dagger.select_episodes=1 --set dagger.bc.epochs=3 --set env.max_episode_steps=60 "

static void assert_page(const char *path, bool has_replay) {
    char *html = read_all(path);
    if (!html) fail_msg("%s cannot be read", path);
    assert_int_equal(strncmp(html, "<!doctype html>", 15), 0);
    assert_contains(html, "</html>");
    assert_contains(html, "Imitation learning, and why it breaks: Ant-v5");
    assert_contains(html, "demo_episodes: 2");
    // A build that could not fetch three.js says so in its place.
    bool built = access(UDY_BUILD_SHARE_DIR "/report/replay.js", F_OK) == 0;
    assert_true((strstr(html, "id=\"replay-data\"") != NULL) == (has_replay && built));
    free(html);
}

static void a_run_gets_its_page(void **state) {
    (void)state;
    // A report is made of a run without a shift as well.
    outcome o = run_program("report run");
    assert_done(o);
    assert_contains(o.out, "run/report.html: ");
    assert_contains(o.err, "no shift.json in run");
    done(o);
    assert_page("run/report.html", false);

    assert_done(o = run_program("shift --run run --quiet --set episodes=3 --set push_episodes=0 "
                                "--set divergence.permutations=19 --set classifier.updates=10"));
    done(o);
    o = run_program("report run/ -o there.html --json");
    assert_done(o);
    assert_contains(o.out, "\"out\": \"there.html\"");
    assert_contains(o.out, "\"shift\": true");
    assert_string_equal(o.err, "");
    done(o);
    assert_page("there.html", true);
}

static void wrong_usage_is_told_apart(void **state) {
    (void)state;
    assert_error(run_program("report"), 2, "wants RUN");
    assert_error(run_program("report a b"), 2, "b");
    assert_error(run_program("report nowhere"), 1, "nowhere: no such run folder");
    assert_int_equal(mkdir("empty", 0777), 0);
    assert_error(run_program("report empty"), 1, "run.yaml");
    assert_error(run_program("report run -o no/such/page.html"), 1, "no/such");
    assert_error(run_program("report run --data empty"), 1, "--data DIR");
    assert_true(access("no", F_OK) != 0);
}

// A shift.json that is damaged is not passed over in silence.
static void a_damaged_shift_is_an_error(void **state) {
    (void)state;
    FILE *f = fopen("run/shift.json", "w");
    assert_non_null(f);
    fputs("{\"format\": 1}", f);
    fclose(f);
    assert_error(run_program("report run -o damaged.html"), 1, "shift.json");
    assert_true(access("damaged.html", F_OK) != 0);
}

int main(void) {
    make_work_dir("report");
    outcome o = run_program("experiment --no-report --out run --quiet " SMALL);
    if (o.code != 0) fprintf(stderr, "%s", o.err);
    done(o);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_gets_its_page),
        cmocka_unit_test(wrong_usage_is_told_apart),
        cmocka_unit_test(a_damaged_shift_is_an_error),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
