// A shift's file and its edges: what is written is what is read, damage is an error that names the
// member, and degenerate tasks, policies and demonstrations give finite numbers or a clear word.
#include "test_shift_common.h"

//------------------------------------------ Helpers -----------------------------------------------

static void expect_finite(const udy_json *v, const char *where) {
    if (udy_json_is_object(v) || udy_json_is_array(v)) {
        for (const udy_json *m = udy_json_at(v, 0); m; m = udy_json_next(m))
            expect_finite(m, udy_json_name(m) ? udy_json_name(m) : where);
    } else if (udy_json_is_number(v)) {
        if (!isfinite(udy_json_value(v, NAN))) fail_msg("%s is not finite", where);
    }
}

static char *text_of(const char *path, size_t *n) {
    char *text;
    CHECK(udy_file_read(&text, n, path, (size_t)1 << 28, err));
    return text;
}

// Saved, it holds no null; loaded and saved again it is the same file. Frees the shift.
static void expect_round_trip(udy_shift *s) {
    udy_shift back;
    size_t n;
    udy_json *tree;
    CHECK(udy_shift_save(s, at_root("a.json"), err));
    char *text = text_of(at_root("a.json"), &n);
    assert_null(strstr(text, "null,"));
    assert_null(strstr(text, "nan"));
    CHECK(udy_json_parse(&tree, text, n, "a.json", err));
    expect_finite(tree, "");
    udy_json_free(tree);
    udy_free(text);
    CHECK(udy_shift_load(&back, at_root("a.json"), err));
    CHECK(udy_shift_save(&back, at_root("b.json"), err));
    assert_true(files_equal(at_root("a.json"), at_root("b.json")));
    udy_shift_free(&back);
    udy_shift_free(s);
}

static udy_task *task_of(const char *id, int limit, double low, double high, bool contact_obs) {
    udy_task *task;
    udy_task_config config;
    CHECK(udy_task_config_default(&config, id, err));
    config.max_episode_steps = limit;
    if (high > 0) config.healthy_z_range[0] = low;
    if (high > 0) config.healthy_z_range[1] = high;
    config.contact_obs = contact_obs;
    CHECK(udy_task_create(&task, id, &config, err));
    return task;
}

//------------------------------------------ The file ----------------------------------------------

