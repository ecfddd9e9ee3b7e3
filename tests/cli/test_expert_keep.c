// `understudy expert keep`: an expert to ship out of a training's run folder: which evaluation it
// takes, what its file says, and what it refuses.
#include "program.h"

#include <math.h>

#include "understudy/understudy.h"

// Seconds of work; evaluations at 1000, 2000, ... 5000.
#define SMALL                                                                                       \
    "--task InvertedPendulum-v5 --seed 3 --set sac.steps=5000 --set sac.random_steps=300 "          \
    "--set 'sac.actor_hidden=[32, 32]' --set 'sac.critic_hidden=[32, 32]' --set sac.batch_size=32 " \
    "--set sac.replay_size=2000 --set sac.n_envs=2 --set sac.eval_interval=1000 "                   \
    "--set sac.eval_episodes=3 --set sac.test_episodes=4 --set sac.updates_per_step=0.5 "           \
    "--set env.max_episode_steps=80 --threads 1 --quiet"
enum { EVALUATIONS = 5, TEST_EPISODES = 4 };

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...) {
    char command[2000];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    if (system(command) != 0) fail_msg("failed: %s", command);
}

// The run that the tests keep from, made once; a copy of it to be spoilt.
static void make_run(void) {
    if (there("run/results.json")) return;
    outcome o = run_program("expert train " SMALL " --out run");
    assert_done(o);
    done(o);
}

static void copy_run(const char *name) {
    make_run();
    shell("rm -rf %s kept.safetensors && cp -r run %s", name, name);
}

static udy_curve_point *curve_of(const char *run, int *n) {
    udy_curve_point *curve;
    udy_error err = {0};
    if (udy_expert_curve(&curve, n, run, &err)) fail_msg("%s", err.message);
    return curve;
}

static udy_policy *load(const char *path) {
    udy_policy *policy;
    udy_error err = {0};
    if (udy_policy_load(&policy, path, &err)) fail_msg("%s", err.message);
    return policy;
}

static const char *said(const udy_policy *policy, const char *key) {
    const char *text = udy_policy_metadata(policy, key);
    if (!text) fail_msg("%s says no '%s'", udy_policy_name(policy), key);
    return text;
}

static udy_json *parse(const char *text) {
    udy_json *root = NULL;
    udy_error err = {0};
    if (udy_json_parse(&root, text, strlen(text), "stdout", &err)) fail_msg("%s", err.message);
    return root;
}

// The step that `expert keep RUN ARGS` takes.
static double kept_step(const char *run, const char *args) {
    outcome o = run_program(
        "expert keep %s --out kept.safetensors --force --episodes 1 --quiet --json %s", run, args);
    assert_done(o);
    udy_json *root = parse(o.out);
    double steps = udy_json_number(udy_json_get(root, "chosen"), "steps", NAN);
    udy_policy *policy = load("kept.safetensors");
    assert_true(atof(said(policy, "steps")) == steps);
    udy_policy_destroy(policy);
    udy_json_free(root);
    done(o);
    return steps;
}

//------------------------------------------ What is kept ------------------------------------------

static void the_best_is_kept_and_tests_as_the_training_tested_it(void **state) {
    (void)state;
    make_run();
    outcome o = run_program(
        "expert keep run --out best.safetensors --episodes %d --commit 1234abc --threads 2",
        TEST_EPISODES);
    assert_done(o);
    assert_contains(o.out, "the best of 5 evaluations by mean\n");
    assert_contains(o.out, "once, on 4 fresh seeds");
    assert_contains(o.out, "best.safetensors");
    done(o);
    udy_policy *kept = load("best.safetensors"), *best = load("run/policies/best.safetensors");
    assert_true(udy_policy_hash(kept) == udy_policy_hash(best));
    assert_true(udy_policy_gaussian(kept));
    static const char *const same[] = {
        "made_by",       "settings",         "seed",          "steps",    "updates",
        "selected_on",   "versions",         "return",        "falls",    "return_mean",
        "return_std",    "return_median",    "return_iqm",    "too_low",  "return_ci95_low",
        "test_episodes", "return_ci95_high", "speed_m_per_s", "too_high", "test_seed"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_string_equal(said(kept, same[i]), said(best, same[i]));
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)udy_seed_range(3, UDY_SEEDS_EVALUATE));
    assert_string_equal(said(kept, "test_seed"), seed);
    assert_string_equal(said(kept, "commit"), "1234abc");
    // All settings, as a preset that makes it again, whatever the preset of that name says by then.
    udy_error err;
    const char *settings = said(kept, "run_yaml");
    assert_int_equal(udy_file_write("made.yaml", settings, strlen(settings), &err), UDY_OK);
    shell("cmp made.yaml run/run.yaml");
    udy_policy_destroy(kept);
    udy_policy_destroy(best);
    // The threads decide nothing, so the file is the same to the byte.
    o = run_program(
        "expert keep run --out again.safetensors --episodes %d --commit 1234abc --threads 1",
        TEST_EPISODES);
    assert_done(o);
    done(o);
    shell("cmp best.safetensors again.safetensors");
}

