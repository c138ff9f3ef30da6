// The kinds of second factors as rows: how a secret is read, what is asked, when an answer is right.
#ifndef INGAM_ISSUER_FACTOR_H
#define INGAM_ISSUER_FACTOR_H

#include "acts.h"
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
    char challenge[ACT_CHALLENGE];
    int64_t challenge_expires;
};

// An answer as it came, and where the moving value stands after it.
struct factor_answer {
    struct desk *desk;
    int64_t now;
    const char *serial; // of the certificate that signed, or NULL
    unsigned char bytes[ACT_ANSWER];
    size_t length;
    int64_t moving;
};

struct factor_kind {
    const char *name;
    const char *need; // what a right answer proves: "factor", "identity", "account"
    int tries;        // unless the operator says otherwise
    int seconds;      // that a challenge stands
    bool sends;       // the challenge makes a new secret, which a program sends; a wrong answer ends it
    // Reads the secret as its file has it; `length` 0: there is none.
    bool (*read)(const unsigned char *bytes, size_t length, struct factor_secret *secret, struct fail *fail);
    bool (*challenge)(struct factor *factor); // NULL: nothing is asked
    bool (*check)(const struct factor *factor, struct factor_answer *answer);
};

// Ended by a row without a name.
extern const struct factor_kind factor_kinds[];
const struct factor_kind *factor_kind(const char *name, struct fail *fail);

// The kinds whose secrets are remembered by people, and the code on the telephone (factor_words.c).
bool factor_read_account(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                         struct fail *fail);
bool factor_read_pin(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                     struct fail *fail);
bool factor_read_none(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                      struct fail *fail);
bool factor_ask_words(struct factor *factor);
bool factor_ask_code(struct factor *factor);
bool factor_check_words(const struct factor *factor, struct factor_answer *answer);
bool factor_check_code(const struct factor *factor, struct factor_answer *answer);

// A text of exactly so many digits, and nothing after them but line ends.
bool factor_digits(const struct factor_answer *answer, size_t length, char *text);

// A random number below `limit` (at most 256), each as likely.
bool factor_below(unsigned limit, unsigned *number);

#define FACTOR_FILE 1024 // bytes of a secret's file

// A new factor; no text is NULL.
struct factor_new {
    const char *customer, *kind, *label;
    int tries; // 0: the usual number
    const unsigned char *secret;
    size_t length;
};
bool factor_add(struct desk *desk, const struct factor_new *new, char id[ACT_ID], struct fail *fail);

#endif
