// DAgger makes progress, counts every label, draws every episode from a seed of its own, and ends
// with the same bits whatever stopped it on the way.
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

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
static setup small_setup(void) {
    setup s = {.dagger = udy_dagger_config_default(), .bc = udy_bc_config_default(), .expert = expert,
               .task = task, .seed = 5, .n_threads = 2};
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

static int house_open(house *h, const setup *s, const char *dir, const udy_progress *progress, udy_error *err) {
    h->pool = make_pool(s->n_threads);
    h->batch = make_batch(s->task, s->n_threads);
    return udy_dagger_open(&h->dagger, &s->dagger, &s->bc, s->task, h->batch, h->pool, s->expert, s->demos,
                           s->seed, dir, progress, err);
}

static void house_close(house *h) {
    udy_dagger_close(h->dagger);
    udy_batch_destroy(h->batch);
    udy_pool_destroy(h->pool);
}

static void fresh(const char *name, char out[1024]) {
    snprintf(out, 1024, "%s", at_root(name));
    nftw(out, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// Rounds until all are done or one fails; returns the last status (0: all done).
static int run_rounds(house *h, udy_error *err) {
    int more = 1;
    while (more > 0) more = udy_dagger_step(h->dagger, err);
    return more;
}

static house finished(const setup *s, const char *dir) {
    house h;
    CHECK(house_open(&h, s, dir, NULL, err));
    CHECK(run_rounds(&h, err));
    assert_int_equal(udy_dagger_rounds_done(h.dagger), s->dagger.rounds + 1);
    return h;
}

// The state file, without the lines of wall-clock.
static char *state_without_seconds(const char *dir) {
    char path[1400], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/checkpoints/dagger.json", dir);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        size_t length = (size_t)(next - line);
        char *found = strstr(line, "\"seconds\"");
        if (found && found < next) continue;
        memmove(to, line, length);
        to += length;
    }
    *to = '\0';
    return text;
}

// Policies, dataset and state, to the bit; and no checkpoint of a training is left.
static void expect_same_outcome(const char *a, const char *b) {
    char x[1100], y[1100];
    static const char *const folders[] = {"policies", "data/dagger"};
    for (int i = 0; i < 2; i++) {
        snprintf(x, sizeof x, "%s/%s", a, folders[i]);
        snprintf(y, sizeof y, "%s/%s", b, folders[i]);
        expect_equal_folders(x, y);
    }
    char *p = state_without_seconds(a), *q = state_without_seconds(b);
    assert_string_equal(p, q);
    udy_free(p);
    udy_free(q);
    snprintf(y, sizeof y, "%s/checkpoints", b);
    assert_int_equal(count_entries(y), 1);
}

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
    double last = (udy_dagger_round_at(h.dagger, 5)->select_mean + udy_dagger_round_at(h.dagger, 6)->select_mean) / 2;
    int best = udy_dagger_best(h.dagger);
    print_message("cloned %.0f, last two rounds %.0f, best round %d with %.0f\n", cloned, last, best,
                  udy_dagger_round_at(h.dagger, best)->select_mean);
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
            assert_memory_not_equal(first, udy_dataset_obs(d, udy_dataset_episode_at(d, k).first_row),
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
    udy_rollout_job job = {.policy = learner, .seed = udy_seed_range(5, UDY_SEEDS_DAGGER) + 4, .record = true};
    udy_episode e;
    CHECK(udy_rollout(h.batch, task, &job, 1, &e, "again", NULL, err));
    udy_dataset_episode of = udy_dataset_episode_at(d, 2 + 4);
    assert_int_equal(of.round, 2);
    assert_int_equal(of.length, e.length);
    for (int t = 0; t < e.length; t++)
        assert_memory_equal(udy_dataset_obs(d, of.first_row + (uint64_t)t), e.obs + t * O_DIM, O_DIM * sizeof(float));
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
        jobs[i] = (udy_rollout_job){.policy = expert, .seed = udy_seed_range(5, UDY_SEEDS_DAGGER) + (uint64_t)i};
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
    assert_true(udy_dagger_round_at(a.dagger, 0)->train_loss == udy_dagger_round_at(b.dagger, 0)->train_loss);
    assert_true(udy_dagger_round_at(b.dagger, 3)->train_loss < udy_dagger_round_at(a.dagger, 3)->train_loss);
    house_close(&a);
    house_close(&b);
}

//------------------------------------------ The same bits -----------------------------------------

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
    CHECK(udy_dataset_collect(demos, a.batch, task, expert, 5, udy_seed_range(5, UDY_SEEDS_DEMOS), "demos", NULL, err));
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

static char straight[1024];  // the run that all others are compared with

static void one_thread_gives_the_same_bits_as_two(void **state) {
    (void)state;
    char dir[1024];
    fresh("straight", straight);
    fresh("one-thread", dir);
    setup s = small_setup();
    house h = finished(&s, straight);
    house_close(&h);
    s.n_threads = 1;
    h = finished(&s, dir);
    house_close(&h);
    expect_same_outcome(straight, dir);
}

// Stop at each stage of each round, once before it is under way and once in it, and open anew.
static void stopped_in_any_stage_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char dir[1024];
    fresh("stopped", dir);
    setup s = small_setup();
    s.n_threads = 1;  // slow, so that there is time to be stopped in
    static const char *const stages[] = {"demonstrations", "0/3: train",   "0/3: evaluate", "1/3: collect", "1/3: train",
                                         "1/3: evaluate",  "2/3: collect", "2/3: train",    "2/3: evaluate",
                                         "3/3: collect",   "3/3: train",   "3/3: evaluate"};
    int stops = 0;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        watcher w = {.stop_stage = stages[i], .stop_at = 1};
        udy_progress progress = watched(&w);
        house h;
        CHECK(house_open(&h, &s, dir, &progress, err));
        int before = udy_dagger_rounds_done(h.dagger);
        udy_error err = {0};
        int status = run_rounds(&h, &err);
        assert_true(w.calls >= 1);
        if (status) {
            assert_int_equal(status, UDY_EINTERRUPTED);
            assert_non_null(strstr(err.message, stages[i]));
            stops++;
            // The handle can go on too, from where it is.
            assert_true(udy_dagger_rounds_done(h.dagger) >= before);
            w.stop_at = 0;
            if (i % 3 == 0 && udy_dagger_step(h.dagger, &err) != 1) fail_msg("%s", err.message);
        }
        house_close(&h);
        if (!status) break;  // no stage was long enough to be stopped in: all is done
    }
    assert_true(stops >= 4);  // each training can be
    house h = finished(&s, dir);
    house_close(&h);
    expect_same_outcome(straight, dir);
}

