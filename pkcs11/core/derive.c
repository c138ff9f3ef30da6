/* C_DeriveKey: Diffie-Hellman (3.0, 2.3.16 to 2.3.18) and HKDF (2.58.3). */
#include "core/derive.h"
#include "card/base/secret.h"
#include "core/content.h"
#include "core/slot.h"
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET 512

/* What is derived or unwrapped is as sensitive as it was asked to be, and never local (2.40, 4.7.2). */
static bool settle_origin(struct object *o, const struct object *base)
{
    bool sensitive = base != NULL && object_bool(base, CKA_ALWAYS_SENSITIVE) && object_bool(o, CKA_SENSITIVE);
    bool kept = base != NULL && object_bool(base, CKA_NEVER_EXTRACTABLE) && !object_bool(o, CKA_EXTRACTABLE);
    return object_set_bool(o, CKA_LOCAL, false) && object_set_bool(o, CKA_ALWAYS_SENSITIVE, sensitive) &&
           object_set_bool(o, CKA_NEVER_EXTRACTABLE, kept);
}

CK_RV secret_from(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count, enum attr_how how,
                  const struct object *base, struct rd value, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct object *o;
    CK_ULONG type = CK_UNAVAILABLE_INFORMATION;
    if (!attr_find_ulong(templ, count, CKA_KEY_TYPE, &type))
        type = CKK_GENERIC_SECRET;
    CK_RV rv = attr_build(templ, count, how, CKO_SECRET_KEY, type, s->login == LOGIN_SO, &o);
    if (rv != CKR_OK)
        return rv;
    bool wrong_size = type == CKK_AES && value.n != 16 && value.n != 24 && value.n != 32;
    if (object_bool(o, CKA_TOKEN) || wrong_size)
        rv = CKR_TEMPLATE_INCONSISTENT; /* a card keeps no secret keys */
    else if (object_bool(o, CKA_PRIVATE) && s->login != LOGIN_USER)
        rv = CKR_USER_NOT_LOGGED_IN;
    else if (!object_set(o, CKA_VALUE, value.p, value.n) || !object_set_ulong(o, CKA_VALUE_LEN, value.n) ||
             !settle_origin(o, base))
        rv = CKR_HOST_MEMORY;
    return store_made(se, o, rv, out);
}

/* ---- Diffie-Hellman ---- */

static enum host_hash kdf_hash(CK_ULONG kdf)
{
    static const struct {
        CK_ULONG kdf;
        enum host_hash hash;
    } kdfs[] = {
        {CKD_SHA1_KDF, HOST_SHA1},         {CKD_SHA224_KDF, HOST_SHA224},
        {CKD_SHA256_KDF, HOST_SHA256},     {CKD_SHA384_KDF, HOST_SHA384},
        {CKD_SHA512_KDF, HOST_SHA512},     {CKD_SHA3_224_KDF, HOST_SHA3_224},
        {CKD_SHA3_256_KDF, HOST_SHA3_256}, {CKD_SHA3_384_KDF, HOST_SHA3_384},
        {CKD_SHA3_512_KDF, HOST_SHA3_512},
    };
    for (size_t i = 0; i < sizeof kdfs / sizeof kdfs[0]; i++)
        if (kdfs[i].kdf == kdf)
            return kdfs[i].hash;
    return HOST_NONE;
}

/* The other side's point, bare or as a DER OCTET STRING: programs send both. */
static struct rd peer_point(const CK_ECDH1_DERIVE_PARAMS *p, size_t want)
{
    struct rd all = rd_of(p->pPublicData, p->ulPublicDataLen), inner;
    if (all.n == want)
        return all;
    return rd_tlv(&all, 0x04, &inner) && rd_end(&all) && inner.n == want ? inner : rd_of(NULL, 0);
}

