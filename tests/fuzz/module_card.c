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
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#include "card/base/wr.h"
#include "card/transport/script.h"
#include "object/p11.h"

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
    bool yubikey;       // the card says that it is one
    bool coded;         // honest answers are those of a card whose keys want codes
    bool honest_rest;   // after the input's answers come honest ones
    bool pin_given;     // the call under way has a PIN from its caller
    bool pin_failed;    // the card refused the last one
    bool pin_unclear;   // nobody knows what became of it, and the tries weren't asked for since
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
WRAP_INT(EVP_CipherInit_ex2,
         (EVP_CIPHER_CTX * c, const EVP_CIPHER *t, const unsigned char *k, const unsigned char *v, int e,
          const OSSL_PARAM p[]),
         (c, t, k, v, e, p))
WRAP_INT(EVP_CipherFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *o, int *n), (c, o, n))
WRAP_INT(EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * c, int t, int a, void *p), (c, t, a, p))
WRAP_INT(EVP_DigestInit_ex2, (EVP_MD_CTX * c, const EVP_MD *t, const OSSL_PARAM p[]), (c, t, p))
WRAP_INT(EVP_DigestUpdate, (EVP_MD_CTX * c, const void *d, size_t n), (c, d, n))
WRAP_INT(EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *o, unsigned *n), (c, o, n))
WRAP_INT(EVP_Digest, (const void *d, size_t n, unsigned char *o, unsigned *s, const EVP_MD *t, ENGINE *e),
         (d, n, o, s, t, e))
WRAP_INT(EVP_MAC_init, (EVP_MAC_CTX * c, const unsigned char *k, size_t n, const OSSL_PARAM p[]),
         (c, k, n, p))
WRAP_INT(EVP_MAC_update, (EVP_MAC_CTX * c, const unsigned char *d, size_t n), (c, d, n))
WRAP_INT(EVP_MAC_final, (EVP_MAC_CTX * c, unsigned char *o, size_t *n, size_t m), (c, o, n, m))
WRAP_INT(EVP_KDF_derive, (EVP_KDF_CTX * c, unsigned char *o, size_t n, const OSSL_PARAM p[]), (c, o, n, p))
WRAP_INT(EVP_PKEY_encrypt, (EVP_PKEY_CTX * c, unsigned char *o, size_t *n, const unsigned char *i, size_t m),
         (c, o, n, i, m))
WRAP_INT(EVP_PKEY_derive, (EVP_PKEY_CTX * c, unsigned char *o, size_t *n), (c, o, n))
WRAP_INT(EVP_PKEY_sign, (EVP_PKEY_CTX * c, unsigned char *o, size_t *n, const unsigned char *i, size_t m),
         (c, o, n, i, m))
WRAP_INT(EVP_PKEY_public_check, (EVP_PKEY_CTX * c), (c))
WRAP_POINTER(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * c, const char *n, const char *q), (c, n, q))
WRAP_POINTER(EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX * c, const char *n, const char *q), (c, n, q))
WRAP_POINTER(EVP_CIPHER *, EVP_CIPHER_fetch, (OSSL_LIB_CTX * c, const char *n, const char *q), (c, n, q))
WRAP_POINTER(EVP_KDF *, EVP_KDF_fetch, (OSSL_LIB_CTX * c, const char *n, const char *q), (c, n, q))
WRAP_POINTER(BIGNUM *, BN_secure_new, (void), ())
WRAP_POINTER(ECDSA_SIG *, ECDSA_SIG_new, (void), ())
WRAP_POINTER(OSSL_PARAM *, OSSL_PARAM_BLD_to_param, (OSSL_PARAM_BLD * b), (b))
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

#define POINT_AT 139 // where its point stands

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

// One block under the management key that the script logs in with.
static void triple_des(bool encrypt, const uint8_t *in, uint8_t *to)
{
    static const uint8_t key[24] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    int n;
    unsigned fail_in = now.fail_in; // the card doesn't fail with the host
    now.fail_in = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    (void)!EVP_CipherInit_ex(ctx, EVP_des_ede3_ecb(), NULL, key, NULL, encrypt);
    (void)!EVP_CIPHER_CTX_set_padding(ctx, 0);
    (void)!EVP_CipherUpdate(ctx, to, &n, in, 8);
    EVP_CIPHER_CTX_free(ctx);
    now.fail_in = fail_in;
}

