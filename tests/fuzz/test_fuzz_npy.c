// Damaged .npy files: every truncation and every change of one byte of tests/data/npy, and random
// mutations: each is an error in words, or an array that lies within the file.
// Usage: test_fuzz_npy [random cases] [seed]
#include "mutate.h"

#include "io/npy.h"

static const char *const names[] = {"f8",   "f4",        "i8",     "i4",    "u1",       "b1",
                                    "half", "scalar",    "vector", "empty", "text",     "columns",
                                    "big",  "structure", "object", "date",  "version2", "version3"};
#define N_NAMES (sizeof names / sizeof names[0])

static const char *const tokens[] = {
    "{",       "}",    "(",      ")",         ",",    "'",
    "\"",      "L",    "True",   "False",     "<f4",  "<f8",
    "|O",      "|V0",  "<U1",    "'descr': ", "<M8",  "9223372036854775807",
    "'shape'", "(0,)", "(0, 3)", "\x93NUMPY", "\x00", "\n",
    "\x1b[2J", "%s%n", "-1",     "1",         ">i4"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static block load(const char *name) {
    char path[1024], *data;
    size_t n;
    udy_error err = {0};
    snprintf(path, sizeof path, UDY_SOURCE_DIR "/tests/data/npy/%s.npy", name);
    REQUIRE(!udy_file_read(&data, &n, path, BLOCK_MAX, &err), "%s", err.message);
    block b = {.n = n};
    memcpy(b.p, data, n);
    udy_free(data);
    return b;
}

// In memory of just its size, so that the sanitizers see a byte beyond.
static bool check(const block *b) {
    void *data = NULL;
    REQUIRE(posix_memalign(&data, 64, b->n ? b->n : 1) == 0, "no memory");
    memcpy(data, b->p, b->n);
    udy_tensor t, head;
    size_t at;
    udy_error err = {0}, other = {0};
    int code = udy__npy_parse(&t, data, b->n, "fuzz", &err);
    if (code) check_message(&err, code);
    int code_head = udy__npy_parse_header(&head, &at, data, b->n, "fuzz", &other);
    if (code_head) check_message(&other, code_head);
    if (!code) {
        const char *first = t.data, *begin = data;
        REQUIRE(code_head == 0 && head.n_bytes == t.n_bytes, "two readings");
        REQUIRE(first >= begin && t.n_bytes == (size_t)(begin + b->n - first), "data outside");
        REQUIRE(t.ndim >= 0 && t.ndim <= UDY_TENSOR_NDIM_MAX, "%d dimensions", t.ndim);
        size_t unit = udy_dtype_size(t.dtype), count = 1;
        for (int i = 0; i < t.ndim; i++) {
            REQUIRE(t.shape[i] >= 0, "a negative size");
            count *= (size_t)t.shape[i];
        }
        REQUIRE(!unit || count * unit == t.n_bytes, "shape and bytes differ");
        REQUIRE(!unit || (uintptr_t)first % unit == 0, "unaligned");
    }
    free(data);
    return code == 0;
}

int main(int argc, char **argv) {
    const uint64_t cases = argument(argc, argv, 1, 100000), seed = argument(argc, argv, 2, 0);
    size_t sound = 0, all = 0;
    for (size_t k = 0; k < N_NAMES; k++) {
        const block whole = load(names[k]);
        for (size_t n = 0; n < whole.n; n++, all++) {
            block b = whole;
            b.n = n;
            REQUIRE(!check(&b), "%s cut to %zu bytes is read", names[k], n);
        }
        for (size_t i = 0; i < whole.n; i++)
            for (int byte = 0; byte < 256; byte++, all++) {
                block b = whole;
                b.p[i] = (unsigned char)byte;
                sound += check(&b);
            }
    }
    for (uint64_t i = 0; i < cases; i++, all++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "fuzz/npy", i);
        block b = load(names[udy_rng_below(&rng, N_NAMES)]);
        for (uint64_t k = 1 + udy_rng_below(&rng, 4); k > 0; k--)
            mutate(&rng, &b, tokens, N_TOKENS);
        sound += check(&b);
    }
    printf("%zu files, %zu of them read\n", all, sound);
    REQUIRE(sound > 1000 && sound < all, "the cases are too much alike");
    return 0;
}
