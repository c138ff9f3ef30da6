// What programs were seen to depend on, call by call: the ways they start, search, size their buffers and
// leave. The programs themselves are run in tests/interop and tests/browser.
#include "module_objects.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_BBOOL yes = CK_TRUE;

static int start(void **state)
{
    (void)state;
    one_card("clients");
    furnish(4);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, false);
    return 0;
}

// ---- starting ----

static atomic_int made, taken, held;
static bool none_left; // no mutex can be made

static CK_RV create_mutex(void **mutex)
{
    if (none_left)
        return CKR_HOST_MEMORY;
    pthread_mutex_t *m = malloc(sizeof(pthread_mutex_t));
    pthread_mutex_init(m, NULL);
    *mutex = m;
    atomic_fetch_add(&made, 1);
    return CKR_OK;
}

static CK_RV destroy_mutex(void *mutex)
{
    pthread_mutex_destroy(mutex);
    free(mutex);
    atomic_fetch_sub(&made, 1);
    return CKR_OK;
}

static CK_RV lock_mutex(void *mutex)
{
    atomic_fetch_add(&taken, 1);
    pthread_mutex_lock(mutex);
    atomic_fetch_add(&held, 1);
    return CKR_OK;
}

static CK_RV unlock_mutex(void *mutex)
{
    atomic_fetch_sub(&held, 1);
    pthread_mutex_unlock(mutex);
    return CKR_OK;
}

static void sign_a_little(void)
{
    CK_BYTE signature[72]; // libp11's room for ECDSA
    CK_ULONG n = sizeof signature;
    session = open_session(0, false);
    assert_int_equal(sign_once(session, find_one(session, CKO_PRIVATE_KEY, 4), CKM_ECDSA, signature, &n),
                     CKR_OK);
    assert_int_equal(n, 64);
}

// No arguments; libp11 and Java; GnuTLS; NSS; p11-kit; strongSwan.
static void test_ways_to_start(void **state)
{
    (void)state;
    static const struct {
        bool args;
        CK_FLAGS flags;
        bool mutexes, ours; // ours: the program's mutexes have to be used
    } ways[] = {
        {false, 0, false, false}, {true, 2, false, false}, {true, 3, false, false}, {true, 3, true, false},
        {true, 2, true, false},   {true, 0, true, true},   {true, 1, true, true},   {true, 0, false, false},
    };
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        CK_C_INITIALIZE_ARGS a = {.flags = ways[i].flags};
        if (ways[i].mutexes)
            a = (CK_C_INITIALIZE_ARGS){create_mutex, destroy_mutex, lock_mutex,
                                       unlock_mutex, ways[i].flags, NULL};
        atomic_store(&taken, 0);
        assert_int_equal(F->C_Initialize(ways[i].args ? &a : NULL), CKR_OK);
        sign_a_little();
        assert_true(ways[i].ours ? atomic_load(&taken) > 0 : atomic_load(&taken) == 0);
        assert_int_equal(F->C_Finalize(NULL), CKR_OK);
        assert_int_equal(atomic_load(&made), 0);
        assert_int_equal(atomic_load(&held), 0);
    }
    CK_C_INITIALIZE_ARGS some = {.CreateMutex = create_mutex, .flags = 2};
    assert_int_equal(F->C_Initialize(&some), CKR_ARGUMENTS_BAD);
    CK_C_INITIALIZE_ARGS all = {create_mutex, destroy_mutex, lock_mutex, unlock_mutex, 0, NULL};
    none_left = true;
    assert_int_equal(F->C_Initialize(&all), CKR_CANT_LOCK);
    none_left = false;
    assert_int_equal(F->C_Initialize(&all), CKR_OK);
}

// pkcs11-helper initialises in the handler that fork itself calls.
static CK_RV in_handler = CKR_GENERAL_ERROR;
static bool watching;

static void child_handler(void)
{
    if (watching)
        in_handler = F->C_Initialize(NULL);
}

