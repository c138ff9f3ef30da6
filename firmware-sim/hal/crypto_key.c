/* Asymmetric keys and what is done with them, by OpenSSL. */
#include "hal/crypto_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum family { RSA_FAMILY, EC_FAMILY, RAW_FAMILY };

static const struct kind {
    enum family family;
    const char *name; /* OpenSSL's, of the key type or the group */
    size_t size;
    int raw_type;
} kinds[] = {
    [CRYPTO_NO_KEY] = {RAW_FAMILY, NULL, 0, 0},
    [CRYPTO_RSA_1024] = {RSA_FAMILY, "RSA", 128, 0},
    [CRYPTO_RSA_2048] = {RSA_FAMILY, "RSA", 256, 0},
    [CRYPTO_RSA_3072] = {RSA_FAMILY, "RSA", 384, 0},
    [CRYPTO_RSA_4096] = {RSA_FAMILY, "RSA", 512, 0},
    [CRYPTO_P256] = {EC_FAMILY, "P-256", 32, 0},
    [CRYPTO_P384] = {EC_FAMILY, "P-384", 48, 0},
    [CRYPTO_ED25519] = {RAW_FAMILY, "ED25519", 32, EVP_PKEY_ED25519},
    [CRYPTO_X25519] = {RAW_FAMILY, "X25519", 32, EVP_PKEY_X25519},
};

struct crypto_key {
    enum crypto_kind kind;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *sign; /* kept ready: setting one up costs as much as a P-256 signature */
};

size_t crypto_key_size(enum crypto_kind kind)
{
    return kinds[kind].size;
}

bool crypto_is_rsa(enum crypto_kind kind)
{
    return kinds[kind].family == RSA_FAMILY;
}

EVP_PKEY *crypto_key_pkey(const struct crypto_key *key)
{
    return key->pkey;
}

enum crypto_kind crypto_key_kind(const struct crypto_key *key)
{
    return key->kind;
}

/* Takes pkey over, also after failure. */
static struct crypto_key *wrap(enum crypto_kind kind, EVP_PKEY *pkey)
{
    struct crypto_key *key = pkey == NULL ? NULL : calloc(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return NULL;
    }
    key->kind = kind;
    key->pkey = pkey;
    return key;
}

void crypto_key_free(struct crypto_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(key->sign);
    EVP_PKEY_free(key->pkey);
    free(key);
}

/* Certificates and stored keys name the curve (RFC 5480 2.1.1); OpenSSL would write its parameters out. */
static EVP_PKEY *name_curve(EVP_PKEY *pkey)
{
    if (pkey != NULL &&
        EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

struct crypto_key *crypto_key_generate(enum crypto_kind kind)
{
    const struct kind *k = &kinds[kind];
    if (k->family == RSA_FAMILY)
        return wrap(kind, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", k->size * 8));
    if (k->family == EC_FAMILY)
        return wrap(kind, name_curve(EVP_PKEY_Q_keygen(NULL, NULL, "EC", k->name)));
    return wrap(kind, EVP_PKEY_Q_keygen(NULL, NULL, k->name));
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

struct rsa_numbers {
    BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *qinv, *p1, *q1, *phi;
};

/* The rest of an RSA key from its primes (RFC 8017 3.2). False also when the primes don't fit the exponent.
 */
static bool complete_rsa(struct rsa_numbers *x, BN_CTX *bn)
{
    return BN_set_word(x->e, RSA_F4) && BN_mul(x->n, x->p, x->q, bn) && BN_sub(x->p1, x->p, BN_value_one()) &&
           BN_sub(x->q1, x->q, BN_value_one()) && BN_mul(x->phi, x->p1, x->q1, bn) &&
           BN_mod_inverse(x->d, x->e, x->phi, bn) != NULL && BN_mod(x->dp, x->d, x->p1, bn) &&
           BN_mod(x->dq, x->d, x->q1, bn) && BN_mod_inverse(x->qinv, x->q, x->p, bn) != NULL;
}

static EVP_PKEY *build_rsa(const struct rsa_numbers *x)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (b != NULL && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, x->n) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, x->e) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, x->d) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR1, x->p) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR2, x->q) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT1, x->dp) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT2, x->dq) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, x->qinv))
        pkey = from_params("RSA", b);
    OSSL_PARAM_BLD_free(b);
    return pkey;
}

