/* One loop that serves all sockets and timers of the process, so that a thousand cards need no thread each.
 */
#ifndef FW_LOOP_H
#define FW_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct loop_watch {
    int fd;
    void (*ready)(struct loop_watch *watch, uint32_t events); /* EPOLLIN and its relatives */
    bool watched;
};

struct loop_timer {
    void (*due)(struct loop_timer *timer);
    uint64_t at_us;
    size_t place; /* in the heap, 0: not set */
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* The watch stays the caller's and must live until loop_unwatch. */
bool loop_watch(struct loop *loop, struct loop_watch *watch, uint32_t events);
bool loop_rewatch(struct loop *loop, struct loop_watch *watch, uint32_t events);
/* After this, ready is not called any more, not even for events that have happened already. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Calls due once, after that many microseconds; setting it again moves it. False: no memory. */
bool loop_set(struct loop *loop, struct loop_timer *timer, uint64_t after_us);
void loop_clear(struct loop *loop, struct loop_timer *timer);

/* Serves until loop_stop, which a handler calls. False when the system refuses to wait. */
bool loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
