// Settings: every type reads, prints and reads back equal; every mistake is named with its file,
// line, key and the nearest key; a hostile file fails and changes nothing.
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "understudy/base.h"

typedef struct settings {
    uint64_t seed;
    int epochs;
    double learning_rate;
    double free_number;
    bool warm_start;
    int activation;
    char name[40];
    udy_ints hidden;
    double range[2];
    int late;
    int odd;
} settings;

static const char *const activations[] = {"relu", "tanh", "elu", NULL};
static const char *const odd_choices[] = {"no", "1.5", "two words", "x", NULL};

// "bc.late" comes after another group, so that groups are gathered when printed.
static const udy_field table[] = {
    {"seed", UDY_FIELD_U64, offsetof(settings, seed), 0, 0, 0, NULL, "seed of the run"},
    {"bc.epochs", UDY_FIELD_INT, offsetof(settings, epochs), 0, 1, 100000, NULL, "epochs"},
    {"bc.learning_rate", UDY_FIELD_F64, offsetof(settings, learning_rate), 0, 1e-12, 10, NULL,
     "Adam's step size: #1"},
    {"bc.deep.free", UDY_FIELD_F64, offsetof(settings, free_number), 0, 0, 0, NULL, NULL},
    {"dagger.warm_start", UDY_FIELD_BOOL, offsetof(settings, warm_start), 0, 0, 0, NULL, ""},
    {"net.activation", UDY_FIELD_CHOICE, offsetof(settings, activation), 0, 0, 0, activations, "a"},
    {"name", UDY_FIELD_TEXT, offsetof(settings, name), sizeof(((settings *)0)->name), 0, 0, NULL,
     "name"},
    {"net.hidden", UDY_FIELD_INTS, offsetof(settings, hidden), 0, 1, 4096, NULL, "widths"},
    {"range", UDY_FIELD_PAIR, offsetof(settings, range), 0, -100, 100, NULL, "m"},
    {"bc.late", UDY_FIELD_INT, offsetof(settings, late), 0, 0, 0, NULL, "late"},
    {"odd", UDY_FIELD_CHOICE, offsetof(settings, odd), 0, 0, 0, odd_choices, "odd"},
    {NULL, 0, 0, 0, 0, 0, NULL, NULL},
};

static settings defaults(void) {
    settings s;
    memset(&s, 0, sizeof s);
    s.epochs = 100;
    s.learning_rate = 1e-3;
    s.activation = 1;
    strcpy(s.name, "plain");
    s.hidden = (udy_ints){2, {256, 256}};
    s.range[0] = 0.2;
    s.range[1] = 1.0;
    return s;
}

static char path[256];

static void write_bytes(const char *text, size_t n) {
    unlink(path);  // cutting a file to size would wait for the disk
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int load(settings *s, const char *text, udy_error *err) {
    write_bytes(text, strlen(text));
    *err = (udy_error){0};
    return udy_settings_load(s, table, path, err);
}

static settings loaded(const char *text) {
    settings s = defaults();
    udy_error err;
    if (load(&s, text, &err)) fail_msg("%s\n%s", text, err.message);
    return s;
}

static settings after_set(const char *assignment) {
    settings s = defaults();
    udy_error err = {0};
    if (udy_settings_set(&s, table, assignment, &err)) fail_msg("%s: %s", assignment, err.message);
    return s;
}

//------------------------------------------ Reading -----------------------------------------------

static void nested_mappings_and_dotted_keys_are_read(void **state) {
    (void)state;
    settings s = loaded(
        "# a comment\nseed: 18446744073709551615\nbc:\n  epochs: 7\n"
        "  learning_rate: 3e-4\n  deep:\n    free: -1.5\nbc.late: -3\n"
        "dagger: {warm_start: yes}\nnet:\n  activation: elu\n  hidden: [64, 32, 16]\n"
        "name: 'a b'\nrange: [-1, 2.5e1]\nodd: \"two words\"\n");
    assert_true(s.seed == UINT64_MAX);
    assert_int_equal(s.epochs, 7);
    assert_true(s.learning_rate == 3e-4);
    assert_true(s.free_number == -1.5);
    assert_int_equal(s.late, -3);
    assert_true(s.warm_start);
    assert_int_equal(s.activation, 2);
    assert_int_equal(s.hidden.n, 3);
    assert_int_equal(s.hidden.v[2], 16);
    assert_string_equal(s.name, "a b");
    assert_true(s.range[0] == -1.0 && s.range[1] == 25.0);
    assert_int_equal(s.odd, 2);
}

static void what_a_file_leaves_out_stays(void **state) {
    (void)state;
    const char *const empty[] = {
        "", "# nothing\n", "---\n", "{}\n", "bc:\nnet:\n  # all out\n", "bc: {}\n", "---\n...\n"};
    settings d = defaults();
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        settings s = loaded(empty[i]);
        assert_true(udy_settings_equal(&s, &d, table));
    }
    settings s = loaded("bc:\n  epochs: 3\n");
    assert_false(udy_settings_equal(&s, &d, table));
    s.epochs = d.epochs;
    assert_true(udy_settings_equal(&s, &d, table));
}

