/* Dialogues about PINs (pinentry.h), one at a time in a process: a second one waits until the first has
 * ended. While a person types neither the card nor the slot is held. */
#pragma once
#include "card/base/secret.h"
#include "core/call.h"

/* Waits for its turn; after CKR_OK ask_end has to follow. CKR_ARGUMENTS_BAD: nobody can be asked (the setting
 * pin-entry). What the caller checked before it has to check again: others were let in. */
CK_RV ask_begin(struct call *c, CK_SESSION_HANDLE session);
void ask_end(struct call *c);

/* Between these two. The answers are the caller's to free; NULL after failure. What a dialogue says is made
 * from what the card tells: 0 to 3 exchanges. CKR_PIN_LOCKED, CKR_FUNCTION_REJECTED: asking would be in
 * vain. */
CK_RV ask_login(struct call *c, CK_SESSION_HANDLE session, CK_USER_TYPE user, struct secret **pin);
/* C_SetPIN and C_InitPIN with what a person types: the old one, the new one and the new one again. */
CK_RV ask_set_pin(struct call *c, CK_SESSION_HANDLE session);
CK_RV ask_init_pin(struct call *c, CK_SESSION_HANDLE session);
