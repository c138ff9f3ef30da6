// The second slot of a card: one-time passwords through PKCS#11, against the vectors of RFC 4226 and RFC
// 6238, and what they cost, refuse and leave of the first slot.
#include "module_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// docs/otp.md has these numbers.
#define CKA_INGAM_OTP_TYPE  (CKA_VENDOR_DEFINED | 0x494E4701UL)
#define CKA_INGAM_OTP_HASH  (CKA_VENDOR_DEFINED | 0x494E4702UL)
#define CKA_INGAM_OTP_TOUCH (CKA_VENDOR_DEFINED | 0x494E4703UL)

#define SECRET "1234567890123456789012345678901234567890123456789012345678901234"
#define CODE   "an access code"

static struct card_process card;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;

static CK_SLOT_ID second(void)
{
    CK_SLOT_ID list[4];
    CK_ULONG n = 4;
    assert_int_equal(F->C_GetSlotList(CK_TRUE, list, &n), CKR_OK);
    assert_int_equal(n, 2);
    return list[1];
}

static void begin(void)
{
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    slot = second();
    session = open_session(slot, true);
}

static int start(void **state)
{
    static unsigned n;
    char name[16];
    const char *profile = *state != NULL ? *state : "yubikey-5.7";
    (void)snprintf(name, sizeof name, "otp%u", n++);
    card_start(&card, name, profile);
    world_use(&card, NULL);
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

struct credential {
    const char *issuer, *account;
    CK_ULONG type, digits, period;
    CK_MECHANISM_TYPE hash;
    size_t secret;
    CK_BYTE counter;
    CK_BBOOL touch;
};

static CK_RV create(const struct credential *c, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_OTP_KEY;
    CK_KEY_TYPE kind = CKK_HOTP;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE templ[13] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &kind, sizeof kind},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VALUE, (void *)(uintptr_t)SECRET, c->secret},
        {CKA_OTP_SERVICE_IDENTIFIER, (void *)(uintptr_t)c->issuer, strlen(c->issuer)},
        {CKA_OTP_USER_IDENTIFIER, (void *)(uintptr_t)c->account, strlen(c->account)},
        {CKA_INGAM_OTP_TYPE, (void *)(uintptr_t)&c->type, sizeof c->type},
        {CKA_INGAM_OTP_HASH, (void *)(uintptr_t)&c->hash, sizeof c->hash},
        {CKA_OTP_LENGTH, (void *)(uintptr_t)&c->digits, sizeof c->digits},
    };
    CK_ULONG n = 9;
    if (c->period != 0)
        templ[n++] = (CK_ATTRIBUTE){CKA_OTP_TIME_INTERVAL, (void *)(uintptr_t)&c->period, sizeof c->period};
    if (c->counter != 0)
        templ[n++] = (CK_ATTRIBUTE){CKA_OTP_COUNTER, (void *)(uintptr_t)&c->counter, 1};
    if (c->touch)
        templ[n++] = (CK_ATTRIBUTE){CKA_INGAM_OTP_TOUCH, &yes, sizeof yes};
    return F->C_CreateObject(session, templ, n, out);
}

static CK_OBJECT_HANDLE made(const struct credential *c)
{
    CK_OBJECT_HANDLE key = 0;
    assert_int_equal(create(c, &key), CKR_OK);
    assert_int_not_equal(key, 0);
    return key;
}

static CK_RV ask(CK_OBJECT_HANDLE key, CK_OTP_PARAM *param, CK_ULONG count, char *text)
{
    CK_OTP_PARAMS params = {param, count};
    CK_MECHANISM m = {CKM_HOTP, count > 0 ? &params : NULL, count > 0 ? sizeof params : 0};
    CK_BYTE out[256];
    CK_OTP_SIGNATURE_INFO info;
    CK_ULONG n = sizeof out;
    CK_RV rv = F->C_SignInit(session, &m, key);
    if (rv == CKR_OK)
        rv = F->C_Sign(session, NULL, 0, out, &n);
    if (rv != CKR_OK)
        return rv;
    memcpy(&info, out, sizeof info);
    assert_true(info.ulCount >= 1);
    assert_int_equal(info.pParams[0].type, CK_OTP_VALUE);
    // The value lies within the caller's buffer.
    const CK_BYTE *value = info.pParams[0].pValue;
    assert_true(value > out && value + info.pParams[0].ulValueLen <= out + n);
    memcpy(text, value, info.pParams[0].ulValueLen);
    text[info.pParams[0].ulValueLen] = '\0';
    return CKR_OK;
}

