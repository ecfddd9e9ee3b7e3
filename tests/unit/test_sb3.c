// Models of Stable-Baselines3: the actions that it gives itself, for kept samples, for the models of
// ../shared/interop, and for any folder that tests/golden/make_sb3.py made:
//
//     test_sb3 --compare FOLDER
//
// What is hostile, or no policy of linear layers, is refused by name.
#include <math.h>

#include "io/archive.h"
#include "io/sb3.h"
#include "test_learn_common.h"

static const char samples[] = UDY_SOURCE_DIR "/tests/data/sb3";

//------------------------------------------ One model ---------------------------------------------

static const char *path_in(const char *folder, const char *name, const char *suffix) {
    static char paths[8][1100];
    static int turn;
    char *path = paths[turn = (turn + 1) % 8];
    snprintf(path, sizeof paths[0], "%s/%s%s", folder, name, suffix);
    return path;
}

typedef struct numbers {
    udy_safetensors *file;
    const double *obs, *action, *log_std;  // log_std Nullable
    size_t n;
} numbers;

static numbers read_numbers(const char *path, int O, int A) {
    numbers e = {0};
    const udy_tensor *t;
    CHECK(udy_safetensors_open(&e.file, path, err));
    CHECK(udy_safetensors_require(e.file, "obs", UDY_F64, 2, (int64_t[]){-1, O}, &t, err));
    e.obs = t->data;
    e.n = (size_t)t->shape[0];
    assert_true(e.n >= 8);
    CHECK(udy_safetensors_require(e.file, "action", UDY_F64, 2, (int64_t[]){(int64_t)e.n, A}, &t,
                                  err));
    e.action = t->data;
    t = udy_safetensors_find(e.file, "log_std");
    e.log_std = t ? t->data : NULL;
    return e;
}

// The largest difference of a policy's actions from what is expected, of all rows.
static double worst(const udy_policy *policy, const double *obs, const double *expected, size_t n,
                    int O, int A, const double *clamp) {
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof *scratch);
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        float action[UDY_ACT_DIM_MAX];
        udy_policy_act(policy, obs + i * (size_t)O, action, scratch, NULL);
        for (int k = 0; k < A; k++) {
            double a = (double)action[k];
            if (clamp) a = fmin(fmax(a, clamp[0]), clamp[1]);
            double d = fabs(a - expected[i * (size_t)A + (size_t)k]);
            if (!(d <= most)) most = d;
        }
    }
    udy_free(scratch);
    return most;
}

// The same network with the head as its last layer: its log-std, before the clamp.
static double worst_head(const udy_plain_policy *plain, const numbers *e) {
    udy_plain_policy p = *plain;
    udy_policy *policy;
    p.layer[p.n_layers - 1].weight = plain->log_std_weight;
    p.layer[p.n_layers - 1].bias = plain->log_std_bias;
    p.log_std_weight = p.log_std_bias = NULL;
    p.bounded = p.clip = false;
    strcpy(p.output, "identity");
    assert_string_equal(plain->log_std_bound, "clamp");
    CHECK(udy_policy_from_plain(&policy, &p, "head", err));
    double d = worst(policy, e->obs, e->log_std, e->n, p.obs_dim, p.act_dim, plain->log_std_range);
    udy_policy_destroy(policy);
    return d;
}

