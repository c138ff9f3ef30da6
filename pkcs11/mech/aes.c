/* AES on session keys: ECB, CBC, CTR, GCM and key wrapping (3.0, 2.11 to 2.17). */
#include "mech/families.h"
#include <string.h>

#define BLOCK 16

static size_t text_len(const struct mech_op *op, size_t in_len)
{
    if (op->gcm || op->ccm)
        return op->use == CKF_ENCRYPT ? in_len + op->mac_len
               : in_len < op->mac_len ? 0
                                      : in_len - op->mac_len;
    return in_len + (op->pad && op->use == CKF_ENCRYPT ? BLOCK - in_len % BLOCK : 0);
}

static CK_RV start(struct mech_op *op, enum host_mode mode, const struct mech_key *key, const uint8_t *iv,
                   size_t iv_len)
{
    return mech_rv(host_cipher_new(mode, op->use == CKF_ENCRYPT || op->use == CKF_WRAP, op->pad, key->value.p,
                                   key->value.n, iv, iv_len, &op->cipher),
                   CKR_KEY_SIZE_RANGE);
}

/* The parameter is kept in rsa.label until the key is at hand. */
static CK_RV keep(struct mech_op *op, const CK_MECHANISM *m, size_t len)
{
    if (m->pParameter == NULL || m->ulParameterLen != len)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(op->rsa.label, m->pParameter, len);
    op->rsa.label_len = len;
    return CKR_OK;
}

static CK_RV iv_params(struct mech_op *op, const CK_MECHANISM *m)
{
    return keep(op, m, BLOCK);
}

static CK_RV pad_params(struct mech_op *op, const CK_MECHANISM *m)
{
    op->pad = true;
    return keep(op, m, BLOCK);
}

static CK_RV ecb_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_ECB, key, NULL, 0);
}

static CK_RV cbc_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_CBC, key, op->rsa.label, BLOCK);
}

#define NEVER UINT64_MAX

/* How many bytes there are until the counter, the last `bits` of the block, comes back to zero. */
static uint64_t until_wrap(const uint8_t block[BLOCK], unsigned bits)
{
    uint64_t steps = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned below = (BLOCK - 1 - i) * 8; /* bits of the block behind this byte */
        unsigned mask = bits <= below ? 0 : bits - below >= 8 ? 0xFF : (1u << (bits - below)) - 1;
        if (steps >> 48 != 0)
            return NEVER;
        steps = steps << 8 | (~block[i] & mask);
    }
    return (steps + 1) * BLOCK;
}

static CK_RV ctr_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_AES_CTR_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    memcpy(op->rsa.label, p.cb, BLOCK);
    if (p.counter_bits == 0 || p.counter_bits > 128)
        return CKR_MECHANISM_PARAM_INVALID;
    op->ctr.bits = (unsigned)p.counter_bits;
    op->ctr.wraps_at = op->ctr.bits == 128 ? NEVER : until_wrap(p.cb, op->ctr.bits);
    return CKR_OK;
}

/* OpenSSL counts over the whole block: where a shorter counter comes back to zero it is started anew. A
 * counter that was used up gives nothing more, for no two blocks may have the same. */
static CK_RV ctr_update(struct mech_op *op, struct rd in, uint8_t *out, size_t *len)
{
    uint64_t most = op->ctr.bits < 48 ? ((uint64_t)1 << op->ctr.bits) * BLOCK : NEVER;
    size_t done = 0;
    if (op->fed > most || in.n > most - op->fed)
        return op->use == CKF_ENCRYPT ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    while (done < in.n) {
        size_t step = in.n - done, n;
        if (!op->ctr.wrapped && op->fed == op->ctr.wraps_at) {
            uint8_t block[BLOCK];
            memcpy(block, op->rsa.label, BLOCK);
            for (unsigned bit = 0; bit < op->ctr.bits; bit++)
                block[BLOCK - 1 - bit / 8] &= (uint8_t) ~(1u << bit % 8);
            if (host_cipher_restart(op->cipher, block) != HOST_OK)
                return CKR_FUNCTION_FAILED;
            op->ctr.wrapped = true;
        }
        if (!op->ctr.wrapped && step > op->ctr.wraps_at - op->fed)
            step = (size_t)(op->ctr.wraps_at - op->fed);
        CK_RV rv =
            mech_rv(host_cipher_update(op->cipher, in.p + done, step, out + done, &n), CKR_FUNCTION_FAILED);
        if (rv != CKR_OK)
            return rv;
        op->fed += step;
        done += step;
    }
    *len = done;
    return CKR_OK;
}

static CK_RV ctr_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_CTR, key, op->rsa.label, BLOCK);
}

