/* What the module computes itself, in a private OpenSSL library context; nothing outside this folder includes
 * OpenSSL.
 *
 * A host program's OpenSSL settings, engines and providers stay untouched. Every function works from any
 * thread. After host_exiting() became true (the program is leaving, libcrypto may be gone) nothing here calls
 * libcrypto: operations answer HOST_FAIL, releases forget what they were given. Outputs are untouched unless
 * HOST_OK. */
#ifndef INGAM_HOST_H
#define INGAM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_rc {
    HOST_OK,
    HOST_BAD,  /* the input is not valid: a wrong signature, tag, padding, point or key */
    HOST_FAIL, /* no memory, or OpenSSL refuses to work */
};
#define HOST_USED __attribute__((warn_unused_result))

bool host_exiting(void);
/* Frees the library context; nothing may be in use. */
void host_release(void);
/* In a forked child: forgets the parent's context, whose locks another thread may have held. */
void host_after_fork(void);

struct host_bytes {
    const uint8_t *p;
    size_t n;
};

/* ---- digests ---- */
enum host_hash {
    HOST_NONE,
    HOST_SHA1,
    HOST_SHA224,
    HOST_SHA256,
    HOST_SHA384,
    HOST_SHA512,
    HOST_SHA512_224,
    HOST_SHA512_256,
    HOST_SHA3_224,
    HOST_SHA3_256,
    HOST_SHA3_384,
    HOST_SHA3_512,
    HOST_HASHES
};
#define HOST_MAX_HASH 64

size_t host_hash_size(enum host_hash hash);  /* bytes of output; 0 for HOST_NONE */
size_t host_hash_block(enum host_hash hash); /* bytes of an input block, for HMAC keys */
struct host_digest;
HOST_USED enum host_rc host_digest_new(enum host_hash hash, struct host_digest **out);
HOST_USED enum host_rc host_digest_update(struct host_digest *d, const void *data, size_t len);
HOST_USED enum host_rc host_digest_final(struct host_digest *d,
                                         uint8_t *out); /* writes host_hash_size bytes */
HOST_USED enum host_rc host_digest_copy(const struct host_digest *d, struct host_digest **out);
void host_digest_free(struct host_digest *d);
HOST_USED enum host_rc host_hash_once(enum host_hash hash, const void *data, size_t len, uint8_t *out);

/* ---- message authentication ---- */
enum host_mac_kind { HOST_HMAC, HOST_CMAC_AES };
struct host_mac;
HOST_USED enum host_rc host_mac_new(enum host_mac_kind kind, enum host_hash hash, const uint8_t *key,
                                    size_t key_len, struct host_mac **out);
HOST_USED enum host_rc host_mac_update(struct host_mac *m, const void *data, size_t len);
HOST_USED enum host_rc host_mac_final(struct host_mac *m, uint8_t *out, size_t size, size_t *len);
void host_mac_free(struct host_mac *m);

/* ---- ciphers ---- */
enum host_mode { HOST_ECB, HOST_CBC, HOST_CTR, HOST_GCM, HOST_CCM, HOST_KW, HOST_KWP };
struct host_cipher;
/* AES with a 16, 24 or 32 byte key. `pad` is PKCS#7 padding (ECB, CBC). */
HOST_USED enum host_rc host_cipher_new(enum host_mode mode, bool encrypt, bool pad, const uint8_t *key,
                                       size_t key_len, const uint8_t *iv, size_t iv_len,
                                       struct host_cipher **out);
/* CCM, which has to know beforehand how much there will be of everything. */
struct host_ccm {
    struct host_bytes nonce, aad;
    size_t text, tag; /* bytes */
};
HOST_USED enum host_rc host_cipher_ccm(bool encrypt, const uint8_t *key, size_t key_len,
                                       const struct host_ccm *with, struct host_cipher **out);
/* All of its text at once, of the length that was said; out has the same. Decrypting: host_cipher_set_tag
 * comes before it, and HOST_BAD is a wrong tag; encrypting: host_cipher_get_tag after it. */
HOST_USED enum host_rc host_cipher_ccm_text(struct host_cipher *c, const uint8_t *in, size_t len,
                                            uint8_t *out);
