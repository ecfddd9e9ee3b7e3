// Pickles as data: one value in every protocol that Python has, and what is refused: names, opcodes,
// and whatever would make the reader run, hang or grow.
#include <math.h>

#include "../data/pickles.h"
#include "io/pickle.h"
#include "test_learn_common.h"

static const char *const numpy_names[] = {"collections OrderedDict", "builtins set",
                                          "__builtin__ set",         "__builtin__ bytes",
                                          UDY__PICKLE_NUMPY,         NULL};

static int parse(udy__pickle **out, const void *data, size_t n, udy_error *err) {
    // Bytes of their own, so that reading past their end shows.
    static unsigned char *exact;
    free(exact);
    exact = malloc(n ? n : 1);
    assert_non_null(exact);
    if (n) memcpy(exact, data, n);
    return udy__pickle_read(out, exact, n, "test.pkl", numpy_names, err);
}

#define READ(out, text) CHECK(parse(out, text, sizeof text - 1, err))
#define REFUSED(status, text, ...)                                                    \
    do {                                                                              \
        udy__pickle *refused;                                                         \
        EXPECT_ERROR(status, parse(&refused, text, sizeof text - 1, err), "test.pkl", \
                     __VA_ARGS__);                                                    \
        assert_null(refused);                                                         \
    } while (0)

//------------------------------------------ Values ------------------------------------------------

static void expect_int(const udy__pickle_value *v, int64_t expected) {
    int64_t i;
    assert_true(udy__pickle_int(v, &i));
    assert_true(i == expected);
}

static void expect_ints(const udy__pickle_value *v) {
    static const int64_t expected[] = {
        0, 255, 65535, -1, INT32_MAX, INT32_MIN, (int64_t)1 << 40, INT64_MIN};
    for (size_t i = 0; i < 8; i++) expect_int(udy__pickle_at(v, i), expected[i]);
    int64_t none;
    for (size_t i = 8; i < 10; i++) {
        assert_int_equal(udy__pickle_at(v, i)->kind, UDY__PICKLE_LONG);
        assert_false(udy__pickle_int(udy__pickle_at(v, i), &none));
    }
    assert_null(udy__pickle_at(v, 10));
}

static void expect_array(const udy__pickle_value *v, int ndim, size_t n, const double *expected) {
    udy__pickle_array a;
    assert_true(udy__pickle_array_of(&a, v));
    assert_int_equal(a.ndim, ndim);
    assert_int_equal(a.n, n);
    for (size_t i = 0; i < n; i++) {
        double x;
        assert_true(udy__pickle_array_at(&a, i, &x));
        assert_true(x == expected[i]);
    }
    double past;
    assert_false(udy__pickle_array_at(&a, n, &past));
}

static void expect_whole(const udy__pickle_value *whole) {
    static const char text[] = "d\u00e9j\u00e0\n\\'\" \u20ac\U0001f9be";
    double number;
    char small[8], roomy[64];
    assert_string_equal(udy__pickle_class(whole), "collections OrderedDict");
    assert_int_equal(udy__pickle_get(whole, "none")->kind, UDY__PICKLE_NONE);
    const udy__pickle_value *truths = udy__pickle_get(whole, "truths");
    assert_true(udy__pickle_truth(udy__pickle_at(truths, 0), false));
    assert_false(udy__pickle_truth(udy__pickle_at(truths, 1), true));
    expect_ints(udy__pickle_get(whole, "ints"));
    static const double floats[] = {1.5, 0, 1e300};
    const udy__pickle_value *list = udy__pickle_get(whole, "floats");
    for (size_t i = 0; i < 3; i++) {
        assert_true(udy__pickle_number(udy__pickle_at(list, i), &number));
        assert_true(number == floats[i]);
    }
    assert_true(udy__pickle_number(udy__pickle_at(list, 3), &number) && isinf(number));
    assert_true(udy__pickle_is_text(udy__pickle_get(whole, "text"), text));
    assert_true(udy__pickle_is_text(udy__pickle_get(whole, "shared"), text));
    assert_true(udy__pickle_text(udy__pickle_get(whole, "text"), roomy, sizeof roomy));
    assert_false(udy__pickle_text(udy__pickle_get(whole, "text"), small, sizeof small));
    const udy__pickle_value *bytes = udy__pickle_get(whole, "bytes");
    assert_int_equal(bytes->kind, UDY__PICKLE_BYTES);
    assert_int_equal(bytes->text.n, 256);
    for (int i = 0; i < 256; i++) assert_int_equal((unsigned char)bytes->text.p[i], i);
    assert_int_equal(udy__pickle_get(whole, "empty")->n, 5);
    expect_array(udy__pickle_get(whole, "array"), 2, 6, (double[]){1.5, -2, 3, 4, 5, 1e-9});
    expect_array(udy__pickle_get(whole, "single"), 1, 2, (double[]){(double)0.1f, 2});
    expect_array(udy__pickle_get(whole, "small"), 1, 2, (double[]){-3, 127});
    expect_array(udy__pickle_get(whole, "truths_array"), 1, 2, (double[]){1, 0});
    assert_true(udy__pickle_number(udy__pickle_get(whole, "scalar"), &number) && number == 2.5);
    assert_null(udy__pickle_get(whole, "absent"));
}

