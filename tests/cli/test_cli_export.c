// `understudy export` as a person meets it: a shipped expert in each format, what rounding costs, the
// C compiled and run, and what is said when something is wrong.
#include "program.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "understudy/base.h"

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static udy_json *json_of(outcome o) {
    assert_done(o);
    udy_json *root;
    udy_error err = {0};
    if (udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err)) fail_msg("%s", err.message);
    done(o);
    return root;
}

static void the_end_of_the_name_says_the_format(void **state) {
    (void)state;
    outcome o = run_program("export ant-v5 -o ant.onnx");
    assert_done(o);
    assert_contains(o.out, "ant.onnx: Ant-v5, 27 observations to 8 actions, float32, 300064 bytes");
    assert_contains(o.err, "exported is the deterministic one, the mean");
    done(o);
    assert_true(there("ant.onnx"));
    o = run_program("export ant-v5 -o ant.npz");
    assert_done(o);
    assert_null(strstr(o.err, "the mean"));  // an .npz has the head too
    done(o);
    assert_true(there("ant.npz"));
}

static void exported_c_of_an_expert_passes_its_own_test(void **state) {
    (void)state;
    static const char *const kinds[] = {"", "--quantize int8 --episodes 0",
                                        "--quantize fp16 --episodes 0"};
    for (size_t i = 0; i < 3; i++) {
        outcome o = run_program("export ant-v5 --format c -o ant.c --force --quiet %s", kinds[i]);
        assert_done(o);
        assert_contains(o.out, "ant.c, ant.h: ");
        assert_contains(o.out, "cc -DANT_SELF_TEST ant.c");
        done(o);
        assert_int_equal(system(UDY_CC " -std=c99 -Wall -Wextra -pedantic -Werror -DANT_SELF_TEST "
                                       "ant.c -o self-test -lm && ./self-test >self-test.txt"),
                         0);
        char *said = read_all("self-test.txt");
        assert_contains(said, "ant: passed: ");
        free(said);
    }
}

static void rounding_is_measured_and_said_in_the_header(void **state) {
    (void)state;
    udy_json *root = json_of(run_program(
        "export ant-v5 -o small.c --quantize int8 --episodes 2 --seed 5 --json --quiet"));
    assert_string_equal(udy_json_string(root, "weights", ""), "int8");
    assert_true(udy_json_number(root, "weight_bytes", 0) == 78764);
    const udy_json *r = udy_json_get(root, "rounding");
    assert_non_null(r);
    double error = udy_json_number(r, "error_mean", -1), most = udy_json_number(r, "error_max", -1);
    assert_true(error > 1e-4 && error < 0.1 && most > error);
    assert_true(udy_json_number(r, "rows", 0) > 2);
    const udy_json *ci = udy_json_get(r, "error_ci95");
    assert_true(udy_json_value(udy_json_at(ci, 0), 1) <= error);
    assert_true(udy_json_value(udy_json_at(ci, 1), 0) >= error);
    // The change is that of the means of the same seeds.
    const double before = udy_json_number(udy_json_get(r, "float32"), "mean", 0);
    const double after = udy_json_number(udy_json_get(r, "rounded"), "mean", 0);
    assert_true(before > 1000 && before != after);
    const double change = udy_json_number(r, "return_change", 0);
    assert_true(change - (after - before) < 1e-6 && change - (after - before) > -1e-6);
    udy_json_free(root);
    // The float32 half is what `evaluate` says of the policy.
    root = json_of(run_program("evaluate ant-v5 --episodes 2 --seed 5 --json --quiet"));
    assert_true(udy_json_number(root, "mean", 0) == before);
    udy_json_free(root);

    char *header = read_all("small.h"), line[64];
    assert_non_null(header);
    assert_contains(header, "What int8 weights cost, beside float32");
    snprintf(line, sizeof line, "return  %.1f [", before);
    assert_contains(header, line);
    assert_contains(header, "2 episodes of Ant-v5 each, from seed 5");
    free(header);
}

