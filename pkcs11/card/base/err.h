// What can go wrong between a caller and a card, as few values as callers act differently on.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

// Only two tables translate these: the module's (to its return values) and the tool's (to exit codes).
enum err {
    E_OK = 0,
    E_ARGUMENT,    // the caller's value can't be right for this command; nothing was sent
    E_BUFFER,      // the caller's buffer is too small; the length needed was stored
    E_MEMORY,      // no memory
    E_NO_SERVICE,  // pcscd (or the simulator) can't be reached
    E_DENIED,      // it can be reached and refuses this user
    E_NO_READER,   // no reader of that name
    E_NO_CARD,     // the reader is empty, or its card doesn't answer a reset
    E_EXCHANGED,   // the card was removed (perhaps put back): this connection is dead, close it
    E_RESET,       // the card was reset in the middle: PIN state and selection are gone
    E_BUSY,        // another program holds the card; the time allowed has passed
    E_TIMEOUT,     // nothing happened within the time allowed
    E_CANCELLED,   // the wait was ended by its owner
    E_FORKED,      // made by another process: close it, make a new one
    E_IO,          // the exchange broke down; the connection may still be used
    E_MALFORMED,   // the answer isn't what the standard says
    E_NOT_PRESENT, // the applet isn't on this card
    E_PIN_WRONG,   // 63Cx; tries left in the trail
    E_PIN_BLOCKED, // 6983
    E_AUTH_NEEDED, // 6982: a PIN or the management key has to be presented first (or a touch was missing)
    E_ADMIN_WRONG, // the management key isn't the card's, or has another algorithm
    E_CONDITIONS,  // 6985: the state of card or key doesn't allow it
    E_REFUSED,     // 6A80: the card finds the data wrong
    E_NOT_FOUND,   // 6A82, 6A88, 6984: no such object or key
    E_NO_SPACE,    // 6A84
    E_UNSUPPORTED, // the card can't do this (6A81, 6A86, 6D00, 6E00, or its driver knows so; then nothing was
                   // sent)
    E_CARD,        // any other status word
    ERR_COUNT
};

#define ERR_STEPS 6

// Where it went wrong, innermost first: literals only, so it can be shown to anybody. No heap.
struct err_trail {
    enum err error;              // of the last failure
    uint16_t sw;                 // last status word; 0: none arrived
    int8_t tries;                // tries left of the reference that a 63Cx or 6983 spoke of; -1: unknown
    uint8_t steps;               // how many of step[] are used
    const char *step[ERR_STEPS]; // "verify", "begin transaction"...
};

// As after a success: E_OK, no status word, tries unknown.
void err_clear(struct err_trail *t);

// Notes one step and returns error. When the trail is full the innermost steps are kept. t may be NULL.
enum err err_fail(struct err_trail *t, enum err error, const char *literal);

// A stable English word of the value for logs ("pin-wrong"); never NULL.
const char *err_name(enum err error);

#define FAIL(t, error, literal) err_fail((t), (error), "" literal)
