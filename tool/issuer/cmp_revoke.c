// Takes a revocation request (rr, RFC 4210 5.3.9): by its CRLReason it revokes, suspends or resumes.
#include "cmp_call.h"

#include <openssl/err.h>
#include <string.h>

// id-ce-cRLReasons 2.5.29.21 (RFC 5280 5.3.1)
static const unsigned char reason_oid[] = {0x55, 0x1D, 0x15};

#define DER_BOOLEAN    0x01
#define DER_ENUMERATED 0x0A

// One Extension; reads its CRLReason if it is one.
static bool read_extension(struct der *list, int *reason)
{
    struct der extension;
    struct der oid;
    struct der value;
    struct der code;
    if (!der_tlv(list, DER_SEQUENCE, &extension) || !der_tlv(&extension, DER_OID, &oid))
        return false;
    if (der_next_is(&extension, DER_BOOLEAN) && !der_tlv(&extension, DER_BOOLEAN, &value))
        return false;
    if (!der_tlv(&extension, DER_OCTET_STRING, &value) || !der_end(&extension))
        return false;
    if (!der_equal(&oid, reason_oid, sizeof reason_oid))
        return true;
    if (!der_tlv(&value, DER_ENUMERATED, &code) || !der_end(&value) || code.left != 1)
        return false;
    *reason = code.at[0];
    return true;
}

// RevReqContent: one RevDetails, { certDetails, crlEntryDetails OPTIONAL }. Without a reason: unspecified.
static bool read_reason(struct der content, int *reason)
{
    struct der list;
    struct der details;
    struct der template;
    struct der extensions;
    *reason = 0;
    if (!der_tlv(&content, DER_SEQUENCE, &list) || !der_tlv(&list, DER_SEQUENCE, &details) ||
        !der_end(&list) || !der_tlv(&details, DER_SEQUENCE, &template))
        return false;
    if (der_end(&details))
        return true;
    if (!der_tlv(&details, DER_SEQUENCE, &extensions))
        return false;
    while (!der_end(&extensions)) {
        if (!read_extension(&extensions, reason))
            return false;
    }
    return der_end(&details);
}

// What each CRLReason asks for; those that only a CA gives are absent.
static const char *const actions[] = {
    [0] = "revoke", [1] = "revoke",  [3] = "revoke", [4] = "revoke",
    [5] = "revoke", [6] = "suspend", [8] = "resume", [9] = "revoke",
};

// Nobody changes another's certificate: with a code it is the one that the code is for, with a signature the
// signer's own, or another one of the same customer when the signer's is valid.
static enum refuse_reason may_change(const struct cmp_call *call, const char *serial, const char *action)
{
    struct registry_standing other;
    const struct registry_standing *signer = &call->standing;
    if (call->signer == NULL)
        return strcmp(call->person.target, serial) == 0 && strcmp(call->person.kind, action) == 0
                   ? REFUSE_NOTHING
                   : REFUSE_NOT_YOURS;
    bool valid = strcmp(signer->status, "valid") == 0;
    if (strcmp(signer->serial, serial) == 0) {
        if (strcmp(signer->status, "revoked") == 0 && strcmp(action, "revoke") != 0)
            return REFUSE_REVOKED;
        // Whoever took the token must not undo the suspension that its owner asked for.
        if (strcmp(action, "resume") == 0 && !valid)
            return REFUSE_SUSPENDED;
        return REFUSE_NOTHING;
    }
    if (!valid)
        return strcmp(signer->status, "revoked") == 0 ? REFUSE_REVOKED : REFUSE_SUSPENDED;
    enum registry_end end = registry_standing(call->desk->registry, serial, &other);
    if (end == REGISTRY_FAILED)
        return REFUSE_BUSY;
    return end == REGISTRY_DONE && signer->customer[0] != 0 && strcmp(signer->customer, other.customer) == 0
               ? REFUSE_NOTHING
               : REFUSE_NOT_YOURS;
}

static enum refuse_reason revoke(struct cmp_call *call, const X509_NAME *issuer, const ASN1_INTEGER *number)
{
    char serial[REGISTRY_SERIAL];
    int reason = 0;
    if (!read_reason(call->header.content, &reason))
        return REFUSE_FORMAT;
    const char *action = (size_t)reason < sizeof actions / sizeof actions[0] ? actions[reason] : NULL;
    if (action == NULL)
        return REFUSE_FORMAT;
    if (!cmp_serial(number, serial) || X509_NAME_cmp(issuer, X509_get_subject_name(call->desk->ca)) != 0)
        return REFUSE_CERTIFICATE;
    enum refuse_reason refused = may_change(call, serial, action);
    if (refused != REFUSE_NOTHING)
        return refused;
    const char *by = call->signer != NULL ? call->standing.serial : call->person.reference;
    enum registry_end end =
        registry_change(call->desk->registry, serial, action, reason, by,
                        call->signer == NULL ? call->person.reference : NULL, call->desk->now());
    if (end == REGISTRY_NONE)
        return REFUSE_CERTIFICATE;
    call->event->what = action;
    memcpy(call->event->serial, serial, sizeof serial);
    return cmp_reason(end);
}

OSSL_CMP_PKISI *cmp_on_revoke(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, const X509_NAME *issuer,
                              const ASN1_INTEGER *serial)
{
    struct cmp_call *call = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    (void)request;
    call->event->reason =
        issuer != NULL && serial != NULL ? revoke(call, issuer, serial) : REFUSE_CERTIFICATE;
    ERR_clear_error();
    if (call->event->reason != REFUSE_NOTHING)
        return refuse_status(call->event->reason);
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}
