// Datasets in and out: what Minari wrote is imported and cloned, what is collected here goes out and
// comes back to the bit, and an import leaves a whole dataset or nothing.
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>

#include "../unit/test_learn_common.h"
#include "io/hdf5.h"
#include "io/npy.h"
#include "learn/dataset.h"

#define SAMPLES UDY_SOURCE_DIR "/tests/data/minari/"

static udy_task *task_of(const char *id, int max_episode_steps) {
    udy_task *task;
    udy_task_config config;
    CHECK(udy_task_config_default(&config, id, err));
    if (max_episode_steps) config.max_episode_steps = max_episode_steps;
    CHECK(udy_task_create(&task, id, &config, err));
    return task;
}

static int import(const char *out, const char *path, const udy_task *task,
                  udy_import_report *report, udy_error *err) {
    udy_import_config config = {.source = {.paths = &path, .n_paths = 1}};
    udy_import_report ignored;
    return udy_dataset_import(out, &config, task, NULL, report ? report : &ignored, err);
}

static void expect_nothing(const char *out) {
    char staging[1100];
    snprintf(staging, sizeof staging, "%s.importing", out);
    assert_false(udy_dir_exists(out));
    assert_false(udy_dir_exists(staging));
}

// Rows, labels, rewards and ends alike.
static void expect_same_episodes(const udy_dataset *a, const udy_dataset *b) {
    udy_dataset_info x = udy_dataset_info_of(a), y = udy_dataset_info_of(b);
    assert_int_equal(x.n_episodes, y.n_episodes);
    assert_int_equal(x.n_rows, y.n_rows);
    assert_string_equal(x.task, y.task);
    for (int i = 0; i < x.n_episodes; i++) {
        const float *p, *q;
        udy_episode e = udy__dataset_view(a, i, &p), f = udy__dataset_view(b, i, &q);
        size_t T = (size_t)e.length, O = (size_t)x.obs_dim, A = (size_t)x.act_dim;
        assert_int_equal(e.length, f.length);
        assert_int_equal(e.end, f.end);
        assert_memory_equal(e.obs, f.obs, T * O * sizeof(float));
        assert_memory_equal(e.action, f.action, T * A * sizeof(float));
        assert_memory_equal(p, q, T * A * sizeof(float));
        assert_memory_equal(e.reward, f.reward, T * sizeof(float));
    }
}

//------------------------------------------ Import ------------------------------------------------

static void a_minari_file_is_imported_and_cloned(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    udy_pool *pool = make_pool(1);
    udy_import_report report;
    udy_dataset *d;
    udy_bc *bc;
    CHECK(import(at_root("pendulum"), SAMPLES "pendulum-v0", task, &report, err));
    assert_int_equal(report.n_episodes, 4);
    assert_int_equal(report.n_steps, 160);
    assert_int_equal(report.terminated, 0);
    assert_int_equal(report.cut_short, 0);
    assert_float_equal(report.mean_return, 40, 1e-9);
    assert_int_equal(count_entries(at_root("pendulum")), 2);
    CHECK(udy_dataset_open(&d, at_root("pendulum"), NULL, err));
    CHECK(udy_dataset_check(d, err));
    udy_dataset_info info = udy_dataset_info_of(d);
    assert_int_equal(info.n_labels, 160);
    assert_true(udy_dataset_episode_at(d, 3).truncated);
    assert_non_null(strstr(udy__dataset_made_by(d), "Minari pendulum-v0"));
    udy_bc_config config = udy_bc_config_default();
    config.hidden = (udy_ints){2, {16, 16}};
    config.epochs = 60;
    config.batch_size = 16;
    CHECK(udy_bc_create(&bc, &config, task, pool, 0, 0, err));
    CHECK(udy_bc_train(bc, d, "bc", NULL, NULL, err));
    assert_true(udy_bc_updates(bc) >= 60 * 120 / 16);
    assert_true(udy_bc_curve(bc)[59].train_loss < 0.2 * udy_bc_curve(bc)[0].train_loss);
    udy_bc_destroy(bc);
    udy_dataset_close(d);
    udy_pool_destroy(pool);
    udy_task_destroy(task);
}

