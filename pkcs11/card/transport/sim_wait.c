// Waiting for something to happen at the simulators: one connection each, all polled together.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "card/base/wr.h"
#include "card/transport/deadline.h"
#include "card/transport/sim.h"
#include "card/transport/sim_wire.h"
#include "card/transport/waiter.h"

#define ABSENT_MS 100 // how often a simulator that isn't running is looked for

struct sim_waiting {
    struct tp_wait wait;
    const struct sim *sim;
    pid_t owner;
    int wake; // readable for good once cancelled
    struct waiter waiter;
};

// One look at all simulators; the descriptors stay open to be asked for changes.
struct look {
    const struct tp_reader *known;
    size_t known_count;
    size_t count;
    bool differs;
    struct pollfd fd[TP_READERS_MAX + 1];
};

enum err sim_wait_open(struct tp *tp, struct tp_wait **out)
{
    const struct sim *sim = (const struct sim *)tp;
    if (sim->owner != getpid())
        return E_FORKED;
    struct sim_waiting *w = calloc(1, sizeof *w);
    if (!w)
        return E_MEMORY;
    *w = (struct sim_waiting){.wait.ops = tp->ops, .sim = sim, .owner = sim->owner};
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake < 0 || !waiter_init(&w->waiter)) {
        if (w->wake >= 0)
            close(w->wake);
        free(w);
        return E_MEMORY;
    }
    *out = &w->wait;
    return E_OK;
}

// Asks to be told when the counters are no longer these.
static bool watch(int fd, const struct sim_status *status)
{
    uint8_t counters[8];
    struct wr w = wr_of(counters, sizeof counters);
    wr_u32(&w, status->insertions);
    wr_u32(&w, status->resets);
    return sim_send(fd, 'W', rd_of(counters, sizeof counters), deadline_in(TP_CALL_MS)) == E_OK;
}

static bool seen(void *ctx, const struct tp_reader *reader, const char *path, int fd)
{
    (void)path;
    struct look *l = ctx;
    size_t i = l->count;
    const struct tp_reader *k = i < l->known_count ? &l->known[i] : NULL;
    if (!k || strcmp(k->name, reader->name) != 0 || k->state.present != reader->state.present ||
        k->state.insertions != reader->state.insertions)
        l->differs = true;
    struct sim_status status;
    if (sim_send(fd, 'S', rd_of(NULL, 0), deadline_in(TP_CALL_MS)) != E_OK ||
        sim_receive_status(fd, deadline_in(TP_CALL_MS), &status) != E_OK || !watch(fd, &status)) {
        l->differs = true;
        return false;
    }
    if (status.insertions != reader->state.insertions)
        l->differs = true;
    l->fd[l->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    return true;
}

// Reads what woke us: a reset alone is no change for the caller and is watched on. false: look again at all.
static bool only_reset(int fd, uint32_t insertions)
{
    struct sim_status status;
    return sim_receive_status(fd, deadline_in(TP_CALL_MS), &status) == E_OK &&
           status.insertions == insertions && watch(fd, &status);
}

// Until something is different, or the deadline, or the wake-up.
static enum err poll_all(struct look *l, int wake, bool some_absent, int64_t deadline)
{
    l->fd[l->count] = (struct pollfd){.fd = wake, .events = POLLIN};
    for (;;) {
        int left = deadline_left(deadline, some_absent ? ABSENT_MS : 60000);
        int n = poll(l->fd, l->count + 1, left);
        if (n < 0) {
            if (errno != EINTR)
                return E_IO;
            continue;
        }
        if (l->fd[l->count].revents != 0)
            return E_CANCELLED;
        for (size_t i = 0; n > 0 && i < l->count; i++)
            if (l->fd[i].revents != 0 && !only_reset(l->fd[i].fd, l->known[i].state.insertions))
                return E_OK;
        if (n == 0 && deadline_left(deadline, 1) == 0)
            return E_TIMEOUT;
        if (n == 0 && some_absent)
            return E_OK; // look for them
    }
}

static enum err look_once(void *wait, const struct tp_reader *known, size_t count, int64_t deadline,
                          bool *differs)
{
    struct sim_waiting *w = wait;
    struct look l = {.known = known, .known_count = count};
    sim_each(w->sim, seen, &l);
    *differs = l.differs || l.count != count;
    enum err e = E_OK;
    if (!*differs)
        e = poll_all(&l, w->wake, l.count < w->sim->count, deadline);
    for (size_t i = 0; i < l.count; i++)
        close(l.fd[i].fd);
    return e;
}

enum err sim_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms)
{
    struct sim_waiting *w = (struct sim_waiting *)wait;
    if (w->owner != getpid())
        return E_FORKED;
    return waiter_run(&w->waiter, look_once, w, known, count, timeout_ms);
}

static void kick(void *ctx)
{
    struct sim_waiting *w = ctx;
    (void)!write(w->wake, &(uint64_t){1}, sizeof(uint64_t));
}

void sim_wait_cancel(struct tp_wait *wait)
{
    struct sim_waiting *w = (struct sim_waiting *)wait;
    if (w->owner == getpid())
        waiter_cancel(&w->waiter, kick, w, TP_CALL_MS);
}

void sim_wait_close(struct tp_wait *wait)
{
    struct sim_waiting *w = (struct sim_waiting *)wait;
    close(w->wake);
    waiter_free(&w->waiter);
    free(w);
}
