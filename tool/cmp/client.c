// One CMP transaction as a client, and what its failures mean to a person.
#include "client.h"
#include "text.h"
#include "tls.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct exchange {
    const struct cmp_request *request;
    struct fault *fault;
    bool unreachable; // the transport failed
    bool silent;      // nothing more is to be sent
    bool judged;      // accept was called
    struct cmp_tls tls;
};

struct address {
    char *host, *port, *path;
    int port_number, tls;
};

static void address_free(struct address *a)
{
    OPENSSL_free(a->host);
    OPENSSL_free(a->port);
    OPENSSL_free(a->path);
}

static enum exit_code address_of(struct address *a, const char *url, struct fault *fault)
{
    memset(a, 0, sizeof *a);
    bool right = OSSL_HTTP_parse_url(url, &a->tls, NULL, &a->host, &a->port, &a->port_number, &a->path, NULL,
                                     NULL) == 1;
    ERR_clear_error();
    if (right && strlen(a->host) < sizeof((struct cmp_tls *)NULL)->host && a->host != NULL &&
        a->host[0] != '\0')
        return EXIT_OK;
    fault_set(fault, EXIT_USAGE, _("The issuer's address %s cannot be used."), url);
    fault_why(fault, "%s", _("it is no URL"));
    fault_todo(fault, _("Give it as http://HOST:PORT/PATH or https://HOST:PORT/PATH."));
    address_free(a);
    return fault->code;
}

enum exit_code cmp_url_check(const char *url, const char *tls_ca, struct fault *fault)
{
    struct address a;
    struct cmp_tls tls;
    if (address_of(&a, url, fault) != EXIT_OK)
        return fault->code;
    if (a.tls) {
        cmp_tls_new(&tls, tls_ca, a.host, fault);
        cmp_tls_free(&tls);
    } else if (tls_ca != NULL) {
        fault_set(fault, EXIT_USAGE, _("--tls-ca belongs to an address that begins with https://."));
    }
    address_free(&a);
    return fault->code;
}

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

static enum exit_code unreachable(const char *url, const char *reason, struct fault *fault)
{
    fault_set(fault, EXIT_UNREACHABLE, _("The issuer at %s could not be reached."), url);
    fault_why(fault, "%s", reason);
    return fault_todo(
        fault, _("See whether the address is right and the issuer runs; then run the same command again."));
}

// Connects without blocking and waits at most so long. Returns 0 or an errno.
static int connect_within(const struct addrinfo *to, unsigned timeout)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), why = 0;
    socklen_t size = sizeof why;
    if (fd < 0)
        return errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
        why = errno;
    if (why == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int ready = poll(&wait, 1, (int)timeout * 1000);
        why = ready == 0 ? ETIMEDOUT : ready < 0 ? errno : 0;
        if (why == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
            why = errno;
    }
    close(fd);
    return why;
}

enum exit_code cmp_reach(const char *url, unsigned timeout, struct fault *fault)
{
    struct address a;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    if (address_of(&a, url, fault) != EXIT_OK)
        return fault->code;
    int failed = getaddrinfo(a.host, a.port, &hints, &all), why = EHOSTUNREACH;
    for (struct addrinfo *one = all; failed == 0 && one != NULL && why != 0; one = one->ai_next)
        why = connect_within(one, timeout);
    if (failed != 0)
        unreachable(url, gai_strerror(failed), fault);
    else if (why != 0)
        unreachable(url, strerror(why), fault);
    if (all != NULL)
        freeaddrinfo(all);
    address_free(&a);
    return fault->code;
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
static void release(struct exchange *x, OSSL_CMP_CTX *ctx)
{
    OSSL_CMP_CTX_free(ctx);
    cmp_tls_free(&x->tls);
}

static OSSL_CMP_CTX *context(struct exchange *x, struct fault *fault)
{
    const struct cmp_request *r = x->request;
    struct address a;
    if (address_of(&a, r->url, fault) != EXIT_OK)
        return NULL;
    if (a.tls && cmp_tls_new(&x->tls, r->tls_ca, a.host, fault) != EXIT_OK) {
        address_free(&a);
        return NULL;
    }
    struct rd code = secret_view(r->code);
    OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
    bool ready = ctx != NULL &&
                 (!a.tls || (OSSL_CMP_CTX_set_http_cb(ctx, cmp_tls_wrap) &&
                             OSSL_CMP_CTX_set_http_cb_arg(ctx, &x->tls))) &&
                 OSSL_CMP_CTX_set_log_cb(ctx, quiet) && OSSL_CMP_CTX_set1_server(ctx, a.host) &&
                 OSSL_CMP_CTX_set_serverPort(ctx, a.port_number) &&
                 OSSL_CMP_CTX_set1_serverPath(ctx, a.path + (a.path[0] == '/')) &&
                 OSSL_CMP_CTX_set1_referenceValue(ctx, (const unsigned char *)r->reference,
                                                  (int)strlen(r->reference)) &&
                 (r->subject == NULL || OSSL_CMP_CTX_set1_subjectName(ctx, r->subject)) &&
                 OSSL_CMP_CTX_set1_secretValue(ctx, code.p, (int)code.n) &&
                 OSSL_CMP_CTX_set_transfer_cb(ctx, transfer) && OSSL_CMP_CTX_set_transfer_cb_arg(ctx, x) &&
                 OSSL_CMP_CTX_set_certConf_cb(ctx, judge) && OSSL_CMP_CTX_set_certConf_cb_arg(ctx, x) &&
                 OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_MSG_TIMEOUT, (int)r->timeout) &&
                 OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_TOTAL_TIMEOUT, (int)(2 * r->timeout)) &&
                 // A refusal is believed without protection: whoever can forge it can as well say nothing.
                 OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_UNPROTECTED_ERRORS, 1);
    if (ready && r->key != NULL) {
        ready = EVP_PKEY_up_ref(r->key) && OSSL_CMP_CTX_set0_newPkey(ctx, 1, r->key);
        // As strong as the key: SHA-384 belongs to P-384.
        int digest = EVP_PKEY_get_bits(r->key) == 384 ? NID_sha384 : NID_sha256;
        ready = ready && OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_DIGEST_ALGNID, digest);
    }
    address_free(&a);
    if (ready)
        return ctx;
    release(x, ctx);
    fault_set(fault, EXIT_OTHER, _("Out of memory."));
    return NULL;
}

