// The top of the channel: buffers, the trail, and what a caller sees of an answer.
#include "card/apdu/chan.h"

#include "card/apdu/layer.h"
#include "card/base/secret.h"

enum err chan_init(struct chan *ch, struct tp_conn *conn, struct trace trace, struct err_trail *trail)
{
    *ch = (struct chan){.conn = conn, .trace = trace, .trail = trail};
    ch->work = secret_pages(APDU_DATA_MAX);
    ch->wire = secret_pages(CHAN_WIRE_SIZE);
    ch->reply = secret_pages(CHAN_REPLY_SIZE);
    if (ch->work && ch->wire && ch->reply)
        return E_OK;
    chan_free(ch);
    return FAIL(trail, E_MEMORY, "make a channel");
}

void chan_free(struct chan *ch)
{
    if (ch->work)
        secret_pages_free(ch->work, APDU_DATA_MAX);
    if (ch->wire)
        secret_pages_free(ch->wire, CHAN_WIRE_SIZE);
    if (ch->reply)
        secret_pages_free(ch->reply, CHAN_REPLY_SIZE);
    *ch = (struct chan){0};
}

struct wr chan_body(struct chan *ch)
{
    return wr_of(ch->work, APDU_DATA_MAX);
}

void chan_wipe(struct chan *ch)
{
    if (ch->reply)
        secret_wipe(ch->reply, ch->reply_len + 2); // the status word stands behind the data
    ch->reply_len = 0;
}

static void forget_body(struct chan *ch, struct rd body)
{
    if (body.p && body.p >= ch->work && body.p < ch->work + APDU_DATA_MAX)
        secret_wipe(ch->work, (size_t)(body.p - ch->work) + body.n);
}

enum err chan_ask(struct chan *ch, const struct apdu *command, struct rd *data, uint16_t *sw)
{
    err_clear(ch->trail);
    chan_wipe(ch);
    if (data)
        *data = (struct rd){NULL, 0};
    enum err e = layer_length(ch, command, sw);
    forget_body(ch, command->body);
    ch->trail->sw = *sw;
    ch->trail->tries = (int8_t)sw_tries(*sw);
    if (e == E_OK && ch->reply_len > (data ? command->expected : 0))
        e = E_MALFORMED;
    if (e != E_OK) {
        chan_wipe(ch);
        return err_fail(ch->trail, e, command->name);
    }
    if (data)
        *data = rd_of(ch->reply, ch->reply_len);
    return E_OK;
}

enum err chan_send(struct chan *ch, const struct apdu *command, struct rd *data)
{
    uint16_t sw;
    enum err e = chan_ask(ch, command, data, &sw);
    if (e != E_OK)
        return e;
    e = sw_error(sw);
    if (e == E_OK)
        return E_OK;
    if (data)
        *data = (struct rd){NULL, 0};
    chan_wipe(ch);
    return err_fail(ch->trail, e, command->name);
}
