// TLS of the model hub's client: a server whose certificate nobody vouches for, that is another's,
// or that has run out is refused before it learns anything; one that is vouched for is not.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "test_hub_common.h"

//------------------------------------------ Certificates ------------------------------------------

typedef struct identity {
    EVP_PKEY *key;
    X509 *certificate;
} identity;

// Self-signed, for the name, good from days days ago for 1000 days.
static identity make_identity(const char *name, long days) {
    identity id = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509 *x = id.certificate;
    assert_non_null(id.key);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -days * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x), (1000 - days) * 86400);
    X509_set_pubkey(x, id.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"hub", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, name);
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints, "CA:TRUE");
    assert_non_null(names);
    X509_add_ext(x, names, -1);
    X509_add_ext(x, basic, -1);
    X509_EXTENSION_free(names);
    X509_EXTENSION_free(basic);
    assert_true(X509_sign(x, id.key, EVP_sha256()) > 0);
    return id;
}

static void write_certificate(const identity *id, const char *path) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(PEM_write_X509(f, id->certificate));
    fclose(f);
}

//------------------------------------------ A hub with TLS ----------------------------------------

static atomic_int handshakes_refused;

static void *tls_accept(hub_server *server, int fd) {
    SSL *ssl = SSL_new(server->tls_context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) return ssl;
    SSL_free(ssl);
    atomic_fetch_add(&handshakes_refused, 1);
    return NULL;
}

static long tls_read(void *tls, void *data, size_t n) {
    return SSL_read(tls, data, (int)n);
}

static long tls_write(void *tls, const void *data, size_t n) {
    return SSL_write(tls, data, (int)n);
}

static void tls_end(void *tls) {
    SSL_shutdown(tls);
    SSL_free(tls);
}

static hub_server *start_tls(const identity *id) {
    hub_server *s = hub_start(true);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_true(SSL_CTX_use_certificate(context, id->certificate) == 1);
    assert_true(SSL_CTX_use_PrivateKey(context, id->key) == 1);
    s->tls_context = context;
    s->tls_accept = tls_accept;
    s->tls_read = tls_read;
    s->tls_write = tls_write;
    s->tls_end = tls_end;
    hub_put(s, "README.md", CARD, strlen(CARD), false);
    hub_put(s, "weights/model 1.zip", big, BIG, true);
    if (pthread_create(&s->thread, NULL, hub_listen, s)) abort();
    snprintf(config.endpoint, sizeof config.endpoint, "%s", s->url);
    return s;
}

static void stop_tls(hub_server *s, identity id) {
    SSL_CTX *context = s->tls_context;
    hub_stop(s);
    SSL_CTX_free(context);
    X509_free(id.certificate);
    EVP_PKEY_free(id.key);
}

//------------------------------------------ Tests -------------------------------------------------

static void expect_untrusted(const char *name, long days, bool vouched_for) {
    identity id = make_identity(name, days);
    hub_server *s = start_tls(&id);
    config.ca_file[0] = '\0';
    if (vouched_for) {
        write_certificate(&id, at_root("ca.pem"));
        snprintf(config.ca_file, sizeof config.ca_file, "%s", at_root("ca.pem"));
    }
    expect_error(README, UDY_EPERM, "certificate is not trusted");
    assert_int_equal(s->n_asked, 0);  // nor told the token
    assert_int_equal(files_left(), 0);
    stop_tls(s, id);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state) {
    (void)state;
    expect_untrusted("IP:127.0.0.1", 1, false);
}

static void a_certificate_for_another_name_is_refused(void **state) {
    (void)state;
    expect_untrusted("DNS:huggingface.co", 1, true);
    expect_untrusted("IP:127.0.0.2", 1, true);
}

static void a_certificate_that_has_run_out_is_refused(void **state) {
    (void)state;
    expect_untrusted("IP:127.0.0.1", 1001, true);
}

static void a_certificate_that_is_vouched_for_is_taken(void **state) {
    (void)state;
    identity id = make_identity("IP:127.0.0.1", 1);
    hub_server *s = start_tls(&id);
    udy_hub_file file;
    write_certificate(&id, at_root("ca.pem"));
    snprintf(config.ca_file, sizeof config.ca_file, "%s", at_root("ca.pem"));
    expect_fetch(&file, README);
    expect_content(file.path, CARD, strlen(CARD));
    expect_fetch(&file, WEIGHTS);
    expect_content(file.path, big, BIG);
    assert_string_equal(s->asked[0].auth, "Bearer " TOKEN);
    // From https there is no way back to http, not even to the loopback.
    s->storage = storage;
    s->file[1].hash[0] ^= 1;
    expect_error(WEIGHTS, UDY_EFORMAT, "only https is followed");
    assert_int_equal(storage->n_asked, 0);
    // What the cache has still serves where the certificate has become a bad one, and it is said.
    config.ca_file[0] = '\0';
    expect_fetch(&file, README);
    assert_non_null(strstr(messages, "certificate is not trusted"));
    snprintf(config.ca_file, sizeof config.ca_file, "%s", at_root("no-such.pem"));
    expect_error("hf://" HUB_REPO "/other", UDY_EPERM, "certificate");
    stop_tls(s, id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_certificate_that_nobody_vouches_for_is_refused),
        HUB_TEST(a_certificate_for_another_name_is_refused),
        HUB_TEST(a_certificate_that_has_run_out_is_refused),
        HUB_TEST(a_certificate_that_is_vouched_for_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
