// Policies to and from the plain form of other software, and what imported ones bring along: actions
// and observations that are clipped. What does not clip keeps its bits.
#include <math.h>

#include "test_learn_common.h"

enum { O = 3, H = 4, A = 2, ROWS = 9000 };  // rows: more than two blocks of labels

static float weights[2][H * H], biases[2][H], head_weight[A * H], head_bias[A];

static udy_plain_policy make_plain(void) {
    udy_rng rng;
    udy_rng_init(&rng, 5);
    for (int i = 0; i < H * H; i++) {
        weights[0][i] = (float)udy_rng_normal(&rng);
        weights[1][i] = (float)udy_rng_normal(&rng);
    }
    for (int i = 0; i < H; i++) biases[0][i] = biases[1][i] = (float)udy_rng_normal(&rng);
    for (int i = 0; i < A * H; i++) head_weight[i] = (float)udy_rng_normal(&rng);
    udy_plain_policy p = {.n_layers = 2,
                          .obs_dim = O,
                          .act_dim = A,
                          .layer = {{O, H, weights[0], biases[0]}, {H, A, weights[1], biases[1]}},
                          .activation = "tanh",
                          .output = "identity",
                          .bounded = true,
                          .low = {-0.5, -1},
                          .high = {0.25, 2},
                          .task = "Ant-v5",
                          .contact_obs = true};
    return p;
}

static udy_policy *policy_of(const udy_plain_policy *plain) {
    udy_policy *policy;
    CHECK(udy_policy_from_plain(&policy, plain, "made up", err));
    return policy;
}

static float obs[ROWS * O], actions[2][ROWS * A];

static void act_all(const udy_policy *policy, float *out) {
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof *scratch);
    for (int i = 0; i < ROWS; i++) {
        double x[O];
        for (int k = 0; k < O; k++) x[k] = (double)obs[i * O + k];
        udy_policy_act(policy, x, out + i * A, scratch, NULL);
    }
    udy_free(scratch);
}

static void label_all(const udy_policy *policy, float *out) {
    udy_pool *pool = make_pool(2);
    CHECK(udy_policy_label(policy, pool, obs, ROWS, out, err));
    udy_pool_destroy(pool);
}

// What act and label give, which is the same.
static const float *actions_of(const udy_policy *policy) {
    act_all(policy, actions[0]);
    label_all(policy, actions[1]);
    for (int i = 0; i < ROWS * A; i++)
        if (!(fabsf(actions[0][i] - actions[1][i]) < 2e-6f))
            fail_msg("element %d: %g acted, %g labelled", i, (double)actions[0][i],
                     (double)actions[1][i]);
    return actions[0];
}

static udy_policy *saved_and_loaded(const udy_policy *policy) {
    const char *path = at_root("p.safetensors");
    CHECK(udy_policy_save(policy, path, NULL, 0, err));
    return load_policy(path);
}

//------------------------------------------ Plain and back ----------------------------------------

static void a_plain_policy_comes_back_as_it_went_in(void **state) {
    (void)state;
    udy_plain_policy in = make_plain(), out;
    in.clip = true;
    in.log_std_weight = head_weight;
    in.log_std_bias = head_bias;
    strcpy(in.log_std_bound, "squash");
    in.log_std_range[0] = -5;
    in.log_std_range[1] = 1.5;
    udy_policy *policy = policy_of(&in);
    assert_true(udy_policy_gaussian(policy) && udy_policy_contact_obs(policy));
    assert_string_equal(udy_policy_name(policy), "made up");
    CHECK(udy_policy_plain(&out, policy, err));
    assert_int_equal(out.n_layers, 2);
    for (int l = 0; l < 2; l++) {
        size_t n = (size_t)in.layer[l].in * (size_t)in.layer[l].out;
        assert_int_equal(out.layer[l].in, in.layer[l].in);
        assert_int_equal(out.layer[l].out, in.layer[l].out);
        assert_memory_equal(out.layer[l].weight, in.layer[l].weight, n * sizeof(float));
        assert_memory_equal(out.layer[l].bias, in.layer[l].bias,
                            (size_t)in.layer[l].out * sizeof(float));
    }
    assert_memory_equal(out.log_std_weight, head_weight, sizeof head_weight);
    assert_memory_equal(out.log_std_bias, head_bias, sizeof head_bias);
    assert_string_equal(out.log_std_bound, "squash");
    assert_true(out.log_std_range[0] == -5 && out.log_std_range[1] == 1.5);
    assert_string_equal(out.activation, "tanh");
    assert_string_equal(out.output, "identity");
    assert_string_equal(out.task, "Ant-v5");
    assert_true(out.clip && out.bounded && out.contact_obs && !out.obs_low && !out.block);
    for (int k = 0; k < A; k++) assert_true(out.low[k] == in.low[k] && out.high[k] == in.high[k]);
    udy_policy_destroy(policy);
}

