// Connections of the model hub, by libcurl: one request at a time, redirects followed by hand, so
// that it is decided here, address by address, who is asked and who gets the token. The only file
// that sees libcurl.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "io/hub_internal.h"

#define REDIRECTS_MAX 8
#define IDLE_BODY_MAX ((size_t)64 << 10)  // of an answer that only its status matters of
#define SLOWEST_BYTES_S 256L
#define WAIT_MAX_S 8.0
#define RETRY_AFTER_MAX_S 60

// Scheme, host and port: what a token belongs to.
typedef struct origin {
    char scheme[8], host[256], port[8];
} origin;

struct udy__hub_http {
    CURL *curl;
    const udy_hub_config *config;
    origin endpoint;
    char words[CURL_ERROR_SIZE];  // libcurl's own about a failure
};

// Why an exchange was ended by us.
typedef enum {
    STOP_NOT,
    STOP_HEADERS,
    STOP_FAULT,  // a header that counts is of no use
    STOP_SINK,
    STOP_TICK,
    STOP_IDLE_BODY,
} stop_reason;

typedef struct exchange {
    const udy__hub_request *request;
    udy__hub_head *head;
    udy_error *err;
    stop_reason stop;
    int sink_code;
    size_t n_idle;
} exchange;

//------------------------------------------ Addresses ---------------------------------------------

static bool put_part(char *out, size_t size, CURLU *url, CURLUPart part, unsigned flags) {
    char *text = NULL;
    bool fine = !curl_url_get(url, part, &text, flags) && strlen(text) < size;
    if (fine) strcpy(out, text);
    curl_free(text);
    return fine;
}

// url: a base that location may be relative to, replaced by where it leads. Names and passwords in
// addresses are refused. Nullable: location
static bool resolve(char url[UDY__HUB_URL_MAX], origin *where, const char *location) {
    CURLU *u = curl_url();
    const unsigned flags = CURLU_DISALLOW_USER;
    bool fine = u && !curl_url_set(u, CURLUPART_URL, url, flags) &&
                (!location || !curl_url_set(u, CURLUPART_URL, location, flags)) &&
                !curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) &&
                put_part(where->scheme, sizeof where->scheme, u, CURLUPART_SCHEME, 0) &&
                put_part(where->host, sizeof where->host, u, CURLUPART_HOST, 0) &&
                put_part(where->port, sizeof where->port, u, CURLUPART_PORT, CURLU_DEFAULT_PORT) &&
                put_part(url, UDY__HUB_URL_MAX, u, CURLUPART_URL, 0);
    curl_url_cleanup(u);
    return fine;
}

static bool is_loopback(const char *host) {
    struct in_addr four;
    if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]")) return true;
    return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static bool is_https(const origin *where) {
    return !strcasecmp(where->scheme, "https");
}

static bool same_origin(const origin *a, const origin *b) {
    return !strcasecmp(a->scheme, b->scheme) && !strcasecmp(a->host, b->host) &&
           !strcmp(a->port, b->port);
}

// Encrypted, or never on a wire at all.
static bool may_ask(const origin *where) {
    return is_https(where) || (!strcasecmp(where->scheme, "http") && is_loopback(where->host));
}

//------------------------------------------ Callbacks ---------------------------------------------

static size_t on_header(char *line, size_t size, size_t n, void *p) {
    exchange *x = p;
    udy__hub_head_line(x->head, line, size * n);
    if (x->head->n_bytes <= UDY__HUB_HEADER_BYTES_MAX) return size * n;
    x->stop = STOP_HEADERS;
    return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *p) {
    exchange *x = p;
    n *= size;
    x->head->body_began = true;
    if (x->head->fault) {
        x->stop = STOP_FAULT;
        return 0;
    }
    if (x->request->sink && (x->head->status == 200 || x->head->status == 206)) {
        x->sink_code = x->request->sink(x->request->ctx, x->head, data, n, x->err);
        if (!x->sink_code) return n;
        x->stop = STOP_SINK;
        return 0;
    }
    x->n_idle += n;
    if (x->n_idle <= IDLE_BODY_MAX) return n;
    x->stop = STOP_IDLE_BODY;
    return 0;
}

static int on_tick(void *p, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                   curl_off_t up) {
    exchange *x = p;
    (void)down_total, (void)down, (void)up_total, (void)up;
    if (!x->request->tick || !x->request->tick(x->request->ctx)) return 0;
    x->stop = STOP_TICK;
    return 1;
}

