// C_Login without a PIN: a pinentry is asked, and whatever it does the answer is bounded and the tries are
// spared.
#include "module_world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
        const char *why; // in the trace
    } rows[] = {
        {"cancel", CKR_FUNCTION_CANCELED, "error 99"},
        {"garbage", CKR_FUNCTION_FAILED, "isn't Assuan"},
        {"percent", CKR_FUNCTION_FAILED, "broken %-sequence"},
        {"long", CKR_FUNCTION_FAILED, "an answer of more than 256 bytes"},
        {"leave", CKR_FUNCTION_FAILED, "ended before it answered"},
        {"babble", CKR_FUNCTION_FAILED, "isn't Assuan, or endless"},
        {"flood", CKR_FUNCTION_FAILED, "a line of more than 1000 bytes"},
        {"", CKR_PIN_LEN_RANGE, ""},
    };
    CK_SESSION_HANDLE session = begin();
    CK_TOKEN_INFO info;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(truncate(log_path, 0), 0);
        if (ask(session, CKU_USER, rows[i].answer) != rows[i].rv)
            fail_msg("not the answer expected of '%s'", rows[i].answer);
        if (!holds(log_path, rows[i].why))
            fail_msg("the trace doesn't say '%s'", rows[i].why);
    }
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

// ---- new PINs ----

static char answers_path[256];

static void will_answer(const char *lines)
{
    (void)snprintf(answers_path, sizeof answers_path, "%s/answers", world_dir());
    FILE *f = fopen(answers_path, "w");
    assert_non_null(f);
    assert_true(fputs(lines, f) >= 0);
    assert_int_equal(fclose(f), 0);
    setenv("DOUBLE_ANSWER", answers_path, 1);
    (void)remove(heard_path);
}

static CK_RV set_pin(CK_SESSION_HANDLE session, const char *lines)
{
    will_answer(lines);
    return F->C_SetPIN(session, NULL, 0, NULL, 0);
}

static void test_new_pin(void **state)
{
    (void)state;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(set_pin(session, "123456\n654321\n654321\n"), CKR_OK);
    assert_true(holds(heard_path, "SETPROMPT Current PIN:"));
    assert_true(holds(heard_path, "SETPROMPT New PIN:"));
    assert_true(holds(heard_path, "SETPROMPT New PIN once more:"));
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_PIN_INCORRECT);
    assert_int_equal(ask(session, CKU_USER, "654321"), CKR_OK);
    // differing and unfit ones are asked for again, and nothing is sent before they fit
    unsigned sent = card_count(&card, "CHANGE REFERENCE DATA");
    assert_int_equal(set_pin(session, "654321\n123456\n1234567\n12345\ncancel\n"), CKR_FUNCTION_CANCELED);
    assert_true(holds(heard_path, "SETERROR The two entries differ."));
    assert_true(holds(heard_path, "SETERROR A PIN has another length."));
    assert_int_equal(set_pin(session, "654321\n1\n2\n3\n"), CKR_PIN_INVALID);
    assert_int_equal(set_pin(session, "cancel\n"), CKR_FUNCTION_CANCELED);
    assert_int_equal(card_count(&card, "CHANGE REFERENCE DATA"), sent);
    assert_int_equal(set_pin(session, "654321\n123456\n123\n123456\n123456\n"), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    // the SO by PUK: C_SetPIN is about the PUK, C_InitPIN asks for the new PIN alone
    assert_int_equal(login(session, CKU_SO, PUK), CKR_OK);
    assert_int_equal(set_pin(session, PUK "\n87654321\n87654321\n"), CKR_OK);
    assert_true(holds(heard_path, "SETPROMPT New PUK once more:"));
    will_answer("111222\n111222\n");
    assert_int_equal(F->C_InitPIN(session, NULL, 0), CKR_OK);
    assert_false(holds(heard_path, "Current"));
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, "111222"), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    // by management key: nothing to ask for
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    will_answer("111222\n111222\n");
    assert_int_equal(F->C_InitPIN(session, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_false(holds(heard_path, "GETPIN"));
    assert_false(holds(log_path, "654321"));
}

static void test_korean(void **state)
{
    (void)state;
    setenv("LC_ALL", "ko_KR.UTF-8", 1);
    CK_SESSION_HANDLE session = begin();
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_OK);
    assert_true(holds(heard_path, "SETDESC 토큰: Ingam"));
    assert_true(holds(heard_path, "%0A일련번호: "));
    assert_true(holds(heard_path, "%0A남은 횟수: 3"));
    assert_true(holds(heard_path, "OPTION lc-messages=ko_KR.UTF-8"));
    unsetenv("LC_ALL");
    setenv("LANG", "kok_IN", 1); // another language
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(remove(heard_path), 0);
    assert_int_equal(ask(session, CKU_USER, PIN), CKR_OK);
    assert_true(holds(heard_path, "SETDESC Token: Ingam"));
    unsetenv("LANG");
}

struct asker {
    pthread_t thread;
    CK_SESSION_HANDLE session;
    _Atomic pid_t id;
    CK_RV rv;
};

static void *asking(void *ctx)
{
    struct asker *a = ctx;
    atomic_store(&a->id, (pid_t)syscall(SYS_gettid));
    a->rv = F->C_Login(a->session, CKU_USER, NULL, 0);
    return NULL;
}

static bool sleeps(pid_t id)
{
    char path[64], line[512] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)id);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    char *end = fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
    (void)fclose(f);
    return end != NULL && end[2] == 'S';
}

static unsigned count(const char *path, const char *text)
{
    static char all[200000];
    unsigned n = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = '\0';
    (void)fclose(f);
    for (const char *p = all; (p = strstr(p, text)) != NULL; p++)
        n++;
    return n;
}

// The second one gets no dialogue of its own, and finds that it is logged in.
static void test_one_at_a_time(void **state)
{
    (void)state;
    struct asker a[2] = {{.session = begin()}, {.rv = 0}};
    char go[256];
    a[1].session = open_session(0, false);
    (void)snprintf(go, sizeof go, "%s/go", world_dir());
    setenv("DOUBLE_GO", go, 1);
    setenv("DOUBLE_ANSWER", PIN, 1);
    assert_int_equal(pthread_create(&a[0].thread, NULL, asking, &a[0]), 0);
    while (!holds(heard_path, "GETPIN"))
        sched_yield();
    assert_int_equal(pthread_create(&a[1].thread, NULL, asking, &a[1]), 0);
    while (atomic_load(&a[1].id) == 0 || !sleeps(atomic_load(&a[1].id)))
        sched_yield();
    CK_SESSION_INFO info; // nothing is held meanwhile
    assert_int_equal(F->C_GetSessionInfo(a[1].session, &info), CKR_OK);
    FILE *f = fopen(go, "w");
    assert_non_null(f);
    (void)fclose(f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(a[i].thread, NULL), 0);
    unsetenv("DOUBLE_GO");
    assert_int_equal(a[0].rv, CKR_OK);
    assert_int_equal(a[1].rv, CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(count(heard_path, "GETPIN"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_right, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong, start, stop),
        cmocka_unit_test_setup_teardown(test_unanswered, start, stop),
        cmocka_unit_test_setup_teardown(test_silence, start, stop),
        cmocka_unit_test_setup_teardown(test_absent, start, stop),
        cmocka_unit_test_setup_teardown(test_new_pin, start, stop),
        cmocka_unit_test_setup_teardown(test_korean, start, stop),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, start, stop),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
