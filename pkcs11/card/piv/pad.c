// VERIFY and CHANGE REFERENCE DATA at the reader's own keypad: SP 800-73-4 part 2, 3.2.1 and 3.2.2, through
// PC/SC part 10.
#include "card/piv/command.h"
#include "card/piv/reference.h"

#define PIN_LEAST 6 // SP 800-73-4 part 2, 2.4.3

// What a reader answers by itself (PC/SC part 10, 2.6.8 and 2.6.9).
static const struct {
    uint16_t sw;
    enum err error;
} readers_own[] = {{0x6400, E_TIMEOUT}, {0x6401, E_CANCELLED}, {0x6402, E_REFUSED}, {0x6403, E_ARGUMENT}};

static enum err use_pad(struct card *c, const struct tp_pad *pad, const char *step, int *tries)
{
    uint16_t sw;
    if (tries)
        *tries = -1;
    err_clear(&c->trail);
    chan_wipe(&c->chan);
    if (!c->held)
        return err_fail(&c->trail, E_ARGUMENT, step);
    enum err e = tp_use_pad(c->conn, pad, &sw);
    c->trail.sw = sw;
    c->trail.tries = (int8_t)sw_tries(sw);
    if (e != E_OK)
        return err_fail(&c->trail, e, step);
    for (size_t i = 0; i < sizeof readers_own / sizeof *readers_own; i++)
        if (sw == readers_own[i].sw)
            return err_fail(&c->trail, readers_own[i].error, step);
    e = sw_error(sw);
    if (e != E_OK)
        e = err_fail(&c->trail, e, step);
    return piv_reference_result(c, e, tries);
}

static struct tp_pad pad_for(uint8_t ins, uint8_t ref, uint8_t seconds)
{
    return (struct tp_pad){.ins = ins,
                           .p2 = ref,
                           .size = PIV_REFERENCE_SIZE,
                           .least = PIN_LEAST,
                           .most = PIV_REFERENCE_SIZE,
                           .seconds = seconds};
}

enum err piv_verify_pad(struct card *c, uint8_t ref, uint8_t seconds, int *tries)
{
    struct tp_pad pad = pad_for(0x20, ref, seconds);
    return use_pad(c, &pad, "verify at the reader", tries);
}

enum err piv_change_pad(struct card *c, uint8_t ref, uint8_t seconds, int *tries)
{
    struct tp_pad pad = pad_for(0x24, ref, seconds);
    pad.change = true;
    return use_pad(c, &pad, "change at the reader", tries);
}
