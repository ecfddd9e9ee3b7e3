// Policies out: checks, rounding, ONNX and .npz; test_export_c.c has the C. For other software
// `test_export --write FOLDER` writes every sample with observations and the library's actions, which
// tests/golden/compare_export.py holds against onnxruntime and NumPy; `--act POLICY OUT` writes a
// policy file's own.
#include "test_export_common.h"

#include "io/archive.h"
#include "io/export.h"
#include "io/npy.h"
#include "io/rounding.h"
#include "onnx.pb-c.h"

//------------------------------------------ The reference -----------------------------------------

static void every_activation_of_nn_can_be_exported_and_computes_the_same(void **state) {
    (void)state;
    sample s;
    int n = 0;
    for (; sample_at(&s, n); n++) {
        float obs[27], action[8];
        double exact[8], scratch[512];
        udy_rng rng;
        udy_rng_init(&rng, 3);
        for (int row = 0; row < 20; row++) {
            draw(obs, s.plain.obs_dim, &rng);
            library_action(&s, obs, action);
            udy__plain_act(&s.plain, obs, exact, scratch);
            for (int k = 0; k < s.plain.act_dim; k++)
                if (!(fabs(exact[k] - (double)action[k]) <= 2e-6))
                    fail_msg("%s: action %d is %.9g, exactly %.9g", s.name, k, (double)action[k],
                             exact[k]);
        }
        free_sample(&s);
    }
    assert_int_equal(n, 2 * UDY_ACTIVATION_COUNT + ENDINGS + 2);
}

//------------------------------------------ Checks ------------------------------------------------

static void a_policy_that_cannot_be_written_is_refused_in_words(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_RELU, UDY_TANH, CLIPPED);
    const udy_plain_policy sound = s.plain;
    float weights[5 * 12];
    memcpy(weights, sound.layer[0].weight, sizeof weights);
    udy_plain_policy p;
#define REFUSED(status, change, ...)                                                     \
    do {                                                                                 \
        p = sound;                                                                       \
        change;                                                                          \
        EXPECT_ERROR(status, udy_plain_check(&p, "x.onnx", err), "x.onnx", __VA_ARGS__); \
    } while (0)
    REFUSED(UDY_EINVAL, p.n_layers = 0, "0 layers");
    REFUSED(UDY_EINVAL, p.n_layers = 9, "9 layers");
    REFUSED(UDY_EINVAL, p.act_dim = 4, "4 actions");
    REFUSED(UDY_EINVAL, p.layer[1].in = 11, "layer 1 maps 11");
    REFUSED(UDY_EINVAL, p.layer[2].bias = NULL, "layer 2");
    REFUSED(UDY_EINVAL, p.log_std_weight = weights, "half a head");
    REFUSED(UDY_EINVAL, p.obs_low = obs_low, "one end only");
    REFUSED(UDY_EINVAL, (p.obs_low = obs_high, p.obs_high = obs_low), "observation 0",
            "[0.5, -0.5]");
    REFUSED(UDY_EUNSUPPORTED, strcpy(p.activation, "mish"), "activation 'mish'");
    REFUSED(UDY_EUNSUPPORTED, memset(p.output, 'x', sizeof p.output), "output 'xxxxxxxxxxxxxxxx'");
    REFUSED(UDY_EUNSUPPORTED, p.bounded = false, "no action bounds to scale");
    REFUSED(UDY_EUNSUPPORTED, (p.bounded = false, strcpy(p.output, "relu")), "to clip");
    REFUSED(UDY_EINVAL, p.low[1] = 2, "action 1 is bounded by [2, 0.05]");
    REFUSED(UDY_EINVAL, p.high[2] = INFINITY, "both finite");
    weights[7] = NAN;
    REFUSED(UDY_ENONFINITE, p.layer[0].weight = weights, "layer 0's weight", "element 7");
#undef REFUSED
    free_sample(&s);
}

