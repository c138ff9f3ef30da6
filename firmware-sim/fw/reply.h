/* The body of an answer while a handler writes it; too much is remembered and asked once, at the end. */
#ifndef FW_REPLY_H
#define FW_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_reply {
    uint8_t *bytes; /* the card's; a handler may also write at bytes + len itself, up to cap */
    size_t cap, len;
    bool full; /* something did not fit: the answer is worthless */
};

/* Start over with an empty body. */
void fw_reply_clear(struct fw_reply *r);
void fw_put(struct fw_reply *r, const void *bytes, size_t len);
void fw_put_u8(struct fw_reply *r, unsigned value);
/* One data object. */
void fw_put_tlv(struct fw_reply *r, uint32_t tag, const void *value, size_t len);
/* A constructed data object: what is put between open and close becomes its value. */
size_t fw_open(struct fw_reply *r, uint32_t tag);
void fw_close(struct fw_reply *r, size_t mark);
/* The same with a single byte of length and no tag in front. */
size_t fw_open_short(struct fw_reply *r);
void fw_close_short(struct fw_reply *r, size_t mark);

#endif