static void block_lists_and_every_spelling_of_a_boolean_are_read(void **state) {
    (void)state;
    assert_int_equal(loaded("net:\n  hidden:\n    - 3\n    - 4\n").hidden.v[1], 4);
    assert_int_equal(loaded("net: {hidden: []}\n").hidden.n, 0);
    const char *const yes[] = {"true", "True", "TRUE", "yes", "on"};
    const char *const no[] = {"false", "False", "no", "off"};
    char text[64];
    for (size_t i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "dagger.warm_start: %s\n", yes[i]);
        assert_true(loaded(text).warm_start);
    }
    for (size_t i = 0; i < 4; i++) {
        settings s = defaults();
        s.warm_start = true;
        udy_error err;
        snprintf(text, sizeof text, "dagger.warm_start: %s\n", no[i]);
        assert_int_equal(load(&s, text, &err), UDY_OK);
        assert_false(s.warm_start);
    }
}

static void whole_numbers_may_be_scientific(void **state) {
    (void)state;
    assert_int_equal(after_set("bc.epochs=1e3").epochs, 1000);
    assert_int_equal(after_set("bc.epochs=+12").epochs, 12);
    assert_true(after_set("seed=1e6").seed == 1000000);
    assert_true(after_set("seed=18446744073709551615").seed == UINT64_MAX);
    assert_int_equal(after_set("bc.late=-2147483648").late, INT32_MIN);
}

static void an_assignment_takes_flow_syntax_and_needs_no_shell_quotes(void **state) {
    (void)state;
    assert_true(after_set("bc.learning_rate=1e-3").learning_rate == 1e-3);
    assert_true(after_set(" bc.learning_rate = .5 ").learning_rate == 0.5);
    assert_int_equal(after_set("net.hidden=[1, 2, 3]").hidden.n, 3);
    assert_int_equal(after_set("net.hidden=64,32").hidden.v[1], 32);
    assert_int_equal(after_set("net.hidden=64").hidden.n, 1);
    assert_true(after_set("range=-1,1").range[0] == -1.0);
    assert_true(after_set("bc.deep.free=-.inf").free_number == -INFINITY);
    assert_string_equal(after_set("name=a: b # c, *d").name, "a: b # c, *d");
    assert_string_equal(after_set("name=\"tab\\there\"").name, "tab\there");
    assert_string_equal(after_set("name=x=y").name, "x=y");
    assert_string_equal(after_set("name=").name, "");
    assert_int_equal(after_set("odd='1.5'").odd, 1);
}

//------------------------------------------ Mistakes ----------------------------------------------

