// The tool's side of CMP (RFC 4210) over HTTP (RFC 6712), with OpenSSL's client.
#pragma once

#include "card/base/secret.h"
#include "fault.h"

#include <openssl/x509.h>
#include <stdbool.h>

enum cmp_verdict {
    CMP_ACCEPT,   // confirm it to the CA
    CMP_REJECT,   // tell the CA that it is not accepted
    CMP_POSTPONE, // tell the CA nothing: the next run asks again
};

// Called once with the certificate that arrived, before anything is confirmed. The certificates in ca were
// protected by the shared secret. Everything belongs to the caller of this function; a fault set in it
// stands.
typedef enum cmp_verdict cmp_accept_fn(void *arg, X509 *certificate, STACK_OF(X509) * ca,
                                       STACK_OF(X509) * extra);

struct cmp_request {
    const char *url;    // http://HOST[:PORT][/PATH], or https://
    const char *tls_ca; // for https: the CAs to trust (PEM); NULL: the system's
    const char *reference;
    const struct secret *code;
    const X509_NAME *subject; // what to ask for
    unsigned timeout;         // seconds for each wait
    EVP_PKEY *key;            // signs the proof of possession
    cmp_accept_fn *accept;
    void *arg;
};

// Whether the URL, and tls_ca with it, can be used at all. EXIT_USAGE otherwise.
enum exit_code cmp_url_check(const char *url, const char *tls_ca, struct fault *fault);

// Whether somebody listens there (EXIT_UNREACHABLE); nothing is sent.
enum exit_code cmp_reach(const char *url, unsigned timeout, struct fault *fault);

// Asks the CA something harmless (genm) under reference and code: EXIT_REFUSED if it does not accept them. A
// CA that does not answer such questions passes.
enum exit_code cmp_probe(const struct cmp_request *request, struct fault *fault);

// Requests the certificate (ir), has it judged by accept, and confirms. EXIT_OK: accepted and confirmed.
// Faults: EXIT_UNREACHABLE, EXIT_REFUSED, EXIT_PENDING, or what accept has set. *confirmed: the CA refused
// because the certificate of this request is confirmed already (certConfirmed).
enum exit_code cmp_issue(const struct cmp_request *request, bool *confirmed, struct fault *fault);
