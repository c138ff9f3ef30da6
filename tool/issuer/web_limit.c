// Counts in windows of time. A place is one of four that a keyed hash names; the oldest of them makes room.
#include "web_limit.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAYS 4

static const struct {
    unsigned most;
    int64_t seconds;
} rows[LIMIT_KINDS] = {
    [LIMIT_REQUESTS] = {600, 60},
    [LIMIT_SESSIONS] = {120, 60},
    [LIMIT_STRAYS] = {30, 900},
    [LIMIT_WRONG] = {5, 900},
};

int64_t limits_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

bool limits_start(struct web_limits *limits, int64_t (*now)(void))
{
    memset(limits, 0, sizeof *limits);
    limits->now = now != NULL ? now : limits_clock;
    pthread_mutex_init(&limits->lock, NULL);
    return RAND_bytes(limits->key, sizeof limits->key) == 1;
}

void limits_stop(struct web_limits *limits)
{
    pthread_mutex_destroy(&limits->lock);
}

static uint64_t name_of(const struct web_limits *limits, enum web_limit kind, const char *who)
{
    char text[128];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = sizeof mac;
    uint64_t name = 0;
    int length = snprintf(text, sizeof text, "%d %s", (int)kind, who);
    HMAC(EVP_sha256(), limits->key, sizeof limits->key, (const unsigned char *)text,
         length < (int)sizeof text ? (size_t)length : sizeof text - 1, mac, &size);
    memcpy(&name, mac, sizeof name);
    return name | 1; // 0 is an empty place
}

// The place of this name: its own, else the one of four that began first, cleared for it.
static size_t place_of(struct web_limits *limits, uint64_t name, int64_t now, int64_t seconds)
{
    size_t first = (size_t)(name >> 8) % (LIMIT_PLACES / WAYS) * WAYS;
    size_t oldest = first;
    for (size_t i = first; i < first + WAYS; i++) {
        if (limits->places[i].who == name && limits->places[i].began + seconds > now)
            return i;
        if (limits->places[i].who == name) {
            oldest = i;
            break;
        }
        if (limits->places[i].began < limits->places[oldest].began || limits->places[i].who == 0)
            oldest = i;
    }
    limits->places[oldest].who = name;
    limits->places[oldest].began = now;
    limits->places[oldest].count = 0;
    return oldest;
}

static bool count(struct web_limits *limits, enum web_limit kind, const char *who, unsigned more)
{
    uint64_t name = name_of(limits, kind, who);
    pthread_mutex_lock(&limits->lock);
    size_t at = place_of(limits, name, limits->now(), rows[kind].seconds);
    bool allowed = limits->places[at].count < rows[kind].most;
    if (allowed)
        limits->places[at].count += more;
    pthread_mutex_unlock(&limits->lock);
    return allowed;
}

bool limit_take(struct web_limits *limits, enum web_limit kind, const char *who)
{
    return count(limits, kind, who, 1);
}

bool limit_over(struct web_limits *limits, enum web_limit kind, const char *who)
{
    return !count(limits, kind, who, 0);
}

void limit_address(const char *address, char who[64])
{
    struct in6_addr six;
    snprintf(who, 64, "%s", address);
    if (inet_pton(AF_INET6, address, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six))
        return;
    memset(six.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &six, who, 64);
}
