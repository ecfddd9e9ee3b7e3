// Policies out as C: every sample compiles without warnings, as C and as C++, and passes the self-test
// that was exported with it, which fails where it ought to.
#include <sys/wait.h>

#include "test_export_common.h"

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...) {
    char command[4096];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define WARNINGS \
    "-Wall -Wextra -pedantic -Wconversion -Wdouble-promotion -Wshadow -Wcast-qual -Werror"

static void write_c(const sample *s, const char *name, udy_weights weights, const char *notes) {
    char path[1100];
    const udy_text_pair extra[] = {{"made_by", "*/ int broken; /* \\ ?\?/ ?\\/"}};
    const udy_c_config c = {
        .name = name, .weights = weights, .notes = notes, .extra = extra, .n_extra = 1};
    snprintf(path, sizeof path, "%s/%s.c", root, name);
    CHECK(udy_c_write(path, &s->plain, &c, err));
}

static void exported_c_of_every_sample_compiles_without_warnings_and_passes(void **state) {
    (void)state;
    sample s;
    for (int i = 0; sample_at(&s, i); i++) {
        for (int w = 0; w < UDY_WEIGHTS_COUNT; w++) {
            // All kinds of weights of each ending; else by turns.
            if (i < 2 * UDY_ACTIVATION_COUNT && i % UDY_WEIGHTS_COUNT != w) continue;
            write_c(&s, "p", (udy_weights)w, "first line\n*/ second");
            if (shell("cd '%s' && " UDY_CC " -std=c99 -O1 " WARNINGS
                      " -DP_SELF_TEST p.c -o p -lm && ./p >p.txt",
                      root))
                fail_msg("%s in %s", s.name, udy_weights_name((udy_weights)w));
        }
        free_sample(&s);
    }
}

static void exported_c_is_cpp_too(void **state) {
    (void)state;
    if (!UDY_CXX[0]) {
        print_message("SKIPPED: no C++ compiler\n");
        skip();
    }
    sample s = make_sample(3, small, UDY_SOFTPLUS, UDY_TANH, CLIPPED_APART);
    for (int w = 0; w < UDY_WEIGHTS_COUNT; w++) {
        write_c(&s, "p", (udy_weights)w, NULL);
        assert_int_equal(
            shell("cd '%s' && %s -x c++ " WARNINGS " -DP_SELF_TEST p.c -o p -lm && ./p >p.txt",
                  root, UDY_CXX),
            0);
    }
    free_sample(&s);
}

static void the_self_test_fails_where_a_weight_is_another(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_TANH, UDY_IDENTITY, PLAIN);
    write_c(&s, "p", UDY_WEIGHTS_INT8, NULL);
    // The first number of the second layer.
    assert_int_equal(shell("cd '%s' && awk '/p_w1/ { n = NR + 1 } NR == n { sub(/-?[0-9]+/, "
                           "\"77\") } 1' p.c >q.c && ! cmp -s p.c q.c",
                           root),
                     0);
    assert_int_equal(shell("cd '%s' && " UDY_CC " -DP_SELF_TEST q.c -o q -lm && ./q >q.txt", root),
                     1);
    free_sample(&s);
}

static void two_policies_live_in_one_program_and_differ_only_as_they_should(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_GELU, UDY_TANH, SCALED);
    write_c(&s, "one", UDY_WEIGHTS_F32, NULL);
    write_c(&s, "two", UDY_WEIGHTS_FP16, NULL);
    static const char program[] =
        "#include <stdio.h>\n#include \"one.h\"\n#include \"two.h\"\n#include \"one.h\"\n"
        "int main(void) { float o[ONE_OBS_DIM] = {1, -1, 0.5f, 2, 0}, a[ONE_ACT_DIM], "
        "b[TWO_ACT_DIM]; int i;\n"
        "one_act(o, a); two_act(o, b);\n"
        "for (i = 0; i < ONE_ACT_DIM; i++) printf(\"%.9g %.9g\\n\", a[i], b[i]); return 0; }\n";
    put_file(at_root("main.c"), program, sizeof program - 1);
    assert_int_equal(
        shell("cd '%s' && " UDY_CC " -std=c99 main.c one.c two.c -o both -lm && ./both >both.txt",
              root),
        0);
    const float obs[] = {1, -1, 0.5f, 2, 0};
    float action[3];
    library_action(&s, obs, action);
    FILE *f = fopen(at_root("both.txt"), "r");
    assert_non_null(f);
    for (int k = 0; k < 3; k++) {
        double a, b;
        assert_int_equal(fscanf(f, "%lf %lf", &a, &b), 2);
        assert_true(fabs(a - (double)action[k]) < 2e-6 * fmax(1, fabs(a)));
        assert_true(fabs(b - a) < 1e-2 && b != a);
    }
    fclose(f);
    free_sample(&s);
}

static void the_same_policy_gives_the_same_bytes(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_ELU, UDY_TANH, SCALED);
    char *before[3], *after[3];
    size_t n_before[3], n_after[3];
    static const char *const files[] = {"p.onnx", "p.npz", "p.c"};
    for (int turn = 0; turn < 2; turn++) {
        CHECK(udy_onnx_write(at_root("p.onnx"), &s.plain, NULL, 0, err));
        CHECK(udy_npz_write(at_root("p.npz"), &s.plain, NULL, 0, err));
        write_c(&s, "p", UDY_WEIGHTS_INT8, NULL);
        for (int i = 0; i < 3; i++)
            CHECK(udy_file_read(turn ? &after[i] : &before[i], turn ? &n_after[i] : &n_before[i],
                                at_root(files[i]), 1 << 20, err));
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(n_before[i], n_after[i]);
        assert_memory_equal(before[i], after[i], n_before[i]);
        udy_free(before[i]);
        udy_free(after[i]);
    }
    free_sample(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exported_c_of_every_sample_compiles_without_warnings_and_passes),
        cmocka_unit_test(exported_c_is_cpp_too),
        cmocka_unit_test(the_self_test_fails_where_a_weight_is_another),
        cmocka_unit_test(two_policies_live_in_one_program_and_differ_only_as_they_should),
        cmocka_unit_test(the_same_policy_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
