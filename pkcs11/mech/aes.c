/* AES on session keys: ECB, CBC, CTR, GCM and key wrapping (3.0, 2.11 to 2.17). */
#include "mech/families.h"
#include <string.h>

#define BLOCK 16

static size_t text_len(const struct mech_op *op, size_t in_len)
{
    if (op->gcm)
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

/* OpenSSL counts over the whole block, so only a 128-bit counter is what was asked for. */
static CK_RV ctr_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_AES_CTR_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    memcpy(op->rsa.label, p.cb, BLOCK);
    return p.counter_bits == 128 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV ctr_start(struct mech_op *op, const struct mech_key *key)
{
    return start(op, HOST_CTR, key, op->rsa.label, BLOCK);
}

/* label: iv || additional data, split at rsa.salt; longer additional data than fits there is refused. */
static CK_RV gcm_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_GCM_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    size_t room = sizeof op->rsa.label;
    if (p.iv_ptr == NULL || p.iv_len == 0 || p.iv_len > 64 || p.aad_len > room - 64 ||
        (p.aad_len != 0 && p.aad_ptr == NULL) || p.tag_bits > 128 || p.tag_bits < 32 || p.tag_bits % 8 != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    op->gcm = true;
    op->mac_len = p.tag_bits / 8;
    op->rsa.salt = p.iv_len;
    op->rsa.label_len = p.iv_len + p.aad_len;
    memcpy(op->rsa.label, p.iv_ptr, p.iv_len);
    if (p.aad_len > 0)
        memcpy(op->rsa.label + p.iv_len, p.aad_ptr, p.aad_len);
    return CKR_OK;
}

static CK_RV gcm_start(struct mech_op *op, const struct mech_key *key)
{
    size_t iv = op->rsa.salt;
    CK_RV rv = start(op, HOST_GCM, key, op->rsa.label, iv);
    if (rv == CKR_OK)
        rv = mech_rv(host_cipher_aad(op->cipher, op->rsa.label + iv, op->rsa.label_len - iv),
                     CKR_MECHANISM_PARAM_INVALID);
    return rv;
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
    .name = "AES CTR", .params = ctr_params, .start = ctr_start, .out_len = text_len};
static const struct mech_family gcm = {
    .name = "AES GCM", .params = gcm_params, .start = gcm_start, .out_len = text_len};

#define ED                (CKF_ENCRYPT | CKF_DECRYPT)
#define AES(type, family) ROW(type, CKK_AES, 16, 32, ED, MECH_SOFTWARE, HOST_NONE, family)

static const struct mech_row rows[] = {
    AES(CKM_AES_ECB, &ecb),
    AES(CKM_AES_CBC, &cbc),
    AES(CKM_AES_CBC_PAD, &cbc_pad),
    AES(CKM_AES_CTR, &ctr),
    ROW(CKM_AES_GCM, CKK_AES, 16, 32, ED | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE,
        MECH_SOFTWARE, HOST_NONE, &gcm),
    ROW(CKM_AES_KEY_WRAP, CKK_AES, 16, 32, CKF_WRAP | CKF_UNWRAP, MECH_SOFTWARE, HOST_NONE, &kw),
    ROW(CKM_AES_KEY_WRAP_PAD, CKK_AES, 16, 32, CKF_WRAP | CKF_UNWRAP, MECH_SOFTWARE, HOST_NONE, &kwp),
};
const struct mech_rows mech_aes = {rows, sizeof rows / sizeof rows[0]};
