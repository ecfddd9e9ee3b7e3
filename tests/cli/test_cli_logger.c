// --logger as a person meets it: on every command that trains, what is named is written and nothing
// else, results are the same bits, wrong names suggest the nearest.
#include "program.h"

#include <stdbool.h>

#define BC "bc demos --set epochs=4 --set hidden=[16] --seed 1 --quiet "
#define DAGGER                                                                                \
    "dagger --expert ant-v5 --set rounds=1 --set initial_episodes=1 --set select_episodes=1 " \
    "--set episodes_per_round=1 --set bc.epochs=3 --set bc.hidden=[16] "                      \
    "--set max_episode_steps=60 --quiet "
#define SHIFT                                                                                     \
    "shift --expert ant-v5 --policy random --episodes 3 --set divergence.permutations=19 "        \
    "--set divergence.resamples=19 --set classifier.updates=10 --set classifier.permutations=19 " \
    "--set push_episodes=0 --set map_bins=4 --set env.max_episode_steps=40 --quiet "
#define TRAIN                                                                                      \
    "expert train --task InvertedPendulum-v5 --seed 3 --set sac.steps=1200 --set "                 \
    "sac.random_steps=300 --set 'sac.actor_hidden=[8, 8]' --set 'sac.critic_hidden=[8, 8]' --set " \
    "sac.batch_size=32 --set sac.replay_size=2000 --set sac.eval_interval=600 --set "              \
    "sac.eval_episodes=2 --set sac.test_episodes=2 --set env.max_episode_steps=50 --quiet "
#define SWEEP                                                                                      \
    "sweep --set experts=ant-v5 --set demos=[1,2] --set seeds=1 --set eval_episodes=1 "            \
    "--set val_episodes=1 --set test_episodes=1 --set env.max_episode_steps=40 "                   \
    "--set bc.hidden=[8] --set bc.epochs=2 --set bc.batch_size=32 --set converged.max_updates=20 " \
    "--set converged.patience=10 --set converged.check_every=5 --set dagger.rounds=1 "             \
    "--set dagger.min_updates=2 --quiet "

static bool there(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool there(const char *format, ...) {
    char path[300];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof path, format, list);
    va_end(list);
    return access(path, F_OK) == 0;
}

static void run_fine(const char *args) {
    outcome o = run_program("%s", args);
    assert_done(o);
    if (strstr(o.err, "not everything was logged")) fail_msg("%s", o.err);
    done(o);
}

// Which of the three a folder holds, as letters.
static const char *logs_of(const char *dir) {
    static char letters[4];
    snprintf(letters, sizeof letters, "%s%s%s", there("%s/events", dir) ? "t" : "",
             there("%s/scalars.csv", dir) ? "c" : "", there("%s/log.jsonl", dir) ? "j" : "");
    return letters;
}

static void a_wrong_name_suggests_the_nearest_before_anything_is_made(void **state) {
    (void)state;
    static const char *const commands[] = {BC "--out x.safetensors", DAGGER "--out x",
                                           SHIFT "--out x",          TRAIN "--out x",
                                           SWEEP "--out x",          "experiment --out x"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char line[2000];
        snprintf(line, sizeof line, "%s --logger tensorbord", commands[i]);
        assert_error(run_program("%s", line), 2, "did you mean 'tensorboard'?");
        snprintf(line, sizeof line, "%s --logger csv,none", commands[i]);
        assert_error(run_program("%s", line), 2, "'none' stands alone");
        assert_false(there("x"));
    }
    assert_error(run_program("evaluate random --logger csv"), 2, "takes no --logger");
}

static void cloning_tells_whom_it_is_told_to_and_clones_the_same(void **state) {
    (void)state;
    run_fine(
        "demos collect --expert ant-v5 --episodes 2 --seed 5 --set max_episode_steps=60 "
        "--out demos --quiet");
    run_fine(BC "--out plain.safetensors");
    assert_false(there("plain-log"));
    run_fine(BC "--out all.safetensors --logger csv,tensorboard,jsonl --figures all-figures");
    assert_string_equal(logs_of("all-log"), "tcj");
    assert_true(there("all-log/events/bc") && there("all-log/events/summary"));
    if (system("command -v gnuplot >/dev/null") == 0) assert_true(there("all-log/events/figures"));
    run_fine(BC "--out dir.safetensors --log-dir elsewhere");
    assert_string_equal(logs_of("elsewhere"), "tj");
    assert_false(there("dir-log"));
    run_fine(BC "--out none.safetensors --log-dir nowhere --logger none");
    assert_false(there("nowhere"));
    static const char *const others[] = {"all", "dir", "none"};
    for (int i = 0; i < 3; i++) {
        char command[200];
        snprintf(command, sizeof command, "cmp plain.safetensors %s.safetensors", others[i]);
        assert_int_equal(system(command), 0);
    }
    char *csv = read_all("all-log/scalars.csv");
    assert_contains(csv, ",bc,4,loss/train,");
    assert_contains(csv, ",summary,0,outcome/loss_train,");
    assert_null(strstr(csv, ",bc,5,"));
    free(csv);
}

static void a_log_that_cannot_be_written_costs_no_policy(void **state) {
    (void)state;
    // The folder cannot be made: nothing has been trained yet.
    run_fine("demos info demos");
    FILE *f = fopen("blocked", "w");
    fclose(f);
    assert_error(run_program(BC "--out b.safetensors --logger csv --log-dir blocked"), 1,
                 "blocked");
    assert_false(there("b.safetensors"));
    // The summary cannot: the policy is there, and the exit code says that something went wrong.
    assert_int_equal(system("mkdir -p half/events && touch half/events/summary"), 0);
    outcome o = run_program(BC "--out b.safetensors --logger tensorboard --log-dir half");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "half/events/summary");
    done(o);
    assert_int_equal(system("cmp plain.safetensors b.safetensors"), 0);
}

