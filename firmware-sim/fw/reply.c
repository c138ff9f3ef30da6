/* Writes the body of an answer, with definite lengths in the shortest form. */
#include "fw/reply.h"

#include <string.h>

void fw_reply_clear(struct fw_reply *r)
{
    r->len = 0;
    r->full = false;
}

void fw_put(struct fw_reply *r, const void *bytes, size_t len)
{
    if (r->full || len > r->cap - r->len) {
        r->full = true;
        return;
    }
    if (len != 0)
        memcpy(r->bytes + r->len, bytes, len);
    r->len += len;
}

void fw_put_u8(struct fw_reply *r, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    fw_put(r, &byte, 1);
}

static void put_tag(struct fw_reply *r, uint32_t tag)
{
    if (tag > 0xFFFF)
        fw_put_u8(r, tag >> 16);
    if (tag > 0xFF)
        fw_put_u8(r, tag >> 8);
    fw_put_u8(r, tag);
}

static size_t length_bytes(size_t len, uint8_t out[3])
{
    if (len < 0x80) {
        out[0] = (uint8_t)len;
        return 1;
    }
    if (len <= 0xFF) {
        out[0] = 0x81;
        out[1] = (uint8_t)len;
        return 2;
    }
    out[0] = 0x82;
    out[1] = (uint8_t)(len >> 8);
    out[2] = (uint8_t)len;
    return 3;
}

void fw_put_tlv(struct fw_reply *r, uint32_t tag, const void *value, size_t len)
{
    uint8_t length[3];
    put_tag(r, tag);
    fw_put(r, length, length_bytes(len, length));
    fw_put(r, value, len);
}

size_t fw_open(struct fw_reply *r, uint32_t tag)
{
    put_tag(r, tag);
    return r->len;
}

void fw_close(struct fw_reply *r, size_t mark)
{
    uint8_t length[3];
    if (r->full)
        return;
    size_t n = length_bytes(r->len - mark, length);
    if (n > r->cap - r->len) {
        r->full = true;
        return;
    }
    memmove(r->bytes + mark + n, r->bytes + mark, r->len - mark);
    memcpy(r->bytes + mark, length, n);
    r->len += n;
}

size_t fw_open_short(struct fw_reply *r)
{
    fw_put_u8(r, 0);
    return r->len;
}

void fw_close_short(struct fw_reply *r, size_t mark)
{
    if (r->full || r->len - mark > 0xFF)
        r->full = true;
    else
        r->bytes[mark - 1] = (uint8_t)(r->len - mark);
}
