// What the desk answers over HTTP beside CMP: CA certificate, CRL, OCSP.
#ifndef INGAM_ISSUER_HTTP_PUBLIC_H
#define INGAM_ISSUER_HTTP_PUBLIC_H

#include "publish.h"

// One thing that is answered. A path that ends with `/` takes what follows it as the request.
struct http_public {
    const char *path, *method;
    const char *asks;    // content type of the request's body, or NULL: there is none
    const char *answers; // content type of the answer
    bool text;           // what follows in the path is taken as it is, not as base64
    int (*run)(struct desk *desk, const void *request, size_t length, unsigned char **der);
};

// The row for this path and method, or NULL. *path_known: another method would do.
const struct http_public *http_public_find(const char *path, const char *method, bool *path_known);

// The request that is in the path behind the row's (RFC 6960 A.1: base64), decoded. -1 when it is none.
int http_public_request(const struct http_public *row, const char *path, unsigned char bytes[PUBLISH_ASK]);

#endif
