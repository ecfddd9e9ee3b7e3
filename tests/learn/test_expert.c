// Training an expert in a run folder: the same bits but for timing on any number of threads, after
// any stop and any kill; the best of its evaluations, tested on fresh seeds; and refusals.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "kill_again.h"
#include "learn/config.h"
#include "shown_events.h"
#include "understudy/study.h"

static char first[1024];  // the run that others are compared with

//------------------------------------------ Helpers -----------------------------------------------

// Small, with everything in it: a replay that wraps, steps that no interval divides, a checkpoint at
// every report.
static udy_expert_config tiny_config(void) {
    udy_expert_config c;
    udy_expert_config_default(&c);
    memset(c.task, 0, sizeof c.task);
    snprintf(c.task, sizeof c.task, "InvertedPendulum-v5");
    CHECK(udy_task_config_default(&c.task_config, c.task, err));
    c.task_config.max_episode_steps = 60;
    c.checkpoint_minutes = 0;
    snprintf(c.preset, sizeof c.preset, "tiny");
    snprintf(c.command, sizeof c.command, "understudy expert train --preset tiny");
    c.sac.steps = 5200;
    c.sac.n_envs = 3;
    c.sac.random_steps = 300;
    c.sac.updates_per_step = 0.5;
    c.sac.replay_size = 1000;
    c.sac.batch_size = 32;
    c.sac.actor_hidden = c.sac.critic_hidden = (udy_ints){2, {32, 32}};
    c.sac.eval_interval = 700;
    c.sac.eval_episodes = 3;
    c.sac.test_episodes = 5;
    return c;
}
enum { EVALUATIONS = 8 };  // of 5200 steps, every 700 and at the end

static int run_in(const char *path, const udy_expert_config *config, int n_threads,
                  const udy_progress *progress, udy_error *err) {
    udy_run *run;
    bool exists = udy_dir_exists(path);
    int status =
        exists ? udy_run_open(&run, path, err) : udy_run_create(&run, path, "seed: 0\n", err);
    if (status) return status;
    status = udy_expert_train(run, config, n_threads, progress, err);
    udy_run_close(run);
    return status;
}

static udy_json *results_of(const char *run) {
    udy_json *results;
    CHECK(udy_json_load(&results, in(run, "results.json"), 1 << 24, err));
    return results;
}

static udy_curve_point *curve_of(const char *run, int *n) {
    udy_curve_point *curve;
    CHECK(udy_expert_curve(&curve, n, run, err));
    return curve;
}

//------------------------------------------ Comparing runs ----------------------------------------

static char *results_without_timing(const char *run) {
    udy_json *results = results_of(run);
    assert_non_null(udy_json_get(results, "timing"));
    udy_json_put_bool(results, "timing", true);
    char *text = udy_json_print(results, true);
    assert_non_null(text);
    udy_json_free(results);
    return text;
}

static bool is_timing(const char *name) {
    return !strcmp(name, "time") || !strcmp(name, "seconds") || strstr(name, "per_s");
}

// The log's lines on the training's course, without what a clock wrote; each event counted.
static char *course_of(const char *run, int *n_train, int *n_evaluations) {
    char *text, *out;
    size_t n, used = 0;
    CHECK(udy_file_read(&text, &n, in(run, "log.jsonl"), 1 << 24, err));
    out = udy_alloc(n + 1);
    assert_non_null(out);
    *n_train = *n_evaluations = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        udy_json *entry, *kept = udy_json_object();
        CHECK(udy_json_parse(&entry, line, (size_t)(end - line), "log", err));
        const char *event = udy_json_string(entry, "event", "");
        bool train = !strcmp(event, "train"), evaluation = !strcmp(event, "evaluation");
        for (size_t i = 0; i < udy_json_size(entry); i++)
            if (udy_json_is_number(udy_json_at(entry, i)) && !is_timing(udy_json_name_at(entry, i)))
                udy_json_put_number(kept, udy_json_name_at(entry, i),
                                    udy_json_value(udy_json_at(entry, i), NAN));
        udy_json_put_string(kept, "event", event);
        char *short_line = udy_json_print(kept, false);
        if (train || evaluation) used += (size_t)sprintf(out + used, "%s\n", short_line);
        *n_train += train;
        *n_evaluations += evaluation;
        udy_free(short_line);
        udy_json_free(kept);
        udy_json_free(entry);
    }
    udy_free(text);
    return out;
}

