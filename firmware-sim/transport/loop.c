/* epoll for the sockets, a heap for the timers. */
#include "transport/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

struct loop {
    int epoll;
    bool stopping;
    struct epoll_event event[BATCH];
    int events, at;           /* of the batch that is being served */
    struct loop_timer **heap; /* from 1 */
    size_t timers, room;
};

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    (void)close(loop->epoll);
    free(loop->heap);
    free(loop);
}

static bool control(struct loop *loop, int op, struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(loop->epoll, op, watch->fd, &event) == 0;
}

bool loop_watch(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    watch->watched = control(loop, EPOLL_CTL_ADD, watch, events);
    return watch->watched;
}

bool loop_rewatch(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, watch, events);
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    if (!watch->watched)
        return;
    watch->watched = false;
    (void)control(loop, EPOLL_CTL_DEL, watch, 0);
    for (int i = loop->at; i < loop->events; i++)
        if (loop->event[i].data.ptr == watch)
            loop->event[i].data.ptr = NULL;
}

/* -- timers ------------------------------------------------------------------------------------------------
 */

static void put(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void rise(struct loop *loop, size_t place)
{
    struct loop_timer *timer = loop->heap[place];
    for (; place > 1 && loop->heap[place / 2]->at_us > timer->at_us; place /= 2)
        put(loop, place, loop->heap[place / 2]);
    put(loop, place, timer);
}

static void sink(struct loop *loop, size_t place)
{
    struct loop_timer *timer = loop->heap[place];
    for (size_t child; (child = place * 2) <= loop->timers; place = child) {
        if (child < loop->timers && loop->heap[child + 1]->at_us < loop->heap[child]->at_us)
            child++;
        if (loop->heap[child]->at_us >= timer->at_us)
            break;
        put(loop, place, loop->heap[child]);
    }
    put(loop, place, timer);
}

bool loop_set(struct loop *loop, struct loop_timer *timer, uint64_t after_us)
{
    loop_clear(loop, timer);
    if (loop->timers + 1 >= loop->room) {
        size_t room = loop->room == 0 ? 16 : loop->room * 2;
        struct loop_timer **heap = realloc(loop->heap, room * sizeof *heap);
        if (heap == NULL)
            return false;
        loop->heap = heap;
        loop->room = room;
    }
    timer->at_us = now_us() + after_us;
    put(loop, ++loop->timers, timer);
    rise(loop, timer->place);
    return true;
}

void loop_clear(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    if (place == 0)
        return;
    timer->place = 0;
    struct loop_timer *last = loop->heap[loop->timers--];
    if (last == timer)
        return;
    put(loop, place, last);
    rise(loop, place);
    sink(loop, last->place);
}

/* Serves what is due, and tells how long to wait for the next one; false: for ever. */
static bool serve_timers(struct loop *loop, struct timespec *wait)
{
    while (loop->timers != 0 && !loop->stopping) {
        struct loop_timer *first = loop->heap[1];
        uint64_t now = now_us();
        if (first->at_us > now) {
            uint64_t us = first->at_us - now;
            *wait =
                (struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
            return true;
        }
        loop_clear(loop, first);
        first->due(first);
    }
    return false;
}

bool loop_run(struct loop *loop)
{
    struct timespec wait;
    loop->stopping = false;
    for (;;) {
        bool limited = serve_timers(loop, &wait);
        if (loop->stopping)
            return true;
        loop->events = epoll_pwait2(loop->epoll, loop->event, BATCH, limited ? &wait : NULL, NULL);
        if (loop->events < 0 && errno != EINTR)
            return false;
        for (loop->at = 0; loop->at < loop->events && !loop->stopping;) {
            struct epoll_event *e = &loop->event[loop->at++];
            struct loop_watch *watch = e->data.ptr;
            if (watch != NULL)
                watch->ready(watch, e->events);
        }
        loop->events = 0;
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
