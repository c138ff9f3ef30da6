// Fuzzes the whole module: a script of C_ calls over a card whose every answer is the input's, with memory
// and OpenSSL failing where the input says. The product is compiled as it is; the transport, malloc and
// OpenSSL are exchanged by the linker (--wrap).
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <p11-kit/pkcs11.h>

#include "card/base/wr.h"
#include "card/transport/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static struct {
    struct rd ops, replies;
    unsigned fail_in;   // the n-th thing that can fail does; 0: none
    bool honest_rest;   // after the input's answers come honest ones
    bool pin_given;     // the call under way has a PIN from its caller
    bool pin_failed;    // the card refused the last one
    unsigned exchanges; // of the call under way
    struct tp *tp;
} now;

// ---- what is exchanged by the linker ----

static bool fails(void)
{
    return now.fail_in != 0 && --now.fail_in == 0;
}

#define WRAP_POINTER(type, name, parameters, arguments)                                                      \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails() ? NULL : __real_##name arguments;                                                     \
    }
#define WRAP_INT(name, parameters, arguments)                                                                \
    int __real_##name parameters;                                                                            \
    int __wrap_##name parameters;                                                                            \
    int __wrap_##name parameters                                                                             \
    {                                                                                                        \
        return fails() ? 0 : __real_##name arguments;                                                        \
    }

WRAP_POINTER(void *, malloc, (size_t n), (n))
WRAP_POINTER(void *, calloc, (size_t n, size_t m), (n, m))
WRAP_POINTER(void *, realloc, (void *p, size_t n), (p, n))
WRAP_POINTER(char *, strdup, (const char *s), (s))
WRAP_POINTER(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
WRAP_POINTER(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), ())
WRAP_POINTER(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_new, (void), ())
WRAP_POINTER(OSSL_LIB_CTX *, OSSL_LIB_CTX_new, (void), ())
WRAP_POINTER(BIGNUM *, BN_bin2bn, (const unsigned char *s, int n, BIGNUM *out), (s, n, out))
WRAP_POINTER(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX * c, EVP_PKEY *k, const char *q),
             (c, k, q))
WRAP_POINTER(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX * c, const char *n, const char *q),
             (c, n, q))
WRAP_INT(EVP_PKEY_fromdata, (EVP_PKEY_CTX * c, EVP_PKEY **k, int s, OSSL_PARAM p[]), (c, k, s, p))
WRAP_INT(EVP_CipherUpdate, (EVP_CIPHER_CTX * c, unsigned char *o, int *n, const unsigned char *i, int m),
         (c, o, n, i, m))
WRAP_INT(RAND_bytes_ex, (OSSL_LIB_CTX * c, unsigned char *p, size_t n, unsigned s), (c, p, n, s))

