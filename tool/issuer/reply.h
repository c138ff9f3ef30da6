// CMP messages that the desk writes itself (RFC 4210): error and pkiConf.
#ifndef INGAM_ISSUER_REPLY_H
#define INGAM_ISSUER_REPLY_H

#include "desk.h"
#include "header.h"
#include "refuse.h"

// Both return the length and give the bytes to the caller (OPENSSL_free), or return -1. The message is
// protected with `secret` when that is not NULL (the client has proved that it knows it), else signed by the
// desk's CMP key.

// error (5.3.21) with the PKIStatusInfo of the reason.
int reply_refusal(const struct desk *desk, const struct header *request, const struct secret *secret,
                  enum refuse_reason reason, unsigned char **message);

// pkiConf (5.3.17).
int reply_confirmed(const struct desk *desk, const struct header *request, const struct secret *secret,
                    unsigned char **message);

#endif
