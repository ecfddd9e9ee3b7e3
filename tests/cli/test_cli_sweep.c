// `understudy sweep` as a person meets it: a small one from end to end, interrupted and resumed,
// its table, files and figures, and mistakes that leave nothing behind.
#include "program.h"

#include <time.h>

#include "understudy/understudy.h"

// Small enough for a test, with every stage in it.
#define SMALL                                                                                       \
    "--set experts=ant-v5,ant-v5:stochastic --set demos=[1,2] --set seeds=1 --set eval_episodes=2 " \
    "--set val_episodes=1 --set test_episodes=1 --set env.max_episode_steps=60 "                    \
    "--set bc.hidden=[24,24] --set bc.epochs=5 --set bc.batch_size=32 "                             \
    "--set converged.max_updates=60 --set converged.patience=20 --set converged.check_every=10 "    \
    "--set dagger.rounds=2 --set dagger.min_updates=10"

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

// sweep.csv of two runs: nothing in it comes from a clock.
static void assert_same_cells(const char *run_a, const char *run_b) {
    char path[64];
    snprintf(path, sizeof path, "%s/sweep.csv", run_a);
    char *a = read_all(path);
    snprintf(path, sizeof path, "%s/sweep.csv", run_b);
    char *b = read_all(path);
    assert_true(a && b && strlen(a) > 500);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void make_reference(void) {
    if (there("reference/sweep.json")) return;
    outcome o = run_program("sweep " SMALL " --seed 3 --threads 1 --out reference");
    assert_done(o);
    done(o);
}

static void a_sweep_leaves_everything_where_it_says(void **state) {
    (void)state;
    outcome o = run_program("sweep " SMALL " --seed 3 --threads 1 --out reference");
    assert_done(o);
    static const char *const words[] = {"ant-v5, sampled",      "BC, 5 epochs",
                                        "DAgger, converged",    "Labels for 90 %",
                                        "reference/sweep.json", "reference/points.csv"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) assert_contains(o.out, words[i]);
    for (const char *c = o.out; *c; c++) assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    assert_contains(o.err, "cells");
    assert_contains(o.err, "DAgger, 2 demonstrations, ant-v5, sampled, seed 3: mean return");
    static const char *const files[] = {"run.yaml",  "log.jsonl",  "sweep.json",
                                        "sweep.csv", "points.csv", "table.md"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "reference/%s", files[i]);
        assert_true(there(path));
    }
    if (system("command -v gnuplot >/dev/null") == 0) {
        assert_true(there("reference/figures/sweep-returns.svg"));
        assert_true(there("reference/figures/sweep-labels.png"));
        assert_true(there("reference/figures/sweep-gap.csv"));
    } else {
        assert_contains(o.err, "gnuplot");
    }
    done(o);
}

static void json_is_what_lies_in_the_folder(void **state) {
    (void)state;
    make_reference();
    outcome o = run_program("sweep --resume reference --json --quiet");
    assert_done(o);
    udy_json *printed = NULL;
    udy_error err = {0};
    assert_int_equal(udy_json_parse(&printed, o.out, strlen(o.out), "stdout", &err), 0);
    assert_string_equal(udy_json_string(printed, "format", ""), "understudy.sweep/1");
    assert_int_equal(udy_json_size(udy_json_get(printed, "cells")), 2 * 2 * 2 * 2);
    assert_int_equal(udy_json_size(udy_json_get(printed, "points")), 2 * 2 * 2 * 2);
    assert_int_equal(udy_json_size(udy_json_get(printed, "needs")), 2 * 2 * 2);
    udy_json_free(printed);
    done(o);
}

static void two_threads_give_the_same_cells(void **state) {
    (void)state;
    make_reference();
    outcome o = run_program("sweep " SMALL " --seed 3 --threads 2 --out two --quiet");
    assert_done(o);
    done(o);
    assert_same_cells("reference", "two");
}

static void interrupted_it_says_how_to_go_on_and_does(void **state) {
    (void)state;
    make_reference();
    char line[1024];
    snprintf(line, sizeof line, "sweep " SMALL " --seed 3 --out interrupted");
    pid_t pid = start(line);
    for (int wait = 0; wait < 2000 && !there("interrupted/data/expert-0-seed-0"); wait++)
        pause_ms(2);
    kill(pid, SIGINT);
    outcome o = finish(pid);
    if (o.code != 130) fail_msg("exit code %d; it said: %s", o.code, o.err);
    assert_contains(o.err, "sweep --resume interrupted");
    assert_false(there("interrupted/sweep.json"));
    done(o);
    o = run_program("sweep --resume interrupted");
    assert_done(o);
    done(o);
    assert_same_cells("reference", "interrupted");
}

static void a_resumed_sweep_keeps_its_settings(void **state) {
    (void)state;
    make_reference();
    assert_error(run_program("sweep --resume reference --seed 4"), 2, "seed=3");
    assert_error(run_program("sweep --resume reference --set bc.epochs=9"), 2, "bc.epochs=5");
    assert_error(run_program("sweep --resume reference --out other"), 2, "--resume");
    outcome o = run_program("sweep --resume reference --seed 3 --set seeds=1 --quiet");
    assert_done(o);  // what agrees is fine
    done(o);
}

static void a_mistake_leaves_no_folder_behind(void **state) {
    (void)state;
    static const struct {
        const char *args;
        int code;
        const char *says;
    } mistakes[] = {
        {"--set experts=ant-v5,ant-v5 --out unmade", 2, "twice"},
        {"--set experts=ant-v6 --out unmade", 1, "did you mean 'ant-v5'"},
        {"--set experts=ant-v5:sampled --out unmade", 2, ":stochastic"},
        {"--set env.contact_obs=true --out unmade", 1, "contact"},
        {"--set demoes=[1] --out unmade", 2, "demos"},
        {"--set bc.patience=3 --out unmade", 2, "bc.patience"},
        {"--preset nosuch --out unmade", 2, "ant-v5"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        outcome o = run_program("sweep %s", mistakes[i].args);
        assert_int_equal(o.code, mistakes[i].code);
        assert_contains(o.err, mistakes[i].says);
        done(o);
        assert_false(there("unmade"));
    }
}

static void experts_may_be_files_named_from_here(void **state) {
    (void)state;
    assert_int_equal(system("cp '" UDY_SOURCE_DIR "/experts/ant-v5.safetensors' mine.safetensors"),
                     0);
    outcome o = run_program(
        "sweep " SMALL " --set demos=[1] --set 'experts=mine.safetensors' --out files --quiet");
    assert_done(o);
    assert_contains(o.out, "mine");
    done(o);
    char *yaml = read_all("files/run.yaml");
    char whole[1200];
    snprintf(whole, sizeof whole, "%s/mine.safetensors", work_dir);
    assert_contains(yaml, whole);  // so that it can go on from any folder
    free(yaml);
}

int main(void) {
    make_work_dir("cli-sweep");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_leaves_everything_where_it_says),
        cmocka_unit_test(json_is_what_lies_in_the_folder),
        cmocka_unit_test(two_threads_give_the_same_cells),
        cmocka_unit_test(interrupted_it_says_how_to_go_on_and_does),
        cmocka_unit_test(a_resumed_sweep_keeps_its_settings),
        cmocka_unit_test(a_mistake_leaves_no_folder_behind),
        cmocka_unit_test(experts_may_be_files_named_from_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
