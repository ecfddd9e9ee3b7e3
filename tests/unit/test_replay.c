// The replay in memory: which rows are drawn, what they gather, and what both cost.
#include <math.h>

#include "test_replay_common.h"

//------------------------------------------ Gathering ---------------------------------------------

enum { LD_OBS = 40, LD_ACT = 9, LD_NEXT = 33, GATHER_MAX = 256 };

typedef struct gathered {
    float obs[GATHER_MAX][LD_OBS], action[GATHER_MAX][LD_ACT], next_obs[GATHER_MAX][LD_NEXT];
    float reward[GATHER_MAX], discount[GATHER_MAX];
} gathered;

static void gather(gathered *g, const udy__replay *r, const uint32_t *rows, int n, int n_step,
                   double gamma) {
    memset(g, 0xAB, sizeof *g);
    udy__replay_rows out = {.obs = g->obs[0],
                            .action = g->action[0],
                            .next_obs = g->next_obs[0],
                            .reward = g->reward,
                            .discount = g->discount,
                            .ld_obs = LD_OBS,
                            .ld_act = LD_ACT,
                            .ld_next = LD_NEXT};
    udy__replay_gather(r, rows, n, n_step, gamma, &out);
}

// Row i of what was gathered is `row`, by replay.h's equations on the made-up rows themselves.
static void expect_gathered(const gathered *g, int i, const udy__replay *r, int64_t row, int n_step,
                            double gamma) {
    made_row m;
    make_row(&m, r, row);
    assert_memory_equal(g->obs[i], m.obs, (size_t)r->obs_dim * sizeof(float));
    assert_memory_equal(g->action[i], m.action, (size_t)r->act_dim * sizeof(float));
    double sum = 0;
    int taken = 0;
    for (; taken < n_step && row < udy__replay_count(r); taken++, row += r->n_envs) {
        make_row(&m, r, row);
        sum += pow(gamma, taken) * (double)m.t.reward;
        if (m.t.terminated || m.t.truncated) {
            taken++;
            break;
        }
    }
    assert_memory_equal(g->next_obs[i], m.next_obs, (size_t)r->obs_dim * sizeof(float));
    assert_true(fabs((double)g->reward[i] - sum) < 1e-6 * (1 + fabs(sum)));
    double discount = m.t.terminated ? 0 : pow(gamma, taken);
    assert_true(fabs((double)g->discount[i] - discount) < 1e-7);
}

static void a_drawn_row_gathers_what_was_appended(void **state) {
    (void)state;
    static gathered g;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy__replay *r = make_replay(100, O_DIM, A_DIM, 4);
    for (int64_t count = 4; count <= 1000; count += count < 220 ? 4 : 52) {
        append_until(r, count);
        assert_int_equal(udy__replay_count(r), count);
        assert_int_equal(udy__replay_size(r), count < 100 ? count : 100);
        uint32_t rows[30];
        int n = 1 + (int)udy_rng_below(&rng, 30);  // fewer and more than are asked for ahead
        for (int i = 0; i < n; i++) rows[i] = udy__replay_draw(r, 1, &rng);
        gather(&g, r, rows, n, 1, 0.99);
        for (int i = 0; i < n; i++) {
            expect_gathered(&g, i, r, number_at(r, rows[i]), 1, 0.99);
            made_row m;
            make_row(&m, r, number_at(r, rows[i]));
            assert_memory_equal(&g.reward[i], &m.t.reward, sizeof(float));  // to the bit
        }
        // What lies between the rows is the caller's.
        uint32_t untouched = 0xABABABAB;
        assert_memory_equal(&g.obs[n - 1][O_DIM], &untouched, sizeof untouched);
        assert_memory_equal(&g.action[n - 1][A_DIM], &untouched, sizeof untouched);
        assert_memory_equal(&g.next_obs[n - 1][O_DIM], &untouched, sizeof untouched);
        assert_memory_equal(&g.reward[n], &untouched, sizeof untouched);
        assert_memory_equal(&g.discount[n], &untouched, sizeof untouched);
    }
    udy__replay_destroy(r);
}

static void n_step_returns_are_those_of_the_definition(void **state) {
    (void)state;
    static gathered g;
    udy_rng rng;
    udy_rng_init(&rng, 2);
    const struct {
        int capacity, O, A, n_envs;
    } sizes[] = {{60, 3, 1, 1}, {64, 17, 6, 2}, {100, 27, 8, 3}, {40, 4, 1, 8}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        udy__replay *r = make_replay(sizes[s].capacity, sizes[s].O, sizes[s].A, sizes[s].n_envs);
        for (int64_t step = 1; step < 90; step++) {
            append_until(r, step * sizes[s].n_envs);
            int n_step = 1 + (int)udy_rng_below(&rng, 6);
            double gamma = udy_rng_uniform(&rng, 0.5, 1);
            uint32_t rows[20];
            for (int i = 0; i < 20; i++) rows[i] = udy__replay_draw(r, n_step, &rng);
            gather(&g, r, rows, 20, n_step, gamma);
            for (int i = 0; i < 20; i++)
                expect_gathered(&g, i, r, number_at(r, rows[i]), n_step, gamma);
        }
        udy__replay_destroy(r);
    }
}

