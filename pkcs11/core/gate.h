/* Keys that want a one-time code beside the PIN (docs/otp-card.md): gate "once", one code a login, which
 * becomes a ticket; gate "always", one code a use. On other cards nothing here sends anything, and no key has
 * a gate. */
#pragma once
#include "core/core.h"

/* Inside a transaction (TOKEN_TRY will do): what the card says of codes and gates; keys' attributes follow. 0
 * exchanges on other cards, else 1. */
CK_RV gates_read(struct slot *s);
/* The same when it isn't known yet. */
CK_RV gates_learn(struct slot *s);
/* There is something to learn. 0 exchanges. */
bool gates_due(const struct slot *s);
/* Nothing is known any more. 0 exchanges. */
void gates_forget(struct slot *s);

/* An entry that is longer than a PIN: PIN and code, and no login yet. */
bool gates_is_both(struct rd entry);
/* Presents both, keeps the ticket, and lets the card forget the PIN: at most 7 exchanges. *pin is the entry's
 * part. */
CK_RV gates_login(struct slot *s, struct rd entry, struct rd *pin);
/* C_Login(CKU_CONTEXT_SPECIFIC) for a key with the gate "always": the code is looked at, not sent: 2
 * exchanges. */
CK_RV gates_context(struct slot *s, struct operation *op, struct rd code);
/* Inside a transaction, the PIN being verified: sends the operation's code, once. The next command has to be
 * the operation. CKR_USER_NOT_LOGGED_IN: the card didn't take it; another one may be given. */
CK_RV gates_permit(struct slot *s, struct operation *op);
/* The ticket is given back: 0 exchanges without one, else 2 or 3. */
void gates_release(struct slot *s);
/* What a dialogue has to say: the operation that waits for a login wants a code; a key wants one a login. */
bool gates_wants_code(const struct session *se);
bool gates_any_once(const struct slot *s);
/* The card's word on the tries of the code, as flags of CK_TOKEN_INFO. */
CK_FLAGS gates_flags(const struct slot *s);
