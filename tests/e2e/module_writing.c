// Writing to a card call by call: data objects, certificates and keys that come and go, PIN, PUK and
// management key, C_InitToken, and the settings that a program starts with.
#include "module_objects.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS data_class = CKO_DATA, public_class = CKO_PUBLIC_KEY,
                       certificate_class = CKO_CERTIFICATE;

static int begin(void **state)
{
    static unsigned n;
    char name[20];
    (void)snprintf(name, sizeof name, "writing%u", n++);
    card_start(&card, name, *state);
    world_use(&card, NULL);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    card_stop(&card);
    return 0;
}

static void again(CK_USER_TYPE user, const char *pin)
{
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, user, pin), CKR_OK);
}

// ---- data objects ----

static CK_RV write_data(const char *label, const char *value, CK_OBJECT_HANDLE *o)
{
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof data_class},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_LABEL, bytes(label), strlen(label)},
                            {CKA_VALUE, bytes(value), strlen(value)}};
    return F->C_CreateObject(session, templ, 4, o);
}

static CK_OBJECT_HANDLE find_data(const char *label)
{
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof data_class},
                            {CKA_LABEL, bytes(label), strlen(label)}};
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG n = 0;
    assert_int_equal(F->C_FindObjectsInit(session, templ, 2), CKR_OK);
    assert_int_equal(F->C_FindObjects(session, &o, 1, &n), CKR_OK);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    return n == 1 ? o : 0;
}

// Another CHUID makes another card of it; without one there is none to be known by, and no PIN is kept for
// it.
static void test_chuid(void **state)
{
    (void)state;
    static const char label[] = "Card Holder Unique Identifier";
    static const CK_BYTE chuid[] = {0x34, 0x10, 1,  2,  3,  4,  5,  6,    7, 8,    9,
                                    10,   11,   12, 13, 14, 15, 16, 0x3E, 0, 0xFE, 0};
    CK_OBJECT_HANDLE o;
    CK_TOKEN_INFO before;
    CK_TOKEN_INFO after;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof data_class},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_LABEL, bytes(label), sizeof label - 1},
                            {CKA_VALUE, (void *)(uintptr_t)chuid, sizeof chuid}};
    assert_int_equal(F->C_GetTokenInfo(0, &before), CKR_OK);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256);
    assert_int_equal(F->C_CreateObject(session, templ, 4, &o), CKR_OK);
    again(CKU_USER, PIN);
    assert_int_equal(F->C_GetTokenInfo(0, &after), CKR_OK);
    assert_memory_not_equal(before.serialNumber, after.serialNumber, sizeof after.serialNumber);
    CK_BYTE signature[64];
    CK_ULONG n = sizeof signature;
    assert_int_equal(sign_once(session, find_one(session, CKO_PRIVATE_KEY, 1), CKM_ECDSA, signature, &n),
                     CKR_OK);
    again(CKU_SO, SO_PIN);
    assert_int_equal(write_data("Cardholder Facial Image", "face", &o), CKR_OK);
    assert_int_equal(write_data(label, "nothing", &o), CKR_OK);
    again(CKU_USER, PIN);
    assert_int_not_equal(find_data("Cardholder Facial Image"), 0);
    assert_int_equal(sign_once(session, find_one(session, CKO_PRIVATE_KEY, 1), CKM_ECDSA, signature, &n),
                     CKR_OK);
}

static void test_data_objects(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        bool pin;
    } rows[] = {{"Security Object", false}, {"Cardholder Facial Image", true}};
    CK_OBJECT_HANDLE o;
    CK_BYTE value[64];
    assert_int_equal(write_data("Security Object", "x", &o), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(write_data(rows[i].label, "", &o), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_int_equal(write_data(rows[i].label, "first", &o), CKR_OK);
        assert_int_equal(write_data(rows[i].label, "then", &o), CKR_OK);
    }
    assert_int_equal(write_data("Key History Object", "x", &o), CKR_ACTION_PROHIBITED); // the module's own
    assert_int_equal(write_data("Discovery Object", "x", &o), CKR_ACTION_PROHIBITED);
    again(CKU_USER, PIN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_BBOOL private = 7;
        CK_ATTRIBUTE a[] = {{CKA_VALUE, value, sizeof value}, {CKA_PRIVATE, &private, 1}};
        o = find_data(rows[i].label);
        assert_int_not_equal(o, 0);
        assert_int_equal(F->C_GetAttributeValue(session, o, a, 2), CKR_OK);
        assert_int_equal(a[0].ulValueLen, 4);
        assert_memory_equal(value, "then", 4);
        assert_int_equal(private, rows[i].pin);
        assert_int_equal(F->C_DestroyObject(session, o), CKR_USER_NOT_LOGGED_IN); // no management key
    }
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(find_data("Cardholder Facial Image"), 0);
    assert_int_not_equal(find_data("Security Object"), 0);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(F->C_DestroyObject(session, find_data("Security Object")), CKR_OK);
    assert_int_equal(find_data("Security Object"), 0);
    again(CKU_SO, SO_PIN);
    assert_int_equal(find_data("Security Object"), 0);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    CK_SESSION_HANDLE only_read = open_session(0, false);
    CK_SESSION_HANDLE kept = session;
    session = only_read;
    assert_int_equal(write_data("Security Object", "x", &o), CKR_SESSION_READ_ONLY);
    session = kept;
}

