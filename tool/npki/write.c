// Encrypts software keys in the forms that the Korean PKI's programs read.
#include "write.h"
#include "text.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <string.h>

#define ROUNDS     2048
#define PFX_ROUNDS 2048

static X509_ALGOR *seed_algorithm(const uint8_t salt[NPKI_SALT])
{
    X509_ALGOR *out = X509_ALGOR_new();
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.410.200004.1.15", 1);
    PBEPARAM *parameter = PBEPARAM_new();
    ASN1_STRING *packed = NULL;
    if (out != NULL && oid != NULL && parameter != NULL && ASN1_INTEGER_set(parameter->iter, ROUNDS) == 1 &&
        ASN1_OCTET_STRING_set(parameter->salt, salt, NPKI_SALT) == 1)
        packed = ASN1_item_pack(parameter, ASN1_ITEM_rptr(PBEPARAM), NULL);
    PBEPARAM_free(parameter);
    if (packed != NULL && X509_ALGOR_set0(out, oid, V_ASN1_SEQUENCE, packed) == 1)
        return out;
    ASN1_STRING_free(packed);
    ASN1_OBJECT_free(oid);
    X509_ALGOR_free(out);
    return NULL;
}

// The structure, taking algorithm over.
static X509_SIG *assemble(X509_ALGOR *algorithm, struct rd data)
{
    X509_SIG *out = X509_SIG_new();
    X509_ALGOR *into;
    ASN1_OCTET_STRING *octets;
    bool done = false;
    if (out != NULL) {
        X509_SIG_getm(out, &into, &octets);
        done =
            X509_ALGOR_copy(into, algorithm) == 1 && ASN1_OCTET_STRING_set(octets, data.p, (int)data.n) == 1;
    }
    X509_ALGOR_free(algorithm);
    if (done)
        return out;
    X509_SIG_free(out);
    return NULL;
}

X509_SIG *npki_write_seal(struct npki_crypto *crypto, const PKCS8_PRIV_KEY_INFO *info, struct rd password,
                          const uint8_t salt[NPKI_SALT], struct fault *fault)
{
    struct npki_lock lock = {0};
    unsigned char *der = NULL;
    X509_SIG *out = NULL;
    struct secret *sealed = NULL;
    X509_ALGOR *algorithm = seed_algorithm(salt);
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    if (algorithm != NULL && n > 0 && npki_lock_read(algorithm, &lock, fault) == EXIT_OK &&
        npki_lock_allow(&lock, crypto, fault) == EXIT_OK)
        sealed = npki_lock_seed(&lock, crypto, rd_of(salt, NPKI_SALT), password, rd_of(der, (size_t)n), true);
    if (sealed != NULL)
        out = assemble(algorithm, secret_view(sealed));
    else
        X509_ALGOR_free(algorithm);
    if (n > 0)
        OPENSSL_clear_free(der, (size_t)n);
    secret_free(sealed);
    if (out == NULL)
        fault_set(fault, EXIT_OTHER, _("The private key could not be encrypted."));
    return out;
}

// The bags' common name: the certificate's key identifier, as other programs have it, else its fingerprint.
static bool add_id(PKCS12_SAFEBAG *bag, X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate);
    if (id != NULL)
        return PKCS12_add_localkeyid(bag, (unsigned char *)(uintptr_t)ASN1_STRING_get0_data(id),
                                     ASN1_STRING_length(id)) == 1;
    return X509_digest(certificate, EVP_sha1(), digest, &length) == 1 &&
           PKCS12_add_localkeyid(bag, digest, (int)length) == 1;
}

static bool add_bag(STACK_OF(PKCS12_SAFEBAG) * bags, PKCS12_SAFEBAG *bag, X509 *certificate)
{
    if (bag != NULL && add_id(bag, certificate) && sk_PKCS12_SAFEBAG_push(bags, bag) > 0)
        return true;
    PKCS12_SAFEBAG_free(bag);
    return false;
}

PKCS12 *npki_write_pfx(const PKCS8_PRIV_KEY_INFO *info, X509 *certificate, struct rd password,
                       struct fault *fault)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    STACK_OF(PKCS7) *safes = NULL;
    PKCS12 *out = NULL;
    const char *word = (const char *)password.p;
    int length = (int)password.n;
    if (bags != NULL && add_bag(bags, PKCS12_SAFEBAG_create_cert(certificate), certificate) &&
        add_bag(bags,
                PKCS12_SAFEBAG_create_pkcs8_encrypt(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, word, length,
                                                    NULL, 0, PFX_ROUNDS,
                                                    (PKCS8_PRIV_KEY_INFO *)(uintptr_t)info),
                certificate) &&
        PKCS12_add_safe(&safes, bags, -1, 0, NULL) == 1)
        out = PKCS12_add_safes(safes, 0);
    if (out != NULL && PKCS12_set_mac(out, word, length, NULL, 0, PFX_ROUNDS, EVP_sha1()) != 1) {
        PKCS12_free(out);
        out = NULL;
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    ERR_clear_error();
    if (out == NULL)
        fault_set(fault, EXIT_OTHER, _("The PFX could not be made."));
    return out;
}
