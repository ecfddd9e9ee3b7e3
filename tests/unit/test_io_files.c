// Files and folders: a write is whole or not at all, whatever the disk does; every failure names
// the path and the reason; nothing half-written stays behind.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test_io_common.h"

// Run check in a process of its own; its exit code. 77: not possible on this machine.
static int in_child(int (*check)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int code = check();
        fflush(NULL);
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) fail_msg("killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void expect_child(int (*check)(void)) {
    assert_int_equal(in_child(check), 0);
}

// In a child, where cmocka's asserts do not reach.
#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            return 1;                                               \
        }                                                           \
    } while (0)

//------------------------------------------ Whole writes ------------------------------------------

static void a_written_file_reads_back(void **state) {
    (void)state;
    const char *path = at_root("a.txt");
    assert_int_equal(udy_file_write(path, "first", 5, NULL), UDY_OK);
    expect_file(path, "first");
    assert_int_equal(udy_file_write(path, "second, longer", 14, NULL), UDY_OK);
    expect_file(path, "second, longer");
    assert_int_equal(udy_file_write(path, NULL, 0, NULL), UDY_OK);
    expect_file(path, "");
    assert_int_equal(count_entries(root), 1);
    assert_int_equal(udy_file_remove(path, NULL), UDY_OK);
}

static void a_relative_path_without_a_folder_is_written_here(void **state) {
    (void)state;
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(root), 0);
    assert_int_equal(udy_file_write("here.txt", "x", 1, NULL), UDY_OK);
    expect_file("here.txt", "x");
    assert_int_equal(udy_file_remove("here.txt", NULL), UDY_OK);
    assert_int_equal(chdir(before), 0);
}

static void an_open_reader_keeps_the_old_file(void **state) {
    (void)state;
    const char *path = at_root("a.txt");
    assert_int_equal(udy_file_write(path, "old", 3, NULL), UDY_OK);
    int fd = open(path, O_RDONLY);
    assert_int_equal(udy_file_write(path, "new", 3, NULL), UDY_OK);
    char text[4] = "";
    assert_int_equal(read(fd, text, 3), 3);
    assert_string_equal(text, "old");
    close(fd);
    expect_file(path, "new");
    assert_int_equal(udy_file_remove(path, NULL), UDY_OK);
}

static void what_cannot_be_written_says_why(void **state) {
    (void)state;
    put_file(at_root("file"), "x", 1);
    assert_int_equal(udy_dir_make(at_root("folder"), NULL), UDY_OK);
    const struct {
        const char *path;
        int code;
    } cases[] = {
        {"absent/file", UDY_ENOENT},
        {"file/below", UDY_ENOENT},
        {"folder", UDY_EEXIST},
        {"folder/", UDY_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        udy_error err = {0};
        assert_int_equal(udy_file_write(at_root(cases[i].path), "x", 1, &err), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.message, cases[i].path));
    }
    udy_error err = {0};
    assert_int_equal(udy_file_write("/dev/full", "x", 1, &err), UDY_EEXIST);  // not replaced
    struct stat st;
    assert_int_equal(stat("/dev/full", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(udy_file_write(NULL, "x", 1, &err), UDY_EINVAL);
    assert_int_equal(udy_file_write("", "x", 1, &err), UDY_EINVAL);
    assert_int_equal(udy_file_write("x", NULL, 1, &err), UDY_EINVAL);
    char longest[UDY_PATH_MAX + 500];
    memset(longest, 'p', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(udy_file_write(longest, "x", 1, &err) < 0);  // a name too long
    longest[UDY_PATH_MAX + 400] = '/';
    assert_int_equal(udy_file_write(longest, "x", 1, &err), UDY_EINVAL);
    assert_int_equal(count_entries(at_root("folder")), 0);
    assert_int_equal(count_entries(root), 2);
    rmdir(at_root("folder"));
    unlink(at_root("file"));
}

//------------------------------------------ Full disks --------------------------------------------

static int check_size_limit(void) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {10000, 10000};
    static char large[20000];
    char path[1024];
    snprintf(path, sizeof path, "%s/a.txt", root);
    CHECK(udy_file_write(path, "kept", 4, NULL) == UDY_OK);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    udy_error err = {0};
    CHECK(udy_file_write(path, large, sizeof large, &err) == UDY_ENOSPC);
    CHECK(strstr(err.message, path));
    char *text;
    size_t n;
    CHECK(udy_file_read(&text, &n, path, 100, NULL) == UDY_OK && n == 4 && !strcmp(text, "kept"));
    udy_free(text);
    char **names;
    CHECK(udy_dir_list(&names, &n, root, "", NULL) == UDY_OK && n == 1);  // no temporary
    udy_free(names);
    CHECK(udy_file_remove(path, NULL) == UDY_OK);
    return 0;
}

static void a_write_beyond_the_size_limit_leaves_the_old_file(void **state) {
    (void)state;
    expect_child(check_size_limit);
}

static int check_line_limit(void) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100, 100};
    char path[1024], line[91];
    snprintf(path, sizeof path, "%s/log", root);
    memset(line, 'l', 90);
    line[90] = '\0';
    CHECK(udy_file_append_line(path, line, NULL) == UDY_OK);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    udy_error err = {0};
    CHECK(udy_file_append_line(path, line, &err) == UDY_ENOSPC);  // 9 bytes would have gone in
    CHECK(strstr(err.message, path));
    struct stat st;
    CHECK(stat(path, &st) == 0 && st.st_size == 91);
    CHECK(udy_file_remove(path, NULL) == UDY_OK);
    return 0;
}

