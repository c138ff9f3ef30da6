// Proof of an identity number (KCAC.TS.SIVID): the certificate holds VID = h(h(number, R)), the key holds R.
#pragma once

#include "card/base/secret.h"
#include "crypto.h"

#include <openssl/x509.h>

#define NPKI_VID_MOST 64

struct npki_vid {
    const char *digest; // OpenSSL's name of h
    size_t length;
    unsigned char value[NPKI_VID_MOST];
};

// The VID in the certificate's subjectAltName. False: it has none that can be read.
bool npki_vid_of(const X509 *certificate, struct npki_vid *out);

// The digits of an identity number as typed: a hyphen or blanks may stand between them; a resident or
// foreigner number has 13, a business number 10. NULL: it is none, or no memory. The caller frees.
struct secret *npki_vid_number(struct rd typed);

// Computes the VID of number (digits) and R under this digest. False: no memory, or an unknown digest.
bool npki_vid_compute(struct npki_crypto *crypto, const char *digest, struct rd number, struct rd random,
                      struct npki_vid *out);
