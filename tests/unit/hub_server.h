// hub_server.h: a model hub on 127.0.0.1 for tests: it answers as huggingface.co does, remembers
// what it was asked, and misbehaves where a test's script takes a request into its own hands.
#ifndef UNDERSTUDY_TESTS_HUB_SERVER_H_
#define UNDERSTUDY_TESTS_HUB_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HUB_COMMIT "0123456789abcdef0123456789abcdef01234567"
#define HUB_REPO "someone/ant-expert"
#define HUB_FILES_MAX 12
#define HUB_ASKED_MAX 256

typedef struct hub_asked {
    char method[8], path[1024], auth[300], range[64], if_range[160], agent[160];
    long long from;  // of the range; 0: none
} hub_asked;

typedef struct hub_content {
    const char *name, *data;
    size_t n;
    bool lfs;  // lies in storage, behind a redirect; its hash is SHA-256, else git's SHA-1
    char hash[65];
} hub_content;

typedef struct hub_server hub_server;

typedef struct hub_conn {
    hub_server *server;
    int fd;
    void *tls;
} hub_conn;

struct hub_server {
    int fd, port;
    char url[64];
    hub_server *storage;  // where LFS files are; the hub's own address where NULL
    hub_content file[HUB_FILES_MAX];
    int n_files;
    hub_asked asked[HUB_ASKED_MAX];
    atomic_int n_asked, n_active;
    atomic_bool stopping;
    pthread_t thread;
    pthread_mutex_t mutex;
    // Answers in the hub's place where it returns true.
    bool (*script)(hub_conn *c, const hub_asked *asked);
    void *ctx;
    atomic_int counter;  // the script's
    // TLS, for a test that has it.
    void *(*tls_accept)(hub_server *server, int fd);
    long (*tls_read)(void *tls, void *data, size_t n);
    long (*tls_write)(void *tls, const void *data, size_t n);
    void (*tls_end)(void *tls);
    void *tls_context;
};

//------------------------------------------ Talking -----------------------------------------------