// GENERAL AUTHENTICATE with 9B: the witness, then the proof. 3DES alone is its key's.
static void honest_admin(struct wr *w, struct rd c, struct rd body)
{
    static const uint8_t witness[8] = {8, 8, 8, 8, 8, 8, 8, 8};
    uint8_t block[8] = {0};
    struct rd template;
    struct rd part;
    if (c.p[2] != 0x03 || !rd_tlv(&body, 0x7C, &template)) {
        wr_u16(w, 0x6A80);
        return;
    }
    bool proof = rd_tlv(&template, 0x80, &part) && rd_tlv(&template, 0x81, &part) && part.n == 8;
    triple_des(true, proof ? part.p : witness, block);
    size_t at = wr_open(w, 0x7C);
    wr_tlv(w, proof ? 0x82 : 0x80, rd_of(block, sizeof block));
    wr_close(w, at);
    wr_u16(w, 0x9000);
}

// GENERATE ASYMMETRIC KEY PAIR: a key of the kind that was asked for, always the same.
static void honest_key(struct wr *w, struct rd body)
{
    struct rd template;
    struct rd algorithm = {0};
    uint8_t modulus[256];
    memset(modulus, 0xC3, sizeof modulus);
    if (!rd_tlv(&body, 0xAC, &template) || !rd_tlv(&template, 0x80, &algorithm) || algorithm.n != 1 ||
        (algorithm.p[0] != 0x07 && algorithm.p[0] != 0x11)) {
        wr_u16(w, 0x6A80);
        return;
    }
    size_t at = wr_open(w, 0x7F49);
    if (algorithm.p[0] == 0x07) {
        wr_tlv(w, 0x81, rd_of(modulus, sizeof modulus));
        wr_tlv(w, 0x82, rd_of("\1\0\1", 3));
    } else {
        wr_tlv(w, 0x86, rd_of(certificate + POINT_AT, 65));
    }
    wr_close(w, at);
    wr_u16(w, 0x9000);
}

// The bytes of a command, of which only short or extended ones with a body get here.
static struct rd body_of(struct rd c)
{
    struct rd body = rd_of(NULL, 0);
    uint32_t head;
    uint8_t lc;
    uint16_t long_lc;
    size_t n = 0;
    if (rd_u32(&c, &head) && rd_u8(&c, &lc))
        n = lc != 0 ? lc : rd_u16(&c, &long_lc) ? long_lc : 0;
    (void)!rd_take(&c, n, &body);
    return body;
}

