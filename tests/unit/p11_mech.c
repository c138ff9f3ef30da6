// Mechanisms against published vectors and against OpenSSL's own paddings; streams against the rules for
// buffers.
#include "mech/mech.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static size_t hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    for (; *text != '\0'; text += 2) {
        char pair[3] = {text[0], text[1], '\0'};
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static struct mech_op begin_secret(CK_FLAGS use, CK_MECHANISM *m, CK_KEY_TYPE type, const uint8_t *key,
                                   size_t len)
{
    struct mech_op op;
    struct mech_key k = {.type = type, .value = rd_of(key, len)};
    assert_int_equal(mech_begin(&op, use, m, &k), CKR_OK);
    return op;
}

// RFC 4231, 4.3
static void test_hmac(void **state)
{
    (void)state;
    uint8_t expected[64], out[64];
    size_t n = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", expected),
           len = sizeof out;
    CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
    struct mech_op op = begin_secret(CKF_SIGN, &m, CKK_GENERIC_SECRET, (const uint8_t *)"Jefe", 4);
    assert_int_equal(mech_update(&op, "what do ya want ", 16), CKR_OK);
    assert_int_equal(mech_update(&op, "for nothing?", 12), CKR_OK);
    assert_int_equal(mech_stream_final(&op, out, &len), CKR_OK);
    assert_int_equal(len, n);
    assert_memory_equal(out, expected, n);
    mech_end(&op);
    CK_ULONG half = 16;
    CK_MECHANISM general = {CKM_SHA256_HMAC_GENERAL, &half, sizeof half};
    op = begin_secret(CKF_SIGN, &general, CKK_SHA256_HMAC, (const uint8_t *)"Jefe", 4);
    assert_int_equal(mech_out_len(&op, 0), 16);
    mech_end(&op);
    half = 33;
    struct mech_key k = {.type = CKK_GENERIC_SECRET, .value = rd_of("Jefe", 4)};
    assert_int_equal(mech_begin(&op, CKF_SIGN, &general, &k), CKR_MECHANISM_PARAM_INVALID);
    mech_end(&op);
}

// RFC 4493, 4, example 2
static void test_cmac(void **state)
{
    (void)state;
    uint8_t key[16], text[16], expected[16], out[16];
    hex("2b7e151628aed2a6abf7158809cf4f3c", key);
    hex("6bc1bee22e409f96e93d7e117393172a", text);
    hex("070a16b46b4d4144f79bdd9dd04a287c", expected);
    size_t len = sizeof out;
    CK_MECHANISM m = {CKM_AES_CMAC, NULL, 0};
    struct mech_op op = begin_secret(CKF_SIGN, &m, CKK_AES, key, sizeof key);
    assert_int_equal(mech_update(&op, text, sizeof text), CKR_OK);
    assert_int_equal(mech_stream_final(&op, out, &len), CKR_OK);
    assert_memory_equal(out, expected, 16);
    mech_end(&op);
}