// ---- keys and certificates ----

static CK_RV write_certificate(const CK_BYTE *der, CK_ULONG n, const char *subject)
{
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_OBJECT_HANDLE o;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &certificate_class, sizeof certificate_class},
                            {CKA_CERTIFICATE_TYPE, &type, sizeof type},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_VALUE, (void *)(uintptr_t)der, n},
                            {CKA_SUBJECT, bytes(subject), strlen(subject)}};
    return F->C_CreateObject(session, templ, *subject != '\0' ? 5 : 4, &o);
}

static CK_ULONG value_of(CK_OBJECT_HANDLE o, CK_BYTE *out, CK_ULONG room)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, room};
    assert_int_equal(F->C_GetAttributeValue(session, o, &a, 1), CKR_OK);
    return a.ulValueLen;
}

static void test_certificates(void **state)
{
    (void)state;
    CK_BYTE der[2000];
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256);
    make_key(session, 4, KEY_P256);
    make_certificate(session, 4, 1000);
    CK_OBJECT_HANDLE o = find_one(session, CKO_CERTIFICATE, 4);
    CK_ULONG n = value_of(o, der, sizeof der);
    assert_int_equal(F->C_DestroyObject(session, o), CKR_OK);
    assert_int_equal(find_one(session, CKO_CERTIFICATE, 4), 0);
    assert_int_not_equal(find_one(session, CKO_PUBLIC_KEY, 4), 0); // the key is still there
    again(CKU_SO, SO_PIN);
    assert_int_equal(write_certificate(der, n - 1, ""), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(write_certificate(der, n, "someone else"), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(write_certificate(der, n, ""), CKR_OK); // without an id: to its key
    assert_int_not_equal(find_one(session, CKO_CERTIFICATE, 4), 0);
    assert_int_equal(find_one(session, CKO_CERTIFICATE, 1), 0);
    CK_BYTE id = 1;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE foreign[] = {{CKA_CLASS, &certificate_class, sizeof certificate_class},
                              {CKA_CERTIFICATE_TYPE, &type, sizeof type},
                              {CKA_TOKEN, &yes, 1},
                              {CKA_VALUE, der, n},
                              {CKA_ID, &id, 1}};
    assert_int_equal(F->C_CreateObject(session, foreign, 5, &o),
                     CKR_ATTRIBUTE_VALUE_INVALID); // of another key
    // What a certificate says can't be set; its label and id can.
    o = find_one(session, CKO_CERTIFICATE, 4);
    CK_ATTRIBUTE subject[] = {{CKA_SUBJECT, bytes("x"), 1}, {CKA_LABEL, bytes("mine"), 4}};
    assert_int_not_equal(F->C_SetAttributeValue(session, o, subject, 1), CKR_OK);
    assert_int_equal(F->C_SetAttributeValue(session, o, subject + 1, 1), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PUBLIC_KEY, 4);
    assert_int_equal(F->C_SetAttributeValue(session, key, subject, 1), CKR_OK); // said, and passed over
    assert_int_equal(F->C_SetAttributeValue(session, key, subject, 2), CKR_ACTION_PROHIBITED);
    assert_int_equal(F->C_SetAttributeValue(session, 0, subject, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    CK_SESSION_HANDLE only_read = open_session(0, false);
    assert_int_equal(F->C_SetAttributeValue(only_read, o, subject + 1, 1), CKR_SESSION_READ_ONLY);
    assert_int_equal(F->C_DestroyObject(only_read, o), CKR_SESSION_READ_ONLY);
}

// A public key needs no writing: one that is there is the same, another has no place.
static void test_public_keys(void **state)
{
    (void)state;
    CK_KEY_TYPE ec = CKK_EC;
    CK_BYTE params[10];
    CK_BYTE point[67];
    CK_BYTE id = 4;
    CK_OBJECT_HANDLE o;
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 4, KEY_P256);
    CK_OBJECT_HANDLE have = find_one(session, CKO_PUBLIC_KEY, 4);
    CK_ATTRIBUTE templ[] = {{CKA_EC_PARAMS, params, sizeof params},
                            {CKA_EC_POINT, point, sizeof point},
                            {CKA_CLASS, &public_class, sizeof public_class},
                            {CKA_KEY_TYPE, &ec, sizeof ec},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_ID, &id, 1}};
    assert_int_equal(F->C_GetAttributeValue(session, have, templ, 2), CKR_OK);
    assert_int_equal(F->C_CreateObject(session, templ, 6, &o), CKR_OK);
    assert_int_equal(o, have);
    id = 3;
    assert_int_equal(F->C_CreateObject(session, templ, 6, &o), CKR_ACTION_PROHIBITED);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    size_t n = 65;
    assert_int_equal(EVP_PKEY_get_octet_string_param(other, "pub", point + 2, n, &n), 1);
    EVP_PKEY_free(other);
    id = 4;
    assert_int_equal(F->C_CreateObject(session, templ, 6, &o), CKR_ACTION_PROHIBITED);
}

static void test_destroyed_keys(void **state)
{
    bool can = strcmp(*state, "yubikey-5.7") == 0;
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 4, KEY_P256);
    CK_ATTRIBUTE label = {CKA_LABEL, bytes("going"), 5};
    CK_OBJECT_HANDLE private = find_one(session, CKO_PRIVATE_KEY, 4);
    assert_int_equal(F->C_SetAttributeValue(session, private, &label, 1), CKR_OK);
    CK_OBJECT_HANDLE public = find_one(session, CKO_PUBLIC_KEY, 4);
    assert_int_equal(F->C_DestroyObject(session, public), CKR_ACTION_PROHIBITED); // a view of the private one
    assert_int_equal(F->C_DestroyObject(session, private), can ? CKR_OK : CKR_ACTION_PROHIBITED);
    assert_int_equal(F->C_DestroyObject(session, public), can ? CKR_OK : CKR_ACTION_PROHIBITED);
    again(CKU_SO, SO_PIN);
    assert_int_equal(find_one(session, CKO_PRIVATE_KEY, 4) != 0, !can);
    assert_int_equal(find_one(session, CKO_PUBLIC_KEY, 4) != 0, !can);
    assert_int_equal(find_count(session, &label, 1), can ? 0 : 2);
}

