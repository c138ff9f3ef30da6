// What sim.c and sim_wait.c share. Private to transport/.
#pragma once
#include <sys/types.h>

#include "card/transport/transport.h"

struct sim {
    struct tp tp;
    pid_t owner;
    size_t count;
    char *path[TP_READERS_MAX];
    char *list; // what the paths point into
};

// Calls seen(ctx, reader, path, fd) for each simulator that answers, in order; when it returns true the
// descriptor is the callee's, otherwise it is closed here. The path lives as long as sim.
typedef bool sim_seen(void *ctx, const struct tp_reader *reader, const char *path, int fd);
void sim_each(const struct sim *sim, sim_seen *seen, void *ctx);

enum err sim_wait_open(struct tp *tp, struct tp_wait **out);
enum err sim_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms);
void sim_wait_cancel(struct tp_wait *wait);
void sim_wait_close(struct tp_wait *wait);
