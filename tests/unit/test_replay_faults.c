// The replay on a disk that fills up or forbids, by a process that is killed: the checkpoint stays
// whole, to the bit, and the next run goes on from it.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test_replay_common.h"

//------------------------------------------ Kills -------------------------------------------------

static int64_t checkpointed(const char *dir) {
    char path[1100], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/count", dir);
    if (!udy_file_exists(path)) return 0;
    CHECK(udy_file_read(&text, &n, path, 100, err));
    int64_t count = strtoll(text, NULL, 10);
    udy_free(text);
    return count;
}

// A training in a child: goes on from the checkpoint until it is killed or has done 1500 rows.
static void train(const char *dir, uint64_t seed) {
    char path[1100], text[32];
    udy_rng rng;
    udy_rng_init(&rng, seed);
    snprintf(path, sizeof path, "%s/count", dir);
    udy__replay *r = small_replay();
    int64_t count = checkpointed(dir);
    if (udy__replay_load(r, dir, count, NULL)) _exit(3);
    while (count < 1500) {
        count += N_ENVS * (int64_t)udy_rng_below(&rng, 25);
        append_until(r, count);
        if (udy__replay_save(r, dir, NULL)) _exit(4);
        if (udy_rng_below(&rng, 4) == 0) continue;  // or killed before the checkpoint is written
        snprintf(text, sizeof text, "%lld\n", (long long)count);
        if (udy_file_write(path, text, strlen(text), NULL)) _exit(5);
        if (udy_rng_below(&rng, 3) && udy__replay_trim(r, dir, NULL)) _exit(6);
    }
    _exit(0);
}

// How the child of start() ended; the checkpoint is whole after it.
static int ended(pid_t child, const char *dir) {
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    expect_loads(dir, checkpointed(dir));
    return how;
}

static void a_kill_at_any_moment_loses_nothing_of_the_checkpoint(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "killed");
    CHECK(udy_dir_make(dir, err));
    udy_rng rng;
    udy_rng_init(&rng, 2);
    int kills = 0, how = 1;
    for (uint64_t i = 0; i < 200 && how; i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) train(dir, i);
        usleep((useconds_t)udy_rng_uniform(&rng, 500, 12000 + 200 * (double)i));
        kill(child, SIGKILL);
        how = ended(child, dir);
        kills += WIFSIGNALED(how);
    }
    assert_int_equal(how, 0);  // it came to its end
    assert_true(kills >= 5);
    print_message("%d kills\n", kills);
}

// The size limit kills with SIGXFSZ in the midst of a write, at a byte of our choice.
static void half_an_append_is_written_over(void **state) {
    (void)state;
    char dir[1024];
    folder(dir, "half");
    CHECK(udy_dir_make(dir, err));
    udy_rng rng;
    udy_rng_init(&rng, 3);
    int kills = 0, halves = 0, how = 1;
    for (uint64_t i = 0; i < 400 && how; i++) {
        rlim_t bytes = (rlim_t)udy_rng_below(&rng, i % 5 ? 64 + SEGMENT_ROWS * ROW_BYTES : 200);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct rlimit limit = {bytes, bytes}, no_core = {0, 0};
            if (setrlimit(RLIMIT_CORE, &no_core) || setrlimit(RLIMIT_FSIZE, &limit)) _exit(2);
            train(dir, 1000 + i);
        }
        how = ended(child, dir);
        kills += WIFSIGNALED(how) && WTERMSIG(how) == SIGXFSZ;
        struct stat st;
        for (int k = 0; k < 45; k++)
            halves += stat(segment(dir, k), &st) == 0 && (st.st_size - 64) % ROW_BYTES != 0;
        // Without the limit it gets on, so that the next one is killed elsewhere.
        int64_t count = checkpointed(dir);
        char text[32], path[1100];
        snprintf(path, sizeof path, "%s/count", dir);
        udy__replay *r = loaded(dir, count);
        count += N_ENVS * (int64_t)(1 + udy_rng_below(&rng, 9));
        saved(r, dir, count);
        snprintf(text, sizeof text, "%lld\n", (long long)count);
        CHECK(udy_file_write(path, text, strlen(text), err));
        udy__replay_destroy(r);
        if (count >= 1500) break;
    }
    assert_true(kills >= 30 && halves >= 30);
    print_message("%d kills, %d of them left half a row or header\n", kills, halves);
}

//------------------------------------------ Full and forbidden disks ------------------------------

static void a_full_disk_leaves_the_checkpoint_and_takes_no_space(void **state) {
    (void)state;
    char dir[1024], copy[1024];
    folder(dir, "full");
    folder(copy, "full-before");
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    udy__replay *r = small_replay(), *same = small_replay();
    saved(r, dir, 90);
    saved(same, copy, 90);
    for (int i = 0; i < 12; i++) {
        int64_t count = 90 + 39 * (i + 1);
        append_until(r, count);
        tight = was;
        tight.rlim_cur = (rlim_t)(i * 200);  // the header's first byte, a row's midst, ...
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        udy_error why = {0};
        int status = udy__replay_save(r, dir, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(status, UDY_ENOSPC);
        assert_non_null(strstr(why.message, dir));
        expect_equal_folders(dir, copy);
        expect_loads(dir, count - 39);
        CHECK(udy__replay_save(r, dir, err));  // once there is room
        expect_loads(dir, count);
        saved(same, copy, count);
    }
    signal(SIGXFSZ, SIG_DFL);
    udy__replay_destroy(r);
    udy__replay_destroy(same);
}

#define IN_CHILD(condition)                                         \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            return 1;                                               \
        }                                                           \
    } while (0)

