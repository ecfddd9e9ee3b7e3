// The experiment: the same results but for "timing" on any number of threads and after any stop,
// results that read back as they were written, and no mixing of one experiment with another.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "kill_again.h"
#include "understudy/study.h"

#define EXPERT UDY_SOURCE_DIR "/experts/ant-v5.safetensors"

static char first[1024];  // the run that others are compared with

//------------------------------------------ Helpers -----------------------------------------------

static udy_experiment_config tiny_config(void) {
    udy_experiment_config c;
    udy_experiment_config_default(&c);
    c.task_config.max_episode_steps = 250;
    c.demo_episodes = 4;
    c.eval_episodes = 3;
    c.bc.hidden = c.dagger_bc.hidden = (udy_ints){2, {24, 24}};
    c.bc.epochs = 6;
    c.bc.val_fraction = 0.25;
    c.dagger_bc.epochs = 3;
    c.dagger.initial_episodes = 2;
    c.dagger.rounds = 2;
    c.dagger.episodes_per_round = 2;
    c.dagger.select_episodes = 2;
    return c;
}

// Begin a run, or go on with one.
static int run_in(const char *path, const udy_experiment_config *config, const char *expert,
                  int n_threads, const udy_progress *progress, udy_error *err) {
    udy_run *run;
    bool exists = udy_dir_exists(path);
    int status =
        exists ? udy_run_open(&run, path, err) : udy_run_create(&run, path, "seed: 0\n", err);
    if (status) return status;
    status = udy_experiment_run(run, config, expert, n_threads, progress, err);
    udy_run_close(run);
    return status;
}

static udy_json *results_of(const char *path) {
    char file[1100], *text;
    size_t n;
    udy_json *results;
    snprintf(file, sizeof file, "%s/results.json", path);
    CHECK(udy_file_read(&text, &n, file, 1 << 24, err));
    CHECK(udy_json_parse(&results, text, n, file, err));
    udy_free(text);
    return results;
}

// results.json but for the part named: its text.
static char *results_without(const char *path, const char *part) {
    udy_json *results = results_of(path);
    assert_non_null(udy_json_get(results, part));
    udy_json_put_bool(results, part, true);
    char *text = udy_json_print(results, true);
    assert_non_null(text);
    udy_json_free(results);
    return text;
}

static void expect_same_run(const char *a, const char *b) {
    static const char *const folders[] = {"policies", "data/demos", "data/dagger"};
    char *x = results_without(a, "timing"), *y = results_without(b, "timing");
    assert_string_equal(x, y);
    udy_free(x);
    udy_free(y);
    for (int i = 0; i < 3; i++) {
        char p[1200], q[1200];
        snprintf(p, sizeof p, "%s/%s", a, folders[i]);
        snprintf(q, sizeof q, "%s/%s", b, folders[i]);
        expect_equal_folders(p, q);
    }
}

//------------------------------------------ The same bits -----------------------------------------

static void two_runs_on_one_and_two_threads_differ_in_timing_alone(void **state) {
    (void)state;
    char second[1024];
    fresh("first", first);
    fresh("second", second);
    udy_experiment_config config = tiny_config();
    CHECK(run_in(first, &config, EXPERT, 2, NULL, err));
    CHECK(run_in(second, &config, EXPERT, 1, NULL, err));
    expect_same_run(first, second);
    // Not because nothing depends on anything: another seed gives other numbers.
    char other[1024];
    fresh("other", other);
    config.seed = 1;
    CHECK(run_in(other, &config, EXPERT, 2, NULL, err));
    udy_json *a = results_of(first), *b = results_of(other);
    for (size_t i = 0; i < udy_json_size(udy_json_get(a, "rows")); i++)
        assert_true(udy_json_number(udy_json_at(udy_json_get(a, "rows"), i), "mean", 0) !=
                    udy_json_number(udy_json_at(udy_json_get(b, "rows"), i), "mean", 0));
    udy_json_free(a);
    udy_json_free(b);
}

