/* Builds the certificates of attestation, by OpenSSL. */
#include "hal/crypto_cert.h"

#include "hal/crypto_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define ROOT_NAME      "Ingam Simulator Attestation Root (proves nothing)"
#define ATTESTOR_NAME  "Yubico PIV Attestation"
#define VALID_FROM     "20200101000000Z"
#define VALID_UNTIL    "20991231235959Z"
#define MAKER_OID(arc) "1.3.6.1.4.1.41482.3." #arc

/* A published test key: SHA-256 of the root's name would do as well. */
static const uint8_t root_scalar[32] = {0x49, 0x6E, 0x67, 0x61, 0x6D, 0x20, 0x73, 0x69, 0x6D, 0x75, 0x6C,
                                        0x61, 0x74, 0x6F, 0x72, 0x20, 0x61, 0x74, 0x74, 0x65, 0x73, 0x74,
                                        0x61, 0x74, 0x69, 0x6F, 0x6E, 0x20, 0x72, 0x6F, 0x6F, 0x74};

struct content {
    const char *subject;
    const X509_NAME *issuer; /* NULL: itself */
    EVP_PKEY *key, *signer;
    bool authority;
    int path_length; /* of an authority, -1: none */
};

static bool set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                      0) == 1;
}

static bool set_number(X509 *x)
{
    uint8_t bytes[16];
    BIGNUM *n = crypto_random(bytes, sizeof bytes) ? BN_bin2bn(bytes, sizeof bytes, NULL) : NULL;
    bool done =
        n != NULL && BN_clear_bit(n, 127) >= 0 && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return done;
}

static bool add_extension(X509 *x, const char *oid, const uint8_t *value, size_t len, bool critical)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool done = object != NULL && content != NULL && ASN1_OCTET_STRING_set(content, value, (int)len) == 1 &&
                (extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical ? 1 : 0, content)) != NULL &&
                X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(object);
    return done;
}

static bool add_authority(X509 *x, const struct content *c)
{
    uint8_t constraints[] = {0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, (uint8_t)c->path_length};
    uint8_t unlimited[] = {0x30, 0x03, 0x01, 0x01, 0xFF};
    if (!c->authority)
        return true;
    return c->path_length >= 0 ? add_extension(x, "2.5.29.19", constraints, sizeof constraints, true)
                               : add_extension(x, "2.5.29.19", unlimited, sizeof unlimited, true);
}

/* A certificate that only lacks its signature and further extensions. */
static X509 *draft(const struct content *c)
{
    X509 *x = X509_new();
    if (x != NULL && X509_set_version(x, 2) == 1 && set_number(x) &&
        set_name(X509_get_subject_name(x), c->subject) &&
        X509_set_issuer_name(x, c->issuer != NULL ? c->issuer : X509_get_subject_name(x)) == 1 &&
        ASN1_TIME_set_string_X509(X509_getm_notBefore(x), VALID_FROM) == 1 &&
        ASN1_TIME_set_string_X509(X509_getm_notAfter(x), VALID_UNTIL) == 1 &&
        X509_set_pubkey(x, c->key) == 1 && add_authority(x, c))
        return x;
    X509_free(x);
    return NULL;
}

/* Signs, writes and frees. */
static size_t finish(X509 *x, EVP_PKEY *signer, uint8_t *out, size_t cap)
{
    size_t len = 0;
    if (x != NULL && X509_sign(x, signer, EVP_sha256()) > 0) {
        int n = i2d_X509(x, NULL);
        if (n > 0 && (size_t)n <= cap && i2d_X509(x, &out) == n)
            len = (size_t)n;
    }
    X509_free(x);
    ERR_clear_error();
    return len;
}

static size_t serial_der(uint32_t serial, uint8_t out[7])
{
    size_t n = 5;
    out[0] = 0x02;
    uint8_t bytes[5] = {0, (uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8),
                        (uint8_t)serial};
    const uint8_t *p = bytes;
    while (n > 1 && p[0] == 0 && (p[1] & 0x80) == 0) {
        p++;
        n--;
    }
    out[1] = (uint8_t)n;
    memcpy(out + 2, p, n);
    return n + 2;
}

