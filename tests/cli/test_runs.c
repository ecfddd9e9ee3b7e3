// Runs as a person lives through them: a small experiment from end to end, killed and resumed, on one
// thread and two, interrupted; and the same work command by command.
#include "program.h"

#include <math.h>
#include <time.h>

#include "understudy/understudy.h"

// Small enough for a test, with every stage in it; TABLE: up to the table.
#define TABLE SMALL " --no-report"
#define SMALL                                                                                        \
    "--set demo_episodes=3 --set eval_episodes=2 --set bc.epochs=3 --set dagger.initial_episodes=1 " \
    "--set dagger.rounds=2 --set dagger.episodes_per_round=1 --set dagger.select_episodes=1 "        \
    "--set dagger.bc.epochs=3 --set env.max_episode_steps=300"

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static udy_json *read_json(const char *path) {
    char *text = read_all(path);
    udy_json *root = NULL;
    udy_error err = {0};
    if (!text) fail_msg("%s cannot be read", path);
    if (udy_json_parse(&root, text, strlen(text), path, &err)) fail_msg("%s", err.message);
    free(text);
    return root;
}

static bool is_time(const char *name) {
    return strcmp(name, "timing") == 0 || strstr(name, "seconds") || strstr(name, "per_s");
}

// Equal but for what a clock wrote; where says the place of the first difference.
static void assert_same(const udy_json *a, const udy_json *b, const char *where) {
    if (udy_json_is_object(a) || udy_json_is_array(a)) {
        if (udy_json_is_object(a) != udy_json_is_object(b) || udy_json_size(a) != udy_json_size(b))
            fail_msg("%s differs in kind or size", where);
        for (size_t i = 0; i < udy_json_size(a); i++) {
            char place[512];
            const char *name = udy_json_is_object(a) ? udy_json_name_at(a, i) : "";
            if (is_time(name)) continue;
            snprintf(place, sizeof place, "%s/%s%zu", where, name, i);
            assert_same(udy_json_at(a, i), udy_json_at(b, i), place);
        }
    } else if (udy_json_is_number(a)) {
        double x = udy_json_value(a, NAN), y = udy_json_value(b, NAN);
        if (!(x == y)) fail_msg("%s: %.17g and %.17g", where, x, y);
    } else if (udy_json_is_string(a)) {
        assert_string_equal(udy_json_text(a, ""), udy_json_text(b, "another kind"));
    }
}

static void assert_same_results(const char *run_a, const char *run_b) {
    char a[1100], b[1100];
    snprintf(a, sizeof a, "%s/results.json", run_a);
    snprintf(b, sizeof b, "%s/results.json", run_b);
    udy_json *x = read_json(a), *y = read_json(b);
    assert_true(udy_json_size(x) > 3);
    assert_same(x, y, "results");
    udy_json_free(x);
    udy_json_free(y);
}

//------------------------------------------ experiment --------------------------------------------

// The run that the others are compared with; made once.
static void make_reference(void) {
    if (there("reference/results.json")) return;
    outcome o = run_program("experiment " TABLE " --seed 3 --threads 1 --out reference");
    assert_done(o);
    done(o);
}

static void experiment_leaves_everything_where_it_says(void **state) {
    (void)state;
    outcome o = run_program("experiment " SMALL " --seed 3 --threads 1 --out reference");
    assert_done(o);
    static const char *const words[] = {"BC",
                                        "DAgger",
                                        "Expert",
                                        "Random",
                                        "reference/results.json",
                                        "reference/policies",
                                        "reference/shift.json",
                                        "reference/report.html"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) assert_contains(o.out, words[i]);
    for (const char *c = o.out; *c; c++) assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    static const char *const files[] = {"run.yaml",    "log.jsonl",  "results.json",
                                        "results.csv", "shift.json", "report.html"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "reference/%s", files[i]);
        assert_true(there(path));
    }
    if (system("command -v gnuplot >/dev/null") == 0) {
        assert_true(there("reference/figures/loss.png"));
        assert_true(there("reference/figures/dagger.svg"));
        assert_true(there("reference/figures/returns.png"));
        assert_true(there("reference/figures/divergence.png"));
    } else {
        assert_contains(o.err, "gnuplot");
    }
    done(o);
}

