// What a certificate of the Korean PKI is for, told from its policy.
#pragma once

#include <openssl/x509.h>
#include <stddef.h>

struct npki_policy {
    const char *oid;
    const char *ca;    // who issues under it
    const char *words; // to be translated
};

// Writes the certificate's first policy OID ("" when it has none) and returns its row, or NULL.
const struct npki_policy *npki_policy_of(const X509 *certificate, char *oid, size_t size);
