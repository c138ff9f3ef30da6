/* A record in the user's runtime directory, read and written whole under a lock. */
#include "core/shared.h"
#include "core/core.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC   0x33676E49u
#define GOOD_US (UINT64_C(600) * 1000000) /* for how long a look at the tries counts */

struct record {
    uint32_t magic, insertion;
    uint64_t writes, pins,
        looked; /* looked: CLOCK_MONOTONIC of the last look that found all tries; 0: never, or one is lost */
    uint8_t id_kind, id_len, id[PIV_GUID_SIZE];          /* who the card is; kind 0: nobody has asked */
    uint8_t named_kind, named_len, named[PIV_GUID_SIZE]; /* whose label follows: also of another insertion */
    uint8_t name_len, name[32];
    uint8_t spare[3];
};

bool shared_is_private(const char *dir)
{
    struct stat st;
    return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static bool directory(char *out, size_t size)
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    unsigned uid = (unsigned)geteuid();
    char base[192];
    if (runtime == NULL || strlen(runtime) >= sizeof base || !shared_is_private(runtime)) {
        snprintf(base, sizeof base, "/run/user/%u", uid);
        if (!shared_is_private(base))
            snprintf(base, sizeof base, "/tmp/.ingam-%u", uid);
        if (mkdir(base, 0700) != 0 && !shared_is_private(base))
            return false;
    } else {
        snprintf(base, sizeof base, "%s", runtime);
    }
    int n = snprintf(out, size, "%s/ingam-pkcs11", base);
    if (n < 0 || (size_t)n >= size)
        return false;
    (void)mkdir(out, 0700);
    return shared_is_private(out);
}

/* Readers of the same name in different worlds (another pcscd, other simulators) are different readers, and
 * so they are after the service was started anew: its socket is another one then. */
static bool add_socket(char *world, size_t size, const char *path, size_t path_len)
{
    struct stat st;
    char name[256];
    if (path_len >= sizeof name)
        return false;
    memcpy(name, path, path_len);
    name[path_len] = '\0';
    if (stat(name, &st) != 0)
        return true; /* not running: no reader is there by it */
    size_t used = strlen(world);
    int n = snprintf(world + used, size - used, " %lu.%lu.%lld.%ld", (unsigned long)st.st_dev,
                     (unsigned long)st.st_ino, (long long)st.st_ctim.tv_sec, (long)st.st_ctim.tv_nsec);
    return n > 0 && (size_t)n < size - used;
}

/* list: "unix:PATH,unix:PATH...", as transport.h has it. */
static bool add_simulators(char *world, size_t size, const char *list)
{
    static const char scheme[] = "unix:";
    while (*list != '\0') {
        size_t n = strcspn(list, ",");
        size_t skip = strncmp(list, scheme, sizeof scheme - 1) == 0 ? sizeof scheme - 1 : 0;
        if (!add_socket(world, size, list + skip, n - skip))
            return false;
        list += n + (list[n] == ',');
    }
    return true;
}

