// mutate.h: deterministic mutations of a block of bytes, and files that live in memory. A case is
// known by its seed and number alone: run the program with them to meet it again.
#ifndef UNDERSTUDY_TESTS_FUZZ_MUTATE_H_
#define UNDERSTUDY_TESTS_FUZZ_MUTATE_H_

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "understudy/base.h"

#define BLOCK_MAX 8192

typedef struct block {
    unsigned char p[BLOCK_MAX];
    size_t n;
} block;

#define REQUIRE(condition, ...)                                               \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n  ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                     \
            fprintf(stderr, "\n");                                            \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

// Replace b[at, at + n_out) by n_in bytes; does nothing where the block would grow too large.
static inline void replace(block *b, size_t at, size_t n_out, const void *in, size_t n_in) {
    unsigned char copy[BLOCK_MAX];
    if (at > b->n || n_out > b->n - at || b->n - n_out + n_in > BLOCK_MAX) return;
    memcpy(copy, in, n_in);  // in may lie in the block
    memmove(b->p + at + n_in, b->p + at + n_out, b->n - at - n_out);
    memcpy(b->p + at, copy, n_in);
    b->n = b->n - n_out + n_in;
}

static inline size_t place_in(udy_rng *rng, const block *b) {
    return (size_t)udy_rng_below(rng, b->n + 1);
}

// One mutation; tokens are pieces of the format's text.
static inline void mutate(udy_rng *rng, block *b, const char *const *tokens, size_t n_tokens) {
    size_t at = place_in(rng, b), rest = b->n - at;
    size_t run = rest ? (size_t)udy_rng_below(rng, (rest < 40 ? rest : 40) + 1) : 0;
    const char *token = tokens[udy_rng_below(rng, n_tokens)];
    unsigned char byte = (unsigned char)udy_rng_u32(rng);
    switch (udy_rng_below(rng, 9)) {
        case 0:
            if (rest) b->p[at] ^= (unsigned char)(1u << udy_rng_below(rng, 8));
            break;
        case 1:
            if (rest) b->p[at] = byte;
            break;
        case 2: replace(b, at, run, "", 0); break;                 // cut out
        case 3: replace(b, at, 0, b->p + at, run); break;          // double
        case 4: b->n = at; break;                                  // cut short
        case 5: replace(b, at, 0, token, strlen(token)); break;    // insert a token
        case 6: replace(b, at, run, token, strlen(token)); break;  // put one in a place
        case 7: {                                                  // move a piece
            size_t from = place_in(rng, b);
            size_t n = b->n - from < run ? b->n - from : run;
            replace(b, at, 0, b->p + from, n);
            break;
        }
        default: {  // another digit
            for (size_t i = at; i < b->n; i++) {
                if (b->p[i] < '0' || b->p[i] > '9') continue;
                b->p[i] = (unsigned char)('0' + byte % 10);
                break;
            }
        }
    }
}

// The block as a file, with a path to open it by.
static int memory_fd = -1;

static inline const char *memory_file(const block *b) {
    static char path[64];
    if (memory_fd < 0) memory_fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(memory_fd >= 0, "no memory file");
    REQUIRE(ftruncate(memory_fd, 0) == 0, "cannot empty the memory file");
    REQUIRE(pwrite(memory_fd, b->p, b->n, 0) == (ssize_t)b->n, "cannot fill the memory file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_fd);
    return path;
}

// A message a person can read: there, ended, and with nothing in it that a terminal would obey.
static inline void check_message(const udy_error *err, int code) {
    REQUIRE(err->code == code, "code %d, but the error says %d", code, err->code);
    REQUIRE(memchr(err->message, 0, sizeof err->message), "a message without an end");
    REQUIRE(strlen(err->message) > 8, "message '%s'", err->message);
    for (const char *c = err->message; *c; c++) {
        REQUIRE((unsigned char)*c >= 0x20 && *c != 0x7F, "control character in '%s'", err->message);
    }
}

static inline uint64_t argument(int argc, char **argv, int i, uint64_t fallback) {
    return argc > i ? strtoull(argv[i], NULL, 10) : fallback;
}

#endif  // UNDERSTUDY_TESTS_FUZZ_MUTATE_H_
