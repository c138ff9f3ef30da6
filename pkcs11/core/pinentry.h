/* Asks a person for a PIN in a dialogue of their own: the program pinentry, over the Assuan protocol. */
#pragma once
#include "card/base/secret.h"
#include "object/p11.h"

struct pinentry_question {
    const char *program; /* absolute path */
    int seconds;         /* how long everything may take */
    const char *description, *prompt;
    const char *error; /* what was wrong with the last answer; NULL: nothing */
};

/* CKR_OK: *pin is the caller's, who frees it. CKR_FUNCTION_CANCELED: the person didn't want to.
 * CKR_FUNCTION_FAILED: no such program, nobody answered in time, or an answer that isn't Assuan; the log says
 * which. The program inherits no descriptor and has ended when this returns. */
CK_RV pinentry_ask(const struct pinentry_question *question, struct secret **pin);
