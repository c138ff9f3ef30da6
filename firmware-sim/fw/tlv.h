/* BER-TLV as the firmware reads it: one level of a template is split into a table, then asked by tag. */
#ifndef FW_TLV_H
#define FW_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FW_TLV_MAX = 16 };

struct fw_tlv {
    uint32_t tag; /* as written, at most 3 bytes: 0x53, 0x7F49, 0x5FC105 */
    const uint8_t *value;
    size_t len;
};

struct fw_tlv_table {
    struct fw_tlv row[FW_TLV_MAX];
    size_t count;
};

/* Splits exactly len bytes (ISO/IEC 7816-4 5.2.2). False, and an empty table, when the bytes are not a
 * whole number of data objects, when there are more than FW_TLV_MAX, or when a tag occurs twice. */
bool fw_tlv_split(const uint8_t *data, size_t len, struct fw_tlv_table *table);

/* Takes the data object at *at and moves behind it, for the applications that need an order or allow a tag
 * twice. False, and nothing moved, when there is none that is whole. */
bool fw_tlv_take(const uint8_t *data, size_t len, size_t *at, struct fw_tlv *row);

/* The row of a tag, or NULL. The values point into the bytes that were split. */
const struct fw_tlv *fw_tlv_get(const struct fw_tlv_table *table, uint32_t tag);

/* Splits data that must be one template of that tag, and gives the table of what is inside. */
bool fw_tlv_inside(const uint8_t *data, size_t len, uint32_t tag, struct fw_tlv_table *inside);

#endif
