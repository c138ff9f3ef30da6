// CMP over HTTP (RFC 6712), and what is public beside it, as a service of a listener.
#ifndef INGAM_ISSUER_HTTP_H
#define INGAM_ISSUER_HTTP_H

#include "desk.h"
#include "http_listen.h"

// Its context is the desk.
extern const struct http_service http_cmp;

#endif