// A P-256 certificate made by `openssl req -x509`, so that objects are there to be asked about.
static const uint8_t certificate[] = {
    0x30, 0x82, 0x01, 0x74, 0x30, 0x82, 0x01, 0x19, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x14, 0x3B, 0x3D,
    0x16, 0x41, 0xD0, 0x7B, 0x73, 0xF8, 0xD1, 0xDE, 0x8E, 0x08, 0xF6, 0x87, 0x3D, 0xBE, 0x35, 0xB3, 0x53,
    0xF3, 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x30, 0x0F, 0x31, 0x0D,
    0x30, 0x0B, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x04, 0x66, 0x75, 0x7A, 0x7A, 0x30, 0x1E, 0x17, 0x0D,
    0x32, 0x36, 0x31, 0x31, 0x32, 0x32, 0x30, 0x33, 0x32, 0x37, 0x31, 0x36, 0x5A, 0x17, 0x0D, 0x33, 0x36,
    0x31, 0x31, 0x31, 0x39, 0x30, 0x33, 0x32, 0x37, 0x31, 0x36, 0x5A, 0x30, 0x0F, 0x31, 0x0D, 0x30, 0x0B,
    0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x04, 0x66, 0x75, 0x7A, 0x7A, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
    0x03, 0x42, 0x00, 0x04, 0x9B, 0x90, 0xFA, 0x8A, 0x68, 0x96, 0xD1, 0xF2, 0x1B, 0x87, 0x45, 0x5F, 0xAD,
    0x06, 0x3F, 0x96, 0xF4, 0x85, 0xE0, 0x23, 0xDF, 0x9B, 0x6E, 0x55, 0x6B, 0x10, 0x3F, 0xA2, 0xB7, 0x20,
    0x89, 0x6A, 0xE6, 0x71, 0xA6, 0x1C, 0x23, 0x4C, 0xA1, 0xCE, 0x36, 0x87, 0x79, 0x72, 0x2A, 0xA7, 0x44,
    0x62, 0xE2, 0xC8, 0x77, 0x88, 0x57, 0x45, 0xCA, 0xAC, 0x86, 0x8B, 0xA9, 0x8B, 0x26, 0x78, 0xEE, 0x04,
    0xA3, 0x53, 0x30, 0x51, 0x30, 0x1D, 0x06, 0x03, 0x55, 0x1D, 0x0E, 0x04, 0x16, 0x04, 0x14, 0xEB, 0x80,
    0x56, 0x1A, 0x62, 0x43, 0xD6, 0x1F, 0x88, 0x44, 0xEA, 0x0E, 0xE5, 0x34, 0x85, 0x61, 0x2B, 0x2F, 0x59,
    0xDD, 0x30, 0x1F, 0x06, 0x03, 0x55, 0x1D, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14, 0xEB, 0x80, 0x56,
    0x1A, 0x62, 0x43, 0xD6, 0x1F, 0x88, 0x44, 0xEA, 0x0E, 0xE5, 0x34, 0x85, 0x61, 0x2B, 0x2F, 0x59, 0xDD,
    0x30, 0x0F, 0x06, 0x03, 0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xFF,
    0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x03, 0x49, 0x00, 0x30, 0x46,
    0x02, 0x21, 0x00, 0xD0, 0x8A, 0x93, 0x6C, 0x39, 0xFC, 0x70, 0xC6, 0xD4, 0x3F, 0x71, 0xB1, 0x60, 0x95,
    0x30, 0xB8, 0xD8, 0x37, 0xCD, 0x62, 0xBB, 0xE5, 0xDD, 0x02, 0x85, 0x4F, 0x21, 0x75, 0x7B, 0xF6, 0x6A,
    0x03, 0x02, 0x21, 0x00, 0x9E, 0xF0, 0xD8, 0x39, 0xA0, 0xC3, 0x35, 0x78, 0xD6, 0xFE, 0xD9, 0x90, 0x4B,
    0x61, 0x96, 0x9B, 0x43, 0xAB, 0xD2, 0x0F, 0x4F, 0x55, 0xA2, 0x1C, 0xAC, 0xA3, 0xD8, 0x33, 0xF3, 0x88,
    0xA2, 0x45,
};

static void honest_object(struct wr *w, struct rd tag)
{
    static const uint8_t discovery[] = {0x7E, 0x12, 0x4F, 0x0B, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00,
                                        0x00, 0x10, 0x00, 0x01, 0x00, 0x5F, 0x2F, 0x02, 0x40, 0x00};
    static const uint8_t chuid[] = {0x53, 0x12, 0x34, 0x10, 1,  2,  3,  4,  5,  6,
                                    7,    8,    9,    10,   11, 12, 13, 14, 15, 16};
    bool slot = tag.n == 3 && (tag.p[2] == 0x05 || tag.p[2] == 0x0A || tag.p[2] == 0x0B || tag.p[2] == 0x01);
    if (rd_is(tag, "\x7E", 1)) {
        wr_bytes(w, discovery, sizeof discovery);
    } else if (rd_is(tag, "\x5F\xC1\x02", 3)) {
        wr_bytes(w, chuid, sizeof chuid);
    } else if (slot) {
        size_t object_at = wr_open(w, 0x53);
        wr_tlv(w, 0x70, rd_of(certificate, sizeof certificate));
        wr_tlv(w, 0x71, rd_of("\0", 1));
        wr_tlv(w, 0xFE, rd_of(NULL, 0));
        wr_close(w, object_at);
    } else {
        wr_u16(w, 0x6A82);
        return;
    }
    wr_u16(w, 0x9000);
}