// FIPS 180-4 and 202: "abc"
static void test_digests(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *digest;
    } vectors[] = {
        {CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {CKM_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
        {CKM_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct mech_op op;
        CK_MECHANISM m = {vectors[i].type, NULL, 0};
        uint8_t expected[64], out[64];
        size_t n = hex(vectors[i].digest, expected), len = sizeof out;
        assert_int_equal(mech_begin(&op, CKF_DIGEST, &m, NULL), CKR_OK);
        assert_int_equal(mech_out_len(&op, 0), n);
        assert_int_equal(mech_update(&op, "abc", 3), CKR_OK);
        assert_int_equal(mech_stream_final(&op, out, &len), CKR_OK);
        assert_memory_equal(out, expected, n);
        mech_end(&op);
    }
}

// NIST's GCM test case 4 (McGrew and Viega)
static void test_gcm(void **state)
{
    (void)state;
    uint8_t key[16], iv[12], aad[20], text[60], expected[76], out[120];
    hex("feffe9928665731c6d6a8f9467308308", key);
    hex("cafebabefacedbaddecaf888", iv);
    hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16a"
        "edf5aa0de65"
        "7ba637b39",
        text);
    hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba3"
        "0b396a0aac9"
        "73d58e0915bc94fbc3221a5db94fae95ae7121a47",
        expected);
    CK_GCM_PARAMS p = {iv, sizeof iv, 96, aad, sizeof aad, 128};
    CK_MECHANISM m = {CKM_AES_GCM, &p, sizeof p};
    struct mech_op op = begin_secret(CKF_ENCRYPT, &m, CKK_AES, key, sizeof key);
    size_t n = sizeof out, last;
    assert_int_equal(mech_out_len(&op, sizeof text), 76);
    assert_int_equal(mech_crypt_update(&op, rd_of(text, sizeof text), out, &n), CKR_OK);
    last = sizeof out - n;
    assert_int_equal(mech_crypt_final(&op, out + n, &last), CKR_OK);
    assert_int_equal(n + last, 76);
    assert_memory_equal(out, expected, 76);
    mech_end(&op);
    for (int wrong = 0; wrong < 2; wrong++) { // no text before its tag is right
        uint8_t back[120] = {0};
        size_t len = sizeof back;
        op = begin_secret(CKF_DECRYPT, &m, CKK_AES, key, sizeof key);
        expected[75] ^= (uint8_t)wrong;
        assert_int_equal(mech_crypt_update(&op, rd_of(expected, 76), back, &len), CKR_OK);
        assert_int_equal(len, 0);
        len = sizeof back;
        assert_int_equal(mech_crypt_final(&op, back, &len), wrong ? CKR_ENCRYPTED_DATA_INVALID : CKR_OK);
        if (!wrong)
            assert_memory_equal(back, text, sizeof text);
        else
            assert_int_equal(back[0], 0);
        mech_end(&op);
    }
}

// What mech_update_len promises is what comes, whatever the pieces.
static void test_block_lengths(void **state)
{
    (void)state;
    uint8_t key[16] = {1}, iv[16] = {2}, text[100], out[200], back[200];
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_CBC_PAD, CKM_AES_CTR};
    memset(text, 7, sizeof text);
    for (size_t t = 0; t < 2; t++) {
        CK_AES_CTR_PARAMS ctr = {128, {3}};
        CK_MECHANISM m = {types[t], t == 0 ? (void *)iv : (void *)&ctr, t == 0 ? sizeof iv : sizeof ctr};
        for (size_t piece = 1; piece < 40; piece += 3) {
            struct mech_op op = begin_secret(CKF_ENCRYPT, &m, CKK_AES, key, sizeof key);
            size_t done = 0, total = 0, n;
            while (done < sizeof text) {
                size_t len = sizeof text - done < piece ? sizeof text - done : piece;
                size_t promised = mech_update_len(&op, len);
                n = sizeof out - total;
                assert_int_equal(mech_crypt_update(&op, rd_of(text + done, len), out + total, &n), CKR_OK);
                assert_int_equal(n, promised);
                total += n;
                done += len;
            }
            n = sizeof out - total;
            assert_int_equal(mech_crypt_final(&op, out + total, &n), CKR_OK);
            total += n;
            mech_end(&op);
            op = begin_secret(CKF_DECRYPT, &m, CKK_AES, key, sizeof key);
            size_t given = 0;
            for (done = 0; done < total; done += n) {
                n = total - done < piece ? total - done : piece;
                size_t promised = mech_update_len(&op, n), len = sizeof back - given;
                assert_int_equal(mech_crypt_update(&op, rd_of(out + done, n), back + given, &len), CKR_OK);
                assert_int_equal(len, promised);
                given += len;
            }
            n = sizeof back - given;
            assert_int_equal(mech_crypt_final(&op, back + given, &n), CKR_OK);
            assert_int_equal(given + n, sizeof text);
            assert_memory_equal(back, text, sizeof text);
            mech_end(&op);
        }
    }
}

