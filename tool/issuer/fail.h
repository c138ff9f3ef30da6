// One failure of a command: its exit code and a sentence that says what, why and what to do.
#ifndef INGAM_ISSUER_FAIL_H
#define INGAM_ISSUER_FAIL_H

#include <stdbool.h>

// The exit codes that the desk shares with the tool (docs/ingam-issuer.1).
enum fail_code {
    FAIL_NONE = 0,
    FAIL_OTHER = 1,
    FAIL_USAGE = 2,
    FAIL_PASSPHRASE = 4, // also: a proof is wrong or missing
    FAIL_LOCKED = 5,
    FAIL_NOT_FOUND = 8,
    FAIL_MISMATCH = 9,
    FAIL_BUSY = 10,
    FAIL_PERMISSION = 11,
    FAIL_REFUSED = 14, // a rule stands against it
    FAIL_PENDING = 15,
};

struct fail {
    enum fail_code code;
    char text[600];
};

// Writes down the failure and returns false. The first one stands: a later call changes nothing,
// because the first is the cause. `text` never carries a code, a passphrase or a key.
bool fail_with(struct fail *fail, enum fail_code code, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

// As fail_with, and adds the reason of errno.
bool fail_errno(struct fail *fail, const char *text, ...) __attribute__((format(printf, 2, 3)));

#endif