static void expect_same_run(const char *a, const char *b) {
    char *x = results_without_timing(a), *y = results_without_timing(b);
    assert_string_equal(x, y);
    udy_free(x);
    udy_free(y);
    int n_train[2], n_evaluations[2], n[2];
    x = course_of(a, &n_train[0], &n_evaluations[0]);
    y = course_of(b, &n_train[1], &n_evaluations[1]);
    assert_string_equal(x, y);
    // A report at every 500 steps and at every evaluation.
    assert_int_equal(n_train[0], 10 + EVALUATIONS - 1);
    assert_int_equal(n_evaluations[0], EVALUATIONS);
    udy_free(x);
    udy_free(y);
    udy_curve_point *c = curve_of(a, &n[0]), *d = curve_of(b, &n[1]);
    assert_int_equal(n[0], EVALUATIONS);
    assert_int_equal(n[1], EVALUATIONS);
    for (int i = 0; i < EVALUATIONS; i++) c[i].seconds = d[i].seconds = 0;
    assert_memory_equal(c, d, EVALUATIONS * sizeof *c);
    udy_free(c);
    udy_free(d);
    char p[1200], q[1200];
    snprintf(p, sizeof p, "%s/policies", a);
    snprintf(q, sizeof q, "%s/policies", b);
    expect_equal_folders(p, q);
    expect_same_events(a, b);
}

//------------------------------------------ The same bits -----------------------------------------

static void two_runs_on_one_and_two_threads_differ_in_timing_alone(void **state) {
    (void)state;
    char second[1024], other[1024];
    fresh("first", first);
    fresh("second", second);
    fresh("other", other);
    udy_expert_config config = tiny_config();
    CHECK(run_in(first, &config, 2, NULL, err));
    CHECK(run_in(second, &config, 1, NULL, err));
    expect_same_run(first, second);
    // Not because nothing depends on anything: another seed gives other policies.
    config.seed = 1;
    CHECK(run_in(other, &config, 2, NULL, err));
    assert_false(files_equal(in(first, "policies/last.safetensors"),
                             in(other, "policies/last.safetensors")));
}

// How often it reports on the way to its end.
static int watched_calls(const char *path, const udy_expert_config *config) {
    watcher w = {.stop_stage = "none", .stop_at = 1};
    udy_progress progress = watched(&w);
    CHECK(run_in(path, config, 1, &progress, err));
    return w.calls;
}

// The wall-clock that the last checkpoint stands for.
static double seconds_saved(const char *run) {
    udy_json *clock;
    CHECK(udy_json_load(&clock, in(run, "checkpoints/clock.json"), 1 << 20, err));
    const udy_json *seconds = udy_json_get(clock, "seconds");
    double last = udy_json_value(udy_json_at(seconds, udy_json_size(seconds) - 1), NAN);
    udy_json_free(clock);
    return last;
}

// Stopped at its first word each time, so at every report and before every evaluation.
static void stopped_at_every_report_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char path[1024];
    fresh("stopped", path);
    udy_expert_config config = tiny_config();
    int stops = 0, status;
    double before = 0;
    do {
        watcher w = {.stop_stage = "training", .stop_at = 1};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        status = run_in(path, &config, 1 + stops % 2, &progress, &err);
        if (!status) break;
        assert_int_equal(status, UDY_EINTERRUPTED);
        assert_non_null(strstr(err.message, "saved"));
        assert_false(udy_file_exists(in(path, "results.json")));
        stops++;
        double now = seconds_saved(path);
        assert_true(now > before);  // time adds up over the stops
        before = now;
    } while (stops < 60);
    print_message("%d stops\n", stops);
    assert_int_equal(status, UDY_OK);
    assert_true(stops >= 16);
    expect_same_run(first, path);
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    char path[1024];
    fresh("killed", path);
    kill_until_done(path, 22);
    expect_same_run(first, path);
}