static const char *own_path;

static pid_t start_child(const char *dir) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) return child;
    execl("/proc/self/exe", own_path, "--run", dir, (char *)NULL);
    _exit(127);
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char dir[1024];
    fresh("killed", dir);
    udy_rng rng;
    udy_rng_init(&rng, 8);
    int kills = 0, how = -1;
    for (int i = 0; i < 60; i++) {
        pid_t child = start_child(dir);
        // Longer each time, so that it ends even where a round is slow.
        double patience_s = udy_rng_uniform(&rng, 0.05, 0.25) + 0.05 * i, start = udy_clock_s();
        pid_t done = 0;
        while (!done && udy_clock_s() - start < patience_s) {
            usleep(2000);
            done = waitpid(child, &how, WNOHANG);
        }
        if (done) break;
        kills++;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
    }
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_true(kills >= 3);
    print_message("%d kills\n", kills);
    expect_same_outcome(straight, dir);
}

static void seeds_beyond_a_doubles_digits_survive_a_resume(void **state) {
    (void)state;
    char dir[1024];
    fresh("large-seed", dir);
    setup s = small_setup();
    s.seed = 4294967295;
    s.dagger.rounds = 1;
    house h;
    CHECK(house_open(&h, &s, dir, NULL, err));
    assert_int_equal(udy_dagger_step(h.dagger, NULL), 1);
    char *before = state_without_seconds(dir);
    house_close(&h);
    CHECK(house_open(&h, &s, dir, NULL, err));
    assert_int_equal(udy_dagger_rounds_done(h.dagger), 1);
    assert_int_equal(udy_dagger_round_at(h.dagger, 0)->select[2].seed,
                     udy_seed_range(4294967295, UDY_SEEDS_SELECT) + 2);
    assert_int_equal(udy_dagger_step(h.dagger, NULL), 1);
    char *after = state_without_seconds(dir);
    size_t common = strlen(before) - strlen("\n    }\n  ]\n}\n");
    assert_memory_equal(before, after, common);  // the first round's record is as it was
    udy_free(before);
    udy_free(after);
    assert_int_equal(udy_dagger_step(h.dagger, NULL), 0);
    house_close(&h);
}

