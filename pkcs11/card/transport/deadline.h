// A moment on the monotonic clock, for waits that have to end. Private to transport/.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define DEADLINE_NEVER INT64_MAX

static inline int64_t deadline_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// timeout_ms -1: never.
static inline int64_t deadline_in(int timeout_ms)
{
    return timeout_ms < 0 ? DEADLINE_NEVER : deadline_now() + timeout_ms;
}

// Milliseconds that are left, at most `most`; 0 when it has passed.
static inline int deadline_left(int64_t deadline, int most)
{
    int64_t left = deadline == DEADLINE_NEVER ? most : deadline - deadline_now();
    return left <= 0 ? 0 : left < most ? (int)left : most;
}

static inline void deadline_pause(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}