static void a_finished_run_run_again_changes_nothing(void **state) {
    (void)state;
    char *before, *after;
    size_t n, m;
    udy_expert_config config = tiny_config();
    CHECK(udy_file_read(&before, &n, in(first, "results.json"), 1 << 24, err));
    CHECK(run_in(first, &config, 2, NULL, err));
    CHECK(udy_file_read(&after, &m, in(first, "results.json"), 1 << 24, err));
    assert_string_equal(before, after);  // its timing, too
    udy_free(before);
    udy_free(after);
    // Only the test is done again where only its result is missing.
    char *without = results_without_timing(first);
    CHECK(udy_file_remove(in(first, "results.json"), err));
    watcher w = {.stop_stage = "training", .stop_at = 1};
    udy_progress progress = watched(&w);
    CHECK(run_in(first, &config, 2, &progress, err));
    assert_int_equal(w.calls, 0);
    char *again = results_without_timing(first);
    assert_string_equal(without, again);
    udy_free(without);
    udy_free(again);
}

//------------------------------------------ From another's end ------------------------------------

enum { FROM_STEPS = 5202, FROM_END = 7000 };

// From the first run's end, with a learning rate that falls.
static udy_expert_config going_on_config(void) {
    udy_expert_config c = tiny_config();
    CHECK(udy_expert_config_from(&c, first, err));
    c.sac.steps = FROM_END;
    c.sac.learning_rate_final = 1e-5;
    return c;
}

static void from_anothers_end_it_starts_with_its_final_settings(void **state) {
    (void)state;
    char path[1024];
    fresh("falling", path);
    udy_expert_config c = tiny_config();
    c.sac.gamma_final = 0.95;
    c.sac.learning_rate_final = 1e-5;
    c.sac.target_entropy_final = -1.5;
    EXPECT_ERROR(UDY_EINVAL, udy_expert_config_from(&c, path, err), path, "not come to its end");
    CHECK(run_in(path, &c, 1, NULL, err));
    CHECK(udy_expert_config_from(&c, path, err));
    assert_true(c.sac.gamma == 0.95 && c.sac.gamma_final == -1);
    assert_true(c.sac.learning_rate == 1e-5 && c.sac.learning_rate_final == -1);
    assert_true(c.sac.target_entropy_per_action == -1.5);
    assert_int_equal(c.sac.from_steps, FROM_STEPS);
    assert_string_equal(c.from, path);
    assert_string_equal(c.from_command, "understudy expert train --preset tiny");
    assert_string_equal(c.command, "");
    // It is the settings of what has been done that the folder must be of.
    c = tiny_config();
    EXPECT_ERROR(UDY_EINVAL, udy_expert_config_from(&c, path, err), path, "not come to its end");
}

