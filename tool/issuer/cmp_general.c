// Answers a general message (genm, RFC 4210 5.3.19) with the CA certificate: so a client finds out whether
// its code is right before it makes a key.
#include "cmp_call.h"

#include <openssl/err.h>

// id-it-caCerts (RFC 9480 4.3.1): SEQUENCE OF CMPCertificate.
#define CA_CERTS "1.3.6.1.5.5.7.4.17"

// The CA certificate alone, as that SEQUENCE.
static ASN1_TYPE *ca_list(const X509 *ca)
{
    int length = i2d_X509(ca, NULL);
    int size = ASN1_object_size(1, length, V_ASN1_SEQUENCE);
    unsigned char *der = length > 0 && size > 0 ? OPENSSL_malloc((size_t)size) : NULL;
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING *bytes = ASN1_STRING_new();
    if (der == NULL || value == NULL || bytes == NULL) {
        OPENSSL_free(der);
        ASN1_STRING_free(bytes);
        ASN1_TYPE_free(value);
        return NULL;
    }
    unsigned char *at = der;
    ASN1_put_object(&at, 1, length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    i2d_X509(ca, &at);
    ASN1_STRING_set0(bytes, der, size);
    ASN1_TYPE_set(value, V_ASN1_SEQUENCE, bytes);
    return value;
}

int cmp_on_general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
                   const STACK_OF(OSSL_CMP_ITAV) * asked, STACK_OF(OSSL_CMP_ITAV) * *answer)
{
    struct cmp_call *call = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    ASN1_OBJECT *type = OBJ_txt2obj(CA_CERTS, 1);
    ASN1_TYPE *value = ca_list(call->desk->ca);
    OSSL_CMP_ITAV *item = type != NULL && value != NULL ? OSSL_CMP_ITAV_create(type, value) : NULL;
    (void)request, (void)asked;
    *answer = NULL;
    if (item == NULL) {
        ASN1_OBJECT_free(type);
        ASN1_TYPE_free(value);
    } else if (OSSL_CMP_ITAV_push0_stack_item(answer, item) == 1) {
        call->event->what = "told";
        return 1;
    }
    OSSL_CMP_ITAV_free(item);
    call->event->reason = REFUSE_BROKEN;
    return 0;
}
