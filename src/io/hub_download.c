// One file's download into the cache's blobs: gone on with after interruptions, held against the
// size and hash that the hub announced, and moved into place only when they agree.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/hub_internal.h"

#define ATTEMPTS_MAX 100  // in all, however much each of them brings
#define TICK_S 0.05       // between calls of progress

typedef struct download {
    const udy_hub_config *config;
    const udy_hub_ref *ref;
    const udy__hub_meta *meta;
    const udy_progress *progress;
    char part[UDY_PATH_MAX], blob[UDY_PATH_MAX];  // <blob>.incomplete
    char stage[64], name[UDY__SHOW_MAX];
    int fd;
    uint64_t at;             // bytes of the file that are there
    uint64_t n_transferred;  // over the network
    bool kept_part;          // some were there before
    double ticked_s;
} download;

// What is announced; else the most that is taken.
static uint64_t size_limit(const download *d) {
    return d->meta->n_bytes >= 0 ? (uint64_t)d->meta->n_bytes : d->config->max_bytes;
}

//------------------------------------------ Bytes -------------------------------------------------

static int write_at(download *d, const char *data, size_t n, udy_error *err) {
    while (n > 0) {
        ssize_t written = pwrite(d->fd, data, n, (off_t)d->at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
            return udy_error_set_errno(err, errno,
                                       "%s: %" PRIu64
                                       " bytes of %s are kept there for the next "
                                       "attempt",
                                       d->part, d->at, d->name);
        data += written;
        n -= (size_t)written;
        d->at += (uint64_t)written;
        d->n_transferred += (uint64_t)written;
    }
    return UDY_OK;
}

static int start_over(download *d, udy_error *err) {
    d->at = 0;
    if (ftruncate(d->fd, 0) == 0) return UDY_OK;
    return udy_error_set_errno(err, errno, "%s: cannot empty it", d->part);
}

// The first bytes of an answer: are they the ones that were asked for?
static int check_answer(download *d, const udy__hub_head *head, udy_error *err) {
    if (*head->encoding && strcmp(head->encoding, "identity"))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s comes with encoding '%.20s', though none was asked for", d->name,
                             head->encoding);
    if (head->status == 200 && d->at > 0) {
        int code = start_over(d, err);  // it does not know ranges, or the file is another by now
        if (code) return code;
    }
    int64_t size = d->meta->n_bytes;
    bool fits = true;
    if (head->status == 206)
        fits = head->has_range && head->range_first == (int64_t)d->at &&
               (size < 0 || head->range_total < 0 || head->range_total == size);
    else if (head->length >= 0 && size >= 0)
        fits = head->length == size;
    if (fits) return UDY_OK;
    return udy_error_set(err, UDY_EFORMAT,
                         "%s: %" PRId64 " bytes were announced, of which those from %" PRIu64
                         " on were to come; the answer is about others",
                         d->name, size, d->at);
}

static int on_data(void *ctx, const udy__hub_head *head, const char *data, size_t n,
                   udy_error *err) {
    download *d = ctx;
    (void)head;
    if (n > size_limit(d) - d->at)
        return udy_error_set(err, UDY_EFORMAT, "%s: more than the %" PRIu64 " bytes %s", d->name,
                             size_limit(d),
                             d->meta->n_bytes >= 0 ? "announced" : "that a policy may have");
    return write_at(d, data, n, err);
}

// The sink of one attempt: its first piece is looked at before anything is written.
typedef struct attempt {
    download *d;
    bool checked;
} attempt;

static int on_piece(void *ctx, const udy__hub_head *head, const char *data, size_t n,
                    udy_error *err) {
    attempt *a = ctx;
    if (!a->checked) {
        int code = check_answer(a->d, head, err);
        if (code) return code;
        a->checked = true;
    }
    return on_data(a->d, head, data, n, err);
}

