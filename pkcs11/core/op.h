/* Cryptographic operations of a session, from C_*Init to their end. The rule for the caller's buffers
 * (2.40, 5.2) lives here. */
#pragma once
#include "core/core.h"

/* A buffer of the caller: p NULL asks for the length only; *len is in: room, out: bytes. */
struct out {
    uint8_t *p;
    CK_ULONG *len;
};

/* mechanism NULL ends what is active (3.0). key 0 for digests. */
CK_RV op_begin(struct session *se, enum op_kind kind, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
void op_end(struct session *se, enum op_kind kind);
/* NULL: none is active. */
struct operation *op_active(const struct session *se, enum op_kind kind);

/* Each ends the operation except where the caller only asked for a length, gave too small a buffer, or has to
 * log in. */
CK_RV op_sign(struct session *se, enum op_kind kind, struct rd data, struct out out);
CK_RV op_sign_final(struct session *se, struct out out);
CK_RV op_verify(struct session *se, struct rd data, struct rd signature);
CK_RV op_verify_final(struct session *se, struct rd signature);
CK_RV op_recover(struct session *se, struct rd signature, struct out out);
CK_RV op_feed(struct session *se, enum op_kind kind, struct rd part); /* sign, verify, digest */
CK_RV op_digest(struct session *se, struct rd data, struct out out);
CK_RV op_digest_key(struct session *se, CK_OBJECT_HANDLE key);
CK_RV op_digest_final(struct session *se, struct out out);
CK_RV op_crypt(struct session *se, enum op_kind kind, struct rd in, struct out out);
CK_RV op_crypt_update(struct session *se, enum op_kind kind, struct rd part, struct out out);
CK_RV op_crypt_final(struct session *se, enum op_kind kind, struct out out);

/* The rule: asked for the length -> CKR_OK with *done; too small -> CKR_BUFFER_TOO_SMALL with *done; else
 * *done is false. */
CK_RV out_room(struct out out, size_t need, bool *done);

/* keyuse.c: applies a private key. room of out: MECH_MAX_BLOCK. */
enum key_use { USE_SIGN, USE_DECRYPT, USE_AGREE };
/* CKR_USER_NOT_LOGGED_IN when this use has to be preceded by a login; 0 exchanges. op may be NULL
 * (derivation). */
CK_RV keyuse_allowed(struct slot *s, const struct operation *op, const struct object *key);
CK_RV keyuse_apply(struct slot *s, struct operation *op, const struct object *key, enum key_use use,
                   struct rd in, uint8_t *out, size_t *len);
