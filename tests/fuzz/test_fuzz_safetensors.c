// Mutated safetensors files: none crashes, each failure says why, and what opens keeps every
// promise of the format. Usage: test_fuzz_safetensors [cases] [seed] [folder to keep the files in]
#include <inttypes.h>

#include "mutate.h"
#include "understudy/io.h"

static const char *const headers[] = {
    "{\"__metadata__\":{\"format\":\"understudy.policy/1\",\"task\":\"Ant-v5\"},"
    "\"net.0.weight\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[0,48]},"
    "\"net.0.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[48,64]}}    ",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
    "\"b\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[3,35]},"
    "\"c\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[35,37]},"
    "\"d\":{\"dtype\":\"I64\",\"shape\":[0,9],\"data_offsets\":[37,37]}}",
    "{}",
    " {\"\\u00e9\\ud83e\\uddbf\":{\"shape\":[1,1,1,1,1,1,1,8],\"data_offsets\":[8,16],"
    "\"dtype\":\"BOOL\",\"x\":[1,{\"y\":null}]},\"t\":{\"dtype\":\"I32\",\"shape\":[2],"
    "\"data_offsets\":[0,8]}}\n",
};
static const size_t data_bytes[] = {64, 37, 0, 16};
#define N_SEEDS (sizeof headers / sizeof headers[0])

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-1",
    "0",
    "1",
    "8",
    "1e300",
    "0.5",
    "9007199254740993",
    "18446744073709551616",
    "4294967296",
    "2147483648",
    "\"F64\"",
    "\"F32\"",
    "\"U8\"",
    "\"F4\"",
    "\"F8_E4M3\"",
    "\"dtype\":\"F32\"",
    "\"shape\":[0]",
    "\"shape\":[]",
    "\"data_offsets\":[0,0]",
    "\"data_offsets\":[0,4]",
    "\"__metadata__\":{}",
    "\"__metadata__\":",
    "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}",
    "\\u0000",
    "\\ud800",
    "\xff",
    "\n",
    "\x1b[2J",
    "%s%n",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static void put_length(block *b, uint64_t length) {
    for (int i = 0; i < 8; i++) b->p[i] = (unsigned char)(length >> (8 * i));
}

static block seed_file(size_t i) {
    block b = {.n = 0};
    size_t n = strlen(headers[i]);
    put_length(&b, n);
    memcpy(b.p + 8, headers[i], n);
    for (size_t k = 0; k < data_bytes[i]; k++) b.p[8 + n + k] = (unsigned char)(k + 1);
    b.n = 8 + n + data_bytes[i];
    return b;
}

// Half of the cases mutate the header alone and keep its length true, so that they get past the
// first check; the others mutate anything, the length among it.
static block make_case(uint64_t seed, uint64_t number) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "fuzz/safetensors", number);
    size_t i = (size_t)udy_rng_below(&rng, N_SEEDS);
    block b = seed_file(i);
    uint64_t n_mutations = 1 + udy_rng_below(&rng, 4);
    if (udy_rng_below(&rng, 2)) {
        block header = {.n = strlen(headers[i])};
        memcpy(header.p, headers[i], header.n);
        if (udy_rng_below(&rng, 8) == 0) {
            // One more tensor, well formed, where another lies or one too many.
            const char *more = "\"q\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},";
            replace(&header, (size_t)(strchr(headers[i], '{') - headers[i]) + 1, 0, more,
                    strlen(more));
            if (udy_rng_below(&rng, 2)) n_mutations = 0;
        }
        while (n_mutations--) mutate(&rng, &header, tokens, N_TOKENS);
        block whole = {.n = 8 + header.n + data_bytes[i]};
        put_length(&whole, header.n);
        if (whole.n > BLOCK_MAX) return b;
        memcpy(whole.p + 8, header.p, header.n);
        memcpy(whole.p + 8 + header.n, b.p + b.n - data_bytes[i], data_bytes[i]);
        return whole;
    }
    while (n_mutations--) mutate(&rng, &b, tokens, N_TOKENS);
    if (b.n >= 8 && udy_rng_below(&rng, 3) == 0) {
        const uint64_t lengths[] = {
            0,         1,          2,          b.n - 8,        b.n - 7,           b.n,
            100000000, UINT32_MAX, UINT64_MAX, UINT64_MAX - 8, (uint64_t)1 << 63, b.n / 2};
        put_length(&b, lengths[udy_rng_below(&rng, sizeof lengths / sizeof lengths[0])]);
    }
    return b;
}

