// `understudy expert list` and `evaluate --stochastic`: what an expert's file says is shown, whoever
// reads it, and sampled actions repeat by seed, whatever the threads.
#include "program.h"

#include <math.h>
#include <sys/stat.h>

#include "understudy/understudy.h"

static udy_json *parse(const char *text) {
    udy_error err = {0};
    udy_json *root;
    if (udy_json_parse(&root, text, strlen(text), "stdout", &err))
        fail_msg("%s: %s", err.message, text);
    return root;
}

//------------------------------------------ A folder of experts -----------------------------------

// Write experts/NAME.safetensors: a policy of Ant-v5, 27-3-8, that says this besides.
static void write_expert(const char *name, bool head, const udy_text_pair *said, size_t n_said) {
    static const float numbers[128];
    const int64_t shapes[][2] = {{3, 27}, {3, 0}, {8, 3}, {8, 0}, {8, 3}, {8, 0}};
    static const char *const names[] = {"net.0.weight", "net.0.bias",     "net.2.weight",
                                        "net.2.bias",   "log_std.weight", "log_std.bias"};
    udy_tensor tensors[6];
    for (int i = 0; i < 6; i++) {
        int64_t cols = shapes[i][1];
        tensors[i] = (udy_tensor){.name = names[i],
                                  .dtype = UDY_F32,
                                  .ndim = cols ? 2 : 1,
                                  .shape = {shapes[i][0], cols},
                                  .data = numbers,
                                  .n_bytes = (size_t)(shapes[i][0] * (cols ? cols : 1)) * 4};
    }
    udy_text_pair pairs[24] = {{"format", "understudy.policy/1"},
                               {"task", "Ant-v5"},
                               {"activation", "relu"},
                               {"output", "tanh"},
                               {"contact_obs", "false"}};
    for (size_t i = 0; i < n_said; i++) pairs[5 + i] = said[i];
    udy_error err = {0};
    char path[256];
    snprintf(path, sizeof path, "data/experts/%s.safetensors", name);
    if (udy_safetensors_write(path, tensors, head ? 6 : 4, pairs, 5 + n_said, &err))
        fail_msg("%s", err.message);
}

static void write_experts(void) {
    static const udy_text_pair trained[] = {
        {"made_by", "understudy expert train --preset ant-v5 --seed 3"},
        {"preset", "ant-v5"},
        {"seed", "3"},
        {"steps", "2000000"},
        {"updates", "997500"},
        {"return", "8012 mean, in words"},
        {"return_mean", "8012.25"},
        {"return_ci95_low", "7901.5"},
        {"return_ci95_high", "8120.75"},
        {"test_episodes", "100"},
        {"test_seed", "204472320"},
        {"falls", "3"},
        {"too_low", "1"},
        {"too_high", "2"},
        {"speed_m_per_s", "7.123"},
        {"commit", "abc1234"},
    };
    static const udy_text_pair vague[] = {{"return", "about 12\x1b[2J"}};
    make_work_dir("cli-expert");
    mkdir("data", 0777);
    mkdir("data/experts", 0777);
    write_expert("trained", true, trained, sizeof trained / sizeof *trained);
    write_expert("vague", false, vague, 1);
    write_expert("silent", false, NULL, 0);
}

static const udy_json *entry_of(const udy_json *list, const char *name) {
    for (size_t i = 0; i < udy_json_size(list); i++)
        if (!strcmp(udy_json_string(udy_json_at(list, i), "name", ""), name))
            return udy_json_at(list, i);
    fail_msg("no expert '%s'", name);
    return NULL;
}

static void the_list_tells_how_an_expert_was_made_and_what_it_scores(void **state) {
    (void)state;
    write_experts();
    outcome o = run_program("expert list --data data");
    assert_done(o);
    static const char *const parts[] = {
        "trained\n",
        "8012.2 mean, 95 % interval [7901.5, 8120.8], 100 episodes from seed 204472320",
        "3 of 100 (1 too low, 2 too high)",
        "7.12 m/s",
        "understudy expert train --preset ant-v5 --seed 3",
        "preset ant-v5, seed 3, 2000000 steps, 997500 updates",
        "abc1234",
        "27-3-8, 116 parameters",
        "--stochastic",
        "Ant-v5, 27 observations, contact forces left out",
        "vague\n",
        "about 12?[2J",
        "not measured",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) assert_contains(o.out, parts[i]);
    // What is not known is not made up.
    const char *silent = strstr(o.out, "silent\n");
    assert_non_null(silent);
    char block[1024];
    const char *end = strstr(silent, "  file");
    snprintf(block, sizeof block, "%.*s", (int)(end - silent), silent);
    assert_null(strstr(block, "falls"));
    assert_null(strstr(block, "training"));
    assert_null(strstr(block, "nan"));
    assert_null(strstr(block, "--stochastic"));
    done(o);
}