static inline bool hub_send(hub_conn *c, const void *data, size_t n) {
    const char *p = data;
    while (n > 0) {
        long sent = c->tls ? c->server->tls_write(c->tls, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline bool hub_say(hub_conn *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool hub_say(hub_conn *c, const char *format, ...) {
    char text[8192];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return hub_send(c, text, (size_t)n);
}

// Wait in small steps, no longer than the server lives.
static inline bool hub_sleep(hub_conn *c, int ms) {
    for (; ms > 0 && !c->server->stopping; ms -= 10) usleep(10000);
    return !c->server->stopping;
}

// A 200 or 206 with the content, from where the range says.
static inline void hub_send_content(hub_conn *c, const hub_asked *asked, const hub_content *file,
                                    const char *etag) {
    size_t from = (size_t)asked->from;
    if (from && from >= file->n) {
        hub_say(c,
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%zu\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n",
                file->n);
        return;
    }
    if (from)
        hub_say(c, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%zu/%zu\r\n", from,
                file->n - 1, file->n);
    else
        hub_say(c, "HTTP/1.1 200 OK\r\n");
    hub_say(c,
            "ETag: \"%s\"\r\nX-Repo-Commit: " HUB_COMMIT
            "\r\nAccept-Ranges: bytes\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            etag, file->n - from);
    if (strcmp(asked->method, "HEAD")) hub_send(c, file->data + from, file->n - from);
}

//------------------------------------------ As the hub answers ------------------------------------

static inline const hub_content *hub_find(const hub_server *s, const char *name) {
    for (int i = 0; i < s->n_files; i++)
        if (!strcmp(s->file[i].name, name)) return &s->file[i];
    return NULL;
}

static inline void hub_refuse(hub_conn *c, int status, const char *code) {
    hub_say(c,
            "HTTP/1.1 %d No\r\nX-Error-Code: %s\r\nX-Error-Message: %s it is\r\n%s"
            "Content-Length: 0\r\nConnection: close\r\n\r\n",
            status, code, code,
            strcmp(code, "EntryNotFound") ? "" : "X-Repo-Commit: " HUB_COMMIT "\r\n");
}

// /<repo>/resolve/<revision>/<file>
static inline void hub_answer_file(hub_conn *c, const hub_asked *asked, char *rest) {
    char *name = strchr(rest, '/');
    if (name) *name++ = '\0';
    if (!name || (strcmp(rest, "main") && strcmp(rest, "v1") && strcmp(rest, HUB_COMMIT) &&
                  strcmp(rest, "refs%2Fpr%2F1"))) {
        hub_refuse(c, 404, "RevisionNotFound");
        return;
    }
    for (char *x; (x = strstr(name, "%20")); memmove(x + 1, x + 3, strlen(x + 3) + 1)) *x = ' ';
    const hub_content *file = hub_find(c->server, name);
    if (!file) {
        hub_refuse(c, 404, "EntryNotFound");
    } else if (file->lfs) {
        const hub_server *storage = c->server->storage ? c->server->storage : c->server;
        hub_say(c,
                "HTTP/1.1 302 Found\r\nX-Repo-Commit: " HUB_COMMIT
                "\r\nX-Linked-Etag: \"%s\"\r\nX-Linked-Size: %zu\r\nLocation: %s/blob/%s\r\n"
                "Content-Length: 4\r\nConnection: close\r\n\r\n%s",
                file->hash, file->n, storage->url, file->hash,
                strcmp(asked->method, "HEAD") ? "away" : "");
    } else {
        hub_send_content(c, asked, file, file->hash);
    }
}

static inline void hub_answer_list(hub_conn *c) {
    char text[4096] = "";
    size_t n = 0;
    for (int i = 0; i < c->server->n_files; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s{\"rfilename\": \"%s\"}", i ? ", " : "",
                              c->server->file[i].name);
    const char *form =
        "{\"id\": \"" HUB_REPO "\", \"sha\": \"" HUB_COMMIT "\", \"siblings\": [%s]}";
    hub_say(c,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
            "Connection: close\r\n\r\n",
            strlen(form) - 2 + n);
    char body[5000];
    snprintf(body, sizeof body, form, text);
    hub_send(c, body, strlen(body));
}

static inline void hub_answer(hub_conn *c, const hub_asked *asked) {
    static const char resolve[] = "/" HUB_REPO "/resolve/", api[] = "/api/models/" HUB_REPO "/";
    char path[1024];
    snprintf(path, sizeof path, "%s", asked->path);
    if (!strncmp(path, resolve, sizeof resolve - 1)) {
        hub_answer_file(c, asked, path + sizeof resolve - 1);
        return;
    }
    if (!strcmp(path, "/api/models/" HUB_REPO "/revision/main") ||
        !strcmp(path, "/api/models/" HUB_REPO "/revision/" HUB_COMMIT)) {
        hub_answer_list(c);
        return;
    }
    for (int i = 0; i < c->server->n_files; i++) {
        if (strncmp(path, "/blob/", 6) || strcmp(path + 6, c->server->file[i].hash)) continue;
        hub_send_content(c, asked, &c->server->file[i], "storage-has-another");
        return;
    }
    if (!strncmp(path, api, sizeof api - 1))
        hub_refuse(c, 404, "RevisionNotFound");
    else
        hub_refuse(c, 401, "RepoNotFound");
}

//------------------------------------------ Listening ---------------------------------------------

static inline bool hub_read_request(hub_conn *c, hub_asked *asked) {
    char text[8192];
    size_t n = 0;
    memset(asked, 0, sizeof *asked);
    while (n < sizeof text - 1) {
        long got = c->tls ? c->server->tls_read(c->tls, text + n, 1) : recv(c->fd, text + n, 1, 0);
        if (got <= 0) return false;
        n++;
        text[n] = '\0';
        if (n >= 4 && !strcmp(text + n - 4, "\r\n\r\n")) break;
    }
    sscanf(text, "%7s %1023s", asked->method, asked->path);
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        static const char *const names[] = {
            "Authorization: ", "Range: ", "If-Range: ", "User-Agent: "};
        char *const into[] = {asked->auth, asked->range, asked->if_range, asked->agent};
        const size_t size[] = {sizeof asked->auth, sizeof asked->range, sizeof asked->if_range,
                               sizeof asked->agent};
        for (int i = 0; i < 4; i++)
            if (!strncasecmp(line, names[i], strlen(names[i])))
                snprintf(into[i], size[i], "%s", line + strlen(names[i]));
    }
    sscanf(asked->range, "bytes=%lld-", &asked->from);
    return true;
}

static inline void *hub_serve_one(void *p) {
    hub_conn *c = p;
    hub_server *s = c->server;
    static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;  // strtok
    hub_asked asked;
    if (s->tls_accept) c->tls = s->tls_accept(s, c->fd);
    if (!s->tls_accept || c->tls) {
        pthread_mutex_lock(&reading);
        bool fine = hub_read_request(c, &asked);
        pthread_mutex_unlock(&reading);
        if (fine) {
            int i = atomic_fetch_add(&s->n_asked, 1);
            if (i < HUB_ASKED_MAX) s->asked[i] = asked;
            if (!s->script || !s->script(c, &asked)) hub_answer(c, &asked);
        }
    }
    if (c->tls) s->tls_end(c->tls);
    // What was not read would make the kernel reset the connection, and the answer with it.
    shutdown(c->fd, SHUT_WR);
    struct timeval patience = {.tv_usec = 200000};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char rest[256];
    while (recv(c->fd, rest, sizeof rest, 0) > 0) continue;
    close(c->fd);
    free(c);
    atomic_fetch_sub(&s->n_active, 1);
    return NULL;
}

static inline void *hub_listen(void *p) {
    hub_server *s = p;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0 || s->stopping) {
            if (fd >= 0) close(fd);
            return NULL;
        }
        struct timeval patience = {.tv_sec = 10};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        hub_conn *c = calloc(1, sizeof *c);
        c->server = s;
        c->fd = fd;
        pthread_t thread;
        atomic_fetch_add(&s->n_active, 1);
        if (pthread_create(&thread, NULL, hub_serve_one, c)) abort();
        pthread_detach(thread);
    }
}

static inline hub_server *hub_start(bool tls) {
    hub_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    signal(SIGPIPE, SIG_IGN);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&address, n) || listen(s->fd, 64) ||
        getsockname(s->fd, (struct sockaddr *)&address, &n))
        abort();
    s->port = ntohs(address.sin_port);
    snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%d", tls ? "https" : "http", s->port);
    if (!tls && pthread_create(&s->thread, NULL, hub_listen, s)) abort();
    return s;
}

static inline void hub_stop(hub_server *s) {
    if (!s) return;
    s->stopping = true;
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    while (s->n_active > 0) usleep(1000);
    close(s->fd);
    free(s);
}

//------------------------------------------ Content -----------------------------------------------

static inline void hub_hash(char out[65], const char *data, size_t n, bool git) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char prefix[32];
    size_t n_prefix = git ? 1 + (size_t)sprintf(prefix, "blob %zu", n) : 0;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha, git ? EVP_sha1() : EVP_sha256(), NULL);
    EVP_DigestUpdate(sha, prefix, n_prefix);
    EVP_DigestUpdate(sha, data, n);
    EVP_DigestFinal_ex(sha, digest, &length);
    EVP_MD_CTX_free(sha);
    for (unsigned i = 0; i < length; i++) sprintf(out + 2 * i, "%02x", digest[i]);
}

// data is the caller's, and stays.
static inline void hub_put(hub_server *s, const char *name, const char *data, size_t n, bool lfs) {
    hub_content *file = &s->file[s->n_files++];
    *file = (hub_content){.name = name, .data = data, .n = n, .lfs = lfs};
    hub_hash(file->hash, data, n, !lfs);
}

// Requests of a method ("" any) whose path has this part.
static inline int hub_count(const hub_server *s, const char *method, const char *part) {
    int n = 0;
    for (int i = 0; i < s->n_asked && i < HUB_ASKED_MAX; i++)
        n += (!*method || !strcmp(s->asked[i].method, method)) && strstr(s->asked[i].path, part);
    return n;
}

#endif  // UNDERSTUDY_TESTS_HUB_SERVER_H_
