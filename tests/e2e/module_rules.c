// What the standard and its users expect of sessions, buffers, logins and PINs, on simulated cards.
#include "module_world.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct card_process card;

static int start(void **state)
{
    static unsigned n;
    char name[16];
    (void)snprintf(name, sizeof name, "card%u", n++);
    card_start(&card, name, *state != NULL ? *state : "piv");
    world_use(&card, NULL);
    furnish(4);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    unsetenv("INGAM_PIN_SHARED");
    card_stop(&card);
    return 0;
}

static CK_SESSION_HANDLE begin(bool rw)
{
    CK_SLOT_ID slot[2];
    CK_ULONG n = 2;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_int_equal(F->C_GetSlotList(CK_TRUE, slot, &n), CKR_OK);
    return open_session(slot[0], rw);
}

static void test_life(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session;
    CK_SESSION_INFO info;
    CK_INFO all;
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK, .pReserved = &args};
    assert_int_equal(F->C_GetInfo(&all), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(F->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(F->C_Initialize(&args), CKR_ARGUMENTS_BAD);
    session = begin(false);
    assert_int_equal(F->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(F->C_GetSessionInfo(session + 256, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(F->C_OpenSession(0, 0, NULL, NULL, &session), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(F->C_OpenSession(77, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    CK_SESSION_HANDLE other = open_session(0, true);
    assert_int_equal(F->C_GetSessionInfo(other, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    assert_int_equal(F->C_Logout(other), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    assert_int_equal(F->C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(F->C_CloseAllSessions(0), CKR_OK);
    assert_int_equal(F->C_GetSessionInfo(other, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
}

static void test_buffers(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_BYTE signature[256];
    CK_ULONG len = 12345; // GnuTLS leaves it uninitialised
    CK_MECHANISM m = {CKM_SHA256_RSA_PKCS, NULL, 0};
    assert_int_equal(find_one(session, CKO_PRIVATE_KEY, 1), 0); // not before the login
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    unsigned before = card_count(&card, "GENERAL AUTHENTICATE");
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OPERATION_ACTIVE);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, NULL, &len), CKR_OK);
    assert_int_equal(len, 256);
    len = 255;
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len),
                     CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 256);
    assert_int_equal(card_count(&card, "GENERAL AUTHENTICATE"), before);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len), CKR_OK);
    check_signature(session, 1, CKM_SHA256_RSA_PKCS, signature, len);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len),
                     CKR_OPERATION_NOT_INITIALIZED);
    // in parts: the same signature
    CK_BYTE again[256];
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_SignUpdate(session, (CK_BYTE *)(uintptr_t)sample, 10), CKR_OK);
    assert_int_equal(F->C_SignUpdate(session, (CK_BYTE *)(uintptr_t)sample + 10, 22), CKR_OK);
    len = 10;
    assert_int_equal(F->C_SignFinal(session, again, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_SignFinal(session, again, &len), CKR_OK);
    assert_memory_equal(again, signature, 256);
}

static void test_always_authenticate(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_BYTE signature[96];
    CK_ULONG len = sizeof signature;
    CK_BBOOL always = 0;
    CK_ATTRIBUTE ask = {CKA_ALWAYS_AUTHENTICATE, &always, 1};
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 2);
    assert_int_equal(sign_once(session, key, CKM_ECDSA, signature, &len),
                     CKR_OK); // OpenSSH: right after the login
    check_signature(session, 2, CKM_ECDSA, signature, len);
    len = sizeof signature;
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, key, &ask, 1), CKR_OK);
    assert_int_equal(always, CK_TRUE);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len),
                     CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, "000000"), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, PIN), CKR_OK); // the operation is still there
    unsigned verifies = card_count(&card, "VERIFY");
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len), CKR_OK);
    assert_true(card_count(&card, "VERIFY") - verifies <= 3); // at most: the tries, the PIN, forget
    check_signature(session, 2, CKM_ECDSA, signature, len);
    // one that is left behind doesn't lock the session's other keys out
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    len = sizeof signature;
    assert_int_equal(sign_once(session, find_one(session, CKO_PRIVATE_KEY, 4), CKM_ECDSA, signature, &len),
                     CKR_OK);
}

