// The label of a PIV token, for the commands that give one.
#pragma once

#include "run.h"

// EXIT_USAGE: no such label can be given.
enum exit_code token_label_check(struct run *run, const char *label);

// Writes it with the management key at hand, in a transaction of its own; empty takes it away. The module
// knows it afterwards.
enum exit_code token_label_set(struct run *run, const char *label);
