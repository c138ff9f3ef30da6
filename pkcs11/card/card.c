// A card's life: connecting, transactions, closing.
#include "card/card.h"

#include "card/apdu/atr.h"
#include "card/driver/driver.h"

enum err card_open(struct card *c, struct tp *tp, const char *reader, struct trace trace)
{
    *c = (struct card){0};
    err_clear(&c->trail);
    enum err e = tp_connect(tp, reader, &c->conn);
    if (e != E_OK)
        return FAIL(&c->trail, e, "connect");
    e = chan_init(&c->chan, c->conn, trace, &c->trail);
    if (e != E_OK) {
        tp_disconnect(c->conn);
        c->conn = NULL;
        return e;
    }
    struct rd atr = rd_of(c->conn->atr, c->conn->atr_len);
    c->driver = driver_guess(atr);
    if (atr_refuses_extended(atr))
        c->chan.extended = EXT_REFUSED;
    return E_OK;
}

void card_close(struct card *c)
{
    if (!c->conn)
        return;
    card_end(c, TP_LEAVE);
    chan_free(&c->chan);
    tp_disconnect(c->conn);
    c->conn = NULL;
    c->selected = SELECT_NONE;
}

enum err card_begin(struct card *c, int timeout_ms, bool *was_reset)
{
    bool reset = false;
    if (was_reset)
        *was_reset = false;
    err_clear(&c->trail);
    if (!c->conn || c->held)
        return FAIL(&c->trail, E_ARGUMENT, "begin transaction");
    enum err e = tp_begin(c->conn, timeout_ms, &reset);
    if (e != E_OK)
        return FAIL(&c->trail, e, "begin transaction");
    c->held = true;
    bool was_piv = c->selected == SELECT_PIV || c->selected == SELECT_MAYBE;
    c->selected = was_piv && !reset ? SELECT_MAYBE : SELECT_NONE;
    if (was_reset)
        *was_reset = reset;
    return E_OK;
}

void card_end(struct card *c, enum tp_after after)
{
    if (!c->held)
        return;
    c->held = false;
    chan_wipe(&c->chan);
    if (tp_end(c->conn, after) != E_OK || after != TP_LEAVE)
        c->selected = SELECT_NONE;
}

enum err card_status(struct card *c, struct tp_state *state, bool *same)
{
    *same = false;
    if (!c->conn)
        return FAIL(&c->trail, E_ARGUMENT, "status");
    enum err e = tp_status(c->conn, state);
    if (e != E_OK)
        return FAIL(&c->trail, e, "status");
    *same = state->present && state->insertions == c->conn->insertions;
    return E_OK;
}
