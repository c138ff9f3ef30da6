// One CMP transaction as a client, and what its failures mean to a person.
#include "client.h"
#include "address.h"
#include "text.h"
#include "tls.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <string.h>

// id-it-caCerts (RFC 9480 4.3.1): SEQUENCE OF CMPCertificate.
#define CA_CERTS "1.3.6.1.5.5.7.4.17"

struct exchange {
    const struct cmp_request *request;
    struct fault *fault;
    bool unreachable; // the transport failed
    bool silent;      // nothing more is to be sent
    bool judged;      // accept was called
    struct cmp_tls tls;
    OSSL_CMP_CTX *ctx;
};

// The outermost and the innermost reason that OpenSSL has noted, as one line.
static void openssl_reason(char *out, size_t size)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long inner = ERR_peek_error(), outer = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    const char *inner_text = ERR_reason_error_string(inner), *outer_text = ERR_reason_error_string(outer);
    const char *detail = data != NULL && (flags & ERR_TXT_STRING) ? data : "";
    if (ERR_SYSTEM_ERROR(inner))
        inner_text = strerror(ERR_GET_REASON(inner));
    snprintf(out, size, "%s%s%s%s%s", inner_text != NULL ? inner_text : _("no answer"),
             outer != inner && outer_text != NULL ? "; " : "",
             outer != inner && outer_text != NULL ? outer_text : "", detail[0] != '\0' ? ": " : "", detail);
}

static int quiet(const char *function, const char *file, int line, OSSL_CMP_severity level, const char *text)
{
    (void)function;
    (void)file;
    (void)line;
    (void)level;
    (void)text;
    return 1;
}

static OSSL_CMP_MSG *transfer(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *message)
{
    struct exchange *x = OSSL_CMP_CTX_get_transfer_cb_arg(ctx);
    if (x->silent)
        return NULL;
    OSSL_CMP_MSG *answer = OSSL_CMP_MSG_http_perform(ctx, message);
    x->unreachable = answer == NULL;
    return answer;
}

static int judge(OSSL_CMP_CTX *ctx, X509 *certificate, int fail_info, const char **text)
{
    struct exchange *x = OSSL_CMP_CTX_get_certConf_cb_arg(ctx);
    STACK_OF(X509) *ca = OSSL_CMP_CTX_get1_caPubs(ctx), *extra = OSSL_CMP_CTX_get1_extraCertsIn(ctx);
    x->judged = true;
    enum cmp_verdict verdict = x->request->accept(x->request->arg, certificate, ca, extra);
    sk_X509_pop_free(ca, X509_free);
    sk_X509_pop_free(extra, X509_free);
    if (verdict == CMP_ACCEPT)
        return fail_info;
    x->silent = verdict == CMP_POSTPONE;
    *text = "the certificate was not accepted";
    return fail_info != 0 ? fail_info : 1 << OSSL_CMP_PKIFAILUREINFO_incorrectData;
}

// The connection, which may still be open, ends before its TLS does.
static void end(struct exchange *x)
{
    OSSL_CMP_CTX_free(x->ctx);
    x->ctx = NULL;
    cmp_tls_free(&x->tls);
    ERR_clear_error();
}

static bool set_transport(struct exchange *x, const struct address *a)
{
    OSSL_CMP_CTX *ctx = x->ctx;
    int timeout = (int)x->request->timeout;
    return (!a->tls ||
            (OSSL_CMP_CTX_set_http_cb(ctx, cmp_tls_wrap) && OSSL_CMP_CTX_set_http_cb_arg(ctx, &x->tls))) &&
           OSSL_CMP_CTX_set_log_cb(ctx, quiet) && OSSL_CMP_CTX_set1_server(ctx, a->host) &&
           OSSL_CMP_CTX_set_serverPort(ctx, a->port_number) &&
           OSSL_CMP_CTX_set1_serverPath(ctx, a->path + (a->path[0] == '/')) &&
           OSSL_CMP_CTX_set_transfer_cb(ctx, transfer) && OSSL_CMP_CTX_set_transfer_cb_arg(ctx, x) &&
           OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_MSG_TIMEOUT, timeout) &&
           OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_TOTAL_TIMEOUT, 2 * timeout) &&
           // A refusal is believed without protection: whoever can forge it can as well say nothing.
           OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_UNPROTECTED_ERRORS, 1);
}

