// program.h: runs the built program as a person does, for the tests of the command line.
#ifndef UNDERSTUDY_TESTS_CLI_PROGRAM_H_
#define UNDERSTUDY_TESTS_CLI_PROGRAM_H_

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// What a run of the program left: its exit code (128 + signal where one killed it) and its words.
typedef struct outcome {
    int code;
    char *out, *err;
} outcome;

static char work_dir[1024];  // the test's own folder; the program runs in it

static void make_work_dir(const char *name) {
    char command[2200];
    snprintf(work_dir, sizeof work_dir, "%s/%s", UDY_TEST_TMP, name);
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s'", work_dir, work_dir);
    if (system(command) != 0 || chdir(work_dir) != 0) abort();
}

static char *read_all(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    size_t n = 0, size = 1 << 12;
    char *text = malloc(size);
    for (size_t got; text && (got = fread(text + n, 1, size - n - 1, f)) > 0;) {
        n += got;
        if (n + 1 == size) text = realloc(text, size *= 2);
    }
    fclose(f);
    if (text) text[n] = '\0';
    return text;
}

static int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Start `understudy ARGS` (as a shell reads them) with its words going to files; its process id.
static pid_t start(const char *args) {
    char command[4096];
    snprintf(command, sizeof command, "exec '%s' %s >out.txt 2>err.txt </dev/null", UDY_PROGRAM,
             args);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static outcome finish(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
    outcome o = {exit_code(status), read_all("out.txt"), read_all("err.txt")};
    assert_non_null(o.out);
    assert_non_null(o.err);
    return o;
}

static outcome run_program(const char *format, ...) __attribute__((format(printf, 1, 2)));
static outcome run_program(const char *format, ...) {
    char args[3000];
    va_list list;
    va_start(list, format);
    vsnprintf(args, sizeof args, format, list);
    va_end(list);
    return finish(start(args));
}

static void done(outcome o) {
    free(o.out);
    free(o.err);
}

static void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("'%s' is not in: %s", part, text);
}

// The program said exactly this with this exit code: one line on stderr, nothing on stdout.
static void assert_error(outcome o, int code, const char *part) {
    if (o.code != code)
        fail_msg("exit code %d, expected %d; it said: %s%s", o.code, code, o.out, o.err);
    assert_contains(o.err, "error: ");
    assert_contains(o.err, part);
    assert_string_equal(o.out, "");
    done(o);
}

static void assert_done(outcome o) {
    if (o.code != 0) fail_msg("exit code %d; it said: %s", o.code, o.err);
}

#endif  // UNDERSTUDY_TESTS_CLI_PROGRAM_H_