static void expect_same_actions(const char *folder, const char *name) {
    udy_plain_policy plain;
    udy_sb3_facts facts;
    udy_policy *policy;
    const char *normalize = path_in(folder, name, ".vecnormalize.pkl");
    if (!udy_file_exists(normalize)) normalize = NULL;
    CHECK(udy_sb3_read(&plain, &facts, path_in(folder, name, ".zip"), normalize, err));
    CHECK(udy_policy_from_plain(&policy, &plain, name, err));
    numbers e =
        read_numbers(path_in(folder, name, ".expected.safetensors"), plain.obs_dim, plain.act_dim);
    double d = worst(policy, e.obs, e.action, e.n, plain.obs_dim, plain.act_dim, NULL);
    if (!(d < 1e-5)) fail_msg("%s: actions differ by %g", name, d);
    assert_int_equal(udy_policy_gaussian(policy), plain.log_std_weight != NULL);
    if (e.log_std) {
        double h = worst_head(&plain, &e);
        if (!(h < 2e-5)) fail_msg("%s: log-std differs by %g", name, h);
    }
    assert_true(facts.algorithm[0]);
    assert_int_equal(strlen(facts.sha256), 64);
    udy_safetensors_close(e.file);
    udy_policy_destroy(policy);
    udy_free(plain.block);
}

static void expect_refusal(const char *folder, const char *name) {
    char *words;
    size_t n;
    CHECK(udy_file_read(&words, &n, path_in(folder, name, ".refused.txt"), 1000, err));
    words[strcspn(words, "\n")] = '\0';
    udy_plain_policy plain;
    udy_sb3_facts facts;
    udy_error err = {0};
    const char *path = path_in(folder, name, ".zip");
    int status = udy_sb3_read(&plain, &facts, path, NULL, &err);
    if (status != UDY_EUNSUPPORTED && status != UDY_ENONFINITE)
        fail_msg("%s: %s %s", name, udy_status_name(status), err.message);
    if (!strstr(err.message, words) || !strstr(err.message, path))
        fail_msg("%s: '%s' is not in '%s'", name, words, err.message);
    assert_null(plain.block);
    udy_free(words);
}

// Every model of a folder; how many there are.
static size_t check_folder(const char *folder) {
    char **names;
    size_t n, checked = 0;
    CHECK(udy_dir_list(&names, &n, folder, ".zip", err));
    for (size_t i = 0; i < n; i++) {
        names[i][strlen(names[i]) - 4] = '\0';
        if (udy_file_exists(path_in(folder, names[i], ".refused.txt")))
            expect_refusal(folder, names[i]);
        else
            expect_same_actions(folder, names[i]);
        checked++;
    }
    udy_free(names);
    return checked;
}

//------------------------------------------ Folders -----------------------------------------------

static void kept_samples_act_as_stable_baselines3_does(void **state) {
    (void)state;
    assert_true(check_folder(samples) >= 12);
}

static void the_models_of_interop_act_as_stable_baselines3_does(void **state) {
    (void)state;
    static const char folder[] = UDY_SHARED_DIR "/interop";
    if (!udy_dir_exists(folder)) {
        print_message("skipped: no ../shared/interop\n");
        skip();
    }
    assert_int_equal(check_folder(folder), 3);
}

static const char *compared;  // --compare FOLDER

static void models_of_the_folder_act_as_stable_baselines3_does(void **state) {
    (void)state;
    size_t n = check_folder(compared);
    print_message("%zu models of %s\n", n, compared);
    assert_true(n > 0);
}

//------------------------------------------ What a model says -------------------------------------

static udy_sb3_facts read_sample(const char *name, const char *vecnormalize,
                                 udy_plain_policy *plain) {
    udy_sb3_facts facts;
    udy_error err = {0};
    if (udy_sb3_read(plain, &facts, path_in(samples, name, ".zip"), vecnormalize, &err))
        fail_msg("%s", err.message);
    assert_int_equal(err.code, 0);  // nothing is said of what went well
    return facts;
}