// What stopped the transaction.
static enum exit_code explain(struct exchange *x, OSSL_CMP_CTX *ctx, struct fault *fault)
{
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
        return unreachable(x->request->url, text, fault);
    }
    int status = OSSL_CMP_CTX_get_status(ctx);
    if (status == OSSL_CMP_PKISTATUS_waiting) {
        fault_set(fault, EXIT_PENDING, _("The issuer has not decided yet."));
        fault_todo(fault, _("Run the same command again later."));
    } else if (status == OSSL_CMP_PKISTATUS_rejection) {
        if (OSSL_CMP_CTX_snprint_PKIStatus(ctx, text, sizeof text) == NULL)
            text[0] = '\0';
        fault_set(fault, EXIT_REFUSED, _("The issuer refused the request."));
        fault_why(fault, "%s", text);
        fault_todo(
            fault,
            _("Check the reference number and the authorization code, or ask the issuer for new ones."));
    } else {
        openssl_reason(text, sizeof text);
        fault_set(fault, EXIT_REFUSED, _("The issuer's answer was not accepted."));
        fault_why(fault, "%s", text);
        fault_todo(
            fault,
            _("It is not protected by this authorization code: check the code, and that the address is "
              "the issuer's."));
    }
    ERR_clear_error();
    return fault->code;
}

static bool failed_by(const OSSL_CMP_CTX *ctx, int bit)
{
    int info = OSSL_CMP_CTX_get_failInfoCode(ctx);
    return info > 0 && (info & 1 << bit) != 0;
}

// Servers made with OpenSSL call a wrong code a bad request, as they call a question that they do not know;
// only the text tells them apart.
static bool code_refused(OSSL_CMP_CTX *ctx)
{
    char text[FAULT_TEXT / 2];
    static const int refusals[] = {
        OSSL_CMP_PKIFAILUREINFO_badMessageCheck, OSSL_CMP_PKIFAILUREINFO_certConfirmed,
        OSSL_CMP_PKIFAILUREINFO_notAuthorized,   OSSL_CMP_PKIFAILUREINFO_signerNotTrusted,
        OSSL_CMP_PKIFAILUREINFO_certRevoked,     OSSL_CMP_PKIFAILUREINFO_duplicateCertReq,
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (failed_by(ctx, refusals[i]))
            return true;
    return OSSL_CMP_CTX_snprint_PKIStatus(ctx, text, sizeof text) != NULL &&
           strstr(text, "pbm value") != NULL;
}

enum exit_code cmp_probe(const struct cmp_request *request, struct fault *fault)
{
    struct exchange x = {.request = request, .fault = fault};
    ERR_clear_error();
    OSSL_CMP_CTX *ctx = context(&x, fault);
    if (ctx == NULL) {
        cmp_tls_free(&x.tls);
        return fault->code;
    }
    STACK_OF(OSSL_CMP_ITAV) *answer = OSSL_CMP_exec_GENM_ses(ctx);
    if (answer == NULL && (x.unreachable || code_refused(ctx) || OSSL_CMP_CTX_get_status(ctx) < 0))
        explain(&x, ctx, fault);
    ERR_clear_error();
    sk_OSSL_CMP_ITAV_pop_free(answer, OSSL_CMP_ITAV_free);
    release(&x, ctx);
    return fault->code;
}

enum exit_code cmp_issue(const struct cmp_request *request, bool *confirmed, struct fault *fault)
{
    *confirmed = false;
    struct exchange x = {.request = request, .fault = fault};
    ERR_clear_error();
    OSSL_CMP_CTX *ctx = context(&x, fault);
    if (ctx == NULL) {
        cmp_tls_free(&x.tls);
        return fault->code;
    }
    X509 *certificate = OSSL_CMP_exec_IR_ses(ctx);
    if (certificate == NULL || !x.judged) {
        *confirmed = !x.judged && failed_by(ctx, OSSL_CMP_PKIFAILUREINFO_certConfirmed);
        explain(&x, ctx, fault);
    }
    ERR_clear_error();
    release(&x, ctx);
    return fault->code;
}
