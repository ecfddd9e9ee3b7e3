// What the hub answers: headers line by line, what they say a file is, and the list of a
// repository's files. No connection is known here: every byte is taken for a stranger's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/hub_internal.h"

//------------------------------------------ Headers -----------------------------------------------

void udy__hub_head_init(udy__hub_head *head) {
    size_t n_bytes = head->n_bytes;
    memset(head, 0, sizeof *head);
    head->n_bytes = n_bytes;
    head->length = head->linked_size = head->retry_after_s = -1;
    head->range_first = head->range_last = head->range_total = -1;
}

// A whole number of decimal digits; -1 where text is none.
static int64_t number_of(const char *text) {
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 18 || text[n]) return -1;
    return strtoll(text, NULL, 10);
}

static void put_text(udy__hub_head *head, char *out, size_t size, const char *value,
                     const char *name) {
    size_t n = strlen(value);
    if (n >= size || (*out && strcmp(out, value)))
        head->fault = name;
    else
        memcpy(out, value, n + 1);
}

static void put_number(udy__hub_head *head, int64_t *out, const char *value, const char *name) {
    int64_t number = number_of(value);
    if (number < 0 || (*out >= 0 && *out != number))
        head->fault = name;
    else
        *out = number;
}

// The digits at *at, and on.
static bool take_number(const char **at, int64_t *out) {
    char digits[20];
    size_t n = strspn(*at, "0123456789");
    if (n == 0 || n > 18) return false;
    memcpy(digits, *at, n);
    digits[n] = '\0';
    *out = number_of(digits);
    *at += n;
    return true;
}

static bool take_char(const char **at, char c) {
    return **at == c && (*at)++;
}

// "bytes 100-199/200", "bytes 100-199/*", "bytes */200"
static void put_range(udy__hub_head *head, const char *value) {
    int64_t first = -1, last = -1, total = -1;
    const char *at = value;
    bool fine = !strncmp(at, "bytes ", 6) && !head->has_range;
    if (fine) at += 6;
    fine = fine && (take_char(&at, '*') || (take_number(&at, &first) && take_char(&at, '-') &&
                                            take_number(&at, &last) && first <= last));
    fine = fine && take_char(&at, '/') && (take_char(&at, '*') || take_number(&at, &total)) && !*at;
    if (!fine) {
        head->fault = "Content-Range";
        return;
    }
    head->has_range = true;
    head->range_first = first;
    head->range_last = last;
    head->range_total = total;
}

// What a server says of an error goes into messages: made harmless, cut where it is long.
static void put_words(char *out, size_t size, const char *value) {
    size_t n = 0;
    for (; value[n] && n + 1 < size; n++)
        out[n] = value[n] >= 0x20 && value[n] < 0x7f ? value[n] : '?';
    out[n] = '\0';
}

static void put_field(udy__hub_head *head, const char *name, const char *value) {
#define TEXT(field, member) \
    if (!strcasecmp(name, field)) put_text(head, head->member, sizeof head->member, value, field)
#define NUMBER(field, member) \
    if (!strcasecmp(name, field)) put_number(head, &head->member, value, field)
    TEXT("X-Repo-Commit", commit);
    TEXT("ETag", etag);
    TEXT("X-Linked-Etag", linked_etag);
    TEXT("Location", location);
    TEXT("Content-Encoding", encoding);
    NUMBER("Content-Length", length);
    NUMBER("X-Linked-Size", linked_size);
#undef TEXT
#undef NUMBER
    if (!strcasecmp(name, "Retry-After")) head->retry_after_s = number_of(value);  // or a date
    if (!strcasecmp(name, "Content-Range")) put_range(head, value);
    if (!strcasecmp(name, "X-Error-Code"))
        put_words(head->error_code, sizeof head->error_code, value);
    if (!strcasecmp(name, "X-Error-Message"))
        put_words(head->error_message, sizeof head->error_message, value);
}

// "HTTP/1.1 200 OK", "HTTP/2 200"
static void status_line(udy__hub_head *head, const char *line) {
    int status = 0;
    udy__hub_head_init(head);
    if (sscanf(line, "HTTP/%*[0-9.] %3d", &status) == 1) head->status = status;
}

void udy__hub_head_line(udy__hub_head *head, const char *line, size_t n) {
    static const char blanks[] = " \t\r\n";
    char text[UDY__HUB_URL_MAX + 64];
    head->n_bytes += n;
    if (head->body_began) return;
    while (n > 0 && memchr(blanks, line[n - 1], 4)) n--;
    // Longer than any that is asked for: Location has most.
    bool cut = n >= sizeof text;
    if (cut) n = sizeof text - 1;
    memcpy(text, line, n);
    text[n] = '\0';
    if (!strncmp(text, "HTTP/", 5)) {
        status_line(head, text);
        return;
    }
    char *colon = strchr(text, ':');
    if (!colon) return;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, blanks);
    if (cut || strlen(value) != n - (size_t)(value - text)) {
        // A '\0' inside, or cut: of no use, and a fault where it is one that counts.
        if (!strcasecmp(text, "Location")) head->fault = "Location";
        return;
    }
    put_field(head, text, value);
}

//------------------------------------------ What a file is ----------------------------------------

