// DAgger ends with the same bits whatever stopped it on the way, and goes on with nothing but what
// it was begun with.
#include "kill_again.h"
#include "test_dagger_common.h"

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

//------------------------------------------ The same bits -----------------------------------------

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

// Stopped in each stage of each round, and opened anew each time. A stage that is over before it is
// asked whether to stop goes by.
static void stopped_in_any_stage_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char dir[1024];
    fresh("stopped", dir);
    setup s = small_setup();
    s.n_threads = 1;  // slow, so that there is time to be stopped in
    static const char *const stages[] = {"collect", "train", "evaluate"};
    int stops[3] = {0};
    for (int i = 0; i < 12; i++) {
        char stage[32];
        int round = i / 3;
        if (i == 0)
            snprintf(stage, sizeof stage, "demonstrations");
        else
            snprintf(stage, sizeof stage, "%d/3: %s", round, stages[i % 3]);
        watcher w = {.stop_stage = stage, .stop_at = 1};
        udy_progress progress = watched(&w);
        house h;
        CHECK(house_open(&h, &s, dir, &progress, err));
        udy_error err = {0};
        int status = 1;
        while (status == 1 && udy_dagger_rounds_done(h.dagger) <= round)
            status = udy_dagger_step(h.dagger, &err);
        if (status < 0) {
            assert_int_equal(status, UDY_EINTERRUPTED);
            assert_non_null(strstr(err.message, stage));
            assert_int_equal(udy_dagger_rounds_done(h.dagger), round);
            stops[i % 3]++;
            // The handle can go on as well, from where it was.
            if (i % 3 == 2) assert_int_equal(udy_dagger_step(h.dagger, &err), 1);
        }
        house_close(&h);
    }
    print_message("stopped in %d collections, %d trainings, %d evaluations\n", stops[0], stops[1],
                  stops[2]);
    assert_true(stops[0] >= 1 && stops[1] == 4 && stops[2] >= 1);
    house h = finished(&s, dir);
    house_close(&h);
    expect_same_outcome(straight, dir);
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char dir[1024];
    fresh("killed", dir);
    kill_until_done(dir, 8);
    expect_same_outcome(straight, dir);
}

// A kill in the middle of a write leaves a temporary beside the file.
static void what_a_killed_process_left_half_written_is_removed(void **state) {
    (void)state;
    char dir[1024], left[3][1100];
    fresh("half-written", dir);
    setup s = small_setup();
    house h = finished(&s, dir);
    house_close(&h);
    pid_t gone = fork();
    assert_true(gone >= 0);
    if (gone == 0) _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    static const char *const folders[] = {"policies", "data/dagger", "checkpoints"};
    for (int i = 0; i < 3; i++) {
        snprintf(left[i], sizeof left[i], "%s/%s/.udy-tmp-%ld-0", dir, folders[i], (long)gone);
        FILE *f = fopen(left[i], "w");
        assert_non_null(f);
        fclose(f);
    }
    h = finished(&s, dir);
    house_close(&h);
    for (int i = 0; i < 3; i++) assert_false(udy_file_exists(left[i]));
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
        EXPECT_ERROR(UDY_EMISMATCH, house_open(&h, &s, straight, NULL, err), straight,
                     "other settings");
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
            default:
                s.dagger.rounds = 1100, s.dagger.episodes_per_round = 1000, says = "seeds";
                break;
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
    } edits[] = {{"\"end\": 1", "\"end\": 99"},
                 {"\"end\": 1", "\"end\": -1"},
                 {"\"end\": 1", "\"end\": 1e300"},
                 {"\"length\": ", "\"length\": 99999999999"},
                 {"\"labels\": ", "\"labels\": -1"},
                 {"\"updates\": ", "\"updates\": 0.5"},
                 {"\"speed\": ", "\"speed\": null, \"was\": "},
                 {"\"select\"", "\"elect\""},
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
            EXPECT_ERROR(UDY_ENOENT, udy_dagger_step(h.dagger, err),
                         "policies/dagger-00.safetensors");
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

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_gives_the_same_bits_as_two),
        cmocka_unit_test(stopped_in_any_stage_it_ends_with_the_same_bits),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(what_a_killed_process_left_half_written_is_removed),
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
