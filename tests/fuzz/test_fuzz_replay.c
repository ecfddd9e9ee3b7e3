// Hostile segments of a replay: cut at every byte, every byte of them changed, mutated at random, with
// headers that lie under a true checksum. Each load is the sound ring or an error that names the file,
// and the ring can be used, saved and loaded afterwards.
// Usage: test_fuzz_replay [cases] [seed]
#include <inttypes.h>
#include <stddef.h>

#include "learn/replay_internal.h"
#include "mutate.h"

enum {
    O_DIM = 5,
    A_DIM = 2,
    N_ENVS = 3,
    CAPACITY = 60,
    SEGMENT_ROWS = 20,
    COUNT = 93,
    ROW_BYTES = 64,
    HEADER_BYTES = 64,
    HASH_AT = 56,
    N_SEGMENTS = 5,
};

static const char *const tokens[] = {"understudy.replay/1",
                                     "understudy.replay/2",
                                     "\xff\xff\xff\xff",
                                     "\x01",
                                     "\x14",
                                     "\x80",
                                     "%s%n",
                                     "\x1b[2J"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static block sound[N_SEGMENTS];
static char folder[256];
static udy__replay *ring, *victim;

static const char *path_of(int segment) {
    static char path[512];
    snprintf(path, sizeof path, "%s/replay-%05d.bin", folder, segment);
    return path;
}

// In place: file systems sync a file that was emptied and filled again, which takes its time.
static void put(int segment, const void *data, size_t n) {
    int fd = open(path_of(segment), O_WRONLY | O_CREAT, 0666);
    REQUIRE(fd >= 0 && pwrite(fd, data, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0 &&
                close(fd) == 0,
            "cannot write %s", path_of(segment));
}

static udy__replay *make_ring(void) {
    udy__replay *r;
    udy_error err = {0};
    REQUIRE(!udy__replay_create(&r, CAPACITY, O_DIM, A_DIM, N_ENVS, &err), "%s", err.message);
    r->segment_rows = SEGMENT_ROWS;
    REQUIRE(r->row_floats * sizeof(float) == ROW_BYTES, "row size");
    return r;
}

static void append(udy__replay *r, uint64_t seed) {
    float numbers[N_ENVS][2 * O_DIM + A_DIM];
    udy__transition step[N_ENVS];
    udy_rng rng;
    udy_rng_init(&rng, seed);
    for (int e = 0; e < N_ENVS; e++) {
        for (int i = 0; i < 2 * O_DIM + A_DIM; i++) numbers[e][i] = (float)udy_rng_normal(&rng);
        step[e] = (udy__transition){numbers[e],
                                    numbers[e] + O_DIM,
                                    numbers[e] + O_DIM + A_DIM,
                                    (float)udy_rng_normal(&rng),
                                    udy_rng_below(&rng, 9) == 0,
                                    udy_rng_below(&rng, 9) == 0};
    }
    udy__replay_append(r, step);
}

static void make_sound_files(void) {
    udy_error err = {0};
    for (uint64_t i = 0; i < COUNT / N_ENVS; i++) append(ring, i);
    for (int pass = 0; pass < 2; pass++) {  // twice: the second finds all of it there
        REQUIRE(!udy__replay_save(ring, folder, &err), "%s", err.message);
    }
    for (int i = (COUNT - CAPACITY) / SEGMENT_ROWS; i < N_SEGMENTS; i++) {
        char *data;
        size_t n;
        REQUIRE(!udy_file_read(&data, &n, path_of(i), BLOCK_MAX, &err), "%s", err.message);
        memcpy(sound[i].p, data, n);
        sound[i].n = n;
        udy_free(data);
    }
}

//------------------------------------------ Cases -------------------------------------------------

static bool same_ring(const udy__replay *a, const udy__replay *b) {
    return a->count == b->count && a->head == b->head &&
           !memcmp(a->rows, b->rows, (size_t)CAPACITY * ROW_BYTES);
}

// True: the ring of the checkpoint. False: refused, with a message that names the segment.
static bool load(int segment) {
    udy_error err = {0};
    int status = udy__replay_load(victim, folder, COUNT, &err);
    if (status) {
        check_message(&err, status);
        REQUIRE(status == UDY_EFORMAT, "%s", err.message);
        REQUIRE(strstr(err.message, path_of(segment)), "'%s' names another file", err.message);
        REQUIRE(udy__replay_size(victim) == 0, "a failed load left %d rows",
                udy__replay_size(victim));
        return false;
    }
    REQUIRE(same_ring(victim, ring), "%s: loaded with other values", path_of(segment));
    return true;
}

// The ring needs rows 33 to 92: of segments 1 to 4, from the 13th of the first to the 12th of the last.
static size_t needed_bytes(int segment) {
    int rows = segment == N_SEGMENTS - 1 ? COUNT - segment * SEGMENT_ROWS : SEGMENT_ROWS;
    return (size_t)(HEADER_BYTES + rows * ROW_BYTES);
}

static bool is_needed(int segment, size_t byte) {
    size_t first = segment == 1 ? (COUNT - CAPACITY - SEGMENT_ROWS) * ROW_BYTES : 0;
    return byte < HEADER_BYTES || (byte >= HEADER_BYTES + first && byte < needed_bytes(segment));
}

static void every_cut_is_noticed(void) {
    for (int s = 1; s < N_SEGMENTS; s++) {
        for (size_t n = 0; n < sound[s].n; n++) {
            put(s, sound[s].p, n);
            REQUIRE(!load(s), "%s cut at %zu bytes was taken", path_of(s), n);
        }
        put(s, sound[s].p, sound[s].n);
        REQUIRE(load(s), "the whole was refused");
    }
}

static void every_changed_byte_is_noticed(void) {
    static const unsigned char flips[] = {0x01, 0x80, 0xFF};
    for (int s = 1; s < N_SEGMENTS; s++) {
        block b = sound[s];
        for (size_t k = 0; k < b.n; k++) {
            for (size_t f = 0; f < sizeof flips; f++) {
                b.p[k] ^= flips[f];
                put(s, b.p, b.n);
                REQUIRE(load(s) == !is_needed(s, k), "byte %zu of %s changed by %02x", k,
                        path_of(s), flips[f]);
                b.p[k] ^= flips[f];
            }
        }
        put(s, b.p, b.n);
    }
}

// Half of the mutations are in the header, and get a true checksum.
static bool random_case(uint64_t seed, uint64_t number) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "fuzz/replay", number);
    int s = 1 + (int)udy_rng_below(&rng, N_SEGMENTS - 1);
    block b = sound[s];
    if (udy_rng_below(&rng, 2)) {
        b.p[udy_rng_below(&rng, HASH_AT)] = (unsigned char)udy_rng_u32(&rng);
        uint64_t hash = udy_hash(b.p, HASH_AT);
        memcpy(b.p + HASH_AT, &hash, sizeof hash);
    } else {
        for (uint64_t n = 1 + udy_rng_below(&rng, 3); n > 0; n--)
            mutate(&rng, &b, tokens, N_TOKENS);
    }
    put(s, b.p, b.n);
    bool good = load(s);
    // Whatever came of it, the ring goes on: to be drawn from, and saved over the bad file.
    if (udy_rng_below(&rng, 50) == 0) {
        udy_error err = {0};
        for (uint64_t i = (uint64_t)victim->count / N_ENVS; i < COUNT / N_ENVS; i++)
            append(victim, i);
        REQUIRE(udy__replay_draw(victim, 4, &rng) < CAPACITY, "a row beyond");
        REQUIRE(!udy__replay_save(victim, folder, &err), "%s", err.message);
        if (!good) REQUIRE(load(s), "saved over a bad file, but not whole");
    }
    put(s, sound[s].p, sound[s].n);
    return good;
}

