// Rollouts and what collects by them: the same bits on any number of threads as one plain loop,
// DAgger's mixture, and a stop that is prompt and leaves nothing half done.
#include <math.h>
#include <pthread.h>

#include "test_learn_common.h"

static udy_task *task;  // episodes of at most 60 steps
static udy_policy *expert, *chance;

static void roll(const udy_task *of, const udy_rollout_job *like, int n, int n_threads,
                 udy_episode *out) {
    udy_rollout_job jobs[128];
    for (int i = 0; i < n; i++) {
        jobs[i] = *like;
        jobs[i].seed = like->seed + (uint64_t)i;
    }
    udy_batch *batch = make_batch(of, n_threads);
    CHECK(udy_rollout(batch, of, jobs, n, out, "roll", NULL, err));
    udy_batch_destroy(batch);
}

static void expect_same_episode(const udy_episode *a, const udy_episode *b) {
    assert_int_equal(a->seed, b->seed);
    assert_int_equal(a->length, b->length);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->expert_steps, b->expert_steps);
    assert_memory_equal(&a->ret, &b->ret, sizeof a->ret);
    assert_memory_equal(&a->speed, &b->speed, sizeof a->speed);
    assert_memory_equal(a->terms, b->terms, sizeof a->terms);
    assert_int_equal(!a->obs, !b->obs);
    if (!a->obs) return;
    size_t T = (size_t)a->length;
    assert_memory_equal(a->obs, b->obs, T * O_DIM * sizeof(float));
    assert_memory_equal(a->action, b->action, T * A_DIM * sizeof(float));
    assert_memory_equal(a->reward, b->reward, T * sizeof(float));
}

//------------------------------------------ The same bits -----------------------------------------

// One episode as a Gymnasium user writes it: reset(seed), then act and step until it ends.
static int plain_loop(udy_env *env, int job, void *ctx, udy_error *err) {
    udy_episode *e = (udy_episode *)ctx + job;
    double obs[O_DIM], action[A_DIM];
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof(float));
    assert_non_null(scratch);
    udy_rng rng;
    udy_rng_init(&rng, e->seed);
    int status = udy_env_reset(env, &rng, obs, err);
    udy_step step = {0};
    while (!status && !step.terminated && !step.truncated) {
        for (int k = 0; k < O_DIM; k++) e->obs[e->length * O_DIM + k] = (float)obs[k];
        udy_policy_act(expert, obs, e->action + e->length * A_DIM, scratch, NULL);
        for (int k = 0; k < A_DIM; k++) action[k] = (double)e->action[e->length * A_DIM + k];
        status = udy_env_step(env, action, obs, &step, err);
        e->reward[e->length++] = (float)step.reward;
        e->ret += step.reward;
        e->speed += step.x_velocity;
        for (int k = 0; k < udy_task_info_of(task)->n_terms; k++) e->terms[k] += step.terms[k];
    }
    e->speed /= e->length;
    e->end = (udy_end)step.end;
    udy_free(scratch);
    return status;
}

static void any_number_of_threads_gives_the_bits_of_a_plain_loop(void **state) {
    (void)state;
    enum { N = 7 };
    udy_episode plain[N] = {{0}};
    for (int i = 0; i < N; i++) {
        plain[i] = made_up_episode(60, 0, UDY_END_NONE);  // for its room
        plain[i].length = 0;
        plain[i].ret = 0;
        plain[i].seed = 40 + (uint64_t)i;
    }
    udy_batch *batch = make_batch(task, 1);
    CHECK(udy_batch_episodes(batch, N, plain_loop, plain, err));
    udy_batch_destroy(batch);
    const udy_rollout_job job = {.policy = expert, .seed = 40, .record = true};
    for (int threads = 1; threads <= 3; threads++) {
        udy_episode got[N] = {{0}};
        roll(task, &job, N, threads, got);
        for (int i = 0; i < N; i++) expect_same_episode(&plain[i], &got[i]);
        udy_episodes_free(got, N);
    }
    const udy_rollout_job unrecorded = {.policy = expert, .seed = 40};
    udy_episode got[N] = {{0}};
    roll(task, &unrecorded, N, 2, got);
    for (int i = 0; i < N; i++) {
        assert_null(got[i].obs);
        assert_true(got[i].ret == plain[i].ret);
        assert_int_equal(got[i].length, 60);
        assert_int_equal(got[i].end, UDY_END_LIMIT);
    }
    udy_episodes_free(plain, N);
}

