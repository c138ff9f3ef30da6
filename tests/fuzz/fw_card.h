/* A card under fuzzed commands, for the driver that runs everywhere and for libFuzzer. */
#ifndef FUZZ_FW_CARD_H
#define FUZZ_FW_CARD_H

#include "world.h"

enum { FW_COMMAND_MAX = 4200, FW_PROFILES = 4 };

struct fuzz {
    struct world *world;
    uint64_t seed, bytes, commands, statuses; /* statuses: commands that succeeded */
    size_t len;
    uint8_t command[FW_COMMAND_MAX];
};

extern const char *const fw_profiles[FW_PROFILES];

/* Sends f->command and ends the program when the answer is none. */
void fw_send(struct fuzz *f);
/* Ends the program when a counter is out of bounds. */
void fw_check(struct fuzz *f);
_Noreturn void fw_fail(const struct fuzz *f, const char *why);

#endif
