// What the files of the desk's commands share: open, act, close; and how an end becomes a failure.
#ifndef INGAM_ISSUER_NOUNS_H
#define INGAM_ISSUER_NOUNS_H

#include "acts.h"
#include "commands.h"
#include "desk.h"
#include "records.h"
#include "registry_log.h"
#include "rules.h"
#include "words.h"

// Opens the desk, runs the act, closes it.
bool noun_with_desk(const struct options *options,
                    bool (*act)(struct desk *, const struct options *, struct fail *), struct fail *fail);

// REGISTRY_DONE is true; everything else is a failure with its text and exit code (FAIL_REFUSED for a rule,
// FAIL_PENDING for what waits, FAIL_NOT_FOUND).
bool noun_end(enum registry_end end, const char *about, struct fail *fail);

// A new identifier: a letter and twelve random digits.
#define NOUN_ID ACT_ID
bool noun_id(char letter, char id[NOUN_ID], struct fail *fail);

// Writes down what was found out about a customer, "identity" or "factor", and for how many seconds it is
// good.
bool proof_add(struct desk *desk, const char *customer, const char *need, const char *kind, bool passed,
               int seconds, struct fail *fail);

#endif