//------------------------------------------ One exchange ------------------------------------------

static struct curl_slist *add_header(struct curl_slist *list, bool *fine, const char *name,
                                     const char *value) {
    char line[700];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = n < (int)sizeof line ? curl_slist_append(list, line) : NULL;
    if (!longer) *fine = false;
    return longer ? longer : list;
}

static bool set_up(udy__hub_http *http, exchange *x, const char *url, const origin *where) {
    CURL *curl = http->curl;
    const udy_hub_config *config = http->config;
    CURLcode bad = CURLE_OK;
    curl_easy_reset(curl);
    http->words[0] = '\0';
#define SET(option, value) bad = bad ? bad : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, is_https(where) ? "https" : "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (*config->ca_file) {
        SET(CURLOPT_CAINFO, config->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);  // in place of the system's, not beside them
    }
    // Said in any case: left alone, libcurl would read the environment.
    SET(CURLOPT_PROXY, is_https(where) ? config->proxy : "");
    SET(CURLOPT_NOPROXY, config->no_proxy);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_USERAGENT, config->user_agent);
    SET(CURLOPT_CONNECTTIMEOUT, (long)config->lookup_timeout_s);
    SET(CURLOPT_TIMEOUT, (long)x->request->timeout_s);
    SET(CURLOPT_LOW_SPEED_LIMIT, SLOWEST_BYTES_S);
    SET(CURLOPT_LOW_SPEED_TIME, (long)config->download_timeout_s);
    SET(CURLOPT_ERRORBUFFER, http->words);
    if (x->request->head)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_tick);
    SET(CURLOPT_XFERINFODATA, x);
    if (x->request->from) {
        char range[32];  // libcurl's own resuming would fail on a server that starts over
        snprintf(range, sizeof range, "%llu-", (unsigned long long)x->request->from);
        SET(CURLOPT_RANGE, range);
    }
#undef SET
    return !bad;
}

// Failures that another attempt may not meet.
static bool may_pass(CURLcode result) {
    switch (result) {
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_PARTIAL_FILE:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM: return true;
        default: return false;
    }
}

static int fault_error(const exchange *x, const origin *where) {
    return udy_error_set(x->err, UDY_EFORMAT, "%s: header %s is unreadable or there twice",
                         where->host, x->head->fault);
}

static int stopped(const exchange *x, const origin *where) {
    switch (x->stop) {
        case STOP_FAULT: return fault_error(x, where);
        case STOP_HEADERS:
            return udy_error_set(x->err, UDY_EFORMAT, "%s: more than %zu kB of headers",
                                 where->host, UDY__HUB_HEADER_BYTES_MAX >> 10);
        case STOP_SINK: return x->sink_code;
        default: return udy_error_set(x->err, UDY_EINTERRUPTED, "%s: interrupted", where->host);
    }
}

static int failed(const udy__hub_http *http, const exchange *x, CURLcode result,
                  const origin *where) {
    const char *words = *http->words ? http->words : curl_easy_strerror(result);
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
        return udy_error_set(x->err, UDY_EPERM,
                             "%s: its TLS certificate is not trusted (%.200s); certificates are "
                             "always checked. Where an authority of your own signs them, name its "
                             "certificate (SSL_CERT_FILE)",
                             where->host, words);
    return udy_error_set(x->err, result == CURLE_OUT_OF_MEMORY ? UDY_ENOMEM : UDY_EIO,
                         "%s: no answer, or a broken one: %.200s", where->host, words);
}

// One request to one address: its answer in answer->head.
static int exchange_once(udy__hub_http *http, const udy__hub_request *request, const char *url,
                         const origin *where, udy__hub_answer *answer, udy_error *err) {
    exchange x = {.request = request, .head = &answer->head, .err = err};
    bool home = same_origin(where, &http->endpoint), fine = true;
    struct curl_slist *headers = add_header(NULL, &fine, "Accept-Encoding", "identity");
    char bearer[600];
    udy__hub_head_init(&answer->head);
    snprintf(answer->host, sizeof answer->host, "%s", where->host);
    answer->away = !home;
    snprintf(bearer, sizeof bearer, "Bearer %s", http->config->token);
    if (home && *http->config->token) headers = add_header(headers, &fine, "Authorization", bearer);
    if (home && request->from && request->if_range)
        headers = add_header(headers, &fine, "If-Range", request->if_range);
    fine = fine && set_up(http, &x, url, where) &&
           !curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode result = fine ? curl_easy_perform(http->curl) : CURLE_OUT_OF_MEMORY;
    curl_slist_free_all(headers);
    if (x.stop == STOP_IDLE_BODY) result = CURLE_OK;
    if (x.stop && result) return stopped(&x, where);
    if (result) {
        answer->transient = may_pass(result);
        return failed(http, &x, result, where);
    }
    return answer->head.fault ? fault_error(&x, where) : UDY_OK;
}