static void a_finished_run_run_again_changes_nothing(void **state) {
    (void)state;
    char *before = results_without(first, "timing");
    udy_experiment_config config = tiny_config();
    double start = udy_clock_s();
    CHECK(run_in(first, &config, EXPERT, 2, NULL, err));
    assert_true(udy_clock_s() - start < 5);
    char *after = results_without(first, "timing");
    assert_string_equal(before, after);
    udy_free(before);
    udy_free(after);
}

static void stopped_in_any_stage_it_ends_with_the_same_bits(void **state) {
    (void)state;
    static const char *const stages[] = {
        "demonstrations",       "behavioural cloning", "0/2: train",      "1/2: collect",
        "2/2: train",           "2/2: evaluate",       "evaluate random", "evaluate bc",
        "evaluate dagger-best", "evaluate expert"};
    char path[1024];
    fresh("stopped", path);
    udy_experiment_config config = tiny_config();
    int stops = 0, status = UDY_EINTERRUPTED;
    for (size_t i = 0; status && i < sizeof stages / sizeof *stages; i++) {
        watcher w = {.stop_stage = stages[i], .stop_at = 1};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        status = run_in(path, &config, EXPERT, 1, &progress, &err);
        if (!status) break;
        assert_int_equal(status, UDY_EINTERRUPTED);
        assert_non_null(strstr(err.message, stages[i]));
        assert_false(udy_file_exists(at_root("stopped/results.json")));
        stops++;
    }
    print_message("%d stops\n", stops);
    assert_true(stops >= 3);  // each training asks at its first update
    CHECK(run_in(path, &config, EXPERT, 2, NULL, err));
    expect_same_run(first, path);
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char path[1024];
    fresh("killed", path);
    kill_until_done(path, 21);
    expect_same_run(first, path);
}

static void a_damaged_record_of_cloning_is_an_error_that_names_it(void **state) {
    (void)state;
    static const char *const edits[][2] = {{"\"best_epoch\": ", "\"best_epoch\": 400000000"},
                                           {"\"best_epoch\": ", "\"best_epoch\": -"},
                                           {"\"updates\": ", "\"updates\": -1e300, \"was\": "},
                                           {"\"val_loss\": [", "\"val_loss\": [0, "}};
    udy_experiment_config config = tiny_config();
    char path[1100], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/checkpoints/bc.json", first);
    CHECK(udy_file_read(&text, &n, path, 1 << 20, err));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const char *at = strstr(text, edits[i][0]);
        assert_non_null(at);
        char *changed = udy_alloc(n + 100);
        assert_non_null(changed);
        snprintf(changed, n + 100, "%.*s%s%s", (int)(at - text), text, edits[i][1],
                 at + strlen(edits[i][0]));
        put_file(path, changed, strlen(changed));
        udy_free(changed);
        EXPECT_ERROR(UDY_EFORMAT, run_in(first, &config, EXPERT, 2, NULL, err), "bc.json");
    }
    put_file(path, text, n);
    udy_free(text);
}

static void a_damaged_evaluation_record_is_evaluated_anew(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
    } edits[] = {{"\"end_codes\": [", "\"end_codes\": [99, "},
                 {"\"lengths\": [", "\"lengths\": [-1e300, "},
                 {"\"end_codes\"", "\"codes\""}};
    char *before = results_without(first, "timing"), path[1100];
    udy_experiment_config config = tiny_config();
    snprintf(path, sizeof path, "%s/checkpoints/evaluate-bc.json", first);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char *text;
        size_t n;
        CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
        char *at = strstr(text, edits[i].from), *comma;
        assert_non_null(at);
        char *changed = udy_alloc(n + 100);
        assert_non_null(changed);
        // In place of the list's first element, so that its size stays.
        comma = strchr(at, ',');
        bool list = strchr(edits[i].to, '[') != NULL;
        sprintf(changed, "%.*s%.*s%s", (int)(at - text), text,
                (int)strlen(edits[i].to) - (list ? 2 : 0), edits[i].to,
                list ? comma : at + strlen(edits[i].from));
        put_file(path, changed, strlen(changed));
        udy_free(changed);
        udy_free(text);
        CHECK(run_in(first, &config, EXPERT, 2, NULL, err));
        char *after = results_without(first, "timing");
        assert_string_equal(before, after);
        udy_free(after);
    }
    udy_free(before);
}

