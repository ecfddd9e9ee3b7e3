// The model hub's client against answers that no hub should give: wrong hashes and sizes, endless
// headers and bodies, trickles, redirects to where they should not lead, names that climb out of
// the cache. Each ends in an error in bounded time and memory, and leaves nothing in the cache.
#include "test_hub_common.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *answer;  // headers that the hub gives to a HEAD, as they are
static const char *body_headers;

static bool say_answer(hub_conn *c, const hub_asked *asked) {
    if (strcmp(asked->method, "HEAD")) return false;
    return hub_say(c, "HTTP/1.1 %s\r\n\r\n", answer);
}

static void expect_refusal(const char *headers, const char *words) {
    answer = headers;
    hub->script = say_answer;
    expect_error(WEIGHTS, UDY_EFORMAT, words);
    assert_int_equal(files_left(), 0);
    assert_int_equal(storage->n_asked, 0);
}

//------------------------------------------ What is announced -------------------------------------

#define GOOD_COMMIT "X-Repo-Commit: " HUB_COMMIT "\r\n"
#define GOOD_HASH "X-Linked-Etag: \"" HEX64 "\"\r\n"

static void commits_and_hashes_that_are_none_are_refused(void **state) {
    (void)state;
    expect_refusal("200 OK\r\nContent-Length: 5", "no X-Repo-Commit");
    expect_refusal("200 OK\r\nX-Repo-Commit: ../../../../etc\r\n" GOOD_HASH "Content-Length: 5",
                   "names commit '../../../../etc'");
    expect_refusal("200 OK\r\nX-Repo-Commit: main\r\n" GOOD_HASH "Content-Length: 5",
                   "names commit 'main'");
    expect_refusal("200 OK\r\n" GOOD_COMMIT "Content-Length: 5", "its ETag is ''");
    expect_refusal("200 OK\r\n" GOOD_COMMIT
                   "ETag: \"../../.ssh/authorized_keys\"\r\n"
                   "Content-Length: 5",
                   "its ETag is '\"../../.ssh");
    expect_refusal("200 OK\r\n" GOOD_COMMIT "ETag: \"" HEX64 "/x\"\r\nContent-Length: 5", "ETag");
    expect_refusal("200 OK\r\n" GOOD_COMMIT GOOD_HASH "X-Linked-Etag: \"" HUB_COMMIT "\"\r\n",
                   "header X-Linked-Etag is unreadable or there twice");
    expect_refusal("200 OK\r\n" GOOD_COMMIT GOOD_HASH "X-Linked-Size: -7\r\n", "X-Linked-Size");
    expect_refusal("200 OK\r\n" GOOD_COMMIT GOOD_HASH "X-Linked-Size: 99999999999999999999\r\n",
                   "X-Linked-Size");
    // Asked for one commit, told of another.
    answer = "200 OK\r\nX-Repo-Commit: ffffffffffffffffffffffffffffffffffffffff\r\n" GOOD_HASH;
    expect_error("hf://" HUB_REPO "@" HUB_COMMIT "/README.md", UDY_EFORMAT, "answered with ffff");
    assert_int_equal(files_left(), 0);
}

static void a_file_too_large_is_refused_before_it_comes(void **state) {
    (void)state;
    answer = "200 OK\r\n" GOOD_COMMIT GOOD_HASH "X-Linked-Size: 3000000000\r\n";
    hub->script = say_answer;
    expect_error(WEIGHTS, UDY_EINVAL, "3000000000 bytes, more than the 2147483648");
    answer = "200 OK\r\n" GOOD_COMMIT GOOD_HASH "X-Linked-Size: 100000000000000000\r\n";
    config.max_bytes = INT64_MAX;
    expect_error(WEIGHTS, UDY_ENOSPC, "kB are needed");
    assert_int_equal(hub_count(hub, "GET", ""), 0);
}

//------------------------------------------ Content that differs ----------------------------------

