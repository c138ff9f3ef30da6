// The parts of an issuer's address, for what speaks HTTP to it.
#pragma once

#include "fault.h"

struct address {
    char *host, *port, *path;
    int port_number, tls;
};

// EXIT_USAGE: it is no URL. address_free in any case.
enum exit_code address_of(struct address *a, const char *url, struct fault *fault);
void address_free(struct address *a);

// The fault of an issuer that does not answer.
enum exit_code address_unreachable(const char *url, const char *reason, struct fault *fault);
