/* What the user may decide, each with a safe default; read once in C_Initialize. The man page has the same
 * list. */
#pragma once
#include <stdbool.h>

#define SETTINGS_MAX_SLOTS 16

struct settings {
    bool pin_shared;        /* leave the PIN verified on the card, for every program, as other modules do */
    bool last_try;          /* allow the try that would block the PIN */
    bool otp_slot;          /* a slot of its own for the one-time passwords of a card */
    unsigned slots;         /* slots that are there without a reader */
    bool retired_history;   /* the Key History alone says which retired slots are in use */
    int busy_ms;            /* how long to wait for a card that another program holds */
    bool pin_pad;           /* a reader's own keypad asks for PINs */
    char pin_entry[256];    /* the path of a pinentry; empty: none */
    int pin_entry_seconds;  /* how long it may take */
    char touch_notify[256]; /* the path of a program that is told of touches; empty: none */
    char cache[256];        /* the directory of what is kept of cards; empty: nothing is */
    char log[256];          /* file, or "stderr"; empty: none */
    unsigned areas;         /* bit set of enum log_area */
};

void settings_read(struct settings *s);
