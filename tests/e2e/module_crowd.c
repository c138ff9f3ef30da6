// A crowd at the module: 8 processes with 8 threads each on 4 tokens, 10,000 sessions, C_Finalize and fork
// and dlclose in the middle of everything. A few seconds; ten minutes with INGAM_SOAK=1. Runs under the
// thread sanitizer too.
#include "module_world.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOKENS    4
#define PROCESSES 8
#define THREADS   8
#define SESSIONS  10000

// cmocka's assertions belong to the main thread; a worker ends its process.
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)
#define IS(call, want)                                                                                       \
    do {                                                                                                     \
        CK_RV got_ = (call);                                                                                 \
        if (got_ != (want)) {                                                                                \
            fprintf(stderr, "%s:%d: %s gave 0x%lx\n", __FILE__, __LINE__, #call, got_);                      \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)
#define OK(call) IS(call, CKR_OK)

static struct card_process cards[TOKENS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double duration(void)
{
    const char *soak = getenv("INGAM_SOAK");
    return soak && *soak && strcmp(soak, "0") != 0 ? 600 : 4;
}

static CK_SESSION_HANDLE session_on(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    OK(F->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session));
    return session;
}

static CK_RV find_key(CK_SESSION_HANDLE session, CK_BYTE id, CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_ULONG n = 0;
    CK_RV rv = F->C_FindObjectsInit(session, templ, 2);
    if (rv == CKR_OK)
        rv = F->C_FindObjects(session, key, 1, &n);
    if (rv == CKR_OK)
        rv = F->C_FindObjectsFinal(session);
    MUST(rv != CKR_OK || n == 1);
    return rv;
}

static CK_OBJECT_HANDLE key_of(CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_OBJECT_HANDLE key = 0;
    OK(find_key(session, id, &key));
    return key;
}

static CK_RV sign_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    CK_BYTE data[32];
    memcpy(data, sample, sizeof data);
    CK_RV rv = F->C_SignInit(session, &m, key);
    if (rv == CKR_OK)
        rv = F->C_Sign(session, data, sizeof data, signature, &n);
    MUST(rv != CKR_OK || n == 64);
    return rv;
}

static void log_in(CK_SESSION_HANDLE session)
{
    CK_RV rv = login(session, CKU_USER, PIN);
    MUST(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
}

// A digest that is saved in the middle and finished after another one.
static void save_and_go_on(CK_SESSION_HANDLE session)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_BYTE data[32];
    CK_BYTE one[32];
    CK_BYTE two[32];
    CK_BYTE state[300];
    CK_ULONG n = sizeof state;
    CK_ULONG len = sizeof one;
    memcpy(data, sample, sizeof data);
    OK(F->C_DigestInit(session, &m));
    OK(F->C_DigestUpdate(session, data, 7));
    OK(F->C_GetOperationState(session, state, &n));
    OK(F->C_DigestUpdate(session, data + 7, 25));
    OK(F->C_DigestFinal(session, one, &len));
    OK(F->C_SetOperationState(session, state, n, 0, 0));
    OK(F->C_DigestUpdate(session, data + 7, 25));
    OK(F->C_DigestFinal(session, two, &len));
    MUST(memcmp(one, two, sizeof one) == 0);
}

static void encrypt_and_back(CK_SESSION_HANDLE session)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BYTE iv[16] = {1};
    CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_ULONG size = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE templ[] = {
        {CKA_VALUE_LEN, &size, sizeof size}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE data[32];
    CK_BYTE cipher[48];
    CK_BYTE back[48];
    CK_ULONG n = sizeof cipher;
    CK_ULONG len = sizeof back;
    memcpy(data, sample, sizeof data);
    OK(F->C_GenerateKey(session, &generate, templ, 3, &key));
    OK(F->C_EncryptInit(session, &m, key));
    OK(F->C_Encrypt(session, data, sizeof data, cipher, &n));
    OK(F->C_DecryptInit(session, &m, key));
    OK(F->C_Decrypt(session, cipher, n, back, &len));
    MUST(len == sizeof data && memcmp(back, data, len) == 0);
    OK(F->C_DestroyObject(session, key));
}

// What one thread does once with one token.
static void errand(CK_SLOT_ID slot, unsigned what)
{
    CK_SESSION_HANDLE session = session_on(slot);
    CK_TOKEN_INFO token;
    CK_SESSION_INFO info;
    CK_BYTE random[16];
    switch (what % 8) {
    case 0: // no PIN
        OK(sign_with(session, key_of(session, 4)));
        break;
    case 1: // the PIN's key
        log_in(session);
        OK(sign_with(session, key_of(session, 1)));
        break;
    case 2:
        OK(F->C_GetTokenInfo(slot, &token));
        MUST(!(token.flags & CKF_USER_PIN_LOCKED));
        break;
    case 3: {
        CK_OBJECT_HANDLE found[50];
        CK_ULONG n = 0;
        OK(F->C_FindObjectsInit(session, NULL, 0));
        OK(F->C_FindObjects(session, found, 50, &n));
        OK(F->C_FindObjectsFinal(session));
        CK_ATTRIBUTE value = {CKA_CLASS, NULL, 0};
        for (CK_ULONG i = 0; i < n; i++)
            OK(F->C_GetAttributeValue(session, found[i], &value, 1));
        break;
    }
    case 4:
        OK(F->C_GenerateRandom(session, random, sizeof random));
        break;
    case 5:
        save_and_go_on(session);
        break;
    case 6:
        encrypt_and_back(session);
        break;
    default:
        OK(F->C_GetSessionInfo(session, &info));
        MUST(info.slotID == slot);
    }
    OK(F->C_CloseSession(session));
}

static atomic_bool stop;
static atomic_ulong errands;

static void *run_errands(void *arg)
{
    unsigned number = *(const unsigned *)arg;
    for (unsigned i = 0; !atomic_load(&stop); i++) {
        errand((number + i) % TOKENS, number * 7 + i);
        atomic_fetch_add(&errands, 1);
    }
    return NULL;
}

static void one_process(unsigned process)
{
    pthread_t thread[THREADS];
    unsigned number[THREADS];
    OK(F->C_Initialize(&(CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK}));
    // A session on each token keeps the login (2.40, 6.7.4: it ends with the last session).
    for (CK_SLOT_ID slot = 0; slot < TOKENS; slot++)
        log_in(session_on(slot));
    for (unsigned i = 0; i < THREADS; i++) {
        number[i] = process * THREADS + i;
        MUST(pthread_create(&thread[i], NULL, run_errands, &number[i]) == 0);
    }
    for (double end = now() + duration(); now() < end;)
        usleep(50000);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        MUST(pthread_join(thread[i], NULL) == 0);
    OK(F->C_Finalize(NULL));
    MUST(atomic_load(&errands) > THREADS);
    printf("process %u: %lu errands\n", process, atomic_load(&errands));
    fflush(stdout);
}

static void all_end_well(const pid_t *pid, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    assert_true(good);
}

static pid_t in_child(void (*run)(unsigned), unsigned arg)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run(arg);
        _exit(0);
    }
    return pid;
}

