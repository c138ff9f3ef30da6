// GET DATA: SP 800-73-4 part 2, 3.1.2.
#include "card/base/wr.h"
#include "card/piv/command.h"
#include "card/piv/taglist.h"

// Discovery and the biometric group are templates of their own; all others come in a 53 (part 2, table 7).
static uint32_t wrapper(uint32_t tag)
{
    return tag == PIV_TAG_DISCOVERY || tag == PIV_TAG_BIT_GROUP ? tag : 0x53;
}

// What may be shown: objects that are known to be free to read.
static enum apdu_public publish(uint32_t tag)
{
    const struct piv_object *object = piv_object_by_tag(tag);
    return object && !object->pin ? APDU_PUBLIC : APDU_PUBLIC_COMMAND;
}

enum err piv_get_data(struct card *c, uint32_t tag, struct rd *content)
{
    struct wr w = chan_body(&c->chan);
    struct rd answer;
    struct apdu a = {
        .name = "GET DATA",
        .ins = 0xCB,
        .p1 = 0x3F,
        .p2 = 0xFF,
        .expected = tag == PIV_TAG_DISCOVERY ? 256 : APDU_LE_MAX,
        .publish = publish(tag),
    };
    *content = rd_of(NULL, 0);
    piv_write_tag_list(&w, tag);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "get data");
    enum err e = chan_send(&c->chan, &a, &answer);
    if (e != E_OK)
        return e;
    struct rd value = rd_of(NULL, 0);
    if (!rd_end(&answer) && !(rd_tlv(&answer, wrapper(tag), &value) && rd_end(&answer)))
        return FAIL(&c->trail, E_MALFORMED, "get data: reply");
    if (value.n == 0) // how some cards say that an object was deleted
        return FAIL(&c->trail, E_NOT_FOUND, "get data: empty object");
    *content = value;
    return E_OK;
}

// The beginning of a 53: its length, and as much of its content as came.
static bool parse_head(struct rd answer, struct rd *head, size_t *total)
{
    uint8_t tag;
    uint8_t first;
    uint8_t octet;
    size_t n = 0;
    if (!rd_u8(&answer, &tag) || tag != 0x53 || !rd_u8(&answer, &first) || first == 0x80 || first > 0x83)
        return false;
    for (int i = first & 0x80 ? first & 0x0F : 0; i > 0; i--) {
        if (!rd_u8(&answer, &octet))
            return false;
        n = n << 8 | octet;
    }
    n = first & 0x80 ? n : first;
    if (answer.n > n)
        return false;
    *total = n;
    *head = answer;
    return true;
}

enum err piv_get_data_head(struct card *c, uint32_t tag, struct rd *head, size_t *total)
{
    struct wr w = chan_body(&c->chan);
    struct rd answer;
    uint16_t sw;
    struct apdu a = {.name = "GET DATA",
                     .ins = 0xCB,
                     .p1 = 0x3F,
                     .p2 = 0xFF,
                     .expected = 256,
                     .head = true,
                     .publish = publish(tag)};
    *head = rd_of(NULL, 0);
    *total = 0;
    piv_write_tag_list(&w, tag);
    if (wrapper(tag) != 0x53 || !wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "get data");
    enum err e = chan_ask(&c->chan, &a, &answer, &sw);
    if (e == E_OK && sw >> 8 != 0x61)
        e = sw_error(sw);
    if (e != E_OK)
        return FAIL(&c->trail, e, "get data: head");
    if (rd_end(&answer))
        return FAIL(&c->trail, E_NOT_FOUND, "get data: empty object");
    if (!parse_head(answer, head, total))
        return FAIL(&c->trail, E_MALFORMED, "get data: head");
    return *total == 0 ? FAIL(&c->trail, E_NOT_FOUND, "get data: empty object") : E_OK;
}