static void every_protocol_gives_the_same_value(void **state) {
    (void)state;
    static const struct {
        const unsigned char *data;
        size_t n;
    } all[] = {{pickle0, sizeof pickle0}, {pickle1, sizeof pickle1}, {pickle2, sizeof pickle2},
               {pickle3, sizeof pickle3}, {pickle4, sizeof pickle4}, {pickle5, sizeof pickle5}};
    for (size_t i = 0; i < 6; i++) {
        udy__pickle *p;
        CHECK(parse(&p, all[i].data, all[i].n, err));
        expect_whole(udy__pickle_root(p));
        udy__pickle_free(p);
    }
    udy__pickle_free(NULL);
}

static void the_last_of_two_members_counts_as_in_python(void **state) {
    (void)state;
    udy__pickle *p;
    READ(&p, "}(U\1aK\1U\1aK\2u.");
    expect_int(udy__pickle_get(udy__pickle_root(p), "a"), 2);
    udy__pickle_free(p);
}

static void questions_to_the_wrong_kind_of_value_have_an_answer(void **state) {
    (void)state;
    udy__pickle *p;
    double number;
    int64_t i;
    udy__pickle_array a;
    READ(&p, "](NK\1U\1a)}cnumpy\ndtype\ncnumpy\ndtype\n)RG\x7f\xf8\0\0\0\0\0\0e.");
    const udy__pickle_value *list = udy__pickle_root(p);
    for (size_t k = 0; k <= list->n; k++) {
        const udy__pickle_value *v = k < list->n ? list->item[k] : NULL;
        assert_null(udy__pickle_get(v, "x"));
        assert_null(udy__pickle_at(v, 99));
        assert_false(udy__pickle_array_of(&a, v));
        assert_false(udy__pickle_is_text(v, "b"));
        udy__pickle_number(v, &number);
        udy__pickle_int(v, &i);
        udy__pickle_class(v);
        assert_false(udy__pickle_truth(v, false) && (!v || v->kind == UDY__PICKLE_NONE));
    }
    udy__pickle_free(p);
}

//------------------------------------------ Refusals ----------------------------------------------

static void a_name_that_is_not_expected_is_refused_with_it(void **state) {
    (void)state;
    REFUSED(UDY_EUNSUPPORTED, "cos\nsystem\n(S'rm -rf /'\ntR.", "os.system", "byte");
    REFUSED(UDY_EUNSUPPORTED, "\x80\4\x8c\5posix\x8c\6system\x93\x8c\4true\x85R.", "posix.system");
    REFUSED(UDY_EUNSUPPORTED, "cnumpy\ndtypes\n.", "numpy.dtypes");
    REFUSED(UDY_EUNSUPPORTED, "cnumpy.core.multiarray _reconstruct\nx\n.", "numpy.core");
    REFUSED(UDY_EUNSUPPORTED, "c\x1b[2J\nx\n.", "?[2J");
    udy_error err = {0};
    udy__pickle *p;
    assert_int_equal(parse(&p, "c\x1b[2J\nx\n.", 9, &err), UDY_EUNSUPPORTED);
    assert_null(strchr(err.message, '\x1b'));
}

