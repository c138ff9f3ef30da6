// A view of bytes that only shrinks, so that no parser moves an offset by hand.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/base/err.h"

// Owns nothing; valid as long as the bytes are. {NULL, 0} is the empty view.
struct rd {
    const uint8_t *p;
    size_t n;
};

// Every rd_ function below succeeds whole (true) or changes neither *r nor its outputs (false).
struct rd rd_of(const void *p, size_t n);
bool rd_end(const struct rd *r); // nothing is left over
MUST_USE bool rd_u8(struct rd *r, uint8_t *v);
MUST_USE bool rd_u16(struct rd *r, uint16_t *v); // big-endian
MUST_USE bool rd_u24(struct rd *r, uint32_t *v);
MUST_USE bool rd_u32(struct rd *r, uint32_t *v);
MUST_USE bool rd_take(struct rd *r, size_t n, struct rd *out);
MUST_USE bool rd_copy(struct rd *r, void *out, size_t n);

// BER-TLV as ISO/IEC 7816-4 5.2.2 restricts it: tags of one to three bytes (number 0x7F49 as in the
// standards' notation), definite lengths of one to four bytes, non-minimal lengths accepted as cards send
// them.
MUST_USE bool rd_tag(const struct rd *r, uint32_t *tag);                 // looks, doesn't shrink
MUST_USE bool rd_tlv(struct rd *r, uint32_t tag, struct rd *value);      // exactly this tag comes next
MUST_USE bool rd_tlv_any(struct rd *r, uint32_t *tag, struct rd *value); // whatever comes next
// This tag or another (then *value is the empty view with p NULL and r is unchanged); false only if r is
// broken.
MUST_USE bool rd_tlv_opt(struct rd *r, uint32_t tag, struct rd *value);

bool rd_is(struct rd r, const void *p, size_t n); // same bytes (not in constant time)

// The caller's-buffer rule of this library: *len is in: size of out, out: bytes of r. E_OK with the bytes
// copied; out NULL: E_OK, only *len stored; too small: E_BUFFER, *len stored, out untouched.
MUST_USE enum err rd_store(struct rd r, void *out, size_t *len);
