// A management key that the PIN opens: kept in an object that only the PIN makes readable, as ykman does it.
#pragma once
#include "card/base/secret.h"
#include "card/piv/sequence.h"

#define PIV_SALT_SIZE 16

// What 5FFF00 says about the management key (ykman's "admin data": 80 { 81 flags, 82 salt, 83 time }).
struct piv_adminpin {
    bool puk_blocked; // on purpose, by whoever set this up
    bool stored;      // the key is in the printed information, 5FC109
    bool derived;     // older: the key is derived from the PIN with this salt
    uint8_t salt[PIV_SALT_SIZE];
    uint32_t changed; // the PIN's last change, Unix time; 0: not told
};

// Parsers and builders of the two objects' contents, without a card. Empty *out after false.
MUST_USE bool piv_adminpin_parse(struct rd content, struct piv_adminpin *out);
MUST_USE bool piv_adminpin_build(struct wr *w, const struct piv_adminpin *data);
// 88 { 89 key }, the key 16, 24 or 32 bytes.
MUST_USE bool piv_adminpin_key_parse(struct rd content, struct rd *key);
MUST_USE bool piv_adminpin_key_build(struct wr *w, struct rd key);

// With PIV selected. Costs are those of GET DATA and PUT DATA.
// What the card says; all false where it says nothing (no such object: E_OK). 1.
MUST_USE enum err piv_adminpin_read(struct card *c, struct piv_adminpin *out);
// The key, with the PIN verified in this transaction. 2. E_NOT_FOUND: the card keeps none (also when it keeps
// a derived one only); E_AUTH_NEEDED: the PIN isn't verified. *key is the caller's to free; NULL after
// failure.
MUST_USE enum err piv_adminpin_key(struct card *c, struct secret **key);
// Keeps a key, with the management key authenticated: first the key (5FC109), then the note about it
// (5FFF00), so that the note is never there without the key. Replaces the printed information. 3: the note is
// read first and its other fields stay.
MUST_USE enum err piv_adminpin_keep(struct card *c, struct rd key);
// The reverse: first the note, then the key. 3.
MUST_USE enum err piv_adminpin_drop(struct card *c);
