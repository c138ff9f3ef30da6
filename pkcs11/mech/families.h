/* The families and their rows, for the files of mech/ only. A new family is one file with these and a line
 * here. */
#pragma once
#include "mech/mech.h"

struct mech_rows {
    const struct mech_row *row;
    size_t count;
};
extern const struct mech_rows mech_rsa, mech_ec, mech_digest, mech_mac, mech_aes, mech_generate, mech_derive;

#define ROW(type, key, min, max, flags, place, hash, family)                                                 \
    {                                                                                                        \
        type, #type, key, min, max, flags, place, hash, family                                               \
    }
