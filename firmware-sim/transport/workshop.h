/* Where keys are made that take long, in threads beside the loop, so that one card's RSA key stops no other
 * card. */
#ifndef FW_WORKSHOP_H
#define FW_WORKSHOP_H

#include "hal/crypto.h"
#include "transport/loop.h"

struct workshop;
struct order;

/* As many threads as the machine has processors, started when the first order comes. NULL: no memory. */
struct workshop *workshop_new(struct loop *loop);
/* False when a thread is still at work: then the process has to end without the library's own cleaning up. */
bool workshop_free(struct workshop *workshop);

/* Calls done from the loop with the key, which is then the caller's, or NULL. NULL: the order can't be taken.
 */
struct order *workshop_order(struct workshop *workshop, enum crypto_kind kind,
                             void (*done)(void *who, struct crypto_key *key), void *who);
/* Nobody wants it any more: done is not called. */
void workshop_cancel(struct order *order);

#endif
