// What the OATH commands share. Private to oath/.
#pragma once
#include "card/oath/oath.h"

#define OATH_INS_SELECT 0xA4

enum oath_tag {
    OATH_TAG_NAME = 0x71,
    OATH_TAG_LISTED = 0x72,
    OATH_TAG_KEY = 0x73,
    OATH_TAG_CHALLENGE = 0x74,
    OATH_TAG_RESPONSE = 0x75,
    OATH_TAG_TRUNCATED = 0x76,
    OATH_TAG_HOTP = 0x77,
    OATH_TAG_PROPERTY = 0x78,
    OATH_TAG_VERSION = 0x79,
    OATH_TAG_COUNTER = 0x7A,
    OATH_TAG_ALGORITHM = 0x7B,
    OATH_TAG_TOUCH = 0x7C,
};

// 1 to OATH_NAME_MAX bytes.
static inline bool oath_is_name(struct rd name)
{
    return name.n != 0 && name.n <= OATH_NAME_MAX;
}

// A command to the applet: only when that is selected in this transaction (another applet would take it for
// something else), in short form, its answer fetched by SEND REMAINING. body: what w holds (NULL: none).
MUST_USE enum err oath_send(struct card *c, struct apdu command, const struct wr *w, struct rd *answer);
