// `understudy shift` as a person meets it: of any policies, of a run's, and what is said when something
// is wrong. Episodes are short and few.
#include "program.h"

#include <stdbool.h>

#define QUICK                                                                             \
    "--episodes 3 --set divergence.permutations=49 --set divergence.resamples=49 --set "  \
    "classifier.updates=30 --set classifier.permutations=49 --set push_episodes=2 --set " \
    "n_push_speeds=1 --set push_steps=20 --set map_bins=6 --quiet "
#define SHORT "--set env.max_episode_steps=40 "

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static void any_policies_are_held_against_an_expert(void **state) {
    (void)state;
    outcome o =
        run_program("shift --expert ant-v5 --policy random --policy ant-v5 --out any " QUICK SHORT);
    assert_done(o);
    static const char *const words[] = {"Ant-v5: 3 episodes a policy, expert ant-v5, ",
                                        "Expert (other seeds)",
                                        "random",
                                        "far",
                                        "AUC",
                                        "own states",
                                        "ratio",
                                        "any/shift.json"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) assert_contains(o.out, words[i]);
    for (const char *c = o.out; *c; c++) assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    done(o);
    assert_true(there("any/shift.json"));
    if (system("command -v gnuplot >/dev/null") == 0) {
        assert_true(there("any/figures/states.png"));
        assert_true(there("any/figures/divergence.svg"));
        assert_true(there("any/figures/pushes.csv"));
    }
    // What is there is kept, unless told otherwise; the same command gives the same file.
    assert_error(run_program("shift --expert ant-v5 --policy random --out any " QUICK SHORT), 1,
                 "--force");
    assert_int_equal(rename("any/shift.json", "first.json"), 0);
    o = run_program(
        "shift --expert ant-v5 --policy random --policy ant-v5 --out any --force --threads 1 "
        "--json " QUICK SHORT);
    assert_done(o);
    assert_contains(o.out, "\"name\": \"random\"");
    assert_contains(o.out, "\"error_ratio\": ");
    assert_contains(o.out, "\"exponent");
    assert_contains(o.out, "\"energy_p\": ");
    assert_int_equal(system("cmp -s first.json any/shift.json"), 0);
    done(o);
}

static void demonstrations_and_names_are_taken(void **state) {
    (void)state;
    outcome o = run_program(
        "demos collect --expert ant-v5 --episodes 2 --seed 5 --set max_episode_steps=40 --out demos "
        "--quiet");
    assert_done(o);
    done(o);
    // Two files of one name, and one that is called as the null is.
    assert_int_equal(system("mkdir -p a b && cp '" UDY_SOURCE_DIR
                            "/experts/ant-v5.safetensors' a/x.safetensors && cp a/x.safetensors "
                            "b/x.safetensors && cp a/x.safetensors b/expert.safetensors"),
                     0);
    o = run_program(
        "shift --expert ant-v5 --policy a/x.safetensors --policy b/x.safetensors --policy "
        "b/expert.safetensors --demos demos --out named --json --seed 7 " QUICK SHORT);
    assert_done(o);
    assert_contains(o.out, "\"name\": \"x\"");
    assert_contains(o.out, "\"name\": \"x-2\"");
    assert_contains(o.out, "\"name\": \"expert-2\"");
    assert_contains(o.out, "\"seed\": 7");
    done(o);
}

static void a_run_is_measured_in_its_folder(void **state) {
    (void)state;
    outcome o = run_program(
        "experiment --no-report --set demo_episodes=3 --set eval_episodes=2 --set bc.epochs=2 --set "
        "dagger.initial_episodes=1 --set dagger.rounds=1 --set dagger.episodes_per_round=1 --set "
        "dagger.select_episodes=1 --set dagger.bc.epochs=2 --set env.max_episode_steps=40 --seed 3 "
        "--out run --quiet");
    assert_done(o);
    done(o);
    o = run_program("shift --run run " QUICK);
    assert_done(o);
    assert_contains(o.out, "BC (3 episodes)");
    assert_contains(o.out, "DAgger best");
    assert_contains(o.out, "rows demonstrated");
    assert_contains(o.out, "run/figures");
    done(o);
    assert_true(there("run/shift.json"));
    o = run_program("shift --run run --json " QUICK);
    assert_done(o);
    assert_contains(o.out, "\"seed\": 3");  // the run's own
    assert_contains(o.out, "\"name\": \"dagger-1\"");
    done(o);
}

static void wrong_usage_is_told_apart(void **state) {
    (void)state;
    assert_error(run_program("shift"), 2, "--run RUN, or --expert");
    assert_error(run_program("shift --expert ant-v5"), 2, "--policy");
    assert_error(run_program("shift --policy random"), 2, "--expert");
    assert_error(run_program("shift --policy"), 2, "--policy wants a value");
    assert_error(run_program("shift --run x --expert ant-v5"), 2, "leave out");
    assert_error(run_program("shift --run no/such"), 1, "no/such");
    assert_error(run_program("shift --run x --episodes 2"), 2, "3 to 1000");
    assert_error(run_program("shift --expert random --policy random --quiet"), 1, "no labels");
    assert_error(run_program("shift --expert ant-v5 --policy nobody"), 1, "nobody");
    assert_error(run_program("shift --expert ant-v5 --policy random --set windw=3"), 2, "window");
    assert_error(run_program("shift --expert ant-v5 --policy random --set window=0"), 2, "window");
    assert_error(run_program("shift --expert ant-v5 --policy random --demos no/such --quiet"), 1,
                 "no/such");
    outcome o = run_program("shift --help");
    assert_done(o);
    assert_contains(o.out, "push_speed_1");
    assert_contains(o.out, "Example:");
    done(o);
}

int main(void) {
    make_work_dir("shift");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_policies_are_held_against_an_expert),
        cmocka_unit_test(demonstrations_and_names_are_taken),
        cmocka_unit_test(a_run_is_measured_in_its_folder),
        cmocka_unit_test(wrong_usage_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
