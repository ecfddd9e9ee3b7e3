// test_learn_common.h: what the tests of learn and study share: a short Ant, made-up episodes,
// files to compare, and a progress that stops when told to.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_LEARN_COMMON_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_LEARN_COMMON_H_

#include "test_io_common.h"

#include "understudy/learn.h"

#define CHECK(call)                                              \
    do {                                                         \
        udy_error check_err = {0};                               \
        udy_error *err = &check_err;                             \
        if ((call) != UDY_OK) fail_msg("%s", check_err.message); \
    } while (0)

// The call fails with this status, and its message holds every text of the list.
#define EXPECT_ERROR(status, call, ...)                                                         \
    do {                                                                                        \
        udy_error check_err = {0};                                                              \
        udy_error *err = &check_err;                                                            \
        const char *const check_texts[] = {__VA_ARGS__};                                        \
        int check_got = (call);                                                                 \
        if (check_got != (status))                                                              \
            fail_msg("%s: expected %s, got %s (%s)", #call, udy_status_name(status),            \
                     udy_status_name(check_got), check_err.message);                            \
        assert_int_equal(check_err.code, status);                                               \
        for (size_t check_i = 0; check_i < sizeof check_texts / sizeof *check_texts; check_i++) \
            if (!strstr(check_err.message, check_texts[check_i]))                               \
                fail_msg("'%s' is not in '%s'", check_texts[check_i], check_err.message);       \
    } while (0)

enum { O_DIM = 27, A_DIM = 8 };

static inline udy_task *make_task(int max_episode_steps, bool contact_obs) {
    udy_task *task;
    udy_task_config config;
    CHECK(udy_task_config_default(&config, "Ant-v5", err));
    config.max_episode_steps = max_episode_steps;
    config.contact_obs = contact_obs;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    return task;
}

static inline udy_batch *make_batch(const udy_task *task, int n_threads) {
    udy_batch *batch;
    CHECK(udy_batch_create(&batch, task, n_threads, n_threads, err));
    return batch;
}

static inline udy_pool *make_pool(int n_threads) {
    udy_pool *pool;
    CHECK(udy_pool_create(&pool, n_threads, err));
    return pool;
}

static inline udy_policy *load_policy(const char *path) {
    udy_policy *policy;
    CHECK(udy_policy_load(&policy, path, err));
    return policy;
}

static inline udy_policy *load_expert(void) {
    return load_policy(UDY_SOURCE_DIR "/experts/ant-v5.safetensors");
}

// To the bit.
static inline bool same_weights(const udy_policy *a, const udy_policy *b) {
    const udy_mlp *x = udy_policy_mlp(a), *y = udy_policy_mlp(b);
    for (int i = 0; i < udy_mlp_param_count(x); i++) {
        udy_param p = udy_mlp_param(x, i), q = udy_mlp_param(y, i);
        if (memcmp(p.data, q.data, sizeof(float) * (size_t)p.rows * (size_t)p.cols)) return false;
    }
    return true;
}

// A recorded episode of made-up numbers.
static inline udy_episode made_up_episode(int length, uint64_t seed, udy_end end) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    size_t T = (size_t)length;
    udy_episode e = {.seed = seed,
                     .length = length,
                     .end = end,
                     .obs = udy_alloc(T * O_DIM * sizeof(float)),
                     .action = udy_alloc(T * A_DIM * sizeof(float)),
                     .reward = udy_alloc(T * sizeof(float))};
    assert_true(e.obs && e.action && e.reward);
    for (size_t i = 0; i < T * O_DIM; i++) e.obs[i] = (float)udy_rng_normal(&rng);
    for (size_t i = 0; i < T * A_DIM; i++) e.action[i] = (float)udy_rng_uniform(&rng, -1, 1);
    for (size_t i = 0; i < T; i++) e.reward[i] = (float)udy_rng_normal(&rng);
    for (size_t i = 0; i < T; i++) e.ret += (double)e.reward[i];
    return e;
}

static inline bool files_equal(const char *a, const char *b) {
    char *x, *y;
    size_t n, m;
    CHECK(udy_file_read(&x, &n, a, (size_t)1 << 30, err));
    CHECK(udy_file_read(&y, &m, b, (size_t)1 << 30, err));
    bool equal = n == m && memcmp(x, y, n) == 0;
    udy_free(x);
    udy_free(y);
    return equal;
}

// The same names and bytes in both folders (no folders within)?
static inline void expect_equal_folders(const char *a, const char *b) {
    char **names;
    size_t n;
    assert_int_equal(count_entries(a), count_entries(b));
    CHECK(udy_dir_list(&names, &n, a, "", err));
    for (size_t i = 0; i < n; i++) {
        char x[2048], y[2048];
        snprintf(x, sizeof x, "%s/%s", a, names[i]);
        snprintf(y, sizeof y, "%s/%s", b, names[i]);
        if (!files_equal(x, y)) fail_msg("%s and %s differ", x, y);
    }
    udy_free(names);
}

// A progress that asks to stop at its k-th call on a stage (any: NULL), and keeps what it was told.
typedef struct watcher {
    const char *stop_stage;
    int stop_at;  // 0: never
    int calls;
    int64_t done, total;
    int n_messages;
    char message[700];  // the last
} watcher;

static inline int watch_advance(void *ctx, const char *stage, int64_t done, int64_t total,
                                const char *unit, const char *note) {
    (void)unit, (void)note;
    watcher *w = ctx;
    w->done = done;
    w->total = total;
    if (w->stop_stage && !strstr(stage, w->stop_stage)) return 0;
    return ++w->calls == w->stop_at;
}

static inline void watch_message(void *ctx, const char *message) {
    watcher *w = ctx;
    w->n_messages++;
    snprintf(w->message, sizeof w->message, "%s", message);
}

static inline udy_progress watched(watcher *w) {
    return (udy_progress){watch_advance, watch_message, w};
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_LEARN_COMMON_H_