//------------------------------------------ Results -----------------------------------------------

static const udy_result_row *row_named(const udy_results *r, const char *name) {
    for (int i = 0; i < r->n_rows; i++)
        if (!strcmp(r->rows[i].name, name)) return &r->rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void results_read_back_as_they_were_written(void **state) {
    (void)state;
    static const char *const names[] = {"random",   "bc",          "dagger-0", "dagger-1",
                                        "dagger-2", "dagger-best", "expert"};
    udy_results r;
    CHECK(udy_results_load(&r, first, err));
    udy_json *results = results_of(first);
    assert_int_equal(r.n_rows, 7);
    assert_int_equal(udy_json_size(udy_json_get(results, "rows")), 7);
    double expert_mean = row_named(&r, "expert")->mean;
    assert_true(r.expert_mean == expert_mean);
    for (int i = 0; i < 7; i++) {
        const udy_result_row *row = &r.rows[i];
        const udy_json *o = udy_json_at(udy_json_get(results, "rows"), (size_t)i),
                       *returns = udy_json_get(o, "returns");
        assert_string_equal(row->name, names[i]);
        assert_int_equal(
            row->n, strncmp(names[i], "dagger-", 7) || !strcmp(names[i], "dagger-best") ? 3 : 2);
        assert_int_equal(udy_json_size(returns), row->n);
        for (int k = 0; k < row->n; k++)
            assert_true(row->returns[k] == udy_json_value(udy_json_at(returns, (size_t)k), NAN));
        assert_true(row->mean == udy_json_number(o, "mean", NAN));
        assert_true(row->mean == udy_mean(row->returns, (size_t)row->n));
        assert_true(row->ci95[0] <= row->mean && row->mean <= row->ci95[1]);
        assert_true(row->share == row->mean / expert_mean);
        assert_true(row->falls == row->too_low + row->too_high && row->falls >= 0 &&
                    row->falls <= row->n);
        assert_true(row->seconds >= 0 && row->length_mean > 0);
        assert_true(strlen(row->label) > 0);
    }
    assert_int_equal(r.n_epochs, 6);
    assert_in_range(r.best_epoch, 1, 6);
    for (int i = 0; i < 6; i++) {
        assert_true(r.train_loss[i] > 0 && isfinite(r.val_loss[i]));
        assert_true(r.val_loss[i] >= r.val_loss[r.best_epoch - 1]);
    }
    assert_in_range(r.dagger_best, 0, 2);
    assert_true(r.seconds_total > 0);
    udy_json_free(results);
    udy_results_free(&r);
    udy_results_free(NULL);
}

static void rows_are_what_their_policies_do_on_the_tables_seeds(void **state) {
    (void)state;
    udy_results r;
    CHECK(udy_results_load(&r, first, err));
    udy_task *task = make_task(250, false);
    udy_batch *batch = make_batch(task, 2);
    char best[64];
    snprintf(best, sizeof best, "dagger-%02d", r.dagger_best);
    const char *const rows[] = {"bc", "dagger-best", "expert"}, *const files[] = {"bc-best", best,
                                                                                  NULL};
    for (int i = 0; i < 3; i++) {
        char path[1200];
        udy_evaluation e;
        snprintf(path, sizeof path, "%s/policies/%s.safetensors", first, files[i] ? files[i] : "");
        udy_policy *policy = load_policy(files[i] ? path : EXPERT);
        CHECK(udy_evaluate(&e, policy, task, batch, 3, udy_seed_range(0, UDY_SEEDS_EVALUATE),
                           "again", NULL, err));
        const udy_result_row *row = row_named(&r, rows[i]);
        assert_memory_equal(e.returns, row->returns, 3 * sizeof(double));
        assert_true(e.mean == row->mean && e.ci95[0] == row->ci95[0] && e.ci95[1] == row->ci95[1]);
        udy_evaluation_free(&e);
        udy_policy_destroy(policy);
    }
    udy_dataset *demos, *dagger;
    CHECK(udy_dataset_open(&demos, at_root("first/data/demos"), NULL, err));
    CHECK(udy_dataset_open(&dagger, at_root("first/data/dagger"), NULL, err));
    assert_int_equal(row_named(&r, "bc")->labels, udy_dataset_info_of(demos).n_rows);
    assert_int_equal(row_named(&r, "dagger-2")->labels, udy_dataset_info_of(dagger).n_rows);
    assert_int_equal(row_named(&r, "random")->labels, 0);
    assert_int_equal(row_named(&r, "expert")->labels, 0);
    char name[32];
    snprintf(name, sizeof name, "dagger-%d", r.dagger_best);
    assert_int_equal(row_named(&r, "dagger-best")->labels, row_named(&r, name)->labels);
    udy_dataset_close(demos);
    udy_dataset_close(dagger);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    udy_results_free(&r);
}

static void the_table_is_a_csv_too_and_no_checkpoint_of_a_training_is_left(void **state) {
    (void)state;
    char *text, **names;
    size_t n, lines = 0, commas = 0;
    CHECK(udy_file_read(&text, &n, at_root("first/results.csv"), 1 << 20, err));
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n', commas += text[i] == ',';
    assert_int_equal(lines, 8);
    assert_int_equal(commas % lines, 0);
    udy_free(text);
    CHECK(udy_dir_list(&names, &n, at_root("first/checkpoints"), ".safetensors", err));
    assert_int_equal(n, 0);
    udy_free(names);
}

static void what_is_no_results_file_is_an_error_that_names_it(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"format\": \"understudy.results/1\"}",
        "{\"format\": \"understudy.results/1\", \"rows\": [], "
        "\"bc\": {\"train_loss\": [1], \"val_loss\": [1]}}",
        "{\"format\": \"understudy.results/1\", \"rows\": [7]}",
        "{\"format\": \"understudy.results/1\", \"rows\": [{\"name\": \"bc\", \"returns\": []}]}",
        "{\"format\": \"understudy.results/1\", \"rows\": [{\"name\": \"bc\", \"returns\": [1]}]}",
        "{\"format\": \"understudy.results/1\", "
        "\"rows\": [{\"name\": \"bc\", \"returns\": [1, \"x\", null]}], "
        "\"bc\": {\"train_loss\": [1, 2], \"val_loss\": [1]}}",
        "{\"format\": \"understudy.results/2\", \"rows\": [{\"name\": \"bc\", \"returns\": [1]}], "
        "\"bc\": {\"train_loss\": [1], \"val_loss\": [1]}}"};
    CHECK(udy_dir_make(at_root("none"), err));
    udy_results r;
    EXPECT_ERROR(UDY_ENOENT, udy_results_load(&r, at_root("none"), err), "none/results.json");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_file(at_root("none/results.json"), texts[i], strlen(texts[i]));
        EXPECT_ERROR(UDY_EFORMAT, udy_results_load(&r, at_root("none"), err), "none/results.json");
        assert_null(r.rows);
    }
}

