// Operations that are saved in the middle and go on elsewhere (2.40, 5.6.5 and 5.6.6).
#include "module_objects.h"

#include <stdlib.h>
#include <string.h>

static struct card_process second;
static CK_BYTE state[70000];
static CK_ULONG state_n;

static int start(void **unused)
{
    (void)unused;
    card_start(&card, "state", "piv");
    card_start(&second, "second", "piv");
    world_use(&card, &second, NULL);
    module_load_newest();
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_RSA2048);
    make_key(session, 4, KEY_P256);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    return 0;
}

static int stop(void **unused)
{
    card_stop(&second);
    return one_card_stop(unused);
}

static int begin(void **unused)
{
    (void)unused;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, false);
    return 0;
}

static CK_RV save(void)
{
    state_n = sizeof state;
    return F->C_GetOperationState(session, state, &state_n);
}

// FIPS 180-4: "abc"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void finish_abc(CK_SESSION_HANDLE in)
{
    CK_BYTE out[32];
    CK_ULONG n = sizeof out;
    assert_int_equal(F->C_DigestUpdate(in, bytes("c"), 1), CKR_OK);
    assert_int_equal(F->C_DigestFinal(in, out, &n), CKR_OK);
    assert_memory_equal(out, hex_of(ABC), 32);
}

static void test_digest(void **unused)
{
    (void)unused;
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_SESSION_HANDLE other = open_session(0, false);
    CK_ULONG n = 0;
    assert_int_equal(save(), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(save(), CKR_OK); // before the first part, too
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, 0), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(other, bytes("ab"), 2), CKR_OK);
    finish_abc(other);
    assert_int_equal(F->C_DigestUpdate(session, bytes("a"), 1), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, bytes("b"), 1), CKR_OK);
    assert_int_equal(F->C_GetOperationState(session, NULL, &n), CKR_OK);
    CK_ULONG less = n - 1;
    assert_int_equal(F->C_GetOperationState(session, state, &less), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(less, n);
    assert_int_equal(F->C_GetOperationState(session, state, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(save(), CKR_OK);
    assert_int_equal(state_n, n);
    finish_abc(session); // the one that was saved goes on
    for (int again = 0; again < 2; again++) {
        assert_int_equal(F->C_SetOperationState(other, state, n, 0, 0), CKR_OK);
        finish_abc(other);
    }
    // What was active goes.
    assert_int_equal(F->C_DigestInit(other, &sha), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(other, bytes("else"), 4), CKR_OK);
    assert_int_equal(F->C_SetOperationState(other, state, n, 0, 0), CKR_OK);
    finish_abc(other);
    CK_OBJECT_HANDLE key = make_aes(session, "000102030405060708090a0b0c0d0e0f");
    assert_int_equal(F->C_SetOperationState(other, state, n, 0, key), CKR_KEY_NOT_NEEDED);
    assert_int_equal(F->C_SetOperationState(other, state, n, key, 0), CKR_KEY_NOT_NEEDED);
    assert_int_equal(F->C_SetOperationState(other, NULL, n, 0, 0), CKR_ARGUMENTS_BAD);
}

// RFC 4231, case 2
static void test_code(void **unused)
{
    (void)unused;
    CK_ULONG half = 16;
    CK_MECHANISM m = {CKM_SHA256_HMAC_GENERAL, &half, sizeof half};
    CK_SESSION_HANDLE other = open_session(0, false);
    CK_BYTE out[32];
    CK_ULONG n = sizeof out;
    CK_OBJECT_HANDLE key = make_secret(session, CKK_GENERIC_SECRET, bytes("Jefe"), 4);
    CK_OBJECT_HANDLE same = make_secret(session, CKK_GENERIC_SECRET, bytes("Jefe"), 4);
    CK_OBJECT_HANDLE wrong = make_secret(session, CKK_GENERIC_SECRET, bytes("jefe"), 4);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_SignUpdate(session, bytes("what do ya want "), 16), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    for (CK_ULONG i = 0; i + 4 <= state_n; i++) // the key isn't in it
        assert_memory_not_equal(state + i, "Jefe", 4);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, 0), CKR_KEY_NEEDED);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, 77 * 256), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, wrong), CKR_KEY_CHANGED);
    assert_int_equal(F->C_SignFinal(other, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, same), CKR_OK);
    assert_int_equal(F->C_SignUpdate(other, bytes("for nothing?"), 12), CKR_OK);
    assert_int_equal(F->C_SignFinal(other, out, &n), CKR_OK);
    assert_int_equal(n, 16);
    assert_memory_equal(out, hex_of("5bdcc146bf60754e6a042426089575c7"), 16);
    // and a digest beside it
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, bytes("ab"), 2), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, key), CKR_OK);
    finish_abc(other);
    n = sizeof out;
    assert_int_equal(F->C_SignUpdate(other, bytes("for nothing?"), 12), CKR_OK);
    assert_int_equal(F->C_SignFinal(other, out, &n), CKR_OK);
    assert_memory_equal(out, hex_of("5bdcc146bf60754e6a042426089575c7"), 16);
}

