// test_replay_common.h: transitions that follow from their row number alone, so that a replay can be
// compared with what it must hold at any count.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_REPLAY_COMMON_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_REPLAY_COMMON_H_

#include "learn/replay_internal.h"
#include "test_learn_common.h"

enum { ENVS_MAX = 8, DIM_TEST_MAX = 32 };

typedef struct made_row {
    float obs[DIM_TEST_MAX], action[DIM_TEST_MAX], next_obs[DIM_TEST_MAX];
    udy__transition t;
} made_row;

static inline uint64_t mixed(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static inline float made_number(int64_t row, int i) {
    return (float)((double)(int64_t)mixed((uint64_t)row * 1000 + (uint64_t)i) * 0x1p-60);
}

// Row number `row` of those ever appended: now and then an episode's last, in each of three ways.
static inline void make_row(made_row *m, const udy__replay *r, int64_t row) {
    int at = 0;
    for (int i = 0; i < r->obs_dim; i++) m->obs[i] = made_number(row, at++);
    for (int i = 0; i < r->act_dim; i++) m->action[i] = made_number(row, at++);
    for (int i = 0; i < r->obs_dim; i++) m->next_obs[i] = made_number(row, at++);
    uint64_t end = mixed((uint64_t)row + 77) % 24;
    m->t = (udy__transition){.obs = m->obs,
                             .action = m->action,
                             .next_obs = m->next_obs,
                             .reward = made_number(row, at),
                             .terminated = end == 0 || end == 1,
                             .truncated = end == 1 || end == 2};
}

static inline udy__replay *make_replay(int capacity, int obs_dim, int act_dim, int n_envs) {
    udy__replay *r;
    CHECK(udy__replay_create(&r, capacity, obs_dim, act_dim, n_envs, err));
    return r;
}

static inline void append_until(udy__replay *r, int64_t count) {
    static made_row rows[ENVS_MAX];
    udy__transition step[ENVS_MAX];
    while (udy__replay_count(r) < count) {
        for (int i = 0; i < r->n_envs; i++) {
            make_row(&rows[i], r, udy__replay_count(r) + i);
            step[i] = rows[i].t;
        }
        udy__replay_append(r, step);
    }
}

// The number of the row at a position of the ring.
static inline int64_t number_at(const udy__replay *r, uint32_t position) {
    int64_t count = udy__replay_count(r), number = count / r->capacity * r->capacity + position;
    return number < count ? number : number - r->capacity;
}

//------------------------------------------ On disk -----------------------------------------------

// A small ring over small segments, so that everything happens often: 37 rows are not whole steps of
// three simulations, and 198 are not whole segments.
enum { CAPACITY = 200, N_ENVS = 3, SEGMENT_ROWS = 37, OBS = 5, ACT = 2, ROW_BYTES = 64 };

static inline udy__replay *small_replay(void) {
    udy__replay *r = make_replay(CAPACITY, OBS, ACT, N_ENVS);
    r->segment_rows = SEGMENT_ROWS;
    assert_int_equal(r->row_floats * sizeof(float), ROW_BYTES);
    return r;
}

static inline udy__replay *loaded(const char *dir, int64_t count) {
    udy__replay *r = small_replay();
    CHECK(udy__replay_load(r, dir, count, err));
    return r;
}

static inline void saved(udy__replay *r, const char *dir, int64_t count) {
    append_until(r, count);
    CHECK(udy__replay_save(r, dir, err));
}

// root/name; kept for the test.
static inline void folder(char out[1024], const char *name) {
    snprintf(out, 1024, "%s/%s", root, name);
}

static inline const char *segment(const char *dir, int number) {
    static char path[1100];
    snprintf(path, sizeof path, "%s/replay-%05d.bin", dir, number);
    return path;
}

// The ring is the one that count made-up rows give, to the bit, and is drawn from like it.
static inline void expect_ring(const udy__replay *r, int64_t count) {
    udy__replay *made = small_replay();
    append_until(made, count);
    assert_int_equal(udy__replay_count(r), count);
    assert_int_equal(r->head, made->head);
    for (uint32_t i = 0; i < (uint32_t)udy__replay_size(r); i++) {
        const float *a = udy__replay_row(r, i), *b = udy__replay_row(made, i);
        uint32_t x, y;
        memcpy(&x, a + r->flags_at, sizeof x);
        memcpy(&y, b + r->flags_at, sizeof y);
        if (memcmp(a, b, r->flags_at * sizeof(float)) || (x & UDY__REPLAY_FLAGS) != y)
            fail_msg("position %u is not as it was at count %lld", i, (long long)count);
    }
    udy_rng rng, same;
    udy_rng_init(&rng, (uint64_t)count);
    same = rng;
    for (int i = 0; count && i < 50; i++)
        assert_int_equal(udy__replay_draw(r, 5, &rng), udy__replay_draw(made, 5, &same));
    udy__replay_destroy(made);
}

static inline void expect_loads(const char *dir, int64_t count) {
    udy__replay *r = loaded(dir, count);
    expect_ring(r, count);
    udy__replay_destroy(r);
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_REPLAY_COMMON_H_