static int on_tick(void *ctx) {
    download *d = ((attempt *)ctx)->d;
    double now = udy_clock_s();
    if (now - d->ticked_s < TICK_S) return 0;
    d->ticked_s = now;
    return udy_progress_advance(d->progress, d->stage, (int64_t)(d->at / 1000),
                                d->meta->n_bytes >= 0 ? (d->meta->n_bytes + 999) / 1000 : 0, "kB",
                                "");
}

//------------------------------------------ Attempts ----------------------------------------------

// One request for what is missing. UDY_OK: the answer ended as it should.
static int attempt_once(download *d, udy__hub_http *http, udy__hub_request *request,
                        udy__hub_answer *answer, udy_error *err) {
    char etag[UDY__HUB_HASH_MAX + 3];
    attempt a = {.d = d};
    snprintf(etag, sizeof etag, "\"%s\"", d->meta->hash);
    request->from = d->at;
    request->if_range = etag;
    request->sink = on_piece;
    request->tick = on_tick;
    request->ctx = &a;
    int code = udy__hub_http_perform(http, request, answer, err);
    if (code) return code;
    if (answer->head.status == 416 &&
        d->at > 0) {  // there is no such range: what is kept is not of it
        answer->transient = true;
        code = start_over(d, err);
        return code ? code
                    : udy_error_set(err, UDY_EIO,
                                    "%s: the rest cannot be had; all of it is fetched", d->name);
    }
    if (answer->head.status != 200 && answer->head.status != 206)
        return udy__hub_status_error(answer, d->config, d->ref, err);
    if (!a.checked) code = check_answer(d, &answer->head, err);  // an empty body
    if (code) return code;
    if (d->meta->n_bytes >= 0 && d->at < (uint64_t)d->meta->n_bytes) {
        answer->transient = true;
        return udy_error_set(err, UDY_EIO, "%s: the connection ended early", answer->host);
    }
    return UDY_OK;
}

static bool worth_another(const download *d, int code, const udy__hub_answer *answer, int fruitless,
                          int attempts) {
    return code == UDY_EIO && answer->transient && fruitless <= d->config->retries &&
           attempts < ATTEMPTS_MAX;
}

// Attempts until all bytes are there.
static int transfer(download *d, udy__hub_http *http, udy_error *err) {
    udy__hub_request *request = udy_alloc(sizeof *request);
    udy__hub_answer *answer = udy_alloc(sizeof *answer);
    int code = request && answer ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "out of memory");
    // By commit: what is fetched is what was asked about, even if the branch moves on meanwhile.
    if (!code)
        code = udy__hub_file_url(request->url, d->config->endpoint, d->ref, d->meta->commit, err);
    for (int attempts = 1, fruitless = 0; !code; attempts++) {
        uint64_t before = d->at;
        double began_s = udy_clock_s();
        code = attempt_once(d, http, request, answer, err);
        if (!code) break;
        // A trickle that was broken off brings bytes each time, and never gets there.
        bool slow = udy_clock_s() - began_s >= d->config->download_timeout_s &&
                    (double)(d->at - before) / (udy_clock_s() - began_s) < 1024;
        fruitless = d->at > before && !slow ? 1 : fruitless + 1;
        if (!worth_another(d, code, answer, fruitless, attempts)) break;
        udy_progress_message(d->progress, "%s; trying again from %" PRIu64 " kB", err->message,
                             d->at / 1000);
        code = udy__hub_wait(d->config, answer, fruitless, d->progress, err);
    }
    udy_free(answer);
    udy_free(request);
    return code;
}

//------------------------------------------ Before and after --------------------------------------

static int check_room(const download *d, udy_error *err) {
    struct statvfs disk;
    if (d->meta->n_bytes < 0 || statvfs(d->part, &disk) != 0) return UDY_OK;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t needed = (uint64_t)d->meta->n_bytes - d->at;
    if (room >= needed) return UDY_OK;
    return udy_error_set(err, UDY_ENOSPC,
                         "%s: %" PRIu64 " kB are needed and %" PRIu64
                         " kB free; make room, or put the cache elsewhere (HF_HUB_CACHE)",
                         d->part, needed / 1000 + 1, room / 1000);
}