static void sixty_four_threads(void **unused)
{
    (void)unused;
    pid_t pid[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++)
        pid[i] = in_child(one_process, i);
    all_end_well(pid, PROCESSES);
}

static void many_sessions(unsigned unused)
{
    (void)unused;
    CK_SESSION_HANDLE *session = calloc(SESSIONS, sizeof *session);
    CK_SESSION_INFO info;
    MUST(session);
    OK(F->C_Initialize(NULL));
    for (size_t i = 0; i < SESSIONS; i++)
        session[i] = session_on(i % TOKENS);
    for (size_t i = 0; i < SESSIONS; i++) {
        OK(F->C_GetSessionInfo(session[i], &info));
        MUST(info.slotID == i % TOKENS);
    }
    for (size_t i = 0; i < SESSIONS; i += 997)
        OK(sign_with(session[i], key_of(session[i], 4)));
    OK(F->C_CloseSession(session[5000]));
    IS(F->C_GetSessionInfo(session[5000], &info), CKR_SESSION_HANDLE_INVALID);
    OK(F->C_CloseAllSessions(0));
    IS(F->C_GetSessionInfo(session[0], &info), CKR_SESSION_HANDLE_INVALID);
    OK(F->C_GetSessionInfo(session[1], &info));
    OK(F->C_Finalize(NULL));
    free(session);
}

static void ten_thousand_sessions(void **unused)
{
    (void)unused;
    pid_t pid = in_child(many_sessions, 0);
    all_end_well(&pid, 1);
}

static void *wait_for_event(void *arg)
{
    CK_SLOT_ID slot;
    (void)arg;
    CK_RV rv;
    do
        rv = F->C_WaitForSlotEvent(0, &slot, NULL);
    while (rv == CKR_OK);
    MUST(rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    return NULL;
}

// Signs until the module is no longer there.
static void *sign_on(void *arg)
{
    CK_SLOT_ID slot = *(const unsigned *)arg % TOKENS;
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_RV rv = F->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv == CKR_OK)
        rv = find_key(session, 4, &key);
    while (rv == CKR_OK) {
        rv = sign_with(session, key);
        atomic_fetch_add(&errands, 1);
    }
    MUST(rv == CKR_CRYPTOKI_NOT_INITIALIZED || rv == CKR_SESSION_HANDLE_INVALID);
    return NULL;
}

