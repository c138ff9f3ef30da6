// What the two halves of the CMP responder share about one request. Not for others.
#ifndef INGAM_ISSUER_CMP_CALL_H
#define INGAM_ISSUER_CMP_CALL_H

#include "cmp.h"
#include "header.h"

// One request on its way through the desk.
struct cmp_call {
    struct desk *desk;
    struct header header;
    struct registry_person person;     // whose reference number it is
    struct registry_exchange exchange; // the open transaction (certConf)
    struct secret code;
    struct cmp_event *event;
    int request_id; // certReqId of the request
};

// Issues; registered with OSSL_CMP_SRV_CTX_init; the custom context is the cmp_call.
OSSL_CMP_PKISI *cmp_on_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
                               const OSSL_CRMF_MSG *crmf, const X509_REQ *p10, X509 **certificate,
                               STACK_OF(X509) * *chain, STACK_OF(X509) * *ca);
// Answers genm with the CA certificate; registered likewise.
int cmp_on_general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
                   const STACK_OF(OSSL_CMP_ITAV) * asked, STACK_OF(OSSL_CMP_ITAV) * *answer);

// Takes the certConf, or the error, of a person who has shown the right code. REFUSE_NOTHING: answer with
// pkiConf.
enum refuse_reason cmp_confirm(struct cmp_call *call);

#endif
