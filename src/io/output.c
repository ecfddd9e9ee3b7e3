// Large files, written piece by piece beside their place and renamed into it: see output.h. For the
// exports of datasets; what fits in memory goes through file_write.c.
#include "io/output.h"

#include <string.h>

#include "io/io_internal.h"

struct udy__output {
    udy__replacement place;
    char path[UDY_PATH_MAX], temporary[UDY_PATH_MAX];
    int fault;  // errno of the first write that failed
    size_t n;
    char buffer[1 << 16];
};

int udy__output_begin(udy__output **out, const char *path, udy_error *err) {
    *out = NULL;
    udy__output *o = udy_alloc(sizeof *o);
    if (!o) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to write it", path);
    int status = udy_path_format(o->path, err, "%s", path);
    if (!status) status = udy__replacement_begin(&o->place, o->path, err);
    if (!status) {
        status = udy_path_format(o->temporary, err, "%s/%s", o->place.folder_path, o->place.name);
        if (status) udy__replacement_discard(&o->place);
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
    if (!o->fault) o->fault = udy__write_all(o->place.fd, o->buffer, o->n);
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

int udy__output_finish(udy__output *o, udy_error *err) {
    flush(o);
    int status = udy__replacement_end(&o->place, o->fault, err);
    udy_free(o);
    return status;
}

void udy__output_discard(udy__output *o) {
    if (!o) return;
    udy__replacement_discard(&o->place);
    udy_free(o);
}