static void mistakes_in_a_file_are_named(void **state) {
    (void)state;
    const struct {
        const char *text;
        int line;
        const char *what;
    } cases[] = {
        {"seed: 1\nbc:\n  epoch: 3\n", 3, "unknown key 'bc.epoch'; did you mean 'bc.epochs'?"},
        {"epochs: 3\n", 1, "unknown key 'epochs'; did you mean 'bc.epochs'?"},
        {"\n\nzzzzzzzz: 3\n", 3, "unknown key 'zzzzzzzz'"},
        {"bcc:\n  epochs: 3\n", 2, "unknown key 'bcc.epochs'; did you mean 'bc.epochs'?"},
        {"what: {}\n", 1, "unknown key 'what'"},
        {"bc: 3\n", 1, "'bc' is a group of settings, not a value"},
        {"bc: [1]\n", 1, "'bc' is a group of settings"},
        {"bc:\n  learning_rate: -1\n", 2, "bc.learning_rate = -1: must be between 1e-12 and 10"},
        {"bc:\n  learning_rate: 1e400\n", 2, "bc.learning_rate = 1e400: is too large"},
        {"bc:\n  learning_rate: fast\n", 2, "bc.learning_rate = fast: must be a number"},
        {"bc:\n  learning_rate: \"1\"\n", 2, "bc.learning_rate = \"1\": must be a number, without"},
        {"bc:\n  learning_rate: .nan\n", 2, "must be a number"},
        {"bc:\n  learning_rate: 0x10\n", 2, "must be a number"},
        {"bc:\n  learning_rate: nan\n", 2, "must be a number"},
        {"bc:\n  learning_rate: .inf\n", 2, "must be between"},
        {"bc:\n  learning_rate:\n", 2, "bc.learning_rate has no value"},
        {"bc:\n  epochs: 0\n", 2, "bc.epochs = 0: must be between 1 and 100000"},
        {"bc:\n  epochs: 1.5\n", 2, "bc.epochs = 1.5: must be a whole number"},
        {"bc:\n  epochs: 1e400\n", 2, "must be between"},
        {"bc:\n  epochs: [1]\n", 2, "bc.epochs = [1]: must be a single value"},
        {"bc:\n  epochs: {a: 1}\n", 2, "bc.epochs = a mapping: must be a single value"},
        {"bc.late: 2147483648\n", 1, "does not fit a 32-bit"},
        {"seed: -1\n", 1, "seed = -1: must be a whole number that is not negative"},
        {"seed: 18446744073709551616\n", 1, "does not fit a 64-bit"},
        {"seed: 1e30\n", 1, "must be a whole number"},
        {"dagger.warm_start: maybe\n", 1, "must be true or false"},
        {"dagger.warm_start: 'true'\n", 1, "must be true or false, without quotes"},
        {"net.activation: rleu\n", 1, "must be one of relu, tanh, elu; did you mean 'relu'?"},
        {"net.activation: swish\n", 1, "must be one of relu, tanh, elu"},
        {"name: null\n", 1, "name = null: has no value"},
        {"name:\n", 1, "name has no value; write \"\""},
        {"name: 0123456789012345678901234567890123456789\n", 1, "is longer than 39 bytes"},
        {"name: \"a\\0b\"\n", 1, "NUL"},
        {"net.hidden: 256\n", 1, "must be a list of whole numbers such as [256, 256]"},
        {"net.hidden: [1,2,3,4,5,6,7,8,9]\n", 1, "has more than 8 items"},
        {"net.hidden: [0]\n", 1, "net.hidden = [0]: must be between 1 and 4096"},
        {"net.hidden: [1, x]\n", 1, "net.hidden = [1, x]: must be a whole number"},
        {"net.hidden: [1, [2]]\n", 1, "net.hidden: a list may hold only numbers"},
        {"range: [1]\n", 1, "must be a list of two numbers"},
        {"range: [1, 2, 3]\n", 1, "must be a list of two numbers"},
        {"range: [1, 200]\n", 1, "must be between -100 and 100"},
        {"seed: 1\nbc:\n  epochs: 1\nseed: 2\n", 4, "seed is given twice"},
        {"bc:\n  epochs: 1\nbc.epochs: 2\n", 3, "bc.epochs is given twice"},
        {"- 1\n", 1, "expected a mapping"},
        {"just words\n", 1, "expected a mapping"},
        {"seed: 1\n---\nseed: 2\n", 2, "more than one document"},
        {"seed: 1\n  epochs: 2\n", 1, "seed = 1 epochs: must be a whole number"},
        {"seed: [1\n", 2, "not YAML"},
        {"name: b: c\n", 1, "not YAML"},
        {"\tseed: 1\n", 1, "not YAML"},
        {"? [a]\n: 1\n", 1, "a key must be a word"},
        {"'': 1\n", 1, "unknown key ''"},
    };
    const settings before = defaults();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings s = defaults();
        udy_error err;
        int code = load(&s, cases[i].text, &err);
        char start[320];
        snprintf(start, sizeof start, "%s:%d: ", path, cases[i].line);
        if (code == UDY_OK || code != err.code || strncmp(err.message, start, strlen(start)) ||
            !strstr(err.message, cases[i].what)) {
            fail_msg("%s-> %d %s", cases[i].text, code, err.message);
        }
        assert_true(udy_settings_equal(&s, &before, table));
    }
}