// What a plain card without anything wrong would say, near enough.
static size_t honest(struct rd c, uint8_t *reply, size_t cap)
{
    static const uint8_t signature[] = {0x7C, 0x0A, 0x82, 0x08, 0x30, 0x06,
                                        0x02, 0x01, 0x01, 0x02, 0x01, 0x01};
    struct wr w = wr_of(reply, cap);
    struct rd body = c;
    struct rd tag;
    uint8_t lc;
    uint32_t head;
    bool extended = c.n > 7 && c.p[4] == 0;
    switch (c.p[1]) {
    case 0xCB:
        if (!(rd_u32(&body, &head) && rd_u8(&body, &lc) && (!extended || rd_take(&body, 2, &tag)) &&
              rd_tlv(&body, 0x5C, &tag)))
            tag = rd_of(NULL, 0);
        honest_object(&w, tag);
        return w.len;
    case 0x87:
        wr_bytes(&w, signature, sizeof signature);
        break;
    case 0x20:
        if (c.n <= 5 && c.p[2] == 0) {
            wr_u16(&w, 0x63C3);
            return w.len;
        }
        break;
    case 0xA4:
        wr_tlv(&w, 0x61, rd_of(NULL, 0));
        break;
    case 0xDB:
    case 0x24:
    case 0x2C:
        break;
    default:
        wr_u16(&w, 0x6D00);
        return w.len;
    }
    wr_u16(&w, 0x9000);
    return w.len;
}

static size_t answer(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    uint16_t n;
    struct rd data;
    uint8_t sw[2];
    (void)ctx;
    MUST(++now.exchanges < 20000);
    bool pin = command.p[1] == 0x20 && command.n > 5;
    // A PIN that failed is never sent again by itself (a caller may give it again).
    MUST(!pin || now.pin_given || !now.pin_failed);
    *error = E_IO;
    if (!rd_u16(&now.replies, &n))
        n = now.honest_rest ? 0x4000 : 0x8000;
    if (n & 0x4000) {
        if (pin)
            now.pin_failed = false;
        return honest(command, reply, cap);
    }
    if (n & 0x8000) {
        static const enum err failures[] = {E_IO, E_RESET, E_EXCHANGED, E_NO_CARD, E_NO_SERVICE};
        *error = failures[n % 5];
        return 0;
    }
    size_t size = n & 0x3FF;
    if (size > now.replies.n)
        size = now.replies.n;
    if (!rd_take(&now.replies, size, &data) || !rd_copy(&now.replies, sw, 2) || size + 2 > cap)
        return 0;
    if (size != 0)
        memcpy(reply, data.p, size);
    memcpy(reply + size, sw, 2);
    if (pin)
        now.pin_failed = !(sw[0] == 0x90 && sw[1] == 0);
    return size + 2;
}

struct tp *__wrap_tp_default_new(void);
struct tp *__wrap_tp_default_new(void)
{
    now.tp = script_new_call(answer, NULL);
    return now.tp;
}

void __real_tp_close(struct tp *tp);
void __wrap_tp_close(struct tp *tp);
void __wrap_tp_close(struct tp *tp)
{
    if (tp == now.tp)
        now.tp = NULL;
    __real_tp_close(tp);
}

// ---- the script of calls ----

static CK_FUNCTION_LIST *F;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE object[8];
static CK_ULONG objects;
static CK_BYTE out[5000];

