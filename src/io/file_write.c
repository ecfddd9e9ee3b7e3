// Whole files, written so that a reader, a crash or a full disk sees the old one or the new one:
// everything that must not be lost goes through here.
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/io_internal.h"

// Temporaries are ".udy-tmp-<pid>-<n>": hidden, short whatever the target's name, and never taken
// for a file that udy_dir_list looks for.
#define TEMPORARY_PREFIX ".udy-tmp-"

static atomic_uint temporary_count;

// The folder and the last name of a path; folder's buffer is the caller's.
static const char *split(char folder[UDY_PATH_MAX], const char *path) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= UDY_PATH_MAX) return NULL;
    if (!slash) {
        strcpy(folder, ".");
    } else if (n == 0) {
        strcpy(folder, "/");
    } else {
        memcpy(folder, path, n);
        folder[n] = '\0';
    }
    return slash ? slash + 1 : path;
}

int udy__write_all(int fd, const void *data, size_t n_bytes) {
    const char *p = data;
    while (n_bytes > 0) {
        ssize_t written = write(fd, p, n_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return ENOSPC;
        p += written;
        n_bytes -= (size_t)written;
    }
    return 0;
}

int udy__file_sync(int fd) {
    while (fsync(fd) != 0) {
        if (errno == EINVAL || errno == ENOTSUP) return 0;
        if (errno != EINTR) return errno;
    }
    return 0;
}

static int open_temporary(int folder, char name[64]) {
    for (int tries = 0; tries < 100; tries++) {
        unsigned k = atomic_fetch_add_explicit(&temporary_count, 1, memory_order_relaxed);
        snprintf(name, 64, TEMPORARY_PREFIX "%ld-%u", (long)getpid(), k);
        int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

int udy__replacement_begin(udy__replacement *r, const char *path, udy_error *err) {
    if (!path || !*path) return udy_error_set(err, UDY_EINVAL, "no path given");
    r->path = path;
    r->target = split(r->folder_path, path);
    if (!r->target || !*r->target) {
        return udy_error_set(err, UDY_EINVAL, "%.200s: not the path of a file", path);
    }
    // A rename would put a file in the place of a device such as /dev/stdout.
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return udy_error_set(err, UDY_EEXIST, "%s: %s, expected a regular file", path,
                             S_ISDIR(st.st_mode) ? "is a folder" : "is a device or pipe");
    }
    r->folder = open(r->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->folder < 0) {
        return udy_error_set_errno(err, errno, "%s: cannot write in its folder", path);
    }
    r->fd = open_temporary(r->folder, r->name);
    if (r->fd >= 0) return UDY_OK;
    int fault = errno;
    close(r->folder);
    return udy_error_set_errno(err, fault, "%s: cannot write it", path);
}

int udy__replacement_end(udy__replacement *r, int fault, udy_error *err) {
    if (!fault) fault = udy__file_sync(r->fd);
    if (close(r->fd) != 0 && !fault && errno != EINTR) fault = errno;
    if (!fault && renameat(r->folder, r->name, r->folder, r->target) != 0) fault = errno;
    if (fault)
        unlinkat(r->folder, r->name, 0);
    else
        fault = udy__file_sync(r->folder);
    close(r->folder);
    return fault ? udy_error_set_errno(err, fault, "%s: cannot write it", r->path) : UDY_OK;
}

void udy__replacement_discard(udy__replacement *r) {
    close(r->fd);
    unlinkat(r->folder, r->name, 0);
    close(r->folder);
}

int udy__file_write_parts(const char *path, const udy__part *parts, size_t n_parts,
                          udy_error *err) {
    udy__replacement r;
    int status = udy__replacement_begin(&r, path, err), fault = 0;
    if (status) return status;
    for (size_t i = 0; i < n_parts && !fault; i++) {
        fault = udy__write_all(r.fd, parts[i].data, parts[i].n_bytes);
    }
    return udy__replacement_end(&r, fault, err);
}

int udy_file_write(const char *path, const void *data, size_t n_bytes, udy_error *err) {
    if (!data && n_bytes > 0) return udy_error_set(err, UDY_EINVAL, "%s: no data given", path);
    udy__part part = {.data = data, .n_bytes = n_bytes};
    return udy__file_write_parts(path, &part, 1, err);
}

// A temporary of a process that is gone, or of an earlier one that had our number.
static int sweep_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    const char *name = path + at->base;
    if (type != FTW_F || strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX))) return 0;
    char *end;
    long pid = strtol(name + strlen(TEMPORARY_PREFIX), &end, 10);
    if (*end != '-' || pid <= 0 || pid > INT_MAX) return 0;
    // In a container every process may have the same number: what has not been counted yet is not ours.
    bool gone = pid == getpid() ? strtoul(end + 1, NULL, 10) >= atomic_load(&temporary_count)
                                : kill((pid_t)pid, 0) != 0 && errno == ESRCH;
    if (gone) unlink(path);
    return 0;
}

void udy_dir_sweep(const char *path) {
    nftw(path, sweep_entry, 8, FTW_PHYS | FTW_MOUNT);
}
