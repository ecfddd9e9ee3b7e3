// The command line as a person meets it: help, mistakes, short commands. The runs are test_runs.c's.
#include "program.h"

#include <math.h>
#include <pty.h>

#include "understudy/understudy.h"

static const char *const commands[] = {
    "experiment",    "expert train",  "expert keep", "expert list", "expert evaluate",
    "expert curves", "demos collect", "demos info",  "bc",          "dagger",
    "evaluate",      "replay",        "bench",       "tasks"};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

//------------------------------------------ Help --------------------------------------------------

static void every_command_has_help_with_an_example(void **state) {
    (void)state;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char example[64];
        snprintf(example, sizeof example, "  understudy %s", commands[i]);
        outcome o = run_program("%s --help", commands[i]);
        assert_done(o);
        const char *from = strstr(o.out, "Example:");
        assert_non_null(from);
        assert_contains(from, example);
        assert_contains(o.out, "Options:");
        assert_string_equal(o.err, "");
        done(o);
    }
}

static void overall_help_lists_every_command(void **state) {
    (void)state;
    outcome o = run_program("--help");
    assert_done(o);
    for (size_t i = 0; i < N_COMMANDS; i++) assert_contains(o.out, commands[i]);
    done(o);
}

static void version_names_what_it_is_made_of(void **state) {
    (void)state;
    outcome o = run_program("--version");
    assert_done(o);
    assert_contains(o.out, "understudy " UDY_VERSION);
    assert_contains(o.out, "MuJoCo 4.0.0");
    assert_contains(o.out, "oneDNN ");
    done(o);
}

static void no_command_is_bad_usage(void **state) {
    (void)state;
    outcome o = run_program(" ");
    assert_int_equal(o.code, 2);
    done(o);
}

//------------------------------------------ Mistakes ----------------------------------------------

static void unknown_names_suggest_the_nearest(void **state) {
    (void)state;
    assert_error(run_program("evalute random"), 2, "did you mean 'evaluate'");
    assert_error(run_program("demos colect"), 2, "did you mean 'demos collect'");
    assert_error(run_program("evaluate random --epsiodes 3"), 2, "did you mean --episodes");
    assert_error(run_program("evaluate random --set contact_ob=true"), 2, "'contact_obs'");
    assert_error(run_program("experiment --set bc.epoch=3"), 2, "'bc.epochs'");
    assert_error(run_program("experiment --preset ant-v6"), 2, "'ant-v5'");
    assert_error(run_program("evaluate random --task Ant-v4"), 2, "Ant-v5");
    assert_error(run_program("evaluate ant-v6"), 1, "'ant-v5'");
}

static void wrong_numbers_are_named(void **state) {
    (void)state;
    static const char *const bad[] = {"1e3x", "-1", "0",  "3.5", "99999999999999999999",
                                      "0x10", "''", "abc"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        outcome o = run_program("evaluate random --episodes %s", bad[i]);
        char shown[64];
        snprintf(shown, sizeof shown, bad[i][0] == '\'' ? "%s" : "'%s'", bad[i]);
        assert_error(o, 2, shown);
    }
    assert_error(run_program("evaluate random --seed -3"), 2, "'-3'");
    assert_error(run_program("evaluate random --seed 18446744073709551616"), 2,
                 "18446744073709551616");
    assert_error(run_program("evaluate random --threads 0"), 2, "'0'");
    assert_error(run_program("experiment --set bc.learning_rate=-1"), 2, "bc.learning_rate");
    assert_error(run_program("experiment --set demo_episodes=0"), 2, "demo_episodes");
}

static void misplaced_words_are_bad_usage(void **state) {
    (void)state;
    assert_error(run_program("evaluate"), 2, "POLICY");
    assert_error(run_program("evaluate a b"), 2, "'b'");
    assert_error(run_program("evaluate random --episodes"), 2, "--episodes");
    assert_error(run_program("evaluate random --seed 1 --seed 2"), 2, "twice");
    assert_error(run_program("evaluate random --json=yes"), 2, "no value");
    assert_error(run_program("tasks --seed 3"), 2, "--seed");
    assert_error(run_program("evaluate random --set contact_obs"), 2, "KEY=VALUE");
    assert_error(run_program("--json tasks"), 2, "follow the command");
    assert_error(run_program("experiment --out a --resume b"), 2, "--resume");
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    assert_error(run_program("evaluate ./nosuch.safetensors"), 1, "nosuch.safetensors");
    assert_error(run_program("demos info nosuch"), 1, "nosuch");
    assert_error(run_program("bc nosuch --out x.safetensors"), 1, "nosuch");
    assert_error(run_program("experiment --resume nosuch"), 1, "nosuch");
    assert_error(run_program("evaluate ant-v5 --data nosuch"), 1, "nosuch");
}

