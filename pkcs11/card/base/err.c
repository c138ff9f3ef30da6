// The trail of an error: literals, innermost first.
#include "card/base/err.h"

void err_clear(struct err_trail *t)
{
    *t = (struct err_trail){.error = E_OK, .tries = -1};
}

enum err err_fail(struct err_trail *t, enum err error, const char *literal)
{
    if (!t)
        return error;
    t->error = error;
    if (t->steps < ERR_STEPS)
        t->step[t->steps++] = literal;
    return error;
}

static const char *const names[ERR_COUNT] = {
    [E_OK] = "ok",
    [E_ARGUMENT] = "argument",
    [E_BUFFER] = "buffer-too-small",
    [E_MEMORY] = "no-memory",
    [E_NO_SERVICE] = "no-service",
    [E_DENIED] = "denied",
    [E_NO_READER] = "no-reader",
    [E_NO_CARD] = "no-card",
    [E_EXCHANGED] = "card-exchanged",
    [E_RESET] = "card-reset",
    [E_BUSY] = "busy",
    [E_TIMEOUT] = "timeout",
    [E_CANCELLED] = "cancelled",
    [E_FORKED] = "forked",
    [E_IO] = "exchange-failed",
    [E_MALFORMED] = "malformed-answer",
    [E_NOT_PRESENT] = "applet-not-present",
    [E_PIN_WRONG] = "pin-wrong",
    [E_PIN_BLOCKED] = "pin-blocked",
    [E_AUTH_NEEDED] = "authentication-needed",
    [E_ADMIN_WRONG] = "management-key-wrong",
    [E_CONDITIONS] = "conditions-not-satisfied",
    [E_REFUSED] = "data-refused",
    [E_NOT_FOUND] = "not-found",
    [E_NO_SPACE] = "no-space",
    [E_UNSUPPORTED] = "unsupported",
    [E_CARD] = "card-error",
};

const char *err_name(enum err error)
{
    return (unsigned)error < ERR_COUNT && names[error] ? names[error] : "unknown";
}
