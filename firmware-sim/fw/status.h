/* The status words that the firmware answers with, under the names of the standards. */
#ifndef FW_STATUS_H
#define FW_STATUS_H

/* ISO/IEC 7816-4:2013 tables 5 to 7; SP 800-73-4 part 2 table 1; FW_WAIT is ours and never leaves the card.
 */
enum fw_status {
    FW_WAIT = 0x0000, /* the answer depends on a touch or a key: the command is run again then */
    FW_OK = 0x9000,
    FW_MORE = 0x6100,  /* 61xx */
    FW_TRIES = 0x63C0, /* 63Cx */
    FW_NO_SECURE_MESSAGING = 0x6882,
    FW_LAST_OF_CHAIN_EXPECTED = 0x6883,
    FW_MEMORY_FAILURE = 0x6581,
    FW_WRONG_LENGTH = 0x6700,
    FW_SECURITY_STATUS = 0x6982,
    FW_BLOCKED = 0x6983,
    FW_DATA_INVALID = 0x6984,
    FW_CONDITIONS_OF_USE = 0x6985,
    FW_WRONG_DATA = 0x6A80,
    FW_NOT_SUPPORTED = 0x6A81,
    FW_FILE_NOT_FOUND = 0x6A82,
    FW_NO_SPACE = 0x6A84,
    FW_WRONG_P1P2 = 0x6A86,
    FW_NOT_FOUND = 0x6A88,
    FW_UNKNOWN_INS = 0x6D00,
    FW_UNKNOWN_CLA = 0x6E00,
    FW_FAILURE = 0x6F00,
};

#endif
