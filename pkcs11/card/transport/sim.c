// Simulators as readers: one stream socket for each connection, no service between.
#include "card/transport/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/transport/deadline.h"
#include "card/transport/sim_wire.h"

struct sim_conn {
    struct tp_conn conn;
    pid_t owner;
    const char *path;
    int fd;
    bool dead;
    bool held;
    uint32_t resets; // the counter that the caller knows about
};

static void sim_close(struct tp *tp)
{
    struct sim *s = (struct sim *)tp;
    free(s->list);
    free(s);
}

static void number_name(char name[TP_NAME_SIZE], unsigned same)
{
    if (same > 0) {
        size_t n = strlen(name);
        snprintf(name + n, TP_NAME_SIZE - n, " (%u)", same + 1);
    }
}

void sim_each(const struct sim *sim, sim_seen *seen, void *ctx)
{
    char said[TP_READERS_MAX][SIM_NAME_MAX + 1];
    size_t answered = 0;
    for (size_t i = 0; i < sim->count; i++) {
        int64_t deadline = deadline_in(TP_CALL_MS);
        char *name = said[answered];
        int fd = sim_dial(sim->path[i], deadline, name);
        if (fd < 0)
            continue;
        struct tp_reader reader = {0};
        struct sim_status status;
        snprintf(reader.name, sizeof reader.name, "%s", name);
        unsigned same = 0;
        for (size_t j = 0; j < answered; j++)
            same += strcmp(said[j], name) == 0;
        number_name(reader.name, same);
        answered++;
        if (sim_send(fd, 'S', rd_of(NULL, 0), deadline) == E_OK &&
            sim_receive_status(fd, deadline, &status) == E_OK) {
            reader.state = (struct tp_state){.present = status.present, .insertions = status.insertions};
            if (seen(ctx, &reader, sim->path[i], fd))
                continue;
        }
        close(fd);
    }
}

struct listing {
    struct tp_reader *out;
    size_t cap, count;
};

// Without an ATR a card is listed all the same.
static void ask_atr(int fd, struct tp_reader *reader)
{
    int64_t deadline = deadline_in(TP_CALL_MS);
    uint8_t failure;
    size_t n;
    if (sim_send(fd, 'T', rd_of(NULL, 0), deadline) == E_OK &&
        sim_receive(fd, 't', deadline, reader->atr, sizeof reader->atr, &n, &failure) == E_OK && failure == 0)
        reader->atr_len = (uint8_t)n;
}

static bool note(void *ctx, const struct tp_reader *reader, const char *path, int fd)
{
    struct listing *l = ctx;
    (void)path;
    if (l->count == l->cap)
        return false;
    l->out[l->count] = *reader;
    if (reader->state.present)
        ask_atr(fd, &l->out[l->count]);
    l->count++;
    return false;
}

static enum err sim_list(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count)
{
    const struct sim *s = (const struct sim *)tp;
    if (s->owner != getpid())
        return E_FORKED;
    struct listing l = {out, cap, 0};
    sim_each(s, note, &l);
    *count = l.count;
    return E_OK;
}

struct search {
    const char *name;
    const char *path;
    int fd;
    struct tp_state state;
};

static bool is_it(void *ctx, const struct tp_reader *reader, const char *path, int fd)
{
    struct search *s = ctx;
    if (s->fd >= 0 || strcmp(s->name, reader->name) != 0)
        return false;
    s->fd = fd;
    s->path = path;
    s->state = reader->state;
    return true;
}

// The ATR, and the counters as they are with it.
static enum err meet_card(struct sim_conn *c)
{
    int64_t deadline = deadline_in(TP_CALL_MS);
    struct sim_status status;
    uint8_t failure;
    size_t n;
    if (sim_send(c->fd, 'T', rd_of(NULL, 0), deadline) != E_OK ||
        sim_receive(c->fd, 't', deadline, c->conn.atr, sizeof c->conn.atr, &n, &failure) != E_OK ||
        failure != 0)
        return E_IO;
    if (n == 0)
        return E_NO_CARD;
    c->conn.atr_len = (uint8_t)n;
    if (sim_send(c->fd, 'S', rd_of(NULL, 0), deadline) != E_OK ||
        sim_receive_status(c->fd, deadline, &status) != E_OK)
        return E_IO;
    if (!status.present || status.insertions != c->conn.insertions)
        return E_NO_CARD;
    c->resets = status.resets;
    return E_OK;
}

static enum err sim_connect(struct tp *tp, const char *reader, struct tp_conn **out)
{
    const struct sim *s = (const struct sim *)tp;
    if (s->owner != getpid())
        return E_FORKED;
    struct search search = {.name = reader, .fd = -1};
    sim_each(s, is_it, &search);
    if (search.fd < 0)
        return E_NO_READER;
    struct sim_conn *c = calloc(1, sizeof *c);
    enum err e = c ? E_OK : E_MEMORY;
    if (e == E_OK) {
        *c = (struct sim_conn){.conn.ops = tp->ops,
                               .conn.insertions = search.state.insertions,
                               .owner = s->owner,
                               .path = search.path,
                               .fd = search.fd};
        e = meet_card(c);
    }
    if (e != E_OK) {
        close(search.fd);
        free(c);
        return e;
    }
    *out = &c->conn;
    return E_OK;
}

