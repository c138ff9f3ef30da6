/* A hash table from handles to things, kept at most half full. */
#include "core/map.h"
#include <stdint.h>
#include <stdlib.h>

static size_t place(const struct map *m, unsigned long handle)
{
    return (size_t)((uint64_t)handle * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (m->room - 1);
}

static void put(struct map *m, unsigned long handle, void *thing)
{
    size_t i = place(m, handle);
    while (m->entry[i].handle != 0)
        i = (i + 1) & (m->room - 1);
    m->entry[i] = (struct map_entry){handle, thing};
    m->count++;
}

static bool grow(struct map *m)
{
    struct map bigger = {.room = m->room == 0 ? 16 : m->room * 2};
    bigger.entry = calloc(bigger.room, sizeof *bigger.entry);
    if (bigger.entry == NULL)
        return false;
    for (size_t i = 0; i < m->room; i++)
        if (m->entry[i].handle != 0)
            put(&bigger, m->entry[i].handle, m->entry[i].thing);
    free(m->entry);
    *m = bigger;
    return true;
}

bool map_put(struct map *m, unsigned long handle, void *thing)
{
    if (2 * (m->count + 1) > m->room && !grow(m))
        return false;
    put(m, handle, thing);
    return true;
}

static struct map_entry *find(const struct map *m, unsigned long handle)
{
    if (m->room == 0 || handle == 0)
        return NULL;
    for (size_t i = place(m, handle); m->entry[i].handle != 0; i = (i + 1) & (m->room - 1))
        if (m->entry[i].handle == handle)
            return &m->entry[i];
    return NULL;
}

void *map_get(const struct map *m, unsigned long handle)
{
    const struct map_entry *e = find(m, handle);
    return e == NULL ? NULL : e->thing;
}

void map_drop(struct map *m, unsigned long handle)
{
    struct map_entry *e = find(m, handle);
    if (e == NULL)
        return;
    size_t hole = (size_t)(e - m->entry), i = hole;
    m->count--;
    /* Entries behind the hole move up as long as their own place isn't after it. */
    for (;;) {
        i = (i + 1) & (m->room - 1);
        if (m->entry[i].handle == 0)
            break;
        size_t home = place(m, m->entry[i].handle);
        if (((i - home) & (m->room - 1)) >= ((i - hole) & (m->room - 1))) {
            m->entry[hole] = m->entry[i];
            hole = i;
        }
    }
    m->entry[hole] = (struct map_entry){0};
}

void map_free(struct map *m)
{
    free(m->entry);
    *m = (struct map){0};
}
