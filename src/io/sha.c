// Hashes of files by libcrypto: what a download is checked against (hub_download.c). The only file
// that sees it.
#include "io/sha.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/io_internal.h"

#define CHUNK ((size_t)1 << 16)

static int digest_file(EVP_MD_CTX *sha, const EVP_MD *algorithm, const char *prefix,
                       size_t n_prefix, int fd, uint64_t n_bytes, const char *path,
                       udy_error *err) {
    char chunk[CHUNK];
    bool fine = algorithm && EVP_DigestInit_ex(sha, algorithm, NULL) &&
                EVP_DigestUpdate(sha, prefix, n_prefix);
    for (uint64_t at = 0; fine && at < n_bytes;) {
        size_t n = n_bytes - at < CHUNK ? (size_t)(n_bytes - at) : CHUNK;
        int code = udy__file_read_at(fd, chunk, n, at, path, err);
        if (code) return code;
        fine = EVP_DigestUpdate(sha, chunk, n);
        at += n;
    }
    return fine ? UDY_OK
                : udy_error_set(err, UDY_EUNSUPPORTED, "%s: libcrypto cannot hash it", path);
}

int udy__sha_file(char out[UDY__SHA_DIGITS_MAX + 1], uint64_t *n_bytes, udy__sha_kind kind,
                  const char *path, udy_error *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char prefix[40] = "";
    int fd;
    out[0] = '\0';
    int code = udy__file_open(&fd, n_bytes, path, err);
    if (code) return code;
    size_t n_prefix = 0;
    if (kind == UDY__GIT_SHA1)  // its '\0' belongs to it
        n_prefix =
            1 + (size_t)snprintf(prefix, sizeof prefix, "blob %llu", (unsigned long long)*n_bytes);
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    code = sha ? digest_file(sha, kind == UDY__SHA256 ? EVP_sha256() : EVP_sha1(), prefix, n_prefix,
                             fd, *n_bytes, path, err)
               : udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    if (!code && !EVP_DigestFinal_ex(sha, digest, &length))
        code = udy_error_set(err, UDY_EUNSUPPORTED, "%s: libcrypto cannot hash it", path);
    for (unsigned i = 0; !code && i < length && 2 * i < UDY__SHA_DIGITS_MAX; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(sha);
    close(fd);
    return code;
}