static void test_fork_handler(void **state)
{
    (void)state;
    sign_a_little();
    assert_int_equal(pthread_atfork(NULL, NULL, child_handler), 0);
    watching = true;
    pid_t pid = fork();
    watching = false;
    if (pid == 0) {
        if (in_handler != CKR_OK)
            _exit(1);
        sign_a_little();
        _exit(F->C_Finalize(NULL) == CKR_OK ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    sign_a_little(); // the parent goes on
}

static void test_interfaces(void **state)
{
    (void)state;
    CK_C_GetInterfaceList list;
    CK_C_GetInterface get;
    CK_INTERFACE *i = NULL;
    CK_INTERFACE all[8];
    CK_ULONG n = 0;
    CK_INFO info;
    CK_UTF8CHAR name[] = "PKCS 11";
    CK_UTF8CHAR vendor[] = "Vendor NSS FIPS Interface";
    *(void **)&list = dlsym(module_handle, "C_GetInterfaceList");
    *(void **)&get = dlsym(module_handle, "C_GetInterface");
    assert_int_equal(list(NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(list(NULL, &n), CKR_OK);
    assert_true(n >= 2 && n <= 8);
    CK_ULONG less = n - 1;
    assert_int_equal(list(all, &less), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(less, n);
    assert_int_equal(list(all, &n), CKR_OK);
    for (CK_ULONG k = 0; k < n; k++) {
        CK_VERSION version = *(CK_VERSION *)all[k].pFunctionList;
        assert_string_equal((const char *)all[k].pInterfaceName, "PKCS 11");
        assert_int_equal(get(name, &version, &i, 0), CKR_OK);
        assert_ptr_equal(i->pFunctionList, all[k].pFunctionList);
    }
    assert_int_equal(get(name, NULL, &i, 1), CKR_OK); // NSS: fork-safe, then anything
    assert_int_equal(get(name, NULL, &i, 0), CKR_OK);
    assert_int_equal(get(NULL, NULL, &i, 0), CKR_OK);
    assert_int_not_equal(get(vendor, NULL, &i, 0), CKR_OK);
    assert_int_not_equal(get(name, &(CK_VERSION){4, 0}, &i, 0), CKR_OK);
    assert_int_equal(get(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_GetInfo(&info), CKR_OK); // what it says has to be the default list's
    assert_int_equal(info.cryptokiVersion.major, F->version.major);
    assert_int_equal(info.cryptokiVersion.minor, F->version.minor);
    // the same functions in each
    assert_ptr_equal((void *)(uintptr_t)F->C_Sign, (void *)(uintptr_t)G->C_Sign);
}

// ---- tokens ----

static bool padded(const CK_UTF8CHAR *field, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (field[i] == '\0')
            return false;
    return true;
}

static void test_token(void **state)
{
    (void)state;
    CK_TOKEN_INFO t;
    CK_SLOT_INFO s;
    CK_INFO i;
    assert_int_equal(F->C_GetTokenInfo(0, &t), CKR_OK);
    assert_int_equal(F->C_GetSlotInfo(0, &s), CKR_OK);
    assert_int_equal(F->C_GetInfo(&i), CKR_OK);
    assert_true(padded(t.label, 32) && padded(t.manufacturerID, 32) && padded(t.model, 16) &&
                padded(t.serialNumber, 16) && padded(s.slotDescription, 64) && padded(s.manufacturerID, 32) &&
                padded(i.manufacturerID, 32) && padded(i.libraryDescription, 32));
    assert_int_equal(t.flags &
                         (CKF_RNG | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED),
                     CKF_RNG | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED);
    assert_int_equal(t.flags & CKF_PROTECTED_AUTHENTICATION_PATH, 0); // without a pinentry
    assert_int_equal(s.flags & (CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | CKF_TOKEN_PRESENT),
                     CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | CKF_TOKEN_PRESENT);
}

// What is listed works as listed: the card's with CKF_HW, and a hash-and-sign one also in parts. 9C's key is
// P-256 and wants the PIN each time: the mechanisms that browsers would use in parts with it aren't listed
// for its kind.
static void test_mechanisms(void **state)
{
    (void)state;
    CK_MECHANISM_TYPE types[300];
    CK_ULONG n = 0;
    bool pss = false;
    assert_int_equal(F->C_GetMechanismList(0, NULL, &n), CKR_OK);
    CK_ULONG less = n - 1;
    assert_int_equal(F->C_GetMechanismList(0, types, &less), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_GetMechanismList(0, types, &n), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE rsa = find_one(session, CKO_PRIVATE_KEY, 1);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_MECHANISM_INFO info;
        assert_int_equal(F->C_GetMechanismInfo(0, types[i], &info), CKR_OK);
        assert_true(info.ulMinKeySize <= info.ulMaxKeySize);
        pss = pss || types[i] == CKM_RSA_PKCS_PSS;
        assert_int_not_equal(types[i], CKM_ECDSA_SHA256);
        if (types[i] == CKM_RSA_PKCS || types[i] == CKM_ECDSA || types[i] == CKM_RSA_PKCS_PSS)
            assert_int_not_equal(info.flags & CKF_HW, 0);
        if (types[i] == CKM_SHA256_RSA_PKCS || types[i] == CKM_SHA384_RSA_PKCS) {
            CK_MECHANISM m = {types[i], NULL, 0};
            CK_BYTE signature[256];
            CK_ULONG size = sizeof signature;
            assert_int_equal(F->C_SignInit(session, &m, rsa), CKR_OK);
            assert_int_equal(F->C_SignUpdate(session, (CK_BYTE *)(uintptr_t)sample, 32), CKR_OK);
            assert_int_equal(F->C_SignFinal(session, signature, &size), CKR_OK);
        }
    }
    assert_true(pss); // TLS 1.3 needs it
    assert_int_equal(F->C_GetMechanismInfo(0, 0x7777777, &(CK_MECHANISM_INFO){0}), CKR_MECHANISM_INVALID);
}

// ---- searches ----

static CK_ULONG search(CK_ATTRIBUTE *templ, CK_ULONG n, CK_ULONG batch)
{
    static CK_OBJECT_HANDLE found[8192];
    CK_ULONG all = 0;
    CK_ULONG got;
    assert_int_equal(F->C_FindObjectsInit(session, templ, n), CKR_OK);
    do {
        assert_int_equal(F->C_FindObjects(session, found, batch, &got), CKR_OK);
        assert_true(got <= batch);
        all += got;
    } while (got > 0);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    return all;
}

static void test_searches(void **state)
{
    (void)state;
    static const CK_ULONG batches[] = {1, 10, 16, 64, 100, 8192};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_BYTE id = 4;
    CK_ATTRIBUTE ssh[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}, {CKA_SIGN, &yes, 1}};
    CK_ULONG all = search(NULL, 0, 8192);
    assert_true(all >= 9); // 4 certificates, 4 public keys, the private key that wants no PIN
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        assert_int_equal(search(NULL, 0, batches[i]), all);
    assert_int_equal(search(ssh, 3, 10), 1);
    assert_int_equal(search(ssh, 2, 10), 1);
    // trust and roots of NSS, hardware features, which cards haven't, and what nobody knows
    static const CK_OBJECT_CLASS unknown[] = {0xb, 0xce534351, 0xce534353, CKO_HW_FEATURE, 0x7777};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        class = unknown[i];
        assert_int_equal(search(ssh, 1, 10), 0);
    }
    CK_OBJECT_HANDLE o;
    CK_ULONG n;
    assert_int_equal(F->C_FindObjects(session, &o, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(F->C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
}

// The searches of a browser around a handshake, once the certificates are known: none reaches the card.
static void test_search_storm(void **state)
{
    (void)state;
    CK_BYTE value[2000];
    CK_BYTE issuer[300];
    CK_BYTE serial[40];
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE;
    CK_OBJECT_CLASS trust = 0xce534353;
    CK_OBJECT_CLASS roots = 0xce534354;
    CK_OBJECT_CLASS profile = CKO_PROFILE;
    CK_OBJECT_CLASS private = CKO_PRIVATE_KEY;
    CK_BYTE id = 1;
    (void)search(NULL, 0, 16);
    CK_ATTRIBUTE got[] = {{CKA_VALUE, value, sizeof value},
                          {CKA_ISSUER, issuer, sizeof issuer},
                          {CKA_SERIAL_NUMBER, serial, sizeof serial}};
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_CERTIFICATE, 1), got, 3), CKR_OK);
    CK_ATTRIBUTE by_serial[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_CLASS, &certificate, sizeof certificate}, got[1], got[2]};
    CK_ATTRIBUTE by_value[] = {got[0], {CKA_CLASS, &certificate, sizeof certificate}};
    CK_ATTRIBUTE by_trust[] = {{CKA_TOKEN, &yes, 1}, {CKA_CLASS, &trust, sizeof trust}, got[1], got[2]};
    CK_ATTRIBUTE by_roots[] = {{CKA_CLASS, &roots, sizeof roots}};
    CK_ATTRIBUTE by_profile[] = {{CKA_TOKEN, &yes, 1}, {CKA_CLASS, &profile, sizeof profile}};
    CK_ATTRIBUTE by_key[] = {{CKA_ID, &id, 1}, {CKA_CLASS, &private, sizeof private}};
    unsigned before = card_exchanges(&card);
    for (int i = 0; i < 30; i++) {
        CK_SESSION_INFO info;
        CK_SLOT_INFO slot;
        CK_SESSION_HANDLE other = open_session(0, false);
        assert_int_equal(F->C_GetSlotInfo(0, &slot), CKR_OK);
        assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_OK);
        assert_int_equal(search(by_serial, 4, 16), 1);
        by_serial[3] =
            (CK_ATTRIBUTE){CKA_SERIAL_NUMBER, serial + 2, got[2].ulValueLen - 2}; // without its header
        assert_int_equal(search(by_serial, 4, 16), 1);
        by_serial[3] = got[2];
        assert_int_equal(search(by_value, 2, 16), 1);
        assert_int_equal(search(by_trust, 4, 16), 0);
        assert_int_equal(search(by_roots, 1, 16), 0);
        assert_int_equal(search(by_profile, 2, 16), 4);
        assert_int_equal(search(by_key, 2, 16), 0); // not before the login
        assert_int_equal(F->C_CloseSession(other), CKR_OK);
    }
    assert_int_equal(card_exchanges(&card), before);
}

// A profile of public certificates is believed only with a public key of the same id that is there before the
// login.
static void test_public_certificates(void **state)
{
    (void)state;
    CK_OBJECT_CLASS profile = CKO_PROFILE;
    CK_ULONG kind = CKP_PUBLIC_CERTIFICATES_TOKEN;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &profile, sizeof profile}, {CKA_PROFILE_ID, &kind, sizeof kind}};
    assert_int_equal(search(templ, 2, 16), 1);
    for (CK_BYTE id = 1; id <= 4; id++) {
        static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY};
        for (size_t i = 0; i < 2; i++) {
            CK_BBOOL private = CK_TRUE;
            CK_ATTRIBUTE a = {CKA_PRIVATE, &private, 1};
            CK_OBJECT_HANDLE o = find_one(session, classes[i], id);
            assert_int_not_equal(o, 0);
            assert_int_equal(F->C_GetAttributeValue(session, o, &a, 1), CKR_OK);
            assert_int_equal(private, CK_FALSE);
        }
    }
}