static void random_episodes_repeat_and_differ_by_seed(void **state) {
    (void)state;
    udy_episode a[3] = {{0}}, b[3] = {{0}};
    const udy_rollout_job job = {.policy = chance, .seed = 9, .record = true};
    roll(task, &job, 3, 1, a);
    roll(task, &job, 3, 2, b);
    for (int i = 0; i < 3; i++) expect_same_episode(&a[i], &b[i]);
    assert_memory_not_equal(a[0].action, a[1].action, A_DIM * sizeof(float));
    udy_episodes_free(a, 3);
    udy_episodes_free(b, 3);
}

//------------------------------------------ Sampled actions --------------------------------------

// The same, each action sampled with the noise of the episode's own stream.
static int plain_sampling(udy_env *env, int job, void *ctx, udy_error *err) {
    udy_episode *e = (udy_episode *)ctx + job;
    double obs[O_DIM], action[A_DIM];
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof(float));
    assert_non_null(scratch);
    udy_rng rng, noise;
    udy_rng_init(&rng, e->seed);
    udy_rng_init_stream(&noise, e->seed, "policy/gaussian", 0);
    int status = udy_env_reset(env, &rng, obs, err);
    udy_step step = {0};
    while (!status && !step.terminated && !step.truncated) {
        float *taken = e->action + e->length * A_DIM;
        status = udy_policy_sample(expert, obs, taken, scratch, &noise, err);
        for (int k = 0; k < A_DIM; k++) action[k] = (double)taken[k];
        if (!status) status = udy_env_step(env, action, obs, &step, err);
        e->ret += step.reward;
        e->length++;
    }
    udy_free(scratch);
    return status;
}

static void sampled_episodes_depend_on_their_seed_and_on_no_threads(void **state) {
    (void)state;
    enum { N = 5 };
    udy_episode plain[N], mean[N] = {{0}};
    for (int i = 0; i < N; i++) {
        plain[i] = made_up_episode(60, 0, UDY_END_NONE);  // for its room
        plain[i].length = 0;
        plain[i].ret = 0;
        plain[i].seed = 70 + (uint64_t)i;
    }
    udy_batch *batch = make_batch(task, 1);
    CHECK(udy_batch_episodes(batch, N, plain_sampling, plain, err));
    udy_batch_destroy(batch);
    const udy_rollout_job job = {.policy = expert, .seed = 70, .record = true, .stochastic = true};
    for (int threads = 1; threads <= 3; threads++) {
        udy_episode got[N] = {{0}};
        roll(task, &job, N, threads, got);
        for (int i = 0; i < N; i++) {
            assert_int_equal(got[i].length, plain[i].length);
            assert_true(got[i].ret == plain[i].ret);
            assert_memory_equal(got[i].action, plain[i].action,
                                (size_t)got[i].length * A_DIM * sizeof(float));
        }
        udy_episodes_free(got, N);
    }
    roll(task, &(udy_rollout_job){.policy = expert, .seed = 70, .record = true}, N, 2, mean);
    for (int i = 0; i < N; i++) {
        // From one first state: the same mean, other actions; another episode, other noise.
        assert_memory_not_equal(mean[i].action, plain[i].action, A_DIM * sizeof(float));
        if (i) assert_memory_not_equal(plain[i].action, plain[0].action, A_DIM * sizeof(float));
    }
    udy_episodes_free(plain, N);
    udy_episodes_free(mean, N);
}

static void a_mixtures_expert_is_never_sampled(void **state) {
    (void)state;
    enum { N = 3 };
    udy_policy *medium = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors");
    udy_episode alone[N], mixed[N];
    roll(task, &(udy_rollout_job){.policy = expert, .seed = 5, .record = true}, N, 2, alone);
    roll(task,
         &(udy_rollout_job){.policy = medium,
                            .expert = expert,
                            .beta = 1,
                            .seed = 5,
                            .record = true,
                            .stochastic = true},
         N, 2, mixed);
    for (int i = 0; i < N; i++) {
        mixed[i].expert_steps = 0;
        expect_same_episode(&alone[i], &mixed[i]);
    }
    udy_episodes_free(alone, N);
    udy_episodes_free(mixed, N);
    udy_policy_destroy(medium);
}

