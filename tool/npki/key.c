// Opens private keys of the schemes in lock.c and takes R out of their attributes.
#include "key.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

// KISA: randomNum, an attribute of one BIT STRING.
#define RANDOM_OID   "1.2.410.200004.10.1.1.3"
#define RANDOM_USUAL 20
#define RANDOM_LEAST 16
#define RANDOM_MOST  64
#define NUMBERS_MOST 16384 // bytes of a private key: RSA of 16,384 bits has 9 KB

static const ASN1_BIT_STRING *random_attribute(const PKCS8_PRIV_KEY_INFO *info)
{
    const STACK_OF(X509_ATTRIBUTE) *all = PKCS8_pkey_get0_attrs(info);
    char oid[80];
    for (int i = 0; all != NULL && i < sk_X509_ATTRIBUTE_num(all); i++) {
        X509_ATTRIBUTE *one = sk_X509_ATTRIBUTE_value(all, i);
        if (OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(one), 1) <= 0 ||
            strcmp(oid, RANDOM_OID) != 0)
            continue;
        const ASN1_TYPE *type = X509_ATTRIBUTE_get0_type(one, 0);
        if (type != NULL && type->type == V_ASN1_BIT_STRING)
            return type->value.bit_string;
    }
    return NULL;
}

// A program that encodes R as a list of named bits drops its trailing zero bits; they are put back.
static enum exit_code take_random(struct npki_key *key, struct fault *fault)
{
    const ASN1_BIT_STRING *bits = random_attribute(key->info);
    if (bits == NULL)
        return EXIT_OK;
    int length = ASN1_STRING_length(bits);
    if (length < RANDOM_LEAST || length > RANDOM_MOST)
        return fault_set(fault, EXIT_MISMATCH, _("The key's random number R has %d bytes; that cannot be."),
                         length);
    key->random = secret_room((size_t)(length < RANDOM_USUAL ? RANDOM_USUAL : length));
    if (secret_bytes(key->random) == NULL)
        return fault_set(fault, EXIT_OTHER, _("Out of memory."));
    memcpy(secret_bytes(key->random), ASN1_STRING_get0_data(bits), (size_t)length);
    return EXIT_OK;
}

void npki_key_info_free(PKCS8_PRIV_KEY_INFO *info)
{
    const ASN1_BIT_STRING *bits = info != NULL ? random_attribute(info) : NULL;
    if (bits != NULL)
        secret_wipe((void *)(uintptr_t)ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits));
    PKCS8_PRIV_KEY_INFO_free(info);
}

void npki_key_free(struct npki_key *key)
{
    npki_key_info_free(key->info);
    EVP_PKEY_free(key->pkey);
    secret_free(key->random);
    *key = (struct npki_key){0};
}

PKCS8_PRIV_KEY_INFO *npki_key_parse(struct rd der)
{
    const unsigned char *p = der.p;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
    ERR_clear_error();
    if (info == NULL || p == der.p + der.n)
        return info;
    npki_key_info_free(info);
    return NULL;
}

// Other kinds are not decoded at all: OpenSSL would compute a public key for them, with numbers of any size.
static bool is_known_kind(const PKCS8_PRIV_KEY_INFO *info)
{
    const ASN1_OBJECT *kind;
    const unsigned char *octets;
    int length;
    if (PKCS8_pkey_get0(&kind, &octets, &length, NULL, info) != 1 || length > NUMBERS_MOST)
        return false;
    int nid = OBJ_obj2nid(kind);
    return nid == NID_rsaEncryption || nid == NID_X9_62_id_ecPublicKey;
}

enum exit_code npki_key_take(struct npki_crypto *crypto, PKCS8_PRIV_KEY_INFO *info, struct npki_key *out,
                             struct fault *fault)
{
    *out = (struct npki_key){.info = info};
    if (is_known_kind(info))
        out->pkey = EVP_PKCS82PKEY_ex(info, crypto->ctx, NULL);
    ERR_clear_error();
    if (out->pkey == NULL)
        fault_set(fault, EXIT_UNSUPPORTED,
                  _("The private key is damaged or of a kind that is not known here."));
    else
        take_random(out, fault);
    if (fault->code != EXIT_OK)
        npki_key_free(out);
    return fault->code;
}

static PKCS8_PRIV_KEY_INFO *open_seed(const struct npki_lock *lock, struct npki_crypto *crypto,
                                      const X509_SIG *sealed, struct rd password)
{
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *data;
    X509_SIG_get0(sealed, &algorithm, &data);
    ASN1_OCTET_STRING *salt = npki_lock_salt(algorithm);
    struct secret *clear = NULL;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    if (salt != NULL)
        clear = npki_lock_seed(lock, crypto,
                               rd_of(ASN1_STRING_get0_data(salt), (size_t)ASN1_STRING_length(salt)), password,
                               rd_of(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)), false);
    if (clear != NULL)
        info = npki_key_parse(secret_view(clear));
    secret_free(clear);
    ASN1_OCTET_STRING_free(salt);
    return info;
}

enum exit_code npki_key_open(struct npki_crypto *crypto, const X509_SIG *sealed, struct rd password,
                             struct npki_key *out, struct fault *fault)
{
    const X509_ALGOR *algorithm;
    struct npki_lock lock;
    *out = (struct npki_key){0};
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (npki_lock_read(algorithm, &lock, fault) != EXIT_OK ||
        npki_lock_allow(&lock, crypto, fault) != EXIT_OK)
        return fault->code;
    PKCS8_PRIV_KEY_INFO *info = lock.pbkdf1_seed ? open_seed(&lock, crypto, sealed, password)
                                                 : PKCS8_decrypt_ex(sealed, (const char *)password.p,
                                                                    (int)password.n, crypto->ctx, NULL);
    ERR_clear_error();
    if (info != NULL)
        return npki_key_take(crypto, info, out, fault);
    fault_set(fault, EXIT_PIN, _("The private key could not be opened with this password."));
    return fault_todo(fault,
                      _("Try again with the right password; capital and small letters differ. Files are "
                        "not blocked by wrong tries."));
}

bool npki_key_is_of(const struct npki_key *key, const X509 *certificate)
{
    EVP_PKEY *held = X509_get0_pubkey(certificate);
    bool same = held != NULL && EVP_PKEY_eq(held, key->pkey) == 1;
    ERR_clear_error();
    return same;
}

enum exit_code npki_key_fits(const struct npki_key *key, const X509 *certificate, struct fault *fault)
{
    if (npki_key_is_of(key, certificate))
        return EXIT_OK;
    fault_set(fault, EXIT_MISMATCH, _("Private key and certificate do not belong together."));
    return fault_why(fault, _("the certificate holds another public key"));
}
