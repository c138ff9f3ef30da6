/* A world in memory: storage that forgets at exit, and time and touch that the caller sets. */
#ifndef FW_RAM_H
#define FW_RAM_H

#include "hal/hal.h"

enum { RAM_DEVICE_SIZE = 4096 + 2 * 1024 * 1024 };

struct ram_device {
    uint8_t *bytes; /* RAM_DEVICE_SIZE; pages that are never written cost nothing */
};

bool ram_device_open(struct ram_device *device);
void ram_device_close(struct ram_device *device);
struct hal_storage ram_storage(struct ram_device *device);

/* Time stands still until the caller moves it. */
struct ram_clock {
    uint64_t now_us;
};
struct hal_clock ram_clock(struct ram_clock *clock);

/* The next answer to the card's question. */
struct ram_touch {
    enum hal_touched answer;
    unsigned asked;
};
struct hal_touch ram_touch(struct ram_touch *touch);

/* Keys are made at once. */
struct hal_keys ram_keys(void);

#endif
