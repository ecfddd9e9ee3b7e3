// A sweep in its folder: the same results but for "timing" on any number of threads and after any
// stop or kill, labels equal to the last one, cells that are what they say, no mixing of sweeps.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "kill_again.h"
#include "understudy/study.h"

#define EXPERT UDY_SOURCE_DIR "/experts/ant-v5.safetensors"
static const char *const experts[] = {EXPERT, EXPERT};

static char first[1024];  // the sweep that others are compared with

static udy_sweep_config tiny_config(void) {
    udy_sweep_config c;
    udy_sweep_config_default(&c);
    c.task_config.max_episode_steps = 60;
    snprintf(c.experts, sizeof c.experts, "ant-v5, ant-v5:stochastic");
    c.seeds = 2;
    c.demos = (udy_ints){2, {1, 3}};
    c.eval_episodes = 3;
    c.val_episodes = c.test_episodes = 2;
    c.bc.hidden = (udy_ints){2, {24, 24}};
    c.bc.epochs = 6;
    c.bc.batch_size = 32;
    c.max_updates = 120;
    c.patience = 40;
    c.check_every = 10;
    c.rounds = 2;
    c.min_updates = 20;
    return c;
}

// Begin a sweep, or go on with one.
static int run_in(const char *path, const udy_sweep_config *config, const char *const *paths,
                  int n_threads, const udy_progress *progress, udy_error *err) {
    udy_run *run;
    bool exists = udy_dir_exists(path);
    int status =
        exists ? udy_run_open(&run, path, err) : udy_run_create(&run, path, "seed: 0\n", err);
    if (status) return status;
    status = udy_sweep_run(run, config, paths, n_threads, progress, err);
    udy_run_close(run);
    return status;
}

static udy_json *read_json(const char *folder, const char *name) {
    char path[1200];
    udy_json *tree;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(udy_json_load(&tree, path, 1 << 24, err));
    return tree;
}

// sweep.json but for its timing, as text.
static char *results_of(const char *folder) {
    udy_json *results = read_json(folder, "sweep.json");
    assert_non_null(udy_json_get(results, "timing"));
    udy_json_put_bool(results, "timing", true);
    char *text = udy_json_print(results, true);
    assert_non_null(text);
    udy_json_free(results);
    return text;
}

static void expect_same_sweep(const char *a, const char *b) {
    static const char *const files[] = {"sweep.csv", "points.csv"};
    char *x = results_of(a), *y = results_of(b);
    assert_string_equal(x, y);
    udy_free(x);
    udy_free(y);
    for (int i = 0; i < 2; i++) {
        char p[1200], q[1200];
        snprintf(p, sizeof p, "%s/%s", a, files[i]);
        snprintf(q, sizeof q, "%s/%s", b, files[i]);
        assert_true(files_equal(p, q));
    }
    for (int e = 0; e < 2; e++) {
        char p[1200], q[1200];
        snprintf(p, sizeof p, "%s/data/expert-%d-seed-1", a, e);
        snprintf(q, sizeof q, "%s/data/expert-%d-seed-1", b, e);
        expect_equal_folders(p, q);
    }
}

//------------------------------------------ The same bits -----------------------------------------

static void one_thread_and_three_differ_in_timing_alone(void **state) {
    (void)state;
    char second[1024], other[1024];
    fresh("first", first);
    fresh("second", second);
    udy_sweep_config config = tiny_config();
    watcher w = {0};
    udy_progress progress = watched(&w);
    CHECK(run_in(first, &config, experts, 1, &progress, err));
    assert_true(w.total > 0 && w.done == w.total);  // told to the end
    assert_int_equal(w.n_messages, 2 + 16);         // a line an expert and a cell
    CHECK(run_in(second, &config, experts, 3, NULL, err));
    expect_same_sweep(first, second);
    // Not because nothing depends on anything.
    fresh("other", other);
    config.seed = 1;
    CHECK(run_in(other, &config, experts, 2, NULL, err));
    char *a = results_of(first), *b = results_of(other);
    assert_string_not_equal(a, b);
    udy_free(a);
    udy_free(b);
}

static void a_finished_sweep_run_again_changes_nothing(void **state) {
    (void)state;
    char *before = results_of(first);
    udy_sweep_config config = tiny_config();
    watcher w = {0};
    udy_progress progress = watched(&w);
    CHECK(run_in(first, &config, experts, 2, &progress, err));
    assert_int_equal(w.n_messages, 0);  // nothing was done
    char *after = results_of(first);
    assert_string_equal(before, after);
    udy_free(before);
    udy_free(after);
}