static void from_anothers_end_any_stop_ends_with_the_same_bits(void **state) {
    (void)state;
    char straight[1024], stopped[1024];
    fresh("straight", straight);
    fresh("stopped-on", stopped);
    udy_expert_config config = going_on_config();
    CHECK(udy_expert_check(&config, err));
    CHECK(run_in(straight, &config, 1, NULL, err));
    int n, m, last, stops = 0, status;
    udy_curve_point *curve = curve_of(straight, &n), *before = curve_of(first, &m);
    assert_int_equal(n, 3);  // at 5902, 6602 and 7000, in whole steps
    assert_int_equal(curve[0].steps, 5904);
    assert_int_equal(curve[1].steps, 6603);
    assert_int_equal(curve[2].steps, 7002);
    last = m - 1;
    assert_true(curve[0].updates > before[last].updates);
    assert_true(curve[0].seconds > before[last].seconds);  // the wall-clock from nothing
    do {
        watcher w = {.stop_stage = "training", .stop_at = 1};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        status = run_in(stopped, &config, 1 + stops % 2, &progress, &err);
        if (status) assert_int_equal(status, UDY_EINTERRUPTED);
        // Once it has begun the other one is no longer needed.
        snprintf(config.from, sizeof config.from, "gone");
    } while (status && ++stops < 60);
    assert_in_range(stops, 4, 60);
    udy_curve_point *again = curve_of(stopped, &m);
    assert_int_equal(m, n);
    for (int i = 0; i < n; i++) curve[i].seconds = again[i].seconds = 0;
    assert_memory_equal(curve, again, (size_t)n * sizeof *curve);
    char p[1200], q[1200];
    snprintf(p, sizeof p, "%s/policies", straight);
    snprintf(q, sizeof q, "%s/policies", stopped);
    expect_equal_folders(p, q);
    char *x = results_without_timing(straight), *y = results_without_timing(stopped);
    assert_string_equal(x, y);
    udy_free(x);
    udy_free(y);
    udy_json *results = results_of(straight);
    assert_string_equal(udy_json_string(results, "goes_on_from", ""),
                        "understudy expert train --preset tiny");
    udy_json_free(results);
    udy_policy *policy = load_policy(in(straight, "policies/best.safetensors"));
    assert_int_equal(atoi(udy_policy_metadata(policy, "goes_on_from_steps")), FROM_STEPS);
    udy_policy_destroy(policy);
    udy_free(curve);
    udy_free(before);
    udy_free(again);
    // The run that it goes on from is as it was.
    config = tiny_config();
    assert_int_equal(watched_calls(first, &config), 0);
}

static void from_an_end_that_does_not_fit_nothing_is_made(void **state) {
    (void)state;
    char path[1024];
    fresh("unfit", path);
    for (int i = 0; i < 4; i++) {
        udy_expert_config c = going_on_config();
        int expected = UDY_EMISMATCH;
        const char *says = "going on from";
        if (i == 0) c.sac.actor_hidden.v[0] = 16;
        if (i == 1) c.sac.from_steps = 30;
        if (i == 2) c.sac.steps = FROM_STEPS, expected = UDY_EINVAL, says = "sac.steps";
        if (i == 3) snprintf(c.from, sizeof c.from, "%s", path), expected = UDY_ENOENT;
        EXPECT_ERROR(expected, udy_expert_check(&c, err), says);
    }
    // A run's checkpoint may be gone where its results are not.
    char old[1100], hidden[1100];
    snprintf(old, sizeof old, "%s/checkpoints/sac", first);
    snprintf(hidden, sizeof hidden, "%s/checkpoints/gone", first);
    udy_expert_config c = tiny_config();
    assert_int_equal(rename(old, hidden), 0);
    EXPECT_ERROR(UDY_ENOENT, udy_expert_config_from(&c, first, err), "checkpoints/sac");
    assert_int_equal(rename(hidden, old), 0);
    assert_false(udy_dir_exists(path));
}

//------------------------------------------ What it leaves ----------------------------------------

