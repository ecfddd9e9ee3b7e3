// DAgger makes progress, counts every label, draws every episode from a seed of its own, and acts
// by the mixture that its schedule says.
#include "test_dagger_common.h"

//------------------------------------------ Progress ----------------------------------------------

static void the_last_rounds_beat_cloning_as_few_expert_episodes(void **state) {
    (void)state;
    char dir[1024];
    fresh("progress", dir);
    udy_task *full = make_task(1000, false);
    udy_policy *medium = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors");
    setup s = small_setup();
    s.task = full;
    s.expert = medium;
    s.seed = 1;
    s.dagger.initial_episodes = 3;
    s.dagger.rounds = 6;
    s.dagger.episodes_per_round = 6;
    s.dagger.select_episodes = 10;
    s.bc.hidden = (udy_ints){2, {256, 256}};
    s.bc.epochs = 40;
    house h = finished(&s, dir);
    double cloned = udy_dagger_round_at(h.dagger, 0)->select_mean;  // of the same three episodes
    double last = (udy_dagger_round_at(h.dagger, 5)->select_mean +
                   udy_dagger_round_at(h.dagger, 6)->select_mean) /
                  2;
    int best = udy_dagger_best(h.dagger);
    print_message("cloned %.0f, last two rounds %.0f, best round %d with %.0f\n", cloned, last,
                  best, udy_dagger_round_at(h.dagger, best)->select_mean);
    assert_true(last > cloned + 700);
    for (int i = 0; i <= 6; i++) {
        const udy_dagger_round *r = udy_dagger_round_at(h.dagger, i);
        assert_true(r->select_mean <= udy_dagger_round_at(h.dagger, best)->select_mean);
        assert_true(r->updates > 0);
    }
    assert_true(best > 0);
    house_close(&h);
    udy_policy_destroy(medium);
    udy_task_destroy(full);
}

//------------------------------------------ Counts and seeds --------------------------------------

static udy_dataset *dataset_of(const char *dir) {
    char path[1100];
    udy_dataset *d;
    snprintf(path, sizeof path, "%s/data/dagger", dir);
    CHECK(udy_dataset_open(&d, path, NULL, err));
    return d;
}

static void every_label_and_update_is_counted(void **state) {
    (void)state;
    char dir[1024];
    fresh("counts", dir);
    setup s = small_setup();
    house h = finished(&s, dir);
    udy_dataset *d = dataset_of(dir);
    udy_dataset_info info = udy_dataset_info_of(d);
    uint64_t rows = 0;
    double sum = 0;
    assert_int_equal(info.n_episodes, 2 + 3 * 4);
    for (int i = 0, episode = 0; i <= 3; i++) {
        const udy_dagger_round *r = udy_dagger_round_at(h.dagger, i);
        int n = i ? 4 : 2;
        sum = 0;
        for (int k = 0; k < n; k++, episode++) {
            udy_dataset_episode e = udy_dataset_episode_at(d, episode);
            assert_int_equal(e.round, i);
            rows += (uint64_t)e.length;
            sum += e.ret;
        }
        assert_int_equal(r->round, i);
        assert_int_equal(r->labels, rows);
        assert_int_equal(r->updates, 3 * ((rows + 255) / 256));
        assert_true(fabs(r->collect_return - sum / n) < 1e-2);  // the dataset's rewards are floats
        assert_true(r->beta == (i ? 0 : 1));
        double mean = 0;
        for (int k = 0; k < 3; k++) mean += r->select[k].ret / 3;
        assert_int_equal(r->n_select, 3);
        assert_true(fabs(mean - r->select_mean) < 1e-9 * (1 + fabs(mean)));
        assert_true(r->seconds > 0 && isfinite(r->train_loss));
    }
    assert_int_equal(info.n_rows, rows);
    assert_int_equal(info.n_labels, rows);
    udy_dataset_close(d);
    house_close(&h);
}

