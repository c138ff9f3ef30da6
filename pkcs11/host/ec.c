/* Elliptic curve keys: verification, agreement and the check that a foreign point lies on its curve. */
#include "internal.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

static const struct {
    const char *type, *group;
    size_t size, point;
} curves[] = {
    [HOST_NO_CURVE] = {NULL, NULL, 0, 0},       [HOST_P256] = {"EC", "prime256v1", 32, 65},
    [HOST_P384] = {"EC", "secp384r1", 48, 97},  [HOST_P521] = {"EC", "secp521r1", 66, 133},
    [HOST_ED25519] = {"ED25519", NULL, 32, 32}, [HOST_X25519] = {"X25519", NULL, 32, 32},
};

size_t host_curve_size(enum host_curve curve)
{
    return curves[curve].size;
}

size_t host_point_size(enum host_curve curve)
{
    return curves[curve].point;
}

const char *host_group_name(enum host_curve curve)
{
    return curves[curve].group;
}

static EVP_PKEY *public_key(enum host_curve curve, struct host_bytes point)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (lib == NULL || point.n != curves[curve].point || point.n == 0)
        return NULL;
    if (curves[curve].group == NULL)
        return EVP_PKEY_new_raw_public_key_ex(lib, curves[curve].type, NULL, point.p, point.n);
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curves[curve].group,
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p, point.n),
        OSSL_PARAM_construct_end()};
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *private_key(enum host_curve curve, struct host_bytes scalar)
{
    OSSL_LIB_CTX *lib = host_ctx();
    while (curves[curve].group != NULL && scalar.n > curves[curve].size && scalar.p[0] == 0)
        scalar = (struct host_bytes){scalar.p + 1, scalar.n - 1};
    if (lib == NULL || scalar.n == 0 || scalar.n > curves[curve].size)
        return NULL;
    if (curves[curve].group == NULL)
        return EVP_PKEY_new_raw_private_key_ex(lib, curves[curve].type, NULL, scalar.p, scalar.n);
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, "EC", NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_secure_new();
    if (bld != NULL && d != NULL && BN_bin2bn(scalar.p, (int)scalar.n, d) != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curves[curve].group, 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
        params = OSSL_PARAM_BLD_to_param(bld);
    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(d);
    return pkey;
}

enum host_rc host_point_check(enum host_curve curve, struct host_bytes point)
{
    EVP_PKEY *pkey = public_key(curve, point);
    if (pkey == NULL)
        return host_exiting() ? HOST_FAIL : HOST_BAD;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(host_ctx(), pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_BAD;
}

/* r || s -> DER, which is what OpenSSL takes. */
static int to_der(struct host_bytes signature, uint8_t **der)
{
    int half = (int)(signature.n / 2), len = -1;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.p, half, NULL), *s = BN_bin2bn(signature.p + half, half, NULL);
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        *der = NULL;
        len = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len;
}

enum host_rc host_ecdsa_verify(enum host_curve curve, struct host_bytes point, struct host_bytes digest,
                               struct host_bytes signature)
{
    if (signature.n == 0 || signature.n != 2 * curves[curve].size)
        return HOST_BAD;
    EVP_PKEY *pkey = public_key(curve, point);
    if (pkey == NULL)
        return host_exiting() ? HOST_FAIL : HOST_BAD;
    uint8_t *der = NULL;
    int len = to_der(signature, &der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(host_ctx(), pkey, NULL);
    bool ok = len > 0 && ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
              EVP_PKEY_verify(ctx, der, (size_t)len, digest.p, digest.n) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    OPENSSL_free(der);
    return ok ? HOST_OK : HOST_BAD;
}

static bool from_der(const uint8_t *der, size_t len, size_t half, uint8_t *out)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) == (int)half &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) == (int)half;
    ECDSA_SIG_free(sig);
    return ok;
}

enum host_rc host_ecdsa_sign(enum host_curve curve, struct host_bytes scalar, struct host_bytes digest,
                             uint8_t *signature)
{
    EVP_PKEY *pkey = private_key(curve, scalar);
    if (pkey == NULL)
        return host_exiting() ? HOST_FAIL : HOST_BAD;
    uint8_t der[160];
    size_t len = sizeof der;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(host_ctx(), pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_sign(ctx, der, &len, digest.p, digest.n) == 1 &&
              from_der(der, len, curves[curve].size, signature);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_FAIL;
}

enum host_rc host_eddsa_verify(struct host_bytes point, struct host_bytes message,
                               struct host_bytes signature)
{
    EVP_PKEY *pkey = public_key(HOST_ED25519, point);
    EVP_MD_CTX *ctx = pkey == NULL ? NULL : EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, host_ctx(), NULL, pkey, NULL) == 1 &&
              EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : host_exiting() ? HOST_FAIL : HOST_BAD;
}

enum host_rc host_eddsa_sign(struct host_bytes scalar, struct host_bytes message, uint8_t *signature)
{
    EVP_PKEY *pkey = private_key(HOST_ED25519, scalar);
    EVP_MD_CTX *ctx = pkey == NULL ? NULL : EVP_MD_CTX_new();
    size_t len = 64;
    bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, host_ctx(), NULL, pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, signature, &len, message.p, message.n) == 1 && len == 64;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_FAIL;
}

enum host_rc host_ecdh(enum host_curve curve, struct host_bytes scalar, struct host_bytes peer,
                       uint8_t *secret)
{
    if (host_point_check(curve, peer) != HOST_OK)
        return HOST_BAD;
    EVP_PKEY *own = private_key(curve, scalar), *other = public_key(curve, peer);
    EVP_PKEY_CTX *ctx = own == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(host_ctx(), own, NULL);
    size_t len = curves[curve].size;
    bool ok = ctx != NULL && other != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, secret, &len) == 1 &&
              len == curves[curve].size;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    return ok ? HOST_OK : HOST_BAD;
}

static bool take_parts(EVP_PKEY *pkey, enum host_curve curve, uint8_t *scalar, uint8_t *point)
{
    size_t s = curves[curve].size, p = curves[curve].point;
    if (curves[curve].group == NULL)
        return EVP_PKEY_get_raw_private_key(pkey, scalar, &s) == 1 && s == curves[curve].size &&
               EVP_PKEY_get_raw_public_key(pkey, point, &p) == 1 && p == curves[curve].point;
    BIGNUM *d = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
              BN_bn2binpad(d, scalar, (int)s) == (int)s &&
              EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, p, &p) == 1 &&
              p == curves[curve].point;
    BN_clear_free(d);
    return ok;
}

enum host_rc host_ec_generate(enum host_curve curve, uint8_t *scalar, uint8_t *point)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (lib == NULL || curves[curve].type == NULL)
        return HOST_FAIL;
    EVP_PKEY *pkey = curves[curve].group != NULL ? EVP_PKEY_Q_keygen(lib, NULL, "EC", curves[curve].group)
                                                 : EVP_PKEY_Q_keygen(lib, NULL, curves[curve].type);
    bool ok = pkey != NULL && take_parts(pkey, curve, scalar, point);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_FAIL;
}
