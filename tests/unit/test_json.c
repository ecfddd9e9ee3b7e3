// JSON trees: what is written reads back to the same bits, what is malformed is refused in words,
// and nothing that a text or a caller does crashes. And two small helpers that stand beside it: the
// nearest name, progress callbacks.
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/base.h"

// Parse from a block of exactly n bytes, so that the sanitizer sees a read behind the end.
static int parse(udy_json **out, const char *text, size_t n, udy_error *err) {
    char *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    int code = udy_json_parse(out, exact, n, "file.json", err);
    free(exact);
    return code;
}

static udy_json *parse_ok(const char *text) {
    udy_json *v;
    udy_error err = {0};
    if (parse(&v, text, strlen(text), &err)) fail_msg("%s: %s", text, err.message);
    return v;
}

//------------------------------------------ Numbers -----------------------------------------------

static void round_trip(double value) {
    udy_json *array = udy_json_array();
    udy_json_append_number(array, value);
    char *text = udy_json_print(array, false);
    assert_non_null(text);
    udy_json *back = parse_ok(text);
    double read = udy_json_value(udy_json_at(back, 0), NAN);
    if (memcmp(&read, &value, sizeof value)) fail_msg("%s is not %a", text, value);
    udy_json_free(back);
    udy_json_free(array);
    udy_free(text);
}

static void doubles_read_back_to_the_same_bits(void **state) {
    (void)state;
    const double special[] = {0.0,
                              -0.0,
                              0.1,
                              1.0 / 3,
                              5e-324,
                              DBL_MIN,
                              DBL_MAX,
                              -DBL_MAX,
                              1e21,
                              1e22,
                              1e23,
                              123456789012345680.0,
                              1 + DBL_EPSILON,
                              1 - DBL_EPSILON / 2,
                              9007199254740991.0,
                              2147483647.0,
                              -2147483649.0};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) round_trip(special[i]);
    udy_rng rng;
    udy_rng_init(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = udy_rng_u64(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) round_trip(value);
        round_trip(udy_rng_normal(&rng));
    }
}

static void numbers_are_as_short_as_they_can_be(void **state) {
    (void)state;
    udy_json *array = udy_json_array();
    udy_json_append_number(array, 0.1);
    udy_json_append_number(array, 3);
    udy_json_append_number(array, 1e-3);
    udy_json_append_number(array, 6912.25);
    char *text = udy_json_print(array, false);
    assert_string_equal(text, "[0.1, 3, 0.001, 6912.25]");
    udy_free(text);
    udy_json_free(array);
}

static void what_is_not_finite_is_null(void **state) {
    (void)state;
    udy_json *object = udy_json_object();
    udy_json_put_number(object, "a", NAN);
    udy_json_put_number(object, "b", INFINITY);
    udy_json_put_numbers(object, "c", (double[]){1, -INFINITY}, 2);
    char *text = udy_json_print(object, false);
    assert_string_equal(text, "{\"a\": null, \"b\": null, \"c\": [1, null]}");
    assert_true(udy_json_number(object, "a", -1.0) == -1.0);
    udy_free(text);
    udy_json_free(object);
}

static void whole_numbers_that_a_double_cannot_hold_are_strings(void **state) {
    (void)state;
    udy_json *object = udy_json_object();
    udy_json_put_int(object, "exact", INT64_C(9007199254740992));
    udy_json_put_int(object, "beyond", INT64_C(9007199254740993));
    udy_json_put_int(object, "least", INT64_MIN);
    char *text = udy_json_print(object, false);
    assert_string_equal(text,
                        "{\"exact\": 9007199254740992, \"beyond\": \"9007199254740993\", "
                        "\"least\": \"-9223372036854775808\"}");
    udy_free(text);
    udy_json_free(object);
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR", "de_DE@euro"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    }
    if (!found) skip();  // no locale with a decimal comma on this machine
    round_trip(0.1);
    round_trip(-2.5e-9);
    setlocale(LC_NUMERIC, "C");
}

//------------------------------------------ Building ----------------------------------------------

static void a_lost_child_makes_the_tree_unprintable(void **state) {
    (void)state;
    udy_json *root = udy_json_object(), *inner = udy_json_object();
    udy_json_put(inner, "lost", NULL);
    udy_json_put(root, "inner", inner);
    assert_null(udy_json_print(root, false));
    udy_json_free(root);
    udy_json *array = udy_json_array();
    udy_json_append(array, NULL);
    assert_null(udy_json_print(array, true));
    udy_json_free(array);
}

