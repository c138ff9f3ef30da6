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

// The code, which answers are protected with too.
static bool set_code(OSSL_CMP_CTX *context, const struct cmp_call *call)
{
    const struct der *kid = &call->header.sender_kid;
    return OSSL_CMP_CTX_set1_secretValue(context, (unsigned char *)call->code.bytes,
                                         (int)call->code.length) == 1 &&
           OSSL_CMP_CTX_set1_referenceValue(context, kid->at, (int)kid->left) == 1 &&
           OSSL_CMP_CTX_set1_subjectName(context, X509_get_subject_name(call->desk->ca)) == 1 &&
           OSSL_CMP_CTX_set_option(context, OSSL_CMP_OPT_MAC_ALGNID, NID_hmacWithSHA256) == 1;
}

// The one certificate whose signature can satisfy it; answers are signed by the desk's CMP key.
static bool set_signer(OSSL_CMP_CTX *context, const struct cmp_call *call)
{
    const struct desk *desk = call->desk;
    STACK_OF(X509) *others = sk_X509_new_null();
    bool done = others != NULL && desk_untrusted(desk, others) &&
                OSSL_CMP_CTX_set1_srvCert(context, call->signer) == 1 &&
                OSSL_CMP_CTX_set1_cert(context, desk->cmp) == 1 &&
                OSSL_CMP_CTX_set1_pkey(context, desk->cmp_key) == 1 &&
                OSSL_CMP_CTX_set1_untrusted(context, others) == 1;
    sk_X509_pop_free(others, X509_free);
    return done;
}

// A server context for one request. It carries no trust store: only the code, or the key of that one
// certificate, can satisfy it.
static OSSL_CMP_SRV_CTX *server_new(struct cmp_call *call)
{
    OSSL_CMP_SRV_CTX *server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
    OSSL_CMP_CTX *context = server != NULL ? OSSL_CMP_SRV_CTX_get0_cmp_ctx(server) : NULL;
    if (context != NULL && OSSL_CMP_CTX_set_log_cb(context, swallow) == 1 &&
        OSSL_CMP_SRV_CTX_init(server, call, cmp_on_request, cmp_on_revoke, cmp_on_general, NULL, NULL,
                              cmp_on_poll) == 1 &&
        (call->signer != NULL ? set_signer(context, call) : set_code(context, call)))
        return server;
    OSSL_CMP_SRV_CTX_free(server);
    return NULL;
}

// Does the message go on with a transaction? A client's error (RFC 4210 5.3.21) ends it as a rejection does.
static bool goes_on(const struct header *header)
{
    return header->body == BODY_CERTCONF || header->body == BODY_ERROR;
}

// The bodies that the desk answers, and which protection each may have.
static const struct {
    unsigned body;
    bool by_code, by_signature;
} bodies[] = {
    {BODY_IR, true, false},      {BODY_CR, true, false},   {BODY_P10CR, true, false},
    {BODY_GENM, true, true},     {BODY_KUR, false, true},  {BODY_RR, true, true},
    {BODY_CERTCONF, true, true}, {BODY_ERROR, true, true}, {BODY_POLLREQ, true, true},
};

// Is the message one that the desk can answer at all?
static enum refuse_reason can_answer(const struct header *header)
{
    if (header->pvno != OSSL_CMP_PVNO)
        return REFUSE_VERSION;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (bodies[i].body != header->body)
            continue;
        bool good = header->protection == HEADER_BY_MAC
                        ? bodies[i].by_code
                        : header->protection == HEADER_BY_OTHER && bodies[i].by_signature;
        return good ? REFUSE_NOTHING : REFUSE_PROTECTION;
    }
    return REFUSE_BODY;
}

// The person whose reference number the request names.
static enum refuse_reason find_person(struct cmp_call *call, bool *known)
{
    struct cmp_event *event = call->event;
    bool readable = read_reference(&call->header.sender_kid, event->reference);
    enum registry_end end =
        readable ? registry_find(call->desk->registry, event->reference, &call->person) : REGISTRY_NONE;
    *known = end == REGISTRY_DONE;
    return end == REGISTRY_FAILED ? REFUSE_BUSY : REFUSE_NOTHING;
}

// Is the open transaction the one of whoever asks? A signer's is the renewal of their certificate.
static bool mine(struct cmp_call *call, bool known, const char *reference)
{
    if (call->signer == NULL)
        return known && strcmp(reference, call->person.reference) == 0;
    return known && registry_find(call->desk->registry, reference, &call->person) == REGISTRY_DONE &&
           strcmp(call->person.target, call->standing.serial) == 0;
}

// A pollReq must name the transaction of a waiting request of this person.
static enum refuse_reason find_waiting(struct cmp_call *call, bool known)
{
    const struct der *id = &call->header.transaction_id;
    enum registry_end end =
        registry_poll_find(call->desk->registry, id->at, id->left, call->desk->now(), &call->poll);
    if (end == REGISTRY_FAILED)
        return REFUSE_BUSY;
    return end == REGISTRY_DONE && mine(call, known, call->poll.reference) ? REFUSE_NOTHING
                                                                           : REFUSE_TRANSACTION;
}