static void what_is_wrong_with_a_plain_policy_is_said(void **state) {
    (void)state;
    udy_policy *policy;
    udy_plain_policy p = make_plain();
    strcpy(p.activation, "mish");
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_from_plain(&policy, &p, "x.zip", err), "mish",
                 "x.zip");
    assert_null(policy);
    p = make_plain();
    p.layer[1].in = 5;
    EXPECT_ERROR(UDY_EINVAL, udy_policy_from_plain(&policy, &p, "x.zip", err), "x.zip");
    p = make_plain();
    weights[1][3] = NAN;
    EXPECT_ERROR(UDY_ENONFINITE, udy_policy_from_plain(&policy, &p, "x.zip", err), "x.zip", "nan");
    p = make_plain();
    p.clip = true;
    p.bounded = false;
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_from_plain(&policy, &p, "x.zip", err), "x.zip");
    p = make_plain();
    p.log_std_weight = head_weight;
    p.log_std_bias = head_bias;
    strcpy(p.log_std_bound, "fold");
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_from_plain(&policy, &p, "x.zip", err), "'fold'");
    static const double low[O] = {0, 0, 0}, high[O] = {1, 0, 1};
    p = make_plain();
    p.obs_low = low;
    p.obs_high = high;
    EXPECT_ERROR(UDY_EINVAL, udy_policy_from_plain(&policy, &p, "x.zip", err), "observation 1");
    assert_null(policy);
    udy_plain_policy none;
    udy_task *task = make_task(10, false);
    CHECK(udy_policy_random(&policy, task, err));
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_policy_plain(&none, policy, err), "random");
    udy_policy_destroy(policy);
    udy_task_destroy(task);
}

//------------------------------------------ Clipped actions ---------------------------------------

static void clipped_actions_stay_within_the_bounds_and_else_are_the_networks(void **state) {
    (void)state;
    static float plain[ROWS * A];
    udy_plain_policy p = make_plain();
    udy_policy *free_policy = policy_of(&p), *clipped;
    memcpy(plain, actions_of(free_policy), sizeof plain);
    p.clip = true;
    clipped = policy_of(&p);
    const float *got = actions_of(clipped);
    int below = 0, above = 0, within = 0;
    for (int i = 0; i < ROWS * A; i++) {
        float low = (float)p.low[i % A], high = (float)p.high[i % A];
        float expected = plain[i] < low ? low : plain[i] > high ? high : plain[i];
        assert_true(got[i] == expected);
        below += plain[i] < low;
        above += plain[i] > high;
        within += plain[i] >= low && plain[i] <= high;
    }
    assert_true(below > 100 && above > 100 && within > 100);
    assert_true(udy_policy_hash(clipped) != udy_policy_hash(free_policy));
    udy_policy *loaded = saved_and_loaded(clipped);
    assert_string_equal(udy_policy_metadata(loaded, "action_clip"), "true");
    assert_true(udy_policy_hash(loaded) == udy_policy_hash(clipped));
    memcpy(plain, got, sizeof plain);
    assert_memory_equal(actions_of(loaded), plain, sizeof plain);
    udy_policy_destroy(loaded);
    udy_policy_destroy(clipped);
    loaded = saved_and_loaded(free_policy);
    assert_null(udy_policy_metadata(loaded, "action_clip"));
    assert_true(udy_policy_hash(loaded) == udy_policy_hash(free_policy));
    udy_policy_destroy(loaded);
    udy_policy_destroy(free_policy);
}

