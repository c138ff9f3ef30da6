// SELECT of the PIV Card Application: SP 800-73-4 part 2, 3.1.1.
#include "card/driver/driver.h"
#include "card/piv/command.h"

// The AID without its version, so that every version is found (part 1, 2.2).
static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00};

enum err piv_select(struct card *c)
{
    const struct apdu a = {
        .name = "SELECT PIV",
        .ins = 0xA4,
        .p1 = 0x04,
        .body = rd_of(aid, sizeof aid),
        .expected = 256,
        .publish = APDU_PUBLIC,
    };
    struct rd template;
    c->selected = SELECT_NONE;
    enum err e = chan_send(&c->chan, &a, &template);
    if (e == E_NOT_FOUND || e == E_UNSUPPORTED || e == E_REFUSED)
        return FAIL(&c->trail, E_NOT_PRESENT, "no PIV applet");
    if (e == E_OK) {
        c->selected = SELECT_PIV;
        driver_selected(c, template);
    }
    return e;
}
