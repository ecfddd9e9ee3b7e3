// `understudy expert train` and `expert curves` as a person lives through them: a small training
// from end to end, interrupted, killed and resumed; mistakes; and trainings side by side.
#include "program.h"

#include <math.h>
#include <time.h>

#include "understudy/understudy.h"

// Seconds of work, with everything in it.
#define SMALL                                                                                       \
    "--task InvertedPendulum-v5 --seed 3 --set sac.steps=6000 --set sac.random_steps=300 "          \
    "--set 'sac.actor_hidden=[32, 32]' --set 'sac.critic_hidden=[32, 32]' --set sac.batch_size=32 " \
    "--set sac.replay_size=2000 --set sac.n_envs=2 --set sac.eval_interval=1000 "                   \
    "--set sac.eval_episodes=3 --set sac.test_episodes=4 --set checkpoint_minutes=0 "               \
    "--set env.max_episode_steps=80"

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static udy_json *parse(const char *text, const char *name) {
    udy_json *root = NULL;
    udy_error err = {0};
    if (udy_json_parse(&root, text, strlen(text), name, &err)) fail_msg("%s", err.message);
    return root;
}

// The run that the others are compared with; made once.
static void make_reference(void) {
    if (there("reference/results.json")) return;
    outcome o = run_program("expert train " SMALL " --threads 1 --out reference");
    assert_done(o);
    done(o);
}

static void assert_same_run(const char *a, const char *b) {
    char command[400], path[2][200];
    snprintf(command, sizeof command,
             "for f in %s/policies/*; do cmp \"$f\" %s/policies/\"${f##*/}\" || exit 1; done", a,
             b);
    assert_int_equal(system(command), 0);
    char *text[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/results.json", i ? b : a);
        char *file = read_all(path[i]);
        assert_non_null(file);
        udy_json *results = parse(file, path[i]);
        assert_non_null(udy_json_get(results, "timing"));
        udy_json_put_bool(results, "timing", true);
        text[i] = udy_json_print(results, true);
        udy_json_free(results);
        free(file);
    }
    assert_string_equal(text[0], text[1]);
    udy_free(text[0]);
    udy_free(text[1]);
}

//------------------------------------------ A training --------------------------------------------

static void it_says_what_it_did_and_leaves_everything_where_it_says(void **state) {
    (void)state;
    outcome o = run_program("expert train " SMALL " --out told");
    assert_done(o);
    static const char *const said[] = {"InvertedPendulum-v5 from reward alone: 6000 steps",
                                       "First evaluation with a mean return of at least",
                                       "once, on 4 fresh seeds",
                                       "ended early",
                                       "told/policies/best.safetensors",
                                       "told/events",
                                       "told/curve.csv"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) assert_contains(o.out, said[i]);
    assert_contains(o.err, "run folder: told");
    assert_contains(o.err, "step 3000");
    done(o);
    if (system("command -v gnuplot >/dev/null") == 0)
        assert_true(there("told/figures/learning.png") && there("told/figures/learning.svg"));
    o = run_program(
        "evaluate told/policies/best.safetensors --episodes 2 "
        "--set max_episode_steps=80 --json");
    assert_done(o);
    done(o);
    // The command that the policy's metadata gives repeats it.
    udy_policy *policy = NULL;
    udy_error err = {0};
    assert_int_equal(udy_policy_load(&policy, "told/policies/best.safetensors", &err), 0);
    const char *made_by = udy_policy_metadata(policy, "made_by"), program[] = "understudy ";
    assert_int_equal(strncmp(made_by, program, sizeof program - 1), 0);
    o = run_program("%s --out repeated --quiet", made_by + sizeof program - 1);
    assert_done(o);
    assert_string_equal(o.err, "");
    done(o);
    udy_policy_destroy(policy);
    assert_same_run("told", "repeated");
}

