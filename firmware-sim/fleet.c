/* Opens tokens, attaches them, exchanges their cards. */
#include "fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* %d becomes the number; without it the text stays as it is. */
static char *numbered(const char *text, uint32_t n)
{
    char *out = NULL;
    const char *mark = strstr(text, "%d");
    int len = mark == NULL ? asprintf(&out, "%s", text)
                           : asprintf(&out, "%.*s%" PRIu32 "%s", (int)(mark - text), text, n, mark + 2);
    return len < 0 ? NULL : out;
}

/* The port of the n-th reader; each of vpcd's readers has two slots, so that readers' ports are two apart. */
static char *with_port(const char *host_port, uint32_t n)
{
    const char *colon = strrchr(host_port, ':');
    char *out = NULL;
    if (colon == NULL || n == 1)
        return strdup(host_port);
    unsigned long port = strtoul(colon + 1, NULL, 10) + 2UL * (n - 1);
    return asprintf(&out, "%.*s:%lu", (int)(colon - host_port), host_port, port) < 0 ? NULL : out;
}

static void arrived(void *who)
{
    struct seat *seat = who;
    struct fleet *fleet = seat->fleet;
    if (seat->connected)
        return;
    seat->connected = true;
    if (++fleet->connected == fleet->seats)
        fleet->ready(fleet);
}

static void equip(struct token *token, const struct options *o, size_t number)
{
    for (size_t i = 0; i < o->faults; i++)
        (void)faults_add(&token->faults, o->fault[i]);
    token->faults.seed = o->seed + number;
    token->timing = o->timing;
    if (o->fingers != 0) {
        token->fingers = o->fingers;
        memcpy(token->finger, o->finger, sizeof token->finger);
    }
}

static int attach(struct seat *seat, const struct option_token *t)
{
    struct token *token = &seat->token;
    if (t->vpcd_at != NULL) {
        seat->vpcd = vpcd_new(token->loop, token, seat->place, arrived, seat);
        if (seat->vpcd == NULL)
            return options_complain(EXIT_OTHER, "--vpcd takes HOST:PORT of a running vpcd, not", seat->place);
        if (!token->present)
            arrived(seat);
        return 0;
    }
    seat->socket = card_socket_new(token->loop, token, seat->place);
    if (seat->socket == NULL)
        return options_complain(EXIT_OTHER, seat->place, strerror(errno));
    arrived(seat);
    return 0;
}

static int seat_open(struct seat *seat, const struct options *o, const struct option_token *t, uint32_t n)
{
    char reason[512];
    seat->wish = t->wish;
    seat->path = numbered(t->wish.path, n);
    seat->place = t->vpcd_at != NULL ? with_port(t->vpcd_at, n) : numbered(t->listen_at, n);
    if (seat->path == NULL || seat->place == NULL)
        return options_complain(EXIT_OTHER, "no memory", NULL);
    seat->wish.path = seat->path;
    seat->wish.serial += n - 1;
    if (!image_open(&seat->token, &seat->wish, reason, sizeof reason))
        return options_complain(EXIT_OTHER, reason, NULL);
    equip(&seat->token, o, (size_t)(seat - seat->fleet->seat));
    seat->token.present = !o->absent;
    return attach(seat, t);
}

/* Each token at a socket has its image and its socket open, and its clients. */
static void allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A card's buffers are mapped, not taken from the heap: pages that it never uses then cost nothing. */
static void keep_small(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 * 1024);
}

int fleet_open(struct fleet *fleet, const struct options *o)
{
    size_t at = 0;
    for (size_t i = 0; i < o->tokens; i++)
        fleet->seats += o->token[i].count;
    fleet->seat = calloc(fleet->seats, sizeof *fleet->seat);
    if (fleet->seat == NULL)
        return options_complain(EXIT_OTHER, "no memory", NULL);
    for (size_t i = 0; i < fleet->seats; i++) {
        token_init(&fleet->seat[i].token, fleet->loop, fleet->workshop, fleet->log, fleet->answer);
        fleet->seat[i].fleet = fleet;
    }
    keep_small();
    if (fleet->seats > 100)
        allow_files();
    for (size_t i = 0; i < o->tokens; i++)
        for (uint32_t n = 1; n <= o->token[i].count; n++) {
            int code = seat_open(&fleet->seat[at++], o, &o->token[i], n);
            if (code != 0)
                return code;
        }
    return 0;
}

