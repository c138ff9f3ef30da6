/* Beginning and ending operations; signatures, verification and digests. */
#include "core/op.h"
#include "card/base/secret.h"
#include "core/content.h"
#include "core/otp.h"
#include "core/slot.h"
#include "core/state.h"
#include <stdlib.h>
#include <string.h>

/* Which object an operation needs and what it must be allowed to do. */
static const struct {
    CK_FLAGS use;
    CK_OBJECT_CLASS class; /* besides secret keys */
    CK_ATTRIBUTE_TYPE right;
} kinds[OP_KINDS] = {
    [OP_SIGN] = {CKF_SIGN, CKO_PRIVATE_KEY, CKA_SIGN},
    [OP_VERIFY] = {CKF_VERIFY, CKO_PUBLIC_KEY, CKA_VERIFY},
    [OP_ENCRYPT] = {CKF_ENCRYPT, CKO_PUBLIC_KEY, CKA_ENCRYPT},
    [OP_DECRYPT] = {CKF_DECRYPT, CKO_PRIVATE_KEY, CKA_DECRYPT},
    [OP_DIGEST] = {CKF_DIGEST, CK_UNAVAILABLE_INFORMATION, 0},
    [OP_SIGN_RECOVER] = {CKF_SIGN_RECOVER, CKO_PRIVATE_KEY, CKA_SIGN_RECOVER},
    [OP_VERIFY_RECOVER] = {CKF_VERIFY_RECOVER, CKO_PUBLIC_KEY, CKA_VERIFY_RECOVER},
};

struct operation *op_active(const struct session *se, enum op_kind kind)
{
    return se->op[kind];
}

void op_end(struct session *se, enum op_kind kind)
{
    struct operation *op = se->op[kind];
    se->op[kind] = NULL;
    if (op == NULL)
        return;
    mech_end(&op->mech);
    if (op->result != NULL)
        secret_wipe(op->result, op->result_len);
    free(op->result);
    if (op->fed != NULL)
        secret_wipe(op->fed, op->fed_len);
    free(op->fed);
    free(op->signature);
    secret_free(op->code);
    object_unref(op->key);
    secret_wipe(op, sizeof *op);
    free(op);
}