// ---- attributes ----

static void test_attributes(void **state)
{
    (void)state;
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    CK_BYTE room[3000];
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    for (CK_BYTE id = 1; id <= 4; id++)
        for (size_t c = 0; c < 3; c++) { // one that is unknown leaves the others filled
            CK_BYTE got[2] = {0};
            CK_OBJECT_CLASS class = 77;
            CK_ATTRIBUTE a[] = {
                {CKA_CLASS, &class, sizeof class}, {0x7777777, room, 8}, {CKA_ID, got, sizeof got}};
            CK_OBJECT_HANDLE o = find_one(session, classes[c], id);
            assert_int_equal(F->C_GetAttributeValue(session, o, a, 3), CKR_ATTRIBUTE_TYPE_INVALID);
            assert_int_equal(class, classes[c]);
            assert_int_equal(a[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
            assert_int_equal(a[2].ulValueLen, 1);
            assert_int_equal(got[0], id); // the same on all three
            // NSS and OpenSSH give up when one of these errs
            static const CK_ATTRIBUTE_TYPE must[] = {CKA_ID, CKA_LABEL, CKA_SUBJECT};
            for (size_t i = 0; i < 3; i++) {
                CK_ATTRIBUTE one = {must[i], NULL, 0};
                assert_int_equal(F->C_GetAttributeValue(session, o, &one, 1), CKR_OK);
                one.pValue = room;
                assert_int_equal(F->C_GetAttributeValue(session, o, &one, 1), CKR_OK);
            }
        }
    CK_BBOOL flag = CK_TRUE;
    CK_ATTRIBUTE trusted = {CKA_TRUSTED, &flag, 1}; // strongSwan trusts where it is missing
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_CERTIFICATE, 1), &trusted, 1),
                     CKR_OK);
    assert_int_equal(flag, CK_FALSE);
    CK_ATTRIBUTE point = {CKA_EC_POINT, room, sizeof room};
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_PUBLIC_KEY, 4), &point, 1),
                     CKR_OK);
    assert_int_equal(point.ulValueLen, 67);
    assert_memory_equal(room, "\x04\x41\x04", 3); // an OCTET STRING
    CK_ATTRIBUTE always = {CKA_ALWAYS_AUTHENTICATE, &flag, 1};
    for (CK_BYTE id = 1; id <= 4; id++) {
        assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_PRIVATE_KEY, id), &always, 1),
                         CKR_OK);
        assert_int_equal(flag, id == 2);
    }
}

