// The layers that collect an answer: 6Cxx (ISO/IEC 7816-4 5.1.3: wrong Le) and 61xx (5.1.2: GET RESPONSE).
#include "card/apdu/layer.h"

#define INS_GET_RESPONSE 0xC0
#define RESPONSES_MAX    600 // 65,536 bytes in parts of 256, and some that come shorter

static uint32_t announced(uint16_t sw)
{
    return sw & 0xFF ? sw & 0xFFU : 256;
}

enum err layer_exact(struct chan *ch, const struct unit *u, uint16_t *sw)
{
    enum err e = layer_trace(ch, u, sw);
    if (e != E_OK || *sw >> 8 != 0x6C || u->expected == 0)
        return e;
    struct unit again = *u;
    again.expected = announced(*sw);
    return layer_trace(ch, &again, sw);
}

enum err layer_more(struct chan *ch, const struct unit *u, uint16_t *sw)
{
    enum err e = layer_exact(ch, u, sw);
    for (int i = 0; e == E_OK && *sw >> 8 == 0x61; i++) {
        size_t before = ch->reply_len;
        if (i == RESPONSES_MAX || CHAN_REPLY_SIZE - before < 256 + 2)
            return E_MALFORMED;
        struct unit next = {
            .name = u->more ? u->name : "GET RESPONSE",
            .cla = u->cla & 0x0F,
            .ins = u->more ? u->more : INS_GET_RESPONSE,
            .expected = announced(*sw),
            .publish = u->publish,
        };
        e = layer_exact(ch, &next, sw);
        if (e == E_OK && *sw >> 8 == 0x61 && ch->reply_len == before)
            return E_MALFORMED; // no progress: it would go on for ever
    }
    return e;
}