static void sim_disconnect(struct tp_conn *conn)
{
    struct sim_conn *c = (struct sim_conn *)conn;
    // Leaving inside a transaction would reset the card.
    if (c->held && c->owner == getpid())
        (void)conn->ops->end(conn, TP_LEAVE);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

static enum err usable(const struct sim_conn *c)
{
    if (c->owner != getpid())
        return E_FORKED;
    return c->dead ? E_EXCHANGED : E_OK;
}

// After a failure the stream may be out of step, so the connection ends.
static enum err lost(struct sim_conn *c, enum err e)
{
    c->dead = true;
    return e == E_OK || e == E_TIMEOUT ? E_IO : e;
}

static enum err ask_status(struct sim_conn *c, uint8_t type, struct rd payload, int64_t deadline,
                           struct sim_status *status)
{
    enum err e = sim_send(c->fd, type, payload, deadline);
    return e == E_OK ? sim_receive_status(c->fd, deadline, status) : e;
}

static enum err sim_end(struct tp_conn *conn, enum tp_after after)
{
    struct sim_conn *c = (struct sim_conn *)conn;
    enum err e = usable(c);
    struct sim_status status;
    if (e != E_OK)
        return e;
    c->held = false;
    uint8_t how = after == TP_LEAVE ? 0 : after == TP_RESET ? 1 : 2;
    e = ask_status(c, 'E', rd_of(&how, 1), deadline_in(TP_CALL_MS), &status);
    return e == E_OK ? E_OK : lost(c, e);
}

static enum err sim_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset)
{
    struct sim_conn *c = (struct sim_conn *)conn;
    enum err e = usable(c);
    struct sim_status status;
    if (e != E_OK)
        return e;
    e = ask_status(c, 'B', rd_of(NULL, 0), deadline_in(timeout_ms), &status);
    if (e == E_TIMEOUT) {
        // The request still stands in the queue there; only closing takes it back.
        char name[SIM_NAME_MAX + 1];
        close(c->fd);
        c->fd = sim_dial(c->path, deadline_in(TP_CALL_MS), name);
        c->dead = c->fd < 0;
        return E_BUSY;
    }
    if (e != E_OK)
        return lost(c, e);
    c->held = true;
    if (!status.present || status.insertions != conn->insertions) {
        (void)sim_end(conn, TP_LEAVE);
        return lost(c, E_EXCHANGED);
    }
    *was_reset = status.resets != c->resets;
    c->resets = status.resets;
    return E_OK;
}

// The card side's reasons: 1 no card, 2 reset or exchanged since B, 3 protocol.
static enum err explain(struct sim_conn *c, uint8_t failure)
{
    struct sim_status status;
    if (failure == 1)
        return lost(c, E_NO_CARD);
    if (failure != 2)
        return lost(c, E_IO);
    enum err e = ask_status(c, 'S', rd_of(NULL, 0), deadline_in(TP_CALL_MS), &status);
    if (e != E_OK)
        return lost(c, e);
    return status.present && status.insertions == c->conn.insertions ? E_RESET : lost(c, E_EXCHANGED);
}

static enum err sim_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len)
{
    struct sim_conn *c = (struct sim_conn *)conn;
    enum err e = usable(c);
    uint8_t failure;
    if (e != E_OK)
        return e;
    if (!c->held)
        return E_ARGUMENT;
    int64_t deadline = deadline_in(TP_EXCHANGE_MS);
    e = sim_send(c->fd, 'A', command, deadline);
    if (e == E_OK)
        e = sim_receive(c->fd, 'a', deadline, reply, cap, len, &failure);
    if (e != E_OK)
        return lost(c, e);
    return failure == 0 ? E_OK : explain(c, failure);
}

static enum err sim_state(struct tp_conn *conn, struct tp_state *state)
{
    struct sim_conn *c = (struct sim_conn *)conn;
    enum err e = usable(c);
    struct sim_status status;
    if (e != E_OK)
        return e;
    e = ask_status(c, 'S', rd_of(NULL, 0), deadline_in(TP_CALL_MS), &status);
    if (e != E_OK)
        return lost(c, e);
    *state = (struct tp_state){.present = status.present, .insertions = status.insertions};
    return E_OK;
}

static const struct tp_ops ops = {
    .name = "sim",
    .close = sim_close,
    .list = sim_list,
    .connect = sim_connect,
    .disconnect = sim_disconnect,
    .begin = sim_begin,
    .end = sim_end,
    .transmit = sim_transmit,
    .status = sim_state,
    .wait_open = sim_wait_open,
    .wait = sim_wait,
    .wait_cancel = sim_wait_cancel,
    .wait_close = sim_wait_close,
};

// "unix:PATH,unix:PATH": cut in place.
static bool cut(struct sim *s)
{
    char *rest = s->list;
    for (char *item; (item = strsep(&rest, ",")) != NULL;) {
        if (strncmp(item, "unix:", 5) != 0 || item[5] == 0 || s->count == TP_READERS_MAX)
            return false;
        s->path[s->count++] = item + 5;
    }
    return true;
}

struct tp *tp_sim_new(const char *list)
{
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->tp.ops = &ops;
    s->owner = getpid();
    s->list = strdup(list);
    if (s->list && cut(s))
        return &s->tp;
    sim_close(&s->tp);
    return NULL;
}
