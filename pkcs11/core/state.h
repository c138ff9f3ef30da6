/* C_GetOperationState and C_SetOperationState: digests, and signatures and verifications in parts.
 *
 * OpenSSL gives out no half-made digest, so a saved state holds what the operation was fed, up to 64 KB;
 * more, and ciphers, messages, recovery and digested keys, can't be saved. The state is bound to its slot,
 * its kind of session and this process by a code under a key that never leaves it; keys are not in it and are
 * given again. */
#pragma once
#include "core/op.h"

/* Notes a part that an operation was fed, and the parameter it was begun with. Without memory it can't be
 * saved. */
void state_fed(struct operation *op, struct rd part);
void state_begun(struct operation *op, const CK_MECHANISM *m);
CK_RV state_get(struct session *se, struct out out);
CK_RV state_set(struct session *se, struct rd state, CK_OBJECT_HANDLE encryption,
                CK_OBJECT_HANDLE authentication);
