/* Message-based functions (3.0, 5.9, 5.11, 5.14, 5.16). */
#include "core/message.h"
#include "entry/entry.h"

#define PARAM ((struct message_param){param, param_len})

static CK_RV begin(struct call *c, enum message_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return m != NULL && !in_ok(m->pParameter, m->ulParameterLen) ? CKR_ARGUMENTS_BAD
                                                                 : message_begin(c->session, kind, m, key);
}

#define INIT(name, kind)                                                                                     \
    CK_RV name(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)                  \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = begin(&c, kind, mechanism, key);                                                          \
        return call_leave(&c);                                                                               \
    }
#define FINAL(name, kind)                                                                                    \
    CK_RV name(CK_SESSION_HANDLE session)                                                                    \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = message_end(c.session, kind);                                                             \
        return call_leave(&c);                                                                               \
    }
INIT(C_MessageSignInit, MESSAGE_SIGN)
INIT(C_MessageVerifyInit, MESSAGE_VERIFY)
INIT(C_MessageEncryptInit, MESSAGE_ENCRYPT)
INIT(C_MessageDecryptInit, MESSAGE_DECRYPT)
FINAL(C_MessageSignFinal, MESSAGE_SIGN)
FINAL(C_MessageVerifyFinal, MESSAGE_VERIFY)
FINAL(C_MessageEncryptFinal, MESSAGE_ENCRYPT)
FINAL(C_MessageDecryptFinal, MESSAGE_DECRYPT)

CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
                    CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) || !in_ok(in, in_len)
                   ? CKR_ARGUMENTS_BAD
                   : message_sign(c.session, PARAM, rd_of(in, in_len), OUT(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
                      CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) || !in_ok(in, in_len) || !in_ok(signature, signature_len)
                   ? CKR_ARGUMENTS_BAD
                   : message_verify(c.session, PARAM, rd_of(in, in_len), rd_of(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) ? CKR_ARGUMENTS_BAD
                                        : message_start(c.session, MESSAGE_SIGN, PARAM, rd_of(NULL, 0));
    return call_leave(&c);
}

/* Without a place for the signature's length this isn't the last part. */
CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
                        CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) || !in_ok(in, in_len)
                   ? CKR_ARGUMENTS_BAD
                   : message_sign_next(c.session, rd_of(in, in_len), signature_len != NULL,
                                       OUT(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) ? CKR_ARGUMENTS_BAD
                                        : message_start(c.session, MESSAGE_VERIFY, PARAM, rd_of(NULL, 0));
    return call_leave(&c);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
                          CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(param, param_len) || !in_ok(in, in_len)
                   ? CKR_ARGUMENTS_BAD
                   : message_verify_next(c.session, rd_of(in, in_len), signature != NULL,
                                         rd_of(signature, signature_len));
    return call_leave(&c);
}

/* Encryption and decryption have the same three forms. */
#define CRYPT(one, first, next, kind)                                                                        \
    CK_RV one(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,             \
              CK_ULONG aad_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)      \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = !in_ok(param, param_len) || !in_ok(aad, aad_len) || !in_ok(in, in_len)                    \
                       ? CKR_ARGUMENTS_BAD                                                                   \
                       : message_crypt(c.session, kind, PARAM, rd_of(aad, aad_len), rd_of(in, in_len),       \
                                       OUT(out, out_len));                                                   \
        return call_leave(&c);                                                                               \
    }                                                                                                        \
    CK_RV first(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,           \
                CK_ULONG aad_len)                                                                            \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = !in_ok(param, param_len) || !in_ok(aad, aad_len)                                          \
                       ? CKR_ARGUMENTS_BAD                                                                   \
                       : message_start(c.session, kind, PARAM, rd_of(aad, aad_len));                         \
        return call_leave(&c);                                                                               \
    }                                                                                                        \
    CK_RV next(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,             \
               CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)                       \
    {                                                                                                        \
        struct call c;                                                                                       \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = !in_ok(param, param_len) || !in_ok(in, in_len)                                            \
                       ? CKR_ARGUMENTS_BAD                                                                   \
                       : message_crypt_next(c.session, kind, PARAM, rd_of(in, in_len),                       \
                                            (flags & CKF_END_OF_MESSAGE) != 0, OUT(out, out_len));           \
        return call_leave(&c);                                                                               \
    }
CRYPT(C_EncryptMessage, C_EncryptMessageBegin, C_EncryptMessageNext, MESSAGE_ENCRYPT)
CRYPT(C_DecryptMessage, C_DecryptMessageBegin, C_DecryptMessageNext, MESSAGE_DECRYPT)
