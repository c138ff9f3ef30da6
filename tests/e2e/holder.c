// A program that has logged in with the PIN and stays so: what another program can do meanwhile is the
// question.
//   holder MODULE     the PIN is in TOKEN_PIN
// Logs in, signs once with key 01, prints "ready"; on SIGUSR1 logs out and prints "logged out"; on SIGUSR2
// signs again and prints "signed" or "not signed RV"; ends at SIGTERM without C_Finalize.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static CK_FUNCTION_LIST *p11;

static void must(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "holder: %s: 0x%lx\n", what, rv);
    exit(1);
}

static CK_FUNCTION_LIST *load(const char *path)
{
    CK_FUNCTION_LIST *list = NULL;
    void *module = dlopen(path, RTLD_NOW);
    CK_C_GetFunctionList get = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (!get) {
        fprintf(stderr, "holder: %s\n", dlerror());
        exit(1);
    }
    must(get(&list), "C_GetFunctionList");
    return list;
}

static CK_RV sign(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_BYTE id = 1, digest[32] = {0x5A}, signature[512];
    CK_ULONG length = sizeof signature, found = 0;
    CK_ATTRIBUTE want[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, sizeof id}};
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    must(p11->C_FindObjectsInit(session, want, 2), "C_FindObjectsInit");
    must(p11->C_FindObjects(session, &key, 1, &found), "C_FindObjects");
    must(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (found == 0)
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = p11->C_SignInit(session, &ecdsa, key);
    return rv == CKR_OK ? p11->C_Sign(session, digest, sizeof digest, signature, &length) : rv;
}

int main(int argc, char **argv)
{
    const char *pin = getenv("TOKEN_PIN");
    if (argc != 2 || !pin) {
        fprintf(stderr, "usage: TOKEN_PIN=... holder MODULE\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    p11 = load(argv[1]);
    must(p11->C_Initialize(NULL), "C_Initialize");
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    CK_SESSION_HANDLE session;
    must(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    if (count == 0)
        must(CKR_TOKEN_NOT_PRESENT, "C_GetSlotList");
    must(p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    must(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(size_t)pin, strlen(pin)), "C_Login");
    must(sign(session), "C_Sign");

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready");
    fflush(stdout);
    for (int got; sigwait(&set, &got) == 0;) {
        if (got == SIGUSR1) {
            must(p11->C_Logout(session), "C_Logout");
            puts("logged out");
        } else {
            CK_RV rv = sign(session);
            if (rv == CKR_OK)
                puts("signed");
            else
                printf("not signed 0x%lx\n", rv);
        }
        fflush(stdout);
    }
    return 1;
}
