// Asks an OCSP responder or reads a CRL; both must be signed by the certificate's CA and be of today.
#include "standing.h"
#include "cmp/address.h"
#include "cmp/client.h"
#include "cmp/tls.h"
#include "name.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define URL_MOST    1024
#define ANSWER_MOST (8 << 20)
#define CLOCKS      300 // seconds that clocks may differ

// ADDRESS/WHAT beside the desk's CMP path.
static bool beside(char *out, size_t size, const char *desk, const char *what)
{
    const char *host = desk != NULL ? strstr(desk, "://") : NULL;
    if (host == NULL)
        return false;
    int n =
        snprintf(out, size, "%.*s%s", (int)((host + 3 - desk) + (long)strcspn(host + 3, "/")), desk, what);
    return n > 0 && (size_t)n < size;
}

static bool first_uri(const GENERAL_NAME *name, char *out, size_t size)
{
    if (name->type != GEN_URI)
        return false;
    int n = snprintf(out, size, "%.*s", ASN1_STRING_length(name->d.uniformResourceIdentifier),
                     (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier));
    return n > 0 && (size_t)n < size && strncmp(out, "http", 4) == 0;
}

static bool ocsp_url(const struct standing_question *q, char *out, size_t size)
{
    STACK_OF(OPENSSL_STRING) *all = X509_get1_ocsp(q->certificate);
    bool found = all != NULL && sk_OPENSSL_STRING_num(all) > 0;
    if (found)
        found = snprintf(out, size, "%s", sk_OPENSSL_STRING_value(all, 0)) < (int)size;
    X509_email_free(all);
    return found || beside(out, size, q->desk, "/ocsp");
}

static bool crl_url(const struct standing_question *q, char *out, size_t size)
{
    bool found = false;
    CRL_DIST_POINTS *points = X509_get_ext_d2i(q->certificate, NID_crl_distribution_points, NULL, NULL);
    for (int i = 0; !found && points != NULL && i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        bool full = point->distpoint != NULL && point->distpoint->type == 0;
        for (int k = 0; !found && full && k < sk_GENERAL_NAME_num(point->distpoint->name.fullname); k++)
            found = first_uri(sk_GENERAL_NAME_value(point->distpoint->name.fullname, k), out, size);
    }
    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
    return found || beside(out, size, q->desk, "/ca.crl");
}

// GET, or POST of what is in request. NULL with a fault.
static BIO *fetch(const struct standing_question *q, const char *url, BIO *request, const char *type,
                  struct fault *fault)
{
    struct address a;
    struct cmp_tls tls = {.ctx = NULL, .verified = X509_V_OK};
    BIO *answer = NULL;
    if (address_of(&a, url, fault) != EXIT_OK)
        return NULL;
    ERR_clear_error();
    if (cmp_reach(url, q->timeout, fault) == EXIT_OK &&
        (!a.tls || cmp_tls_new(&tls, q->tls_ca, a.host, fault) == EXIT_OK))
        answer = OSSL_HTTP_transfer(NULL, a.host, a.port, a.path, a.tls, NULL, NULL, NULL, NULL,
                                    a.tls ? cmp_tls_wrap : NULL, &tls, 0, NULL, type, request, NULL, 1,
                                    ANSWER_MOST, (int)q->timeout, 0);
    if (answer == NULL && fault->code == EXIT_OK) {
        const char *why = ERR_reason_error_string(ERR_peek_error());
        address_unreachable(url,
                            tls.verified != X509_V_OK ? X509_verify_cert_error_string(tls.verified)
                            : why != NULL             ? why
                                                      : _("no answer"),
                            fault);
    }
    cmp_tls_free(&tls);
    address_free(&a);
    ERR_clear_error();
    return answer;
}

static X509 *find_ca(const struct standing_question *q)
{
    for (int i = 0; i < sk_X509_num(q->trusted); i++) {
        X509 *one = sk_X509_value(q->trusted, i);
        if (X509_check_issued(one, q->certificate) == X509_V_OK &&
            X509_verify(q->certificate, X509_get0_pubkey(one)) == 1)
            return one;
    }
    ERR_clear_error();
    return NULL;
}

static enum exit_code not_believed(struct fault *fault, const char *url, const char *why)
{
    ERR_clear_error();
    fault_set(fault, EXIT_MISMATCH, _("What %s says of revoked certificates is not to be believed."), url);
    return fault_why(fault, "%s", why);
}

static void take_revoked(struct standing_answer *answer, int reason, const ASN1_TIME *since)
{
    answer->reason = reason;
    answer->standing = reason == CRL_REASON_CERTIFICATE_HOLD ? STANDING_SUSPENDED : STANDING_REVOKED;
    if (since != NULL)
        x509_time_line(answer->since, sizeof answer->since, since);
}

