// The options of all commands, as rows; a command's row names those that it takes.
#ifndef INGAM_ISSUER_OPTIONS_H
#define INGAM_ISSUER_OPTIONS_H

#include "fail.h"

// Texts point into argv; an option that was not given is NULL, 0 or false.
struct options {
    const char *dir, *name, *subject, *passphrase_file, *code_file, *policy, *key, *listen, *pid_file;
    const char *db, *public_url, *kind, *identity_file, *phone, *email, *customer, *class_name, *number_file;
    const char *secret_file, *factor, *answer_file, *label, *program, *serial, *reason, *reference;
    const char *to, *from, *head, *institution, *certificate_file, *crl, *ocsp, *random_file, *foreign;
    const char *account, *secret_out, *needs, *ca_key, *pin_file;
    const char *pages_listen, *members_listen, *tls_cert, *tls_key;
    int days, tries, fee, keep_days, pin_fd;
    bool json, detach, help, test_profile, wait, agree, fee_given, waive, deny, verified, links;
};

// Reads the arguments after the command. `takes` are names of options with blanks between; a `!` behind a
// name: it is needed, and missing is a failure (FAIL_USAGE).
bool options_read(const char *takes, int count, char **arguments, struct options *options, struct fail *fail);

// Prints the rows of a command on stdout.
void options_help(const char *takes);

#endif
