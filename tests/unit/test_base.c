// base: NumPy's random numbers to the bit, the thread team, errors and memory.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/base.h"

// Drawn with NumPy 2.4.6: default_rng(seed), in this order, each kind from a fresh generator.
typedef struct numpy_case {
    uint64_t seed;
    double uniform, normal[3], random;
    int64_t integers[3];
} numpy_case;

#include "../data/numpy-rng.h"

static void draws_numpys_numbers_to_the_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof numpy_cases / sizeof numpy_cases[0]; i++) {
        const numpy_case *c = &numpy_cases[i];
        udy_rng rng;
        udy_rng_init(&rng, c->seed);
        assert_true(udy_rng_uniform(&rng, -0.1, 0.1) == c->uniform);
        udy_rng_init(&rng, c->seed);
        for (int k = 0; k < 3; k++) assert_true(udy_rng_normal(&rng) == c->normal[k]);
        udy_rng_init(&rng, c->seed);
        assert_true(udy_rng_double(&rng) == c->random);
        udy_rng_init(&rng, c->seed);
        for (int k = 0; k < 3; k++) assert_int_equal(udy_rng_below(&rng, 1000), c->integers[k]);
    }
}

// A sum over 100,000 normals meets the ziggurat's wedges and its tail some thousand times.
static void draws_numpys_wedges_and_tail(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 12345);
    double largest = 0, last = 0;
    for (int i = 0; i < 100000; i++) {
        last = udy_rng_normal(&rng);
        if (fabs(last) > largest) largest = fabs(last);
    }
    assert_true(largest == numpy_normal_largest);
    assert_true(last == numpy_normal_last);
    udy_rng_init(&rng, 7);
    for (int i = 0; i < 5; i++)
        assert_true(udy_rng_below(&rng, 3000000000000u) == numpy_integers_wide[i]);
}

static void named_streams_are_numpys_spawn_keys(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init_stream(&rng, 42, "bc/init", 3);
    assert_true(udy_rng_double(&rng) == numpy_stream_42_bc_init_3);
    udy_rng a, b;
    udy_rng_init_stream(&a, 42, "bc/init", 4);
    udy_rng_init_stream(&b, 42, "bc/order", 3);
    uint64_t x = udy_rng_u64(&rng), y = udy_rng_u64(&a), z = udy_rng_u64(&b);
    assert_true(x != y && y != z && x != z);
}

static void permutations_hold_each_index_once(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    enum { N = 1000 };
    uint32_t order[N];
    int seen[N] = {0}, moved = 0;
    udy_rng_permutation(&rng, order, N);
    for (uint32_t i = 0; i < N; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > N / 2);
}

typedef struct tally {
    atomic_int count[997];
    atomic_int by_thread[8];
} tally;

static void count_task(void *ctx, int task, int thread) {
    tally *t = ctx;
    atomic_fetch_add(&t->count[task], 1);
    atomic_fetch_add(&t->by_thread[thread], 1);
}

static void every_task_runs_once_at_any_number_of_threads(void **state) {
    (void)state;
    for (int n_threads = 1; n_threads <= 8; n_threads++) {
        udy_pool *pool;
        assert_int_equal(udy_pool_create(&pool, n_threads, NULL), 0);
        assert_int_equal(udy_pool_threads(pool), n_threads);
        static tally t;
        memset(&t, 0, sizeof t);
        for (int repeat = 0; repeat < 200; repeat++) udy_pool_run(pool, 997, count_task, &t);
        for (int i = 0; i < 997; i++) assert_int_equal(atomic_load(&t.count[i]), 200);
        udy_pool_run(pool, 0, count_task, &t);
        udy_pool_destroy(pool);
    }
    udy_error err = {0};
    udy_pool *pool;
    assert_int_equal(udy_pool_create(&pool, -1, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "-1"));
}

static void errors_say_what_and_where(void **state) {
    (void)state;
    udy_error err = {0};
    assert_int_equal(udy_error_set(&err, UDY_EFORMAT, "%s: %d bytes", "a.bin", 3), UDY_EFORMAT);
    assert_string_equal(err.message, "a.bin: 3 bytes");
    assert_int_equal(udy_error_wrap(&err, UDY_EFORMAT, "shard %d", 2), UDY_EFORMAT);
    assert_string_equal(err.message, "shard 2: a.bin: 3 bytes");
    assert_int_equal(udy_error_set(&err, UDY_EIO, "again: %s", err.message), UDY_EIO);
    assert_string_equal(err.message, "again: shard 2: a.bin: 3 bytes");
    assert_int_equal(udy_error_set(NULL, UDY_EIO, "nobody listens"), UDY_EIO);
    assert_string_equal(udy_status_name(UDY_ENOSPC), "UDY_ENOSPC");
    assert_string_equal(udy_status_name(-999), "UDY_UNKNOWN");
}

static void memory_is_aligned_zeroed_and_counted(void **state) {
    (void)state;
    uint64_t before = udy_alloc_count();
    unsigned char *p = udy_alloc(100);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 100; i++) assert_int_equal(p[i], 0);
    assert_int_equal(udy_alloc_count() - before, 1);
    udy_free(p);
    udy_free(NULL);
    assert_null(udy_alloc(0));
    assert_null(udy_alloc(SIZE_MAX - 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_numpys_numbers_to_the_bit),
        cmocka_unit_test(draws_numpys_wedges_and_tail),
        cmocka_unit_test(named_streams_are_numpys_spawn_keys),
        cmocka_unit_test(permutations_hold_each_index_once),
        cmocka_unit_test(every_task_runs_once_at_any_number_of_threads),
        cmocka_unit_test(errors_say_what_and_where),
        cmocka_unit_test(memory_is_aligned_zeroed_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