// What an open file promises: tensors tile the data, lie aligned, are found by name, read.
static uint64_t check_open(const udy_safetensors *file, const block *b) {
    uint64_t sum = 0, total = 0, length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | b->p[i];
    const unsigned char *data = b->p + 8 + length;
    for (size_t i = 0; i < udy_safetensors_count(file); i++) {
        const udy_tensor *t = udy_safetensors_at(file, i);
        size_t size = udy_dtype_size(t->dtype), n = size;
        REQUIRE(t->ndim >= 0 && t->ndim <= UDY_TENSOR_NDIM_MAX, "%d dimensions", t->ndim);
        for (int d = 0; d < t->ndim; d++) {
            REQUIRE(t->shape[d] >= 0, "shape %" PRId64, t->shape[d]);
            n *= (size_t)t->shape[d];
        }
        REQUIRE(size == 0 || t->n_bytes == n, "%zu bytes for a shape of %zu", t->n_bytes, n);
        REQUIRE(size == 0 || (uintptr_t)t->data % size == 0, "misaligned %s", t->name);
        REQUIRE(udy_safetensors_find(file, t->name) == t, "'%s' is not found", t->name);
        REQUIRE(total + t->n_bytes <= b->n - 8 - length, "past the end");
        REQUIRE(!memcmp(t->data, data + total, t->n_bytes), "'%s' holds other bytes", t->name);
        total += t->n_bytes;
        sum += t->n_bytes;
    }
    REQUIRE(total == b->n - 8 - length, "%" PRIu64 " bytes are nobody's",
            b->n - 8 - length - total);
    for (size_t i = 0; i < udy_safetensors_metadata_count(file); i++) {
        udy_text_pair pair = udy_safetensors_metadata_at(file, i);
        REQUIRE(udy_safetensors_metadata(file, pair.key) == pair.value, "metadata is not found");
    }
    return sum;
}

static int open_case(const block *b) {
    udy_safetensors *file = NULL;
    udy_error err = {0};
    const char *path = memory_file(b);
    int code = udy_safetensors_open(&file, path, &err);
    if (code == UDY_OK) {
        check_open(file, b);
        udy_safetensors_close(file);
        return code;
    }
    REQUIRE(!file, "a failed open gave a file");
    REQUIRE(code == UDY_EFORMAT || code == UDY_EUNSUPPORTED, "%s", udy_status_name(code));
    REQUIRE(!strncmp(err.message, path, strlen(path)), "'%s' does not name the file", err.message);
    check_message(&err, code);
    return code;
}

static void keep(const char *folder, uint64_t number, const block *b, int code) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%06" PRIu64 ".%s", folder, number, code ? "bad" : "good");
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(b->p, 1, b->n, f) == b->n && fclose(f) == 0, "cannot write %s", path);
}

int main(int argc, char **argv) {
    uint64_t n = argument(argc, argv, 1, 20000), seed = argument(argc, argv, 2, 1), good = 0;
    for (uint64_t k = 0; k < n; k++) {
        if (k % 1000 == 0) {
            block b = seed_file(k / 1000 % N_SEEDS);
            REQUIRE(open_case(&b) == UDY_OK, "a good file does not open");
        }
        block b = make_case(seed, k);
        int code = open_case(&b);
        good += code == UDY_OK;
        if (argc > 3) keep(argv[3], k, &b, code);
    }
    printf("%" PRIu64 " mutated files: %" PRIu64 " open, %" PRIu64 " refused\n", n, good, n - good);
    // Some mutations do no harm (a bit of the data, a name); most do.
    REQUIRE(n < 1000 || (good > n / 100 && good < n / 2), "the mutations do not bite");
    return 0;
}
