/* How long an exchange takes on the real token of a profile. */
#ifndef FW_TIMING_H
#define FW_TIMING_H

#include "applet/profile.h"

/* Microseconds that the exchange just done still has to last, after it took elapsed_us already. */
uint64_t timing_of(const struct fw_card *card, size_t answer_len, uint64_t elapsed_us);

#endif