static void a_file_with_a_fault_at_its_end_changes_nothing(void **state) {
    (void)state;
    settings s = defaults();
    const settings before = s;
    udy_error err;
    assert_int_not_equal(load(&s, "seed: 5\nname: other\nbc: {epochs: 3}\nrange: 1\n", &err), 0);
    assert_memory_equal(&s, &before, sizeof s);
}

static void mistakes_in_an_assignment_are_named(void **state) {
    (void)state;
    const struct {
        const char *text, *what;
    } cases[] = {
        {"bc.epoch=3", "unknown key 'bc.epoch'; did you mean 'bc.epochs'?"},
        {"bc.learning_rate=-1", "bc.learning_rate = -1: must be between 1e-12 and 10"},
        {"bc.epochs", "expected key=value"},
        {"=3", "expected a key"},
        {"", "expected key=value"},
        {"bc=3", "'bc' is a group"},
        {"bc.epochs=", "has no value"},
        {"bc.epochs=[1", "bc.epochs: not YAML"},
        {"bc.epochs=*a", "bc.epochs: aliases"},
        {"bc.epochs=&a 3", "bc.epochs: anchors"},
        {"bc.epochs=!!int 3", "bc.epochs: tags"},
        {"bc.epochs=1\n---\n2", "bc.epochs: more than one document"},
        {"net.hidden=[1,2", "net.hidden: not YAML"},
        {"net.hidden={a: 1}", "net.hidden"},
        {"name=\xff", "not UTF-8"},
        {"\x01\x1b[31m=1", "unknown key '??[31m'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings s = defaults();
        const settings before = s;
        udy_error err = {0};
        int code = udy_settings_set(&s, table, cases[i].text, &err);
        if (code == UDY_OK || code != err.code || !strstr(err.message, cases[i].what)) {
            fail_msg("%s -> %d %s", cases[i].text, code, err.message);
        }
        assert_memory_equal(&s, &before, sizeof s);
    }
    settings s = defaults();
    assert_int_equal(udy_settings_set(&s, table, NULL, NULL), UDY_EINVAL);
}

static void an_overlong_key_is_unknown_and_clipped(void **state) {
    (void)state;
    char text[4096];
    memset(text, 'k', sizeof text);
    memcpy(text + 1000, ": 1\n", 5);
    settings s = defaults();
    udy_error err;
    assert_int_equal(load(&s, text, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "unknown key 'kkkk"));
    assert_non_null(strstr(err.message, "...'"));
    memcpy(text + 3000, "=1", 3);
    assert_int_equal(udy_settings_set(&s, table, text, &err), UDY_EINVAL);
}

//------------------------------------------ Hostile files -----------------------------------------

static void refuse_bytes(const char *text, size_t n, const char *what) {
    settings s = defaults();
    const settings before = s;
    udy_error err = {0};
    write_bytes(text, n);
    int code = udy_settings_load(&s, table, path, &err);
    bool refused = code == UDY_EFORMAT || (code == UDY_EINVAL && !*what);
    if (!refused || code != err.code || !*err.message || !strstr(err.message, what)) {
        fail_msg("%d %s", code, err.message);
    }
    assert_memory_equal(&s, &before, sizeof s);
}

static void refuse(const char *text, const char *what) {
    refuse_bytes(text, strlen(text), what);
}

static void aliases_anchors_and_tags_are_refused(void **state) {
    (void)state;
    refuse("seed: &a 1\nbc.late: *a\n", "anchors");
    refuse("seed: *a\n", "aliases");
    refuse("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n", "anchors");
    refuse("bc: &b\n  epochs: 3\nnet:\n  <<: *b\n", "anchors");
    refuse("seed: !!python/object:os.system 1\n", "tags");
    refuse("!!map {seed: 1}\n", "tags");
    refuse("&k seed: 1\n", "anchors");
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    refuse("bc: {bc: {bc: {bc: {bc: {bc: {bc: {bc: {bc: 1}}}}}}}}\n", "nested too deeply");
    const size_t n = 200000;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '[', n);
    memcpy(text, "seed: ", 6);
    refuse_bytes(text, n, "");
    memset(text, '{', n);
    memcpy(text, "seed: ", 6);
    refuse_bytes(text, n, "");
    memset(text, '{', n);
    refuse_bytes(text, n, "");
    for (size_t i = 0; i + 1 < n; i += 2) memcpy(text + i, "- ", 2);
    refuse_bytes(text, n, "");
    for (size_t i = 0; i + 1 < n; i += 2) memcpy(text + i, "? ", 2);
    refuse_bytes(text, n, "");
    free(text);
}

