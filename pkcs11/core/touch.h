/* Tells a person, through a program of theirs (the setting touch-notify), that a key waits for a touch. */
#pragma once
#include "core/child.h"
#include "core/core.h"

struct touch {
    bool told;
    struct child child;
};

/* Makes sure that it is known whether the key wants a touch: 0 exchanges without the setting, else 0 or 1. */
CK_RV touch_prepare(struct slot *s, struct card_key *k);
/* Around the command that waits. The program is started with the token's and the key's label, and ended when
 * the wait is over; whatever it does, the command isn't kept from its work and is held up by 0.2 s at most.
 */
void touch_begin(struct touch *t, struct slot *s, const struct card_key *k);
/* The same for what is known to want a touch and isn't a PIV key. */
void touch_tell(struct touch *t, struct slot *s, struct rd label);
void touch_end(const struct touch *t);
