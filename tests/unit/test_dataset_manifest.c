// Manifests from outside: whatever stands in one, opening the folder fails with words or works, and
// reads nothing beyond it.
#include "test_learn_common.h"

static void put_manifest(const char *text) {
    put_file(at_root("manifest.json"), text, strlen(text));
}

#define HEAD "{\"format\": \"understudy.dataset/1\", \"task\": \"Ant-v5\", "
#define DIMS "\"obs_dim\": 27, \"act_dim\": 8, "

static void a_hostile_manifest_is_an_error_that_names_it(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "manifest.json"},
        {"{", "manifest.json"},
        {"[]", "(absent)"},
        {"null", "(absent)"},
        {"{\"format\": 1}", "(absent)"},
        {"{\"format\": \"understudy.dataset/9\", " DIMS "\"shards\": []}", "understudy.dataset/9"},
        {HEAD "\"shards\": []}", "0 observations"},
        {HEAD "\"obs_dim\": \"27\", \"act_dim\": 8, \"shards\": []}", "0 observations"},
        {HEAD "\"obs_dim\": 1e300, \"act_dim\": 8, \"shards\": []}", "1e+300"},
        {HEAD "\"obs_dim\": -5, \"act_dim\": 8, \"shards\": []}", "-5"},
        {HEAD "\"obs_dim\": 27, \"act_dim\": 65, \"shards\": []}", "65"},
        {HEAD "\"obs_dim\": 27, \"act_dim\": 0.5, \"shards\": []}", "0.5"},
        {HEAD DIMS "\"contact_obs\": false}", "'shards'"},
        {HEAD DIMS "\"shards\": 7}", "'shards'"},
        {HEAD DIMS "\"shards\": {\"a\": \"shard-00000.safetensors\"}}", "'shards'"},
        {HEAD DIMS "\"shards\": [\"../secret.safetensors\"]}", "../secret"},
        {HEAD DIMS "\"shards\": [\"/etc/passwd\"]}", "/etc/passwd"},
        {HEAD DIMS "\"shards\": [\"a/b.safetensors\"]}", "a/b"},
        {HEAD DIMS "\"shards\": [\"..\"]}", "'..'"},
        {HEAD DIMS "\"shards\": [\".hidden\"]}", ".hidden"},
        {HEAD DIMS "\"shards\": [\"\"]}", "''"},
        {HEAD DIMS "\"shards\": [\"a\\u001b[2J\"]}", "'a?[2J'"},
        {"{\"format\": \"a\\u001b[2J\"}", "'a?[2J'"},
        {HEAD DIMS "\"shards\": [null]}", "''"},
        {HEAD DIMS "\"shards\": [[[[]]]]}", "''"},
        {HEAD DIMS "\"shards\": [\"a-name-that-is-much-longer-than-any-shard-has.safetensors\"]}",
         "a-name"},
        {HEAD DIMS "\"shards\": [\"a\", \"b\", \"a\"]}", "'a' twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_manifest(cases[i].text);
        udy_dataset *d = (udy_dataset *)(uintptr_t)1;
        EXPECT_ERROR(UDY_EFORMAT, udy_dataset_open(&d, root, NULL, err), "manifest.json",
                     cases[i].says);
        assert_null(d);
    }
}

static void a_deep_or_long_manifest_does_no_harm(void **state) {
    (void)state;
    enum { DEEP = 200000 };
    char *text = udy_alloc(2 * DEEP + 200);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, HEAD DIMS "\"shards\": ");
    memset(text + n, '[', DEEP);
    memset(text + n + DEEP, ']', DEEP);
    strcpy(text + n + (size_t)2 * DEEP, "}");
    put_manifest(text);
    udy_dataset *d;
    EXPECT_ERROR(UDY_EFORMAT, udy_dataset_open(&d, root, NULL, err), "manifest.json");
    udy_free(text);
    // 100,000 shards that are not there: as many messages, and nothing else. Not in minutes.
    enum { LONG = 100000 };
    text = udy_alloc(LONG * 16 + 200);
    assert_non_null(text);
    n = (size_t)sprintf(text, HEAD DIMS "\"shards\": [");
    for (int i = 0; i < LONG; i++) n += (size_t)sprintf(text + n, "%s\"s%07d\"", i ? "," : "", i);
    strcpy(text + n, "]}");
    put_manifest(text);
    udy_free(text);
    watcher w = {0};
    double start = udy_clock_s();
    udy_progress progress = watched(&w);
    CHECK(udy_dataset_open(&d, root, &progress, err));
    assert_true(udy_clock_s() - start < 20);
    assert_int_equal(w.n_messages, LONG);
    assert_int_equal(udy_dataset_info_of(d).n_shards_bad, LONG);
    udy_dataset_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hostile_manifest_is_an_error_that_names_it),
        cmocka_unit_test(a_deep_or_long_manifest_does_no_harm),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