static void two_threads_give_the_same_results(void **state) {
    (void)state;
    make_reference();
    outcome o = run_program("experiment " TABLE " --seed 3 --threads 2 --out two --json --quiet");
    assert_done(o);
    assert_string_equal(strstr(o.err, "error") ? o.err : "", "");
    udy_json *printed = NULL;
    udy_error err = {0};
    assert_int_equal(udy_json_parse(&printed, o.out, strlen(o.out), "stdout", &err), 0);
    udy_json *written = read_json("two/results.json");
    assert_same(printed, written, "printed");
    udy_json_free(printed);
    udy_json_free(written);
    done(o);
    assert_same_results("reference", "two");
}

static void killed_again_and_again_and_resumed_it_gives_the_same_results(void **state) {
    (void)state;
    make_reference();
    uint64_t seed = (uint64_t)time(NULL) ^ ((uint64_t)getpid() << 32);
    udy_rng rng;
    udy_rng_init(&rng, seed);
    print_message("moments of death drawn from %llu\n", (unsigned long long)seed);
    int deaths = 0, code = -1;
    for (int i = 0; i < 200 && code != 0; i++) {
        pid_t pid =
            start(there("killed/run.yaml") ? "experiment --no-report --resume killed --threads 2"
                                           : "experiment " TABLE " --seed 3 --out killed");
        if (deaths < 12) {
            pause_ms((long)(20 + udy_rng_below(&rng, 500)));
            kill(pid, SIGKILL);
        }
        outcome o = finish(pid);
        code = o.code;
        if (code == 128 + SIGKILL)
            deaths++;
        else if (code != 0)
            fail_msg("after %d deaths: exit code %d, it said: %s", deaths, code, o.err);
        done(o);
    }
    assert_int_equal(code, 0);
    assert_true(deaths >= 1);
    assert_same_results("reference", "killed");
}

static void an_interruption_says_how_to_go_on(void **state) {
    (void)state;
    make_reference();
    static const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        char line[512], args[256], run[32];
        snprintf(run, sizeof run, "interrupted-%d", i);
        snprintf(line, sizeof line, "experiment " TABLE " --seed 3 --out %s", run);
        snprintf(args, sizeof args, "%s/run.yaml", run);
        pid_t pid = start(line);
        for (int wait = 0; wait < 2000 && !there(args); wait++) pause_ms(2);
        pause_ms(120);
        kill(pid, signals[i]);
        outcome o = finish(pid);
        if (o.code != 130) fail_msg("exit code %d; it said: %s", o.code, o.err);
        snprintf(args, sizeof args, "experiment --resume %s", run);
        assert_contains(o.err, args);
        done(o);
        o = run_program("%s --no-report", args);
        assert_done(o);
        done(o);
        assert_same_results("reference", run);
    }
}

static void a_resumed_run_keeps_its_settings(void **state) {
    (void)state;
    make_reference();
    assert_error(run_program("experiment --no-report --resume reference --seed 4"), 2, "seed=3");
    assert_error(run_program("experiment --no-report --resume reference --set bc.epochs=4"), 2,
                 "bc.epochs=3");
    assert_error(run_program("experiment --no-report --resume reference --preset ant-v5"), 2,
                 "demo_episodes");
    outcome o = run_program("experiment --no-report --resume reference --seed 3 --set bc.epochs=3");
    assert_done(o);  // what agrees is fine, and a finished run is shown again
    assert_contains(o.out, "Expert");
    done(o);
    o = run_program("experiment --no-report --resume reference --preset ant-v5 " SMALL);
    assert_done(o);
    done(o);
    // A folder named as the expert, such as another run's, is not taken for it.
    assert_int_equal(system("mkdir ant-v5"), 0);
    o = run_program("experiment --no-report --resume reference");
    assert_done(o);
    done(o);
    assert_int_equal(system("rmdir ant-v5"), 0);
}