static void algorithm_version_and_form_are_told(void **state) {
    (void)state;
    static const struct {
        const char *name, *algorithm, *version, *activation, *output;
        bool clip, head, gsde;
        int layers;
    } rows[] = {{"sac", "SAC", "2.", "relu", "tanh", false, true, false, 3},
                {"tqc", "TQC", "2.", "relu", "tanh", false, true, false, 3},
                {"td3", "TD3", "2.", "relu", "tanh", false, false, false, 3},
                {"ddpg", "DDPG", "2.", "relu", "tanh", false, false, false, 3},
                {"ppo", "PPO", "2.", "tanh", "identity", true, false, false, 3},
                {"a2c", "A2C", "2.", "tanh", "identity", true, false, false, 3},
                {"ppo-normalized", "PPO", "2.", "elu", "identity", true, false, false, 2},
                {"sac-gsde", "SAC", "2.", "relu", "tanh", false, false, true, 3},
                {"ppo-gsde", "PPO", "2.", "tanh", "tanh", false, false, true, 2},
                {"ppo-v11-shared", "PPO", "1.1.0", "tanh", "identity", true, false, false, 4},
                {"sac-v18", "SAC", "1.8.0", "relu", "tanh", false, true, false, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        udy_plain_policy p;
        udy_sb3_facts f = read_sample(rows[i].name, NULL, &p);
        assert_string_equal(f.algorithm, rows[i].algorithm);
        assert_true(strncmp(f.version, rows[i].version, strlen(rows[i].version)) == 0);
        assert_string_equal(p.activation, rows[i].activation);
        assert_string_equal(p.output, rows[i].output);
        assert_int_equal(p.clip, rows[i].clip);
        assert_int_equal(p.log_std_weight != NULL, rows[i].head);
        assert_int_equal(f.gsde, rows[i].gsde);
        assert_int_equal(p.n_layers, rows[i].layers);
        assert_true(p.bounded && p.low[0] == -2 && p.high[0] == 3);
        assert_true(p.high[1] == (double)0.4f);  // as float32 has it
        assert_string_equal(p.task, "");
        udy_free(p.block);
    }
}

static void statistics_that_are_not_the_models_are_refused(void **state) {
    (void)state;
    udy_plain_policy p;
    udy_sb3_facts facts;
    const char *model = path_in(samples, "ppo-normalized", ".zip");
    facts =
        read_sample("ppo-normalized", path_in(samples, "ppo-normalized", ".vecnormalize.pkl"), &p);
    assert_true(facts.normalized && facts.clip_obs == 1.5 && p.obs_low && !facts.norm_obs_off);
    assert_int_equal(strlen(facts.vecnormalize_sha256), 64);
    udy_free(p.block);
    EXPECT_ERROR(UDY_ENOENT, udy_sb3_read(&p, &facts, model, at_root("absent.pkl"), err), "absent");
    assert_null(p.block);
    EXPECT_ERROR(UDY_EFORMAT, udy_sb3_read(&p, &facts, model, model, err), "byte");
    // A pickle that is honest, and something else.
    put_file(at_root("list.pkl"),
             "\x80\x04]K\x01"
             "a.",
             7);
    EXPECT_ERROR(UDY_EFORMAT, udy_sb3_read(&p, &facts, model, at_root("list.pkl"), err),
                 "VecNormalize.save");
    // One that would run a command.
    static const char evil[] = "cos\nsystem\n(S'echo pwned'\ntR.";
    put_file(at_root("evil.pkl"), evil, sizeof evil - 1);
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_sb3_read(&p, &facts, model, at_root("evil.pkl"), err),
                 "os.system", "evil.pkl");
    static const char folder[] = UDY_SHARED_DIR "/interop";
    if (udy_dir_exists(folder))
        EXPECT_ERROR(UDY_EMISMATCH,
                     udy_sb3_read(&p, &facts, model,
                                  path_in(folder, "ppo-ant-v5", ".vecnormalize.pkl"), err),
                     "27", "5");
}

//------------------------------------------ Hostile models ----------------------------------------

enum { PARTS_MAX = 16 };

