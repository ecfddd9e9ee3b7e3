// The model hub: a file of a repository, from the cache where that is what the hub has, else by
// download; and the list of a repository's files. How a fetch goes: what is asked for
// (hub_names.c) -> what the hub says of it (hub_http.c, hub_answer.c) -> is it in the cache
// (hub_cache.c) -> the download (hub_download.c) -> a link in the cache's snapshot.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/hub_internal.h"

#define LISTING_BYTES_MAX ((size_t)16 << 20)
#define LOOKUP_RETRIES_MAX 2  // a person waits, and the cache may do
#define QUIET_S 1.0           // a lookup's progress is not worth a word before

udy_hub_config udy_hub_config_default(void) {
    return (udy_hub_config){.endpoint = "https://huggingface.co",
                            .user_agent = "understudy/" UDY_VERSION,
                            .lookup_timeout_s = 10,
                            .download_timeout_s = 10,
                            .retries = 5,
                            .retry_wait_s = 1,
                            .max_bytes = UINT64_C(2) << 30};
}

static int check_config(const udy_hub_config *config, udy_error *err) {
    if (!*config->cache)
        return udy_error_set(err, UDY_EINVAL, "no folder given for the hub's cache");
    if (config->lookup_timeout_s < 1 || config->download_timeout_s < 1)
        return udy_error_set(err, UDY_EINVAL, "hub time-outs of %d s and %d s, expected at least 1",
                             config->lookup_timeout_s, config->download_timeout_s);
    if (config->retries < 0 || !(config->retry_wait_s >= 0))
        return udy_error_set(err, UDY_EINVAL, "%d retries after %g s, expected none below zero",
                             config->retries, config->retry_wait_s);
    return UDY_OK;
}

//------------------------------------------ Asking ------------------------------------------------

// A question to the hub: a connection, and the answer's text where it has one.
typedef struct lookup {
    const udy_hub_config *config;
    const udy_hub_ref *ref;
    const udy_progress *progress;
    udy__hub_http *http;
    udy__hub_request request;
    udy__hub_answer answer;
    double began_s;
    udy__text text;
} lookup;

static int on_tick(void *ctx) {
    lookup *q = ctx;
    if (udy_clock_s() - q->began_s < QUIET_S) return 0;
    return udy_progress_advance(q->progress, "waiting for the hub",
                                (int64_t)(udy_clock_s() - q->began_s), q->request.timeout_s, "s",
                                "");
}

static int on_text(void *ctx, const udy__hub_head *head, const char *data, size_t n,
                   udy_error *err) {
    lookup *q = ctx;
    (void)head;
    if (n > LISTING_BYTES_MAX - q->text.n)
        return udy_error_set(err, UDY_EFORMAT, "%s: a list of files of more than %zu MB",
                             q->ref->repo, LISTING_BYTES_MAX >> 20);
    udy__text_add(&q->text, data, n);
    if (q->text.failed) return udy_error_set(err, UDY_ENOMEM, "out of memory for a list of files");
    return UDY_OK;
}

static int lookup_open(lookup **out, const udy_hub_config *config, const udy_hub_ref *ref,
                       const udy_progress *progress, udy_error *err) {
    lookup *q = *out = udy_alloc(sizeof *q);
    if (!q) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    q->config = config;
    q->ref = ref;
    q->progress = progress;
    q->request.tick = on_tick;
    q->request.ctx = q;
    return udy__hub_http_create(&q->http, config, err);
}

static void lookup_close(lookup *q) {
    if (!q) return;
    udy__hub_http_destroy(q->http);
    udy__text_drop(&q->text);
    udy_free(q);
}

// Is this answer to a HEAD one about a file: itself, or a redirect to its storage?
static bool answered(const lookup *q) {
    int status = q->answer.head.status;
    return status == 200 || (q->request.head && status >= 300 && status < 400);
}

static int ask(lookup *q, int retries, udy_error *err) {
    for (int attempt = 1;; attempt++) {
        q->began_s = udy_clock_s();
        udy__text_drop(&q->text);
        int code = udy__hub_http_perform(q->http, &q->request, &q->answer, err);
        if (!code && !answered(q)) code = udy__hub_status_error(&q->answer, q->config, q->ref, err);
        if (!code || !q->answer.transient || attempt > retries) return code;
        code = udy__hub_wait(q->config, &q->answer, attempt, q->progress, err);
        if (code) return code;
    }
}

