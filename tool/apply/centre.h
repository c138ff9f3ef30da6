// A desk's certificate centre, asked over its JSON API (docs/certificate-centre.md, "The API").
#pragma once

#include "run.h"

#define CENTRE_SESSION 64

struct centre {
    const char *url;                  // https://HOST[:PORT], or http:// on this computer
    const char *tls_ca;               // the CAs to trust (PEM); NULL: the system's
    unsigned timeout;                 // seconds for each request
    char session[CENTRE_SESSION + 1]; // "": none yet
};

// Whether the address can be used at all (EXIT_USAGE): over http only on this computer, since what is sent is
// for nobody else.
enum exit_code centre_check(struct run *run, const struct centre *centre);

// One request; body may be NULL. EXIT_OK: *answer, the caller's, is an object of the API, perhaps with
// "error". EXIT_UNREACHABLE, EXIT_MISMATCH (the desk's TLS certificate). A new session of the answer is kept.
enum exit_code centre_ask(struct run *run, struct centre *centre, const char *method, const char *path,
                          json_t *body, json_t **answer);
