/* Encryption, decryption, digests and the functions that do two things at once (2.40, 5.8 to 5.10, 5.14). */
#include "core/op.h"
#include "entry/entry.h"

static CK_RV begin(struct call *c, enum op_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return m != NULL && !in_ok(m->pParameter, m->ulParameterLen) ? CKR_ARGUMENTS_BAD
                                                                 : op_begin(c->session, kind, m, key);
}

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_ENCRYPT, mechanism, key);
    return call_leave(&c);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_DECRYPT, mechanism, key);
    return call_leave(&c);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_crypt(c.session, OP_ENCRYPT, rd_of(data, data_len), OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *out,
                      CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(part, part_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_crypt_update(c.session, OP_ENCRYPT, rd_of(part, part_len), OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = op_crypt_final(c.session, OP_ENCRYPT, OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_crypt(c.session, OP_DECRYPT, rd_of(data, data_len), OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *out,
                      CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(part, part_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_crypt_update(c.session, OP_DECRYPT, rd_of(part, part_len), OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = op_crypt_final(c.session, OP_DECRYPT, OUT(out, out_len));
    return call_leave(&c);
}

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_DIGEST, mechanism, CK_INVALID_HANDLE);
    return call_leave(&c);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *digest,
               CK_ULONG *digest_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len) ? CKR_ARGUMENTS_BAD
                                      : op_digest(c.session, rd_of(data, data_len), OUT(digest, digest_len));
    return call_leave(&c);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv =
            !in_ok(part, part_len) ? CKR_ARGUMENTS_BAD : op_feed(c.session, OP_DIGEST, rd_of(part, part_len));
    return call_leave(&c);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = op_digest_key(c.session, key);
    return call_leave(&c);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = op_digest_final(c.session, OUT(digest, digest_len));
    return call_leave(&c);
}

/* Encrypts (or decrypts), and lets `other` see the plain text. Nothing of `other` moves when the buffer was
 * too small. */
static CK_RV dual(struct session *se, enum op_kind kind, enum op_kind other, struct rd part, struct out out)
{
    if (op_active(se, kind) == NULL || op_active(se, other) == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = op_crypt_update(se, kind, part, out);
    if (rv != CKR_OK || out.p == NULL)
        return rv;
    return op_feed(se, other, kind == OP_ENCRYPT ? part : rd_of(out.p, *out.len));
}

#define DUAL(name, kind, other)                                                                              \
    CK_RV name(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *out, CK_ULONG *out_len) \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = !in_ok(part, part_len)                                                                    \
                       ? CKR_ARGUMENTS_BAD                                                                   \
                       : dual(c.session, kind, other, rd_of(part, part_len), OUT(out, out_len));             \
        return call_leave(&c);                                                                               \
    }
DUAL(C_DigestEncryptUpdate, OP_ENCRYPT, OP_DIGEST)
DUAL(C_DecryptDigestUpdate, OP_DECRYPT, OP_DIGEST)
DUAL(C_SignEncryptUpdate, OP_ENCRYPT, OP_SIGN)
DUAL(C_DecryptVerifyUpdate, OP_DECRYPT, OP_VERIFY)
