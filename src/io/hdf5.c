// libhdf5, and the only file that sees it. The first half runs in a process of its own and answers
// hdf5_read.c's requests about a file that may be hostile; the second half writes files of ours.
#include "io/hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/output.h"

// The deepest of libhdf5's error messages: it says what is wrong, the others who asked. Of a system
// call that failed, what the system said of it: numbers and addresses stand about it.
static herr_t take_first(unsigned n, const H5E_error2_t *record, void *ctx) {
    static const char system[] = "error message = '";
    (void)n;
    const char *desc = record->desc ? record->desc : "no reason given",
               *said = strstr(desc, system);
    if (said) desc = said + sizeof system - 1;
    snprintf(ctx, 128, "%.*s", said ? (int)strcspn(desc, "'") : 127, desc);
    return 1;
}

static void last_error(char out[128]) {
    snprintf(out, 128, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, out);
}

//------------------------------------------ Serving: what lies there ------------------------------

enum { OPEN_MAX = 12 };  // arrays kept open, with their chunks, from one request to the next

struct udy__h5_server {
    char path[UDY_PATH_MAX];
    uint64_t file_bytes;
    size_t bulk_bytes;
    hid_t file;
    struct {
        char name[UDY__H5_NAME_MAX];
        hid_t id;
    } open[OPEN_MAX];
    int next;  // the one to go
};

udy__h5_server *udy__h5_server_new(const char *path, uint64_t file_bytes, size_t bulk_bytes) {
    udy__h5_server *s = udy_alloc(sizeof *s);
    if (!s) return NULL;
    snprintf(s->path, sizeof s->path, "%s", path);
    s->file_bytes = file_bytes;
    s->bulk_bytes = bulk_bytes;
    s->file = -1;
    return s;
}

void udy__h5_server_free(udy__h5_server *server) {
    udy_free(server);
}

void udy__h5_prepare(void *server) {
    (void)server;
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);          // a file names filters; none is fetched from a folder for it
    H5Lunregister(H5L_TYPE_EXTERNAL);  // nor followed, where a link in the file leads to one
}

static void refuse(udy__h5_reply *r, int status, const char *format, ...) UDY_PRINTF(3, 4);
static void refuse(udy__h5_reply *r, int status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    r->status = status;
    vsnprintf(r->message, sizeof r->message, format, list);
    va_end(list);
}

static void refuse_h5(udy__h5_reply *r, const char *what, const char *name) {
    char why[128];
    last_error(why);
    refuse(r, UDY_EFORMAT, "cannot %s%s%.100s%s (libhdf5: %s)", what, *name ? " '" : "", name,
           *name ? "'" : "", why);
}

