// Programs that leave in any order: exit handlers that still call in, dlclose, no C_Finalize at all, threads
// inside.
#include "module_world.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// What a program leaves behind that doesn't call C_Finalize isn't what is tested here.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct card_process card;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE free_key;

static void use(void)
{
    CK_SLOT_ID slot;
    CK_ULONG n = 1, len = 256;
    CK_BYTE signature[256], digest[32];
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    if (F->C_Initialize(NULL) != CKR_OK || F->C_GetSlotList(CK_TRUE, &slot, &n) != CKR_OK)
        _exit(10);
    if (F->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        _exit(11);
    free_key = find_one(session, CKO_PRIVATE_KEY, 4);
    if (sign_once(session, free_key, CKM_ECDSA, signature, &len) != CKR_OK)
        _exit(12);
    // a digest is left open, whose context belongs to libcrypto
    if (F->C_DigestInit(session, &m) != CKR_OK || F->C_DigestUpdate(session, digest, 0) != CKR_OK)
        _exit(13);
}

static void at_exit_finalize(void)
{
    if (F->C_Finalize(NULL) != CKR_OK)
        _exit(20);
}

static void at_exit_use(void)
{
    CK_BYTE signature[256], digest[32];
    CK_ULONG len = sizeof signature;
    (void)sign_once(session, free_key, CKM_ECDSA, signature, &len); // may fail, not crash
    len = sizeof digest;
    (void)F->C_DigestFinal(session, digest, &len);
    if (F->C_CloseAllSessions(0) != CKR_OK)
        _exit(21);
}

static void leave_at_once(void)
{
    use();
}

static void handler_before_openssl(void) // runs after OpenSSL's own clean-up
{
    (void)atexit(at_exit_finalize);
    use();
}

static void handler_using_before(void)
{
    (void)atexit(at_exit_use);
    use();
}

static void handler_after(void)
{
    use();
    (void)atexit(at_exit_use);
}

static void openssl_cleaned_up(void)
{
    use();
    OPENSSL_cleanup();
    at_exit_use();
    (void)F->C_Finalize(NULL);
}

static void closed_with_dlclose(void)
{
    use();
    if (F->C_Finalize(NULL) != CKR_OK || dlclose(module_handle) != 0)
        _exit(30);
    module_load();
    use();
}

static void closed_without_finalize(void)
{
    use();
    if (dlclose(module_handle) != 0)
        _exit(31);
}

static void *sign_forever(void *arg)
{
    CK_BYTE signature[256];
    for (;;) {
        CK_ULONG len = sizeof signature;
        if (sign_once(session, free_key, CKM_ECDSA, signature, &len) == CKR_CRYPTOKI_NOT_INITIALIZED)
            return arg;
    }
}

static void thread_inside(void)
{
    pthread_t thread;
    use();
    (void)pthread_create(&thread, NULL, sign_forever, NULL);
    usleep(20000); // so that it is somewhere in the middle; any place will do
}

static void finalize_under_a_thread(void)
{
    pthread_t thread;
    use();
    (void)pthread_create(&thread, NULL, sign_forever, NULL);
    usleep(20000);
    if (F->C_Finalize(NULL) != CKR_OK)
        _exit(40);
    (void)pthread_join(thread, NULL);
}

static void test_leaving(void **state)
{
    void (*way)(void) = *(void (**)(void)) * state;
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        module_load();
        way();
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("killed by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int start(void **state)
{
    (void)state;
    card_start(&card, "card", "piv");
    world_use(&card, NULL);
    pid_t child = fork(); // this process never loads the module, so that each way starts afresh
    if (child == 0) {
        module_load();
        furnish(4);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    card_stop(&card);
    return 0;
}

#define WAY(name) static void (*way_##name)(void) = name
WAY(leave_at_once);
WAY(handler_before_openssl);
WAY(handler_using_before);
WAY(handler_after);
WAY(openssl_cleaned_up);
WAY(closed_with_dlclose);
WAY(closed_without_finalize);
WAY(thread_inside);
WAY(finalize_under_a_thread);

#define TEST(name)                                                                                           \
    {                                                                                                        \
#name, test_leaving, NULL, NULL, &way_##name                                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leave_at_once),           TEST(handler_before_openssl), TEST(handler_using_before),
        TEST(handler_after),           TEST(openssl_cleaned_up),     TEST(closed_with_dlclose),
        TEST(closed_without_finalize), TEST(thread_inside),          TEST(finalize_under_a_thread),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
