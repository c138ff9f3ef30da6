/* Reads hexadecimal text. */
#include "hex.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t hex_parse(const char *text, uint8_t *bytes, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    int high = -1;
    for (; *text != 0; text++) {
        const char *digit = strchr(digits, toupper((unsigned char)*text));
        if (isspace((unsigned char)*text))
            continue;
        if (digit == NULL || len == cap) {
            (void)fprintf(stderr, "bad hexadecimal: %s\n", text);
            exit(1);
        }
        if (high >= 0)
            bytes[len++] = (uint8_t)(high * 16 + (int)(digit - digits));
        high = high >= 0 ? -1 : (int)(digit - digits);
    }
    return len;
}
