// The message-based functions of 3.0 and C_VerifySignature of 3.2, with session keys and a card's.
#include "module_objects.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    one_card("message");
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256);
    make_key(session, 2, KEY_P256);
    make_key(session, 4, KEY_P256);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    return 0;
}

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
static CK_BYTE iv[12], aad[20], plain[60], want[60], want_tag[16];

// The GCM paper's case 4
static void load_vector(void)
{
    hex("cafebabefacedbaddecaf888", iv);
    hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        plain);
    hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
        want);
    hex("5bc94fbc3221a5db94fae95ae7121a47", want_tag);
}

static void test_one_message(void **state)
{
    (void)state;
    CK_BYTE out[60];
    CK_BYTE tag[16];
    CK_ULONG n = 0;
    CK_GCM_MESSAGE_PARAMS p = {iv, sizeof iv, 0, CKG_NO_GENERATE, tag, 128};
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    load_vector();
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OPERATION_ACTIVE);
    assert_int_equal(G->C_MessageDecryptInit(session, &m, key), CKR_OK);
    for (int again = 0; again < 2; again++) { // many messages with one key
        assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, NULL, &n), CKR_OK);
        assert_int_equal(n, 60);
        n = 59;
        assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n), CKR_OK);
        assert_int_equal(n, 60);
        assert_memory_equal(out, want, 60);
        assert_memory_equal(tag, want_tag, 16);
        assert_int_equal(G->C_DecryptMessage(session, &p, sizeof p, aad, 20, want, 60, out, &n), CKR_OK);
        assert_int_equal(n, 60);
        assert_memory_equal(out, plain, 60);
        // One bit of the tag, of the additional data, of the text: nothing comes out.
        for (int what = 0; what < 3; what++) {
            tag[3] ^= what == 0;
            aad[3] ^= what == 1;
            want[3] ^= what == 2;
            memset(out, 0xEE, sizeof out);
            n = sizeof out;
            assert_int_equal(G->C_DecryptMessage(session, &p, sizeof p, aad, 20, want, 60, out, &n),
                             CKR_AEAD_DECRYPT_FAILED);
            for (size_t i = 0; i < sizeof out; i++)
                assert_int_equal(out[i], 0xEE);
            load_vector();
            memcpy(tag, want_tag, sizeof tag);
        }
    }
    // Additional data alone.
    CK_BYTE only_tag[16];
    CK_GCM_MESSAGE_PARAMS bare = {iv, sizeof iv, 0, CKG_NO_GENERATE, only_tag, 128};
    n = sizeof out;
    assert_int_equal(G->C_EncryptMessage(session, &bare, sizeof bare, aad, 20, NULL, 0, out, &n), CKR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(G->C_DecryptMessage(session, &bare, sizeof bare, aad, 20, NULL, 0, out, &n), CKR_OK);
    only_tag[0] ^= 1;
    n = sizeof out;
    assert_int_equal(G->C_DecryptMessage(session, &bare, sizeof bare, aad, 20, NULL, 0, out, &n),
                     CKR_AEAD_DECRYPT_FAILED);
    assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OK);
    assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageDecryptFinal(session), CKR_OK);
}