static void a_line_that_does_not_fit_is_taken_back(void **state) {
    (void)state;
    expect_child(check_line_limit);
}

// A file system of 64 KiB of our own, seen by this process alone.
static int mount_small(const char *dir, unsigned long flags) {
    int spaces = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (mkdir(dir, 0777) != 0 || unshare(spaces) != 0) return -1;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("tmpfs", dir, "tmpfs", flags, "size=64k");
}

static int check_full_disk(void) {
    char dir[900], path[1024];
    snprintf(dir, sizeof dir, "%s/small", root);
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    if (mount_small(dir, 0) != 0) return 77;
    static float data[25000];  // 100 kB
    udy_tensor t = {.name = "t", .dtype = UDY_F32, .ndim = 1, .shape = {1000}, .data = data};
    t.n_bytes = 4000;
    CHECK(udy_safetensors_write(path, &t, 1, NULL, 0, NULL) == UDY_OK);
    t.shape[0] = 25000;
    t.n_bytes = sizeof data;
    udy_error err = {0};
    CHECK(udy_safetensors_write(path, &t, 1, NULL, 0, &err) == UDY_ENOSPC);
    CHECK(err.code == UDY_ENOSPC && strstr(err.message, path));
    udy_safetensors *file;
    CHECK(udy_safetensors_open(&file, path, NULL) == UDY_OK);
    CHECK(udy_safetensors_at(file, 0)->shape[0] == 1000);
    udy_safetensors_close(file);
    char **names;
    size_t n;
    CHECK(udy_dir_list(&names, &n, dir, "", NULL) == UDY_OK && n == 1);
    udy_free(names);
    // Lines until it is full: what is there is whole lines.
    snprintf(path, sizeof path, "%s/log", dir);
    char line[1001];
    memset(line, 'l', 1000);
    line[1000] = '\0';
    int code = UDY_OK;
    for (int i = 0; i < 200 && !code; i++) code = udy_file_append_line(path, line, &err);
    CHECK(code == UDY_ENOSPC);
    struct stat st;
    CHECK(stat(path, &st) == 0 && st.st_size > 0 && st.st_size % 1001 == 0);
    // A run on a full disk is an error, and leaves no folder.
    snprintf(path, sizeof path, "%s/run", dir);
    static char yaml[60000];
    memset(yaml, '#', sizeof yaml - 1);
    udy_run *run;
    CHECK(udy_run_create(&run, path, yaml, &err) == UDY_ENOSPC);
    CHECK(!udy_dir_exists(path));
    return 0;
}

static void a_full_disk_leaves_the_old_file_and_nothing_else(void **state) {
    (void)state;
    int code = in_child(check_full_disk);
    rmdir(at_root("small"));
    if (code == 77) skip();  // no name space for mounts
    assert_int_equal(code, 0);
}

