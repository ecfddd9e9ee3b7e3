// Zip archives: what is written comes back, the same bytes every time; hostile ones are refused with
// a reason, whatever sizes they claim.
#include <time.h>

#include "io/archive.h"
#include "test_io_common.h"

#define CHECK(call)                                              \
    do {                                                         \
        udy_error check_err = {0};                               \
        udy_error *err = &check_err;                             \
        if ((call) != UDY_OK) fail_msg("%s", check_err.message); \
    } while (0)

#define REFUSED(status, call, text)                                                            \
    do {                                                                                       \
        udy_error check_err = {0};                                                             \
        udy_error *err = &check_err;                                                           \
        int check_got = (call);                                                                \
        if (check_got != (status))                                                             \
            fail_msg("%s: got %s (%s)", #call, udy_status_name(check_got), check_err.message); \
        if (!strstr(check_err.message, text))                                                  \
            fail_msg("'%s' is not in '%s'", text, check_err.message);                          \
    } while (0)

enum { LARGE = 100000 };
static unsigned char large[LARGE];

static const udy__archive_part parts[] = {
    {"first.npy", "\x93NUMPY", 6}, {"folder/large", large, LARGE}, {"empty", "", 0}};

static const char *write_parts(const char *name) {
    const char *path = at_root(name);
    CHECK(udy__archive_write(path, parts, 3, err));
    return path;
}

static void expect_parts(udy__archive *archive) {
    assert_int_equal(udy__archive_count(archive), 3);
    for (size_t i = 0; i < 3; i++) {
        char *data;
        size_t n;
        assert_string_equal(udy__archive_entry(archive, i), parts[i].entry);
        CHECK(udy__archive_read(archive, parts[i].entry, LARGE, &data, &n, err));
        assert_int_equal(n, parts[i].n_bytes);
        assert_memory_equal(data, parts[i].data, n);
        assert_int_equal(data[n], 0);
        udy_free(data);
    }
}

static void what_is_written_comes_back_from_a_file_and_from_memory(void **state) {
    (void)state;
    udy__archive *archive;
    CHECK(udy__archive_open(&archive, write_parts("a.zip"), err));
    expect_parts(archive);
    udy__archive_close(archive);
    char *data;
    size_t n;
    CHECK(udy_file_read(&data, &n, at_root("a.zip"), 1 << 20, err));
    CHECK(udy__archive_open_memory(&archive, data, n, "inner", err));
    expect_parts(archive);
    udy__archive_close(archive);
    udy__archive_close(NULL);
    udy_free(data);
}

static void the_same_parts_give_the_same_bytes_at_any_time_and_place(void **state) {
    (void)state;
    char *a, *b;
    size_t n, m;
    CHECK(udy_file_read(&a, &n, write_parts("x.zip"), 1 << 20, err));
    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    sleep(2);  // two seconds are the format's tick
    CHECK(udy_file_read(&b, &m, write_parts("y.zip"), 1 << 20, err));
    unsetenv("TZ");
    tzset();
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    udy_free(a);
    udy_free(b);
}

static void an_absent_entry_and_one_too_large_are_named(void **state) {
    (void)state;
    udy__archive *archive;
    char *data;
    size_t n;
    CHECK(udy__archive_open(&archive, write_parts("a.zip"), err));
    REFUSED(UDY_ENOENT, udy__archive_read(archive, "policy.pth", 9, &data, &n, err), "policy.pth");
    assert_null(data);
    REFUSED(UDY_EFORMAT, udy__archive_read(archive, "folder/large", LARGE - 1, &data, &n, err),
            "folder/large");
    assert_null(data);
    udy__archive_close(archive);
}

static void two_entries_of_one_name_cannot_be_written(void **state) {
    (void)state;
    const udy__archive_part twice[] = {{"a", "1", 1}, {"a", "2", 1}};
    REFUSED(UDY_EFORMAT, udy__archive_write(at_root("twice.zip"), twice, 2, err), "twice.zip");
    assert_false(udy_file_exists(at_root("twice.zip")));
    REFUSED(UDY_ENOENT, udy__archive_write(at_root("no/such/a.zip"), parts, 3, err), "no/such");
}

static void what_is_no_archive_is_refused(void **state) {
    (void)state;
    udy__archive *archive;
    REFUSED(UDY_ENOENT, udy__archive_open(&archive, at_root("absent.zip"), err), "absent.zip");
    REFUSED(UDY_EINVAL, udy__archive_open(&archive, root, err), "folder");
    put_file(at_root("empty.zip"), "", 0);
    REFUSED(UDY_EFORMAT, udy__archive_open(&archive, at_root("empty.zip"), err), "empty.zip");
    put_file(at_root("large.zip"), large, LARGE);
    REFUSED(UDY_EFORMAT, udy__archive_open(&archive, at_root("large.zip"), err), "large.zip");
    REFUSED(UDY_EFORMAT, udy__archive_open_memory(&archive, large, LARGE, "inner", err), "inner");
    assert_null(archive);
}

//------------------------------------------ Hostile archives --------------------------------------

typedef struct image {
    unsigned char *p;
    size_t n;
} image;

static image read_image(void) {
    image m;
    CHECK(udy_file_read((char **)&m.p, &m.n, write_parts("a.zip"), 1 << 20, err));
    return m;
}

// The k-th place of a signature "PK\a\b".
static size_t find(const image *m, unsigned char a, unsigned char b, int k) {
    const unsigned char signature[] = {'P', 'K', a, b};
    for (size_t i = 0; i + 4 <= m->n; i++)
        if (!memcmp(m->p + i, signature, 4) && k-- == 0) return i;
    fail_msg("no record %d.%d", a, b);
    return 0;
}

static void put(unsigned char *p, uint64_t v, int n) {
    for (int i = 0; i < n; i++) p[i] = (unsigned char)(v >> (8 * i));
}

static int read_entry(const image *m, const char *entry, udy_error *err) {
    udy__archive *archive;
    char *data;
    size_t n;
    int status = udy__archive_open_memory(&archive, m->p, m->n, "hostile", err);
    if (status) return status;
    status = udy__archive_read(archive, entry, SIZE_MAX, &data, &n, err);
    udy_free(data);
    udy__archive_close(archive);
    return status;
}

static void a_changed_byte_of_an_entry_fails_its_checksum(void **state) {
    (void)state;
    image m = read_image();
    size_t at = find(&m, 3, 4, 1) + 30 + strlen("folder/large") + 5000;
    assert_memory_equal(m.p + at, large + 5000, 16);
    m.p[at] ^= 1;
    REFUSED(UDY_EFORMAT, read_entry(&m, "folder/large", err), "CRC");
    udy_free(m.p);
}

static void sizes_that_the_bytes_cannot_give_are_refused_before_memory_is_asked_for(void **state) {
    (void)state;
    image m = read_image();
    size_t central = find(&m, 1, 2, 1);
    put(m.p + central + 24, 0xf0000000u, 4);  // uncompressed
    REFUSED(UDY_EFORMAT, read_entry(&m, "folder/large", err), "claims");
    put(m.p + central + 10, 8, 2);  // "deflated": 4 GB of 100000 bytes
    put(m.p + central + 24, 0xf0000000u, 4);
    REFUSED(UDY_EFORMAT, read_entry(&m, "folder/large", err), "claims");
    put(m.p + central + 20, 0xf0000000u, 4);  // of more than there are
    REFUSED(UDY_EFORMAT, read_entry(&m, "folder/large", err), "claims");
    put(m.p + central + 10, 14, 2);  // LZMA
    REFUSED(UDY_EUNSUPPORTED, read_entry(&m, "folder/large", err), "method 14");
    udy_free(m.p);
}

static void more_entries_than_there_are_bytes_for_are_refused(void **state) {
    (void)state;
    image m = read_image();
    size_t end = find(&m, 5, 6, 0);
    unsigned char *p = udy_alloc(m.n + 76);
    memcpy(p, m.p, end);
    unsigned char *record = p + end, *locator = record + 56;
    put(record, 0x06064b50, 4);
    put(record + 4, 44, 8);
    put(record + 24, 1u << 30, 8);  // entries
    put(record + 32, 1u << 30, 8);
    put(locator, 0x07064b50, 4);
    put(locator + 8, end, 8);
    put(locator + 16, 1, 4);
    memcpy(locator + 20, m.p + end, m.n - end);
    image grown = {p, m.n + 76};
    REFUSED(UDY_EFORMAT, read_entry(&grown, "empty", err), "1073741824 entries");
    udy_free(p);
    udy_free(m.p);
}

static void a_second_entry_of_the_same_name_hides_nothing(void **state) {
    (void)state;
    const udy__archive_part two[] = {{"aaa", "1", 1}, {"aab", "2", 1}};
    const char *path = at_root("two.zip");
    CHECK(udy__archive_write(path, two, 2, err));
    image m;
    CHECK(udy_file_read((char **)&m.p, &m.n, path, 1 << 20, err));
    m.p[find(&m, 1, 2, 1) + 46 + 2] = 'a';
    REFUSED(UDY_EFORMAT, read_entry(&m, "aaa", err), "two entries");
    udy_free(m.p);
}

static void an_archive_cut_anywhere_is_refused(void **state) {
    (void)state;
    const udy__archive_part two[] = {{"a", "first", 5}, {"b", "second", 6}};
    const char *path = at_root("small.zip");
    CHECK(udy__archive_write(path, two, 2, err));
    image m;
    CHECK(udy_file_read((char **)&m.p, &m.n, path, 1 << 20, err));
    size_t whole = m.n;
    for (m.n = 0; m.n < whole; m.n++) {
        udy_error err = {0};
        unsigned char *exact = malloc(m.n ? m.n : 1);  // so that reading past it shows
        memcpy(exact, m.p, m.n);
        udy__archive *archive;
        assert_int_equal(udy__archive_open_memory(&archive, exact, m.n, "cut", &err), UDY_EFORMAT);
        assert_non_null(strstr(err.message, "cut"));
        free(exact);
    }
    udy_free(m.p);
}

static int set_up(void **state) {
    uint32_t v = 1;
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (unsigned char)((v = v * 1664525u + 1013904223u) >> 24);
    return make_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back_from_a_file_and_from_memory),
        cmocka_unit_test(the_same_parts_give_the_same_bytes_at_any_time_and_place),
        cmocka_unit_test(an_absent_entry_and_one_too_large_are_named),
        cmocka_unit_test(two_entries_of_one_name_cannot_be_written),
        cmocka_unit_test(what_is_no_archive_is_refused),
        cmocka_unit_test(a_changed_byte_of_an_entry_fails_its_checksum),
        cmocka_unit_test(sizes_that_the_bytes_cannot_give_are_refused_before_memory_is_asked_for),
        cmocka_unit_test(more_entries_than_there_are_bytes_for_are_refused),
        cmocka_unit_test(a_second_entry_of_the_same_name_hides_nothing),
        cmocka_unit_test(an_archive_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, remove_root);
}