static void test_messages_in_parts(void **state)
{
    (void)state;
    CK_BYTE out[60];
    CK_BYTE tag[16];
    CK_BYTE more[16];
    CK_GCM_MESSAGE_PARAMS p = {iv, sizeof iv, 0, CKG_NO_GENERATE, tag, 128};
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    load_vector();
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    CK_ULONG n = sizeof out;
    assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_MessageDecryptInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_EncryptMessageNext(session, &p, sizeof p, plain, 60, out, &n, CKF_END_OF_MESSAGE),
                     CKR_OPERATION_NOT_INITIALIZED);
    for (CK_ULONG piece = 1; piece < 60; piece += 13) {
        assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
        assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OPERATION_ACTIVE);
        n = sizeof out;
        assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),
                         CKR_OPERATION_ACTIVE);
        for (CK_ULONG done = 0; done < 60; done += piece) {
            CK_ULONG size = 60 - done < piece ? 60 - done : piece;
            CK_FLAGS flags = done + size == 60 ? CKF_END_OF_MESSAGE : 0;
            n = size - 1;
            assert_int_equal(
                G->C_EncryptMessageNext(session, &p, sizeof p, plain + done, size, out + done, &n, flags),
                CKR_BUFFER_TOO_SMALL);
            assert_int_equal(n, size);
            assert_int_equal(
                G->C_EncryptMessageNext(session, &p, sizeof p, plain + done, size, out + done, &n, flags),
                CKR_OK);
            assert_int_equal(n, size);
        }
        assert_memory_equal(out, want, 60);
        assert_memory_equal(tag, want_tag, 16);
        assert_int_equal(G->C_DecryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
        for (CK_ULONG done = 0; done < 60; done += piece) {
            CK_ULONG size = 60 - done < piece ? 60 - done : piece;
            bool last = done + size == 60;
            n = last ? 59 : 0;
            CK_RV rv = G->C_DecryptMessageNext(session, &p, sizeof p, want + done, size, last ? out : more,
                                               &n, last ? CKF_END_OF_MESSAGE : 0);
            assert_int_equal(rv, last ? CKR_BUFFER_TOO_SMALL : CKR_OK); // all of it comes with the last part
            assert_int_equal(n, last ? 60 : 0);
            if (last)
                assert_int_equal(G->C_DecryptMessageNext(session, &p, sizeof p, want + done, size, out, &n,
                                                         CKF_END_OF_MESSAGE),
                                 CKR_OK);
        }
        assert_memory_equal(out, plain, 60);
    }
    // One that is left in the middle goes with C_MessageEncryptFinal, C_SessionCancel or the session.
    assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
    assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OK);
    assert_int_equal(G->C_DecryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
    assert_int_equal(G->C_DecryptMessageNext(session, &p, sizeof p, want, 10, more, &n, 0), CKR_OK);
    assert_int_equal(G->C_SessionCancel(session, CKF_MESSAGE_DECRYPT), CKR_OK);
    assert_int_equal(G->C_DecryptMessageNext(session, &p, sizeof p, want, 10, more, &n, 0),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
    assert_int_equal(G->C_MessageEncryptInit(session, NULL, 0), CKR_OK); // 3.0: a NULL mechanism ends it
    assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_EncryptMessageBegin(session, &p, sizeof p, aad, 20), CKR_OK);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
}

static bool openssl_opens(const CK_GCM_MESSAGE_PARAMS *p, const CK_BYTE *cipher, int n)
{
    CK_BYTE out[60];
    int len;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, NULL, NULL) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)p->ulIvLen, NULL) == 1 &&
              EVP_DecryptInit_ex(ctx, NULL, NULL, hex_of(GCM_KEY), p->pIv) == 1 &&
              EVP_DecryptUpdate(ctx, NULL, &len, aad, sizeof aad) == 1 &&
              EVP_DecryptUpdate(ctx, out, &len, cipher, n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, p->pTag) == 1 &&
              EVP_DecryptFinal_ex(ctx, out + len, &len) == 1 && memcmp(out, plain, (size_t)n) == 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

// The module makes the part of the vector behind its fixed bits, and never the same twice.
static void test_made_vectors(void **state)
{
    (void)state;
    static const CK_ULONG generators[] = {CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_RANDOM};
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    load_vector();
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    for (size_t g = 0; g < sizeof generators / sizeof *generators; g++) {
        CK_BYTE seen[20][12];
        assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
        for (size_t i = 0; i < 20; i++) {
            CK_BYTE own[12] = {0xF1, 0xF2, 0xF3, 0xF4};
            CK_BYTE tag[16];
            CK_BYTE out[60];
            CK_ULONG n = 0;
            CK_GCM_MESSAGE_PARAMS p = {own, sizeof own, 32, generators[g], tag, 128};
            assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),
                             CKR_BUFFER_TOO_SMALL); // takes no vector
            assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n), CKR_OK);
            assert_memory_equal(own, "\xF1\xF2\xF3\xF4", 4);
            assert_true(openssl_opens(&p, out, 60));
            memcpy(seen[i], own, sizeof own);
            for (size_t j = 0; j < i; j++)
                assert_memory_not_equal(seen[j], own, sizeof own);
        }
        if (generators[g] == CKG_GENERATE_COUNTER)
            assert_int_equal(seen[19][11], (seen[0][11] + 19) & 0xFF);
        assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OK);
    }
}

