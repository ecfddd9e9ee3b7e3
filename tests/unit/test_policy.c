// Policies and their files: the same bits there and back, and every way in which a file can be
// wrong is an error that names it.
#include <math.h>

#include "test_learn_common.h"

static udy_task *task;

//------------------------------------------ A file to spoil ---------------------------------------

enum { HIDDEN = 5, TENSORS_MAX = 12, PAIRS_MAX = 12 };

// A policy file as it should be: 27-5-8.
typedef struct draft {
    float numbers[HIDDEN * O_DIM + A_DIM * HIDDEN + 64];
    udy_tensor tensors[TENSORS_MAX];
    size_t n_tensors;
    udy_text_pair pairs[PAIRS_MAX];
    size_t n_pairs;
} draft;

static udy_tensor *draft_tensor(draft *d, const char *name, int64_t rows, int64_t cols) {
    udy_tensor *t = &d->tensors[d->n_tensors++];
    *t = (udy_tensor){.name = name,
                      .dtype = UDY_F32,
                      .ndim = cols ? 2 : 1,
                      .shape = {rows, cols},
                      .data = d->numbers,
                      .n_bytes = (size_t)(rows * (cols ? cols : 1)) * sizeof(float)};
    return t;
}

static void draft_begin(draft *d) {
    *d = (draft){0};
    for (size_t i = 0; i < sizeof d->numbers / sizeof *d->numbers; i++)
        d->numbers[i] = (float)sin((double)i);
    draft_tensor(d, "net.0.weight", HIDDEN, O_DIM);
    draft_tensor(d, "net.0.bias", HIDDEN, 0);
    draft_tensor(d, "net.2.weight", A_DIM, HIDDEN);
    draft_tensor(d, "net.2.bias", A_DIM, 0);
    static const udy_text_pair sound[] = {
        {"format", "understudy.policy/1"},
        {"task", "Ant-v5"},
        {"activation", "relu"},
        {"output", "tanh"},
        {"contact_obs", "false"},
        {"action_low", "-1 -1 -1 -1 -1 -1 -1 -1"},
        {"action_high", "1 1 1 1 1 1 1 1"},
    };
    memcpy(d->pairs, sound, sizeof sound);
    d->n_pairs = sizeof sound / sizeof *sound;
}

static void draft_say(draft *d, const char *key, const char *value) {
    for (size_t i = 0; i < d->n_pairs; i++)
        if (!strcmp(d->pairs[i].key, key)) {
            if (value)
                d->pairs[i].value = value;
            else
                d->pairs[i] = d->pairs[--d->n_pairs];
            return;
        }
    d->pairs[d->n_pairs++] = (udy_text_pair){key, value};
}

static void draft_resize(draft *d, int i, int64_t rows, int64_t cols) {
    udy_tensor t = d->tensors[i];
    size_t n = d->n_tensors;
    draft_tensor(d, t.name, rows, cols);
    d->tensors[i] = d->tensors[n];
    d->n_tensors = n;
}

static void draft_drop(draft *d, const char *name) {
    for (size_t i = 0; i < d->n_tensors; i++)
        if (!strcmp(d->tensors[i].name, name)) {
            for (size_t k = i + 1; k < d->n_tensors; k++) d->tensors[k - 1] = d->tensors[k];
            d->n_tensors--;
            return;
        }
    fail_msg("no %s", name);
}

static const char *draft_write(const draft *d) {
    const char *path = at_root("draft.safetensors");
    CHECK(udy_safetensors_write(path, d->tensors, d->n_tensors, d->pairs, d->n_pairs, err));
    return path;
}

static udy_policy *sentinel(void) {
    return (udy_policy *)(uintptr_t)1;
}

#define REFUSED(status, d, ...)                                                                   \
    do {                                                                                          \
        udy_policy *refused = sentinel();                                                         \
        EXPECT_ERROR(status, udy_policy_load(&refused, draft_write(d), err), "draft.safetensors", \
                     __VA_ARGS__);                                                                \
        assert_null(refused);                                                                     \
    } while (0)

