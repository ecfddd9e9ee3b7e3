// The model hub's client against a hub on the loopback: what is fetched, what the cache looks like,
// how broken-off downloads go on, what is said where something is missing, what happens offline.
//
//     test_hub --serve                     serve the tests' repository until standard input ends
//     test_hub --fetch ENDPOINT CACHE REF  fetch, print path and bytes transferred ("offline": no
//                                          endpoint)
#include <pthread.h>
#include <sys/resource.h>

#include "test_hub_common.h"

//------------------------------------------ Layout ------------------------------------------------

static void expect_link(const char *name, const char *target) {
    char found[1024];
    ssize_t n = readlink(at_root(name), found, sizeof found - 1);
    if (n < 0) fail_msg("%s is no link", name);
    found[n] = '\0';
    assert_string_equal(found, target);
}

static void files_arrive_in_the_layout_of_huggingface_hub(void **state) {
    (void)state;
    udy_hub_file card, weights;
    char target[200], path[1024];
    expect_fetch(&card, README);
    expect_fetch(&weights, WEIGHTS);
    expect_content(card.path, CARD, strlen(CARD));
    expect_content(weights.path, big, BIG);
    assert_int_equal(weights.n_bytes, BIG);
    assert_int_equal(weights.n_transferred, BIG);
    assert_string_equal(weights.commit, HUB_COMMIT);
    assert_string_equal(weights.hash, hub->file[1].hash);
    assert_int_equal(last_done, BIG / 1000);
    assert_int_equal(last_total, BIG / 1000);
    expect_file(at_root(REPO_DIR "/refs/main"), HUB_COMMIT);
    snprintf(target, sizeof target, "../../blobs/%s", hub->file[0].hash);
    expect_link(REPO_DIR "/snapshots/" HUB_COMMIT "/README.md", target);
    snprintf(target, sizeof target, "../../../blobs/%s", hub->file[1].hash);
    expect_link(REPO_DIR "/snapshots/" HUB_COMMIT "/weights/model 1.zip", target);
    snprintf(path, sizeof path, "%s/cache/.locks/models--someone--ant-expert/%s.lock", root,
             hub->file[1].hash);
    assert_true(udy_file_exists(path));
    assert_true(udy_file_exists(at_root("cache/CACHEDIR.TAG")));
    assert_int_equal(files_left(), 2 + 2 + 1);  // blobs, links, a ref, and no leftovers
}