static void test_wrong_pins(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_TOKEN_INFO info;
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_int_equal(info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED), 0);
    assert_int_equal(login(session, CKU_USER, "111111"), CKR_PIN_INCORRECT);
    unsigned sent = card_count(&card, "VERIFY");
    assert_int_equal(login(session, CKU_USER, "111111"), CKR_PIN_INCORRECT); // not sent a second time
    assert_int_equal(card_count(&card, "VERIFY"), sent);
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_int_not_equal(info.flags & CKF_USER_PIN_COUNT_LOW, 0);
    assert_int_equal(login(session, CKU_USER, "222222"), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "333333"), CKR_FUNCTION_REJECTED); // the last try stays
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_int_not_equal(info.flags & CKF_USER_PIN_FINAL_TRY, 0);
    assert_int_equal(info.flags & CKF_USER_PIN_LOCKED, 0);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    setenv("INGAM_LAST_TRY", "1", 1);
    session = begin(false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    unsetenv("INGAM_LAST_TRY");
    assert_int_equal(login(session, CKU_USER, "x"), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, "123456789"), CKR_PIN_LEN_RANGE);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    session = begin(true);
    assert_int_equal(login(session, CKU_SO, PUK), CKR_OK); // the PUK gives a new PIN
    assert_int_equal(F->C_InitPIN(session, (CK_BYTE *)(uintptr_t) "654321", 6), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, "654321"), CKR_OK);
}

static void test_swapped(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false), fresh;
    CK_SESSION_INFO info;
    CK_SLOT_INFO slot;
    struct card_process other = {0};
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    card_stop(&card);
    assert_int_equal(F->C_GetSlotInfo(0, &slot), CKR_OK);
    assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_not_equal(slot.flags & CKF_REMOVABLE_DEVICE, 0);
    assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(F->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &fresh), CKR_TOKEN_NOT_PRESENT);
    // another card at the same place
    struct card_process saved = card;
    other = card;
    (void)strcat(other.image, ".other");
    (void)strcat(other.log, ".other");
    card_again(&other, "piv");
    assert_int_equal(F->C_GetSlotInfo(0, &slot), CKR_OK);
    assert_int_not_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
    fresh = open_session(0, false);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(find_one(fresh, CKO_PRIVATE_KEY, 1), 0);
    assert_int_equal(card_count(&other, "VERIFY"), 0);
    assert_int_equal(login(fresh, CKU_USER, "999999"), CKR_PIN_INCORRECT);
    card_stop(&other);
    card = saved;
    card_again(&card, "piv");
    assert_int_equal(F->C_GetSlotInfo(0, &slot), CKR_OK);
    session = open_session(0, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
}

static void exchange(int fd, char type, const char *payload, size_t n)
{
    unsigned char out[8] = {(unsigned char)type, 0, 0, (unsigned char)n}, in[300];
    memcpy(out + 4, payload, n);
    if (type != 0)
        assert_int_equal(write(fd, out, 4 + n), (ssize_t)(4 + n));
    assert_int_equal(recv(fd, in, 4, MSG_WAITALL), 4);
    size_t len = (size_t)in[2] << 8 | in[3];
    assert_true(len <= sizeof in);
    assert_int_equal(recv(fd, in, len, MSG_WAITALL), (ssize_t)len);
}

// Another program resets the card, or selects another applet.
static void disturb(const char *command, size_t n)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(strlen(card.socket) < sizeof at.sun_path);
    memcpy(at.sun_path, card.socket, strlen(card.socket));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    exchange(fd, 0, "", 0); // its greeting
    exchange(fd, 'B', "", 0);
    if (n > 0)
        exchange(fd, 'A', command, n);
    exchange(fd, 'E', n > 0 ? "\0" : "\1", 1);
    close(fd);
}

static void test_disturbed(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1),
                     free_key = find_one(session, CKO_PRIVATE_KEY, 4);
    for (int i = 0; i < 3; i++) {
        disturb("", 0);
        len = sizeof signature;
        assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
        check_signature(session, 1, CKM_RSA_PKCS, signature, len);
        disturb("", 0);
        len = sizeof signature;
        assert_int_equal(sign_once(session, free_key, CKM_ECDSA, signature, &len), CKR_OK);
        disturb("\x00\xA4\x04\x00", 4); // SELECT of the card's first applet
        len = sizeof signature;
        assert_int_equal(sign_once(session, free_key, CKM_ECDSA, signature, &len), CKR_OK);
        disturb("\x00\xA4\x04\x00", 4);
        len = sizeof signature;
        assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    }
}

