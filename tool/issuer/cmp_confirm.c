// Takes a certConf (RFC 4210 5.3.18) or a client's error (5.3.21): the certificate stands and the code is
// spent, or it is rejected.
#include "cmp_call.h"

#include <openssl/err.h>
#include <string.h>

// One CertStatus.
struct confirmation {
    struct der hash;
    int request_id;
    int status; // PKIStatus; accepted when statusInfo is absent
};

// certReqId: an INTEGER that may be -1 (RFC 9480 2.3 for p10cr).
static bool read_id(struct der *from, int *id)
{
    struct der rest = *from;
    struct der value;
    if (der_tlv(&rest, DER_INTEGER, &value) && der_equal(&value, "\xFF", 1)) {
        *id = -1;
        *from = rest;
        return true;
    }
    return der_small(from, id);
}

static bool read_status(struct der *from, struct confirmation *confirmation)
{
    struct der status;
    struct der info;
    confirmation->status = OSSL_CMP_PKISTATUS_accepted;
    if (!der_tlv(from, DER_SEQUENCE, &status) || !der_tlv(&status, DER_OCTET_STRING, &confirmation->hash) ||
        !read_id(&status, &confirmation->request_id))
        return false;
    if (der_next_is(&status, DER_SEQUENCE) &&
        !(der_tlv(&status, DER_SEQUENCE, &info) && der_small(&info, &confirmation->status)))
        return false;
    return der_end(&status);
}

// CertConfirmContent: empty means rejection. *any: there is a CertStatus.
static bool read_content(struct der content, bool *any, struct confirmation *confirmation)
{
    struct der list;
    if (!der_tlv(&content, DER_SEQUENCE, &list) || !der_end(&content))
        return false;
    *any = !der_end(&list);
    return !*any || (read_status(&list, confirmation) && der_end(&list));
}

// Is this the hash of that certificate, by the digest of its signature?
static bool same_certificate(const struct registry_certificate *issued, const struct der *hash)
{
    const unsigned char *at = issued->der;
    EVP_MD *digest = NULL;
    int fallback = 0;
    X509 *certificate = d2i_X509(NULL, &at, (long)issued->length);
    ASN1_OCTET_STRING *expected =
        certificate != NULL ? X509_digest_sig(certificate, &digest, &fallback) : NULL;
    bool same = expected != NULL &&
                der_equal(hash, ASN1_STRING_get0_data(expected), (size_t)ASN1_STRING_length(expected));
    ASN1_OCTET_STRING_free(expected);
    EVP_MD_free(digest);
    X509_free(certificate);
    ERR_clear_error();
    return same;
}

static enum refuse_reason reject(struct cmp_call *call)
{
    static const enum refuse_reason reasons[] = {
        [REGISTRY_DONE] = REFUSE_NOTHING,
        [REGISTRY_AGAIN] = REFUSE_NOTHING,
        [REGISTRY_NONE] = REFUSE_CONFIRMED,
        [REGISTRY_FAILED] = REFUSE_BUSY,
    };
    call->event->what = "rejected";
    return reasons[registry_reject(call->desk->registry, call->exchange.serial, call->desk->now())];
}

static enum refuse_reason accept_it(struct cmp_call *call)
{
    static const enum refuse_reason reasons[] = {
        [REGISTRY_DONE] = REFUSE_NOTHING,
        [REGISTRY_AGAIN] = REFUSE_NOTHING,
        [REGISTRY_NONE] = REFUSE_TRANSACTION,
        [REGISTRY_FAILED] = REFUSE_BUSY,
    };
    call->event->what = "confirmed";
    return reasons[registry_confirm(call->desk->registry, call->exchange.serial, call->desk->now())];
}

enum refuse_reason cmp_confirm(struct cmp_call *call)
{
    struct registry_certificate issued;
    struct confirmation confirmation;
    const struct registry_exchange *exchange = &call->exchange;
    bool any = false;
    memcpy(call->event->serial, exchange->serial, sizeof call->event->serial);
    if (!der_equal(&call->header.recip_nonce, exchange->nonce, exchange->nonce_length))
        return REFUSE_NONCE;
    if (call->header.body == BODY_ERROR)
        return reject(call);
    if (!read_content(call->header.content, &any, &confirmation))
        return REFUSE_FORMAT;
    if (!any)
        return reject(call);
    if (registry_certificate(call->desk->registry, exchange->serial, &issued) != REGISTRY_DONE)
        return REFUSE_BUSY;
    if (confirmation.request_id != exchange->request_id || !same_certificate(&issued, &confirmation.hash))
        return REFUSE_HASH;
    bool accepted = confirmation.status == OSSL_CMP_PKISTATUS_accepted ||
                    confirmation.status == OSSL_CMP_PKISTATUS_grantedWithMods;
    return accepted ? accept_it(call) : reject(call);
}
