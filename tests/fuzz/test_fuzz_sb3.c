// Hostile models of Stable-Baselines3: cut at every byte, every byte of them changed, and, so that
// readers behind a zip's checksums meet them too, every byte of the JSON, of PyTorch's pickle and of
// VecNormalize's changed under checksums that are true again. Each is read to a policy that is well
// formed, or refused with a message that says why.
// Usage: test_fuzz_sb3 [cases] [seed]   mutations of pickles at random, besides
#include <inttypes.h>
#include <math.h>
#include <sys/resource.h>

#include "io/archive.h"
#include "io/pickle.h"
#include "io/sb3.h"
#include "io/torch_file.h"
#include "mutate.h"

#define SAMPLES UDY_SOURCE_DIR "/tests/data/sb3/"

typedef struct file {
    unsigned char *p;
    size_t n;
} file;

static file load(const char *path) {
    file f;
    udy_error err = {0};
    REQUIRE(!udy_file_read((char **)&f.p, &f.n, path, 1 << 20, &err), "%s", err.message);
    return f;
}

static const char *in_memory(const unsigned char *p, size_t n) {
    static int fd = -1;
    static char path[64];
    if (fd < 0) fd = memfd_create("model", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, p, n, 0) == (ssize_t)n, "memory file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

//------------------------------------------ What may come out -------------------------------------

static uint64_t n_read, n_refused;

// Errors are for people, of a kind that a file's fault has.
static void check_refusal(int code, const udy_error *err) {
    REQUIRE(code == UDY_EFORMAT || code == UDY_EUNSUPPORTED || code == UDY_ENONFINITE ||
                code == UDY_EMISMATCH,
            "%s: %s", udy_status_name(code), err->message);
    check_message(err, code);
    n_refused++;
}

static void check_numbers(const float *p, size_t n) {
    for (size_t i = 0; i < n; i++) REQUIRE(isfinite(p[i]), "element %zu is %g", i, (double)p[i]);
}

static void check_policy(udy_plain_policy *p, const udy_sb3_facts *facts) {
    udy_error err = {0};
    REQUIRE(!udy_plain_check(p, "read", &err), "%s", err.message);
    for (int l = 0; l < p->n_layers; l++) {
        size_t rows = (size_t)p->layer[l].out;
        check_numbers(p->layer[l].weight, rows * (size_t)p->layer[l].in);
        check_numbers(p->layer[l].bias, rows);
    }
    if (p->log_std_weight) {
        size_t A = (size_t)p->act_dim, H = (size_t)p->layer[p->n_layers - 1].in;
        check_numbers(p->log_std_weight, A * H);
        check_numbers(p->log_std_bias, A);
    }
    for (int i = 0; p->obs_low && i < p->obs_dim; i++)
        REQUIRE(p->obs_low[i] < p->obs_high[i], "observation %d", i);
    REQUIRE(strlen(facts->sha256) == 64 && facts->algorithm[0], "facts");
    for (const char *c = facts->version; *c; c++) REQUIRE(*c > 0x20 && *c < 0x7F, "version");
    udy_free(p->block);
    n_read++;
}

static int read_model(const unsigned char *model, size_t n, const char *normalize) {
    udy_plain_policy p;
    udy_sb3_facts facts;
    udy_error err = {0};
    int code = udy_sb3_read(&p, &facts, in_memory(model, n), normalize, &err);
    if (code) {
        REQUIRE(!p.block, "a failed read left a block");
        check_refusal(code, &err);
    } else {
        check_policy(&p, &facts);
    }
    return code;
}

static void read_torch(const unsigned char *p, size_t n) {
    udy__torch_file *f;
    udy_error err = {0};
    int code = udy__torch_open(&f, p, n, "policy.pth", &err);
    if (code) {
        check_refusal(code, &err);
        return;
    }
    for (size_t i = 0; i < udy__torch_count(f); i++) {
        const udy__torch_tensor *t = udy__torch_at(f, i);
        code = udy__torch_check(f, t, &err);
        size_t elements = udy__torch_elements(t);
        if (!code) {
            REQUIRE(elements < 1 << 20, "%zu elements of %zu bytes", elements, n);
            float *out = malloc((elements + 1) * sizeof *out);
            code = udy__torch_read(f, t, out, &err);
            if (!code) check_numbers(out, elements);
            free(out);
        }
        if (code) {
            REQUIRE(code != UDY_ENOMEM, "%s", err.message);
            check_message(&err, code);
        }
    }
    n_read++;
    udy__torch_close(f);
}

//------------------------------------------ True checksums ----------------------------------------

static uint32_t crc32_of(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static uint32_t get(const unsigned char *p, int n) {
    uint32_t v = 0;
    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

// A stored entry: where its bytes lie, and where the directory keeps their checksum.
typedef struct place {
    size_t at, n, crc;
} place;

static place find_entry(const unsigned char *zip, size_t n, const char *name) {
    size_t length = strlen(name), end = n - 22;
    while (memcmp(zip + end, "PK\5\6", 4)) end--;
    for (size_t c = get(zip + end + 16, 4); !memcmp(zip + c, "PK\1\2", 4);
         c += 46u + get(zip + c + 28, 2) + get(zip + c + 30, 2) + get(zip + c + 32, 2)) {
        if (get(zip + c + 28, 2) != length || memcmp(zip + c + 46, name, length)) continue;
        size_t local = get(zip + c + 42, 4);
        size_t at = local + 30 + get(zip + local + 26, 2) + get(zip + local + 28, 2);
        return (place){at, get(zip + c + 24, 4), c + 16};
    }
    REQUIRE(false, "no entry '%s'", name);
    return (place){0};
}

static void mend(unsigned char *zip, const place *where) {
    uint32_t crc = crc32_of(zip + where->at, where->n);
    for (int i = 0; i < 4; i++) zip[where->crc + (size_t)i] = (unsigned char)(crc >> (8 * i));
}

//------------------------------------------ Every byte --------------------------------------------

// step: of the places that are tried; 1 tries them all.
static void cut_everywhere(const file *f, size_t step) {
    for (size_t n = 0; n < f->n; n += step)
        REQUIRE(read_model(f->p, n, NULL), "cut to %zu of %zu bytes it is read", n, f->n);
}

static void change_everywhere(const file *f, size_t step, udy_rng *rng) {
    for (size_t i = 0; i < f->n; i += step) {
        unsigned char was = f->p[i];
        f->p[i] ^= (unsigned char)(1 + udy_rng_below(rng, 255));
        read_model(f->p, f->n, NULL);
        f->p[i] = was;
    }
}

// The bytes of an entry, under a true checksum. inner: an archive within.
static void change_entry(const file *f, const char *entry, size_t step, udy_rng *rng, bool inner) {
    place where = find_entry(f->p, f->n, entry);
    for (size_t i = 0; i < where.n; i += step) {
        unsigned char was = f->p[where.at + i];
        f->p[where.at + i] ^= (unsigned char)(1 + udy_rng_below(rng, 255));
        mend(f->p, &where);
        if (inner)
            read_torch(f->p, f->n);
        else
            read_model(f->p, f->n, NULL);
        f->p[where.at + i] = was;
    }
    mend(f->p, &where);
}

static void change_statistics(const file *model, const file *statistics, udy_rng *rng) {
    static const char path[] = "fuzz-vecnormalize.pkl";
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%d-%s", UDY_TEST_TMP, (int)getpid(), path);
    int fd = open(whole, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0, "cannot write %s", whole);
    for (size_t i = 0; i < 2 * statistics->n; i++) {
        size_t at = i / 2, n = i % 2 ? at : statistics->n;  // changed, and cut
        unsigned char was = statistics->p[at];
        if (n == statistics->n) statistics->p[at] ^= (unsigned char)(1 + udy_rng_below(rng, 255));
        REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, statistics->p, n, 0) == (ssize_t)n, "write");
        statistics->p[at] = was;
        int code = read_model(model->p, model->n, whole);
        REQUIRE(code || n == statistics->n, "cut to %zu of %zu bytes it is read", n, statistics->n);
    }
    close(fd);
    unlink(whole);
}

//------------------------------------------ At random ---------------------------------------------

static const char *const tokens[] = {"(",
                                     ")",
                                     "]",
                                     "}",
                                     "t",
                                     "a",
                                     "e",
                                     "s",
                                     "u",
                                     "R",
                                     "b",
                                     "\x81",
                                     "\x85",
                                     "\x87",
                                     "\x93",
                                     "\x94",
                                     "h\1",
                                     "q\1",
                                     "N",
                                     "0",
                                     "1",
                                     "2",
                                     "Q",
                                     ".",
                                     "K\xff",
                                     "X\1",
                                     "\x8a\xff",
                                     "\x8e\xff\xff",
                                     "J\xff\xff\xff\x7f",
                                     "I01\n",
                                     "S'x'\n",
                                     "V\\u0041\n",
                                     "cnumpy\ndtype\n",
                                     "cos\nsystem\n",
                                     "\x95\xff",
                                     "j\xff\xff",
                                     "r\xff\xff",
                                     "G\x7f\xf0",
                                     "\x96\xff",
                                     "\x8c\5numpy"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static void mutate_pickles(const file *statistics, uint64_t cases, uint64_t seed) {
    static const char *const any[] = {"numpy*", "stable_baselines3*", "gymnasium*", NULL};
    block good = {.n = statistics->n};
    REQUIRE(good.n <= BLOCK_MAX, "the sample is too large");
    memcpy(good.p, statistics->p, good.n);
    for (uint64_t k = 0; k < cases; k++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "fuzz/pickle", k);
        block b = good;
        for (uint64_t n = 1 + udy_rng_below(&rng, 4); n--;) mutate(&rng, &b, tokens, N_TOKENS);
        udy__pickle *p;
        udy_error err = {0};
        unsigned char *exact = malloc(b.n + 1);
        memcpy(exact, b.p, b.n);
        int code = udy__pickle_read(&p, exact, b.n, "mutated", any, &err);
        if (code)
            check_refusal(code, &err);
        else
            n_read++;
        udy__pickle_free(p);
        free(exact);
    }
}

int main(int argc, char **argv) {
    uint64_t cases = argument(argc, argv, 1, 20000), seed = argument(argc, argv, 2, 1);
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "fuzz/sb3", 0);
    file sac = load(SAMPLES "sac.zip"), ppo = load(SAMPLES "ppo-normalized.zip");
    file statistics = load(SAMPLES "ppo-normalized.vecnormalize.pkl");
    REQUIRE(!read_model(sac.p, sac.n, NULL), "the sample is not read");
    REQUIRE(!read_model(ppo.p, ppo.n, SAMPLES "ppo-normalized.vecnormalize.pkl"), "nor this");
    cut_everywhere(&sac, 1);
    change_everywhere(&sac, 1, &rng);
    change_entry(&sac, "data", 1, &rng, false);
    change_entry(&ppo, "data", 1, &rng, false);
    place weights = find_entry(sac.p, sac.n, "policy.pth");
    file torch = {malloc(weights.n), weights.n};
    memcpy(torch.p, sac.p + weights.at, weights.n);
    change_entry(&torch, "archive/data.pkl", 1, &rng, true);
    change_entry(&torch, "archive/data/0", 1, &rng, true);
    change_statistics(&ppo, &statistics, &rng);
    mutate_pickles(&statistics, cases, seed);
    free(torch.p);
    udy_free(sac.p);
    udy_free(ppo.p);
    udy_free(statistics.p);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%" PRIu64 " read, %" PRIu64 " refused, %ld MB at most\n", n_read, n_refused,
           use.ru_maxrss / 1024);
    REQUIRE(n_read > 1000 && n_refused > 1000, "the mutations do not bite");
#ifndef __SANITIZE_ADDRESS__
    REQUIRE(use.ru_maxrss < 256 * 1024, "%ld kB of memory", use.ru_maxrss);
#endif
    return 0;
}