// Keys of every kind that the card makes, and what can't be one.
static void test_generated_pairs(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *params;
        CK_RV rv;
    } rows[] = {
        {CKM_EC_KEY_PAIR_GEN, "06082a8648ce3d030107", CKR_OK},
        {CKM_EC_KEY_PAIR_GEN, "06052b81040022", CKR_OK},
        {CKM_EC_EDWARDS_KEY_PAIR_GEN, "06032b6570", CKR_OK},
        {CKM_EC_EDWARDS_KEY_PAIR_GEN, "130c656477617264733235353139", CKR_OK}, // by name
        {CKM_EC_MONTGOMERY_KEY_PAIR_GEN, "06032b656e", CKR_OK},
        {CKM_EC_KEY_PAIR_GEN, "06052b81040023", CKR_CURVE_NOT_SUPPORTED}, // P-521
        {CKM_EC_KEY_PAIR_GEN, "06032b6570", CKR_CURVE_NOT_SUPPORTED},
        {CKM_EC_KEY_PAIR_GEN, "0500", CKR_CURVE_NOT_SUPPORTED},
    };
    CK_BYTE id = 3;
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE public;
    CK_OBJECT_HANDLE private;
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_MECHANISM m = {rows[i].type, NULL, 0};
        CK_ATTRIBUTE pub[] = {{CKA_ID, &id, 1},
                              {CKA_EC_PARAMS, hex_of(rows[i].params), strlen(rows[i].params) / 2}};
        CK_ATTRIBUTE priv[] = {{CKA_TOKEN, &yes, 1}, {CKA_ALWAYS_AUTHENTICATE, i % 2 ? &yes : &no, 1}};
        assert_int_equal(F->C_GenerateKeyPair(session, &m, pub, 2, priv, 2, &public, &private), rows[i].rv);
    }
    CK_MECHANISM rsa = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 1536;
    CK_BYTE exponent[] = {3};
    CK_BYTE other_id = 4;
    CK_ATTRIBUTE pub[] = {
        {CKA_ID, &id, 1}, {CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, 1}};
    CK_ATTRIBUTE priv[] = {{CKA_TOKEN, &yes, 1}, {CKA_ID, &other_id, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 2, priv, 1, &public, &private),
                     CKR_KEY_SIZE_RANGE);
    bits = 2048;
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 3, priv, 1, &public, &private),
                     CKR_ATTRIBUTE_VALUE_INVALID); // the card takes 65537
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 2, priv, 2, &public, &private),
                     CKR_TEMPLATE_INCONSISTENT); // two ids
    other_id = 3;
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 2, priv, 3, &public, &private),
                     CKR_TEMPLATE_INCONSISTENT); // it stays there
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 2, NULL, 0, &public, &private),
                     CKR_TEMPLATE_INCONSISTENT); // on the card only
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 1, priv, 1, &public, &private),
                     CKR_TEMPLATE_INCOMPLETE);
    CK_MECHANISM with = {CKM_RSA_PKCS_KEY_PAIR_GEN, exponent, 1};
    assert_int_equal(F->C_GenerateKeyPair(session, &with, pub, 2, priv, 1, &public, &private),
                     CKR_MECHANISM_PARAM_INVALID);
    rsa.mechanism = CKM_RSA_PKCS;
    assert_int_equal(F->C_GenerateKeyPair(session, &rsa, pub, 2, priv, 1, &public, &private),
                     CKR_MECHANISM_INVALID);
}

