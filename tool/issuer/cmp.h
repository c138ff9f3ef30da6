// One CMP message in, one CMP message out (RFC 4210); nothing of HTTP.
#ifndef INGAM_ISSUER_CMP_H
#define INGAM_ISSUER_CMP_H

#include "desk.h"
#include "refuse.h"

#define CMP_MAX 65536 // bytes of the largest message that is read

// What happened, for the log. The reference is printable ASCII, or empty when there was none.
struct cmp_event {
    unsigned body;
    enum refuse_reason reason;
    char reference[REGISTRY_REFERENCE + 1];
    char serial[REGISTRY_SERIAL];
    const char *what; // "issued", "repeated", "confirmed", "rejected", "refused", "failed"
};

enum cmp_end {
    CMP_ANSWERED,  // the answer, also a refusal, is in *answer
    CMP_MALFORMED, // the bytes are no PKIMessage
    CMP_FAILED,    // no answer could be made
};

// Answers a request. On CMP_ANSWERED the caller owns *answer (OPENSSL_free). May be called by several
// threads.
enum cmp_end cmp_answer(struct desk *desk, const void *request, size_t length, unsigned char **answer,
                        size_t *answer_length, struct cmp_event *event);

#endif
