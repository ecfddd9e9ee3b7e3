// Large files, written piece by piece beside their place and renamed into it: see output.h. For the
// exports of datasets; what fits in memory goes through file_write.c.
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct udy__output {
    char path[UDY_PATH_MAX], folder[UDY_PATH_MAX], temporary[UDY_PATH_MAX];
    int fd, fault;  // fault: errno of the first write that failed
    size_t n;
    char buffer[1 << 16];
};

static atomic_uint output_count;

static int name_files(udy__output *o, const char *path, udy_error *err) {
    int status = udy_path_format(o->path, err, "%s", path);
    if (status) return status;
    const char *slash = strrchr(o->path, '/');
    if (!slash)
        snprintf(o->folder, sizeof o->folder, ".");
    else
        snprintf(o->folder, sizeof o->folder, "%.*s", (int)(slash - o->path), o->path);
    if (slash == o->path) snprintf(o->folder, sizeof o->folder, "/");
    if (!*path || (slash && !slash[1]))
        return udy_error_set(err, UDY_EINVAL, "%.200s: not the path of a file", path);
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return udy_error_set(err, UDY_EEXIST, "%s: %s, expected a regular file", path,
                             S_ISDIR(st.st_mode) ? "is a folder" : "is a device or pipe");
    // udy_dir_sweep knows the name by its start and this process's number
    return udy_path_format(o->temporary, err, "%s/.udy-tmp-%ld-out%u", o->folder, (long)getpid(),
                           atomic_fetch_add(&output_count, 1));
}

int udy__output_begin(udy__output **out, const char *path, udy_error *err) {
    *out = NULL;
    udy__output *o = udy_alloc(sizeof *o);
    if (!o) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to write it", path);
    int status = name_files(o, path, err);
    if (!status) {
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd < 0)
            status = udy_error_set_errno(err, errno, "%s: cannot write in its folder", path);
    }
    if (status)
        udy_free(o);
    else
        *out = o;
    return status;
}

const char *udy__output_path(const udy__output *o) {
    return o->path;
}

const char *udy__output_temporary(const udy__output *o) {
    return o->temporary;
}

static void flush(udy__output *o) {
    for (size_t done = 0; !o->fault && done < o->n;) {
        ssize_t k = write(o->fd, o->buffer + done, o->n - done);
        if (k < 0 && errno != EINTR) o->fault = errno;
        if (k > 0) done += (size_t)k;
    }
    o->n = 0;
}

void udy__output_add(udy__output *o, const void *data, size_t n_bytes) {
    for (const char *p = data; n_bytes > 0;) {
        size_t room = sizeof o->buffer - o->n, k = n_bytes < room ? n_bytes : room;
        memcpy(o->buffer + o->n, p, k);
        o->n += k;
        p += k;
        n_bytes -= k;
        if (o->n == sizeof o->buffer) flush(o);
    }
}

static void sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);  // best effort: some file systems cannot
    close(fd);
}

int udy__output_finish(udy__output *o, udy_error *err) {
    flush(o);
    if (!o->fault && fsync(o->fd) != 0) o->fault = errno;
    if (close(o->fd) != 0 && !o->fault && errno != EINTR) o->fault = errno;
    o->fd = -1;
    if (!o->fault && rename(o->temporary, o->path) != 0) o->fault = errno;
    int status = UDY_OK;
    if (o->fault)
        status = udy_error_set_errno(err, o->fault, "%s: cannot write it", o->path);
    else
        sync_folder(o->folder);
    if (!status) o->temporary[0] = '\0';
    udy__output_discard(o);
    return status;
}

void udy__output_discard(udy__output *o) {
    if (!o) return;
    if (o->fd >= 0) close(o->fd);
    if (o->temporary[0]) unlink(o->temporary);
    udy_free(o);
}
