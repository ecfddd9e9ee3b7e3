// Mutated settings files and assignments: none crashes, a failure says why and changes nothing,
// what loads is in range and prints to text that loads back equal.
// Usage: test_fuzz_settings [cases] [seed]
#include <inttypes.h>
#include <stddef.h>

#include "mutate.h"

typedef struct settings {
    uint64_t seed;
    int epochs;
    double rate;
    bool warm;
    int activation;
    char name[24];
    udy_ints hidden;
    double range[2];
} settings;

static const char *const activations[] = {"relu", "tanh", "elu", NULL};

static const udy_field table[] = {
    {"seed", UDY_FIELD_U64, offsetof(settings, seed), 0, 0, 0, NULL, "seed"},
    {"bc.epochs", UDY_FIELD_INT, offsetof(settings, epochs), 0, 1, 1000, NULL, "epochs"},
    {"bc.rate", UDY_FIELD_F64, offsetof(settings, rate), 0, 1e-12, 10, NULL, "step size"},
    {"bc.net.warm", UDY_FIELD_BOOL, offsetof(settings, warm), 0, 0, 0, NULL, "warm"},
    {"bc.net.activation", UDY_FIELD_CHOICE, offsetof(settings, activation), 0, 0, 0, activations,
     "activation"},
    {"name", UDY_FIELD_TEXT, offsetof(settings, name), 24, 0, 0, NULL, "name"},
    {"hidden", UDY_FIELD_INTS, offsetof(settings, hidden), 0, 1, 4096, NULL, "widths"},
    {"range", UDY_FIELD_PAIR, offsetof(settings, range), 0, -10, 10, NULL, "range"},
    {NULL, 0, 0, 0, 0, 0, NULL, NULL},
};

static const char *const files[] = {
    "seed: 3  # a comment\nbc:\n  epochs: 20\n  rate: 1e-3\n  net:\n    warm: yes\n"
    "    activation: elu\nname: \"x\\ty\"\nhidden: [64, 32]\nrange: [-1, 2.5]\n",
    "{seed: 1, bc: {epochs: 2, net: {warm: false}}, hidden: [1, 2, 3], name: 'it''s'}\n",
    "# only\nbc.epochs: 7\nbc.net.activation: relu\nhidden:\n  - 3\n  - 4\n---\n",
    "name: |\n  block\n  text\nrange:\n- 0\n- 1\n",
};
static const char *const assignments[] = {
    "bc.epochs=3",    "bc.rate=1e-3",   "hidden=[1, 2]",          "range=0.5,1",
    "name=\"a\\nb\"", "bc.net.warm=on", "bc.net.activation=tanh", "seed=18446744073709551615"};
#define N_FILES (sizeof files / sizeof files[0])
#define N_ASSIGNMENTS (sizeof assignments / sizeof assignments[0])

