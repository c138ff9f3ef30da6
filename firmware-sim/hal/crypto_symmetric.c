/* Block ciphers, hashes and random bytes, done by OpenSSL. */
#include "hal/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

static const struct {
    size_t key, block;
    const EVP_CIPHER *(*evp)(void);
} ciphers[] = {
    [CRYPTO_3DES] = {24, 8, EVP_des_ede3_ecb},
    [CRYPTO_AES128] = {16, 16, EVP_aes_128_ecb},
    [CRYPTO_AES192] = {24, 16, EVP_aes_192_ecb},
    [CRYPTO_AES256] = {32, 16, EVP_aes_256_ecb},
};

static const struct {
    size_t size;
    const EVP_MD *(*evp)(void);
} hashes[] = {
    [CRYPTO_SHA1] = {20, EVP_sha1},
    [CRYPTO_SHA256] = {32, EVP_sha256},
    [CRYPTO_SHA512] = {64, EVP_sha512},
};

size_t crypto_cipher_key(enum crypto_cipher cipher)
{
    return ciphers[cipher].key;
}

size_t crypto_cipher_block(enum crypto_cipher cipher)
{
    return ciphers[cipher].block;
}

bool crypto_block(enum crypto_cipher cipher, const uint8_t *key, bool encrypt, const uint8_t *in,
                  uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool done = ctx != NULL &&
                EVP_CipherInit_ex(ctx, ciphers[cipher].evp(), NULL, key, NULL, encrypt ? 1 : 0) &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) &&
                EVP_CipherUpdate(ctx, out, &len, in, (int)ciphers[cipher].block) &&
                (size_t)len == ciphers[cipher].block;
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

size_t crypto_hash_size(enum crypto_hash hash)
{
    return hashes[hash].size;
}

bool crypto_hmac(enum crypto_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                 uint8_t out[64])
{
    unsigned n = 0;
    return HMAC(hashes[hash].evp(), key, (int)key_len, data, len, out, &n) != NULL && n == hashes[hash].size;
}

bool crypto_sha256(const struct crypto_part *part, size_t parts, uint8_t out[32])
{
    SHA256_CTX ctx; /* no allocation: a storage frame is summed at every write */
    SHA256_Init(&ctx);
    for (size_t i = 0; i < parts; i++)
        SHA256_Update(&ctx, part[i].bytes, part[i].len);
    return SHA256_Final(out, &ctx) == 1;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *bytes, size_t len)
{
    OPENSSL_cleanse(bytes, len);
}

bool crypto_random(void *bytes, size_t len)
{
    return RAND_bytes(bytes, (int)len) == 1;
}
