// Public and private keys through the module, a card's and a session's: published vectors, and OpenSSL as the
// judge.
#include "module_objects.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *on_card; // the public half of the card's RSA key

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY,
                       secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE rsa_type = CKK_RSA, generic_type = CKK_GENERIC_SECRET;

static EVP_PKEY *public_of(CK_BYTE id)
{
    CK_BYTE der[600];
    const CK_BYTE *p = der;
    CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, der, sizeof der};
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_PUBLIC_KEY, id), &a, 1), CKR_OK);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)a.ulValueLen);
    assert_non_null(key);
    return key;
}

static int start(void **state)
{
    (void)state;
    one_card("keys");
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_RSA2048);
    make_key(session, 3, KEY_P384);
    make_key(session, 4, KEY_P256);
    on_card = public_of(1);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    return 0;
}

static int stop(void **state)
{
    EVP_PKEY_free(on_card);
    return one_card_stop(state);
}

static int begin(void **state)
{
    (void)state;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    return 0;
}

static CK_RV verify(CK_MECHANISM m, CK_OBJECT_HANDLE key, const char *text, const CK_BYTE *signature,
                    CK_ULONG n)
{
    CK_RV rv = F->C_VerifyInit(session, &m, key);
    return rv != CKR_OK ? rv
                        : F->C_Verify(session, bytes(text), strlen(text), (CK_BYTE *)(uintptr_t)signature, n);
}

static CK_RV sign(CK_MECHANISM m, CK_OBJECT_HANDLE key, const char *text, CK_BYTE *signature, CK_ULONG *n)
{
    CK_RV rv = F->C_SignInit(session, &m, key);
    return rv != CKR_OK ? rv : F->C_Sign(session, bytes(text), strlen(text), signature, n);
}

#define P256_POINT                                                                                           \
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                                     \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P256_SCALAR "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"

// RFC 6979, A.2.5 (P-256, "sample")
static void test_ecdsa(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *signature;
    } rows[] = {
        {CKM_ECDSA_SHA1, "61340c88c3aaebeb4f6d667f672ca9759a6ccaa9fa8811313039ee4a35471d32"
                         "6d7f147dac089441bb2e2fe8f7a3fa264b9c475098fdcf6e00d7c996e1b8b7eb"},
        {CKM_ECDSA_SHA224, "53b2fff5d1752b2c689df257c04c40a587fababb3f6fc2702f1343af7ca9aa3f"
                           "b9afb64fdc03dc1a131c7d2386d11e349f070aa432a4acc918bea988bf75c74c"},
        {CKM_ECDSA_SHA256, "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                           "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
        {CKM_ECDSA_SHA384, "0eafea039b20e9b42309fb1d89e213057cbf973dc0cfc8f129edddc800ef7719"
                           "4861f0491e6998b9455193e34e7b0d284ddd7149a74b95b9261f13abde940954"},
        {CKM_ECDSA_SHA512, "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00"
                           "2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe"},
    };
    CK_OBJECT_HANDLE public = make_ec_public(session, MADE_P256, P256_POINT);
    CK_OBJECT_HANDLE private = make_ec_private(session, MADE_P256, P256_SCALAR);
    CK_BYTE signature[96];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_MECHANISM m = {rows[i].type, NULL, 0};
        CK_ULONG n = sizeof signature;
        hex(rows[i].signature, signature);
        assert_int_equal(verify(m, public, "sample", signature, 64), CKR_OK);
        assert_int_equal(verify(m, public, "simple", signature, 64), CKR_SIGNATURE_INVALID);
        assert_int_equal(verify(m, public, "sample", signature, 63), CKR_SIGNATURE_LEN_RANGE);
        signature[i] ^= 1;
        assert_int_equal(verify(m, public, "sample", signature, 64), CKR_SIGNATURE_INVALID);
        // and what the private half makes is the public half's
        assert_int_equal(sign(m, private, "sample", signature, &n), CKR_OK);
        assert_int_equal(n, 64);
        assert_int_equal(verify(m, public, "sample", signature, n), CKR_OK);
        // the card's own, on two curves
        for (CK_BYTE id = 3; id <= 4; id++) {
            n = sizeof signature;
            assert_int_equal(sign(m, find_one(session, CKO_PRIVATE_KEY, id), "sample", signature, &n),
                             CKR_OK);
            assert_int_equal(n, id == 3 ? 96 : 64);
            assert_int_equal(verify(m, find_one(session, CKO_PUBLIC_KEY, id), "sample", signature, n),
                             CKR_OK);
        }
    }
    memset(signature, 0, sizeof signature); // r and s of zero are no signature
    assert_int_equal(verify((CK_MECHANISM){CKM_ECDSA_SHA256, NULL, 0}, public, "sample", signature, 64),
                     CKR_SIGNATURE_INVALID);
    assert_int_equal(verify((CK_MECHANISM){CKM_ECDSA, NULL, 0}, public, "", signature, 64),
                     CKR_DATA_LEN_RANGE);
    CK_ULONG n = sizeof signature;
    assert_int_equal(sign((CK_MECHANISM){CKM_ECDSA, NULL, 0}, private, "", signature, &n),
                     CKR_DATA_LEN_RANGE);
    assert_int_equal(verify((CK_MECHANISM){CKM_EDDSA, NULL, 0}, public, "", signature, 64),
                     CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(verify((CK_MECHANISM){CKM_ECDSA, NULL, 0}, private, "", signature, 64),
                     CKR_KEY_TYPE_INCONSISTENT);
}