static enum exit_code judge_ocsp(OCSP_BASICRESP *basic, OCSP_CERTID *id, OCSP_REQUEST *request, X509 *ca,
                                 const char *url, struct standing_answer *answer, struct fault *fault)
{
    int status = 0, reason = -1;
    ASN1_GENERALIZEDTIME *since = NULL, *from = NULL, *until = NULL;
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    bool right = store != NULL && others != NULL && X509_STORE_add_cert(store, ca) == 1 &&
                 X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
                 sk_X509_push(others, ca) > 0 && OCSP_basic_verify(basic, others, store, 0) == 1;
    X509_STORE_free(store);
    sk_X509_free(others);
    if (!right)
        return not_believed(fault, url, _("it is not signed by the CA of the certificate"));
    if (OCSP_check_nonce(request, basic) == 0)
        return not_believed(fault, url, _("it answers another question"));
    if (OCSP_resp_find_status(basic, id, &status, &reason, &since, &from, &until) != 1)
        return not_believed(fault, url, _("it answers another question"));
    if (OCSP_check_validity(from, until, CLOCKS, -1) != 1)
        return not_believed(fault, url, _("it is too old, or of the future"));
    answer->source = "ocsp";
    answer->standing = status == V_OCSP_CERTSTATUS_GOOD ? STANDING_GOOD : STANDING_UNKNOWN;
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        take_revoked(answer, reason, since);
    return EXIT_OK;
}

static enum exit_code ask_ocsp(const struct standing_question *q, X509 *ca, const char *url,
                               struct standing_answer *answer, struct fault *fault)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), q->certificate, ca); // RFC 5019 2.1.1
    OCSP_CERTID *own = OCSP_CERTID_dup(id);
    BIO *bytes = BIO_new(BIO_s_mem());
    bool ready = request != NULL && own != NULL && bytes != NULL &&
                 OCSP_request_add0_id(request, own) != NULL &&
                 OCSP_request_add1_nonce(request, NULL, -1) == 1 && i2d_OCSP_REQUEST_bio(bytes, request) == 1;
    BIO *got = ready ? fetch(q, url, bytes, "application/ocsp-request", fault) : NULL;
    OCSP_RESPONSE *response = got != NULL ? d2i_OCSP_RESPONSE_bio(got, NULL) : NULL;
    OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
    if (!ready)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else if (got != NULL && basic == NULL)
        not_believed(fault, url, _("it is no OCSP answer"));
    else if (basic != NULL)
        judge_ocsp(basic, id, request, ca, url, answer, fault);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    OCSP_REQUEST_free(request);
    OCSP_CERTID_free(id);
    BIO_free(bytes);
    BIO_free(got);
    ERR_clear_error();
    return fault->code;
}

static enum exit_code ask_crl(const struct standing_question *q, X509 *ca, const char *url,
                              struct standing_answer *answer, struct fault *fault)
{
    BIO *got = fetch(q, url, NULL, NULL, fault);
    X509_CRL *crl = got != NULL ? d2i_X509_CRL_bio(got, NULL) : NULL;
    X509_REVOKED *entry = NULL;
    if (got == NULL)
        return fault->code;
    const ASN1_TIME *until = crl != NULL ? X509_CRL_get0_nextUpdate(crl) : NULL;
    if (crl == NULL)
        not_believed(fault, url, _("it is no CRL"));
    else if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) != 0 ||
             X509_CRL_verify(crl, X509_get0_pubkey(ca)) != 1)
        not_believed(fault, url, _("it is not signed by the CA of the certificate"));
    else if (until == NULL || X509_cmp_current_time(until) < 0)
        not_believed(fault, url, _("it is too old, or of the future"));
    else {
        answer->source = "crl";
        answer->standing = STANDING_GOOD;
        if (X509_CRL_get0_by_cert(crl, &entry, q->certificate) == 1) {
            ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
            take_revoked(answer, reason != NULL ? (int)ASN1_ENUMERATED_get(reason) : -1,
                         X509_REVOKED_get0_revocationDate(entry));
            ASN1_ENUMERATED_free(reason);
        }
    }
    X509_CRL_free(crl);
    BIO_free(got);
    ERR_clear_error();
    return fault->code;
}

enum exit_code standing_ask(const struct standing_question *question, struct standing_answer *answer,
                            struct fault *fault)
{
    char ocsp[URL_MOST], crl[URL_MOST];
    X509 *ca = find_ca(question);
    *answer = (struct standing_answer){.standing = STANDING_UNASKED, .reason = -1};
    if (ca == NULL)
        return EXIT_OK;
    bool by_ocsp = ocsp_url(question, ocsp, sizeof ocsp), by_crl = crl_url(question, crl, sizeof crl);
    if (by_ocsp && ask_ocsp(question, ca, ocsp, answer, fault) == EXIT_OK)
        return EXIT_OK;
    if (!by_crl)
        return fault->code;
    // The CRL may still be had; when it isn't, the first fault says what is wrong.
    struct fault second = {.code = EXIT_OK};
    if (ask_crl(question, ca, crl, answer, &second) == EXIT_OK)
        fault_clear(fault);
    else if (fault->code == EXIT_OK)
        *fault = second;
    return fault->code;
}
