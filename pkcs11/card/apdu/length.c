// The layer that decides how a long command travels: extended length where card and reader take it, else
// chained.
#include "card/apdu/layer.h"

#define CLA_CHAIN 0x10 // ISO/IEC 7816-4 5.1.1
#define PIECE     255

static struct unit unit_of(const struct apdu *a)
{
    return (struct unit){
        .name = a->name,
        .cla = a->cla,
        .ins = a->ins,
        .p1 = a->p1,
        .p2 = a->p2,
        .more = a->more,
        .body = a->body,
        .expected = a->expected,
        .publish = a->publish,
    };
}

static enum err chained(struct chan *ch, const struct apdu *a, uint16_t *sw)
{
    struct unit u = unit_of(a);
    struct rd rest = a->body;
    u.expected = 0;
    u.cla |= CLA_CHAIN;
    while (rest.n > PIECE) {
        if (!rd_take(&rest, PIECE, &u.body))
            return E_ARGUMENT;
        enum err e = layer_exact(ch, &u, sw);
        if (e != E_OK || *sw != SW_OK)
            return e;
        if (ch->reply_len != 0)
            return E_MALFORMED; // data in the middle of a chain
    }
    u.cla = a->cla;
    u.body = rest;
    u.expected = a->expected > 256 ? 256 : a->expected;
    return a->head ? layer_exact(ch, &u, sw) : layer_more(ch, &u, sw);
}

// What cards that don't know extended length answer: they take the 00 for Lc or Le.
static bool refuses_extended(enum err e, uint16_t sw)
{
    static const uint16_t refusals[] = {0x6700, 0x6883, 0x6A80, 0x6B00, 0x6D00, 0x6E00, 0x6F00};
    if (e == E_IO)
        return true; // readers may refuse it themselves
    for (size_t i = 0; e == E_OK && i < sizeof refusals / sizeof *refusals; i++)
        if (sw == refusals[i])
            return true;
    return false;
}

static bool may_extend(const struct chan *ch, const struct apdu *a)
{
    return !a->never_extended && ch->extended != EXT_REFUSED && !ch->conn->short_only &&
           (ch->conn->data_max == 0 || a->body.n <= ch->conn->data_max);
}

enum err layer_length(struct chan *ch, const struct apdu *a, uint16_t *sw)
{
    *sw = 0;
    if (a->body.n > APDU_DATA_MAX || a->expected > APDU_LE_MAX)
        return E_ARGUMENT;
    if (a->head || (a->body.n <= PIECE && a->expected <= 256) || !may_extend(ch, a))
        return chained(ch, a, sw);

    struct unit u = unit_of(a);
    u.extended = true;
    enum err e = layer_more(ch, &u, sw);
    if (ch->extended == EXT_UNKNOWN && ch->reply_len == 0 && refuses_extended(e, *sw)) {
        ch->extended = EXT_REFUSED;
        return chained(ch, a, sw);
    }
    if (e == E_OK && *sw == SW_OK)
        ch->extended = EXT_WORKS;
    return e;
}
