// Names of the model hub: hf://OWNER/REPO[@REVISION][/FILE] read and checked before any part of it
// becomes a path below the cache or part of an address.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/hub_internal.h"

#define REPO_PART_MAX 96
#define FILE_PART_MAX 255
#define FORM "hf://OWNER/REPO[@REVISION][/FILE]"

const char *udy__hub_shown(char out[UDY__SHOW_MAX], const char *text) {
    return udy__text_show(out, text, strlen(text));
}

//------------------------------------------ Checks ------------------------------------------------

bool udy__hub_is_hex(const char *text, size_t n) {
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

bool udy__hub_is_commit(const char *text) {
    return udy__hub_is_hex(text, 40);
}

bool udy__hub_is_hash(const char *text) {
    return udy__hub_is_hex(text, 64) || udy__hub_is_hex(text, 40);
}

const char *udy__hub_file_fault(const char *file) {
    if (!*file) return "is empty";
    if (strlen(file) >= sizeof((udy_hub_ref *)0)->file) return "is too long";
    for (const char *c = file; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '\\')
            return "has a control character or a backslash";
    for (const char *part = file;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0) return "has an empty part between slashes";
        if (n > FILE_PART_MAX) return "has a part of more than 255 bytes";
        if (n <= 2 && strspn(part, ".") >= n) return "has a part '.' or '..'";
        part += n;
        if (!*part) return NULL;
    }
}

static const char *repo_part_fault(const char *part, size_t n) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (n == 0) return "has an empty part";
    if (n > REPO_PART_MAX) return "has a part of more than 96 characters";
    if (strspn(part, allowed) < n) return "may have letters, digits, '-', '_' and '.' only";
    if (strchr("-.", part[0]) || strchr("-.", part[n - 1]))
        return "has a part that starts or ends with '-' or '.'";
    return NULL;
}

// As huggingface_hub has it: what it refuses could be another repository's folder in the cache.
static const char *repo_fault(const char *repo) {
    size_t owner = strcspn(repo, "/"), n = strlen(repo);
    if (!repo[owner]) return "is not of the form OWNER/REPO";
    const char *fault = repo_part_fault(repo, owner);
    if (!fault) fault = repo_part_fault(repo + owner + 1, n - owner - 1);
    if (!fault && (strstr(repo, "--") || strstr(repo, ".."))) fault = "has '--' or '..'";
    if (!fault && n >= 4 && !strcmp(repo + n - 4, ".git")) fault = "ends with '.git'";
    return fault;
}

static const char *revision_fault(const char *revision) {
    const char *fault = udy__hub_file_fault(revision);
    if (!fault && strpbrk(revision, " ~^:?*[")) fault = "has a character that git does not allow";
    if (!fault && strstr(revision, "..")) fault = "has '..'";
    return fault;
}

int udy__hub_ref_check(const udy_hub_ref *ref, bool file_needed, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    const char *fault = repo_fault(ref->repo);
    if (fault)
        return udy_error_set(err, UDY_EINVAL, "repository '%s' %s",
                             udy__hub_shown(shown, ref->repo), fault);
    fault = revision_fault(ref->revision);
    if (fault)
        return udy_error_set(err, UDY_EINVAL, "%s: revision '%s' %s", ref->repo,
                             udy__hub_shown(shown, ref->revision), fault);
    fault = *ref->file || file_needed ? udy__hub_file_fault(ref->file) : NULL;
    if (fault)
        return udy_error_set(err, UDY_EINVAL, "%s: file name '%s' %s", ref->repo,
                             udy__hub_shown(shown, ref->file), fault);
    return UDY_OK;
}

//------------------------------------------ hf://... ----------------------------------------------

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Copy n bytes of text with %2F and the like undone; false where they do not fit.
static bool copy_decoded(char *out, size_t size, const char *text, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        int high = text[i] == '%' && i + 2 < n ? digit_of(text[i + 1]) : -1;
        int low = high >= 0 ? digit_of(text[i + 2]) : -1;
        if (to + 1 >= size) return false;
        if (low < 0) {
            out[to++] = text[i];
            continue;
        }
        if (high == 0 && low == 0) return false;  // a '\0' would cut it
        out[to++] = (char)(high * 16 + low);
        i += 2;
    }
    out[to] = '\0';
    return true;
}