static void sampling_what_has_no_head_is_refused_before_a_step(void **state) {
    (void)state;
    udy_batch *batch = make_batch(task, 1);
    udy_rollout_job jobs[2] = {{.policy = expert, .stochastic = true},
                               {.policy = chance, .stochastic = true}};
    udy_episode episodes[2] = {{0}};
    watcher w = {0};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(UDY_EINVAL, udy_rollout(batch, task, jobs, 2, episodes, "stage", &progress, err),
                 "random", "log_std.weight");
    assert_int_equal(w.calls, 0);
    udy_batch_destroy(batch);
}

//------------------------------------------ The mixture -------------------------------------------

static void beta_one_acts_as_the_expert_and_beta_zero_as_the_learner(void **state) {
    (void)state;
    enum { N = 3 };
    udy_policy *medium = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors");
    udy_episode expert_alone[N], learner_alone[N], one[N], zero[N], no_expert[N];
    roll(task, &(udy_rollout_job){.policy = expert, .seed = 5, .record = true}, N, 2, expert_alone);
    roll(task, &(udy_rollout_job){.policy = medium, .seed = 5, .record = true}, N, 2,
         learner_alone);
    roll(task,
         &(udy_rollout_job){
             .policy = medium, .expert = expert, .beta = 1, .seed = 5, .record = true},
         N, 2, one);
    roll(task,
         &(udy_rollout_job){
             .policy = medium, .expert = expert, .beta = 0, .seed = 5, .record = true},
         N, 2, zero);
    roll(task, &(udy_rollout_job){.policy = medium, .beta = 1, .seed = 5, .record = true}, N, 2,
         no_expert);
    for (int i = 0; i < N; i++) {
        assert_int_equal(one[i].expert_steps, one[i].length);
        one[i].expert_steps = 0;
        expect_same_episode(&expert_alone[i], &one[i]);
        expect_same_episode(&learner_alone[i], &zero[i]);
        expect_same_episode(&learner_alone[i], &no_expert[i]);
        assert_int_equal(zero[i].expert_steps, 0);
        assert_true(expert_alone[i].ret != learner_alone[i].ret);
    }
    udy_episode *all[] = {expert_alone, learner_alone, one, zero, no_expert};
    for (int i = 0; i < 5; i++) udy_episodes_free(all[i], N);
    udy_policy_destroy(medium);
}

static void beta_a_half_mixes_about_half_and_repeats(void **state) {
    (void)state;
    enum { N = 40 };
    udy_policy *medium = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors");
    const udy_rollout_job job = {
        .policy = medium, .expert = expert, .beta = 0.5, .seed = 5, .record = true};
    udy_episode a[N], b[N];
    roll(task, &job, N, 1, a);
    roll(task, &job, N, 2, b);
    int steps = 0, by_expert = 0;
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof(float));
    assert_non_null(scratch);
    for (int i = 0; i < N; i++) {
        expect_same_episode(&a[i], &b[i]);
        steps += a[i].length;
        by_expert += a[i].expert_steps;
    }
    // 2,400 coins: four standard deviations are 0.04.
    assert_true(steps >= N * 50);
    assert_true(fabs((double)by_expert / steps - 0.5) < 0.04);
    assert_int_not_equal(a[0].expert_steps, a[0].length);
    udy_free(scratch);
    udy_episodes_free(a, N);
    udy_episodes_free(b, N);
    udy_policy_destroy(medium);
}

//------------------------------------------ Stops and refusals ------------------------------------