static uint8_t take(void)
{
    uint8_t v = 0;
    (void)!rd_u8(&now.ops, &v);
    return v;
}

static CK_OBJECT_HANDLE any_object(void)
{
    uint8_t i = take();
    return objects != 0 ? object[i % objects] : i;
}

static const CK_MECHANISM_TYPE mechanisms[] = {
    CKM_RSA_PKCS,
    CKM_SHA256_RSA_PKCS,
    CKM_RSA_X_509,
    CKM_ECDSA,
    CKM_ECDSA_SHA256,
    CKM_RSA_PKCS_PSS,
    CKM_SHA256,
    CKM_SHA256_HMAC,
    CKM_AES_CBC_PAD,
    CKM_RSA_PKCS_OAEP,
    CKM_ECDH1_DERIVE,
    CKM_AES_KEY_GEN,
    CKM_AES_ECB,
    CKM_AES_GCM,
    CKM_SHA_1,
    CKM_SHA384_RSA_PKCS,
    CKM_GENERIC_SECRET_KEY_GEN,
};

static CK_MECHANISM mechanism(void)
{
    static CK_BYTE iv[16];
    static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {mechanisms[take() % (sizeof mechanisms / sizeof *mechanisms)], NULL, 0};
    if (m.mechanism == CKM_RSA_PKCS_PSS)
        m = (CK_MECHANISM){m.mechanism, &pss, sizeof pss};
    if (m.mechanism == CKM_RSA_PKCS_OAEP)
        m = (CK_MECHANISM){m.mechanism, &oaep, sizeof oaep};
    if (m.mechanism == CKM_AES_CBC_PAD)
        m = (CK_MECHANISM){m.mechanism, iv, sizeof iv};
    return m;
}

static CK_BYTE text[512];

static CK_ULONG length(void)
{
    static const CK_ULONG sizes[] = {0, 1, 20, 32, 48, 51, 64, 256, 384, 512};
    return sizes[take() % 10];
}

static CK_ULONG room(void)
{
    static const CK_ULONG sizes[] = {0, 1, 64, 72, 256, sizeof out};
    return sizes[take() % 6];
}

static void lists(void)
{
    CK_SLOT_ID slot[32];
    CK_MECHANISM_TYPE types[400];
    CK_ULONG n = 32;
    CK_SLOT_INFO slot_info;
    CK_MECHANISM_INFO info;
    (void)F->C_GetSlotList(take() & 1, slot, &n);
    (void)F->C_GetSlotInfo(0, &slot_info);
    n = 400;
    if (F->C_GetMechanismList(0, types, &n) == CKR_OK && n != 0)
        (void)F->C_GetMechanismInfo(0, types[take() % n], &info);
}

static void token_info(void)
{
    CK_TOKEN_INFO info;
    (void)F->C_GetTokenInfo(take() % 2, &info);
}

static void open(void)
{
    CK_SESSION_HANDLE fresh;
    if (F->C_OpenSession(0, CKF_SERIAL_SESSION | (take() & 1 ? CKF_RW_SESSION : 0), NULL, NULL, &fresh) ==
        CKR_OK)
        session = fresh;
}

static void close_it(void)
{
    (void)(take() & 1 ? F->C_CloseSession(session) : F->C_CloseAllSessions(0));
}

static void login(void)
{
    static const char *const so[] = {"010203040506070801020304050607080102030405060708", "12345678"};
    CK_USER_TYPE user = take() % 3;
    const char *pin = user == CKU_SO ? so[take() & 1] : take() & 1 ? "123456" : "654321";
    now.pin_given = true;
    (void)F->C_Login(session, user, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

static void logout(void)
{
    (void)F->C_Logout(session);
}

static void find(void)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY,
                                              CKO_DATA,        CKO_SECRET_KEY, 9};
    CK_OBJECT_CLASS class = classes[take() % 6];
    CK_BYTE id = take() % 26;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    if (F->C_FindObjectsInit(session, templ, take() % 3) != CKR_OK)
        return;
    if (F->C_FindObjects(session, object, 8, &objects) != CKR_OK)
        objects = 0;
    MUST(objects <= 8);
    (void)F->C_FindObjectsFinal(session);
}

