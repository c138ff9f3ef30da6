// The PIV card commands, one function each, one file each (SP 800-73-4 part 2, clause 3).
//
// Each sends exactly one command; "APDUs" gives what it costs with / without extended length (chan.h). PIV
// must be selected where it isn't said otherwise (piv_ensure in sequence.h); nothing here selects. After
// failure outputs are empty and card->trail tells more. Views are valid until the next call on the card or
// card_end. E_RESET, E_EXCHANGED, E_NO_CARD, E_NO_SERVICE, E_IO and E_MALFORMED can come from every one.
#pragma once
#include "card/card.h"
#include "card/piv/public.h"

// SELECT by the PIV AID (3.1.1). 1 / 1. E_NOT_PRESENT: no such applet. What the card says about itself isn't
// needed for anything and is only checked to be there.
MUST_USE enum err piv_select(struct card *c);

// GET DATA (3.1.2). 1 / 1 + one for each further 256 bytes. *content: what the object holds, without its 53
// (7E for Discovery, 7F61 for biometrics). E_NOT_FOUND: no such object, or an empty one. E_AUTH_NEEDED: PIN
// first.
MUST_USE enum err piv_get_data(struct card *c, uint32_t tag, struct rd *content);

// The same, but only what comes with the first answer. 1 / 1. *head: the beginning of what the object holds,
// *total its length. For objects in a 53 alone (else E_ARGUMENT).
MUST_USE enum err piv_get_data_head(struct card *c, uint32_t tag, struct rd *head, size_t *total);

// PUT DATA (3.3.1), with the management key authenticated. 1 / 1 for each 255 bytes. Empty content deletes.
// content may be at most PIV_OBJECT_MAX bytes; not a view of this card's own answers. E_NO_SPACE,
// E_AUTH_NEEDED.
#define PIV_OBJECT_MAX 65000
MUST_USE enum err piv_put_data(struct card *c, uint32_t tag, struct rd content);

// VERIFY (3.2.1). 1 / 1. ref: PIV_REF_PIN or PIV_REF_GLOBAL_PIN. pin: 1 to 8 bytes, none FF, filled up here;
// anything else is E_ARGUMENT and nothing is sent. E_PIN_WRONG with *tries, E_PIN_BLOCKED (*tries 0). tries
// may be NULL; -1: unknown.
MUST_USE enum err piv_verify(struct card *c, uint8_t ref, struct rd pin, int *tries);
// VERIFY with a PIN that is typed at the reader's own keypad (card->conn->pad says whether there is one;
// E_UNSUPPORTED otherwise). 1 / 1. seconds: how long it waits for the first key. E_TIMEOUT, E_CANCELLED,
// E_ARGUMENT (too short or too long): nothing was sent to the card, no try used.
MUST_USE enum err piv_verify_pad(struct card *c, uint8_t ref, uint8_t seconds, int *tries);
// CHANGE REFERENCE DATA with both values typed there (card->conn->pad_change). The same; E_REFUSED also: the
// new ones differ, nothing was sent.
MUST_USE enum err piv_change_pad(struct card *c, uint8_t ref, uint8_t seconds, int *tries);
// The tries left, without using one: VERIFY with empty body. 1 / 1. *verified: it is verified now (then
// *tries is -1, the card doesn't say). A blocked one gives E_OK with 0.
MUST_USE enum err piv_tries(struct card *c, uint8_t ref, int *tries, bool *verified);
// VERIFY with P1 = FF: the reference is no longer verified. 1 / 1, or 0 and E_UNSUPPORTED when the card is
// known not to.
MUST_USE enum err piv_unverify(struct card *c, uint8_t ref);

// CHANGE REFERENCE DATA (3.2.2). 1 / 1. ref: PIN, global PIN or PUK. Both values 1 to 8 bytes, as above.
MUST_USE enum err piv_change(struct card *c, uint8_t ref, struct rd old, struct rd fresh, int *tries);
// RESET RETRY COUNTER (3.2.3): a new PIN by the PUK. 1 / 1. *tries are the PUK's.
MUST_USE enum err piv_unblock(struct card *c, uint8_t ref, struct rd puk, struct rd fresh, int *tries);

// GENERATE ASYMMETRIC KEY PAIR (3.3.2), with the management key authenticated. 1 / 1 or 2. Replaces the
// slot's key. Policies other than DEFAULT are for cards with CAP_POLICY (driver.h), else E_UNSUPPORTED and
// nothing sent.
MUST_USE enum err piv_generate(struct card *c, const struct piv_slot *slot,
                               const struct piv_algorithm *algorithm, enum piv_pin pin, enum piv_touch touch,
                               struct piv_public *out);

// GENERAL AUTHENTICATE with a private key (3.2.4). 1 / 1, or for RSA ceil((block+12)/255) and one more for
// each further 256 bytes. May be sent optimistically: E_AUTH_NEEDED, E_UNSUPPORTED or E_NOT_FOUND can mean
// that another program selected something else. E_NOT_FOUND or E_REFUSED or E_CONDITIONS or E_UNSUPPORTED: no
// such key, as cards differ.
//
// RSA: input is a block of exactly algorithm->block bytes; *output has the same size (private-key operation:
// sign, decrypt). EC: input is a digest of at most block bytes (a longer one is E_ARGUMENT: cut it to the
// leftmost bytes before, FIPS 186-4 6.4); *output is the DER SEQUENCE of r and s, checked to be one. Ed25519:
// input is the message, *output 64 bytes.
MUST_USE enum err piv_sign(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                           struct rd input, struct rd *output);
// RSA decryption of one block; the padding is still on. The plain block isn't traced; card_end wipes it.
MUST_USE enum err piv_decrypt(struct card *c, const struct piv_slot *slot,
                              const struct piv_algorithm *algorithm, struct rd input, struct rd *output);
// Key agreement (EC, X25519). point: algorithm->point bytes. *secret: algorithm->block bytes (the x
// coordinate).
MUST_USE enum err piv_agree(struct card *c, const struct piv_slot *slot,
                            const struct piv_algorithm *algorithm, struct rd point, struct rd *secret);
