// Keys that want a one-time code beside the PIN, through PKCS#11: the holder's generator is RFC 4226,
// appendix D.
#include "module_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct card_process card;
static CK_SESSION_HANDLE session;

static const char *const codes[10] = {"755224", "287082", "359152", "969429", "338314",
                                      "254676", "287922", "162583", "399871", "520489"};

// The issuer's work is the tool's.
static void tool(const char *const *words)
{
    const char *argv[10] = {"ingam", "otp"};
    char program[300];
    size_t n = 2;
    int status;
    (void)snprintf(program, sizeof program, "%s/tool/ingam", getenv("BUILD"));
    while (n < 8 && *words != NULL)
        argv[n++] = *words++;
    argv[n] = "--default-admin";
    pid_t child = fork();
    if (child == 0) {
        (void)execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#define TOOL(...) tool((const char *const[]){__VA_ARGS__, NULL})

static void copy(const char *from, const char *to)
{
    char part[4096];
    size_t n;
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_true(in != NULL && out != NULL);
    while ((n = fread(part, 1, sizeof part, in)) > 0)
        assert_int_equal(fwrite(part, 1, n, out), n);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void begin(void)
{
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, false);
}

// 9A: once. 9C (which wants the PIN each time): none. 9D: always. 9E (which wants no PIN): none.
static void issue(void)
{
    char path[200];
    furnish(4);
    (void)snprintf(path, sizeof path, "%s/secret", world_dir());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n", f) >= 0);
    (void)fclose(f);
    TOOL("secret", "set", "--secret-file", path);
    TOOL("gate", "9a", "once");
    TOOL("gate", "9d", "always");
}

// The first card is issued, the others are copies of it.
static int start(void **state)
{
    (void)state;
    static unsigned n;
    char name[16], issued[200], image[200];
    (void)snprintf(name, sizeof name, "gate%u", n);
    (void)snprintf(issued, sizeof issued, "%s/issued", world_dir());
    (void)snprintf(image, sizeof image, "%s/%s.image", world_dir(), name);
    if (n > 0)
        copy(issued, image);
    card_start(&card, name, "otp-card");
    world_use(&card, NULL);
    if (n++ == 0) {
        issue();
        card_stop(&card);
        copy(card.image, issued);
        card_again(&card, "otp-card");
    }
    begin();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    card_stop(&card);
    return 0;
}

static CK_MECHANISM_TYPE mechanism_of(CK_BYTE id)
{
    return id == 1 || id == 3 ? CKM_RSA_PKCS : CKM_ECDSA;
}

static CK_RV signs(CK_BYTE id)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, id);
    assert_int_not_equal(key, 0);
    CK_RV rv = sign_once(session, key, mechanism_of(id), signature, &len);
    if (rv == CKR_OK)
        check_signature(session, id, mechanism_of(id), signature, len);
    (void)F->C_SignInit(session, NULL, 0);
    return rv;
}

// {C_SignInit, C_Login(CKU_CONTEXT_SPECIFIC), C_Sign}
static CK_RV signs_with(CK_BYTE id, const char *code, CK_RV login_rv)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM m = {mechanism_of(id), NULL, 0};
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, id);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, code), login_rv);
    CK_RV rv = F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, sizeof sample, signature, &len);
    if (rv == CKR_OK)
        check_signature(session, id, m.mechanism, signature, len);
    (void)F->C_SignInit(session, NULL, 0);
    return rv;
}

static CK_FLAGS pin_flags(void)
{
    CK_TOKEN_INFO info;
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_true(info.ulMaxPinLen >= 24);
    return info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
}

static bool always(CK_BYTE id)
{
    CK_BBOOL v = CK_FALSE;
    CK_ATTRIBUTE a = {CKA_ALWAYS_AUTHENTICATE, &v, sizeof v};
    assert_int_equal(F->C_GetAttributeValue(session, find_one(session, CKO_PRIVATE_KEY, id), &a, 1), CKR_OK);
    return v == CK_TRUE;
}