static CK_RV ecdh_params(const CK_MECHANISM *m, CK_ECDH1_DERIVE_PARAMS *p)
{
    if (m->pParameter == NULL || m->ulParameterLen != sizeof *p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(p, m->pParameter, sizeof *p);
    bool ok = p->pPublicData != NULL && (p->ulSharedDataLen == 0 || p->pSharedData != NULL) &&
              p->ulSharedDataLen <= MAX_SECRET && (p->kdf != CKD_NULL || p->ulSharedDataLen == 0) &&
              (p->kdf == CKD_NULL || kdf_hash(p->kdf) != HOST_NONE);
    return ok ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* Which bytes of a shared secret become the key: the leftmost for the DH families (2.3.16). */
static CK_RV ecdh_value(struct rd secret, const CK_ECDH1_DERIVE_PARAMS *p, size_t want, uint8_t *value)
{
    if (p->kdf == CKD_NULL) {
        if (want > secret.n)
            return CKR_KEY_SIZE_RANGE;
        memcpy(value, secret.p, want);
        return CKR_OK;
    }
    return mech_rv(host_x963_kdf(kdf_hash(p->kdf), (struct host_bytes){secret.p, secret.n},
                                 (struct host_bytes){p->pSharedData, p->ulSharedDataLen}, value, want),
                   CKR_KEY_SIZE_RANGE);
}

/* What a point of small order gives with every key (RFC 7748, 6.1). */
static bool is_zero(struct rd secret)
{
    uint8_t any = 0;
    for (size_t i = 0; i < secret.n; i++)
        any |= secret.p[i];
    return any == 0;
}

static CK_RV ecdh(struct session *se, const CK_MECHANISM *m, const struct object *base, size_t want,
                  uint8_t *value, size_t *len)
{
    CK_ECDH1_DERIVE_PARAMS p;
    uint8_t secret[MECH_MAX_BLOCK];
    size_t secret_len = sizeof secret;
    CK_RV rv = ecdh_params(m, &p);
    if (rv != CKR_OK)
        return rv;
    enum host_curve curve = keyobj_curve(object_get(base, CKA_EC_PARAMS));
    struct rd peer = peer_point(&p, host_point_size(curve));
    if (peer.p == NULL || host_point_check(curve, (struct host_bytes){peer.p, peer.n}) != HOST_OK)
        return CKR_MECHANISM_PARAM_INVALID;
    rv = keyuse_apply(se->slot, NULL, base, USE_AGREE, peer, secret, &secret_len);
    if (rv == CKR_OK && is_zero(rd_of(secret, secret_len)))
        rv = CKR_MECHANISM_PARAM_INVALID;
    if (rv == CKR_OK) {
        *len = want != 0 ? want : p.kdf == CKD_NULL ? secret_len : host_hash_size(kdf_hash(p.kdf));
        rv = ecdh_value(rd_of(secret, secret_len), &p, *len, value);
    }
    secret_wipe(secret, sizeof secret);
    return rv;
}

/* ---- HKDF ---- */

static CK_RV hkdf(struct session *se, const CK_MECHANISM *m, const struct object *base, size_t want,
                  uint8_t *value, size_t *len)
{
    CK_HKDF_PARAMS p;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof p)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, m->pParameter, sizeof p);
    enum host_hash hash = mech_hash_of(p.prfHashMechanism);
    if (hash == HOST_NONE || (!p.bExtract && !p.bExpand) || (p.ulInfoLen != 0 && p.pInfo == NULL) ||
        (p.ulSaltType == CKF_HKDF_SALT_DATA && p.pSalt == NULL && p.ulSaltLen != 0))
        return CKR_MECHANISM_PARAM_INVALID;
    struct rd salt = rd_of(NULL, 0), secret = object_get(base, CKA_VALUE);
    if (p.ulSaltType == CKF_HKDF_SALT_DATA)
        salt = rd_of(p.pSalt, p.ulSaltLen);
    if (p.ulSaltType == CKF_HKDF_SALT_KEY) {
        const struct object *key = store_get(se->slot, p.hSaltKey);
        if (key == NULL || object_class(key) != CKO_SECRET_KEY)
            return CKR_KEY_HANDLE_INVALID;
        salt = object_get(key, CKA_VALUE);
    }
    *len = p.bExpand && want != 0 ? want : host_hash_size(hash);
    if (!p.bExpand && want != 0 && want != *len)
        return CKR_TEMPLATE_INCONSISTENT;
    return mech_rv(host_hkdf(hash, p.bExtract, p.bExpand, (struct host_bytes){secret.p, secret.n},
                             (struct host_bytes){salt.p, salt.n}, (struct host_bytes){p.pInfo, p.ulInfoLen},
                             value, *len),
                   CKR_MECHANISM_PARAM_INVALID);
}

CK_RV derive_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle,
                 const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_OBJECT_CLASS class;
        CK_RV(*derive)
        (struct session *, const CK_MECHANISM *, const struct object *, size_t, uint8_t *, size_t *);
    } ways[] = {{CKM_ECDH1_DERIVE, CKO_PRIVATE_KEY, ecdh}, {CKM_HKDF_DERIVE, CKO_SECRET_KEY, hkdf}};
    struct mech_op op;
    struct mech_key facts;
    uint8_t value[MAX_SECRET];
    CK_ULONG want = 0;
    size_t len = 0;
    struct object *base = store_get(se->slot, handle);
    if (base == NULL)
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = keyobj_mech(base, &facts);
    if (rv == CKR_OK)
        rv = mech_begin(&op, CKF_DERIVE, m, &facts);
    mech_end(&op);
    if (rv == CKR_OK && !object_bool(base, CKA_DERIVE))
        rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (rv == CKR_OK)
        rv = attr_template_check(templ, count);
    if (rv != CKR_OK)
        return rv;
    (void)attr_find_ulong(templ, count, CKA_VALUE_LEN, &want);
    if (want > sizeof value)
        return CKR_KEY_SIZE_RANGE;
    rv = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (ways[i].type == m->mechanism)
            rv = object_class(base) != ways[i].class ? CKR_KEY_TYPE_INCONSISTENT
                                                     : ways[i].derive(se, m, base, want, value, &len);
    if (rv == CKR_OK)
        rv = secret_from(se, templ, count, ATTR_UNWRAP, base, rd_of(value, len), out);
    secret_wipe(value, sizeof value);
    return rv;
}
