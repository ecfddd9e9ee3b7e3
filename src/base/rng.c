// Random numbers as NumPy draws them: SeedSequence, PCG64 (XSL-RR 128/64), and the distributions
// that Gymnasium's resets use, so that a seed means the same state here and there.
//
// Sources: O'Neill 2014, "PCG: A family of simple fast space-efficient statistically good
// algorithms for random number generation"; Marsaglia & Tsang 2000, "The ziggurat method";
// Lemire 2019, arXiv:1805.10941 (bounded integers); NumPy's documented bit streams.
#include <math.h>
#include <string.h>

#include "understudy/base.h"
#include "ziggurat.h"

__extension__ typedef unsigned __int128 u128;

//------------------------------------------ SeedSequence ------------------------------------------

enum { POOL_WORDS = 4, ENTROPY_MAX = 16 };

static uint32_t hash_mix(uint32_t value, uint32_t *hash_const, uint32_t multiplier) {
    value ^= *hash_const;
    *hash_const *= multiplier;
    value *= *hash_const;
    return value ^ (value >> 16);
}

static uint32_t mix(uint32_t x, uint32_t y) {
    uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
    return result ^ (result >> 16);
}

static void seed_pool(uint32_t pool[POOL_WORDS], const uint32_t *entropy, int n) {
    uint32_t hash_const = 0x43b0d7e5u;
    const uint32_t multiplier = 0x931e8875u;
    for (int i = 0; i < POOL_WORDS; i++)
        pool[i] = hash_mix(i < n ? entropy[i] : 0, &hash_const, multiplier);
    for (int src = 0; src < POOL_WORDS; src++)
        for (int dst = 0; dst < POOL_WORDS; dst++)
            if (src != dst)
                pool[dst] = mix(pool[dst], hash_mix(pool[src], &hash_const, multiplier));
    for (int src = POOL_WORDS; src < n; src++)
        for (int dst = 0; dst < POOL_WORDS; dst++)
            pool[dst] = mix(pool[dst], hash_mix(entropy[src], &hash_const, multiplier));
}

static void pool_words(const uint32_t pool[POOL_WORDS], uint64_t *out, int n) {
    uint32_t hash_const = 0x8b51f9ddu;
    for (int i = 0; i < n; i++) {
        uint64_t lo = hash_mix(pool[2 * i % POOL_WORDS], &hash_const, 0x58f38dedu);
        uint64_t hi = hash_mix(pool[(2 * i + 1) % POOL_WORDS], &hash_const, 0x58f38dedu);
        out[i] = lo | hi << 32;
    }
}

//------------------------------------------ PCG64 -------------------------------------------------

static u128 join(uint64_t hi, uint64_t lo) {
    return (u128)hi << 64 | lo;
}

static u128 pcg_step(udy_rng *rng) {
    const u128 multiplier = join(2549297995355413924u, 4865540595714422341u);
    u128 state = join(rng->state_hi, rng->state_lo) * multiplier + join(rng->inc_hi, rng->inc_lo);
    rng->state_hi = (uint64_t)(state >> 64);
    rng->state_lo = (uint64_t)state;
    return state;
}

static void pcg_seed(udy_rng *rng, const uint32_t *entropy, int n) {
    uint32_t pool[POOL_WORDS];
    uint64_t words[4];
    seed_pool(pool, entropy, n);
    pool_words(pool, words, 4);
    memset(rng, 0, sizeof *rng);
    u128 inc = join(words[2], words[3]) << 1 | 1;
    rng->inc_hi = (uint64_t)(inc >> 64);
    rng->inc_lo = (uint64_t)inc;
    u128 state = pcg_step(rng) + join(words[0], words[1]);
    rng->state_hi = (uint64_t)(state >> 64);
    rng->state_lo = (uint64_t)state;
    pcg_step(rng);
}