// RFC 8032, 7.1, tests 1 to 3
static void test_eddsa(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *point, *text, *signature;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
         "d25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
         "387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
         "4a7c15e9716ed28dc027beceea1ec40a"},
    };
    CK_MECHANISM m = {CKM_EDDSA, NULL, 0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_OBJECT_HANDLE public = make_ec_public(session, MADE_ED25519, rows[i].point);
        CK_OBJECT_HANDLE private = make_ec_private(session, MADE_ED25519, rows[i].secret);
        CK_BYTE signature[64];
        CK_ULONG n = 63;
        assert_int_equal(sign(m, private, rows[i].text, signature, &n), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(n, 64);
        assert_int_equal(F->C_Sign(session, bytes(rows[i].text), strlen(rows[i].text), signature, &n),
                         CKR_OK);
        assert_memory_equal(signature, hex_of(rows[i].signature), 64);
        assert_int_equal(verify(m, public, rows[i].text, signature, 64), CKR_OK);
        assert_int_equal(verify(m, public, rows[i].text, signature, 65), CKR_SIGNATURE_LEN_RANGE);
        assert_int_equal(verify(m, public, "else", signature, 64), CKR_SIGNATURE_INVALID);
        // in parts: no digest takes them, they are kept
        assert_int_equal(F->C_SignInit(session, &m, private), CKR_OK);
        for (const char *p = rows[i].text; *p != '\0'; p++)
            assert_int_equal(F->C_SignUpdate(session, bytes(p), 1), CKR_OK);
        memset(signature, 0, sizeof signature);
        assert_int_equal(F->C_SignFinal(session, signature, &n), CKR_OK);
        assert_memory_equal(signature, hex_of(rows[i].signature), 64);
    }
    CK_EDDSA_PARAMS p = {CK_FALSE, 0, NULL};
    CK_OBJECT_HANDLE private = make_ec_private(session, MADE_ED25519, rows[0].secret);
    m = (CK_MECHANISM){CKM_EDDSA, &p, sizeof p};
    assert_int_equal(F->C_SignInit(session, &m, private), CKR_OK);
    assert_int_equal(F->C_SignInit(session, NULL, 0), CKR_OK);
    p.phFlag = CK_TRUE; // Ed25519ph is no card's
    assert_int_equal(F->C_SignInit(session, &m, private), CKR_MECHANISM_PARAM_INVALID);
    m.ulParameterLen = 1;
    assert_int_equal(F->C_SignInit(session, &m, private), CKR_MECHANISM_PARAM_INVALID);
}

static CK_RV agree(CK_OBJECT_HANDLE key, CK_ECDH1_DERIVE_PARAMS *p, CK_ULONG want, CK_BYTE *out, CK_ULONG *n)
{
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, p, sizeof *p};
    CK_OBJECT_HANDLE secret;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &generic_type, sizeof generic_type},
                            {CKA_EXTRACTABLE, &yes, 1},
                            {CKA_VALUE_LEN, &want, sizeof want}};
    CK_RV rv = F->C_DeriveKey(session, &m, key, templ, want != 0 ? 4 : 3, &secret);
    CK_ATTRIBUTE a = {CKA_VALUE, out, *n};
    if (rv == CKR_OK)
        rv = F->C_GetAttributeValue(session, secret, &a, 1);
    *n = a.ulValueLen;
    return rv;
}

