// Makes key pairs on a token and reads their public halves.
#include "keypair.h"
#include "text.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC_MOST 2048

static const unsigned char p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const unsigned char p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};

static const struct key_kind kinds[] = {
    {"rsa2048", CKK_RSA, 2048, NULL, 0, "SHA256"},      {"rsa3072", CKK_RSA, 3072, NULL, 0, "SHA256"},
    {"rsa4096", CKK_RSA, 4096, NULL, 0, "SHA256"},      {"p256", CKK_EC, 256, p256, sizeof p256, "SHA256"},
    {"p384", CKK_EC, 384, p384, sizeof p384, "SHA384"},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

const struct key_kind *key_kind_of(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const struct key_kind *key_kind_row(unsigned row)
{
    return row < KINDS ? &kinds[row] : NULL;
}

const struct key_kind *key_kind_of_public(const EVP_PKEY *key)
{
    CK_KEY_TYPE type = EVP_PKEY_is_a(key, "RSA")  ? CKK_RSA
                       : EVP_PKEY_is_a(key, "EC") ? CKK_EC
                                                  : CKK_VENDOR_DEFINED;
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].type == type && (int)kinds[i].bits == EVP_PKEY_get_bits(key))
            return &kinds[i];
    return NULL;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(struct session *session, CK_OBJECT_HANDLE object)
{
    unsigned char *n = NULL, *e = NULL;
    size_t n_length, e_length;
    EVP_PKEY *key = NULL;
    if (object_read(session, object, CKA_MODULUS, PUBLIC_MOST, &n, &n_length, NULL) == EXIT_OK &&
        object_read(session, object, CKA_PUBLIC_EXPONENT, PUBLIC_MOST, &e, &e_length, NULL) == EXIT_OK) {
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL), *exponent = BN_bin2bn(e, (int)e_length, NULL);
        if (build != NULL && modulus != NULL && exponent != NULL &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
            key = from_params("RSA", build);
        BN_free(modulus);
        BN_free(exponent);
        OSSL_PARAM_BLD_free(build);
    }
    free(n);
    free(e);
    return key;
}

static const struct key_kind *kind_of_curve(const unsigned char *oid, size_t length)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].curve_length == length && memcmp(kinds[i].curve, oid, length) == 0)
            return &kinds[i];
    return NULL;
}

static EVP_PKEY *ec_key(struct session *session, CK_OBJECT_HANDLE object)
{
    unsigned char *oid = NULL, *wrapped = NULL;
    size_t oid_length, wrapped_length;
    EVP_PKEY *key = NULL;
    if (object_read(session, object, CKA_EC_PARAMS, PUBLIC_MOST, &oid, &oid_length, NULL) == EXIT_OK &&
        object_read(session, object, CKA_EC_POINT, PUBLIC_MOST, &wrapped, &wrapped_length, NULL) == EXIT_OK) {
        const unsigned char *p = wrapped;
        const struct key_kind *kind = kind_of_curve(oid, oid_length);
        ASN1_OCTET_STRING *point = d2i_ASN1_OCTET_STRING(NULL, &p, (long)wrapped_length);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        if (kind != NULL && point != NULL && build != NULL && p == wrapped + wrapped_length &&
            OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                            kind->bits == 256 ? "P-256" : "P-384", 0) &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, ASN1_STRING_get0_data(point),
                                             (size_t)ASN1_STRING_length(point)))
            key = from_params("EC", build);
        OSSL_PARAM_BLD_free(build);
        ASN1_OCTET_STRING_free(point);
    }
    free(oid);
    free(wrapped);
    return key;
}

static EVP_PKEY *public_of(struct session *session, CK_OBJECT_HANDLE object)
{
    CK_KEY_TYPE type = CKK_VENDOR_DEFINED;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};
    if (session->module->f->C_GetAttributeValue(session->handle, object, &attribute, 1) != CKR_OK)
        return NULL;
    return type == CKK_RSA ? rsa_key(session, object) : type == CKK_EC ? ec_key(session, object) : NULL;
}