static void a_huge_file_is_refused(void **state) {
    (void)state;
    const size_t n = (256u << 10) + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '#', n);
    refuse_bytes(text, n, "larger than 256 KiB");
    settings s = defaults();
    write_bytes(text, n - 1);  // one comment of the largest size
    assert_int_equal(udy_settings_load(&s, table, path, NULL), UDY_OK);
    free(text);
}

static void bytes_that_are_not_text_are_refused(void **state) {
    (void)state;
    refuse_bytes("seed: 1\0\n", 9, "not YAML");
    refuse_bytes("name: \xff\xfe\n", 9, "not YAML");
    refuse_bytes("name: \xed\xa0\x80\n", 10, "not YAML");
    refuse_bytes(
        "\x7f"
        "ELF\x02\x01\x01\0\0\0",
        10, "not YAML");
    refuse_bytes("\x80\x04\x95", 3, "not YAML");
}

static void what_is_no_file_is_an_error(void **state) {
    (void)state;
    settings s = defaults();
    udy_error err = {0};
    assert_int_equal(udy_settings_load(&s, table, UDY_TEST_TMP "/absent.yaml", &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "absent.yaml"));
    assert_int_equal(udy_settings_load(&s, table, UDY_TEST_TMP, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "not a regular file"));
    assert_int_equal(udy_settings_load(&s, table, "/dev/zero", &err), UDY_EINVAL);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(udy_settings_load(&s, table, path, &err), UDY_EINVAL);  // does not wait
    unlink(path);
}

//------------------------------------------ Printing ----------------------------------------------

static void printed_settings_are_nested_in_the_tables_order(void **state) {
    (void)state;
    settings s = defaults();
    s.learning_rate = 1e-5;
    s.seed = 7;
    char *text = udy_settings_print(&s, table);
    assert_string_equal(text,
                        "seed: 7  # seed of the run\n"
                        "bc:\n"
                        "  epochs: 100  # epochs\n"
                        "  learning_rate: 1.0e-05  # Adam's step size: #1\n"
                        "  deep:\n"
                        "    free: 0\n"
                        "  late: 0  # late\n"
                        "dagger:\n"
                        "  warm_start: false\n"
                        "net:\n"
                        "  activation: tanh  # a\n"
                        "  hidden: [256, 256]  # widths\n"
                        "name: \"plain\"  # name\n"
                        "range: [0.2, 1]  # m\n"
                        "odd: \"no\"  # odd\n");
    udy_free(text);
}

static double random_double(udy_rng *rng) {
    for (;;) {
        uint64_t bits = udy_rng_u64(rng);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isnan(v)) return v;  // infinities too
    }
}