static void evaluations_stand_at_every_interval_and_at_the_end(void **state) {
    (void)state;
    int n;
    udy_curve_point *curve = curve_of(first, &n);
    assert_int_equal(n, EVALUATIONS);
    for (int i = 0; i < n; i++) {
        // Whole steps of three simulations: 702, 1401, 2100, ..., 5202.
        int64_t steps = i < n - 1 ? 700 * (i + 1) : 5200;
        assert_int_equal(curve[i].steps, (steps + 2) / 3 * 3);
        assert_true(curve[i].n == 3 && curve[i].falls >= 0 && curve[i].falls <= 3);
        assert_true(i == 0 || (curve[i].seconds > curve[i - 1].seconds &&
                               curve[i].updates > curve[i - 1].updates));
        char name[64];
        snprintf(name, sizeof name, "policies/step-%09lld.safetensors", (long long)curve[i].steps);
        udy_policy *policy = load_policy(in(first, name));
        assert_true(udy_policy_gaussian(policy));
        assert_string_equal(udy_policy_metadata(policy, "preset"), "tiny");
        assert_string_equal(udy_policy_metadata(policy, "made_by"),
                            "understudy expert train --preset tiny");
        assert_int_equal(atoll(udy_policy_metadata(policy, "steps")), curve[i].steps);
        assert_int_equal(atoll(udy_policy_metadata(policy, "updates")), curve[i].updates);
        assert_null(udy_policy_metadata(policy, "return_mean"));
        udy_policy_destroy(policy);
    }
    assert_true(curve[n - 1].updates >= 5200 / 2 - 300 && curve[n - 1].updates <= 5200 / 2);
    udy_free(curve);
}

static void the_best_evaluation_is_tested_once_on_fresh_seeds(void **state) {
    (void)state;
    int n;
    udy_curve_point *curve = curve_of(first, &n);
    const udy_curve_point *best = udy_curve_best(curve, n);
    udy_json *results = results_of(first);
    const udy_json *chosen = udy_json_get(results, "chosen"), *test = udy_json_get(results, "test");
    assert_true(udy_json_number(chosen, "steps", 0) == (double)best->steps);
    assert_true(udy_json_number(chosen, "mean", 0) == best->mean);
    assert_int_equal(udy_json_size(udy_json_get(results, "curve")), n);
    for (int i = 0; i < n; i++) assert_true(curve[i].mean <= best->mean);
    // The file does what its metadata and the results say, on seeds of its own.
    udy_expert_config config = tiny_config();
    udy_task *task;
    CHECK(udy_task_create(&task, config.task, &config.task_config, err));
    udy_batch *batch = make_batch(task, 1);
    udy_policy *policy = load_policy(in(first, "policies/best.safetensors"));
    udy_evaluation e, s;
    CHECK(udy_evaluate(&e, policy, task, batch, 5, udy_seed_range(0, UDY_SEEDS_EVALUATE), "again",
                       NULL, err));
    CHECK(udy_evaluate(&s, policy, task, batch, 3, udy_seed_range(0, UDY_SEEDS_SELECT), "again",
                       NULL, err));
    assert_true(s.mean == best->mean && s.median == best->median && s.falls == best->falls);
    assert_true(e.mean == udy_json_number(test, "mean", NAN));
    assert_true(e.mean == atof(udy_policy_metadata(policy, "return_mean")));
    assert_true(e.ci95[0] == atof(udy_policy_metadata(policy, "return_ci95_low")));
    assert_int_equal(atoi(udy_policy_metadata(policy, "test_episodes")), 5);
    assert_int_equal(atoi(udy_policy_metadata(policy, "falls")), e.falls);
    for (size_t i = 0; i < 5; i++)
        assert_true(e.returns[i] ==
                    udy_json_value(udy_json_at(udy_json_get(test, "returns"), i), NAN));
    udy_evaluation_free(&e);
    udy_evaluation_free(&s);
    udy_policy_destroy(policy);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    udy_json_free(results);
    udy_free(curve);
}

static void of_equal_points_the_earlier_is_chosen_and_reached(void **state) {
    (void)state;
    const udy_curve_point curve[] = {{.steps = 1, .mean = 900},
                                     {.steps = 2, .mean = 5000},
                                     {.steps = 3, .mean = 4000},
                                     {.steps = 4, .mean = 5000}};
    assert_int_equal(udy_curve_best(curve, 4)->steps, 2);
    assert_int_equal(udy_curve_reached(curve, 4, 5000)->steps, 2);
    assert_int_equal(udy_curve_reached(curve, 4, 100)->steps, 1);
    assert_null(udy_curve_reached(curve, 4, 5000.1));
    assert_null(udy_curve_best(curve, 0));
}

//------------------------------------------ Divergence --------------------------------------------