static void a_policy_of_another_observation_form_is_refused(void **state) {
    (void)state;
    outcome o = run_program("evaluate ant-v5 --set contact_obs=true");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "ant-v5.safetensors");
    assert_contains(o.err, "Ant-v5");
    assert_contains(o.err, "contact_obs");
    done(o);
}

static void hostile_names_do_not_reach_the_terminal(void **state) {
    (void)state;
    outcome o = run_program("evaluate \"$(printf './a\\033[2Jb.safetensors')\"");
    assert_int_equal(o.code, 1);
    assert_null(strchr(o.err, '\033'));
    done(o);
}

//------------------------------------------ Output ------------------------------------------------

static bool has_control(const char *text) {
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f) return true;
    return false;
}

static void without_a_terminal_there_are_no_control_characters(void **state) {
    (void)state;
    static const char *const lines[] = {"evaluate random --episodes 3", "tasks Ant-v5",
                                        "expert list", "--help", "evaluate --help"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        outcome o = run_program("%s", lines[i]);
        assert_done(o);
        assert_false(has_control(o.out));
        assert_false(has_control(o.err));
        done(o);
    }
}

// What the program writes on a terminal of this type.
static char *on_terminal(const char *term, const char *const *argv) {
    int terminal;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0) {
        setenv("TERM", term, 1);
        unsetenv("NO_COLOR");
        execv(UDY_PROGRAM, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0) {
        print_message("skipped: this system gives no pseudo-terminal\n");
        skip();
    }
    static char text[1 << 16];
    size_t n = 0;
    for (ssize_t got;
         n < sizeof text - 1 && (got = read(terminal, text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(exit_code(status), 0);
    close(terminal);
    return text;
}

static void a_terminal_gets_a_bar_and_a_dumb_one_does_not(void **state) {
    (void)state;
    static const char *const argv[] = {"understudy", "evaluate", "random",
                                       "--episodes", "20",       NULL};
    char *text = on_terminal("xterm", argv);
    assert_contains(text, "\r\033[K");
    assert_contains(text, "20/20 episodes");
    text = on_terminal("dumb", argv);
    assert_null(strchr(text, '\033'));
    assert_contains(text, "20/20 episodes");
}

static void quiet_means_no_progress(void **state) {
    (void)state;
    outcome o = run_program("evaluate random --episodes 3 --quiet");
    assert_done(o);
    assert_string_equal(o.err, "");
    done(o);
}

static void output_that_cannot_be_written_is_an_error(void **state) {
    (void)state;
    int status = system("'" UDY_PROGRAM "' tasks Ant-v5 >/dev/full 2>full.txt");
    assert_int_equal(exit_code(status), 1);
    char *text = read_all("full.txt");
    assert_contains(text, "error: standard output");
    free(text);
    // The reader is gone before the first word.
    status = system("{ sleep 0.3; '" UDY_PROGRAM
                    "' tasks Ant-v5 2>pipe.txt; echo $? >code.txt; } | true");
    assert_int_equal(exit_code(status), 0);
    text = read_all("code.txt");
    assert_string_equal(text, "1\n");
    free(text);
    text = read_all("pipe.txt");
    assert_contains(text, "error: standard output");
    free(text);
}

//------------------------------------------ evaluate ----------------------------------------------

static udy_json *parse(const char *text) {
    udy_json *root = NULL;
    udy_error err = {0};
    if (udy_json_parse(&root, text, strlen(text), "stdout", &err))
        fail_msg("%s: %s", err.message, text);
    return root;
}

static void evaluate_prints_the_promised_json(void **state) {
    (void)state;
    outcome o = run_program("evaluate random --episodes 5 --seed 7 --json");
    assert_done(o);
    udy_json *root = parse(o.out);
    const udy_json *returns = udy_json_get(root, "returns");
    assert_true(udy_json_is_array(returns));
    assert_int_equal(udy_json_size(returns), 5);
    assert_int_equal(udy_json_size(udy_json_get(root, "lengths")), 5);
    assert_int_equal(udy_json_size(udy_json_get(root, "ci95")), 2);
    static const char *const numbers[] = {"mean",    "std",      "iqm",        "falls",
                                          "too_low", "too_high", "speed_mean", "steps_per_s"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!udy_json_is_number(udy_json_get(root, numbers[i])))
            fail_msg("no number '%s'", numbers[i]);
    double sum = 0;
    for (size_t i = 0; i < 5; i++) sum += udy_json_value(udy_json_at(returns, i), NAN);
    assert_true(fabs(sum / 5 - udy_json_number(root, "mean", NAN)) < 1e-9);
    udy_json_free(root);
    done(o);
}

static void evaluate_does_not_depend_on_threads_but_on_the_seed(void **state) {
    (void)state;
    double mean[3];
    static const char *const how[] = {"--seed 7 --threads 1", "--seed 7 --threads 5", "--seed 8"};
    for (int i = 0; i < 3; i++) {
        outcome o = run_program("evaluate random --episodes 6 --json %s", how[i]);
        assert_done(o);
        if (i == 1) assert_contains(o.err, "note: 5 threads");
        udy_json *root = parse(o.out);
        mean[i] = udy_json_number(root, "mean", NAN);
        udy_json_free(root);
        done(o);
    }
    assert_true(mean[0] == mean[1]);
    assert_true(mean[0] != mean[2]);
}

static void the_shipped_experts_say_how_they_were_made(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double low, high;
    } shipped[] = {{"ant-v5-medium", 3500, 4500}, {"ant-v5", 8000, 10000}};
    outcome o = run_program("expert list --json");
    assert_done(o);
    udy_json *root = parse(o.out);
    done(o);
    assert_int_equal(udy_json_size(root), 2);
    for (size_t i = 0; i < 2; i++) {
        const udy_json *entry = udy_json_at(root, i), *test = udy_json_get(entry, "test");
        assert_string_equal(udy_json_string(entry, "name", ""), shipped[i].name);
        assert_string_equal(udy_json_string(entry, "task", ""), "Ant-v5");
        assert_true(udy_json_bool(entry, "gaussian", false));
        assert_contains(udy_json_string(entry, "made_by", ""), "understudy expert train");
        assert_true(strlen(udy_json_string(entry, "commit", "")) >= 7);
        assert_true(udy_json_number(test, "episodes", 0) >= 100);
        double mean = udy_json_number(test, "mean", NAN);
        assert_true(mean >= shipped[i].low && mean <= shipped[i].high);
    }
    udy_json_free(root);
}

//------------------------------------------ replay ------------------------------------------------

static const udy_tensor *tensor_of(const udy_safetensors *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const udy_tensor *tensor_of(const udy_safetensors *file, const char *format, ...) {
    char name[64];
    va_list list;
    va_start(list, format);
    vsnprintf(name, sizeof name, format, list);
    va_end(list);
    const udy_tensor *tensor = udy_safetensors_find(file, name);
    if (!tensor) fail_msg("no tensor '%s'", name);
    return tensor;
}

static void compare_replay(const char *golden_path, int seed, const char *set) {
    udy_error err = {0};
    udy_safetensors *golden, *played;
    outcome o = run_program(
        "replay --task Ant-v5 --seed %d --actions '%s' --tensor seed%d.action "
        "--out played.safetensors --force %s",
        seed, golden_path, seed, set);
    assert_done(o);
    done(o);
    assert_int_equal(udy_safetensors_open(&golden, golden_path, &err), 0);
    assert_int_equal(udy_safetensors_open(&played, "played.safetensors", &err), 0);
    static const char *const exact[] = {"obs", "qpos", "qvel", "terminated"};
    for (int i = 0; i < 4; i++) {
        const udy_tensor *a = tensor_of(golden, "seed%d.%s", seed, exact[i]);
        const udy_tensor *b = tensor_of(played, "%s", exact[i]);
        assert_int_equal(b->dtype, UDY_F64);
        assert_int_equal(a->n_bytes, b->n_bytes);
        assert_memory_equal(a->data, b->data, a->n_bytes);
    }
    static const char *const near[] = {"reward", "reward_forward", "reward_ctrl", "reward_contact",
                                       "reward_survive"};
    for (int i = 0; i < 5; i++) {
        const udy_tensor *a = tensor_of(golden, i ? "seed%d.info.%s" : "seed%d.%s", seed, near[i]);
        const udy_tensor *b = tensor_of(played, "%s", near[i]);
        assert_int_equal(a->n_bytes, b->n_bytes);
        for (size_t t = 0; t < a->n_bytes / sizeof(double); t++)
            assert_true(fabs(((const double *)a->data)[t] - ((const double *)b->data)[t]) <= 1e-12);
    }
    assert_int_equal(tensor_of(played, "truncated")->n_bytes, tensor_of(played, "reward")->n_bytes);
    udy_safetensors_close(golden);
    udy_safetensors_close(played);
}

static void replay_equals_gymnasium(void **state) {
    (void)state;
    for (int seed = 0; seed < 2; seed++) {
        compare_replay(UDY_SOURCE_DIR "/tests/data/golden-ant-27.safetensors", seed, "");
        compare_replay(UDY_SOURCE_DIR "/tests/data/golden-ant-105.safetensors", seed,
                       "--set contact_obs=true");
    }
}

static void write_actions(const char *path, udy_dtype dtype, int64_t rows, int64_t cols,
                          const void *data) {
    udy_error err = {0};
    udy_tensor tensor = {.name = "action",
                         .dtype = dtype,
                         .ndim = 2,
                         .shape = {rows, cols},
                         .data = data,
                         .n_bytes = (size_t)(rows * cols) * udy_dtype_size(dtype)};
    if (udy_safetensors_write(path, &tensor, 1, NULL, 0, &err)) fail_msg("%s", err.message);
}

static void replay_refuses_what_does_not_fit_and_leaves_nothing(void **state) {
    (void)state;
    double actions[16] = {0};
    write_actions("narrow.safetensors", UDY_F64, 2, 7, actions);
    assert_error(run_program("replay --actions narrow.safetensors --out o.safetensors"), 1,
                 "action");
    assert_int_not_equal(access("o.safetensors", F_OK), 0);
    actions[9] = NAN;
    write_actions("nan.safetensors", UDY_F64, 2, 8, actions);
    assert_error(run_program("replay --actions nan.safetensors --out o.safetensors"), 1, "step 1");
    assert_int_not_equal(access("o.safetensors", F_OK), 0);
    assert_error(run_program("replay --actions nan.safetensors"), 2, "--out");
}

static void replay_takes_f32_and_refuses_to_write_over(void **state) {
    (void)state;
    double wide[24];
    float narrow[24];
    for (int i = 0; i < 24; i++)
        wide[i] = narrow[i] = (float)(i % 5) / 8;  // the same numbers in both
    write_actions("wide.safetensors", UDY_F64, 3, 8, wide);
    write_actions("narrow.safetensors", UDY_F32, 3, 8, narrow);
    unlink("wide-out.safetensors");
    unlink("narrow-out.safetensors");
    outcome o =
        run_program("replay --actions wide.safetensors --out wide-out.safetensors --seed 4");
    assert_done(o);
    done(o);
    o = run_program("replay --actions narrow.safetensors --out narrow-out.safetensors --seed 4");
    assert_done(o);
    done(o);
    assert_int_equal(system("cmp wide-out.safetensors narrow-out.safetensors"), 0);
    assert_error(run_program("replay --actions wide.safetensors --out wide-out.safetensors"), 1,
                 "--force");
    o = run_program("replay --actions wide.safetensors --out wide-out.safetensors --force");
    assert_done(o);
    done(o);
}

//------------------------------------------ tasks -------------------------------------------------

static void tasks_shows_facts_and_options(void **state) {
    (void)state;
    outcome o = run_program("tasks Ant-v5 --json --set contact_obs=true");
    assert_done(o);
    udy_json *root = parse(o.out);
    assert_true(udy_json_number(root, "obs_dim", 0) == 105);
    assert_int_equal(udy_json_size(udy_json_get(root, "observation")), 105);
    const udy_json *skip = udy_json_get(udy_json_get(root, "settings"), "frame_skip");
    assert_string_equal(udy_json_string(skip, "value", ""), "5");
    assert_true(strlen(udy_json_string(skip, "help", "")) > 0);
    udy_json_free(root);
    done(o);
    o = run_program("tasks");
    assert_done(o);
    assert_contains(o.out, "Ant-v5\n");
    done(o);
}

int main(void) {
    make_work_dir("test_cli");
    unsetenv("UNDERSTUDY_DATA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_with_an_example),
        cmocka_unit_test(overall_help_lists_every_command),
        cmocka_unit_test(version_names_what_it_is_made_of),
        cmocka_unit_test(no_command_is_bad_usage),
        cmocka_unit_test(unknown_names_suggest_the_nearest),
        cmocka_unit_test(wrong_numbers_are_named),
        cmocka_unit_test(misplaced_words_are_bad_usage),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_policy_of_another_observation_form_is_refused),
        cmocka_unit_test(hostile_names_do_not_reach_the_terminal),
        cmocka_unit_test(without_a_terminal_there_are_no_control_characters),
        cmocka_unit_test(a_terminal_gets_a_bar_and_a_dumb_one_does_not),
        cmocka_unit_test(quiet_means_no_progress),
        cmocka_unit_test(output_that_cannot_be_written_is_an_error),
        cmocka_unit_test(evaluate_prints_the_promised_json),
        cmocka_unit_test(evaluate_does_not_depend_on_threads_but_on_the_seed),
        cmocka_unit_test(the_shipped_experts_say_how_they_were_made),
        cmocka_unit_test(replay_equals_gymnasium),
        cmocka_unit_test(replay_refuses_what_does_not_fit_and_leaves_nothing),
        cmocka_unit_test(replay_takes_f32_and_refuses_to_write_over),
        cmocka_unit_test(tasks_shows_facts_and_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