// ---- PIN, PUK, management key ----

static CK_RV set_pin(const char *old, const char *fresh)
{
    return F->C_SetPIN(session, bytes(old), strlen(old), bytes(fresh), strlen(fresh));
}

#define NEW_KEY "a1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718"

static void test_pins(void **state)
{
    bool yubikey = strncmp(*state, "yubikey", 7) == 0;
    assert_int_equal(set_pin(PIN, "12345"), CKR_PIN_LEN_RANGE);
    assert_int_equal(set_pin(PIN, "123456789"), CKR_PIN_LEN_RANGE);
    assert_int_equal(set_pin("999999", "654321"), CKR_PIN_INCORRECT);
    assert_int_equal(set_pin(PIN, "654321"), CKR_OK); // the PIN, without a login
    assert_int_equal(login(session, CKU_USER, PIN), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "654321"), CKR_OK);
    assert_int_equal(set_pin("654321", PIN), CKR_OK); // and with one, which goes on
    assert_int_equal(F->C_Logout(session), CKR_OK);
    CK_SESSION_HANDLE kept = session;
    session = open_session(0, false);
    assert_int_equal(set_pin(PIN, "654321"), CKR_SESSION_READ_ONLY);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    session = kept;

    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(set_pin(PUK, "87654321"), CKR_OK); // the PUK
    assert_int_equal(F->C_InitPIN(session, bytes("111111"), 6),
                     CKR_FUNCTION_NOT_SUPPORTED); // no command for it
    assert_int_equal(set_pin(NEW_KEY, SO_PIN), CKR_PIN_INCORRECT);
    assert_int_equal(set_pin(SO_PIN, "not a key"), CKR_PIN_LEN_RANGE);
    assert_int_equal(set_pin(SO_PIN, "zzb2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718"), CKR_PIN_INVALID);
    CK_RV rv = set_pin(SO_PIN, NEW_KEY);
    if (yubikey)
        assert_int_equal(rv, CKR_OK);
    else
        assert_int_not_equal(rv, CKR_OK); // a plain card has no command for it
    make_key(session, 4, KEY_P256);       // the login goes on with the one that holds
    again(CKU_SO, yubikey ? NEW_KEY : SO_PIN);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_SO, yubikey ? SO_PIN : NEW_KEY), CKR_PIN_INCORRECT);

    assert_int_equal(login(session, CKU_SO, PUK), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_SO, "87654321"), CKR_OK); // by the PUK
    assert_int_equal(F->C_InitPIN(session, bytes("11111"), 5), CKR_PIN_LEN_RANGE);
    assert_int_equal(F->C_InitPIN(session, bytes("111111"), 6), CKR_OK);
    assert_int_equal(set_pin("87654321", PUK), CKR_OK);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(F->C_InitPIN(session, bytes("111111"), 6), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_USER, "111111"), CKR_OK);
}