static void a_wrong_hash_leaves_nothing(void **state) {
    (void)state;
    static char lie[BIG];
    memcpy(lie, big, BIG);
    lie[BIG / 2] ^= 1;
    storage->file[0].data = lie;
    expect_error(WEIGHTS, UDY_EFORMAT, "is not what the hub announced, and is not kept");
    assert_non_null(strstr(err.message, hub->file[1].hash));
    assert_int_equal(files_left(), 0);
    hub->file[0].data = "---\nlicense: MIT\n---\nAn ant.\n";
    expect_error(README, UDY_EFORMAT, "git SHA-1");
    assert_int_equal(files_left(), 0);
    // An older copy is untouched by what came after it.
    udy_hub_file file;
    hub->file[0].data = CARD;
    expect_fetch(&file, README);
    strcpy(hub->file[0].hash, HUB_COMMIT);
    expect_error(README, UDY_EFORMAT, "git SHA-1");
    config.offline = true;
    expect_fetch(&file, README);
    expect_content(file.path, CARD, strlen(CARD));
}

static bool other_size(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_say(c, "HTTP/1.1 %s\r\n\r\n", body_headers);
    for (int i = 0; i < 4 && hub_send(c, big, BIG); i++) continue;
    return true;
}

static void sizes_that_differ_from_what_was_announced_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *headers, *words;
    } cases[] = {
        {"200 OK\r\nContent-Length: 299999", "the answer is about others"},
        {"200 OK\r\nContent-Length: 300001", "the answer is about others"},
        {"200 OK", "more than the 300000 bytes announced"},
        {"206 Some\r\nContent-Range: bytes 10-299999/300000", "the answer is about others"},
        {"206 Some\r\nContent-Range: bytes 0-9/10", "the answer is about others"},
        {"206 Some", "the answer is about others"},
        {"206 Some\r\nContent-Range: bytes 9-0/300000", "Content-Range"},
        {"200 OK\r\nContent-Encoding: gzip", "encoding 'gzip'"},
    };
    storage->script = other_size;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        body_headers = cases[i].headers;
        expect_error(WEIGHTS, UDY_EFORMAT, cases[i].words);
        assert_int_equal(files_left(), 0);
    }
}

//------------------------------------------ Without end -------------------------------------------

static atomic_llong n_sent;

static void send_without_end(hub_conn *c, const char *text) {
    while (!c->server->stopping && hub_send(c, text, strlen(text)))
        atomic_fetch_add(&n_sent, (long long)strlen(text));
}

static bool endless_body(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_say(c, "HTTP/1.1 %s\r\n\r\n", body_headers);
    send_without_end(c, "an endless body goes on and on, line after line after line and so on\n");
    return true;
}

// What lies in the kernel's buffers on the way counts as sent.
#define BUFFERS (16LL << 20)

static void endless_bodies_end_at_the_announced_size_or_the_limit(void **state) {
    (void)state;
    n_sent = 0;
    storage->script = endless_body;
    body_headers = "200 OK";
    expect_error(WEIGHTS, UDY_EFORMAT, "more than the 300000 bytes announced");
    body_headers = "200 OK\r\nTransfer-Encoding: chunked";
    expect_error(WEIGHTS, UDY_EIO, "127.0.0.1");  // one chunk, and no more that are any
    assert_int_equal(unlink(part_path()), 0);     // kept to go on with, as after any cut
    hub->script = endless_body;
    body_headers = "404 No\r\nX-Error-Code: EntryNotFound";
    expect_error(README, UDY_ENOENT, "has no file");
    udy_hub_listing listing;
    udy_hub_ref ref = ref_of(README);
    body_headers = "200 OK";
    assert_int_equal(udy_hub_list(&listing, &config, &ref, NULL, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "more than 16 MB"));
    assert_in_range(n_sent, 300000, 5 * BUFFERS + (16 << 20));
    assert_int_equal(files_left(), 0);
}