static bool add_statements(X509 *x, const struct crypto_attestation *a)
{
    uint8_t serial[7], policy[] = {a->pin_policy, a->touch_policy};
    size_t serial_len = serial_der(a->serial, serial);
    return add_extension(x, MAKER_OID(3), a->version, sizeof a->version, false) &&
           add_extension(x, MAKER_OID(7), serial, serial_len, false) &&
           add_extension(x, MAKER_OID(8), policy, sizeof policy, false) &&
           add_extension(x, MAKER_OID(9), &a->form_factor, 1, false);
}

size_t crypto_attest(const struct crypto_attestation *what, const struct crypto_key *attestor,
                     const uint8_t *issuer, size_t issuer_len, uint8_t *out, size_t cap)
{
    const uint8_t *p = issuer;
    X509 *above = d2i_X509(NULL, &p, (long)issuer_len);
    size_t len = 0;
    if (above != NULL) {
        const struct content content = {.subject = what->subject,
                                        .issuer = X509_get_subject_name(above),
                                        .key = crypto_key_pkey(what->key),
                                        .signer = crypto_key_pkey(attestor)};
        X509 *x = draft(&content);
        if (x != NULL && !add_statements(x, what)) {
            X509_free(x);
            x = NULL;
        }
        len = finish(x, content.signer, out, cap);
    }
    X509_free(above);
    ERR_clear_error();
    return len;
}

static X509_NAME *root_name(void)
{
    X509_NAME *name = X509_NAME_new();
    if (name != NULL && set_name(name, ROOT_NAME))
        return name;
    X509_NAME_free(name);
    return NULL;
}

/* The key that signs the attestations of every simulated card: RSA-2048, as the makers' cards have it. As the
 * root's, it proves nothing. */
static const uint8_t attestor_p[128] = {
    0xC9, 0x9D, 0xA0, 0x94, 0x86, 0x12, 0x40, 0x97, 0x94, 0x2D, 0x9D, 0x0F, 0x5E, 0x1C, 0x9C, 0x6A,
    0x38, 0x97, 0xEB, 0x04, 0xDC, 0x84, 0x90, 0x85, 0xB1, 0x0D, 0x1F, 0x35, 0xBA, 0xBA, 0x36, 0xA0,
    0x3D, 0xCC, 0xD9, 0x2A, 0x2F, 0xA4, 0x98, 0x75, 0x17, 0x1D, 0x85, 0xC6, 0xE8, 0x25, 0x57, 0x71,
    0x95, 0xCB, 0xDC, 0x80, 0x6B, 0x77, 0xCD, 0x11, 0x6C, 0x68, 0x03, 0xF4, 0xBC, 0x51, 0xDF, 0x24,
    0x83, 0x50, 0x3A, 0x36, 0xEB, 0x42, 0xCD, 0x0D, 0xBE, 0x79, 0x09, 0xD3, 0xEC, 0x37, 0x63, 0x5E,
    0xCE, 0x15, 0xFF, 0x8A, 0xD9, 0x7B, 0x53, 0xF8, 0x50, 0xC8, 0x1A, 0x75, 0x76, 0x67, 0xFD, 0xDC,
    0x79, 0xE9, 0xC8, 0xD6, 0x5E, 0x3D, 0x0D, 0xBD, 0x5E, 0x7B, 0x74, 0x31, 0x0F, 0x2D, 0x34, 0x0C,
    0x72, 0xE9, 0x6C, 0xF5, 0x33, 0xC5, 0x4E, 0x96, 0xE6, 0xEB, 0x1B, 0x65, 0x4C, 0xEC, 0x9F, 0x25,
};
static const uint8_t attestor_q[128] = {
    0xBB, 0xC3, 0xC2, 0xE0, 0xA2, 0xA0, 0x56, 0x6B, 0x44, 0xB0, 0x34, 0xC4, 0x77, 0x23, 0x58, 0x6B,
    0xC1, 0x66, 0x36, 0xA9, 0x1E, 0x78, 0x55, 0xF5, 0x0A, 0x70, 0xE5, 0x71, 0x34, 0x9E, 0x3C, 0x54,
    0x38, 0x67, 0xB8, 0xCE, 0x5B, 0x21, 0x65, 0xD9, 0x1A, 0x1C, 0x7F, 0xD1, 0xD1, 0xE0, 0x1E, 0xAD,
    0x59, 0xAD, 0xEA, 0x09, 0x0B, 0x4F, 0xA3, 0x8A, 0x47, 0x0B, 0xE5, 0xC1, 0xB8, 0x72, 0xFD, 0xB9,
    0x6F, 0xCD, 0x7A, 0x69, 0xEA, 0xBE, 0x9F, 0x7A, 0xAC, 0xB9, 0xDB, 0xDE, 0x3E, 0x54, 0x6D, 0x1A,
    0x6D, 0x03, 0x46, 0xD0, 0x6F, 0xC0, 0xA5, 0x95, 0xA1, 0x48, 0xB1, 0xD2, 0xDB, 0xC6, 0x8D, 0x28,
    0xA9, 0xDB, 0x9F, 0x1E, 0x33, 0xB7, 0x86, 0x24, 0xA7, 0x79, 0x64, 0x87, 0xA1, 0x98, 0x6B, 0x3D,
    0xFC, 0xFD, 0x30, 0x89, 0xF6, 0x23, 0xC1, 0x9A, 0x3A, 0x0E, 0xA3, 0x40, 0xDC, 0x63, 0x33, 0x4D,
};