static void what_is_written_is_what_is_read(void **state) {
    (void)state;
    udy_task *task = make_task(60, false);
    udy_policy *expert = load_expert(), *chance;
    CHECK(udy_policy_random(&chance, task, err));
    udy_shift_config config = quick();
    config.seed = 4294967295;  // its episodes' seeds are beyond what a JSON number holds
    udy_shift_subject subjects[] = {
        {.name = "random", .label = "R \"1\"", .policy = chance, .has_labels = true, .labels = 5},
        {.name = "brief", .policy = chance, .brief = true}};
    udy_shift s, back;
    CHECK(udy_shift_measure(&s, task, expert, "E", NULL, subjects, 2, &config, 2, NULL, err));
    CHECK(udy_shift_save(&s, at_root("s.json"), err));
    CHECK(udy_shift_load(&back, at_root("s.json"), err));
    assert_true(udy_settings_equal(&s.config, &back.config, udy_shift_fields()));
    assert_true(back.config.divergence.level == 0.95 && back.config.classifier.level == 0.95);
    assert_int_equal(back.n, 3);
    assert_int_equal(back.n_columns, 29);
    assert_string_equal(back.column_name[28], s.column_name[28]);
    const udy_shift_policy *p = &s.policies[1], *q = &back.policies[1];
    assert_string_equal(q->label, "R \"1\"");
    assert_true(q->track.seed == p->track.seed && p->track.seed > UINT64_C(1) << 53);
    size_t T = (size_t)p->track.length;
    assert_memory_equal(q->track.qpos, p->track.qpos, T * 15 * sizeof(float));
    assert_memory_equal(q->track.error, p->track.error, T * sizeof(float));
    assert_memory_equal(q->lengths, p->lengths, 6 * sizeof(int));
    assert_memory_equal(q->ends, p->ends, 6);
    assert_memory_equal(q->map, p->map, 64 * sizeof(double));
    assert_true(q->columns[3].wasserstein.p == p->columns[3].wasserstein.p);
    assert_true(q->windows[1].energy.energy.value == p->windows[1].energy.energy.value);
    assert_true(q->exponent.k == p->exponent.k && q->exponent.status == p->exponent.status);
    assert_int_equal(q->push[0].back, p->push[0].back);
    udy_shift_free(&back);
    expect_round_trip(&s);
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

// Replace `from` by `to` in the good file and expect a refusal that names the member.
static void expect_refused(const char *from, const char *to, const char *names) {
    size_t n;
    udy_shift back;
    char *text = text_of(at_root("good.json"), &n), *at = strstr(text, from);
    if (!at) fail_msg("'%s' is not in the file", from);
    char *changed = udy_alloc(n + strlen(to) + 1);
    size_t before = (size_t)(at - text), cut = before + strlen(from);
    memcpy(changed, text, before);
    memcpy(changed + before, to, strlen(to));
    memcpy(changed + before + strlen(to), text + cut, n - cut);
    put_file(at_root("bad.json"), changed, n - strlen(from) + strlen(to));
    EXPECT_ERROR(UDY_EFORMAT, udy_shift_load(&back, at_root("bad.json"), err), "bad.json", names);
    assert_true(!back.policies && !back.T);
    udy_free(changed);
    udy_free(text);
}

static void damage_is_an_error_that_names_the_member(void **state) {
    (void)state;
    udy_task *task = make_task(40, false);
    udy_policy *expert = load_expert(), *chance;
    CHECK(udy_policy_random(&chance, task, err));
    udy_shift_config config = quick();
    udy_shift s = measured(task, expert, NULL, "random", chance, &config, 2), back;
    CHECK(udy_shift_save(&s, at_root("good.json"), err));
    udy_shift_free(&s);
    expect_refused("understudy.shift/1", "understudy.shift/9", "format");
    expect_refused("\"obs_dim\": 27", "\"obs_dim\": 2700000", "obs_dim");
    expect_refused("\"obs_dim\": 27", "\"obs_dim\": 26", "columns");
    expect_refused("\"map_bins\": 8", "\"map_bins\": 9", "map");
    expect_refused("\"map_bins\": 8", "\"map_bins\": 100000", "config");
    expect_refused("\"dt\": ", "\"td\": ", "dt");
    expect_refused("\"episodes\": 6,\n      \"returns\"", "\"episodes\": 7,\n      \"returns\"",
                   "returns");
    expect_refused("\"has_classifier\": true", "\"has_classifier\": 0", "has_classifier");
    expect_refused("\"length\": ", "\"length\": 9", "qpos");
    expect_refused("\"qpos\": \"", "\"qpos\": \"AAAA", "qpos");
    // A letter that base64 has not.
    size_t n;
    char *text = text_of(at_root("good.json"), &n), letters[16], other[16];
    snprintf(letters, sizeof letters, "%.14s", strstr(text, "\"qpos\": \""));
    snprintf(other, sizeof other, "%.13s!", letters);
    expect_refused(letters, other, "qpos");
    expect_refused("\"policies\": [", "\"policies\": [3, ", "name");
    expect_refused("\"p_anywhere\": ", "\"p_anywhere\": null, \"x\": ", "p_anywhere");
    // Cut anywhere it is no JSON; not there, it is said.
    for (size_t cut = 0; cut + 2 < n; cut += n / 7) {
        put_file(at_root("bad.json"), text, cut);
        EXPECT_ERROR(UDY_EFORMAT, udy_shift_load(&back, at_root("bad.json"), err), "bad.json");
    }
    udy_free(text);
    EXPECT_ERROR(UDY_ENOENT, udy_shift_load(&back, at_root("none.json"), err), "none.json");
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

//------------------------------------------ Edges -------------------------------------------------

// Everybody falls within three steps: there is hardly an episode.
static void falls_at_once_give_numbers(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5", 100, 0.2, 0.66, false);
    udy_policy *expert = load_expert(), *chance;
    CHECK(udy_policy_random(&chance, task, err));
    udy_shift_config config = quick();
    config.episodes = 3;
    udy_shift s = measured(task, expert, NULL, "random", chance, &config, 2);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(s.policies[k].falls, 3);
        for (int e = 0; e < 3; e++) assert_true(s.policies[k].lengths[e] <= 5);
        assert_true(s.policies[k].n_before >= 1);
        assert_int_equal(s.policies[k].before[s.policies[k].n_before - 1].t, 0);
        assert_int_equal(s.policies[k].before[s.policies[k].n_before - 1].n, 3);
    }
    expect_round_trip(&s);
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

// No falls, no free joint; contact forces that are constant; a task without a height; episodes of one
// step; no pushes, tests or intervals at all.
static void odd_tasks_give_numbers(void **state) {
    (void)state;
    static const struct {
        const char *id;
        int limit;
        bool contact_obs;
    } cases[] = {{"HalfCheetah-v5", 60, false},
                 {"Ant-v5", 30, true},
                 {"InvertedPendulum-v5", 40, false},
                 {"Ant-v5", 1, false}};
    for (int i = 0; i < 4; i++) {
        udy_task *task = task_of(cases[i].id, cases[i].limit, 0, 0, cases[i].contact_obs);
        udy_policy *expert = any_policy(task, 1), *other = any_policy(task, 2);
        udy_shift_config config = quick();
        config.episodes = 3;
        udy_shift s = measured(task, expert, NULL, "other", other, &config, 2);
        assert_int_equal(s.n_columns, udy_task_info_of(task)->obs_dim + 2);
        if (i == 0) {
            assert_int_equal(s.policies[1].falls, 0);
            assert_int_equal(s.policies[1].n_before, 0);
            assert_true(s.policies[1].survival[s.policies[1].n_survival - 1].survival == 1);
        }
        if (i == 2) {
            assert_string_equal(s.column_name[0], "torso height (none)");
            assert_true(s.policies[1].columns[0].wasserstein.value == 0);
        }
        if (i == 3) {
            assert_int_equal(s.n_T, 1);
            assert_int_equal(s.policies[1].exponent.status, UDY_FIT_NONE);
            assert_non_null(strstr(s.policies[1].exponent.words, "not fitted"));
        }
        expect_round_trip(&s);
        config.push_episodes = 0;
        config.divergence.permutations = config.divergence.resamples = 0;
        config.classifier.permutations = config.classifier.resamples = 0;
        s = measured(task, expert, NULL, "other", other, &config, 2);
        assert_true(s.policies[1].joint.energy.p == 1 && !s.policies[1].joint.energy.has_ci);
        assert_int_equal(s.policies[1].n_push, 0);
        assert_true(s.policies[1].distance.ci[0] == s.policies[1].distance.value);
        expect_round_trip(&s);
        udy_policy_destroy(other);
        udy_policy_destroy(expert);
        udy_task_destroy(task);
    }
}

static void one_demonstration_is_enough_and_none_is_said(void **state) {
    (void)state;
    udy_task *task = make_task(40, false);
    udy_policy *expert = load_expert();
    udy_dataset *demos = collected(task, expert, "one", 1, 5);
    udy_shift_config config = quick();
    udy_shift s = measured(task, expert, demos, "copy", expert, &config, 2);
    assert_int_equal(s.demo_rows, 40);
    assert_true(s.policies[0].distance.value > 0 && s.distance_q95 > 0);
    expect_round_trip(&s);
    udy_dataset_close(demos);
    CHECK(udy_dataset_create(&demos, at_root("empty"), task, "test", err));
    udy_shift_subject subject = {.name = "copy", .policy = expert};
    EXPECT_ERROR(
        UDY_EINVAL,
        udy_shift_measure(&s, task, expert, "E", demos, &subject, 1, &config, 2, NULL, err),
        "holds no episode");
    udy_dataset_close(demos);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

static void what_cannot_be_measured_is_said(void **state) {
    (void)state;
    udy_task *task = make_task(40, false), *other = make_task(40, true),
             *endless = make_task(0, false);
    udy_policy *expert = load_expert(), *chance;
    CHECK(udy_policy_random(&chance, task, err));
    udy_shift s;
    udy_shift_config config = quick();
    udy_shift_subject two[] = {{.name = "a", .policy = expert}, {.name = "a", .policy = chance}};
#define REFUSED(status, n, ...)                                                                 \
    EXPECT_ERROR(status,                                                                        \
                 udy_shift_measure(&s, task, expert, "E", NULL, two, n, &config, 1, NULL, err), \
                 __VA_ARGS__)
    REFUSED(UDY_EINVAL, 2, "two policies are named 'a'");
    REFUSED(UDY_EINVAL, 0, "expected 1 to 64");
    REFUSED(UDY_EINVAL, 65, "expected 1 to 64");
    two[0].name = "expert";
    REFUSED(UDY_EINVAL, 1, "named 'expert'");
    two[0].name = "";
    REFUSED(UDY_EINVAL, 1, "named ''");
    two[0].name = "a name of more than thirty-one letters";
    REFUSED(UDY_EINVAL, 1, "31 characters");
    two[0].name = "b";
    config.episodes = 1;
    REFUSED(UDY_EINVAL, 1, "episodes is 1; 3 to 1000");
    config.episodes = 3;
    config.divergence.level = NAN;
    REFUSED(UDY_EINVAL, 1, "a level of");
    config = quick();
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_shift_measure(&s, other, expert, "E", NULL, two, 1, &config, 1, NULL, err),
                 "contact");
    EXPECT_ERROR(UDY_EINVAL,
                 udy_shift_measure(&s, endless, expert, "E", NULL, two, 1, &config, 1, NULL, err),
                 "time limit");
    EXPECT_ERROR(UDY_EINVAL,
                 udy_shift_measure(&s, task, chance, "E", NULL, two, 1, &config, 1, NULL, err),
                 "no labels");
    assert_true(!s.policies && s.n == 0);
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_task_destroy(endless);
    udy_task_destroy(other);
    udy_task_destroy(task);
}

//------------------------------------------ A run folder ------------------------------------------

static udy_experiment_config tiny(void) {
    udy_experiment_config c;
    udy_experiment_config_default(&c);
    c.task_config.max_episode_steps = 60;
    c.demo_episodes = 3;
    c.eval_episodes = c.dagger.select_episodes = 2;
    c.bc.hidden = c.dagger_bc.hidden = (udy_ints){1, {16}};
    c.bc.epochs = c.dagger_bc.epochs = 2;
    c.dagger.initial_episodes = 2;
    c.dagger.rounds = 3;
    c.dagger.episodes_per_round = 1;
    return c;
}

static void a_run_is_measured_once(void **state) {
    (void)state;
    const char *expert = UDY_SOURCE_DIR "/experts/ant-v5.safetensors";
    udy_experiment_config *x = udy_alloc(sizeof *x);
    *x = tiny();
    udy_shift_config config = quick();
    config.episodes = 3;
    udy_run *run;
    udy_shift s, again;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("run"));
    EXPECT_ERROR(UDY_ENOENT, udy_shift_run(&s, path, x, expert, &config, 2, NULL, err),
                 "results.json");
    CHECK(udy_run_create(&run, path, "seed: 0\n", err));
    CHECK(udy_experiment_run(run, x, expert, 2, NULL, err));
    udy_run_close(run);
    udy_results results;
    CHECK(udy_results_load(&results, path, err));
    CHECK(udy_shift_run(&s, path, x, expert, &config, 2, NULL, err));
    assert_int_equal(s.n, 2 + 4);  // the null, BC, rounds 0 to 3
    assert_string_equal(s.policies[1].name, "bc");
    for (int r = 0; r < 4; r++) {
        const udy_shift_policy *p = &s.policies[2 + r];
        char name[32];
        snprintf(name, sizeof name, "dagger-%d", r);
        assert_string_equal(p->name, name);
        assert_int_equal(p->brief, r != 0 && r != 3 && r != results.dagger_best);
        assert_true(p->has_labels && p->labels > 0);
        if (r > 0) assert_true(p->labels > s.policies[1 + r].labels);
        assert_int_equal(strstr(p->label, "best") != NULL, r == results.dagger_best);
    }
    // The second time nothing is rolled out; with other settings, or the file damaged, it is.
    watcher w = {0};
    udy_progress progress = watched(&w);
    CHECK(udy_shift_run(&again, path, x, expert, &config, 1, &progress, err));
    assert_int_equal(w.calls, 0);
    assert_true(again.policies[3].mean == s.policies[3].mean);
    udy_shift_free(&again);
    config.window = 30;
    CHECK(udy_shift_run(&again, path, x, expert, &config, 2, &progress, err));
    assert_true(w.calls > 0 && again.config.window == 30);
    udy_shift_free(&again);
    w.calls = 0;
    put_file(at_root("run/shift.json"), "{}", 2);
    CHECK(udy_shift_run(&again, path, x, expert, &config, 2, &progress, err));
    assert_true(w.calls > 0);
    udy_shift_free(&again);
    udy_results_free(&results);
    udy_shift_free(&s);
    udy_free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(damage_is_an_error_that_names_the_member),
        cmocka_unit_test(falls_at_once_give_numbers),
        cmocka_unit_test(odd_tasks_give_numbers),
        cmocka_unit_test(one_demonstration_is_enough_and_none_is_said),
        cmocka_unit_test(what_cannot_be_measured_is_said),
        cmocka_unit_test(a_run_is_measured_once),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
