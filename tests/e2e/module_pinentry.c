// C_Login without a PIN: a pinentry is asked, and whatever it does the answer is bounded and the tries are
// spared.
#include "module_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct card_process card;
static char heard_path[256], log_path[256];

static int start(void **state)
{
    (void)state;
    static unsigned n;
    char name[16], program[512];
    (void)snprintf(name, sizeof name, "asked%u", n++);
    card_start(&card, name, "piv");
    world_use(&card, NULL);
    furnish(2);
    (void)snprintf(program, sizeof program, "pinentry:%s/tests/e2e/pinentry_double.sh", getenv("SOURCE"));
    (void)snprintf(heard_path, sizeof heard_path, "%s/%s.heard", world_dir(), name);
    (void)snprintf(log_path, sizeof log_path, "%s/%s.trace", world_dir(), name);
    setenv("INGAM_PIN_ENTRY", program, 1);
    setenv("INGAM_PIN_ENTRY_SECONDS", "10", 1);
    setenv("INGAM_LOG", log_path, 1);
    setenv("DOUBLE_HEARD", heard_path, 1);
    setenv("TERM", "dumb", 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    unsetenv("INGAM_PIN_ENTRY");
    unsetenv("INGAM_LOG");
    card_stop(&card);
    return 0;
}

static CK_SESSION_HANDLE begin(void)
{
    CK_SLOT_ID slot;
    CK_ULONG n = 1;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_int_equal(F->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
    return open_session(slot, false);
}

static CK_RV ask(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *answer)
{
    setenv("DOUBLE_ANSWER", answer, 1);
    return F->C_Login(session, user, NULL, 0);
}

static bool holds(const char *path, const char *text)
{
    static char all[200000];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    all[fread(all, 1, sizeof all - 1, f)] = '\0';
    (void)fclose(f);
    return strstr(all, text) != NULL;
}

static bool reads(const char *path, const char *text)
{
    char all[256];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = '\0';
    (void)fclose(f);
    return strcmp(all, text) == 0;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_right(void **state)
{
    (void)state;
    CK_TOKEN_INFO info;
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;
    int open_here = fcntl(STDIN_FILENO, F_DUPFD, 50); // no close-on-exec: the program must not have it
    assert_true(open_here >= 50);
    CK_SESSION_HANDLE session = begin();
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_true((info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0);
    assert_int_equal(F->C_Login(session, CKU_USER, NULL, 6), CKR_ARGUMENTS_BAD);
    assert_int_equal(ask(session, CKU_USER, "%3123456"), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    assert_true(holds(heard_path, "SETDESC Token: Ingam"));
    assert_true(holds(heard_path, "%0ASerial number: "));
    assert_true(holds(heard_path, "%0ATries left: 3"));
    assert_true(holds(heard_path, "SETPROMPT PIN:"));
    assert_false(holds(heard_path, "INHERITED"));
    assert_false(holds(log_path, PIN));
    // the context's login asks again
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    key = find_one(session, CKO_PRIVATE_KEY, 2);
    assert_int_equal(F->C_SignInit(session, &ecdsa, key), CKR_OK);
    assert_int_equal(ask(session, CKU_CONTEXT_SPECIFIC, "cancel"), CKR_FUNCTION_CANCELED);
    assert_int_equal(ask(session, CKU_CONTEXT_SPECIFIC, PIN), CKR_OK);
    assert_true(holds(heard_path, "This key wants the PIN for each use."));
    len = sizeof signature;
    assert_int_equal(F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, 32, signature, &len), CKR_OK);
    assert_int_equal(ask(session, CKU_CONTEXT_SPECIFIC, PIN), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_USER_ALREADY_LOGGED_IN);
    // a PIN that is given is taken
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    (void)close(open_here);
}

static void test_wrong(void **state)
{
    (void)state;
    CK_SESSION_HANDLE session = begin();
    assert_int_equal(ask(session, CKU_USER, "111111"), CKR_PIN_INCORRECT);
    unsigned sent = card_count(&card, "VERIFY");
    assert_int_equal(ask(session, CKU_USER, "111111"), CKR_PIN_INCORRECT); // not sent again
    assert_true(holds(heard_path, "Tries left: 2"));
    assert_true(card_count(&card, "VERIFY") <= sent + 1); // the look at the tries at most
    assert_int_equal(ask(session, CKU_USER, "222222"), CKR_PIN_INCORRECT);
    // one is left: nobody is asked for it
    assert_int_equal(remove(heard_path), 0);
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_FUNCTION_REJECTED);
    assert_false(holds(heard_path, "GETPIN"));
    assert_false(holds(log_path, "111111"));
}

static void test_unanswered(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        CK_RV rv;
    } rows[] = {
        {"cancel", CKR_FUNCTION_CANCELED}, {"garbage", CKR_FUNCTION_FAILED}, {"percent", CKR_FUNCTION_FAILED},
        {"long", CKR_FUNCTION_FAILED},     {"leave", CKR_FUNCTION_FAILED},   {"babble", CKR_FUNCTION_FAILED},
        {"flood", CKR_FUNCTION_FAILED},    {"", CKR_PIN_LEN_RANGE},
    };
    CK_SESSION_HANDLE session = begin();
    CK_TOKEN_INFO info;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ask(session, CKU_USER, rows[i].answer) != rows[i].rv)
            fail_msg("not the answer expected of '%s'", rows[i].answer);
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_true((info.flags & CKF_USER_PIN_COUNT_LOW) == 0);
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_OK);
}

static void test_silence(void **state)
{
    (void)state;
    setenv("INGAM_PIN_ENTRY_SECONDS", "1", 1);
    CK_SESSION_HANDLE session = begin();
    static const char *const rows[] = {"hang", "mute", "stay"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double before = seconds();
        assert_int_equal(ask(session, CKU_USER, rows[i]), CKR_FUNCTION_FAILED);
        assert_true(seconds() - before < 8);
    }
    assert_true(holds(log_path, "no answer in time"));
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    char only[32];
    (void)snprintf(only, sizeof only, "%d ", (int)card.pid);
    assert_true(reads(path, only)); // no program that was started is left, not even as a zombie
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_OK);
}

static void test_absent(void **state)
{
    (void)state;
    CK_TOKEN_INFO info;
    setenv("INGAM_PIN_ENTRY", "pinentry:/nowhere/pinentry", 1);
    CK_SESSION_HANDLE session = begin();
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_FUNCTION_FAILED);
    assert_true(holds(log_path, "can't be started"));
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    setenv("INGAM_PIN_ENTRY", "pinentry:relative", 1); // not understood: as without the setting
    session = begin();
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    assert_true((info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0);
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_ARGUMENTS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_right, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong, start, stop),
        cmocka_unit_test_setup_teardown(test_unanswered, start, stop),
        cmocka_unit_test_setup_teardown(test_silence, start, stop),
        cmocka_unit_test_setup_teardown(test_absent, start, stop),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
