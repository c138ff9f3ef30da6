/* Elliptic curves: ECDSA with and without digests, EdDSA (3.0, 2.3). */
#include "mech/families.h"
#include <string.h>

static struct host_bytes bytes(struct rd r)
{
    return (struct host_bytes){r.p, r.n};
}

static size_t signature_len(const struct mech_op *op, size_t in_len)
{
    (void)in_len;
    return 2 * host_curve_size(op->curve);
}

/* The leftmost bytes of the digest, as many as the curve's order has (FIPS 186-4, 6.4). */
static CK_RV ecdsa_block(const struct mech_op *op, struct rd msg, uint8_t *block, size_t *len)
{
    size_t size = host_curve_size(op->curve);
    if (msg.n == 0)
        return CKR_DATA_LEN_RANGE;
    *len = msg.n < size ? msg.n : size;
    memcpy(block, msg.p, *len);
    return CKR_OK;
}

/* A DER INTEGER that is not negative -> size bytes. */
static bool integer(struct rd *der, uint8_t *out, size_t size)
{
    struct rd v;
    if (!rd_tlv(der, 0x02, &v) || v.n == 0 || (v.p[0] & 0x80) != 0)
        return false;
    while (v.n > 0 && v.p[0] == 0) {
        v.p++;
        v.n--;
    }
    if (v.n > size || v.n == 0)
        return false;
    memset(out, 0, size - v.n);
    memcpy(out + size - v.n, v.p, v.n);
    return true;
}

/* SEQUENCE { r, s } -> r || s */
static CK_RV ecdsa_finish(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    size_t size = host_curve_size(op->curve);
    struct rd seq;
    if (*len < 2 * size)
        return CKR_DEVICE_ERROR;
    if (!(rd_tlv(&raw, 0x30, &seq) && rd_end(&raw) && integer(&seq, out, size) &&
          integer(&seq, out + size, size) && rd_end(&seq)))
        return CKR_DEVICE_ERROR;
    *len = 2 * size;
    return CKR_OK;
}

static CK_RV ecdsa_verify(const struct mech_op *op, struct rd msg, struct rd signature)
{
    size_t size = host_curve_size(op->curve);
    if (signature.n != 2 * size)
        return CKR_SIGNATURE_LEN_RANGE;
    if (msg.n == 0)
        return CKR_DATA_LEN_RANGE;
    if (msg.n > size)
        msg.n = size;
    return mech_rv(host_ecdsa_verify(op->curve, (struct host_bytes){op->point, op->point_len}, bytes(msg),
                                     bytes(signature)),
                   CKR_SIGNATURE_INVALID);
}

static const struct mech_family ecdsa = {.name = "ECDSA",
                                         .sign_block = ecdsa_block,
                                         .sign_finish = ecdsa_finish,
                                         .verify = ecdsa_verify,
                                         .out_len = signature_len};

/* Only the pure scheme without context, which is what cards have. */
static CK_RV eddsa_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_EDDSA_PARAMS p;
    (void)op;
    if (m->ulParameterLen == 0)
        return CKR_OK;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    return p.phFlag == CK_FALSE && p.ulContextDataLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV eddsa_finish(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    if (raw.n != 2 * host_curve_size(op->curve) || *len < raw.n)
        return CKR_DEVICE_ERROR;
    memcpy(out, raw.p, raw.n);
    *len = raw.n;
    return CKR_OK;
}

static CK_RV eddsa_verify(const struct mech_op *op, struct rd msg, struct rd signature)
{
    if (signature.n != 2 * host_curve_size(op->curve))
        return CKR_SIGNATURE_LEN_RANGE;
    return mech_rv(
        host_eddsa_verify((struct host_bytes){op->point, op->point_len}, bytes(msg), bytes(signature)),
        CKR_SIGNATURE_INVALID);
}

/* No sign_block: the key signs the message itself. */
static const struct mech_family eddsa = {.name = "EdDSA",
                                         .params = eddsa_params,
                                         .sign_finish = eddsa_finish,
                                         .verify = eddsa_verify,
                                         .out_len = signature_len};

#define CURVES (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)
#define EC(type, hash)                                                                                       \
    NAMED(type, #type, CKK_EC, 256, 521, CKF_SIGN | CKF_VERIFY | CURVES, MECH_CARD, hash, &ecdsa)

static const struct mech_row rows[] = {
    EC(CKM_ECDSA, HOST_NONE),
    EC(CKM_ECDSA_SHA1, HOST_SHA1),
    EC(CKM_ECDSA_SHA224, HOST_SHA224),
    EC(CKM_ECDSA_SHA256, HOST_SHA256),
    EC(CKM_ECDSA_SHA384, HOST_SHA384),
    EC(CKM_ECDSA_SHA512, HOST_SHA512),
    EC(CKM_ECDSA_SHA3_224, HOST_SHA3_224),
    EC(CKM_ECDSA_SHA3_256, HOST_SHA3_256),
    EC(CKM_ECDSA_SHA3_384, HOST_SHA3_384),
    EC(CKM_ECDSA_SHA3_512, HOST_SHA3_512),
    ROW(CKM_EDDSA, CKK_EC_EDWARDS, 255, 255, CKF_SIGN | CKF_VERIFY | CKF_EC_F_P | CKF_EC_NAMEDCURVE,
        MECH_CARD, HOST_NONE, &eddsa),
};
const struct mech_rows mech_ec = {rows, sizeof rows / sizeof rows[0]};
