/* The second slot of a card: the one-time passwords of its OATH applet. Its PIN is the applet's access code.
 *
 * Each function is one transaction: SELECT of the applet; where an access code is set VALIDATE, the work, and
 * a SELECT of PIV, so that no other program inherits the access; else the work alone. The first slot selects
 * PIV anew at its next use. */
#pragma once
#include "core/op.h"

/* C_GetTokenInfo. 2 exchanges, locked 1; and what the first slot needs to know the card's serial number (2,
 * once). */
CK_RV otp_info(struct slot *s, CK_TOKEN_INFO *info);
/* C_Login, C_SetPIN (an empty old one: none is set), C_InitPIN (allowed to whoever may use the applet). */
CK_RV otp_login(struct slot *s, struct rd code);
CK_RV otp_set_code(struct slot *s, struct rd old, struct rd fresh);
CK_RV otp_init_code(struct slot *s, struct rd fresh);

/* Makes the objects of the credentials when a search can match one: 3 exchanges (locked: 5), then 0. */
CK_RV otp_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count);
/* One password: 2 exchanges (locked: 4). A counter moves on with each. */
CK_RV otp_sign(struct session *se, struct operation *op, struct rd data, struct out out);
CK_RV otp_create(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
CK_RV otp_destroy(struct session *se, struct object *o);
/* A new name, where the firmware can. */
CK_RV otp_rename(struct session *se, struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count);

/* For the two files: begins a transaction with the applet selected and unlocked; otp_leave has to follow
 * CKR_OK. */
CK_RV otp_enter(struct slot *s, struct oath_info *info);
void otp_leave(struct slot *s, const struct oath_info *info);