static bool no_size_but_body(hub_conn *c, const hub_asked *asked) {
    if (!strcmp(asked->method, "HEAD"))
        return hub_say(c, "HTTP/1.1 200 OK\r\n" GOOD_COMMIT GOOD_HASH "\r\n");
    body_headers = "200 OK";
    return endless_body(c, asked);
}

static void without_an_announced_size_the_limit_holds(void **state) {
    (void)state;
    hub->script = no_size_but_body;
    config.max_bytes = 1000000;
    expect_error(WEIGHTS, UDY_EFORMAT, "more than the 1000000 bytes that a policy may have");
    assert_int_equal(files_left(), 0);
}

static bool endless_headers(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_say(c, "HTTP/1.1 200 OK\r\n");
    send_without_end(c, "X-Something: that is of no use to anybody, and goes on and on and on\r\n");
    return true;
}

static bool endless_interim(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    send_without_end(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
    return true;
}

static bool one_endless_header(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_say(c, "HTTP/1.1 200 OK\r\nX-Repo-Commit: ");
    send_without_end(c, "0123456789abcdef0123456789abcdef");
    return true;
}

static void endless_headers_end(void **state) {
    (void)state;
    n_sent = 0;
    hub->script = endless_headers;
    expect_error(README, UDY_EFORMAT, "64 kB of headers");
    hub->script = endless_interim;
    expect_error(README, UDY_EFORMAT, "64 kB of headers");
    hub->script = one_endless_header;
    udy_hub_file file;
    assert_int_not_equal(fetch(&file, README), 0);
    assert_in_range(n_sent, 1, 8 * BUFFERS);
}

//------------------------------------------ Slow --------------------------------------------------

static int trickle_bytes, trickle_ms;

static bool trickle(hub_conn *c, const hub_asked *asked) {
    size_t at = (size_t)asked->from;
    hub_say(c, "HTTP/1.1 %s\r\n", at ? "206 Some" : "200 OK");
    if (at) hub_say(c, "Content-Range: bytes %zu-%zu/%zu\r\n", at, BIG - 1, BIG);
    hub_say(c, "Content-Length: %zu\r\n\r\n", BIG - at);
    for (size_t n; at < BIG; at += n) {
        n = BIG - at < (size_t)trickle_bytes ? BIG - at : (size_t)trickle_bytes;
        if (!hub_send(c, big + at, n) || !hub_sleep(c, trickle_ms)) break;
    }
    return true;
}

static bool silence(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    hub_sleep(c, 60000);
    return true;
}

static void trickles_and_silence_are_broken_off_and_slowness_is_not(void **state) {
    (void)state;
    udy_hub_file file;
    config.download_timeout_s = 1;
    config.lookup_timeout_s = 1;
    config.retries = 1;
    storage->script = trickle;
    trickle_bytes = 1;
    trickle_ms = 20;
    double began_s = udy_clock_s();
    expect_error(WEIGHTS, UDY_EIO, "127.0.0.1");
    assert_true(udy_clock_s() - began_s < 15);
    assert_true(udy_file_exists(part_path()));
    trickle_bytes = 10000;  // 2.4 s in all: longer than the time-out
    trickle_ms = 80;
    expect_fetch(&file, WEIGHTS);
    hub->script = silence;
    began_s = udy_clock_s();
    expect_error(README, UDY_EIO, "127.0.0.1: no answer");
    assert_true(udy_clock_s() - began_s < 15);
}

//------------------------------------------ Redirects ---------------------------------------------

static const char *location;

static bool send_away(hub_conn *c, const hub_asked *asked) {
    bool head = !strcmp(asked->method, "HEAD");
    return hub_say(c, "HTTP/1.1 302 Found\r\n%sLocation: %s\r\nContent-Length: 0\r\n\r\n",
                   head ? GOOD_COMMIT GOOD_HASH "X-Linked-Size: 5\r\n" : "", location);
}

static void redirects_lead_to_https_or_the_loopback_only(void **state) {
    (void)state;
    static const struct {
        const char *to, *words;
    } cases[] = {
        {"http://192.0.2.1/blob", "only https is followed"},
        {"http://localhost.example.com/blob", "only https is followed"},
        {"http://127.0.0.1.example.com/", "only https is followed"},
        {"file:///etc/passwd", "which is no address"},
        {"ftp://127.0.0.1/blob", "only https is followed"},
        {"http://user:word@127.0.0.1/", "which is no address"},
        {"http://", "which is no address"},
        {"", "which is no address"},
    };
    hub->script = send_away;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location = cases[i].to;
        expect_error(WEIGHTS, UDY_EFORMAT, cases[i].words);
        assert_int_equal(files_left(), 0);
    }
}

