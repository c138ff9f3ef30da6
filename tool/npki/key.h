// A private key from a file (PKCS#8), with the random number R that NPKI keeps among its attributes.
#pragma once

#include "card/base/secret.h"
#include "lock.h"

#include <openssl/pkcs12.h>

// R is lost as soon as OpenSSL turns PKCS#8 into an EVP_PKEY, so both are kept.
struct npki_key {
    PKCS8_PRIV_KEY_INFO *info; // as it was in the file, attributes included
    EVP_PKEY *pkey;
    struct secret *random; // R, 20 bytes or more; NULL: the key has none
};

// Opens an encrypted key. EXIT_PIN: the password is wrong; otherwise as npki_lock_read and npki_lock_allow.
// *out is empty after a fault.
enum exit_code npki_key_open(struct npki_crypto *crypto, const X509_SIG *sealed, struct rd password,
                             struct npki_key *out, struct fault *fault);

// Takes a key that is not encrypted; info is the callee's from now on, also on a fault.
enum exit_code npki_key_take(struct npki_crypto *crypto, PKCS8_PRIV_KEY_INFO *info, struct npki_key *out,
                             struct fault *fault);

// Reads one PKCS#8 PrivateKeyInfo, nothing after it; NULL: it is none.
PKCS8_PRIV_KEY_INFO *npki_key_parse(struct rd der);

// Wipes and releases; out is empty then.
void npki_key_free(struct npki_key *key);

// The same for a PKCS#8 structure alone: OpenSSL wipes the key in it, not the attributes.
void npki_key_info_free(PKCS8_PRIV_KEY_INFO *info);

// Whether the certificate is for this key. EXIT_MISMATCH otherwise.
enum exit_code npki_key_fits(const struct npki_key *key, const X509 *certificate, struct fault *fault);

// The same without a fault.
bool npki_key_is_of(const struct npki_key *key, const X509 *certificate);
