/* A card in memory for tests, and the few commands that most of them begin with. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "applet/personality.h"
#include "hal/fault.h"

struct world {
    struct fault_device device;
    struct ram_clock clock;
    struct ram_touch touch;
    struct fw_hal hal;
    const struct profile *profile;
    struct fw_card *card;
    uint8_t answer[FW_ANSWER_MAX];
    size_t len; /* of the last answer, with its status word */
    uint64_t commands;
};

/* A new card with factory values; ends the test when that fails. */
struct world *world_new(const char *profile, uint32_t serial);
void world_free(struct world *world);

/* Sends a command and gives the status word; 0: the card waits for a touch. */
unsigned world_send(struct world *world, const uint8_t *command, size_t len);
/* The same with the command in hexadecimal. */
unsigned world_hex(struct world *world, const char *command);

/* GENERAL AUTHENTICATE with the factory management key, by challenge; true when the card agrees. The cipher
 * is done by OpenSSL here, not by the firmware. */
bool world_authenticate(struct world *world);

/* Power off and on: the card starts from what its storage holds. False when it can't be opened. */
bool world_restart(struct world *world);

#endif