// NIST CAVS, ECC CDH primitive, P-256 and P-384, count 0; RFC 7748, 6.1
static void test_ecdh(void **state)
{
    (void)state;
    static const struct {
        enum made_curve curve;
        const char *scalar, *peer, *secret;
    } rows[] = {
        {MADE_P256, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
         "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
         "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
         "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"},
        {MADE_P384,
         "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774ad463b205da88cf699ab4d43c9cf98a1",
         "04a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c58e0c50066"
         "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b060992b468c64766fc8437a",
         "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1"},
        {MADE_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
         "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
         "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_OBJECT_HANDLE key = make_ec_private(session, rows[i].curve, rows[i].scalar);
        CK_BYTE peer[150] = {0x04};
        CK_BYTE secret[66];
        CK_BYTE out[100];
        CK_ULONG size = hex(rows[i].secret, secret);
        CK_ULONG point = hex(rows[i].peer, peer + 2);
        CK_ULONG n = sizeof out;
        peer[1] = (CK_BYTE)point;
        CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, point, peer + 2};
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_OK);
        assert_int_equal(n, size);
        assert_memory_equal(out, secret, size);
        p.public_data = peer; // the same point as an OCTET STRING
        p.public_data_len = point + 2;
        n = sizeof out;
        assert_int_equal(agree(key, &p, 16, out, &n), CKR_OK);
        assert_int_equal(n, 16); // the leftmost bytes
        assert_memory_equal(out, secret, 16);
        assert_int_equal(agree(key, &p, size + 1, out, &n), CKR_KEY_SIZE_RANGE);
        // X9.63 by hand: SHA-256(Z || 00000001 || shared)
        CK_BYTE in[80];
        CK_BYTE want[32];
        memcpy(in, secret, size);
        memcpy(in + size, "\0\0\0\1shared", 10);
        assert_int_equal(EVP_Digest(in, size + 10, want, NULL, EVP_sha256(), NULL), 1);
        p.kdf = CKD_SHA256_KDF;
        p.shared_data = bytes("shared");
        p.shared_data_len = 6;
        n = sizeof out;
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_OK);
        assert_int_equal(n, 32);
        assert_memory_equal(out, want, 32);
        p.kdf = CKD_NULL; // takes no shared data
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_MECHANISM_PARAM_INVALID);
        p.kdf = 0x7777;
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_MECHANISM_PARAM_INVALID);
        p = (CK_ECDH1_DERIVE_PARAMS){CKD_NULL, 0, NULL, point - 1, peer + 2};
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_MECHANISM_PARAM_INVALID);
        p = (CK_ECDH1_DERIVE_PARAMS){CKD_NULL, 0, NULL, 0, NULL};
        assert_int_equal(agree(key, &p, 0, out, &n), CKR_MECHANISM_PARAM_INVALID);
    }
    CK_BYTE zeros[32] = {0}; // a point of small order: all agree on nothing
    CK_BYTE out[32];
    CK_ULONG n = sizeof out;
    CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, 32, zeros};
    assert_int_equal(agree(make_ec_private(session, MADE_X25519, rows[2].scalar), &p, 0, out, &n),
                     CKR_MECHANISM_PARAM_INVALID);
    // a scalar with zeros before it is the same number
    n = sizeof out;
    p = (CK_ECDH1_DERIVE_PARAMS){CKD_NULL, 0, NULL, 65, hex_of(rows[0].peer)};
    assert_int_equal(
        agree(make_ec_private(session, MADE_P256,
                              "0000"
                              "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"),
              &p, 0, out, &n),
        CKR_OK);
    assert_memory_equal(out, hex_of(rows[0].secret), 32);
    assert_int_equal(agree(make_ec_public(session, MADE_P256, P256_POINT), &p, 0, out, &n),
                     CKR_KEY_FUNCTION_NOT_PERMITTED);
}

// ---- RSA ----

static const struct {
    CK_MECHANISM_TYPE digest, pkcs1, pss;
    CK_ULONG mgf;
    const char *name;
} hashes[] = {
    {CKM_SHA_1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKG_MGF1_SHA1, "SHA1"},
    {CKM_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKG_MGF1_SHA224, "SHA224"},
    {CKM_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKG_MGF1_SHA256, "SHA256"},
    {CKM_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKG_MGF1_SHA384, "SHA384"},
    {CKM_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKG_MGF1_SHA512, "SHA512"},
    {CKM_SHA3_224, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKG_MGF1_SHA3_224, "SHA3-224"},
    {CKM_SHA3_256, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKG_MGF1_SHA3_256, "SHA3-256"},
    {CKM_SHA3_384, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKG_MGF1_SHA3_384, "SHA3-384"},
    {CKM_SHA3_512, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKG_MGF1_SHA3_512, "SHA3-512"},
};
#define HASHES (sizeof hashes / sizeof *hashes)