static void interrupted_it_says_how_to_go_on_and_ends_the_same(void **state) {
    (void)state;
    make_reference();
    static const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        char line[1024], again[64], run[32];
        snprintf(run, sizeof run, "interrupted-%d", i);
        snprintf(line, sizeof line, "expert train " SMALL " --out %s", run);
        pid_t pid = start(line);
        snprintf(again, sizeof again, "%s/run.yaml", run);
        for (int wait = 0; wait < 2000 && !there(again); wait++) pause_ms(2);
        pause_ms(150);
        kill(pid, signals[i]);
        outcome o = finish(pid);
        if (o.code != 130) fail_msg("exit code %d; it said: %s", o.code, o.err);
        snprintf(again, sizeof again, "expert train --resume %s", run);
        assert_contains(o.err, again);
        done(o);
        o = run_program("%s --json", again);
        assert_done(o);
        udy_json *printed = parse(o.out, "stdout");
        assert_string_equal(udy_json_string(printed, "format", ""), "understudy.expert/1");
        udy_json_free(printed);
        done(o);
        assert_same_run("reference", run);
    }
}

static void killed_again_and_again_it_ends_the_same(void **state) {
    (void)state;
    make_reference();
    uint64_t seed = (uint64_t)time(NULL) ^ ((uint64_t)getpid() << 32);
    udy_rng rng;
    udy_rng_init(&rng, seed);
    print_message("moments of death drawn from %llu\n", (unsigned long long)seed);
    int deaths = 0, code = -1;
    for (int i = 0; i < 100 && code != 0; i++) {
        pid_t pid = start(there("killed/run.yaml") ? "expert train --resume killed --threads 2"
                                                   : "expert train " SMALL " --out killed");
        if (deaths < 8) {
            pause_ms((long)(50 + udy_rng_below(&rng, 400)));
            kill(pid, SIGKILL);
        }
        outcome o = finish(pid);
        code = o.code;
        deaths += code == 128 + SIGKILL;
        if (code != 0 && code != 128 + SIGKILL)
            fail_msg("after %d deaths: exit code %d, it said: %s", deaths, code, o.err);
        done(o);
    }
    assert_int_equal(code, 0);
    assert_true(deaths >= 1);
    assert_same_run("reference", "killed");
}

