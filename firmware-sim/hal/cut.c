/* Passes reads and writes on until the one at which power goes. */
#include "hal/cut.h"

static bool cut_read(void *world, uint64_t offset, void *bytes, size_t len)
{
    struct cut_storage *cut = world;
    return !cut->dead && cut->inner.read(cut->inner.world, offset, bytes, len);
}

static bool cut_write(void *world, uint64_t offset, const void *bytes, size_t len)
{
    struct cut_storage *cut = world;
    if (cut->dead)
        return false;
    if (cut->after == 0 || --cut->after != 0)
        return cut->inner.write(cut->inner.world, offset, bytes, len);
    cut->dead = true;
    (void)cut->inner.write(cut->inner.world, offset, bytes, len / 2);
    return false;
}

static bool cut_sync(void *world)
{
    struct cut_storage *cut = world;
    return !cut->dead && cut->inner.sync(cut->inner.world);
}

struct hal_storage cut_storage(struct cut_storage *cut)
{
    return (struct hal_storage){cut, cut_read, cut_write, cut_sync};
}

void cut_arm(struct cut_storage *cut, uint64_t n)
{
    cut->after = n;
}

void cut_restore(struct cut_storage *cut)
{
    cut->after = 0;
    cut->dead = false;
}
