// archive.h: zip files, for formats that are one: Stable-Baselines3's, PyTorch's, NumPy's. archive.c
// is the only place that sees libzip.
#ifndef UNDERSTUDY_IO_ARCHIVE_H_
#define UNDERSTUDY_IO_ARCHIVE_H_

#include "understudy/io.h"

typedef struct udy__archive udy__archive;

int udy__archive_open(udy__archive **out, const char *path, udy_error *err) UDY_MUST_CHECK;
// An archive within an archive: data is the caller's, kept until close. name: for messages.
int udy__archive_open_memory(udy__archive **out, const void *data, size_t n_bytes, const char *name,
                             udy_error *err) UDY_MUST_CHECK;
void udy__archive_close(udy__archive *archive);  // NULL is legal
size_t udy__archive_count(const udy__archive *archive);
const char *udy__archive_entry(const udy__archive *archive, size_t i);  // its name
uint64_t udy__archive_bytes(const udy__archive *archive);               // of the whole
// One entry whole, '\0' after its end, its checksum verified; free with udy_free. UDY_ENOENT where
// there is none of that name, UDY_EFORMAT above max_bytes: whatever sizes the archive claims, no
// more than that is ever held.
int udy__archive_read(udy__archive *archive, const char *entry, size_t max_bytes, char **data,
                      size_t *n_bytes, udy_error *err) UDY_MUST_CHECK;

typedef struct udy__archive_part {
    const char *entry;
    const void *data;
    size_t n_bytes;
} udy__archive_part;
// A whole archive, stored without compression, the same bytes for the same parts (no dates), as
// udy_file_write.
int udy__archive_write(const char *path, const udy__archive_part *parts, size_t n_parts,
                       udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_ARCHIVE_H_
