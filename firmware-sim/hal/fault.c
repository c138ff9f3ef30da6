/* Keeps unsynced writes apart, and decides at a power cut which parts of them survive. */
#include "hal/fault.h"

#include <stdlib.h>
#include <string.h>

bool fault_open(struct fault_device *device)
{
    memset(device, 0, sizeof *device);
    return ram_device_open(&device->seen) && ram_device_open(&device->durable) &&
           ram_device_open(&device->saved);
}

static void forget_pending(struct fault_device *device)
{
    for (size_t i = 0; i < device->pendings; i++)
        free(device->pending[i].bytes);
    device->pendings = 0;
}

void fault_close(struct fault_device *device)
{
    forget_pending(device);
    ram_device_close(&device->seen);
    ram_device_close(&device->durable);
    ram_device_close(&device->saved);
}

/* splitmix64: small, and the same everywhere */
static uint64_t draw(struct fault_device *device)
{
    uint64_t z = device->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

static void mark(bool *chunks, const struct fault_write *w)
{
    if (w->len != 0)
        for (uint64_t i = w->offset / FAULT_CHUNK; i <= (w->offset + w->len - 1) / FAULT_CHUNK; i++)
            chunks[i] = true;
}

static void copy_marked(bool *chunks, struct ram_device *to, const struct ram_device *from)
{
    for (size_t i = 0; i < FAULT_CHUNKS; i++)
        if (chunks[i]) {
            memcpy(to->bytes + i * FAULT_CHUNK, from->bytes + i * FAULT_CHUNK, FAULT_CHUNK);
            chunks[i] = false;
        }
}

static void settle(struct fault_device *device, const struct fault_write *w)
{
    mark(device->changed, w);
    memcpy(device->durable.bytes + w->offset, w->bytes, w->len);
}

static void settle_prefix(struct fault_device *device, struct fault_write w)
{
    w.len = (size_t)(draw(device) % (w.len + 1));
    settle(device, &w);
}

static void settle_noise(struct fault_device *device, const struct fault_write *w)
{
    mark(device->changed, w);
    for (size_t i = 0; i < w->len; i++) {
        uint64_t dice = draw(device);
        if ((dice & 3) != 0)
            device->durable.bytes[w->offset + i] = (dice & 1) != 0 ? w->bytes[i] : (uint8_t)(dice >> 8);
    }
}

/* The writes of the cache in order, the last of them interrupted as the mode says. */
static void settle_in_order(struct fault_device *device)
{
    for (size_t i = 0; i + 1 < device->pendings; i++)
        settle(device, &device->pending[i]);
    if (device->pendings == 0)
        return;
    const struct fault_write *last = &device->pending[device->pendings - 1];
    if (device->mode == FAULT_TORN)
        settle_prefix(device, *last);
    else if (device->mode == FAULT_SCRAMBLED)
        settle_noise(device, last);
}

static void settle_any(struct fault_device *device)
{
    for (size_t i = device->pendings; i > 0; i--)
        switch (draw(device) % 3) {
        case 0:
            settle(device, &device->pending[i - 1]);
            break;
        case 1:
            settle_prefix(device, device->pending[i - 1]);
            break;
        default:
            break;
        }
}

static void lose_power(struct fault_device *device)
{
    device->dead = true;
    if (device->mode == FAULT_REORDERED)
        settle_any(device);
    else
        settle_in_order(device);
    forget_pending(device);
}

/* Counts an operation; true when power goes at it. */
static bool cut(struct fault_device *device)
{
    device->operations++;
    return device->cut_after != 0 && device->operations == device->cut_after;
}

static bool fault_read(void *world, uint64_t offset, void *bytes, size_t len)
{
    struct fault_device *device = world;
    struct hal_storage seen = ram_storage(&device->seen);
    return !device->dead && seen.read(seen.world, offset, bytes, len);
}

static bool fault_write(void *world, uint64_t offset, const void *bytes, size_t len)
{
    struct fault_device *device = world;
    struct hal_storage seen = ram_storage(&device->seen);
    if (device->dead || device->pendings == FAULT_PENDING_MAX || !seen.write(seen.world, offset, bytes, len))
        return false;
    struct fault_write w = {offset, len, malloc(len + 1)};
    if (w.bytes == NULL)
        return false;
    memcpy(w.bytes, bytes, len);
    device->pending[device->pendings++] = w;
    mark(device->unequal, &w);
    if (!cut(device))
        return true;
    lose_power(device);
    return false;
}

static bool fault_sync(void *world)
{
    struct fault_device *device = world;
    if (device->dead)
        return false;
    if (cut(device)) {
        lose_power(device);
        return false;
    }
    for (size_t i = 0; i < device->pendings; i++)
        settle(device, &device->pending[i]);
    forget_pending(device);
    return true;
}

struct hal_storage fault_storage(struct fault_device *device)
{
    return (struct hal_storage){device, fault_read, fault_write, fault_sync};
}

void fault_arm(struct fault_device *device, uint64_t n, enum fault_mode mode, uint64_t seed)
{
    device->operations = 0;
    device->cut_after = n;
    device->mode = mode;
    device->seed = seed;
}

void fault_restore_power(struct fault_device *device)
{
    if (!device->dead) /* switched off between two operations: the cache is lost all the same */
        lose_power(device);
    device->dead = false;
    device->cut_after = 0;
    copy_marked(device->unequal, &device->seen, &device->durable);
}

void fault_save(struct fault_device *device)
{
    fault_restore_power(device);
    copy_marked(device->changed, &device->saved, &device->durable);
}

void fault_load(struct fault_device *device)
{
    fault_restore_power(device);
    for (size_t i = 0; i < FAULT_CHUNKS; i++)
        device->unequal[i] = device->changed[i];
    copy_marked(device->changed, &device->durable, &device->saved);
    copy_marked(device->unequal, &device->seen, &device->durable);
}