static bool set_code(struct exchange *x)
{
    const struct cmp_request *r = x->request;
    struct rd code = secret_view(r->code);
    return OSSL_CMP_CTX_set1_referenceValue(x->ctx, (const unsigned char *)r->reference,
                                            (int)strlen(r->reference)) &&
           OSSL_CMP_CTX_set1_secretValue(x->ctx, code.p, (int)code.n);
}

static bool set_signer(struct exchange *x)
{
    const struct cmp_request *r = x->request;
    X509_STORE *store = X509_STORE_new();
    bool ready = store != NULL && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    for (int i = 0; ready && i < sk_X509_num(r->trusted); i++)
        ready = X509_STORE_add_cert(store, sk_X509_value(r->trusted, i)) == 1;
    if (!ready || !OSSL_CMP_CTX_set0_trustedStore(x->ctx, store)) {
        X509_STORE_free(store);
        return false;
    }
    return OSSL_CMP_CTX_set1_cert(x->ctx, r->signer) && OSSL_CMP_CTX_set1_pkey(x->ctx, r->signer_key);
}

static bool set_content(struct exchange *x)
{
    const struct cmp_request *r = x->request;
    OSSL_CMP_CTX *ctx = x->ctx;
    EVP_PKEY *signs = r->signer_key != NULL ? r->signer_key : r->key;
    // As strong as the key: SHA-384 belongs to P-384.
    int digest = signs != NULL && EVP_PKEY_get_bits(signs) == 384 ? NID_sha384 : NID_sha256;
    if ((r->subject != NULL && !OSSL_CMP_CTX_set1_subjectName(ctx, r->subject)) ||
        (signs != NULL && !OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_DIGEST_ALGNID, digest)))
        return false;
    if (r->certificate != NULL && !(OSSL_CMP_CTX_set1_oldCert(ctx, r->certificate) &&
                                    OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_REVOCATION_REASON, r->reason)))
        return false;
    return r->key == NULL ||
           (EVP_PKEY_up_ref(r->key) && OSSL_CMP_CTX_set0_newPkey(ctx, 1, r->key) &&
            OSSL_CMP_CTX_set_certConf_cb(ctx, judge) && OSSL_CMP_CTX_set_certConf_cb_arg(ctx, x));
}

static enum exit_code begin(struct exchange *x, const struct cmp_request *request, struct fault *fault)
{
    struct address a;
    *x = (struct exchange){.request = request, .fault = fault};
    ERR_clear_error();
    if (address_of(&a, request->url, fault) != EXIT_OK)
        return fault->code;
    if (!a.tls || cmp_tls_new(&x->tls, request->tls_ca, a.host, fault) == EXIT_OK) {
        x->ctx = OSSL_CMP_CTX_new(NULL, NULL);
        if (x->ctx == NULL || !set_transport(x, &a) ||
            !(request->signer != NULL ? set_signer(x) : set_code(x)) || !set_content(x))
            fault_set(fault, EXIT_OTHER, _("Out of memory."));
    }
    address_free(&a);
    if (fault->code != EXIT_OK)
        end(x);
    return fault->code;
}

// What a person can do about a refusal; the first row whose failInfo the CA has set.
static const struct advice {
    int bit; // -1: any other
    const char *signed_todo, *coded_todo;
} advices[] = {
    {OSSL_CMP_PKIFAILUREINFO_badTime,
     N_("A certificate is renewed in its last days, not before: try again then."), NULL},
    {OSSL_CMP_PKIFAILUREINFO_certRevoked,
     N_("Get a new one: apply at the desk, then use its reference number and code with ingam reissue."),
     NULL},
    {OSSL_CMP_PKIFAILUREINFO_signerNotTrusted,
     N_("Ask the desk that issued this certificate, with its address in --issuer."), NULL},
    {-1,
     N_("Apply at the desk; it gives a reference number and a code, which ingam reissue and ingam revoke "
        "take."),
     N_("Check the reference number and the authorization code, or ask the issuer for new ones.")},
};

static bool failed_by(const OSSL_CMP_CTX *ctx, int bit)
{
    int info = OSSL_CMP_CTX_get_failInfoCode(ctx);
    return info > 0 && (info & 1 << bit) != 0;
}

static const char *advice(const struct exchange *x)
{
    bool by_key = x->request->signer != NULL;
    for (const struct advice *one = advices;; one++) {
        const char *todo = by_key ? one->signed_todo : one->coded_todo;
        if (todo != NULL && (one->bit < 0 || failed_by(x->ctx, one->bit)))
            return _(todo);
    }
}