// Of an OATH applet without access code that holds a HOTP and a TOTP, and of a card whose keys want codes.
// false: the command is none of theirs.
static bool honest_codes(struct wr *w, struct rd c)
{
    static const struct {
        bool coded; // the other one's, with YubiKeys
        uint8_t command[4];
        const char *answer;
        size_t n;
    } rows[] = {
#define ROW(coded, a, b, c, d, text) {coded, {a, b, c, d}, text, sizeof text - 1}
        ROW(true, 0x00, 0xA4, 0x04, 0x00, "\x61\x10\x73\x0E\x80\x09INGAM-OTP\x81\x01\x01"),
        ROW(true, 0x00, 0xF1, 0x00, 0x00,
            "\x80\x01\x01\x81\x02\x05\x05\x82\x01\x06\x83\x02\x0A\x64\x84\x02\x0E\x10\x85\x02\x00\x00\x86\x04"
            "\x9A\x01\x9C\x02"),
        ROW(true, 0x00, 0x20, 0x01, 0x9F, "0123456789abcdef"),
        ROW(false, 0x00, 0xA4, 0x04, 0x00,
            "\x79\x03\x05\x07\x04\x71\x08"
            "ingamOTP"),
        ROW(false, 0x00, 0xA1, 0x00, 0x00,
            "\x72\x04\x11"
            "h:k"
            "\x72\x05\x21"
            "60/t"),
        ROW(false, 0x00, 0xA4, 0x00, 0x01,
            "\x71\x03h:k\x77\x01\x06\x71\x04"
            "60/t"
            "\x76\x05\x06\x01\x02\x03\x04"),
        ROW(false, 0x00, 0xA2, 0x00, 0x01, "\x76\x05\x06\x01\x02\x03\x04"),
#undef ROW
    };
    bool oath = c.n > 9 && memcmp(c.p + 5, "\xA0\x00\x00\x05", 4) == 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool select = rows[i].command[1] == 0xA4 && rows[i].command[2] == 0x04;
        if (memcmp(c.p, rows[i].command, 4) != 0 || (rows[i].coded ? !now.coded : !now.yubikey) ||
            (select && oath == rows[i].coded))
            continue;
        wr_bytes(w, rows[i].answer, rows[i].n);
        wr_u16(w, 0x9000);
        return true;
    }
    return false;
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
    if (honest_codes(&w, c))
        return w.len;
    switch (c.p[1]) {
    case 0xCB:
        if (!(rd_u32(&body, &head) && rd_u8(&body, &lc) && (!extended || rd_take(&body, 2, &tag)) &&
              rd_tlv(&body, 0x5C, &tag)))
            tag = rd_of(NULL, 0);
        honest_object(&w, tag);
        return w.len;
    case 0x47:
        honest_key(&w, body_of(c));
        return w.len;
    case 0x87:
        if (c.p[3] == 0x9B) {
            honest_admin(&w, c, body_of(c));
            return w.len;
        }
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
    bool pin = command.p[1] == 0x20 && command.n > 5 && command.p[3] == 0x80;
    // A PIN that failed is never sent again by itself (a caller may give it again).
    MUST(!pin || now.pin_given || (!now.pin_failed && !now.pin_unclear));
    bool asks_tries =
        command.p[3] == 0x80 && (command.p[1] == 0xF7 || (command.p[1] == 0x20 && command.n <= 5));
    if (pin || asks_tries)
        now.pin_unclear = pin;
    *error = E_IO;
    if (!rd_u16(&now.replies, &n))
        n = now.honest_rest ? 0x4000 : 0x8000;
    if (n & 0x4000) {
        if (pin)
            now.pin_failed = now.pin_unclear = false;
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
        now.pin_failed = sw[0] == 0x63 || (sw[0] == 0x69 && sw[1] == 0x83);
    if (pin)
        now.pin_unclear = !now.pin_failed && !(sw[0] == 0x90 && sw[1] == 0 && size == 0);
    return size + 2;
}

struct tp *__wrap_tp_default_new(void);
struct tp *__wrap_tp_default_new(void)
{
    static const char atr[] = "\x3B\x80YubiKey";
    now.tp = script_new_call(answer, NULL);
    if (now.tp != NULL && now.yubikey)
        script_atr(now.tp, rd_of(atr, sizeof atr - 1));
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
static CK_FUNCTION_LIST_3_2 *G;
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
    CKM_AES_CBC,
    CKM_AES_CTR,
    CKM_AES_CMAC,
    CKM_SHA256_HMAC_GENERAL,
    CKM_EDDSA,
    CKM_ECDSA_SHA384,
    CKM_SHA512_RSA_PKCS_PSS,
    CKM_SHA3_256,
    CKM_AES_KEY_WRAP,
    CKM_AES_KEY_WRAP_PAD,
    CKM_HKDF_DERIVE,
};

static CK_BYTE iv[16], tag[16];

static CK_MECHANISM mechanism(void)
{
    static CK_AES_CTR_PARAMS ctr = {2, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    static CK_GCM_PARAMS gcm = {iv, 12, 96, iv, 7, 128};
    static CK_HKDF_PARAMS hkdf = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_DATA, iv, 16, 0, iv, 3};
    static CK_ULONG general = 12;
    static const struct {
        CK_MECHANISM_TYPE type;
        void *p;
        CK_ULONG n;
    } parameters[] = {
        {CKM_AES_CBC, iv, sizeof iv},          {CKM_AES_CBC_PAD, iv, sizeof iv},
        {CKM_AES_CTR, &ctr, sizeof ctr},       {CKM_AES_GCM, &gcm, sizeof gcm},
        {CKM_HKDF_DERIVE, &hkdf, sizeof hkdf}, {CKM_SHA256_HMAC_GENERAL, &general, sizeof general},
    };
    static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {mechanisms[take() % (sizeof mechanisms / sizeof *mechanisms)], NULL, 0};
    if (m.mechanism == CKM_RSA_PKCS_PSS)
        m = (CK_MECHANISM){m.mechanism, &pss, sizeof pss};
    if (m.mechanism == CKM_RSA_PKCS_OAEP)
        m = (CK_MECHANISM){m.mechanism, &oaep, sizeof oaep};
    static CK_RSA_PKCS_PSS_PARAMS pss512 = {CKM_SHA512, CKG_MGF1_SHA512, 20};
    if (m.mechanism == CKM_SHA512_RSA_PKCS_PSS)
        m = (CK_MECHANISM){m.mechanism, &pss512, sizeof pss512};
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (m.mechanism == parameters[i].type)
            m = (CK_MECHANISM){m.mechanism, parameters[i].p, parameters[i].n};
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

// What a call gives goes to memory of exactly its room, so that a sanitizer sees a byte too many. NULL: only
// the length is asked for.
static uint8_t *exact(CK_ULONG n)
{
    return n == 0 ? NULL : __real_malloc(n);
}

static void keep(CK_RV rv, CK_OBJECT_HANDLE o)
{
    if (rv != CKR_OK)
        return;
    object[objects < 8 ? objects : take() % 8] = o;
    if (objects < 8)
        objects++;
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
    if (class == CKO_CERTIFICATE && id & 1)
        templ[2] = (CK_ATTRIBUTE){CKA_VALUE, (void *)(uintptr_t)certificate, sizeof certificate};
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

// ---- keys of the session's, and what they are for ----

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET;

#define RIGHTS                                                                                               \
    {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}, {CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1},              \
        {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1},                                                          \
    {                                                                                                        \
        CKA_DERIVE, &yes, 1                                                                                  \
    }

static void secret_key(void)
{
    static const CK_KEY_TYPE types[] = {CKK_AES, CKK_GENERIC_SECRET, CKK_HKDF, CKK_SHA256_HMAC};
    CK_KEY_TYPE type = types[take() % 4];
    CK_BYTE value[32] = {1, 2, 3};
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_VALUE, value, type == CKK_AES ? 16 + 8U * (take() % 3) : take() % 33U},
                            RIGHTS};
    keep(F->C_CreateObject(session, templ, sizeof templ / sizeof *templ, &o), o);
}

static void ec_key(void)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
    static CK_BYTE ed25519[] = {0x06, 0x03, 0x2B, 0x65, 0x70};
    static CK_BYTE x25519[] = {0x06, 0x03, 0x2B, 0x65, 0x6E};
    static const struct {
        CK_BYTE *params;
        CK_ULONG n;
        CK_KEY_TYPE type;
    } curves[] = {{p256, sizeof p256, CKK_EC},
                  {ed25519, sizeof ed25519, CKK_EC_EDWARDS},
                  {x25519, sizeof x25519, CKK_EC_MONTGOMERY}};
    uint8_t how = take();
    unsigned curve = how / 2 % 3;
    CK_OBJECT_CLASS class = how & 1 ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
    CK_BYTE scalar[32] = {7, 7, 7};
    CK_BYTE point[67] = {4, 65};
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE o = 0;
    memcpy(point + 2, certificate + POINT_AT, 65); // the certificate's own
    if (curve != 0)
        point[1] = 32;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, (void *)(uintptr_t)&curves[curve].type, sizeof(CK_KEY_TYPE)},
                            {CKA_EC_PARAMS, curves[curve].params, curves[curve].n},
                            {CKA_PRIVATE, &no, 1},
                            {how & 1 ? CKA_VALUE : CKA_EC_POINT, how & 1 ? scalar : point,
                             how & 1 ? sizeof scalar : 2U + point[1]},
                            {how & 1 ? CKA_SIGN : CKA_VERIFY, &yes, 1},
                            {CKA_DERIVE, &yes, 1}};
    keep(F->C_CreateObject(session, templ, 7, &o), o);
}