static void a_stop_is_prompt_and_leaves_nothing(void **state) {
    (void)state;
    udy_task *full = make_task(1000, false);
    for (int threads = 1; threads <= 2; threads++) {
        udy_rollout_job jobs[100];
        udy_episode episodes[100];
        for (int i = 0; i < 100; i++)
            jobs[i] = (udy_rollout_job){.policy = expert, .seed = (uint64_t)i, .record = true};
        udy_batch *batch = make_batch(full, threads);
        watcher w = {.stop_at = 2};
        udy_progress progress = watched(&w);
        double start = udy_clock_s();
        EXPECT_ERROR(UDY_EINTERRUPTED,
                     udy_rollout(batch, full, jobs, 100, episodes, "a stage", &progress, err),
                     "a stage", "interrupted");
        assert_true(udy_clock_s() - start < 4);  // of 15 and more
        assert_int_equal(w.calls, 2);
        for (int i = 0; i < 100; i++)
            assert_true(!episodes[i].obs && !episodes[i].action && !episodes[i].reward);
        // The batch is as good as new.
        CHECK(udy_rollout(batch, full, jobs, 1, episodes, "again", NULL, err));
        udy_episodes_free(episodes, 1);
        udy_batch_destroy(batch);
    }
    udy_task_destroy(full);
}

typedef struct listener {
    pthread_t thread;
    int64_t done, total;
    int calls;
    char note[64];
} listener;

static int listen_advance(void *ctx, const char *stage, int64_t done, int64_t total,
                          const char *unit, const char *note) {
    listener *l = ctx;
    assert_string_equal(stage, "told");
    assert_string_equal(unit, "episodes");
    assert_true(pthread_equal(pthread_self(), l->thread));
    assert_true(done >= l->done && done <= total);
    l->done = done;
    l->total = total;
    l->calls++;
    snprintf(l->note, sizeof l->note, "%s", note);
    return 0;
}

static void progress_comes_from_the_callers_thread_and_ends_with_every_step(void **state) {
    (void)state;
    listener l = {.thread = pthread_self()};
    udy_progress progress = {listen_advance, NULL, &l};
    udy_rollout_job jobs[30];
    udy_episode episodes[30];
    for (int i = 0; i < 30; i++) jobs[i] = (udy_rollout_job){.policy = expert, .seed = (uint64_t)i};
    udy_batch *batch = make_batch(task, 2);
    CHECK(udy_rollout(batch, task, jobs, 30, episodes, "told", &progress, err));
    assert_true(l.calls >= 1);
    assert_int_equal(l.done, 30);
    assert_int_equal(l.total, 30);
    assert_string_equal(l.note, "1800 steps");
    udy_batch_destroy(batch);
}

static void steps_allocate_nothing(void **state) {
    (void)state;
    uint64_t counts[2];
    for (int k = 0; k < 2; k++) {
        udy_task *of = make_task(k ? 120 : 20, false);
        udy_batch *batch = make_batch(of, 2);
        udy_rollout_job jobs[4];
        udy_episode episodes[4];
        for (int i = 0; i < 4; i++)
            jobs[i] = (udy_rollout_job){.policy = expert,
                                        .expert = expert,
                                        .beta = 0.5,
                                        .seed = (uint64_t)i,
                                        .record = true,
                                        .stochastic = i % 2 == 1};
        uint64_t before = udy_alloc_count();
        CHECK(udy_rollout(batch, of, jobs, 4, episodes, "count", NULL, err));
        counts[k] = udy_alloc_count() - before;
        assert_int_equal(episodes[0].length, k ? 120 : 20);
        udy_episodes_free(episodes, 4);
        udy_batch_destroy(batch);
        udy_task_destroy(of);
    }
    assert_int_equal(counts[0], counts[1]);  // six times the steps
}

static void no_episodes_no_time_limit_and_no_fit_are_refused(void **state) {
    (void)state;
    udy_batch *batch = make_batch(task, 1);
    udy_rollout_job job = {.policy = expert};
    udy_episode episode = {0};
    EXPECT_ERROR(UDY_EINVAL, udy_rollout(batch, task, &job, 0, &episode, "stage", NULL, err),
                 "0 episodes");
    udy_task *endless = make_task(0, false), *contact = make_task(10, true);
    EXPECT_ERROR(UDY_EINVAL, udy_rollout(batch, endless, &job, 1, &episode, "stage", NULL, err),
                 "time limit", "max_episode_steps");
    EXPECT_ERROR(UDY_EMISMATCH, udy_rollout(batch, contact, &job, 1, &episode, "stage", NULL, err),
                 "contact");
    job = (udy_rollout_job){.policy = chance, .expert = expert};
    EXPECT_ERROR(UDY_EMISMATCH, udy_rollout(batch, contact, &job, 1, &episode, "stage", NULL, err),
                 "random", "27", "105");
    udy_task_destroy(endless);
    udy_task_destroy(contact);
    udy_batch_destroy(batch);
}

