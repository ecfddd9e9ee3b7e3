// Names and answers of the model hub, without a connection: what hf:// names may be, addresses made
// of them, headers and what they say of a file.
#include "test_io_common.h"

#include "io/hub_internal.h"
#include "io/sha.h"

static udy_error err;

static void names_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *repo, *revision, *file;
    } cases[] = {
        {"hf://a/b", "a/b", "main", ""},
        {"hf://a/b/", "a/b", "main", ""},
        {"hf://models/a/b", "a/b", "main", ""},
        {"hf://a/b/c.zip", "a/b", "main", "c.zip"},
        {"hf://a/b/d/c@2.zip", "a/b", "main", "d/c@2.zip"},
        {"hf://a/b@v1.0", "a/b", "v1.0", ""},
        {"hf://a/b@v1.0/c d.zip", "a/b", "v1.0", "c d.zip"},
        {"hf://a/b@feature%2Fx/c.zip", "a/b", "feature/x", "c.zip"},
        {"hf://a/b@refs/pr/12/c.zip", "a/b", "refs/pr/12", "c.zip"},
        {"hf://a/b@refs/convert/parquet/d/c.zip", "a/b", "refs/convert/parquet", "d/c.zip"},
        {"hf://farama-minari/Ant-v5-SAC-medium", "farama-minari/Ant-v5-SAC-medium", "main", ""},
        {"hf://A_1.x/b-c", "A_1.x/b-c", "main", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        udy_hub_ref ref;
        if (udy_hub_ref_parse(&ref, cases[i].text, &err)) fail_msg("%s", err.message);
        assert_string_equal(ref.repo, cases[i].repo);
        assert_string_equal(ref.revision, cases[i].revision);
        assert_string_equal(ref.file, cases[i].file);
    }
}

static void names_that_could_leave_the_cache_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "a/b",
        "hf://",
        "hf://a",
        "hf://a/",
        "hf:///b",
        "https://huggingface.co/a/b",
        "hf://datasets/a/b",
        "hf://../b",
        "hf://a/..",
        "hf://a/.b",
        "hf://a/b--c",
        "hf://a--x/b",
        "hf://a/b..c",
        "hf://a/b.git",
        "hf://a/-b",
        "hf://a/b c",
        "hf://a/b/../c",
        "hf://a/b/c/..",
        "hf://a/b/./c",
        "hf://a/b//c",
        "hf://a/b/c\\d",
        "hf://a/b/c\nd",
        "hf://a/b/c\x7f",
        "hf://a/b@/c",
        "hf://a/b@..%2F..%2Fx/c",
        "hf://a/b@%2Fetc/c",
        "hf://a/b@x%00y/c",
        "hf://a/b@x%0Ay/c",
        "hf://a/b@x y/c",
        "hf://a/b@x:y",
        "hf://a/b@refs/pr/../c",
        "hf://a/b@refs/pr//c",
    };
    udy_hub_ref ref;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (udy_hub_ref_parse(&ref, texts[i], &err) != UDY_EINVAL) fail_msg("took '%s'", texts[i]);
        for (const char *c = err.message; *c; c++) assert_in_range(*c, 0x20, 0x7e);
    }
    char text[3000] = "hf://a/b/";
    memset(text + 9, 'x', 256);
    assert_int_equal(udy_hub_ref_parse(&ref, text, &err), UDY_EINVAL);  // no file system holds it
    text[9 + 255] = '\0';
    assert_int_equal(udy_hub_ref_parse(&ref, text, &err), 0);
    memset(text + 9, 'x', 2000);
    assert_int_equal(udy_hub_ref_parse(&ref, text, &err), UDY_EINVAL);
    assert_int_equal(udy_hub_ref_parse(&ref, NULL, NULL), UDY_EINVAL);
}

static void addresses_are_percent_encoded(void **state) {
    (void)state;
    udy_hub_ref ref;
    char url[UDY__HUB_URL_MAX];
    assert_int_equal(udy_hub_ref_parse(&ref, "hf://a/b@x%2Fy/d e/f?#%\xc3\xa9.zip", &err), 0);
    assert_int_equal(udy__hub_file_url(url, "https://h/sub/", &ref, ref.revision, &err), 0);
    assert_string_equal(url, "https://h/sub/a/b/resolve/x%2Fy/d%20e/f%3F%23%25%C3%A9.zip");
    assert_int_equal(udy__hub_list_url(url, "https://h", &ref, &err), 0);
    assert_string_equal(url, "https://h/api/models/a/b/revision/x%2Fy");
    memset(ref.file, '%', sizeof ref.file - 1);
    char endpoint[UDY__HUB_URL_MAX];
    memset(endpoint, 'x', sizeof endpoint);
    endpoint[UDY__HUB_URL_MAX - 200] = '\0';
    assert_int_equal(udy__hub_file_url(url, endpoint, &ref, "main", &err), UDY_EINVAL);
}

//------------------------------------------ Headers -----------------------------------------------

static udy__hub_head head;

static void read_head(const char *text) {
    head.n_bytes = 0;
    udy__hub_head_init(&head);
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t n = end ? (size_t)(end - text) + 1 : strlen(text);
        udy__hub_head_line(&head, text, n);
        text += n;
    }
}

