// A double of libpcsclite, whose answers a test sets beforehand.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <winscard.h>

// What the next calls answer. A queue of return codes is used up first, then SCARD_S_SUCCESS is given.
struct pcsc_double {
    LONG establish[4], connect[500], begin[8], reconnect[4], transmit[4], state[8], list[4], attrib[500];
    size_t establish_at, connect_at, begin_at, reconnect_at, transmit_at, state_at, list_at, attrib_at;
    char names[4096];
    DWORD names_size;
    DWORD event_state;
    DWORD after_wait; // event_state from the next call on that waits; 0: the same
    DWORD protocol;
    const char *features; // answer to the feature request
    size_t features_size;
    const char *properties;
    size_t properties_size;
    const char *pad_answer;
    uint8_t pad_sent[64];
    DWORD pad_sent_size;
    uint8_t sent[300];
    DWORD sent_size;
    const char *reply;
    DWORD reply_size; // as claimed
    int established, contexts, cards, transactions;
    DWORD disposition;
};

extern struct pcsc_double pcsc;