static CK_RV gcm_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_GCM_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    if (p.iv_ptr == NULL || p.iv_len == 0 || p.iv_len > MECH_MAX_IV ||
        (p.aad_len != 0 && p.aad_ptr == NULL) || p.tag_bits > 128 || p.tag_bits < 32 || p.tag_bits % 8 != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    op->gcm = true;
    op->mac_len = p.tag_bits / 8;
    op->rsa.label_len = p.iv_len;
    memcpy(op->rsa.label, p.iv_ptr, p.iv_len);
    op->aad = rd_of(p.aad_ptr, p.aad_len);
    return CKR_OK;
}

static CK_RV gcm_start(struct mech_op *op, const struct mech_key *key)
{
    CK_RV rv = start(op, HOST_GCM, key, op->rsa.label, op->rsa.label_len);
    if (rv == CKR_OK)
        rv = mech_rv(host_cipher_aad(op->cipher, op->aad.p, op->aad.n), CKR_MECHANISM_PARAM_INVALID);
    op->aad = rd_of(NULL, 0);
    return rv;
}

static CK_RV ccm_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_CCM_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    if (p.pNonce == NULL || p.ulNonceLen < 7 || p.ulNonceLen > 13 || p.ulMACLen < 4 || p.ulMACLen > 16 ||
        p.ulMACLen % 2 != 0 || (p.ulAADLen != 0 && p.pAAD == NULL))
        return CKR_MECHANISM_PARAM_INVALID;
    if (p.ulNonceLen > 11 &&
        p.ulDataLen >> (8 * (15 - p.ulNonceLen)) != 0) /* its length has the other bytes */
        return CKR_MECHANISM_PARAM_INVALID;
    op->ccm = true;
    op->mac_len = p.ulMACLen;
    op->ccm_text = p.ulDataLen;
    op->rsa.label_len = p.ulNonceLen;
    memcpy(op->rsa.label, p.pNonce, p.ulNonceLen);
    op->aad = rd_of(p.pAAD, p.ulAADLen);
    return CKR_OK;
}

static CK_RV ccm_start(struct mech_op *op, const struct mech_key *key)
{
    struct host_ccm with = {
        {op->rsa.label, op->rsa.label_len}, {op->aad.p, op->aad.n}, op->ccm_text, op->mac_len};
    op->aad = rd_of(NULL, 0);
    if (with.text > MECH_MAX_TEXT)
        return CKR_MECHANISM_PARAM_INVALID;
    return mech_rv(host_cipher_ccm(op->use == CKF_ENCRYPT, key->value.p, key->value.n, &with, &op->cipher),
                   CKR_KEY_SIZE_RANGE);
}

/* Without a parameter: the initial value of the standard. */
static CK_RV kw_params(struct mech_op *op, const CK_MECHANISM *m)
{
    (void)op;
    return m->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV kw_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_KW, key, NULL, 0);
}

static CK_RV kwp_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_KWP, key, NULL, 0);
}

static const struct mech_family kw = {.name = "AES key wrap", .params = kw_params, .start = kw_start};
static const struct mech_family kwp = {.name = "AES key wrap", .params = kw_params, .start = kwp_start};
static const struct mech_family ecb = {.name = "AES ECB", .start = ecb_start, .out_len = text_len};
static const struct mech_family cbc = {
    .name = "AES CBC", .params = iv_params, .start = cbc_start, .out_len = text_len};
static const struct mech_family cbc_pad = {
    .name = "AES CBC", .params = pad_params, .start = cbc_start, .out_len = text_len};
static const struct mech_family ctr = {
    .name = "AES CTR", .params = ctr_params, .start = ctr_start, .update = ctr_update, .out_len = text_len};
static const struct mech_family gcm = {
    .name = "AES GCM", .params = gcm_params, .start = gcm_start, .out_len = text_len};
static const struct mech_family ccm = {
    .name = "AES CCM", .params = ccm_params, .start = ccm_start, .out_len = text_len};

#define ED                (CKF_ENCRYPT | CKF_DECRYPT)
#define AES(type, family) NAMED(type, #type, CKK_AES, 16, 32, ED, MECH_SOFTWARE, HOST_NONE, family)

static const struct mech_row rows[] = {
    AES(CKM_AES_ECB, &ecb),
    AES(CKM_AES_CBC, &cbc),
    AES(CKM_AES_CBC_PAD, &cbc_pad),
    AES(CKM_AES_CTR, &ctr),
    ROW(CKM_AES_GCM, CKK_AES, 16, 32, ED | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE,
        MECH_SOFTWARE, HOST_NONE, &gcm),
    AES(CKM_AES_CCM, &ccm),
    ROW(CKM_AES_KEY_WRAP, CKK_AES, 16, 32, CKF_WRAP | CKF_UNWRAP, MECH_SOFTWARE, HOST_NONE, &kw),
    ROW(CKM_AES_KEY_WRAP_PAD, CKK_AES, 16, 32, CKF_WRAP | CKF_UNWRAP, MECH_SOFTWARE, HOST_NONE, &kwp),
};
const struct mech_rows mech_aes = {rows, sizeof rows / sizeof rows[0]};