//------------------------------------------ Round trips -------------------------------------------

static void expect_same_actions(const udy_policy *a, const udy_policy *b) {
    udy_rng rng;
    udy_rng_init(&rng, 5);
    assert_int_equal(udy_policy_scratch_size(a), udy_policy_scratch_size(b));
    float *scratch = udy_alloc(udy_policy_scratch_size(a) * sizeof(float));
    assert_non_null(scratch);
    for (int i = 0; i < 50; i++) {
        double obs[O_DIM];
        float x[A_DIM], y[A_DIM];
        for (int k = 0; k < O_DIM; k++) obs[k] = 2 * udy_rng_normal(&rng);
        udy_policy_act(a, obs, x, scratch, NULL);
        udy_policy_act(b, obs, y, scratch, NULL);
        assert_memory_equal(x, y, sizeof x);
    }
    udy_free(scratch);
}

static void a_saved_policy_comes_back_with_the_same_bits_and_actions(void **state) {
    (void)state;
    udy_policy *expert = load_expert();
    const char *path = at_root("saved.safetensors");
    const udy_text_pair extra[] = {{"made_by", "a test"}, {"task", "Walker2d-v5"}, {"empty", ""}};
    CHECK(udy_policy_save(expert, path, extra, 3, err));
    udy_policy *back = load_policy(path);
    const udy_mlp *a = udy_policy_mlp(expert), *b = udy_policy_mlp(back);
    assert_int_equal(udy_mlp_param_count(a), udy_mlp_param_count(b));
    for (int i = 0; i < udy_mlp_param_count(a); i++) {
        udy_param p = udy_mlp_param(a, i), q = udy_mlp_param(b, i);
        assert_string_equal(p.name, q.name);
        assert_int_equal(p.rows, q.rows);
        assert_int_equal(p.cols, q.cols);
        assert_memory_equal(p.data, q.data, sizeof(float) * (size_t)p.rows * (size_t)p.cols);
    }
    expect_same_actions(expert, back);
    assert_string_equal(udy_policy_name(back), path);
    assert_string_equal(udy_policy_metadata(back, "made_by"), "a test");
    assert_string_equal(udy_policy_metadata(back, "empty"), "");
    assert_null(udy_policy_metadata(back, "absent"));
    assert_string_equal(udy_policy_task(back),
                        "Ant-v5");  // what a policy is for is not for others to say
    CHECK(udy_policy_check(back, task, err));
    const char *again = at_root("again.safetensors");
    CHECK(udy_policy_save(back, again, extra, 3, err));
    assert_true(files_equal(path, again));
    udy_policy_destroy(expert);
    udy_policy_destroy(back);
}

static void the_shipped_experts_load_with_their_heads(void **state) {
    (void)state;
    static const char *const names[] = {"ant-v5", "ant-v5-medium"};
    for (int i = 0; i < 2; i++) {
        char path[512];
        udy_safetensors *file;
        snprintf(path, sizeof path, UDY_SOURCE_DIR "/experts/%s.safetensors", names[i]);
        CHECK(udy_safetensors_open(&file, path, err));
        assert_non_null(udy_safetensors_find(file, "log_std.weight"));
        udy_safetensors_close(file);
        udy_policy *policy = load_policy(path);
        CHECK(udy_policy_check(policy, task, err));
        assert_true(udy_policy_gaussian(policy));
        assert_int_equal(udy_mlp_param_count(udy_policy_mlp(policy)), 6);
        udy_policy_destroy(policy);
    }
}

