// GENERATE ASYMMETRIC KEY PAIR: SP 800-73-4 part 2, 3.3.2; policies AA and AB: Yubico.
#include "card/driver/driver.h"
#include "card/piv/command.h"

enum err piv_generate(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                      enum piv_pin pin, enum piv_touch touch, struct piv_public *out)
{
    struct wr w = chan_body(&c->chan);
    struct rd answer;
    struct rd key;
    struct apdu a = {
        .name = "GENERATE ASYMMETRIC KEY PAIR",
        .ins = 0x47,
        .p2 = slot->ref,
        .expected = algorithm->kind == PIV_RSA ? APDU_LE_MAX : 256,
        .publish = APDU_PUBLIC,
    };
    *out = (struct piv_public){0};
    if (pin != PIV_PIN_DEFAULT || touch != PIV_TOUCH_DEFAULT) {
        enum err e = driver_needs(c, CAP_POLICY);
        if (e != E_OK)
            return FAIL(&c->trail, e, "generate: policies");
    }
    size_t template = wr_open(&w, 0xAC);
    wr_tlv(&w, 0x80, rd_of(&algorithm->id, 1));
    if (pin != PIV_PIN_DEFAULT)
        wr_tlv(&w, 0xAA, rd_of(&(uint8_t){(uint8_t)pin}, 1));
    if (touch != PIV_TOUCH_DEFAULT)
        wr_tlv(&w, 0xAB, rd_of(&(uint8_t){(uint8_t)touch}, 1));
    wr_close(&w, template);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "generate");
    enum err e = chan_send(&c->chan, &a, &answer);
    if (e != E_OK)
        return e;
    if (!(rd_tlv(&answer, 0x7F49, &key) && rd_end(&answer) && piv_public_parse(key, algorithm, out)))
        return FAIL(&c->trail, E_MALFORMED, "generate: reply");
    return E_OK;
}
