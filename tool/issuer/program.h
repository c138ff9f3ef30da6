// Programs of the operator that the desk runs: `PROGRAM KIND`, one JSON object in, one out.
#ifndef INGAM_ISSUER_PROGRAM_H
#define INGAM_ISSUER_PROGRAM_H

#include "fail.h"

#define PROGRAM_SECONDS 60 // that it may take, for one that rings somebody up

// Runs it with the question on its standard input; *passed: it said {"result":"passed"}. False: it failed,
// said something else, or took too long; its process group is killed then.
bool program_ask(const char *program, const char *kind, const char *question, bool *passed,
                 struct fail *fail);

// From now on (until it is called with false) those that run are killed, and no new one is waited for.
void program_stop(bool now);

// May the desk run it? It must be a program that only its owner may change. An empty text is one that is
// taken away.
bool program_trusted(const char *program, struct fail *fail);

#endif
