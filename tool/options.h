// What the command line says, as one struct filled from rows. Help is made from the same rows.
#pragma once

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_OPERANDS 4

struct options {
    // any command
    bool help, version, json, yes, quiet;
    const char *module, *token;
    unsigned timeout;
    // secrets: where they are read from, never they themselves
    const char *pin_file, *new_pin_file, *puk_file, *admin_key_file, *code_file;
    const char *new_puk_file, *new_admin_key_file;
    unsigned pin_fd;
    bool pin_fd_given, default_admin, last_try;
    // keys and certificates
    const char *slot, *key_type, *file, *public_key;
    bool replace, existing_key, days_given, delete_old, offline, send_random, without_admin;
    unsigned days;
    // signing
    const char *out;
    bool attached, raw, pem;
    // tokens
    const char *label;
    // settings of other programs
    bool undo, dry_run;
    // issuing
    const char *issuer, *reference, *subject, *ca, *tls_ca, *to;
    const char *reason, *signer, *number;
    // key files
    const char *password_file, *new_password_file, *idn_file, *certificate_file, *folder, *pfx;
    const char *random_label, *random_application;
    bool idn, km, delete_source, without_random;
    // one-time passwords
    const char *access_file, *new_access_file, *uri_file, *picture, *secret_file, *otp_type, *algorithm, *at,
        *codes_file;
    unsigned access_fd, digits, period, counter, look_ahead, resync_window, tries, ticket_seconds;
    bool access_fd_given, counter_given, period_given, resync_given, touch, generate, qr;
    // applications at a certificate centre
    const char *centre, *customer, *number_file, *check, *class_name, *application_kind, *factor, *otp;
    const char *answer_file, *account_file;
    unsigned fee;
    bool fee_given, agree, confirm, new_application;
    // batches
    unsigned wait; // seconds for each token
    // what stands beside the options
    const char *operand[OPTIONS_OPERANDS];
    unsigned operands;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER };

struct option_row {
    const char *name; // without the two dashes; NULL ends a list
    enum option_kind kind;
    size_t at;            // offset in struct options
    size_t given_at;      // offset of the flag to set as well, or 0
    unsigned least, most; // bounds of a number
    const char *value;    // what to call the value in the help
    const char *help;
};

#define OPTION_AT(field) offsetof(struct options, field)

// Rows that every command takes, and those that belong to a need (options.c).
extern const struct option_row options_any[], options_token[], options_pin[], options_admin[];

// Reads argv[0..argc) into out: each argument is an option of one of the lists (NULL ends them) or an
// operand. The values point into argv. On a fault (EXIT_USAGE) out is not to be used.
enum exit_code options_parse(struct options *out, int argc, char *const *argv,
                             const struct option_row *const *lists, struct fault *fault);
