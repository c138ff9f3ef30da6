// A card whose keys want a one-time code beside the PIN: the commands of docs/otp-card.md, one exchange each.
//
// PIV must be selected. On another card E_UNSUPPORTED. After failure outputs are empty and card->trail tells
// more.
#pragma once
#include "card/card.h"

#define GATE_CODE_MIN    6
#define GATE_CODE_MAX    8
#define GATE_SECRET_MIN  16
#define GATE_SECRET_MAX  64
#define GATE_TICKET_SIZE 16
#define GATE_KEYS_MAX    24

enum gate { GATE_NONE, GATE_ONCE, GATE_ALWAYS };

struct gate_key {
    uint8_t ref;
    enum gate gate;
};

// What everybody may know.
struct gate_state {
    bool secret; // one is on the card; else all but keys are zeros
    uint8_t tries_left, tries_total;
    uint8_t digits;
    uint8_t ahead, resync; // values that are tried with one code, with two; resync 0: off
    uint16_t lifetime;     // seconds of a ticket
    uint16_t ticket_left;  // of the one that is alive; 0: none
    uint8_t count;
    struct gate_key key[GATE_KEYS_MAX]; // those with a gate
};

// Zeros: the card's own choice.
struct gate_secret {
    struct rd key; // GATE_SECRET_MIN to GATE_SECRET_MAX bytes
    uint8_t digits;
    uint64_t counter;
    uint8_t ahead, resync, tries;
    bool resync_off;
    uint16_t lifetime;
};

// GET OTP STATE. 1. E_UNSUPPORTED: no such card, or a version that isn't known.
MUST_USE enum err gate_state(struct card *c, struct gate_state *out);

// With the management key authenticated. E_REFUSED: the card finds values wrong.
// INSTALL OTP SECRET: in place of one that is there. 1. E_ARGUMENT: the key's length, nothing sent.
MUST_USE enum err gate_install(struct card *c, const struct gate_secret *secret);
// SET OTP GATES. 1. E_CONDITIONS: a gate other than none, and no secret on the card.
MUST_USE enum err gate_set(struct card *c, const struct gate_key *keys, size_t count);
// UNBLOCK OTP: all tries again. REMOVE OTP SECRET. 1. E_NOT_FOUND: no secret; E_CONDITIONS: gates are left.
MUST_USE enum err gate_unblock(struct card *c);
MUST_USE enum err gate_remove(struct card *c);

// VERIFY with a code, or with two in a row, the PIN being verified in this transaction. 1. ticket NULL: for
// the permit of one operation; else the ticket is stored there. E_PIN_WRONG with *tries (may be NULL),
// E_PIN_BLOCKED, E_AUTH_NEEDED: no PIN; E_REFUSED: not of the card's length; E_NOT_FOUND: no secret;
// E_ARGUMENT: no digits, or of impossible length, nothing sent.
MUST_USE enum err gate_code(struct card *c, struct rd code, uint8_t ticket[GATE_TICKET_SIZE], int *tries);
// VERIFY with PIN and ticket. 1. As piv_verify, and E_NOT_FOUND: there is no such ticket any more; the PIN
// was not looked at.
MUST_USE enum err gate_verify(struct card *c, struct rd pin, struct rd ticket, int *tries);
// Code logout: ticket and permit end, whoever's they are. 1.
MUST_USE enum err gate_logout(struct card *c);
