/* What kinds of token there are, as data: everything in which one differs from another. */
#ifndef FW_PROFILE_H
#define FW_PROFILE_H

#include "fw/card.h"
#include "hal/crypto.h"

/* What a card's PIV application can do or does differently. */
enum profile_feature {
    PROFILE_STRICT_PIN = 1 << 0, /* digits only; "PIN always" ends with any other command */
    PROFILE_ANY_OBJECT = 1 << 1, /* data objects beyond the standard's list */
    PROFILE_ATTESTS = 1 << 2,    /* comes with an attestation key */
    PROFILE_IDENTIFIED = 1 << 3, /* personalised with a CHUID and a CCC */
    PROFILE_EMPTY_VERIFY_63C0 =
        1 << 4, /* a blocked PIN is reported as 63C0, not 6983, when only asked about */
};

enum { PROFILE_TIMES = 8 };

/* What an instruction takes on the real token, where the general figures don't say it. */
struct profile_time {
    uint8_t ins;
    int p1; /* -1: any */
    uint32_t us;
};

struct profile {
    struct fw_kind kind;
    const char *name, *title;
    const char *reader; /* the reader's name on a direct socket */
    unsigned features;
    unsigned algorithms; /* bits 1 << enum crypto_kind */
    uint8_t atr[33];
    size_t atr_len;
    char pin[9], puk[9]; /* factory values, padded with FF to 8 bytes on the card */
    uint8_t pin_tries, puk_tries;
    uint8_t management_algorithm;
    uint8_t management_key[32];
    uint8_t form_factor;           /* as the maker numbers them: 1 is a key chain with USB A */
    uint16_t applications;         /* bits of the maker's device information */
    uint32_t oath_max;             /* credentials that the OATH application holds */
    uint32_t exchange_us, byte_ns; /* any exchange, and each byte of it, on the real token */
    struct profile_time time[PROFILE_TIMES];
    size_t object_max; /* bytes of a data object's content */
};

/* NULL when there is none of that name. */
const struct profile *profile_find(const char *name);
/* The n-th of them; NULL after the last. The first is the default. */
const struct profile *profile_at(size_t n);
const struct profile *profile_of(const struct fw_card *card);

#endif
