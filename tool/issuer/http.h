// CMP over HTTP (RFC 6712) behind libmicrohttpd, with bounds in size, time and number.
#ifndef INGAM_ISSUER_HTTP_H
#define INGAM_ISSUER_HTTP_H

#include "desk.h"

struct http;

// Begins to listen at "HOST:PORT" (a numeric address; IPv6 in brackets; port 0: any free one) and serves the
// desk in threads of its own. The desk must outlive it. *http is NULL after failure.
bool http_start(struct desk *desk, const char *listen, struct http **http, struct fail *fail);

// Where it listens, as "http://127.0.0.1:8829".
void http_address(const struct http *http, char *text, size_t size);

// Ends the connections whose request has taken too long. Call it about once a second.
void http_sweep(struct http *http);

// Finishes the requests at hand and stops.
void http_stop(struct http *http);

#endif
