// Session objects for tests of the module.
#include "module_objects.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST_3_2 *G;

void module_load_newest(void)
{
    CK_C_GetInterface get;
    CK_INTERFACE *interface = NULL;
    CK_VERSION newest = {3, 2};
    module_load();
    *(void **)&get = dlsym(module_handle, "C_GetInterface");
    assert_non_null(get);
    assert_int_equal(get((CK_UTF8CHAR *)(uintptr_t) "PKCS 11", &newest, &interface, 0), CKR_OK);
    G = interface->pFunctionList;
}

struct card_process card;
CK_SESSION_HANDLE session;

void one_card(const char *name)
{
    card_start(&card, name, "piv");
    world_use(&card, NULL);
    module_load_newest();
}

int one_card_stop(void **state)
{
    (void)state;
    card_stop(&card);
    return 0;
}

int session_begin(void **state)
{
    (void)state;
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    return 0;
}

int session_end(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    return 0;
}

CK_BYTE *bytes(const char *text)
{
    return (CK_BYTE *)(uintptr_t)text;
}

size_t hex(const char *text, CK_BYTE *out)
{
    size_t n = 0;
    for (; *text != '\0'; text += 2) {
        const char pair[3] = {text[0], text[1], '\0'};
        out[n++] = (CK_BYTE)strtoul(pair, NULL, 16);
    }
    return n;
}

CK_BYTE *hex_of(const char *text)
{
    static CK_BYTE rooms[8][600];
    static unsigned next;
    CK_BYTE *out = rooms[next++ % 8];
    assert_true(strlen(text) / 2 <= sizeof rooms[0]);
    (void)hex(text, out);
    return out;
}

CK_MECHANISM mechanism(CK_MECHANISM_TYPE type, void *param, CK_ULONG n)
{
    return (CK_MECHANISM){type, param, n};
}

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

CK_OBJECT_HANDLE make_secret(CK_SESSION_HANDLE in, CK_KEY_TYPE type, const CK_BYTE *value, CK_ULONG n)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_OBJECT_HANDLE key = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_VALUE, (void *)(uintptr_t)value, n},
                            {CKA_ENCRYPT, &yes, 1},
                            {CKA_DECRYPT, &yes, 1},
                            {CKA_SIGN, &yes, 1},
                            {CKA_VERIFY, &yes, 1},
                            {CKA_WRAP, &yes, 1},
                            {CKA_UNWRAP, &yes, 1},
                            {CKA_DERIVE, &yes, 1}};
    assert_int_equal(F->C_CreateObject(in, templ, sizeof templ / sizeof *templ, &key), CKR_OK);
    return key;
}

CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE in, const char *value)
{
    return make_secret(in, CKK_AES, hex_of(value), strlen(value) / 2);
}

static const struct {
    CK_KEY_TYPE type;
    const char *oid;
} curves[MADE_CURVES] = {
    [MADE_P256] = {CKK_EC, "06082a8648ce3d030107"},
    [MADE_P384] = {CKK_EC, "06052b81040022"},
    [MADE_ED25519] = {CKK_EC_EDWARDS, "06032b6570"},
    [MADE_X25519] = {CKK_EC_MONTGOMERY, "06032b656e"},
};

CK_OBJECT_HANDLE make_ec_private(CK_SESSION_HANDLE in, enum made_curve curve, const char *scalar)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = curves[curve].type;
    CK_OBJECT_HANDLE key = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_PRIVATE, &no, 1},
                            {CKA_EC_PARAMS, hex_of(curves[curve].oid), strlen(curves[curve].oid) / 2},
                            {CKA_VALUE, hex_of(scalar), strlen(scalar) / 2},
                            {CKA_SIGN, &yes, 1},
                            {CKA_DERIVE, &yes, 1}};
    assert_int_equal(F->C_CreateObject(in, templ, sizeof templ / sizeof *templ, &key), CKR_OK);
    return key;
}

CK_OBJECT_HANDLE make_ec_public(CK_SESSION_HANDLE in, enum made_curve curve, const char *point)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = curves[curve].type;
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE der[200] = {0x04, (CK_BYTE)(strlen(point) / 2)};
    size_t n = 2 + hex(point, der + 2);
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_EC_PARAMS, hex_of(curves[curve].oid), strlen(curves[curve].oid) / 2},
                            {CKA_EC_POINT, der, n},
                            {CKA_VERIFY, &yes, 1}};
    assert_int_equal(F->C_CreateObject(in, templ, sizeof templ / sizeof *templ, &key), CKR_OK);
    return key;
}
