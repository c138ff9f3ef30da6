/* The numbers under which a card's records lie in its image; docs/image-format.md lists their contents. */
#ifndef FW_RECORDS_H
#define FW_RECORDS_H

enum {
    RECORD_OBJECT = 0x01000000, /* | tag of the data object */
    RECORD_KEY = 0x02000000,    /* | key reference */
    RECORD_SECRET = 0x03000000, /* | key reference of PIN, PUK or management key */
    RECORD_CARD = 0x04000001,
    RECORD_OATH_ID = 0x04000002,
    RECORD_OATH_CODE = 0x04000003,
    RECORD_OTP_SECRET = 0x04000004,
    RECORD_OTP_MOVING = 0x04000005, /* tries and counter of it */
    RECORD_OTP_GATES = 0x04000006,
    RECORD_OATH = 0x05000000,        /* | number of the credential */
    RECORD_OATH_MOVING = 0x06000000, /* | the same: what changes at each use */
    RECORD_OATH_END = 0x07000000,
    RECORD_CLASS = 0x7F000000, /* mask */
};

#endif