static void null_arguments_do_not_crash(void **state) {
    (void)state;
    udy_json_put(NULL, "a", udy_json_object());  // frees the child
    udy_json_append(NULL, udy_json_array());
    udy_json_put(NULL, NULL, NULL);
    udy_json_put_number(NULL, "a", 1);
    udy_json_put_string(NULL, "a", NULL);
    udy_json_free(NULL);
    assert_null(udy_json_print(NULL, true));
    assert_null(udy_json_get(NULL, "a"));
    assert_null(udy_json_at(NULL, 0));
    assert_null(udy_json_next(NULL));
    assert_null(udy_json_name(NULL));
    assert_null(udy_json_name_at(NULL, 3));
    assert_int_equal(udy_json_size(NULL), 0);
    assert_string_equal(udy_json_text(NULL, "x"), "x");
    assert_true(udy_json_value(NULL, 2.0) == 2.0);
    assert_false(udy_json_is_object(NULL) || udy_json_is_array(NULL) || udy_json_is_number(NULL) ||
                 udy_json_is_string(NULL));
    udy_json *out;
    assert_int_equal(udy_json_parse(&out, NULL, 0, "f", NULL), UDY_EINVAL);
    assert_int_equal(udy_json_parse(&out, "{", 1, NULL, NULL), UDY_EFORMAT);
}

static void a_member_of_the_same_name_is_replaced(void **state) {
    (void)state;
    udy_json *object = udy_json_object();
    udy_json_put_int(object, "n", 1);
    udy_json_put_int(object, "N", 2);
    udy_json_put_int(object, "n", 3);
    assert_int_equal(udy_json_size(object), 2);
    assert_true(udy_json_number(object, "n", 0) == 3.0);
    assert_true(udy_json_number(object, "N", 0) == 2.0);
    udy_json_free(object);
}

static void getters_fall_back_where_the_type_is_another(void **state) {
    (void)state;
    udy_json *v = parse_ok("{\"n\": 1, \"s\": \"t\", \"b\": true, \"a\": [7, 8], \"z\": null}");
    assert_true(udy_json_number(v, "s", 5) == 5.0);
    assert_true(udy_json_number(v, "absent", 5) == 5.0);
    assert_string_equal(udy_json_string(v, "n", "fallback"), "fallback");
    assert_true(udy_json_bool(v, "b", false));
    assert_true(udy_json_bool(v, "n", true));
    assert_int_equal(udy_json_size(udy_json_get(v, "a")), 2);
    assert_true(udy_json_value(udy_json_at(udy_json_get(v, "a"), 1), 0) == 8.0);
    assert_null(udy_json_at(udy_json_get(v, "a"), 2));
    assert_null(udy_json_at(udy_json_get(v, "n"), 0));
    assert_string_equal(udy_json_name_at(v, 1), "s");
    assert_string_equal(udy_json_name(udy_json_next(udy_json_at(v, 0))), "s");
    assert_null(udy_json_next(udy_json_get(v, "z")));
    assert_true(udy_json_value(udy_json_get(v, "z"), 4) == 4.0);
    udy_json_free(v);
}

static void strings_come_back_whatever_they_hold(void **state) {
    (void)state;
    const char *const texts[] = {"", "\"\\/\b\f\n\r\t\x01\x1f\x7f", "Grüße, 世界 🦿",
                                 "a\\u0041"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        udy_json *object = udy_json_object();
        udy_json_put_string(object, texts[i], texts[i]);
        char *text = udy_json_print(object, i % 2);
        udy_json *back = parse_ok(text);
        assert_string_equal(udy_json_string(back, texts[i], NULL), texts[i]);
        udy_json_free(back);
        udy_json_free(object);
        udy_free(text);
    }
    udy_json *bad = udy_json_object();
    udy_json_put_string(bad, "t",
                        "a\xff"
                        "b\xc3");
    char *text = udy_json_print(bad, false);
    assert_string_equal(text,
                        "{\"t\": \"a\xEF\xBF\xBD"
                        "b\xEF\xBF\xBD\"}");
    udy_free(text);
    udy_json_free(bad);
}

static void pretty_text_is_the_same_tree(void **state) {
    (void)state;
    udy_json *v = parse_ok("{\"a\":[1,2,[3,{}]],\"b\":{\"c\":[],\"d\":[1.5,\"x\",true,null]}}");
    char *pretty = udy_json_print(v, true), *plain = udy_json_print(v, false);
    assert_string_equal(pretty,
                        "{\n  \"a\": [\n    1,\n    2,\n    [\n      3,\n      {}\n    ]\n  "
                        "],\n  \"b\": {\n    \"c\": [],\n    \"d\": [1.5, \"x\", true, null]"
                        "\n  }\n}\n");
    udy_json *back = parse_ok(pretty);
    char *again = udy_json_print(back, false);
    assert_string_equal(again, plain);
    udy_free(pretty);
    udy_free(plain);
    udy_free(again);
    udy_json_free(back);
    udy_json_free(v);
}

//------------------------------------------ Parsing -----------------------------------------------