static void test_fork(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;
    CK_SESSION_INFO info;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    pid_t child = fork();
    if (child == 0) {
        if (F->C_GetSessionInfo(session, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
            _exit(1);
        CK_SLOT_ID slot;
        CK_ULONG n = 1;
        CK_SESSION_HANDLE own;
        if (F->C_Initialize(NULL) != CKR_OK || F->C_GetSlotList(CK_TRUE, &slot, &n) != CKR_OK)
            _exit(2);
        if (F->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK)
            _exit(3);
        if (login(own, CKU_USER, PIN) != CKR_OK)
            _exit(4);
        _exit(F->C_Finalize(NULL) == CKR_OK ? 0 : 5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
}

static void test_shared(void **state)
{
    (void)state;
    setenv("INGAM_PIN_SHARED", "1", 1);
    CK_SESSION_HANDLE session = begin(false);
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned before = card_exchanges(&card);
    len = sizeof signature;
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    assert_int_equal(card_exchanges(&card) - before, 1);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    before = card_count(&card, "VERIFY");
    assert_true(before > 0);
}

static EVP_PKEY *public_of(CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_BYTE der[600];
    const CK_BYTE *p = der;
    CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, der, sizeof der};
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_PUBLIC_KEY, id), &a, 1), CKR_OK);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)a.ulValueLen);
    assert_non_null(key);
    return key;
}

// Diffie-Hellman with the card's key gives what OpenSSL gets from the other side.
static void test_derive(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    EVP_PKEY *ours = EVP_EC_gen("P-256"), *cards = public_of(session, 4);
    CK_BYTE point[65], value[32], expected[32];
    size_t n = sizeof point, len = sizeof expected;
    assert_int_equal(EVP_PKEY_get_octet_string_param(ours, "pub", point, n, &n), 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, cards), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, expected, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, sizeof point, point};
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &p, sizeof p};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE secret;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_SENSITIVE, &no, 1},
                            {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 4);
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &secret), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, secret, &a, 1), CKR_OK);
    assert_int_equal(a.ulValueLen, 32);
    assert_memory_equal(value, expected, 32);
    point[10] ^= 1; // not on the curve: never sent
    unsigned before = card_exchanges(&card);
    assert_int_equal(F->C_DeriveKey(session, &m, key, templ, 4, &secret), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(card_exchanges(&card), before);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(cards);
}

// A session key goes out under the card's public key and comes back in by its private one.
static void test_wrap(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(false);
    CK_MECHANISM gen = {CKM_AES_KEY_GEN, NULL, 0}, pkcs = {CKM_RSA_PKCS, NULL, 0};
    CK_ULONG bits = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_OBJECT_HANDLE aes, back;
    CK_BYTE wrapped[256], one[32], two[32];
    CK_ULONG len = sizeof wrapped;
    CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &bits, sizeof bits}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE in[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_ATTRIBUTE a = {CKA_VALUE, one, sizeof one}, b = {CKA_VALUE, two, sizeof two};
    assert_int_equal(F->C_GenerateKey(session, &gen, templ, 2, &aes), CKR_OK);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 3);
    assert_int_equal(F->C_WrapKey(session, &pkcs, public, aes, wrapped, &len), CKR_OK);
    assert_int_equal(len, 256);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE private = find_one(session, CKO_PRIVATE_KEY, 3);
    assert_int_equal(F->C_UnwrapKey(session, &pkcs, private, wrapped, len, in, 2, &back), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, aes, &a, 1), CKR_OK);
    assert_int_equal(F->C_GetAttributeValue(session, back, &b, 1), CKR_OK);
    assert_memory_equal(one, two, 32);
    wrapped[5] ^= 1;
    assert_int_not_equal(F->C_UnwrapKey(session, &pkcs, private, wrapped, len, in, 2, &back), CKR_OK);
}