// Finds who asks and the transaction that the message is about. *known: the reference or the signer exists.
static enum refuse_reason find(struct cmp_call *call, bool *known)
{
    struct desk *desk = call->desk;
    const struct header *header = &call->header;
    enum refuse_reason reason =
        header->protection == HEADER_BY_MAC ? find_person(call, known) : cmp_find_signer(call, known);
    if (reason != REFUSE_NOTHING)
        return reason;
    if (header->transaction_id.left == 0)
        return goes_on(header) || header->body == BODY_POLLREQ ? REFUSE_TRANSACTION : REFUSE_NOTHING;
    if (header->body == BODY_POLLREQ)
        return find_waiting(call, *known);
    enum registry_end end = registry_exchange_find(desk->registry, header->transaction_id.at,
                                                   header->transaction_id.left, desk->now(), &call->exchange);
    if (end == REGISTRY_FAILED)
        return REFUSE_BUSY;
    bool own = end == REGISTRY_DONE && mine(call, *known, call->exchange.reference);
    if (goes_on(header))
        return own ? REFUSE_NOTHING : REFUSE_TRANSACTION;
    return end == REGISTRY_NONE || own ? REFUSE_NOTHING : REFUSE_ID_IN_USE;
}

// Kinds of application that a request of this body may be made under.
static bool fits_kind(unsigned body, const char *kind)
{
    bool manages = strcmp(kind, "revoke") == 0 || strcmp(kind, "suspend") == 0 || strcmp(kind, "resume") == 0;
    if (body == BODY_RR || body == BODY_GENM)
        return body == BODY_GENM || manages;
    return strcmp(kind, "issue") == 0 || strcmp(kind, "reissue") == 0;
}

// What stands against a person who has shown the right code.
static enum refuse_reason entitled(const struct cmp_call *call)
{
    if (goes_on(&call->header))
        return REFUSE_NOTHING;
    if (!fits_kind(call->header.body, call->person.kind))
        return REFUSE_PURPOSE;
    // A revocation or a registration whose answer was lost may be asked for again: it changes nothing.
    if (call->person.spent != 0 && (call->header.body == BODY_RR || cmp_is_foreign(&call->person)))
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

static bool gives_certificate(unsigned body)
{
    return body == BODY_IP || body == BODY_CP || body == BODY_KUP;
}

// OpenSSL checks the request and makes the answer; the transaction is kept before the answer leaves.
static enum refuse_reason issue(struct cmp_call *call, OSSL_CMP_SRV_CTX *server, OSSL_CMP_MSG *request,
                                unsigned char **answer, size_t *length)
{
    struct header header;
    struct cmp_event *event = call->event;
    event->what = "failed";
    if (call->header.body == BODY_POLLREQ && !cmp_replay(call, server))
        return REFUSE_BROKEN;
    OSSL_CMP_MSG *message = OSSL_CMP_SRV_process_request(server, request);
    int size = message != NULL ? i2d_OSSL_CMP_MSG(message, answer) : -1;
    OSSL_CMP_MSG_free(message);
    *length = size > 0 ? (size_t)size : 0;
    if (event->reason != REFUSE_NOTHING)
        return event->reason;
    if (size <= 0 || !header_read(*answer, *length, &header))
        return REFUSE_BROKEN;
    if (strcmp(event->what, "waits") == 0)
        return cmp_keep_waiting(call, &header);
    return gives_certificate(header.body) && event->serial[0] != 0 ? keep(call, &header) : REFUSE_NOTHING;
}

static enum refuse_reason confirm(struct cmp_call *call, unsigned char **answer, size_t *length)
{
    enum refuse_reason reason = cmp_confirm(call);
    if (reason != REFUSE_NOTHING)
        return reason;
    int size = reply_confirmed(call->desk, &call->header, call->signer == NULL ? &call->code : NULL, answer);
    *length = size > 0 ? (size_t)size : 0;
    return size > 0 ? REFUSE_NOTHING : REFUSE_BROKEN;
}

// A wrong code is counted; a wrong signature costs its maker enough.
static enum refuse_reason not_shown(struct cmp_call *call, bool known)
{
    if (call->signer != NULL)
        return REFUSE_SIGNER;
    if (known && registry_wrong(call->desk->registry, call->person.reference) == REGISTRY_FAILED)
        return REFUSE_BUSY;
    return REFUSE_CODE;
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
    OSSL_CMP_SRV_CTX *server = call->signer != NULL || take_code(call, known) ? server_new(call) : NULL;
    if (server == NULL)
        return REFUSE_BROKEN;
    *shown = OSSL_CMP_validate_msg(OSSL_CMP_SRV_CTX_get0_cmp_ctx(server), request) == 1 && known;
    ERR_clear_error();
    if (!*shown)
        reason = not_shown(call, known);
    else
        reason = call->signer != NULL ? cmp_signer_entitled(call) : entitled(call);
    if (reason == REFUSE_NOTHING)
        reason = goes_on(&call->header) ? confirm(call, answer, length)
                                        : issue(call, server, request, answer, length);
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
           (gives_certificate(header.body) || header.body == BODY_RP);
}

enum cmp_end cmp_answer(struct desk *desk, const void *bytes, size_t length, unsigned char **answer,
                        size_t *answer_length, struct cmp_event *event)
{
    struct cmp_call call = {.desk = desk, .event = event, .bytes = bytes, .length = length};
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
            int size = reply_refusal(desk, &call.header, shown && call.signer == NULL ? &call.code : NULL,
                                     event->reason, answer);
            *answer_length = size > 0 ? (size_t)size : 0;
        }
    }
    secret_wipe(&call.code);
    X509_free(call.signer);
    OSSL_CMP_MSG_free(call.waiting);
    OSSL_CMP_MSG_free(request);
    ERR_clear_error();
    return *answer_length > 0 ? CMP_ANSWERED : CMP_FAILED;
}