void udy_rng_init(udy_rng *rng, uint64_t seed) {
    uint32_t entropy[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    pcg_seed(rng, entropy, entropy[1] ? 2 : 1);
}

void udy_rng_init_stream(udy_rng *rng, uint64_t seed, const char *name, uint64_t index) {
    uint32_t fnv = 2166136261u;  // FNV-1a, 32 bits
    for (const char *c = name; *c; c++) fnv = (fnv ^ (uint8_t)*c) * 16777619u;
    // NumPy pads the seed's words to the pool's size before it appends a spawn key.
    uint32_t entropy[POOL_WORDS + 3] = {(uint32_t)seed,  (uint32_t)(seed >> 32), 0, 0, fnv,
                                        (uint32_t)index, (uint32_t)(index >> 32)};
    pcg_seed(rng, entropy, POOL_WORDS + 3);
}

uint64_t udy_rng_u64(udy_rng *rng) {
    u128 state = pcg_step(rng);
    uint64_t folded = (uint64_t)(state >> 64) ^ (uint64_t)state;
    unsigned rotation = (unsigned)(state >> 122);
    return folded >> rotation | folded << (-rotation & 63);
}

uint32_t udy_rng_u32(udy_rng *rng) {
    if (rng->has_uint32) {
        rng->has_uint32 = 0;
        return rng->uinteger;
    }
    uint64_t both = udy_rng_u64(rng);
    rng->has_uint32 = 1;
    rng->uinteger = (uint32_t)(both >> 32);
    return (uint32_t)both;
}

//------------------------------------------ Distributions -----------------------------------------

double udy_rng_double(udy_rng *rng) {
    return (double)(udy_rng_u64(rng) >> 11) * 0x1p-53;
}

double udy_rng_uniform(udy_rng *rng, double low, double high) {
    return low + (high - low) * udy_rng_double(rng);
}

// Beyond the ziggurat's last strip: Marsaglia's exponential rejection for the tail |x| > r.
static double normal_tail(udy_rng *rng, bool negative) {
    for (;;) {
        double x = -ZIGGURAT_INV_R * log1p(-udy_rng_double(rng));
        double y = -log1p(-udy_rng_double(rng));
        if (y + y > x * x) return negative ? -(ZIGGURAT_R + x) : ZIGGURAT_R + x;
    }
}

double udy_rng_normal(udy_rng *rng) {
    for (;;) {
        uint64_t bits = udy_rng_u64(rng);  // 8 bits of strip, 1 of sign, 52 of position
        int strip = (int)(bits & 0xff);
        uint64_t position = bits >> 9 & 0x000fffffffffffffu;
        double x = (double)position * ziggurat_w[strip];
        if (bits >> 8 & 1) x = -x;
        if (position < ziggurat_k[strip]) return x;
        if (strip == 0) return normal_tail(rng, position >> 8 & 1);
        double f_low = ziggurat_f[strip - 1], f_high = ziggurat_f[strip];
        if ((f_low - f_high) * udy_rng_double(rng) + f_high < exp(-0.5 * x * x)) return x;
    }
}

static uint64_t below_32(udy_rng *rng, uint32_t n) {
    uint64_t m = (uint64_t)udy_rng_u32(rng) * n;
    if ((uint32_t)m < n) {
        uint32_t threshold = -n % n;
        while ((uint32_t)m < threshold) m = (uint64_t)udy_rng_u32(rng) * n;
    }
    return m >> 32;
}

uint64_t udy_rng_below(udy_rng *rng, uint64_t n) {
    if (n <= 1) return 0;
    if (n == (uint64_t)1 << 32) return udy_rng_u32(rng);
    if (n < (uint64_t)1 << 32) return below_32(rng, (uint32_t)n);
    u128 m = (u128)udy_rng_u64(rng) * n;
    if ((uint64_t)m < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)m < threshold) m = (u128)udy_rng_u64(rng) * n;
    }
    return (uint64_t)(m >> 64);
}

void udy_rng_permutation(udy_rng *rng, uint32_t *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)udy_rng_below(rng, i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