static void its_file_tells_the_curve_the_time_and_the_machine(void **state) {
    (void)state;
    make_run();
    int n;
    udy_curve_point *curve = curve_of("run", &n);
    assert_int_equal(n, EVALUATIONS);
    assert_true(kept_step("run", "--step 3000") == 3000);
    udy_policy *kept = load("kept.safetensors");
    char expected[200];
    snprintf(expected, sizeof expected, "1000:%.1f 2000:%.1f 3000:%.1f", curve[0].mean,
             curve[1].mean, curve[2].mean);
    assert_string_equal(said(kept, "curve"), expected);
    assert_true(fabs(atof(said(kept, "wall_clock_s")) - curve[2].seconds) <= 0.5);
    assert_contains(said(kept, "wall_clock"), "0:00:");
    assert_contains(said(kept, "tested_with"), UDY_VERSION);
    assert_null(udy_policy_metadata(kept, "commit"));
    char machine[300];
    snprintf(machine, sizeof machine, "%s", said(kept, "machine"));
    assert_contains(machine, ", 1 thread");
    assert_true(strlen(machine) > strlen(", 1 core, 1 thread"));
    udy_policy_destroy(kept);
    udy_free(curve);
    // results.json says it where the log does not; where neither does, nobody makes it up.
    copy_run("silent");
    shell("rm silent/log.jsonl");
    kept_step("silent", "");
    kept = load("kept.safetensors");
    assert_string_equal(said(kept, "machine"), machine);
    udy_policy_destroy(kept);
    shell("rm silent/results.json");
    kept_step("silent", "");
    kept = load("kept.safetensors");
    assert_null(udy_policy_metadata(kept, "machine"));
    udy_policy_destroy(kept);
}

