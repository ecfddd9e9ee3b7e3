// Reading, appending to and removing files; whole-file writes are in file_write.c.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/io_internal.h"

int udy__file_open(int *fd, uint64_t *n_bytes, const char *path, udy_error *err) {
    // O_NONBLOCK: opening a pipe by mistake must fail, not wait.
    *fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (!path) return udy_error_set(err, UDY_EINVAL, "no path given");
    if (*fd < 0) return udy_error_set_errno(err, errno, "%s", path);
    struct stat st;
    int code = UDY_OK;
    if (fstat(*fd, &st) != 0) {
        code = udy_error_set_errno(err, errno, "%s", path);
    } else if (!S_ISREG(st.st_mode)) {
        code = udy_error_set(err, UDY_EINVAL, "%s: %s, expected a regular file", path,
                             S_ISDIR(st.st_mode) ? "is a folder" : "is a device or pipe");
    }
    if (code) {
        close(*fd);
        *fd = -1;
        return code;
    }
    *n_bytes = (uint64_t)st.st_size;
    return UDY_OK;
}

int udy__file_read_at(int fd, void *out, size_t n_bytes, uint64_t offset, const char *path,
                      udy_error *err) {
    char *p = out;
    while (n_bytes > 0) {
        ssize_t got = pread(fd, p, n_bytes, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return udy_error_set_errno(err, errno, "%s", path);
        if (got == 0) {
            return udy_error_set(err, UDY_EFORMAT, "%s: ends at byte %llu, expected %zu more", path,
                                 (unsigned long long)offset, n_bytes);
        }
        p += got;
        offset += (uint64_t)got;
        n_bytes -= (size_t)got;
    }
    return UDY_OK;
}

// Read to the end, whatever fstat said: files in /proc say 0, and a file may grow meanwhile.
static int read_all(int fd, char **data, size_t *n, size_t capacity, size_t max_bytes,
                    const char *path, udy_error *err) {
    for (;;) {
        if (*n + 1 >= capacity) {
            size_t larger = capacity > SIZE_MAX / 2 ? capacity : capacity * 2;
            char *p = udy_alloc(larger);
            if (!p) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
            memcpy(p, *data, *n);
            udy_free(*data);
            *data = p;
            capacity = larger;
        }
        ssize_t got = read(fd, *data + *n, capacity - 1 - *n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return udy_error_set_errno(err, errno, "%s", path);
        if (got == 0) break;
        *n += (size_t)got;
        if (*n > max_bytes) {
            return udy_error_set(err, UDY_EFORMAT, "%s: larger than %zu bytes", path, max_bytes);
        }
    }
    (*data)[*n] = '\0';
    return UDY_OK;
}

int udy_file_read(char **out, size_t *n_bytes, const char *path, size_t max_bytes, udy_error *err) {
    *out = NULL;
    *n_bytes = 0;
    int fd;
    uint64_t size;
    int code = udy__file_open(&fd, &size, path, err);
    if (code) return code;
    if (size > max_bytes) {
        close(fd);
        return udy_error_set(err, UDY_EFORMAT, "%s: %llu bytes, expected at most %zu", path,
                             (unsigned long long)size, max_bytes);
    }
    size_t capacity = (size_t)size + 2, n = 0;
    char *data = udy_alloc(capacity);
    code = data ? read_all(fd, &data, &n, capacity, max_bytes, path, err)
                : udy_error_set(err, UDY_ENOMEM, "%s: out of memory for %llu bytes", path,
                                (unsigned long long)size);
    close(fd);
    if (code) {
        udy_free(data);
        return code;
    }
    *out = data;
    *n_bytes = n;
    return UDY_OK;
}

// A line that was written in part (a full disk) is taken back: no reader meets half a line.
static void take_back(int fd, ssize_t written) {
    off_t end = lseek(fd, 0, SEEK_CUR);
    struct stat st;
    if (written > 0 && end >= written && fstat(fd, &st) == 0 && st.st_size == end) {
        if (ftruncate(fd, end - written) != 0) return;  // then udy__file_end_line mends it later
    }
}

int udy_file_append_line(const char *path, const char *line, udy_error *err) {
    if (!path || !line) return udy_error_set(err, UDY_EINVAL, "no path or no line given");
    if (strchr(line, '\n')) {
        return udy_error_set(err, UDY_EINVAL, "%s: the text to append has more than one line",
                             path);
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0) return udy_error_set_errno(err, errno, "%s", path);
    size_t n = strlen(line);
    struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)line, .iov_len = n},
                             {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1}};
    ssize_t written;
    do {
        written = writev(fd, parts, 2);
    } while (written < 0 && errno == EINTR);
    int code = UDY_OK;
    if (written < 0) {
        code = udy_error_set_errno(err, errno, "%s", path);
    } else if ((size_t)written != n + 1) {
        take_back(fd, written);
        code = udy_error_set(err, UDY_ENOSPC, "%s: no space for a line of %zu bytes", path, n + 1);
    }
    if (close(fd) != 0 && !code) code = udy_error_set_errno(err, errno, "%s", path);
    return code;
}

int udy__file_end_line(const char *path, udy_error *err) {
    if (!udy_file_exists(path)) return UDY_OK;
    int fd;
    uint64_t size;
    int code = udy__file_open(&fd, &size, path, err);
    if (code) return code;
    char last = '\n';
    if (size > 0) code = udy__file_read_at(fd, &last, 1, size - 1, path, err);
    close(fd);
    if (code || last == '\n') return code;
    return udy_file_append_line(path, "", err);
}

bool udy_file_exists(const char *path) {
    struct stat st;
    return path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

int udy_file_remove(const char *path, udy_error *err) {
    if (!path) return udy_error_set(err, UDY_EINVAL, "no path given");
    if (unlink(path) == 0 || errno == ENOENT) return UDY_OK;
    return udy_error_set_errno(err, errno, "%s: cannot remove it", path);
}

int udy_path_format(char out[UDY_PATH_MAX], udy_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, UDY_PATH_MAX, format, args);
    va_end(args);
    if (n >= 0 && n < UDY_PATH_MAX) return UDY_OK;
    // No half of a path: it might name something else.
    char start[65];
    memcpy(start, out, sizeof start - 1);
    start[sizeof start - 1] = '\0';
    out[0] = '\0';
    return udy_error_set(err, UDY_EINVAL, "path longer than %d bytes: %s...", UDY_PATH_MAX - 1,
                         n < 0 ? "" : start);
}
