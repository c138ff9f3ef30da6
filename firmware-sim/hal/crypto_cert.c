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
