/* What login.c, keypad.c and so.c share about PINs; for these files only. */
#pragma once
#include "core/login.h"

/* What may be kept of a PIN or code that was sent. false: no memory. */
bool pin_tag(struct slot *s, uint8_t ref, struct rd pin, uint8_t tag[TAG_SIZE]);
void pin_remember_failure(struct slot *s, uint8_t ref, struct rd pin);
/* Notes what the card said to the user's PIN: its tries, and the others are told. */
CK_RV pin_result(struct slot *s, enum err e, int tries);
/* Failures no longer count: the PIN was right, or is a new one. */
void pin_forgive(struct slot *s);
/* Inside a transaction with PIV selected. CKR_PIN_INCORRECT: this one failed before and isn't sent again. */
CK_RV pin_check_failed(struct slot *s, uint8_t ref, struct rd pin);
/* The same. CKR_PIN_LOCKED; CKR_FUNCTION_REJECTED: only the last try is left. */
CK_RV pin_check_tries(struct slot *s);
/* The same. After a reset the card could be another one: only its identity tells. CKR_USER_NOT_LOGGED_IN: it
 * is, or might be. */
CK_RV pin_same_card(struct slot *s);
/* The same. Sends the PIN once. */
CK_RV pin_verify(struct slot *s, struct rd pin);
CK_RV pin_keep(struct slot *s, struct rd pin);