static void hashes_are_those_of_sha256_and_git(void **state) {
    (void)state;
    hub_put(hub, "hello.txt", "hello\n", 6, false);
    hub_put(hub, "abc.zip", "abc", 3, true);
    hub->storage = NULL;  // storage at the hub's own address
    udy_hub_file file;
    expect_fetch(&file, "hf://" HUB_REPO "/hello.txt");
    assert_string_equal(file.hash, "ce013625030ba8dba906f756967f9e9ca394464a");
    hub->file[3].lfs = true;
    expect_fetch(&file, "hf://" HUB_REPO "@v1/abc.zip");
    assert_string_equal(file.hash,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_file(at_root(REPO_DIR "/refs/v1"), HUB_COMMIT);
}

static void an_empty_file_is_a_file(void **state) {
    (void)state;
    udy_hub_file file;
    hub_put(hub, "empty", "", 0, false);
    expect_fetch(&file, "hf://" HUB_REPO "@refs/pr/1/empty");
    assert_string_equal(file.hash, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    expect_file(file.path, "");
    expect_file(at_root(REPO_DIR "/refs/refs/pr/1"), HUB_COMMIT);
}

static void what_the_cache_has_is_not_fetched_again(void **state) {
    (void)state;
    udy_hub_file file;
    expect_fetch(&file, WEIGHTS);
    int gets = hub_count(storage, "GET", ""), asked = hub->n_asked;
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(file.n_transferred, 0);
    assert_int_equal(hub_count(storage, "GET", ""), gets);
    assert_int_equal(hub->n_asked, asked + 1);  // is it still the same? one HEAD
    expect_fetch(&file, "hf://" HUB_REPO "@" HUB_COMMIT "/weights/model 1.zip");
    assert_int_equal(hub->n_asked, asked + 1);  // a commit's files do not change
    // A blob that another revision's file has already is linked.
    assert_int_equal(unlink(file.path), 0);
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(file.n_transferred, 0);
    expect_content(file.path, big, BIG);
}

static void the_token_goes_to_the_endpoint_alone(void **state) {
    (void)state;
    udy_hub_file file;
    udy_hub_listing listing;
    udy_hub_ref ref = ref_of(WEIGHTS);
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(udy_hub_list(&listing, &config, &ref, NULL, &err), 0);
    udy_hub_listing_free(&listing);
    assert_true(hub->n_asked >= 3);
    for (int i = 0; i < hub->n_asked; i++) assert_string_equal(hub->asked[i].auth, "Bearer " TOKEN);
    assert_int_equal(storage->n_asked, 1);
    assert_string_equal(storage->asked[0].auth, "");
    assert_string_equal(storage->asked[0].agent, "understudy/" UDY_VERSION);
    config.token[0] = '\0';
    expect_fetch(&file, README);
    assert_string_equal(hub->asked[hub->n_asked - 1].auth, "");
}

//------------------------------------------ Going on ----------------------------------------------

// Storage that sends 100 kB of what is asked for and hangs up.
static bool cut_short(hub_conn *c, const hub_asked *asked) {
    size_t from = (size_t)asked->from, rest = BIG - from;
    hub_say(c, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
            from ? "206 Partial Content" : "200 OK", rest);
    if (from) hub_say(c, "Content-Range: bytes %zu-%zu/%zu\r\n", from, BIG - 1, BIG);
    hub_say(c, "\r\n");
    hub_send(c, big + from, rest < 100000 ? rest : 100000);
    return true;
}

static void a_cut_download_goes_on_where_it_was(void **state) {
    (void)state;
    udy_hub_file file;
    storage->script = cut_short;
    expect_fetch(&file, WEIGHTS);
    expect_content(file.path, big, BIG);
    assert_int_equal(file.n_transferred, BIG);  // not a byte twice
    assert_int_equal(storage->n_asked, 3);
    assert_int_equal(storage->asked[1].from, 100000);
    assert_int_equal(storage->asked[2].from, 200000);
    assert_string_equal(storage->asked[1].if_range, "");  // storage has an ETag of its own
    assert_non_null(strstr(messages, "trying again from 100 kB"));
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\"", hub->file[1].hash);
    assert_string_equal(hub->asked[hub->n_asked - 1].if_range, quoted);
}

static void a_download_goes_on_in_another_run(void **state) {
    (void)state;
    udy_hub_file file;
    config.retries = 0;
    storage->script = cut_short;
    expect_error(WEIGHTS, UDY_EIO, "127.0.0.1");
    expect_content(part_path(), big, 100000);
    storage->script = NULL;
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(file.n_transferred, BIG - 100000);
    assert_int_equal(storage->asked[1].from, 100000);
    expect_content(file.path, big, BIG);
    assert_false(udy_file_exists(part_path()));
}

static bool no_ranges(hub_conn *c, const hub_asked *asked) {
    hub_asked whole = *asked;
    whole.from = 0;
    hub_send_content(c, &whole, &c->server->file[0], "x");
    return true;
}

static void leave_part(const void *data, size_t n) {
    udy_error e = {0};
    if (udy_dir_make(at_root(REPO_DIR "/blobs"), &e)) fail_msg("%s", e.message);
    put_file(part_path(), data, n);
}

static void a_server_without_ranges_starts_over(void **state) {
    (void)state;
    udy_hub_file file;
    storage->script = no_ranges;
    leave_part(big, 1000);
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(storage->asked[0].from, 1000);
    assert_int_equal(file.n_transferred, BIG);
    expect_content(file.path, big, BIG);
}

static bool no_such_range(hub_conn *c, const hub_asked *asked) {
    if (!asked->from) return false;
    return hub_say(c, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
}

static void a_range_that_is_refused_starts_over(void **state) {
    (void)state;
    udy_hub_file file;
    storage->script = no_such_range;
    leave_part(big, 1000);
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(storage->asked[1].from, 0);
    expect_content(file.path, big, BIG);
}

static void a_leftover_of_something_else_is_fetched_anew(void **state) {
    (void)state;
    udy_hub_file file;
    static char other[BIG + 5];
    const size_t sizes[] = {1000, BIG, BIG + 5};  // a start, all of it, more
    for (int i = 0; i < 3; i++) {
        remove_root(state);
        leave_part(other, sizes[i]);
        expect_fetch(&file, WEIGHTS);
        expect_content(file.path, big, BIG);
    }
    leave_part(big, BIG);  // complete, but never moved into place
    unlink(file.path);
    snprintf(file.path, sizeof file.path, "%s/" REPO_DIR "/blobs/%s", root, hub->file[1].hash);
    unlink(file.path);
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(file.n_transferred, 0);
}

static bool stop_after_start(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BIG);
    hub_send(c, big, 50000);
    hub_sleep(c, 300);
    interrupt_now = true;
    while (hub_sleep(c, 100) && hub_send(c, big, 1)) continue;
    return true;
}

static void an_interruption_keeps_what_came_and_says_so(void **state) {
    (void)state;
    udy_hub_file file;
    storage->script = stop_after_start;
    expect_error(WEIGHTS, UDY_EINTERRUPTED, "50 kB of weights/model 1.zip kept in");
    assert_non_null(strstr(err.message, ".incomplete"));
    interrupt_now = false;
    storage->script = NULL;
    expect_fetch(&file, WEIGHTS);
    assert_in_range(storage->asked[1].from, 50000, 50100);
    expect_content(file.path, big, BIG);
}

static void a_full_disk_is_said_and_what_fitted_is_gone_on_with(void **state) {
    (void)state;
    udy_hub_file file;
    struct rlimit was, tight;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    tight = was;
    tight.rlim_cur = 123456;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int code = fetch(&file, WEIGHTS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(code, UDY_ENOSPC);
    assert_non_null(strstr(err.message, "123456 bytes of weights/model 1.zip are kept"));
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(file.n_transferred, BIG - 123456);
    expect_content(file.path, big, BIG);
}

static void *fetch_in_thread(void *p) {
    udy_hub_ref ref = {.repo = HUB_REPO, .revision = "main", .file = "weights/model 1.zip"};
    udy_hub_file *file = p;
    udy_error e = {0};
    if (udy_hub_fetch(file, &config, &ref, NULL, &e)) fprintf(stderr, "%s\n", e.message);
    return NULL;
}

static bool slowly(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_sleep(c, 200);
    return false;
}

static void two_at_once_fetch_once(void **state) {
    (void)state;
    pthread_t threads[2];
    udy_hub_file files[2];
    storage->script = slowly;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, fetch_in_thread, &files[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_int_equal(storage->n_asked, 1);
    for (int i = 0; i < 2; i++) expect_content(files[i].path, big, BIG);
    assert_int_equal(files[0].n_transferred + files[1].n_transferred, BIG);
}

//------------------------------------------ What is missing ---------------------------------------

static int answer_status;
static const char *answer_headers;

static bool answer_with(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    return hub_say(c, "HTTP/1.1 %d So\r\n%sContent-Length: 0\r\n\r\n", answer_status,
                   answer_headers);
}

static void what_is_missing_is_named_with_the_way_out(void **state) {
    (void)state;
    expect_error("hf://" HUB_REPO "/nothing.zip", UDY_ENOENT, "has no file 'nothing.zip'");
    assert_true(udy_file_exists(at_root(REPO_DIR "/.no_exist/" HUB_COMMIT "/nothing.zip")));
    expect_error("hf://" HUB_REPO "@v9/README.md", UDY_ENOENT, "no branch, tag or commit 'v9'");
    expect_error("hf://someone/else/README.md", UDY_ENOENT, "no model someone/else at http://127");
    static const struct {
        int status;
        const char *headers;
        int code;
        const char *words;
    } cases[] = {
        {403, "X-Error-Code: GatedRepo\r\n", UDY_EPERM, "ask for access at http://127"},
        {401, "X-Error-Message: Invalid credentials in Authorization header\r\n", UDY_EPERM,
         "does not accept the token"},
        {401, "X-Error-Code: RepoNotFound\r\n", UDY_ENOENT, "needs another token"},
        {403, "", UDY_EPERM, "status 403"},
        {404, "", UDY_ENOENT, "no model"},
        {418, "X-Error-Message: short\x1b[31m and stout\r\n", UDY_EIO, "short?[31m and stout"},
        {429, "Retry-After: 3600\r\n", UDY_EIO, "wait for 3600 s"},
        {500, "", UDY_EIO, "status 500"},
    };
    hub->script = answer_with;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer_status = cases[i].status;
        answer_headers = cases[i].headers;
        expect_error(README, cases[i].code, cases[i].words);
    }
}

static bool twice_unavailable(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    if (atomic_fetch_add(&c->server->counter, 1) >= 2) return false;
    return hub_say(c, "HTTP/1.1 503 Later\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
}

static void what_passes_is_waited_for(void **state) {
    (void)state;
    udy_hub_file file;
    hub->script = storage->script = twice_unavailable;
    expect_fetch(&file, WEIGHTS);
    expect_content(file.path, big, BIG);
    assert_int_equal(hub_count(hub, "HEAD", ""), 3);
    assert_int_equal(storage->n_asked, 3);
}

static bool expired_once(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    if (atomic_fetch_add(&c->server->counter, 1)) return false;
    return hub_say(c, "HTTP/1.1 403 Expired\r\nContent-Length: 0\r\n\r\n");
}

static void an_expired_address_of_storage_is_asked_for_again(void **state) {
    (void)state;
    udy_hub_file file;
    storage->script = expired_once;
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(hub_count(hub, "GET", "resolve/" HUB_COMMIT), 2);
}

//------------------------------------------ Offline, and damage -----------------------------------

static void offline_the_cache_alone_is_asked(void **state) {
    (void)state;
    udy_hub_file file;
    expect_fetch(&file, WEIGHTS);
    expect_error("hf://" HUB_REPO "/nothing.zip", UDY_ENOENT, "has no file");
    int asked = hub->n_asked;
    config.offline = true;
    expect_fetch(&file, WEIGHTS);
    assert_string_equal(file.hash, hub->file[1].hash);
    assert_string_equal(file.commit, HUB_COMMIT);
    expect_content(file.path, big, BIG);
    expect_error(README, UDY_EIO, "not in the cache");
    expect_error("hf://" HUB_REPO "@v1/README.md", UDY_EIO, "offline");
    expect_error("hf://" HUB_REPO "/nothing.zip", UDY_ENOENT, "has no file");  // that is known
    udy_hub_listing listing;
    udy_hub_ref ref = ref_of(WEIGHTS);
    assert_int_equal(udy_hub_list(&listing, &config, &ref, NULL, &err), 0);
    assert_int_equal(listing.n, 1);
    assert_string_equal(listing.name[0], "weights/model 1.zip");
    udy_hub_listing_free(&listing);
    assert_int_equal(hub->n_asked, asked);
}

static void where_the_hub_is_away_the_cache_serves_and_says_so(void **state) {
    (void)state;
    udy_hub_file file;
    expect_fetch(&file, WEIGHTS);
    hub->script = answer_with;
    answer_status = 503;
    answer_headers = "";
    int asked = hub->n_asked;
    expect_fetch(&file, WEIGHTS);
    assert_int_equal(hub->n_asked, asked + 1);  // not waited for
    assert_non_null(strstr(messages, "what the cache has of " HUB_REPO));
    assert_non_null(strstr(messages, "status 503"));
    expect_content(file.path, big, BIG);
    snprintf(config.endpoint, sizeof config.endpoint, "http://127.0.0.1:1");  // nobody there
    messages[0] = '\0';
    expect_fetch(&file, WEIGHTS);
    assert_non_null(strstr(messages, "127.0.0.1: no answer"));
    expect_error(README, UDY_EIO, "127.0.0.1: no answer");
}

static void a_damaged_copy_is_found_and_fetched_again(void **state) {
    (void)state;
    udy_hub_file file;
    expect_fetch(&file, WEIGHTS);
    FILE *f = fopen(file.path, "r+b");
    assert_non_null(f);
    fputc(big[0] ^ 1, f);
    fclose(f);
    config.offline = true;
    expect_error(WEIGHTS, UDY_EFORMAT, "SHA-256");
    config.offline = false;
    expect_fetch(&file, WEIGHTS);
    assert_non_null(strstr(messages, "is damaged"));
    assert_int_equal(file.n_transferred, BIG);
    expect_content(file.path, big, BIG);
}

//------------------------------------------ Listing -----------------------------------------------

static void the_list_of_files_is_sorted(void **state) {
    (void)state;
    udy_hub_listing listing;
    udy_hub_ref ref = ref_of("hf://" HUB_REPO);
    hub_put(hub, "a.zip", "a", 1, true);
    if (udy_hub_list(&listing, &config, &ref, &progress, &err)) fail_msg("%s", err.message);
    assert_string_equal(listing.commit, HUB_COMMIT);
    assert_int_equal(listing.n, 3);
    assert_string_equal(listing.name[0], "README.md");
    assert_string_equal(listing.name[1], "a.zip");
    assert_string_equal(listing.name[2], "weights/model 1.zip");
    udy_hub_listing_free(&listing);
    ref = ref_of("hf://" HUB_REPO "@v9");
    assert_int_equal(udy_hub_list(&listing, &config, &ref, &progress, &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "'v9'"));
}

//------------------------------------------ For other programs ------------------------------------

static int serve(void) {
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i * 2654435761u >> 13);
    hub_server *s = hub_start(false), *away = hub_start(false);
    s->storage = away;
    hub_put(s, "README.md", CARD, strlen(CARD), false);
    hub_put(s, "weights/model.zip", big, BIG, true);
    hub_put(away, "weights/model.zip", big, BIG, true);
    printf("%s %s %s\n", s->url, s->file[0].hash, s->file[1].hash);
    fflush(stdout);
    while (getchar() != EOF) continue;
    hub_stop(s);
    hub_stop(away);
    return 0;
}

static int fetch_for(const char *endpoint, const char *cache, const char *text) {
    udy_hub_ref ref;
    udy_hub_file file;
    udy_hub_config c = udy_hub_config_default();
    c.offline = !strcmp(endpoint, "offline");
    if (!c.offline) snprintf(c.endpoint, sizeof c.endpoint, "%s", endpoint);
    snprintf(c.cache, sizeof c.cache, "%s", cache);
    if (udy_hub_ref_parse(&ref, text, &err) || udy_hub_fetch(&file, &c, &ref, NULL, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%llu %s\n", (unsigned long long)file.n_transferred, file.path);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--serve")) return serve();
    if (argc == 5 && !strcmp(argv[1], "--fetch")) return fetch_for(argv[2], argv[3], argv[4]);
    const struct CMUnitTest tests[] = {
        HUB_TEST(files_arrive_in_the_layout_of_huggingface_hub),
        HUB_TEST(hashes_are_those_of_sha256_and_git),
        HUB_TEST(an_empty_file_is_a_file),
        HUB_TEST(what_the_cache_has_is_not_fetched_again),
        HUB_TEST(the_token_goes_to_the_endpoint_alone),
        HUB_TEST(a_cut_download_goes_on_where_it_was),
        HUB_TEST(a_download_goes_on_in_another_run),
        HUB_TEST(a_server_without_ranges_starts_over),
        HUB_TEST(a_range_that_is_refused_starts_over),
        HUB_TEST(a_leftover_of_something_else_is_fetched_anew),
        HUB_TEST(an_interruption_keeps_what_came_and_says_so),
        HUB_TEST(a_full_disk_is_said_and_what_fitted_is_gone_on_with),
        HUB_TEST(two_at_once_fetch_once),
        HUB_TEST(what_is_missing_is_named_with_the_way_out),
        HUB_TEST(what_passes_is_waited_for),
        HUB_TEST(an_expired_address_of_storage_is_asked_for_again),
        HUB_TEST(offline_the_cache_alone_is_asked),
        HUB_TEST(where_the_hub_is_away_the_cache_serves_and_says_so),
        HUB_TEST(a_damaged_copy_is_found_and_fetched_again),
        HUB_TEST(the_list_of_files_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