// RFC 3394, 4.1 and RFC 5649, 6
static void test_key_wrap(void **state)
{
    (void)state;
    uint8_t kek[24], key[20], expected[32], out[64];
    hex("000102030405060708090A0B0C0D0E0F", kek);
    hex("00112233445566778899AABBCCDDEEFF", key);
    hex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5", expected);
    CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0}, kwp = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    struct mech_op op = begin_secret(CKF_WRAP, &kw, CKK_AES, kek, 16);
    size_t n = sizeof out;
    assert_int_equal(host_cipher_update(op.cipher, key, 16, out, &n), HOST_OK);
    assert_int_equal(n, 24);
    assert_memory_equal(out, expected, 24);
    mech_end(&op);
    hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", kek);
    hex("c37b7e6492584340bed12207808941155068f738", key);
    hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", expected);
    op = begin_secret(CKF_WRAP, &kwp, CKK_AES, kek, 24);
    n = sizeof out;
    assert_int_equal(host_cipher_update(op.cipher, key, 20, out, &n), HOST_OK);
    assert_int_equal(n, 32);
    assert_memory_equal(out, expected, 32);
    mech_end(&op);
}

// RFC 5869, A.1
static void test_hkdf(void **state)
{
    (void)state;
    uint8_t ikm[22], salt[13], info[10], expected[42], out[42];
    memset(ikm, 0x0b, sizeof ikm);
    hex("000102030405060708090a0b0c", salt);
    hex("f0f1f2f3f4f5f6f7f8f9", info);
    hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", expected);
    assert_int_equal(host_hkdf(HOST_SHA256, true, true, (struct host_bytes){ikm, sizeof ikm},
                               (struct host_bytes){salt, sizeof salt}, (struct host_bytes){info, sizeof info},
                               out, sizeof out),
                     HOST_OK);
    assert_memory_equal(out, expected, sizeof out);
}

/* ---- RSA: our paddings, OpenSSL as the judge ---- */

static EVP_PKEY *rsa;
static uint8_t modulus[256], exponent[] = {1, 0, 1};

static int make_rsa(void **state)
{
    (void)state;
    BIGNUM *n = NULL;
    rsa = EVP_RSA_gen(2048);
    assert_int_equal(EVP_PKEY_get_bn_param(rsa, "n", &n), 1);
    assert_int_equal(BN_bn2binpad(n, modulus, sizeof modulus), 256);
    BN_free(n);
    return 0;
}

static int free_rsa(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    host_release();
    return 0;
}

static struct mech_op begin_rsa(CK_FLAGS use, CK_MECHANISM *m)
{
    struct mech_op op;
    struct mech_key k = {
        .type = CKK_RSA, .n = rd_of(modulus, sizeof modulus), .e = rd_of(exponent, sizeof exponent)};
    assert_int_equal(mech_begin(&op, use, m, &k), CKR_OK);
    return op;
}

// What the card would do.
static void private_operation(const uint8_t *block, uint8_t *out)
{
    size_t n = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, out, &n, block, 256), 1);
    EVP_PKEY_CTX_free(ctx);
}