static void labels_in_batches_equal_actions_row_by_row(void **state) {
    (void)state;
    enum { N = 5000 };  // more than one block of labels
    udy_policy *expert = load_expert();
    udy_pool *pool = make_pool(2);
    float *obs = udy_alloc(N * O_DIM * sizeof(float)),
          *labels = udy_alloc(N * A_DIM * sizeof(float));
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof(float));
    assert_true(obs && labels && scratch);
    udy_rng rng;
    udy_rng_init(&rng, 1);
    for (int i = 0; i < N * O_DIM; i++) obs[i] = (float)udy_rng_normal(&rng);
    CHECK(udy_policy_label(expert, pool, obs, N, labels, err));
    double worst = 0, size = 0;
    for (int i = 0; i < N; i++) {
        double x[O_DIM];
        float action[A_DIM];
        for (int k = 0; k < O_DIM; k++) x[k] = (double)obs[i * O_DIM + k];
        udy_policy_act(expert, x, action, scratch, NULL);
        for (int k = 0; k < A_DIM; k++) {
            worst = fmax(worst, fabs((double)action[k] - (double)labels[i * A_DIM + k]));
            size = fmax(size, fabs((double)action[k]));
        }
    }
    assert_true(worst < 1e-5);
    assert_true(size > 0.5);  // not all zeros
    udy_free(obs);
    udy_free(labels);
    udy_free(scratch);
    udy_pool_destroy(pool);
    udy_policy_destroy(expert);
}

static void action_bounds_survive_a_save_to_the_last_bit(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    draft_say(&d, "action_low", "-0.33333333333333331 -1 -1 -1 -1 -1 -1 -0.1");
    draft_say(&d, "action_high", "0.40000000000000002 1 1 1 1 1 1 1e-300");
    udy_policy *policy = load_policy(draft_write(&d));
    const char *path = at_root("bounds.safetensors");
    CHECK(udy_policy_save(policy, path, NULL, 0, err));
    udy_policy_destroy(policy);
    udy_safetensors *file;
    CHECK(udy_safetensors_open(&file, path, err));
    char *end;
    assert_true(strtod(udy_safetensors_metadata(file, "action_low"), &end) == -1.0 / 3);
    assert_true(strtod(udy_safetensors_metadata(file, "action_high"), &end) == 0.4);
    udy_safetensors_close(file);
}

//------------------------------------------ Refusals ----------------------------------------------

static void wrong_shapes_are_named_with_expected_and_found(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    udy_policy_destroy(load_policy(draft_write(&d)));  // sound before it is spoilt
    draft_resize(&d, 2, A_DIM, HIDDEN + 1);
    REFUSED(UDY_EMISMATCH, &d, "net.2.weight", "5", "6");
    draft_begin(&d);
    draft_resize(&d, 1, HIDDEN - 1, 0);
    REFUSED(UDY_EMISMATCH, &d, "net.0.bias", "5", "4");
    draft_begin(&d);
    draft_resize(&d, 0, HIDDEN * O_DIM, 0);
    REFUSED(UDY_EMISMATCH, &d, "net.0.weight");
    draft_begin(&d);
    draft_tensor(&d, "log_std.weight", A_DIM, HIDDEN);
    draft_tensor(&d, "log_std.bias", A_DIM, 0);
    udy_policy_destroy(load_policy(draft_write(&d)));
    draft_resize(&d, 4, A_DIM, HIDDEN + 3);
    REFUSED(UDY_EMISMATCH, &d, "log_std.weight");
    draft_resize(&d, 4, A_DIM, HIDDEN);
    draft_resize(&d, 5, A_DIM + 1, 0);
    REFUSED(UDY_EMISMATCH, &d, "log_std.bias");
}

static void missing_and_extra_tensors_are_named(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    draft_drop(&d, "net.2.bias");
    REFUSED(UDY_EMISMATCH, &d, "net.2.bias");
    draft_begin(&d);
    draft_drop(&d, "net.0.weight");
    REFUSED(UDY_EFORMAT, &d, "net.0.weight");
    draft_begin(&d);
    draft_drop(&d, "net.2.weight");  // then its bias has no place
    REFUSED(UDY_EFORMAT, &d, "net.2.bias");
    draft_begin(&d);
    draft_tensor(&d, "net.8.weight", 2, 2);  // past a gap
    REFUSED(UDY_EFORMAT, &d, "net.8.weight");
    draft_begin(&d);
    draft_tensor(&d, "q.0.weight", 2, 2);
    REFUSED(UDY_EFORMAT, &d, "q.0.weight");
    draft_begin(&d);
    d.n_tensors = 0;
    REFUSED(UDY_EFORMAT, &d, "net.0.weight");
}

