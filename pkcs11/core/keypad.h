/* PINs that are typed at the reader's own keypad: the module never has them. */
#pragma once
#include "core/core.h"

/* The slot's reader has a keypad and may use it (the setting pin-pad). 0 exchanges, or 1 when nothing was
 * asked of the card before. */
bool keypad_here(struct slot *s);
/* And it can change a PIN, too. */
bool keypad_changes(struct slot *s);
/* Inside a transaction with PIV selected: the reader asks for the PIN and sends it. CKR_FUNCTION_CANCELED:
 * nobody typed one, or the cancel key; CKR_PIN_LEN_RANGE: too short or too long, nothing was sent. The slot
 * is held meanwhile, for 30 seconds at most. */
CK_RV keypad_verify(struct slot *s);
/* The same for CHANGE REFERENCE DATA. CKR_PIN_INVALID: the new ones differ, or the card doesn't like it. */
CK_RV keypad_change(struct slot *s);