static bool openssl_verifies(const EVP_MD *md, int padding, int salt, const uint8_t *sig, const char *text)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, md, NULL, rsa), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, padding), 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt), 1);
    bool ok = EVP_DigestVerify(ctx, sig, 256, (const uint8_t *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static void sign(CK_MECHANISM *m, const char *text, uint8_t *sig)
{
    struct mech_op op = begin_rsa(CKF_SIGN, m);
    uint8_t digest[HOST_MAX_HASH], block[MECH_MAX_BLOCK], raw[256];
    size_t len = 0, sig_len = 256;
    struct rd msg;
    assert_int_equal(mech_update(&op, text, strlen(text)), CKR_OK);
    assert_int_equal(mech_message(&op, digest, &msg), CKR_OK);
    assert_int_equal(op.row->family->sign_block(&op, msg, block, &len), CKR_OK);
    assert_int_equal(len, 256);
    private_operation(block, raw);
    assert_int_equal(op.row->family->sign_finish(&op, rd_of(raw, 256), sig, &sig_len), CKR_OK);
    mech_end(&op);
}

static CK_RV verify(CK_MECHANISM *m, const char *text, const uint8_t *sig)
{
    struct mech_op op = begin_rsa(CKF_VERIFY, m);
    uint8_t digest[HOST_MAX_HASH];
    struct rd msg;
    assert_int_equal(mech_update(&op, text, strlen(text)), CKR_OK);
    assert_int_equal(mech_message(&op, digest, &msg), CKR_OK);
    CK_RV rv = op.row->family->verify(&op, msg, rd_of(sig, 256));
    mech_end(&op);
    return rv;
}

static void test_pkcs1_signatures(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *md;
    } pairs[] = {{CKM_SHA1_RSA_PKCS, "SHA1"},         {CKM_SHA224_RSA_PKCS, "SHA224"},
                 {CKM_SHA256_RSA_PKCS, "SHA256"},     {CKM_SHA384_RSA_PKCS, "SHA384"},
                 {CKM_SHA512_RSA_PKCS, "SHA512"},     {CKM_SHA3_224_RSA_PKCS, "SHA3-224"},
                 {CKM_SHA3_256_RSA_PKCS, "SHA3-256"}, {CKM_SHA3_384_RSA_PKCS, "SHA3-384"},
                 {CKM_SHA3_512_RSA_PKCS, "SHA3-512"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CK_MECHANISM m = {pairs[i].type, NULL, 0};
        uint8_t sig[256];
        sign(&m, "signed text", sig);
        assert_true(
            openssl_verifies(EVP_get_digestbyname(pairs[i].md), RSA_PKCS1_PADDING, 0, sig, "signed text"));
        assert_int_equal(verify(&m, "signed text", sig), CKR_OK);
        assert_int_equal(verify(&m, "other text", sig), CKR_SIGNATURE_INVALID);
        sig[100] ^= 1;
        assert_int_equal(verify(&m, "signed text", sig), CKR_SIGNATURE_INVALID);
    }
}

static void test_pss(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_RSA_PKCS_PSS_PARAMS p;
        const char *md;
    } rows[] = {
        {CKM_SHA256_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}, "SHA256"},
        {CKM_SHA1_RSA_PKCS_PSS, {CKM_SHA_1, CKG_MGF1_SHA1, 20}, "SHA1"},
        {CKM_SHA512_RSA_PKCS_PSS, {CKM_SHA512, CKG_MGF1_SHA512, 0}, "SHA512"},
        {CKM_SHA384_RSA_PKCS_PSS, {CKM_SHA384, CKG_MGF1_SHA384, 206}, "SHA384"}, // the longest that fits
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CK_RSA_PKCS_PSS_PARAMS p = rows[i].p;
        CK_MECHANISM m = {rows[i].type, &p, sizeof p};
        uint8_t sig[256];
        sign(&m, "signed text", sig);
        assert_true(openssl_verifies(EVP_get_digestbyname(rows[i].md), RSA_PKCS1_PSS_PADDING, (int)p.sLen,
                                     sig, "signed text"));
        assert_int_equal(verify(&m, "signed text", sig), CKR_OK);
        assert_int_equal(verify(&m, "other text", sig), CKR_SIGNATURE_INVALID);
    }
    CK_RSA_PKCS_PSS_PARAMS bad = {CKM_SHA512, CKG_MGF1_SHA512, 191}; // one byte more than fits
    CK_MECHANISM m = {CKM_SHA512_RSA_PKCS_PSS, &bad, sizeof bad};
    struct mech_op op;
    struct mech_key k = {.type = CKK_RSA, .n = rd_of(modulus, 256), .e = rd_of(exponent, 3)};
    assert_int_equal(mech_begin(&op, CKF_SIGN, &m, &k), CKR_MECHANISM_PARAM_INVALID);
    mech_end(&op);
    m.mechanism = CKM_SHA256_RSA_PKCS_PSS; // another hash than the mechanism's
    bad.sLen = 32;
    assert_int_equal(mech_begin(&op, CKF_SIGN, &m, &k), CKR_MECHANISM_PARAM_INVALID);
    mech_end(&op);
}

