// Issues a certificate for a request whose protection and proof of possession were checked.
#include "cmp_call.h"

#include "profile.h"
#include "token_key.h"

#include <openssl/crmf.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

// The key that a request is about, and whether it asked for what the desk does not give.
struct wanted {
    unsigned char *spki; // SubjectPublicKeyInfo in DER
    int length;
    bool other; // another subject, extensions, ...: granted with modifications
    EVP_PKEY *key;
};

// CertTemplate (RFC 4211 clause 5): publicKey is [6] IMPLICIT; OpenSSL 3.0 has no accessor for it.
static bool template_key(const OSSL_CRMF_CERTTEMPLATE *template, struct wanted *wanted)
{
    unsigned char *der = NULL;
    int length = i2d_OSSL_CRMF_CERTTEMPLATE(template, &der);
    struct der all = der_of(der, length > 0 ? (size_t)length : 0);
    struct der field;
    struct der value;
    struct der whole;
    unsigned tag = 0;
    if (der_tlv(&all, DER_SEQUENCE, &field)) {
        while (der_any(&field, &tag, &value, &whole)) {
            if (tag != DER_CONTEXT(6u))
                continue;
            wanted->spki = OPENSSL_memdup(whole.at, whole.left);
            wanted->length = (int)whole.left;
            if (wanted->spki != NULL)
                wanted->spki[0] = DER_SEQUENCE;
        }
    }
    OPENSSL_free(der);
    return wanted->spki != NULL;
}

static bool other_name(const X509_NAME *asked, const X509_NAME *given)
{
    return asked != NULL && X509_NAME_entry_count(asked) > 0 && X509_NAME_cmp(asked, given) != 0;
}

static bool from_crmf(const OSSL_CRMF_MSG *crmf, const X509_NAME *subject, struct wanted *wanted)
{
    const OSSL_CRMF_CERTTEMPLATE *template = OSSL_CRMF_MSG_get0_tmpl(crmf);
    if (template == NULL)
        return false;
    wanted->other = other_name(OSSL_CRMF_CERTTEMPLATE_get0_subject(template), subject) ||
                    OSSL_CRMF_CERTTEMPLATE_get0_extensions(template) != NULL;
    return template_key(template, wanted);
}

static bool from_p10(const X509_REQ *p10, const X509_NAME *subject, struct wanted *wanted)
{
    wanted->other = other_name(X509_REQ_get_subject_name(p10), subject);
    wanted->length = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY((X509_REQ *)p10), &wanted->spki);
    return wanted->length > 0;
}

static bool read_wanted(const OSSL_CRMF_MSG *crmf, const X509_REQ *p10, const X509_NAME *subject,
                        struct wanted *wanted)
{
    bool found =
        crmf != NULL ? from_crmf(crmf, subject, wanted) : p10 != NULL && from_p10(p10, subject, wanted);
    const unsigned char *at = wanted->spki;
    if (found)
        wanted->key = d2i_PUBKEY(NULL, &at, wanted->length);
    return wanted->key != NULL && at == wanted->spki + wanted->length;
}

static void hexadecimal(const unsigned char *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02X", bytes[i]);
}

