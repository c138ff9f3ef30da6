// Cancelling of waits.
#include "card/transport/waiter.h"

#include "card/transport/deadline.h"

#define KICK_MS 10

bool waiter_init(struct waiter *w)
{
    pthread_condattr_t attr;
    *w = (struct waiter){0};
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool made =
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&w->changed, &attr) == 0;
    pthread_condattr_destroy(&attr);
    if (made && pthread_mutex_init(&w->lock, NULL) != 0) {
        pthread_cond_destroy(&w->changed);
        made = false;
    }
    return made;
}

void waiter_free(struct waiter *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

// false: cancelled already; then nobody is inside.
static bool enter(struct waiter *w)
{
    pthread_mutex_lock(&w->lock);
    bool may = !w->cancelled;
    w->inside = may;
    pthread_mutex_unlock(&w->lock);
    return may;
}

static void leave(struct waiter *w)
{
    pthread_mutex_lock(&w->lock);
    w->inside = false;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

enum err waiter_run(struct waiter *w, waiter_look *look, void *wait, const struct tp_reader *known,
                    size_t count, int timeout_ms)
{
    if (!enter(w))
        return E_CANCELLED;
    int64_t deadline = deadline_in(timeout_ms);
    bool differs = false;
    enum err e = E_OK;
    while (e == E_OK && !differs)
        e = waiter_cancelled(w) ? E_CANCELLED : look(wait, known, count, deadline, &differs);
    leave(w);
    return e;
}

bool waiter_cancelled(struct waiter *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->cancelled;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

static void pause_locked(struct waiter *w, int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)ms * 1000000;
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&w->changed, &w->lock, &t);
}

void waiter_cancel(struct waiter *w, void (*kick)(void *ctx), void *ctx, int timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&w->lock);
    w->cancelled = true;
    pthread_cond_broadcast(&w->changed);
    while (w->inside && deadline_left(deadline, KICK_MS) > 0) {
        // The waiting thread may be just before its system call, where a kick is lost: so kick again.
        pthread_mutex_unlock(&w->lock);
        kick(ctx);
        pthread_mutex_lock(&w->lock);
        if (w->inside)
            pause_locked(w, KICK_MS);
    }
    pthread_mutex_unlock(&w->lock);
}

bool waiter_pause(struct waiter *w, int ms)
{
    int64_t deadline = deadline_in(ms);
    pthread_mutex_lock(&w->lock);
    int left;
    while (!w->cancelled && (left = deadline_left(deadline, ms)) > 0)
        pause_locked(w, left);
    bool yes = w->cancelled;
    pthread_mutex_unlock(&w->lock);
    return yes;
}