static bool file_name(const struct slot *s, char *out, size_t size)
{
    const char *sim = secure_getenv("INGAM_SIM"), *socket = secure_getenv("PCSCLITE_CSOCK_NAME");
    const char *service = socket != NULL ? socket : "/run/pcscd/pcscd.comm";
    char world[8192];
    uint8_t sum[HOST_MAX_HASH];
    int n = snprintf(world, sizeof world, "%s%s %s", s->reader, s->piv != NULL ? " (OTP)" : "",
                     sim != NULL ? sim : service);
    if (n < 0 || (size_t)n >= sizeof world ||
        !(sim != NULL
              ? add_simulators(world, sizeof world, sim)
              : access(service, F_OK) == 0 && add_socket(world, sizeof world, service, strlen(service))) ||
        host_hash_once(HOST_SHA256, world, strlen(world), sum) != HOST_OK || !directory(out, size))
        return false;
    size_t used = strlen(out);
    for (size_t i = 0; i < 12 && used + 4 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%02x", i == 0 ? "/" : "", sum[i]);
    return true;
}

static bool read_any(const struct slot *s, struct record *r)
{
    return s->shared.fd >= 0 && pread(s->shared.fd, r, sizeof *r, 0) == (ssize_t)sizeof *r &&
           r->magic == MAGIC;
}

static bool read_record(const struct slot *s, struct record *r)
{
    return read_any(s, r) && r->insertion == s->insertion;
}

static void take_identity(struct slot *s, const struct record *r)
{
    if (s->identified || r->id_len == 0 || r->id_len > sizeof s->identity.bytes ||
        (r->id_kind != IDENTITY_SERIAL && r->id_kind != IDENTITY_GUID))
        return;
    s->identity = (struct card_identity){.kind = (enum card_identity_kind)r->id_kind, .len = r->id_len};
    memcpy(s->identity.bytes, r->id, r->id_len);
    s->identified = true;
}

void shared_open(struct slot *s)
{
    char path[256];
    struct record r;
    shared_close(s);
    if (!file_name(s, path, sizeof path))
        return;
    s->shared.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    s->shared.writes = s->shared.pins = 0;
    if (read_record(s, &r)) {
        s->shared.writes = r.writes;
        s->shared.pins = r.pins;
        take_identity(s, &r);
    }
}

void shared_close(struct slot *s)
{
    if (s->shared.fd >= 0)
        close(s->shared.fd);
    s->shared.fd = -1;
}

static bool moved(const struct slot *s, bool writes, uint64_t *known)
{
    struct record r;
    if (!read_record(s, &r))
        return false;
    uint64_t now = writes ? r.writes : r.pins;
    bool changed = now != *known;
    *known = now;
    return changed;
}

bool shared_written(struct slot *s)
{
    return moved(s, true, &s->shared.writes);
}

bool shared_pins_moved(struct slot *s)
{
    return moved(s, false, &s->shared.pins);
}

bool shared_tries_full(struct slot *s)
{
    struct record r;
    return read_record(s, &r) && r.looked != 0 && now_us() - r.looked < GOOD_US;
}

/* What others did meanwhile stays news; what is told here is none to us. */
static bool start(struct slot *s, struct record *r)
{
    if (s->shared.fd < 0 || flock(s->shared.fd, LOCK_EX) != 0)
        return false;
    if (!read_any(s, r))
        *r = (struct record){.magic = MAGIC, .insertion = s->insertion};
    if (r->insertion != s->insertion) {
        struct record fresh = {.magic = MAGIC, .insertion = s->insertion};
        size_t names = offsetof(struct record, named_kind);
        memcpy((uint8_t *)&fresh + names, (uint8_t *)r + names, sizeof fresh - names);
        *r = fresh;
    }
    return true;
}

static void finish(struct slot *s, const struct record *r)
{
    ssize_t written = pwrite(s->shared.fd, r, sizeof *r, 0);
    (void)written; /* the others then learn it later */
    flock(s->shared.fd, LOCK_UN);
}

void shared_tell_identity(struct slot *s)
{
    struct record r;
    if (!start(s, &r))
        return;
    r.id_kind = (uint8_t)s->identity.kind;
    r.id_len = s->identity.len;
    memcpy(r.id, s->identity.bytes, sizeof r.id);
    finish(s, &r);
}

static bool is_of(const struct slot *s, const struct record *r)
{
    struct card_identity of = {.kind = (enum card_identity_kind)r->named_kind, .len = r->named_len};
    memcpy(of.bytes, r->named, sizeof of.bytes);
    return s->identified && of.len <= sizeof of.bytes && card_identity_same(&of, &s->identity);
}

bool shared_name(const struct slot *s, uint8_t name[32], size_t *len)
{
    struct record r;
    if (!read_any(s, &r) || !is_of(s, &r) || r.name_len > sizeof r.name)
        return false;
    memcpy(name, r.name, sizeof r.name);
    *len = r.name_len;
    return true;
}

bool shared_noted(const struct slot *s)
{
    uint64_t known = s->shared.writes;
    uint8_t name[sizeof s->name];
    size_t len;
    return moved(s, true, &known) ||
           (shared_name(s, name, &len) && (len != s->name_len || memcmp(name, s->name, len) != 0));
}

void shared_tell_name(struct slot *s)
{
    struct record r;
    uint8_t told[sizeof r.name];
    size_t len;
    if (!s->identified || s->identity.kind == IDENTITY_NONE ||
        (shared_name(s, told, &len) && len == s->name_len && memcmp(told, s->name, len) == 0) ||
        !start(s, &r))
        return;
    r.named_kind = (uint8_t)s->identity.kind;
    r.named_len = s->identity.len;
    memcpy(r.named, s->identity.bytes, sizeof r.named);
    r.name_len = (uint8_t)s->name_len;
    memcpy(r.name, s->name, sizeof r.name);
    finish(s, &r);
}

void shared_tell_written(struct slot *s)
{
    struct record r;
    if (!start(s, &r))
        return;
    s->shared.writes += s->shared.writes == r.writes;
    r.writes++;
    finish(s, &r);
}

void shared_tell_pin(struct slot *s, bool full, bool moved_now)
{
    struct record r;
    if (!start(s, &r))
        return;
    s->shared.pins += moved_now && s->shared.pins == r.pins;
    r.pins += moved_now;
    r.looked = full ? now_us() : 0;
    finish(s, &r);
}
