// Cards whose keys want a one-time code beside the PIN (docs/otp-card.md). Its commands are in
// card/piv/gate.h; for the rest it is a plain PIV card.
#include "card/driver/kinds.h"

// "How a card says that it is one": 61 { ... 73 { 80 name, 81 version } }, other elements anywhere.
static bool knows_answer(struct rd template)
{
    static const char name[] = "INGAM-OTP";
    struct rd application;
    struct rd v;
    struct rd element;
    uint32_t tag;
    bool named = false;
    bool version = false;
    if (!rd_tlv(&template, 0x61, &application))
        return false;
    while (rd_tlv_any(&application, &tag, &v))
        while (tag == 0x73 && rd_tlv_any(&v, &tag, &element)) {
            named = named || (tag == 0x80 && rd_is(element, name, sizeof name - 1));
            version = version || (tag == 0x81 && rd_is(element, "\x01", 1));
            tag = 0x73;
        }
    return named && version;
}

// "RESET": PIN and PUK are blocked.
static enum err reset(struct card *c)
{
    const struct apdu a = {.name = "RESET", .ins = 0xFB, .publish = APDU_PUBLIC};
    return chan_send(&c->chan, &a, NULL);
}

const struct driver driver_otp_card = {
    .name = "OTP card",
    .knows_answer = knows_answer,
    .answer_caps = CAP_CODES | CAP_RESET,
    .reset = reset,
};