static void malformed_text_is_refused_with_name_line_and_column(void **state) {
    (void)state;
    const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"", ":1:1: ", "text ends"},
        {"  ", ":1:3: ", "text ends"},
        {"{\"a\": 1,\n \"b\": }", ":2:7: ", "expected a value"},
        {"{\"a\" 1}", ":1:6: ", "expected ':'"},
        {"{\"a\": 1,}", ":1:9: ", "expected a name"},
        {"{a: 1}", ":1:2: ", "expected a name"},
        {"[1, 2", ":1:6: ", "text ends in an array"},
        {"{\"a\": 1", ":1:8: ", "text ends in an object"},
        {"{\"1\":1,", ":1:8: ", "expected a name"},
        {"[1 2]", ":1:4: ", "expected ',' or ']'"},
        {"[1,]", ":1:4: ", "expected a value"},
        {"\n\n[\n  01]", ":4:4: ", "start with 0"},
        {"[1.]", ":1:4: ", "digit after the decimal point"},
        {"[-]", ":1:3: ", "expected a digit"},
        {"[1e]", ":1:4: ", "exponent"},
        {"[1e999]", ":1:7: ", "too large"},
        {"[+1]", ":1:2: ", "expected a value"},
        {"[NaN]", ":1:2: ", "expected a value"},
        {"[tru]", ":1:2: ", "expected a value"},
        {"\"abc", ":1:5: ", "text ends in a string"},
        {"\"a\\", ":1:4: ", "escape"},
        {"\"a\\x\"", ":1:4: ", "unknown escape"},
        {"\"\\u12g4\"", ":1:6: ", "hexadecimal"},
        {"\"\\u0000\"", ":1:8: ", "NUL"},
        {"\"\\ud800\"", ":1:8: ", "surrogate"},
        {"\"\\ud800\\u0041\"", ":1:14: ", "surrogate"},
        {"\"\\udc00\"", ":1:8: ", "surrogate"},
        {"\"a\nb\"", ":1:3: ", "control character"},
        {"\"\xc3(\"", ":1:2: ", "UTF-8"},
        {"\"\xed\xa0\x80\"", ":1:2: ", "UTF-8"},
        {"\"\xc0\xaf\"", ":1:2: ", "UTF-8"},
        {"\"\xf4\x90\x80\x80\"", ":1:2: ", "UTF-8"},
        {"{} {}", ":1:4: ", "more text"},
        {"[1]x", ":1:4: ", "more text"},
        {"[111111111111111111111111111111111111111111111111111111111111111]", ":1:65: ", "60"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        udy_json *v = (udy_json *)1;
        udy_error err = {0};
        int code = parse(&v, cases[i].text, strlen(cases[i].text), &err);
        assert_int_equal(code, UDY_EFORMAT);
        assert_int_equal(err.code, UDY_EFORMAT);
        assert_null(v);
        char start[64];
        snprintf(start, sizeof start, "file.json%s", cases[i].where);
        if (strncmp(err.message, start, strlen(start)) || !strstr(err.message, cases[i].what)) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
    }
    udy_error err = {0};
    udy_json *v;
    assert_int_equal(parse(&v, "[1]\0", 4, &err), UDY_EFORMAT);  // a NUL byte is no blank
}

static void every_cut_of_a_good_text_is_refused(void **state) {
    (void)state;
    const char text[] = "{\"a\": [1.5e3, -2, {\"b\": \"\\u00e9\\ud83e\\uddbf\\n\"}], \"c\": null}";
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        udy_json *v;
        udy_error err = {0};
        int code = parse(&v, text, n, &err);
        assert_int_equal(code, n == sizeof text - 1 ? UDY_OK : UDY_EFORMAT);
        assert_true(strlen(err.message) > 0);
    }
    udy_json_free(parse_ok(text));
}

static void depth_is_bounded(void **state) {
    (void)state;
    const size_t n = 1 << 20;
    char *deep = malloc(n);
    assert_non_null(deep);
    for (size_t depth = 63; depth <= 66; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        udy_json *v;
        int code = parse(&v, deep, 2 * depth, NULL);
        assert_int_equal(code, depth <= 64 ? UDY_OK : UDY_EFORMAT);
        if (!code) {
            char *text = udy_json_print(v, true);  // what parses prints
            assert_non_null(text);
            udy_free(text);
        }
        udy_json_free(v);
    }
    memset(deep, '[', n);
    udy_json *v;
    udy_error err = {0};
    assert_int_equal(parse(&v, deep, n, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "nested too deeply"));
    free(deep);
}

static void the_number_of_values_is_bounded(void **state) {
    (void)state;
    const size_t n = 3u << 20;
    char *wide = malloc(n);
    assert_non_null(wide);
    for (size_t i = 0; i < n; i++) wide[i] = i % 2 ? ',' : '0';
    wide[0] = '[';
    wide[1] = '0';
    for (size_t i = 2; i < n; i++) wide[i] = i % 2 ? '0' : ',';
    wide[n - 1] = ']';
    wide[n - 2] = '0';
    udy_json *v;
    udy_error err = {0};
    assert_int_equal(parse(&v, wide, n, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "too many values"));
    free(wide);
}