static void existing_and_impossible_folders_are_refused(void **state) {
    (void)state;
    make_reference();
    outcome o = run_program("experiment " TABLE " --out reference");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "reference");
    done(o);
    assert_same_results("reference", "reference");
    assert_int_equal(system("echo words >file.txt"), 0);
    o = run_program("experiment " TABLE " --out file.txt");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "file.txt");
    done(o);
    o = run_program("experiment " TABLE " --out /proc/understudy");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "/proc/understudy");
    done(o);
    if (geteuid() != 0) {  // root writes everywhere
        assert_int_equal(system("mkdir -p closed && chmod 555 closed"), 0);
        o = run_program("experiment " TABLE " --out closed/run");
        assert_int_equal(o.code, 1);
        assert_contains(o.err, "closed");
        done(o);
    }
}

static void a_mistake_leaves_no_folder_behind(void **state) {
    (void)state;
    outcome o = run_program("experiment " TABLE " --set env.contact_obs=true --out unmade");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "contact_obs");
    done(o);
    assert_false(there("unmade"));
    o = run_program("experiment " TABLE " --set expert=./nosuch.safetensors --out unmade");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "nosuch.safetensors");
    done(o);
    assert_false(there("unmade"));
}

//------------------------------------------ Command by command ------------------------------------

static void make_demos(void) {
    if (there("demos/manifest.json")) return;
    outcome o = run_program(
        "demos collect --task Ant-v5 --expert ant-v5 --episodes 2 --out demos "
        "--seed 5 --set max_episode_steps=200");
    assert_done(o);
    assert_contains(o.out, "2 episodes, 400 steps");
    done(o);
}

static void demos_are_collected_and_described(void **state) {
    (void)state;
    make_demos();
    outcome o = run_program("demos info demos --json");
    assert_done(o);
    udy_json *root = NULL;
    udy_error err = {0};
    assert_int_equal(udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err), 0);
    assert_true(udy_json_number(root, "rows", 0) == 400);
    assert_true(udy_json_number(root, "labels", 0) == 400);
    assert_int_equal(udy_json_size(udy_json_get(root, "episodes")), 2);
    udy_json_free(root);
    done(o);
    o = run_program("demos collect --expert ant-v5 --episodes 2 --out demos");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "demos");
    done(o);
    o = run_program(
        "demos collect --expert ant-v5 --episodes 3 --out demos --seed 5 --resume "
        "--set max_episode_steps=200 --json");
    assert_done(o);
    assert_contains(o.out, "\"rows\": 600");
    done(o);
    // And back to two, as the tests after this one expect.
    assert_int_equal(system("rm -r demos"), 0);
    make_demos();
}

static void bc_trains_a_policy_that_evaluate_takes(void **state) {
    (void)state;
    make_demos();
    outcome o = run_program(
        "bc demos --out bc.safetensors --seed 2 --set epochs=4 --set bc.batch_size=64 "
        "--loss-csv loss.csv --json");
    assert_done(o);
    udy_json *root = NULL;
    udy_error err = {0};
    assert_int_equal(udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err), 0);
    assert_true(udy_json_number(root, "updates", 0) > 4);
    const udy_json *loss = udy_json_get(root, "train_loss");
    assert_int_equal(udy_json_size(loss), 4);
    assert_true(udy_json_value(udy_json_at(loss, 3), 9) < udy_json_value(udy_json_at(loss, 0), 0));
    udy_json_free(root);
    done(o);
    assert_true(there("bc-last.safetensors"));
    assert_false(there("bc.safetensors.checkpoint"));
    char *csv = read_all("loss.csv");
    assert_non_null(csv);
    assert_contains(csv, "epoch,train_loss,val_loss\n1,");
    free(csv);
    o = run_program("evaluate bc.safetensors --episodes 2 --set max_episode_steps=50 --json");
    assert_done(o);
    done(o);
    assert_error(run_program("bc demos --out bc.safetensors --set epochs=1"), 1, "--force");
    assert_error(run_program("bc demos --out bc.onnx"), 2, ".safetensors");
    assert_error(run_program("bc demos --out new.safetensors --resume"), 1, "checkpoint");
    assert_error(run_program("bc demos --out new.safetensors --set epoch=1"), 2, "'epochs'");
}

