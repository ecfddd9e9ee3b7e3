// sha.h: the hashes by which content is known: SHA-256, and git's of a file. The door to libcrypto.
#ifndef UNDERSTUDY_SRC_IO_SHA_H_
#define UNDERSTUDY_SRC_IO_SHA_H_

#include "understudy/io.h"

#define UDY__SHA_DIGITS_MAX 64

typedef enum {
    UDY__SHA256,    // 64 digits
    UDY__GIT_SHA1,  // 40: git's name of a file, SHA-1 of "blob <size>\0" and the content
} udy__sha_kind;

// The hash of a regular file in lower-case digits, and its size.
int udy__sha_file(char out[UDY__SHA_DIGITS_MAX + 1], uint64_t *n_bytes, udy__sha_kind kind,
                  const char *path, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_IO_SHA_H_
