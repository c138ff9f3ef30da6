// Certificate and key of a PFX (PKCS#12, RFC 7292), read from untrusted bytes.
#pragma once

#include "key.h"

// Which of a person's two pairs is meant: the one that signs, or the one that decrypts (km).
enum npki_use { NPKI_SIGN, NPKI_KM };

// Whether the certificate's key usage has this use (a certificate without that extension has any).
bool npki_certificate_serves(X509 *certificate, enum npki_use use);

// Reads the outer structure; NULL: it is no PFX, or something follows it.
PKCS12 *npki_pfx_parse(struct rd der);

// The certificate for this use among those that stand in it unencrypted, or NULL. The caller frees.
X509 *npki_pfx_clear_certificate(PKCS12 *pfx, enum npki_use use);

// Checks the MAC, opens keys and certificates, and gives the pair for this use (the only pair, if there is
// one). EXIT_PIN: the password is wrong; EXIT_MISMATCH: no key, no fitting certificate, or damaged. Both
// outputs are empty after a fault; otherwise the caller's.
enum exit_code npki_pfx_open(struct npki_crypto *crypto, PKCS12 *pfx, struct rd password, enum npki_use use,
                             struct npki_key *key, X509 **certificate, struct fault *fault);
