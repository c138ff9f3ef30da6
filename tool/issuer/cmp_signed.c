// Requests protected by the signature of a certificate that this desk issued (RFC 4210 5.1.3.3): who signed,
// and what may they do.
#include "cmp_call.h"

#include "code.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

bool cmp_serial(const ASN1_INTEGER *serial, char text[REGISTRY_SERIAL])
{
    BIGNUM *number = serial != NULL ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *digits = number != NULL && !BN_is_negative(number) ? BN_bn2hex(number) : NULL;
    bool fits = digits != NULL && strlen(digits) < REGISTRY_SERIAL;
    snprintf(text, REGISTRY_SERIAL, "%s", fits ? digits : "");
    OPENSSL_free(digits);
    BN_free(number);
    return fits;
}

enum refuse_reason cmp_find_signer(struct cmp_call *call, bool *known)
{
    char serial[REGISTRY_SERIAL];
    const struct der *extra = &call->header.extra;
    const unsigned char *at = extra->at;
    *known = false;
    if (extra->left == 0)
        return REFUSE_SIGNER;
    X509 *certificate = d2i_X509(NULL, &at, (long)extra->left);
    ERR_clear_error();
    if (certificate == NULL || !cmp_serial(X509_get0_serialNumber(certificate), serial)) {
        X509_free(certificate);
        return REFUSE_SIGNER;
    }
    enum registry_end end = registry_standing(call->desk->registry, serial, &call->standing);
    *known = end == REGISTRY_DONE && der_equal(extra, call->standing.der, call->standing.length);
    if (!*known) {
        X509_free(certificate);
        return end == REGISTRY_FAILED ? REFUSE_BUSY : REFUSE_SIGNER;
    }
    call->signer = certificate;
    return REFUSE_NOTHING;
}

// A renewal is asked for under an application of its own, which is made here when nobody made it before.
static enum refuse_reason find_renewal(struct cmp_call *call)
{
    char fresh[CODE_REFERENCE + 1];
    struct registry *registry = call->desk->registry;
    char *reference = call->event->reference;
    if (!code_make_reference(fresh))
        return REFUSE_BROKEN;
    enum registry_end end =
        registry_renewal(registry, call->standing.serial, fresh, call->desk->now(), reference);
    return cmp_reason(end == REGISTRY_DONE ? registry_find(registry, reference, &call->person) : end);
}

enum refuse_reason cmp_signer_entitled(struct cmp_call *call)
{
    const struct registry_standing *standing = &call->standing;
    if (strcmp(standing->state, "confirmed") != 0)
        return REFUSE_REVOKED;
    // The rules of a renewal say more exactly what is the matter (rules.c).
    if (call->header.body == BODY_KUR)
        return find_renewal(call);
    // A question by signature: would a renewal be refused? Nothing is written down for it.
    if (call->header.body == BODY_GENM)
        return cmp_reason(registry_renewable(call->desk->registry, standing->serial, call->desk->now()));
    if (standing->not_after <= call->desk->now())
        return REFUSE_OUTDATED;
    // A revoked certificate may do one thing: ask again for the revocation whose answer was lost.
    if (strcmp(standing->status, "revoked") == 0 && call->header.body != BODY_RR &&
        call->header.body != BODY_CERTCONF)
        return REFUSE_REVOKED;
    return REFUSE_NOTHING;
}

enum refuse_reason cmp_reason(enum registry_end end)
{
    static const enum refuse_reason reasons[REGISTRY_ENDS] = {
        [REGISTRY_DONE] = REFUSE_NOTHING,     [REGISTRY_NONE] = REFUSE_BROKEN,
        [REGISTRY_AGAIN] = REFUSE_NOTHING,    [REGISTRY_OTHER_KEY] = REFUSE_OTHER_KEY,
        [REGISTRY_SPENT] = REFUSE_SPENT,      [REGISTRY_FULL] = REFUSE_REJECTED,
        [REGISTRY_FAILED] = REFUSE_BROKEN,    [REGISTRY_CLOSED] = REFUSE_CLOSED,
        [REGISTRY_KIND] = REFUSE_KIND,        [REGISTRY_UNPAID] = REFUSE_UNPAID,
        [REGISTRY_ONE] = REFUSE_ONE,          [REGISTRY_COMING] = REFUSE_COMING,
        [REGISTRY_WAITING] = REFUSE_WAITING,  [REGISTRY_DENIED] = REFUSE_DENIED,
        [REGISTRY_REVOKED] = REFUSE_REVOKED,  [REGISTRY_SUSPENDED] = REFUSE_SUSPENDED,
        [REGISTRY_EXPIRED] = REFUSE_OUTDATED, [REGISTRY_EARLY] = REFUSE_EARLY,
        [REGISTRY_RENEWED] = REFUSE_RENEWED,  [REGISTRY_PURPOSE] = REFUSE_PURPOSE,
        [REGISTRY_UNPROVED] = REFUSE_PURPOSE, [REGISTRY_MEDIUM] = REFUSE_PURPOSE,
    };
    return reasons[end];
}
