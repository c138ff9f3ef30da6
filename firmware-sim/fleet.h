/* All the tokens of the process, each in its reader or at its socket. */
#ifndef FW_FLEET_H
#define FW_FLEET_H

#include "options.h"
#include "transport/socket.h"
#include "transport/vpcd.h"

struct fleet;

struct seat {
    struct token token;
    struct image_wish wish;
    char *path, *place; /* image and HOST:PORT or socket path, the seat's own */
    struct vpcd *vpcd;
    struct card_socket *socket;
    struct fleet *fleet;
    bool connected;
};

struct fleet {
    struct loop *loop;
    struct workshop *workshop;
    struct log *log;
    uint8_t *answer;
    struct seat *seat;
    size_t seats, connected;
    void (*ready)(struct fleet *fleet); /* called once, when every card is where it belongs */
};

/* Opens every image and attaches every token. 0, or the exit code when something was said to be wrong. */
int fleet_open(struct fleet *fleet, const struct options *options);
void fleet_close(struct fleet *fleet);

/* Each of these: false, and the reason filled in, when it can't be. */
bool fleet_swap(struct seat *seat, const char *path, char *reason, size_t cap);
bool fleet_snapshot(const struct seat *seat, const char *path, char *reason, size_t cap);
bool fleet_restore(struct seat *seat, const char *path, char *reason, size_t cap);

#endif
