// The tag list of GET DATA and PUT DATA (SP 800-73-4 part 2, tables 6 and 9). Private to piv/.
#pragma once
#include "card/base/wr.h"

// 5C, length, the tag's own bytes.
static inline void piv_write_tag_list(struct wr *w, uint32_t tag)
{
    size_t list = wr_open(w, 0x5C);
    if (tag > 0xFFFF)
        wr_u8(w, (uint8_t)(tag >> 16));
    if (tag > 0xFF)
        wr_u8(w, (uint8_t)(tag >> 8));
    wr_u8(w, (uint8_t)tag);
    wr_close(w, list);
}
