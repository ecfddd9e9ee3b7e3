// The run folder: made whole or not at all, used by one process at a time, its log whole lines
// whatever killed the writer.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "test_io_common.h"

static const char *yaml = "seed: 1\n";

static udy_run *created(const char *path) {
    udy_run *run;
    udy_error err = {0};
    if (udy_run_create(&run, path, yaml, &err)) fail_msg("%s", err.message);
    return run;
}

static udy_run *opened(const char *path) {
    udy_run *run;
    udy_error err = {0};
    if (udy_run_open(&run, path, &err)) fail_msg("%s", err.message);
    return run;
}

static void remove_folder(const char *path) {
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_new_run_has_its_settings_and_folders(void **state) {
    (void)state;
    const char *path = at_root("runs/deep/one");
    udy_run *run = created(path);
    assert_string_equal(udy_run_path(run), path);
    expect_file(at_root("runs/deep/one/run.yaml"), yaml);
    const char *const folders[] = {"checkpoints", "policies", "data", "figures"};
    char sub[1200];
    for (int i = 0; i < 4; i++) {
        snprintf(sub, sizeof sub, "%s/%s", path, folders[i]);
        assert_true(udy_dir_exists(sub));
    }
    udy_run_close(run);
    assert_int_equal(count_entries(path), 5);  // no lock is left
    udy_run_close(opened(path));
    udy_run_close(NULL);
    remove_folder(at_root("runs"));
}

static void an_empty_folder_may_become_a_run_and_another_may_not(void **state) {
    (void)state;
    udy_run *run;
    udy_error err = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    assert_int_equal(mkdir(path, 0777), 0);
    put_file(at_root("one/.lock"), "1\n", 2);  // a create that was killed at once
    udy_run_close(created(path));
    assert_int_equal(udy_run_create(&run, path, yaml, &err), UDY_EEXIST);
    assert_non_null(strstr(err.message, path));
    assert_null(run);
    remove_folder(path);

    assert_int_equal(mkdir(path, 0777), 0);
    put_file(at_root("one/mine.txt"), "x", 1);
    assert_int_equal(udy_run_create(&run, path, yaml, &err), UDY_EEXIST);
    assert_non_null(strstr(err.message, "mine.txt"));
    assert_int_equal(count_entries(path), 1);  // nothing of ours was left in it
    remove_folder(path);

    put_file(path, "x", 1);
    assert_int_equal(udy_run_create(&run, path, yaml, &err), UDY_EEXIST);
    assert_int_equal(udy_run_create(&run, at_root("one/below"), yaml, &err), UDY_EEXIST);
    expect_file(path, "x");
    unlink(path);
    assert_int_equal(udy_run_create(&run, "", yaml, &err), UDY_EINVAL);
    assert_int_equal(udy_run_create(&run, NULL, yaml, &err), UDY_EINVAL);
    assert_int_equal(udy_run_create(&run, path, NULL, &err), UDY_EINVAL);
    assert_true(udy_run_create(&run, "/proc/self/run", yaml, &err) < 0);
    assert_non_null(strstr(err.message, "/proc/self/run"));
    char longest[UDY_PATH_MAX];
    memset(longest, 'p', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(udy_run_create(&run, longest, yaml, &err), UDY_EINVAL);
}

static void what_is_no_run_does_not_open(void **state) {
    (void)state;
    udy_run *run;
    udy_error err = {0};
    assert_int_equal(udy_run_open(&run, at_root("absent"), &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "no such folder"));
    assert_int_equal(udy_run_open(&run, root, &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "no run.yaml"));
    assert_null(run);
    assert_int_equal(count_entries(root), 0);  // no lock file was left
}

//------------------------------------------ Lock --------------------------------------------------

static void a_second_user_is_refused_and_told_who_has_it(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run *run = created(path), *second;
    udy_error err = {0};
    assert_int_equal(udy_run_open(&second, path, &err), UDY_EPERM);  // in this process too
    char pid[64];
    snprintf(pid, sizeof pid, "process %ld is using this run", (long)getpid());
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, pid));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(udy_run_open(&second, path, NULL) == UDY_EPERM ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    udy_run_close(run);
    udy_run_close(opened(path));
    remove_folder(path);
}

static void a_killed_user_leaves_no_lock(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run_close(created(path));
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        udy_run *run;
        char answer = udy_run_open(&run, path, NULL) ? 'n' : 'y';
        if (write(ready[1], &answer, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char answer;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    close(ready[0]);
    close(ready[1]);
    udy_run *run;
    udy_error err = {0};
    assert_int_equal(udy_run_open(&run, path, &err), UDY_EPERM);
    char pid[64];
    snprintf(pid, sizeof pid, "process %ld ", (long)child);
    assert_non_null(strstr(err.message, pid));
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(udy_file_exists(at_root("one/.lock")));  // the file, but no lock
    udy_run_close(opened(path));
    assert_false(udy_file_exists(at_root("one/.lock")));
    remove_folder(path);
}

static void of_many_that_come_at_once_one_gets_the_run(void **state) {
    (void)state;
    char path[1024], name[64];
    for (int round = 0; round < 10; round++) {
        snprintf(name, sizeof name, "race-%d", round);
        snprintf(path, sizeof path, "%s", at_root(name));
        pid_t children[6];
        fflush(NULL);
        for (int i = 0; i < 6; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                udy_run *run;
                int code = udy_run_create(&run, path, yaml, NULL);
                if (code) _exit(code == UDY_EEXIST || code == UDY_EPERM ? 0 : 2);
                usleep(2000);
                udy_run_close(run);
                _exit(1);
            }
        }
        int won = 0, other = 0;
        for (int i = 0; i < 6; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status));
            won += WEXITSTATUS(status) == 1;
            other += WEXITSTATUS(status) > 1;
        }
        assert_int_equal(won, 1);
        assert_int_equal(other, 0);
        udy_run_close(opened(path));
        remove_folder(path);
    }
}

