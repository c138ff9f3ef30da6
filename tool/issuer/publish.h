// What everybody may ask the desk: the CA certificate, the CRL (RFC 5280), OCSP (RFC 6960).
#ifndef INGAM_ISSUER_PUBLISH_H
#define INGAM_ISSUER_PUBLISH_H

#include "desk.h"

#define PUBLISH_ASK 8192 // bytes of the longest OCSP request that is read

// Each returns DER that the caller owns (OPENSSL_free) and its length; 0 when there is no such generation, or
// -1. They may be called by several threads.
int publish_ca(struct desk *desk, int generation, unsigned char **der);

// The newest CRL of a generation of the CA's key; a new one is made when
// something has changed since, or after an hour. Its number rises by one, over all desks and restarts.
int publish_crl(struct desk *desk, int generation, unsigned char **der);

// Answers an OCSP request. What cannot be read gets malformedRequest; a certificate that the registry does
// not know is `unknown`, never `good`.
int publish_ocsp(struct desk *desk, const void *request, size_t length, unsigned char **der);

#endif