static void headers_are_read_whatever_their_case(void **state) {
    (void)state;
    read_head(
        "HTTP/1.1 103 Early\r\nX-Repo-Commit: wrong\r\n\r\nHTTP/2 206 \r\nx-repo-commit:  abc \r\n"
        "ETAG: \"e\"\r\nX-LINKED-ETAG: W/\"f\"\r\nContent-Length: 12\r\nx-linked-size:34\r\n"
        "Content-Range: bytes 5-9/10\r\nRetry-After: 7\r\nlocation: /x y\r\nnonsense\r\n\r\n");
    assert_int_equal(head.status, 206);
    assert_string_equal(head.commit, "abc");
    assert_string_equal(head.etag, "\"e\"");
    assert_string_equal(head.linked_etag, "W/\"f\"");
    assert_string_equal(head.location, "/x y");
    assert_int_equal(head.length, 12);
    assert_int_equal(head.linked_size, 34);
    assert_int_equal(head.range_first, 5);
    assert_int_equal(head.range_last, 9);
    assert_int_equal(head.range_total, 10);
    assert_int_equal(head.retry_after_s, 7);
    assert_null(head.fault);
    head.body_began = true;
    udy__hub_head_line(&head, "ETag: other\r\n", 13);  // a trailer
    assert_string_equal(head.etag, "\"e\"");
}

static void unreadable_headers_are_faults(void **state) {
    (void)state;
    static const char *const lines[] = {
        "ETag: a\r\nETag: b\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1x\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: \r\n",
        "Content-Range: bytes 1-2\r\n",
        "Content-Range: bytes 2-1/3\r\n",
        "Content-Range: bytes -2-1/3\r\n",
        "Content-Range: bytes 1-2/3x\r\n",
        "Content-Range: items 1-2/3\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        read_head(lines[i]);
        if (!head.fault) fail_msg("took '%s'", lines[i]);
    }
    read_head("ETag: a\r\nETag: a\r\nContent-Range: bytes */12\r\nRetry-After: Fri, 1 May\r\n");
    assert_null(head.fault);
    assert_int_equal(head.range_total, 12);
    assert_int_equal(head.range_first, -1);
    assert_int_equal(head.retry_after_s, -1);
    static char long_line[UDY__HUB_URL_MAX + 1000];
    memset(long_line, 'x', sizeof long_line - 1);
    memcpy(long_line, "Location: /", 11);
    read_head(long_line);
    assert_string_equal(head.fault, "Location");
    memcpy(long_line, "X-Another: ", 11);
    read_head(long_line);
    assert_null(head.fault);
    udy__hub_head_init(&head);
    udy__hub_head_line(&head, "Location: /a\0b\r\n", 16);
    assert_string_equal(head.fault, "Location");
}

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GIT "00112233445566778899aabbccddeeff00112233"

static void etags_are_taken_apart_as_python_does(void **state) {
    (void)state;
    const char *const etags[] = {"\"" SHA "\"", SHA, "W/\"" SHA "\"", "\"" GIT "\"",
                                 "W/\"" GIT "\""};
    const udy_hub_ref ref = {.repo = "a/b", .revision = "main", .file = "c"};
    udy__hub_meta meta;
    for (size_t i = 0; i < sizeof etags / sizeof *etags; i++) {
        read_head("HTTP/1.1 200 OK\r\nX-Repo-Commit: " GIT "\r\nContent-Length: 5\r\n");
        snprintf(head.etag, sizeof head.etag, "%s", etags[i]);
        if (udy__hub_meta_read(&meta, &head, &ref, 100, "url", &err)) fail_msg("%s", err.message);
        assert_string_equal(meta.hash, i < 3 ? SHA : GIT);
        assert_string_equal(meta.commit, GIT);
        assert_int_equal(meta.n_bytes, 5);
    }
    // What is linked goes before what only points there.
    read_head("HTTP/1.1 302 OK\r\nX-Repo-Commit: " GIT "\r\nContent-Length: 5\r\nETag: \"" GIT
              "\"\r\nX-Linked-Etag: \"" SHA "\"\r\n");
    assert_int_equal(udy__hub_meta_read(&meta, &head, &ref, 100, "url", &err), 0);
    assert_string_equal(meta.hash, SHA);
    assert_int_equal(meta.n_bytes, -1);
}

static void hashes_are_those_that_others_compute(void **state) {
    (void)state;
    char hash[UDY__SHA_DIGITS_MAX + 1];
    uint64_t n;
    put_file(at_root("x"), "abc", 3);
    assert_int_equal(udy__sha_file(hash, &n, UDY__SHA256, at_root("x"), &err), 0);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(n, 3);
    put_file(at_root("x"), "hello\n", 6);
    assert_int_equal(udy__sha_file(hash, &n, UDY__GIT_SHA1, at_root("x"), &err), 0);
    assert_string_equal(hash, "ce013625030ba8dba906f756967f9e9ca394464a");
    char *a = calloc(1, 1000000);  // a million of them, as FIPS 180 has it
    memset(a, 'a', 1000000);
    put_file(at_root("x"), a, 1000000);
    free(a);
    assert_int_equal(udy__sha_file(hash, &n, UDY__SHA256, at_root("x"), &err), 0);
    assert_string_equal(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(udy__sha_file(hash, &n, UDY__SHA256, at_root("nothing"), &err), UDY_ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(names_that_could_leave_the_cache_are_refused),
        cmocka_unit_test(addresses_are_percent_encoded),
        cmocka_unit_test(headers_are_read_whatever_their_case),
        cmocka_unit_test(unreadable_headers_are_faults),
        cmocka_unit_test(etags_are_taken_apart_as_python_does),
        cmocka_unit_test_setup_teardown(hashes_are_those_that_others_compute, make_root,
                                        remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