static void test_message_parameters(void **state)
{
    (void)state;
    CK_BYTE out[60];
    CK_BYTE tag[16];
    CK_ULONG n = sizeof out;
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, 12};
    const CK_GCM_MESSAGE_PARAMS good = {iv, sizeof iv, 0, CKG_NO_GENERATE, tag, 128};
    load_vector();
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    assert_int_equal(G->C_MessageEncryptInit(session, &cbc, key), CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, 0), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(G->C_MessageDecryptInit(session, &m, make_secret(session, CKK_GENERIC_SECRET, iv, 12)),
                     CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(G->C_MessageEncryptInit(session, &(CK_MECHANISM){CKM_AES_GCM, NULL, 5}, key),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_MessageEncryptInit(session, &(CK_MECHANISM){CKM_AES_GCM, out, 100}, key),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(G->C_MessageEncryptInit(session, &m, key), CKR_OK);
#define REFUSED(change)                                                                                      \
    do {                                                                                                     \
        CK_GCM_MESSAGE_PARAMS p = good;                                                                      \
        change;                                                                                              \
        n = sizeof out;                                                                                      \
        assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),            \
                         CKR_MECHANISM_PARAM_INVALID);                                                       \
    } while (0)
    REFUSED(p.pIv = NULL);
    REFUSED(p.ulIvLen = 0);
    REFUSED(p.ulIvLen = 129);
    REFUSED(p.pTag = NULL);
    REFUSED(p.ulTagBits = 24);
    REFUSED(p.ulTagBits = 100);
    REFUSED(p.ulTagBits = 136);
    REFUSED(p.ulIvFixedBits = 97);
    REFUSED(p.ulIvFixedBits = 3);
    REFUSED(p.ivGenerator = 99);
    REFUSED((p.ivGenerator = CKG_GENERATE_RANDOM, p.ulIvFixedBits = 40)); // 7 bytes would meet again
    REFUSED((p.ivGenerator = CKG_GENERATE_COUNTER, p.ulIvFixedBits = 72));
    CK_GCM_MESSAGE_PARAMS p = good;
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p - 1, aad, 20, plain, 60, out, &n),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(G->C_EncryptMessage(session, NULL, 0, aad, 20, plain, 60, out, &n),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(G->C_EncryptMessage(session, NULL, 8, aad, 20, plain, 60, out, &n), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, NULL, 20, plain, 60, out, &n),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, NULL, 60, out, &n),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, NULL),
                     CKR_ARGUMENTS_BAD);
    n = sizeof out;
    assert_int_equal(G->C_EncryptMessage(session, &p, sizeof p, aad, 20, plain, 60, out, &n),
                     CKR_OK); // still there
    assert_memory_equal(tag, want_tag, 16);
}

// ---- signatures ----

static CK_OBJECT_HANDLE private_key(CK_BYTE id)
{
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, id);
    assert_int_not_equal(key, 0);
    return key;
}

static CK_BYTE *text(void)
{
    return (CK_BYTE *)(uintptr_t)sample;
}

