/* Encryption and decryption, in one part or several. */
#include "card/base/secret.h"
#include "core/op.h"
#include <stdlib.h>
#include <string.h>

static bool is_stream(const struct operation *op)
{
    return op->mech.cipher != NULL;
}

static CK_RV finish(struct session *se, enum op_kind kind, CK_RV rv)
{
    if (rv != CKR_BUFFER_TOO_SMALL && rv != CKR_USER_NOT_LOGGED_IN)
        op_end(se, kind);
    return rv;
}

/* An asymmetric key's whole text. The plain text of a decryption stays with the operation until it fits the
 * caller's buffer, so that the key isn't used a second time. */
static CK_RV asymmetric(struct session *se, enum op_kind kind, struct rd in, struct out out)
{
    struct operation *op = se->op[kind];
    const struct mech_family *f = op->mech.row->family;
    uint8_t text[MECH_MAX_BLOCK], raw[MECH_MAX_BLOCK];
    size_t len = sizeof text, raw_len = sizeof raw;
    CK_RV rv;
    if (kind == OP_ENCRYPT) {
        rv = f->encrypt(&op->mech, in, text, &len);
    } else if (in.n != op->mech.n_len) {
        rv = CKR_ENCRYPTED_DATA_LEN_RANGE;
    } else if (memcmp(in.p, op->mech.n, in.n) >= 0) {
        rv = CKR_ENCRYPTED_DATA_INVALID;
    } else {
        rv = keyuse_apply(se->slot, op, op->key, USE_DECRYPT, in, raw, &raw_len);
        if (rv == CKR_OK)
            rv = f->decrypt_finish(&op->mech, rd_of(raw, raw_len), text, &len);
    }
    if (rv == CKR_OK && len > *out.len) {
        op->result = malloc(len);
        op->result_len = op->result != NULL ? len : 0;
        if (op->result != NULL)
            memcpy(op->result, text, len);
        *out.len = len;
        rv = op->result != NULL ? CKR_BUFFER_TOO_SMALL : CKR_HOST_MEMORY;
    } else if (rv == CKR_OK && out.p != NULL) {
        memcpy(out.p, text, len);
        *out.len = len;
    }
    secret_wipe(text, sizeof text);
    secret_wipe(raw, sizeof raw);
    return finish(se, kind, rv);
}

static CK_RV give_kept(struct session *se, enum op_kind kind, struct out out)
{
    struct operation *op = se->op[kind];
    bool done;
    CK_RV rv = out_room(out, op->result_len, &done);
    if (done)
        return rv;
    memcpy(out.p, op->result, op->result_len);
    *out.len = op->result_len;
    return finish(se, kind, CKR_OK);
}

static CK_RV whole(struct session *se, enum op_kind kind, struct rd in, struct out out)
{
    struct operation *op = se->op[kind];
    bool done;
    if (op->result != NULL)
        return give_kept(se, kind, out);
    size_t most = mech_out_len(&op->mech, in.n);
    /* How long a decrypted text is, is known only afterwards: any buffer is tried. */
    bool unknown = kind == OP_DECRYPT && !is_stream(op);
    CK_RV rv = out_room(out, unknown && out.p != NULL ? 0 : most, &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, kind, rv) : rv;
    return asymmetric(se, kind, in, out);
}

/* A cipher's text goes through memory of our own, so that nothing is consumed when the caller's buffer is too
 * small. */
static CK_RV cipher_whole(struct session *se, enum op_kind kind, struct rd in, struct out out)
{
    struct operation *op = se->op[kind];
    size_t room = in.n + 64, n = room, last = room;
    bool done;
    if (op->result != NULL)
        return give_kept(se, kind, out);
    CK_RV rv = out_room(out, kind == OP_DECRYPT && out.p != NULL ? 0 : mech_out_len(&op->mech, in.n), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, kind, rv) : rv;
    uint8_t *text = malloc(room);
    if (text == NULL)
        return finish(se, kind, CKR_HOST_MEMORY);
    rv = mech_crypt_update(&op->mech, in, text, &n);
    if (rv == CKR_OK) {
        last = room - n;
        rv = mech_crypt_final(&op->mech, text + n, &last);
    }
    if (rv == CKR_OK && n + last > *out.len) {
        op->result = text;
        op->result_len = n + last;
        *out.len = n + last;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (rv == CKR_OK && out.p != NULL) {
        memcpy(out.p, text, n + last);
        *out.len = n + last;
    }
    secret_wipe(text, room);
    free(text);
    return finish(se, kind, rv == CKR_BUFFER_TOO_SMALL ? CKR_FUNCTION_FAILED : rv);
}

CK_RV op_crypt(struct session *se, enum op_kind kind, struct rd in, struct out out)
{
    struct operation *op = se->op[kind];
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->parts)
        return finish(se, kind, CKR_OPERATION_ACTIVE);
    return is_stream(op) ? cipher_whole(se, kind, in, out) : whole(se, kind, in, out);
}

CK_RV op_crypt_update(struct session *se, enum op_kind kind, struct rd part, struct out out)
{
    struct operation *op = se->op[kind];
    bool done;
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->result != NULL) /* a whole text that waits for room */
        return finish(se, kind, CKR_OPERATION_ACTIVE);
    if (!is_stream(op)) {
        if (out.len == NULL)
            return finish(se, kind, CKR_ARGUMENTS_BAD);
        *out.len = 0;
        if (out.p == NULL)
            return CKR_OK;
        return op_feed(se, kind, part);
    }
    CK_RV rv = out_room(out, mech_update_len(&op->mech, part.n), &done);
    if (done)
        return rv == CKR_ARGUMENTS_BAD ? finish(se, kind, rv) : rv;
    op->parts = true;
    size_t room = part.n + 32, n = room;
    uint8_t *text = malloc(room);
    if (text == NULL)
        return finish(se, kind, CKR_HOST_MEMORY);
    rv = mech_crypt_update(&op->mech, part, text, &n);
    if (rv == CKR_OK && n <= *out.len) {
        memcpy(out.p, text, n);
        *out.len = n;
    } else if (rv == CKR_OK) {
        rv = CKR_FUNCTION_FAILED;
    }
    secret_wipe(text, room);
    free(text);
    if (rv != CKR_OK)
        op_end(se, kind);
    return rv;
}

static CK_RV cipher_final(struct session *se, enum op_kind kind, struct out out)
{
    struct operation *op = se->op[kind];
    size_t most = mech_final_len(&op->mech);
    if (op->result != NULL)
        return give_kept(se, kind, out);
    size_t room = most + 32, n = room;
    if (out.len != NULL && out.p == NULL) {
        *out.len = most;
        return CKR_OK;
    }
    if (out.len == NULL)
        return finish(se, kind, CKR_ARGUMENTS_BAD);
    uint8_t *text = malloc(room);
    if (text == NULL)
        return finish(se, kind, CKR_HOST_MEMORY);
    CK_RV rv = mech_crypt_final(&op->mech, text, &n);
    if (rv == CKR_OK && n > *out.len) {
        op->result = text;
        op->result_len = n;
        *out.len = n;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (rv == CKR_OK) {
        memcpy(out.p, text, n);
        *out.len = n;
    }
    secret_wipe(text, room);
    free(text);
    return finish(se, kind, rv);
}

CK_RV op_crypt_final(struct session *se, enum op_kind kind, struct out out)
{
    struct operation *op = se->op[kind];
    if (op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (is_stream(op))
        return cipher_final(se, kind, out);
    return whole(se, kind, rd_of(op->mech.data, op->mech.data_len), out);
}