static void the_first_episodes_alone_may_be_taken(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    const char *path = SAMPLES "d4rl.hdf5";
    udy_import_config config = {
        .source = {.paths = &path, .n_paths = 1}, .episodes = 2, .expert = "E"};
    udy_import_report report;
    udy_dataset *d;
    CHECK(udy_dataset_import(at_root("two"), &config, task, NULL, &report, err));
    assert_int_equal(report.n_episodes, 2);
    assert_int_equal(report.n_steps, 80);
    CHECK(udy_dataset_open(&d, at_root("two"), NULL, err));
    assert_non_null(strstr(udy__dataset_made_by(d), "expert: E"));
    udy_dataset_close(d);
    config.episodes = 0;
    CHECK(udy_dataset_import(at_root("all"), &config, task, NULL, &report, err));
    assert_int_equal(report.n_episodes, 4);
    assert_int_equal(report.cut_short, 1);
    udy_task_destroy(task);
}

static const char *put_rows(const char *name, int64_t rows, int64_t cols, float value) {
    udy_tensor t = {.name = name, .dtype = UDY_F32, .ndim = 2, .shape = {rows, cols}};
    char header[UDY__NPY_HEADER_MAX], all[8192];
    size_t head = udy__npy_header(header, &t), n = (size_t)(rows * cols);
    memcpy(all, header, head);
    for (size_t i = 0; i < n; i++) memcpy(all + head + i * sizeof value, &value, sizeof value);
    static char paths[8][1024];
    static int turn;
    put_file(at_root(name), all, head + n * sizeof value);
    snprintf(paths[turn % 8], sizeof paths[0], "%s", at_root(name));
    return paths[turn++ % 8];
}

static void another_task_or_form_is_refused_naming_both(void **state) {
    (void)state;
    udy_task *ant = task_of("Ant-v5", 0), *pendulum = task_of("InvertedDoublePendulum-v5", 0);
    udy_import_report report;
    udy_import_config config = {.source = {.obs_path = put_rows("o105.npy", 3, 105, 0),
                                           .act_path = put_rows("a8.npy", 3, 8, 0)}};
    EXPECT_ERROR(UDY_EMISMATCH, udy_dataset_import(at_root("x"), &config, ant, NULL, &report, err),
                 "o105.npy has 105 observations and 8 actions", "Ant-v5 has 27 and 8",
                 "--set contact_obs=true");
    config.source.obs_path = put_rows("o111.npy", 3, 111, 0);
    EXPECT_ERROR(UDY_EMISMATCH, udy_dataset_import(at_root("x"), &config, ant, NULL, &report, err),
                 "111 observations", "Ant-v5 has 27");
    EXPECT_ERROR(UDY_EMISMATCH, import(at_root("x"), SAMPLES "pendulum-v0", pendulum, NULL, err),
                 "recorded on InvertedPendulum-v5", "the task is InvertedDoublePendulum-v5");
    expect_nothing(at_root("x"));
    config.source.obs_path = put_rows("o27.npy", 3, 27, 0);
    config.source.act_path = put_rows("a8far.npy", 3, 8, 1.5f);
    CHECK(udy_dataset_import(at_root("far"), &config, ant, NULL, &report, err));
    assert_int_equal(report.beyond_bounds, 24);
    udy_task_destroy(ant);
    udy_task_destroy(pendulum);
}

static void numbers_that_are_not_finite_are_refused_with_their_place(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    char *data;
    size_t n;
    CHECK(udy_file_read(&data, &n, SAMPLES "pendulum-v0/data/main_data.hdf5", 1 << 20, err));
    // the first observation that is stored, found by its value, becomes NaN
    const double first = 0.002739233746429086, nan = (double)NAN;
    char *at = memmem(data, n, &first, sizeof first);
    assert_non_null(at);
    memcpy(at, &nan, sizeof nan);
    put_file(at_root("nan.hdf5"), data, n);
    udy_free(data);
    EXPECT_ERROR(UDY_ENONFINITE, import(at_root("x"), at_root("nan.hdf5"), task, NULL, err),
                 "nan.hdf5", "episode_0", "observation 0 of step 0");
    expect_nothing(at_root("x"));
    udy_task_destroy(task);
}

