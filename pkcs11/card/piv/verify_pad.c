// VERIFY at the reader's own keypad: SP 800-73-4 part 2, 3.2.1, through PC/SC part 10.
#include "card/piv/command.h"
#include "card/piv/reference.h"

#define PIN_LEAST 6 // SP 800-73-4 part 2, 2.4.3

// What a reader answers by itself (PC/SC part 10, 2.6.8).
static const struct {
    uint16_t sw;
    enum err error;
} readers_own[] = {{0x6400, E_TIMEOUT}, {0x6401, E_CANCELLED}, {0x6403, E_ARGUMENT}};

enum err piv_verify_pad(struct card *c, uint8_t ref, uint8_t seconds, int *tries)
{
    const struct tp_pad pad = {.ins = 0x20,
                               .p2 = ref,
                               .size = PIV_REFERENCE_SIZE,
                               .least = PIN_LEAST,
                               .most = PIV_REFERENCE_SIZE,
                               .seconds = seconds};
    uint16_t sw;
    if (tries)
        *tries = -1;
    err_clear(&c->trail);
    chan_wipe(&c->chan);
    if (!c->held)
        return FAIL(&c->trail, E_ARGUMENT, "verify at the reader");
    enum err e = tp_verify_pad(c->conn, &pad, &sw);
    c->trail.sw = sw;
    c->trail.tries = (int8_t)sw_tries(sw);
    if (e != E_OK)
        return FAIL(&c->trail, e, "verify at the reader");
    for (size_t i = 0; i < sizeof readers_own / sizeof *readers_own; i++)
        if (sw == readers_own[i].sw)
            return FAIL(&c->trail, readers_own[i].error, "verify at the reader");
    e = sw_error(sw);
    if (e != E_OK)
        e = FAIL(&c->trail, e, "verify at the reader");
    return piv_reference_result(c, e, tries);
}
