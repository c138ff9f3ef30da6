/* C_WrapKey and C_UnwrapKey: secret keys under RSA (3.0, 2.1.5, 2.1.7) and AES (2.12.1). */
#include "card/base/secret.h"
#include "core/content.h"
#include "core/derive.h"
#include "core/slot.h"
#include <string.h>

#define MAX_KEY 512

static CK_RV begin(struct session *se, CK_FLAGS use, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle,
                   CK_OBJECT_CLASS class, CK_RV none, struct object **key, struct mech_op *op)
{
    struct mech_key facts;
    *op = (struct mech_op){0};
    *key = store_get(se->slot, handle);
    if (*key == NULL)
        return none;
    if (object_class(*key) != class && object_class(*key) != CKO_SECRET_KEY)
        return use == CKF_WRAP ? CKR_WRAPPING_KEY_TYPE_INCONSISTENT : CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
    if (!object_bool(*key, use == CKF_WRAP ? CKA_WRAP : CKA_UNWRAP))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    CK_RV rv = keyobj_mech(*key, &facts);
    if (rv == CKR_OK)
        rv = mech_begin(op, use, m, &facts);
    return rv != CKR_KEY_TYPE_INCONSISTENT ? rv
           : use == CKF_WRAP               ? CKR_WRAPPING_KEY_TYPE_INCONSISTENT
                                           : CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
}

static CK_RV whole_cipher(struct mech_op *op, struct rd in, uint8_t *out, size_t *len)
{
    return mech_rv(host_cipher_update(op->cipher, in.p, in.n, out, len), CKR_WRAPPED_KEY_INVALID);
}

CK_RV wrap_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE handle,
               struct out out)
{
    struct mech_op op;
    struct object *by;
    uint8_t text[MAX_KEY + 64];
    size_t len = sizeof text;
    bool done = true;
    const struct object *key = store_get(se->slot, handle);
    CK_RV rv = begin(se, CKF_WRAP, m, wrapping, CKO_PUBLIC_KEY, CKR_WRAPPING_KEY_HANDLE_INVALID, &by, &op);
    if (rv == CKR_OK)
        rv = key == NULL                           ? CKR_KEY_HANDLE_INVALID
             : object_class(key) != CKO_SECRET_KEY ? CKR_KEY_NOT_WRAPPABLE
             : !object_bool(key, CKA_EXTRACTABLE)  ? CKR_KEY_UNEXTRACTABLE
             : object_bool(key, CKA_WRAP_WITH_TRUSTED) && !object_bool(by, CKA_TRUSTED)
                 ? CKR_KEY_NOT_WRAPPABLE
                 : CKR_OK;
    if (rv == CKR_OK) {
        struct rd value = object_get(key, CKA_VALUE);
        rv = value.n > MAX_KEY   ? CKR_KEY_SIZE_RANGE
             : op.cipher != NULL ? whole_cipher(&op, value, text, &len)
                                 : op.row->family->encrypt(&op, value, text, &len);
        if (rv == CKR_DATA_LEN_RANGE || rv == CKR_WRAPPED_KEY_INVALID)
            rv = CKR_KEY_SIZE_RANGE;
    }
    mech_end(&op);
    if (rv == CKR_OK)
        rv = out_room(out, len, &done);
    if (!done) {
        memcpy(out.p, text, len);
        *out.len = len;
    }
    secret_wipe(text, sizeof text);
    return rv;
}

static CK_RV open_rsa(struct session *se, struct mech_op *op, const struct object *by, struct rd wrapped,
                      uint8_t *out, size_t *len)
{
    uint8_t raw[MECH_MAX_BLOCK];
    size_t raw_len = sizeof raw;
    if (wrapped.n != op->n_len)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    if (memcmp(wrapped.p, op->n, wrapped.n) >= 0)
        return CKR_WRAPPED_KEY_INVALID;
    CK_RV rv = keyuse_apply(se->slot, NULL, by, USE_DECRYPT, wrapped, raw, &raw_len);
    if (rv == CKR_OK)
        rv = op->row->family->decrypt_finish(op, rd_of(raw, raw_len), out, len);
    secret_wipe(raw, sizeof raw);
    return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_WRAPPED_KEY_INVALID : rv;
}

CK_RV unwrap_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping, struct rd wrapped,
                 const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    struct mech_op op;
    struct object *by;
    uint8_t value[MECH_MAX_BLOCK + 64];
    size_t len = sizeof value;
    CK_RV rv =
        begin(se, CKF_UNWRAP, m, unwrapping, CKO_PRIVATE_KEY, CKR_UNWRAPPING_KEY_HANDLE_INVALID, &by, &op);
    if (rv == CKR_OK && op.cipher != NULL)
        rv = wrapped.n > MECH_MAX_BLOCK ? CKR_WRAPPED_KEY_LEN_RANGE : whole_cipher(&op, wrapped, value, &len);
    else if (rv == CKR_OK)
        rv = open_rsa(se, &op, by, wrapped, value, &len);
    mech_end(&op);
    if (rv == CKR_OK)
        rv = len == 0 ? CKR_WRAPPED_KEY_INVALID
                      : secret_from(se, templ, count, ATTR_UNWRAP, NULL, rd_of(value, len), out);
    secret_wipe(value, sizeof value);
    return rv;
}