static int check_read_only(void) {
    char dir[900], path[1024];
    snprintf(dir, sizeof dir, "%s/fixed", root);
    snprintf(path, sizeof path, "%s/a", dir);
    if (mount_small(dir, MS_RDONLY) != 0) return 77;
    udy_error err = {0};
    CHECK(udy_file_write(path, "x", 1, &err) == UDY_EPERM);
    CHECK(strstr(err.message, path) && strstr(err.message, "Read-only"));
    CHECK(udy_file_append_line(path, "x", &err) == UDY_EPERM);
    CHECK(udy_dir_make(path, &err) == UDY_EPERM);
    udy_run *run;
    CHECK(udy_run_create(&run, path, "seed: 1\n", &err) == UDY_EPERM);
    CHECK(udy_run_create(&run, dir, "seed: 1\n", &err) == UDY_EPERM);
    CHECK(strstr(err.message, dir));
    return 0;
}

static void a_read_only_disk_is_permission_denied(void **state) {
    (void)state;
    int code = in_child(check_read_only);
    rmdir(at_root("fixed"));
    if (code == 77) skip();
    assert_int_equal(code, 0);
}

static int check_forbidden(void) {
    char dir[900], path[1024];
    snprintf(dir, sizeof dir, P_tmpdir "/udy-forbidden-%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/a", dir);
    CHECK(mkdir(dir, 0555) == 0);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 77;
    udy_error err = {0};
    int wrote = udy_file_write(path, "x", 1, &err);
    udy_run *run;
    int made = udy_run_create(&run, dir, "seed: 1\n", NULL);
    int below = udy_dir_make(path, NULL);
    CHECK(wrote == UDY_EPERM && strstr(err.message, path) && strstr(err.message, "denied"));
    CHECK(made == UDY_EPERM && below == UDY_EPERM);
    return 0;
}

static void a_folder_without_the_right_is_permission_denied(void **state) {
    (void)state;
    // The child gives its rights up and cannot remove its folder: its number names it.
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(check_forbidden());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char dir[64];
    snprintf(dir, sizeof dir, P_tmpdir "/udy-forbidden-%ld", (long)pid);
    assert_int_equal(rmdir(dir), 0);  // and so it is empty
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

//------------------------------------------ Kills, signals, threads -------------------------------

static void a_kill_at_any_moment_leaves_a_whole_file(void **state) {
    (void)state;
    enum { N = 1 << 16 };
    static char data[N];
    char path[1024];
    snprintf(path, sizeof path, "%s/killed", root);
    memset(data, 'a', N);
    assert_int_equal(udy_file_write(path, data, N, NULL), UDY_OK);
    for (int i = 0; i < 12; i++) {
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (int k = 0;; k++) {
                memset(data, 'a' + k % 26, N);
                if (udy_file_write(path, data, N, NULL)) _exit(1);
            }
        }
        usleep(1000 + (useconds_t)i * 3001);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        char *text;
        size_t n;
        assert_int_equal(udy_file_read(&text, &n, path, N, NULL), UDY_OK);
        assert_int_equal(n, N);
        for (size_t k = 1; k < N; k++) assert_true(text[k] == text[0]);
        udy_free(text);
    }
    assert_int_equal(udy_file_remove(path, NULL), UDY_OK);
    // Temporaries of the killed: hidden from whoever lists files by their ending.
    char **names;
    size_t n;
    assert_int_equal(udy_dir_list(&names, &n, root, "", NULL), UDY_OK);
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(names[i], ".udy-tmp-", 9);
        unlink(at_root(names[i]));
    }
    udy_free(names);
}

typedef struct writer {
    char path[1024];
    char letter;
    int code;
} writer;

static void *write_often(void *p) {
    writer *w = p;
    char data[5000];
    memset(data, w->letter, sizeof data);
    for (int i = 0; i < 40 && !w->code; i++) {
        w->code = udy_file_write(w->path, data, sizeof data, NULL);
    }
    return NULL;
}

static void threads_that_write_one_file_do_not_mix(void **state) {
    (void)state;
    writer writers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        writers[i] = (writer){.letter = (char)('a' + i)};
        snprintf(writers[i].path, sizeof writers[i].path, "%s/shared", root);
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(writers[i].code, UDY_OK);
    char *text;
    size_t n;
    assert_int_equal(udy_file_read(&text, &n, writers[0].path, 1 << 20, NULL), UDY_OK);
    assert_int_equal(n, 5000);
    for (size_t k = 1; k < n; k++) assert_true(text[k] == text[0]);
    udy_free(text);
    assert_int_equal(count_entries(root), 1);
    unlink(writers[0].path);
}

