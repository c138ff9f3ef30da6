// Answers one CMP request with OpenSSL's OSSL_CMP server API; the state between two requests is the
// registry's.
#include "cmp_call.h"
#include "reply.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#define EXCHANGE_SECONDS 3600 // how long an open transaction is kept

// Reads the reference number from senderKID: printable ASCII without blanks, as authorize makes them.
static bool read_reference(const struct der *kid, char reference[REGISTRY_REFERENCE + 1])
{
    reference[0] = 0;
    if (kid->left == 0 || kid->left > REGISTRY_REFERENCE)
        return false;
    for (size_t i = 0; i < kid->left; i++) {
        if (kid->at[i] <= ' ' || kid->at[i] >= 0x7F)
            return false;
    }
    memcpy(reference, kid->at, kid->left);
    reference[kid->left] = 0;
    return true;
}

// The code of the person, or one that nobody knows, so that an unknown reference costs what a wrong code
// does.
static bool take_code(struct cmp_call *call, bool known)
{
    struct registry_person *person = &call->person;
    if (known && person->code_length > SEAL_OVER) {
        call->code.length = person->code_length - SEAL_OVER;
        return seal_open(call->desk->seal, person->reference, person->code, person->code_length,
                         call->code.bytes);
    }
    call->code.length = 23;
    return RAND_priv_bytes((unsigned char *)call->code.bytes, (int)call->code.length) == 1;
}

static int swallow(const char *function, const char *file, int line, OSSL_CMP_severity level,
                   const char *text)
{
    (void)function, (void)file, (void)line, (void)level, (void)text;
    return 1;
}

// A server context for one request. It carries no trust store and no key: only the code can satisfy it.
static OSSL_CMP_SRV_CTX *server_new(struct cmp_call *call)
{
    OSSL_CMP_SRV_CTX *server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
    OSSL_CMP_CTX *context = server != NULL ? OSSL_CMP_SRV_CTX_get0_cmp_ctx(server) : NULL;
    const struct der *kid = &call->header.sender_kid;
    if (context != NULL && OSSL_CMP_CTX_set_log_cb(context, swallow) == 1 &&
        OSSL_CMP_SRV_CTX_init(server, call, cmp_on_request, NULL, cmp_on_general, NULL, NULL, NULL) == 1 &&
        OSSL_CMP_CTX_set1_secretValue(context, (unsigned char *)call->code.bytes, (int)call->code.length) ==
            1 &&
        OSSL_CMP_CTX_set1_referenceValue(context, kid->at, (int)kid->left) == 1 &&
        OSSL_CMP_CTX_set1_subjectName(context, X509_get_subject_name(call->desk->ca)) == 1 &&
        OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_MAC_ALGNID, NID_hmacWithSHA256) == 1)
        return server;
    OSSL_CMP_SRV_CTX_free(server);
    return NULL;
}

// Does the message go on with a transaction? A client's error (RFC 4210 5.3.21) ends it as a rejection does.
static bool goes_on(const struct header *header)
{
    return header->body == BODY_CERTCONF || header->body == BODY_ERROR;
}

// Is the message one that the desk can answer at all?
static enum refuse_reason can_answer(const struct header *header)
{
    if (header->pvno != OSSL_CMP_PVNO)
        return REFUSE_VERSION;
    if (header->body != BODY_IR && header->body != BODY_CR && header->body != BODY_P10CR &&
        header->body != BODY_GENM && !goes_on(header))
        return REFUSE_BODY;
    return header->protection == HEADER_BY_MAC ? REFUSE_NOTHING : REFUSE_PROTECTION;
}

// Finds the transaction and the reference that the message is about. *known: the reference exists.
static enum refuse_reason find(struct cmp_call *call, bool *known)
{
    struct desk *desk = call->desk;
    const struct header *header = &call->header;
    struct cmp_event *event = call->event;
    *known = false;
    bool readable = read_reference(&header->sender_kid, event->reference);
    enum registry_end end =
        readable ? registry_find(desk->registry, event->reference, &call->person) : REGISTRY_NONE;
    if (end == REGISTRY_FAILED)
        return REFUSE_BUSY;
    *known = end == REGISTRY_DONE;
    if (header->transaction_id.left == 0)
        return goes_on(header) ? REFUSE_TRANSACTION : REFUSE_NOTHING;
    end = registry_exchange_find(desk->registry, header->transaction_id.at, header->transaction_id.left,
                                 desk->now(), &call->exchange);
    if (end == REGISTRY_FAILED)
        return REFUSE_BUSY;
    bool mine =
        end == REGISTRY_DONE && *known && strcmp(call->exchange.reference, call->person.reference) == 0;
    if (goes_on(header))
        return mine ? REFUSE_NOTHING : REFUSE_TRANSACTION;
    return end == REGISTRY_NONE || mine ? REFUSE_NOTHING : REFUSE_ID_IN_USE;
}

// What stands against a person who has shown the right code.
static enum refuse_reason entitled(const struct cmp_call *call)
{
    if (goes_on(&call->header))
        return REFUSE_NOTHING;
    if (call->person.spent != 0)
        return REFUSE_SPENT;
    if (call->person.tries <= 0)
        return REFUSE_LOCKED;
    return call->person.expires <= call->desk->now() ? REFUSE_EXPIRED : REFUSE_NOTHING;
}