static void more_layers_or_actions_than_supported_are_refused(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    d.n_tensors = 0;
    static char names[2 * (UDY_MLP_LAYERS_MAX + 1)][32];
    udy_tensor tensors[2 * (UDY_MLP_LAYERS_MAX + 1)];
    for (int l = 0; l <= UDY_MLP_LAYERS_MAX; l++)
        for (int bias = 0; bias < 2; bias++) {
            char *name = names[2 * l + bias];
            snprintf(name, 32, "net.%d.%s", 2 * l, bias ? "bias" : "weight");
            tensors[2 * l + bias] = *draft_tensor(&d, name, 4, bias ? 0 : 4);
            d.n_tensors = 0;
        }
    udy_policy *policy = sentinel();
    const char *path = at_root("deep.safetensors");
    CHECK(udy_safetensors_write(path, tensors, 2 * (UDY_MLP_LAYERS_MAX + 1), d.pairs, 1, err));
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_load(&policy, path, err), "deep.safetensors",
                 "layers", "8");
    assert_null(policy);
    draft_begin(&d);
    draft_resize(&d, 0, 1, 1);
    draft_resize(&d, 1, 1, 0);
    draft_resize(&d, 2, UDY_ACT_DIM_MAX + 1, 1);
    draft_resize(&d, 3, UDY_ACT_DIM_MAX + 1, 0);
    REFUSED(UDY_EUNSUPPORTED, &d, "65", "64");
    draft_begin(&d);
    draft_resize(&d, 0, 0, O_DIM);
    REFUSED(UDY_EUNSUPPORTED, &d, "net.0.weight", "[0, 27]");
}

static void a_nan_or_infinite_weight_is_named_with_its_place(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    d.numbers[7] = NAN;  // every tensor starts with these
    REFUSED(UDY_ENONFINITE, &d, "net.0.weight", "nan", "element 7");
    draft_begin(&d);
    d.numbers[0] = -INFINITY;
    REFUSED(UDY_ENONFINITE, &d, "net.0.weight", "-inf", "element 0");
}

static void metadata_that_is_wrong_is_quoted(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    draft_say(&d, "activation", "swoosh");
    REFUSED(UDY_EUNSUPPORTED, &d, "activation", "swoosh");
    draft_begin(&d);
    draft_say(&d, "output", "");
    REFUSED(UDY_EUNSUPPORTED, &d, "output");
    draft_begin(&d);
    draft_say(&d, "format", "understudy.policy/2");
    REFUSED(UDY_EFORMAT, &d, "understudy.policy/2", "understudy.policy/1");
    draft_begin(&d);
    draft_say(&d, "format", NULL);
    REFUSED(UDY_EFORMAT, &d, "(absent)", "understudy.policy/1");
    draft_begin(&d);
    draft_say(&d, "contact_obs", "True");
    REFUSED(UDY_EFORMAT, &d, "contact_obs", "True");
    static const char *const bad_bounds[] = {"",
                                             "1",
                                             "1 1 1 1 1 1 1",
                                             "1 1 1 1 1 1 1 1 1",
                                             "1 1 1 1 1 1 1 x",
                                             "nan 1 1 1 1 1 1 1",
                                             "1 1 1 inf 1 1 1 1",
                                             "-2 1 1 1 1 1 1 1",
                                             "-1 1 1 1 1 1 1 1",
                                             "1,1,1,1,1,1,1,1"};
    for (size_t i = 0; i < sizeof bad_bounds / sizeof *bad_bounds; i++) {
        draft_begin(&d);
        draft_say(&d, "action_high", bad_bounds[i]);
        REFUSED(UDY_EFORMAT, &d, "action_high", "8");
    }
    draft_begin(&d);
    draft_say(&d, "action_low", NULL);
    REFUSED(UDY_EFORMAT, &d, "action_low");
}

