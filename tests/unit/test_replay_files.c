// The replay on disk: a checkpoint's count gives the ring of that count to the bit, wherever it is
// saved and loaded, or an error that names the file.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "test_replay_common.h"

//------------------------------------------ What was synced ---------------------------------------

static struct {
    struct stat st[256];
    int n;
    bool fails;
} syncs;

// In the place of the C library's.
int fsync(int fd) {
    if (syncs.fails) {
        errno = EIO;
        return -1;
    }
    if (syncs.n < 256) assert_int_equal(fstat(fd, &syncs.st[syncs.n++]), 0);
    return (int)syscall(SYS_fsync, fd);
}

// Was the file, as it is now, given to fsync?
static bool is_synced(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (int i = 0; i < syncs.n; i++) {
        const struct stat *s = &syncs.st[i];
        if (s->st_ino == st.st_ino && s->st_size == st.st_size &&
            !memcmp(&s->st_mtim, &st.st_mtim, sizeof st.st_mtim))
            return true;
    }
    return false;
}

static void save_returns_when_rows_and_folder_are_on_the_disk(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "synced");
    udy__replay *r = small_replay();
    for (int64_t count = 12; count < 400; count += 87) {
        int first_new = (int)(udy__replay_count(r) / SEGMENT_ROWS);
        syncs.n = 0;
        saved(r, dir, count);
        for (int i = first_new; i <= (count - 1) / SEGMENT_ROWS; i++)
            assert_true(is_synced(segment(dir, i)));
        assert_true(is_synced(dir));
        assert_true(count > 12 || is_synced(root));  // where the folder is new
    }
    append_until(r, 420);
    syncs.fails = true;
    EXPECT_ERROR(UDY_EIO, udy__replay_save(r, dir, err), segment(dir, 9), "cannot write");
    syncs.fails = false;
    expect_loads(dir, 12 + 4 * 87);
    CHECK(udy__replay_save(r, dir, err));
    expect_loads(dir, 420);
    udy__replay_destroy(r);
}

//------------------------------------------ Save and load -----------------------------------------

static void every_saved_count_loads_as_it_was(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "counts");
    udy_rng rng;
    udy_rng_init(&rng, 1);
    udy__replay *r = small_replay();
    saved(r, dir, 0);
    expect_loads(dir, 0);
    for (int64_t count = 0; count < 1500;) {
        int64_t before = count;
        count += N_ENVS * (int64_t)udy_rng_below(&rng, 40);
        saved(r, dir, count);
        expect_ring(r, count);
        expect_loads(dir, count);
        expect_loads(dir, before);  // the checkpoint before is whole until it is trimmed
        CHECK(udy__replay_trim(r, dir, err));
        expect_loads(dir, count);
        int64_t oldest = count > 198 ? count - 198 : 0;
        assert_int_equal(count_entries(dir),
                         (count + SEGMENT_ROWS - 1) / SEGMENT_ROWS - oldest / SEGMENT_ROWS);
    }
    udy__replay_destroy(r);
}

