// `demos import` and `demos export` as a person meets them: what Minari and a spreadsheet wrote becomes
// a dataset that `demos info` and `bc` take, and goes out again; mistakes are said.
#include "program.h"

#include "understudy/understudy.h"

#define SAMPLES UDY_SOURCE_DIR "/tests/data/minari/"

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static udy_json *parsed(outcome o) {
    udy_json *root;
    udy_error err = {0};
    assert_done(o);
    if (udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err)) fail_msg("%s", err.message);
    done(o);
    return root;
}

static void both_have_help_with_an_example(void **state) {
    (void)state;
    static const char *const names[] = {"demos import", "demos export"};
    for (int i = 0; i < 2; i++) {
        outcome o = run_program("%s --help", names[i]);
        char example[64];
        assert_done(o);
        snprintf(example, sizeof example, "  understudy %s ", names[i]);
        assert_contains(strstr(o.out, "Example:"), example);
        done(o);
    }
}

static void a_minari_dataset_is_imported_cloned_and_exported(void **state) {
    (void)state;
    outcome o = run_program("demos import %spendulum-v0 --out pendulum --expert stiff", SAMPLES);
    assert_done(o);
    assert_contains(o.out,
                    "pendulum: 4 episodes, 160 steps of InvertedPendulum-v5, mean return 40.0");
    assert_contains(o.out, "Minari pendulum-v0");
    assert_contains(o.out, "it was float64");
    done(o);
    o = run_program("demos info pendulum");
    assert_done(o);
    assert_contains(o.out, "160 labelled by the expert");
    done(o);
    o = run_program("bc pendulum --out bc.safetensors --set epochs=3 --set hidden=[8] --quiet");
    assert_done(o);
    assert_contains(o.out, "3 epochs");
    done(o);
    o = run_program("demos export pendulum --format minari -o out --id tests/again-v1 --quiet");
    assert_done(o);
    assert_contains(o.out, "out/tests/again-v1: 4 episodes, 160 steps");
    assert_contains(o.out, "0 true");
    assert_contains(o.out, "minari.load_dataset(\"tests/again-v1\")");
    done(o);
    udy_json *root = parsed(run_program("demos import out/tests/again-v1 --out again --json"));
    assert_string_equal(udy_json_string(root, "task", ""), "InvertedPendulum-v5");
    assert_true(udy_json_number(root, "rows", 0) == 160);
    assert_string_equal(udy_json_string(root, "recorded_type", ""), "float32");
    udy_json_free(root);
    assert_error(run_program("demos export pendulum --format minari -o out --id tests/again-v1"), 1,
                 "--force");
    done(run_program("demos export pendulum --format minari -o out --id tests/again-v1 --force"));
}

static void a_spreadsheet_is_imported_by_its_columns(void **state) {
    (void)state;
    write_text(
        "log.csv",
        "run,cart,angle,speed,turn,force\na,0,0.1,0,0,1.5\na,0.1,0.05,0,0,5\nb,0,0,0,0,-1\n");
    outcome o = run_program(
        "demos import log.csv --task InvertedPendulum-v5 --obs-columns cart,angle,speed,4 "
        "--act-columns force --episode-column run --out log");
    assert_done(o);
    assert_contains(o.out, "log: 2 episodes, 3 steps of InvertedPendulum-v5\n");
    assert_contains(o.out, "the first line names the columns");
    assert_contains(o.out, "2 not said");
    assert_contains(o.err, "no rewards");
    assert_contains(o.err, "1 numbers in actions lie outside");
    done(o);
    o = run_program("demos export log -o back.csv");
    assert_done(o);
    done(o);
    char *text = read_all("back.csv");
    assert_contains(text, "episode,round,step,");
    assert_contains(text, "\n0,0,1,0.100000001,0.0500000007,0,0,5,0,0,1\n");
    free(text);
}

static void mistakes_are_said_with_the_way_out(void **state) {
    (void)state;
    write_text("t.csv", "x,y\n1,2\n");
    assert_error(run_program("demos import"), 2, "--out DIR");
    assert_error(run_program("demos import t.csv --out x"), 2, "--obs-columns");
    assert_error(run_program("demos import t.csv --obs-columns x --act-columns z --out x"), 2,
                 "did you mean 'x'");
    assert_error(run_program("demos import t.csv --obs-columns x --act-columns y --out x"), 2,
                 "--task ID");
    assert_error(
        run_program("demos import t.csv --obs-columns x --act-columns y --task Ant-v5 --out x"), 1,
        "1 observations and 1 actions a step, and Ant-v5 has 27 and 8");
    assert_error(run_program("demos import nosuch.hdf5 --out x"), 1, "nosuch.hdf5");
    assert_error(run_program("demos import %sdict-v0 --out x", SAMPLES), 1, "FlattenObservation");
    assert_error(run_program("demos import %spendulum-v0 --task Hopper-v5 --out x", SAMPLES), 1,
                 "recorded on InvertedPendulum-v5");
    assert_error(run_program("demos import %sd4rl.hdf5 --out x", SAMPLES), 2, "--task ID");
    assert_error(run_program("demos import %sd4rl.hdf5 %sd4rl.hdf5 --out x", SAMPLES, SAMPLES), 2,
                 "one by one");
    assert_true(access("x", F_OK) != 0 && access("x.importing", F_OK) != 0);
    outcome o = run_program("demos import %sfalls-v0 --out falls", SAMPLES);
    done(o);
    assert_error(run_program("demos import %sfalls-v0 --out falls", SAMPLES), 1, "not empty");
    assert_error(run_program("demos export falls -o x"), 2, "--format");
    assert_error(run_program("demos export falls --format minary -o x"), 2, "'minari'");
    assert_error(run_program("demos export falls --format minari --id bad -o x"), 2,
                 "NAMESPACE/NAME-vN");
    assert_error(run_program("demos export falls --id a-v0 -o x.csv"), 2, "--format minari");
}

static int set_up(void **state) {
    (void)state;
    make_work_dir("cli-demos");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_have_help_with_an_example),
        cmocka_unit_test(a_minari_dataset_is_imported_cloned_and_exported),
        cmocka_unit_test(a_spreadsheet_is_imported_by_its_columns),
        cmocka_unit_test(mistakes_are_said_with_the_way_out),
    };
    return cmocka_run_group_tests_name("cli demos", tests, set_up, NULL);
}
