// hub_internal.h: what the files of the model hub share: names (hub_names.c), answers' headers and
// listings (hub_answer.c), the cache's folders (hub_cache.c), connections (hub_http.c). hub.c and
// hub_download.c put them together. None of it is seen by the rest of io.
#ifndef UNDERSTUDY_SRC_IO_HUB_INTERNAL_H_
#define UNDERSTUDY_SRC_IO_HUB_INTERNAL_H_

#include "base/text.h"
#include "understudy/io.h"

#define UDY__HUB_URL_MAX 8192  // signed addresses of storage are long
#define UDY__HUB_HASH_MAX 64

//------------------------------------------ Names -------------------------------------------------

// Text from outside as a message may show it.
const char *udy__hub_shown(char out[UDY__SHOW_MAX], const char *text);

// Exactly n lower-case hexadecimal digits?
bool udy__hub_is_hex(const char *text, size_t n);
bool udy__hub_is_commit(const char *text);
bool udy__hub_is_hash(const char *text);  // 40 or 64 digits

// NULL, or why a name may not become a path below the cache: "has a part '..'".
const char *udy__hub_file_fault(const char *file);
int udy__hub_ref_check(const udy_hub_ref *ref, bool file_needed, udy_error *err) UDY_MUST_CHECK;

// "<endpoint>/<repo>/resolve/<revision>/<file>" and "<endpoint>/api/models/<repo>/revision/<rev>",
// percent-encoded.
int udy__hub_file_url(char out[UDY__HUB_URL_MAX], const char *endpoint, const udy_hub_ref *ref,
                      const char *revision, udy_error *err) UDY_MUST_CHECK;
