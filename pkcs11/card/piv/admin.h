// Authentication of the management key, 9B (SP 800-73-4 part 2, A.1: mutual authentication).
#pragma once
#include "card/card.h"
#include "card/piv/table.h"

// The ciphers come from the caller (card/ has no cryptography). One block of cipher->block bytes, ECB.
struct piv_crypto {
    void *ctx;
    enum err (*encrypt)(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out);
    enum err (*decrypt)(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out);
    enum err (*random)(void *ctx, uint8_t *out, size_t n);
};

// Mutual authentication with this cipher. 2 / 2. key: cipher->key bytes. E_ADMIN_WRONG: the card refused our
// answer; E_UNSUPPORTED: its key isn't for this cipher; E_MALFORMED: the card couldn't prove that it has the
// key too.
MUST_USE enum err piv_admin(struct card *c, const struct piv_crypto *crypto, const struct piv_cipher *cipher,
                            struct rd key);
// The same with the cipher found out: from metadata where the card is known to have it (1 more), else those
// that the key's length allows are offered one after the other (1 more for each refused; no try is used up).
// *used may be NULL. E_ADMIN_WRONG with *used NULL: no cipher of that key length is the card's.
MUST_USE enum err piv_admin_any(struct card *c, const struct piv_crypto *crypto, struct rd key,
                                const struct piv_cipher **used);