static void test_card_key(void **unused)
{
    (void)unused;
    CK_RSA_PKCS_PSS_PARAMS p = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM m = {CKM_SHA256_RSA_PKCS_PSS, &p, sizeof p};
    CK_BYTE signature[256];
    CK_ULONG n = sizeof signature;
    CK_SESSION_HANDLE other = open_session(0, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 1);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_SignUpdate(session, bytes("one "), 4), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    p.sLen = 5; // it was kept
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, find_one(session, CKO_PRIVATE_KEY, 4)),
                     CKR_KEY_CHANGED);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, public), CKR_KEY_CHANGED);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, key), CKR_OK);
    assert_int_equal(F->C_SignUpdate(other, bytes("two"), 3), CKR_OK);
    assert_int_equal(F->C_SignFinal(other, signature, &n), CKR_OK);
    p.sLen = 32;
    assert_int_equal(F->C_VerifyInit(other, &m, public), CKR_OK);
    assert_int_equal(F->C_VerifyUpdate(other, bytes("one t"), 5), CKR_OK);
    state_n = sizeof state;
    assert_int_equal(F->C_GetOperationState(other, state, &state_n), CKR_OK);
    assert_int_equal(F->C_VerifyInit(other, NULL, 0), CKR_OK);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, public), CKR_OK);
    assert_int_equal(F->C_VerifyUpdate(other, bytes("wo"), 2), CKR_OK);
    assert_int_equal(F->C_VerifyFinal(other, signature, n), CKR_OK);
    // A signature and a verification have two keys, of which one can be given.
    assert_int_equal(F->C_VerifyInit(session, &m, public), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
}

static void test_unsaveable(void **unused)
{
    (void)unused;
    static CK_BYTE big[65537];
    CK_BYTE iv[16] = {0};
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
    CK_MECHANISM cmac = {CKM_AES_CMAC, NULL, 0};
    CK_OBJECT_HANDLE key = make_aes(session, "000102030405060708090a0b0c0d0e0f");
    assert_int_equal(F->C_EncryptInit(session, &cbc, key), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE); // the whole session or nothing
    assert_int_equal(F->C_EncryptInit(session, NULL, 0), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    assert_int_equal(F->C_DigestKey(session, key), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
    assert_int_equal(F->C_DigestInit(session, NULL), CKR_OK);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, big, 65536), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, big, 1), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
    assert_int_equal(F->C_DigestInit(session, NULL), CKR_OK);
    assert_int_equal(G->C_MessageEncryptInit(session, &gcm, key), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
    assert_int_equal(G->C_MessageEncryptFinal(session), CKR_OK);
    assert_int_equal(G->C_VerifySignatureInit(session, &cmac, key, iv, 16), CKR_OK);
    assert_int_equal(save(), CKR_STATE_UNSAVEABLE);
}

static void refused(CK_SESSION_HANDLE in)
{
    assert_int_equal(F->C_SetOperationState(in, state, state_n, 0, 0), CKR_SAVED_STATE_INVALID);
}

// One that was altered, cut, or made elsewhere.
static void test_foreign_states(void **unused)
{
    (void)unused;
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_SESSION_HANDLE other = open_session(0, false);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, bytes("ab"), 2), CKR_OK);
    assert_int_equal(save(), CKR_OK);
    CK_ULONG n = state_n;
    for (CK_ULONG i = 0; i < n; i++) {
        state[i] ^= 1;
        refused(other);
        state[i] ^= 1;
        state_n = i;
        refused(other);
        state_n = n;
    }
    refused(open_session(0, true));  // of another kind of session
    refused(open_session(1, false)); // another token
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    refused(other); // another login
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(F->C_SetOperationState(other, state, state_n, 0, 0), CKR_OK);
    finish_abc(other);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    refused(open_session(0, false)); // another process, as far as the module can tell
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_digest, begin, session_end),
        cmocka_unit_test_setup_teardown(test_code, begin, session_end),
        cmocka_unit_test_setup_teardown(test_card_key, begin, session_end),
        cmocka_unit_test_setup_teardown(test_unsaveable, begin, session_end),
        cmocka_unit_test_setup_teardown(test_foreign_states, begin, session_end),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