int udy__hub_list_url(char out[UDY__HUB_URL_MAX], const char *endpoint, const udy_hub_ref *ref,
                      udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Answers -----------------------------------------------

#define UDY__HUB_HEADER_BYTES_MAX ((size_t)64 << 10)

// What an answer's headers say, of what we ask for. "" and -1: not said.
typedef struct udy__hub_head {
    int status;
    char commit[72];                   // X-Repo-Commit
    char etag[160], linked_etag[160];  // ETag, X-Linked-Etag, as they came
    char location[UDY__HUB_URL_MAX];
    char encoding[32];                        // Content-Encoding
    char error_code[48], error_message[160];  // X-Error-Code, X-Error-Message
    int64_t length, linked_size;              // Content-Length, X-Linked-Size
    bool has_range;
    int64_t range_first, range_last, range_total;  // Content-Range; -1: '*'
    int64_t retry_after_s;
    size_t n_bytes;     // of all header lines of the request, those of interim answers included
    const char *fault;  // the header that is too long, unreadable, or there twice with two values
    bool body_began;    // what comes now are trailers, which count for nothing
} udy__hub_head;

void udy__hub_head_init(udy__hub_head *head);
// One line as it came, line end included. A status line starts over.
void udy__hub_head_line(udy__hub_head *head, const char *line, size_t n);

// What a file is, from the headers about it: commit, hash and size (-1: not said).
typedef struct udy__hub_meta {
    char commit[41];
    char hash[UDY__HUB_HASH_MAX + 1];
    int64_t n_bytes;
} udy__hub_meta;

// url: for messages
int udy__hub_meta_read(udy__hub_meta *out, const udy__hub_head *head, const udy_hub_ref *ref,
                       uint64_t max_bytes, const char *url, udy_error *err) UDY_MUST_CHECK;
// The API's answer about a repository: commit and names.
int udy__hub_listing_read(udy_hub_listing *out, const char *text, size_t n_bytes, const char *url,
                          udy_error *err) UDY_MUST_CHECK;
// The same from names in any order; takes copies.
int udy__hub_listing_make(udy_hub_listing *out, const char *commit, const char *const *names,
                          size_t n, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Connections -------------------------------------------

typedef struct udy__hub_http udy__hub_http;

// What an exchange is for. Calls of sink get the body of an answer with status 200 or 206.
typedef struct udy__hub_request {
    char url[UDY__HUB_URL_MAX];
    bool head;      // HEAD: no body; a redirect to storage that says what the file is ends it
    int timeout_s;  // for all of it; 0: only broken off where it stalls
    uint64_t from;  // ask for the bytes from here on
    const char *if_range;  // an ETag; told to the endpoint alone. Nullable
    // Nonzero: stop; err says why.
    int (*sink)(void *ctx, const udy__hub_head *head, const char *data, size_t n, udy_error *err);
    int (*tick)(void *ctx);  // a few times a second; nonzero: interrupted
    void *ctx;
} udy__hub_request;

typedef struct udy__hub_answer {
    udy__hub_head head;
    char host[256];  // who answered last
    bool away;       // not the endpoint
    bool transient;  // of a failure: it may go away by itself
} udy__hub_answer;

int udy__hub_http_create(udy__hub_http **out, const udy_hub_config *config, udy_error *err)
    UDY_MUST_CHECK;
void udy__hub_http_destroy(udy__hub_http *http);  // NULL is legal
// One request, through its redirects. UDY_OK: an answer came, whatever its status.
int udy__hub_http_perform(udy__hub_http *http, const udy__hub_request *request,
                          udy__hub_answer *answer, udy_error *err) UDY_MUST_CHECK;
// An answer's status as an error, in words; sets answer->transient.
int udy__hub_status_error(udy__hub_answer *answer, const udy_hub_config *config,
                          const udy_hub_ref *ref, udy_error *err);
// Wait before attempt number `attempt` (from 1) after answer; UDY_EINTERRUPTED.
int udy__hub_wait(const udy_hub_config *config, const udy__hub_answer *answer, int attempt,
                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Cache -------------------------------------------------

// The commit that the cache knows ref's revision by.
bool udy__hub_cached_commit(char commit[41], const udy_hub_config *config, const udy_hub_ref *ref);
// models--OWNER--REPO/<rest...>
int udy__hub_repo_path(char out[UDY_PATH_MAX], const udy_hub_config *config, const udy_hub_ref *ref,
                       udy_error *err, const char *format, ...) UDY_MUST_CHECK UDY_PRINTF(5, 6);
// UDY_OK where the snapshot has the file, sound as far as that can be told; fills out but for
// n_transferred. UDY_ENOENT: it is not there. UDY_EFORMAT: it is damaged. hash: what it must be;
// Nullable (then what the snapshot's link says)
int udy__hub_cached_file(udy_hub_file *out, const udy_hub_config *config, const udy_hub_ref *ref,
                         const char *commit, const char *hash, udy_error *err) UDY_MUST_CHECK;
// Does the content of path have this hash? UDY_EFORMAT where not.
int udy__hub_check_content(const char *path, const char *hash, uint64_t *n_bytes, udy_error *err)
    UDY_MUST_CHECK;
// Remember that the repository's revision is this commit, and that a commit lacks a file. Best
// effort: the cache may be read-only.
void udy__hub_remember_ref(const udy_hub_config *config, const udy_hub_ref *ref,
                           const char *commit);
void udy__hub_remember_missing(const udy_hub_config *config, const udy_hub_ref *ref,
                               const char *commit);
bool udy__hub_known_missing(const udy_hub_config *config, const udy_hub_ref *ref,
                            const char *commit);
// Let the snapshot's file point to the blob of this hash.
int udy__hub_link(const udy_hub_config *config, const udy_hub_ref *ref, const char *commit,
                  const char *hash, udy_error *err) UDY_MUST_CHECK;
// One download of a blob at a time, among processes, Python's included. Close *fd to let go.
int udy__hub_lock(int *fd, const udy_hub_config *config, const udy_hub_ref *ref, const char *hash,
                  const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;
int udy__hub_cached_list(udy_hub_listing *out, const udy_hub_config *config, const udy_hub_ref *ref,
                         const char *commit, udy_error *err) UDY_MUST_CHECK;

//------------------------------------------ Download ----------------------------------------------

// Fetch what meta says into blobs/<hash>, going on with what an earlier attempt left. The lock is
// the caller's.
int udy__hub_download(udy__hub_http *http, const udy_hub_config *config, const udy_hub_ref *ref,
                      const udy__hub_meta *meta, uint64_t *n_transferred,
                      const udy_progress *progress, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_IO_HUB_INTERNAL_H_
