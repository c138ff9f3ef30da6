/* The numbers under which a card's records lie in its image; docs/image-format.md lists their contents. */
#ifndef FW_RECORDS_H
#define FW_RECORDS_H

enum {
    RECORD_OBJECT = 0x01000000, /* | tag of the data object */
    RECORD_KEY = 0x02000000,    /* | key reference */
    RECORD_SECRET = 0x03000000, /* | key reference of PIN, PUK or management key */
    RECORD_CARD = 0x04000001,
    RECORD_CLASS = 0x7F000000, /* mask */
};

#endif
