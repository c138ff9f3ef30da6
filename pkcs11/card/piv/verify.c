// VERIFY: SP 800-73-4 part 2, 3.2.1.
#include "card/piv/command.h"
#include "card/piv/reference.h"

#define INS_VERIFY 0x20

enum err piv_verify(struct card *c, uint8_t ref, struct rd pin, int *tries)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "VERIFY", .ins = INS_VERIFY, .p2 = ref};
    if (tries)
        *tries = -1;
    if (!piv_write_reference(&w, pin) || !wr_done(&w, &a.body))
        return piv_reference_unfit(c, "verify: length");
    return piv_reference_result(c, chan_send(&c->chan, &a, NULL), tries);
}

enum err piv_tries(struct card *c, uint8_t ref, int *tries, bool *verified)
{
    const struct apdu a = {.name = "VERIFY (tries)", .ins = INS_VERIFY, .p2 = ref, .publish = APDU_PUBLIC};
    uint16_t sw;
    *tries = -1;
    *verified = false;
    enum err e = chan_ask(&c->chan, &a, NULL, &sw);
    if (e != E_OK)
        return e;
    if (sw == SW_OK) {
        *verified = true;
        return E_OK;
    }
    *tries = sw_tries(sw);
    return *tries >= 0 ? E_OK : FAIL(&c->trail, sw_error(sw), "verify: tries");
}

enum err piv_unverify(struct card *c, uint8_t ref)
{
    const struct apdu a = {
        .name = "VERIFY (forget)", .ins = INS_VERIFY, .p1 = 0xFF, .p2 = ref, .publish = APDU_PUBLIC};
    uint16_t sw;
    if (c->facts.verify_reset == KNOWN_NO)
        return FAIL(&c->trail, E_UNSUPPORTED, "verify: forget");
    enum err e = chan_ask(&c->chan, &a, NULL, &sw);
    if (e != E_OK)
        return e;
    if (sw == SW_OK) {
        c->facts.verify_reset = KNOWN_YES;
        return E_OK;
    }
    // Cards before SP 800-73-4 know P1 = 00 only; whatever they answer, the PIN may still be verified.
    if (c->facts.verify_reset == KNOWN_NOT)
        c->facts.verify_reset = KNOWN_NO;
    return FAIL(&c->trail, E_UNSUPPORTED, "verify: forget");
}