// A sample with one entry changed: text [n] in its place, or left out (NULL).
static const char *variant(const char *name, const char *entry, const void *text, size_t n) {
    udy__archive *zip;
    udy__archive_part parts[PARTS_MAX];
    char *data[PARTS_MAX] = {0};
    size_t n_parts = 0;
    CHECK(udy__archive_open(&zip, path_in(samples, name, ".zip"), err));
    for (size_t i = 0; i < udy__archive_count(zip); i++) {
        const char *e = udy__archive_entry(zip, i);
        size_t bytes;
        assert_true(i < PARTS_MAX);
        if (!strcmp(e, entry) && !text) continue;
        CHECK(udy__archive_read(zip, e, 1 << 20, &data[i], &bytes, err));
        parts[n_parts++] = !strcmp(e, entry) ? (udy__archive_part){e, text, n}
                                             : (udy__archive_part){e, data[i], bytes};
    }
    const char *path = at_root("variant.zip");
    CHECK(udy__archive_write(path, parts, n_parts, err));
    for (size_t i = 0; i < PARTS_MAX; i++) udy_free(data[i]);
    udy__archive_close(zip);
    return path;
}

static char *entry_of(const char *name, const char *entry, size_t *n) {
    udy__archive *zip;
    char *data;
    CHECK(udy__archive_open(&zip, path_in(samples, name, ".zip"), err));
    CHECK(udy__archive_read(zip, entry, 1 << 20, &data, n, err));
    udy__archive_close(zip);
    return data;
}

// The sample's `data` with a piece of text replaced.
static const char *with_json(const char *name, const char *from, const char *to) {
    size_t n;
    char *json = entry_of(name, "data", &n), *at = strstr(json, from);
    if (!at) fail_msg("'%s' is not in data", from);
    char *out = udy_alloc(n + strlen(to) + 1);
    size_t before = (size_t)(at - json);
    int used =
        snprintf(out, n + strlen(to) + 1, "%.*s%s%s", (int)before, json, to, at + strlen(from));
    const char *path = variant(name, "data", out, (size_t)used);
    udy_free(out);
    udy_free(json);
    return path;
}

static void expect_error(int status, const char *path, const char *words) {
    udy_plain_policy plain;
    udy_sb3_facts facts;
    EXPECT_ERROR(status, udy_sb3_read(&plain, &facts, path, NULL, err), words, path);
    assert_null(plain.block);
}