// NSS copies a server's key to the session and goes on with the original when that is refused.
static void test_copy_of_a_key(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE copy = 0;
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 4);
    assert_int_not_equal(F->C_CopyObject(session, key, NULL, 0, &copy), CKR_OK);
    assert_int_equal(sign_once(session, key, CKM_ECDSA, signature, &n), CKR_OK);
}

// ---- operations ----

// GnuTLS: the length first, with rubbish in it; logs in when that is asked for; and signs without C_SignInit.
static void test_length_then_login(void **state)
{
    (void)state;
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_BYTE signature[256];
    CK_ULONG n = 0xDEADBEEF;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 2);
    assert_int_equal(sign_once(session, key, CKM_ECDSA, signature, &(CK_ULONG){sizeof signature}), CKR_OK);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    CK_RV rv = F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, NULL, &n);
    assert_true(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN);
    if (rv == CKR_OK)
        assert_int_equal(n, 64);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, PIN), CKR_OK);
    n = 64;
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &n), CKR_OK);
    check_signature(session, 2, CKM_ECDSA, signature, n);
}

// Read/write sessions that only read, a login that all sessions share, and one that is already there.
static void test_sessions(void **state)
{
    (void)state;
    CK_SESSION_HANDLE other = open_session(0, true);
    CK_SESSION_INFO info;
    assert_int_equal(login(other, CKU_USER, PIN), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    // handles found in one session are used in another, and an operation left behind in one is no other's
    // matter
    CK_OBJECT_HANDLE key = find_one(other, CKO_PRIVATE_KEY, 1);
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE signature[256]; // exactly the modulus
    CK_ULONG n = sizeof signature;
    assert_int_equal(F->C_SignInit(other, &m, key), CKR_OK);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &n), CKR_OK);
    assert_int_equal(n, 256);
    assert_int_equal(F->C_CloseSession(other), CKR_OK);
    n = sizeof signature;
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &n), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ways_to_start, begin, session_end),
        cmocka_unit_test_setup_teardown(test_interfaces, begin, session_end),
        cmocka_unit_test_setup_teardown(test_token, begin, session_end),
        cmocka_unit_test_setup_teardown(test_mechanisms, begin, session_end),
        cmocka_unit_test_setup_teardown(test_searches, begin, session_end),
        cmocka_unit_test_setup_teardown(test_search_storm, begin, session_end),
        cmocka_unit_test_setup_teardown(test_public_certificates, begin, session_end),
        cmocka_unit_test_setup_teardown(test_attributes, begin, session_end),
        cmocka_unit_test_setup_teardown(test_copy_of_a_key, begin, session_end),
        cmocka_unit_test_setup_teardown(test_length_then_login, begin, session_end),
        cmocka_unit_test_setup_teardown(test_sessions, begin, session_end),
        cmocka_unit_test_setup_teardown(test_fork_handler, begin, session_end),
    };
    return cmocka_run_group_tests(tests, start, one_card_stop);
}
