// Gaussian policies and action bounds: samples as PyTorch and NumPy compute them from the same file
// and noise, the distribution that they come from, a head that no copy loses, and a tanh output that
// fills the bounds of the task.
#include <math.h>

#include "test_learn_common.h"

enum { N = 16 };  // rows of gaussian-torch.safetensors

static udy_task *ant, *pendulum;  // actions in [-1, 1]; in [-3, 3]
static udy_safetensors *numbers;  // what PyTorch says

static const double *column(const char *name) {
    const udy_tensor *t = udy_safetensors_find(numbers, name);
    if (!t || t->dtype != UDY_F64 || t->shape[0] != N) fail_msg("no numbers '%s'", name);
    return t->data;
}

//------------------------------------------ Variants of a file ------------------------------------

static const char made_by_torch[] = UDY_SOURCE_DIR "/tests/data/gaussian-policy.safetensors";

// PyTorch's file with other metadata: pairs of key and value (NULL: taken out), ended by NULL.
static const char *variant(const char *const *changes) {
    udy_safetensors *file;
    udy_tensor tensors[8];
    udy_text_pair pairs[24];
    size_t n = 0;
    CHECK(udy_safetensors_open(&file, made_by_torch, err));
    assert_int_equal(udy_safetensors_count(file), 8);
    for (size_t i = 0; i < 8; i++) tensors[i] = *udy_safetensors_at(file, i);
    for (size_t i = 0; i < udy_safetensors_metadata_count(file); i++) {
        pairs[n] = udy_safetensors_metadata_at(file, i);
        bool changed = false;
        for (const char *const *c = changes; *c; c += 2) changed |= !strcmp(*c, pairs[n].key);
        if (!changed) n++;
    }
    for (const char *const *c = changes; *c; c += 2)
        if (c[1]) pairs[n++] = (udy_text_pair){c[0], c[1]};
    const char *path = at_root("variant.safetensors");
    CHECK(udy_safetensors_write(path, tensors, 8, pairs, n, err));
    udy_safetensors_close(file);
    return path;
}

#define VARIANT(...) load_policy(variant((const char *const[]){__VA_ARGS__, NULL}))
#define EIGHT(x) x " " x " " x " " x " " x " " x " " x " " x

static float *scratch_of(const udy_policy *policy) {
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof(float));
    assert_non_null(scratch);
    return scratch;
}

//------------------------------------------ The distribution --------------------------------------

static void expect_samples(udy_policy *policy, const char *name) {
    const double *obs = column("obs"), *expected = column(name);
    float *scratch = scratch_of(policy);
    for (int i = 0; i < N; i++) {
        float action[A_DIM];
        udy_rng rng;
        udy_rng_init(&rng, 100 + (uint64_t)i);
        CHECK(udy_policy_sample(policy, obs + i * O_DIM, action, scratch, &rng, err));
        for (int k = 0; k < A_DIM; k++) {
            double want = expected[i * A_DIM + k];
            if (!(fabs((double)action[k] - want) < 2e-6 * fmax(1, fabs(want))))
                fail_msg("%s: row %d, action %d: %.9g, PyTorch has %.9g", name, i, k,
                         (double)action[k], want);
        }
    }
    udy_free(scratch);
    udy_policy_destroy(policy);
}

static void samples_are_pytorchs_number_by_number(void **state) {
    (void)state;
    expect_samples(load_policy(made_by_torch), "clamp");
    expect_samples(VARIANT("log_std_bound", NULL), "clamp");  // the usual way
    expect_samples(VARIANT("log_std_min", NULL, "log_std_max", NULL), "default");
    expect_samples(VARIANT("log_std_min", NULL, "log_std_max", NULL, "log_std_bound", NULL),
                   "default");
    expect_samples(VARIANT("log_std_bound", "squash", "log_std_min", "-5", "log_std_max", "2"),
                   "squash");
    expect_samples(VARIANT("action_low", EIGHT("-1"), "action_high", EIGHT("3")), "bounds");
    expect_samples(VARIANT("output", "identity"), "identity");
    // An output that is the action already is not scaled.
    expect_samples(
        VARIANT("output", "identity", "action_low", EIGHT("-1"), "action_high", EIGHT("3")),
        "identity");
}

