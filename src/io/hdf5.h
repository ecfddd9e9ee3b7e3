// hdf5.h: HDF5 files as the formats built on them need them: groups, attributes, arrays of numbers.
// Reading goes through a process of its own (contained.h), for libhdf5 crashes on hostile files;
// hdf5.c is the only file that sees libhdf5.
#ifndef UNDERSTUDY_IO_HDF5_H_
#define UNDERSTUDY_IO_HDF5_H_

#include "understudy/io.h"

//------------------------------------------ Reading -----------------------------------------------

typedef struct udy__h5 udy__h5;

typedef enum { UDY__H5_ABSENT, UDY__H5_GROUP, UDY__H5_ARRAY, UDY__H5_OTHER } udy__h5_kind;

typedef struct udy__h5_info {
    udy__h5_kind kind;
    bool numeric;   // ARRAY: can udy__h5_read take it? Integers, floats and booleans
    char type[32];  // ARRAY: "float64", "bool", "string", ...
    int ndim;       // ARRAY
    int64_t shape[UDY_TENSOR_NDIM_MAX];
    int64_t n_members;  // GROUP
    char members[160];  // GROUP: the first of them, "a, b, c", for messages
} udy__h5_info;

#define UDY__H5_NAME_MAX 256

// How long libhdf5 may take for one answer (4 MB at most); of files opened from then on. For tests.
extern double udy__h5_patience_s;

int udy__h5_open(udy__h5 **out, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy__h5_close(udy__h5 *file);  // NULL is legal
bool udy__h5_is(const char *path);  // does it start as HDF5 files do?
const char *udy__h5_path(const udy__h5 *file);

// What lies at name ("" the root, "episode_0/actions"); ABSENT is no error. Links out of the file and
// data that lie elsewhere are refused, and an array that claims more than its file can hold.
int udy__h5_look(udy__h5 *file, const char *name, udy__h5_info *out, udy_error *err) UDY_MUST_CHECK;
// Rows first..first+n of an array [rows, width] ([rows] for width 1) as float32.
int udy__h5_read(udy__h5 *file, const char *name, uint64_t first, uint64_t n, size_t width,
                 float *out, udy_error *err) UDY_MUST_CHECK;
// An attribute of what lies at name. *found is false, and *out left alone, where it is absent or of
// another type. Text: free with udy_free.
int udy__h5_attribute_int(udy__h5 *file, const char *name, const char *attribute, int64_t *out,
                          bool *found, udy_error *err) UDY_MUST_CHECK;
int udy__h5_attribute_text(udy__h5 *file, const char *name, const char *attribute, char **out,
                           bool *found, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Writing -----------------------------------------------

// A new file, in this process: what it holds is ours. Readers see it whole or not at all.
typedef struct udy__h5_writer udy__h5_writer;

int udy__h5_create(udy__h5_writer **out, const char *path, udy_error *err) UDY_MUST_CHECK;
int udy__h5_put_group(udy__h5_writer *w, const char *name, udy_error *err) UDY_MUST_CHECK;
int udy__h5_put_int(udy__h5_writer *w, const char *name, const char *attribute, int64_t value,
                    udy_error *err) UDY_MUST_CHECK;
int udy__h5_put_text(udy__h5_writer *w, const char *name, const char *attribute, const char *value,
                     udy_error *err) UDY_MUST_CHECK;
// data [rows, width] row-major, or [rows] for width 0; dtype F32, F64 or BOOL (as h5py has it). It can
// be appended to, as Minari's arrays can.
int udy__h5_put_array(udy__h5_writer *w, const char *name, udy_dtype dtype, uint64_t rows,
                      uint64_t width, const void *data, udy_error *err) UDY_MUST_CHECK;
// Everything so far onto the disk: after it, finish fails on nothing but the disk itself.
int udy__h5_flush(udy__h5_writer *w, udy_error *err) UDY_MUST_CHECK;
// Finish renames the file into place; either frees the writer.
int udy__h5_finish(udy__h5_writer *w, udy_error *err) UDY_MUST_CHECK;
void udy__h5_discard(udy__h5_writer *w);  // NULL is legal

//------------------------------------------ Between the two processes -----------------------------

typedef enum {
    UDY__H5_OP_OPEN,
    UDY__H5_OP_LOOK,
    UDY__H5_OP_READ,
    UDY__H5_OP_INT,
    UDY__H5_OP_TEXT
} udy__h5_op;

typedef struct udy__h5_request {
    udy__h5_op op;
    char name[UDY__H5_NAME_MAX], attribute[64];
    uint64_t first, n, width;
} udy__h5_request;

typedef struct udy__h5_reply {
    int status;
    char message[256];  // without the file's name
    udy__h5_info info;
    bool found;
    int64_t value;  // an integer attribute, or the bytes of text in the bulk
} udy__h5_reply;

// hdf5.c's half of the reading, run in the forked process.
typedef struct udy__h5_server udy__h5_server;
udy__h5_server *udy__h5_server_new(const char *path, uint64_t file_bytes, size_t bulk_bytes);
void udy__h5_server_free(udy__h5_server *server);
void udy__h5_prepare(void *server);
void udy__h5_serve(void *server, const void *request, void *reply, void *bulk);

#endif  // UNDERSTUDY_IO_HDF5_H_
