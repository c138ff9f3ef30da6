// What this user got onto which token from which desk: one small file a token in the user's state folder,
// mode 0600. It tells the desk of a certificate that is to be renewed, and what to revoke when a token is
// gone. It holds no secret.
#pragma once

#include "fault.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

struct record {
    char path[4096], token[64];
    int lock; // held from open to close; -1: not open
    json_t *list;
};

struct record_entry {
    char slot[4], issuer[512];
    char tls_ca[4096]; // "": the system's
    char state[16];    // "valid", "replaced", "revoked" or "suspended", as far as this user did it
    char pending[16];  // "revoke", "suspend" or "resume": asked for, and the answer was not seen; else ""
    X509 *certificate; // in record_get's: the caller's to free
};

// Opens and locks the record of a token (its serial number, or label if it has none); an empty one if there
// is none. Faults: EXIT_BUSY, EXIT_OTHER with the file's name. record_close in any case.
enum exit_code record_open(struct record *record, const char *token, struct fault *fault);
void record_close(struct record *record);

size_t record_count(const struct record *record);
bool record_get(const struct record *record, size_t i, struct record_entry *out);

// The entry of this certificate; false if there is none.
bool record_find(const struct record *record, const X509 *certificate, struct record_entry *out);

// Puts the entry in the place of the one of the same certificate, or adds it; durable after record_save.
void record_put(struct record *record, const struct record_entry *entry);
enum exit_code record_save(struct record *record, struct fault *fault);

// The same at once, for the state of one certificate. A certificate that is not in the record stays out.
enum exit_code record_mark(const char *token, const X509 *certificate, const char *state, const char *pending,
                           struct fault *fault);

// Looks through the records of all tokens for a certificate with this serial number (hex, any case); token is
// whose record has it. False: there is none. The entry's certificate is the caller's.
bool record_locate(const char *serial, char *token, size_t size, struct record_entry *out);