CK_RV out_room(struct out out, size_t need, bool *done)
{
    *done = true;
    if (out.len == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *out.len;
    if (out.p == NULL || room < need) {
        *out.len = need;
        return out.p == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    *done = false;
    return CKR_OK;
}

static CK_RV find_key(struct session *se, enum op_kind kind, CK_OBJECT_HANDLE handle, struct object **key)
{
    struct object *o = store_get(se->slot, handle);
    if (o == NULL)
        return CKR_KEY_HANDLE_INVALID;
    CK_OBJECT_CLASS class = object_class(o);
    if (class != kinds[kind].class && class != CKO_SECRET_KEY && (class != CKO_OTP_KEY || kind != OP_SIGN))
        return class == CKO_PUBLIC_KEY || class == CKO_PRIVATE_KEY ? CKR_KEY_TYPE_INCONSISTENT
                                                                   : CKR_KEY_HANDLE_INVALID;
    if (!object_bool(o, kinds[kind].right))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    *key = o;
    return CKR_OK;
}

static CK_RV begin_with(struct session *se, enum op_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle,
                        struct operation *op)
{
    struct mech_key facts;
    struct object *key = NULL;
    CK_RV rv = CKR_OK;
    if (!slot_has(se->slot, mech_row(m->mechanism)))
        return CKR_MECHANISM_INVALID;
    if (kind != OP_DIGEST) {
        rv = find_key(se, kind, handle, &key);
        if (rv == CKR_OK && object_class(key) == CKO_PRIVATE_KEY && key->card_key != NULL)
            rv = content_policy(se->slot, key->card_key);
        if (rv == CKR_OK)
            rv = keyobj_mech(key, &facts);
    }
    if (rv == CKR_OK)
        rv = mech_begin(&op->mech, kinds[kind].use, m, key != NULL ? &facts : NULL);
    if (rv == CKR_OK && key != NULL)
        op->key = object_ref(key);
    return rv;
}

/* Programs that can't ask for the PIN of a key that wants it each time leave the operation behind, and would
 * be locked out of every other key: one that got neither login nor data may be replaced. */
static bool is_abandoned(const struct operation *op)
{
    return op->key != NULL && op->key->card_key != NULL && object_bool(op->key, CKA_ALWAYS_AUTHENTICATE) &&
           !op->authenticated && !op->parts && op->result == NULL;
}

CK_RV op_begin(struct session *se, enum op_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle)
{
    if (m == NULL) {
        op_end(se, kind);
        return CKR_OK;
    }
    if (se->op[kind] != NULL && !is_abandoned(se->op[kind]))
        return CKR_OPERATION_ACTIVE;
    op_end(se, kind);
    struct operation *op = calloc(1, sizeof *op);
    if (op == NULL)
        return CKR_HOST_MEMORY;
    se->op[kind] = op;
    CK_RV rv = begin_with(se, kind, m, handle, op);
    if (rv != CKR_OK)
        op_end(se, kind);
    else
        state_begun(op, m);
    return rv;
}

/* The end of an operation, except when the caller may go on with it. */
static CK_RV finish(struct session *se, enum op_kind kind, CK_RV rv)
{
    if (rv != CKR_BUFFER_TOO_SMALL && rv != CKR_USER_NOT_LOGGED_IN)
        op_end(se, kind);
    return rv;
}

CK_RV op_feed(struct session *se, enum op_kind kind, struct rd part)
{
    struct operation *op = se->op[kind];
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    op->parts = true;
    CK_RV rv = mech_update(&op->mech, part.p, part.n);
    if (rv != CKR_OK)
        op_end(se, kind);
    else
        state_fed(op, part);
    return rv;
}

/* ---- signatures ---- */

static CK_RV sign_by_key(struct session *se, struct operation *op, struct rd msg, uint8_t *out, size_t *len)
{
    const struct mech_family *f = op->mech.row->family;
    uint8_t block[MECH_MAX_BLOCK], raw[MECH_MAX_BLOCK];
    size_t block_len = 0, raw_len = sizeof raw;
    struct rd in = msg;
    if (f->sign_block != NULL) {
        CK_RV rv = f->sign_block(&op->mech, msg, block, &block_len);
        if (rv != CKR_OK)
            return rv;
        in = rd_of(block, block_len);
    }
    CK_RV rv = keyuse_apply(se->slot, op, op->key, USE_SIGN, in, raw, &raw_len);
    if (rv != CKR_OK)
        return rv;
    if (op->key->card_key == NULL && op->mech.key_type != CKK_RSA) { /* made here as r || s already */
        memcpy(out, raw, raw_len);
        *len = raw_len;
        return CKR_OK;
    }
    return f->sign_finish(&op->mech, rd_of(raw, raw_len), out, len);
}

/* The message of a one-part call, without using the operation up. */
static CK_RV whole_message(const struct operation *op, struct rd data, uint8_t digest[HOST_MAX_HASH],
                           struct rd *msg)
{
    enum host_hash hash = op->mech.row->hash;
    *msg = data;
    if (hash == HOST_NONE)
        return CKR_OK;
    *msg = rd_of(digest, host_hash_size(hash));
    return mech_rv(host_hash_once(hash, data.p, data.n, digest), CKR_FUNCTION_FAILED);
}

static CK_RV sign_into(struct session *se, struct operation *op, struct rd msg, struct out out)
{
    if (op->mech.row->place == MECH_OATH)
        return otp_sign(se, op, msg, out);
    size_t len = *out.len;
    CK_RV rv = sign_by_key(se, op, msg, out.p, &len);
    if (rv == CKR_OK)
        *out.len = len;
    return rv;
}

CK_RV op_sign(struct session *se, enum op_kind kind, struct rd data, struct out out)
{
    struct operation *op = se->op[kind];
    uint8_t digest[HOST_MAX_HASH];
    struct rd msg;
    bool done;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->parts)
        return finish(se, kind, CKR_OPERATION_ACTIVE);
    CK_RV rv = out_room(out, mech_out_len(&op->mech, data.n), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, kind, rv) : rv;
    if (op->mech.mac != NULL) {
        size_t len = *out.len;
        rv = mech_update(&op->mech, data.p, data.n);
        if (rv == CKR_OK)
            rv = mech_stream_final(&op->mech, out.p, &len);
        if (rv == CKR_OK)
            *out.len = len;
        return finish(se, kind, rv);
    }
    rv = whole_message(op, data, digest, &msg);
    if (rv == CKR_OK)
        rv = sign_into(se, op, msg, out);
    return finish(se, kind, rv);
}

/* The message of several parts; its digest is kept, so that the call may come again. */
static CK_RV parts_message(struct operation *op, struct rd *msg)
{
    uint8_t digest[HOST_MAX_HASH];
    if (op->mech.digest == NULL) {
        *msg = rd_of(op->mech.data, op->mech.data_len);
        return CKR_OK;
    }
    CK_RV rv = mech_message(&op->mech, digest, msg);
    if (rv != CKR_OK)
        return rv;
    host_digest_free(op->mech.digest);
    op->mech.digest = NULL;
    rv = mech_update(&op->mech, digest, msg->n);
    *msg = rd_of(op->mech.data, op->mech.data_len);
    return rv;
}

CK_RV op_sign_final(struct session *se, struct out out)
{
    struct operation *op = se->op[OP_SIGN];
    struct rd msg;
    bool done;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = out_room(out, mech_out_len(&op->mech, 0), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, OP_SIGN, rv) : rv;
    if (op->mech.mac != NULL) {
        size_t len = *out.len;
        rv = mech_stream_final(&op->mech, out.p, &len);
        if (rv == CKR_OK)
            *out.len = len;
        return finish(se, OP_SIGN, rv);
    }
    rv = parts_message(op, &msg);
    if (rv == CKR_OK)
        rv = sign_into(se, op, msg, out);
    return finish(se, OP_SIGN, rv);
}

static CK_RV verify_mac(struct operation *op, struct rd signature)
{
    uint8_t code[HOST_MAX_HASH];
    size_t len = sizeof code;
    CK_RV rv = mech_stream_final(&op->mech, code, &len);
    if (rv != CKR_OK)
        return rv;
    if (signature.n != len)
        return CKR_SIGNATURE_LEN_RANGE;
    return secret_equal(rd_of(code, len), signature) ? CKR_OK : CKR_SIGNATURE_INVALID;
}

CK_RV op_verify(struct session *se, struct rd data, struct rd signature)
{
    struct operation *op = se->op[OP_VERIFY];
    uint8_t digest[HOST_MAX_HASH];
    struct rd msg;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = op->parts ? CKR_OPERATION_ACTIVE : CKR_OK;
    if (rv == CKR_OK && op->mech.mac != NULL) {
        rv = mech_update(&op->mech, data.p, data.n);
        if (rv == CKR_OK)
            rv = verify_mac(op, signature);
    } else if (rv == CKR_OK) {
        rv = whole_message(op, data, digest, &msg);
        if (rv == CKR_OK)
            rv = op->mech.row->family->verify(&op->mech, msg, signature);
    }
    op_end(se, OP_VERIFY);
    return rv;
}

CK_RV op_verify_final(struct session *se, struct rd signature)
{
    struct operation *op = se->op[OP_VERIFY];
    struct rd msg;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv;
    if (op->mech.mac != NULL) {
        rv = verify_mac(op, signature);
    } else {
        rv = parts_message(op, &msg);
        if (rv == CKR_OK)
            rv = op->mech.row->family->verify(&op->mech, msg, signature);
    }
    op_end(se, OP_VERIFY);
    return rv;
}

CK_RV op_recover(struct session *se, struct rd signature, struct out out)
{
    struct operation *op = se->op[OP_VERIFY_RECOVER];
    uint8_t text[MECH_MAX_BLOCK];
    size_t len = sizeof text;
    bool done = true;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = op->mech.row->family->recover == NULL
                   ? CKR_MECHANISM_INVALID
                   : op->mech.row->family->recover(&op->mech, signature, text, &len);
    if (rv == CKR_OK)
        rv = out_room(out, len, &done);
    if (done && rv == CKR_OK)
        return rv;
    if (rv == CKR_OK) {
        memcpy(out.p, text, len);
        *out.len = len;
    }
    return finish(se, OP_VERIFY_RECOVER, rv);
}

/* ---- digests ---- */

CK_RV op_digest(struct session *se, struct rd data, struct out out)
{
    struct operation *op = se->op[OP_DIGEST];
    bool done;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->parts)
        return finish(se, OP_DIGEST, CKR_OPERATION_ACTIVE);
    CK_RV rv = out_room(out, mech_out_len(&op->mech, 0), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, OP_DIGEST, rv) : rv;
    rv = mech_update(&op->mech, data.p, data.n);
    return rv == CKR_OK ? op_digest_final(se, out) : finish(se, OP_DIGEST, rv);
}

CK_RV op_digest_key(struct session *se, CK_OBJECT_HANDLE handle)
{
    struct operation *op = se->op[OP_DIGEST];
    const struct object *key = store_get(se->slot, handle);
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (object_class(key) != CKO_SECRET_KEY)
        return CKR_KEY_INDIGESTIBLE;
    op->unsaveable = true; /* the state would tell the key */
    return op_feed(se, OP_DIGEST, object_get(key, CKA_VALUE));
}

CK_RV op_digest_final(struct session *se, struct out out)
{
    struct operation *op = se->op[OP_DIGEST];
    bool done;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = out_room(out, mech_out_len(&op->mech, 0), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, OP_DIGEST, rv) : rv;
    size_t len = *out.len;
    rv = mech_stream_final(&op->mech, out.p, &len);
    if (rv == CKR_OK)
        *out.len = len;
    return finish(se, OP_DIGEST, rv);
}
