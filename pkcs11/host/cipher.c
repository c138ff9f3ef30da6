/* AES on session keys, and the block ciphers of a card's management key. */
#include "internal.h"
#include <limits.h>
#include <stdio.h>

static EVP_CIPHER_CTX *cipher_ctx(struct host_cipher *c)
{
    return (EVP_CIPHER_CTX *)c;
}

static const char *const mode_names[] = {
    [HOST_ECB] = "ECB", [HOST_CBC] = "CBC", [HOST_CTR] = "CTR",     [HOST_GCM] = "GCM",
    [HOST_CCM] = "CCM", [HOST_KW] = "WRAP", [HOST_KWP] = "WRAP-PAD"};

static EVP_CIPHER *fetch(OSSL_LIB_CTX *lib, size_t key_len, enum host_mode mode)
{
    char name[24];
    snprintf(name, sizeof name, "AES-%zu-%s", key_len * 8, mode_names[mode]);
    return EVP_CIPHER_fetch(lib, name, NULL);
}

enum host_rc host_cipher_new(enum host_mode mode, bool encrypt, bool pad, const uint8_t *key, size_t key_len,
                             const uint8_t *iv, size_t iv_len, struct host_cipher **out)
{
    OSSL_LIB_CTX *lib = host_ctx();
    if (key_len != 16 && key_len != 24 && key_len != 32)
        return HOST_BAD;
    if (lib == NULL || iv_len > INT_MAX)
        return HOST_FAIL;
    EVP_CIPHER *cipher = fetch(lib, key_len, mode);
    EVP_CIPHER_CTX *ctx = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) == 1;
    if (ok && mode == HOST_GCM)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_len, NULL) == 1;
    ok = ok && EVP_CipherInit_ex2(ctx, NULL, key, iv, encrypt, NULL) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, pad) == 1;
    EVP_CIPHER_free(cipher);
    if (!ok) {
        EVP_CIPHER_CTX_free(ctx);
        return HOST_FAIL;
    }
    *out = (struct host_cipher *)ctx;
    return HOST_OK;
}

enum host_rc host_cipher_ccm(bool encrypt, const uint8_t *key, size_t key_len, const struct host_ccm *with,
                             struct host_cipher **out)
{
    OSSL_LIB_CTX *lib = host_ctx();
    uint8_t none[16] = {0}; /* while decrypting the tag's length comes with a tag */
    int n;
    if (key_len != 16 && key_len != 24 && key_len != 32)
        return HOST_BAD;
    if (lib == NULL || with->text > INT_MAX || with->aad.n > INT_MAX || with->tag > sizeof none)
        return HOST_FAIL;
    EVP_CIPHER *cipher = fetch(lib, key_len, HOST_CCM);
    EVP_CIPHER_CTX *ctx = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)with->nonce.n, NULL) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)with->tag, encrypt ? NULL : none) == 1 &&
              EVP_CipherInit_ex2(ctx, NULL, key, with->nonce.p, encrypt, NULL) == 1 &&
              EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)with->text) == 1 &&
              (with->aad.n == 0 || EVP_CipherUpdate(ctx, NULL, &n, with->aad.p, (int)with->aad.n) == 1);
    EVP_CIPHER_free(cipher);
    if (!ok) {
        EVP_CIPHER_CTX_free(ctx);
        return HOST_FAIL;
    }
    *out = (struct host_cipher *)ctx;
    return HOST_OK;
}

enum host_rc host_cipher_ccm_text(struct host_cipher *c, const uint8_t *in, size_t len, uint8_t *out)
{
    static const uint8_t empty;
    uint8_t nowhere;
    int n = 0;
    if (host_exiting() || len > INT_MAX)
        return HOST_FAIL;
    bool ok =
        EVP_CipherUpdate(cipher_ctx(c), len > 0 ? out : &nowhere, &n, len > 0 ? in : &empty, (int)len) == 1;
    return ok && (size_t)n == len ? HOST_OK : HOST_BAD;
}