static void the_list_shows_what_was_kept(void **state) {
    (void)state;
    make_run();
    shell("mkdir -p data/experts");
    outcome o = run_program(
        "expert keep run --near 0 --out data/experts/small.safetensors --force --episodes 5 "
        "--commit 1234abc --seed 77 --json --quiet");
    assert_done(o);
    udy_json *kept = parse(o.out);
    done(o);
    o = run_program("expert list --data data");
    assert_done(o);
    static const char *const lines[] = {"small\n",
                                        "5 episodes from seed 77\n",
                                        "interquartile mean",
                                        "  made by  understudy expert train --task Inv",
                                        "  chosen   of 5 evaluations that with the mean nearest",
                                        "  commit   1234abc",
                                        "  machine  ",
                                        "  took     0:00:"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_contains(o.out, lines[i]);
    done(o);
    o = run_program("expert list --data data --json");
    assert_done(o);
    udy_json *list = parse(o.out);
    done(o);
    const udy_json *entry = udy_json_at(list, 0), *training = udy_json_get(entry, "training");
    const udy_json *a = udy_json_get(entry, "test"), *b = udy_json_get(kept, "test");
    static const char *const numbers[] = {"mean",  "std",     "median",   "iqm",       "episodes",
                                          "falls", "too_low", "too_high", "speed_mean"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(udy_json_number(a, numbers[i], NAN) == udy_json_number(b, numbers[i], NAN));
    assert_string_equal(udy_json_string(a, "first_seed", ""), "77");
    double steps = udy_json_number(udy_json_get(kept, "chosen"), "steps", NAN);
    assert_true(udy_json_number(training, "steps", NAN) == steps);
    assert_true(udy_json_size(udy_json_get(training, "curve")) == (size_t)steps / 1000);
    assert_string_equal(udy_json_string(entry, "commit", ""), "1234abc");
    udy_json_free(kept);
    udy_json_free(list);
    o = run_program(
        "evaluate data/experts/small.safetensors --episodes 1 --set "
        "max_episode_steps=80");
    assert_done(o);
    done(o);
}

//------------------------------------------ Which one ---------------------------------------------

// Means of the copy's curve; the steps and policies stay.
static void set_means(const char *run, const double means[EVALUATIONS]) {
    int n;
    char path[64];
    udy_curve_point *curve = curve_of("run", &n);
    snprintf(path, sizeof path, "%s/curve.csv", run);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "steps,updates,seconds,mean,median,std,episodes,falls,too_low,too_high,"
            "speed_m_per_s\n");
    for (int i = 0; i < n; i++)
        fprintf(f, "%lld,%lld,%g,%g,1,1,3,0,0,0,0\n", (long long)curve[i].steps,
                (long long)curve[i].updates, curve[i].seconds, means[i]);
    assert_int_equal(fclose(f), 0);
    udy_free(curve);
}

static void the_nearest_is_the_earlier_of_equals(void **state) {
    (void)state;
    copy_run("means");
    set_means("means", (double[]){10, 40, 60, 60, 20});
    assert_true(kept_step("means", "") == 3000);
    assert_true(kept_step("means", "--near 60.5") == 3000);
    assert_true(kept_step("means", "--near 50") == 2000);
    assert_true(kept_step("means", "--near 50.1") == 3000);
    assert_true(kept_step("means", "--near -1e9") == 1000);
    assert_true(kept_step("means", "--near 25") == 5000);
    assert_true(kept_step("means", "--step 4000") == 4000);
}

static void an_unfinished_run_gives_its_best_so_far_while_it_is_at_work(void **state) {
    (void)state;
    copy_run("unfinished");
    set_means("unfinished", (double[]){10, 20, 30, 40, 50});
    shell(
        "rm unfinished/results.json unfinished/policies/best.safetensors && "
        "sed -i '5,$d' unfinished/curve.csv");
    udy_run *at_work;  // as a training holds it
    udy_error err = {0};
    if (udy_run_open(&at_work, "unfinished", &err)) fail_msg("%s", err.message);
    outcome o = run_program("expert keep unfinished/ --out kept.safetensors --episodes 2 --quiet");
    assert_done(o);
    assert_contains(o.out, "step 3000: mean 30");
    assert_contains(o.out, "the best of 3 evaluations so far by mean");
    assert_string_equal(o.err, "");
    done(o);
    udy_run_close(at_work);
}

//------------------------------------------ Refusals ----------------------------------------------

#define KEEP "expert keep copy --out kept.safetensors --episodes 2 --quiet"

static void without_an_evaluation_or_its_policy_there_is_nothing_to_keep(void **state) {
    (void)state;
    copy_run("copy");
    assert_error(run_program(KEEP " --step 1234"), 1, "no evaluation at step 1234");
    assert_error(run_program(KEEP " --step 1600"), 1, "the nearest is at 2000");
    shell("rm copy/policies/step-000002000.safetensors");
    assert_error(run_program(KEEP " --step 2000"), 1, "step-000002000.safetensors: missing");
    shell("sed -i '2,$d' copy/curve.csv");
    assert_error(run_program(KEEP), 1, "no evaluation has been made yet");
    shell("rm copy/curve.csv");
    assert_error(run_program(KEEP), 1, "the first comes at step 1000");
    shell("printf 'stuff\\n' >copy/curve.csv");
    assert_error(run_program(KEEP), 1, "copy/curve.csv: line 1");
    assert_error(run_program("expert keep nosuch --out kept.safetensors"), 1, "nosuch");
    assert_error(run_program("expert keep data --out kept.safetensors"), 1, "run.yaml");
    assert_false(there("kept.safetensors"));
}

static void a_policy_of_another_training_is_refused(void **state) {
    (void)state;
    copy_run("copy");
    // A setting changed by hand; then the task, the seed.
    shell(
        "sed -i 's/  gamma: 0.99 /  gamma: 0.98 /' copy/run.yaml && ! cmp -s run/run.yaml copy/run.yaml");
    assert_error(run_program(KEEP), 1, "metadata 'settings'");
    copy_run("copy");
    shell("sed -i 's/^seed: 3 /seed: 4 /' copy/run.yaml && ! cmp -s run/run.yaml copy/run.yaml");
    assert_error(run_program(KEEP), 1, "metadata 'seed' is '3'");
    copy_run("copy");
    // Of another version's table nothing follows from a hash, but the task still has to fit.
    shell("sed -i -e '1s/.*/task: \"Hopper-v5\"/' -e 's/^preset/# other\\npreset/' copy/run.yaml");
    assert_error(run_program(KEEP " --step 1000"), 1, "InvertedPendulum-v5");
    copy_run("copy");
    shell("cp copy/policies/step-000001000.safetensors copy/policies/step-000002000.safetensors");
    assert_error(run_program(KEEP " --step 2000"), 1, "metadata 'steps' is '1000'");
    assert_false(there("kept.safetensors"));
}

static void a_run_that_another_version_described_is_kept(void **state) {
    (void)state;
    copy_run("copy");
    udy_policy *policy = load("run/policies/step-000001000.safetensors");
    const udy_text_pair other = {"settings", "0123456789abcdef"};
    udy_error err = {0};
    assert_int_equal(
        udy_policy_save(policy, "copy/policies/step-000001000.safetensors", &other, 1, &err), 0);
    udy_policy_destroy(policy);
    assert_error(run_program(KEEP " --step 1000"), 1, "metadata 'settings'");
    shell(
        "sed -i 's/# task id/# which task/' copy/run.yaml && ! cmp -s run/run.yaml copy/run.yaml");
    assert_true(kept_step("copy", "--step 1000") == 1000);
}

static void a_file_is_not_written_over_unasked(void **state) {
    (void)state;
    copy_run("copy");
    shell("echo mine >kept.safetensors && mkdir -p folder");
    assert_error(run_program(KEEP), 1, "--force");
    char *text = read_all("kept.safetensors");
    assert_string_equal(text, "mine\n");
    free(text);
    outcome o = run_program(KEEP " --force");
    assert_done(o);
    done(o);
    udy_policy_destroy(load("kept.safetensors"));
    assert_error(run_program("expert keep copy --out folder"), 1, "is a folder");
    assert_error(run_program("expert keep copy --out nosuch/x.safetensors"), 1, "nosuch");
}

static void seeds_that_chose_the_policy_do_not_test_it(void **state) {
    (void)state;
    copy_run("copy");
    // Three seeds chose, two began the training; the test has two episodes.
    const unsigned long long select = udy_seed_range(3, UDY_SEEDS_SELECT),
                             train = udy_seed_range(3, UDY_SEEDS_TRAIN);
    for (int i = -1; i < 3; i++)
        assert_error(run_program(KEEP " --seed %llu", select + (unsigned long long)i), 1,
                     "chose among the evaluations");
    assert_error(run_program(KEEP " --seed %llu", train - 1), 1, "began the training");
    assert_false(there("kept.safetensors"));
    outcome o = run_program(KEEP " --seed %llu", select + 3);
    assert_done(o);
    done(o);
    o = run_program(KEEP " --force --seed %llu", select - 2);
    assert_done(o);
    done(o);
}

static void mistakes_are_said_before_any_work(void **state) {
    (void)state;
    copy_run("copy");
    assert_error(run_program("expert keep copy"), 2, "--out");
    assert_error(run_program("expert keep --out kept.safetensors"), 2, "RUN");
    assert_error(run_program(KEEP " --near 30 --step 1000"), 2, "one of them");
    assert_error(run_program(KEEP " --near high"), 2, "--near 'high'");
    assert_error(run_program(KEEP " --near nan"), 2, "--near 'nan'");
    assert_error(run_program(KEEP " --step 0"), 2, "--step '0'");
    assert_error(run_program(KEEP " --commit \"$(printf '\\377')\""), 1, "UTF-8");
    assert_false(there("kept.safetensors"));
}

int main(void) {
    make_work_dir("test_expert_keep");
    unsetenv("UNDERSTUDY_DATA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_kept_and_tests_as_the_training_tested_it),
        cmocka_unit_test(its_file_tells_the_curve_the_time_and_the_machine),
        cmocka_unit_test(the_list_shows_what_was_kept),
        cmocka_unit_test(the_nearest_is_the_earlier_of_equals),
        cmocka_unit_test(an_unfinished_run_gives_its_best_so_far_while_it_is_at_work),
        cmocka_unit_test(without_an_evaluation_or_its_policy_there_is_nothing_to_keep),
        cmocka_unit_test(a_policy_of_another_training_is_refused),
        cmocka_unit_test(a_run_that_another_version_described_is_kept),
        cmocka_unit_test(a_file_is_not_written_over_unasked),
        cmocka_unit_test(seeds_that_chose_the_policy_do_not_test_it),
        cmocka_unit_test(mistakes_are_said_before_any_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