// W/"<hash>" and "<hash>" as huggingface_hub takes them apart.
static void hash_of_etag(char out[UDY__HUB_HASH_MAX + 1], const char *etag) {
    etag += strspn(etag, "W/");
    etag += strspn(etag, "\"");
    size_t n = strcspn(etag, "\"");
    out[0] = '\0';
    if (n > UDY__HUB_HASH_MAX || strspn(etag + n, "\"") != strlen(etag + n)) return;
    memcpy(out, etag, n);
    out[n] = '\0';
    if (!udy__hub_is_hash(out)) out[0] = '\0';
}

static bool is_redirect(const udy__hub_head *head) {
    return head->status >= 300 && head->status < 400;
}

int udy__hub_meta_read(udy__hub_meta *out, const udy__hub_head *head, const udy_hub_ref *ref,
                       uint64_t max_bytes, const char *url, udy_error *err) {
    char shown[UDY__SHOW_MAX], shown_url[UDY__SHOW_MAX];
    *out = (udy__hub_meta){.n_bytes = -1};
    udy__hub_shown(shown_url, url);
    if (!*head->commit)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: no X-Repo-Commit in the answer, so this is no model hub (or a "
                             "proxy answers in its place)",
                             shown_url);
    if (!udy__hub_is_commit(head->commit))
        return udy_error_set(err, UDY_EFORMAT, "%s: the hub names commit '%s', expected 40 digits",
                             shown_url, udy__hub_shown(shown, head->commit));
    if (udy__hub_is_commit(ref->revision) && strcmp(ref->revision, head->commit))
        return udy_error_set(err, UDY_EFORMAT, "%s: asked for commit %s, the hub answered with %s",
                             shown_url, ref->revision, head->commit);
    const char *etag = *head->linked_etag ? head->linked_etag : head->etag;
    hash_of_etag(out->hash, etag);
    if (!*out->hash)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: its ETag is '%s', expected a SHA-256 or git's SHA-1: the content "
                             "could not be checked",
                             shown_url, udy__hub_shown(shown, etag));
    out->n_bytes = head->linked_size;
    if (out->n_bytes < 0 && !is_redirect(head)) out->n_bytes = head->length;
    if (out->n_bytes >= 0 && (uint64_t)out->n_bytes > max_bytes)
        return udy_error_set(err, UDY_EINVAL,
                             "%s/%s has %lld bytes, more than the %llu that a policy may have; "
                             "`hf download` fetches it into the same cache",
                             ref->repo, udy__hub_shown(shown, ref->file), (long long)out->n_bytes,
                             (unsigned long long)max_bytes);
    memcpy(out->commit, head->commit, sizeof out->commit);
    return UDY_OK;
}

//------------------------------------------ Listings ----------------------------------------------

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int udy__hub_listing_make(udy_hub_listing *out, const char *commit, const char *const *names,
                          size_t n, udy_error *err) {
    size_t text = 1;
    for (size_t i = 0; i < n; i++) text += strlen(names[i]) + 1;
    char **block = udy_alloc(n * sizeof(char *) + text);
    *out = (udy_hub_listing){.n = n, .name = block};
    if (!block) return udy_error_set(err, UDY_ENOMEM, "out of memory for %zu names", n);
    char *to = (char *)(block + n);
    for (size_t i = 0; i < n; i++) {
        block[i] = to;
        to = stpcpy(to, names[i]) + 1;
    }
    if (n) qsort(block, n, sizeof *block, by_text);
    snprintf(out->commit, sizeof out->commit, "%s", commit);
    return UDY_OK;
}

void udy_hub_listing_free(udy_hub_listing *listing) {
    if (!listing) return;
    udy_free(listing->name);
    *listing = (udy_hub_listing){0};
}

static int read_names(const char **names, const udy_json *siblings, const char *url,
                      udy_error *err) {
    char shown[UDY__SHOW_MAX];
    size_t i = 0;
    for (const udy_json *s = udy_json_at(siblings, 0); s; s = udy_json_next(s), i++) {
        names[i] = udy_json_string(s, "rfilename", NULL);
        if (!names[i])
            return udy_error_set(err, UDY_EFORMAT, "%s: entry %zu of 'siblings' has no 'rfilename'",
                                 url, i);
        const char *fault = udy__hub_file_fault(names[i]);
        if (fault)
            return udy_error_set(err, UDY_EFORMAT, "%s: lists a file '%s', which %s", url,
                                 udy__hub_shown(shown, names[i]), fault);
    }
    return UDY_OK;
}

int udy__hub_listing_read(udy_hub_listing *out, const char *text, size_t n_bytes, const char *url,
                          udy_error *err) {
    char shown[UDY__SHOW_MAX];
    udy_json *root = NULL;
    *out = (udy_hub_listing){0};
    udy__hub_shown(shown, url);
    int code = udy_json_parse(&root, text, n_bytes, shown, err);
    if (code) return code;
    const char *commit = udy_json_string(root, "sha", "");
    const udy_json *siblings = udy_json_get(root, "siblings");
    size_t n = udy_json_size(siblings);
    const char **names = NULL;
    if (!udy__hub_is_commit(commit) || !udy_json_is_array(siblings))
        code = udy_error_set(err, UDY_EFORMAT,
                             "%s: expected a commit in 'sha' and a list in 'siblings'", shown);
    else if (!(names = udy_alloc((n + 1) * sizeof *names)))
        code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory for %zu names", shown, n);
    if (!code) code = read_names(names, siblings, shown, err);
    if (!code) code = udy__hub_listing_make(out, commit, names, n, err);
    udy_free(names);
    udy_json_free(root);
    return code;
}
