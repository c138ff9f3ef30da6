// Opens a PFX part by part: OpenSSL's own call for all of it would lose R and set no bounds.
#include "pfx.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#define PARTS_MOST 16
#define BAGS_MOST  64
#define SALT_MOST  128

struct content {
    STACK_OF(X509) * certificates;
    STACK_OF(X509_SIG) * sealed;                 // borrowed from bags
    STACK_OF(PKCS8_PRIV_KEY_INFO) * plain;       // borrowed from bags
    STACK_OF(PKCS12_SAFEBAG) * bags[PARTS_MOST]; // owners of the two
    int parts;
};

DEFINE_STACK_OF(X509_SIG)
DEFINE_STACK_OF(PKCS8_PRIV_KEY_INFO)

bool npki_certificate_serves(X509 *certificate, enum npki_use use)
{
    static const uint32_t usage[] = {[NPKI_SIGN] = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION,
                                     [NPKI_KM] = KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT};
    bool serves = (X509_get_key_usage(certificate) & usage[use]) != 0;
    ERR_clear_error();
    return serves;
}

PKCS12 *npki_pfx_parse(struct rd der)
{
    const unsigned char *p = der.p;
    PKCS12 *pfx = d2i_PKCS12(NULL, &p, (long)der.n);
    ERR_clear_error();
    if (pfx == NULL || p == der.p + der.n)
        return pfx;
    PKCS12_free(pfx);
    return NULL;
}

static enum exit_code damaged(struct fault *fault)
{
    return fault_set(fault, EXIT_MISMATCH, _("The PFX is damaged."));
}

static enum exit_code wrong_password(struct fault *fault)
{
    fault_set(fault, EXIT_PIN, _("The PFX could not be opened with this password."));
    return fault_todo(fault,
                      _("Try again with the right password; capital and small letters differ. Files are "
                        "not blocked by wrong tries."));
}

static void content_free(struct content *content)
{
    sk_X509_pop_free(content->certificates, X509_free);
    sk_X509_SIG_free(content->sealed);
    sk_PKCS8_PRIV_KEY_INFO_free(content->plain);
    for (int i = 0; i < content->parts; i++)
        sk_PKCS12_SAFEBAG_pop_free(content->bags[i], PKCS12_SAFEBAG_free);
    *content = (struct content){0};
}

static bool content_new(struct content *content)
{
    *content = (struct content){.certificates = sk_X509_new_null(),
                                .sealed = sk_X509_SIG_new_null(),
                                .plain = sk_PKCS8_PRIV_KEY_INFO_new_null()};
    return content->certificates != NULL && content->sealed != NULL && content->plain != NULL;
}

static bool take_bag(struct content *content, PKCS12_SAFEBAG *bag)
{
    int kind = PKCS12_SAFEBAG_get_nid(bag);
    if (kind == NID_certBag && PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate) {
        X509 *certificate = PKCS12_SAFEBAG_get1_cert(bag);
        if (certificate == NULL || sk_X509_push(content->certificates, certificate) > 0)
            return true;
        X509_free(certificate);
        return false;
    }
    if (kind == NID_pkcs8ShroudedKeyBag && PKCS12_SAFEBAG_get0_pkcs8(bag) != NULL)
        return sk_X509_SIG_push(content->sealed, (X509_SIG *)(uintptr_t)PKCS12_SAFEBAG_get0_pkcs8(bag)) > 0;
    if (kind == NID_keyBag && PKCS12_SAFEBAG_get0_p8inf(bag) != NULL)
        return sk_PKCS8_PRIV_KEY_INFO_push(
                   content->plain, (PKCS8_PRIV_KEY_INFO *)(uintptr_t)PKCS12_SAFEBAG_get0_p8inf(bag)) > 0;
    return true; // other bags are nobody's concern here
}

// Takes the bags over, also on failure.
static bool take_bags(struct content *content, STACK_OF(PKCS12_SAFEBAG) * bags)
{
    if (bags == NULL)
        return false;
    if (content->parts == PARTS_MOST || sk_PKCS12_SAFEBAG_num(bags) > BAGS_MOST) {
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
        return false;
    }
    content->bags[content->parts++] = bags;
    bool taken = true;
    for (int i = 0; taken && i < sk_PKCS12_SAFEBAG_num(bags); i++)
        taken = take_bag(content, sk_PKCS12_SAFEBAG_value(bags, i));
    return taken;
}

static bool has_data(const PKCS7 *part)
{
    return PKCS7_type_is_data(part) && part->d.data != NULL;
}

static enum exit_code open_encrypted(struct npki_crypto *crypto, const PKCS7 *part, struct rd password,
                                     struct content *content, struct fault *fault)
{
    const PKCS7_ENC_CONTENT *sealed = part->d.encrypted != NULL ? part->d.encrypted->enc_data : NULL;
    struct npki_lock lock;
    if (sealed == NULL || sealed->algorithm == NULL || sealed->enc_data == NULL)
        return damaged(fault);
    if (npki_lock_read(sealed->algorithm, &lock, fault) != EXIT_OK ||
        npki_lock_allow(&lock, crypto, fault) != EXIT_OK)
        return fault->code;
    if (lock.pbkdf1_seed)
        return fault_set(fault, EXIT_UNSUPPORTED,
                         _("The PFX keeps its certificates in a way that is not known here (%s)."),
                         lock.words);
    STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_item_decrypt_d2i_ex(
        sealed->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS), (const char *)password.p, (int)password.n,
        sealed->enc_data, 1, crypto->ctx, NULL);
    if (bags == NULL)
        return wrong_password(fault);
    return take_bags(content, bags) ? EXIT_OK : damaged(fault);
}

