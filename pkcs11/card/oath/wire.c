// Sending to the OATH applet.
#include "card/oath/wire.h"

#include "card/base/secret.h"

#define SEND_REMAINING 0xA5

enum err oath_send(struct card *c, struct apdu command, const struct wr *w, struct rd *answer)
{
    if (!c->held || (c->selected != SELECT_OATH && command.ins != OATH_INS_SELECT)) {
        secret_wipe(c->chan.work, w ? w->len : 0); // a body that isn't sent may hold a key
        return FAIL(&c->trail, E_ARGUMENT, "OATH isn't selected");
    }
    if (w && !wr_done(w, &command.body))
        return err_fail(&c->trail, E_ARGUMENT, command.name);
    command.more = SEND_REMAINING;
    command.never_extended = true;
    return chan_send(&c->chan, &command, answer);
}
