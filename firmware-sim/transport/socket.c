/* The card's end of the direct card socket, docs/card-socket.md: many clients, one transaction at a time. */
#include "transport/socket.h"

#include "transport/unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { VERSION = 1, HEAD = 4, PAYLOAD_MAX = 70000, NAME_MAX_BYTES = 63 };
enum { NO_CARD = 1, CARD_CHANGED = 2, PROTOCOL = 3 };
enum { LEAVE = 0, RESET_CARD = 1, POWER_OFF = 2 };

struct client {
    struct loop_watch watch; /* first: its address is the client's */
    struct card_socket *socket;
    struct client *next;
    uint8_t *in;
    size_t have, room;
    uint8_t *out;
    size_t out_len, out_sent;
    char pending;                /* the request that is not answered yet, 0: none */
    uint64_t turn;               /* since when it waits for the card, 0: it does not */
    bool transaction;            /* between B and E */
    bool holds;                  /* the card is its own, also for a single A */
    bool inside;                 /* its exchange is being started: an answer now needs no further steps */
    bool closing;                /* gone as soon as its output is */
    uint32_t insertions, resets; /* known to it: at its B, or in its W */
};

struct card_socket {
    struct loop_watch watch; /* first */
    struct token_watcher watcher;
    struct loop *loop;
    struct token *token;
    struct client *clients;
    struct client *holder;
    uint64_t turns;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void go_on(struct card_socket *s);
static void finish_waiting(struct client *c);

static void write_u32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t request_len(const struct client *c)
{
    return (size_t)c->in[1] << 16 | (size_t)c->in[2] << 8 | c->in[3];
}

/* -- output ------------------------------------------------------------------------------------------------
 */

/* What the socket does not take at once is kept and sent when it is writable. */
static bool keep(struct client *c, const uint8_t *bytes, size_t len)
{
    uint8_t *out = realloc(c->out, c->out_len + len);
    if (out == NULL)
        return false;
    memcpy(out + c->out_len, bytes, len);
    c->out = out;
    c->out_len += len;
    return loop_rewatch(c->socket->loop, &c->watch, EPOLLIN | EPOLLOUT);
}

static void send_message(struct client *c, char type, const uint8_t *payload, size_t len)
{
    uint8_t head[HEAD] = {(uint8_t)type, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    struct iovec part[2] = {{head, HEAD}, {(void *)payload, len}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    size_t sent = 0;
    if (c->out_len == 0) {
        ssize_t n = sendmsg(c->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            c->closing = true;
        sent = n > 0 ? (size_t)n : 0;
    }
    if (c->closing || sent == HEAD + len)
        return;
    if (sent < HEAD && !keep(c, head + sent, HEAD - sent))
        c->closing = true;
    size_t body_sent = sent > HEAD ? sent - HEAD : 0;
    if (len > body_sent && !keep(c, payload + body_sent, len - body_sent))
        c->closing = true;
}

static void flush(struct client *c)
{
    ssize_t n =
        send(c->watch.fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        c->closing = true;
    if (n > 0)
        c->out_sent += (size_t)n;
    if (c->out_sent == c->out_len) {
        c->out_len = c->out_sent = 0;
        (void)loop_rewatch(c->socket->loop, &c->watch, EPOLLIN);
    }
}

static void send_status(struct client *c)
{
    const struct token *t = c->socket->token;
    uint8_t payload[9] = {t->present ? 1 : 0};
    write_u32(payload + 1, t->insertions);
    write_u32(payload + 5, t->resets);
    c->pending = 0;
    send_message(c, 's', payload, sizeof payload);
}

static void send_error(struct client *c, uint8_t code)
{
    c->pending = 0;
    send_message(c, 'e', &code, 1);
    if (code == PROTOCOL)
        c->closing = true;
}

/* -- requests
 * ------------------------------------------------------------------------------------------------ */

static void release(struct client *c)
{
    c->holds = false;
    c->socket->holder = NULL;
}

static void answered(void *who, const uint8_t *answer, size_t len)
{
    struct client *c = who;
    if (len == 0 && c->socket->token->present)
        return; /* mute: the client gives up when it has waited enough */
    if (len == 0) {
        send_error(c, NO_CARD);
    } else {
        c->pending = 0;
        send_message(c, 'a', answer, len);
    }
    if (!c->transaction)
        release(c);
    if (!c->inside)
        finish_waiting(c);
}

/* The card is this client's: B and A go on. */
static void granted(struct client *c)
{
    struct card_socket *s = c->socket;
    struct token *t = s->token;
    c->turn = 0;
    c->holds = true;
    s->holder = c;
    if (c->pending == 'B') {
        c->transaction = true;
        c->insertions = t->insertions;
        c->resets = t->resets;
        send_status(c);
        return;
    }
    size_t len = request_len(c);
    if (t->present && c->transaction && (c->insertions != t->insertions || c->resets != t->resets)) {
        send_error(c, CARD_CHANGED);
        return;
    }
    c->inside = true;
    token_exchange(t, c->in + HEAD, len, answered, c);
    c->inside = false;
}

static void end_transaction(struct client *c, const uint8_t *payload)
{
    struct token *t = c->socket->token;
    if (payload[0] == RESET_CARD)
        token_reset(t);
    else if (payload[0] == POWER_OFF)
        token_power_off(t);
    c->transaction = false;
    release(c);
    send_status(c);
}

static bool differs(const struct client *c)
{
    const struct token *t = c->socket->token;
    return c->insertions != t->insertions || c->resets != t->resets;
}

/* One whole request lies at the start of the input. */
static void take(struct client *c, char type, const uint8_t *payload, size_t len)
{
    size_t atr_len;
    const uint8_t *atr;
    c->pending = type;
    if (type == 'S' && len == 0) {
        send_status(c);
    } else if (type == 'T' && len == 0) {
        atr = token_atr(c->socket->token, &atr_len);
        c->pending = 0;
        send_message(c, 't', atr, atr_len);
    } else if (type == 'W' && len == 8 && !c->transaction) {
        c->insertions = read_u32(payload);
        c->resets = read_u32(payload + 4);
        if (differs(c))
            send_status(c);
    } else if (type == 'E' && len == 1 && payload[0] <= POWER_OFF && c->transaction) {
        end_transaction(c, payload);
    } else if ((type == 'B' && len == 0 && !c->transaction) || (type == 'A' && len != 0)) {
        c->turn = ++c->socket->turns;
    } else {
        send_error(c, PROTOCOL);
    }
}

static struct client *next_in_turn(const struct card_socket *s)
{
    struct client *first = NULL;
    for (struct client *c = s->clients; c != NULL; c = c->next)
        if (c->turn != 0 && !c->closing && (first == NULL || c->turn < first->turn))
            first = c;
    return first;
}

/* Takes requests out of the input until one is not answered at once; the last one stays there while it waits.
 */
static void take_requests(struct client *c)
{
    while (!c->closing && c->pending == 0 && c->have >= HEAD) {
        size_t len = request_len(c);
        if (len > PAYLOAD_MAX) {
            send_error(c, PROTOCOL);
            return;
        }
        if (c->have < HEAD + len)
            return;
        take(c, (char)c->in[0], c->in + HEAD, len);
        if (c->turn != 0 && (c->holds || (c->socket->holder == NULL && next_in_turn(c->socket) == c)))
            granted(c);
        if (c->pending != 0)
            return;
        memmove(c->in, c->in + HEAD + len, c->have - HEAD - len);
        c->have -= HEAD + len;
    }
}

/* The request that waited was answered: it leaves the input, and what came behind it is taken. */
static void finish_waiting(struct client *c)
{
    size_t len = HEAD + request_len(c);
    memmove(c->in, c->in + len, c->have - len);
    c->have -= len;
    take_requests(c);
    go_on(c->socket);
}

/* -- clients
 * ------------------------------------------------------------------------------------------------- */

static void drop(struct client *c)
{
    struct card_socket *s = c->socket;
    struct client **at = &s->clients;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    token_forget(s->token, c);
    bool in_transaction = c->transaction;
    if (s->holder == c)
        s->holder = NULL;
    loop_unwatch(s->loop, &c->watch);
    (void)close(c->watch.fd);
    free(c->in);
    free(c->out);
    free(c);
    if (s->clients == NULL)
        token_power_off(s->token);
    else if (in_transaction)
        token_reset(s->token);
}

static bool room_for(struct client *c, size_t more)
{
    if (c->room - c->have >= more)
        return true;
    size_t room = c->room == 0 ? 1024 : c->room * 2;
    if (room > HEAD + PAYLOAD_MAX)
        room = HEAD + PAYLOAD_MAX;
    uint8_t *in = room > c->have ? realloc(c->in, room) : NULL;
    if (in == NULL)
        return false;
    c->in = in;
    c->room = room;
    return true;
}

static void read_input(struct client *c)
{
    if (!room_for(c, 1)) {
        c->closing = true; /* it sends more while it waits for an answer */
        c->out_len = 0;
        return;
    }
    ssize_t n = recv(c->watch.fd, c->in + c->have, c->room - c->have, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        c->closing = true;
        c->out_len = 0;
        return;
    }
    if (n > 0)
        c->have += (size_t)n;
    take_requests(c);
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct client *c = (struct client *)(void *)watch;
    struct card_socket *s = c->socket;
    if ((events & EPOLLOUT) != 0 && c->out_len != 0)
        flush(c);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_input(c);
    go_on(s);
}

static struct client *closed(const struct card_socket *s)
{
    for (struct client *c = s->clients; c != NULL; c = c->next)
        if (c->closing && c->out_len == 0)
            return c;
    return NULL;
}

/* Whatever has become possible: clients leave, the next one in turn gets the card. */
static void go_on(struct card_socket *s)
{
    struct client *c;
    for (;;) {
        while ((c = closed(s)) != NULL)
            drop(c);
        c = s->holder == NULL ? next_in_turn(s) : NULL;
        if (c == NULL)
            return;
        granted(c);
        if (c->pending == 0)
            finish_waiting(c);
    }
}

static void accept_client(struct loop_watch *watch, uint32_t events)
{
    struct card_socket *s = (struct card_socket *)(void *)watch;
    const char *name = s->token->profile->reader;
    uint8_t hello[1 + NAME_MAX_BYTES] = {VERSION};
    size_t len = strlen(name) > NAME_MAX_BYTES ? NAME_MAX_BYTES : strlen(name);
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *c = fd < 0 ? NULL : calloc(1, sizeof *c);
    if (c == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    c->watch.fd = fd;
    c->watch.ready = ready;
    c->socket = s;
    if (!loop_watch(s->loop, &c->watch, EPOLLIN)) {
        (void)close(fd);
        free(c);
        return;
    }
    if (s->clients == NULL)
        token_power_on(s->token);
    c->next = s->clients;
    s->clients = c;
    memcpy(hello + 1, name, len);
    send_message(c, 'h', hello, 1 + len);
}

/* The card came, went or was reset: those who wait for that are told. */
static void changed(struct token_watcher *watcher)
{
    struct card_socket *s =
        (struct card_socket *)(void *)((char *)watcher - offsetof(struct card_socket, watcher));
    for (struct client *c = s->clients; c != NULL; c = c->next)
        if (c->pending == 'W' && differs(c)) {
            size_t len = HEAD + request_len(c);
            send_status(c);
            memmove(c->in, c->in + len, c->have - len);
            c->have -= len;
        }
    if (s->token->present && !s->token->powered && s->clients != NULL)
        token_power_on(s->token);
}

struct card_socket *card_socket_new(struct loop *loop, struct token *token, const char *path)
{
    struct card_socket *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->token = token;
    s->watch.ready = accept_client;
    s->watcher.changed = changed;
    s->watch.fd = unix_listen(path);
    if (s->watch.fd < 0 || !loop_watch(loop, &s->watch, EPOLLIN)) {
        int reason = errno;
        if (s->watch.fd >= 0)
            (void)close(s->watch.fd);
        free(s);
        errno = reason;
        return NULL;
    }
    memcpy(s->path, path, strlen(path) + 1);
    token->watcher = &s->watcher;
    return s;
}

void card_socket_free(struct card_socket *s)
{
    if (s == NULL)
        return;
    while (s->clients != NULL)
        drop(s->clients);
    loop_unwatch(s->loop, &s->watch);
    (void)close(s->watch.fd);
    (void)unlink(s->path);
    s->token->watcher = NULL;
    free(s);
}
