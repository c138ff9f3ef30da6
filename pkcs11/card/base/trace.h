// Where the traffic with a card may be watched; bodies are withheld unless the command's builder says
// otherwise.
#pragma once
#include "card/base/rd.h"

enum trace_kind { TRACE_COMMAND, TRACE_RESPONSE };

// One wire exchange gives one event of each kind. Everything here may be shown to anybody.
struct trace_event {
    enum trace_kind kind;
    const char *name;         // literal: "GET DATA"
    uint8_t cla, ins, p1, p2; // of the command, in both kinds
    size_t length;            // bytes of the body (command: Nc; response: Nr)
    size_t expected;          // Ne of the command; 0: none
    uint16_t sw;              // response; 0: the exchange broke down
    enum err error;           // response: of the transport
    uint64_t microseconds;    // response: the time of the exchange
    struct rd body;           // p NULL: withheld
};

// emit is called in the thread that talks with the card, inside the transaction: it must not call card
// functions.
struct trace {
    void (*emit)(void *ctx, const struct trace_event *event);
    void *ctx;
};
