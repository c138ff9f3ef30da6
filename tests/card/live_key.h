// OpenSSL as the judge of a card's keys: public keys, signatures.
#pragma once
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "live.h"

static inline const char *live_group(const struct piv_algorithm *a)
{
    return a->bits == 256 ? "P-256" : "P-384";
}

static inline EVP_PKEY *live_public_key(const struct piv_public *p)
{
    EVP_PKEY *key = NULL;
    if (p->algorithm->kind == PIV_ED25519 || p->algorithm->kind == PIV_X25519)
        return EVP_PKEY_new_raw_public_key(p->algorithm->kind == PIV_X25519 ? EVP_PKEY_X25519
                                                                            : EVP_PKEY_ED25519,
                                           NULL, p->point, p->point_len);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    bool rsa = p->algorithm->kind == PIV_RSA;
    BIGNUM *n = BN_bin2bn(p->modulus, (int)p->modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(p->exponent, (int)p->exponent_len, NULL);
    if (rsa) {
        CHECK(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
              OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e));
    } else {
        CHECK(OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, live_group(p->algorithm), 0));
        CHECK(OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, p->point, p->point_len));
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, rsa ? "RSA" : "EC", NULL);
    CHECK(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    BN_free(n);
    BN_free(e);
    return key;
}

static inline bool live_same_key(const struct piv_public *a, const struct piv_public *b)
{
    return a->algorithm == b->algorithm &&
           rd_is(rd_of(a->modulus, a->modulus_len), b->modulus, b->modulus_len) &&
           rd_is(rd_of(a->exponent, a->exponent_len), b->exponent, b->exponent_len) &&
           rd_is(rd_of(a->point, a->point_len), b->point, b->point_len);
}

static inline bool live_verifies(const struct piv_public *p, struct rd digest, struct rd signature)
{
    EVP_PKEY *key = live_public_key(p);
    if (p->algorithm->kind == PIV_ED25519) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool fits = EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
                    EVP_DigestVerify(md, signature.p, signature.n, digest.p, digest.n) == 1;
        EVP_MD_CTX_free(md);
        EVP_PKEY_free(key);
        return fits;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool good = EVP_PKEY_verify_init(ctx) == 1;
    if (p->algorithm->kind == PIV_RSA)
        good = good && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
    good = good && EVP_PKEY_verify(ctx, signature.p, signature.n, digest.p, digest.n) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return good;
}

// The EMSA-PKCS1-v1_5 block of RFC 8017 9.2 for SHA-256.
static inline struct rd live_rsa_block(struct rd digest, size_t size, uint8_t *out)
{
    static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    struct wr w = wr_of(out, size);
    struct rd block = {NULL, 0};
    wr_u16(&w, 0x0001);
    wr_fill(&w, 0xFF, size - 3 - sizeof info - digest.n);
    wr_u8(&w, 0);
    wr_bytes(&w, info, sizeof info);
    wr_rd(&w, digest);
    CHECK(wr_done(&w, &block) && block.n == size);
    return block;
}

static inline void live_sign_and_verify(struct card *c, const struct piv_slot *slot,
                                        const struct piv_public *key)
{
    uint8_t digest[32];
    uint8_t buf[512];
    struct rd signature;
    CHECK(RAND_bytes(digest, sizeof digest) == 1);
    struct rd input = rd_of(digest, sizeof digest);
    if (key->algorithm->kind == PIV_RSA)
        input = live_rsa_block(input, key->algorithm->block, buf);
    IS(piv_sign(c, slot, key->algorithm, input, &signature), E_OK);
    CHECK(live_verifies(key, rd_of(digest, sizeof digest), signature));
}