// Reads the parts; encrypted ones only when crypto is given.
static enum exit_code take_parts(struct npki_crypto *crypto, PKCS12 *pfx, struct rd password,
                                 struct content *content, struct fault *fault)
{
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(pfx);
    if (parts == NULL || sk_PKCS7_num(parts) > PARTS_MOST)
        damaged(fault);
    for (int i = 0; fault->code == EXIT_OK && i < sk_PKCS7_num(parts); i++) {
        PKCS7 *part = sk_PKCS7_value(parts, i);
        if (has_data(part)) {
            if (!take_bags(content, PKCS12_unpack_p7data(part)))
                damaged(fault);
        } else if (PKCS7_type_is_encrypted(part)) {
            if (crypto != NULL)
                open_encrypted(crypto, part, password, content, fault);
        } else if (crypto != NULL) {
            fault_set(fault, EXIT_UNSUPPORTED,
                      _("The PFX is encrypted for a public key, not with a password."));
        }
    }
    sk_PKCS7_pop_free(parts, PKCS7_free);
    ERR_clear_error();
    return fault->code;
}

X509 *npki_pfx_clear_certificate(PKCS12 *pfx, enum npki_use use)
{
    struct content content;
    struct fault unused = {.code = EXIT_OK};
    X509 *found = NULL;
    if (content_new(&content))
        take_parts(NULL, pfx, (struct rd){NULL, 0}, &content, &unused);
    for (int i = 0; found == NULL && i < sk_X509_num(content.certificates); i++) {
        X509 *one = sk_X509_value(content.certificates, i);
        if (npki_certificate_serves(one, use) && X509_check_ca(one) != 1 && X509_up_ref(one))
            found = one;
    }
    content_free(&content);
    ERR_clear_error();
    return found;
}

static enum exit_code check_mac(struct npki_crypto *crypto, PKCS12 *pfx, struct rd password,
                                struct fault *fault)
{
    const ASN1_INTEGER *rounds;
    const ASN1_OCTET_STRING *salt;
    int64_t number = 1;
    if (!PKCS12_mac_present(pfx))
        return EXIT_OK; // a wrong password then shows in what comes out
    PKCS12_get0_mac(NULL, NULL, &salt, &rounds, pfx);
    if (salt == NULL || ASN1_STRING_length(salt) > SALT_MOST ||
        (rounds != NULL && (ASN1_INTEGER_get_int64(&number, rounds) != 1 || number < 1)))
        return damaged(fault);
    if (number > INT32_MAX)
        number = INT32_MAX;
    if (npki_crypto_spend(crypto, (unsigned long)number, fault) != EXIT_OK)
        return fault->code;
    bool right = PKCS12_verify_mac(pfx, (const char *)password.p, (int)password.n) == 1;
    ERR_clear_error();
    return right ? EXIT_OK : wrong_password(fault);
}

static X509 *certificate_of(const struct content *content, const struct npki_key *key)
{
    for (int i = 0; i < sk_X509_num(content->certificates); i++)
        if (npki_key_is_of(key, sk_X509_value(content->certificates, i)))
            return sk_X509_value(content->certificates, i);
    return NULL;
}

static PKCS8_PRIV_KEY_INFO *copy_info(const PKCS8_PRIV_KEY_INFO *info)
{
    unsigned char *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO *copy = n > 0 ? npki_key_parse(rd_of(der, (size_t)n)) : NULL;
    if (n > 0)
        OPENSSL_clear_free(der, (size_t)n);
    return copy;
}

static enum exit_code open_key(struct npki_crypto *crypto, const struct content *content, int i,
                               struct rd password, struct npki_key *key, struct fault *fault)
{
    int sealed = sk_X509_SIG_num(content->sealed);
    if (i < sealed)
        return npki_key_open(crypto, sk_X509_SIG_value(content->sealed, i), password, key, fault);
    PKCS8_PRIV_KEY_INFO *info = copy_info(sk_PKCS8_PRIV_KEY_INFO_value(content->plain, i - sealed));
    return info != NULL ? npki_key_take(crypto, info, key, fault) : damaged(fault);
}

static enum exit_code choose(struct npki_crypto *crypto, const struct content *content, struct rd password,
                             enum npki_use use, struct npki_key *key, X509 **certificate, struct fault *fault)
{
    int keys = sk_X509_SIG_num(content->sealed) + sk_PKCS8_PRIV_KEY_INFO_num(content->plain);
    for (int i = 0; i < keys; i++) {
        if (open_key(crypto, content, i, password, key, fault) != EXIT_OK)
            return fault->code;
        X509 *fitting = certificate_of(content, key);
        if (fitting != NULL && (keys == 1 || npki_certificate_serves(fitting, use))) {
            X509_up_ref(fitting);
            *certificate = fitting;
            return EXIT_OK;
        }
        npki_key_free(key);
    }
    if (keys == 0)
        return fault_set(fault, EXIT_MISMATCH, _("The PFX holds no private key."));
    return fault_set(fault, EXIT_MISMATCH, _("The PFX holds no certificate that fits its private key."));
}

enum exit_code npki_pfx_open(struct npki_crypto *crypto, PKCS12 *pfx, struct rd password, enum npki_use use,
                             struct npki_key *key, X509 **certificate, struct fault *fault)
{
    struct content content;
    *key = (struct npki_key){0};
    *certificate = NULL;
    if (!content_new(&content))
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else if (check_mac(crypto, pfx, password, fault) == EXIT_OK &&
             take_parts(crypto, pfx, password, &content, fault) == EXIT_OK)
        choose(crypto, &content, password, use, key, certificate, fault);
    content_free(&content);
    return fault->code;
}
