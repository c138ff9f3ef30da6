// Which desk a certificate came from.
#pragma once

#include "run.h"

#include <openssl/x509.h>

struct desk_address {
    char issuer[512];
    char tls_ca[4096]; // "": the system's
};

// The issuer of --issuer; else of the record of this token, where the certificate must be known; else
// fallback (may be ""). Asked whether somebody is there, unless main has done it. EXIT_USAGE when it is not
// known.
enum exit_code desk_find(struct run *run, const char *token, const X509 *certificate, const char *fallback,
                         struct desk_address *out);

// For cmp_request and struct issue: NULL for the system's CAs.
const char *desk_tls_ca(const struct desk_address *desk);
