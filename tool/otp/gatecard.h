// A card whose keys want a code (docs/otp-card.md), asked directly beside the module: held in one
// transaction, PIV selected.
#pragma once

#include "card/piv/gate.h"
#include "run.h"

struct gatecard {
    struct tp *tp;
    struct card card;
    struct gate_state state;
};

// The chosen token (NEED_TOKEN). EXIT_UNSUPPORTED: it is no such card. After a fault it is closed.
enum exit_code gatecard_open(struct run *run, struct gatecard *gatecard);
void gatecard_close(struct gatecard *gatecard);

// Authenticates with the management key in run->secrets.admin.
enum exit_code gatecard_admin(struct run *run, struct gatecard *gatecard);

enum exit_code gatecard_fault(struct run *run, const struct gatecard *gatecard, enum err error,
                              const char *what);

// Tells tries and gates, and puts them into the object. Nothing on another card, which is asked once.
void gatecard_tell(struct run *run, json_t *out);
void gatecard_tell_state(struct run *run, const struct gate_state *state, json_t *out);

// "none", "once", "always".
const char *gatecard_gate_name(enum gate gate);