static void pin_alone(void **state)
{
    (void)state;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_false(always(1));
    assert_true(always(2)); // PIV's own rule
    assert_true(always(3));
    assert_int_equal(signs(4), CKR_OK);
    assert_int_equal(signs_with(2, PIN, CKR_OK), CKR_OK);
    unsigned before = card_exchanges(&card);
    assert_int_equal(signs(1), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(signs(3), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(card_exchanges(&card), before);
    assert_int_equal(signs(4), CKR_OK); // the login stays
    assert_int_equal(pin_flags(), 0);
}

static void once(void **state)
{
    (void)state;
    char entry[32];
    (void)snprintf(entry, sizeof entry, "%s%s", PIN, codes[0]);
    assert_int_equal(login(session, CKU_USER, entry), CKR_OK);
    unsigned sent = card_count(&card, "VERIFY");
    for (int i = 0; i < 3; i++)
        assert_int_equal(signs(1), CKR_OK);
    assert_int_equal(card_count(&card, "VERIFY") - sent, 6); // PIN with ticket, and its end: no code again
    assert_int_equal(signs(4), CKR_OK);
    assert_int_equal(signs_with(2, PIN, CKR_OK), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    // The same entry once more: its code is known to be used, and isn't sent.
    sent = card_count(&card, "VERIFY");
    assert_int_equal(login(session, CKU_USER, entry), CKR_PIN_INCORRECT);
    assert_int_equal(card_count(&card, "VERIFY"), sent);
    assert_int_equal(pin_flags(), 0);
    // A program that comes anew doesn't know: the card does.
    (void)F->C_Finalize(NULL);
    begin();
    assert_int_equal(login(session, CKU_USER, entry), CKR_PIN_INCORRECT);
    assert_int_equal(pin_flags(), CKF_USER_PIN_COUNT_LOW);
    (void)snprintf(entry, sizeof entry, "%s%s", PIN, codes[1]);
    assert_int_equal(login(session, CKU_USER, entry), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
    assert_int_equal(pin_flags(), 0);
}

static void impossible(void **state)
{
    (void)state;
    static const char *const entries[] = {"123456789", "12345612345", "12345612345612345612345612",
                                          "123456123456123"};
    unsigned sent = card_count(&card, "VERIFY");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        assert_int_equal(login(session, CKU_USER, entries[i]), CKR_PIN_LEN_RANGE);
    assert_int_equal(login(session, CKU_USER, "12345675522x"), CKR_PIN_INCORRECT);
    assert_int_equal(card_count(&card, "VERIFY"), sent);
    // A wrong PIN costs no code.
    assert_int_equal(login(session, CKU_USER, "654321755224"), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "123456755224"), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
}

static void each_time(void **state)
{
    (void)state;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    unsigned sent = card_count(&card, "VERIFY");
    assert_int_equal(signs(3), CKR_USER_NOT_LOGGED_IN);
    // Programs give the PIN once more for such keys; it is no code, and not sent as one.
    assert_int_equal(signs_with(3, PIN, CKR_PIN_INCORRECT), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(signs_with(3, "12345", CKR_PIN_LEN_RANGE), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(card_count(&card, "VERIFY"), sent);
    assert_int_equal(signs_with(3, codes[0], CKR_OK), CKR_OK);
    assert_int_equal(signs(3), CKR_USER_NOT_LOGGED_IN); // it was for one signature
    assert_int_equal(signs_with(3, codes[0], CKR_PIN_INCORRECT), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(signs_with(3, codes[1], CKR_OK), CKR_OK);
    assert_int_equal(pin_flags(), 0);
    // A wrong one is noticed when it is used, and another may be given for the same operation.
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 3);
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, "000000"), CKR_OK);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, sizeof sample, signature, &len),
                     CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(pin_flags(), CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(login(session, CKU_CONTEXT_SPECIFIC, codes[2]), CKR_OK);
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, sizeof sample, signature, &len),
                     CKR_OK);
    check_signature(session, 3, CKM_RSA_PKCS, signature, len);
    assert_int_equal(pin_flags(), 0);
}

// What a gate adds to PIV's own rule for 9C, and to 9E, which has none.
static void other_slots(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    TOOL("gate", "9c", "always");
    TOOL("gate", "9e", "once");
    begin();
    assert_int_equal(find_one(session, CKO_PRIVATE_KEY, 4), 0); // private since it has a gate
    assert_int_equal(login(session, CKU_USER, "123456755224"), CKR_OK);
    assert_int_equal(signs(4), CKR_OK);
    assert_int_equal(signs_with(2, PIN, CKR_PIN_INCORRECT), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(signs_with(2, codes[1], CKR_OK), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    (void)F->C_Finalize(NULL);
    TOOL("gate", "9c", "once");
    begin();
    (void)login(session, CKU_USER, "123456359152");
    assert_int_equal(signs_with(2, PIN, CKR_OK), CKR_OK);
}

// A gate that comes meanwhile is noticed when the card refuses.
static void later(void **state)
{
    (void)state;
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(signs(4), CKR_OK);
    TOOL("gate", "9e", "always");
    assert_int_equal(signs(4), CKR_FUNCTION_REJECTED);
    assert_int_equal(signs(4), CKR_USER_NOT_LOGGED_IN);
    assert_true(always(4));
    assert_int_equal(signs_with(4, codes[0], CKR_OK), CKR_OK);
}

static void fifth(void **state)
{
    (void)state;
    static const char *const wrong[] = {"000001", "000002", "000003", "000004"};
    char entry[32];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(entry, sizeof entry, "%s%s", PIN, wrong[i]);
        assert_int_equal(login(session, CKU_USER, entry), CKR_PIN_INCORRECT);
        assert_int_equal(pin_flags(), CKF_USER_PIN_COUNT_LOW | (i == 3 ? CKF_USER_PIN_FINAL_TRY : 0));
    }
    // As with a PIN, the last try isn't used up unless the user said so.
    assert_int_equal(login(session, CKU_USER, "123456000005"), CKR_FUNCTION_REJECTED);
    (void)F->C_Finalize(NULL);
    setenv("INGAM_LAST_TRY", "yes", 1);
    begin();
    unsetenv("INGAM_LAST_TRY");
    assert_int_equal(login(session, CKU_USER, "123456000005"), CKR_PIN_LOCKED);
    assert_int_equal(pin_flags(), CKF_USER_PIN_COUNT_LOW);
    unsigned sent = card_count(&card, "VERIFY");
    assert_int_equal(login(session, CKU_USER, "123456755224"), CKR_PIN_LOCKED);
    assert_true(card_count(&card, "VERIFY") - sent <= 1); // at most a look at the PIN's tries
    // The PIN has tries of its own.
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(signs(4), CKR_OK);
    assert_int_equal(signs_with(2, PIN, CKR_OK), CKR_OK);
    assert_int_equal(signs_with(3, codes[0], CKR_PIN_LOCKED), CKR_USER_NOT_LOGGED_IN);
    TOOL("unblock");
    assert_int_equal(signs_with(3, codes[0], CKR_OK), CKR_OK);
}

// A generator that ran ahead is found again by two codes in a row.
static void resynchronised(void **state)
{
    (void)state;
    // Counter values 20 to 22 are beyond the ten that one code is looked for in.
    assert_int_equal(login(session, CKU_USER, "123456328281"), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "123456184416191635"), CKR_PIN_INCORRECT); // not in a row
    assert_int_equal(pin_flags(), CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(login(session, CKU_USER, "123456191635184416"), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
    assert_int_equal(pin_flags(), 0);
}

static void in_another_program(CK_RV wanted_login, const char *entry, CK_RV wanted_sign)
{
    pid_t child = fork();
    if (child == 0) {
        if (F->C_Initialize(NULL) != CKR_OK)
            _exit(1);
        session = open_session(0, false);
        if (login(session, CKU_USER, entry) != wanted_login)
            _exit(2);
        if (wanted_login == CKR_OK && signs(1) != wanted_sign)
            _exit(3);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

// Stealing the PIN is not enough.
static void stolen_pin(void **state)
{
    (void)state;
    assert_int_equal(login(session, CKU_USER, "123456755224"), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
    in_another_program(CKR_OK, PIN, CKR_USER_NOT_LOGGED_IN);
    in_another_program(CKR_PIN_INCORRECT, "123456755224", CKR_OK);
    assert_int_equal(signs(1), CKR_OK); // and ours goes on
    // A newer ticket takes its place; then the login ends, for the program to ask again.
    in_another_program(CKR_OK, "123456287082", CKR_OK);
    assert_int_equal(signs(1), CKR_USER_NOT_LOGGED_IN);
    CK_SESSION_INFO info;
    assert_int_equal(F->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(login(session, CKU_USER, "123456359152"), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
}

// The ticket dies with the login, and with the card's power.
static void ticket_ends(void **state)
{
    (void)state;
    assert_int_equal(login(session, CKU_USER, "123456755224"), CKR_OK);
    assert_int_equal(signs(1), CKR_OK);
    unsigned before = card_exchanges(&card);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(card_exchanges(&card) - before, 3);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(signs(1), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, "123456287082"), CKR_OK);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    session = open_session(0, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_equal(signs(1), CKR_USER_NOT_LOGGED_IN);
}

static bool heard(const char *path, const char *text)
{
    static char all[20000];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = '\0';
    (void)fclose(f);
    return strstr(all, text) != NULL;
}

// A pinentry says what it is that a person should type.
static void asked(void **state)
{
    (void)state;
    char program[512], path[256];
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    (void)F->C_Finalize(NULL);
    (void)snprintf(program, sizeof program, "pinentry:%s/tests/e2e/pinentry_double.sh", getenv("SOURCE"));
    (void)snprintf(path, sizeof path, "%s/heard", world_dir());
    setenv("INGAM_PIN_ENTRY", program, 1);
    setenv("DOUBLE_HEARD", path, 1);
    setenv("DOUBLE_ANSWER", "123456755224", 1);
    setenv("LC_ALL", "C", 1);
    begin();
    unsetenv("INGAM_PIN_ENTRY");
    assert_int_equal(F->C_Login(session, CKU_USER, NULL, 0), CKR_OK);
    assert_true(heard(path, "type it right behind the PIN"));
    assert_int_equal(signs(1), CKR_OK);
    assert_int_equal(F->C_SignInit(session, &m, find_one(session, CKO_PRIVATE_KEY, 3)), CKR_OK);
    setenv("DOUBLE_ANSWER", codes[1], 1);
    assert_int_equal(F->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_OK);
    assert_true(heard(path, "This key wants a one-time password for each use."));
    assert_true(heard(path, "SETPROMPT One-time password:"));
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, sizeof sample, signature, &len),
                     CKR_OK);
    check_signature(session, 3, CKM_RSA_PKCS, signature, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pin_alone, start, stop),
        cmocka_unit_test_setup_teardown(once, start, stop),
        cmocka_unit_test_setup_teardown(impossible, start, stop),
        cmocka_unit_test_setup_teardown(each_time, start, stop),
        cmocka_unit_test_setup_teardown(other_slots, start, stop),
        cmocka_unit_test_setup_teardown(later, start, stop),
        cmocka_unit_test_setup_teardown(fifth, start, stop),
        cmocka_unit_test_setup_teardown(resynchronised, start, stop),
        cmocka_unit_test_setup_teardown(stolen_pin, start, stop),
        cmocka_unit_test_setup_teardown(ticket_ends, start, stop),
        cmocka_unit_test_setup_teardown(asked, start, stop),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
