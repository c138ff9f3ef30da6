// One card in one reader: its connection, channel, trail of errors, and what has been learnt about it.
#pragma once
#include "card/apdu/chan.h"

struct driver;

enum card_selected {
    SELECT_NONE,  // certainly nothing of ours: after a reset
    SELECT_MAYBE, // it was, in an earlier transaction; another program may have selected something else
    SELECT_PIV,   // in this transaction
    SELECT_OATH,
};

enum card_known { KNOWN_NOT, KNOWN_YES, KNOWN_NO };

// What cards answered, kept as long as the connection.
struct card_facts {
    uint32_t caps; // driver.h: CAP_*; valid when caps_known is KNOWN_YES
    enum card_known caps_known;
    enum card_known discovery;    // has it a Discovery object?
    enum card_known serial;       // has it GET SERIAL?
    enum card_known verify_reset; // does it take VERIFY with P1 = FF?
    uint8_t absent;               // bit set of the other applets that it hasn't (piv_leave)
    uint8_t version[3];           // firmware, where the driver has one
};

// Belongs to one thread at a time, like its connection. Fields are for reading; card functions write them.
struct card {
    struct tp_conn *conn;
    struct chan chan;
    struct err_trail trail; // of the last failure since card_begin
    const struct driver *driver;
    struct card_facts facts;
    enum card_selected selected;
    bool held;
};

// Connects, 0 APDUs. c is the caller's memory. After failure c is as after card_close. Errors: tp_connect's.
MUST_USE enum err card_open(struct card *c, struct tp *tp, const char *reader, struct trace trace);
// Ends a transaction (TP_LEAVE) and disconnects. Does nothing to a zeroed or closed card.
void card_close(struct card *c);

// tp_begin, 0 APDUs. Clears the trail. *was_reset may be NULL. Every piv_, oath_ and driver_ call that costs
// an APDU has to be made between card_begin and card_end (else E_ARGUMENT, nothing sent).
MUST_USE enum err card_begin(struct card *c, int timeout_ms, bool *was_reset);
// tp_end, 0 APDUs. Views of the last answer end here; it is wiped. Does nothing when the card isn't held.
void card_end(struct card *c, enum tp_after after);
// The reader's state now and whether the card of card_open is still in. 0 APDUs.
MUST_USE enum err card_status(struct card *c, struct tp_state *state, bool *same);