//------------------------------------------ Redirects ---------------------------------------------

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Move url and where to where the answer sends us.
static int follow(char url[UDY__HUB_URL_MAX], origin *where, const udy__hub_head *head,
                  udy_error *err) {
    char shown[UDY__SHOW_MAX];
    origin before = *where;
    if (!*head->location || !resolve(url, where, head->location))
        return udy_error_set(err, UDY_EFORMAT, "%s: redirects to '%s', which is no address",
                             before.host, udy__hub_shown(shown, head->location));
    if (!may_ask(where) || (is_https(&before) && !is_https(where)))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: redirects to '%s'; only https is followed, for nobody could tell "
                             "who answers otherwise",
                             before.host, udy__hub_shown(shown, head->location));
    return UDY_OK;
}

// A redirect to storage that already says what the file is. Storage may be at the same address, and
// then has the word "linked" in what is said of it; a repository's new name has not.
static bool says_enough(const udy__hub_head *head, bool same) {
    return *head->commit && (*head->linked_etag || (!same && *head->etag));
}

int udy__hub_http_perform(udy__hub_http *http, const udy__hub_request *request,
                          udy__hub_answer *answer, udy_error *err) {
    char *url = udy_alloc(UDY__HUB_URL_MAX);
    origin where = {0}, next;
    answer->transient = false;
    answer->head.n_bytes = 0;
    if (!url) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    snprintf(url, UDY__HUB_URL_MAX, "%s", request->url);
    int code = resolve(url, &where, NULL)
                   ? UDY_OK
                   : udy_error_set(err, UDY_EINVAL, "'%.100s' is no address", request->url);
    for (int hop = 0; !code; hop++) {
        code = exchange_once(http, request, url, &where, answer, err);
        if (code || !is_redirect(answer->head.status)) break;
        next = where;
        code = follow(url, &next, &answer->head, err);
        if (code) break;
        if (request->head && says_enough(&answer->head, same_origin(&next, &where))) break;
        where = next;
        if (hop == REDIRECTS_MAX)
            code = udy_error_set(err, UDY_EFORMAT, "%s: more than %d redirects", where.host,
                                 REDIRECTS_MAX);
    }
    udy_free(url);
    return code;
}

//------------------------------------------ Life --------------------------------------------------

static CURLcode global_result;