static void writers_leave_nothing_behind_where_they_fail(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_RELU, UDY_TANH, SCALED);
    const udy_c_config c = {.name = "p"};
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", at_root("folder.c"));
    CHECK(udy_dir_make(folder, err));
    EXPECT_ERROR(UDY_EEXIST, udy_onnx_write(folder, &s.plain, NULL, 0, err), "is a folder");
    EXPECT_ERROR(UDY_EEXIST, udy_c_write(folder, &s.plain, &c, err), "is a folder");
    EXPECT_ERROR(UDY_EINVAL, udy_c_write("x.cpp", &s.plain, &c, err), "ends in .c");
    EXPECT_ERROR(UDY_EINVAL, udy_c_write("x/.c", &s.plain, &c, err), "ends in .c");
    EXPECT_ERROR(UDY_EINVAL, udy_c_write("a\"b.c", &s.plain, &c, err), "#include");
    const udy_text_pair latin[] = {{"made_by", "caf\xe9"}};
    EXPECT_ERROR(UDY_EINVAL, udy_onnx_write(at_root("l.onnx"), &s.plain, latin, 1, err), "UTF-8");
    EXPECT_ERROR(UDY_EINVAL, udy_npz_write(at_root("l.npz"), &s.plain, latin, 1, err), "UTF-8");
    assert_false(udy_file_exists(at_root("l.onnx")) || udy_file_exists(at_root("l.npz")));
    free_sample(&s);
}

static void names_that_cannot_start_identifiers_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "1x", "_x", "a-b", "a b", "n\xc3\xa4me", "a;b", "a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_ERROR(UDY_EINVAL, udy_c_name_check(bad[i], err), "cannot start C identifiers");
    EXPECT_ERROR(UDY_EINVAL, udy_c_name_check(NULL, err), "empty");
    EXPECT_ERROR(UDY_EINVAL,
                 udy_c_name_check("a23456789012345678901234567890123456789012345678", err),
                 "longer than 47");
    CHECK(udy_c_name_check("a2345678901234567890123456789012345678901234567", err));
    CHECK(udy_c_name_check("int", err));  // int_act is a fine name
}

//------------------------------------------ Rounding ----------------------------------------------

static void every_half_widens_and_narrows_to_itself(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        if ((h & 0x7c00u) == 0x7c00u) continue;  // infinities and NaNs: no weights
        assert_int_equal(udy__half_of(udy__half_value((uint16_t)h)), h);
    }
    assert_true(udy__half_value(0x3c00) == 1.0f);
    assert_true(udy__half_value(0xc000) == -2.0f);
    assert_true(udy__half_value(0x7bff) == 65504.0f);
    assert_true(udy__half_value(0x0001) == 0x1p-24f);
}

static void narrowing_takes_the_nearest_half_and_the_even_one_of_two(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 1);
    for (int i = 0; i < 200000; i++) {
        float x = (float)(udy_rng_normal(&rng) * pow(2, udy_rng_uniform(&rng, -26, 14)));
        // Halfway cases too: a float with 11 or 12 bits of mantissa.
        uint32_t bits;
        memcpy(&bits, &x, 4);
        if (i % 2) bits &= 0xfffff000u;
        memcpy(&x, &bits, 4);
        uint16_t h = udy__half_of(x);
        double off = fabs((double)udy__half_value(h) - (double)x);
        for (int step = -1; step <= 1; step += 2) {
            uint16_t other = (uint16_t)(h + step);
            if ((h & 0x7fff) == 0 || (other & 0x7fff) >= 0x7c00) continue;
            double theirs = fabs((double)udy__half_value(other) - (double)x);
            if (theirs < off || (theirs == off && h % 2)) fail_msg("%.9g became %#x", (double)x, h);
        }
    }
    assert_int_equal(udy__half_of(65519.0f), 0x7bff);
    assert_int_equal(udy__half_of(65520.0f), 0x7c00);
    assert_int_equal(udy__half_of(-1e10f), 0xfc00);
    assert_int_equal(udy__half_of(0x1p-25f), 0);  // a tie with 0, which is even
    assert_int_equal(udy__half_of(-0.0f), 0x8000);
}

