// test_dagger_common.h: a small DAgger, its threads, and running it to its end.
#ifndef UNDERSTUDY_TESTS_LEARN_TEST_DAGGER_COMMON_H_
#define UNDERSTUDY_TESTS_LEARN_TEST_DAGGER_COMMON_H_

#include <math.h>

#include "../unit/test_learn_common.h"

static udy_task *task;  // episodes of at most 300 steps
static udy_policy *expert;

//------------------------------------------ Helpers -----------------------------------------------

typedef struct setup {
    udy_dagger_config dagger;
    udy_bc_config bc;
    const udy_policy *expert;
    const udy_task *task;
    const udy_dataset *demos;
    uint64_t seed;
    int n_threads;
} setup;

// Two expert episodes, then three rounds of four.
static inline setup small_setup(void) {
    setup s = {.dagger = udy_dagger_config_default(),
               .bc = udy_bc_config_default(),
               .expert = expert,
               .task = task,
               .seed = 5,
               .n_threads = 2};
    s.dagger.initial_episodes = 2;
    s.dagger.rounds = 3;
    s.dagger.episodes_per_round = 4;
    s.dagger.select_episodes = 3;
    s.bc.hidden = (udy_ints){2, {32, 32}};
    s.bc.epochs = 3;
    s.bc.val_fraction = 0;
    return s;
}

typedef struct house {
    udy_batch *batch;
    udy_pool *pool;
    udy_dagger *dagger;
} house;

static inline int house_open(house *h, const setup *s, const char *dir,
                             const udy_progress *progress, udy_error *err) {
    h->pool = make_pool(s->n_threads);
    h->batch = make_batch(s->task, s->n_threads);
    return udy_dagger_open(&h->dagger, &s->dagger, &s->bc, s->task, h->batch, h->pool, s->expert,
                           s->demos, s->seed, dir, progress, err);
}

static inline void house_close(house *h) {
    udy_dagger_close(h->dagger);
    udy_batch_destroy(h->batch);
    udy_pool_destroy(h->pool);
}

// Rounds until all are done or one fails; returns the last status (0: all done).
static inline int run_rounds(house *h, udy_error *err) {
    int more = 1;
    while (more > 0) more = udy_dagger_step(h->dagger, err);
    return more;
}

static inline house finished(const setup *s, const char *dir) {
    house h;
    CHECK(house_open(&h, s, dir, NULL, err));
    CHECK(run_rounds(&h, err));
    assert_int_equal(udy_dagger_rounds_done(h.dagger), s->dagger.rounds + 1);
    return h;
}

static int set_up(void **state) {
    task = make_task(300, false);
    expert = load_expert();
    return make_root(state);
}

static int tear_down(void **state) {
    udy_policy_destroy(expert);
    udy_task_destroy(task);
    return remove_root(state);
}

#endif  // UNDERSTUDY_TESTS_LEARN_TEST_DAGGER_COMMON_H_