static void open_file(udy__h5_server *s, udy__h5_reply *r) {
    s->file = H5Fopen(s->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (s->file < 0) refuse_h5(r, "read it as HDF5", "");
}

// Is there such an object, by links that stay in the file? Each part of the path is looked at: a
// link to another file would be followed.
static bool is_there(udy__h5_server *s, const char *name, udy__h5_reply *r) {
    char part[UDY__H5_NAME_MAX];
    if (!*name) return true;
    for (size_t i = 0; i <= strlen(name); i++) {
        if (name[i] && name[i] != '/') continue;
        memcpy(part, name, i);
        part[i] = '\0';
        htri_t exists = H5Lexists(s->file, part, H5P_DEFAULT);
        H5L_info_t link;
        if (exists > 0 && H5Lget_info(s->file, part, &link, H5P_DEFAULT) < 0) exists = -1;
        if (exists < 0) refuse_h5(r, "look at", part);
        if (exists <= 0) return false;
        if (link.type == H5L_TYPE_EXTERNAL || link.type >= H5L_TYPE_UD_MIN) {
            refuse(r, UDY_EUNSUPPORTED, "'%.100s' is a link out of the file, which is not followed",
                   part);
            return false;
        }
    }
    return true;
}

static void name_type(char out[32], hid_t type, H5T_class_t class) {
    size_t bits = 8 * H5Tget_size(type);
    switch (class) {
        case H5T_FLOAT: snprintf(out, 32, "float%zu", bits); break;
        case H5T_INTEGER:
            snprintf(out, 32, "%sint%zu", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
            break;
        case H5T_ENUM: snprintf(out, 32, "bool"); break;
        case H5T_STRING: snprintf(out, 32, "string"); break;
        case H5T_COMPOUND: snprintf(out, 32, "compound"); break;
        case H5T_VLEN: snprintf(out, 32, "variable-length"); break;
        default: snprintf(out, 32, "other"); break;
    }
}

// How an array is stored: all of it here, by filters that this libhdf5 has, in chunks that fit.
static void check_storage(hid_t array, const char *name, uint64_t chunk_most, udy__h5_reply *r) {
    hid_t plan = H5Dget_create_plist(array);
    if (plan < 0) {
        refuse_h5(r, "look at", name);
        return;
    }
    H5D_layout_t layout = H5Pget_layout(plan);
    if (layout == H5D_VIRTUAL || H5Pget_external_count(plan) > 0)
        refuse(r, UDY_EUNSUPPORTED, "the data of '%.100s' lie in other files, which are not read",
               name);
    if (layout == H5D_CHUNKED) {
        hsize_t chunk[UDY_TENSOR_NDIM_MAX] = {0};
        int n = H5Pget_chunk(plan, UDY_TENSOR_NDIM_MAX, chunk);
        double bytes = 8;
        for (int i = 0; i < n && i < UDY_TENSOR_NDIM_MAX; i++) bytes *= (double)chunk[i];
        if (n < 0 || bytes > (double)chunk_most)
            refuse(r, UDY_EFORMAT, "'%.100s' comes in chunks of %.0f bytes: at most %llu here",
                   name, bytes, (unsigned long long)chunk_most);
    }
    int n_filters = H5Pget_nfilters(plan);
    for (int i = 0; i < n_filters && !r->status; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        char filter[64] = "";
        int id = H5Pget_filter2(plan, (unsigned)i, &flags, &n_values, NULL, sizeof filter - 1,
                                filter, &config);
        if (id < 0 || H5Zfilter_avail(id) <= 0)
            refuse(r, UDY_EUNSUPPORTED,
                   "'%.80s' is compressed by filter %d (%.40s), which libhdf5 here lacks: store it "
                   "again with gzip or none",
                   name, id, filter);
    }
    H5Pclose(plan);
}

static hid_t open_array(udy__h5_server *s, const char *name) {
    for (int i = 0; i < OPEN_MAX; i++)
        if (s->open[i].id > 0 && !strcmp(s->open[i].name, name)) return s->open[i].id;
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, 521, (size_t)16 << 20, 0.75);
    hid_t id = H5Dopen2(s->file, name, access);
    H5Pclose(access);
    if (id < 0) return id;
    int at = s->next++ % OPEN_MAX;
    if (s->open[at].id > 0) H5Dclose(s->open[at].id);
    snprintf(s->open[at].name, sizeof s->open[at].name, "%s", name);
    s->open[at].id = id;
    return id;
}

static void look_at_array(udy__h5_server *s, const char *name, udy__h5_reply *r) {
    hid_t array = open_array(s, name), type = array < 0 ? -1 : H5Dget_type(array),
          space = array < 0 ? -1 : H5Dget_space(array);
    hsize_t shape[UDY_TENSOR_NDIM_MAX];
    int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (type < 0 || ndim < 0) {
        refuse_h5(r, "open", name);
    } else if (ndim > UDY_TENSOR_NDIM_MAX) {
        refuse(r, UDY_EUNSUPPORTED, "'%.100s' has %d dimensions", name, ndim);
    } else {
        H5T_class_t class = H5Tget_class(type);
        name_type(r->info.type, type, class);
        r->info.kind = UDY__H5_ARRAY;
        r->info.numeric = class == H5T_FLOAT || class == H5T_INTEGER || class == H5T_ENUM;
        r->info.ndim = ndim;
        H5Sget_simple_extent_dims(space, shape, NULL);
        // deflate's best is 1032 to 1: what says more than that was never written
        uint64_t most = 1100 * s->file_bytes + (1 << 16);
        double claimed = (double)H5Tget_size(type);
        for (int i = 0; i < ndim; i++) {
            r->info.shape[i] = (int64_t)shape[i];
            claimed *= (double)shape[i];
        }
        if (claimed > (double)most || (r->info.numeric && H5Tget_size(type) > 16))
            refuse(r, UDY_EFORMAT, "'%.100s' claims %.0f bytes, more than the file can hold", name,
                   claimed);
        else if (most > (uint64_t)256 << 20)
            most = (uint64_t)256 << 20;
        if (!r->status) check_storage(array, name, most, r);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
}

static void look_at_group(hid_t group, udy__h5_reply *r) {
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0) {
        refuse_h5(r, "list a group", "");
        return;
    }
    r->info.kind = UDY__H5_GROUP;
    r->info.n_members = (int64_t)info.nlinks;
    char name[48];
    for (hsize_t i = 0; i < info.nlinks && i < 8; i++) {
        size_t at = strlen(r->info.members);
        if (H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                               H5P_DEFAULT) < 0)
            break;
        snprintf(r->info.members + at, sizeof r->info.members - at, "%s%s", i ? ", " : "", name);
    }
}