static void gives(CK_OBJECT_HANDLE key, const char *time, const char *wanted)
{
    char text[16];
    CK_OTP_PARAM at = {CK_OTP_TIME, (void *)(uintptr_t)time, time != NULL ? strlen(time) : 0};
    assert_int_equal(ask(key, &at, time != NULL ? 1 : 0, text), CKR_OK);
    assert_string_equal(text, wanted);
}

// RFC 4226, appendix D.
static const char *const hotp[10] = {"755224", "287082", "359152", "969429", "338314",
                                     "254676", "287922", "162583", "399871", "520489"};

static void rfc_4226(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key = made(&(struct credential){"Bank", "kim", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    for (size_t i = 0; i < 10; i++)
        gives(key, NULL, hotp[i]);
    CK_OBJECT_HANDLE late = made(&(struct credential){"Bank", "late", 1, 6, 0, CKM_SHA_1, 20, 7, 0});
    gives(late, NULL, hotp[7]);
    // The counter goes on after the power was off.
    (void)F->C_Finalize(NULL);
    card_stop(&card);
    card_again(&card, *state != NULL ? *state : "yubikey-5.7");
    begin();
    CK_ATTRIBUTE account = {CKA_OTP_USER_IDENTIFIER, (void *)(uintptr_t) "late", 4};
    CK_ULONG n = 0;
    assert_int_equal(F->C_FindObjectsInit(session, &account, 1), CKR_OK);
    assert_int_equal(F->C_FindObjects(session, &late, 1, &n), CKR_OK);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(n, 1);
    gives(late, NULL, hotp[8]);
}

// RFC 6238, appendix B.
static void rfc_6238(void **state)
{
    (void)state;
    static const struct {
        const char *time, *sha1, *sha256, *sha512;
    } rows[] = {
        {"19700101000059", "94287082", "46119246", "90693936"},
        {"20050318015829", "07081804", "68084774", "25091201"},
        {"20050318015831", "14050471", "67062674", "99943326"},
        {"20090213233130", "89005924", "91819424", "93441116"},
        {"20330518033320", "69279037", "90698825", "38618901"},
        {"26031011113320", "65353130", "77737706", "47863826"},
    };
    CK_OBJECT_HANDLE a = made(&(struct credential){"", "sha1", 2, 8, 0, CKM_SHA_1, 20, 0, 0}),
                     b = made(&(struct credential){"", "sha256", 2, 8, 0, CKM_SHA256, 32, 0, 0}),
                     c = made(&(struct credential){"", "sha512", 2, 8, 30, CKM_SHA512, 64, 0, 0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gives(a, rows[i].time, rows[i].sha1);
        gives(b, rows[i].time, rows[i].sha256);
        gives(c, rows[i].time, rows[i].sha512);
    }
    // Another period: 59 seconds of 60 are still the first, whose number is 0.
    CK_OBJECT_HANDLE slow = made(&(struct credential){"", "slow", 2, 6, 60, CKM_SHA_1, 20, 0, 0});
    gives(slow, "19700101000059", hotp[0]);
    gives(slow, "19700101000100", hotp[1]);
}

static CK_ULONG number(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG v = 0;
    CK_ATTRIBUTE a = {type, &v, sizeof v};
    assert_int_equal(F->C_GetAttributeValue(session, key, &a, 1), CKR_OK);
    return v;
}

static CK_RV reads(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE a = {type, NULL, 0};
    return F->C_GetAttributeValue(session, key, &a, 1);
}

static void has_text(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, const char *wanted)
{
    char v[80];
    CK_ATTRIBUTE a = {type, v, sizeof v - 1};
    assert_int_equal(F->C_GetAttributeValue(session, key, &a, 1), CKR_OK);
    v[a.ulValueLen] = '\0';
    assert_string_equal(v, wanted);
}

static CK_OBJECT_HANDLE by_label(const char *label)
{
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = 0;
    CK_ATTRIBUTE a = {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)};
    assert_int_equal(F->C_FindObjectsInit(session, &a, 1), CKR_OK);
    assert_int_equal(F->C_FindObjects(session, &key, 1, &n), CKR_OK);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    return n == 1 ? key : 0;
}

// As a program that comes later finds them: from the card alone.
static void attributes(void **state)
{
    (void)state;
    (void)made(&(struct credential){"Bank", "kim", 1, 8, 0, CKM_SHA256, 20, 0, 0});
    (void)made(&(struct credential){"Shop", "lee@shop", 2, 7, 60, CKM_SHA_1, 20, 0, 1});
    (void)F->C_Finalize(NULL);
    begin();
    CK_OBJECT_HANDLE h = by_label("Bank:kim"), t = by_label("Shop:lee@shop");
    assert_true(h != 0 && t != 0);
    assert_int_equal(number(h, CKA_KEY_TYPE), CKK_HOTP);
    assert_int_equal(number(h, CKA_CLASS), CKO_OTP_KEY);
    assert_int_equal(number(h, CKA_OTP_FORMAT), CK_OTP_FORMAT_DECIMAL);
    assert_int_equal(number(h, CKA_OTP_LENGTH), 8);
    assert_int_equal(number(h, CKA_OTP_TIME_REQUIREMENT), CK_OTP_PARAM_IGNORED);
    assert_int_equal(number(h, CKA_OTP_COUNTER_REQUIREMENT), CK_OTP_PARAM_IGNORED);
    assert_int_equal(number(h, CKA_INGAM_OTP_TYPE), 1);
    assert_int_equal(number(h, CKA_INGAM_OTP_HASH), CKM_SHA256);
    assert_int_equal(reads(h, CKA_OTP_COUNTER), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(reads(h, CKA_OTP_TIME_INTERVAL), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(reads(h, CKA_INGAM_OTP_TOUCH), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(reads(h, CKA_VALUE), CKR_ATTRIBUTE_SENSITIVE);
    has_text(h, CKA_OTP_SERVICE_IDENTIFIER, "Bank");
    has_text(h, CKA_OTP_USER_IDENTIFIER, "kim");
    assert_int_equal(number(t, CKA_OTP_LENGTH), 7);
    assert_int_equal(number(t, CKA_OTP_TIME_REQUIREMENT), CK_OTP_PARAM_OPTIONAL);
    assert_int_equal(number(t, CKA_OTP_TIME_INTERVAL), 60);
    assert_int_equal(number(t, CKA_INGAM_OTP_TYPE), 2);
    has_text(t, CKA_ID, "60/Shop:lee@shop");
    has_text(t, CKA_INGAM_OTP_TOUCH, "\x01");
    CK_TOKEN_INFO info;
    assert_int_equal(F->C_GetTokenInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_INITIALIZED, CKF_TOKEN_INITIALIZED);
    assert_non_null(memmem(info.label, sizeof info.label, " (OTP)", 6));
    assert_int_equal(info.flags & (CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_RNG), 0);
}

static void renamed_and_deleted(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key = made(&(struct credential){"Bank", "kim", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    (void)made(&(struct credential){"Bank", "lee", 2, 6, 60, CKM_SHA_1, 20, 0, 0});
    // A name that is there isn't replaced by accident, neither by a new credential nor by a new name.
    CK_OBJECT_HANDLE other;
    assert_int_equal(create(&(struct credential){"Bank", "kim", 1, 6, 0, CKM_SHA_1, 20, 0, 0}, &other),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    CK_ATTRIBUTE account = {CKA_OTP_USER_IDENTIFIER, (void *)(uintptr_t) "park", 4};
    assert_int_equal(F->C_SetAttributeValue(session, key, &account, 1), CKR_OK);
    has_text(key, CKA_LABEL, "Bank:park");
    gives(key, NULL, hotp[0]);
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t) "Shop:choi", 9};
    assert_int_equal(F->C_SetAttributeValue(session, key, &label, 1), CKR_OK);
    (void)F->C_Finalize(NULL);
    begin();
    assert_int_equal(by_label("Bank:kim"), 0);
    key = by_label("Shop:choi");
    gives(key, NULL, hotp[1]);
    CK_OBJECT_HANDLE timed = by_label("Bank:lee");
    CK_ATTRIBUTE issuer = {CKA_OTP_SERVICE_IDENTIFIER, NULL, 0};
    assert_int_equal(F->C_SetAttributeValue(session, timed, &issuer, 1), CKR_OK);
    has_text(timed, CKA_ID, "60/lee");
    CK_ATTRIBUTE clash = {CKA_LABEL, (void *)(uintptr_t) "lee", 3};
    (void)made(&(struct credential){"", "third", 2, 6, 60, CKM_SHA_1, 20, 0, 0});
    assert_int_equal(F->C_SetAttributeValue(session, by_label("third"), &clash, 1),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    CK_ATTRIBUTE id = {CKA_ID, (void *)(uintptr_t) "x", 1};
    assert_int_equal(F->C_SetAttributeValue(session, key, &id, 1), CKR_ACTION_PROHIBITED);
    assert_int_equal(F->C_DestroyObject(session, key), CKR_OK);
    assert_int_equal(F->C_DestroyObject(session, key), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(by_label("Shop:choi"), 0);
    (void)F->C_Finalize(NULL);
    begin();
    assert_int_equal(by_label("Shop:choi"), 0);
    assert_int_not_equal(by_label("lee"), 0);
}

static void refuses(CK_OBJECT_HANDLE key, CK_ULONG type, const void *value, CK_ULONG len)
{
    CK_OTP_PARAM param = {type, (void *)(uintptr_t)value, len};
    char text[16];
    assert_int_equal(ask(key, &param, 1, text), CKR_MECHANISM_PARAM_INVALID);
}

static void parameters(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE h = made(&(struct credential){"", "h", 1, 6, 0, CKM_SHA_1, 20, 0, 0}),
                     t = made(&(struct credential){"", "t", 2, 8, 0, CKM_SHA_1, 20, 0, 0});
    CK_BYTE counter[8] = {0};
    CK_ULONG hex = CK_OTP_FORMAT_HEXADECIMAL, nine = 9, seven = 7, no_time = CKF_EXCLUDE_TIME,
             next = CKF_NEXT_OTP;
    refuses(h, CK_OTP_COUNTER, counter, sizeof counter);
    refuses(h, 7 /* CK_OTP_OUTPUT_FORMAT */, &hex, sizeof hex);
    refuses(h, CK_OTP_OUTPUT_LENGTH, &nine, sizeof nine);
    refuses(h, CK_OTP_OUTPUT_LENGTH, &seven, 4);
    refuses(h, CK_OTP_FLAGS, &no_time, sizeof no_time);
    refuses(h, CK_OTP_FLAGS, &next, sizeof next);
    refuses(t, CK_OTP_TIME, "20230229000000", 14);
    refuses(t, CK_OTP_TIME, "2023010100000", 13);
    refuses(t, CK_OTP_TIME, "2023010100000x", 14);
    refuses(t, 99, counter, 1);
    CK_OTP_PARAM twice[] = {{CK_OTP_TIME, (void *)(uintptr_t) "19700101000029", 14},
                            {CK_OTP_TIME, (void *)(uintptr_t) "19700101000059", 14}};
    char text[16];
    assert_int_equal(ask(t, twice, 2, text), CKR_MECHANISM_PARAM_INVALID);
    CK_OTP_PARAM after[] = {{CK_OTP_TIME, (void *)(uintptr_t) "19700101000029", 14},
                            {CK_OTP_FLAGS, &next, sizeof next}};
    assert_int_equal(ask(t, after, 2, text), CKR_OK);
    assert_string_equal(text, "94287082");
    CK_OTP_PARAM shorter = {CK_OTP_OUTPUT_LENGTH, &seven, sizeof seven};
    assert_int_equal(ask(h, &shorter, 1, text), CKR_OK);
    assert_string_equal(text, "4755224"); // and none of the refused calls used a counter up
}

// Asking for the length, or giving too little room, uses no counter up.
static void room(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key = made(&(struct credential){"", "h", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    CK_MECHANISM m = {CKM_HOTP, NULL, 0}, sha = {CKM_SHA256, NULL, 0}, rsa = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE out[256], data = 0;
    CK_ULONG n = 0, little = 8;
    unsigned before = card_count(&card, "CALCULATE");
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_Sign(session, NULL, 0, NULL, &n), CKR_OK);
    assert_true(n > sizeof(CK_OTP_SIGNATURE_INFO) && n <= sizeof out);
    assert_int_equal(F->C_Sign(session, NULL, 0, out, &little), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(little, n);
    assert_int_equal(F->C_Sign(session, &data, 1, out, &n), CKR_DATA_LEN_RANGE);
    assert_int_equal(card_count(&card, "CALCULATE"), before);
    // Unaligned, in two steps.
    assert_int_equal(F->C_SignInit(session, &m, key), CKR_OK);
    n = sizeof out - 1;
    assert_int_equal(F->C_SignFinal(session, out + 1, &n), CKR_OK);
    CK_OTP_SIGNATURE_INFO info;
    CK_OTP_PARAM param;
    memcpy(&info, out + 1, sizeof info);
    memcpy(&param, info.pParams, sizeof param);
    assert_memory_equal(param.pValue, hotp[0], 6);
    // The slots of a card have no mechanism in common.
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_MECHANISM_INVALID);
    assert_int_equal(F->C_SignInit(session, &rsa, key), CKR_MECHANISM_INVALID);
    CK_MECHANISM_TYPE list[8];
    n = 8;
    assert_int_equal(F->C_GetMechanismList(slot, list, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0], CKM_HOTP);
    CK_MECHANISM_INFO about;
    assert_int_equal(F->C_GetMechanismInfo(0, CKM_HOTP, &about), CKR_MECHANISM_INVALID);
    assert_int_equal(F->C_GetMechanismInfo(slot, CKM_HOTP, &about), CKR_OK);
    assert_int_equal(about.flags, CKF_HW | CKF_SIGN);
}

static void access_code(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key = made(&(struct credential){"Bank", "kim", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    char text[16];
    CK_TOKEN_INFO info;
    assert_int_equal(login(session, CKU_USER, CODE), CKR_USER_PIN_NOT_INITIALIZED);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_USER_TYPE_INVALID);
    assert_int_equal(F->C_SetPIN(session, NULL, 0, (CK_BYTE *)(uintptr_t)CODE, strlen(CODE)), CKR_OK);
    assert_int_equal(by_label("Bank:kim"), 0);
    assert_int_equal(ask(key, NULL, 0, text), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(F->C_GetTokenInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    assert_int_equal(info.flags & CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_INITIALIZED);
    assert_int_equal(F->C_InitPIN(session, (CK_BYTE *)(uintptr_t) "x", 1), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, ""), CKR_PIN_LEN_RANGE);
    assert_int_equal(login(session, CKU_USER, CODE), CKR_OK);
    key = by_label("Bank:kim");
    gives(key, NULL, hotp[0]);
    // Nothing is left of the login on the card: the applet is locked again.
    CK_BBOOL hidden = CK_FALSE;
    CK_ATTRIBUTE is_private = {CKA_PRIVATE, &hidden, sizeof hidden};
    assert_int_equal(F->C_GetAttributeValue(session, key, &is_private, 1), CKR_OK);
    assert_int_equal(hidden, CK_TRUE);
    assert_int_equal(F->C_SetPIN(session, (CK_BYTE *)(uintptr_t) "wrong", 5, (CK_BYTE *)(uintptr_t) "y", 1),
                     CKR_PIN_INCORRECT);
    assert_int_equal(
        F->C_SetPIN(session, (CK_BYTE *)(uintptr_t)CODE, strlen(CODE), (CK_BYTE *)(uintptr_t) "new", 3),
        CKR_OK);
    gives(by_label("Bank:kim"), NULL, hotp[1]); // the login goes on with the new code
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(by_label("Bank:kim"), 0);
    assert_int_equal(login(session, CKU_USER, CODE), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "new"), CKR_OK);
    gives(by_label("Bank:kim"), NULL, hotp[2]);
}

// PIV goes on beside one-time passwords, and each pays for itself alone.
static void beside_piv(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    furnish(1);
    begin();
    CK_OBJECT_HANDLE code = made(&(struct credential){"", "h", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    CK_SESSION_HANDLE piv = open_session(0, false);
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    assert_int_equal(login(piv, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(piv, CKO_PRIVATE_KEY, 1);
    for (size_t i = 0; i < 3; i++) {
        len = sizeof signature;
        assert_int_equal(sign_once(piv, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
        check_signature(piv, 1, CKM_RSA_PKCS, signature, len);
        unsigned before = card_exchanges(&card);
        gives(code, NULL, hotp[i]);
        assert_int_equal(card_exchanges(&card) - before, 2);
    }
    unsigned verified = card_count(&card, "VERIFY"), before = card_exchanges(&card);
    len = sizeof signature;
    assert_int_equal(sign_once(piv, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    assert_int_equal(card_count(&card, "VERIFY") - verified, 2); // VERIFY and its end: no try was at risk
    print_message("a signature after a password: %u exchanges\n", card_exchanges(&card) - before);
    before = card_exchanges(&card);
    (void)find_count(session, NULL, 0);
    assert_int_equal(card_exchanges(&card) - before, 3);
    (void)find_count(session, NULL, 0);
    assert_int_equal(card_exchanges(&card) - before, 3);
}

#define TOGETHER 25

static void *sign_always(void *of)
{
    CK_SESSION_HANDLE piv = *(CK_SESSION_HANDLE *)of;
    CK_BYTE signature[512];
    for (uintptr_t i = 0; i < TOGETHER; i++) {
        CK_ULONG len = sizeof signature;
        if (sign_once(piv, find_one(piv, CKO_PRIVATE_KEY, 1), CKM_RSA_PKCS, signature, &len) != CKR_OK)
            return (void *)(i + 1);
    }
    return NULL;
}

// Both slots at once, from two threads: neither takes the card from the other in the middle.
static void together(void **state)
{
    (void)state;
    pthread_t other;
    void *failed = NULL;
    char last[16] = "";
    char text[16];
    (void)F->C_Finalize(NULL);
    furnish(1);
    begin();
    CK_OBJECT_HANDLE code = made(&(struct credential){"", "h", 1, 6, 0, CKM_SHA_1, 20, 0, 0});
    CK_SESSION_HANDLE piv = open_session(0, false);
    assert_int_equal(login(piv, CKU_USER, PIN), CKR_OK);
    assert_int_equal(pthread_create(&other, NULL, sign_always, &piv), 0);
    for (size_t i = 0; i < TOGETHER; i++) {
        assert_int_equal(ask(code, NULL, 0, text), CKR_OK);
        if (i < 10)
            assert_string_equal(text, hotp[i]);
        assert_string_not_equal(text, last);
        memcpy(last, text, sizeof last);
    }
    assert_int_equal(pthread_join(other, &failed), 0);
    assert_null(failed);
}

// Searches for what isn't in this slot don't reach the card: certificates, as browsers look for them.
static void searches(void **state)
{
    (void)state;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE, private_key = CKO_PRIVATE_KEY, profile = 9;
    CK_ATTRIBUTE a[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_CLASS, &certificate, sizeof certificate}};
    unsigned before = card_exchanges(&card);
    assert_int_equal(find_count(session, a, 2), 0);
    a[1].pValue = &private_key;
    assert_int_equal(find_count(session, a, 2), 0);
    a[1].pValue = &profile;
    assert_int_equal(find_count(session, a, 2), 1);
    CK_ATTRIBUTE subject = {CKA_SUBJECT, &yes, sizeof yes};
    assert_int_equal(find_count(session, &subject, 1), 0);
    assert_int_equal(card_exchanges(&card), before);
}

static void bad_templates(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key;
    static const struct credential bad[] = {
        {"", "d", 1, 5, 0, CKM_SHA_1, 20, 0, 0},    {"", "d", 1, 9, 0, CKM_SHA_1, 20, 0, 0},
        {"", "d", 3, 6, 0, CKM_SHA_1, 20, 0, 0},    {"", "d", 1, 6, 0, CKM_SHA384, 20, 0, 0},
        {"a:b", "c", 1, 6, 0, CKM_SHA_1, 20, 0, 0}, {"", "a:b", 1, 6, 0, CKM_SHA_1, 20, 0, 0},
        {"", "60/a", 2, 6, 0, CKM_SHA_1, 20, 0, 0}, {"", "d", 2, 6, 0, CKM_SHA_1, 20, 5, 0},
        {"", "d", 1, 6, 0, CKM_SHA_1, 0, 0, 0},     {"", SECRET "1", 1, 6, 0, CKM_SHA_1, 20, 0, 0},
    };
    unsigned before = card_exchanges(&card);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(create(&bad[i], &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create(&(struct credential){"Bank", "", 1, 6, 0, CKM_SHA_1, 20, 0, 0}, &key),
                     CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(card_exchanges(&card), before);
    (void)F->C_CloseSession(session);
    session = open_session(slot, false);
    assert_int_equal(create(&(struct credential){"", "d", 1, 6, 0, CKM_SHA_1, 20, 0, 0}, &key),
                     CKR_SESSION_READ_ONLY);
}

// The slot comes with the first card that has the applet, keeps its id, and its token goes with the card.
static void comes_and_goes(void **state)
{
    (void)state;
    CK_TOKEN_INFO token;
    assert_int_equal(F->C_GetTokenInfo(slot, &token), CKR_OK);
    assert_int_equal(token.flags & CKF_TOKEN_INITIALIZED, 0); // nothing is in it
    CK_SLOT_INFO info;
    CK_SLOT_ID list[4];
    CK_ULONG n = 4;
    card_stop(&card);
    assert_int_equal(F->C_GetSlotList(CK_FALSE, list, &n), CKR_OK);
    assert_int_equal(n, 2);
    CK_SLOT_ID event[2] = {9, 9};
    assert_int_equal(F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event[0], NULL), CKR_OK);
    assert_int_equal(F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event[1], NULL), CKR_OK);
    assert_true(event[0] == 0 && event[1] == slot);
    assert_int_equal(F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event[1], NULL), CKR_NO_EVENT);
    assert_int_equal(F->C_GetSlotInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_PRESENT, 0);
    CK_SESSION_INFO about;
    assert_int_equal(F->C_GetSessionInfo(session, &about), CKR_SESSION_HANDLE_INVALID);
    card_again(&card, "yubikey-5.7");
    assert_int_equal(second(), slot);
    assert_int_equal(F->C_GetSlotInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
    assert_non_null(memmem(info.slotDescription, sizeof info.slotDescription, " (OTP)", 6));
    (void)F->C_Finalize(NULL);
    setenv("INGAM_OTP_SLOT", "no", 1);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    unsetenv("INGAM_OTP_SLOT");
    n = 4;
    assert_int_equal(F->C_GetSlotList(CK_FALSE, list, &n), CKR_OK);
    assert_int_equal(n, 1);
}

#define ON(test, profile)                                                                                    \
    {                                                                                                        \
#test " on " profile, test, start, stop, (void *)(uintptr_t)profile                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(rfc_4226, "yubikey-5.4"),
        ON(rfc_4226, "yubikey-5.7"),
        ON(rfc_6238, "yubikey-5.4"),
        ON(rfc_6238, "yubikey-5.7"),
        cmocka_unit_test_setup_teardown(attributes, start, stop),
        cmocka_unit_test_setup_teardown(renamed_and_deleted, start, stop),
        cmocka_unit_test_setup_teardown(parameters, start, stop),
        cmocka_unit_test_setup_teardown(room, start, stop),
        cmocka_unit_test_setup_teardown(access_code, start, stop),
        cmocka_unit_test_setup_teardown(beside_piv, start, stop),
        cmocka_unit_test_setup_teardown(together, start, stop),
        cmocka_unit_test_setup_teardown(searches, start, stop),
        cmocka_unit_test_setup_teardown(bad_templates, start, stop),
        cmocka_unit_test_setup_teardown(comes_and_goes, start, stop),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
