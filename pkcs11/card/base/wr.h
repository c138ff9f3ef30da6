// A writer into a fixed buffer that remembers failure, so that it is asked once, at the end.
#pragma once
#include "card/base/rd.h"

// Owns nothing. After a failure nothing more is written.
struct wr {
    uint8_t *p;
    size_t cap;
    size_t len;
    bool failed;
};

struct wr wr_of(void *p, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v); // big-endian
void wr_u32(struct wr *w, uint32_t v);
void wr_fill(struct wr *w, uint8_t v, size_t n);
void wr_bytes(struct wr *w, const void *p, size_t n);
void wr_rd(struct wr *w, struct rd r);

// BER-TLV with minimal lengths. wr_open returns a mark for wr_close, which inserts the length between.
void wr_tlv(struct wr *w, uint32_t tag, struct rd value);
size_t wr_open(struct wr *w, uint32_t tag);
void wr_close(struct wr *w, size_t mark);

// Everything fitted: *out is what was written (a view of the buffer). false: *out is untouched.
MUST_USE bool wr_done(const struct wr *w, struct rd *out);