// Opens and closes the run again and again; while it has it, a mark that none else may have made.
static int take_turns(const char *path) {
    char mark[1100];
    snprintf(mark, sizeof mark, "%s/mark", path);
    int turns = 0;
    for (int i = 0; i < 4000 && turns < 400; i++) {
        udy_run *run;
        if (udy_run_open(&run, path, NULL)) continue;
        int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd < 0) return 1;
        sched_yield();
        close(fd);
        unlink(mark);
        udy_run_close(run);
        turns++;
    }
    return 0;
}

static void no_two_ever_have_the_run_at_once(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run_close(created(path));
    pid_t children[4];
    fflush(NULL);
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(take_turns(path));
    }
    int failed = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failed += status != 0;
    }
    assert_int_equal(failed, 0);
    remove_folder(path);
}

static void what_a_killed_process_left_half_written_is_swept(void **state) {
    (void)state;
    char path[1024], name[200];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run_close(created(path));
    pid_t gone = fork();
    if (gone == 0) _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    snprintf(name, sizeof name, "one/policies/.udy-tmp-%ld-0", (long)gone);
    put_file(at_root(name), "half", 4);
    char ours[200];
    snprintf(ours, sizeof ours, "one/data/.udy-tmp-%ld-0", (long)getpid());
    put_file(at_root(ours), "under way", 9);
    put_file(at_root("one/data/.udy-tmp-x"), "mine", 4);
    char earlier[200];  // another's that had our number, as all do in a container
    snprintf(earlier, sizeof earlier, "one/data/.udy-tmp-%ld-4000000000", (long)getpid());
    put_file(at_root(earlier), "half", 4);
    udy_run_close(opened(path));
    assert_false(udy_file_exists(at_root(name)));
    assert_false(udy_file_exists(at_root(earlier)));
    assert_true(udy_file_exists(at_root(ours)));
    assert_true(udy_file_exists(at_root("one/data/.udy-tmp-x")));
    remove_folder(path);
}

//------------------------------------------ Log ---------------------------------------------------

static udy_json *parsed_line(const char *text, size_t n) {
    udy_json *v;
    udy_error err = {0};
    if (udy_json_parse(&v, text, n, "log", &err)) fail_msg("%s", err.message);
    return v;
}

