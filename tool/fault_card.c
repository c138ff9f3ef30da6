// The one table from the card library's errors to exit codes, reasons and advice.
#include "fault_card.h"
#include "text.h"

#include <stddef.h>
#include <stdio.h>

static const char *const todo_insert = N_("Put the token in and run the same command again.");
static const char *const todo_again = N_("Run the same command again.");
static const char *const todo_close = N_("Close the other program, or wait until it has finished.");

static const struct {
    enum err error;
    enum exit_code code;
    const char *why;
    const char *const *todo; // NULL: nothing in general
} rows[] = {
    {E_MEMORY, EXIT_OTHER, N_("out of memory"), NULL},
    {E_NO_SERVICE, EXIT_PCSC, N_("the card service cannot be reached"), NULL},
    {E_DENIED, EXIT_PCSC, N_("the card service refuses this user"), NULL},
    {E_NO_READER, EXIT_TOKEN, N_("the reader is gone"), &todo_insert},
    {E_NO_CARD, EXIT_TOKEN, N_("there is no token in the reader"), &todo_insert},
    {E_EXCHANGED, EXIT_TOKEN, N_("the token was pulled out or exchanged"), &todo_insert},
    {E_RESET, EXIT_OTHER, N_("another program reset the token meanwhile"), &todo_again},
    {E_BUSY, EXIT_BUSY, N_("another program holds the token"), &todo_close},
    {E_TIMEOUT, EXIT_OTHER, N_("the token did not answer in time"), &todo_again},
    {E_IO, EXIT_OTHER, N_("the exchange with the token broke down"), &todo_again},
    {E_MALFORMED, EXIT_OTHER, N_("the token's answer is not what its standard says"), NULL},
    {E_NOT_PRESENT, EXIT_UNSUPPORTED, N_("the token has no such applet"), NULL},
    {E_AUTH_NEEDED, EXIT_PIN, N_("the token wants a login first"), NULL},
    {E_ADMIN_WRONG, EXIT_ADMIN, N_("the management key was not accepted"), NULL},
    {E_PIN_WRONG, EXIT_PIN, N_("it was not accepted"), NULL},
    {E_PIN_BLOCKED, EXIT_BLOCKED, N_("it is blocked"), NULL},
    {E_CONDITIONS, EXIT_UNSUPPORTED, N_("the state of the token does not allow it"), NULL},
    {E_REFUSED, EXIT_UNSUPPORTED, N_("the token does not take these data"), NULL},
    {E_NOT_FOUND, EXIT_NOT_FOUND, N_("the token has nothing like that"), NULL},
    {E_NO_SPACE, EXIT_UNSUPPORTED, N_("there is no room left on the token"), NULL},
    {E_UNSUPPORTED, EXIT_UNSUPPORTED, N_("the token does not know this command"), NULL},
};

enum exit_code fault_card(struct fault *fault, enum err error, const struct err_trail *trail,
                          const char *what)
{
    const char *why = N_("the token reported an error"), *todo = NULL;
    enum exit_code code = EXIT_OTHER;
    if (fault->code != EXIT_OK)
        return fault->code;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].error == error) {
            code = rows[i].code;
            why = rows[i].why;
            todo = rows[i].todo != NULL ? *rows[i].todo : NULL;
        }
    fault_set(fault, code, "%s", what);
    if (trail != NULL && trail->sw != 0 && trail->sw != 0x9000)
        fault_why(fault, "%s (%04X)", _(why), (unsigned)trail->sw);
    else
        fault_why(fault, "%s", _(why));
    if (todo != NULL)
        fault_todo(fault, "%s", _(todo));
    return fault->code;
}
