/* HMAC and AES-CMAC on session keys (3.0, 2.20 and 2.17). */
#include "mech/families.h"
#include <string.h>

static size_t mac_len(const struct mech_op *op, size_t in_len)
{
    (void)in_len;
    return op->mac_len;
}

static CK_RV set_len(struct mech_op *op, size_t most)
{
    if (op->mac_len == 0)
        op->mac_len = most;
    return op->mac_len > most ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV hmac_start(struct mech_op *op, const struct mech_key *key)
{
    CK_RV rv = set_len(op, host_hash_size(op->row->hash));
    if (rv != CKR_OK)
        return rv;
    return mech_rv(host_mac_new(HOST_HMAC, op->row->hash, key->value.p, key->value.n, &op->mac),
                   CKR_KEY_SIZE_RANGE);
}

static CK_RV cmac_start(struct mech_op *op, const struct mech_key *key)
{
    CK_RV rv = set_len(op, 16);
    if (rv != CKR_OK)
        return rv;
    return mech_rv(host_mac_new(HOST_CMAC_AES, HOST_NONE, key->value.p, key->value.n, &op->mac),
                   CKR_KEY_SIZE_RANGE);
}

/* CK_MAC_GENERAL_PARAMS: how many bytes of the code count. */
static CK_RV general_params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_ULONG len;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof len)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&len, m->pParameter, sizeof len);
    op->mac_len = len;
    return len == 0 || len > HOST_MAX_HASH ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static const struct mech_family hmac = {.name = "HMAC", .start = hmac_start, .out_len = mac_len};
static const struct mech_family hmac_general = {
    .name = "HMAC", .params = general_params, .flat = true, .start = hmac_start, .out_len = mac_len};
static const struct mech_family cmac = {.name = "CMAC", .start = cmac_start, .out_len = mac_len};
static const struct mech_family cmac_general = {
    .name = "CMAC", .params = general_params, .flat = true, .start = cmac_start, .out_len = mac_len};

#define SV (CKF_SIGN | CKF_VERIFY)
#define HMAC(type, hash)                                                                                     \
    NAMED(type, #type, CKK_GENERIC_SECRET, 1, 512, SV, MECH_SOFTWARE, hash, &hmac),                          \
        NAMED(type##_GENERAL, #type "_GENERAL", CKK_GENERIC_SECRET, 1, 512, SV, MECH_SOFTWARE, hash,         \
              &hmac_general)

static const struct mech_row rows[] = {
    HMAC(CKM_SHA_1_HMAC, HOST_SHA1),
    HMAC(CKM_SHA224_HMAC, HOST_SHA224),
    HMAC(CKM_SHA256_HMAC, HOST_SHA256),
    HMAC(CKM_SHA384_HMAC, HOST_SHA384),
    HMAC(CKM_SHA512_HMAC, HOST_SHA512),
    HMAC(CKM_SHA512_224_HMAC, HOST_SHA512_224),
    HMAC(CKM_SHA512_256_HMAC, HOST_SHA512_256),
    HMAC(CKM_SHA3_224_HMAC, HOST_SHA3_224),
    HMAC(CKM_SHA3_256_HMAC, HOST_SHA3_256),
    HMAC(CKM_SHA3_384_HMAC, HOST_SHA3_384),
    HMAC(CKM_SHA3_512_HMAC, HOST_SHA3_512),
    ROW(CKM_AES_CMAC, CKK_AES, 16, 32, SV, MECH_SOFTWARE, HOST_NONE, &cmac),
    ROW(CKM_AES_CMAC_GENERAL, CKK_AES, 16, 32, SV, MECH_SOFTWARE, HOST_NONE, &cmac_general),
};
const struct mech_rows mech_mac = {rows, sizeof rows / sizeof rows[0]};