static void a_loaded_replay_goes_on_into_the_same_files(void **state) {
    (void)state;
    char a[1024], b[1024];
    folder(a, "never-killed");
    folder(b, "resumed");
    for (int64_t at = 42; at < 600; at += 57) {
        udy__replay *whole = small_replay(), *first = small_replay();
        saved(whole, a, at);
        CHECK(udy__replay_trim(whole, a, err));
        saved(whole, a, at + 120);
        CHECK(udy__replay_trim(whole, a, err));
        saved(first, b, at);
        CHECK(udy__replay_trim(first, b, err));
        saved(first, b, at + 99);  // beyond the checkpoint; then killed
        udy__replay_destroy(first);
        udy__replay *second = loaded(b, at);
        saved(second, b, at + 120);
        CHECK(udy__replay_trim(second, b, err));
        expect_ring(second, at + 120);
        expect_equal_folders(a, b);
        // A run that goes on for less than the killed one leaves nothing of that behind either.
        udy__replay *third = loaded(b, at + 120);
        saved(third, b, at + 270);
        udy__replay_destroy(third);
        third = loaded(b, at + 120);
        saved(third, b, at + 123);
        saved(whole, a, at + 123);
        expect_equal_folders(a, b);
        udy__replay_destroy(third);
        udy__replay_destroy(second);
        udy__replay_destroy(whole);
        assert_int_equal(nftw(a, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        assert_int_equal(nftw(b, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

static void another_folder_and_an_emptied_one_get_the_whole_ring(void **state) {
    (void)state;
    char a[1024], b[1024];
    folder(a, "first");
    folder(b, "second");
    udy__replay *r = small_replay();
    saved(r, a, 510);
    saved(r, b, 510);
    expect_loads(b, 510);
    EXPECT_ERROR(UDY_EINVAL, udy__replay_trim(r, a, err), a, "not been saved here");
    saved(r, b, 540);
    expect_loads(b, 540);
    expect_loads(a, 510);
    assert_int_equal(unlink(segment(b, 12)), 0);  // somebody tidied up
    saved(r, b, 543);
    expect_loads(b, 543);
    assert_int_equal(truncate(segment(b, 14), 200), 0);
    saved(r, b, 546);
    expect_loads(b, 546);
    // Somebody's segments of the right size, in a folder that was not the last.
    saved(r, a, 546);
    for (int i = 9; i < 15; i++) {
        int fd = open(segment(b, i), O_WRONLY);
        assert_int_equal(pwrite(fd, "another training's row", 22, 64 + 3 * ROW_BYTES), 22);
        close(fd);
    }
    saved(r, b, 546);
    expect_loads(b, 546);
    saved(r, b, 546 + 3 * 198);  // more than the ring holds since the last time
    expect_loads(b, 546 + 3 * 198);
    udy__replay_destroy(r);
}

static void saving_again_under_another_name_for_the_folder_keeps_the_checkpoint(void **state) {
    (void)state;
    char a[1024], b[1100];
    folder(a, "names");
    snprintf(b, sizeof b, "%s/../names/.", a);
    udy__replay *r = small_replay();
    saved(r, a, 510);
    append_until(r, 513);
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    tight = was;
    tight.rlim_cur = 64 + 5 * ROW_BYTES + 10;  // fails in the midst of the oldest segment
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    udy_error why;
    int status = udy__replay_save(r, b, &why);
    udy__replay *fresh = small_replay();  // one that knows of no save
    append_until(fresh, 513);
    int fresh_status = udy__replay_save(fresh, a, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, UDY_ENOSPC);
    assert_int_equal(fresh_status, UDY_ENOSPC);
    udy__replay_destroy(fresh);
    expect_loads(a, 510);
    CHECK(udy__replay_save(r, b, err));
    expect_loads(a, 513);
    udy__replay_destroy(r);
}

//------------------------------------------ Damage ------------------------------------------------

static void segments_of_another_training_are_refused_by_name(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "other");
    udy__replay *r = small_replay();
    saved(r, dir, 90);
    udy__replay_destroy(r);
    const struct {
        int obs_dim, act_dim, n_envs, segment_rows;
        const char *says;
    } cases[] = {
        {6, ACT, N_ENVS, SEGMENT_ROWS, "holds 5 observations, expected 6"},
        {OBS, 1, N_ENVS, SEGMENT_ROWS, "holds 2 actions, expected 1"},
        {OBS, ACT, 2, SEGMENT_ROWS, "holds 3 simulations, expected 2"},
        {OBS, ACT, N_ENVS, 36, "holds 37 rows in a segment, expected 36"},
        {27, 8, N_ENVS, SEGMENT_ROWS, "holds 5 observations, expected 27"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r = make_replay(CAPACITY, cases[i].obs_dim, cases[i].act_dim, cases[i].n_envs);
        r->segment_rows = cases[i].segment_rows;
        EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(r, dir, 90, err), segment(dir, 0),
                     cases[i].says);
        assert_int_equal(udy__replay_count(r), 0);
        udy__replay_destroy(r);
    }
    r = make_replay(900, OBS, ACT, N_ENVS);  // a ring of another size is a matter of taste
    r->segment_rows = SEGMENT_ROWS;
    CHECK(udy__replay_load(r, dir, 90, err));
    udy__replay_destroy(r);
}

static void missing_short_and_damaged_segments_are_named(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "damaged");
    udy__replay *r = small_replay();
    saved(r, dir, 150);
    char *sound;
    size_t n;
    CHECK(udy_file_read(&sound, &n, segment(dir, 2), 1 << 20, err));
    assert_int_equal(n, 64 + SEGMENT_ROWS * ROW_BYTES);
    udy__replay *other = small_replay();
    assert_int_equal(unlink(segment(dir, 2)), 0);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2), "missing",
                 "rows 74 to 110");
    put_file(segment(dir, 2), sound, n - 1);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2),
                 "2431 bytes, expected at least 2432");
    put_file(segment(dir, 2), sound, 40);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2),
                 "ends at byte 40");
    // A row in another's place, and one that a power cut left as zeros.
    char *bad = udy_alloc(n);
    memcpy(bad, sound, n);
    memcpy(bad + 64 + 5 * ROW_BYTES, sound + 64 + 6 * ROW_BYTES, ROW_BYTES);
    put_file(segment(dir, 2), bad, n);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2), "row 79 is");
    memcpy(bad, sound, n);
    memset(bad + 64 + 36 * ROW_BYTES, 0, ROW_BYTES);
    put_file(segment(dir, 2), bad, n);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2),
                 "row 110 is");
    expect_loads(dir, 108);  // a checkpoint that does not need it
    memcpy(bad, sound, n);
    bad[30]++;
    put_file(segment(dir, 2), bad, n);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 150, err), segment(dir, 2), "header is");
    static const char other_format[] =
        "PK\3\4 something else, and long enough that it might begin with such a header";
    put_file(segment(dir, 2), other_format, sizeof other_format);
    put_file(segment(dir, 3), sound, n);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 75, err), segment(dir, 2),
                 "not a segment");
    put_file(segment(dir, 2), sound, n);
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 120, err), segment(dir, 3),
                 "holds 74 as its first row, expected 111");
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 100, err), "100 rows", "3 sim");
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, -3, err), "-3 rows");
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, INT64_MAX / 3 * 3, err), dir, "missing");
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, at_root("nowhere"), 3, err), "nowhere");
    assert_int_equal(udy__replay_size(other), 0);
    udy_free(bad);
    udy_free(sound);
    udy__replay_destroy(other);
    udy__replay_destroy(r);
}