static bool openssl_verifies(EVP_PKEY *key, const char *md, int salt, const CK_BYTE *signature,
                             const char *text)
{
    EVP_PKEY_CTX *p;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, &p, EVP_get_digestbyname(md), NULL, key), 1);
    if (salt >= 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, salt), 1);
    }
    bool ok =
        EVP_DigestVerify(ctx, signature, (size_t)EVP_PKEY_get_size(key), bytes(text), strlen(text)) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static void test_rsa_signatures(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE private = find_one(session, CKO_PRIVATE_KEY, 1);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 1);
    for (size_t i = 0; i < HASHES; i++) {
        CK_BYTE signature[256];
        CK_BYTE digest[64];
        CK_ULONG n = sizeof signature;
        unsigned size;
        CK_MECHANISM m = {hashes[i].pkcs1, NULL, 0};
        assert_int_equal(sign(m, private, "text", signature, &n), CKR_OK);
        assert_true(openssl_verifies(on_card, hashes[i].name, -1, signature, "text"));
        assert_int_equal(verify(m, public, "text", signature, n), CKR_OK);
        assert_int_equal(verify(m, public, "else", signature, n), CKR_SIGNATURE_INVALID);
        assert_int_equal(verify(m, public, "text", signature, n - 1), CKR_SIGNATURE_LEN_RANGE);
        CK_RSA_PKCS_PSS_PARAMS p = {hashes[i].digest, hashes[i].mgf, 20 + i};
        m = (CK_MECHANISM){hashes[i].pss, &p, sizeof p};
        assert_int_equal(sign(m, private, "text", signature, &n), CKR_OK);
        assert_true(openssl_verifies(on_card, hashes[i].name, (int)p.sLen, signature, "text"));
        assert_int_equal(verify(m, public, "text", signature, n), CKR_OK);
        assert_int_equal(verify(m, public, "else", signature, n), CKR_SIGNATURE_INVALID);
        p.sLen++;
        assert_int_equal(verify(m, public, "text", signature, n), CKR_SIGNATURE_INVALID);
        p.sLen--;
        // the digest made by the caller
        assert_int_equal(EVP_Digest("text", 4, digest, &size, EVP_get_digestbyname(hashes[i].name), NULL), 1);
        m.mechanism = CKM_RSA_PKCS_PSS;
        assert_int_equal(F->C_SignInit(session, &m, private), CKR_OK);
        assert_int_equal(F->C_Sign(session, digest, size, signature, &n), CKR_OK);
        assert_true(openssl_verifies(on_card, hashes[i].name, (int)p.sLen, signature, "text"));
        assert_int_equal(F->C_SignInit(session, &m, private), CKR_OK);
        assert_int_equal(F->C_Sign(session, digest, size - 1, signature, &n), CKR_DATA_LEN_RANGE);
        assert_int_equal(F->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(F->C_Verify(session, digest, size - 1, signature, n), CKR_DATA_LEN_RANGE);
    }
}