static void the_list_as_json_has_numbers(void **state) {
    (void)state;
    write_experts();
    outcome o = run_program("expert list --data data --json");
    assert_done(o);
    udy_json *root = parse(o.out);
    assert_int_equal(udy_json_size(root), 3);
    const udy_json *trained = entry_of(root, "trained"), *vague = entry_of(root, "vague");
    const udy_json *test = udy_json_get(trained, "test"), *size = udy_json_get(trained, "size");
    const udy_json *ci95 = udy_json_get(test, "ci95"), *layers = udy_json_get(size, "layers");
    assert_true(udy_json_number(test, "mean", 0) == 8012.25);
    assert_true(udy_json_value(udy_json_at(ci95, 0), 0) == 7901.5);
    assert_true(udy_json_value(udy_json_at(ci95, 1), 0) == 8120.75);
    assert_true(udy_json_number(test, "episodes", 0) == 100);
    assert_true(udy_json_number(test, "falls", 0) == 3);
    assert_true(udy_json_number(test, "too_low", 0) == 1);
    assert_true(udy_json_number(test, "too_high", 0) == 2);
    assert_int_equal(udy_json_size(layers), 3);
    assert_true(udy_json_number(size, "parameters", 0) == 27 * 3 + 3 + 3 * 8 + 8);
    struct stat st;
    assert_int_equal(stat("data/experts/trained.safetensors", &st), 0);
    assert_true(udy_json_number(size, "bytes", 0) == (double)st.st_size);
    assert_true(udy_json_bool(trained, "gaussian", false));
    assert_string_equal(udy_json_string(trained, "preset", ""), "ant-v5");
    assert_string_equal(udy_json_string(udy_json_get(trained, "metadata"), "commit", ""),
                        "abc1234");
    assert_false(udy_json_bool(vague, "gaussian", true));
    assert_true(isnan(udy_json_number(udy_json_get(vague, "test"), "mean", NAN)));
    udy_json_free(root);
    done(o);
}

static void named_experts_and_files_alone_are_told_of(void **state) {
    (void)state;
    write_experts();
    outcome o = run_program("expert list --data data trained data/experts/vague.safetensors");
    assert_done(o);
    assert_contains(o.out, "trained\n");
    assert_contains(o.out, "vague\n");
    assert_null(strstr(o.out, "silent"));
    done(o);
    o = run_program("expert list --data data nobody trained");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "nobody");
    assert_contains(o.out, "trained\n");
    done(o);
}

static void a_damaged_expert_is_said_and_the_others_listed(void **state) {
    (void)state;
    write_experts();
    FILE *f = fopen("data/experts/broken.safetensors", "w");
    assert_non_null(f);
    fputs("nothing of the kind", f);
    fclose(f);
    outcome o = run_program("expert list --data data");
    assert_int_equal(o.code, 1);
    assert_contains(o.err, "broken.safetensors");
    assert_contains(o.out, "trained\n");
    assert_contains(o.out, "vague");
    done(o);
}

//------------------------------------------ Evaluating --------------------------------------------

#define SHORT "--episodes 3 --seed 11 --json --quiet --set max_episode_steps=40"

static void numbers_of(const char *args, double out[3], bool stochastic) {
    outcome o = run_program("%s", args);
    assert_done(o);
    udy_json *root = parse(o.out);
    for (int i = 0; i < 3; i++)
        out[i] = udy_json_value(udy_json_at(udy_json_get(root, "returns"), (size_t)i), NAN);
    assert_int_equal(udy_json_bool(root, "stochastic", !stochastic), stochastic);
    udy_json_free(root);
    done(o);
}

static void sampled_actions_repeat_by_seed_whatever_the_threads(void **state) {
    (void)state;
    double mean[3], one[3], two[3], other[3];
    numbers_of("expert evaluate ant-v5 " SHORT, mean, false);
    numbers_of("expert evaluate ant-v5 --stochastic --threads 1 " SHORT, one, true);
    numbers_of("evaluate ant-v5 --stochastic --threads 2 " SHORT, two, true);
    numbers_of(
        "evaluate ant-v5 --stochastic --episodes 3 --seed 12 --json --quiet --set "
        "max_episode_steps=40",
        other, true);
    assert_memory_equal(one, two, sizeof one);
    assert_true(one[1] == other[0] && one[2] == other[1]);  // episode i is of seed S + i
    for (int i = 0; i < 3; i++) assert_true(one[i] != mean[i]);
}

static void what_has_no_head_is_not_sampled(void **state) {
    (void)state;
    write_experts();
    assert_error(run_program("evaluate random --stochastic"), 1, "without --stochastic");
    assert_error(run_program("evaluate data/experts/silent.safetensors --stochastic"), 1,
                 "log_std.weight");
}

static void early_ends_are_told_apart(void **state) {
    (void)state;
    const char *const ranges[] = {"[0.5, 3]", "[0.2, 0.8]"};
    for (int high = 0; high < 2; high++) {
        outcome o = run_program("evaluate random --episodes 10 --quiet --set 'healthy_z_range=%s'",
                                ranges[high]);
        assert_done(o);
        int falls, of, too_low, too_high;
        const char *line = strstr(o.out, "falls");
        assert_non_null(line);
        assert_int_equal(sscanf(line, "falls %d of %d (%d too low, %d too high)", &falls, &of,
                                &too_low, &too_high),
                         4);
        assert_int_equal(of, 10);
        assert_true(falls > 3);
        assert_int_equal(high ? too_high : too_low, falls);
        assert_int_equal(high ? too_low : too_high, 0);
        done(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_tells_how_an_expert_was_made_and_what_it_scores),
        cmocka_unit_test(the_list_as_json_has_numbers),
        cmocka_unit_test(named_experts_and_files_alone_are_told_of),
        cmocka_unit_test(a_damaged_expert_is_said_and_the_others_listed),
        cmocka_unit_test(sampled_actions_repeat_by_seed_whatever_the_threads),
        cmocka_unit_test(what_has_no_head_is_not_sampled),
        cmocka_unit_test(early_ends_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
