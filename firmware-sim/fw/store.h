/* What a card remembers: numbered records, changed in transactions that a power cut leaves done or not begun.
 *
 * The layout on storage is described in docs/image-format.md. Only an index is kept in memory. */
#ifndef FW_STORE_H
#define FW_STORE_H

#include "hal/hal.h"

enum {
    FW_STORE_VERSION = 1,
    FW_STORE_RECORDS = 320,      /* records that a card can hold */
    FW_STORE_RECORD_MAX = 16384, /* bytes of one record */
    FW_STORE_CHECK = 16,         /* bytes of a frame's check: SHA-256, truncated */
};

enum fw_store_state {
    FW_STORE_READY,
    FW_STORE_BLANK,   /* nothing was ever written there */
    FW_STORE_FOREIGN, /* not an image of ours */
    FW_STORE_OTHER_VERSION,
    FW_STORE_DAMAGED,
    FW_STORE_IO,
};

struct fw_store_entry {
    uint32_t id, len;
    uint64_t at;
};

struct fw_store {
    const struct fw_hal *hal;
    uint32_t version;              /* as found by fw_store_open, also when it is not ours */
    uint32_t generation;           /* of the bank in use */
    uint64_t end;                  /* where the next frame goes */
    uint64_t writes;               /* frames written since it was opened */
    uint8_t check[FW_STORE_CHECK]; /* of the last frame: the next one continues it */
    size_t count;
    struct fw_store_entry entry[FW_STORE_RECORDS]; /* sorted by id */
    bool open, broken;                             /* a transaction is being filled; it can't be committed */
    size_t pending_len;
    uint8_t pending[2 * FW_STORE_RECORD_MAX];
};

/* Reads an existing image. READY: records can be used. Anything else: the store can only be formatted. */
enum fw_store_state fw_store_open(struct fw_store *store, const struct fw_hal *hal);

/* Lays out an empty image, over whatever is there. */
bool fw_store_format(struct fw_store *store, const struct fw_hal *hal);

bool fw_store_has(const struct fw_store *store, uint32_t id);
/* Bytes of a record, 0 when there is none. */
size_t fw_store_size(const struct fw_store *store, uint32_t id);
/* Copies a record of at most cap bytes. False, and *len 0, when there is none, it is larger, or storage
 * fails. */
bool fw_store_get(const struct fw_store *store, uint32_t id, void *bytes, size_t cap, size_t *len);
/* As above for a record of exactly that size. */
bool fw_store_get_exact(const struct fw_store *store, uint32_t id, void *bytes, size_t len);
/* The first record with an id of at least that; false when there is none. */
bool fw_store_next(const struct fw_store *store, uint32_t *id);

/* A transaction: begin, any number of put and delete, commit. Nothing is changed before commit, and commit
 * changes all or nothing. A put that does not fit makes commit fail. */
void fw_store_begin(struct fw_store *store);
void fw_store_put(struct fw_store *store, uint32_t id, const void *bytes, size_t len);
void fw_store_delete(struct fw_store *store, uint32_t id);

enum fw_store_durability {
    FW_STORE_SURE,  /* survives a power cut from the moment that commit returns true */
    FW_STORE_LATER, /* survives it after the next SURE one */
};
enum fw_store_result { FW_STORE_DONE, FW_STORE_NO_SPACE, FW_STORE_FAILED };
enum fw_store_result fw_store_commit(struct fw_store *store, enum fw_store_durability durability);

#endif