// Run check in a process of its own, with a disk of its own. 77: not possible on this machine.
static void in_child(int (*check)(const char *dir), const char *name) {
    char dir[1024];
    folder(dir, name);
    assert_int_equal(mkdir(dir, 0777), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int code = check(dir);
        fflush(NULL);
        _exit(code);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    if (WEXITSTATUS(how) == 77) skip();
    assert_int_equal(WEXITSTATUS(how), 0);
}

static bool mount_small(const char *dir) {
    int spaces = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (unshare(spaces) != 0) return false;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("tmpfs", dir, "tmpfs", 0, "size=40k") == 0;
}

static int check_small_disk(const char *dir) {
    if (!mount_small(dir)) return 77;
    udy_error err = {0};
    udy__replay *r = small_replay(), *other = small_replay();
    int64_t count = 0;
    int status = UDY_OK;
    while (!status) {
        IN_CHILD(count < CAPACITY * 8);
        count += 60;
        append_until(r, count);
        status = udy__replay_save(r, dir, &err);
    }
    IN_CHILD(status == UDY_ENOSPC && strstr(err.message, dir));
    IN_CHILD(count > 180 && !udy__replay_load(other, dir, count - 60, &err));
    // Trimming makes room, and the same handle goes on.
    IN_CHILD(!udy__replay_trim(r, dir, &err));
    IN_CHILD(!udy__replay_save(r, dir, &err));
    IN_CHILD(!udy__replay_load(other, dir, count, &err));
    udy__replay_destroy(r);
    udy__replay_destroy(other);
    return 0;
}

static void a_full_file_system_leaves_the_checkpoint(void **state) {
    (void)state;
    in_child(check_small_disk, "small");
}

static int check_read_only(const char *dir) {
    udy_error err = {0};
    udy__replay *r = small_replay();
    if (!mount_small(dir)) return 77;
    append_until(r, 90);
    IN_CHILD(!udy__replay_save(r, dir, &err));
    IN_CHILD(!mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
    for (int i = 0; i < 2; i++) {  // a known segment, then a new one
        append_until(r, i ? 120 : 93);
        IN_CHILD(udy__replay_save(r, dir, &err) == UDY_EPERM);
        IN_CHILD(strstr(err.message, segment(dir, 2)) && strstr(err.message, "Read-only"));
    }
    IN_CHILD(!udy__replay_load(r, dir, 90, &err));  // loading writes nothing
    IN_CHILD(!mount(NULL, dir, NULL, MS_REMOUNT, NULL));
    append_until(r, 120);
    IN_CHILD(!udy__replay_save(r, dir, &err) && !udy__replay_load(r, dir, 120, &err));
    udy__replay_destroy(r);
    return 0;
}

static void a_read_only_disk_can_be_loaded_from_and_is_an_error_to_save_to(void **state) {
    (void)state;
    in_child(check_read_only, "fixed");
}

static int check_forbidden(const char *dir) {
    udy_error err = {0};
    udy__replay *r = small_replay();
    append_until(r, 120);
    if (chmod(dir, 0555) != 0) return 1;
    if (geteuid() == 0 && (chmod(root, 0755) != 0 || setresuid(65534, 65534, 65534) != 0))
        return 77;
    if (access(dir, R_OK | X_OK) != 0) return 77;  // the build lies where nobody else may look
    IN_CHILD(udy__replay_save(r, dir, &err) == UDY_EPERM);
    IN_CHILD(strstr(err.message, segment(dir, 0)) && strstr(err.message, "denied"));
    udy__replay_destroy(r);
    return 0;
}

static void a_forbidden_folder_is_permission_denied(void **state) {
    (void)state;
    in_child(check_forbidden, "forbidden");
}

static void a_path_that_cannot_be_is_an_error(void **state) {
    (void)state;
    static char longest[UDY_PATH_MAX + 100];
    udy__replay *r = small_replay();
    append_until(r, 30);
    put_file(at_root("a-file"), "x", 1);
    EXPECT_ERROR(UDY_EEXIST, udy__replay_save(r, at_root("a-file"), err), "a-file");
    EXPECT_ERROR(UDY_EEXIST, udy__replay_save(r, at_root("a-file/below"), err), "a-file");
    memset(longest, 'p', sizeof longest - 1);
    EXPECT_ERROR(UDY_EINVAL, udy__replay_save(r, longest, err), "longer");
    EXPECT_ERROR(UDY_EINVAL, udy__replay_load(r, longest, 30, err), "longer");
    udy__replay_destroy(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_moment_loses_nothing_of_the_checkpoint),
        cmocka_unit_test(half_an_append_is_written_over),
        cmocka_unit_test(a_full_disk_leaves_the_checkpoint_and_takes_no_space),
        cmocka_unit_test(a_full_file_system_leaves_the_checkpoint),
        cmocka_unit_test(a_read_only_disk_can_be_loaded_from_and_is_an_error_to_save_to),
        cmocka_unit_test(a_forbidden_folder_is_permission_denied),
        cmocka_unit_test(a_path_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
