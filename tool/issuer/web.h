// The certificate centre as a service of a listener: pages for people, a JSON API for programs.
#ifndef INGAM_ISSUER_WEB_H
#define INGAM_ISSUER_WEB_H

#include "http_listen.h"
#include "page.h"
#include "web_flow.h"

// Makes the centre of a desk; NULL when memory is short. Its addresses are filled in before requests come.
struct web *web_make(struct desk *desk, struct fail *fail);
void web_free(struct web *web);

// Forgets the sessions that are over. Call it about once a second.
void web_sweep(struct web *web);

// Their context is the centre.
extern const struct http_service web_pages, web_members;

// The session's cookie, without and with TLS (RFC 6265bis 4.1.3.2: only over TLS, only from this host, for
// all paths).
#define COOKIE_HTTP "ingam"
#define COOKIE_TLS  "__Host-ingam"

// One request and what comes of it.
struct exchange {
    struct web *web;
    const struct http_request *request;
    struct visit visit;
    char address[64];
    char id[SESSION_ID]; // a cookie to set, or empty
    bool end_cookie;     // the session is over
    bool set_language;
    // The answer.
    unsigned status;
    const char *type;
    const char *location; // of a redirection, or NULL
    bool public;          // may be kept by the browser
    struct page page;
    char log[160]; // who did what, for the log line
};

// Has a request answered in the visitor's language, and sends the answer with its headers.
enum MHD_Result web_exchange(struct web *web, const struct http_request *request,
                             void (*answer)(struct exchange *exchange));

// Sends the answer and frees it (web_send.c).
enum MHD_Result web_send(struct exchange *exchange);

// A session that was begun, or found; false: the error says why.
bool web_open(struct exchange *exchange, bool program);
bool web_find(struct exchange *exchange, const char *id, bool program);

// The API's part of the service (api.c): a path behind /api/1.
void api_run(struct exchange *exchange, const char *path);

#endif
