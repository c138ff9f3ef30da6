/* Certificates on disk: a file of a card is read whole, used entry by entry, and replaced whole. */
#include "core/cache.h"
#include "card/base/wr.h"
#include "object/x509.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC       "ingam card cache 1\n"
#define OBJECT_MAX  8192   /* bytes of an object that is kept */
#define HEAD_SURE   200    /* bytes of an object that the first answer of every card has */
#define FILE_MAX    262144 /* of a file: more than all slots' objects together */
#define FILES_MAX   32     /* cards: the oldest goes for a new one */
#define ABANDONED_S 3600   /* a file that was never finished is removed after this */
#define SUM         32     /* SHA-256 over all before it: a file cut short or damaged is none */

struct cache {
    struct card_identity of; /* whose the entries are */
    bool changed;
    struct {
        uint8_t *p;
        size_t n;
    } entry[PIV_SLOTS];
};

static size_t place(const struct piv_slot *slot)
{
    for (size_t i = 0; i < PIV_SLOTS; i++)
        if (piv_slot_at(i) == slot)
            return i;
    return 0;
}

static void drop(struct cache *c, size_t i)
{
    free(c->entry[i].p);
    c->entry[i].p = NULL;
    c->entry[i].n = 0;
}

static bool put(struct cache *c, size_t i, struct rd object)
{
    uint8_t *p = malloc(object.n);
    if (p == NULL)
        return false;
    memcpy(p, object.p, object.n);
    drop(c, i);
    c->entry[i].p = p;
    c->entry[i].n = object.n;
    return true;
}

void cache_free(struct slot *s)
{
    for (size_t i = 0; s->cache != NULL && i < PIV_SLOTS; i++)
        drop(s->cache, i);
    free(s->cache);
    s->cache = NULL;
}

/* ---- files ---- */

/* Serial numbers are nobody's business: the name is a digest of the identity. */
static bool file_name(const struct card_identity *of, char *out, size_t size)
{
    uint8_t id[1 + sizeof of->bytes], sum[HOST_MAX_HASH];
    id[0] = (uint8_t)of->kind;
    memcpy(id + 1, of->bytes, of->len);
    if (host_hash_once(HOST_SHA256, id, 1 + (size_t)of->len, sum) != HOST_OK)
        return false;
    size_t used = (size_t)snprintf(out, size, "card-");
    for (size_t i = 0; i < 16 && used + 2 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%02x", sum[i]);
    return true;
}

static int open_directory(const char *path)
{
    return shared_is_private(path) ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/* The last two of the path are ours to make: ~/.cache may be missing too. */
static int make_directory(const char *path)
{
    char above[256];
    const char *end = strrchr(path, '/');
    if (end != NULL && end != path && (size_t)(end - path) < sizeof above) {
        memcpy(above, path, (size_t)(end - path));
        above[end - path] = '\0';
        (void)mkdir(above, 0700);
    }
    (void)mkdir(path, 0700);
    return open_directory(path);
}

static bool is_ours(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 022) == 0;
}

/* A whole file (malloc). */
static uint8_t *read_file(int dir, const char *name, size_t *len)
{
    struct stat st;
    uint8_t *bytes = NULL;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && is_ours(&st) && st.st_size > 0 && st.st_size <= FILE_MAX)
        bytes = malloc((size_t)st.st_size);
    if (bytes != NULL && read(fd, bytes, (size_t)st.st_size) != (ssize_t)st.st_size) {
        free(bytes);
        bytes = NULL;
    }
    close(fd);
    *len = bytes != NULL ? (size_t)st.st_size : 0;
    return bytes;
}

static bool is_sound(struct rd all)
{
    uint8_t sum[HOST_MAX_HASH];
    if (all.n < SUM || host_hash_once(HOST_SHA256, all.p, all.n - SUM, sum) != HOST_OK)
        return false;
    return memcmp(sum, all.p + all.n - SUM, SUM) == 0;
}

/* { slot's key reference, length in two bytes, object }... */
static void parse(struct cache *c, struct rd all)
{
    struct rd magic, object;
    uint8_t ref;
    uint16_t n;
    if (!is_sound(all) || !rd_take(&all, sizeof MAGIC - 1, &magic) || !rd_is(magic, MAGIC, sizeof MAGIC - 1))
        return;
    all.n -= SUM;
    while (rd_u8(&all, &ref) && rd_u16(&all, &n) && n > 0 && n <= OBJECT_MAX && rd_take(&all, n, &object))
        for (size_t i = 0; i < PIV_SLOTS; i++)
            if (piv_slot_at(i)->ref == ref && !put(c, i, object))
                return;
}

/* The entries of the card that is in; NULL: nothing may be kept of it. */
static struct cache *cache_of(struct slot *s)
{
    char name[64];
    size_t len;
    if (s->module->settings.cache[0] == '\0' || !s->identified || s->identity.kind == IDENTITY_NONE)
        return NULL;
    if (s->cache != NULL && card_identity_same(&s->cache->of, &s->identity))
        return s->cache;
    cache_free(s);
    s->cache = calloc(1, sizeof *s->cache);
    if (s->cache == NULL)
        return NULL;
    s->cache->of = s->identity;
    int dir = open_directory(s->module->settings.cache);
    if (dir < 0)
        return s->cache;
    uint8_t *bytes = file_name(&s->identity, name, sizeof name) ? read_file(dir, name, &len) : NULL;
    if (bytes != NULL)
        parse(s->cache, rd_of(bytes, len));
    free(bytes);
    close(dir);
    return s->cache;
}