static void rsa_public_key(void)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_BYTE modulus[256];
    CK_BYTE exponent[] = {1, 0, 1};
    CK_OBJECT_HANDLE o = 0;
    memset(modulus, 0xC3, sizeof modulus);
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_MODULUS, modulus, 128U << (take() & 1)},
                            {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
                            {CKA_ENCRYPT, &yes, 1},
                            {CKA_VERIFY, &yes, 1},
                            {CKA_VERIFY_RECOVER, &yes, 1},
                            {CKA_WRAP, &yes, 1}};
    keep(F->C_CreateObject(session, templ, 8, &o), o);
}

// Encryption or decryption in parts, at times with a digest or a code beside it.
static void in_parts(void)
{
    CK_MECHANISM m = mechanism();
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    uint8_t how = take();
    bool encrypt = how & 1;
    CK_OBJECT_HANDLE key = any_object();
    if ((encrypt ? F->C_EncryptInit(session, &m, key) : F->C_DecryptInit(session, &m, key)) != CKR_OK)
        return;
    if (how & 2)
        (void)F->C_DigestInit(session, &sha);
    for (unsigned i = take() % 4; i > 0; i--) {
        CK_ULONG n = room();
        CK_ULONG all = n;
        uint8_t *to = exact(n);
        CK_ULONG size = length();
        CK_RV rv = how & 2   ? (encrypt ? F->C_DigestEncryptUpdate(session, text, size, to, &n)
                                        : F->C_DecryptDigestUpdate(session, text, size, to, &n))
                   : how & 4 ? (encrypt ? F->C_SignEncryptUpdate(session, text, size, to, &n)
                                        : F->C_DecryptVerifyUpdate(session, text, size, to, &n))
                             : (encrypt ? F->C_EncryptUpdate(session, text, size, to, &n)
                                        : F->C_DecryptUpdate(session, text, size, to, &n));
        MUST(rv != CKR_OK || n <= all || to == NULL);
        free(to);
    }
    for (unsigned i = 0; i < 2; i++) { // the second time when the room was too small
        CK_ULONG n = room();
        CK_ULONG all = n;
        uint8_t *to = exact(n);
        CK_RV rv = encrypt ? F->C_EncryptFinal(session, to, &n) : F->C_DecryptFinal(session, to, &n);
        MUST(rv != CKR_OK || n <= all || to == NULL);
        free(to);
    }
    CK_ULONG n = sizeof out;
    if (how & 2)
        (void)F->C_DigestFinal(session, out, &n);
}