static void opcodes_that_data_need_not_are_refused_with_their_names(void **state) {
    (void)state;
    REFUSED(UDY_EUNSUPPORTED, "(ios\nsystem\n.", "INST");
    REFUSED(UDY_EUNSUPPORTED, "(cnumpy\ndtype\no.", "OBJ");
    REFUSED(UDY_EUNSUPPORTED, "\x82\1.", "EXT1");
    REFUSED(UDY_EUNSUPPORTED, "\x83\1\0.", "EXT2");
    REFUSED(UDY_EUNSUPPORTED, "\x84\1\0\0\0.", "EXT4");
    REFUSED(UDY_EUNSUPPORTED, "\x97.", "NEXT_BUFFER");
    REFUSED(UDY_EUNSUPPORTED, "\x98.", "READONLY_BUFFER");
    REFUSED(UDY_EFORMAT, "\xff.", "0xff");
    REFUSED(UDY_EUNSUPPORTED, "\x80\6N.", "protocol 6");
    REFUSED(UDY_EUNSUPPORTED, "cnumpy\ndtype\n)}U\1aK\1s\x92.", "keywords");
}

static void a_stack_that_does_not_hold_what_is_asked_for_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        ".",    "NN.",   "(.",    "N(.",   "t.",      "\x85.", "0.",      "1.",    "2.",
        "a.",   "Na.",   "NNa.",  "e.",    "N(Ne.",   "u.",    "}(Nu.",   "s.",    "}Ns.",
        "R.",   "NR.",   "N)R.",  "b.",    "Nb.",     "NNb.",  "]Nb.",    "Q.",    "(Q.",
        "q\1.", "\x94.", "h\1N.", "\x93.", "NN\x93.", "\x81.", "N)\x81.", "(d(Nd."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        udy__pickle *p;
        udy_error err = {0};
        if (parse(&p, texts[i], strlen(texts[i]), &err) != UDY_EFORMAT)
            fail_msg("%zu: '%s' is read", i, texts[i]);
        assert_true(strlen(err.message) > 8);
        assert_null(p);
    }
    REFUSED(UDY_EFORMAT, "N.N", "1 bytes follow");
    REFUSED(UDY_EFORMAT, "", "STOP");
    REFUSED(UDY_EFORMAT, "N", "STOP");
}

static void lines_that_are_no_numbers_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"I\n.",        "Ix\n.",     "I1x\n.",          "L1LL\n.",
                                        "F\n.",        "F1,5\n.",   "Fx\n.",           "g\n.",
                                        "gx\n.",       "g-1\n.",    "Np\n.",           "Np-1\n.",
                                        "S\n.",        "Sx\n.",     "S'\n.",           "S'x\n.",
                                        "S'\\xg0'\n.", "V\\u12\n.", "V\\U00110000\n.", "I1",
                                        "cnumpy\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        udy__pickle *p;
        udy_error err = {0};
        if (parse(&p, texts[i], strlen(texts[i]), &err) != UDY_EFORMAT)
            fail_msg("%zu: '%s' is read", i, texts[i]);
        assert_null(p);
    }
}