enum exit_code keypair_generate(struct session *session, const struct piv_place *place,
                                const struct key_kind *kind, bool *always, EVP_PKEY **out,
                                struct fault *fault)
{
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE id = place->id, exponent[] = {0x01, 0x00, 0x01};
    CK_ULONG bits = kind->bits;
    CK_MECHANISM mechanism = {kind->type == CKK_RSA ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL,
                              0};
    CK_ATTRIBUTE rsa[] = {{CKA_TOKEN, &yes, sizeof yes},
                          {CKA_ID, &id, sizeof id},
                          {CKA_VERIFY, &yes, sizeof yes},
                          {CKA_MODULUS_BITS, &bits, sizeof bits},
                          {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    CK_ATTRIBUTE ec[] = {{CKA_TOKEN, &yes, sizeof yes},
                         {CKA_ID, &id, sizeof id},
                         {CKA_VERIFY, &yes, sizeof yes},
                         {CKA_EC_PARAMS, (void *)(uintptr_t)kind->curve, kind->curve_length}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},
                              {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_ID, &id, sizeof id},
                              {CKA_SIGN, &yes, sizeof yes},      {CKA_ALWAYS_AUTHENTICATE, &yes, sizeof yes}};
    CK_ULONG private_all = sizeof private / sizeof private[0];
    CK_OBJECT_HANDLE public_handle, private_handle;
    bool is_rsa = kind->type == CKK_RSA;
    CK_RV rv;
    bool strict = always != NULL && *always;
    for (;;) {
        rv = session->module->f->C_GenerateKeyPair(
            session->handle, &mechanism, is_rsa ? rsa : ec,
            is_rsa ? sizeof rsa / sizeof rsa[0] : sizeof ec / sizeof ec[0], private,
            private_all - (strict ? 0 : 1), &public_handle, &private_handle);
        if (!strict || (rv != CKR_TEMPLATE_INCONSISTENT && rv != CKR_ATTRIBUTE_VALUE_INVALID &&
                        rv != CKR_ATTRIBUTE_TYPE_INVALID))
            break;
        strict = *always = false;
    }
    *out = NULL;
    if (rv != CKR_OK)
        return change_fault(fault, rv, _("No key could be made in the slot."));
    *out = public_of(session, public_handle);
    if (*out == NULL || key_kind_of_public(*out) != kind) {
        EVP_PKEY_free(*out);
        *out = NULL;
        return fault_set(fault, EXIT_MISMATCH,
                         _("The token made a key in slot %s but does not give a fitting public key."),
                         place->number);
    }
    return EXIT_OK;
}

enum exit_code keypair_public(struct session *session, CK_BYTE id, EVP_PKEY **out, struct fault *fault)
{
    CK_OBJECT_HANDLE found;
    size_t count;
    *out = NULL;
    if (object_find(session, CKO_PUBLIC_KEY, id, &found, 1, &count, fault) != EXIT_OK)
        return fault->code;
    if (count > 0)
        *out = public_of(session, found);
    if (*out != NULL)
        return EXIT_OK;
    X509 *certificate;
    if (object_certificate(session, id, &certificate, fault) == EXIT_OK && certificate != NULL)
        *out = X509_get_pubkey(certificate);
    X509_free(certificate);
    return fault->code;
}

enum exit_code keypair_private(struct session *session, CK_BYTE id, CK_OBJECT_HANDLE *out, bool *found,
                               struct fault *fault)
{
    size_t count = 0;
    enum exit_code code = object_find(session, CKO_PRIVATE_KEY, id, out, 1, &count, fault);
    *found = code == EXIT_OK && count > 0;
    return code;
}

enum exit_code keypair_remove(struct session *session, CK_BYTE id, struct fault *fault)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    if (session->module->officer_writes)
        return EXIT_OK;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        CK_OBJECT_HANDLE found[16];
        size_t count;
        object_find(session, classes[i], id, found, 16, &count, fault);
        for (size_t k = 0; k < count && fault->code == EXIT_OK; k++)
            object_destroy(session, found[k], fault);
    }
    return fault->code;
}