static void an_interrupted_bc_goes_on_to_the_same_policy(void **state) {
    (void)state;
    make_demos();
#define LONG "--seed 2 --set epochs=600"
    outcome o = run_program("bc demos --out whole.safetensors " LONG);
    assert_done(o);
    done(o);
    pid_t pid = start("bc demos --out halves.safetensors " LONG);
    pause_ms(250);
    kill(pid, SIGINT);
    o = finish(pid);
    if (o.code != 130) fail_msg("exit code %d; it said: %s", o.code, o.err);
    assert_contains(o.err, "--resume");
    done(o);
    assert_false(there("halves.safetensors"));
    o = run_program("bc demos --out halves.safetensors " LONG);
    assert_error(o, 1, "--resume");
    o = run_program("bc demos --out halves.safetensors --resume " LONG);
    assert_done(o);
    done(o);
    assert_int_equal(system("cmp whole.safetensors halves.safetensors && "
                            "cmp whole-last.safetensors halves-last.safetensors"),
                     0);
}

static void dagger_is_interrupted_and_goes_on_to_the_same_policies(void **state) {
    (void)state;
    make_demos();
#define DAGGER                                                                               \
    "dagger --expert ant-v5 --demos demos --seed 1 --set rounds=2 --set initial_episodes=1 " \
    "--set episodes_per_round=1 --set select_episodes=1 --set bc.epochs=40 "                 \
    "--set max_episode_steps=200"
    outcome o = run_program(DAGGER " --out dagger-whole --threads 2");
    assert_done(o);
    assert_contains(o.out, "best policy");
    done(o);
    pid_t pid = start(DAGGER " --out dagger-halves --threads 1");
    for (int wait = 0; wait < 2000 && !there("dagger-halves/run.yaml"); wait++) pause_ms(2);
    pause_ms(100);
    kill(pid, SIGINT);
    o = finish(pid);
    if (o.code != 130) fail_msg("exit code %d; it said: %s", o.code, o.err);
    assert_contains(o.err, "dagger --resume dagger-halves");
    done(o);
    assert_error(run_program("dagger --resume dagger-halves --set rounds=3"), 2, "rounds=2");
    o = run_program("dagger --resume dagger-halves --json");
    assert_done(o);
    assert_contains(o.out, "\"best_policy\"");
    done(o);
    assert_int_equal(
        system("for f in dagger-whole/policies/*; do cmp $f dagger-halves/policies/${f##*/} "
               "|| exit 1; done"),
        0);
}

int main(void) {
    make_work_dir("test_runs");
    unsetenv("UNDERSTUDY_DATA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experiment_leaves_everything_where_it_says),
        cmocka_unit_test(two_threads_give_the_same_results),
        cmocka_unit_test(killed_again_and_again_and_resumed_it_gives_the_same_results),
        cmocka_unit_test(an_interruption_says_how_to_go_on),
        cmocka_unit_test(a_resumed_run_keeps_its_settings),
        cmocka_unit_test(existing_and_impossible_folders_are_refused),
        cmocka_unit_test(a_mistake_leaves_no_folder_behind),
        cmocka_unit_test(demos_are_collected_and_described),
        cmocka_unit_test(bc_trains_a_policy_that_evaluate_takes),
        cmocka_unit_test(an_interrupted_bc_goes_on_to_the_same_policy),
        cmocka_unit_test(dagger_is_interrupted_and_goes_on_to_the_same_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