// Keeps the transaction that an answer with a certificate opens.
static enum refuse_reason keep(struct cmp_call *call, const struct header *answer)
{
    struct registry_exchange *exchange = &call->exchange;
    int64_t now = call->desk->now();
    memset(exchange, 0, sizeof *exchange);
    exchange->id_length = answer->transaction_id.left;
    memcpy(exchange->id, answer->transaction_id.at, answer->transaction_id.left);
    exchange->nonce_length = answer->sender_nonce.left;
    memcpy(exchange->nonce, answer->sender_nonce.at, answer->sender_nonce.left);
    memcpy(exchange->reference, call->person.reference, sizeof exchange->reference);
    memcpy(exchange->serial, call->event->serial, sizeof exchange->serial);
    exchange->request_id = call->request_id;
    exchange->expires = now + EXCHANGE_SECONDS;
    switch (registry_exchange_keep(call->desk->registry, exchange, now)) {
    case REGISTRY_DONE:
        return REFUSE_NOTHING;
    case REGISTRY_OTHER_KEY:
        return REFUSE_ID_IN_USE;
    case REGISTRY_FULL:
        return REFUSE_BUSY;
    default:
        return REFUSE_BROKEN;
    }
}

// OpenSSL checks the request and makes the answer; the transaction is kept before the answer leaves.
static enum refuse_reason issue(struct cmp_call *call, OSSL_CMP_SRV_CTX *server, OSSL_CMP_MSG *request,
                                unsigned char **answer, size_t *length)
{
    struct header header;
    struct cmp_event *event = call->event;
    event->what = "failed";
    OSSL_CMP_MSG *message = OSSL_CMP_SRV_process_request(server, request);
    int size = message != NULL ? i2d_OSSL_CMP_MSG(message, answer) : -1;
    OSSL_CMP_MSG_free(message);
    *length = size > 0 ? (size_t)size : 0;
    if (event->reason != REFUSE_NOTHING)
        return event->reason;
    if (size <= 0 || !header_read(*answer, *length, &header))
        return REFUSE_BROKEN;
    bool certificate = (header.body == BODY_IP || header.body == BODY_CP) && event->serial[0] != 0;
    return certificate ? keep(call, &header) : REFUSE_NOTHING;
}

static enum refuse_reason confirm(struct cmp_call *call, unsigned char **answer, size_t *length)
{
    enum refuse_reason reason = cmp_confirm(call);
    if (reason != REFUSE_NOTHING)
        return reason;
    int size = reply_confirmed(call->desk, &call->header, &call->code, answer);
    *length = size > 0 ? (size_t)size : 0;
    return size > 0 ? REFUSE_NOTHING : REFUSE_BROKEN;
}

// Checks who asks, then lets OpenSSL answer. *shown: the code was right, so refusals are protected with it.
static enum refuse_reason serve(struct cmp_call *call, OSSL_CMP_MSG *request, bool *shown,
                                unsigned char **answer, size_t *length)
{
    bool known = false;
    enum refuse_reason reason = can_answer(&call->header);
    if (reason == REFUSE_NOTHING)
        reason = find(call, &known);
    if (reason != REFUSE_NOTHING)
        return reason;
    OSSL_CMP_SRV_CTX *server = take_code(call, known) ? server_new(call) : NULL;
    if (server == NULL)
        return REFUSE_BROKEN;
    *shown = OSSL_CMP_validate_msg(OSSL_CMP_SRV_CTX_get0_cmp_ctx(server), request) == 1 && known;
    ERR_clear_error();
    if (!*shown) {
        if (known && registry_wrong(call->desk->registry, call->person.reference) == REGISTRY_FAILED)
            reason = REFUSE_BUSY;
        else
            reason = REFUSE_CODE;
    } else if ((reason = entitled(call)) == REFUSE_NOTHING) {
        reason = goes_on(&call->header) ? confirm(call, answer, length)
                                        : issue(call, server, request, answer, length);
    }
    OSSL_CMP_SRV_CTX_free(server);
    return reason;
}

static OSSL_CMP_MSG *decode(const void *bytes, size_t length, struct header *header)
{
    const unsigned char *at = bytes;
    if (length > CMP_MAX || !header_read(bytes, length, header))
        return NULL;
    OSSL_CMP_MSG *message = d2i_OSSL_CMP_MSG(NULL, &at, (long)length);
    if (message != NULL && at == (const unsigned char *)bytes + length)
        return message;
    OSSL_CMP_MSG_free(message);
    return NULL;
}

// Did OpenSSL already put the refusal into its own answer (ip or cp with a rejection)?
static bool answered(const struct cmp_call *call, const unsigned char *answer, size_t length)
{
    struct header header;
    return answer != NULL && call->event->serial[0] == 0 && header_read(answer, length, &header) &&
           (header.body == BODY_IP || header.body == BODY_CP);
}

enum cmp_end cmp_answer(struct desk *desk, const void *bytes, size_t length, unsigned char **answer,
                        size_t *answer_length, struct cmp_event *event)
{
    struct cmp_call call = {.desk = desk, .event = event};
    bool shown = false;
    memset(event, 0, sizeof *event);
    event->what = "malformed";
    *answer = NULL;
    *answer_length = 0;
    OSSL_CMP_MSG *request = decode(bytes, length, &call.header);
    if (request == NULL) {
        ERR_clear_error();
        return CMP_MALFORMED;
    }
    event->body = call.header.body;
    event->reason = serve(&call, request, &shown, answer, answer_length);
    if (event->reason != REFUSE_NOTHING) {
        event->what = "refused";
        if (!answered(&call, *answer, *answer_length)) {
            OPENSSL_free(*answer);
            int size = reply_refusal(desk, &call.header, shown ? &call.code : NULL, event->reason, answer);
            *answer_length = size > 0 ? (size_t)size : 0;
        }
    }
    secret_wipe(&call.code);
    OSSL_CMP_MSG_free(request);
    ERR_clear_error();
    return *answer_length > 0 ? CMP_ANSWERED : CMP_FAILED;
}
