/* What this user's programs tell each other about a card, so that one sees at once what another did through
 * this module: a small file for each reader, valid for one insertion, without secrets. Without a place for it
 * everything still works; then a foreign write is seen at the first session, and each program has to find out
 * for itself that a PIN was changed. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot;

struct shared {
    int fd;                /* -1: none */
    uint64_t writes, pins; /* as last seen */
};

/* A directory of ours that nobody else may write to. */
bool shared_is_private(const char *dir);
/* The card of slot was just connected. */
void shared_open(struct slot *s);
void shared_close(struct slot *s);
/* Since the last question another program wrote to the card. */
bool shared_written(struct slot *s);
/* Another program may have noted something in the Key History since it was read here. Asking changes nothing.
 */
bool shared_noted(const struct slot *s);
/* Since the last question somebody failed with, or changed, a PIN of the card. */
bool shared_pins_moved(struct slot *s);
/* No program of ours knows of a failed try since the insertion, and one has looked in the last minutes. */
bool shared_tries_full(struct slot *s);
/* Tells the others, not oneself. The identity is the slot's; shared_open takes over what another program
 * found out. */
void shared_tell_identity(struct slot *s);
/* The label that the card of this identity had when one of the user's programs last read or wrote it, in this
 * reader; false: none has. */
bool shared_name(const struct slot *s, uint8_t name[32], size_t *len);
void shared_tell_name(struct slot *s);
void shared_tell_written(struct slot *s);
void shared_tell_pin(struct slot *s, bool full, bool moved);