//------------------------------------------ Lines, reading ----------------------------------------

static void lines_are_appended(void **state) {
    (void)state;
    const char *path = at_root("log");
    assert_int_equal(udy_file_append_line(path, "one", NULL), UDY_OK);
    assert_int_equal(udy_file_append_line(path, "", NULL), UDY_OK);
    assert_int_equal(udy_file_append_line(path, "two", NULL), UDY_OK);
    expect_file(path, "one\n\ntwo\n");
    udy_error err = {0};
    assert_int_equal(udy_file_append_line(path, "a\nb", &err), UDY_EINVAL);
    assert_int_equal(udy_file_append_line("/dev/full", "x", &err), UDY_ENOSPC);
    assert_non_null(strstr(err.message, "/dev/full"));
    assert_int_equal(udy_file_append_line(at_root("absent/log"), "x", &err), UDY_ENOENT);
    assert_int_equal(udy_file_append_line(root, "x", &err), UDY_EIO);
    expect_file(path, "one\n\ntwo\n");
    unlink(path);
}

static void a_file_is_read_whole_or_refused(void **state) {
    (void)state;
    const char *path = at_root("a");
    char *text;
    size_t n;
    udy_error err = {0};
    put_file(path, "0123456789", 10);
    assert_int_equal(udy_file_read(&text, &n, path, 10, &err), UDY_OK);
    assert_int_equal(n, 10);
    assert_string_equal(text, "0123456789");
    udy_free(text);
    assert_int_equal(udy_file_read(&text, &n, path, 9, &err), UDY_EFORMAT);
    assert_null(text);
    assert_non_null(strstr(err.message, "10 bytes, expected at most 9"));
    put_file(path, "a\0b", 3);
    assert_int_equal(udy_file_read(&text, &n, path, 9, &err), UDY_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(text, "a\0b", 4);
    udy_free(text);
    put_file(path, "", 0);
    assert_int_equal(udy_file_read(&text, &n, path, 0, &err), UDY_OK);
    assert_string_equal(text, "");
    udy_free(text);
    // A size of 0 that is not true, and more than is allowed behind it.
    assert_int_equal(udy_file_read(&text, &n, "/proc/self/status", 1 << 20, &err), UDY_OK);
    assert_true(n > 100 && strlen(text) == n);
    udy_free(text);
    assert_int_equal(udy_file_read(&text, &n, "/proc/self/status", 10, &err), UDY_EFORMAT);
    assert_int_equal(udy_file_read(&text, &n, root, 10, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "is a folder"));
    assert_int_equal(udy_file_read(&text, &n, "/dev/zero", 10, &err), UDY_EINVAL);
    assert_int_equal(udy_file_read(&text, &n, at_root("absent"), 10, &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "absent"));
    assert_int_equal(udy_file_read(&text, &n, NULL, 10, &err), UDY_EINVAL);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(udy_file_read(&text, &n, path, 10, &err), UDY_EINVAL);  // does not wait
    unlink(path);
}

static void removing_what_is_absent_is_fine(void **state) {
    (void)state;
    udy_error err = {0};
    assert_int_equal(udy_file_remove(at_root("absent"), &err), UDY_OK);
    put_file(at_root("a"), "x", 1);
    assert_true(udy_file_exists(at_root("a")));
    assert_false(udy_dir_exists(at_root("a")));
    assert_int_equal(udy_file_remove(at_root("a"), &err), UDY_OK);
    assert_false(udy_file_exists(at_root("a")));
    assert_true(udy_file_remove(root, &err) < 0);
    assert_non_null(strstr(err.message, root));
    assert_false(udy_file_exists(root));
    assert_false(udy_file_exists(NULL));
}

//------------------------------------------ Folders and paths -------------------------------------

static void folders_are_made_with_their_parents(void **state) {
    (void)state;
    udy_error err = {0};
    assert_int_equal(udy_dir_make(at_root("a//b/c/"), &err), UDY_OK);
    assert_true(udy_dir_exists(at_root("a/b/c")));
    assert_int_equal(udy_dir_make(at_root("a/b/c"), &err), UDY_OK);
    put_file(at_root("a/file"), "x", 1);
    assert_int_equal(udy_dir_make(at_root("a/file/d"), &err), UDY_EEXIST);
    assert_non_null(strstr(err.message, "a/file: is a file, expected a folder"));
    assert_int_equal(symlink("nowhere", at_root("a/dangling")), 0);
    assert_int_equal(udy_dir_make(at_root("a/dangling"), &err), UDY_EEXIST);
    assert_true(udy_dir_make("/proc/none/x", &err) < 0);
    assert_non_null(strstr(err.message, "/proc/none"));
    assert_int_equal(udy_dir_make("", &err), UDY_EINVAL);
    assert_int_equal(udy_dir_make(NULL, &err), UDY_EINVAL);
    char longest[UDY_PATH_MAX + 10];
    memset(longest, 'p', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(udy_dir_make(longest, &err), UDY_EINVAL);
    unlink(at_root("a/dangling"));
    unlink(at_root("a/file"));
    rmdir(at_root("a/b/c"));
    rmdir(at_root("a/b"));
    rmdir(at_root("a"));
}

static void a_folder_lists_sorted_by_suffix(void **state) {
    (void)state;
    const char *dir = at_root("list");
    char path[1400], **names;
    size_t n;
    udy_error err = {0};
    assert_int_equal(udy_dir_make(dir, &err), UDY_OK);
    assert_int_equal(udy_dir_list(&names, &n, dir, ".x", &err), UDY_OK);
    assert_int_equal(n, 0);
    assert_non_null(names);
    udy_free(names);
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "%s/shard-%04d.%s", dir, (i * 7919) % 500, i % 5 ? "x" : "y");
        put_file(path, "", 0);
    }
    assert_int_equal(udy_dir_list(&names, &n, dir, ".x", &err), UDY_OK);
    assert_int_equal(n, 400);
    for (size_t i = 1; i < n; i++) assert_true(strcmp(names[i - 1], names[i]) < 0);
    udy_free(names);
    assert_int_equal(udy_dir_list(&names, &n, dir, NULL, &err), UDY_OK);
    assert_int_equal(n, 500);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    udy_free(names);
    rmdir(dir);
    assert_int_equal(udy_dir_list(&names, &n, dir, "", &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, dir));
    assert_null(names);
    assert_int_equal(udy_dir_list(&names, &n, NULL, "", &err), UDY_EINVAL);
}

