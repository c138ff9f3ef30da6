/* The message-based functions of 3.0: a mechanism and a key are set up once, and many messages follow. */
#pragma once
#include "core/op.h"

enum message_kind { MESSAGE_SIGN, MESSAGE_VERIFY, MESSAGE_ENCRYPT, MESSAGE_DECRYPT };

CK_RV message_begin(struct session *se, enum message_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE key);
CK_RV message_end(struct session *se, enum message_kind kind);

/* A message's own parameter: none for signatures, CK_GCM_MESSAGE_PARAMS for encryption. */
struct message_param {
    void *p;
    CK_ULONG n;
};
CK_RV message_sign(struct session *se, struct message_param param, struct rd data, struct out out);
CK_RV message_verify(struct session *se, struct message_param param, struct rd data, struct rd signature);
/* In parts: the first starts a message; `last` says that this part ends it. */
CK_RV message_start(struct session *se, enum message_kind kind, struct message_param param, struct rd aad);
CK_RV message_sign_next(struct session *se, struct rd data, bool last, struct out out);
CK_RV message_verify_next(struct session *se, struct rd data, bool last, struct rd signature);
CK_RV message_crypt(struct session *se, enum message_kind kind, struct message_param param, struct rd aad,
                    struct rd in, struct out out);
CK_RV message_crypt_next(struct session *se, enum message_kind kind, struct message_param param, struct rd in,
                         bool last, struct out out);
