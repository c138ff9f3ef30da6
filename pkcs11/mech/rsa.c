/* RSA: PKCS#1 v1.5, bare, PSS and OAEP, with the digests that the standard pairs them with (3.0, 2.1). */
#include "mech/families.h"
#include <string.h>

static struct rd modulus(const struct mech_op *op)
{
    return rd_of(op->n, op->n_len);
}

static size_t modulus_bits(const struct mech_op *op)
{
    size_t bits = op->n_len * 8;
    for (uint8_t top = op->n[0]; top != 0 && (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static size_t modulus_len(const struct mech_op *op, size_t in_len)
{
    (void)in_len;
    return op->n_len;
}

static struct host_bytes bytes(const uint8_t *p, size_t n)
{
    return (struct host_bytes){p, n};
}

static CK_RV raise(const struct mech_op *op, const uint8_t *in, uint8_t *out, CK_RV bad)
{
    return mech_rv(host_rsa_public(bytes(op->n, op->n_len), bytes(op->e, op->e_len), in, out), bad);
}

/* A signature is opened before its padding is looked at. */
static CK_RV open_signature(const struct mech_op *op, struct rd signature, uint8_t *block)
{
    if (signature.n != modulus(op).n)
        return CKR_SIGNATURE_LEN_RANGE;
    return raise(op, signature.p, block, CKR_SIGNATURE_INVALID);
}

static CK_RV sign_whole(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    if (raw.n != op->n_len || *len < raw.n)
        return CKR_DEVICE_ERROR;
    memcpy(out, raw.p, raw.n);
    *len = raw.n;
    return CKR_OK;
}

/* ---- PKCS#1 v1.5 ---- */

static CK_RV pkcs1_block(const struct mech_op *op, struct rd msg, uint8_t *block, size_t *len)
{
    uint8_t info[19 + HOST_MAX_HASH];
    struct rd prefix = pad_digest_info(op->row->hash);
    *len = op->n_len;
    if (prefix.n == 0)
        return pad_pkcs1_sign(msg, block, op->n_len);
    memcpy(info, prefix.p, prefix.n);
    memcpy(info + prefix.n, msg.p, msg.n);
    CK_RV rv = pad_pkcs1_sign(rd_of(info, prefix.n + msg.n), block, op->n_len);
    return rv == CKR_DATA_LEN_RANGE ? CKR_KEY_SIZE_RANGE : rv;
}

static CK_RV pkcs1_verify(const struct mech_op *op, struct rd msg, struct rd signature)
{
    uint8_t opened[MECH_MAX_BLOCK], expected[MECH_MAX_BLOCK];
    size_t len;
    CK_RV rv = open_signature(op, signature, opened);
    if (rv == CKR_OK)
        rv = pkcs1_block(op, msg, expected, &len);
    if (rv != CKR_OK)
        return rv;
    return memcmp(opened, expected, len) == 0 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV pkcs1_recover(const struct mech_op *op, struct rd signature, uint8_t *out, size_t *len)
{
    uint8_t block[MECH_MAX_BLOCK];
    CK_RV rv = open_signature(op, signature, block);
    if (rv != CKR_OK)
        return rv;
    size_t i = 2;
    while (i < op->n_len && block[i] == 0xFF)
        i++;
    if (block[0] != 0 || block[1] != 1 || i < 10 || i == op->n_len || block[i] != 0)
        return CKR_SIGNATURE_INVALID;
    i++;
    size_t n = op->n_len - i, room = *len;
    *len = n;
    if (n > room)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(out, block + i, n);
    return CKR_OK;
}

static CK_RV pkcs1_encrypt(const struct mech_op *op, struct rd plain, uint8_t *out, size_t *len)
{
    uint8_t block[MECH_MAX_BLOCK];
    CK_RV rv = pad_pkcs1_encrypt(plain, block, op->n_len);
    if (rv == CKR_OK)
        rv = raise(op, block, out, CKR_FUNCTION_FAILED);
    if (rv == CKR_OK)
        *len = op->n_len;
    return rv;
}

static CK_RV pkcs1_decrypt(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    return raw.n == op->n_len ? pad_pkcs1_decrypt(raw.p, raw.n, out, len) : CKR_DEVICE_ERROR;
}

static const struct mech_family pkcs1 = {.name = "RSA PKCS#1 v1.5",
                                         .sign_block = pkcs1_block,
                                         .sign_finish = sign_whole,
                                         .verify = pkcs1_verify,
                                         .recover = pkcs1_recover,
                                         .encrypt = pkcs1_encrypt,
                                         .decrypt_finish = pkcs1_decrypt,
                                         .out_len = modulus_len};

/* ---- bare ---- */

static CK_RV bare_block(const struct mech_op *op, struct rd msg, uint8_t *block, size_t *len)
{
    if (msg.n > op->n_len)
        return CKR_DATA_LEN_RANGE;
    *len = op->n_len;
    memset(block, 0, op->n_len);
    if (msg.n > 0)
        memcpy(block + op->n_len - msg.n, msg.p, msg.n);
    return memcmp(block, op->n, op->n_len) < 0 ? CKR_OK : CKR_DATA_INVALID;
}

static CK_RV bare_verify(const struct mech_op *op, struct rd msg, struct rd signature)
{
    uint8_t opened[MECH_MAX_BLOCK], expected[MECH_MAX_BLOCK];
    size_t len;
    CK_RV rv = open_signature(op, signature, opened);
    if (rv == CKR_OK)
        rv = bare_block(op, msg, expected, &len);
    if (rv != CKR_OK)
        return rv;
    return memcmp(opened, expected, len) == 0 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV bare_recover(const struct mech_op *op, struct rd signature, uint8_t *out, size_t *len)
{
    if (*len < op->n_len) {
        *len = op->n_len;
        return CKR_BUFFER_TOO_SMALL;
    }
    *len = op->n_len;
    return open_signature(op, signature, out);
}

static CK_RV bare_encrypt(const struct mech_op *op, struct rd plain, uint8_t *out, size_t *len)
{
    uint8_t block[MECH_MAX_BLOCK];
    CK_RV rv = bare_block(op, plain, block, len);
    return rv == CKR_OK ? raise(op, block, out, CKR_FUNCTION_FAILED) : rv;
}

static CK_RV bare_decrypt(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    size_t room = *len;
    if (raw.n != op->n_len)
        return CKR_DEVICE_ERROR;
    *len = raw.n;
    if (room < raw.n)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(out, raw.p, raw.n);
    return CKR_OK;
}

static const struct mech_family bare = {.name = "RSA without padding",
                                        .sign_block = bare_block,
                                        .sign_finish = sign_whole,
                                        .verify = bare_verify,
                                        .recover = bare_recover,
                                        .encrypt = bare_encrypt,
                                        .decrypt_finish = bare_decrypt,
                                        .out_len = modulus_len};

/* ---- PSS ---- */

static CK_RV pss_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_RSA_PKCS_PSS_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    op->rsa.hash = mech_hash_of(p.hashAlg);
    op->rsa.mgf = mech_mgf_hash(p.mgf);
    op->rsa.salt = p.sLen;
    if (op->rsa.hash == HOST_NONE || op->rsa.mgf == HOST_NONE || p.sLen > MECH_MAX_BLOCK)
        return CKR_MECHANISM_PARAM_INVALID;
    if (op->row->hash != HOST_NONE && op->row->hash != op->rsa.hash)
        return CKR_MECHANISM_PARAM_INVALID;
    return (modulus_bits(op) + 6) / 8 < host_hash_size(op->rsa.hash) + p.sLen + 2
               ? CKR_MECHANISM_PARAM_INVALID
               : CKR_OK;
}

static CK_RV pss_block(const struct mech_op *op, struct rd msg, uint8_t *block, size_t *len)
{
    uint8_t salt[MECH_MAX_BLOCK];
    *len = op->n_len;
    if (host_random(salt, op->rsa.salt) != HOST_OK)
        return CKR_FUNCTION_FAILED;
    return pad_pss(op->rsa.hash, op->rsa.mgf, msg, rd_of(salt, op->rsa.salt), block, op->n_len,
                   modulus_bits(op));
}

static CK_RV pss_verify(const struct mech_op *op, struct rd msg, struct rd signature)
{
    uint8_t opened[MECH_MAX_BLOCK];
    if (msg.n != host_hash_size(op->rsa.hash))
        return CKR_DATA_LEN_RANGE;
    CK_RV rv = open_signature(op, signature, opened);
    if (rv != CKR_OK)
        return rv;
    return pad_pss_verify(op->rsa.hash, op->rsa.mgf, msg, op->rsa.salt, opened, op->n_len, modulus_bits(op));
}

static const struct mech_family pss = {.name = "RSA PSS",
                                       .params = pss_params,
                                       .flat = true,
                                       .sign_block = pss_block,
                                       .sign_finish = sign_whole,
                                       .verify = pss_verify,
                                       .out_len = modulus_len};

/* ---- OAEP ---- */

static CK_RV oaep_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_RSA_PKCS_OAEP_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    op->rsa.hash = mech_hash_of(p.hashAlg);
    op->rsa.mgf = mech_mgf_hash(p.mgf);
    if (op->rsa.hash == HOST_NONE || op->rsa.mgf == HOST_NONE)
        return CKR_MECHANISM_PARAM_INVALID;
    if (p.source != CKZ_DATA_SPECIFIED && !(p.source == 0 && p.ulSourceDataLen == 0))
        return CKR_MECHANISM_PARAM_INVALID;
    if (p.ulSourceDataLen > sizeof op->rsa.label || (p.ulSourceDataLen != 0 && p.pSourceData == NULL))
        return CKR_MECHANISM_PARAM_INVALID;
    if (p.ulSourceDataLen > 0)
        memcpy(op->rsa.label, p.pSourceData, p.ulSourceDataLen);
    op->rsa.label_len = p.ulSourceDataLen;
    return op->n_len < 2 * host_hash_size(op->rsa.hash) + 2 ? CKR_KEY_SIZE_RANGE : CKR_OK;
}

static CK_RV oaep_encrypt(const struct mech_op *op, struct rd plain, uint8_t *out, size_t *len)
{
    uint8_t block[MECH_MAX_BLOCK], seed[HOST_MAX_HASH];
    size_t size = host_hash_size(op->rsa.hash);
    if (host_random(seed, size) != HOST_OK)
        return CKR_FUNCTION_FAILED;
    CK_RV rv = pad_oaep(op->rsa.hash, op->rsa.mgf, rd_of(op->rsa.label, op->rsa.label_len), plain,
                        rd_of(seed, size), block, op->n_len);
    if (rv == CKR_OK)
        rv = raise(op, block, out, CKR_FUNCTION_FAILED);
    if (rv == CKR_OK)
        *len = op->n_len;
    return rv;
}

static CK_RV oaep_decrypt(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len)
{
    if (raw.n != op->n_len)
        return CKR_DEVICE_ERROR;
    return pad_oaep_remove(op->rsa.hash, op->rsa.mgf, rd_of(op->rsa.label, op->rsa.label_len), raw.p, raw.n,
                           out, len);
}

static const struct mech_family oaep = {.name = "RSA OAEP",
                                        .params = oaep_params,
                                        .encrypt = oaep_encrypt,
                                        .decrypt_finish = oaep_decrypt,
                                        .out_len = modulus_len};

#define SV                             (CKF_SIGN | CKF_VERIFY)
#define ALL                            (SV | CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER | CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP)
#define RSA(type, flags, hash, family) NAMED(type, #type, CKK_RSA, 1024, 4096, flags, MECH_CARD, hash, family)

static const struct mech_row rows[] = {
    RSA(CKM_RSA_PKCS, ALL, HOST_NONE, &pkcs1),
    RSA(CKM_RSA_X_509, ALL & ~(CKF_WRAP | CKF_UNWRAP), HOST_NONE, &bare),
    RSA(CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP, HOST_NONE, &oaep),
    RSA(CKM_RSA_PKCS_PSS, SV, HOST_NONE, &pss),
    RSA(CKM_SHA1_RSA_PKCS, SV, HOST_SHA1, &pkcs1),
    RSA(CKM_SHA224_RSA_PKCS, SV, HOST_SHA224, &pkcs1),
    RSA(CKM_SHA256_RSA_PKCS, SV, HOST_SHA256, &pkcs1),
    RSA(CKM_SHA384_RSA_PKCS, SV, HOST_SHA384, &pkcs1),
    RSA(CKM_SHA512_RSA_PKCS, SV, HOST_SHA512, &pkcs1),
    RSA(CKM_SHA3_224_RSA_PKCS, SV, HOST_SHA3_224, &pkcs1),
    RSA(CKM_SHA3_256_RSA_PKCS, SV, HOST_SHA3_256, &pkcs1),
    RSA(CKM_SHA3_384_RSA_PKCS, SV, HOST_SHA3_384, &pkcs1),
    RSA(CKM_SHA3_512_RSA_PKCS, SV, HOST_SHA3_512, &pkcs1),
    RSA(CKM_SHA1_RSA_PKCS_PSS, SV, HOST_SHA1, &pss),
    RSA(CKM_SHA224_RSA_PKCS_PSS, SV, HOST_SHA224, &pss),
    RSA(CKM_SHA256_RSA_PKCS_PSS, SV, HOST_SHA256, &pss),
    RSA(CKM_SHA384_RSA_PKCS_PSS, SV, HOST_SHA384, &pss),
    RSA(CKM_SHA512_RSA_PKCS_PSS, SV, HOST_SHA512, &pss),
    RSA(CKM_SHA3_224_RSA_PKCS_PSS, SV, HOST_SHA3_224, &pss),
    RSA(CKM_SHA3_256_RSA_PKCS_PSS, SV, HOST_SHA3_256, &pss),
    RSA(CKM_SHA3_384_RSA_PKCS_PSS, SV, HOST_SHA3_384, &pss),
    RSA(CKM_SHA3_512_RSA_PKCS_PSS, SV, HOST_SHA3_512, &pss),
};
const struct mech_rows mech_rsa = {rows, sizeof rows / sizeof rows[0]};