static void trim_touches_nothing_but_old_segments(void **state) {
    (void)state;
    char dir[1024], path[1100];
    folder(dir, "trimmed");
    udy__replay *r = small_replay();
    saved(r, dir, 30);
    const char *const names[] = {"replay-0.bin",     "replay--0001.bin",  "replay-00000.bin.bin",
                                 "replay-00000.txt", "xreplay-00000.bin", "sac.safetensors"};
    const size_t n = sizeof names / sizeof *names;
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        put_file(path, "mine", 4);
    }
    for (int64_t count = 180; count < 600; count += 180) saved(r, dir, count);
    saved(r, dir, 600);
    assert_int_equal(count_entries(dir), 17 + n);
    append_until(r, 1200);  // not saved: trim goes by what is
    CHECK(udy__replay_trim(r, dir, err));
    assert_int_equal(count_entries(dir), 17 - 402 / SEGMENT_ROWS + n);
    expect_loads(dir, 600);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        expect_file(path, "mine");
    }
    udy__replay *other = small_replay();
    EXPECT_ERROR(UDY_EFORMAT, udy__replay_load(other, dir, 540, err), segment(dir, 9), "missing");
    udy__replay_destroy(other);
    udy__replay_destroy(r);
}

//------------------------------------------ Cost --------------------------------------------------

static void a_minute_of_training_is_saved_in_a_moment(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "cost");
    udy__replay *r = make_replay(100000, O_DIM, A_DIM, 4);
    append_until(r, 100000);
    CHECK(udy__replay_save(r, dir, err));
    append_until(r, 140000);
    double start = udy_clock_s();
    CHECK(udy__replay_save(r, dir, err));
    double save_s = udy_clock_s() - start;
    udy__replay *other = make_replay(100000, O_DIM, A_DIM, 4);
    start = udy_clock_s();
    CHECK(udy__replay_load(other, dir, 140000, err));
    double load_s = udy_clock_s() - start;
    assert_memory_equal(r->rows, other->rows, (size_t)100000 * 256);
    struct stat st;
    assert_int_equal(stat(segment(dir, 1), &st), 0);
    assert_int_equal(st.st_size, 64 + 65536 * 256);
    print_message("40,000 rows saved in %.3f s, 100,000 loaded in %.3f s\n", save_s, load_s);
#ifndef __SANITIZE_ADDRESS__
    assert_true(save_s < 1);
#endif
    udy__replay_destroy(other);
    udy__replay_destroy(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(save_returns_when_rows_and_folder_are_on_the_disk),
        cmocka_unit_test(every_saved_count_loads_as_it_was),
        cmocka_unit_test(a_loaded_replay_goes_on_into_the_same_files),
        cmocka_unit_test(another_folder_and_an_emptied_one_get_the_whole_ring),
        cmocka_unit_test(saving_again_under_another_name_for_the_folder_keeps_the_checkpoint),
        cmocka_unit_test(segments_of_another_training_are_refused_by_name),
        cmocka_unit_test(missing_short_and_damaged_segments_are_named),
        cmocka_unit_test(trim_touches_nothing_but_old_segments),
        cmocka_unit_test(a_minute_of_training_is_saved_in_a_moment),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