// Go on in folder path until told to stop in a stage; true where it was.
static bool stopped_in(const char *path, const char *stage) {
    watcher w = {.stop_stage = stage, .stop_at = 1};
    udy_progress progress = watched(&w);
    udy_sweep_config config = tiny_config();
    udy_error err = {0};
    int status = run_in(path, &config, experts, 2, &progress, &err);
    if (!status) return false;
    assert_int_equal(status, UDY_EINTERRUPTED);
    assert_non_null(strstr(err.message, "interrupted"));
    char results[1100];
    snprintf(results, sizeof results, "%s/sweep.json", path);
    assert_false(udy_file_exists(results));
    return true;
}

static void stopped_in_any_stage_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char path[1024];
    udy_sweep_config config = tiny_config();
    fresh("stopped", path);
    for (int i = 0; i < 4; i++) assert_true(stopped_in(path, "sweep"));  // a cell or two each time
    CHECK(run_in(path, &config, experts, 2, NULL, err));
    expect_same_sweep(first, path);
    fresh("stopped-early", path);
    int stops = 0;
    static const char *const stages[] = {"demos 1/4", "demos 4/4", "expert 2/2"};
    for (int i = 0; i < 3; i++) stops += stopped_in(path, stages[i]);
    print_message("%d early stops\n", stops);  // a stage may be over before it asks
    CHECK(run_in(path, &config, experts, 2, NULL, err));
    expect_same_sweep(first, path);
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char path[1024];
    fresh("killed", path);
    kill_until_done(path, 12);
    expect_same_sweep(first, path);
}

static void a_damaged_record_is_made_again(void **state) {
    (void)state;
    static const char *const texts[] = {"", "{}",
                                        "{\"labels\": 60, \"demos\": 1, \"method\": \"bc\"}",
                                        "{\"labels\": 60, \"demos\": 3, \"method\": \"bc\"}"};
    char *before = results_of(first), path[1200];
    udy_sweep_config config = tiny_config();
    snprintf(path, sizeof path, "%s/checkpoints/cell-expert1-bc-0001-seed1.json", first);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        watcher w = {0};
        udy_progress progress = watched(&w);
        put_file(path, texts[i], strlen(texts[i]));
        CHECK(run_in(first, &config, experts, 2, &progress, err));
        assert_int_equal(w.n_messages, 2);  // damaged; made
        char *after = results_of(first);
        assert_string_equal(before, after);
        udy_free(after);
    }
    udy_free(before);
}

//------------------------------------------ What a cell is ----------------------------------------

static udy_json *cell(int expert, const char *method, int demos, int seed) {
    char name[128];
    snprintf(name, sizeof name, "checkpoints/cell-expert%d-%s-%04d-seed%d.json", expert, method,
             demos, seed);
    return read_json(first, name);
}

static void dagger_has_as_many_labels_as_cloning_to_the_last_one(void **state) {
    (void)state;
    for (int e = 0; e < 2; e++)
        for (int s = 0; s < 2; s++)
            for (int demos = 1; demos <= 3; demos += 2) {
                char path[1200];
                udy_dataset *data;
                snprintf(path, sizeof path, "%s/data/expert-%d-seed-%d", first, e, s);
                CHECK(udy_dataset_open(&data, path, NULL, err));
                assert_int_equal(udy_dataset_info_of(data).n_episodes, 3 + 2 + 2);
                int labels = 0;
                for (int i = 0; i < demos; i++) labels += udy_dataset_episode_at(data, i).length;
                udy_json *bc = cell(e, "bc", demos, s), *dagger = cell(e, "dagger", demos, s);
                assert_int_equal(udy_json_number(bc, "labels", 0), labels);
                assert_int_equal(udy_json_number(dagger, "labels", 0), labels);
                assert_int_equal(udy_json_size(udy_json_get(bc, "rounds")), 0);
                const udy_json *rounds = udy_json_get(dagger, "rounds");
                assert_int_equal(udy_json_size(rounds), 2);
                int first_rows = (int)lround(0.2 * labels);
                assert_int_equal(udy_json_number(udy_json_at(rounds, 0), "labels", 0),
                                 first_rows + (labels - first_rows) / 2);
                assert_int_equal(udy_json_number(udy_json_at(rounds, 1), "labels", 0), labels);
                udy_json_free(bc);
                udy_json_free(dagger);
                udy_dataset_close(data);
            }
}

