/* Splits one level of BER-TLV into a table of rows. */
#include "fw/tlv.h"

#include <string.h>

static size_t tag_bytes(const uint8_t *p, size_t left)
{
    size_t n = 1;
    if ((p[0] & 0x1F) == 0x1F)
        do
            n++;
        while (n <= left && n < 4 && (p[n - 1] & 0x80) != 0);
    return n <= left && n <= 3 ? n : 0;
}

bool fw_tlv_take(const uint8_t *data, size_t len, size_t *at, struct fw_tlv *row)
{
    if (*at >= len)
        return false;
    size_t left = len - *at;
    const uint8_t *p = data + *at;
    size_t tag_len = tag_bytes(p, left);
    if (tag_len == 0 || tag_len == left)
        return false;
    uint32_t tag = 0;
    for (size_t i = 0; i < tag_len; i++)
        tag = tag << 8 | p[i];
    size_t head = tag_len + 1;
    size_t value_len = p[tag_len];
    if (value_len >= 0x80) {
        size_t more = value_len & 0x7F;
        if (more < 1 || more > 2 || head + more > left)
            return false;
        value_len = 0;
        for (size_t i = 0; i < more; i++)
            value_len = value_len << 8 | p[head + i];
        head += more;
    }
    if (value_len > left - head)
        return false;
    *row = (struct fw_tlv){tag, p + head, value_len};
    *at += head + value_len;
    return true;
}

bool fw_tlv_split(const uint8_t *data, size_t len, struct fw_tlv_table *table)
{
    size_t at = 0;
    memset(table, 0, sizeof *table);
    while (at < len) {
        struct fw_tlv row;
        if (table->count == FW_TLV_MAX || !fw_tlv_take(data, len, &at, &row) ||
            fw_tlv_get(table, row.tag) != NULL) {
            memset(table, 0, sizeof *table);
            return false;
        }
        table->row[table->count++] = row;
    }
    return true;
}

const struct fw_tlv *fw_tlv_get(const struct fw_tlv_table *table, uint32_t tag)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->row[i].tag == tag)
            return &table->row[i];
    return NULL;
}

bool fw_tlv_inside(const uint8_t *data, size_t len, uint32_t tag, struct fw_tlv_table *inside)
{
    struct fw_tlv_table outer;
    const struct fw_tlv *one;
    memset(inside, 0, sizeof *inside);
    if (!fw_tlv_split(data, len, &outer) || outer.count != 1)
        return false;
    one = fw_tlv_get(&outer, tag);
    return one != NULL && fw_tlv_split(one->value, one->len, inside);
}
