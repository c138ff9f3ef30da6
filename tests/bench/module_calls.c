/* How long calls of a PKCS#11 module take: the same program for ours and for others.
 *
 *   module-calls MODULE PIN CALL COUNT     CALL: sign-rsa, sign-ec, find, attribute, verify
 *
 * Starts the module, logs in, does the call once, then COUNT times; prints the median and the least of these
 * in microseconds. The keys are those with CKA_ID 01 (RSA-2048) and 04 (P-256). With COUNT 0 only the rest is
 * done.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 100000 };

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;
static CK_BYTE signature[512];
static CK_ULONG signature_len;
static const CK_BYTE text[64] = "what is signed";
static const CK_BYTE digest[32] = {1};

static void check(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    (void)fprintf(stderr, "module-calls: %s: 0x%lx\n", what, rv);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    check(p11->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
    check(p11->C_FindObjects(session, &found, 1, &count), "C_FindObjects");
    check(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count != 1)
        check(CKR_OBJECT_HANDLE_INVALID, "an object of that id");
    return found;
}

static void sign(CK_MECHANISM_TYPE type, const CK_BYTE *data, CK_ULONG len)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    signature_len = sizeof signature;
    check(p11->C_SignInit(session, &mechanism, key), "C_SignInit");
    check(p11->C_Sign(session, (CK_BYTE_PTR)data, len, signature, &signature_len), "C_Sign");
}

static void call_sign_rsa(void)
{
    sign(CKM_SHA256_RSA_PKCS, text, sizeof text);
}

static void call_sign_ec(void)
{
    sign(CKM_ECDSA, digest, sizeof digest);
}

static void call_find(void)
{
    (void)find(CKO_CERTIFICATE, 1);
}

static void call_attribute(void)
{
    static CK_BYTE value[8192];
    CK_ATTRIBUTE wanted = {CKA_VALUE, NULL, 0};
    check(p11->C_GetAttributeValue(session, key, &wanted, 1), "C_GetAttributeValue");
    wanted.pValue = value;
    check(p11->C_GetAttributeValue(session, key, &wanted, 1), "C_GetAttributeValue");
}

static void call_verify(void)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    check(p11->C_VerifyInit(session, &mechanism, key), "C_VerifyInit");
    check(p11->C_Verify(session, (CK_BYTE_PTR)text, sizeof text, signature, signature_len), "C_Verify");
}

static void prepare_verify(void)
{
    key = find(CKO_PRIVATE_KEY, 1);
    call_sign_rsa();
    key = find(CKO_PUBLIC_KEY, 1);
}

static const struct call {
    const char *name;
    CK_OBJECT_CLASS class;
    CK_BYTE id;
    void (*prepare)(void);
    void (*run)(void);
} calls[] = {
    {"sign-rsa", CKO_PRIVATE_KEY, 1, NULL, call_sign_rsa},
    {"sign-ec", CKO_PRIVATE_KEY, 4, NULL, call_sign_ec},
    {"find", CKO_CERTIFICATE, 1, NULL, call_find},
    {"attribute", CKO_CERTIFICATE, 1, NULL, call_attribute},
    {"verify", CKO_PUBLIC_KEY, 1, prepare_verify, call_verify},
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct call *c, long count)
{
    static double took[MOST];
    double sum = 0;
    for (long i = 0; i < count; i++) {
        const double begin = now_us();
        c->run();
        took[i] = now_us() - begin;
        sum += took[i];
    }
    qsort(took, (size_t)count, sizeof *took, ascending);
    printf("%.1f %.1f %.1f\n", took[count / 2], took[0], sum / (double)count);
}

static void start_module(const char *path, const char *pin)
{
    void *library = dlopen(path, RTLD_NOW);
    CK_C_GetFunctionList get = NULL;
    if (library)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get || get(&p11) != CKR_OK) {
        (void)fprintf(stderr, "module-calls: %s is no PKCS#11 module\n", path);
        exit(1);
    }
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    check(p11->C_Initialize(NULL), "C_Initialize");
    check(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    if (count == 0)
        check(CKR_TOKEN_NOT_PRESENT, "a token");
    check(p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    check(p11->C_Login(session, CKU_USER, (CK_BYTE_PTR)pin, strlen(pin)), "C_Login");
}

int main(int argc, char **argv)
{
    const long count = argc == 5 ? strtol(argv[4], NULL, 10) : -1;
    const struct call *c = NULL;
    for (size_t i = 0; argc == 5 && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, argv[3]) == 0)
            c = &calls[i];
    if (!c || count < 0 || count > MOST) {
        (void)fprintf(stderr, "usage: module-calls MODULE PIN CALL COUNT\n");
        return 2;
    }
    start_module(argv[1], argv[2]);
    if (c->prepare)
        c->prepare();
    else
        key = find(c->class, c->id);
    c->run();
    if (count > 0)
        measure(c, count);
    check(p11->C_Finalize(NULL), "C_Finalize");
    return 0;
}
