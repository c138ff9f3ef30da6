// Checks UTF-8 by the table of well-formed sequences (RFC 3629 clause 4).
#include "utf8.h"

#include <stddef.h>

struct lead {
    unsigned char mask, bits;
    size_t more;
    unsigned long least;
};

static const struct lead leads[] = {
    {0x80, 0x00, 0, 0x0000},
    {0xE0, 0xC0, 1, 0x0080},
    {0xF0, 0xE0, 2, 0x0800},
    {0xF8, 0xF0, 3, 0x10000},
};

static bool allowed(unsigned long code)
{
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool surrogate = code >= 0xD800 && code < 0xE000;
    bool noncharacter = (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
    return !control && !surrogate && !noncharacter && code <= 0x10FFFF;
}

// Reads one character and moves on; false if it is not allowed.
static bool next(const unsigned char **at)
{
    const unsigned char *p = *at;
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        const struct lead *row = &leads[i];
        if ((p[0] & row->mask) != row->bits)
            continue;
        unsigned long code = p[0] & (unsigned char)~row->mask;
        for (size_t k = 1; k <= row->more; k++) {
            if ((p[k] & 0xC0) != 0x80)
                return false;
            code = code << 6 | (p[k] & 0x3Fu);
        }
        *at = p + 1 + row->more;
        return code >= row->least && allowed(code);
    }
    return false;
}

bool utf8_is_text(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != 0) {
        if (!next(&at))
            return false;
    }
    return true;
}
