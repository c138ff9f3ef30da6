// Asks an institution whether its certificate stands: its CRL (RFC 5280 5) or its OCSP service (RFC 6960),
// over HTTP or from a file, with a bound on time and size.
#include "foreign.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <string.h>

#define ASK_SECONDS 4 // each of the two services
#define CRL_MOST    (4 << 20)
#define OCSP_MOST   65536
#define SKEW        300 // seconds that the institution's clock may be off

// Is `when` not later than `limit`?
static bool before(const ASN1_TIME *when, int64_t limit)
{
    time_t at = (time_t)limit;
    return when != NULL && X509_cmp_time(when, &at) < 0;
}

static bool current(const ASN1_TIME *made, const ASN1_TIME *next, int64_t now)
{
    return before(made, now + SKEW) && next != NULL && !before(next, now - SKEW);
}

static BIO *fetch_file(const char *path)
{
    unsigned char *bytes = OPENSSL_malloc(CRL_MOST);
    struct fail ignored = {0};
    size_t length = 0;
    BIO *copy = NULL;
    if (bytes != NULL && file_read_bytes(path, bytes, CRL_MOST, &length, &ignored)) {
        copy = BIO_new(BIO_s_mem());
        if (copy != NULL && BIO_write(copy, bytes, (int)length) != (int)length) {
            BIO_free(copy);
            copy = NULL;
        }
    }
    OPENSSL_free(bytes);
    return copy;
}

static X509_CRL *fetch_crl(const char *where)
{
    BIO *answer = where[0] == '/' ? fetch_file(where)
                                  : OSSL_HTTP_get(where, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0,
                                                  CRL_MOST, ASK_SECONDS);
    X509_CRL *crl = answer != NULL ? d2i_X509_CRL_bio(answer, NULL) : NULL;
    BIO_free(answer);
    return crl;
}

static enum foreign_end by_crl(const struct foreign_institution *institution, X509 *certificate, int64_t now)
{
    X509_REVOKED *entry = NULL;
    enum foreign_end end = FOREIGN_UNASKED;
    X509_CRL *crl = fetch_crl(institution->crl);
    if (crl != NULL && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(institution->ca)) == 0 &&
        X509_CRL_verify(crl, X509_get0_pubkey(institution->ca)) == 1 &&
        current(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl), now))
        // 2: removeFromCRL
        end = X509_CRL_get0_by_cert(crl, &entry, certificate) == 1 ? FOREIGN_REVOKED : FOREIGN_DONE;
    X509_CRL_free(crl);
    return end;
}

static OCSP_RESPONSE *exchange(const char *url, OCSP_REQUEST *request)
{
    char *host = NULL;
    char *port = NULL;
    char *path = NULL;
    int tls = 0;
    BIO *body = ASN1_item_i2d_mem_bio(ASN1_ITEM_rptr(OCSP_REQUEST), (const ASN1_VALUE *)request);
    BIO *answer = NULL;
    if (body != NULL && OSSL_HTTP_parse_url(url, &tls, NULL, &host, &port, NULL, &path, NULL, NULL) == 1 &&
        tls == 0)
        answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL,
                                    "application/ocsp-request", body, "application/ocsp-response", 1,
                                    OCSP_MOST, ASK_SECONDS, 0);
    OCSP_RESPONSE *response =
        answer != NULL ? (OCSP_RESPONSE *)ASN1_item_d2i_bio(ASN1_ITEM_rptr(OCSP_RESPONSE), answer, NULL)
                       : NULL;
    BIO_free(answer);
    BIO_free(body);
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
    return response;
}

// Signed by the CA, or by a responder whose certificate the CA signed (RFC 6960 4.2.2.2).
static bool trusted(OCSP_BASICRESP *basic, X509 *ca, int64_t now)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *own = sk_X509_new_null();
    bool good = store != NULL && own != NULL && X509_STORE_add_cert(store, ca) == 1 &&
                X509_add_cert(own, ca, X509_ADD_FLAG_UP_REF) == 1;
    if (good) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now);
        X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), X509_V_FLAG_PARTIAL_CHAIN);
        good = OCSP_basic_verify(basic, own, store, 0) == 1;
    }
    sk_X509_pop_free(own, X509_free);
    X509_STORE_free(store);
    return good;
}

static enum foreign_end judge(OCSP_RESPONSE *response, OCSP_CERTID *id, X509 *ca, int64_t now)
{
    int status = -1;
    ASN1_GENERALIZEDTIME *made = NULL;
    ASN1_GENERALIZEDTIME *next = NULL;
    OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
    bool good = basic != NULL && trusted(basic, ca, now) &&
                OCSP_resp_find_status(basic, id, &status, NULL, NULL, &made, &next) == 1 &&
                current(made, next, now);
    OCSP_BASICRESP_free(basic);
    if (!good || status == V_OCSP_CERTSTATUS_UNKNOWN)
        return FOREIGN_UNASKED;
    return status == V_OCSP_CERTSTATUS_GOOD ? FOREIGN_DONE : FOREIGN_REVOKED;
}

static enum foreign_end by_ocsp(const struct foreign_institution *institution, X509 *certificate, int64_t now)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), certificate, institution->ca);
    OCSP_CERTID *asked = id != NULL ? OCSP_CERTID_dup(id) : NULL;
    enum foreign_end end = FOREIGN_UNASKED;
    if (request != NULL && asked != NULL && OCSP_request_add0_id(request, asked) != NULL) {
        OCSP_RESPONSE *response = exchange(institution->ocsp, request);
        end = judge(response, id, institution->ca, now);
        OCSP_RESPONSE_free(response);
    } else {
        OCSP_CERTID_free(asked);
    }
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    return end;
}

// OCSP first: it is the newer word. The CRL when OCSP gives none.
enum foreign_end foreign_status(const struct foreign_institution *institution, X509 *certificate, int64_t now,
                                bool *asked)
{
    enum foreign_end end = FOREIGN_UNASKED;
    *asked = institution->ocsp[0] != 0 || institution->crl[0] != 0;
    if (!*asked)
        return FOREIGN_DONE;
    if (institution->ocsp[0] != 0)
        end = by_ocsp(institution, certificate, now);
    if (end == FOREIGN_UNASKED && institution->crl[0] != 0)
        end = by_crl(institution, certificate, now);
    ERR_clear_error();
    return end;
}
