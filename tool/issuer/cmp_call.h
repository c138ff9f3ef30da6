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
    X509 *signer;   // whose signature protects the request, as the registry has it; NULL: a code does
    struct registry_standing standing; // of the signer's certificate
    struct registry_poll poll;         // the waiting request (pollReq)
    OSSL_CMP_MSG *waiting;             // the same, decoded
    bool replaying;                    // the waiting request is shown to OpenSSL again; nothing is issued
    const void *bytes;                 // the request as it came
    size_t length;
};

// Issues; registered with OSSL_CMP_SRV_CTX_init; the custom context is the cmp_call.
OSSL_CMP_PKISI *cmp_on_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
                               const OSSL_CRMF_MSG *crmf, const X509_REQ *p10, X509 **certificate,
                               STACK_OF(X509) * *chain, STACK_OF(X509) * *ca);
// Answers genm with the CA certificate; registered likewise.
int cmp_on_general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
                   const STACK_OF(OSSL_CMP_ITAV) * asked, STACK_OF(OSSL_CMP_ITAV) * *answer);

// Is the application about another institution's certificate? And what its genm asks for: it is registered,
// or its registration ends.
bool cmp_is_foreign(const struct registry_person *person);
bool cmp_tells_foreign(const STACK_OF(OSSL_CMP_ITAV) * asked); // as the first one
enum refuse_reason cmp_foreign(struct cmp_call *call, const STACK_OF(OSSL_CMP_ITAV) * asked);

// Revokes, suspends or resumes (RFC 4210 5.3.9); registered likewise.
OSSL_CMP_PKISI *cmp_on_revoke(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, const X509_NAME *issuer,
                              const ASN1_INTEGER *serial);
// Answers a pollReq (RFC 4210 5.3.22); registered likewise.
int cmp_on_poll(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id, OSSL_CMP_MSG **waiting,
                int64_t *check_after);

// Finds the certificate whose key signed the request: it must be one that this desk issued, byte by byte.
enum refuse_reason cmp_find_signer(struct cmp_call *call, bool *known);

// What stands against a signer whose signature was right; for kur also finds the application of the renewal.
enum refuse_reason cmp_signer_entitled(struct cmp_call *call);

// The refusal that belongs to the end of a registry call.
enum refuse_reason cmp_reason(enum registry_end end);

// Keeps a request that waits for approval, under the transactionID of its answer.
enum refuse_reason cmp_keep_waiting(struct cmp_call *call, const struct header *answer);

// Shows the waiting request to this server context: OpenSSL takes a pollReq only in the one that saw the
// request.
bool cmp_replay(struct cmp_call *call, OSSL_CMP_SRV_CTX *server);

// Writes a serial number as the registry has it: hexadecimal in capitals.
bool cmp_serial(const ASN1_INTEGER *serial, char text[REGISTRY_SERIAL]);

// Takes the certConf, or the error, of a person who has shown the right code. REFUSE_NOTHING: answer with
// pkiConf.
enum refuse_reason cmp_confirm(struct cmp_call *call);

#endif
