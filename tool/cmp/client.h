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
// protected by the shared secret (with a signer: believe none of them). Everything belongs to the caller of
// this function; a fault set in it stands.
typedef enum cmp_verdict cmp_accept_fn(void *arg, X509 *certificate, STACK_OF(X509) * ca,
                                       STACK_OF(X509) * extra);

// What protects the messages: reference and code, or, when signer is set, the key of that certificate. Then
// the answers must be signed below one of the trusted certificates.
struct cmp_request {
    const char *url;    // http://HOST[:PORT][/PATH], or https://
    const char *tls_ca; // for https: the CAs to trust (PEM); NULL: the system's
    unsigned timeout;   // seconds for each wait
    const char *reference;
    const struct secret *code;
    X509 *signer;
    EVP_PKEY *signer_key;
    STACK_OF(X509) * trusted;
    // for cmp_issue
    const X509_NAME *subject; // what to ask for
    EVP_PKEY *key;            // signs the proof of possession
    cmp_accept_fn *accept;
    void *arg;
    // for cmp_tell: an InfoTypeAndValue
    const char *info_type;     // OID in dots
    const unsigned char *info; // DER of a SEQUENCE
    int info_length;
    // for cmp_revoke
    X509 *certificate; // only its issuer and serial number are told
    int reason;        // CRLReason: 6 suspends, 8 resumes, another revokes
};

// Whether the URL, and tls_ca with it, can be used at all. EXIT_USAGE otherwise.
enum exit_code cmp_url_check(const char *url, const char *tls_ca, struct fault *fault);

// Whether somebody listens there (EXIT_UNREACHABLE); nothing is sent.
enum exit_code cmp_reach(const char *url, unsigned timeout, struct fault *fault);

// Asks the CA something harmless (genm): EXIT_REFUSED if it does not accept reference and code, or would not
// renew the signer. A CA that does not answer such questions passes. *ca (may be NULL) gets the CA
// certificates that it tells, the caller's; NULL if it tells none.
enum exit_code cmp_probe(const struct cmp_request *request, STACK_OF(X509) * *ca, struct fault *fault);

// Requests a certificate (ir; with a signer kur, which renews the signer's), has it judged by accept, and
// confirms. EXIT_OK: accepted and confirmed. Faults: EXIT_UNREACHABLE, EXIT_REFUSED, EXIT_PENDING, or what
// accept has set. *confirmed: the CA refused because it has the confirmation of an earlier run
// (certConfirmed, keyUpdateWarning).
enum exit_code cmp_issue(const struct cmp_request *request, bool *confirmed, struct fault *fault);

// Revokes, suspends or resumes a certificate (rr).
enum exit_code cmp_revoke(const struct cmp_request *request, struct fault *fault);

// Tells the CA something (genm) that it must take: a refusal, or an answer that does not name its type, is a
// fault.
enum exit_code cmp_tell(const struct cmp_request *request, struct fault *fault);
