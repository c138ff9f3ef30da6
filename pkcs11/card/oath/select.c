// SELECT and RESET of the OATH applet: YKOATH, "Select" and "Reset".
#include <string.h>

#include "card/oath/wire.h"

static bool parse(struct rd answer, struct oath_info *out)
{
    struct rd version;
    struct rd id;
    struct rd challenge;
    struct rd algorithm;
    if (!(rd_tlv(&answer, OATH_TAG_VERSION, &version) && rd_copy(&version, out->version, 3) &&
          rd_end(&version)))
        return false;
    if (!rd_tlv(&answer, OATH_TAG_NAME, &id) || id.n == 0 || id.n > OATH_ID_MAX)
        return false;
    memcpy(out->id, id.p, id.n);
    out->id_len = (uint8_t)id.n;
    if (!rd_tlv_opt(&answer, OATH_TAG_CHALLENGE, &challenge) ||
        !rd_tlv_opt(&answer, OATH_TAG_ALGORITHM, &algorithm))
        return false;
    out->locked = challenge.p != NULL;
    return rd_end(&answer) && (!out->locked || (rd_copy(&challenge, out->challenge, sizeof out->challenge) &&
                                                rd_end(&challenge)));
}

enum err oath_select(struct card *c, struct oath_info *out)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01};
    const struct apdu a = {
        .name = "SELECT OATH",
        .ins = OATH_INS_SELECT,
        .p1 = 0x04,
        .body = rd_of(aid, sizeof aid),
        .expected = 256,
        .publish = APDU_PUBLIC,
    };
    struct rd answer;
    *out = (struct oath_info){0};
    c->selected = SELECT_NONE;
    enum err e = oath_send(c, a, NULL, &answer);
    if (e == E_NOT_FOUND || e == E_UNSUPPORTED || e == E_REFUSED)
        return FAIL(&c->trail, E_NOT_PRESENT, "no OATH applet");
    if (e != E_OK)
        return e;
    if (!parse(answer, out)) {
        *out = (struct oath_info){0};
        return FAIL(&c->trail, E_MALFORMED, "select OATH: reply");
    }
    c->selected = SELECT_OATH;
    return E_OK;
}

enum err oath_reset(struct card *c)
{
    const struct apdu a = {.name = "OATH RESET", .ins = 0x04, .p1 = 0xDE, .p2 = 0xAD, .publish = APDU_PUBLIC};
    return oath_send(c, a, NULL, NULL);
}