static void a_path_that_does_not_fit_is_an_error(void **state) {
    (void)state;
    static char out[UDY_PATH_MAX], longest[UDY_PATH_MAX + 1];
    udy_error err = {0};
    assert_int_equal(udy_path_format(out, &err, "%s/%d", "a", 7), UDY_OK);
    assert_string_equal(out, "a/7");
    memset(longest, 'p', UDY_PATH_MAX);
    assert_int_equal(udy_path_format(out, &err, "%s", longest), UDY_EINVAL);
    assert_string_equal(out, "");
    assert_non_null(strstr(err.message, "ppp"));
    longest[UDY_PATH_MAX - 1] = '\0';
    assert_int_equal(udy_path_format(out, &err, "%s", longest), UDY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_file_reads_back),
        cmocka_unit_test(a_relative_path_without_a_folder_is_written_here),
        cmocka_unit_test(an_open_reader_keeps_the_old_file),
        cmocka_unit_test(what_cannot_be_written_says_why),
        cmocka_unit_test(a_write_beyond_the_size_limit_leaves_the_old_file),
        cmocka_unit_test(a_line_that_does_not_fit_is_taken_back),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_and_nothing_else),
        cmocka_unit_test(a_read_only_disk_is_permission_denied),
        cmocka_unit_test(a_folder_without_the_right_is_permission_denied),
        cmocka_unit_test(a_kill_at_any_moment_leaves_a_whole_file),
        cmocka_unit_test(threads_that_write_one_file_do_not_mix),
        cmocka_unit_test(lines_are_appended),
        cmocka_unit_test(a_file_is_read_whole_or_refused),
        cmocka_unit_test(removing_what_is_absent_is_fine),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(a_folder_lists_sorted_by_suffix),
        cmocka_unit_test(a_path_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