// Signs under the reserved serial number and writes the certificate down before anybody sees it.
static X509 *sign_and_record(struct cmp_call *call, const struct wanted *wanted, const X509_NAME *subject,
                             const unsigned char serial[PROFILE_SERIAL])
{
    struct fail fail = {0};
    struct desk *desk = call->desk;
    struct registry_class class;
    enum registry_end known = registry_class(desk->registry, call->person.class_name, &class);
    if (known == REGISTRY_FAILED)
        return NULL;
    struct profile_ask ask = {.kind = PROFILE_PERSON,
                              .subject = subject,
                              .key = wanted->key,
                              .now = desk->now(),
                              .policy = class.policy[0] != 0 ? class.policy : desk->policy,
                              .days = class.days,
                              .url = desk->url,
                              .generation = desk->generations,
                              .issuer = desk->ca,
                              .issuer_key = desk->ca_key};
    memcpy(ask.serial, serial, PROFILE_SERIAL);
    X509 *certificate = profile_certificate(&ask, &fail);
    unsigned char *der = NULL;
    int length = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    bool done =
        length > 0 && length <= REGISTRY_CERT &&
        registry_record(desk->registry, call->event->serial, der, (size_t)length,
                        profile_not_after(certificate), desk->generations, desk->now()) == REGISTRY_DONE;
    OPENSSL_free(der);
    if (done)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static enum refuse_reason reserve_or_repeat(struct cmp_call *call, const struct wanted *wanted,
                                            const X509_NAME *subject, X509 **certificate)
{
    unsigned char hash[REGISTRY_HASH];
    unsigned char serial[PROFILE_SERIAL];
    struct registry_certificate issued;
    struct cmp_event *event = call->event;
    if (EVP_Digest(wanted->spki, (size_t)wanted->length, hash, NULL, EVP_sha256(), NULL) != 1 ||
        !profile_serial(serial))
        return REFUSE_BROKEN;
    hexadecimal(serial, sizeof serial, event->serial);
    enum registry_end end = registry_reserve(call->desk->registry, call->person.reference, hash,
                                             event->serial, call->desk->now(), &issued);
    if (end == REGISTRY_AGAIN) {
        const unsigned char *at = issued.der;
        memcpy(event->serial, issued.serial, sizeof event->serial);
        event->what = "repeated";
        *certificate = d2i_X509(NULL, &at, (long)issued.length);
    } else if (end == REGISTRY_DONE) {
        event->what = "issued";
        *certificate = sign_and_record(call, wanted, subject, serial);
    } else {
        event->serial[0] = 0;
        // A renewal that was confirmed: the update was done before (RFC 4210 5.3.5).
        return end == REGISTRY_SPENT && call->signer != NULL ? REFUSE_RENEWED : cmp_reason(end);
    }
    if (*certificate != NULL)
        return REFUSE_NOTHING;
    return token_key_away(call->desk->ca_key) ? REFUSE_TOKEN : REFUSE_BROKEN;
}

static enum refuse_reason issue(struct cmp_call *call, const OSSL_CRMF_MSG *crmf, const X509_REQ *p10,
                                X509 **certificate, bool *other)
{
    enum refuse_reason reason = REFUSE_TEMPLATE;
    struct wanted wanted = {0};
    const unsigned char *at = call->person.subject;
    X509_NAME *subject = d2i_X509_NAME(NULL, &at, (long)call->person.subject_length);
    if (subject == NULL)
        reason = REFUSE_BROKEN;
    else if (read_wanted(crmf, p10, subject, &wanted))
        reason = profile_key_allowed(wanted.key) ? reserve_or_repeat(call, &wanted, subject, certificate)
                                                 : REFUSE_KEY;
    *other = wanted.other;
    OPENSSL_free(wanted.spki);
    EVP_PKEY_free(wanted.key);
    X509_NAME_free(subject);
    ERR_clear_error();
    return reason;
}

// caPubs: the roots. extraCerts: what leads to them.
static bool give_authorities(const struct desk *desk, STACK_OF(X509) * *chain, STACK_OF(X509) * *ca)
{
    *chain = sk_X509_new_null();
    *ca = sk_X509_new_null();
    return *chain != NULL && *ca != NULL && desk_roots(desk, *ca) && desk_untrusted(desk, *chain);
}

// The control oldCertID (RFC 4211 6.5) must name the signer's certificate: nobody renews another's.
static bool own_old_certificate(const struct cmp_call *call, const OSSL_CRMF_MSG *crmf)
{
    const OSSL_CRMF_CERTID *old = crmf != NULL ? OSSL_CRMF_MSG_get0_regCtrl_oldCertID(crmf) : NULL;
    return old != NULL &&
           ASN1_INTEGER_cmp(OSSL_CRMF_CERTID_get0_serialNumber(old), X509_get0_serialNumber(call->signer)) ==
               0 &&
           X509_NAME_cmp(OSSL_CRMF_CERTID_get0_issuer(old), X509_get_issuer_name(call->signer)) == 0;
}

OSSL_CMP_PKISI *cmp_on_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
                               const OSSL_CRMF_MSG *crmf, const X509_REQ *p10, X509 **certificate,
                               STACK_OF(X509) * *chain, STACK_OF(X509) * *ca)
{
    struct cmp_call *call = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    bool other = false;
    (void)request;
    call->request_id = id;
    *certificate = NULL;
    *chain = *ca = NULL;
    enum refuse_reason reason = REFUSE_NOTHING;
    if (call->replaying)
        reason = REFUSE_WAITING;
    else if (call->header.body == BODY_KUR && !own_old_certificate(call, crmf))
        reason = REFUSE_NOT_YOURS;
    else
        reason = issue(call, crmf, p10, certificate, &other);
    if (reason == REFUSE_NOTHING && !give_authorities(call->desk, chain, ca))
        reason = REFUSE_BROKEN;
    OSSL_CMP_PKISI *status = reason != REFUSE_NOTHING ? refuse_status(reason)
                             : other
                                 ? OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_grantedWithMods, 0,
                                                           "the subject is the one that the desk wrote down")
                                 : OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
    call->event->reason = reason == REFUSE_WAITING ? REFUSE_NOTHING : reason;
    if (reason == REFUSE_WAITING && !call->replaying)
        call->event->what = "waits";
    if (reason == REFUSE_NOTHING && status != NULL)
        return status;
    X509_free(*certificate);
    sk_X509_pop_free(*chain, X509_free);
    sk_X509_pop_free(*ca, X509_free);
    *certificate = NULL;
    *chain = *ca = NULL;
    return status;
}