//------------------------------------------ Whole or not at all -----------------------------------

static void an_interrupted_import_leaves_nothing_and_is_repeated(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    const char *path = SAMPLES "pendulum-v0";
    udy_import_config config = {.source = {.paths = &path, .n_paths = 1}};
    udy_import_report report;
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(UDY_EINTERRUPTED,
                 udy_dataset_import(at_root("whole"), &config, task, &progress, &report, err),
                 "import");
    expect_nothing(at_root("whole"));
    // what a kill left behind is swept away by the next
    char left[1100];
    snprintf(left, sizeof left, "%s.importing", at_root("whole"));
    mkdir(left, 0777);
    snprintf(left, sizeof left, "%s.importing/shard-00000.safetensors", at_root("whole"));
    put_file(left, "half", 4);
    w.stop_at = 0;
    CHECK(udy_dataset_import(at_root("whole"), &config, task, &progress, &report, err));
    assert_int_equal(w.done, w.total);
    assert_int_equal(count_entries(at_root("whole")), 2);
    EXPECT_ERROR(UDY_EEXIST, import(at_root("whole"), path, task, NULL, err), "not empty");
    udy_task_destroy(task);
}

static void two_imports_into_one_folder_do_not_mix(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    char staging[1100];
    snprintf(staging, sizeof staging, "%s.importing", at_root("busy"));
    mkdir(staging, 0777);
    int fd = open(staging, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    EXPECT_ERROR(UDY_EEXIST, import(at_root("busy"), SAMPLES "pendulum-v0", task, NULL, err),
                 "under way");
    close(fd);
    CHECK(import(at_root("busy/"), SAMPLES "pendulum-v0", task, NULL, err));
    assert_false(udy_dir_exists(staging));
    udy_task_destroy(task);
}

static void many_episodes_go_into_several_shards(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5", 0);
    char *text = udy_alloc(64 * 1024);
    size_t n = 0;
    for (int i = 0; i < 600; i++)
        n += (size_t)sprintf(text + n, "%d,%d,0.25,-0.25,1,0.5,%d\n", i, i, i % 3);
    put_file(at_root("many.csv"), text, n);
    udy_free(text);
    const char *path = at_root("many.csv");
    udy_import_config config = {.source = {.paths = &path,
                                           .n_paths = 1,
                                           .obs_columns = "1:5",
                                           .act_columns = "5",
                                           .reward_column = "6",
                                           .episode_column = "0"}};
    udy_import_report report;
    udy_dataset *d;
    CHECK(udy_dataset_import(at_root("many"), &config, task, NULL, &report, err));
    assert_int_equal(report.n_episodes, 600);
    CHECK(udy_dataset_open(&d, at_root("many"), NULL, err));
    udy_dataset_info info = udy_dataset_info_of(d);
    assert_int_equal(info.n_shards, 3);
    assert_int_equal(info.n_rows, 600);
    assert_float_equal(udy_dataset_obs(d, 599)[0], 599, 0);
    assert_float_equal(udy_dataset_episode_at(d, 599).ret, 2, 0);
    udy_dataset_close(d);
    udy_task_destroy(task);
}

//------------------------------------------ Out and back ------------------------------------------

// Episodes of a policy of made-up weights.
static udy_dataset *collect(const char *name, const udy_task *task, udy_batch *batch,
                            int episodes) {
    udy_mlp *mlp;
    udy_policy *policy;
    udy_dataset *d;
    udy_rng rng;
    const udy_task_info *info = udy_task_info_of(task);
    udy_mlp_config config = {.n_layers = 2,
                             .hidden = UDY_TANH,
                             .output = UDY_TANH,
                             .init = UDY_INIT_PYTORCH,
                             .dims = {info->obs_dim, 8, info->act_dim}};
    CHECK(udy_mlp_create(&mlp, &config, err));
    udy_rng_init(&rng, 3);
    udy_mlp_init(mlp, &rng);
    CHECK(udy_policy_from_mlp(&policy, mlp, task, err));
    CHECK(udy_dataset_create(&d, at_root(name), task, "a test", err));
    CHECK(udy_dataset_collect(d, batch, task, policy, episodes, 11, "collect", NULL, err));
    udy_policy_destroy(policy);
    udy_mlp_destroy(mlp);
    return d;
}

static void export_to(const udy_dataset *d, int format, const char *out, const udy_task *task,
                      udy_batch *batch, udy_export_report *report) {
    udy_export_config config = {.format = format};
    CHECK(udy_dataset_export(d, out, &config, task, batch, NULL, report, err));
}

static void a_collection_goes_to_minari_with_its_last_observations_and_back(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5", 12), *longer = task_of("Ant-v5", 13);
    udy_batch *batch = make_batch(task, 2), *batch2 = make_batch(longer, 1);
    udy_dataset *d = collect("ant", task, batch, 3), *more = collect("ant13", longer, batch2, 3),
                *back;
    udy_export_report report;
    char path[1100];
    export_to(d, UDY_EXPORT_MINARI, at_root("minari"), task, batch, &report);
    assert_string_equal(report.id, "ant/understudy-v0");
    assert_int_equal(report.replayed, 3);
    snprintf(path, sizeof path, "%s", report.path);
    CHECK(import(at_root("ant-back"), path, task, NULL, err));
    CHECK(udy_dataset_open(&back, at_root("ant-back"), NULL, err));
    expect_same_episodes(d, back);
    // the observation after step 12 is what a 13th step would have started from
    udy__h5 *file;
    snprintf(path, sizeof path, "%s/data/main_data.hdf5", report.path);
    CHECK(udy__h5_open(&file, path, err));
    for (int i = 0; i < 3; i++) {
        char name[64];
        float last[27];
        int64_t seed = 0;
        bool found = false;
        snprintf(name, sizeof name, "episode_%d/observations", i);
        CHECK(udy__h5_read(file, name, 12, 1, 27, last, err));
        udy_episode e = udy__dataset_view(more, i, NULL);
        assert_int_equal(e.length, 13);
        assert_memory_equal(last, e.obs + (size_t)12 * 27, sizeof last);
        snprintf(name, sizeof name, "episode_%d", i);
        CHECK(udy__h5_attribute_int(file, name, "seed", &seed, &found, err));
        assert_true(found);
        assert_int_equal(seed, 11 + i);
    }
    udy__h5_close(file);
    udy_dataset_close(back);
    // what came from elsewhere has no seeds: the last observation is repeated, and said to be
    CHECK(udy_dataset_open(&back, at_root("ant-back"), NULL, err));
    export_to(back, UDY_EXPORT_MINARI, at_root("minari2"), task, batch, &report);
    assert_int_equal(report.replayed, 0);
    snprintf(path, sizeof path, "%s/data/main_data.hdf5", report.path);
    CHECK(udy__h5_open(&file, path, err));
    float last[2 * 27];
    char *mark = NULL;
    bool found;
    CHECK(udy__h5_read(file, "episode_0/observations", 11, 2, 27, last, err));
    assert_memory_equal(last, last + 27, 27 * sizeof(float));
    CHECK(udy__h5_attribute_text(file, "episode_0", "last_observation", &mark, &found, err));
    assert_string_equal(mark, "repeated");
    udy_free(mark);
    udy__h5_close(file);
    udy_dataset_close(back);
    // other options of the task give other episodes, and that is noticed
    export_to(d, UDY_EXPORT_MINARI, at_root("minari3"), longer, batch2, &report);
    assert_int_equal(report.replayed, 0);
    udy_dataset_close(more);
    udy_dataset_close(d);
    udy_batch_destroy(batch);
    udy_batch_destroy(batch2);
    udy_task_destroy(task);
    udy_task_destroy(longer);
}

static void labels_that_differ_from_what_was_executed_survive(void **state) {
    (void)state;
    udy_task *task = make_task(0, false);
    udy_episode episodes[2] = {made_up_episode(5, 1, UDY_END_TOO_LOW),
                               made_up_episode(7, 2, UDY_END_LIMIT)};
    float labels[12 * A_DIM];
    for (int i = 0; i < 12 * A_DIM; i++) labels[i] = (float)i / 100;
    udy_dataset *d, *back;
    udy_export_report report;
    char path[1100];
    CHECK(udy_dataset_create(&d, at_root("labels"), task, "a test", err));
    CHECK(udy_dataset_append(d, episodes, 2, labels, 1, err));
    export_to(d, UDY_EXPORT_MINARI, at_root("m"), task, NULL, &report);
    snprintf(path, sizeof path, "%s", report.path);
    CHECK(import(at_root("labels-m"), path, task, NULL, err));
    CHECK(udy_dataset_open(&back, at_root("labels-m"), NULL, err));
    expect_same_episodes(d, back);
    udy_dataset_close(back);
    export_to(d, UDY_EXPORT_NPZ, at_root("labels.npz"), task, NULL, &report);
    CHECK(import(at_root("labels-n"), at_root("labels.npz"), task, NULL, err));
    CHECK(udy_dataset_open(&back, at_root("labels-n"), NULL, err));
    expect_same_episodes(d, back);
    udy_dataset_close(back);
    udy_dataset_close(d);
    udy_episodes_free(episodes, 2);
    udy_task_destroy(task);
}

static void csv_goes_out_with_named_columns_and_back_to_the_bit(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5", 9);
    udy_batch *batch = make_batch(task, 1);
    udy_dataset *d = collect("for-csv", task, batch, 3), *back;
    udy_export_report report;
    udy_export_config config = {.format = UDY_EXPORT_CSV};
    export_to(d, UDY_EXPORT_CSV, at_root("ant.csv"), task, NULL, &report);
    EXPECT_ERROR(UDY_EEXIST,
                 udy_dataset_export(d, at_root("ant.csv"), &config, task, NULL, NULL, &report, err),
                 "ant.csv", "--force");
    char *text;
    size_t n;
    CHECK(udy_file_read(&text, &n, at_root("ant.csv"), 1 << 20, err));
    assert_non_null(strstr(text, "episode,round,step,"));
    assert_true(strstr(text, ",action 0,") && strstr(text, ",reward,terminated,truncated\n"));
    assert_null(strstr(text, "executed"));
    udy_free(text);
    const char *path = at_root("ant.csv");
    udy_import_config in = {.source = {.paths = &path,
                                       .n_paths = 1,
                                       .obs_columns = "3:30",
                                       .act_columns = "30:38",
                                       .reward_column = "reward",
                                       .episode_column = "episode",
                                       .terminated_column = "terminated",
                                       .truncated_column = "truncated"}};
    udy_import_report imported;
    CHECK(udy_dataset_import(at_root("csv-back"), &in, task, NULL, &imported, err));
    assert_int_equal(imported.cut_short, 0);
    CHECK(udy_dataset_open(&back, at_root("csv-back"), NULL, err));
    expect_same_episodes(d, back);
    udy_dataset_close(back);
    udy_dataset_close(d);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minari_file_is_imported_and_cloned),
        cmocka_unit_test(the_first_episodes_alone_may_be_taken),
        cmocka_unit_test(another_task_or_form_is_refused_naming_both),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused_with_their_place),
        cmocka_unit_test(an_interrupted_import_leaves_nothing_and_is_repeated),
        cmocka_unit_test(two_imports_into_one_folder_do_not_mix),
        cmocka_unit_test(many_episodes_go_into_several_shards),
        cmocka_unit_test(a_collection_goes_to_minari_with_its_last_observations_and_back),
        cmocka_unit_test(labels_that_differ_from_what_was_executed_survive),
        cmocka_unit_test(csv_goes_out_with_named_columns_and_back_to_the_bit),
    };
    return cmocka_run_group_tests_name("import", tests, make_root, remove_root);
}
