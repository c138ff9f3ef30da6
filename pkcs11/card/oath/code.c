// One-time passwords: YKOATH, "Calculate" and "Calculate All"; their truncation is RFC 4226, 5.3.
#include "card/oath/wire.h"

#define TRUNCATED 0x01 // P2

static void write_moment(struct wr *w, uint64_t moment)
{
    size_t challenge = wr_open(w, OATH_TAG_CHALLENGE);
    wr_u32(w, (uint32_t)(moment >> 32));
    wr_u32(w, (uint32_t)moment);
    wr_close(w, challenge);
}

// One byte digits, four bytes of which the highest bit is cleared.
static bool parse_code(struct rd v, struct oath_code *out)
{
    struct oath_code code;
    if (!(rd_u8(&v, &code.digits) && rd_u32(&v, &code.value) && rd_end(&v)) || code.digits < 6 ||
        code.digits > 8)
        return false;
    code.value &= 0x7FFFFFFF;
    *out = code;
    return true;
}

enum err oath_calculate(struct card *c, struct rd name, enum oath_type type, uint64_t moment,
                        struct oath_code *out)
{
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH CALCULATE", .ins = 0xA2, .p2 = TRUNCATED, .expected = 256};
    struct rd answer;
    struct rd v;
    *out = (struct oath_code){0};
    if (!oath_is_name(name))
        return FAIL(&c->trail, E_ARGUMENT, "oath calculate: name");
    wr_tlv(&w, OATH_TAG_NAME, name);
    if (type == OATH_HOTP)
        wr_tlv(&w, OATH_TAG_CHALLENGE, rd_of(NULL, 0));
    else
        write_moment(&w, moment);
    enum err e = oath_send(c, a, &w, &answer);
    if (e != E_OK)
        return e;
    if (!(rd_tlv(&answer, OATH_TAG_TRUNCATED, &v) && rd_end(&answer) && parse_code(v, out)))
        return FAIL(&c->trail, E_MALFORMED, "oath calculate: reply");
    return E_OK;
}

bool oath_calculated_next(struct rd *list, struct oath_calculated *out)
{
    struct rd s = *list;
    struct oath_calculated one = {0};
    uint32_t tag;
    struct rd v;
    *out = one;
    if (!rd_tlv(&s, OATH_TAG_NAME, &one.name) || !oath_is_name(one.name) || !rd_tlv_any(&s, &tag, &v))
        return false;
    if (tag == OATH_TAG_TRUNCATED) {
        one.when = OATH_NOW;
        if (!parse_code(v, &one.code))
            return false;
        one.digits = one.code.digits;
    } else if (tag == OATH_TAG_HOTP || tag == OATH_TAG_TOUCH) {
        one.when = tag == OATH_TAG_HOTP ? OATH_IS_HOTP : OATH_NEEDS_TOUCH;
        one.digits = v.n == 1 && v.p[0] >= 6 && v.p[0] <= 8 ? v.p[0] : 0;
    } else {
        return false;
    }
    *out = one;
    *list = s;
    return true;
}

enum err oath_calculate_all(struct card *c, uint64_t moment, struct rd *list)
{
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {
        .name = "OATH CALCULATE ALL", .ins = 0xA4, .p2 = TRUNCATED, .expected = APDU_LE_MAX};
    struct rd answer;
    struct oath_calculated ignored;
    *list = rd_of(NULL, 0);
    write_moment(&w, moment);
    enum err e = oath_send(c, a, &w, &answer);
    if (e != E_OK)
        return e;
    struct rd check = answer;
    while (oath_calculated_next(&check, &ignored))
        ;
    if (!rd_end(&check))
        return FAIL(&c->trail, E_MALFORMED, "oath calculate all: reply");
    *list = answer;
    return E_OK;
}
