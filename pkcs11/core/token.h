/* Transactions with a slot's card: connecting, noticing resets and removals, and what a token says about
 * itself. */
#pragma once
#include "core/core.h"

/* Connects if needed and begins a transaction; ensure: PIV is selected. After CKR_OK token_end has to follow,
 * after anything else it must not. A card that was exchanged under open sessions: CKR_DEVICE_REMOVED, and the
 * sessions end with this call. */
CK_RV token_begin(struct slot *s, bool ensure);
void token_end(struct slot *s, enum tp_after after);
/* Translates an error of a card function, notes removal, and writes the trail to the log. */
CK_RV token_rv(struct slot *s, enum err e);
/* Inside a transaction with PIV selected: 0, or 1 to 2 exchanges the first time. */
enum err token_identify(struct slot *s);
/* Inside a transaction with PIV selected: the PIN's tries left, into s->tries. 1 exchange. */
enum err token_tries(struct slot *s);
/* The card has GET METADATA, as far as is known without asking. */
bool token_has_metadata(const struct slot *s);
/* C_GetTokenInfo: 3 exchanges the first time, then 2. */
CK_RV token_info(struct slot *s, CK_TOKEN_INFO *info);
CK_RV slot_info(struct slot *s, CK_SLOT_INFO *info);
/* Copies text and fills up with blanks. */
void text_fill(CK_UTF8CHAR *field, size_t size, const char *text);