//------------------------------------------ Refusals ----------------------------------------------

static void another_setting_seed_task_or_expert_does_not_go_on(void **state) {
    (void)state;
    udy_policy *medium = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors");
    udy_task *longer = make_task(301, false);
    for (int i = 0; i < 6; i++) {
        setup s = small_setup();
        if (i == 0) s.dagger.episodes_per_round = 5;
        if (i == 1) s.bc.learning_rate = 2e-3;
        if (i == 2) s.seed = 6;
        if (i == 3) s.expert = medium;
        if (i == 4) s.task = longer;
        if (i == 5) s.dagger.warm_start = true;
        house h = {0};
        EXPECT_ERROR(UDY_EMISMATCH, house_open(&h, &s, straight, NULL, err), straight, "other settings");
        assert_null(h.dagger);
        house_close(&h);
    }
    udy_policy_destroy(medium);
    udy_task_destroy(longer);
}

static void what_cannot_be_run_is_refused_before_a_folder_is_made(void **state) {
    (void)state;
    char dir[1024], path[1024];
    fresh("refused", dir);
    fresh("few", path);
    udy_policy *chance;
    udy_task *contact = make_task(300, true);
    udy_dataset *few, *other;
    CHECK(udy_policy_random(&chance, task, err));
    CHECK(udy_dataset_create(&few, path, task, NULL, err));
    udy_episode e = made_up_episode(10, 0, UDY_END_LIMIT);
    CHECK(udy_dataset_append(few, &e, 1, NULL, 0, err));
    udy_episodes_free(&e, 1);
    CHECK(udy_dataset_create(&other, at_root("other-form"), contact, NULL, err));
    for (int i = 0; i < 10; i++) {
        setup s = small_setup();
        int expected = UDY_EINVAL;
        const char *says = "";
        switch (i) {
            case 0: s.expert = chance, says = "random"; break;
            case 1: s.task = contact, expected = UDY_EMISMATCH, says = "contact"; break;
            case 2: s.demos = few, says = "holds 1 episodes"; break;
            case 3: s.demos = other, expected = UDY_EMISMATCH, says = "105"; break;
            case 4: s.dagger.rounds = 0, says = "dagger.rounds"; break;
            case 5: s.dagger.episodes_per_round = -1, says = "dagger.episodes_per_round"; break;
            case 6: s.dagger.beta = 1.5, says = "dagger.beta"; break;
            case 7: s.dagger.beta_schedule = 7, says = "dagger.beta_schedule"; break;
            case 8: s.bc.learning_rate = -1, says = "dagger.bc.learning_rate"; break;
            // 1.1 million episodes would run into the seeds that choose the best round.
            default: s.dagger.rounds = 1100, s.dagger.episodes_per_round = 1000, says = "seeds"; break;
        }
        house h = {0};
        EXPECT_ERROR(expected, house_open(&h, &s, dir, NULL, err), says);
        assert_null(h.dagger);
        house_close(&h);
        assert_false(udy_dir_exists(dir));
    }
    udy_dataset_close(few);
    udy_dataset_close(other);
    udy_policy_destroy(chance);
    udy_task_destroy(contact);
}

// Replace the first `from` in the state file by `to`.
static void edit_state(const char *dir, const char *from, const char *to) {
    char path[1400], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/checkpoints/dagger.json", dir);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    char *at = strstr(text, from);
    if (!at) fail_msg("no %s", from);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
    udy_free(text);
}

