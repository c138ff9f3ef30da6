// Pages that hold secrets: locked, undumped, zero in a child, wiped before they go back.
#include "card/base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The handle holds nothing secret; the page does, its length too, so that a child finds neither.
struct secret {
    pid_t owner;
    size_t map;
    struct page {
        size_t n;
        uint8_t data[];
    } * page;
};

static size_t whole_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return n > SIZE_MAX - page ? 0 : (n + page - 1) / page * page;
}

void *secret_pages(size_t n)
{
    size_t map = whole_pages(n);
    if (map == 0)
        return NULL;
    void *p = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    // Without MADV_DONTDUMP or MADV_WIPEONFORK (kernels since 4.14 have both) the promise can't be kept.
    if (madvise(p, map, MADV_DONTDUMP) != 0 || madvise(p, map, MADV_WIPEONFORK) != 0) {
        munmap(p, map);
        return NULL;
    }
    (void)mlock2(p, map, MLOCK_ONFAULT);
    return p;
}

void secret_pages_free(void *p, size_t n)
{
    if (!p)
        return;
    secret_wipe(p, n);
    munmap(p, whole_pages(n));
}

struct secret *secret_room(size_t n)
{
    if (n > SIZE_MAX - sizeof(struct page))
        return NULL;
    struct secret *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct secret){.owner = getpid(), .map = sizeof(struct page) + n};
    s->page = secret_pages(s->map);
    if (!s->page) {
        free(s);
        return NULL;
    }
    s->page->n = n;
    return s;
}

struct secret *secret_new(const void *p, size_t n)
{
    struct secret *s = secret_room(n);
    if (s && n != 0)
        memcpy(s->page->data, p, n);
    return s;
}

uint8_t *secret_bytes(struct secret *s)
{
    return s && s->owner == getpid() ? s->page->data : NULL;
}

struct rd secret_view(const struct secret *s)
{
    if (!s || s->owner != getpid())
        return (struct rd){NULL, 0};
    return rd_of(s->page->data, s->page->n);
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    secret_pages_free(s->page, s->map);
    free(s);
}

void secret_wipe(void *p, size_t n)
{
    if (n != 0)
        explicit_bzero(p, n);
}

bool secret_equal(struct rd a, struct rd b)
{
    if (a.n != b.n)
        return false;
    uint8_t differ = 0;
    for (size_t i = 0; i < a.n; i++)
        differ |= (uint8_t)(a.p[i] ^ b.p[i]);
    return differ == 0;
}
