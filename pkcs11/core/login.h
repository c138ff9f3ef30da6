/* Logins: a login belongs to this process, a PIN that failed is never sent again, and none goes to another
 * card. */
#pragma once
#include "core/core.h"

/* C_Login. Verifies on the card and, unless PINs are shared, lets the card forget it again. pin: or PIN and
 * code in one (gate.h). */
CK_RV login_user(struct slot *s, struct rd pin);
/* pin: the management key in hex, or the PUK (8 characters at most). */
CK_RV login_so(struct slot *s, struct rd pin);
CK_RV login_context(struct slot *s, struct operation *op, struct rd pin);
/* The same with a PIN that is typed at the reader (keypad.h): none is kept, and each use asks there again. A
 * context login then only notes that the operation will ask. */
CK_RV login_user_at_pad(struct slot *s);
CK_RV login_context_at_pad(struct slot *s, struct operation *op);
/* C_Logout and the end of the last session: 0 exchanges unless PINs are shared or a code's ticket is kept. */
void login_release(struct slot *s);
/* The same, without talking with the card. */
void login_forget(struct slot *s);

/* Inside a transaction with PIV selected, or begun with TOKEN_TRY on a card with metadata: presents the kept
 * PIN, or has it typed at the reader (CKR_FUNCTION_CANCELED: nobody did; CKR_PIN_INCORRECT: a
 * wrong one, and the login stays). CKR_USER_NOT_LOGGED_IN when there
 * is none to present any more: then nothing was sent, or the PIN turned out wrong and the login has ended. */
CK_RV login_present(struct slot *s);
/* The same with the ticket of the login's code, with PIV certainly selected. CKR_USER_NOT_LOGGED_IN: it is
 * over, and so is the login; or the login had no code: then it stays. */
CK_RV login_present_ticket(struct slot *s);
/* After it: makes the card forget. What the transaction has to end with. */
enum tp_after login_withdraw(struct slot *s);

/* Inside a transaction with PIV selected: authenticates the management key, of the SO's login or of a user's
 * whose card keeps it behind the PIN. The transaction then has to end with s->admin_after. */
CK_RV login_admin(struct slot *s);

/* After it, and after each authentication of the management key: makes the card forget that and the PIN. What
 * the transaction has to end with. */
enum tp_after login_leave(struct slot *s);

/* C_SetPIN; C_InitPIN. */
CK_RV login_set_pin(struct slot *s, struct rd old, struct rd fresh);
/* C_SetPIN of the user's PIN with everything typed at the reader (keypad_changes). */
CK_RV login_set_pin_at_pad(struct slot *s);
/* C_InitToken: so_pin is the management key in hex. Everything of PIV on the card goes. No session is open.
 */
CK_RV login_init_token(struct slot *s, struct rd so_pin, struct rd label);
/* Whether C_InitPIN could do anything. */
CK_RV login_may_init_pin(const struct slot *s);
CK_RV login_init_pin(struct slot *s, struct rd fresh);