static bool send_round(hub_conn *c, const hub_asked *asked) {
    return hub_say(c, "HTTP/1.1 307 Round\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                   asked->path);
}

static bool renamed(hub_conn *c, const hub_asked *asked) {
    static const char old[] = "/old/name";
    if (strncmp(asked->path, old, sizeof old - 1)) return false;
    return hub_say(c,
                   "HTTP/1.1 307 Moved\r\nLocation: /" HUB_REPO "%s\r\nContent-Length: 0\r\n\r\n",
                   asked->path + sizeof old - 1);
}

static void redirects_without_end_end_and_a_new_name_is_followed(void **state) {
    (void)state;
    udy_hub_file file;
    hub->script = send_round;
    expect_error(WEIGHTS, UDY_EFORMAT, "more than 8 redirects");
    assert_int_equal(hub->n_asked, 9);
    hub->script = renamed;
    expect_fetch(&file, "hf://old/name/weights/model 1.zip");
    expect_content(file.path, big, BIG);
    assert_non_null(strstr(file.path, "models--old--name"));
}

static bool mirror(hub_conn *c, const hub_asked *asked) {
    return hub_say(c, "HTTP/1.1 302 Found\r\nLocation: %s%s\r\nContent-Length: 0\r\n\r\n",
                   (char *)c->server->ctx, asked->path);
}

static void a_mirror_that_sends_on_gets_the_token_alone(void **state) {
    (void)state;
    udy_hub_file file;
    hub_server *front = hub_start(false);
    front->script = mirror;
    front->ctx = hub->url;
    snprintf(config.endpoint, sizeof config.endpoint, "%s/", front->url);
    expect_fetch(&file, WEIGHTS);
    expect_content(file.path, big, BIG);
    assert_string_equal(front->asked[0].auth, "Bearer " TOKEN);
    for (int i = 0; i < hub->n_asked; i++) assert_string_equal(hub->asked[i].auth, "");
    hub_stop(front);
}

//------------------------------------------ Lists -------------------------------------------------

static const char *list_text;

static bool give_list(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    return hub_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(list_text),
                   list_text);
}

static void lists_with_names_that_climb_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"../x", "a/../../x", "/etc/passwd", "a//b", ".",
                                        "a/.",  "a\\\\b",    "a\\nb",       "",     "a/"};
    static char text[400];
    udy_hub_listing listing;
    udy_hub_ref ref = ref_of("hf://" HUB_REPO);
    hub->script = give_list;
    list_text = text;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text,
                 "{\"sha\": \"" HUB_COMMIT
                 "\", \"siblings\": [{\"rfilename\": \"README.md\"}, {\"rfilename\": \"%s\"}]}",
                 names[i]);
        assert_int_equal(udy_hub_list(&listing, &config, &ref, NULL, &err), UDY_EFORMAT);
        assert_non_null(strstr(err.message, "lists a file"));
    }
    static const char *const others[] = {"{}",
                                         "[]",
                                         "<html>",
                                         "",
                                         "{\"sha\": \"../..\", \"siblings\": []}",
                                         "{\"sha\": \"" HUB_COMMIT "\", \"siblings\": {}}",
                                         "{\"sha\": \"" HUB_COMMIT "\", \"siblings\": [3]}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        list_text = others[i];
        assert_int_equal(udy_hub_list(&listing, &config, &ref, NULL, &err), UDY_EFORMAT);
    }
}

//------------------------------------------ Settings ----------------------------------------------

