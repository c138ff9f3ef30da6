/* Signing and verifying (2.40, 5.11 to 5.13; 3.2: C_VerifySignature). */
#include "core/op.h"
#include "entry/entry.h"
#include <stdlib.h>
#include <string.h>

static CK_RV begin(struct call *c, enum op_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    return m != NULL && !in_ok(m->pParameter, m->ulParameterLen) ? CKR_ARGUMENTS_BAD
                                                                 : op_begin(c->session, kind, m, key);
}

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_SIGN, mechanism, key);
    return call_leave(&c);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
             CK_ULONG *signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_sign(c.session, OP_SIGN, rd_of(data, data_len), OUT(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv =
            !in_ok(part, part_len) ? CKR_ARGUMENTS_BAD : op_feed(c.session, OP_SIGN, rd_of(part, part_len));
    return call_leave(&c);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = op_sign_final(c.session, OUT(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_SIGN_RECOVER, mechanism, key);
    return call_leave(&c);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                    CK_ULONG *signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len) ? CKR_ARGUMENTS_BAD
                                      : op_sign(c.session, OP_SIGN_RECOVER, rd_of(data, data_len),
                                                OUT(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_VERIFY, mechanism, key);
    return call_leave(&c);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
               CK_ULONG signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(data, data_len) || !in_ok(signature, signature_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_verify(c.session, rd_of(data, data_len), rd_of(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv =
            !in_ok(part, part_len) ? CKR_ARGUMENTS_BAD : op_feed(c.session, OP_VERIFY, rd_of(part, part_len));
    return call_leave(&c);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(signature, signature_len) ? CKR_ARGUMENTS_BAD
                                                : op_verify_final(c.session, rd_of(signature, signature_len));
    return call_leave(&c);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = begin(&c, OP_VERIFY_RECOVER, mechanism, key);
    return call_leave(&c);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len, CK_BYTE *data,
                      CK_ULONG *data_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(signature, signature_len)
                   ? CKR_ARGUMENTS_BAD
                   : op_recover(c.session, rd_of(signature, signature_len), OUT(data, data_len));
    return call_leave(&c);
}

/* ---- 3.2: the signature comes first ---- */

static CK_RV keep_signature(struct session *se, const CK_BYTE *signature, CK_ULONG len)
{
    struct operation *op = op_active(se, OP_VERIFY);
    op->signature = malloc(len + 1);
    if (op->signature == NULL) {
        op_end(se, OP_VERIFY);
        return CKR_HOST_MEMORY;
    }
    if (len > 0)
        memcpy(op->signature, signature, len);
    op->signature_len = len;
    return CKR_OK;
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        c.rv = !in_ok(signature, signature_len) ? CKR_ARGUMENTS_BAD : begin(&c, OP_VERIFY, mechanism, key);
        if (c.rv == CKR_OK && mechanism != NULL)
            c.rv = keep_signature(c.session, signature, signature_len);
    }
    return call_leave(&c);
}

/* The operation goes when it is verified, and its signature with it. */
static CK_RV verify_kept(struct session *se, bool once, struct rd data)
{
    struct operation *op = op_active(se, OP_VERIFY);
    if (op == NULL || op->signature == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    uint8_t *copy = op->signature;
    struct rd signature = rd_of(copy, op->signature_len);
    op->signature = NULL;
    CK_RV rv = once ? op_verify(se, data, signature) : op_verify_final(se, signature);
    free(copy);
    return rv;
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv =
            !in_ok(data, data_len) ? CKR_ARGUMENTS_BAD : verify_kept(c.session, true, rd_of(data, data_len));
    return call_leave(&c);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        const struct operation *op = op_active(c.session, OP_VERIFY);
        c.rv = !in_ok(part, part_len)                ? CKR_ARGUMENTS_BAD
               : op == NULL || op->signature == NULL ? CKR_OPERATION_NOT_INITIALIZED
                                                     : op_feed(c.session, OP_VERIFY, rd_of(part, part_len));
    }
    return call_leave(&c);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = verify_kept(c.session, false, rd_of(NULL, 0));
    return call_leave(&c);
}