// Labels and ids stay, and are the same for a key and its certificate.
static void test_labels(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(true);
    CK_BYTE id[] = {0xAB, 0xCD}, label[] = "전자서명", taken[] = {0x03};
    CK_ATTRIBUTE set[] = {{CKA_LABEL, label, sizeof label - 1}, {CKA_ID, id, sizeof id}};
    CK_ATTRIBUTE clash = {CKA_ID, taken, 1};
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    CK_OBJECT_HANDLE certificate = find_one(session, CKO_CERTIFICATE, 2);
    assert_int_equal(F->C_SetAttributeValue(session, certificate, &clash, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(F->C_SetAttributeValue(session, certificate, set, 2), CKR_OK);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    session = begin(false);
    assert_int_equal(find_count(session, set, 2), 2); // certificate and public key
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(find_count(session, set, 2), 3);
    assert_int_equal(find_count(session, set + 1, 1), 3);
}

// Private data with an OID of its own: only with the PIN, and two entries don't disturb each other.
static void test_private_data(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin(true);
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE oid[] = {0x06, 0x0A, 0x2A, 0x83, 0x1A, 0x8C, 0x9A, 0x44, 0x0A, 0x01, 0x01, 0x03},
            value[20] = "a random number R", id = 1;
    CK_BYTE back[64];
    CK_OBJECT_HANDLE o;
    CK_ATTRIBUTE templ[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1},
        {CKA_OBJECT_ID, oid, sizeof oid},  {CKA_ID, &id, 1},     {CKA_LABEL, (void *)(uintptr_t) "R", 1},
        {CKA_VALUE, value, sizeof value}};
    CK_ATTRIBUTE find[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_ATTRIBUTE read = {CKA_VALUE, back, sizeof back};
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(F->C_CreateObject(session, templ, 7, &o), CKR_USER_NOT_LOGGED_IN); // no management key
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(F->C_CreateObject(session, templ, 7, &o), CKR_OK);
    id = 2;
    value[0] = 'A';
    assert_int_equal(F->C_CreateObject(session, templ, 7, &o), CKR_OK);
    assert_int_equal(F->C_CreateObject(session, templ, 7, &o), CKR_OK); // replaces itself
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    session = begin(true);
    assert_int_equal(find_count(session, find, 1), find_count(session, find, 1));
    assert_int_equal(find_count(session, find, 2), 0);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(F->C_CreateObject(session, templ, 7, &o),
                     CKR_USER_NOT_LOGGED_IN); // it would lose the others
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    for (id = 1; id <= 2; id++) {
        CK_ULONG n;
        read.ulValueLen = sizeof back;
        assert_int_equal(F->C_FindObjectsInit(session, find, 2), CKR_OK);
        assert_int_equal(F->C_FindObjects(session, &o, 1, &n), CKR_OK);
        assert_int_equal(n, 1);
        assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
        assert_int_equal(F->C_GetAttributeValue(session, o, &read, 1), CKR_OK);
        assert_int_equal(read.ulValueLen, sizeof value);
        assert_int_equal(back[0], id == 1 ? 'a' : 'A');
    }
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(F->C_DestroyObject(session, o), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    id = 2;
    assert_int_equal(find_count(session, find, 2), 0);
    id = 1;
    assert_int_equal(find_count(session, find, 2), 1);
}

#define THREADS 8

static void *work(void *arg)
{
    CK_SESSION_HANDLE session;
    CK_ULONG failures = 0;
    if (F->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return arg;
    for (int i = 0; i < 10; i++) {
        CK_BYTE signature[256], random[16];
        CK_ULONG len = sizeof signature;
        CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, i % 2 ? 4 : 1);
        failures += sign_once(session, key, i % 2 ? CKM_ECDSA : CKM_RSA_PKCS, signature, &len) != CKR_OK;
        failures += F->C_GenerateRandom(session, random, sizeof random) != CKR_OK;
    }
    (void)F->C_CloseSession(session);
    return failures == 0 ? NULL : arg;
}

static void *initialize(void *arg)
{
    (void)arg;
    return (void *)(uintptr_t)F->C_Initialize(NULL);
}

static void *wait_for_event(void *arg)
{
    CK_SLOT_ID slot;
    (void)arg;
    return (void *)(uintptr_t)F->C_WaitForSlotEvent(0, &slot, NULL);
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    void *result;
    unsigned first = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, initialize, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &result);
        first += (CK_RV)(uintptr_t)result == CKR_OK;
    }
    assert_int_equal(first, 1);
    CK_ULONG n = 1;
    CK_SLOT_ID slot;
    assert_int_equal(F->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &card), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &result);
        assert_null(result);
    }
    // C_Finalize ends a wait
    assert_int_equal(pthread_create(&thread[0], NULL, wait_for_event, NULL), 0);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    pthread_join(thread[0], &result);
    assert_int_equal((CK_RV)(uintptr_t)result, CKR_CRYPTOKI_NOT_INITIALIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, start, stop),
        cmocka_unit_test_setup_teardown(test_buffers, start, stop),
        cmocka_unit_test_setup_teardown(test_always_authenticate, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong_pins, start, stop),
        cmocka_unit_test_setup_teardown(test_swapped, start, stop),
        cmocka_unit_test_setup_teardown(test_disturbed, start, stop),
        {"test_disturbed, YubiKey", test_disturbed, start, stop, (void *)(uintptr_t) "yubikey-5.4"},
        cmocka_unit_test_setup_teardown(test_fork, start, stop),
        cmocka_unit_test_setup_teardown(test_shared, start, stop),
        cmocka_unit_test_setup_teardown(test_derive, start, stop),
        cmocka_unit_test_setup_teardown(test_wrap, start, stop),
        cmocka_unit_test_setup_teardown(test_labels, start, stop),
        cmocka_unit_test_setup_teardown(test_private_data, start, stop),
        cmocka_unit_test_setup_teardown(test_threads, start, stop),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
