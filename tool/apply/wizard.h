// Leads a person through an application at a certificate centre, as its pages do. What is given as an option
// is not asked for; without a terminal everything has to be.
#pragma once

#include "apply/centre.h"

// What an application ends with.
struct applied {
    char reference[256], issuer[512], expires[64], subject[512];
    struct secret *code; // the caller's
};

// From the session's step (a new session is begun if there is none) to the last one. Each session that the
// centre gives is told to kept (if not NULL) before it is used. Faults: what the centre refused, with the
// exit codes of the desk's own rules; EXIT_INTERRUPTED where the person did not agree. The session is ended
// then, unless the centre could not be reached.
enum exit_code wizard_run(struct run *run, struct centre *centre,
                          enum exit_code (*kept)(struct run *run, const struct centre *centre),
                          struct applied *applied);
