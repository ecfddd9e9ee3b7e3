// The cache that is shared with Python's huggingface_hub: blobs/<hash>, snapshots/<commit>/<file>
// (links to blobs), refs/<revision> (a commit), .no_exist/<commit>/<file>, and locks. Names come in
// checked (hub_names.c, hub_answer.c).
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/hub_internal.h"
#include "io/sha.h"

#define DEPTH_MAX 16  // of folders; three paths on the stack each
#define SAY_WAITING_S 5.0

//------------------------------------------ Paths -------------------------------------------------

// <cache>/[<below>/]models--OWNER--REPO
static int repo_dir(char out[UDY_PATH_MAX], const udy_hub_config *config, const udy_hub_ref *ref,
                    const char *below, udy_error *err) {
    const char *slash = strchr(ref->repo, '/');
    return udy_path_format(out, err, "%s/%smodels--%.*s--%s", config->cache, below,
                           (int)(slash - ref->repo), ref->repo, slash + 1);
}

int udy__hub_repo_path(char out[UDY_PATH_MAX], const udy_hub_config *config, const udy_hub_ref *ref,
                       udy_error *err, const char *format, ...) {
    char dir[UDY_PATH_MAX], rest[UDY_PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(rest, sizeof rest, format, args);  // its parts are bounded: commit, file, revision
    va_end(args);
    int code = repo_dir(dir, config, ref, "", err);
    return code ? code : udy_path_format(out, err, "%s/%s", dir, rest);
}

// Make the folder that path lies in.
static int make_parent(const char *path, udy_error *err) {
    char dir[UDY_PATH_MAX];
    int code = udy_path_format(dir, err, "%.*s", (int)(strrchr(path, '/') - path), path);
    return code ? code : udy_dir_make(dir, err);
}

//------------------------------------------ Revisions ---------------------------------------------

static bool read_ref(char commit[41], const udy_hub_config *config, const udy_hub_ref *ref) {
    char path[UDY_PATH_MAX], *text = NULL;
    size_t n;
    if (udy__hub_repo_path(path, config, ref, NULL, "refs/%s", ref->revision) ||
        udy_file_read(&text, &n, path, 256, NULL))
        return false;
    text[strcspn(text, " \r\n")] = '\0';
    bool fine = udy__hub_is_commit(text);
    if (fine) memcpy(commit, text, 41);
    udy_free(text);
    return fine;
}

bool udy__hub_cached_commit(char commit[41], const udy_hub_config *config, const udy_hub_ref *ref) {
    if (!udy__hub_is_commit(ref->revision)) return read_ref(commit, config, ref);
    memcpy(commit, ref->revision, 41);
    return true;
}

// Python's marks a cache so that backups leave it out; the standard's own sentence.
static void tag_cache(const char *cache) {
    static const char text[] =
        "Signature: 8a477f597d28d172789f06886806bc55\n"
        "# This file is a cache directory tag created by huggingface_hub.\n"
        "# For information about cache directory tags, see:\n"
        "#\thttps://bford.info/cachedir/\n";
    char path[UDY_PATH_MAX];
    if (udy_path_format(path, NULL, "%s/CACHEDIR.TAG", cache) || udy_file_exists(path)) return;
    udy_error ignored;
    if (udy_file_write(path, text, sizeof text - 1, &ignored)) return;
}

void udy__hub_remember_ref(const udy_hub_config *config, const udy_hub_ref *ref,
                           const char *commit) {
    char path[UDY_PATH_MAX], known[41];
    if (udy__hub_is_commit(ref->revision)) return;
    if (read_ref(known, config, ref) && !strcmp(known, commit)) return;
    udy_error ignored;
    if (udy__hub_repo_path(path, config, ref, NULL, "refs/%s", ref->revision) ||
        make_parent(path, &ignored) || udy_file_write(path, commit, strlen(commit), &ignored))
        return;
    tag_cache(config->cache);
}

void udy__hub_remember_missing(const udy_hub_config *config, const udy_hub_ref *ref,
                               const char *commit) {
    char path[UDY_PATH_MAX];
    udy_error ignored;
    if (udy__hub_repo_path(path, config, ref, NULL, ".no_exist/%s/%s", commit, ref->file) ||
        udy_file_exists(path) || make_parent(path, &ignored) ||
        udy_file_write(path, "", 0, &ignored))
        return;
    udy__hub_remember_ref(config, ref, commit);
}

bool udy__hub_known_missing(const udy_hub_config *config, const udy_hub_ref *ref,
                            const char *commit) {
    char path[UDY_PATH_MAX];
    return !udy__hub_repo_path(path, config, ref, NULL, ".no_exist/%s/%s", commit, ref->file) &&
           udy_file_exists(path);
}

//------------------------------------------ Files -------------------------------------------------

int udy__hub_check_content(const char *path, const char *hash, uint64_t *n_bytes, udy_error *err) {
    char found[UDY__SHA_DIGITS_MAX + 1];
    udy__sha_kind kind = strlen(hash) == 64 ? UDY__SHA256 : UDY__GIT_SHA1;
    int code = udy__sha_file(found, n_bytes, kind, path, err);
    if (code || !strcmp(found, hash)) return code;
    return udy_error_set(err, UDY_EFORMAT, "%s: its %s is %s, expected %s", path,
                         kind == UDY__SHA256 ? "SHA-256" : "git SHA-1", found, hash);
}

// The blob that a snapshot's link names; "" where it is no link to one.
static void linked_hash(char out[UDY__HUB_HASH_MAX + 1], const char *path) {
    char target[UDY_PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    out[0] = '\0';
    if (n <= 0) return;
    target[n] = '\0';
    const char *slash = strrchr(target, '/');
    if (slash && udy__hub_is_hash(slash + 1)) strcpy(out, slash + 1);
}

int udy__hub_cached_file(udy_hub_file *out, const udy_hub_config *config, const udy_hub_ref *ref,
                         const char *commit, const char *hash, udy_error *err) {
    char said[UDY__HUB_HASH_MAX + 1];
    int code =
        udy__hub_repo_path(out->path, config, ref, err, "snapshots/%s/%s", commit, ref->file);
    if (code) return code;
    struct stat st;
    if (stat(out->path, &st) != 0 || !S_ISREG(st.st_mode))
        return udy_error_set(err, UDY_ENOENT, "%s: not in the cache", out->path);
    if (!hash) {
        linked_hash(said, out->path);
        hash = said;
    }
    memcpy(out->commit, commit, sizeof out->commit);
    snprintf(out->hash, sizeof out->hash, "%s", hash);
    out->n_bytes = (uint64_t)st.st_size;
    return *hash ? udy__hub_check_content(out->path, hash, &out->n_bytes, err) : UDY_OK;
}

static atomic_uint link_count;

int udy__hub_link(const udy_hub_config *config, const udy_hub_ref *ref, const char *commit,
                  const char *hash, udy_error *err) {
    char path[UDY_PATH_MAX], temporary[UDY_PATH_MAX], target[UDY_PATH_MAX] = "../../";
    int code = udy__hub_repo_path(path, config, ref, err, "snapshots/%s/%s", commit, ref->file);
    if (!code) code = make_parent(path, err);
    if (!code)
        code = udy_path_format(temporary, err, "%.*s/.udy-link-%ld-%u",
                               (int)(strrchr(path, '/') - path), path, (long)getpid(),
                               atomic_fetch_add(&link_count, 1));
    if (code) return code;
    size_t n = strlen(target);  // file has 1024 bytes at most, so 512 steps up
    for (const char *c = ref->file; *c; c++)
        if (*c == '/') n += (size_t)snprintf(target + n, sizeof target - n, "../");
    snprintf(target + n, sizeof target - n, "blobs/%s", hash);
    unlink(temporary);
    if (symlink(target, temporary) != 0 || rename(temporary, path) != 0) {
        int fault = errno;
        unlink(temporary);
        return udy_error_set_errno(err, fault, "%s: cannot make this link to its blob", path);
    }
    return UDY_OK;
}

//------------------------------------------ Locks -------------------------------------------------

// Lock the file at path unless somebody has it. *fd stays -1 then.
static int try_lock(int *fd, const char *path, udy_error *err) {
    struct stat mine, there;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (*fd < 0) return udy_error_set_errno(err, errno, "%s: cannot make this lock", path);
    int fault = flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    // Some file systems have no locks. What a download writes is right all the same: both write the
    // same bytes to the same places.
    if (fault == ENOSYS || fault == ENOTSUP || fault == ENOLCK) return UDY_OK;
    // A lock file that somebody removed meanwhile locks nobody out.
    bool gone = !fault && (fstat(*fd, &mine) || stat(path, &there) || mine.st_ino != there.st_ino);
    if (!fault && !gone) return UDY_OK;
    close(*fd);
    *fd = -1;
    if (!fault || fault == EWOULDBLOCK || fault == EACCES || fault == EINTR) return UDY_OK;
    return udy_error_set_errno(err, fault, "%s: cannot lock it", path);
}

int udy__hub_lock(int *fd, const udy_hub_config *config, const udy_hub_ref *ref, const char *hash,
                  const udy_progress *progress, udy_error *err) {
    char dir[UDY_PATH_MAX], path[UDY_PATH_MAX];
    int code = repo_dir(dir, config, ref, ".locks/", err);
    *fd = -1;
    if (!code) code = udy_path_format(path, err, "%s/%s.lock", dir, hash);
    if (!code) code = udy_dir_make(dir, err);
    double began_s = udy_clock_s();
    for (bool said = false; !code;) {
        code = try_lock(fd, path, err);
        if (code || *fd >= 0) break;
        if (!said && udy_clock_s() - began_s > SAY_WAITING_S) {
            said = true;
            udy_progress_message(progress, "another program is fetching %s; waiting for it",
                                 ref->file);
        }
        if (udy_progress_advance(progress, "waiting for another download",
                                 (int64_t)(udy_clock_s() - began_s), 0, "s", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "interrupted while waiting for %s", path);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return code;
}

//------------------------------------------ What is there -----------------------------------------

typedef struct found_names {
    char **name;  // [n], each a block
    size_t n, capacity;
} found_names;

static bool add_found(found_names *found, const char *name) {
    if (found->n == found->capacity) {
        size_t capacity = 2 * found->capacity + 16;
        char **names = udy_alloc(capacity * sizeof *names);
        if (!names) return false;
        if (found->n) memcpy(names, found->name, found->n * sizeof *names);
        udy_free(found->name);
        found->name = names;
        found->capacity = capacity;
    }
    found->name[found->n] = udy_strdup(name);
    return found->name[found->n] && ++found->n;
}

// Files below root/dir ("" or ending with a slash), as names from root.
static int walk(found_names *found, const char *root, const char *dir, int depth, udy_error *err) {
    char path[UDY_PATH_MAX], name[UDY_PATH_MAX], **entries = NULL;
    size_t n = 0;
    int code = udy_path_format(path, err, "%s/%s", root, dir);
    if (!code) code = udy_dir_list(&entries, &n, path, "", err);
    for (size_t i = 0; i < n && !code; i++) {
        code = udy_path_format(path, err, "%s/%s%s", root, dir, entries[i]);
        bool deeper = !code && udy_dir_exists(path);
        if (!code) code = udy_path_format(name, err, "%s%s%s", dir, entries[i], deeper ? "/" : "");
        if (code) break;
        if (deeper && depth < DEPTH_MAX) code = walk(found, root, name, depth + 1, err);
        if (!deeper && udy_file_exists(path) && !udy__hub_file_fault(name) &&
            !add_found(found, name))
            code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory for its names", root);
    }
    udy_free(entries);
    return code;
}

int udy__hub_cached_list(udy_hub_listing *out, const udy_hub_config *config, const udy_hub_ref *ref,
                         const char *commit, udy_error *err) {
    char path[UDY_PATH_MAX];
    found_names found = {0};
    *out = (udy_hub_listing){0};
    int code = udy__hub_repo_path(path, config, ref, err, "snapshots/%s", commit);
    if (code) return code;
    if (!udy_dir_exists(path))
        return udy_error_set(err, UDY_EIO, "%s at %s is not in the cache %s", ref->repo,
                             ref->revision, config->cache);
    code = walk(&found, path, "", 0, err);
    if (!code)
        code = udy__hub_listing_make(out, commit, (const char *const *)found.name, found.n, err);
    for (size_t i = 0; i < found.n; i++) udy_free(found.name[i]);
    udy_free(found.name);
    return code;
}
