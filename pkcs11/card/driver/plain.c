// A PIV card of any maker: what SP 800-73-4 says, and nothing beyond.
#include "card/driver/kinds.h"

const struct driver driver_plain = {.name = "PIV"};
