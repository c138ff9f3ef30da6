// A public key as a PIV card tells it (SP 800-73-4 part 2, 3.3.2; Yubico for Ed25519 and X25519).
#pragma once
#include "card/base/wr.h"
#include "card/piv/table.h"

#define PIV_MODULUS_MAX  512
#define PIV_EXPONENT_MAX 8
#define PIV_POINT_MAX    133

// Owns its bytes. Big-endian, no leading zeros in RSA's numbers; a point is 04 || X || Y, or 32 bytes.
struct piv_public {
    const struct piv_algorithm *algorithm; // NULL: empty
    uint8_t modulus[PIV_MODULUS_MAX];
    size_t modulus_len;
    uint8_t exponent[PIV_EXPONENT_MAX];
    size_t exponent_len;
    uint8_t point[PIV_POINT_MAX];
    size_t point_len;
};

// Parses the contents of a 7F49 (81 82 or 86) as the given algorithm. Sizes must be exactly the algorithm's,
// the modulus and exponent odd. false: *out is empty.
MUST_USE bool piv_public_parse(struct rd content, const struct piv_algorithm *algorithm,
                               struct piv_public *out);