/* Additional data of GCM, before any text. */
HOST_USED enum host_rc host_cipher_aad(struct host_cipher *c, const uint8_t *aad, size_t len);
/* Writes at most len + 16 bytes; *out_len says how many. */
HOST_USED enum host_rc host_cipher_update(struct host_cipher *c, const uint8_t *in, size_t len, uint8_t *out,
                                          size_t *out_len);
/* CTR: the next block is made from this counter, under the same key. */
HOST_USED enum host_rc host_cipher_restart(struct host_cipher *c, const uint8_t *counter);
/* Writes at most 16 bytes. HOST_BAD: wrong padding or tag. */
HOST_USED enum host_rc host_cipher_final(struct host_cipher *c, uint8_t *out, size_t *out_len);
HOST_USED enum host_rc host_cipher_get_tag(struct host_cipher *c, uint8_t *tag, size_t len);
HOST_USED enum host_rc host_cipher_set_tag(struct host_cipher *c, const uint8_t *tag, size_t len);
void host_cipher_free(struct host_cipher *c);

/* One block under the ciphers of a card's management key: 3DES (24-byte key, 8-byte block), AES (16-byte
 * block). */
enum host_block { HOST_3DES, HOST_AES128, HOST_AES192, HOST_AES256 };
HOST_USED enum host_rc host_block_crypt(enum host_block cipher, bool encrypt, const uint8_t *key,
                                        const uint8_t *in, uint8_t *out, size_t len);

/* ---- public and private keys ---- */
enum host_curve { HOST_NO_CURVE, HOST_P256, HOST_P384, HOST_P521, HOST_ED25519, HOST_X25519 };

/* in^e mod n; in and out have the modulus' length. HOST_BAD when in is not below n or the key is not one. */
HOST_USED enum host_rc host_rsa_public(struct host_bytes n, struct host_bytes e, const uint8_t *in,
                                       uint8_t *out);

struct host_rsa_key {
    struct host_bytes n, e, d, p, q, dp, dq, qi; /* p to qi may be empty */
};
/* in^d mod n, blinded. */
HOST_USED enum host_rc host_rsa_private(const struct host_rsa_key *key, const uint8_t *in, uint8_t *out);

/* signature: r || s, each of the curve's length. digest at most 64 bytes. */
HOST_USED enum host_rc host_ecdsa_verify(enum host_curve curve, struct host_bytes point,
                                         struct host_bytes digest, struct host_bytes signature);
HOST_USED enum host_rc host_ecdsa_sign(enum host_curve curve, struct host_bytes scalar,
                                       struct host_bytes digest, uint8_t *signature);
HOST_USED enum host_rc host_eddsa_verify(struct host_bytes point, struct host_bytes message,
                                         struct host_bytes signature);
HOST_USED enum host_rc host_eddsa_sign(struct host_bytes scalar, struct host_bytes message,
                                       uint8_t *signature);
/* HOST_OK only for an uncompressed point on the curve (or 32 bytes for the two 25519 curves). */
HOST_USED enum host_rc host_point_check(enum host_curve curve, struct host_bytes point);
/* The x coordinate (or the 32 bytes) of scalar * peer. */
HOST_USED enum host_rc host_ecdh(enum host_curve curve, struct host_bytes scalar, struct host_bytes peer,
                                 uint8_t *secret);
/* Makes a key pair: scalar and point, both of the curve's lengths. */
HOST_USED enum host_rc host_ec_generate(enum host_curve curve, uint8_t *scalar, uint8_t *point);
size_t host_curve_size(enum host_curve curve); /* bytes of a coordinate */
size_t host_point_size(enum host_curve curve); /* bytes of an encoded public point */

/* ---- derivation and random ---- */
HOST_USED enum host_rc host_hkdf(enum host_hash hash, bool extract, bool expand, struct host_bytes secret,
                                 struct host_bytes salt, struct host_bytes info, uint8_t *out, size_t len);
/* ANSI X9.63 key derivation. */
HOST_USED enum host_rc host_x963_kdf(enum host_hash hash, struct host_bytes secret, struct host_bytes shared,
                                     uint8_t *out, size_t len);
HOST_USED enum host_rc host_pbkdf2(enum host_hash hash, struct host_bytes password, struct host_bytes salt,
                                   unsigned rounds, uint8_t *out, size_t len);
HOST_USED enum host_rc host_random(uint8_t *out, size_t len);
HOST_USED enum host_rc host_random_seed(const uint8_t *seed, size_t len);

#endif
