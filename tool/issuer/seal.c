// Seals and opens secrets with AES-256-GCM (NIST SP 800-38D), random 96-bit nonces.
#include "seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define NONCE 12
#define TAG   16

static bool close_with(EVP_CIPHER_CTX *ctx, const unsigned char *key, const char *label, const void *bytes,
                       int length, unsigned char *sealed)
{
    int done = 0;
    unsigned char *body = sealed + NONCE;
    return RAND_bytes(sealed, NONCE) == 1 &&
           EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &done, (const unsigned char *)label, (int)strlen(label)) == 1 &&
           EVP_EncryptUpdate(ctx, body, &done, bytes, length) == 1 &&
           EVP_EncryptFinal_ex(ctx, body + length, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, body + length) == 1;
}

bool seal_close(const unsigned char key[SEAL_KEY], const char *label, const void *bytes, size_t length,
                unsigned char *sealed)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx != NULL && length <= INT_MAX && close_with(ctx, key, label, bytes, (int)length, sealed);
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

static bool open_with(EVP_CIPHER_CTX *ctx, const unsigned char *key, const char *label,
                      const unsigned char *sealed, int length, unsigned char *bytes)
{
    int done = 0;
    unsigned char tag[TAG];
    const unsigned char *body = sealed + NONCE;
    memcpy(tag, body + length, TAG);
    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &done, (const unsigned char *)label, (int)strlen(label)) == 1 &&
           EVP_DecryptUpdate(ctx, bytes, &done, body, length) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, bytes + length, &done) == 1;
}

bool seal_open(const unsigned char key[SEAL_KEY], const char *label, const unsigned char *sealed,
               size_t length, void *bytes)
{
    if (length < SEAL_OVER || length > INT_MAX)
        return false;
    size_t plain = length - SEAL_OVER;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx != NULL && open_with(ctx, key, label, sealed, (int)plain, bytes);
    EVP_CIPHER_CTX_free(ctx);
    if (!done)
        OPENSSL_cleanse(bytes, plain);
    return done;
}
