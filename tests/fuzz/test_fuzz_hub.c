// Answers and names of the model hub, bent in every way: each ends in an error that a person can
// read, or in names and hashes that are what they should be: digits, and no way out of the cache.
//
//     test_fuzz_hub [ROUNDS [FIRST]]
#include "io/hub_internal.h"
#include "mutate.h"

static const char sample_head[] =
    "HTTP/1.1 302 Found\r\n"
    "X-Repo-Commit: 0123456789abcdef0123456789abcdef01234567\r\n"
    "ETag: W/\"0123456789abcdef0123456789abcdef01234567\"\r\n"
    "X-Linked-Etag: \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"\r\n"
    "X-Linked-Size: 4280000\r\n"
    "Content-Length: 1234\r\n"
    "Content-Range: bytes 100-199/200\r\n"
    "Content-Encoding: identity\r\n"
    "Retry-After: 12\r\n"
    "X-Error-Code: EntryNotFound\r\n"
    "X-Error-Message: no such thing\r\n"
    "Location: https://cdn.example.com/blob?signature=abc%2Fdef\r\n\r\n";
static const char sample_list[] =
    "{\"id\": \"someone/ant\", \"sha\": \"0123456789abcdef0123456789abcdef01234567\", "
    "\"private\": false, \"siblings\": [{\"rfilename\": \".gitattributes\"}, "
    "{\"rfilename\": \"ant-v5-SAC-medium.zip\", \"size\": 428000}, "
    "{\"rfilename\": \"logs/run 1/\\u00e9v\\u00e9nements.csv\"}], \"tags\": [\"a\", null, 1e3]}";
static const char sample_ref[] = "hf://models/farama-minari/Ant-v5@refs/pr/12/sub/model%20one.zip";

static const char *const tokens[] = {
    "../",      "..",         "/",        "\\",   "\r\n",      "\"",
    "W/",       "%2F",        "%00",      "@",    "{",         "}",
    "[",        "]",          ",",        "null", "-1",        "99999999999999999999",
    "main",     "hf://",      "bytes ",   "*",    "rfilename", ":",
    "siblings", "sha",        "\\u0000",  "\xff", "HTTP/2",    "ETag: ",
    " 200 ",    "Location: ", "refs/pr/",
};
#define N_TOKENS (sizeof tokens / sizeof *tokens)

static void check_file(const char *name) {
    REQUIRE(*name && *name != '/' && strlen(name) < 1024, "name '%s'", name);
    char around[1200];
    snprintf(around, sizeof around, "/%s/", name);
    REQUIRE(!strstr(around, "/../") && !strstr(around, "/./") && !strstr(around, "//"), "'%s'",
            name);
    for (const char *c = name; *c; c++)
        REQUIRE((unsigned char)*c >= 0x20 && *c != 0x7f && *c != '\\', "'%s'", name);
}

static bool is_digits(const char *text, size_t n) {
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

static void try_head(const block *b) {
    static udy__hub_head head;
    head.n_bytes = 0;
    udy__hub_head_init(&head);
    for (size_t at = 0; at < b->n;) {  // as libcurl hands them over, line by line
        const unsigned char *end = memchr(b->p + at, '\n', b->n - at);
        size_t n = end ? (size_t)(end - b->p) + 1 - at : b->n - at;
        unsigned char *line = malloc(n);  // so that a sanitizer sees what is read beyond it
        memcpy(line, b->p + at, n);
        udy__hub_head_line(&head, (const char *)line, n);
        free(line);
        at += n;
    }
    REQUIRE(head.n_bytes == b->n, "%zu bytes counted of %zu", head.n_bytes, b->n);
    for (const char *c = head.error_message; *c; c++)
        REQUIRE(*c >= 0x20 && *c < 0x7f, "'%s'", head.error_message);
    REQUIRE(head.range_first <= head.range_last, "range");
    udy__hub_meta meta;
    udy_error err = {0};
    const udy_hub_ref ref = {.repo = "a/b", .revision = "main", .file = "c.zip"};
    const uint64_t most = 1000000000;
    int code = udy__hub_meta_read(&meta, &head, &ref, most, "https://hub/a/b", &err);
    if (code) {
        check_message(&err, code);
        return;
    }
    REQUIRE(is_digits(meta.commit, 40), "commit '%s'", meta.commit);
    REQUIRE(is_digits(meta.hash, 40) || is_digits(meta.hash, 64), "hash '%s'", meta.hash);
    REQUIRE(meta.n_bytes >= -1 && meta.n_bytes <= (int64_t)most, "size");
}

static void try_list(const block *b) {
    udy_hub_listing listing;
    udy_error err = {0};
    char *text = malloc(b->n + 1);
    memcpy(text, b->p, b->n);
    int code = udy__hub_listing_read(&listing, text, b->n, "https://hub/api", &err);
    free(text);
    if (code) {
        check_message(&err, code);
        REQUIRE(!listing.name, "names beside an error");
        return;
    }
    REQUIRE(is_digits(listing.commit, 40), "commit '%s'", listing.commit);
    for (size_t i = 0; i < listing.n; i++) check_file(listing.name[i]);
    udy_hub_listing_free(&listing);
}

static void try_ref(const block *b) {
    udy_hub_ref ref;
    udy_error err = {0};
    char *text = malloc(b->n + 1);
    memcpy(text, b->p, b->n);
    text[b->n] = '\0';
    int code = udy_hub_ref_parse(&ref, text, &err);
    free(text);
    if (code) {
        check_message(&err, code);
        return;
    }
    check_file(ref.repo);
    REQUIRE(!strstr(ref.repo, "--"), "repository '%s'", ref.repo);
    check_file(ref.revision);
    if (*ref.file) check_file(ref.file);
    char url[UDY__HUB_URL_MAX];
    REQUIRE(!udy__hub_file_url(url, "https://hub", &ref, ref.revision, &err), "%s", err.message);
    for (const char *c = url; *c; c++) REQUIRE(*c > 0x20 && *c < 0x7f, "address '%s'", url);
}

static void try_one(int kind, const block *b) {
    static void (*const tries[])(const block *) = {try_head, try_list, try_ref};
    tries[kind](b);
}

static block sample(int kind) {
    static const char *const texts[] = {sample_head, sample_list, sample_ref};
    block b = {.n = strlen(texts[kind])};
    memcpy(b.p, texts[kind], b.n);
    return b;
}

// Every truncation, and every byte replaced by every other.
static void all_small_changes(int kind) {
    const block whole = sample(kind);
    block b = whole;
    for (b.n = 0; b.n < whole.n; b.n++) try_one(kind, &b);
    for (size_t i = 0; i < whole.n; i++) {
        for (int value = 0; value < 256; value++) {
            b.p[i] = (unsigned char)value;
            try_one(kind, &b);
        }
        b.p[i] = whole.p[i];
    }
}

int main(int argc, char **argv) {
    uint64_t rounds = argument(argc, argv, 1, 60000), first = argument(argc, argv, 2, 0);
    for (int kind = 0; kind < 3; kind++) {
        block b = sample(kind);
        try_one(kind, &b);
        if (argc < 3) all_small_changes(kind);
    }
    for (uint64_t i = first; i < first + rounds; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, 20, "hub", i);
        block b = sample((int)(i % 3));
        for (uint64_t n = 1 + udy_rng_below(&rng, 6); n > 0; n--)
            mutate(&rng, &b, tokens, N_TOKENS);
        try_one((int)(i % 3), &b);
    }
    printf("%llu rounds\n", (unsigned long long)rounds);
    return 0;
}
