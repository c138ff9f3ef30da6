/* Key derivation and random numbers. */
#include "internal.h"
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

static enum host_rc run_kdf(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (lib == NULL)
        return HOST_FAIL;
    EVP_KDF *kdf = EVP_KDF_fetch(lib, name, NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok ? HOST_OK : HOST_BAD;
}

static OSSL_PARAM octets(const char *name, struct host_bytes b)
{
    static uint8_t none;
    return OSSL_PARAM_construct_octet_string(name, b.n == 0 ? &none : (void *)(uintptr_t)b.p, b.n);
}

enum host_rc host_hkdf(enum host_hash hash, bool extract, bool expand, struct host_bytes secret,
                       struct host_bytes salt, struct host_bytes info, uint8_t *out, size_t len)
{
    int mode = extract && expand ? EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND
               : extract         ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
                                 : EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    if (host_md_name(hash) == NULL)
        return HOST_BAD;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)host_md_name(hash), 0),
        octets(OSSL_KDF_PARAM_KEY, secret),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end()};
    return run_kdf("HKDF", params, out, len);
}

enum host_rc host_x963_kdf(enum host_hash hash, struct host_bytes secret, struct host_bytes shared,
                           uint8_t *out, size_t len)
{
    if (host_md_name(hash) == NULL)
        return HOST_BAD;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)host_md_name(hash), 0),
        octets(OSSL_KDF_PARAM_SECRET, secret), octets(OSSL_KDF_PARAM_INFO, shared),
        OSSL_PARAM_construct_end()};
    return run_kdf("X963KDF", params, out, len);
}

enum host_rc host_pbkdf2(enum host_hash hash, struct host_bytes password, struct host_bytes salt,
                         unsigned rounds, uint8_t *out, size_t len)
{
    int any = 1; /* short salts and few rounds as well: the other side has chosen them */
    if (host_md_name(hash) == NULL)
        return HOST_BAD;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)host_md_name(hash), 0),
        octets(OSSL_KDF_PARAM_PASSWORD, password),
        octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &rounds),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any),
        OSSL_PARAM_construct_end()};
    return run_kdf("PBKDF2", params, out, len);
}

enum host_rc host_random(uint8_t *out, size_t len)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (lib == NULL)
        return HOST_FAIL;
    return len == 0 || RAND_bytes_ex(lib, out, len, 0) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_random_seed(const uint8_t *seed, size_t len)
{
    OSSL_LIB_CTX *lib = host_ctx();
    EVP_RAND_CTX *rand = lib == NULL ? NULL : RAND_get0_public(lib);
    if (rand == NULL)
        return HOST_FAIL;
    return EVP_RAND_reseed(rand, 0, NULL, 0, seed, len) == 1 ? HOST_OK : HOST_FAIL;
}
