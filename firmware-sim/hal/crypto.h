/* The cryptography of a card, so that one room alone knows which library does it. */
#ifndef FW_CRYPTO_H
#define FW_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crypto_kind {
    CRYPTO_NO_KEY,
    CRYPTO_RSA_1024,
    CRYPTO_RSA_2048,
    CRYPTO_RSA_3072,
    CRYPTO_RSA_4096,
    CRYPTO_P256,
    CRYPTO_P384,
    CRYPTO_ED25519,
    CRYPTO_X25519,
};

enum { CRYPTO_STORED_MAX = 2560, CRYPTO_PUBLIC_MAX = 512, CRYPTO_RESULT_MAX = 512 };

struct crypto_key;

/* Every function that gives a key gives it to the caller, for crypto_key_free; NULL after failure. */
struct crypto_key *crypto_key_generate(enum crypto_kind kind);
/* RSA with exponent 65537 from its two primes, of half the modulus each. */
struct crypto_key *crypto_key_from_primes(enum crypto_kind kind, const uint8_t *p, const uint8_t *q,
                                          size_t len);
/* Any other kind from its private value, at most as long as the field. */
struct crypto_key *crypto_key_from_scalar(enum crypto_kind kind, const uint8_t *value, size_t len);
struct crypto_key *crypto_key_load(enum crypto_kind kind, const uint8_t *stored, size_t len);
void crypto_key_free(struct crypto_key *key);
enum crypto_kind crypto_key_kind(const struct crypto_key *key);

/* The form that crypto_key_load reads (PKCS#8), at most CRYPTO_STORED_MAX bytes; 0 after failure. */
size_t crypto_key_store(const struct crypto_key *key, uint8_t *stored, size_t cap);

struct crypto_public {
    size_t len; /* modulus; or the point as 04 x y; or the 32 bytes of the 25519 kinds */
    uint8_t bytes[CRYPTO_PUBLIC_MAX];
    size_t exponent_len; /* RSA only */
    uint8_t exponent[8];
};
bool crypto_key_public(const struct crypto_key *key, struct crypto_public *out);

/* Bytes of a block or a coordinate: modulus, field element, 32. */
size_t crypto_key_size(enum crypto_kind kind);
bool crypto_is_rsa(enum crypto_kind kind);

/* All of these write at most CRYPTO_RESULT_MAX bytes and give the length, or 0 after failure. */
size_t crypto_rsa_private(const struct crypto_key *key, const uint8_t *block, size_t len, uint8_t *out);
size_t crypto_ecdsa_sign(const struct crypto_key *key, const uint8_t *digest, size_t len, uint8_t *out);
size_t crypto_ed25519_sign(const struct crypto_key *key, const uint8_t *message, size_t len, uint8_t *out);
size_t crypto_agree(const struct crypto_key *key, const uint8_t *peer, size_t len, uint8_t *out);

enum crypto_cipher { CRYPTO_3DES, CRYPTO_AES128, CRYPTO_AES192, CRYPTO_AES256 };
size_t crypto_cipher_key(enum crypto_cipher cipher);
size_t crypto_cipher_block(enum crypto_cipher cipher);
/* One block, without a mode. */
bool crypto_block(enum crypto_cipher cipher, const uint8_t *key, bool encrypt, const uint8_t *in,
                  uint8_t *out);

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512 };
size_t crypto_hash_size(enum crypto_hash hash);
bool crypto_hmac(enum crypto_hash hash, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                 uint8_t out[64]);
struct crypto_part {
    const void *bytes;
    size_t len;
};
bool crypto_sha256(const struct crypto_part *part, size_t parts, uint8_t out[32]);

/* The same time for every content. */
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *bytes, size_t len);
bool crypto_random(void *bytes, size_t len);

#endif
