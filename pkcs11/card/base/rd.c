// The byte reader: integers, ranges and BER-TLV.
#include "card/base/rd.h"

#include <string.h>

struct rd rd_of(const void *p, size_t n)
{
    return (struct rd){p, n};
}

bool rd_end(const struct rd *r)
{
    return r->n == 0;
}

static bool number(struct rd *r, size_t n, uint32_t *v)
{
    if (r->n < n)
        return false;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum << 8 | r->p[i];
    r->p += n;
    r->n -= n;
    *v = sum;
    return true;
}

bool rd_u8(struct rd *r, uint8_t *v)
{
    uint32_t x;
    if (!number(r, 1, &x))
        return false;
    *v = (uint8_t)x;
    return true;
}

bool rd_u16(struct rd *r, uint16_t *v)
{
    uint32_t x;
    if (!number(r, 2, &x))
        return false;
    *v = (uint16_t)x;
    return true;
}

bool rd_u24(struct rd *r, uint32_t *v)
{
    return number(r, 3, v);
}

bool rd_u32(struct rd *r, uint32_t *v)
{
    return number(r, 4, v);
}

bool rd_take(struct rd *r, size_t n, struct rd *out)
{
    if (r->n < n)
        return false;
    struct rd taken = {r->p, n};
    if (n != 0) {
        r->p += n;
        r->n -= n;
    }
    *out = taken;
    return true;
}

bool rd_copy(struct rd *r, void *out, size_t n)
{
    struct rd part;
    if (!rd_take(r, n, &part))
        return false;
    if (n != 0)
        memcpy(out, part.p, n);
    return true;
}

// ISO/IEC 7816-4 5.2.2.1: one to three bytes.
static bool take_tag(struct rd *r, uint32_t *tag)
{
    struct rd s = *r;
    uint8_t b;
    if (!rd_u8(&s, &b))
        return false;
    uint32_t t = b;
    if ((b & 0x1F) == 0x1F) {
        for (int more = 0;; more++) {
            if (more == 2 || !rd_u8(&s, &b))
                return false;
            t = t << 8 | b;
            if (!(b & 0x80))
                break;
        }
    }
    *tag = t;
    *r = s;
    return true;
}

// ISO/IEC 7816-4 5.2.2.2: short, or 81..84 and that many bytes.
static bool take_length(struct rd *r, size_t *length)
{
    struct rd s = *r;
    uint8_t b;
    if (!rd_u8(&s, &b))
        return false;
    uint32_t n = b;
    if (b & 0x80 && (b == 0x80 || b > 0x84 || !number(&s, b & 0x7FU, &n)))
        return false;
    *length = n;
    *r = s;
    return true;
}

bool rd_tag(const struct rd *r, uint32_t *tag)
{
    struct rd s = *r;
    return take_tag(&s, tag);
}

bool rd_tlv_any(struct rd *r, uint32_t *tag, struct rd *value)
{
    struct rd s = *r;
    uint32_t t;
    size_t n;
    struct rd v;
    if (!take_tag(&s, &t) || !take_length(&s, &n) || !rd_take(&s, n, &v))
        return false;
    *tag = t;
    *value = v;
    *r = s;
    return true;
}

bool rd_tlv(struct rd *r, uint32_t tag, struct rd *value)
{
    struct rd s = *r;
    uint32_t t;
    struct rd v;
    if (!rd_tlv_any(&s, &t, &v) || t != tag)
        return false;
    *value = v;
    *r = s;
    return true;
}

bool rd_tlv_opt(struct rd *r, uint32_t tag, struct rd *value)
{
    uint32_t t;
    if (!rd_end(r)) {
        if (!rd_tag(r, &t))
            return false;
        if (t == tag)
            return rd_tlv(r, tag, value);
    }
    *value = (struct rd){NULL, 0};
    return true;
}

bool rd_is(struct rd r, const void *p, size_t n)
{
    return r.n == n && (n == 0 || memcmp(r.p, p, n) == 0);
}

enum err rd_store(struct rd r, void *out, size_t *len)
{
    size_t room = *len;
    *len = r.n;
    if (!out)
        return E_OK;
    if (room < r.n)
        return E_BUFFER;
    if (r.n != 0)
        memcpy(out, r.p, r.n);
    return E_OK;
}