static const char *const tokens[] = {":",
                                     ": ",
                                     "- ",
                                     "? ",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ",",
                                     "#",
                                     " #",
                                     "&a ",
                                     "*a",
                                     "!!int ",
                                     "!",
                                     "|",
                                     ">",
                                     "'",
                                     "\"",
                                     "\\",
                                     "%YAML 1.1\n",
                                     "---\n",
                                     "...\n",
                                     "\n",
                                     "\n  ",
                                     "\t",
                                     "~",
                                     "null",
                                     "true",
                                     "no",
                                     "-1",
                                     "1e400",
                                     ".nan",
                                     ".inf",
                                     "0x1p3",
                                     "99999999999999999999",
                                     "bc:",
                                     "bc.",
                                     "epochs",
                                     "seed: ",
                                     "name: ",
                                     "hidden: [",
                                     "<<: *a\n",
                                     "\xff",
                                     "\xef\xbb\xbf",
                                     "\xe2\x80\xa8",
                                     "\\0",
                                     "\x1b[2J",
                                     "%s%n",
                                     "[[[[[[[[[[[[[[[[",
                                     "{a: {a: {a: {a: {a: {a: {a: {a: {a: ",
                                     "=",
                                     "yes"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static settings defaults(void) {
    settings s;
    memset(&s, 0, sizeof s);
    s.epochs = 100;
    s.rate = 1e-3;
    s.hidden = (udy_ints){1, {8}};
    return s;
}

static block text_block(const char *text) {
    block b = {.n = strlen(text)};
    memcpy(b.p, text, b.n);
    return b;
}

static void check_loaded(const settings *s) {
    REQUIRE(s->epochs >= 1 && s->epochs <= 1000, "epochs %d", s->epochs);
    REQUIRE(s->rate >= 1e-12 && s->rate <= 10, "rate %g", s->rate);
    REQUIRE(s->activation >= 0 && s->activation < 3, "activation %d", s->activation);
    REQUIRE(memchr(s->name, 0, sizeof s->name), "a name without an end");
    REQUIRE(s->hidden.n >= 0 && s->hidden.n <= UDY_INTS_MAX, "%d widths", s->hidden.n);
    for (int i = 0; i < s->hidden.n; i++) {
        REQUIRE(s->hidden.v[i] >= 1 && s->hidden.v[i] <= 4096, "width %d", s->hidden.v[i]);
    }
    for (int i = 0; i < 2; i++) REQUIRE(s->range[i] >= -10 && s->range[i] <= 10, "range");
    char *text = udy_settings_print(s, table);
    REQUIRE(text, "settings do not print");
    block b = text_block(text);
    settings back = defaults();
    udy_error err = {0};
    int code = udy_settings_load(&back, table, memory_file(&b), &err);
    REQUIRE(code == UDY_OK, "%s\n%s", err.message, text);
    REQUIRE(udy_settings_equal(s, &back, table), "does not read back:\n%s", text);
    udy_free(text);
}

static void check_failed(const settings *s, int code, const udy_error *err) {
    const settings before = defaults();
    REQUIRE(!memcmp(s, &before, sizeof before), "a failure changed the settings: %s", err->message);
    REQUIRE(code == UDY_EFORMAT || code == UDY_EINVAL, "%s", udy_status_name(code));
    check_message(err, code);
}

static int load_case(const block *b) {
    settings s = defaults();
    udy_error err = {0};
    const char *path = memory_file(b);
    int code = udy_settings_load(&s, table, path, &err);
    if (code == UDY_OK) {
        check_loaded(&s);
    } else {
        check_failed(&s, code, &err);
        REQUIRE(!strncmp(err.message, path, strlen(path)), "'%s' names no file", err.message);
    }
    return code;
}

static int set_case(const block *b) {
    char text[BLOCK_MAX + 1];
    memcpy(text, b->p, b->n);
    text[b->n] = '\0';
    settings s = defaults();
    udy_error err = {0};
    int code = udy_settings_set(&s, table, text, &err);
    if (code == UDY_OK) {
        check_loaded(&s);
    } else {
        check_failed(&s, code, &err);
    }
    return code;
}

int main(int argc, char **argv) {
    uint64_t n = argument(argc, argv, 1, 20000), seed = argument(argc, argv, 2, 1);
    uint64_t loaded = 0, set = 0;
    for (size_t i = 0; i < N_FILES; i++) {
        block b = text_block(files[i]);
        // The third file ends with a second document's mark, which is refused.
        REQUIRE((load_case(&b) == UDY_OK) == (i != 2), "file %zu", i);
    }
    for (size_t i = 0; i < N_ASSIGNMENTS; i++) {
        block b = text_block(assignments[i]);
        REQUIRE(set_case(&b) == UDY_OK, "%s", assignments[i]);
    }
    for (uint64_t k = 0; k < n; k++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "fuzz/settings", k);
        bool file = k % 2 == 0;
        block b = text_block(file ? files[udy_rng_below(&rng, N_FILES)]
                                  : assignments[udy_rng_below(&rng, N_ASSIGNMENTS)]);
        uint64_t n_mutations = 1 + udy_rng_below(&rng, 4);
        while (n_mutations--) mutate(&rng, &b, tokens, N_TOKENS);
        if (file) {
            loaded += load_case(&b) == UDY_OK;
        } else {
            set += set_case(&b) == UDY_OK;
        }
    }
    printf("%" PRIu64 " cases: %" PRIu64 " mutated files load, %" PRIu64 " assignments are taken\n",
           n, loaded, set);
    REQUIRE(n < 1000 || (loaded > n / 100 && loaded < n / 2 && set > n / 100 && set < n / 2),
            "the mutations do not bite");
    return 0;
}
