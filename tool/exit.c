// The table of exit codes.
#include "exit.h"
#include "text.h"

#include <stddef.h>

static const struct {
    enum exit_code code;
    const char *name;
    const char *meaning;
} rows[] = {
    {EXIT_OK, "ok", N_("done")},
    {EXIT_OTHER, "other", N_("another failure")},
    {EXIT_USAGE, "usage", N_("wrong usage")},
    {EXIT_TOKEN, "token", N_("no token, or several and none chosen")},
    {EXIT_PIN, "pin", N_("PIN wrong or needed")},
    {EXIT_BLOCKED, "blocked", N_("PIN or PUK blocked")},
    {EXIT_ADMIN, "admin", N_("management key wrong or needed")},
    {EXIT_UNSUPPORTED, "unsupported", N_("not supported by the token")},
    {EXIT_NOT_FOUND, "not_found", N_("not found")},
    {EXIT_MISMATCH, "mismatch", N_("does not match, or a check failed")},
    {EXIT_BUSY, "busy", N_("in use by another program")},
    {EXIT_PCSC, "pcsc", N_("card service or permission")},
    {EXIT_TOUCH, "touch", N_("not touched in time")},
    {EXIT_UNREACHABLE, "ca_unreachable", N_("CA cannot be reached")},
    {EXIT_REFUSED, "ca_refused", N_("refused by the CA")},
    {EXIT_PENDING, "pending", N_("pending at the CA")},
    {EXIT_EXPIRING, "expiring", N_("expires soon")},
    {EXIT_PARTLY, "partly", N_("batch done in part")},
    {EXIT_INTERRUPTED, "interrupted", N_("interrupted")},
};

#define ROWS (sizeof rows / sizeof rows[0])

const char *exit_name(enum exit_code code)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "other";
}

const char *exit_meaning(unsigned row, enum exit_code *code)
{
    if (row >= ROWS)
        return NULL;
    *code = rows[row].code;
    return _(rows[row].meaning);
}
