// Several commands that belong together; each says what it sends.
#pragma once
#include "card/piv/command.h"
#include "card/piv/content.h"

// Makes sure that PIV is selected, sending as little as is known to do: 0 when it was ensured in this
// transaction; 1 (GET DATA of the Discovery object, which leaves the PIN state alone) when it was in an
// earlier one; 1 (SELECT) after a reset or at first; 2 when the Discovery object shows that it isn't. Cards
// without that object get a SELECT. Before every VERIFY, CHANGE or RESET RETRY COUNTER this has to have been
// called in the same transaction.
MUST_USE enum err piv_ensure(struct card *c);

// How piv_forget made the card forget its PIN.
enum piv_forgot { PIV_FORGOT_VERIFY, PIV_FORGOT_SELECT, PIV_FORGOT_RESET_NEEDED };
// Ends the PIN's verification: VERIFY with P1 = FF (1); where the card lacks that, SELECT of another applet
// that exists (1 or 2; PIV is then deselected); where there is none, *how says that the transaction has to
// end with TP_RESET.
MUST_USE enum err piv_forget(struct card *c, enum piv_forgot *how);
// Ends the authentication of the management key as well as the PIN's, by leaving PIV: SP 800-73-4 part 2,
// 3.1.1 has all security status go with the selection of another application, and stay with PIV's own. SELECT
// of another applet that exists, 1 (one that the card hasn't is tried once a connection); where there is
// none, 0 and *how says that the transaction has to end with TP_RESET.
MUST_USE enum err piv_leave(struct card *c, enum piv_forgot *how);

// Who this card is, so that a PIN never goes to another one.
enum card_identity_kind { IDENTITY_NONE, IDENTITY_SERIAL, IDENTITY_GUID };
struct card_identity {
    enum card_identity_kind kind;
    uint8_t len;
    uint8_t bytes[PIV_GUID_SIZE]; // serial: 4 bytes, big-endian; GUID: 16
};
// With PIV selected. 1: GET SERIAL on a card whose ATR is a YubiKey's (CAP_SERIAL), else the CHUID; 2 when
// that has no GUID (then GET SERIAL is tried, once for a connection). IDENTITY_NONE with E_OK: a blank plain
// card.
MUST_USE enum err piv_identity(struct card *c, struct card_identity *out);
// Same kind, same bytes; NONE is never the same as anything.
bool card_identity_same(const struct card_identity *a, const struct card_identity *b);

// A certificate of a slot, decompressed, by the caller's-buffer rule of rd_store (out NULL asks for the
// length). As many as GET DATA. E_NOT_FOUND: none.
MUST_USE enum err piv_read_certificate(struct card *c, const struct piv_slot *slot, uint8_t *out,
                                       size_t *len);
// The same from the content of its object. 0.
MUST_USE enum err piv_unpack_certificate(struct card *c, struct rd content, uint8_t *out, size_t *len);
// Writes one; compressed when compress says so, or when it is longer than plain_max (0: never for that). As
// many as PUT DATA.
MUST_USE enum err piv_write_certificate(struct card *c, const struct piv_slot *slot, struct rd der,
                                        bool compress, size_t plain_max);
// Removes it: PUT DATA with nothing. 1.
MUST_USE enum err piv_delete_certificate(struct card *c, const struct piv_slot *slot);