static void purposes_of_a_run_share_no_seed(void **state) {
    (void)state;
    assert_int_equal(udy_seed_range(0, UDY_SEEDS_DEMOS), 0);
    assert_int_equal(udy_seed_range(3, UDY_SEEDS_SELECT), (3 * 64 + 2) * (1 << 20));
    assert_true(udy_seed_range(UINT32_MAX, UDY_SEEDS_EVALUATE) < UINT64_C(1) << 58);
    for (uint64_t seed = 0; seed < 3; seed++)
        for (int p = 0; p < UDY_SEEDS_EVALUATE; p++)
            assert_int_equal(udy_seed_range(seed, (udy_seed_purpose)(p + 1)) -
                                 udy_seed_range(seed, (udy_seed_purpose)p),
                             1 << 20);
}

//------------------------------------------ Collecting --------------------------------------------

static void collect_into(const char *path, int episodes, int n_threads, watcher *w, int expected) {
    udy_batch *batch = make_batch(task, n_threads);
    udy_dataset *d;
    udy_progress progress = watched(w);
    if (udy_dir_exists(path))
        CHECK(udy_dataset_open(&d, path, &progress, err));
    else
        CHECK(udy_dataset_create(&d, path, task, "a test", err));
    udy_error err = {0};
    int status =
        udy_dataset_collect(d, batch, task, expert, episodes, 500, "collect", &progress, &err);
    if (status != expected) fail_msg("%d %s", status, err.message);
    udy_dataset_close(d);
    udy_batch_destroy(batch);
}

static void an_interrupted_collection_goes_on_with_the_same_bytes(void **state) {
    (void)state;
    enum { EPISODES = 120 };  // two shards
    char whole[1024], parts[1024];
    fresh("whole", whole);
    fresh("parts", parts);
    watcher w = {0};
    collect_into(whole, EPISODES, 2, &w, UDY_OK);
    udy_dataset *d;
    CHECK(udy_dataset_open(&d, whole, NULL, err));
    udy_dataset_info info = udy_dataset_info_of(d);
    assert_int_equal(info.n_episodes, EPISODES);
    assert_int_equal(info.n_shards, 2);
    uint64_t rows = 0;
    for (int i = 0; i < EPISODES; i++) rows += (uint64_t)udy_dataset_episode_at(d, i).length;
    assert_int_equal(info.n_rows, rows);
    assert_int_equal(info.n_labels, rows);
    udy_dataset_close(d);
    // Stopped in the first shard, in the second, then to the end: on one thread, then on another.
    w = (watcher){.stop_at = 1};
    collect_into(parts, EPISODES, 1, &w, UDY_EINTERRUPTED);
    w = (watcher){0};
    collect_into(parts, 64, 1, &w, UDY_OK);
    w = (watcher){.stop_at = 1};
    collect_into(parts, EPISODES, 1, &w, UDY_EINTERRUPTED);
    CHECK(udy_dataset_open(&d, parts, NULL, err));
    assert_int_equal(udy_dataset_info_of(d).n_episodes, 64);
    udy_dataset_close(d);
    w = (watcher){0};
    collect_into(parts, EPISODES, 1, &w, UDY_OK);
    expect_equal_folders(whole, parts);
    // Already complete: nothing is done.
    w = (watcher){0};
    collect_into(parts, EPISODES, 1, &w, UDY_OK);
    assert_int_equal(w.calls, 0);
    expect_equal_folders(whole, parts);
}

