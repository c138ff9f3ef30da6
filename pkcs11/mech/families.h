/* The families and their rows, for the files of mech/ only. A new family is one file with these and a line
 * here. */
#pragma once
#include "mech/mech.h"

struct mech_rows {
    const struct mech_row *row;
    size_t count;
};
extern const struct mech_rows mech_rsa, mech_ec, mech_digest, mech_mac, mech_aes, mech_generate, mech_derive,
    mech_otp;

/* A macro around a row writes the name itself: the header's macro would have become its number by then. */
#define NAMED(type, name, key, min, max, flags, place, hash, family)                                         \
    {                                                                                                        \
        type, name, key, min, max, flags, place, hash, family                                                \
    }
#define ROW(type, ...) NAMED(type, #type, __VA_ARGS__)
