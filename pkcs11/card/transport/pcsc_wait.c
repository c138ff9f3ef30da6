// Waiting for readers and cards through PC/SC.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/transport/deadline.h"
#include "card/transport/pcsc.h"
#include "card/transport/waiter.h"

#define ABSENT_MS 250   // how often a service that is absent is looked for
#define SLICE_MS  60000 // one call into the library

struct pcsc_waiting {
    struct tp_wait wait;
    struct pcsc *pcsc;
    pid_t owner;
    SCARDCONTEXT context; // changed under waiter.lock; 0: none
    struct waiter waiter;
};

enum err pcsc_wait_open(struct tp *tp, struct tp_wait **out)
{
    struct pcsc *p = (struct pcsc *)tp;
    if (p->owner != getpid())
        return E_FORKED;
    struct pcsc_waiting *w = calloc(1, sizeof *w);
    if (!w)
        return E_MEMORY;
    *w = (struct pcsc_waiting){.wait.ops = tp->ops, .pcsc = p, .owner = p->owner};
    if (!waiter_init(&w->waiter)) {
        free(w);
        return E_MEMORY;
    }
    *out = &w->wait;
    return E_OK;
}

static void set_context(struct pcsc_waiting *w, SCARDCONTEXT context)
{
    pthread_mutex_lock(&w->waiter.lock);
    SCARDCONTEXT old = w->context;
    w->context = context;
    pthread_mutex_unlock(&w->waiter.lock);
    if (old != 0)
        SCardReleaseContext(old);
}

static bool same(const struct tp_reader *a, size_t na, const struct tp_reader *b, size_t nb)
{
    if (na != nb)
        return false;
    for (size_t i = 0; i < na; i++)
        if (strcmp(a[i].name, b[i].name) != 0 || a[i].state.present != b[i].state.present ||
            a[i].state.insertions != b[i].state.insertions)
            return false;
    return true;
}

// Sleeps in pcscd until something happens to these readers or to their list.
static LONG sleep_on(const struct pcsc_waiting *w, SCARDCONTEXT context, const struct tp_reader *known,
                     size_t count, int ms)
{
    SCARD_READERSTATE state[PCSCLITE_MAX_READERS_CONTEXTS + 1];
    if (count > PCSCLITE_MAX_READERS_CONTEXTS)
        count = PCSCLITE_MAX_READERS_CONTEXTS;
    for (size_t i = 0; i < count; i++)
        state[i] = (SCARD_READERSTATE){.szReader = known[i].name, .dwCurrentState = SCARD_STATE_UNAWARE};
    if (count != 0) {
        pthread_mutex_lock(&w->pcsc->states);
        LONG rv = SCardGetStatusChange(context, 0, state, (DWORD)count);
        pthread_mutex_unlock(&w->pcsc->states);
        if (rv != SCARD_S_SUCCESS)
            return rv;
    }
    for (size_t i = 0; i < count; i++) {
        struct tp_state now = pcsc_tp_state(state[i].dwEventState);
        if (now.present != known[i].state.present || now.insertions != known[i].state.insertions)
            return SCARD_S_SUCCESS; // between the list and here
        state[i].dwCurrentState = state[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    }
    state[count] =
        (SCARD_READERSTATE){.szReader = "\\\\?PnP?\\Notification", .dwCurrentState = SCARD_STATE_UNAWARE};
    return SCardGetStatusChange(context, (DWORD)ms, state, (DWORD)count + 1);
}

// One look and one sleep. E_OK with *differs false: look again.
static enum err look_once(void *wait, const struct tp_reader *known, size_t count, int64_t deadline,
                          bool *differs)
{
    struct pcsc_waiting *w = wait;
    struct tp_reader now[PCSCLITE_MAX_READERS_CONTEXTS];
    size_t n = 0;
    SCARDCONTEXT context = w->context;
    if (context == 0) {
        if (pcsc_context(&context) == E_OK) {
            set_context(w, context);
        } else {
            *differs = count != 0; // without the service there are no readers
            if (*differs)
                return E_OK;
            if (waiter_pause(&w->waiter, deadline_left(deadline, ABSENT_MS)))
                return E_CANCELLED;
            return deadline_left(deadline, 1) == 0 ? E_TIMEOUT : E_OK;
        }
    }
    LONG rv = pcsc_readers(w->pcsc, context, now, PCSCLITE_MAX_READERS_CONTEXTS, &n);
    if (rv == SCARD_S_SUCCESS) {
        *differs = !same(now, n, known, count);
        if (*differs)
            return E_OK;
        rv = sleep_on(w, context, known, count, deadline_left(deadline, SLICE_MS));
    }
    if (waiter_cancelled(&w->waiter))
        return E_CANCELLED;
    if (pcsc_service_lost(rv))
        set_context(w, 0);
    else if (rv == SCARD_E_TIMEOUT && deadline_left(deadline, 1) == 0)
        return E_TIMEOUT;
    return E_OK;
}

enum err pcsc_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms)
{
    struct pcsc_waiting *w = (struct pcsc_waiting *)wait;
    if (w->owner != getpid())
        return E_FORKED;
    return waiter_run(&w->waiter, look_once, w, known, count, timeout_ms);
}

static void kick(void *ctx)
{
    struct pcsc_waiting *w = ctx;
    pthread_mutex_lock(&w->waiter.lock);
    if (w->context != 0)
        SCardCancel(w->context);
    pthread_mutex_unlock(&w->waiter.lock);
}

void pcsc_wait_cancel(struct tp_wait *wait)
{
    struct pcsc_waiting *w = (struct pcsc_waiting *)wait;
    if (w->owner == getpid())
        waiter_cancel(&w->waiter, kick, w, TP_CALL_MS);
}

void pcsc_wait_close(struct tp_wait *wait)
{
    struct pcsc_waiting *w = (struct pcsc_waiting *)wait;
    if (w->owner == getpid()) {
        if (w->context != 0)
            SCardReleaseContext(w->context);
        waiter_free(&w->waiter);
    }
    free(w);
}
