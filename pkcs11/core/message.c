/* Message-based signing and encryption (3.0, 5.9, 5.11, 5.14, 5.16). */
#include "core/message.h"
#include "card/base/secret.h"
#include "core/slot.h"
#include <stdlib.h>
#include <string.h>

static enum op_kind op_of(enum message_kind kind)
{
    return kind == MESSAGE_SIGN ? OP_SIGN : OP_VERIFY;
}

static void drop_text(struct message *m)
{
    if (m->cipher != NULL)
        host_cipher_free(m->cipher);
    m->cipher = NULL;
    if (m->text != NULL)
        secret_wipe(m->text, m->text_len);
    free(m->text);
    m->text = NULL;
    m->text_len = 0;
    m->under_way = false;
}

CK_RV message_end(struct session *se, enum message_kind kind)
{
    struct message *m = se->message[kind];
    if (m == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    drop_text(m);
    if (kind == MESSAGE_SIGN || kind == MESSAGE_VERIFY)
        op_end(se, op_of(kind));
    object_unref(m->key);
    free(m);
    se->message[kind] = NULL;
    return CKR_OK;
}

/* Encryption needs an AES key of the session: no card does it. */
static CK_RV check_gcm(struct session *se, enum message_kind kind, const CK_MECHANISM *m,
                       CK_OBJECT_HANDLE handle, struct object **key)
{
    struct object *o = store_get(se->slot, handle);
    if (m->mechanism != CKM_AES_GCM)
        return CKR_MECHANISM_INVALID;
    if (o == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (object_class(o) != CKO_SECRET_KEY || object_ulong(o, CKA_KEY_TYPE) != CKK_AES)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!object_bool(o, kind == MESSAGE_ENCRYPT ? CKA_ENCRYPT : CKA_DECRYPT))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    *key = object_ref(o);
    return CKR_OK;
}

CK_RV message_begin(struct session *se, enum message_kind kind, const CK_MECHANISM *mechanism,
                    CK_OBJECT_HANDLE handle)
{
    bool signs = kind == MESSAGE_SIGN || kind == MESSAGE_VERIFY;
    struct object *key = NULL;
    if (mechanism == NULL)
        return se->message[kind] != NULL ? message_end(se, kind) : CKR_OK;
    if (se->message[kind] != NULL || (signs && op_active(se, op_of(kind)) != NULL))
        return CKR_OPERATION_ACTIVE;
    struct message *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = mechanism->ulParameterLen > sizeof m->param ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
    if (rv == CKR_OK && !signs)
        rv = check_gcm(se, kind, mechanism, handle, &key);
    if (rv == CKR_OK && signs) {
        rv = op_begin(se, op_of(kind), mechanism, handle); /* tries whether it would work */
        op_end(se, op_of(kind));
    }
    if (rv != CKR_OK) {
        free(m);
        return rv;
    }
    if (mechanism->ulParameterLen > 0 && mechanism->pParameter != NULL)
        memcpy(m->param, mechanism->pParameter, mechanism->ulParameterLen);
    m->mechanism = (CK_MECHANISM){mechanism->mechanism, mechanism->ulParameterLen > 0 ? m->param : NULL,
                                  mechanism->ulParameterLen};
    m->handle = handle;
    m->key = key;
    se->message[kind] = m;
    return CKR_OK;
}

/* ---- signatures: each message is an operation of its own ---- */

static CK_RV start_op(struct session *se, enum message_kind kind, struct message_param param)
{
    struct message *m = se->message[kind];
    if (m == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (param.n != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    /* One that waits for a login or a larger buffer goes on; one of C_SignInit isn't ours. */
    struct operation *op = op_active(se, op_of(kind));
    if (op != NULL)
        return op->message ? CKR_OK : CKR_OPERATION_ACTIVE;
    CK_RV rv = op_begin(se, op_of(kind), &m->mechanism, m->handle);
    if (rv == CKR_OK)
        op_active(se, op_of(kind))->message = true;
    return rv;
}

/* The message that C_*MessageBegin started. NULL: there is none. */
static struct operation *under_way(struct session *se, enum message_kind kind)
{
    struct operation *op = op_active(se, op_of(kind));
    return se->message[kind] != NULL && op != NULL && op->message ? op : NULL;
}

CK_RV message_sign(struct session *se, struct message_param param, struct rd data, struct out out)
{
    CK_RV rv = start_op(se, MESSAGE_SIGN, param);
    return rv == CKR_OK ? op_sign(se, OP_SIGN, data, out) : rv;
}

CK_RV message_verify(struct session *se, struct message_param param, struct rd data, struct rd signature)
{
    CK_RV rv = start_op(se, MESSAGE_VERIFY, param);
    return rv == CKR_OK ? op_verify(se, data, signature) : rv;
}

CK_RV message_sign_next(struct session *se, struct rd data, bool last, struct out out)
{
    const struct operation *op = under_way(se, MESSAGE_SIGN);
    bool done = false;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    /* The part isn't taken in where only a length comes out: it will be given again. */
    CK_RV rv = last ? out_room(out, mech_out_len(&op->mech, 0), &done) : CKR_OK;
    if (rv == CKR_OK && last && !done && op->key->card_key != NULL)
        rv = keyuse_allowed(se->slot, op, op->key);
    if (done || rv != CKR_OK)
        return rv;
    rv = op_feed(se, OP_SIGN, data);
    return rv == CKR_OK && last ? op_sign_final(se, out) : rv;
}

CK_RV message_verify_next(struct session *se, struct rd data, bool last, struct rd signature)
{
    if (under_way(se, MESSAGE_VERIFY) == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = op_feed(se, OP_VERIFY, data);
    return rv == CKR_OK && last ? op_verify_final(se, signature) : rv;
}

/* ---- encryption ---- */

static CK_RV gcm_param(struct message_param param, CK_GCM_MESSAGE_PARAMS *p)
{
    if (param.p == NULL || param.n != sizeof *p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(p, param.p, sizeof *p);
    bool ok = p->pIv != NULL && p->ulIvLen >= 1 && p->ulIvLen <= MECH_MAX_IV && p->pTag != NULL &&
              p->ulTagBits % 8 == 0 && p->ulTagBits >= 32 && p->ulTagBits <= 128 &&
              p->ulIvFixedBits <= p->ulIvLen * 8 && p->ulIvFixedBits % 8 == 0 &&
              p->ivGenerator <= CKG_GENERATE_RANDOM;
    return ok ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* The part of the initialisation vector behind its fixed bits. */
static CK_RV generate_iv(struct message *m, const CK_GCM_MESSAGE_PARAMS *p)
{
    CK_BYTE *iv = p->pIv + p->ulIvFixedBits / 8;
    size_t n = p->ulIvLen - p->ulIvFixedBits / 8;
    if (p->ivGenerator == CKG_NO_GENERATE)
        return CKR_OK;
    if (p->ivGenerator != CKG_GENERATE_COUNTER)
        return n < 8 ? CKR_MECHANISM_PARAM_INVALID : mech_rv(host_random(iv, n), CKR_FUNCTION_FAILED);
    if (n < 4 || (n < 8 && m->counter >> (8 * n) != 0))
        return CKR_MECHANISM_PARAM_INVALID;
    uint64_t counter = m->counter++;
    for (size_t i = 0; i < n; i++)
        iv[n - 1 - i] = i < 8 ? (CK_BYTE)(counter >> (8 * i)) : 0;
    return CKR_OK;
}

CK_RV message_start(struct session *se, enum message_kind kind, struct message_param param, struct rd aad)
{
    struct message *m = se->message[kind];
    CK_GCM_MESSAGE_PARAMS p;
    if (kind == MESSAGE_SIGN || kind == MESSAGE_VERIFY) {
        if (m != NULL && op_active(se, op_of(kind)) != NULL)
            return CKR_OPERATION_ACTIVE;
        return start_op(se, kind, param);
    }
    if (m == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (m->under_way)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = gcm_param(param, &p);
    if (rv == CKR_OK && kind == MESSAGE_ENCRYPT)
        rv = generate_iv(m, &p);
    struct rd value = object_get(m->key, CKA_VALUE);
    if (rv == CKR_OK)
        rv = mech_rv(host_cipher_new(HOST_GCM, kind == MESSAGE_ENCRYPT, false, value.p, value.n, p.pIv,
                                     p.ulIvLen, &m->cipher),
                     CKR_KEY_SIZE_RANGE);
    if (rv == CKR_OK)
        rv = mech_rv(host_cipher_aad(m->cipher, aad.p, aad.n), CKR_FUNCTION_FAILED);
    m->under_way = rv == CKR_OK;
    if (rv != CKR_OK)
        drop_text(m);
    return rv;
}

static CK_RV encrypt_part(struct message *m, const CK_GCM_MESSAGE_PARAMS *p, struct rd in, bool last,
                          struct out out)
{
    size_t n = 0, end = 0;
    CK_RV rv = mech_rv(host_cipher_update(m->cipher, in.p, in.n, out.p, &n), CKR_FUNCTION_FAILED);
    if (rv == CKR_OK && last) {
        uint8_t none[16];
        rv = mech_rv(host_cipher_final(m->cipher, none, &end), CKR_FUNCTION_FAILED);
        if (rv == CKR_OK)
            rv = mech_rv(host_cipher_get_tag(m->cipher, p->pTag, p->ulTagBits / 8), CKR_FUNCTION_FAILED);
    }
    if (rv == CKR_OK)
        *out.len = n;
    return rv;
}

static CK_RV collect(struct message *m, struct rd in)
{
    uint8_t *more = malloc(m->text_len + in.n + 1);
    if (more == NULL)
        return CKR_HOST_MEMORY;
    if (m->text_len > 0)
        memcpy(more, m->text, m->text_len);
    if (in.n > 0)
        memcpy(more + m->text_len, in.p, in.n);
    free(m->text);
    m->text = more;
    m->text_len += in.n;
    return CKR_OK;
}

/* Nothing is given out before the tag is known to be right. */
static CK_RV decrypt_all(struct message *m, const CK_GCM_MESSAGE_PARAMS *p, struct out out)
{
    size_t n = 0, end = 0;
    uint8_t none[16], *text = malloc(m->text_len + 16);
    if (text == NULL)
        return CKR_HOST_MEMORY;
    enum host_rc rc = host_cipher_update(m->cipher, m->text, m->text_len, text, &n);
    if (rc == HOST_OK)
        rc = host_cipher_set_tag(m->cipher, p->pTag, p->ulTagBits / 8);
    if (rc == HOST_OK)
        rc = host_cipher_final(m->cipher, none, &end);
    if (rc == HOST_OK) {
        memcpy(out.p, text, n);
        *out.len = n;
    }
    secret_wipe(text, m->text_len + 16);
    free(text);
    return mech_rv(rc, CKR_AEAD_DECRYPT_FAILED);
}

CK_RV message_crypt_next(struct session *se, enum message_kind kind, struct message_param param, struct rd in,
                         bool last, struct out out)
{
    struct message *m = se->message[kind];
    CK_GCM_MESSAGE_PARAMS p;
    bool done;
    if (m == NULL || !m->under_way)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = gcm_param(param, &p);
    size_t need = kind == MESSAGE_ENCRYPT ? in.n : last ? m->text_len + in.n : 0;
    if (rv == CKR_OK) {
        rv = out_room(out, need, &done);
        if (done && (rv != CKR_OK || need > 0 || out.p == NULL))
            return rv;
    }
    if (rv == CKR_OK && kind == MESSAGE_ENCRYPT)
        rv = encrypt_part(m, &p, in, last, out);
    else if (rv == CKR_OK) {
        *out.len = 0;
        rv = collect(m, in);
        if (rv == CKR_OK && last)
            rv = decrypt_all(m, &p, out);
    }
    if (last || rv != CKR_OK)
        drop_text(m);
    return rv;
}

CK_RV message_crypt(struct session *se, enum message_kind kind, struct message_param param, struct rd aad,
                    struct rd in, struct out out)
{
    struct message *m = se->message[kind];
    bool done;
    if (m == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (m->under_way)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = out_room(out, in.n, &done);
    if (done)
        return rv;
    rv = message_start(se, kind, param, aad);
    return rv == CKR_OK ? message_crypt_next(se, kind, param, in, true, out) : rv;
}
