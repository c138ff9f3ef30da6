/* A command APDU, parsed: header, body and expected length (ISO/IEC 7816-4:2013 5.1, 12.1.1). */
#ifndef FW_COMMAND_H
#define FW_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_command {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data;
    size_t len; /* Lc, 0 when absent */
    size_t le;  /* bytes the reader can take; 256 when Le is absent */
    bool has_le;
    bool extended;
};

/* False when the bytes are none of the cases 1 to 4, short or extended. data points into bytes. */
bool fw_command_parse(const uint8_t *bytes, size_t len, struct fw_command *command);

#endif
