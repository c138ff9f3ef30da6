// The layer that tells a watcher about every exchange, withholding what its builder didn't call public.
#include "card/apdu/layer.h"

#include <time.h>

static uint64_t microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

enum err layer_trace(struct chan *ch, const struct unit *u, uint16_t *sw)
{
    if (!ch->trace.emit)
        return layer_wire(ch, u, sw);
    struct trace_event event = {
        .kind = TRACE_COMMAND,
        .name = u->name,
        .cla = u->cla,
        .ins = u->ins,
        .p1 = u->p1,
        .p2 = u->p2,
        .length = u->body.n,
        .expected = u->expected,
        .body = u->publish & APDU_PUBLIC_COMMAND ? u->body : (struct rd){NULL, 0},
    };
    ch->trace.emit(ch->trace.ctx, &event);

    size_t before = ch->reply_len;
    uint64_t start = microseconds();
    enum err e = layer_wire(ch, u, sw);
    event.kind = TRACE_RESPONSE;
    event.microseconds = microseconds() - start;
    event.sw = *sw;
    event.error = e;
    event.length = ch->reply_len - before;
    event.body =
        u->publish & APDU_PUBLIC_REPLY ? rd_of(ch->reply + before, event.length) : (struct rd){NULL, 0};
    ch->trace.emit(ch->trace.ctx, &event);
    return e;
}