static void recover(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    CK_ULONG all = n;
    uint8_t *to = exact(n);
    CK_RV rv = CKR_GENERAL_ERROR;
    if (take() & 1) {
        if (F->C_SignRecoverInit(session, &m, any_object()) == CKR_OK)
            rv = F->C_SignRecover(session, text, length(), to, &n);
    } else if (F->C_VerifyRecoverInit(session, &m, any_object()) == CKR_OK) {
        rv = F->C_VerifyRecover(session, text, length(), to, &n);
    }
    MUST(rv != CKR_OK || n <= all || to == NULL);
    free(to);
}

static void verify_parts(void)
{
    CK_MECHANISM m = mechanism();
    CK_OBJECT_HANDLE key = any_object();
    CK_ULONG n = room();
    if (take() & 1) {
        if (F->C_VerifyInit(session, &m, key) != CKR_OK)
            return;
        (void)F->C_VerifyUpdate(session, text, length());
        (void)F->C_VerifyFinal(session, out, n);
        return;
    }
    if (G->C_VerifySignatureInit(session, &m, key, out, n) != CKR_OK)
        return;
    if (take() & 1) {
        (void)G->C_VerifySignatureUpdate(session, text, length());
        (void)G->C_VerifySignatureFinal(session);
    } else {
        (void)G->C_VerifySignature(session, text, length());
    }
}

static CK_GCM_MESSAGE_PARAMS message_params(void)
{
    static const CK_ULONG generators[] = {CKG_NO_GENERATE, CKG_GENERATE, CKG_GENERATE_COUNTER,
                                          CKG_GENERATE_RANDOM};
    return (CK_GCM_MESSAGE_PARAMS){iv,  4 + take() % 13U,      8 * (take() % 6U), generators[take() % 4],
                                   tag, 96 + 8 * (take() % 5U)};
}

static void message_crypt(void)
{
    CK_MECHANISM m = {CKM_AES_GCM, NULL, 0};
    bool encrypt = take() & 1;
    CK_RV rv = encrypt ? G->C_MessageEncryptInit(session, &m, any_object())
                       : G->C_MessageDecryptInit(session, &m, any_object());
    if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE)
        return;
    CK_GCM_MESSAGE_PARAMS p = message_params();
    CK_ULONG n = room();
    CK_ULONG all = n;
    uint8_t *to = exact(n);
    uint8_t how = take();
    if (how & 1) {
        rv = encrypt ? G->C_EncryptMessage(session, &p, sizeof p, text, length(), text, length(), to, &n)
                     : G->C_DecryptMessage(session, &p, sizeof p, text, length(), text, length(), to, &n);
    } else {
        CK_FLAGS flags = how & 2 ? CKF_END_OF_MESSAGE : 0;
        (void)(encrypt ? G->C_EncryptMessageBegin(session, &p, sizeof p, text, length())
                       : G->C_DecryptMessageBegin(session, &p, sizeof p, text, length()));
        rv = encrypt ? G->C_EncryptMessageNext(session, &p, sizeof p, text, length(), to, &n, flags)
                     : G->C_DecryptMessageNext(session, &p, sizeof p, text, length(), to, &n, flags);
    }
    MUST(rv != CKR_OK || n <= all || to == NULL);
    free(to);
    if (how & 4)
        (void)(encrypt ? G->C_MessageEncryptFinal(session) : G->C_MessageDecryptFinal(session));
}

