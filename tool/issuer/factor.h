// The kinds of second factors as rows: how a secret is read, what is asked, when an answer is right.
#ifndef INGAM_ISSUER_FACTOR_H
#define INGAM_ISSUER_FACTOR_H

#include "desk.h"
#include "options.h"

struct factor_secret {
    size_t length;
    unsigned char bytes[512];
};

struct factor {
    char id[32], customer[32], kind[32];
    struct factor_secret secret;
    int64_t moving; // HOTP: the next counter; TOTP: the last time step that was used
    int tries;
    char challenge[96];
    int64_t challenge_expires;
};

// An answer as it came, and where the moving value stands after it.
struct factor_answer {
    struct desk *desk;
    int64_t now;
    const char *serial; // of the certificate that signed, or NULL
    unsigned char bytes[1024];
    size_t length;
    int64_t moving;
};

struct factor_kind {
    const char *name;
    bool (*read)(struct desk *desk, const struct options *options, struct factor_secret *secret,
                 struct fail *fail);
    bool (*challenge)(struct factor *factor); // NULL: nothing is asked
    bool (*check)(const struct factor *factor, struct factor_answer *answer);
};

// Ended by a row without a name.
extern const struct factor_kind factor_kinds[];

#endif
