// Makes certificates by rows: validity and extensions of each kind (RFC 5280).
#include "profile.h"

#include "words.h"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct extension {
    int nid;
    const char *value;
};

struct profile {
    long days;
    long backdate; // seconds: the clock of whoever checks may be behind
    struct extension extensions[6];
};

// keyid of the issuer and of the subject: RFC 5280 4.2.1.1 and 4.2.1.2.
#define KEY_IDS                                                                                              \
    {NID_subject_key_identifier, "hash"},                                                                    \
    {                                                                                                        \
        NID_authority_key_identifier, "keyid:always"                                                         \
    }

static const struct profile profiles[] = {
    [PROFILE_CA] = {3650,
                    300,
                    {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     KEY_IDS}},
    [PROFILE_CMP] = {3650,
                     300,
                     {{NID_basic_constraints, "critical,CA:FALSE"},
                      {NID_key_usage, "critical,digitalSignature"},
                      {NID_ext_key_usage, "1.3.6.1.5.5.7.3.27"}, // id-kp-cmcCA, RFC 6402 2.10
                      KEY_IDS}},
    [PROFILE_PERSON] = {365, 300, {{NID_key_usage, "critical,digitalSignature,nonRepudiation"}, KEY_IDS}},
};

static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

// Where the CRL is (RFC 5280 4.2.1.13), where OCSP answers and the CA certificate is (4.2.2.1).
static bool add_addresses(X509 *certificate, X509V3_CTX *context, const char *url, int generation)
{
    char crl[600];
    char access[600];
    if (generation <= 1) {
        snprintf(crl, sizeof crl, "URI:%s/ca.crl", url);
        snprintf(access, sizeof access, "OCSP;URI:%s/ocsp,caIssuers;URI:%s/ca.crt", url, url);
    } else {
        snprintf(crl, sizeof crl, "URI:%s/crl/%d", url, generation);
        snprintf(access, sizeof access, "OCSP;URI:%s/ocsp,caIssuers;URI:%s/ca/%d", url, url, generation);
    }
    return add_extension(certificate, context, NID_crl_distribution_points, crl) &&
           add_extension(certificate, context, NID_info_access, access);
}

// certificatePolicies (RFC 5280 4.2.1.4): OpenSSL reads it only with a configuration at hand, be it empty.
static bool add_policy(X509 *certificate, X509V3_CTX *context, const char *policy)
{
    CONF *empty = NCONF_new(NULL);
    if (empty == NULL)
        return false;
    X509V3_set_nconf(context, empty);
    bool done = add_extension(certificate, context, NID_certificate_policies, policy);
    X509V3_set_nconf(context, NULL);
    NCONF_free(empty);
    return done;
}

static bool add_extensions(X509 *certificate, const struct profile *profile, const struct profile_ask *ask)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, ask->issuer != NULL ? ask->issuer : certificate, certificate, NULL, NULL, 0);
    if (ask->issuer == NULL && X509V3_set_issuer_pkey(&context, ask->issuer_key) != 1)
        return false;
    for (const struct extension *row = profile->extensions; row->value != NULL; row++) {
        if (!add_extension(certificate, &context, row->nid, row->value))
            return false;
    }
    if (ask->policy != NULL && ask->policy[0] != 0 && !add_policy(certificate, &context, ask->policy))
        return false;
    return ask->url == NULL || ask->url[0] == 0 ||
           add_addresses(certificate, &context, ask->url, ask->generation);
}

int64_t profile_not_after(const X509 *certificate)
{
    struct tm parts;
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static bool set_validity(X509 *certificate, const struct profile *profile, const struct profile_ask *ask)
{
    const ASN1_TIME *last = ask->issuer != NULL ? X509_get0_notAfter(ask->issuer) : NULL;
    ASN1_TIME *from = ASN1_TIME_adj(NULL, (time_t)ask->now, 0, -profile->backdate);
    ASN1_TIME *until =
        ASN1_TIME_adj(NULL, (time_t)ask->now, ask->days != 0 ? ask->days : (int)profile->days, 0);
    bool done = from != NULL && until != NULL && X509_set1_notBefore(certificate, from) == 1;
    if (done && last != NULL && ASN1_TIME_compare(until, last) > 0)
        done = ASN1_TIME_compare(from, last) < 0 && X509_set1_notAfter(certificate, last) == 1;
    else if (done)
        done = X509_set1_notAfter(certificate, until) == 1;
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return done;
}

static bool set_serial(X509 *certificate, const unsigned char serial[PROFILE_SERIAL])
{
    BIGNUM *number = BN_bin2bn(serial, PROFILE_SERIAL, NULL);
    ASN1_INTEGER *value = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool done = value != NULL && X509_set_serialNumber(certificate, value) == 1;
    ASN1_INTEGER_free(value);
    BN_free(number);
    return done;
}

X509 *profile_certificate(const struct profile_ask *ask, struct fail *fail)
{
    const struct profile *profile = &profiles[ask->kind];
    const X509_NAME *issuer = ask->issuer != NULL ? X509_get_subject_name(ask->issuer) : ask->subject;
    X509 *certificate = X509_new();
    if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_serial(certificate, ask->serial) && X509_set_issuer_name(certificate, issuer) == 1 &&
        X509_set_subject_name(certificate, ask->subject) == 1 && set_validity(certificate, profile, ask) &&
        X509_set_pubkey(certificate, ask->key) == 1 && add_extensions(certificate, profile, ask) &&
        X509_sign(certificate, ask->issuer_key, EVP_sha256()) > 0)
        return certificate;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    fail_with(fail, FAIL_OTHER, _("cannot make the certificate: %s"),
              reason != NULL ? reason : _("the CA certificate is no longer valid"));
    ERR_clear_error();
    X509_free(certificate);
    return NULL;
}

bool profile_serial(unsigned char serial[PROFILE_SERIAL])
{
    if (RAND_bytes(serial, PROFILE_SERIAL) != 1)
        return false;
    serial[0] = (unsigned char)((serial[0] & 0x3F) | 0x40); // positive, and always of the same length
    return true;
}

struct key_row {
    const char *type;
    const char *group;
    int least, most; // bits
};

static const struct key_row key_rows[] = {
    {"RSA", NULL, 2048, 4096},
    {"EC", SN_X9_62_prime256v1, 256, 256},
    {"EC", SN_secp384r1, 384, 384},
};

static bool exponent_allowed(EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
                BN_num_bits(exponent) >= 17 && BN_num_bits(exponent) <= 64;
    BN_free(exponent);
    return good;
}

bool profile_key_allowed(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0]; i++) {
        const struct key_row *row = &key_rows[i];
        char group[64] = "";
        if (!EVP_PKEY_is_a(key, row->type) || bits < row->least || bits > row->most)
            continue;
        if (row->group == NULL)
            return exponent_allowed(key);
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && strcmp(group, row->group) == 0)
            return true;
    }
    return false;
}