// Two simulations, three steps; the second one's second step ends as told.
static udy__replay *short_story(bool terminated, bool truncated) {
    udy__replay *r = make_replay(6, 1, 1, 2);
    for (int step = 0; step < 3; step++) {
        float obs[2] = {(float)step, 10 + (float)step}, next[2] = {(float)step + 1, 0},
              action[2] = {0};
        next[1] = step == 1 ? 99 : 11 + (float)step;
        udy__transition t[2];
        for (int e = 0; e < 2; e++)
            t[e] = (udy__transition){&obs[e], &action[e], &next[e], 1 + (float)step, false, false};
        t[1].terminated = step == 1 && terminated;
        t[1].truncated = step == 1 && truncated;
        udy__replay_append(r, t);
    }
    return r;
}

static void a_time_limit_bootstraps_from_the_true_last_state_and_an_end_does_not(void **state) {
    (void)state;
    static gathered g;
    const struct {
        bool terminated, truncated;
        float reward, discount, next;
    } cases[] = {
        {false, false, 1 + 0.5f * 2 + 0.25f * 3, 0.125f, 13},
        {false, true, 1 + 0.5f * 2, 0.25f, 99},
        {true, false, 1 + 0.5f * 2, 0, 99},
        {true, true, 1 + 0.5f * 2, 0, 99},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        udy__replay *r = short_story(cases[i].terminated, cases[i].truncated);
        gather(&g, r, (uint32_t[]){0, 1}, 2, 3, 0.5);
        // The first simulation is not touched by the end of the second.
        assert_float_equal(g.reward[0], 2.75, 0);
        assert_float_equal(g.discount[0], 0.125, 0);
        assert_float_equal(g.next_obs[0][0], 3, 0);
        assert_float_equal(g.obs[1][0], 10, 0);
        assert_float_equal(g.reward[1], cases[i].reward, 0);
        assert_float_equal(g.discount[1], cases[i].discount, 0);
        assert_float_equal(g.next_obs[1][0], cases[i].next, 0);
        udy__replay_destroy(r);
    }
}

//------------------------------------------ Drawing -----------------------------------------------

// May the row be drawn? From the made-up rows, not from the ring.
static bool may_draw(const udy__replay *r, int64_t row, int n_step) {
    int held = udy__replay_size(r) / r->n_envs;
    if (n_step > held) n_step = held;
    for (int k = 0; k < n_step; k++, row += r->n_envs) {
        made_row m;
        if (row >= udy__replay_count(r)) return false;
        make_row(&m, r, row);
        if (m.t.terminated || m.t.truncated) return true;
    }
    return true;
}

static void the_drawn_rows_are_those_with_a_future(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 3);
    int excluded = 0, saved_by_an_end = 0;
    for (int n_envs = 1; n_envs <= 4; n_envs++) {
        udy__replay *r = make_replay(37, 3, 1, n_envs);
        for (int64_t step = 1; step < 60; step++) {
            append_until(r, step * n_envs);
            int size = udy__replay_size(r), n_step = 1 + (int)(step % 7);
            bool drawn[64] = {false};
            for (int k = 0; k < 60 * size; k++) {
                uint32_t row = udy__replay_draw(r, n_step, &rng);
                assert_true(row < (uint32_t)size);
                drawn[row] = true;
            }
            for (uint32_t row = 0; row < (uint32_t)size; row++) {
                int64_t number = number_at(r, row);
                assert_int_equal(drawn[row], may_draw(r, number, n_step));
                excluded += !drawn[row];
                saved_by_an_end += drawn[row] && size / n_envs >= n_step &&
                                   number + (n_step - 1) * n_envs >= step * n_envs;
            }
        }
        udy__replay_destroy(r);
    }
    assert_true(excluded > 500 && saved_by_an_end > 50);  // both do occur
}

static void draws_are_uniform_and_follow_from_the_generator(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    udy__replay *r = make_replay(40, 3, 1, 2);
    append_until(r, 94);
    udy_rng rng, again;
    udy_rng_init(&rng, 4);
    again = rng;
    int hits[40] = {0}, n_allowed = 0;
    for (int k = 0; k < DRAWS; k++) {
        uint32_t row = udy__replay_draw(r, 6, &rng);
        assert_int_equal(row, udy__replay_draw(r, 6, &again));
        hits[row]++;
    }
    assert_memory_equal(&rng, &again, sizeof rng);
    for (uint32_t i = 0; i < 40; i++) n_allowed += may_draw(r, number_at(r, i), 6);
    assert_in_range(n_allowed, 30, 39);
    double expected = (double)DRAWS / n_allowed, chi2 = 0;
    for (uint32_t i = 0; i < 40; i++)
        if (may_draw(r, number_at(r, i), 6)) chi2 += pow(hits[i] - expected, 2) / expected;
    assert_true(chi2 < 2.2 * n_allowed);  // beyond the 99.9 % quantile
    udy__replay_destroy(r);
}

