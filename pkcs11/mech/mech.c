/* The engine: finds a row, checks it against key and use, and moves bytes through what the family started. */
#include "mech/mech.h"
#include "card/base/secret.h"
#include "mech/families.h"
#include <stdlib.h>
#include <string.h>

static const struct mech_rows *const all[] = {&mech_rsa,    &mech_ec,  &mech_generate, &mech_derive,
                                              &mech_digest, &mech_mac, &mech_aes,      &mech_otp};

const struct mech_row *mech_row_at(size_t index)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (index < all[i]->count)
            return &all[i]->row[index];
        index -= all[i]->count;
    }
    return NULL;
}

const struct mech_row *mech_row(CK_MECHANISM_TYPE type)
{
    const struct mech_row *row;
    for (size_t i = 0; (row = mech_row_at(i)) != NULL; i++)
        if (row->type == type)
            return row;
    return NULL;
}

/* Keys that a row takes besides its own type: every secret key can be a generic one, each digest's HMAC has
 * its type. */
static bool type_fits(const struct mech_row *row, CK_KEY_TYPE type)
{
    static const struct {
        CK_KEY_TYPE key;
        enum host_hash hash;
    } hmacs[] = {
        {CKK_SHA_1_HMAC, HOST_SHA1},        {CKK_SHA224_HMAC, HOST_SHA224},
        {CKK_SHA256_HMAC, HOST_SHA256},     {CKK_SHA384_HMAC, HOST_SHA384},
        {CKK_SHA512_HMAC, HOST_SHA512},     {CKK_SHA3_224_HMAC, HOST_SHA3_224},
        {CKK_SHA3_256_HMAC, HOST_SHA3_256}, {CKK_SHA3_384_HMAC, HOST_SHA3_384},
        {CKK_SHA3_512_HMAC, HOST_SHA3_512},
    };
    if (row->key == type)
        return true;
    if (row->type == CKM_ECDH1_DERIVE)
        return type == CKK_EC_MONTGOMERY;
    if (row->type == CKM_HKDF_DERIVE)
        return type == CKK_GENERIC_SECRET;
    for (size_t i = 0; row->key == CKK_GENERIC_SECRET && i < sizeof hmacs / sizeof hmacs[0]; i++)
        if (hmacs[i].key == type)
            return hmacs[i].hash == row->hash;
    return false;
}

static bool copy_in(struct rd from, uint8_t *to, size_t room, size_t *len)
{
    if (from.n > room)
        return false;
    if (from.n > 0)
        memcpy(to, from.p, from.n);
    *len = from.n;
    return true;
}

static CK_RV take_key(struct mech_op *op, const struct mech_key *key)
{
    const struct mech_row *row = op->row;
    if (key == NULL)
        return row->key == MECH_NO_KEY ? CKR_OK : CKR_KEY_NEEDED;
    if (!type_fits(row, key->type))
        return CKR_KEY_TYPE_INCONSISTENT;
    op->key_type = key->type;
    op->curve = key->curve;
    if (!copy_in(key->n, op->n, sizeof op->n, &op->n_len) ||
        !copy_in(key->e, op->e, sizeof op->e, &op->e_len) ||
        !copy_in(key->point, op->point, sizeof op->point, &op->point_len))
        return CKR_KEY_SIZE_RANGE;
    if (key->type == CKK_RSA && (op->n_len * 8 < row->min || op->n_len * 8 > row->max))
        return CKR_KEY_SIZE_RANGE;
    if (key->type == CKK_EC && key->curve == HOST_NO_CURVE)
        return CKR_CURVE_NOT_SUPPORTED;
    return CKR_OK;
}

CK_RV mech_begin(struct mech_op *op, CK_FLAGS use, const CK_MECHANISM *m, const struct mech_key *key)
{
    *op = (struct mech_op){.row = mech_row(m->mechanism), .use = use};
    if (op->row == NULL || (op->row->flags & use) == 0)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = take_key(op, key);
    if (rv != CKR_OK)
        return rv;
    const struct mech_family *f = op->row->family;
    if (f->params != NULL)
        rv = f->params(op, m);
    else if (m->ulParameterLen != 0 && use != CKF_DERIVE)
        rv = CKR_MECHANISM_PARAM_INVALID;
    if (rv == CKR_OK && f->start != NULL)
        rv = f->start(op, key);
    else if (rv == CKR_OK && op->row->hash != HOST_NONE)
        rv = mech_rv(host_digest_new(op->row->hash, &op->digest), CKR_FUNCTION_FAILED);
    return rv;
}

