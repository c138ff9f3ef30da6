/* Storage that loses power on purpose: after the n-th write or sync, torn in the middle, and out of order. */
#ifndef FW_FAULT_H
#define FW_FAULT_H

#include "hal/ram.h"

enum { FAULT_PENDING_MAX = 64, FAULT_CHUNK = 4096, FAULT_CHUNKS = RAM_DEVICE_SIZE / FAULT_CHUNK };

enum fault_mode {
    FAULT_CLEAN,     /* everything before the cut is there, the write that was cut is not */
    FAULT_TORN,      /* the write that was cut is there up to some byte */
    FAULT_SCRAMBLED, /* the write that was cut is there in some of its bytes, others are noise */
    FAULT_REORDERED, /* of the writes since the last sync any are there, each whole or torn */
};

struct fault_write {
    uint64_t offset;
    size_t len;
    uint8_t *bytes;
};

/* A device with a cache in front: reads see the cache, a power cut sees what was synced and some of the rest.
 */
struct fault_device {
    struct ram_device seen, durable, saved;
    bool unequal[FAULT_CHUNKS]; /* seen and durable may differ there */
    bool changed[FAULT_CHUNKS]; /* durable and saved may differ there */
    struct fault_write pending[FAULT_PENDING_MAX];
    size_t pendings;
    enum fault_mode mode;
    uint64_t seed;
    uint64_t operations; /* writes and syncs since fault_arm */
    uint64_t cut_after;  /* the operation that loses power, 0: none */
    bool dead;           /* power is gone: everything fails until fault_restore_power */
};

bool fault_open(struct fault_device *device);
void fault_close(struct fault_device *device);
struct hal_storage fault_storage(struct fault_device *device);

/* From now on, the n-th write or sync is interrupted; 0: none. The seed chooses what is left of it. */
void fault_arm(struct fault_device *device, uint64_t n, enum fault_mode mode, uint64_t seed);
/* Power comes back: what survived is now what can be read. */
void fault_restore_power(struct fault_device *device);

/* Keeps what is durable, after a power cut between two operations; and goes back to it, the same way. */
void fault_save(struct fault_device *device);
void fault_load(struct fault_device *device);

#endif
