/* The certificates of attestation: what a card says about a key, the card's own, and the root of all of them.
 */
#ifndef FW_CRYPTO_CERT_H
#define FW_CRYPTO_CERT_H

#include "hal/crypto.h"

struct crypto_attestation {
    const struct crypto_key *key; /* whose certificate it is */
    char subject[64];             /* common name */
    uint8_t version[3];
    uint32_t serial;
    uint8_t pin_policy, touch_policy, form_factor;
};

/* The key of all simulated cards that attest, the caller's; NULL: no memory. */
struct crypto_key *crypto_attestation_key(void);

/* All of these write DER and give its length, 0 after failure. */

/* The certificate of a key, signed by the attestation key whose own certificate is issuer. */
size_t crypto_attest(const struct crypto_attestation *what, const struct crypto_key *attestor,
                     const uint8_t *issuer, size_t issuer_len, uint8_t *out, size_t cap);
/* The certificate of a card's attestation key, signed by the simulator's root. */
size_t crypto_attestation_certificate(const struct crypto_key *attestor, uint8_t *out, size_t cap);
/* The simulator's root. Its private key is in this program: it proves nothing but that a test works. */
size_t crypto_attestation_root(uint8_t *out, size_t cap);

/* DER as PEM (RFC 7468) with a final NUL; its length without that, 0 when it does not fit. */
size_t crypto_certificate_pem(const uint8_t *der, size_t len, char *out, size_t cap);

#endif
