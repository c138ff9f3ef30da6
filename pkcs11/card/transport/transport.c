// The calls of a transport, with their outputs emptied first, and the choice between the transports.
#include "card/transport/transport.h"

#include <stdlib.h>

struct tp *tp_default_new(void)
{
    // A privileged program's card is not chosen by its caller.
    const char *list = secure_getenv("INGAM_SIM");
    return list && *list ? tp_sim_new(list) : tp_pcsc_new();
}

void tp_close(struct tp *tp)
{
    if (tp)
        tp->ops->close(tp);
}

enum err tp_list(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count)
{
    *count = 0;
    return tp->ops->list(tp, out, cap, count);
}

enum err tp_connect(struct tp *tp, const char *reader, struct tp_conn **out)
{
    *out = NULL;
    return tp->ops->connect(tp, reader, out);
}

void tp_disconnect(struct tp_conn *conn)
{
    if (conn)
        conn->ops->disconnect(conn);
}

enum err tp_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset)
{
    *was_reset = false;
    return conn->ops->begin(conn, timeout_ms, was_reset);
}

enum err tp_end(struct tp_conn *conn, enum tp_after after)
{
    return conn->ops->end(conn, after);
}

enum err tp_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len)
{
    *len = 0;
    enum err e = conn->ops->transmit(conn, command, reply, cap, len);
    if (e != E_OK)
        *len = 0;
    return e;
}

enum err tp_status(struct tp_conn *conn, struct tp_state *state)
{
    *state = (struct tp_state){0};
    return conn->ops->status(conn, state);
}

enum err tp_use_pad(struct tp_conn *conn, const struct tp_pad *pad, uint16_t *sw)
{
    bool can = pad->change ? conn->pad_change : conn->pad;
    *sw = 0;
    return can && conn->ops->use_pad ? conn->ops->use_pad(conn, pad, sw) : E_UNSUPPORTED;
}

enum err tp_wait_open(struct tp *tp, struct tp_wait **out)
{
    *out = NULL;
    return tp->ops->wait_open(tp, out);
}

enum err tp_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms)
{
    return wait->ops->wait(wait, known, count, timeout_ms);
}

void tp_wait_cancel(struct tp_wait *wait)
{
    wait->ops->wait_cancel(wait);
}

void tp_wait_close(struct tp_wait *wait)
{
    if (wait)
        wait->ops->wait_close(wait);
}
