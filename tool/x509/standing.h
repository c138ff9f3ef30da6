// Whether a certificate is revoked or suspended: asked of its CA by OCSP (RFC 6960), else by its CRL (RFC
// 5280).
#pragma once

#include "fault.h"

#include <openssl/x509.h>

enum standing {
    STANDING_UNASKED, // nobody is known to be asked
    STANDING_GOOD,
    STANDING_SUSPENDED,
    STANDING_REVOKED,
    STANDING_UNKNOWN, // the CA doesn't know it
};

struct standing_question {
    X509 *certificate;
    STACK_OF(X509) * trusted; // its CA is one of them
    const char *desk;         // the CMP address of the desk: /ocsp and /ca.crl are beside it; NULL: unknown
    const char *tls_ca;       // for https, or NULL
    unsigned timeout;         // seconds
};

struct standing_answer {
    enum standing standing;
    const char *source; // "ocsp" or "crl"; NULL: not asked
    int reason;         // CRLReason, -1: none told
    char since[32];     // when it was revoked or suspended; ""
};

// The addresses in the certificate come first, then those beside the desk. EXIT_OK also for STANDING_UNASKED.
// Faults: EXIT_UNREACHABLE; EXIT_MISMATCH when what was answered is not signed by the CA, or is too old.
enum exit_code standing_ask(const struct standing_question *question, struct standing_answer *answer,
                            struct fault *fault);