static void a_finished_run_is_reported_again(void **state) {
    (void)state;
    make_reference();
    char *before = read_all("reference/results.json");
    outcome o = run_program("expert train --resume reference --quiet");
    assert_done(o);
    assert_contains(o.out, "once, on 4 fresh seeds");
    done(o);
    char *after = read_all("reference/results.json");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

//------------------------------------------ Settings and mistakes ---------------------------------

static void presets_of_a_training_are_their_own(void **state) {
    (void)state;
    // The name is looked for under presets/expert, and an experiment's is not one.
    assert_error(run_program("expert train --preset ant-v5-sax --out unmade"), 2, "'ant-v5-sac'");
    assert_error(run_program("experiment --preset ant-v5-sac --out unmade"), 2, "'ant-v5'");
    assert_error(run_program("expert train --preset ant-v5-sac --task Hopper-v5"), 2, "Ant-v5");
    assert_int_equal(
        system("printf 'task: InvertedPendulum-v5\\nsac: {steps: 600, eval_interval: "
               "300, random_steps: 100, eval_episodes: 2, test_episodes: 2, "
               "batch_size: 32, actor_hidden: [16], critic_hidden: [16]}\\n' >my.yaml"),
        0);
    outcome o = run_program("expert train --preset my.yaml --set sac.gamma=0.9 --out mine --json");
    assert_done(o);
    udy_json *printed = parse(o.out, "stdout");
    assert_string_equal(udy_json_string(printed, "preset", ""), "my");
    assert_contains(udy_json_string(printed, "command", ""), "--preset my.yaml --seed 0");
    assert_string_equal(udy_json_string(printed, "task", ""), "InvertedPendulum-v5");
    assert_int_equal(udy_json_size(udy_json_get(printed, "curve")), 2);
    udy_json_free(printed);
    done(o);
    // The task's own defaults lie under a preset that does not say them.
    char *yaml = read_all("mine/run.yaml");
    assert_contains(yaml, "frame_skip: 2 ");
    assert_contains(yaml, "gamma: 0.9 ");
    free(yaml);
}

static void a_resumed_run_keeps_its_settings(void **state) {
    (void)state;
    make_reference();
    assert_error(run_program("expert train --resume reference --seed 4"), 2, "seed=3");
    assert_error(run_program("expert train --resume reference --set sac.gamma=0.5"), 2,
                 "sac.gamma=0.99");
    assert_error(run_program("expert train --resume reference --task Ant-v5"), 2, "Ant-v5");
    assert_error(run_program("expert train --resume reference --preset ant-v5-sac"), 2, "task");
    assert_error(run_program("expert train --resume reference --out new"), 2, "--out");
    assert_error(run_program("expert train --resume nosuch"), 1, "nosuch");
    outcome o = run_program("expert train --resume reference --seed 3 --set sac.gamma=0.99");
    assert_done(o);  // what agrees is fine
    done(o);
}

static void a_finished_run_is_gone_on_from_with_other_settings(void **state) {
    (void)state;
    make_reference();
    char *before = read_all("reference/results.json");
    static const char asked[] =
        "expert train --from reference --set sac.steps=8000 --set sac.learning_rate=1e-4 --json";
    outcome o = run_program("%s --out further", asked);
    assert_done(o);
    udy_json *printed = parse(o.out, "stdout");
    static const char command[] =
        "understudy expert train --from reference --set sac.steps=8000 "
        "--set sac.learning_rate=0.0001";
    assert_string_equal(udy_json_string(printed, "command", ""), command);
    assert_contains(udy_json_string(printed, "goes_on_from", ""), "--seed 3");
    assert_int_equal(udy_json_number(printed, "seed", -1), 3);
    assert_int_equal(udy_json_size(udy_json_get(printed, "curve")), 2);
    udy_json_free(printed);
    done(o);
    // Its settings say all; a second time it ends with the same numbers.
    o = run_program("%s --threads 2 --out further-again", asked);
    assert_done(o);
    done(o);
    assert_same_run("further", "further-again");
    o = run_program("expert train --resume further --quiet");
    assert_done(o);
    done(o);
    o = run_program("expert keep further --episodes 2 --out further.safetensors");
    assert_done(o);
    done(o);
    udy_policy *policy = NULL;
    udy_error err = {0};
    assert_int_equal(udy_policy_load(&policy, "further.safetensors", &err), 0);
    assert_contains(udy_policy_metadata(policy, "goes_on_from"), "--seed 3");
    const char *yaml = udy_policy_metadata(policy, "run_yaml");
    assert_contains(yaml, "from_steps: 6000 ");
    assert_null(strstr(yaml, "/reference"));  // no place of this machine
    udy_policy_destroy(policy);
    char *after = read_all("reference/results.json");
    assert_string_equal(before, after);
    free(before);
    free(after);
    static const struct {
        const char *args, *says;
        int code;
    } cases[] = {{"--from reference", "larger one", 2},
                 {"--from reference --set sac.steps=6000", "larger one", 2},
                 {"--from reference --seed 4 --set sac.steps=8000", "--seed", 2},
                 {"--from reference --preset ant-v5 --set sac.steps=8000", "--preset", 2},
                 {"--from reference --resume further", "--resume", 2},
                 {"--from reference --set sac.steps=8000 --set sac.from_steps=5", "--from says", 2},
                 {"--from reference --set sac.steps=8000 --set sac.replay_size=4000", "2000", 2},
                 {"--from reference --set sac.steps=8000 --set sac.actor_hidden=[16]",
                  "reference, whose", 1},
                 {"--from nosuch --set sac.steps=8000", "nosuch", 1},
                 {"--preset further/run.yaml", "went on from", 2},
                 {"--task Hopper-v5 --set sac.from_steps=30", "--from RUN", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o = run_program("expert train %s --out unmade", cases[i].args);
        if (o.code != cases[i].code) fail_msg("%s: %d: %s", cases[i].args, o.code, o.err);
        assert_contains(o.err, cases[i].says);
        done(o);
        assert_false(there("unmade"));
    }
}

static void a_mistake_leaves_no_folder_behind(void **state) {
    (void)state;
    static const struct {
        const char *args, *says;
        int code;
    } cases[] = {{"", "--preset", 2},
                 {"--task InvertedPendulm-v5", "InvertedPendulum-v5", 2},
                 {"--task Hopper-v5 --set sac.gama=1", "sac.gamma", 2},
                 {"--task Hopper-v5 --set sac.gamma=2", "sac.gamma", 2},
                 {"--task Hopper-v5 --set task=Ant-v5", "--task Ant-v5", 2},
                 {"--task Hopper-v5 --set env.contact_obs=true", "contact_obs", 2},
                 {"--task Hopper-v5 --set sac.actor_norm=layer", "layer", 1},
                 {"--task Hopper-v5 --set sac.batch_size=33", "sac.batch_size", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome o = run_program("expert train %s --out unmade", cases[i].args);
        if (o.code != cases[i].code && o.code != 1 && o.code != 2)
            fail_msg("%s: exit code %d; it said: %s", cases[i].args, o.code, o.err);
        assert_contains(o.err, "error: ");
        assert_contains(o.err, cases[i].says);
        assert_int_equal(o.code, cases[i].code);
        done(o);
        assert_false(there("unmade"));
    }
}

static void a_diverging_training_fails_and_names_its_checkpoint(void **state) {
    (void)state;
    outcome o = run_program("expert train " SMALL
                            " --set sac.temperature_learning_rate=0.02 "
                            "--set sac.target_entropy_per_action=100 --out diverged");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "diverged");
    assert_contains(o.err, "diverged/checkpoints/sac");
    assert_null(strstr(o.err, "to go on"));
    assert_string_equal(o.out, "");
    done(o);
    assert_false(there("diverged/results.json"));
}

//------------------------------------------ Side by side ------------------------------------------

static void make_curve(const char *run, double scale) {
    char path[64], command[64];
    snprintf(command, sizeof command, "mkdir -p %s", run);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/curve.csv", run);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "steps,updates,seconds,mean,median,std,episodes,falls,too_low,too_high,"
            "speed_m_per_s\n");
    for (int i = 1; i <= 9; i++)
        fprintf(f, "%d,%d,%d,%g,%g,100,20,2,1,1,5\n", 1000 * i, 500 * i, 500 * i, scale * i,
                scale * i);
    assert_int_equal(fclose(f), 0);
}

static void curves_are_compared_in_a_table_and_in_a_figure(void **state) {
    (void)state;
    make_curve("slow", 600);
    make_curve("fast", 1000);
    outcome o = run_program("expert curves slow quick=fast/");
    assert_done(o);
    assert_contains(o.out, "  slow                    2000       5000       9000          -");
    assert_contains(o.out,
                    "  quick                   1000       3000       5000       7000       8000");
    assert_contains(o.out,
                    "  quick                   8:20      25:00      41:40      58:20    1:06:40");
    done(o);
    o = run_program("expert curves slow quick=fast --json");
    assert_done(o);
    udy_json *root = parse(o.out, "stdout");
    const udy_json *quick = udy_json_at(udy_json_get(root, "runs"), 1);
    const udy_json *at = udy_json_get(udy_json_get(quick, "reached"), "7000");
    assert_string_equal(udy_json_string(quick, "name", ""), "quick");
    assert_true(udy_json_number(at, "steps", 0) == 7000);
    assert_true(udy_json_number(at, "updates", 0) == 3500);
    assert_true(udy_json_number(at, "seconds", 0) == 3500);
    at = udy_json_get(udy_json_get(udy_json_at(udy_json_get(root, "runs"), 0), "reached"), "7000");
    assert_non_null(at);
    assert_false(udy_json_is_object(at));
    udy_json_free(root);
    done(o);
    assert_error(run_program("expert curves"), 2, "RUN");
    assert_error(run_program("expert curves nosuch"), 1, "nosuch");
    assert_error(run_program("expert curves slow x=nosuch"), 1, "nosuch");
    if (system("command -v gnuplot >/dev/null") != 0) return;
    o = run_program("expert curves slow fast --out both");
    assert_done(o);
    assert_contains(o.out, "both/learning.png");
    done(o);
    assert_true(there("both/learning.svg") && there("both/learning.csv"));
}

int main(void) {
    make_work_dir("test_expert_train");
    unsetenv("UNDERSTUDY_DATA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_it_did_and_leaves_everything_where_it_says),
        cmocka_unit_test(interrupted_it_says_how_to_go_on_and_ends_the_same),
        cmocka_unit_test(killed_again_and_again_it_ends_the_same),
        cmocka_unit_test(a_finished_run_is_reported_again),
        cmocka_unit_test(presets_of_a_training_are_their_own),
        cmocka_unit_test(a_resumed_run_keeps_its_settings),
        cmocka_unit_test(a_finished_run_is_gone_on_from_with_other_settings),
        cmocka_unit_test(a_mistake_leaves_no_folder_behind),
        cmocka_unit_test(a_diverging_training_fails_and_names_its_checkpoint),
        cmocka_unit_test(curves_are_compared_in_a_table_and_in_a_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