// Its temperature runs away: alpha grows until the values are beyond all bounds.
static udy_expert_config diverging_config(void) {
    udy_expert_config c = tiny_config();
    c.sac.temperature_learning_rate = 0.02;
    c.sac.target_entropy_per_action = 100;
    return c;
}

static void divergence_stops_it_and_leaves_the_last_good_checkpoint(void **state) {
    (void)state;
    char path[1024];
    fresh("diverged", path);
    udy_expert_config config = diverging_config();
    EXPECT_ERROR(UDY_ENONFINITE, run_in(path, &config, 1, NULL, err), "diverged", "checkpoints/sac",
                 "last good checkpoint");
    assert_false(udy_file_exists(in(path, "results.json")));
    int n;
    udy_curve_point *curve = curve_of(path, &n);
    assert_in_range(n, 1, EVALUATIONS - 1);
    udy_free(curve);
    char *text;
    size_t n_bytes;
    CHECK(udy_file_read(&text, &n_bytes, in(path, "log.jsonl"), 1 << 24, err));
    assert_non_null(strstr(text, "\"failed\""));
    udy_free(text);
    // The checkpoint loads, and comes to the same.
    udy_error again = {0};
    assert_int_equal(run_in(path, &config, 2, NULL, &again), UDY_ENONFINITE);
    assert_non_null(strstr(again.message, "diverged"));
}

//------------------------------------------ Refusals ----------------------------------------------

// A run stopped after a few evaluations.
static void make_half(char path[1024]) {
    fresh("half", path);
    udy_expert_config config = tiny_config();
    for (int stops = 0; stops < 8; stops++) {
        watcher w = {.stop_stage = "training", .stop_at = 1};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        assert_int_equal(run_in(path, &config, 1, &progress, &err), UDY_EINTERRUPTED);
    }
}

static void a_run_does_not_go_on_as_another_training(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        udy_expert_config config = tiny_config();
        if (i == 0) config.seed = 9;
        if (i == 1) config.sac.gamma = 0.98;
        if (i == 2) config.task_config.reset_noise_scale = 0.02;
        if (i == 3) config.sac.steps = 6000;
        EXPECT_ERROR(UDY_EMISMATCH, run_in(first, &config, 1, NULL, err), first, "other settings");
    }
    // Notes and the pace of checkpoints decide nothing.
    udy_expert_config config = tiny_config();
    config.preset[0] = config.command[0] = '\0';
    config.checkpoint_minutes = 9;
    CHECK(run_in(first, &config, 1, NULL, err));
}

static void a_damaged_folder_is_an_error_that_names_the_file(void **state) {
    (void)state;
    char path[1024], *text;
    size_t n;
    udy_expert_config config = tiny_config();
    make_half(path);
    CHECK(udy_file_read(&text, &n, in(path, "curve.csv"), 1 << 20, err));
    char *line = strchr(text, '\n') + 1, *next = strchr(line, '\n') + 1;
    // Without its first evaluation; with one at another step; with a word in it.
    char *changed = udy_alloc(n + 100);
    assert_non_null(changed);
    for (int i = 0; i < 3; i++) {
        if (i == 0) sprintf(changed, "%.*s%s", (int)(line - text), text, next);
        if (i == 1) sprintf(changed, "%.*s9%s", (int)(line - text), text, line);
        if (i == 2) sprintf(changed, "%.*sx%s", (int)(line - text), text, line);
        put_file(in(path, "curve.csv"), changed, strlen(changed));
        EXPECT_ERROR(UDY_EFORMAT, run_in(path, &config, 1, NULL, err), "curve.csv");
    }
    // None at all, though the checkpoint is past them.
    CHECK(udy_file_remove(in(path, "curve.csv"), err));
    EXPECT_ERROR(UDY_EFORMAT, run_in(path, &config, 1, NULL, err), "curve.csv");
    put_file(in(path, "curve.csv"), text, n);
    CHECK(udy_file_remove(in(path, "checkpoints/sac/state.safetensors"), err));
    EXPECT_ERROR(UDY_ENOENT, run_in(path, &config, 1, NULL, err), "state.safetensors");
    udy_free(text);
    udy_free(changed);
}

