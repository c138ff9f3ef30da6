// What may go wrong at the certificate centre, as rows: a word that stays, an HTTP status, a text, what to
// do.
#ifndef INGAM_ISSUER_WEB_ERROR_H
#define INGAM_ISSUER_WEB_ERROR_H

#include "registry.h"

enum web_error {
    WEB_NONE,
    WEB_FORM,
    WEB_LONG,
    WEB_NOT_FOUND,
    WEB_METHOD,
    WEB_TYPE,
    WEB_CSRF,
    WEB_SESSION,
    WEB_LOGIN,
    WEB_MANY,
    WEB_FULL,
    WEB_FAILED,
    WEB_STEP,
    WEB_MISSING,
    WEB_WRONG,
    WEB_NOT_AGREED,
    WEB_NOT_CONFIRMED,
    WEB_CHOICE,
    WEB_IDENTITY,
    WEB_IDENTITY_LOCKED,
    WEB_ACCOUNT,
    WEB_CHECK_NONE,
    WEB_CHECK_FAILED,
    WEB_CHECK_BROKEN,
    WEB_CHECK_MANY,
    WEB_FACTOR_NONE,
    WEB_FACTOR_WRONG,
    WEB_FACTOR_LOCKED,
    WEB_UNPROVED,
    WEB_KIND,
    WEB_ONE,
    WEB_COMING,
    WEB_CLOSED,
    WEB_NO_OLD,
    WEB_REVOKED,
    WEB_PURPOSE,
    WEB_REFUSED,
    WEB_FOREIGN,
    WEB_FOREIGN_SIGNATURE,
    WEB_NOT_REGISTERED,
    WEB_NO_CERTIFICATE,
    WEB_UNKNOWN_CERTIFICATE,
    WEB_BAD_CERTIFICATE,
    WEB_ERRORS
};

struct web_error_row {
    const char *word; // for programs, and it stays
    unsigned status;  // HTTP
    const char *text, *todo;
};
const struct web_error_row *web_error(enum web_error error);

// The error for a rule of the registry.
enum web_error web_error_of(enum registry_end end);

#endif
