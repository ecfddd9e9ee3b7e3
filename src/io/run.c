// The run folder: run.yaml, log.jsonl and its sub-folders, one process at a time.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/io_internal.h"

struct udy_run {
    char path[UDY_PATH_MAX];
    char lock_path[UDY_PATH_MAX];
    char log_path[UDY_PATH_MAX];
    unsigned loggers;
    int lock_fd;  // -1: not held
};

static const char *const sub_folders[] = {"checkpoints", "policies", "data", "figures"};
#define N_SUB_FOLDERS (sizeof sub_folders / sizeof sub_folders[0])

//------------------------------------------ Lock --------------------------------------------------

static int held_by_another(udy_run *run, int fd, udy_error *err) {
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    if (pid <= 0) {
        return udy_error_set(err, UDY_EPERM, "%s: another process is using this run", run->path);
    }
    return udy_error_set(err, UDY_EPERM,
                         "%s: process %ld is using this run; wait until it ends, or end it",
                         run->path, pid);
}

// Is fd still what lies at the path? Its last holder may have removed it before we got the lock.
static bool is_current(const char *path, int fd) {
    struct stat at_path, at_fd;
    return stat(path, &at_path) == 0 && fstat(fd, &at_fd) == 0 && at_path.st_ino == at_fd.st_ino &&
           at_path.st_dev == at_fd.st_dev;
}

// The kernel drops a flock when its process ends, however it ends: a kill leaves no stale lock.
static int lock(udy_run *run, udy_error *err) {
    for (int tries = 0; tries < 100; tries++) {
        int fd = open(run->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0) return udy_error_set_errno(err, errno, "%s: cannot write here", run->lock_path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int fault = errno;
            int code = fault == EWOULDBLOCK
                           ? held_by_another(run, fd, err)
                           : udy_error_set_errno(err, fault, "%s: cannot lock it", run->lock_path);
            close(fd);
            return code;
        }
        if (!is_current(run->lock_path, fd)) {
            close(fd);
            continue;
        }
        // The number is for the other side's message only: failing to write it (a full disk) is
        // no reason not to go on.
        if (ftruncate(fd, 0) == 0) dprintf(fd, "%ld\n", (long)getpid());
        run->lock_fd = fd;
        return UDY_OK;
    }
    return udy_error_set(err, UDY_EIO, "%s: cannot lock it", run->lock_path);
}

static void unlock(udy_run *run) {
    if (run->lock_fd < 0) return;
    unlink(run->lock_path);  // while it is held, so that nobody else's is removed
    close(run->lock_fd);
    run->lock_fd = -1;
}

//------------------------------------------ Open and close ----------------------------------------

static int make_handle(udy_run **out, const char *path, udy_error *err) {
    if (!path || !*path) return udy_error_set(err, UDY_EINVAL, "no path given for a run folder");
    udy_run *run = udy_alloc(sizeof *run);
    if (!run) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    run->lock_fd = -1;
    run->loggers = UDY_LOG_DEFAULT;
    int code = udy_path_format(run->path, err, "%s", path);
    if (!code) code = udy_path_format(run->lock_path, err, "%s/.lock", path);
    if (!code) code = udy_path_format(run->log_path, err, "%s/log.jsonl", path);
    if (code) {
        udy_free(run);
        return code;
    }
    *out = run;
    return UDY_OK;
}

// Empty but for a lock file, which a create that was killed may have left.
static int check_empty(const char *path, udy_error *err) {
    char **names;
    size_t n;
    int code = udy_dir_list(&names, &n, path, "", err);
    if (code) return code;
    for (size_t i = 0; i < n && !code; i++) {
        if (!strcmp(names[i], ".lock")) continue;
        code = udy_error_set(err, UDY_EEXIST,
                             "%s: is not empty (it holds %s): choose another folder, or resume "
                             "the run in it",
                             path, names[i]);
    }
    udy_free(names);
    return code;
}

static int fill(const udy_run *run, const char *settings_yaml, udy_error *err) {
    char path[UDY_PATH_MAX];
    int code = UDY_OK;
    for (size_t i = 0; i < N_SUB_FOLDERS && !code; i++) {
        code = udy_path_format(path, err, "%s/%s", run->path, sub_folders[i]);
        if (!code) code = udy_dir_make(path, err);
    }
    // Last: it is what makes the folder a run.
    if (!code) code = udy_path_format(path, err, "%s/run.yaml", run->path);
    if (!code) code = udy_file_write(path, settings_yaml, strlen(settings_yaml), err);
    return code;
}

// Undo fill: only empty folders are removed.
static void empty_out(const udy_run *run) {
    char path[UDY_PATH_MAX];
    for (size_t i = 0; i < N_SUB_FOLDERS; i++) {
        if (!udy_path_format(path, NULL, "%s/%s", run->path, sub_folders[i])) rmdir(path);
    }
}

