// What PKCS#11 has no words for, asked of the card itself in the reader that the slot's description names.
// Only beside Ingam's own module: what another module does with the card meanwhile is not known. Nothing is
// changed.
#pragma once

#include "card/card.h"
#include "p11/object.h"
#include "p11/token.h"

// The one reader that a slot's description (which is cut at 64 bytes) names, of TP_NAME_SIZE bytes. False:
// none, or several are alike.
struct tp;
bool side_reader(struct tp *tp, const char *description, char *name);

// Asks for the PIN's and the PUK's tries left and puts them into the token; what is not told stays -1. No try
// is used: VERIFY with an empty body, or metadata.
void side_tries(const struct module *module, struct token *token);

// Whether the key in this place (NULL: the management key) waits for a touch. False where it is not told.
bool side_touch(const struct module *module, const struct token *token, const struct piv_place *place);

// Whether the key in this place wants a one-time code for each operation (docs/otp-card.md).
bool side_wants_code(const struct module *module, const struct token *token, const struct piv_place *place);

// What of PIN, PUK and management key is still the factory's: 1 or 0, or -1 when the card does not tell.
struct side_factory {
    int pin, puk, admin;
    const char *admin_cipher; // "3DES", "AES192"...; NULL: not told
};
void side_factory(const struct module *module, const struct token *token, struct side_factory *out);

// What vouches for the key in this place: a certificate about it that the card makes (the caller frees both),
// and the maker's certificate of the card that signed that. Only for keys that were made on the card.
enum exit_code side_attest(const struct module *module, const struct token *token,
                           const struct piv_place *place, X509 **attestation, X509 **maker,
                           struct fault *fault);

// The card in a transaction with PIV selected, from side_hold that returned E_OK to side_release.
// E_UNSUPPORTED: not beside this module.
struct side {
    struct tp *tp;
    struct card card;
};
MUST_USE enum err side_hold(struct side *side, const struct module *module, const struct token *token);
void side_release(struct side *side);
// The same, and the card forgets PIN and management key, by a reset where nothing less does.
void side_forget(struct side *side);

// Authenticates with the management key (in hex) on a card that is held. EXIT_ADMIN, EXIT_USAGE.
enum exit_code side_admin(struct card *card, const struct secret *digits, struct fault *fault);

// Whether a key is in that place, also one without a certificate. EXIT_UNSUPPORTED: the card does not tell.
enum exit_code side_has_key(const struct module *module, const struct token *token,
                            const struct piv_place *place, bool *there, struct fault *fault);

// Moves the key, not its certificate, to a place without one. EXIT_UNSUPPORTED: such a token can't.
enum exit_code side_move(const struct module *module, const struct token *token, const struct secret *admin,
                         const struct piv_place *from, const struct piv_place *to, struct fault *fault);

// Gives an identity (CHUID) to a card that has none, changes the PUK unless new_puk is NULL, and sets the PIN
// with it. Done again after an interruption it finds the new PUK set already.
struct side_secrets {
    const struct secret *admin, *puk, *new_puk, *new_pin; // admin in hex
};
enum exit_code side_init(const struct module *module, const struct token *token,
                         const struct side_secrets *secrets, struct fault *fault);

// Whether the card says that it keeps its management key behind the PIN, and that key (in hex, the caller's)
// for a PIN that is known to be right. Afterwards the card has forgotten the PIN again.
bool side_protected(const struct module *module, const struct token *token);
enum exit_code side_protected_key(const struct module *module, const struct token *token,
                                  const struct secret *pin, struct secret **digits, struct fault *fault);

// Keeps the management key (in hex; it is tried first) behind the PIN, or takes it away from there.
enum exit_code side_protect(const struct module *module, const struct token *token,
                            const struct secret *admin, bool keep, struct fault *fault);

// Gives the token this label (empty: none), the management key in hex; read again afterwards. EXIT_MISMATCH:
// what else stands there isn't understood, and stays as it is.
enum exit_code side_label(const struct module *module, const struct token *token, const struct secret *admin,
                          const char *label, struct fault *fault);

// Erases everything without the management key, by blocking PIN and PUK first. EXIT_UNSUPPORTED: such a card
// can't be reset, nothing was changed. Interrupted, it goes on when it is called again.
enum exit_code side_reset(const struct module *module, const struct token *token, struct fault *fault);
