// Puts a TLS layer on the HTTP client's connection and takes it off again.
#include "tls.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

enum exit_code cmp_tls_new(struct cmp_tls *tls, const char *ca_file, const char *host, struct fault *fault)
{
    *tls = (struct cmp_tls){.ctx = SSL_CTX_new(TLS_client_method()), .verified = X509_V_OK};
    snprintf(tls->host, sizeof tls->host, "%s", host);
    if (tls->ctx == NULL || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1)
        return fault_set(fault, EXIT_OTHER, _("Out of memory."));
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    bool ready = ca_file != NULL ? SSL_CTX_load_verify_file(tls->ctx, ca_file) == 1
                                 : SSL_CTX_set_default_verify_paths(tls->ctx) == 1;
    ERR_clear_error();
    if (ready)
        return EXIT_OK;
    return fault_set(fault, EXIT_USAGE, _("No certificate could be read from %s."),
                     ca_file != NULL ? ca_file : "/etc/ssl");
}

void cmp_tls_free(struct cmp_tls *tls)
{
    SSL_CTX_free(tls->ctx);
    tls->ctx = NULL;
}

// An address is looked for among the certificate's addresses, a name among its names.
static bool expect_host(SSL *ssl, const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    if (address != NULL)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static BIO *layer(BIO *below, struct cmp_tls *tls)
{
    BIO *out = BIO_new(BIO_f_ssl());
    SSL *ssl = SSL_new(tls->ctx);
    if (out == NULL || ssl == NULL || !expect_host(ssl, tls->host)) {
        BIO_free(out);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    BIO_set_ssl(out, ssl, BIO_CLOSE);
    return BIO_push(out, below);
}

BIO *cmp_tls_wrap(BIO *bio, void *arg, int connect, int detail)
{
    struct cmp_tls *tls = arg;
    SSL *ssl = NULL;
    if (connect)
        return detail ? layer(bio, tls) : NULL;
    if (BIO_get_ssl(bio, &ssl) > 0 && ssl != NULL)
        tls->verified = SSL_get_verify_result(ssl);
    // The error that ended the transfer is what the person is told, not one of the farewell.
    ERR_set_mark();
    BIO_ssl_shutdown(bio);
    BIO *below = BIO_pop(bio);
    BIO_free(bio);
    ERR_pop_to_mark();
    return below;
}
