// The members' page: TLS client authentication, and then the registry's word on the certificate that was
// shown.
#include "web.h"

#include "cmp_call.h"
#include "dn.h"
#include "profile.h"
#include "web_html.h"
#include "web_style.h"
#include "words.h"

#include <gnutls/gnutls.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define THREADS 2

// Who came.
struct member {
    struct act_customer customer;
    struct registry_standing standing;
    char subject[512];
};

// The certificate of the handshake, in which its key has signed (RFC 8446 4.4.3, RFC 5246 7.4.8): GnuTLS ends
// a handshake whose signature is wrong. NULL: none was shown.
static const gnutls_datum_t *shown(const struct http_request *request)
{
    unsigned count = 0;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL)
        return NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->tls_session, &count);
    return chain != NULL && count > 0 ? &chain[0] : NULL;
}

// Is it, byte by byte, a certificate that this desk issued?
static bool issued_here(struct desk *desk, const gnutls_datum_t *der, struct member *member)
{
    const unsigned char *at = der->data;
    char serial[REGISTRY_SERIAL];
    X509 *certificate = d2i_X509(NULL, &at, (long)der->size);
    bool known = certificate != NULL && cmp_serial(X509_get0_serialNumber(certificate), serial) &&
                 registry_standing(desk->registry, serial, &member->standing) == REGISTRY_DONE &&
                 member->standing.length == der->size &&
                 memcmp(member->standing.der, der->data, der->size) == 0;
    if (known)
        dn_line(X509_get_subject_name(certificate), member->subject, sizeof member->subject);
    X509_free(certificate);
    ERR_clear_error();
    return known;
}

// Does it stand, and its customer too? What `authorize` wrote down has no customer.
static bool stands(struct desk *desk, struct member *member, struct fail *fail)
{
    const struct registry_standing *standing = &member->standing;
    if (strcmp(standing->state, "confirmed") != 0 || strcmp(standing->status, "valid") != 0 ||
        standing->not_after <= desk->now())
        return false;
    return standing->customer[0] == 0 || (customer_get(desk, standing->customer, &member->customer, fail) &&
                                          strcmp(member->customer.state, "active") == 0);
}

// A certificate of another institution that somebody has registered, and that its institution calls good.
static enum web_error look_abroad(struct desk *desk, const gnutls_datum_t *der, struct member *member)
{
    struct fail fail = {0};
    char customer[ACT_ID];
    if (!foreign_find(desk, der->data, der->size, customer, &fail))
        return fail.code == FAIL_NOT_FOUND ? WEB_UNKNOWN_CERTIFICATE : WEB_BAD_CERTIFICATE;
    const unsigned char *at = der->data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->size);
    if (certificate != NULL) {
        dn_line(X509_get_subject_name(certificate), member->subject, sizeof member->subject);
        member->standing.not_after = profile_not_after(certificate);
        cmp_serial(X509_get0_serialNumber(certificate), member->standing.serial);
    }
    X509_free(certificate);
    return customer_get(desk, customer, &member->customer, &fail) &&
                   strcmp(member->customer.state, "active") == 0
               ? WEB_NONE
               : WEB_BAD_CERTIFICATE;
}

static enum web_error look(struct exchange *exchange, struct member *member)
{
    struct fail fail = {0};
    const gnutls_datum_t *der = shown(exchange->request);
    if (der == NULL)
        return WEB_NO_CERTIFICATE;
    if (!issued_here(exchange->web->desk, der, member))
        return look_abroad(exchange->web->desk, der, member);
    return stands(exchange->web->desk, member, &fail) ? WEB_NONE : WEB_BAD_CERTIFICATE;
}

static void fact(struct page *page, const char *label, const char *value)
{
    page_print(page, "<div><dt>%s</dt><dd>%s</dd></div>", label, value);
}

static void greet(struct exchange *exchange, const struct member *member)
{
    char date[DESK_TIME];
    char line[REGISTRY_NAME + 64];
    struct page *page = &exchange->page;
    bool named = member->customer.id[0] != 0;
    snprintf(line, sizeof line, _("Welcome, %s"), named ? member->customer.name : member->subject);
    say_date(member->standing.not_after, date);
    page_print(page, "<h1 id=\"welcome\">%s</h1>\n<p class=\"lead\">%s</p><dl>", line,
               _("The certificate on your token opened this page; no password was asked."));
    fact(page, _("Certificate"), say_class_name(member->standing.class_name));
    fact(page, _("Name in the certificate"), member->subject);
    fact(page, _("Number of the certificate"), member->standing.serial);
    fact(page, _("Valid until"), date);
    if (named) {
        fact(page, _("User ID"), member->customer.id);
        fact(page, _("Telephone"), member->customer.phone);
    }
    page_print(
        page, "</dl>\n<p class=\"note\">%s</p>\n",
        _("Take the token out when you are done: without it, and without its PIN, nobody opens this page."));
}

static void run_page(struct exchange *exchange)
{
    struct member member = {0};
    struct visit *visit = &exchange->visit;
    if (strcmp(exchange->request->path, "/") != 0)
        visit_refuse(visit, WEB_NOT_FOUND, NULL);
    else if (strcmp(exchange->request->method, "GET") != 0 && strcmp(exchange->request->method, "HEAD") != 0)
        visit_refuse(visit, WEB_METHOD, NULL);
    else
        visit->error = look(exchange, &member);
    const struct web_error_row *row = web_error(visit->error);
    struct frame frame = {.page = &exchange->page,
                          .path = "/",
                          .title = visit->error == WEB_NONE ? _("Members' page") : _(row->text),
                          .home = visit->pages,
                          .members = true,
                          .failed = visit->error != WEB_NONE};
    exchange->status = row->status;
    snprintf(exchange->log, sizeof exchange->log, "members serial=%s customer=%s", member.standing.serial,
             member.customer.id);
    if (visit->error != WEB_NONE) {
        html_failure(&frame, visit->error, NULL);
        return;
    }
    html_begin(&frame);
    greet(exchange, &member);
    html_end(&frame);
}

static void run_member(struct exchange *exchange)
{
    const char *path = exchange->request->path;
    bool style = strcmp(path, "/style.css") == 0;
    if (style || strcmp(path, "/icon.svg") == 0) {
        exchange->public = true;
        exchange->type = style ? "text/css; charset=utf-8" : "image/svg+xml";
        page_raw(&exchange->page, style ? web_style : web_sign);
        return;
    }
    if (limit_take(&exchange->web->limits, LIMIT_REQUESTS, exchange->visit.address)) {
        run_page(exchange);
        return;
    }
    exchange->visit.error = WEB_MANY;
    exchange->status = MHD_HTTP_TOO_MANY_REQUESTS;
    snprintf(exchange->log, sizeof exchange->log, "members");
}

static enum MHD_Result run(void *context, const struct http_request *request)
{
    return web_exchange(context, request, run_member);
}

const struct http_service web_members = {1024, THREADS, NULL, run};