// 2.40, 5.11 and 5.13: the text comes back out of the signature.
static void test_recovery(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE private = find_one(session, CKO_PRIVATE_KEY, 1);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 1);
    CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
    CK_MECHANISM bare = {CKM_RSA_X_509, NULL, 0};
    CK_MECHANISM hashed = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE signature[256];
    CK_BYTE text[256];
    CK_ULONG n = 0;
    assert_int_equal(F->C_SignRecover(session, bytes("recover me"), 10, signature, &n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_SignRecoverInit(session, &hashed, private), CKR_MECHANISM_INVALID);
    assert_int_equal(F->C_SignRecoverInit(session, &pkcs1, public), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(F->C_SignRecoverInit(session, &pkcs1, private), CKR_OK);
    assert_int_equal(F->C_SignRecover(session, bytes("recover me"), 10, NULL, &n), CKR_OK);
    assert_int_equal(n, 256);
    n--;
    assert_int_equal(F->C_SignRecover(session, bytes("recover me"), 10, signature, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_SignRecover(session, bytes("recover me"), 10, signature, &n), CKR_OK);
    n = 0;
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_VerifyRecoverInit(session, &pkcs1, public), CKR_OK);
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, NULL, &n), CKR_OK);
    assert_int_equal(n, 10);
    n = 9;
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_OK);
    assert_memory_equal(text, "recover me", 10);
    // the whole block, and a text as long as the modulus
    assert_int_equal(F->C_VerifyRecoverInit(session, &bare, public), CKR_OK);
    n = 255;
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_OK);
    assert_int_equal(n, 256);
    assert_memory_equal(text, "\0\1\xFF\xFF", 4);
    assert_memory_equal(text + 246, "recover me", 10);
    CK_BYTE again[256];
    assert_int_equal(F->C_SignRecoverInit(session, &bare, private), CKR_OK);
    assert_int_equal(F->C_SignRecover(session, text, 256, again, &n), CKR_OK);
    assert_memory_equal(again, signature, 256);
    assert_int_equal(F->C_SignInit(session, &bare, private), CKR_OK);
    assert_int_equal(F->C_Sign(session, text, 256, again, &n), CKR_OK);
    assert_memory_equal(again, signature, 256);
    assert_int_equal(F->C_VerifyInit(session, &bare, public), CKR_OK);
    assert_int_equal(F->C_Verify(session, text, 256, signature, 256), CKR_OK);
    memset(text, 0xFF, sizeof text); // above the modulus
    assert_int_equal(F->C_SignInit(session, &bare, private), CKR_OK);
    assert_int_equal(F->C_Sign(session, text, 256, again, &n), CKR_DATA_INVALID);
    signature[200] ^= 1;
    assert_int_equal(F->C_VerifyRecoverInit(session, &pkcs1, public), CKR_OK);
    n = sizeof text;
    assert_int_equal(F->C_VerifyRecover(session, signature, 256, text, &n), CKR_SIGNATURE_INVALID);
    assert_int_equal(F->C_VerifyRecoverInit(session, &pkcs1, public), CKR_OK);
    assert_int_equal(F->C_VerifyRecover(session, signature, 255, text, &n), CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(F->C_SignInit(session, &pkcs1, private), CKR_OK);
    assert_int_equal(F->C_Sign(session, text, 246, again, &n), CKR_DATA_LEN_RANGE); // 245 fit
}

static void openssl_encrypt(int padding, const char *md, const char *label, const CK_BYTE *in, size_t in_n,
                            CK_BYTE *out)
{
    size_t n = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(on_card, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    if (padding == RSA_PKCS1_OAEP_PADDING) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_get_digestbyname(md)), 1);
        if (*label != '\0')
            assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup(label), (int)strlen(label)),
                             1);
    }
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &n, in, in_n), 1);
    EVP_PKEY_CTX_free(ctx);
}