// Many messages by one key of the card; C_Verify, which knows nothing of messages, is the judge.
static void test_signed_messages(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG n = 0;
    CK_OBJECT_HANDLE key = private_key(4);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 4);
    assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), 32, signature, &n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageSignInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_MessageSignInit(session, &m, key), CKR_OPERATION_ACTIVE);
    for (CK_ULONG size = 1; size <= 32; size += 15) {
        assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), size, NULL, &n), CKR_OK);
        assert_int_equal(n, 64);
        n = 63;
        assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), size, signature, &n),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), size, signature, &n), CKR_OK);
        assert_int_equal(F->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(F->C_Verify(session, text(), size, signature, n), CKR_OK);
        // In parts: each of length and room asked for in vain takes nothing in.
        assert_int_equal(G->C_SignMessageBegin(session, NULL, 0), CKR_OK);
        assert_int_equal(G->C_SignMessageBegin(session, NULL, 0), CKR_OPERATION_ACTIVE);
        assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text(), 1, NULL, NULL), CKR_OK);
        assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text() + 1, size - 1, NULL, &n), CKR_OK);
        assert_int_equal(n, 64);
        n = 10;
        assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text() + 1, size - 1, signature, &n),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text() + 1, size - 1, signature, &n), CKR_OK);
        assert_int_equal(F->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(F->C_Verify(session, text(), size, signature, n), CKR_OK);
        assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text(), 1, signature, &n),
                         CKR_OPERATION_NOT_INITIALIZED);
    }
    // An operation of C_SignInit is another one.
    CK_MECHANISM bare = {CKM_ECDSA, NULL, 0};
    assert_int_equal(F->C_SignInit(session, &bare, key), CKR_OK);
    assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), 32, signature, &n), CKR_OPERATION_ACTIVE);
    assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text(), 32, signature, &n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_Sign(session, text(), 32, signature, &n), CKR_OK);
    check_signature(session, 4, CKM_ECDSA, signature, n);
    assert_int_equal(G->C_SignMessage(session, signature, 1, text(), 32, signature, &n),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(G->C_SignMessage(session, NULL, 1, text(), 32, signature, &n), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_SignMessageBegin(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_MessageSignFinal(session), CKR_OK);
    assert_int_equal(G->C_MessageSignFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageSignInit(session, &(CK_MECHANISM){CKM_SHA256, NULL, 0}, key),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_MessageSignInit(session, &m, public), CKR_KEY_TYPE_INCONSISTENT);
}

// A key that wants the PIN for each: the message waits for its login, in one part and in several.
static void test_messages_want_the_pin(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = private_key(2);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 2);
    assert_int_equal(G->C_MessageSignInit(session, &m, key), CKR_OK);
    assert_int_equal(G->C_SignMessage(session, NULL, 0, text(), 32, signature, &n), CKR_OK); // by C_Login's
    for (int parts = 0; parts < 2; parts++) {
        n = sizeof signature;
        if (parts)
            assert_int_equal(G->C_SignMessageBegin(session, NULL, 0), CKR_OK);
        assert_int_equal(parts ? G->C_SignMessageNext(session, NULL, 0, text(), 32, signature, &n)
                               : G->C_SignMessage(session, NULL, 0, text(), 32, signature, &n),
                         CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, PIN), CKR_OK);
        assert_int_equal(parts ? G->C_SignMessageNext(session, NULL, 0, text(), 32, signature, &n)
                               : G->C_SignMessage(session, NULL, 0, text(), 32, signature, &n),
                         CKR_OK);
        assert_int_equal(F->C_VerifyInit(session, &m, public), CKR_OK);
        assert_int_equal(F->C_Verify(session, text(), 32, signature, n), CKR_OK);
    }
    // Another session's end in the middle, and the own one's.
    CK_SESSION_HANDLE other = open_session(0, false);
    assert_int_equal(G->C_SignMessageBegin(session, NULL, 0), CKR_OK);
    assert_int_equal(F->C_CloseSession(other), CKR_OK);
    assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text(), 16, NULL, NULL), CKR_OK);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    n = sizeof signature;
    assert_int_equal(G->C_SignMessageNext(session, NULL, 0, text(), 16, signature, &n),
                     CKR_SESSION_HANDLE_INVALID);
}