// What stopped the transaction.
static enum exit_code explain(struct exchange *x)
{
    struct fault *fault = x->fault;
    OSSL_CMP_CTX *ctx = x->ctx;
    char text[FAULT_TEXT / 2];
    if (x->unreachable && x->tls.verified != X509_V_OK) {
        ERR_clear_error();
        fault_set(fault, EXIT_MISMATCH, _("The issuer at %s does not show a certificate that is trusted."),
                  x->request->url);
        fault_why(fault, "%s", X509_verify_cert_error_string(x->tls.verified));
        return fault_todo(fault,
                          _("Nothing was sent to it. Ask the issuer which CA its TLS certificate has, and "
                            "give that one with --tls-ca FILE."));
    }
    if (x->unreachable) {
        openssl_reason(text, sizeof text);
        ERR_clear_error();
        return address_unreachable(x->request->url, text, fault);
    }
    int status = OSSL_CMP_CTX_get_status(ctx);
    if (status == OSSL_CMP_PKISTATUS_waiting) {
        fault_set(fault, EXIT_PENDING, _("The issuer has not decided yet."));
        fault_todo(fault, _("Run the same command again later."));
    } else if (status == OSSL_CMP_PKISTATUS_rejection || status == OSSL_CMP_PKISTATUS_keyUpdateWarning) {
        if (OSSL_CMP_CTX_snprint_PKIStatus(ctx, text, sizeof text) == NULL)
            text[0] = '\0';
        fault_set(fault, EXIT_REFUSED, _("The issuer refused the request."));
        fault_why(fault, "%s", text);
        fault_todo(fault, "%s", advice(x));
    } else {
        openssl_reason(text, sizeof text);
        fault_set(fault, EXIT_REFUSED, _("The issuer's answer was not accepted."));
        fault_why(fault, "%s", text);
        fault_todo(
            fault, "%s",
            x->request->signer != NULL
                ? _("It is not signed below the CA that is known of this issuer: check the address; if "
                    "the CA has rightly changed, give the new one with --ca FILE.")
                : _("It is not protected by this authorization code: check the code, and that the "
                    "address is the issuer's."));
    }
    ERR_clear_error();
    return fault->code;
}