// Lengths and small buffers cost the card nothing: the key is used once for each text.
static void decrypts_once(CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *cipher, const char *want)
{
    CK_BYTE out[256];
    CK_ULONG size = strlen(want);
    CK_ULONG n = 0;
    unsigned uses = card_count(&card, "GENERAL AUTHENTICATE");
    assert_int_equal(F->C_DecryptInit(session, m, key), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, cipher, 256, NULL, &n), CKR_OK);
    assert_true(n >= size);
    n = size - 1;
    assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(n, size);
    assert_int_equal(F->C_Decrypt(session, cipher, 256, NULL, &n), CKR_OK);
    assert_int_equal(n, size);
    assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_OK);
    assert_int_equal(n, size);
    assert_memory_equal(out, want, size);
    assert_int_equal(card_count(&card, "GENERAL AUTHENTICATE") - uses, 1);
    assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_rsa_decryption(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE private = find_one(session, CKO_PRIVATE_KEY, 1);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 1);
    CK_BYTE cipher[256];
    CK_BYTE out[256];
    CK_ULONG n;
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    openssl_encrypt(RSA_PKCS1_PADDING, NULL, "", bytes("secret"), 6, cipher);
    decrypts_once(&m, private, cipher, "secret");
    for (size_t i = 0; i < HASHES; i++) {
        const char *label = i % 2 ? "label" : "";
        CK_RSA_PKCS_OAEP_PARAMS p = {hashes[i].digest, hashes[i].mgf, CKZ_DATA_SPECIFIED, bytes(label),
                                     strlen(label)};
        m = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &p, sizeof p};
        openssl_encrypt(RSA_PKCS1_OAEP_PADDING, hashes[i].name, label, bytes("secret"), 6, cipher);
        decrypts_once(&m, private, cipher, "secret");
        // and out through the module
        n = 255;
        assert_int_equal(F->C_EncryptInit(session, &m, public), CKR_OK);
        assert_int_equal(F->C_Encrypt(session, bytes("back"), 4, cipher, &n), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(F->C_Encrypt(session, bytes("back"), 4, cipher, &n), CKR_OK);
        decrypts_once(&m, private, cipher, "back");
        p.ulSourceDataLen = 3; // another label
        p.pSourceData = bytes("else");
        n = sizeof out;
        assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_OK);
        assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_ENCRYPTED_DATA_INVALID);
    }
    CK_RSA_PKCS_OAEP_PARAMS p = {CKM_SHA256, CKG_MGF1_SHA256, 77, NULL, 0};
    m = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &p, sizeof p};
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_MECHANISM_PARAM_INVALID);
    p.source = CKZ_DATA_SPECIFIED;
    p.ulSourceDataLen = 4;
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_MECHANISM_PARAM_INVALID);
    p.ulSourceDataLen = 0;
    p.mgf = 77;
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_MECHANISM_PARAM_INVALID);
    p.mgf = CKG_MGF1_SHA256;
    memset(out, 'x', sizeof out);
    n = sizeof cipher;
    assert_int_equal(F->C_EncryptInit(session, &m, public), CKR_OK);
    assert_int_equal(F->C_Encrypt(session, out, 191, cipher, &n), CKR_DATA_LEN_RANGE); // 190 fit
    // a text that isn't below the modulus, or not as long, never reaches the card
    unsigned before = card_exchanges(&card);
    memset(cipher, 0xFF, sizeof cipher);
    m = (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0};
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, cipher, 255, out, &n), CKR_ENCRYPTED_DATA_LEN_RANGE);
    assert_int_equal(card_exchanges(&card), before);
    // without padding, in parts
    CK_BYTE block[256] = {0};
    memcpy(block + 100, "in the middle", 13);
    m.mechanism = CKM_RSA_X_509;
    n = sizeof cipher;
    assert_int_equal(F->C_EncryptInit(session, &m, public), CKR_OK);
    assert_int_equal(F->C_Encrypt(session, block, 256, cipher, &n), CKR_OK);
    assert_int_equal(F->C_DecryptInit(session, &m, private), CKR_OK);
    for (size_t at = 0; at < 256; at += 64) {
        n = sizeof out;
        assert_int_equal(F->C_DecryptUpdate(session, cipher + at, 64, out, &n), CKR_OK);
        assert_int_equal(n, 0);
    }
    n = 255;
    assert_int_equal(F->C_DecryptFinal(session, out, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_DecryptFinal(session, out, &n), CKR_OK);
    assert_int_equal(n, 256);
    assert_memory_equal(out, block, 256);
}

static CK_ATTRIBUTE rsa_part(EVP_PKEY *key, CK_ATTRIBUTE_TYPE type, const char *name)
{
    static CK_BYTE room[10][256];
    static unsigned next;
    CK_BYTE *out = room[next++ % 10];
    BIGNUM *v = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &v), 1);
    int n = BN_bn2bin(v, out);
    BN_free(v);
    return (CK_ATTRIBUTE){type, out, (CK_ULONG)n};
}

static CK_RV create_rsa(EVP_PKEY *key, CK_ATTRIBUTE place, CK_BYTE *id, bool factors, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &private_class, sizeof private_class},
                            {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
                            place,
                            {CKA_ID, id, 1},
                            {CKA_SIGN, &yes, 1},
                            {CKA_DECRYPT, &yes, 1},
                            rsa_part(key, CKA_MODULUS, "n"),
                            rsa_part(key, CKA_PUBLIC_EXPONENT, "e"),
                            rsa_part(key, CKA_PRIVATE_EXPONENT, "d"),
                            rsa_part(key, CKA_PRIME_1, "rsa-factor1"),
                            rsa_part(key, CKA_PRIME_2, "rsa-factor2"),
                            rsa_part(key, CKA_EXPONENT_1, "rsa-exponent1"),
                            rsa_part(key, CKA_EXPONENT_2, "rsa-exponent2"),
                            rsa_part(key, CKA_COEFFICIENT, "rsa-coefficient1")};
    return F->C_CreateObject(session, templ, factors ? 14 : 9, out);
}

