// What is in the certificates that the desk makes, as rows.
#ifndef INGAM_ISSUER_PROFILE_H
#define INGAM_ISSUER_PROFILE_H

#include "fail.h"

#include <openssl/x509.h>
#include <stdint.h>

#define PROFILE_SERIAL 16 // bytes; RFC 5280 4.1.2.2 allows 20

enum profile_kind {
    PROFILE_CA,     // the root of the desk
    PROFILE_CMP,    // signs the desk's own CMP messages
    PROFILE_PERSON, // a person's key on a token
};

struct profile_ask {
    enum profile_kind kind;
    const X509_NAME *subject;
    EVP_PKEY *key; // the subject's public key
    unsigned char serial[PROFILE_SERIAL];
    int64_t now;        // seconds since the epoch
    const char *policy; // an OID, or empty: then there is no certificatePolicies
    int days;           // of validity; 0: what the kind has
    const char *url;    // where CRL and OCSP answer, or empty
    int generation;     // of the CA's key: 0 or 1 the first
    X509 *issuer;       // NULL: self-signed
    EVP_PKEY *issuer_key;
};

// Makes and signs the certificate. It never outlives its issuer. The caller owns it.
X509 *profile_certificate(const struct profile_ask *ask, struct fail *fail);

// When it ends, in seconds since the epoch.
int64_t profile_not_after(const X509 *certificate);

// A random positive serial number.
bool profile_serial(unsigned char serial[PROFILE_SERIAL]);

// May a person's certificate be made for this public key? RSA of 2048 to 4096 bits, P-256, P-384.
bool profile_key_allowed(EVP_PKEY *key);

#endif
