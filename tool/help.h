// The help, made from the same rows that read the command line.
#pragma once

#include "run.h"

// All commands, one line each, the options that all take, and the exit codes.
void help_all(FILE *stream);

// One command with all options it takes.
void help_command(FILE *stream, const struct command *command);

// The lists of option rows that a command takes, NULL at the end.
#define HELP_LISTS 8
void help_lists(const struct command *command, const struct option_row *lists[HELP_LISTS]);
