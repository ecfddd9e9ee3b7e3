// test_hub_common.h: a hub with two files, its storage, a cache of its own for each test, and what
// the tests of the model hub ask of them.
#ifndef UNDERSTUDY_TESTS_TEST_HUB_COMMON_H_
#define UNDERSTUDY_TESTS_TEST_HUB_COMMON_H_

#include "test_io_common.h"

#include "hub_server.h"

#define BIG ((size_t)300000)
#define TOKEN "hf_SecretSecretSecret"
#define CARD "---\nlicense: mit\n---\nAn ant.\n"

static char big[BIG];  // the weights
static hub_server *hub, *storage;
static udy_hub_config config;
static udy_error err;
static char messages[4096];  // that were said, a line each
static bool interrupt_now;

static void on_message(void *ctx, const char *text) {
    (void)ctx;
    size_t n = strlen(messages);
    snprintf(messages + n, sizeof messages - n, "%s\n", text);
}

static int64_t last_done, last_total;

static int on_advance(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                      const char *note) {
    (void)ctx, (void)stage, (void)unit, (void)note;
    last_done = done;
    last_total = total;
    return interrupt_now;
}

static const udy_progress progress = {.on_advance = on_advance, .on_message = on_message};

static int start_hub(void **state) {
    if (make_root(state)) return -1;
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i * 2654435761u >> 13);
    hub = hub_start(false);
    storage = hub_start(false);
    hub->storage = storage;
    hub_put(hub, "README.md", CARD, strlen(CARD), false);
    hub_put(hub, "weights/model 1.zip", big, BIG, true);
    hub_put(storage, "weights/model 1.zip", big, BIG, true);
    config = udy_hub_config_default();
    snprintf(config.endpoint, sizeof config.endpoint, "%s", hub->url);
    snprintf(config.cache, sizeof config.cache, "%s", at_root("cache"));
    snprintf(config.token, sizeof config.token, TOKEN);
    config.retry_wait_s = 0.01;
    config.retries = 2;
    memset(&err, 0, sizeof err);
    messages[0] = '\0';
    interrupt_now = false;
    return 0;
}

static int stop_hub(void **state) {
    hub_stop(hub);
    hub_stop(storage);
    return remove_root(state);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, start_hub, stop_hub)
#define WEIGHTS "hf://" HUB_REPO "/weights/model 1.zip"
#define README "hf://" HUB_REPO "/README.md"
#define REPO_DIR "cache/models--someone--ant-expert"

static udy_hub_ref ref_of(const char *text) {
    udy_hub_ref ref;
    if (udy_hub_ref_parse(&ref, text, &err)) fail_msg("%s", err.message);
    return ref;
}

static int fetch(udy_hub_file *file, const char *text) {
    udy_hub_ref ref = ref_of(text);
    memset(&err, 0, sizeof err);
    int code = udy_hub_fetch(file, &config, &ref, &progress, &err);
    assert_int_equal(code, err.code);
    // Whatever went wrong, the secret stays one.
    assert_null(strstr(err.message, "Secret"));
    assert_null(strstr(messages, "Secret"));
    return code;
}

static inline void expect_fetch(udy_hub_file *file, const char *text) {
    if (fetch(file, text)) fail_msg("%s", err.message);
}

static inline void expect_error(const char *text, int code, const char *words) {
    udy_hub_file file;
    if (fetch(&file, text) != code || !strstr(err.message, words))
        fail_msg("%d '%s', expected %d and '%s'", err.code, err.message, code, words);
}

static inline void expect_content(const char *path, const char *data, size_t n) {
    char *found;
    size_t n_found;
    udy_error e = {0};
    if (udy_file_read(&found, &n_found, path, BIG + 1, &e)) fail_msg("%s", e.message);
    assert_int_equal(n_found, n);
    assert_memory_equal(found, data, n);
    udy_free(found);
}

// Files below the repository's folder that are more than empty directories.
static int n_left;
static int count_file(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)path, (void)st, (void)at;
    n_left += type == FTW_F || type == FTW_SL || type == FTW_SLN;
    return 0;
}

static inline int files_left(void) {
    n_left = 0;
    nftw(at_root(REPO_DIR), count_file, 8, FTW_PHYS);
    return n_left;
}

static inline const char *part_path(void) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/" REPO_DIR "/blobs/%s.incomplete", root, hub->file[1].hash);
    return path;
}

#endif  // UNDERSTUDY_TESTS_TEST_HUB_COMMON_H_
