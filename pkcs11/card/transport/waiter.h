// What every transport's wait needs: cancelling it from another thread without losing the wake-up. Private to
// transport/.
#pragma once
#include <pthread.h>
#include <stdbool.h>

#include "card/transport/transport.h"

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool cancelled;
    bool inside;
};

bool waiter_init(struct waiter *w);
void waiter_free(struct waiter *w);
// tp_wait: looks again and again until something differs, one look fails or the wait is cancelled. A look
// sleeps until something may have happened, E_TIMEOUT when that is after the deadline.
typedef enum err waiter_look(void *wait, const struct tp_reader *known, size_t count, int64_t deadline,
                             bool *differs);
MUST_USE enum err waiter_run(struct waiter *w, waiter_look *look, void *wait, const struct tp_reader *known,
                             size_t count, int timeout_ms);
bool waiter_cancelled(struct waiter *w);
// Marks it cancelled, then calls kick(ctx) again and again until nobody is inside, at most for timeout_ms.
void waiter_cancel(struct waiter *w, void (*kick)(void *ctx), void *ctx, int timeout_ms);
// Waits for the cancelling, at most for ms. true: cancelled.
bool waiter_pause(struct waiter *w, int ms);