// Every episode starts where reset(seed) of its place in the run's ranges starts, and no two alike.
static void every_episode_has_the_seed_that_the_header_promises(void **state) {
    (void)state;
    enum { N = 2 + 3 * 4 };
    char dir[1024];
    fresh("seeds", dir);
    setup s = small_setup();
    house h = finished(&s, dir);
    udy_dataset *d = dataset_of(dir);
    for (int i = 0; i < N; i++) {
        uint64_t seed = i < 2 ? udy_seed_range(5, UDY_SEEDS_DEMOS) + (uint64_t)i
                              : udy_seed_range(5, UDY_SEEDS_DAGGER) + (uint64_t)(i - 2);
        udy_rollout_job job = {.policy = expert, .seed = seed, .record = true};
        udy_episode e;
        CHECK(udy_rollout(h.batch, task, &job, 1, &e, "reset", NULL, err));
        const float *first = udy_dataset_obs(d, udy_dataset_episode_at(d, i).first_row);
        assert_memory_equal(first, e.obs, O_DIM * sizeof(float));
        udy_episodes_free(&e, 1);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(first,
                                    udy_dataset_obs(d, udy_dataset_episode_at(d, k).first_row),
                                    O_DIM * sizeof(float));
    }
    for (int i = 0; i <= 3; i++)
        for (int k = 0; k < 3; k++)
            assert_int_equal(udy_dagger_round_at(h.dagger, i)->select[k].seed,
                             udy_seed_range(5, UDY_SEEDS_SELECT) + (uint64_t)k);
    udy_dataset_close(d);
    house_close(&h);
}

static void every_state_is_labelled_by_the_expert_and_visited_by_the_learner(void **state) {
    (void)state;
    char dir[1024], path[UDY_PATH_MAX];
    fresh("labels", dir);
    setup s = small_setup();
    house h = finished(&s, dir);
    udy_dataset *d = dataset_of(dir);
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof(float));
    assert_non_null(scratch);
    uint64_t n = udy_dataset_info_of(d).n_rows;
    for (uint64_t r = 0; r < n; r++) {
        double obs[O_DIM];
        float action[A_DIM];
        for (int k = 0; k < O_DIM; k++) obs[k] = (double)udy_dataset_obs(d, r)[k];
        udy_policy_act(expert, obs, action, scratch, NULL);
        for (int k = 0; k < A_DIM; k++)
            assert_true(fabs((double)action[k] - (double)udy_dataset_action(d, r)[k]) < 1e-5);
    }
    udy_free(scratch);
    // Round 2's first episode is what round 1's policy does from its seed.
    CHECK(udy_dagger_policy_path(h.dagger, 1, path, err));
    udy_policy *learner = load_policy(path);
    assert_string_equal(udy_policy_metadata(learner, "dagger_round"), "1");
    udy_rollout_job job = {
        .policy = learner, .seed = udy_seed_range(5, UDY_SEEDS_DAGGER) + 4, .record = true};
    udy_episode e;
    CHECK(udy_rollout(h.batch, task, &job, 1, &e, "again", NULL, err));
    udy_dataset_episode of = udy_dataset_episode_at(d, 2 + 4);
    assert_int_equal(of.round, 2);
    assert_int_equal(of.length, e.length);
    for (int t = 0; t < e.length; t++)
        assert_memory_equal(udy_dataset_obs(d, of.first_row + (uint64_t)t), e.obs + t * O_DIM,
                            O_DIM * sizeof(float));
    udy_episodes_free(&e, 1);
    udy_policy_destroy(learner);
    udy_dataset_close(d);
    house_close(&h);
}

static void beta_follows_its_schedule(void **state) {
    (void)state;
    udy_dagger_config c = udy_dagger_config_default();
    for (int i = 1; i < 20; i++) assert_true(udy_dagger_beta(&c, i) == 0);  // the tutorial's
    c.beta = 0.3;
    assert_true(udy_dagger_beta(&c, 1) == 0.3 && udy_dagger_beta(&c, 9) == 0.3);
    c.beta_schedule = UDY_BETA_LINEAR;
    c.beta = 0.8;
    c.beta_rounds = 4;
    const double linear[] = {0.8, 0.6, 0.4, 0.2, 0, 0, 0};
    for (int i = 0; i < 7; i++) assert_true(fabs(udy_dagger_beta(&c, i + 1) - linear[i]) < 1e-15);
    c.beta_schedule = UDY_BETA_EXPONENTIAL;
    c.beta = 0.5;
    for (int i = 0; i < 10; i++) assert_true(udy_dagger_beta(&c, i + 1) == ldexp(1, -i));
    c.beta = 0;
    assert_true(udy_dagger_beta(&c, 1) == 1 && udy_dagger_beta(&c, 2) == 0);
}