static void names_are_told_apart_by_case_and_found_first(void **state) {
    (void)state;
    udy_json *v = parse_ok("{\"a\": 1, \"A\": 2, \"\": 3}");
    assert_true(udy_json_number(v, "A", 0) == 2.0);
    assert_true(udy_json_number(v, "", 0) == 3.0);
    udy_json_free(v);
}

//------------------------------------------ Nearest, progress -------------------------------------

static void the_nearest_name_is_within_its_distance(void **state) {
    (void)state;
    const char *const names[] = {"evaluate", NULL, "experiment", "expert",
                                 "export",   "bc", "dagger"};
    const size_t n = sizeof names / sizeof names[0];
    assert_string_equal(udy_nearest("evalaute", names, n), "evaluate");  // a swap costs one
    assert_string_equal(udy_nearest("exprt", names, n), "expert");
    assert_string_equal(udy_nearest("dager", names, n), "dagger");
    assert_string_equal(udy_nearest("expert", names, n), "expert");
    assert_string_equal(udy_nearest("bx", names, n), "bc");
    assert_null(udy_nearest("xyz", names, n));
    assert_null(udy_nearest("dgggggg", (const char *const[]){"dagger"}, 1));
    assert_string_equal(udy_nearest("abc", (const char *const[]){"abcde"}, 1), "abcde");  // 2
    assert_null(udy_nearest("abc", (const char *const[]){"abcdef"}, 1));                  // 3
    assert_string_equal(udy_nearest("ab", (const char *const[]){"ba"}, 1), "ba");
    assert_null(udy_nearest("", names, n));
    assert_null(udy_nearest(NULL, names, n));
    assert_null(udy_nearest("bc", NULL, 0));
    char word[5000];
    memset(word, 'w', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_null(udy_nearest(word, names, n));
    const char *const overlong[] = {word, "bc"};
    assert_string_equal(udy_nearest("bd", overlong, 2), "bc");
}

typedef struct seen_progress {
    int64_t done;
    char stage[32], unit[32], note[32], message[64];
} seen_progress;

static int on_advance(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                      const char *note) {
    seen_progress *seen = ctx;
    snprintf(seen->stage, sizeof seen->stage, "%s", stage);
    snprintf(seen->unit, sizeof seen->unit, "%s", unit);
    snprintf(seen->note, sizeof seen->note, "%s", note);
    seen->done = done;
    return done == total;
}

static void on_message(void *ctx, const char *message) {
    seen_progress *seen = ctx;
    snprintf(seen->message, sizeof seen->message, "%s", message);
}

static void progress_reaches_its_callbacks_and_their_answer_comes_back(void **state) {
    (void)state;
    seen_progress seen = {0};
    udy_progress p = {.on_advance = on_advance, .on_message = on_message, .ctx = &seen};
    assert_int_equal(udy_progress_advance(&p, "bc", 3, 4, "epochs", NULL), 0);
    assert_int_equal(udy_progress_advance(&p, "bc", 4, 4, "epochs", "loss 1"), 1);
    assert_string_equal(seen.stage, "bc");
    assert_string_equal(seen.note, "loss 1");
    udy_progress_message(&p, "shard %d of %s", 3, "x");
    assert_string_equal(seen.message, "shard 3 of x");
    udy_progress none = {0};
    assert_int_equal(udy_progress_advance(&none, "bc", 4, 4, "epochs", ""), 0);
    assert_int_equal(udy_progress_advance(NULL, "bc", 4, 4, "epochs", ""), 0);
    udy_progress_message(&none, "x");
    udy_progress_message(NULL, "x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_read_back_to_the_same_bits),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(what_is_not_finite_is_null),
        cmocka_unit_test(whole_numbers_that_a_double_cannot_hold_are_strings),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(a_lost_child_makes_the_tree_unprintable),
        cmocka_unit_test(null_arguments_do_not_crash),
        cmocka_unit_test(a_member_of_the_same_name_is_replaced),
        cmocka_unit_test(getters_fall_back_where_the_type_is_another),
        cmocka_unit_test(strings_come_back_whatever_they_hold),
        cmocka_unit_test(pretty_text_is_the_same_tree),
        cmocka_unit_test(malformed_text_is_refused_with_name_line_and_column),
        cmocka_unit_test(every_cut_of_a_good_text_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(names_are_told_apart_by_case_and_found_first),
        cmocka_unit_test(the_nearest_name_is_within_its_distance),
        cmocka_unit_test(progress_reaches_its_callbacks_and_their_answer_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