static void openssl_encrypt(int padding, const char *text, uint8_t *out)
{
    size_t n = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    if (padding == RSA_PKCS1_OAEP_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &n, (const uint8_t *)text, strlen(text)), 1);
    EVP_PKEY_CTX_free(ctx);
}

static void test_decryption(void **state)
{
    (void)state;
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM ms[] = {{CKM_RSA_PKCS, NULL, 0}, {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep}};
    static const int paddings[] = {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING};
    for (size_t i = 0; i < 2; i++) {
        struct mech_op op = begin_rsa(CKF_DECRYPT, &ms[i]);
        uint8_t cipher[256], raw[256], out[256];
        openssl_encrypt(paddings[i], "the secret", cipher);
        private_operation(cipher, raw);
        size_t n = sizeof out;
        assert_int_equal(op.row->family->decrypt_finish(&op, rd_of(raw, 256), out, &n), CKR_OK);
        assert_int_equal(n, 10);
        assert_memory_equal(out, "the secret", 10);
        n = 9;
        memset(out, 0xEE, sizeof out);
        assert_int_equal(op.row->family->decrypt_finish(&op, rd_of(raw, 256), out, &n), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(n, 10);
        assert_int_equal(out[0], 0xEE);
        raw[1] ^= 0x40;
        n = sizeof out;
        assert_int_equal(op.row->family->decrypt_finish(&op, rd_of(raw, 256), out, &n),
                         CKR_ENCRYPTED_DATA_INVALID);
        mech_end(&op);
        // and the way there
        op = begin_rsa(CKF_ENCRYPT, &ms[i]);
        n = sizeof cipher;
        assert_int_equal(op.row->family->encrypt(&op, rd_of("to the card", 11), cipher, &n), CKR_OK);
        mech_end(&op);
        op = begin_rsa(CKF_DECRYPT, &ms[i]);
        private_operation(cipher, raw);
        n = sizeof out;
        assert_int_equal(op.row->family->decrypt_finish(&op, rd_of(raw, 256), out, &n), CKR_OK);
        assert_memory_equal(out, "to the card", 11);
        mech_end(&op);
    }
}

// Every length of message, and paddings that are wrong in one place.
static void test_pkcs1_edges(void **state)
{
    (void)state;
    uint8_t block[256], out[256];
    for (size_t len = 0; len <= 245; len++) {
        memset(block, 0x55, sizeof block);
        block[0] = 0;
        block[1] = 2;
        block[255 - len] = 0;
        size_t n = sizeof out;
        assert_int_equal(pad_pkcs1_decrypt(block, 256, out, &n), CKR_OK);
        assert_int_equal(n, len);
        assert_memory_equal(out, block + 256 - len, len);
    }
    static const struct {
        size_t at;
        uint8_t byte;
    } faults[] = {{0, 1}, {1, 1}, {1, 3}, {2, 0}, {9, 0}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        memset(block, 0x55, sizeof block);
        block[0] = 0;
        block[1] = 2;
        block[100] = 0;
        block[faults[i].at] = faults[i].byte;
        size_t n = sizeof out;
        assert_int_equal(pad_pkcs1_decrypt(block, 256, out, &n), CKR_ENCRYPTED_DATA_INVALID);
    }
    memset(block, 0x55, sizeof block);
    block[0] = 0;
    block[1] = 2;
    size_t n = sizeof out; // no end of the padding
    assert_int_equal(pad_pkcs1_decrypt(block, 256, out, &n), CKR_ENCRYPTED_DATA_INVALID);
}

/* ---- ECDSA: what a card may answer ---- */

static void test_ecdsa_answers(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    uint8_t point[65] = {4}, out[64];
    struct mech_op op;
    struct mech_key k = {.type = CKK_EC, .curve = HOST_P256, .point = rd_of(point, sizeof point)};
    assert_int_equal(mech_begin(&op, CKF_SIGN, &m, &k), CKR_OK);
    static const struct {
        const char *der;
        CK_RV rv;
    } answers[] = {
        {"3006020101020102", CKR_OK},
        {"300702020080020102", CKR_OK},               // a leading zero
        {"30060201010201", CKR_DEVICE_ERROR},         // cut
        {"300602010102010200", CKR_DEVICE_ERROR},     // left over behind
        {"3009020101020102020103", CKR_DEVICE_ERROR}, // a third number
        {"3006020181020102", CKR_DEVICE_ERROR},       // negative
        {"3006020100020102", CKR_DEVICE_ERROR},       // zero
        {"30250222010000000000000000000000000000000000000000000000000000000000000000000100",
         CKR_DEVICE_ERROR},
        {"", CKR_DEVICE_ERROR},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint8_t der[100];
        size_t n = hex(answers[i].der, der), len = sizeof out;
        assert_int_equal(op.row->family->sign_finish(&op, rd_of(der, n), out, &len), answers[i].rv);
    }
    size_t len = sizeof out;
    uint8_t der[8];
    hex("3006020101020102", der);
    assert_int_equal(op.row->family->sign_finish(&op, rd_of(der, 8), out, &len), CKR_OK);
    assert_int_equal(len, 64);
    assert_int_equal(out[31], 1);
    assert_int_equal(out[63], 2);
    uint8_t block[MECH_MAX_BLOCK], digest[64] = {1, 2, 3};
    assert_int_equal(op.row->family->sign_block(&op, rd_of(digest, 64), block, &len), CKR_OK);
    assert_int_equal(len, 32); // the leftmost bytes
    assert_memory_equal(block, digest, 32);
    mech_end(&op);
}

static void test_wrong_use(void **state)
{
    (void)state;
    struct mech_op op;
    struct mech_key aes = {.type = CKK_AES, .value = rd_of(modulus, 16)};
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0}, nothing = {0x77777, NULL, 0}, digest = {CKM_SHA256, NULL, 0};
    assert_int_equal(mech_begin(&op, CKF_SIGN, &m, &aes), CKR_KEY_TYPE_INCONSISTENT);
    mech_end(&op);
    assert_int_equal(mech_begin(&op, CKF_SIGN, &nothing, &aes), CKR_MECHANISM_INVALID);
    mech_end(&op);
    assert_int_equal(mech_begin(&op, CKF_SIGN, &digest, &aes), CKR_MECHANISM_INVALID);
    mech_end(&op);
    m.ulParameterLen = 3;
    m.pParameter = modulus;
    struct mech_key k = {.type = CKK_RSA, .n = rd_of(modulus, 256), .e = rd_of(exponent, 3)};
    assert_int_equal(mech_begin(&op, CKF_SIGN, &m, &k), CKR_MECHANISM_PARAM_INVALID);
    mech_end(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac),          cmocka_unit_test(test_cmac),
        cmocka_unit_test(test_digests),       cmocka_unit_test(test_gcm),
        cmocka_unit_test(test_block_lengths), cmocka_unit_test(test_key_wrap),
        cmocka_unit_test(test_hkdf),          cmocka_unit_test(test_pkcs1_signatures),
        cmocka_unit_test(test_pss),           cmocka_unit_test(test_decryption),
        cmocka_unit_test(test_pkcs1_edges),   cmocka_unit_test(test_ecdsa_answers),
        cmocka_unit_test(test_wrong_use),
    };
    return cmocka_run_group_tests(tests, make_rsa, free_rsa);
}