struct crypto_key *crypto_key_from_primes(enum crypto_kind kind, const uint8_t *p, const uint8_t *q,
                                          size_t len)
{
    struct rsa_numbers x = {0};
    BIGNUM **all[] = {&x.p, &x.q, &x.n, &x.e, &x.d, &x.dp, &x.dq, &x.qinv, &x.p1, &x.q1, &x.phi};
    BN_CTX *bn = BN_CTX_secure_new();
    EVP_PKEY *pkey = NULL;
    bool ready = bn != NULL && len * 2 == kinds[kind].size;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ready = (*all[i] = BN_secure_new()) != NULL && ready;
    if (ready && BN_bin2bn(p, (int)len, x.p) && BN_bin2bn(q, (int)len, x.q) && BN_is_odd(x.p) &&
        BN_is_odd(x.q) && BN_cmp(x.p, x.q) != 0 && complete_rsa(&x, bn) &&
        (size_t)BN_num_bytes(x.n) == kinds[kind].size)
        pkey = build_rsa(&x);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        BN_clear_free(*all[i]);
    BN_CTX_free(bn);
    return wrap(kind, pkey);
}

static EVP_PKEY *build_ec(const char *group_name, const BIGNUM *d, const uint8_t *point, size_t point_len)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (b != NULL && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, group_name, 0) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, point_len))
        pkey = from_params("EC", b);
    OSSL_PARAM_BLD_free(b);
    return pkey;
}

static EVP_PKEY *ec_from_scalar(const struct kind *k, const uint8_t *value, size_t len)
{
    uint8_t point[CRYPTO_PUBLIC_MAX];
    EVP_PKEY *pkey = NULL;
    EC_GROUP *group =
        EC_GROUP_new_by_curve_name(OBJ_sn2nid(k->size == 32 ? SN_X9_62_prime256v1 : SN_secp384r1));
    EC_POINT *public = group == NULL ? NULL : EC_POINT_new(group);
    BIGNUM *d = BN_secure_new();
    if (public != NULL && d != NULL && BN_bin2bn(value, (int)len, d) != NULL && !BN_is_zero(d) &&
        BN_cmp(d, EC_GROUP_get0_order(group)) < 0 && EC_POINT_mul(group, public, d, NULL, NULL, NULL)) {
        size_t n =
            EC_POINT_point2oct(group, public, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL);
        if (n != 0)
            pkey = name_curve(build_ec(k->name, d, point, n));
    }
    BN_clear_free(d);
    EC_POINT_free(public);
    EC_GROUP_free(group);
    return pkey;
}

struct crypto_key *crypto_key_from_scalar(enum crypto_kind kind, const uint8_t *value, size_t len)
{
    const struct kind *k = &kinds[kind];
    if (len == 0 || len > k->size || k->family == RSA_FAMILY)
        return NULL;
    if (k->family == EC_FAMILY)
        return wrap(kind, ec_from_scalar(k, value, len));
    return len == k->size ? wrap(kind, EVP_PKEY_new_raw_private_key(k->raw_type, NULL, value, len)) : NULL;
}

/* The key is what its kind says: an image is not trusted either. */
static bool fits(enum crypto_kind kind, const EVP_PKEY *pkey)
{
    const struct kind *k = &kinds[kind];
    char group[32];
    size_t n;
    if (k->family == RAW_FAMILY)
        return EVP_PKEY_is_a(pkey, k->name) == 1;
    if (k->family == RSA_FAMILY)
        return EVP_PKEY_is_a(pkey, "RSA") == 1 && (size_t)EVP_PKEY_get_size(pkey) == k->size;
    return EVP_PKEY_is_a(pkey, "EC") == 1 && EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
           OBJ_sn2nid(group) == (k->size == 32 ? NID_X9_62_prime256v1 : NID_secp384r1);
}