// Cloning's cell, done again by the library's own training on a dataset of the same episodes.
static void a_cell_is_what_its_policy_does(void **state) {
    (void)state;
    udy_sweep_config config = tiny_config();
    udy_task *task = make_task(60, false);
    udy_batch *batch = make_batch(task, 2);
    udy_pool *pool = make_pool(2);
    udy_policy *expert = load_policy(EXPERT), *policy;
    udy_dataset *data;
    udy_bc *bc;
    CHECK(udy_dataset_create(&data, at_root("again"), task, "a test", err));
    CHECK(udy_dataset_collect(data, batch, task, expert, 3, udy_seed_range(1, UDY_SEEDS_DEMOS), "",
                              NULL, err));
    config.bc.val_fraction = 0;
    CHECK(udy_bc_create(&bc, &config.bc, task, pool, 1, 0, err));
    CHECK(udy_bc_train(bc, data, "", NULL, NULL, err));
    CHECK(udy_bc_policy(bc, false, &policy, err));
    udy_json *record = cell(0, "bc", 3, 1);
    const udy_json *tutorial = udy_json_get(record, "tutorial"),
                   *of = udy_json_get(tutorial, "evaluation");
    udy_rollout_job jobs[3];
    udy_episode episodes[3];
    for (int i = 0; i < 3; i++)
        jobs[i] = (udy_rollout_job){.policy = policy,
                                    .record = true,
                                    .seed = udy_seed_range(1, UDY_SEEDS_EVALUATE) + (uint64_t)i};
    CHECK(udy_rollout(batch, task, jobs, 3, episodes, "", NULL, err));
    for (size_t i = 0; i < 3; i++) {
        assert_true(udy_json_value(udy_json_at(udy_json_get(of, "returns"), i), NAN) ==
                    episodes[i].ret);
        // The action error on its own states, by single rows.
        double sum = 0;
        float scratch[4096], action[A_DIM];
        assert_true(udy_policy_scratch_size(expert) <= 4096);
        for (int t = 0; t < episodes[i].length; t++) {
            double obs[O_DIM];
            for (int k = 0; k < O_DIM; k++) obs[k] = (double)episodes[i].obs[t * O_DIM + k];
            udy_policy_act(expert, obs, action, scratch, NULL);
            for (int k = 0; k < A_DIM; k++)
                sum +=
                    pow((double)action[k] - (double)episodes[i].action[t * A_DIM + k], 2) / A_DIM;
        }
        double found = udy_json_value(udy_json_at(udy_json_get(tutorial, "error_own"), i), NAN);
        assert_true(fabs(found - sum) < 1e-5 * sum);
    }
    udy_episodes_free(episodes, 3);
    udy_json_free(record);
    udy_policy_destroy(policy);
    udy_policy_destroy(expert);
    udy_bc_destroy(bc);
    udy_dataset_close(data);
    udy_pool_destroy(pool);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

static void a_stochastic_expert_demonstrates_otherwise_and_is_evaluated_as_it_acts(void **state) {
    (void)state;
    udy_sweep s;
    CHECK(udy_sweep_load(&s, first, err));
    assert_int_equal(s.n_experts, 2);
    assert_string_equal(s.experts[0].label, "ant-v5");
    assert_string_equal(s.experts[1].label, "ant-v5, sampled");
    assert_true(!s.experts[0].stochastic && s.experts[1].stochastic);
    assert_true(s.experts[0].mean != s.experts[1].mean);
    assert_int_equal(s.experts[1].n, 2 * 3);
    udy_task *task = make_task(60, false);
    udy_batch *batch = make_batch(task, 2);
    udy_policy *expert = load_policy(EXPERT);
    double sum = 0;
    for (uint64_t seed = 0; seed < 2; seed++) {
        udy_evaluation e;
        CHECK(udy_evaluate_stochastic(&e, expert, task, batch, 3,
                                      udy_seed_range(seed, UDY_SEEDS_EVALUATE), "", NULL, err));
        sum += e.mean / 2;
        udy_evaluation_free(&e);
    }
    assert_true(fabs(s.experts[1].mean - sum) < 1e-9 * fabs(sum));
    udy_policy_destroy(expert);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    udy_sweep_free(&s);
}

// A name that begins another's is not its twin.
static void experts_are_named_apart_where_their_files_are_alike(void **state) {
    (void)state;
    static const char *const labels[] = {"ant-v5-medium", "ant-v5", "ant-v5 #2"};
    const char *const paths[] = {EXPERT, EXPERT, EXPERT};
    char path[1024];
    udy_sweep s;
    udy_sweep_config config = tiny_config();
    snprintf(config.experts, sizeof config.experts, "ant-v5-medium, ant-v5, other/ant-v5");
    config.task_config.max_episode_steps = 10;
    config.seeds = 1;
    config.demos = (udy_ints){1, {1}};
    fresh("named", path);
    CHECK(run_in(path, &config, paths, 2, NULL, err));
    CHECK(udy_sweep_load(&s, path, err));
    assert_int_equal(s.n_experts, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(s.experts[i].label, labels[i]);
    udy_sweep_free(&s);
}

//------------------------------------------ Refusals ----------------------------------------------

static void a_folder_does_not_go_on_as_another_sweep(void **state) {
    (void)state;
    udy_sweep_config config = tiny_config();
    config.bc.learning_rate = 2e-3;
    EXPECT_ERROR(UDY_EMISMATCH, run_in(first, &config, experts, 1, NULL, err), "other settings",
                 first);
    config = tiny_config();
    const char *const others[] = {EXPERT, UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors"};
    EXPECT_ERROR(UDY_EMISMATCH, run_in(first, &config, others, 1, NULL, err), "other experts");
    snprintf(config.experts, sizeof config.experts, "ant-v5, twin");
    EXPECT_ERROR(UDY_EMISMATCH, run_in(first, &config, experts, 1, NULL, err), "other");
}

static void settings_that_make_no_sense_are_refused(void **state) {
    (void)state;
    char path[1024];
    fresh("refused", path);
    udy_sweep_config config = tiny_config();
    config.demos = (udy_ints){3, {1, 5, 5}};
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, experts, 1, NULL, err), "demos", "ascending");
    config.demos.n = 0;
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, experts, 1, NULL, err), "demos", "empty");
    config = tiny_config();
    config.seed = 4294967295;
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, experts, 1, NULL, err), "seeds", "2^32");
    config = tiny_config();
    config.check_every = 0;
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, experts, 1, NULL, err), "check_every");
    config = tiny_config();
    config.bc.hidden.n = 8;
    for (int i = 0; i < 8; i++) config.bc.hidden.v[i] = 4;
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, experts, 1, NULL, err), "hidden layers");
    config = tiny_config();
    config.task_config.contact_obs = true;
    EXPECT_ERROR(UDY_EMISMATCH, run_in(path, &config, experts, 1, NULL, err), "ant-v5");
}

