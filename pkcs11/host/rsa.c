/* The bare RSA operations; paddings are made and checked in mech/. */
#include "internal.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define MAX_MODULUS 1024 /* bytes */

static bool push(OSSL_PARAM_BLD *bld, const char *name, struct host_bytes value, BIGNUM **keep)
{
    if (value.n == 0)
        return true;
    *keep = BN_secure_new();
    return *keep != NULL && BN_bin2bn(value.p, (int)value.n, *keep) != NULL &&
           OSSL_PARAM_BLD_push_BN(bld, name, *keep) == 1;
}

static EVP_PKEY *load(const struct host_rsa_key *k, int selection)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (lib == NULL || k->n.n == 0 || k->n.n > MAX_MODULUS || k->e.n == 0 || k->e.n > k->n.n)
        return NULL;
    BIGNUM *bn[8] = {0};
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, "RSA", NULL);
    bool ok = bld != NULL && ctx != NULL && push(bld, OSSL_PKEY_PARAM_RSA_N, k->n, &bn[0]) &&
              push(bld, OSSL_PKEY_PARAM_RSA_E, k->e, &bn[1]) &&
              push(bld, OSSL_PKEY_PARAM_RSA_D, k->d, &bn[2]);
    if (ok && k->p.n != 0)
        ok = push(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p, &bn[3]) &&
             push(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q, &bn[4]) &&
             push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp, &bn[5]) &&
             push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq, &bn[6]) &&
             push(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qi, &bn[7]);
    if (ok)
        params = OSSL_PARAM_BLD_to_param(bld);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    for (size_t i = 0; i < 8; i++)
        BN_clear_free(bn[i]);
    return pkey;
}

enum host_rc host_rsa_public(struct host_bytes n, struct host_bytes e, const uint8_t *in, uint8_t *out)
{
    struct host_rsa_key key = {.n = n, .e = e};
    EVP_PKEY *pkey = load(&key, EVP_PKEY_PUBLIC_KEY);
    if (pkey == NULL)
        return host_exiting() ? HOST_FAIL : HOST_BAD;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(host_ctx(), pkey, NULL);
    size_t len = n.n;
    bool ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_encrypt(ctx, out, &len, in, n.n) == 1 && len == n.n;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_BAD;
}

enum host_rc host_rsa_private(const struct host_rsa_key *key, const uint8_t *in, uint8_t *out)
{
    EVP_PKEY *pkey = load(key, EVP_PKEY_KEYPAIR);
    if (pkey == NULL)
        return host_exiting() ? HOST_FAIL : HOST_BAD;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(host_ctx(), pkey, NULL);
    size_t len = key->n.n;
    bool ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_decrypt(ctx, out, &len, in, key->n.n) == 1 && len == key->n.n;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? HOST_OK : HOST_BAD;
}