static void until_errands(unsigned long n)
{
    for (double end = now() + 60; atomic_load(&errands) < n; usleep(1000))
        MUST(now() < end);
}

static void finalize_amid(unsigned rounds)
{
    unsigned number[6] = {0, 1, 2, 3, 0, 1};
    for (unsigned round = 0; round < rounds; round++) {
        pthread_t waiting[2];
        pthread_t signing[6];
        atomic_store(&errands, 0);
        OK(F->C_Initialize(&(CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK}));
        for (size_t i = 0; i < 2; i++)
            MUST(pthread_create(&waiting[i], NULL, wait_for_event, NULL) == 0);
        for (size_t i = 0; i < 6; i++)
            MUST(pthread_create(&signing[i], NULL, sign_on, &number[i]) == 0);
        until_errands(20);
        double start = now();
        OK(F->C_Finalize(NULL));
        for (size_t i = 0; i < 2; i++)
            MUST(pthread_join(waiting[i], NULL) == 0);
        for (size_t i = 0; i < 6; i++)
            MUST(pthread_join(signing[i], NULL) == 0);
        MUST(now() - start < 5);
    }
    MUST(dlclose(module_handle) == 0);
}

static void finalize_among_waiters_and_signers(void **unused)
{
    (void)unused;
    pid_t pid = in_child(finalize_amid, 5);
    all_end_well(&pid, 1);
}

// A child of a process whose threads are signing initialises for itself, signs, finalises; the parent's
// threads go on.
static void in_the_fork(unsigned unused)
{
    (void)unused;
    CK_SLOT_ID slot;
    CK_ULONG n = 1;
    IS(F->C_GetSlotList(CK_TRUE, &slot, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
    OK(F->C_Initialize(NULL));
    CK_SESSION_HANDLE session = session_on(1);
    OK(sign_with(session, key_of(session, 4)));
    OK(F->C_Finalize(NULL));
}

static void fork_amid(unsigned forks)
{
    unsigned number[4] = {0, 1, 2, 3};
    pthread_t signing[4];
    OK(F->C_Initialize(&(CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK}));
    for (size_t i = 0; i < 4; i++)
        MUST(pthread_create(&signing[i], NULL, sign_on, &number[i]) == 0);
    for (unsigned i = 0; i < forks; i++) {
        until_errands(atomic_load(&errands) + 5);
        pid_t pid = in_child(in_the_fork, i);
        int status = 0;
        MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    until_errands(atomic_load(&errands) + 20);
    OK(F->C_Finalize(NULL));
    for (size_t i = 0; i < 4; i++)
        MUST(pthread_join(signing[i], NULL) == 0);
}

static void fork_among_signers(void **unused)
{
    (void)unused;
    pid_t pid = in_child(fork_amid, 8);
    all_end_well(&pid, 1);
}

static int prepare(void **unused)
{
    (void)unused;
    char name[] = "crowd0";
    for (size_t i = 0; i < TOKENS; i++) {
        name[5] = (char)('0' + i);
        card_start(&cards[i], name, "piv");
    }
    world_use(&cards[0], &cards[1], &cards[2], &cards[3], NULL);
    char kept[300]; // all of them read and write the same files of certificates
    (void)snprintf(kept, sizeof kept, "%s/kept", world_dir());
    setenv("INGAM_CACHE", kept, 1);
    setenv("INGAM_BUSY_MS", "60000", 1); // a crowd under a sanitizer is slow, not stuck
    module_load();
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    for (CK_SLOT_ID slot = 0; slot < TOKENS; slot++) {
        CK_SESSION_HANDLE session = open_session(slot, true);
        assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
        for (CK_BYTE id = 1; id <= 4; id += 3) {
            make_key(session, id, KEY_P256);
            make_certificate(session, id, 1000);
        }
    }
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    return 0;
}

static int clear(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TOKENS; i++)
        card_stop(&cards[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_threads),
        cmocka_unit_test(ten_thousand_sessions),
        cmocka_unit_test(finalize_among_waiters_and_signers),
        cmocka_unit_test(fork_among_signers),
    };
    return cmocka_run_group_tests(tests, prepare, clear);
}
