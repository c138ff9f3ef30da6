// Messages of the direct card socket, version 1: one byte type, three bytes length, payload. Private to
// transport/.
#pragma once
#include "card/transport/transport.h"

#define SIM_NAME_MAX    63
#define SIM_PAYLOAD_MAX 70000

struct sim_status {
    bool present;
    uint32_t insertions;
    uint32_t resets;
};

// A connected socket that has said who it is. name: SIM_NAME_MAX + 1 bytes. -1: not there, or not version 1.
int sim_dial(const char *path, int64_t deadline, char *name);
// Sends one message. E_EXCHANGED: the other side is gone; E_IO: not by the deadline.
MUST_USE enum err sim_send(int fd, uint8_t type, struct rd payload, int64_t deadline);
// Receives one message of exactly this type into out, or 'e', whose code goes to *failure (0: it was type).
// E_TIMEOUT: nothing of it has come by the deadline; E_IO: it broke off; E_EXCHANGED: the other side is gone.
MUST_USE enum err sim_receive(int fd, uint8_t type, int64_t deadline, uint8_t *out, size_t cap, size_t *len,
                              uint8_t *failure);
// An 's' message.
MUST_USE enum err sim_receive_status(int fd, int64_t deadline, struct sim_status *out);
