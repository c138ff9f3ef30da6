// Kinds of PIV cards: how one is recognised, what it can do, what it does differently. Capabilities, not
// vendor names.
#pragma once
#include "card/card.h"
#include "card/piv/public.h"

enum card_cap {
    CAP_VERSION = 1 << 0,  // tells its firmware's version
    CAP_SERIAL = 1 << 1,   // tells its serial number
    CAP_METADATA = 1 << 2, // tells what is in a slot, and the tries left, without a PIN
    CAP_POLICY = 1 << 3,   // PIN and touch policies at generation and import
    CAP_IMPORT = 1 << 4,
    CAP_ATTEST = 1 << 5,
    CAP_MOVE = 1 << 6, // moves and deletes keys
    CAP_SET_TRIES = 1 << 7,
    CAP_RESET = 1 << 8,       // back to factory values once PIN and PUK are blocked
    CAP_SET_ADMIN = 1 << 9,   // changes the management key
    CAP_ADMIN_AES = 1 << 10,  // management keys other than 3DES
    CAP_RSA_LARGE = 1 << 11,  // RSA-3072 and -4096
    CAP_CURVE25519 = 1 << 12, // Ed25519 and X25519
    CAP_TOUCH_CACHED = 1 << 13,
    CAP_CODES = 1 << 15, // keys can want a one-time code beside the PIN (card/piv/gate.h)
    CAP_OATH = 1 << 14,  // makes one-time passwords (card/oath/), unless that was switched off
};

// What a slot holds, or the state of a PIN, PUK or management key.
struct driver_metadata {
    uint8_t algorithm; // piv_algorithm's or piv_cipher's id; FF: a PIN or PUK
    enum piv_pin pin;
    enum piv_touch touch;
    bool generated;  // made on the card (else imported)
    bool is_default; // the factory's value
    int tries_total; // -1: not told
    int tries_left;
    struct piv_public public_key; // algorithm NULL: not told
};

// A private key to import, in the caller's memory. RSA: p, q, dp, dq, qinv; otherwise secret. Lengths are
// checked against algorithm.
struct driver_private {
    const struct piv_algorithm *algorithm;
    struct rd p, q, dp, dq, qinv;
    struct rd secret;
};

struct piv_cipher;

#define DRIVER_MOVE_NOWHERE 0xFF

// A kind of card. A NULL function: such a card can't. A new kind is one file with one of these and its row in
// driver.c.
struct driver {
    const char *name;                         // for messages: "PIV", "YubiKey"
    bool (*knows_atr)(struct rd atr);         // certain by the ATR's historical bytes? NULL: never
    uint32_t atr_caps;                        // what every card known by its ATR can do
    bool (*knows_answer)(struct rd template); // certain by the answer to SELECT? NULL: never
    uint32_t answer_caps;                     // all that a card known by that can do
    enum err (*learn)(struct card *c); // sends what fills facts.caps; E_UNSUPPORTED: not a card of this kind
    enum err (*serial)(struct card *c, uint32_t *serial);
    enum err (*metadata)(struct card *c, uint8_t ref, struct driver_metadata *out);
    enum err (*import)(struct card *c, const struct piv_slot *slot, const struct driver_private *key,
                       enum piv_pin pin, enum piv_touch touch);
    enum err (*attest)(struct card *c, const struct piv_slot *slot, struct rd *certificate);
    enum err (*move)(struct card *c, uint8_t from, uint8_t to); // to DRIVER_MOVE_NOWHERE: delete
    enum err (*set_tries)(struct card *c, uint8_t pin, uint8_t puk);
    enum err (*reset)(struct card *c);
    enum err (*set_admin)(struct card *c, const struct piv_cipher *cipher, struct rd key, bool touch);
};

// The kind by the ATR alone: a YubiKey says so there, else plain PIV. 0 APDUs; card_open calls it.
const struct driver *driver_guess(struct rd atr);
// What a card of this ATR can do for certain. 0 APDUs.
uint32_t driver_atr_caps(struct rd atr);
// piv_select calls it with the answer; 0 APDUs.
void driver_selected(struct card *c, struct rd template);
// Keys of this card can want a code: known since PIV was selected. 0 APDUs.
bool driver_wants_codes(const struct card *c);
// It is certain, without asking, that the card tells a serial number. 0 APDUs.
bool driver_has_serial(const struct card *c);
// What the card can do. 0 when known on this connection, else 1 (GET VERSION; a plain card refuses it), after
// which card->driver is certain. With PIV selected. *caps is 0 after failure.
MUST_USE enum err driver_caps(struct card *c, uint32_t *caps);
// driver_caps once more, as a question. E_OK: it has cap; E_UNSUPPORTED: it hasn't.
MUST_USE enum err driver_needs(struct card *c, enum card_cap cap);

// With PIV selected. Each costs the 1 / short lengths said, plus what driver_caps costs the first time (not
// for driver_serial and driver_metadata on a card known by its ATR). Without the capability: E_UNSUPPORTED.
MUST_USE enum err driver_version(struct card *c, uint8_t version[3]); // 1, then 0
MUST_USE enum err driver_serial(struct card *c, uint32_t *serial);    // 1
// ref: a key slot, PIV_REF_PIN, PIV_REF_PUK or PIV_REF_ADMIN. 1 / 1..3. E_NOT_FOUND: an empty slot.
MUST_USE enum err driver_metadata(struct card *c, uint8_t ref, struct driver_metadata *out);
// The next need the management key. 1 / 1..6. Replaces the slot's key.
MUST_USE enum err driver_import(struct card *c, const struct piv_slot *slot, const struct driver_private *key,
                                enum piv_pin pin, enum piv_touch touch);
// Moves a key to another slot (that one must be empty: E_CONDITIONS). 1.
MUST_USE enum err driver_move(struct card *c, const struct piv_slot *from, const struct piv_slot *to);
MUST_USE enum err driver_delete(struct card *c, const struct piv_slot *slot); // 1
// Also needs the PIN verified. Sets PIN and PUK back to the factory's values. 1.
MUST_USE enum err driver_set_tries(struct card *c, uint8_t pin, uint8_t puk);
// key: cipher->key bytes. 1.
MUST_USE enum err driver_set_admin(struct card *c, const struct piv_cipher *cipher, struct rd key,
                                   bool touch);
// These need nothing. A DER certificate that vouches for the slot's key, 1 / 1..5.
MUST_USE enum err driver_attest(struct card *c, const struct piv_slot *slot, struct rd *certificate);
// Everything of the applet is erased; E_CONDITIONS unless PIN and PUK are blocked. 1.
MUST_USE enum err driver_reset(struct card *c);