// A private key of the session's, with its factors and without.
static void test_session_rsa(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    CK_BYTE id = 0x77;
    CK_OBJECT_HANDLE private;
    CK_BYTE signature[256];
    CK_MECHANISM m = {CKM_SHA256_RSA_PKCS, NULL, 0};
    for (int factors = 0; factors < 2; factors++) {
        CK_ULONG n = sizeof signature;
        assert_int_equal(create_rsa(key, (CK_ATTRIBUTE){CKA_TOKEN, &no, 1}, &id, factors, &private), CKR_OK);
        assert_int_equal(sign(m, private, "text", signature, &n), CKR_OK);
        assert_true(openssl_verifies(key, "SHA256", -1, signature, "text"));
        CK_ATTRIBUTE secret = {CKA_PRIVATE_EXPONENT, NULL, 0};
        assert_int_equal(F->C_GetAttributeValue(session, private, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
    }
    CK_OBJECT_HANDLE public;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &public_class, sizeof public_class},
                            {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
                            {CKA_VERIFY, &yes, 1},
                            {CKA_ENCRYPT, &yes, 1},
                            rsa_part(key, CKA_MODULUS, "n"),
                            rsa_part(key, CKA_PUBLIC_EXPONENT, "e")};
    CK_ULONG bits = 0;
    CK_ATTRIBUTE size = {CKA_MODULUS_BITS, &bits, sizeof bits};
    assert_int_equal(F->C_CreateObject(session, templ, 6, &public), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, public, &size, 1), CKR_OK);
    assert_int_equal(bits, 2048);
    assert_int_equal(verify(m, public, "text", signature, 256), CKR_OK);
    CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE cipher[256];
    CK_BYTE out[256];
    CK_ULONG n = sizeof cipher;
    assert_int_equal(F->C_EncryptInit(session, &pkcs1, public), CKR_OK);
    assert_int_equal(F->C_Encrypt(session, bytes("hello"), 5, cipher, &n), CKR_OK);
    assert_int_equal(F->C_DecryptInit(session, &pkcs1, private), CKR_OK);
    n = sizeof out;
    assert_int_equal(F->C_Decrypt(session, cipher, 256, out, &n), CKR_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "hello", 5);
    CK_BYTE big[600]; // a big integer may begin with zeros
    memset(big, 0, 2);
    memcpy(big + 2, templ[4].pValue, templ[4].ulValueLen);
    templ[4] = (CK_ATTRIBUTE){CKA_MODULUS, big, 2 + templ[4].ulValueLen};
    assert_int_equal(F->C_CreateObject(session, templ, 6, &public), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, public, &size, 1), CKR_OK);
    assert_int_equal(bits, 2048);
    assert_int_equal(verify(m, public, "text", signature, 256), CKR_OK);
    memset(big, 0xFF, sizeof big);
    templ[4] = (CK_ATTRIBUTE){CKA_MODULUS, big, sizeof big};
    assert_int_equal(F->C_CreateObject(session, templ, 6, &public), CKR_ATTRIBUTE_VALUE_INVALID);
    templ[4].ulValueLen = 64; // of 512 bits: there, but for no mechanism
    assert_int_equal(F->C_CreateObject(session, templ, 6, &public), CKR_OK);
    assert_int_equal(verify(m, public, "text", signature, 64), CKR_KEY_SIZE_RANGE);
    EVP_PKEY_free(key);
}

// What is no point or no number of its curve is refused when it is given.
static void test_wrong_keys(void **state)
{
    (void)state;
    CK_KEY_TYPE ec = CKK_EC;
    CK_BYTE point[67] = {0x04, 65};
    CK_BYTE scalar[33] = {1};
    CK_OBJECT_HANDLE o;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &public_class, sizeof public_class},
                            {CKA_KEY_TYPE, &ec, sizeof ec},
                            {CKA_EC_PARAMS, hex_of("06082a8648ce3d030107"), 10},
                            {CKA_EC_POINT, point, sizeof point}};
    hex(P256_POINT, point + 2);
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_OK);
    point[40] ^= 1;
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    point[40] ^= 1;
    templ[3].ulValueLen--;
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    templ[3].ulValueLen++;
    templ[2].pValue = hex_of("06052b8104000a"); // secp256k1
    templ[2].ulValueLen = 7;
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_CURVE_NOT_SUPPORTED);
    templ[2] = (CK_ATTRIBUTE){CKA_EC_PARAMS, hex_of("06082a8648ce3d030107"), 10};
    templ[0].pValue = &private_class;
    templ[3] = (CK_ATTRIBUTE){CKA_VALUE, scalar, sizeof scalar};
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    templ[3].ulValueLen = 0;
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}

// An RSA key one of whose numbers is a byte shorter than the others, as one in eighty has.
static EVP_PKEY *uneven_rsa(void)
{
    static const char *const names[] = {"rsa-exponent1", "rsa-exponent2", "rsa-coefficient1"};
    for (int tries = 0; tries < 20000; tries++) {
        EVP_PKEY *key = EVP_RSA_gen(1024);
        for (size_t i = 0; i < 3; i++) {
            BIGNUM *v = NULL;
            assert_int_equal(EVP_PKEY_get_bn_param(key, names[i], &v), 1);
            int n = BN_num_bytes(v);
            BN_free(v);
            if (n < 64)
                return key;
        }
        EVP_PKEY_free(key);
    }
    return NULL;
}

