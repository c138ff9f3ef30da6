// Names come in UTF-8 (RFC 3629) and are checked before they are written anywhere.
#ifndef INGAM_ISSUER_UTF8_H
#define INGAM_ISSUER_UTF8_H

#include <stdbool.h>

// Well-formed UTF-8 without control characters (C0, DEL, C1), surrogates or noncharacters.
bool utf8_is_text(const char *text);

#endif
