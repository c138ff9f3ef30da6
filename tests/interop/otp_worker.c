// Makes one-time passwords through a PKCS#11 module: otp_worker MODULE LABEL COUNT [YYYYMMDDhhmmss], one a
// line, until one fails: then its return value goes to standard error and the exit code is 1. The access code
// is OTP_CODE. The token is the one whose label ends in "(OTP)".
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST *p11;

static void must(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", what, rv);
    exit(1);
}

static CK_SLOT_ID find_slot(void)
{
    CK_SLOT_ID list[16];
    CK_ULONG n = 16;
    must(p11->C_GetSlotList(CK_TRUE, list, &n), "C_GetSlotList");
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        if (p11->C_GetTokenInfo(list[i], &info) == CKR_OK &&
            memmem(info.label, sizeof info.label, "(OTP)", 5))
            return list[i];
    }
    must(CKR_TOKEN_NOT_PRESENT, "a slot (OTP)");
    return 0;
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session, char *label)
{
    CK_OBJECT_CLASS class = CKO_OTP_KEY;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, strlen(label)}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = 0;
    must(p11->C_FindObjectsInit(session, templ, 2), "C_FindObjectsInit");
    must(p11->C_FindObjects(session, &key, 1, &n), "C_FindObjects");
    must(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    must(n == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, "find the credential");
    return key;
}

static void print_code(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, char *time)
{
    CK_OTP_PARAM at = {CK_OTP_TIME, time, time != NULL ? strlen(time) : 0};
    CK_OTP_PARAMS params = {&at, 1};
    CK_MECHANISM m = {CKM_HOTP, time != NULL ? &params : NULL, time != NULL ? sizeof params : 0};
    CK_OTP_SIGNATURE_INFO *info = NULL;
    CK_ULONG n = 0;
    must(p11->C_SignInit(session, &m, key), "C_SignInit");
    must(p11->C_Sign(session, NULL, 0, NULL, &n), "C_Sign (length)");
    info = malloc(n);
    must(info != NULL ? CKR_OK : CKR_HOST_MEMORY, "malloc");
    must(p11->C_Sign(session, NULL, 0, (CK_BYTE *)info, &n), "C_Sign");
    for (CK_ULONG i = 0; i < info->ulCount; i++)
        if (info->pParams[i].type == CK_OTP_VALUE)
            printf("%.*s\n", (int)info->pParams[i].ulValueLen, (const char *)info->pParams[i].pValue);
    (void)fflush(stdout);
    free(info);
}

int main(int argc, char **argv)
{
    CK_C_GetFunctionList get;
    CK_SESSION_HANDLE session;
    void *library = argc >= 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return 2;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL)
        return 2;
    must(get(&p11), "C_GetFunctionList");
    must(p11->C_Initialize(NULL), "C_Initialize");
    must(p11->C_OpenSession(find_slot(), CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    char *code = getenv("OTP_CODE");
    if (code != NULL)
        must(p11->C_Login(session, CKU_USER, (CK_BYTE *)code, strlen(code)), "C_Login");
    CK_OBJECT_HANDLE key = find_key(session, argv[2]);
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--)
        print_code(session, key, argc > 4 ? argv[4] : NULL);
    must(p11->C_Finalize(NULL), "C_Finalize");
    return 0;
}
