// The options of all commands, as rows; each row says which commands take it.
#ifndef INGAM_ISSUER_OPTIONS_H
#define INGAM_ISSUER_OPTIONS_H

#include "fail.h"

enum options_command {
    FOR_INIT = 1,
    FOR_AUTHORIZE = 2,
    FOR_SERVE = 4,
    FOR_LIST = 8,
    FOR_ALL = 15,
};

// Texts point into argv; an option that was not given is NULL, 0 or false.
struct options {
    const char *dir, *name, *subject, *passphrase_file, *code_file, *policy, *key, *listen, *pid_file;
    int days, tries;
    bool json, detach, help;
};

// Reads the arguments after the command. Needed options that are missing are a failure (FAIL_USAGE).
bool options_read(enum options_command command, int count, char **arguments, struct options *options,
                  struct fail *fail);

// Prints the rows of a command on stdout.
void options_help(enum options_command command);

#endif