static int lookup_retries(const udy_hub_config *config) {
    return config->retries < LOOKUP_RETRIES_MAX ? config->retries : LOOKUP_RETRIES_MAX;
}

//------------------------------------------ Fetching ----------------------------------------------

// What the cache has, asking nobody.
static int from_cache(udy_hub_file *out, const udy_hub_config *config, const udy_hub_ref *ref,
                      udy_error *err) {
    char commit[41];
    bool known = udy__hub_cached_commit(commit, config, ref);
    if (known && udy__hub_known_missing(config, ref, commit))
        return udy_error_set(err, UDY_ENOENT, "%s at %s has no file '%s'", ref->repo, ref->revision,
                             ref->file);
    int code = known ? udy__hub_cached_file(out, config, ref, commit, NULL, err) : UDY_ENOENT;
    if (code == UDY_EFORMAT)
        return udy_error_wrap(err, code, "damaged in the cache, and fetched again when online");
    if (code != UDY_ENOENT) return code;
    return udy_error_set(
        err, UDY_EIO, "%s at %s: '%s' is not in the cache %s, and the hub is not asked (offline)",
        ref->repo, ref->revision, ref->file, config->cache);
}

// The hub could not say; the cache may do, if it has the file at all. code: why it could not
static int make_do(udy_hub_file *out, const lookup *q, int code, udy_error *err) {
    const char *said = q->answer.head.error_code;
    if (code == UDY_EINTERRUPTED || code == UDY_EFORMAT || code == UDY_ENOMEM ||
        code == UDY_EINVAL || !strcmp(said, "EntryNotFound") || !strcmp(said, "RevisionNotFound"))
        return code;
    if (from_cache(out, q->config, q->ref, NULL)) return code;
    udy_progress_message(q->progress, "%s; what the cache has of %s (commit %.12s) is used",
                         err->message, q->ref->repo, out->commit);
    return UDY_OK;
}

// The snapshot's file, made of the blob if need be. UDY_ENOENT: neither is there and sound.
static int find_cached(udy_hub_file *out, const lookup *q, const udy__hub_meta *meta, bool last,
                       udy_error *err) {
    char blob[UDY_PATH_MAX];
    uint64_t n;
    udy_error ignored = {0};
    int code = udy__hub_cached_file(out, q->config, q->ref, meta->commit, meta->hash, &ignored);
    if (!code) return UDY_OK;
    code = udy__hub_repo_path(blob, q->config, q->ref, err, "blobs/%s", meta->hash);
    if (code) return code;
    if (!udy_file_exists(blob)) return UDY_ENOENT;
    if (udy__hub_check_content(blob, meta->hash, &n, &ignored)) {
        if (last) udy_progress_message(q->progress, "%s is damaged; fetched again", blob);
        return UDY_ENOENT;
    }
    code = udy__hub_link(q->config, q->ref, meta->commit, meta->hash, err);
    if (code) return code;
    return udy__hub_cached_file(out, q->config, q->ref, meta->commit, meta->hash, err);
}

static int fetch_locked(udy_hub_file *out, lookup *q, const udy__hub_meta *meta, udy_error *err) {
    int code = find_cached(out, q, meta, true, err);  // another program may have been at it
    if (code != UDY_ENOENT) return code;
    code =
        udy__hub_download(q->http, q->config, q->ref, meta, &out->n_transferred, q->progress, err);
    if (!code) code = udy__hub_link(q->config, q->ref, meta->commit, meta->hash, err);
    if (code) return code;
    return udy__hub_cached_file(out, q->config, q->ref, meta->commit, meta->hash, err);
}