static void an_expert_without_a_head_cannot_act_by_samples(void **state) {
    (void)state;
    char path[1024], file[1024];
    fresh("headless", path);
    snprintf(file, sizeof file, "%s", at_root("plain.safetensors"));
    udy_task *task = make_task(60, false);
    udy_policy *expert = load_policy(EXPERT), *plain;
    CHECK(udy_policy_from_mlp(&plain, udy_policy_mlp(expert), task, err));
    CHECK(udy_policy_save(plain, file, NULL, 0, err));
    const char *const files[] = {EXPERT, file};
    udy_sweep_config config = tiny_config();
    EXPECT_ERROR(UDY_EINVAL, run_in(path, &config, files, 1, NULL, err), "plain.safetensors");
    udy_policy_destroy(plain);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

int main(int argc, char **argv) {
    own_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--run")) {
        udy_sweep_config config = tiny_config();
        udy_error err = {0};
        return run_in(argv[2], &config, experts, 2, NULL, &err) ? 1 : 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_and_three_differ_in_timing_alone),
        cmocka_unit_test(a_finished_sweep_run_again_changes_nothing),
        cmocka_unit_test(stopped_in_any_stage_it_ends_with_the_same_bits),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(a_damaged_record_is_made_again),
        cmocka_unit_test(dagger_has_as_many_labels_as_cloning_to_the_last_one),
        cmocka_unit_test(a_cell_is_what_its_policy_does),
        cmocka_unit_test(a_stochastic_expert_demonstrates_otherwise_and_is_evaluated_as_it_acts),
        cmocka_unit_test(experts_are_named_apart_where_their_files_are_alike),
        cmocka_unit_test(a_folder_does_not_go_on_as_another_sweep),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(an_expert_without_a_head_cannot_act_by_samples),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