static void deterministic_use_is_tanh_of_the_mean(void **state) {
    (void)state;
    udy_policy *policy = load_policy(made_by_torch);
    float *scratch = scratch_of(policy);
    for (int i = 0; i < N; i++) {
        float action[A_DIM];
        udy_policy_act(policy, column("obs") + i * O_DIM, action, scratch, NULL);
        for (int k = 0; k < A_DIM; k++)
            assert_true(fabs((double)action[k] - column("deterministic")[i * A_DIM + k]) < 1e-6);
    }
    udy_free(scratch);
    udy_policy_destroy(policy);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Kolmogorov and Smirnov's distance of samples x [n] in (-1, 3), sorted here, from the law of
// 1 + 2 tanh(mean + std * normal).
static double distance(double *x, size_t n, double mean, double std) {
    double worst = 0;
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0; i < n; i++) {
        double u = atanh((x[i] - 1) / 2);
        double p = 0.5 * erfc(-(u - mean) / std / sqrt(2));
        worst = fmax(worst, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return worst;
}

static void samples_follow_the_squashed_normal_each_action_by_itself(void **state) {
    (void)state;
    enum { SAMPLES = 40000 };
    udy_policy *policy = VARIANT("action_low", EIGHT("-1"), "action_high", EIGHT("3"));
    float *scratch = scratch_of(policy);
    double *x = udy_alloc(A_DIM * SAMPLES * sizeof *x);
    assert_non_null(x);
    udy_rng rng;
    udy_rng_init(&rng, 8);
    for (int s = 0; s < SAMPLES; s++) {
        float action[A_DIM];
        CHECK(udy_policy_sample(policy, column("obs") + 3 * O_DIM, action, scratch, &rng, err));
        for (int k = 0; k < A_DIM; k++) x[k * SAMPLES + s] = (double)action[k];
    }
    // Neighbours are independent: a correlation's standard deviation is 0.005.
    for (int k = 1; k < A_DIM; k++) {
        double xy = 0, xx = 0, yy = 0, mx = 0, my = 0;
        const double *a = x + (k - 1) * SAMPLES, *b = x + k * SAMPLES;
        for (int s = 0; s < SAMPLES; s++) mx += a[s] / SAMPLES, my += b[s] / SAMPLES;
        for (int s = 0; s < SAMPLES; s++) {
            xy += (a[s] - mx) * (b[s] - my);
            xx += (a[s] - mx) * (a[s] - mx);
            yy += (b[s] - my) * (b[s] - my);
        }
        assert_true(fabs(xy / sqrt(xx * yy)) < 0.02);
    }
    // One in a thousand exceeds 1.95 / sqrt(n); another spread by 5 % is told from this one.
    int seen = 0;
    for (int k = 0; k < A_DIM; k++) {
        double mean = column("mean")[3 * A_DIM + k], std = exp(column("log_std")[3 * A_DIM + k]);
        if (fabs(mean) + 4 * std > 7) continue;  // float32 rounds such samples to the bounds
        seen++;
        double d = distance(x + k * SAMPLES, SAMPLES, mean, std);
        if (!(d < 1.95 / sqrt(SAMPLES))) fail_msg("action %d: %g off", k, d);
        assert_true(distance(x + k * SAMPLES, SAMPLES, mean, 1.05 * std) > 1.95 / sqrt(SAMPLES));
    }
    assert_true(seen >= 5);
    udy_free(x);
    udy_free(scratch);
    udy_policy_destroy(policy);
}

static void a_sample_draws_one_normal_an_action_and_allocates_nothing(void **state) {
    (void)state;
    udy_policy *policy = load_policy(made_by_torch);
    float *scratch = scratch_of(policy);
    udy_rng a, b;
    float action[A_DIM];
    udy_rng_init(&a, 4);
    b = a;
    uint64_t before = udy_alloc_count();
    for (int i = 0; i < N; i++)
        CHECK(udy_policy_sample(policy, column("obs") + i * O_DIM, action, scratch, &a, err));
    assert_int_equal(udy_alloc_count(), before);
    for (int i = 0; i < N * A_DIM; i++) udy_rng_normal(&b);
    assert_memory_equal(&a, &b, sizeof a);
    udy_free(scratch);
    udy_policy_destroy(policy);
}

static void without_a_head_nothing_is_sampled(void **state) {
    (void)state;
    udy_policy *policies[2], *whole = load_policy(made_by_torch);
    CHECK(udy_policy_from_mlp(&policies[0], udy_policy_mlp(whole), ant, err));
    CHECK(udy_policy_random(&policies[1], ant, err));
    assert_true(udy_policy_gaussian(whole));
    for (int i = 0; i < 2; i++) {
        float action[A_DIM] = {7}, scratch[256];
        udy_rng rng, same;
        udy_rng_init(&rng, 1);
        same = rng;
        assert_false(udy_policy_gaussian(policies[i]));
        EXPECT_ERROR(UDY_EINVAL,
                     udy_policy_sample(policies[i], column("obs"), action, scratch, &rng, err),
                     i ? "random" : "mlp", "log_std.weight");
        assert_true(action[0] == 7);
        assert_memory_equal(&rng, &same, sizeof rng);
        udy_policy_destroy(policies[i]);
    }
    udy_policy_destroy(whole);
}

//------------------------------------------ Copies ------------------------------------------------

static void expect_same_file(const char *a, const char *b) {
    udy_safetensors *x, *y;
    CHECK(udy_safetensors_open(&x, a, err));
    CHECK(udy_safetensors_open(&y, b, err));
    assert_int_equal(udy_safetensors_count(x), udy_safetensors_count(y));
    for (size_t i = 0; i < udy_safetensors_count(x); i++) {
        const udy_tensor *p = udy_safetensors_at(x, i), *q = udy_safetensors_find(y, p->name);
        if (!q) fail_msg("%s: no %s", b, p->name);
        assert_int_equal(p->ndim, q->ndim);
        assert_memory_equal(p->shape, q->shape, (size_t)p->ndim * sizeof *p->shape);
        assert_int_equal(p->n_bytes, q->n_bytes);
        assert_memory_equal(p->data, q->data, p->n_bytes);
    }
    for (size_t i = 0; i < udy_safetensors_metadata_count(x); i++) {
        udy_text_pair pair = udy_safetensors_metadata_at(x, i);
        const char *found = udy_safetensors_metadata(y, pair.key);
        if (!found || strcmp(found, pair.value)) fail_msg("%s: '%s' is '%s'", b, pair.key, found);
    }
    udy_safetensors_close(x);
    udy_safetensors_close(y);
}

static void a_copy_loses_nothing(void **state) {
    (void)state;
    static const char *const made[][7] = {
        {NULL},
        {"log_std_bound", "squash", "log_std_min", "-4.3", "log_std_max", "0.1", NULL},
        {"action_low", EIGHT("-0.1"), "action_high", EIGHT("0.4"), "note", "kept \"as\" it is",
         NULL},
        {"output", "identity", NULL},
    };
    for (int i = 0; i < 4; i++) {
        char copy[1024], again[1024];
        snprintf(copy, sizeof copy, "%s", at_root("copy.safetensors"));
        snprintf(again, sizeof again, "%s", at_root("again.safetensors"));
        const char *path = variant(made[i]);
        udy_policy *policy = load_policy(path);
        CHECK(udy_policy_save(policy, copy, NULL, 0, err));
        expect_same_file(path, copy);
        udy_policy *back = load_policy(copy);
        CHECK(udy_policy_save(back, again, NULL, 0, err));
        assert_true(files_equal(copy, again));
        assert_int_equal(udy_policy_hash(policy), udy_policy_hash(back));
        udy_policy_destroy(policy);
        udy_policy_destroy(back);
    }
    // Nothing is claimed that is not known: an identity output has no bounds of its own.
    udy_safetensors *file;
    CHECK(udy_safetensors_open(&file, at_root("copy.safetensors"), err));
    assert_null(udy_safetensors_metadata(file, "action_low"));
    udy_safetensors_close(file);
}

static void what_the_caller_says_goes_before_what_the_file_said(void **state) {
    (void)state;
    udy_policy *policy = VARIANT("return", "old", "note", "kept");
    const udy_text_pair extra[] = {{"return", "new"}, {"log_std_max", "9"}, {"more", "1"}};
    const char *path = at_root("said.safetensors");
    CHECK(udy_policy_save(policy, path, extra, 3, err));
    udy_policy_destroy(policy);
    policy = load_policy(path);
    assert_string_equal(udy_policy_metadata(policy, "return"), "new");
    assert_string_equal(udy_policy_metadata(policy, "note"), "kept");
    assert_string_equal(udy_policy_metadata(policy, "more"), "1");
    assert_string_equal(udy_policy_metadata(policy, "log_std_max"), "0");  // the policy's to say
    udy_policy_destroy(policy);
}

static void a_policy_made_from_numbers_is_the_one_that_is_read_back(void **state) {
    (void)state;
    udy_safetensors *file;
    udy_policy *torch = load_policy(made_by_torch), *made, *back;
    const udy_mlp *mlp = udy_policy_mlp(torch);
    const char *path = at_root("made.safetensors");
    CHECK(udy_safetensors_open(&file, made_by_torch, err));
    const float *weight = udy_safetensors_find(file, "log_std.weight")->data,
                *bias = udy_safetensors_find(file, "log_std.bias")->data;
    for (int bound = 0; bound < UDY_LOG_STD_COUNT; bound++) {
        const double range[2] = {-7.1, 1.0 / 3};
        CHECK(udy_policy_from_gaussian(&made, mlp, weight, bias, (udy_log_std_bound)bound, range,
                                       ant, err));
        assert_true(udy_policy_gaussian(made));
        CHECK(udy_policy_check(made, ant, err));
        CHECK(udy_policy_save(made, path, NULL, 0, err));
        back = load_policy(path);
        float *scratch = scratch_of(made), x[A_DIM], y[A_DIM];
        udy_rng a, b;
        udy_rng_init(&a, 2);
        b = a;
        for (int i = 0; i < N; i++) {
            const double *obs = column("obs") + i * O_DIM;
            CHECK(udy_policy_sample(made, obs, x, scratch, &a, err));
            CHECK(udy_policy_sample(back, obs, y, scratch, &b, err));
            assert_memory_equal(x, y, sizeof x);
        }
        udy_free(scratch);
        udy_policy_destroy(made);
        udy_policy_destroy(back);
    }
    const double bad[][2] = {{1, 1}, {2, -20}, {NAN, 2}, {-20, INFINITY}, {-1000, 2}};
    for (int i = 0; i < 5; i++) {
        made = torch;
        EXPECT_ERROR(
            UDY_EINVAL,
            udy_policy_from_gaussian(&made, mlp, weight, bias, UDY_LOG_STD_CLAMP, bad[i], ant, err),
            "log_std");
        assert_null(made);
    }
    EXPECT_ERROR(UDY_EMISMATCH,
                 udy_policy_from_gaussian(&made, mlp, weight, bias, UDY_LOG_STD_CLAMP,
                                          (double[]){-20, 2}, pendulum, err),
                 "27", "InvertedPendulum-v5");
    float spoilt[A_DIM] = {0, 0, NAN};
    EXPECT_ERROR(UDY_ENONFINITE,
                 udy_policy_from_gaussian(&made, mlp, weight, spoilt, UDY_LOG_STD_CLAMP,
                                          (double[]){-20, 2}, ant, err),
                 "log_std.bias", "element 2");
    udy_safetensors_close(file);
    udy_policy_destroy(torch);
}

//------------------------------------------ Files that are wrong ----------------------------------

static void refused(int status, const char *const *changes, const char *const *texts) {
    udy_error err = {0};
    udy_policy *policy = (udy_policy *)(uintptr_t)1;
    assert_int_equal(udy_policy_load(&policy, variant(changes), &err), status);
    assert_int_equal(err.code, status);
    assert_null(policy);
    assert_non_null(strstr(err.message, "variant.safetensors"));
    for (; *texts; texts++)
        if (!strstr(err.message, *texts)) fail_msg("'%s' is not in '%s'", *texts, err.message);
    assert_int_equal(udy_policy_load(&policy, variant(changes), NULL), status);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void metadata_of_a_head_that_is_wrong_is_quoted(void **state) {
    (void)state;
    refused(UDY_EUNSUPPORTED, LIST("log_std_bound", "softly\x1b[2J"),
            LIST("log_std_bound", "softly?[2J", "clamp", "squash"));
    refused(UDY_EFORMAT, LIST("log_std_min", NULL), LIST("log_std_min", "(absent)", "'0'"));
    refused(UDY_EFORMAT, LIST("log_std_max", NULL), LIST("log_std_max", "(absent)"));
    refused(UDY_EFORMAT, LIST("log_std_max", "2x"), LIST("2x"));
    refused(UDY_EFORMAT, LIST("log_std_max", ""), LIST("log_std_max"));
    refused(UDY_EFORMAT, LIST("log_std_max", "nan"), LIST("log_std"));
    refused(UDY_EFORMAT, LIST("log_std_max", "1e999"), LIST("log_std"));
    refused(UDY_EFORMAT, LIST("log_std_min", "-1e300"), LIST("-1e+300", "-100"));
    refused(UDY_EFORMAT, LIST("log_std_min", "0"), LIST("[0, 0]"));
    refused(UDY_EFORMAT, LIST("log_std_min", "1"), LIST("[1, 0]"));
    refused(UDY_EUNSUPPORTED, LIST("output", "sigmoid"), LIST("sigmoid", "tanh", "identity"));
    refused(UDY_EFORMAT, LIST("action_low", EIGHT("-1e39"), "action_high", EIGHT("1e39")),
            LIST("action_low", "1e39"));  // beyond float32
}

static void half_a_head_or_a_spoilt_one_is_refused(void **state) {
    (void)state;
    udy_safetensors *file;
    CHECK(udy_safetensors_open(&file, made_by_torch, err));
    const char *path = at_root("half.safetensors");
    const udy_text_pair pair = {"format", "understudy.policy/1"};
    for (size_t left_out = 0; left_out < 8; left_out++) {
        udy_tensor tensors[8];
        size_t n = 0;
        for (size_t i = 0; i < 8; i++)
            if (i != left_out) tensors[n++] = *udy_safetensors_at(file, i);
        const char *name = udy_safetensors_at(file, left_out)->name;
        if (strncmp(name, "log_std", 7)) continue;
        CHECK(udy_safetensors_write(path, tensors, n, &pair, 1, err));
        udy_policy *policy;
        EXPECT_ERROR(UDY_EMISMATCH, udy_policy_load(&policy, path, err), "half.safetensors", name);
    }
    udy_tensor tensors[8];
    for (size_t i = 0; i < 8; i++) tensors[i] = *udy_safetensors_at(file, i);
    float spoilt[A_DIM] = {0, 0, 0, 0, 0, INFINITY};
    for (size_t i = 0; i < 8; i++)
        if (!strcmp(tensors[i].name, "log_std.bias")) tensors[i].data = spoilt;
    CHECK(udy_safetensors_write(path, tensors, 8, &pair, 1, err));
    udy_policy *policy;
    EXPECT_ERROR(UDY_ENONFINITE, udy_policy_load(&policy, path, err), "half.safetensors",
                 "log_std.bias", "inf", "element 5");
    udy_safetensors_close(file);
}

//------------------------------------------ Action bounds -----------------------------------------

enum { PENDULUM_OBS = 4, ROWS = 5000 };  // more than one block of labels

static udy_mlp *pendulum_mlp(udy_activation output) {
    udy_mlp *mlp;
    udy_rng rng;
    const udy_mlp_config config = {.n_layers = 2,
                                   .dims = {PENDULUM_OBS, 16, 1},
                                   .hidden = UDY_TANH,
                                   .output = output,
                                   .init = UDY_INIT_XAVIER_NORMAL};
    CHECK(udy_mlp_create(&mlp, &config, err));
    udy_rng_init(&rng, 6);
    udy_mlp_init(mlp, &rng);
    return mlp;
}

// The network's output on some observations, by act and in batches, is `half` times less than the
// action; to the bit where half is 1.
static void expect_scaled(const udy_policy *policy, const udy_mlp *mlp, int obs_dim, int act_dim,
                          double half) {
    udy_pool *pool = make_pool(2);
    size_t O = (size_t)obs_dim, A = (size_t)act_dim;
    float *obs = udy_alloc(ROWS * O * sizeof(float)), *labels = udy_alloc(ROWS * A * sizeof(float)),
          *raw = udy_alloc(ROWS * A * sizeof(float));
    float *scratch = scratch_of(policy);
    assert_true(obs && labels && raw);
    udy_rng rng;
    udy_mlp_workspace *ws;
    udy_rng_init(&rng, 1);
    for (size_t i = 0; i < ROWS * O; i++) obs[i] = (float)(2 * udy_rng_normal(&rng));
    CHECK(udy_policy_label(policy, pool, obs, ROWS, labels, err));
    CHECK(udy_mlp_workspace_create(&ws, mlp, 4096, err));
    udy_mlp_predict(mlp, ws, pool, obs, ROWS, raw);
    udy_mlp_workspace_destroy(ws);
    if (half == 1) assert_memory_equal(labels, raw, ROWS * A * sizeof(float));
    double largest = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double x[O_DIM];
        float action[A_DIM], output[A_DIM];
        for (size_t k = 0; k < O; k++) x[k] = (double)obs[i * O + k];
        udy_policy_act(policy, x, action, scratch, NULL);
        udy_mlp_forward_row(mlp, obs + i * O, output, scratch);
        if (half == 1) assert_memory_equal(action, output, A * sizeof(float));
        for (size_t k = 0; k < A; k++) {
            assert_true((double)action[k] == (double)(float)(half * (double)output[k]));
            assert_true((double)labels[i * A + k] ==
                        (double)(float)(half * (double)raw[i * A + k]));
            largest = fmax(largest, fabs((double)action[k]));
        }
    }
    assert_true(largest > 0.5 * half);
    udy_free(obs);
    udy_free(labels);
    udy_free(raw);
    udy_free(scratch);
    udy_pool_destroy(pool);
}

static void a_tanh_output_fills_the_bounds_of_its_task(void **state) {
    (void)state;
    udy_mlp *mlp = pendulum_mlp(UDY_TANH);
    udy_policy *policy, *back;
    const char *path = at_root("pendulum.safetensors");
    CHECK(udy_policy_from_mlp(&policy, mlp, pendulum, err));
    expect_scaled(policy, mlp, PENDULUM_OBS, 1, 3);
    CHECK(udy_policy_save(policy, path, NULL, 0, err));
    back = load_policy(path);
    expect_scaled(back, mlp, PENDULUM_OBS, 1, 3);
    assert_string_equal(udy_policy_metadata(back, "action_high"), "3");
    CHECK(udy_policy_check(back, pendulum, err));
    assert_int_equal(udy_policy_hash(policy), udy_policy_hash(back));
    udy_policy_destroy(policy);
    udy_policy_destroy(back);
    udy_mlp_destroy(mlp);
}

static void any_other_output_is_the_action_itself(void **state) {
    (void)state;
    udy_mlp *mlp = pendulum_mlp(UDY_IDENTITY);
    udy_policy *policy;
    CHECK(udy_policy_from_mlp(&policy, mlp, pendulum, err));
    expect_scaled(policy, mlp, PENDULUM_OBS, 1, 1);
    udy_policy_destroy(policy);
    udy_mlp_destroy(mlp);
}

static void bounds_of_one_leave_the_networks_bits_alone(void **state) {
    (void)state;
    udy_policy *expert = load_expert();
    expect_scaled(expert, udy_policy_mlp(expert), O_DIM, A_DIM, 1);
    udy_policy_destroy(expert);
}

static void each_action_has_bounds_of_its_own(void **state) {
    (void)state;
    udy_policy *plain = load_policy(made_by_torch),
               *shifted = VARIANT("action_low", "-1 -2 0 -1 -1 -1 -1 5",  //
                                  "action_high", "1 2 1 1 1 1 1 5.5");
    const double low[] = {-1, -2, 0, -1, -1, -1, -1, 5}, high[] = {1, 2, 1, 1, 1, 1, 1, 5.5};
    float *scratch = scratch_of(plain), x[A_DIM], y[A_DIM];
    for (int i = 0; i < N; i++) {
        udy_policy_act(plain, column("obs") + i * O_DIM, x, scratch, NULL);
        udy_policy_act(shifted, column("obs") + i * O_DIM, y, scratch, NULL);
        for (int k = 0; k < A_DIM; k++) {
            double share = ((double)x[k] + 1) / 2;  // of the way from low to high
            assert_true(fabs((double)y[k] - (low[k] + share * (high[k] - low[k]))) < 1e-6);
        }
    }
    assert_int_not_equal(udy_policy_hash(plain), udy_policy_hash(shifted));
    udy_free(scratch);
    udy_policy_destroy(plain);
    udy_policy_destroy(shifted);
}

static void a_policy_with_other_bounds_than_the_tasks_is_refused_naming_both(void **state) {
    (void)state;
    udy_policy *policy = VARIANT("action_low", EIGHT("-1"), "action_high", "1 1 1 1 1 1.5 1 1");
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, ant, err), "variant.safetensors",
                 "action 5", "[-1, 1.5]", "Ant-v5", "[-1, 1]");
    udy_policy_destroy(policy);
    policy = VARIANT("output", "identity", "action_low", EIGHT("-2"), "action_high", EIGHT("1"));
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, ant, err), "[-2, 1]", "[-1, 1]");
    udy_policy_destroy(policy);
    policy = VARIANT("output", "identity");  // says nothing and does not scale
    CHECK(udy_policy_check(policy, ant, err));
    udy_policy_destroy(policy);
    // float32, as actions are: what other programs print of a bound is as good as the bound.
    policy = VARIANT("action_low", EIGHT("-1.00000000001"), "action_high", EIGHT("1"));
    CHECK(udy_policy_check(policy, ant, err));
    udy_policy_destroy(policy);
    // A tanh that says nothing is in [-1, 1], which the pendulum is not.
    udy_safetensors *file;
    udy_mlp *mlp = pendulum_mlp(UDY_TANH);
    udy_tensor tensors[4];
    const char *path = at_root("silent.safetensors");
    CHECK(udy_policy_from_mlp(&policy, mlp, pendulum, err));
    CHECK(udy_policy_save(policy, path, NULL, 0, err));
    udy_policy_destroy(policy);
    CHECK(udy_safetensors_open(&file, path, err));
    for (size_t i = 0; i < 4; i++) tensors[i] = *udy_safetensors_at(file, i);
    const udy_text_pair pairs[] = {{"format", "understudy.policy/1"}, {"output", "tanh"}};
    const char *silent = at_root("more-silent.safetensors");
    CHECK(udy_safetensors_write(silent, tensors, 4, pairs, 2, err));
    udy_safetensors_close(file);
    policy = load_policy(silent);
    EXPECT_ERROR(UDY_EMISMATCH, udy_policy_check(policy, pendulum, err), "[-1, 1]", "[-3, 3]",
                 "InvertedPendulum-v5");
    udy_policy_destroy(policy);
    udy_mlp_destroy(mlp);
}