static void endpoints_and_tokens_are_checked_before_anybody_is_asked(void **state) {
    (void)state;
    static const char *const endpoints[] = {"http://192.0.2.1",
                                            "http://huggingface.co",
                                            "huggingface.co",
                                            "ftp://127.0.0.1",
                                            "",
                                            "https://",
                                            "https://me:word@127.0.0.1",
                                            "http://127.0.0.1/?x=1",
                                            "file:///tmp"};
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        snprintf(config.endpoint, sizeof config.endpoint, "%s", endpoints[i]);
        expect_error(README, UDY_EINVAL, "hub endpoint");
    }
    snprintf(config.endpoint, sizeof config.endpoint, "%s", hub->url);
    snprintf(config.token, sizeof config.token, "hf_Secret\r\nX-Evil: 1");
    expect_error(README, UDY_EINVAL, "token has a blank");
    config.token[0] = '\0';
    config.cache[0] = '\0';
    expect_error(README, UDY_EINVAL, "no folder given");
    assert_int_equal(hub->n_asked, 0);
    // A name that a program made up without udy_hub_ref_parse.
    udy_hub_ref ref = {.repo = "a/b", .revision = "main", .file = "../../x"};
    udy_hub_file file;
    snprintf(config.cache, sizeof config.cache, "%s", at_root("cache"));
    assert_int_equal(udy_hub_fetch(&file, &config, &ref, NULL, &err), UDY_EINVAL);
    snprintf(ref.file, sizeof ref.file, "x");
    snprintf(ref.revision, sizeof ref.revision, "../x");
    assert_int_equal(udy_hub_fetch(&file, &config, &ref, NULL, &err), UDY_EINVAL);
    assert_int_equal(udy_hub_fetch(&file, &config, &ref, NULL, NULL), UDY_EINVAL);
}

static bool refuse_tunnel(hub_conn *c, const hub_asked *asked) {
    (void)asked;
    return hub_say(c, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
}

static void a_proxy_carries_https_and_never_sees_the_token(void **state) {
    (void)state;
    udy_hub_file file;
    hub_server *proxy = hub_start(false);
    proxy->script = refuse_tunnel;
    snprintf(config.proxy, sizeof config.proxy, "%s", proxy->url);
    setenv("http_proxy", proxy->url, 1);  // the library does not read it
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    expect_fetch(&file, README);
    assert_int_equal(proxy->n_asked, 0);  // the loopback is no business of a proxy's
    snprintf(config.endpoint, sizeof config.endpoint, "https://hub.example.com");
    expect_error("hf://" HUB_REPO "/other", UDY_EIO, "hub.example.com");
    assert_true(proxy->n_asked > 0);
    assert_string_equal(proxy->asked[0].method, "CONNECT");
    assert_string_equal(proxy->asked[0].path, "hub.example.com:443");
    assert_string_equal(proxy->asked[0].auth, "");
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    hub_stop(proxy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(commits_and_hashes_that_are_none_are_refused),
        HUB_TEST(a_file_too_large_is_refused_before_it_comes),
        HUB_TEST(a_wrong_hash_leaves_nothing),
        HUB_TEST(sizes_that_differ_from_what_was_announced_are_refused),
        HUB_TEST(endless_bodies_end_at_the_announced_size_or_the_limit),
        HUB_TEST(without_an_announced_size_the_limit_holds),
        HUB_TEST(endless_headers_end),
        HUB_TEST(trickles_and_silence_are_broken_off_and_slowness_is_not),
        HUB_TEST(redirects_lead_to_https_or_the_loopback_only),
        HUB_TEST(redirects_without_end_end_and_a_new_name_is_followed),
        HUB_TEST(a_mirror_that_sends_on_gets_the_token_alone),
        HUB_TEST(lists_with_names_that_climb_are_refused),
        HUB_TEST(endpoints_and_tokens_are_checked_before_anybody_is_asked),
        HUB_TEST(a_proxy_carries_https_and_never_sees_the_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
