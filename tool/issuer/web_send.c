// Sends an answer with its headers and cookies, and writes the log line.
#include "web.h"

#include "words.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <time.h>

static void log_line(const struct exchange *exchange)
{
    char when[DESK_TIME];
    const struct visit *visit = &exchange->visit;
    desk_time((int64_t)time(NULL), when);
    fprintf(stderr, "%s %s http=%u %s result=%s\n", when, exchange->address, exchange->status, exchange->log,
            web_error(visit->error)->word);
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static void add_cookies(struct MHD_Response *response, const struct exchange *exchange)
{
    char cookie[256];
    bool tls = exchange->request->tls;
    const char *name = tls ? COOKIE_TLS : COOKIE_HTTP;
    const char *secure = tls ? "; Secure" : "";
    if (exchange->end_cookie) {
        snprintf(cookie, sizeof cookie, "%s=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict%s", name, secure);
        add(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    } else if (exchange->id[0] != 0) {
        snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", name, exchange->id,
                 secure);
        add(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    }
    if (exchange->set_language) {
        snprintf(cookie, sizeof cookie, "lang=%s; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax%s",
                 words_tag(words_used()), secure);
        add(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    }
    OPENSSL_cleanse(cookie, sizeof cookie);
}

static void add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    static const char *const fixed[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
         "base-uri 'none'; frame-ancestors 'none'"},
        {"X-Frame-Options", "DENY"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        add(response, fixed[i][0], fixed[i][1]);
    if (exchange->request->tls)
        add(response, "Strict-Transport-Security", "max-age=31536000");
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, exchange->public ? "max-age=3600" : "no-store");
    if (exchange->type != NULL)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, exchange->type);
    if (!exchange->public)
        add(response, MHD_HTTP_HEADER_VARY, "Accept-Language, Cookie");
    if (words_used() != WORDS_LOCALE && !exchange->public)
        add(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, words_tag(words_used()));
    if (exchange->location != NULL)
        add(response, MHD_HTTP_HEADER_LOCATION, exchange->location);
    if (exchange->visit.error == WEB_MANY)
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, "60");
    if (exchange->visit.error == WEB_METHOD)
        add(response, MHD_HTTP_HEADER_ALLOW, "GET, POST");
}

enum MHD_Result web_send(struct exchange *exchange)
{
    enum MHD_Result done = MHD_NO;
    struct MHD_Response *response = NULL;
    if (!exchange->page.failed)
        response = MHD_create_response_from_buffer(exchange->page.length, exchange->page.bytes,
                                                   MHD_RESPMEM_MUST_COPY);
    if (response != NULL) {
        add_headers(response, exchange);
        add_cookies(response, exchange);
        done = MHD_queue_response(exchange->request->connection, exchange->status, response);
        MHD_destroy_response(response);
    }
    if (!exchange->public)
        log_line(exchange);
    page_free(&exchange->page);
    OPENSSL_cleanse(exchange->id, sizeof exchange->id);
    return done;
}