void mech_end(struct mech_op *op)
{
    if (op->digest != NULL)
        host_digest_free(op->digest);
    if (op->mac != NULL)
        host_mac_free(op->mac);
    if (op->cipher != NULL)
        host_cipher_free(op->cipher);
    if (op->data != NULL)
        secret_wipe(op->data, op->data_room);
    free(op->data);
    *op = (struct mech_op){0};
}

static CK_RV append(struct mech_op *op, const void *data, size_t len)
{
    if (len > MECH_MAX_TEXT - op->data_len)
        return CKR_DATA_LEN_RANGE;
    size_t need = op->data_len + len;
    if (need > op->data_room) {
        size_t room = op->data_room == 0 ? 512 : op->data_room;
        while (room < need)
            room *= 2;
        uint8_t *more = malloc(room);
        if (more == NULL)
            return CKR_HOST_MEMORY;
        if (op->data != NULL) {
            memcpy(more, op->data, op->data_len);
            secret_wipe(op->data, op->data_room);
            free(op->data);
        }
        op->data = more;
        op->data_room = room;
    }
    if (len > 0)
        memcpy(op->data + op->data_len, data, len);
    op->data_len = need;
    return CKR_OK;
}

CK_RV mech_update(struct mech_op *op, const void *data, size_t len)
{
    if (op->digest != NULL)
        return mech_rv(host_digest_update(op->digest, data, len), CKR_FUNCTION_FAILED);
    if (op->mac != NULL)
        return mech_rv(host_mac_update(op->mac, data, len), CKR_FUNCTION_FAILED);
    return append(op, data, len);
}

CK_RV mech_message(struct mech_op *op, uint8_t *digest, struct rd *msg)
{
    if (op->digest == NULL) {
        *msg = rd_of(op->data, op->data_len);
        return CKR_OK;
    }
    *msg = rd_of(digest, host_hash_size(op->row->hash));
    return mech_rv(host_digest_final(op->digest, digest), CKR_FUNCTION_FAILED);
}

CK_RV mech_stream_final(struct mech_op *op, uint8_t *out, size_t *len)
{
    uint8_t code[HOST_MAX_HASH];
    size_t n = mech_out_len(op, 0), full;
    if (*len < n)
        return CKR_BUFFER_TOO_SMALL;
    enum host_rc rc = op->mac != NULL ? host_mac_final(op->mac, code, sizeof code, &full)
                                      : host_digest_final(op->digest, code);
    if (rc == HOST_OK) {
        memcpy(out, code, n);
        *len = n;
    }
    secret_wipe(code, sizeof code);
    return mech_rv(rc, CKR_FUNCTION_FAILED);
}

size_t mech_out_len(const struct mech_op *op, size_t in_len)
{
    return op->row->family->out_len(op, in_len);
}

size_t mech_block_len(const struct mech_op *op)
{
    return op->key_type == CKK_RSA ? op->n_len : host_curve_size(op->curve);
}

/* Block modes give whole blocks, and keep the last one back while it may be padding. */
static uint64_t given(const struct mech_op *op, uint64_t fed)
{
    CK_MECHANISM_TYPE m = op->row->type;
    if (m == CKM_AES_CTR || m == CKM_AES_GCM)
        return fed;
    if (op->pad && op->use == CKF_DECRYPT)
        return fed == 0 ? 0 : (fed - 1) / 16 * 16;
    return fed / 16 * 16;
}

/* Everything is collected first: GCM's text is held back until its tag is right, CCM works on the whole. */
static bool collects(const struct mech_op *op)
{
    return op->ccm || (op->gcm && op->use == CKF_DECRYPT);
}

size_t mech_update_len(const struct mech_op *op, size_t in_len)
{
    if (collects(op))
        return 0;
    return (size_t)(given(op, op->fed + in_len) - given(op, op->fed));
}

size_t mech_final_len(const struct mech_op *op)
{
    return collects(op) ? mech_out_len(op, op->data_len) : op->gcm ? op->mac_len : op->pad ? 16 : 0;
}

