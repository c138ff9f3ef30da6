// What every transport's wait needs: cancelling it from another thread without losing the wake-up. Private to
// transport/.
#pragma once
#include <pthread.h>
#include <stdbool.h>

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool cancelled;
    bool inside;
};

bool waiter_init(struct waiter *w);
void waiter_free(struct waiter *w);
// false: cancelled already; then nobody is inside.
bool waiter_enter(struct waiter *w);
void waiter_leave(struct waiter *w);
bool waiter_cancelled(struct waiter *w);
// Marks it cancelled, then calls kick(ctx) again and again until nobody is inside, at most for timeout_ms.
void waiter_cancel(struct waiter *w, void (*kick)(void *ctx), void *ctx, int timeout_ms);
// Waits for the cancelling, at most for ms. true: cancelled.
bool waiter_pause(struct waiter *w, int ms);
