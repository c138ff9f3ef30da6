// How a private key or the content of a PFX is encrypted: read from its AlgorithmIdentifier, within bounds,
// before any work is done for it.
#pragma once

#include "card/base/rd.h"
#include "crypto.h"

#include <openssl/x509.h>

struct secret;

struct npki_lock {
    const char *words;    // "SEED-CBC, PBKDF1": as the standards name it, the same in every language
    const char *legacy;   // what of it needs the legacy provider, or NULL
    unsigned long rounds; // of key derivation
    bool pbkdf1_seed;     // OpenSSL has no row for it: npki_lock_seed opens and closes it
    bool fixed_iv;        // of those, the one whose IV is a constant
};

// EXIT_UNSUPPORTED for an encryption that is not in the table (its OID is said), EXIT_MISMATCH for parameters
// out of bounds.
enum exit_code npki_lock_read(const X509_ALGOR *algorithm, struct npki_lock *out, struct fault *fault);

// Whether the rounds may be spent and the legacy provider is there if it is wanted.
enum exit_code npki_lock_allow(const struct npki_lock *lock, struct npki_crypto *crypto, struct fault *fault);

// SEED-CBC with a key from PBKDF1 (pbkdf1_seed). Opened bytes come in a secret, the caller's; NULL: bad
// padding, as from a wrong password. in holds whole blocks of 16.
struct secret *npki_lock_seed(const struct npki_lock *lock, struct npki_crypto *crypto, struct rd salt,
                              struct rd password, struct rd in, bool encrypt);

// The salt of a pbkdf1_seed algorithm, as npki_lock_read accepted it; points into a copy that the caller
// frees with ASN1_OCTET_STRING_free.
ASN1_OCTET_STRING *npki_lock_salt(const X509_ALGOR *algorithm);
