// What the desk must know of a PKIMessage before OpenSSL sees it, and has no accessor for.
#ifndef INGAM_ISSUER_HEADER_H
#define INGAM_ISSUER_HEADER_H

#include "der.h"

// The longest senderKID, transactionID and nonce that the desk takes. RFC 4210 5.1.1 has 128-bit ones.
#define HEADER_MAX 64

enum header_protection {
    HEADER_UNPROTECTED,
    HEADER_BY_MAC,   // id-PasswordBasedMac, RFC 4210 5.1.3.1
    HEADER_BY_OTHER, // a signature, or an algorithm that the desk does not speak
};

// All views point into the message; an absent field has the length 0.
struct header {
    int pvno;
    struct der sender; // the GeneralName, whole
    enum header_protection protection;
    struct der sender_kid;
    struct der transaction_id;
    struct der sender_nonce;
    struct der recip_nonce;
    unsigned body;        // number of the body's choice, RFC 4210 5.1.2: 0 ir, 1 ip, 2 cr, ...
    struct der content;   // what is inside the body's EXPLICIT tag
    struct der parts;     // PKIHeader and PKIBody, one after the other: the content of ProtectedPart
    struct der extra;     // the first of extraCerts, whole
    struct der algorithm; // content of protectionAlg's AlgorithmIdentifier
};

// The numbers of the bodies that the desk names (RFC 4210 5.1.2).
enum {
    BODY_IR = 0,
    BODY_IP = 1,
    BODY_CR = 2,
    BODY_CP = 3,
    BODY_P10CR = 4,
    BODY_KUR = 7,
    BODY_KUP = 8,
    BODY_RR = 11,
    BODY_RP = 12,
    BODY_PKICONF = 19,
    BODY_GENM = 21,
    BODY_ERROR = 23,
    BODY_CERTCONF = 24,
    BODY_POLLREQ = 25,
    BODY_POLLREP = 26,
    BODY_LAST = 26,
};

// Reads the header of a DER PKIMessage (RFC 4210 5.1). False, and *header all zero, when it is malformed,
// when a field is longer than HEADER_MAX, or when bytes follow the message.
bool header_read(const void *message, size_t length, struct header *header);

#endif