static void with_beta_one_the_expert_acts_and_with_a_half_sometimes(void **state) {
    (void)state;
    double returns[3];
    for (int i = 0; i < 3; i++) {
        char dir[1024];
        fresh("beta", dir);
        setup s = small_setup();
        s.dagger.rounds = 1;
        s.dagger.beta = i / 2.0;
        house h = finished(&s, dir);
        returns[i] = udy_dagger_round_at(h.dagger, 1)->collect_return;
        assert_true(udy_dagger_round_at(h.dagger, 1)->beta == i / 2.0);
        house_close(&h);
    }
    udy_rollout_job jobs[4];
    udy_episode episodes[4];
    double mean = 0;
    for (int i = 0; i < 4; i++)
        jobs[i] = (udy_rollout_job){.policy = expert,
                                    .seed = udy_seed_range(5, UDY_SEEDS_DAGGER) + (uint64_t)i};
    udy_batch *batch = make_batch(task, 2);
    CHECK(udy_rollout(batch, task, jobs, 4, episodes, "expert", NULL, err));
    for (int i = 0; i < 4; i++) mean += episodes[i].ret / 4;
    assert_true(fabs(returns[2] - mean) < 1e-9 * fabs(mean));
    assert_true(returns[0] < returns[2] && returns[1] != returns[0] && returns[1] != returns[2]);
    udy_batch_destroy(batch);
}

static void a_warm_start_goes_on_where_the_last_round_ended(void **state) {
    (void)state;
    char cold[1024], warm[1024];
    fresh("cold", cold);
    fresh("warm", warm);
    setup s = small_setup();
    s.bc.epochs = 10;
    house a = finished(&s, cold);
    s.dagger.warm_start = true;
    house b = finished(&s, warm);
    assert_true(udy_dagger_round_at(a.dagger, 0)->train_loss ==
                udy_dagger_round_at(b.dagger, 0)->train_loss);
    assert_true(udy_dagger_round_at(b.dagger, 3)->train_loss <
                udy_dagger_round_at(a.dagger, 3)->train_loss);
    house_close(&a);
    house_close(&b);
}

static void given_demonstrations_count_as_collected_ones(void **state) {
    (void)state;
    char collected[1024], given[1024], path[1024];
    fresh("collected", collected);
    fresh("given", given);
    fresh("demos", path);
    setup s = small_setup();
    house a = finished(&s, collected);
    udy_dataset *demos;
    CHECK(udy_dataset_create(&demos, path, task, "a test", err));
    CHECK(udy_dataset_collect(demos, a.batch, task, expert, 5, udy_seed_range(5, UDY_SEEDS_DEMOS),
                              "demos", NULL, err));
    s.demos = demos;
    house b = finished(&s, given);
    for (int i = 0; i <= 3; i++) {
        char x[UDY_PATH_MAX], y[UDY_PATH_MAX];
        CHECK(udy_dagger_policy_path(a.dagger, i, x, err));
        CHECK(udy_dagger_policy_path(b.dagger, i, y, err));
        assert_true(files_equal(x, y));
    }
    house_close(&a);
    house_close(&b);
    udy_dataset_close(demos);
}

// As cloning does: what was executed where an expert labelled otherwise is nobody's label.
static void given_demonstrations_keep_their_labels(void **state) {
    (void)state;
    char dir[1024], path[1024];
    fresh("labelled", dir);
    fresh("labelled-demos", path);
    udy_dataset *demos;
    CHECK(udy_dataset_create(&demos, path, task, "a test", err));
    float labels[3][20 * A_DIM];
    for (int i = 0; i < 3; i++) {
        udy_episode e = made_up_episode(20, (uint64_t)i, UDY_END_LIMIT);
        for (int k = 0; k < 20 * A_DIM; k++) labels[i][k] = -e.action[k];
        CHECK(udy_dataset_append(demos, &e, 1, labels[i], 0, err));
        udy_episodes_free(&e, 1);
    }
    setup s = small_setup();
    s.demos = demos;
    house h;
    CHECK(house_open(&h, &s, dir, NULL, err));
    assert_int_equal(udy_dagger_step(h.dagger, NULL), 1);
    house_close(&h);
    udy_dataset *d = dataset_of(dir);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 40);
    for (uint64_t i = 0; i < 2; i++)
        assert_memory_equal(udy_dataset_action(d, 20 * i), labels[i], sizeof labels[i]);
    udy_dataset_close(d);
    udy_dataset_close(demos);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_rounds_beat_cloning_as_few_expert_episodes),
        cmocka_unit_test(every_label_and_update_is_counted),
        cmocka_unit_test(every_episode_has_the_seed_that_the_header_promises),
        cmocka_unit_test(every_state_is_labelled_by_the_expert_and_visited_by_the_learner),
        cmocka_unit_test(beta_follows_its_schedule),
        cmocka_unit_test(with_beta_one_the_expert_acts_and_with_a_half_sometimes),
        cmocka_unit_test(a_warm_start_goes_on_where_the_last_round_ended),
        cmocka_unit_test(given_demonstrations_count_as_collected_ones),
        cmocka_unit_test(given_demonstrations_keep_their_labels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
