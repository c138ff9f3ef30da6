// The key file on the command line of npki and move: read, its password asked for, opened.
#pragma once

#include "npki/source.h"
#include "run.h"

struct keyfile {
    const char *path; // as given
    struct npki_crypto crypto;
    struct npki_source source;
    struct secret *password; // NULL: the key was not encrypted
};

// Reads what can be read without the password. A word that means a key on a token is EXIT_UNSUPPORTED: such a
// key can't be taken from it. keyfile_close in any case.
enum exit_code keyfile_read(struct run *run, struct keyfile *file, const char *path);

// The same for a key that may be without a certificate.
enum exit_code keyfile_read_bare(struct run *run, struct keyfile *file, const char *path);

// Asks for the password (--password-file, else at the terminal), opens the key, and checks that it fits the
// certificate.
enum exit_code keyfile_open(struct run *run, struct keyfile *file);

void keyfile_close(struct keyfile *file);

// "NPKI folder", "PFX", "PEM or PKCS#8": for people, and the word for JSON.
const char *keyfile_kind(enum npki_kind kind);
const char *keyfile_kind_word(enum npki_kind kind);

// The common name, or the whole subject where there is none.
void keyfile_name(const X509 *certificate, char *out, size_t size);

// Valid now: "valid", "expired", "not yet valid", for people, and the word for JSON.
const char *keyfile_state(const X509 *certificate, const char **word);

// What the certificate is for: the policy in words, else its OID, else "-".
void keyfile_policy(const X509 *certificate, char *out, size_t size, json_t *json);

// The rows that every command with a key file takes; they begin a list.
#define KEYFILE_PASSWORD_ROW                                                                                 \
    {                                                                                                        \
        .name = "password-file", .kind = OPTION_TEXT, .at = OPTION_AT(password_file), .value = N_("FILE"),   \
        .help = N_("read the password of the key from the first line of FILE (else asked)")                  \
    }
#define KEYFILE_SOURCE_ROWS                                                                                  \
    {.name = "cert",                                                                                         \
     .kind = OPTION_TEXT,                                                                                    \
     .at = OPTION_AT(certificate_file),                                                                      \
     .value = N_("FILE"),                                                                                    \
     .help = N_("the certificate, when the key's file does not hold it")},                                   \
    {                                                                                                        \
        .name = "km", .kind = OPTION_FLAG, .at = OPTION_AT(km),                                              \
        .help = N_("the pair for decrypting (kmCert.der), not the one for signing")                          \
    }