static bool copy_plain(char *out, size_t size, const char *text, size_t n) {
    if (n >= size) return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

// Bytes of the revision at text: refs/pr/N and refs/convert/NAME have slashes of their own.
static size_t revision_length(const char *text) {
    static const char *const special[] = {"refs/pr/", "refs/convert/"};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(special[i]);
        if (!strncmp(text, special[i], n)) return n + strcspn(text + n, "/");
    }
    return strcspn(text, "/");
}

static int refuse(udy_error *err, const char *text, const char *why) {
    char shown[UDY__SHOW_MAX];
    return udy_error_set(err, UDY_EINVAL, "'%s' %s; expected " FORM, udy__hub_shown(shown, text),
                         why);
}

// "models/" may be said; other kinds of repository hold no policies.
static const char *skip_kind(const char *body, const char **fault) {
    static const char *const others[] = {"datasets/", "spaces/", "kernels/", "buckets/"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strncmp(body, others[i], strlen(others[i]))) *fault = "is not a repository of models";
    return strncmp(body, "models/", 7) ? body : body + 7;
}

int udy_hub_ref_parse(udy_hub_ref *out, const char *text, udy_error *err) {
    *out = (udy_hub_ref){.revision = "main"};
    if (!text || strncmp(text, "hf://", 5)) return refuse(err, text ? text : "", "is no hub name");
    const char *fault = NULL, *body = skip_kind(text + 5, &fault);
    if (fault) return refuse(err, text, fault);
    size_t owner = strcspn(body, "/@");
    if (body[owner] != '/') return refuse(err, text, "has no OWNER/REPO");
    size_t repo = owner + 1 + strcspn(body + owner + 1, "/@");
    const char *rest = body + repo;
    bool fits = copy_plain(out->repo, sizeof out->repo, body, repo);
    if (fits && *rest == '@') {
        size_t n = revision_length(++rest);
        fits = copy_decoded(out->revision, sizeof out->revision, rest, n);
        rest += n;
    }
    if (fits && *rest == '/' && rest[1])
        fits = copy_plain(out->file, sizeof out->file, rest + 1, strlen(rest + 1));
    if (!fits) return refuse(err, text, "has a part that is too long or badly encoded");
    return udy__hub_ref_check(out, false, err);
}

//------------------------------------------ Addresses ---------------------------------------------

// Append text, percent-encoded but for unreserved characters and those of `keep`.
static bool append_encoded(char out[UDY__HUB_URL_MAX], const char *text, const char *keep) {
    size_t n = strlen(out);
    for (const char *c = text; *c; c++) {
        bool plain = isalnum((unsigned char)*c) || strchr("-_.~", *c) || strchr(keep, *c);
        if (n + 4 > UDY__HUB_URL_MAX) return false;
        n += (size_t)snprintf(out + n, 4, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    return true;
}

static bool append(char out[UDY__HUB_URL_MAX], const char *text) {
    size_t n = strlen(out), k = strlen(text);
    if (n + k >= UDY__HUB_URL_MAX) return false;
    memcpy(out + n, text, k + 1);
    return true;
}

static bool start_url(char out[UDY__HUB_URL_MAX], const char *endpoint) {
    out[0] = '\0';
    if (!append(out, endpoint)) return false;
    for (size_t n = strlen(out); n > 0 && out[n - 1] == '/'; n--) out[n - 1] = '\0';
    return true;
}

int udy__hub_file_url(char out[UDY__HUB_URL_MAX], const char *endpoint, const udy_hub_ref *ref,
                      const char *revision, udy_error *err) {
    bool fits = start_url(out, endpoint) && append(out, "/") && append(out, ref->repo) &&
                append(out, "/resolve/") && append_encoded(out, revision, "") && append(out, "/") &&
                append_encoded(out, ref->file, "/");
    return fits ? UDY_OK : udy_error_set(err, UDY_EINVAL, "%s: its address is too long", ref->repo);
}

int udy__hub_list_url(char out[UDY__HUB_URL_MAX], const char *endpoint, const udy_hub_ref *ref,
                      udy_error *err) {
    bool fits = start_url(out, endpoint) && append(out, "/api/models/") && append(out, ref->repo) &&
                append(out, "/revision/") && append_encoded(out, ref->revision, "");
    return fits ? UDY_OK : udy_error_set(err, UDY_EINVAL, "%s: its address is too long", ref->repo);
}