static void what_is_no_curve_is_an_error_that_names_it(void **state) {
    (void)state;
#define HEADER \
    "steps,updates,seconds,mean,median,std,episodes,falls,too_low,too_high,speed_m_per_s\n"
    static const struct {
        const char *text;
        int status;
    } cases[] = {{"", UDY_ENOENT},
                 {HEADER, UDY_ENOENT},
                 {"steps\n", UDY_EFORMAT},
                 {HEADER "1,2,3,4,5,6,7,0,0,0\n", UDY_EFORMAT},
                 {HEADER "1,2,3,4,5,6,7,0,0,0,1,1\n", UDY_EFORMAT},
                 {HEADER "1,2,3,4,5,6,7,0,0,0,1", UDY_EFORMAT},
                 {HEADER "1,2,3,nan,5,6,7,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "1,2,3,1e999,5,6,7,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "-1,2,3,4,5,6,7,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "1.5,2,3,4,5,6,7,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "1,2,3,4,5,6,1e300,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "2,2,3,4,5,6,7,0,0,0,1\n2,2,3,4,5,6,7,0,0,0,1\n", UDY_EFORMAT},
                 {HEADER "1,2,3,4,5,6,7,0,0,0,"
                         "0000000000000000000000000000000000000000000000000001\n",
                  UDY_EFORMAT}};
    udy_curve_point *curve;
    int n;
    CHECK(udy_dir_make(at_root("none"), err));
    EXPECT_ERROR(UDY_ENOENT, udy_expert_curve(&curve, &n, at_root("none"), err), "curve.csv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file(at_root("none/curve.csv"), cases[i].text, strlen(cases[i].text));
        EXPECT_ERROR(cases[i].status, udy_expert_curve(&curve, &n, at_root("none"), err),
                     "none/curve.csv");
        assert_null(curve);
    }
    static const char good[] = HEADER "1,2,3,-4.5,5,6,7,3,1,2,-0.5\n";
    put_file(at_root("none/curve.csv"), good, sizeof good - 1);
    CHECK(udy_expert_curve(&curve, &n, at_root("none"), err));
    assert_int_equal(n, 1);
    const udy_curve_point p = {1, 2, 3, -4.5, 5, 6, 7, 3, 1, 2, -0.5};
    assert_memory_equal(curve, &p, sizeof p);
    udy_free(curve);
}

static void settings_that_make_no_sense_are_refused_by_name(void **state) {
    (void)state;
    char path[1024];
    for (int i = 0; i < 5; i++) {
        udy_expert_config c = tiny_config();
        int expected = UDY_EINVAL;
        const char *says = "";
        if (i == 0) c.sac.steps = 0, says = "sac.steps";
        if (i == 1) c.sac.gamma = NAN, says = "sac.gamma";
        if (i == 2) c.sac.eval_interval = 2, says = "sac.eval_interval";
        if (i == 3) c.task_config.max_episode_steps = 0, says = "max_episode_steps";
        if (i == 4) {
            snprintf(c.task, sizeof c.task, "InvertedPendulm-v5");
            expected = UDY_ENOENT, says = "InvertedPendulum-v5";
        }
        fresh("senseless", path);
        EXPECT_ERROR(expected, udy_expert_check(&c, err), says);
        assert_false(udy_dir_exists(path));
        EXPECT_ERROR(expected, run_in(path, &c, 1, NULL, err), says);
    }
}

static void every_parts_settings_are_in_the_table(void **state) {
    (void)state;
    int n = 0, parts = 7;
    for (const udy_field *f = udy_task_config_fields; f->key; f++) parts++;
    for (const udy_field *f = udy_sac_config_fields; f->key; f++) parts++;
    for (const udy_field *f = udy_expert_fields(); f->key; f++, n++)
        for (const udy_field *g = udy_expert_fields(); g != f; g++)
            assert_string_not_equal(f->key, g->key);
    assert_int_equal(n, parts);
    // The shipped baseline is the defaults, spelt out: every key of the algorithm stands in it.
    udy_expert_config c, preset;
    udy_expert_config_default(&c);
    udy_expert_config_default(&preset);
    memset(&preset.sac, 0, sizeof preset.sac);
    CHECK(udy_settings_load(&preset, udy_expert_fields(),
                            UDY_SOURCE_DIR "/presets/expert/ant-v5-sac.yaml", err));
    for (const udy_field *f = udy_expert_fields(); f->key; f++) {
        const udy_field one[2] = {*f, {0}};
        if (!udy_settings_equal(&c, &preset, one)) fail_msg("%s differs", f->key);
    }
}

// Every line of the shipped preset and of the ablation names a setting and a value that it takes.
static void the_preset_and_its_ablation_are_settings_of_today(void **state) {
    (void)state;
    udy_expert_config c, preset;
    memset(&preset, 0, sizeof preset);
    CHECK(udy_settings_load(&preset, udy_expert_fields(),
                            UDY_SOURCE_DIR "/presets/expert/ant-v5.yaml", err));
    assert_string_equal(preset.task, "Ant-v5");
    CHECK(udy__config_check(&preset.sac, udy_sac_config_fields, "sac.", err));
    char *text, *line_end, *word_end;
    size_t n, variants = 0, assignments = 0;
    CHECK(udy_file_read(&text, &n, UDY_SOURCE_DIR "/bench/ablation.txt", 1 << 20, err));
    for (char *line = strtok_r(text, "\n", &line_end); line;
         line = strtok_r(NULL, "\n", &line_end)) {
        if (*line == '#') continue;
        c = preset;
        (void)strtok_r(line, " ", &word_end);
        for (char *word; (word = strtok_r(NULL, " ", &word_end)); assignments++)
            CHECK(udy_settings_set(&c, udy_expert_fields(), word, err));
        CHECK(udy__config_check(&c.sac, udy_sac_config_fields, "sac.", err));
        variants++;
    }
    udy_free(text);
    assert_true(variants > 20 && assignments > variants);
}

//------------------------------------------ Main --------------------------------------------------

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_on_one_and_two_threads_differ_in_timing_alone),
        cmocka_unit_test(evaluations_stand_at_every_interval_and_at_the_end),
        cmocka_unit_test(the_best_evaluation_is_tested_once_on_fresh_seeds),
        cmocka_unit_test(of_equal_points_the_earlier_is_chosen_and_reached),
        cmocka_unit_test(a_finished_run_run_again_changes_nothing),
        cmocka_unit_test(stopped_at_every_report_it_ends_with_the_same_bits),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(from_anothers_end_it_starts_with_its_final_settings),
        cmocka_unit_test(from_anothers_end_any_stop_ends_with_the_same_bits),
        cmocka_unit_test(from_an_end_that_does_not_fit_nothing_is_made),
        cmocka_unit_test(divergence_stops_it_and_leaves_the_last_good_checkpoint),
        cmocka_unit_test(a_run_does_not_go_on_as_another_training),
        cmocka_unit_test(a_damaged_folder_is_an_error_that_names_the_file),
        cmocka_unit_test(what_is_no_curve_is_an_error_that_names_it),
        cmocka_unit_test(settings_that_make_no_sense_are_refused_by_name),
        cmocka_unit_test(every_parts_settings_are_in_the_table),
        cmocka_unit_test(the_preset_and_its_ablation_are_settings_of_today),
    };
    own_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--run")) {  // the child that is killed
        udy_error err = {0};
        udy_expert_config config = tiny_config();
        int status = run_in(argv[2], &config, 2, NULL, &err);
        if (status) fprintf(stderr, "%s\n", err.message);
        return status ? 1 : 0;
    }
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