static void a_clipped_gaussian_samples_within_the_bounds(void **state) {
    (void)state;
    udy_plain_policy p = make_plain();
    p.clip = true;
    p.log_std_weight = head_weight;
    p.log_std_bias = head_bias;
    strcpy(p.log_std_bound, "clamp");
    p.log_std_range[0] = -1;
    p.log_std_range[1] = 1;
    udy_policy *policy = policy_of(&p);
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof *scratch);
    udy_rng rng;
    udy_rng_init(&rng, 2);
    int at_ends = 0;
    for (int i = 0; i < 500; i++) {
        double x[O] = {(double)obs[3 * i], (double)obs[3 * i + 1], (double)obs[3 * i + 2]};
        float action[A];
        CHECK(udy_policy_sample(policy, x, action, scratch, &rng, err));
        for (int k = 0; k < A; k++) {
            assert_true(action[k] >= (float)p.low[k] && action[k] <= (float)p.high[k]);
            at_ends += action[k] == (float)p.low[k] || action[k] == (float)p.high[k];
        }
    }
    assert_true(at_ends > 50 && at_ends < 950);
    udy_free(scratch);
    udy_policy_destroy(policy);
}

static void a_network_that_gives_no_number_is_not_clipped_to_one(void **state) {
    (void)state;
    udy_plain_policy p = make_plain();
    p.clip = true;
    udy_policy *policy = policy_of(&p);
    float action[A], *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof *scratch);
    udy_policy_act(policy, (const double[O]){NAN, 0, 0}, action, scratch, NULL);
    assert_true(isnan(action[0]) && isnan(action[1]));
    udy_free(scratch);
    udy_policy_destroy(policy);
}

//------------------------------------------ Clipped observations ----------------------------------

static const double obs_low[O] = {-0.75, -1, -0.1}, obs_high[O] = {0.5, 0.3, 2};

static void clipped_observations_are_what_the_network_sees(void **state) {
    (void)state;
    static float expected[ROWS * A], kept[ROWS * O];
    udy_plain_policy p = make_plain();
    udy_policy *unclipped = policy_of(&p);
    p.obs_low = obs_low;
    p.obs_high = obs_high;
    udy_policy *policy = policy_of(&p), *loaded;
    memcpy(kept, obs, sizeof kept);
    for (int i = 0; i < ROWS * O; i++)
        obs[i] = fminf(fmaxf(obs[i], (float)obs_low[i % O]), (float)obs_high[i % O]);
    memcpy(expected, actions_of(unclipped), sizeof expected);
    memcpy(obs, kept, sizeof kept);
    assert_memory_equal(actions_of(policy), expected, sizeof expected);
    assert_memory_equal(obs, kept, sizeof kept);  // labels leave them alone
    assert_true(memcmp(actions_of(unclipped), expected, sizeof expected) != 0);
    loaded = saved_and_loaded(policy);
    assert_memory_equal(actions_of(loaded), expected, sizeof expected);
    assert_true(udy_policy_hash(loaded) == udy_policy_hash(policy));
    assert_true(udy_policy_hash(loaded) != udy_policy_hash(unclipped));
    udy_plain_policy out;
    CHECK(udy_policy_plain(&out, loaded, err));
    assert_memory_equal(out.obs_low, obs_low, sizeof obs_low);
    assert_memory_equal(out.obs_high, obs_high, sizeof obs_high);
    udy_policy_destroy(loaded);
    udy_policy_destroy(policy);
    udy_policy_destroy(unclipped);
}

//------------------------------------------ Files -------------------------------------------------