static int fetch_online(udy_hub_file *out, lookup *q, udy_error *err) {
    udy__hub_meta meta;
    int code =
        udy__hub_file_url(q->request.url, q->config->endpoint, q->ref, q->ref->revision, err);
    if (code) return code;
    q->request.head = true;
    q->request.timeout_s = q->config->lookup_timeout_s;
    // Where the cache can do, a hub that is down is not waited for.
    bool cached = !from_cache(out, q->config, q->ref, NULL);
    code = ask(q, cached ? 0 : lookup_retries(q->config), err);
    if (code) {
        const udy__hub_head *head = &q->answer.head;
        if (!strcmp(head->error_code, "EntryNotFound") && udy__hub_is_commit(head->commit))
            udy__hub_remember_missing(q->config, q->ref, head->commit);
        return make_do(out, q, code, err);
    }
    code = udy__hub_meta_read(&meta, &q->answer.head, q->ref, q->config->max_bytes, q->request.url,
                              err);
    if (code) return code;
    code = find_cached(out, q, &meta, false, err);
    if (code == UDY_ENOENT) {
        int lock;
        code = udy__hub_lock(&lock, q->config, q->ref, meta.hash, q->progress, err);
        if (!code) code = fetch_locked(out, q, &meta, err);
        if (lock >= 0) close(lock);
    }
    if (!code) udy__hub_remember_ref(q->config, q->ref, meta.commit);
    return code;
}

int udy_hub_fetch(udy_hub_file *out, const udy_hub_config *config, const udy_hub_ref *ref,
                  const udy_progress *progress, udy_error *err) {
    udy_error own = {0};
    lookup *q = NULL;
    if (!err) err = &own;  // messages of progress quote it
    *out = (udy_hub_file){0};
    int code = check_config(config, err);
    if (!code) code = udy__hub_ref_check(ref, true, err);
    if (code) return code;
    if (config->offline) return from_cache(out, config, ref, err);
    // A commit's files never change.
    if (udy__hub_is_commit(ref->revision) && !from_cache(out, config, ref, NULL) && *out->hash)
        return UDY_OK;
    code = lookup_open(&q, config, ref, progress, err);
    if (!code) code = fetch_online(out, q, err);
    if (!code) *err = (udy_error){0};  // of attempts that were made good
    lookup_close(q);
    return code;
}

//------------------------------------------ Listing -----------------------------------------------

static int list_cached(udy_hub_listing *out, const udy_hub_config *config, const udy_hub_ref *ref,
                       udy_error *err) {
    char commit[41];
    if (udy__hub_cached_commit(commit, config, ref))
        return udy__hub_cached_list(out, config, ref, commit, err);
    return udy_error_set(err, UDY_EIO, "%s at %s is not in the cache %s", ref->repo, ref->revision,
                         config->cache);
}

static int list_online(udy_hub_listing *out, lookup *q, udy_error *err) {
    int code = udy__hub_list_url(q->request.url, q->config->endpoint, q->ref, err);
    if (code) return code;
    q->request.sink = on_text;
    q->request.timeout_s = 6 * q->config->lookup_timeout_s;
    udy_hub_listing cached = {0};
    bool have = !list_cached(&cached, q->config, q->ref, NULL);
    code = ask(q, have ? 0 : lookup_retries(q->config), err);
    if (!code)
        code =
            udy__hub_listing_read(out, q->text.p ? q->text.p : "", q->text.n, q->request.url, err);
    if (!code && udy__hub_is_commit(q->ref->revision) && strcmp(out->commit, q->ref->revision)) {
        code = udy_error_set(err, UDY_EFORMAT, "%s: asked for commit %s, the hub answered with %s",
                             q->ref->repo, q->ref->revision, out->commit);
        udy_hub_listing_free(out);
    }
    if (have && (code == UDY_EIO || code == UDY_EPERM)) {
        udy_progress_message(q->progress, "%s; what the cache has of %s is used", err->message,
                             q->ref->repo);
        *out = cached;
        return UDY_OK;
    }
    udy_hub_listing_free(&cached);
    return code;
}

int udy_hub_list(udy_hub_listing *out, const udy_hub_config *config, const udy_hub_ref *ref,
                 const udy_progress *progress, udy_error *err) {
    udy_error own = {0};
    lookup *q = NULL;
    if (!err) err = &own;
    *out = (udy_hub_listing){0};
    int code = check_config(config, err);
    if (!code) code = udy__hub_ref_check(ref, false, err);
    if (code) return code;
    if (config->offline) return list_cached(out, config, ref, err);
    code = lookup_open(&q, config, ref, progress, err);
    if (!code) code = list_online(out, q, err);
    if (!code) *err = (udy_error){0};
    lookup_close(q);
    return code;
}
