// Requests that wait for the desk's approval (RFC 4210 5.3.22): kept as they came, answered when polled for.
#include "cmp_call.h"

#include <string.h>

#define WAIT_SECONDS  (14 * 86400) // how long a waiting request is kept
#define CHECK_SECONDS 5            // when to ask again

enum refuse_reason cmp_keep_waiting(struct cmp_call *call, const struct header *answer)
{
    struct registry_poll *poll = &call->poll;
    int64_t now = call->desk->now();
    if (call->length > sizeof poll->request)
        return REFUSE_FORMAT;
    memset(poll, 0, sizeof *poll);
    memcpy(poll->id, answer->transaction_id.at, poll->id_length = answer->transaction_id.left);
    memcpy(poll->nonce, answer->sender_nonce.at, poll->nonce_length = answer->sender_nonce.left);
    memcpy(poll->request, call->bytes, poll->request_length = call->length);
    memcpy(poll->reference, call->person.reference, sizeof poll->reference);
    poll->expires = now + WAIT_SECONDS;
    enum registry_end end = registry_poll_keep(call->desk->registry, poll, now);
    return end == REGISTRY_OTHER_KEY ? REFUSE_ID_IN_USE : cmp_reason(end);
}

bool cmp_replay(struct cmp_call *call, OSSL_CMP_SRV_CTX *server)
{
    const unsigned char *at = call->poll.request;
    call->waiting = d2i_OSSL_CMP_MSG(NULL, &at, (long)call->poll.request_length);
    if (call->waiting == NULL)
        return false;
    call->replaying = true;
    OSSL_CMP_MSG *answer = OSSL_CMP_SRV_process_request(server, call->waiting);
    call->replaying = false;
    OSSL_CMP_MSG_free(answer);
    // The answer of now has another nonce than the one that went out; the code protects the pollReq.
    return answer != NULL && OSSL_CMP_CTX_set1_senderNonce(OSSL_CMP_SRV_CTX_get0_cmp_ctx(server), NULL) == 1;
}

int cmp_on_poll(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id, OSSL_CMP_MSG **waiting,
                int64_t *check_after)
{
    struct cmp_call *call = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    (void)request, (void)id;
    *check_after = CHECK_SECONDS;
    enum registry_end end = registry_allowed(call->desk->registry, call->person.reference, call->desk->now());
    *waiting = NULL;
    if (end == REGISTRY_WAITING) {
        call->event->what = "waiting";
    } else {
        *waiting = call->waiting; // OpenSSL frees it
        call->waiting = NULL;
    }
    return 1;
}
