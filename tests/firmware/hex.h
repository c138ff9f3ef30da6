/* Hexadecimal text, as tests write commands down. */
#ifndef TEST_HEX_H
#define TEST_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Blanks are skipped; gives the number of bytes, and ends the test when the text is none or too long. */
size_t hex_parse(const char *text, uint8_t *bytes, size_t cap);

#endif