static void hostile_counts(uint64_t seed) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "fuzz/counts", 0);
    for (int i = 0; i < 2000; i++) {
        int64_t count = (int64_t)(udy_rng_u64(&rng) >> udy_rng_below(&rng, 64));
        if (udy_rng_below(&rng, 4) == 0) count = -count;
        if (count >= 0 && count <= COUNT) continue;
        udy_error err = {0};
        int status = udy__replay_load(victim, folder, count, &err);
        REQUIRE(status == UDY_EFORMAT, "%" PRId64 " rows were there", count);
        check_message(&err, status);
    }
}

int main(int argc, char **argv) {
    uint64_t n = argument(argc, argv, 1, 10000), seed = argument(argc, argv, 2, 1), good = 0;
    snprintf(folder, sizeof folder, UDY_TEST_TMP "/fuzz-replay-XXXXXX");
    REQUIRE(mkdtemp(folder), "no folder %s", folder);
    ring = make_ring();
    victim = make_ring();
    make_sound_files();
    every_cut_is_noticed();
    every_changed_byte_is_noticed();
    for (uint64_t k = 0; k < n; k++) good += random_case(seed, k);
    hostile_counts(seed);
    REQUIRE(load(1), "a case left a mark");
    printf("%" PRIu64 " mutated files: %" PRIu64 " harmless, %" PRIu64 " refused\n", n, good,
           n - good);
    REQUIRE(n < 1000 || (good > n / 500 && good < n * 3 / 4), "the mutations do not bite");
    udy__replay_destroy(ring);
    udy__replay_destroy(victim);
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    REQUIRE(system(command) == 0, "cannot remove %s", folder);
    return 0;
}