static bool write_all(int fd, struct rd bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n <= 0)
            return false;
        bytes = rd_of(bytes.p + n, bytes.n - (size_t)n);
    }
    return true;
}

/* As many cards as may be kept, and nothing that a killed program left behind. */
static void tidy(int dir)
{
    for (;;) {
        char oldest[NAME_MAX + 1] = "";
        time_t when = 0;
        size_t files = 0;
        int copy = dup(dir);
        DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
        struct dirent *e;
        struct stat st;
        if (d == NULL) {
            if (copy >= 0)
                close(copy);
            return;
        }
        rewinddir(d);
        while ((e = readdir(d)) != NULL) {
            bool fresh = strncmp(e->d_name, "new-", 4) == 0;
            if ((!fresh && strncmp(e->d_name, "card-", 5) != 0) ||
                fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                continue;
            if (fresh && time(NULL) - st.st_mtime > ABANDONED_S)
                (void)unlinkat(dir, e->d_name, 0);
            if (!fresh && (files++ == 0 || st.st_mtime < when)) {
                when = st.st_mtime;
                snprintf(oldest, sizeof oldest, "%s", e->d_name);
            }
        }
        closedir(d);
        if (files <= FILES_MAX || unlinkat(dir, oldest, 0) != 0)
            return;
    }
}

static bool replace(int dir, const char *directory, const char *name, struct rd bytes)
{
    char fresh[320];
    int n = snprintf(fresh, sizeof fresh, "%s/new-XXXXXX", directory);
    int fd = n > 0 && (size_t)n < sizeof fresh ? mkostemp(fresh, O_CLOEXEC) : -1; /* 0600 */
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes);
    ok = close(fd) == 0 && ok;
    if (ok)
        ok = renameat(AT_FDCWD, fresh, dir, name) == 0;
    if (!ok)
        (void)unlink(fresh);
    return ok;
}

void cache_keep(struct slot *s)
{
    struct cache *c = s->cache;
    char name[64];
    uint8_t sum[HOST_MAX_HASH], *bytes;
    struct rd all;
    if (c == NULL || !c->changed || (bytes = malloc(FILE_MAX)) == NULL)
        return;
    c->changed = false;
    struct wr w = wr_of(bytes, FILE_MAX - SUM);
    wr_bytes(&w, MAGIC, sizeof MAGIC - 1);
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        if (c->entry[i].n == 0)
            continue;
        wr_u8(&w, piv_slot_at(i)->ref);
        wr_u16(&w, (uint16_t)c->entry[i].n);
        wr_bytes(&w, c->entry[i].p, c->entry[i].n);
    }
    int dir = make_directory(s->module->settings.cache);
    if (dir >= 0 && wr_done(&w, &all) && file_name(&c->of, name, sizeof name) &&
        host_hash_once(HOST_SHA256, all.p, all.n, sum) == HOST_OK) {
        memcpy(bytes + all.n, sum, SUM);
        if (!replace(dir, s->module->settings.cache, name, rd_of(bytes, all.n + SUM)))
            log_line(LOG_OBJECT, "slot %lu: its certificates can't be kept", s->id);
        tidy(dir);
    }
    if (dir >= 0)
        close(dir);
    free(bytes);
}

/* ---- entries ---- */

/* What is said once of a certificate stands in the first n bytes of its object. */
static bool tells_which(struct rd object, size_t n)
{
    struct piv_certificate certificate;
    struct x509 x;
    const uint8_t *end = object.p + n;
    if (!piv_certificate_parse(object, &certificate) || certificate.compressed ||
        !x509_parse(certificate.data, &x))
        return false;
    return x.serial.p + x.serial.n <= end && x.issuer.p + x.issuer.n <= end &&
           x.not_after.p + x.not_after.n <= end;
}

/* Worth keeping: longer than a first answer, the beginning of which surely tells which one it is. */
static bool is_worth(struct rd object)
{
    return object.n > 256 && object.n <= OBJECT_MAX && tells_which(object, HEAD_SURE);
}

enum err cache_certificate(struct slot *s, const struct piv_slot *slot, uint8_t *out, size_t *len)
{
    struct cache *c = cache_of(s);
    struct rd content, head;
    size_t i = place(slot), total, room = *len;
    bool odd = false; /* the card doesn't give parts as others do */
    if (c != NULL && c->entry[i].n > 0) {
        struct rd kept = rd_of(c->entry[i].p, c->entry[i].n);
        enum err e = piv_get_data_head(&s->card, slot->object, &head, &total);
        bool same = e == E_OK && total == kept.n && rd_is(head, kept.p, head.n) && tells_which(kept, head.n);
        log_line(LOG_OBJECT, "slot %lu: %02X is %s", s->id, slot->ref, same ? "as kept" : "not as kept");
        if (same)
            return piv_unpack_certificate(&s->card, kept, out, len);
        odd = e == E_CARD || e == E_MALFORMED;
        if (e != E_OK && !odd) {
            *len = 0;
            return e;
        }
        drop(c, i);
        c->changed = true;
    }
    *len = 0;
    enum err e = piv_get_data(&s->card, slot->object, &content);
    if (e != E_OK)
        return e;
    if (c != NULL && !odd && is_worth(content))
        c->changed = put(c, i, content) || c->changed;
    *len = room;
    return piv_unpack_certificate(&s->card, content, out, len);
}