static void init_curl(void) {
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int check_config(udy__hub_http *http, udy_error *err) {
    const udy_hub_config *config = http->config;
    char url[UDY__HUB_URL_MAX], shown[UDY__SHOW_MAX];
    snprintf(url, sizeof url, "%s", config->endpoint);
    // "https" must be said: libcurl would guess, and guess http.
    if (!strstr(url, "://") || !resolve(url, &http->endpoint, NULL))
        return udy_error_set(err, UDY_EINVAL,
                             "hub endpoint '%s' is no address; expected such as "
                             "https://huggingface.co",
                             udy__hub_shown(shown, config->endpoint));
    if (strpbrk(config->endpoint, "?#"))
        return udy_error_set(err, UDY_EINVAL, "hub endpoint '%s': expected no '?' and no '#'",
                             udy__hub_shown(shown, config->endpoint));
    if (!may_ask(&http->endpoint))
        return udy_error_set(
            err, UDY_EINVAL,
            "hub endpoint '%s': expected https://; http:// is for 127.0.0.1, [::1] "
            "and localhost alone",
            udy__hub_shown(shown, config->endpoint));
    for (const char *c = config->token; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            return udy_error_set(err, UDY_EINVAL,
                                 "the hub's token has a blank or a character beyond ASCII in it; "
                                 "tokens look like hf_...");
    return UDY_OK;
}

int udy__hub_http_create(udy__hub_http **out, const udy_hub_config *config, udy_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    pthread_once(&once, init_curl);
    udy__hub_http *http = udy_alloc(sizeof *http);
    if (!http) return udy_error_set(err, UDY_ENOMEM, "out of memory");
    http->config = config;
    int code = check_config(http, err);
    if (!code && !global_result) http->curl = curl_easy_init();
    if (!code && !http->curl) code = udy_error_set(err, UDY_ENOMEM, "libcurl does not start");
    if (code) {
        udy__hub_http_destroy(http);
        return code;
    }
    *out = http;
    return UDY_OK;
}

void udy__hub_http_destroy(udy__hub_http *http) {
    if (!http) return;
    if (http->curl) curl_easy_cleanup(http->curl);
    udy_free(http);
}

//------------------------------------------ What failures mean ------------------------------------

static bool is_code(const udy__hub_answer *answer, const char *code) {
    return !strcmp(answer->head.error_code, code);
}

int udy__hub_status_error(udy__hub_answer *answer, const udy_hub_config *config,
                          const udy_hub_ref *ref, udy_error *err) {
    int status = answer->head.status;
    const char *said = answer->head.error_message;
    char shown[UDY__SHOW_MAX];
    answer->transient = status == 408 || status == 429 || (status >= 500 && status != 501);
    // A signed address of storage may have run out; the hub gives another.
    if (answer->away && (status == 400 || status == 401 || status == 403 || status == 410))
        answer->transient = true;
    if (answer->transient || answer->away)
        return udy_error_set(err, UDY_EIO, "%s answers with status %d%s%s", answer->host, status,
                             *said ? ": " : "", said);
    if (is_code(answer, "EntryNotFound"))
        return udy_error_set(err, UDY_ENOENT, "%s at %s has no file '%s'", ref->repo, ref->revision,
                             udy__hub_shown(shown, ref->file));
    if (is_code(answer, "RevisionNotFound"))
        return udy_error_set(err, UDY_ENOENT, "%s has no branch, tag or commit '%s'", ref->repo,
                             ref->revision);
    if (is_code(answer, "GatedRepo"))
        return udy_error_set(
            err, UDY_EPERM, "%s is gated: ask for access at %s/%s, then give your token (HF_TOKEN)",
            ref->repo, config->endpoint, ref->repo);
    if (status == 401 && *config->token && !is_code(answer, "RepoNotFound"))
        return udy_error_set(err, UDY_EPERM, "%s does not accept the token%s%s", answer->host,
                             *said ? ": " : "", said);
    if (status == 401 || status == 404 || is_code(answer, "RepoNotFound"))
        return udy_error_set(err, UDY_ENOENT,
                             "no model %s at %s, or it is private; a private one needs %stoken "
                             "(HF_TOKEN)",
                             ref->repo, config->endpoint, *config->token ? "another " : "a ");
    return udy_error_set(err, status == 403 ? UDY_EPERM : UDY_EIO, "%s answers with status %d%s%s",
                         answer->host, status, *said ? ": " : "", said);
}

int udy__hub_wait(const udy_hub_config *config, const udy__hub_answer *answer, int attempt,
                  const udy_progress *progress, udy_error *err) {
    double wait_s = config->retry_wait_s;
    for (int i = 1; i < attempt && wait_s < WAIT_MAX_S; i++) wait_s *= 2;
    if (wait_s > WAIT_MAX_S) wait_s = WAIT_MAX_S;
    if (answer->head.retry_after_s > RETRY_AFTER_MAX_S)
        return udy_error_set(err, UDY_EIO, "%s asks to wait for %lld s; try again then",
                             answer->host, (long long)answer->head.retry_after_s);
    if ((double)answer->head.retry_after_s > wait_s) wait_s = (double)answer->head.retry_after_s;
    double end = udy_clock_s() + wait_s;
    for (double now; (now = udy_clock_s()) < end;) {
        double part = end - now < 0.1 ? end - now : 0.1;
        struct timespec nap = {.tv_nsec = (long)(part * 1e9)};
        nanosleep(&nap, NULL);
        int64_t done = (int64_t)(wait_s - (end - now)), total = (int64_t)(wait_s + 0.999);
        if (udy_progress_advance(progress, "waiting to try again", done, total, "s", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "interrupted");
    }
    return UDY_OK;
}
