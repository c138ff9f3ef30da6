// Sessions of the certificate centre, in a table of fixed size: random ids of which only a hash is kept, an
// end after idling and an end in any case.
#ifndef INGAM_ISSUER_SESSION_H
#define INGAM_ISSUER_SESSION_H

#include "web_journey.h"

#include <pthread.h>

#define SESSION_ID       65 // 32 random bytes in hexadecimal, with the NUL
#define SESSION_PLACES   2048
#define SESSION_IDLE     600  // seconds
#define SESSION_ABSOLUTE 3600 // since the session began, or its login

struct session {
    unsigned char hash[32]; // SHA-256 of the id
    char csrf[SESSION_ID];  // what a form of this session carries
    int64_t began, used;
    bool live, busy;
    bool program;          // of the JSON API: opened by its id in a header, never by a cookie
    char customer[ACT_ID]; // who is logged in, or empty
    char name[REGISTRY_NAME + 1];
    struct journey journey;
};

struct sessions {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int64_t (*now)(void); // monotonic seconds
    struct session places[SESSION_PLACES];
};

// The table is large: make it with sessions_make. `now` NULL: the system's clock.
struct sessions *sessions_make(int64_t (*now)(void));
void sessions_free(struct sessions *sessions);

// A new session, taken; its id is told once. When the table is full, the one that idled longest of those
// where nobody is logged in makes room. NULL: all are logged in or busy, or the random generator fails.
struct session *session_new(struct sessions *sessions, bool program, char id[SESSION_ID]);

// The session of this id, taken: nobody else has it until it is put back. Waits some seconds for a request of
// the same session. NULL: there is none (any more).
struct session *session_take(struct sessions *sessions, const char *id, bool program);
void session_put(struct sessions *sessions, struct session *session);

// A new id and a new form token for a taken session, whose time begins anew: after a login, so that an id
// that somebody knew before is worth nothing.
bool session_rotate(struct sessions *sessions, struct session *session, char id[SESSION_ID]);

// Wipes the sessions that are over.
void sessions_sweep(struct sessions *sessions);

// Ends a taken session and wipes what it knew.
void session_end(struct sessions *sessions, struct session *session);

// Is this the form token of the session? In constant time.
bool session_csrf(const struct session *session, const char *token);

#endif