// A saved policy's file with one key said otherwise.
static void expect_refusal(const char *key, const char *value, const char *words) {
    udy_plain_policy p = make_plain();
    p.clip = true;
    p.obs_low = obs_low;
    p.obs_high = obs_high;
    udy_policy *policy = policy_of(&p);
    udy_safetensors *file;
    udy_tensor tensors[4];
    udy_text_pair pairs[24];
    size_t n = 0;
    CHECK(udy_policy_save(policy, at_root("said.safetensors"), NULL, 0, err));
    CHECK(udy_safetensors_open(&file, at_root("said.safetensors"), err));
    for (size_t i = 0; i < 4; i++) tensors[i] = *udy_safetensors_at(file, i);
    for (size_t i = 0; i < udy_safetensors_metadata_count(file); i++) {
        udy_text_pair pair = udy_safetensors_metadata_at(file, i);
        if (strcmp(pair.key, key)) pairs[n++] = pair;
    }
    if (value) pairs[n++] = (udy_text_pair){key, value};
    CHECK(udy_safetensors_write(at_root("other.safetensors"), tensors, 4, pairs, n, err));
    udy_safetensors_close(file);
    udy_policy_destroy(policy);
    EXPECT_ERROR(UDY_EFORMAT, udy_policy_load(&policy, at_root("other.safetensors"), err), words,
                 key, "other.safetensors");
    assert_null(policy);
}

static void clipping_that_a_file_says_wrongly_is_quoted(void **state) {
    (void)state;
    expect_refusal("action_clip", "True", "'True'");
    expect_refusal("action_clip", "", "'true' or 'false'");
    expect_refusal("obs_low", NULL, "(absent)");
    expect_refusal("obs_low", "1 2", "'1 2'");
    expect_refusal("obs_high", "1 2 x", "'1 2 x'");
    expect_refusal("obs_high", "1 2 nan", "3 numbers");
}

static void order_of_a_files_bounds_is_checked(void **state) {
    (void)state;
    udy_policy *policy;
    udy_safetensors *file;
    udy_tensor tensors[4];
    udy_plain_policy p = make_plain();
    policy = policy_of(&p);
    CHECK(udy_policy_save(policy, at_root("b.safetensors"), NULL, 0, err));
    udy_policy_destroy(policy);
    CHECK(udy_safetensors_open(&file, at_root("b.safetensors"), err));
    for (size_t i = 0; i < 4; i++) tensors[i] = *udy_safetensors_at(file, i);
    const udy_text_pair pairs[] = {{"format", "understudy.policy/1"}, {"action_clip", "true"}};
    CHECK(udy_safetensors_write(at_root("c.safetensors"), tensors, 4, pairs, 2, err));
    EXPECT_ERROR(UDY_EFORMAT, udy_policy_load(&policy, at_root("c.safetensors"), err),
                 "action_clip", "action_low");
    const udy_text_pair turned[] = {
        {"format", "understudy.policy/1"}, {"obs_low", "0 0 1"}, {"obs_high", "1 1 0"}};
    CHECK(udy_safetensors_write(at_root("c.safetensors"), tensors, 4, turned, 3, err));
    EXPECT_ERROR(UDY_EFORMAT, udy_policy_load(&policy, at_root("c.safetensors"), err),
                 "observation 2", "[1, 0]");
    udy_safetensors_close(file);
}

static int set_up(void **state) {
    udy_rng rng;
    udy_rng_init(&rng, 11);
    for (int i = 0; i < ROWS * O; i++) obs[i] = (float)udy_rng_normal(&rng);
    return make_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_policy_comes_back_as_it_went_in),
        cmocka_unit_test(what_is_wrong_with_a_plain_policy_is_said),
        cmocka_unit_test(clipped_actions_stay_within_the_bounds_and_else_are_the_networks),
        cmocka_unit_test(a_clipped_gaussian_samples_within_the_bounds),
        cmocka_unit_test(a_network_that_gives_no_number_is_not_clipped_to_one),
        cmocka_unit_test(clipped_observations_are_what_the_network_sees),
        cmocka_unit_test(clipping_that_a_file_says_wrongly_is_quoted),
        cmocka_unit_test(order_of_a_files_bounds_is_checked),
    };
    return cmocka_run_group_tests(tests, set_up, remove_root);
}