static void int8_weights_are_off_by_half_a_step_at_most(void **state) {
    (void)state;
    enum { IN = 30, OUT = 10, N = IN * OUT };
    float w[N], row[OUT], column[IN], bias[OUT] = {0};
    int8_t q[N];
    udy_rng rng;
    udy_rng_init(&rng, 2);
    draw(w, N, &rng);
    // Columns of very different units, one of them unused.
    for (int i = 0; i < N; i++) w[i] *= i % IN == 4 ? 0 : (float)pow(10, i % IN % 4 - 2);
    const udy_plain_layer layer = {IN, OUT, w, bias};
    for (int scaled = 0; scaled < 2; scaled++) {
        udy__int8_layer(q, row, scaled ? column : NULL, &layer);
        for (int o = 0; o < OUT; o++) {
            int most = 0, zeros = 0;
            for (int i = 0; i < IN; i++) {
                double step = (double)row[o] * (scaled ? (double)column[i] : 1);
                double off = (double)w[o * IN + i] - q[o * IN + i] * step;
                assert_true(fabs(off) <= 0.501 * step);
                if (abs(q[o * IN + i]) > most) most = abs(q[o * IN + i]);
                zeros += q[o * IN + i] == 0;
            }
            assert_int_equal(most, 127);
            // With rows alone the small columns are lost; with columns none is.
            assert_true(scaled ? zeros < 4 : zeros > 4);
        }
    }
    memset(w, 0, sizeof w);
    w[5] = 0x1p-149f;  // the least there is: in a row's own scale it is nothing
    udy__int8_layer(q, row, NULL, &layer);
    for (int i = 0; i < N; i++) assert_int_equal(q[i], 0);
    udy__int8_layer(q, row, column, &layer);
    for (int i = 0; i < N; i++) assert_int_equal(q[i], 0);
}

static void rounding_leaves_the_policy_alone_and_gives_one_of_its_own(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_TANH, UDY_IDENTITY, SEEN_CLIPPED);
    float head[3 * 7 + 3];
    for (int i = 0; i < 24; i++) head[i] = (float)i / 7;
    s.plain.log_std_weight = head;
    s.plain.log_std_bias = head + 21;
    for (int w = 0; w < UDY_WEIGHTS_COUNT; w++) {
        udy_plain_policy r, again;
        CHECK(udy_plain_round(&r, &s.plain, (udy_weights)w, err));
        CHECK(udy_plain_round(&again, &r, (udy_weights)w, err));
        double worst = 0;
        for (int l = 0; l < 3; l++) {
            const udy_plain_layer *a = &s.plain.layer[l], *b = &r.layer[l];
            assert_ptr_not_equal(a->weight, b->weight);
            assert_memory_equal(a->bias, b->bias, sizeof(float) * (size_t)a->out);
            for (int i = 0; i < a->in * a->out; i++) {
                worst = fmax(worst, fabs((double)a->weight[i] - (double)b->weight[i]));
                // Scales of int8 are found anew, and may be others.
                if (w != UDY_WEIGHTS_INT8) assert_true(b->weight[i] == again.layer[l].weight[i]);
            }
        }
        assert_ptr_not_equal(r.obs_low, obs_low);
        assert_memory_equal(r.obs_low, obs_low, sizeof obs_low);
        assert_memory_equal(r.obs_high, obs_high, sizeof obs_high);
        assert_memory_equal(r.log_std_weight, head, 21 * sizeof(float));
        assert_memory_equal(r.log_std_bias, head + 21, 3 * sizeof(float));
        if (w == UDY_WEIGHTS_F32) assert_true(worst == 0);
        if (w == UDY_WEIGHTS_INT8) assert_true(worst > 1e-4 && worst < 0.5 / 127);
        if (w == UDY_WEIGHTS_FP16) assert_true(worst > 1e-6 && worst < 0.5 / 2048);
        udy_free(r.block);
        udy_free(again.block);
    }
    assert_int_equal(udy_weights_bytes(&s.plain, UDY_WEIGHTS_INT8),
                     5 * 4 + 12 * (5 + 8) + 7 * (12 + 8) + 3 * (7 + 8));
    free_sample(&s);
}

static void a_weight_beyond_half_precision_is_refused(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_RELU, UDY_TANH, SCALED);
    udy_mlp_param(s.mlp, 2).data[3] = 70000;
    udy_plain_policy r;
    const udy_c_config c = {.name = "p", .weights = UDY_WEIGHTS_FP16};
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_plain_round(&r, &s.plain, UDY_WEIGHTS_FP16, err), "layer 1",
                 "70000", "65504");
    EXPECT_ERROR(UDY_EUNSUPPORTED, udy_c_write(at_root("h.c"), &s.plain, &c, err), "65504");
    CHECK(udy_plain_round(&r, &s.plain, UDY_WEIGHTS_INT8, err));
    udy_free(r.block);
    free_sample(&s);
}

