// The answers to a step of an application: from options, from the token's own one-time passwords, or asked
// for.
#pragma once

#include "run.h"

// What a run of the wizard has to remember between steps.
struct answers {
    unsigned proofs;  // second factors that were answered
    char medium[256]; // the desk's name of the one that was chosen
    char failed[256]; // a one-time password of the token that was not accepted: not taken again unasked
};

// The fields of this step. *values is the caller's; *asked: at least one was asked for at the terminal, so
// that a refusal can be put right. Without a terminal a missing option is the fault (EXIT_USAGE).
enum exit_code answer_fields(struct run *run, struct answers *answers, json_t *step, json_t **values,
                             bool *asked);