static void test_init_token(void **state)
{
    bool can = strncmp(*state, "yubikey", 7) == 0;
    CK_UTF8CHAR label[32];
    memset(label, ' ', sizeof label);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 4, KEY_P256);
    assert_int_equal(set_pin(PUK, "87654321"), CKR_OK);
    assert_int_equal(F->C_InitToken(0, bytes(SO_PIN), 48, label), CKR_SESSION_EXISTS);
    assert_int_equal(F->C_CloseAllSessions(0), CKR_OK);
    assert_int_equal(F->C_InitToken(0, bytes(SO_PIN), 48, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(F->C_InitToken(99, bytes(SO_PIN), 48, label), CKR_SLOT_ID_INVALID);
    CK_RV rv = F->C_InitToken(0, bytes(NEW_KEY), 48, label);
    assert_int_equal(rv, can ? CKR_PIN_INCORRECT : CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(F->C_InitToken(0, bytes(SO_PIN), 48, label), can ? CKR_OK : CKR_FUNCTION_NOT_SUPPORTED);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    assert_int_equal(find_one(session, CKO_PUBLIC_KEY, 4) != 0, !can);
    assert_int_equal(set_pin("87654321", PUK), can ? CKR_PIN_INCORRECT : CKR_OK); // the first PUK is back
}

// ---- settings ----

static CK_ULONG slots_with(const char *text)
{
    char path[300];
    CK_ULONG n = 0;
    (void)snprintf(path, sizeof path, "%s/pkcs11.conf", world_dir());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    setenv("INGAM_PKCS11_CONF", path, 1);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_int_equal(F->C_GetSlotList(CK_FALSE, NULL, &n), CKR_OK);
    unsetenv("INGAM_PKCS11_CONF");
    return n;
}

static void test_settings(void **state)
{
    (void)state;
    assert_int_equal(slots_with(""), 1);
    assert_int_equal(slots_with("slots = 3\n"), 3);
    assert_int_equal(slots_with("  slots=5 # as many\n# slots = 9\nunknown = 7\nno line\n"), 5);
    assert_int_equal(slots_with("slots = 0\n"), 1);
    assert_int_equal(slots_with("slots = 17\n"), 1);
    assert_int_equal(slots_with("slots = many\n"), 1);
    assert_int_equal(slots_with("slots = 2\nslots = 4\n"), 4); // the later one
    setenv("INGAM_SLOTS", "6", 1);
    assert_int_equal(slots_with("slots = 3\n"), 6); // and the environment above all
    unsetenv("INGAM_SLOTS");
    // the words that say nothing here are at least taken
    assert_int_equal(slots_with("pin-pad = no\nbusy-ms = 10\nlast-try = 1\npin-entry = pinentry:/nowhere\n"
                                "pin-entry-seconds = 5\ntouch-notify = /nowhere\notp-slot = no\nslots = 2\n"),
                     2);
    // $XDG_CONFIG_HOME/ingam/pkcs11.conf
    char path[300];
    CK_ULONG n = 0;
    (void)snprintf(path, sizeof path, "%s/ingam", world_dir());
    assert_int_equal(mkdir(path, 0700), 0);
    (void)strcat(path, "/pkcs11.conf");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("slots = 7\n", f);
    (void)fclose(f);
    setenv("XDG_CONFIG_HOME", world_dir(), 1);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_int_equal(F->C_GetSlotList(CK_FALSE, NULL, &n), CKR_OK);
    assert_int_equal(n, 7);
    unsetenv("XDG_CONFIG_HOME");
}

int main(void)
{
#define ON(name, profile)                                                                                    \
    {                                                                                                        \
#name " " profile, name, begin, end, (void *)(uintptr_t)profile                                      \
    }
    const struct CMUnitTest tests[] = {
        ON(test_chuid, "piv"),
        ON(test_data_objects, "piv"),
        ON(test_certificates, "piv"),
        ON(test_certificates, "yubikey-5.4"),
        ON(test_public_keys, "piv"),
        ON(test_destroyed_keys, "piv"),
        ON(test_destroyed_keys, "yubikey-5.7"),
        ON(test_generated_pairs, "yubikey-5.7"),
        ON(test_pins, "piv"),
        ON(test_pins, "yubikey-5.4"),
        ON(test_init_token, "piv"),
        ON(test_init_token, "yubikey-5.4"),
        ON(test_settings, "piv"),
    };
    setenv("HOME", world_dir(), 1); // nothing of the user's
    unsetenv("XDG_CONFIG_HOME");
    module_load_newest();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