static void message_sign(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = room();
    CK_ULONG all = n;
    uint8_t how = take();
    if (how & 1) {
        CK_RV rv = G->C_MessageSignInit(session, &m, any_object());
        if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE)
            return;
        uint8_t *to = exact(n);
        if (how & 2) {
            (void)G->C_SignMessageBegin(session, NULL, 0);
            (void)G->C_SignMessageNext(session, NULL, 0, text, length(), NULL, NULL);
            rv = G->C_SignMessageNext(session, NULL, 0, text, length(), to, &n);
        } else {
            rv = G->C_SignMessage(session, NULL, 0, text, length(), to, &n);
        }
        MUST(rv != CKR_OK || n <= all || to == NULL);
        free(to);
        if (how & 4)
            (void)G->C_MessageSignFinal(session);
        return;
    }
    CK_RV rv = G->C_MessageVerifyInit(session, &m, any_object());
    if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE)
        return;
    if (how & 2) {
        (void)G->C_VerifyMessageBegin(session, NULL, 0);
        (void)G->C_VerifyMessageNext(session, NULL, 0, text, length(), NULL, 0);
        (void)G->C_VerifyMessageNext(session, NULL, 0, text, length(), out, n);
    } else {
        (void)G->C_VerifyMessage(session, NULL, 0, text, length(), out, n);
    }
    if (how & 4)
        (void)G->C_MessageVerifyFinal(session);
}

static void wrap(void)
{
    CK_MECHANISM m = mechanism();
    CK_OBJECT_HANDLE by = any_object();
    CK_ULONG n = room();
    CK_ULONG all = n;
    uint8_t *to = exact(n);
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &generic_type, sizeof generic_type}};
    CK_RV rv = F->C_WrapKey(session, &m, by, any_object(), to, &n);
    MUST(rv != CKR_OK || n <= all || to == NULL);
    if (rv == CKR_OK && to != NULL)
        keep(F->C_UnwrapKey(session, &m, by, to, n, templ, 2, &o), o);
    else
        keep(F->C_UnwrapKey(session, &m, by, text, length(), templ, 2, &o), o);
    free(to);
}

static void derive_secret(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG want = take();
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                            {CKA_KEY_TYPE, &generic_type, sizeof generic_type},
                            {CKA_VALUE_LEN, &want, sizeof want}};
    keep(F->C_DeriveKey(session, &m, any_object(), templ, 3, &o), o);
}

static void generate_secret(void)
{
    CK_MECHANISM m = mechanism();
    CK_ULONG n = 8U * (take() % 5);
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &n, sizeof n}, RIGHTS};
    keep(F->C_GenerateKey(session, &m, templ, 8, &o), o);
}

static void odds(void)
{
    CK_SESSION_INFO info;
    CK_ULONG n = sizeof out;
    CK_FLAGS flags;
    CK_FLAGS cancelled = (CK_FLAGS)take() << 8 | take();
    (void)F->C_GetSessionInfo(session, &info);
    (void)G->C_SessionCancel(session, cancelled);
    (void)F->C_GetOperationState(session, out, &n);
    (void)F->C_SetOperationState(session, out, n < sizeof out ? n : 0, 0, any_object());
    (void)G->C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, &flags);
    (void)F->C_SeedRandom(session, text, length());
    (void)F->C_DigestKey(session, any_object());
}

static void so_pin(void)
{
    now.pin_given = true;
    (void)F->C_SetPIN(session, (CK_BYTE *)(uintptr_t) "010203040506070801020304050607080102030405060708", 48,
                      (CK_BYTE *)(uintptr_t) "080706050403020108070605040302010807060504030201", 48);
}