//------------------------------------------ Refusals ----------------------------------------------

static void a_run_does_not_go_on_as_another_experiment(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        udy_experiment_config config = tiny_config();
        const char *expert = EXPERT;
        if (i == 0) config.eval_episodes = 4;
        if (i == 1) config.bc.epochs = 7;
        if (i == 2) config.seed = 9;
        if (i == 3) config.task_config.reset_noise_scale = 0.2;
        if (i == 4) expert = UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors";
        EXPECT_ERROR(UDY_EMISMATCH, run_in(first, &config, expert, 1, NULL, err), first,
                     "other settings");
    }
    // A place is no setting: the same expert under another name goes on.
    char *text;
    size_t n;
    CHECK(udy_file_read(&text, &n, EXPERT, 1 << 24, err));
    put_file(at_root("copy.safetensors"), text, n);
    udy_free(text);
    udy_experiment_config config = tiny_config();
    snprintf(config.expert, sizeof config.expert, "another name");
    CHECK(run_in(first, &config, at_root("copy.safetensors"), 2, NULL, err));
}

static void settings_that_make_no_sense_are_refused_by_name(void **state) {
    (void)state;
    char path[1024];
    for (int i = 0; i < 8; i++) {
        udy_experiment_config c = tiny_config();
        const char *says = "", *expert = EXPERT;
        int expected = UDY_EINVAL;
        switch (i) {
            case 0: c.demo_episodes = 1, says = "demo_episodes = 1"; break;
            case 1: c.eval_episodes = 0, says = "eval_episodes"; break;
            case 2: c.seed = UINT64_C(1) << 32, says = "seed"; break;
            case 3: c.dagger.rounds = -1, says = "dagger.rounds"; break;
            case 4: c.dagger_bc.learning_rate = 0, says = "dagger.bc.learning_rate"; break;
            case 5: c.task_config.max_episode_steps = 0, says = "time limit"; break;
            case 6:
                c.task_config.contact_obs = true, expected = UDY_EMISMATCH, says = "contact";
                break;
            default:
                expert = "/nowhere/x.safetensors", expected = UDY_ENOENT, says = "/nowhere/x";
                break;
        }
        fresh("senseless", path);
        EXPECT_ERROR(expected, run_in(path, &c, expert, 1, NULL, err), says);
    }
}