struct crypto_key *crypto_attestation_key(void)
{
    return crypto_key_from_primes(CRYPTO_RSA_2048, attestor_p, attestor_q, sizeof attestor_p);
}

size_t crypto_attestation_certificate(const struct crypto_key *attestor, uint8_t *out, size_t cap)
{
    struct crypto_key *root = crypto_key_from_scalar(CRYPTO_P256, root_scalar, sizeof root_scalar);
    X509_NAME *name = root_name();
    size_t len = 0;
    if (root != NULL && name != NULL) {
        const struct content content = {.subject = ATTESTOR_NAME,
                                        .issuer = name,
                                        .key = crypto_key_pkey(attestor),
                                        .signer = crypto_key_pkey(root),
                                        .authority = true,
                                        .path_length = 0};
        len = finish(draft(&content), content.signer, out, cap);
    }
    X509_NAME_free(name);
    crypto_key_free(root);
    return len;
}

size_t crypto_attestation_root(uint8_t *out, size_t cap)
{
    struct crypto_key *root = crypto_key_from_scalar(CRYPTO_P256, root_scalar, sizeof root_scalar);
    size_t len = 0;
    if (root != NULL) {
        const struct content content = {.subject = ROOT_NAME,
                                        .key = crypto_key_pkey(root),
                                        .signer = crypto_key_pkey(root),
                                        .authority = true,
                                        .path_length = -1};
        len = finish(draft(&content), content.signer, out, cap);
    }
    crypto_key_free(root);
    return len;
}

size_t crypto_certificate_pem(const uint8_t *der, size_t len, char *out, size_t cap)
{
    enum { LINE = 48 }; /* bytes that make 64 characters */
    FILE *to = fmemopen(out, cap, "w");
    if (to == NULL)
        return 0;
    bool done = fputs("-----BEGIN CERTIFICATE-----\n", to) >= 0;
    for (size_t at = 0; at < len && done; at += LINE) {
        unsigned char line[4 * LINE / 3 + 1];
        (void)EVP_EncodeBlock(line, der + at, (int)(len - at < LINE ? len - at : LINE));
        done = fprintf(to, "%s\n", line) > 0;
    }
    done = done && fputs("-----END CERTIFICATE-----\n", to) >= 0 && fflush(to) == 0;
    long written = ftell(to);
    return fclose(to) == 0 && done && written > 0 && (size_t)written < cap ? (size_t)written : 0;
}