static void test_verified_messages(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 4);
    assert_int_equal(F->C_SignInit(session, &m, private_key(4)), CKR_OK);
    assert_int_equal(F->C_Sign(session, text(), 32, signature, &n), CKR_OK);
    assert_int_equal(G->C_VerifyMessage(session, NULL, 0, text(), 32, signature, n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_VerifyMessageNext(session, NULL, 0, text(), 32, signature, n),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_MessageVerifyInit(session, &m, public), CKR_OK);
    for (int wrong = 0; wrong < 2; wrong++) {
        CK_RV expected = wrong ? CKR_SIGNATURE_INVALID : CKR_OK;
        signature[9] ^= (CK_BYTE)wrong;
        assert_int_equal(G->C_VerifyMessage(session, NULL, 0, text(), 32, signature, n), expected);
        assert_int_equal(G->C_VerifyMessageBegin(session, NULL, 0), CKR_OK);
        assert_int_equal(G->C_VerifyMessageBegin(session, NULL, 0), CKR_OPERATION_ACTIVE);
        assert_int_equal(G->C_VerifyMessageNext(session, NULL, 0, text(), 20, NULL, 0), CKR_OK);
        assert_int_equal(G->C_VerifyMessageNext(session, NULL, 0, text() + 20, 12, signature, n), expected);
        signature[9] ^= (CK_BYTE)wrong;
    }
    assert_int_equal(G->C_VerifyMessage(session, NULL, 0, text(), 32, signature, 63),
                     CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(G->C_VerifyMessage(session, NULL, 0, text(), 32, NULL, 64), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_MessageVerifyFinal(session), CKR_OK);
}

// 3.2: the signature comes before the text.
static void test_signature_first(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 4);
    assert_int_equal(F->C_SignInit(session, &m, private_key(4)), CKR_OK);
    assert_int_equal(F->C_Sign(session, text(), 32, signature, &n), CKR_OK);
    for (int wrong = 0; wrong < 2; wrong++) {
        CK_RV expected = wrong ? CKR_SIGNATURE_INVALID : CKR_OK;
        signature[40] ^= (CK_BYTE)wrong;
        assert_int_equal(G->C_VerifySignatureInit(session, &m, public, signature, n), CKR_OK);
        signature[40] ^= (CK_BYTE)wrong; // it was kept: what the caller does with his is no matter
        assert_int_equal(G->C_VerifySignatureInit(session, &m, public, signature, n), CKR_OPERATION_ACTIVE);
        assert_int_equal(G->C_VerifySignature(session, text(), 32), expected);
        assert_int_equal(G->C_VerifySignature(session, text(), 32), CKR_OPERATION_NOT_INITIALIZED);
        signature[40] ^= (CK_BYTE)wrong;
        assert_int_equal(G->C_VerifySignatureInit(session, &m, public, signature, n), CKR_OK);
        signature[40] ^= (CK_BYTE)wrong;
        assert_int_equal(G->C_VerifySignatureUpdate(session, text(), 1), CKR_OK);
        assert_int_equal(G->C_VerifySignatureUpdate(session, text() + 1, 31), CKR_OK);
        assert_int_equal(G->C_VerifySignatureFinal(session), expected);
        assert_int_equal(G->C_VerifySignatureFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    }
    assert_int_equal(G->C_VerifySignatureUpdate(session, text(), 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(G->C_VerifySignatureInit(session, &m, public, NULL, 5), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_VerifySignatureInit(session, &m, private_key(4), signature, n),
                     CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(G->C_VerifySignatureInit(session, &m, public, signature, 0), CKR_OK);
    assert_int_equal(G->C_VerifySignatureInit(session, NULL, 0, NULL, 0), CKR_OK); // ends it
    assert_int_equal(G->C_VerifySignature(session, text(), 32), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_VerifyInit(session, &m, public),
                     CKR_OK); // of the old kind: its signature comes last
    assert_int_equal(G->C_VerifySignature(session, text(), 32), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_Verify(session, text(), 32, signature, n), CKR_OK);
    // RFC 4231, case 2
    CK_OBJECT_HANDLE mac = make_secret(session, CKK_GENERIC_SECRET, (const CK_BYTE *)"Jefe", 4);
    assert_int_equal(G->C_VerifySignatureInit(
                         session, &hmac, mac,
                         hex_of("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), 32),
                     CKR_OK);
    assert_int_equal(G->C_VerifySignature(session, (CK_BYTE *)(uintptr_t) "what do ya want for nothing?", 28),
                     CKR_OK);
}

// What 3.0 and 3.2 have and a card doesn't.
static void test_refusals(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM unknown = {0x7777777, NULL, 0};
    CK_BYTE buffer[64];
    CK_ULONG n = sizeof buffer;
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    CK_FLAGS flags = 99;
    CK_ASYNC_DATA async = {0};
    CK_BYTE name[] = "C_Sign";
    assert_int_equal(G->C_EncapsulateKey(session, &m, key, NULL, 0, buffer, &n, &key), CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_DecapsulateKey(session, &unknown, key, NULL, 0, buffer, n, &key),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_EncapsulateKey(session, NULL, key, NULL, 0, buffer, &n, &key), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_WrapKeyAuthenticated(session, &m, key, key, NULL, 0, buffer, &n),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_UnwrapKeyAuthenticated(session, &m, key, buffer, n, NULL, 0, NULL, 0, &key),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(G->C_AsyncComplete(session, name, &async), CKR_SESSION_ASYNC_NOT_SUPPORTED);
    assert_int_equal(G->C_AsyncGetID(session, name, &n), CKR_SESSION_ASYNC_NOT_SUPPORTED);
    assert_int_equal(G->C_AsyncJoin(session, name, 1, buffer, 1), CKR_SESSION_ASYNC_NOT_SUPPORTED);
    assert_int_equal(G->C_AsyncJoin(session, NULL, 1, buffer, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, &flags), CKR_OK);
    assert_int_equal(flags, 0);
    assert_int_equal(G->C_GetSessionValidationFlags(session, 77, &flags), CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, 6, name, 6),
                     CKR_USER_TYPE_INVALID);
    assert_int_equal(G->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, 6, NULL, 3),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(G->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, 6, NULL, 0), CKR_OK);
    assert_int_equal(F->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
    assert_int_equal(F->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
}

// 3.0, 5.6.9: what is named ends, the rest goes on.
static void test_cancelled(void **state)
{
    (void)state;
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;
    CK_OBJECT_HANDLE found;
    CK_OBJECT_HANDLE key = make_aes(session, GCM_KEY);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(F->C_SignInit(session, &m, private_key(4)), CKR_OK);
    assert_int_equal(F->C_EncryptInit(session, &ecb, key), CKR_OK);
    assert_int_equal(F->C_DecryptInit(session, &ecb, key), CKR_OK);
    assert_int_equal(F->C_VerifyInit(session, &m, find_one(session, CKO_PUBLIC_KEY, 4)), CKR_OK);
    assert_int_equal(F->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(G->C_SessionCancel(session, CKF_SIGN | CKF_ENCRYPT | CKF_FIND_OBJECTS), CKR_OK);
    assert_int_equal(F->C_Sign(session, text(), 32, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_Encrypt(session, text(), 32, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_FindObjects(session, &found, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
    n = sizeof out;
    assert_int_equal(F->C_Decrypt(session, text(), 32, out, &n), CKR_OK);
    n = sizeof out;
    assert_int_equal(F->C_Digest(session, text(), 32, out, &n), CKR_OK);
    assert_int_equal(F->C_Verify(session, text(), 32, out, 64), CKR_SIGNATURE_INVALID);
    assert_int_equal(G->C_SessionCancel(session, CKF_DIGEST), CKR_OK); // nothing there: no error
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SESSION(test_one_message),       IN_SESSION(test_messages_in_parts),
        IN_SESSION(test_made_vectors),      IN_SESSION(test_message_parameters),
        IN_SESSION(test_signed_messages),   IN_SESSION(test_messages_want_the_pin),
        IN_SESSION(test_verified_messages), IN_SESSION(test_signature_first),
        IN_SESSION(test_refusals),          IN_SESSION(test_cancelled),
    };
    return cmocka_run_group_tests(tests, start, one_card_stop);
}
