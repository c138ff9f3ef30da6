// Where a visitor stands on the way through a flow, and what was shown so far. Kept in the session only.
#ifndef INGAM_ISSUER_WEB_JOURNEY_H
#define INGAM_ISSUER_WEB_JOURNEY_H

#include "acts.h"

struct flow;

struct journey {
    const struct flow *flow; // NULL: none was begun
    size_t step;
    struct act_customer customer;   // who said so by the identity step; id empty before
    bool identity, factor, account; // proved by this visitor, in this flow
    char check[ACT_ID];             // the identity check that runs, or empty
    char check_kind[REGISTRY_WORD];
    bool wants_account; // the class asks for the account's password, too
    bool factor_asks;
    char factor_id[ACT_ID];
    char factor_kind[REGISTRY_WORD];
    char class_name[REGISTRY_WORD];
    char kind[REGISTRY_WORD];     // "issue", "reissue"; or what is done to the certificate
    char reason[REGISTRY_WORD];   // of a revocation
    char serial[REGISTRY_SERIAL]; // the certificate it is about
    char foreign_id[ACT_ID];
    unsigned char foreign[REGISTRY_CERT]; // the certificate to register
    size_t foreign_length;
    unsigned char random[64]; // R of its VID
    size_t random_length;
    char challenge[ACT_CHALLENGE];
    struct desk_entitled made; // with the code
    char uri[ACT_URI];         // of a new mobile OTP
    bool shown;                // the code, or the address, was on a page
};

#endif