static void every_parts_settings_are_in_the_table(void **state) {
    (void)state;
    int n = 0, parts = 5;
    const udy_field *const tables[] = {udy_task_config_fields, udy_bc_config_fields,
                                       udy_dagger_config_fields, udy_bc_config_fields};
    for (int t = 0; t < 4; t++)
        for (const udy_field *f = tables[t]; f->key; f++) parts++;
    for (const udy_field *f = udy_experiment_fields(); f->key; f++, n++)
        for (const udy_field *g = udy_experiment_fields(); g != f; g++)
            assert_string_not_equal(f->key, g->key);
    assert_int_equal(n, parts);
    udy_experiment_config c, preset;
    udy_experiment_config_default(&c);
    CHECK(udy_settings_set(&c, udy_experiment_fields(), "dagger.bc.epochs=7", err));
    CHECK(udy_settings_set(&c, udy_experiment_fields(), "env.contact_obs=true", err));
    assert_int_equal(c.dagger_bc.epochs, 7);
    assert_int_equal(c.bc.epochs, 100);
    assert_true(c.task_config.contact_obs);
    // The shipped preset is the default, spelt out.
    udy_experiment_config_default(&c);
    udy_experiment_config_default(&preset);
    CHECK(udy_settings_load(&preset, udy_experiment_fields(), UDY_SOURCE_DIR "/presets/ant-v5.yaml",
                            err));
    assert_true(udy_settings_equal(&c, &preset, udy_experiment_fields()));
}

//------------------------------------------ Main --------------------------------------------------

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_on_one_and_two_threads_differ_in_timing_alone),
        cmocka_unit_test(results_read_back_as_they_were_written),
        cmocka_unit_test(rows_are_what_their_policies_do_on_the_tables_seeds),
        cmocka_unit_test(the_table_is_a_csv_too_and_no_checkpoint_of_a_training_is_left),
        cmocka_unit_test(a_finished_run_run_again_changes_nothing),
        cmocka_unit_test(stopped_in_any_stage_it_ends_with_the_same_bits),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(a_damaged_record_of_cloning_is_an_error_that_names_it),
        cmocka_unit_test(a_damaged_evaluation_record_is_evaluated_anew),
        cmocka_unit_test(what_is_no_results_file_is_an_error_that_names_it),
        cmocka_unit_test(a_run_does_not_go_on_as_another_experiment),
        cmocka_unit_test(settings_that_make_no_sense_are_refused_by_name),
        cmocka_unit_test(every_parts_settings_are_in_the_table),
    };
    own_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--run")) {  // the child that is killed
        udy_error err = {0};
        udy_experiment_config config = tiny_config();
        int status = run_in(argv[2], &config, EXPERT, 2, NULL, &err);
        if (status) fprintf(stderr, "%s\n", err.message);
        return status ? 1 : 0;
    }
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