//------------------------------------------ ONNX --------------------------------------------------

static void a_model_has_the_tensors_of_a_policy_file_and_its_facts(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_RELU, UDY_TANH, SCALED);
    const char *path = at_root("p.onnx");
    const udy_text_pair extra[] = {{"made_by", "a test"}, {"task", "another"}};
    CHECK(udy_onnx_write(path, &s.plain, extra, 2, err));
    char *data;
    size_t n;
    CHECK(udy_file_read(&data, &n, path, 1 << 20, err));
    Udy__Onnx__ModelProto *m = udy__onnx__model_proto__unpack(NULL, n, (uint8_t *)data);
    assert_non_null(m);
    assert_int_equal(m->graph->n_node, 3 + 3 + 2);
    assert_string_equal(m->graph->node[0]->input[0], "obs");
    assert_string_equal(m->graph->node[7]->output[0], "action");
    assert_int_equal(m->graph->n_initializer, 6 + 2);
    Udy__Onnx__TensorProto *t = m->graph->initializer[2];
    assert_string_equal(t->name, "net.2.weight");
    assert_int_equal(t->dims[0], 7);
    assert_int_equal(t->dims[1], 12);
    assert_int_equal(t->raw_data.len, 7 * 12 * 4);
    assert_memory_equal(t->raw_data.data, s.plain.layer[1].weight, 7 * 12 * 4);
    const char *task = NULL, *made_by = NULL;
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        if (!strcmp(m->metadata_props[i]->key, "task")) task = m->metadata_props[i]->value;
        if (!strcmp(m->metadata_props[i]->key, "made_by")) made_by = m->metadata_props[i]->value;
    }
    assert_string_equal(task, "Ant-v5");  // the policy knows better than extra
    assert_string_equal(made_by, "a test");
    udy__onnx__model_proto__free_unpacked(m, NULL);
    udy_free(data);
    free_sample(&s);
}

//------------------------------------------ npz ---------------------------------------------------

static void an_npz_has_the_tensors_of_a_policy_file_and_its_head(void **state) {
    (void)state;
    sample s = make_sample(3, small, UDY_RELU, UDY_TANH, SCALED);
    float head[3 * 7 + 3];
    for (int i = 0; i < 24; i++) head[i] = (float)i;
    s.plain.log_std_weight = head;
    s.plain.log_std_bias = head + 21;
    strcpy(s.plain.log_std_bound, "clamp");
    const udy_text_pair extra[] = {{"made_by", "na\xc3\xafve \"\xf0\x9f\xa4\x96\""}};
    const char *path = at_root("p.npz");
    CHECK(udy_npz_write(path, &s.plain, extra, 1, err));
    udy__archive *a;
    CHECK(udy__archive_open(&a, path, err));
    assert_int_equal(udy__archive_count(a), 9);
    const struct {
        const char *entry;
        const float *data;
        int rows, cols;
    } expected[] = {{"net.0.weight.npy", s.plain.layer[0].weight, 12, 5},
                    {"net.4.bias.npy", s.plain.layer[2].bias, 3, 0},
                    {"log_std.weight.npy", head, 3, 7}};
    for (size_t i = 0; i < 3; i++) {
        char *data;
        size_t n;
        udy_tensor t;
        CHECK(udy__archive_read(a, expected[i].entry, 1 << 20, &data, &n, err));
        CHECK(udy__npy_parse(&t, data, n, expected[i].entry, err));
        assert_int_equal(t.ndim, expected[i].cols ? 2 : 1);
        assert_int_equal(t.shape[0], expected[i].rows);
        assert_memory_equal(t.data, expected[i].data, t.n_bytes);
        udy_free(data);
    }
    udy__archive_close(a);
    free_sample(&s);
}

//------------------------------------------ For others to read ------------------------------------

enum { ROWS = 64 };