static void what_is_no_model_is_refused(void **state) {
    (void)state;
    udy_plain_policy plain;
    udy_sb3_facts facts;
    EXPECT_ERROR(UDY_ENOENT, udy_sb3_read(&plain, &facts, at_root("absent.zip"), NULL, err),
                 "absent.zip");
    put_file(at_root("text.zip"), "hello", 5);
    expect_error(UDY_EFORMAT, at_root("text.zip"), "zip");
    const udy__archive_part part = {"readme", "hello", 5};
    CHECK(udy__archive_write(at_root("other.zip"), &part, 1, err));
    expect_error(UDY_EFORMAT, at_root("other.zip"), "'data'");
    expect_error(UDY_EFORMAT, variant("sac", "policy.pth", NULL, 0), "'policy.pth'");
    expect_error(UDY_EFORMAT, variant("sac", "data", "{", 1), "data:1");
    expect_error(UDY_EFORMAT, variant("sac", "data", "[]", 2), "policy_class");
    expect_error(UDY_EFORMAT, variant("sac", "policy.pth", "PK", 2), "zip");
    expect_error(UDY_EUNSUPPORTED,
                 variant("sac", "policy.pth", "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15),
                 "before 1.6");
}

static void a_version_that_is_missing_or_odd_stops_nothing(void **state) {
    (void)state;
    udy_plain_policy plain;
    udy_sb3_facts facts;
    static const char entry[] = "_stable_baselines3_version";
    CHECK(udy_sb3_read(&plain, &facts, variant("sac", entry, NULL, 0), NULL, err));
    assert_string_equal(facts.version, "");
    udy_free(plain.block);
    CHECK(udy_sb3_read(&plain, &facts, variant("sac", entry, "2.9\x1b[2J", 7), NULL, err));
    assert_string_equal(facts.version, "2.9");
    udy_free(plain.block);
}

static void numbers_that_json_has_not_are_no_matter(void **state) {
    (void)state;
    udy_plain_policy plain;
    udy_sb3_facts facts;
    const char *path =
        with_json("sac", "\"verbose\": 0",
                  "\"verbose\": NaN, \"a\": -Infinity, \"b\": [Infinity, \"NaN\\\"\"]");
    CHECK(udy_sb3_read(&plain, &facts, path, NULL, err));
    udy_free(plain.block);
}

static void a_class_or_space_that_is_not_in_the_json_is_named(void **state) {
    (void)state;
    expect_error(UDY_EFORMAT, with_json("sac", "\"policy_class\"", "\"policy_klass\""),
                 "policy_class");
    expect_error(UDY_EFORMAT, with_json("sac", "\"action_space\"", "\"x\""), "action_space");
    expect_error(UDY_EFORMAT, with_json("sac", "\"observation_space\"", "\"x\""),
                 "observation_space");
    // "gAWV" begins every pickle of protocol 5.
    expect_error(UDY_EFORMAT, with_json("sac", "gAWV", "!AWV"), "base64");
    expect_error(UDY_EUNSUPPORTED, with_json("sac", "gAWV", "gP+V"), "protocol 255");
}

// The pickle of `import os; os.system(...)` in the place of a class.
static void a_pickle_that_would_run_code_is_refused_by_name(void **state) {
    (void)state;
    // cos\nsystem\n(S'true'\ntR.
    const char *path =
        with_json("sac", "\":serialized:\": \"gAWV",
                  "\":serialized:\": \"Y29zCnN5c3RlbQooUyd0cnVlJwp0Ui4=\", \"was\": \"");
    expect_error(UDY_EUNSUPPORTED, path, "os.system");
}

static void a_bomb_is_refused_before_it_goes_off(void **state) {
    (void)state;
    enum { MANY = 64 << 20 };
    char *zeros = udy_alloc(MANY);
    const char *path = variant("sac", "policy.pth", zeros, MANY);  // stored
    udy_free(zeros);
    char *zip;
    size_t n;
    CHECK(udy_file_read(&zip, &n, path, (size_t)1 << 30, err));
    expect_error(UDY_EFORMAT, path, "zip");  // 64 MB of nothing: read, and no archive
    // The same claim without the bytes: the directory alone says 64 MB, of the first 1000.
    udy__archive_part small = {"data", "{}", 2};
    CHECK(udy__archive_write(at_root("claim.zip"), &small, 1, err));
    udy_free(zip);
    CHECK(udy_file_read(&zip, &n, at_root("claim.zip"), 1000, err));
    for (size_t i = 0; i + 4 < n; i++) {
        if (memcmp(zip + i, "PK\1\2", 4)) continue;
        zip[i + 10] = 8;  // deflated
        memset(zip + i + 24, 0xF0, 4);
    }
    put_file(at_root("claim.zip"), zip, n);
    expect_error(UDY_EFORMAT, at_root("claim.zip"), "claims");
    udy_free(zip);
}

static int set_up(void **state) {
    return make_root(state);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--compare")) {
        compared = argv[2];
        const struct CMUnitTest one[] = {
            cmocka_unit_test(models_of_the_folder_act_as_stable_baselines3_does)};
        return cmocka_run_group_tests(one, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_samples_act_as_stable_baselines3_does),
        cmocka_unit_test(the_models_of_interop_act_as_stable_baselines3_does),
        cmocka_unit_test(algorithm_version_and_form_are_told),
        cmocka_unit_test(statistics_that_are_not_the_models_are_refused),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(a_version_that_is_missing_or_odd_stops_nothing),
        cmocka_unit_test(numbers_that_json_has_not_are_no_matter),
        cmocka_unit_test(a_class_or_space_that_is_not_in_the_json_is_named),
        cmocka_unit_test(a_pickle_that_would_run_code_is_refused_by_name),
        cmocka_unit_test(a_bomb_is_refused_before_it_goes_off),
    };
    return cmocka_run_group_tests(tests, set_up, remove_root);
}