void fleet_close(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->seats && fleet->seat != NULL; i++) {
        struct seat *seat = &fleet->seat[i];
        card_socket_free(seat->socket);
        vpcd_free(seat->vpcd);
        token_end(&seat->token);
        image_close(&seat->token);
        free(seat->path);
        free(seat->place);
    }
    free(fleet->seat);
    fleet->seat = NULL;
}

/* -- another card in the same reader
 * ------------------------------------------------------------------------------ */

/* Closes the present card and opens the image at path; when that fails, the present one comes back. */
static bool exchange(struct seat *seat, const char *path, const struct image_wish *wish, char *reason,
                     size_t cap)
{
    struct token *token = &seat->token;
    char *owned = strdup(path), again[512];
    bool present = token->present;
    if (owned == NULL) {
        (void)snprintf(reason, cap, "no memory");
        return false;
    }
    token_remove(token);
    image_close(token);
    cut_restore(&token->storage);
    bool opened = image_open(token, wish, reason, cap);
    if (opened) {
        free(seat->path);
        seat->path = owned;
        seat->wish = *wish;
        seat->wish.path = owned;
    } else {
        free(owned);
        if (!image_open(token, &seat->wish, again, sizeof again))
            (void)fprintf(stderr, "ingam-sim: %s\n", again);
    }
    if (token->card != NULL && (present || opened))
        (void)token_insert(token);
    return opened;
}

bool fleet_swap(struct seat *seat, const char *path, char *reason, size_t cap)
{
    const struct image_wish wish = {.path = path};
    return exchange(seat, path, &wish, reason, cap);
}

static bool copy_bytes(int from, int to)
{
    uint8_t piece[4096];
    static const uint8_t zeros[sizeof piece];
    off_t at = 0;
    for (ssize_t n; (n = pread(from, piece, sizeof piece, at)) != 0; at += n)
        if (n < 0 || (memcmp(piece, zeros, (size_t)n) != 0 && pwrite(to, piece, (size_t)n, at) != n))
            return false;
    return ftruncate(to, at) == 0 && fsync(to) == 0;
}

static bool say(char *reason, size_t cap, const char *path)
{
    (void)snprintf(reason, cap, "%s: %s", path, strerror(errno));
    return false;
}

bool fleet_snapshot(const struct seat *seat, const char *path, char *reason, size_t cap)
{
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return say(reason, cap, path);
    bool copied = copy_bytes(seat->token.image.fd, to);
    if (!copied)
        (void)say(reason, cap, path);
    (void)close(to);
    if (!copied)
        (void)unlink(path);
    return copied;
}

/* The copy is finished beside the image before it takes its place. */
static bool replace_image(const char *image, const char *path, char *reason, size_t cap)
{
    char *name = NULL;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return say(reason, cap, path);
    int to = asprintf(&name, "%s.restore", image) < 0
                 ? -1
                 : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done = to >= 0 && copy_bytes(from, to) && rename(name, image) == 0;
    if (!done)
        (void)say(reason, cap, image);
    if (to >= 0)
        (void)close(to);
    (void)close(from);
    free(name);
    return done;
}

/* The snapshot is opened as a card of its own first: what is no card never replaces one. */
static bool is_card(struct seat *seat, const char *path, char *reason, size_t cap)
{
    struct token *probe = malloc(sizeof *probe);
    const struct image_wish wish = {.path = path};
    if (probe == NULL || access(path, R_OK) != 0) {
        free(probe);
        return say(reason, cap, path);
    }
    token_init(probe, seat->token.loop, NULL, NULL, seat->token.answer);
    bool good = image_open(probe, &wish, reason, cap);
    if (good)
        image_close(probe);
    free(probe);
    return good;
}

bool fleet_restore(struct seat *seat, const char *path, char *reason, size_t cap)
{
    const struct image_wish wish = {.path = seat->path};
    if (!is_card(seat, path, reason, cap))
        return false;
    token_remove(&seat->token);
    return replace_image(seat->path, path, reason, cap) && exchange(seat, seat->path, &wish, reason, cap);
}
