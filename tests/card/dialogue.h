// A card that plays a dialogue, opened and held, for the tests of this folder.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "card/driver/driver.h"
#include "card/piv/admin.h"
#include "card/piv/sequence.h"
#include "card/transport/script.h"

struct dialogue {
    struct tp *tp;
    struct card card;
};

// Opens the scripted card and begins a transaction. atr NULL: a card that says nothing about itself.
static inline void dialogue_start(struct dialogue *d, const struct script_step *steps, size_t count,
                                  const char *atr)
{
    d->tp = script_new(steps, count);
    assert_non_null(d->tp);
    if (atr)
        script_atr(d->tp, rd_of(atr, strlen(atr)));
    assert_int_equal(card_open(&d->card, d->tp, "Script", (struct trace){0}), E_OK);
    assert_int_equal(card_begin(&d->card, 0, NULL), E_OK);
}

// Everything was played, nothing else was sent.
static inline void dialogue_end(struct dialogue *d)
{
    assert_int_equal(script_mismatches(d->tp), 0);
    assert_true(script_finished(d->tp));
    card_close(&d->card);
    tp_close(d->tp);
}

#define STEPS(...)                                                                                           \
    (const struct script_step[]){__VA_ARGS__},                                                               \
        sizeof((const struct script_step[]){__VA_ARGS__}) / sizeof(struct script_step)
#define START(d, ...) dialogue_start((d), STEPS(__VA_ARGS__), NULL)
#define YUBIKEY_ATR   "\x3B\xFD\x13\x80\x31\x81\x15\x80\x73\xC0\x21\xC0\x57YubiKey\x40"
