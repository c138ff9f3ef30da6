// Status words of ISO/IEC 7816-4 5.6 and SP 800-73-4 part 2 as one table.
#pragma once
#include "card/base/err.h"

#define SW_OK 0x9000

// What a status word means to a caller; E_OK for 9000 only. Bytes still waiting (61xx) and a wrong Le (6Cxx)
// never come here: the channel deals with them.
MUST_USE enum err sw_error(uint16_t sw);
// The x of 63Cx; 0 for 6983; otherwise -1.
int sw_tries(uint16_t sw);
// Plain English for messages; never NULL.
const char *sw_text(uint16_t sw);