struct crypto_key *crypto_key_load(enum crypto_kind kind, const uint8_t *stored, size_t len)
{
    const uint8_t *p = stored;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)len);
    if (pkey != NULL && (p != stored + len || !fits(kind, pkey))) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return wrap(kind, pkey);
}

size_t crypto_key_store(const struct crypto_key *key, uint8_t *stored, size_t cap)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    int len = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    uint8_t *p = stored;
    if (len > 0 && (size_t)len <= cap)
        len = i2d_PKCS8_PRIV_KEY_INFO(info, &p);
    else
        len = 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    return len > 0 ? (size_t)len : 0;
}

static bool number(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t cap, size_t *len)
{
    BIGNUM *n = NULL;
    bool done = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && (size_t)BN_num_bytes(n) <= cap;
    if (done)
        *len = (size_t)BN_bn2bin(n, out);
    BN_free(n);
    return done;
}

bool crypto_key_public(const struct crypto_key *key, struct crypto_public *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->bytes;
    switch (kinds[key->kind].family) {
    case RSA_FAMILY:
        return number(key->pkey, OSSL_PKEY_PARAM_RSA_N, out->bytes, sizeof out->bytes, &out->len) &&
               number(key->pkey, OSSL_PKEY_PARAM_RSA_E, out->exponent, sizeof out->exponent,
                      &out->exponent_len);
    case EC_FAMILY:
        return EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, out->bytes,
                                               sizeof out->bytes, &out->len) == 1;
    default:
        return EVP_PKEY_get_raw_public_key(key->pkey, out->bytes, &out->len) == 1;
    }
}

/* -- private key operations
 * ---------------------------------------------------------------------------------- */

static EVP_PKEY_CTX *signer(const struct crypto_key *key)
{
    struct crypto_key *owner = (struct crypto_key *)key; /* the context is a cache */
    if (owner->sign != NULL)
        return owner->sign;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        (crypto_is_rsa(key->kind) && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    owner->sign = ctx;
    return ctx;
}

static size_t sign(const struct crypto_key *key, const uint8_t *in, size_t len, uint8_t *out)
{
    size_t n = CRYPTO_RESULT_MAX;
    EVP_PKEY_CTX *ctx = signer(key);
    if (ctx == NULL || EVP_PKEY_sign(ctx, out, &n, in, len) != 1) {
        ERR_clear_error();
        return 0;
    }
    return n;
}

size_t crypto_rsa_private(const struct crypto_key *key, const uint8_t *block, size_t len, uint8_t *out)
{
    return sign(key, block, len, out);
}

size_t crypto_ecdsa_sign(const struct crypto_key *key, const uint8_t *digest, size_t len, uint8_t *out)
{
    return sign(key, digest, len, out);
}

size_t crypto_ed25519_sign(const struct crypto_key *key, const uint8_t *message, size_t len, uint8_t *out)
{
    size_t n = CRYPTO_RESULT_MAX;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(ctx, out, &n, message, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return done ? n : 0;
}

static EVP_PKEY *peer_key(const struct crypto_key *key, const uint8_t *peer, size_t len)
{
    const struct kind *k = &kinds[key->kind];
    if (k->family == RAW_FAMILY)
        return EVP_PKEY_new_raw_public_key(k->raw_type, NULL, peer, len);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (pkey != NULL && EVP_PKEY_copy_parameters(pkey, key->pkey) == 1 &&
        EVP_PKEY_set1_encoded_public_key(pkey, peer, len) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

size_t crypto_agree(const struct crypto_key *key, const uint8_t *peer, size_t len, uint8_t *out)
{
    size_t n = CRYPTO_RESULT_MAX;
    EVP_PKEY *other = peer_key(key, peer, len);
    EVP_PKEY_CTX *ctx = other == NULL ? NULL : EVP_PKEY_CTX_new(key->pkey, NULL);
    bool done = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
                EVP_PKEY_derive(ctx, out, &n) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    ERR_clear_error();
    return done ? n : 0;
}