static void look(udy__h5_server *s, const char *name, udy__h5_reply *r) {
    if (!is_there(s, name, r)) return;
    hid_t id = H5Oopen(s->file, *name ? name : "/", H5P_DEFAULT);
    if (id < 0) {
        refuse_h5(r, "open", name);
        return;
    }
    H5I_type_t kind = H5Iget_type(id);
    r->info.kind = UDY__H5_OTHER;
    if (kind == H5I_GROUP) look_at_group(id, r);
    if (kind == H5I_DATASET) look_at_array(s, name, r);
    H5Oclose(id);
}

//------------------------------------------ Serving: numbers and texts ----------------------------

static void read_rows(udy__h5_server *s, const udy__h5_request *q, void *bulk, udy__h5_reply *r) {
    look(s, q->name, r);
    if (r->status) return;
    const udy__h5_info *info = &r->info;
    bool fits = info->kind == UDY__H5_ARRAY && info->numeric && info->ndim >= 1 && info->ndim <= 2;
    uint64_t width = fits && info->ndim == 2 ? (uint64_t)info->shape[1] : 1;
    if (!fits || width != q->width || q->first > (uint64_t)info->shape[0] ||
        q->n > (uint64_t)info->shape[0] - q->first ||
        q->n * width > s->bulk_bytes / sizeof(float)) {
        refuse(r, UDY_EFORMAT, "'%.100s' is no array of %llu numbers a row with rows %llu to %llu",
               q->name, (unsigned long long)q->width, (unsigned long long)q->first,
               (unsigned long long)(q->first + q->n));
        return;
    }
    hid_t array = open_array(s, q->name), from = array < 0 ? -1 : H5Dget_space(array);
    hsize_t start[2] = {q->first, 0}, count[2] = {q->n, width}, n = q->n * width;
    hid_t to = H5Screate_simple(1, &n, NULL);
    if (from < 0 || to < 0 ||
        H5Sselect_hyperslab(from, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(array, H5T_NATIVE_FLOAT, to, from, H5P_DEFAULT, bulk) < 0)
        refuse_h5(r, "read", q->name);
    if (from >= 0) H5Sclose(from);
    if (to >= 0) H5Sclose(to);
}

static void read_text(hid_t attribute, hid_t type, char *bulk, size_t room, udy__h5_reply *r) {
    size_t n = 0;
    if (H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        hid_t memory = H5Tcopy(H5T_C_S1);
        H5Tset_size(memory, H5T_VARIABLE);
        H5Tset_cset(memory, H5Tget_cset(type));
        if (H5Aread(attribute, memory, &text) < 0 || !text) {
            refuse_h5(r, "read the attribute", "");
        } else {
            n = strlen(text);
            if (n < room) memcpy(bulk, text, n);
        }
        H5free_memory(text);
        H5Tclose(memory);
    } else {
        n = H5Tget_size(type);
        if (n < room && H5Aread(attribute, type, bulk) < 0) refuse_h5(r, "read the attribute", "");
        if (n < room) n = strnlen(bulk, n);
    }
    if (n >= room) refuse(r, UDY_EFORMAT, "a text of %zu bytes as an attribute", n);
    r->value = (int64_t)n;
}

static void read_attribute(udy__h5_server *s, const udy__h5_request *q, void *bulk,
                           udy__h5_reply *r) {
    if (!is_there(s, q->name, r)) return;
    const char *name = *q->name ? q->name : "/";
    htri_t exists = H5Aexists_by_name(s->file, name, q->attribute, H5P_DEFAULT);
    if (exists == 0) return;
    hid_t id =
        exists < 0 ? -1 : H5Aopen_by_name(s->file, name, q->attribute, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = id < 0 ? -1 : H5Aget_type(id), space = id < 0 ? -1 : H5Aget_space(id);
    if (type < 0 || space < 0) {
        refuse_h5(r, "read the attribute", q->attribute);
    } else if (H5Sget_simple_extent_npoints(space) == 1) {
        H5T_class_t class = H5Tget_class(type);
        if (q->op == UDY__H5_OP_TEXT && class == H5T_STRING) {
            r->found = true;
            read_text(id, type, bulk, s->bulk_bytes, r);
        } else if (q->op == UDY__H5_OP_INT && class == H5T_INTEGER && H5Tget_size(type) <= 8) {
            r->found = true;
            if (H5Aread(id, H5T_NATIVE_INT64, &r->value) < 0)
                refuse_h5(r, "read the attribute", q->attribute);
        }
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (id >= 0) H5Aclose(id);
}

void udy__h5_serve(void *server, const void *request, void *reply, void *bulk) {
    udy__h5_server *s = server;
    const udy__h5_request *q = request;
    udy__h5_reply *r = reply;
    if (q->op == UDY__H5_OP_OPEN)
        open_file(s, r);
    else if (q->op == UDY__H5_OP_LOOK)
        look(s, q->name, r);
    else if (q->op == UDY__H5_OP_READ)
        read_rows(s, q, bulk, r);
    else
        read_attribute(s, q, bulk, r);
}

//------------------------------------------ Writing -----------------------------------------------

struct udy__h5_writer {
    udy__output *output;
    const char *path;  // the output's
    hid_t file, boolean;
    H5E_auto2_t said;  // what the program had libhdf5 do about errors
    void *said_ctx;
};

static int fail(const udy__h5_writer *w, const char *what, const char *name, udy_error *err) {
    char why[128];
    last_error(why);
    return udy_error_set(err, strcmp(why, strerror(ENOSPC)) ? UDY_EIO : UDY_ENOSPC,
                         "%s: cannot %s%s%s (libhdf5: %s)", w->path, what, *name ? " " : "", name,
                         why);
}

// After a write that failed, as on a full disk: libhdf5 cannot close a file that it cannot write, and
// crashes at the program's end for it. What it still has to write goes to memory, and is dropped.
static void divert(const udy__h5_writer *w) {
    void *handle = NULL;
    int memory = memfd_create("dropped", MFD_CLOEXEC);
    if (memory < 0) return;
    if (H5Fget_vfd_handle(w->file, H5P_DEFAULT, &handle) >= 0 && handle)
        dup3(memory, *(int *)handle, O_CLOEXEC);
    close(memory);
}

// h5py's booleans: bytes with names.
static hid_t make_boolean(void) {
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    signed char no = 0, yes = 1;
    if (type >= 0 &&
        (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0))
        return -1;
    return type;
}

int udy__h5_create(udy__h5_writer **out, const char *path, udy_error *err) {
    *out = NULL;
    udy__h5_writer *w = udy_alloc(sizeof *w);
    if (!w) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to write it", path);
    int status = udy__output_begin(&w->output, path, err);
    if (status) {
        udy_free(w);
        return status;
    }
    w->path = udy__output_path(w->output);
    H5Eget_auto2(H5E_DEFAULT, &w->said, &w->said_ctx);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    w->boolean = make_boolean();
    w->file = H5Fcreate(udy__output_temporary(w->output), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (w->file < 0 || w->boolean < 0) {
        status = fail(w, "create it", "", err);
        udy__h5_discard(w);
        return status;
    }
    *out = w;
    return UDY_OK;
}

int udy__h5_put_group(udy__h5_writer *w, const char *name, udy_error *err) {
    hid_t group = H5Gcreate2(w->file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0 || H5Gclose(group) < 0) return fail(w, "write group", name, err);
    return UDY_OK;
}

static int put_attribute(udy__h5_writer *w, const char *name, const char *attribute, hid_t type,
                         const void *value, udy_error *err) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate_by_name(w->file, name, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT,
                                 H5P_DEFAULT);
    bool ok = id >= 0 && H5Awrite(id, type, value) >= 0;
    if (id >= 0) H5Aclose(id);
    if (space >= 0) H5Sclose(space);
    return ok ? UDY_OK : fail(w, "write attribute", attribute, err);
}

int udy__h5_put_int(udy__h5_writer *w, const char *name, const char *attribute, int64_t value,
                    udy_error *err) {
    return put_attribute(w, name, attribute, H5T_NATIVE_INT64, &value, err);
}

int udy__h5_put_text(udy__h5_writer *w, const char *name, const char *attribute, const char *value,
                     udy_error *err) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    int status = put_attribute(w, name, attribute, type, &value, err);
    H5Tclose(type);
    return status;
}

int udy__h5_put_array(udy__h5_writer *w, const char *name, udy_dtype dtype, uint64_t rows,
                      uint64_t width, const void *data, udy_error *err) {
    enum { CHUNK_BYTES = 1 << 16 };
    hid_t type = dtype == UDY_BOOL  ? w->boolean
                 : dtype == UDY_F64 ? H5T_NATIVE_DOUBLE
                                    : H5T_NATIVE_FLOAT;
    int ndim = width ? 2 : 1;
    uint64_t row_bytes = (width ? width : 1) * H5Tget_size(type);
    uint64_t chunk_rows = CHUNK_BYTES / row_bytes ? CHUNK_BYTES / row_bytes : 1;
    if (chunk_rows > rows && rows) chunk_rows = rows;
    hsize_t shape[2] = {rows, width}, most[2] = {H5S_UNLIMITED, width},
            chunk[2] = {chunk_rows, width};
    hid_t space = H5Screate_simple(ndim, shape, most), plan = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = space >= 0 && plan >= 0 && H5Pset_chunk(plan, ndim, chunk) >= 0;
    hid_t id = ok ? H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, plan, H5P_DEFAULT) : -1;
    ok = id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0 &&
         H5Dflush(id) >= 0;
    int status = ok ? UDY_OK : fail(w, "write array", name, err);
    if (!ok) divert(w);
    if (id >= 0 && H5Dclose(id) < 0 && ok) status = fail(w, "write array", name, err);
    if (plan >= 0) H5Pclose(plan);
    if (space >= 0) H5Sclose(space);
    return status;
}

int udy__h5_flush(udy__h5_writer *w, udy_error *err) {
    return H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0 ? fail(w, "write it", "", err) : UDY_OK;
}

// Close what libhdf5 has open; false where its last writes failed.
static bool close_file(udy__h5_writer *w) {
    if (w->boolean >= 0) H5Tclose(w->boolean);
    bool ok = w->file < 0 || H5Fflush(w->file, H5F_SCOPE_LOCAL) >= 0;
    if (!ok) divert(w);
    if (w->file >= 0 && H5Fclose(w->file) < 0) ok = false;
    w->file = w->boolean = -1;
    return ok;
}

int udy__h5_finish(udy__h5_writer *w, udy_error *err) {
    int status = close_file(w) ? UDY_OK : fail(w, "write it", "", err);
    if (!status) {
        status = udy__output_finish(w->output, err);
        w->output = NULL;
    }
    udy__h5_discard(w);
    return status;
}

void udy__h5_discard(udy__h5_writer *w) {
    if (!w) return;
    close_file(w);
    H5Eset_auto2(H5E_DEFAULT, w->said, w->said_ctx);
    udy__output_discard(w->output);
    udy_free(w);
}
