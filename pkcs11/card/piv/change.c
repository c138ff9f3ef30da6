// CHANGE REFERENCE DATA: SP 800-73-4 part 2, 3.2.2.
#include "card/piv/command.h"
#include "card/piv/reference.h"

enum err piv_change(struct card *c, uint8_t ref, struct rd old, struct rd fresh, int *tries)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "CHANGE REFERENCE DATA", .ins = 0x24, .p2 = ref};
    if (tries)
        *tries = -1;
    if (!piv_write_reference(&w, old) || !piv_write_reference(&w, fresh) || !wr_done(&w, &a.body))
        return piv_reference_unfit(c, "change reference data: length");
    return piv_reference_result(c, chan_send(&c->chan, &a, NULL), tries);
}
