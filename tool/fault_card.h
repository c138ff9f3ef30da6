// What the card library reports, as a fault: the tool's half of the two tables that translate enum err.
#pragma once

#include "card/base/err.h"
#include "fault.h"

// "what" is said of it; code, reason (with the status word) and advice come from the error's row in
// fault_card.c.
enum exit_code fault_card(struct fault *fault, enum err error, const struct err_trail *trail,
                          const char *what);
