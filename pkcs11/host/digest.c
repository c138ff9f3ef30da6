/* Digests and message authentication codes. */
#include "internal.h"
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>

/* struct host_digest is OpenSSL's own context; the cast keeps the type out of the header. */
static EVP_MD_CTX *md_ctx(const struct host_digest *d)
{
    return (EVP_MD_CTX *)(uintptr_t)d;
}

enum host_rc host_digest_new(enum host_hash hash, struct host_digest **out)
{
    const EVP_MD *md = host_md(hash);
    EVP_MD_CTX *ctx = md == NULL ? NULL : EVP_MD_CTX_new();
    if (ctx == NULL)
        return HOST_FAIL;
    if (EVP_DigestInit_ex2(ctx, md, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return HOST_FAIL;
    }
    *out = (struct host_digest *)ctx;
    return HOST_OK;
}

enum host_rc host_digest_update(struct host_digest *d, const void *data, size_t len)
{
    if (host_exiting())
        return HOST_FAIL;
    return len == 0 || EVP_DigestUpdate(md_ctx(d), data, len) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_digest_final(struct host_digest *d, uint8_t *out)
{
    if (host_exiting())
        return HOST_FAIL;
    return EVP_DigestFinal_ex(md_ctx(d), out, NULL) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_digest_copy(const struct host_digest *d, struct host_digest **out)
{
    EVP_MD_CTX *ctx = host_exiting() ? NULL : EVP_MD_CTX_new();
    if (ctx == NULL)
        return HOST_FAIL;
    if (EVP_MD_CTX_copy_ex(ctx, md_ctx(d)) != 1) {
        EVP_MD_CTX_free(ctx);
        return HOST_FAIL;
    }
    *out = (struct host_digest *)ctx;
    return HOST_OK;
}

void host_digest_free(struct host_digest *d)
{
    if (!host_exiting())
        EVP_MD_CTX_free(md_ctx(d));
}

enum host_rc host_hash_once(enum host_hash hash, const void *data, size_t len, uint8_t *out)
{
    const EVP_MD *md = host_md(hash);
    if (md == NULL)
        return HOST_FAIL;
    return EVP_Digest(data, len, out, NULL, md, NULL) == 1 ? HOST_OK : HOST_FAIL;
}

static EVP_MAC_CTX *mac_ctx(struct host_mac *m)
{
    return (EVP_MAC_CTX *)m;
}

static const char *cmac_cipher(size_t key_len)
{
    return key_len == 16   ? "AES-128-CBC"
           : key_len == 24 ? "AES-192-CBC"
           : key_len == 32 ? "AES-256-CBC"
                           : NULL;
}

enum host_rc host_mac_new(enum host_mac_kind kind, enum host_hash hash, const uint8_t *key, size_t key_len,
                          struct host_mac **out)
{
    OSSL_LIB_CTX *lib = host_ctx();
    const char *under = kind == HOST_HMAC ? host_md_name(hash) : cmac_cipher(key_len);
    if (lib == NULL || under == NULL)
        return lib == NULL ? HOST_FAIL : HOST_BAD;
    EVP_MAC *mac = EVP_MAC_fetch(lib, kind == HOST_HMAC ? "HMAC" : "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(kind == HOST_HMAC ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
                                         (char *)(uintptr_t)under, 0),
        OSSL_PARAM_construct_end()};
    static const uint8_t empty;
    if (ctx == NULL || EVP_MAC_init(ctx, key_len == 0 ? &empty : key, key_len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return HOST_FAIL;
    }
    *out = (struct host_mac *)ctx;
    return HOST_OK;
}

enum host_rc host_mac_update(struct host_mac *m, const void *data, size_t len)
{
    if (host_exiting())
        return HOST_FAIL;
    return len == 0 || EVP_MAC_update(mac_ctx(m), data, len) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_mac_final(struct host_mac *m, uint8_t *out, size_t size, size_t *len)
{
    if (host_exiting())
        return HOST_FAIL;
    return EVP_MAC_final(mac_ctx(m), out, len, size) == 1 ? HOST_OK : HOST_FAIL;
}

void host_mac_free(struct host_mac *m)
{
    if (!host_exiting())
        EVP_MAC_CTX_free(mac_ctx(m));
}
