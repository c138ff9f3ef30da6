/* Handles to things: open addressing, in no order; a handle is never 0. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct map_entry {
    unsigned long handle;
    void *thing;
};

struct map {
    struct map_entry *entry;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

/* false: no memory; unchanged. */
bool map_put(struct map *m, unsigned long handle, void *thing);
void *map_get(const struct map *m, unsigned long handle); /* NULL: not there */
void map_drop(struct map *m, unsigned long handle);
void map_free(struct map *m); /* the things stay */
