// A card that answers what a test tells it to, to see what the library sends and how it takes lies. Tests
// only.
#pragma once
#include "card/transport/transport.h"

// One exchange of a dialogue. Texts are hex digits, blanks ignored; '?' pairs in a command match any byte and
// a trailing '*' any rest.
struct script_step {
    const char *command; // NULL: any command
    const char *reply;   // data and status word
    enum err error;      // not E_OK: the transport fails so instead
    bool reset;          // before this exchange, the next begin reports a reset
};

// A transport with one reader "Script" and a card in it that plays steps in order. steps stay the caller's. A
// command that doesn't match, or one too many, is answered with E_IO and counted as a mismatch. NULL: no
// memory.
struct tp *script_new(const struct script_step *steps, size_t count);
// A transport whose every reply comes from answer(): returns the reply's length (0: the transport fails with
// *error).
struct tp *script_new_call(size_t (*answer)(void *ctx, struct rd command, uint8_t *reply, size_t cap,
                                            enum err *error),
                           void *ctx);
void script_reset(struct tp *tp);              // as if another program had reset the card
void script_pull(struct tp *tp, bool present); // removes it, or puts one in
void script_atr(struct tp *tp, struct rd atr); // for the next connection
size_t script_exchanges(const struct tp *tp);  // exchanges so far
size_t script_mismatches(const struct tp *tp);
bool script_finished(const struct tp *tp); // all steps played, none mismatched
