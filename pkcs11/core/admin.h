/* A transaction in which the card may be written to. */
#pragma once
#include "core/core.h"

/* The session may write to the card (R/W; SO logged in, or a user whose card keeps the management key behind
 * the PIN), and the management key is authenticated. After CKR_OK admin_end has to follow. */
CK_RV admin_begin(struct session *se);
/* wrote: other programs are told. */
void admin_end(struct slot *s, bool wrote);
