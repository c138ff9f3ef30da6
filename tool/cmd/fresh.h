// New secrets, from their files or asked for twice; the caller frees them.
#pragma once

#include "run.h"

enum exit_code fresh_pin_ask(struct run *run, struct secret **out);
enum exit_code fresh_puk_ask(struct run *run, struct secret **out);
// In hex; EXIT_USAGE when it is none and the token's module takes only such.
enum exit_code fresh_admin_ask(struct run *run, struct secret **out);
