// The lowest layer: one unit becomes the bytes of ISO/IEC 7816-4 5.1, and its answer data and a status word.
#include "card/apdu/layer.h"
#include "card/base/secret.h"
#include "card/base/wr.h"

static bool encode(struct chan *ch, const struct unit *u, struct rd *out)
{
    struct wr w = wr_of(ch->wire, CHAN_WIRE_SIZE);
    wr_bytes(&w, (uint8_t[]){u->cla, u->ins, u->p1, u->p2}, 4);
    bool le = u->expected != 0 && !(ch->conn->no_le_case4 && u->body.n != 0);
    if (u->extended) {
        wr_u8(&w, 0);
        if (u->body.n != 0)
            wr_u16(&w, (uint16_t)u->body.n);
        wr_rd(&w, u->body);
        if (le)
            wr_u16(&w, (uint16_t)u->expected); // 65536 is 0000
    } else {
        if (u->body.n != 0)
            wr_u8(&w, (uint8_t)u->body.n);
        wr_rd(&w, u->body);
        if (le)
            wr_u8(&w, (uint8_t)u->expected); // 256 is 00
        else if (u->body.n == 0 && ch->conn->no_le_case4)
            wr_u8(&w, 0); // T=0 has no case 1: P3 is always there
    }
    return wr_done(&w, out);
}

enum err layer_wire(struct chan *ch, const struct unit *u, uint16_t *sw)
{
    struct rd command;
    size_t n = 0;
    *sw = 0;
    if (!encode(ch, u, &command))
        return E_ARGUMENT;
    uint8_t *at = ch->reply + ch->reply_len;
    size_t cap = CHAN_REPLY_SIZE - ch->reply_len;
    enum err e = tp_transmit(ch->conn, command, at, cap, &n);
    ch->exchanges++;
    secret_wipe(ch->wire, command.n);
    if (e != E_OK)
        return e;
    if (n < 2 || n > cap)
        return E_MALFORMED;
    *sw = (uint16_t)(at[n - 2] << 8 | at[n - 1]);
    ch->reply_len += n - 2;
    return E_OK;
}