static void a_replay_younger_than_n_steps_still_has_rows(void **state) {
    (void)state;
    static gathered g;
    udy__replay *r = short_story(false, false);
    udy_rng rng;
    udy_rng_init(&rng, 5);
    uint32_t rows[20];
    for (int i = 0; i < 20; i++) {
        rows[i] = udy__replay_draw(r, 50, &rng);
        assert_true(rows[i] < 2);  // the oldest step's: all the future that there is
    }
    gather(&g, r, rows, 20, 50, 0.5);
    for (int i = 0; i < 20; i++) {
        assert_float_equal(g.reward[i], 2.75, 0);
        assert_float_equal(g.discount[i], 0.125, 0);
    }
    udy__replay_destroy(r);
}

//------------------------------------------ Sizes and costs ---------------------------------------

static void capacity_is_whole_steps(void **state) {
    (void)state;
    udy__replay *r = make_replay(101, 3, 1, 4);
    append_until(r, 400);
    assert_int_equal(udy__replay_size(r), 100);
    udy__replay_destroy(r);
    r = make_replay(7, 3, 1, 7);  // one step
    append_until(r, 21);
    assert_int_equal(udy__replay_size(r), 7);
    udy__replay_destroy(r);
    udy__replay_destroy(NULL);
}

static void sizes_that_cannot_be_are_errors(void **state) {
    (void)state;
    udy__replay *r;
    EXPECT_ERROR(UDY_EINVAL, udy__replay_create(&r, 3, 27, 8, 4, err), "3 transitions", "4 sim");
    assert_null(r);
    EXPECT_ERROR(UDY_EINVAL, udy__replay_create(&r, 100, 0, 8, 4, err), "0 observations");
    EXPECT_ERROR(UDY_EINVAL, udy__replay_create(&r, 100, 27, -1, 4, err), "-1 actions");
    EXPECT_ERROR(UDY_EINVAL, udy__replay_create(&r, 100, 27, 8, 0, err), "0 simulations");
    EXPECT_ERROR(UDY_EINVAL, udy__replay_create(&r, 100, 1 << 30, 8, 1, err), "1073741824");
}

static size_t resident_bytes(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static double append_million(udy__replay *r) {
    made_row m[4];
    udy__transition step[4];
    for (int i = 0; i < 4; i++) {
        make_row(&m[i], r, i);
        step[i] = m[i].t;
    }
    double start = udy_clock_s();
    for (int k = 0; k < 250010; k++) udy__replay_append(r, step);
    return udy_clock_s() - start;
}

static void a_million_ant_transitions_are_256_MB_and_a_batch_of_them_microseconds(void **state) {
    (void)state;
    static gathered g;
    size_t before = resident_bytes();
    udy__replay *r = make_replay(1000000, O_DIM, A_DIM, 4);
    uint64_t allocations = udy_alloc_count();
    double append_s = append_million(r), best_s = 1, draw_s = 1;
    size_t taken = resident_bytes() - before;
    udy_rng rng;
    udy_rng_init(&rng, 6);
    for (int k = 0; k < 400; k++) {
        uint32_t rows[GATHER_MAX];
        double start = udy_clock_s();
        for (int i = 0; i < GATHER_MAX; i++) rows[i] = udy__replay_draw(r, 3, &rng);
        double drawn = udy_clock_s();
        gather(&g, r, rows, GATHER_MAX, 1, 0.99);
        double done = udy_clock_s();
        if (done - drawn < best_s) best_s = done - drawn;
        if (drawn - start < draw_s) draw_s = drawn - start;
    }
    print_message(
        "%.0f MB; 256 rows: gathered in %.1f us, drawn in %.1f us; a row appended in %.0f ns\n",
        (double)taken / 1e6, best_s * 1e6, draw_s * 1e6, append_s / 1000040 * 1e9);
    assert_int_equal(udy_alloc_count(), allocations);
    assert_true(taken < 262000000);
#ifndef __SANITIZE_ADDRESS__
    assert_true(best_s < 100e-6);  // a cache miss a line, one after the other, is above
    assert_true(draw_s < 100e-6);
#endif
    udy__replay_destroy(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawn_row_gathers_what_was_appended),
        cmocka_unit_test(n_step_returns_are_those_of_the_definition),
        cmocka_unit_test(a_time_limit_bootstraps_from_the_true_last_state_and_an_end_does_not),
        cmocka_unit_test(the_drawn_rows_are_those_with_a_future),
        cmocka_unit_test(draws_are_uniform_and_follow_from_the_generator),
        cmocka_unit_test(a_replay_younger_than_n_steps_still_has_rows),
        cmocka_unit_test(capacity_is_whole_steps),
        cmocka_unit_test(sizes_that_cannot_be_are_errors),
        cmocka_unit_test(a_million_ant_transitions_are_256_MB_and_a_batch_of_them_microseconds),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