static void write_sample(const sample *s, const char *folder) {
    const int O = s->plain.obs_dim, A = s->plain.act_dim;
    float *obs = udy_alloc(sizeof(float) * (size_t)(ROWS * O));
    float *action = udy_alloc(sizeof(float) * (size_t)(ROWS * A));
    udy_rng rng;
    udy_rng_init(&rng, 11);
    draw(obs, ROWS * O, &rng);
    for (int i = 0; i < ROWS; i++) library_action(s, obs + i * O, action + i * A);
    const udy_tensor tensors[] = {
        {"obs", UDY_F32, 2, {ROWS, O}, obs, sizeof(float) * (size_t)(ROWS * O)},
        {"action", UDY_F32, 2, {ROWS, A}, action, sizeof(float) * (size_t)(ROWS * A)}};
    const udy_text_pair extra[] = {{"made_by", "na\xc3\xafve \"\xf0\x9f\xa4\x96\""}};
    char path[UDY_PATH_MAX];
    CHECK(udy_path_format(path, err, "%s/%s.safetensors", folder, s->name));
    CHECK(udy_safetensors_write(path, tensors, 2, NULL, 0, err));
    CHECK(udy_path_format(path, err, "%s/%s.onnx", folder, s->name));
    CHECK(udy_onnx_write(path, &s->plain, extra, 1, err));
    CHECK(udy_path_format(path, err, "%s/%s.npz", folder, s->name));
    CHECK(udy_npz_write(path, &s->plain, extra, 1, err));
    udy_free(obs);
    udy_free(action);
}

static const char *target;

static void samples_are_written(void **state) {
    (void)state;
    sample s;
    CHECK(udy_dir_make(target, err));
    for (int i = 0; sample_at(&s, i); i++) {
        write_sample(&s, target);
        free_sample(&s);
    }
}

// A policy file's own actions on observations that are drawn, for load_torch.sh.
static const char *policy_path;

static void a_policy_acts(void **state) {
    (void)state;
    udy_policy *policy = load_policy(policy_path);
    udy_plain_policy plain;
    CHECK(udy_policy_plain(&plain, policy, err));
    const int O = plain.obs_dim, A = plain.act_dim;
    float *obs = udy_alloc(sizeof(float) * (size_t)(ROWS * O));
    float *action = udy_alloc(sizeof(float) * (size_t)(ROWS * A));
    udy_rng rng;
    udy_rng_init(&rng, 13);
    draw(obs, ROWS * O, &rng);
    udy_pool *pool = make_pool(1);
    CHECK(udy_policy_label(policy, pool, obs, ROWS, action, err));
    const udy_tensor tensors[] = {
        {"obs", UDY_F32, 2, {ROWS, O}, obs, sizeof(float) * (size_t)(ROWS * O)},
        {"action", UDY_F32, 2, {ROWS, A}, action, sizeof(float) * (size_t)(ROWS * A)}};
    CHECK(udy_safetensors_write(target, tensors, 2, NULL, 0, err));
    udy_pool_destroy(pool);
    udy_free(obs);
    udy_free(action);
    udy_policy_destroy(policy);
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "--act")) {
        policy_path = argv[2];
        target = argv[3];
        const struct CMUnitTest acting[] = {cmocka_unit_test(a_policy_acts)};
        return cmocka_run_group_tests(acting, NULL, NULL);
    }
    if (argc == 3 && !strcmp(argv[1], "--write")) {
        target = argv[2];
        const struct CMUnitTest writing[] = {cmocka_unit_test(samples_are_written)};
        return cmocka_run_group_tests(writing, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_of_nn_can_be_exported_and_computes_the_same),
        cmocka_unit_test(a_policy_that_cannot_be_written_is_refused_in_words),
        cmocka_unit_test(writers_leave_nothing_behind_where_they_fail),
        cmocka_unit_test(names_that_cannot_start_identifiers_are_refused),
        cmocka_unit_test(every_half_widens_and_narrows_to_itself),
        cmocka_unit_test(narrowing_takes_the_nearest_half_and_the_even_one_of_two),
        cmocka_unit_test(int8_weights_are_off_by_half_a_step_at_most),
        cmocka_unit_test(rounding_leaves_the_policy_alone_and_gives_one_of_its_own),
        cmocka_unit_test(a_weight_beyond_half_precision_is_refused),
        cmocka_unit_test(a_model_has_the_tensors_of_a_policy_file_and_its_facts),
        cmocka_unit_test(an_npz_has_the_tensors_of_a_policy_file_and_its_head),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
