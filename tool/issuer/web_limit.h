// How often an address or an account may do something, in tables of fixed size.
#ifndef INGAM_ISSUER_WEB_LIMIT_H
#define INGAM_ISSUER_WEB_LIMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum web_limit {
    LIMIT_REQUESTS, // of an address
    LIMIT_SESSIONS, // begun by an address
    LIMIT_STRAYS,   // wrong answers from an address
    LIMIT_WRONG,    // wrong answers about an account
    LIMIT_KINDS
};

#define LIMIT_PLACES 4096

struct web_limits {
    pthread_mutex_t lock;
    unsigned char key[32]; // so that nobody can choose names that meet in one place
    int64_t (*now)(void);  // monotonic seconds
    struct {
        uint64_t who;
        int64_t began;
        unsigned count;
    } places[LIMIT_PLACES];
};

// `now` NULL: the system's monotonic clock.
bool limits_start(struct web_limits *limits, int64_t (*now)(void));
void limits_stop(struct web_limits *limits);

// Counts one for them; false when they had as many as they may have.
bool limit_take(struct web_limits *limits, enum web_limit kind, const char *who);

// Would the next one be refused?
bool limit_over(struct web_limits *limits, enum web_limit kind, const char *who);

// What an address is counted as: itself, or its /64 in IPv6, of which one person has as many as they like.
void limit_address(const char *address, char who[64]);

int64_t limits_clock(void);

#endif
