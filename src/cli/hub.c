// hub.c: the model hub as the environment has it, with the variables that Python's huggingface_hub
// reads, so that both use one token, one cache and one proxy.
#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"

// The first of the variables that says something; NULL: none does.
static const char *said(const char *const *names) {
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value) return value;
    }
    return NULL;
}
#define SAID(...) said((const char *const[]){__VA_ARGS__, NULL})

static bool is_true(const char *value) {
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    for (int i = 0; value && i < 4; i++)
        if (!strcasecmp(value, words[i])) return true;
    return false;
}

static int too_long(const char *what, udy_error *err) {
    return udy_error_set(err, UDY_EINVAL, "%s is longer than understudy takes", what);
}

static int put(char *out, size_t size, const char *value, const char *what, udy_error *err) {
    if (strlen(value) >= size) return too_long(what, err);
    strcpy(out, value);
    return UDY_OK;
}

//------------------------------------------ Paths -------------------------------------------------

static const char *home(void) {
    const char *value = SAID("HOME");
    const struct passwd *user = value ? NULL : getpwuid(getuid());
    return value ? value : user ? user->pw_dir : "";
}

// ~/ at the start, $NAME and ${NAME}, as Python's expanduser and expandvars: what no shell did.
static int expand(char out[UDY_PATH_MAX], const char *text, const char *what, udy_error *err) {
    size_t n = 0;
    out[0] = '\0';
    if (*text == '~' && (!text[1] || text[1] == '/')) {
        n = (size_t)snprintf(out, UDY_PATH_MAX, "%s", home());
        text++;
    }
    while (*text && n < UDY_PATH_MAX - 1) {
        char name[64];
        bool braces = text[0] == '$' && text[1] == '{';
        const char *from = text + 1 + braces;
        size_t length = 0;
        while (isalnum((unsigned char)from[length]) || from[length] == '_') length++;
        bool variable =
            *text == '$' && length > 0 && length < sizeof name && (!braces || from[length] == '}');
        if (variable) snprintf(name, sizeof name, "%.*s", (int)length, from);
        const char *value = variable ? getenv(name) : NULL;
        if (!value) {  // what is not set stays as it is written
            out[n++] = *text++;
            out[n] = '\0';
            continue;
        }
        n += (size_t)snprintf(out + n, UDY_PATH_MAX - n, "%s", value);
        text = from + length + braces;
    }
    return n < UDY_PATH_MAX - 1 ? UDY_OK : too_long(what, err);
}

static int hf_home(char out[UDY_PATH_MAX], udy_error *err) {
    const char *own = SAID("HF_HOME"), *caches = SAID("XDG_CACHE_HOME");
    char dir[UDY_PATH_MAX];
    if (own) return expand(out, own, "HF_HOME", err);
    if (!caches && !*home())
        return udy_error_set(err, UDY_ENOENT,
                             "no home folder is known for the hub's cache; say where with HF_HOME");
    if (!caches) return udy_path_format(out, err, "%s/.cache/huggingface", home());
    int status = expand(dir, caches, "XDG_CACHE_HOME", err);
    return status ? status : udy_path_format(out, err, "%s/huggingface", dir);
}

static int find_cache(udy_hub_config *config, const char *base, udy_error *err) {
    const char *own = SAID("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE");
    if (own) return expand(config->cache, own, "HF_HUB_CACHE", err);
    return udy_path_format(config->cache, err, "%s/hub", base);
}

//------------------------------------------ Token -------------------------------------------------

// Without the blanks and line ends that a file or a paste left around it.
static int put_token(udy_hub_config *config, const char *text, const char *what, udy_error *err) {
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1])) n--;
    if (n >= sizeof config->token) return too_long(what, err);
    memcpy(config->token, text, n);
    config->token[n] = '\0';
    return UDY_OK;
}

static int find_token(udy_hub_config *config, const char *base, udy_error *err) {
    const char *own = SAID("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"), *file = SAID("HF_TOKEN_PATH");
    char path[UDY_PATH_MAX], *text = NULL;
    size_t n;
    if (is_true(getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return UDY_OK;
    if (own) return put_token(config, own, "HF_TOKEN", err);
    int status = file ? expand(path, file, "HF_TOKEN_PATH", err)
                      : udy_path_format(path, err, "%s/token", base);
    if (status || !udy_file_exists(path)) return status;
    status = udy_file_read(&text, &n, path, 1 << 16, err);
    if (!status) status = put_token(config, text, path, err);
    udy_free(text);
    return status;
}

//------------------------------------------ The rest ----------------------------------------------

static int find_seconds(int *out, const char *name, udy_error *err) {
    const char *value = SAID(name);
    char *end;
    if (!value) return UDY_OK;
    long s = strtol(value, &end, 10);
    if (*end || !isdigit((unsigned char)*value) || s < 1 || s > 86400)
        return udy_error_set(err, UDY_EINVAL, "%s is '%s', expected seconds from 1 to 86400", name,
                             value);
    *out = (int)s;
    return UDY_OK;
}

// A hub on the loopback needs no proxy, and plain http has none, so https's is the only one.
static int find_proxy(udy_hub_config *config, udy_error *err) {
    const char *proxy = SAID("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY");
    const char *not_for = SAID("no_proxy", "NO_PROXY");
    int status =
        proxy ? put(config->proxy, sizeof config->proxy, proxy, "https_proxy", err) : UDY_OK;
    if (!status && not_for)
        status = put(config->no_proxy, sizeof config->no_proxy, not_for, "no_proxy", err);
    return status;
}

int cli_hub_config(udy_hub_config *out, udy_error *err) {
    const char *endpoint = SAID("HF_ENDPOINT");
    const char *authorities = SAID("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE");
    char base[UDY_PATH_MAX];
    *out = udy_hub_config_default();
    out->offline = is_true(SAID("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"));
    int status = hf_home(base, err);
    if (!status) status = find_cache(out, base, err);
    if (!status) status = find_token(out, base, err);
    if (!status && endpoint)
        status = put(out->endpoint, sizeof out->endpoint, endpoint, "HF_ENDPOINT", err);
    if (!status && authorities)
        status = put(out->ca_file, sizeof out->ca_file, authorities, "SSL_CERT_FILE", err);
    if (!status) status = find_seconds(&out->lookup_timeout_s, "HF_HUB_ETAG_TIMEOUT", err);
    if (!status) status = find_seconds(&out->download_timeout_s, "HF_HUB_DOWNLOAD_TIMEOUT", err);
    if (!status) status = find_proxy(out, err);
    return status;
}
