// The commands of ingam-issuer. Each prints data on stdout and leaves the talk about failures to main.
#ifndef INGAM_ISSUER_COMMANDS_H
#define INGAM_ISSUER_COMMANDS_H

#include "options.h"

// Makes a desk. All or nothing: a desk that was half made by a killed call is made anew by the next one.
bool command_init(const struct options *options, struct fail *fail);

// Writes down an entitled person and prints reference number and code.
bool command_authorize(const struct options *options, struct fail *fail);

// Serves CMP until SIGTERM or SIGINT.
bool command_serve(const struct options *options, struct fail *fail);

// Prints who is written down and what was issued.
bool command_list(const struct options *options, struct fail *fail);

#endif
