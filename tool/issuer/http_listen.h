// One listener behind libmicrohttpd: a socket, threads, TLS or not, and bounds in size, time and number.
#ifndef INGAM_ISSUER_HTTP_LISTEN_H
#define INGAM_ISSUER_HTTP_LISTEN_H

#include "fail.h"

#include <microhttpd.h>
#include <stddef.h>

struct http_listener;

// One request, whole. What it points to lives until its answer is queued.
struct http_request {
    struct MHD_Connection *connection;
    const char *method, *path;
    const unsigned char *body;
    size_t length;
    bool too_long; // the body had more than body_max bytes, and is not here
    bool tls;
};

struct http_service {
    size_t body_max;
    unsigned threads;
    // Looks at request line and headers before the body is read. *refused: it has queued an answer. May be
    // NULL.
    enum MHD_Result (*head)(void *context, const struct http_request *request, bool *refused);
    // Queues the answer.
    enum MHD_Result (*run)(void *context, const struct http_request *request);
};

struct http_ask {
    const char *option;            // which option said where, for messages
    const char *where;             // "HOST:PORT", a numeric address; IPv6 in brackets; port 0: any free one
    const char *certificate, *key; // PEM texts, or NULL: no TLS; used until http_listener_begin returns
    const char *clients; // PEM text of CAs, for a listener that asks for client certificates, or NULL
    unsigned share;      // of the connections that the process may have, in percent
    bool loopback_only;  // without TLS no other address is taken
    const struct http_service *service;
    void *context;
};

// Opens the socket, so that the address is known. *listener is NULL after failure.
bool http_listen(const struct http_ask *ask, struct http_listener **listener, struct fail *fail);

// Serves in threads of its own from now on. NULL does nothing.
bool http_listener_begin(struct http_listener *listener, struct fail *fail);

// Where it listens, as "http://127.0.0.1:8829".
void http_listener_address(const struct http_listener *listener, char *text, size_t size);

// Ends the connections whose request has taken too long. Call it about once a second.
void http_listener_sweep(struct http_listener *listener);

// Finishes the requests at hand and stops. NULL does nothing.
void http_listener_stop(struct http_listener *listener);

// The client's numeric address, or "-".
#define HTTP_ADDRESS 64
void http_client(struct MHD_Connection *connection, char who[HTTP_ADDRESS]);

// A header of the request, or NULL.
const char *http_header(const struct http_request *request, const char *name);

// Is the content type this one, whatever its parameters?
bool http_type_is(const struct http_request *request, const char *wanted);

#endif