static void a_collection_that_is_stopped_keeps_whole_shards_only(void **state) {
    (void)state;
    char path[1024];
    fresh("stopped", path);
    udy_task *full = make_task(1000, false);
    udy_batch *batch = make_batch(full, 2);
    udy_dataset *d;
    watcher w = {.stop_at = 3};
    udy_progress progress = watched(&w);
    CHECK(udy_dataset_create(&d, path, full, "a test", err));
    double start = udy_clock_s();
    EXPECT_ERROR(UDY_EINTERRUPTED,
                 udy_dataset_collect(d, batch, full, expert, 64, 0, "collect", &progress, err),
                 "collect", "interrupted");
    assert_true(udy_clock_s() - start < 5);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 0);
    udy_dataset_close(d);
    assert_int_equal(count_entries(path), 1);
    udy_batch_destroy(batch);
    udy_task_destroy(full);
}

static void collecting_the_wrong_thing_is_refused(void **state) {
    (void)state;
    char path[1024];
    fresh("form", path);
    udy_task *contact = make_task(20, true);
    udy_dataset *d;
    CHECK(udy_dataset_create(&d, path, contact, NULL, err));
    udy_batch *batch = make_batch(task, 1);
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_dataset_collect(d, batch, task, expert, 2, 0, "collect", NULL, err), path,
                 "105", "27");
    udy_dataset_close(d);
    fresh("zero", path);
    CHECK(udy_dataset_create(&d, path, task, NULL, err));
    EXPECT_ERROR(UDY_EINVAL,
                 udy_dataset_collect(d, batch, task, expert, 0, 0, "collect", NULL, err),
                 "0 episodes");
    EXPECT_ERROR(UDY_EINVAL,
                 udy_dataset_collect(d, batch, task, expert, -3, 0, "collect", NULL, err),
                 "-3 episodes");
    CHECK(udy_dataset_collect(d, batch, task, expert, 1, 0, "collect", NULL, err));
    // One folder holds one collection: another seed or policy is another.
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_dataset_collect(d, batch, task, expert, 2, 1, "collect", NULL, err), path,
                 "seed");
    udy_policy *other;
    CHECK(udy_policy_random(&other, task, err));
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_dataset_collect(d, batch, task, other, 2, 0, "collect", NULL, err), path,
                 "policy");
    udy_policy_destroy(other);
    assert_int_equal(udy_dataset_info_of(d).n_episodes, 1);
    udy_dataset_close(d);
    char shard[1100];
    snprintf(shard, sizeof shard, "%s/shard-00000.safetensors", path);
    assert_int_equal(truncate(shard, 1500), 0);
    CHECK(udy_dataset_open(&d, path, NULL, err));
    EXPECT_ERROR(UDY_EFORMAT,
                 udy_dataset_collect(d, batch, task, expert, 9, 0, "collect", NULL, err), path,
                 "damaged");
    udy_dataset_close(d);
    udy_batch_destroy(batch);
    udy_task_destroy(contact);
}

static int set_up(void **state) {
    task = make_task(60, false);
    expert = load_expert();
    CHECK(udy_policy_random(&chance, task, err));
    return make_root(state);
}

static int tear_down(void **state) {
    udy_policy_destroy(expert);
    udy_policy_destroy(chance);
    udy_task_destroy(task);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_bits_of_a_plain_loop),
        cmocka_unit_test(random_episodes_repeat_and_differ_by_seed),
        cmocka_unit_test(sampled_episodes_depend_on_their_seed_and_on_no_threads),
        cmocka_unit_test(a_mixtures_expert_is_never_sampled),
        cmocka_unit_test(sampling_what_has_no_head_is_refused_before_a_step),
        cmocka_unit_test(beta_one_acts_as_the_expert_and_beta_zero_as_the_learner),
        cmocka_unit_test(beta_a_half_mixes_about_half_and_repeats),
        cmocka_unit_test(a_stop_is_prompt_and_leaves_nothing),
        cmocka_unit_test(progress_comes_from_the_callers_thread_and_ends_with_every_step),
        cmocka_unit_test(steps_allocate_nothing),
        cmocka_unit_test(no_episodes_no_time_limit_and_no_fit_are_refused),
        cmocka_unit_test(purposes_of_a_run_share_no_seed),
        cmocka_unit_test(an_interrupted_collection_goes_on_with_the_same_bytes),
        cmocka_unit_test(a_collection_that_is_stopped_keeps_whole_shards_only),
        cmocka_unit_test(collecting_the_wrong_thing_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