CK_RV mech_crypt_update(struct mech_op *op, struct rd in, uint8_t *out, size_t *len)
{
    if (collects(op)) {
        *len = 0;
        return append(op, in.p, in.n);
    }
    if (*len < in.n + 16)
        return CKR_BUFFER_TOO_SMALL;
    if (op->row->family->update != NULL)
        return op->row->family->update(op, in, out, len);
    op->fed += in.n;
    return mech_rv(host_cipher_update(op->cipher, in.p, in.n, out, len), CKR_FUNCTION_FAILED);
}

static CK_RV gcm_open(struct mech_op *op, uint8_t *out, size_t *len)
{
    if (op->data_len < op->mac_len)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    size_t text = op->data_len - op->mac_len, last = 0;
    if (*len < text)
        return CKR_BUFFER_TOO_SMALL;
    uint8_t *plain = malloc(text + 16);
    if (plain == NULL)
        return CKR_HOST_MEMORY;
    size_t n = 0;
    enum host_rc rc = host_cipher_update(op->cipher, op->data, text, plain, &n);
    if (rc == HOST_OK)
        rc = host_cipher_set_tag(op->cipher, op->data + text, op->mac_len);
    if (rc == HOST_OK)
        rc = host_cipher_final(op->cipher, plain + n, &last);
    if (rc == HOST_OK && n + last <= *len) {
        memcpy(out, plain, n + last);
        *len = n + last;
    }
    secret_wipe(plain, text + 16);
    free(plain);
    return mech_rv(rc, CKR_ENCRYPTED_DATA_INVALID);
}

static CK_RV ccm_whole(struct mech_op *op, uint8_t *out, size_t *len)
{
    bool encrypt = op->use == CKF_ENCRYPT;
    size_t text = op->ccm_text, tag = op->mac_len;
    if (op->data_len != text + (encrypt ? 0 : tag))
        return encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    if (*len < text + (encrypt ? tag : 0))
        return CKR_BUFFER_TOO_SMALL;
    uint8_t *made = malloc(text + 16);
    if (made == NULL)
        return CKR_HOST_MEMORY;
    enum host_rc rc = encrypt ? HOST_OK : host_cipher_set_tag(op->cipher, op->data + text, tag);
    if (rc == HOST_OK)
        rc = host_cipher_ccm_text(op->cipher, op->data, text, made);
    if (rc == HOST_OK && encrypt)
        rc = host_cipher_get_tag(op->cipher, made + text, tag);
    if (rc == HOST_OK) {
        *len = text + (encrypt ? tag : 0);
        memcpy(out, made, *len);
    }
    secret_wipe(made, text + 16);
    free(made);
    return mech_rv(rc, encrypt ? CKR_FUNCTION_FAILED : CKR_ENCRYPTED_DATA_INVALID);
}

/* What a block mode was given could be a text of its. */
static bool whole_blocks(const struct mech_op *op)
{
    CK_MECHANISM_TYPE m = op->row->type;
    if (m == CKM_AES_CTR || m == CKM_AES_GCM || (op->pad && op->use == CKF_ENCRYPT))
        return true;
    return op->fed % 16 == 0 && !(op->pad && op->fed == 0);
}

CK_RV mech_crypt_final(struct mech_op *op, uint8_t *out, size_t *len)
{
    uint8_t last[16];
    size_t n;
    if (collects(op))
        return op->ccm ? ccm_whole(op, out, len) : gcm_open(op, out, len);
    size_t tag = op->gcm ? op->mac_len : 0;
    bool encrypt = op->use == CKF_ENCRYPT;
    if (!whole_blocks(op))
        return encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    if (*len < (encrypt && op->pad ? sizeof last : tag))
        return CKR_BUFFER_TOO_SMALL;
    CK_RV rv = mech_rv(host_cipher_final(op->cipher, last, &n),
                       encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_INVALID);
    if (rv == CKR_OK && n + tag > *len)
        rv = CKR_BUFFER_TOO_SMALL;
    if (rv == CKR_OK) {
        memcpy(out, last, n);
        if (tag > 0)
            rv = mech_rv(host_cipher_get_tag(op->cipher, out + n, tag), CKR_FUNCTION_FAILED);
        *len = n + tag;
    }
    secret_wipe(last, sizeof last);
    return rv;
}