// A message goes to a terminal: a file must not steer it.
static void control_characters_of_a_file_stay_out_of_messages(void **state) {
    (void)state;
    static const char *const keys[] = {"format", "activation", "contact_obs", "action_low", "task"};
    for (int i = 0; i < 5; i++) {
        draft d;
        udy_error err = {0};
        udy_policy *policy;
        draft_begin(&d);
        draft_say(&d, keys[i], "a\x1b[2Jb\n");
        int status = udy_policy_load(&policy, draft_write(&d), &err);
        if (i == 4) {
            assert_int_equal(status, UDY_OK);
            status = udy_policy_check(policy, task, &err);
            udy_policy_destroy(policy);
        }
        assert_int_not_equal(status, UDY_OK);
        assert_non_null(strstr(err.message, "[2Jb"));
        for (const char *c = err.message; *c; c++) assert_true((unsigned char)*c >= 0x20);
    }
}

static void a_policy_of_another_task_or_form_is_refused_naming_both(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    draft_say(&d, "task", "Walker2d-v5");
    udy_policy *policy = load_policy(draft_write(&d));
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, task, err), "Walker2d-v5", "Ant-v5");
    udy_policy_destroy(policy);
    draft_begin(&d);
    draft_say(&d, "contact_obs", "true");
    policy = load_policy(draft_write(&d));
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, task, err), "with contact forces",
                 "without", "--set contact_obs=true");
    udy_policy_destroy(policy);
    udy_task *contact = make_task(10, true);
    policy = load_expert();
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, contact, err), "without contact forces",
                 "--set contact_obs=false");
    udy_policy_destroy(policy);
    udy_task_destroy(contact);
    draft_begin(&d);
    draft_say(&d, "task", NULL);  // unknown: sizes alone decide
    policy = load_policy(draft_write(&d));
    assert_string_equal(udy_policy_task(policy), "");
    CHECK(udy_policy_check(policy, task, err));
    udy_policy_destroy(policy);
    draft_resize(&d, 0, HIDDEN, O_DIM + 1);
    policy = load_policy(draft_write(&d));
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, task, err), "28", "27", "Ant-v5");
    udy_policy_destroy(policy);
}

static void what_is_no_policy_file_is_refused(void **state) {
    (void)state;
    udy_policy *policy = sentinel();
    EXPECT_ERROR(UDY_ENOENT, udy_policy_load(&policy, at_root("absent.safetensors"), err),
                 "absent");
    assert_null(policy);
    udy_error err = {0};
    assert_int_not_equal(udy_policy_load(&policy, root, &err), UDY_OK);  // a folder
    assert_non_null(strstr(err.message, root));
    put_file(at_root("empty"), "", 0);
    assert_int_equal(udy_policy_load(&policy, at_root("empty"), &err), UDY_EFORMAT);
    assert_null(policy);
    assert_int_equal(udy_policy_load(&policy, at_root("empty"), NULL), UDY_EFORMAT);
}

static void a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    draft d;
    draft_begin(&d);
    char *whole;
    size_t n;
    CHECK(udy_file_read(&whole, &n, draft_write(&d), 1 << 20, err));
    const char *path = at_root("cut.safetensors");
    for (size_t cut = 0; cut < n; cut += cut < 600 ? 7 : 101) {
        udy_policy *policy = sentinel();
        put_file(path, whole, cut);
        EXPECT_ERROR(UDY_EFORMAT, udy_policy_load(&policy, path, err), "cut.safetensors");
        assert_null(policy);
    }
    udy_free(whole);
}

