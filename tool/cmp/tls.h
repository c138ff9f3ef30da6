// TLS around the CMP client's connection: the desk has to show a certificate of a trusted CA for its host's
// name.
#pragma once

#include "fault.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

struct cmp_tls {
    SSL_CTX *ctx; // NULL: no TLS
    char host[256];
    long verified; // X509_V_OK, or what was wrong with the desk's certificate
};

// Trusts the CAs in ca_file (PEM), or the system's if it is NULL. EXIT_USAGE: the file is none.
// cmp_tls_free in any case.
enum exit_code cmp_tls_new(struct cmp_tls *tls, const char *ca_file, const char *host, struct fault *fault);
void cmp_tls_free(struct cmp_tls *tls);

// OpenSSL's OSSL_HTTP_bio_cb_t; arg is the struct cmp_tls.
BIO *cmp_tls_wrap(BIO *bio, void *arg, int connect, int detail);