static void events_are_lines_of_json_with_their_time(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run *run = created(path);
    udy_error err = {0};
    assert_int_equal(udy_run_log(run, "start", NULL, &err), UDY_OK);
    assert_int_equal(udy_run_log(run, "empty", udy_json_object(), &err), UDY_OK);
    udy_json *fields = udy_json_object();
    udy_json_put_number(fields, "loss", 0.1);
    udy_json_put_string(fields, "note", "two\nlines");
    assert_int_equal(udy_run_log(run, "bc \"epoch\"", fields, &err), UDY_OK);

    char *text;
    size_t n;
    assert_int_equal(udy_file_read(&text, &n, at_root("one/log.jsonl"), 1 << 20, &err), UDY_OK);
    const char *const events[] = {"start", "empty", "bc \"epoch\""};
    char *line = text;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        udy_json *v = parsed_line(line, (size_t)(end - line));
        assert_string_equal(udy_json_string(v, "event", ""), events[i]);
        assert_int_equal(strlen(udy_json_string(v, "time", "")), 20);
        assert_int_equal(udy_json_size(v), i == 2 ? 4 : 2);
        if (i == 2) {
            assert_true(udy_json_number(v, "loss", 0) == 0.1);
            assert_string_equal(udy_json_string(v, "note", ""), "two\nlines");
        }
        udy_json_free(v);
        line = end + 1;
    }
    assert_string_equal(line, "");
    udy_free(text);

    fields = udy_json_object();
    udy_json_put_int(fields, "time", 3);
    assert_int_equal(udy_run_log(run, "clash", fields, &err), UDY_EINVAL);
    assert_int_equal(udy_run_log(run, "array", udy_json_array(), &err), UDY_EINVAL);
    fields = udy_json_object();
    udy_json_put(fields, "lost", NULL);
    assert_int_equal(udy_run_log(run, "lost", fields, &err), UDY_ENOMEM);
    assert_int_equal(udy_run_log(NULL, "x", udy_json_object(), &err), UDY_EINVAL);
    udy_run_close(run);
    remove_folder(path);
}

static void a_line_torn_by_a_kill_is_ended_before_the_next(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("one"));
    udy_run *run = created(path);
    assert_int_equal(udy_run_log(run, "first", NULL, NULL), UDY_OK);
    udy_run_close(run);
    FILE *f = fopen(at_root("one/log.jsonl"), "ab");
    assert_non_null(f);
    fputs("{\"time\": \"2026-0", f);
    fclose(f);
    for (int i = 0; i < 2; i++) udy_run_close(opened(path));  // mended once
    run = opened(path);
    assert_int_equal(udy_run_log(run, "second", NULL, NULL), UDY_OK);
    udy_run_close(run);
    char *text;
    size_t n;
    assert_int_equal(udy_file_read(&text, &n, at_root("one/log.jsonl"), 1 << 20, NULL), UDY_OK);
    char *torn = strchr(text, '\n') + 1, *last = strchr(torn, '\n') + 1;
    assert_memory_equal(torn, "{\"time\": \"2026-0\n", 17);
    udy_json *v = parsed_line(last, strlen(last));
    assert_string_equal(udy_json_string(v, "event", ""), "second");
    assert_int_equal(last[strlen(last) - 1], '\n');
    udy_json_free(v);
    udy_free(text);
    remove_folder(path);
}

static void a_new_path_is_one_that_does_not_exist(void **state) {
    (void)state;
    char before[1024], paths[4][UDY_PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(root), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(udy_run_new_path(paths[i], "bc", NULL), UDY_OK);
        assert_memory_equal(paths[i], "runs/bc-20", 10);
        assert_true(strlen(paths[i]) >= strlen("runs/bc-2026-01-31-235959"));
        for (int k = 0; k < i; k++) assert_string_not_equal(paths[i], paths[k]);
        udy_run_close(created(paths[i]));
    }
    assert_int_equal(udy_run_new_path(paths[0], NULL, NULL), UDY_OK);
    assert_memory_equal(paths[0], "runs/run-20", 11);
    assert_int_equal(chdir(before), 0);
    remove_folder(at_root("runs"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_run_has_its_settings_and_folders),
        cmocka_unit_test(an_empty_folder_may_become_a_run_and_another_may_not),
        cmocka_unit_test(what_is_no_run_does_not_open),
        cmocka_unit_test(a_second_user_is_refused_and_told_who_has_it),
        cmocka_unit_test(a_killed_user_leaves_no_lock),
        cmocka_unit_test(of_many_that_come_at_once_one_gets_the_run),
        cmocka_unit_test(no_two_ever_have_the_run_at_once),
        cmocka_unit_test(what_a_killed_process_left_half_written_is_swept),
        cmocka_unit_test(events_are_lines_of_json_with_their_time),
        cmocka_unit_test(a_line_torn_by_a_kill_is_ended_before_the_next),
        cmocka_unit_test(a_new_path_is_one_that_does_not_exist),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