static void sizes_beyond_the_bytes_ask_for_no_memory(void **state) {
    (void)state;
    REFUSED(UDY_EFORMAT,
            "X\xff\xff\xff\xff"
            "a.",
            "4294967295 bytes");
    REFUSED(UDY_EFORMAT,
            "\x8e\xff\xff\xff\xff\xff\xff\xff\xff"
            "a.",
            "bytes");
    REFUSED(UDY_EFORMAT, "\x8b\xff\xff\xff\x7f.", "bytes");
    REFUSED(UDY_EFORMAT, "\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "frame");
    REFUSED(UDY_EFORMAT, "Nr\xff\xff\xff\xff.", "memo 4294967295");
    REFUSED(UDY_EFORMAT, "Np99999999999999999999\n.", "place");
}

// Memory stays a multiple of the pickle's size, however often it comes back to one text.
static void one_text_taken_again_and_again_is_refused(void **state) {
    (void)state;
    enum { TEXT_BYTES = 1 << 16, TIMES = 1000 };
    static const struct {
        const char *head, *again;
        int status;
    } cases[] = {{"U\6latin1q\1c_codecs\nencode\nq\2", "h\2h\3h\1\x86R0", UDY_EFORMAT},
                 {"U\x15numpy.core.multiarrayq\2", "h\2h\3\x93\x30", UDY_EUNSUPPORTED}};
    static char text[TEXT_BYTES + 10 * TIMES];
    for (size_t i = 0; i < 2; i++) {
        size_t n = (size_t)snprintf(text, sizeof text, "(%sX", cases[i].head);
        memcpy(text + n, "\0\0\1\0", 4);
        memset(text + n + 4, 'a', TEXT_BYTES);
        n += 4 + TEXT_BYTES;
        n += (size_t)snprintf(text + n, sizeof text - n, "q\3");
        for (int k = 0; k < TIMES; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", cases[i].again);
        n += (size_t)snprintf(text + n, sizeof text - n, "1N.");
        udy__pickle *p;
        EXPECT_ERROR(cases[i].status, parse(&p, text, n, err), "test.pkl");
        assert_null(p);
    }
}

static void what_is_nested_too_deep_is_refused(void **state) {
    (void)state;
    unsigned char deep[400];
    udy_error refusal = {0};
    udy__pickle *p;
    memset(deep, 0x85, sizeof deep);  // a tuple of a tuple of ...
    deep[0] = 'N';
    deep[60] = '.';
    CHECK(parse(&p, deep, 61, err));
    udy__pickle_free(p);
    deep[60] = 0x85;
    deep[399] = '.';
    assert_int_equal(parse(&p, deep, 400, &refusal), UDY_EFORMAT);
    assert_non_null(strstr(refusal.message, "deeper"));
}

// a = []; a.append(a): a tree without an end, which nothing here walks.
static void a_list_that_holds_itself_is_read_and_let_go(void **state) {
    (void)state;
    udy__pickle *p;
    READ(&p, "]q\1h\1a.");
    assert_ptr_equal(udy__pickle_at(udy__pickle_root(p), 0), udy__pickle_root(p));
    udy__pickle_free(p);
    char again[320];
    udy_error refusal = {0};
    int n = snprintf(again, sizeof again, "]q\1");
    while (n < 310) n += snprintf(again + n, sizeof again - (size_t)n, "h\1a");
    assert_int_equal(parse(&p, again, (size_t)n, &refusal), UDY_EFORMAT);
    assert_non_null(strstr(refusal.message, "deeper"));
}

static void arrays_that_are_not_what_they_say_are_none(void **state) {
    (void)state;
#define DTYPE(type, order) \
    "cnumpy\ndtype\n(U\2" type "K\0K\1tR(K\3U\1" order "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
#define ARRAY(shape, dtype, bytes) \
    "cnumpy.core.numeric\n_frombuffer\n(C" bytes dtype shape "U\1CtR."
    udy__pickle *p;
    udy__pickle_array a;
    READ(&p, ARRAY("K\2\x85", DTYPE("f4", "<"), "\10\0\0\200?\0\0\0@"));
    assert_true(udy__pickle_array_of(&a, udy__pickle_root(p)));
    udy__pickle_free(p);
    static const struct {
        const char *text;
        size_t n;
    } bad[] = {
#define BAD(text) {text, sizeof text - 1}
        BAD(ARRAY("K\3\x85", DTYPE("f4", "<"), "\10\0\0\200?\0\0\0@")),  // too few bytes
        BAD(ARRAY("K\1\x85", DTYPE("f4", "<"), "\10\0\0\200?\0\0\0@")),  // too many
        BAD(ARRAY("K\2\x85", DTYPE("f4", ">"), "\10\0\0\200?\0\0\0@")),  // big-endian
        BAD(ARRAY("J\xff\xff\xff\xff\x85", DTYPE("f4", "<"), "\10\0\0\200?\0\0\0@")),
        BAD(ARRAY("J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", DTYPE("f4", "<"),
                  "\10\0\0\200?\0\0\0@")),
        BAD(ARRAY("K\2", DTYPE("f4", "<"), "\10\0\0\200?\0\0\0@")),
        BAD(ARRAY("K\2\x85", "N", "\10\0\0\200?\0\0\0@")),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(parse(&p, bad[i].text, bad[i].n, err));
        if (udy__pickle_array_of(&a, udy__pickle_root(p))) fail_msg("%zu is an array", i);
        udy__pickle_free(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_gives_the_same_value),
        cmocka_unit_test(the_last_of_two_members_counts_as_in_python),
        cmocka_unit_test(questions_to_the_wrong_kind_of_value_have_an_answer),
        cmocka_unit_test(a_name_that_is_not_expected_is_refused_with_it),
        cmocka_unit_test(opcodes_that_data_need_not_are_refused_with_their_names),
        cmocka_unit_test(a_stack_that_does_not_hold_what_is_asked_for_is_refused),
        cmocka_unit_test(lines_that_are_no_numbers_are_refused),
        cmocka_unit_test(sizes_beyond_the_bytes_ask_for_no_memory),
        cmocka_unit_test(one_text_taken_again_and_again_is_refused),
        cmocka_unit_test(what_is_nested_too_deep_is_refused),
        cmocka_unit_test(a_list_that_holds_itself_is_read_and_let_go),
        cmocka_unit_test(arrays_that_are_not_what_they_say_are_none),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