//------------------------------------------ Random, and made of a network -------------------------

static void the_random_policy_is_uniform_in_the_bounds_and_labels_nothing(void **state) {
    (void)state;
    udy_policy *policy;
    CHECK(udy_policy_random(&policy, task, err));
    CHECK(udy_policy_check(policy, task, err));
    assert_string_equal(udy_policy_name(policy), "random");
    assert_null(udy_policy_mlp(policy));
    udy_rng rng;
    udy_rng_init(&rng, 3);
    double obs[O_DIM] = {0}, sum = 0, squares = 0;
    enum { N = 4000 };
    float scratch[4];
    assert_true(udy_policy_scratch_size(policy) <= 4);
    for (int i = 0; i < N; i++) {
        float action[A_DIM];
        udy_policy_act(policy, obs, action, scratch, &rng);
        for (int k = 0; k < A_DIM; k++) {
            assert_true(action[k] >= -1 && action[k] <= 1);
            sum += (double)action[k];
            squares += (double)action[k] * (double)action[k];
        }
    }
    assert_true(fabs(sum / (N * A_DIM)) < 0.02);
    assert_true(fabs(squares / (N * A_DIM) - 1.0 / 3) < 0.01);
    udy_pool *pool = make_pool(1);
    float x[O_DIM] = {0}, y[A_DIM];
    EXPECT_ERROR(UDY_EINVAL, udy_policy_label(policy, pool, x, 1, y, err), "random");
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_save(policy, at_root("r"), NULL, 0, err), "random");
    assert_false(udy_file_exists(at_root("r")));
    udy_pool_destroy(pool);
    udy_policy_destroy(policy);
    udy_policy_destroy(NULL);
}

static void a_network_of_another_size_makes_no_policy(void **state) {
    (void)state;
    udy_mlp *mlp;
    udy_mlp_config config = {.n_layers = 1, .dims = {O_DIM, A_DIM + 1}};
    CHECK(udy_mlp_create(&mlp, &config, err));
    udy_policy *policy = sentinel();
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_from_mlp(&policy, mlp, task, err), "27", "9", "Ant-v5",
                 "8");
    assert_null(policy);
    udy_mlp_destroy(mlp);
}

static void a_policy_saved_where_it_cannot_be_leaves_nothing(void **state) {
    (void)state;
    udy_policy *expert = load_expert();
    EXPECT_ERROR(UDY_ENOENT, udy_policy_save(expert, at_root("no/such/p"), NULL, 0, err),
                 "no/such");
    assert_false(udy_dir_exists(at_root("no")));
    udy_policy_destroy(expert);
}

static int set_up(void **state) {
    task = make_task(100, false);
    return make_root(state);
}

static int tear_down(void **state) {
    udy_task_destroy(task);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_policy_comes_back_with_the_same_bits_and_actions),
        cmocka_unit_test(the_shipped_experts_load_with_their_heads),
        cmocka_unit_test(labels_in_batches_equal_actions_row_by_row),
        cmocka_unit_test(action_bounds_survive_a_save_to_the_last_bit),
        cmocka_unit_test(wrong_shapes_are_named_with_expected_and_found),
        cmocka_unit_test(missing_and_extra_tensors_are_named),
        cmocka_unit_test(more_layers_or_actions_than_supported_are_refused),
        cmocka_unit_test(a_nan_or_infinite_weight_is_named_with_its_place),
        cmocka_unit_test(metadata_that_is_wrong_is_quoted),
        cmocka_unit_test(control_characters_of_a_file_stay_out_of_messages),
        cmocka_unit_test(a_policy_of_another_task_or_form_is_refused_naming_both),
        cmocka_unit_test(what_is_no_policy_file_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(the_random_policy_is_uniform_in_the_bounds_and_labels_nothing),
        cmocka_unit_test(a_network_of_another_size_makes_no_policy),
        cmocka_unit_test(a_policy_saved_where_it_cannot_be_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
