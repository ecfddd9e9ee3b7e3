// The caller's half of reading HDF5: asks the process in which libhdf5 runs (hdf5.c), and trusts
// nothing that it answers. Between that and the formats: minari_read.c, d4rl.c.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/contained.h"
#include "io/hdf5.h"
#include "io/io_internal.h"

#define BULK_BYTES ((size_t)4 << 20)  // of data in one answer

double udy__h5_patience_s = 60;

struct udy__h5 {
    char path[UDY_PATH_MAX];
    udy__contained *process;
    udy__h5_request request;
    udy__h5_reply reply;
};

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

bool udy__h5_is(const char *path) {
    int fd;
    uint64_t n_bytes;
    unsigned char start[sizeof signature];
    if (udy__file_open(&fd, &n_bytes, path, NULL)) return false;
    bool is = !udy__file_read_at(fd, start, sizeof start, 0, path, NULL) &&
              !memcmp(start, signature, sizeof start);
    close(fd);
    return is;
}

// Ask; the answer is made fit to be looked at: texts end, and say nothing to a terminal.
static int ask(udy__h5 *file, udy_error *err) {
    udy__h5_reply *r = &file->reply;
    int status = udy__contained_call(file->process, &file->request, r, err);
    if (status) return status;
    r->message[sizeof r->message - 1] = '\0';
    r->info.type[sizeof r->info.type - 1] = '\0';
    r->info.members[sizeof r->info.members - 1] = '\0';
    char *texts[] = {r->message, r->info.type, r->info.members};
    for (int i = 0; i < 3; i++)
        for (char *c = texts[i]; *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    if (r->info.ndim < 0 || r->info.ndim > UDY_TENSOR_NDIM_MAX) r->info.ndim = 0;
    if (!r->status) return UDY_OK;
    if (r->status > 0 || r->status < UDY_EUNSUPPORTED) r->status = UDY_EFORMAT;
    return udy_error_set(err, r->status, "%s: %s", file->path, r->message);
}

static int set_request(udy__h5 *file, udy__h5_op op, const char *name, const char *attribute,
                       udy_error *err) {
    udy__h5_request *q = &file->request;
    *q = (udy__h5_request){.op = op};
    if (strlen(name) >= sizeof q->name || strlen(attribute) >= sizeof q->attribute)
        return udy_error_set(err, UDY_EINVAL, "%s: name too long: '%s'", file->path, name);
    snprintf(q->name, sizeof q->name, "%s", name);
    snprintf(q->attribute, sizeof q->attribute, "%s", attribute);
    return UDY_OK;
}

// Memory that reading may take: in proportion to the file where it is small.
static uint64_t memory_for(uint64_t file_bytes) {
    uint64_t base = (uint64_t)256 << 20, most = (uint64_t)1 << 30;
    return base + (file_bytes < most / 1024 ? file_bytes * 1024 : most);
}

int udy__h5_open(udy__h5 **out, const char *path, udy_error *err) {
    *out = NULL;
    int fd;
    uint64_t n_bytes;
    int status = udy__file_open(&fd, &n_bytes, path, err);
    if (status) return status;
    close(fd);
    udy__h5 *file = udy_alloc(sizeof *file);
    udy__h5_server *server = udy__h5_server_new(path, n_bytes, BULK_BYTES);
    if (!file || !server)
        status = udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    else
        status = udy_path_format(file->path, err, "%s", path);
    if (!status) {
        udy__contained_work work = {.prepare = udy__h5_prepare,
                                    .serve = udy__h5_serve,
                                    .ctx = server,
                                    .request_bytes = sizeof file->request,
                                    .reply_bytes = sizeof file->reply,
                                    .bulk_bytes = BULK_BYTES,
                                    .memory_bytes = memory_for(n_bytes),
                                    .patience_s = udy__h5_patience_s,
                                    .path = file->path,
                                    .library = "libhdf5"};
        status = udy__contained_start(&file->process, &work, err);
    }
    udy__h5_server_free(server);  // the other process has its own copy
    if (!status) status = set_request(file, UDY__H5_OP_OPEN, "", "", err);
    if (!status) status = ask(file, err);
    if (status)
        udy__h5_close(file);
    else
        *out = file;
    return status;
}

void udy__h5_close(udy__h5 *file) {
    if (!file) return;
    udy__contained_stop(file->process);
    udy_free(file);
}

const char *udy__h5_path(const udy__h5 *file) {
    return file->path;
}

int udy__h5_look(udy__h5 *file, const char *name, udy__h5_info *out, udy_error *err) {
    int status = set_request(file, UDY__H5_OP_LOOK, name, "", err);
    if (!status) status = ask(file, err);
    if (status) return status;
    *out = file->reply.info;
    for (int i = 0; i < out->ndim; i++)
        if (out->shape[i] < 0)
            return udy_error_set(err, UDY_EFORMAT, "%s: '%s' has a negative size", file->path,
                                 name);
    return UDY_OK;
}

int udy__h5_read(udy__h5 *file, const char *name, uint64_t first, uint64_t n, size_t width,
                 float *out, udy_error *err) {
    size_t row_bytes = width * sizeof(float);
    if (width == 0 || row_bytes > BULK_BYTES)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: '%s' has %zu numbers a row: at most %zu",
                             file->path, name, width, BULK_BYTES / sizeof(float));
    uint64_t at_once = BULK_BYTES / row_bytes;
    for (uint64_t done = 0, k; done < n; done += k) {
        k = n - done < at_once ? n - done : at_once;
        int status = set_request(file, UDY__H5_OP_READ, name, "", err);
        file->request.first = first + done;
        file->request.n = k;
        file->request.width = width;
        if (!status) status = ask(file, err);
        if (status) return status;
        memcpy(out + done * width, udy__contained_bulk(file->process), k * row_bytes);
    }
    return UDY_OK;
}

int udy__h5_attribute_int(udy__h5 *file, const char *name, const char *attribute, int64_t *out,
                          bool *found, udy_error *err) {
    int status = set_request(file, UDY__H5_OP_INT, name, attribute, err);
    if (!status) status = ask(file, err);
    if (status) return status;
    *found = file->reply.found;
    if (*found) *out = file->reply.value;
    return UDY_OK;
}

int udy__h5_attribute_text(udy__h5 *file, const char *name, const char *attribute, char **out,
                           bool *found, udy_error *err) {
    int status = set_request(file, UDY__H5_OP_TEXT, name, attribute, err);
    if (!status) status = ask(file, err);
    if (status) return status;
    *found = file->reply.found;
    if (!*found) return UDY_OK;
    uint64_t n = (uint64_t)file->reply.value;
    if (n > BULK_BYTES)
        return udy_error_set(err, UDY_EFORMAT, "%s: attribute '%s' is too long", file->path,
                             attribute);
    *out = udy_alloc(n + 1);
    if (!*out) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for a text", file->path);
    memcpy(*out, udy__contained_bulk(file->process), n);
    (*out)[n] = '\0';
    return UDY_OK;
}
