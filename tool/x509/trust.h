// Whether a certificate that a CA sent may be written on a token: it must hold the key and chain to a CA that
// is trusted.
#pragma once

#include "fault.h"

#include <openssl/x509.h>
#include <stdbool.h>

// Where trust comes from, in this order: the file given with --ca; the CA pinned at an earlier issue from the
// same desk; the CA certificates in an answer protected by reference number and code (RFC 4210 5.3.2: whoever
// knows the shared secret may set the trust anchor). The last are pinned once the certificate is on the
// token.
struct trust {
    const char *ca_file;        // or NULL
    const char *issuer;         // the desk's URL: what a pin belongs to
    STACK_OF(X509) * received;  // protected by the shared secret; not owned, may be NULL
    STACK_OF(X509) * untrusted; // further certificates to build the chain with; not owned, may be NULL
};

// The trust anchors that count, the caller's. *pinned: they come from the pin; *fresh: from the answer
// itself. EXIT_MISMATCH: there are none.
enum exit_code trust_anchors(const struct trust *trust, STACK_OF(X509) * *out, bool *pinned, bool *fresh,
                             struct fault *fault);

// Checks that certificate holds key, is valid now and chains to a trust anchor. EXIT_MISMATCH otherwise.
// *pin tells whether trust_pin is due.
enum exit_code trust_check(const struct trust *trust, X509 *certificate, EVP_PKEY *key, bool *pin,
                           struct fault *fault);

// Keeps the received CA certificates as the pin of this desk.
enum exit_code trust_pin(const struct trust *trust, struct fault *fault);
