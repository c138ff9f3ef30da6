// Resident, business and account numbers: checked, masked, hashed under a key outside the database, sealed.
#ifndef INGAM_ISSUER_IDENTITY_H
#define INGAM_ISSUER_IDENTITY_H

#include "desk.h"

#define IDENTITY_DIGITS 20
#define IDENTITY_MASK   32

// A number as the registry may keep it.
struct identity {
    char mask[IDENTITY_MASK]; // what may be shown: 900101-1******
    unsigned char hash[32];   // HMAC-SHA-256 of the kind and the digits: the same number is found again
    unsigned char sealed[IDENTITY_DIGITS + SEAL_OVER];
    size_t sealed_length;
};

// Reads a number from the first line of a file, digits with or without blanks and dashes, checks it for this
// kind
// ("individual", "proprietor", "corporation", "account") and seals it for the row `label`.
bool identity_read(const struct desk *desk, const char *kind, const char *path, const char *label,
                   struct identity *identity, struct fail *fail);

// The same from a text in memory.
bool identity_take(const struct desk *desk, const char *kind, const struct secret *line, const char *label,
                   struct identity *identity, struct fail *fail);

#endif
