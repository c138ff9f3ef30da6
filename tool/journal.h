// What a command that changes a token has done so far, so that the same command goes on after a kill, a
// pulled token or a power cut. One file a token and slot, in the user's state folder, mode 0600. It never
// holds a secret.
#pragma once

#include "fault.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

enum journal_step {
    JOURNAL_NONE,      // there is no journal
    JOURNAL_MAKING,    // the token is about to make the key; whether it did is not known
    JOURNAL_KEY,       // the key is on the token
    JOURNAL_RECEIVED,  // the certificate is here, checked; it may or may not be on the token
    JOURNAL_WRITTEN,   // the certificate is on the token, read back; the CA has yet to be told
    JOURNAL_CONFIRMED, // the CA knows; what the certificate replaces is to be tidied away
};

struct journal {
    char path[4096], slot[4];
    int lock; // the lock file, held while the command runs; -1: not open
    enum journal_step step;
    char issuer[512], reference[256];
    EVP_PKEY *key;     // public key, from JOURNAL_KEY on
    X509 *certificate; // from JOURNAL_RECEIVED on
    char renews[4];    // the slot of the certificate that is renewed or reissued; "": none
    X509 *old;         // that certificate, or NULL
};

// Opens the journal of this token and slot, locks it against other runs (EXIT_BUSY) and reads it. A journal
// that can't be understood is a fault (EXIT_OTHER) that names the file.
enum exit_code journal_open(struct journal *journal, const char *token, const char *slot,
                            struct fault *fault);

// The same for another command than issue, in a file of its own.
enum exit_code journal_open_of(struct journal *journal, const char *command, const char *token,
                               const char *slot, struct fault *fault);

// Finds the journal of a renewal or reissue of the certificate in this slot of the token; it is read, not
// locked. False: there is none that can be read. journal_close in any case.
bool journal_find_renewal(struct journal *journal, const char *token, const char *renews);

// Whether a command (issue, move) has not finished its work on this slot of the token.
bool journal_unfinished(const char *command, const char *token, const char *slot);

// Makes this state durable before it returns.
enum exit_code journal_write(struct journal *journal, enum journal_step step, struct fault *fault);

// The command is finished: removes the file. The lock stays until journal_close.
enum exit_code journal_finish(struct journal *journal, struct fault *fault);

void journal_close(struct journal *journal);

// The word for a step in the file and in JSON.
const char *journal_step_name(enum journal_step step);

// The name of a token's file: "WHAT-TOKEN-SLOT.json", whatever the token is called. slot may be NULL.
void journal_file_name(char *out, size_t size, const char *what, const char *token, const char *slot);