static int set_up(void **state) {
    if (make_root(state)) return -1;
    ant = make_task(100, false);
    CHECK(udy_task_create(&pendulum, "InvertedPendulum-v5", NULL, err));
    CHECK(udy_safetensors_open(&numbers, UDY_SOURCE_DIR "/tests/data/gaussian-torch.safetensors",
                               err));
    return 0;
}

static int tear_down(void **state) {
    udy_safetensors_close(numbers);
    udy_task_destroy(ant);
    udy_task_destroy(pendulum);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_pytorchs_number_by_number),
        cmocka_unit_test(deterministic_use_is_tanh_of_the_mean),
        cmocka_unit_test(samples_follow_the_squashed_normal_each_action_by_itself),
        cmocka_unit_test(a_sample_draws_one_normal_an_action_and_allocates_nothing),
        cmocka_unit_test(without_a_head_nothing_is_sampled),
        cmocka_unit_test(a_copy_loses_nothing),
        cmocka_unit_test(what_the_caller_says_goes_before_what_the_file_said),
        cmocka_unit_test(a_policy_made_from_numbers_is_the_one_that_is_read_back),
        cmocka_unit_test(metadata_of_a_head_that_is_wrong_is_quoted),
        cmocka_unit_test(half_a_head_or_a_spoilt_one_is_refused),
        cmocka_unit_test(a_tanh_output_fills_the_bounds_of_its_task),
        cmocka_unit_test(any_other_output_is_the_action_itself),
        cmocka_unit_test(bounds_of_one_leave_the_networks_bits_alone),
        cmocka_unit_test(each_action_has_bounds_of_its_own),
        cmocka_unit_test(a_policy_with_other_bounds_than_the_tasks_is_refused_naming_both),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