static void import_uneven(void)
{
    CK_BYTE id = 3;
    CK_OBJECT_HANDLE made;
    CK_BYTE signature[128];
    CK_ULONG n = sizeof signature;
    EVP_PKEY *key = uneven_rsa();
    assert_non_null(key);
    assert_int_equal(create_rsa(key, (CK_ATTRIBUTE){CKA_TOKEN, &yes, 1}, &id, true, &made), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(sign((CK_MECHANISM){CKM_SHA256_RSA_PKCS, NULL, 0}, find_one(session, CKO_PRIVATE_KEY, 3),
                          "text", signature, &n),
                     CKR_OK);
    assert_int_equal(n, sizeof signature);
    assert_true(openssl_verifies(key, "SHA256", -1, signature, "text"));
    EVP_PKEY_free(key);
}

// Keys given to the card: where it has a command for it they work and stay; elsewhere the standard's error.
static void test_import(void **state)
{
    const char *profile = *state;
    bool yubikey = strncmp(profile, "yubikey", 7) == 0;
    struct card_process other = {0};
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    card_start(&other, profile, profile);
    world_use(&other, NULL);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    CK_BYTE id = 1;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, 1};
    assert_int_equal(create_rsa(rsa, on_token, &id, true, &made), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(create_rsa(rsa, on_token, &id, false, &made),
                     CKR_TEMPLATE_INCOMPLETE); // a card wants the factors
    assert_int_equal(create_rsa(rsa, on_token, &id, true, &made), yubikey ? CKR_OK : CKR_ACTION_PROHIBITED);
    CK_KEY_TYPE ec = CKK_EC;
    CK_BYTE ec_id = 4;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &private_class, sizeof private_class},
                            {CKA_KEY_TYPE, &ec, sizeof ec},
                            on_token,
                            {CKA_ID, &ec_id, 1},
                            {CKA_EC_PARAMS, hex_of("06082a8648ce3d030107"), 10},
                            {CKA_VALUE, hex_of("00" P256_SCALAR), 33}, // a big integer may begin with zeros
                            {CKA_EXTRACTABLE, &yes, 1}};
    assert_int_equal(F->C_CreateObject(session, templ, 7, &made),
                     CKR_TEMPLATE_INCONSISTENT); // it stays there
    templ[6].pValue = &no;
    assert_int_equal(F->C_CreateObject(session, templ, 7, &made), yubikey ? CKR_OK : CKR_ACTION_PROHIBITED);
    if (yubikey) {
        CK_BYTE signature[256];
        CK_ULONG n = sizeof signature;
        import_uneven();
        assert_int_equal(F->C_Finalize(NULL), CKR_OK);
        assert_int_equal(F->C_Initialize(NULL), CKR_OK);
        session = open_session(0, false);
        assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
        assert_int_equal(sign((CK_MECHANISM){CKM_SHA256_RSA_PKCS, NULL, 0},
                              find_one(session, CKO_PRIVATE_KEY, 1), "text", signature, &n),
                         CKR_OK);
        assert_true(openssl_verifies(rsa, "SHA256", -1, signature, "text"));
        n = sizeof signature;
        CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
        assert_int_equal(sign(m, find_one(session, CKO_PRIVATE_KEY, 4), "text", signature, &n), CKR_OK);
        assert_int_equal(verify(m, make_ec_public(session, MADE_P256, P256_POINT), "text", signature, n),
                         CKR_OK);
    }
    EVP_PKEY_free(rsa);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    card_stop(&other);
    world_use(&card, NULL);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ecdsa, begin, session_end),
        cmocka_unit_test_setup_teardown(test_eddsa, begin, session_end),
        cmocka_unit_test_setup_teardown(test_ecdh, begin, session_end),
        cmocka_unit_test_setup_teardown(test_rsa_signatures, begin, session_end),
        cmocka_unit_test_setup_teardown(test_recovery, begin, session_end),
        cmocka_unit_test_setup_teardown(test_rsa_decryption, begin, session_end),
        cmocka_unit_test_setup_teardown(test_session_rsa, begin, session_end),
        cmocka_unit_test_setup_teardown(test_wrong_keys, begin, session_end),
        {"test_import, plain", test_import, begin, session_end, (void *)(uintptr_t) "piv"},
        {"test_import, YubiKey", test_import, begin, session_end, (void *)(uintptr_t) "yubikey-5.4"},
    };
    return cmocka_run_group_tests(tests, start, stop);
}