static void attributes(void)
{
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_CLASS,
        CKA_ID,
        CKA_LABEL,
        CKA_VALUE,
        CKA_SUBJECT,
        CKA_ISSUER,
        CKA_MODULUS,
        CKA_EC_POINT,
        CKA_EC_PARAMS,
        CKA_SERIAL_NUMBER,
        CKA_ALWAYS_AUTHENTICATE,
        CKA_PUBLIC_EXPONENT,
        CKA_SIGN,
        CKA_KEY_TYPE,
        CKA_PRIME_1,
        CKA_START_DATE,
    };
    CK_OBJECT_HANDLE o = any_object();
    CK_ULONG size;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        CK_ATTRIBUTE a = {types[i], NULL, 0};
        CK_RV rv = F->C_GetAttributeValue(session, o, &a, 1);
        if (rv != CKR_OK || a.ulValueLen > sizeof out)
            continue;
        uint8_t *exact = malloc(a.ulValueLen + 1); // so that a sanitizer sees a byte too many
        if (!exact)
            return;
        a.pValue = exact;
        (void)F->C_GetAttributeValue(session, o, &a, 1);
        free(exact);
    }
    (void)F->C_GetObjectSize(session, o, &size);
}

static void sign(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    CK_ULONG all = n;
    CK_ULONG size = length();
    if (F->C_SignInit(session, &m, any_object()) != CKR_OK)
        return;
    if (take() & 1)
        (void)F->C_SignUpdate(session, text, size);
    CK_RV rv = take() & 1 ? F->C_Sign(session, text, size, out, &n) : F->C_SignFinal(session, out, &n);
    MUST(rv != CKR_OK || n <= all);
}

static void decrypt(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    CK_ULONG all = n;
    if (F->C_DecryptInit(session, &m, any_object()) != CKR_OK)
        return;
    CK_RV rv = F->C_Decrypt(session, text, length(), out, &n);
    MUST(rv != CKR_OK || n <= all);
}

static void encrypt(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    CK_ULONG all = n;
    if (F->C_EncryptInit(session, &m, any_object()) != CKR_OK)
        return;
    CK_RV rv = F->C_Encrypt(session, text, length(), out, &n);
    MUST(rv != CKR_OK || n <= all);
}

static void verify(void)
{
    CK_MECHANISM m = mechanism();
    if (F->C_VerifyInit(session, &m, any_object()) == CKR_OK)
        (void)F->C_Verify(session, text, length(), out, room());
}

static void digest(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    if (F->C_DigestInit(session, &m) == CKR_OK)
        (void)F->C_Digest(session, text, length(), out, &n);
}

static void generate_pair(void)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
    CK_ULONG bits = 2048;
    CK_BYTE id = take() % 25;
    bool rsa = take() & 1;
    CK_MECHANISM m = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL token = CK_TRUE; // on the card: software keys would only test OpenSSL's patience
    CK_ATTRIBUTE pub[] = {{CKA_ID, &id, 1},
                          {rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS, rsa ? (void *)&bits : (void *)p256,
                           rsa ? sizeof bits : sizeof p256}};
    CK_ATTRIBUTE priv[] = {{CKA_ID, &id, 1}, {CKA_TOKEN, &token, 1}};
    if (F->C_GenerateKeyPair(session, &m, pub, 2, priv, 2, &object[0], &object[1]) == CKR_OK)
        objects = 2;
}

