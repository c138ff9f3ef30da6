/* The world around a card: storage, randomness, time and the finger on the button. Every member is required.
 */
#ifndef FW_HAL_H
#define FW_HAL_H

#include "hal/crypto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device of bytes, as large as the image format says; what was never written reads as zeros. After sync
 * returned true, everything written before it survives a power cut; before that, any part of it may. */
struct hal_storage {
    void *world;
    bool (*read)(void *world, uint64_t offset, void *bytes, size_t len);
    bool (*write)(void *world, uint64_t offset, const void *bytes, size_t len);
    bool (*sync)(void *world);
};

struct hal_random {
    void *world;
    bool (*fill)(void *world, void *bytes, size_t len);
};

struct hal_clock {
    void *world;
    uint64_t (*now_us)(void *world); /* microseconds that only go forward */
};

enum hal_touched { HAL_TOUCH_NO, HAL_TOUCH_YES, HAL_TOUCH_LATER };

/* Asked when a command needs a touch. LATER: the command is run again when the answer is known. */
struct hal_touch {
    void *world;
    enum hal_touched (*ask)(void *world);
};

/* Makes a key, which is then the caller's (NULL: it can't be made). False: the command is run again when it
 * is there. */
struct hal_keys {
    void *world;
    bool (*make)(void *world, enum crypto_kind kind, struct crypto_key **key);
};

struct fw_hal {
    struct hal_storage storage;
    struct hal_random random;
    struct hal_clock clock;
    struct hal_touch touch;
    struct hal_keys keys;
};

#endif
