// Answers to reset.
#include "card/apdu/atr.h"

#define CATEGORY_TLV       0x80
#define CATEGORY_STATUS    0x00 // the last three bytes are a status indicator
#define TAG_CAPABILITIES   7
#define EXTENDED_LC_AND_LE 0x40 // of the third byte (7816-4 table 119)

// Interface bytes come in groups of which each says what is in the next one.
static bool historical(struct rd atr, struct rd *out)
{
    uint8_t ts;
    uint8_t format;
    if (!rd_u8(&atr, &ts) || !rd_u8(&atr, &format))
        return false;
    size_t n = format & 0x0F;
    for (uint8_t next = format; next & 0xF0;) {
        uint8_t byte;
        for (int i = 0; i < 3; i++)
            if (next & 0x10 << i && !rd_u8(&atr, &byte))
                return false;
        if (!(next & 0x80))
            break;
        if (!rd_u8(&atr, &next))
            return false;
    }
    return rd_take(&atr, n, out);
}

bool atr_refuses_extended(struct rd atr)
{
    struct rd bytes;
    struct rd value;
    uint8_t category;
    uint8_t head;
    if (!historical(atr, &bytes) || !rd_u8(&bytes, &category))
        return false;
    if (category == CATEGORY_STATUS && bytes.n >= 3)
        bytes.n -= 3;
    else if (category != CATEGORY_TLV)
        return false;
    while (rd_u8(&bytes, &head) && rd_take(&bytes, head & 0x0F, &value))
        if (head >> 4 == TAG_CAPABILITIES && value.n >= 3)
            return !(value.p[2] & EXTENDED_LC_AND_LE);
    return false;
}