static void random_text(udy_rng *rng, char *out, size_t size) {
    static const char *const pieces[] = {
        "a", "Z",    " ",    "#",    ":",        "\"",     "'",      "\\", "\n", "\t", "\x01",
        "é", "世",   "🦿", "[",    "{",        "*",      "&",      "!",  "%",  "@",  "\r",
        "-", "null", ", ",   "\x7f", "\xc2\x85", "\u2028", "\ufeff", "0",  "~",  "x"};
    size_t used = 0;
    memset(out, 0, size);
    for (uint64_t n = udy_rng_below(rng, 12); n > 0; n--) {
        const char *piece = pieces[udy_rng_below(rng, sizeof pieces / sizeof pieces[0])];
        if (used + strlen(piece) >= size) break;
        memcpy(out + used, piece, strlen(piece));
        used += strlen(piece);
    }
}

static void any_settings_print_and_load_back_equal(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 20);
    for (int i = 0; i < 2000; i++) {
        settings s, back = defaults();
        memset(&s, 0, sizeof s);
        s.seed = udy_rng_u64(&rng) >> udy_rng_below(&rng, 64);
        s.epochs = 1 + (int)udy_rng_below(&rng, 100000);
        s.learning_rate = exp(udy_rng_uniform(&rng, log(1e-11), log(9.9)));
        s.free_number = random_double(&rng);
        s.warm_start = udy_rng_below(&rng, 2) == 1;
        s.activation = (int)udy_rng_below(&rng, 3);
        s.odd = (int)udy_rng_below(&rng, 4);
        random_text(&rng, s.name, sizeof s.name);
        s.hidden.n = (int)udy_rng_below(&rng, UDY_INTS_MAX + 1);
        for (int k = 0; k < s.hidden.n; k++) s.hidden.v[k] = 1 + (int)udy_rng_below(&rng, 4096);
        s.range[0] = udy_rng_uniform(&rng, -100, 100);
        s.range[1] = -0.0;
        s.late = (int)udy_rng_u32(&rng);
        char *text = udy_settings_print(&s, table);
        assert_non_null(text);
        udy_error err;
        if (load(&back, text, &err)) fail_msg("%s\n%s", text, err.message);
        if (!udy_settings_equal(&s, &back, table)) fail_msg("not equal:\n%s", text);
        udy_free(text);
    }
}

static void equality_looks_at_every_field(void **state) {
    (void)state;
    const char *const changes[] = {"seed=1",
                                   "bc.epochs=2",
                                   "bc.learning_rate=2",
                                   "bc.deep.free=2",
                                   "dagger.warm_start=true",
                                   "net.activation=elu",
                                   "name=other",
                                   "net.hidden=[256]",
                                   "net.hidden=[256,255]",
                                   "range=[0.2,2]",
                                   "bc.late=9",
                                   "odd=x",
                                   "bc.deep.free=-0.0"};
    const settings d = defaults();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        settings s = after_set(changes[i]);
        assert_false(udy_settings_equal(&s, &d, table));
        assert_true(udy_settings_equal(&s, &s, table));
    }
}

int main(void) {
    snprintf(path, sizeof path, UDY_TEST_TMP "/settings-%ld.yaml", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_mappings_and_dotted_keys_are_read),
        cmocka_unit_test(what_a_file_leaves_out_stays),
        cmocka_unit_test(block_lists_and_every_spelling_of_a_boolean_are_read),
        cmocka_unit_test(whole_numbers_may_be_scientific),
        cmocka_unit_test(an_assignment_takes_flow_syntax_and_needs_no_shell_quotes),
        cmocka_unit_test(mistakes_in_a_file_are_named),
        cmocka_unit_test(a_file_with_a_fault_at_its_end_changes_nothing),
        cmocka_unit_test(mistakes_in_an_assignment_are_named),
        cmocka_unit_test(an_overlong_key_is_unknown_and_clipped),
        cmocka_unit_test(aliases_anchors_and_tags_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_huge_file_is_refused),
        cmocka_unit_test(bytes_that_are_not_text_are_refused),
        cmocka_unit_test(what_is_no_file_is_an_error),
        cmocka_unit_test(printed_settings_are_nested_in_the_tables_order),
        cmocka_unit_test(any_settings_print_and_load_back_equal),
        cmocka_unit_test(equality_looks_at_every_field),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