/* OpenSSL counts in int; longer texts go in steps. */
#define STEP ((size_t)1 << 30)

enum host_rc host_cipher_aad(struct host_cipher *c, const uint8_t *aad, size_t len)
{
    int n;
    if (host_exiting() || len > STEP)
        return HOST_FAIL;
    return len == 0 || EVP_CipherUpdate(cipher_ctx(c), NULL, &n, aad, (int)len) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_cipher_update(struct host_cipher *c, const uint8_t *in, size_t len, uint8_t *out,
                                size_t *out_len)
{
    size_t done = 0;
    if (host_exiting())
        return HOST_FAIL;
    while (len > 0) {
        int n, step = (int)(len < STEP ? len : STEP);
        if (EVP_CipherUpdate(cipher_ctx(c), out + done, &n, in, step) != 1 || n < 0)
            return HOST_BAD;
        done += (size_t)n;
        in += step;
        len -= (size_t)step;
    }
    *out_len = done;
    return HOST_OK;
}

enum host_rc host_cipher_restart(struct host_cipher *c, const uint8_t *counter)
{
    if (host_exiting())
        return HOST_FAIL;
    return EVP_CipherInit_ex2(cipher_ctx(c), NULL, NULL, counter, -1, NULL) == 1 ? HOST_OK : HOST_FAIL;
}

enum host_rc host_cipher_final(struct host_cipher *c, uint8_t *out, size_t *out_len)
{
    int n = 0;
    if (host_exiting())
        return HOST_FAIL;
    if (EVP_CipherFinal_ex(cipher_ctx(c), out, &n) != 1 || n < 0)
        return HOST_BAD;
    *out_len = (size_t)n;
    return HOST_OK;
}

enum host_rc host_cipher_get_tag(struct host_cipher *c, uint8_t *tag, size_t len)
{
    if (host_exiting() || len > 16)
        return HOST_FAIL;
    return EVP_CIPHER_CTX_ctrl(cipher_ctx(c), EVP_CTRL_AEAD_GET_TAG, (int)len, tag) == 1 ? HOST_OK
                                                                                         : HOST_FAIL;
}

enum host_rc host_cipher_set_tag(struct host_cipher *c, const uint8_t *tag, size_t len)
{
    if (host_exiting() || len > 16)
        return HOST_FAIL;
    return EVP_CIPHER_CTX_ctrl(cipher_ctx(c), EVP_CTRL_AEAD_SET_TAG, (int)len, (void *)(uintptr_t)tag) == 1
               ? HOST_OK
               : HOST_FAIL;
}

void host_cipher_free(struct host_cipher *c)
{
    if (!host_exiting())
        EVP_CIPHER_CTX_free(cipher_ctx(c));
}

enum host_rc host_block_crypt(enum host_block cipher, bool encrypt, const uint8_t *key, const uint8_t *in,
                              uint8_t *out, size_t len)
{
    static const char *const names[] = {
        [HOST_3DES] = "DES-EDE3-ECB",
        [HOST_AES128] = "AES-128-ECB",
        [HOST_AES192] = "AES-192-ECB",
        [HOST_AES256] = "AES-256-ECB",
    };
    OSSL_LIB_CTX *lib = host_ctx();
    int n = 0, last = 0;
    if (lib == NULL || len > 64)
        return HOST_FAIL;
    EVP_CIPHER *evp = EVP_CIPHER_fetch(lib, names[cipher], NULL);
    EVP_CIPHER_CTX *ctx = evp == NULL ? NULL : EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_CipherInit_ex2(ctx, evp, key, NULL, encrypt, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 &&
              EVP_CipherFinal_ex(ctx, out + n, &last) == 1 && (size_t)n + (size_t)last == len;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(evp);
    return ok ? HOST_OK : HOST_FAIL;
}
