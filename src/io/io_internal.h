// io_internal.h: what the files of this room share.
#ifndef UNDERSTUDY_IO_INTERNAL_H_
#define UNDERSTUDY_IO_INTERNAL_H_

#include "understudy/io.h"

//------------------------------------------ Files -------------------------------------------------

typedef struct udy__part {
    const void *data;
    size_t n_bytes;
} udy__part;

// A file beside its place, to be renamed into it: what all whole files are written through.
typedef struct udy__replacement {
    int folder, fd;  // fd: of the temporary, open for writing
    char name[64];   // the temporary's, in the folder
    char folder_path[UDY_PATH_MAX];
    const char *path, *target;  // the caller's, and its last name
} udy__replacement;
// path is kept until end. A temporary that a kill leaves is swept by udy_dir_sweep.
int udy__replacement_begin(udy__replacement *r, const char *path, udy_error *err) UDY_MUST_CHECK;
// fault: errno of a write that failed, else 0. Syncs and renames, or says why not; nothing is left
// behind on failure.
int udy__replacement_end(udy__replacement *r, int fault, udy_error *err) UDY_MUST_CHECK;
void udy__replacement_discard(udy__replacement *r);
int udy__write_all(int fd, const void *data, size_t n_bytes);  // errno; 0: all is written

// fsync, but for folders of file systems that cannot sync one. Returns 0 or an errno.
int udy__file_sync(int fd);

// udy_file_write of a file that lies in pieces, so that large tensors are not copied together.
int udy__file_write_parts(const char *path, const udy__part *parts, size_t n_parts, udy_error *err)
    UDY_MUST_CHECK;

// Open a regular file for reading; its size. A folder, pipe or device is an error.
int udy__file_open(int *fd, uint64_t *n_bytes, const char *path, udy_error *err) UDY_MUST_CHECK;

// Read exactly n_bytes at offset; UDY_EFORMAT where the file ends before.
int udy__file_read_at(int fd, void *out, size_t n_bytes, uint64_t offset, const char *path,
                      udy_error *err) UDY_MUST_CHECK;

// Give a file whose last line was cut by a kill its '\n'. Fine where it does not exist.
int udy__file_end_line(const char *path, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ JSON --------------------------------------------------

// Python's json.dumps writes Infinity and NaN, which are no JSON: read them as 0. text is the
// caller's, and is written to. name: for messages
int udy__python_json(udy_json **out, char *text, size_t n_bytes, const char *name, udy_error *err)
    UDY_MUST_CHECK;

//------------------------------------------ safetensors -------------------------------------------

#define UDY__HEADER_BYTES_MAX ((uint64_t)100000000)  // the reference implementation's
#define UDY__EXACT_MAX 9007199254740992.0            // 2^53: whole numbers a double holds exactly

// One element type of the format. Those without a udy_dtype of their own are carried as UDY_OTHER.
typedef struct udy__dtype_row {
    const char *name;
    udy_dtype dtype;
    unsigned bits;  // an element; some are packed below a byte
} udy__dtype_row;

const udy__dtype_row *udy__dtype_by_name(const char *name);  // NULL: unknown
// Bytes of an array; false on overflow or where packed elements do not fill whole bytes.
bool udy__shape_bytes(uint64_t *out, const int64_t *shape, int ndim, unsigned bits);
// "[256, 27]"
#define UDY__SHAPE_TEXT_MAX 192
const char *udy__shape_text(char out[UDY__SHAPE_TEXT_MAX], const int64_t *shape, int ndim);

#endif  // UNDERSTUDY_IO_INTERNAL_H_