static void create(void)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_DATA, CKO_SECRET_KEY};
    CK_OBJECT_CLASS class = classes[take() % 3];
    CK_CERTIFICATE_TYPE x509 = CKC_X_509;
    CK_KEY_TYPE aes = CKK_AES;
    CK_BYTE id = take() % 25;
    CK_BBOOL token = take() & 1;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_TOKEN, &token, 1},
                            {CKA_VALUE, text, class == CKO_SECRET_KEY ? 16 : length()},
                            {CKA_ID, &id, 1},
                            {CKA_CERTIFICATE_TYPE, &x509, sizeof x509}};
    if (class == CKO_SECRET_KEY)
        templ[4] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &aes, sizeof aes};
    if (F->C_CreateObject(session, templ, class == CKO_DATA ? 3 : 5, &object[0]) == CKR_OK)
        objects = 1;
}

static void destroy(void)
{
    (void)F->C_DestroyObject(session, any_object());
}

static void set_attributes(void)
{
    CK_ATTRIBUTE a = {CKA_LABEL, text, length()};
    (void)F->C_SetAttributeValue(session, any_object(), &a, 1);
}

static void copy(void)
{
    CK_OBJECT_HANDLE fresh;
    (void)F->C_CopyObject(session, any_object(), NULL, 0, &fresh);
}

static void set_pin(void)
{
    now.pin_given = true;
    (void)F->C_SetPIN(session, (CK_BYTE *)(uintptr_t) "123456", 6, (CK_BYTE *)(uintptr_t) "654321", 6);
}

static void init_pin(void)
{
    now.pin_given = true;
    (void)F->C_InitPIN(session, (CK_BYTE *)(uintptr_t) "123456", 6);
}

static void derive(void)
{
    CK_BYTE point[65] = {4};
    CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, sizeof point, point};
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &p, sizeof p};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE fresh;
    (void)F->C_DeriveKey(session, &m, any_object(), templ, 2, &fresh);
}

static void random_bytes(void)
{
    (void)F->C_GenerateRandom(session, out, length());
}

static void world(void)
{
    if (!now.tp)
        return;
    uint8_t what = take();
    if (what & 1)
        script_reset(now.tp);
    if (what & 6)
        script_pull(now.tp, what & 2);
}

static void again(void)
{
    (void)F->C_Finalize(NULL);
    (void)F->C_Initialize(NULL);
    objects = 0;
}

static void (*const calls[])(void) = {
    lists, token_info,     open,    close_it, login,  logout,        find,   attributes,
    sign,  decrypt,        encrypt, verify,   digest, generate_pair, create, destroy,
    copy,  set_attributes, set_pin, init_pin, derive, random_bytes,  world,  again,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char dir[] = "/tmp/ingam-fuzz.XXXXXX";
    (void)argc;
    (void)argv;
    MUST(mkdtemp(dir));
    // Nothing of the user's steers it, and nothing of its writes goes to the user.
    static const char *const variables[] = {"HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        MUST(setenv(variables[i], dir, 1) == 0);
    MUST(unsetenv("INGAM_SIM") == 0);
    MUST(C_GetFunctionList(&F) == CKR_OK);
    return 0;
}

// Two bytes: how long the script of calls is (the highest bit: honest_rest). Each call: its number, which
// thing is to fail in it (0: none), parameters. The rest are the card's answers: two bytes length (8000: the
// transport fails, 4000: an honest answer), data, status word.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd all = rd_of(data, size);
    uint16_t n;
    memset(&now, 0, sizeof now);
    objects = 0;
    session = 0;
    if (!rd_u16(&all, &n) || !rd_take(&all, (n & 0x1FF) < all.n ? n & 0x1FF : all.n, &now.ops))
        return 0;
    now.replies = all;
    now.honest_rest = n & 0x8000;
    if (F->C_Initialize(NULL) != CKR_OK)
        return 0;
    while (!rd_end(&now.ops)) {
        void (*call)(void) = calls[take() % (sizeof calls / sizeof *calls)];
        now.fail_in = take();
        now.pin_given = false;
        now.exchanges = 0;
        call();
        now.fail_in = 0;
    }
    (void)F->C_Finalize(NULL);
    return 0;
}