static int open_part(download *d, udy_error *err) {
    int code = udy__hub_repo_path(d->blob, d->config, d->ref, err, "blobs/%s", d->meta->hash);
    if (!code) code = udy_path_format(d->part, err, "%s.incomplete", d->blob);
    char dir[UDY_PATH_MAX];
    if (!code) code = udy__hub_repo_path(dir, d->config, d->ref, err, "blobs");
    if (!code) code = udy_dir_make(dir, err);
    if (code) return code;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (d->fd < 0) return udy_error_set_errno(err, errno, "%s: cannot write it", d->part);
    struct stat st;
    if (fstat(d->fd, &st) != 0) return udy_error_set_errno(err, errno, "%s", d->part);
    d->at = (uint64_t)st.st_size;
    if (d->at > size_limit(d)) code = start_over(d, err);
    d->kept_part = d->at > 0;
    return code;
}

// All bytes are there: into the cache with them, if they are the right ones.
static int settle(download *d, udy_error *err) {
    uint64_t n;
    if (fsync(d->fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        return udy_error_set_errno(err, errno, "%s", d->part);
    int code = udy__hub_check_content(d->part, d->meta->hash, &n, err);
    if (code == UDY_EFORMAT)
        udy_error_wrap(err, code, "%s is not what the hub announced, and is not kept", d->name);
    if (code) return code;
    if (rename(d->part, d->blob) != 0)
        return udy_error_set_errno(err, errno, "%s: cannot become %s", d->part, d->blob);
    return UDY_OK;
}

static int fetch_and_settle(download *d, udy__hub_http *http, udy_error *err) {
    for (;;) {
        int code = UDY_OK;
        bool all_there = d->meta->n_bytes > 0 && d->at == (uint64_t)d->meta->n_bytes;
        if (!all_there) code = transfer(d, http, err);
        if (!code) code = settle(d, err);
        // What an earlier attempt left may have been of something else, or have holes.
        if (code != UDY_EFORMAT || !d->kept_part) return code;
        udy_progress_message(d->progress, "%s: what an earlier download left is of no use; anew",
                             d->name);
        d->kept_part = false;
        code = start_over(d, err);
        if (code) return code;
    }
}

int udy__hub_download(udy__hub_http *http, const udy_hub_config *config, const udy_hub_ref *ref,
                      const udy__hub_meta *meta, uint64_t *n_transferred,
                      const udy_progress *progress, udy_error *err) {
    udy_error own = {0};
    download *d = udy_alloc(sizeof *d);
    if (!d) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    if (!err) err = &own;  // messages of progress quote it
    *d = (download){.config = config, .ref = ref, .meta = meta, .progress = progress, .fd = -1};
    const char *slash = strrchr(ref->file, '/');
    udy__hub_shown(d->name, ref->file);
    char stage[UDY__SHOW_MAX];
    snprintf(d->stage, sizeof d->stage, "%.60s",
             udy__hub_shown(stage, slash ? slash + 1 : ref->file));
    int code = open_part(d, err);
    if (!code) code = check_room(d, err);
    if (!code) code = fetch_and_settle(d, http, err);
    if (code == UDY_EFORMAT) unlink(d->part);  // a lie, and nothing to go on with
    if (code == UDY_EINTERRUPTED)
        udy_error_set(err, code, "interrupted with %" PRIu64 " kB of %s kept in %s", d->at / 1000,
                      d->name, d->part);
    // An empty file says nothing to whoever goes on.
    if (code && d->fd >= 0 && d->at == 0) unlink(d->part);
    if (!code)
        udy_progress_advance(progress, d->stage, (int64_t)((d->at + 999) / 1000),
                             (int64_t)((d->at + 999) / 1000), "kB", "");
    *n_transferred = d->n_transferred;
    if (d->fd >= 0) close(d->fd);
    udy_free(d);
    return code;
}