static void dagger_tells_whom_it_is_told_to(void **state) {
    (void)state;
    run_fine(DAGGER "--out d-default");
    assert_string_equal(logs_of("d-default"), "tj");
    assert_true(there("d-default/events/dagger") && there("d-default/events/dagger-training") &&
                there("d-default/events/summary"));
    run_fine(DAGGER "--out d-csv --logger csv");
    assert_string_equal(logs_of("d-csv"), "c");
    run_fine(DAGGER "--out d-none --logger none");
    assert_string_equal(logs_of("d-none"), "");
    assert_int_equal(system("cmp d-default/policies/dagger-01.safetensors "
                            "d-csv/policies/dagger-01.safetensors && cmp d-csv/policies/"
                            "dagger-01.safetensors d-none/policies/dagger-01.safetensors"),
                     0);
    char *csv = read_all("d-csv/scalars.csv");
    assert_contains(csv, ",dagger,1,evaluation/mean,");
    assert_contains(csv, ",dagger-training,6,loss/train,");
    assert_contains(csv, ",summary,0,outcome/return,");
    free(csv);
    // A finished run, resumed with others listening, tells them what it knows.
    outcome o = run_program("dagger --resume d-none --logger csv --quiet");
    assert_done(o);
    done(o);
    assert_string_equal(logs_of("d-none"), "c");
}

static void a_shift_tells_tensorboard_its_histograms_and_figures(void **state) {
    (void)state;
    run_fine(SHIFT "--out s-default");
    assert_string_equal(logs_of("s-default"), "t");
    assert_true(there("s-default/events/shift"));
    if (system("command -v gnuplot >/dev/null") == 0)
        assert_true(there("s-default/events/figures"));
    run_fine(SHIFT "--out s-none --logger none");
    assert_string_equal(logs_of("s-none"), "");
    run_fine(SHIFT "--out s-lines --logger csv,jsonl");
    assert_string_equal(logs_of("s-lines"), "cj");
    assert_int_equal(system("cmp s-default/shift.json s-none/shift.json"), 0);
}

static void an_experts_training_resumes_whoever_is_told(void **state) {
    (void)state;
    run_fine(TRAIN "--out e-default");
    assert_string_equal(logs_of("e-default"), "tj");
    run_fine(TRAIN "--out e-none --logger none");
    assert_string_equal(logs_of("e-none"), "");
    assert_true(there("e-none/curve.csv"));
    assert_int_equal(system("cmp e-default/policies/best.safetensors "
                            "e-none/policies/best.safetensors"),
                     0);
    run_fine("expert curves e-none");
    // Killed with nobody told, it goes on and tells from there.
    pid_t pid = start(TRAIN "--out e-killed --logger none --set checkpoint_minutes=0");
    for (int i = 0; i < 4000 && !there("e-killed/curve.csv"); i++) usleep(2000);
    kill(pid, SIGKILL);
    outcome o = finish(pid);
    done(o);
    o = run_program("expert train --resume e-killed --logger tensorboard,csv --quiet");
    assert_done(o);
    done(o);
    assert_int_equal(system("cmp e-default/policies/last.safetensors "
                            "e-killed/policies/last.safetensors"),
                     0);
}

static void a_sweep_tells_its_points_as_sessions(void **state) {
    (void)state;
    run_fine(SWEEP "--out w-all --logger tensorboard,csv");
    assert_string_equal(logs_of("w-all"), "tc");
    assert_true(there("w-all/events/ant-v5/bc-tutorial/demos-1") &&
                there("w-all/events/ant-v5/dagger-converged/demos-2"));
    char *csv = read_all("w-all/scalars.csv");
    assert_contains(csv, ",ant-v5/bc-tutorial,1,outcome/return,");
    assert_contains(csv, ",ant-v5/dagger-converged,2,outcome/error_own,");
    assert_null(strstr(csv, "demos-"));
    free(csv);
    run_fine(SWEEP "--out w-none --logger none");
    assert_string_equal(logs_of("w-none"), "");
    assert_int_equal(system("cmp w-all/sweep.csv w-none/sweep.csv"), 0);
}

static void how_to_go_on_names_the_loggers_again(void **state) {
    (void)state;
    pid_t pid = start("experiment --set demo_episodes=40 --out long --logger csv");
    for (int i = 0; i < 4000 && !there("long/run.yaml"); i++) usleep(2000);
    usleep(300000);
    kill(pid, SIGINT);
    outcome o = finish(pid);
    assert_int_equal(o.code, 130);
    assert_contains(o.err, "experiment --resume long --logger csv");
    done(o);
    assert_false(there("long/log.jsonl"));
}

int main(void) {
    make_work_dir("test_cli_logger");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_name_suggests_the_nearest_before_anything_is_made),
        cmocka_unit_test(cloning_tells_whom_it_is_told_to_and_clones_the_same),
        cmocka_unit_test(a_log_that_cannot_be_written_costs_no_policy),
        cmocka_unit_test(dagger_tells_whom_it_is_told_to),
        cmocka_unit_test(a_shift_tells_tensorboard_its_histograms_and_figures),
        cmocka_unit_test(an_experts_training_resumes_whoever_is_told),
        cmocka_unit_test(a_sweep_tells_its_points_as_sessions),
        cmocka_unit_test(how_to_go_on_names_the_loggers_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
