// RESET RETRY COUNTER: SP 800-73-4 part 2, 3.2.3.
#include "card/piv/command.h"
#include "card/piv/reference.h"

enum err piv_unblock(struct card *c, uint8_t ref, struct rd puk, struct rd fresh, int *tries)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "RESET RETRY COUNTER", .ins = 0x2C, .p2 = ref};
    if (tries)
        *tries = -1;
    if (!piv_write_reference(&w, puk) || !piv_write_reference(&w, fresh) || !wr_done(&w, &a.body))
        return piv_reference_unfit(c, "reset retry counter: length");
    return piv_reference_result(c, chan_send(&c->chan, &a, NULL), tries);
}