// Servers made with OpenSSL call a wrong code a bad request, as they call a question that they do not know;
// only the text tells them apart.
static bool refused(OSSL_CMP_CTX *ctx)
{
    char text[FAULT_TEXT / 2];
    static const int refusals[] = {
        OSSL_CMP_PKIFAILUREINFO_badMessageCheck, OSSL_CMP_PKIFAILUREINFO_certConfirmed,
        OSSL_CMP_PKIFAILUREINFO_notAuthorized,   OSSL_CMP_PKIFAILUREINFO_signerNotTrusted,
        OSSL_CMP_PKIFAILUREINFO_certRevoked,     OSSL_CMP_PKIFAILUREINFO_duplicateCertReq,
        OSSL_CMP_PKIFAILUREINFO_badTime,
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (failed_by(ctx, refusals[i]))
            return true;
    if (OSSL_CMP_CTX_get_status(ctx) == OSSL_CMP_PKISTATUS_keyUpdateWarning)
        return true;
    return OSSL_CMP_CTX_snprint_PKIStatus(ctx, text, sizeof text) != NULL &&
           strstr(text, "pbm value") != NULL;
}

// The certificates of an id-it-caCerts; NULL if it is none, or not readable.
static STACK_OF(X509) * certificates_of(OSSL_CMP_ITAV *item)
{
    char type[64];
    const ASN1_TYPE *value = OSSL_CMP_ITAV_get0_value(item);
    if (OBJ_obj2txt(type, sizeof type, OSSL_CMP_ITAV_get0_type(item), 1) <= 0 ||
        strcmp(type, CA_CERTS) != 0 || value == NULL || value->type != V_ASN1_SEQUENCE)
        return NULL;
    const unsigned char *at = ASN1_STRING_get0_data(value->value.sequence), *list = at;
    long length = ASN1_STRING_length(value->value.sequence), inner = 0;
    int tag, class;
    if (ASN1_get_object(&at, &inner, &tag, &class, length) != V_ASN1_CONSTRUCTED ||
        at + inner != list + length)
        return NULL;
    STACK_OF(X509) *out = sk_X509_new_null();
    const unsigned char *end_of = at + inner;
    while (out != NULL && at < end_of) {
        X509 *one = d2i_X509(NULL, &at, end_of - at);
        if (one == NULL || !sk_X509_push(out, one)) {
            X509_free(one);
            sk_X509_pop_free(out, X509_free);
            return NULL;
        }
    }
    return out;
}

enum exit_code cmp_probe(const struct cmp_request *request, STACK_OF(X509) * *ca, struct fault *fault)
{
    struct exchange x;
    if (ca != NULL)
        *ca = NULL;
    if (begin(&x, request, fault) != EXIT_OK)
        return fault->code;
    STACK_OF(OSSL_CMP_ITAV) *answer = OSSL_CMP_exec_GENM_ses(x.ctx);
    if (answer == NULL && (x.unreachable || refused(x.ctx) || OSSL_CMP_CTX_get_status(x.ctx) < 0))
        explain(&x);
    for (int i = 0; ca != NULL && *ca == NULL && answer != NULL && i < sk_OSSL_CMP_ITAV_num(answer); i++)
        *ca = certificates_of(sk_OSSL_CMP_ITAV_value(answer, i));
    sk_OSSL_CMP_ITAV_pop_free(answer, OSSL_CMP_ITAV_free);
    end(&x);
    return fault->code;
}

enum exit_code cmp_issue(const struct cmp_request *request, bool *confirmed, struct fault *fault)
{
    struct exchange x;
    *confirmed = false;
    if (begin(&x, request, fault) != EXIT_OK)
        return fault->code;
    X509 *certificate = request->signer != NULL ? OSSL_CMP_exec_KUR_ses(x.ctx) : OSSL_CMP_exec_IR_ses(x.ctx);
    if (certificate == NULL || !x.judged) {
        *confirmed = !x.judged && (failed_by(x.ctx, OSSL_CMP_PKIFAILUREINFO_certConfirmed) ||
                                   OSSL_CMP_CTX_get_status(x.ctx) == OSSL_CMP_PKISTATUS_keyUpdateWarning);
        explain(&x);
    }
    end(&x);
    return fault->code;
}

enum exit_code cmp_revoke(const struct cmp_request *request, struct fault *fault)
{
    struct exchange x;
    if (begin(&x, request, fault) != EXIT_OK)
        return fault->code;
    if (OSSL_CMP_exec_RR_ses(x.ctx) != 1)
        explain(&x);
    end(&x);
    return fault->code;
}

static OSSL_CMP_ITAV *item_of(const struct cmp_request *request)
{
    ASN1_OBJECT *type = OBJ_txt2obj(request->info_type, 1);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING *bytes = ASN1_STRING_new();
    OSSL_CMP_ITAV *item = NULL;
    bool filled = bytes != NULL && ASN1_STRING_set(bytes, request->info, request->info_length) == 1;
    if (type != NULL && value != NULL && filled) {
        ASN1_TYPE_set(value, V_ASN1_SEQUENCE, bytes);
        bytes = NULL;
        item = OSSL_CMP_ITAV_create(type, value);
    }
    ASN1_STRING_free(bytes);
    if (item == NULL) {
        ASN1_OBJECT_free(type);
        ASN1_TYPE_free(value);
    }
    return item;
}

// Its type alone, understood; a server of OpenSSL's sends everything back as it came.
static bool names(const STACK_OF(OSSL_CMP_ITAV) * answer, const char *wanted)
{
    char type[64];
    for (int i = 0; i < sk_OSSL_CMP_ITAV_num(answer); i++) {
        const OSSL_CMP_ITAV *item = sk_OSSL_CMP_ITAV_value(answer, i);
        if (OSSL_CMP_ITAV_get0_value(item) == NULL &&
            OBJ_obj2txt(type, sizeof type, OSSL_CMP_ITAV_get0_type(item), 1) > 0 && strcmp(type, wanted) == 0)
            return true;
    }
    return false;
}

enum exit_code cmp_tell(const struct cmp_request *request, struct fault *fault)
{
    struct exchange x;
    if (begin(&x, request, fault) != EXIT_OK)
        return fault->code;
    OSSL_CMP_ITAV *item = item_of(request);
    if (item == NULL || OSSL_CMP_CTX_push0_genm_ITAV(x.ctx, item) != 1) {
        OSSL_CMP_ITAV_free(item);
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    } else {
        STACK_OF(OSSL_CMP_ITAV) *answer = OSSL_CMP_exec_GENM_ses(x.ctx);
        if (answer == NULL)
            explain(&x);
        else if (!names(answer, request->info_type))
            fault_set(fault, EXIT_REFUSED, _("The issuer does not do what was asked."));
        sk_OSSL_CMP_ITAV_pop_free(answer, OSSL_CMP_ITAV_free);
    }
    end(&x);
    return fault->code;
}