static void without_episodes_the_error_is_that_of_drawn_observations(void **state) {
    (void)state;
    outcome o = run_program("export ant-v5 -o drawn.c --quantize fp16 --episodes 0 --quiet");
    assert_done(o);
    assert_contains(o.out, "4096 observations drawn from N(0, 1)");
    assert_null(strstr(o.out, "return"));
    done(o);
}

static void identifiers_start_with_the_name_that_is_asked_for(void **state) {
    (void)state;
    outcome o = run_program("export ant-v5 -o 'b-c 1.c' --name Walk --quiet");
    assert_done(o);
    assert_contains(o.out, "cc -DWALK_SELF_TEST 'b-c 1.c'");
    done(o);
    char *header = read_all("b-c 1.h");
    assert_contains(header, "void Walk_act(");
    assert_contains(header, "cc -DWALK_SELF_TEST b-c 1.c -lm");
    free(header);
    o = run_program("export ant-v5 -o 'b-c 1.c' --force --quiet --json");
    udy_json *root = json_of(o);
    assert_string_equal(udy_json_string(root, "name", ""), "b_c_1");
    udy_json_free(root);
}

static void what_cannot_be_exported_is_said(void **state) {
    (void)state;
    assert_error(run_program("export random -o x.onnx"), 1, "no weights to export");
    assert_error(run_program("export ant-v4 -o x.onnx"), 1, "did you mean 'ant-v5'?");
    assert_int_equal(mkdir("folder.onnx", 0777), 0);
    assert_error(run_program("export ant-v5 -o folder.onnx"), 1, "is a folder");
    assert_error(run_program("export ant-v5 -o nowhere/x.onnx"), 1, "nowhere: no such folder");
    assert_false(there("x.onnx"));
}

static void requests_that_make_no_sense_are_refused(void **state) {
    (void)state;
    assert_error(run_program("export ant-v5"), 2, "wants -o FILE");
    assert_error(run_program("export ant-v5 -o x.pt"), 2, "does not say the format");
    assert_error(run_program("export ant-v5 -o x --format onxx"), 2, "did you mean onnx?");
    assert_error(run_program("export ant-v5 -o x --format torch"), 2, "PyTorch loads");
    assert_error(run_program("export ant-v5 -o x --format c"), 2, "ends in .c");
    assert_error(run_program("export ant-v5 -o x.c --name 1x"), 2, "starts with a digit");
    assert_error(run_program("export ant-v5 -o x.c --name a-b"), 2, "letters, digits and '_'");
    assert_error(run_program("export ant-v5 -o x.onnx --name ant"), 2, "for --format c");
    assert_error(run_program("export ant-v5 -o x.onnx --quantize int8"), 2, "holds float32");
    assert_error(run_program("export ant-v5 -o x.c --quantize int4"), 2, "expected int8 or fp16");
    assert_error(run_program("export ant-v5 -o x.c --episodes 3"), 2, "--quantize");
    assert_error(run_program("export ant-v5 -o x.onnx --seed 3"), 2, "--seed is for");
    assert_error(run_program("export ant-v5 -o x.c --quantize int8 --episodes -1"), 2,
                 "a whole number");
}

static void existing_files_are_kept_unless_forced(void **state) {
    (void)state;
    assert_int_equal(system("echo mine >kept.h"), 0);
    assert_error(run_program("export ant-v5 -o kept.c"), 1, "kept.h exists; --force");
    assert_false(there("kept.c"));
    char *mine = read_all("kept.h");
    assert_string_equal(mine, "mine\n");
    free(mine);
    outcome o = run_program("export ant-v5 -o kept.c --force --quiet");
    assert_done(o);
    done(o);
    assert_true(there("kept.c"));
}

int main(void) {
    make_work_dir("cli-export");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_the_name_says_the_format),
        cmocka_unit_test(exported_c_of_an_expert_passes_its_own_test),
        cmocka_unit_test(rounding_is_measured_and_said_in_the_header),
        cmocka_unit_test(without_episodes_the_error_is_that_of_drawn_observations),
        cmocka_unit_test(identifiers_start_with_the_name_that_is_asked_for),
        cmocka_unit_test(what_cannot_be_exported_is_said),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(existing_files_are_kept_unless_forced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
