// Answers a general message (genm, RFC 4210 5.3.19) with the CA certificates: so a client finds out whether
// its code is right before it makes a key.
#include "cmp_call.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

// id-it-caCerts (RFC 9480 4.3.1): SEQUENCE OF CMPCertificate.
#define CA_CERTS "1.3.6.1.5.5.7.4.17"

// clang-format off
// NOLINTBEGIN
ASN1_ITEM_TEMPLATE(X509_LIST) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, X509_LIST, X509)
static_ASN1_ITEM_TEMPLATE_END(X509_LIST)
// NOLINTEND
                                // clang-format on

                                // All of the CA's certificates, the newest root first, as that SEQUENCE.
                                static ASN1_TYPE
                                * ca_list(const struct desk *desk)
{
    unsigned char *der = NULL;
    STACK_OF(X509) *all = sk_X509_new_null();
    int size = all != NULL && desk_roots(desk, all) && desk_links(desk, all)
                   ? ASN1_item_i2d((ASN1_VALUE *)all, &der, ASN1_ITEM_rptr(X509_LIST))
                   : -1;
    sk_X509_pop_free(all, X509_free);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING *bytes = ASN1_STRING_new();
    if (size <= 0 || value == NULL || bytes == NULL) {
        OPENSSL_free(der);
        ASN1_STRING_free(bytes);
        ASN1_TYPE_free(value);
        return NULL;
    }
    ASN1_STRING_set0(bytes, der, size);
    ASN1_TYPE_set(value, V_ASN1_SEQUENCE, bytes);
    return value;
}

static bool give(ASN1_OBJECT *type, ASN1_TYPE *value, STACK_OF(OSSL_CMP_ITAV) * *answer)
{
    OSSL_CMP_ITAV *item = type != NULL && value != NULL ? OSSL_CMP_ITAV_create(type, value) : NULL;
    if (item == NULL) {
        ASN1_OBJECT_free(type);
        ASN1_TYPE_free(value);
        return false;
    }
    if (OSSL_CMP_ITAV_push0_stack_item(answer, item) == 1)
        return true;
    OSSL_CMP_ITAV_free(item);
    return false;
}

static bool echo(const OSSL_CMP_ITAV *told, STACK_OF(OSSL_CMP_ITAV) * *answer)
{
    ASN1_OBJECT *type = OBJ_dup(OSSL_CMP_ITAV_get0_type(told));
    OSSL_CMP_ITAV *item = type != NULL ? OSSL_CMP_ITAV_create(type, NULL) : NULL;
    if (item == NULL)
        ASN1_OBJECT_free(type);
    else if (OSSL_CMP_ITAV_push0_stack_item(answer, item) == 1)
        return true;
    OSSL_CMP_ITAV_free(item);
    return false;
}

static bool brings(const STACK_OF(OSSL_CMP_ITAV) * asked)
{
    return asked != NULL && sk_OSSL_CMP_ITAV_num(asked) > 0 &&
           OSSL_CMP_ITAV_get0_value(sk_OSSL_CMP_ITAV_value(asked, 0)) != NULL;
}

int cmp_on_general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
                   const STACK_OF(OSSL_CMP_ITAV) * asked, STACK_OF(OSSL_CMP_ITAV) * *answer)
{
    struct cmp_call *call = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    (void)request;
    *answer = NULL;
    // Under such an application a question without content only asks whether the code is right.
    bool may = call->signer == NULL && cmp_is_foreign(&call->person);
    if (brings(asked) && (may || cmp_tells_foreign(asked))) {
        call->event->reason = may ? cmp_foreign(call, asked) : REFUSE_PURPOSE;
        if (call->event->reason != REFUSE_NOTHING)
            return 0;
        call->event->what = call->person.kind;
        // Its type alone comes back, so that the client knows that it was understood.
        if (!echo(sk_OSSL_CMP_ITAV_value(asked, 0), answer)) {
            call->event->reason = REFUSE_BROKEN;
            return 0;
        }
    } else {
        call->event->what = "told";
    }
    if (give(OBJ_txt2obj(CA_CERTS, 1), ca_list(call->desk), answer))
        return 1;
    call->event->reason = REFUSE_BROKEN;
    return 0;
}
