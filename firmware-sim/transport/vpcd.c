/* The card's end of vpcd: it connects to the reader, is powered by control bytes and answers commands. */
#include "transport/vpcd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { POWER_OFF = 0, POWER_ON = 1, RESET = 2, GET_ATR = 4 };
enum { RETRY_US = 100 * 1000, MESSAGE_MAX = 65535 };

struct vpcd {
    struct loop_watch watch; /* first: its address is the vpcd's */
    struct loop_timer retry;
    struct token_watcher watcher;
    struct loop *loop;
    struct token *token;
    void (*connected)(void *who);
    void *who;
    struct sockaddr_storage address;
    socklen_t address_len;
    bool connecting;
    size_t have;
    uint8_t in[2 + MESSAGE_MAX];
};

static void hang_up(struct vpcd *v)
{
    loop_unwatch(v->loop, &v->watch);
    if (v->watch.fd >= 0)
        (void)close(v->watch.fd);
    v->watch.fd = -1;
    v->have = 0;
    token_forget(v->token, v);
    token_power_off(v->token);
}

static void lose(struct vpcd *v)
{
    hang_up(v);
    if (v->token->present)
        (void)loop_set(v->loop, &v->retry, RETRY_US);
}

static void send_message(struct vpcd *v, const uint8_t *bytes, size_t len)
{
    uint8_t head[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    struct iovec part[2] = {{head, sizeof head}, {(void *)bytes, len}};
    /* vpcd takes each answer before it sends the next command: the socket's buffer always has room for one */
    if (v->watch.fd >= 0 && writev(v->watch.fd, part, 2) != (ssize_t)(sizeof head + len))
        lose(v);
}

/* A card that stays mute can't be told to vpcd, which would wait for ever: it is pulled and put in again. */
static void answered(void *who, const uint8_t *answer, size_t len)
{
    struct vpcd *v = who;
    if (len != 0 && len <= MESSAGE_MAX)
        send_message(v, answer, len);
    else if (v->watch.fd >= 0)
        lose(v);
}

static void take(struct vpcd *v, const uint8_t *message, size_t len)
{
    size_t atr_len;
    const uint8_t *atr;
    if (len != 1) {
        token_exchange(v->token, message, len, answered, v);
        return;
    }
    switch (message[0]) {
    case POWER_OFF:
        token_power_off(v->token);
        break;
    case POWER_ON:
        token_power_on(v->token);
        break;
    case RESET:
        token_reset(v->token);
        break;
    case GET_ATR:
        atr = token_atr(v->token, &atr_len);
        send_message(v, atr, atr_len);
        v->connected(v->who); /* now pcscd knows of the card */
        break;
    default:
        break;
    }
}

static void take_messages(struct vpcd *v)
{
    size_t at = 0;
    while (v->watch.fd >= 0 && v->have - at >= 2) {
        size_t len = (size_t)v->in[at] << 8 | v->in[at + 1];
        if (v->have - at < 2 + len)
            break;
        at += 2 + len;
        if (len != 0)
            take(v, v->in + at - len, len);
    }
    if (at > v->have)
        at = v->have;
    memmove(v->in, v->in + at, v->have - at);
    v->have -= at;
}

/* vpcd sends length and payload apart: without an acknowledgement at once each command would wait 40 ms. */
static ssize_t receive(struct vpcd *v)
{
    int on = 1;
    (void)setsockopt(v->watch.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return recv(v->watch.fd, v->in + v->have, sizeof v->in - v->have, MSG_DONTWAIT);
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct vpcd *v = (struct vpcd *)(void *)watch;
    int error = 0;
    socklen_t len = sizeof error;
    if (v->connecting) {
        (void)getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0 || !loop_rewatch(v->loop, watch, EPOLLIN)) {
            lose(v);
            return;
        }
        v->connecting = false;
        return;
    }
    (void)events;
    ssize_t n = receive(v);
    if (n > 0) {
        v->have += (size_t)n;
        take_messages(v);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        lose(v);
    }
}

static void dial(struct loop_timer *timer)
{
    struct vpcd *v = (struct vpcd *)(void *)((char *)timer - offsetof(struct vpcd, retry));
    int on = 1;
    v->watch.fd = socket(v->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (v->watch.fd < 0) {
        (void)loop_set(v->loop, &v->retry, RETRY_US);
        return;
    }
    (void)setsockopt(v->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    v->connecting = true;
    if ((connect(v->watch.fd, (const struct sockaddr *)&v->address, v->address_len) != 0 &&
         errno != EINPROGRESS) ||
        !loop_watch(v->loop, &v->watch, EPOLLOUT))
        lose(v);
}

/* The card was put in or taken out: that is what a connection says to vpcd. */
static void changed(struct token_watcher *watcher)
{
    struct vpcd *v = (struct vpcd *)(void *)((char *)watcher - offsetof(struct vpcd, watcher));
    if (!v->token->present && v->watch.fd >= 0)
        hang_up(v);
    else if (v->token->present && v->watch.fd < 0 && v->retry.place == 0)
        (void)loop_set(v->loop, &v->retry, 0);
}

static bool resolve(struct vpcd *v, const char *host_port)
{
    char host[256];
    const char *colon = strrchr(host_port, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (colon == NULL || (size_t)(colon - host_port) >= sizeof host)
        return false;
    memcpy(host, host_port, (size_t)(colon - host_port));
    host[colon - host_port] = 0;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(&v->address, found->ai_addr, found->ai_addrlen);
    v->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

struct vpcd *vpcd_new(struct loop *loop, struct token *token, const char *host_port,
                      void (*connected)(void *who), void *who)
{
    struct vpcd *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->loop = loop;
    v->token = token;
    v->connected = connected;
    v->who = who;
    v->watch.fd = -1;
    v->watch.ready = ready;
    v->retry.due = dial;
    v->watcher.changed = changed;
    if (!resolve(v, host_port) || !loop_set(loop, &v->retry, 0)) {
        free(v);
        return NULL;
    }
    token->watcher = &v->watcher;
    return v;
}

void vpcd_free(struct vpcd *v)
{
    if (v == NULL)
        return;
    hang_up(v);
    loop_clear(v->loop, &v->retry);
    v->token->watcher = NULL;
    free(v);
}
