// Answers OCSP (RFC 6960), signed by the CA's own key (4.2.2.2): the one that issued the certificate.
#include "cmp_call.h"
#include "publish.h"
#include "token_key.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#define ASKED_MAX     16   // certificates in one request
#define VALID_SECONDS 3600 // nextUpdate

// What is said of one certificate.
struct verdict {
    int status, reason;
    int64_t revoked;
};

// The generation of the CA's key that the question is about; 0: none of ours.
static int generation_of(const struct desk *desk, const OCSP_CERTID *id)
{
    ASN1_OBJECT *algorithm = NULL;
    if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)id) != 1)
        return 0;
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    for (int i = 0; i < desk->generations; i++) {
        OCSP_CERTID *own =
            digest != NULL ? OCSP_cert_to_id(digest, NULL, desk->authorities[i].certificate) : NULL;
        bool same = own != NULL && OCSP_id_issuer_cmp(own, id) == 0;
        OCSP_CERTID_free(own);
        if (same)
            return i + 1;
    }
    return 0;
}

// `generation`: whose key signs the answer; it says nothing of what another one issued.
static bool judge(struct desk *desk, int generation, const OCSP_CERTID *id, struct verdict *verdict)
{
    char serial[REGISTRY_SERIAL];
    ASN1_INTEGER *number = NULL;
    struct registry_standing standing;
    *verdict = (struct verdict){V_OCSP_CERTSTATUS_UNKNOWN, OCSP_REVOKED_STATUS_NOSTATUS, 0};
    if (generation_of(desk, id) != generation ||
        OCSP_id_get0_info(NULL, NULL, NULL, &number, (OCSP_CERTID *)id) != 1 || !cmp_serial(number, serial))
        return true;
    enum registry_end end = registry_standing(desk->registry, serial, &standing);
    if (end != REGISTRY_DONE)
        return end == REGISTRY_NONE;
    if (standing.generation != generation)
        return true;
    if (strcmp(standing.status, "valid") != 0) {
        verdict->status = V_OCSP_CERTSTATUS_REVOKED;
        verdict->reason = standing.reason != 0 ? standing.reason : OCSP_REVOKED_STATUS_NOSTATUS;
        verdict->revoked = standing.changed;
    } else if (strcmp(standing.state, "confirmed") == 0) {
        verdict->status = V_OCSP_CERTSTATUS_GOOD;
    }
    return true;
}

static bool add(struct desk *desk, int generation, OCSP_BASICRESP *answer, OCSP_ONEREQ *one)
{
    struct verdict verdict;
    OCSP_CERTID *id = OCSP_onereq_get0_id(one);
    int64_t now = desk->now();
    if (!judge(desk, generation, id, &verdict))
        return false;
    ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, (time_t)now);
    ASN1_TIME *until = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(now + VALID_SECONDS));
    ASN1_TIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, (time_t)verdict.revoked);
    bool done = from != NULL && until != NULL && revoked != NULL &&
                OCSP_basic_add1_status(answer, id, verdict.status, verdict.reason,
                                       verdict.status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from,
                                       until) != NULL;
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
    return done;
}

// producedAt by the desk's clock: OpenSSL writes the system's.
static bool sign(struct desk *desk, int generation, OCSP_BASICRESP *answer)
{
    const struct desk_authority *authority = &desk->authorities[generation - 1];
    const ASN1_GENERALIZEDTIME *produced = OCSP_resp_get0_produced_at(answer);
    return ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)(uintptr_t)produced, (time_t)desk->now()) !=
               NULL &&
           OCSP_basic_sign(answer, authority->certificate, authority->key, EVP_sha256(), NULL, OCSP_NOTIME) ==
               1;
}

// Signed by the key that issued the first certificate that is asked for; by the newest for a stranger's.
static OCSP_BASICRESP *answer_all(struct desk *desk, OCSP_REQUEST *request)
{
    OCSP_BASICRESP *answer = OCSP_BASICRESP_new();
    int generation = generation_of(desk, OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0)));
    if (generation == 0)
        generation = desk->generations;
    bool done = answer != NULL;
    for (int i = 0; done && i < OCSP_request_onereq_count(request); i++)
        done = add(desk, generation, answer, OCSP_request_onereq_get0(request, i));
    // An absent nonce is not an error: OCSP_copy_nonce returns 2.
    if (done && OCSP_copy_nonce(answer, request) > 0 && sign(desk, generation, answer))
        return answer;
    OCSP_BASICRESP_free(answer);
    return NULL;
}

int publish_ocsp(struct desk *desk, const void *bytes, size_t length, unsigned char **der)
{
    const unsigned char *at = bytes;
    int status = OCSP_RESPONSE_STATUS_MALFORMEDREQUEST;
    OCSP_BASICRESP *basic = NULL;
    OCSP_REQUEST *request = length <= PUBLISH_ASK ? d2i_OCSP_REQUEST(NULL, &at, (long)length) : NULL;
    *der = NULL;
    if (request != NULL && at == (const unsigned char *)bytes + length &&
        OCSP_request_onereq_count(request) > 0 && OCSP_request_onereq_count(request) <= ASKED_MAX) {
        basic = answer_all(desk, request);
        status = basic != NULL                  ? OCSP_RESPONSE_STATUS_SUCCESSFUL
                 : token_key_away(desk->ca_key) ? OCSP_RESPONSE_STATUS_TRYLATER
                                                : OCSP_RESPONSE_STATUS_INTERNALERROR;
    }
    OCSP_RESPONSE *response = OCSP_response_create(status, basic);
    int size = response != NULL ? i2d_OCSP_RESPONSE(response, der) : -1;
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    return size;
}