static void a_damaged_state_is_an_error_and_no_more(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
    } edits[] = {{"\"end\": 1", "\"end\": 99"},       {"\"end\": 1", "\"end\": -1"},
                 {"\"end\": 1", "\"end\": 1e300"},    {"\"length\": ", "\"length\": 99999999999"},
                 {"\"labels\": ", "\"labels\": -1"},  {"\"updates\": ", "\"updates\": 0.5"},
                 {"\"speed\": ", "\"speed\": null, \"was\": "}, {"\"select\"", "\"elect\""},
                 {"\"rounds\": [", "\"rounds\": [7, "}};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char dir[1024], checkpoints[1100], to[1200], from[1200];
        fresh("edited", dir);
        snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", dir);
        CHECK(udy_dir_make(checkpoints, err));
        snprintf(to, sizeof to, "%s/dagger.json", checkpoints);
        snprintf(from, sizeof from, "%s/checkpoints/dagger.json", straight);
        char *text;
        size_t n;
        CHECK(udy_file_read(&text, &n, from, 1 << 24, err));
        put_file(to, text, n);
        udy_free(text);
        edit_state(dir, edits[i].from, edits[i].to);
        setup s = small_setup();
        house h = {0};
        EXPECT_ERROR(UDY_EFORMAT, house_open(&h, &s, dir, NULL, err), "dagger.json", "damaged");
        assert_null(h.dagger);
        house_close(&h);
    }
}

static void a_lost_policy_or_shard_is_named(void **state) {
    (void)state;
    char dir[1024], path[1200];
    setup s = small_setup();
    for (int i = 0; i < 2; i++) {
        fresh("lost", dir);
        house h;
        CHECK(house_open(&h, &s, dir, NULL, err));
        assert_int_equal(udy_dagger_step(h.dagger, NULL), 1);
        house_close(&h);
        snprintf(path, sizeof path, "%s/%s", dir,
                 i ? "data/dagger/shard-00000.safetensors" : "policies/dagger-00.safetensors");
        assert_int_equal(remove(path), 0);
        if (i) {
            h = (house){0};
            EXPECT_ERROR(UDY_EFORMAT, house_open(&h, &s, dir, NULL, err), "data/dagger", "damaged");
        } else {
            CHECK(house_open(&h, &s, dir, NULL, err));
            EXPECT_ERROR(UDY_ENOENT, udy_dagger_step(h.dagger, err), "policies/dagger-00.safetensors");
        }
        house_close(&h);
    }
}

//------------------------------------------ Main --------------------------------------------------

// The child that is killed: the small setup in a folder, to its end.
static int run_child(const char *dir) {
    udy_error err = {0};
    setup s = small_setup();
    house h;
    int status = house_open(&h, &s, dir, NULL, &err);
    if (!status) status = run_rounds(&h, &err);
    if (status) fprintf(stderr, "%s\n", err.message);
    house_close(&h);
    return status ? 1 : 0;
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

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_rounds_beat_cloning_as_few_expert_episodes),
        cmocka_unit_test(every_label_and_update_is_counted),
        cmocka_unit_test(every_episode_has_the_seed_that_the_header_promises),
        cmocka_unit_test(every_state_is_labelled_by_the_expert_and_visited_by_the_learner),
        cmocka_unit_test(beta_follows_its_schedule),
        cmocka_unit_test(with_beta_one_the_expert_acts_and_with_a_half_sometimes),
        cmocka_unit_test(a_warm_start_goes_on_where_the_last_round_ended),
        cmocka_unit_test(given_demonstrations_count_as_collected_ones),
        cmocka_unit_test(one_thread_gives_the_same_bits_as_two),
        cmocka_unit_test(stopped_in_any_stage_it_ends_with_the_same_bits),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(seeds_beyond_a_doubles_digits_survive_a_resume),
        cmocka_unit_test(another_setting_seed_task_or_expert_does_not_go_on),
        cmocka_unit_test(what_cannot_be_run_is_refused_before_a_folder_is_made),
        cmocka_unit_test(a_damaged_state_is_an_error_and_no_more),
        cmocka_unit_test(a_lost_policy_or_shard_is_named),
    };
    own_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--run")) {
        task = make_task(300, false);
        expert = load_expert();
        int code = run_child(argv[2]);
        udy_policy_destroy(expert);
        udy_task_destroy(task);
        return code;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