int udy_run_create(udy_run **out, const char *path, const char *settings_yaml, udy_error *err) {
    *out = NULL;
    if (!settings_yaml) return udy_error_set(err, UDY_EINVAL, "no settings given for a run");
    udy_run *run;
    int code = make_handle(&run, path, err);
    if (code) return code;
    bool existed = udy_dir_exists(path);
    code = existed ? UDY_OK : udy_dir_make(path, err);
    if (!code) code = check_empty(path, err);
    if (!code) code = lock(run, err);
    bool locked = !code;
    if (!code) code = check_empty(path, err);  // another may have been quicker
    bool ours = !code;
    if (!code) code = fill(run, settings_yaml, err);
    if (code) {
        if (ours) empty_out(run);
        if (locked) unlock(run);
        if (!existed) rmdir(path);
        udy_free(run);
        return code;
    }
    *out = run;
    return UDY_OK;
}

int udy_run_open(udy_run **out, const char *path, udy_error *err) {
    *out = NULL;
    udy_run *run;
    int code = make_handle(&run, path, err);
    if (code) return code;
    char settings[UDY_PATH_MAX];
    code = udy_path_format(settings, err, "%s/run.yaml", path);
    if (!code && !udy_dir_exists(path)) {
        code = udy_error_set(err, UDY_ENOENT, "%s: no such folder", path);
    } else if (!code && !udy_file_exists(settings)) {
        code = udy_error_set(err, UDY_ENOENT, "%s: not a run folder: it has no run.yaml", path);
    }
    if (!code) code = lock(run, err);
    if (!code) {
        udy_dir_sweep(path);
        code = udy__file_end_line(run->log_path, err);
    }
    if (code) {
        udy_run_close(run);
        return code;
    }
    *out = run;
    return UDY_OK;
}

void udy_run_close(udy_run *run) {
    if (!run) return;
    unlock(run);
    udy_free(run);
}

const char *udy_run_path(const udy_run *run) {
    return run->path;
}

void udy_run_set_loggers(udy_run *run, unsigned loggers) {
    run->loggers = loggers;
}

unsigned udy_run_loggers(const udy_run *run) {
    return run->loggers;
}

//------------------------------------------ Log ---------------------------------------------------

// {"time": ..., "event": ...} and fields' members, as one line of text.
static char *log_line(const char *event, const udy_json *fields) {
    char now[21];
    udy_clock_utc(now);
    udy_json *head = udy_json_object();
    udy_json_put_string(head, "time", now);
    udy_json_put_string(head, "event", event);
    char *start = udy_json_print(head, false),
         *rest = fields ? udy_json_print(fields, false) : NULL;
    udy__text line = {0};
    if (start && (rest || !fields)) {
        udy__text_add(&line, start, strlen(start) - 1);  // without its '}'
        if (udy_json_size(fields) > 0) {
            udy__text_puts(&line, ", ");
            udy__text_puts(&line, rest + 1);  // without its '{'
        } else {
            udy__text_puts(&line, "}");
        }
    } else {
        line.failed = true;
    }
    udy_json_free(head);
    udy_free(start);
    udy_free(rest);
    return udy__text_take(&line);
}

int udy_run_log(udy_run *run, const char *event, udy_json *fields, udy_error *err) {
    int code = UDY_OK;
    if (!run || !event) {
        code = udy_error_set(err, UDY_EINVAL, "no run or no event to log");
    } else if (fields && (!udy_json_is_object(fields) || udy_json_get(fields, "time") ||
                          udy_json_get(fields, "event"))) {
        code = udy_error_set(err, UDY_EINVAL,
                             "%s: fields of event '%s' must be an object without time and event",
                             run->log_path, event);
    }
    bool told = !code && (run->loggers & UDY_LOG_JSONL);
    char *line = told ? log_line(event, fields) : NULL;
    udy_json_free(fields);
    if (!told) return code;
    if (!line) code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", run->log_path);
    if (!code) code = udy_file_append_line(run->log_path, line, err);
    udy_free(line);
    return code;
}

//------------------------------------------ Names -------------------------------------------------

int udy_run_new_path(char out[UDY_PATH_MAX], const char *prefix, udy_error *err) {
    char now[21], date[11], time[7];
    udy_clock_utc(now);  // 2026-01-31T23:59:59Z
    snprintf(date, sizeof date, "%.10s", now);
    snprintf(time, sizeof time, "%.2s%.2s%.2s", now + 11, now + 14, now + 17);
    const char *name = prefix && *prefix ? prefix : "run";
    struct stat st;
    for (int k = 1; k < 10000; k++) {
        int code = k == 1 ? udy_path_format(out, err, "runs/%s-%s-%s", name, date, time)
                          : udy_path_format(out, err, "runs/%s-%s-%s-%d", name, date, time, k);
        if (code) return code;
        if (lstat(out, &st) != 0) return UDY_OK;
    }
    return udy_error_set(err, UDY_EEXIST, "runs/%s-%s-%s: this name and 9998 after it are taken",
                         name, date, time);
}
