/* Storage, time and touch in memory, for cards that live as long as a test. */
#include "hal/ram.h"

#include <stdlib.h>
#include <string.h>

bool ram_device_open(struct ram_device *device)
{
    device->bytes = calloc(1, RAM_DEVICE_SIZE);
    return device->bytes != NULL;
}

void ram_device_close(struct ram_device *device)
{
    free(device->bytes);
    device->bytes = NULL;
}

static bool within(uint64_t offset, size_t len)
{
    return len <= RAM_DEVICE_SIZE && offset <= RAM_DEVICE_SIZE - len;
}

static bool device_read(void *world, uint64_t offset, void *bytes, size_t len)
{
    const struct ram_device *device = world;
    if (!within(offset, len))
        return false;
    memcpy(bytes, device->bytes + offset, len);
    return true;
}

static bool device_write(void *world, uint64_t offset, const void *bytes, size_t len)
{
    struct ram_device *device = world;
    if (!within(offset, len))
        return false;
    memcpy(device->bytes + offset, bytes, len);
    return true;
}

static bool device_sync(void *world)
{
    (void)world;
    return true;
}

struct hal_storage ram_storage(struct ram_device *device)
{
    return (struct hal_storage){device, device_read, device_write, device_sync};
}

static uint64_t clock_now(void *world)
{
    const struct ram_clock *clock = world;
    return clock->now_us;
}

struct hal_clock ram_clock(struct ram_clock *clock)
{
    return (struct hal_clock){clock, clock_now};
}

static enum hal_touched touch_ask(void *world)
{
    struct ram_touch *touch = world;
    touch->asked++;
    return touch->answer;
}

struct hal_touch ram_touch(struct ram_touch *touch)
{
    return (struct hal_touch){touch, touch_ask};
}

static bool keys_make(void *world, enum crypto_kind kind, struct crypto_key **key)
{
    (void)world;
    *key = crypto_key_generate(kind);
    return true;
}

struct hal_keys ram_keys(void)
{
    return (struct hal_keys){NULL, keys_make};
}
