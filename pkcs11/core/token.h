/* Transactions with a slot's card: connecting, noticing resets and removals, and what a token says about
 * itself. */
#pragma once
#include "core/core.h"

enum token_start {
    TOKEN_PIV, /* PIV is certainly selected */
    TOKEN_TRY, /* it was when last seen: send what is safe, and ask token_again about each error until one
                  passes */
};
/* Connects if needed and begins a transaction. After CKR_OK token_end has to follow, after anything else it
 * must not. A card that was exchanged under open sessions: CKR_DEVICE_REMOVED, and the sessions end with this
 * call. */
CK_RV token_begin(struct slot *s, enum token_start start);
/* The same, and no applet is made sure of. */
CK_RV token_take(struct slot *s);
/* After each command of a TOKEN_TRY transaction, with its result: true when it has to be sent once more,
 * because another program had selected another applet. 0 exchanges after a success, else 1 to 2, once a
 * transaction. */
bool token_again(struct slot *s, enum err *e);
void token_end(struct slot *s, enum tp_after after);
/* Translates an error of a card function, notes removal, and writes the trail to the log. */
CK_RV token_rv(struct slot *s, enum err e);
/* Inside a transaction with PIV selected: 0, or 1 to 2 exchanges the first time. */
enum err token_identify(struct slot *s);
/* What identifies the card was written to. */
void token_forget_identity(struct slot *s);
/* Inside a transaction with PIV selected: the PIN's tries left, into s->tries. 1 exchange. */
enum err token_tries(struct slot *s);
/* The card has GET METADATA, as far as is known without asking. */
bool token_has_metadata(const struct slot *s);
/* C_GetTokenInfo: 3 exchanges the first time, then 2. */
CK_RV token_info(struct slot *s, CK_TOKEN_INFO *info);
CK_RV slot_info(struct slot *s, CK_SLOT_INFO *info);
/* The token's name, as C_GetTokenInfo says it. */
void token_label(const struct slot *s, char out[33]);
/* A card's serial number as CK_TOKEN_INFO has it: at most 16 characters; empty: none. */
void token_serial(const struct card_identity *id, char *out, size_t size);
/* Copies text and fills up with blanks. */
void text_fill(CK_UTF8CHAR *field, size_t size, const char *text);