static void init_token(void)
{
    CK_UTF8CHAR label[32];
    memset(label, ' ', sizeof label);
    now.pin_given = true;
    (void)F->C_CloseAllSessions(0);
    (void)F->C_InitToken(0, (CK_BYTE *)(uintptr_t) "010203040506070801020304050607080102030405060708", 48,
                         label);
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

// ---- one-time passwords ----

static void open_second(void)
{
    CK_SESSION_HANDLE fresh;
    CK_ULONG n = 0;
    (void)F->C_GetSlotList(CK_FALSE, NULL, &n); // the slot is there since the card was seen
    if (F->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &fresh) == CKR_OK)
        session = fresh;
}

static void otp_key(void)
{
    static CK_OBJECT_CLASS class = CKO_OTP_KEY;
    static CK_KEY_TYPE type = CKK_HOTP;
    CK_ULONG kind = take() % 4, digits = take() % 10;
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_KEY_TYPE, &type, sizeof type},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_VALUE, text, length()},
                            {CKA_LABEL, out, length()},
                            {CKA_INGAM_OTP_TYPE, &kind, sizeof kind},
                            {CKA_OTP_LENGTH, &digits, sizeof digits},
                            {CKA_OTP_COUNTER, text, take() % 10U}};
    keep(F->C_CreateObject(session, templ, 4U + take() % 5, &o), o);
}

static void otp_code(void)
{
    static CK_OBJECT_CLASS class = CKO_OTP_KEY;
    CK_ATTRIBUTE all = {CKA_CLASS, &class, sizeof class};
    CK_ULONG value = take();
    CK_OTP_PARAM param[2] = {{take() % 9, take() & 1 ? (void *)&value : (void *)(uintptr_t) "20090213233130",
                              take() & 1 ? sizeof value : 14},
                             {take() % 9, &value, sizeof value}};
    CK_OTP_PARAMS params = {param, take() % 3};
    CK_MECHANISM m = {CKM_HOTP, params.ulCount != 0 ? &params : NULL,
                      params.ulCount != 0 ? sizeof params : 0};
    if (value & 1 && F->C_FindObjectsInit(session, &all, 1) == CKR_OK) {
        if (F->C_FindObjects(session, object, 8, &objects) != CKR_OK)
            objects = 0;
        (void)F->C_FindObjectsFinal(session);
    }
    if (F->C_SignInit(session, &m, any_object()) != CKR_OK)
        return;
    CK_ULONG n = room();
    CK_ULONG whole = n;
    uint8_t *to = exact(n);
    CK_RV rv = F->C_Sign(session, NULL, 0, to, &n);
    MUST(rv != CKR_OK || n <= whole || to == NULL);
    free(to);
}

static void code_login(void)
{
    static const char *const entries[] = {"123456755224", "123456287082359152", "123456", "287082",
                                          "correct horse"};
    const char *entry = entries[take() % 5];
    now.pin_given = true;
    (void)F->C_Login(session, take() & 1 ? CKU_USER : CKU_CONTEXT_SPECIFIC, (CK_BYTE *)(uintptr_t)entry,
                     strlen(entry));
}

static void access_code(void)
{
    now.pin_given = true;
    (void)F->C_SetPIN(session, (CK_BYTE *)(uintptr_t) "correct horse", take() & 1 ? 13 : 0,
                      (CK_BYTE *)(uintptr_t) "another one", 11);
}

static void (*const calls[])(void) = {
    lists,        token_info,   open,          close_it,       login,   logout,         find,
    attributes,   sign,         decrypt,       encrypt,        verify,  digest,         generate_pair,
    create,       destroy,      copy,          set_attributes, set_pin, init_pin,       derive,
    random_bytes, world,        again,         secret_key,     ec_key,  rsa_public_key, in_parts,
    recover,      verify_parts, message_crypt, message_sign,   wrap,    derive_secret,  generate_secret,
    odds,         so_pin,       init_token,    open_second,    otp_key, otp_code,       code_login,
    access_code,
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
    CK_INTERFACE *interface;
    CK_VERSION newest = {3, 2};
    MUST(C_GetInterface((CK_UTF8CHAR *)(uintptr_t) "PKCS 11", &newest, &interface, 0) == CKR_OK);
    G = interface->pFunctionList;
    return 0;
}

// Two bytes: how long the script of calls is (the highest bits: honest_rest, yubikey, coded). Each call: its
// number, which thing is to fail in it (0: none), parameters. The rest are the card's answers: two bytes
// length (8000: the transport fails, 4000: an honest answer), data, status word.
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
    now.yubikey = n & 0x4000;
    now.coded = n & 0x2000;
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
