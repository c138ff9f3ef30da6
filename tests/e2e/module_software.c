// What the module computes itself besides ciphers: digests, codes, key derivation and wrapping, random
// numbers, against published vectors.
#include "module_objects.h"

#include <stdlib.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    one_card("software");
    return 0;
}

static const struct {
    CK_MECHANISM_TYPE type;
    const char *abc;
} digests[] = {
    // FIPS 180-4 and 202: "abc"
    {CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CKM_SHA384,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {CKM_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {CKM_SHA512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"},
    {CKM_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
    {CKM_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
    {CKM_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {CKM_SHA3_384,
     "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
    {CKM_SHA3_512, "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                   "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
};

static void test_digests(void **state)
{
    (void)state;
    CK_BYTE abc[] = "abc";
    CK_OBJECT_HANDLE key = make_secret(session, CKK_GENERIC_SECRET, abc + 1, 1);
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
        CK_MECHANISM m = {digests[i].type, NULL, 0};
        CK_BYTE want[64];
        CK_BYTE out[64];
        CK_ULONG n = hex(digests[i].abc, want);
        CK_ULONG len = 0;
        assert_int_equal(F->C_DigestInit(session, &m), CKR_OK);
        assert_int_equal(F->C_Digest(session, abc, 3, NULL, &len), CKR_OK);
        assert_int_equal(len, n);
        len = n - 1;
        assert_int_equal(F->C_Digest(session, abc, 3, out, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(F->C_Digest(session, abc, 3, out, &len), CKR_OK);
        assert_memory_equal(out, want, n);
        assert_int_equal(F->C_DigestInit(session, &m), CKR_OK);
        assert_int_equal(F->C_DigestUpdate(session, abc, 1), CKR_OK);
        assert_int_equal(F->C_DigestKey(session, key), CKR_OK); // the "b"
        assert_int_equal(F->C_DigestUpdate(session, abc + 2, 1), CKR_OK);
        len = 1;
        assert_int_equal(F->C_DigestFinal(session, out, &len), CKR_BUFFER_TOO_SMALL);
        memset(out, 0, sizeof out);
        assert_int_equal(F->C_DigestFinal(session, out, &len), CKR_OK);
        assert_memory_equal(out, want, n);
        assert_int_equal(F->C_DigestFinal(session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    }
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG len = sizeof out;
    assert_int_equal(F->C_DigestUpdate(session, abc, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_DigestKey(session, key), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_Digest(session, abc, 1, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_DigestInit(session, &m), CKR_OK);
    assert_int_equal(F->C_DigestKey(session, 0), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(F->C_DigestUpdate(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_DigestUpdate(session, NULL, 0), CKR_OK);
    assert_int_equal(F->C_Digest(session, abc, 1, out, &len), CKR_OPERATION_ACTIVE); // in parts already
    assert_int_equal(F->C_DigestInit(session, &m), CKR_OK);
    assert_int_equal(F->C_Digest(session, abc, 1, out, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_Digest(session, abc, 1, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    m.mechanism = CKM_AES_ECB;
    assert_int_equal(F->C_DigestInit(session, &m), CKR_MECHANISM_INVALID);
    CK_OBJECT_HANDLE public =
        make_ec_public(session, MADE_P256,
                       "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                       "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    m.mechanism = CKM_SHA_1;
    assert_int_equal(F->C_DigestInit(session, &m), CKR_OK);
    assert_int_equal(F->C_DigestKey(session, public), CKR_KEY_INDIGESTIBLE);
}

// RFC 2202 and 4231, case 2 ("Jefe"); RFC 4493, examples 1 to 4
static void test_codes(void **state)
{
    (void)state;
    static const char jefe[] = "what do ya want for nothing?";
    CK_ULONG half = 10;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *code;
        CK_ULONG text; // of PLAIN, for CMAC
    } rows[] = {
        {CKM_SHA_1_HMAC, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", 0},
        {CKM_SHA224_HMAC, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44", 0},
        {CKM_SHA256_HMAC, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0},
        {CKM_SHA384_HMAC,
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
         0},
        {CKM_SHA512_HMAC,
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
         0},
        {CKM_SHA256_HMAC_GENERAL, "5bdcc146bf60754e6a04", 0},
        {CKM_AES_CMAC, "bb1d6929e95937287fa37d129b756746", 0},
        {CKM_AES_CMAC, "070a16b46b4d4144f79bdd9dd04a287c", 16},
        {CKM_AES_CMAC, "dfa66747de9ae63030ca32611497c827", 40},
        {CKM_AES_CMAC, "51f0bebf7e3b9d92fc49741779363cfe", 64},
        {CKM_AES_CMAC_GENERAL, "51f0bebf7e3b9d92fc49", 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool cmac = rows[i].type == CKM_AES_CMAC || rows[i].type == CKM_AES_CMAC_GENERAL;
        bool general = rows[i].type == CKM_SHA256_HMAC_GENERAL || rows[i].type == CKM_AES_CMAC_GENERAL;
        CK_MECHANISM m = {rows[i].type, general ? &half : NULL, general ? sizeof half : 0};
        CK_OBJECT_HANDLE key = cmac ? make_aes(session, KEY128)
                                    : make_secret(session, CKK_GENERIC_SECRET, (const CK_BYTE *)"Jefe", 4);
        CK_BYTE want[64];
        CK_BYTE out[64];
        CK_BYTE *text = cmac ? hex_of(PLAIN) : (CK_BYTE *)(uintptr_t)jefe;
        CK_ULONG text_n = cmac ? rows[i].text : sizeof jefe - 1;
        CK_ULONG n = hex(rows[i].code, want);
        CK_ULONG len = 0;
        assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
        assert_int_equal(F->C_Sign(session, text, text_n, NULL, &len), CKR_OK);
        assert_int_equal(len, n);
        len--;
        assert_int_equal(F->C_Sign(session, text, text_n, out, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(F->C_Sign(session, text, text_n, out, &len), CKR_OK);
        assert_memory_equal(out, want, n);
        assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
        for (CK_ULONG at = 0; at < text_n; at++)
            assert_int_equal(F->C_SignUpdate(session, text + at, 1), CKR_OK);
        len = 1;
        assert_int_equal(F->C_SignFinal(session, out, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(F->C_SignFinal(session, out, &len), CKR_OK);
        assert_memory_equal(out, want, n);
        assert_int_equal(F->C_VerifyInit(session, &m, key), CKR_OK);
        assert_int_equal(F->C_Verify(session, text, text_n, want, n), CKR_OK);
        assert_int_equal(F->C_VerifyInit(session, &m, key), CKR_OK);
        assert_int_equal(F->C_Verify(session, text, text_n, want, n - 1), CKR_SIGNATURE_LEN_RANGE);
        want[0] ^= 1;
        assert_int_equal(F->C_VerifyInit(session, &m, key), CKR_OK);
        assert_int_equal(F->C_VerifyUpdate(session, text, text_n), CKR_OK);
        assert_int_equal(F->C_VerifyFinal(session, want, n), CKR_SIGNATURE_INVALID);
        assert_int_equal(F->C_VerifyFinal(session, want, n), CKR_OPERATION_NOT_INITIALIZED);
    }
}

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET, aes_type = CKK_AES;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_ULONG value_of(CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, room};
    assert_int_equal(F->C_GetAttributeValue(session, key, &a, 1), CKR_OK);
    return a.ulValueLen;
}

// RFC 5869, A.1 (both steps, and each alone) and A.3 (neither salt nor info)
static void test_hkdf(void **state)
{
    (void)state;
    CK_BYTE ikm[22];
    CK_BYTE salt[13];
    CK_BYTE info[10];
    CK_BYTE out[64];
    CK_ULONG want = 42;
    CK_OBJECT_HANDLE derived;
    memset(ikm, 0x0b, sizeof ikm);
    hex("000102030405060708090a0b0c", salt);
    hex("f0f1f2f3f4f5f6f7f8f9", info);
    CK_OBJECT_HANDLE key = make_secret(session, CKK_HKDF, ikm, sizeof ikm);
    CK_OBJECT_HANDLE salt_key = make_secret(session, CKK_GENERIC_SECRET, salt, sizeof salt);
    CK_HKDF_PARAMS p = {CK_TRUE,     CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_DATA, salt,
                        sizeof salt, 0,       info,       sizeof info};
    CK_MECHANISM m = {CKM_HKDF_DERIVE, &p, sizeof p};
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &generic_type, sizeof generic_type},
                            {CKA_DERIVE, &yes, 1},
                            {CKA_VALUE_LEN, &want, sizeof want}};
    static const char okm[] =
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_OK);
    assert_int_equal(value_of(derived, out, sizeof out), 42);
    assert_memory_equal(out, hex_of(okm), 42);
    p.ulSaltType = CKF_HKDF_SALT_KEY;
    p.hSaltKey = salt_key;
    p.pSalt = NULL;
    p.bExpand = CK_FALSE; // the first step alone
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 3, &derived), CKR_OK);
    assert_int_equal(value_of(derived, out, sizeof out), 32);
    assert_memory_equal(out, hex_of("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"), 32);
    p.bExpand = CK_TRUE;
    p.bExtract = CK_FALSE; // the second, from what the first gave
    p.ulSaltType = CKF_HKDF_SALT_NULL;
    assert_int_equal(F->C_DeriveKey(session, &m, derived, templ, 4, &derived), CKR_OK);
    assert_int_equal(value_of(derived, out, sizeof out), 42);
    assert_memory_equal(out, hex_of(okm), 42);
    p.bExtract = CK_TRUE;
    p.ulInfoLen = 0;
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_OK);
    assert_int_equal(value_of(derived, out, sizeof out), 42);
    assert_memory_equal(
        out, hex_of("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
        42);
    p.bExtract = p.bExpand = CK_FALSE;
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_MECHANISM_PARAM_INVALID);
    p.bExtract = CK_TRUE;
    p.prfHashMechanism = CKM_AES_ECB;
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_MECHANISM_PARAM_INVALID);
    p.prfHashMechanism = CKM_SHA256;
    p.ulSaltType = CKF_HKDF_SALT_KEY;
    p.hSaltKey = 0;
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_KEY_HANDLE_INVALID);
    m.ulParameterLen = 1;
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &derived), CKR_MECHANISM_PARAM_INVALID);
    CK_OBJECT_HANDLE aes = make_aes(session, KEY128);
    assert_int_equal(F->C_DeriveKey(session, &m, aes, templ, 4, &derived), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(F->C_DeriveKey(session, &m, 0, templ, 4, &derived), CKR_KEY_HANDLE_INVALID);
}

// RFC 3394, 4.1 and RFC 5649, 6
static void test_key_wrap(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *kek, *key, *wrapped;
    } rows[] = {
        {CKM_AES_KEY_WRAP, "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
         "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
        {CKM_AES_KEY_WRAP_PAD, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
         "c37b7e6492584340bed12207808941155068f738",
         "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
    };
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &generic_type, sizeof generic_type}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_MECHANISM m = {rows[i].type, NULL, 0};
        CK_OBJECT_HANDLE kek = make_aes(session, rows[i].kek);
        CK_ULONG n = strlen(rows[i].key) / 2;
        CK_ULONG want = strlen(rows[i].wrapped) / 2;
        CK_OBJECT_HANDLE key = make_secret(session, CKK_GENERIC_SECRET, hex_of(rows[i].key), n);
        CK_OBJECT_HANDLE back;
        CK_BYTE out[64];
        CK_ULONG len = 0;
        assert_int_equal(F->C_WrapKey(session, &m, kek, key, NULL, &len), CKR_OK);
        assert_int_equal(len, want);
        len--;
        assert_int_equal(F->C_WrapKey(session, &m, kek, key, out, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(F->C_WrapKey(session, &m, kek, key, out, &len), CKR_OK);
        assert_memory_equal(out, hex_of(rows[i].wrapped), want);
        assert_int_equal(F->C_UnwrapKey(session, &m, kek, out, len, templ, 2, &back), CKR_OK);
        CK_BYTE value[64];
        assert_int_equal(value_of(back, value, sizeof value), n);
        assert_memory_equal(value, hex_of(rows[i].key), n);
        CK_BBOOL flag = 1;
        CK_ATTRIBUTE local = {CKA_LOCAL, &flag, 1};
        assert_int_equal(F->C_GetAttributeValue(session, back, &local, 1), CKR_OK);
        assert_int_equal(flag, CK_FALSE);
        out[0] ^= 1;
        assert_int_equal(F->C_UnwrapKey(session, &m, kek, out, len, templ, 2, &back),
                         CKR_WRAPPED_KEY_INVALID);
        assert_int_equal(F->C_UnwrapKey(session, &m, 0, out, len, templ, 2, &back),
                         CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(F->C_WrapKey(session, &m, 0, key, out, &len), CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(F->C_WrapKey(session, &m, kek, 0, out, &len), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(F->C_WrapKey(session, &m, key, kek, out, &len), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        CK_ATTRIBUTE stays = {CKA_EXTRACTABLE, &no, 1};
        assert_int_equal(F->C_SetAttributeValue(session, key, &stays, 1), CKR_OK);
        assert_int_equal(F->C_WrapKey(session, &m, kek, key, out, &len), CKR_KEY_UNEXTRACTABLE);
    }
    // What is unwrapped has to fit what it is said to be.
    CK_OBJECT_HANDLE kek = make_aes(session, KEY128);
    CK_OBJECT_HANDLE odd = make_secret(session, CKK_GENERIC_SECRET, hex_of("00112233445566778899"), 10);
    CK_OBJECT_HANDLE back;
    CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG len = sizeof out;
    CK_ATTRIBUTE as_aes[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                             {CKA_KEY_TYPE, &aes_type, sizeof aes_type},
                             {CKA_TOKEN, &no, 1}};
    assert_int_equal(F->C_WrapKey(session, &kw, kek, odd, out, &len), CKR_KEY_SIZE_RANGE);
    len = sizeof out;
    assert_int_equal(F->C_WrapKey(session, &kwp, kek, odd, out, &len), CKR_OK);
    assert_int_equal(F->C_UnwrapKey(session, &kwp, kek, out, len, as_aes, 3, &back),
                     CKR_TEMPLATE_INCONSISTENT);
    as_aes[1].pValue = &generic_type;
    as_aes[2].pValue = &yes; // a card keeps no secret keys
    assert_int_equal(F->C_UnwrapKey(session, &kwp, kek, out, len, as_aes, 3, &back),
                     CKR_TEMPLATE_INCONSISTENT);
    as_aes[2] = (CK_ATTRIBUTE){CKA_PRIVATE, &yes, 1};
    assert_int_equal(F->C_UnwrapKey(session, &kwp, kek, out, len, as_aes, 3, &back), CKR_USER_NOT_LOGGED_IN);
}

static void test_generated_keys(void **state)
{
    (void)state;
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_MECHANISM generic = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ULONG n = 17;
    CK_OBJECT_HANDLE one;
    CK_OBJECT_HANDLE two;
    CK_BYTE a[600];
    CK_BYTE b[600];
    CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &n, sizeof n}, {CKA_TOKEN, &yes, 1}};
    assert_int_equal(F->C_GenerateKey(session, &aes, templ, 1, &one), CKR_KEY_SIZE_RANGE);
    assert_int_equal(F->C_GenerateKey(session, &aes, NULL, 0, &one), CKR_TEMPLATE_INCOMPLETE);
    n = 16;
    assert_int_equal(F->C_GenerateKey(session, &aes, templ, 2, &one), CKR_ACTION_PROHIBITED);
    aes.mechanism = CKM_AES_ECB;
    assert_int_equal(F->C_GenerateKey(session, &aes, templ, 1, &one), CKR_MECHANISM_INVALID);
    n = 513;
    assert_int_equal(F->C_GenerateKey(session, &generic, templ, 1, &one), CKR_KEY_SIZE_RANGE);
    n = 512;
    assert_int_equal(F->C_GenerateKey(session, &generic, templ, 1, &one), CKR_OK);
    assert_int_equal(F->C_GenerateKey(session, &generic, templ, 1, &two), CKR_OK);
    assert_int_equal(value_of(one, a, sizeof a), 512);
    assert_int_equal(value_of(two, b, sizeof b), 512);
    assert_memory_not_equal(a, b, 512);
    // A key that is sensitive shows nothing, and stays so.
    CK_ATTRIBUTE sensitive = {CKA_SENSITIVE, &yes, 1};
    CK_ATTRIBUTE value = {CKA_VALUE, a, sizeof a};
    assert_int_equal(F->C_SetAttributeValue(session, one, &sensitive, 1), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, one, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value.ulValueLen, CK_UNAVAILABLE_INFORMATION);
    sensitive.pValue = &no;
    assert_int_equal(F->C_SetAttributeValue(session, one, &sensitive, 1), CKR_ATTRIBUTE_READ_ONLY);
    // A copy of it is as sensitive, and goes with its session.
    CK_OBJECT_HANDLE copy;
    assert_int_equal(F->C_CopyObject(session, one, NULL, 0, &copy), CKR_OK);
    value.ulValueLen = sizeof a;
    assert_int_equal(F->C_GetAttributeValue(session, copy, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
    CK_SESSION_HANDLE other = open_session(0, false);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    session = other;
    assert_int_equal(F->C_GetAttributeValue(session, copy, &value, 1), CKR_OBJECT_HANDLE_INVALID);
}

static void test_random(void **state)
{
    (void)state;
    CK_BYTE a[40] = {0};
    CK_BYTE b[40] = {0};
    assert_int_equal(F->C_SeedRandom(session, a, sizeof a), CKR_OK);
    assert_int_equal(F->C_SeedRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_GenerateRandom(session, a, sizeof a), CKR_OK);
    assert_int_equal(F->C_GenerateRandom(session, b, sizeof b), CKR_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(F->C_GenerateRandom(session, NULL, 0), CKR_OK);
    assert_int_equal(F->C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SESSION(test_digests),  IN_SESSION(test_codes),          IN_SESSION(test_hkdf),
        IN_SESSION(test_key_wrap), IN_SESSION(test_generated_keys), IN_SESSION(test_random),
    };
    return cmocka_run_group_tests(tests, start, one_card_stop);
}
