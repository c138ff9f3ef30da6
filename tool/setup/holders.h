// Which programs of this user have the card service's library loaded: one of them may hold a card.
#pragma once

#include <stddef.h>

// "scdaemon (1234), firefox-esr (99)", cut where it doesn't fit; "" when there are none. This process is left
// out.
void holders_list(char *out, size_t size);
