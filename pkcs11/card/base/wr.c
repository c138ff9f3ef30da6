// The byte writer.
#include "card/base/wr.h"

#include <string.h>

struct wr wr_of(void *p, size_t cap)
{
    return (struct wr){.p = p, .cap = cap};
}

static bool room(struct wr *w, size_t n)
{
    if (w->failed || w->cap - w->len < n)
        w->failed = true;
    return !w->failed;
}

void wr_bytes(struct wr *w, const void *p, size_t n)
{
    if (!room(w, n) || n == 0)
        return;
    memmove(w->p + w->len, p, n);
    w->len += n;
}

void wr_rd(struct wr *w, struct rd r)
{
    wr_bytes(w, r.p, r.n);
}

void wr_fill(struct wr *w, uint8_t v, size_t n)
{
    if (!room(w, n) || n == 0)
        return;
    memset(w->p + w->len, v, n);
    w->len += n;
}

void wr_u8(struct wr *w, uint8_t v)
{
    wr_bytes(w, &v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
    wr_bytes(w, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

void wr_u32(struct wr *w, uint32_t v)
{
    wr_u16(w, (uint16_t)(v >> 16));
    wr_u16(w, (uint16_t)v);
}

static void tag(struct wr *w, uint32_t t)
{
    if (t > 0xFFFF)
        wr_u8(w, (uint8_t)(t >> 16));
    if (t > 0xFF)
        wr_u8(w, (uint8_t)(t >> 8));
    wr_u8(w, (uint8_t)t);
}

// The length's bytes; how many.
static size_t length(size_t n, uint8_t out[5])
{
    size_t more = n < 0x80 ? 0 : n <= 0xFF ? 1 : n <= 0xFFFF ? 2 : n <= 0xFFFFFF ? 3 : 4;
    out[0] = (uint8_t)(more ? 0x80 | more : n);
    for (size_t i = 0; i < more; i++)
        out[1 + i] = (uint8_t)(n >> 8 * (more - 1 - i));
    return 1 + more;
}

void wr_tlv(struct wr *w, uint32_t t, struct rd value)
{
    uint8_t l[5];
    tag(w, t);
    wr_bytes(w, l, length(value.n, l));
    wr_rd(w, value);
}

size_t wr_open(struct wr *w, uint32_t t)
{
    tag(w, t);
    return w->len;
}

void wr_close(struct wr *w, size_t mark)
{
    if (w->failed)
        return;
    uint8_t l[5];
    size_t n = w->len - mark;
    size_t more = length(n, l);
    if (!room(w, more))
        return;
    memmove(w->p + mark + more, w->p + mark, n);
    memcpy(w->p + mark, l, more);
    w->len += more;
}

bool wr_done(const struct wr *w, struct rd *out)
{
    if (w->failed)
        return false;
    *out = rd_of(w->p, w->len);
    return true;
}
