// The table of sessions. A request takes its session, works without the lock, and puts it back.
#include "session.h"

#include "web_limit.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE 10 // seconds that a request waits for another one of its session

struct sessions *sessions_make(int64_t (*now)(void))
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions == NULL)
        return NULL;
    pthread_mutex_init(&sessions->lock, NULL);
    pthread_cond_init(&sessions->freed, NULL);
    sessions->now = now != NULL ? now : limits_clock;
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    if (sessions == NULL)
        return;
    pthread_cond_destroy(&sessions->freed);
    pthread_mutex_destroy(&sessions->lock);
    OPENSSL_cleanse(sessions->places, sizeof sessions->places);
    free(sessions);
}

static bool random_text(char text[SESSION_ID])
{
    unsigned char bytes[(SESSION_ID - 1) / 2];
    bool done = RAND_priv_bytes(bytes, sizeof bytes) == 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

static bool hash_of(const char *id, unsigned char hash[32])
{
    unsigned size = 32;
    return EVP_Digest(id, strlen(id), hash, &size, EVP_sha256(), NULL) == 1;
}

static bool name_it(struct session *session, char id[SESSION_ID])
{
    return random_text(id) && random_text(session->csrf) && hash_of(id, session->hash);
}

static bool over(const struct session *session, int64_t now)
{
    return now - session->used >= SESSION_IDLE || now - session->began >= SESSION_ABSOLUTE;
}

static void wipe(struct session *session)
{
    OPENSSL_cleanse(session, sizeof *session);
}

// An empty place, or one that is over, or the anonymous one that idled longest.
static struct session *find_room(struct sessions *sessions, int64_t now)
{
    struct session *oldest = NULL;
    for (size_t i = 0; i < SESSION_PLACES; i++) {
        struct session *place = &sessions->places[i];
        if (!place->live)
            return place;
        if (place->busy)
            continue;
        if (over(place, now))
            return place;
        if (place->customer[0] == 0 && (oldest == NULL || place->used < oldest->used))
            oldest = place;
    }
    return oldest;
}

struct session *session_new(struct sessions *sessions, bool program, char id[SESSION_ID])
{
    pthread_mutex_lock(&sessions->lock);
    int64_t now = sessions->now();
    struct session *session = find_room(sessions, now);
    if (session != NULL) {
        wipe(session);
        session->program = program;
        session->began = session->used = now;
        session->live = session->busy = name_it(session, id);
        session = session->live ? session : NULL;
    }
    pthread_mutex_unlock(&sessions->lock);
    return session;
}

static struct session *find(struct sessions *sessions, const unsigned char hash[32], bool program)
{
    for (size_t i = 0; i < SESSION_PLACES; i++) {
        struct session *place = &sessions->places[i];
        if (place->live && place->program == program && CRYPTO_memcmp(place->hash, hash, 32) == 0)
            return place;
    }
    return NULL;
}

struct session *session_take(struct sessions *sessions, const char *id, bool program)
{
    unsigned char hash[32];
    struct timespec until;
    int waited = 0;
    if (strlen(id) != SESSION_ID - 1 || !hash_of(id, hash))
        return NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock(&sessions->lock);
    struct session *session = find(sessions, hash, program);
    while (session != NULL && session->busy && waited == 0) {
        waited = pthread_cond_timedwait(&sessions->freed, &sessions->lock, &until);
        session = find(sessions, hash, program);
    }
    if (session != NULL && session->busy)
        session = NULL;
    if (session != NULL && over(session, sessions->now())) {
        wipe(session);
        session = NULL;
    }
    if (session != NULL) {
        session->busy = true;
        session->used = sessions->now();
    }
    pthread_mutex_unlock(&sessions->lock);
    return session;
}

void session_put(struct sessions *sessions, struct session *session)
{
    if (session == NULL)
        return;
    pthread_mutex_lock(&sessions->lock);
    session->busy = false;
    pthread_cond_broadcast(&sessions->freed);
    pthread_mutex_unlock(&sessions->lock);
}

bool session_rotate(struct sessions *sessions, struct session *session, char id[SESSION_ID])
{
    pthread_mutex_lock(&sessions->lock);
    bool done = name_it(session, id);
    session->began = session->used = sessions->now();
    pthread_mutex_unlock(&sessions->lock);
    return done;
}

void sessions_sweep(struct sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    int64_t now = sessions->now();
    for (size_t i = 0; i < SESSION_PLACES; i++) {
        struct session *place = &sessions->places[i];
        if (place->live && !place->busy && over(place, now))
            wipe(place);
    }
    pthread_mutex_unlock(&sessions->lock);
}

void session_end(struct sessions *sessions, struct session *session)
{
    pthread_mutex_lock(&sessions->lock);
    wipe(session);
    pthread_cond_broadcast(&sessions->freed);
    pthread_mutex_unlock(&sessions->lock);
}

bool session_csrf(const struct session *session, const char *token)
{
    return token != NULL && strlen(token) == SESSION_ID - 1 &&
           CRYPTO_memcmp(session->csrf, token, SESSION_ID - 1) == 0;
}
