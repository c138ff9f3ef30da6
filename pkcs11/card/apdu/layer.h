// The layers of the channel, from the top down; each calls the one below. Private to apdu/.
#pragma once
#include "card/apdu/chan.h"

// One APDU as it goes over the wire.
struct unit {
    const char *name;
    uint8_t cla, ins, p1, p2;
    uint8_t more;      // as in struct apdu
    struct rd body;    // at most 255 bytes unless extended
    uint32_t expected; // Ne, 0: none; at most 256 unless extended
    bool extended;
    enum apdu_public publish;
};

// Each appends the answer's data to ch->reply and gives the status word. After failure *sw is 0.
MUST_USE enum err layer_length(struct chan *ch, const struct apdu *command,
                               uint16_t *sw);                                       // extended or chained
MUST_USE enum err layer_more(struct chan *ch, const struct unit *u, uint16_t *sw);  // 61xx
MUST_USE enum err layer_exact(struct chan *ch, const struct unit *u, uint16_t *sw); // 6Cxx
MUST_USE enum err layer_trace(struct chan *ch, const struct unit *u, uint16_t *sw);
MUST_USE enum err layer_wire(struct chan *ch, const struct unit *u, uint16_t *sw);
